"""The main job on real data, without evidence and back-test: one run of profile files over the folder beside it.

All files are read; computed are the two newest years, those with option chains, because a run over all fourteen takes
two minutes more.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from cyberpi_assets.domain import rankings
from cyberpi_assets.rules.figures import RankingRules
from cyberpi_assets.storage import redis_server
from cyberpi_assets.storage.lake import Lake
from cyberpi_assets_tests.e2e.terminal import Terminal, said

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("real"), pytest.mark.timeout(900)]


@dataclass(frozen=True)
class Real:
    store: Path
    lake: Lake
    out: str
    folder: Path


@pytest.fixture(scope="module")
def ran(real: Path, real_intake: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Real]:
    store = tmp_path_factory.mktemp("real") / "store"
    shutil.copytree(real_intake, store / "intake")  # what it holds need not be read again
    done = Terminal(store)("run", "--quick", "--from", "2024-07", "--profile", "files", "--data", str(real))
    yield Real(store, Lake(store / "lake"), said(done), real)
    redis_server.stop(store / "redis")


def test_every_check_that_blocks_passes_on_real_data_and_each_warning_is_true(ran: Real) -> None:
    found = ran.lake.read("check_results").to_pylist()
    results = [r for r in found if "month" not in json.loads(r["detail"])]
    assert len(results) >= 33
    assert all(r["passed"] for r in found if r["severity"] == "ERROR")
    warned = {r["check_name"] for r in results if not r["passed"]}
    assert warned == {
        "halts_agree_with_their_count",  # one recorded feed announces 128 halts and holds 4 of them
        "fresh_by_data_date",  # the files end in the past
        "like_the_year_before",  # trades of the newest months come from other collections than those before
        "headlines_are_accounted_for",  # rows of the years before were read, and are not stored
        "read_is_accepted_plus_put_aside",  # the same
    }
    assert "FAILED" not in ran.out


def test_every_file_of_the_folder_is_accounted_for(ran: Real) -> None:
    on_disk = {
        p.relative_to(ran.folder).as_posix()
        for p in ran.folder.rglob("*")
        if p.is_file() and not any(part.startswith(".") for part in p.relative_to(ran.folder).parts)
    }
    account = ran.lake.read("source_files").to_pylist()
    assert {f["file"] for f in account} == on_disk | {"list:watchlist.csv"}
    for f in account:
        if f["rows_read"] is None:
            assert f["reason"], f["file"]
        else:
            assert f["rows_read"] == f["accepted"] + f["quarantined"], f["file"]
    read = {f["kind"] for f in account if f["rows_read"]}
    assert read >= {"bars", "disclosures", "people", "companies", "committees", "memberships", "symbols"}
    assert read >= {"chains", "option_volumes", "snapshots", "watchlist"}


def test_real_officials_are_ranked_with_links_to_their_filings(ran: Real) -> None:
    assert "Officials by mean timing score" in ran.out
    patterns = json.loads((ran.store / "reports" / "pattern_report.json").read_text())
    assert patterns["profile_demo"] is False
    assert len(patterns["officials"]) == 10
    known = {p["bioguide_id"]: p for p in ran.lake.read("officials").to_pylist()}
    for person in patterns["officials"]:
        assert person["bioguide_id"] in known
        assert person["n_scored"] >= 10
        assert person["rate_low"] <= person["rate"] <= person["rate_high"]
        if person["top_filing_url"] is None:  # a collection that does not say which document a row is from
            assert ":undocumented:" in person["top_filing_id"]
        else:
            assert person["top_filing_url"].startswith(
                ("https://disclosures-clerk.house.gov/", "https://efdsearch.senate.gov/")
            )
    timing = json.loads((ran.store / "reports" / "timing_report.json").read_text())
    assert timing["findings"]
    for finding in timing["findings"]:
        assert (finding["filing_url"] or "https://").startswith("https://")
        parts = finding["components"]
        raw = 5 * parts["n_alerts"] + 10 * parts["n_recent"] + 15 * parts["n_high"] + 2 * parts["mean_severity"]
        assert finding["raw_score"] == pytest.approx(raw, abs=0.11)  # the report rounds the mean to one digit


def test_most_trades_of_listed_stocks_are_scored_and_the_others_say_why(ran: Real) -> None:
    rows = ran.lake.read("disclosure_correlations").select(["score", "reason"]).to_pylist()
    assert len(rows) > 15_000
    assert all((r["score"] is None) == (r["reason"] is not None) for r in rows)
    assert sum(r["score"] is not None for r in rows) > 9_000
    assert all(0 <= r["score"] <= 100 for r in rows if r["score"] is not None)


def test_rankings_do_not_depend_on_the_order_of_rows(ran: Real) -> None:
    """To the last digit: sums of floating-point numbers are made in a fixed order."""
    rules = RankingRules()  # pyright: ignore[reportCallIssue]
    trades, scores = (ran.lake.read(name) for name in ("disclosed_trades", "disclosure_correlations"))
    companies, officials = ran.lake.read("companies"), ran.lake.read("officials")
    random = np.random.default_rng(7)
    turned, mixed = (t.take(pa.array(random.permutation(t.num_rows))) for t in (trades, scores))
    for ranking, of in (
        (rankings.official_rankings, (officials, rules)),
        (rankings.ticker_rankings, (companies, rules)),
        (rankings.sector_rankings, (companies, rules)),
        (rankings.party_comparison, (rules,)),
    ):
        assert ranking(turned, mixed, *of).equals(ranking(trades, scores, *of)), ranking.__name__
