from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from cyberpi_assets.rules.running import HighwayRules
from cyberpi_assets.settings import Settings
from cyberpi_assets.storage import redis_server

RULES = HighwayRules(batch=50, claim_idle_seconds=0.2, max_deliveries=3, heartbeat_seconds=0.1)  # pyright: ignore[reportCallIssue]


@pytest.fixture(scope="session")
def _server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:  # pyright: ignore[reportUnusedFunction]
    folder = tmp_path_factory.mktemp("highway")
    redis_server.ensure(folder / "redis")
    yield folder
    redis_server.stop(folder / "redis")


@pytest.fixture
def settings(_server: Path) -> Settings:
    """Settings of a store whose Redis runs and is empty."""
    found = Settings(store=_server, highway=RULES)  # pyright: ignore[reportCallIssue]
    redis_server.connect(found).flushall()
    return found


@pytest.fixture
def client(settings: Settings) -> redis.Redis:
    return redis_server.connect(settings)
