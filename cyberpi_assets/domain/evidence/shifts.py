"""The calendar-shift test: an official's calendar of trades against the same calendar begun elsewhere.

Here belongs the test of a whole calendar. All trades of an official move by one random number of sessions around the
official's own window, so that batches stay together and habits of spacing are kept; each then has the p of its ticker
on the day it lands on. The statistic is the mean of 1 - p over the clusters that land on an admissible date. The same
shifted calendars, regrouped, test tickers, sectors and committees.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from zlib import crc32

import numpy as np
import numpy.typing as npt

from cyberpi_assets.domain.calendar import Days
from cyberpi_assets.domain.evidence.clusters import Clusters
from cyberpi_assets.domain.evidence.surface import sessions_between
from cyberpi_assets.domain.features import Bools, Floats, Ints
from cyberpi_assets.rules.figures import EvidenceRules

_SAME = 1e-9  # two statistics closer than this are equal; rounding of sums stays far below


@dataclass(frozen=True)
class ShiftTest:
    """The test of every group. Arrays: one value per group; NaN where nothing could be tested."""

    n: Ints  # clusters tested
    statistic: Floats  # mean of 1 - p as it was
    p_value: Floats  # (b + 1) / (B + 1)
    p_exact: Floats  # over all offsets, for a group of one official
    coverage: Floats  # share of the clusters that are admissible after a shift, on average


def window_sessions(data: Clusters, person: int) -> Days:
    """The sessions of one official's window, in order."""
    first, last = data.spans.of(person)
    parts = [sessions_between(int(a), int(b)) for a, b in zip(first, last, strict=True)]
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int32)


def offsets(name: str, n_sessions: int, draws: int, seed: int) -> Ints:
    """Random circular offsets of one official: the same whoever else is tested."""
    return np.random.default_rng([seed, crc32(name.encode())]).integers(0, n_sessions, size=draws)


def upper_shares(ranks: npt.NDArray[np.int32], size: int) -> Floats:
    """Share of values that are at least as large as each value. ranks: whole numbers below `size`."""
    counts = np.bincount(ranks, minlength=size)
    return np.cumsum(counts[::-1])[::-1][ranks] / max(ranks.size, 1)


def shifted(value: Floats, at: Ints) -> Floats:
    """Sum of the values at places `at` after every circular shift: out[k] = sum of value[(at + k) mod n].

    Shape: (n,).
    """
    n = value.size
    doubled = np.concatenate([value, value])
    out = np.zeros(n)
    for place in at:
        out += doubled[place : place + n]
    return out


@dataclass(frozen=True)
class Calendar:
    """One official and ticker, laid out on the official's window."""

    cluster: Ints  # clusters, as places in `Clusters`
    at: Ints  # where each stands in the window
    value: Floats  # 1 - p of the ticker on each session, 0 where not admissible. Shape: (sessions,)
    open: Bools  # which sessions are admissible. Shape: (sessions,)


def calendars(data: Clusters, person: int, mine: Ints, days: Days, rules: EvidenceRules) -> Iterator[Calendar]:
    """One official's tickers. mine: the official's clusters, in order; days: the official's sessions, in order.

    A trade dated on a day without a session stands at the next one. Left out are clusters on days out of office,
    without a null, or whose own session is not admissible.
    """
    first, last = data.spans.of(person)
    size = data.surface.levels.size
    placebo = data.surface.placebo
    code, has_null = data.code[mine], np.isfinite(data.p_placebo[mine])
    edges = np.flatnonzero(np.r_[True, code[1:] != code[:-1], True])
    for a, b in pairwise(edges.tolist()):
        group = mine[a:b]
        low, high = placebo.places(np.full(first.size, code[a]), first, last)
        ranks = np.concatenate([placebo.rank[x:y] for x, y in zip(low, high, strict=True)])
        if ranks.size < rules.min_dates:
            continue
        # sessions missing on the surface stay closed
        where = np.searchsorted(days, np.concatenate([placebo.day[x:y] for x, y in zip(low, high, strict=True)]))
        value, is_open = np.zeros(days.size), np.zeros(days.size, dtype=bool)
        value[where] = 1.0 - upper_shares(ranks, size)
        is_open[where] = True
        day = data.day[group]
        at = np.minimum(np.searchsorted(days, day), days.size - 1)
        in_office = ((first[:, None] <= day) & (day <= last[:, None])).any(axis=0)
        keep = in_office & has_null[a:b] & is_open[at]
        if keep.any():
            yield Calendar(group[keep], at[keep].astype(np.int64), value, is_open)


