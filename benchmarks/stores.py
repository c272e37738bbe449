"""The lake against one plain DuckDB file: a million rows alone, and eight writers at once.

The DuckDB file is written as the stock Dagster manager does it: delete the partition, insert the rows, in one
transaction; a file that another process holds is tried again after a growing wait, starting at 0.1 s.
"""

from __future__ import annotations

import datetime as dt
import multiprocessing
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.measure import Measured, repeated
from cyberpi_assets.storage.lake import Lake
from cyberpi_assets.tables import DAILY_BARS, MONTH

_LONGEST_WAIT_S = 10.0


def rows_of_months(rows: int, months: list[str]) -> pa.Table:
    """Made-up daily bars, the same number in each month, as `tables.DAILY_BARS`."""
    chance = np.random.default_rng(7)
    parts: list[pa.Table] = []
    for month in months:
        first = dt.date.fromisoformat(f"{month}-01")
        ticker = pc.binary_join_element_wise("T", pa.array(np.arange(rows) // 20).cast(pa.string()), "")
        day = pa.array((first - dt.date(1970, 1, 1)).days + np.arange(rows) % 20, pa.int32()).cast(pa.date32())
        price = {c: chance.normal(100, 10, rows) for c in ("open", "high", "low", "close", "adj_close")}
        columns = {
            "ticker": ticker, "session": day, **price, "volume": chance.integers(1, 10**7, rows),
            "basis": pa.repeat("split", rows), "source": pa.repeat("made up", rows), MONTH: pa.repeat(month, rows),
        }  # fmt: skip
        parts.append(pa.table(columns, schema=DAILY_BARS.schema))
    return pa.concat_tables(parts)


def _months(n: int) -> list[str]:
    return [f"2024-{m:02}" for m in range(1, n + 1)]


def _table(con: duckdb.DuckDBPyConnection, rows: pa.Table) -> None:
    con.register("incoming", rows)
    con.execute("CREATE TABLE IF NOT EXISTS daily_bars AS SELECT * FROM incoming LIMIT 0")


def _open(path: Path) -> duckdb.DuckDBPyConnection:
    wait = 0.1
    while True:
        try:
            return duckdb.connect(str(path))
        except duckdb.IOException:  # another process holds the file
            time.sleep(wait)
            wait = min(2 * wait, _LONGEST_WAIT_S)


def _replace(path: Path, rows: pa.Table, months: list[str]) -> None:
    con = _open(path)
    try:
        _table(con, rows)
        con.execute("BEGIN")
        con.execute(f"DELETE FROM daily_bars WHERE {MONTH} IN (SELECT unnest(?))", [months])
        con.execute("INSERT INTO daily_bars SELECT * FROM incoming")
        con.execute("COMMIT")
    finally:
        con.close()


def lake_alone(folder: str, step: str, rows: int, n: int) -> Measured:
    """Write, overwrite or read rows of four months in the lake."""
    root, months = Path(folder) / "lake", _months(4)
    data = rows_of_months(rows // 4, months)

    def write() -> dict[str, Any]:
        Lake(root).write("daily_bars", data, months)
        return {}

    def read() -> dict[str, Any]:
        return _counted(Lake(root).read("daily_bars"), rows)

    return _measured(step, write, read, lambda: shutil.rmtree(root, ignore_errors=True), n)


def duckdb_alone(folder: str, step: str, rows: int, n: int) -> Measured:
    """Write, overwrite or read rows of four months in one DuckDB file."""
    path, months = Path(folder) / "plain.duckdb", _months(4)
    data = rows_of_months(rows // 4, months)

    def write() -> dict[str, Any]:
        _replace(path, data, months)
        return {}

    def read() -> dict[str, Any]:
        con = _open(path)
        try:
            return _counted(con.sql("SELECT * FROM daily_bars").to_arrow_table(), rows)
        finally:
            con.close()

    return _measured(step, write, read, lambda: path.unlink(missing_ok=True), n)


def _measured(
    step: str,
    write: Callable[[], dict[str, Any]],
    read: Callable[[], dict[str, Any]],
    clear: Callable[[], None],
    n: int,
) -> Measured:
    if step == "write":  # each time into nothing
        found: list[Measured] = []
        for _ in range(n):
            clear()
            found.append(repeated(write, 1))
        return Measured(min(f.seconds for f in found), max(f.peak_mb for f in found))
    return repeated(write if step == "overwrite" else read, n)


def _counted(found: pa.Table, rows: int) -> dict[str, Any]:
    if found.num_rows != rows:
        raise AssertionError(f"{found.num_rows} rows where {rows} were written")
    return {"rows": rows}


def lake_writers(folder: str, rows: int, writers: int) -> Measured:
    """Writers at once, each with a month of its own, into the lake."""
    root = Path(folder) / "lake_writers"
    seconds = _at_once(_write_lake, root, rows, writers)
    return Measured(seconds, 0.0, _counted(Lake(root).read("daily_bars"), rows * writers))


def duckdb_writers(folder: str, rows: int, writers: int) -> Measured:
    """Writers at once, each with a month of its own, into one DuckDB file."""
    path = Path(folder) / "writers.duckdb"
    seconds = _at_once(_write_duckdb, path, rows, writers)
    con = _open(path)
    try:
        found = con.sql("SELECT * FROM daily_bars").to_arrow_table()
    finally:
        con.close()
    return Measured(seconds, 0.0, _counted(found, rows * writers))


def _write_lake(root: Path, data: pa.Table, month: str) -> None:
    Lake(root).write("daily_bars", data, [month])


def _write_duckdb(path: Path, data: pa.Table, month: str) -> None:
    _replace(path, data, [month])


def _writer(
    write: Callable[[Path, pa.Table, str], None], target: Path, rows: int, month: str, start: Any, done: Any
) -> None:
    data = rows_of_months(rows, [month])
    start.wait()
    began = time.monotonic()
    write(target, data, month)
    done.put((began, time.monotonic()))


def _at_once(write: Callable[[Path, pa.Table, str], None], target: Path, rows: int, writers: int) -> float:
    """Seconds from the first writer's start to the last one's end. Raises RuntimeError where one fails."""
    context = multiprocessing.get_context("spawn")
    start, done = context.Barrier(writers, timeout=120), context.Queue()
    processes = [
        context.Process(target=_writer, args=(write, target, rows, month, start, done)) for month in _months(writers)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    if failed := [p.exitcode for p in processes if p.exitcode]:
        raise RuntimeError(f"{len(failed)} of {writers} writers failed")
    times = [done.get(timeout=10) for _ in processes]
    return max(t[1] for t in times) - min(t[0] for t in times)
