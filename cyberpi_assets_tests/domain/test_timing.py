"""The timing score: the worked examples, and a surface that says on every day what the formula says."""

from __future__ import annotations

import datetime as dt
import itertools
import json
from collections import defaultdict
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cyberpi_assets.domain.scoring import score_alerts, score_directly, tier_of
from cyberpi_assets.domain.timing import counted_alerts, score_parts, tier, timing_surface
from cyberpi_assets.rules.figures import AlertThresholds, TimingRules
from cyberpi_assets.tables import TIMING_SURFACE, conform
from cyberpi_assets_tests.domain import rows
from cyberpi_assets_tests.domain.rows import D, exchange_days, plain_bars

THRESHOLDS = AlertThresholds()  # pyright: ignore[reportCallIssue]
KINDS = ("high_volatility", "price_drop", "price_spike", "unusual_volume")
TIERS = {"80+": "highly suspicious", "60-79": "suspicious", "40-59": "notable", "<40": "normal"}


def _rules(**given_rules: Any) -> TimingRules:
    return TimingRules(**given_rules)


def _by_hand(day: dt.date, alerts: list[dict[str, Any]], ticker: str, rules: TimingRules) -> dict[str, float]:
    """METHODS, section 2, word by word."""
    counted: list[tuple[dt.date, int | None]] = []
    by_day: dict[dt.date, list[int | None]] = defaultdict(list)
    for a in alerts:
        if a["ticker"] == ticker and not a["suspect_data"]:
            by_day[a["session"]].append(a["severity"])
    for at, severities in by_day.items():
        if rules.count == "alerts":
            counted += [(at, s) for s in severities]
        else:  # one per ticker and day, with the highest severity
            rated = [s for s in severities if s is not None]
            counted.append((at, max(rated) if rated else None))
    least = 0 if rules.include_same_day else 1
    inside = [((day - at).days, s) for at, s in counted if least <= (day - at).days <= rules.window_days]
    rated = [s for _, s in inside if s is not None]
    n, recent, high = len(inside), sum(lag <= 7 for lag, _ in inside), sum(s >= 7 for s in rated)
    mean = sum(rated) / len(rated) if rated else 0.0
    raw = 5 * n + 2 * mean + 10 * recent + 15 * high if n else 0.0
    return {"n": n, "mean": mean, "recent": recent, "high": high, "raw": raw, "score": min(100.0, raw)}


# ------------------------------------------------------------------------------------------------------ worked examples


@lru_cache(maxsize=1)
def _examples() -> list[dict[str, Any]]:
    from cyberpi_assets_tests.conftest import SHARED

    file = SHARED / "oracles/oracles.json"
    if not file.exists():
        return []
    return [o for o in json.loads(file.read_text())["oracles"] if o["kind"] == "timing_score"]


def _example_alerts(example: dict[str, Any]) -> list[dict[str, Any]]:
    """The example's alerts; a second one on the same day is of another type."""
    used: dict[str, itertools.count[int]] = defaultdict(itertools.count)
    return [
        rows.alert("EX", dt.date.fromisoformat(a["date"]), a["severity"], KINDS[next(used[a["date"]])])
        for a in example["alerts"]
    ]


def test_the_worked_examples_are_there(oracles: Path) -> None:
    assert (oracles / "oracles.json").exists()
    assert len(_examples()) == 13


