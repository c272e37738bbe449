"""`cyberpi`: the same tables and jobs from a terminal.

Here belong the commands that read the lake: monitor, alerts, threats, timing, patterns, dossier, ticker, coverage,
calibrate, sql. Those that run jobs are in `commands.py`. What the reports say is in `reports/`; here is only which
options ask for what, and what the exit code is. Everything slow is imported inside the commands, so that `--help`
answers at once.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

import click

from cyberpi_assets.commands import COMMANDS
from cyberpi_assets.reports.refused import Commands
from cyberpi_assets.reports.terminal import (
    EXIT_CODES,
    BadQuery,
    NoData,
    NotFound,
    Options,
    deliver,
    show,
    with_settings,
)

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from cyberpi_assets.reports.monitor import WatchedAlert, WatchFilter
    from cyberpi_assets.reports.page import Page
    from cyberpi_assets.reports.patterns import Rankings
    from cyberpi_assets.settings import Settings

Format = Literal["text", "json", "md"]
_SUFFIXES: dict[str, Format] = {".txt": "text", ".text": "text", ".json": "json", ".md": "md", ".markdown": "md"}
_DAY = click.DateTime(["%Y-%m-%d"])
_TABLE_ROWS = 200


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=f"""\b
Examples:
  cyberpi run                                  build every table of profile demo
  cyberpi timing --days 365 --min-score 80     the highest scores of a year
  cyberpi timing --official "zenobia kettlebrand"  one person, however the name is written
  cyberpi patterns --format md --output patterns.md
  cyberpi monitor --tickers NVDA,CRWD --min-severity 7
  cyberpi sql "select ticker, count(*) from market_alerts group by 1 order by 2 desc limit 5"

{EXIT_CODES}

Patterns are not evidence of wrongdoing. Commercial use of the disclosures is restricted (5 U.S.C. 13107(c)).
""",
)
@click.version_option(package_name="cyberpi-assets")
@click.pass_context
def main(context: click.Context) -> None:
    """Market alerts and congressional disclosures, as scores with their evidence.

    Facts come from a profile: `demo` (an invented world, the default) or `files` (bulk files in a folder). Every
    command takes --profile and --data; CYBERPI_PROFILE and CYBERPI_DATA say the same for all of them.
    """
    context.ensure_object(Options)


# ---------------------------------------------------------------------------------------------------------- the lake


@contextmanager
def _reading(
    options: Options, *needed: str, known_on: dt.datetime | None = None
) -> Generator[tuple[duckdb.DuckDBPyConnection, Settings]]:
    """A DuckDB engine with a view per lake table, and the settings. Raises NoData where a table needed is empty.

    With `known_on`, the tables are those of that day.
    """
    from cyberpi_assets.storage.engine import connect
    from cyberpi_assets.storage.lake import Lake

    settings = options.settings(reads_sources=False)
    lake = Lake(settings.lake_root, storage_options=settings.lake_options)
    missing = [t for t in needed if lake.version(t) < 0]
    if not missing:
        con = connect(settings.duckdb_memory_limit, settings.duckdb_threads)
        try:
            lake.views(con)
            missing = [t for t in needed if not con.execute(f'SELECT 1 FROM "{t}" LIMIT 1').fetchall()]
            if not missing:
                if known_on is not None:
                    _as_known(con, known_on, settings)
                yield con, settings
                return
        finally:
            con.close()
    raise NoData(
        f"no data yet in {settings.data_dir} ({', '.join(missing)} empty): run `cyberpi run` "
        f"(profile {settings.profile.value}) first"
    )


def _as_known(con: duckdb.DuckDBPyConnection, day: dt.datetime, settings: Settings) -> None:
    from cyberpi_assets.reports.known import see_as_known_on

    see_as_known_on(con, day.date(), settings.timing, settings.rankings)


_KNOWN_ON = click.option(
    "--known-on", type=_DAY, metavar="YYYY-MM-DD", help="As filed by that day: no later filing, no later amendment."
)


def _form(chosen: str | None, output: Path | None) -> Format:
    """The format asked for, else the one the file's name suggests, else text."""
    if chosen is not None:
        return cast(Format, chosen)
    return _SUFFIXES.get(output.suffix.lower(), "text") if output is not None else "text"


