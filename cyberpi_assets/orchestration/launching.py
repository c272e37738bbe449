"""Runs that the web interface and the daemon launch on this machine, and how one is found whose process is gone.

Here belongs whether a run that seems to go on still has a process. Dagster's own launcher starts the process and sees
it die as long as the code server lives that started it. Where both are killed at once (power, memory, a service manager
that ends the whole group) nobody is left to tell, and the run would seem to go on until its longest time is over. Run
monitoring asks this launcher instead: when the daemon starts, and every two minutes.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.events import DagsterEventType, EngineEventData
from dagster._core.launcher import CheckRunHealthResult, DefaultRunLauncher, WorkerStatus
from dagster._core.storage.tags import GRPC_INFO_TAG
from dagster._serdes import ConfigurableClassData

GONE = "The process of this run is gone."
_SLACK_S = 5.0  # the kernel's clock of processes against that of events


def configured(lock: Path) -> dict[str, Any]:
    """The `run_launcher` section of a dagster.yaml; `lock` is what a run from a terminal holds as long as it lives."""
    return {"module": __name__, "class": LocalRunLauncher.__name__, "config": {"lock": str(lock.absolute())}}


class LocalRunLauncher(DefaultRunLauncher):
    """Dagster's default launcher, which can also say whether a run's process still lives."""

    def __init__(self, inst_data: ConfigurableClassData | None = None, lock: str = "") -> None:
        super().__init__(inst_data)
        self._lock = Path(lock)

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        """The one setting."""
        return {"lock": str}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData, config_value: Mapping[str, Any]) -> LocalRunLauncher:
        """From `run_launcher:` of a dagster.yaml."""
        return cls(inst_data, **config_value)

    @property
    def supports_check_run_worker_health(self) -> bool:
        """It can be asked."""
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """FAILED where the process is gone for certain; what cannot be known counts as running."""
        gone = self._process_gone(run.run_id) if GRPC_INFO_TAG in run.tags else not held(self._lock)
        return CheckRunHealthResult(WorkerStatus.FAILED, GONE) if gone else CheckRunHealthResult(WorkerStatus.RUNNING)

    def _process_gone(self, run_id: str) -> bool:
        """Whether the process that said that it runs this is gone. Before it has said so nothing is known."""
        entries = self._instance.all_logs(run_id, of_type=DagsterEventType.ENGINE_EVENT)
        for entry in reversed(entries):
            data = entry.get_dagster_event().event_specific_data
            pid = data.metadata.get("pid") if isinstance(data, EngineEventData) else None
            if pid is not None:
                return not lives(int(str(pid.value)), entry.timestamp)
        return False


def held(lock: Path) -> bool:
    """Whether a process holds a lock file."""
    try:
        with lock.open("rb") as handle:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def lives(pid: int, seen: float) -> bool:
    """Whether the process that had this number at a moment (seconds since 1970) still runs.

    Where the kernel tells when a process began, a later one of the same number is not taken for it.
    """
    try:
        os.kill(pid, 0)
    except OSError as error:
        return error.errno != errno.ESRCH
    try:
        state, *rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        boot = next(line for line in Path("/proc/stat").read_text().splitlines() if line.startswith("btime"))
    except (OSError, StopIteration):
        return True  # not Linux, or it ended between two looks: the next one will tell
    began = int(boot.split()[1]) + int(rest[18]) / os.sysconf("SC_CLK_TCK")
    return state != "Z" and began <= seen + _SLACK_S
