"""Assembly: assets, checks, jobs and resources of one profile. Nothing is computed or decided here."""

from __future__ import annotations

from collections.abc import Mapping

import dagster as dg

from cyberpi_assets.assets.stages import STAGES
from cyberpi_assets.checks import CHECKS
from cyberpi_assets.checks.catalogue import declared
from cyberpi_assets.orchestration.check_reports import check_reports, checks_again
from cyberpi_assets.orchestration.cluster import executor_of
from cyberpi_assets.orchestration.jobs import JOBS
from cyberpi_assets.orchestration.progress import progress_logger
from cyberpi_assets.orchestration.resources import lake_of, resources_of
from cyberpi_assets.orchestration.schedules import schedules_of
from cyberpi_assets.orchestration.sensors import sensors_of
from cyberpi_assets.settings import Settings


def build_defs(settings: Settings, resources: Mapping[str, object] | None = None) -> dg.Definitions:
    """All definitions for a profile; `resources` take the place of those the settings select."""
    return dg.Definitions(
        assets=[asset for stage in STAGES for asset in stage.ASSETS],
        asset_checks=CHECKS,
        jobs=[*JOBS, checks_again],
        sensors=[*sensors_of(settings), check_reports(lake_of(settings))],
        schedules=schedules_of(settings),
        resources={**resources_of(settings), "declared_checks": declared(), **(resources or {})},
        executor=executor_of(settings),
        loggers={"progress": progress_logger},
    )


defs = build_defs(Settings())  # pyright: ignore[reportCallIssue]


def everything_job() -> dg.JobDefinition:
    """The job of all assets, for the settings of the environment."""
    return build_defs(Settings()).resolve_job_def("everything")  # pyright: ignore[reportCallIssue]


def spine_job() -> dg.JobDefinition:
    """The job of all assets but the evidence, for the settings of the environment."""
    return build_defs(Settings()).resolve_job_def("spine")  # pyright: ignore[reportCallIssue]


def news_job() -> dg.JobDefinition:
    """The job of news, signals and warnings, for the settings of the environment."""
    return build_defs(Settings()).resolve_job_def("news")  # pyright: ignore[reportCallIssue]


def hunt_job() -> dg.JobDefinition:
    """The job of signals and warnings, for the settings of the environment."""
    return build_defs(Settings()).resolve_job_def("hunt")  # pyright: ignore[reportCallIssue]


def sweep_job() -> dg.JobDefinition:
    """The job of quotes, chains and threat scores, for the settings of the environment."""
    return build_defs(Settings()).resolve_job_def("sweep")  # pyright: ignore[reportCallIssue]
