"""A backfill spread over workers: which runs may go on at once, launched wave by wave.

Here belongs the cut of a backfill into runs, and waiting for them. A month of one asset may read months before its own
of another (`reading_back`), so months of both cannot be computed in any order: a wave is a set of runs that need
nothing of each other, and the next one begins when all have ended and its checks hold. Within a wave months are cut
into ranges, a run each, which workers take from the broker.

The web interface's own backfill of a range is one run on one worker: right, and not spread.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import dagster as dg
from dagster._core.definitions.assets.job.asset_job import IMPLICIT_ASSET_JOB_NAME
from dagster._core.definitions.reconstruct import ReconstructableRepository
from dagster._core.execution.api import create_execution_plan
from dagster._core.snap import snapshot_from_execution_plan
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import EmptyWorkspaceTarget

from cyberpi_assets.orchestration.partitions import ONE_MONTH, RANGE_FROM, RANGE_TO
from cyberpi_assets.storage.dagster_io import MONTHS_BEFORE

if TYPE_CHECKING:
    from cyberpi_assets.settings import Settings

QUEUE: Final = "dagster-celery/queue"
SPREAD: Final = "cyberpi/spread"  # tag of such a run: wave and share
_SHARES = 8  # runs that a wave is cut into, where nobody says otherwise
_POLL_S, _LOOK_S = 0.5, 5.0
_OVER = (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)


class SpreadFailed(RuntimeError):
    """A run failed; what was stored before stays, and the waves after it were not begun."""


@dataclass(frozen=True)
class Part:
    """One run: assets, and their months (first and last; None for assets that are kept without months), or checks."""

    name: str
    assets: frozenset[dg.AssetKey]
    months: tuple[str, str] | None
    checks: frozenset[dg.AssetCheckKey] = frozenset()
    queue: str | None = None  # of workers; None: the usual one


def waves_of(assets: Sequence[dg.AssetsDefinition], chosen: frozenset[dg.AssetKey]) -> list[list[dg.AssetsDefinition]]:
    """The chosen assets in waves, each needing only earlier waves and its own run.

    An asset is in its parent's wave, and so in one run with it, where both are kept by month and it reads its own
    months only. `assets` are all of the definitions, in any order; assets computed together are taken together.
    """
    by_key = {key: a for a in assets for key in a.keys}
    places: dict[dg.AssetsDefinition, int] = {}

    def place(asset: dg.AssetsDefinition) -> int:
        if asset not in places:
            places[asset] = max((_after(asset, parent, key) for key, parent in parents(asset)), default=0)
        return places[asset]

    def parents(asset: dg.AssetsDefinition) -> Iterator[tuple[dg.AssetKey, dg.AssetsDefinition]]:
        return ((key, by_key[key]) for key in sorted(set(asset.dependency_keys) - set(asset.keys)) if key in by_key)

    def _after(asset: dg.AssetsDefinition, parent: dg.AssetsDefinition, key: dg.AssetKey) -> int:
        return place(parent) + bool(parent.keys & chosen and not _in_one_run(asset, parent, key))

    found: dict[int, list[dg.AssetsDefinition]] = {}
    for asset in dict.fromkeys(by_key[key] for key in sorted(chosen)):
        found.setdefault(place(asset), []).append(asset)
    return [found[n] for n in sorted(found)]


def _in_one_run(asset: dg.AssetsDefinition, parent: dg.AssetsDefinition, key: dg.AssetKey) -> bool:
    if asset.partitions_def is None or parent.partitions_def is None:
        return False
    named = [asset.node_def.input_dict[n] for n, k in asset.keys_by_input_name.items() if k == key]
    # what is only depended on may be read in any way
    return bool(named) and not any(i.metadata.get(MONTHS_BEFORE) or i.dagster_type.is_nothing for i in named)


def queue_of(asset: dg.AssetsDefinition) -> str | None:
    """The queue of workers that one of the asset's ops asks for, such as those with a GPU."""
    node = asset.node_def
    ops = node.iterate_op_defs() if isinstance(node, dg.GraphDefinition) else [node]
    return next((op.tags[QUEUE] for op in ops if QUEUE in op.tags), None)


def shares(months: Sequence[str], per_run: int | None) -> list[tuple[str, str]]:
    """Months in order as ranges of `per_run`, by default an eighth each: first and last month."""
    size = per_run or max(1, math.ceil(len(months) / _SHARES))
    return [(months[n], months[min(n + size, len(months)) - 1]) for n in range(0, len(months), size)]


