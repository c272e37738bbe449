"""The graph in a file, by kglite: the store where no Neo4j is configured.

Here belongs the file and who may write it. Every statement goes to a log beside the file before it counts, so a process
that is killed loses nothing; the next one that opens the file replays the log. One process writes at a time: it takes
the file at its first use and gives it back when it rests, with a new snapshot; others wait. Readers see the newest
snapshot and wait for nobody.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import kglite

from cyberpi_assets.storage.graph.store import GraphStore
from cyberpi_assets.storage.highway.worker import StoreUnavailable

_POLL_S = 0.1
kglite.set_query_warning_policy("silent")  # a graph without a label yet is none to warn about


class EmbeddedGraph(GraphStore):
    """One file and its log; see the module."""

    def __init__(self, path: Path, *, writes: bool = True, wait: float = 0.0) -> None:
        """Name the file; it is opened at the first use."""
        self.path, self._writes, self._wait = path, writes, wait
        self._graph: kglite.KnowledgeGraph | None = None

    @property
    def place(self) -> str:
        """The file."""
        return str(self.path)

    def run(self, query: str, parameters: Mapping[str, Any], *, writes: bool = False) -> list[dict[str, Any]]:  # noqa: ARG002
        """See GraphStore. A write is in the log when the call returns."""
        try:
            found: Any = self._opened().cypher(query, params=dict(parameters))
            return found.to_dicts()
        except kglite.FileError as error:
            raise StoreUnavailable(f"{self.path.name} cannot be used: {type(error).__name__}") from None

    def commit(self) -> None:
        """The log is on the disk itself, not only in the system's memory."""
        if self._graph is not None and self._writes:
            self._graph.sync()

    def rest(self) -> None:
        """Write a snapshot and let the file go."""
        if self._graph is not None:
            graph, self._graph = self._graph, None
            try:
                if self._writes:
                    graph.save()
            except kglite.FileError as error:  # the log has it all
                raise StoreUnavailable(f"{self.path.name} cannot be written: {type(error).__name__}") from None
            finally:
                graph.close()

    def close(self) -> None:
        """As `rest`."""
        self.rest()

    def _opened(self) -> kglite.KnowledgeGraph:
        if self._graph is None:
            self._graph = self._open_to_write() if self._writes else self._snapshot()
        return self._graph

    def _snapshot(self) -> kglite.KnowledgeGraph:
        if not self.path.exists():
            return kglite.KnowledgeGraph()
        try:
            return kglite.load(str(self.path))
        except kglite.FileError as error:
            raise StoreUnavailable(f"{self.path.name} cannot be read: {type(error).__name__}") from None

    def _open_to_write(self) -> kglite.KnowledgeGraph:
        deadline = time.monotonic() + self._wait
        while True:
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                return kglite.open(str(self.path), durable="normal")
            except kglite.WriterLeaseHeldError:
                if time.monotonic() >= deadline:
                    raise StoreUnavailable(f"{self.path.name} is held by another process") from None
            except (kglite.FileError, OSError) as error:
                raise StoreUnavailable(f"{self.path.name} cannot be opened: {type(error).__name__}") from None
            time.sleep(_POLL_S)
