"""What a newcomer does: `cyberpi run` on the simulated world, and every other command on what it made."""

from __future__ import annotations

import csv
import io
import json
import re
import statistics
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

from cyberpi_assets.cli import main
from cyberpi_assets.definitions import STAGES
from cyberpi_assets.storage.lake import Lake
from cyberpi_assets_tests.e2e.conftest import Demo
from cyberpi_assets_tests.e2e.terminal import said

pytestmark = [pytest.mark.xdist_group("demo"), pytest.mark.timeout(900)]


def test_a_run_ends_with_rankings_checks_and_reports_that_exist(demo: Demo) -> None:
    out = said(demo.first)
    assert "Officials by mean timing score" in out
    assert "Tickers by mean timing score" in out
    assert "Patterns are not evidence of wrongdoing" in out
    assert (found := re.search(r"(\d+) of (\d+) checks", out)), out
    assert found[1] == found[2]
    assert int(found[1]) >= 33
    assert "FAILED" not in out
    assert "warning" not in out
    paths = [Path(p) for p in re.findall(rf"{re.escape(str(demo.store))}/\S+", out)]
    assert len(paths) == 8
    assert all(p.is_file() and p.stat().st_size > 0 for p in paths)
    assert re.search(r"done in \d", out)


def test_progress_goes_to_standard_error_one_line_an_asset(demo: Demo) -> None:
    lines = [line for line in demo.first.stderr.splitlines() if "✓" in line and " rows " in line]
    assert len(lines) == len([key for stage in STAGES for asset in stage.ASSETS for key in asset.keys])
    assert "\x1b" not in demo.first.stdout + demo.first.stderr
    assert "Traceback" not in demo.first.stderr
    assert "Warning" not in demo.first.stderr


def test_a_second_run_has_nothing_to_do(demo: Demo) -> None:
    lake = Lake(demo.store / "lake")
    before = {name: lake.version(name) for name in lake.tables}
    out = demo.cyberpi("run")
    assert "nothing changed since the last run" in out.stderr
    assert (seconds := re.search(r"nothing to compute in ([\d.]+) s", said(out)))
    assert float(seconds[1]) < 15
    assert {name: lake.version(name) for name in lake.tables} == before


def test_planted_informed_officials_rank_above_those_who_trade_at_random(demo: Demo) -> None:
    """A statement about groups: single officials may be lucky."""
    out = said(
        demo.cyberpi(
            "sql", "--format", "json",
            "select t.kind, r.mean_score from demo_truth t join official_rankings r using (bioguide_id) "
            "where t.subject = 'official' and r.meets_minimum",
        )
    )  # fmt: skip
    scores: dict[str, list[float]] = {}
    for row in json.loads(out):
        scores.setdefault(row["kind"], []).append(row["mean_score"])
    assert len(scores["informed"]) >= 3
    assert len(scores["random"]) >= 10
    assert statistics.mean(scores["informed"]) > statistics.mean(scores["random"]) + 10
    assert statistics.median(scores["informed"]) > max(statistics.quantiles(scores["random"], n=10))


def test_status_says_what_the_lake_holds(demo: Demo) -> None:
    out = said(demo.cyberpi("status"))
    assert re.search(r"daily_bars\s+51,\d{3}\s+2023-01 to 2025-12", out)
    assert re.search(r"last run that went through: through \d{4}-\d\d", out)
    assert "computes again" not in out


def test_doctor_finds_nothing_in_the_way(demo: Demo) -> None:
    out = said(demo.cyberpi("doctor"))
    for item in ("python", "dagster", "store", "disk", "profile", "instance", "lake", "redis", "calendar", "telemetry"):
        assert re.search(rf"✓ {item} ", out), item
    assert "answers on 127.0.0.1" in out
    assert "13107(c)" in out
    assert (demo.store / "redis" / "password").read_text() not in out


def test_doctor_names_each_problem_and_never_a_password(tmp_path: Path, demo: Demo) -> None:
    words = ("doctor", "--profile", "files", "--data", str(tmp_path / "nowhere"))
    url = "redis://:not-to-be-seen@127.0.0.1:1/0"
    done = demo.cyberpi(*words, CYBERPI_STORE=str(tmp_path / "store"), CYBERPI_REDIS_URL=url)
    out = said(done, code=1)
    assert "✗ profile" in out
    assert "✗ redis" in out
    assert "problems: 2" in out
    assert "not-to-be-seen" not in out + done.stderr


def test_import_says_what_each_file_is(tmp_path: Path, demo: Demo) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "bars.csv").write_text(
        "ticker,date,open,high,low,close,volume\nACME,2024-01-02,1,2,1,2,10\nACME,x,1,1,1,1,1\n"
    )
    (folder / "letter.txt").write_text("Dear all,\nnothing to see here.\n")
    out = said(demo.cyberpi("import", str(folder), CYBERPI_STORE=str(tmp_path / "store")))
    assert re.search(r"bars\.csv\s+bars/\S+\s+2\s+1\s+1", out)
    assert re.search(r"letter\.txt\s+not recognised", out)
    assert said(demo.cyberpi("import", str(tmp_path / "nowhere")), code=2) == ""


def test_sql_answers_in_each_format(demo: Demo) -> None:
    query = "select official, rank from official_rankings where rank <= 3 order by rank"
    rows = json.loads(said(demo.cyberpi("sql", "--format", "json", query)))
    assert [r["rank"] for r in rows] == [1, 2, 3]
    read = list(csv.DictReader(io.StringIO(said(demo.cyberpi("sql", "--format", "csv", "-", stdin=query)))))
    assert [r["official"] for r in read] == [r["official"] for r in rows]
    assert "official_rankings" in said(demo.cyberpi("sql", "show tables"))
    assert said(demo.cyberpi("sql", "select nothing from nowhere"), code=4) == ""


def test_timing_patterns_and_monitor_report_on_the_run(demo: Demo, tmp_path: Path) -> None:
    timing = json.loads(said(demo.cyberpi("timing", "--min-score", "80", "--format", "json")))
    assert timing["findings"]
    assert all(f["score"] >= 80 for f in timing["findings"])
    patterns = said(demo.cyberpi("patterns", "--format", "md", "--output", str(tmp_path / "patterns.md")))
    assert patterns == ""
    assert (tmp_path / "patterns.md").read_text().startswith("# ")
    lines = said(demo.cyberpi("monitor", "--once", "--format", "json", "--days", "20")).splitlines()
    assert lines
    assert {"ticker", "session", "alert_type", "severity"} <= json.loads(lines[0]).keys()


def test_the_published_file_opens_in_a_plain_client(demo: Demo) -> None:
    con = duckdb.connect(str(demo.store / "warehouse.duckdb"), read_only=True)
    lake = Lake(demo.store / "lake")
    for name in ("daily_bars", "disclosure_correlations", "official_rankings", "quarantined_rows"):
        assert con.execute(f"select count(*) from {name}").fetchone() == (lake.read(name).num_rows,)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--from", "2024-13"), "2024-13 is no month"),
        (("--from", "2011-12"), "2011-12 is no month"),
        (("--from", "2024-05", "--to", "2024-02"), "lies after"),
        (("--to", "2024-02"), "--to goes with --from"),
        (("--profile", "files"), "CYBERPI_DATA"),
        (("--profile", "files", "--data", "nowhere"), "no folder of files at nowhere"),
    ],
)
def test_wrong_months_and_folders_are_usage(words: tuple[str, ...], why: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["run", *words], env={"CYBERPI_STORE": str(tmp_path / "store")})
    assert done.exit_code == 2, done.output
    assert why in done.stderr
    assert done.stdout == ""
