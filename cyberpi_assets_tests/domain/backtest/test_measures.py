from __future__ import annotations

import numpy as np
import pytest

from cyberpi_assets.domain.backtest import alarms
from cyberpi_assets.domain.backtest.grid import Grid
from cyberpi_assets.domain.backtest.measures import Sets, chance, interval, lift, over_clusters, window_figures, wins
from cyberpi_assets.domain.backtest.registered import REGISTERED, Registered, Window

NAN = float("nan")


def _sets(event: list[float], control: list[list[float]], cluster: list[int] | None = None) -> Sets:
    return Sets(np.array(event), np.array(control), np.array(cluster or range(len(event))))


def test_the_area_is_the_share_of_controls_below_ties_half() -> None:
    sets = _sets([0.9, 0.5], [[0.1, 0.2, NAN], [0.5, 0.9, 0.1]])
    assert wins(sets).tolist() == [1.0, 0.5]


def test_chance_is_exact_for_one_set() -> None:
    # the highest of five: one member in five does as well
    assert chance(_sets([5.0], [[1.0, 2.0, 3.0, 4.0]]), 20_000, 1) == pytest.approx(0.2, abs=0.01)
    # third of five: three members do at least as well
    assert chance(_sets([3.0], [[1.0, 2.0, 4.0, 5.0]]), 20_000, 1) == pytest.approx(0.6, abs=0.015)


def test_chance_is_uniform_where_events_are_like_controls() -> None:
    rng = np.random.default_rng(7)
    p = [chance(_sets(x[:, 0].tolist(), x[:, 1:].tolist()), 300, k) for k, x in enumerate(rng.random((200, 20, 9)))]
    assert 0.42 < np.mean(p) < 0.58
    assert np.mean(np.array(p) <= 0.1) < 0.17


def test_incomplete_sets_are_left_out() -> None:
    sets = _sets([0.9, NAN, 0.4], [[0.1, 0.2], [0.1, 0.2], [NAN, 0.2]])
    assert sets.kept(2).n == 1
    assert np.isnan(chance(sets.kept(3), 10, 1))


def test_clusters_are_resampled_whole() -> None:
    weights = over_clusters(np.array([4, 4, 9]), 500, 3)
    assert (weights[:, 0] == weights[:, 1]).all()
    assert (weights[:, 0] + weights[:, 2] == 2).all()
    # two clusters, all or nothing: the interval reaches both ends
    assert interval(np.array([1.0, 1.0, 0.0]), weights, 0.05) == (0.0, 1.0)
    assert all(np.isnan(interval(np.array([1.0]), over_clusters(np.array([1]), 10, 1), 0.05)))


def test_lift_compares_shares_above_the_controls_ninetieth_percentile() -> None:
    control = np.arange(100.0).reshape(10, 10)
    found = lift(Sets(np.array([95.0] * 5 + [5.0] * 5), control, np.arange(10)), np.ones((1, 10)), 0.05)
    assert found.threshold == pytest.approx(89.1)
    assert (found.sensitivity, found.ratio) == (0.5, pytest.approx(5.0))


def _grid(cells: list[list[float]], first_day: int = 19_000) -> tuple[np.ndarray, Grid]:
    values = np.array(cells, dtype=np.float32)
    grid = Grid(
        [f"T{k}" for k in range(values.shape[0])],
        np.arange(first_day, first_day + values.shape[1], dtype=np.int32),
        np.zeros(values.shape[0], np.int64),
    )
    return values, grid


def test_a_window_is_the_mean_of_its_highest_known_days() -> None:
    cells, grid = _grid([[0.1, 0.9, 0.5, 0.7, 0.3, 1.0], [NAN, NAN, NAN, 0.4, 0.2, 1.0]])
    window = Window("w", 5, 1)
    rules = Registered(windows=(window,), highest=3, least_days=0.6)
    rows, days = np.array([0, 1, -1]), np.array([19_005] * 3)
    found = window_figures(cells, grid, rows, days, window, rules)
    assert found[0] == pytest.approx((0.9 + 0.7 + 0.5) / 3)  # the event's own day is not in it
    assert np.isnan(found[1])  # two of five days are known
    assert np.isnan(found[2])


def test_an_alarm_follows_quiet_and_unknown_days_do_not_end_it() -> None:
    cells, grid = _grid([[0.99, 0.99, 0.1, NAN, 0.99, 0.1, 0.1, 0.1, 0.99]])
    raised = alarms.alarms(cells, 0.95, 3)
    assert np.flatnonzero(raised[0]).tolist() == [0, 8]
    assert alarms.rate_per_month(raised, cells) == pytest.approx(2 * 21 / 8)
    rows, days = np.array([[0, -1]]), np.array([[19_010, 19_010]])
    rules = Registered(lead_first=10, lead_last=2)
    assert alarms.first_alarm(raised, grid, rows, days, rules).tolist()[0][0] == 10.0
    found = alarms.any_alarm(raised, grid, rows, days, 5, 2)
    assert found[0, 0] == 1.0
    assert np.isnan(found[0, 1])
    assert alarms.any_alarm(raised, grid, rows, days, 9, 3)[0, 0] == 0.0


def test_the_percentile_for_a_rate_gives_about_that_rate() -> None:
    rng = np.random.default_rng(5)
    cells = rng.random((100, 1000)).astype(np.float32)
    percentile = alarms.percentile_for(cells, 0.05, 21)
    assert 0.03 < alarms.rate_per_month(alarms.alarms(cells, percentile, 21), cells) <= 0.05


def test_predictive_value_at_the_base_rate_is_bayes() -> None:
    # METHODS, section 6: 50 % sensitivity, 5 % false alarms a month, 0.85 % a year
    assert alarms.predictive_value(0.5, 0.05, 0.0085, 30) == pytest.approx(0.007, abs=0.0005)
    assert np.isnan(alarms.predictive_value(0.0, 0.0, 0.0085, 30))


def test_leads_of_few_are_not_compared() -> None:
    assert np.isnan(alarms.earlier(np.array([1.0, 2.0]), np.arange(9.0)))
    assert alarms.earlier(np.arange(50.0, 60.0), np.arange(1.0, 11.0)) < 0.001
    assert REGISTERED.lead_first == 60
