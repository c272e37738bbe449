"""One row per article: delivered rows merged, dated, and read.

Here belongs which version of an article stands, and which rows are put aside. What a headline means is in `topics.py`,
whom it names in `naming.py`, whose story it repeats in `stories.py`.

The earliest version stands, as it could be known first; an id that comes with other texts later is counted and flagged.
An article belongs to the month in which it could first be known; rows that deliver it again in later months are put
aside, for a month may not depend on later ones.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cyberpi_assets.domain.columns import day_numbers
from cyberpi_assets.domain.news import topics
from cyberpi_assets.domain.news.moments import AVAILABLE, day_of
from cyberpi_assets.domain.news.naming import Names
from cyberpi_assets.domain.news.stories import stories
from cyberpi_assets.domain.news.text import Bools, Texts
from cyberpi_assets.domain.news.topics import Keywords, about, cves_of
from cyberpi_assets.domain.sql import Frame, ask
from cyberpi_assets.tables import NEWS_ITEMS, QUARANTINE_FACTS

PRESS: Final = ("cyber", "vendor", "government")  # categories of those who write about security
_PLACED: Final = f"""
    WITH dated AS (SELECT *, {AVAILABLE} AS available_at FROM facts),
    named AS (
        SELECT *, {day_of("available_at")} AS published_on,
               'threat_' || left(sha256(provider || chr(31) || article_id), 16) AS news_id
        FROM dated
    ),
    placed AS (
        SELECT *, strftime(published_on, '%Y-%m') AS month,
               min(strftime(published_on, '%Y-%m')) OVER (PARTITION BY news_id) AS first_month
        FROM named
    )"""


def news_items(
    facts: Frame, history: pa.Table, names: Names, keywords: Keywords, first_month: str, last_month: str
) -> pa.Table:
    """Articles that could first be known in the months. Columns: `tables.NEWS_ITEMS`.

    facts: all `tables.NEWS_FACTS`; history: `tables.SYMBOL_HISTORY`, by which stated symbols become today's. Months are
    YYYY-MM, inclusive. Ordered by month, moment and id.
    """
    merged = ask(
        f"""{_PLACED}, kept AS MATERIALIZED (
            SELECT *, row_number() OVER (ORDER BY available_at, file, line) AS rank, hash(headline, body) AS content
            FROM placed WHERE month = first_month AND month BETWEEN $first AND $last
        ), changes AS (
            SELECT ticker, current_ticker, valid_to FROM history
            WHERE current_ticker IS NOT NULL AND valid_to IS NOT NULL
            QUALIFY row_number() OVER (PARTITION BY ticker, valid_to ORDER BY current_ticker) = 1
        ), printed AS (
            SELECT news_id, published_on, unnest(tickers) AS ticker FROM kept
        ), stated AS (
            SELECT p.news_id, list_sort(list(DISTINCT coalesce(h.current_ticker, p.ticker))) AS stated_tickers
            FROM printed p ASOF LEFT JOIN changes h ON p.ticker = h.ticker AND h.valid_to >= p.published_on
            GROUP BY p.news_id
        ), flagged AS (
            SELECT news_id, list_sort(list(DISTINCT flag)) AS flags
            FROM (SELECT news_id, unnest(flags) AS flag FROM kept) GROUP BY news_id
        ), merged AS (
            SELECT news_id, min(rank) AS rank, min(rank) FILTER (body IS NOT NULL) AS body_rank,
                   min(rank) FILTER (url IS NOT NULL) AS url_rank, count(*) AS n_rows,
                   min(content) = max(content) AS same, min(seen_at) AS seen_at
            FROM kept GROUP BY news_id
        ), versions AS (
            SELECT news_id, count(DISTINCT content) AS n
            FROM kept SEMI JOIN (FROM merged WHERE NOT same) USING (news_id)
            GROUP BY news_id
        )
        SELECT news_id, v.provider, v.article_id, v.headline, v.published_at, v.precision, v.tz_suspect, v.published_on,
               v.category, v.source, v.file, v.line, v.month, v.available_at, b.body, u.url,
               coalesce(stated_tickers, []) AS stated_tickers, n_rows, coalesce(w.n, 1) AS n_versions, m.seen_at,
               list_concat(coalesce(x.flags, []), CASE WHEN w.n > 1 THEN ['versions_differ'] ELSE [] END) AS flags
        FROM merged m JOIN kept v USING (news_id, rank) LEFT JOIN kept b ON b.rank = m.body_rank
        LEFT JOIN kept u ON u.rank = m.url_rank LEFT JOIN versions w USING (news_id)
        LEFT JOIN stated USING (news_id) LEFT JOIN flagged x USING (news_id)
        ORDER BY v.month, v.available_at, news_id""",
        params={"first": first_month, "last": last_month},
        facts=facts,
        history=history,
    )
    return _read(merged, names, keywords)


def _read(merged: pa.Table, names: Names, keywords: Keywords) -> pa.Table:
    """The articles with what they are about, whom they name and whose story they repeat."""
    n = merged.num_rows
    texts = Texts(merged.column("headline"))
    places = names.places(texts)
    press = _flag(pc.is_in(merged.column("category"), value_set=pa.array(PRESS)))
    subject = about(texts, keywords, names.sure(places), press)
    links = names.link(texts, _stated(merged), places)
    linked = ask(
        """
        SELECT row, list(ticker ORDER BY place) AS tickers,
               list(kind || ':' || found ORDER BY place) AS ticker_evidence,
               coalesce(list(ticker ORDER BY place) FILTER (kind <> 'stated'), []) AS named_tickers
        FROM (SELECT *, row_number() OVER () AS place FROM links)
        GROUP BY row ORDER BY row""",
        links=links,
    )
    companies = {c: _spread(linked, c, n) for c in ("tickers", "ticker_evidence", "named_tickers")}
    days = day_numbers(merged.column("published_on"))
    story = stories(merged.column("headline"), days, np.arange(n), companies["named_tickers"]).column(0).to_numpy()
    ids: Any = merged.column("news_id")
    first: Any = pa.array(story)
    story_id: Any = ids.take(first)
    repeats = pa.array(story == np.arange(n))
    numbers = _cves(merged)
    columns: dict[str, Any] = {c: merged.column(c) for c in merged.column_names}
    columns |= {c: subject.column(c) for c in topics.TOPICS.names} | companies
    columns |= {
        "cves": numbers,
        "story_id": story_id,
        "duplicate_of": pc.if_else(repeats, pa.scalar(None, pa.string()), story_id),
    }
    return pa.table({c: columns[c] for c in NEWS_ITEMS.names}).cast(NEWS_ITEMS.schema)


def _flag(mask: Any) -> Bools:
    known: Any = pc.fill_null(mask, False)
    return known.to_numpy(zero_copy_only=False) if isinstance(known, pa.Array) else known.to_numpy()


def _stated(merged: pa.Table) -> pa.Table:
    lists: Any = merged.column("stated_tickers").combine_chunks()
    parents: Any = pc.list_parent_indices(lists)
    tickers: Any = pc.list_flatten(lists)
    return pa.table([parents.cast(pa.int64()), tickers], names=["row", "ticker"])


def _spread(linked: pa.Table, column: str, n: int) -> pa.ChunkedArray[Any]:
    """Lists of the rows that have one, empty lists for the others."""
    place = np.full(n, linked.num_rows, dtype=np.int64)
    place[linked.column("row").to_numpy()] = np.arange(linked.num_rows)
    kind = pa.list_(pa.string())
    lists = pa.chunked_array([*linked.column(column).cast(kind).chunks, pa.array([[]], kind)])
    places: Any = pa.array(place)
    spread: Any = lists.take(places)
    return spread


def _cves(merged: pa.Table) -> pa.Array[Any]:
    """CVE numbers of headline and body; only texts that hold the letters are looked at."""
    join: Any = pc.binary_join_element_wise
    both = join(merged.column("headline"), merged.column("body"), "\n", null_handling="skip")
    rows = np.flatnonzero(_flag(pc.match_substring(both, "CVE", ignore_case=True)))
    found: list[list[str]] = [[] for _ in range(merged.num_rows)]
    for row, numbers in zip(rows.tolist(), cves_of(both.take(rows).to_pylist()), strict=True):
        found[row] = numbers
    return pa.array(found, pa.list_(pa.string()))


def news_put_aside(facts: Frame, first_month: str, last_month: str) -> pa.Table:
    """Rows of news that are in no item, and why. Columns: `tables.QUARANTINE_FACTS`; ordered by file and line."""
    return ask(
        f"""{_PLACED}
        SELECT file, line, 'news' AS kind, 'published_at' AS field, published_at::VARCHAR AS value,
               CASE WHEN first_month NOT BETWEEN $first AND $last
                    THEN 'outside the months kept, ' || $first || ' to ' || $last
                    ELSE 'the article was known in an earlier month, ' || first_month END AS reason
        FROM placed WHERE month <> first_month OR month NOT BETWEEN $first AND $last
        ORDER BY file, line""",
        params={"first": first_month, "last": last_month},
        shape=QUARANTINE_FACTS,
        facts=facts,
    )
