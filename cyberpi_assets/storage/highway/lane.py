"""One queue as one worker sees it: take, settle, bury, and leave nothing behind.

Here belongs how entries are taken off a stream at least once. What is done with an item is in `handlers.py`, the loop
around both in `worker.py`.

An entry is acknowledged only after the store has it. What a dead worker had taken is claimed by another after a while
of silence; an entry that was taken too often, and failed by itself, goes to the dead letters with the reason. Ids that
foreign producers pushed to the list are moved into the stream by one script, so they are in one of the two at any
moment. The stream is cut behind the oldest entry that any group still needs, never by length.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast

import redis

from cyberpi_assets.rules.running import HighwayRules
from cyberpi_assets.storage.highway import keys
from cyberpi_assets.storage.highway.keys import GROUP, Queue

_MOVE = """
local ids = redis.call('RPOP', KEYS[1], ARGV[1])
if not ids then return 0 end
for _, id in ipairs(ids) do redis.call('XADD', KEYS[2], '*', 'id', id, 'from', 'list') end
return #ids
"""
_LONGEST_ID = 200  # of a foreign id, in a reason
ENDED = "the worker that tried it alone ended before it was stored"


@dataclass(frozen=True)
class Entry:
    """One place in the stream: its number, the item's id, and how often it was handed out, this time included."""

    number: str
    threat_id: str
    deliveries: int = 1


