"""Alarms of a daily score: when they go off, how often, what followed, and how early they were.

Here belongs what a person would have been told, day by day, over the whole grid. Matched comparisons of windows belong
to `measures.py`.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import mannwhitneyu

from cyberpi_assets.domain.backtest.events import Events
from cyberpi_assets.domain.backtest.grid import Cells, Grid
from cyberpi_assets.domain.backtest.registered import Registered
from cyberpi_assets.domain.evidence.intervals import ratio_interval
from cyberpi_assets.domain.features import Bools, Floats, Ints

SESSIONS_A_MONTH = 21.0
_YEAR = 365.25


def alarms(cells: Cells, percentile: float, quiet: int) -> Bools:
    """Whether an alarm goes off: the score is at or above the percentile and was not in the `quiet` sessions before.

    Shape: as cells. An unknown score neither raises an alarm nor ends the quiet.
    """
    over = cells >= np.float32(percentile)
    column = np.arange(cells.shape[1])[None, :]
    latest = np.maximum.accumulate(np.where(over, column, -(10**6)), axis=1)
    before = np.concatenate([np.full((cells.shape[0], 1), -(10**6)), latest[:, :-1]], axis=1)
    return over & (column - before > quiet)


def percentile_for(cells: Cells, per_month: float, quiet: int) -> float:
    """The percentile at which a score raises about so many alarms per ticker and month; NaN where none is known.

    By halving: a higher percentile raises fewer alarms as long as the score is not over it most of the time.
    """
    if not np.isfinite(cells).any() or not np.isfinite(per_month):
        return float("nan")
    low, high = 0.9, 1.0
    for _ in range(8):
        middle = (low + high) / 2
        low, high = (middle, high) if rate_per_month(alarms(cells, middle, quiet), cells) > per_month else (low, middle)
    return high


def rate_per_month(raised: Bools, cells: Cells) -> float:
    """Alarms per ticker and month of 21 sessions with a known score."""
    known = np.count_nonzero(np.isfinite(cells))
    return float(np.count_nonzero(raised) * SESSIONS_A_MONTH / known) if known else float("nan")


@dataclass(frozen=True)
class Followed:
    """What followed the alarms: how many, how many before an incident, and how many of these chance would give."""

    alarms: int
    right: int
    expected: float
    low: float  # interval of right / expected
    high: float


def followed(raised: Bools, cells: Cells, grid: Grid, events: Events, use: Bools, window: tuple[int, int]) -> Followed:
    """Alarms followed by an incident of the ticker from window[1] to window[0] days later, against alarms at random.

    Chance: as many alarms, spread evenly over all tickers' sessions with a known score.
    """
    known = np.isfinite(cells)
    wanted = np.zeros_like(known)
    low, high = grid.columns(events.day.astype(np.int64) - window[0], events.day.astype(np.int64) - window[1])
    for k in np.flatnonzero(use & (events.row >= 0)):
        wanted[events.row[k], low[k] : high[k]] = True
    n, right = int(np.count_nonzero(raised)), int(np.count_nonzero(raised & wanted))
    expected = n * np.count_nonzero(wanted & known) / max(np.count_nonzero(known), 1)
    ends = ratio_interval([right], [expected])
    return Followed(n, right, float(expected), float(ends[0][0]), float(ends[1][0]))


@dataclass(frozen=True)
class TopK:
    """The highest names of each week: share followed by an incident, beside that of names at random."""

    weeks: int
    named: int
    right: int
    precision: float
    random: float


def top_of_weeks(
    cells: Cells, grid: Grid, events: Events, use: Bools, window: tuple[int, int], k: int, since: dt.date
) -> TopK:
    """Each week's k tickers with the highest score of any day, from the week of `since` on.

    Right are those with an incident from window[1] to window[0] days after the week's last session.
    """
    week = (grid.days.astype(np.int64) + 3) // 7  # 1970-01-01 was a Thursday: weeks begin on Monday
    first = int(np.searchsorted(grid.days, (since - dt.date(1970, 1, 1)).days))
    weeks = [w for w in np.unique(week[first:]) if np.count_nonzero(week == w) > 0]
    named = right = could = pool = 0
    for w in weeks:
        at = np.flatnonzero(week == w)
        at = at[at >= first]
        block = cells[:, at]
        best = np.where(np.isfinite(block), block, -1.0).max(axis=1)
        there = best >= 0
        if np.count_nonzero(there) < 4 * k:
            continue
        last = int(grid.days[at[-1]])
        gap = events.day.astype(np.int64) - last
        near = use & (events.row >= 0) & (gap >= window[1]) & (gap <= window[0])
        hit = np.zeros(best.size, np.bool_)
        hit[events.row[near]] = True
        top = np.lexsort((np.arange(best.size), -best))[:k]
        named, right = named + k, right + int(np.count_nonzero(hit[top]))
        could, pool = could + int(np.count_nonzero(hit & there)), pool + int(np.count_nonzero(there))
    if not named:
        return TopK(0, 0, 0, float("nan"), float("nan"))
    return TopK(named // k, named, right, right / named, could / pool)


def first_alarm(raised: Bools, grid: Grid, rows: Ints, days: Ints, rules: Registered) -> Floats:
    """Days from the first alarm of the stretch before each day to the day itself; NaN where none went off.

    rows (-1 gives NaN) and days: any one shape.
    """
    shape = np.broadcast_shapes(rows.shape, days.shape)
    row, day = np.broadcast_to(rows, shape).ravel(), np.broadcast_to(days, shape).ravel()
    low, high = grid.columns(day - rules.lead_first, day - rules.lead_last)
    out = np.full(row.size, np.nan)
    for k in np.flatnonzero((row >= 0) & (high > low)):
        at = np.flatnonzero(raised[row[k], low[k] : high[k]])
        if at.size:
            out[k] = day[k] - grid.days[low[k] + at[0]]
    return out.reshape(shape)


def any_alarm(raised: Bools, grid: Grid, rows: Ints, days: Ints, first: int, last: int) -> Floats:
    """1 where an alarm went off from `first` to `last` days before, else 0; NaN for rows -1."""
    shape = np.broadcast_shapes(rows.shape, days.shape)
    row, day = np.broadcast_to(rows, shape).ravel(), np.broadcast_to(days, shape).ravel()
    low, high = grid.columns(day - first, day - last)
    place = low[:, None] + np.arange(int((high - low).max(initial=0)))[None, :]
    there = raised[np.maximum(row, 0)[:, None], np.minimum(place, raised.shape[1] - 1)] & (place < high[:, None])
    return np.where(row >= 0, there.any(axis=1).astype(np.float64), np.nan).reshape(shape)


def earlier(events: npt.NDArray[np.floating], controls: npt.NDArray[np.floating]) -> float:
    """Two-sided Mann-Whitney p that events' lead times differ from pseudo-events'; NaN with fewer than 5 of either."""
    a, b = events[np.isfinite(events)].ravel(), controls[np.isfinite(controls)].ravel()
    if a.size < 5 or b.size < 5:
        return float("nan")
    return float(mannwhitneyu(a, b, alternative="two-sided").pvalue)


def predictive_value(sensitivity: float, false_rate: float, base_rate_year: float, days: int) -> float:
    """P(incident | alarm) for one window of so many days at a yearly base rate (Bayes); NaN where unknown."""
    prior = 1.0 - np.exp(-base_rate_year * days / _YEAR)
    right, wrong = sensitivity * prior, false_rate * (1.0 - prior)
    return float(right / (right + wrong)) if right + wrong > 0 else float("nan")
