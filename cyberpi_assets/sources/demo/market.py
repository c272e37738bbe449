"""Three years of invented market: a market factor, sector factors, and each company's own shocks.

Belongs here: the simulation of daily returns and volume, and the bars that follow from them. Every factor and every
company has its own GARCH(1,1) variance with Student-t shocks, so that returns have heavy tails and volatility comes in
clusters; volume follows the size of the move and its own memory. Planned breaches are carried out here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cyberpi_assets.sources.demo.companies import Company, listed_range
from cyberpi_assets.sources.demo.events import Breach
from cyberpi_assets.sources.demo.horizon import Bools, Floats, Horizon, Ints

_ALPHA, _BETA = 0.09, 0.88  # GARCH(1,1): weight of yesterday's shock and of yesterday's variance
_DF = 4.0  # degrees of freedom of the shocks
_LARGEST_SHOCK = 9.0  # standard deviations; keeps a variance from running away
_LARGEST_MOVE = 0.30  # log return of one day: a larger one would look like bad data
_MARKET_SIGMA, _SECTOR_SIGMA = 0.008, 0.005
_AFTERMATH = 40  # sessions of raised volatility after a breach
_NO_VOLUME = 0.0005  # share of bars whose volume is missing
_QUARTER = 63


@dataclass(frozen=True)
class Market:
    """Bars of the sessions shown, one column per company and the fund last. Shapes: (sessions, companies + 1).

    Prices are US dollars, split-adjusted; `volume` is NaN where missing; `listed` says where a bar exists.
    `dividends`: (session, company, US dollars a share) of each payment, split-adjusted.
    """

    open: Floats
    high: Floats
    low: Floats
    close: Floats
    adj_close: Floats
    volume: Floats
    listed: Bools
    dividends: tuple[Ints, Ints, Floats]


@dataclass(frozen=True)
class _Traits:
    """What each company is like. Shapes: (companies,)."""

    sector: Ints
    beta: Floats
    gamma: Floats
    sigma: Floats
    first_close: Floats
    log_volume: Floats
    yield_: Floats
    pays_at: Ints


@dataclass(frozen=True)
class _Draws:
    """Random numbers of all years drawn. Shapes: (sessions, series or companies)."""

    shocks: Floats
    volume: Floats
    overnight: Floats
    wicks: Floats
    missing: Bools


def simulate(horizon: Horizon, universe: list[Company], planned: list[Breach]) -> Market:
    """The market of the sessions shown."""
    traits, n = _traits(horizon, universe), len(universe)
    n_sectors = int(traits.sector.max()) + 1
    draws = _draws(horizon, n_sectors, n)
    t = horizon.n_sessions
    stress, extra_volume, push, forced = _planned(planned, len(horizon.year_sessions), n)

    sigma = np.concatenate([[_MARKET_SIGMA], np.full(n_sectors, _SECTOR_SIGMA), traits.sigma])
    shocks, scale = _garch(draws.shocks[:t], sigma)
    own = shocks[:, 1 + n_sectors :] * stress[:t] + push[:t]
    returns = traits.beta * shocks[:, [0]] + traits.gamma * shocks[:, 1 + traits.sector] + own + 0.0002
    returns = np.where(np.isnan(forced[:t]), np.clip(returns, -_LARGEST_MOVE, _LARGEST_MOVE), forced[:t])

    first, last = listed_range(universe)
    numbers = np.arange(t)[:, None]
    listed = (numbers >= first) & (numbers <= last)
    log_volume = traits.log_volume + _volume_moves(draws.volume[:t], returns / traits.sigma) + extra_volume[:t]

    # the fund holds every listed company in equal parts
    fund = np.where(listed, returns, 0.0).sum(axis=1) / listed.sum(axis=1)
    returns = np.column_stack([returns, fund])
    log_volume = np.column_stack([log_volume, 16.5 + 0.3 * np.abs(fund) / _MARKET_SIGMA + 0.2 * draws.volume[:t, 0]])
    listed = np.column_stack([listed, np.ones(t, dtype=np.bool_)])
    day_sigma = np.column_stack([scale[:, 1 + n_sectors :] * stress[:t], np.full(t, _MARKET_SIGMA)])

    close = _cents(np.append(traits.first_close, 100.0) * np.exp(np.cumsum(returns, axis=0)))
    previous = np.vstack([close[:1] / np.exp(returns[:1]), close[:-1]])
    open_ = _cents(previous * np.exp(0.35 * returns + 0.25 * day_sigma * draws.overnight[:t]))
    up, down = np.abs(draws.wicks[:t, :, 0]), np.abs(draws.wicks[:t, :, 1])
    high = _cents(np.maximum(open_, close) * np.exp(0.35 * day_sigma * up))
    low = _cents(np.minimum(open_, close) * np.exp(-0.35 * day_sigma * down))
    volume = np.where(draws.missing[:t], np.nan, np.rint(np.exp(log_volume)))
    adj_close, dividends = _dividends(close, listed, traits, universe)
    return Market(open_, high, low, close, adj_close, volume, listed, dividends)


def _cents(price: Floats) -> Floats:
    """Prices to a hundredth of a cent, as adjusted prices are printed."""
    rounded: Floats = np.round(price, 4)
    return rounded


def _traits(horizon: Horizon, universe: list[Company]) -> _Traits:
    rng, n = horizon.stream("companies"), len(universe)
    sectors = list(dict.fromkeys(c.sector for c in universe))
    return _Traits(
        sector=np.array([sectors.index(c.sector) for c in universe], dtype=np.int64),
        beta=rng.uniform(0.6, 1.5, n),
        gamma=rng.uniform(0.5, 1.3, n),
        sigma=np.clip(rng.lognormal(np.log(0.0125), 0.35, n), 0.007, 0.028),
        first_close=np.round(rng.lognormal(np.log(75), 0.7, n), 2),
        log_volume=rng.normal(np.log(2.5e6), 0.9, n),
        yield_=np.where(rng.uniform(size=n) < 0.5, rng.uniform(0.008, 0.04, n), 0.0),
        pays_at=rng.integers(5, _QUARTER - 5, n),
    )


def _draws(horizon: Horizon, n_sectors: int, n: int) -> _Draws:
    years: list[tuple[np.ndarray, ...]] = []
    for year in horizon.years:
        rng, t = horizon.stream("market", year), len(horizon.of_year(year))
        shocks = rng.standard_t(_DF, (t, 1 + n_sectors + n)) * np.sqrt((_DF - 2) / _DF)
        volume, overnight = rng.standard_normal((t, n)), rng.standard_normal((t, n + 1))
        wicks, missing = rng.standard_normal((t, n + 1, 2)), rng.uniform(size=(t, n + 1)) < _NO_VOLUME
        years.append((np.clip(shocks, -_LARGEST_SHOCK, _LARGEST_SHOCK), volume, overnight, wicks, missing))
    return _Draws(*(np.concatenate(part) for part in zip(*years, strict=True)))


def _garch(shocks: Floats, sigma: Floats) -> tuple[Floats, Floats]:
    """Returns and their conditional standard deviations from unit shocks. Shapes: (sessions, series) twice."""
    omega = (1 - _ALPHA - _BETA) * sigma**2
    variance, ceiling = sigma**2, 12 * sigma**2
    returns, scale = np.empty_like(shocks), np.empty_like(shocks)
    for t in range(len(shocks)):
        scale[t] = np.sqrt(variance)
        returns[t] = scale[t] * shocks[t]
        variance = np.minimum(omega + _ALPHA * returns[t] ** 2 + _BETA * variance, ceiling)
    return returns, scale


def _volume_moves(noise: Floats, surprise: Floats) -> Floats:
    """Log volume around its level: memory, noise, and the size of the day's move in standard deviations."""
    moves, level = np.empty_like(noise), np.zeros(noise.shape[1])
    for t in range(len(noise)):
        level = 0.75 * level + 0.14 * noise[t]
        moves[t] = level
    fresh = 0.18 * np.roll(noise, 1, axis=1)
    return moves + fresh + 0.30 * (np.minimum(np.abs(surprise), 6.0) - 1.0)


