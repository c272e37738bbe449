"""Freshness, completeness and drift: by hand-made numbers, and by properties over made ones."""

from __future__ import annotations

import datetime as dt
import math

import duckdb
import exchange_calendars
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cyberpi_assets.domain.quality.completeness import bar_cells, complete, months_of_filings
from cyberpi_assets.domain.quality.drift import BANDS, banded, drift_of, psi, steady
from cyberpi_assets.domain.quality.freshness import behind, day_of_asking, fresh
from cyberpi_assets.domain.quality.verdict import by_month, counted
from cyberpi_assets.rules.figures import QualityRules
from cyberpi_assets_tests.domain.rows import D, plain_bars

RULES = QualityRules()  # pyright: ignore[reportCallIssue]
XNYS = exchange_calendars.get_calendar("XNYS")

# ------------------------------------------------------------------------------------------------------------ verdicts


def test_a_count_that_must_not_be_fails_its_month_and_the_whole_and_no_other_month() -> None:
    found = pa.table({"month": ["2024-02", "2024-01"], "rows": [5, 7], "wrong": [2, None]})
    verdict = counted(found, harmless=("rows",))
    assert (verdict.passed, verdict.detail) == (False, {"rows": 12, "wrong": 2})
    assert verdict.months is not None
    assert {m: (p.passed, p.detail) for m, p in verdict.months.items()} == {
        "2024-01": (True, {"rows": 7, "wrong": 0}),
        "2024-02": (False, {"rows": 5, "wrong": 2}),
    }
    assert list(verdict.months) == ["2024-01", "2024-02"]


def test_a_share_is_judged_over_all_rows_and_not_over_months_that_pass() -> None:
    found = pa.table({"month": ["2024-01", "2024-02"], "n": [10, 990], "known": [1, 900]})
    verdict = by_month(found, lambda f: f["known"] >= f["n"] / 2)
    assert verdict.passed
    assert verdict.months is not None
    assert [p.passed for p in verdict.months.values()] == [False, True]


# ----------------------------------------------------------------------------------------------------------- freshness


@pytest.mark.parametrize(
    ("newest", "asked", "sessions"),
    [
        (D(2024, 3, 28), D(2024, 3, 30), 0),  # Thursday; Good Friday is no session
        (D(2024, 3, 28), D(2024, 4, 1), 0),  # Monday itself may not have closed
        (D(2024, 3, 28), D(2024, 4, 2), 1),
        (D(2024, 12, 24), D(2025, 1, 2), 4),  # 26, 27, 30, 31; Christmas and New Year closed
        (D(2024, 1, 13), D(2024, 1, 17), 1),  # a Saturday, and Monday is a holiday
        (D(2024, 5, 1), D(2024, 4, 1), 0),  # the future is never behind
    ],
)
def test_sessions_behind_are_those_that_closed_since(newest: dt.date, asked: dt.date, sessions: int) -> None:
    assert behind(newest, asked, "sessions") == sessions


@given(st.dates(D(2007, 1, 1), D(2024, 1, 1)), st.integers(0, 400))
@settings(max_examples=60, deadline=None)
def test_sessions_behind_equal_a_slow_count_and_never_exceed_days(newest: dt.date, later: int) -> None:
    asked = newest + dt.timedelta(days=later)
    between = [newest + dt.timedelta(days=i) for i in range(1, later)]
    assert behind(newest, asked, "sessions") == sum(XNYS.is_session(d.isoformat()) for d in between)
    assert behind(newest, asked, "sessions") <= behind(newest, asked, "days") == later


def test_a_closed_world_is_held_against_its_own_end_and_others_against_today() -> None:
    today = D(2031, 5, 5)
    assert day_of_asking("2025-12", None, today) == D(2026, 1, 1)
    assert day_of_asking("2025-01", None, today) == D(2025, 2, 1)
    assert day_of_asking(None, None, today) == today
    assert day_of_asking("2025-12", D(2024, 6, 1), today) == D(2024, 6, 1)


def test_stale_data_fail_and_no_data_claim_nothing() -> None:
    stale = fresh(D(2024, 3, 1), 0, D(2024, 3, 12), "sessions", 3)  # 4, 5, 6, 7, 8, 11 March
    assert (stale.passed, stale.detail["sessions_behind"]) == (False, 6)
    assert fresh(D(2024, 3, 6), 2, D(2024, 3, 12), "sessions", 3).passed
    nothing = fresh(None, 4, D(2024, 3, 12), "days", 3)
    assert nothing.passed
    assert nothing.detail["newest"] is None
    assert nothing.detail["dated_later"] == 4


# -------------------------------------------------------------------------------------------------------- completeness


def bars(*rows: dict[str, object]) -> pa.Table:
    kept = [(r["ticker"], r["session"]) for r in rows]
    return pa.table({"ticker": [k[0] for k in kept], "session": pa.array([k[1] for k in kept], pa.date32())})


