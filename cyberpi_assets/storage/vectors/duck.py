"""Vectors in a DuckDB file, compared by `array_cosine_distance`: the store where no Weaviate is configured.

Here belongs the file and how processes share it. DuckDB lets one process write a file, so each use opens it under a
lock beside it and closes it again: writers take turns by the batch, readers wait for one batch at most. A commit is on
disk before the call returns. One file per engine, so that vectors of two engines never meet.
"""

from __future__ import annotations

import fcntl
import re
import time
from collections.abc import Collection, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.dataset  # pyright: ignore[reportUnusedImport]  # DuckDB wants it: not while items wait
from numpy.typing import NDArray

from cyberpi_assets.storage.engine import literal
from cyberpi_assets.storage.highway.worker import StoreUnavailable
from cyberpi_assets.storage.vectors.store import Match, Origin, Vectors

_ROW = pa.schema(
    [
        ("threat_id", pa.string()), ("digest", pa.string()), ("title", pa.string()), ("source", pa.string()),
        ("url", pa.string()), ("severity", pa.string()), ("published", pa.string()), ("tickers", pa.list_(pa.string())),
    ]
)  # fmt: skip
_WAIT_S, _POLL_S = 120.0, 0.002
_ROW_GROUP = 2_048  # rows that giving the file back writes anew at most; with DuckDB's 122,880 it takes twice as long


