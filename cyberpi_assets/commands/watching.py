"""Commands that show what happens: monitor, threats, alerts, hunt, backtest."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cyberpi_assets.commands.reading import (
    as_json,
    form_of,
    reading,
)
from cyberpi_assets.reports.terminal import EXIT_CODES, NotFound, Options, deliver, show

if TYPE_CHECKING:
    from cyberpi_assets.reports.monitor import WatchedAlert, WatchFilter


@click.command(
    short_help="The latest market alerts.",
    epilog=f"""\b
Examples:
  cyberpi monitor                               the 50 most traded tickers, last 5 sessions
  cyberpi monitor --tickers NVDA,CRWD --days 20
  cyberpi monitor --min-severity 7 --interval 60
  cyberpi monitor --format json | jq .ticker    one alert a line

{EXIT_CODES}""",
)
@click.option("--once", is_flag=True, help="Print the alerts and end (the default).")
@click.option(
    "--interval", type=click.FloatRange(min=0.1), metavar="S", help="Look again every S seconds until Ctrl-C."
)
@click.option("--tickers", metavar="A,B", help="Symbols to watch; default: those most traded in the disclosures.")
@click.option("--min-severity", type=click.IntRange(1, 10), help="Leave out alerts below, or without severity.")
@click.option("--days", type=click.IntRange(1, 10_000), default=5, show_default=True, help="Sessions to look back.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_obj
def monitor(
    options: Options,
    once: bool,
    interval: float | None,
    tickers: str | None,
    min_severity: int | None,
    days: int,
    form: str,
) -> None:
    """The latest market alerts: unusual volume, price spikes and drops, high volatility.

    Severity 1 to 10 is rarity for that ticker: 6 is about 1 day in 100, 10 about 1 in 500. With --interval only alerts
    that are new since the last look are printed; Ctrl-C ends with exit code 0.
    """
    from cyberpi_assets.reports.monitor import WatchFilter

    if once and interval is not None:
        raise click.UsageError("--once and --interval exclude each other")
    asked = None
    if tickers is not None:
        asked = tuple(t.strip() for t in tickers.split(",") if t.strip())
        if not asked:
            raise click.BadParameter("names no symbol", param_hint="--tickers")
    chosen, seen = WatchFilter(asked, min_severity, days), set[str]()
    try:
        _look(options, chosen, seen, form, first=True)
        while interval is not None:
            time.sleep(interval)
            _look(options, chosen, seen, form, first=False)
    except KeyboardInterrupt:
        click.echo(err=True)


def _look(options: Options, chosen: WatchFilter, seen: set[str], form: str, *, first: bool) -> None:
    """Print the alerts that were not seen before, and remember them."""
    from cyberpi_assets.reports.monitor import to_rich, watch

    with reading(options, "market_alerts") as (con, _):
        found = watch(con, chosen)
    if chosen.tickers is not None and set(found.tickers or ()) <= set(found.unknown):
        raise NotFound(f"no market data for {', '.join(found.unknown)}")
    new: list[WatchedAlert] = [a for a in found.alerts if a.alert_id not in seen]
    seen.update(a.alert_id for a in new)
    if form == "json":
        for alert in new:
            click.echo(json.dumps(alert.json(), ensure_ascii=False, allow_nan=False))
    elif first or new:
        show(lambda width: to_rich(found, new))  # noqa: ARG005
    sys.stdout.flush()


@click.command(
    short_help="Option threat scores of the latest snapshots.",
    epilog=f"""\b
Examples:
  cyberpi threats                               the highest scores of the newest session
  cyberpi threats --tickers CRWD,UNH --sessions 20
  cyberpi threats --min-score 70 --format json

