"""When officials trade: months, weekdays, weeks, and several officials in one ticker in one week.

Here belong patterns in time of the trading days, against what time in office would let one expect and against shifted
calendars. What the trades scored does not matter here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from cyberpi_assets.domain.calendar import Days
from cyberpi_assets.domain.evidence.clusters import Clusters
from cyberpi_assets.domain.evidence.multiplicity import with_q
from cyberpi_assets.domain.evidence.shifts import offsets, window_sessions
from cyberpi_assets.domain.features import Floats, Ints
from cyberpi_assets.rules.figures import EvidenceRules
from cyberpi_assets.tables import TEMPORAL_PATTERNS

_MONTHS = tuple(f"{m:02d}" for m in range(1, 13))
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri")
_MANY = 3  # officials in one ticker in one week
_MOST_DRAWS = 999  # for what is counted anew in every draw


@dataclass(frozen=True)
class Diary:
    """One official's trading days in his or her window."""

    days: Days  # sessions of the window
    at: Ints  # where the distinct trading days stand
    cluster_at: Ints  # where each cluster stands
    ticker: Ints  # of each cluster
    drawn: Ints  # offsets of the shifted calendars


def diaries(data: Clusters, rules: EvidenceRules) -> list[Diary]:
    """The diary of every official with a long enough window; a trade on a day without a session stands at the next."""
    starts = np.searchsorted(data.person, np.arange(len(data.people) + 1))
    out: list[Diary] = []
    for person, name in enumerate(data.people):
        days = window_sessions(data, person)
        if days.size < rules.min_dates:
            continue
        mine = slice(int(starts[person]), int(starts[person + 1]))
        first, last = data.spans.of(person)
        day = data.day[mine]
        held = ((first[:, None] <= day) & (day <= last[:, None])).any(axis=0)
        at = np.minimum(np.searchsorted(days, day[held]), days.size - 1).astype(np.int64)
        if at.size:
            drawn = offsets(name, days.size, rules.shifts, rules.seed)
            out.append(Diary(days, np.unique(at), at, data.code[mine][held], drawn))
    return out


def week(days: npt.NDArray[np.integer]) -> Ints:
    """Number of the week of each day, beginning on Monday."""
    return (days.astype(np.int64) + 3) // 7  # 1970-01-01 was a Thursday


def shifted_counts(bucket: Ints, at: Ints, n_buckets: int) -> Ints:
    """Trading days per bucket after every circular shift. bucket: of each session; shape: (sessions, buckets)."""
    n = bucket.size
    place = np.fft.rfft(np.bincount(at, minlength=n).astype(np.float64))
    held = np.fft.rfft((bucket[None, :] == np.arange(n_buckets)[:, None]).astype(np.float64), axis=1)
    # circular correlation; the counts are whole numbers, so that rounding makes them exact
    return np.rint(np.fft.irfft(held * np.conj(place), n=n, axis=1)).astype(np.int64).T


def _buckets(diary: list[Diary], pattern: str, rules: EvidenceRules) -> list[dict[str, object]]:
    """Observed against expected per bucket, and the two tests of the whole."""
    names = _MONTHS if pattern == "month" else _WEEKDAYS
    size = len(names)
    observed, expected = np.zeros(size), np.zeros(size)
    shifted, apart = np.zeros((rules.shifts, size)), np.zeros((rules.shifts, size))
    rng = np.random.default_rng([rules.seed, 3, size])
    for d in diary:
        if pattern == "month":
            bucket = (d.days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12).astype(np.int64)
        else:
            bucket = (d.days.astype(np.int64) + 3) % 7
        counts = shifted_counts(bucket, d.at, size)
        share = np.bincount(bucket, minlength=size)[:size] / d.days.size
        observed += counts[0]
        expected += share * d.at.size
        shifted += counts[d.drawn]
        apart += rng.multinomial(d.at.size, share, size=rules.shifts)
    chi = _chi_square(observed, expected)
    total = int(observed.sum())
    rows: list[dict[str, object]] = [
        {
            "pattern": pattern,
            "bucket": "all",
            "observed": float(total),
            "expected": float(expected.sum()),
            "ratio": 1.0,
            "statistic": float(chi),
            "p_value": _p(_chi_square(shifted, expected), float(chi)),
            "p_independent": _p(_chi_square(apart, expected), float(chi)),
            "n": total,
            "detail": "official-days; chi-square against each official's sessions in office",
        }
    ]
    buckets: list[dict[str, object]] = [
        {
            "pattern": pattern,
            "bucket": name,
            "observed": float(o),
            "expected": float(e),
            "ratio": float(o / e) if e > 0 else None,
            "n": int(o),
            "detail": "official-days",
        }
        for name, o, e in zip(names, observed, expected, strict=True)
    ]
    return rows + buckets