def _json(body: dict[str, object]) -> str:
    return json.dumps(body, indent=2, ensure_ascii=False, allow_nan=False)


def _date(value: dt.datetime | None) -> dt.date | None:
    return value.date() if value is not None else None


# ---------------------------------------------------------------------------------------------------------- commands


@click.command(
    short_help="The suspicious-timing report.",
    epilog=f"""\b
Examples:
  cyberpi timing
  cyberpi timing --days 90 --min-score 80 --limit 10
  cyberpi timing --official "Casimir Dunhollow" --ticker NMBQE
  cyberpi timing --format json --output timing.json

{EXIT_CODES}""",
)
@click.option("--days", type=click.IntRange(min=1), help="Only trades of the last N days, back from --as-of.")
@click.option("--min-score", type=click.FloatRange(0, 100), default=60, show_default=True, help="Lowest score listed.")
@click.option("--official", metavar="NAME", help="One person: name without regard to accents or case, or bioguide id.")
@click.option("--ticker", metavar="T", help="One symbol; an earlier symbol finds the present one.")
@click.option("--limit", type=click.IntRange(min=0), default=50, show_default=True, help="Trades listed; 0 for all.")
@click.option(
    "--as-of", type=_DAY, metavar="YYYY-MM-DD", help="Last transaction date; default: the newest in the data."
)
@_KNOWN_ON
@click.option("--format", "form", type=click.Choice(["text", "json", "md"]), help="Default: by --output, else text.")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), metavar="F", help="Write to a file, whole.")
@click.pass_obj
def timing(
    options: Options,
    days: int | None,
    min_score: float,
    official: str | None,
    ticker: str | None,
    limit: int,
    as_of: dt.datetime | None,
    known_on: dt.datetime | None,
    form: str | None,
    output: Path | None,
) -> None:
    """Disclosed trades that came after unusual market activity, ranked by score.

    Each trade is listed with what the score is made of (5 points per alert day in the 30 days before, twice the mean
    severity, 10 per alert day in the last week, 15 per alert of high severity), the alerts that counted, the amount
    range, and the filing it comes from.
    """
    from cyberpi_assets.reports import timing as report
    from cyberpi_assets.reports.known import said

    chosen = report.TimingFilter(days, min_score, official, ticker, limit or None, _date(as_of))
    with _reading(options, "disclosed_trades", "disclosure_correlations", known_on=known_on) as (con, settings):
        try:
            found = report.timing_report(con, chosen, settings.timing)
        except report.SeveralOfficials as error:
            raise click.UsageError(str(error)) from None
        except (report.NoSuchOfficial, report.NoSuchTicker) as error:
            raise NotFound(str(error)) from None
    if known_on is not None:
        found = replace(found, notes=said(known_on.date(), found.notes))
    what = f"{len(found.findings)} of {found.matching} trades"
    match _form(form, output):
        case "json":
            deliver(_json(report.to_json(found)), output, what)
        case "md":
            deliver(report.to_markdown(found), output, what)
        case "text" if output is not None:
            deliver(report.to_text(found), output, what)
        case "text":
            show(lambda width: report.to_rich(found, narrow=width < 96))