def _planned(planned: list[Breach], t: int, n: int) -> tuple[Floats, Floats, Floats, Floats]:
    """What the breaches do: factor on volatility, extra log volume, extra return, and returns that are fixed."""
    stress, volume, push = np.ones((t, n)), np.zeros((t, n)), np.zeros((t, n))
    forced = np.full((t, n), np.nan)
    for b in planned:
        for i, at in enumerate(b.footprints):
            volume[at, b.company] += 1.6 + 0.12 * i  # each must stand out from a mean that holds those before
            push[at, b.company] -= 0.006
        forced[b.event_at, b.company] = np.log1p(-b.drop)
        after = slice(b.event_at + 1, b.event_at + 1 + _AFTERMATH)
        age = np.arange(len(stress[after]))
        stress[after, b.company] = 1 + 1.3 * np.exp(-age / 14)
        volume[b.event_at, b.company] += 0.9
        volume[after, b.company] += 0.9 * np.exp(-age / 6)
    return stress, volume, push, forced


def _dividends(
    close: Floats, listed: Bools, traits: _Traits, universe: list[Company]
) -> tuple[Floats, tuple[Ints, Ints, Floats]]:
    """Quarterly dividends, and closes adjusted backwards for them."""
    t = len(close)
    pays = (traits.yield_ > 0) & ~np.array([c.raw_basis or c.split_at is not None for c in universe])
    due = (np.arange(t)[:, None] % _QUARTER == traits.pays_at) & pays & listed[:, :-1]
    due[0] = False
    before = np.vstack([close[:1], close[:-1]])[:, :-1]
    paid = np.where(due, np.round(before * traits.yield_ / 4, 4), 0.0)
    kept = np.column_stack([1 - paid / before, np.ones(t)])
    later = np.vstack([np.cumprod(kept[::-1], axis=0)[::-1][1:], np.ones((1, kept.shape[1]))])
    session, company = np.nonzero(paid)
    return _cents(close * later), (session, company, paid[session, company])
