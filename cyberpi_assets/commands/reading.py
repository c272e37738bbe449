"""What the commands share that read the lake: its views, days, formats, and how a page is delivered."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

import click

from cyberpi_assets.reports.terminal import NoData, Options, deliver, show

if TYPE_CHECKING:
    import duckdb

    from cyberpi_assets.reports.page import Page
    from cyberpi_assets.settings import Settings


Format = Literal["text", "json", "md"]


_SUFFIXES: dict[str, Format] = {".txt": "text", ".text": "text", ".json": "json", ".md": "md", ".markdown": "md"}


DAY = click.DateTime(["%Y-%m-%d"])


KNOWN_ON = click.option(
    "--known-on", type=DAY, metavar="YYYY-MM-DD", help="As filed by that day: no later filing, no later amendment."
)


@contextmanager
def reading(
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
                    as_known(con, known_on, settings)
                yield con, settings
                return
        finally:
            con.close()
    raise NoData(
        f"no data yet in {settings.data_dir} ({', '.join(missing)} empty): run `cyberpi run` "
        f"(profile {settings.profile.value}) first"
    )


def as_known(con: duckdb.DuckDBPyConnection, day: dt.datetime, settings: Settings) -> None:
    """Let the views of a connection show what was filed by that day."""
    from cyberpi_assets.reports.known import see_as_known_on

    see_as_known_on(con, day.date(), settings.timing, settings.rankings)


def form_of(chosen: str | None, output: Path | None) -> Format:
    """The format asked for, else the one the file's name suggests, else text."""
    if chosen is not None:
        return cast(Format, chosen)
    return _SUFFIXES.get(output.suffix.lower(), "text") if output is not None else "text"


def as_json(body: dict[str, object]) -> str:
    """A document as it is printed; NaN is refused."""
    return json.dumps(body, indent=2, ensure_ascii=False, allow_nan=False)


def date_of(value: dt.datetime | None) -> dt.date | None:
    """The day of an option that was given."""
    return value.date() if value is not None else None


def page_options(command: Callable[..., None]) -> Callable[..., None]:
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


def deliver_page(found: Page, form: str | None, output: Path | None, known_on: dt.datetime | None = None) -> None:
    """Print a page, or write it to a file, in the format asked for."""
    from cyberpi_assets.reports import page
    from cyberpi_assets.reports.known import said

    if known_on is not None:
        found = replace(found, notes=said(known_on.date(), found.notes))
    match form_of(form, output):
        case "json":
            deliver(as_json(page.to_json(found)), output, found.title)
        case "md":
            deliver(page.to_markdown(found), output, found.title)
        case "text" if output is not None:
            deliver(page.to_text(found), output, found.title)
        case "text":
            show(lambda width: page.to_rich(found))  # noqa: ARG005
