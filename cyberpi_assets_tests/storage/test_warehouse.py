from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from cyberpi_assets.storage.lake import Lake
from cyberpi_assets.storage.published import publish
from cyberpi_assets.storage.warehouse import RefusedQuery, locked, query
from cyberpi_assets.tables import PUBLISHED_WAREHOUSE
from cyberpi_assets_tests.storage.worked import BARS, LAKE_TABLES, bars, finished, python


@pytest.fixture
def filled(lake: Lake) -> Lake:
    lake.write("bars", bars("2024-01"), ["2024-01"])
    return lake


def test_the_published_file_holds_every_table_with_its_comments(filled: Lake, tmp_path: Path) -> None:
    path = tmp_path / "out" / "it's.duckdb"
    report = publish(filled, path)
    assert report.schema == PUBLISHED_WAREHOUSE.schema
    assert {r["table_name"]: (r["rows"], r["version"]) for r in report.to_pylist()} == {
        "bars": (20, 1),
        "notes": (0, -1),
        "totals": (0, -1),
    }
    with duckdb.connect(str(path)) as client:
        assert client.execute("SELECT * FROM bars").to_arrow_table().column_names == BARS.names
        (about,) = client.execute("SELECT comment FROM duckdb_tables() WHERE table_name = 'bars'").fetchall()
        assert about == (BARS.about,)
        described = client.execute(
            "SELECT column_name, comment, is_nullable FROM duckdb_columns() WHERE table_name = 'bars' AND NOT internal"
        ).fetchall()
        assert described == [(c.name, c.about, c.nullable) for c in BARS.columns]
        ((version,),) = client.execute(
            "SELECT tags['storage_version'] FROM duckdb_databases() WHERE NOT internal"
        ).fetchall()
        assert version.startswith("v1.0.0")
    assert sorted(path.parent.iterdir()) == [path.with_name(f".{path.name}.json"), path]


def _months(path: Path) -> list[tuple[str, int]]:
    with duckdb.connect(str(path), read_only=True) as client:
        return client.execute("SELECT month, count(*) FROM bars GROUP BY month ORDER BY month").fetchall()


