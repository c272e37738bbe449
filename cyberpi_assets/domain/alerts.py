"""Market alerts: unusual volume, price spikes and drops, high volatility, each with its rarity.

Here belongs what fires an alert and how rare it is (METHODS, section 1). The features measured are in `features.py`;
how alerts score a trade is in `timing.py`.

Only bars over a threshold can exceed an alert's figure, so rarity is counted among those few: the number of prior
sessions with at least the alert's ratio is the number of prior *candidates* with at least it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from cyberpi_assets.domain.calendar import day_number, ordinal
from cyberpi_assets.domain.columns import Column, dates, frame, join, known, month_of, named, numbered, places
from cyberpi_assets.domain.counting import RangeCounts
from cyberpi_assets.domain.features import ROUNDING, Block, Bools, Features, Floats, Ints, measure
from cyberpi_assets.rules.figures import AlertThresholds
from cyberpi_assets.tables import MARKET_ALERTS

TYPES = ("unusual_volume", "price_spike", "price_drop", "high_volatility")
_BLOCK_BARS = 400_000  # bars measured at a time: bounds memory, and lets two threads share the work
_BASES = ["split", "total", "approx", "unknown", "raw"]
_BASELINE = {
    "unusual_volume": "mean_volume",
    "price_spike": "previous_close",
    "price_drop": "previous_close",
    "high_volatility": "median_std",
}


@dataclass
class _Events:
    """Candidates of one alert type: bars at or over the threshold, alerts among them, in ticker and session order."""

    code: npt.NDArray[np.int32]
    day: npt.NDArray[np.int32]
    place: Ints  # running number of the bar within its ticker
    ratio: Floats  # the measured figure
    baseline: Floats  # what it was measured against
    alert: Bools  # candidates that are no alert (high volatility after its first day) still count as history
    suspect: Bools
    own: Ints  # known values in the ticker's prior sessions
    close: Floats
    volume: Floats
    change: Floats


def bars_in_order(bars: pa.Table, splits: pa.Table | None = None) -> tuple[Block, list[str]]:
    """Bars as arrays sorted by ticker and session, and the tickers that the codes stand for.

    `bars` has the columns of `tables.DAILY_BARS` (open, high, low are not needed); `splits` ticker, session, value.
    """
    code, tickers = numbered(bars.column("ticker"))
    day = bars.column("session").cast(pa.int32()).to_numpy()
    key = code.astype(np.int64) << 32 | (day.astype(np.int64) + 2**31)
    sort = None if bool(np.all(key[1:] > key[:-1])) else np.argsort(key, kind="stable")

    def take(name: str) -> Floats:
        values = bars.column(name).cast(pa.float64(), safe=False).to_numpy()
        return values if sort is None else values[sort]

    basis = places(bars.column("basis"), _BASES)
    basis_code = np.where(basis < 0, _BASES.index("unknown"), basis).astype(np.int8)
    if sort is not None:
        code, day, basis_code, key = code[sort], day[sort], basis_code[sort], key[sort]
    split = np.full(code.size, np.nan)
    if splits is not None and splits.num_rows:
        of = {t: i for i, t in enumerate(tickers)}
        rows = splits.select(["ticker", "session", "value"]).to_pylist()
        for row in rows:  # a few hundred
            if row["ticker"] in of:
                wanted = of[row["ticker"]] << 32 | (day_number(row["session"]) + 2**31)
                at = int(np.searchsorted(key, wanted))
                if at < key.size and key[at] == wanted:
                    split[at] = row["value"]
    return Block(code, day, take("close"), take("adj_close"), take("volume"), basis_code, split), tickers


def _slices(block: Block) -> Iterator[slice]:
    """Parts of a block that hold whole tickers, about `_BLOCK_BARS` bars each."""
    starts = np.flatnonzero(np.r_[True, block.code[1:] != block.code[:-1]]) if block.code.size else np.empty(0, int)
    begin = 0
    for start in starts[1:]:
        if start - begin >= _BLOCK_BARS:
            yield slice(begin, int(start))
            begin = int(start)
    if block.code.size:
        yield slice(begin, block.code.size)


def _part(block: Block, part: slice) -> Block:
    return Block(*(getattr(block, f)[part] for f in Block.__dataclass_fields__))


def _candidates(block: Block, f: Features, t: AlertThresholds) -> dict[str, _Events]:
    """Per alert type the bars at or over its threshold, with the size of the ticker's own history before each."""
    first = block.first
    here = np.arange(block.code.size)
    limit = t.move_pct / 100.0 * (1.0 + ROUNDING)
    with np.errstate(invalid="ignore"):
        loud = np.flatnonzero(f.volume_ratio >= t.volume_ratio * (1.0 - ROUNDING))
        up = np.flatnonzero(f.change > limit)
        down = np.flatnonzero(f.change < -limit)
    hot = f.volatility_hot
    entry = np.ones(hot.size, dtype=bool)  # fires on entry only: the bar before was not hot
    entry[1:] = ~((hot[1:] == hot[:-1] + 1) & (block.code[hot[1:]] == block.code[hot[:-1]]))
    tainted = np.zeros(block.code.size, dtype=bool)  # a suspect move among the returns the volatility is made of
    for k in range(min(t.volatility_days, tainted.size)):
        tainted[k:] |= f.suspect[: f.suspect.size - k] & (here[k:] - k >= first[k:])

    def events(at: Ints, ratio: Floats, base: Floats, alert: Bools, suspect: Bools, valid: Bools) -> _Events:
        count = np.concatenate([[0], np.cumsum(valid, dtype=np.int64)])
        own = count[at] - count[np.maximum(first[at], at - t.severity_sessions)]
        return _Events(
            block.code[at], block.day[at], at - first[at], ratio, base, alert, suspect, own,
            block.close[at], block.volume[at], f.change[at],
        )  # fmt: skip

    moved = np.isfinite(f.change)
    before = np.r_[np.nan, block.close[:-1]]
    true = np.ones(block.code.size, dtype=bool)
    return {
        "unusual_volume": events(
            loud, f.volume_ratio[loud], f.volume_mean[loud], true[loud], ~true[loud], np.isfinite(f.volume_ratio)
        ),
        "price_spike": events(up, f.change[up], before[up], true[up], f.suspect[up], moved),
        "price_drop": events(down, -f.change[down], before[down], true[down], f.suspect[down], moved),
        "high_volatility": events(
            hot, f.volatility_ratio, f.volatility_median, entry, tainted[hot], f.volatility_known
        ),
    }


