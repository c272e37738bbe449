"""The engine and the files: DuckDB connections, its names of types, and rows written as Parquet for a commit to name.

Here belongs what `lake.py` needs of DuckDB. Which files are the table is the lake's log, and `lake.py`.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
from deltalake.transaction import AddAction, RemoveAction

from cyberpi_assets.tables import MONTH, SchemaMismatch, Table

Rows = pa.Table | pa.RecordBatchReader | duckdb.DuckDBPyRelation

_PARTITION = re.compile(r"[0-9A-Za-z-]+")
_REFUSED = "refused: "
_ENGINES: dict[int, duckdb.DuckDBPyConnection] = {}  # by process


def connect(
    memory_limit: str = "2GB", threads: int = 2, temp_directory: Path | None = None
) -> duckdb.DuckDBPyConnection:
    """A DuckDB engine in memory that works in UTC and spills to disk (to `temp_directory`, where one is given)."""
    con = duckdb.connect()
    con.execute(f"SET memory_limit = {literal(memory_limit)}; SET threads = {int(threads)}; SET TimeZone = 'UTC'")
    con.execute("SET enable_progress_bar = false")
    if temp_directory is not None:
        con.execute("SET temp_directory = " + literal(str(temp_directory)))
    return con


def cursor() -> duckdb.DuckDBPyConnection:
    """A connection to the one engine of this process, for questions that create nothing; close it.

    Starting an engine takes 10 ms, longer than most of these questions. A forked child gets an engine of its own: the
    threads of its parent's do not exist there.
    """
    if (pid := os.getpid()) not in _ENGINES:
        _ENGINES.setdefault(pid, connect())
    return _ENGINES[pid].cursor()


def literal(text: str) -> str:
    """A SQL string literal, for names and paths of our own where a statement takes no parameter."""
    return "'" + text.replace("'", "''") + "'"


def no_rows(table: Table) -> str:
    """A SQL query that gives the table's columns, typed, and no rows."""
    nulls = ", ".join(f'CAST(NULL AS {duck_type(c.type)}) AS "{c.name}"' for c in table.columns)
    return f"SELECT {nulls} WHERE false"


def duck_type(kind: pa.DataType) -> str:
    """DuckDB's name of an Arrow type used in `tables/`."""
    if pa.types.is_list(kind):
        return duck_type(kind.value_type) + "[]"
    names: dict[pa.DataType, str] = {
        pa.string(): "VARCHAR",
        pa.bool_(): "BOOLEAN",
        pa.int64(): "BIGINT",
        pa.int16(): "SMALLINT",
        pa.float64(): "DOUBLE",
        pa.float32(): "FLOAT",
        pa.date32(): "DATE",
        pa.timestamp("us", tz="UTC"): "TIMESTAMP WITH TIME ZONE",
    }
    return names[kind]


def wanted_months(table: Table, months: Sequence[str] | None) -> list[str] | None:
    """The months a write replaces, in order, once each; None for a table without months. Raises SchemaMismatch."""
    if not table.partitioned:
        if months is not None:
            raise SchemaMismatch(f"table {table.name} is not stored by month")
        return None
    if months is None:
        raise SchemaMismatch(f"table {table.name} is stored by month: a write names its months")
    wanted = sorted(set(months))
    if not wanted or not all(_PARTITION.fullmatch(m) for m in wanted):
        raise SchemaMismatch(f"table {table.name}: a write names at least one month as YYYY-MM, not {wanted}")
    return wanted


def refuse_strays(table: Table, found: Sequence[str | None], wanted: Sequence[str]) -> None:
    """Refuse rows of months that a write does not name. Raises SchemaMismatch."""
    if strays := sorted(str(m) for m in set(found) - set(wanted)):
        raise SchemaMismatch(f"table {table.name}: rows of {strays} in a write of {wanted[0]}..{wanted[-1]}")


def schema_of(data: Rows) -> pa.Schema:
    """The Arrow schema of rows that may not have been computed yet."""
    return data.limit(0).to_arrow_table().schema if isinstance(data, duckdb.DuckDBPyRelation) else data.schema


