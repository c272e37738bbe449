"""Commands on disclosed trades: timing, patterns, dossier, ticker, coverage, calibrate."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cyberpi_assets.commands.reading import (
    DAY,
    KNOWN_ON,
    as_json,
    date_of,
    deliver_page,
    form_of,
    page_options,
    reading,
)
from cyberpi_assets.reports.terminal import EXIT_CODES, NotFound, Options, deliver, show

if TYPE_CHECKING:
    import duckdb

    from cyberpi_assets.reports.patterns import Rankings
    from cyberpi_assets.settings import Settings


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
@click.option("--as-of", type=DAY, metavar="YYYY-MM-DD", help="Last transaction date; default: the newest in the data.")
@KNOWN_ON
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

    chosen = report.TimingFilter(days, min_score, official, ticker, limit or None, date_of(as_of))
    with reading(options, "disclosed_trades", "disclosure_correlations", known_on=known_on) as (con, settings):
        try:
            found = report.timing_report(con, chosen, settings.timing)
        except report.SeveralOfficials as error:
            raise click.UsageError(str(error)) from None
        except (report.NoSuchOfficial, report.NoSuchTicker) as error:
            raise NotFound(str(error)) from None
    if known_on is not None:
        found = replace(found, notes=said(known_on.date(), found.notes))
    what = f"{len(found.findings)} of {found.matching} trades"
    match form_of(form, output):
        case "json":
            deliver(as_json(report.to_json(found)), output, what)
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
@click.option("--as-of", type=DAY, metavar="YYYY-MM-DD", help="Last transaction date; default: the newest in the data.")
@KNOWN_ON
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

    chosen = report.PatternFilter(days, limit, date_of(as_of))
    needed = ("disclosed_trades", "disclosure_correlations", "official_rankings")
    with reading(options, *needed, known_on=known_on) as (con, settings):
        frames = None if days is None and as_of is None else _rankings_of(con, chosen, settings)
        found = report.pattern_report(con, chosen, frames, settings.rankings)
    if known_on is not None:
        found = replace(found, notes=said(known_on.date(), found.notes))
    what = f"{found.summary.counts.trades} trades"
    match form_of(form, output):
        case "json":
            deliver(as_json(report.to_json(found)), output, what)
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
    short_help="All that is known of one official.",
    epilog=f"""\b
Examples:
  cyberpi dossier "zenobia kettlebrand"
  cyberpi dossier P000197 --format md --output dossier.md

{EXIT_CODES}""",
)
@click.argument("name")
@KNOWN_ON
@page_options
@click.pass_obj
def dossier(
    options: Options, name: str, known_on: dt.datetime | None, limit: int, form: str | None, output: Path | None
) -> None:
    """The dossier of one official: a name without regard to accents or case, or a bioguide id.

    Identity, terms, dated committees, the evidence, lateness, trades with their filings, returns, and what is missing.
    """
    from cyberpi_assets.reports.dossier import official_page
    from cyberpi_assets.reports.people import NoSuchOfficial, SeveralOfficials

    with reading(options, "disclosed_trades", "disclosure_correlations", known_on=known_on) as (con, _):
        try:
            found = official_page(con, name, limit or None)
        except SeveralOfficials as error:
            raise click.UsageError(str(error)) from None
        except NoSuchOfficial as error:
            raise NotFound(str(error)) from None
    deliver_page(found, form, output, known_on)


@click.command(
    short_help="All that is known of one ticker.",
    epilog=f"""\b
Examples:
  cyberpi ticker NVDA
  cyberpi ticker BRK.B --format json

{EXIT_CODES}""",
)
@click.argument("symbol")
@KNOWN_ON
@page_options
@click.pass_obj
def ticker(
    options: Options, symbol: str, known_on: dt.datetime | None, limit: int, form: str | None, output: Path | None
) -> None:
    """The page of one ticker: company, evidence, market alerts, trades by officials, returns."""
    from cyberpi_assets.reports.dossier import ticker_page
    from cyberpi_assets.reports.timing import NoSuchTicker

    with reading(options, "disclosed_trades", "disclosure_correlations", known_on=known_on) as (con, _):
        try:
            found = ticker_page(con, symbol, limit or None)
        except NoSuchTicker as error:
            raise NotFound(str(error)) from None
    deliver_page(found, form, output, known_on)


@click.command(
    short_help="Which filings were read, by chamber and year.",
    epilog=f"""\b
Examples:
  cyberpi coverage
  cyberpi coverage --known-on 2023-12-31 --format json

{EXIT_CODES}""",
)
@KNOWN_ON
@click.option("--format", "form", type=click.Choice(["text", "json", "md"]), help="Default: by --output, else text.")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), metavar="F", help="Write to a file, whole.")
@click.pass_obj
def coverage(options: Options, known_on: dt.datetime | None, form: str | None, output: Path | None) -> None:
    """How much of the official record was read: filings by chamber, year and status.

    Read whole, in part, only scanned, from a data set, or missing. Unreadable is not empty.
    """
    from cyberpi_assets.reports.coverage import coverage_page

    with reading(options, "filing_coverage", known_on=known_on) as (con, _):
        found = coverage_page(con)
    deliver_page(found, form, output, known_on)


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

    with reading(options, "calibration") as (con, _):
        parts = calibration.stored_parts(con)
    show(lambda width: calibration.to_rich(parts))  # noqa: ARG005
    if any(p.passed is False for p in parts):
        raise click.exceptions.Exit(1)


COMMANDS: tuple[click.Command, ...] = (timing, patterns, dossier, ticker, coverage, calibrate)
