"""The benchmarks measure what they say: on a small world ours and the baselines find the same. No times are tested."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pytest

from benchmarks import folder, pieces, report, stores
from benchmarks.groups import same_alerts
from benchmarks.inputs import Inputs, frame, from_lake, load
from benchmarks.measure import PieceFailed, command_tree, in_child
from cyberpi_assets.domain import bars, disclosures, reference, symbols
from cyberpi_assets.domain.documents import choose_documents
from cyberpi_assets.sources.files.source import FileSources
from cyberpi_assets.sources.intake import Gathered, Intake
from cyberpi_assets.storage.lake import Lake
from cyberpi_assets.tables import MONTH

pytestmark = pytest.mark.xdist_group("benchmarks")  # its fixtures are dear: one worker makes them once

FIRST, LAST = "2023-01", "2023-12"


def gathered(world: Path) -> Gathered:
    return FileSources(world / "data", Intake(world / "intake"), 2**30).gather()


def trades_of(facts: Gathered) -> pa.Table:
    terms = reference.official_terms(facts.facts("term_facts"))
    people = reference.officials(facts.facts("person_facts"), terms)
    kept, _ = choose_documents(facts.facts("disclosure_facts"))
    history = symbols.symbol_history(facts.facts("symbol_facts"))
    return disclosures.disclosed_trades(kept, people, terms, history, facts.facts("company_facts"), FIRST, "2024-12")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One year of the simulated world as bulk files, two copies of each company; its lake and inputs beside it."""
    root = tmp_path_factory.mktemp("bench")
    folder.simulated(root / "data", 1, FIRST, LAST, copies=2, copies_of_trades=2)
    facts, lake = gathered(root), Lake(root / "lake")
    actions = bars.corporate_actions(facts.facts("action_facts"))
    con = duckdb.connect()
    daily = bars.daily_bars(con, facts.select("bar_facts"), actions, FIRST, LAST).to_arrow_table()
    for name, rows in {
        "corporate_actions": actions,
        "daily_bars": daily,
        "companies": reference.companies(facts.facts("company_facts")),
        "disclosed_trades": trades_of(facts),
    }.items():
        months = sorted(set(rows.column(MONTH).to_pylist())) if MONTH in rows.column_names else None
        lake.write(name, rows, months)
    from_lake(root / "lake").keep(root / "inputs")
    return root


@pytest.fixture(scope="module")
def ours(world: Path) -> Path:
    """Our alerts and scores, kept where the comparisons look for them."""
    pieces.alerts_ours(str(world / "inputs"), str(world), 1)
    pieces.scores_ours(str(world / "inputs"), str(world), 1)
    return world


def test_the_simulated_folder_is_read_whole_and_holds_every_copy(world: Path) -> None:
    files = gathered(world).files()
    assert set(files.column("kind").to_pylist()) == {
        "bars", "actions", "disclosures", "companies", "people", "terms",
    }  # fmt: skip
    assert files.column("reason").null_count == files.num_rows
    assert sum(files.column("quarantined").to_pylist()) == 0
    tickers = set(Lake(world / "lake").read("daily_bars", columns=["ticker"]).column("ticker").to_pylist())
    plain = {t for t in tickers if not t.endswith("-C1")}
    assert len(plain) > 60
    assert tickers == plain | {f"{t}-C1" for t in plain}


@pytest.mark.parametrize("rarity", ["column", "alerts"])
def test_pandas_finds_the_same_alerts_and_severities(ours: Path, rarity: str) -> None:
    pieces.alerts_pandas(str(ours / "inputs"), str(ours), rarity, 1)  # pyright: ignore[reportArgumentType]
    found = frame(load(ours / "alerts.arrow"))
    theirs = pd.read_parquet(ours / f"alerts_{rarity}.parquet")
    assert same_alerts(found, theirs) == len(found) > 200
    assert set(found["alert_type"]) == {"unusual_volume", "price_spike", "price_drop", "high_volatility"}


def test_a_different_severity_or_alert_is_noticed(ours: Path) -> None:
    found = frame(load(ours / "alerts.arrow"))
    other = found.copy()
    rated = other["severity"].first_valid_index()
    other.loc[rated, "severity"] = 11 - other.loc[rated, "severity"]
    with pytest.raises(AssertionError, match="1 alerts of another severity"):
        same_alerts(found, other)
    with pytest.raises(AssertionError, match="1 alerts in one of the two only"):
        same_alerts(found, found.iloc[1:])


