"""The timing surface as arrays: where a day stands, what it scores, and which days may serve as a placebo.

Here belongs the look-up of days and ranges of days on the surface. How the surface comes about belongs to
`domain/timing.py`; which range is an official's own belongs to `windows.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from cyberpi_assets.domain.calendar import Days, sessions
from cyberpi_assets.domain.columns import day_numbers, having, numbered, places
from cyberpi_assets.domain.counting import RangeCounts
from cyberpi_assets.domain.features import Bools, Floats, Ints
from cyberpi_assets.domain.sql import Frame, only
from cyberpi_assets.domain.timing import SUSPICIOUS, score_parts
from cyberpi_assets.rules.figures import EvidenceRules, TimingRules

_READ = (
    "ticker", "day", "is_session", "n_alerts", "n_rated", "severity_sum", "n_recent", "n_high", "scorable", "raw_score",
)  # fmt: skip
_SHIFT = 32  # a key is the ticker's number and the day: (code << 32) | day


@dataclass(frozen=True)
class Placebo:
    """The days that may serve as placebo dates, all tickers after one another; ascending by ticker and day."""

    key: Ints  # (ticker << 32) | day
    day: npt.NDArray[np.int32]
    rank: npt.NDArray[np.int32]  # of the score, among all scores of the surface
    sums: Floats  # exclusive prefix sums of the score
    suspicious: Ints  # exclusive prefix counts of scores that are suspicious

    @cached_property
    def counts(self) -> RangeCounts:
        """Counts over ranges of these days."""
        return RangeCounts(self.rank)

    def places(self, code: Ints, first: Ints, last: Ints) -> tuple[Ints, Ints]:
        """The range [low, high) of places of a ticker's days from `first` to `last`, both included.

        Shapes: (queries,).
        """
        low = np.searchsorted(self.key, (code << _SHIFT) | first, side="left")
        high = np.searchsorted(self.key, (code << _SHIFT) | last, side="right")
        return low.astype(np.int64), np.maximum(low, high).astype(np.int64)


@dataclass(frozen=True)
class Surface:
    """Every ticker's calendar days with their scores, ascending by ticker and day. Arrays: one value per row."""

    tickers: list[str]
    key: Ints
    score: Floats  # 0-100
    rank: npt.NDArray[np.int32]  # dense rank of the score
    levels: Floats  # the score of each rank
    usable: Bools  # may serve as a placebo date
    scorable: Bools
    parts: dict[str, npt.NDArray[np.generic]]  # n_alerts, n_rated, severity_sum, n_recent, n_high
    last_bar: Ints  # of the stretch of days that the row belongs to
    timing: TimingRules

    def codes(self, tickers: pa.ChunkedArray[Any]) -> Ints:
        """Number of each ticker, -1 where the surface has none."""
        return places(tickers, self.tickers)

    def rows(self, code: Ints, day: Ints) -> Ints:
        """Row of each ticker and day, -1 where there is none. Shapes: (queries,)."""
        wanted = (code << _SHIFT) | day
        at = np.searchsorted(self.key, wanted)
        inside = (at < self.key.size) & (code >= 0)
        found = (
            np.where(inside, self.key[np.minimum(at, self.key.size - 1)] == wanted, False) if self.key.size else inside
        )
        return np.where(found, at, -1).astype(np.int64)

    @cached_property
    def placebo(self) -> Placebo:
        """The days that may serve as placebo dates: sessions with a score and a market, listed long enough."""
        key, rank = self.key[self.usable], self.rank[self.usable]
        score = self.score[self.usable]
        return Placebo(
            key,
            (key & 0xFFFFFFFF).astype(np.int32),
            rank,
            np.concatenate([[0.0], np.cumsum(score)]),
            np.concatenate([[0], np.cumsum(score >= SUSPICIOUS)]).astype(np.int64),
        )

    def mirror(self, code: Ints, day: Ints) -> Floats:
        """The score of the alerts in the days *after* each day, by the same formula; NaN where they are not known yet.

        The alerts 1 to `window_days` after day d are those before day d + window_days + 1. With `include_same_day` both
        windows hold the day itself. Shapes: (queries,).
        """
        if not self.key.size:
            return np.full(code.shape, np.nan)
        ahead = 0 if self.timing.include_same_day else 1
        row = self.rows(code, day)

        def later(days: int) -> Ints:
            # without a break between: what lies behind a pause of the market was not laid out
            at = np.minimum(np.maximum(row, 0) + days, self.key.size - 1)
            return np.where((row >= 0) & (self.key[at] == self.key[np.maximum(row, 0)] + days), at, -1)

        window, short = later(self.timing.window_days + ahead), later(self.timing.recent_days + ahead)
        known = sessions()
        last_needed = known[np.searchsorted(known, day + self.timing.window_days, side="right") - 1]
        at, near = np.maximum(window, 0), np.maximum(short, 0)
        complete = (window >= 0) & (short >= 0) & (self.last_bar[at] >= last_needed) & self.scorable[at]
        total, rated = self.parts["severity_sum"][at].astype(np.float64), self.parts["n_rated"][at].astype(np.float64)
        mean = np.divide(total, rated, out=np.zeros_like(total), where=rated > 0)
        _, score = score_parts(self.parts["n_alerts"][at], mean, self.parts["n_recent"][near], self.parts["n_high"][at])
        return np.where(complete, score, np.nan)


def read_surface(
    surface: Frame, timing: TimingRules, rules: EvidenceRules, tickers: pa.ChunkedArray[Any] | None = None
) -> Surface:
    """The surface as arrays, only of these tickers when given. surface: `tables.TIMING_SURFACE`, in any order."""
    slim = only(surface, *_READ)
    table = slim if isinstance(slim, pa.Table) else slim.to_arrow_table()
    if tickers is not None:
        table = having(table, "ticker", tickers.unique().to_pylist())
    numbers, names = numbered(table.column("ticker"))
    code, day = numbers.astype(np.int64), day_numbers(table.column("day"))
    key = (code << _SHIFT) | day
    order = np.argsort(key, kind="stable")
    key, code, day = key[order], code[order], day[order]

    def column(name: str) -> npt.NDArray[np.generic]:
        return table.column(name).to_numpy()[order]

    # one decimal more than any score has: equal scores are equal however they were summed
    score = np.round(np.minimum(100.0, column("raw_score").astype(np.float64)), 9).astype(np.float64)
    levels, rank = np.unique(score, return_inverse=True)
    is_session, scorable = column("is_session").astype(bool), column("scorable").astype(bool)
    # a stretch of days without a break: the market was there from its first day to `window_days` before its last
    starts = np.flatnonzero(np.r_[True, np.diff(key) != 1]) if key.size else np.zeros(0, dtype=np.int64)
    length = np.diff(np.r_[starts, key.size])
    last_bar = np.repeat(day[starts + length - 1] - timing.window_days, length)
    before = np.concatenate([[0], np.cumsum(is_session)])
    prior = before[:-1] - np.repeat(before[starts], length)
    usable = is_session & scorable & (prior >= rules.prior_sessions) & (day <= last_bar)
    return Surface(
        names,
        key,
        score,
        rank.astype(np.int32),
        levels,
        usable,
        scorable,
        {n: column(n) for n in ("n_alerts", "n_rated", "severity_sum", "n_recent", "n_high")},
        last_bar,
        timing,
    )


def sessions_between(first: int, last: int) -> Days:
    """Exchange sessions from `first` to `last`, both included, as days since 1970-01-01."""
    known = sessions()
    return known[np.searchsorted(known, first, side="left") : np.searchsorted(known, last, side="right")]