@click.command(
    short_help="Rankings of officials, tickers, sectors, parties.",
    epilog=f"""\b
Examples:
  cyberpi patterns
  cyberpi patterns --days 365 --limit 25
  cyberpi patterns --format md --output patterns.md

{EXIT_CODES}""",
)
@click.option("--days", type=click.IntRange(min=1), help="Rank only trades of the last N days, back from --as-of.")
@click.option("--limit", type=click.IntRange(min=1), default=10, show_default=True, help="Rows per list.")
@click.option(
    "--as-of", type=_DAY, metavar="YYYY-MM-DD", help="Last transaction date; default: the newest in the data."
)
@_KNOWN_ON
@click.option("--format", "form", type=click.Choice(["text", "json", "md"]), help="Default: by --output, else text.")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), metavar="F", help="Write to a file, whole.")
@click.pass_obj
def patterns(
    options: Options,
    days: int | None,
    limit: int,
    as_of: dt.datetime | None,
    known_on: dt.datetime | None,
    form: str | None,
    output: Path | None,
) -> None:
    """Officials, tickers, sectors and parties by the timing of disclosed trades.

    A summary, the first officials, those with the raw repeat-offender flag (which is not a finding), tickers, sectors
    and parties, each with the share of suspicious trades and its 95 % interval.
    """
    from cyberpi_assets.reports import patterns as report
    from cyberpi_assets.reports.known import said

    chosen = report.PatternFilter(days, limit, _date(as_of))
    needed = ("disclosed_trades", "disclosure_correlations", "official_rankings")
    with _reading(options, *needed, known_on=known_on) as (con, settings):
        frames = None if days is None and as_of is None else _rankings_of(con, chosen, settings)
        found = report.pattern_report(con, chosen, frames, settings.rankings)
    if known_on is not None:
        found = replace(found, notes=said(known_on.date(), found.notes))
    what = f"{found.summary.counts.trades} trades"
    match _form(form, output):
        case "json":
            deliver(_json(report.to_json(found)), output, what)
        case "md":
            deliver(report.to_markdown(found), output, what)
        case "text" if output is not None:
            deliver(report.to_text(found), output, what)
        case "text":
            show(lambda width: report.to_rich(found))  # noqa: ARG005


def _rankings_of(con: duckdb.DuckDBPyConnection, chosen: Any, settings: Settings) -> Rankings:
    """The rankings over the trades of a period only."""
    from cyberpi_assets.domain import rankings
    from cyberpi_assets.reports.patterns import Rankings
    from cyberpi_assets.reports.selection import period

    where = period(con, chosen.days, chosen.as_of).where
    trades = con.execute(f"SELECT t.* FROM disclosed_trades t WHERE {where.sql}", list(where.values)).to_arrow_table()
    correlations, officials, companies = (
        con.sql(f"SELECT * FROM {name}").to_arrow_table()
        for name in ("disclosure_correlations", "officials", "companies")
    )
    rules = settings.rankings
    return Rankings(
        rankings.official_rankings(trades, correlations, officials, rules),
        rankings.ticker_rankings(trades, correlations, companies, rules),
        rankings.sector_rankings(trades, correlations, companies, rules),
        rankings.party_comparison(trades, correlations, rules),
    )


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

    with _reading(options, "market_alerts") as (con, _):
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
    with _reading(options, "threat_scores") as (con, _):
        found = report.threat_report(con, report.ThreatFilter(asked, min_score, sessions, limit or None))
    if asked is not None and len(found.unknown_tickers) == len(set(asked)):
        raise NotFound(f"no option data for {', '.join(found.unknown_tickers)}")
    match _form(form, output):
        case "json":
            deliver(_json(report.to_json(found)), output, f"{len(found.threats)} scores")
        case "md":
            deliver(report.to_markdown(found), output, f"{len(found.threats)} scores")
        case "text" if output is not None:
            deliver(report.to_text(found), output, f"{len(found.threats)} scores")
        case "text":
            show(lambda width: report.to_rich(found))  # noqa: ARG005


