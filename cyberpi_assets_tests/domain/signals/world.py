"""A market of a few companies for tests of detectors and of what is made of their signals."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pyarrow as pa

from cyberpi_assets_tests.domain import rows

D, UTC = dt.date, dt.UTC
FIRST, LAST = D(2024, 1, 2), D(2025, 3, 31)
DAYS = [d for d in rows.exchange_days() if FIRST <= d <= LAST]
COMPANIES = {**{f"C{k}": "tech" for k in range(6)}, **{f"E{k}": "energy" for k in range(6)}}


def prices(falls: dict[tuple[str, dt.date], float], seed: int = 3) -> pa.Table:
    """Bars of MKT, COMPANIES, each 1.0 times the market and noise of 1 %, and falls as log returns on top."""
    rng = np.random.default_rng(seed)
    market = rng.normal(0, 0.008, len(DAYS))
    made: list[dict[str, Any]] = []
    for ticker in ("MKT", *COMPANIES):
        moves = market + (rng.normal(0, 0.01, len(DAYS)) if ticker != "MKT" else 0.0)
        moves = moves + np.array([falls.get((ticker, d), 0.0) for d in DAYS])
        made += [
            {"ticker": ticker, "session": d, "close": float(c), "volume": 1000}
            for d, c in zip(DAYS, 100 * np.exp(np.cumsum(moves)), strict=True)
        ]
    return rows.bars(made)


def at(day: dt.date, hour: int = 15, minute: int = 0) -> dt.datetime:
    return dt.datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)


def item(ref: str, moment: dt.datetime, title: str, ticker: str | None = "C0", **more: Any) -> dict[str, Any]:
    """A threat item about an incident of a company, by a provider."""
    return {
        "threat_id": f"threat_{ref}", "title": title, "content": title, "source": "DJNL", "source_url": "x://y",
        "severity": "high", "severity_reason": "r", "threat_type": ["cyber_incident", "cyber"], "kind": "news",
        "ref": ref, "published_date": moment, "ingested_date": moment, "available_at": moment,
        "published_on": moment.date(), "tickers": [ticker] if ticker else [],
        "named_tickers": [ticker] if ticker else [], "negated": False, "story_id": f"threat_{ref}", "metadata": "{}",
    } | more  # fmt: skip


def incident(event: str, ticker: str, disclosed: dt.date, **more: Any) -> dict[str, Any]:
    return {
        "event_id": event, "ticker": ticker, "ticker_at_event": ticker, "company": ticker, "is_breach": True,
        "disclosed_on": disclosed, "available_at": at(disclosed + dt.timedelta(days=1), 5), "grade": "A",
        "source": "made", "file": "made", "line": 1,
    } | more  # fmt: skip


def filing(accession: str, ticker: str, moment: dt.datetime, **more: Any) -> dict[str, Any]:
    return {
        "accession": accession, "cik": 1, "ticker": ticker, "form": "8-K", "items": ["1.05"], "filed_on": moment.date(),
        "available_at": moment, "is_cyber": True, "cyber_reason": "item_1.05", "is_amendment": False, "n_listings": 1,
        "source": "made", "file": "made", "line": 1,
    } | more  # fmt: skip


def halt(ticker: str, moment: dt.datetime, code: str = "T1") -> dict[str, Any]:
    return {
        "halt_id": f"{ticker}:{moment:%Y%m%dT%H%M%S}", "ticker": ticker, "halted_on": moment.date(),
        "halted_at": moment, "available_at": moment, "reason_code": code, "reason_codes": [code],
        "reason_kind": "news_pending", "n_sources": 1, "source": "made", "file": "made", "line": 1,
    }  # fmt: skip


def score(ticker: str, moment: dt.datetime, figure: int) -> dict[str, Any]:
    return {
        "threat_id": f"financial_{ticker}_{moment:%Y%m%d_%H%M}", "ticker": ticker, "snapshot_at": moment,
        "session": moment.date(), "source": "made", "seed_score": figure, "coverage": 1.0, "n_fired": 1,
        "n_unknown": 0, "data_type": "live", "history_n": 0, "partial_day": False, "stale_minutes": 0.0,
    }  # fmt: skip


def tables(**given: list[dict[str, Any]]) -> dict[str, pa.Table]:
    """The tables detectors read, those not named empty."""
    names = [
        "market_alerts", "threat_scores", "trading_halts", "intelligence_items", "company_filings", "company_events",
        "incidents", "mna_events", "sanctions_changes", "demo_truth",
    ]  # fmt: skip
    return {name: rows.frame(name, given.get(name, [])) for name in names}
