"""Implied volatility and delta of every contract: the provider's where it is plausible, else computed.

Here belongs which price and which given figure is believed, and the reason where there is none. The arithmetic is in
`volatility.py`.

Listed options on shares are American; Black-Scholes is European. The right to exercise early makes an in-the-money put
dearer, so its volatility comes out too high, and by at most K (1 - exp(-r T)) / vega. Skew and term are read off
at 25 and 50 delta, within a few months, where the error is under one point of volatility (docs/methods.md; a test holds
it against a binomial tree).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cyberpi_assets.domain.options.contracts import Bools, Contracts, Floats
from cyberpi_assets.domain.options.volatility import bounds, delta, implied_vol
from cyberpi_assets.rules.figures import OptionRules

REASONS = (
    "known",
    "no spot price",
    "expired",
    "no price",
    "price below its bound",
    "price above its bound",
    "implausible",
)
_KNOWN, _NO_SPOT, _EXPIRED, _NO_PRICE, _BELOW, _ABOVE, _IMPLAUSIBLE = range(len(REASONS))


@dataclass(frozen=True)
class Greeks:
    """One value per contract. `reason` numbers `REASONS`; 0 where the volatility is known."""

    vol: Floats  # a year, as a fraction; NaN where not known
    delta: Floats
    computed: Bools  # the volatility was computed here
    reason: npt.NDArray[np.int8]


def believed_price(c: Contracts) -> Floats:
    """Price of each contract, US dollars a share: the middle of a live quote, else the last trade of the session.

    A quote is live with bid > 0 and ask >= bid. A last price counts when its moment lies in the session, or, where no
    moment is stated, when the contract traded in the session. NaN otherwise.
    """
    with np.errstate(invalid="ignore"):
        live = (c.bid > 0) & (c.ask >= c.bid)
        stated = np.isfinite(c.traded)
        recent = np.where(stated, c.traded >= c.opened[c.snap], c.volume > 0) & (c.last > 0)
    return np.where(live, 0.5 * (c.bid + c.ask), np.where(recent, c.last, np.nan))


def greeks_of(c: Contracts, rules: OptionRules, dividend: Floats | None = None) -> Greeks:
    """Implied volatility and delta of each contract.

    dividend: continuous yield a year of each snapshot in `c.snaps`, NaN where not known (the rules' yield then).
    A given volatility is believed within the rules' limits unless the quote beside it is dead (bid and ask stated,
    and no bid): providers fill that with a placeholder. A given delta is believed when its sign and size are those of
    its right.
    """
    paid_out = np.full(c.snap.size, rules.dividend_yield)
    if dividend is not None and c.snap.size:
        paid_out = np.nan_to_num(dividend, nan=rules.dividend_yield)[c.snap]
    years = np.where(c.years > 0, np.maximum(c.years, rules.min_years), np.nan)
    with np.errstate(invalid="ignore"):
        dead = np.isfinite(c.bid) & np.isfinite(c.ask) & (c.bid <= 0)
        believed = (c.given_vol >= rules.min_vol) & (c.given_vol <= rules.max_vol) & ~dead
    vol = np.where(believed, c.given_vol, np.nan)
    reason = np.zeros(c.snap.size, dtype=np.int8)
    at = np.flatnonzero(~believed)
    if at.size:
        vol[at], reason[at] = _computed(c, at, years[at], paid_out[at], rules)
    computed = ~believed & (reason == _KNOWN)
    with np.errstate(invalid="ignore"):
        size = np.where(c.put, -c.given_delta, c.given_delta)
        good = (size >= 0) & (size <= 1)
    change = np.where(good, c.given_delta, np.nan)
    at = np.flatnonzero(~good & np.isfinite(vol) & np.isfinite(years) & (c.spot > 0))
    change[at] = delta(c.spot[at], c.strike[at], years[at], vol[at], c.put[at], rules.rate, paid_out[at])
    return Greeks(vol, change, computed, reason)


def _computed(
    c: Contracts, at: npt.NDArray[np.int64], years: Floats, paid_out: Floats, rules: OptionRules
) -> tuple[Floats, npt.NDArray[np.int8]]:
    spot, strike, put, paid = c.spot[at], c.strike[at], c.put[at], believed_price(c)[at]
    low, high = bounds(spot, strike, years, put, rules.rate, paid_out)
    vol = implied_vol(paid, spot, strike, years, put, rules.rate, paid_out)
    with np.errstate(invalid="ignore"):
        wild = ~((vol >= rules.min_vol) & (vol <= rules.max_vol))
        tests = [~(spot > 0), ~(years > 0), ~(paid > 0), paid <= low, paid >= high, wild]
    reason = np.select(tests, [_NO_SPOT, _EXPIRED, _NO_PRICE, _BELOW, _ABOVE, _IMPLAUSIBLE], _KNOWN).astype(np.int8)
    return np.where(reason == _KNOWN, vol, np.nan), reason
