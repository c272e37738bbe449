"""A few assets of the house over four months of the simulated world: small enough to be killed twenty times."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import dagster as dg

from cyberpi_assets.definitions import STAGES, build_defs
from cyberpi_assets.orchestration.instance import prepare
from cyberpi_assets.orchestration.partitions import RANGE_FROM, RANGE_TO
from cyberpi_assets.settings import Settings
from cyberpi_assets.storage.lake import Lake
from cyberpi_assets.tables import LAKE
from cyberpi_assets_tests.graph.world import QUIET

MONTHS = ("2025-01", "2025-02", "2025-03", "2025-04")
WORLD = {"CYBERPI_DEMO_MONTHS": json.dumps([MONTHS[0], MONTHS[-1]])}
WHOLE = ("source_files", "companies", "official_terms", "officials", "symbol_history", "corporate_actions")
BY_MONTH = ("daily_bars", "market_alerts", "timing_surface", "disclosed_trades")


def small(store: Path) -> Settings:
    """Settings of a store with the small world, ready for runs; what `WORLD` says to a process."""
    settings = Settings(store=store, demo_months=(MONTHS[0], MONTHS[-1]), duckdb_threads=2)  # pyright: ignore[reportCallIssue]
    prepare(settings)
    return settings


def materialise(
    settings: Settings, names: Sequence[str], instance: dg.DagsterInstance | None = None
) -> dg.ExecuteInProcessResult:
    """Compute some assets over all four months in this process; a failed step fails the result, not the caller."""
    return dg.materialize(
        [asset for stage in STAGES for asset in stage.ASSETS],
        selection=list(names),
        resources=dict(build_defs(settings).resources or {}),
        tags={RANGE_FROM: MONTHS[0], RANGE_TO: MONTHS[-1]},
        run_config=QUIET,
        instance=instance,
        raise_on_error=False,
    )


def by_month(lake: Lake) -> dict[str, list[str]]:
    """The tables by month of the small world: every file that the log names is read, the rows in one order."""
    found: dict[str, list[str]] = {}
    for name in BY_MONTH:
        files = lake.files(name)
        assert all(Path(file).is_file() for file in files), f"{name}: a file that the log names is not there"
        assert set(lake.contents(name)) <= set(MONTHS)
        found[name] = sorted(map(repr, lake.read(name).select(LAKE[name].names).to_pylist()))
    return found
