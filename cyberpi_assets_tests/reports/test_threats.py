"""What a person sees of threat scores: never without what they are worth."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner, Result

from cyberpi_assets.cli import main
from cyberpi_assets.domain.options.scores import threats_of
from cyberpi_assets.reports.threats import ThreatFilter, threat_report, to_json, to_markdown, to_text
from cyberpi_assets.rules.figures import ThreatRules
from cyberpi_assets.storage.engine import connect
from cyberpi_assets.storage.lake import Lake
from cyberpi_assets.tables import COMPANIES
from cyberpi_assets_tests.domain.options.contract_rows import SESSION, as_table, at
from cyberpi_assets_tests.domain.options.test_flow import sessions_before
from cyberpi_assets_tests.domain.options.test_scores import flow

HIGH: dict[str, Any] = {"put_call_ratio": 3.0, "otm_put_volume": 5_000, "near_share": 0.9}  # 30 + 25 + 20


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the scores of five sessions: ABC scores 75 on the last and 20 before, XYZ always 75."""
    days = [*sessions_before(SESSION, 4), SESSION]
    rows: list[dict[str, Any]] = []
    for day in days:
        when = {"session": day, "snapshot_at": at(day), "month": "2026-07"}
        rows += [
            {"ticker": "ABC", **when, **(HIGH if day == SESSION else {"near_share": 0.9})},
            {"ticker": "XYZ", **when, **HIGH, "pair_share": 0.5, "pair_kind": "spread"},
            {"ticker": "MUM", **when, "put_call_ratio": None, "volume_excess_pct": None, "otm_put_volume": None},
        ]
    rows.append({"ticker": "ABC", "snapshot_at": at(SESSION, 10), "partial_day": True})  # superseded by the close
    found = threats_of(flow(*rows), ThreatRules())  # pyright: ignore[reportCallIssue]
    folder = tmp_path_factory.mktemp("threats")
    lake = Lake(folder / "lake")
    lake.write("threat_scores", found.scores, months=["2026-07"])
    lake.write("threat_indicators", found.indicators, months=["2026-07"])
    name = "Abc \x1b[31m<b>Holdings</b>"
    lake.write("companies", as_table(COMPANIES, [{"ticker": "ABC", "name": name, "source": "s"}]))
    return folder


@pytest.fixture(scope="module")
def con(store: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    con = connect()
    Lake(store / "lake").views(con)
    yield con
    con.close()


def test_a_score_stands_beside_its_base_rate_and_its_coverage(con: duckdb.DuckDBPyConnection) -> None:
    found = threat_report(con)
    assert (found.last_session, found.n_scores, found.n_without) == (SESSION, 3, 1)
    assert [(t.ticker, t.seed_score) for t in found.threats] == [("ABC", 75), ("XYZ", 75), ("MUM", None)]
    abc, xyz, mum = found.threats
    assert ((abc.own_base.k, abc.own_base.n), (abc.all_base.k, abc.all_base.n)) == ((0, 4), (4, 8))
    assert (xyz.own_base.k, xyz.own_base.n) == (4, 4)
    assert (mum.coverage, mum.severity, mum.reason) == (0.25, None, "only 1 of 4 indicators known")
    assert xyz.confounders == ("spread",)
    assert [i.state for i in abc.indicators] == ["fired", "fired", "fired", "calm"]


def test_filters_choose(con: duckdb.DuckDBPyConnection) -> None:
    def of(**chosen: Any) -> list[tuple[str, int | None]]:
        return [(t.ticker, t.seed_score) for t in threat_report(con, ThreatFilter(**chosen)).threats]

    assert of(min_score=76) == []
    assert of(tickers=("abc",), sessions=5) == [("ABC", 75), *[("ABC", 20)] * 4]
    assert of(limit=1) == [("ABC", 75)]
    assert threat_report(con, ThreatFilter(tickers=("nope", "abc"))).unknown_tickers == ("NOPE",)
    with pytest.raises(ValueError, match="at least 1"):
        threat_report(con, ThreatFilter(sessions=0))


def test_every_form_says_what_a_score_is_not(con: duckdb.DuckDBPyConnection) -> None:
    found = threat_report(con)
    text, page, body = to_text(found), to_markdown(found), to_json(found)
    for form in (" ".join(text.split()), page, json.dumps(body)):
        assert "no evidence of wrongdoing" in form
        assert "It is no probability" in form
        assert "\x1b" not in form
    assert "<b>" not in page
    assert "two legs of one size" in text
    assert "0 of 4 (0.0 %)" in text
    assert "insufficient history" in text
    assert all(len(line) <= 100 for line in text.splitlines())
    assert body["threats"][0]["ticker"] == "ABC"  # pyright: ignore[reportIndexIssue]


def _run(store: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["threats", *words], env={"CYBERPI_STORE": str(store)})


def test_the_command_prints_writes_and_ends_as_it_says(store: Path, tmp_path: Path) -> None:
    shown = _run(store)
    assert shown.exit_code == 0, shown.output
    assert "Option threat scores" in shown.stdout
    told = json.loads(_run(store, "--format", "json", "--min-score", "70").stdout)
    assert [t["ticker"] for t in told["threats"]] == ["ABC", "XYZ"]
    out = tmp_path / "threats.md"
    assert _run(store, "--output", str(out)).exit_code == 0
    assert out.read_text().startswith("# Option threat scores")
    assert _run(store, "--tickers", "NOPE").exit_code == 1
    assert _run(store, "--tickers", ",").exit_code == 2
    assert _run(tmp_path / "empty").exit_code == 3
    assert dt.date.fromisoformat(told["last_session"]) == SESSION
