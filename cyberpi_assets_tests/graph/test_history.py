"""The history written in batches says the same as Dagster's own, event by event."""

from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml

from cyberpi_assets.orchestration.history import BATCH_VARIABLE, configured

_MONTHS = dg.MonthlyPartitionsDefinition(start_date="2024-01-01", end_date="2025-01-01")


@dg.asset(partitions_def=_MONTHS, backfill_policy=dg.BackfillPolicy.single_run())
def by_month(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
    return dg.MaterializeResult(metadata={"rows": len(context.partition_keys)}, tags={"kind": "range"})


@dg.asset(deps=[by_month])
def whole() -> None: ...


@dg.asset_check(asset=whole)
def holds() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True)


def _history(folder: Path, storage: dict[str, Any]) -> list[tuple[Any, ...]]:
    folder.mkdir()
    (folder / "dagster.yaml").write_text(yaml.safe_dump({"telemetry": {"enabled": False}, "storage": storage}))
    defs = dg.Definitions(
        [by_month, whole], asset_checks=[holds], jobs=[dg.define_asset_job("all_of_it", [by_month, whole])]
    )
    logged = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    ends = {"dagster/asset_partition_range_start": "2024-02-01", "dagster/asset_partition_range_end": "2024-11-01"}
    with dg.DagsterInstance.from_config(str(folder)) as instance:
        result = defs.resolve_job_def("all_of_it").execute_in_process(instance=instance, tags=ends, run_config=logged)
        assert result.success
        key = by_month.key
        latest = instance.get_latest_materialization_event(key)
        assert latest is not None
        assert latest.asset_materialization is not None
        records = instance.get_event_records(
            dg.EventRecordsFilter(dg.DagsterEventType.ASSET_MATERIALIZATION, asset_key=key), ascending=True
        )
        return [(e.dagster_event_type, e.step_key) for e in instance.all_logs(result.run_id) if e.is_dagster_event] + [
            sorted(instance.get_materialized_partitions(key)),
            latest.asset_materialization.partition,
            [r.partition_key for r in records],
            [r.asset_materialization.tags["kind"] for r in records if r.asset_materialization],
            instance.get_latest_materialization_event(whole.key) is not None,
            sorted(k.to_user_string() for k in instance.all_asset_keys()),
        ]


@pytest.mark.filterwarnings("ignore")
def test_a_range_run_leaves_the_same_history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(BATCH_VARIABLE, raising=False)
    plain = _history(tmp_path / "plain", {"sqlite": {"base_dir": str(tmp_path / "plain" / "h")}})
    monkeypatch.setenv(BATCH_VARIABLE, "4")  # batches end within the range
    batched = _history(tmp_path / "batched", configured(str(tmp_path / "batched" / "h")))
    assert batched == plain
    assert len(batched[-6]) == 10
