"""Threat scores: the seed's score, the history score beside it, what excuses them, and the rows that explain both.

Here belongs how indicators and distances become rows of `tables.THREAT_SCORES` and `tables.THREAT_INDICATORS`. The
indicators are in `seed.py`, the distances in `history.py`.

The history score is a rank: 100 means that no underlying of that date and half hour lies further from its own past,
in the direction that protection against bad news would push. It is not a probability.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from cyberpi_assets.domain.calendar import ordinal
from cyberpi_assets.domain.columns import Column, day_numbers, known
from cyberpi_assets.domain.options.history import FEATURES, Distances, distances, stretches
from cyberpi_assets.domain.options.seed import seed_indicators, seed_scores
from cyberpi_assets.domain.sql import ask, one_engine
from cyberpi_assets.rules.figures import ThreatRules
from cyberpi_assets.tables import COMPANY_EVENTS, THREAT_INDICATORS, THREAT_SCORES

Floats = npt.NDArray[np.float64]

PREFIX = "history_"
DISCLAIMER = (
    "Scores describe unusual option trading, not its cause. Most of it is hedging, earnings, dividends or spreads."
)
NOT_A_PROBABILITY = "The history score is a rank within the date, not a probability."

_WORDS = {
    "log_put_call": "puts against calls",
    "otm_put_share": "share of put volume far below the price",
    "share_30d": "share of volume expiring within 30 days",
    "volume_ratio": "volume over its 60-session median",
    "put_flow_adv": "delta-weighted put volume over the stock's daily volume",
    "skew_25d": "25-delta put volatility less at-the-money volatility",
    "term_slope": "volatility 60 days out less 20 days out",
    "oi_change": "open interest added by the session before, over its volume",
}

# The last snapshot of a minute stands for it: the id has no seconds.
_NAMED = """
SELECT row_number() OVER (ORDER BY ticker, source, snapshot_at) - 1 AS id,
       'financial_' || ticker || '_' || strftime(snapshot_at AT TIME ZONE 'America/New_York',
           '%Y%m%d_%H%M') AS threat_id, *
FROM flow
QUALIFY row_number() OVER (PARTITION BY ticker, source, date_trunc('minute', snapshot_at)
                           ORDER BY snapshot_at DESC) = 1
ORDER BY id"""

_CONFOUNDED = """
WITH near AS (
    SELECT f.id, bool_or(e.event = 'earnings' AND e.ordinal - f.ordinal BETWEEN -$after AND $before) AS earnings,
           bool_or(e.event = 'ex_dividend' AND e.ordinal - f.ordinal BETWEEN 0 AND $dividend) AS dividend
    FROM flow f JOIN events e USING (ticker)
    WHERE e.known_from IS NULL OR e.known_from <= f.session GROUP BY f.id
)
SELECT f.id, list_filter([
    CASE WHEN near.earnings THEN 'earnings' END,
    CASE WHEN near.dividend AND call_volume > put_volume AND coalesce(volume_excess_pct, 101) > 100
         THEN 'ex_dividend' END,
    CASE WHEN pair_share >= $pair THEN pair_kind END,
    CASE WHEN list_contains($funds, f.ticker)
           OR regexp_matches(coalesce(c.name, ''), '\\b(ETF|ETN|Index|Fund|Trust Series)\\b') THEN 'index' END
    ], lambda c : c IS NOT NULL) AS confounders
FROM flow f LEFT JOIN near USING (id) LEFT JOIN companies c USING (ticker)"""

_ROWS = """
SELECT f.threat_id, f.ticker, f.snapshot_at, f.session, f.source, s.seed_score, s.coverage, s.n_fired, s.n_unknown,
       s.severity, s.confidence, h.history_score, h.history_z, h.history_n, h.history_weight, h.history_reason,
       c.confounders, f.data_type, f.partial_day, f.stale_minutes, s.reason, f.month
