"""Daily bars: one basis, one bar per ticker and session, and every bar read is accounted for."""

from __future__ import annotations

import datetime as dt
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cyberpi_assets.domain.alerts import raise_alerts
from cyberpi_assets.domain.bars import bars_put_aside, corporate_actions, daily_bars
from cyberpi_assets.rules.figures import AlertThresholds
from cyberpi_assets.tables import CORPORATE_ACTIONS, DAILY_BARS, QUARANTINE_FACTS, conform
from cyberpi_assets_tests.domain import rows
from cyberpi_assets_tests.domain.rows import D, exchange_days

THRESHOLDS = AlertThresholds()  # pyright: ignore[reportCallIssue]
FIRST, LAST = "2012-01", "2026-12"


def _facts(given_rows: list[dict[str, Any]]) -> pa.Table:
    numbered = [{"line": i} | r for i, r in enumerate(given_rows, 1)]
    return rows.frame("bar_facts", numbered, {"source": "test", "file": "a.csv"})


def _built(
    given_rows: list[dict[str, Any]],
    splits: list[tuple[str, dt.date, float]] = [],  # noqa: B006
    first: str = FIRST,
    last: str = LAST,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The bars kept and the bars put aside."""
    con = duckdb.connect()
    con.register("given", _facts(given_rows))
    kept = daily_bars(con, "SELECT * FROM given", rows.splits(splits), first, last).to_arrow_table()
    conform(DAILY_BARS, kept)
    aside = bars_put_aside(con, "SELECT * FROM given", first, last)
    conform(QUARANTINE_FACTS, aside)
    keys = [(r["month"], r["ticker"], r["session"]) for r in kept.to_pylist()]
    assert keys == sorted(set(keys))
    return kept.to_pylist(), aside.to_pylist()


def _series(closes: list[float], basis: str | None, ticker: str = "A", **more: Any) -> list[dict[str, Any]]:
    days = [d for d in exchange_days() if d >= D(2020, 3, 2)]
    return [
        {"ticker": ticker, "session": day, "open": c, "high": c, "low": c, "close": c, "volume": 600, "basis": basis}
        | more
        for day, c in zip(days, closes, strict=False)
    ]


RAW = [60.0, 61.0, 62.0, 31.0, 32.0, 33.0, 11.0, 12.0]  # 2 for 1 on the 4th day, 3 for 1 on the 7th
DAYS = [r["session"] for r in _series(RAW, "raw")]
SPLITS = [("A", DAYS[3], 2.0), ("A", DAYS[6], 3.0), ("B", DAYS[1], 5.0)]
ADJUSTED = [10.0, 61 / 6, 62 / 6, 31 / 3, 32 / 3, 11.0, 11.0, 12.0]
VOLUMES = [3600, 3600, 3600, 1800, 1800, 1800, 600, 600]


@pytest.mark.parametrize("basis", ["raw", "unknown", None])
def test_unadjusted_bars_are_divided_by_every_later_split_and_volume_multiplied(basis: str | None) -> None:
    kept, aside = _built(_series(RAW, basis), SPLITS)
    for column in ("open", "high", "low", "close"):
        assert [r[column] for r in kept] == pytest.approx(ADJUSTED)
    assert [r["volume"] for r in kept] == VOLUMES
    assert {r["basis"] for r in kept[:6]} == {"split"}
    assert aside == []


@pytest.mark.parametrize("basis", ["split", "total", "approx", "unknown", None])
def test_adjusted_bars_stay_as_they_are(basis: str | None) -> None:
    kept, _ = _built(_series(ADJUSTED, basis), SPLITS)
    assert [r["close"] for r in kept] == pytest.approx(ADJUSTED)
    assert [r["volume"] for r in kept] == [600] * 8
    assert {r["basis"] for r in kept} == {basis or "unknown"}


def test_a_bar_of_an_unknown_basis_takes_only_the_splits_its_own_price_shows() -> None:
    half = [c / 2 for c in RAW[:3]] + RAW[3:]  # the first split is in, the second is not
    kept, _ = _built(_series(half, "unknown"), SPLITS)
    assert [r["close"] for r in kept] == pytest.approx(ADJUSTED)


@pytest.mark.parametrize("ratio", [1.05, 1.1, 1.25, 0.9])
def test_a_small_stock_dividend_is_applied_only_where_the_price_shows_it(ratio: float) -> None:
    at_rest = [(11.0)] * 4
    kept, _ = _built(_series(at_rest, "unknown"), [("A", DAYS[2], ratio)])
    assert [r["close"] for r in kept] == at_rest
    kept, _ = _built(_series([11.0 * ratio] * 2 + [11.0] * 2, "unknown"), [("A", DAYS[2], ratio)])
    assert [r["close"] for r in kept] == pytest.approx(at_rest)


def test_a_reverse_split_raises_earlier_prices() -> None:
    kept, _ = _built(_series([1.0, 1.1, 11.0], "raw"), [("A", DAYS[2], 0.1)])
    assert [r["close"] for r in kept] == pytest.approx([10.0, 11.0, 11.0])
    assert [r["volume"] for r in kept] == [60, 60, 600]


def test_an_unknown_volume_stays_unknown_through_a_split() -> None:
    kept, _ = _built(_series(RAW, "raw", volume=None, open=None), SPLITS)
    assert {r["volume"] for r in kept} == {None}
    assert {r["open"] for r in kept} == {None}


def test_an_adjusted_bar_that_stands_before_a_raw_one_is_not_adjusted_again() -> None:
    adjusted = _series(ADJUSTED, "split", adj_close=5.0, file="adjusted.csv")
    raw = _series(RAW, "raw", file="raw.csv")
    kept, aside = _built(raw + adjusted, SPLITS)
    assert [r["close"] for r in kept] == pytest.approx(ADJUSTED)
    assert [r["volume"] for r in kept] == [600] * 8
    assert {r["file"] for r in aside} == {"raw.csv"}


def test_a_raw_file_does_not_make_another_files_adjusted_bars_raw() -> None:
    """One file of raw bars of the first days, one of unknown basis, already adjusted, of the days after."""
    kept, _ = _built(
        _series(RAW[:2], "raw", file="raw.csv") + _series(ADJUSTED, "unknown", file="later.csv")[2:], SPLITS
    )
    assert [r["close"] for r in kept] == pytest.approx(ADJUSTED)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**6), basis=st.sampled_from(["raw", "unknown"]))
def test_adjusted_and_unadjusted_versions_of_a_series_raise_the_same_alerts(seed: int, basis: str) -> None:
    rng = np.random.default_rng(seed)
    days = [d for d in exchange_days() if d >= D(2018, 1, 2)][:260]
    price, adjusted = 100.0, []
    for _ in days:
        price *= 1 + float(np.clip(rng.standard_t(3) * 0.02, -0.25, 0.25))
        adjusted.append(price)
    at = sorted(int(i) for i in rng.choice(np.arange(5, 250), 2, replace=False))
    splits = [("A", days[i], float(rng.choice([2.0, 4.0, 0.1, 20.0]))) for i in at]
    volume = (rng.lognormal(0, 0.8, len(days)) * 1e5).astype(int) * 4000
    one, other = [], []
    for i, day in enumerate(days):
        factor = float(np.prod([v for _, d, v in splits if d > day]))
        bar = {"ticker": "A", "session": day, "close": adjusted[i], "volume": int(volume[i]), "basis": "split"}
        one.append(bar)
        other.append(bar | {"close": adjusted[i] * factor, "volume": round(volume[i] / factor), "basis": basis})

    def alerts(given_rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
        kept, _ = _built(given_rows, splits)
        # the same splits are known to the alerts: what is adjusted is not taken out twice
        found = raise_alerts(rows.bars([r | {"source": "test"} for r in kept]), THRESHOLDS, splits=rows.splits(splits))
        return [
            (r["alert_id"], r["severity"], r["suspect_data"], round(r["change_pct"] or 0, 6)) for r in found.to_pylist()
        ]

    assert alerts(one) == alerts(other)


# --------------------------------------------------------------------------------------------------- which bar stands


def test_the_fuller_of_two_bars_stands_and_the_other_is_put_aside() -> None:
    full = {"open": 1.0, "volume": 5, "adj_close": 1.0}
    pairs = [
        ({"volume": None, "file": "a"}, {"volume": 7, "file": "b"}, "b"),
        ({"open": None, "file": "a"}, {"file": "b"}, "b"),
        ({"adj_close": None, "file": "a"}, {"file": "b"}, "b"),
        ({"file": "b"}, {"file": "a"}, "a"),
        ({"basis": "raw", "file": "a"}, {"basis": "split", "file": "b"}, "b"),
    ]
    for one, other, wins in pairs:
        bar = {"ticker": "A", "session": DAYS[0], "close": 1.0, "basis": "split"} | full
        kept, aside = _built([bar | one | {"source": one["file"]}, bar | other | {"source": other["file"]}])
        assert [r["source"] for r in kept] == [wins]
        assert [r["file"] for r in aside] == [({"a", "b"} - {wins}).pop()]
        assert "fuller bar of A" in aside[0]["reason"]


def test_bars_of_closed_days_and_of_other_months_are_put_aside_with_the_reason() -> None:
    bar = {"ticker": "A", "close": 1.0}
    days = [D(2020, 7, 3), D(2020, 7, 4), D(2020, 7, 6), D(2011, 12, 30), D(2020, 8, 3)]
    kept, aside = _built([bar | {"session": d} for d in days], first="2020-07", last="2020-07")
    assert [r["session"] for r in kept] == [D(2020, 7, 6)]
    reasons = {r["value"]: r["reason"] for r in aside}
    assert set(reasons) == {"2020-07-03", "2020-07-04", "2011-12-30", "2020-08-03"}
    assert "closed" in reasons["2020-07-03"]
    assert "outside the months kept, 2020-07 to 2020-07" in reasons["2011-12-30"]


@settings(max_examples=20, deadline=None, derandomize=True)
@given(
    st.lists(
        st.builds(
            lambda ticker, day, volume, file, basis: {
                "ticker": ticker,
                "session": D(2020, 6, 25) + dt.timedelta(days=day),
                "close": 10.0,
                "volume": volume,
                "file": file,
                "basis": basis,
            },
            st.sampled_from(["A", "B"]),
            st.integers(0, 14),
            st.sampled_from([None, 5]),
            st.sampled_from(["x.csv", "y.csv"]),
            st.sampled_from(["raw", "split", None]),
        ),
        max_size=40,
    )
)
def test_every_bar_read_is_kept_or_put_aside_once(given_rows: list[dict[str, Any]]) -> None:
    kept, aside = _built(given_rows, [("A", D(2020, 7, 1), 2.0)], first="2020-06", last="2020-07")
    assert len(kept) + len(aside) == len(given_rows)
    assert len({(r["file"], r["line"]) for r in aside}) == len(aside)
    open_days = set(exchange_days())
    assert {(r["ticker"], r["session"]) for r in kept} == {
        (r["ticker"], r["session"]) for r in given_rows if r["session"] in open_days
    }


def test_months_built_alone_are_the_months_of_the_whole() -> None:
    bars = _series([c for c in RAW for _ in range(6)], "raw")
    splits = [("A", bars[18]["session"], 2.0), ("A", bars[36]["session"], 3.0)]
    whole, _ = _built(bars, splits)
    months = sorted({r["month"] for r in whole})
    assert len(months) > 1
    assert [r for m in months for r in _built(bars, splits, m, m)[0]] == whole


def test_a_corporate_action_listed_twice_is_one() -> None:
    action = {"ticker": "A", "session": D(2020, 7, 1), "action": "split", "value": 2.0, "source": "s"}
    facts = rows.frame(
        "action_facts",
        [action | {"file": "b", "line": 1, "value": 3.0}, action | {"file": "a", "line": 9},
         action | {"file": "a", "line": 10, "action": "dividend"}],
    )  # fmt: skip
    found = corporate_actions(facts)
    conform(CORPORATE_ACTIONS, found)
    assert [(r["action"], r["value"]) for r in found.to_pylist()] == [("dividend", 2.0), ("split", 2.0)]
