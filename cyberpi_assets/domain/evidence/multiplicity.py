"""Many tests at once, and sums of unequal chances.

Here belong q values over families with unknowns, and the Poisson-binomial tail. Single tests belong where they are
made.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import false_discovery_control, poisson_binom

from cyberpi_assets.domain.features import Floats


def q_values(p: npt.ArrayLike, method: str = "bh") -> Floats:
    """Benjamini-Hochberg ("bh") or Benjamini-Yekutieli ("by") adjusted p over those that are known; NaN stays NaN."""
    values = np.asarray(p, dtype=np.float64)
    out = np.full(values.shape, np.nan)
    known = np.isfinite(values)
    if known.any():
        # scipy's stubs want a literal
        out[known] = false_discovery_control(values[known], method="by" if method == "by" else "bh")
    return out


def with_q(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of one table with `q_value` beside `p_value`, over the rows that have a p."""
    p = [np.nan if (value := row.get("p_value")) is None else float(value) for row in rows]
    return [row | {"q_value": None if np.isnan(q) else float(q)} for row, q in zip(rows, q_values(p), strict=True)]


def poisson_binomial_tail(chances: npt.ArrayLike, observed: int) -> float:
    """P(X >= observed) for X the successes among independent trials with these chances; 1 where observed <= 0.

    Trials of one person are not independent where windows overlap: the tail is then too small, and reported as such.
    """
    p = np.asarray(chances, dtype=np.float64)
    if observed <= 0:
        return 1.0
    if p.size < observed:
        return 0.0
    return float(np.clip(poisson_binom.sf(observed - 1, np.clip(p, 0.0, 1.0)), 0.0, 1.0))