@pytest.mark.parametrize("same_day", [False, True])
@pytest.mark.parametrize("example", _examples(), ids=lambda e: e["id"])
def test_worked_examples_directly_and_on_the_surface(example: dict[str, Any], same_day: bool) -> None:
    want = example["expected_include_same_day" if same_day else "expected_default"]
    rules = _rules(include_same_day=same_day, count="alerts")
    day, given_alerts = dt.date.fromisoformat(example["trade_date"]), _example_alerts(example)

    direct = score_alerts(day, [(a["session"], a["severity"]) for a in given_alerts], rules)
    assert (direct.n_alerts, direct.mean_severity, direct.n_recent, direct.n_high) == (
        want["n_alerts"], want["avg_severity"], want["n_recent"], want["n_high"],
    )  # fmt: skip
    assert (direct.raw_score, direct.score, direct.tier) == (want["raw_score"], want["score"], TIERS[want["tier"]])
    assert score_directly(rows.alerts(given_alerts), "EX", day, rules) == direct

    surface = timing_surface(
        rows.alerts(given_alerts), rows.bars(plain_bars("EX", D(2023, 10, 2), D(2024, 2, 15))), rules, THRESHOLDS
    )
    (there,) = [r for r in surface.to_pylist() if r["day"] == day]
    assert (there["n_alerts"], there["n_recent"], there["n_high"]) == (
        want["n_alerts"], want["n_recent"], want["n_high"],
    )  # fmt: skip
    assert there["severity_sum"] == want["avg_severity"] * want["n_alerts"]
    assert there["raw_score"] == want["raw_score"]
    assert there["scorable"]


def test_two_alerts_of_one_day_count_once_by_default_and_twice_as_the_seed_counts() -> None:
    twice = rows.alerts([rows.alert("EX", D(2024, 1, 13), 8, k) for k in ("price_spike", "unusual_volume")])
    day = D(2024, 1, 15)
    assert score_directly(twice, "EX", day, _rules()).raw_score == 5 + 2 * 8 + 10 + 15
    assert score_directly(twice, "EX", day, _rules(count="alerts")).raw_score == 76


def test_the_seeds_printed_example_gives_89_never_85() -> None:
    given_alerts = [(D(2024, 1, 12), 8), (D(2024, 1, 13), 7), (D(2024, 1, 14), 6)]
    for count, same_day in itertools.product(("alerts", "ticker_days"), (True, False)):
        found = score_alerts(D(2024, 1, 15), given_alerts, _rules(count=count, include_same_day=same_day))  # type: ignore[arg-type]
        assert (found.score, found.raw_score, found.tier) == (89.0, 89.0, "highly suspicious")
        assert (found.n_alerts, found.mean_severity, found.n_recent, found.n_high) == (3, 7.0, 3, 2)


@pytest.mark.parametrize(
    ("score", "name"),
    [(0, "normal"), (39.99, "normal"), (40, "notable"), (59.99, "notable"), (60, "suspicious"), (79.99, "suspicious"),
     (80, "highly suspicious"), (100, "highly suspicious")],
)  # fmt: skip
def test_tiers_include_their_lower_bound(score: float, name: str) -> None:
    assert tier_of(score) == name
    assert tier(np.array([score, np.nan])).tolist() == [name, None]


def test_no_alerts_score_zero_whatever_else_is_said() -> None:
    raw, score = score_parts([0, 1, 10], [9.0, 9.0, 10.0], [3, 1, 10], [3, 1, 10])
    assert raw.tolist() == [0.0, 48.0, 320.0]
    assert score.tolist() == [0.0, 48.0, 100.0]


# ----------------------------------------------------------------------------------------------------------- any alerts

FIRST, LAST = D(2019, 12, 2), D(2020, 3, 20)
SESSIONS = [d for d in exchange_days() if FIRST <= d <= LAST]
ALERTS = st.lists(
    st.builds(
        lambda ticker, day, kind, severity, suspect: rows.alert(ticker, day, severity, kind, suspect_data=suspect),
        st.sampled_from(["A", "B", "GONE"]),
        st.sampled_from(SESSIONS),
        st.sampled_from(KINDS),
        st.one_of(st.none(), st.integers(1, 10)),
        st.sampled_from([False, False, False, True]),
    ),
    max_size=40,
    unique_by=lambda a: a["alert_id"],
)
RULES = st.builds(
    TimingRules,
    include_same_day=st.booleans(),
    count=st.sampled_from(["ticker_days", "alerts"]),
    window_days=st.sampled_from([30, 30, 12]),
)
WORLD = rows.bars(
    plain_bars("A", FIRST, LAST) + plain_bars("B", D(2020, 1, 15), D(2020, 2, 20)) + plain_bars("C", FIRST, FIRST)
)
MANY = settings(max_examples=60, deadline=None, derandomize=True)


