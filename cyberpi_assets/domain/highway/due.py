"""Which items go onto the highway, and onto which queues.

Here belongs the comparison of what is with what was published. How items travel is in `storage/highway/`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from cyberpi_assets.domain.highway.items import Item, digest
from cyberpi_assets.domain.news.threats import item_json
from cyberpi_assets.tables import THREAT_HIGHWAY

ALARMING: Final = ("critical", "high")


@dataclass(frozen=True)
class Due:
    """One item to publish: its document, and its row of `tables.THREAT_HIGHWAY` without the moment."""

    item: Item
    row: dict[str, Any]


def due(items: pa.Table, before: pa.Table, epoch: str, expired: Collection[str], days: int) -> list[Due]:
    """Items of the last `days` before the newest that are new, changed, or lost on the way; in order of availability.

    items: `tables.INTELLIGENCE_ITEMS`; before: `tables.THREAT_HIGHWAY`; `expired`: ids whose document ran out before it
    was stored.
    """
    newest: Any = pc.max(items.column("available_at")).as_py() if items.num_rows else None
    if newest is None:
        return []
    recent = pc.greater_equal(items.column("available_at"), pa.scalar(newest - dt.timedelta(days=days)))
    rows = items.filter(recent).sort_by([("available_at", "ascending"), ("threat_id", "ascending")]).to_pylist()
    ids, digests, epochs = (before.column(c).to_pylist() for c in ("threat_id", "digest", "epoch"))
    known = dict(zip(ids, zip(digests, epochs, strict=True), strict=True))
    found = list[Due]()
    for row in rows:
        item = item_json(row)
        said, was = digest(item), known.get(row["threat_id"])
        if was is None:
            reason = "new"
        elif was[0] != said:
            reason = "changed"
        elif was[1] != epoch:
            reason = "lost"
        elif row["threat_id"] in expired:
            reason = "expired"
        else:
            continue
        told = {
            "threat_id": row["threat_id"],
            "digest": said,
            "severity": row["severity"],
            "queues": queues(row),
            "available_at": row["available_at"],
            "epoch": epoch,
            "reason": reason,
        }
        found.append(Due(item, told))
    return found


def queues(row: dict[str, Any]) -> list[str]:
    """Every item to both stores; to the alerts what is severe, not denied, and not told before."""
    alarming = row["severity"] in ALARMING and not row["negated"] and row["duplicate_of"] is None
    return ["weaviate", "neo4j", *(["alerts"] if alarming else [])]


def log(before: pa.Table, published: list[Due], at: dt.datetime) -> pa.Table:
    """The log after a publication. Columns: `tables.THREAT_HIGHWAY`; one row per item, ordered by id."""
    fresh = {d.row["threat_id"]: d.row | {"published_at": at} for d in published}
    rows = {row["threat_id"]: row for row in before.to_pylist()} | fresh
    return pa.Table.from_pylist([rows[k] for k in sorted(rows)], schema=THREAT_HIGHWAY.schema)
