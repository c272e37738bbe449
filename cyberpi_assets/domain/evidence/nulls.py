"""The null of one trade: what its score would have been on every other day on which it could have been made.

Here belongs the placebo test of a scored trade, by full enumeration of its admissible dates, and the mirror score.
Tests of a person's whole calendar belong to `shifts.py`.

Admissible dates D of a trade: sessions on which the official held office, between the official's first and last scored
trade, on which the ticker had been listed for at least 60 sessions and can be scored; and the trade's own date. House
filings before `house_from` are an incomplete record: they have a window of their own and do not widen the later one.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from cyberpi_assets.domain.columns import Column, day_numbers, frame, known, places
from cyberpi_assets.domain.evidence.surface import Surface, read_surface
from cyberpi_assets.domain.evidence.windows import Windows, windows
from cyberpi_assets.domain.features import Bools, Floats, Ints
from cyberpi_assets.domain.sql import Frame, ask
from cyberpi_assets.domain.timing import SUSPICIOUS
from cyberpi_assets.rules.figures import EvidenceRules, TimingRules
from cyberpi_assets.tables import TIMING_NULLS

EARLY = "|early"  # marks the incomplete record of a person as one of its own


@dataclass(frozen=True)
class Dates:
    """What the admissible dates of each trade score. Arrays: one value per trade."""

    n: Ints  # admissible dates, the trade's own included
    at_least: Ints  # of these, with a score at least the observed one
    above: Ints  # of these, with a higher score
    total: Floats  # sum of their scores
    suspicious: Ints  # of these, with a suspicious score


def admissible(
    surface: Surface, spans: Windows, person: Ints, code: Ints, day: Ints, local_days: int | None = None
) -> Dates:
    """Count the admissible dates of trades, all of them or those within `local_days` of the trade.

    person: place in `spans`, -1 for none; code: ticker number, -1 for none; day: days since 1970-01-01. Shapes:
    (trades,).
    """
    placebo, n_trades = surface.placebo, person.size
    row = surface.rows(code, day)
    found = (person >= 0) & (row >= 0)
    rank = np.where(found, surface.rank[np.maximum(row, 0)], 0).astype(np.int64)
    score = np.where(found, surface.score[np.maximum(row, 0)], np.nan)
    trade = np.flatnonzero(found)
    query, first, last = spans.expand(person[trade])
    query = trade[query]
    own = np.bincount(query, weights=(first <= day[query]) & (day[query] <= last), minlength=n_trades) > 0
    own &= found & surface.usable[np.maximum(row, 0)]
    if local_days is not None:
        first, last = np.maximum(first, day[query] - local_days), np.minimum(last, day[query] + local_days)
    low, high = placebo.places(code[query], first, last)

    def summed(values: Ints) -> Ints:
        # whole numbers below 2**53 are exact in the weights of bincount
        return np.rint(np.bincount(query, weights=values, minlength=n_trades)).astype(np.int64)

    extra = (found & ~own).astype(np.int64)  # the trade's own date, where it is not among the placebo dates
    total = np.bincount(query, weights=placebo.sums[high] - placebo.sums[low], minlength=n_trades)
    return Dates(
        summed(high - low) + extra,
        summed(placebo.counts.at_least(low, high, rank[query])) + extra,
        summed(placebo.counts.at_least(low, high, rank[query] + 1)),
        (total + np.where(extra > 0, score, 0.0)).astype(np.float64),
        summed(placebo.suspicious[high] - placebo.suspicious[low]) + extra * (score >= SUSPICIOUS),
    )


@dataclass(frozen=True)
class ScoredTrades:
    """Scored trades as arrays, with the people's windows."""

    table: pa.Table  # trade_id, bioguide_id, ticker, day, month
    people: list[str]  # bioguide ids, with `EARLY` behind those of the incomplete record
    person: Ints  # place in `people`, -1 where the person stays in doubt
    day: Ints
    spans: Windows


