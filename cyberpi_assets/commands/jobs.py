"""Commands that run jobs, or see to what runs: run, status, doctor, import, sweep, ui, stop, news, export, verdict.

Imports nothing slow: a command imports Dagster when it is called.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from cyberpi_assets.commands.backfill import refuse_other_months, say_restated
from cyberpi_assets.commands.highway import say_highway
from cyberpi_assets.reports.terminal import Options

if TYPE_CHECKING:
    from cyberpi_assets.settings import Settings

EXIT_FAILED = 1
EXIT_BUSY = 5


def _settings(ctx: click.Context) -> Settings:
    return ctx.ensure_object(Options).settings()


@click.command("run")
@click.option("--all", "everything", is_flag=True, help="Compute every month again, even where nothing changed.")
@click.option("--from", "first", metavar="YYYY-MM", help="First month to compute, in place of what changed.")
@click.option("--to", "last", metavar="YYYY-MM", help="Last month to compute; with --from.")
@click.option("--quick", is_flag=True, help="Leave the evidence as it is; the next run without --quick computes it.")
@click.pass_context
def run_command(ctx: click.Context, everything: bool, first: str | None, last: str | None, quick: bool) -> None:
    """Materialise the lineage: read what is new, compute what it changes, write the reports.

    Only months that changed since the last run are computed again, with everything that depends on them.
    Ends by printing the rankings, the results of the checks and the paths of the reports.
    Exit codes: 0 done, 1 a step or a blocking check failed, 2 usage, 5 another run is going on.
    """
    from cyberpi_assets.definitions import everything_job, spine_job
    from cyberpi_assets.orchestration.instance import AlreadyRunning
    from cyberpi_assets.orchestration.runs import run, say_summary

    settings = _settings(ctx)
    if last and not first:
        raise click.UsageError("--to goes with --from")
    refuse_other_months(first, last)
    try:
        outcome = run(
            settings,
            spine_job if quick else everything_job,
            everything=everything,
            months=(first, last) if first else None,
            evidence=not quick,
        )
    except AlreadyRunning as error:
        click.echo(f"cyberpi: {error}", err=True)
        sys.exit(EXIT_BUSY)
    except NotADirectoryError as error:
        raise click.UsageError(str(error)) from None
    say_summary(settings, outcome)
    sys.exit(0 if outcome.success else EXIT_FAILED)


@click.command("status")
@click.pass_context
def status_command(ctx: click.Context) -> None:
    """What the lake holds: rows, months and version of each table, and the last run that went through."""
    from cyberpi_assets.orchestration.runs import say_status

    settings = ctx.ensure_object(Options).settings(reads_sources=False)
    say_status(settings)
    say_restated(settings)
    say_highway(settings)


@click.command("doctor")
@click.pass_context
def doctor_command(ctx: click.Context) -> None:
    """Whether everything a run needs is there: folders, disk, libraries, Redis, data, and the legal note.

    Exit code 0 when nothing stands in the way of a run, 1 otherwise.
    """
    from cyberpi_assets.orchestration.doctor import examine

    sys.exit(EXIT_FAILED if examine(_settings(ctx)) else 0)


@click.command("import")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.pass_context
def import_command(ctx: click.Context, folder: Path) -> None:
    """Read a folder of bulk files and say what was found in it, file by file; computes nothing.

    What is read stays in the intake of profile files: a run over the same folder does not parse it again.
    """
    from cyberpi_assets.orchestration.runs import say_import
    from cyberpi_assets.settings import Profile

    settings = _settings(ctx).model_copy(update={"profile": Profile.FILES, "data": folder})
    say_import(settings)


@click.command("sweep")
@click.option("--tickers", metavar="A,B", help="These names in place of the universe.")
@click.option("--provider", type=click.Choice(["yahoo", "ibkr"]), help="In place of CYBERPI_MARKET__PROVIDER.")
@click.option(
    "--depth",
    type=click.Choice(["quotes", "fired", "full"]),
    help="Quotes alone; chains of the names that fire (usual with ibkr); all chains (usual with yahoo).",
)
@click.option("--dry-run", is_flag=True, help="Say what would be asked for and how long the pace makes it take.")
@click.pass_context
def sweep_command(
    ctx: click.Context, tickers: str | None, provider: str | None, depth: str | None, dry_run: bool
) -> None:
    """Ask for quotes and option chains of the universe, and compute the scores made of them.

    Only profile live asks a provider; it keeps to the provider's limits, goes on where a killed sweep stopped, and
    says of every name why it has none. In the other profiles the assets are computed from what is there.
    Exit codes: 0 done, 1 a step failed or no name was answered, 2 usage, 5 another run is going on.
    """
    from cyberpi_assets.definitions import sweep_job
    from cyberpi_assets.orchestration.instance import AlreadyRunning
    from cyberpi_assets.orchestration.market import sweep_and_compute
    from cyberpi_assets.orchestration.sweeping import NoUniverse

    settings = _settings(ctx)
    if provider:
        settings = settings.model_copy(update={"market": settings.market.model_copy(update={"provider": provider})})
    named = tuple(dict.fromkeys(t.strip().upper() for t in tickers.split(",") if t.strip())) if tickers else None
    try:
        sys.exit(0 if sweep_and_compute(settings, sweep_job, named, depth, dry_run=dry_run) else EXIT_FAILED)
    except NoUniverse as error:
        raise click.UsageError(str(error)) from None
    except AlreadyRunning as error:
        click.echo(f"cyberpi: {error}", err=True)
        sys.exit(EXIT_BUSY)


@click.command("ui")
@click.option("--port", default=3000, show_default=True, help="Port on 127.0.0.1.")
@click.pass_context
def ui_command(ctx: click.Context, port: int) -> None:
    """Start Dagster's web interface on 127.0.0.1, with the history kept in data/.

    It has no login: whoever reaches the port can start runs. It listens on this machine only.
    """
    from cyberpi_assets.orchestration.instance import prepare

    settings = _settings(ctx)
    home = prepare(settings)
    env = os.environ | settings.as_environment() | {"DAGSTER_HOME": str(home)}
    dagster = str(Path(sys.executable).with_name("dagster"))
    workspace = str(settings.home / "workspace.yaml")
    os.chdir(settings.data_dir)  # beside a dagster.yaml it warns that it uses another
    # started in the background by a script, it would inherit that SIGINT is ignored, and Dagster treats SIGTERM alike
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    # the workspace names a module of this environment; nothing here is a shell
    os.execve(dagster, [dagster, "dev", "-w", workspace, "-h", "127.0.0.1", "-p", str(port)], env)  # noqa: S606


@click.command("stop")
@click.pass_context
def stop_command(ctx: click.Context) -> None:
    """End the Redis server that runs started for this profile; what it held is kept, and the next run starts it again.

    A server named by CYBERPI_REDIS_URL is left alone.
    """
    from cyberpi_assets.storage.redis_server import stop

    settings = ctx.ensure_object(Options).settings(reads_sources=False)
    ended = stop(settings.data_dir / "redis")
    click.echo("stopped" if ended else "no server was running")


@click.command(
    "verdict",
    epilog="""\b
