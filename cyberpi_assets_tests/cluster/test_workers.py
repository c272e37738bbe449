"""A backfill on two workers, one of them killed: the tables are those of one machine.

Real parts on loopback: Postgres for Dagster's history, Redis as the broker, a server that speaks S3 for the lake and
for the output of steps, Celery's workers as processes. Not here: machines that are apart, and Kubernetes.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.launcher import WorkerStatus
from dagster._daemon.monitoring import RESUME_RUN_LOG_MESSAGE

from benchmarks.servers import BUCKET, Cluster, wait_for
from cyberpi_assets.definitions import build_defs
from cyberpi_assets.orchestration.celery_runs import claimed, is_claimed, work_on
from cyberpi_assets.orchestration.resources import lake_of, sources_of
from cyberpi_assets.orchestration.spread import plan_spread, spread
from cyberpi_assets.settings import Settings
from cyberpi_assets.storage.lake import Lake

MONTHS = [f"{2023 + n // 12}-{n % 12 + 1:02d}" for n in range(26)]
REFERENCE = ["corporate_actions", "companies", "official_terms", "officials", "symbol_history"]
BY_MONTH = ["daily_bars", "market_alerts", "timing_surface", "disclosed_trades"]
TABLES = [*REFERENCE, *BY_MONTH]
RESUMED, STARTED = RESUME_RUN_LOG_MESSAGE, dg.DagsterRunStatus.STARTED


def rows(lake: Lake, name: str) -> list[str]:
    """Every row of a table, in one order, written out exactly."""
    return sorted(map(repr, lake.read(name).to_pylist()))


def process_of(instance: dg.DagsterInstance, run_id: str) -> int | None:
    """The process that a run's history names last."""
    said = instance.all_logs(run_id, of_type=dg.DagsterEventType.ENGINE_EVENT)
    pids = [e.message.split("pid: ")[1].split(")")[0] for e in said if "process for run (pid" in e.message]
    return int(pids[-1]) if pids else None


def kill_in_the_middle(instance: dg.DagsterInstance, workers: Sequence[subprocess.Popen[bytes]]) -> str:
    """Kill -9 a whole worker that is certainly within a run; the run's id."""
    deadline = time.monotonic() + 200
    while time.monotonic() < deadline:
        going = instance.get_runs(dg.RunsFilter(statuses=[STARTED]))
        done = instance.get_runs_count(dg.RunsFilter(statuses=[dg.DagsterRunStatus.SUCCESS]))
        for run in going if done >= 4 else ():
            pid = process_of(instance, run.run_id)
            for worker in workers:
                if pid is not None and _group(pid) == worker.pid:
                    os.killpg(worker.pid, signal.SIGSTOP)  # it cannot end its run while we look
                    now = instance.get_run_by_id(run.run_id)
                    if now is not None and now.status is STARTED:
                        os.killpg(worker.pid, signal.SIGKILL)
                        worker.wait()
                        return run.run_id
                    os.killpg(worker.pid, signal.SIGCONT)
        time.sleep(0.05)
    raise AssertionError("no worker was within a run")


