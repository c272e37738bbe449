"""What every room's tests share: where real data lie, and settings that touch nothing but a temporary folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

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
def oracles() -> Path:
    """The folder of worked examples."""
    return _shared("oracles")


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:  # pyright: ignore[reportUnusedFunction]
    for name in list(os.environ):
        if name.startswith("CYBERPI_") and name != "CYBERPI_SHARED":
            monkeypatch.delenv(name)
