"""Daily bars from Parquet and CSV, in the column names of Yahoo, Stooq, Tiingo and plain OHLCV tables.

Here a file's bars become `bar_facts` and its dividends and splits `action_facts`, streamed through DuckDB in bounded
memory. Merging several files' bars, symbol changes and the exchange calendar are `domain/`'s.
"""

from __future__ import annotations

import codecs
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from cyberpi_assets.sources.files.content import Content, decode, sniff_delimiter
from cyberpi_assets.sources.files.recognise import Format, bar_columns
from cyberpi_assets.sources.rows import Origin, Reading, Unreadable
from cyberpi_assets.sources.values import normalise_symbol, shorten
from cyberpi_assets.storage.engine import connect
from cyberpi_assets.tables import QUARANTINE_FACTS

EARLIEST, LATEST = "1900-01-01", "2100-12-31"
_BLOCK: Final = 8 * 2**20  # a line longer than this is refused
_STEM = re.compile(r"[A-Z0-9]{1,6}([.\-][A-Z0-9]{1,3})?")
_PARTS: Final = (
    "date",
    "ticker",
    "open",
    "high",
    "low",
    "close",
    "adj_close",
    "volume",
    "source",
    "basis",
    "dividend",
    "split",
)
_BASIS_OF: Final = {"bars/yahoo": "split", "bars/stooq": "split", "bars/stooq-ascii": "split"}
_SOURCE_OF: Final = {"bars/yahoo": "yahoo", "bars/stooq": "stooq", "bars/stooq-ascii": "stooq"}


@dataclass(frozen=True)
class _Staged:
    """A Parquet file whose columns play the parts of a bar, with the SQL of its row number."""

    path: Path
    parts: dict[str, str]
    types: dict[str, pa.DataType]
    line: str
    rows: int
    torn: list[tuple[int, str]]
    note: str | None = None


def ticker_of_name(name: str) -> str | None:
    """The symbol that a file's name stands for (`okta.us.txt`, `BRK-B.csv.gz`), or None when it is no symbol."""
    stem = name
    while m := re.fullmatch(r"(.+)\.(csv|txt|gz|parquet|pq|json|us)", stem, re.IGNORECASE):
        stem = m[1]
    stem = stem.upper()
    return normalise_symbol(stem) if _STEM.fullmatch(stem) else None


def read_bars(content: Content, form: Format, origin: Origin, scratch: Path) -> Reading:
    """A file's bars and actions as Parquet files in `scratch`, and the rows put aside.

    `line` is the data row, counted from 1. Raises Unreadable when no column and no file name says which symbol it is,
    or when the file is damaged.
    """
    staged = _stage_parquet(content, scratch) if content.medium == "parquet" else _stage_csv(content, scratch)
    ticker = None
    if "ticker" not in staged.parts:
        ticker = ticker_of_name(origin.name)
        if ticker is None:
            raise Unreadable("bars without a ticker column, and the file's name is not a ticker")
    con = connect(memory_limit="1GB", temp_directory=scratch / "spill")
    try:
        return _normalise(con, staged, form, origin, ticker, scratch)
    except duckdb.Error as error:
        raise Unreadable(f"damaged: {shorten(error)}") from error
    finally:
        con.close()


def _stage_parquet(content: Content, scratch: Path) -> _Staged:
    link = scratch / "input.parquet"  # DuckDB would read patterns into a name with * or [
    link.symlink_to(content.path.absolute())
    schema, rows = pq.read_schema(content.path), pq.read_metadata(content.path).num_rows
    types = {f.name: f.type for f in schema}
    return _Staged(link, bar_columns(schema.names), types, "file_row_number + 1", rows, [])