@MANY
@given(drawn=ALERTS, rules=RULES)
def test_the_surface_is_the_formula_on_every_day(drawn: list[dict[str, Any]], rules: TimingRules) -> None:
    surface = timing_surface(rows.alerts(drawn), WORLD, rules, THRESHOLDS)
    conform(TIMING_SURFACE, surface)
    spans = {"A": (FIRST, LAST), "B": (D(2020, 1, 15), D(2020, 2, 20)), "C": (FIRST, FIRST)}
    found = {(r["ticker"], r["day"]): r for r in surface.to_pylist()}
    days = {
        (t, a + dt.timedelta(days=i))
        for t, (a, b) in spans.items()
        for i in range((b - a).days + rules.window_days + 1)
    }
    assert set(found) == days
    assert len(found) == surface.num_rows
    sessions = set(exchange_days())
    for (ticker, day), row in found.items():
        # alerts are raised by bars: before a ticker's first bar there are none that could count
        mine = [a for a in drawn if a["session"] >= spans[ticker][0]]
        want = _by_hand(day, mine, ticker, rules)
        assert (row["n_alerts"], row["n_recent"], row["n_high"]) == (want["n"], want["recent"], want["high"])
        assert row["severity_sum"] == pytest.approx(want["mean"] * row["n_rated"])
        assert row["raw_score"] == pytest.approx(want["raw"], abs=1e-9)
        assert row["is_session"] == (day in sessions)
        assert row["month"] == day.strftime("%Y-%m")


@MANY
@given(drawn=ALERTS, rules=RULES, lag=st.integers(-2, 40), ticker=st.sampled_from(["A", "B", "GONE", "OTHER"]))
def test_the_direct_form_is_the_formula(drawn: list[dict[str, Any]], rules: TimingRules, lag: int, ticker: str) -> None:
    day = D(2020, 2, 14) + dt.timedelta(days=lag)
    want, got = _by_hand(day, drawn, ticker, rules), score_directly(rows.alerts(drawn), ticker, day, rules)
    assert (got.n_alerts, got.n_recent, got.n_high) == (want["n"], want["recent"], want["high"])
    assert (got.mean_severity, got.raw_score, got.score) == pytest.approx((want["mean"], want["raw"], want["score"]))


@MANY
@given(
    drawn=ALERTS,
    rules=RULES,
    months=st.lists(st.sampled_from(["2019-12", "2020-01", "2020-02", "2020-03", "2020-04"]), min_size=1, unique=True),
)
def test_single_months_give_what_the_whole_gives(
    drawn: list[dict[str, Any]], rules: TimingRules, months: list[str]
) -> None:
    given_alerts = rows.alerts(drawn)
    whole = timing_surface(given_alerts, WORLD, rules, THRESHOLDS).to_pylist()
    key = ("ticker", "day")
    part = timing_surface(given_alerts, WORLD, rules, THRESHOLDS, months).to_pylist()
    expected = [r for r in whole if r["month"] in months]
    assert sorted(part, key=lambda r: tuple(r[k] for k in key)) == sorted(
        expected, key=lambda r: tuple(r[k] for k in key)
    )


@MANY
@given(drawn=ALERTS, rules=RULES)
def test_suspect_alerts_change_nothing(drawn: list[dict[str, Any]], rules: TimingRules) -> None:
    clean = [a for a in drawn if not a["suspect_data"]]
    assert counted_alerts(rows.alerts(drawn), rules).equals(counted_alerts(rows.alerts(clean), rules))


