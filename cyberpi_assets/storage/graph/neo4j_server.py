"""The graph in a Neo4j server, by its own driver.

Here belongs the connection, and what its failures are called. Several workers may write at once: an id is unique within
its label, and a statement that meets another one is tried again by the driver.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, LiteralString, cast
from urllib.parse import urlsplit

import neo4j
from neo4j import exceptions
from pydantic import SecretStr

from cyberpi_assets.rules.running import StoreRules
from cyberpi_assets.storage.graph.store import GraphStore
from cyberpi_assets.storage.highway.worker import StoreUnavailable

_PATIENCE_S = 15.0
_WORDS = "the Neo4j server that CYBERPI_NEO4J_URL names"


class Neo4jGraph(GraphStore):
    """A server; see the module."""

    def __init__(
        self, url: SecretStr, password: SecretStr | None, rules: StoreRules, patience: float = _PATIENCE_S
    ) -> None:
        """Name the server; nothing is sent before the first statement. Raises StoreUnavailable for what is no URL.

        `patience`: seconds for which a statement is tried again that a busy or absent server did not take.
        """
        self._host = urlsplit(url.get_secret_value()).hostname or "?"
        auth = None if password is None else (rules.neo4j_user, password.get_secret_value())
        try:
            self._driver = neo4j.GraphDatabase.driver(
                url.get_secret_value(), auth=auth, connection_timeout=10, max_transaction_retry_time=patience,
                connection_acquisition_timeout=20, notifications_min_severity="OFF", user_agent="cyberpi-assets",
            )  # fmt: skip
        except (exceptions.ConfigurationError, exceptions.DriverError, ValueError):
            raise StoreUnavailable("CYBERPI_NEO4J_URL is no bolt:// or neo4j:// URL without a password in it") from None
        self._database = rules.neo4j_database

    @property
    def place(self) -> str:
        """The host."""
        return f"Neo4j on {self._host}"

    def run(self, query: str, parameters: Mapping[str, Any], *, writes: bool = False) -> list[dict[str, Any]]:
        """See GraphStore; the driver tries again what may pass."""

        def work(tx: neo4j.ManagedTransaction) -> list[dict[str, Any]]:
            return tx.run(cast(LiteralString, query), dict(parameters)).data()

        try:
            with self._driver.session(database=self._database) as session:
                if query.startswith("CREATE CONSTRAINT"):  # schema has a transaction of its own
                    return session.run(cast(LiteralString, query)).data()
                return session.execute_write(work) if writes else session.execute_read(work)
        except exceptions.AuthError:
            raise StoreUnavailable(f"{_WORDS} refuses user or password") from None
        except (exceptions.ServiceUnavailable, exceptions.SessionExpired, exceptions.TransientError, OSError):
            raise StoreUnavailable(f"{_WORDS} cannot be reached") from None

    def commit(self) -> None:
        """Each statement is committed."""

    def rest(self) -> None:
        """Others may write at any time."""

    def close(self) -> None:
        """Close the connections."""
        self._driver.close()
