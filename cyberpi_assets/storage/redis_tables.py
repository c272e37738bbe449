"""Tables in Redis: rows with a time to live, replaced whole or by month, read as one consistent set.

Here belongs how rows are keyed, written, expired and read back with their declared types. Which server keeps them is in
`redis_server.py`; what Dagster wants is in `redis_io.py`.

Keys, all below `cyberpi:<profile>:<table>:` and all with the table's time to live:
`row:<generation>:<key>`     one row as a JSON object; its key columns joined by colons
`index:<slot>:<generation>`  sorted set of the row keys of one month (slot), or of all rows (slot `all`); score: expiry,
                             in ms
`current`                    hash: slot -> generation that readers see
`generations`                sorted set of `<slot>|<generation>`; score: when its writing began, in ms

A write puts a new generation beside the old one and then switches `current` for all its months in one transaction, so a
reader sees the old rows or the new ones, never a mixture; a killed writer leaves a generation that nobody sees, which
a later write sweeps. Replaced rows stay for a minute for the readers that are amid them.

A table that declares `hashes` has the layout of other tools instead, see `redis_hashes.py`: a write adds and refreshes
its rows and replaces nothing.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import uuid
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar, cast
from urllib.parse import quote

import pyarrow as pa
import redis

from cyberpi_assets.storage import redis_hashes
from cyberpi_assets.storage.engine import refuse_strays, wanted_months
from cyberpi_assets.storage.frames import from_rows
from cyberpi_assets.storage.redis_server import RedisUnavailable, said
from cyberpi_assets.tables import ALL, MONTH, SchemaMismatch, Table, conform

REDIS: dict[str, Table] = {n: t for n, t in ALL.items() if t.home == "redis"}

_ALL = "all"
_BATCH = 1000
_GRACE_MS, _ABANDONED_MS = 60_000, 3_600_000
_READS = 50


@dataclass(frozen=True)
class Written:
    """What a write put there."""

    rows: int
    bytes: int


class RedisTables:
    """The tables whose home is Redis, of one profile."""

    def __init__(
        self, client: Callable[[], redis.Redis], profile: str, tables: Mapping[str, Table] | None = None
    ) -> None:
        """Name how to connect, which happens on first use, and the profile, which keeps its keys apart."""
        self._connect, self.profile = client, profile
        self.tables: Mapping[str, Table] = REDIS if tables is None else tables
        self._client: redis.Redis | None = None

    def __repr__(self) -> str:
        return f"RedisTables({self.profile!r}, {sorted(self.tables)})"

    def prefix(self, name: str) -> str:
        """What all keys of a table begin with."""
        if (layout := self.tables[name].hashes) is not None:
            return layout.prefix
        return f"cyberpi:{self.profile}:{name}:"

    @contextmanager
    def _server(self) -> Generator[redis.Redis]:
        try:
            if self._client is None:
                self._client = self._connect()
            yield self._client
        except redis.RedisError as error:
            self._client = None
            raise RedisUnavailable(f"Redis did not do what it was asked: {said(error)}") from None

    # ---------------------------------------------------------------------------------------------------------- writing

    def write(self, name: str, data: pa.Table, months: Sequence[str] | None = None) -> Written:
        """Replace a table, or exactly the months named, in one step for readers; also sweep what has expired.

        Raises SchemaMismatch before anything is touched (columns, nulls, keys that are null or come twice, months) and
        RedisUnavailable, after which readers still see what was there.
        """
        table = self.tables[name]
        slots = wanted_months(table, months) or [_ALL]
        data = conform(table, data)
        if table.partitioned:
            refuse_strays(table, data.column(MONTH).unique().to_pylist(), slots)
        rows = data.to_pylist()
        keys = _keys(table, rows)
        if table.hashes is not None:
            return Written(len(rows), self._push(table, list(zip(keys, rows, strict=True))))
        of: dict[str, list[int]] = {slot: [] for slot in slots}
        for at, row in enumerate(rows):
            of[row[MONTH] if table.partitioned else _ALL].append(at)
        with self._server() as client:
            now = _now_ms(client)
            self._sweep(client, table, now)
            generations: dict[str, str] = {}
            size = 0
            for slot in slots:
                generations[slot] = generation = uuid.uuid4().hex[:16]
                client.zadd(f"{self.prefix(name)}generations", {f"{slot}|{generation}": now})
                size += self._stage(client, table, slot, generation, [(keys[at], rows[at]) for at in of[slot]], now)
            self._switch(client, table, generations)
        return Written(len(rows), size)

    def _push(self, table: Table, rows: Sequence[tuple[str, Mapping[str, Any]]]) -> int:
        """Push, and once more where the server went away meanwhile: a push repeated leaves the same rows."""
        try:
            with self._server() as client:
                return redis_hashes.push(client, table, rows, _now_ms(client))
        except RedisUnavailable:
            with self._server() as client:
                return redis_hashes.push(client, table, rows, _now_ms(client))

    def _stage(
        self,
        client: redis.Redis,
        table: Table,
        slot: str,
        generation: str,
        rows: Sequence[tuple[str, Mapping[str, Any]]],
        now: int,
    ) -> int:
        """Write one generation that nobody sees yet; its size in bytes."""
        prefix, ttl, size = self.prefix(table.name), _ttl_ms(table), 0
        index = f"{prefix}index:{slot}:{generation}"
        for batch in _batches(rows):
            pipe = client.pipeline(transaction=False)
            pipe.zadd(index, {key: "+inf" if ttl is None else now + ttl for key, _ in batch})
            if ttl is not None:
                pipe.pexpire(index, ttl)
            for key, row in batch:
                text = _encoded(row)
                size += len(text.encode())
                pipe.set(f"{prefix}row:{generation}:{key}", text, px=ttl)
            pipe.execute()
        return size

    def _switch(self, client: redis.Redis, table: Table, generations: Mapping[str, str]) -> None:
        """Let readers see the new generations, then let the ones they replace run out."""
        prefix, ttl, slots = self.prefix(table.name), _ttl_ms(table), list(generations)
        pipe = client.pipeline(transaction=True)
        pipe.hmget(f"{prefix}current", slots)
        pipe.hset(f"{prefix}current", mapping={**generations})
        if ttl is not None:
            pipe.pexpire(f"{prefix}current", ttl)
            pipe.pexpire(f"{prefix}generations", max(ttl, 2 * _ABANDONED_MS))
        before = cast(list[str | None], pipe.execute()[0])
        for slot, generation in zip(slots, before, strict=True):
            if generation is not None:
                self._drop(client, table, slot, generation)

    def _drop(self, client: redis.Redis, table: Table, slot: str, generation: str) -> None:
        """Let the rows of a generation run out soon: a reader may be amid them."""
        prefix = self.prefix(table.name)
        index = f"{prefix}index:{slot}:{generation}"
        for batch in _batches(cast(list[str], client.zrange(index, 0, -1))):
            pipe = client.pipeline(transaction=False)
            for key in batch:
                pipe.pexpire(f"{prefix}row:{generation}:{key}", _GRACE_MS)
            pipe.execute()
        client.pexpire(index, _GRACE_MS)
        client.zrem(f"{prefix}generations", f"{slot}|{generation}")

    def _sweep(self, client: redis.Redis, table: Table, now: int) -> None:
        """Forget expired members of the indexes, months that have run out, and generations of killed writers."""
        prefix = self.prefix(table.name)
        current = cast(dict[str, str], client.hgetall(f"{prefix}current"))
        for slot, generation in current.items():
            index = f"{prefix}index:{slot}:{generation}"
            client.zremrangebyscore(index, "-inf", now)
        started = cast(list[str], client.zrangebyscore(f"{prefix}generations", "-inf", now - _ABANDONED_MS))
        for slot, _, generation in (m.partition("|") for m in started):
            if current.get(slot) != generation:
                self._drop(client, table, slot, generation)

    # ---------------------------------------------------------------------------------------------------------- reading

    def read(self, name: str, months: Sequence[str] | None = None) -> pa.Table:
        """The rows still alive, of one write per month, in the order of their key, with the declared types.

        Shape: (rows, declared columns); no rows where nothing is there. Raises RedisUnavailable.
        """
        table, prefix = self.tables[name], self.prefix(name)
        if not table.partitioned:
            months = None
        if table.hashes is not None:
            with self._server() as client:
                hashes = redis_hashes.rows(client, table)
            return pa.Table.from_pylist(hashes, schema=table.schema)
        with self._server() as client:
            for _ in range(_READS):
                current = self._seen(client, prefix, months)
                rows = self._rows(client, prefix, current)
                if self._seen(client, prefix, months) == current:
                    break
            else:
                raise RedisUnavailable(f"table {name} was rewritten {_READS} times while it was read")
        found = from_rows(table, [_decoded(table, text) for text in rows])
        return found.sort_by([(k, "ascending") for k in table.key]).cast(table.schema)

    def _seen(self, client: redis.Redis, prefix: str, months: Sequence[str] | None) -> dict[str, str]:
        current = cast(dict[str, str], client.hgetall(f"{prefix}current"))
        return current if months is None else {m: current[m] for m in months if m in current}

    def _rows(self, client: redis.Redis, prefix: str, current: Mapping[str, str]) -> list[str]:
        rows: list[str] = []
        for slot, generation in current.items():
            keys = cast(list[str], client.zrange(f"{prefix}index:{slot}:{generation}", 0, -1))
            for batch in _batches(keys):
                texts = cast(list[str | None], client.mget([f"{prefix}row:{generation}:{key}" for key in batch]))
                rows += [text for text in texts if text is not None]
        return rows


_Item = TypeVar("_Item")


def _batches(items: Sequence[_Item]) -> Iterator[Sequence[_Item]]:
    return (items[at : at + _BATCH] for at in range(0, len(items), _BATCH))


def _ttl_ms(table: Table) -> int | None:
    return None if table.ttl_seconds is None else max(1, int(table.ttl_seconds * 1000))


def _now_ms(client: redis.Redis) -> int:
    """The server's clock, which its expiries run by."""
    seconds, micros = client.time()
    return int(seconds) * 1000 + int(micros) // 1000


