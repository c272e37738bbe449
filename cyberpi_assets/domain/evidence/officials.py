"""The evidence of each official: the shared figures, and what is particular to people.

Here belongs the assembly of `official_evidence`. The figures are counted in the modules beside.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pyarrow as pa

from cyberpi_assets.domain.columns import frame, places
from cyberpi_assets.domain.evidence.clusters import THIRDS, Clusters
from cyberpi_assets.domain.evidence.conduct import conduct
from cyberpi_assets.domain.evidence.intervals import rank_intervals
from cyberpi_assets.domain.evidence.jurisdictions import mapping, seats
from cyberpi_assets.domain.evidence.labels import repeat_offender_raw
from cyberpi_assets.domain.evidence.shifts import window_sessions
from cyberpi_assets.domain.evidence.summary import Columns, Evidence, column
from cyberpi_assets.domain.features import Floats, Ints
from cyberpi_assets.domain.sql import ask
from cyberpi_assets.domain.timing import SUSPICIOUS
from cyberpi_assets.rules.figures import EvidenceRules
from cyberpi_assets.tables import OFFICIAL_EVIDENCE

_CONDUCT = (
    "first_trade", "last_trade", "n_self", "n_spouse", "n_joint", "n_child", "n_owner_unknown", "rebalancing_share",
    "held_leadership", "n_lateness_known", "n_late", "late_rate", "n_lateness_unknown", "median_days_late",
)  # fmt: skip


def official_evidence(
    data: Clusters,
    trades: pa.Table,
    correlations: pa.Table,
    officials: pa.Table,
    terms: pa.Table,
    memberships: pa.Table,
    rules: EvidenceRules,
    house_from: dt.date,
) -> pa.Table:
    """Evidence per person with a trade that counts. Columns: `tables.OFFICIAL_EVIDENCE`, by q, p, then mean score.

    data: as `clusters` gives; the others are the tables of these names. People without scored trades have rows too.
    """
    how = conduct(trades, correlations, terms, house_from, rules.rebalancing_tickers)
    people = [str(p) for p in how.column("person").to_pylist()]
    if not people:
        return OFFICIAL_EVIDENCE.empty()
    place = places(pa.chunked_array([pa.array(data.people, pa.string())]), people)
    group = place[data.person]
    found = Evidence(
        data,
        people,
        np.arange(group.size),
        group,
        how.column("n_trades").to_numpy(),
        how.column("n_scored").to_numpy(),
        rules,
    )
    columns = found.columns | _names(how, officials)
    columns |= {name: how.column(name).combine_chunks() for name in _CONDUCT}
    columns["median_days_late"] = columns["median_days_late"].cast(pa.float64())
    columns["p_exact"] = column(found.test.p_exact)
    sizes = np.zeros(len(people), dtype=np.int64)
    sizes[place] = [window_sessions(data, p).size for p in range(len(data.people))]
    columns["n_sessions"] = column(sizes)
    columns |= _ranks(found, rules) | _thirds(data, found) | _committees(data, group, len(people), memberships)
    columns["repeat_offender_raw"] = column(
        repeat_offender_raw(
            how.column("n_suspicious").to_numpy(),
            how.column("n_scored").to_numpy(),
            rules.offender_rate,
            rules.min_clusters,
        )
    )
    table = frame(OFFICIAL_EVIDENCE, {name: columns[name] for name in OFFICIAL_EVIDENCE.names})
    return ask(
        "SELECT * FROM t ORDER BY q_value NULLS LAST, p_value NULLS LAST, mean_score DESC NULLS LAST, bioguide_id",
        shape=OFFICIAL_EVIDENCE,
        t=table,
    )


def _names(how: pa.Table, officials: pa.Table) -> Columns:
    """Names for display: those of the list of officials, else those of the latest filing; ordered as `how`."""
    named = ask(
        """
        SELECT h.person AS bioguide_id, coalesce(o.official, h.official) AS official, h.chamber, h.party, h.state
        FROM how h LEFT JOIN officials o ON o.bioguide_id = h.person ORDER BY h.person""",
        how=how.select(["person", "official", "chamber", "party", "state"]),
        officials=officials.select(["bioguide_id", "official"]),
    )
    return {name: named.column(name).combine_chunks() for name in named.schema.names}


def _ranks(found: Evidence, rules: EvidenceRules) -> Columns:
    """Rank by mean score among those with enough clusters, and its bootstrap interval where there are enough days."""
    n = found.columns["n_clusters"].to_numpy()
    mean = found.columns["mean_score"].to_numpy(zero_copy_only=False)
    ranked = np.flatnonzero(n >= rules.min_clusters)
    size = n.size
    rank, low, high = (np.full(size, np.nan) for _ in range(3))
    # one official's few trading days give no draws: he or she keeps the place of the mean in all of them
    draws = found.means[ranked]
    draws = np.where(np.isnan(draws), mean[ranked][:, None], draws)
    order = np.lexsort([-n[ranked], -mean[ranked]])
    rank[ranked[order]] = np.arange(1, ranked.size + 1)
    lows, highs = rank_intervals(draws)
    low[ranked], high[ranked] = lows, highs
    few = found.columns["n_batches"].to_numpy() < rules.min_batches
    low[few], high[few] = np.nan, np.nan
    return {"rank": column(rank), "rank_low": column(low), "rank_high": column(high)}


def _thirds(data: Clusters, found: Evidence) -> Columns:
    """Observed and expected by how volatile the tickers are."""
    third = np.array(data.table.column("third").to_pylist(), dtype=object)
    hit = data.score >= SUSPICIOUS
    out: Columns = {}
    for name in THIRDS:
        mine = ((third == name) & data.tested).astype(np.float64)
        out[f"n_{name}"] = column(found.count(mine).astype(np.int64))
        out[f"observed_{name}"] = column(found.count(mine * hit).astype(np.int64))
        out[f"expected_{name}"] = column(found.count(np.where(mine > 0, data.expected_suspicious, 0.0)))
    return out


def _committees(data: Clusters, group: Ints, size: int, memberships: pa.Table) -> Columns:
    """Committees, chairs and trades in a committee's sectors; unknown for people without dated membership."""
    sat = seats(memberships, data.table)
    known: dict[str, Any] = {"cluster": np.arange(group.size), "place": group, "sector": data.table.column("sector")}
    facts = pa.table(known)
    found = ask(
        """
        WITH inside AS (
            SELECT DISTINCT f.cluster FROM sat s JOIN facts f USING (cluster)
            JOIN mapping m ON m.committee_id = s.committee_id AND m.sector = f.sector
        )
        SELECT f.place, list(DISTINCT s.committee_id ORDER BY s.committee_id) AS committees,
               bool_or(coalesce(regexp_matches(title, '(?i)^(co-?)?chair|^ranking'), false)) AS chaired,
               count(DISTINCT i.cluster) AS n_inside
        FROM sat s JOIN facts f USING (cluster) LEFT JOIN inside i USING (cluster) GROUP BY f.place""",
        sat=sat,
        facts=facts,
        mapping=mapping(),
    )
    at = found.column("place").to_numpy()
    inside, clusters = np.full(size, np.nan), np.bincount(group, minlength=size).astype(np.float64)
    inside[at] = found.column("n_inside").to_numpy()
    chaired, committees = np.full(size, None, dtype=object), np.full(size, None, dtype=object)
    chaired[at] = found.column("chaired").to_pylist()
    for place, ids in zip(at, found.column("committees").to_pylist(), strict=True):
        committees[place] = ids
    share: Floats = np.divide(inside, clusters, out=np.full(size, np.nan), where=clusters > 0)
    return {
        "committees": pa.array(committees.tolist(), pa.list_(pa.string())),
        "chaired": pa.array(chaired.tolist(), pa.bool_()),
        "n_in_jurisdiction": column(inside),
        "jurisdiction_share": column(share),
    }
