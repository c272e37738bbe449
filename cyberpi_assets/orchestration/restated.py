"""Which months are older than what they were computed from, and the backfill that brings them up to date.

Here belongs the comparison of when months were written, as the lake's log has it, along the lineage. A month that was
restated (a late file, a correction, a run of one asset by hand) makes older whatever looks at it: the same month of
the tables after it, and later months of those that look back.

A table without months is replaced whole by every run, mostly by the same rows: by itself it makes nothing older. What
changed in such tables is seen by `plan.py`, which compares contents.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import dagster as dg
import numpy as np
import numpy.typing as npt

from cyberpi_assets.orchestration.partitions import MONTHS
from cyberpi_assets.storage.dagster_io import ALL_MONTHS, MONTHS_BEFORE
from cyberpi_assets.storage.lake import Lake

Moments = npt.NDArray[np.float64]  # by month: when it was written, ms since 1970; NaN where it has no rows
_NAMED: Final = 6


@dataclass(frozen=True)
class Edge:
    """What an asset reads: of a table with months its own month and `before` earlier ones (ALL_MONTHS: all)."""

    upstream: str
    downstream: str
    before: int = 0


@dataclass(frozen=True)
class Behind:
    """An asset that is older than what it rests on: its months (none in a table without), and the oldest reason."""

    asset: str
    months: tuple[str, ...]
    because: str
    since: str


def lineage(defs: dg.Definitions) -> tuple[list[str], list[Edge]]:
    """All assets in an order in which they can be computed, and what each reads."""
    graph = defs.resolve_asset_graph()
    order = [key.to_user_string() for key in graph.toposorted_asset_keys]
    edges: list[Edge] = []
    for key in graph.toposorted_asset_keys:
        node = graph.get(key)
        made = node.assets_def
        windows: dict[dg.AssetKey, int] = {}
        if isinstance(made.node_def, dg.OpDefinition):
            named: Mapping[str, Any] = made.node_def.input_dict
            for name, of in made.keys_by_input_name.items():
                windows[of] = int((named[name].metadata or {}).get(MONTHS_BEFORE, 0))
        for parent in sorted(node.parent_keys):
            edges.append(Edge(parent.to_user_string(), key.to_user_string(), windows.get(parent, 0)))
    return order, edges


def behind(
    written: Mapping[str, Mapping[str, int]], order: Sequence[str], edges: Sequence[Edge], by_month: frozenset[str]
) -> list[Behind]:
    """Assets older than what they rest on, in the order in which they are computed.

    written: per table, when each month ("" where there are none) was written, in ms; order: assets before those that
    read them; by_month: those with months. A table that nobody has written yet is not behind, it is not there. Of a
    month without rows nobody knows when it was computed: it is behind where what it reads of the same month was
    written after everything that the table has.
    """
    every = sorted({m for name in by_month for m in written.get(name, {})})
    if not every:
        return []
    place = {month: i for i, month in enumerate(every)}
    # the newest change that each month ought to show: its own writing, or that of what it rests on where that is later
    ought: dict[str, Moments] = {}
    found: list[Behind] = []
    for name in order:
        reads = [e for e in edges if e.downstream == name and e.upstream in ought]
        if name not in by_month:
            at = written.get(name, {}).get("")
            own = np.full(len(every), np.nan if at is None else at)
        else:
            own = _moments(written.get(name, {}), place)
        late = np.zeros(own.size, dtype=bool)
        if not np.isnan(own).all():
            reference = np.where(np.isnan(own), np.nanmax(own), own)
            for edge in reads:
                rests = _looking_back(ought[edge.upstream], edge.before)
                late |= np.where(np.isnan(own), ought[edge.upstream], rests) > reference
            if late.any():
                months = tuple(every[i] for i in np.flatnonzero(late)) if name in by_month else ()
                found.append(Behind(name, months, *_reason(reads, ought, reference, late, every)))
        if name in by_month:
            rest = np.fmax.reduce([own, *(_looking_back(ought[e.upstream], e.before) for e in reads)])
            ought[name] = np.where(late, rest, own)
    return found


def _moments(of: Mapping[str, int], place: Mapping[str, int]) -> Moments:
    made = np.full(len(place), np.nan)
    for month, at in of.items():
        made[place[month]] = at
    return made


def _looking_back(of: Moments, before: int) -> Moments:
    """The newest moment among each month and so many months before it; NaN where none has rows."""
    if before == ALL_MONTHS:
        return np.fmax.accumulate(of)
    newest = of.copy()
    for step in range(1, min(before, of.size - 1) + 1):
        newest[step:] = np.fmax(newest[step:], of[:-step])
    return newest


def _reason(
    reads: Sequence[Edge],
    ought: Mapping[str, Moments],
    reference: Moments,
    late: npt.NDArray[np.bool_],
    every: Sequence[str],
) -> tuple[str, str]:
    """The earliest month of a table that the first late month ought to show, and does not: table, month."""
    first = int(np.flatnonzero(late)[0])
    reasons = [(int(np.flatnonzero(ought[e.upstream] > reference[first])[0]), e.upstream)
               for e in reads if (ought[e.upstream] > reference[first]).any()]  # fmt: skip
    month, upstream = min(reasons)
    return upstream, every[month]


def restated(lake: Lake, defs: dg.Definitions) -> list[Behind]:
    """What in the lake is older than what it rests on."""
    order, edges = lineage(defs)
    tables = lake.tables
    by_month = frozenset(name for name in order if name in tables and tables[name].partitioned)
    return behind({name: lake.written(name) for name in order if name in tables}, order, edges, by_month)


def command(found: Sequence[Behind]) -> str | None:
    """The command that brings the months up to date, None where no month is behind."""
    months = sorted({m for b in found for m in (*b.months, b.since) if b.months})
    if not months:
        return None
    assets = ",".join(b.asset for b in found)
    return (
        f"cyberpi backfill --from {months[0]} --to {min(months[-1], MONTHS.get_partition_keys()[-1])} --assets {assets}"
    )


def in_words(found: Sequence[Behind]) -> list[str]:
    """What is behind, a line each, and the command; nothing where nothing is."""
    lines = [f"{b.asset}: {_span(b.months)} older than {b.because} of {b.since}" for b in found if b.months]
    whole = [b.asset for b in found if not b.months]
    if whole:
        more = f" and {len(whole) - _NAMED} more" if len(whole) > _NAMED else ""
        lines.append(f"without months, older than what they rest on: {', '.join(whole[:_NAMED])}{more}")
    offered = command(found)
    return [*lines, offered if offered is not None else "cyberpi run"] if lines else []


def _span(months: Sequence[str]) -> str:
    count = f"{len(months)} month{'s' if len(months) != 1 else ''}"
    return f"{count}, {months[0]}" + (f" to {months[-1]}" if len(months) > 1 else "")
