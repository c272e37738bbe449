"""Which trade is scored, with which alerts, and what is said where there is no score."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cyberpi_assets.domain.correlations import bars_spans, bars_stretches, disclosure_correlations
from cyberpi_assets.domain.scoring import score_directly
from cyberpi_assets.domain.timing import timing_surface
from cyberpi_assets.rules.figures import AlertThresholds, TimingRules
from cyberpi_assets.tables import DISCLOSURE_CORRELATIONS, conform
from cyberpi_assets_tests.domain import rows
from cyberpi_assets_tests.domain.rows import D, exchange_days, plain_bars

THRESHOLDS = AlertThresholds()  # pyright: ignore[reportCallIssue]
RULES = TimingRules()  # pyright: ignore[reportCallIssue]
SCORES = ("score", "raw_score", "n_alerts", "mean_severity", "n_recent", "n_high", "tier", "coverage", "alert_ids")


def _trade(
    trade_id: str, ticker: str | None, day: dt.date | None, filed_on: dt.date | None = None, **more: Any
) -> dict[str, Any]:
    filed = filed_on or (day + dt.timedelta(days=20) if day else D(2020, 5, 1))
    return {"trade_id": trade_id, "ticker": ticker, "transaction_date": day, "filed_on": filed} | more


def trades(given_rows: list[dict[str, Any]]) -> pa.Table:
    defaults = {
        "filing_id": "house:1", "row_in_filing": 1, "official": "Ann Example", "official_evidence": "stated",
        "chamber": "house", "ticker_evidence": "printed", "source": "test", "file": "f", "line": 1, "side": "buy",
    }  # fmt: skip
    return rows.frame("disclosed_trades", given_rows, defaults)


def _correlate(
    given_trades: list[dict[str, Any]],
    given_alerts: list[dict[str, Any]],
    given_bars: list[dict[str, Any]],
    rules: TimingRules = RULES,
) -> dict[str, dict[str, Any]]:
    market, raised = rows.bars(given_bars), rows.alerts(given_alerts)
    surface = timing_surface(raised, market, rules, THRESHOLDS)
    found = disclosure_correlations(
        trades(given_trades), surface, raised, bars_stretches(market, rules.window_days), rules
    )
    conform(DISCLOSURE_CORRELATIONS, found)
    listed = found.to_pylist()
    assert [(r["month"], r["trade_id"]) for r in listed] == sorted((r["month"], r["trade_id"]) for r in listed)
    assert len(listed) == len(given_trades)
    return {r["trade_id"]: r for r in listed}


BARS = plain_bars("A", D(2019, 1, 2), D(2020, 12, 31))


def test_the_published_example_from_alerts_to_a_listed_score() -> None:
    raised = [rows.alert("A", D(2020, 1, d), s) for d, s in ((10, 8), (13, 7), (14, 6))]
    (found,) = _correlate([_trade("t", "A", D(2020, 1, 15))], raised, BARS).values()
    assert (found["score"], found["raw_score"], found["tier"]) == (89.0, 89.0, "highly suspicious")
    assert (found["n_alerts"], found["mean_severity"], found["n_recent"], found["n_high"]) == (3, 7.0, 3, 2)
    assert found["alert_ids"] == [f"A:2020-01-{d}:unusual_volume" for d in (14, 13, 10)]
    assert (found["reason"], found["coverage"]) == (None, 1.0)


ALL_WRONG: dict[str, Any] = {
    "filing_status": "deleted",
    "superseded_by": "amendment 2",
    "repeat_of": "house:0",
    "ticker": None,
    "asset_type": "municipal_security",
}


@pytest.mark.parametrize(
    ("given_trade", "reason"),
    [
        (_trade("t", None, None) | ALL_WRONG, "deleted by the filer"),
        (_trade("t", None, None) | ALL_WRONG | {"filing_status": "new"}, "superseded: amendment 2"),
        (_trade("t", None, None, repeat_of="house:0"), "already disclosed in house:0"),
        (_trade("t", None, None), "no transaction date"),
        (_trade("t", None, D(9, 6, 9), D(2020, 2, 1)), "transaction date before 2012"),
        (_trade("t", None, D(2011, 12, 31), D(2020, 2, 1)), "transaction date before 2012"),
        (_trade("t", None, D(2020, 2, 2), D(2020, 2, 1)), "transaction date after the filing"),
        (_trade("t", None, D(2020, 2, 2), asset_type="municipal_security"), "no listed symbol: municipal_security"),
        (_trade("t", None, D(2020, 2, 2)), "no listed symbol: asset"),
        (_trade("t", "NONE", D(2020, 2, 2)), "no market data for this symbol"),
        (_trade("t", "A", D(2018, 12, 31)), "market data of this symbol begin later"),
        (_trade("t", "A", D(2021, 1, 31)), "market data of this symbol end earlier"),
        (_trade("t", "A", D(2019, 1, 9)), "too few sessions with prices in the 30 days before"),
    ],
)  # fmt: skip
def test_a_trade_that_cannot_be_scored_has_nulls_and_the_first_reason(given_trade: dict[str, Any], reason: str) -> None:
    (found,) = _correlate([given_trade], [rows.alert("A", D(2019, 1, 8), 9)], BARS).values()
    assert found["reason"] == reason
    assert [found[c] for c in SCORES] == [None] * len(SCORES)


def test_a_quiet_stretch_scores_zero_and_a_missing_one_scores_nothing() -> None:
    found = _correlate([_trade("calm", "A", D(2020, 6, 15)), _trade("blind", "B", D(2020, 6, 15))], [], BARS)
    assert (found["calm"]["score"], found["calm"]["tier"], found["calm"]["alert_ids"]) == (0.0, "normal", [])
    assert (found["calm"]["mean_severity"], found["calm"]["reason"]) == (0.0, None)
    assert (found["blind"]["score"], found["blind"]["reason"]) == (None, "no market data for this symbol")


def test_a_pause_in_the_bars_gives_no_score() -> None:
    bars = [b for b in BARS if not D(2019, 6, 1) <= b["session"] <= D(2019, 9, 30)]
    found = _correlate([_trade("t", "A", D(2019, 8, 15)), _trade("u", "A", D(2019, 12, 16))], [], bars)
    assert (found["t"]["score"], found["u"]["score"]) == (None, 0.0)
    assert found["t"]["reason"] is not None


def test_a_late_filing_reaches_the_alerts_of_its_trade() -> None:
    raised = [rows.alert("A", D(2019, 3, 1), 8)]
    late = _trade("t", "A", D(2019, 3, 4), filed_on=D(2020, 12, 1))
    (found,) = _correlate([late], raised, BARS).values()
    assert (found["month"], found["score"]) == ("2020-12", 5 + 16 + 10 + 15)
    assert found["alert_ids"] == ["A:2019-03-01:unusual_volume"]


def test_the_filing_date_never_stands_in_for_the_trade_date() -> None:
    raised = [rows.alert("A", D(2019, 6, 12), 10), rows.alert("A", D(2019, 6, 13), 10)]
    (found,) = _correlate([_trade("t", "A", D(2019, 5, 15), filed_on=D(2019, 6, 14))], raised, BARS).values()
    assert (found["score"], found["alert_ids"]) == (0.0, [])


SESSIONS = [d for d in exchange_days() if D(2019, 4, 1) <= d <= D(2019, 6, 28)]
ALERTS = st.lists(
    st.builds(
        lambda ticker, day, kind, severity, suspect: rows.alert(ticker, day, severity, kind, suspect_data=suspect),
        st.sampled_from(["A", "B"]),
        st.sampled_from(SESSIONS),
        st.sampled_from(["price_drop", "unusual_volume"]),
        st.one_of(st.none(), st.integers(1, 10)),
        st.sampled_from([False, False, True]),
    ),
    max_size=30,
    unique_by=lambda a: a["alert_id"],
)
DAYS = st.lists(st.integers(0, 100), min_size=1, max_size=6)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    raised=ALERTS,
    days=DAYS,
    rules=st.builds(TimingRules, include_same_day=st.booleans(), count=st.sampled_from(["ticker_days", "alerts"])),
)
def test_the_listed_alerts_are_exactly_the_counted_ones(
    raised: list[dict[str, Any]], days: list[int], rules: TimingRules
) -> None:
    bars = plain_bars("A", D(2019, 1, 2), D(2019, 9, 30)) + plain_bars("B", D(2019, 1, 2), D(2019, 9, 30))
    bought = [_trade(f"t{i}", "AB"[i % 2], D(2019, 4, 1) + dt.timedelta(days=n)) for i, n in enumerate(days)]
    by_id = {a["alert_id"]: a for a in raised}
    for trade_id, found in _correlate(bought, raised, bars, rules).items():
        trade = next(t for t in bought if t["trade_id"] == trade_id)
        day = trade["transaction_date"]
        direct = score_directly(rows.alerts(raised), trade["ticker"], day, rules)
        assert (found["n_alerts"], found["n_recent"], found["n_high"]) == (
            direct.n_alerts, direct.n_recent, direct.n_high,
        )  # fmt: skip
        assert (found["score"], found["raw_score"]) == pytest.approx((direct.score, direct.raw_score))
        assert (found["mean_severity"], found["tier"]) == (pytest.approx(direct.mean_severity), direct.tier)
        counted = [by_id[a] for a in found["alert_ids"]]
        assert len(counted) == len(set(found["alert_ids"])) == found["n_alerts"]
        least = 0 if rules.include_same_day else 1
        assert all(least <= (day - a["session"]).days <= 30 for a in counted)
        assert not any(a["suspect_data"] or a["ticker"] != trade["ticker"] for a in counted)
        assert [a["session"] for a in counted] == sorted((a["session"] for a in counted), reverse=True)
        recent = sum((day - a["session"]).days <= 7 for a in counted)
        high = sum((a["severity"] or 0) >= 7 for a in counted)
        assert (recent, high) == (found["n_recent"], found["n_high"])


def test_spans_and_stretches_of_bars() -> None:
    bars = [
        b
        for b in plain_bars("A", D(2020, 1, 2), D(2020, 12, 31))
        if not D(2020, 4, 1) <= b["session"] <= D(2020, 6, 30)
    ]
    market = rows.bars(bars + plain_bars("B", D(2020, 2, 3), D(2020, 2, 3)))
    month = dt.timedelta(days=30)
    spans = {r["ticker"]: (r["first_day"], r["last_day"]) for r in bars_spans(market, 30).to_pylist()}
    assert spans == {"A": (D(2020, 1, 2), D(2020, 12, 31) + month), "B": (D(2020, 2, 3), D(2020, 2, 3) + month)}
    found = [(r["ticker"], r["first_day"], r["last_day"]) for r in bars_stretches(market, 30).to_pylist()]
    assert found == [
        ("A", D(2020, 1, 2), D(2020, 3, 31) + month),
        ("A", D(2020, 7, 1), D(2020, 12, 31) + month),
        ("B", D(2020, 2, 3), D(2020, 2, 3) + month),
    ]
