"""Large tables of headlines in Parquet: rows without oddities are read by DuckDB, the others one by one.

Here belongs only the shortcut. What a headline must be is in `headlines.py`; both ways give the same rows, which a test
holds.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from cyberpi_assets.sources.events.headlines import LONGEST_BODY, LONGEST_HEADLINE, read_news_rows
from cyberpi_assets.sources.files.content import Content
from cyberpi_assets.sources.files.recognise import Format
from cyberpi_assets.sources.rows import Origin, Reading, Unreadable
from cyberpi_assets.sources.values import shorten
from cyberpi_assets.storage.engine import connect
from cyberpi_assets.tables import NEWS_FACTS

# what cleaning would change, or what is flagged: markup, entities, control and invisible characters, lookalikes, blanks
_ODD: Final = r"[<&\x00-\x1f\x7f\x{a0}\x{200b}-\x{200f}\x{2028}-\x{202e}\x{2060}\x{feff}\x{370}-\x{4ff}]|\s\s|^\s|\s$"
_URL: Final = r"https?://[^\s\"'<>\\^`{|}\x00-\x20]{3,990}"
_WANTED: Final = {
    "published_at": "timestamp", "precision": "text", "tickers": "text", "headline": "text", "summary": "text",
    "publisher": "text", "url": "text", "source": "text", "category": "text", "tz_suspect": "bool",
}  # fmt: skip


def read_news_table(content: Content, _form: Format, origin: Origin, _scratch: Path) -> Reading:
    """A table of headlines as `news_facts`. Raises Unreadable where it is damaged."""
    names = pq.read_schema(content.path).names
    if not _usual(content.path):
        return read_news_rows(_records(content.path, names), origin)
    con = connect()
    try:
        con.from_parquet(str(content.path), file_row_number=True).create_view("printed")
        con.execute(
            f"""CREATE TEMP TABLE easy AS SELECT file_row_number AS n FROM printed WHERE {_clean("headline")}
            AND headline IS NOT NULL AND length(headline) BETWEEN 1 AND {LONGEST_HEADLINE}
            AND (summary IS NULL OR {_clean("summary")} AND length(summary) BETWEEN 1 AND {LONGEST_BODY})
            AND (publisher IS NULL OR {_clean("publisher")} AND length(publisher) BETWEEN 1 AND 200)
            AND {_clean("source")} AND length(source) BETWEEN 1 AND 200
            AND (category IS NULL OR regexp_full_match(category, '[a-z_]{{3,20}}') AND category NOT IN
                 ('none', 'null', 'unknown', 'nan', 'nat'))
            AND (url IS NULL OR regexp_full_match(url, $url))
            AND (tickers IS NULL OR regexp_full_match(tickers, '[A-Z]{{1,5}}(,[A-Z]{{1,5}}){{0,50}}'))
            AND precision IN ('s', 'min', 'day') AND tz_suspect IS NOT NULL
            AND published_at >= TIMESTAMPTZ '1990-01-01' AND published_at < TIMESTAMPTZ '2100-01-01'
            AND date_trunc('second', published_at) = published_at""",
            {"odd": _ODD, "url": _URL},
        )
        taken = con.execute(f"""
            SELECT {", ".join(NEWS_FACTS.names[:-3])}, source, NULL AS file, n + 1 AS line FROM (
                SELECT coalesce(publisher, source) AS provider,
                       coalesce(url, left(sha256(headline || chr(31) || strftime(
                           published_at AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S+00:00')), 24)) AS article_id,
                       headline, summary AS body, url,
                       published_at, precision, tz_suspect, category, NULL::VARCHAR AS language,
                       NULL::TIMESTAMPTZ AS seen_at, []::VARCHAR[] AS flags, source, e.n,
                       CASE WHEN tickers IS NULL THEN []::VARCHAR[] ELSE string_split(tickers, ',') END AS tickers
                FROM printed p JOIN easy e ON p.file_row_number = e.n)
            ORDER BY line""").to_arrow_table()
        left = con.sql("SELECT * FROM printed ANTI JOIN easy ON file_row_number = n ORDER BY file_row_number")
        rest = read_news_rows(_odd_rows(left), origin)
    except duckdb.Error as error:
        raise Unreadable(f"damaged: {shorten(error)}") from error
    finally:
        con.close()
    return _together(taken, rest, origin)


def _clean(column: str) -> str:
    return f"NOT regexp_matches({column}, $odd)"


def _usual(path: Path) -> bool:
    """Whether the columns have the types of the usual table."""
    schema = pq.read_schema(path)
    if not _WANTED.keys() <= set(schema.names):
        return False
    return all(_fits(kind, schema.field(name).type) for name, kind in _WANTED.items())


def _fits(kind: str, given: Any) -> bool:
    if kind == "timestamp":
        return pa.types.is_timestamp(given) and given.tz is not None
    if kind == "bool":
        return pa.types.is_boolean(given)
    return pa.types.is_string(given) or pa.types.is_large_string(given) or pa.types.is_dictionary(given)


def _records(path: Path, names: list[str]) -> Any:
    line = 0
    lower = [n.strip().lower() for n in names]
    for batch in pq.ParquetFile(path).iter_batches(20_000):
        for cells in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            line += 1
            yield line, dict(zip(lower, cells, strict=True)), cells


def _odd_rows(left: duckdb.DuckDBPyRelation) -> Any:
    for row in left.to_arrow_table().to_pylist():
        yield row.pop("file_row_number") + 1, row, row


def _together(taken: pa.Table, rest: Reading, origin: Origin) -> Reading:
    columns: dict[str, Any] = {n: taken.column(n) for n in NEWS_FACTS.names if n != "file"}
    columns["file"] = pa.repeat(pa.scalar(origin.file), taken.num_rows)
    plain = pa.schema([pa.field(f.name, f.type) for f in NEWS_FACTS.schema])
    quick = pa.table([columns[n] for n in NEWS_FACTS.names], names=NEWS_FACTS.names).cast(plain)
    slow = rest.facts["news_facts"]
    assert isinstance(slow, pa.Table)
    rest.facts["news_facts"] = pa.concat_tables([quick, slow.cast(plain)])
    rest.rows_read = (rest.rows_read or 0) + taken.num_rows
    return rest