@pytest.mark.parametrize("once", [False, True])
def test_a_filter_per_trade_gives_the_same_scores(ours: Path, once: bool) -> None:
    said = pieces.scores_pandas(str(ours / "inputs"), str(ours), once, 200).said
    assert said["sample"] == 200
    assert said["compared"] > 50


def test_copies_have_their_own_alerts_and_scores(world: Path) -> None:
    once = pieces.chain(str(world / "inputs"), 1, 1).said
    thrice = pieces.chain(str(world / "inputs"), 3, 1).said
    for name in ("bars", "trades", "scored"):
        assert thrice[name] == 3 * once[name] > 0
    # a sector's pooled rarity sees the copies too, the alerts themselves do not
    assert thrice["alerts"] == 3 * once["alerts"]


def test_copied_inputs_keep_their_columns(world: Path) -> None:
    once: Inputs = from_lake(world / "lake")
    twice = once.times(2)
    assert twice.bars.schema == once.bars.schema
    assert twice.trades.num_rows == len(set(twice.trades.column("trade_id").to_pylist())) == 2 * once.trades.num_rows


def test_a_month_is_added_after_the_last_one(world: Path, tmp_path: Path) -> None:
    folder.link(world / "data", tmp_path / "data")
    before = gathered(tmp_path)
    assert folder.next_month(world / "lake", tmp_path / "data", "2024-06") == "2024-01"
    after = gathered(tmp_path)
    new = after.facts("bar_facts", "session >= DATE '2024-01-01'")
    assert 0 < new.num_rows < before.facts("bar_facts").num_rows
    assert max(new.column("session").to_pylist()).strftime("%Y-%m") == "2024-01"
    changed = {
        m
        for kind in ("bar_facts", "disclosure_facts")
        for m in after.signatures()[kind].items() ^ before.signatures()[kind].items()
    }
    assert min(m for m, _ in changed) == "2024-01"
    filed = trades_of(after).num_rows - trades_of(before).num_rows
    assert filed > 0
    with pytest.raises(ValueError, match="no later month"):
        folder.next_month(world / "lake", tmp_path / "data", "2023-12")


def test_both_stores_keep_every_row(tmp_path: Path) -> None:
    for store in (stores.lake_alone, stores.duckdb_alone):
        for step in ("write", "overwrite", "read"):
            store(str(tmp_path), step, 400, 1)  # reading raises where a row is missing
    assert stores.lake_writers(str(tmp_path), 50, 2).said["rows"] == 100
    assert stores.duckdb_writers(str(tmp_path), 50, 2).said["rows"] == 100


def test_a_piece_is_measured_in_a_process_of_its_own() -> None:
    measured = in_child("demo_world", {"first": "2024-01", "last": "2024-02", "n": 1})
    assert measured.said["rows"] > 1_000
    assert measured.seconds > 0
    assert 20 < measured.peak_mb < 2_000
    with pytest.raises(PieceFailed, match="no such thing"):
        command_tree(["sh", "-c", "echo no such thing >&2; exit 3"], env={"PATH": "/usr/bin:/bin"})


def test_targets_are_judged_and_pages_rewritten(tmp_path: Path) -> None:
    rows = [
        report.Row("a", 1.0, 100.0, 6.0, report.Target(ratio=1 / 5, peak_mb=2_500)),
        report.Row("b", 1.0, 3_000.0, 6.0, report.Target(ratio=1 / 5, peak_mb=2_500)),
        report.Row("c", 16.0, 1.0, target=report.Target(seconds=15)),
        report.Row("d", 1.0, 1.0, 0.5),
    ]
    assert [row.met for row in rows] == [True, False, False, None]
    groups = [report.Group("g", "Title", ["a note"], rows)]
    page = tmp_path / "page.md"
    page.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
    report.write_between(page, report.as_markdown(groups, ["on a machine"]))
    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "old" not in text
    assert "| a | 1.00 s | 6.00 s | 1/6 | <= 1/5, <= 2,500 MB | yes | 100 |" in text
    assert "| c | 16.0 s | – | – | <= 15 s | NO | 1 |" in text
    assert "| d | 1.00 s | 0.50 s | 2x | – | – | 1 |" in text
    assert json.loads(json.dumps(report.as_json(groups)))["groups"]["g"]["rows"][1]["met"] is False
    assert "2.5 GB" not in report.as_text(groups[0])
    empty = tmp_path / "empty.md"
    empty.write_text("nothing\n")
    with pytest.raises(ValueError, match="measured: begin"):
        report.write_between(empty, "x")