{EXIT_CODES}""",
)
@click.option("--tickers", metavar="A,B", help="Symbols to show; default: all.")
@click.option(
    "--min-score", type=click.IntRange(0, 100), default=0, help="Lowest score shown; 0 shows unscored ones too."
)
@click.option("--sessions", type=click.IntRange(1, 10_000), default=1, show_default=True, help="Sessions to look back.")
@click.option("--limit", type=click.IntRange(min=0), default=20, show_default=True, help="Scores listed; 0 for all.")
@click.option("--format", "form", type=click.Choice(["text", "json", "md"]), help="Default: by --output, else text.")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), metavar="F", help="Write to a file, whole.")
@click.pass_obj
def threats(
    options: Options,
    tickers: str | None,
    min_score: int,
    sessions: int,
    limit: int,
    form: str | None,
    output: Path | None,
) -> None:
    """How unusual option trading was: the score beside its coverage, its base rate and its innocent readings.

    0 to 100 by put/call ratio, volume over its average, out-of-the-money puts and near expiries; each indicator is
    fired, calm or unknown. A score is no evidence of anything and no advice.
    """
    from cyberpi_assets.reports import threats as report

    asked = None
    if tickers is not None:
        asked = tuple(t.strip() for t in tickers.split(",") if t.strip())
        if not asked:
            raise click.BadParameter("names no symbol", param_hint="--tickers")
    with reading(options, "threat_scores") as (con, _):
        found = report.threat_report(con, report.ThreatFilter(asked, min_score, sessions, limit or None))
    if asked is not None and len(found.unknown_tickers) == len(set(asked)):
        raise NotFound(f"no option data for {', '.join(found.unknown_tickers)}")
    match form_of(form, output):
        case "json":
            deliver(as_json(report.to_json(found)), output, f"{len(found.threats)} scores")
        case "md":
            deliver(report.to_markdown(found), output, f"{len(found.threats)} scores")
        case "text" if output is not None:
            deliver(report.to_text(found), output, f"{len(found.threats)} scores")
        case "text":
            show(lambda width: report.to_rich(found))  # noqa: ARG005


@click.command(
    short_help="Alerts with their lives: new, continuing, cleared.",
    epilog=f"""\b
Examples:
  cyberpi alerts                                 what holds now
  cyberpi alerts --min-severity high --kind options
  cyberpi alerts --kind news                     threats in the news; also halt, fused, market
  cyberpi alerts --state cleared --tickers NVDA,CRWD
  cyberpi alerts --state all --format json | jq .alert_id

{EXIT_CODES}""",
)
@click.option(
    "--state",
    type=click.Choice(["active", "new", "continuing", "cleared", "all"]),
    default="active",
    show_default=True,
    help="active: new and continuing.",
)
@click.option(
    "--kind",
    type=click.Choice(["market", "options", "halt", "news", "fused"]),
    help="One kind of alert; default: all.",
)
@click.option(
    "--min-severity", type=click.Choice(["low", "medium", "high", "critical"]), help="Leave out those below or unknown."
)
@click.option("--tickers", metavar="A,B", help="Symbols to show; default: all.")
@click.option("--limit", type=click.IntRange(min=0), default=50, show_default=True, help="Alerts shown; 0 for all.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_obj
def alerts(
    options: Options,
    state: str,
    kind: str | None,
    min_severity: str | None,
    tickers: str | None,
    limit: int,
    form: str,
) -> None:
    """Alerts of every kind over their whole lives: the same threat is one alert for as long as it lasts.

    An alert is new with its first evidence, continuing while evidence follows without a moment of calm between, and
    cleared by the first data that show none. Data that are missing neither continue nor clear one.
    """
    from cyberpi_assets.reports.alerts import AlertFilter, shown_alerts, to_rich

    asked = tuple(t.strip() for t in (tickers or "").split(",") if t.strip())
    if tickers is not None and not asked:
        raise click.BadParameter("names no symbol", param_hint="--tickers")
    states = {"active": ("NEW", "CONTINUING"), "all": ()}.get(state, (state.upper(),))
    chosen = AlertFilter(states, (kind,) if kind else (), min_severity, asked, limit or None)
    with reading(options, "alerts") as (con, _):
        found = shown_alerts(con, chosen)
    if form == "json":
        for alert in found.alerts:
            click.echo(json.dumps(alert.json(), ensure_ascii=False, allow_nan=False))
        return
    show(lambda width: to_rich(found))  # noqa: ARG005


@click.command(
    short_help="What early warning was worth before known incidents.",
    epilog=f"""\b
