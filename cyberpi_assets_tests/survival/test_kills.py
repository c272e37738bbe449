"""A backfill launched in the web interface, and SIGKILL for its parts at random moments: the tables of an undisturbed
run, no month half written, none missing, and no run that seems to go on for ever.

Three kills, one of each part; `CYBERPI_KILLS=20` kills that often, every fourth time all parts in one moment as a power
cut does, and takes half an hour.
"""

from __future__ import annotations

import os
import random
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import dagster as dg
import pytest

from cyberpi_assets.orchestration.instance import opened
from cyberpi_assets.settings import Settings
from cyberpi_assets.storage.lake import Lake
from cyberpi_assets_tests.survival.web import Backfill, Victim, Web, until
from cyberpi_assets_tests.survival.world import BY_MONTH, MONTHS, WHOLE, WORLD, by_month, materialise, small

pytestmark = [
    pytest.mark.xdist_group("kills"),
    pytest.mark.timeout(3_000),
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="processes are found in /proc"),
]

KILLS = int(os.environ.get("CYBERPI_KILLS", "3"))
SEED = 20120404
VICTIMS: tuple[Victim, ...] = ("run", "daemon", "webserver", "all")
_GOING_ON = {"STARTING", "STARTED"}
_LONGEST_S = 4.0  # a little longer than a run lasts that nobody kills


@dataclass
class Story:
    """What was done to a store, and what was seen."""

    settings: Settings
    web: Web
    kills: list[str] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    beside: bool = False
    name: str = ""
    last: str = ""

    def launch(self) -> None:
        self.name = self.web.launch(BY_MONTH, MONTHS)

    @property
    def stands(self) -> Backfill:
        """How the newest backfill stands."""
        return self.web.backfill(self.name)

    @property
    def states(self) -> set[str]:
        return set(self.stands.runs)

    def kill(self, victim: Victim, chance: random.Random) -> None:
        """Kill at a moment of the newest backfill: before its run, while it starts, or while it computes."""
        if victim == "run" or chance.random() < 0.6:
            wanted = _GOING_ON if chance.random() < 0.25 else {"STARTED"}  # the start takes longer than the work
            until(lambda: self.states & wanted or self.stands.over, "a run began")
        time.sleep(chance.uniform(0, _LONGEST_S))  # the moment of the kill, not a wait for something
        self.kills.append(victim if self.web.kill(victim) else "nobody")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kills")


@pytest.fixture(scope="module")
def undisturbed(folder: Path) -> dict[str, list[str]]:
    """The tables that nobody disturbs; a copy of what they rest on is left for the story."""
    settings = small(folder / "undisturbed")
    assert materialise(settings, WHOLE).success
    shutil.copytree(settings.data_dir / "lake", folder / "store" / "lake")
    shutil.copytree(settings.data_dir / "intake", folder / "store" / "intake")
    assert materialise(settings, BY_MONTH).success
    return by_month(Lake(settings.lake_dir))


@pytest.fixture(scope="module")
def story(folder: Path, undisturbed: dict[str, list[str]]) -> Iterator[Story]:
    told = Story(small(folder / "store"), Web(folder / "store", WORLD))
    try:
        told.web.start()
        told.launch()
        chance = random.Random(SEED)
        for victim in (VICTIMS * KILLS)[:KILLS]:
            if told.stands.over:
                told.launch()
            told.kill(victim, chance)
            if victim == "run":
                until(lambda: not told.states & _GOING_ON, "a killed run is told as failed")
                told.launch()
                continue
            told.ends.append(told.web.ended())
            told.web.start()
            if victim == "all":  # nobody was left to tell: run monitoring finds it out while a person launches again
                told.launch()
        for _ in range(3):  # a backfill whose run was killed is over as failed: it is launched again
            until(lambda: "STARTED" in told.states or told.stands.over, "a run began")
            if not told.beside:  # another run over the same months, while this one writes them
                told.beside = materialise(told.settings, BY_MONTH).success
            until(lambda: told.stands.over, "a backfill ends")
            if told.stands.status == "COMPLETED_SUCCESS":
                break
            told.launch()
        told.last = told.stands.status
        yield told
    finally:
        told.web.close()


def test_the_rerun_completes_and_its_tables_are_those_of_an_undisturbed_run(
    undisturbed: dict[str, list[str]], story: Story
) -> None:
    assert all(undisturbed.values())
    assert len(story.kills) == KILLS
    assert story.kills.count("nobody") <= KILLS // 3  # a run may be over before its moment comes
    assert story.last == "COMPLETED_SUCCESS"
    assert story.beside
    found = by_month(Lake(story.settings.lake_dir))
    assert {name for name in BY_MONTH if found[name] != undisturbed[name]} == set()


def test_no_run_seems_to_go_on_for_ever(story: Story) -> None:
    with opened(story.settings) as instance:

        def going_on() -> list[str]:
            return [
                r.run_id
                for r in instance.get_runs(dg.RunsFilter(statuses=list(dg.DagsterRunStatus)))
                if not r.is_finished
            ]

        until(lambda: not going_on(), "every run is over", 240)
        states = {run.status for run in instance.get_runs()}
    assert states <= {dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE}


def test_it_ends_without_an_error_where_a_part_is_killed_so_a_service_manager_must_begin_it_again_always(
    story: Story,
) -> None:
    assert set(story.ends) <= {0, -9}
    unit = (Path(__file__).resolve().parents[2] / "deploy" / "cyberpi-ui.service").read_text()
    assert "Restart=always" in unit


def test_sigterm_ends_all_of_it(story: Story) -> None:
    """The last test of this story: afterwards nothing runs."""
    assert story.web.stop() == (0, [])
