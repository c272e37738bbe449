"""Vectors in a Weaviate server, by its own client.

Here belongs the connection, the collection's shape, and what failures are called. An object's number follows from its
threat_id, so storing an item again puts it over itself. One collection per engine.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final, TypeVar, cast
from urllib.parse import urlsplit

import numpy as np
import weaviate
from numpy.typing import NDArray
from pydantic import SecretStr
from weaviate.classes.config import Configure, DataType, Property, VectorDistances
from weaviate.classes.data import DataObject
from weaviate.classes.init import AdditionalConfig, Auth, Timeout
from weaviate.classes.query import MetadataQuery
from weaviate.exceptions import WeaviateBaseError
from weaviate.util import generate_uuid5

from cyberpi_assets.storage.highway.worker import StoreUnavailable
from cyberpi_assets.storage.vectors.store import Match, Origin, Vectors

_T = TypeVar("_T")
_WORDS: Final = "the Weaviate server that CYBERPI_WEAVIATE_URL names"
_TEXTS: Final = ("threat_id", "digest", "title", "source", "url", "severity", "published", "origin")


class WeaviateVectors:
    """A collection of a server; see the module."""

    def __init__(self, url: SecretStr, key: SecretStr | None, grpc_port: int, collection: str, engine: str) -> None:
        """Name server and collection; nothing is sent before the first use. Raises StoreUnavailable for no URL."""
        parts = urlsplit(url.get_secret_value())
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise StoreUnavailable("CYBERPI_WEAVIATE_URL is no http:// or https:// URL")
        self._host, self._secure = parts.hostname, parts.scheme == "https"
        self._port, self._grpc, self._key = parts.port or (443 if self._secure else 80), grpc_port, key
        self._name = collection + "_" + re.sub(r"[^A-Za-z0-9]", "_", engine)
        self._client: weaviate.WeaviateClient | None = None

    @property
    def place(self) -> str:
        """The host and the collection."""
        return f"Weaviate on {self._host}, {self._name}"

    def known(self, ids: Collection[str]) -> dict[str, str]:
        """See VectorStore."""
        return {p["threat_id"]: p["digest"] for p in self._fetched(ids)}

    def upsert(self, rows: Sequence[Mapping[str, Any]], vectors: Vectors, origin: Origin) -> int:
        """See VectorStore."""
        if not rows:
            return 0
        of_lake = {p["threat_id"] for p in self._fetched([r["threat_id"] for r in rows]) if p["origin"] == "lake"}
        objects = [
            DataObject(
                properties={k: v for k, v in row.items() if v is not None}
                | {"origin": "lake" if row["threat_id"] in of_lake else origin},
                uuid=generate_uuid5(row["threat_id"]),
                vector=vector.tolist(),
            )
            for row, vector in zip(rows, vectors, strict=True)
        ]
        failed = self._told(lambda c: c.data.insert_many(cast(Any, objects))).errors
        if failed:
            raise StoreUnavailable(f"{_WORDS} did not take {len(failed)} of {len(objects)} objects")
        return len(rows)

    def claim(self, ids: Collection[str]) -> None:
        """See VectorStore."""
        for found in self._fetched(ids):
            if found["origin"] != "lake":
                number = generate_uuid5(found["threat_id"])
                self._told(lambda c, n=number: c.data.update(uuid=n, properties={"origin": "lake"}))

    def retain(self, ids: Collection[str]) -> int:
        """See VectorStore."""
        kept = set(ids)
        every = self._told(lambda c: [o.properties for o in c.iterator(return_properties=["threat_id", "origin"])])
        gone = [str(p["threat_id"]) for p in every if p["origin"] == "lake" and p["threat_id"] not in kept]
        for number in map(generate_uuid5, gone):
            self._told(lambda c, n=number: c.data.delete_by_id(n))
        return len(gone)

    def vector(self, threat_id: str) -> NDArray[np.float32] | None:
        """See VectorStore."""
        number = generate_uuid5(threat_id)
        found = self._told(lambda c: c.query.fetch_object_by_id(number, include_vector=True))
        return None if found is None else np.asarray(found.vector["default"], np.float32)

    def like(self, vector: NDArray[np.float32], limit: int, without: str | None = None) -> list[Match]:
        """See VectorStore; by the server's index, so the nearest may be missed."""
        asked, wanted = MetadataQuery(distance=True), limit + (without is not None)
        answer = self._told(
            lambda c: c.query.near_vector(near_vector=vector.tolist(), limit=wanted, return_metadata=asked)
        )
        found = list[Match]()
        for thing in answer.objects:
            p = cast(dict[str, Any], thing.properties)
            if p["threat_id"] != without and thing.metadata.distance is not None:
                found.append(
                    Match(
                        p["threat_id"], 1 - thing.metadata.distance, p.get("title") or "", p.get("source"),
                        p.get("url"), p.get("severity"), p.get("published"), list(p.get("tickers") or []),
                    )
                )  # fmt: skip
        return sorted(found, key=lambda m: (-m.similarity, m.threat_id))[:limit]

    def count(self) -> int:
        """See VectorStore."""
        return int(self._told(lambda c: c.aggregate.over_all(total_count=True)).total_count or 0)

    def rest(self) -> None:
        """Others may use the server at any time."""

    def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _fetched(self, ids: Collection[str]) -> list[dict[str, Any]]:
        numbers = [generate_uuid5(i) for i in ids]
        if not numbers:
            return []
        found = self._told(lambda c: c.query.fetch_objects_by_ids(numbers, limit=len(numbers)))
        return [cast(dict[str, Any], o.properties) for o in found.objects]

    def _told(self, call: Callable[[Any], _T]) -> _T:
        """What a call to the collection gives; failures without addresses and keys. Raises StoreUnavailable."""
        try:
            return call(self._collection())
        except (WeaviateBaseError, OSError) as error:
            self.close()
            raise StoreUnavailable(f"{_WORDS} cannot be used: {type(error).__name__}") from None

    def _collection(self) -> Any:
        if self._client is None:
            client = weaviate.connect_to_custom(
                self._host, self._port, self._secure, self._host, self._grpc, self._secure,
                auth_credentials=None if self._key is None else Auth.api_key(self._key.get_secret_value()),
                additional_config=AdditionalConfig(timeout=Timeout(init=10, query=30, insert=60), trust_env=False),
            )  # fmt: skip
            if not client.collections.exists(self._name):
                client.collections.create(
                    self._name,
                    properties=[
                        *(Property(name=n, data_type=DataType.TEXT, skip_vectorization=True) for n in _TEXTS),
                        Property(name="tickers", data_type=DataType.TEXT_ARRAY, skip_vectorization=True),
                    ],
                    vector_config=Configure.Vectors.self_provided(
                        vector_index_config=Configure.VectorIndex.hnsw(distance_metric=VectorDistances.COSINE)
                    ),
                )
            self._client = client
        return self._client.collections.get(self._name)
