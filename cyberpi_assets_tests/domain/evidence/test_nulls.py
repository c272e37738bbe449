"""The placebo null of a trade: the worked example, and every figure against asking the definition date by date."""

from __future__ import annotations

import datetime as dt
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cyberpi_assets.domain.counting import RangeCounts
from cyberpi_assets.domain.evidence.nulls import timing_nulls
from cyberpi_assets.domain.evidence.windows import merged
from cyberpi_assets.domain.scoring import score_alerts
from cyberpi_assets.rules.figures import EvidenceRules, TimingRules
from cyberpi_assets.tables import TIMING_NULLS, conform
from cyberpi_assets_tests.domain.evidence import material as m
from cyberpi_assets_tests.domain.rows import D, exchange_days

HOUSE_FROM = D(2019, 1, 1)


def _nulls(
    trades: Any, surface: pa.Table, terms: pa.Table, rules: EvidenceRules, timing: TimingRules = m.TIMING
) -> pa.Table:
    table, correlations = trades
    found = timing_nulls(correlations, table, surface, terms, timing, rules, HOUSE_FROM)
    return conform(TIMING_NULLS, found)


def _trade(i: int, person: str | None, ticker: str, day: dt.date, **more: Any) -> dict[str, Any]:
    return {"trade_id": f"t{i:03d}", "bioguide_id": person, "ticker": ticker, "transaction_date": day} | more


def test_the_worked_example_is_enumerated_exactly(oracles: Path) -> None:
    (example,) = [
        o for o in json.loads((oracles / "oracles.json").read_text())["oracles"] if o["id"] == "stats/placebo_exact"
    ]
    alerts = [(D.fromisoformat(a["date"]), a["severity"]) for a in example["alerts"]]
    weekdays = [d for d in m.days(D(2024, 1, 1), D(2024, 2, 29)) if d.weekday() < 5]
    surface = m.surface({"A": alerts}, {"A": (D(2023, 11, 1), D(2024, 6, 3))})
    # the example counts weekdays and ignores holidays
    on = pa.array([d in weekdays for d in surface.column("day").to_pylist()])
    surface = surface.set_column(surface.schema.get_field_index("is_session"), surface.schema.field("is_session"), on)
    day = D.fromisoformat(example["trade_date"])
    made = m.trades([_trade(0, "P", "A", day), _trade(1, "P", "A", weekdays[0]), _trade(2, "P", "A", weekdays[-1])])
    found = _nulls(made, surface, m.terms({"P": [m.ALWAYS]}), m.rules(min_dates=2, prior_sessions=0)).to_pylist()
    (row,) = [r for r in found if r["trade_id"] == "t000"]
    assert row["n_dates"] == example["n_admissible"]
    assert row["p_placebo"] == pytest.approx(example["p_exact_randomisation"], abs=1e-9)
    assert row["p_placebo"] == pytest.approx(example["placebo_excluding_observed"]["p_phipson_smyth"], abs=1e-9)


def _asked(day: dt.date, alerts: Any, timing: TimingRules) -> float:
    return score_alerts(day, alerts, timing).score


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), same_day=st.booleans())
def test_every_figure_equals_asking_the_definition_date_by_date(seed: int, same_day: bool) -> None:
    rng = np.random.default_rng(seed)
    timing = TimingRules(include_same_day=same_day)  # pyright: ignore[reportCallIssue]
    spans = {"A": (D(2020, 1, 2), D(2020, 12, 31)), "B": (D(2020, 4, 1), D(2020, 10, 30))}
    alerts = m.random_alerts(seed, spans)
    surface = m.surface(alerts, spans, timing)
    office = {"P": [(D(2020, 2, 3), D(2020, 6, 30)), (D(2020, 8, 3), None)], "Q": [m.ALWAYS]}
    rows = []
    for i in range(12):
        person, ticker = str(rng.choice(["P", "Q"])), str(rng.choice(["A", "B"]))
        first, last = spans[ticker]
        day = first + dt.timedelta(days=int(rng.integers(20, (last - first).days)))
        rows.append(_trade(i, person, ticker, day))
    order = rng.permutation(surface.num_rows)  # the surface comes in any order
    rules = m.rules(min_dates=20, prior_sessions=30, local_days=40)
    found = _nulls(m.trades(rows), surface.take(pa.array(order)), m.terms(office), rules, timing).to_pylist()
    assert [r["trade_id"] for r in found] == [r["trade_id"] for r in sorted(rows, key=lambda r: (
        (r["transaction_date"] + dt.timedelta(days=20)).strftime("%Y-%m"), r["trade_id"]))]  # fmt: skip
    for got in found:
        (trade,) = [r for r in rows if r["trade_id"] == got["trade_id"]]
        person, ticker, day = trade["bioguide_id"], trade["ticker"], trade["transaction_date"]
        mine = [r["transaction_date"] for r in rows if r["bioguide_id"] == person]
        first, last = spans[ticker]
        listed = [d for d in exchange_days() if first <= d <= last]
        dates = {
            d
            for k, d in enumerate(listed)
            if min(mine) <= d <= max(mine)
            and any(a <= d and (b is None or d <= b) for a, b in office[person])
            and k >= 30
            and (d - first).days >= 15
        } | {day}
        score = _asked(day, alerts[ticker], timing)
        of = {d: _asked(d, alerts[ticker], timing) for d in dates}
        assert got["n_dates"] == len(dates)
        if len(dates) < 20:
            assert got["p_placebo"] is None
            assert f"only {len(dates)}" in got["reason"]
        else:
            share = sum(s >= score for s in of.values()) / len(dates)
            near = [s for d, s in of.items() if abs((d - day).days) <= 40]
            local = sum(s >= score for s in near) / len(near)
            assert got["p_placebo"] == pytest.approx(share, abs=1e-12)
            assert got["n_local_dates"] == len(near)
            assert got["p_local"] == (pytest.approx(local, abs=1e-12) if len(near) >= 20 else None)
            assert got["p_headline"] == pytest.approx(max(share, local) if len(near) >= 20 else share, abs=1e-12)
            assert got["expected_score"] == pytest.approx(np.mean(list(of.values())), abs=1e-9)
            assert got["expected_suspicious"] == pytest.approx(np.mean([s >= 60 for s in of.values()]), abs=1e-12)
        # the future seen in a mirror: an alert so many days after the trade stands as many days before it
        mirrored = [(day - (d - day), s) for d, s in alerts[ticker]]
        if day + dt.timedelta(days=30) <= last:
            assert got["mirror_score"] == pytest.approx(_asked(day, mirrored, timing), abs=1e-6)
            assert got["difference"] == pytest.approx(score - got["mirror_score"], abs=1e-9)
        elif day + dt.timedelta(days=26) > last:
            assert got["mirror_score"] is None


