from __future__ import annotations

import os
from collections.abc import Generator

import dagster as dg
import pytest

from benchmarks.servers import Cluster, NoServer
from cyberpi_assets.settings import Settings


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Generator[Cluster]:
    """Postgres, Redis and object storage on loopback; under CI their absence is a failure, elsewhere a visible skip."""
    cluster = Cluster(tmp_path_factory.mktemp("cluster"))
    try:
        yield cluster.start()
    except NoServer as error:
        if os.environ.get("CI"):
            pytest.fail(str(error))
        pytest.skip(str(error))
    finally:
        cluster.close()


@pytest.fixture
def settings(servers: Cluster, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings of that cluster, as its workers have them; DAGSTER_HOME is written."""
    monkeypatch.setenv("CYBERPI_DEMO_MONTHS", '["2023-01", "2025-02"]')
    for name, value in servers.environment.items():
        monkeypatch.setenv(name, value)
    return servers.configure()


@pytest.fixture
def instance(servers: Cluster, settings: Settings) -> Generator[dg.DagsterInstance]:
    """Dagster's instance of that cluster: history in Postgres, runs to workers, their output on object storage."""
    with dg.DagsterInstance.from_config(str(servers.home)) as found:
        yield found
