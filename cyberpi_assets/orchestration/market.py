"""A sweep from a terminal: the provider asked in this process, then the assets of the months it touched."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import cast

import click
import dagster as dg

from cyberpi_assets.orchestration.partitions import MONTHS
from cyberpi_assets.orchestration.progress import Reading
from cyberpi_assets.orchestration.resources import lake_of, sources_of
from cyberpi_assets.orchestration.runs import run
from cyberpi_assets.orchestration.sweeping import (
    KEPT,
    SWEEP,
    USUAL_MODE,
    planned,
    say,
    say_plan,
    sweep,
    universe,
)
from cyberpi_assets.reports.swept import swept as report
from cyberpi_assets.reports.terminal import show
from cyberpi_assets.settings import Profile, Settings
from cyberpi_assets.sources.intake import UNDATED_MONTH
from cyberpi_assets.sources.providers.sweep import Mode
from cyberpi_assets.storage.engine import connect

_TOP = 10
_SWEPT = ("snapshot_facts", "chain_facts", "option_volume_facts")


def sweep_and_compute(
    settings: Settings,
    job: Callable[[], dg.JobDefinition],
    tickers: Sequence[str] | None,
    depth: str | None,
    *,
    dry_run: bool,
) -> bool:
    """Sweep (profile live) and compute the option assets; whether it went through. Raises NoUniverse, AlreadyRunning.

    `job` is a function of a module, by whose name Dagster finds the job again.
    `tickers`: in place of the universe. `depth`: quotes, fired or full; the provider's usual one by default. A dry run
    prints the plan and asks nobody.
    """
    mode = cast(Mode, depth) if depth else USUAL_MODE[settings.market.provider]
    asked = partial(universe, settings, partial(sources_of, settings, asks=False))
    if dry_run:
        say_plan(planned(settings, tickers or asked()), mode, bars=settings.market.bars_from is not None)
        return True
    answered = True
    if settings.profile is Profile.LIVE:
        showing = Reading(sys.stderr)
        swept = sweep(settings, tickers or asked(), showing, mode=mode)
        showing.done()
        click.echo(say(swept))
        month = f"{dt.datetime.now(dt.UTC):%Y-%m}"
        months, answered = (month, month), bool(swept.quoted or swept.chained)
    else:
        click.echo(f"profile {settings.profile.value} asks no provider: computing from what is there", err=True)
        if (months := _months_there(settings)) is None:
            click.echo("there are no quotes and no chains")
            return True
    outcome = run(settings, job, months=months, asks=False, tags={SWEEP: KEPT})
    lake = lake_of(settings)
    con = connect(settings.duckdb_memory_limit, settings.duckdb_threads)
    lake.views(con)
    show(lambda _: report(con, _TOP))
    click.echo(f"\n{'done' if outcome.success else 'a step or a check failed'} in {outcome.seconds:.1f} s")
    return outcome.success and answered


def _months_there(settings: Settings) -> tuple[str, str] | None:
    """The first and last month that has quotes, chains or option volumes."""
    by_fact = sources_of(settings, asks=False).gather().signatures(_SWEPT)
    every = set(MONTHS.get_partition_keys())
    months = sorted({m for by_month in by_fact.values() for m in by_month if m != UNDATED_MONTH and m in every})
    return (months[0], months[-1]) if months else None