SPANS = {"A": (D(2015, 1, 2), D(2021, 12, 31))}
SURFACE = m.surface({"A": [(D(2020, 5, 5), 9)]}, SPANS)
OFFICE = m.terms({"P": [m.ALWAYS]})


def _reasons(rows: list[dict[str, Any]], terms: pa.Table = OFFICE) -> list[str | None]:
    return _nulls(m.trades(rows), SURFACE, terms, m.rules()).column("reason").to_pylist()


def test_no_p_is_given_without_enough_dates_a_person_or_a_term_and_the_reason_says_so() -> None:
    short = [_trade(0, "P", "A", D(2020, 5, 6)), _trade(1, "P", "A", D(2020, 6, 8))]
    assert all("only" in str(r) and "admissible dates" in str(r) for r in _reasons(short))
    assert _reasons([_trade(0, None, "A", D(2020, 5, 6))]) == ["no p: the person stays in doubt"]
    assert _reasons([_trade(0, "X", "A", D(2020, 5, 6))]) == ["no p: no dated terms of office"]
    long = [_trade(0, "P", "A", D(2018, 5, 8)), _trade(1, "P", "A", D(2020, 5, 6)), _trade(2, "P", "A", D(2021, 6, 8))]
    assert _reasons(long)[1] is None


def test_a_trade_on_a_day_without_a_session_counts_its_own_day_once() -> None:
    saturday = D(2020, 5, 9)
    rows = [_trade(0, "P", "A", D(2020, 2, 3)), _trade(1, "P", "A", saturday), _trade(2, "P", "A", D(2020, 11, 2))]
    found = _nulls(m.trades(rows), SURFACE, OFFICE, m.rules()).to_pylist()
    sessions = len([d for d in exchange_days() if D(2020, 2, 3) <= d <= D(2020, 11, 2)])
    assert [r["n_dates"] for r in found] == [sessions, sessions + 1, sessions]


def test_early_house_filings_do_not_widen_the_window_of_the_complete_record() -> None:
    early = [_trade(i, "P", "A", D(2016 + i, 3, 1), chamber="house") for i in range(3)]
    late = [_trade(3, "P", "A", D(2020, 2, 3), chamber="house"), _trade(4, "P", "A", D(2020, 11, 2), chamber="house")]
    both = {r["trade_id"]: r for r in _nulls(m.trades(early + late), SURFACE, OFFICE, m.rules()).to_pylist()}
    alone = {r["trade_id"]: r for r in _nulls(m.trades(late), SURFACE, OFFICE, m.rules()).to_pylist()}
    assert {i: both[i] for i in alone} == alone
    assert both["t000"]["n_dates"] == len([d for d in exchange_days() if D(2016, 3, 1) <= d <= D(2018, 3, 1)])


def test_nothing_scored_gives_no_rows() -> None:
    assert _nulls(m.trades([_trade(0, "P", "A", D(2020, 5, 6), score=None)]), SURFACE, OFFICE, m.rules()).num_rows == 0


@given(
    ranks=st.lists(st.integers(0, 40), min_size=1, max_size=200),
    queries=st.lists(st.tuples(st.integers(0, 200), st.integers(0, 200), st.integers(-2, 70)), min_size=1, max_size=20),
)
def test_counts_over_ranges_equal_counting(ranks: list[int], queries: list[tuple[int, int, int]]) -> None:
    held = np.array(ranks)
    low = np.array([min(a, b, held.size) for a, b, _ in queries])
    high = np.array([min(max(a, b), held.size) for a, b, _ in queries])
    rank = np.array([r for _, _, r in queries])
    want = [int((held[a:b] >= r).sum()) for a, b, r in zip(low, high, rank, strict=True)]
    assert RangeCounts(held).at_least(low, high, rank).tolist() == want


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 20)), max_size=8))
def test_merged_stretches_hold_the_same_days_and_neither_touch_nor_overlap(given_spans: list[tuple[int, int]]) -> None:
    stretches = [(a, a + n) for a, n in given_spans]
    out = merged(stretches)
    assert {d for a, b in out for d in range(a, b + 1)} == {d for a, b in stretches for d in range(a, b + 1)}
    assert all(b + 1 < c for (_, b), (c, _) in pairwise(out))
