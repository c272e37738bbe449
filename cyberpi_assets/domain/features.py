"""Features of daily bars that the alert detectors measure: returns, volume ratio, volatility ratio.

Here belongs the arithmetic on one block of bars, whole tickers at a time. Which figure fires an alert, and how rare it
is, belongs to `alerts.py`. Formulas: docs/methods.md, section 1.

Layout: arrays are sorted by ticker and session; `first[i]` is the index of the first bar of bar i's ticker, so that a
window never reaches into the ticker before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from cyberpi_assets.rules.figures import AlertThresholds

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_DIVIDEND_LIKE = 0.20  # a larger step between close and adjusted close is a split, not a dividend
ROUNDING = 1e-12  # 105 / 100 - 1 is a hair over 5 % in binary: a figure so near a threshold is taken to lie on it
_SPLIT_FIT = 0.20  # how far the observed step may lie from a known split ratio


@dataclass(frozen=True)
class Block:
    """Bars of whole tickers, sorted by ticker and session. All arrays have one value per bar."""

    code: npt.NDArray[np.int32]  # ticker, as a number
    day: npt.NDArray[np.int32]  # session, days since 1970-01-01
    close: Floats
    adj_close: Floats  # NaN where unknown
    volume: Floats  # NaN where unknown
    basis: npt.NDArray[np.int8]  # what close is adjusted for, as a number; equal numbers are comparable
    split: Floats  # ratio of a known split with this ex-date, else NaN

    @property
    def first(self) -> Ints:
        """Index of the first bar of each bar's ticker."""
        starts = np.flatnonzero(np.r_[True, self.code[1:] != self.code[:-1]])
        lengths = np.diff(np.r_[starts, self.code.size])
        return np.repeat(starts, lengths)


@dataclass(frozen=True)
class Features:
    """What the detectors measure, one value per bar; NaN is unknown."""

    change: Floats  # close-to-close return, splits taken out
    suspect: Bools  # |change| over the limit and no known split explains it
    volume_ratio: Floats  # volume over the mean of the prior sessions
    volume_mean: Floats
    volatility: Floats  # sample std of the last log returns
    volatility_known: Bools  # enough prior volatilities for a median
    volatility_hot: Ints  # bars whose volatility is at least the ratio times its median
    volatility_ratio: Floats  # at `volatility_hot`: the ratio
    volatility_median: Floats  # at `volatility_hot`: the median


