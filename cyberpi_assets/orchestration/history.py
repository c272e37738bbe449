"""Dagster's history in SQLite, written in batches: a range run stores one event per asset and month.

Here belongs only how events reach the file. What is stored, and how it is read, is Dagster's own, so a history can be
opened by either class. Stored one by one, each event costs a new engine, two connections and two commits, 4 to 10 ms;
179 months of one asset are then a second, in a batch a few hundredths.

Dagster hands over batches only where the variable `DAGSTER_EVENT_BATCH_SIZE` says so; `instance.py` sets it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from dagster._core.events import ASSET_EVENTS
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData

BATCH_VARIABLE = "DAGSTER_EVENT_BATCH_SIZE"
BATCH = 500


def _kind(event: EventLogEntry) -> tuple[str, bool]:
    """The run of an event, and whether it is about an asset."""
    return event.run_id, event.is_dagster_event and event.dagster_event_type in ASSET_EVENTS


class BatchedEventLog(SqliteEventLogStorage):
    """Stores a batch of asset events in one transaction per file instead of two per event."""

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Store events of one batch in their order; those that are not about assets one by one, as Dagster does."""
        for (run_id, of_assets), group in groupby(events, key=_kind):
            batch = list(group)
            if not of_assets:
                for event in batch:
                    self.store_event(event)
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
