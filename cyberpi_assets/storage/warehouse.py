"""The lake as analysts meet it: a published DuckDB file, and read-only SQL on the live tables.

Here belongs what copies the lake into one file and what locks a connection down. What the tables are is in `tables/`.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from cyberpi_assets.storage.engine import connect, duck_type, literal
from cyberpi_assets.storage.lake import Lake
from cyberpi_assets.tables import PUBLISHED_WAREHOUSE, Table

_STORAGE_VERSION = "v1.0.0"  # DuckDB's oldest stable file format: any client since June 2024 opens it


class RefusedQuery(ValueError):
    """A query does something other than read."""


def publish(
    lake: Lake, path: Path, memory_limit: str = "2GB", threads: int = 2, temp_directory: Path | None = None
) -> pa.Table:
    """Copy every table of the lake into a DuckDB file, written aside and renamed into place.

    Each table is a copy of one version, with its NOT NULL columns and its descriptions as comments. Who holds the file
    before keeps reading it; a publisher that fails or is killed leaves it in place. Returns the rows of
    `published_warehouse`: table_name, rows, version (-1 for a table that does not exist yet).
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    published: list[dict[str, Any]] = []
    try:
        con = connect(memory_limit, threads, temp_directory)
        try:
            con.execute(f"ATTACH {literal(str(aside))} AS published (STORAGE_VERSION {literal(_STORAGE_VERSION)})")
            for name, table in lake.tables.items():
                version = lake.version(name)
                rows = _copy_table(con, lake, table, version)
                published.append({"table_name": name, "rows": rows, "version": version})
            con.execute("DETACH published")
        finally:
            con.close()
        with aside.open("rb") as written:
            os.fsync(written.fileno())
        # a log that somebody's session left beside the old file does not belong to the new one
        with suppress(FileNotFoundError):
            path.with_name(path.name + ".wal").unlink()
        aside.replace(path)
    finally:
        for left in (aside, aside.with_name(aside.name + ".wal")):
            left.unlink(missing_ok=True)
    return pa.Table.from_pylist(published, schema=PUBLISHED_WAREHOUSE.schema)


def _copy_table(con: duckdb.DuckDBPyConnection, lake: Lake, table: Table, version: int) -> int:
    name = f'published."{table.name}"'
    columns = ", ".join(f'"{c.name}" {duck_type(c.type)}{"" if c.nullable else " NOT NULL"}' for c in table.columns)
    con.execute(f"CREATE TABLE {name} ({columns})")
    source = f"stored_{uuid.uuid4().hex}"
    lake.relation(con, table.name, version=version).create_view(source)
    counted = con.execute(f"INSERT INTO {name} SELECT * FROM {source}").fetchone()
    con.execute(f"DROP VIEW {source}")
    con.execute(f"COMMENT ON TABLE {name} IS {literal(table.about)}")
    for column in table.columns:
        con.execute(f'COMMENT ON COLUMN {name}."{column.name}" IS {literal(column.about)}')
    return int(counted[0]) if counted else 0


def query(
    lake: Lake,
    sql: str,
    params: Sequence[Any] | Mapping[str, Any] | None = None,
    memory_limit: str = "2GB",
    threads: int = 2,
    temp_directory: Path | None = None,
) -> pa.Table:
    """Run one SELECT (also DESCRIBE, SHOW, SUMMARIZE, EXPLAIN) over the lake's tables, each of one version; its rows.

    The connection sees the tables' files and nothing else: no other file, no network, no extension, no Python variable,
    no setting to change. Raises RefusedQuery for anything but one reading statement, duckdb.Error for a wrong one.
    """
    con = locked(lake, memory_limit, threads, temp_directory)
    try:
        statements = con.extract_statements(sql)
        if len(statements) != 1:
            raise RefusedQuery(f"one statement at a time, not {len(statements)}")
        kind, text = statements[0].type, statements[0].query.strip()
        inner = text
        while kind == duckdb.StatementType.EXPLAIN:
            inner = inner.split(maxsplit=1)[1]
            inner = inner.split(maxsplit=1)[1] if inner.split(maxsplit=1)[0].upper() == "ANALYZE" else inner
            kind = _only_kind(con, inner)
        if kind != duckdb.StatementType.SELECT:
            raise RefusedQuery(f"only queries that read are run here, not {kind.name}")
        return con.execute(text, params).to_arrow_table()
    finally:
        con.close()


def _only_kind(con: duckdb.DuckDBPyConnection, sql: str) -> duckdb.StatementType:
    try:
        found = con.extract_statements(sql)
    except duckdb.Error:
        raise RefusedQuery("EXPLAIN [ANALYZE] and a query") from None
    if len(found) != 1:
        raise RefusedQuery("EXPLAIN [ANALYZE] and a query")
    return found[0].type


def locked(
    lake: Lake, memory_limit: str = "2GB", threads: int = 2, temp_directory: Path | None = None
) -> duckdb.DuckDBPyConnection:
    """A connection with one view per table of the lake that can open those tables' files and nothing else.

    On object storage the tables are read by Arrow, so no file at all needs to be allowed.
    """
    con = connect(memory_limit, threads, temp_directory)
    files: list[str] = []
    for name, table in lake.tables.items():
        version = lake.version(name)
        if lake.remote:
            lake.relation(con, name, version=version).create_view(name)
        else:
            files += lake.files(name, version=version)
            con.execute(f'CREATE VIEW "{name}" AS {lake.select(name, version=version)}')
        con.execute(f'COMMENT ON VIEW "{name}" IS {literal(table.about)}')
    allowed = ", ".join(literal(f) for f in files)
    con.execute(f"SET allowed_paths = [{allowed}]")
    for setting in (
        "autoinstall_known_extensions = false",
        "autoload_known_extensions = false",
        "python_enable_replacements = false",
        "enable_external_access = false",
        "lock_configuration = true",
    ):
        con.execute(f"SET {setting}")
    return con
