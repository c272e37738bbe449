"""Every trade has a row per anchor: abnormal returns, or a reason; and groups of trades are tested."""

from __future__ import annotations

import datetime as dt
import math

import numpy as np
import pytest
import statsmodels.api as sm

from cyberpi_assets import tables
from cyberpi_assets.domain.calendar import ordinal
from cyberpi_assets.domain.returns.portfolios import portfolio_returns
from cyberpi_assets.domain.returns.tested import return_tests
from cyberpi_assets.domain.returns.trades import trade_returns
from cyberpi_assets.domain.returns.windows import day_of, day_zero
from cyberpi_assets_tests.domain.returns.worked import (
    FIRST,
    bars,
    companies,
    day,
    fill,
    scores,
    trade,
    trades,
    walk,
)

NAMES = [f"N{i}" for i in range(6)]
ZERO = FIRST + 300
LAST = 480  # sessions of prices


def _prices(seed: int = 1) -> dict[str, dict[int, float]]:
    rng = np.random.default_rng(seed)
    prices = {name: walk(rng, LAST) for name in ("AAA", "MKT", *NAMES)}
    prices["NEW"] = walk(rng, 200, first=FIRST + 280)
    prices["GONE"] = walk(rng, 310)
    return prices


PRICES = _prices()
SECTORS = dict.fromkeys(["AAA", *NAMES], "Energy")


def _returns(*rows: dict[str, object], prices=None, market: str = "MKT", **more):
    found = trade_returns(bars(prices or PRICES), trades(*rows), companies(SECTORS), market, **more)
    tables.conform(tables.TRADE_RETURNS, found)
    return found


def _rows(*rows: dict[str, object], **more) -> dict[tuple[str, str], dict[str, object]]:
    return {(r["trade_id"], r["anchor"]): r for r in _returns(*rows, **more).to_pylist()}


def _number(day: dt.date) -> np.ndarray:
    return np.array([(day - dt.date(1970, 1, 1)).days], np.int32)


@pytest.mark.parametrize(
    ("on", "anchor", "expected"),
    [
        (dt.date(2024, 1, 16), "trade", dt.date(2024, 1, 16)),
        (dt.date(2024, 1, 13), "trade", dt.date(2024, 1, 16)),  # a Saturday before Martin Luther King day
        (dt.date(2024, 1, 12), "disclosure", dt.date(2024, 1, 16)),  # a Friday: published maybe after the close
        (dt.date(2024, 1, 14), "disclosure", dt.date(2024, 1, 16)),
        (dt.date(2024, 1, 16), "disclosure", dt.date(2024, 1, 17)),
    ],
)
def test_day_zero(on: dt.date, anchor: str, expected: dt.date):
    assert day_of(day_zero(_number(on), anchor))[0] == _number(expected)[0]


def test_there_is_no_third_anchor():
    with pytest.raises(ValueError, match="no anchor 'rumour'"):
        day_zero(_number(dt.date(2024, 1, 16)), "rumour")


def test_a_purchase_by_hand():
    row = _rows(trade("1", transaction_date=day(ZERO), filed_on=day(ZERO + 20)))[("1", "trade")]
    own = np.array(list(PRICES["AAA"].values()))
    market = np.array(list(PRICES["MKT"].values()))
    y, x = own[1:] / own[:-1] - 1, market[1:] / market[:-1] - 1  # y[k] is the return of session FIRST + k + 1
    inside = slice(ZERO - 250 - FIRST - 1, ZERO - 30 - FIRST)
    model = sm.OLS(y[inside], sm.add_constant(x[inside])).fit()
    assert row["n_estimation"] == 221
    assert (row["alpha"], row["beta"]) == pytest.approx(tuple(model.params), rel=1e-9)
    for last in (1, 5, 21, 63):
        window = slice(ZERO - FIRST - 1, ZERO - FIRST + last)
        abnormal = y[window] - model.params[0] - model.params[1] * x[window]
        assert row[f"car_0_{last}"] == pytest.approx(abnormal.sum(), rel=1e-9)
    assert row["day0"] == day(ZERO)
    assert row["n_sessions"] == 64
    assert row["reason"] is None
    assert row["flags"] is None
    assert row["sector_car_0_63"] is not None
    assert row["n_sector_estimation"] == 221


