"""What must hold of bars and alerts, beyond their shape."""

from __future__ import annotations

from cyberpi_assets.assets.alerts import market_alerts
from cyberpi_assets.assets.market import daily_bars
from cyberpi_assets.checks.recorded import Subject, Verdict, check
from cyberpi_assets.domain.calendar import session_days
from cyberpi_assets.domain.quality.verdict import counted


@check(daily_bars, blocking=True, more="Every close is a positive price on a day the New York Stock Exchange was open.")
def prices_on_sessions(subject: Subject) -> Verdict:
    with subject.engine("daily_bars") as con:
        con.register("sessions", session_days())
        found = con.sql("""
            WITH days AS (
                SELECT month, session, count(*) AS n, count(*) FILTER (NOT (close > 0)) AS bad
                FROM daily_bars GROUP BY ALL
            )
            SELECT month, coalesce(sum(n) FILTER (day IS NULL), 0)::BIGINT AS on_closed_days,
                   sum(bad)::BIGINT AS without_positive_price
            FROM days LEFT JOIN sessions ON day = session GROUP BY month""").to_arrow_table()
    return counted(found, harmless=())


@check(market_alerts, blocking=True, more="Severity is 1 to 10, or null with a reason; suspect data are marked.")
def severity_or_reason(subject: Subject) -> Verdict:
    return subject.counts(
        """
        SELECT month, count(*) AS alerts, count(*) FILTER (severity NOT BETWEEN 1 AND 10) AS outside,
               count(*) FILTER ((severity IS NULL) <> (severity_reason IS NOT NULL)) AS unexplained,
               count(*) FILTER (severity IS NULL) AS unrated, count(*) FILTER (suspect_data) AS suspect
        FROM market_alerts GROUP BY month""",
        "market_alerts",
        harmless=("alerts", "unrated", "suspect"),
    )


CHECKS = [prices_on_sessions, severity_or_reason]
