"""What every room's tests share: where real data lie, and settings that touch nothing but a temporary folder."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import hypothesis
import pytest

# the same examples in every run: what fails once fails again
hypothesis.settings.register_profile("house", derandomize=True, deadline=None)
hypothesis.settings.load_profile("house")

SHARED = Path(os.environ.get("CYBERPI_SHARED", Path(__file__).resolve().parents[2] / "shared"))


def _shared(part: str) -> Path:
    folder = SHARED / part
    if folder.exists():
        return folder
    message = f"no real data: {part} is not beside the project (CYBERPI_SHARED names the folder)"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="session")
def real() -> Path:
    """The folder of real data; under CI its absence is a failure, elsewhere a visible skip."""
    return _shared("real")


@pytest.fixture(scope="session")
def real_intake(real: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An intake that holds all real files, read once by the first test process that wants it. Copy it, or only read."""
    from cyberpi_assets.sources.files import FileSources
    from cyberpi_assets.sources.intake import Intake

    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "real-intake"
    folder.mkdir(exist_ok=True)
    with (folder.parent / "real-intake.lock").open("w") as alone:
        fcntl.flock(alone, fcntl.LOCK_EX)
        if not (done := folder.parent / "real-intake.done").exists():
            FileSources(real, Intake(folder), 2**32).gather()
            done.touch()
    return folder


@pytest.fixture(scope="session")
def oracles() -> Path:
    """The folder of worked examples."""
    return _shared("oracles")


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:  # pyright: ignore[reportUnusedFunction]
    for name in list(os.environ):
        if name.startswith("CYBERPI_") and name != "CYBERPI_SHARED":
            monkeypatch.delenv(name)


# Files whose tests take minutes begin first, so that no worker is left alone with one of them at the end.
_LONGEST = (
    "e2e/test_run_real.py",
    "survival/test_kills.py",
    "e2e/test_readme.py",
    "graph/test_ranges.py",
    "cluster/test_workers.py",
    "e2e/test_run_killed.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first; all others in their order."""

    def turn(item: pytest.Item) -> int:
        name = item.path.as_posix()
        return next((n for n, ending in enumerate(_LONGEST) if name.endswith(ending)), len(_LONGEST))

    items.sort(key=turn)
