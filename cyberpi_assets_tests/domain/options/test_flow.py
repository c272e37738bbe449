"""Option flow against a loop over contracts, and where a careless reading would go wrong."""

from __future__ import annotations

import datetime as dt
import json
import math
import random
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from cyberpi_assets.domain.calendar import sessions
from cyberpi_assets.domain.options.flow import option_flow
from cyberpi_assets.rules.figures import OptionRules
from cyberpi_assets.tables import CORPORATE_ACTIONS, DAILY_BARS, MARKET_SNAPSHOTS, OPTION_FLOW
from cyberpi_assets_tests.domain.options.contract_rows import (
    SESSION,
    as_table,
    at,
    chains,
    contract,
    slow_flow,
    volumes,
)

RULES = OptionRules()  # pyright: ignore[reportCallIssue]
_EPOCH = dt.date(1970, 1, 1)


def sessions_before(day: dt.date, n: int) -> list[dt.date]:
    """The n exchange sessions before a day, ascending."""
    known = [d for d in sessions().tolist() if d < (day - _EPOCH).days]
    return [_EPOCH + dt.timedelta(days=d) for d in known[-n:]]


def one(rows: list[dict[str, Any]], **inputs: Any) -> dict[str, Any]:
    """The single row of flow of one snapshot."""
    found = option_flow(chains(rows), RULES, **inputs)
    assert found.schema.names == OPTION_FLOW.names
    assert found.num_rows == 1
    return found.to_pylist()[0]


def test_a_loop_over_the_contracts_finds_the_same() -> None:
    draw = random.Random(20260714)
    every = [
        (right, strike, days)
        for right in ("put", "call")
        for strike in (80.0, 94.99, 95.0, 95.01, 100.0, 120.0)
        for days in (0, 1, 14, 15, 30, 31, 45, 46, 200)
    ]
    drawn: dict[str, list[dict[str, Any]]] = {}
    for i in range(300):
        of = {"ticker": f"T{i:03d}", "underlying_price": draw.choice([100.0, 100.0, None])}
        sizes = draw.choice([[0, 1, 99, 100, 101, 250, 5_000], [None, 0, 250], [None], [0]])
        some = draw.sample(every, draw.choice([1, 2, 5, 40]))
        drawn[of["ticker"]] = [
            contract(r, k, d, draw.choice(sizes), multiplier=draw.choice([None, 100, 100, 10]), **of)
            for r, k, d in some
        ]
    found = option_flow(chains(r for rows in drawn.values() for r in rows), RULES).to_pylist()
    assert [r["ticker"] for r in found] == list(drawn)
    for row in found:
        for name, value in slow_flow(drawn[row["ticker"]]).items():
            assert row[name] == pytest.approx(value), (row["ticker"], name)


def test_calls_that_did_not_trade_have_no_ratio_and_the_put_share_decides(oracles: Path) -> None:
    cases = next(
        o for o in json.loads((oracles / "oracles.json").read_text())["oracles"] if o["id"] == "options/pcr_zero_calls"
    )["cases"]
    assert len(cases) == 5
    for case in cases:
        found = one([contract("put", 90.0, 5, case["put"]), contract("call", 110.0, 5, case["call"])])
        assert found["put_call_ratio"] == case["raw"]
        assert found["put_share"] == case["put_share"]
        assert found["log_put_call"] == pytest.approx(case["log_ratio_smoothed"], abs=1e-12)


def test_volume_that_nobody_states_is_not_zero() -> None:
    silent = one([contract("put", 90.0, 5, 10), contract("call", 110.0, 5, None)])
    assert (silent["call_volume"], silent["put_volume"], silent["total_volume"]) == (None, 10, None)
    assert silent["put_call_ratio"] is None
    assert silent["put_share"] is None
    assert "volume not stated" in silent["reasons"]
    partly = one([contract("put", 90.0, 5, 10), contract("call", 110.0, 5, None), contract("call", 115.0, 5, 5)])
    assert (partly["call_volume"], partly["share_volume_known"]) == (5, pytest.approx(2 / 3))
    left_out = one([contract("put", 90.0, 5, 10)])  # a vendor that lists only what traded
    assert (left_out["call_volume"], left_out["put_share"]) == (0, 1.0)


