"""What every graph store does, and which one a setting names.

Here belongs the interface, the work that both stores share, and the choice. How each runs a statement is in
`embedded.py` (a file, the default) and `neo4j_server.py`; the Cypher is in `cypher.py`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from cyberpi_assets.domain.highway.graph import Pieces
from cyberpi_assets.settings import Settings
from cyberpi_assets.storage.graph import cypher

Origin = Literal["lake", "highway"]
_BATCH = 2_000


class GraphStore(ABC):
    """Nodes by label and id, relations by kind and ends. Methods raise StoreUnavailable where it cannot be used."""

    @property
    @abstractmethod
    def place(self) -> str:
        """Where it is, without secrets."""

    @abstractmethod
    def run(self, query: str, parameters: Mapping[str, Any], *, writes: bool = False) -> list[dict[str, Any]]:
        """Run one statement, whole or not at all; its rows."""

    @abstractmethod
    def commit(self) -> None:
        """Make sure that what was written survives a crash."""

    @abstractmethod
    def rest(self) -> None:
        """Let others have the store."""

    @abstractmethod
    def close(self) -> None:
        """Give it back for good."""

    def prepare(self) -> None:
        """Make sure that an id is unique within its label."""
        for statement in cypher.UNIQUE:
            self.run(statement, {}, writes=True)

    def upsert(self, part: Pieces, origin: Origin, generation: str = "") -> None:
        """Write nodes, then relations, and commit. What is there gets the properties given and keeps its others.

        Writing the same again changes nothing. Ends of relations that are no nodes yet are made.
        """
        for label, rows in part.nodes.items():
            given = [{"id": id_, "p": p} for id_, p in rows.items()]
            self._write(cypher.nodes_of(label, origin), given, generation)
        for kind, edges in part.edges.items():
            for at, label in enumerate(cypher.RELATIONS[kind]):
                missing = sorted({ends[at] for ends in edges} - part.nodes.get(label, {}).keys())
                for begin in range(0, len(missing), _BATCH):
                    self.run(cypher.ends_of(label), {"ids": missing[begin : begin + _BATCH]}, writes=True)
            given = [{"a": a, "b": b, "p": p} for (a, b), p in edges.items()]
            self._write(cypher.relations_of(kind, origin), given, generation)
        self.commit()

    def _write(self, statement: str, rows: Sequence[dict[str, Any]], generation: str) -> None:
        for at in range(0, len(rows), _BATCH):
            self.run(statement, {"rows": rows[at : at + _BATCH], "generation": generation}, writes=True)

    def sweep(self, generation: str) -> None:
        """Remove what the lake once wrote and this generation did not; what came by the highway stays."""
        for statement in (*cypher.SWEPT_RELATIONS, *cypher.SWEPT_NODES):
            self.run(statement, {"generation": generation}, writes=True)
        self.commit()

    def counts(self) -> dict[str, int]:
        """Nodes by label and relations by kind, in the order of `cypher`."""
        return {name: int(self.run(query, {})[0]["n"]) for name, query in (*cypher.NODES, *cypher.EDGES)}

    def neighbours(self, ticker: str, limit: int = 50) -> list[dict[str, Any]]:
        """What touches a company: relation, label, id, words, day, evidence."""
        return self.run(cypher.NEIGHBOURS, {"ticker": ticker, "limit": limit})

    def paths(self, cve: str, limit: int = 50) -> list[dict[str, Any]]:
        """From a vulnerability to listed companies: by the vendor of the product, or by an item that names both.

        `cvss` and `rating` are those of the vulnerability, None where it has none.
        """
        return self.run(cypher.PATHS, {"cve": cve, "limit": limit})

    def officials(self, ticker: str, limit: int = 50) -> list[dict[str, Any]]:
        """Officials who traded a company that an incident hit, whenever that was: no more than a list of both."""
        return self.run(cypher.OFFICIALS, {"ticker": ticker, "limit": limit})


def open_graph(settings: Settings, *, writes: bool = True, wait: float = 0.0) -> GraphStore:
    """The configured store; `wait`: seconds to wait for the file where another process writes it.

    Raises StoreUnavailable.
    """
    if settings.neo4j_url is None:
        from cyberpi_assets.storage.graph.embedded import EmbeddedGraph

        return EmbeddedGraph(settings.graph_dir / "threats.kgl", writes=writes, wait=wait)
    from cyberpi_assets.storage.graph.neo4j_server import Neo4jGraph

    return Neo4jGraph(settings.neo4j_url, settings.neo4j_password, settings.stores)
