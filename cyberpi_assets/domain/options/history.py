"""How far each feature of option flow lies from its own past and from its peers, in robust standard deviations.

Here belongs the distance of single features. How distances become a score is in `scores.py`.

The past of a row is that of the same ticker and provider: the last whole-day snapshot of each of the 120 exchange
sessions before the row's own. Nothing of the row's own session counts. Providers are not mixed, for they list different
contracts, and a distance between two providers would measure them.

Chains breathe with the calendar, so a row is held against sessions like its own: the same weekday and the same kind
of week (with a monthly expiry or without) where there are 12 of them, else the same kind of week where there are 12,
else all.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from cyberpi_assets.domain.calendar import ordinal
from cyberpi_assets.domain.columns import day_numbers, numbered
from cyberpi_assets.rules.figures import ThreatRules

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# feature: sign of what is worth a look, and the least spread (absolute, and as a share of the median) that counts
FEATURES: dict[str, tuple[int, float, float]] = {
    "log_put_call": (1, 0.10, 0.0),  # more puts than usual
    "otm_put_share": (1, 0.02, 0.05),  # puts further below the price
    "share_30d": (1, 0.02, 0.05),  # nearer expiries
    "volume_ratio": (1, 0.05, 0.05),  # more of everything
    "put_flow_adv": (1, 1e-4, 0.10),  # puts that weigh more in the stock
    "skew_25d": (1, 0.005, 0.05),  # protection dearer
    "term_slope": (-1, 0.005, 0.05),  # the near term dearer than the far
    "oi_change": (1, 0.02, 0.05),  # yesterday's contracts were kept over night
}
WHOLE_DAY = ("volume_ratio", "put_flow_adv")  # sums that grow through the day: not compared while it goes on
NORMAL = 1.482602218505602  # median absolute deviation to standard deviation, of a normal distribution
_SIZE = "chain_volume"


@dataclass(frozen=True)
class Distances:
    """Per row of the flow (first axis) and feature (second): what it is held against. NaN is not known."""

    value: Floats
    median: Floats  # of the own past
    own: Floats  # robust z against it
    peers: Floats  # robust z against the peers
    combined: Floats  # w own + (1 - w) peers, within the limit; own alone where there are no peers
    n: Ints  # own prior sessions, per row
    weight: Floats  # w = n / (n + 20), per row; 1 where no feature has peers


def robust_z(x: Floats, median: Floats, mad: Floats, least: Floats | float = 0.0) -> Floats:
    """(x - median) / (1.4826 MAD), with the spread floored at `least`; NaN where the spread is 0 or not known."""
    spread = np.maximum(NORMAL * mad, least)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(spread > 0, (x - median) / spread, np.nan)


def in_expiry_week(days: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.bool_]:
    """Whether each day (since 1970-01-01) lies in the week of a third Friday, Monday to Sunday."""
    dates = days.astype("datetime64[D]")
    friday = dates + (4 - (days.astype(np.int64) + 3) % 7).astype("timedelta64[D]")
    day_of_month = (friday - friday.astype("datetime64[M]")).astype(np.int64) + 1
    return (day_of_month >= 15) & (day_of_month <= 21)


def stretches(ordered: npt.NDArray[np.generic]) -> list[tuple[int, int]]:
    """First place and end of each stretch of equal values in an ordered array."""
    inner = np.flatnonzero(ordered[1:] != ordered[:-1]) + 1
    return list(pairwise([0, *inner.tolist(), ordered.size])) if ordered.size else []


def distances(flow: pa.Table, sectors: pa.Table | None, rules: ThreatRules) -> Distances:
    """The distance of every row of a flow, which holds its past too. flow: `tables.OPTION_FLOW`, in any order.

    sectors: ticker, sector. A feature with fewer than 20 prior values of its own has no distance.
    """
    names = list(FEATURES)
    value = np.stack([_column(flow, f) for f in names], axis=1) if flow.num_rows else np.empty((0, len(names)))
    days = day_numbers(flow.column("session"))
    partial = flow.column("partial_day").to_numpy(zero_copy_only=False).astype(bool)
    for f in WHOLE_DAY:
        value[partial, names.index(f)] = np.nan
    ticker, tickers = numbered(flow.column("ticker"))
    source, sources = numbered(flow.column("source"))
    series = ticker.astype(np.int64) * max(len(sources), 1) + source
    past = _past(series, days, flow, np.where(partial[:, None], np.nan, value), partial, rules)
    least = _least(past.median)
    own = robust_z(value, past.median, past.mad, least)
    peer_median, peer_spread = _peers(past, least, source, ticker, _sector_of(tickers, sectors), days, rules)
    with np.errstate(divide="ignore", invalid="ignore"):
        peers = (value - peer_median) / peer_spread
        w = (past.n / (past.n + rules.own_weight))[:, None]
        alone = np.isnan(peers)
        both = np.clip(np.where(alone, own, w * own + (1 - w) * peers), -rules.z_limit, rules.z_limit)
    weight = np.where(alone.all(axis=1), 1.0, w[:, 0]) if value.size else np.empty(0)
    return Distances(value, past.median, own, peers, both, past.n, weight)


@dataclass(frozen=True)
class _Past:
    """Per row: the own past. Medians are NaN where too few values are known."""

    median: Floats
    mad: Floats
    n: Ints
    size: Floats  # median option volume of the prior sessions


def _column(flow: pa.Table, name: str) -> Floats:
    return flow.column(name).cast(pa.float64()).to_numpy()


def _least(median: Floats) -> Floats:
    """The least spread that counts, by feature. Shape: as `median`."""
    absolute = np.array([v[1] for v in FEATURES.values()])
    relative = np.array([v[2] for v in FEATURES.values()])
    return np.maximum(absolute, relative * np.abs(median))


def _past(
    series: Ints, days: Ints, flow: pa.Table, value: Floats, partial: npt.NDArray[np.bool_], rules: ThreatRules
) -> _Past:
    """Median and MAD of each row's own past, one series at a time on a grid of sessions."""
    rows, width = days.size, len(FEATURES)
    out = _Past(
        np.full((rows, width), np.nan), np.full((rows, width), np.nan), np.zeros(rows, np.int64), np.full(rows, np.nan)
    )
    if not rows:
        return out
    moment = flow.column("snapshot_at").cast(pa.int64()).to_numpy()
    at = ordinal(days.astype(np.int32))
    kind = ((days + 3) % 7) * 2 + in_expiry_week(days)  # weekday and kind of week
    table = np.concatenate([value, np.where(partial, np.nan, _column(flow, _SIZE))[:, None]], axis=1)
    order = np.lexsort((moment, partial, at, series))
    for first, end in stretches(series[order]):  # hundreds
        _one_series(order[first:end], at, kind, table, partial, out, rules)
    return out


