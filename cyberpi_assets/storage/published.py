"""The published DuckDB file: a copy of the lake that any DuckDB client opens at any time.

Here belongs what copies the lake into one file. Read-only SQL on the live tables is in `warehouse.py`.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from cyberpi_assets.storage.engine import connect, duck_type, literal
from cyberpi_assets.storage.lake import Lake
from cyberpi_assets.tables import MONTH, PUBLISHED_WAREHOUSE, Table

_STORAGE_VERSION = "v1.0.0"  # DuckDB's oldest stable file format: any client since June 2024 opens it
_MOST_GROWTH = 2  # times the size of the file as written from nothing, before it is written so again


@dataclass(frozen=True)
class _Account:
    """What a published file holds, written beside it: the file's size and time, and per table its columns and files."""

    stamp: tuple[int, int]
    whole_bytes: int  # of the file when it was last written from nothing
    tables: dict[str, dict[str, Any]]

    @staticmethod
    def beside(path: Path) -> Path:
        return path.with_name(f".{path.name}.json")

    @classmethod
    def of(cls, path: Path) -> _Account | None:
        """The account of a file that nobody has touched since it was published; None for any other."""
        try:
            found = json.loads(cls.beside(path).read_text())
            account = cls((found["stamp"][0], found["stamp"][1]), found["whole_bytes"], found["tables"])
            return account if account.stamp == _stamp(path) else None
        except (OSError, ValueError, LookupError, TypeError):
            return None

    def keep(self, path: Path) -> None:
        """Write it, whole or not at all."""
        aside = path.with_name(f".{path.name}.{uuid.uuid4().hex}.json")
        aside.write_text(json.dumps({"stamp": self.stamp, "whole_bytes": self.whole_bytes, "tables": self.tables}))
        aside.replace(self.beside(path))


def _stamp(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns


def publish(
    lake: Lake, path: Path, memory_limit: str = "2GB", threads: int = 2, temp_directory: Path | None = None
) -> pa.Table:
    """Copy every table of the lake into a DuckDB file, written aside and renamed into place.

    Each table is a copy of one version, with its NOT NULL columns and its descriptions as comments. Who holds the file
    before keeps reading it; a publisher that fails or is killed leaves it in place. Where the file before is still as
    it was published, only the months that changed since are copied again. Returns the rows of
    `published_warehouse`: table_name, rows, version (-1 for a table that does not exist yet).
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    published: list[dict[str, Any]] = []
    before = _Account.of(path)
    if before is not None and before.stamp[0] > _MOST_GROWTH * before.whole_bytes:
        before = None  # what was deleted leaves room that is not always used again
    held: dict[str, dict[str, Any]] = {}
    try:
        if before is not None:
            shutil.copyfile(path, aside)
        con = connect(memory_limit, threads, temp_directory)
        try:
            con.execute(f"ATTACH {literal(str(aside))} AS published (STORAGE_VERSION {literal(_STORAGE_VERSION)})")
            known = {} if before is None else before.tables
            for name in known.keys() - lake.tables.keys():
                con.execute(f'DROP TABLE published."{name}"')
            for name, table in lake.tables.items():
                version = lake.version(name)
                held[name] = {
                    "declared": _declared(table),
                    "months": lake.contents(name, version) if version >= 0 else {},
                }
                rows = _bring_up_to_date(con, lake, table, version, known.get(name), held[name])
                published.append({"table_name": name, "rows": rows, "version": version})
            con.execute("DETACH published")
        finally:
            con.close()
        with aside.open("rb") as written:
            os.fsync(written.fileno())
        stamp = _stamp(aside)
        # a log that somebody's session left beside the old file does not belong to the new one
        with suppress(FileNotFoundError):
            path.with_name(path.name + ".wal").unlink()
        aside.replace(path)
        _Account(stamp, stamp[0] if before is None else before.whole_bytes, held).keep(path)
    finally:
        for left in (aside, aside.with_name(aside.name + ".wal")):
            left.unlink(missing_ok=True)
    return pa.Table.from_pylist(published, schema=PUBLISHED_WAREHOUSE.schema)


def _declared(table: Table) -> str:
    """A digest of all that the file says of a table."""
    columns = [(c.name, duck_type(c.type), c.nullable, c.about) for c in table.columns]
    return hashlib.sha256(repr((table.about, columns)).encode()).hexdigest()


def _bring_up_to_date(
    con: duckdb.DuckDBPyConnection,
    lake: Lake,
    table: Table,
    version: int,
    before: dict[str, Any] | None,
    now: dict[str, Any],
) -> int:
    """Copy what of the table is not in the file yet; the rows it has then."""
    name = f'published."{table.name}"'
    if before is None or before["declared"] != now["declared"]:
        if before is not None:
            con.execute(f"DROP TABLE {name}")
        _create_table(con, table)
        changed = None
    else:
        changed = sorted(
            m for m in {*now["months"], *before["months"]} if now["months"].get(m) != before["months"].get(m)
        )
        if changed and table.partitioned:
            con.execute(f"DELETE FROM {name} WHERE {MONTH} IN (SELECT unnest(?::VARCHAR[]))", [changed])
        elif changed:
            con.execute(f"TRUNCATE {name}")
    if changed is None or changed:
        source = f"stored_{uuid.uuid4().hex}"
        months = changed if table.partitioned else None
        lake.relation(con, table.name, months, version=version).create_view(source)
        con.execute(f"INSERT INTO {name} SELECT * FROM {source}")
        con.execute(f"DROP VIEW {source}")
    counted = con.execute(f"SELECT count(*) FROM {name}").fetchone()
    return int(counted[0]) if counted else 0


def _create_table(con: duckdb.DuckDBPyConnection, table: Table) -> None:
    name = f'published."{table.name}"'
    columns = ", ".join(f'"{c.name}" {duck_type(c.type)}{"" if c.nullable else " NOT NULL"}' for c in table.columns)
    con.execute(f"CREATE TABLE {name} ({columns})")
    con.execute(f"COMMENT ON TABLE {name} IS {literal(table.about)}")
    for column in table.columns:
        con.execute(f'COMMENT ON COLUMN {name}."{column.name}" IS {literal(column.about)}')
