"""Daily option volumes as a provider sums them: a row per underlying and session, streamed to `option_volume_facts`.

Chains, from which volumes may be summed here, are in `chains.py`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from cyberpi_assets.domain.calendar import sessions
from cyberpi_assets.sources.files.content import Content
from cyberpi_assets.sources.files.recognise import VOLUME_COLUMNS, Format, columns_playing
from cyberpi_assets.sources.files.staging import TICKER_SQL, Staged, date_sql, number_sql, quoted, stage
from cyberpi_assets.sources.rows import Origin, Reading, Unreadable
from cyberpi_assets.sources.values import shorten
from cyberpi_assets.storage.engine import connect, literal
from cyberpi_assets.tables import OPTION_VOLUME_FACTS, QUARANTINE_FACTS

_COUNTS: Final = (
    "call_volume", "put_volume", "total_volume", "call_open_interest", "put_open_interest", "contracts", "stock_volume",
)  # fmt: skip
_VOLATILITIES: Final = ("iv10", "iv30", "iv90", "iv180", "realised_vol30")


def read_volumes(content: Content, _form: Format, origin: Origin, scratch: Path) -> Reading:
    """A table of daily option volumes as `option_volume_facts`. Raises Unreadable where the file is damaged.

    Counts of -1 are not known, volatilities of 0 neither; a day on which the exchange was closed puts the row aside.
    """
    staged = stage(content, scratch)
    con = connect(memory_limit="1GB", temp_directory=scratch / "spill")
    try:
        return _normalise(con, staged, origin, scratch)
    except duckdb.Error as error:
        raise Unreadable(f"damaged: {shorten(error)}") from error
    finally:
        con.close()


def _normalise(con: duckdb.DuckDBPyConnection, staged: Staged, origin: Origin, scratch: Path) -> Reading:
    parts = columns_playing(VOLUME_COLUMNS, staged.names)
    cell = {p: quoted(n) for p, n in parts.items()}
    number = {
        p: number_sql(cell[p], staged.types[parts[p]])
        for p in (*_COUNTS, "underlying_price", *_VOLATILITIES)
        if p in cell
    }
    value = {p: number[p][0] if p in number else "CAST(NULL AS DOUBLE)" for p in (*_COUNTS, *_VOLATILITIES)}
    unread = " ".join(f"WHEN {bad} THEN '{p}'" for p, (_, bad) in number.items() if bad != "false")
    source = f"coalesce(nullif(trim(CAST({cell['source']} AS VARCHAR)), ''), 'file')" if "source" in cell else "'file'"
    con.register("calendar", pa.table({"day": pa.array(sessions(), pa.int32()).cast(pa.date32())}))
    counted = " ".join(
        f"WHEN {p} < -1 OR {p} <> round({p}) OR {p} > 9e15 OR NOT isfinite({p}) THEN '{p}'" for p in _COUNTS
    )
    con.execute(f"""
        CREATE TEMP VIEW volumes AS
        SELECT *, CASE WHEN session IS NULL THEN 'session'
                       WHEN session NOT IN (SELECT day FROM calendar) THEN 'session'
                       WHEN ticker IS NULL OR ticker = '' OR length(ticker) > 24 THEN 'ticker'
                       WHEN unread IS NOT NULL THEN unread
                       {counted} END AS fault
        FROM (SELECT {TICKER_SQL.format(c=cell["ticker"])} AS ticker,
                     {date_sql(cell["session"], staged.types[parts["session"]])} AS session,
                     {", ".join(f"{value[p]} AS {p}" for p in (*_COUNTS, *_VOLATILITIES))},
                     {number["underlying_price"][0] if "underlying_price" in number else "CAST(NULL AS DOUBLE)"}
                       AS underlying_price,
                     {f"CASE {unread} END" if unread else "CAST(NULL AS VARCHAR)"} AS unread, {source} AS source,
                     CAST({cell["session"]} AS VARCHAR) AS printed, {staged.line} AS line
              FROM {staged.scan})""")
    known = ", ".join(f"CASE WHEN {p} >= 0 THEN {p}::BIGINT END AS {p}" for p in _COUNTS[:6])
    vols = ", ".join(f"CASE WHEN {p} > 0.001 AND {p} <= 50 THEN round({p}, 6) END AS {p}" for p in _VOLATILITIES)
    target = scratch / "option_volume_facts.parquet"
    con.execute("SET VARIABLE file = ?", [origin.file])
    con.execute(f"""
        COPY (SELECT ticker, session, {known},
                CASE WHEN isfinite(underlying_price) AND underlying_price > 0 THEN round(underlying_price, 4) END
                  AS underlying_price,
                CASE WHEN stock_volume >= 0 THEN stock_volume::BIGINT END AS stock_volume, {vols},
                source, CAST(getvariable('file') AS VARCHAR) AS file, line
              FROM volumes WHERE fault IS NULL)
        TO {literal(str(target))} (FORMAT parquet, COMPRESSION snappy)""")
    torn = [{"file": origin.file, "line": n, "kind": "option_volumes", "field": "row", "value": shorten(text),
             "reason": "the row has more or fewer cells than the header"} for n, text in staged.torn]  # fmt: skip
    aside = pa.Table.from_pylist(torn, schema=QUARANTINE_FACTS.schema)
    if pq.read_metadata(target).num_rows + len(torn) < staged.rows:
        found = con.execute(
            """
            SELECT ? AS file, line, 'option_volumes' AS kind, fault AS field, left(printed, 200) AS value,
                   CASE WHEN fault = 'session' AND session IS NULL THEN 'not a date'
                        WHEN fault = 'session' THEN 'the New York Stock Exchange was closed on this day'
                        WHEN fault = 'ticker' THEN 'no ticker'
                        WHEN fault = unread THEN 'not a number'
                        ELSE 'not a whole number of contracts' END AS reason
            FROM volumes WHERE fault IS NOT NULL ORDER BY line""",
            [origin.file],
        ).to_arrow_table()
        nullable = pa.schema([pa.field(f.name, f.type) for f in QUARANTINE_FACTS.schema])
        aside = pa.concat_tables([aside, found.cast(nullable).cast(QUARANTINE_FACTS.schema)])
    return Reading({OPTION_VOLUME_FACTS.name: target}, aside, staged.rows, staged.note)
