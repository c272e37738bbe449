"""Which two prices make a return, and what the market and the sector did over the same span."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest

from cyberpi_assets.domain.returns.prices import panel
from cyberpi_assets_tests.domain.returns.worked import FIRST, bars, companies, walk


def _of(found, ticker, what="change"):
    mine = found.code == found.tickers.index(ticker)
    return dict(zip(found.session[mine].tolist(), getattr(found, what)[mine].tolist(), strict=True))


def _edited(table: pa.Table, column: str, values: list) -> pa.Table:
    at = table.column_names.index(column)
    return table.set_column(at, table.schema.field(column), pa.array(values, table.schema.field(column).type))


def test_a_dividend_is_part_of_the_return():
    table = _edited(bars({"AAA": {FIRST: 100.0, FIRST + 1: 98.0}}), "adj_close", [97.0, 98.0])
    assert _of(panel(table, companies({}), "MKT"), "AAA")[FIRST + 1] == pytest.approx(98 / 97 - 1)


def test_across_a_change_of_source_only_the_close_is_compared():
    table = bars({"AAA": {FIRST: 100.0, FIRST + 1: 101.0, FIRST + 2: 102.0}})
    table = _edited(_edited(table, "adj_close", [80.0, 80.8, 102.0]), "source", ["one", "one", "two"])
    found = _of(panel(table, companies({}), "MKT"), "AAA")
    assert found[FIRST + 1] == pytest.approx(0.01)
    assert found[FIRST + 2] == pytest.approx(102 / 101 - 1)
    other_basis = _edited(table, "basis", ["split", "split", "total"])
    assert math.isnan(_of(panel(other_basis, companies({}), "MKT"), "AAA")[FIRST + 2])


def test_without_an_adjusted_close_the_close_is_taken():
    table = _edited(bars({"AAA": {FIRST: 100.0, FIRST + 1: 103.0}}), "adj_close", [None, None])
    assert _of(panel(table, companies({}), "MKT"), "AAA")[FIRST + 1] == pytest.approx(0.03)


def test_a_halt_is_set_against_the_market_over_the_same_span():
    market = walk(np.random.default_rng(1), 60)
    halted = {FIRST: 50.0, FIRST + 1: 51.0, FIRST + 9: 5.0, FIRST + 40: 6.0}
    found = panel(bars({"AAA": halted, "MKT": market}), companies({}), "MKT")
    assert _of(found, "AAA")[FIRST + 9] == pytest.approx(5 / 51 - 1)
    assert _of(found, "AAA", "market")[FIRST + 9] == pytest.approx(market[FIRST + 9] / market[FIRST + 1] - 1)
    assert math.isnan(_of(found, "AAA")[FIRST + 40])  # 31 sessions later it may be another company


def test_no_return_reaches_into_the_ticker_before():
    found = panel(bars({"AAA": {FIRST: 1.0, FIRST + 1: 2.0}, "BBB": {FIRST + 2: 9.0}}), companies({}), "MKT")
    assert math.isnan(_of(found, "AAA")[FIRST])
    assert math.isnan(_of(found, "BBB")[FIRST + 2])


def test_where_the_market_has_no_bar_its_return_is_unknown():
    market = {k: v for k, v in walk(np.random.default_rng(2), 30).items() if k != FIRST + 10}
    found = _of(
        panel(bars({"AAA": walk(np.random.default_rng(3), 30), "MKT": market}), companies({}), "MKT"), "AAA", "market"
    )
    assert [o - FIRST for o, m in found.items() if math.isnan(m)] == [0, 10, 11]


def test_the_sector_is_the_mean_of_the_other_names():
    rng = np.random.default_rng(4)
    names = [f"S{i}" for i in range(7)]
    prices = {n: {k: v for k, v in walk(rng, 40).items() if rng.random() < 0.9} for n in names}
    prices["S0"][FIRST + 20] = (
        prices["S0"].get(FIRST + 19, 100.0) * 9
    )  # kept in its own return, out of the others' mean
    prices |= {"MKT": walk(rng, 40), "XXX": walk(rng, 40)}
    sectors = dict.fromkeys(names, "Energy") | {"MKT": "Energy", "XXX": None}
    found = panel(bars(prices), companies(sectors), "MKT")
    single = {n: {o: prices[n][o] / prices[n][o - 1] - 1 for o in prices[n] if o - 1 in prices[n]} for n in names}
    seen = 0
    for name in names:
        for o, value in _of(found, name, "sector").items():
            others = [single[n][o] for n in names if n != name and o in single[n] and abs(single[n][o]) <= 0.4]
            if o in single[name] and len(others) >= 5:
                assert value == pytest.approx(sum(others) / len(others), abs=1e-14)
                seen += 1
            else:
                assert math.isnan(value)
    assert seen > 50
    assert all(math.isnan(v) for n in ("MKT", "XXX") for v in _of(found, n, "sector").values())


def test_no_bars_at_all():
    found = panel(bars({}), companies({"AAA": "Energy"}), "MKT")
    assert found.tickers == []
    assert found.change.size == 0
    assert found.market_last == -1
