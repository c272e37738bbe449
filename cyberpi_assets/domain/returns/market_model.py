"""The market model of every event at once: regressions and abnormal returns by prefix sums.

Here belongs the arithmetic of one regression per event at the cost of two lookups. Which events there are belongs to
`trades.py`, the tests to `tests_of_significance.py`.

Model: r = alpha + beta x + e, by least squares on the sessions [-250, -30] before day 0; x is the market or the sector.
CAR[0, w] = sum of r - alpha - beta x over the window. Its forecast variance under the model is
sigma^2 (n + n^2 / T + (sum of x - n mean(x))^2 / Sxx), where n sessions of the window have a return and T observations
made the estimate: the error of alpha and beta is common to all sessions of a window.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cyberpi_assets.domain.returns.prices import SUSPECT, Panel
from cyberpi_assets.domain.returns.windows import ESTIMATION, LAST, MIN_ESTIMATION

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_SHIFT = 16  # bits of a session's ordinal within a key
_BLOCK = 4_000_000  # observations whose prefix sums are held at a time: 0.3 GB
_FLAT = 1e-12  # relative to its sum of squares, less variation is rounding


@dataclass(frozen=True)
class Fits:
    """One market model per event. NaN where it could not be estimated; n is the number of observations found."""

    n: Ints
    alpha: Floats
    beta: Floats
    sigma: Floats
    car: Floats  # (events, windows)
    se: Floats  # (events, windows): forecast standard error of car
    present: Ints  # (events, windows): sessions of the window with a return
    wealth: Floats  # (events, windows): buy-and-hold return less that of x
    suspect: Ints  # returns over 40 % in the estimation and the longest window


class _Sums:
    """Prefix sums, per ticker, of what the regressions need.

    Each ticker's sums begin anew: one absurd price must not cost every later ticker its digits.
    """

    def __init__(self, code: npt.NDArray[np.int32], session: npt.NDArray[np.int32], y: Floats, x: Floats) -> None:
        self.key = (code.astype(np.int64) << _SHIFT) | session
        self.base = int(code[0]) if code.size else 0
        held = int(code[-1]) - self.base + 1 if code.size else 0
        self.prefix = np.zeros((code.size + held, 8))
        edges = np.searchsorted(code, np.arange(self.base, self.base + held + 1))
        for k, (first, last) in enumerate(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)):
            if last > first:
                _terms(y[first:last], x[first:last], self.prefix[first + k + 1 : last + k + 1])

    def place(self, code: Ints, session: Ints) -> Ints:
        """How many observations stand before (ticker, session)."""
        return np.searchsorted(self.key, (code << _SHIFT) | np.maximum(session, 0)).astype(np.int64)

    def between(self, code: Ints, low: Ints, high: Ints) -> Floats:
        """Sums over observations low..high-1 of a ticker. Shape: (events, sums)."""
        slot = code - self.base
        return self.prefix[high + slot] - self.prefix[low + slot]


def _terms(y: Floats, x: Floats, out: Floats) -> None:
    """Running sums of one ticker's terms into `out`, (observations, 8)."""
    for k, term in enumerate((y, x, y * x, y * y, x * x)):
        np.cumsum(term, out=out[:, k])
    np.cumsum(np.log1p(np.maximum(y, -1 + 1e-9)), out=out[:, 5])
    np.cumsum(np.log1p(x), out=out[:, 6])
    np.cumsum(np.abs(y) > SUSPECT, out=out[:, 7])


def fit(panel: Panel, code: Ints, zero: Ints, against: str = "market") -> Fits:
    """Market models of events, given by the ticker's place in the panel and the ordinal of day 0; vectorised.

    against: market | sector. Events may come in any order. Memory: 36 bytes a bar and 0.3 GB.
    """
    x = panel.market if against == "market" else panel.sector
    known = np.isfinite(panel.change) & np.isfinite(x)
    codes, sessions, y, x = panel.code[known], panel.session[known], panel.change[known], x[known]
    out = _unknown(code.size)
    order = np.lexsort((zero, code))
    for first, last in _blocks(codes):
        here = order[slice(*np.searchsorted(code[order], [codes[first], codes[last - 1] + 1]))]
        if here.size:
            part = slice(first, last)
            _fit_block(_Sums(codes[part], sessions[part], y[part], x[part]), code[here], zero[here], here, out)
    return out


def _unknown(n: int) -> Fits:
    """Fits of n events about which nothing is known."""
    alpha, beta, sigma = np.full((3, n), np.nan)
    car, se, wealth = np.full((3, n, len(LAST)), np.nan)
    present = np.zeros((n, len(LAST)), np.int64)
    return Fits(np.zeros(n, np.int64), alpha, beta, sigma, car, se, present, wealth, np.zeros(n, np.int64))


def _blocks(codes: npt.NDArray[np.int32]) -> Iterator[tuple[int, int]]:
    """Ranges of observations that hold whole tickers, at most `_BLOCK` each unless one ticker has more."""
    first = 0
    while first < codes.size:
        last = min(first + _BLOCK, codes.size)
        if last < codes.size:
            edge = int(np.searchsorted(codes, codes[last]))
            last = edge if edge > first else int(np.searchsorted(codes, codes[last], side="right"))
        yield first, last
        first = last


def _fit_block(sums: _Sums, code: Ints, zero: Ints, here: Ints, out: Fits) -> None:
    low, high = sums.place(code, zero + ESTIMATION[0]), sums.place(code, zero + ESTIMATION[1] + 1)
    n = high - low
    y, x, yx, yy, xx, _, _, wild = sums.between(code, low, high).T
    with np.errstate(divide="ignore", invalid="ignore"):
        mean_x = x / n
        sxx, sxy, syy = xx - x * mean_x, yx - y * mean_x, yy - y * y / n
        usable = (n >= MIN_ESTIMATION) & (sxx > _FLAT * xx)
        beta = np.where(usable, sxy / sxx, np.nan)
        alpha = y / n - beta * mean_x
        sigma = np.sqrt(np.maximum(syy - beta * sxy, 0.0) / (n - 2))
    out.n[here], out.alpha[here], out.beta[here], out.sigma[here] = n, alpha, beta, sigma
    start = sums.place(code, zero)
    for w, last in enumerate(LAST):
        end = sums.place(code, zero + last + 1)
        m = end - start
        total_y, total_x, _, _, _, grown_y, grown_x, bold = sums.between(code, start, end).T
        with np.errstate(divide="ignore", invalid="ignore"):
            spread = m + m * m / n + (total_x - m * mean_x) ** 2 / sxx
            out.car[here, w] = np.where(m > 0, total_y - m * alpha - beta * total_x, np.nan)
            out.se[here, w] = np.where(m > 0, sigma * np.sqrt(spread), np.nan)
        out.present[here, w] = m
        out.wealth[here, w] = np.where(m > 0, np.exp(grown_y) - np.exp(grown_x), np.nan)
        if w == len(LAST) - 1:
            out.suspect[here] = np.rint(wild + bold).astype(np.int64)
