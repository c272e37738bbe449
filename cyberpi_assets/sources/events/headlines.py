"""Headlines as rows of `news_facts`: tables and documents of vendors, and what every source of news shares.

Here belongs how a headline is cleaned and what it must have. Feeds are in `feeds.py`; a live wire's messages are
brought into the same form by its part.

A headline without text, moment or provider is put aside. Text is cut, never refused for its length.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Iterable
from typing import Any, Final

from cyberpi_assets.sources.events.moments import parse_moment
from cyberpi_assets.sources.rows import Origin, Reading, Record, RowBuffer, Unreadable, remembered
from cyberpi_assets.sources.values import clean_text, spell_symbol, stated
from cyberpi_assets.tables.facts.news import NEWS_FACTS

LONGEST_HEADLINE: Final = 2_000
LONGEST_BODY: Final = 20_000
MOST_TICKERS: Final = 100
_LOOKED_AT: Final = 4  # times the longest text: markup takes room, and cleaning a megabyte takes time
_URL = re.compile(r"https?://[^\s\"'<>\\^`{|}\x00-\x20]{3,1990}")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2060\ufeff]")
_MIXED = re.compile(r"[A-Za-z][\u0370-\u03ff\u0400-\u04ff]|[\u0370-\u03ff\u0400-\u04ff][A-Za-z]")
_PRECISIONS: Final = frozenset({"s", "min", "day"})

Records = Iterable[tuple[int, Record | None, object]]


class Headlines:
    """Rows of news of one file or answer, accepted or put aside."""

    def __init__(self, file: str, source: str, seen_at: dt.datetime | None = None) -> None:
        """`source` delivers them; `seen_at` is when they were fetched, None for bulk files."""
        self.buffer = RowBuffer(file)
        self._source, self._seen = source, seen_at
        self._symbols = remembered(_symbols)
        self._provider = remembered(clean_text)

    def add(
        self,
        line: int,
        *,
        headline: object,
        moment: object,
        provider: object,
        article_id: object = None,
        body: object = None,
        url: object = None,
        tickers: object = None,
        precision: object = None,
        tz_suspect: object = False,
        category: object = None,
        language: object = None,
        source: object = None,
    ) -> None:
        """One row as delivered; it is kept, or put aside with the field at fault."""
        self.buffer.read += 1
        flags: list[str] = []
        text = _text(headline, LONGEST_HEADLINE, "headline_cut", flags)
        if text is None:
            return self.buffer.quarantine("news", line, "headline", headline, "no headline")
        at = parse_moment(moment)
        if at is None:
            return self.buffer.quarantine("news", line, "published_at", moment, "no moment of publication")
        delivered = self._provider(source) or self._source
        name = self._provider(provider) or delivered
        link = parse_link(url)
        fine = str(precision) if precision in _PRECISIONS else at.precision
        known_id = clean_text(article_id)
        told = text[:200] if (raw := str(headline or "")[:8000]) == text else raw
        if _CONTROL.search(told):
            flags.append("control_characters")
        if not text.isascii() and _MIXED.search(text):
            flags.append("homoglyphs")
        if self._seen is not None and at.at > self._seen + dt.timedelta(minutes=10):
            flags.append("future_dated")
        self.buffer.accept(
            "news_facts",
            {
                "provider": name[:200],
                "article_id": (known_id or link or _digest(text, at.at))[:2000],
                "headline": text,
                "body": _text(body, LONGEST_BODY, "body_cut", flags),
                "url": link,
                "tickers": list(self._symbols(tickers if isinstance(tickers, str) else _joined(tickers))),
                "published_at": at.at,
                "precision": fine,
                "tz_suspect": tz_suspect is True or str(tz_suspect).lower() == "true",
                "category": stated(category),
                "language": _language(language),
                "seen_at": self._seen,
                "flags": flags,
                "source": delivered[:200],
            },
            line,
        )
        return None

    def reading(self, note: str | None = None) -> Reading:
        """The result; a source without rows still has the table."""
        reading = self.buffer.reading(note)
        reading.facts.setdefault("news_facts", NEWS_FACTS.empty())
        return reading


def parse_link(url: object) -> str | None:
    """A link to a document: http or https, without blanks, quotes or control characters; else None."""
    text = str(url).strip()[:2001] if url is not None else ""
    return text if _URL.fullmatch(text) else None


def _text(value: object, longest: int, flag: str, flags: list[str]) -> str | None:
    if value is None:
        return None
    raw = str(value)
    cut = len(raw) > _LOOKED_AT * longest
    text = clean_text(_CONTROL.sub(" ", raw[: _LOOKED_AT * longest]))
    if text is None:
        return None
    if cut or len(text) > longest:
        flags.append(flag)
    return text[:longest]


def _digest(headline: str, at: dt.datetime) -> str:
    return hashlib.sha256(f"{headline}\x1f{at.isoformat()}".encode("utf-8", "replace")).hexdigest()[:24]


def _joined(tickers: object) -> str:
    return ",".join(str(t) for t in tickers) if isinstance(tickers, list | tuple) else str(tickers or "")


def _symbols(text: str) -> tuple[str, ...]:
    found = (spell_symbol(part) for part in re.split(r"[,;|\s]+", text[:4000]) if part)
    return tuple(dict.fromkeys(s for s in found if s))[:MOST_TICKERS]


def _language(value: object) -> str | None:
    text = str(value or "").strip().lower()[:2]
    return text if re.fullmatch(r"[a-z]{2}", text) else None


def _either(row: Record, *names: str) -> Any:
    return next((row[n] for n in names if row.get(n) not in (None, "")), None)


def read_news_rows(records: Records, origin: Origin) -> Reading:
    """A table of headlines, under the names that vendors give the columns. Raises Unreadable where it is damaged."""
    rows = Headlines(origin.file, "table")
    for line, row, raw in records:
        if row is None:
            rows.buffer.read += 1
            rows.buffer.quarantine("news", line, "row", raw, "the row is not a record of the known fields")
            continue
        rows.add(
            line,
            headline=_either(row, "headline", "title"),
            moment=_either(row, "published_at", "date", "datetime", "published", "time"),
            provider=_either(row, "publisher", "provider"),
            article_id=_either(row, "article_id", "id") if "article_id" in row else None,
            body=_either(row, "summary", "body", "text"),
            url=_either(row, "url", "link"),
            tickers=_either(row, "tickers", "stock", "ticker", "symbols"),
            precision=row.get("precision"),
            tz_suspect=row.get("tz_suspect"),
            category=row.get("category"),
            source=row.get("source"),
        )
    return rows.reading()


def read_news_document(document: Any, origin: Origin, seen_at: dt.datetime | None = None) -> Reading:
    """Headlines of a JSON document: a list, an object with `items`, or an answer of Yahoo's.

    Raises Unreadable for anything else.
    """
    items, ticker, source = _items(document)
    rows = Headlines(origin.file, source, seen_at)
    for line, item in enumerate(items, 1):
        if not isinstance(item, dict):
            rows.buffer.read += 1
            rows.buffer.quarantine("news", line, "item", item, "not an object")
            continue
        _add(rows, line, item, ticker)
    return rows.reading()


def _items(document: Any) -> tuple[list[Any], str | None, str]:
    if isinstance(document, list):
        return document, None, "items"
    found: dict[str, Any] = document if isinstance(document, dict) else {}
    answer = (found.get("response") or {}).get("bodyJson") if isinstance(found.get("response"), dict) else None
    for place in (answer, found):
        if isinstance(place, dict) and isinstance(place.get("news"), list):
            return place["news"], None, "yahoo"
        stream = place.get("data") if isinstance(place, dict) else None
        if isinstance(stream, dict) and isinstance(stream.get("tickerStream"), dict):
            return list(stream["tickerStream"].get("stream") or []), None, "yahoo"
    if isinstance(found.get("items"), list):
        name = found.get("id")
        return found["items"], name if isinstance(name, str) and spell_symbol(name) == name else None, "feed"
    raise Unreadable("a document without a list of headlines")


def _add(rows: Headlines, line: int, item: Record, ticker: str | None) -> None:
    content = item.get("content")
    if isinstance(content, dict):  # Yahoo's nested form; advertisements have none
        place = next((content[k] for k in ("canonicalUrl", "clickThroughUrl") if isinstance(content.get(k), dict)), {})
        provider = content.get("provider")
        rows.add(
            line,
            headline=content.get("title"),
            moment=_either(content, "pubDate", "displayTime"),
            provider=provider.get("displayName") if isinstance(provider, dict) else None,
            article_id=_either(item, "id") or content.get("id"),
            body=_either(content, "summary", "description"),
            url=place.get("url"),
            tickers=item.get("tickers"),
            source="yahoo",
        )
        return
    rows.add(
        line,
        headline=_either(item, "headline", "title"),
        moment=_either(item, "datetime", "published_at", "providerPublishTime", "published", "date", "pubDate", "time"),
        provider=_either(item, "publisher", "source", "provider"),
        article_id=_either(item, "uuid", "article_id"),
        body=_either(item, "summary", "description", "body"),
        url=_either(item, "canonical_link", "link", "url"),
        tickers=_either(item, "relatedTickers", "tickers", "related") or ticker,
        category="cyber" if "risk_level" in item else None,
        language=item.get("lang"),
    )