def test_without_a_spot_price_puts_cannot_be_out_of_the_money_unless_none_is_large() -> None:
    large = one([contract("put", 90.0, 5, 5_000, underlying_price=None), contract("call", 110.0, 5, 5)])
    assert large["underlying_price"] == 100.0  # another contract of the chain states it
    unknown = one(
        [contract(r, k, 5, v, underlying_price=None) for r, k, v in [("put", 90.0, 5_000), ("call", 110.0, 5)]]
    )
    assert unknown["otm_put_volume"] is None
    assert unknown["otm_put_share"] is None
    assert "no spot price" in unknown["reasons"]
    small = one([contract(r, k, 5, v, underlying_price=None) for r, k, v in [("put", 90.0, 100), ("call", 110.0, 5)]])
    assert small["otm_put_volume"] == 0


def test_one_price_of_the_underlying_decides_for_all_contracts_of_a_snapshot() -> None:
    """Providers answer one expiry after the other, and the price moves in between."""
    rows = [contract("put", 95.0, 5, 500, underlying_price=s) for s in (101.0,)]
    rows += [
        contract("put", 95.5, 5, 300, underlying_price=99.0),
        contract("call", 110.0, 5, 5, underlying_price=101.0),
    ]
    found = one(rows)
    assert found["underlying_price"] == 101.0
    assert found["otm_put_volume"] == 800


def test_volume_is_held_against_the_same_window_of_prior_sessions() -> None:
    days = sessions_before(SESSION, 40)
    rows = [contract(r, k, 5, v, session=d) for d in days for r, k, v in (("put", 95.0, 40), ("call", 105.0, 60))]
    rows += [contract("put", 60.0, 300, 9_000, session=d) for d in days]  # far expiries do not count on any day
    rows += [contract("put", 95.0, 5, 321), contract("call", 105.0, 5, 600)]
    found = option_flow(chains(rows), RULES, volumes=volumes(dict.fromkeys(days, 7))).to_pylist()
    last = found[-1]
    assert (last["average_volume"], last["average_basis"], last["n_average"]) == (100.0, "own", 30)
    assert (last["compared_volume"], last["volume_excess_pct"]) == (921, pytest.approx(821.0))
    assert last["volume_ratio"] is not None
    assert found[9]["average_basis"] is None  # nine prior chains are too few, and so are nine prior totals
    assert found[10]["average_basis"] == "own"


def test_without_own_chains_the_whole_chain_is_held_against_whole_chains_then_the_providers_mean() -> None:
    rows = [contract("put", 95.0, 5, 100), contract("call", 105.0, 5, 100), contract("call", 105.0, 200, 200)]
    days = sessions_before(SESSION, 70)
    own = one(rows, volumes=volumes(dict.fromkeys(days, 200)))
    assert (own["average_basis"], own["average_volume"], own["n_average"]) == ("own_total", 200.0, 30)
    assert (own["total_volume"], own["compared_volume"], own["volume_excess_pct"]) == (200, 400, 100.0)
    assert own["volume_ratio"] == 2.0
    quote = {
        "ticker": "ABC", "snapshot_at": at(SESSION, 15, 50), "session": SESSION, "average_option_volume": 100.0,
        "data_type": "live", "source": "ib", "file": "f", "month": "2026-07",
    }  # fmt: skip
    theirs = one(rows, quotes=as_table(MARKET_SNAPSHOTS, [quote]))
    assert (theirs["average_basis"], theirs["volume_excess_pct"]) == ("provider", 300.0)
    nobody = one(rows)
    assert (nobody["average_basis"], nobody["volume_excess_pct"]) == (None, None)
    assert "no average volume" in nobody["reasons"]


