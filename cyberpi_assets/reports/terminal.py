"""What every command of the terminal shares: its settings options, its exit codes, its output.

Imports nothing slow: `cyberpi --help` answers at once. What the commands do is in `cyberpi_assets/commands/`.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from rich.console import RenderableType

    from cyberpi_assets.settings import Settings

C = TypeVar("C", bound=click.Command)

EXIT_CODES = """\b
Exit codes:
  0  done; also when nothing matches, which is then said in words
  1  nothing in the data has the name or symbol you gave, or something failed
  2  wrong usage: an option, or a name that fits several people
  3  no data yet: run `cyberpi run` first
  4  the query is wrong
  5  another run is going on"""
PIPED_WIDTH = 100


class NotFound(click.ClickException):
    """A name or symbol that the data does not have."""

    exit_code = 1


class NoData(click.ClickException):
    """A table that nothing has been written to yet."""

    exit_code = 3


class BadQuery(click.ClickException):
    """A query that the engine refuses."""

    exit_code = 4


@dataclass
class Options:
    """Where the facts come from, as said on the command line; what is not said there the environment decides."""

    profile: str | None = None
    data: Path | None = None

    def settings(self, *, reads_sources: bool = True) -> Settings:
        """The settings. A command that only reads the lake (`reads_sources` false) needs no data folder.

        Raises click.UsageError where they do not fit together.
        """
        from pydantic import ValidationError

        from cyberpi_assets.settings import Settings

        given: dict[str, Any] = {"profile": self.profile, "data": self.data}
        given = {k: v for k, v in given.items() if v is not None}
        try:
            return Settings(**given)
        except ValidationError as error:
            if not reads_sources and all(not e["loc"] for e in error.errors()) and "data" not in given:
                try:
                    return Settings(**given, data=Path())  # the folder is never opened by a command that only reads
                except ValidationError:
                    pass
            raise click.UsageError(_why(error.errors())) from None


def _why(errors: Sequence[Any]) -> str:
    said: list[str] = []
    for e in errors:
        name = "CYBERPI_" + "__".join(str(p) for p in e["loc"]).upper() + ": " if e["loc"] else ""
        said.append(name + str(e["msg"]).removeprefix("Value error, "))
    return "; ".join(said)


def _remember(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    options = context.ensure_object(Options)
    if value is not None:
        setattr(options, parameter.name, value)


_DATA = click.Option(
    ["--data"],
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    expose_value=False,
    callback=_remember,
    help="Folder of bulk files: for profile files, and beside the sites for live (CYBERPI_DATA).",
)
_PROFILE = click.Option(
    ["--profile"],
    metavar="demo|files|live",
    expose_value=False,
    callback=_remember,
    help="Where facts come from (CYBERPI_PROFILE; default demo).",
)


def with_settings(command: C) -> C:
    """Add --profile and --data to a command or group; they end in the context's `Options` object."""
    command.params.extend([_PROFILE, _DATA])
    return command


def show(parts: Callable[[int], Sequence[RenderableType]]) -> None:
    """Print what `parts` makes of a width: with colours on a terminal, as plain text where it is piped."""
    out = sys.stdout
    if not out.isatty():
        from cyberpi_assets.reports.layout import as_text

        click.echo(as_text(parts(PIPED_WIDTH), PIPED_WIDTH), nl=False)
        return
    from rich.console import Console, Group

    console = Console(file=out, emoji=False)
    console.print(Group(*parts(console.width)), highlight=False)


def deliver(text: str, output: Path | None, what: str) -> None:
    """Print a report, or write it to a file as a whole: readers see the old file or the new one, never half of it.

    Raises click.BadParameter where the file cannot be written.
    """
    if output is None:
        click.echo(text, nl=not text.endswith("\n"))
        return
    body = text if text.endswith("\n") else text + "\n"
    try:
        write_whole(output, body)
    except OSError as error:
        raise click.BadParameter(f"cannot write {output}: {error.strerror}", param_hint="--output") from None
    click.echo(f"{what} written to {output}", err=True)


def write_whole(path: Path, text: str) -> None:
    """Write a text file aside and rename it into place; a device or pipe is written to directly."""
    if path.exists() and not stat.S_ISREG(path.stat().st_mode):
        path.write_text(text, encoding="utf-8")
        return
    aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        aside.write_text(text, encoding="utf-8")
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)
