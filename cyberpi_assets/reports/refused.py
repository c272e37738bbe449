"""What a disk refuses, said in words: full, read-only, not permitted. For every command of the terminal.

Here belongs how such an error is known, wherever below it was raised: by Python, by the lake, by Dagster's history in
SQLite. A table that a run could not write is named by the run itself.
"""

from __future__ import annotations

import errno
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from cyberpi_assets.reports.terminal import Options

_FULL, _READ_ONLY = "the disk is full", "it is on a file system that is read-only"
_REASONS = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: "the quota of disk space is used up",
    errno.EROFS: _READ_ONLY,
    errno.EACCES: "this user may not",
    errno.EPERM: "this user may not",
}
# SQLite's codes; an error of input and output is what it says where the disk is full amid a transaction
_OF_SQLITE = {
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_READONLY: _READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: "this user may not, or the disk is full",
    sqlite3.SQLITE_IOERR: "the disk does not take it",
}
_HARDLY_ANY_BYTES = 1 << 20


class DiskRefuses(click.ClickException):
    """A file that could not be written or read. Exit code 1, as of any run that failed."""

    def show(self, file: Any = None) -> None:
        """Say it as the other commands say what went wrong."""
        click.echo(f"cyberpi: {self.message}", err=True, file=file)


class Commands(click.Group):
    """The group of all commands: what a disk refuses ends any of them with a sentence in place of a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command. Raises DiskRefuses."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            if (words := _said(error, ctx)) is None:
                raise
            raise DiskRefuses(words) from None


def _said(error: BaseException, ctx: click.Context) -> str | None:
    """What the disk refused, None where the error is another."""
    for cause in _chain(error):
        if isinstance(cause, OSError) and cause.errno in _REASONS:
            what, why = str(cause.filename or "a file"), _REASONS[cause.errno]
        elif isinstance(cause, sqlite3.Error) and (code := getattr(cause, "sqlite_errorcode", 0) & 0xFF) in _OF_SQLITE:
            what, why = "Dagster's history", _OF_SQLITE[code]
        else:
            continue
        store = _store(ctx)
        if why in _OF_SQLITE.values() and why is not _READ_ONLY and _is_full(store):
            why = _FULL
        words = f"{what} cannot be written or read: {why}"
        if why is _FULL:
            words += f". Free some space under {store}; what was stored before stays. Then run again to go on"
        return words
    return None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what led to it."""
    while error is not None:
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _store(ctx: click.Context) -> Path:
    return ctx.ensure_object(Options).settings(reads_sources=False).data_dir


def _is_full(store: Path) -> bool:
    """Whether the disk of the store, or of the folder that would hold it, has hardly any space left."""
    existing = next((p for p in (store, *store.parents) if p.exists()), Path("/"))
    return shutil.disk_usage(existing).free < _HARDLY_ANY_BYTES
