"""Parties compared on their officials' means, by permuting party over officials within a chamber.

Here belongs the comparison of parties. Each official counts once, with the mean over his or her clusters; trades are
never compared one by one, since one member may hold a quarter of all of them.
"""

from __future__ import annotations

from itertools import combinations
from math import comb
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy.stats import permutation_test

from cyberpi_assets.domain.columns import known
from cyberpi_assets.domain.evidence.clusters import Clusters
from cyberpi_assets.domain.evidence.multiplicity import with_q
from cyberpi_assets.domain.features import Bools, Floats
from cyberpi_assets.domain.sql import ask
from cyberpi_assets.rules.figures import EvidenceRules
from cyberpi_assets.tables import PARTY_EVIDENCE

_UNKNOWN = "unknown"
_FEWEST = 3  # officials of a party; with fewer no comparison says anything


def difference(x: Floats, y: Floats, axis: int = -1) -> Floats:
    """Mean of x less mean of y along an axis."""
    return np.asarray(np.mean(x, axis=axis) - np.mean(y, axis=axis))


def permutation_p(x: Floats, y: Floats, draws: int, rng: np.random.Generator) -> tuple[float, str]:
    """Two-sided p of the difference of means, and whether it is exact (all permutations) or Monte Carlo."""
    found = permutation_test(
        (x, y), difference, vectorized=True, permutation_type="independent", n_resamples=draws, rng=rng, batch=2_000
    )
    return float(found.pvalue), "exact" if comb(x.size + y.size, x.size) <= draws else "monte carlo"


def stratified_p(
    values: Floats, is_a: Bools, stratum: npt.NDArray[np.int64], draws: int, rng: np.random.Generator
) -> tuple[float, float]:
    """Difference of means weighted over strata, and its two-sided p with party permuted within each stratum.

    Each stratum weighs as many officials as it has. p = (b + 1) / (draws + 1), twice the smaller tail. Shapes:
    (officials,).
    """
    null, observed, total = np.zeros(draws), 0.0, values.size
    for s in np.unique(stratum):
        v, a = values[stratum == s], is_a[stratum == s]
        n_a, weight = int(a.sum()), v.size / total
        observed += weight * float(difference(v[a], v[~a]))
        drawn = rng.permuted(np.broadcast_to(v, (draws, v.size)), axis=1)
        null += weight * difference(drawn[:, :n_a], drawn[:, n_a:])
    tails = ((null >= observed - 1e-12).sum() + 1.0, (null <= observed + 1e-12).sum() + 1.0)
    return observed, min(1.0, 2.0 * min(tails) / (draws + 1.0))


def _officials(data: Clusters) -> pa.Table:
    """One row per official: chamber and party of most clusters, ties by name, and the means compared."""
    facts: dict[str, Any] = {name: data.table.column(name) for name in ("person", "chamber", "party")} | {
        "mean_score": known(data.score),
        "excess_score": known(data.score - data.expected_score),
        "mean_one_minus_p": known(1.0 - data.p_placebo),
    }
    return ask(
        """
        WITH named AS (SELECT * REPLACE (coalesce(party, $unknown) AS party) FROM facts),
        c AS (SELECT person, chamber, count(*) AS n FROM named WHERE chamber IS NOT NULL GROUP BY ALL),
        p AS (SELECT person, party, count(*) AS n FROM named GROUP BY ALL)
        SELECT person, (SELECT chamber FROM c WHERE c.person = m.person ORDER BY n DESC, chamber LIMIT 1) AS chamber,
               (SELECT party FROM p WHERE p.person = m.person ORDER BY n DESC, party LIMIT 1) AS party,
               avg(mean_score) AS mean_score, avg(excess_score) AS excess_score, avg(mean_one_minus_p) AS
               mean_one_minus_p
        FROM named m GROUP BY person ORDER BY person""",
        params={"unknown": _UNKNOWN},
        facts=pa.table(facts),
    )


def party_evidence(data: Clusters, rules: EvidenceRules) -> pa.Table:
    """Every pair of parties, per chamber and over both. Columns: `tables.PARTY_EVIDENCE`. data: as `clusters` gives.

    q is over all tests of the table: three readings of one question in two chambers and both, so not independent ones.
    """
    if data.person.size == 0:
        return PARTY_EVIDENCE.empty()
    officials = _officials(data)
    chamber = np.array(officials.column("chamber").to_pylist(), dtype=object)
    party = np.array(officials.column("party").to_pylist(), dtype=object)
    rng = np.random.default_rng([rules.seed, 2])
    rows: list[dict[str, object]] = []
    for metric in ("mean_score", "excess_score", "mean_one_minus_p"):
        values = officials.column(metric).to_numpy(zero_copy_only=False)
        finite = np.isfinite(values)
        for where in ("house", "senate", "both"):
            here = finite if where == "both" else finite & (chamber == where)
            for a, b in combinations(sorted(set(party[here]) - {_UNKNOWN}), 2):
                mine = here & ((party == a) | (party == b))
                rows.append(_compared(values, chamber, party == a, mine, rules, rng) | {
                    "chamber": where, "metric": metric, "party_a": a, "party_b": b,
                })  # fmt: skip
    return pa.Table.from_pylist(with_q(rows), schema=PARTY_EVIDENCE.schema)


def _compared(
    values: Floats,
    chamber: npt.NDArray[np.object_],
    is_a: Bools,
    mine: Bools,
    rules: EvidenceRules,
    rng: np.random.Generator,
) -> dict[str, object]:
    """One pair of parties: counts, means, difference with its interval, and p or why there is none."""
    both = {
        c for c in set(chamber[mine]) if min(np.sum(mine & (chamber == c) & side) for side in (is_a, ~is_a)) >= _FEWEST
    }
    used = mine & np.isin(chamber, np.array(sorted(both), dtype=object)) if both else mine
    x, y = values[used & is_a], values[used & ~is_a]
    row: dict[str, object] = {
        "n_a": int(x.size),
        "n_b": int(y.size),
        "mean_a": float(x.mean()) if x.size else None,
        "mean_b": float(y.mean()) if y.size else None,
    }
    if not both:
        return row | {"reason": f"fewer than {_FEWEST} officials of one of them in a chamber"}
    stratum = np.unique(chamber[used].astype(str), return_inverse=True)[1]
    if len(both) == 1:
        p, method = permutation_p(x, y, rules.shifts, rng)
        found = float(difference(x, y))
    else:
        found, p = stratified_p(values[used], is_a[used], stratum, rules.shifts, rng)
        method = "monte carlo"
    drawn = _bootstrap(values[used], is_a[used], stratum, rules.resamples, rng)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return row | {"difference": found, "low": float(low), "high": float(high), "p_value": p, "method": method}


def _bootstrap(
    values: Floats, is_a: Bools, stratum: npt.NDArray[np.int64], draws: int, rng: np.random.Generator
) -> Floats:
    """Differences of means with officials resampled within party and stratum. Shape: (draws,)."""
    out = np.zeros(draws)
    for s in np.unique(stratum):
        v, a = values[stratum == s], is_a[stratum == s]
        sides = [side[rng.integers(0, side.size, size=(draws, side.size))].mean(axis=1) for side in (v[a], v[~a])]
        out += v.size / values.size * (sides[0] - sides[1])
    return out
