"""Runs on Celery's workers: who has a run, how its worker's death is noticed, and how the run goes on.

Dagster's own launcher cannot tell a run that a worker has from one whose worker was killed: Celery says `STARTED` of
both, and a message that is handed out again is taken for a duplicate. Here a worker holds a claim for as long as it
works on a run: an advisory lock of Postgres, which the server lets go when the worker's connection breaks. So

- the run monitor of Dagster's daemon asks for the claim, and resumes a run that nobody has;
- a message that is handed out again resumes the run, unless another worker has the claim or the run has ended;
- nobody works on a run that somebody else works on, whatever broker and monitor believe.

A resumed run executes its steps again: each replaces what it stores in one transaction.
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, cast

import dagster as dg
import psycopg2
from dagster._cli.api import (
    _execute_run_command_body,  # pyright: ignore[reportPrivateUsage] - as Dagster's own launcher has them
    _resume_run_command_body,  # pyright: ignore[reportPrivateUsage]
)
from dagster._core.launcher import CheckRunHealthResult, LaunchRunContext, ResumeRunContext, WorkerStatus
from dagster._daemon.monitoring import RESUME_RUN_LOG_MESSAGE, count_resume_run_attempts
from dagster_celery.launcher import CeleryRunLauncher
from dagster_celery.tags import DAGSTER_CELERY_TASK_ID_TAG
from dagster_postgres.event_log import PostgresEventLogStorage
from sqlalchemy.engine import make_url

if TYPE_CHECKING:
    from dagster._core.workspace.context import BaseWorkspaceRequestContext
    from psycopg2.extensions import connection

EXECUTE, RESUME = "cyberpi.execute_run", "cyberpi.resume_run"  # names of tasks, `celery_app.py` registers them
_QUEUED = ("PENDING", "RETRY", "RECEIVED")  # Celery says PENDING of what no worker has begun


class NoCommonHistory(RuntimeError):
    """Workers of several machines need Dagster's history in Postgres."""


def history_of(instance: dg.DagsterInstance) -> str:
    """The address of the database that holds the instance's history. Raises NoCommonHistory."""
    storage: Any = instance.event_log_storage
    if not isinstance(storage, PostgresEventLogStorage):
        raise NoCommonHistory("runs on workers need Dagster's history in Postgres: set CYBERPI_POSTGRES_URL")
    return storage.postgres_url


def _connected(history: str) -> connection:
    """A connection of its own; the server notices within two minutes that whoever has it is gone."""
    address = make_url(history).set(drivername="postgresql").render_as_string(hide_password=False)
    alive: dict[str, Any] = {
        "keepalives": 1,
        "keepalives_idle": 60,
        "keepalives_interval": 15,
        "keepalives_count": 4,
    }
    options = "-c tcp_keepalives_idle=60 -c tcp_keepalives_interval=15 -c tcp_keepalives_count=4"
    con = psycopg2.connect(address, connect_timeout=10, options=options, **alive)
    con.autocommit = True
    return con


def _key(run_id: str) -> tuple[int, int]:
    """The two numbers of the run's lock."""
    digest = hashlib.sha256(f"cyberpi run {run_id}".encode()).digest()
    return int.from_bytes(digest[:4], signed=True), int.from_bytes(digest[4:8], signed=True)


@contextmanager
def claimed(history: str, run_id: str) -> Generator[bool]:
    """Hold the claim of a run, in the database of that address; False where somebody else holds it."""
    with closing(_connected(history)) as con, con.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", _key(run_id))
        yield bool(cast(tuple[bool], cursor.fetchone())[0])


def is_claimed(history: str, run_id: str) -> bool:
    """Whether somebody works on a run. Asks without taking the claim, which a worker may want in that moment."""
    with closing(_connected(history)) as con, con.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 2 "
            "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
            "AND classid = (%s & 4294967295)::oid AND objid = (%s & 4294967295)::oid",
            _key(run_id),
        )
        return cast(tuple[int], cursor.fetchone())[0] > 0