def _stage_csv(content: Content, scratch: Path) -> _Staged:
    """The cells as text in a Parquet file, with their row number; torn rows apart. Raises Unreadable."""
    plain = scratch / "input.csv"
    decoder, encoding = codecs.getincrementaldecoder("utf-8")(), "utf8"
    if content.head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encoding = "utf-16"
    with plain.open("wb") as out:
        for chunk in itertools.chain(content.chunks(), [b""]):
            out.write(chunk)
            if encoding == "utf8":
                try:
                    decoder.decode(chunk, final=not chunk)
                except UnicodeDecodeError:
                    encoding = "cp1252"
    first = decode(content.head if encoding == "utf-16" else content.head.split(b"\n", 1)[0])[0].split("\n")[0]
    torn: list[tuple[int, str]] = []

    def tear(row: pacsv.InvalidRow) -> Literal["skip"]:
        torn.append(((row.number or 1) - 1, row.text))
        return "skip"

    staged = scratch / "cells.parquet"
    names, rows = _header(first), 0
    try:
        reader = pacsv.open_csv(
            plain,
            read_options=pacsv.ReadOptions(use_threads=False, block_size=_BLOCK, encoding=encoding),
            parse_options=pacsv.ParseOptions(
                delimiter=sniff_delimiter(first), newlines_in_values=True, invalid_row_handler=tear
            ),
            convert_options=pacsv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
            ),
        )
        with pq.ParquetWriter(staged, reader.schema.append(pa.field("line", pa.int64())), compression="snappy") as out:
            for batch in _numbered(reader, torn):
                out.write_table(batch)
                rows += batch.num_rows
    except (pa.ArrowInvalid, pa.ArrowKeyError, UnicodeDecodeError) as error:
        raise Unreadable(f"CSV is damaged after row {rows}: {shorten(error)}") from error
    finally:
        plain.unlink()
    schema = pq.read_schema(staged)
    types = {f.name: f.type for f in schema}
    parts = bar_columns(n for n in schema.names if n != "line")
    note = None if encoding == "utf8" else f"text is not UTF-8; read as {encoding}"
    return _Staged(staged, parts, types, "line", rows + len(torn), torn, note)


def _header(line: str) -> list[str]:
    cells = line.strip("\r\n\ufeff").split(sniff_delimiter(line))
    return [c.strip('"') for c in cells]


def _numbered(reader: pacsv.CSVStreamingReader, torn: list[tuple[int, str]]) -> Iterator[pa.Table]:
    """Batches with the numbers of their rows as `line`; torn rows, known before their batch, have numbers too."""
    following = 1
    for batch in reader:
        gaps = np.array([n for n, _ in torn if n >= following], dtype=np.int64)
        numbers = np.arange(following, following + batch.num_rows + len(gaps), dtype=np.int64)
        lines = numbers[~np.isin(numbers, gaps)][: batch.num_rows]
        if len(lines):
            following = int(lines[-1]) + 1
        yield pa.Table.from_batches([batch]).append_column("line", pa.array(lines))


# --------------------------------------------------------------------------------------------------------- SQL of a bar


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _date_sql(column: str, kind: pa.DataType) -> str:
    """The session a date cell means: as written; an instant is the day in the column's zone, else in New York."""
    if pa.types.is_date(kind):
        return f"CAST({column} AS DATE)"
    if pa.types.is_timestamp(kind):
        if kind.tz is None:
            return f"CAST({column} AS DATE)"
        zone = kind.tz if kind.tz not in ("UTC", "Etc/UTC", "+00:00") else "America/New_York"
        local = f"CAST(timezone('{zone}', {column}) AS DATE)" if re.fullmatch(r"[A-Za-z0-9_+\-/]+", zone) else "NULL"
        written = f"timezone('UTC', {column})"
        return f"CASE WHEN CAST({written} AS TIME) = TIME '00:00:00' AND '{zone}' = 'America/New_York' " + (
            f"THEN CAST({written} AS DATE) ELSE {local} END"
        )
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return _number_date(f"TRY_CAST({column} AS BIGINT)", f"CAST(TRY_CAST({column} AS BIGINT) AS VARCHAR)")
    text = f"trim({column})"
    return (
        f"CASE WHEN regexp_full_match({text}, '\\d{{4}}-\\d\\d-\\d\\d([T ].{{0,40}})?') "
        f"THEN TRY_CAST(left({text}, 10) AS DATE) "
        f"WHEN regexp_full_match({text}, '\\d{{8,19}}') THEN {_number_date(f'TRY_CAST({text} AS BIGINT)', text)} "
        f"WHEN regexp_full_match({text}, '\\d{{1,2}}/\\d{{1,2}}/\\d{{4}}') "
        f"THEN CAST(try_strptime({text}, '%m/%d/%Y') AS DATE) END"
    )


def _number_date(number: str, text: str) -> str:
    day = "CAST(timezone('America/New_York', to_timestamp({n} / {d})) AS DATE)"
    seconds = "\n".join(
        f"WHEN {number} BETWEEN -2208988800 * {d} AND 4133980800 * {d} THEN {day.format(n=number, d=d)}"
        for d in (1, 1000, 1_000_000, 1_000_000_000)
    )
    return (
        f"CASE WHEN {number} BETWEEN 10000101 AND 99991231 THEN CAST(try_strptime({text}, '%Y%m%d') AS DATE) "
        f"{seconds} END"
    )


