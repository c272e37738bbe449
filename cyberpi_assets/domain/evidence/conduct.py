"""What an innocent or a formal explanation would rest on: rebalancing, owners, late filing, offices held.

Here belong facts about how an official trades and files, beside the timing of the trades. None of them enters a test.
When a report is late is decided in `domain/timeliness.py`.
"""

from __future__ import annotations

import datetime as dt

import pyarrow as pa

from cyberpi_assets.domain.evidence.clusters import COUNTED
from cyberpi_assets.domain.sql import ask
from cyberpi_assets.domain.timeliness import filing_timeliness
from cyberpi_assets.domain.timing import SUSPICIOUS


def lateness(trades: pa.Table) -> pa.Table:
    """Whether each disclosed row was filed late. Columns: trade_id, person, late (null when not to be told), days_late.

    trades: `tables.DISCLOSED_TRADES`. The verdicts are those of `timeliness.filing_timeliness`; rows to which no due
    date applies are left out, and days_late is null for what is not late.
    """
    return ask(
        """
        SELECT trade_id, coalesce(t.bioguide_id, 'name:' || lower(t.official)) AS person,
               CASE verdict WHEN 'late' THEN true WHEN 'on time' THEN false END AS late,
               CASE WHEN verdict = 'late' THEN days_late END AS days_late
        FROM trades t JOIN judged USING (trade_id) WHERE verdict <> 'not applicable' ORDER BY trade_id""",
        trades=trades,
        judged=filing_timeliness(trades).select(["trade_id", "verdict", "days_late"]),
    )


def conduct(
    trades: pa.Table, correlations: pa.Table, terms: pa.Table, house_from: dt.date, rebalancing_tickers: int
) -> pa.Table:
    """How each person trades and files. One row per person.

    trades: `tables.DISCLOSED_TRADES`; correlations: `tables.DISCLOSURE_CORRELATIONS`; terms: `tables.OFFICIAL_TERMS`.
    Columns: person, official, chamber, party, state (of the latest trade), n_trades, n_scored, n_suspicious,
    first_trade, last_trade, owners, rebalancing_share, held_leadership and lateness as in `tables.OFFICIAL_EVIDENCE`.
    """
    late = lateness(trades)
    return ask(
        f"""
        WITH {COUNTED}, baskets AS (
            SELECT person, transaction_date, count(DISTINCT ticker) AS tickers FROM counted GROUP BY ALL
        ), titles AS (
            SELECT c.trade_id, c.person, t.leadership FROM counted c JOIN terms t ON t.bioguide_id = c.bioguide_id
               AND c.transaction_date BETWEEN t.starts_on AND coalesce(t.ends_on, DATE '9999-12-31')
        ), led AS (
            SELECT person, CASE WHEN (SELECT count(leadership) FROM terms) > 0 THEN bool_or(leadership IS NOT NULL) END
                AS held_leadership FROM titles GROUP BY person
        ), filed AS (
            SELECT person, count(late) AS n_lateness_known, count(*) FILTER (late) AS n_late,
                   count(*) - count(late) AS n_lateness_unknown, median(days_late) AS median_days_late
            FROM late GROUP BY person
        )
        SELECT c.person, arg_max(official, (filed_on, trade_id)) AS official, arg_max(chamber, (filed_on, trade_id)) AS
        chamber,
               arg_max(party, (filed_on, trade_id)) AS party, arg_max(state, (filed_on, trade_id)) AS state,
               count(*) AS n_trades, count(score) AS n_scored, count(*) FILTER (score >= $suspicious) AS n_suspicious,
               min(c.transaction_date) FILTER (score IS NOT NULL) AS first_trade,
               max(c.transaction_date) FILTER (score IS NOT NULL) AS last_trade,
               count(*) FILTER (owner = 'self') AS n_self, count(*) FILTER (owner = 'spouse') AS n_spouse,
               count(*) FILTER (owner = 'joint') AS n_joint, count(*) FILTER (owner = 'child') AS n_child,
               count(*) FILTER (owner IS NULL OR owner NOT IN ('self', 'spouse', 'joint', 'child')) AS n_owner_unknown,
               count(*) FILTER (ticker IS NOT NULL AND tickers >= $basket) / nullif(count(ticker), 0) AS
               rebalancing_share, any_value(held_leadership) AS held_leadership, coalesce(any_value(n_lateness_known),
               0) AS n_lateness_known, coalesce(any_value(n_late), 0) AS n_late,
               coalesce(any_value(n_lateness_unknown), 0) AS n_lateness_unknown, any_value(n_late) /
               nullif(any_value(n_lateness_known), 0) AS late_rate, any_value(median_days_late) AS median_days_late
        FROM counted c LEFT JOIN baskets b ON b.person = c.person AND b.transaction_date = c.transaction_date
        LEFT JOIN led ON led.person = c.person LEFT JOIN filed ON filed.person = c.person
        GROUP BY c.person ORDER BY c.person""",
        params={"house_from": house_from, "basket": rebalancing_tickers, "suspicious": SUSPICIOUS},
        trades=trades,
        correlations=correlations.select(["trade_id", "score"]),
        terms=terms,
        late=late,
    )
