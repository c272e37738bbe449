"""Option chains out of chain facts: one row per contract and snapshot, priced by its own session.

Here belongs which of two equal rows stands, and what the underlying cost where the chain does not say. What is measured
on chains is in the modules beside; how a vendor's file is read is in `sources/`.

Strikes stay as delivered: on the split basis of their day. A delivered price of the underlying is on the same basis, so
that moneyness needs no adjustment. A price taken from `daily_bars`, which are on today's basis, is multiplied by the
splits since, and counts only if the chain agrees: it must lie near the strike at which calls and puts cost the same.
A close is taken for chains of the close alone; at noon nobody knew it.
"""

from __future__ import annotations

import duckdb
import pyarrow as pa

from cyberpi_assets.domain.options.merging import (
    REASON_OUTSIDE,
    as_quarantine,
    inside_months,
    register_sessions,
    register_symbols,
)
from cyberpi_assets.domain.sql import Frame, only

KEY = 'ticker, snapshot_at, expiry, "right", strike, source'
PARITY_FIT = 1.15  # a bar's close is the chain's underlying when within this factor of the strike where C = P


def option_chains(
    con: duckdb.DuckDBPyConnection,
    facts: str,
    bars: Frame,
    actions: pa.Table,
    history: pa.Table,
    first_month: str,
    last_month: str,
) -> duckdb.DuckDBPyRelation:
    """Contracts of the months first..last. Lazy: nothing passes through Python. Columns: `tables.OPTION_CHAINS`.

    facts: a query that gives `tables.CHAIN_FACTS`. bars: ticker, session, close of these months (`tables.DAILY_BARS`).
    actions: `tables.CORPORATE_ACTIONS`. history: `tables.SYMBOL_HISTORY`. Ordered by month, ticker, snapshot, expiry,
    right and strike.
    """
    inside = inside_months(first_month, last_month)
    register_sessions(con)
    con.execute(f"CREATE OR REPLACE TEMP VIEW chain_facts_in AS SELECT * FROM ({facts}) WHERE {inside}")
    register_symbols(con, "chain_facts_in", history)
    _beaten(con)
    _unpriced(con, bars, actions)
    return con.sql("""
        SELECT coalesce(r.ticker, f.ticker) AS ticker, f.snapshot_at, f.session,
               coalesce(f.underlying_price, u.price) AS underlying_price, f.expiry, f."right", f.strike,
               f.bid, f.ask, f.last, f.volume, f.open_interest,
               CASE WHEN f.open_interest IS NOT NULL THEN e.before END AS open_interest_session,
               f.implied_vol, f.delta, f.multiplier, f.last_trade_at, f.data_type, f.source, f.file, f.line,
               strftime(f.session, '%Y-%m') AS month
        FROM chain_facts_in f JOIN exchange_sessions e ON e.day = f.session
        LEFT JOIN renamed r ON r.printed = f.ticker AND r.day = f.session
        LEFT JOIN chain_prices u ON f.underlying_price IS NULL AND u.ticker = f.ticker
             AND u.snapshot_at = f.snapshot_at AND u.source = f.source
        WHERE (f.file, f.line) NOT IN (SELECT (file, line) FROM beaten_contracts)
        ORDER BY month, 1, f.snapshot_at, f.source, f.expiry, f."right", f.strike""")


