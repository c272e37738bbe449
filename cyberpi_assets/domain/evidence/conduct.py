"""What an innocent or a formal explanation would rest on: rebalancing, owners, late filing, offices held.

Here belong facts about how an official trades and files, beside the timing of the trades. None of them enters a test.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pyarrow as pa
from pandas.tseries.holiday import USFederalHolidayCalendar

from cyberpi_assets.domain.evidence.clusters import COUNTED
from cyberpi_assets.domain.features import Ints
from cyberpi_assets.domain.sql import ask
from cyberpi_assets.domain.timing import SUSPICIOUS

_AFTER_NOTICE, _AFTER_TRADE = 30, 45  # calendar days, STOCK Act


def federal_holidays(first: dt.date, last: dt.date) -> np.ndarray[tuple[int], np.dtype[np.datetime64]]:
    """Observed federal holidays between two days."""
    return USFederalHolidayCalendar().holidays(str(first), str(last)).to_numpy().astype("datetime64[D]")


def due_days(transaction: Ints, notification: Ints) -> Ints:
    """The day on which a report is due: the earlier of notification + 30 and transaction + 45 calendar days.

    A due day on a Saturday, Sunday or federal holiday moves to the next working day, as the chambers' instructions say.
    Days since 1970-01-01; a notification that is not known is given as the largest int32. Shapes: (rows,).
    """
    due = np.minimum(transaction + _AFTER_TRADE, notification.astype(np.int64) + _AFTER_NOTICE)
    days = due.astype("datetime64[D]")
    if days.size == 0:
        return due
    holidays = federal_holidays(days.min().astype(object), (days.max() + 14).astype(object))
    return np.busday_offset(days, 0, roll="forward", holidays=holidays).astype(np.int64)


def lateness(trades: pa.Table) -> pa.Table:
    """Whether each disclosed row was filed late.

    Columns: trade_id, person, late (bool, null when not to be told), days_late.

    trades: `tables.DISCLOSED_TRADES`. Left out are amended, deleted and repeated rows: their filing date is not that
    of the report that was due. A superseded row counts with the filing it first stood in. Without a plausible
    notification date a row filed within 30 days of the trade is in time, one filed after the 45th is late, and one
    between is not to be told.
    """
    rows = ask(
        """
        SELECT trade_id, coalesce(bioguide_id, 'name:' || lower(official)) AS person, transaction_date, filed_on,
               CASE WHEN notification_date BETWEEN transaction_date AND filed_on THEN notification_date END AS told
        FROM trades WHERE coalesce(filing_status, 'new') = 'new' AND repeat_of IS NULL ORDER BY trade_id""",
        trades=trades,
    )
    usable = np.asarray(
        ask(
            "SELECT coalesce(transaction_date BETWEEN DATE '2012-01-01' AND filed_on, false) AS u FROM r", r=rows
        ).column("u")
    ).astype(bool)

    def days(name: str, missing: int) -> Ints:
        column: Any = rows.column(name).cast(pa.int32())
        return np.where(usable, column.fill_null(missing).to_numpy().astype(np.int64), missing)

    unknown = 2**31 - 1
    traded, filed, told = days("transaction_date", 15_000), days("filed_on", 15_000), days("told", unknown)
    has_notice = told < unknown
    latest, earliest = (
        due_days(traded, np.full_like(told, unknown)),
        due_days(traded, np.where(has_notice, told, traded)),
    )
    due = np.where(has_notice, earliest, latest)
    late = filed > due
    # without a notice the report was due at some day from trade + 30 to trade + 45
    told_apart = usable & (has_notice | late | (filed <= earliest))
    columns: dict[str, Any] = {
        "trade_id": rows.column("trade_id"),
        "person": rows.column("person"),
        "late": pa.array(late, pa.bool_(), mask=~told_apart),
        "days_late": pa.array(filed - due, pa.int64(), mask=~(told_apart & late)),
    }
    return pa.table(columns)


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