def test_a_split_multiplies_the_volumes_before_it_and_only_whole_ratios_do() -> None:
    days = sessions_before(SESSION, 30)
    rows = [contract("put", 95.0, 5, 400), contract("call", 105.0, 5, 400)]

    def split(value: float, on: dt.date) -> pa.Table:
        action = {"ticker": "ABC", "session": on, "action": "split", "value": value, "source": "s"}
        return as_table(CORPORATE_ACTIONS, [action])

    before = volumes(dict.fromkeys(days, 100))
    assert one(rows, volumes=before, actions=split(4.0, SESSION))["volume_excess_pct"] == pytest.approx(100.0)
    assert one(rows, volumes=before, actions=split(1.5, SESSION))["volume_excess_pct"] == pytest.approx(700.0)
    assert one(rows, volumes=before, actions=split(0.1, SESSION))["volume_excess_pct"] == pytest.approx(700.0)
    later = split(4.0, SESSION + dt.timedelta(days=1))
    assert one(rows, volumes=before, actions=later)["volume_excess_pct"] == pytest.approx(700.0)
    half = one(rows, volumes=before, actions=split(2.0, days[15]))  # 15 sessions of 200, 15 of 100
    assert half["average_volume"] == pytest.approx(150.0)


@pytest.mark.parametrize("close", [25.0, 60.0])  # adjusted for the split to come; not telling
def test_shares_of_bars_are_brought_to_the_units_of_the_day(close: float) -> None:
    days = [*sessions_before(SESSION, 30), SESSION]

    def bars(price: float) -> pa.Table:
        one_day = {"ticker": "ABC", "close": price, "volume": 4_000, "basis": "split", "source": "s"}
        return as_table(DAILY_BARS, [one_day | {"session": d, "month": f"{d:%Y-%m}"} for d in days])

    rows = [contract("put", 95.0, 5, 10, implied_vol=0.3, delta=-0.2), contract("call", 105.0, 5, 4)]
    assert one(rows, bars=bars(100.0))["put_flow_adv"] == pytest.approx(10 * 0.2 * 100 / 4_000)
    later = {"ticker": "ABC", "session": SESSION + dt.timedelta(days=9), "action": "split", "value": 4.0, "source": "s"}
    split = as_table(CORPORATE_ACTIONS, [later])  # bars hold four times the shares that traded that day
    assert one(rows, bars=bars(close), actions=split)["put_flow_adv"] == pytest.approx(10 * 0.2 * 100 / 1_000)
    blind = [contract("put", 95.0, 5, 10, underlying_price=None), contract("call", 105.0, 5, 4, underlying_price=None)]
    assert one(blind, bars=bars(100.0))["put_flow_adv"] is None


def test_a_split_that_no_list_names_is_told_by_the_price() -> None:
    """The chain says 400 where the adjusted bar says 100, until it says 100: four for one."""
    days = [*sessions_before(SESSION, 20), SESSION]
    bars = as_table(
        DAILY_BARS,
        [
            {"ticker": "ABC", "session": d, "close": 100.0, "volume": 4_000, "basis": "split", "source": "s",
             "month": f"{d:%Y-%m}"} for d in days
        ],
    )  # fmt: skip
    rows = [
        contract(r, k, 5, v, session=d, underlying_price=s, open_interest=10, implied_vol=0.3,
                 delta=0.2 if r == "call" else -0.2)
        for d in days for s in [100.0 if d == SESSION else 402.0]
        for r, k, v in (("put", s - 5, 60), ("call", s + 5, 40))
    ]  # fmt: skip
    found = option_flow(chains(rows), RULES, bars=bars).to_pylist()
    before, after = found[-2:]
    assert (before["average_volume"], after["average_volume"]) == (100.0, 400.0)
    assert after["volume_excess_pct"] == pytest.approx(-75.0)
    assert "split today" in after["reasons"]
    assert before["put_flow_adv"] == pytest.approx(60 * 0.2 * 100 / 1_000)  # 4,000 shares of today were 1,000
    assert after["put_flow_adv"] == pytest.approx(60 * 0.2 * 100 / 4_000)
    listed = {"ticker": "ABC", "session": SESSION, "action": "split", "value": 4.0, "source": "s"}
    told = option_flow(chains(rows), RULES, bars=bars, actions=as_table(CORPORATE_ACTIONS, [listed])).to_pylist()
    assert told == found  # a listed split is not counted twice