def _keys(table: Table, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """One key per row. Raises SchemaMismatch for a null key, or one that comes twice (Redis would keep one row)."""
    keys: dict[str, None] = {}
    for number, row in enumerate(rows):
        parts = [row[k] for k in table.key]
        if any(p is None for p in parts):
            raise SchemaMismatch(f"table {table.name}: row {number} has a null in its key {table.key}")
        text = [p.isoformat() if isinstance(p, dt.date) else str(p) for p in parts]
        # within a key of several columns a colon would make two keys one
        key = text[0] if len(text) == 1 else ":".join(quote(t, safe=" /@+,;=") for t in text)
        if key in keys:
            raise SchemaMismatch(f"table {table.name}: the key {key} comes twice")
        keys[key] = None
    return list(keys)


def _encoded(row: Mapping[str, Any]) -> str:
    """A row as JSON: dates and times in ISO 8601; floats that JSON has no number for as text."""
    return json.dumps({name: _plain(value) for name, value in row.items()}, ensure_ascii=False, separators=(",", ":"))


def _plain(value: Any) -> Any:
    if isinstance(value, dt.date):  # and datetime
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def _decoded(table: Table, text: str) -> dict[str, Any]:
    row = json.loads(text)
    return {c.name: _typed(c.type, row.get(c.name)) for c in table.columns}


def _typed(kind: pa.DataType, value: Any) -> Any:
    if value is None:
        return None
    if pa.types.is_date(kind):
        return dt.date.fromisoformat(value)
    if pa.types.is_timestamp(kind):
        return dt.datetime.fromisoformat(value)
    if pa.types.is_floating(kind):
        return float(value)
    return value
