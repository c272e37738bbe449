"""Placebo nulls of 100,000 trades against a NumPy loop per trade, and shifted calendars of all officials.

Here belong the pieces and the rows. The baselines are measured on a sample of the trades and scaled to all of them:
the first scores 1,000 placebo dates of each trade from its ticker's alerts, the second has the scores of all days ready
and only draws, looks up and counts. Ours counts every admissible date, of both nulls, and adds the mirror score.
"""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.measure import peak_mb
from benchmarks.report import Row, Target
from cyberpi_assets.domain.evidence.clusters import build
from cyberpi_assets.domain.evidence.nulls import timing_nulls
from cyberpi_assets.domain.evidence.shifts import shift_test
from cyberpi_assets.domain.evidence.surface import Surface, read_surface
from cyberpi_assets.domain.timing import counted_alerts
from cyberpi_assets.rules.figures import EvidenceRules, TimingRules
from cyberpi_assets.tables import DISCLOSED_TRADES, DISCLOSURE_CORRELATIONS, OFFICIAL_TERMS

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

PLACEBO = Target(ratio=1 / 50, seconds=10, peak_mb=4_000)
SHIFTS = Target(seconds=60)
_SEED = 7
_HOUSE_FROM = dt.date(2019, 1, 1)


@dataclass(frozen=True)
class Inputs:
    """As `tables.TIMING_SURFACE` and `MARKET_ALERTS`, of all months."""

    surface: pa.Table
    alerts: pa.Table


@dataclass(frozen=True)
class Made:
    """Invented trades: tables as the null wants them, and as arrays."""

    trades: pa.Table
    correlations: pa.Table
    terms: pa.Table
    person: Ints
    ticker: Ints
    day: Ints


def _filled(shape: pa.Schema, **known: pa.Array | pa.ChunkedArray) -> pa.Table:
    """A table of this schema: columns not given are empty text where they may not be null, else null."""
    n = len(next(iter(known.values())))
    columns = [
        known[f.name] if f.name in known else pa.array([""] * n, f.type) if not f.nullable and
        pa.types.is_string(f.type) else pa.nulls(n, f.type) for f in shape
    ]  # fmt: skip
    return pa.table([c.cast(f.type) for c, f in zip(columns, shape, strict=True)], names=shape.names)


def invented(index: Surface, n: int, officials: int, rng: np.random.Generator) -> Made:
    """Trades on random placebo days of random tickers, each by a random official who always held office."""
    place = rng.integers(0, index.placebo.day.size, size=n)
    person = np.sort(rng.integers(0, officials, size=n))
    code, day = (index.placebo.key[place] >> 32).astype(np.int64), index.placebo.day[place].astype(np.int64)
    names = pa.array([f"P{k:04d}" for k in range(officials)])
    when = pa.array(day, pa.int32()).cast(pa.date32())
    ids = pa.array([f"t{i:06d}" for i in range(n)])
    who = names.take(pa.array(person))
    what = pa.array(index.tickers, pa.string()).take(pa.array(code))
    month = pc.utf8_slice_codeunits(when.cast(pa.string()), 0, 7)
    common = {"trade_id": ids, "bioguide_id": who, "ticker": what, "transaction_date": when, "month": month}
    trades = _filled(DISCLOSED_TRADES.schema, **common, filed_on=when, chamber=pa.array(["senate"] * n))
    correlations = _filled(DISCLOSURE_CORRELATIONS.schema, **common, score=pa.array(np.zeros(n)))
    since = pa.array([dt.date(1990, 1, 3)] * officials)
    terms = _filled(OFFICIAL_TERMS.schema, bioguide_id=names, starts_on=since)
    return Made(trades, correlations, terms, person, code, day)


def _windows(made: Made, index: Surface, k: int) -> Ints:
    """Admissible days of trade k, as a reasonable person would have them ready."""
    mine = made.day[made.person == made.person[k]]
    low, high = index.placebo.places(
        made.ticker[[k]], np.array([mine.min()], dtype=np.int64), np.array([mine.max()], dtype=np.int64)
    )
    return np.arange(low[0], high[0])


def from_alerts(days: Ints, day: int, alert_day: Ints, severity: Floats, draws: int, rng: np.random.Generator) -> float:
    """Monte Carlo p of one trade, its placebo dates scored from the ticker's alerts."""
    drawn = np.r_[day, rng.choice(days, size=draws)]
    lag = drawn[:, None] - alert_day[None, :]
    counted = (lag >= 1) & (lag <= 30)
    rated = counted & np.isfinite(severity)
    n, n_rated = counted.sum(axis=1), rated.sum(axis=1)
    total = np.where(rated, severity, 0.0).sum(axis=1)
    mean = np.divide(total, n_rated, out=np.zeros(n.size), where=n_rated > 0)
    raw = 5 * n + 2 * mean + 10 * (counted & (lag <= 7)).sum(axis=1) + 15 * (rated & (severity >= 7)).sum(axis=1)
    score = np.round(np.minimum(100.0, raw), 9)
    return float(((score[1:] >= score[0]).sum() + 1) / (draws + 1))


