"""The store of one whole run on the simulated world, made once for all who read it, in whichever test process."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import pytest

from cyberpi_assets.storage import redis_server
from cyberpi_assets_tests.e2e.terminal import Terminal


@dataclass(frozen=True)
class Demo:
    """A finished run of profile demo, and the terminal on its store."""

    cyberpi: Terminal
    store: Path
    first: subprocess.CompletedProcess[str]


@contextmanager
def _alone(path: Path) -> Iterator[TextIO]:
    with path.open("a+") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        handle.seek(0)
        yield handle


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """`cyberpi run` on an empty store, with nothing configured; the first test process that wants it makes it.

    The last one that used it stops its Redis server.
    """
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "demo"
    folder.mkdir(exist_ok=True)
    store, said, users = folder / "store", folder / "said.json", folder / "users"
    cyberpi = Terminal(store)
    with _alone(users) as handle:
        count = int(handle.read() or 0)
        if not said.exists():
            done = cyberpi("run")
            said.write_text(json.dumps([done.args, done.returncode, done.stdout, done.stderr]))
        users.write_text(str(count + 1))
    yield Demo(cyberpi, store, subprocess.CompletedProcess(*json.loads(said.read_text())))
    with _alone(users) as handle:
        count = int(handle.read()) - 1
        users.write_text(str(count))
        if count == 0:
            redis_server.stop(store / "redis")