def episodes(day: Ints, gap: int | None) -> Ints:
    """Number of each cluster's episode: a pause of more than `gap` calendar days begins a new one; all 0 for None.

    day: of one official's clusters, in any order. Shape: as `day`.
    """
    if gap is None or day.size == 0:
        return np.zeros(day.shape, dtype=np.int64)
    distinct, at = np.unique(day, return_inverse=True)
    return np.concatenate([[0], np.cumsum(np.diff(distinct) > gap)]).astype(np.int64)[at]


def shift_test(
    data: Clusters, cluster: Ints, group: Ints, n_groups: int, rules: EvidenceRules, gap: int | None = None
) -> ShiftTest:
    """Test groups of clusters against shifted calendars, each official's shifted as a whole by an offset of its own.

    cluster, group: pairs; a cluster may be in several groups. B and seed are `rules.shifts` and `rules.seed`. With
    `gap`, an official's episodes (trades with no pause of more than `gap` calendar days) are shifted each by itself:
    whole calendars have few distinct positions, since scores of neighbouring days are alike, and so a floor under p;
    episodes have not.
    """
    draws = rules.shifts
    sums, counts = np.zeros((n_groups, draws)), np.zeros((n_groups, draws))
    now, n = np.zeros(n_groups), np.zeros(n_groups, dtype=np.int64)
    exact, officials = np.full(n_groups, np.nan), np.zeros(n_groups, dtype=np.int64)
    order = np.argsort(cluster, kind="stable")
    cluster, group = cluster[order], group[order]
    starts = np.searchsorted(data.person, np.arange(len(data.people) + 1))
    for person, name in enumerate(data.people):
        mine = np.arange(starts[person], starts[person + 1])
        days = window_sessions(data, person)
        if days.size < rules.min_dates:
            continue
        part = episodes(data.day[mine], gap)
        totals: dict[tuple[int, int], list[Floats]] = {}
        for calendar in calendars(data, person, mine, days, rules):
            every = bool(calendar.open.all())
            member, label = _groups_of(calendar.cluster, cluster, group)
            # one number for group and episode
            both = label * (mine.size + 1) + part[calendar.cluster[member] - mine[0]]
            for code in sorted({*both.tolist()}):
                at = calendar.at[member[both == code]]
                key = divmod(code, mine.size + 1)
                total, reached = totals.setdefault(key, [np.zeros(days.size), np.zeros(days.size)])
                total += shifted(calendar.value, at)
                reached += at.size if every else shifted(calendar.open.astype(np.float64), at)
        n_parts = int(part.max(initial=0)) + 1
        drawn = offsets(name, days.size, draws * n_parts, rules.seed).reshape(n_parts, draws)
        for (label, episode), (total, reached) in totals.items():
            sums[label] += total[drawn[episode]]
            counts[label] += reached[drawn[episode]]
            now[label] += total[0]
            n[label] += round(reached[0])
            exact[label] = _share_at_least(total, reached, total[0] / reached[0])
        for label in {label for label, _ in totals}:
            officials[label] += 1
    with np.errstate(invalid="ignore", divide="ignore"):
        statistic = np.where(n > 0, now / n, np.nan)
        # a shift that leaves nothing to test counts against the finding
        means = np.where(counts > 0, sums / counts, np.inf)
        coverage = np.where(n > 0, counts.mean(axis=1) / n, np.nan)
    beaten = (means >= statistic[:, None] - _SAME).sum(axis=1)
    p_value = np.where(n > 0, (beaten + 1.0) / (draws + 1.0), np.nan)
    return ShiftTest(n, statistic, p_value, np.where((officials == 1) & (gap is None), exact, np.nan), coverage)


def _groups_of(wanted: Ints, cluster: Ints, group: Ints) -> tuple[Ints, Ints]:
    """The groups of some clusters: (place in `wanted`, group), flat. cluster, group: pairs sorted by cluster."""
    low, high = np.searchsorted(cluster, wanted, "left"), np.searchsorted(cluster, wanted, "right")
    count = high - low
    member = np.repeat(np.arange(wanted.size), count)
    inner = np.arange(member.size) - np.repeat(np.cumsum(count) - count, count)
    return member, group[low[member] + inner]


def _share_at_least(total: Floats, reached: Floats, observed: float) -> float:
    means = np.divide(total, reached, out=np.full(total.size, np.inf), where=reached > 0)
    return float(np.mean(means >= observed - _SAME))
