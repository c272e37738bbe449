"""Over five thousand partitions are listed with as few questions as fifty, in the history and in the lake."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster._core.events import DagsterEvent, StepMaterializationData
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.partition_status_cache import get_and_update_asset_status_cache_value
from deltalake.transaction import AddAction
from sqlalchemy import Engine, event

from cyberpi_assets.orchestration.history import configured
from cyberpi_assets.storage.lake import Lake
from cyberpi_assets_tests.storage.worked import BARS, LAKE_TABLES

MANY, FEW = 5_114, 50  # fourteen years of days
FIRST = dt.date(2012, 1, 1)


def _days(count: int) -> list[str]:
    return [str(FIRST + dt.timedelta(days=i)) for i in range(count)]


@contextmanager
def _counted() -> Generator[list[str]]:
    """The statements that any engine of this process sends meanwhile."""
    sent: list[str] = []

    def note(_con: object, _cursor: object, statement: str, *_: object) -> None:
        sent.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def _materialized(key: dg.AssetKey, day: str, run: str) -> EventLogEntry:
    """What a run tells of one partition that it has stored."""
    data = StepMaterializationData(dg.AssetMaterialization(key, partition=day))
    told = DagsterEvent("ASSET_MATERIALIZATION", "many", step_key="by_day", event_specific_data=data)
    return EventLogEntry(None, 10, "", run, 1_700_000_000.0, "by_day", "many", told)


def _listed(folder: Path, count: int) -> tuple[int, int, int]:
    """Store so many partitions of one run; how many are listed, in two ways, and the statements that took."""
    folder.mkdir()
    config = {"storage": configured(str(folder / "history")), "telemetry": {"enabled": False}}
    (folder / "dagster.yaml").write_text(yaml.safe_dump(config))
    days, key, run = (
        dg.StaticPartitionsDefinition(_days(count)),
        dg.AssetKey("by_day"),
        "00000000-0000-4000-8000-000000000000",
    )
    with dg.DagsterInstance.from_config(str(folder)) as instance:
        instance.event_log_storage.store_event_batch([_materialized(key, day, run) for day in _days(count)])
        with _counted() as sent:
            done = instance.get_materialized_partitions(key)
            cached = get_and_update_asset_status_cache_value(instance, key, days)
        assert cached is not None
        subset = cached.deserialize_materialized_partition_subsets(days)
        return len(done), len(subset), len(sent)


def test_the_history_lists_five_thousand_partitions_with_as_few_statements_as_fifty(tmp_path: Path) -> None:
    *few, statements_of_few = _listed(tmp_path / "few", FEW)
    *many, statements_of_many = _listed(tmp_path / "many", MANY)
    assert (few, many) == ([FEW, FEW], [MANY, MANY])
    assert 0 < statements_of_many <= statements_of_few


def test_the_lake_lists_five_thousand_partitions_from_its_log_alone(lake: Lake) -> None:
    """The files themselves are not there: whoever opened one to list them would fail."""
    lake.create()
    stats = json.dumps({"numRecords": 2})
    files = [AddAction(f"month={d}/{i}.parquet", 10, {"month": d}, 0, True, stats) for i, d in enumerate(_days(MANY))]
    target = lake._delta("bars")  # pyright: ignore[reportPrivateUsage]
    target.create_write_transaction(list(files), mode="append", schema=BARS.schema, partition_by=["month"])
    assert sorted(lake.contents("bars")) == _days(MANY)
    assert lake.size("bars").rows == 2 * MANY
    assert lake.size("bars", months=["2020-02-29"]).rows == 2
    assert len(lake.files("bars", ["2020-02-29"])) == 1


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake", LAKE_TABLES)
