from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import rankdata

from cyberpi_assets.domain.backtest.grid import before, percentiles, recent_mean

_CELLS = arrays(
    np.float64, st.tuples(st.integers(1, 4), st.integers(1, 40)),
    elements=st.one_of(st.just(float("nan")), st.floats(-1e6, 1e6, width=32)),
)  # fmt: skip


@given(_CELLS, st.integers(0, 6), st.integers(0, 12), st.integers(2, 5))
@settings(max_examples=80, deadline=None)
def test_a_baseline_is_the_mean_and_deviation_of_the_known_values_before(
    values: np.ndarray, nearest: int, more: int, least: int
) -> None:
    found = before(values, nearest + more, nearest, least)
    for r in range(values.shape[0]):
        for t in range(values.shape[1]):
            part = values[r, max(0, t - nearest - more) : max(0, t - nearest + 1)]
            part = part[np.isfinite(part)]
            assert found.n[r, t] == part.size
            if part.size >= least:
                assert np.isclose(found.mean[r, t], part.mean(), rtol=1e-7, atol=1e-3)
                deviation = part.std(ddof=1)
                if deviation > 1e-2:
                    assert np.isclose(found.std[r, t], deviation, rtol=1e-3, atol=1e-2)
            else:
                assert np.isnan(found.mean[r, t])


@given(_CELLS, st.integers(1, 7), st.integers(1, 7))
@settings(max_examples=80, deadline=None)
def test_a_recent_mean_is_over_the_known_values_up_to_now(values: np.ndarray, length: int, least: int) -> None:
    found = recent_mean(values, length, least)
    for r in range(values.shape[0]):
        for t in range(values.shape[1]):
            part = values[r, max(0, t - length + 1) : t + 1]
            part = part[np.isfinite(part)]
            if part.size >= least:
                assert np.isclose(found[r, t], part.mean(), rtol=1e-6, atol=1e-3)
            else:
                assert np.isnan(found[r, t])


def test_percentiles_are_mid_ranks_within_each_session() -> None:
    rng = np.random.default_rng(1)
    values = rng.integers(0, 9, (60, 700)).astype(np.float64)
    values[rng.random(values.shape) < 0.3] = np.nan
    values[:, 5] = np.nan
    values[3:, 6] = np.nan
    found = percentiles(values)
    for t in range(values.shape[1]):
        known = np.isfinite(values[:, t])
        expected = np.full(60, np.nan)
        if known.sum() >= 20:
            expected[known] = (rankdata(values[known, t]) - 0.5) / known.sum()
        assert np.allclose(found[:, t], expected, equal_nan=True, atol=1e-6)
