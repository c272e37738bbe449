"""The evidence beside raw figures, dossiers and ticker pages: what leads, what is said where there is none."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

from cyberpi_assets.cli import main
from cyberpi_assets.reports import page, patterns, timing
from cyberpi_assets.reports.dossier import official_page, ticker_page
from cyberpi_assets.reports.layout import as_text
from cyberpi_assets.reports.patterns import PatternFilter, pattern_report, stored_rankings
from cyberpi_assets.reports.summary import summary
from cyberpi_assets.reports.timing import TimingFilter, timing_report
from cyberpi_assets_tests.reports.conftest import opened
from cyberpi_assets_tests.reports.world import HOSTILE_NAME, HOUSE_PDF, add_calibration, add_evidence, build


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    con = opened(add_evidence(build(tmp_path_factory.mktemp("judged") / "lake")))
    yield con
    con.close()


def _flat(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def test_officials_come_by_q_and_raw_flags_say_whether_they_survive(judged: duckdb.DuckDBPyConnection) -> None:
    report = pattern_report(judged)
    assert [(r.official, r.rank) for r in report.officials] == [("María J. Peláez", 2), ("John A. Smith", 1)]
    text = patterns.to_text(report)
    assert all(len(line) <= 100 or "://" in line for line in text.splitlines())
    said = _flat(text)
    assert "1 of 2 tested officials with a supported finding; 1 with q of 0.05 or less; smallest q 0.030" in said
    assert re.search(r"John A. Smith no 0.210 7 / 2.5 insufficient evidence: q 0.21 over 0.05", said)
    assert "Officials trade on the same news" in said
    assert "2.80 (1.1–5.8)" in said
    body = json.loads(json.dumps(patterns.to_json(report), allow_nan=False))
    assert body["officials"][0]["evidence"]["label"] == "supported finding"


def test_a_period_has_no_evidence_and_says_so(judged: duckdb.DuckDBPyConnection) -> None:
    report = pattern_report(judged, PatternFilter(days=30), stored_rankings(judged))
    assert report.officials[0].evidence is None
    assert "not tested" in patterns.to_text(report)


def test_a_finding_shows_its_p_or_why_there_is_none(judged: duckdb.DuckDBPyConnection) -> None:
    report = timing_report(judged, TimingFilter())
    said = _flat(timing.to_text(report))
    for words in (
        "p 0.012 (share of 812 possible dates",
        "expected score 21.5",
        "14 % of the dates score 60 or more",
        "score of the 30 days after the trade 34, difference +55.0",
        "no p: only 40 admissible dates",
        "not tested",
    ):
        assert words in said, words
        assert words in timing.to_markdown(report), words


def test_the_summary_leads_with_evidence_where_there_is_some(
    judged: duckdb.DuckDBPyConnection, con: duckdb.DuckDBPyConnection
) -> None:
    with_it, without = (_flat(as_text(summary(c, None, Path("/data"), 5), 100)) for c in (judged, con))
    assert "supported finding" in with_it
    assert "7 / 2.5" in with_it
    assert "not tested" in without
    assert "32–81 %" in without


def test_a_dossier_holds_evidence_trades_filings_and_what_is_missing(judged: duckdb.DuckDBPyConnection) -> None:
    found = official_page(judged, "maria pelaez")
    text = page.to_text(found)
    assert all(len(line) <= 100 or "://" in line for line in text.splitlines())
    for words in ("supported finding", "0.012", HOUSE_PDF, "Patterns are not evidence", "rebalancing", "fund (1)"):
        assert words in _flat(text), words
    body = page.to_json(found)
    assert json.loads(json.dumps(body, allow_nan=False)) == body
    assert body["trades_total"] == 4
    assert f"(<{HOUSE_PDF}>)" in page.to_markdown(found)
    assert "1 of 4 trades" in page.to_text(official_page(judged, "P000001", 1))


def test_hostile_text_stays_text(judged: duckdb.DuckDBPyConnection) -> None:
    pages = [official_page(judged, HOSTILE_NAME), official_page(judged, "S000001"), ticker_page(judged, "XYZ")]
    for found in (*pages, ticker_page(judged, "brk.b")):
        shown = page.to_markdown(found)
        assert not re.search(r"<(?!https?://)", shown)
        links = re.findall(r"(?<!\\)\]\((.*?)\)", shown)
        assert all(m.startswith("<https://") for m in links)
        for text in (shown, page.to_text(found), json.dumps(page.to_json(found), ensure_ascii=False)):
            assert "\x1b" not in text
            assert "\u202e" not in text
        assert "javascript:alert(1)" not in json.dumps(page.to_json(found))


def test_a_ticker_page_counts_alerts_and_officials(judged: duckdb.DuckDBPyConnection) -> None:
    body = page.to_json(ticker_page(judged, "BRK/B"))
    assert body["ticker"] == "BRK-B"
    assert [(a["alert_type"], a["n"], a["severe"]) for a in body["alerts"]] == [("price_spike", 2, 1)]  # type: ignore[index, attr-defined]
    assert "Officials trade on the same news" in _flat(page.to_text(ticker_page(judged, "BRK-B")))


def test_commands_end_with_their_exit_codes(tmp_path: Path) -> None:
    def run(*words: str) -> int:
        return CliRunner().invoke(main, list(words), env={"CYBERPI_STORE": str(tmp_path)}).exit_code

    assert run("dossier", "maria pelaez") == 3
    lake = build(tmp_path / "lake")
    assert run("calibrate") == 3
    assert run("dossier", "maria pelaez", "--format", "md") == 0
    assert (run("dossier", "john smith"), run("dossier", "Jane Nobody"), run("ticker", "NOPE")) == (2, 1, 1)
    assert run("ticker", "XYZ", "--output", str(tmp_path / "x.json")) == 0
    assert json.loads((tmp_path / "x.json").read_text())["schema"] == "cyberpi/ticker/1"
    add_calibration(lake, passed=True)
    assert run("calibrate") == 0
    add_calibration(lake, passed=False)
    assert run("calibrate") == 1