def _group(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None


@pytest.mark.timeout(280)
def test_a_killed_worker_changes_no_row_of_a_backfill_on_two_workers(
    servers: Cluster, settings: Settings, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    workers = servers.workers(2)
    sources_of(settings).gather()
    planned = plan_spread(build_defs(settings), TABLES, MONTHS, per_run=4)
    last = planned.pop()  # the checks of one wave are enough here
    planned = [wave for wave in planned if not wave[0].checks] + [last]
    words: list[str] = []
    failures: list[BaseException] = []

    def launch() -> None:
        try:
            spread(settings, instance, planned, words.append)
        except BaseException as error:
            failures.append(error)

    launching = threading.Thread(target=launch)
    launching.start()
    killed = kill_in_the_middle(instance, workers)
    launching.join()
    servers.stop_workers()
    assert not failures

    runs = instance.get_runs()
    assert {run.status for run in runs} == {dg.DagsterRunStatus.SUCCESS}
    assert len(runs) == sum(len(wave) for wave in planned)
    resumed = [e for e in instance.all_logs(killed) if e.message == RESUMED]
    assert len(resumed) == 1
    assert any("is gone: the run goes to another" in line for line in words)
    for name in BY_MONTH:  # each month of each asset was materialised, as Dagster knows it
        assert set(MONTHS) <= instance.get_materialized_partitions(dg.AssetKey(name))

    alone = settings.model_copy(update={"lake_url": None, "postgres_url": None, "store": tmp_path / "alone"})
    (tmp_path / "alone" / "spill").mkdir(parents=True)
    reference = build_defs(alone, {"sources": sources_of(settings)})
    assets = [reference.resolve_assets_def(dg.AssetKey(name)) for name in TABLES]
    tags = {"dagster/asset_partition_range_start": MONTHS[0], "dagster/asset_partition_range_end": MONTHS[-1]}
    quiet = {"loggers": {"console": {"config": {"log_level": "ERROR"}}}}
    done = dg.materialize(assets, tags=tags, run_config=quiet)
    assert done.success
    here, there = lake_of(alone), lake_of(settings)
    for name in TABLES:
        assert rows(there, name) == rows(here, name), name
        assert rows(here, name), name

    output = servers.storage().list_objects_v2(Bucket=BUCKET, Prefix="logs/storage/")
    assert output["KeyCount"] > 0


def started_run(instance: dg.DagsterInstance, **tags: str) -> Any:
    """A run that goes on, of a job that nobody will execute here."""

    @dg.op
    def nothing() -> None: ...

    @dg.job
    def idle() -> None:
        nothing()

    return instance.create_run_for_job(idle, status=STARTED, tags=tags)


def test_a_run_has_one_worker_and_a_dead_worker_has_none(servers: Cluster, settings: Settings) -> None:
    assert settings.postgres_url is not None
    history = settings.postgres_url.get_secret_value()
    holder = (
        "import sys, time\n"
        "from cyberpi_assets.orchestration.celery_runs import claimed\n"
        "with claimed(sys.argv[1], 'a run') as mine:\n"
        "    print(mine, flush=True)\n"
        "    time.sleep(600)\n"
    )
    other = subprocess.Popen([sys.executable, "-c", holder, history], stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None
    try:
        assert other.stdout.readline() == "True\n"
        assert is_claimed(history, "a run")
        assert not is_claimed(history, "another run")
        with claimed(history, "a run") as mine, claimed(history, "another run") as the_other:
            assert (mine, the_other) == (False, True)
    finally:
        other.kill()
        other.wait()
    wait_for(lambda: not is_claimed(history, "a run"), "Postgres to notice")


def test_what_another_has_or_what_ended_is_left_alone(settings: Settings, instance: dg.DagsterInstance) -> None:
    assert settings.postgres_url is not None
    history = settings.postgres_url.get_secret_value()
    run = started_run(instance)
    with claimed(history, run.run_id):
        assert work_on(history, run.run_id, counted=False) == 0
    now = instance.get_run_by_id(run.run_id)
    assert now is not None
    assert now.status is STARTED
    assert RESUMED not in [e.message for e in instance.all_logs(run.run_id)]
    instance.report_run_canceled(now)
    before = len(instance.all_logs(run.run_id))
    assert work_on(history, run.run_id, counted=False) == 0
    assert len(instance.all_logs(run.run_id)) == before


def test_a_run_that_kills_its_workers_is_given_up(settings: Settings, instance: dg.DagsterInstance) -> None:
    assert settings.postgres_url is not None
    run = started_run(instance)
    for _ in range(settings.cluster.resumes):
        instance.report_engine_event(RESUMED, run)
    assert work_on(settings.postgres_url.get_secret_value(), run.run_id, counted=False) == 1
    now = instance.get_run_by_id(run.run_id)
    assert now is not None
    assert now.status is dg.DagsterRunStatus.FAILURE


def test_a_launched_run_that_no_worker_has_taken_is_not_taken_for_lost(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    assert settings.postgres_url is not None
    launcher = instance.run_launcher
    run = started_run(instance, **{"dagster-celery/task_id": "never begun"})
    assert launcher.check_run_worker_health(run).status is WorkerStatus.RUNNING
    with claimed(settings.postgres_url.get_secret_value(), run.run_id):
        assert launcher.check_run_worker_health(run).status is WorkerStatus.RUNNING
