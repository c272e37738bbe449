"""Black-Scholes backwards: implied volatility and delta of many contracts at once.

Here belongs the arithmetic, with continuous rate and dividend yield. Which price of a contract is believed, and when a
provider's own figure is, belongs to `greeks.py`.

Everything is done on the out-of-the-money twin of a contract (put-call parity), in units of the discounted geometric
mean of strike and forward. With x = ln(F/K) <= 0 and total volatility s = sigma sqrt(T) its price is

    b(s) = exp(x/2) N(x/s + s/2) - exp(-x/2) N(x/s - s/2)        0 < b < exp(x/2)

b has one inflection, at s = sqrt(2|x|). Below it the logarithm of b is concave and above it b itself is, so Newton's
steps (with Halley's correction) on the one or the other come home; a bracket that only shrinks catches the rest.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_ndtr: Callable[..., Any] = special.ndtr
_BLOCK = 32_768  # contracts at a time: intermediate arrays stay in the processor's cache
_STEPS = 64
_SMALL = 1e-7  # a step this small, relative to total volatility, is the last: the error after it is its cube
_TOLERANCE = 1e-12  # of the bracket, relative
_HALF_LOG_2PI = 0.5 * math.log(2.0 * math.pi)
_LOWEST, _HIGHEST = 1e-6, 60.0  # total volatility; outside, prices do not differ from their bounds in binary


def price(
    spot: Floats, strike: Floats, years: Floats, vol: Floats, put: Bools, rate: float, dividend: Floats | float
) -> Floats:
    """Black-Scholes price of European options, per share. All arrays have one value per contract.

    spot, strike: US dollars. years: time to expiry. vol, rate, dividend: a year, continuous, as fractions.
    """
    forward, paid = spot * np.exp(-np.multiply(dividend, years)), strike * np.exp(-rate * years)
    s = vol * np.sqrt(years)
    with np.errstate(divide="ignore", invalid="ignore"):
        d1 = np.log(forward / paid) / s + s / 2
    sign = np.where(put, -1.0, 1.0)
    return sign * (forward * _ndtr(sign * d1) - paid * _ndtr(sign * (d1 - s)))


def delta(
    spot: Floats, strike: Floats, years: Floats, vol: Floats, put: Bools, rate: float, dividend: Floats | float
) -> Floats:
    """Change of the option's price per dollar of the underlying: 0 to 1 for calls, -1 to 0 for puts. As `price`."""
    s = vol * np.sqrt(years)
    with np.errstate(divide="ignore", invalid="ignore"):
        d1 = (np.log(spot / strike) + (rate - np.asarray(dividend)) * years) / s + s / 2
    sign = np.where(put, -1.0, 1.0)
    return sign * np.exp(-np.multiply(dividend, years)) * _ndtr(sign * d1)


def bounds(
    spot: Floats, strike: Floats, years: Floats, put: Bools, rate: float, dividend: Floats | float
) -> tuple[Floats, Floats]:
    """Lowest and highest price without arbitrage of a European option: no volatility, and endless volatility."""
    forward, paid = spot * np.exp(-np.multiply(dividend, years)), strike * np.exp(-rate * years)
    return np.maximum(np.where(put, paid - forward, forward - paid), 0.0), np.where(put, paid, forward)


def implied_vol(
    paid: Floats,
    spot: Floats,
    strike: Floats,
    years: Floats,
    put: Bools,
    rate: float,
    dividend: Floats | float = 0.0,
    threads: int = 2,
) -> Floats:
    """The volatility at which Black-Scholes gives the price paid, a year, as a fraction; NaN where there is none.

    There is none where an input is not known, time is not positive, or the price is not strictly between its `bounds`.
    Shape: as the inputs. Formulas: docs/methods.md, option flow.
    """
    n = paid.size
    yields = np.broadcast_to(np.asarray(dividend, dtype=np.float64), (n,))
    out = np.full(n, np.nan)

    def block(at: int) -> None:
        part = slice(at, min(at + _BLOCK, n))
        out[part] = _block(paid[part], spot[part], strike[part], years[part], put[part], rate, yields[part])

    starts = range(0, n, _BLOCK)
    if threads > 1 and n > _BLOCK:
        with ThreadPoolExecutor(threads) as pool:  # NumPy and SciPy let go of the interpreter lock in their loops
            list(pool.map(block, starts))
    else:
        for start in starts:
            block(start)
    return out