Examples:
  cyberpi verdict warning:NMBQE:2025-10-20 dismissed --by "A. Analyst" --note "index change"
  cyberpi verdict fused:NMBQE:2025-10-20 watch --by "A. Analyst"
""",
)
@click.argument("subject_id", metavar="ID")
@click.argument("said", metavar="confirmed|dismissed|watch", type=click.Choice(["confirmed", "dismissed", "watch"]))
@click.option("--by", required=True, metavar="NAME", help="Who decides.")
@click.option("--note", metavar="WORDS", help="Why.")
@click.pass_context
def verdict_command(ctx: click.Context, subject_id: str, said: str, by: str, note: str | None) -> None:
    """Decide about a warning or fused signal, by the id that `cyberpi hunt` prints. Kept for ever, never changed.

    For 90 days from its day the newest verdict on a company overrides the score: confirmed sets it to 1, dismissed
    leaves only what becomes known later, watch lets nothing fade. The next run, or `cyberpi hunt --update`, applies it.
    """
    import datetime as dt

    from cyberpi_assets.orchestration.resources import lake_of
    from cyberpi_assets.storage.notices import BadVerdict, give_verdict

    settings = ctx.ensure_object(Options).settings(reads_sources=False)
    try:
        row = give_verdict(lake_of(settings), subject_id, said, by, note, dt.datetime.now(dt.UTC))
    except BadVerdict as error:
        raise click.UsageError(str(error)) from None
    click.echo(f"kept: {row['verdict']} on {row['subject_id']}; `cyberpi hunt --update` applies it")


@click.command(
    "export",
    epilog="""\b
