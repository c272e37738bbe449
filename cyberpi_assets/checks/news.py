"""What must hold of news and threat items, beyond their shape."""

from __future__ import annotations

from cyberpi_assets.assets.news import intelligence_items, news_items, trading_halts
from cyberpi_assets.checks.recorded import Subject, Verdict, check
from cyberpi_assets.domain.news.items import news_put_aside
from cyberpi_assets.orchestration.partitions import MONTHS
from cyberpi_assets.storage.engine import connect


@check(news_items, blocking=False, more="Rows of news read are rows in items plus rows put aside with a reason.")
def headlines_are_accounted_for(subject: Subject) -> Verdict:
    facts, every = subject.sources.gather().facts("news_facts"), MONTHS.get_partition_keys()
    kept = subject.lake.relation(connect(), "news_items").aggregate("coalesce(sum(n_rows), 0)").fetchone()
    assert kept is not None
    aside = news_put_aside(facts, every[0], every[-1]).num_rows
    detail = {"accepted": facts.num_rows, "in_items": int(kept[0]), "put_aside_later": aside}
    return Verdict(facts.num_rows == int(kept[0]) + aside, detail)


@check(
    news_items, blocking=True, more="No item without provider or moment, and none that could be known before it was."
)
def items_have_provider_and_moment(subject: Subject) -> Verdict:
    con = connect()
    found = (
        subject.lake.relation(con, "news_items")
        .aggregate(
            "count(*), count(*) FILTER (trim(provider) = '' OR trim(headline) = ''), "
            "count(*) FILTER (available_at < published_at AND (seen_at IS NULL OR available_at < seen_at)), "
            "count(*) FILTER (list_contains(flags, 'future_dated'))"
        )
        .fetchone()
    )
    assert found is not None
    figures = dict(zip(("items", "without_provider", "known_too_early", "future_dated"), map(int, found), strict=True))
    return Verdict(figures["without_provider"] == 0 and figures["known_too_early"] == 0, figures)


@check(news_items, blocking=True, more="What repeats a story names its first item, of the same day, known no later.")
def duplicates_point_back(subject: Subject) -> Verdict:
    con = connect()
    subject.lake.views(con)
    found = con.sql("""
        SELECT count(*) FILTER (d.duplicate_of IS NOT NULL),
               count(*) FILTER (d.duplicate_of IS NOT NULL AND (f.news_id IS NULL OR f.published_on <> d.published_on
                                OR f.available_at > d.available_at OR f.duplicate_of IS NOT NULL)),
               count(*) FILTER (d.n_versions > 1)
        FROM news_items d LEFT JOIN news_items f ON f.news_id = d.duplicate_of""").fetchone()
    assert found is not None
    figures = dict(zip(("duplicates", "pointing_nowhere", "ids_with_several_texts"), map(int, found), strict=True))
    return Verdict(figures["pointing_nowhere"] == 0, figures)


@check(trading_halts, blocking=False, more="Every list of halts that announces a number holds as many.")
def halts_agree_with_their_count(subject: Subject) -> Verdict:
    con = connect()
    found = (
        subject.lake.relation(con, "source_files")
        .filter("kind = 'halts'")
        .aggregate("count(*), count(*) FILTER (reason LIKE 'the feed announces%')")
        .fetchone()
    )
    assert found is not None
    return Verdict(found[1] == 0, {"lists": int(found[0]), "incomplete": int(found[1])})


@check(intelligence_items, blocking=True, more="Title, content, severity and address are as the published schema says.")
def items_fit_the_schema(subject: Subject) -> Verdict:
    con = connect()
    found = (
        subject.lake.relation(con, "intelligence_items")
        .aggregate(
            "count(*), count(*) FILTER (length(title) NOT BETWEEN 1 AND 500), "
            "count(*) FILTER (length(content) NOT BETWEEN 1 AND 10000), "
            "count(*) FILTER (NOT regexp_matches(source_url, '^(https?|ibkr|cyberpi)://')), "
            "count(*) FILTER (severity NOT IN ('critical', 'high', 'medium', 'low', 'info')), "
            "count(*) FILTER (len(threat_type) = 0)"
        )
        .fetchone()
    )
    assert found is not None
    names = ("items", "titles", "contents", "addresses", "severities", "without_type")
    figures = dict(zip(names, map(int, found), strict=True))
    return Verdict(not any(figures[n] for n in names[1:]), figures)


CHECKS = [
    headlines_are_accounted_for,
    items_have_provider_and_moment,
    duplicates_point_back,
    halts_agree_with_their_count,
    items_fit_the_schema,
]
