from __future__ import annotations

from pathlib import Path

import pytest

from cyberpi_assets.storage.lake import Lake
from cyberpi_assets_tests.storage.worked import LAKE_TABLES


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "a lake [1] é", LAKE_TABLES)
