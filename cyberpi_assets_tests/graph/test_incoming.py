"""New files start a run over the months they change: once, and not before they are whole."""

from __future__ import annotations

import os
from pathlib import Path

import dagster as dg
import pytest

from cyberpi_assets.orchestration import plan as planning
from cyberpi_assets.orchestration.incoming import incoming_sensor, listing
from cyberpi_assets.orchestration.partitions import MONTHS, RANGE_FROM, RANGE_TO, months_asked_for
from cyberpi_assets.orchestration.resources import sources_of
from cyberpi_assets.settings import Profile, Settings
from cyberpi_assets.storage.lake import Lake
from cyberpi_assets.tables import LAKE

LAST = MONTHS.get_partition_keys()[-1]
# without these the state speaks of a lake that is not there
WRITTEN = ("source_files", "daily_bars", "market_alerts", "timing_surface", "disclosed_trades",
           "disclosure_correlations", "official_rankings")  # fmt: skip


class Watch:
    """A folder, the sensor on it and its cursor, tick by tick."""

    def __init__(self, root: Path, profile: Profile = Profile.FILES) -> None:
        self.folder, self.cursor, self.clock = root / "incoming", "", 1_700_000_000
        self.folder.mkdir(parents=True)
        self.settings = Settings(profile=profile, data=self.folder, store=root / "store")  # pyright: ignore

    def put(self, name: str, *days: str, volume: int = 1000) -> None:
        """A file of daily bars, newer than all before it."""
        rows = [f"ACME,{day},10,11,9,10,{volume}" for day in days]
        path = self.folder / name
        path.write_text("ticker,date,open,high,low,close,volume\n" + "\n".join(rows) + "\n")
        self.clock += 10
        os.utime(path, (self.clock, self.clock))

    def went_through(self) -> None:
        """As after a run of the terminal: the state is kept, and the tables have a version with rows."""
        lake = Lake(self.settings.lake_dir)
        for name in WRITTEN:
            table = LAKE[name]
            lake.write(name, table.empty(), [LAST] if table.partitioned else None)
        planning.keep_state(self.settings, planning.state_of(self.settings, sources_of(self.settings).gather()))

    def tick(self) -> dg.SensorExecutionData:
        found = incoming_sensor(self.settings).evaluate_tick(dg.build_sensor_context(cursor=self.cursor or None))
        self.cursor = found.cursor or self.cursor
        return found


@pytest.fixture
def watch(tmp_path: Path) -> Watch:
    watch = Watch(tmp_path)
    watch.put("old.csv", "2024-01-02", "2024-03-04")
    watch.went_through()
    watch.tick(), watch.tick()
    return watch


def span(found: dg.SensorExecutionData) -> list[tuple[str, str]]:
    return [(r.tags[RANGE_FROM], r.tags[RANGE_TO]) for r in found.run_requests or []]


def test_a_new_file_starts_one_run_from_the_first_month_it_changes(watch: Watch) -> None:
    watch.put("new.csv", "2024-02-06")
    assert watch.tick().skip_message == "files arrive: the next look sees"
    found = watch.tick()
    assert span(found) == [("2024-02", LAST)]
    assert found.run_requests is not None
    assert "changed since 2024-02" in found.run_requests[0].tags["cyberpi/why"]
    assert months_asked_for(found.run_requests[0].tags) is None  # no site is asked for the months of a file
    assert "no file is new or changed" in (watch.tick().skip_message or "")


def test_a_file_that_is_still_being_copied_is_waited_for(watch: Watch) -> None:
    for more in range(1, 4):
        watch.put("new.csv", *[f"2024-05-{day:02d}" for day in range(1, more + 1)])
        assert span(watch.tick()) == []
    assert span(watch.tick()) == [("2024-05", LAST)]


def test_a_tick_that_was_lost_asks_for_the_same_run(watch: Watch) -> None:
    watch.put("new.csv", "2024-05-06")
    watch.tick()
    before = watch.cursor
    first = watch.tick()
    watch.cursor = before
    assert [r.run_key for r in watch.tick().run_requests or []] == [r.run_key for r in first.run_requests or []] != []


def test_the_same_files_again_after_others_are_another_occasion(watch: Watch) -> None:
    watch.put("new.csv", "2024-05-06")
    watch.tick()
    first = watch.tick()
    watch.went_through()
    (watch.folder / "new.csv").unlink()
    watch.tick()
    gone = watch.tick()
    watch.went_through()
    watch.clock -= 10
    watch.put("new.csv", "2024-05-06")
    watch.tick()
    again = watch.tick()
    keys = [r.run_key for found in (first, gone, again) for r in found.run_requests or []]
    assert len(keys) == len(set(keys)) == 3


def test_a_file_that_says_nothing_new_starts_no_run_over_all_months(watch: Watch) -> None:
    (watch.folder / ".hidden.csv").write_text("x")
    assert "no file is new" in (watch.tick().skip_message or "")
    (watch.folder / "notes.txt").write_text("nothing of ours")
    watch.tick()
    assert span(watch.tick()) in ([], [(LAST, LAST)])


def test_files_that_came_while_nothing_looked_are_seen(watch: Watch) -> None:
    """A cursor that was lost, and files of weeks: what the last run did not have is computed."""
    watch.put("a.csv", "2024-02-06")
    watch.put("b.csv", "2024-04-08")
    watch.cursor = "{not JSON"
    watch.tick()
    assert span(watch.tick()) == [("2024-02", LAST)]


def test_without_a_folder_or_in_the_demo_nothing_is_read(tmp_path: Path) -> None:
    watch = Watch(tmp_path)
    watch.folder.rmdir()
    assert "no folder of bulk files" in (watch.tick().skip_message or "")
    with pytest.raises(NotADirectoryError):
        listing(watch.folder)
    watch.settings = Settings(store=tmp_path / "store")  # pyright: ignore[reportCallIssue]
    assert "profile demo reads no files" in (watch.tick().skip_message or "")
    assert Settings(home=tmp_path).incoming_dir == tmp_path / "data" / "incoming"  # pyright: ignore[reportCallIssue]
