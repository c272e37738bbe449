"""Is a mean abnormal return more than chance: Patell, Boehmer-Musumeci-Poulsen, Kolari-Pynnonen.

Here belong the statistics of a vector of standardised abnormal returns and of its cross-sectional correlation. Which
trades make a group belongs to `groups.py`.

SCAR_i = CAR_i / se_i, with se_i the forecast standard error of the window under the market model (`market_model.py`).
- Patell (1976): z = sum SCAR / sqrt(sum (T_i - 2) / (T_i - 4)). Assumes independence and an unchanged variance.
- Boehmer, Musumeci and Poulsen (1991): t = mean SCAR / (s / sqrt n). Allows a variance changed by the event.
- Kolari and Pynnonen (2010): BMP times sqrt((1 - r) / (1 + (n - 1) r)), r the mean correlation between SCARs. Windows
  here overlap in part (Kolari, Pape and Pynnonen 2018): the correlation of a pair is that of the residuals of the two
  tickers times the overlap of what they rest on, windows and estimation. A negative r is taken as 0: no test is made
  bolder.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from cyberpi_assets.domain.returns.prices import Panel
from cyberpi_assets.domain.returns.windows import ESTIMATION

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MIN_COMMON = 60  # sessions two tickers must share before their correlation is measured


@dataclass(frozen=True)
class Tested:
    """The tests of one group; NaN where there is no answer. All p are two-sided."""

    n: int
    patell_z: float
    patell_p: float
    bmp_t: float
    bmp_p: float
    correlation: float
    kp_t: float
    kp_p: float


def patell(scar: Floats, observations: Ints) -> tuple[float, float]:
    """Patell's z and its p. scar: (n,) standardised abnormal returns; observations: (n,) of the estimation, over 4."""
    t = observations.astype(np.float64)
    z = float(scar.sum() / np.sqrt(((t - 2) / (t - 4)).sum())) if scar.size else np.nan
    return z, float(2 * stats.norm.sf(abs(z)))


def bmp(scar: Floats) -> tuple[float, float]:
    """The t of Boehmer, Musumeci and Poulsen and its p with n - 1 degrees of freedom; NaN below two observations."""
    if scar.size < 2 or not (spread := float(scar.std(ddof=1))) > 0:
        return np.nan, np.nan
    t = float(scar.mean() / (spread / np.sqrt(scar.size)))
    return t, float(2 * stats.t.sf(abs(t), scar.size - 1))


def inflation(n: int, correlation: float) -> float:
    """By how much correlation widens the standard error of a mean: sqrt((1 + (n - 1) r) / (1 - r)), r at least 0."""
    r = min(max(correlation, 0.0), 1.0)
    return float(np.sqrt((1 + (n - 1) * r) / (1 - r))) if r < 1 else np.inf


def kolari_pynnonen(scar: Floats, correlation: float) -> tuple[float, float]:
    """BMP corrected for the mean cross-sectional correlation of the SCARs, and its p."""
    t = bmp(scar)[0] / inflation(scar.size, correlation)
    return t, float(2 * stats.t.sf(abs(t), scar.size - 1)) if scar.size > 1 else np.nan


def significance(scar: Floats, observations: Ints, correlation: float) -> Tested:
    """All three tests of one group."""
    return Tested(scar.size, *patell(scar, observations), *bmp(scar), correlation, *kolari_pynnonen(scar, correlation))


@dataclass(frozen=True)
class Residuals:
    """Correlations of the tickers' abnormal returns: one market model over each ticker's whole history."""

    codes: Ints  # ascending: places of the tickers in the panel
    matrix: npt.NDArray[np.float32]  # (tickers, tickers), 1 on the diagonal

    def rows(self, code: Ints) -> Ints:
        """Row of each ticker in the matrix; the ticker must be one of `codes`."""
        return np.searchsorted(self.codes, code).astype(np.int64)


