"""Which threats are current, what is pushed of them, and how a threat is written down for other tools."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pyarrow as pa

from cyberpi_assets.domain.working_memory import documents, newest_sweep, working_memory
from cyberpi_assets.reports.threat_files import write_threats
from cyberpi_assets.rules.running import MemoryRules
from cyberpi_assets.tables import WORKING_MEMORY, conform
from cyberpi_assets_tests.domain import rows

UTC = dt.UTC
AT = dt.datetime(2025, 11, 4, 21, 23, tzinfo=UTC)  # 16:23 in New York
RULES = MemoryRules()  # pyright: ignore[reportCallIssue]


def score(ticker: str, figure: int | None, at: dt.datetime = AT, **more: Any) -> dict[str, Any]:
    known = figure is not None
    return {
        "threat_id": f"financial_{ticker}_20251104_{at - dt.timedelta(hours=5):%H%M}",
        "ticker": ticker,
        "snapshot_at": at,
        "session": dt.date(2025, 11, 4),
        "source": "made",
        "seed_score": figure,
        "coverage": 0.75 if known else 0.25,
        "n_fired": 0,
        "n_unknown": 1 if known else 3,
        "severity": ("high" if figure >= 70 else "low") if figure is not None else None,
        "confidence": "medium" if known else None,
        "reason": None if known else "coverage under one half",
        "data_type": "delayed",
        "history_n": 0,
        "partial_day": False,
        "stale_minutes": 23.0,
    } | more


def indicator(of: dict[str, Any], name: str, state: str, value: float | None = None, words: str = "") -> dict[str, Any]:
    return {
        "indicator_id": f"{of['threat_id']}/{name}", "threat_id": of["threat_id"], "ticker": of["ticker"],
        "session": of["session"], "source": of["source"], "indicator": name, "state": state, "value": value,
        "words": words or f"{name} is {state}",
    }  # fmt: skip


def scores(*made: dict[str, Any]) -> pa.Table:
    return rows.frame("threat_scores", made)


UNH = score("UNH", 70)
INDICATORS = rows.frame(
    "threat_indicators",
    [
        indicator(UNH, "volume_excess", "fired", 821.0, "Volume is 821 % over its average."),
        indicator(UNH, "otm_puts", "fired", 2407.0, "2,407 far puts were traded."),
        indicator(UNH, "near_expiries", "fired", 46044.0, "46,044 contracts expire within 14 days."),
        indicator(UNH, "put_call_ratio", "unknown", None, "No calls and no puts were reported."),
    ],
)
COMPANIES = rows.frame("companies", [{"ticker": "UNH", "name": "Unimagined Health", "sector": "Health", "source": "x"}])


def told(*made: dict[str, Any]) -> list[dict[str, Any]]:
    return documents(newest_sweep(scores(*made), RULES), INDICATORS, COMPANIES)


def test_the_newest_sweep_has_each_ticker_once_as_of_its_newest_minute() -> None:
    minute = dt.timedelta(minutes=1)
    found = newest_sweep(
        scores(
            score("AA", 90, AT - 31 * minute),
            score("AA", 20, AT - 2 * minute),
            score("AA", 80, AT - 2 * minute, source="other"),
            score("BB", 95, AT - 10 * minute),
            score("BB", 10, AT),
            score("CC", 60, AT - 29 * minute),
            score("DD", 99, AT - 30 * minute),  # the sweep before
            score("EE", None, AT),
        ),
        RULES,
    ).to_pylist()
    assert [(r["ticker"], r["seed_score"]) for r in found] == [("AA", 80), ("CC", 60), ("BB", 10), ("EE", None)]
    assert newest_sweep(scores(), RULES).num_rows == 0


def test_what_scores_seventy_is_pushed_and_nothing_else() -> None:
    found = working_memory(told(UNH, score("LOW", 69), score("NONE", None)), RULES)
    conform(WORKING_MEMORY, found)
    (row,) = found.to_pylist()
    assert row["threat_id"] == "financial_UNH_20251104_1623"
    assert (row["severity"], row["started_at"], row["last_activity"]) == ("high", AT, AT)
    assert (row["analyst_count"], row["interaction_count"]) == (0, 0)
    assert row["id"].startswith("work_")
    assert len(row["id"]) == 13
    for words in ("Unimagined Health (UNH)", "Threat score: 70/100 (high)", "75% (3 of 4 indicators known)",
                  "- 2,407 far puts were traded.", "not a probability"):  # fmt: skip
        assert words in row["content"]
    metadata = json.loads(row["metadata"])
    assert metadata["raw_data"]["metrics"] == {
        "put_call_ratio": None, "volume_spike": 821.0, "unusual_puts_count": 2407.0, "near_term_activity": 46044.0,
    }  # fmt: skip
    assert {k: metadata[k] for k in metadata if k != "raw_data"} == {
        "type": "financial_threat", "ticker": "UNH", "company": "Unimagined Health", "industry": "Health",
        "threat_score": 70, "confidence": "medium", "source": "made", "collection_run": "20251104_1623",
    }  # fmt: skip


def test_a_document_says_what_is_unknown_and_what_is_invented() -> None:
    unknown, invented = told(score("EE", None), score("DD", 75, data_type="simulated"))[::-1]
    assert (unknown["threat_score"], unknown["reason"], unknown["industry"]) == (
        None,
        "coverage under one half",
        "Unknown",
    )
    assert (unknown["company"], unknown["indicators"]) == ("EE", [])
    assert not any("invented" in d for d in unknown["disclaimers"])
    assert any("invented" in d for d in invented["disclaimers"])


def test_indicators_of_another_provider_are_not_mixed_in() -> None:
    (found,) = told(UNH | {"source": "other"})
    assert found["indicator_rows"] == []


def test_files_are_named_after_what_they_tell_and_a_repeated_run_leaves_them_alone(tmp_path: Path) -> None:
    threats = told(UNH, score("A/../B", 71), score("LOW", 10))
    names = ["threat_A_.._B_20251104_1623.json", "threat_UNH_20251104_1623.json", "summary_20251104_1623.json"]
    folder = tmp_path / "financial_threats"
    assert [p.name for p in write_threats(folder, threats, 70)] == names
    stamps = {p.name: p.stat().st_mtime_ns for p in folder.iterdir()}
    assert sorted(stamps) == sorted(names)
    write_threats(folder, threats, 70)
    assert {p.name: p.stat().st_mtime_ns for p in folder.iterdir()} == stamps
    one = json.loads((folder / names[1]).read_text())
    assert one["threat_id"] == "financial_UNH_20251104_1623"
    assert one["indicators"][0] == "46,044 contracts expire within 14 days."
    assert one["snapshot"] == {
        "at": "2025-11-04T21:23:00Z", "session": "2025-11-04", "data_type": "delayed", "stale_minutes": 23.0,
    }  # fmt: skip
    summary = json.loads((folder / names[2]).read_text())
    assert (summary["total_analyzed"], summary["high_priority"]) == (3, 2)
    assert summary["high_threat_tickers"] == ["A/../B", "UNH"]
    assert len(summary["threats"]) == 3
    assert write_threats(tmp_path / "none", [], 70) == []
    assert not (tmp_path / "none").exists()


def test_a_figure_that_is_no_number_is_null_in_json() -> None:
    of = score("NN", 80, history_score=float("nan"))
    wild = rows.frame("threat_indicators", [indicator(of, "put_call_ratio", "fired", float("inf"))])
    (found,) = documents(newest_sweep(scores(of), RULES), wild, COMPANIES)
    assert found["history_score"] is None
    assert found["metrics"]["put_call_ratio"] is None
    json.dumps(found, allow_nan=False)
