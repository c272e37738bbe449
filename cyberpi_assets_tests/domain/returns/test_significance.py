"""The statistics against slow readings of their definitions, and their size and power on simulated markets."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from cyberpi_assets.domain.returns.market_model import fit
from cyberpi_assets.domain.returns.tests_of_significance import (
    bmp,
    kolari_pynnonen,
    overlap_correlation,
    patell,
    residual_correlations,
    significance,
)
from cyberpi_assets_tests.domain.returns.worked import FIRST, panel_of


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(2, 60), r=st.floats(-0.2, 0.9))
def test_patell_bmp_and_kolari_pynnonen_as_they_are_defined(seed: int, n: int, r: float):
    rng = np.random.default_rng(seed)
    scar, observations = rng.normal(0.2, 1.3, n), rng.integers(120, 222, n)
    variance = 0.0
    for t in observations.tolist():
        variance += (t - 2) / (t - 4)
    z = sum(scar.tolist()) / math.sqrt(variance)
    assert patell(scar, observations) == pytest.approx((z, math.erfc(abs(z) / math.sqrt(2))), rel=1e-9)
    t_bmp = statistics.mean(scar.tolist()) * math.sqrt(n) / statistics.stdev(scar.tolist())
    scipys = stats.ttest_1samp(scar, 0.0)
    assert bmp(scar) == pytest.approx((t_bmp, scipys.pvalue), rel=1e-9)
    corrected = t_bmp * math.sqrt((1 - r) / (1 + (n - 1) * r)) if r > 0 else t_bmp
    assert kolari_pynnonen(scar, r)[0] == pytest.approx(corrected, rel=1e-9)
    assert abs(kolari_pynnonen(scar, r)[0]) <= abs(t_bmp) * (1 + 1e-12)
    p = 2 * stats.t(n - 1).cdf(-abs(corrected))
    assert kolari_pynnonen(scar, r)[1] == pytest.approx(p, rel=1e-9)


def test_without_variation_there_is_no_answer():
    assert all(math.isnan(v) for v in bmp(np.array([0.3])))
    assert all(math.isnan(v) for v in bmp(np.array([0.3, 0.3])))
    found = significance(np.array([0.3]), np.array([200]), math.nan)
    assert math.isnan(found.kp_t)
    assert math.isnan(found.kp_p)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(2, 25))
def test_the_correlation_of_overlapping_windows_is_the_mean_over_pairs(seed: int, n: int):
    rng = np.random.default_rng(seed)
    matrix = np.corrcoef(rng.normal(size=(5, 30)) + rng.normal(size=30))
    start, length = rng.integers(0, 300, n), rng.integers(1, 22, n)
    sign, ticker = rng.choice([-1.0, 1.0], n), rng.integers(0, 5, n)
    weights = []
    for i in range(n):
        held = dict.fromkeys(range(start[i] - 250, start[i] - 29), -length[i] / 221)
        weights.append(held | dict.fromkeys(range(start[i], start[i] + length[i]), 1.0))
    norms = [math.sqrt(sum(w * w for w in held.values())) for held in weights]
    total = 0.0
    for i in range(n):
        for j in range(n):
            if i != j:
                common = sum(w * weights[j].get(t, 0.0) for t, w in weights[i].items())
                total += sign[i] * sign[j] * matrix[ticker[i], ticker[j]] * common / (norms[i] * norms[j])
    found = overlap_correlation(start, length, sign, ticker, matrix)
    assert found == pytest.approx(total / (n * (n - 1)), abs=1e-12)


def test_two_views_of_one_event_are_fully_correlated():
    one = np.ones(2, np.int64)
    matrix = np.eye(1)
    assert overlap_correlation(one, 6 * one, np.ones(2), 0 * one, matrix) == pytest.approx(1.0)
    assert overlap_correlation(one, 6 * one, np.array([1.0, -1.0]), 0 * one, matrix) == pytest.approx(-1.0)
    assert math.isnan(overlap_correlation(one[:1], one[:1], np.ones(1), 0 * one[:1], matrix))


def test_correlations_of_residuals_are_those_of_numpy():
    rng = np.random.default_rng(12)
    market, shared = rng.normal(0, 0.01, 300), rng.normal(0, 0.01, 300)
    changes = np.outer(market, [0.5, 1.0, 1.5, 1.0]) + np.outer(shared, [1, 1, 0, -1]) + rng.normal(0, 0.01, (300, 4))
    changes[rng.random((300, 4)) < 0.05] = np.nan
    changes[40:, 2] = np.nan  # too few sessions in common with anything
    panel = panel_of(changes, market)
    found = residual_correlations(panel, np.array([0, 1, 2, 3]))
    residuals = []
    for k in range(4):
        known = np.isfinite(changes[:, k])
        line = stats.linregress(market[known], changes[known, k])
        residuals.append(changes[:, k] - line.intercept - line.slope * market)
    pairs = []
    for i, j in ((0, 1), (0, 3), (1, 3)):
        both = np.isfinite(residuals[i]) & np.isfinite(residuals[j])
        a, b = residuals[i][both], residuals[j][both]
        pairs.append(float((a * b).sum() / math.sqrt((a * a).sum() * (b * b).sum())))
        assert found.matrix[i, j] == pytest.approx(pairs[-1], abs=1e-5)
    assert found.matrix[0, 2] == pytest.approx(np.mean(pairs), abs=1e-5)
    assert np.array_equal(np.diag(found.matrix), np.ones(4, np.float32))


def _rejections(worlds: int, shared: float, drift: float = 0.0, clustered: bool = False) -> dict[str, float]:
    """Share of simulated markets without (or with) abnormal returns in which each test says 5 %, window [0, 21]."""
    rng = np.random.default_rng(20)
    n, k, events = 420, 15, 60
    said = {"patell": 0, "bmp": 0, "kp": 0}
    for _ in range(worlds):
        market = rng.normal(0.0004, 0.01, n)
        common = rng.normal(0, 0.02 * math.sqrt(shared), n)
        noise = rng.normal(0, 0.02 * math.sqrt(1 - shared), (n, k))
        changes = np.outer(market, rng.uniform(0.5, 1.5, k)) + common[:, None] + noise
        # each ticker's events are a session grid apart, so that one ticker's windows do not overlap
        code = np.tile(np.arange(k), events // k)
        step = 0 if clustered else 1
        zero = FIRST + 260 + np.repeat(np.arange(events // k) * 30, k) + step * rng.integers(0, 8, events)
        for c, z in zip(code, zero, strict=True):
            changes[z - FIRST : z - FIRST + 22, c] += drift
        panel = panel_of(changes, market)
        found = fit(panel, code, zero)
        moving = residual_correlations(panel, np.arange(k))
        r = overlap_correlation(zero, np.full(events, 22), np.ones(events), code, moving.matrix)
        done = significance(found.car[:, 2] / found.se[:, 2], found.n, r)
        for name, p in (("patell", done.patell_p), ("bmp", done.bmp_p), ("kp", done.kp_p)):
            said[name] += p < 0.05
    return {name: count / worlds for name, count in said.items()}


def test_without_abnormal_returns_and_without_correlation_every_test_keeps_its_size():
    found = _rejections(300, shared=0.0)
    # 300 worlds: 5 % plus or minus 3.3 standard errors
    assert all(0.01 <= share <= 0.095 for share in found.values()), found


def test_with_correlated_names_only_kolari_pynnonen_keeps_its_size():
    found = _rejections(300, shared=0.3, clustered=True)
    assert found["patell"] > 0.2
    assert found["bmp"] > 0.2
    assert 0.01 <= found["kp"] <= 0.095, found


def test_a_planted_drift_is_found():
    found = _rejections(60, shared=0.0, drift=0.004)  # 8.8 % over the window
    assert min(found.values()) > 0.9, found