def test_a_sale_is_the_purchase_with_the_other_sign():
    kinds = {"buy": {}, "sell": {"side": "sell"}}
    kinds["bought put"] = {"asset_type": "option", "description": "Option type: Put, strike $40"}
    kinds["sold put"] = {"asset_type": "option", "side": "sell", "asset": "Calix Inc Option Type: Put"}
    kinds["bought call"] = {"asset_type": "option", "asset": "Microsoft", "description": "50 CALLS, strike 200"}
    found = _rows(*(trade(k, transaction_date=day(ZERO), filed_on=day(ZERO + 9), **v) for k, v in kinds.items()))
    for anchor in ("trade", "disclosure"):
        plain = found[("buy", anchor)]
        for kind, sign in {"sell": -1, "bought put": -1, "sold put": 1, "bought call": 1}.items():
            row = found[(kind, anchor)]
            assert row["direction"] == sign
            for column in ("car_0_1", "car_0_63", "sector_car_0_21", "bhar_0_63"):
                assert row[column] == pytest.approx(sign * plain[column])
            assert row["se_0_21"] == pytest.approx(plain["se_0_21"])
            assert row["beta"] == pytest.approx(plain["beta"])


def test_the_disclosure_counts_from_the_session_after_the_filing():
    found = _rows(
        trade("1", transaction_date=day(ZERO), filed_on=day(ZERO + 9)),
        trade("2", transaction_date=day(ZERO + 10), filed_on=day(ZERO + 30)),
    )
    assert found[("1", "disclosure")]["day0"] == day(ZERO + 10)
    assert found[("1", "disclosure")]["car_0_21"] == pytest.approx(found[("2", "trade")]["car_0_21"])


WHEN = {"transaction_date": day(ZERO), "filed_on": day(ZERO + 9)}
REASONS = {
    "an exchange is neither bought nor sold": WHEN | {"side": "exchange"},
    "bought or sold is not known": WHEN | {"side": None},
    "deleted by the filer": WHEN | {"filing_status": "deleted"},
    "superseded: house:2": WHEN | {"superseded_by": "house:2"},
    "already disclosed in house:3": WHEN | {"repeat_of": "house:3"},
    "no listed symbol: other": WHEN | {"ticker": None, "asset_type": "other"},
    "not a share, fund or option: corporate_bond": WHEN | {"asset_type": "corporate_bond"},
    "an option whose right (call or put) is not stated": WHEN | {"asset_type": "option"},
    "no market data for this symbol": WHEN | {"ticker": "ZZZ"},
    "the fund stands for the market itself": WHEN | {"ticker": "MKT"},
    "market data of this symbol end earlier": {
        "ticker": "GONE",
        "transaction_date": day(FIRST + 320),
        "filed_on": day(FIRST + 340),
    },
    "market data of this symbol begin later": WHEN
    | {"ticker": "NEW", "transaction_date": day(FIRST + 200), "filed_on": day(FIRST + 220)},
    "fewer than 120 returns on sessions -250 to -30": WHEN | {"ticker": "NEW"},
}


@pytest.mark.parametrize("reason", REASONS)
def test_no_return_has_its_reason(reason: str):
    for row in _rows(trade("1", **REASONS[reason])).values():
        assert row["reason"] == reason
        assert row["sector_reason"] == reason
        assert all(row[c] is None for c in row if c.startswith(("car", "se_", "sector_car", "alpha", "beta", "bhar")))