def write_files(
    table: Table, data: Rows, folder: Path, token: str, wanted: list[str] | None
) -> list[AddAction | RemoveAction]:
    """Write the rows as new Parquet files whose names start with `token`; what a commit needs to name them.

    Raises SchemaMismatch for nulls and months that may not be, which a stream shows only while it runs.
    """
    name, columns, ranged, how = f"incoming_{token}", "*", False, ""
    target = folder / f"{token}.parquet"
    # Parquet's statistics count the nulls inside a list, not the lists that are null
    refusals = [
        (f'"{c.name}" IS NOT NULL', f"{c.name} is null and may not be")
        for c in table.columns
        if not c.nullable and pa.types.is_list(c.type)
    ]
    if wanted is not None and len(wanted) > 1:
        ranged, target = True, folder
        how = f", PARTITION_BY ({MONTH}), APPEND, FILENAME_PATTERN '{token}-{{uuid}}'"
    elif wanted is not None:  # one file, in the order written; its month is in the path
        target = folder / f"{MONTH}={wanted[0]}" / f"{token}.parquet"
        target.parent.mkdir(exist_ok=True)
        columns = f"* EXCLUDE ({MONTH})"
        month = literal(wanted[0])
        refusals.append((f"{MONTH} IS NOT DISTINCT FROM {month}", f"rows of other months in a write of {wanted[0]}"))
    where = " AND ".join(f"CASE WHEN {ok} THEN true ELSE error({literal(_REFUSED + why)}) END" for ok, why in refusals)
    own = cursor()
    source = data if isinstance(data, duckdb.DuckDBPyRelation) else own.from_arrow(data)
    try:
        # on the relation's own connection, which runs it on all its threads
        source.query(
            name,
            f"COPY (SELECT {columns} FROM {name} WHERE {where or 'true'}) TO {literal(str(target))} "
            f"(FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1{how})",
        )
        written = _footers(own, sorted(map(str, target.rglob(f"{token}*") if ranged else [target])))
    except duckdb.InvalidInputException as error:
        if _REFUSED not in str(error):
            raise
        raise SchemaMismatch(f"table {table.name}: {str(error).split(_REFUSED)[1]}") from None
    finally:
        with suppress(duckdb.Error):
            source.query(name, f"DROP VIEW {name}")
        own.close()
    if ranged:
        refuse_strays(table, [_month_of(w.path) for w in written], wanted or [])
    for column in table.columns:
        nulls = sum(w.nulls.get(column.name, 0) for w in written)
        if nulls and not column.nullable:
            raise SchemaMismatch(f"table {table.name}: {column.name} is null in {nulls} rows and may not be")
    now, files = int(time.time() * 1000), list[AddAction | RemoveAction]()
    for new in written:
        if new.rows == 0:
            new.path.unlink()
            continue
        partition: dict[str, str | None] = {} if wanted is None else {MONTH: _month_of(new.path)}
        path, size = str(new.path.relative_to(folder)), new.path.stat().st_size
        files.append(AddAction(path, size, partition, now, True, json.dumps({"numRecords": new.rows})))
    return files


@dataclass(frozen=True)
class _Footer:
    path: Path
    rows: int
    nulls: dict[str, int]


def _footers(con: duckdb.DuckDBPyConnection, files: list[str]) -> list[_Footer]:
    """What the footers of new Parquet files say: rows, and nulls per column."""
    if not files:
        return []
    rows = con.execute("SELECT file_name, num_rows FROM parquet_file_metadata(?)", [files]).fetchall()
    counted = con.execute(
        "SELECT file_name, path_in_schema, sum(stats_null_count)::BIGINT FROM parquet_metadata(?) GROUP BY ALL", [files]
    ).fetchall()
    nulls: dict[str, dict[str, int]] = {}
    for file, column, count in counted:
        nulls.setdefault(file, {})[column] = count or 0
    return [_Footer(Path(file), count, nulls.get(file, {})) for file, count in rows]


def _month_of(file: Path) -> str:
    return file.parent.name.partition("=")[2]
