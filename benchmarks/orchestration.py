"""What orchestration costs: a backfill of all months by `cyberpi backfill`, and the same work as plain function calls.

The plain way calls the same functions of the same assets and checks in the same order, reads their inputs from a lake
and writes their results to it, in one process: no plan, no events, no history, no runs. Both begin with an empty store
and end with the same rows, which is asserted.
"""

from __future__ import annotations

import inspect
import json
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import duckdb

from benchmarks.measure import command_tree
from benchmarks.report import Row, Target
from cyberpi_assets.checks import CHECKS
from cyberpi_assets.definitions import build_defs
from cyberpi_assets.orchestration.backfilling import chosen
from cyberpi_assets.orchestration.check_log import CheckLog
from cyberpi_assets.orchestration.partitions import MONTHS, RANGE_FROM, RANGE_TO
from cyberpi_assets.orchestration.resources import lake_of, sources_of
from cyberpi_assets.settings import Settings
from cyberpi_assets.storage.dagster_io import ALL_MONTHS, MONTHS_BEFORE
from cyberpi_assets.storage.engine import connect
from cyberpi_assets.storage.frames import rows_of
from cyberpi_assets.storage.lake import Lake
from cyberpi_assets.tables import LAKE


def by_month_and_before(defs: dg.Definitions) -> list[str]:
    """The assets with months, and those without that they are computed from, in order."""
    graph = defs.resolve_asset_graph()
    every = chosen(defs, "spine", ())
    by_month = {n for n in every if graph.get(dg.AssetKey(n)).is_partitioned}
    above = {k.to_user_string() for n in by_month for k in graph.get_ancestor_asset_keys(dg.AssetKey(n))}
    return [n for n in every if n in by_month | above]


def plain(settings: Settings, months: Sequence[str]) -> None:
    """All months of the assets, as plain calls."""
    defs, lake = build_defs(settings), lake_of(settings)
    lake.create()
    settings.spill_dir.mkdir(parents=True, exist_ok=True)
    sources, log = sources_of(settings), CheckLog(lake)
    given: dict[str, Any] = {"lake": lake, "sources": sources, "settings": settings, "check_log": log}
    given["engine"] = connect(settings.duckdb_memory_limit, settings.duckdb_threads, settings.spill_dir)
    graph, done, names = defs.resolve_asset_graph(), set[str](), by_month_and_before(defs)
    for name in names:
        if name in done:
            continue
        made = graph.get(dg.AssetKey(name)).assets_def
        done |= {k.to_user_string() for k in made.keys}
        _compute(made, lake, given, months)
        for check in CHECKS:
            for key in check.check_keys:
                if key.asset_key in made.keys:
                    step: Any = check.node_def
                    tags = {RANGE_FROM: months[0], RANGE_TO: months[-1]}
                    run = SimpleNamespace(tags=tags, run_id="plain")
                    wanted = inspect.signature(step.compute_fn.decorated_fn).parameters
                    known = {**given, "context": SimpleNamespace(run=run)}
                    step.compute_fn.decorated_fn(**{p: known[p] for p in wanted})
    log.close()


def _compute(made: dg.AssetsDefinition, lake: Lake, given: dict[str, Any], months: Sequence[str]) -> None:
    step: Any = made.node_def
    function = step.compute_fn.decorated_fn
    context = SimpleNamespace(
        partition_keys=list(months),
        add_output_metadata=lambda *_, **__: None,
        log=logging.getLogger("plain"),
        run=SimpleNamespace(tags={}, run_id="plain"),
        assets_def=made,
    )
    partitioned = made.partitions_def is not None
    con, named = connect(threads=2), {**given, "context": context}
    for parameter in inspect.signature(function).parameters.values():
        if parameter.name in named:
            continue
        table = LAKE[made.keys_by_input_name[parameter.name].path[-1]]
        before = int((step.input_dict[parameter.name].metadata or {}).get(MONTHS_BEFORE, 0))
        wanted = _window(months, before) if table.partitioned and partitioned else None
        lazy = parameter.annotation is duckdb.DuckDBPyRelation
        named[parameter.name] = lake.relation(con, table.name, wanted) if lazy else lake.read(table.name, wanted)
    found = function(**{p: named[p] for p in inspect.signature(function).parameters})
    outputs = [made.keys_by_output_name[out].path[-1] for out in step.output_dict]
    for name, rows in zip(outputs, found if len(outputs) > 1 else (found,), strict=True):
        lake.write(name, rows_of(LAKE[name], rows), months if LAKE[name].partitioned else None)


def _window(months: Sequence[str], before: int) -> list[str]:
    every = MONTHS.get_partition_keys()
    first, last = every.index(months[0]), every.index(months[-1])
    return every[0 if before == ALL_MONTHS else max(0, first - before) : last + 1]


def run(data: Path, scratch: Path, first: str, last: str) -> tuple[list[Row], list[str]]:
    """Backfill of months of a folder, against the plain calls; rows and notes."""
    stores = {name: scratch / f"orchestration-{name}" for name in ("ours", "plain")}
    kept = {k: v for k, v in os.environ.items() if not k.startswith("CYBERPI_") and k != "PYTHONDONTWRITEBYTECODE"}
    root = Path(__file__).resolve().parent.parent
    kept["PYTHONPATH"] = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH", ""), str(root)]))
    settings = {name: Settings(profile="files", data=data, store=store) for name, store in stores.items()}  # pyright: ignore
    defs = build_defs(settings["ours"])
    names = by_month_and_before(defs)
    span = ["--from", first, "--to", last]
    words = ["-m", "cyberpi_assets.cli", "backfill", *span, "--assets", ",".join(names)]

    def measured(name: str, *command: str) -> Any:
        env = kept | settings[name].as_environment()
        return command_tree([sys.executable, *command], env=env)

    baseline = measured("plain", "-m", "benchmarks.orchestration", json.dumps([first, last]))
    ours = measured("ours", *words)
    lakes = {name: Lake(of.lake_dir) for name, of in settings.items()}
    rows = 0
    for name in names:
        one, other = (lakes[k].size(name).rows for k in ("ours", "plain"))
        if one != other:
            raise AssertionError(f"{name}: {one:,} rows by the backfill, {other:,} by plain calls")
        rows += one
    months = [m for m in MONTHS.get_partition_keys() if first <= m <= last]
    partitions = len(months) * sum(LAKE[n].partitioned for n in names)
    share = 100 * (ours.seconds - baseline.seconds) / ours.seconds
    work = f"backfill of {len(months)} months, {len(names)} assets with their checks, {rows:,} rows"
    return [Row(work, ours.seconds, ours.peak_mb, baseline.seconds, Target(ratio=2.0))], [
        "wall time of each process from its start to its end, once each, the plain one first; an empty store for both",
        f"{partitions:,} partitions, {60 * partitions / ours.seconds:,.0f} a minute; share of orchestration "
        f"{share:.0f} %, start of the libraries in both; peak of the plain calls {baseline.peak_mb:,.0f} MB",
    ]


if __name__ == "__main__":
    _first, _last = json.loads(sys.argv[1])
    plain(Settings(), [m for m in MONTHS.get_partition_keys() if _first <= m <= _last])  # pyright: ignore[reportCallIssue]
