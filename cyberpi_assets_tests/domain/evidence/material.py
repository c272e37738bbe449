"""Small worlds for the tests of evidence: surfaces from hand-placed alerts, and the slow way of asking them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from cyberpi_assets.domain.scoring import score_alerts
from cyberpi_assets.rules.figures import EvidenceRules, TimingRules
from cyberpi_assets_tests.domain.rows import D, exchange_days, frame

TIMING = TimingRules()  # pyright: ignore[reportCallIssue]
SESSIONS = frozenset(exchange_days())
Alerts = Mapping[str, Sequence[tuple[dt.date, int | None]]]


def rules(**given: Any) -> EvidenceRules:
    return EvidenceRules(**given)


def days(first: dt.date, last: dt.date) -> list[dt.date]:
    return [first + dt.timedelta(days=k) for k in range((last - first).days + 1)]


def surface(alerts: Alerts, spans: Mapping[str, tuple[dt.date, dt.date]], timing: TimingRules = TIMING) -> pa.Table:
    """The surface of tickers with these first and last bars, day by day from the definition of the score."""
    out: list[dict[str, Any]] = []
    for ticker, (first, last) in spans.items():
        mine = list(alerts.get(ticker, ()))
        for day in days(first, last + dt.timedelta(days=timing.window_days)):
            low = 0 if timing.include_same_day else 1
            near = [(d, s) for d, s in mine if low <= (day - d).days <= timing.window_days]
            rated = [s for _, s in near if s is not None]
            found = score_alerts(day, near, timing)
            out.append(
                {
                    "ticker": ticker,
                    "day": day,
                    "is_session": day in SESSIONS,
                    "n_alerts": len(near),
                    "n_rated": len(rated),
                    "severity_sum": float(sum(rated)),
                    "n_recent": found.n_recent,
                    "n_high": found.n_high,
                    "coverage": 1.0,
                    "scorable": (day - first).days >= 15,
                    "raw_score": found.raw_score,
                }
            )
    return frame("timing_surface", out)


def random_alerts(seed: int, spans: Mapping[str, tuple[dt.date, dt.date]], density: float = 0.06) -> dict[str, Any]:
    """Alerts on random sessions, some in bursts, some without a severity."""
    rng = np.random.default_rng(seed)
    out: dict[str, Any] = {}
    for ticker, (first, last) in spans.items():
        here = [d for d in exchange_days() if first <= d <= last]
        hot = rng.random(len(here)) < density
        hot |= np.roll(hot, 1) & (rng.random(len(here)) < 0.5)
        out[ticker] = [
            (d, None if rng.random() < 0.1 else int(rng.integers(1, 11))) for d, h in zip(here, hot, strict=True) if h
        ]
    return out


def trades(rows: Iterable[Mapping[str, Any]]) -> tuple[pa.Table, pa.Table]:
    """Trades and correlations from rows with trade_id, bioguide_id, ticker, transaction_date; score may be left out."""
    given = [dict(r) for r in rows]
    scores = [r.pop("score", 0.0) for r in given]
    full = [
        {
            "filing_id": f"house:{i}",
            "row_in_filing": 1,
            "official": f"Person {r.get('bioguide_id')}",
            "official_evidence": "stated",
            "chamber": "senate",
            "party": "Democrat",
            "ticker_evidence": "printed",
            "filed_on": r["transaction_date"] + dt.timedelta(days=20),
            "filing_status": "new",
            "side": "buy",
            "owner": "self",
            "source": "test",
            "file": "test",
            "line": i,
        }
        | r
        for i, r in enumerate(given)
    ]
    table = frame("disclosed_trades", full)
    correlations = [
        {
            "trade_id": t["trade_id"],
            "filing_id": t["filing_id"],
            "bioguide_id": t["bioguide_id"],
            "ticker": t["ticker"],
            "transaction_date": t["transaction_date"],
            "score": score,
            "reason": None if score is not None else "not scored",
            "month": t["month"],
        }
        for t, score in zip(table.to_pylist(), scores, strict=True)
    ]
    return table, frame("disclosure_correlations", correlations)


def terms(spans: Mapping[str, Sequence[tuple[dt.date, dt.date | None]]]) -> pa.Table:
    return frame(
        "official_terms",
        [
            {"bioguide_id": p, "chamber": "senate", "state": "OH", "party": "Democrat", "starts_on": a, "ends_on": b}
            for p, stretches in spans.items()
            for a, b in stretches
        ],
    )


ALWAYS = (D(2000, 1, 3), None)