def test_open_interest_changed_the_session_before_and_is_known_today() -> None:
    (before,) = sessions_before(SESSION, 1)
    rows = [
        contract("put", 90.0, 7, 100, session=before, open_interest=1_000),
        contract("put", 80.0, 7, 300, session=before, open_interest=50),  # not listed today
        contract("call", 110.0, 0, 100, session=before, open_interest=9_000),  # expires before today
        contract("put", 90.0, 6, 1, open_interest=1_150),
        contract("call", 130.0, 6, 1, open_interest=77),  # new today
    ]
    found = option_flow(chains(rows), RULES).to_pylist()
    assert (found[0]["oi_change"], found[0]["oi_session"]) == (None, None)
    assert (found[1]["oi_change"], found[1]["oi_session"]) == (pytest.approx(150 / 500), before)
    split = as_table(
        CORPORATE_ACTIONS,
        [{"ticker": "ABC", "session": SESSION, "action": "split", "value": 2.0, "source": "s"}],
    )
    torn = option_flow(chains(rows), RULES, actions=split).to_pylist()[1]
    assert torn["oi_change"] is None
    assert "split today" in torn["reasons"]
    gap = [r | {"session": before - dt.timedelta(days=7)} if r["session"] == before else r for r in rows]
    assert option_flow(chains(gap), RULES).to_pylist()[1]["oi_change"] is None  # a session was missed


def test_the_surface_is_read_off_between_deltas_and_expiries() -> None:
    def smile(days: int, level: float) -> list[dict[str, Any]]:
        deltas = (("put", -0.15, 0.10), ("put", -0.35, 0.04), ("put", -0.45, 0.01), ("put", -0.55, -0.01),
                  ("call", 0.45, 0.01), ("call", 0.55, -0.01))  # fmt: skip
        return [
            contract(r, 100.0 + 10 * d + days / 100, days, 10, implied_vol=level + up, delta=d) for r, d, up in deltas
        ]

    found = one(smile(20, 0.50) + smile(40, 0.40) + smile(60, 0.30))
    assert found["atm_iv"] == pytest.approx(0.45)  # half-way from 20 to 40 days
    assert found["skew_25d"] == pytest.approx(0.07)  # half-way from 15 to 35 delta, less nothing at 50
    assert found["term_slope"] == pytest.approx(0.30 - 0.50)
    far = one(smile(100, 0.4))
    assert (far["atm_iv"], far["skew_25d"], far["term_slope"]) == (None, None, None)
    assert "no skew" in far["reasons"]


def test_legs_of_one_size_in_one_expiry_are_a_pair() -> None:
    legs = [contract("put", 90.0, 5, 1_000), contract("put", 80.0, 5, 950), contract("call", 110.0, 5, 50)]
    assert (one(legs)["pair_kind"], one(legs)["pair_share"]) == ("spread", pytest.approx(1_950 / 2_000))
    collar = [contract("put", 90.0, 5, 1_000), contract("put", 80.0, 5, 500), contract("call", 110.0, 5, 1_050)]
    assert (one(collar)["pair_kind"], one(collar)["pair_share"]) == ("hedge", pytest.approx(2_050 / 2_550))
    apart = [contract("put", 90.0, 5, 1_000), contract("put", 80.0, 6, 1_000), contract("call", 110.0, 5, 600)]
    assert one(apart)["pair_kind"] is None
    small = [contract("put", 90.0, 5, 499), contract("put", 80.0, 5, 499), contract("call", 110.0, 5, 1)]
    assert one(small)["pair_share"] == 0


