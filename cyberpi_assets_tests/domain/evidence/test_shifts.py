"""Shifted calendars: the vectorised test against moving every trade by hand, and what the test must keep together."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cyberpi_assets.domain.evidence import shifts
from cyberpi_assets.domain.evidence.clusters import Clusters, clusters
from cyberpi_assets.domain.evidence.nulls import timing_nulls
from cyberpi_assets.domain.evidence.seasons import shifted_counts, temporal_patterns, week
from cyberpi_assets.domain.scoring import score_alerts
from cyberpi_assets.rules.figures import EvidenceRules
from cyberpi_assets_tests.domain.evidence import material as m
from cyberpi_assets_tests.domain.rows import D, exchange_days, frame

SPANS = {
    "A": (D(2020, 1, 2), D(2020, 12, 31)),
    "B": (D(2020, 1, 2), D(2020, 12, 31)),
    "C": (D(2020, 5, 1), D(2020, 12, 31)),
}
VOLATILITY = pa.table({"ticker": ["A", "B", "C"], "volatility": [0.1, 0.2, 0.3], "third": ["calm", "middling", "wild"]})


def _gathered(rows: list[dict[str, Any]], surface: pa.Table, terms: pa.Table, rules: EvidenceRules) -> Clusters:
    table, correlations = m.trades(rows)
    nulls = timing_nulls(correlations, table, surface, terms, m.TIMING, rules, D(2019, 1, 1))
    companies = frame("companies", [{"ticker": t, "sector": "Energy", "source": "test"} for t in SPANS])
    return clusters(correlations, table, nulls, surface, terms, companies, VOLATILITY, m.TIMING, rules, D(2019, 1, 1))


def _random(seed: int, people: str = "PQ", n: int = 14) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    rng = np.random.default_rng(seed)
    alerts = m.random_alerts(seed, SPANS)
    rows = []
    for i in range(n):
        ticker, person = str(rng.choice(list(SPANS))), people[i % len(people)]
        first, last = SPANS[ticker]
        day = first + dt.timedelta(days=int(rng.integers(70, (last - first).days)))
        rows.append({"trade_id": f"t{i}", "bioguide_id": person, "ticker": ticker, "transaction_date": day})
        if i % 4 == 0 and day >= SPANS["C"][0]:  # a batch: another ticker on the same day
            rows.append({"trade_id": f"u{i}", "bioguide_id": person, "ticker": "A", "transaction_date": day})
    for r in rows:
        r["score"] = score_alerts(r["transaction_date"], alerts[r["ticker"]], m.TIMING).score
    return rows, alerts


def _slow(rows: list[dict[str, Any]], alerts: dict[str, Any], person: str, prior: int) -> tuple[float, list[float]]:
    """Statistic now and after every offset, moving each trade by hand."""
    mine = sorted({(r["ticker"], r["transaction_date"]) for r in rows if r["bioguide_id"] == person})
    low, high = min(d for _, d in mine), max(d for _, d in mine)
    window = [d for d in exchange_days() if low <= d <= high]

    def dates(ticker: str) -> list[dt.date]:
        first, last = SPANS[ticker]
        listed = [d for d in exchange_days() if first <= d <= last]
        return [d for d in listed[prior:] if d in set(window) and (d - first).days >= 15]

    table = {}
    for ticker in {t for t, _ in mine}:
        scores = {d: score_alerts(d, alerts[ticker], m.TIMING).score for d in dates(ticker)}
        table[ticker] = {d: 1 - sum(o >= s for o in scores.values()) / len(scores) for d, s in scores.items()}
    places = [(t, next(i for i, d in enumerate(window) if d >= day or d == window[-1])) for t, day in mine]
    places = [(t, i) for t, i in places if window[i] in table[t]]
    out = []
    for k in range(len(window)):
        landed = [(t, window[(i + k) % len(window)]) for t, i in places]
        values = [table[t][d] for t, d in landed if d in table[t]]
        out.append(float(np.mean(values)) if values else np.inf)
    return out[0], out


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_shift_test_equals_moving_every_trade_by_hand(seed: int) -> None:
    rules = m.rules(min_dates=20, prior_sessions=30, shifts=499)
    rows, alerts = _random(seed)
    data = _gathered(rows, m.surface(alerts, SPANS), m.terms({"P": [m.ALWAYS], "Q": [m.ALWAYS]}), rules)
    test = shifts.shift_test(data, np.arange(data.person.size), data.person, len(data.people), rules)
    for g, person in enumerate(data.people):
        now, every = _slow(rows, alerts, person, 30)
        assert test.statistic[g] == pytest.approx(now, abs=1e-9)
        assert test.p_exact[g] == pytest.approx(np.mean(np.array(every) >= now - 1e-9), abs=1e-9)
        drawn = shifts.offsets(person, len(every), rules.shifts, rules.seed)
        beaten = sum(every[k] >= now - 1e-9 for k in drawn)
        assert test.p_value[g] == pytest.approx((beaten + 1) / 500, abs=1e-12)
        assert test.p_value[g] == pytest.approx(test.p_exact[g], abs=5 * np.sqrt(0.25 / 499))


def test_the_answer_on_one_official_does_not_depend_on_who_else_trades_or_on_the_group_they_are_in() -> None:
    rules = m.rules(min_dates=20, prior_sessions=30, shifts=299)
    rows, alerts = _random(7)
    surface, terms = m.surface(alerts, SPANS), m.terms({p: [m.ALWAYS] for p in "PQR"})
    both = _gathered(rows, surface, terms, rules)
    alone = _gathered([r for r in rows if r["bioguide_id"] == "Q"], surface, terms, rules)
    with_all = shifts.shift_test(both, np.arange(both.person.size), both.person, 2, rules)
    by_itself = shifts.shift_test(alone, np.arange(alone.person.size), alone.person, 1, rules)
    assert with_all.p_value[1] == by_itself.p_value[0]
    # a group of both officials is not one official's, and has no exact p; an empty group has none at all
    n = both.person.size
    pooled = shifts.shift_test(both, np.r_[np.arange(n), np.arange(n)], np.r_[both.person, np.full(n, 3)], 4, rules)
    assert pooled.p_value[:2].tolist() == with_all.p_value.tolist()
    assert pooled.n[3] == pooled.n[0] + pooled.n[1]
    assert np.isnan(pooled.p_exact[3])
    assert np.isnan(pooled.p_value[2])


@given(st.lists(st.integers(0, 400), min_size=1, max_size=30), st.integers(1, 60))
def test_an_episode_ends_where_nothing_is_traded_for_longer_than_the_gap(given_days: list[int], gap: int) -> None:
    day = np.array(given_days)
    part = shifts.episodes(day, gap)
    for i in range(day.size):
        for j in range(day.size):
            a, b = sorted((day[i], day[j]))
            between = np.unique(day[(day >= a) & (day <= b)])
            assert (part[i] == part[j]) == bool((np.diff(between) <= gap).all())
    assert shifts.episodes(day, None).tolist() == [0] * day.size


def test_episodes_are_the_whole_calendar_when_there_is_no_pause() -> None:
    rules = m.rules(min_dates=20, prior_sessions=30, shifts=299)
    rows, alerts = _random(3, people="P", n=8)
    data = _gathered(rows, m.surface(alerts, SPANS), m.terms({"P": [m.ALWAYS]}), rules)
    pairs = (np.arange(data.person.size), data.person, 1, rules)
    assert shifts.shift_test(data, *pairs, 400).p_value.tolist() == shifts.shift_test(data, *pairs).p_value.tolist()


@given(st.lists(st.integers(0, 19), min_size=1, max_size=12), st.lists(st.integers(0, 4), min_size=20, max_size=20))
def test_shifting_by_sums_and_by_transforms_equals_shifting_one_by_one(at: list[int], bucket: list[int]) -> None:
    value = np.array(bucket, dtype=np.float64)
    places = np.array(at)
    want = [value[(places + k) % 20].sum() for k in range(20)]
    np.testing.assert_allclose(shifts.shifted(value, places), want)
    counts = shifted_counts(np.array(bucket), places, 5)
    assert counts.tolist() == [
        np.bincount(np.array(bucket)[(places + k) % 20], minlength=5).tolist() for k in range(20)
    ]


def test_weeks_begin_on_monday() -> None:
    days = np.array([(D(2024, 1, 1) + dt.timedelta(days=k) - D(1970, 1, 1)).days for k in range(14)])
    assert (week(days) - week(days)[0]).tolist() == [0] * 7 + [1] * 7


def test_temporal_patterns_find_a_habit_of_mondays_and_say_that_earnings_are_not_known() -> None:
    rules = m.rules(min_dates=20, prior_sessions=30, shifts=499)
    alerts = m.random_alerts(1, SPANS)
    sessions = [d for d in exchange_days() if D(2020, 3, 2) <= d <= D(2020, 12, 30)]
    rng = np.random.default_rng(5)
    rows = []
    for p in range(12):  # each on nearly every other Monday, and now and then on another day
        picked = [d for d in sessions if (d.weekday() == 0 and rng.random() < 0.5) or rng.random() < 0.03]
        rows += [
            {"trade_id": f"{p}-{i}", "bioguide_id": f"P{p}", "ticker": "A", "transaction_date": d}
            for i, d in enumerate(picked)
        ]
    data = _gathered(rows, m.surface(alerts, SPANS), m.terms({f"P{p}": [m.ALWAYS] for p in range(12)}), rules)
    found = {(r["pattern"], r["bucket"]): r for r in temporal_patterns(data, rules).to_pylist()}
    assert found["weekday", "all"]["p_value"] <= 0.01
    assert found["weekday", "all"]["p_independent"] <= 0.01
    assert found["weekday", "Mon"]["ratio"] > 2
    days = {(r["bioguide_id"], r["transaction_date"]) for r in rows}
    assert found["weekday", "Mon"]["observed"] == sum(d.weekday() == 0 for _, d in days)
    assert found["month", "all"]["observed"] == len(days) == pytest.approx(found["month", "all"]["expected"])
    for pattern in ("weekday", "month"):
        buckets = [r for (name, bucket), r in found.items() if name == pattern and bucket != "all"]
        chi = sum((r["observed"] - r["expected"]) ** 2 / r["expected"] for r in buckets if r["expected"])
        assert found[pattern, "all"]["statistic"] == pytest.approx(chi, abs=1e-9)
    officials: dict[dt.date, set[str]] = {}
    for person, d in days:
        officials.setdefault(d - dt.timedelta(days=d.weekday()), set()).add(person)
    assert found["event clustering", "all"]["observed"] == sum(len(o) >= 3 for o in officials.values())
    mondays = [min(officials) + dt.timedelta(weeks=k) for k in range((max(officials) - min(officials)).days // 7 + 1)]
    per_week = [sum(d - dt.timedelta(days=d.weekday()) == w for _, d in days) for w in mondays]
    assert found["weekly dispersion", "all"]["observed"] == pytest.approx(
        np.var(per_week) / np.mean(per_week), abs=1e-9
    )
    assert found["earnings distance", "all"]["observed"] is None
    assert "no source" in found["earnings distance", "all"]["reason"]
