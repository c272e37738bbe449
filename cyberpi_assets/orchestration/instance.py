"""The Dagster instance of a profile, and the set-up that must happen once, alone.

Here belongs where Dagster keeps its history and how the first start is made safe. Which jobs run is in `jobs.py`.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import yaml

from cyberpi_assets.orchestration import cluster, launching
from cyberpi_assets.orchestration.history import BATCH, BATCH_VARIABLE, configured
from cyberpi_assets.orchestration.pools import queue_limits, set_pools
from cyberpi_assets.orchestration.resources import lake_of
from cyberpi_assets.settings import Settings

RUN_LOCK = ".run.lock"  # of the profile: whoever computes from a terminal holds it


class AlreadyRunning(RuntimeError):
    """Another run of this profile is going on."""


@contextmanager
def alone(settings: Settings, name: str, *, wait: bool) -> Generator[None]:
    """Hold one of the profile's locks. Raises AlreadyRunning where it is held and `wait` is false."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    with (settings.data_dir / f".{name}.lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise AlreadyRunning(f"another run of profile {settings.profile.value} is going on") from None
        yield


def instance_config(history: Path, lock: Path) -> dict[str, Any]:
    """What dagster.yaml of the checkout says, with an absolute folder, and a launcher that knows dead processes.

    `lock` is held by a run from a terminal.
    """
    return {
        "telemetry": {"enabled": False},
        "nux": {"enabled": False},
        "storage": configured(str(history)),
        "local_artifact_storage": {
            "module": "dagster._core.storage.root",
            "class": "LocalArtifactStorage",
            "config": {"base_dir": str(history)},
        },
        "compute_logs": {
            "module": "dagster._core.storage.local_compute_log_manager",
            "class": "LocalComputeLogManager",
            "config": {"base_dir": str(history / "compute_logs")},
        },
        "run_launcher": launching.configured(lock),
        # a run that does not start, or whose process is gone, is ended within minutes; its slots are given back
        "run_monitoring": {
            "enabled": True,
            "poll_interval_seconds": 30,
            "start_timeout_seconds": 120,
            "free_slots_after_run_end_seconds": 300,
        },
    }


def prepare(settings: Settings) -> Path:
    """Make the folders, the instance and the tables, one process at a time; the folder that is DAGSTER_HOME.

    Eight first starts at once break an empty SQLite instance for good, so the first one is made under a lock.
    """
    os.environ.setdefault(BATCH_VARIABLE, str(BATCH))  # of this process and of those it starts
    history = settings.dagster_dir
    home = history / "home"
    with alone(settings, "set-up", wait=True):
        home.mkdir(parents=True, exist_ok=True)
        settings.spill_dir.mkdir(parents=True, exist_ok=True)
        limits = {"concurrency": queue_limits(settings.concurrency)}
        config = instance_config(history, settings.data_dir / RUN_LOCK) | limits | cluster.sections(settings)
        aside = home / ".dagster.yaml.writing"  # a daemon may be reading it
        aside.write_text(yaml.safe_dump(config, sort_keys=False))
        aside.replace(home / "dagster.yaml")
        with dg.DagsterInstance.from_config(str(home)) as instance:
            instance.get_runs(limit=1)
            set_pools(instance, settings.concurrency.pools)
        lake_of(settings).create()
    return home


@contextmanager
def opened(settings: Settings) -> Generator[dg.DagsterInstance]:
    """The instance of the profile, ready for runs."""
    home = prepare(settings)
    with dg.DagsterInstance.from_config(str(home)) as instance:
        yield instance
