"""Every regression by prefix sums against statsmodels, one event at a time."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from cyberpi_assets.domain.returns import market_model
from cyberpi_assets.domain.returns.market_model import fit
from cyberpi_assets.domain.returns.prices import Panel
from cyberpi_assets.domain.returns.windows import LAST
from cyberpi_assets_tests.domain.returns.worked import FIRST, panel_of


def _random(seed: int, n: int = 420, k: int = 6) -> Panel:
    """Returns that follow the market, a tenth of them unknown, one ticker that ends early."""
    rng = np.random.default_rng(seed)
    market = rng.normal(0.0004, 0.011, n)
    changes = rng.normal(0, 0.001, k) + np.outer(market, rng.uniform(-0.5, 2, k)) + rng.normal(0, 0.02, (n, k))
    changes[rng.random((n, k)) < 0.1] = np.nan
    changes[330:, -1] = np.nan
    market = np.where(rng.random(n) < 0.02, np.nan, market)
    return panel_of(changes, market)


def _slowly(panel: Panel, code: int, zero: int, x: np.ndarray):
    """One event: statsmodels' OLS, and the forecast variance from its covariance matrix."""
    known = (panel.code == code) & np.isfinite(panel.change) & np.isfinite(x)
    when = panel.session[known].astype(int) - zero
    y, x = panel.change[known], x[known]
    inside = (when >= -250) & (when <= -30)
    model = sm.OLS(y[inside], sm.add_constant(x[inside])).fit()
    cars, errors = [], []
    for last in LAST:
        window = (when >= 0) & (when <= last)
        design = np.column_stack([np.ones(window.sum()), x[window]])
        cars.append(float((y[window] - design @ model.params).sum()))
        variance = model.mse_resid * np.eye(len(design)) + design @ model.cov_params() @ design.T
        errors.append(float(np.sqrt(variance.sum())))
    return int(inside.sum()), model, cars, errors


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), against=st.sampled_from(["market", "sector"]))
def test_the_model_is_that_of_statsmodels(seed: int, against: str):
    panel = _random(seed)
    rng = np.random.default_rng(seed + 1)
    code, zero = rng.integers(0, 5, 12), rng.integers(FIRST + 230, FIRST + 400, 12)
    found = fit(panel, code, zero, against)
    x = panel.market if against == "market" else panel.sector
    done = 0
    for i in range(code.size):
        if found.n[i] < 120 or found.present[i, 0] == 0:
            continue
        n, model, cars, errors = _slowly(panel, int(code[i]), int(zero[i]), x)
        assert found.n[i] == n
        assert found.alpha[i] == pytest.approx(model.params[0], rel=1e-9, abs=1e-13)
        assert found.beta[i] == pytest.approx(model.params[1], rel=1e-9)
        assert found.sigma[i] == pytest.approx(np.sqrt(model.mse_resid), rel=1e-9)
        assert found.car[i] == pytest.approx(cars, rel=1e-9, abs=1e-12)
        assert found.se[i] == pytest.approx(errors, rel=1e-9)
        done += 1
    assert done > 0


def test_with_fewer_than_120_observations_there_is_no_model():
    panel = _random(5)
    zero = np.arange(FIRST, FIRST + 420)
    found = fit(panel, np.zeros(420, np.int64), zero)
    assert np.array_equal(np.isfinite(found.beta), found.n >= 120)
    assert 0 < np.isfinite(found.beta).sum() < 420


def test_a_window_past_the_last_bar_uses_what_there_is():
    panel = _random(6)
    found = fit(panel, np.array([5]), np.array([FIRST + 325]))
    assert found.present[0].tolist() == sorted(found.present[0].tolist())
    assert 1 <= found.present[0, -1] <= 5  # its prices end 5 sessions later
    assert found.car[0, -1] == pytest.approx(found.car[0, 1])
    gone = fit(panel, np.array([5]), np.array([FIRST + 340]))
    assert gone.present[0, -1] == 0
    assert np.isnan(gone.car).all()


def test_the_order_and_the_size_of_blocks_do_not_matter(monkeypatch: pytest.MonkeyPatch):
    panel = _random(7)
    rng = np.random.default_rng(8)
    code, zero = rng.integers(0, 6, 300), rng.integers(FIRST, FIRST + 420, 300)
    whole = fit(panel, code, zero)
    monkeypatch.setattr(market_model, "_BLOCK", 500)
    order = rng.permutation(300)
    parts = fit(panel, code[order], zero[order])
    for name in ("n", "alpha", "beta", "sigma", "car", "se", "present", "wealth", "suspect"):
        np.testing.assert_allclose(getattr(parts, name), getattr(whole, name)[order], rtol=1e-9, atol=1e-15)


def test_an_absurd_price_costs_other_tickers_nothing():
    panel = _random(9)
    code, zero = np.full(50, 1), np.arange(FIRST + 300, FIRST + 350)
    before = fit(panel, code, zero)
    panel.change[np.flatnonzero(panel.code == 0)[100]] = 1e12
    after = fit(panel, code, zero)
    assert np.array_equal(before.car, after.car, equal_nan=True)
    assert fit(panel, np.array([0]), np.array([FIRST + 300])).suspect[0] >= 1


def test_buy_and_hold_is_compounded():
    panel = _random(10)
    found = fit(panel, np.array([2]), np.array([FIRST + 300]))
    known = (panel.code == 2) & np.isfinite(panel.change) & np.isfinite(panel.market)
    window = known & (panel.session >= FIRST + 300) & (panel.session <= FIRST + 363)
    expected = np.prod(1 + panel.change[window]) - np.prod(1 + panel.market[window])
    assert found.wealth[0, -1] == pytest.approx(expected, rel=1e-9)


def test_a_market_that_never_moves_explains_nothing():
    rng = np.random.default_rng(11)
    panel = panel_of(rng.normal(0, 0.02, (400, 1)), np.full(400, 0.001))
    found = fit(panel, np.array([0]), np.array([FIRST + 300]))
    assert found.n[0] == 221
    assert np.isnan(found.beta[0])
