"""A run from a terminal: planned, executed in this process, and summed up in words.

Here belongs what `cyberpi run`, `status` and `import` do. Which months are due is in `plan.py`; the history of runs is
Dagster's, the same as the web interface shows.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import click
import dagster as dg

from cyberpi_assets.orchestration.hot_copy import publish_again
from cyberpi_assets.orchestration.instance import alone, opened
from cyberpi_assets.orchestration.launching import GONE
from cyberpi_assets.orchestration.partitions import MONTHS, PLANNED, RANGE_FROM, RANGE_TO
from cyberpi_assets.orchestration.plan import UNFINISHED, Plan, keep_state, mark_unfinished, plan, read_state, state_of
from cyberpi_assets.orchestration.pools import free_pools
from cyberpi_assets.orchestration.progress import Reading
from cyberpi_assets.orchestration.resources import lake_of, sources_of
from cyberpi_assets.settings import Profile, Settings
from cyberpi_assets.sources.intake import Gathered
from cyberpi_assets.storage.engine import connect

_TOP = 10
_SPARED = 86_400.0  # seconds for which profile live keeps units that this run does not know


@dataclass(frozen=True)
class Outcome:
    """How a run ended."""

    success: bool
    plan: Plan
    run_id: str | None
    seconds: float


def run(
    settings: Settings,
    job: Callable[[], dg.JobDefinition],
    *,
    everything: bool = False,
    months: tuple[str, str | None] | None = None,
    evidence: bool = True,
    asks: bool = True,
    tags: Mapping[str, str] | None = None,
) -> Outcome:
    """Read what is new, compute the months due, keep the state. Raises AlreadyRunning.

    `everything` computes all months; `months` names the first and last (None: the running month) instead of what
    changed. `job` is a function of a module, by whose name Dagster finds the job again. The state is kept
    only after a run that went through, so an interrupted run is planned again.
    `evidence` says whether the job computes the evidence; without it the last month stays marked as unfinished, and the
    next run with it computes that month again, and the evidence. Without `asks` no site is asked; `tags` go to the run.
    """
    began = time.monotonic()
    with alone(settings, "run", wait=False), opened(settings) as instance:
        click.echo(f"cyberpi: profile {settings.profile.value}, data in {settings.data_dir}", err=True)
        every = MONTHS.get_partition_keys()
        gathered = read_sources(settings, None if months is None else (months[0], months[1] or every[-1]), asks=asks)
        now, before = state_of(settings, gathered), read_state(settings)
        due = plan(now, before, lake_of(settings))
        if everything:
            due = Plan((every[0], every[-1]), "asked for")
        elif months is not None:
            due = Plan((months[0], months[1] or every[-1]), "asked for")
        if due.months is None:
            click.echo("  nothing changed since the last run", err=True)
            click.echo(f"  {publish_again(settings)}", err=True)
            return Outcome(True, due, None, time.monotonic() - began)
        click.echo(f"  computing {due.months[0]} to {due.months[1]}: {due.reason}", err=True)
        end_runs_of_dead_processes(instance)
        mark_unfinished(settings, before, due.months[0])
        os.environ.update(settings.as_environment())  # the job is found again by name, from the environment
        result = dg.execute_job(
            dg.reconstructable(job),
            instance=instance,
            run_config={"loggers": {"progress": {}}},
            tags={RANGE_FROM: due.months[0], RANGE_TO: due.months[1], PLANNED: "run", **(tags or {})},
        )
        if result.success and months is None:
            keep_state(settings, now if evidence else now | {UNFINISHED: every[-1]})
        elif result.success and before is not None and now == {k: v for k, v in before.items() if k != UNFINISHED}:
            keep_state(settings, before)  # the months asked for were computed from the facts the others rest on
        if result.success:
            tidy(settings, gathered)
        return Outcome(result.success, due, result.run_id, time.monotonic() - began)


def tidy(settings: Settings, gathered: Gathered) -> None:
    """Delete versions older than 30 days, the intake of files that are gone, and what killed readers left.

    In profile live a run that Dagster launched may be reading meanwhile: what is young stays.
    """
    gathered.intake.sweep(gathered.units, _SPARED if settings.profile is Profile.LIVE else 0.0)
    lake_of(settings).vacuum()


def end_runs_of_dead_processes(instance: dg.DagsterInstance) -> None:
    """Whoever holds the profile's lock is its only run from a terminal: others that seem to go on were killed."""
    going_on = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
    for left in instance.get_runs(dg.RunsFilter(statuses=going_on, tags={PLANNED: "run"})):
        instance.report_run_failed(left, GONE)
    free_pools(instance)


def read_sources(settings: Settings, months: tuple[str, str] | None = None, *, asks: bool = True) -> Gathered:
    """The facts of the profile, said on standard error while they are read."""
    reading = Reading(sys.stderr)
    gathered = sources_of(settings, months, asks=asks).gather(reading)
    reading.done()
    return gathered


def say_summary(settings: Settings, outcome: Outcome) -> None:
    """Print the rankings' top rows, the checks' results and the paths of the reports."""
    from cyberpi_assets.reports.summary import summary
    from cyberpi_assets.reports.terminal import show

    lake = lake_of(settings)
    con = connect(settings.duckdb_memory_limit, settings.duckdb_threads)
    lake.views(con)
    show(lambda _: summary(con, outcome.run_id, settings.data_dir, _TOP))
    if outcome.success:
        done = "nothing to compute" if outcome.plan.months is None else "done"
        click.echo(f"\n{done} in {outcome.seconds:.1f} s")
    else:
        click.echo(
            f"\nfailed after {outcome.seconds:.1f} s: what was stored before stays; run again to go on", err=True
        )


def say_status(settings: Settings) -> None:
    """Print what each table holds, and what a run would do."""
    from cyberpi_assets.reports.summary import status
    from cyberpi_assets.reports.terminal import show

    lake = lake_of(settings)
    versions = {name: lake.version(name) for name in lake.tables}
    con = connect(settings.duckdb_memory_limit, settings.duckdb_threads)
    lake.views(con)
    show(lambda _: status(con, lake.tables, versions))
    before = read_state(settings)
    click.echo(f"\nlast run that went through: {'none' if before is None else 'through ' + before['through']}")
    due = plan(state_of(settings, read_sources(settings, asks=False)), before, lake)
    months = "nothing" if due.months is None else f"{due.months[0]} to {due.months[1]}"
    click.echo(f"a run would compute: {months} ({due.reason})")


def say_import(settings: Settings) -> None:
    """Read the folder of profile files and print what was found."""
    from cyberpi_assets.reports.summary import imported
    from cyberpi_assets.reports.terminal import show

    files = read_sources(settings).files()
    show(lambda _: imported(files))
