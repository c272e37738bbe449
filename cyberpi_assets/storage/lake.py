"""The lake: Delta tables on disk or S3-compatible storage, and DuckDB relations over one version of them.

Here belongs how a table is written whole or by month, and how one consistent version of it is read. What Dagster wants
of an IO manager is in `duckdb_io.py`; which columns a table has is in `tables/`; the published copy and the
locked-down connection are in `warehouse.py`.

A write is one Delta transaction that replaces exactly the months named. Parquet files are written first (by DuckDB, in
bounded memory, under a name of their own), then one commit makes them the table; a killed or failed writer leaves the
version before it and files that nothing names, which `vacuum` deletes. Readers name the files of one version, so a
writer never disturbs them. A lost race for a commit repeats the commit only: two writers of different months both win;
of two writers of the same month, the later one wins whole and the earlier version stays in the history.

Rows of a table have no order of their own, except that one month, or a table without months, keeps the order written.
"""

from __future__ import annotations

import errno
import fcntl
import os
import random
import re
import time
import uuid
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, TypeVar
from urllib.parse import unquote

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from deltalake import CommitProperties, DeltaTable, WriterProperties, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

from cyberpi_assets.storage.engine import (
    Rows,
    cursor,
    literal,
    no_rows,
    refuse_strays,
    schema_of,
    wanted_months,
    write_files,
)
from cyberpi_assets.tables import LAKE, MONTH, SchemaMismatch, Table, check_columns, conform

_Done = TypeVar("_Done")

_WRITER = WriterProperties(compression="ZSTD", compression_level=1)
_RETRIES, _FIRST_WAIT_S, _LONGEST_WAIT_S = 60, 0.01, 1.0
_COMMIT = re.compile(r"\d{20}\.json")
_CHECKPOINT_EVERY = 20  # versions; a reader opens the last checkpoint and at most this many small files


class UnknownTable(KeyError):
    """The lake has no such table."""


class WriteFailed(OSError):
    """Storage refused a write (full, read-only, gone); the version before it is untouched."""


@dataclass(frozen=True)
class Version:
    """One committed version of a table."""

    table: str
    version: int
    at: datetime
    operation: str


@dataclass(frozen=True)
class Size:
    """How large one version of a table is, from its log alone."""

    rows: int
    files: int
    bytes: int


@contextmanager
def _alone(lock: Path) -> Generator[None]:
    """Hold an exclusive lock on a file, for what two processes must not do at once."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@dataclass(frozen=True)
class _Commit:
    """A commit of a table's log, told from one of the same number in a table that was made again."""

    version: int
    inode: int
    written_ns: int


