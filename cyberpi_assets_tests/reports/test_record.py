"""The record around the trades: sections of the dossier, coverage, groups against chance, what was known on a day."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner

from cyberpi_assets.cli import main
from cyberpi_assets.reports import coverage, page, patterns, timing
from cyberpi_assets.reports.dossier import official_page
from cyberpi_assets.reports.known import see_as_known_on
from cyberpi_assets.reports.layout import as_text
from cyberpi_assets.reports.patterns import PatternFilter, pattern_report, stored_rankings
from cyberpi_assets.reports.summary import status
from cyberpi_assets.reports.timing import TimingFilter, timing_report
from cyberpi_assets.rules.figures import RankingRules, TimingRules
from cyberpi_assets.storage.lake import Lake
from cyberpi_assets.tables import LAKE
from cyberpi_assets_tests.reports.conftest import opened
from cyberpi_assets_tests.reports.record_world import build_record
from cyberpi_assets_tests.reports.world import HOUSE_PDF

BEFORE, AFTER = dt.date(2024, 3, 1), dt.date(2024, 9, 1)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("record")
    build_record(folder / "lake")
    return folder


@pytest.fixture(scope="module")
def record(root: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    con = opened(Lake(root / "lake"))
    yield con
    con.close()


def _known(root: Path, day: dt.date) -> duckdb.DuckDBPyConnection:
    return see_as_known_on(opened(Lake(root / "lake")), day, TimingRules(), RankingRules())  # pyright: ignore


def _flat(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def _section(found: page.Page, title: str) -> page.Section:
    return next(s for s in found.sections if s.title.startswith(title))


# -------------------------------------------------------------------------------------------------------------- dossier


def test_terms_and_seats_are_dated_and_subcommittees_left_to_the_json(record: duckdb.DuckDBPyConnection) -> None:
    found = official_page(record, "P000001")
    assert [r[-2:] for r in _section(found, "Terms").rows] == [("2021-01-03", "2023-01-03"), ("2023-01-03", "–")]
    assert _section(found, "Committees").rows == (
        ("Committee on <b>Money</b>", "118", "Chair", "2023-02-01", "2024-12-01"),
    )
    body = page.to_json(found)
    assert isinstance(body["committees"], list)
    assert len(body["committees"]) == 2
    assert "&lt;b&gt;Money" in page.to_markdown(found)


def test_lateness_names_its_filing(record: duckdb.DuckDBPyConnection) -> None:
    found = official_page(record, "P000001")
    section = _section(found, "Lateness")
    assert dict(section.facts) == {
        "Late": "1 of 3 trades with a known verdict, 33 % (6–79 %)",
        "Days to file": "median 18, 90th percentile 47.5",
        "Latest": "21 days after it was due: trade of 2022-05-02, filed 2022-05-20",
    }
    assert [f for f, _ in section.filings] == ["house:20024009"]
    body: Any = page.to_json(found)
    assert (body["latest_disclosure"]["filing_id"], body["latest_disclosure"]["days_late"]) == ("house:20024009", 21)
    assert "- **Filing:** [house:20024009]" in page.to_markdown(found)


def test_returns_and_portfolios_show_what_was_tested_and_leave_out_what_was_not(
    record: duckdb.DuckDBPyConnection,
) -> None:
    found = official_page(record, "P000001")
    assert _section(found, "Returns").rows == (
        ("trade", "[0, 5]", "market", "31", "1.2 %", "-0.4 to 2.8 %", "0.140", "0.610"),
    )
    assert _section(found, "Calendar-time").rows == (("disclosure", "21", "1,250", "3.4 %", "0.320", "0.800"),)
    assert _section(official_page(record, "S000001"), "Returns").about == ("Too few trades to test.",)
    assert _section(official_page(record, "S000001"), "Lateness").about == ("Not known.",)


def test_replaced_rows_say_by_what_since_when_and_why(record: duckdb.DuckDBPyConnection) -> None:
    found = official_page(record, "P000001")
    section = _section(found, "Replaced")
    why = "the source says: replaced by house:20025001"
    assert section.rows == (
        ("2024-01-14 buy XYZ", "2024-02-01", "2024-08-01", "house:20025001", why),
        ("2024-01-11 buy XYZ", "2024-02-01", "–", "house:20024009", "already disclosed there"),
    )  # fmt: skip
    assert section.filings == (("house:20024001", HOUSE_PDF), ("house:20024001", HOUSE_PDF))
    assert _section(official_page(record, "S000002"), "Replaced").about == ("None.",)


def test_what_is_missing_counts_filings_by_status_and_coverage_by_year(record: duckdb.DuckDBPyConnection) -> None:
    facts = dict(_section(official_page(record, "P000001"), "What is missing").facts)
    assert facts["Filings"] == "parsed (2); partial (1); scanned (1)"
    assert facts["Chamber covered"] == "2022 50 %; 2024 100 %"
    assert "superseded by an amendment (1)" in facts["Not scored"]


# ------------------------------------------------------------------------------------------------------------- coverage


def test_both_reports_status_and_the_command_show_coverage_by_chamber_and_year(
    record: duckdb.DuckDBPyConnection, root: Path
) -> None:
    row = ("House", "2022", "8", "3", "1", "1", "2", "0", "0", "1", "1,234", "50 %")
    assert coverage.coverage_rows(record)[1].cells() == row
    assert coverage.coverage_rows(record)[2].cells()[:6] == ("Senate", "–", "1", "0", "0", "1")
    words = "House: 10 filings, 60 % read whole, 3 without rows; Senate: 1 filings, 0 % read whole, 1 without rows"
    texts = {
        "timing": timing.to_text(timing_report(record, TimingFilter())),
        "patterns": patterns.to_text(pattern_report(record)),
        "page": page.to_text(coverage.coverage_page(record)),
        "status": as_text(status(record, LAKE, dict.fromkeys(LAKE, 1)), 100),
    }
    for name, text in texts.items():
        assert words in _flat(text), name
        assert all(len(line) <= 100 or "://" in line for line in text.splitlines()), name
        assert name == "status" or re.search(r"House +2022 +8 +3 +1 +1 +2 +0 +0 +1 +1,234 +50 %", text), name
    for shown in (timing.to_markdown(timing_report(record)), patterns.to_markdown(pattern_report(record))):
        assert "| House | 2022 | 8 | 3 | 1 | 1 | 2 | 0 | 0 | 1 | 1,234 | 50 % |" in shown
    body: Any = timing.to_json(timing_report(record))
    assert [c["year"] for c in body["coverage"]] == [2024, 2022, 0]
    ran = CliRunner().invoke(main, ["coverage", "--format", "json"], env={"CYBERPI_STORE": str(root)})
    assert json.loads(ran.output)["coverage"][1]["scanned"] == 2


def test_without_a_ledger_coverage_says_so(empty_con: duckdb.DuckDBPyConnection) -> None:
    assert "No filing is known." in timing.to_text(timing_report(empty_con))
    assert "No filing is known." in patterns.to_markdown(pattern_report(empty_con))


# --------------------------------------------------------------------------------------------------------------- groups


def test_parties_lead_with_the_test_and_raw_means_come_after_it(record: duckdb.DuckDBPyConnection) -> None:
    report = pattern_report(record)
    assert [(t.chamber, t.metric) for t in report.party_tests] == [
        ("both", "mean_one_minus_p"), ("house", "mean_score"), ("senate", "excess_score"),
    ]  # fmt: skip
    text = _flat(patterns.to_text(report))
    assert text.index("Parties against chance") < text.index("Parties, raw means")
    assert "0.02 -0.03 to 0.07 0.440 0.440" in text
    assert "3 -1.5 to 7.25 0.190 0.380" in text
    assert "fewer than 3 officials" in _flat(patterns.to_markdown(report))
    assert "A difference of parties says nothing of any member" in text


def test_committees_and_seasons_have_their_q_and_their_caveats(record: duckdb.DuckDBPyConnection) -> None:
    report = pattern_report(record)
    text = _flat(patterns.to_text(report))
    assert re.search(r"Committee on 12 9 / 6.5 1.38 \(0.63–2.63\) 1.04 0.210 14 % <b>Money</b>", text)
    assert "mapping of committees to sectors is ours, and broad" in text
    assert re.search(r"month 900 17.4 – 0.031 0.062 official-days", text)
    assert re.search(r"event clustering 900 41 33.5 0.200 0.200", text)
    assert "no source gives earnings dates" in text
    assert [s.bucket for s in report.seasons if s.pattern == "weekday"] == ["Mon", "Fri"]
    shown = patterns.to_markdown(report)
    assert not re.search(r"<(?!https?://)", shown)
    body: Any = json.loads(json.dumps(patterns.to_json(report), allow_nan=False))
    documented = patterns.to_json.__doc__ or ""
    for name in ("party_tests", "committees", "seasons", "coverage"):
        for key in body[name][0]:
            assert re.search(rf"\b{key}\b", documented), key
    of_period = pattern_report(record, PatternFilter(days=400), stored_rankings(record))
    assert (of_period.party_tests, of_period.committees, of_period.seasons) == ((), (), ())


# ---------------------------------------------------------------------------------------------------------- known on


def test_before_the_amendment_the_replaced_row_stands_with_its_score(root: Path) -> None:
    con = _known(root, BEFORE)
    report = timing_report(con, TimingFilter(min_score=0, limit=None))
    scored = {f.trade_id: f.score for f in report.findings}
    # 5 x 2 alert days + 2 x mean severity 7.5 + 10 x 2 recent + 15 x 2 high
    assert scored["house:20024001#4"] == 75
    assert "house:20025001#1" not in {r[0] for r in con.execute("SELECT trade_id FROM disclosed_trades").fetchall()}
    assert "senate:aa-bb#1" not in scored  # filed in June
    assert report.findings[0].evidence is None  # p values rest on all trades: a past day has none
    assert con.execute("SELECT count(*) FROM official_evidence").fetchall() == [(0,)]
    late = con.execute("SELECT bioguide_id, n_trades FROM official_timeliness ORDER BY 1").fetchall()
    assert ("S000001", 1) not in late


def test_after_the_amendment_it_is_replaced(root: Path) -> None:
    con = _known(root, AFTER)
    row = con.execute(
        "SELECT superseded_by, superseded_on FROM disclosed_trades WHERE trade_id = 'house:20024001#4'"
    ).fetchall()
    assert row == [("house:20025001", dt.date(2024, 8, 1))]
    assert con.execute("SELECT score FROM disclosure_correlations WHERE trade_id = 'house:20024001#4'").fetchall() == [
        (None,)
    ]
    covered = con.execute("SELECT chamber, year, n_filings FROM filing_coverage ORDER BY year").fetchall()
    assert covered == [("house", 2022, 2), ("house", 2024, 2)]


def test_commands_take_a_day_and_say_so(root: Path) -> None:
    def run(*words: str) -> str:
        ran = CliRunner().invoke(main, list(words), env={"CYBERPI_STORE": str(root), "COLUMNS": "100"})
        assert ran.exit_code == 0, ran.output
        return ran.output

    day = ("--known-on", str(BEFORE))
    for command in (("dossier", "P000001"), ("coverage",)):
        assert "As known on 2024-03-01" in _flat(run(*command, *day)), command
    assert "As known on" not in run("coverage")
    count = "select count(*) as n from disclosed_trades"
    assert json.loads(run("sql", "--format", "json", count)) == [{"n": 10}]
    assert json.loads(run("sql", "--format", "json", *day, count)) == [{"n": 8}]
