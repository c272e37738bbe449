"""Slots of pools are set, held while somebody is asked, and given back, whatever becomes of the run."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path

import dagster as dg
import pytest
import yaml

from cyberpi_assets.orchestration.instance import opened
from cyberpi_assets.orchestration.pools import (
    POOL_OF_PART,
    free_pools,
    holding_of,
    holding_part_of,
    queue_limits,
    set_pools,
)
from cyberpi_assets.rules.running import ConcurrencyRules
from cyberpi_assets.settings import Profile, Settings
from cyberpi_assets.sources.intake import Intake
from cyberpi_assets.sources.live.parts import live_parts
from cyberpi_assets.sources.live.source import LiveSources
from cyberpi_assets.sources.live.troubles import NotAsked

ROOT = Path(__file__).resolve().parents[2]
ONE = {"gpu": 1, "yahoo": 1, "ibkr": 1, "sec": 1, "filings": 1}


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dg.DagsterInstance]:
    with opened(Settings(store=tmp_path_factory.mktemp("store"))) as instance:  # pyright: ignore[reportCallIssue]
        yield instance


def held(instance: dg.DagsterInstance, pool: str) -> int:
    return len(instance.event_log_storage.get_concurrency_info(pool).claimed_slots)


def run(instance: dg.DagsterInstance, status: dg.DagsterRunStatus = dg.DagsterRunStatus.STARTED) -> str:
    return instance.add_run(dg.DagsterRun(job_name="job", status=status)).run_id


def test_set_up_gives_every_pool_its_slots_and_the_queue_its_limits(instance: dg.DagsterInstance) -> None:
    storage = instance.event_log_storage
    assert {p.name: p.limit for p in storage.get_pool_limits()} == ONE
    queue = instance.get_concurrency_config().run_queue_config
    assert queue is not None
    assert queue.max_concurrent_runs == 3
    limits = {limit["key"]: limit["limit"] for limit in queue.tag_concurrency_limits}
    assert limits == {"cyberpi/provider": 1, "dagster/schedule_name": 1, "dagster/backfill": 2}
    assert instance.run_monitoring_enabled
    set_pools(instance, ONE | {"sec": 2})
    assert storage.get_concurrency_info("sec").slot_count == 2
    set_pools(instance, ONE)
    assert storage.get_concurrency_info("sec").slot_count == 1


def test_the_file_for_instances_made_by_hand_says_the_same() -> None:
    rules = ConcurrencyRules()  # pyright: ignore[reportCallIssue]
    assert yaml.safe_load((ROOT / "dagster.yaml").read_text())["concurrency"] == queue_limits(rules)
    assert rules.pools == ONE
    assert set(POOL_OF_PART.values()) == set(ONE) - {"gpu"}


def test_every_part_that_needs_a_pool_is_one_that_profile_live_opens(tmp_path: Path) -> None:
    settings = Settings(  # pyright: ignore[reportCallIssue]
        profile=Profile.LIVE, store=tmp_path, live={"contact": "a@example.org", "accept_senate_terms": True},
        news={"parts": ["edgar", "yahoo", "ibkr"]},
    )  # fmt: skip
    with live_parts(settings) as opened_parts:
        assert set(POOL_OF_PART) <= {part.name for part in opened_parts}


def test_a_slot_is_held_while_somebody_is_asked_and_waited_for_by_others(instance: dg.DagsterInstance) -> None:
    first, second = run(instance), run(instance)
    order: list[str] = []

    def other() -> None:
        with holding_part_of(instance, second)("house_clerk"):
            order.append("second")

    waiting = threading.Thread(target=other)
    with holding_part_of(instance, first)("senate_efd"):
        assert held(instance, "filings") == 1
        waiting.start()
        waiting.join(0.3)
        assert waiting.is_alive()
        order.append("first")
    waiting.join(30)
    assert order == ["first", "second"]
    assert held(instance, "filings") == 0


def test_news_does_not_wait_for_a_sweep_of_the_same_provider(instance: dg.DagsterInstance) -> None:
    sweep, news = run(instance), run(instance)
    with holding_of(instance, sweep)("ibkr"):
        with pytest.raises(NotAsked, match="another run is asking ibkr"), holding_part_of(instance, news)("ibkr_news"):
            pytest.fail("two runs ask at once")
        with holding_part_of(instance, news)("yahoo_news"), holding_part_of(instance, news)("kev"):
            assert (held(instance, "ibkr"), held(instance, "yahoo")) == (1, 1)
    assert not instance.event_log_storage.get_concurrency_info("ibkr").pending_steps


class Wire:
    """A part that counts how many slots were held while it was asked."""

    name, remote = "ibkr_news", True

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self.instance, self.held = instance, list[int]()

    def collect(self, intake: Intake, progress: Callable[[str], None]) -> Sequence[str]:
        self.held.append(held(self.instance, "ibkr"))
        return ()


def test_a_gathering_holds_the_slot_of_each_part_and_says_which_it_could_not_ask(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    wire, intake = Wire(instance), Intake(tmp_path / "intake")

    def gather() -> list[str]:
        hold = holding_part_of(instance, run(instance))
        found = LiveSources(intake, tmp_path / "fetched", lambda: nullcontext([wire]), holding=hold).gather()
        return [str(row["reason"]) for row in found.files().to_pylist()]

    assert gather() == []
    assert (wire.held, held(instance, "ibkr")) == ([1], 0)
    with holding_of(instance, run(instance))("ibkr"):
        assert gather() == ["another run is asking ibkr; what was fetched before stays"]
    assert wire.held == [1]


def test_a_slot_is_given_back_when_asking_fails(instance: dg.DagsterInstance) -> None:
    with pytest.raises(ConnectionError), holding_of(instance, run(instance))("sec"):
        raise ConnectionError("no network")
    assert held(instance, "sec") == 0


def test_slots_of_a_run_that_was_killed_are_free_for_the_next_run(instance: dg.DagsterInstance) -> None:
    """Its process is gone, and no daemon runs that would give them back."""
    storage, killed, alive = instance.event_log_storage, run(instance), run(instance)
    assert storage.claim_concurrency_slot("gpu", killed, "model_answers").is_claimed
    assert storage.claim_concurrency_slot("sec", alive, "ask").is_claimed
    dead = instance.get_run_by_id(killed)
    assert dead is not None
    instance.report_run_failed(dead, "killed")
    free_pools(instance)
    assert (held(instance, "gpu"), held(instance, "sec")) == (0, 1)
    storage.free_concurrency_slots_for_run(alive)