def _beaten(con: duckdb.DuckDBPyConnection) -> None:
    """Table `beaten_contracts` (file, line): rows that another row of the same contract and snapshot stands before.

    Equals are rare and a window over all contracts is dear, so the window looks at the equals alone. The fullest row
    stands, then the one whose file name sorts first.
    """
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE beaten_contracts AS
        WITH contested AS (SELECT {KEY} FROM chain_facts_in GROUP BY ALL HAVING count(*) > 1)
        SELECT file, line FROM chain_facts_in SEMI JOIN contested USING ({KEY})
        QUALIFY row_number() OVER (PARTITION BY {KEY} ORDER BY volume IS NULL, open_interest IS NULL,
                                   implied_vol IS NULL, bid IS NULL, file, line) > 1""")


def _unpriced(con: duckdb.DuckDBPyConnection, bars: Frame, actions: pa.Table) -> None:
    """Table `chain_prices` (ticker as printed, snapshot_at, source, price) for chains that state no underlying."""
    con.execute("""
        CREATE OR REPLACE TEMP TABLE unpriced AS
        SELECT * FROM chain_facts_in WHERE underlying_price IS NULL""")
    missing = con.sql("SELECT count(*) FROM unpriced").fetchone()
    if not missing or not missing[0]:
        con.execute("CREATE OR REPLACE TEMP TABLE chain_prices (ticker VARCHAR, snapshot_at TIMESTAMPTZ, "
                    "source VARCHAR, price DOUBLE)")  # fmt: skip
        return
    closes = only(bars, "ticker", "session", "close")
    con.register("bars_in", closes if isinstance(closes, pa.Table) else closes.to_arrow_table())
    con.register("actions_in", actions)
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE chain_prices AS
        WITH prices AS (
            SELECT ticker, session, snapshot_at, source, expiry, strike, "right",
                   coalesce(CASE WHEN bid > 0 THEN (bid + ask) / 2 END, last) AS price
            FROM unpriced
        ), pairs AS (
            SELECT ticker, session, snapshot_at, source, expiry, strike,
                   max(price) FILTER ("right" = 'call') AS c, max(price) FILTER ("right" = 'put') AS p
            FROM prices GROUP BY ALL HAVING c IS NOT NULL AND p IS NOT NULL
        ), parity AS (
            SELECT ticker, session, snapshot_at, source, arg_min(strike, (abs(c - p), expiry)) AS strike
            FROM pairs GROUP BY ALL
        ), named AS (
            SELECT p.*, coalesce(r.ticker, p.ticker) AS current, e.closes
            FROM parity p JOIN exchange_sessions e ON e.day = p.session
            LEFT JOIN renamed r ON r.printed = p.ticker AND r.day = p.session
        ), factors AS (
            SELECT n.current, n.session, product(a.value) AS factor
            FROM (SELECT DISTINCT current, session FROM named) n
            JOIN actions_in a ON a.ticker = n.current AND a.action = 'split' AND a.session > n.session AND a.value > 0
            GROUP BY ALL
        )
        SELECT n.ticker, n.snapshot_at, n.source, b.close * coalesce(f.factor, 1) AS price
        FROM named n JOIN bars_in b ON b.ticker = n.current AND b.session = n.session
        LEFT JOIN factors f ON f.current = n.current AND f.session = n.session
        WHERE n.snapshot_at >= n.closes
          AND abs(ln(b.close * coalesce(f.factor, 1) / n.strike)) < ln($fit)""",
        {"fit": PARITY_FIT},
    )


def chains_put_aside(con: duckdb.DuckDBPyConnection, facts: str, first_month: str, last_month: str) -> pa.Table:
    """Chain facts that are not in `option_chains`, and why. Columns: `tables.QUARANTINE_FACTS`."""
    inside = inside_months(first_month, last_month)
    con.execute(f"CREATE OR REPLACE TEMP VIEW chain_facts_in AS SELECT * FROM ({facts}) WHERE {inside}")
    _beaten(con)
    outside = REASON_OUTSIDE.format(first=first_month, last=last_month)
    rows = con.execute(f"""
        SELECT file, line, 'chains' AS kind, 'session' AS field, session::VARCHAR AS value, '{outside}' AS reason
        FROM ({facts}) WHERE NOT ({inside})
        UNION ALL
        SELECT file, line, 'chains', 'strike', strike::VARCHAR,
               'a fuller row of this contract and snapshot was read elsewhere'
        FROM chain_facts_in SEMI JOIN beaten_contracts USING (file, line)
        ORDER BY file, line""").to_arrow_table()
    return as_quarantine(rows)
