"""The interval of a rate, one for the whole house: rankings, evidence, lateness and reports show the same.

Here belongs Wilson's interval alone; other intervals are those of the evidence.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri  # scipy.stats takes half a second to import, and every report imports this


def wilson(successes: npt.ArrayLike, trials: npt.ArrayLike, level: float = 0.95) -> tuple[npt.NDArray[np.float64], ...]:
    """Wilson score interval of a rate: (low, high). NaN where there are no trials. Wilson (1927), eq. 12."""
    k, n = np.asarray(successes, dtype=np.float64), np.asarray(trials, dtype=np.float64)
    z = float(ndtri(0.5 + level / 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        p = k / n
        centre = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        # at the ends the interval touches 0 and 1 exactly; rounding must not leave it short
        low, high = np.where(k == 0, 0.0, centre - half), np.where(k == n, 1.0, centre + half)
    return np.where(n > 0, low, np.nan), np.where(n > 0, high, np.nan)