def test_only_months_that_changed_are_copied_again(filled: Lake, tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    filled.write("bars", bars("2024-02"), ["2024-02"])
    publish(filled, path)
    (untouched,) = filled.files("bars", ["2024-01"])
    content = Path(untouched).read_bytes()
    filled.write("bars", bars("2024-02").slice(0, 7), ["2024-02"])
    filled.write("bars", bars("2024-03"), ["2024-03"])
    Path(untouched).unlink()  # whoever read January again would fail
    report = publish(filled, path)
    assert {r["table_name"]: r["rows"] for r in report.to_pylist()}["bars"] == 20 + 7 + 20
    assert _months(path) == [("2024-01", 20), ("2024-02", 7), ("2024-03", 20)]
    Path(untouched).write_bytes(content)
    filled.write("bars", bars("2024-03").slice(0, 0), ["2024-03"])
    publish(filled, path)
    assert _months(path) == [("2024-01", 20), ("2024-02", 7)]
    with duckdb.connect(str(path), read_only=True) as client, duckdb.connect() as own:
        own.register("live", filled.read("bars"))
        published = client.execute("SELECT * FROM bars ORDER BY ALL").fetchall()
        assert published == own.execute("SELECT * FROM live ORDER BY ALL").fetchall()


def test_a_file_that_somebody_wrote_to_is_published_whole_again(filled: Lake, tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    publish(filled, path)
    with duckdb.connect(str(path)) as analyst:
        analyst.execute("DELETE FROM bars")
        analyst.execute("CREATE TABLE mine AS SELECT 1 AS x")
    publish(filled, path)
    assert _months(path) == [("2024-01", 20)]
    with duckdb.connect(str(path), read_only=True) as client:
        assert ("mine",) not in client.execute("SELECT table_name FROM duckdb_tables()").fetchall()


def test_a_failed_publication_leaves_the_file_before_it(filled: Lake, tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    publish(filled, path)
    before = path.read_bytes()
    filled.write("bars", bars("2024-01"), ["2024-01"])
    for file in filled.files("bars"):
        Path(file).unlink()
    with pytest.raises(duckdb.Error):
        publish(filled, path)
    assert path.read_bytes() == before
    assert [f.name for f in tmp_path.glob(".warehouse*")] == [".warehouse.duckdb.json"]


def test_an_analysts_unfinished_log_does_not_spoil_the_next_file(filled: Lake, tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    publish(filled, path)
    code = "import duckdb, os, sys; c = duckdb.connect(sys.argv[1]); c.execute('CREATE TABLE x (i int)'); os._exit(0)"
    finished([python(code, str(path))])
    assert path.with_name(path.name + ".wal").exists()
    publish(filled, path)
    with duckdb.connect(str(path)) as client:
        assert client.execute("SELECT count(*) FROM bars").fetchone() == (20,)


def test_a_query_reads_every_table_and_takes_parameters(filled: Lake) -> None:
    found = query(filled, "SELECT count(*) AS n FROM bars WHERE ticker <> ? AND month = ?", ["T1", "2024-01"])
    assert found.to_pylist() == [{"n": 19}]
    assert query(filled, "SELECT count(*) AS n FROM bars WHERE ticker = $t", {"t": "T1"}).to_pylist() == [{"n": 1}]
    assert query(filled, "SELECT * FROM notes").column_names == LAKE_TABLES["notes"].names
    shown = ["DESCRIBE bars", "SHOW TABLES", "SUMMARIZE bars", "EXPLAIN SELECT 1", "EXPLAIN ANALYZE FROM bars"]
    for sql in [*shown, "WITH x AS (FROM bars) FROM x;"]:
        assert query(filled, sql).num_rows > 0


_HOSTILE = [
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM '/etc/passwd'",
    "FROM read_csv('/etc/passwd')",
    "FROM glob('/etc/*')",
    "FROM read_parquet('https://127.0.0.1:9/x.parquet')",
    "COPY bars TO '{out}'",
    "EXPLAIN ANALYZE COPY bars TO '{out}'",
    "COPY bars TO '{root}/bars/new.parquet'",
    "COPY (SELECT 1) TO '{file}'",
    "EXPORT DATABASE '{out}'",
    "ATTACH '{out}'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SET enable_external_access = true",
    "RESET lock_configuration",
    "PRAGMA enable_external_access = true",
    "CREATE TABLE x AS SELECT 1",
    "CREATE SECRET s (TYPE s3)",
    "SELECT 1; COPY bars TO '{out}'",
    "CALL enable_logging()",
    "SELECT * FROM unseen",
    "",
]


@pytest.mark.parametrize("sql", _HOSTILE)
@pytest.mark.parametrize("door", ["query", "connection"])
def test_nothing_but_the_tables_can_be_read_and_nothing_written(
    filled: Lake, tmp_path: Path, sql: str, door: str
) -> None:
    unseen = bars("2024-02")  # a Python variable is not a table
    (file,) = filled.files("bars")
    before = Path(file).read_bytes()
    text = sql.format(out=tmp_path / "out", root=filled.root, file=file)
    if door == "query":
        with pytest.raises((RefusedQuery, duckdb.Error)):
            query(filled, text)
    elif not text.startswith(("CREATE TABLE", "CALL")) and text:  # these touch that connection's memory alone
        with pytest.raises(duckdb.Error):
            locked(filled).execute(text).fetchall()
    assert unseen.num_rows == 20
    assert not (tmp_path / "out").exists()
    assert filled.files("bars") == [file]
    assert Path(file).read_bytes() == before
    assert list(Path(file).parent.iterdir()) == [Path(file)]
