"""Tickers by sessions: one rectangle per figure, in which looking back is a shift and a baseline two prefix sums.

Here belong the rectangle and its rolling means. Which figures fill it belongs to `features.py`.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from cyberpi_assets.domain.calendar import Days, day_number
from cyberpi_assets.domain.features import Floats, Ints

Cells = npt.NDArray[np.float32]

_BLOCK = 512  # sessions ranked at a time


@dataclass(frozen=True)
class Grid:
    """Figures of tickers (rows, ascending) on consecutive sessions (columns). NaN is unknown.

    days: days since 1970-01-01 of the columns. sector: a number per row, -1 unknown.
    """

    tickers: list[str]
    days: Days
    sector: Ints
    figures: dict[str, Cells] = field(default_factory=dict)

    def until(self, last: dt.date) -> Grid:
        """The grid as it was at the close of a day: later sessions do not exist in it."""
        width = int(np.searchsorted(self.days, day_number(last), side="right"))
        cut = {name: cells[:, :width] for name, cells in self.figures.items()}
        return Grid(self.tickers, self.days[:width], self.sector, cut)

    def columns(self, first: Ints, last: Ints) -> tuple[Ints, Ints]:
        """Columns [low, high) of the sessions from day `first` to day `last`, both included. Shapes: as given."""
        low = np.searchsorted(self.days, first, side="left")
        high = np.searchsorted(self.days, last, side="right")
        return low.astype(np.int64), high.astype(np.int64)


def _sums(x: npt.NDArray[np.generic], furthest: int, nearest: int) -> Floats:
    """Sum over the columns [t - furthest, t - nearest] of each row, as far as there are any. Shape: as x."""
    rows, width = x.shape
    summed = np.zeros((rows, width + 1))
    np.cumsum(x, axis=1, out=summed[:, 1:])
    out = np.zeros((rows, width))
    if nearest < width:
        out[:, nearest:] = summed[:, 1 : width - nearest + 1]
    if furthest < width:
        out[:, furthest:] -= summed[:, : width - furthest]
    return out


@dataclass(frozen=True)
class Rolling:
    """Mean, standard deviation and number of the known values of a stretch of sessions before each session."""

    mean: Floats
    std: Floats
    n: Ints


def before(values: npt.NDArray[np.floating], furthest: int, nearest: int, least: int) -> Rolling:
    """Over the sessions [t - furthest, t - nearest] of each row; NaN where fewer than `least` are known.

    values: (rows, sessions). Sums are taken about each row's own mean, so that large figures keep their digits.
    """
    known = np.isfinite(values)
    count = np.maximum(known.sum(axis=1, keepdims=True), 1)
    filled = np.where(known, values, 0.0).astype(np.float64)
    centre = filled.sum(axis=1, keepdims=True) / count
    apart = np.where(known, filled - centre, 0.0)

    def total(x: npt.NDArray[np.generic]) -> Floats:
        return _sums(x, furthest, nearest)

    n = total(known)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = total(apart) / n
        variance = (total(apart * apart) - n * mean * mean) / (n - 1)
    enough = n >= max(least, 2)
    spread = np.sqrt(np.where(variance > 0, variance, np.nan))
    return Rolling(
        np.where(enough, mean + centre, np.nan), np.where(enough, spread, np.nan), np.rint(n).astype(np.int64)
    )


def recent_mean(values: npt.NDArray[np.floating], length: int, least: int) -> Floats:
    """Mean over the last `length` sessions, this one included; NaN where fewer than `least` are known."""
    known = np.isfinite(values)
    total, n = _sums(np.where(known, values, 0.0), length - 1, 0), _sums(known, length - 1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(n >= least - 0.5, total / n, np.nan)


def percentiles(values: npt.NDArray[np.floating], least: int = 20) -> Cells:
    """Mid-rank of each value among the known values of its session, between 0 and 1; ties share their mid-rank.

    NaN for unknown values, and on sessions with fewer than `least` known ones.
    """
    out = np.full(values.shape, np.nan, dtype=np.float32)
    for begin in range(0, values.shape[1], _BLOCK):
        block = values[:, begin : begin + _BLOCK]
        order = np.argsort(block, axis=0)  # NaN last
        ranked = np.take_along_axis(block, order, axis=0)
        place = np.arange(block.shape[0])[:, None]
        starts = np.ones(block.shape, np.bool_)
        starts[1:] = ranked[1:] != ranked[:-1]
        first = np.maximum.accumulate(np.where(starts, place, 0), axis=0)
        ends = np.ones(block.shape, np.bool_)
        ends[:-1] = starts[1:]
        last = np.minimum.accumulate(np.where(ends, place, block.shape[0])[::-1], axis=0)[::-1]
        n = np.isfinite(block).sum(axis=0)
        share = ((first + last + 1) / 2.0 / np.maximum(n, 1)).astype(np.float32)
        share[~np.isfinite(ranked) | (n < least)[None, :]] = np.nan
        np.put_along_axis(out[:, begin : begin + _BLOCK], order, share, axis=0)
    return out
