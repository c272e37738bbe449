"""The reading commands as a person meets them: what they print, where they write, and how they end."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cyberpi_assets.cli import main
from cyberpi_assets.storage.lake import Lake
from cyberpi_assets_tests.reports.world import D, alert, build, store

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that holds the hand-made lake."""
    folder = tmp_path_factory.mktemp("store")
    build(folder / "lake")
    return folder


@pytest.fixture
def run(home: Path) -> Any:
    def call(*words: str, store: Path = home, stdin: str | None = None) -> Result:
        return CliRunner().invoke(main, list(words), env={"CYBERPI_STORE": str(store)}, input=stdin)

    return call


def _ok(result: Result) -> str:
    assert result.exit_code == 0, result.output
    return result.stdout


# -------------------------------------------------------------------------------------------------------------- timing


def test_timing_prints_the_report_without_colour_codes(run: Any) -> None:
    text = _ok(run("timing"))
    assert "Suspicious-timing report" in text
    assert "score 89" in text
    assert "\x1b" not in text
    assert all(len(line) <= 100 or "://" in line for line in text.splitlines())


@pytest.mark.parametrize("name", ["maria pelaez", "MARÍA PELÁEZ", "Pelaez, Maria J."])
def test_timing_finds_a_person_however_the_name_is_written(run: Any, name: str) -> None:
    body = json.loads(_ok(run("timing", "--official", name, "--format", "json")))
    assert body["filter"]["bioguide_id"] == "P000001"
    assert [f["trade_id"] for f in body["findings"]] == ["house:20024001#1"]
    assert body["findings"][0]["components"] == {"n_alerts": 3, "mean_severity": 7.0, "n_recent": 3, "n_high": 2}


def test_timing_filters_combine(run: Any) -> None:
    body = json.loads(_ok(run("timing", "--days", "51", "--min-score", "95", "--format", "json", "--limit", "0")))
    assert [f["ticker"] for f in body["findings"]] == ["BRK-B"]
    assert body["filter"]["limit"] is None
    body = json.loads(_ok(run("timing", "--as-of", "2024-01-20", "--days", "30", "--format", "json")))
    assert body["period"] == {"from": "2023-12-22", "to": "2024-01-20", "as_of": "2024-01-20", "days": 30}


def test_a_valid_question_without_an_answer_ends_well(run: Any) -> None:
    assert "No trade of John B. Smith" in _ok(run("timing", "--official", "S000002", "--min-score", "90"))


def test_several_people_are_listed_and_the_exit_code_is_usage(run: Any) -> None:
    result = run("timing", "--official", "john smith")
    assert result.exit_code == 2
    assert "S000001" in result.stderr
    assert "S000002" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("words", [("--official", "Jane Nobody"), ("--ticker", "NOPE")])
def test_an_unknown_name_or_symbol_is_not_found(run: Any, words: tuple[str, str]) -> None:
    result = run("timing", *words)
    assert result.exit_code == 1
    assert words[1] in result.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("timing", "--days", "0"),
        ("timing", "--min-score", "101"),
        ("timing", "--format", "pdf"),
        ("timing", "--as-of", "yesterday"),
        ("patterns", "--limit", "0"),
        ("monitor", "--min-severity", "11"),
        ("monitor", "--once", "--interval", "5"),
        ("monitor", "--tickers", ","),
        ("timing", "--profile", "nonsense"),
        ("sql",),
        ("nonsense",),
    ],
)
def test_wrong_usage_is_exit_code_2(run: Any, words: tuple[str, ...]) -> None:
    assert run(*words).exit_code == 2


@pytest.mark.parametrize(
    ("name", "starts"), [("r.json", "{"), ("r.md", "# Suspicious"), ("r.txt", "Suspicious"), ("report", "Suspicious")]
)
def test_output_takes_its_format_from_the_name_and_is_written_whole(
    run: Any, tmp_path: Path, name: str, starts: str
) -> None:
    path = tmp_path / name
    path.write_text("old")
    result = run("timing", "--output", str(path))
    assert _ok(result) == ""
    assert "3 of 3 trades written to" in result.stderr
    assert path.read_text().startswith(starts)
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_a_format_said_wins_over_the_name(run: Any, tmp_path: Path) -> None:
    _ok(run("timing", "--format", "json", "--output", str(tmp_path / "x.md")))
    json.loads((tmp_path / "x.md").read_text())


