"""Which filings the indexes name that were not seen before: the question of the sensor, and its memory.

Belongs here: the comparison of the sites' indexes with a cursor. Nothing is fetched but indexes; what becomes of new
filings is decided in `orchestration/sensors.py`.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from cyberpi_assets.rules.asking import LiveRules
from cyberpi_assets.sources.house.index import read_index
from cyberpi_assets.sources.live.house_clerk import HouseClerk
from cyberpi_assets.sources.live.parts import NO_CONTACT, efd_of
from cyberpi_assets.sources.web import errors as e
from cyberpi_assets.sources.web.client import PoliteClient

OVERLAP: Final = dt.timedelta(days=30)  # reports may be listed some days after the day of their submission


@dataclass(frozen=True)
class Listed:
    """A filing that an index names: `house:<DocID>` or `senate:<UUID>`, and its day, null where the index has none."""

    filing_id: str
    filed_on: dt.date | None


@dataclass(frozen=True)
class Cursor:
    """What was seen, by chamber: filings that the last look at the index named, and the day of that look (ISO)."""

    seen: Mapping[str, frozenset[str]] = field(default_factory=dict)
    looked: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of_text(cls, text: str | None) -> Cursor:
        """The cursor out of `as_text`; an empty one where there is none, or none that can be read."""
        try:
            found: Any = json.loads(text or "{}")
            return cls(
                {chamber: frozenset(map(str, part["seen"])) for chamber, part in found.items()},
                {chamber: dt.date.fromisoformat(part["looked"]).isoformat() for chamber, part in found.items()},
            )
        except (ValueError, KeyError, TypeError, AttributeError):
            return cls()

    def as_text(self) -> str:
        """The cursor as JSON."""
        return json.dumps(
            {c: {"looked": self.looked[c], "seen": sorted(self.seen[c])} for c in sorted(self.seen)},
            separators=(",", ":"),
        )

    def after(self, chamber: str, seen: frozenset[str], today: dt.date) -> Cursor:
        """The cursor after a look at one chamber's index."""
        return Cursor({**self.seen, chamber: seen}, {**self.looked, chamber: today.isoformat()})


@dataclass(frozen=True)
class Poll:
    """What a look at the indexes gave: new filings, why a site could not be looked at, and the cursor after it."""

    new: tuple[Listed, ...]
    problems: tuple[str, ...]
    cursor: Cursor


def poll(client: PoliteClient, rules: LiveRules, cursor: Cursor, today: dt.date) -> Poll:
    """Look at the indexes of the chambers that the settings name.

    A filing is new when the cursor does not have it, its day is one that is fetched, and its document is not kept yet.
    A site that fails leaves the cursor of its chamber as it was, so that nothing is missed. After a time without looks
    everything since the last one is asked for.
    """
    if rules.contact is None:
        return Poll((), (NO_CONTACT,), cursor)
    looks: dict[str, Callable[[], tuple[frozenset[str], list[Listed]]]] = {
        "house": lambda: _house(client, rules, cursor, today),
        "senate": lambda: _senate(client, rules, cursor),
    }
    new: list[Listed] = []
    problems: list[str] = []
    for chamber, look in looks.items():
        if chamber not in rules.parts:
            continue
        try:
            seen, fresh = look()
        except e.FetchError as error:
            problems.append(str(error))
            continue
        known = cursor.seen.get(chamber, frozenset())
        until = rules.fetch_until or today
        new += [x for x in fresh if x.filing_id not in known and _wanted(x, rules.fetch_from, until)]
        cursor = cursor.after(chamber, seen, today)
    return Poll(tuple(new), tuple(problems), cursor)


def _wanted(listed: Listed, first: dt.date, last: dt.date) -> bool:
    return listed.filed_on is None or first <= listed.filed_on <= last


def _house(
    client: PoliteClient, rules: LiveRules, cursor: Cursor, today: dt.date
) -> tuple[frozenset[str], list[Listed]]:
    """The index of this year and the last, and those of years without a look."""
    clerk = HouseClerk(client, rules.house_url)
    looked = cursor.looked.get("house")
    first = min(today.year - 1, int(looked[:4]) if looked else today.year)
    seen: set[str] = set()
    fresh: list[Listed] = []
    for year in range(first, today.year + 1):
        try:
            raw = clerk.index(year, poll=True)
        except e.Missing:
            if year == today.year:  # in the first days of January there is none yet
                continue
            raise
        found = read_index(raw.body(), f"{year}FD.zip")
        if found.failure is not None:
            raise e.IncompleteIndex(raw.url, found.failure)
        for row in found.rows:
            if row.filing_type == "P":
                seen.add(f"house:{row.doc_id}")
                if clerk.kept(row) is None:
                    fresh.append(Listed(f"house:{row.doc_id}", row.filing_date))
    return frozenset(seen), fresh


def _senate(client: PoliteClient, rules: LiveRules, cursor: Cursor) -> tuple[frozenset[str], list[Listed]]:
    """The search since the last look, and some days before it."""
    efd = efd_of(client, rules)
    looked = cursor.looked.get("senate")
    since = (dt.date.fromisoformat(looked) - OVERLAP) if looked else rules.fetch_from
    found = efd.search(max(since, rules.fetch_from))
    reports = [row for row in found.rows if row.is_ptr]
    fresh = [Listed(f"senate:{row.document}", row.submitted_on) for row in reports if efd.kept(row) is None]
    return frozenset(f"senate:{row.document}" for row in reports), fresh