def _block(
    paid: Floats, spot: Floats, strike: Floats, years: Floats, put: Bools, rate: float, dividend: Floats
) -> Floats:
    out = np.full(paid.size, np.nan)
    with np.errstate(all="ignore"):
        forward, owed = spot * np.exp(-dividend * years), strike * np.exp(-rate * years)
        x = np.log(forward / owed)
        inner = np.where(put, owed - forward, forward - owed)  # parity: an in-the-money price less this is its twin's
        b = (paid - np.maximum(inner, 0.0)) / np.sqrt(forward * owed)
        x = -np.abs(x)
        usable = (years > 0) & (b > 0) & (b < np.exp(x / 2)) & np.isfinite(b) & np.isfinite(x)
        at = np.flatnonzero(usable)
        out[at] = _total_vol(b[at], x[at]) / np.sqrt(years[at])
    return out


def _guess(b: Floats, x: Floats) -> Floats:
    """A first total volatility: Corrado and Miller's near the money, the inflection's side elsewhere."""
    at_money = math.sqrt(2.0 * math.pi) * (b + np.sqrt(np.maximum(b * b - x * x / math.pi, 0.0)))
    return np.where(np.abs(x) < 0.5 * b, at_money, np.sqrt(2.0 * np.abs(x)))


def _total_vol(b: Floats, x: Floats) -> Floats:
    """Solve b(s) = b for s, for x <= 0 and 0 < b < exp(x/2). Shapes alike."""
    out = np.full(b.size, np.nan)
    at = np.arange(b.size)
    low, high = np.full(b.size, _LOWEST), np.full(b.size, _HIGHEST)
    up, down = np.exp(x / 2), np.exp(-x / 2)
    bend = np.sqrt(2.0 * np.abs(x))
    with np.errstate(all="ignore"):
        at_bend = np.where(bend > 0, up * _ndtr(x / bend + bend / 2) - down * _ndtr(x / bend - bend / 2), 0.0)
    logarithmic = b < at_bend
    log_b = np.log(b)
    s = np.clip(_guess(b, x), _LOWEST, _HIGHEST)
    for _ in range(_STEPS):
        ratio, half = x / s, s / 2
        value = up * _ndtr(ratio + half) - down * _ndtr(ratio - half)
        slope = np.exp(-0.5 * (ratio * ratio + half * half) - _HALF_LOG_2PI)
        bent = ratio * ratio / s - s / 4  # second derivative over the first
        over = value >= b
        high, low = np.where(over, np.minimum(high, s), high), np.where(over, low, np.maximum(low, s))
        rate_of_log = slope / value
        step = np.where(logarithmic, (np.log(value) - log_b) / rate_of_log, (value - b) / slope)
        curve = np.where(logarithmic, bent - rate_of_log, bent)
        halley = step / np.clip(1.0 - 0.5 * step * curve, 0.5, 2.0)
        new = s - halley
        safe = np.isfinite(new) & (new > low) & (new < high)
        new = np.where(safe, new, 0.5 * (low + high))
        done = (safe & (np.abs(new - s) <= _SMALL * new)) | (high - low <= _TOLERANCE * high)
        # a price at the edge of what binary tells apart may keep jumping by its last digit: the bracket ends that
        if done.any():
            out[at[done]] = new[done]
            go = ~done
            if not go.any():
                return out
            at, b, x, s, low, high = at[go], b[go], x[go], new[go], low[go], high[go]
            up, down, logarithmic, log_b = up[go], down[go], logarithmic[go], log_b[go]
        else:
            s = new
    out[at] = s
    return out
