"""Set work on frames, as SQL.

Here belongs how a domain function asks DuckDB about frames it was given, and nothing that is true of markets. No text
from a source is ever part of a query; values are bound.
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

import duckdb
import pyarrow as pa

from cyberpi_assets.tables import Table

Frame = pa.Table | duckdb.DuckDBPyRelation

_SHARED: ContextVar[duckdb.DuckDBPyConnection | None] = ContextVar("engine of several queries", default=None)


def only(frame: Frame, *columns: str) -> Frame:
    """The frame with only these columns; of a relation, only these are read from disk."""
    return frame.select(list(columns)) if isinstance(frame, pa.Table) else frame.project(", ".join(columns))


class _Held(threading.local):
    """The engine of a thread: starting one takes longer than most questions. A forked child begins its own."""

    engine: duckdb.DuckDBPyConnection | None = None
    thread: int = 0

    def get(self) -> duckdb.DuckDBPyConnection:
        here = threading.get_native_id()  # another one in a child, where the threads of the parent's engine are gone
        if self.engine is None or self.thread != here:
            self.engine, self.thread = duckdb.connect(), here
        return self.engine


_HELD = _Held()


@contextmanager
def one_engine() -> Generator[None]:
    """All queries inside are asked of one engine, which gives back its memory afterwards."""
    con = duckdb.connect()
    token = _SHARED.set(con)
    try:
        yield
    finally:
        _SHARED.reset(token)
        con.close()


def ask(
    query: str, /, shape: Table | None = None, params: Mapping[str, object] | None = None, **frames: Frame
) -> pa.Table:
    """Run one query over named frames; with `shape`, exactly that table's columns and types come back.

    Order is what the query says. Raises duckdb.Error.
    """
    shared = _SHARED.get()
    con = (_HELD.get() if shared is None else shared).cursor()  # frames are known to the cursor alone
    try:
        con.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
        for name, frame in frames.items():
            # a relation lives on a connection of its own; its rows are streamed over, once
            con.register(name, frame if isinstance(frame, pa.Table) else frame.to_arrow_reader())
        if shape is not None:
            columns = ", ".join(f'"{c}"' for c in shape.names)
            query = f"SELECT {columns} FROM ({query})"
        data = con.execute(query, dict(params) if params else None).to_arrow_table()
    finally:
        con.close()
    return data if shape is None else data.cast(shape.schema)
