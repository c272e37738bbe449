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
    return subject.counts(
        """
        SELECT month, count(*) AS items,
               count(*) FILTER (trim(provider) = '' OR trim(headline) = '') AS without_provider,
               count(*) FILTER (available_at < published_at AND (seen_at IS NULL OR available_at < seen_at))
                   AS known_too_early,
               count(*) FILTER (list_contains(flags, 'future_dated')) AS future_dated
        FROM news_items GROUP BY month""",
        "news_items",
        harmless=("items", "future_dated"),
    )


@check(news_items, blocking=True, more="What repeats a story names its first item, of the same day, known no later.")
def duplicates_point_back(subject: Subject) -> Verdict:
    return subject.counts(
        """
        SELECT d.month, count(*) FILTER (d.duplicate_of IS NOT NULL) AS duplicates,
               count(*) FILTER (d.duplicate_of IS NOT NULL AND (f.news_id IS NULL OR f.published_on <> d.published_on
                                OR f.available_at > d.available_at OR f.duplicate_of IS NOT NULL)) AS pointing_nowhere,
               count(*) FILTER (d.n_versions > 1) AS ids_with_several_texts
        FROM news_items d LEFT JOIN news_items f ON f.news_id = d.duplicate_of GROUP BY d.month""",
        "news_items",
        harmless=("duplicates", "ids_with_several_texts"),
    )


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
    return subject.counts(
        """
        SELECT month, count(*) AS items, count(*) FILTER (length(title) NOT BETWEEN 1 AND 500) AS titles,
               count(*) FILTER (length(content) NOT BETWEEN 1 AND 10000) AS contents,
               count(*) FILTER (NOT regexp_matches(source_url, '^(https?|ibkr|cyberpi)://')) AS addresses,
               count(*) FILTER (severity NOT IN ('critical', 'high', 'medium', 'low', 'info')) AS severities,
               count(*) FILTER (len(threat_type) = 0) AS without_type
        FROM intelligence_items GROUP BY month""",
        "intelligence_items",
        harmless=("items",),
    )


CHECKS = [
    headlines_are_accounted_for,
    items_have_provider_and_moment,
    duplicates_point_back,
    halts_agree_with_their_count,
    items_fit_the_schema,
]