def test_cells_are_counted_between_each_tickers_first_and_last_bar() -> None:
    """January 2024 has 21 sessions, February 20; 8 of January from the 22nd on, 7 of February up to the 9th."""
    full = plain_bars("FULL", D(2024, 1, 2), D(2024, 2, 29))
    late = plain_bars("LATE", D(2024, 1, 22), D(2024, 2, 29))
    gone = [b for b in plain_bars("GONE", D(2024, 1, 2), D(2024, 2, 9)) if b["session"] != D(2024, 1, 10)]
    cells = bar_cells(bars(*full, *late, *gone)).to_pylist()
    assert cells == [
        {"month": "2024-01", "tickers": 3, "expected": 50, "present": 49, "sessions": 21, "silent_sessions": 0},
        {"month": "2024-02", "tickers": 3, "expected": 47, "present": 47, "sessions": 20, "silent_sessions": 0},
    ]


def test_a_session_without_any_bar_fails_its_month_though_its_share_is_high() -> None:
    rules = RULES.model_copy(update={"least_cells": 20, "least_present": 0.9})
    made = [b for b in plain_bars("ONE", D(2024, 1, 2), D(2024, 3, 28)) if b["session"] != D(2024, 2, 14)]
    verdict = complete(bar_cells(bars(*made)), rules)
    assert verdict.months is not None
    assert {m: p.passed for m, p in verdict.months.items()} == {"2024-01": True, "2024-02": False, "2024-03": True}
    assert verdict.months["2024-02"].detail == {
        "tickers": 1, "expected": 20, "present": 19, "sessions": 20, "silent_sessions": 1, "share_present": 0.95,
    }  # fmt: skip
    assert (verdict.passed, verdict.detail["months_below"]) == (False, 1)


def test_a_month_of_few_cells_is_not_judged_and_no_bars_at_all_are_no_failure() -> None:
    made = plain_bars("ONE", D(2024, 1, 2), D(2024, 1, 5)) + plain_bars("ONE", D(2024, 1, 25), D(2024, 1, 31))
    verdict = complete(bar_cells(bars(*made)), RULES)
    assert verdict.passed
    assert verdict.months is not None
    assert "not_known" in verdict.months["2024-01"].detail
    assert complete(bar_cells(bars()), RULES).detail["share_present"] is None


@given(st.lists(st.tuples(st.sampled_from("ABC"), st.integers(0, 59)), min_size=1, max_size=40, unique=True))
@settings(max_examples=25, deadline=None)
def test_cells_equal_a_slow_count(held: list[tuple[str, int]]) -> None:
    days = [d.date() for d in XNYS.sessions_in_range("2024-01-02", "2024-03-28")]
    given_ = {(t, days[i]) for t, i in held}
    expected: dict[str, int] = {}
    for ticker in {t for t, _ in given_}:
        own = [d for t, d in given_ if t == ticker]
        for day in days:
            if min(own) <= day <= max(own):
                expected[f"{day:%Y-%m}"] = expected.get(f"{day:%Y-%m}", 0) + 1
    found = bar_cells(bars(*({"ticker": t, "session": d} for t, d in given_))).to_pylist()
    assert {r["month"]: r["expected"] for r in found} == expected
    assert sum(r["present"] for r in found) == len(given_)
    assert all(r["present"] <= r["expected"] for r in found)


def test_a_month_without_filings_of_one_chamber_fails_and_a_misprinted_year_makes_no_gap() -> None:
    filed = [("house", D(2024, m, 5)) for m in (1, 2, 3, 4)] + [("senate", D(2024, 2, 9)), ("senate", D(2024, 4, 2))]
    filed += [("house", D(3013, 6, 14)), ("senate", None)]
    filings = pa.table({"chamber": [c for c, _ in filed], "filed_on": pa.array([d for _, d in filed], pa.date32())})
    verdict = months_of_filings(filings, D(2024, 5, 1))
    assert verdict.months is not None
    assert {m: (p.passed, p.detail) for m, p in verdict.months.items()} == {
        "2024-01": (True, {"house_filings": 1}),
        "2024-02": (True, {"house_filings": 1, "senate_filings": 1}),
        "2024-03": (False, {"house_filings": 1, "senate_filings": 0}),
        "2024-04": (True, {"house_filings": 1, "senate_filings": 1}),
    }
    assert (verdict.passed, verdict.detail) == (False, {"filings": 6, "months": 4, "months_without": 1})


# --------------------------------------------------------------------------------------------------------------- drift