Examples:
  cyberpi backtest
  cyberpi backtest --sample tuning

{EXIT_CODES}""",
)
@click.option(
    "--sample",
    type=click.Choice(["test", "tuning", "with_c", "exact_day", "with_options"]),
    default="test",
    show_default=True,
    help="Which incidents: after 2021, or one of the others that docs/preregistration.md names.",
)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="How to print it.")
@click.pass_obj
def backtest(options: Options, sample: str, form: str) -> None:
    """The registered test of early warning on history: the verdict first, then every figure it rests on."""
    from cyberpi_assets.reports import backtest as page

    with reading(options, "early_warning_backtest") as (con, _):
        found = page.read(con, sample)
    if form == "json":
        click.echo(as_json(found))
    else:
        show(lambda width: page.to_rich(found))  # noqa: ARG005


@click.command(
    short_help="Early warnings: reasons, what would refute them, how often they were right.",
    epilog=f"""\b
Examples:
  cyberpi hunt
  cyberpi hunt --update --min-priority P1
  cyberpi hunt --state all --tickers NVDA --format md --output warnings.md

{EXIT_CODES}""",
)
@click.option("--update", is_flag=True, help="Compute signals and warnings again first, from what the lake holds.")
@click.option(
    "--state",
    type=click.Choice(["open", "confirmed", "dismissed", "disclosed", "lapsed", "all"]),
    default="open",
    show_default=True,
)
@click.option("--min-priority", type=click.Choice(["P0", "P1", "P2", "P3"]), default="P3", show_default=True)
@click.option("--tickers", metavar="A,B", help="Symbols to show; default: all.")
@click.option("--clients", is_flag=True, help="Only what touches the list of clients (data/clients.csv).")
@click.option("--limit", type=click.IntRange(min=0), default=20, show_default=True, help="Warnings shown; 0 for all.")
@click.option(
    "--format", "form", type=click.Choice(["text", "json", "md"]), help="Default: by the file's name, or text."
)
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file.")
@click.pass_obj
def hunt(
    options: Options,
    update: bool,
    state: str,
    min_priority: str,
    tickers: str | None,
    clients: bool,
    limit: int,
    form: str | None,
    output: Path | None,
) -> None:
    """Warnings about companies, the most urgent first, each with its evidence and with what would refute it.

    Beside them: how often warnings of each priority were followed by an incident, the interval, and the base rate.
    """
    from cyberpi_assets.reports import hunt as page

    if update:
        _hunt_again(options)
    asked = tuple(t.strip() for t in (tickers or "").split(",") if t.strip())
    if tickers is not None and not asked:
        raise click.BadParameter("names no symbol", param_hint="--tickers")
    chosen = page.HuntFilter(None if state == "all" else (state,), min_priority, asked or None, clients, limit or None)
    with reading(options, "fused_signals", "warning_ledger") as (con, _):
        found = page.hunt(con, chosen)
    match form_of(form, output):
        case "json":
            deliver(as_json(page.to_json(found)), output, "warnings")
        case "md":
            deliver(page.to_markdown(found), output, "warnings")
        case "text" if output is not None:
            deliver(page.to_text(found), output, "warnings")
        case _:
            show(lambda width: page.to_rich(found))  # noqa: ARG005


def _hunt_again(options: Options) -> None:
    from cyberpi_assets.definitions import hunt_job
    from cyberpi_assets.orchestration.hunting import hunt_again
    from cyberpi_assets.orchestration.instance import AlreadyRunning

    try:
        done = hunt_again(options.settings(reads_sources=False), hunt_job)
    except AlreadyRunning as error:
        click.echo(f"cyberpi: {error}", err=True)
        sys.exit(5)
    if not done:
        sys.exit(1)


COMMANDS: tuple[click.Command, ...] = (monitor, alerts, hunt, threats, backtest)