class DuckVectors:
    """A file `<folder>/<engine>-<dimensions>.duckdb`; see the module."""

    def __init__(self, folder: Path, engine: str, dimensions: int, memory_limit: str = "2GB") -> None:
        """Name the file; it is made at the first use."""
        name = f"{re.sub(r'[^A-Za-z0-9._-]', '_', engine)}-{dimensions}"
        self.path, self._lock = folder / f"{name}.duckdb", folder / f"{name}.lock"
        self._dimensions, self._memory = dimensions, memory_limit
        self._engine: duckdb.DuckDBPyConnection | None = None

    @property
    def place(self) -> str:
        """The file."""
        return str(self.path)

    def known(self, ids: Collection[str]) -> dict[str, str]:
        """See VectorStore."""
        with self._open() as con:
            con.register("asked", pa.table({"threat_id": list(ids)}, pa.schema([("threat_id", pa.string())])))
            rows = con.execute("SELECT threat_id, digest FROM items SEMI JOIN asked USING (threat_id)").fetchall()
        return dict(rows)

    def upsert(self, rows: Sequence[Mapping[str, Any]], vectors: Vectors, origin: Origin) -> int:
        """See VectorStore. `versions` counts how often what an item says has changed: storing it again adds none."""
        if not rows:
            return 0
        given = pa.Table.from_pylist([dict(r) for r in rows], schema=_ROW)
        values: Any = pa.array(np.ascontiguousarray(vectors, np.float32).ravel())
        given = given.append_column("vector", pa.FixedSizeListArray.from_arrays(values, self._dimensions))
        with self._open() as con:
            con.register("given", given)
            con.execute("BEGIN")
            if self._among(con):
                con.execute(
                    f"""CREATE OR REPLACE TEMP TABLE fresh AS
                        SELECT g.* EXCLUDE vector, g.vector::FLOAT[{self._dimensions}] AS vector,
                               CASE WHEN i.origin = 'lake' THEN 'lake' ELSE $origin END AS origin,
                               coalesce(i.versions, 0) + 1 AS versions
                        FROM given g LEFT JOIN items i USING (threat_id)
                        WHERE i.digest IS NULL OR i.digest <> g.digest""",
                    {"origin": origin},
                )
                con.execute("DELETE FROM items WHERE threat_id IN (SELECT threat_id FROM fresh)")
                con.execute("INSERT INTO items BY NAME SELECT * FROM fresh")
                con.execute("DROP TABLE temp.fresh")
            else:  # the usual batch of a worker: all of it is new
                con.execute(
                    "INSERT INTO items BY NAME SELECT *, $origin AS origin, 1 AS versions FROM given",
                    {"origin": origin},
                )
            con.execute("COMMIT")
        return len(rows)

    @staticmethod
    def _among(con: duckdb.DuckDBPyConnection) -> bool:
        """Whether any of the rows given is stored."""
        found = con.execute("SELECT count(*) FROM items SEMI JOIN given USING (threat_id)").fetchone()
        return found is not None and found[0] > 0

    def claim(self, ids: Collection[str]) -> None:
        """See VectorStore."""
        with self._open() as con:
            con.register("asked", pa.table({"threat_id": list(ids)}, pa.schema([("threat_id", pa.string())])))
            con.execute(
                "UPDATE items SET origin = 'lake' WHERE origin <> 'lake' AND threat_id IN (SELECT threat_id FROM asked)"
            )

    def retain(self, ids: Collection[str]) -> int:
        """See VectorStore."""
        with self._open() as con:
            con.register("kept", pa.table({"threat_id": list(ids)}, pa.schema([("threat_id", pa.string())])))
            gone = con.execute(
                "DELETE FROM items WHERE origin = 'lake' AND threat_id NOT IN (SELECT threat_id FROM kept)"
            ).fetchone()
        return int(gone[0]) if gone else 0

    def vector(self, threat_id: str) -> NDArray[np.float32] | None:
        """See VectorStore."""
        with self._open() as con:
            found = con.execute("SELECT vector FROM items WHERE threat_id = ?", [threat_id]).fetchone()
        return np.asarray(found[0], np.float32) if found else None

    def like(self, vector: NDArray[np.float32], limit: int, without: str | None = None) -> list[Match]:
        """See VectorStore. Every vector is compared: exact, and fast enough for some 100,000."""
        with self._open() as con:
            rows = con.execute(
                f"""SELECT threat_id,
                           1 - array_cosine_distance(vector, $vector::FLOAT[{self._dimensions}]) AS similarity,
                           title, source, url, severity, published, tickers
                    FROM items WHERE $without IS NULL OR threat_id <> $without
                    ORDER BY similarity DESC NULLS LAST, threat_id LIMIT $n""",
                {"vector": np.asarray(vector, np.float32).tolist(), "without": without, "n": limit},
            ).fetchall()
        return [Match(*row) for row in rows if row[1] is not None and np.isfinite(row[1])]

    def count(self) -> int:
        """See VectorStore."""
        with self._open() as con:
            found = con.execute("SELECT count(*) FROM items").fetchone()
        return int(found[0]) if found else 0

    def rest(self) -> None:
        """Nothing is held between uses."""

    def close(self) -> None:
        """Nothing but an engine is held between uses."""
        if self._engine is not None:
            self._engine.close()
            self._engine = None

    @contextmanager
    def _open(self) -> Generator[duckdb.DuckDBPyConnection]:
        """The file, for this process alone. Raises StoreUnavailable."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self._lock.open("w") as lock:
                deadline = time.monotonic() + _WAIT_S
                while True:
                    try:
                        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                        break
                    except BlockingIOError:
                        if time.monotonic() > deadline:
                            raise StoreUnavailable(f"{self.path.name} is held by another process") from None
                        time.sleep(_POLL_S)
                yield from self._attached()
        except (duckdb.IOException, OSError) as error:
            raise StoreUnavailable(f"{self.path.name} cannot be used: {type(error).__name__}") from None

    def _attached(self) -> Generator[duckdb.DuckDBPyConnection]:
        """The file as the default database of this process's engine, for as long as the lock is held."""
        if self._engine is None:  # kept, for starting one takes longer than most uses
            self._engine = duckdb.connect(config={"memory_limit": self._memory, "threads": 1})
            self._engine.execute("SET enable_progress_bar = false")
        con = self._engine
        con.execute(f"ATTACH {literal(str(self.path))} AS vectors (ROW_GROUP_SIZE {_ROW_GROUP})")
        try:
            con.execute("USE vectors")
            con.execute(
                f"""CREATE TABLE IF NOT EXISTS items (
                    threat_id VARCHAR NOT NULL, digest VARCHAR NOT NULL, title VARCHAR NOT NULL,
                    source VARCHAR, url VARCHAR, severity VARCHAR, published VARCHAR, tickers VARCHAR[],
                    vector FLOAT[{self._dimensions}] NOT NULL, origin VARCHAR NOT NULL, versions INTEGER NOT NULL)"""
            )
            yield con
        finally:
            with suppress(duckdb.Error):
                con.execute("ROLLBACK")
            con.execute("USE memory")
            con.execute("DETACH vectors")
