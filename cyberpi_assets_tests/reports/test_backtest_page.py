"""The back-test's page: the verdict leads, whichever way it falls, and nothing is shown where nothing was tested."""

from __future__ import annotations

import duckdb
import pytest

from cyberpi_assets.domain.backtest.whole import backtest
from cyberpi_assets.reports.backtest import read, to_rich
from cyberpi_assets.reports.layout import as_text
from cyberpi_assets.rules.figures import BacktestRules
from cyberpi_assets.tables import BACKTEST_ALARMS, BACKTEST_EVENTS, BACKTEST_NULL, EARLY_WARNING_BACKTEST
from cyberpi_assets_tests.domain.backtest import material as m

_TABLES = (EARLY_WARNING_BACKTEST, BACKTEST_ALARMS, BACKTEST_EVENTS, BACKTEST_NULL)


@pytest.fixture(scope="module")
def con() -> duckdb.DuckDBPyConnection:
    found = m.incident_days(3, each=30)
    few = BacktestRules(resamples=100, shuffles=99, null_draws=3)
    bars = m.bars(found, 11, 0.0)
    made = backtest(bars, m.companies(), m.no_options(), m.no_alerts(), m.incidents(found), m.MARKET, few)
    con = duckdb.connect()
    for table, data in zip(_TABLES, (made.results, made.alarms, made.events, made.null), strict=True):
        con.register(table.name, data)
    return con


def test_the_verdict_leads_and_every_figure_follows(con: duckdb.DuckDBPyConnection) -> None:
    found = read(con, "test")
    text = as_text(to_rich(found), 160)
    verdict = next(r["words"] for r in found["results"] if (r["horizon"], r["score"]) == ("primary", "combined"))
    assert " ".join(verdict.split()[:6]) in " ".join(text.split())
    assert text.index("30 to 14 days before disclosure") < text.index("Scores before incidents")
    for words in (
        "(baseline)",
        "0.5 is chance",
        "Which incidents could be tested",
        "3 sets of days without an incident",
    ):
        assert words in " ".join(text.split())
    tested = sum(r["n"] for r in found["events"] if r["reason"] == "tested")
    assert f"{tested:,}" in text


def test_a_sample_without_incidents_says_so(con: duckdb.DuckDBPyConnection) -> None:
    assert "Not enough to judge: 0 incidents" in " ".join(as_text(to_rich(read(con, "tuning")), 200).split())
    empty = duckdb.connect()
    for table in _TABLES:
        empty.register(table.name, table.empty())
    assert "Not tested" in as_text(to_rich(read(empty, "test")), 100)
