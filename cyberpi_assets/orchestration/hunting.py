"""A hunt from a terminal: signals and warnings computed again from what the lake holds; nobody is asked."""

from __future__ import annotations

import os
from collections.abc import Callable

import dagster as dg

from cyberpi_assets.orchestration.instance import alone, opened
from cyberpi_assets.settings import Settings


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
