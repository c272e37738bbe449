"""How late trades are disclosed, against the statute.

Here belongs the due date of the STOCK Act (METHODS, section 7) and what is said where it cannot be told. Late filing
is counted per person in `official_timeliness`.

Week-ends: the statute counts calendar days. Where the last day is a Saturday, a Sunday or a federal holiday, the
chambers take a report on the next business day as timely, so lateness is counted from the moved date; both are kept.
"""

from __future__ import annotations

from functools import lru_cache

import pandas as pd
import pyarrow as pa
from pandas.tseries.holiday import USFederalHolidayCalendar

from cyberpi_assets.domain.columns import having
from cyberpi_assets.domain.columns import known as known_or_null
from cyberpi_assets.domain.ocr import REASON as NOT_REVIEWED_REASON
from cyberpi_assets.domain.ocr import UNREVIEWED
from cyberpi_assets.domain.rates import wilson
from cyberpi_assets.domain.sql import ask
from cyberpi_assets.tables import FILING_TIMELINESS, OFFICIAL_TIMELINESS

AFTER_NOTIFICATION_DAYS = 30
AFTER_TRANSACTION_DAYS = 45
_FIRST, _LAST = "2012-01-01", "2035-12-31"


@lru_cache(maxsize=1)
def business_days() -> pa.Table:
    """Each calendar day and the first business day on or after it. Columns: day, next_business_day."""
    days = pd.date_range(_FIRST, _LAST, freq="D")
    holidays = USFederalHolidayCalendar().holidays(_FIRST, _LAST)
    open_ = pd.Series(days.where((days.day_of_week < 5) & ~days.isin(holidays)), index=days)
    moved = open_.bfill()
    return pa.table(
        {
            "day": pa.array(days.date, pa.date32()),
            "next_business_day": pa.array([d.date() if not pd.isna(d) else None for d in moved], pa.date32()),
        }
    )


def filing_timeliness(trades: pa.Table) -> pa.Table:
    """The verdict on each trade. trades: `tables.DISCLOSED_TRADES`. Columns: `tables.FILING_TIMELINESS`.

    Without a notification date the due date lies between transaction + 30 and transaction + 45: a filing before the
    first is on time and one after the second is late whatever the notification was; between them it is unknown.
    Amended and repeated rows are not judged: their filing date is not that of the disclosure. Nor are rows that we read
    from scans ourselves: a misread date is nobody's delay. A superseded row is judged by the filing it first stood in,
    for the rows that replaced it are amended ones.
    """
    return ask(
        f"""
        WITH judged AS (
            SELECT t.*,
                   CASE WHEN filing_status = 'amended' THEN 'amended: filed again later'
                        WHEN filing_status = 'deleted' THEN 'deleted by the filer'
                        WHEN repeat_of IS NOT NULL THEN 'already disclosed in ' || repeat_of
                        WHEN {UNREVIEWED} THEN '{NOT_REVIEWED_REASON}' END AS exempt,
                   CASE WHEN transaction_date IS NULL THEN 'no transaction date'
                        WHEN filed_on IS NULL THEN 'no filing date'
                        WHEN transaction_date < DATE '2012-01-01' THEN 'transaction date before 2012'
                        WHEN transaction_date > filed_on THEN 'transaction date after the filing' END AS impossible,
                   -- a notification before the trade or after the filing cannot be right: it is not used
                   CASE WHEN notification_date BETWEEN transaction_date AND filed_on
                        THEN notification_date END AS notified
            FROM trades t
        ), due AS (
            SELECT *, CASE WHEN exempt IS NULL AND impossible IS NULL THEN
                          least(coalesce(notified + $notified::INT, transaction_date + $traded::INT),
                                transaction_date + $traded::INT) END AS due_on,
                   CASE WHEN exempt IS NULL AND impossible IS NULL
                        THEN transaction_date + $notified::INT END AS earliest
            FROM judged
        ), moved AS (
            SELECT d.*, coalesce(b.next_business_day, d.due_on) AS due_on_moved,
                   coalesce(e.next_business_day, d.earliest) AS earliest_moved
            FROM due d LEFT JOIN business b ON b.day = d.due_on LEFT JOIN business e ON e.day = d.earliest
        ), told AS (
            SELECT *, CASE WHEN exempt IS NOT NULL THEN 'not applicable'
                           WHEN impossible IS NOT NULL THEN 'unknown'
                           WHEN filed_on > due_on_moved THEN 'late'
                           WHEN notified IS NULL AND filed_on > earliest_moved THEN 'unknown'
                           ELSE 'on time' END AS verdict
            FROM moved
        )
        SELECT trade_id, filing_id, bioguide_id, transaction_date, notification_date, filed_on, due_on, due_on_moved,
               CASE WHEN verdict IN ('on time', 'late') AND NOT (verdict = 'on time' AND notified IS NULL)
                    THEN filed_on - due_on_moved END AS days_late, verdict,
               CASE WHEN verdict = 'not applicable' THEN exempt
                    WHEN verdict = 'unknown' THEN coalesce(impossible, 'no usable notification date, and it matters')
                    END AS reason, month
        FROM told ORDER BY month, trade_id""",
        shape=FILING_TIMELINESS,
        params={"notified": AFTER_NOTIFICATION_DAYS, "traded": AFTER_TRANSACTION_DAYS},
        trades=trades,
        business=business_days(),
    )


def official_timeliness(timeliness: pa.Table, trades: pa.Table) -> pa.Table:
    """Per person: late share with its Wilson interval, median and tail. Columns: `tables.OFFICIAL_TIMELINESS`.

    timeliness: `tables.FILING_TIMELINESS`. trades: `tables.DISCLOSED_TRADES`. Ordered by late share, then by number.
    """
    data = ask(
        """
        SELECT coalesce(t.bioguide_id, 'name:' || lower(t.official)) AS bioguide_id,
               coalesce(arg_max(t.official, t.filed_on), max(t.official)) AS official,
               coalesce(arg_max(t.chamber, t.filed_on), max(t.chamber)) AS chamber,
               count(*) AS n_trades, count(*) FILTER (verdict IN ('on time', 'late')) AS n_known,
               count(*) FILTER (verdict = 'late') AS n_late,
               median(l.filed_on - l.transaction_date)
                   FILTER (verdict <> 'unknown' OR l.due_on IS NOT NULL) AS median_days,
               quantile_cont(l.filed_on - l.transaction_date, 0.9)
                   FILTER (verdict <> 'unknown' OR l.due_on IS NOT NULL) AS p90_days,
               max(days_late) FILTER (verdict = 'late') AS max_days_late
        FROM judged l JOIN trades t USING (trade_id) GROUP BY 1""",
        judged=having(timeliness, "verdict", ["on time", "late", "unknown"]),
        trades=trades,
    )
    late, known = data.column("n_late").to_numpy(), data.column("n_known").to_numpy()
    low, high = wilson(late, known)
    rates = data.select(["bioguide_id"])
    rates = rates.append_column("late_low", known_or_null(low)).append_column("late_high", known_or_null(high))
    return ask(
        """
        SELECT d.*, CASE WHEN n_known > 0 THEN n_late / n_known END AS late_rate, late_low, late_high
        FROM data d JOIN rates r USING (bioguide_id)
        ORDER BY late_rate DESC NULLS LAST, n_known DESC, bioguide_id""",
        shape=OFFICIAL_TIMELINESS,
        data=data,
        rates=rates,
    )