def scored_trades(correlations: Frame, trades: Frame, terms: pa.Table, house_from: dt.date) -> ScoredTrades:
    """The scored trades in the order of month and trade_id, and each person's window."""
    table = ask(
        f"""
        SELECT c.trade_id, c.bioguide_id, c.ticker, c.transaction_date AS day, c.month,
               c.bioguide_id || CASE WHEN t.chamber = 'house' AND coalesce(t.filed_on, t.transaction_date) < $house_from
                                     THEN '{EARLY}' ELSE '' END AS person
        FROM correlations c JOIN trades t USING (trade_id)
        WHERE c.score IS NOT NULL ORDER BY c.month, c.trade_id""",
        params={"house_from": house_from},
        correlations=correlations,
        trades=trades,
    )
    people = sorted(str(p) for p in table.column("person").drop_null().unique().to_pylist())
    person, day = places(table.column("person"), people), day_numbers(table.column("day"))
    sure = person >= 0
    ids = [p.removesuffix(EARLY) for p in people]
    return ScoredTrades(table, people, person, day, windows(ids, person[sure], day[sure], terms))


def timing_nulls(
    correlations: pa.Table,
    trades: pa.Table,
    surface: Frame,
    terms: pa.Table,
    timing: TimingRules,
    rules: EvidenceRules,
    house_from: dt.date,
) -> pa.Table:
    """The placebo p, expectations and mirror score of every scored trade. Columns: `tables.TIMING_NULLS`.

    correlations: `tables.DISCLOSURE_CORRELATIONS`; trades: `tables.DISCLOSED_TRADES`; surface:
    `tables.TIMING_SURFACE`, of all months; terms: `tables.OFFICIAL_TERMS`. p is exact: #{d in D: S(d) >= S(trade)} /
    |D|. Ordered by month and trade_id.
    """
    scored = scored_trades(correlations, trades, terms, house_from)
    if scored.table.num_rows == 0:
        return TIMING_NULLS.empty()
    index = read_surface(surface, timing, rules, scored.table.column("ticker"))
    code = index.codes(scored.table.column("ticker"))
    row = index.rows(code, scored.day)
    score = np.where(row >= 0, index.score[np.maximum(row, 0)], np.nan) if index.key.size else np.full(row.size, np.nan)
    every = admissible(index, scored.spans, scored.person, code, scored.day)
    near = admissible(index, scored.spans, scored.person, code, scored.day, rules.local_days)
    has_terms = np.append(scored.spans.has_terms, False)[scored.person]
    may = has_terms & (row >= 0)
    p_all, p_near = _p(every, may, rules.min_dates), _p(near, may, rules.min_dates)
    headline = np.where(np.isnan(p_all), np.nan, np.fmax(p_all, p_near))
    enough = np.isfinite(p_all)
    mirror = index.mirror(code, scored.day)

    def expected(total: Floats | Ints) -> Floats:
        return np.divide(total, every.n, out=np.full(row.size, np.nan), where=enough)

    columns: dict[str, Any] = {
        "p_placebo": known(p_all),
        "p_local": known(np.where(enough, p_near, np.nan)),
        "p_headline": known(headline),
        "expected_score": known(expected(every.total)),
        "expected_suspicious": known(expected(every.suspicious)),
        "mirror_score": known(mirror),
        "difference": known(score - mirror),
        "n_dates": np.where(may, every.n, 0),
        "n_local_dates": np.where(may, near.n, 0),
        "reason": _reasons(scored.person >= 0, has_terms, row >= 0, every.n, near.n, rules),
    }
    columns |= {name: scored.table.column(name) for name in ("trade_id", "bioguide_id", "ticker", "month")}
    return frame(TIMING_NULLS, columns)


def _p(dates: Dates, may: Bools, min_dates: int) -> Floats:
    """#{S(d) >= S(trade)} / |D|, NaN where there are too few dates."""
    out = np.full(dates.n.size, np.nan)
    return np.divide(dates.at_least, dates.n, out=out, where=may & (dates.n >= min_dates))


def _reasons(person: Bools, terms: Bools, on_surface: Bools, n: Ints, near: Ints, rules: EvidenceRules) -> Column:
    """Why a trade has no p, or only one of the two; null where it has both."""
    out = np.full(n.size, None, dtype=object)
    short = near < rules.min_dates
    out[short] = [f"no local p: only {k} admissible dates within {rules.local_days} days" for k in near[short]]
    few = n < rules.min_dates
    out[few] = [f"no p: only {k} admissible dates" for k in n[few]]
    out[~on_surface] = "no p: the trade's own day is not on the surface"
    out[~terms] = "no p: no dated terms of office"
    out[~person] = "no p: the person stays in doubt"
    return pa.array(out, pa.string())