Examples:
  cyberpi export --stix warnings.stix.json --tlp green
  cyberpi export --misp warnings.misp.json --state all
  cyberpi export --taxii https://taxii.example.org/api1/collections/91a7b528-80eb-42ed-a74d-c6fbd5a26116/
""",
)
@click.option("--stix", "stix_file", type=click.Path(dir_okay=False, path_type=Path), help="Write a STIX 2.1 bundle.")
@click.option("--misp", "misp_file", type=click.Path(dir_okay=False, path_type=Path), help="Write a MISP event.")
@click.option("--taxii", "taxii_url", metavar="URL", help="Push to a TAXII 2.1 collection.")
@click.option("--tlp", type=click.Choice(["white", "green", "amber", "red"]), default="amber", show_default=True)
@click.option("--state", type=click.Choice(["open", "all"]), default="open", show_default=True)
@click.option("--min-priority", type=click.Choice(["P0", "P1", "P2", "P3"]), default="P3", show_default=True)
@click.pass_context
def export_command(
    ctx: click.Context,
    stix_file: Path | None,
    misp_file: Path | None,
    taxii_url: str | None,
    tlp: Literal["white", "green", "amber", "red"],
    state: str,
    min_priority: str,
) -> None:
    """Warnings for other platforms: STIX 2.1, MISP, TAXII 2.1. They go out with their account and disclaimers.

    A bundle written over an older one keeps `modified` of what has not changed. User and password of the TAXII server:
    CYBERPI_TAXII_USER, CYBERPI_TAXII_PASSWORD.
    """
    from cyberpi_assets.orchestration.sharing import export
    from cyberpi_assets.reports.hunt import HuntFilter
    from cyberpi_assets.storage.taxii import TaxiiRefused

    if not (stix_file or misp_file or taxii_url):
        raise click.UsageError("name what to write: --stix, --misp or --taxii")
    chosen = HuntFilter(None if state == "all" else (state,), min_priority, limit=None)
    try:
        for line in export(
            ctx.ensure_object(Options).settings(reads_sources=False), chosen, stix_file, misp_file, taxii_url, tlp
        ):
            click.echo(line)
    except (TaxiiRefused, OSError) as error:
        click.echo(f"cyberpi: {error}", err=True)
        sys.exit(EXIT_FAILED)


@click.command("news")
@click.option(
    "--once", is_flag=True, help="Read what is new, compute it, and end (the default; the schedule repeats it)."
)
@click.pass_context
def news_command(ctx: click.Context, once: bool) -> None:  # noqa: ARG001
    """Read what is new of news, filings, halts and lists, and compute the items and warnings made of it.

    Only profile live asks anybody, and each source only when it is due. Then: `cyberpi hunt`.
    Exit codes: 0 done, 1 a step or a blocking check failed, 5 another run is going on.
    """
    from cyberpi_assets.definitions import news_job
    from cyberpi_assets.orchestration.hunting import news_once
    from cyberpi_assets.orchestration.instance import AlreadyRunning

    try:
        done = news_once(_settings(ctx), news_job)
    except AlreadyRunning as error:
        click.echo(f"cyberpi: {error}", err=True)
        sys.exit(EXIT_BUSY)
    click.echo({None: "there is no news", True: "done", False: "a step or a check failed"}[done])
    sys.exit(EXIT_FAILED if done is False else 0)


COMMANDS: tuple[click.Command, ...] = (
    news_command,
    export_command,
    verdict_command,
    run_command,
    status_command,
    doctor_command,
    import_command,
    sweep_command,
    ui_command,
    stop_command,
)