@click.command(
    short_help="Ask the live lake in SQL.",
    epilog=f"""\b
Examples:
  cyberpi sql "show tables"
  cyberpi sql "select official, mean_score, suspicious, n_scored from official_rankings order by rank limit 10"
  cyberpi sql --format csv "from disclosed_trades where ticker = 'NVDA'" > nvda.csv
  cyberpi sql - < query.sql

{EXIT_CODES}""",
)
@click.option("--format", "form", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True)
@click.option("--limit", type=click.IntRange(min=1), default=_TABLE_ROWS, show_default=True, help="Rows of a table.")
@_KNOWN_ON
@click.argument("query")
@click.pass_obj
def sql(options: Options, form: str, limit: int, known_on: dt.datetime | None, query: str) -> None:
    """Ask the live lake in DuckDB's SQL; every table is a view. `-` reads the query from standard input.

    A run that is writing does not disturb the query, nor the query the run. With --known-on, disclosures and what is
    counted of them are as of that day; evidence and returns are empty.
    """
    text = sys.stdin.read() if query == "-" else query
    data = _ask(options, text, known_on)
    if form == "table":
        _show_rows(data, limit)
        return
    from cyberpi_assets.reports import results

    (results.write_csv if form == "csv" else results.write_json)(data, sys.stdout)
    sys.stdout.flush()


def _ask(options: Options, text: str, known_on: dt.datetime | None) -> pa.Table:
    import duckdb

    from cyberpi_assets.storage.lake import Lake
    from cyberpi_assets.storage.warehouse import RefusedQuery, query

    settings = options.settings(reads_sources=False)
    lake = Lake(settings.lake_root, storage_options=settings.lake_options)
    if not any(lake.exists(t) for t in lake.tables):
        raise NoData(f"no data yet in {settings.data_dir}: run `cyberpi run` first")

    def prepare(con: duckdb.DuckDBPyConnection) -> None:
        if known_on is not None:
            _as_known(con, known_on, settings)

    try:
        return query(
            lake, text, memory_limit=settings.duckdb_memory_limit, threads=settings.duckdb_threads, prepare=prepare
        )
    except (duckdb.Error, RefusedQuery) as error:
        raise BadQuery(str(error).strip()) from None


def _show_rows(data: pa.Table, limit: int) -> None:
    from cyberpi_assets.reports.layout import rows_table
    from cyberpi_assets.reports.results import cells

    names, numbers, rows = cells(data, limit)
    more = data.num_rows - len(rows)
    foot = f"{data.num_rows:,} rows" + (f", {more:,} not shown (--limit, --format csv)" if more else "")
    show(lambda width: [rows_table(names, numbers, rows), foot])  # noqa: ARG005


def _page_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options that pages about one subject share."""
    for option in (
        click.option("--output", type=click.Path(path_type=Path, dir_okay=False), metavar="F", help="Write to a file."),
        click.option(
            "--format", "form", type=click.Choice(["text", "json", "md"]), help="Default: by --output, else text."
        ),
        click.option(
            "--limit", type=click.IntRange(min=0), default=200, show_default=True, help="Trades listed; 0 for all."
        ),
    ):
        command = option(command)
    return command


def _deliver_page(found: Page, form: str | None, output: Path | None, known_on: dt.datetime | None = None) -> None:
    from cyberpi_assets.reports import page
    from cyberpi_assets.reports.known import said

    if known_on is not None:
        found = replace(found, notes=said(known_on.date(), found.notes))
    match _form(form, output):
        case "json":
            deliver(_json(page.to_json(found)), output, found.title)
        case "md":
            deliver(page.to_markdown(found), output, found.title)
        case "text" if output is not None:
            deliver(page.to_text(found), output, found.title)
        case "text":
            show(lambda width: page.to_rich(found))  # noqa: ARG005


@click.command(
    short_help="All that is known of one official.",
    epilog=f"""\b
Examples:
  cyberpi dossier "zenobia kettlebrand"
  cyberpi dossier P000197 --format md --output dossier.md

