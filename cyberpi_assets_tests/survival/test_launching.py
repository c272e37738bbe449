"""A run whose process is gone is ended by run monitoring; one whose process lives is left alone."""

from __future__ import annotations

import fcntl
import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster._core.events import EngineEventData
from dagster._core.storage.tags import GRPC_INFO_TAG
from dagster._daemon.monitoring.run_monitoring import monitor_started_run

from cyberpi_assets.orchestration import launching

_OF_THE_WEB = {GRPC_INFO_TAG: "{}"}


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    config = {"run_launcher": launching.configured(tmp_path / "lock"), "telemetry": {"enabled": False}}
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump(config))
    with dg.DagsterInstance.from_config(str(tmp_path)) as made:
        yield made


def _monitored(instance: dg.DagsterInstance, tags: dict[str, str], pid: int | None) -> dg.DagsterRunStatus:
    """How a run stands that some process said it runs, once run monitoring has looked."""
    job = dg.define_asset_job("nothing")
    made = dg.Definitions([dg.AssetSpec("a")], jobs=[job]).resolve_job_def("nothing")
    run = instance.create_run_for_job(made, status=dg.DagsterRunStatus.STARTED, tags=tags)
    if pid is not None:
        instance.report_engine_event("Started process for run.", run, EngineEventData.in_process(pid))
    (record,) = instance.get_run_records(dg.RunsFilter(run_ids=[run.run_id]))
    monitor_started_run(instance, None, record, logging.getLogger("quiet"))  # pyright: ignore[reportArgumentType]
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    return found.status


def test_a_run_of_the_web_interface_ends_with_its_process(instance: dg.DagsterInstance) -> None:
    assert _monitored(instance, _OF_THE_WEB, None) is dg.DagsterRunStatus.STARTED  # not known yet
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert _monitored(instance, _OF_THE_WEB, child.pid) is dg.DagsterRunStatus.STARTED
    child.kill()
    child.wait()
    assert _monitored(instance, _OF_THE_WEB, child.pid) is dg.DagsterRunStatus.FAILURE


def test_a_run_of_a_terminal_ends_with_the_lock_that_it_holds(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    assert _monitored(instance, {}, os.getpid()) is dg.DagsterRunStatus.FAILURE
    with (tmp_path / "lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        assert _monitored(instance, {}, os.getpid()) is dg.DagsterRunStatus.STARTED
    assert _monitored(instance, {}, os.getpid()) is dg.DagsterRunStatus.FAILURE


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel does not tell when a process began")
def test_a_later_process_of_the_same_number_is_not_taken_for_it() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        assert launching.lives(child.pid, time.time())
        assert not launching.lives(child.pid, time.time() - 3_600)
    finally:
        child.kill()
        child.wait()
    assert not launching.lives(child.pid, time.time())
