"""What was known on a day: the tables of the lake as if nothing had been filed since.

Here belongs which tables are seen back in time, which are computed again, and which a past day does not have. What was
known of a trade is `domain/amendments.known_on`; the reports read the tables as they always do.

The day is that of the filing. What our sources had read by then is another question: `filings.first_seen` says when a
source first had a document. Market data, symbols and names are those of today.
"""

from __future__ import annotations

import datetime as dt

import duckdb
import pyarrow as pa

from cyberpi_assets.domain import rankings
from cyberpi_assets.domain.amendments import known_on
from cyberpi_assets.domain.columns import having
from cyberpi_assets.domain.correlations import bars_stretches, disclosure_correlations
from cyberpi_assets.domain.filings import filing_coverage
from cyberpi_assets.domain.sql import ask
from cyberpi_assets.domain.timeliness import filing_timeliness, official_timeliness
from cyberpi_assets.rules.figures import RankingRules, TimingRules
from cyberpi_assets.tables import ALL, DISCLOSURE_CORRELATIONS

# Tables whose rows have a day of their own after which they were not known.
_DATED = {
    "filings": "filed_on",
    "official_terms": "starts_on",
    "committee_memberships": "seen_from",
    "market_alerts": "session",
    "daily_bars": "session",
    "timing_surface": "day",
}
# Tested or measured over all trades, or on prices after the day: there is no past state of them.
_LATER = (
    "timing_nulls", "official_evidence", "ticker_evidence", "sector_evidence", "committee_evidence", "party_evidence",
    "temporal_patterns", "trade_returns", "return_tests", "portfolio_returns", "timing_report", "pattern_report",
)  # fmt: skip
NOT_KEPT = "Evidence and returns are computed over all trades: a past day has none."


def see_as_known_on(
    con: duckdb.DuckDBPyConnection, day: dt.date, timing: TimingRules, ranking: RankingRules
) -> duckdb.DuckDBPyConnection:
    """Put tables of that day before those of the lake; the same connection.

    `con` sees the lake's tables as views. Disclosed trades are those filed by the day, superseded only by what was
    filed by then; rows that were superseded later get the score that they had until then. Evidence and returns are
    empty. Raises duckdb.Error where tables are missing.
    """
    every = con.execute("SELECT * FROM disclosed_trades").to_arrow_table()
    trades = known_on(every, day.isoformat())
    scores = _scores(con, trades, every, timing)
    companies, officials = (con.execute(f"SELECT * FROM {n}").to_arrow_table() for n in ("companies", "officials"))
    filings = con.execute("SELECT * FROM filings WHERE filed_on <= ?", [day]).to_arrow_table()
    judged = filing_timeliness(trades)
    computed = {
        "disclosed_trades": trades,
        "disclosure_correlations": scores,
        "filing_coverage": filing_coverage(filings),
        "filing_timeliness": judged,
        "official_timeliness": official_timeliness(judged, trades),
        "official_rankings": rankings.official_rankings(trades, scores, officials, ranking),
        "ticker_rankings": rankings.ticker_rankings(trades, scores, companies, ranking),
        "sector_rankings": rankings.sector_rankings(trades, scores, companies, ranking),
        "party_comparison": rankings.party_comparison(trades, scores, ranking),
        **{name: ALL[name].empty() for name in _LATER},
    }
    for name, data in computed.items():
        con.register("as_known", data)
        con.execute(f'CREATE TEMP TABLE "{name}" AS SELECT * FROM as_known')
        con.unregister("as_known")
    here = con.execute("SELECT current_database()").fetchall()[0][0]  # temporary tables have a schema `main` too
    for name, dated in _DATED.items():
        # bound values cannot stand in a view; a date writes itself
        con.execute(
            f'CREATE TEMP VIEW "{name}" AS SELECT * FROM "{here}".main."{name}" '
            f"WHERE {dated} <= DATE '{day.isoformat()}'"
        )
    return con


def _scores(con: duckdb.DuckDBPyConnection, trades: pa.Table, every: pa.Table, rules: TimingRules) -> pa.Table:
    """Stored scores of the known trades; those of rows that were put aside only later are computed again."""
    then = ask(
        """SELECT t.trade_id FROM trades t JOIN every e USING (trade_id)
           WHERE t.superseded_by IS NULL AND e.superseded_by IS NOT NULL""",
        trades=trades.select(["trade_id", "superseded_by"]),
        every=every.select(["trade_id", "superseded_by"]),
    ).column("trade_id")
    again = having(trades, "trade_id", then.to_pylist())
    con.register("known_ids", trades.select(["trade_id"]))
    con.register("again_ids", again.select(["trade_id"]))
    stored = con.execute(
        """SELECT c.* FROM disclosure_correlations c SEMI JOIN known_ids USING (trade_id)
           ANTI JOIN again_ids USING (trade_id)"""
    ).to_arrow_table()
    con.unregister("known_ids")
    con.unregister("again_ids")
    if again.num_rows == 0:
        return stored.cast(DISCLOSURE_CORRELATIONS.schema)
    tickers = sorted({t for t in again.column("ticker").to_pylist() if t})

    def of_tickers(columns: str, table: str) -> pa.Table:
        query = f"SELECT {columns} FROM {table} WHERE ticker IN (SELECT unnest(?::VARCHAR[]))"
        return con.execute(query, [tickers]).to_arrow_table()

    stretches = bars_stretches(of_tickers("ticker, session", "daily_bars"), rules.window_days)
    fresh = disclosure_correlations(
        again, of_tickers("*", "timing_surface"), of_tickers("*", "market_alerts"), stretches, rules
    )
    return pa.concat_tables([stored.cast(DISCLOSURE_CORRELATIONS.schema), fresh])


def said(day: dt.date, notes: tuple[str, ...]) -> tuple[str, ...]:
    """The notes of a report with what its reader must know first: of which day it is."""
    return (f"As known on {day}: filings up to that day, replaced only by what was filed by then. {NOT_KEPT}", *notes)
