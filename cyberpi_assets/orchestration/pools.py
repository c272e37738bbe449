"""Who may ask whom at the same time: pools with few slots over all runs of an instance, and limits of the run queue.

Belongs here: which pool a source needs, how a slot is held while it is asked, and the limits as Dagster is told them.
How fast one asks is the clients' own matter.

Dagster gives one step one pool. Everything is asked in one step, `source_files`, which may ask several providers, each
with a limit of its own; so that step holds slots by itself, one pool at a time, in the same list that the web
interface shows. An op that needs one pool says so where it is declared (`model_answers`, pool `gpu`). A run of the
terminal reads its sources before Dagster knows of it: there the locks of the folders take the pools' place.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any, Final

import dagster as dg

from cyberpi_assets.rules.running import ConcurrencyRules
from cyberpi_assets.sources.live import edgar, house, senate, wires
from cyberpi_assets.sources.live.troubles import NotAsked

POOL_OF_PART: Final = {
    house.NAME: "filings",
    senate.NAME: "filings",
    edgar.NAME: "sec",
    wires.YAHOO: "yahoo",
    wires.IBKR: "ibkr",
}
# A sweep may hold its provider for most of an hour: news of the same provider is asked for by a later run.
_NOT_WAITED_FOR: Final = frozenset({"yahoo", "ibkr"})
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 10.0

Holding = Callable[[str], AbstractContextManager[None]]


def queue_limits(rules: ConcurrencyRules) -> dict[str, Any]:
    """The section `concurrency` of a dagster.yaml: how many runs Dagster launches at once, of each kind.

    One of each schedule and of each market provider: a run that takes longer than its schedule's period is not joined
    by the next.
    """
    each = {"applyLimitPerUniqueValue": True}
    return {
        "runs": {
            "max_concurrent_runs": rules.runs,
            "tag_concurrency_limits": [
                {"key": "cyberpi/provider", "value": each, "limit": 1},
                {"key": "dagster/schedule_name", "value": each, "limit": 1},
                {"key": "dagster/backfill", "limit": rules.backfills},
            ],
        },
        "pools": {"granularity": "op"},
    }


def set_pools(instance: dg.DagsterInstance, pools: Mapping[str, int]) -> None:
    """Give each pool its slots: a file can only name the limit of pools nobody has named."""
    storage = instance.event_log_storage
    if not storage.supports_global_concurrency_limits:
        return
    known = {pool.name: pool.limit for pool in storage.get_pool_limits() if not pool.from_default}
    for name, slots in pools.items():
        if known.get(name) != slots:
            storage.set_concurrency_slots(name, slots)


def free_pools(instance: dg.DagsterInstance) -> None:
    """Give back the slots of runs that have ended: without a daemon nobody else does, and the next run would wait."""
    storage = instance.event_log_storage
    if not storage.supports_global_concurrency_limits:
        return
    for run_id in storage.get_concurrency_run_ids():
        run = instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            storage.free_concurrency_slots_for_run(run_id)


def holding_of(instance: dg.DagsterInstance, run_id: str) -> Holding:
    """How a run holds a slot of a pool while it asks; waits for it."""
    return partial(_holding, instance, run_id, patient=True)


def holding_part_of(instance: dg.DagsterInstance, run_id: str) -> Holding:
    """The same for a part of profile live, by the part's name; a part without a pool holds nothing.

    Raises NotAsked where a sweep has the provider.
    """

    @contextmanager
    def hold(part: str) -> Generator[None]:
        pool = POOL_OF_PART.get(part)
        if pool is None:
            yield
            return
        with _holding(instance, run_id, pool, patient=pool not in _NOT_WAITED_FOR):
            yield

    return hold


@contextmanager
def _holding(instance: dg.DagsterInstance, run_id: str, pool: str, *, patient: bool) -> Generator[None]:
    storage = instance.event_log_storage
    limited = storage.supports_global_concurrency_limits and any(p.name == pool for p in storage.get_pool_limits())
    if not limited:
        yield
        return
    claim = f"ask_{pool}_{uuid.uuid4().hex[:8]}"
    try:
        pause = _FIRST_PAUSE
        while not storage.claim_concurrency_slot(pool, run_id, claim).is_claimed:
            if not patient:
                raise NotAsked(f"another run is asking {pool}; what was fetched before stays")
            time.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE)
        yield
    finally:
        storage.free_concurrency_slot_for_step(run_id, claim)
