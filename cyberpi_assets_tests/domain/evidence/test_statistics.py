"""Intervals, corrections and permutations: the worked examples, and each against an independent slow form."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import betabinom, poisson
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from cyberpi_assets.domain.evidence import intervals as iv
from cyberpi_assets.domain.evidence.labels import INSUFFICIENT, SUPPORTED, judge, repeat_offender_raw
from cyberpi_assets.domain.evidence.multiplicity import poisson_binomial_tail, q_values
from cyberpi_assets.domain.evidence.parties import permutation_p, stratified_p
from cyberpi_assets.domain.rates import wilson
from cyberpi_assets_tests.domain.evidence.material import rules

chances = st.lists(st.floats(0, 1), min_size=1, max_size=25)


def _oracle(folder: Path, name: str) -> dict[str, Any]:
    (found,) = [o for o in json.loads((folder / "oracles.json").read_text())["oracles"] if o["id"] == name]
    return found


def test_the_worked_example_of_false_discovery_rates(oracles: Path) -> None:
    example = _oracle(oracles, "stats/bh_fdr")
    q = q_values(example["pvalues"])
    np.testing.assert_allclose(q, example["adjusted"], rtol=0, atol=1e-9)
    np.testing.assert_allclose(q_values(example["pvalues"], "by"), example["by_adjusted"], rtol=0, atol=1e-9)
    assert (q <= 0.05).tolist() == example["rejected_at_0_05"]


@given(st.lists(st.one_of(st.none(), st.floats(0, 1)), min_size=1, max_size=30))
def test_unknown_p_stay_unknown_and_are_no_part_of_the_family(p: list[float | None]) -> None:
    given_p = np.array([np.nan if v is None else v for v in p])
    known = np.isfinite(given_p)
    for method, name in (("bh", "fdr_bh"), ("by", "fdr_by")):
        q = q_values(given_p, method)
        assert np.isnan(q[~known]).all()
        if known.any():
            np.testing.assert_allclose(q[known], multipletests(given_p[known], method=name)[1], atol=1e-12)


def test_the_worked_example_of_an_exact_permutation(oracles: Path) -> None:
    example = _oracle(oracles, "stats/exact_permutation")
    x, y = np.array(example["x"], dtype=float), np.array(example["y"], dtype=float)
    assert np.mean(x) - np.mean(y) == pytest.approx(example["statistic"], abs=1e-9)
    p, method = permutation_p(x, y, 9_999, np.random.default_rng(0))
    assert (p, method) == (pytest.approx(example["p_two_sided"], abs=1e-9), "exact")


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000))
def test_permuting_within_chambers_agrees_with_every_permutation(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=9) + np.repeat([0.0, 3.0], [5, 4])
    is_a, stratum = np.array([1, 1, 0, 0, 0, 1, 0, 0, 1], dtype=bool), np.repeat([0, 1], [5, 4])

    def stat(pick: Any) -> float:
        total = 0.0
        for s, chosen in zip((0, 1), pick, strict=True):
            v = values[stratum == s]
            a = np.isin(np.arange(v.size), chosen)
            total += v.size / 9 * (v[a].mean() - v[~a].mean())
        return total

    every = [
        stat(pick)
        for pick in itertools.product(itertools.combinations(range(5), 2), itertools.combinations(range(4), 2))
    ]
    now = stat(((0, 1), (0, 3)))
    exact = min(1.0, 2 * min(np.mean(np.array(every) >= now - 1e-9), np.mean(np.array(every) <= now + 1e-9)))
    observed, p = stratified_p(values, is_a, stratum, 20_000, rng)
    assert observed == pytest.approx(now, abs=1e-12)
    assert p == pytest.approx(exact, abs=0.03)


def _tail_slowly(p: list[float], k: int) -> float:
    chance = [1.0]
    for q in p:
        chance = [
            (chance[i] if i < len(chance) else 0) * (1 - q) + (chance[i - 1] * q if i else 0)
            for i in range(len(chance) + 1)
        ]
    return sum(chance[k:])


@given(chances, st.integers(-1, 27))
def test_the_poisson_binomial_tail_equals_adding_trial_by_trial(p: list[float], k: int) -> None:
    want = _tail_slowly(p, max(k, 0))
    assert poisson_binomial_tail(p, k) == pytest.approx(want, abs=1e-9)
    # and the transform of the characteristic function
    n = len(p)
    t = np.exp(2j * np.pi * np.arange(n + 1) / (n + 1))
    mass = np.fft.fft(np.prod([1 - q + q * t for q in p], axis=0)).real / (n + 1)
    assert poisson_binomial_tail(p, k) == pytest.approx(mass[max(k, 0) :].sum(), abs=1e-9)


@given(st.integers(0, 60), st.integers(0, 60))
def test_the_interval_of_a_rate_is_wilsons(k: int, more: int) -> None:
    n = k + more
    low, high = wilson(k, n)
    if n == 0:
        assert np.isnan(low)
        assert np.isnan(high)
    else:
        want = proportion_confint(k, n, method="wilson")
        assert (float(low), float(high)) == (pytest.approx(want[0], abs=1e-9), pytest.approx(want[1], abs=1e-9))


@given(st.integers(0, 80), st.floats(0.1, 50))
def test_the_interval_of_a_ratio_leaves_each_tail_two_and_a_half_percent(o: int, e: float) -> None:
    low, high = (float(v) * e for v in iv.ratio_interval(o, e))
    assert low <= o <= high
    assert poisson.cdf(o, high) == pytest.approx(0.025, abs=1e-9)
    if o:
        assert poisson.sf(o - 1, low) == pytest.approx(0.025, abs=1e-9)
    else:
        assert low == 0


def test_nothing_expected_gives_no_ratio() -> None:
    assert all(np.isnan(float(v)) for v in iv.ratio_interval(3, 0))


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000))
def test_the_prior_is_the_most_likely_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = rng.integers(5, 60, size=80)
    k = rng.binomial(n, rng.beta(2.0, 6.0, size=80))
    a, b = iv.beta_prior(k, n)
    best = betabinom.logpmf(k, n, a, b).sum()
    for fa, fb in itertools.product((0.8, 0.95, 1.05, 1.25), repeat=2):
        assert betabinom.logpmf(k, n, a * fa, b * fb).sum() <= best + 1e-4


def test_shrunk_rates_are_the_posterior_by_integration() -> None:
    k, n = np.array([0, 3, 9, 40, 7, 0]), np.array([4, 10, 12, 60, 7, 0])
    a, b = iv.beta_prior(k, n)
    found = iv.shrunk_rates(k, n)
    for i in range(5):

        def density(x: float, i: int = i) -> float:
            return x ** (a + k[i] - 1) * (1 - x) ** (b + n[i] - k[i] - 1)

        whole = quad(density, 0, 1, epsabs=0, epsrel=1e-12)[0]
        assert found.rate[i] == pytest.approx(
            quad(lambda x: x * density(x), 0, 1, epsabs=0, epsrel=1e-12)[0] / whole, abs=1e-8
        )
        assert found.certainty[i] == pytest.approx(quad(density, 0.5, 1, epsabs=0, epsrel=1e-12)[0] / whole, abs=1e-8)
        for edge, share in ((found.low[i], 0.025), (found.high[i], 0.975)):
            assert quad(density, 0, edge, epsabs=0, epsrel=1e-12)[0] / whole == pytest.approx(share, abs=1e-8)
        assert min(k[i] / n[i], a / (a + b)) <= found.rate[i] <= max(k[i] / n[i], a / (a + b))
    assert np.isnan(found.rate[5])


def test_the_bootstrap_keeps_the_trades_of_a_day_together() -> None:
    # two days: one with 9 suspicious trades, one with one calm trade; trade by trade the mean would hardly move
    sums = np.array([[900.0, 9, 9, 1.0], [0.0, 1, 0, 0.5]])
    drawn = iv.resample_days(sums, 4_000, np.random.default_rng(1))
    assert set(np.round(np.unique(drawn.mean), 6)) == {0.0, 90.0, 100.0}
    assert np.mean(drawn.mean == 0.0) == pytest.approx(0.25, abs=0.03)
    assert set(np.round(np.unique(drawn.ratio), 6)) == {0.0, 6.0, 9.0}


def test_the_bootstrap_covers_the_mean_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(3)
    hits = 0
    for _ in range(200):
        days = np.stack([rng.normal(20, 5, 40), np.ones(40), np.zeros(40), np.ones(40)], axis=1)
        low, high = iv.percentiles(iv.resample_days(days, 400, rng).mean)
        hits += low <= 20 <= high
    assert 0.88 <= hits / 200 <= 0.99


@settings(deadline=None)
@given(seed=st.integers(0, 1000))
def test_rank_intervals_equal_ranking_every_draw_by_itself(seed: int) -> None:
    draws = np.random.default_rng(seed).normal(size=(6, 41)) + np.arange(6)[:, None] / 3
    low, high = iv.rank_intervals(draws)
    ranks = np.array([[1 + int((draws[:, b] > draws[g, b]).sum()) for b in range(41)] for g in range(6)])
    for g in range(6):
        ordered = np.sort(ranks[g])
        assert (low[g], high[g]) == (ordered[1], ordered[39])


def test_a_finding_needs_every_condition() -> None:
    good = {"n": 10, "certainty": 0.95, "oe_low": 1.01, "q": 0.05}

    def judged(**but: float) -> tuple[bool, str, str | None]:
        row = good | but
        supported, labels, why = judge(
            np.array([row["n"]]), *(np.array([float(row[c])]) for c in ("certainty", "oe_low", "q")), rules()
        )
        return bool(supported[0]), labels[0], why[0]

    assert judged() == (True, SUPPORTED, None)
    for name, value, word in (
        ("n", 9, "9 clusters"), ("certainty", 0.94, "P(rate"), ("oe_low", 1.0, "O/E"), ("q", 0.051, "q 0.051"),
        ("q", np.nan, "unknown"), ("oe_low", np.nan, "unknown"), ("certainty", np.nan, "unknown"),
    ):  # fmt: skip
        supported, label, why = judged(**{name: value})
        assert (supported, label) == (False, INSUFFICIENT)
        assert why is not None
        assert word in why
        assert ";" not in why


def test_the_raw_flag_is_the_seeds() -> None:
    assert repeat_offender_raw([5, 4, 9], [10, 10, 9], 0.5, 10).tolist() == [True, False, False]
