"""`cyberpi ui` as a service manager runs it: started, asked through GraphQL, killed in parts, begun again.

Its processes are found in /proc among the descendants of the one that was started here; nothing else is ever ended.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import httpx

from cyberpi_assets_tests.e2e.terminal import CYBERPI, environment

Victim = Literal["run", "daemon", "webserver", "all"]
# What the command line of a process says: a run is a process that the code server has spawned.
_MARKS = {"run": "multiprocessing.spawn", "daemon": "dagster._daemon", "webserver": "dagster_webserver"}
# As a script starts something with `&`: it inherits that SIGINT is ignored.
_IN_THE_BACKGROUND = ("sh", "-c", 'trap "" INT; exec "$@"', "sh")
_PATIENCE_S = 150.0  # on a machine that others use as well

_LAUNCH = """mutation($p: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $p) {
  __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }"""
_BACKFILL = """query($id: String!) { partitionBackfillOrError(backfillId: $id) {
  ... on PartitionBackfill { status runs(limit: 50) { runId status } } } }"""
_LOADED = (
    "{ workspaceOrError { ... on Workspace { locationEntries { loadStatus locationOrLoadError { __typename } } } } }"
)


@dataclass(frozen=True)
class Backfill:
    """A backfill as the web interface shows it: its state, and the state of each of its runs."""

    status: str
    runs: tuple[str, ...]

    @property
    def over(self) -> bool:
        return self.status not in ("REQUESTED", "CANCELING", "FAILING")


@dataclass
class Web:
    """One life of `cyberpi ui` after the other, on one store."""

    store: Path
    more: Mapping[str, str] = field(default_factory=dict)
    lives: list[subprocess.Popen[bytes]] = field(default_factory=list)
    port: int = 0

    # ------------------------------------------------------------------------------------------------------- its life

    def start(self) -> None:
        """Start it, and wait until its definitions are loaded."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        with (self.store.parent / f"ui-{len(self.lives)}.log").open("wb") as log:
            self.lives.append(
                subprocess.Popen(
                    [*_IN_THE_BACKGROUND, CYBERPI, "ui", "--port", str(self.port)],
                    env=environment(self.store, **self.more),
                    cwd=self.store.parent,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            )
        until(self._answers, f"the web interface answers (see ui-{len(self.lives) - 1}.log)")

    def _answers(self) -> bool:
        with suppress(httpx.HTTPError):
            (entry,) = self.ask(_LOADED)["workspaceOrError"]["locationEntries"]
            loaded = entry["locationOrLoadError"]
            assert loaded is None or loaded["__typename"] == "RepositoryLocation"
            return entry["loadStatus"] == "LOADED" and loaded is not None
        return False

    def kill(self, victim: Victim) -> int:
        """End a part of it with SIGKILL, or all parts in one moment; how many processes."""
        if victim == "all":
            return self._kill_life(self.lives[-1])
        pids = [pid for pid, line in self._family().items() if _MARKS[victim] in line]
        for pid in pids:
            with suppress(ProcessLookupError):  # a run may be over in this moment
                os.kill(pid, signal.SIGKILL)
        return len(pids)

    def ended(self) -> int:
        """Wait until it has ended by itself; its exit code."""
        return self.lives[-1].wait(_PATIENCE_S)

    def stop(self) -> tuple[int, list[int]]:
        """End it in good order, with SIGTERM; its exit code, and the processes that are left of it."""
        life = self.lives[-1]
        life.terminate()
        code = life.wait(_PATIENCE_S)
        with suppress(AssertionError):
            until(lambda: not _members(life.pid), "nothing is left", 30)
        return code, _members(life.pid)

    def close(self) -> None:
        """End whatever is left of any of its lives."""
        for life in self.lives:
            self._kill_life(life)

    def _kill_life(self, life: subprocess.Popen[bytes]) -> int:
        members = _members(life.pid)
        if members:
            with suppress(ProcessLookupError):
                os.killpg(life.pid, signal.SIGKILL)
        life.wait(_PATIENCE_S)
        return len(members)

    def _family(self) -> dict[int, str]:
        """Command lines of all that descend from the present life."""
        every = _processes()
        family, grown = {self.lives[-1].pid}, 0
        while grown != len(family):
            grown = len(family)
            family |= {pid for pid, (parent, _, _) in every.items() if parent in family}
        return {pid: every[pid][2] for pid in family if pid in every}

    # ------------------------------------------------------------------------------------------------- what it is asked

    def ask(self, query: str, **variables: object) -> dict[str, Any]:
        """Ask GraphQL; the data of the answer. Raises httpx.HTTPError where nobody answers."""
        asked = {"query": query, "variables": variables}
        answer = httpx.post(f"http://127.0.0.1:{self.port}/graphql", json=asked, timeout=60).raise_for_status().json()
        assert "errors" not in answer, answer["errors"]
        return dict(answer["data"])

    def launch(self, assets: Sequence[str], months: Sequence[str]) -> str:
        """Launch a backfill as the button of the web interface does; its id."""
        params = {"assetSelection": [{"path": [a]} for a in assets], "partitionNames": list(months)}
        found = self.ask(_LAUNCH, p=params)["launchPartitionBackfill"]
        assert found["__typename"] == "LaunchBackfillSuccess", found
        return str(found["backfillId"])

    def backfill(self, name: str) -> Backfill:
        """How a backfill stands."""
        found = self.ask(_BACKFILL, id=name)["partitionBackfillOrError"]
        return Backfill(found["status"], tuple(r["status"] for r in found["runs"]))


def until(holds: Callable[[], object], what: str, seconds: float = _PATIENCE_S) -> None:
    """Look again until something holds; fails with what it was."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.5)


def _processes() -> dict[int, tuple[int, int, str]]:
    """Parent, process group and command line of every process that is no zombie."""
    found: dict[int, tuple[int, int, str]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):
                state, parent, group, *_ = (folder / "stat").read_text().rpartition(")")[2].split()
                line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                if state != "Z":
                    found[int(folder.name)] = int(parent), int(group), line
    return found


def _members(group: int) -> list[int]:
    return [pid for pid, (_, its, _) in _processes().items() if its == group]
