"""Implied volatility of many contracts against a scalar root finder, parity, bounds, and a binomial tree."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from cyberpi_assets.domain.options.volatility import bounds, delta, implied_vol, price

RATE = 0.04


def slow_price(spot: float, strike: float, years: float, vol: float, put: bool, rate: float, paid_out: float) -> float:
    """Black-Scholes by the error function, one contract."""
    d1 = (math.log(spot / strike) + (rate - paid_out + vol * vol / 2) * years) / (vol * math.sqrt(years))
    d2 = d1 - vol * math.sqrt(years)
    forward, owed = spot * math.exp(-paid_out * years), strike * math.exp(-rate * years)

    def normal(x: float) -> float:
        return 0.5 * math.erfc(-x / math.sqrt(2))

    return owed * normal(-d2) - forward * normal(-d1) if put else forward * normal(d1) - owed * normal(d2)


def some_contracts(n: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(20260714)
    spot = rng.uniform(3, 900, n)
    return {
        "spot": spot,
        "strike": spot * np.exp(rng.normal(0, 0.25, n)),
        "years": rng.uniform(0.5, 500, n) / 365,
        "vol": rng.uniform(0.06, 2.5, n),
        "put": rng.random(n) < 0.5,
        "paid_out": rng.choice([0.0, 0.01, 0.06], n),
    }


def test_it_agrees_with_a_scalar_root_finder_on_prices_it_did_not_make() -> None:
    c = some_contracts(600)
    rows = list(zip(*(v.tolist() for v in c.values()), strict=True))
    paid = [slow_price(s, k, t, v, p, RATE, q) for s, k, t, v, p, q in rows]
    found = implied_vol(np.array(paid), c["spot"], c["strike"], c["years"], c["put"], RATE, c["paid_out"])
    compared = 0
    for (s, k, t, _, p, q), target, mine in zip(rows, paid, found.tolist(), strict=True):
        forward, owed = s * math.exp(-q * t), k * math.exp(-RATE * t)
        inner = max(owed - forward if p else forward - owed, 0.0)
        if target - inner < 1e-6 * s:  # nothing left to tell volatility by
            continue
        root = optimize.brentq(
            lambda x, s=s, k=k, t=t, p=p, q=q, target=target: slow_price(s, k, t, x, p, RATE, q) - target, 1e-4, 20
        )
        assert mine == pytest.approx(root, abs=1e-7), (s, k, t, p, q)
        compared += 1
    assert compared > 500


@settings(max_examples=300, deadline=None)
@given(
    spot=st.floats(0.5, 5_000),
    moneyness=st.floats(-1.2, 1.2),
    days=st.floats(0.05, 1_000),
    vol=st.floats(0.02, 4.5),
    put=st.booleans(),
    rate=st.floats(-0.01, 0.12),
    paid_out=st.floats(0, 0.1),
)
def test_a_price_gives_a_volatility_that_gives_the_price(
    spot: float, moneyness: float, days: float, vol: float, put: bool, rate: float, paid_out: float
) -> None:
    strike, years = spot * math.exp(moneyness), days / 365
    one = [np.array([x]) for x in (spot, strike, years)]
    right = np.array([put])
    paid = price(*one, np.array([vol]), right, rate, paid_out)
    low, high = bounds(*one, right, rate, paid_out)
    back = implied_vol(paid, *one, right, rate, paid_out)
    edge = 1e-11 * max(spot, strike)
    if low[0] + edge < paid[0] < high[0] - edge:
        assert np.isfinite(back[0])
        assert price(*one, back, right, rate, paid_out)[0] == pytest.approx(paid[0], rel=1e-9, abs=1e-11 * spot)
    elif not low[0] < paid[0] < high[0]:
        assert np.isnan(back[0])


@settings(max_examples=100, deadline=None)
@given(
    spot=st.floats(1, 1_000),
    moneyness=st.floats(-0.5, 0.5),
    days=st.floats(1, 700),
    vol=st.floats(0.05, 2),
    paid_out=st.floats(0, 0.08),
)
def test_a_put_and_a_call_at_parity_have_one_volatility(
    spot: float, moneyness: float, days: float, vol: float, paid_out: float
) -> None:
    strike, years = spot * math.exp(moneyness), days / 365
    call = slow_price(spot, strike, years, vol, False, RATE, paid_out)
    put = call - spot * math.exp(-paid_out * years) + strike * math.exp(-RATE * years)
    both = (np.full(2, spot), np.full(2, strike), np.full(2, years), np.array([False, True]))
    found = implied_vol(np.array([call, put]), *both, RATE, paid_out)
    changes = delta(*both[:3], np.full(2, vol), both[3], RATE, paid_out)
    assert changes[0] - changes[1] == pytest.approx(math.exp(-paid_out * years), rel=1e-9)
    if np.isfinite(found).all() and min(call, put) > 1e-4 * spot:
        assert found[0] == pytest.approx(found[1], rel=1e-6)


def test_delta_is_the_slope_of_the_price() -> None:
    c = some_contracts(200)
    args = (c["strike"], c["years"], c["vol"], c["put"], RATE, c["paid_out"])
    step = 1e-4 * c["spot"]
    slope = (price(c["spot"] + step, *args) - price(c["spot"] - step, *args)) / (2 * step)
    assert delta(c["spot"], *args) == pytest.approx(slope, abs=2e-5)


@pytest.mark.parametrize(
    ("paid", "spot", "strike", "years", "put"),
    [
        (9.0, 110.0, 100.0, 0.1, False),  # under what exercise at expiry is worth
        (110.0, 110.0, 100.0, 0.1, False),  # as dear as the share
        (101.0, 50.0, 100.0, 0.1, True),  # dearer than the strike
        (0.0, 100.0, 100.0, 0.1, False),
        (-1.0, 100.0, 100.0, 0.1, False),
        (float("nan"), 100.0, 100.0, 0.1, False),
        (5.0, float("nan"), 100.0, 0.1, False),
        (5.0, 0.0, 100.0, 0.1, False),
        (5.0, 100.0, 100.0, 0.0, False),
        (5.0, 100.0, 100.0, -1.0, True),
    ],
)
def test_where_no_volatility_fits_there_is_none(
    paid: float, spot: float, strike: float, years: float, put: bool
) -> None:
    found = implied_vol(*(np.array([x]) for x in (paid, spot, strike, years)), np.array([put]), RATE)
    assert np.isnan(found[0])


def test_blocks_and_threads_change_nothing() -> None:
    c = some_contracts(70_001)
    paid = price(c["spot"], c["strike"], c["years"], c["vol"], c["put"], RATE, c["paid_out"])
    args = (paid, c["spot"], c["strike"], c["years"], c["put"], RATE, c["paid_out"])
    many, one = implied_vol(*args, threads=2), implied_vol(*args, threads=1)
    assert np.array_equal(many, one, equal_nan=True)
    alone = implied_vol(*(a[-1:] if isinstance(a, np.ndarray) else a for a in args))
    assert alone[0] == many[-1]
    assert implied_vol(*(a[:0] if isinstance(a, np.ndarray) else a for a in args)).size == 0


def american_put(spot: float, strike: float, years: float, vol: float, rate: float, steps: int = 400) -> float:
    """A Cox-Ross-Rubinstein tree with early exercise."""
    dt = years / steps
    up = math.exp(vol * math.sqrt(dt))
    p = (math.exp(rate * dt) - 1 / up) / (up - 1 / up)
    value = np.maximum(strike - spot * up ** (2.0 * np.arange(steps + 1) - steps), 0.0)
    for i in range(steps - 1, -1, -1):
        value = math.exp(-rate * dt) * (p * value[1:] + (1 - p) * value[:-1])
        value = np.maximum(value, strike - spot * up ** (2.0 * np.arange(i + 1) - i))
    return float(value[0])


@pytest.mark.parametrize("vol", [0.2, 0.4, 0.8])
@pytest.mark.parametrize("days", [10, 30, 60])
@pytest.mark.parametrize("moneyness", [-0.1, -0.05, 0.0])
def test_early_exercise_moves_the_volatility_of_the_puts_that_are_used_by_less_than_a_point(
    vol: float, days: int, moneyness: float
) -> None:
    strike, years = 100 * math.exp(moneyness), days / 365
    paid = american_put(100.0, strike, years, vol, RATE)
    if paid < 0.02:  # a tick: no quote, and the tree's own error
        return
    found = implied_vol(
        np.array([paid]), np.array([100.0]), np.array([strike]), np.array([years]), np.array([True]), RATE
    )
    assert -0.003 < found[0] - vol < 0.01
