"""What is done with items of each queue: into the graph, into the vectors, a notice.

Here belongs the way from a batch of documents to one commit of a store. The loop around it is in `worker.py`, what a
document becomes in `domain/highway/`.
"""

from __future__ import annotations

from collections.abc import Sequence

from cyberpi_assets.domain.highway.items import Item, latest, vector_row, words
from cyberpi_assets.storage.vectors.embedding import Embedding
from cyberpi_assets.storage.vectors.store import VectorStore


class VectorHandler:
    """Items into a vector store; what is stored already, unchanged, is not embedded again."""

    def __init__(self, embedding: Embedding, store: VectorStore) -> None:
        """Name the engine and its store."""
        self._embedding, self._vectors = embedding, store

    def store(self, items: Sequence[Item]) -> None:
        """See Handler."""
        rows = [(vector_row(i), i) for i in latest(items)]
        cheap = self._embedding.likeness == "lexical"  # to embed again takes less than to ask
        known = {} if cheap else self._vectors.known([r["threat_id"] for r, _ in rows])
        fresh = [(r, i) for r, i in rows if known.get(r["threat_id"]) != r["digest"]]
        if fresh:
            vectors = self._embedding.embed([words(i) for _, i in fresh])
            self._vectors.upsert([r for r, _ in fresh], vectors, "highway")

    def rest(self) -> None:
        """See Handler."""
        self._vectors.rest()

    def close(self) -> None:
        """See Handler."""
        self._vectors.close()