def _one_series(
    mine: npt.NDArray[np.intp],
    at: Ints,
    kind: Ints,
    table: Floats,
    partial: npt.NDArray[np.bool_],
    out: _Past,
    rules: ThreatRules,
) -> None:
    if at[mine[0]] == at[mine[-1]]:
        return  # one session has no past
    back, base = rules.history_sessions, int(at[mine[0]]) - rules.history_sessions
    grid = np.full((int(at[mine[-1]]) - base + 1, table.shape[1]), np.nan)
    kinds, seen = np.full(grid.shape[0], -1, np.int64), np.zeros(grid.shape[0], dtype=bool)
    whole = mine[~partial[mine]]
    # of several snapshots of a session the last stands: assignment by ascending moment
    grid[at[whole] - base], kinds[at[whole] - base], seen[at[whole] - base] = table[whole], kind[whole], True
    slots, which = np.unique(at[mine] - base, return_inverse=True)
    asked_kind = np.zeros(slots.size, np.int64)
    asked_kind[which] = kind[mine]
    window = slots[:, None] + np.arange(-back, 0)
    values = grid[window]  # sessions x past x features
    alike = kinds[window]
    same = (alike == asked_kind[:, None])[:, :, None]
    same_week = ((alike >= 0) & (alike % 2 == asked_kind[:, None] % 2))[:, :, None]
    known = np.isfinite(values)
    enough = known.sum(axis=1) >= rules.history_present
    by_cell = (known & same).sum(axis=1) >= rules.cell_present
    by_week = (known & same_week).sum(axis=1) >= rules.cell_present
    use = np.where(by_cell[:, None], same, np.where(by_week[:, None], same_week, True))
    chosen = np.where(use & known & enough[:, None], values, np.nan)
    median = _nanmedian(chosen)
    mad = _nanmedian(np.abs(chosen - median[:, None]))
    width = len(FEATURES)
    out.median[mine], out.mad[mine] = median[which, :width], mad[which, :width]
    out.n[mine] = seen[window].sum(axis=1)[which]
    out.size[mine] = _nanmedian(values[:, :, width:])[which, 0]


