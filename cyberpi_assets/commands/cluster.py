"""The command that leaves one machine.

Imports nothing slow: a command imports what it needs when it is called.
"""

from __future__ import annotations

import sys

import click

from cyberpi_assets.reports.terminal import Options

_MONTH = r"YYYY-MM"


@click.command(
    "spread",
    epilog="""\b
Examples:
  cyberpi spread --from 2012-01 --to 2025-08
  cyberpi spread --from 2024-01 --to 2024-12 --assets daily_bars,market_alerts,timing_surface
  cyberpi spread --from 2012-01 --to 2025-08 --dry-run
""",
)
@click.option("--from", "first", required=True, metavar=_MONTH, help="First month.")
@click.option("--to", "last", required=True, metavar=_MONTH, help="Last month.")
@click.option("--assets", metavar="A,B", help="These tables; default: all.")
@click.option("--months-per-run", type=click.IntRange(1), help="Months in one run; default: an eighth of them.")
@click.option("--dry-run", is_flag=True, help="Print the runs and launch none.")
@click.pass_context
def spread_command(
    ctx: click.Context, first: str, last: str, assets: str | None, months_per_run: int | None, dry_run: bool
) -> None:
    """Compute months again on the workers of a cluster, in waves of runs that need nothing of each other.

    Wants CYBERPI_CLUSTER__LAUNCHER=celery and workers, see docs/cluster.md; on one machine use `cyberpi run --from`. A
    run whose worker is killed goes to another. What runs had stored stays when a later one fails.
    Exit codes: 0 all runs went through, 1 a run failed, 2 usage, 5 another run is going on.
    """
    settings = ctx.ensure_object(Options).settings(reads_sources=True)
    if settings.cluster.launcher != "celery" and not dry_run:
        raise click.UsageError("workers are wanted: set CYBERPI_CLUSTER__LAUNCHER=celery (docs/cluster.md)")
    from cyberpi_assets.definitions import build_defs
    from cyberpi_assets.orchestration.instance import AlreadyRunning, alone, opened
    from cyberpi_assets.orchestration.partitions import MONTHS
    from cyberpi_assets.orchestration.progress import Reading
    from cyberpi_assets.orchestration.resources import sources_of
    from cyberpi_assets.orchestration.spread import SpreadFailed, plan_spread, spread

    every = MONTHS.get_partition_keys()
    months = [month for month in every if first <= month <= last]
    if first not in every or last not in every or not months:
        raise click.BadParameter(
            f"months are {every[0]} to {every[-1]}, the first before the last", param_hint="--from"
        )
    defs = build_defs(settings)
    graph = defs.resolve_asset_graph()
    names = [k.path[-1] for k in sorted(graph.get_all_asset_keys()) if graph.get(k).is_materializable]
    if assets is not None:
        names = [name.strip() for name in assets.split(",") if name.strip()]
    try:
        planned = plan_spread(defs, names, months, months_per_run or settings.cluster.months_per_run)
    except KeyError as error:
        raise click.BadParameter(f"no asset {error.args[0]}", param_hint="--assets") from None
    runs = sum(len(wave) for wave in planned)
    click.echo(f"{len(months)} months, {len(names)} assets: {runs} runs in {len(planned)} waves", err=True)
    if dry_run:
        for wave in planned:
            for part in wave:
                span = "all" if part.months is None else f"{part.months[0]} to {part.months[1]}"
                what = ", ".join(sorted(k.path[-1] for k in part.assets)) or f"{len(part.checks)} checks"
                click.echo(f"  {part.name:<12} {span:<18} {what}")
        return
    try:
        with alone(settings, "run", wait=False), opened(settings) as instance:
            reading = Reading(sys.stderr)  # once, here: workers then find what was read in the shared store
            sources_of(settings, (months[0], months[-1])).gather(reading)
            reading.done()
            spread(settings, instance, planned, lambda line: click.echo(line, err=True))
    except AlreadyRunning as error:
        click.echo(f"cyberpi: {error}", err=True)
        sys.exit(5)
    except SpreadFailed as error:
        click.echo(f"cyberpi: {error}; what was stored before stays", err=True)
        sys.exit(1)


COMMANDS: tuple[click.Command, ...] = (spread_command,)