def from_scores(scores: Floats, own: float, draws: int, rng: np.random.Generator) -> float:
    """Monte Carlo p of one trade, the scores of its admissible days ready in an array."""
    return float(((scores[rng.integers(0, scores.size, size=draws)] >= own).sum() + 1) / (draws + 1))


def _baselines(made: Made, index: Surface, inputs: Inputs, some: Ints, draws: int) -> tuple[float, float, Floats]:
    """Seconds of both baselines over some trades, and the p of the second."""
    counted = counted_alerts(inputs.alerts, index.timing)
    at = index.codes(counted.column("ticker"))
    alert_day = counted.column("day").cast(pa.int32()).to_numpy().astype(np.int64)
    severity = counted.column("severity").cast(pa.float64()).to_numpy()
    of = {c: (alert_day[at == c], severity[at == c]) for c in np.unique(made.ticker[some])}
    places = [_windows(made, index, int(k)) for k in some]
    row = index.rows(made.ticker, made.day)
    ready = [index.levels[index.placebo.rank[p]] for p in places]
    days = [index.placebo.day[p].astype(np.int64) for p in places]
    rng = np.random.default_rng(_SEED)
    began = time.perf_counter()
    for k, mine in zip(some, days, strict=True):
        from_alerts(mine, int(made.day[k]), *of[made.ticker[k]], draws, rng)
    scoring = time.perf_counter() - began
    began = time.perf_counter()
    found = np.array([from_scores(s, index.score[row[k]], draws, rng) for k, s in zip(some, ready, strict=True)])
    return scoring, time.perf_counter() - began, found


def run(
    inputs: Inputs,
    n: int = 100_000,
    sample: int = 2_000,
    draws: int = 1_000,
    officials: int = 200,
    repetitions: int = 3,
) -> list[Row]:
    """Rows: the nulls against each baseline, and the shift test of all officials.

    Raises AssertionError where they differ.
    """
    timing, rules = TimingRules(), EvidenceRules()  # pyright: ignore[reportCallIssue]
    index = read_surface(inputs.surface, timing, rules)
    made = invented(index, n, officials, np.random.default_rng(_SEED))
    best, found = np.inf, made.trades
    for _ in range(repetitions):
        began = time.perf_counter()
        found = timing_nulls(made.correlations, made.trades, inputs.surface, made.terms, timing, rules, _HOUSE_FROM)
        best = min(best, time.perf_counter() - began)
    peak = peak_mb()
    some = np.sort(np.random.default_rng(_SEED).choice(n, min(sample, n), replace=False))
    scoring, looking, theirs = _baselines(made, index, inputs, some, draws)
    ours = dict(zip(found.column("trade_id").to_pylist(), found.column("p_placebo").to_pylist(), strict=True))
    p = np.array([ours[f"t{k:06d}"] for k in some], dtype=np.float64)
    apart = np.abs(p - theirs)[np.isfinite(p)]
    if apart.size == 0 or float(apart.max()) > 6 * np.sqrt(0.25 / draws):
        raise AssertionError("the exact p and the Monte Carlo p differ by more than chance")
    scale = n / some.size
    work = f"placebo p of {n:,} trades, every admissible date"
    rows = [
        Row(f"{work}; baseline: {draws:,} dates a trade scored from its alerts", best, peak, scoring * scale, PLACEBO),
        Row(f"{work}; baseline: {draws:,} dates a trade looked up", best, peak, looking * scale, Target(seconds=10)),
    ]
    return [*rows, _shifts(made, found, index, rules)]


def _shifts(made: Made, nulls: pa.Table, index: Surface, rules: EvidenceRules) -> Row:
    """Shifted calendars of all officials, at `rules.shifts` shifts."""
    table = made.correlations.select(["trade_id", "bioguide_id", "ticker", "transaction_date"]).join(
        nulls.select(["trade_id", "p_placebo", "expected_score", "expected_suspicious"]), "trade_id"
    )
    table = table.rename_columns(
        ["trade_id", "person", "ticker", "day", "p_placebo", "expected_score", "expected_suspicious"]
    )
    row = index.rows(
        index.codes(table.column("ticker")), table.column("day").cast(pa.int32()).to_numpy().astype(np.int64)
    )
    zero = pa.array(np.full(table.num_rows, np.nan))
    table = table.append_column("score", pa.array(index.score[row])).append_column("mirror", zero)
    table = table.sort_by([("person", "ascending"), ("ticker", "ascending"), ("day", "ascending")])
    began = time.perf_counter()
    data = build(table, index, made.terms)
    test = shift_test(data, np.arange(data.person.size), data.person, len(data.people), rules)
    seconds = time.perf_counter() - began
    if not np.isfinite(test.p_value).all():
        raise AssertionError("an official has no p")
    words = f"{rules.shifts:,} shifted calendars of {len(data.people):,} officials with {data.person.size:,} trades"
    return Row(words, seconds, peak_mb(), None, SHIFTS)