def test_a_wrong_date_spoils_its_own_anchor_only():
    late = trade("late", transaction_date=day(ZERO + 20), filed_on=day(ZERO + 9))
    undated = trade("undated", transaction_date=None, filed_on=day(ZERO + 9))
    unfiled = trade("unfiled", transaction_date=day(ZERO))
    old = trade("old", transaction_date=dt.date(2008, 3, 3), filed_on=day(ZERO + 9))
    found = _rows(late, undated, unfiled, old)
    assert found[("late", "trade")]["reason"] == "transaction date after the filing"
    assert found[("undated", "trade")]["reason"] == "no transaction date"
    assert found[("old", "trade")]["reason"] == "transaction date before 2012"
    assert found[("unfiled", "disclosure")]["reason"] == "no filing date"
    assert found[("undated", "trade")]["day0"] is None
    fine = [("late", "disclosure"), ("undated", "disclosure"), ("unfiled", "trade"), ("old", "disclosure")]
    assert all(found[k]["reason"] is None for k in fine)


def test_delisted_names_are_kept_and_flagged():
    gone = _rows(trade("1", ticker="GONE", **WHEN))[("1", "trade")]
    assert gone["reason"] is None
    assert gone["n_sessions"] == 10
    assert gone["flags"] == "truncated_0_21,truncated_0_63,prices_end"
    assert gone["sector_car_0_21"] is None
    assert str(gone["sector_reason"]).startswith("sector: ")


def test_the_end_of_the_data_is_not_a_delisting():
    recent = _rows(trade("1", transaction_date=day(FIRST + 470), filed_on=day(FIRST + 471)))[("1", "trade")]
    assert recent["flags"] == "truncated_0_21,truncated_0_63,data_end"


def test_a_hole_in_the_prices_and_a_wild_price_are_flagged():
    holed = PRICES["AAA"].copy()
    del holed[ZERO + 30]
    wild = PRICES["AAA"].copy()
    wild[ZERO + 3] *= 5
    assert _rows(trade("1", **WHEN), prices=PRICES | {"AAA": holed})[("1", "trade")]["flags"] == "truncated_0_63,gap"
    assert _rows(trade("1", **WHEN), prices=PRICES | {"AAA": wild})[("1", "trade")]["flags"] == "suspect_data"


def test_without_a_market_nothing_is_measured_and_said_so():
    row = _rows(trade("1", **WHEN), market="NONE")[("1", "trade")]
    assert row["reason"] == "no market data for the market, NONE"
    assert math.isfinite(ordinal(_number(row["day0"]))[0])


def test_months_choose_the_trades_and_their_union_is_the_whole():
    rows = [trade(str(k), transaction_date=day(ZERO + k), filed_on=day(ZERO + k + 5)) for k in range(0, 80, 10)]
    whole = _returns(*rows)
    months = sorted({str(r["month"]) for r in rows})
    assert len(months) > 2
    parts = [r for m in months for r in _returns(*rows, months=[m]).to_pylist()]
    assert parts == whole.to_pylist()
    assert whole.num_rows == 2 * len(rows)
    assert _returns(*rows, months=["1999-01"]).num_rows == 0


def test_no_trades_and_no_bars():
    assert _returns().num_rows == 0
    empty = trade_returns(bars({}), trades(trade("1", **WHEN)), companies({}), "MKT")
    assert empty.column("reason").to_pylist() == ["no market data for this symbol"] * 2


def _many(seed: int, drift: float = 0.0):
    """Forty purchases and forty sales by two people, with a drift planted after the purchases."""
    rng = np.random.default_rng(seed)
    prices = {name: walk(rng, 900) for name in ("MKT", *NAMES)}
    rows = []
    for k in range(80):
        zero = FIRST + 280 + 7 * k
        name = NAMES[k % 6]
        side = "buy" if k % 2 else "sell"
        for o in [o for o in prices[name] if o > zero]:
            prices[name][o] *= (1 + drift) ** min(o - zero, 5) if side == "buy" else 1.0
        more = {"bioguide_id": "B000002", "party": "Republican"} if k >= 40 else {}
        rows.append(
            trade(f"{k:02}", ticker=name, side=side, transaction_date=day(zero), filed_on=day(zero + 9), **more)
        )
    rows.append(rows[-1] | {"trade_id": "lot"})  # a second lot of the same trade
    return bars(prices), trades(*rows), companies(dict.fromkeys(NAMES, "Energy"))


