"""What a score is worth on matched sets: area under the curve, lift, intervals over clusters, and chance.

Here belongs the arithmetic on figures of events and of their controls. Which figures those are belongs to
`whole.py`, what is said of them to `verdict.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cyberpi_assets.domain.backtest.grid import Cells, Grid
from cyberpi_assets.domain.backtest.registered import Registered, Window
from cyberpi_assets.domain.features import Floats, Ints

_WIDEST = 64  # sessions


def window_figures(cells: Cells, grid: Grid, rows: Ints, days: Ints, window: Window, rules: Registered) -> Floats:
    """The mean of a window's highest days, for tickers and event days; NaN where too few of its days are known.

    cells: (tickers, sessions); rows, days: any one shape, rows -1 give NaN. Days are since 1970-01-01.
    """
    shape = np.broadcast_shapes(rows.shape, days.shape)
    row, day = np.broadcast_to(rows, shape).ravel(), np.broadcast_to(days, shape).ravel()
    low, high = grid.columns(day - window.first, day - window.last)
    width = int(min((high - low).max(initial=0), _WIDEST))
    if width == 0:
        return np.full(shape, np.nan)
    place = low[:, None] + np.arange(width)[None, :]
    inside = place < high[:, None]
    values = cells[row[:, None], np.minimum(place, cells.shape[1] - 1)].astype(np.float64)
    values = np.where(inside & np.isfinite(values), values, -np.inf)
    known = np.isfinite(values).sum(axis=1)
    top = -np.sort(-values, axis=1)[:, : rules.highest]
    taken = np.minimum(known, rules.highest)
    total = np.where(np.isfinite(top), top, 0.0).sum(axis=1)
    enough = (known >= rules.least_days * (high - low)) & (known >= 1) & (row >= 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(enough, total / taken, np.nan).reshape(shape)


@dataclass(frozen=True)
class Sets:
    """Matched sets: the figure of each event, those of its controls (NaN where there is none), and its cluster."""

    event: Floats  # (sets,)
    control: Floats  # (sets, controls)
    cluster: Ints  # (sets,)

    def kept(self, least: int) -> Sets:
        """Sets whose event and at least so many controls have a figure."""
        good = np.isfinite(self.event) & (np.isfinite(self.control).sum(axis=1) >= least)
        return Sets(self.event[good], self.control[good], self.cluster[good])

    @property
    def n(self) -> int:
        """Sets."""
        return int(self.event.size)


def wins(sets: Sets) -> Floats:
    """Per set, the share of controls below the event; ties count half. Its mean is the area under the curve."""
    known = np.isfinite(sets.control)
    won = (sets.event[:, None] > sets.control) + 0.5 * (sets.event[:, None] == sets.control)
    return np.where(known, won, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)


def chance(sets: Sets, draws: int, seed: int) -> float:
    """One-sided p of the mean of `wins`: any member of a set might as well have been the event.

    Exact in distribution, by Monte Carlo with (1 + b) / (1 + draws). NaN without sets.
    """
    if sets.n == 0:
        return float("nan")
    members = np.concatenate([sets.event[:, None], sets.control], axis=1)
    known = np.isfinite(members)
    number = known.sum(axis=1)
    filled = np.where(known, members, np.nan)
    above = (filled[:, :, None] > filled[:, None, :]) + 0.5 * (filled[:, :, None] == filled[:, None, :])
    above = np.where(known[:, :, None] & known[:, None, :], above, 0.0)
    # a member ties with itself, which its half would count
    share = (above.sum(axis=2) - 0.5 * known) / np.maximum(number - 1, 1)[:, None]
    order = np.argsort(~known, axis=1, kind="stable")
    share = np.take_along_axis(share, order, axis=1)
    rng = np.random.default_rng(seed)
    pick = (rng.random((draws, sets.n)) * number).astype(np.int64)
    drawn = share[np.arange(sets.n)[None, :], pick].mean(axis=1)
    observed = float(wins(sets).mean())
    return float((1 + np.count_nonzero(drawn >= observed - 1e-12)) / (draws + 1))


def over_clusters(cluster: Ints, draws: int, seed: int) -> Floats:
    """Weights of the sets in each resample of whole clusters. Shape: (draws, sets)."""
    names, place = np.unique(cluster, return_inverse=True)
    if not names.size:
        return np.zeros((draws, 0))
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(names.size, np.full(names.size, 1.0 / names.size), size=draws)
    return counts[:, place].astype(np.float64)


def interval(values: Floats, weights: Floats, level: float) -> tuple[float, float]:
    """Percentile interval of a weighted mean over the resamples; NaN with fewer than two sets."""
    if values.size < 2:
        return float("nan"), float("nan")
    total = weights.sum(axis=1)
    means = (weights @ values)[total > 0] / total[total > 0]
    low, high = np.quantile(means, [level / 2, 1 - level / 2])
    return float(low), float(high)


@dataclass(frozen=True)
class Lift:
    """How much more often events than controls lie among the highest tenth of controls."""

    ratio: float
    low: float
    high: float
    sensitivity: float
    threshold: float


def lift(sets: Sets, weights: Floats, level: float) -> Lift:
    """At the 90th percentile of the controls' figures: share of events above over share of controls above."""
    if sets.n < 2:
        return Lift(*[float("nan")] * 5)
    known = np.isfinite(sets.control)
    threshold = float(np.quantile(sets.control[known], 0.9))
    hit = (sets.event > threshold).astype(np.float64)
    false, number = ((sets.control > threshold) & known).sum(axis=1), known.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = (weights @ hit) / weights.sum(axis=1)
        ratios = rate / ((weights @ false) / (weights @ number))
        ratio = hit.mean() / (false.sum() / number.sum())
    good = ratios[np.isfinite(ratios)]
    low, high = np.quantile(good, [level / 2, 1 - level / 2]) if good.size else (np.nan, np.nan)
    return Lift(float(ratio), float(low), float(high), float(hit.mean()), threshold)