def _number_sql(column: str, kind: pa.DataType) -> tuple[str, str]:
    """A cell as a double, and whether it says something that is no number."""
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return f"CAST({column} AS DOUBLE)", "false"
    text = f"trim(CAST({column} AS VARCHAR))"
    blank = f"({column} IS NULL OR lower({text}) IN ('', 'null', 'nan', 'none', 'na', 'n/a', '-', '--'))"
    value = f"CASE WHEN {blank} THEN NULL ELSE TRY_CAST(replace({text}, ',', '') AS DOUBLE) END"
    return value, f"(NOT {blank} AND TRY_CAST(replace({text}, ',', '') AS DOUBLE) IS NULL)"


_TICKER_SQL: Final = """
regexp_replace(regexp_replace(regexp_replace(upper(trim(CAST({c} AS VARCHAR))), '\\.US$', ''),
  '^([A-Z0-9]{{1,5}})[./]([A-Z])$', '\\1-\\2'), '^([A-Z]{{1,5}})\\$([A-Z])$', '\\1-P\\2')
"""


def _normalise(
    con: duckdb.DuckDBPyConnection, staged: _Staged, form: Format, origin: Origin, ticker: str | None, scratch: Path
) -> Reading:
    cells = {p: _quoted(staged.parts[p]) for p in _PARTS if p in staged.parts}
    kinds = {p: staged.types[staged.parts[p]] for p in cells}
    numbers = {p: _number_sql(cells[p], kinds[p]) for p in cells if p in _PARTS[2:8] or p in ("dividend", "split")}
    value = {p: numbers[p][0] if p in numbers else "CAST(NULL AS DOUBLE)" for p in (*_PARTS[2:8], "dividend", "split")}
    values: dict[str, Any] = {
        "file": origin.file,
        "ticker": ticker,
        "source": _SOURCE_OF.get(form.name, "file"),
        "basis": _BASIS_OF.get(form.name, "unknown"),
    }
    unread = "\n".join(
        f"WHEN {bad} THEN '{p}'" for p, (_, bad) in numbers.items() if bad != "false" and p not in ("dividend", "split")
    )
    printed = {p: f"CAST({cells[p]} AS VARCHAR)" if p in cells else "NULL" for p in _PARTS}
    con.execute(f"CREATE TEMP VIEW cells AS SELECT *, {staged.line} AS row_line FROM {_scan(staged)}")
    con.execute(
        """
        CREATE TEMP MACRO stated(x, otherwise) AS coalesce(nullif(trim(CAST(x AS VARCHAR)), ''), otherwise)
        """
    )
    params = "getvariable('{}')"
    for name, item in values.items():
        con.execute(f"SET VARIABLE {name} = ?", [item])
    con.execute(
        f"""
        CREATE TEMP VIEW bars AS
        SELECT *, CASE
            WHEN session IS NULL THEN 'date'
            WHEN session NOT BETWEEN DATE '{EARLIEST}' AND DATE '{LATEST}' THEN 'date'
            WHEN ticker IS NULL OR ticker = '' OR length(ticker) > 24 THEN 'ticker'
            WHEN unread IS NOT NULL THEN unread
            WHEN close IS NULL OR NOT isfinite(close) OR close <= 0 THEN 'close'
            WHEN volume < 0 OR NOT isfinite(volume) OR volume > 9e18 THEN 'volume'
          END AS fault
        FROM (SELECT
            {_TICKER_SQL.format(c=cells["ticker"]) if "ticker" in cells else params.format("ticker")} AS ticker,
            {_date_sql(cells["date"], kinds["date"])} AS session,
            {", ".join(f"{value[p]} AS {p}" for p in (*_PARTS[2:8], "dividend", "split"))},
            {f"stated({cells['source']}, {params.format('source')})" if "source" in cells else params.format("source")}
                AS source,
            {f"lower(stated({cells['basis']}, 'unknown'))" if "basis" in cells else params.format("basis")} AS basis,
            {f"CASE {unread} END" if unread else "CAST(NULL AS VARCHAR)"} AS unread,
            {", ".join(f"{printed[p]} AS printed_{p}" for p in ("date", "ticker", *_PARTS[2:8], "dividend", "split"))},
            row_line AS line
          FROM cells)
        """
    )
    finite = "CASE WHEN isfinite({p}) AND {p} >= 0 THEN {p} END AS {p}"
    target = scratch / "bar_facts.parquet"
    con.execute(
        f"""
        COPY (SELECT ticker, session, {", ".join(finite.format(p=p) for p in ("open", "high", "low"))}, close,
                CASE WHEN isfinite(adj_close) AND adj_close > 0 THEN adj_close END AS adj_close,
                CAST(round(volume) AS BIGINT) AS volume,
                CAST(basis AS VARCHAR) AS basis, CAST(source AS VARCHAR) AS source,
                CAST(getvariable('file') AS VARCHAR) AS file, line
              FROM bars WHERE fault IS NULL)
        TO '{str(target).replace("'", "''")}' (FORMAT parquet, COMPRESSION snappy)
        """
    )
    accepted = pq.read_metadata(target).num_rows
    facts: dict[str, pa.Table | Path] = {"bar_facts": target}
    put_aside = [_torn(origin, n, text) for n, text in staged.torn]
    rows_read = staged.rows
    bad = _faults(con, origin) if accepted + len(staged.torn) < staged.rows else QUARANTINE_FACTS.empty()
    if "dividend" in cells or "split" in cells:
        actions, bad_actions, records = _actions(con, origin, numbers)
        rows_read += records
        if actions.num_rows:
            facts["action_facts"] = actions
        put_aside += bad_actions
    quarantine = pa.concat_tables([bad, pa.Table.from_pylist(put_aside, schema=QUARANTINE_FACTS.schema)])
    return Reading(facts, quarantine, rows_read, staged.note)


