"""The report of checks made again once runs have ended: the sensor `check_reports` and its job.

In one process the asset `check_report` comes last in its run by itself. Where steps go on side by side, in another
executor, or where a run leaves the asset out, its results are newer than the report; then this sensor asks for one.
"""

from __future__ import annotations

from typing import Final

import dagster as dg

from cyberpi_assets.storage.engine import connect
from cyberpi_assets.storage.lake import Lake

REPORT: Final = dg.AssetKey("check_report")
EVERY_SECONDS: Final = 60
_GOING_ON: Final = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]

checks_again = dg.define_asset_job(
    "checks_again",
    selection=dg.AssetSelection.assets(REPORT),
    description="The report of checks from the results that the lake holds now; no check runs but the report's own.",
)


def newest_result(lake: Lake) -> float | None:
    """When the newest result of a check was found, in seconds since 1970, the report's own left out; None without."""
    con = connect()
    try:
        results = lake.relation(con, "check_results").filter(f"asset <> '{REPORT.to_user_string()}'")
        found = results.aggregate("max(epoch_us(checked_at))").fetchone()
    finally:
        con.close()
    return None if found is None or found[0] is None else found[0] / 1_000_000


def check_reports(lake: Lake) -> dg.SensorDefinition:
    """The sensor, over the results of one lake."""

    @dg.sensor(
        name="check_reports",
        job=checks_again,
        minimum_interval_seconds=EVERY_SECONDS,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description="Makes the report of checks again when results are newer than it and no run is going on.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        newest = newest_result(lake)
        if newest is None:
            return dg.SkipReason("no check has run yet")
        made = context.instance.get_latest_materialization_event(REPORT)
        if made is not None and made.timestamp >= newest:
            return dg.SkipReason("the report is newer than every result")
        if context.instance.get_runs_count(dg.RunsFilter(statuses=_GOING_ON)):
            return dg.SkipReason("a run is going on; its results are still to come")
        return dg.RunRequest(run_key=f"checks:{newest:.6f}")

    return sensor
