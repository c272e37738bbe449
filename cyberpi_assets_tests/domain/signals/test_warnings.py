"""Warnings, their ledger, and who has still to be told: words follow the back-test, and nothing is rewritten."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from cyberpi_assets.domain.backtest.registered import REGISTERED
from cyberpi_assets.domain.backtest.verdict import verdict as words_of
from cyberpi_assets.domain.detectors.record import outcomes
from cyberpi_assets.domain.fused.warnings import (
    NOT_TESTED,
    due_notifications,
    early_warnings,
    warning_ledger,
    worth,
)
from cyberpi_assets.rules.figures import SignalRules
from cyberpi_assets.storage.lake import Lake
from cyberpi_assets.storage.notices import BadVerdict, claim, give_verdict
from cyberpi_assets.tables import EARLY_WARNINGS, WARNING_LEDGER, conform
from cyberpi_assets_tests.domain import rows
from cyberpi_assets_tests.domain.signals.world import D, at, incident

RULES = SignalRules()  # pyright: ignore[reportCallIssue]
NEWEST = D(2024, 12, 31)
EMPTY = rows.frame("warning_ledger", [])


def day(ticker: str, on: dt.date, score: float, origins: int = 2, **more: Any) -> dict[str, Any]:
    return {
        "fused_id": f"fused:{ticker}:{on}", "ticker": ticker, "day": on, "available_at": at(on), "score": score,
        "financial": score, "traditional": 0.0, "n_origins": origins, "confidence": "medium", "disclosed": False,
        "kinds": ["options", "market"], "weights": ["0.2", "0.1"], "evidence": [f"e{on}"], "words": "unusual trading",
        "decided": score,
    } | more  # fmt: skip


def warned(fused: list[dict[str, Any]], backtest: pa.Table | None = None) -> list[dict[str, Any]]:
    made = early_warnings(
        RULES,
        rows.frame("fused_signals", fused),
        rows.frame("detector_signals", []),
        rows.frame("early_warning_backtest", []) if backtest is None else backtest,
        rows.frame("companies", [{"ticker": "AA", "name": "Aye Aye", "source": "s"}]),
        NEWEST,
    )
    conform(EARLY_WARNINGS, made)
    return made.to_pylist()


def ledger(
    fused: list[dict[str, Any]], before: pa.Table = EMPTY, events: list[dict[str, Any]] | None = None,
    newest: dt.date = NEWEST,
) -> pa.Table:  # fmt: skip
    known = outcomes(
        rows.frame("incidents", events or []), rows.frame("company_filings", []), rows.frame("demo_truth", []), newest
    )
    made = warning_ledger(RULES, before, rows.frame("fused_signals", fused), known, newest, 100)
    return conform(WARNING_LEDGER, made)


def test_priorities_ask_for_independent_evidence() -> None:
    for score, origins, more, priority in (
        (0.9, 2, {}, "P0"),
        (0.9, 1, {}, "P3"),
        (0.95, 1, {"disclosed": True}, "P0"),
        (0.7, 2, {}, "P1"),
        (0.4, 3, {}, "P2"),
        (0.3, 3, {}, "P3"),
        (0.5, 1, {"verdict": "confirmed", "decided": 1.0}, "P0"),
        (0.7, 2, {"verdict": "dismissed", "decided": 0.0}, "P3"),
    ):
        (found,) = warned([day("AA", D(2024, 12, 20), score, origins, **more)])
        assert found["priority"] == priority, (score, origins, more)
    assert warned([day("AA", D(2024, 12, 20), 0.2)]) == []


def test_days_near_each_other_are_one_warning_with_an_id_that_stays() -> None:
    first = [day("AA", D(2024, 11, 4), 0.3), day("AA", D(2024, 12, 2), 0.7, 3)]
    (found,) = warned(first)
    assert (found["warning_id"], found["last_on"], found["priority"]) == ("warning:AA:2024-11-04", D(2024, 12, 2), "P1")
    assert (found["state"], found["confidence"], found["company"]) == ("open", "high", "Aye Aye")
    assert "earnings, a dividend" in found["refuted_by"]
    assert "taken back" not in found["refuted_by"]
    old = warned([day("AA", D(2024, 9, 2), 0.9), *first])
    assert {w["warning_id"]: w["state"] for w in old} == {
        "warning:AA:2024-09-02": "lapsed",
        "warning:AA:2024-11-04": "open",
    }


def test_words_on_lead_time_follow_the_back_test() -> None:
    fused = [day("AA", D(2024, 12, 20), 0.7)]
    assert warned(fused)[0]["lead_words"] == NOT_TESTED
    window = REGISTERED.windows[0]
    row = {
        "sample": "test", "horizon": "primary", "score": "combined", "kind": "combined", "n_events": 80,
        "n_controls": 800, "n_clusters": 70, "auc": 0.52, "auc_low": 0.46, "auc_high": 0.58, "q_value": 0.6,
        "lift": 1.1, "lift_low": 0.7, "lift_high": 1.6, "best_baseline": "volume", "better": 0.0,
        "better_low": -0.05, "better_high": 0.05,
    }  # fmt: skip
    null = row | {"supported": False, "words": words_of(row, window, REGISTERED)}
    (found,) = warned(fused, rows.frame("early_warning_backtest", [null]))
    assert found["lead_words"].startswith("No lead time is claimed. No warning 30 to 14 days before disclosure")
    good = row | {"q_value": 0.01, "lift_low": 1.3, "better_low": 0.02, "ppv_base_rate": 0.004}
    good = row | {"supported": True, "words": words_of(good, window, REGISTERED)}
    (found,) = warned(fused, rows.frame("early_warning_backtest", [good]))
    assert found["lead_words"].startswith("A signal 30 to 14 days before disclosure")


def test_each_priority_reached_is_issued_once_and_nothing_is_rewritten() -> None:
    fused = [
        day("AA", D(2024, 3, 4), 0.3), day("AA", D(2024, 3, 6), 0.7), day("AA", D(2024, 3, 8), 0.5),
        day("BB", D(2024, 5, 6), 0.5),
    ]  # fmt: skip
    first = ledger(fused, newest=D(2024, 3, 10))
    was = first.to_pylist()
    assert [r["issue_id"] for r in was] == [
        "warning:AA:2024-03-04:P3", "warning:AA:2024-03-04:P1", "warning:BB:2024-05-06:P2",
    ]  # fmt: skip
    later = ledger(fused[2:], before=first, events=[incident("i", "AA", D(2024, 4, 20))])
    now = {r["issue_id"]: r for r in later.to_pylist()}
    assert set(now) == {*(r["issue_id"] for r in was), "warning:AA:2024-03-08:P2"}
    since = {"within_30", "within_90", "outcome_id", "outcome_days", "withdrawn"}
    for row in was:
        assert {k: v for k, v in row.items() if k not in since} == {
            k: v for k, v in now[row["issue_id"]].items() if k not in since
        }
    one = now["warning:AA:2024-03-04:P1"]
    assert (one["within_30"], one["within_90"], one["outcome_days"], one["withdrawn"]) == ("none", "followed", 45, True)
    assert not now["warning:BB:2024-05-06:P2"]["withdrawn"]
    again = ledger(fused[2:], before=later, events=[incident("i", "AA", D(2024, 4, 20))])
    assert again.equals(later)


def test_how_often_warnings_were_right_is_counted_by_priority() -> None:
    fused = [day(f"T{k}", D(2024, 2, 5), 0.5) for k in range(4)]
    fused += [day("T9", D(2024, 12, 20), 0.5), day("T8", D(2024, 2, 5), 0.95, disclosed=True)]
    events = [
        incident("a", "T0", D(2024, 2, 20)), incident("b", "T1", D(2024, 2, 5)), incident("c", "T8", D(2024, 2, 5)),
    ]  # fmt: skip
    made = ledger(fused, events=events)
    by = {r["priority"]: r for r in worth(made).to_pylist()}
    assert (by["P2"]["issued"], by["P2"]["open"], by["P2"]["judged"], by["P2"]["hits"]) == (5, 1, 4, 1)
    assert by["P2"]["same_day"] == 1
    assert by["P2"]["ppv"] == 0.25
    assert by["P2"]["ppv_low"] == pytest.approx(0.0456, abs=1e-3)  # Wilson 1 of 4
    assert by["P2"]["ppv_high"] == pytest.approx(0.6994, abs=1e-3)
    assert by["disclosed"]["hits"] == 0
    late = {r["ticker"]: r for r in made.to_pylist()}["T9"]
    assert (late["n_prior"], late["n_hits"]) == (4, 1)


def test_people_are_told_once_even_by_two_and_after_a_loss(tmp_path: Path) -> None:
    fused = [day("AA", D(2024, 12, 16), 0.3), day("BB", D(2024, 12, 16), 0.7), day("CC", D(2024, 3, 4), 0.9)]
    lake = Lake(tmp_path / "lake")

    def due(now: list[dict[str, Any]]) -> list[dict[str, str]]:
        opened = rows.frame("early_warnings", warned(now))
        return due_notifications(ledger(now), opened, lake.read("warning_notices")).to_pylist()

    first = due(fused)
    assert [d["issue_id"] for d in first] == ["warning:BB:2024-12-16:P1", "warning:AA:2024-12-16:P3"]
    assert len(claim(lake, first, at(NEWEST), tmp_path)) == 2
    assert claim(lake, first, at(NEWEST), tmp_path) == []  # another that had asked before
    assert due(fused) == []
    worse = [*fused, day("AA", D(2024, 12, 18), 0.9)]
    assert [d["issue_id"] for d in due(worse)] == ["warning:AA:2024-12-16:P0"]


def test_a_verdict_is_kept_for_ever_and_nothing_else_is(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    lake.write("early_warnings", rows.frame("early_warnings", warned([day("AA", D(2024, 12, 16), 0.7)])))
    warning = "warning:AA:2024-12-16"
    give_verdict(lake, warning, "watch", " Ann ", None, at(NEWEST, 10))
    give_verdict(lake, warning, "dismissed", "Bob", "an index change", at(NEWEST, 11))
    kept = sorted(lake.read("verdicts").to_pylist(), key=lambda v: v["given_at"])
    assert [(v["verdict"], v["by"], v["day"], v["ticker"]) for v in kept] == [
        ("watch", "Ann", D(2024, 12, 16), "AA"), ("dismissed", "Bob", D(2024, 12, 16), "AA"),
    ]  # fmt: skip
    for bad in (
        ("warning:AA:2024-12-17", "watch", "Ann", None),
        ("fused:AA:2024-12-16", "watch", "Ann", None),
        ("warning:AA:2024-13-99", "watch", "Ann", None),
        ("'; DROP TABLE verdicts", "watch", "Ann", None),
        (warning, "guilty", "Ann", None),
        (warning, "watch", "  ", None),
        (warning, "watch", "Ann", "x" * 2001),
    ):
        with pytest.raises(BadVerdict):
            give_verdict(lake, *bad, at(NEWEST, 12))
    assert lake.read("verdicts").num_rows == 2