def _nanmedian(values: Floats) -> Floats:
    """Median over the second axis, NaN left out. Shape: (a, b, c) -> (a, c)."""
    ordered = np.sort(values, axis=1)  # NaN last
    n = np.isfinite(values).sum(axis=1)
    low, high = np.maximum((n - 1) // 2, 0), np.minimum(n // 2, values.shape[1] - 1)
    middle = [np.take_along_axis(ordered, i[:, None], axis=1)[:, 0] for i in (low, high)]
    return np.where(n > 0, 0.5 * (middle[0] + middle[1]), np.nan)


def _sector_of(tickers: list[str], sectors: pa.Table | None) -> Ints:
    """The sector of each ticker as a number; tickers without one are a group of their own."""
    if sectors is None or not sectors.num_rows:
        return np.full(len(tickers), -1, dtype=np.int64)
    of = {r["ticker"]: r["sector"] for r in sectors.select(["ticker", "sector"]).to_pylist() if r["sector"]}
    names = {s: i for i, s in enumerate(sorted(set(of.values())))}
    return np.array([names[of[t]] if t in of else -1 for t in tickers], dtype=np.int64)


def _peers(
    past: _Past,
    least: Floats,
    source: npt.NDArray[np.int32],
    ticker: npt.NDArray[np.int32],
    sector: Ints,
    days: Ints,
    rules: ThreatRules,
) -> tuple[Floats, Floats]:
    """Centre and spread of each row's peers: the same provider, session, sector and quintile of option volume.

    The group is widened to the quintile, then to all, until it has enough underlyings besides the row's own. Its
    centre is the median of the members' medians; its spread is made of the members' own (their median) and of how far
    their medians lie apart.
    """
    rows, width = past.median.shape
    centre, spread = np.full((rows, width), np.nan), np.full((rows, width), np.nan)
    usable = np.isfinite(past.median).any(axis=1)
    if not usable.any():
        return centre, spread
    own_spread = np.maximum(NORMAL * past.mad, least)
    # one member per provider, session and ticker: a session's snapshots share their past
    _, member, of_row = np.unique(
        np.stack([source, days, ticker], axis=1)[usable], axis=0, return_index=True, return_inverse=True
    )
    at = np.flatnonzero(usable)[member]
    of_row = of_row.reshape(-1)
    date = np.unique(np.stack([source[at], days[at]], axis=1), axis=0, return_inverse=True)[1].reshape(-1)
    quintile = _quintiles(date, past.size[at])
    levels = [
        (date * 5 + quintile) * (sector.max(initial=-1) + 2) + sector[ticker[at]] + 1,
        date * 5 + quintile,
        date,
    ]
    best_centre, best_spread = np.full((at.size, width), np.nan), np.full((at.size, width), np.nan)
    for level in reversed(levels):  # the narrowest group that is large enough stands
        middle, apart, inside, members = _by_group(level, past.median[at], own_spread[at])
        large = members > rules.min_peers
        best_centre = np.where(large, middle, best_centre)
        best_spread = np.where(large, np.hypot(inside, NORMAL * apart), best_spread)
    centre[usable], spread[usable] = best_centre[of_row], best_spread[of_row]
    return centre, spread


def _by_group(group: Ints, medians: Floats, spreads: Floats) -> tuple[Floats, Floats, Floats, Ints]:
    """Per row and feature: median of the group's medians, their MAD, median of its spreads, members known."""
    order = np.argsort(group, kind="stable")
    out = tuple(np.empty_like(medians) for _ in range(3))
    members = np.zeros(medians.shape, dtype=np.int64)
    for first, end in stretches(group[order]):
        mine = order[first:end]
        middle = _nanmedian(medians[mine][None])
        out[0][mine], out[1][mine] = middle, _nanmedian(np.abs(medians[mine] - middle)[None])
        out[2][mine] = _nanmedian(np.where(np.isfinite(medians[mine]), spreads[mine], np.nan)[None])
        members[mine] = np.isfinite(medians[mine]).sum(axis=0)
    return out[0], out[1], out[2], members


def _quintiles(date: Ints, size: Floats) -> Ints:
    """The quintile (0 to 4) of each size within its date; unknown sizes are of the lowest."""
    order = np.lexsort((np.nan_to_num(size, nan=-1.0), date))
    out = np.empty(date.size, dtype=np.int64)
    for first, end in stretches(date[order]):
        out[order[first:end]] = np.arange(end - first) * 5 // (end - first)
    return out
