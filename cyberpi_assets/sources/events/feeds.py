"""RSS and Atom feeds as headlines, read with feedparser behind limits.

Here belongs what a feed may be: at most so large, at most so many entries, and without entities of its own, which could
grow without bound. Nothing in a feed is fetched. Which feeds are asked is a list that people edit.
"""

from __future__ import annotations

import datetime as dt
import io
from typing import Any, Final

import feedparser

from cyberpi_assets.sources.events.headlines import Headlines
from cyberpi_assets.sources.rows import Origin, Reading, Unreadable

LARGEST: Final = 16 * 2**20
MOST_ENTRIES: Final = 2_000


def read_feed(
    data: bytes,
    origin: Origin,
    *,
    provider: str | None = None,
    category: str | None = None,
    seen_at: dt.datetime | None = None,
) -> Reading:
    """The entries of a feed; `provider` names it, else its own title does.

    An entry without a date takes the moment it was fetched, or is put aside. Raises Unreadable for what is no feed, is
    too large, or defines entities.
    """
    if len(data) > LARGEST:
        raise Unreadable(f"too large: a feed of more than {LARGEST:,} bytes")
    if b"<!ENTITY" in data.replace(b"\0", b"").upper():
        raise Unreadable("a feed that defines entities is not read")
    try:
        feed: Any = feedparser.parse(io.BytesIO(data), response_headers={"content-type": "application/xml"})
    except (RecursionError, ValueError, LookupError) as error:
        raise Unreadable(f"damaged: {type(error).__name__}") from error
    if not feed.get("version") and not feed.get("entries"):
        raise Unreadable("neither RSS nor Atom")
    title = str(feed.feed.get("title") or "").strip()
    name = provider or title or "feed"
    rows = Headlines(origin.file, "feed", seen_at)
    for line, entry in enumerate(feed.entries[:MOST_ENTRIES], 1):
        rows.add(
            line,
            headline=entry.get("title"),
            moment=_moment(entry) or seen_at,
            provider=name,
            article_id=entry.get("id") or entry.get("link"),
            body=entry.get("summary"),
            url=entry.get("link"),
            category=category,
            language=feed.feed.get("language"),
            source=f"feed:{name}",
        )
    notes: list[str] = []
    if feed.bozo:
        notes.append("the feed is not well-formed; what could be read was")
    if len(feed.entries) > MOST_ENTRIES:
        notes.append(f"{len(feed.entries) - MOST_ENTRIES:,} entries beyond the first {MOST_ENTRIES:,} were left")
    return rows.reading("; ".join(notes) or None)


def _moment(entry: Any) -> dt.datetime | None:
    """The moment as feedparser reads it: UTC."""
    for name in ("published_parsed", "updated_parsed", "created_parsed"):
        parsed = entry.get(name)
        if parsed is not None:
            try:
                return dt.datetime(*parsed[:6], tzinfo=dt.UTC)
            except (TypeError, ValueError):
                continue
    return None
