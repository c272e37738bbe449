"""The page of the hunt and its exports: figures and disclaimers are there, STIX and MISP accept the forms."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
import stix2
from click.testing import CliRunner
from pymisp import MISPEvent

from cyberpi_assets.cli import main
from cyberpi_assets.reports import hunt as page
from cyberpi_assets.reports.exports.misp import misp_event
from cyberpi_assets.reports.exports.stix import before_of, stix_bundle
from cyberpi_assets.storage.lake import Lake
from cyberpi_assets.tables import LAKE
from cyberpi_assets_tests.domain import rows

D = dt.date
NOW = dt.datetime(2025, 1, 2, 12, 0, 0, 5000, tzinfo=dt.UTC)
AT = dt.datetime(2024, 12, 16, 21, 0, tzinfo=dt.UTC)
HOSTILE = "<script>alert(1)</script> | [x](javascript:1)"


def warning(ticker: str, priority: str, **more: Any) -> dict[str, Any]:
    return {
        "warning_id": f"warning:{ticker}:2024-12-16", "ticker": ticker, "company": HOSTILE, "priority": priority,
        "state": "open", "opened_on": D(2024, 12, 16), "opened_at": AT, "last_on": D(2024, 12, 18), "score": 0.61,
        "peak": 0.7, "n_origins": 2, "confidence": "medium", "disclosed": False, "kinds": ["kev"],
        "evidence": ["CVE-2024-12345", "CVE-nonsense", "a:1"], "words": "Unusual options.", "signals": [],
        "lead_words": "No lead time is claimed.", "refuted_by": "Nothing follows.",
    } | more  # fmt: skip


def issue(ticker: str, priority: str, outcome: str) -> dict[str, Any]:
    return {
        "issue_id": f"warning:{ticker}:2024-12-16:{priority}", "warning_id": f"warning:{ticker}:2024-12-16",
        "ticker": ticker, "priority": priority, "issued_at": AT, "issued_on": D(2024, 12, 16),
        "recorded_on": D(2024, 12, 31), "score": 0.6, "n_origins": 2, "disclosed": False, "words": "w", "n_prior": 0,
        "n_hits": 0, "base_rate": 0.0021, "within_30": "none", "within_90": outcome, "withdrawn": False,
    }  # fmt: skip


def rated(cve: str, cvss: float | None, **more: Any) -> dict[str, Any]:
    return {"cve": cve, "cvss": cvss, "rating": cvss and "high", "is_exploited": True, "n_items": 0} | more


@pytest.fixture
def con() -> duckdb.DuckDBPyConnection:
    made = duckdb.connect()
    given = {
        "early_warnings": [
            warning("AA", "P1"), warning("BB", "P3", clients=["One"]), warning("CC", "P2", state="lapsed"),
        ],
        "warning_ledger": [issue("AA", "P1", "open"), issue("CC", "P2", "none"), issue("BB", "P2", "followed")],
        "vulnerabilities": [
            rated("CVE-2024-12345", 8.8), rated("CVE-2024-0002", 9.8, items=["a:1", "b:2"]),
            rated("CVE-2024-0003", None, items=["a:1"]), rated("CVE-2024-0004", 9.9, items=["c:3"]),
        ],
    }  # fmt: skip
    for name in LAKE:
        made.register(f"_{name}", rows.frame(name, given.get(name, [])))
        made.execute(f'CREATE VIEW "{name}" AS FROM "_{name}"')
    return made


def test_open_warnings_come_first_by_client_and_urgency(con: duckdb.DuckDBPyConnection) -> None:
    found = page.hunt(con)
    assert [w.ticker for w in found.warnings] == ["BB", "AA"]
    assert [w.ticker for w in page.hunt(con, page.HuntFilter(min_priority="P1")).warnings] == ["AA"]
    assert [w.ticker for w in page.hunt(con, page.HuntFilter(clients=True)).warnings] == ["BB"]
    everything = page.HuntFilter(states=None, tickers=("cc",))
    assert [w.ticker for w in page.hunt(con, everything).warnings] == ["CC"]
    with pytest.raises(ValueError, match="no such"):
        page.hunt(con, page.HuntFilter(min_priority="P9"))


def test_vulnerabilities_stand_with_their_scores_beside_the_evidence_that_names_them(
    con: duckdb.DuckDBPyConnection,
) -> None:
    found = page.hunt(con)
    scored = ("CVE-2024-0002 (CVSS 9.8, high)", "CVE-2024-12345 (CVSS 8.8, high)", "CVE-2024-0003 (not scored)")
    assert {w.vulnerabilities for w in found.warnings} == {scored}
    assert "CVE-2024-12345 (CVSS 8.8, high)" in page.to_text(found, 160)


def test_every_form_says_what_it_is_worth(con: duckdb.DuckDBPyConnection) -> None:
    found = page.hunt(con)
    text, md, body = page.to_text(found, 160), page.to_markdown(found), json.dumps(page.to_json(found))
    for form in (text, md, body):
        assert "no evidence of wrongdoing" in form.replace("\n", " ")
        assert "3 of the 3 issues" in form.replace("\n", " ")
    assert "50.0 % (9–91 %)" in text  # Wilson, 1 of 2
    assert "<script>" not in md


def test_a_terminal_shows_decides_and_exports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CYBERPI_STORE", str(tmp_path))
    lake = Lake(tmp_path / "lake")
    lake.write("early_warnings", rows.frame("early_warnings", [warning("AA", "P1")]))
    lake.write("warning_ledger", rows.frame("warning_ledger", [issue("AA", "P1", "open")]))
    fused = {
        "fused_id": "fused:AA:2024-12-16", "ticker": "AA", "day": D(2024, 12, 16), "available_at": AT, "score": 0.6,
        "financial": 0.6, "traditional": 0.0, "n_origins": 2, "confidence": "medium", "disclosed": False, "words": "w",
        "decided": 0.6,
    }  # fmt: skip
    lake.write("fused_signals", rows.frame("fused_signals", [fused]))
    runner = CliRunner()
    shown = runner.invoke(main, ["hunt", "--format", "json"], catch_exceptions=False)
    (only,) = json.loads(shown.output)["warnings"]
    decided = runner.invoke(main, ["verdict", only["warning_id"], "watch", "--by", "Ann"], catch_exceptions=False)
    assert decided.exit_code == 0
    assert lake.read("verdicts").column("by").to_pylist() == ["Ann"]
    assert runner.invoke(main, ["verdict", "fused:ZZ:2024-12-16", "watch", "--by", "Ann"]).exit_code == 2
    made = tmp_path / "w.json"
    written = runner.invoke(main, ["export", "--stix", str(made)], catch_exceptions=False)
    assert "1 warnings written" in written.output
    stix2.parse(made.read_text(), allow_custom=False)
    first = made.read_text()
    runner.invoke(main, ["export", "--stix", str(made)], catch_exceptions=False)
    assert made.read_text() == first
    assert runner.invoke(main, ["export"]).exit_code == 2
    refused = runner.invoke(main, ["export", "--taxii", "http://taxii.example.org/api/collections/c/"])
    assert refused.exit_code == 1
    assert "https" in refused.output


def test_the_bundle_is_stix_and_stays_the_same(con: duckdb.DuckDBPyConnection) -> None:
    found = page.hunt(con)
    bundle = stix_bundle(found, {"AA": 320193}, NOW)
    parsed: Any = stix2.parse(bundle, allow_custom=False)
    kinds = sorted(o.type for o in parsed.objects)
    assert kinds == sorted(
        ["marking-definition", "identity", "identity", "identity", "report", "report", "note", "note", "vulnerability",
         "grouping"]
    )  # fmt: skip
    of = {o["id"]: o for o in bundle["objects"]}
    company = next(o for o in of.values() if o["type"] == "identity" and "external_references" in o)
    assert {r["source_name"] for o in of.values() for r in o.get("external_references", [])} >= {
        "sec-cik",
        "ticker",
        "cve",
    }
    assert company["object_marking_refs"] == ["marking-definition--f88d31f6-486f-44da-b317-01333bde0b82"]
    assert all(ref in of for o in of.values() for ref in o.get("object_refs", []))
    again = stix_bundle(found, {"AA": 320193}, NOW + dt.timedelta(days=1), before=before_of(json.dumps(bundle)))
    assert again == bundle
    changed = page.hunt(con, page.HuntFilter(states=None))
    later = stix_bundle(changed, {"AA": 320193}, NOW, before=bundle)
    modified = {o["id"]: o.get("modified") for o in later["objects"]}
    bumped = [o["type"] for o in bundle["objects"] if modified[o["id"]] != o.get("modified")]
    assert bumped == ["grouping"]
    assert {o["modified"] for o in later["objects"] if o["type"] == "grouping"} == {"2025-01-02T12:00:00.005Z"}
    assert before_of("no json") is None


def test_the_event_is_misp_and_detects_nothing(con: duckdb.DuckDBPyConnection) -> None:
    made = misp_event(page.hunt(con), NOW)
    event = MISPEvent()
    event.load(json.dumps(made))
    assert {a.type for a in event.attributes} == {"target-org", "text", "vulnerability"}
    assert not any(a.to_ids for a in event.attributes)
    assert made["Event"]["threat_level_id"] == "2"
    assert made == misp_event(page.hunt(con), NOW)
    assert [t.name for t in event.tags] == ["tlp:amber"]
    empty = misp_event(page.hunt(con, page.HuntFilter(tickers=("ZZ",))), NOW)
    assert (empty["Event"]["Attribute"], empty["Event"]["threat_level_id"]) == ([], "4")
    assert len(stix_bundle(page.hunt(con, page.HuntFilter(tickers=("ZZ",))), {}, NOW)["objects"]) == 2