def _prefix(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Exclusive prefix sums: p[k] is the sum of the first k values."""
    out = np.empty(values.size + 1, dtype=np.float64 if values.dtype.kind == "f" else np.int64)
    out[0] = 0
    np.cumsum(values, out=out[1:])
    return out


def changes(block: Block, suspect_move_pct: float) -> tuple[Floats, Bools]:
    """Close-to-close returns of each bar against the ticker's bar before, and which of them are suspect.

    The price is the split-adjusted close. Where two neighbouring bars are adjusted differently, or close steps against
    adj_close by more than a dividend could explain, the step is an adjustment and adj_close gives the return. A known
    split that fits the step is taken out. What then exceeds the limit stays, marked suspect. First bars are NaN.
    """
    n = block.code.size
    change = np.full(n, np.nan)
    suspect = np.zeros(n, dtype=bool)
    if n < 2:
        return change, suspect
    same = block.code[1:] == block.code[:-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        by_close = block.close[1:] / block.close[:-1] - 1.0
        by_adjusted = block.adj_close[1:] / block.adj_close[:-1] - 1.0
        step = (1.0 + by_close) / (1.0 + by_adjusted)
    adjusted_known = np.isfinite(by_adjusted)
    readjusted = adjusted_known & (
        (block.basis[1:] != block.basis[:-1]) | (np.abs(np.log(np.maximum(step, 1e-12))) > np.log1p(_DIVIDEND_LIKE))
    )
    move = np.where(readjusted, by_adjusted, by_close)
    limit = suspect_move_pct / 100.0 * (1.0 + ROUNDING)
    large = np.abs(move) > limit
    with np.errstate(invalid="ignore", divide="ignore"):
        unsplit = (1.0 + move) * block.split[1:] - 1.0
        fits = large & (np.abs(np.log(np.maximum(1.0 + unsplit, 1e-12))) < np.log1p(_SPLIT_FIT))
    move = np.where(fits, unsplit, move)
    move[~same] = np.nan
    change[1:] = move
    with np.errstate(invalid="ignore"):
        suspect[1:] = np.abs(move) > limit
    return change, suspect


def volume_ratios(block: Block, first: Ints, t: AlertThresholds) -> tuple[Floats, Floats]:
    """Volume over its mean in the prior sessions (today excluded), and that mean; NaN with too few present."""
    n = block.code.size
    known = np.isfinite(block.volume)
    total = _prefix(np.where(known, block.volume, 0.0))
    count = _prefix(known.astype(np.int64))
    here = np.arange(n)
    low = np.maximum(first, here - t.volume_sessions)
    present = count[here] - count[low]
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = (total[here] - total[low]) / present
        mean = np.where((present >= t.volume_present) & (mean > 0), mean, np.nan)
        return block.volume / mean, mean


def volatilities(change: Floats, first: Ints, days: int) -> Floats:
    """Sample standard deviation of the last `days` log returns, today included; NaN unless all are known."""
    n = change.size
    out = np.full(n, np.nan)
    if n < days:
        return out
    with np.errstate(invalid="ignore", divide="ignore"):
        logs = np.log1p(np.maximum(change, -1.0))
    logs[~np.isfinite(logs)] = np.nan
    views = [logs[k : n - days + 1 + k] for k in range(days)]
    mean = sum(views[1:], views[0].copy()) / days
    squares = np.zeros_like(mean)
    for view in views:
        squares += (view - mean) ** 2
    out[days - 1 :] = np.sqrt(squares / (days - 1))
    out[np.arange(n) - first < days] = np.nan  # the first bar of a ticker has no return
    return out


def hot_volatility(volatility: Floats, first: Ints, t: AlertThresholds) -> tuple[Bools, Ints, Floats, Floats]:
    """Where volatility is at least `volatility_ratio` times its median over the prior sessions.

    Returns: per bar, whether that median is known; and for the bars that are hot their indices, ratios and medians.

    Only hot bars need their median. Counting how many prior values lie below volatility / ratio finds all bars that can
    be hot with plain comparisons; the exact median is taken for those alone.
    """
    n, w = volatility.size, t.volatility_sessions
    known = np.isfinite(volatility)
    count = _prefix(known.astype(np.int64))
    here = np.arange(n)
    present = (count[here] - count[np.maximum(first, here - w)]).astype(np.int64)
    # a median of zero (prices at rest) is nothing to measure against: more than half of the values are zero
    still = _prefix(known & (volatility == 0))
    at_rest = still[here] - still[np.maximum(first, here - w)] > present // 2
    enough = (present >= t.volatility_present) & ~at_rest

    starts = np.unique(first)
    ticker = np.searchsorted(starts, first)
    padded = np.full(n + w * starts.size, np.nan)
    at = here + w * (ticker + 1)  # w unknown values stand before each ticker
    padded[at] = volatility

    below = np.zeros(padded.size, dtype=np.int16)
    limit = padded * ((1.0 + 2 * ROUNDING) / t.volatility_ratio)
    with np.errstate(invalid="ignore"):
        for k in range(1, w + 1):
            below[k:] += padded[:-k] <= limit[k:]
    maybe = np.flatnonzero(enough & known & (2 * below[at] >= present))

    hot: list[Ints] = []
    ratios: list[Floats] = []
    medians: list[Floats] = []
    windows = np.lib.stride_tricks.sliding_window_view(padded, w) if padded.size >= w else padded.reshape(0, w)
    for part in np.array_split(maybe, max(1, maybe.size // 20_000)):
        window = np.sort(windows[at[part] - w], axis=1)  # unknown values sort last
        m = present[part]
        row = np.arange(part.size)
        median = 0.5 * (window[row, (m - 1) // 2] + window[row, m // 2])
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = volatility[part] / median
        fires = (median > 0) & (ratio >= t.volatility_ratio * (1.0 - ROUNDING))
        hot.append(part[fires])
        ratios.append(ratio[fires])
        medians.append(median[fires])
    return enough & known, np.concatenate(hot), np.concatenate(ratios), np.concatenate(medians)


def measure(block: Block, t: AlertThresholds) -> Features:
    """All features of a block of bars (METHODS, section 1)."""
    first = block.first
    change, suspect = changes(block, t.suspect_move_pct)
    ratio, mean = volume_ratios(block, first, t)
    volatility = volatilities(change, first, t.volatility_days)
    known, hot, hot_ratio, hot_median = hot_volatility(volatility, first, t)
    return Features(change, suspect, ratio, mean, volatility, known, hot, hot_ratio, hot_median)
