"""What must hold of bars and alerts, beyond their shape."""

from __future__ import annotations

import numpy as np

from cyberpi_assets.assets.alerts import market_alerts
from cyberpi_assets.assets.market import daily_bars
from cyberpi_assets.checks.recorded import Subject, Verdict, check
from cyberpi_assets.domain.calendar import is_session
from cyberpi_assets.domain.columns import day_numbers
from cyberpi_assets.storage.engine import connect


@check(daily_bars, blocking=True, more="Every close is a positive price on a day the New York Stock Exchange was open.")
def prices_on_sessions(subject: Subject) -> Verdict:
    con = connect()
    bars = subject.lake.relation(con, "daily_bars")
    days = bars.aggregate("session, count(*) AS n, count(*) FILTER (NOT (close > 0)) AS bad").to_arrow_table()
    open_days = is_session(day_numbers(days.column("session")).astype(np.int32))
    closed = int(days.column("n").to_numpy()[~open_days].sum())
    bad = int(days.column("bad").to_numpy().sum())
    return Verdict(closed == 0 and bad == 0, {"on_closed_days": closed, "without_positive_price": bad})


@check(market_alerts, blocking=True, more="Severity is 1 to 10, or null with a reason; suspect data are marked.")
def severity_or_reason(subject: Subject) -> Verdict:
    con = connect()
    alerts = subject.lake.relation(con, "market_alerts")
    found = alerts.aggregate(
        "count(*) AS alerts, count(*) FILTER (severity NOT BETWEEN 1 AND 10) AS outside, "
        "count(*) FILTER ((severity IS NULL) <> (severity_reason IS NOT NULL)) AS unexplained, "
        "count(*) FILTER (severity IS NULL) AS unrated, count(*) FILTER (suspect_data) AS suspect"
    ).fetchone()
    assert found is not None
    names = ("alerts", "outside", "unexplained", "unrated", "suspect")
    figures = dict(zip(names, map(int, found), strict=True))
    return Verdict(figures["outside"] == 0 and figures["unexplained"] == 0, figures)


CHECKS = [prices_on_sessions, severity_or_reason]
