"""Quotes of underlyings out of snapshot facts, and what providers did not give.

Here belongs which of two equal quotes stands. What a chain says of its underlying stays in the chain.
"""

from __future__ import annotations

import duckdb
import pyarrow as pa

from cyberpi_assets.domain.options.merging import (
    REASON_OUTSIDE,
    as_quarantine,
    inside_months,
    register_symbols,
)
from cyberpi_assets.domain.sql import ask
from cyberpi_assets.tables import MARKET_SNAPSHOTS, SOURCE_GAPS

_PLACE = """
row_number() OVER (PARTITION BY ticker, snapshot_at, source
                   ORDER BY price IS NULL, put_volume IS NULL, volume IS NULL, file, line)
"""


def market_snapshots(
    con: duckdb.DuckDBPyConnection, facts: str, history: pa.Table, first_month: str, last_month: str
) -> pa.Table:
    """One quote per underlying, moment and source. Columns: `tables.MARKET_SNAPSHOTS`, ordered by ticker and moment.

    facts: a query that gives `tables.SNAPSHOT_FACTS`. history: `tables.SYMBOL_HISTORY`.
    """
    inside = inside_months(first_month, last_month)
    con.execute(f"CREATE OR REPLACE TEMP VIEW snapshot_facts_in AS SELECT * FROM ({facts}) WHERE {inside}")
    register_symbols(con, "snapshot_facts_in", history)
    columns = ", ".join(f's."{c}"' for c in MARKET_SNAPSHOTS.names if c not in ("ticker", "month"))
    return (
        con.sql(f"""
        SELECT coalesce(r.ticker, s.ticker) AS ticker, {columns}, strftime(s.session, '%Y-%m') AS month
        FROM (SELECT * FROM snapshot_facts_in QUALIFY {_PLACE} = 1) s
        LEFT JOIN renamed r ON r.printed = s.ticker AND r.day = s.session
        ORDER BY month, 1, s.snapshot_at, s.source""")
        .to_arrow_table()
        .cast(MARKET_SNAPSHOTS.schema)
    )


def snapshots_put_aside(con: duckdb.DuckDBPyConnection, facts: str, first_month: str, last_month: str) -> pa.Table:
    """Snapshot facts that are not in `market_snapshots`, and why. Columns: `tables.QUARANTINE_FACTS`."""
    inside = inside_months(first_month, last_month)
    outside = REASON_OUTSIDE.format(first=first_month, last=last_month)
    return as_quarantine(
        con.execute(f"""
        SELECT file, line, 'snapshots' AS kind, 'session' AS field, session::VARCHAR AS value, '{outside}' AS reason
        FROM ({facts}) WHERE NOT ({inside})
        UNION ALL
        SELECT file, line, 'snapshots', 'snapshot_at', snapshot_at::VARCHAR,
               'a fuller quote of ' || ticker || ' at this moment was read elsewhere'
        FROM (SELECT * FROM ({facts}) WHERE {inside} QUALIFY {_PLACE} > 1) ORDER BY file, line""").to_arrow_table()
    )


def source_gaps(facts: pa.Table) -> pa.Table:
    """What was asked for and not given. facts: `tables.GAP_FACTS`. Columns: `tables.SOURCE_GAPS`, newest first."""
    return ask(
        'SELECT * FROM facts QUALIFY row_number() OVER (PARTITION BY subject, kind, "at", source, file, line) = 1 '
        'ORDER BY "at" DESC, subject, kind, source, file, line',
        shape=SOURCE_GAPS,
        facts=facts,
    )
