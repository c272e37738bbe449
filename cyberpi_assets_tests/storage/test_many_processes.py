"""Writers and readers at once, and writers killed at any moment."""

from __future__ import annotations

import os
import random
import signal
import time
from contextlib import suppress
from pathlib import Path

import duckdb

from cyberpi_assets.storage.lake import Lake
from cyberpi_assets.storage.published import publish
from cyberpi_assets.storage.warehouse import query
from cyberpi_assets_tests.storage.worked import bars, finished, ordered, python

# One parent imports everything and starts no thread; its eight children begin together when the pipe closes.
_EIGHT = """
import os, sys
import duckdb, deltalake, pyarrow as pa
from cyberpi_assets.storage.lake import Lake
from cyberpi_assets_tests.storage.worked import LAKE_TABLES, bars
root, *each = sys.argv[1:]
wait, go = os.pipe()
children = []
for mark, months in enumerate(each):
    if not (pid := os.fork()):
        os.close(go)
        os.read(wait, 1)
        for month in months.split(","):
            Lake(root, LAKE_TABLES).write("bars", bars(month, 500, mark), [month])
        os._exit(0)
    children.append(pid)
os.close(go)
assert [os.waitpid(pid, 0)[1] for pid in children] == [0] * len(children)
"""


def test_eight_first_writers_of_different_months_lose_nothing(lake: Lake) -> None:
    months = [[f"2024-{n:02d}", f"2025-{n:02d}"] for n in range(1, 9)]
    finished([python(_EIGHT, lake.root, *map(",".join, months))])
    for mark, of in enumerate(months):
        for month in of:
            assert ordered(lake.read("bars", [month])) == ordered(bars(month, 500, mark))


def test_of_eight_writers_of_one_month_the_last_stands_whole(lake: Lake) -> None:
    finished([python(_EIGHT, lake.root, *["2024-01"] * 8)])
    found = lake.read("bars")
    marks = set(found["volume"].drop_null().to_pylist())
    assert len(marks) == 1
    assert ordered(found) == ordered(bars("2024-01", 500, marks.pop()))
    assert lake.version("bars") == 8  # each of the eight is in the history


# A parent that has imported everything and starts no thread forks one writer per line, so that a round costs
# milliseconds; what the writer does, it does from a cold start.
_NURSERY = """
import os, sys
import duckdb, deltalake, pyarrow as pa
from cyberpi_assets.storage.lake import Lake
from cyberpi_assets_tests.storage.worked import LAKE_TABLES, bars
for line in sys.stdin:
    mark = int(line)
    pid = os.fork()
    if pid == 0:
        Lake(sys.argv[1], LAKE_TABLES).write("bars", bars("2024-01", 2000, mark), ["2024-01"])
        os._exit(0)
    print(pid, flush=True)
    print(os.waitpid(pid, 0)[1], flush=True)
"""

_READER = """
import sys, threading
import pyarrow.compute as pc
from cyberpi_assets.storage.lake import Lake
from cyberpi_assets_tests.storage.worked import LAKE_TABLES
lake, reads, over = Lake(sys.argv[1], LAKE_TABLES), 0, threading.Event()
threading.Thread(target=lambda: (sys.stdin.readline(), over.set()), daemon=True).start()
print("ready", flush=True)
while not over.is_set():
    found = lake.read("bars", columns=["volume", "month"])
    assert found.num_rows == 4000, found.num_rows
    for month in ("2024-01", "2024-02"):
        of = found.filter(pc.equal(found["month"], month))["volume"]
        assert len(set(of.drop_null().to_pylist())) == 1, month
    reads += 1
print(reads)
"""


def test_fifty_killed_writers_leave_the_old_month_or_the_new_one_and_readers_see_no_error(lake: Lake) -> None:
    chance = random.Random(20240101)
    for month in ("2024-01", "2024-02"):
        lake.write("bars", bars(month, 2000, 0), [month])
    nursery, reader = python(_NURSERY, lake.root), python(_READER, lake.root)
    assert nursery.stdin is not None
    assert nursery.stdout is not None
    assert reader.stdout is not None
    assert reader.stdout.readline() == "ready\n"

    def start(mark: int) -> int:
        nursery.stdin.write(f"{mark}\n")
        nursery.stdin.flush()
        return int(nursery.stdout.readline())

    whole = 60.0  # seconds of a write that nobody kills, the least of three
    for _ in range(3):
        start(1)
        begun = time.perf_counter()
        assert nursery.stdout.readline() == "0\n"
        whole = min(whole, time.perf_counter() - begun)
    seen, killed = 1, 0
    for mark in range(2, 52):
        child = start(mark)
        time.sleep(chance.uniform(0, 1.1 * whole))  # the moment of the kill, not a wait for something
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        killed += int(nursery.stdout.readline()) != 0
        found = set(lake.read("bars", ["2024-01"], columns=["volume"])["volume"].drop_null().to_pylist())
        assert lake.read("bars", ["2024-01"]).num_rows == 2000
        assert found in ({seen}, {mark})
        seen = found.pop()
    finished([nursery])
    (reads,) = finished([reader])
    assert killed >= 20
    assert int(reads) >= 10
    assert ordered(lake.read("bars", ["2024-02"])) == ordered(bars("2024-02", 2000, 0))
    assert lake.vacuum(0) > 0


_BUSY = """
import sys, threading
from cyberpi_assets.storage.lake import Lake
from cyberpi_assets_tests.storage.worked import LAKE_TABLES, bars
lake, over, mark = Lake(sys.argv[1], LAKE_TABLES), threading.Event(), 0
threading.Thread(target=lambda: (sys.stdin.readline(), over.set()), daemon=True).start()
while not over.is_set():
    mark += 1
    lake.write("bars", bars("2024-01", 1000, mark), ["2024-01"])
    if mark == 1:
        print("ready", flush=True)
print(mark)
"""


def test_sql_and_the_published_file_work_while_a_run_is_writing(lake: Lake, tmp_path: Path) -> None:
    child, path = python(_BUSY, lake.root), tmp_path / "warehouse.duckdb"
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    publish(lake, path)
    held = duckdb.connect(str(path), read_only=True)
    for _ in range(10):
        rows = query(lake, "SELECT count(*) AS n, count(DISTINCT volume) AS marks FROM bars").to_pylist()
        assert rows == [{"n": 1000, "marks": 1}]
        publish(lake, path)
        with duckdb.connect(str(path), read_only=True) as client:
            assert client.execute("SELECT count(*), count(DISTINCT volume) FROM bars").fetchone() == (1000, 1)
        assert held.execute("SELECT count(*), count(DISTINCT volume) FROM bars").fetchone() == (1000, 1)
    held.close()
    (writes,) = finished([child])
    assert int(writes) > 3
