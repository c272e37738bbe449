"""The store of one whole run on the simulated world, made once for all who read it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cyberpi_assets.storage import redis_server
from cyberpi_assets_tests.e2e.terminal import Terminal


@dataclass(frozen=True)
class Demo:
    """A finished run of profile demo, and the terminal on its store."""

    cyberpi: Terminal
    store: Path
    first: subprocess.CompletedProcess[str]


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """`cyberpi run` on an empty store, with nothing configured. Tests that use it share one xdist group."""
    store = tmp_path_factory.mktemp("demo") / "store"
    cyberpi = Terminal(store)
    yield Demo(cyberpi, store, cyberpi("run"))
    redis_server.stop(store / "redis")