FROM flow f JOIN seeds s USING (id) JOIN history h USING (id) JOIN confounded c USING (id)
WHERE h.wanted ORDER BY f.month, f.ticker, f.snapshot_at, f.source"""

_EXPLAINED = """
SELECT f.threat_id || '/' || i.indicator AS indicator_id, f.threat_id, f.ticker, f.session, f.source, i.indicator,
       i.state, i.points, i.value, i.baseline, i.threshold, i.robust_z, i.words, f.month
FROM (SELECT id, indicator, state, points, value, baseline, threshold, NULL::DOUBLE AS robust_z, words FROM rated
      UNION ALL BY NAME FROM features) i JOIN flow f USING (id) JOIN history h USING (id)
WHERE h.wanted ORDER BY f.month, f.ticker, f.snapshot_at, f.source, i.indicator"""

_FEATURES = """
SELECT id, $prefix || feature AS indicator,
       CASE WHEN z IS NULL THEN 'unknown' WHEN sign * z >= $fires THEN 'fired' ELSE 'calm' END AS state,
       NULL::BIGINT AS points, value, median AS baseline, sign * $fires AS threshold, z AS robust_z,
       'Own past: ' || words || CASE
           WHEN value IS NULL THEN ' is not known.'
           WHEN z IS NULL THEN format(' is {:.3g}; ', value) || CASE WHEN n < $present
               THEN n || ' prior sessions are too few to compare.' ELSE 'too few prior values to compare.' END
           ELSE format(' is {:.3g}, usually {:.3g}: {:+.1f} robust deviations', value, median, z) ||
                CASE WHEN alone THEN ' over ' ELSE ', peers weighed in, over ' END || n || ' sessions.' END AS words
FROM features"""


@dataclass(frozen=True)
class Threats:
    """Scores and what explains them. `scores`: `tables.THREAT_SCORES`; `indicators`: `tables.THREAT_INDICATORS`."""

    scores: pa.Table
    indicators: pa.Table


def threats_of(
    flow: pa.Table,
    rules: ThreatRules,
    *,
    events: pa.Table | None = None,
    companies: pa.Table | None = None,
    months: Iterable[str] | None = None,
    otm_below: float = 0.95,
    near_days: int = 14,
) -> Threats:
    """Both scores of every row of the flow, with their indicators.

    flow: `tables.OPTION_FLOW`, the months asked for and as many before them as 120 sessions need. events:
    `tables.COMPANY_EVENTS`. companies: ticker, name, sector. months: YYYY-MM to return, all when None; only the past
    of a row counts, so a month is the same however many are asked for. otm_below, near_days: as the flow was
    measured, for the words. Raises duckdb.Error.
    """
    with one_engine():
        return _threats_of(ask(_NAMED, flow=flow), rules, events, companies, months, (otm_below, near_days))


def _threats_of(
    flow: pa.Table,
    rules: ThreatRules,
    events: pa.Table | None,
    companies: pa.Table | None,
    months: Iterable[str] | None,
    measured: tuple[float, int],
) -> Threats:
    if companies is None:
        companies = pa.table({c: pa.array([], pa.string()) for c in ("ticker", "name", "sector")})
    found = distances(flow, companies, rules)
    history = _history(flow, found, rules, None if months is None else set(months))
    rated = seed_indicators(flow, rules, otm_below=measured[0], near_days=measured[1])
    confounded = _confounders(flow, events, companies, rules)
    params = {"prefix": PREFIX, "fires": rules.history_fires, "present": rules.history_present}
    features = ask(_FEATURES, params=params, features=_long(found))
    scores = ask(
        _ROWS,
        THREAT_SCORES,
        flow=flow,
        seeds=seed_scores(rated, rules),
        history=history,
        confounded=confounded,
    )
    return Threats(
        scores, ask(_EXPLAINED, THREAT_INDICATORS, rated=rated, features=features, flow=flow, history=history)
    )


def combined(found: Distances, rules: ThreatRules) -> Floats:
    """One distance per row: the signed distances of the known features, summed and divided by the root of their number.

    NaN with fewer than 4 features. Were they independent, it would spread as one feature does, however many are known.
    """
    sign = np.array([v[0] for v in FEATURES.values()])
    n = np.isfinite(found.combined).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(n >= rules.min_features, np.nansum(sign * found.combined, axis=1) / np.sqrt(n), np.nan)


def percentiles(group: npt.NDArray[np.int64], values: Floats, least: int) -> Floats:
    """100 x the share of the group's known values below each, ties by half; NaN in a group of fewer than `least`."""
    out = np.full(values.size, np.nan)
    use = np.flatnonzero(np.isfinite(values))
    order = use[np.lexsort((values[use], group[use]))]
    for first, end in stretches(group[order]):
        if end - first >= least:
            mine = values[order[first:end]]
            below, upto = np.searchsorted(mine, mine, "left"), np.searchsorted(mine, mine, "right")
            out[order[first:end]] = 100.0 * 0.5 * (below + upto) / mine.size
    return out