def _both(seed: int, drift: float = 0.0):
    market, disclosed, known = _many(seed, drift)
    returns = trade_returns(market, disclosed, known, "MKT")
    scored = scores(disclosed, {f"{k:02}": 70.0 if k < 20 else 10.0 for k in range(80)})
    given = (returns, disclosed, scored, market, known, "MKT")
    return returns, tables.conform(tables.RETURN_TESTS, return_tests(*given)), portfolio_returns(*given)


def _pick(found, **keys):
    rows = [r for r in found.to_pylist() if all(r[k] == v for k, v in keys.items())]
    assert len(rows) == 1
    return rows[0]


def test_groups_hold_one_observation_per_person_ticker_day_and_direction():
    returns, tested, held = _both(1)
    tables.conform(tables.PORTFOLIO_RETURNS, held)
    whole = _pick(tested, group_kind="all", anchor="trade", window="0_21", benchmark="market")
    assert (whole["n"], whole["n_trades"]) == (80, 81)
    by_group = {
        r["group_name"]: r["n"]
        for r in tested.to_pylist()
        if r["anchor"] == "trade" and r["window"] == "0_21" and r["benchmark"] == "market"
    }
    assert by_group == {
        "all": 80, "buys": 40, "sells": 40, "suspicious": 20, "not suspicious": 60, "Democrat": 40, "Republican": 40,
        "house": 80, "A000001": 40, "B000002": 40,
    }  # fmt: skip
    cars = {
        r["trade_id"]: r["car_0_21"] for r in returns.to_pylist() if r["anchor"] == "trade" and r["trade_id"] != "lot"
    }
    assert whole["mean_car"] == pytest.approx(np.mean(list(cars.values())))
    assert whole["low"] < whole["mean_car"] < whole["high"]
    assert _pick(held, group_name="all", anchor="trade", sessions_held=21)["n_positions"] == 80


def test_a_drift_planted_after_purchases_is_found_in_them_only():
    _, tested, held = _both(2, drift=0.02)
    for name, found in (("buys", True), ("sells", False)):
        row = _pick(tested, group_name=name, anchor="trade", window="0_5", benchmark="market")
        assert (row["kp_p"] < 0.001) == found
        assert (row["mean_car"] > 0.05) == found
        portfolio = _pick(held, group_name=name, anchor="trade", sessions_held=5)
        assert (portfolio["p"] < 0.001 and portfolio["alpha"] > 0.01) == found
    # the drift is over before the filing is public
    assert _pick(held, group_name="buys", anchor="disclosure", sessions_held=5)["p"] > 0.01


def test_officials_carry_a_q_value_and_small_groups_a_reason():
    _, tested, _ = _both(3)
    people = [r for r in tested.to_pylist() if r["group_kind"] == "official"]
    assert people
    assert all(r["q_value"] >= r["kp_p"] for r in people)
    assert all(r["q_value"] is None for r in tested.to_pylist() if r["group_kind"] != "official")
    market, disclosed, known = _many(3)
    returns = trade_returns(market, disclosed, known, "MKT").slice(0, 8)
    few = return_tests(returns, disclosed, scores(disclosed), market, known, "MKT").to_pylist()
    assert {r["reason"] for r in few} == {"fewer than 10 observations"}
    assert all(r["kp_p"] is None for r in few)
    nobody = fill(tables.TRADE_RETURNS, [])
    assert {r["n"] for r in return_tests(nobody, disclosed, scores(disclosed), market, known, "MKT").to_pylist()} == {0}
    empty = portfolio_returns(nobody, disclosed, scores(disclosed), market, known, "MKT").to_pylist()
    assert {r["reason"] for r in empty} == {"fewer than 120 sessions with a position"}