def residual_correlations(panel: Panel, codes: Ints, against: str = "market") -> Residuals:
    """Correlations of residuals between tickers, pairwise on their common sessions.

    codes: tickers wanted, ascending, each once. A pair with fewer than 60 common sessions gets the mean of all others.
    Memory: sessions x tickers x 8 bytes and tickers^2 x 16.
    """
    x_all = panel.market if against == "market" else panel.sector
    wanted = np.full(len(panel.tickers), -1, np.int64)
    wanted[codes] = np.arange(codes.size)
    use = (wanted[panel.code] >= 0) & np.isfinite(panel.change) & np.isfinite(x_all)
    row, at, y, x = wanted[panel.code[use]], panel.session[use], panel.change[use], x_all[use]
    n = np.bincount(row, minlength=codes.size)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean_x = np.bincount(row, x, minlength=codes.size) / n
        mean_y = np.bincount(row, y, minlength=codes.size) / n
        dx, dy = x - mean_x[row], y - mean_y[row]
        beta = np.bincount(row, dx * dy, minlength=codes.size) / np.bincount(row, dx * dx, minlength=codes.size)
        residual = dy - beta[row] * dx
        residual /= np.sqrt(np.bincount(row, residual * residual, minlength=codes.size) / n)[row]
    residual[~np.isfinite(residual)] = 0.0
    first = int(at.min()) if at.size else 0
    days = int(at.max()) - first + 1 if at.size else 0
    values = np.zeros((days, codes.size), np.float32)
    present = np.zeros((days, codes.size), np.float32)
    values[at - first, row], present[at - first, row] = residual, 1.0
    cross, squares, common = values.T @ values, (values * values).T @ present, present.T @ present
    with np.errstate(divide="ignore", invalid="ignore"):
        matrix = cross / np.sqrt(squares * squares.T)
    unknown = (common < MIN_COMMON) | ~np.isfinite(matrix)
    np.fill_diagonal(unknown, val=False)
    known = ~unknown
    np.fill_diagonal(known, val=False)
    matrix[unknown] = matrix[known].mean() if known.any() else 0.0
    np.fill_diagonal(matrix, 1.0)
    return Residuals(codes, np.clip(matrix, -1.0, 1.0).astype(np.float32))


def overlap_correlation(
    start: Ints, length: Ints, sign: Floats, ticker: Ints, matrix: npt.NDArray[np.floating]
) -> float:
    """Mean correlation over all pairs of standardised abnormal returns that overlap in part or not at all.

    start: (n,) first session of each window; length: (n,) its sessions; sign: (n,) 1 or -1; ticker: (n,) rows of
    `matrix`. NaN below two.

    The error of SCAR_i is a sum over sessions of w_i(t) e(t): w is 1 in the window and -length / T in the T sessions of
    the estimation, whose mean error every session of the window carries. A pair's correlation is
    sign_i sign_j matrix[i, j] w_i.w_j / (|w_i| |w_j|). The sum over pairs is the sum over sessions of h' M h, with h[k]
    the weights of ticker k on that session: no pair is ever formed.
    """
    n = start.size
    if n < 2:
        return np.nan
    rows, column = np.unique(ticker, return_inverse=True)
    small = np.ascontiguousarray(matrix[np.ix_(rows, rows)])
    first, last = ESTIMATION
    estimated = last - first + 1
    weight = sign / np.sqrt(length + length * length / estimated)
    past = -weight * length / estimated
    # what is held changes only where a window begins or ends
    at = np.concatenate([start, start + length, start + first, start + last + 1])
    edges, where = np.unique(at, return_inverse=True)
    change = np.bincount(
        where * rows.size + np.tile(column, 4),
        np.concatenate([weight, -weight, past, -past]),
        minlength=edges.size * rows.size,
    )
    held = np.cumsum(change.reshape(edges.size, rows.size), axis=0)[:-1]
    held = (held * np.sqrt(np.diff(edges))[:, None]).astype(matrix.dtype)
    total = float(np.sum(small * (held.T @ held), dtype=np.float64))
    return (total - n) / (n * (n - 1))
