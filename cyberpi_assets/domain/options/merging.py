"""What the merges of option facts share: months, sessions, and the symbol of today.

Here belongs nothing that is true of one table only.
"""

from __future__ import annotations

import datetime as dt

import duckdb
import numpy as np
import pyarrow as pa

from cyberpi_assets.domain.calendar import hours, sessions
from cyberpi_assets.domain.columns import dates
from cyberpi_assets.domain.symbols import resolve_symbols
from cyberpi_assets.tables import QUARANTINE_FACTS

CLOSE_MINUTES = 5  # a snapshot of the last five minutes is of the close
REASON_OUTSIDE = "outside the months kept, {first} to {last}"


def inside_months(first_month: str, last_month: str) -> str:
    """A condition on `session`, with dates written out: a relation with bound values would be fetched at once."""
    first, last = (dt.date.fromisoformat(f"{month}-01") for month in (first_month, last_month))
    return f"session BETWEEN DATE '{first}' AND last_day(DATE '{last}')"


def register_sessions(con: duckdb.DuckDBPyConnection) -> None:
    """Table `exchange_sessions`: day, the session before it, and the moment from which a snapshot is of the close."""
    days = sessions()
    before = np.concatenate([[days[0]], days[:-1]])
    closes = pa.array(hours()[1] - CLOSE_MINUTES * 60_000_000, pa.int64()).cast(pa.timestamp("us", tz="UTC"))
    days_table = {"day": dates(days), "before": dates(before), "closes": closes}
    con.register("exchange_sessions", pa.table(days_table))


def register_symbols(con: duckdb.DuckDBPyConnection, view: str, history: pa.Table, day: str = "session") -> None:
    """Table `renamed` (printed, day, ticker): what the symbols of `view` are called today, where that is another name.

    history: `tables.SYMBOL_HISTORY`. A symbol that vanished without a successor keeps its name.
    """
    printed = con.execute(f"""
        SELECT row_number() OVER () AS row, * FROM (
            SELECT DISTINCT ticker AS ticker_printed, CAST(NULL AS VARCHAR) AS ticker_current, {day} AS day FROM {view})
        """).to_arrow_table()
    con.register("symbols_printed", printed)
    con.register("symbols_now", resolve_symbols(printed, history))
    con.execute("""
        CREATE OR REPLACE TEMP TABLE renamed AS
        SELECT p.ticker_printed AS printed, p.day, n.ticker
        FROM symbols_printed p JOIN symbols_now n USING (row)
        WHERE n.ticker IS NOT NULL AND n.ticker <> p.ticker_printed""")


def as_quarantine(found: pa.Table) -> pa.Table:
    """Rows with the columns of `tables.QUARANTINE_FACTS`, typed so."""
    nullable = pa.schema([pa.field(f.name, f.type) for f in QUARANTINE_FACTS.schema])
    return found.cast(nullable).cast(QUARANTINE_FACTS.schema)
