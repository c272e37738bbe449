"""The timing surface: the score that a trade would have, for every ticker and every calendar day.

Here belongs how alerts before a day become a score (METHODS, section 2), once for all days by cumulative sums, so that
a trade, a placebo date or a permutation is a lookup. Which disclosed trade gets a score, and why another gets
none, is in `correlations.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from cyberpi_assets.domain.alerts import bars_in_order
from cyberpi_assets.domain.calendar import is_session, ordinal
from cyberpi_assets.domain.columns import dates, day_numbers, frame, having, month_of, named, numbered, places
from cyberpi_assets.domain.features import Floats, Ints
from cyberpi_assets.rules.figures import AlertThresholds, TimingRules
from cyberpi_assets.tables import TIMING_SURFACE

TIERS = ((80.0, "highly suspicious"), (60.0, "suspicious"), (40.0, "notable"), (0.0, "normal"))
SUSPICIOUS = 60.0
_TICKERS_AT_ONCE = 128  # about half a million calendar days: bounds memory


def score_parts(
    n: npt.ArrayLike, mean_severity: npt.ArrayLike, recent: npt.ArrayLike, high: npt.ArrayLike
) -> tuple[Floats, Floats]:
    """Raw and capped timing score: raw = 5 n + 2 mean severity + 10 recent + 15 high; score = min(100, raw).

    All arguments broadcast; 0 where n is 0. Formula: METHODS, section 2.
    """
    count = np.asarray(n, dtype=np.float64)
    raw = 5.0 * count + 2.0 * np.asarray(mean_severity) + 10.0 * np.asarray(recent) + 15.0 * np.asarray(high)
    raw = np.where(count > 0, raw, 0.0)
    return raw, np.minimum(100.0, raw)


def tier(score: Floats) -> npt.NDArray[np.object_]:
    """Tier of each score: >= 80 highly suspicious, >= 60 suspicious, >= 40 notable, else normal; None where NaN."""
    names = np.array([name for _, name in TIERS], dtype=object)
    out = names[np.searchsorted([-bound for bound, _ in TIERS], -np.nan_to_num(score), side="left")]
    out[np.isnan(score)] = None
    return out


def counted_alerts(alerts: pa.Table, rules: TimingRules) -> pa.Table:
    """The alerts that count: none with suspect data, one per ticker and day unless `count` is "alerts".

    alerts: `tables.MARKET_ALERTS`. Columns: ticker, day, severity (int16, highest of the day, null when none is rated),
    alert_id (of the alert with that severity), alert_types (comma-separated); sorted by ticker and day.
    """
    usable = having(alerts, "suspect_data", [False])
    slim = usable.select(["ticker", "session", "severity", "alert_id", "alert_type"])
    severity: Any = slim.column("severity")
    ordered = slim.append_column("rank", severity.fill_null(-1)).sort_by(
        [("ticker", "ascending"), ("session", "ascending"), ("rank", "descending"), ("alert_id", "ascending")]
    )
    if rules.count == "alerts" or ordered.num_rows == 0:
        kept = ordered
        types = ordered.column("alert_type")
    else:
        ticker, _ = numbered(ordered.column("ticker"))
        day = day_numbers(ordered.column("session"))
        first = np.flatnonzero(np.r_[True, (ticker[1:] != ticker[:-1]) | (day[1:] != day[:-1])])
        ends = np.r_[first[1:], ticker.size].astype(np.int32)
        kept = ordered.take(pa.array(first, pa.int64()))
        offsets = pa.array(np.r_[0, ends].astype(np.int32), pa.int32())
        lists: Any = pa.ListArray.from_arrays(offsets, ordered.column("alert_type").combine_chunks())
        types: Any = pc.binary_join(lists, ",")
    names = ["ticker", "session", "severity", "alert_id"]
    counted = kept.select(names).rename_columns(["ticker", "day", *names[2:]])
    return counted.append_column("alert_types", types)


def _prefix(size: int, at: Ints, weights: Floats | None = None) -> Floats:
    """Exclusive prefix sums over the grid of the weights at some places."""
    out = np.zeros(size + 1, dtype=np.float64)
    np.cumsum(np.bincount(at, weights=weights, minlength=size), out=out[1:])
    return out


@dataclass(frozen=True)
class Evaluable:
    """Per bar, sorted by ticker and day, which detectors had what they need."""

    tickers: list[str]
    code: npt.NDArray[np.int32]  # ticker, as a number
    day: Ints
    moved: npt.NDArray[np.bool_]  # a return
    detectors: npt.NDArray[np.int8]  # how many of the three


def evaluable(bars: pa.Table, t: AlertThresholds) -> Evaluable:
    """Which detectors could be evaluated on each bar. bars: `tables.DAILY_BARS`, all that precede."""
    block, tickers = bars_in_order(bars)
    first, n = block.first, block.code.size
    here = np.arange(n)
    moved = here > first
    known = np.r_[0, np.cumsum(np.isfinite(block.volume))]
    has_volume = np.isfinite(block.volume) & (
        known[here] - known[np.maximum(first, here - t.volume_sessions)] >= t.volume_present
    )
    rated = here - first >= t.volatility_days
    prior = np.r_[0, np.cumsum(rated)]
    has_volatility = rated & (
        prior[here] - prior[np.maximum(first, here - t.volatility_sessions)] >= t.volatility_present
    )
    detectors = moved.astype(np.int8) + has_volume + has_volatility
    return Evaluable(tickers, block.code, block.day.astype(np.int64), moved, detectors)


def timing_surface(
    alerts: pa.Table,
    bars: pa.Table,
    rules: TimingRules,
    thresholds: AlertThresholds,
    months: Sequence[str] | None = None,
) -> pa.Table:
    """The score of every ticker on every calendar day that has a bar on it or in the `window_days` before it.

    alerts: `tables.MARKET_ALERTS`, of the months wanted and the window before them. bars: `tables.DAILY_BARS`, all
    that precede. months: YYYY-MM to return, all when None. Columns: `tables.TIMING_SURFACE`.
    """
    counted = counted_alerts(alerts, rules)
    rows = evaluable(bars, thresholds)
    if not rows.tickers:
        return TIMING_SURFACE.empty()
    of = places(counted.column("ticker"), rows.tickers)
    order = np.argsort(of, kind="stable")
    severity: Floats = counted.column("severity").cast(pa.float64()).to_numpy()
    world = _World(rows, of[order], day_numbers(counted.column("day"))[order], severity[order])
    edges = np.searchsorted(rows.code, np.arange(0, len(rows.tickers) + _TICKERS_AT_ONCE, _TICKERS_AT_ONCE))
    parts = [slice(int(a), int(b)) for a, b in pairwise(edges) if b > a]
    days = _day_range(months)

    def one(part: slice) -> pa.Table:
        return _surface_of(world, part, rules, days)

    with ThreadPoolExecutor(2) as pool:
        laid_out = pa.concat_tables(list(pool.map(one, parts)))
    if months is None:
        return laid_out
    between = int((np.datetime64(max(months), "M") - np.datetime64(min(months), "M")).astype(int))
    return laid_out if len(set(months)) == between + 1 else having(laid_out, "month", set(months))


@dataclass(frozen=True)
class _World:
    """Bars and counted alerts as arrays: bars sorted by ticker code and day, alerts by ticker code."""

    bars: Evaluable
    event_code: Ints
    event_day: Ints
    event_severity: Floats


def _surface_of(w: _World, part: slice, rules: TimingRules, days_wanted: tuple[int, int]) -> pa.Table:
    """The surface of the tickers whose bars lie in `part`."""
    low, high = days_wanted
    lowest = int(w.bars.code[part.start])
    code, day = w.bars.code[part] - lowest, w.bars.day[part]
    starts = np.flatnonzero(np.r_[True, code[1:] != code[:-1]])
    ends = np.r_[starts[1:], code.size] - 1
    # only the days wanted and the window before them are laid out
    begin = np.maximum(day[starts], low - rules.window_days - 1)
    stop = np.minimum(day[ends] + rules.window_days, high)
    length = np.maximum(stop - begin + 1, 0)
    base = np.concatenate([[0], np.cumsum(length)]).astype(np.int64)
    size = int(base[-1])
    if size == 0:
        return TIMING_SURFACE.empty()

    mine = slice(*np.searchsorted(w.event_code, [lowest, lowest + starts.size]))
    event_code, event_day, severity = w.event_code[mine] - lowest, w.event_day[mine], w.event_severity[mine]
    inside = (event_day >= begin[event_code]) & (event_day <= stop[event_code])
    event_code, event_day, severity = event_code[inside], event_day[inside], severity[inside]
    at = base[event_code] + event_day - begin[event_code]
    rated = np.isfinite(severity)

    stretch = np.repeat(np.arange(starts.size, dtype=np.int32), length)
    place = np.arange(size)
    edge = base[stretch]
    days = begin[stretch] + (place - edge)
    bar_in = (day >= begin[code]) & (day <= stop[code])
    bar_at = base[code[bar_in]] + day[bar_in] - begin[code[bar_in]]
    # a pause in a ticker's bars has no rows, whether or not it is known yet that it will end
    bars_to = _prefix(size, bar_at)
    seen_lately = bars_to[place + 1] > bars_to[np.maximum(edge, place - rules.window_days)]
    wanted = (days >= low) & (days <= high) & seen_lately
    place, edge, days, stretch = place[wanted], edge[wanted], days[wanted].astype(np.int32), stretch[wanted]
    top = place + 1 if rules.include_same_day else place
    window, short = np.maximum(edge, place - rules.window_days), np.maximum(edge, place - rules.recent_days)

    every = _prefix(size, at)
    n, recent = every[top] - every[window], every[top] - every[short]

    def counted(mask: npt.NDArray[np.bool_], weights: Floats | None = None) -> Floats:
        prefix = _prefix(size, at[mask], weights)
        return prefix[top] - prefix[window]

    n_rated, total = counted(rated), counted(rated, severity[rated])
    n_high = counted(rated & (severity >= rules.high_severity))

    detectors = _prefix(size, bar_at, w.bars.detectors[part][bar_in].astype(np.float64))
    moved = _prefix(size, bar_at, w.bars.moved[part][bar_in].astype(np.float64))
    open_sessions = np.maximum(ordinal(days) - ordinal(days - rules.window_days), 1)
    seen, moves = detectors[place] - detectors[window], moved[place] - moved[window]

    mean = np.divide(total, n_rated, out=np.zeros_like(total), where=n_rated > 0)
    raw, _ = score_parts(n, mean, recent, n_high)
    when = dates(days)
    return frame(
        TIMING_SURFACE,
        {
            "ticker": named(stretch, w.bars.tickers[lowest : lowest + starts.size]),
            "day": when,
            "is_session": is_session(days),
            "n_alerts": n.astype(np.int16),
            "n_rated": n_rated.astype(np.int16),
            "severity_sum": total.astype(np.float32),
            "n_recent": recent.astype(np.int16),
            "n_high": n_high.astype(np.int16),
            "coverage": np.minimum(seen / (3.0 * open_sessions), 1.0).astype(np.float32),
            "scorable": moves >= rules.min_coverage * open_sessions,
            "raw_score": raw,
            "month": month_of(when),
        },
    )


def _day_range(months: Sequence[str] | None) -> tuple[int, int]:
    """First and last day number of the months, or everything."""
    if months is None:
        return -(2**31), 2**31
    first = np.datetime64(min(months), "M").astype("datetime64[D]").astype(int)
    last = (np.datetime64(max(months), "M") + 1).astype("datetime64[D]").astype(int) - 1
    return int(first), int(last)
