"""The lake: Delta tables on disk or S3-compatible storage, and DuckDB relations over one version of them.

Here belongs how a table is written whole or by month, and how one consistent version of it is read. What Dagster wants
of an IO manager is in `duckdb_io.py`; which columns a table has is in `tables.py`.

A write is one Delta transaction that replaces exactly the months named. A killed writer leaves the version before it;
readers name the files of one version, so a writer never disturbs them. Two writers of different months never conflict;
of two writers of the same month, the later one wins and the earlier version stays in the history.
"""

from __future__ import annotations

import fcntl
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, WriterProperties, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

from cyberpi_assets.tables import LAKE, MONTH, SchemaMismatch, Table, conform

_WRITER = WriterProperties(compression="ZSTD", compression_level=1)
_RETRIES, _FIRST_WAIT_S, _LONGEST_WAIT_S = 40, 0.02, 2.0


class UnknownTable(KeyError):
    """The lake has no such table."""


@dataclass(frozen=True)
class Version:
    """One committed version of a table."""

    table: str
    version: int
    at: datetime
    operation: str


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Hold an exclusive lock on a file, for what two processes must not do at once."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def connect(
    memory_limit: str = "2GB", threads: int = 2, temp_directory: Path | None = None
) -> duckdb.DuckDBPyConnection:
    """A DuckDB engine in memory that spills to disk and keeps no order it was not asked for."""
    con = duckdb.connect()
    con.execute(f"SET memory_limit = '{memory_limit}'; SET threads = {int(threads)}; SET TimeZone = 'UTC'")
    con.execute("SET enable_progress_bar = false")
    if temp_directory is not None:
        con.execute("SET temp_directory = " + _literal(str(temp_directory)))
    return con


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