def _at_least_own(e: _Events, sessions: int) -> Ints:
    """For each candidate, how many candidates of the same ticker in the prior sessions have at least its ratio."""
    count = np.zeros(e.code.size, dtype=np.int64)
    active = np.flatnonzero(e.alert)
    step = 1
    while active.size:
        active = active[active >= step]
        back = active - step
        near = (e.code[back] == e.code[active]) & (e.place[active] - e.place[back] <= sessions)
        active, back = active[near], back[near]
        count[active] += e.ratio[back] >= e.ratio[active]
        step += 1
    return count


def _pooled(e: _Events, needs: Ints, sector: Ints, values: Ints, sessions: int) -> tuple[Ints, Ints]:
    """As above over all tickers of the sector, by exchange session: (values at least as high, values known).

    `sector` is per ticker code, -1 unknown; `values[s, o]` counts known values of sector s before session ordinal o.
    """
    when = ordinal(e.day)
    high = np.zeros(needs.size, dtype=np.int64)
    size = np.zeros(needs.size, dtype=np.int64)
    of_event = sector[e.code]
    for s in np.unique(of_event[needs]):
        if s < 0:
            continue
        pool = np.flatnonzero(of_event == s)
        pool = pool[np.argsort(when[pool], kind="stable")]
        pool_when, kinds = when[pool], np.unique(e.ratio[pool])
        mine = np.flatnonzero(of_event[needs] == s)
        now = when[needs[mine]]
        low, top = np.searchsorted(pool_when, now - sessions), np.searchsorted(pool_when, now)
        counts = RangeCounts(np.searchsorted(kinds, e.ratio[pool]))
        high[mine] = counts.at_least(low, top, np.searchsorted(kinds, e.ratio[needs[mine]]))
        size[mine] = values[s, now] - values[s, np.maximum(now - sessions, 0)]
    return high, size