def plan_spread(
    defs: dg.Definitions, names: Sequence[str], months: Sequence[str], per_run: int | None
) -> list[list[Part]]:
    """The waves of a backfill, each a list of runs that may go on at once; the checks of a wave are a wave of one run.

    Raises KeyError for a name that no asset has.
    """
    graph = defs.resolve_asset_graph()
    chosen = frozenset(dg.AssetKey(name) for name in names)
    if unknown := chosen - graph.get_all_asset_keys():
        raise KeyError(", ".join(key.to_user_string() for key in sorted(unknown)))
    of_all = [a for a in graph.assets_defs if a.is_materializable]
    planned: list[list[Part]] = []
    for number, wave in enumerate(waves_of(of_all, chosen), 1):
        keys = frozenset(key for a in wave for key in a.keys)
        of: dict[tuple[str | None, bool], set[dg.AssetKey]] = {}
        for asset in wave:
            of.setdefault((queue_of(asset), asset.partitions_def is not None), set()).update(asset.keys)
        parts: list[Part] = []
        for (queue, by_month), some in of.items():
            spans = shares(months, per_run) if by_month else [None]
            for span in spans:
                name = ":".join(filter(None, [str(number), span[0] if span else "whole", queue]))
                parts.append(Part(name, frozenset(some), span, queue=queue))
        planned.append(parts)
        checks = frozenset(check for check in graph.asset_check_keys if check.asset_key in keys)
        if checks:
            planned.append([Part(f"{number}:checks", frozenset(), (months[0], months[-1]), checks)])
    return planned


def spread(
    settings: Settings,
    instance: dg.DagsterInstance,
    planned: Sequence[Sequence[Part]],
    say: Callable[[str], None] = lambda _: None,
) -> list[str]:
    """Launch the waves one after another and wait for each; the ids of the runs, in the order launched.

    Looks after the runs meanwhile, with a daemon or without: a run whose worker is gone is given to another. Raises
    SpreadFailed where a run fails or a check that blocks does not hold, ValueError where runs do not go to workers.
    """
    if settings.cluster.launcher != "celery":
        raise ValueError("a backfill is spread over Celery's workers: set CYBERPI_CLUSTER__LAUNCHER=celery")
    from cyberpi_assets.orchestration.celery_runs import give_to_another, worker_is_gone

    ids: list[str] = []
    with ExitStack() as stack:
        # runs of workers find their code by its module: no code server is needed to launch them
        context = stack.enter_context(WorkspaceProcessContext(instance, EmptyWorkspaceTarget()))
        workspace = context.create_request_context()
        for number, wave in enumerate(planned, 1):
            began = time.monotonic()
            going = {_launched(instance, workspace, part): part for part in wave}
            ids += going
            looked, suspected = time.monotonic(), set[str]()
            while going:
                time.sleep(_POLL_S)
                runs = instance.get_runs(dg.RunsFilter(run_ids=list(going)))
                for run in runs:
                    if run.status in _OVER:
                        part = going.pop(run.run_id)
                        if run.status is not dg.DagsterRunStatus.SUCCESS:
                            raise SpreadFailed(f"run {run.run_id} of {part.name} ended as {run.status.value}")
                if time.monotonic() - looked > _LOOK_S:
                    # gone at two looks: between taking a run and claiming it lies a moment
                    gone = {run.run_id for run in runs if run.run_id in going and worker_is_gone(instance, run)}
                    for run in runs:
                        if run.run_id in gone & suspected and give_to_another(instance, run, workspace):
                            say(f"  ! the worker of {going[run.run_id].name} is gone: the run goes to another")
                    looked, suspected = time.monotonic(), gone - suspected
            words = ", ".join(sorted({key.path[-1] for part in wave for key in part.assets})) or "checks"
            say(f"  ✓ {number}/{len(planned)} {words}: {len(wave)} runs, {time.monotonic() - began:.1f} s")
    return ids


def _launched(instance: dg.DagsterInstance, workspace: object, part: Part) -> str:
    """Create the run of a part, as the web interface creates those of assets, and hand it to the launcher; its id."""
    repository = ReconstructableRepository.for_module("cyberpi_assets.definitions", "defs")
    whole = repository.get_reconstructable_job(IMPLICIT_ASSET_JOB_NAME)
    definition = repository.get_definition()
    job = whole.get_subset(asset_selection=part.assets, asset_check_selection=part.checks)
    tags = {SPREAD: part.name} | ({QUEUE: part.queue} if part.queue else {})
    if part.months is not None and part.months[0] == part.months[1]:
        tags[ONE_MONTH] = part.months[0]
    elif part.months is not None:
        tags |= {RANGE_FROM: part.months[0], RANGE_TO: part.months[1]}
    plan = create_execution_plan(job, instance_ref=instance.get_ref(), tags=tags)
    subset = job.get_definition()
    run = instance.create_run(
        job_name=subset.name,
        run_id=None,
        run_config=None,
        status=None,
        tags=tags,
        root_run_id=None,
        parent_run_id=None,
        step_keys_to_execute=None,
        execution_plan_snapshot=snapshot_from_execution_plan(plan, subset.get_job_snapshot_id()),
        job_snapshot=subset.get_job_snapshot(),
        parent_job_snapshot=None,
        asset_selection=part.assets,
        asset_check_selection=part.checks,
        resolved_op_selection=None,
        op_selection=None,
        remote_job_origin=None,
        job_code_origin=whole.get_python_origin(),
        asset_graph=definition.asset_graph,
    )
    instance.launch_run(run.run_id, workspace)  # pyright: ignore[reportArgumentType]
    return run.run_id
