from __future__ import annotations

import datetime as dt
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cyberpi_assets.storage.engine import connect
from cyberpi_assets.storage.lake import Lake, UnknownTable
from cyberpi_assets.tables import SchemaMismatch
from cyberpi_assets_tests.storage.worked import BARS, LAKE_TABLES, NOTES, bars, finished, ordered, python


def test_a_write_replaces_exactly_the_months_it_names(lake: Lake) -> None:
    lake.write("bars", pa.concat_tables([bars("2024-01"), bars("2024-02")]), ["2024-01", "2024-02"])
    lake.write("bars", bars("2024-02", 3, mark=7), ["2024-02"])
    assert ordered(lake.read("bars", ["2024-01"])) == ordered(bars("2024-01"))
    assert ordered(lake.read("bars", ["2024-02"])) == ordered(bars("2024-02", 3, mark=7))
    assert lake.read("bars").schema == BARS.schema


@pytest.mark.parametrize("form", ["table", "reader", "relation"])
def test_every_form_of_rows_is_stored_alike(lake: Lake, form: str) -> None:
    con, data = connect(), pa.concat_tables([bars("2024-01"), bars("2024-03", 5)])
    given_rows = {
        "table": data,
        "reader": data.to_reader(max_chunksize=7),
        "relation": con.from_arrow(data),
    }[form]
    version = lake.write("bars", given_rows, ["2024-01", "2024-02", "2024-03"], run_id="r1")
    assert ordered(lake.read("bars")) == ordered(data)
    assert version == lake.version("bars")
    assert lake.size("bars").rows == data.num_rows
    assert lake.size("bars", months=["2024-03"]).rows == 5
    assert con.execute("SELECT count(*) FROM duckdb_views() WHERE NOT internal").fetchone() == (0,)


@pytest.mark.parametrize("rows", [None, "none"])
def test_a_month_without_rows_is_a_table_with_columns(lake: Lake, rows: str | None) -> None:
    if rows is not None:
        lake.write("bars", bars("2024-01"), ["2024-01"])
        lake.write("bars", BARS.empty(), ["2024-01"])
    for months in (None, ["2024-01"], []):
        found = lake.read("bars", months)
        assert found.num_rows == 0
        assert found.schema == BARS.schema
    assert lake.read("bars", columns=["close"]).schema.names == ["close"]


def _spoiled() -> dict[str, pa.Table]:
    good = bars("2024-01", 20, mark=99)
    names = good.column_names
    return {
        "reordered": good.select([names[1], names[0], *names[2:]]),
        "missing": good.drop_columns(["volume"]),
        "extra": good.append_column("more", pa.array(range(20))),
        "mistyped": good.set_column(3, "volume", good["volume"].cast(pa.float64())),
        "null": good.set_column(0, "ticker", pa.array([None] + ["A"] * 19, pa.string())),
        "stray": pa.concat_tables([good, bars("2024-02", 1)]),
    }


_SAYS = {
    "reordered": "order",
    "missing": "missing.*volume",
    "extra": "unexpected.*more",
    "mistyped": "volume is double, declared int64",
    "null": "ticker is null in 1 rows",
    "stray": "month",
}


@pytest.mark.parametrize("form", ["table", "reader", "relation"])
@pytest.mark.parametrize("fault", list(_SAYS))
@pytest.mark.parametrize("months", [["2024-01"], ["2024-01", "2024-03"]])
def test_wrong_rows_are_refused_and_what_was_stored_stays(lake: Lake, form: str, fault: str, months: list[str]) -> None:
    lake.write("bars", bars("2024-01"), ["2024-01"])
    before, data = lake.version("bars"), _spoiled()[fault]
    rows = {"table": data, "reader": data.to_reader(), "relation": connect().from_arrow(data)}[form]
    with pytest.raises(SchemaMismatch, match=_SAYS[fault] if fault != "stray" else "rows of"):
        lake.write("bars", rows, months)
    assert lake.version("bars") == before
    assert ordered(lake.read("bars")) == ordered(bars("2024-01"))
    assert len(list(Path(lake.uri("bars")).rglob("*.parquet"))) == 1  # nothing is left over


def test_months_and_tables_must_be_said_rightly(lake: Lake) -> None:
    for months in (None, [], ["2024/01"], ["../x"]):
        with pytest.raises(SchemaMismatch):
            lake.write("bars", bars("2024-01"), months)
    with pytest.raises(SchemaMismatch, match="not stored by month"):
        lake.write("notes", NOTES.empty(), ["2024-01"])
    with pytest.raises(UnknownTable, match="no table 'nothing'"):
        lake.write("nothing", NOTES.empty())
    with pytest.raises(ValueError, match="percent"):
        Lake("/tmp/a%20b")


def test_a_version_is_read_as_it_was_while_newer_ones_come(lake: Lake) -> None:
    con = connect()
    first = lake.write("bars", bars("2024-01", 5), ["2024-01"])
    lazy = lake.relation(con, "bars")
    for mark in range(25):  # past a checkpoint
        lake.write("bars", bars("2024-01", 6, mark), ["2024-01"])
    assert len(lazy.fetchall()) == 5
    assert lake.read("bars", version=first).num_rows == 5
    assert len(lake.history("bars", 3)) == 3
    assert list((Path(lake.uri("bars")) / "_delta_log").glob("*.checkpoint.parquet"))
    assert lake.vacuum(keep_hours=1) == 0
    assert lake.vacuum(keep_hours=0) == 25
    assert lake.read("bars").num_rows == 6


def test_vacuum_deletes_what_a_killed_writer_left(lake: Lake) -> None:
    lake.write("notes", _notes(3))
    (Path(lake.uri("notes")) / "0123.parquet").write_bytes(b"half")
    assert lake.vacuum(keep_hours=0) == 1
    assert lake.read("notes").num_rows == 3


