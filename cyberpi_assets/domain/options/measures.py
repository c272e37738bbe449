"""What is measured on the contracts of a snapshot: volumes by expiry, large trades, volatilities, open interest.

Here belong the passes over all contracts; each gives a small table by snapshot. What is made of them is in `flow.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from cyberpi_assets.domain.columns import known
from cyberpi_assets.domain.options.contracts import Contracts
from cyberpi_assets.domain.options.greeks import Greeks
from cyberpi_assets.domain.sql import ask
from cyberpi_assets.rules.figures import OptionRules

_HAIR = 1e-9  # relative: a strike so near to 0.95 S is taken to lie on it, and is not below

# Volume that a provider does not state counts as nothing in a sum, as long as it states some on that side. Contracts
# times delta are added in whole millionths: sums of fractions would differ in their last digits from run to run.
_SIDES = """
SELECT snap, days, put, count(*) AS n, count(volume) AS n_volume, count(vol) AS n_vol,
       count(*) FILTER (computed) AS n_computed, sum(volume) AS volume,
       sum(volume) FILTER (strike < $otm * spot) AS otm, count(*) FILTER (spot IS NULL) AS n_no_spot,
       sum(round(volume * abs(delta) * 1e6)) AS flow_millionths,
       sum(volume) FILTER (delta IS NOT NULL) AS flow_volume
FROM contracts GROUP BY ALL"""

# The window's expiries, then the volumes of single contracts in it: few rows, for a floor keeps out the most.
_LARGEST = """
WITH large AS (SELECT c.* FROM contracts c SEMI JOIN near USING (snap, days) WHERE volume > $floor)
SELECT snap, list_sum(max(volume, $largest) FILTER (put AND strike < $otm * spot)) AS otm_puts,
       count(*) FILTER (put AND spot IS NULL) AS n_puts_no_spot
FROM large GROUP BY snap"""

# Pairs of nearly equal size in one expiry: two strikes of one right (spread), or a put and a call (hedge).
_PAIRS = """
WITH legs AS (
    SELECT snap, days, put, volume, strike,
           row_number() OVER (PARTITION BY snap, days, put ORDER BY volume DESC, strike) AS place
    FROM contracts c SEMI JOIN near USING (snap, days) WHERE volume >= $floor
), pairs AS (
    SELECT a.snap, a.volume + b.volume AS both_legs, CASE WHEN a.put = b.put THEN 'spread' ELSE 'hedge' END AS kind
    FROM legs a JOIN legs b USING (snap, days)
    WHERE a.place <= 2 AND b.place <= 2
      AND ((a.put = b.put AND a.place = 1 AND b.place = 2 AND b.volume >= $size * a.volume)
           OR (a.put AND NOT b.put AND a.place = 1 AND b.place = 1
               AND least(a.volume, b.volume) >= $size * greatest(a.volume, b.volume)))
)
SELECT snap, max(both_legs) AS pair_volume, arg_max(kind, (both_legs, kind)) AS pair_kind FROM pairs GROUP BY snap"""

# Per expiry the volatility at two deltas, by a line between the nearest contracts on both sides, at most 0.2 away.
# Of contracts with one delta the most volatile counts, whichever a thread meets first.
_SMILE = """
WITH near AS (
    SELECT snap, days, put, vol, abs(delta) AS d, abs(delta) + vol * 1e-12 AS up, abs(delta) - vol * 1e-12 AS down
    FROM contracts
    WHERE vol IS NOT NULL AND days BETWEEN 5 AND 150 AND abs(delta) BETWEEN 0.05 AND 0.7
), sides AS (
    SELECT snap, days, put,
           max(d) FILTER (d <= 0.25) AS w_low, arg_max(vol, up) FILTER (d <= 0.25) AS w_low_vol,
           min(d) FILTER (d >= 0.25) AS w_high, arg_min(vol, down) FILTER (d >= 0.25) AS w_high_vol,
           max(d) FILTER (d <= 0.5) AS m_low, arg_max(vol, up) FILTER (d <= 0.5) AS m_low_vol,
           min(d) FILTER (d >= 0.5) AS m_high, arg_min(vol, down) FILTER (d >= 0.5) AS m_high_vol
    FROM near GROUP BY ALL
), lines AS (
    SELECT snap, days, put,
           CASE WHEN w_low = w_high THEN w_low_vol WHEN w_low >= 0.05 AND w_high <= 0.45
                THEN w_low_vol + (w_high_vol - w_low_vol) * (0.25 - w_low) / (w_high - w_low) END AS wing,
           CASE WHEN m_low = m_high THEN m_low_vol WHEN m_low >= 0.3 AND m_high <= 0.7
                THEN m_low_vol + (m_high_vol - m_low_vol) * (0.5 - m_low) / (m_high - m_low) END AS middle
    FROM sides
)
SELECT snap, days, avg(middle) AS middle, max(wing) FILTER (put) AS wing FROM lines GROUP BY ALL"""

# The surface at some days to expiry: a line between the expiries on both sides, or the nearest one within reach.
_AT_DAYS = """
WITH asked AS (SELECT unnest([20, 30, 60]) AS target, unnest([10, 15, 30]) AS reach), ends AS (
    SELECT snap, target, any_value(reach) AS reach,
           max(days) FILTER (days <= target) AS low, min(days) FILTER (days >= target) AS high,
           arg_max(value, days) FILTER (days <= target) AS low_value,
           arg_min(value, days) FILTER (days >= target) AS high_value, kind
    FROM (UNPIVOT (SELECT snap, days, middle, wing - middle AS skew FROM smile)
          ON middle, skew INTO NAME kind VALUE value), asked
    GROUP BY snap, target, kind
), valued AS (
    SELECT snap, target, kind,
           CASE WHEN low = high THEN low_value
                WHEN low IS NOT NULL AND high IS NOT NULL
                THEN low_value + (high_value - low_value) * (target - low) / (high - low)
                WHEN target - low <= reach THEN low_value WHEN high - target <= reach THEN high_value END AS value
    FROM ends
)
SELECT snap, max(value) FILTER (kind = 'middle' AND target = 30) AS atm_iv,
       max(value) FILTER (kind = 'skew' AND target = 30) AS skew_25d,
       max(value) FILTER (kind = 'middle' AND target = 60)
           - max(value) FILTER (kind = 'middle' AND target = 20) AS term_slope
