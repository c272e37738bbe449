"""Two workers against one on the same backfill: months of bars, alerts, timing surface and trades, cut into runs.

Workers are Celery's, with Dagster's history in Postgres and Redis as the broker, all on this machine, the lake in a
folder that both share. The runs, their cut and their order are the same; so are the rows, which is asserted.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import dagster as dg

from benchmarks.measure import _tree_mb  # pyright: ignore[reportPrivateUsage]
from benchmarks.report import Row, Target
from benchmarks.servers import Cluster
from cyberpi_assets.definitions import build_defs
from cyberpi_assets.orchestration.resources import lake_of, sources_of
from cyberpi_assets.orchestration.spread import plan_spread, spread
from cyberpi_assets.storage.engine import connect
from cyberpi_assets.storage.lake import Lake

FASTER = 1.6
WHOLE = ("source_files", "corporate_actions", "companies", "official_terms", "officials", "symbol_history")
BY_MONTH = ("daily_bars", "market_alerts", "timing_surface", "disclosed_trades")


@contextmanager
def _environment(given: Mapping[str, str]) -> Generator[None]:
    before = dict(os.environ)
    os.environ.update(given)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _digests(lake: Lake) -> dict[str, tuple[int, int]]:
    """Rows of each table, and a sum over their digests."""
    con = connect()
    try:
        lake.views(con)
        asked = {n: f"SELECT count(*), sum(hash(t)::HUGEINT) FROM {n} t" for n in BY_MONTH}
        return {n: con.execute(sql).fetchall()[0] for n, sql in asked.items()}
    finally:
        con.close()


def run(data: Path, scratch: Path, months: Sequence[str], per_run: int) -> tuple[list[Row], list[str]]:
    """The backfill of some months by one worker, then by two; a row, and what to know of it.

    Raises AssertionError where the two differ in a row or where a table stays empty.
    """
    seconds: dict[int, float] = {}
    found: dict[int, dict[str, tuple[int, int]]] = {}
    peak, runs = 0.0, 0
    scratch.mkdir(parents=True, exist_ok=True)
    cluster = Cluster(scratch, storage_server=False)
    try:
        given = cluster.start().environment
        profile = {"CYBERPI_PROFILE": "files", "CYBERPI_DATA": str(data)}
        with _environment({**given, **profile}):
            settings = cluster.configure()
            defs = build_defs(settings)
            every = plan_spread(defs, [*WHOLE, *BY_MONTH], months, per_run)
            planned = [wave for wave in every if not wave[0].checks]
            runs = sum(len(wave) for wave in planned)
            sources_of(settings).gather()
            with dg.DagsterInstance.from_config(str(cluster.home)) as instance:
                for n in (1, 2):
                    shutil.rmtree(settings.lake_dir, ignore_errors=True)
                    lake_of(settings).create()
                    workers = cluster.workers(n)

                    def look(_: str, pids: Sequence[int] = tuple(w.pid for w in workers)) -> None:
                        nonlocal peak
                        peak = max(peak, sum(_tree_mb(pid) for pid in pids))

                    began = time.perf_counter()
                    spread(settings, instance, planned, look)
                    seconds[n] = time.perf_counter() - began
                    cluster.stop_workers()
                    found[n] = _digests(lake_of(settings))
    finally:
        cluster.close()
    if found[1] != found[2] or not all(rows for rows, _ in found[1].values()):
        raise AssertionError(f"one worker and two differ, or found nothing: {found}")
    rows = ", ".join(f"{name} {found[2][name][0]:,}" for name in BY_MONTH)
    work = f"{len(months)} months of {len(BY_MONTH)} tables in {runs} runs, two workers; baseline: one"
    notes = [
        f"rows: {rows}; equal for both (asserted); one time each, from the first run's launch to the last one's end",
        "each worker computes with one thread; Postgres, Redis and the launching process share the machine's cores "
        "with them, so that on two cores two workers cannot reach twice the speed",
        "peak is that of both workers together, looked at after each wave",
    ]
    return [Row(work, seconds[2], peak, seconds[1], Target(ratio=1 / FASTER))], notes
