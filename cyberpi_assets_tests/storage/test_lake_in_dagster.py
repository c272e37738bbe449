"""The DuckDB IO manager through real materialisations."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import dagster as dg
import duckdb
import pandas as pd
import pyarrow as pa
import pytest

from cyberpi_assets.storage.duckdb_io import LakeIOManager
from cyberpi_assets.storage.lake import Lake
from cyberpi_assets.tables import SchemaMismatch
from cyberpi_assets_tests.storage.worked import BARS, NOTES, TOTALS, bars, ordered

MONTHS = dg.TimeWindowPartitionsDefinition(
    start="2023-01", end="2023-07", fmt="%Y-%m", cron_schedule="0 0 1 * *", timezone="America/New_York"
)
_RANGE = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def run(
    lake: Lake, assets: list[Any], instance: dg.DagsterInstance, *, select: Any = None, partition: str | None = None,
    span: tuple[str, str] | None = None, raise_on_error: bool = True,
) -> dg.ExecuteInProcessResult:  # fmt: skip
    return dg.materialize(
        assets,
        selection=select,
        partition_key=partition,
        tags=dict(zip(_RANGE, span, strict=True)) if span else None,
        resources={"io_manager": LakeIOManager(lake, "500MB", 2)},
        instance=instance,
        raise_on_error=raise_on_error,
    )


@dg.asset(name="bars", partitions_def=MONTHS, backfill_policy=dg.BackfillPolicy.single_run())
def monthly_bars(context: dg.AssetExecutionContext) -> pa.Table:
    return pa.concat_tables([bars(month, 5, int(month[-2:])) for month in context.partition_keys])


@dg.asset(name="totals", partitions_def=MONTHS, backfill_policy=dg.BackfillPolicy.single_run())
def monthly_totals(context: dg.AssetExecutionContext, bars: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    return bars.aggregate("'n' AS label, count(*) AS rows, month")


@dg.asset(
    name="totals",
    partitions_def=MONTHS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    ins={
        "bars": dg.AssetIn(
            partition_mapping=dg.TimeWindowPartitionMapping(
                start_offset=-2, end_offset=0, allow_nonexistent_upstream_partitions=True
            )
        )
    },
)
def lookback_totals(context: dg.AssetExecutionContext, bars: pa.Table) -> pd.DataFrame:
    seen = sorted(set(bars["month"].to_pylist()))
    return pd.DataFrame({"label": seen, "rows": 1, "month": context.partition_key})


@dg.asset(name="notes")
def all_months(bars: pd.DataFrame) -> pd.DataFrame:
    counted = bars.groupby("month", as_index=False).agg(note_id=("ticker", "size"))
    return pd.DataFrame({"note_id": range(len(counted)), "body": counted["month"], "weight": None, "rank": 1})


def test_a_partition_is_written_and_rewritten_to_the_same_table(lake: Lake, instance: dg.DagsterInstance) -> None:
    first = run(lake, [monthly_bars], instance, partition="2023-03")
    once = ordered(lake.read("bars"))
    run(lake, [monthly_bars], instance, partition="2023-03")
    assert ordered(lake.read("bars")) == once == ordered(bars("2023-03", 5, 3))
    assert lake.history("bars", 1)[0].version == 2
    (event,) = first.asset_materializations_for_node("bars")
    shown = {k: v.value for k, v in event.metadata.items()}
    assert (shown["dagster/row_count"], shown["dagster/partition_row_count"], shown["rows"]) == (5, 5, 5)
    assert (shown["dagster/table_name"], shown["dagster/uri"], shown["lake_version"]) == ("lake.bars", "lake/bars", 1)
    columns = shown["dagster/column_schema"].columns
    assert [(c.name, c.description, c.constraints.nullable) for c in columns] == [
        (c.name, c.about, c.nullable) for c in BARS.columns
    ]


def test_a_range_in_one_run_equals_its_single_runs(lake: Lake, instance: dg.DagsterInstance) -> None:
    for month in ("2023-01", "2023-02", "2023-03"):
        run(lake, [monthly_bars, monthly_totals], instance, partition=month)
    single = ordered(lake.read("bars")), ordered(lake.read("totals"))
    versions = lake.version("bars")
    run(lake, [monthly_bars, monthly_totals], instance, span=("2023-01", "2023-03"))
    assert (ordered(lake.read("bars")), ordered(lake.read("totals"))) == single
    assert lake.version("bars") == versions + 1


def test_a_mapped_input_has_its_months_and_those_before_the_first_are_absent(
    lake: Lake, instance: dg.DagsterInstance
) -> None:
    run(lake, [monthly_bars], instance, span=("2023-01", "2023-04"))
    for month, seen in (("2023-01", ["2023-01"]), ("2023-04", ["2023-02", "2023-03", "2023-04"])):
        run(lake, [monthly_bars, lookback_totals], instance, select=[lookback_totals], partition=month)
        assert lake.read("totals", [month])["label"].to_pylist() == seen
    run(lake, [monthly_bars, lookback_totals], instance, select=[lookback_totals], partition="2023-06")
    assert lake.read("totals", ["2023-06"])["label"].to_pylist() == ["2023-04"]  # not stored yet: no rows


def test_all_partitions_go_into_an_unpartitioned_asset(lake: Lake, instance: dg.DagsterInstance) -> None:
    run(lake, [monthly_bars], instance, span=("2023-01", "2023-02"))
    run(lake, [monthly_bars, all_months], instance, select=[all_months])
    assert lake.read("notes")["body"].to_pylist() == ["2023-01", "2023-02"]
    assert lake.read("notes")["weight"].null_count == 2


def test_an_empty_partition_is_a_table_with_columns(lake: Lake, instance: dg.DagsterInstance) -> None:
    run(lake, [monthly_bars, monthly_totals], instance, select=[monthly_totals], partition="2023-05")
    assert lake.read("totals").num_rows == 0

    @dg.asset(name="notes")
    def seen(totals: pd.DataFrame) -> pd.DataFrame:
        assert list(totals.columns) == TOTALS.names
        return pd.DataFrame({n: [] for n in NOTES.names})

    run(lake, [monthly_bars, monthly_totals, seen], instance, select=[seen])
    assert lake.read("notes").schema == NOTES.schema


def test_inputs_come_as_their_annotation_says(lake: Lake, instance: dg.DagsterInstance) -> None:
    lake.write("bars", bars("2023-01"), ["2023-01"])
    lake.write("notes", _notes([1, None]))
    seen: dict[str, Any] = {}

    @dg.asset(name="totals", partitions_def=MONTHS)
    def totals(bars: duckdb.DuckDBPyRelation, notes: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
        seen["joined"] = bars.join(notes, "rank = volume + 1").fetchall()  # one connection
        seen["lazy"] = bars
        return bars.limit(0).aggregate("'n' AS label, count(*) AS rows, month")

    @dg.multi_asset(outs={"totals": dg.AssetOut(is_required=False)}, ins={"bars": dg.AssetIn(), "notes": dg.AssetIn()}, partitions_def=MONTHS)  # fmt: skip  # noqa: E501
    def frames(bars, notes: pa.Table):  # type: ignore[no-untyped-def]
        seen["frame"], seen["arrow"] = bars, notes
        return

    outside = [dg.AssetSpec("bars", partitions_def=MONTHS), dg.AssetSpec("notes")]
    run(lake, [totals, *outside], instance, partition="2023-01")
    assert len(seen["joined"]) == 19
    assert len(seen["lazy"].fetchall()) == 20  # alive when its step is over
    before = lake.version("totals")
    run(lake, [frames, *outside], instance, partition="2023-01")
    assert lake.version("totals") == before  # None wrote nothing
    assert seen["arrow"].schema == NOTES.schema
    assert seen["frame"].dtypes.astype(str).to_dict() == {
        "ticker": "str",
        "session": "datetime64[s]",
        "close": "float64",
        "volume": "Int64",
        "half_day": "boolean",
        "seen_at": "datetime64[us, UTC]",
        "tags": "object",
        "month": "str",
    }


def test_a_frame_that_was_loaded_can_be_stored_again(lake: Lake, instance: dg.DagsterInstance) -> None:
    lake.write("bars", bars("2023-01"), ["2023-01"])

    @dg.asset(name="bars", partitions_def=MONTHS)
    def again(context: dg.AssetExecutionContext) -> pd.DataFrame:
        from cyberpi_assets.storage.frames import to_pandas

        return to_pandas(BARS, lake.read("bars"))

    run(lake, [again], instance, partition="2023-01")
    assert lake.read("bars").equals(bars("2023-01"))


def _notes(ranks: list[int | None]) -> pa.Table:
    n = len(ranks)
    return pa.table([range(n), ["x"] * n, [None] * n, ranks], schema=NOTES.schema)


_NOW = dt.datetime(2024, 1, 1, 12)
_FRAMES: dict[str, tuple[dict[str, Any], str]] = {
    "reordered": ({"body": ["x"], "note_id": [1], "weight": [1.0], "rank": [1]}, "order"),
    "missing": ({"note_id": [1], "body": ["x"], "rank": [1]}, "missing.*weight"),
    "extra": ({"note_id": [1], "body": ["x"], "weight": [1.0], "rank": [1], "more": [1]}, "unexpected.*more"),
    "text for a number": ({"note_id": ["1"], "body": ["x"], "weight": [1.0], "rank": [1]}, "note_id is str"),
    "number for text": ({"note_id": [1], "body": [5], "weight": [1.0], "rank": [1]}, "body is int64"),
    "fraction": ({"note_id": [1.5], "body": ["x"], "weight": [1.0], "rank": [1]}, "note_id is float64"),
    "too large": ({"note_id": [1], "body": ["x"], "weight": [1.0], "rank": [70_000]}, "rank is int64"),
    "time for a number": ({"note_id": [_NOW], "body": ["x"], "weight": [1.0], "rank": [1]}, "note_id is datetime"),
    "truth for a number": ({"note_id": [True], "body": ["x"], "weight": [1.0], "rank": [1]}, "note_id is bool"),
    "mixed": ({"note_id": [1], "body": ["x"], "weight": [1.0], "rank": ["a"]}, "rank"),
    "null": ({"note_id": [None], "body": ["x"], "weight": [1.0], "rank": [1]}, "note_id is null"),
}


@pytest.mark.parametrize("case", list(_FRAMES))
def test_frames_that_do_not_fit_are_refused_and_what_was_stored_stays(
    lake: Lake, instance: dg.DagsterInstance, case: str
) -> None:
    lake.write("notes", _notes([1, 2, 3]))
    columns, says = _FRAMES[case]

    @dg.asset(name="notes")
    def wrong() -> pd.DataFrame:
        return pd.DataFrame(columns)

    with pytest.raises(SchemaMismatch, match=says):
        run(lake, [wrong], instance)
    assert lake.version("notes") == 1
    assert lake.read("notes").num_rows == 3


def test_what_pandas_makes_of_gaps_is_taken(lake: Lake, instance: dg.DagsterInstance) -> None:
    @dg.asset(name="notes")
    def gaps() -> pd.DataFrame:
        return pd.DataFrame(
            {"note_id": [1, 2], "body": ["x", None], "weight": [float("nan"), 2.0], "rank": [3.0, None]}
        )

    run(lake, [gaps], instance)
    assert lake.read("notes").to_pylist() == [
        {"note_id": 1, "body": "x", "weight": None, "rank": 3},
        {"note_id": 2, "body": None, "weight": 2.0, "rank": None},
    ]


def test_an_asset_without_a_table_and_one_that_disagrees_on_months_are_refused(
    lake: Lake, instance: dg.DagsterInstance
) -> None:
    @dg.asset
    def nowhere() -> pa.Table:
        return NOTES.empty()

    @dg.asset(name="bars")
    def unpartitioned() -> pa.Table:
        return BARS.empty()

    with pytest.raises(dg.DagsterInvariantViolationError, match="nowhere has no table in the lake"):
        run(lake, [nowhere], instance)
    with pytest.raises(dg.DagsterInvariantViolationError, match="its asset is not partitioned"):
        run(lake, [unpartitioned], instance)
