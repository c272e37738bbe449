"""The report of checks: which result is the newest, what it says, that it escapes, and how the command ends."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from click.testing import CliRunner, Result
from lxml import html as lxml_html  # pyright: ignore[reportAttributeAccessIssue]

from cyberpi_assets.cli import main
from cyberpi_assets.reports import checks, page
from cyberpi_assets.reports.checks import Declared
from cyberpi_assets.reports.html import to_html
from cyberpi_assets.reports.page import Page, Section
from cyberpi_assets.storage.lake import Lake
from cyberpi_assets.tables import CHECK_RESULTS

HOSTILE = '<script>alert(1)</script>\x1b[31m" onmouseover="x" [a](javascript:x) | \'\''
MONDAY = dt.datetime(2024, 5, 6, 12, tzinfo=dt.UTC)


def row(asset: str, name: str, passed: bool, hours: float, detail: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "asset": asset, "check_name": name, "partition_from": "2024-01", "partition_to": "2024-03", "passed": passed,
        "severity": "ERROR", "checked_at": MONDAY + dt.timedelta(hours=hours), "run_id": f"run{hours:g}-0123456789",
        "detail": json.dumps(detail), **more,
    }  # fmt: skip


def month(asset: str, name: str, passed: bool, hours: float, of: str) -> dict[str, Any]:
    return row(asset, name, passed, hours, {"month": of, "bad": int(not passed)}, partition_from=of, partition_to=of)


ROWS = [
    row("daily_bars", "prices_on_sessions", False, 0, {"on_closed_days": 3}),
    month("daily_bars", "prices_on_sessions", False, 0, "2024-01"),
    month("daily_bars", "prices_on_sessions", False, 0, "2024-03"),
    # a later run of January alone: its own result, and that month's, at one moment and over the same months
    month("daily_bars", "prices_on_sessions", True, 24, "2024-01"),
    row("daily_bars", "prices_on_sessions", True, 24, {"on_closed_days": 0}, partition_to="2024-01"),
    row("daily_bars", "fresh_by_data_date", False, 24, {"newest": "2024-04-30", "sessions_behind": 4}, severity="WARN"),
    row("source_files", "something_was_read", True, -30, {"said": HOSTILE, "files": 1234}, severity="WARN"),
    row("gone_table", "renamed_since", False, 24, {}),
]


def relation(rows: list[dict[str, Any]]) -> duckdb.DuckDBPyConnection:
    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    con.register("check_results", pa.Table.from_pylist(rows, schema=CHECK_RESULTS.schema))
    return con


DECLARED = [
    Declared("reference", "source_files", "something_was_read", False, "At least one file was read."),
    Declared("market", "daily_bars", "fresh_by_data_date", False, "The newest session is near."),
    Declared("market", "daily_bars", "prices_on_sessions", True, "Every close is positive."),
    Declared("market", "daily_bars", "never_ran", True, "Nothing yet."),
]


def test_the_newest_result_counts_and_months_fail_by_their_own_newest_result() -> None:
    found = checks.report(relation(ROWS), DECLARED)
    told = {line.check.name: line for line in found.lines}
    prices = told["prices_on_sessions"]
    assert (prices.result, prices.found, prices.months) == ("passed", {"on_closed_days": 0}, ("2024-03",))
    assert prices.words == "on closed days 0; months that fail: 2024-03"
    assert (told["fresh_by_data_date"].result, told["never_ran"].result) == ("warned", "no result")
    assert told["fresh_by_data_date"].words == "newest 2024-04-30, sessions behind 4"
    assert (found.forgotten, found.blocked) == (1, False)
    assert checks.report(relation(ROWS[:3]), DECLARED).blocked
    assert [line.check.name for line in found.only(failed=True).lines] == ["fresh_by_data_date"]
    assert len(found.only("daily_bars", dt.date(2024, 5, 7)).lines) == 2


def test_the_results_of_one_run_are_those_of_that_run() -> None:
    first = checks.newest(relation(ROWS), "run0-0123456789").to_pylist()
    assert [(r["check_name"], r["passed"]) for r in first] == [("prices_on_sessions", False)]


def test_months_that_follow_each_other_are_said_as_a_span() -> None:
    assert checks.spans(["2023-11", "2023-12", "2024-01", "2024-03"]) == "2023-11 to 2024-01, 2024-03"
    many = [f"{year}-05" for year in range(2012, 2024)]
    assert checks.spans(many) == (
        "2012-05, 2013-05, 2014-05, 2015-05, 2016-05, and others, 12 months in all, the last 2023-05"
    )


def test_no_form_of_the_report_lets_text_from_outside_act() -> None:
    shown = checks.to_page(checks.report(relation(ROWS), DECLARED), "demo")
    links = ((HOSTILE, "javascript:alert(1)"), ("ok", 'https://x.example/?a="<b>'))
    last = Section(HOSTILE, (HOSTILE,), ((HOSTILE, HOSTILE),), ((HOSTILE, "right"),), ((HOSTILE,),), links)
    hostile = Page(HOSTILE, (HOSTILE,), (*shown.sections, last), {})
    root = lxml_html.document_fromstring(to_html(hostile))
    assert {e.tag for e in root.iter()} <= {
        "html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "dl", "dt", "dd", "table", "thead", "tbody",
        "tr", "th", "td", "a",
    }  # fmt: skip
    assert {a for e in root.iter() for a in e.attrib} <= {
        "lang",
        "charset",
        "http-equiv",
        "content",
        "name",
        "class",
        "href",
    }
    assert [a.get("href") for a in root.iter("a")] == ["https://x.example/?a=%22%3Cb%3E"]
    assert "default-src 'none'" in root.xpath("//meta[@http-equiv]/@content")[0]
    assert root.xpath("//h1")[0].text.startswith('<script>alert(1)</script>" onmouseover'), "shown, as text"
    for made in (page.to_text(shown), page.to_markdown(shown), to_html(shown)):
        assert "\x1b" not in made
    assert "<script" not in page.to_markdown(shown) + to_html(shown)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("store")
    Lake(folder / "lake").append("check_results", pa.Table.from_pylist(ROWS, schema=CHECK_RESULTS.schema))
    return folder


def call(store: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["checks", *words], env={"CYBERPI_STORE": str(store)})


def test_the_command_tells_every_check_by_stage_and_warnings_end_well(store: Path) -> None:
    done = call(store)
    assert done.exit_code == 0, done.output
    assert "Checks of profile demo" in done.stdout
    assert done.stdout.index("Stage reference") < done.stdout.index("Stage market") < done.stdout.index("Stage reports")
    assert "checks that are no longer there: 1." in done.stdout
    assert "on closed days 0; months that fail: 2024-03" in call(store, "--format", "md").stdout
    assert all(len(line) <= 100 for line in done.stdout.splitlines())
    body = json.loads(call(store, "--format", "json", "--asset", "daily_bars").stdout)
    assert body["counts"] == {"failed": 0, "warned": 1, "passed": 1, "no result": len(body["checks"]) - 2}
    (fresh,) = [c for c in body["checks"] if c["result"] == "warned"]
    assert fresh["checked_at"] == "2024-05-07T12:00:00+00:00"
    rows = list(csv.DictReader(io.StringIO(call(store, "--failed", "--format", "csv").stdout)))
    assert [(r["asset"], r["check"], r["found"]) for r in rows] == [
        ("daily_bars", "fresh_by_data_date", "newest 2024-04-30, sessions behind 4")
    ]
    assert call(store, "--since", "2024-05-08", "--format", "csv").stdout.count("\n") == 1


def test_a_failed_blocking_check_is_exit_code_1_and_files_take_their_form_from_the_name(tmp_path: Path) -> None:
    Lake(tmp_path / "lake").append("check_results", pa.Table.from_pylist(ROWS[:3], schema=CHECK_RESULTS.schema))
    assert call(tmp_path).exit_code == 1
    assert call(tmp_path, "--asset", "source_files").exit_code == 0
    made = tmp_path / "checks.html"
    assert call(tmp_path, "--output", str(made)).exit_code == 1
    assert '<td class="strong">FAILED</td>' in made.read_text()


def test_no_results_and_no_such_table_have_their_exit_codes(store: Path, tmp_path: Path) -> None:
    assert call(tmp_path).exit_code == 3
    unknown = call(store, "--asset", "daily_bar")
    assert (unknown.exit_code, "daily_bar" in unknown.stderr) == (1, True)
    assert call(store, "--since", "yesterday").exit_code == 2
