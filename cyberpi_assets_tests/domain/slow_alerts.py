"""Market alerts by the letter of METHODS, section 1: one ticker, one session, one loop at a time.

Slow and obvious on purpose. It shares no line with the code under test and knows nothing of arrays.
"""

from __future__ import annotations

import datetime as dt
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cyberpi_assets.rules.figures import AlertThresholds
from cyberpi_assets_tests.domain.rows import exchange_days


@dataclass(frozen=True)
class Alert:
    """What an alert must say."""

    ticker: str
    session: dt.date
    alert_type: str
    severity: int | None
    basis: str
    price: float
    volume: int | None
    change_pct: float | None
    suspect: bool
    ratio: float
    baseline: float
    history: int
    tail_p: float | None


_HAIR = 1e-12  # decimal figures that lie on a threshold may stand a hair beside it in binary


def severity_of(p: float) -> int:
    return int(min(10, max(1, round(1 + 9 * (-math.log10(p) - 1) / 1.7))))


def _median(values: list[float]) -> float:
    ordered = sorted(values)
    n = len(ordered)
    return ordered[n // 2] if n % 2 else (ordered[n // 2 - 1] + ordered[n // 2]) / 2


def _std(values: list[float]) -> float:
    mean = sum(values) / len(values)
    return math.sqrt(sum((v - mean) ** 2 for v in values) / (len(values) - 1))


@dataclass
class _Series:
    """One ticker's bars and everything measured on them, by position."""

    ticker: str
    bars: list[dict[str, Any]]
    change: list[float | None]
    suspect: list[bool]
    volume_ratio: list[float | None]
    volume_mean: list[float | None]
    std: list[float | None]
    std_ratio: list[float | None]
    std_median: list[float | None]

    def measured(self, kind: str) -> list[float | None]:
        if kind == "unusual_volume":
            return self.volume_ratio
        if kind == "high_volatility":
            return self.std_ratio
        sign = 1 if kind == "price_spike" else -1
        return [None if c is None else sign * c for c in self.change]


def _change(before: Mapping[str, Any], now: Mapping[str, Any], split: float | None, limit: float) -> tuple[float, bool]:
    """The close-to-close return, and whether it is a large move that nothing explains."""
    move = now["close"] / before["close"] - 1
    if before["adj_close"] is not None and now["adj_close"] is not None:
        adjusted = now["adj_close"] / before["adj_close"] - 1
        apart = max((1 + move) / (1 + adjusted), (1 + adjusted) / (1 + move))
        # a dividend moves the two apart by less than a fifth; what is more, or lies between two ways of adjusting, is
        # an adjustment and no move of the market
        if before["basis"] != now["basis"] or apart > 1.2:
            move = adjusted
    if abs(move) > limit * (1 + _HAIR) and split is not None:
        explained = (1 + move) * split
        if max(explained, 1 / explained) < 1.2:
            move = explained - 1
    return move, abs(move) > limit * (1 + _HAIR)


def _measure(ticker: str, bars: list[dict[str, Any]], split_on: Mapping[dt.date, float], t: AlertThresholds) -> _Series:
    s = _Series(ticker, bars, [], [], [], [], [], [], [])
    logs: list[float | None] = []
    for i, bar in enumerate(bars):
        change, suspect = None, False
        if i > 0:
            change, suspect = _change(bars[i - 1], bar, split_on.get(bar["session"]), t.suspect_move_pct / 100)
        s.change.append(change)
        s.suspect.append(suspect)
        logs.append(None if change is None else math.log1p(change))

        present = [b["volume"] for b in bars[max(0, i - t.volume_sessions) : i] if b["volume"] is not None]
        mean = sum(present) / len(present) if len(present) >= t.volume_present else None
        mean = mean or None  # nothing can be measured against a mean of zero
        s.volume_mean.append(mean)
        s.volume_ratio.append(None if mean is None or bar["volume"] is None else bar["volume"] / mean)

        last = [x for x in logs[max(0, i - t.volatility_days + 1) :] if x is not None]
        std = _std(last) if len(last) == t.volatility_days else None
        prior = [x for x in s.std[max(0, i - t.volatility_sessions) :] if x is not None]
        median = _median(prior) if len(prior) >= t.volatility_present else None
        median = median or None
        s.std.append(std)
        s.std_median.append(median)
        s.std_ratio.append(None if std is None or median is None else std / median)
    return s


def _fires(s: _Series, kind: str, i: int, t: AlertThresholds) -> bool:
    x = s.measured(kind)[i]
    if x is None:
        return False
    if kind == "unusual_volume":
        return x >= t.volume_ratio * (1 - _HAIR)
    if kind != "high_volatility":
        return x > t.move_pct / 100 * (1 + _HAIR)
    yesterday = s.std_ratio[i - 1] if i else None
    bound = t.volatility_ratio * (1 - _HAIR)
    return x >= bound and not (yesterday is not None and yesterday >= bound)


def slow_alerts(
    rows: Iterable[Mapping[str, Any]],
    t: AlertThresholds,
    known_splits: Iterable[tuple[str, dt.date, float]] = (),
    sector_of: Mapping[str, str | None] | None = None,
) -> dict[tuple[str, dt.date, str], Alert]:
    """Every alert of every ticker, by ticker, session and type."""
    sector_of = sector_of or {}
    split_on: dict[str, dict[dt.date, float]] = defaultdict(dict)
    for ticker, day, ratio in known_splits:
        split_on[ticker][day] = ratio
    by_ticker: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        by_ticker[row["ticker"]].append(dict(row))
    series = {
        ticker: _measure(ticker, sorted(mine, key=lambda b: b["session"]), split_on[ticker], t)
        for ticker, mine in by_ticker.items()
    }
    number = {day: i for i, day in enumerate(exchange_days())}
    found: dict[tuple[str, dt.date, str], Alert] = {}
    for kind in ("unusual_volume", "price_spike", "price_drop", "high_volatility"):
        measured = {ticker: s.measured(kind) for ticker, s in series.items()}
        pools: dict[str, list[tuple[int, float]]] = defaultdict(list)  # per sector: number of the session, value
        for ticker, s in series.items():
            if (sector := sector_of.get(ticker)) is not None:
                pools[sector] += [
                    (number[b["session"]], x) for b, x in zip(s.bars, measured[ticker], strict=True) if x is not None
                ]
        for ticker, s in series.items():
            for i, bar in enumerate(s.bars):
                if not _fires(s, kind, i, t):
                    continue
                x = measured[ticker][i]
                assert x is not None
                history = [h for h in measured[ticker][max(0, i - t.severity_sessions) : i] if h is not None]
                basis = "own"
                if len(history) < t.severity_present:
                    now, sector = number[bar["session"]], sector_of.get(ticker)
                    pool = [] if sector is None else pools[sector]
                    pooled = [h for n, h in pool if now - t.severity_sessions <= n < now]
                    basis = "sector" if len(pooled) >= t.severity_present else "none"
                    history = pooled if basis == "sector" else history
                p = (1 + sum(h >= x for h in history)) / (len(history) + 1)
                if kind == "unusual_volume":
                    suspect, baseline = False, s.volume_mean[i]
                elif kind == "high_volatility":
                    suspect, baseline = any(s.suspect[max(0, i - t.volatility_days + 1) : i + 1]), s.std_median[i]
                else:
                    suspect, baseline = s.suspect[i], s.bars[i - 1]["close"]
                change = s.change[i]
                found[ticker, bar["session"], kind] = Alert(
                    ticker, bar["session"], kind, None if basis == "none" else severity_of(p), basis, bar["close"],
                    bar["volume"], None if change is None else 100 * change, suspect, x, baseline or math.nan,
                    len(history), None if basis == "none" else p,
                )  # fmt: skip
    return found
