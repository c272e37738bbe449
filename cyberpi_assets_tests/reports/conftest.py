from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from cyberpi_assets.storage.engine import connect
from cyberpi_assets.storage.lake import Lake
from cyberpi_assets_tests.reports.world import build


def opened(lake: Lake) -> duckdb.DuckDBPyConnection:
    con = connect()
    lake.views(con)
    return con


@pytest.fixture(scope="session")
def con(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """Every table of the hand-made lake as a view."""
    con = opened(build(tmp_path_factory.mktemp("world") / "lake"))
    yield con
    con.close()


@pytest.fixture
def empty_con(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Every table, without a row."""
    con = opened(Lake(tmp_path / "lake"))
    yield con
    con.close()