def _scan(staged: _Staged) -> str:
    path = "'" + str(staged.path).replace("'", "''") + "'"
    return f"read_parquet({path}, file_row_number = {str(staged.line.startswith('file_row')).lower()})"


def _torn(origin: Origin, number: int, text: str) -> dict[str, Any]:
    return {
        "file": origin.file,
        "line": number,
        "kind": "bars",
        "field": "row",
        "value": shorten(text),
        "reason": "the row has more or fewer cells than the header",
    }


def _faults(con: duckdb.DuckDBPyConnection, origin: Origin) -> pa.Table:
    fields = ("date", "ticker", *_PARTS[2:8])
    shown = " ".join(f"WHEN '{p}' THEN left(printed_{p}, 200)" for p in fields)
    return (
        con.execute(
            f"""
            SELECT ? AS file, line, 'bars' AS kind, fault AS field, CASE fault {shown} END AS value,
              CASE WHEN fault = 'date' AND session IS NULL THEN 'not a date'
                   WHEN fault = 'date' THEN 'outside {EARLIEST} to {LATEST}'
                   WHEN fault = 'ticker' THEN 'no ticker'
                   WHEN unread IS NOT NULL THEN 'not a number'
                   WHEN fault = 'close' AND close IS NULL THEN 'no close'
                   WHEN fault = 'close' THEN 'close is not a positive finite number'
                   ELSE 'volume is negative or not finite' END AS reason
            FROM bars WHERE fault IS NOT NULL ORDER BY line
            """,
            [origin.file],
        )
        .to_arrow_table()
        .cast(pa.schema([pa.field(f.name, f.type) for f in QUARANTINE_FACTS.schema]))
        .cast(QUARANTINE_FACTS.schema)
    )


def _actions(
    con: duckdb.DuckDBPyConnection, origin: Origin, numbers: dict[str, tuple[str, str]]
) -> tuple[pa.Table, list[dict[str, Any]], int]:
    """Dividends and splits printed beside accepted bars: facts, quarantined rows, and how many records they are."""
    nothing = {"dividend": "dividend <> 0", "split": "split NOT IN (0, 1)"}
    said = [p for p in ("dividend", "split") if p in numbers]
    good = " UNION ALL ".join(
        f"SELECT ticker, session, '{p}' AS action, {p} AS value, source, getvariable('file') AS file, line FROM bars "
        f"WHERE fault IS NULL AND isfinite({p}) AND {p} > 0 AND {nothing[p]}"
        for p in said
    )
    actions = con.execute(f"SELECT * FROM ({good}) ORDER BY line, action").to_arrow_table()
    blank = "lower(trim(printed_{p})) IN ('', 'null', 'nan', 'none', '-', '--')"
    odd = " UNION ALL ".join(
        f"SELECT line, '{p}' AS field, printed_{p} AS value FROM bars WHERE fault IS NULL "
        f"AND printed_{p} IS NOT NULL AND NOT {blank.format(p=p)} "
        f"AND ({p} IS NULL OR NOT isfinite({p}) OR {p} < 0)"
        for p in said
    )
    bad = [
        {
            "file": origin.file,
            "line": line,
            "kind": "actions",
            "field": name,
            "value": shorten(value),
            "reason": "not a positive number",
        }
        for line, name, value in con.execute(f"SELECT * FROM ({odd}) ORDER BY line, field").fetchall()
    ]
    return actions, bad, actions.num_rows + len({b["line"] for b in bad})
