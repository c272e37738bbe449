"""Which months a run computes again: what changed and everything that can feel it, and nothing else.

The folder holds a few small files in the formats people have. Planning is looked at alone; that what is planned is
enough is shown by running it and comparing with an undisturbed run.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cyberpi_assets.orchestration import plan as planning
from cyberpi_assets.orchestration.partitions import MONTHS
from cyberpi_assets.orchestration.plan import Plan
from cyberpi_assets.orchestration.resources import sources_of
from cyberpi_assets.rules.figures import AlertThresholds
from cyberpi_assets.settings import Profile, Settings
from cyberpi_assets.storage.lake import Lake
from cyberpi_assets.tables import LAKE
from cyberpi_assets_tests.graph.world import D, sessions_between

TABLES = (
    "source_files",
    "daily_bars",
    "market_alerts",
    "timing_surface",
    "disclosed_trades",
    "disclosure_correlations",
    "official_rankings",
)
FIRST, LAST = MONTHS.get_partition_keys()[0], MONTHS.get_partition_keys()[-1]


def write_bars(
    folder: Path, through: tuple[int, int, int] = (2024, 3, 28), changed: dict[str, float] | None = None
) -> None:
    """One file of OHLCV for all tickers, as people keep it."""
    with (folder / "bars.csv").open("w", newline="") as handle:
        out = csv.writer(handle)
        out.writerow(["ticker", "date", "open", "high", "low", "close", "volume"])
        for i, day in enumerate(sessions_between(D(2024, 1, 2), D(*through))):
            close = (changed or {}).get(str(day), 100 + i % 7)
            out.writerow(["ACME", day, close, close + 1, close - 1, close, 1000 + i])


def write_trades(folder: Path, more: list[dict[str, str]] | None = None) -> None:
    """Senate Stock Watcher's form: the report's id is in the link; the filing's day is not stated."""
    base = {
        "owner": "Self",
        "ticker": "ACME",
        "asset_description": "Acme Corp",
        "asset_type": "Stock",
        "type": "Purchase",
        "amount": "$1,001 - $15,000",
        "comment": "--",
        "senator": "Ada Example",
    }
    link = "https://efdsearch.senate.gov/search/view/ptr/a0010f4a-c31a-4824-8b6d-6399b3ccb6f{}/"
    rows = [
        {**base, "transaction_date": "02/14/2024", "ptr_link": link.format(0)},
        {**base, "transaction_date": "03/12/2024", "ptr_link": link.format(1)},
        *({**base, "ptr_link": link.format(i), **row} for i, row in enumerate(more or [], 2)),
    ]
    (folder / "senate.json").write_text(json.dumps(rows))


def write_companies(folder: Path, name: str = "Acme Corp") -> None:
    (folder / "companies.json").write_text(json.dumps({"0": {"cik_str": 1, "ticker": "ACME", "title": name}}))


class Folder:
    """A data folder, its store, and the state of a run that went through."""

    def __init__(self, root: Path) -> None:
        self.data = root / "data"
        self.data.mkdir()
        self.settings = Settings(profile=Profile.FILES, data=self.data, store=root / "store")  # pyright: ignore
        self.lake = Lake(self.settings.lake_dir)
        write_bars(self.data)
        write_trades(self.data)
        write_companies(self.data)
        write_chain(self.data)

    def state(self, settings: Settings | None = None) -> dict[str, Any]:
        """What is in the folder now. A file is new by size or time; within a test they are written in one moment."""
        for tick, path in enumerate(sorted(self.data.iterdir())):
            stamp = 1_700_000_000_000_000_000 + (hash(path.read_bytes()) % 1_000_000) * 1000 + tick
            os.utime(path, ns=(stamp, stamp))
        chosen = settings or self.settings
        return planning.state_of(chosen, sources_of(chosen).gather())

    def went_through(self) -> dict[str, Any]:
        """As after a run: the state is kept and the tables have a version."""
        for name in TABLES:
            self.lake.write(name, LAKE[name].empty(), [LAST] if LAKE[name].partitioned else None)
        planning.keep_state(self.settings, self.state())
        return self.kept()

    def kept(self) -> dict[str, Any]:
        kept = planning.read_state(self.settings)
        assert kept is not None
        return kept

    def due(self) -> Plan:
        return planning.plan(self.state(), planning.read_state(self.settings), self.lake)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_the_first_run_computes_everything(folder: Folder) -> None:
    assert folder.due() == Plan((FIRST, LAST), "first run")


def test_a_second_run_computes_nothing(folder: Folder) -> None:
    folder.went_through()
    assert folder.due().months is None


def write_chain(folder: Path, through: tuple[int, int, int] = (2024, 3, 28)) -> None:
    """A contract a session, as a vendor's table."""
    with (folder / "chain.csv").open("w", newline="") as handle:
        out = csv.writer(handle)
        out.writerow(["ticker", "trade_date", "expiry", "type", "strike", "bid", "ask", "volume"])
        for day in sessions_between(D(2024, 1, 2), D(*through)):
            out.writerow(["ACME", day, "2024-06-21", "P", 95, 1.0, 1.1, 10])


CHANGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "a new month of bars": (lambda f: write_bars(f, (2024, 4, 12)), "2024-04"),
    "an old bar": (lambda f: write_bars(f, changed={"2024-02-05": 55.5}), "2024-02"),
    "a new filing": (lambda f: write_trades(f, [{"transaction_date": "03/15/2024"}]), "2024-03"),
    "an old trade": (lambda f: write_trades(f, [{"transaction_date": "01/15/2024"}]), "2024-01"),
    "chains of a new month": (lambda f: write_chain(f, (2024, 4, 12)), "2024-04"),
    "chains go": (lambda f: (f / "chain.csv").unlink(), "2024-01"),
    "a list of watched names": (
        lambda f: (f / "mine.csv").write_text("ticker,name,sector,reason,lists\nACME,,,,user\n"),
        LAST,  # no table by month is computed from it
    ),
    "a company": (lambda f: write_companies(f, "Acme Holdings"), FIRST),
    "a list of companies goes": (lambda f: (f / "companies.json").unlink(), FIRST),
    "bars go": (lambda f: (f / "bars.csv").unlink(), "2024-01"),
    "a file nobody knows": (lambda f: (f / "notes.bin").write_bytes(b"\x00\x01\x02" * 50), LAST),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_run_computes_from_the_first_month_that_changed(folder: Folder, what: str) -> None:
    folder.went_through()
    change, first = CHANGES[what]
    change(folder.data)
    assert folder.due().months == (first, LAST)


def test_a_refused_row_alone_is_accounted_for(folder: Folder) -> None:
    """It changes no fact, but the account of rows put aside."""
    folder.went_through()
    with (folder.data / "bars.csv").open("a") as handle:
        handle.write("ACME,2024-03-28,1,1,1,-5,10\n")
    assert folder.due().months == (LAST, LAST)


def test_a_disclosed_row_that_moved_in_its_file_is_traced_anew(folder: Folder) -> None:
    folder.went_through()
    path = folder.data / "senate.json"
    path.write_text(json.dumps(list(reversed(json.loads(path.read_text())))))
    assert folder.due().months == ("2024-02", LAST)


def test_changed_rules_compute_everything(folder: Folder) -> None:
    before = folder.went_through()
    other = folder.settings.model_copy(update={"alerts": AlertThresholds(move_pct=7.0)})  # pyright: ignore
    assert planning.plan(folder.state(other), before, folder.lake) == Plan(
        (FIRST, LAST), "code, rules or source changed"
    )


def test_changed_code_computes_everything(folder: Folder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = folder.went_through()
    copy = tmp_path / "package" / "orchestration" / "plan.py"
    copy.parent.mkdir(parents=True)
    copy.write_text("changed = True")
    monkeypatch.setattr(planning, "__file__", str(copy))
    assert planning.plan(folder.state(), before, folder.lake).months == (FIRST, LAST)


def test_a_new_calendar_month_is_computed(folder: Folder) -> None:
    before = folder.went_through()
    last_time = before | {"through": MONTHS.get_partition_keys()[-2]}
    assert planning.plan(folder.state(), last_time, folder.lake).months == (LAST, LAST)


def test_an_unfinished_run_is_planned_again_even_when_its_reason_has_vanished(folder: Folder) -> None:
    before = folder.went_through()
    write_bars(folder.data, changed={"2024-02-05": 55.5})
    planning.mark_unfinished(folder.settings, before, "2024-02")  # what a run does first; then it is killed
    write_bars(folder.data)
    assert folder.due() == Plan(("2024-02", LAST), "left unfinished since 2024-02")
    planning.mark_unfinished(folder.settings, folder.kept(), "2024-03")  # a later, smaller run does not hide it
    assert folder.due().months == ("2024-02", LAST)


def test_a_first_run_that_was_killed_leaves_no_state(folder: Folder) -> None:
    planning.mark_unfinished(folder.settings, None, FIRST)
    assert planning.read_state(folder.settings) is None
    assert folder.due().months == (FIRST, LAST)


@pytest.mark.parametrize("damage", ["", "{", "[]", "null", '{"rules": 1}'])
def test_a_state_that_cannot_be_read_computes_everything(folder: Folder, damage: str) -> None:
    folder.went_through()
    (folder.settings.data_dir / "state.json").write_text(damage)
    assert folder.due().months == (FIRST, LAST)


@pytest.mark.parametrize("name", TABLES)
def test_a_table_that_was_removed_and_created_empty_is_computed_again(folder: Folder, name: str) -> None:
    folder.went_through()
    shutil.rmtree(folder.lake.uri(name))
    Lake(folder.settings.lake_dir, {name: LAKE[name]}).create()  # as every run does before it plans
    assert folder.due().months == (FIRST, LAST)
