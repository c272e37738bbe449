"""Daily bars from Parquet and CSV, in the column names of Yahoo, Stooq, Tiingo and plain OHLCV tables.

Here a file's bars become `bar_facts` and its dividends and splits `action_facts`, streamed through DuckDB in bounded
memory. Merging several files' bars, symbol changes and the exchange calendar are `domain/`'s.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from cyberpi_assets.sources.files.content import Content
from cyberpi_assets.sources.files.recognise import Format, bar_columns
from cyberpi_assets.sources.files.staging import TICKER_SQL, Staged, date_sql, number_sql, quoted, stage
from cyberpi_assets.sources.rows import Origin, Reading, Unreadable
from cyberpi_assets.sources.values import normalise_symbol, shorten
from cyberpi_assets.storage.engine import connect
from cyberpi_assets.tables import QUARANTINE_FACTS

EARLIEST, LATEST = "1900-01-01", "2100-12-31"
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
    staged = stage(content, scratch)
    parts = bar_columns(staged.names)
    ticker = None
    if "ticker" not in parts:
        ticker = ticker_of_name(origin.name)
        if ticker is None:
            raise Unreadable("bars without a ticker column, and the file's name is not a ticker")
    con = connect(memory_limit="1GB", temp_directory=scratch / "spill")
    try:
        return _normalise(con, staged, parts, form, origin, ticker, scratch)
    except duckdb.Error as error:
        raise Unreadable(f"damaged: {shorten(error)}") from error
    finally:
        con.close()


# --------------------------------------------------------------------------------------------------------- SQL of a bar


def _normalise(
    con: duckdb.DuckDBPyConnection,
    staged: Staged,
    parts: dict[str, str],
    form: Format,
    origin: Origin,
    ticker: str | None,
    scratch: Path,
) -> Reading:
    cells = {p: quoted(parts[p]) for p in _PARTS if p in parts}
    kinds = {p: staged.types[parts[p]] for p in cells}
    numbers = {p: number_sql(cells[p], kinds[p]) for p in cells if p in _PARTS[2:8] or p in ("dividend", "split")}
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
    con.execute(f"CREATE TEMP VIEW cells AS SELECT *, {staged.line} AS row_line FROM {staged.scan}")
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
            {TICKER_SQL.format(c=cells["ticker"]) if "ticker" in cells else params.format("ticker")} AS ticker,
            {date_sql(cells["date"], kinds["date"])} AS session,
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
