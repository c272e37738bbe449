"""A backfill from a terminal: many months in few runs, with progress, gone on with where it was interrupted.

Here belongs what `cyberpi backfill` does. One run over all months would be the quickest, and would begin anew when it
is killed in the twelfth year; one run a month would take hours to start. So: some years a run. Tables without months
that others are computed from are made in the first run, all others once, in the last.

What is done is remembered beside the store, with the state of the facts it was computed from: months before the first
change stay done, for nothing in a month looks at later ones.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import click
import dagster as dg

from cyberpi_assets.orchestration.instance import alone, opened
from cyberpi_assets.orchestration.partitions import MONTHS, PLANNED, RANGE_FROM, RANGE_TO
from cyberpi_assets.orchestration.plan import UNFINISHED, changes, keep_state, mark_unfinished, read_state, state_of
from cyberpi_assets.orchestration.resources import lake_of
from cyberpi_assets.orchestration.runs import end_runs_of_dead_processes, read_sources, tidy
from cyberpi_assets.settings import Settings
from cyberpi_assets.sources.web.cache import write_whole

BACKFILL: Final = "cyberpi/backfill"  # tag of its runs
MONTHS_PER_RUN: Final = 48
_NAMED: Final = 8


class NoSuchAsset(ValueError):
    """A name that no asset and no group has."""


@dataclass(frozen=True)
class Part:
    """One run: its months, first and last, and its assets in an order in which they can be computed."""

    first: str
    last: str
    assets: tuple[str, ...]
    by_month: bool  # whether months are done with it; the last part makes what has none


@dataclass(frozen=True)
class Filled:
    """How a backfill ended: runs that went through, of how many, and months that are done, of how many."""

    success: bool
    runs: int
    of_runs: int
    months: int
    of_months: int
    seconds: float


def chosen(defs: dg.Definitions, job: str, words: Sequence[str]) -> tuple[str, ...]:
    """The assets of a job that words name: `name`, `name+` (and all that follows from it), `group:name`; all without.

    In an order in which they can be computed; what is made together comes together. Raises NoSuchAsset.
    """
    graph = defs.resolve_asset_graph()
    every = {k.to_user_string(): k for k in defs.resolve_job_def(job).asset_layer.executable_asset_keys}
    groups: dict[str, set[str]] = {}
    for name, key in every.items():
        groups.setdefault(graph.get(key).group_name or "", set()).add(name)
    wanted: set[str] = set() if words else set(every)
    for word in words:
        if word.startswith("group:"):
            if (group := word.removeprefix("group:")) not in groups:
                raise NoSuchAsset(f"no group {group!r}; there are {', '.join(sorted(groups))}")
            wanted |= groups[group]
            continue
        name, after = word.removesuffix("+"), word.endswith("+")
        if name not in every:
            raise NoSuchAsset(f"no asset {name!r}; `cyberpi status` lists them")
        below = dg.AssetSelection.assets(name).downstream().resolve(graph) if after else set[dg.AssetKey]()
        wanted |= {name} | ({k.to_user_string() for k in below} & every.keys())
    together = {k.to_user_string() for name in wanted for k in graph.get(every[name]).execution_set_asset_keys}
    return tuple(k.to_user_string() for k in graph.toposorted_asset_keys if k.to_user_string() in together)


def parts(
    defs: dg.Definitions, assets: Sequence[str], months: Sequence[str], done: Iterable[str], per_run: int
) -> list[Part]:
    """The runs of a backfill over months (ascending, without a gap) of which some are done.

    Tables without months that others of the assets are computed from are made with the first run; the rest of them in
    the last, over all months, with the tables by month that need them, should there be any.
    """
    graph = defs.resolve_asset_graph()
    keys = {name: dg.AssetKey(name.split("/")) for name in assets}
    by_month = {name for name in assets if graph.get(keys[name]).is_partitioned}
    above = {name: {k.to_user_string() for k in graph.get_ancestor_asset_keys(keys[name])} for name in assets}
    whole = set(assets) - by_month
    early = {n for n in whole if any(n in above[m] for m in by_month) and not above[n] & by_month}
    late = {n for n in assets if n in whole - early or (n in by_month and above[n] & (whole - early))}
    if not by_month - late:
        return [Part(months[0], months[-1], tuple(assets), by_month=False)]
    kept, left = set(done), list[list[str]]()
    for i, month in enumerate(months):
        if month in kept:
            continue
        follows = bool(left) and bool(i) and left[-1][-1] == months[i - 1]
        if follows and len(left[-1]) < per_run:
            left[-1].append(month)
        else:
            left.append([month])
    if len(left) == 1 and not kept:  # one run is enough for everything
        return [Part(months[0], months[-1], tuple(assets), by_month=True)]
    made = [
        Part(m[0], m[-1], tuple(n for n in assets if n in by_month - late or (n in early and not i)), by_month=True)
        for i, m in enumerate(left)
    ]
    last = tuple(n for n in assets if n in late)
    return [*made, *([Part(months[0], months[-1], last, by_month=False)] if last else [])]


class Record:
    """What a backfill has done, in a file of the store; gone when the backfill is."""

    def __init__(self, settings: Settings, months: Sequence[str], assets: Sequence[str], *, all_assets: bool) -> None:
        self.about: dict[str, Any] = {"months": [months[0], months[-1]], "assets": None if all_assets else list(assets)}
        name = hashlib.sha256(json.dumps([*self.about["months"], *assets]).encode()).hexdigest()[:16]
        self._path = folder_of(settings) / f"{name}.json"
        self._lake = lake_of(settings)
        self._by_month = [n for n in assets if n in self._lake.tables and self._lake.tables[n].partitioned]

    def done(self, now: dict[str, Any]) -> tuple[set[str], str | None]:
        """The months that are done and still hold, given the facts as they are now; and why others no longer do."""
        told = _read(self._path)
        if told is None:
            return set(), None
        done = {str(m) for m in told["done"]}
        if any(self._lake.version(name) < 1 for name in self._by_month):
            return set(), "a table is not there any more" if done else None
        changed = changes(now, told["state"])
        if changed.months is None or not done:
            return done, None
        held = {m for m in done if m < changed.months[0]}
        return held, changed.reason if held != done else None

    def keep(self, now: dict[str, Any], done: Iterable[str]) -> None:
        """Remember what is done, whole or not at all."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(self._path, json.dumps(self.about | {"state": now, "done": sorted(done)}).encode())

    def forget(self) -> None:
        """The backfill is through."""
        self._path.unlink(missing_ok=True)