def test_an_output_that_cannot_be_written_is_usage(run: Any, tmp_path: Path) -> None:
    result = run("timing", "--output", str(tmp_path / "nowhere" / "x.json"))
    assert result.exit_code == 2
    assert "cannot write" in result.stderr


# ------------------------------------------------------------------------------------------------------------ patterns


def test_patterns_prints_and_writes(run: Any, tmp_path: Path) -> None:
    text = _ok(run("patterns"))
    assert "Repeat offenders (raw flag)" in text
    assert "not a finding" in text
    _ok(run("patterns", "--output", str(tmp_path / "p.md")))
    assert (tmp_path / "p.md").read_text().startswith("# Pattern report")


def test_patterns_of_a_period_are_ranked_anew(run: Any) -> None:
    whole = json.loads(_ok(run("patterns", "--format", "json")))
    lately = json.loads(_ok(run("patterns", "--days", "60", "--format", "json")))
    assert whole["officials"][0]["n_trades"] == 12  # as stored
    assert lately["period"]["days"] == 60
    assert lately["summary"]["counts"]["trades"] == 5  # those of May 2022 and of 2031 are outside
    assert lately["officials"] == []  # nobody has ten scored trades in two months
    assert {s["sector"]: s["n_scored"] for s in lately["sectors"]} == {"Information Technology": 3, "Financials": 1}


# ------------------------------------------------------------------------------------------------------------- monitor


def test_monitor_shows_the_watch_universe_once(run: Any) -> None:
    text = _ok(run("monitor", "--once"))
    assert "2024-03-04" in text
    assert "volume 4.2 times" in text
    assert "BRK-B" not in text
    assert _ok(run("monitor")) == text


def test_monitor_takes_tickers_and_severity(run: Any) -> None:
    lines = _ok(run("monitor", "--tickers", "brk-b,XYZ", "--min-severity", "7", "--format", "json")).splitlines()
    assert [json.loads(line)["alert_id"] for line in lines] == ["BRK-B:2024-03-04:price_spike"]
    assert "No alerts." in _ok(run("monitor", "--tickers", "QUIET"))
    assert run("monitor", "--tickers", "NOPE").exit_code == 1


def _cyberpi(home: Path, *words: str, **more: Any) -> subprocess.Popen[str]:
    env = {**os.environ, "CYBERPI_STORE": str(home), "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "cyberpi_assets.cli", *words],
        cwd=ROOT,
        env=env,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **more,
    )


def test_monitor_prints_only_what_is_new_and_ends_well_on_ctrl_c(tmp_path: Path) -> None:
    lake = build(tmp_path / "lake")
    process = _cyberpi(tmp_path, "monitor", "--interval", "0.2", "--format", "json")
    try:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["alert_id"] == "XYZ:2024-03-04:unusual_volume"
        rows = [
            alert("XYZ", D(2024, 3, 4), "unusual_volume", 3, 0.1),
            alert("XYZ", D(2024, 3, 1), "price_drop", 9, -8.0),
        ]
        store(lake, "market_alerts", rows)
        assert json.loads(process.stdout.readline())["alert_id"] == "XYZ:2024-03-01:price_drop"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    finally:
        process.kill()
    assert (process.returncode, out) == (0, "")
    assert "Traceback" not in err


# ----------------------------------------------------------------------------------------------------------------- sql


def test_sql_in_three_formats(run: Any) -> None:
    query = "select ticker, count(*) as n, max(session) as last from market_alerts group by 1 order by 1"
    table = _ok(run("sql", query))
    assert re.search(r"BRK-B\s+2\s+2024-03-04", table)
    assert "2 rows" in table
    rows = list(csv.DictReader(io.StringIO(_ok(run("sql", "--format", "csv", query)))))
    assert rows[1] == {"ticker": "XYZ", "n": "6", "last": "2024-03-04"}
    assert json.loads(_ok(run("sql", "--format", "json", query)))[1] == {"ticker": "XYZ", "n": 6, "last": "2024-03-04"}