def test_the_index_is_the_sum_of_its_bands() -> None:
    """A quarter and three quarters against halves: (1/4 - 1/2) ln(1/2) + (3/4 - 1/2) ln(3/2) = ln(3) / 4."""
    counts_, reference = (
        np.array([[1e9, 3e9, 0.0], [100.0, 300.0, 0.0]]),
        np.array([[2e9, 2e9, 0.0], [200.0, 200.0, 0.0]]),
    )
    found = psi(counts_, reference)
    assert found[0] == pytest.approx(math.log(3) / 4, rel=1e-6)
    # with half a row more in each of the two bands that are used
    p, q = [100.5 / 401, 300.5 / 401], [200.5 / 401, 200.5 / 401]
    assert found[1] == pytest.approx(sum((a - b) * math.log(a / b) for a, b in zip(p, q, strict=True)), rel=1e-12)


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)), min_size=2, max_size=12))
@settings(max_examples=60, deadline=None)
def test_the_index_is_never_negative_and_the_same_both_ways(counts: list[tuple[int, int]]) -> None:
    a, b = (np.array([[float(c[i]) for c in counts]]) for i in (0, 1))
    one, other = psi(a, b)[0], psi(b, a)[0]
    assert one >= -1e-12
    assert one == pytest.approx(other, abs=1e-12)
    assert psi(a, a)[0] == pytest.approx(0, abs=1e-12)


def counts(table: dict[str, dict[str, int]]) -> pa.Table:
    """Counts by month and band of the one figure of scores."""
    rows = [(m, b, n) for m, of in table.items() for b, n in of.items()]
    names = ("month", "score", "n")
    return pa.table({name: [r[i] for r in rows] for i, name in enumerate(names)})


YEAR = {f"2023-{m:02d}": {"0.0": 60, "1.0": 40} for m in range(1, 13)}


def test_a_month_is_held_against_the_twelve_before_it_and_never_against_later_ones() -> None:
    rules = RULES.model_copy(update={"drift_rows": 100})
    alike, turned = {"2024-01": {"0.0": 120, "1.0": 80}}, {"2024-02": {"0.0": 20, "1.0": 180}}
    before = drift_of(counts({**YEAR, **alike}), "score", rules)
    after = drift_of(counts({**YEAR, **alike, **turned}), "score", rules)
    assert before.months == [*YEAR, "2024-01"]
    np.testing.assert_array_equal(before.psi, after.psi[:-1])
    assert before.reference[-1] == 1200
    assert before.psi[-1] < 0.001
    assert np.isnan(before.psi[:10]).all()  # not yet 1,000 rows before
    verdict = steady(counts({**YEAR, **alike, **turned}), "disclosure_correlations", rules)
    assert verdict.months is not None
    assert (verdict.passed, verdict.detail["judged_month"]) == (False, "2024-02")
    assert [m for m, p in verdict.months.items() if not p.passed] == ["2024-02"]
    calm = steady(counts({**YEAR, **alike, **turned}), "disclosure_correlations", rules, ("2023-12", "2024-01"))
    assert calm.passed
    assert calm.months is not None
    assert list(calm.months) == ["2023-12", "2024-01"]


def test_an_old_shift_is_told_and_does_not_fail_a_later_month_and_few_rows_are_not_judged() -> None:
    rules = RULES.model_copy(update={"drift_rows": 100})
    shifted = {**YEAR, "2024-01": {"0.0": 5, "1.0": 150}, "2024-02": {"0.0": 60, "1.0": 50}, "2024-03": {"0.0": 9}}
    verdict = steady(counts(shifted), "disclosure_correlations", rules)
    assert (verdict.passed, verdict.detail["judged_month"], verdict.detail["months_shifted"]) == (True, "2024-02", 1)
    assert verdict.months is not None
    assert "not_known" in verdict.months["2024-03"].detail
    assert steady(counts({}), "disclosure_correlations", rules).passed


def test_bands_put_every_row_somewhere_and_what_is_not_known_apart() -> None:
    con = duckdb.connect()
    con.execute("""CREATE TABLE daily_bars AS SELECT * FROM (VALUES
        ('2024-01', 10.0, 10.0, 10.0, 1000), ('2024-01', 10.04, 10.0, 10.0, 1000), ('2024-01', 10.06, 10.0, 10.0, 0),
        ('2024-01', 12.0, 10.0, 10.0, NULL), ('2024-01', NULL, 10.0, 10.0, 5000000000000),
        ('2024-01', 9.0, 10.0, 10.0, 5)
        ) v(month, high, low, close, volume)""")
    found = con.sql(banded("daily_bars")).to_arrow_table().to_pylist()
    assert sum(r["n"] for r in found) == 6
    assert sorted((r["day_range"].removesuffix(".0"), r["n"]) for r in found) == [
        ("0", 2), ("1", 1), ("8", 1), ("unknown", 1), ("unknown", 1),
    ]  # fmt: skip
    assert {r["volume"].removesuffix(".0") for r in found} == {"4", "15", "unknown"}
    assert set(BANDS) == {"daily_bars", "market_alerts", "disclosed_trades", "disclosure_correlations"}
