"""Exact counts over ranges of an array: how many values in [low, high) are at least so large, for many ranges at once.

Here belongs one data structure, the wavelet matrix, which answers such a question in one step per bit of the ranks and
so lets every placebo date of every trade be counted instead of sampled. What is counted belongs to
`evidence/nulls.py` and `alerts.py`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cyberpi_assets.domain.features import Ints


class RangeCounts:
    """Counts of ranks in ranges (Claude, Navarro and Ordonez 2015, "The wavelet matrix").

    ranks: whole numbers from 0, one per place, at most 2**31 places. Memory: 4 bytes a place and bit of the largest
    rank.
    """

    def __init__(self, ranks: npt.NDArray[np.integer]) -> None:
        self.size = int(ranks.size)
        self._bits = max(1, int(ranks.max(initial=0)).bit_length())
        self._zeros: list[npt.NDArray[np.int32]] = []
        self._total: list[int] = []
        level = np.ascontiguousarray(ranks, dtype=np.int32)
        for shift in range(self._bits - 1, -1, -1):
            ones = ((level >> shift) & 1).astype(bool)
            before = np.zeros(self.size + 1, dtype=np.int32)
            np.cumsum(~ones, out=before[1:], dtype=np.int32)
            self._zeros.append(before)
            self._total.append(int(before[-1]))
            level = np.concatenate([level[~ones], level[ones]])

    def at_least(self, low: Ints, high: Ints, rank: Ints) -> Ints:
        """How many of the ranks at places [low, high) are >= rank. Shapes: all (queries,)."""
        a, b = np.asarray(low, dtype=np.int64), np.asarray(high, dtype=np.int64)
        wanted = np.asarray(rank, dtype=np.int64)
        width = b - a
        smaller = np.zeros(a.shape, dtype=np.int64)
        for level, (before, total) in enumerate(zip(self._zeros, self._total, strict=True)):
            bit = ((wanted >> (self._bits - 1 - level)) & 1).astype(bool)
            zeros_a, zeros_b = before[a].astype(np.int64), before[b].astype(np.int64)
            smaller += np.where(bit, zeros_b - zeros_a, 0)
            a, b = np.where(bit, total + a - zeros_a, zeros_a), np.where(bit, total + b - zeros_b, zeros_b)
        count = width - smaller
        # a rank beyond the largest has bits that the levels do not look at
        return np.where(wanted >> self._bits > 0, 0, np.where(wanted <= 0, width, count))
