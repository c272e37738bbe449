"""Invented officials who trade on real bars at random dates, or partly on the best ones: the material of the self-test.

Here belongs the making of trades whose truth is known. What is tested on them belongs to `calibration.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from cyberpi_assets.domain.evidence.clusters import THIRDS, Clusters, build
from cyberpi_assets.domain.evidence.nulls import admissible
from cyberpi_assets.domain.evidence.surface import Surface
from cyberpi_assets.domain.evidence.windows import windows
from cyberpi_assets.domain.features import Floats, Ints

_BEST = 0.05  # an informed trade is placed on one of the best-scored twentieth of the ticker's dates


@dataclass(frozen=True)
class Plan:
    """What an invented official does."""

    name: str
    strength: float = 0.0  # share of trading days that follow foreknowledge
    days: int = 12  # trading days
    per_day: int = 3  # tickers traded on each
    sessions: int = 500  # length of the window


@dataclass(frozen=True)
class Universe:
    """Tickers that may be traded: for each its placebo days and their ranks."""

    code: Ints
    third: list[str]
    low: Ints  # places on the placebo array
    high: Ints


def universe(surface: Surface, volatility: pa.Table, at_least: int) -> Universe:
    """Tickers with so many admissible days and a known volatility. volatility: as `ticker_volatility` gives."""
    third = dict(zip(volatility.column("ticker").to_pylist(), volatility.column("third").to_pylist(), strict=True))
    code = np.arange(len(surface.tickers))
    low, high = surface.placebo.places(code, np.zeros_like(code), np.full_like(code, 2**31 - 1))
    fit = (high - low >= at_least) & np.array([third.get(t) in THIRDS for t in surface.tickers], dtype=bool)
    return Universe(code[fit], [str(third[surface.tickers[c]]) for c in code[fit]], low[fit], high[fit])


def traders(surface: Surface, tickers: Universe, plans: list[Plan], rng: np.random.Generator) -> Clusters:
    """Clusters of these officials. Each trades a few tickers, always on common days; informed days are the best of one.

    The window of an official is a random stretch of sessions of a random ticker; all tickers of the official have a
    market in it. Raises ValueError where no ticker is long enough.
    """
    if tickers.code.size == 0:
        raise ValueError("no ticker has enough admissible days for the self-test")
    day, rank = surface.placebo.day.astype(np.int64), surface.placebo.rank
    rows: list[tuple[str, int, int]] = []
    spans: list[tuple[str, int, int]] = []
    for plan in plans:
        lead = int(rng.integers(tickers.code.size))
        own = day[tickers.low[lead] : tickers.high[lead]]
        sessions = min(plan.sessions, own.size)
        start = int(rng.integers(own.size - sessions + 1))
        window = own[start : start + sessions]
        # tickers with a market over the whole window
        whole = (day[tickers.low] <= window[0]) & (day[tickers.high - 1] >= window[-1])
        basket = rng.choice(np.flatnonzero(whole), size=min(plan.per_day * 3, int(whole.sum())), replace=False)
        spans.append((plan.name, int(window[0]), int(window[-1])))
        picked = rng.choice(sessions, size=plan.days, replace=False)
        informed = rng.random(plan.days) < plan.strength
        for place, knows in zip(picked, informed, strict=True):
            chosen = rng.choice(basket, size=min(plan.per_day, basket.size), replace=False)
            when = int(window[place])
            if knows:
                low, high = tickers.low[chosen[0]], tickers.high[chosen[0]]
                inside = slice(*(low + np.searchsorted(day[low:high], [window[0], window[-1] + 1])))
                best = np.argsort(-rank[inside].astype(np.int64), kind="stable")
                when = int(day[inside][rng.choice(best[: max(1, int(_BEST * best.size))])])
            rows += [(plan.name, int(tickers.code[t]), when) for t in chosen]
    return _clusters(surface, tickers, sorted(set(rows), key=lambda r: (r[0], surface.tickers[r[1]], r[2])), spans)


def _clusters(
    surface: Surface, tickers: Universe, rows: list[tuple[str, int, int]], spans: list[tuple[str, int, int]]
) -> Clusters:
    names = sorted({name for name, _, _ in rows})
    place = {name: at for at, name in enumerate(names)}
    person, code, day = (
        np.array(c, dtype=np.int64) for c in ([place[r[0]] for r in rows], [r[1] for r in rows], [r[2] for r in rows])
    )
    terms = pa.table(
        {
            "bioguide_id": [s[0] for s in spans],
            "starts_on": pa.array([s[1] for s in spans], pa.int32()).cast(pa.date32()),
            "ends_on": pa.array([s[2] for s in spans], pa.int32()).cast(pa.date32()),
        }
    )
    dates = admissible(surface, windows(names, person, day, terms), person, code, day)
    row = surface.rows(code, day)
    third = dict(zip(tickers.code.tolist(), tickers.third, strict=True))
    n = np.maximum(dates.n, 1)
    columns: dict[str, Any] = {
        "person": [r[0] for r in rows],
        "ticker": [surface.tickers[r[1]] for r in rows],
        "day": pa.array(day, pa.int32()).cast(pa.date32()),
        "third": [third[int(c)] for c in code],
        "score": surface.score[row],
        "p_placebo": dates.at_least / n,
        "p_above": dates.above / n,
        "expected_score": dates.total / n,
        "expected_suspicious": dates.suspicious / n,
        "mirror": np.full(row.size, np.nan),
    }
    return build(pa.table(columns), surface, terms)


def randomised_p(data: Clusters, rng: np.random.Generator) -> Floats:
    """Placebo p with ties broken at random: uniform under the null, where the exact p is only never too small."""
    above = data.table.column("p_above").to_numpy()
    return above + rng.random(above.size) * (data.p_placebo - above)
