"""One source per document: which file is believed where several disclose the same filing.

Here belongs the declared order of sources and what happens to the rows of the others: they are put aside with the
reason, never merged row by row (identical rows inside a filing are mostly real lots). Reading files is in `sources/`;
who a filer is, is in `names.py`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import duckdb
import pyarrow as pa

from cyberpi_assets.domain.names import same_person
from cyberpi_assets.tables import DISCLOSURE_FACTS, QUARANTINE_FACTS

# Source families, the most believed first, and why.
ORDER: Final[tuple[tuple[str, str], ...]] = (
    ("house_clerk", "the Clerk's own document, its rows confirmed by an independent count"),
    ("senate_efd", "the Senate's own page, its rows confirmed by the page's count"),
    ("unified", "merged from a dozen collections, with amendments, repeats and person ids resolved"),
    ("senate_stock_watcher", "the Senate's own electronic reports, row by row"),
    ("tattooedhead", "parsed from the House's electronic filings, with asset types and owners"),
    ("house_stock_watcher_v2", "typed in from House filings; later than v1, with corrected names"),
    ("house_stock_watcher_v1", "typed in from House filings; stops in 2022"),
    ("house_clerk_partial", "the Clerk's own document, but rows of it are missing"),
    ("senate_efd_partial", "the Senate's own page, but rows of it are missing"),
)
_RANK: Final = {family: rank for rank, (family, _) in enumerate(ORDER)}


@dataclass(frozen=True)
class _Group:
    """The rows that one file has of one document, or of one filer's unnamed filings of a day."""

    number: int
    rank: int
    chamber: str
    document: str | None
    filer: str
    bioguide_id: str | None
    state: str | None
    days: frozenset[dt.date]
    file: str
    source: str
    rows: int
    dated: int

    @property
    def preference(self) -> tuple[int, int, int, str]:
        """Smaller is preferred, but for the file's name: there the later one is."""
        return self.rank, -self.rows, -self.dated, self.file


def choose_documents(disclosures: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Keep one source per document.

    Takes `disclosure_facts`; gives the rows kept (same columns, same order) and the others as `quarantine_facts` with
    the field `document` and the source that was believed. Among files of one family the one with more rows of the
    document wins, then the one with more filing dates, then the later by name. A filing without document id is known
    by chamber, filer and day of filing, and competes with other files' filings of the same.
    """
    con = duckdb.connect()
    try:
        con.register("facts", disclosures.select(_KEYS).append_column("place", pa.array(range(disclosures.num_rows))))
        groups = [_group(row) for row in con.execute(_GROUPS).fetchall()]
        lost = _losers(groups)
        reasons = pa.table(
            {
                "number": pa.array(list(lost), pa.int64()),
                "reason": pa.array([_reason(groups[n], w) for n, w in lost.items()], pa.string()),
            }
        )
        con.register("lost", reasons)
        duplicates = con.execute(_DUPLICATES).to_arrow_table()
        kept = con.execute(_KEPT).to_arrow_table().column("place")
    finally:
        con.close()
    aside = pa.schema([pa.field(f.name, f.type) for f in QUARANTINE_FACTS.schema])
    return disclosures.take(kept), duplicates.cast(aside).cast(QUARANTINE_FACTS.schema)


_KEYS: Final = [
    c
    for c in DISCLOSURE_FACTS.names
    if c in ("chamber", "document", "filer", "bioguide_id", "state", "filed_on", "source", "file", "line")
]
_NUMBERED: Final = """
SELECT *, dense_rank() OVER (
    ORDER BY chamber, document NULLS LAST, split_part(source, '/', 1), file,
             CASE WHEN document IS NULL THEN coalesce(bioguide_id, filer) END,
             CASE WHEN document IS NULL THEN filed_on END) - 1 AS number
FROM facts
"""
_GROUPS: Final = f"""
SELECT number, split_part(min(source), '/', 1), min(chamber), min(document), min(filer),
       CASE WHEN count(DISTINCT bioguide_id) = 1 THEN min(bioguide_id) END,
       CASE WHEN count(DISTINCT state) = 1 THEN min(state) END,
       list(DISTINCT filed_on) FILTER (filed_on IS NOT NULL), min(file), min(source), count(*), count(filed_on)
FROM ({_NUMBERED}) GROUP BY number ORDER BY number
"""
_DUPLICATES: Final = f"""
SELECT file, line, 'disclosures' AS kind, 'document' AS field, left(document, 200) AS value, reason
FROM ({_NUMBERED}) JOIN lost USING (number) ORDER BY place
"""
_KEPT: Final = f"SELECT place FROM ({_NUMBERED}) ANTI JOIN lost USING (number) ORDER BY place"


def _group(
    row: tuple[int, str, str, str | None, str, str | None, str | None, list[dt.date] | None, str, str, int, int],
) -> _Group:
    number, family, chamber, document, filer, bioguide, state, days, file, source, rows, dated = row
    rank = _RANK.get(family, len(ORDER))
    return _Group(
        number, rank, chamber, document, filer, bioguide, state, frozenset(days or ()), file, source, rows, dated
    )


def _losers(groups: list[_Group]) -> dict[int, _Group]:
    """The groups that are not believed, each with the group that is."""
    by_name = sorted(groups, key=lambda g: g.file, reverse=True)
    preferred = sorted(by_name, key=lambda g: g.preference[:3])
    lost: dict[int, _Group] = {}
    holders: dict[tuple[str, str], _Group] = {}
    for group in preferred:
        if group.document is not None:
            holder = holders.setdefault((group.chamber, group.document), group)
            if holder is not group:
                lost[group.number] = holder
    by_day: dict[tuple[str, dt.date], list[_Group]] = {}
    # within one family a filing with a document id comes before one without
    for group in sorted(preferred, key=lambda g: (g.rank, g.document is None)):
        if group.number in lost:
            continue
        rivals = (r for day in sorted(group.days) for r in by_day.get((group.chamber, day), ()))
        winner = _rival(group, rivals)
        if winner is not None:
            lost[group.number] = winner
            continue
        for day in group.days:
            by_day.setdefault((group.chamber, day), []).append(group)
    return lost


def _rival(group: _Group, rivals: Iterable[_Group]) -> _Group | None:
    """The believed group of another file that covers this one: same filer and day, one of them without document id."""
    for rival in rivals:
        if rival.file == group.file or (rival.document is not None and group.document is not None):
            continue
        if rival.bioguide_id and group.bioguide_id:
            if rival.bioguide_id == group.bioguide_id:
                return rival
        elif same_person(rival.filer, group.filer) and not (rival.state and group.state and rival.state != group.state):
            return rival
    return None


def _reason(group: _Group, winner: _Group) -> str:
    if group.document is not None and group.document == winner.document:
        return f"document {group.document} taken from {winner.source}"
    days = ", ".join(str(d) for d in sorted(group.days & winner.days))
    return f"filing of {winner.filer} on {days} taken from {winner.source}"