class Lake:
    """Delta tables under one folder (or URL), one per entry of `tables.LAKE`."""

    def __init__(self, root: Path | str, tables: dict[str, Table] | None = None) -> None:
        """Name the folder and the tables; nothing is read or written yet."""
        self.root = str(root)
        self.tables = LAKE if tables is None else tables

    # -------------------------------------------------------------------------------------------------- where and what

    def uri(self, name: str) -> str:
        """Where a table lies. Raises UnknownTable."""
        if name not in self.tables:
            raise UnknownTable(f"no table {name!r}; there are {', '.join(sorted(self.tables))}")
        return f"{self.root.rstrip('/')}/{name}"

    def create(self) -> list[str]:
        """Create every table that does not exist yet, alone; the names created. First-run set-up calls this."""
        created: list[str] = []
        with self._creating():
            for name in self.tables:
                if not self.exists(name):
                    self._create(name)
                    created.append(name)
        return created

    def exists(self, name: str) -> bool:
        """Whether the table has a first version."""
        return DeltaTable.is_deltatable(self.uri(name))

    @contextmanager
    def _creating(self) -> Iterator[None]:
        if "://" in self.root:  # object stores: Delta's own conditional put decides between two first writers
            yield
        else:
            with _alone(Path(self.root) / ".creating"):
                yield

    def _create(self, name: str) -> None:
        table = self.tables[name]
        DeltaTable.create(
            self.uri(name),
            schema=_storable(table.schema),
            mode="ignore",
            partition_by=[MONTH] if table.partitioned else None,
            name=name,
            description=table.about,
            configuration={"delta.logRetentionDuration": "interval 365 days"},
        )

    # ---------------------------------------------------------------------------------------------------------- writing

    def write(self, name: str, data: pa.Table, months: Sequence[str] | None = None, run_id: str = "") -> int:
        """Replace a table, or exactly the months named, by `data`, in one transaction; the new version's number.

        Rows of months that are not named are refused. A month named without rows becomes empty. On a conflict the
        write is tried again with growing, jittered waits.

        Raises SchemaMismatch (nothing is written) and, after 40 lost conflicts, deltalake's CommitFailedError.
        """
        uri, table = self.uri(name), self.tables[name]
        data = conform(table, data)
        predicate = None
        if table.partitioned:
            if months is None:
                raise SchemaMismatch(f"table {name} is stored by month: a write names its months")
            wanted = sorted(set(months))
            strays = sorted(set(data.column(MONTH).unique().to_pylist()) - set(wanted))
            if strays:
                raise SchemaMismatch(f"table {name}: rows of {strays} in a write of {wanted[0]}..{wanted[-1]}")
            predicate = _month_predicate(wanted)
        elif months is not None:
            raise SchemaMismatch(f"table {name} is not stored by month")
        if not self.exists(name):
            with self._creating():
                if not self.exists(name):
                    self._create(name)
        return self._commit(uri, data, predicate, run_id)

    def _commit(self, uri: str, data: pa.Table, predicate: str | None, run_id: str) -> int:
        wait = _FIRST_WAIT_S
        data = data.cast(_storable(data.schema))
        for attempt in range(_RETRIES):
            try:
                target = DeltaTable(uri)
                write_deltalake(
                    target,
                    data,
                    mode="overwrite",
                    predicate=predicate,
                    writer_properties=_WRITER,
                    commit_properties=CommitProperties(custom_metadata={"run_id": run_id}, max_commit_retries=0),
                )
                return DeltaTable(uri).version()
            except CommitFailedError:
                if attempt == _RETRIES - 1:
                    raise
            except DeltaError as error:
                # delta-rs reports some lost races as a plain DeltaError
                if attempt == _RETRIES - 1 or "conflict" not in str(error).lower():
                    raise
            time.sleep(random.uniform(0.5, 1.0) * wait)  # noqa: S311 - jitter, not a secret
            wait = min(wait * 1.6, _LONGEST_WAIT_S)
        raise AssertionError("unreachable")

    # ---------------------------------------------------------------------------------------------------------- reading

    def version(self, name: str) -> int:
        """The newest version's number, -1 where the table does not exist yet."""
        try:
            return DeltaTable(self.uri(name)).version()
        except TableNotFoundError:
            return -1

    def files(self, name: str, months: Sequence[str] | None = None, version: int | None = None) -> list[str]:
        """The Parquet files of one version, only those of the months named."""
        try:
            table = DeltaTable(self.uri(name), version=version)
        except TableNotFoundError:
            return []
        uris = table.file_uris()
        if months is not None and self.tables[name].partitioned:
            folders = tuple(f"/{MONTH}={m}/" for m in set(months))
            wanted = set(folders)
            uris = [u for u in uris if f"/{u.rsplit('/', 2)[-2]}/" in wanted]
        return uris

    def select(self, name: str, months: Sequence[str] | None = None, version: int | None = None) -> str:
        """A SQL query over one version of the table with exactly its declared columns, for DuckDB."""
        files, table = self.files(name, months, version), self.tables[name]
        if not files:
            return no_rows(table)
        columns = ", ".join(f'"{c}"' for c in table.names)
        listed = "[" + ", ".join(_literal(f) for f in files) + "]"
        hive = f", hive_partitioning = true, hive_types = {{'{MONTH}': VARCHAR}}" if table.partitioned else ""
        return f"SELECT {columns} FROM read_parquet({listed}{hive})"

    def relation(
        self,
        con: duckdb.DuckDBPyConnection,
        name: str,
        months: Sequence[str] | None = None,
        version: int | None = None,
    ) -> duckdb.DuckDBPyRelation:
        """A lazy DuckDB relation over one version of a table; projections and filters are pushed into the files."""
        return con.sql(self.select(name, months, version))

    def read(
        self,
        name: str,
        months: Sequence[str] | None = None,
        *,
        columns: Sequence[str] | None = None,
        version: int | None = None,
    ) -> pa.Table:
        """One version of a table as Arrow, with the declared types. Shape: (rows, declared or chosen columns)."""
        con = connect()
        try:
            query = self.select(name, months, version)
            if columns is not None:
                query = "SELECT " + ", ".join(f'"{c}"' for c in columns) + f" FROM ({query})"
            data = con.sql(query).to_arrow_table()
        finally:
            con.close()
        schema = self.tables[name].schema
        return data.cast(pa.schema([schema.field(c) for c in data.schema.names]))

    def history(self, name: str, limit: int | None = None) -> list[Version]:
        """Committed versions, newest first."""
        return [
            Version(name, int(h["version"]), datetime.fromtimestamp(h["timestamp"] / 1000).astimezone(), h["operation"])
            for h in DeltaTable(self.uri(name)).history(limit)
        ]

    def views(self, con: duckdb.DuckDBPyConnection) -> list[str]:
        """Create one view per table over its newest version; the names."""
        for name in self.tables:
            con.execute(f'CREATE OR REPLACE VIEW "{name}" AS {self.select(name)}')
        return list(self.tables)

    def vacuum(self, keep_hours: int = 24 * 30) -> int:
        """Delete files that no version of the last `keep_hours` uses; how many."""
        return sum(
            len(
                DeltaTable(self.uri(n)).vacuum(
                    retention_hours=keep_hours, dry_run=False, enforce_retention_duration=False
                )
            )
            for n in self.tables
            if self.exists(n)
        )


def _month_predicate(months: Sequence[str]) -> str:
    """The Delta predicate that names exactly these months."""
    if not months:
        raise SchemaMismatch("a write names at least one month")
    return f"{MONTH} IN (" + ", ".join(_literal(m) for m in months) + ")"


def _storable(schema: pa.Schema) -> pa.Schema:
    """Delta refuses to write to a table with NOT NULL columns from a frame typed nullable; `conform` has checked them."""
    return pa.schema([pa.field(f.name, f.type, nullable=True) for f in schema])


def no_rows(table: Table) -> str:
    """A SQL query that gives the table's columns, typed, and no rows."""
    nulls = ", ".join(f"CAST(NULL AS {_duck(c.type)}) AS {c.name}" for c in table.columns)
    return f"SELECT {nulls} WHERE false"


def _duck(kind: pa.DataType) -> str:
    """DuckDB's name of an Arrow type used in `tables.py`."""
    if pa.types.is_list(kind):
        return _duck(kind.value_type) + "[]"
    names = {
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
