"""The back-test as a whole: it finds what was planted, and nothing where nothing is; no figure knows its future."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from cyberpi_assets.domain.backtest.events import events
from cyberpi_assets.domain.backtest.features import features
from cyberpi_assets.domain.backtest.matching import STEPS, Matcher
from cyberpi_assets.domain.backtest.registered import REGISTERED, TUNE_UNTIL
from cyberpi_assets.domain.backtest.tuning import LaterData, tuned
from cyberpi_assets.domain.backtest.verdict import verdict
from cyberpi_assets.domain.backtest.whole import Backtest, backtest, headline
from cyberpi_assets.rules.figures import BacktestRules
from cyberpi_assets.tables import BACKTEST_ALARMS, BACKTEST_EVENTS, EARLY_WARNING_BACKTEST, INCIDENTS, conform
from cyberpi_assets_tests.domain.backtest import material as m

ROOT = Path(__file__).resolve().parents[3]
FEW = BacktestRules(resamples=300, shuffles=999, null_draws=20)


def _tested(planted: float, found: list[tuple[str, int]]) -> Backtest:
    return backtest(
        m.bars(found, 11, planted), m.companies(), m.no_options(), m.no_alerts(), m.incidents(found), m.MARKET, FEW
    )


@pytest.fixture(scope="module")
def found() -> list[tuple[str, int]]:
    return m.incident_days(3)


@pytest.fixture(scope="module")
def planted(found: list[tuple[str, int]]) -> Backtest:
    return _tested(1.0, found)


@pytest.fixture(scope="module")
def calm(found: list[tuple[str, int]]) -> Backtest:
    return _tested(0.0, found)


def test_a_planted_sign_is_found_and_said(planted: Backtest) -> None:
    row = headline(planted.results)
    assert row is not None
    assert row["auc"] > 0.85
    assert row["q_value"] <= 0.05
    assert row["lift_low"] > 1
    assert "30 to 14 days before disclosure" in row["words"]
    far = next(
        r for r in planted.results.to_pylist() if (r["sample"], r["horizon"], r["score"]) == ("test", "far", "combined")
    )
    assert far["auc"] < 0.65  # nothing was planted there
    assert not far["supported"]
    (null,) = [r for r in planted.null.to_pylist() if r["draw"] == 0]
    assert null["p_procedure"] == pytest.approx(1 / 21)


def test_where_nothing_was_planted_nothing_is_claimed(calm: Backtest) -> None:
    row = headline(calm.results)
    assert row is not None
    assert 0.35 < row["auc"] < 0.65
    assert not any(r["supported"] for r in calm.results.to_pylist())
    assert row["words"].startswith("No warning 30 to 14 days before disclosure is supported")


def test_tables_are_as_declared_and_every_incident_is_accounted_for(
    planted: Backtest, found: list[tuple[str, int]]
) -> None:
    for data, table in (
        (planted.results, EARLY_WARNING_BACKTEST), (planted.alarms, BACKTEST_ALARMS), (planted.events, BACKTEST_EVENTS)
    ):  # fmt: skip
        assert conform(table, data).num_rows == data.num_rows > 0
    rows = planted.events.to_pylist()
    assert len(rows) == len(found)
    assert all(r["used"] == (r["reason"] is None) for r in rows)
    assert all(5 <= r["n_controls"] <= 10 for r in rows if r["used"])


def test_option_figures_that_no_source_gives_are_unknown(planted: Backtest) -> None:
    options = [r for r in planted.results.to_pylist() if r["score"] in ("options", "option_volume", "put_call")]
    assert options
    assert all(r["n_events"] == 0 and r["auc"] is None and not r["supported"] for r in options)
    assert not any(r["options_known"] for r in planted.events.to_pylist())


def test_no_figure_of_a_day_knows_what_came_after(found: list[tuple[str, int]]) -> None:
    bars = m.bars(found, 11, 1.0)
    cut = dt.date(2023, 6, 30)
    early = bars.filter(pc.field("session") <= pa.scalar(cut))
    rest = (m.companies(), m.no_options(), m.no_alerts(), m.MARKET, REGISTERED)
    whole, part = features(bars, *rest).until(cut), features(early, *rest)
    assert whole.days.tolist() == part.days.tolist()
    for name in part.figures:
        if name != "random":
            assert np.allclose(whole.figures[name], part.figures[name], equal_nan=True, atol=1e-6), name


def _grid_and_events(found: list[tuple[str, int]], incidents: pa.Table):
    grid = features(m.bars(found, 11, 0.0), m.companies(), m.no_options(), m.no_alerts(), m.MARKET, REGISTERED)
    return grid, events(incidents, grid, REGISTERED)


def test_incidents_that_cannot_be_tested_say_why_and_belong_together(found: list[tuple[str, int]]) -> None:
    day = int(m.days()[700])
    rows = [
        m.incident("first", "T001", day),
        m.incident("again", "T001", day + 60, grade="B"),
        m.incident("much later", "T001", day + 200),
        m.incident("early", "T002", int(m.days()[100])),
        m.incident("unlisted", "GONE", day),
        m.incident("reused", "T003", day, ticker_reuse="now a fund"),
        m.incident("renamed", "T004", day, ticker_at_event="OLD", ticker_reuse="renamed"),
        m.incident("weak", "T005", day, grade="weak"),
        m.incident("campaign a", "T006", day, event="One campaign"),
        m.incident("campaign b", "T007", day + 9, event="one campaign "),
        m.incident("no day", "T008", day, event_day=None),
    ]  # fmt: skip
    _, known = _grid_and_events(found, pa.Table.from_pylist(rows, schema=INCIDENTS.schema))
    why = dict(zip(known.event_id, known.why_not, strict=True))
    assert why["again"] == "within 90 days of an earlier incident of the company"
    assert why["early"] == "fewer than 250 sessions of data before it"
    assert why["unlisted"] == "no bars under this symbol"
    assert why["reused"] == "the symbol belongs to another company today"
    assert "weakly dated" in str(why["weak"])
    assert [why[k] for k in ("first", "much later", "renamed", "campaign a", "campaign b", "no day")] == [None] * 6
    cluster = dict(zip(known.event_id, known.cluster.tolist(), strict=True))
    assert cluster["first"] == cluster["again"] == cluster["much later"]
    assert cluster["campaign a"] == cluster["campaign b"] != cluster["first"]
    on = dict(zip(known.event_id, known.day.tolist(), strict=True))
    assert on["no day"] == day + 1


def test_controls_share_the_sector_and_have_no_incident_nearby(found: list[tuple[str, int]]) -> None:
    day = int(m.days()[700])
    near = [m.incident(f"n{k}", t, day - 80, grade="weak") for k, t in enumerate(m.tickers()[2:40:2])]
    rows = [m.incident("e", "T000", day), *near]
    grid, known = _grid_and_events(found, pa.Table.from_pylist(rows, schema=INCIDENTS.schema))
    matcher = Matcher(grid, known, REGISTERED)
    row = np.array([grid.tickers.index("T000")])
    first, again = (matcher.match(row, np.array([day])) for _ in range(2))
    assert first.controls.tolist() == again.controls.tolist()
    chosen = [grid.tickers[k] for k in first.controls[0] if k >= 0]
    assert 5 <= len(chosen) <= 10
    assert not set(m.tickers()[2:40:2]) & set(chosen)
    assert "T000" not in chosen
    if first.step[0] < STEPS.index("size alone"):
        assert all(int(t[1:]) % 2 == 0 for t in chosen)


def test_tuning_refuses_whatever_came_later(found: list[tuple[str, int]]) -> None:
    early = int(m.days()[350])
    incidents = m.incidents([(t, early) for t, _ in found])
    grid, known = _grid_and_events(found, incidents)
    with pytest.raises(LaterData):
        tuned(grid, known, REGISTERED)
    cut = grid.until(TUNE_UNTIL)
    rules, area = tuned(cut, events(incidents, cut, REGISTERED), REGISTERED)
    assert rules.digest() != ""
    assert set(area) == {"volume", "decline", "sector_decline", "volatility", "alerts"}
    with pytest.raises(LaterData):
        tuned(cut, events(m.incidents(found), cut, REGISTERED), REGISTERED)


def test_the_registration_is_the_one_that_was_published() -> None:
    page = (ROOT / "docs" / "preregistration.md").read_text()
    (digest,) = re.findall(r"\b[0-9a-f]{64}\b", page)
    assert digest == REGISTERED.digest()
    for name, weight in REGISTERED.weights:
        assert f"| `{name}` | {weight:.2f} |" in page
    assert replace(REGISTERED, highest=4).digest() != digest


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, "A signal 30 to 14 days before disclosure"),
        ({"n_events": 12}, "Not enough to judge"),
        ({"q_value": 0.2}, "no more than chance after correction"),
        ({"q_value": float("nan")}, "no more than chance after correction"),
        ({"lift_low": 0.9}, "the interval of the lift includes 1"),
        ({"better_low": -0.01}, "not better than volume alone"),
        ({"better_low": None}, "not better than volume alone"),
    ],
)
def test_the_words_follow_the_figures(changed: dict[str, object], said: str) -> None:
    row: dict[str, object] = {
        "n_events": 40, "auc": 0.7, "auc_low": 0.6, "auc_high": 0.8, "q_value": 0.01, "lift": 3.0, "lift_low": 1.5,
        "lift_high": 5.0, "best_baseline": "volume", "better": 0.1, "better_low": 0.02, "better_high": 0.2,
        "ppv_base_rate": 0.004,
    } | changed  # fmt: skip
    words = verdict(row, REGISTERED.windows[0], REGISTERED)
    assert said in words
    assert words.startswith("A signal") == (not changed)