class Lake:
    """Delta tables under one folder (or URL), one per entry of `tables.LAKE`."""

    def __init__(
        self,
        root: Path | str,
        tables: Mapping[str, Table] | None = None,
        storage_options: Mapping[str, str] | None = None,
    ) -> None:
        """Name the folder (or an s3:// URL with delta-rs' `storage_options`) and the tables; nothing is touched yet.

        Raises ValueError for a local path with a percent sign, which delta-rs would read as an escape.
        """
        self.root = str(root)
        self.remote = "://" in self.root
        if not self.remote:
            self.root = str(Path(self.root).absolute())
            if "%" in self.root:
                raise ValueError(f"the lake cannot lie under a path with a percent sign: {self.root}")
        self.tables: Mapping[str, Table] = LAKE if tables is None else tables
        self._options = dict(storage_options) if storage_options else None  # may hold keys: never in repr or errors
        self._logs: dict[str, tuple[_Commit, pa.Table]] = {}  # the newest log that was read, by table

    def __repr__(self) -> str:
        return f"Lake({self.root!r})"

    # -------------------------------------------------------------------------------------------------- where and what

    def uri(self, name: str) -> str:
        """Where a table lies: a path, or a URL. Raises UnknownTable."""
        if name not in self.tables:
            raise UnknownTable(f"no table {name!r}; there are {', '.join(sorted(self.tables))}")
        return f"{self.root.rstrip('/')}/{name}"

    def _address(self, name: str) -> str:
        """The table's address for delta-rs, which reads a bare path with a space or a bracket wrongly."""
        return self.uri(name) if self.remote else Path(self.uri(name)).as_uri()

    def _delta(self, name: str, version: int | None = None) -> DeltaTable:
        if version is not None and version < 0:
            raise TableNotFoundError(f"table {name} had no version yet")
        return DeltaTable(self._address(name), version=version, storage_options=self._options)

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
        return DeltaTable.is_deltatable(self._address(name), self._options)

    @contextmanager
    def _creating(self) -> Generator[None]:
        if self.remote:  # object stores: Delta's own conditional put decides between two first writers
            yield
        else:
            with _alone(Path(self.root) / ".creating"):
                yield

    def _exist(self, name: str) -> None:
        if not self.exists(name):
            with self._creating():
                if not self.exists(name):
                    self._create(name)

    def _create(self, name: str) -> None:
        table = self.tables[name]
        if not self.remote:
            Path(self.uri(name)).mkdir(parents=True, exist_ok=True)
        DeltaTable.create(
            self._address(name),
            schema=_storable(table.schema),
            mode="ignore",
            partition_by=[MONTH] if table.partitioned else None,
            name=name,
            description=table.about,
            configuration={
                "delta.logRetentionDuration": "interval 365 days",
                "delta.checkpointInterval": str(_CHECKPOINT_EVERY),
            },
            storage_options=self._options,
        )

    # ---------------------------------------------------------------------------------------------------------- writing

    def write(
        self,
        name: str,
        data: Rows,
        months: Sequence[str] | None = None,
        run_id: str = "",
    ) -> int:
        """Replace a table, or exactly the months named, by `data`, in one transaction; the new version's number.

        Rows of months that are not named are refused. A month named without rows becomes empty. A relation or a reader
        is streamed: only a part of it is in memory at any time.

        Raises SchemaMismatch (columns, nulls, months; the stored data stay), WriteFailed where storage refuses (full,
        read-only; the stored data stay) and, after 60 lost conflicts, deltalake's CommitFailedError.
        """
        self.uri(name)
        table = self.tables[name]
        wanted = wanted_months(table, months)
        if isinstance(data, pa.Table):
            data = conform(table, data)
            if wanted is not None:
                refuse_strays(table, data.column(MONTH).unique().to_pylist(), wanted)
        else:
            check_columns(table, schema_of(data))
        self._exist(name)
        with _storage_errors(name):
            if self.remote:
                return self._write_remote(name, _in_memory(table, data, wanted), wanted, run_id)
            return self._write_local(name, data, wanted, run_id)

    def _write_local(
        self,
        name: str,
        data: Rows,
        wanted: list[str] | None,
        run_id: str,
        mode: Literal["overwrite", "append"] = "overwrite",
    ) -> int:
        folder, token = Path(self.uri(name)), uuid.uuid4().hex
        try:
            files = write_files(self.tables[name], data, folder, token, wanted)

            def commit() -> int:
                target = self._delta(name)
                self._refuse_other_columns(name, target, mode)
                target.create_write_transaction(
                    files,
                    mode=mode,
                    schema=_storable(self.tables[name].schema),
                    partition_by=[MONTH] if wanted is not None else None,
                    partition_filters=[(MONTH, "in", wanted)] if wanted is not None and mode == "overwrite" else None,
                    commit_properties=_alone_commit(run_id),
                )
                return target.version() + 1

            return _retried(commit)
        except BaseException:
            for orphan in folder.glob(f"**/{token}*.parquet"):
                with suppress(OSError):
                    orphan.unlink()
            raise

    def _refuse_other_columns(self, name: str, target: DeltaTable, mode: str) -> None:
        """Rows written under other columns cannot stand beside new ones; a whole table is simply replaced."""
        stored = [f.name for f in target.schema().fields]
        if (self.tables[name].partitioned or mode == "append") and set(stored) != set(self.tables[name].names):
            raise SchemaMismatch(
                f"table {name} was first stored with other columns ({', '.join(stored)}); delete its folder in "
                "the lake and materialise all its months again"
            )

    def _write_remote(self, name: str, data: pa.Table, wanted: list[str] | None, run_id: str) -> int:
        def commit() -> int:
            target = self._delta(name)
            before = target.version()
            write_deltalake(
                target,
                data.cast(_storable(data.schema)),
                mode="overwrite",
                schema_mode=None if wanted is not None else "overwrite",
                predicate=None if wanted is None else _month_predicate(wanted),
                writer_properties=_WRITER,
                commit_properties=_alone_commit(run_id),
            )
            return before + 1

        return _retried(commit)

    def append(self, name: str, data: pa.Table, run_id: str = "") -> None:
        """Add rows to a table that is a log; two writers at once both keep theirs.

        Raises SchemaMismatch, and WriteFailed where storage refuses.
        """
        self.uri(name)
        table = self.tables[name]
        rows = conform(table, data)
        if rows.num_rows == 0:
            return
        months = sorted(str(m) for m in set(rows.column(MONTH).to_pylist())) if table.partitioned else None
        wanted = wanted_months(table, months)
        self._exist(name)

        def commit() -> None:
            write_deltalake(
                self._delta(name),
                rows.cast(_storable(rows.schema)),
                mode="append",
                writer_properties=_WRITER,
                commit_properties=_alone_commit(run_id),
            )

        with _storage_errors(name):
            if self.remote:
                _retried(commit)
            else:
                self._write_local(name, rows, wanted, run_id, mode="append")

    # ---------------------------------------------------------------------------------------------------------- reading

    def version(self, name: str) -> int:
        """The newest version's number, -1 where the table does not exist yet."""
        if (newest := self._newest(name)) is not None:
            return newest.version
        try:
            return self._delta(name).version()
        except TableNotFoundError:
            return -1

    def _newest(self, name: str) -> _Commit | None:
        """The newest commit in the log of a table on disk; None where there is none, and on object stores.

        Looking into the folder takes a tenth of the time that reading the log takes, which a run does thousands of
        times. A commit appears under its name only when it is whole.
        """
        if self.remote:
            return None
        try:
            with os.scandir(f"{self.uri(name)}/_delta_log") as log:
                last = max((f for f in log if _COMMIT.fullmatch(f.name)), key=lambda f: f.name, default=None)
                stat = None if last is None else last.stat()
        except OSError:
            return None
        return None if last is None or stat is None else _Commit(int(last.name[:20]), stat.st_ino, stat.st_mtime_ns)

    def size(self, name: str, version: int | None = None, months: Sequence[str] | None = None) -> Size:
        """Rows, files and bytes of one version, or only of the months named."""
        adds = self._adds(name, months, version)
        if adds is None:
            return Size(0, 0, 0)
        rows, sizes = pc.sum(adds.column("num_records")).as_py(), pc.sum(adds.column("size_bytes")).as_py()
        return Size(rows or 0, adds.num_rows, sizes or 0)

    def _adds(self, name: str, months: Sequence[str] | None, version: int | None) -> pa.Table | None:
        """The log's lines on the files of one version; None where there is no table yet."""
        newest = self._newest(name)
        kept = self._logs.get(name)
        if newest is not None and version in (None, newest.version) and kept is not None and kept[0] == newest:
            adds = kept[1]
        else:
            try:
                delta = self._delta(name, version if newest is None or version is not None else newest.version)
                adds = pa.table(delta.get_add_actions(flatten=True))
            except TableNotFoundError:
                return None
            if newest is not None and delta.version() == newest.version:
                self._logs[name] = newest, adds
        if months is not None and self.tables[name].partitioned and adds.num_rows:
            of = adds.column(f"partition.{MONTH}").cast(pa.string())
            adds = adds.filter(pc.is_in(of, value_set=pa.array(list(months), pa.string())))
        return adds

    def files(self, name: str, months: Sequence[str] | None = None, version: int | None = None) -> list[str]:
        """The Parquet files of one version, only those of the months named: paths, or URLs."""
        adds = self._adds(name, months, version)
        paths = [] if adds is None else [str(p) for p in adds.column("path").to_pylist()]
        return [f"{self.uri(name)}/{unquote(p)}" for p in sorted(paths)]

    def contents(self, name: str, version: int | None = None) -> dict[str, list[str]]:
        """Per month ("" in a table without months) the names of its files; the same names hold the same rows."""
        adds = self._adds(name, None, version)
        if adds is None or not adds.num_rows:
            return {}
        paths = [str(p) for p in adds.column("path").to_pylist()]
        partitioned = self.tables[name].partitioned
        months = [str(m) for m in adds.column(f"partition.{MONTH}").to_pylist()] if partitioned else [""] * len(paths)
        found: dict[str, list[str]] = {}
        for month, path in sorted(zip(months, paths, strict=True)):
            found.setdefault(month, []).append(path)
        return found

    def written(self, name: str) -> dict[str, int]:
        """Per month ("" in a table without months) when its newest file was written, in ms since 1970."""
        adds = self._adds(name, None, None)
        if adds is None or not adds.num_rows:
            return {}
        at = [
            int(t or 0) for t in adds.column("modification_time").cast(pa.timestamp("ms")).cast(pa.int64()).to_pylist()
        ]
        partitioned = self.tables[name].partitioned
        months = [str(m) for m in adds.column(f"partition.{MONTH}").to_pylist()] if partitioned else [""] * len(at)
        found: dict[str, int] = {}
        for month, moment in zip(months, at, strict=True):
            found[month] = max(moment, found.get(month, moment))
        return found

    def select(self, name: str, months: Sequence[str] | None = None, version: int | None = None) -> str:
        """A SQL query over one version of the table with exactly its declared columns, for DuckDB."""
        files, table = self.files(name, months, version), self.tables[name]
        if not files:
            return no_rows(table)
        columns = ", ".join(f'"{c}"' for c in table.names)
        listed = "[" + ", ".join(literal(f) for f in files) + "]"
        hive = f", hive_partitioning = true, hive_types = {{'{MONTH}': VARCHAR}}" if table.partitioned else ""
        return f"SELECT {columns} FROM read_parquet({listed}{hive})"

    def relation(
        self,
        con: duckdb.DuckDBPyConnection,
        name: str,
        months: Sequence[str] | None = None,
        version: int | None = None,
    ) -> duckdb.DuckDBPyRelation:
        """A lazy DuckDB relation over one version of a table; projections and filters are pushed into the files.

        The relation keeps its connection alive. On object storage the files are read by Arrow (no DuckDB extension).
        """
        if not self.remote:
            return con.sql(self.select(name, months, version))
        try:
            dataset = self._delta(name, version).to_pyarrow_dataset()
        except TableNotFoundError:
            return con.sql(no_rows(self.tables[name]))
        if months is not None and self.tables[name].partitioned:
            dataset = dataset.filter(ds.field(MONTH).isin(list(months)))
        return con.from_arrow(dataset).project(", ".join(f'"{c}"' for c in self.tables[name].names))

    def read(
        self,
        name: str,
        months: Sequence[str] | None = None,
        *,
        columns: Sequence[str] | None = None,
        version: int | None = None,
    ) -> pa.Table:
        """One version of a table as Arrow, with the declared types. Shape: (rows, declared or chosen columns)."""
        con = cursor()
        try:
            found = self.relation(con, name, months, version)
            if columns is not None:
                found = found.project(", ".join(f'"{c}"' for c in columns))
            data = found.to_arrow_table()
        finally:
            con.close()
        schema = self.tables[name].schema
        return data.cast(pa.schema([schema.field(c) for c in data.schema.names]))

    def history(self, name: str, limit: int | None = None) -> list[Version]:
        """Committed versions, newest first."""
        return [
            Version(name, int(h["version"]), datetime.fromtimestamp(h["timestamp"] / 1000).astimezone(), h["operation"])
            for h in self._delta(name).history(limit)
        ]

    def views(self, con: duckdb.DuckDBPyConnection) -> list[str]:
        """Create one view per table over its newest version; the names."""
        for name in self.tables:
            if self.remote:
                self.relation(con, name).create_view(name)
            else:
                con.execute(f'CREATE OR REPLACE VIEW "{name}" AS {self.select(name)}')
        return list(self.tables)

    def compact(self, name: str) -> None:
        """Fewer, larger files with the same rows, in their order: for a log, which grows by a small file an append.

        Readers keep the files of their version; a race that is lost to another writer leaves all as it was.
        """
        with _storage_errors(name), suppress(CommitFailedError):
            self._delta(name).optimize.compact(writer_properties=_WRITER, commit_properties=_alone_commit(""))

    def vacuum(self, keep_hours: int = 24 * 30) -> int:
        """Delete files that no version of the last `keep_hours` uses, those of killed writers too; how many."""
        return sum(
            len(
                self._delta(n).vacuum(
                    retention_hours=keep_hours, dry_run=False, enforce_retention_duration=False, full=True
                )
            )
            for n in self.tables
            if self.exists(n)
        )