def _chi_square(observed: Floats, expected: Floats) -> Floats:
    some = expected > 0
    return np.asarray((((observed - expected) ** 2)[..., some] / expected[some]).sum(axis=-1))


def _p(null: Floats, observed: float) -> float:
    return float(((null >= observed - 1e-9).sum() + 1) / (null.size + 1))


def _dispersion(counts: Floats) -> float:
    """Variance over mean of the weekly counts, from the first week with a trading day to the last."""
    held = np.flatnonzero(counts)
    if held.size < 2:
        return float("nan")
    inside = counts[held[0] : held[-1] + 1]
    return float(inside.var() / inside.mean())


def _weekly(diary: list[Diary], rules: EvidenceRules) -> list[dict[str, object]]:
    """Weekly dispersion of official-days, and ticker-weeks with several officials, against shifted calendars."""
    first = min(int(week(d.days).min()) for d in diary)
    size = max(int(week(d.days).max()) for d in diary) - first + 1
    weeks = [week(d.days) - first for d in diary]
    draws = min(rules.shifts, _MOST_DRAWS)

    def at_offset(k: int) -> tuple[float, float]:
        totals, keys = np.zeros(size), list[Ints]()
        for d, w in zip(diary, weeks, strict=True):
            move = 0 if k < 0 else int(d.drawn[k])
            totals += np.bincount(w[(d.at + move) % w.size], minlength=size)
            # one official counts once in a ticker and week
            keys.append(np.unique(d.ticker * size + w[(d.cluster_at + move) % w.size]))
        _, officials = np.unique(np.concatenate(keys), return_counts=True)
        return _dispersion(totals), float((officials >= _MANY).sum())

    now = at_offset(-1)
    null = np.array([at_offset(k) for k in range(draws)])
    n = sum(d.at.size for d in diary)
    details = (
        ("weekly dispersion", "variance over mean of official-days per week: above 1, weeks differ more than chance"),
        ("event clustering", f"ticker-weeks in which at least {_MANY} officials traded the same ticker"),
    )
    return [
        {
            "pattern": pattern,
            "bucket": "all",
            "observed": now[i],
            "expected": float(np.nanmean(null[:, i])),
            "ratio": now[i] / float(np.nanmean(null[:, i])) if np.nanmean(null[:, i]) > 0 else None,
            "statistic": now[i],
            "p_value": _p(null[:, i], now[i]) if np.isfinite(now[i]) else None,
            "n": n,
            "detail": detail,
        }
        for i, (pattern, detail) in enumerate(details)
    ]


def temporal_patterns(data: Clusters, rules: EvidenceRules) -> pa.Table:
    """Patterns in time of all officials' trading days. Columns: `tables.TEMPORAL_PATTERNS`. data: as `clusters` gives.

    Expected counts give each official's trading days to the sessions of his or her own window in office alike. Shifted
    calendars keep how an official's days follow each other, and so do not take one burst for many decisions.
    """
    diary = diaries(data, rules)
    rows: list[dict[str, object]] = []
    if diary:
        rows = _buckets(diary, "month", rules) + _buckets(diary, "weekday", rules) + _weekly(diary, rules)
    rows.append(
        {
            "pattern": "earnings distance",
            "bucket": "all",
            "n": 0,
            "detail": "sessions from the trade to the next earnings report",
            "reason": "no source gives earnings dates",
        }
    )
    return pa.Table.from_pylist(with_q(rows), schema=TEMPORAL_PATTERNS.schema)