def severity(tail_p: Floats) -> Floats:
    """Severity 1-10 of a tail probability: 10 % gives 1, 1 % gives 6, 0.2 % gives 10. NaN stays NaN."""
    with np.errstate(divide="ignore"):
        return np.clip(np.rint(1.0 + 9.0 * (-np.log10(tail_p) - 1.0) / 1.7), 1, 10)


def raise_alerts(
    bars: pa.Table,
    thresholds: AlertThresholds,
    *,
    splits: pa.Table | None = None,
    sectors: pa.Table | None = None,
    months: Iterable[str] | None = None,
) -> pa.Table:
    """Every alert of every ticker with its severity. Columns: `tables.MARKET_ALERTS`.

    bars: `tables.DAILY_BARS`, all sessions that precede the months wanted, in any order.
    splits: ticker, session, value (new shares per old share). sectors: ticker, sector; used where a ticker's own
    history is too short. months: YYYY-MM to return; all when None. An alert of a month is the same however many months
    are asked for at once, given the same bars before it.
    """
    t = thresholds
    block, tickers = bars_in_order(bars, splits)
    sector = _sector_codes(tickers, sectors)

    def one(part: slice) -> tuple[dict[str, _Events], dict[str, Ints], dict[str, Ints]]:
        b = _part(block, part)
        f = measure(b, t)
        events = _candidates(b, f, t)
        own = {name: _at_least_own(e, t.severity_sessions) for name, e in events.items()}
        return events, own, _known_by_sector(b, f, sector)

    with ThreadPoolExecutor(2) as pool:  # NumPy lets go of the interpreter lock in its loops
        parts = list(pool.map(one, _slices(block)))
    tables: list[pa.Table] = []
    for name in TYPES:
        if parts:
            events = _joined([p[0][name] for p in parts])
            high = np.concatenate([p[1][name] for p in parts])
            known_by_sector = sum((p[2][name] for p in parts[1:]), parts[0][2][name])
            tables.append(_alerts_of(name, events, high, known_by_sector, sector, tickers, t, months))
    if not tables:
        return MARKET_ALERTS.empty()
    joined = pa.concat_tables(tables)
    return joined.sort_by([("month", "ascending"), ("ticker", "ascending"), ("session", "ascending")])


def _joined(events: list[_Events]) -> _Events:
    return _Events(*(np.concatenate([getattr(e, f) for e in events]) for f in _Events.__dataclass_fields__))


def _sector_codes(tickers: list[str], sectors: pa.Table | None) -> Ints:
    """Sector of each ticker code as a number, -1 where unknown."""
    if sectors is None:
        return np.full(len(tickers), -1, dtype=np.int64)
    of = {r["ticker"]: r["sector"] for r in sectors.select(["ticker", "sector"]).to_pylist() if r["sector"]}
    names = {s: i for i, s in enumerate(sorted(set(of.values())))}
    return np.array([names[of[x]] if x in of else -1 for x in tickers], dtype=np.int64)


