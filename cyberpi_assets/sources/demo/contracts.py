"""Option chains of the invented companies: contracts, prices and volumes of each session, consistent with the world.

Belongs here: which contracts are listed, what they cost (Black-Scholes with the world's volatility, a skew and a term
structure) and how a day's volume and open interest lie on them. How much is traded in all is `activity.py`'s.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from cyberpi_assets.domain.calendar import is_session
from cyberpi_assets.sources.demo.activity import Activity, implied
from cyberpi_assets.sources.demo.horizon import Bools, Days, Floats, Horizon, Ints

RATE: Final = 0.04  # a year; the world's dividends are too small to matter here
STRIKES: Final = 9  # per expiry, centred on the price
EXPIRIES: Final = 4
_STEP: Final = 0.045  # distance of strikes as a share of the price, before rounding
_UNKNOWN_VOLUME, _UNKNOWN_VOL = 0.01, 0.015  # shares of contracts


@dataclass(frozen=True)
class Contracts:
    """One row per contract and session. Shapes: (rows,); prices in US dollars on the day's split basis, NaN: unknown.

    `put`: 1 for puts. `volume` and `implied_vol` are NaN where the invented provider is silent.
    """

    session: Ints
    company: Ints
    expiry: Days
    put: Ints
    strike: Floats
    underlying: Floats
    bid: Floats
    ask: Floats
    last: Floats
    volume: Floats
    open_interest: Ints
    implied_vol: Floats
    delta: Floats


def contracts(horizon: Horizon, seen: Activity, close: Floats, sessions: Ints, names: Ints, listed: Bools) -> Contracts:
    """Chains of these companies on these sessions.

    close: (sessions of the world, companies), on each day's split basis. listed: likewise, where options trade.
    """
    pair_session, pair_company = (a.ravel() for a in np.meshgrid(sessions, names, indexing="ij"))
    there = listed[pair_session, pair_company]
    pair_session, pair_company = pair_session[there], pair_company[there]
    price = close[pair_session, pair_company]
    shape = (len(pair_session), EXPIRIES, STRIKES, 2)

    expiry = _expiries(horizon.sessions[pair_session])
    step = _nice(price * _STEP)
    grid = np.rint(price / step)[:, None] + np.arange(STRIKES) - STRIKES // 2
    strike = np.maximum(grid, 1) * step[:, None]
    days = (expiry - horizon.sessions[pair_session][:, None]).astype(np.int64)

    def spread(a: npt.NDArray[Any], axes: str) -> npt.NDArray[Any]:
        """An array over `axes` (p pair, e expiry, k strike) laid over all contracts, flat."""
        index = (*(slice(None) if x in axes else None for x in "pek"), None)
        return np.broadcast_to(a[index], shape).ravel()

    s, c = spread(pair_session, "p"), spread(pair_company, "p")
    spot: Floats = spread(price, "p")
    k: Floats = spread(strike, "pk")
    ahead: Floats = spread(np.maximum(days, 0.4), "pe")
    put = np.broadcast_to(np.arange(2), shape).ravel()
    atm = spread(implied(seen, pair_session[:, None], pair_company[:, None], np.maximum(days, 0.4)), "pe")
    number = spread(expiry.astype(np.int64), "pe") * 1_000_000 + np.rint(k * 100).astype(np.int64) * 2 + put

    value, vol, delta = _priced(spot, k, ahead / 365, atm, put)
    u = [horizon.noise("options", 20 + i, s, c, number) for i in range(4)]
    half = np.maximum(0.01, value * (0.012 + 0.03 * u[0]))
    bid, ask = np.floor((value - half) * 100) / 100, np.ceil((value + half) * 100) / 100
    volume = _volumes(seen, s, c, spot, k, ahead, put, u[1], shape)
    held = _held(s, c, number, volume, spread(np.exp(-np.abs(np.log(strike / price[:, None])) / 0.12), "pk"), u[2])
    unknown = horizon.noise("options", 30, s, c, number)
    return Contracts(
        session=s,
        company=c,
        expiry=spread(expiry, "pe"),
        put=put,
        strike=k.round(2),
        underlying=spot.round(4),
        bid=np.maximum(bid, 0.0),
        ask=np.maximum(ask, 0.01),
        last=np.where(volume > 0, np.maximum(np.round(value + half * (2 * u[3] - 1), 2), 0.01), np.nan),
        volume=np.where(unknown < _UNKNOWN_VOLUME, np.nan, volume),
        open_interest=held,
        implied_vol=np.where(unknown > 1 - _UNKNOWN_VOL, np.nan, np.round(vol, 4)),
        delta=np.round(delta, 4),
    )


def _expiries(day: Days) -> Days:
    """The next two Fridays, and the third Fridays about one and two months out. Shape: (days, 4)."""
    number = day.astype(np.int64)
    to_friday = (4 - (number + 3) % 7) % 7  # 1970-01-01 was a Thursday
    first = number + np.where(to_friday < 1, 7, to_friday)
    month = day.astype("datetime64[M]").astype(np.int64)
    one, two = _third_friday(month + 1), _third_friday(month + 2)
    late = one - number < 21
    one, two = np.where(late, two, one), np.where(late, _third_friday(month + 3), two)
    fridays = np.stack([first, first + 7, one, two], axis=1)
    closed = ~is_session(fridays.astype(np.int32))  # options that would expire on a holiday expire the day before
    result: Days = (fridays - closed).astype("datetime64[D]")
    return result


def _third_friday(month: Ints) -> Ints:
    """The third Friday of each month (months since 1970-01) as days since 1970-01-01."""
    start = month.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    result: Ints = start + (4 - (start + 3) % 7) % 7 + 14
    return result


def _nice(step: Floats) -> Floats:
    """The largest of 0.5, 1, 2.5, 5, 10, 25, ... that is at most the step; at least 0.5."""
    steps = np.array([0.5, 1, 2.5, 5, 10, 25, 50, 100, 250])
    result: Floats = steps[np.maximum(np.searchsorted(steps, step, side="right") - 1, 0)]
    return result


def _priced(spot: Floats, strike: Floats, years: Floats, atm: Floats, put: Ints) -> tuple[Floats, Floats, Floats]:
    """Value, volatility with its skew, and delta of each contract (Black-Scholes, no dividends)."""
    spread = np.clip(np.log(strike / spot) / (atm * np.sqrt(years)), -3, 3)
    vol = atm * (1 - 0.06 * spread + 0.02 * spread**2)
    deviation = vol * np.sqrt(years)
    d1 = (np.log(spot / strike) + RATE * years) / deviation + deviation / 2
    call = spot * ndtr(d1) - strike * np.exp(-RATE * years) * ndtr(d1 - deviation)
    value = np.where(put == 1, call - spot + strike * np.exp(-RATE * years), call)
    # an American option is worth its exercise at least
    value = np.maximum(value, np.where(put == 1, strike - spot, spot - strike))
    return np.maximum(value, 0.002), vol, ndtr(d1) - put


def _volumes(
    seen: Activity,
    session: Ints,
    company: Ints,
    spot: Floats,
    strike: Floats,
    days: Floats,
    put: Ints,
    noise: Floats,
    shape: tuple[int, ...],
) -> Floats:
    """A day's volume laid on its contracts: near the money, near expiry, unevenly; planted puts where they belong."""
    distance = np.log(strike / spot)
    weight = np.exp(-np.abs(distance) / 0.05 - days / 45) * np.exp(2.2 * (noise - 0.5))
    weight *= np.where((distance > 0) == (put == 1), 0.35, 1.0)  # contracts in the money trade little
    near = (put == 1) & (distance < math.log(0.95)) & (days <= 45)
    bought = np.where(near, np.exp(2.0 * noise) * np.exp(-days / 12), 0.0)
    planted = seen.puts_planted[session, company]
    usual = np.where(put == 1, seen.put_volume[session, company] - planted, seen.call_volume[session, company])
    pairs = shape[0]

    def shared(w: Floats) -> Floats:
        whole = w.reshape(pairs, EXPIRIES * STRIKES, 2).sum(axis=1, keepdims=True)
        part: Floats = (w.reshape(pairs, EXPIRIES * STRIKES, 2) / np.where(whole > 0, whole, 1.0)).ravel()
        return part

    result: Floats = np.rint(usual * shared(weight)) + np.rint(planted * shared(bought))
    return result


def _held(session: Ints, company: Ints, number: Ints, volume: Floats, shape: Floats, noise: Floats) -> Ints:
    """Open interest of each contract at the opening: what it began with and the changes of its sessions before."""
    order = np.lexsort((session, number, company))
    change = np.rint(volume * (0.7 * noise - 0.2))[order]
    first = np.ones(len(order), dtype=np.bool_)
    first[1:] = (number[order][1:] != number[order][:-1]) | (company[order][1:] != company[order][:-1])
    before = np.cumsum(change) - change
    start = np.maximum.accumulate(np.where(first, np.arange(len(order)), 0))
    begun = np.rint(40 + 1500 * shape * (0.3 + noise))[order]
    held = np.empty(len(order), dtype=np.int64)
    held[order] = np.maximum(begun[start] + before - before[start], 0).astype(np.int64)
    return held
