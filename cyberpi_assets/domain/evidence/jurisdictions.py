"""Which sectors a committee is taken to oversee, and who sat on it when.

Here belongs the declared mapping of full committees to GICS sectors. It is a reading of their jurisdictions and coarse:
a committee oversees agencies and laws, not industries; those whose remit is all or none of the economy (Appropriations,
Budget, Ways and Means, Finance, Judiciary, Oversight, Rules, Ethics, Small Business, joint committees) are not mapped.
Subcommittees count with their committee.
"""

from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa

from cyberpi_assets.domain.sql import ask

_TECH, _COMMS = "Information Technology", "Communication Services"
_STAPLES, _MATERIALS, _INDUSTRIALS = "Consumer Staples", "Materials", "Industrials"

# Thomas id -> sectors
SECTORS: dict[str, tuple[str, ...]] = {
    "HSAG": (_STAPLES, _MATERIALS),
    "SSAF": (_STAPLES, _MATERIALS),
    "HSAS": (_INDUSTRIALS,),
    "SSAS": (_INDUSTRIALS,),
    "HSBA": ("Financials", "Real Estate"),
    "SSBK": ("Financials", "Real Estate"),
    "HSIF": ("Health Care", "Energy", "Utilities", _COMMS),
    "SSCM": (_COMMS, _INDUSTRIALS, _TECH, "Consumer Discretionary"),
    "SSEG": ("Energy", "Utilities"),
    "HSII": ("Energy", _MATERIALS),
    "SSEV": (_INDUSTRIALS, "Utilities"),
    "HSPW": (_INDUSTRIALS,),
    "HSSY": (_TECH,),
    "SSHR": ("Health Care",),
    "HSVR": ("Health Care",),
    "SSVA": ("Health Care",),
    "HSHM": (_TECH, _INDUSTRIALS),
    "HLIG": (_TECH, _COMMS),
    "SLIN": (_TECH, _COMMS),
    # the invented committees of the simulated world
    "HXCO": ("Consumer Discretionary", _STAPLES),
    "SXCO": ("Consumer Discretionary", _STAPLES),
    "HXCY": (_TECH, _COMMS),
    "SXCY": (_TECH, _COMMS),
    "HXEN": ("Energy", "Utilities"),
    "SXEN": ("Energy", "Utilities"),
    "HXFI": ("Financials", "Real Estate"),
    "SXFI": ("Financials", "Real Estate"),
    "HXHL": ("Health Care",),
    "SXHL": ("Health Care",),
    "HXIN": (_INDUSTRIALS, _MATERIALS),
    "SXIN": (_INDUSTRIALS, _MATERIALS),
}


def mapping() -> pa.Table:
    """The mapping as rows. Columns: committee_id, sector."""
    pairs = [(committee, sector) for committee, sectors in SECTORS.items() for sector in sectors]
    return pa.table({"committee_id": [c for c, _ in pairs], "sector": [s for _, s in pairs]})


def congress_span(congress: int) -> tuple[dt.date, dt.date]:
    """First and last day of a Congress: from 3 January of an odd year to 2 January two years later (since 1935)."""
    year = 1789 + 2 * (congress - 1)
    return dt.date(year, 1, 3), dt.date(year + 2, 1, 2)


def seats(memberships: pa.Table, clusters: pa.Table) -> pa.Table:
    """Full committees on which a cluster's official sat on its day. Columns: cluster (row), committee_id, title.

    memberships: `tables.COMMITTEE_MEMBERSHIPS`; clusters: person, day. Published lists are few: a seat shown by a list
    of a Congress counts for the whole of that Congress. A member who joined or left in mid-term is counted too long.
    """
    numbered = clusters.select(["person", "day"]).append_column(
        "cluster", pa.array(range(clusters.num_rows), pa.int64())
    )
    known = np.unique(memberships.column("congress").to_numpy()).tolist()
    spans = pa.table(
        {
            "congress": pa.array(known, pa.int64()),
            "first": pa.array([congress_span(c)[0] for c in known], pa.date32()),
            "last": pa.array([congress_span(c)[1] for c in known], pa.date32()),
        }
    )
    return ask(
        """
        WITH held AS (
            SELECT bioguide_id, left(committee_id, 4) AS committee_id, s.first, s.last,
                   max(title) FILTER (length(committee_id) = 4) AS title
            FROM memberships m JOIN spans s USING (congress) GROUP BY ALL
        )
        SELECT DISTINCT c.cluster, h.committee_id, h.title FROM numbered c
        JOIN held h ON h.bioguide_id = c.person AND c.day BETWEEN h.first AND h.last ORDER BY ALL""",
        numbered=numbered,
        memberships=memberships,
        spans=spans,
    )
