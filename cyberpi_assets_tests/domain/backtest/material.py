"""A small market made for the back-test: random walks of two sectors, incidents, and a planted sign before them."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa

from cyberpi_assets.domain.calendar import sessions
from cyberpi_assets.tables import INCIDENTS

MARKET = "ZZMKT"
N = 90
FIRST, LAST = dt.date(2020, 6, 1), dt.date(2025, 6, 30)


def tickers() -> list[str]:
    return [f"T{k:03d}" for k in range(N)]


def days() -> np.ndarray:
    every = sessions()
    low, high = ((d - dt.date(1970, 1, 1)).days for d in (FIRST, LAST))
    return every[(every >= low) & (every <= high)].astype(np.int64)


def companies() -> pa.Table:
    return pa.table(
        {"ticker": [*tickers(), MARKET], "sector": ["Health" if k % 2 else "Energy" for k in range(N)] + [None]}
    )


def incident_days(seed: int, each: int = 45) -> list[tuple[str, int]]:
    """One incident each of so many tickers, on sessions from 2022 on."""
    rng = np.random.default_rng(seed)
    later = days()[days() > (dt.date(2022, 3, 1) - dt.date(1970, 1, 1)).days]
    chosen = rng.choice(N, size=each, replace=False)
    return [(tickers()[k], int(rng.choice(later))) for k in chosen]


def incidents(found: list[tuple[str, int]], **over: object) -> pa.Table:
    rows = [incident(f"E{k:03d}", ticker, day, **over) for k, (ticker, day) in enumerate(found)]
    return pa.Table.from_pylist(rows, schema=INCIDENTS.schema)


def incident(event_id: str, ticker: str, day: int, **over: object) -> dict[str, object]:
    on = dt.date(1970, 1, 1) + dt.timedelta(days=day)
    return {
        "event_id": event_id, "ticker": ticker, "ticker_at_event": ticker, "company": f"{ticker} Inc.",
        "event": f"incident {event_id}", "disclosed_on": on, "event_day": on, "event_day_ambiguous": False,
        "available_at": dt.datetime.combine(on, dt.time(21), dt.UTC), "grade": "A", "source": "made", "file": "made",
        "line": 1,
    } | over  # fmt: skip


def bars(found: list[tuple[str, int]], seed: int, planted: float) -> pa.Table:
    """Daily bars; with `planted` > 0, volume swells and the price slips 30 to 14 days before each incident."""
    rng = np.random.default_rng(seed)
    on = days()
    market = rng.normal(0, 0.008, on.size)
    moves = market[None, :] * rng.uniform(0.6, 1.4, (N, 1)) + rng.normal(0, 0.015, (N, on.size))
    volume = np.exp(rng.normal(13, 1, (N, 1)) + rng.normal(0, 0.3, (N, on.size)))
    for ticker, day in found:
        row = tickers().index(ticker)
        there = (on >= day - 30) & (on <= day - 14)
        moves[row, there] -= 0.012 * planted
        volume[row, there] *= 1 + 1.5 * planted
    moves = np.vstack([moves, market])
    volume = np.vstack([volume, np.full(on.size, 1e7)])
    close = 50 * np.exp(np.cumsum(moves, axis=1))
    names = [*tickers(), MARKET]
    return pa.table(
        {
            "ticker": np.repeat(names, on.size),
            "session": pa.array(np.tile(on, len(names)).astype(np.int32), pa.int32()).cast(pa.date32()),
            "close": close.ravel(),
            "adj_close": close.ravel(),
            "volume": volume.ravel().astype(np.int64),
            "basis": ["split"] * close.size,
            "source": ["made"] * close.size,
        }
    )


def no_alerts() -> pa.Table:
    return pa.table(
        {
            "ticker": pa.array([], pa.string()),
            "session": pa.array([], pa.date32()),
            "severity": pa.array([], pa.int16()),
            "suspect_data": pa.array([], pa.bool_()),
        }
    )


def no_options() -> pa.Table:
    kinds = {"ticker": pa.string(), "session": pa.date32()}
    whole = dict.fromkeys(("total_volume", "call_volume", "put_volume"), pa.int64())
    real = dict.fromkeys(("iv10", "iv30", "iv90"), pa.float64())
    return pa.table({n: pa.array([], t) for n, t in (kinds | whole | real).items()})
