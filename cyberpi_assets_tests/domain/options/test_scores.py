"""Threat scores: the seed's tiers to the contract, unknown apart from calm, and an own past without a future."""

from __future__ import annotations

import datetime as dt
import json
import math
import random
import statistics
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from cyberpi_assets.domain.options.history import FEATURES, distances, in_expiry_week, robust_z
from cyberpi_assets.domain.options.scores import percentiles, threats_of
from cyberpi_assets.rules.figures import ThreatRules
from cyberpi_assets.tables import COMPANY_EVENTS, OPTION_FLOW
from cyberpi_assets_tests.domain.options.contract_rows import SESSION, as_table, at
from cyberpi_assets_tests.domain.options.test_flow import sessions_before

RULES = ThreatRules()  # pyright: ignore[reportCallIssue]
# Calm on every indicator.
CALM: dict[str, Any] = {
    "ticker": "ABC", "snapshot_at": at(SESSION), "session": SESSION, "source": "vendor", "data_type": "end_of_day",
    "scope": "chain", "partial_day": False, "stale_minutes": 0.0, "n_contracts": 9, "n_adjusted": 0, "n_near": 9,
    "call_volume": 100, "put_volume": 100, "total_volume": 200, "put_call_ratio": 1.0, "put_share": 0.5,
    "average_volume": 200.0, "average_basis": "own", "n_average": 30, "compared_volume": 200, "volume_excess_pct": 0.0,
    "otm_put_volume": 0, "near_volume": 100, "near_share": 0.5, "pair_share": 0.0, "chain_volume": 200,
    "month": "2026-07",
}  # fmt: skip


def flow(*rows: dict[str, Any]) -> pa.Table:
    return as_table(OPTION_FLOW, [CALM | r for r in rows])


def score(**figures: Any) -> dict[str, Any]:
    return threats_of(flow(figures), RULES).scores.to_pylist()[0]


def indicators(**figures: Any) -> dict[str, dict[str, Any]]:
    return {r["indicator"]: r for r in threats_of(flow(figures), RULES).indicators.to_pylist()}


def test_the_seeds_example_of_unh() -> None:
    unh = {
        "ticker": "UNH", "put_call_ratio": 1.5, "volume_excess_pct": 821.0, "otm_put_volume": 2_407,
        "near_volume": 46_044, "total_volume": 46_050, "near_share": 46_044 / 46_050,
    }  # fmt: skip
    found = score(**unh)
    assert (found["seed_score"], found["severity"], found["confidence"]) == (70, "high", "medium")
    assert (found["coverage"], found["n_fired"], found["n_unknown"], found["reason"]) == (1.0, 3, 0, None)
    assert found["threat_id"] == "financial_UNH_20260714_1600"
    rows = indicators(**unh)
    points = {n: rows[n]["points"] for n in ("put_call_ratio", "volume_excess", "otm_puts", "near_expiries")}
    assert points == {"put_call_ratio": 0, "volume_excess": 25, "otm_puts": 25, "near_expiries": 20}
    assert "46,044 of 46,050 contracts (100 %) expire within 14 days" in rows["near_expiries"]["words"]
    assert "+821 %" in rows["volume_excess"]["words"]


@pytest.mark.parametrize(
    ("figure", "value", "points"),
    [
        ("put_call_ratio", 1.5, 0), ("put_call_ratio", 1.5001, 15), ("put_call_ratio", 2.0, 15),
        ("put_call_ratio", 2.0001, 30), ("volume_excess_pct", 100.0, 0), ("volume_excess_pct", 100.01, 10),
        ("volume_excess_pct", 200.0, 10), ("volume_excess_pct", 200.01, 15), ("volume_excess_pct", 300.0, 15),
        ("volume_excess_pct", 300.01, 25), ("volume_excess_pct", -100.0, 0), ("otm_put_volume", 500, 0),
        ("otm_put_volume", 501, 15), ("otm_put_volume", 1_000, 15), ("otm_put_volume", 1_001, 25),
        ("near_share", 0.5, 0), ("near_share", 0.5001, 20),
    ],
)  # fmt: skip
def test_tiers_are_exceeded_not_reached(figure: str, value: float, points: int) -> None:
    assert score(**{figure: value})["seed_score"] == points


