"""Threat items as they travel: the same document on every queue, known by its id and by what it says.

Here belongs what is read out of a document, ours or another platform's, and which items are due for publication. The
document's form is the published schema; of foreign documents nothing but the id is taken for granted.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

Item = dict[str, Any]

LISTED: Final = 200  # entries of a list that are looked at
_NOT_CONTENT: Final = ("ingestedDate",)  # another fetch of the same is the same


def digest(item: Mapping[str, Any]) -> str:
    """32 hex digits of what an item says; when it was fetched does not count."""
    kept = {k: v for k, v in item.items() if k not in _NOT_CONTENT}
    return hashlib.sha256(
        json.dumps(kept, sort_keys=True, ensure_ascii=False, default=str).encode("utf-8", "replace")
    ).hexdigest()[:32]


def text(item: Mapping[str, Any], name: str, longest: int = 10_000) -> str | None:
    """A field that is text, cut; None for anything else, and for nothing."""
    value = item.get(name)
    return _sound(value[:longest]) if isinstance(value, str) and value else None


def texts(item: Mapping[str, Any], name: str, longest: int = 200) -> list[str]:
    """A field that is a list of texts, without repetitions; what is no text is left out."""
    value = item.get(name)
    if not isinstance(value, list):
        return []
    return list(dict.fromkeys(_sound(v[:longest]) for v in cast(list[Any], value)[:LISTED] if isinstance(v, str) and v))


def _sound(value: str) -> str:
    """Without halves of surrogate pairs, which JSON may hold and no store takes."""
    return value if value.isascii() else value.encode("utf-8", "replace").decode()


def tickers(item: Mapping[str, Any]) -> list[str]:
    """Companies the item is linked to: `metadata.tickers`, as our items and the platform's have it."""
    metadata = item.get("metadata")
    return texts(cast(dict[str, Any], metadata), "tickers", 20) if isinstance(metadata, dict) else []


def words(item: Mapping[str, Any]) -> str:
    """What is embedded: title and content."""
    return f"{text(item, 'title', 500) or ''} {text(item, 'content') or ''}"


def vector_row(item: Mapping[str, Any]) -> dict[str, Any]:
    """What a vector store keeps beside the vector: threat_id, digest, title, source, url, severity, published, ..."""
    return {
        "threat_id": str(item["threatId"]),
        "digest": digest(item),
        "title": text(item, "title", 500) or "",
        "source": text(item, "source", 200),
        "url": text(item, "sourceUrl", 2_000),
        "severity": text(item, "severity", 20),
        "published": text(item, "publishedDate", 40),
        "tickers": tickers(item),
    }


def latest(items: Sequence[Item]) -> list[Item]:
    """One item per id, the last of each."""
    return list({str(i["threatId"]): i for i in items}.values())
