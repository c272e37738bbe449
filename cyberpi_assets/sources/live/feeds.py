"""Threat-intelligence and press feeds as a part of profile live: the list is yours to edit.

Belongs here: which feeds are asked, and that one that fails does not stop the others. How a feed is read is in
`sources/events/feeds.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pyarrow as pa

from cyberpi_assets.sources.events.feeds import LARGEST, read_feed
from cyberpi_assets.sources.intake import Intake
from cyberpi_assets.sources.live.shelf import Shelf
from cyberpi_assets.sources.live.troubles import Troubles, in_words
from cyberpi_assets.sources.rows import Origin, Reading, Unreadable
from cyberpi_assets.sources.web import errors as e
from cyberpi_assets.sources.web.cache import DamagedCache
from cyberpi_assets.sources.web.client import HostRules, PoliteClient

NAME: Final = "feeds"
CATEGORIES: Final = frozenset({"cyber", "vendor", "government", "press"})


@dataclass(frozen=True)
class Feed:
    """One feed of the list."""

    name: str
    url: str
    category: str


def feeds_of(listed: pa.Table) -> list[Feed]:
    """The feeds of a list (name, url, category); an unknown category is `press`, a row without an address is left."""
    rows = [Feed(r["name"].strip(), r["url"].strip(), r["category"].strip().lower()) for r in listed.to_pylist()]
    return [
        f if f.category in CATEGORIES else Feed(f.name, f.url, "press")
        for f in dict.fromkeys(rows)
        if f.name and urlsplit(f.url).scheme in ("http", "https")
    ]


def hosts_of(feeds: Sequence[Feed], rules: HostRules) -> dict[str, HostRules]:
    """The hosts of feeds, and those that publishers redirect them to within their own domain (with and without www)."""
    names = {urlsplit(f.url).netloc.lower() for f in feeds}
    bare = {n.removeprefix("www.") for n in names}
    return dict.fromkeys(sorted(names | bare | {f"www.{n}" for n in bare if n.count(".") == 1}), rules)


class FeedsPart:
    """All feeds of the list; a unit per day."""

    name = NAME
    remote = True

    def __init__(self, client: PoliteClient, feeds: Sequence[Feed], folder: Path) -> None:
        self._client, self._feeds = client, feeds
        self._shelf = Shelf(folder, NAME, "news_facts", "news")

    def collect(self, intake: Intake, progress: Callable[[str], None]) -> Sequence[str]:
        """As `LivePart` says."""
        troubles, readings = Troubles(NAME), list[Reading]()
        for feed in self._feeds:
            progress(feed.name)
            try:
                raw = self._client.get(feed.url, fresh="validated")
                body = raw.body()
                if len(body) > LARGEST:
                    raise Unreadable(f"too large: {len(body):,} bytes")
                origin = Origin(f"live:{NAME}/{feed.name}")
                readings.append(
                    read_feed(body, origin, provider=feed.name, category=feed.category, seen_at=raw.validated_at)
                )
            except e.FetchError as error:
                code = type(error).__name__
                troubles.miss(feed.name, "news", in_words(error), retryable=error.again, code=code)
            except (Unreadable, DamagedCache) as error:
                troubles.miss(feed.name, "news", str(error), retryable=True, code="Unreadable")
        self._shelf.add(readings, self._client.clock.now())
        return [*self._shelf.units(intake), *troubles.units(intake)]
