"""The lake as analysts meet it: read-only SQL on the live tables.

Here belongs what locks a connection down. The copy in one file is in `published.py`, what the tables are in `tables/`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from cyberpi_assets.storage.engine import connect, literal
from cyberpi_assets.storage.lake import Lake


class RefusedQuery(ValueError):
    """A query does something other than read."""


def query(
    lake: Lake,
    sql: str,
    params: Sequence[Any] | Mapping[str, Any] | None = None,
    memory_limit: str = "2GB",
    threads: int = 2,
    temp_directory: Path | None = None,
    prepare: Callable[[duckdb.DuckDBPyConnection], object] | None = None,
) -> pa.Table:
    """Run one SELECT (also DESCRIBE, SHOW, SUMMARIZE, EXPLAIN) over the lake's tables, each of one version; its rows.

    The connection sees the tables' files and nothing else: no other file, no network, no extension, no Python variable,
    no setting to change; `prepare` may add temporary tables to it first. Raises RefusedQuery for anything but one
    reading statement, duckdb.Error for a wrong one.
    """
    con = locked(lake, memory_limit, threads, temp_directory)
    try:
        if prepare is not None:
            prepare(con)
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
