"""The stores made anew from the lake: what it has is written, what it no longer has is removed, the rest stays.

Here belongs how a whole table of items reaches a store; the workers' way, item by item, is in `handlers.py`.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pyarrow as pa

from cyberpi_assets.domain.highway.graph import Pieces
from cyberpi_assets.domain.highway.items import vector_row, words
from cyberpi_assets.domain.news.threats import item_json
from cyberpi_assets.settings import Settings
from cyberpi_assets.storage.graph import cypher
from cyberpi_assets.storage.graph.store import open_graph
from cyberpi_assets.storage.vectors.embedding import embedding_of
from cyberpi_assets.storage.vectors.store import open_vectors
from cyberpi_assets.tables import KNOWLEDGE_GRAPH, VECTOR_INDEX

_BATCH = 2_000


def rebuild_graph(settings: Settings, pieces: Pieces) -> pa.Table:
    """Write the lake's part of the graph and remove what it no longer has. Columns: `tables.KNOWLEDGE_GRAPH`.

    Waits for a worker that holds the file. Raises StoreUnavailable.
    """
    edges = {kind: [(*ends, p) for ends, p in sorted(found.items())] for kind, found in pieces.edges.items()}
    said = json.dumps([pieces.nodes, edges], sort_keys=True, ensure_ascii=True)
    generation = hashlib.sha256(said.encode()).hexdigest()[:16]
    store = open_graph(settings, wait=settings.stores.wait_seconds)
    try:
        store.prepare()
        store.upsert(pieces, "lake", generation)
        store.sweep(generation)
        counts, place = store.counts(), _relative(store.place, settings.data_dir)
    finally:
        store.close()
    rows = [
        {
            "part": part,
            "is_node": part in cypher.LABELS,
            "n": n,
            "of_lake": len((pieces.nodes if part in cypher.LABELS else pieces.edges).get(part, {})),
            "generation": generation,
            "place": place,
        }
        for part, n in counts.items()
    ]
    return pa.Table.from_pylist(rows, schema=KNOWLEDGE_GRAPH.schema)


def rebuild_vectors(settings: Settings, items: pa.Table) -> pa.Table:
    """Embed what is new or changed and remove what is gone. items: `tables.INTELLIGENCE_ITEMS`, in any order.

    Columns: `tables.VECTOR_INDEX`. Raises StoreUnavailable.
    """
    embedding = embedding_of(settings)
    store, embedded = open_vectors(settings, embedding.engine, embedding.dimensions), 0
    try:
        for batch in items.sort_by("threat_id").to_batches(max_chunksize=_BATCH):
            given = [item_json(row) for row in batch.to_pylist()]
            rows = [vector_row(item) for item in given]
            known = store.known([r["threat_id"] for r in rows])
            fresh = [(r, i) for r, i in zip(rows, given, strict=True) if known.get(r["threat_id"]) != r["digest"]]
            if fresh:
                vectors = embedding.embed([words(i) for _, i in fresh])
                embedded += store.upsert([r for r, _ in fresh], vectors, "lake")
            store.claim([r["threat_id"] for r in rows])
        ids: list[Any] = items.column("threat_id").to_pylist()
        removed = store.retain(ids)
        row = {
            "engine": embedding.engine,
            "likeness": embedding.likeness,
            "dimensions": embedding.dimensions,
            "n": store.count(),
            "of_lake": len(ids),
            "embedded": embedded,
            "removed": removed,
            "place": _relative(store.place, settings.data_dir),
        }
    finally:
        store.close()
    return pa.Table.from_pylist([row], schema=VECTOR_INDEX.schema)


def _relative(place: str, folder: Path) -> str:
    """A file as seen from the data folder; a server as it is."""
    return str(Path(place).relative_to(folder)) if place.startswith(str(folder)) else place