def test_levels_and_the_cap() -> None:
    every = {"put_call_ratio": 9.0, "volume_excess_pct": 999.0, "otm_put_volume": 9_999, "near_share": 1.0}
    most = score(**every)
    assert (most["seed_score"], most["severity"], most["confidence"]) == (100, "critical", "high")
    told = {}
    for drop in every:
        found = score(**{k: v for k, v in every.items() if k != drop})
        told[found["seed_score"]] = (found["severity"], found["confidence"])
    assert told == {70: ("high", "medium"), 75: ("high", "medium"), 80: ("critical", "high")}
    assert (score(put_call_ratio=9.0, near_share=1.0)["severity"], score(near_share=1.0)["severity"]) == (
        "medium",
        "low",
    )


def test_puts_without_calls_fire_at_the_top_tier() -> None:
    found = score(put_volume=5, call_volume=0, total_volume=5, put_call_ratio=None, put_share=1.0)
    assert (found["seed_score"], found["coverage"]) == (30, 1.0)
    words = indicators(put_volume=5, call_volume=0, total_volume=5, put_call_ratio=None)["put_call_ratio"]
    assert (words["state"], words["value"], words["threshold"]) == ("fired", None, 2.0)
    assert "no call traded" in words["words"]


@pytest.mark.parametrize(
    ("figures", "coverage", "value"),
    [
        ({"volume_excess_pct": None}, 0.75, 0),
        ({"volume_excess_pct": None, "otm_put_volume": None, "near_share": 0.9}, 0.5, 20),
        ({"volume_excess_pct": None, "otm_put_volume": None, "near_share": None, "put_call_ratio": 9.0}, 0.25, None),
        # nothing traded: the ratio and the near share do not exist; the volume is low and known
        ({"put_volume": 0, "call_volume": 0, "total_volume": 0, "put_call_ratio": None, "near_share": None,
          "volume_excess_pct": -100.0}, 0.5, 0),
        # one side is not stated
        ({"put_volume": 9, "call_volume": None, "total_volume": None, "put_call_ratio": None, "near_share": None,
          "otm_put_volume": 2_000, "volume_excess_pct": None}, 0.25, None),
    ],
)  # fmt: skip
def test_unknown_is_not_calm(figures: dict[str, Any], coverage: float, value: int | None) -> None:
    found = score(**figures)
    assert (found["coverage"], found["seed_score"]) == (coverage, value)
    assert (found["reason"] is None) == (value is not None)
    assert (found["severity"] is None) == (found["confidence"] is None) == (value is None)
    states = [r["state"] for n, r in indicators(**figures).items() if not n.startswith("history_")]
    assert states.count("unknown") == found["n_unknown"] == round(4 * (1 - coverage))


def test_points_of_the_rows_sum_to_the_score_and_ids_are_new_york_minutes() -> None:
    rows = [
        {"near_share": 1.0, "snapshot_at": at(SESSION, 10, 30), "partial_day": True},
        {"put_call_ratio": 3.0, "snapshot_at": at(SESSION, 11)},
        {"ticker": "BRK-B", "session": dt.date(2026, 1, 5), "snapshot_at": at(dt.date(2026, 1, 5), 9, 45),
         "month": "2026-01"},
    ]  # fmt: skip
    found = threats_of(flow(*rows), RULES)
    assert [r["threat_id"] for r in found.scores.to_pylist()] == [
        "financial_BRK-B_20260105_0945", "financial_ABC_20260714_1030", "financial_ABC_20260714_1100",
    ]  # fmt: skip
    summed: dict[str, int] = {}
    for r in found.indicators.to_pylist():
        summed[r["threat_id"]] = summed.get(r["threat_id"], 0) + (r["points"] or 0)
        assert r["indicator_id"] == f"{r['threat_id']}/{r['indicator']}"
        assert r["words"].endswith(".")
    assert summed == {r["threat_id"]: r["seed_score"] for r in found.scores.to_pylist()}
    assert "so far today" in next(
        r["words"]
        for r in found.indicators.to_pylist()
        if r["indicator_id"] == "financial_ABC_20260714_1030/volume_excess"
    )