def _known_by_sector(b: Block, f: Features, sector: Ints) -> dict[str, Ints]:
    """Per feature, how many values each sector has before each session ordinal. Shape: (sectors, sessions + 1)."""
    groups = int(sector.max(initial=-1)) + 1
    when, of_bar = ordinal(b.day), sector[b.code]
    width = 12_000  # more sessions than the calendar's horizon holds
    moved = np.isfinite(f.change)
    valid = {
        "unusual_volume": np.isfinite(f.volume_ratio),
        "price_spike": moved,
        "price_drop": moved,
        "high_volatility": f.volatility_known,
    }
    out: dict[str, Ints] = {}
    for name, mask in valid.items():
        use = mask & (of_bar >= 0)
        flat = np.bincount(of_bar[use] * width + when[use] + 1, minlength=groups * width)
        out[name] = np.cumsum(flat.reshape(groups, width), axis=1) if groups else flat.reshape(0, width)
    return out


def _alerts_of(
    name: str,
    e: _Events,
    high: Ints,
    known_by_sector: Ints,
    sector: Ints,
    tickers: list[str],
    t: AlertThresholds,
    months: Iterable[str] | None,
) -> pa.Table:
    """The alerts of one type as a table, with severity, its basis and its reason."""
    wanted = e.alert.copy()
    if months is not None:
        month = e.day.astype("datetime64[D]").astype("datetime64[M]")
        wanted &= np.isin(month, np.array(sorted(set(months)), dtype="datetime64[M]"))
    at = np.flatnonzero(wanted)
    sample, exceed = e.own[at], high[at]
    basis = np.where(sample >= t.severity_present, "own", "none").astype(object)
    thin = np.flatnonzero(sample < t.severity_present)
    if thin.size:
        pooled_high, pooled_size = _pooled(e, at[thin], sector, known_by_sector, t.severity_sessions)
        enough = pooled_size >= t.severity_present
        sample[thin], exceed[thin] = np.where(enough, pooled_size, sample[thin]), np.where(enough, pooled_high, 0)
        basis[thin[enough]] = "sector"
    rated = basis != "none"
    tail = np.where(rated, (1.0 + exceed) / (sample + 1.0), np.nan)
    why = np.full(at.size, None, dtype=object)
    orphan = sector[e.code[at]] < 0
    why[~rated & orphan] = f"fewer than {t.severity_present} own sessions before, and no sector known"
    why[~rated & ~orphan] = f"fewer than {t.severity_present} sessions before, of its own and of its sector"

    session, ticker = dates(e.day[at]), named(e.code[at], tickers)
    rank = severity(tail)
    return frame(
        MARKET_ALERTS,
        {
            "alert_id": join(ticker, ":", session.cast(pa.string()), f":{name}"),
            "ticker": ticker,
            "session": session,
            "alert_type": pa.array([name] * at.size, pa.string()),
            "severity": known(rank, pa.int16()),
            "price": e.close[at],
            "volume": known(np.rint(e.volume[at]), pa.int64()),
            "change_pct": known(100.0 * e.change[at]),
            "suspect_data": e.suspect[at],
            "severity_basis": pa.array(basis, pa.string()),
            "severity_reason": pa.array(why, pa.string()),
            "details": _details(name, e, at, sample, tail, t),
            "month": month_of(session),
        },
    )


def _details(name: str, e: _Events, at: Ints, sample: Ints, tail: Floats, t: AlertThresholds) -> Column:
    """One JSON object per alert: what was measured, against what, over which threshold, and how rare that is."""
    threshold = {
        "unusual_volume": t.volume_ratio,
        "price_spike": t.move_pct / 100,
        "price_drop": t.move_pct / 100,
        "high_volatility": t.volatility_ratio,
    }[name]

    def number(values: Floats, digits: int) -> Column:
        text: Any = known(np.round(values, digits)).cast(pa.string())
        return text.fill_null("null")

    history: Any = pa.array(sample, pa.int64()).cast(pa.string())
    return join(
        '{"ratio":', number(e.ratio[at], 6),
        f',"baseline":"{_BASELINE[name]}","baseline_value":', number(e.baseline[at], 8),
        f',"threshold":{threshold},"history":', history, ',"tail_p":', number(tail, 8), "}",
    )  # fmt: skip
