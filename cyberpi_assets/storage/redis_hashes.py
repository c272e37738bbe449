"""Tables in Redis under a layout that other tools know: a hash per row, a set of the keys, each row with its own time.

Here belongs how such rows are pushed, read back and swept (`tables.Hashes` says which names and fields). Tables with a
layout of our own are in `redis_tables.py`, which is also the door to these.

Others write into the same hashes, so nothing is replaced here: a push adds rows and refreshes those that are there, and
what is not pushed again runs out. Within one transaction, fields that others may have written are set only where they
are missing, the rest is set, the time to live begins anew, the key joins the set. So no row is ever half there, and a
push can be repeated after any failure and leaves the same rows. Times are written in UTC without a zone, as those who
read them expect.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import pyarrow as pa
import redis

from cyberpi_assets.tables import Hashes, Table

_BATCH = 200


def push(client: redis.Redis, table: Table, rows: Sequence[tuple[str, Mapping[str, Any]]], now_ms: int) -> int:
    """Add or refresh rows given as (key, row), then sweep the set of keys; the bytes written.

    `now_ms` is the server's clock in ms since 1970-01-01 UTC; it goes into the stamped field. Raises redis.RedisError;
    rows pushed before stay, and the whole may be pushed again.
    """
    layout, size = _layout(table), 0
    stamp = _text(dt.datetime.fromtimestamp(now_ms / 1000, dt.UTC))
    for at in range(0, len(rows), _BATCH):
        pipe = client.pipeline(transaction=True)
        for key, row in rows[at : at + _BATCH]:
            name, fields = layout.prefix + key, {c: _text(v) for c, v in row.items() if v is not None}
            if layout.stamped is not None:
                fields[layout.stamped] = stamp
            size += sum(len(c) + len(v.encode()) for c, v in fields.items())
            for field in layout.kept:
                if field in fields:
                    pipe.hsetnx(name, field, fields.pop(field))
            if fields:
                pipe.hset(name, mapping=cast(Any, fields))
            if gone := [c for c, v in row.items() if v is None and c not in layout.kept]:
                pipe.hdel(name, *gone)
            if table.ttl_seconds is not None:
                pipe.pexpire(name, table.ttl_seconds * 1000)
            pipe.sadd(layout.index, key)
        pipe.execute()
    sweep(client, table)
    return size


def sweep(client: redis.Redis, table: Table) -> list[str]:
    """Take from the set the keys whose rows have run out; the keys that are left, ascending.

    A row that comes back meanwhile keeps its place: the transaction is given up when one of the rows gone is written,
    and what is left then is swept the next time.
    """
    layout = _layout(table)
    keys = sorted(cast(Iterable[str], client.smembers(layout.index)))
    gone = _missing(client, layout, keys)
    if not gone:
        return keys
    with client.pipeline(transaction=True) as pipe:
        pipe.watch(*(layout.prefix + k for k in gone))
        still = [k for k in gone if not pipe.exists(layout.prefix + k)]
        pipe.multi()
        if still:
            pipe.srem(layout.index, *still)
        try:
            pipe.execute()
        except redis.WatchError:
            return [k for k in keys if k not in set(gone)]
    return [k for k in keys if k not in set(still)]


def rows(client: redis.Redis, table: Table) -> list[dict[str, Any]]:
    """The rows still alive, as values of the declared types, in the order of their key; sweeps the set of keys.

    Hashes of other tools that lack a column or hold what its type cannot are left out.
    """
    layout, found = _layout(table), list[dict[str, Any]]()
    keys = sweep(client, table)
    for at in range(0, len(keys), _BATCH):
        pipe = client.pipeline(transaction=False)
        for key in keys[at : at + _BATCH]:
            pipe.hgetall(layout.prefix + key)
        for given in cast(list[dict[str, str]], pipe.execute()):
            try:
                found.append({c.name: _typed(c.type, given.get(c.name), c.nullable) for c in table.columns})
            except ValueError:
                continue
    return found


def _layout(table: Table) -> Hashes:
    if table.hashes is None:
        raise ValueError(f"table {table.name} is not kept as hashes")
    return table.hashes


def _missing(client: redis.Redis, layout: Hashes, keys: Sequence[str]) -> list[str]:
    gone: list[str] = []
    for at in range(0, len(keys), _BATCH):
        pipe = client.pipeline(transaction=False)
        for key in keys[at : at + _BATCH]:
            pipe.exists(layout.prefix + key)
        gone += [k for k, there in zip(keys[at : at + _BATCH], pipe.execute(), strict=True) if not there]
    return gone


def _text(value: Any) -> str:
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).replace(tzinfo=None).isoformat()
    return value.isoformat() if isinstance(value, dt.date) else str(value)


def _typed(kind: pa.DataType, text: str | None, nullable: bool) -> Any:
    """A field as the declared type has it. Raises ValueError."""
    if text is None:
        if not nullable:
            raise ValueError("a field is missing")
        return None
    if pa.types.is_timestamp(kind):
        moment = dt.datetime.fromisoformat(text)
        return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    if pa.types.is_date(kind):
        return dt.date.fromisoformat(text)
    if pa.types.is_integer(kind):
        return int(text)
    if pa.types.is_floating(kind):
        return float(text)
    if pa.types.is_boolean(kind):
        return text == "True"
    return text