def test_two_snapshots_of_a_minute_are_one_threat_the_later() -> None:
    early, late = at(SESSION, 11), at(SESSION, 11) + dt.timedelta(seconds=40)
    found = threats_of(flow({"snapshot_at": early}, {"snapshot_at": late, "near_share": 1.0}), RULES).scores.to_pylist()
    assert [(r["snapshot_at"], r["seed_score"]) for r in found] == [(late, 20)]


def test_robust_z_is_the_worked_example(oracles: Path) -> None:
    case = next(o for o in json.loads((oracles / "oracles.json").read_text())["oracles"] if o["id"] == "alert/robust_z")
    history = np.array(case["history"])
    median = np.median(history)
    mad = np.median(np.abs(history - median))
    z = robust_z(np.array([case["x"]]), np.array([median]), np.array([mad]))
    assert z[0] == pytest.approx(case["robust_z"], rel=1e-12)
    assert np.isnan(robust_z(np.array([1.0]), np.array([1.0]), np.array([0.0]))[0])
    assert robust_z(np.array([1.5]), np.array([1.0]), np.array([0.0]), 0.1)[0] == pytest.approx(5.0)


def test_the_week_of_the_third_friday() -> None:
    days = {dt.date(2026, 7, 12): False, dt.date(2026, 7, 13): True, dt.date(2026, 7, 17): True,
            dt.date(2026, 7, 20): False, dt.date(2026, 5, 15): True, dt.date(2026, 8, 21): True,
            dt.date(2026, 8, 14): False, dt.date(2027, 1, 11): True}  # fmt: skip
    numbers = np.array([(d - dt.date(1970, 1, 1)).days for d in days])
    assert in_expiry_week(numbers).tolist() == list(days.values())


def past(n: int, seed: int = 7, tickers: int = 1, end: dt.date = SESSION) -> list[dict[str, Any]]:
    """Flow of n sessions before a day, and of the day, with features at random."""
    draw = random.Random(seed)
    rows: list[dict[str, Any]] = []
    for t in range(tickers):
        for day in [*sessions_before(end, n), end]:
            features = {f: round(draw.gauss(t, 1), 3) for f in FEATURES}
            if draw.random() < 0.1:
                features["skew_25d"] = None
            rows.append(
                {"ticker": f"T{t:02d}", "session": day, "snapshot_at": at(day), "month": f"{day:%Y-%m}",
                 "chain_volume": 1_000 + 10 * t} | features
            )  # fmt: skip
    return rows


def slow_own(rows: list[dict[str, Any]], row: dict[str, Any], feature: str) -> tuple[float, float] | None:
    """Median and MAD of a row's own past by loops: the newest 120 sessions, of its kind where there are enough."""
    within = set(sessions_before(row["session"], 120))
    mine = [r for r in rows if r["ticker"] == row["ticker"] and r["session"] in within and r[feature] is not None]
    if len(mine) < 20:
        return None

    def week(day: dt.date) -> bool:
        friday = day + dt.timedelta(days=4 - day.weekday())
        return 15 <= friday.day <= 21

    same_week = [r for r in mine if week(r["session"]) == week(row["session"])]
    same = [r for r in same_week if r["session"].weekday() == row["session"].weekday()]
    use = same if len(same) >= 12 else same_week if len(same_week) >= 12 else mine
    values = [r[feature] for r in use]
    median = statistics.median(values)
    return median, statistics.median(abs(v - median) for v in values)


