"""What is done with items of each queue: into the graph, into the vectors, a notice.

Here belongs the way from a batch of documents to one commit of a store. The loop around it is in `worker.py`, what a
document becomes in `domain/highway/`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import redis

from cyberpi_assets.domain.highway.graph import of_items
from cyberpi_assets.domain.highway.items import Item, latest, vector_row, words
from cyberpi_assets.storage.graph.store import GraphStore
from cyberpi_assets.storage.highway import keys
from cyberpi_assets.storage.vectors.embedding import DimensionsChanged, Embedding
from cyberpi_assets.storage.vectors.store import VectorStore


class VectorHandler:
    """Items into a vector store; what is stored already, unchanged, is not embedded again.

    Where the model behind the name is exchanged for one with longer or shorter vectors, items go on into the store of
    these; the next run of `vector_index` puts the earlier ones beside them.
    """

    def __init__(
        self,
        embedding: Embedding,
        store: VectorStore,
        again: Callable[[], tuple[Embedding, VectorStore]] | None = None,
    ) -> None:
        """Name the engine and its store; `again` opens both anew. Without it DimensionsChanged goes to the caller."""
        self._embedding, self._vectors, self._again = embedding, store, again

    def store(self, items: Sequence[Item]) -> None:
        """See Handler."""
        try:
            self._embed(items)
        except DimensionsChanged:
            if self._again is None:
                raise
            self._vectors.close()
            self._embedding, self._vectors = self._again()
            self._embed(items)

    def _embed(self, items: Sequence[Item]) -> None:
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


class GraphHandler:
    """Items into the graph: each with the companies and vulnerabilities it names."""

    def __init__(self, store: GraphStore) -> None:
        """Name the store."""
        self._graph, self._prepared = store, False

    def store(self, items: Sequence[Item]) -> None:
        """See Handler."""
        if not self._prepared:
            self._graph.prepare()
            self._prepared = True
        self._graph.upsert(of_items(items), "highway")

    def rest(self) -> None:
        """See Handler."""
        self._graph.rest()

    def close(self) -> None:
        """See Handler."""
        self._graph.close()


class NoticeHandler:
    """A notice of each item, once in 30 days, whoever else sends notices under the same keys.

    `alert:sent:{id}` is taken for a minute, the notice is sent, and the key then stays for 30 days. A worker that dies
    in between leaves it to the next one: a notice may then come twice, and never not at all.
    """

    def __init__(self, connect: Callable[[], redis.Redis], send: Callable[[Sequence[Item]], None]) -> None:
        """`send` returns when the notices are sent, or raises."""
        self._connect, self._send = connect, send

    def store(self, items: Sequence[Item]) -> None:
        """See Handler."""
        client = self._connect()
        try:
            given = latest(items)
            pipe = client.pipeline(transaction=False)
            for item in given:
                pipe.set(keys.sent(str(item["threatId"])), "sending", nx=True, ex=_SENDING_SECONDS)
            due = [item for item, taken in zip(given, pipe.execute(), strict=True) if taken]
            taken_by_us = [keys.sent(str(item["threatId"])) for item in due]
            try:
                if due:
                    self._send(due)
            except BaseException:
                client.delete(*taken_by_us)
                raise
            pipe = client.pipeline(transaction=True)
            for key in taken_by_us:
                pipe.set(key, "sent", ex=keys.SENT_SECONDS)
            pipe.execute()
        finally:
            client.close()

    def rest(self) -> None:
        """See Handler."""

    def close(self) -> None:
        """See Handler."""


_SENDING_SECONDS = 60


def write_notices(path: Path) -> Callable[[Sequence[Item]], None]:
    """Notices as lines of JSON, added to a file that its owner alone reads, and on the disk before it counts."""

    def send(items: Sequence[Item]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = "".join(json.dumps(item, ensure_ascii=True) + "\n" for item in items).encode()
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(handle, lines)
            os.fsync(handle)
        finally:
            os.close(handle)

    return send
