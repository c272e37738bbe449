"""The command that computes months anew, and what `status` says of months that are behind.

Imports nothing slow: a command imports what it needs when it is called.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from cyberpi_assets.reports.terminal import Options

if TYPE_CHECKING:
    from cyberpi_assets.settings import Settings

EXIT_FAILED = 1
EXIT_BUSY = 5


@click.command(
    "backfill",
    epilog="""\b
Examples:
  cyberpi backfill --from 2012-01 --to 2025-08
  cyberpi backfill --from 2024-03 --to 2024-03 --assets daily_bars+ --dry-run
  cyberpi backfill --from 2020-01 --to 2020-12 --assets group:disclosures,disclosure_correlations
""",
)
@click.option("--from", "first", metavar="YYYY-MM", required=True, help="First month.")
@click.option("--to", "last", metavar="YYYY-MM", required=True, help="Last month.")
@click.option(
    "--assets",
    metavar="A,B",
    help="Only these: a name, a name and all that follows from it (daily_bars+), or group:NAME. Default: all.",
)
@click.option("--quick", is_flag=True, help="Leave the evidence and the back-test as they are.")
@click.option("--months-per-run", type=click.IntRange(1, 1_000), default=48, show_default=True)
@click.option("--dry-run", is_flag=True, help="Print the runs, and do nothing.")
@click.pass_context
def backfill_command(
    ctx: click.Context, first: str, last: str, assets: str | None, quick: bool, months_per_run: int, dry_run: bool
) -> None:
    """Compute months anew, in few runs, with progress; the same command goes on where it was interrupted.

    Only the months named are written. Profile live fetches the filings of these months first. `cyberpi status` says
    which months are older than what they rest on, with the command that mends it.
    Exit codes: 0 done, 1 a step or a blocking check failed, 2 usage, 5 another run is going on.
    """
    from cyberpi_assets.definitions import build_defs, everything_job, spine_job
    from cyberpi_assets.orchestration.backfilling import NoSuchAsset, backfill, chosen
    from cyberpi_assets.orchestration.instance import AlreadyRunning
    from cyberpi_assets.orchestration.partitions import MONTHS

    settings = ctx.ensure_object(Options).settings()
    refuse_other_months(first, last)
    words = [w.strip() for w in (assets or "").split(",") if w.strip()]
    if assets is not None and not words:
        raise click.BadParameter("names no asset", param_hint="--assets")
    defs = build_defs(settings)
    try:
        names = chosen(defs, "spine" if quick else "everything", words)
        done = backfill(
            settings,
            spine_job if quick else everything_job,
            defs,
            names,
            [m for m in MONTHS.get_partition_keys() if first <= m <= last],
            all_assets=not words and not quick,
            per_run=months_per_run,
            dry_run=dry_run,
        )
    except NoSuchAsset as error:
        raise click.BadParameter(str(error), param_hint="--assets") from None
    except AlreadyRunning as error:
        click.echo(f"cyberpi: {error}", err=True)
        sys.exit(EXIT_BUSY)
    except NotADirectoryError as error:
        raise click.UsageError(str(error)) from None
    if dry_run:
        return
    months = f"{done.months} of {done.of_months} months"
    if done.success:
        click.echo(f"done: {months} in {done.runs} run{'s' if done.runs != 1 else ''}, {done.seconds:.1f} s")
        return
    click.echo(f"failed after {done.seconds:.1f} s: {months} are done and stay; the same command goes on", err=True)
    sys.exit(EXIT_FAILED)


def refuse_other_months(first: str | None, last: str | None) -> None:
    """Raises click.BadParameter for a month that there is not, click.UsageError for two in the wrong order."""
    from cyberpi_assets.orchestration.partitions import MONTHS

    every = MONTHS.get_partition_keys()
    for option, month in (("--from", first), ("--to", last)):
        if month is not None and month not in every:
            raise click.BadParameter(f"{month} is no month from {every[0]} to {every[-1]}", param_hint=option)
    if first and last and first > last:
        raise click.UsageError(f"--from {first} lies after --to {last}")


def say_restated(settings: Settings) -> None:
    """Print months older than what they rest on, backfills that were interrupted, and messages; nothing if none."""
    import datetime as dt

    from cyberpi_assets.definitions import build_defs
    from cyberpi_assets.orchestration import notifying
    from cyberpi_assets.orchestration.backfilling import unfinished
    from cyberpi_assets.orchestration.resources import lake_of
    from cyberpi_assets.orchestration.restated import in_words, restated

    lake = lake_of(settings)
    messages = notifying.in_words(settings, lake, dt.datetime.now(dt.UTC))
    for heading, lines in (
        ("older than what they rest on", in_words(restated(lake, build_defs(settings)))),
        ("backfills that were interrupted", unfinished(settings)),
        ("notifications", [messages] if messages else []),
    ):
        if lines:
            click.echo("\n".join([f"\n{heading}:", *(f"  {line}" for line in lines)]))


COMMANDS: tuple[click.Command, ...] = (backfill_command,)
