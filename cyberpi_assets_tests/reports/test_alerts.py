"""Alerts with their lives as a person sees them."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from typing import Any

import duckdb
import pytest

from cyberpi_assets.reports.alerts import AlertFilter, shown_alerts, to_rich
from cyberpi_assets.reports.layout import as_text
from cyberpi_assets_tests.domain import rows


def at(day: int) -> dt.datetime:
    return dt.datetime(2024, 3, day, 20, 0, tzinfo=dt.UTC)


def alert(subject: str, state: str, severity: str = "high", last: int = 15, **more: Any) -> dict[str, Any]:
    kind = more.get("kind", "market")
    return {
        "alert_id": f"{kind}:{subject}:price_drop:{last}", "subject": subject, "kind": kind, "topic": "price_drop",
        "severity": severity, "severity_figure": None if severity == "unknown" else 8.0, "peak_figure": 9.0,
        "state": state, "first_seen": at(1), "last_seen": at(last),
        "cleared_at": at(last + 1) if state == "CLEARED" else None,
        "known_to": at(last + 1) if state == "CLEARED" else at(15), "n_evidence": 3, "suspect": False,
        "evidence": [f"{subject}:1", f"{subject}:2"],
    } | more  # fmt: skip


MADE = [
    alert("AA", "NEW", "critical"),
    alert("BB", "CONTINUING", "medium", 14, suspect=True),
    alert("CC", "CLEARED", last=9),
    alert("DD", "NEW", "unknown", 13),
    alert("EE", "CONTINUING", "low", 2, known_to=at(3)),  # no data since
    alert("AA", "CLEARED", "high", 5, kind="options", topic="option_threat"),
]


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    con.register("alerts", rows.frame("alerts", MADE))
    con.register("demo_truth", rows.frame("demo_truth", []))
    yield con
    con.close()


def chosen(con: duckdb.DuckDBPyConnection, **how: Any) -> list[str]:
    return [a.subject for a in shown_alerts(con, AlertFilter(**how)).alerts]


def test_what_holds_now_is_the_default_newest_evidence_first(con: duckdb.DuckDBPyConnection) -> None:
    found = shown_alerts(con, AlertFilter())
    assert [a.subject for a in found.alerts] == ["AA", "BB", "DD", "EE"]
    assert found.by_state == {"NEW": 2, "CONTINUING": 2, "CLEARED": 2}
    assert [a.dark for a in found.alerts] == [False, False, False, True]


def test_states_kinds_severities_and_tickers_choose(con: duckdb.DuckDBPyConnection) -> None:
    assert chosen(con, states=("CLEARED",)) == ["CC", "AA"]
    assert chosen(con, states=()) == ["AA", "BB", "DD", "CC", "AA", "EE"]
    assert chosen(con, states=(), kinds=("options",)) == ["AA"]
    assert chosen(con, min_severity="medium") == ["AA", "BB"]
    assert chosen(con, min_severity="low") == ["AA", "BB", "EE"]
    assert chosen(con, states=(), tickers=("aa ", "cc")) == ["AA", "CC", "AA"]
    assert chosen(con, tickers=("x'; DROP TABLE alerts",)) == []
    limited = shown_alerts(con, AlertFilter(limit=1))
    assert (len(limited.alerts), limited.matching) == (1, 4)


def test_the_page_says_what_is_not_known(con: duckdb.DuckDBPyConnection) -> None:
    text = as_text(to_rich(shown_alerts(con, AlertFilter(limit=3))), 140)
    assert "2 new, 2 continuing, 2 cleared; shown: 3" in text
    assert "(suspect data)" in text
    assert "1 more are not shown" in text
    assert "(no data since)" in as_text(to_rich(shown_alerts(con, AlertFilter(tickers=("EE",)))), 140)
    assert "No alerts." in as_text(to_rich(shown_alerts(con, AlertFilter(tickers=("ZZ",)))), 100)


def test_json_is_one_alert_with_plain_values(con: duckdb.DuckDBPyConnection) -> None:
    (one,) = shown_alerts(con, AlertFilter(tickers=("DD",))).alerts
    body = json.loads(json.dumps(one.json(), allow_nan=False))
    assert body["first_seen"] == "2024-03-01T20:00:00+00:00"
    assert (body["severity"], body["severity_figure"], body["cleared_at"]) == ("unknown", None, None)
    assert body["evidence"] == ["DD:1", "DD:2"]