def _history(flow: pa.Table, found: Distances, rules: ThreatRules, months: set[str] | None) -> pa.Table:
    """Per id: the history score, what it rests on, why there is none, and whether the row's month is asked for."""
    z = np.where(found.n >= rules.history_present, combined(found, rules), np.nan)
    minute = flow.column("snapshot_at").cast(pa.int64()).to_numpy() // 60_000_000
    slot = day_numbers(flow.column("session")) * 10_000_000_000 + minute // rules.slot_minutes
    score = percentiles(slot, z, rules.min_ranked)
    why = np.full(z.size, None, dtype=object)
    why[np.isnan(score)] = "too few underlyings of that date to rank among"
    why[np.isnan(z)] = "too few features known"
    why[found.n < rules.history_present] = "insufficient history"
    wanted = np.ones(z.size, dtype=bool)
    if months is not None:
        wanted = np.isin(np.array(flow.column("month").to_pylist(), dtype=object), sorted(months))
    columns: dict[str, Any] = {
        "id": flow.column("id"),
        "history_score": known(score),
        "history_z": known(z),
        "history_n": pa.array(found.n, pa.int64()),
        "history_weight": known(found.weight),
        "history_reason": pa.array(why, pa.string()),
        "wanted": pa.array(wanted, pa.bool_()),
    }
    return pa.table(columns)


def _long(found: Distances) -> pa.Table:
    """A row per id and feature."""
    rows, width = found.value.shape
    names = list(FEATURES)

    def flat(values: Floats) -> Column:
        return known(values.reshape(-1))

    columns: dict[str, Any] = {
        "id": np.repeat(np.arange(rows), width),
        "feature": pa.array(names * rows, pa.string()),
        "words": pa.array([_WORDS[f] for f in names] * rows, pa.string()),
        "sign": np.tile([float(v[0]) for v in FEATURES.values()], rows),
        "value": flat(found.value),
        "median": flat(found.median),
        "z": flat(found.combined),
        "alone": np.isnan(found.peers).reshape(-1),
        "n": np.repeat(found.n, width),
    }
    return pa.table(columns)


def _confounders(flow: pa.Table, events: pa.Table | None, companies: pa.Table, rules: ThreatRules) -> pa.Table:
    """Per id the innocent readings that apply: earnings, ex_dividend, hedge, spread, index.

    An event counts from the day on which it was public. Sessions are counted, not days.
    """
    events = COMPANY_EVENTS.empty() if events is None else events

    def numbered_by(table: pa.Table, column: str) -> pa.Table:
        days = day_numbers(table.column(column)).astype(np.int32)
        return table.append_column("ordinal", pa.array(ordinal(days), pa.int64()))

    params = {
        "before": rules.earnings_before,
        "after": rules.earnings_after,
        "dividend": rules.dividend_before,
        "pair": rules.pair_share,
        "funds": list(rules.funds),
    }
    return ask(
        _CONFOUNDED,
        params=params,
        flow=numbered_by(flow, "session"),
        events=numbered_by(events, "event_on"),
        companies=companies,
    )
