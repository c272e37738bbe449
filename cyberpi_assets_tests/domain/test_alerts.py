"""Market alerts against their definition, read slowly: which fire, how rare each is, and what each says of itself."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cyberpi_assets.domain import alerts as module
from cyberpi_assets.domain.alerts import raise_alerts, severity
from cyberpi_assets.rules.figures import AlertThresholds
from cyberpi_assets.tables import MARKET_ALERTS, conform
from cyberpi_assets_tests.domain import rows
from cyberpi_assets_tests.domain.rows import D, exchange_days, plain_bars, random_bars
from cyberpi_assets_tests.domain.slow_alerts import Alert, severity_of, slow_alerts

DEFAULT = AlertThresholds()  # pyright: ignore[reportCallIssue]
# Thresholds small enough for a hundred bars to visit every branch; the ratio keeps clear of a median halved by a zero.
SMALL = AlertThresholds(
    volume_ratio=1.8,
    volume_sessions=6,
    volume_present=4,
    move_pct=2.5,
    volatility_ratio=1.37,
    volatility_days=3,
    volatility_sessions=12,
    volatility_present=7,
    suspect_move_pct=40.0,
    severity_sessions=40,
    severity_present=15,
)
SECTORS = {"T0": "Energy", "T1": "Energy", "T2": None, "T3": "Utilities"}
WORLDS = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)


def _compare(got: pa.Table, expected: Mapping[tuple[str, dt.date, str], Alert]) -> None:
    conform(MARKET_ALERTS, got)
    found = {(r["ticker"], r["session"], r["alert_type"]): r for r in got.to_pylist()}
    assert len(found) == got.num_rows
    assert sorted(found) == sorted(expected)
    for key, row in found.items():
        want, details = expected[key], json.loads(row["details"])
        assert row["alert_id"] == ":".join(map(str, key))
        assert row["month"] == key[1].strftime("%Y-%m")
        assert (row["severity"], row["severity_basis"]) == (want.severity, want.basis), (key, want, details)
        assert (row["severity_reason"] is None) == (want.severity is not None)
        assert (row["price"], row["volume"], row["suspect_data"]) == (want.price, want.volume, want.suspect), key
        assert row["change_pct"] == pytest.approx(want.change_pct, rel=1e-9, abs=1e-10), key
        assert details["history"] == want.history, (key, details, want)
        assert details["ratio"] == pytest.approx(want.ratio, abs=1e-6, rel=1e-9)
        assert details["baseline_value"] == pytest.approx(want.baseline, abs=1e-7, rel=1e-9)
        assert details["tail_p"] == (None if want.tail_p is None else pytest.approx(want.tail_p, abs=1e-8))


@WORLDS
@given(
    seed=st.integers(0, 10**9),
    tickers=st.integers(1, 4),
    length=st.integers(1, 110),
    tail=st.sampled_from([2.0, 3.0, 8.0]),
    gaps=st.sampled_from([0.0, 0.05, 0.4]),
    silent=st.sampled_from([0.0, 0.1, 0.5]),
)
def test_alerts_are_what_the_definition_says_row_by_row_and_value_by_value(
    seed: int, tickers: int, length: int, tail: float, gaps: float, silent: float
) -> None:
    world, known = random_bars(seed, tickers, length, tail=tail, gaps=gaps, silent=silent)
    got = raise_alerts(rows.bars(world), SMALL, splits=rows.splits(known), sectors=rows.sectors(SECTORS))
    _compare(got, slow_alerts(world, SMALL, known, SECTORS))


def test_the_random_worlds_visit_every_branch() -> None:
    seen: set[tuple[str, str, bool]] = set()
    for seed in range(25):
        world, known = random_bars(seed, 4, 110)
        seen |= {(a.alert_type, a.basis, a.suspect) for a in slow_alerts(world, SMALL, known, SECTORS).values()}
    kinds = ("price_spike", "price_drop", "high_volatility")
    assert {(k, b, s) for k in kinds for b in ("own", "sector", "none") for s in (True, False)} <= seen | {
        ("high_volatility", "none", True)
    }
    assert {("unusual_volume", b, False) for b in ("own", "sector", "none")} <= seen


@pytest.mark.parametrize("seed", [1, 2])
def test_the_default_thresholds_over_years(seed: int) -> None:
    world, known = random_bars(seed, 3, 900, gaps=0.01)
    got = raise_alerts(rows.bars(world), DEFAULT, splits=rows.splits(known), sectors=rows.sectors(SECTORS))
    expected = slow_alerts(world, DEFAULT, known, SECTORS)
    assert {a.basis for a in expected.values()} == {"own", "sector", "none"}
    _compare(got, expected)


@WORLDS
@given(seed=st.integers(0, 10**9), data=st.data())
def test_months_asked_for_alone_give_what_the_whole_gives(seed: int, data: st.DataObject) -> None:
    world, known = random_bars(seed, 3, 80)
    given_bars, given_splits, given_sectors = rows.bars(world), rows.splits(known), rows.sectors(SECTORS)
    every = sorted(set(given_bars.column("month").to_pylist()))
    months = data.draw(st.lists(st.sampled_from(every), unique=True, min_size=1))
    whole = raise_alerts(given_bars, SMALL, splits=given_splits, sectors=given_sectors).to_pylist()
    last = max(months)
    before = given_bars.filter(pa.array([m <= last for m in given_bars.column("month").to_pylist()]))
    part = raise_alerts(before, SMALL, splits=given_splits, sectors=given_sectors, months=months)
    assert part.to_pylist() == [r for r in whole if r["month"] in months]


@WORLDS
@given(seed=st.integers(0, 10**9), block=st.integers(1, 120))
def test_neither_the_order_of_rows_nor_the_size_of_blocks_matters(seed: int, block: int) -> None:
    world, known = random_bars(seed, 4, 50)
    given_bars, given_splits, given_sectors = rows.bars(world), rows.splits(known), rows.sectors(SECTORS)
    whole = raise_alerts(given_bars, SMALL, splits=given_splits, sectors=given_sectors)
    shuffled = given_bars.take(pa.array(np.random.default_rng(seed).permutation(given_bars.num_rows)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_BLOCK_BARS", block)
        again = raise_alerts(shuffled, SMALL, splits=given_splits, sectors=given_sectors)
    assert again.equals(whole)


def test_no_bars_give_no_alerts_and_the_columns() -> None:
    assert raise_alerts(rows.bars([]), DEFAULT).equals(MARKET_ALERTS.empty())
    one = rows.bars(plain_bars("A", D(2020, 1, 2), D(2020, 1, 2)))
    assert raise_alerts(one, DEFAULT).equals(MARKET_ALERTS.empty())


# ------------------------------------------------------------------------------------------------------- rule by rule


def _steady(n: int, ticker: str = "A") -> list[dict[str, Any]]:
    days = [d for d in exchange_days() if d >= D(2018, 1, 2)][:n]
    return plain_bars(ticker, days[0], days[-1])


def _only(world: list[dict[str, Any]], kind: str, **more: Any) -> list[dict[str, Any]]:
    return [r for r in raise_alerts(rows.bars(world), DEFAULT, **more).to_pylist() if r["alert_type"] == kind]


def test_volume_of_exactly_three_times_the_prior_mean_fires_and_today_is_no_part_of_the_mean() -> None:
    world = _steady(21)
    world[-1]["volume"] = 3000
    (fired,) = _only(world, "unusual_volume")
    assert (fired["session"], json.loads(fired["details"])["ratio"]) == (world[-1]["session"], 3.0)
    world[-1]["volume"] = 2999
    assert not _only(world, "unusual_volume")


@pytest.mark.parametrize(("absent", "fires"), [(5, True), (6, False)])
def test_the_volume_baseline_wants_fifteen_of_twenty_sessions(absent: int, fires: bool) -> None:
    world = _steady(21)
    for bar in world[:absent]:
        bar["volume"] = None
    world[-1]["volume"] = 90_000
    assert bool(_only(world, "unusual_volume")) is fires


def test_the_baseline_reaches_back_twenty_sessions_and_no_further() -> None:
    world = _steady(22)
    world[0]["volume"] = 1_000_000  # the 21st before
    world[-1]["volume"] = 3000
    assert len(_only(world, "unusual_volume")) == 1


@given(twentieths=st.integers(1, 40_000), side=st.sampled_from([1, -1]))
@settings(max_examples=80, deadline=None, derandomize=True)
def test_a_move_of_exactly_five_percent_is_not_more_than_five_percent(twentieths: int, side: int) -> None:
    """Prices in cents: from 20 k to 21 k (19 k) is exactly 5 %, one cent more is more."""
    before, exact = 20 * twentieths, (20 + side) * twentieths
    kind = "price_spike" if side > 0 else "price_drop"
    for cents, fires in ((exact, False), (exact + side, True)):
        world = _steady(2)
        world[0] |= {"close": before / 100, "adj_close": before / 100}
        world[1] |= {"close": cents / 100, "adj_close": cents / 100}
        assert bool(_only(world, kind)) is fires


@given(volumes=st.lists(st.integers(1, 10**9), min_size=15, max_size=20))
@settings(max_examples=80, deadline=None, derandomize=True)
def test_volume_of_exactly_three_times_any_mean_fires(volumes: list[int]) -> None:
    world = _steady(len(volumes) + 1)
    for bar, volume in zip(world, volumes, strict=False):
        bar["volume"] = volume * len(volumes)
    world[-1]["volume"] = 3 * sum(volumes)
    last = world[-1]["session"]
    assert last in [r["session"] for r in _only(world, "unusual_volume")]
    world[-1]["volume"] -= 1
    assert last not in [r["session"] for r in _only(world, "unusual_volume")]


def test_high_volatility_fires_on_entry_and_again_only_after_it_ended() -> None:
    rng = np.random.default_rng(3)
    world = _steady(170)
    price = 100.0
    wild = {100, 101, 102, 103, 104, 150, 151}
    for i, bar in enumerate(world):
        price *= 1 + (0.04 if i in wild and i % 2 else -0.04 if i in wild else float(rng.normal(0, 0.005)))
        bar["close"] = bar["adj_close"] = price
    fired = [r["session"] for r in _only(world, "high_volatility")]
    at = [next(i for i, b in enumerate(world) if b["session"] == s) for s in fired]
    near_100 = [i for i in at if 100 <= i <= 108]
    near_150 = [i for i in at if 150 <= i <= 156]
    assert len(near_100) == 1
    assert len(near_150) == 1


def test_rarity_anchors() -> None:
    assert severity(np.array([0.1, 0.01, 0.002, 1.0, 1e-9])).tolist() == [1, 6, 10, 1, 10]
    assert np.isnan(severity(np.array([np.nan]))[0])
    assert [severity_of(p) for p in (0.1, 0.01, 0.002)] == [1, 6, 10]


@given(st.floats(1e-6, 1.0), st.floats(1e-6, 1.0))
def test_what_is_rarer_is_never_less_severe(a: float, b: float) -> None:
    low, high = severity(np.array([min(a, b), max(a, b)]))
    assert 1 <= high <= low <= 10


def test_severity_seven_is_about_one_day_in_110() -> None:
    graded = severity(1 / np.arange(1, 2000))
    assert 100 <= int(np.argmax(graded >= 7)) + 1 <= 120


@pytest.mark.parametrize(("sessions", "rated"), [(120, True), (119, False)])
def test_severity_wants_120_sessions_of_its_own_history_and_names_what_is_missing(sessions: int, rated: bool) -> None:
    world = _steady(sessions + 2)  # the first bar has no return, the last is the alert
    world[-1]["close"] = world[-1]["adj_close"] = 60.0
    (fired,) = _only(world, "price_spike")
    if rated:
        assert (fired["severity"], fired["severity_basis"]) == (severity_of(1 / 121), "own")
        assert fired["severity_reason"] is None
    else:
        assert (fired["severity"], fired["severity_basis"]) == (None, "none")
        assert "no sector known" in fired["severity_reason"]


def test_a_young_ticker_is_measured_against_its_sector_and_never_against_another() -> None:
    world = _steady(200, "OLD")
    days = [b["session"] for b in world]
    young = plain_bars("NEW", days[-5], days[-1])
    young[-1]["close"] = young[-1]["adj_close"] = 60.0
    world[150]["close"] = world[150]["adj_close"] = 65.0  # + 30 %: rarer than the young ticker's 20 %
    both = world + young

    def fired(of: Mapping[str, str | None]) -> dict[str, Any]:
        found = [r for r in _only(both, "price_spike", sectors=rows.sectors(of)) if r["ticker"] == "NEW"]
        return found[0]

    same = fired({"OLD": "Energy", "NEW": "Energy"})
    history = 198 + 3  # returns of OLD and NEW before the last session
    assert (same["severity_basis"], json.loads(same["details"])["history"]) == ("sector", history)
    assert same["severity"] == severity_of(2 / (history + 1))
    other = fired({"OLD": "Utilities", "NEW": "Energy"})
    assert (other["severity"], other["severity_basis"]) == (None, "none")
    assert "of its sector" in other["severity_reason"]


@pytest.mark.parametrize(("back", "counts"), [(1, True), (504, True), (505, False)])
def test_rarity_looks_back_504_sessions_of_the_ticker_or_of_its_sector(back: int, counts: bool) -> None:
    world = _steady(600, "OLD")
    world[-1 - back]["close"] = 75.0
    for bar in world:
        bar["adj_close"] = None
    young = plain_bars("NEW", world[-3]["session"], world[-1]["session"])
    young[-1]["close"] = young[-1]["adj_close"] = 60.0
    world[-1]["close"] = 90.0 if back == 1 else 60.0  # the same 20 % move
    of = rows.sectors({"OLD": "Energy", "NEW": "Energy"})
    last = [r for r in _only(world + young, "price_spike", sectors=of) if r["session"] == world[-1]["session"]]
    assert {r["ticker"]: r["severity_basis"] for r in last} == {"OLD": "own", "NEW": "sector"}
    for row in last:
        details = json.loads(row["details"])
        assert details["tail_p"] == pytest.approx((2 if counts else 1) / (details["history"] + 1), abs=1e-8)
        assert details["history"] == 504 + (row["ticker"] == "NEW")  # and the one return that NEW has


# ---------------------------------------------------------------------------------------------- moves that are no moves


def test_a_move_over_forty_percent_without_a_known_split_stays_and_is_marked() -> None:
    world = _steady(5)
    for bar in world[3:]:
        bar["close"] = bar["adj_close"] = 25.0
    (fired,) = _only(world, "price_drop")
    assert (fired["suspect_data"], fired["change_pct"]) == (True, -50.0)


def test_a_known_split_explains_its_step_and_only_its_step() -> None:
    world = _steady(8)
    for bar in world[3:]:
        bar["close"] = bar["adj_close"] = 25.0
    two_for_one = rows.splits([("A", world[3]["session"], 2.0)])
    assert raise_alerts(rows.bars(world), DEFAULT, splits=two_for_one).num_rows == 0
    elsewhere = rows.splits([("A", world[4]["session"], 2.0), ("B", world[3]["session"], 2.0)])
    assert [r["suspect_data"] for r in _only(world, "price_drop", splits=elsewhere)] == [True]
    other_ratio = rows.splits([("A", world[3]["session"], 10.0)])
    assert [r["suspect_data"] for r in _only(world, "price_drop", splits=other_ratio)] == [True]


def test_what_remains_of_a_move_after_its_split_still_counts() -> None:
    world = _steady(5)
    for bar in world[3:]:
        bar["close"] = bar["adj_close"] = 25.0 * 1.08
    (fired,) = _only(world, "price_spike", splits=rows.splits([("A", world[3]["session"], 2.0)]))
    assert (fired["suspect_data"], fired["change_pct"]) == (False, pytest.approx(8.0))


def test_a_crash_in_both_prices_is_a_crash_and_a_step_in_close_alone_is_an_adjustment() -> None:
    world = _steady(5)
    for bar in world[3:]:
        bar["close"] = 25.0
    assert raise_alerts(rows.bars(world), DEFAULT).num_rows == 0
    for bar in world[3:]:
        bar["close"], bar["adj_close"] = 35.0, 35.0
    (fired,) = _only(world, "price_drop")
    assert (fired["change_pct"], fired["suspect_data"]) == (pytest.approx(-30.0), False)


def test_a_dividend_leaves_the_close_to_close_return_as_it_is() -> None:
    world = _steady(4)
    for bar in world[:2]:
        bar["adj_close"] = 45.0  # a special dividend of a tenth
    for bar in world[2:]:
        bar["close"] = 45.0
        bar["adj_close"] = 45.0
    (fired,) = _only(world, "price_drop")
    assert fired["change_pct"] == pytest.approx(-10.0)


@pytest.mark.parametrize(("at", "suspect"), [(45, True), (41, True), (40, False)])
def test_volatility_made_of_a_suspect_move_is_suspect_for_as_long_as_it_is_in_the_five_days(
    at: int, suspect: bool
) -> None:
    """The 46th bar is the first with 40 volatilities before it: what is hot there fires there."""
    rng = np.random.default_rng(5)
    world, price = _steady(60), 100.0
    for i, bar in enumerate(world):
        price *= 0.3 if i == at else 1.3 if i == 45 else 1 + float(rng.normal(0, 0.01))
        bar["close"] = bar["adj_close"] = price
    (fired,) = [r for r in _only(world, "high_volatility") if r["session"] == world[45]["session"]]
    assert fired["suspect_data"] is suspect


# ----------------------------------------------------------------------------------------------------------- real bars

REAL = ["AAPL", "NVDA", "TSLA", "MSFT", "XOM", "PFE", "GE", "META", "NFLX", "CRWD", "MRNA", "C", "BA", "INTC", "PLTR"]


@pytest.mark.real
def test_real_bars_raise_exactly_the_alerts_of_the_definition(real: Path) -> None:
    con = duckdb.connect()
    wanted = "WHERE ticker IN (SELECT unnest($tickers::VARCHAR[]))"
    world = con.execute(
        "SELECT ticker, date::DATE AS session, close, adj_close, volume::BIGINT AS volume, "
        f"coalesce(basis, 'unknown') AS basis FROM read_parquet($file) {wanted} AND date >= DATE '2017-01-01'",
        {"file": str(real / "market/prices.parquet"), "tickers": REAL},
    ).to_arrow_table().to_pylist()  # fmt: skip
    known = con.execute(
        f"SELECT ticker, date::DATE, value FROM read_parquet($file) {wanted} AND action = 'split'",
        {"file": str(real / "market/corporate_actions.parquet"), "tickers": REAL},
    ).fetchall()
    of = {t: "Technology" if t in ("AAPL", "NVDA", "MSFT", "CRWD", "INTC", "PLTR") else "Else" for t in REAL}
    of["NFLX"] = None
    expected = slow_alerts(world, DEFAULT, known, of)
    assert len(world) > 25_000
    assert len(expected) > 1500
    assert {a.basis for a in expected.values()} == {"own", "sector", "none"}
    _compare(raise_alerts(rows.bars(world), DEFAULT, splits=rows.splits(known), sectors=rows.sectors(of)), expected)