def _in_memory(table: Table, data: Rows, wanted: Sequence[str] | None) -> pa.Table:
    if isinstance(data, pa.Table):
        return data
    read = data.to_arrow_table() if isinstance(data, duckdb.DuckDBPyRelation) else data.read_all()
    read = conform(table, read)
    if wanted is not None:
        refuse_strays(table, read.column(MONTH).unique().to_pylist(), wanted)
    return read


def _alone_commit(run_id: str) -> CommitProperties:
    """A commit that fails when another came first: delta-rs' own retry may let two writers of one month both stand."""
    return CommitProperties(custom_metadata={"run_id": run_id}, max_commit_retries=0)


def _retried(commit: Callable[[], _Done]) -> _Done:
    """Try a commit until it wins, with growing, jittered waits."""
    wait = _FIRST_WAIT_S
    for attempt in range(_RETRIES):
        try:
            return commit()
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


@contextmanager
def _storage_errors(name: str) -> Generator[None]:
    """Turn what storage refuses into WriteFailed; lost races and refused rows pass."""
    try:
        yield
    except (OSError, duckdb.IOException, DeltaError) as error:
        if isinstance(error, DeltaError) and type(error) is not DeltaError:
            raise
        said = str(error)  # DuckDB and delta-rs pass on the system's words, not its number
        known = next((n for n in (errno.ENOSPC, errno.EDQUOT, errno.EROFS) if os.strerror(n) in said), errno.EIO)
        code = error.errno if isinstance(error, OSError) and error.errno else known
        raise WriteFailed(code, f"table {name} could not be written, what was stored is unchanged: {error}") from error


def _month_predicate(months: Sequence[str]) -> str:
    """The Delta predicate that names exactly these months."""
    return f"{MONTH} IN (" + ", ".join(literal(m) for m in months) + ")"


def _storable(schema: pa.Schema) -> pa.Schema:
    """Delta refuses to write to a table with NOT NULL columns from a frame typed nullable; `write` has checked them."""
    return pa.schema([pa.field(f.name, f.type, nullable=True) for f in schema])