{EXIT_CODES}""",
)
@click.argument("name")
@_KNOWN_ON
@_page_options
@click.pass_obj
def dossier(
    options: Options, name: str, known_on: dt.datetime | None, limit: int, form: str | None, output: Path | None
) -> None:
    """The dossier of one official: a name without regard to accents or case, or a bioguide id.

    Identity, terms, dated committees, the evidence, lateness, trades with their filings, returns, and what is missing.
    """
    from cyberpi_assets.reports.dossier import official_page
    from cyberpi_assets.reports.people import NoSuchOfficial, SeveralOfficials

    with _reading(options, "disclosed_trades", "disclosure_correlations", known_on=known_on) as (con, _):
        try:
            found = official_page(con, name, limit or None)
        except SeveralOfficials as error:
            raise click.UsageError(str(error)) from None
        except NoSuchOfficial as error:
            raise NotFound(str(error)) from None
    _deliver_page(found, form, output, known_on)


@click.command(
    short_help="All that is known of one ticker.",
    epilog=f"""\b
Examples:
  cyberpi ticker NVDA
  cyberpi ticker BRK.B --format json

{EXIT_CODES}""",
)
@click.argument("symbol")
@_KNOWN_ON
@_page_options
@click.pass_obj
def ticker(
    options: Options, symbol: str, known_on: dt.datetime | None, limit: int, form: str | None, output: Path | None
) -> None:
    """The page of one ticker: company, evidence, market alerts, trades by officials, returns."""
    from cyberpi_assets.reports.dossier import ticker_page
    from cyberpi_assets.reports.timing import NoSuchTicker

    with _reading(options, "disclosed_trades", "disclosure_correlations", known_on=known_on) as (con, _):
        try:
            found = ticker_page(con, symbol, limit or None)
        except NoSuchTicker as error:
            raise NotFound(str(error)) from None
    _deliver_page(found, form, output, known_on)


@click.command(
    short_help="Which filings were read, by chamber and year.",
    epilog=f"""\b
Examples:
  cyberpi coverage
  cyberpi coverage --known-on 2023-12-31 --format json

{EXIT_CODES}""",
)
@_KNOWN_ON
@click.option("--format", "form", type=click.Choice(["text", "json", "md"]), help="Default: by --output, else text.")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), metavar="F", help="Write to a file, whole.")
@click.pass_obj
def coverage(options: Options, known_on: dt.datetime | None, form: str | None, output: Path | None) -> None:
    """How much of the official record was read: filings by chamber, year and status.

    Read whole, in part, only scanned, from a data set, or missing. Unreadable is not empty.
    """
    from cyberpi_assets.reports.coverage import coverage_page

    with _reading(options, "filing_coverage", known_on=known_on) as (con, _):
        found = coverage_page(con)
    _deliver_page(found, form, output, known_on)


@click.command(
    short_help="The self-test of the evidence.",
    epilog=f"""\b
Examples:
  cyberpi calibrate

{EXIT_CODES}""",
)
@click.pass_obj
def calibrate(options: Options) -> None:
    """The stored self-test: p on random dates, false discoveries in simulated worlds, power on planted officials.

    Exit code 1 when any part failed.
    """
    from cyberpi_assets.reports import calibration

    with _reading(options, "calibration") as (con, _):
        parts = calibration.stored_parts(con)
    show(lambda width: calibration.to_rich(parts))  # noqa: ARG005
    if any(p.passed is False for p in parts):
        raise click.exceptions.Exit(1)


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
    with _reading(options, "alerts") as (con, _):
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

    with _reading(options, "early_warning_backtest") as (con, _):
        found = page.read(con, sample)
    if form == "json":
        click.echo(_json(found))
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
    with _reading(options, "fused_signals", "warning_ledger") as (con, _):
        found = page.hunt(con, chosen)
    match _form(form, output):
        case "json":
            deliver(_json(page.to_json(found)), output, "warnings")
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


_READING = (monitor, alerts, hunt, threats, timing, patterns, dossier, ticker, coverage, calibrate, backtest, sql)
for _command in (*_READING, *COMMANDS):
    main.add_command(with_settings(_command))
with_settings(main)

if __name__ == "__main__":
    main()