@pytest.mark.parametrize("n", [19, 21, 50, 130, 200])
def test_a_loop_over_the_own_past_finds_the_same(n: int) -> None:
    rows = past(n)
    found = distances(flow(*rows), None, RULES)
    for at_row in (len(rows) - 1, len(rows) // 2):
        row = rows[at_row]
        for i, (feature, (_, absolute, relative)) in enumerate(FEATURES.items()):
            slow = slow_own(rows, row, feature)
            mine = found.own[at_row, i]
            if slow is None or row[feature] is None:
                assert math.isnan(mine)
                continue
            spread = max(slow[1] / statistics.NormalDist().inv_cdf(0.75), absolute, relative * abs(slow[0]))
            assert mine == pytest.approx((row[feature] - slow[0]) / spread, rel=1e-9)
    assert found.n[-1] == min(n, 120)


def test_fewer_than_twenty_sessions_are_no_history() -> None:
    short = threats_of(flow(*past(19, tickers=12)), RULES).scores.to_pylist()
    assert {r["history_score"] for r in short} == {None}
    assert {r["history_reason"] for r in short} == {"insufficient history"}
    enough = [r for r in threats_of(flow(*past(20, tickers=12)), RULES).scores.to_pylist() if r["session"] == SESSION]
    assert {r["history_n"] for r in enough} == {20}
    assert {r["history_weight"] for r in enough} == {0.5}
    assert sorted(r["history_score"] for r in enough) == pytest.approx([100 * (i + 0.5) / 12 for i in range(12)])
    few = [r for r in threats_of(flow(*past(30, tickers=9)), RULES).scores.to_pylist() if r["session"] == SESSION]
    assert {r["history_reason"] for r in few} == {"too few underlyings of that date to rank among"}


def test_neither_the_future_nor_the_day_itself_is_history() -> None:
    rows = past(60, tickers=11)
    cut = sessions_before(SESSION, 15)[0]
    until = [r for r in rows if r["session"] <= cut]
    changed = [r | {"skew_25d": 99.0, "log_put_call": -50.0} if r["session"] > cut else r for r in rows]

    def told(of: list[dict[str, Any]]) -> list[dict[str, Any]]:
        both = threats_of(flow(*of), RULES)
        return [r for t in (both.scores, both.indicators) for r in t.to_pylist() if r["session"] <= cut]

    assert told(until) == told(rows) == told(changed)
    others = [r | {"skew_25d": 9.0} if r["session"] == SESSION and r["ticker"] != "T00" else r for r in rows]

    def z_of_first(of: list[dict[str, Any]]) -> float:
        table = threats_of(flow(*of), RULES).scores.to_pylist()
        return next(r["history_z"] for r in table if r["session"] == SESSION and r["ticker"] == "T00")

    assert z_of_first(others) == z_of_first(rows)  # peers count by their past, not by their day


def test_a_month_is_the_same_alone_as_in_a_range() -> None:
    rows = past(130, tickers=11)
    table = flow(*rows)
    months = sorted({r["month"] for r in rows})
    whole = threats_of(table, RULES, months=months)
    for month in months[-1:]:
        first = f"{int(month[:4]) * 12 + int(month[5:]) - 8:d}"
        near = [r for r in rows if int(r["month"][:4]) * 12 + int(r["month"][5:]) >= int(first)]
        alone = threats_of(flow(*[r for r in near if r["month"] <= month]), RULES, months=[month])
        for got, every in ((alone.scores, whole.scores), (alone.indicators, whole.indicators)):
            assert got.to_pylist() == [r for r in every.to_pylist() if r["month"] == month]


def test_peers_are_weighed_in_by_how_short_the_own_past_is() -> None:
    rows = past(20, tickers=12)
    found = distances(flow(*rows), None, RULES)
    last = [i for i, r in enumerate(rows) if r["session"] == SESSION]
    w = 20 / 40
    both = w * found.own[last] + (1 - w) * found.peers[last]
    both = np.where(np.isnan(found.peers[last]), found.own[last], both)  # a feature that too few peers have
    assert np.isfinite(found.peers[last]).sum() > 50
    assert found.combined[last] == pytest.approx(np.clip(both, -10, 10), nan_ok=True)
    alone = distances(flow(*past(20)), None, RULES)
    assert np.isnan(alone.peers).all()
    assert alone.weight[-1] == 1.0
    assert alone.combined[-1] == pytest.approx(np.clip(alone.own[-1], -10, 10), nan_ok=True)


def test_sums_of_a_day_that_goes_on_are_not_held_against_whole_days() -> None:
    rows = past(40)
    rows[-1] |= {"partial_day": True, "snapshot_at": at(SESSION, 11)}
    found = distances(flow(*rows), None, RULES)
    names = list(FEATURES)
    unknown = {names[i] for i in np.flatnonzero(np.isnan(found.own[-1]))}
    assert {"volume_ratio", "put_flow_adv"} <= unknown
    before = past(40)
    half = [r | {"log_put_call": 77.0, "partial_day": True, "snapshot_at": at(r["session"], 10)} for r in before[:-1]]
    with_half = distances(flow(*before, *half), None, RULES)
    assert with_half.own[len(before) - 1] == pytest.approx(distances(flow(*before), None, RULES).own[-1], nan_ok=True)


def test_percentiles_halve_ties_and_want_company() -> None:
    group = np.array([1, 1, 1, 1, 2, 2])
    values = np.array([5.0, 1.0, 5.0, np.nan, 1.0, 2.0])
    found = percentiles(group, values, 3)
    assert found[:3] == pytest.approx([200 / 3, 100 / 6, 200 / 3])
    assert np.isnan(found[3:]).all()


def event(kind: str, on: dt.date, known_from: dt.date | None = None) -> dict[str, Any]:
    return {"ticker": "ABC", "event_on": on, "event": kind, "known_from": known_from, "source": "s"}


@pytest.mark.parametrize(
    ("on", "flagged"),
    [
        (dt.date(2026, 7, 21), True),  # five sessions ahead
        (dt.date(2026, 7, 22), False),
        (dt.date(2026, 7, 13), True),  # the session before
        (dt.date(2026, 7, 10), False),
        (SESSION, True),
    ],
)
def test_earnings_excuse_from_five_sessions_before_to_one_after(on: dt.date, flagged: bool) -> None:
    found = threats_of(flow({}), RULES, events=as_table(COMPANY_EVENTS, [event("earnings", on)])).scores.to_pylist()
    assert found[0]["confounders"] == (["earnings"] if flagged else [])
    later = event("earnings", on, SESSION + dt.timedelta(days=1))  # nobody knew it yet
    assert (
        threats_of(flow({}), RULES, events=as_table(COMPANY_EVENTS, [later])).scores.to_pylist()[0]["confounders"] == []
    )


def test_other_confounders() -> None:
    events = as_table(COMPANY_EVENTS, [event("ex_dividend", dt.date(2026, 7, 16))])
    spike = {"call_volume": 900, "put_volume": 100, "volume_excess_pct": 400.0}
    companies = pa.table({"ticker": ["ABC"], "name": ["Abc Total Market ETF"], "sector": pa.array([None], pa.string())})

    def of(**figures: Any) -> list[str]:
        return threats_of(flow(figures), RULES, events=events).scores.to_pylist()[0]["confounders"]

    assert of(**spike) == ["ex_dividend"]
    assert of(call_volume=100, put_volume=900, volume_excess_pct=400.0) == []
    assert of(**spike | {"volume_excess_pct": 50.0}) == []
    assert of(pair_share=0.2, pair_kind="spread") == ["spread"]
    assert of(pair_share=0.6, pair_kind="hedge", ticker="SPY") == ["hedge", "index"]
    assert of(pair_share=0.19, pair_kind="hedge") == []
    assert threats_of(flow({}), RULES, companies=companies).scores.to_pylist()[0]["confounders"] == ["index"]


def test_nothing_in_nothing_out() -> None:
    found = threats_of(OPTION_FLOW.empty(), RULES)
    assert (found.scores.num_rows, found.indicators.num_rows) == (0, 0)
