"""Dagster's history in SQLite, written in batches: a range run stores one event per asset and month.

Here belongs only how events reach the file. What is stored, and how it is read, is Dagster's own, so a history can be
opened by either class. Dagster's own class makes an engine for each statement, which then compiles anew what it asked
before: with two connections and two commits an event costs 4 to 10 ms. Here a file has one engine; 179 months of one
asset, a second one by one, are a few hundredths in a batch.

Dagster hands over batches only where the variable `DAGSTER_EVENT_BATCH_SIZE` says so; `instance.py` sets it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from itertools import groupby
from typing import Any

from dagster._core.events import ASSET_EVENTS
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import NullPool, QueuePool

BATCH_VARIABLE = "DAGSTER_EVENT_BATCH_SIZE"
BATCH = 500
_ENGINES_KEPT = 64  # one per run whose events are asked for, besides the index


def _without_waiting(connection: sqlite3.Connection, _: object) -> None:
    """A commit waits for the disk at checkpoints only: a killed process loses nothing, a power cut the last events."""
    connection.execute("PRAGMA synchronous = NORMAL")


def _kind(entry: EventLogEntry) -> tuple[str, bool]:
    """The run of an event, and whether it is about an asset."""
    return entry.run_id, entry.is_dagster_event and entry.dagster_event_type in ASSET_EVENTS


class BatchedEventLog(SqliteEventLogStorage):
    """Stores a batch of asset events in one transaction per file instead of two per event; one engine per file."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: dict[str, Engine] = {}
        super().__init__(base_dir, inst_data)

    @contextmanager
    def _connect(self, shard: str) -> Generator[Connection]:
        with self._db_lock:
            engine = self._engine(shard)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.connect() as conn, conn.begin():
                yield conn

    def _engine(self, shard: str) -> Engine:
        """The engine of one file; only that of the index, which stays, holds a connection between questions."""
        if (engine := self._engines.pop(shard, None)) is None:
            engine = create_engine(
                self.conn_string_for_shard(shard),
                # whoever watches a run waits for its file to change, which closing a connection brings about
                poolclass=QueuePool if shard == INDEX_SHARD_NAME else NullPool,
                connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
            )
            event.listen(engine, "connect", _without_waiting)
        self._engines[shard] = engine  # the last one used stands last
        while len(self._engines) > _ENGINES_KEPT:
            self._engines.pop(next(iter(self._engines))).dispose()
        return engine

    def dispose(self) -> None:
        """Let go of watchers and files."""
        super().dispose()
        while self._engines:
            self._engines.popitem()[1].dispose()

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Store events of one batch in their order; those that are not about assets one by one, as Dagster does."""
        for (run_id, of_assets), group in groupby(events, key=_kind):
            batch = list(group)
            if not of_assets:
                for entry in batch:
                    self.store_event(entry)
                continue
            statements: list[Any] = [self.prepare_insert_event(e) for e in batch]
            with self.run_connection(run_id) as conn:
                for statement in statements:
                    conn.execute(statement)
            with self.index_transaction() as conn:
                stored: list[Any] = [conn.execute(s) for s in statements]
                ids = [int(s.inserted_primary_key[0]) for s in stored]
                self._store_asset_event_tags(conn, batch, ids)
                # the asset's own row says what happened last: earlier events of the batch need not be written there
                last = {(e.get_dagster_event().asset_key, e.dagster_event_type): n for n, e in enumerate(batch)}
                for n in sorted(last.values()):
                    self._store_asset_event(conn, batch[n], ids[n])


class HouseStorage(DagsterSqliteStorage):
    """Dagster's SQLite storage with the batched event log, in the same files."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(base_dir, inst_data)
        folder = self._event_log_storage._base_dir  # pyright: ignore[reportPrivateUsage]
        self._event_log_storage = BatchedEventLog(folder)

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData, config_value: Any) -> HouseStorage:
        """From `storage: custom:` of a dagster.yaml."""
        return cls.from_local(inst_data=inst_data, **config_value)


def configured(base_dir: str) -> dict[str, Any]:
    """The `storage` section of a dagster.yaml."""
    return {"custom": {"module": __name__, "class": HouseStorage.__name__, "config": {"base_dir": base_dir}}}
