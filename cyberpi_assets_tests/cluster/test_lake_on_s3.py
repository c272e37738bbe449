"""The lake on object storage: the same tables, SQL and published copy; writers of one month do not mix.

The server is moto's, which speaks S3 and honours conditional puts; a real store's speed and limits are not shown.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Generator
from pathlib import Path

import boto3
import duckdb
import pyarrow as pa
import pytest

from benchmarks.servers import object_storage
from cyberpi_assets.orchestration.resources import lake_of
from cyberpi_assets.settings import Settings
from cyberpi_assets.storage.lake import Lake
from cyberpi_assets.storage.published import publish
from cyberpi_assets.storage.warehouse import RefusedQuery, query
from cyberpi_assets_tests.storage.worked import LAKE_TABLES, NOTES, bars, ordered


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    server, address = object_storage(tmp_path_factory.mktemp("s3"))
    yield address
    server.terminate()
    server.wait(15)


@pytest.fixture
def lake(endpoint: str, request: pytest.FixtureRequest) -> Lake:
    """A lake in a bucket of its own, reached as the settings say."""
    bucket = request.node.name.replace("_", "-")[:40].strip("-")
    keys = {"aws_access_key_id": "invented", "aws_secret_access_key": "invented", "region_name": "us-east-1"}
    boto3.client("s3", endpoint_url=endpoint, **keys).create_bucket(Bucket=bucket)
    found = Settings(lake_url=f"s3://{bucket}/some/prefix", s3={"endpoint": endpoint}, s3_key="invented", s3_secret="invented")  # pyright: ignore # fmt: skip # noqa: E501
    return Lake(found.lake_root, LAKE_TABLES, found.lake_options)


def test_months_are_replaced_and_read_as_on_disk(lake: Lake, tmp_path: Path) -> None:
    disk = Lake(tmp_path, LAKE_TABLES)
    for where in (lake, disk):
        where.write("bars", pa.concat_tables([bars("2024-01", 30), bars("2024-02", 30)]), ["2024-01", "2024-02"])
        where.write("bars", bars("2024-02", 7, 5), ["2024-02"])
        where.write("notes", pa.table({"note_id": [1, 2], "body": ["it's", None], "weight": pa.array([0.5, None], pa.float32()), "rank": pa.array([None, 3], pa.int16())}))  # fmt: skip # noqa: E501
    assert ordered(lake.read("bars")) == ordered(disk.read("bars"))
    assert ordered(lake.read("bars", ["2024-02"])) == ordered(bars("2024-02", 7, 5))
    assert lake.read("bars").schema == disk.read("bars").schema
    assert lake.read("notes").equals(disk.read("notes"))
    assert lake.size("bars", months=["2024-02"]).rows == 7
    assert ordered(lake.read("bars", version=1)) == ordered(disk.read("bars", version=1))
    assert lake.version("totals") == -1
    assert lake.read("totals").num_rows == 0


def test_sql_sees_the_tables_and_nothing_else(lake: Lake, tmp_path: Path) -> None:
    lake.write("bars", bars("2024-01", 12), ["2024-01"])
    asked = "SELECT month, count(*) AS n, sum(close) AS total FROM bars WHERE ticker > 'T1' GROUP BY month"
    assert query(lake, asked).to_pylist() == [{"month": "2024-01", "n": 10, "total": sum(range(2, 12)) + 2.5}]
    assert query(lake, "SELECT count(*) AS n FROM notes").to_pylist() == [{"n": 0}]
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    with pytest.raises(duckdb.Error):
        query(lake, f"SELECT * FROM read_csv('{secret}')")
    with pytest.raises(RefusedQuery):
        query(lake, "DROP VIEW bars")


def test_the_published_file_is_brought_up_to_date(lake: Lake, tmp_path: Path) -> None:
    target = tmp_path / "warehouse.duckdb"
    lake.write("bars", bars("2024-01", 9), ["2024-01"])
    publish(lake, target)
    lake.write("bars", bars("2024-02", 4, 2), ["2024-02"])
    found = {row["table_name"]: row for row in publish(lake, target).to_pylist()}
    assert found["bars"]["rows"] == 13
    with duckdb.connect(str(target), read_only=True) as con:
        stored = con.execute("SELECT month, count(*), sum(volume) FROM bars GROUP BY month ORDER BY month").fetchall()
        assert stored == [("2024-01", 9, 0), ("2024-02", 4, 6)]  # one volume of each is unknown
        assert con.execute("SELECT count(*) FROM notes").fetchall() == [(0,)]
    assert set(NOTES.names) == set(lake.read("notes").column_names)


def test_of_writers_of_one_month_one_stands_whole_and_other_months_stay(lake: Lake) -> None:
    lake.write("bars", bars("2023-12", 5, 77), ["2023-12"])
    failures: list[BaseException] = []

    def write(mark: int, month: str) -> None:
        try:
            Lake(lake.root, LAKE_TABLES, lake._options).write("bars", bars(month, 200, mark), [month])  # pyright: ignore
        except BaseException as error:
            failures.append(error)

    writers = [threading.Thread(target=write, args=(m, "2024-01")) for m in (1, 2, 3)]
    writers.append(threading.Thread(target=write, args=(4, "2024-02")))
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert not failures
    found = lake.read("bars", ["2024-01"])
    marks = set(found["volume"].drop_null().to_pylist())
    assert len(marks) == 1
    assert ordered(found) == ordered(bars("2024-01", 200, marks.pop()))
    assert ordered(lake.read("bars", ["2024-02"])) == ordered(bars("2024-02", 200, 4))
    assert ordered(lake.read("bars", ["2023-12"])) == ordered(bars("2023-12", 5, 77))
    assert lake.version("bars") == 5


def test_a_refusal_of_the_store_is_an_error_without_the_keys() -> None:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{s.getsockname()[1]}"
    settings = Settings(  # pyright: ignore[reportCallIssue]
        lake_url="s3://nobody/lake",
        s3={"endpoint": closed},  # pyright: ignore[reportArgumentType]
        s3_key="key-of-ours",  # pyright: ignore[reportArgumentType]
        s3_secret="secret-of-ours",  # pyright: ignore[reportArgumentType]
    )
    lake = lake_of(settings)
    options = settings.lake_options
    assert options is not None
    impatient = {**options, "max_retries": "0", "timeout": "2s", "connect_timeout": "1s"}
    with pytest.raises(Exception, match=r"lake|connect|error") as found:
        Lake(lake.root, LAKE_TABLES, impatient).write("notes", NOTES.empty())
    said = f"{found.value!r} {found.value} {lake!r} {settings!r} {os.linesep.join(settings.as_environment().values())}"
    assert "secret-of-ours" not in said
    assert "key-of-ours" not in said