@MANY
@given(drawn=ALERTS, order=st.randoms(use_true_random=False))
def test_collapsed_alerts_are_one_per_day_with_the_highest_severity_and_all_types(
    drawn: list[dict[str, Any]], order: Any
) -> None:
    by_day: dict[tuple[str, dt.date], list[dict[str, Any]]] = defaultdict(list)
    for a in drawn:
        if not a["suspect_data"]:
            by_day[a["ticker"], a["session"]].append(a)
    shuffled = list(drawn)
    order.shuffle(shuffled)
    found = counted_alerts(rows.alerts(shuffled), _rules()).to_pylist()
    assert [(r["ticker"], r["day"]) for r in found] == sorted(by_day)
    for row in found:
        mine = by_day[row["ticker"], row["day"]]
        best = max((a["severity"] for a in mine if a["severity"] is not None), default=None)
        assert row["severity"] == best
        assert sorted(row["alert_types"].split(",")) == sorted(a["alert_type"] for a in mine)
        assert row["alert_id"] in [a["alert_id"] for a in mine if a["severity"] == best]
    assert len(counted_alerts(rows.alerts(drawn), _rules(count="alerts"))) == sum(map(len, by_day.values()))


def test_alerts_without_severity_count_by_number_and_lag_only() -> None:
    unrated = rows.alerts([rows.alert("A", D(2020, 1, 10), None), rows.alert("A", D(2020, 1, 9), 4)])
    found = score_directly(unrated, "A", D(2020, 1, 13), _rules())
    assert (found.n_alerts, found.mean_severity, found.n_recent, found.n_high) == (2, 4.0, 2, 0)
    assert found.raw_score == 5 * 2 + 2 * 4 + 10 * 2


# ----------------------------------------------------------------------------------------------------- what is scorable


def _surface(bars: list[dict[str, Any]], **given_rules: Any) -> dict[dt.date, dict[str, Any]]:
    found = timing_surface(rows.alerts([]), rows.bars(bars), _rules(**given_rules), THRESHOLDS)
    return {r["day"]: r for r in found.to_pylist()}


def test_a_day_is_scorable_when_half_of_the_sessions_before_it_have_a_return() -> None:
    bars = plain_bars("A", D(2020, 1, 2), D(2020, 6, 30))
    surface = _surface(bars)
    for day, row in surface.items():
        before = [d for d in exchange_days() if 1 <= (day - d).days <= 30]
        returns = [b["session"] for b in bars[1:] if b["session"] in before]
        assert row["scorable"] == (2 * len(returns) >= len(before)), day


def test_coverage_is_the_share_of_detectors_that_had_what_they_need() -> None:
    bars = plain_bars("A", D(2020, 1, 2), D(2020, 12, 31))
    for bar in bars:
        if bar["session"] >= D(2020, 9, 1):
            bar["volume"] = None
    surface = _surface(bars)
    assert surface[D(2020, 1, 2)]["coverage"] == 0
    assert surface[D(2020, 8, 3)]["coverage"] == 1
    assert surface[D(2020, 12, 1)]["coverage"] == pytest.approx(2 / 3)  # volume is unknown, the other two are not
    assert all(0 <= r["coverage"] <= 1 for r in surface.values())


def test_a_gap_in_the_bars_is_unknown_and_never_calm() -> None:
    bars = [
        b
        for b in plain_bars("A", D(2020, 1, 2), D(2020, 12, 31))
        if not D(2020, 5, 1) <= b["session"] <= D(2020, 8, 31)
    ]
    surface = _surface(bars)
    assert surface[D(2020, 4, 30)]["scorable"]
    assert D(2020, 7, 1) not in surface
    assert not surface[D(2020, 9, 2)]["scorable"]
    assert surface[D(2020, 10, 15)]["scorable"]


def test_alerts_of_a_ticker_without_bars_have_no_surface() -> None:
    surface = timing_surface(rows.alerts([rows.alert("X", D(2020, 1, 10), 9)]), WORLD, _rules(), THRESHOLDS)
    assert pc.unique(surface.column("ticker")).to_pylist() == ["A", "B", "C"]
    assert sum(surface.column("n_alerts").to_pylist()) == 0
    nothing = timing_surface(rows.alerts([]), rows.bars([]), _rules(), THRESHOLDS)
    assert nothing.equals(pa.table(TIMING_SURFACE.empty()))
