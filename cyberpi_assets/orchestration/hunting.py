"""News and hunts from a terminal: what is new is read, and signals and warnings are computed again."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable

import dagster as dg

from cyberpi_assets.orchestration.instance import alone, opened
from cyberpi_assets.orchestration.partitions import MONTHS
from cyberpi_assets.orchestration.resources import sources_of
from cyberpi_assets.orchestration.runs import run
from cyberpi_assets.orchestration.schedules import news_months
from cyberpi_assets.settings import Profile, Settings

_NEWS = ("news_facts", "halt_facts", "company_filing_facts")


def hunt_again(settings: Settings, job: Callable[[], dg.JobDefinition]) -> bool:
    """Compute the group `signals`; whether it went through. Raises AlreadyRunning.

    `job` is a function of a module, by whose name Dagster finds the job again.
    """
    with alone(settings, "run", wait=False), opened(settings) as instance:
        os.environ.update(settings.as_environment())  # the job is found again by name, from the environment
        found = dg.execute_job(
            dg.reconstructable(job),
            instance=instance,
            run_config={"loggers": {"progress": {}}},
            tags={"cyberpi/hunt": "1"},
        )
        return found.success


def news_once(settings: Settings, job: Callable[[], dg.JobDefinition]) -> bool | None:
    """Read what is new of news and compute it, and the warnings; whether it went through, None where there is no news.

    Profile live asks each source that is due; other profiles compute the months that have any. Raises AlreadyRunning.
    `job` as in `hunt_again`.
    """
    if settings.profile is Profile.LIVE:
        return run(settings, job, months=news_months(dt.datetime.now(dt.UTC))).success
    by_fact = sources_of(settings, asks=False).gather().signatures(_NEWS)
    months = sorted({m for by_month in by_fact.values() for m in by_month} & set(MONTHS.get_partition_keys()))
    return run(settings, job, months=(months[0], months[-1]), asks=False).success if months else None
