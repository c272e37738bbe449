"""The figures that every level of evidence shares: counts, expectations, intervals, tests and the label.

Here belongs the row of evidence of any group of clusters, be it an official, a ticker, a sector or a committee. What is
particular to a level belongs to `officials.py` and `groups.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from zlib import crc32

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from cyberpi_assets.domain.columns import Column
from cyberpi_assets.domain.evidence.clusters import Clusters, batches
from cyberpi_assets.domain.evidence.intervals import percentiles, ratio_interval, resample_days, shrunk_rates
from cyberpi_assets.domain.evidence.labels import judge
from cyberpi_assets.domain.evidence.multiplicity import poisson_binomial_tail, q_values
from cyberpi_assets.domain.evidence.shifts import ShiftTest, shift_test
from cyberpi_assets.domain.features import Floats, Ints
from cyberpi_assets.domain.rates import wilson
from cyberpi_assets.domain.timing import SUSPICIOUS
from cyberpi_assets.rules.figures import EvidenceRules

Columns = dict[str, Any]


def column(values: npt.ArrayLike) -> Column:
    """An Arrow column in which NaN is null."""
    plain: Any = np.asarray(values)
    return pa.array(plain, from_pandas=True)


class Evidence:
    """The shared columns of all groups, and the bootstrap draws of their mean score.

    Shapes: (groups,), (groups, draws).
    """

    def __init__(
        self,
        data: Clusters,
        names: Sequence[str],
        cluster: Ints,
        group: Ints,
        n_trades: Ints,
        n_scored: Ints,
        rules: EvidenceRules,
    ) -> None:
        """names, n_trades, n_scored: one per group; cluster, group: pairs, a cluster may be in several groups."""
        self._data, self._names, self._rules = data, names, rules
        order = np.lexsort([cluster, group])
        self._cluster, self._group = cluster[order], group[order]
        self._edges = np.searchsorted(self._group, np.arange(len(names) + 1))
        self.means = np.full((len(names), rules.resamples), np.nan)
        self.test: ShiftTest = shift_test(data, self._cluster, self._group, len(names), rules)
        self.apart = shift_test(data, self._cluster, self._group, len(names), rules, data.surface.timing.window_days)
        self.columns: Columns = {"n_trades": column(n_trades), "n_scored": column(n_scored)}
        self._count()

    def count(self, weights: Floats | None = None) -> Floats:
        """Per group the sum of a value of its clusters, or their number. weights: (clusters,)."""
        each = None if weights is None else weights[self._cluster]
        return np.bincount(self._group, weights=each, minlength=len(self._names)).astype(np.float64)

    def mean(self, values: Floats) -> Floats:
        """Per group the mean of the known values of its clusters; NaN where none is known. values: (clusters,)."""
        known = np.isfinite(values)
        total, n = self.count(np.where(known, values, 0.0)), self.count(known.astype(np.float64))
        return np.divide(total, n, out=np.full(n.size, np.nan), where=n > 0)

    def _count(self) -> None:
        data, rules, size = self._data, self._rules, len(self._names)
        hit = (data.score >= SUSPICIOUS).astype(np.float64)
        tested = data.tested.astype(np.float64)
        chance = np.where(data.tested, data.expected_suspicious, 0.0)
        n, k = self.count(), self.count(hit)
        observed, expected = self.count(hit * tested), self.count(chance)
        ratio = np.divide(observed, expected, out=np.full(size, np.nan), where=expected > 0)
        rate_low, rate_high = wilson(k, n)
        oe_low, oe_high = ratio_interval(observed, expected)
        shrunk = shrunk_rates(k, n, rules.offender_rate)
        n_batches, boot = self._resample(hit, tested, chance)
        tails = [
            poisson_binomial_tail(data.expected_suspicious[c[data.tested[c]]], int(o))
            if expected[g] > 0
            else float("nan")
            for g, (c, o) in enumerate(zip(self._members(), observed, strict=True))
        ]
        test = self.test
        q, q_by = q_values(test.p_value), q_values(test.p_value, "by")
        # both intervals must lie over 1, and a bootstrap of too few days gives none
        lowest = np.where(np.isnan(boot[2]), np.nan, np.fmin(oe_low, boot[2]))
        n_tested = self.count(tested).astype(np.int64)
        supported, labels, reasons = judge(n_tested, shrunk.certainty, lowest, q, rules)
        self.columns |= {
            "n_clusters": column(n.astype(np.int64)),
            "n_tested": column(n_tested),
            "n_batches": column(n_batches),
            "mean_score": column(self.mean(data.score)),
            "mean_low": column(boot[0]),
            "mean_high": column(boot[1]),
            "expected_score": column(self.mean(data.expected_score)),
            "mean_mirror": column(self.mean(data.mirror)),
            "mean_difference": column(self.mean(data.score - data.mirror)),
            "suspicious": column(k.astype(np.int64)),
            "rate": column(np.divide(k, n, out=np.full(size, np.nan), where=n > 0)),
            "rate_low": column(rate_low),
            "rate_high": column(rate_high),
            "shrunk_rate": column(shrunk.rate),
            "shrunk_low": column(shrunk.low),
            "shrunk_high": column(shrunk.high),
            "certainty": column(shrunk.certainty),
            "observed": column(observed.astype(np.int64)),
            "expected": column(np.where(n_tested > 0, expected, np.nan)),
            "oe_ratio": column(ratio),
            "oe_low": column(oe_low),
            "oe_high": column(oe_high),
            "oe_boot_low": column(boot[2]),
            "oe_boot_high": column(boot[3]),
            "oe_p": column(np.array(tails, dtype=np.float64)),
            "statistic": column(test.statistic),
            "p_value": column(test.p_value),
            "q_value": column(q),
            "q_by": column(q_by),
            "p_episodes": column(self.apart.p_value),
            "q_episodes": column(q_values(self.apart.p_value)),
            "shift_coverage": column(test.coverage),
            "supported": column(supported),
            "label": pa.array(labels, pa.string()),
            "label_reason": pa.array(reasons, pa.string()),
        }

    def _members(self) -> list[Ints]:
        """The clusters of each group."""
        return [self._cluster[a:b] for a, b in zip(self._edges[:-1], self._edges[1:], strict=True)]

    def _resample(self, hit: Floats, tested: Floats, chance: Floats) -> tuple[Ints, Floats]:
        """Trading days of each group, and mean low and high, O/E low and high by bootstrap.

        Shapes: (groups,), (4, groups).
        """
        data, rules = self._data, self._rules
        batch = batches(data.person, data.day)
        n_batches, out = np.zeros(len(self._names), dtype=np.int64), np.full((4, len(self._names)), np.nan)
        values = np.stack([data.score, np.ones(data.score.size), hit * tested, chance], axis=1)
        for g, members in enumerate(self._members()):
            _, at = np.unique(batch[members], return_inverse=True)
            n_batches[g] = np.unique(batch[members[tested[members] > 0]]).size
            n_days = int(at.max(initial=-1)) + 1
            if n_batches[g] < rules.min_batches:
                continue
            sums = np.stack(
                [np.bincount(at, weights=values[members, c], minlength=n_days) for c in range(4)], axis=1
            ).astype(np.float64)
            rng = np.random.default_rng([rules.seed, crc32(self._names[g].encode()), 1])
            drawn = resample_days(sums, rules.resamples, rng)
            self.means[g] = drawn.mean
            out[:, g] = (*percentiles(drawn.mean), *percentiles(drawn.ratio))
        return n_batches, out