class Lane:
    """A queue's stream, group, list and dead letters, for one consumer. Methods raise redis.RedisError."""

    def __init__(self, client: redis.Redis, queue: Queue, consumer: str, rules: HighwayRules) -> None:
        """Name queue and consumer; nothing is sent before the first call."""
        self.queue: Queue = queue
        self.consumer, self.rules = consumer, rules
        self._client: Any = client
        self._stream, self._list = keys.stream_of(queue), keys.list_of(queue)
        self._move: Any = client.register_script(_MOVE)
        self._own: str | None = "0"  # up to where what this consumer was handed before was read again
        self._claimed_at = float("-inf")

    def take(self, block_ms: int) -> list[Entry]:
        """The next entries: those handed out before whose answer was lost, those of the dead, then new ones.

        Waits up to `block_ms` for new ones. Entries handed out too often are buried on the way.
        """
        if self._own is not None:  # answers may have been lost with the connection
            found = self._read(self._own, None)
            self._own = found[-1].number if found else None
            if found:
                return self._worth_trying(self._with_counts(found))
        if time.monotonic() - self._claimed_at >= self.rules.claim_idle_seconds / 2:
            found = self._claim()
            if found:
                return self._worth_trying(self._with_counts(found))
            self._claimed_at = time.monotonic()
        if self.queue not in self.rules.foreign_consumers:
            self._move(keys=[self._list, self._stream], args=[self.rules.batch])
        return self._read(">", block_ms or None)

    def _read(self, since: str, block_ms: int | None) -> list[Entry]:
        asked = {"groupname": GROUP, "consumername": self.consumer, "streams": {self._stream: since}}
        try:
            answer = self._client.xreadgroup(**asked, count=self.rules.batch, block=block_ms)
        except redis.ResponseError as error:
            if "NOGROUP" not in str(error):
                raise
            with suppress(redis.ResponseError):  # another worker was first
                self._client.xgroup_create(self._stream, GROUP, id="0", mkstream=True)
            return []
        streams = answer.items() if isinstance(answer, dict) else answer or ()
        return self._entries(e for _, batches in streams for e in _flat(batches))

    def _claim(self) -> list[Entry]:
        idle = int(self.rules.claim_idle_seconds * 1000)
        asked = {"name": self._stream, "groupname": GROUP, "consumername": self.consumer, "min_idle_time": idle}
        try:
            answer = self._client.xautoclaim(**asked, start_id="0-0", count=self.rules.batch)
        except redis.ResponseError as error:
            if "NOGROUP" in str(error):
                return []
            raise
        return self._entries(answer[1])

    def _entries(self, found: Iterable[Any]) -> list[Entry]:
        entries = list[Entry]()
        for number, fields in found:
            if fields is None or "id" not in fields:  # cut by hand, or not ours: nothing to store
                self.bury(Entry(number, ""), "an entry without an id")
            else:
                entries.append(Entry(number, fields["id"]))
        return entries

    def _with_counts(self, entries: Sequence[Entry]) -> list[Entry]:
        if not entries:
            return []
        pending = self._client.xpending_range(
            self._stream, GROUP, entries[0].number, entries[-1].number, 10 * len(entries) + 1000, self.consumer
        )
        counts = {p["message_id"]: int(p["times_delivered"]) for p in pending}
        return [Entry(e.number, e.threat_id, counts.get(e.number, 1)) for e in entries]

    def _worth_trying(self, entries: Sequence[Entry]) -> list[Entry]:
        """Without those that were handed out too often and failed by themselves, which are buried with their error.

        One that was only ever in hand beside others has done nothing yet: it is tried again.
        """
        often = [e for e in entries if e.deliveries > self.rules.max_deliveries]
        if not often:
            return list(entries)
        errors = self._client.hmget(keys.errors_of(self.queue), [e.number for e in often])
        spent = {e.number: error for e, error in zip(often, errors, strict=True) if error is not None}
        for entry in often:
            if entry.number in spent:
                self.bury(entry, spent[entry.number])
        return [e for e in entries if e.number not in spent]

    def documents(self, entries: Sequence[Entry]) -> list[str | None]:
        """The items' documents as JSON text; None where there is none (any more)."""
        return cast(list[str | None], self._client.mget([keys.parsed(e.threat_id) for e in entries]))

    def settle(self, entries: Sequence[Entry]) -> None:
        """The store has them."""
        if entries:
            numbers = [e.number for e in entries]
            pipe = self._client.pipeline(transaction=True)
            pipe.xack(self._stream, GROUP, *numbers)
            pipe.hdel(keys.errors_of(self.queue), *numbers)
            pipe.execute()

    def bury(self, entry: Entry, reason: str) -> None:
        """Put an entry among the dead letters, with the reason, and take it off the stream's account."""
        told = {"id": entry.threat_id[:_LONGEST_ID], "reason": reason, "deliveries": entry.deliveries}
        pipe = self._client.pipeline(transaction=True)
        pipe.xadd(keys.dead_of(self.queue), {**told, "entry": entry.number})
        pipe.xack(self._stream, GROUP, entry.number)
        pipe.hdel(keys.errors_of(self.queue), entry.number)
        pipe.execute()

    def put_off(self, entry: Entry, error: str) -> None:
        """Leave an entry to be taken again after a while; the error is the reason if it is buried in the end."""
        self._client.hset(keys.errors_of(self.queue), entry.number, error)

    def suspect(self, entry: Entry) -> None:
        """Note, before an entry is tried alone, what will be known of it if its worker does not live to say more."""
        self._client.hset(keys.errors_of(self.queue), entry.number, ENDED)

    def renew(self, entries: Sequence[Entry]) -> None:
        """Say that this worker lives and still works on these: nobody claims them meanwhile."""
        now, alive = time.time(), keys.workers_of(self.queue)
        pipe = self._client.pipeline(transaction=False)
        pipe.zadd(alive, {self.consumer: now + 3 * self.rules.heartbeat_seconds})
        pipe.zremrangebyscore(alive, "-inf", now)
        if entries:
            pipe.xclaim(self._stream, GROUP, self.consumer, 0, [e.number for e in entries], justid=True)
        pipe.execute()

    def leave(self) -> None:
        """Say that this worker has ended."""
        self._client.zrem(keys.workers_of(self.queue), self.consumer)

    def trim(self) -> int:
        """Cut the stream behind the oldest entry that a group has yet to be handed or to acknowledge; how many went."""
        needed = list[tuple[int, int]]()
        for group in self._client.xinfo_groups(self._stream):
            pending = self._client.xpending(self._stream, group["name"])
            oldest = pending.get("min")
            needed.append(_after(str(group["last-delivered-id"])) if oldest is None else _parts(str(oldest)))
        if not needed:
            return 0
        first = min(needed)
        return int(self._client.xtrim(self._stream, minid=f"{first[0]}-{first[1]}", approximate=True))


def _flat(batches: Any) -> Iterable[Any]:
    """Entries of one stream: one list with protocol 2, a list of lists with protocol 3."""
    for batch in batches:
        if batch and isinstance(batch[0], (list, tuple)):
            yield from batch
        else:
            yield batch


def _parts(number: str) -> tuple[int, int]:
    at, _, n = number.partition("-")
    return int(at), int(n or 0)


def _after(number: str) -> tuple[int, int]:
    at, n = _parts(number)
    return at, n + 1