FROM valued GROUP BY snap"""


def as_table(c: Contracts, g: Greeks) -> pa.Table:
    """Contracts with their volatility and delta as a table, a row each; what is not known is null.

    `spot` is the snapshot's, one for all of its contracts: what is far below the price must not depend on the row.
    """
    spot = c.snaps.column("spot").to_numpy().astype(np.float64, copy=False)
    columns: dict[str, Any] = {
        "snap": c.snap,
        "days": c.days,
        "put": c.put,
        "strike": c.strike,
        "volume": known(c.volume),
        "vol": known(g.vol),
        "delta": known(g.delta),
        "computed": g.computed,
        "spot": known(spot[c.snap]),
    }
    return pa.table(columns)


def sides(contracts: pa.Table, rules: OptionRules) -> pa.Table:
    """By snapshot, days to expiry and right: contracts, known volumes and volatilities; volume and its parts."""
    return ask(_SIDES, params={"otm": rules.otm_put_strike * (1 - _HAIR)}, contracts=contracts)


def window(by_side: pa.Table, rules: OptionRules) -> pa.Table:
    """The expiries of the seed's window, as snap and days: 0 to 45 days ahead, the 3 nearest of each snapshot."""
    return ask(
        """
        SELECT snap, days FROM (SELECT DISTINCT snap, days FROM by_side WHERE days BETWEEN 0 AND $within)
        QUALIFY row_number() OVER (PARTITION BY snap ORDER BY days) <= $expiries""",
        params={"within": rules.window_days, "expiries": rules.window_expiries},
        by_side=by_side,
    )


def largest_puts(contracts: pa.Table, near: pa.Table, rules: OptionRules) -> pa.Table:
    """By snapshot: the largest volumes of out-of-the-money puts of the window, summed; puts whose spot is not known."""
    params = {
        "floor": rules.otm_put_volume,
        "largest": rules.otm_put_largest,
        "otm": rules.otm_put_strike * (1 - _HAIR),
    }
    return ask(_LARGEST, params=params, contracts=contracts, near=near)


def pairs(contracts: pa.Table, near: pa.Table, rules: OptionRules) -> pa.Table:
    """By snapshot: contracts of the largest pair of legs that look like one order, and its kind."""
    return ask(_PAIRS, params={"floor": rules.pair_volume, "size": rules.pair_size}, contracts=contracts, near=near)


def surface(contracts: pa.Table) -> pa.Table:
    """By snapshot: at-the-money volatility 30 days out, 25-delta skew, slope from 20 to 60 days."""
    return ask(_AT_DAYS, smile=ask(_SMILE, contracts=contracts))


def open_interest_change(c: Contracts, earlier: npt.NDArray[np.int32]) -> pa.Table:
    """By snapshot: today's open interest less the earlier snapshot's, over contracts listed in both: snap, oi_change.

    Open interest is the figure of the session before, so this is what the session before changed. earlier: per snapshot
    the one compared, -1 for none: the last of the session before. Contracts that expired between are in one only.

    Contracts are ordered by provider, terms and time; in that order the row before a contract's first of a session is
    its last of an earlier one.
    """
    compared = bool((earlier >= 0).any())
    use = np.flatnonzero(np.isfinite(c.open_interest)) if compared else np.empty(0, dtype=np.int64)
    terms = ((c.expiry[use].astype(np.int64) * 2 + c.put[use]) << 36) + np.rint(c.strike[use] * 1000).astype(np.int64)
    kinds = np.unique(terms)
    series = c.snaps.column("series").to_numpy().astype(np.int64)
    snap = c.snap[use]  # ascends with time within a series
    thing = series[snap] * max(kinds.size, 1) + np.searchsorted(kinds, terms)
    order = np.argsort(thing * max(series.size, 1) + snap)
    thing, snap, held = thing[order], snap[order], c.open_interest[use][order]
    day = c.ordinal[snap]
    begins = np.r_[True, (thing[1:] != thing[:-1]) | (day[1:] != day[:-1])][: thing.size]
    before = np.maximum.accumulate(np.where(begins, np.arange(thing.size), 0)) - 1
    there = np.maximum(before, 0)
    both = (before >= 0) & (thing[there] == thing) & (snap[there] == earlier[snap])
    change = np.bincount(snap[both], weights=(held - held[there])[both], minlength=series.size)
    matched = np.bincount(snap[both], minlength=series.size) > 0
    found = np.flatnonzero(matched)
    return pa.table({"snap": pa.array(found, pa.int32()), "oi_change": pa.array(change[found], pa.float64())})