def folder_of(settings: Settings) -> Path:
    """Where backfills that were not finished are remembered."""
    return settings.data_dir / "backfills"


def unfinished(settings: Settings) -> list[str]:
    """A line for each backfill that was interrupted, with the command that goes on with it."""
    lines: list[str] = []
    for path in sorted(folder_of(settings).glob("*.json")):
        told = _read(path)
        if told is None:
            continue
        first, last = told["months"]
        of = len([m for m in MONTHS.get_partition_keys() if first <= m <= last])
        only = f" --assets {','.join(told['assets'])}" if told["assets"] else ""
        lines.append(f"{len(told['done'])} of {of} months done: cyberpi backfill --from {first} --to {last}{only}")
    return lines


def _read(path: Path) -> dict[str, Any] | None:
    try:
        told = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    whole = isinstance(told, dict) and {"months", "assets", "state", "done"} <= told.keys()
    return cast(dict[str, Any], told) if whole else None


def backfill(
    settings: Settings,
    job: Callable[[], dg.JobDefinition],
    defs: dg.Definitions,
    assets: Sequence[str],
    months: Sequence[str],
    *,
    all_assets: bool,
    per_run: int = MONTHS_PER_RUN,
    dry_run: bool = False,
) -> Filled:
    """Compute months of assets anew in as few runs as asked for, and go on where the same backfill was interrupted.

    `job` is a function of a module, by whose name Dagster finds the job again; `assets` are of it, as `chosen` gives
    them (`all_assets`: they are all of it); `months` are without a gap. A run that fails ends the backfill; the months
    before it stay done. Profile live asks for the filings of all months once, before the first run. A dry run prints
    the plan and asks nobody. Raises AlreadyRunning.
    """
    began = time.monotonic()
    record = Record(settings, months, assets, all_assets=all_assets)
    if dry_run:
        gathered = read_sources(settings, asks=False)
        done, why = record.done(state_of(settings, gathered))
        _say_plan(parts(defs, assets, months, done, per_run), months, done, why)
        return Filled(True, 0, 0, len(done), len(months), time.monotonic() - began)
    with alone(settings, "run", wait=False), opened(settings) as instance:
        click.echo(f"cyberpi: profile {settings.profile.value}, data in {settings.data_dir}", err=True)
        gathered = read_sources(settings, (months[0], months[-1]))
        now, before = state_of(settings, gathered), read_state(settings)
        done, why = record.done(now)
        runs = parts(defs, assets, months, done, per_run)
        _say_plan(runs, months, done, why)
        end_runs_of_dead_processes(instance)
        mark_unfinished(settings, before, months[0])
        record.keep(now, done)
        os.environ.update(settings.as_environment())  # the job is found again by name, from the environment
        for number, part in enumerate(runs, 1):
            what = f"{part.first} to {part.last}" if part.by_month else "what has no months"
            click.echo(f"run {number} of {len(runs)}: {what}, {len(part.assets)} assets", err=True)
            result = dg.execute_job(
                dg.reconstructable(job),
                instance=instance,
                run_config={"loggers": {"progress": {}}},
                tags={RANGE_FROM: part.first, RANGE_TO: part.last, PLANNED: "run", BACKFILL: f"{number}/{len(runs)}"},
                asset_selection=[dg.AssetKey(name.split("/")) for name in part.assets],
            )
            if not result.success:
                return Filled(False, number - 1, len(runs), len(done), len(months), time.monotonic() - began)
            if part.by_month:
                done |= {m for m in months if part.first <= m <= part.last}
                record.keep(now, done)
                _say_progress(done, months, number, len(runs), time.monotonic() - began)
        record.forget()
        every = MONTHS.get_partition_keys()
        if all_assets and (months[0], months[-1]) == (every[0], every[-1]):
            keep_state(settings, now)
        elif before is not None and now == {k: v for k, v in before.items() if k != UNFINISHED}:
            keep_state(settings, before)  # the months were computed from the facts the others rest on
        tidy(settings, gathered)
        return Filled(True, len(runs), len(runs), len(months), len(months), time.monotonic() - began)


def _say_plan(runs: Sequence[Part], months: Sequence[str], done: set[str], why: str | None) -> None:
    kept = f", {len(done)} of them done before" if done else ""
    plural = "s" if len(runs) != 1 else ""
    click.echo(f"backfill of {_counted(len(months))}{kept}, in {len(runs)} run{plural}", err=True)
    if why is not None:
        click.echo(f"  begun before, but not all of it holds: {why}", err=True)
    for number, part in enumerate(runs, 1):
        what = f"{part.first} to {part.last}" if part.by_month else "no months"
        more = f" and {len(part.assets) - _NAMED} more" if len(part.assets) > _NAMED else ""
        click.echo(f"  {number}. {what:<20} {', '.join(part.assets[:_NAMED])}{more}", err=True)


def _counted(months: int) -> str:
    return f"{months} month{'s' if months != 1 else ''}"


def _say_progress(done: set[str], months: Sequence[str], number: int, runs: int, seconds: float) -> None:
    """How far it is. What is left is told by the mean time of the runs so far: it is a guess, and is said to be."""
    left = f", about {seconds / number * (runs - number):.0f} s left" if runs > number else ""
    click.echo(f"  {len(done)} of {_counted(len(months))}, {seconds:.0f} s{left}", err=True)