def _notes(rows: int) -> pa.Table:
    return pa.table([range(rows), ["x"] * rows, [None] * rows, [1] * rows], schema=NOTES.schema)


def test_one_table_without_months_keeps_its_order(lake: Lake) -> None:
    numbers = [(i * 7919) % 200_003 for i in range(200_003)]
    data = pa.table(
        [numbers, [str(n) for n in numbers], [None] * len(numbers), [1] * len(numbers)], schema=NOTES.schema
    )
    lake.write("notes", data)
    assert lake.read("notes", columns=["note_id"])["note_id"].to_pylist() == numbers


def test_a_table_with_new_columns_replaces_a_whole_table_but_not_one_by_month(lake: Lake) -> None:
    lake.write("notes", _notes(3))
    lake.write("bars", bars("2024-01"), ["2024-01"])
    older = {n: type(t)(t.name, t.about, (*t.columns[1:],), t.key, t.month_of) for n, t in LAKE_TABLES.items()}
    changed = Lake(lake.root, older)
    changed.write("notes", _notes(4).drop_columns(["note_id"]))
    assert changed.read("notes").num_rows == 4
    with pytest.raises(SchemaMismatch, match="first stored with other columns"):
        changed.write("bars", bars("2024-01").drop_columns(["ticker"]), ["2024-01"])


_FULL = """
import resource, sys
import pyarrow as pa
from cyberpi_assets.storage.lake import Lake, WriteFailed
from cyberpi_assets_tests.storage.worked import LAKE_TABLES, NOTES
lake = Lake(sys.argv[1], LAKE_TABLES)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
rows = 1_000_000
try:
    columns = [range(rows), [hex(i * i) for i in range(rows)], [1.0] * rows, [1] * rows]
    lake.write("notes", pa.table(columns, schema=NOTES.schema))
except WriteFailed as error:
    print(error)
"""


def test_a_full_disk_leaves_the_old_version_and_no_half_file(lake: Lake) -> None:
    lake.write("notes", _notes(3))
    (said,) = finished([python(_FULL, lake.root)])
    assert "notes could not be written, what was stored is unchanged" in said
    assert lake.read("notes").num_rows == 3
    assert len(list(Path(lake.uri("notes")).rglob("*.parquet"))) == 1


def test_object_storage_takes_the_same_calls(tmp_path: Path) -> None:
    lake = Lake((tmp_path / "bucket").as_uri(), LAKE_TABLES, storage_options={"aws_secret_access_key": "hush-hush"})
    assert "hush" not in repr(lake)
    assert lake.create() == list(LAKE_TABLES)
    data = pa.concat_tables([bars("2024-01"), bars("2024-02")])
    lake.write("bars", connect().from_arrow(data), ["2024-01", "2024-02"])
    lake.write("bars", bars("2024-02", 2), ["2024-02"])
    lake.write("notes", _notes(2))
    assert ordered(lake.read("bars", ["2024-02"])) == ordered(bars("2024-02", 2))
    assert lake.size("bars").rows == 22
    con = connect()
    lake.views(con)
    assert con.execute("SELECT count(*) FROM bars JOIN notes ON volume <= note_id").fetchone() == (40,)
    with pytest.raises(SchemaMismatch, match="rows of"):
        lake.write("bars", bars("2024-03").to_reader(), ["2024-02"])


_texts = st.text(st.characters(codec="utf-8"), max_size=20)
_rows = st.lists(
    st.tuples(
        _texts,
        st.dates(dt.date(1, 1, 1), dt.date(9999, 12, 31)),
        st.floats(allow_nan=False),
        st.none() | st.integers(-(2**63), 2**63 - 1),
        st.none() | st.booleans(),
        st.none() | st.datetimes(dt.datetime(1, 1, 2), dt.datetime(9999, 12, 30), timezones=st.just(dt.UTC)),
        st.none() | st.lists(st.none() | _texts, max_size=3),
    ),
    max_size=5,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(_rows)
def test_whatever_the_values_what_is_read_is_what_was_written(lake: Lake, rows: list[tuple[object, ...]]) -> None:
    data = pa.table(
        [pa.array([r[i] for r in rows], f.type) for i, f in enumerate(list(BARS.schema)[:-1])]
        + [pa.array(["2024-01"] * len(rows), pa.string())],
        schema=BARS.schema,
    )
    lake.write("bars", data, ["2024-01"])
    assert lake.read("bars").equals(data)


def test_errors_of_the_query_itself_are_not_hidden(lake: Lake) -> None:
    con = connect()
    with pytest.raises(duckdb.Error, match="oops"):
        lake.write(
            "notes",
            con.sql(
                "SELECT CASE WHEN i > 5 THEN error('oops') ELSE i END::BIGINT AS note_id, 'x' AS body, "
                "1::FLOAT AS weight, 1::SMALLINT AS rank FROM range(10) t(i)"
            ),
        )
    assert lake.version("notes") == 0


def test_a_log_grows_by_what_is_appended(lake: Lake) -> None:
    lake.append("notes", _notes(2))
    lake.append("notes", _notes(3))
    assert lake.read("notes").num_rows == 5
    with pytest.raises(SchemaMismatch, match="missing"):
        lake.append("notes", _notes(1).drop_columns(["body"]))
    lake.append("bars", pa.concat_tables([bars("2024-01", 3), bars("2024-02", 4)]))
    lake.append("bars", bars("2024-02", 5))
    lake.append("bars", BARS.empty())
    assert (lake.size("notes").rows, lake.size("bars", months=["2024-02"]).rows) == (5, 9)
    assert lake.version("bars") == 2
