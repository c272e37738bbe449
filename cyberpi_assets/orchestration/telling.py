"""Sensors that tell people: of alerts, of warnings, of runs that failed. They are stopped until somebody starts them.

Here belongs when somebody looks whether there is something to tell. What is due, and that it is told once, is in
`notifying.py`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Final

import dagster as dg

from cyberpi_assets.orchestration.notifying import (
    OFF,
    Told,
    due_alerts,
    outbox_of,
    tell,
    tell_warnings,
    wanted,
)
from cyberpi_assets.orchestration.partitions import run_months
from cyberpi_assets.orchestration.resources import lake_of
from cyberpi_assets.orchestration.retrying import reason_of
from cyberpi_assets.reports.notices import of_failed_run
from cyberpi_assets.settings import Settings
from cyberpi_assets.storage.lake import Lake

EVERY_SECONDS: Final = 60


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def telling_sensors(settings: Settings, now: Callable[[], dt.datetime] = _now) -> list[dg.SensorDefinition]:
    """The sensors, for these settings. `now`: the moment of a look, UTC."""

    def look(
        context: dg.SensorEvaluationContext, tables: tuple[str, ...], act: Callable[[Lake], Told]
    ) -> dg.SensorResult | dg.SkipReason:
        if not wanted(settings):
            return dg.SkipReason(OFF)
        lake = lake_of(settings)
        versions = ",".join(str(lake.version(name)) for name in tables)
        if any(lake.version(name) < 0 for name in tables):
            return dg.SkipReason(f"no data yet: {', '.join(tables)}")
        outbox = outbox_of(settings, lake)
        if context.cursor == versions and not outbox.failed(settings.notify.tries):
            return dg.SkipReason("nothing new since the last look")
        told = act(lake)
        if told.reason is not None:
            context.log.warning(told.words())
        return dg.SensorResult(skip_reason=dg.SkipReason(told.words()), cursor=versions)

    @dg.sensor(
        name="high_severity_alerts",
        minimum_interval_seconds=EVERY_SECONDS,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description="Tells people of alerts that hold and are severe enough (CYBERPI_NOTIFY__MIN_SEVERITY), each once. "
        "Off without CYBERPI_NOTIFY__URLS. Starts no run.",
    )
    def high_severity_alerts(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        return look(context, ("alerts",), lambda lake: tell(settings, lake, due_alerts(settings, lake), now))

    @dg.sensor(
        name="early_warning_notices",
        minimum_interval_seconds=EVERY_SECONDS,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description="Tells people of open early warnings that are urgent enough, each once, and again only when it has "
        "become more urgent. Off without CYBERPI_NOTIFY__URLS. Starts no run.",
    )
    def early_warning_notices(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        tables = ("warning_ledger", "early_warnings")
        return look(context, tables, lambda lake: tell_warnings(settings, lake, now))

    @dg.run_failure_sensor(
        name="failed_runs",
        minimum_interval_seconds=EVERY_SECONDS,
        default_status=dg.DefaultSensorStatus.STOPPED,
        monitor_all_code_locations=True,  # runs of the terminal name no location
        description="Tells people of each run that failed, of the terminal too: its job, months, step and reason. Off "
        "without CYBERPI_NOTIFY__URLS. Starts no run.",
    )
    def failed_runs(context: dg.RunFailureSensorContext) -> dg.SkipReason:
        if not wanted(settings):
            return dg.SkipReason(OFF)
        run = context.dagster_run
        step, why = _failure(context)
        notice = of_failed_run(run.run_id, run.job_name, run_months(run.tags), step, why, now())
        told = tell(settings, lake_of(settings), [notice], now)
        if told.reason is not None:
            context.log.warning(told.words())
        return dg.SkipReason(told.words())

    return [high_severity_alerts, early_warning_notices, failed_runs]


def _failure(context: dg.RunFailureSensorContext) -> tuple[str | None, str | None]:
    """The first step that failed and the first line of its reason, without what wraps it."""
    for event in context.get_step_failure_events():
        error = event.step_failure_data.error
        cause = reason_of(error) if error is not None else None
        words = cause.message.strip().splitlines() if cause is not None else []
        return event.step_key, words[0] if words else None
    return None, context.failure_event.message
