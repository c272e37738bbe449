"""Calendar-time portfolios: daily returns against loops, Newey-West against its formula, size and power."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from cyberpi_assets.domain.returns import portfolios
from cyberpi_assets.domain.returns.portfolios import Days, alpha_of, newey_west_lag
from cyberpi_assets_tests.domain.returns.worked import FIRST, panel_of


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), sessions=st.sampled_from([1, 5, 21]), part=st.sampled_from([3, 20_000]))
def test_the_portfolio_holds_each_position_from_the_session_after_day_zero(seed: int, sessions: int, part: int):
    rng = np.random.default_rng(seed)
    changes, market = rng.normal(0, 0.02, (60, 4)), rng.normal(0, 0.01, 60)
    changes[rng.random((60, 4)) < 0.1] = np.nan
    code, zero, sign = rng.integers(0, 4, 9), rng.integers(FIRST - 3, FIRST + 62, 9), rng.choice([-1.0, 1.0], 9)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(portfolios, "_POSITIONS", part)
        daily, number = Days(panel_of(changes, market), np.arange(4)).held(code, zero, sign, sessions)
    for at in range(60):
        earned = [
            sign[i] * (changes[at, code[i]] - market[at])
            for i in range(9)
            if zero[i] < FIRST + at <= zero[i] + sessions and not math.isnan(changes[at, code[i]])
        ]
        assert number[at] == len(earned)
        assert daily[at] == pytest.approx(np.mean(earned) if earned else math.nan, nan_ok=True, abs=1e-15)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(120, 400))
def test_newey_west_as_it_is_defined(seed: int, n: int):
    rng = np.random.default_rng(seed)
    market, noise = rng.normal(0, 0.01, n), rng.normal(0, 0.01, n)
    daily = 0.0005 + 0.3 * market + noise + 0.5 * np.r_[0, noise[:-1]]
    found = alpha_of(daily, market)
    line = stats.linregress(market, daily)
    assert found["alpha"] == pytest.approx(line.intercept, rel=1e-9, abs=1e-15)
    assert found["beta"] == pytest.approx(line.slope, rel=1e-9)
    x = [(1.0, m) for m in market]
    e = [d - line.intercept - line.slope * m for d, m in zip(daily, market, strict=True)]
    lag = found["lag"]
    middle = [[0.0, 0.0], [0.0, 0.0]]
    for t in range(n):
        for s in range(max(0, t - lag), min(n, t + lag + 1)):
            weight = 1 - abs(t - s) / (lag + 1)
            for a in range(2):
                for b in range(2):
                    middle[a][b] += weight * e[t] * e[s] * x[t][a] * x[s][b]
    bread = np.linalg.inv(np.array(x).T @ np.array(x))
    covariance = bread @ np.array(middle) @ bread * n / (n - 2)
    assert found["se"] == pytest.approx(math.sqrt(covariance[0, 0]), rel=1e-8)
    assert found["t"] == pytest.approx(found["alpha"] / found["se"], rel=1e-9)
    assert found["p"] == pytest.approx(2 * stats.t(n - 2).sf(abs(found["t"])), rel=1e-9)
    assert (found["low"] <= 0 <= found["high"]) == (found["p"] >= 0.05)


def test_the_lag_grows_slowly():
    assert [newey_west_lag(n) for n in (100, 1_000, 3_600)] == [4, 6, 8]


def _share_significant(worlds: int, drift: float) -> float:
    rng = np.random.default_rng(30)
    found = 0
    for _ in range(worlds):
        market, common = rng.normal(0.0004, 0.01, 500), rng.normal(0, 0.01, 500)
        changes = market[:, None] + common[:, None] + rng.normal(0, 0.02, (500, 10))
        # bursts of trades on few days: what makes tests of single trades too sure
        zero = FIRST + np.repeat(rng.integers(0, 480, 30), 10)
        code = np.tile(np.arange(10), 30)
        for z, c in zip(zero, code, strict=True):
            changes[z - FIRST + 1 : z - FIRST + 22, c] += drift
        daily, _ = Days(panel_of(changes, market), np.arange(10)).held(code, zero, np.ones(300), 21)
        use = np.isfinite(daily)
        found += alpha_of(daily[use], market[use])["p"] < 0.05
    return found / worlds


def test_bursts_of_trades_without_abnormal_returns_are_not_significant():
    assert 0.015 <= _share_significant(300, drift=0.0) <= 0.095


def test_a_planted_drift_is_found():
    assert _share_significant(40, drift=0.003) > 0.9