def test_sql_values_keep_their_meaning(run: Any) -> None:
    query = "select 'nan'::double as a, null as b, 12345678901234567890::hugeint as c, ['x','y'] as d, 1 as e, 2 as e"
    (row,) = json.loads(_ok(run("sql", "--format", "json", query)))
    assert row == {"a": None, "b": None, "c": 12345678901234567890, "d": ["x", "y"], "e": 1, "e_2": 2}
    lines = list(csv.reader(io.StringIO(_ok(run("sql", "--format", "csv", "select ['x','y'] as d, 'a\"b,c' as t")))))
    assert lines == [["d", "t"], ['["x", "y"]', 'a"b,c']]


def test_sql_without_rows_keeps_its_columns(run: Any) -> None:
    query = "select ticker, close from daily_bars where false"
    assert _ok(run("sql", "--format", "csv", query)).replace('"', "").split() == ["ticker,close"]
    assert json.loads(_ok(run("sql", "--format", "json", query))) == []
    assert "0 rows" in _ok(run("sql", query))


def test_sql_table_is_cut_and_says_so(run: Any) -> None:
    assert "1,000 rows, 990 not shown" in _ok(run("sql", "--limit", "10", "select * from range(1000)"))


def test_sql_table_shows_no_terminal_escapes(run: Any) -> None:
    text = _ok(run("sql", "select official from disclosed_trades where bioguide_id is null"))
    assert "\x1b" not in text
    assert "Bob Red" in " ".join(text.split())


def test_sql_reads_from_standard_input(run: Any) -> None:
    assert json.loads(_ok(run("sql", "--format", "json", "-", stdin="select 1 as one"))) == [{"one": 1}]


@pytest.mark.parametrize(
    "query",
    ["selec 1", "select * from nowhere", "drop view companies", "select 1; select 2", "", "copy companies to 'x'"],
)
def test_a_bad_query_is_exit_code_4(run: Any, query: str) -> None:
    result = run("sql", query)
    assert result.exit_code == 4
    assert "Traceback" not in result.output


# --------------------------------------------------------------------------------------------------------- no data yet


@pytest.mark.parametrize("words", [("timing",), ("patterns",), ("monitor",), ("sql", "select 1")])
def test_no_data_yet_is_exit_code_3_and_says_what_to_do(run: Any, tmp_path: Path, words: tuple[str, ...]) -> None:
    result = run(*words, store=tmp_path)
    assert result.exit_code == 3
    assert "cyberpi run" in result.stderr


@pytest.mark.parametrize("words", [("timing",), ("patterns",), ("monitor",)])
def test_tables_without_rows_are_no_data_either(run: Any, tmp_path: Path, words: tuple[str, ...]) -> None:
    Lake(tmp_path / "lake").create()
    assert run(*words, store=tmp_path).exit_code == 3


def test_reading_profile_files_needs_no_data_folder(run: Any) -> None:
    assert "Suspicious" in _ok(run("timing", "--profile", "files"))
    assert "Suspicious" in _ok(run("--profile", "files", "timing"))


# ---------------------------------------------------------------------------------------------------------------- help


def test_help_answers_at_once_and_imports_nothing_slow() -> None:
    code = (
        "import sys, cyberpi_assets.cli; "
        "slow = {'dagster', 'pandas', 'altair', 'duckdb', 'pyarrow', 'pydantic', 'rich', 'numpy'} & set(sys.modules); "
        "sys.exit(', '.join(sorted(slow)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_help_names_examples_and_exit_codes(run: Any) -> None:
    for words in ((), ("timing",), ("patterns",), ("monitor",), ("sql",)):
        text = _ok(run(*words, "--help"))
        assert "Examples:" in text
        assert "3  no data yet" in text


def test_the_command_runs_as_a_process_of_its_own(home: Path) -> None:
    process = _cyberpi(home, "timing", "--official", "maria pelaez")
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    assert "María" in out
    assert "score 89" in out
    assert "\x1b" not in out
