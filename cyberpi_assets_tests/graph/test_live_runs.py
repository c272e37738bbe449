"""Profile live in Dagster: a backfill over months of filing fetches and stores these months, and the sensor asks for
runs over what is new, once.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg
import pytest

from cyberpi_assets.assets import disclosures
from cyberpi_assets.checks import CHECKS
from cyberpi_assets.orchestration.partitions import MONTHS, RANGE_FROM, RANGE_TO
from cyberpi_assets.orchestration.resources import lake_of, resources_of
from cyberpi_assets.orchestration.sensors import sensors_of
from cyberpi_assets.settings import Settings
from cyberpi_assets.storage.lake import Lake
from cyberpi_assets_tests.graph.world import QUIET
from cyberpi_assets_tests.sources.efd_site import EfdSite
from cyberpi_assets_tests.sources.live_world import Clerk, World, real_world

LEDGER = {"disclosed_trades", "filings"}


# --------------------------------------------------------------------------------------------------------- a backfill


@pytest.mark.real
def test_a_backfill_over_old_months_fetches_and_stores_these_and_no_others(real: Path, tmp_path: Path) -> None:
    """One run over 2022-09 to 2023-01, though the settings fetch nothing before 2026; each filing indexed is there."""
    world = real_world(real, reports=60, pages=5)
    first, last = "2022-09", "2023-01"
    months = {
        f"house:{row['DocID']}": f"{int(row['FilingDate'].split('/')[2])}-{int(row['FilingDate'].split('/')[0]):02d}"
        for rows in world.clerk.index.values()
        for row in rows
    }
    wanted = {filing: month for filing, month in months.items() if first <= month <= last}
    assert len(set(wanted.values())) == 3
    gone = max(filing for filing in wanted if len(filing) == len("house:8217065"))  # a scan that is not there
    del world.clerk.pdfs[next(a for a in world.clerk.pdfs if a.endswith(f"/{gone[6:]}.pdf"))]
    with world.open():
        settings = world.settings(tmp_path, fetch_from="2026-06-01", parts=["house"])
        lake = lake_of(settings)
        lake.create()
        chosen = [a for a in disclosures.ASSETS if {k.path[-1] for k in a.keys} <= LEDGER]
        checks = [c for c in CHECKS if {k.asset_key.path[-1] for k in c.check_keys} <= LEDGER]
        done = dg.materialize(
            [*chosen, *_upstream(lake), *checks],
            selection=[*chosen, *checks],
            resources=resources_of(settings),
            tags={RANGE_FROM: first, RANGE_TO: last},
            run_config=QUIET,
        )
        assert done.success
        results = {e.check_name: e for e in done.get_asset_check_evaluations()}
        # a few months of filings, most of them left out, are neither fresh nor complete: warnings say so
        assert all(e.passed or e.severity is dg.AssetCheckSeverity.WARN for e in results.values())
        covered = results["ledger_covers_the_index"].metadata
        assert (covered["filings"].value, covered["not_in_ledger"].value) == (len(wanted), 0)
        assert {k.split("/")[-1] for k in world.documents()} == {f"{f[6:]}.pdf" for f in wanted}
    ledger = {r["filing_id"]: r for r in lake.read("filings").to_pylist()}
    assert {f: r["month"] for f, r in ledger.items()} == wanted
    why = (ledger[gone]["status"], ledger[gone]["reason"])
    assert why == ("missing", "indexed, but not fetched: the site has no such document")
    assert {r["status"] for f, r in ledger.items() if f != gone} <= {"parsed", "scanned", "empty_verified"}
    trades = lake.read("disclosed_trades").to_pylist()
    counted = {f: r["rows_expected"] for f, r in ledger.items() if r["status"] == "parsed"}
    assert {f: sum(t["filing_id"] == f for t in trades) for f in counted} == counted
    assert sum(counted.values()) >= 3


def _upstream(lake: Lake) -> list[dg.AssetSpec]:
    """What the two read beside the sources, as the empty tables that a new store has."""
    return [dg.AssetSpec(name) for name in ("officials", "official_terms", "symbol_history") if lake.exists(name)]


# ----------------------------------------------------------------------------------------------------------- the sensor


TODAY = dt.datetime.now(ZoneInfo("America/New_York")).date()
THIS, LAST_YEAR = TODAY.year, TODAY.year - 1


def report(number: int, day: dt.date) -> dict[str, str]:
    """A line of the index. Its document is never asked for here."""
    filed = f"{day.month}/{day.day}/{day.year}"
    row = {"Last": "Example", "First": "Ann", "FilingType": "P", "StateDst": "OR01"}
    return {**row, "Year": str(day.year), "FilingDate": filed, "DocID": f"{20_000_000 + number}"}


def page(number: int, day: dt.date) -> list[str]:
    link = f'<a href="/search/view/ptr/00000000-0000-4000-8000-{number:012d}/">Periodic Transaction Report</a>'
    return ["Ann", "Example", "Example, Ann (Senator)", link, f"{day:%m/%d/%Y}"]


def month_of(day: dt.date) -> str:
    return f"{day:%Y-%m}"


def months_before(n: int) -> dt.date:
    """The first day of the month n months ago."""
    return dt.date(TODAY.year + (TODAY.month - 1 - n) // 12, (TODAY.month - 1 - n) % 12 + 1, 1)


def named(settings: Settings) -> dg.SensorDefinition:
    (sensor,) = [s for s in sensors_of(settings) if s.name == "new_filings"]
    return sensor


class Watch:
    """A sensor and what it remembers, tick by tick."""

    def __init__(self, world: World, store: Path, **live: Any) -> None:
        self.world = world
        self.settings = world.settings(store, **({"fetch_from": months_before(30).isoformat()} | live))
        self.cursor: str | None = None

    def tick(self) -> dg.SensorExecutionData:
        sensor = named(self.settings)
        found = sensor.evaluate_tick(dg.build_sensor_context(cursor=self.cursor))
        self.cursor = found.cursor
        return found


def ranges(found: Any) -> list[tuple[str, str]]:
    return [(r.tags[RANGE_FROM], r.tags[RANGE_TO]) for r in found.run_requests]


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Watch]:
    index = {LAST_YEAR: [report(1, dt.date(LAST_YEAR, 3, 5))], THIS: [report(2, TODAY)]}
    world = World(Clerk(index, {}), EfdSite([page(1, TODAY)], {}), {})
    with world.open():
        yield Watch(world, tmp_path)


def test_new_filings_ask_for_a_run_over_their_months_and_only_once(watch: Watch) -> None:
    first = watch.tick()
    expected = sorted({f"{LAST_YEAR}-03", month_of(TODAY)})
    assert ranges(first) == [(m, m) for m in expected]
    again = watch.tick()
    assert again.run_requests == []
    assert again.skip_message == "no filing that was not seen before"
    watch.world.clerk.index[THIS].append(report(3, TODAY))
    watch.world.efd.index.append(page(2, TODAY))
    later = watch.tick()
    assert ranges(later) == [(month_of(TODAY), month_of(TODAY))]
    assert (
        later.run_requests[0].tags["cyberpi/new_filings"]
        == "house:20000003, senate:00000000-0000-4000-8000-000000000002"
    )
    assert watch.world.documents() == {}  # the sensor looks at indexes; the run fetches


def test_a_tick_that_was_lost_asks_for_the_same_run_again(watch: Watch) -> None:
    """A cursor that was not saved: the requests have the same keys, so that Dagster launches nothing twice."""
    first = watch.tick()
    watch.cursor = None
    assert [r.run_key for r in watch.tick().run_requests] == [r.run_key for r in first.run_requests]
    assert len({r.run_key for r in first.run_requests}) == len(first.run_requests) > 0


def test_after_a_long_silence_nothing_is_missed(watch: Watch) -> None:
    """The sensor was off for two years: filings of all months since then are asked for, in stretches of months."""
    old = months_before(24)
    told = {"house": {"looked": old.isoformat(), "seen": []}, "senate": {"looked": old.isoformat(), "seen": []}}
    watch.cursor = json.dumps(told)
    house, senate = months_before(20), months_before(19)
    watch.world.clerk.index = {y: [] for y in range(old.year, THIS + 1)}
    watch.world.clerk.index[house.year] = [report(7, house), report(8, house)]
    watch.world.efd.index = [page(9, senate), page(10, months_before(10))]
    assert ranges(watch.tick()) == [
        (month_of(house), month_of(senate)),
        (month_of(months_before(10)), month_of(months_before(10))),
    ]


def test_a_site_that_is_down_is_a_reason_and_the_cursor_stays(watch: Watch) -> None:
    watch.tick()
    before = watch.cursor
    watch.world.clerk.down = True
    watch.settings = watch.world.settings(watch.settings.data_dir, parts=["house"])
    found = watch.tick()
    assert found.run_requests == []
    assert "HTTP 503" in (found.skip_message or "")
    assert found.cursor == before
    watch.world.clerk.down = False
    watch.world.clerk.index[THIS].append(report(11, TODAY))
    assert [r.tags["cyberpi/new_filings"] for r in watch.tick().run_requests] == ["house:20000011"]


def test_one_site_down_does_not_hide_what_the_other_has(watch: Watch) -> None:
    watch.tick()
    watch.world.clerk.down = True
    watch.world.clerk.index[THIS].append(report(12, TODAY))
    watch.world.efd.index.append(page(13, TODAY))
    assert [r.tags["cyberpi/new_filings"] for r in watch.tick().run_requests] == [
        "senate:00000000-0000-4000-8000-000000000013"
    ]
    watch.world.clerk.down = False
    assert [r.tags["cyberpi/new_filings"] for r in watch.tick().run_requests] == ["house:20000012"]


def test_without_consent_or_another_profile_no_site_is_asked(watch: Watch) -> None:
    watch.settings = watch.world.settings(watch.settings.data_dir, accept_senate_terms=False, parts=["senate"])
    assert "accepted the terms" in (watch.tick().skip_message or "")
    sensor = named(Settings(store=watch.settings.data_dir))  # pyright: ignore[reportCallIssue]
    found = sensor.evaluate_tick(dg.build_sensor_context())
    assert "profile demo asks no sites" in (found.skip_message or "")
    assert sensor.default_status == dg.DefaultSensorStatus.STOPPED
    assert watch.world.asked == 0


def test_a_cursor_that_cannot_be_read_starts_anew(watch: Watch) -> None:
    watch.cursor = "{not JSON"
    assert ranges(watch.tick()) != []
    assert {m for stretch in ranges(watch.tick()) for m in stretch} <= set(MONTHS.get_partition_keys())
