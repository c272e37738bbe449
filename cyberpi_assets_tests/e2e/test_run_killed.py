"""A run that is killed, raced or read while it writes: the tables are those of an undisturbed run.

The simulated world of a few months, so that a run is short.
"""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cyberpi_assets.storage import redis_server
from cyberpi_assets.storage.lake import Lake
from cyberpi_assets.storage.warehouse import query
from cyberpi_assets_tests.e2e.terminal import Terminal, said
from cyberpi_assets_tests.graph.world import tables_of

pytestmark = [pytest.mark.xdist_group("killed"), pytest.mark.timeout(900)]

SEED = 2
WORLD = {"CYBERPI_DEMO_MONTHS": json.dumps(["2025-01", "2025-04"])}
RUN = ("run", "--quick", "--from", "2025-01", "--to", "2025-04")  # evidence is computed whole, by no month
QUESTIONS = (
    "select count(*), min(close) from daily_bars",
    "select count(*) from disclosed_trades join disclosure_correlations using (trade_id)",
    "select official, rank from official_rankings order by rank limit 3",
    "select asset, passed from check_results order by checked_at desc limit 5",
)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, list[str]]]:
    store = tmp_path_factory.mktemp("undisturbed") / "store"
    said(Terminal(store, WORLD)(*RUN))
    yield tables_of(Lake(store / "lake"))
    redis_server.stop(store / "redis")


def wait_for_tables(stderr: Iterator[str], count: int) -> None:
    """Read a run's progress until so many tables are stored."""
    seen = 0
    for line in stderr:
        seen += "✓" in line and " rows " in line
        if seen == count:
            return
    pytest.fail(f"the run ended after {seen} tables")


@dataclass
class Raced:
    """What happened to a store whose runs were killed, and whose last run was raced and read."""

    cyberpi: Terminal
    lake: Lake
    found: dict[str, list[str]] = field(default_factory=dict)
    states_of_killed: list[int] = field(default_factory=list)
    asked: int = 0


@pytest.fixture(scope="module")
def raced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Raced]:
    store = tmp_path_factory.mktemp("raced") / "store"
    story = Raced(Terminal(store, WORLD), Lake(store / "lake"))
    chance = random.Random(SEED)
    for _ in range(2):
        going = story.cyberpi.start(*RUN)
        assert going.stderr is not None
        wait_for_tables(iter(going.stderr), chance.randrange(1, 20))
        time.sleep(chance.random() * 0.2)  # amid the step that follows, not at its start
        going.kill()
        story.states_of_killed.append(going.wait(60))
        going.communicate()
        assert not (store / "state.json").exists()

    going = story.cyberpi.start(*RUN)
    assert going.stderr is not None
    wait_for_tables(iter(going.stderr), 1)
    second = story.cyberpi(*RUN)
    assert said(second, code=5) == ""
    assert "another run of profile demo is going on" in second.stderr
    said(story.cyberpi("sql", QUESTIONS[0]))
    while going.poll() is None:
        query(story.lake, QUESTIONS[story.asked % len(QUESTIONS)], threads=1)
        story.asked += 1
    out, errors = going.communicate()
    assert going.returncode == 0, out + errors
    story.found = tables_of(story.lake)
    yield story
    redis_server.stop(store / "redis")


def test_killed_raced_and_read_amid_its_writes_a_run_gives_the_same_tables(
    undisturbed: dict[str, list[str]], raced: Raced
) -> None:
    assert raced.states_of_killed == [-9, -9]
    assert raced.asked >= len(QUESTIONS)
    assert {name for name, rows in undisturbed.items() if rows} >= {"daily_bars", "market_alerts", "official_rankings"}
    assert {name for name, rows in raced.found.items() if rows != undisturbed[name]} == set()


def test_killed_runs_do_not_seem_to_go_on_for_ever(raced: Raced) -> None:
    home = raced.cyberpi.store / "dagster" / "home"
    with dg.DagsterInstance.from_config(str(home)) as instance:
        states = [run.status for run in instance.get_runs()]  # the newest first
    assert states[-3:] == [dg.DagsterRunStatus.SUCCESS, *[dg.DagsterRunStatus.FAILURE] * 2]


def test_nothing_half_written_is_left_for_readers(raced: Raced, tmp_path: Path) -> None:
    lake = raced.lake
    for name in ("daily_bars", "disclosure_correlations"):
        assert all(Path(f).is_file() for f in lake.files(name))
    assert not list((raced.cyberpi.store / "reports").glob("*.tmp"))


def test_a_check_that_blocks_ends_the_run_with_exit_code_1(raced: Raced) -> None:
    """What was read is damaged on disk: a negative price. What rests on bars keeps what it had."""
    (path,) = (raced.cyberpi.store / "intake").glob("*/bar_facts.parquet")
    facts = pq.read_table(path)
    close = [-1.0, *facts.column("close").to_pylist()[1:]]
    pq.write_table(facts.set_column(facts.schema.get_field_index("close"), "close", pa.array(close)), path)
    lake = raced.lake
    before = {name: lake.version(name) for name in ("market_alerts", "official_rankings", "published_warehouse")}
    done = raced.cyberpi(*RUN)
    out = said(done, code=1)
    assert "✗ check daily_bars.prices_on_sessions: FAILED" in done.stderr
    assert re.search(r"daily_bars\.prices_on_sessions\s+FAILED", out)
    assert "run again to go on" in done.stderr
    assert "Traceback" not in done.stderr
    assert {name: lake.version(name) for name in before} == before