def test_a_snapshot_before_the_close_says_so_and_is_no_past_for_others() -> None:
    days = sessions_before(SESSION, 12)
    rows = [
        contract(r, k, 5, v, session=d, snapshot_at=at(d, 11))
        for d in days for r, k, v in (("put", 95.0, 1), ("call", 105.0, 1))
    ]  # fmt: skip
    rows += [contract("put", 95.0, 5, 50), contract("call", 105.0, 5, 50)]
    found = option_flow(chains(rows), RULES).to_pylist()
    assert [r["partial_day"] for r in found] == [True] * 12 + [False]
    assert found[-1]["average_basis"] is None
    late = one([contract("put", 95.0, 5, 50, snapshot_at=at(SESSION) + dt.timedelta(hours=14))])
    assert (late["partial_day"], late["stale_minutes"]) == (False, 14 * 60)
    almost = one([contract("put", 95.0, 5, 50, snapshot_at=at(SESSION, 15, 50))])
    assert (almost["partial_day"], almost["stale_minutes"]) == (False, 0)
    half_day = dt.date(2026, 11, 27)  # closes at 13:00
    early = one([contract("put", 95.0, 5, 50, session=half_day, snapshot_at=at(half_day, 13, 30))])
    assert (early["partial_day"], early["stale_minutes"]) == (False, 30)


def test_a_quote_without_a_chain_has_a_row_of_its_own_and_one_beside_a_chain_has_none() -> None:
    quote = {
        "ticker": "ABC", "snapshot_at": at(SESSION, 15, 50), "session": SESSION, "price": 99.0, "call_volume": 40,
        "put_volume": 100, "average_option_volume": 70.0, "data_type": "live", "source": "ib", "file": "f",
        "month": "2026-07",
    }  # fmt: skip
    other = quote | {"ticker": "XYZ", "call_volume": 0}
    silent = quote | {"ticker": "MUM", "call_volume": None, "put_volume": None}
    quotes = as_table(MARKET_SNAPSHOTS, [quote, other, silent])
    found = option_flow(chains([contract("put", 95.0, 5, 50)]), RULES, quotes=quotes, months=["2026-07"]).to_pylist()
    assert [(r["ticker"], r["scope"]) for r in found] == [("ABC", "chain"), ("XYZ", "quote")]
    lone = found[1]
    assert (lone["put_call_ratio"], lone["put_share"], lone["otm_put_volume"]) == (None, 1.0, None)
    assert lone["volume_excess_pct"] == pytest.approx(100 * (100 - 70) / 70)
    assert lone["log_put_call"] == pytest.approx(math.log(100.5 / 0.5))


def test_a_month_is_the_same_alone_as_in_a_range() -> None:
    days = [*sessions_before(SESSION, 60), SESSION]
    rows: list[dict[str, Any]] = []
    for i, d in enumerate(days):
        for source in ("vendor", "yahoo"):
            rows += [
                contract("put", 90.0 + k, e, 40 + 7 * i + k, session=d, source=source, open_interest=100 * i + k,
                         implied_vol=0.4 + k / 100, delta=-0.1 - k / 20)
                for k in range(8) for e in (3, 17, 31, 60)
            ]  # fmt: skip
            rows += [contract("call", 100.0, e, 300 - i, session=d, source=source) for e in (3, 31)]
    table, total = chains(rows), volumes({d: 1_000 + i for i, d in enumerate(days)})
    months = sorted(set(table.column("month").to_pylist()))
    assert len(months) == 4
    con = duckdb.connect()
    for given in (table, con.from_arrow(table)):
        whole = option_flow(given, RULES, volumes=total, months=months)
        single = pa.concat_tables([option_flow(given, RULES, volumes=total, months=[m]) for m in months])
        assert whole.num_rows == 2 * len(days)
        assert single.equals(whole)
    assert option_flow(table, RULES, volumes=total).equals(whole)
    hidden = [r for r in rows if r["month"] < months[-1]]  # the future tells nothing
    told = option_flow(chains(hidden), RULES, volumes=total, months=[months[-2]])
    assert told.equals(option_flow(table, RULES, volumes=total, months=[months[-2]]))


def test_nothing_in_nothing_out() -> None:
    assert option_flow(chains([]), RULES).num_rows == 0
    assert option_flow(chains([]), RULES, months=["2026-07"]).num_rows == 0
