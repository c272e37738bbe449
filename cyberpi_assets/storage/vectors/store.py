"""What every vector store does, and which one a setting names.

Here belongs the interface and its choice. The stores are `duck.py` (a file, the default) and `weaviate_server.py`; how
texts become vectors is in `embedding.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from cyberpi_assets.settings import Settings

Vectors = NDArray[np.float32]
Origin = Literal["lake", "highway"]  # who answers for a row: what the lake no longer has is removed, the rest stays


@dataclass(frozen=True)
class Match:
    """An item like the one asked about. `similarity`: cosine, -1 to 1."""

    threat_id: str
    similarity: float
    title: str
    source: str | None
    url: str | None
    severity: str | None
    published: str | None
    tickers: list[str]


class VectorStore(Protocol):
    """Rows by threat_id, each with one vector. Methods raise StoreUnavailable where the store cannot be used."""

    @property
    def place(self) -> str:
        """Where it is, without secrets."""
        ...

    def known(self, ids: Collection[str]) -> dict[str, str]:
        """Of these ids, those that are stored, with the digest of what is stored."""
        ...

    def upsert(self, rows: Sequence[Mapping[str, Any]], vectors: Vectors, origin: Origin) -> int:
        """Store rows of `domain.highway.items.vector_row`, each over the one of its id; how many. Committed on return.

        A row of the lake stays the lake's.
        """
        ...

    def claim(self, ids: Collection[str]) -> None:
        """Say that these rows are the lake's, whoever stored them."""
        ...

    def retain(self, ids: Collection[str]) -> int:
        """Remove rows of the lake that are not among the ids; how many."""
        ...

    def vector(self, threat_id: str) -> NDArray[np.float32] | None:
        """The vector of an item, None where there is none."""
        ...

    def like(self, vector: NDArray[np.float32], limit: int, without: str | None = None) -> list[Match]:
        """The nearest items by cosine, the most alike first, then by id."""
        ...

    def count(self) -> int:
        """Stored items."""
        ...

    def rest(self) -> None:
        """Let others have the store."""
        ...

    def close(self) -> None:
        """Give it back for good."""
        ...


def open_vectors(settings: Settings, engine: str, dimensions: int) -> VectorStore:
    """The configured store for vectors of one engine and length: vectors of two are never mixed.

    Raises StoreUnavailable.
    """
    if settings.weaviate_url is None:
        from cyberpi_assets.storage.vectors.duck import DuckVectors

        return DuckVectors(settings.vectors_dir, engine, dimensions, settings.duckdb_memory_limit)
    from cyberpi_assets.storage.vectors.weaviate_server import WeaviateVectors

    return WeaviateVectors(
        settings.weaviate_url, settings.weaviate_key, settings.stores.weaviate_grpc_port, settings.stores.collection,
        f"{engine}_{dimensions}",
    )  # fmt: skip
