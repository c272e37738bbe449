"""The command that reads results of checks.

Imports nothing slow. Which checks there are is asked of the definitions, so the command itself loads Dagster.
"""

from __future__ import annotations

import datetime as dt
import io
import json
from pathlib import Path

import click

from cyberpi_assets.reports.terminal import EXIT_CODES, NoData, NotFound, Options, deliver, show

_SUFFIXES = {".json": "json", ".csv": "csv", ".md": "md", ".markdown": "md", ".html": "html", ".htm": "html"}


@click.command(
    "checks",
    short_help="The newest result of every check, by stage.",
    epilog=f"""\b
Examples:
  cyberpi checks
  cyberpi checks --failed
  cyberpi checks --asset daily_bars --format json
  cyberpi checks --output checks.html

{EXIT_CODES}""",
)
@click.option("--asset", metavar="A", help="The checks of one table.")
@click.option("--failed", is_flag=True, help="Only checks that failed or warned.")
@click.option(
    "--since", type=click.DateTime(["%Y-%m-%d"]), metavar="YYYY-MM-DD", help="Only results of that day (UTC) or later."
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "csv", "md", "html"]),
    help="Default: by --output, else text.",
)
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), metavar="F", help="Write to a file, whole.")
@click.pass_context
def checks_command(
    ctx: click.Context,
    asset: str | None,
    failed: bool,
    since: dt.datetime | None,
    form: str | None,
    output: Path | None,
) -> None:
    """What every check found when it last ran: passed, failed or warned, the figures, months that fail, when and where.

    Exit code 1 when a check that blocks has failed, among those shown; warnings alone are 0.
    """
    from cyberpi_assets.checks.catalogue import declared
    from cyberpi_assets.orchestration.resources import lake_of
    from cyberpi_assets.reports import checks, html, page, results
    from cyberpi_assets.storage.engine import connect

    settings = ctx.ensure_object(Options).settings(reads_sources=False)
    lake, known = lake_of(settings), declared()
    if asset is not None and asset not in {c.asset for c in known}:
        raise NotFound(f"no table {asset!r} has checks; `cyberpi status` lists the tables")
    if lake.size("check_results").rows == 0:
        raise NoData(f"no check has run yet in {settings.data_dir}: run `cyberpi run` first")
    con = connect()
    try:
        lake.relation(con, "check_results").create_view("check_results")
        found = checks.report(con, known).only(asset, since.date() if since else None, failed=failed)
    finally:
        con.close()
    shown = checks.to_page(found, settings.profile.value)
    what = f"{len(found.lines)} checks"
    form = form or (_SUFFIXES.get(output.suffix.lower(), "text") if output else "text")
    if form == "text" and output is None:
        show(lambda width: page.to_rich(shown))  # noqa: ARG005
    elif form == "csv":
        rows = io.StringIO()
        results.write_csv(checks.to_rows(found), rows)
        deliver(rows.getvalue(), output, what)
    elif form == "json":
        deliver(json.dumps(page.to_json(shown), indent=2, ensure_ascii=False, allow_nan=False), output, what)
    else:
        deliver({"text": page.to_text, "md": page.to_markdown, "html": html.to_html}[form](shown), output, what)
    if found.blocked:
        ctx.exit(1)


COMMANDS: tuple[click.Command, ...] = (checks_command,)
