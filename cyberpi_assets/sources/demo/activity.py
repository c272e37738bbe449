"""The invented companies' option activity by day: earnings, volumes of calls and puts, volatility, and what is planted.

Belongs here: the daily level that every company has over all sessions. How a day's volume is spread over contracts is
in `contracts.py`.

Planted: before two of three breaches somebody buys puts, out of the money and near expiry, on the breach's footprint
sessions. Before a third of all earnings days many people do the same, who know nothing: the decoys.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import ndtri

from cyberpi_assets.sources.demo.companies import Company
from cyberpi_assets.sources.demo.events import Breach
from cyberpi_assets.sources.demo.horizon import Bools, Floats, Horizon, Ints
from cyberpi_assets.sources.demo.market import Market

SESSIONS_A_YEAR: Final = 252
_DECAY: Final = 0.94  # weight of yesterday's variance in the volatility that options price
_LONG_RUN_YEARS: Final = 1 / 6  # time in which volatility finds back to its usual level
_QUARTER: Final = 63
_EARLIEST_ANNOUNCED: Final = 15  # sessions between the announcement of an earnings day and the day
_DECOY_SHARE: Final = 1 / 3
_DECOY_SESSIONS: Final = 3  # before earnings, on which a decoy is bought
_EARNINGS_MOVE: Final = 0.045  # standard deviation of the move that options price for an earnings day


@dataclass(frozen=True)
class Earnings:
    """Earnings days of the years drawn. Shapes: (events,); `multiple` is 1 where nothing unusual comes before."""

    company: Ints
    session: Ints
    announced: Ints
    multiple: Floats


@dataclass(frozen=True)
class Footprint:
    """Puts bought before one breach: on these sessions, so many times the usual put volume."""

    breach: Breach
    multiple: float


@dataclass(frozen=True)
class Activity:
    """Option activity by session and company. Shapes: (sessions, companies).

    `puts_planted`: contracts of `put_volume` that are near and out of the money on purpose. `vol_now`: annual
    volatility that the next days are priced with; `vol_usual`: (companies,) what it returns to.
    """

    call_volume: Ints
    put_volume: Ints
    puts_planted: Ints
    call_open_interest: Ints
    put_open_interest: Ints
    vol_now: Floats
    vol_usual: Floats
    realised: Floats
    earnings: Earnings
    footprints: tuple[Footprint, ...]


def activity(horizon: Horizon, universe: list[Company], prices: Market, planned: list[Breach]) -> Activity:
    """The activity of the sessions shown. `prices` is the market of the same horizon."""
    t, n = horizon.n_sessions, len(universe)
    session, company = np.arange(t)[:, None], np.arange(n)[None, :]
    close = prices.close[:, :n]
    returns = np.vstack([np.zeros((1, n)), np.diff(np.log(close), axis=0)])
    now, usual, realised = _volatility(returns)
    released, marks = earnings(horizon, n), footprints(horizon, planned)

    noise = ndtri(horizon.noise("options", 1, session, company))
    memory = np.empty((t, n))
    level = np.zeros(n)
    for i in range(t):
        level = 0.7 * level + 0.2 * noise[i]
        memory[i] = level
    usual_volume = 9_000 * np.exp(0.8 * ndtri(horizon.noise("options", 2, company)))
    surprise = np.minimum(np.abs(returns) / (usual / np.sqrt(SESSIONS_A_YEAR)), 6.0) - 1.0
    total = usual_volume * np.exp(
        memory + 0.12 * ndtri(horizon.noise("options", 3, session, company)) + 0.25 * surprise
    )
    share = 1 / (1 + np.exp(0.3 + 6 * returns - 0.22 * ndtri(horizon.noise("options", 4, session, company))))
    planted = np.zeros((t, n))
    for mark in marks:
        for at in mark.breach.footprints:
            if at < t:
                planted[at, mark.breach.company] += mark.multiple * 0.45 * usual_volume[0, mark.breach.company]
    decoy = np.flatnonzero(released.multiple > 1)
    for back in range(1, _DECOY_SESSIONS + 1):
        at = released.session[decoy] - back
        here = decoy[(at >= 0) & (at < t)]
        np.add.at(
            planted,
            (released.session[here] - back, released.company[here]),
            (released.multiple[here] - 1) * 0.45 * usual_volume[0, released.company[here]] / (1 + 0.3 * (back - 1)),
        )
    listed = prices.listed[:, :n]
    puts_planted = np.where(listed, np.rint(planted), 0).astype(np.int64)
    calls = np.where(listed, np.rint(total * (1 - share)), 0).astype(np.int64)
    puts = np.where(listed, np.rint(total * share), 0).astype(np.int64) + puts_planted
    return Activity(
        calls, puts, puts_planted, _held(calls), _held(puts), now, usual, realised, released, marks
    )  # fmt: skip


def _volatility(returns: Floats) -> tuple[Floats, Floats, Floats]:
    """Volatility priced now, its usual level, and what was realised over 30 sessions; a year, as of each close."""
    usual = np.full(returns.shape[1], 0.28)
    variance, result = usual**2 / SESSIONS_A_YEAR, np.empty_like(returns)
    for i, row in enumerate(returns):
        variance = np.maximum(_DECAY * variance + (1 - _DECAY) * row**2, (0.10**2) / SESSIONS_A_YEAR)
        result[i] = np.sqrt(variance * SESSIONS_A_YEAR) * 1.06
    squares = np.vstack([np.zeros((1, returns.shape[1])), np.cumsum(returns**2, axis=0)])
    start = np.maximum(np.arange(len(returns)) - 29, 0)
    realised = np.sqrt(
        (squares[1:] - squares[start]) / (np.arange(len(returns)) + 1 - start)[:, None] * SESSIONS_A_YEAR
    )
    return np.minimum(result, 2.5), usual, realised


def earnings(horizon: Horizon, n: int) -> Earnings:
    """Earnings days of every company, one a quarter of 63 sessions, in all years drawn."""
    quarters = np.arange(len(horizon.year_sessions) // _QUARTER + 1)[:, None]
    company = np.arange(n)[None, :]
    within = (12 + 40 * horizon.noise("options", 5, company)).astype(np.int64)
    shift = (5 * horizon.noise("options", 6, quarters, company)).astype(np.int64)
    session = (quarters * _QUARTER + within + shift).ravel()
    names = np.broadcast_to(company, (len(quarters), n)).ravel()
    is_decoy = (horizon.noise("options", 7, quarters, company) < _DECOY_SHARE).ravel()
    size = 2.5 + 3.0 * horizon.noise("options", 8, quarters, company).ravel()
    inside = (session < len(horizon.year_sessions)) & (session >= _EARLIEST_ANNOUNCED)
    return Earnings(
        names[inside],
        session[inside],
        session[inside] - _EARLIEST_ANNOUNCED,
        np.where(is_decoy, size, 1.0)[inside],
    )


def footprints(horizon: Horizon, planned: list[Breach]) -> tuple[Footprint, ...]:
    """Breaches before which puts are bought: two of three, by turns; 5 to 9 times the usual put volume a session."""
    size = 5.0 + 4.0 * horizon.noise("options", 9, np.arange(len(planned)))
    return tuple(Footprint(b, float(size[i])) for i, b in enumerate(planned) if i % 3 != 2)


def implied(seen: Activity, session: Ints, company: Ints, days: Floats | float) -> Floats:
    """At-the-money volatility for so many calendar days ahead, a year. All arguments broadcast together.

    Variance falls back to its usual level; an earnings day among the days ahead adds its own.
    """
    years = days / 365
    usual, now = seen.vol_usual[company] ** 2, seen.vol_now[session, company] ** 2
    fading = (1 - np.exp(-years / _LONG_RUN_YEARS)) * _LONG_RUN_YEARS
    variance = usual * years + (now - usual) * fading
    ahead = _next_earnings(seen, session, company)
    reported = ahead <= days * SESSIONS_A_YEAR / 365
    result: Floats = np.sqrt((variance + np.where(reported, _EARNINGS_MOVE**2, 0.0)) / years)
    return result


def _next_earnings(seen: Activity, session: Ints, company: Ints) -> Floats:
    """Sessions to the next earnings day; infinite where none was announced."""
    t, n = seen.vol_now.shape
    ahead = np.full((t, n), np.inf)
    for c, at, known in zip(
        seen.earnings.company.tolist(), seen.earnings.session.tolist(), seen.earnings.announced.tolist(), strict=True
    ):
        span = slice(max(known, 0), min(at, t))
        ahead[span, c] = np.minimum(ahead[span, c], at - np.arange(t)[span])
    found: Floats = ahead[session, company]
    return found


def _held(volume: Ints) -> Ints:
    """Open interest at the opening of each session: a third of each day's volume opens, 4 % a day is closed."""
    held, result = volume[:20].mean(axis=0) * 7.0, np.empty(volume.shape)
    for i, row in enumerate(volume):
        result[i] = held
        held = 0.96 * held + 0.30 * row
    return np.rint(result).astype(np.int64)


def on_split_basis(universe: list[Company], t: int) -> Floats:
    """What a share of that day counts in today's shares: prices of options are on the day's basis. (sessions, n)."""
    factor = np.ones((t, len(universe)))
    for i, c in enumerate(universe):
        if c.split_at is not None:
            factor[: c.split_at, i] = c.split_ratio
    return factor


def covered(listed: Bools, least: int) -> Bools:
    """Sessions on which a company has been listed for so long that options on it trade. Shape: as `listed`."""
    result: Bools = listed & (np.cumsum(listed, axis=0) > least)
    return result
