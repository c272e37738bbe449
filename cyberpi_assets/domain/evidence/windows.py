"""The stretches of time in which an official's trades could have been made.

Here belongs the official's own window: dated terms of office, cut to the first and last scored trade. Which days of a
window a ticker admits belongs to `surface.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from cyberpi_assets.domain.features import Bools, Ints

_OPEN_END = 2**31 - 1


@dataclass(frozen=True)
class Windows:
    """Stretches [first, last] in days, grouped by person: person p's are at places start[p] to start[p + 1]."""

    start: Ints
    first: Ints
    last: Ints
    has_terms: Bools  # per person

    def of(self, person: int) -> tuple[Ints, Ints]:
        """First and last days of one person's stretches."""
        mine = slice(int(self.start[person]), int(self.start[person + 1]))
        return self.first[mine], self.last[mine]

    def expand(self, person: Ints) -> tuple[Ints, Ints, Ints]:
        """Per query its person's stretches: (query, first day, last day), flat. person: (queries,), none negative."""
        count = self.start[person + 1] - self.start[person]
        query = np.repeat(np.arange(person.size), count)
        inner = np.arange(query.size) - np.repeat(np.cumsum(count) - count, count)
        at = self.start[person][query] + inner
        return query, self.first[at], self.last[at]


def merged(stretches: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Stretches of days without overlaps: neighbours that touch or follow on the next day become one."""
    out: list[tuple[int, int]] = []
    for first, last in sorted(stretches):
        if out and first <= out[-1][1] + 1:
            out[-1] = (out[-1][0], max(out[-1][1], last))
        else:
            out.append((first, last))
    return out


def office(terms: pa.Table) -> dict[str, list[tuple[int, int]]]:
    """Days in office per bioguide id, both ends included; a term without an end is open. terms: OFFICIAL_TERMS."""
    columns = [terms.column("bioguide_id").to_pylist()]
    columns += [terms.column(c).cast(pa.int32()).to_pylist() for c in ("starts_on", "ends_on")]
    found: dict[str, list[tuple[int, int]]] = {}
    for person, first, last in zip(*columns, strict=True):
        found.setdefault(person, []).append((first, _OPEN_END if last is None else last))
    return {person: merged(stretches) for person, stretches in found.items()}


def windows(people: list[str], person: Ints, day: Ints, terms: pa.Table) -> Windows:
    """Each person's days in office between the first and the last of these trade days.

    people: bioguide ids. person, day: one value per scored trade, person as a place in `people`.
    """
    first, last = np.full(len(people), _OPEN_END, dtype=np.int64), np.full(len(people), -_OPEN_END, dtype=np.int64)
    np.minimum.at(first, person, day)
    np.maximum.at(last, person, day)
    held = office(terms)
    starts, firsts, lasts = [0], list[int](), list[int]()
    for at, name in enumerate(people):
        for a, b in held.get(name, []):
            low, high = max(a, int(first[at])), min(b, int(last[at]))
            if low <= high:
                firsts.append(low)
                lasts.append(high)
        starts.append(len(firsts))
    return Windows(
        np.array(starts, dtype=np.int64),
        np.array(firsts, dtype=np.int64),
        np.array(lasts, dtype=np.int64),
        np.array([name in held for name in people], dtype=bool),
    )
