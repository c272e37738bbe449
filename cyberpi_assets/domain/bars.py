"""Daily bars out of bar facts: one bar per ticker and session, on one split basis.

Here belongs which of two bars stands, which bar is put aside, and how raw prices are split-adjusted. Reading files
belongs to `sources/`, features and alerts to `features.py` and `alerts.py`.
"""

from __future__ import annotations

import datetime as dt

import duckdb
import pyarrow as pa

from cyberpi_assets.domain.calendar import sessions
from cyberpi_assets.domain.sql import ask
from cyberpi_assets.tables import CORPORATE_ACTIONS, QUARANTINE_FACTS

# An observed price step is a split when it lies within this factor of its ratio, and nearer to it than to no split.
_SPLIT_FIT = 1.25

# Of several bars of one ticker and session the fullest stands; then the one whose file name sorts first.
_PLACE = """
row_number() OVER (PARTITION BY ticker, session ORDER BY volume IS NULL, open IS NULL, adj_close IS NULL,
                   basis IS NOT DISTINCT FROM 'raw', file, line)
"""


def _session_days(con: duckdb.DuckDBPyConnection) -> None:
    con.register("exchange_sessions", pa.table({"day": pa.array(sessions(), pa.int32()).cast(pa.date32())}))


def daily_bars(
    con: duckdb.DuckDBPyConnection,
    facts: str,
    actions: pa.Table,
    first_month: str,
    last_month: str,
) -> duckdb.DuckDBPyRelation:
    """One bar per ticker and exchange session of the months first..last, split-adjusted. Lazy.

    facts: a query that gives `tables.BAR_FACTS`. actions: `tables.CORPORATE_ACTIONS`. Columns: `tables.DAILY_BARS`,
    ordered by month, ticker and session.

    A bar whose basis is `raw` is divided by every later split of its ticker; one whose basis is not known only by those
    splits over which its own price steps by the split's ratio. Its volume is multiplied by the same factor.
    """
    _session_days(con)
    con.register("corporate_actions_in", actions)
    con.execute(f"CREATE OR REPLACE TEMP VIEW bar_facts_in AS {facts}")
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE splits_to_apply AS
        WITH splits AS (
            SELECT ticker, session, value FROM corporate_actions_in WHERE action = 'split' AND value > 0
        ), unadjusted AS (
            SELECT ticker, session, close, basis IS NOT DISTINCT FROM 'raw' AS raw FROM bar_facts_in
            WHERE basis IS NULL OR basis IN ('raw', 'unknown')
        ), steps AS (
            SELECT s.ticker, u.raw, s.session, s.value,
                   arg_max(u.close, u.session) FILTER (u.session < s.session) AS before,
                   arg_min(u.close, u.session) FILTER (u.session >= s.session) AS after
            FROM splits s JOIN unadjusted u USING (ticker)
            GROUP BY s.ticker, u.raw, s.session, s.value
        )
        SELECT ticker, raw, session, value FROM steps
        WHERE raw OR abs(ln(before / after / value)) < least(ln($fit), abs(ln(value)) / 2)""",
        {"fit": _SPLIT_FIT},
    )
    inside = _in_months(first_month, last_month)
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE factors AS
        SELECT b.ticker, b.session, b.raw, product(s.value) AS factor
        FROM (SELECT DISTINCT ticker, session, basis IS NOT DISTINCT FROM 'raw' AS raw FROM bar_facts_in
              WHERE (basis IS NULL OR basis IN ('raw', 'unknown')) AND {inside}) b
        JOIN splits_to_apply s ON s.ticker = b.ticker AND s.raw = b.raw AND s.session > b.session
        GROUP BY ALL""")
    _beaten(con, inside)
    return con.sql(f"""
        WITH kept AS (
            SELECT * FROM bar_facts_in b SEMI JOIN exchange_sessions e ON b.session = e.day
            WHERE {inside} AND (file, line) NOT IN (SELECT (file, line) FROM beaten_bars)
        )
        SELECT k.ticker, k.session,
               open / coalesce(factor, 1) AS open, high / coalesce(factor, 1) AS high,
               low / coalesce(factor, 1) AS low, close / coalesce(factor, 1) AS close,
               adj_close,
               CASE WHEN factor IS NULL THEN volume ELSE round(volume * factor)::BIGINT END AS volume,
               CASE WHEN factor IS NOT NULL OR basis = 'raw' THEN 'split' ELSE coalesce(basis, 'unknown') END AS basis,
               source, strftime(k.session, '%Y-%m') AS month
        FROM kept k LEFT JOIN factors f ON f.ticker = k.ticker AND f.session = k.session
             AND f.raw = (k.basis IS NOT DISTINCT FROM 'raw') AND (k.basis IS NULL OR k.basis IN ('raw', 'unknown'))
        ORDER BY month, k.ticker, k.session""")


def _beaten(con: duckdb.DuckDBPyConnection, inside: str) -> None:
    """Table `beaten_bars` (file, line): bars that another bar of the same ticker and session stands before.

    Rivals are rare and a window over all bars is dear, so the window looks at the rivals alone.
    """
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE beaten_bars AS
        WITH contested AS (
            SELECT ticker, session FROM bar_facts_in WHERE {inside} GROUP BY ALL HAVING count(*) > 1
        )
        SELECT file, line FROM bar_facts_in SEMI JOIN contested USING (ticker, session) QUALIFY {_PLACE} > 1""")


def _in_months(first_month: str, last_month: str) -> str:
    """A condition on `session`, with dates written out: a relation with bound values would be fetched at once."""
    first, last = (dt.date.fromisoformat(f"{month}-01") for month in (first_month, last_month))
    return f"session BETWEEN DATE '{first}' AND last_day(DATE '{last}')"


def bars_put_aside(con: duckdb.DuckDBPyConnection, facts: str, first_month: str, last_month: str) -> pa.Table:
    """Bar facts that are not in `daily_bars`, and why. Columns: `tables.QUARANTINE_FACTS`."""
    _session_days(con)
    con.execute(f"CREATE OR REPLACE TEMP VIEW bar_facts_in AS {facts}")
    inside = _in_months(first_month, last_month)
    _beaten(con, inside)
    rows = con.execute(
        f"""
        SELECT file, line, 'bars' AS kind, 'session' AS field, session::VARCHAR AS value,
               CASE WHEN NOT ({inside}) THEN 'outside the months kept, ' || $first || ' to ' || $last
                    WHEN session NOT IN (SELECT day FROM exchange_sessions)
                    THEN 'the New York Stock Exchange was closed on this day'
                    ELSE 'a fuller bar of ' || ticker || ' on this day was read elsewhere' END AS reason
        FROM bar_facts_in
        WHERE NOT ({inside}) OR session NOT IN (SELECT day FROM exchange_sessions)
              OR (file, line) IN (SELECT (file, line) FROM beaten_bars)
        ORDER BY file, line""",
        {"first": first_month, "last": last_month},
    ).to_arrow_table()
    return rows.cast(QUARANTINE_FACTS.schema)


def corporate_actions(facts: pa.Table) -> pa.Table:
    """One row per ticker, ex-date and action. facts: `tables.ACTION_FACTS`. Columns: `tables.CORPORATE_ACTIONS`."""
    return ask(
        "SELECT * FROM facts QUALIFY row_number() OVER (PARTITION BY ticker, session, action ORDER BY file, line) = 1 "
        "ORDER BY ticker, session, action",
        shape=CORPORATE_ACTIONS,
        facts=facts,
    )
