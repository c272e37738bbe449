"""Intervals: how far a rate, a mean or a rank could lie from what was counted.

Here belong Wilson and exact Poisson intervals, shrinkage of rates towards their peers, the bootstrap over trading days
and the interval of a rank. Tests of a hypothesis belong to `shifts.py` and `multiplicity.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import betaln
from scipy.stats import beta, chi2, rankdata

from cyberpi_assets.domain.features import Floats, Ints

_TINY, _HUGE = 1e-3, 1e4  # bounds of the prior's two parameters: almost no peers, almost one rate for all


def ratio_interval(observed: npt.ArrayLike, expected: npt.ArrayLike, level: float = 0.95) -> tuple[Floats, Floats]:
    """Exact Poisson interval of observed / expected (Garwood 1936): (low, high). NaN where nothing is expected.

    A sum of unequal chances varies less than a Poisson count of the same mean: the interval is on the wide side.
    """
    o, e = np.asarray(observed, dtype=np.float64), np.asarray(expected, dtype=np.float64)
    tail = (1.0 - level) / 2.0
    low = np.where(o > 0, chi2.ppf(tail, 2.0 * np.maximum(o, 1.0)) / 2.0, 0.0)
    high = chi2.ppf(1.0 - tail, 2.0 * (o + 1.0)) / 2.0
    bad = ~(e > 0)
    scale = np.where(bad, 1.0, e)
    return np.where(bad, np.nan, low / scale), np.where(bad, np.nan, high / scale)


def beta_prior(successes: npt.ArrayLike, trials: npt.ArrayLike) -> tuple[float, float]:
    """Beta prior (a, b) under which these counts are most likely (beta-binomial); (1, 1) with fewer than two groups."""
    k, n = np.asarray(successes, dtype=np.float64), np.asarray(trials, dtype=np.float64)
    k, n = k[n > 0], n[n > 0]
    if k.size < 2:
        return 1.0, 1.0
    # equal counts weigh together: a few hundred distinct pairs however many people
    pairs, weight = np.unique(np.stack([k, n], axis=1), axis=0, return_counts=True)
    k, n = pairs[:, 0], pairs[:, 1]

    def loss(log_ab: Floats) -> float:
        a, b = np.exp(log_ab)
        return -float(np.sum(weight * (betaln(k + a, n - k + b) - betaln(a, b))))

    mean = float(np.clip(np.sum(weight * k) / np.sum(weight * n), 0.01, 0.99))
    bounds = [(np.log(_TINY), np.log(_HUGE))] * 2
    fits = [
        minimize(loss, np.log([mean * size, (1 - mean) * size]), method="L-BFGS-B", bounds=bounds)
        for size in (2.0, 20.0)
    ]
    losses = [float(fit.fun) for fit in fits]
    a, b = np.exp(fits[int(np.argmin(losses))].x)
    return float(a), float(b)


@dataclass(frozen=True)
class Shrunk:
    """Rates shrunk towards their peers. Arrays: one value per group."""

    rate: Floats  # posterior mean
    low: Floats  # 95 % credible interval
    high: Floats
    certainty: Floats  # posterior probability that the rate is at least `reached`


def shrunk_rates(successes: npt.ArrayLike, trials: npt.ArrayLike, reached: float = 0.5, level: float = 0.95) -> Shrunk:
    """Empirical-Bayes rates: a Beta prior fitted to all groups, updated by each group's own counts.

    NaN without trials.
    """
    k, n = np.asarray(successes, dtype=np.float64), np.asarray(trials, dtype=np.float64)
    a, b = beta_prior(k, n)
    post_a, post_b = a + k, b + n - k
    known, tail = n > 0, (1.0 - level) / 2.0

    def only_known(values: npt.ArrayLike) -> Floats:
        return np.where(known, np.asarray(values, dtype=np.float64), np.nan)

    return Shrunk(
        only_known(post_a / (post_a + post_b)),
        only_known(beta.ppf(tail, post_a, post_b)),
        only_known(beta.ppf(1.0 - tail, post_a, post_b)),
        only_known(beta.sf(reached, post_a, post_b)),
    )


@dataclass(frozen=True)
class Resampled:
    """Bootstrap draws of one group, by resampling whole trading days."""

    mean: Floats  # mean score per draw
    ratio: Floats  # observed over expected per draw; NaN where a draw expects nothing


def resample_days(day_sums: Floats, draws: int, rng: np.random.Generator) -> Resampled:
    """Bootstrap the mean score and O/E over trading days: trades of one day stay together.

    day_sums: (days, 4): sum of scores, clusters, observed suspicious, expected suspicious.
    """
    days = day_sums.shape[0]
    at_once = max(1, 4_000_000 // max(days, 1))
    parts: list[Floats] = []
    for start in range(0, draws, at_once):
        n = min(at_once, draws - start)
        picked = rng.integers(0, days, size=(n, days))
        # how often each day was drawn, times what it holds
        flat = picked + np.arange(n)[:, None] * days
        weight = np.bincount(flat.ravel(), minlength=n * days).reshape(n, days)
        parts.append(weight @ day_sums)
    sums = np.concatenate(parts)
    mean = np.divide(sums[:, 0], sums[:, 1], out=np.full(draws, np.nan), where=sums[:, 1] > 0)
    ratio = np.divide(sums[:, 2], sums[:, 3], out=np.full(draws, np.nan), where=sums[:, 3] > 0)
    return Resampled(mean, ratio)


def percentiles(draws: Floats, level: float = 0.95) -> tuple[float, float]:
    """Percentile interval of draws; NaN where none is known."""
    known = draws[np.isfinite(draws)]
    if known.size == 0:
        return float("nan"), float("nan")
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def rank_intervals(means: Floats, level: float = 0.95) -> tuple[Ints, Ints]:
    """95 % interval of each group's rank by its mean, the highest first. means: (groups, draws)."""
    if means.shape[0] == 0:
        none = np.zeros(0, dtype=np.int64)
        return none, none
    ranks = rankdata(-means, method="min", axis=0)
    low, high = np.quantile(ranks, [(1 - level) / 2, (1 + level) / 2], axis=1, method="nearest")
    return low.astype(np.int64), high.astype(np.int64)
