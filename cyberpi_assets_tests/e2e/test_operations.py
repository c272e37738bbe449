"""The operator's guide, done as it says: every command of docs/operations.md in order, on a copy of the demo's store.

What stands for this machine's own is replaced: the repository's address, where the store lies. `make` and what goes on
until Ctrl-C are asked what they would do.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from cyberpi_assets.storage import redis_server
from cyberpi_assets.storage.lake import Lake
from cyberpi_assets_tests.e2e.conftest import Demo
from cyberpi_assets_tests.e2e.terminal import ROOT, environment

pytestmark = [pytest.mark.xdist_group("demo"), pytest.mark.timeout(900)]

GUIDE = (ROOT / "docs" / "operations.md").read_text()
_FENCE = re.compile(r"^```bash\n(.*?)^```", re.MULTILINE | re.DOTALL)
_PRINT_ENVIRONMENT = "\nenv -0 > .environment\n"


@dataclass
class Operator:
    """Somebody who does one block after the other in one shell: what a block exports, the next ones have."""

    folder: Path
    store: Path
    env: dict[str, str]
    printed: dict[str, str] = field(default_factory=dict)

    def do(self, heading: str, block: str) -> None:
        """Run one block; fails with what it said where any command of it failed."""
        script = block.replace("<repository>", str(ROOT)).replace("/var/lib/cyberpi/demo", str(self.store))
        script = re.sub(r"^make ", "make -n ", script, flags=re.MULTILINE)
        script = re.sub(r"^(cyberpi ui) .*$", r"\1 --help", script, flags=re.MULTILINE)
        if shutil.which("systemd-analyze") is None:
            script = re.sub(r"^systemd-analyze .*$", "", script, flags=re.MULTILINE)
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script + _PRINT_ENVIRONMENT],
            cwd=self.folder, env=self.env, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{heading}\n{script}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        for pair in (self.folder / ".environment").read_text().split("\0"):
            name, _, value = pair.partition("=")
            self.env |= {name: value} if name.startswith("CYBERPI_") else {}
        self.printed[heading] = self.printed.get(heading, "") + done.stdout


def blocks() -> list[tuple[str, str]]:
    """The blocks of commands of the guide with their headings, in order."""
    found: list[tuple[str, str]] = []
    for section in re.split(r"^## ", GUIDE, flags=re.MULTILINE)[1:]:
        found += [(section.splitlines()[0], block) for block in _FENCE.findall(section)]
    return found


def _copied(store: Path, to: Path) -> None:
    """The store again: files of the lake and the intake are never changed and need no second copy."""
    linked = {"lake", "intake"}
    shutil.copytree(store, to, ignore=lambda at, _: [*linked, "redis", "spill"] if Path(at) == store else [])
    for name in linked:
        shutil.copytree(store / name, to / name, copy_function=os.link)


@pytest.fixture(scope="module")
def operator(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout: nothing to clone and pull")
    folder = tmp_path_factory.mktemp("operator")
    store = folder / "store"
    _copied(demo.store, store)
    # the owner of the checkout may be another user than the one who tests
    git = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"}
    someone = Operator(folder, store, environment(store, **git))
    try:
        for heading, block in blocks():
            someone.do(heading, block)
        yield someone
    finally:
        for kept in (store, folder / "restored"):
            redis_server.stop(kept / "redis")


def test_every_command_of_the_guide_works_in_its_order(operator: Operator) -> None:
    wanted = ["Install", "Configure", "Run", "Schedule", "Backfill", "Monitor", "Back up", "Restore", "Upgrade"]
    assert list(operator.printed) == [*wanted, "Secure", "Stop"]
    assert "nothing stands in the way of a run" in operator.printed["Configure"]
    assert operator.printed["Stop"].strip() in ("stopped", "no server was running")
    assert redis_server.find(operator.folder / "restored" / "redis") is None


def test_a_restored_store_has_the_same_tables_and_nothing_to_compute(operator: Operator) -> None:
    restored = operator.folder / "restored"
    assert operator.env["CYBERPI_STORE"] == str(restored)
    assert "nothing to compute" in operator.printed["Restore"]
    kept, again = Lake(operator.store / "lake"), Lake(restored / "lake")
    assert kept.size("daily_bars").rows > 10_000
    for name in kept.tables:
        assert kept.contents(name) == again.contents(name)
        for one, other in zip(kept.files(name), again.files(name), strict=True):
            assert Path(one).read_bytes() == Path(other).read_bytes()


def test_nobody_else_can_read_what_is_kept(operator: Operator) -> None:
    assert operator.printed["Secure"] == ""
    for secret in ("cyberpi.env", "backup.tar"):
        path = next(operator.folder.rglob(secret))
        assert path.stat().st_mode & 0o077 == 0


def test_every_page_that_the_guide_names_is_there() -> None:
    pages = re.findall(r"\]\(([^)#]+\.md)[^)]*\)", GUIDE)
    assert {(ROOT / "docs" / page).resolve() for page in pages if not (ROOT / "docs" / page).exists()} == set()