class HouseCeleryLauncher(CeleryRunLauncher):
    """Dagster's launcher of runs as Celery tasks, with a true answer to whether a run's worker lives.

    A message names the run and nothing else. Dagster's own launcher cannot resume: it names an argument wrongly.
    """

    def launch_run(self, context: LaunchRunContext) -> None:
        """Hand a run to the workers."""
        self._send(EXECUTE, context.dagster_run)

    def resume_run(self, context: ResumeRunContext) -> None:
        """Hand a run whose worker is gone to the others."""
        self._send(RESUME, context.dagster_run)

    def _send(self, task: str, run: dg.DagsterRun) -> None:
        signature: Any = self.celery.signature(task, kwargs={"run_id": run.run_id}, immutable=True)
        self._launch_celery_task_run(run=run, task_signature=signature, routing_key=task)

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Running where a worker has the run or it waits for one; failed where its worker is gone."""
        state = self.celery.AsyncResult(run.tags.get(DAGSTER_CELERY_TASK_ID_TAG, "")).state
        if state in _QUEUED:
            return CheckRunHealthResult(WorkerStatus.RUNNING, "it waits for a worker")
        if is_claimed(history_of(self._instance), run.run_id):
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(WorkerStatus.FAILED, "no worker has this run: the one that had it is gone")


def work_on(history: str, run_id: str, *, counted: bool) -> int:
    """What a worker does with a run that was handed to it: execute or resume it, unless it has ended or another has it.

    `history`: address of Dagster's database. The claim comes first, for Celery says already that the run is begun.
    0 where it went through or nothing was to do, 1 where it failed. `counted`: the monitor asks for it and has counted
    the attempt; otherwise a run that goes on was handed out again, and the attempt is counted here: a run that kills
    its workers is given up.
    """
    with claimed(history, run_id) as mine, dg.DagsterInstance.get() as instance:
        run = instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            return 0
        if not mine:
            instance.report_engine_event("Another worker has this run: nothing is done here.", run)
            return 0
        if run.status is not dg.DagsterRunStatus.STARTED:
            return _execute_run_command_body(run_id, instance, _nowhere, set_exit_code_on_failure=True)
        if not counted:
            resumed = count_resume_run_attempts(instance, run_id)
            if resumed >= instance.run_monitoring_max_resume_run_attempts:
                instance.report_run_failed(run, f"Given up: its worker died again after {resumed} resumptions.")
                return 1
            instance.report_engine_event(RESUME_RUN_LOG_MESSAGE, run)
        return _resume_run_command_body(run_id, instance, _nowhere, set_exit_code_on_failure=True)


def _nowhere(_: Any) -> None:
    """The run's events are in its history."""


def worker_is_gone(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    """Whether a worker has begun a run that nobody works on now."""
    if run.status not in (dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED):
        return False
    return instance.run_launcher.check_run_worker_health(run).status is WorkerStatus.FAILED


def give_to_another(instance: dg.DagsterInstance, run: dg.DagsterRun, workspace: BaseWorkspaceRequestContext) -> bool:
    """Give a run whose worker is gone to another, as the run monitor of the daemon does; whether that was needed still.

    Unlike the monitor, also one whose worker died before the run had started. A run that was resumed too often fails.
    """
    now = instance.get_run_by_id(run.run_id)
    if now is None or now.status is not run.status:  # it has ended, or begun, meanwhile
        return False
    attempts = count_resume_run_attempts(instance, run.run_id)
    if attempts >= instance.run_monitoring_max_resume_run_attempts:
        instance.report_run_failed(now, f"Given up: its worker died again after {attempts} resumptions.")
    elif now.status is dg.DagsterRunStatus.STARTED:
        instance.resume_run(run.run_id, workspace, attempts + 1)
    else:
        instance.report_engine_event(RESUME_RUN_LOG_MESSAGE, now)
        instance.run_launcher.launch_run(LaunchRunContext(dagster_run=now, workspace=workspace))
    return True
