"""The timing score of one trade, computed directly from the alerts: the definition, read line by line.

Here belongs the slow and obvious form of METHODS, section 2, for one trade at a time: what `cyberpi` explains to a
person, and what the surface (`timing.py`) is checked against.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import pyarrow as pa

from cyberpi_assets.domain.columns import having
from cyberpi_assets.rules.figures import TimingRules


@dataclass(frozen=True)
class Score:
    """A timing score and its components."""

    n_alerts: int
    mean_severity: float
    n_recent: int
    n_high: int
    raw_score: float
    score: float
    tier: str


def tier_of(score: float) -> str:
    """Tier of a score: >= 80 highly suspicious, >= 60 suspicious, >= 40 notable, else normal."""
    if score >= 80:
        return "highly suspicious"
    if score >= 60:
        return "suspicious"
    return "notable" if score >= 40 else "normal"


def score_alerts(day: dt.date, alerts: list[tuple[dt.date, int | None]], rules: TimingRules) -> Score:
    """Score of a trade on `day` given alerts as (day, severity or None), counted one by one as they are given."""
    low = 0 if rules.include_same_day else 1
    counted = [(lag, severity) for at, severity in alerts if low <= (lag := (day - at).days) <= rules.window_days]
    rated = [severity for _, severity in counted if severity is not None]
    mean = sum(rated) / len(rated) if rated else 0.0
    recent = sum(lag <= rules.recent_days for lag, _ in counted)
    high = sum(severity >= rules.high_severity for severity in rated)
    raw = 5.0 * len(counted) + 2.0 * mean + 10.0 * recent + 15.0 * high if counted else 0.0
    score = min(100.0, raw)
    return Score(len(counted), mean, recent, high, raw, score, tier_of(score))


def score_directly(alerts: pa.Table, ticker: str, day: dt.date, rules: TimingRules) -> Score:
    """Score of a trade in `ticker` on `day` from `tables.MARKET_ALERTS` rows of any tickers."""
    mine = having(having(alerts, "ticker", [ticker]), "suspect_data", [False])
    rows = [(r["session"], r["severity"]) for r in mine.select(["session", "severity"]).to_pylist()]
    if rules.count == "ticker_days":
        best: dict[dt.date, int | None] = {}
        for at, severity in rows:
            known = best.get(at)
            best[at] = severity if known is None else max(known, severity or 0)
        rows = list(best.items())
    return score_alerts(day, rows, rules)
