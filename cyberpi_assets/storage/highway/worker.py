"""The long-running worker: take, store, acknowledge, and go on whatever breaks.

Here belongs the loop: batches, patience with Redis and with the store, one bad item among many, the end on request.
Where items go is in `handlers.py`.

A batch is acknowledged after the store has committed it. A batch that fails is halved until the item that cannot be
stored stands alone and does not hold up the rest. Items that were handed out several times already are tried in parts
that grow smaller with each time, so that one that kills its worker is found out alone, and the others with it are not
each tried alone: workers end for other reasons too.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Protocol, cast

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from cyberpi_assets.domain.highway.items import Item
from cyberpi_assets.rules.running import HighwayRules
from cyberpi_assets.storage.highway.keys import Queue
from cyberpi_assets.storage.highway.lane import Entry, Lane
from cyberpi_assets.storage.redis_server import RedisUnavailable, said

NO_DOCUMENT = "there is no document threat:parsed of this id: expired, or never written"
LARGEST = 2 * 2**20  # characters of a document
_SUSPECT = 3  # deliveries from which entries are tried in parts of a batch: an eighth, then an eighth of that
_BLOCK_MS = 1_000
_LONGEST_PAUSE = 10.0
_FIRST_PAUSE = 0.1
_TRIM_EVERY = 5_000
_LONGEST_HOLD = 1_800.0  # seconds after which a batch may be another worker's, though this one lives
_log = logging.getLogger(__name__)


class StoreUnavailable(ConnectionError):
    """The store cannot be reached or is held by another; the same items may be stored later. Holds no secret."""


class ItemRefused(ValueError):
    """An item that no store will ever take, with the reason."""


class Handler(Protocol):
    """What is done with items of a queue."""

    def store(self, items: Sequence[Item]) -> None:
        """Store items and commit. Storing one again changes nothing. Raises StoreUnavailable, ItemRefused."""
        ...

    def rest(self) -> None:
        """Nothing to do for now: others may have the store."""
        ...

    def close(self) -> None:
        """Give the store back."""
        ...


@dataclass
class Tally:
    """What a worker has done."""

    stored: int = 0
    buried: int = 0
    put_off: int = 0


def consumer_name() -> str:
    """A name no other worker has."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"


class Worker:
    """Takes items of one queue into one handler until it is told to stop."""

    def __init__(
        self,
        queue: Queue,
        connect: Callable[[], redis.Redis],
        handler: Handler,
        rules: HighwayRules,
        stop: threading.Event,
    ) -> None:
        """`connect` gives a client of a server that answers; it is asked again whenever the connection is lost."""
        self.queue: Queue = queue
        self.tally = Tally()
        self._connect, self._handler, self._rules, self._stop = connect, handler, rules, stop
        self._name = consumer_name()
        self._beat_at = float("-inf")
        self._trimmed_at = 0

    def run(self, once: bool = False) -> Tally:
        """Work until told to stop; with `once`, until nothing is left to take. Never raises for a lost connection."""
        pause = _FIRST_PAUSE
        try:
            while not self._stop.is_set():
                client = None
                try:
                    client = self._connect()
                    client.set_retry(
                        Retry(NoBackoff(), 0)
                    )  # a server of our own comes back elsewhere: ask anew at once
                    lane = Lane(client, self.queue, self._name, self._rules)
                    lane.renew(())
                    pause = _FIRST_PAUSE
                    self._drive(lane, once)
                    lane.leave()
                    return self.tally
                except (redis.RedisError, RedisUnavailable) as error:
                    why = said(error) if isinstance(error, redis.RedisError) else str(error)
                    _log.warning("highway %s: Redis: %s; trying again in %.1f s", self.queue, why, pause)
                    self._stop.wait(pause)
                    pause = min(2 * pause, _LONGEST_PAUSE)
                finally:
                    if client is not None:
                        client.close()
        finally:
            self._handler.close()
        return self.tally

    def _drive(self, lane: Lane, once: bool) -> None:
        while not self._stop.is_set():
            entries = lane.take(0 if once else _BLOCK_MS)
            if not entries:
                self._handler.rest()
                if once:
                    lane.trim()
                    return
            with self._holding(lane, entries):
                for part in _parts(entries, self._rules.batch):
                    if len(part) == 1 and part[0].deliveries >= _SUSPECT:
                        lane.suspect(part[0])
                    self._batch(lane, part)
            self._sign_of_life(lane)
            if self.tally.stored - self._trimmed_at >= _TRIM_EVERY:
                lane.trim()
                self._trimmed_at = self.tally.stored

    def _sign_of_life(self, lane: Lane) -> None:
        if time.monotonic() - self._beat_at >= self._rules.heartbeat_seconds:
            lane.renew(())
            self._beat_at = time.monotonic()

    def _batch(self, lane: Lane, entries: Sequence[Entry]) -> None:
        """Store entries that have a document; what has none, or one that is none, is put off or buried."""
        if not entries:
            return
        ready, items = list[Entry](), list[Item]()
        for entry, document in zip(entries, lane.documents(entries), strict=True):
            if document is None:
                self._put_off(lane, entry, NO_DOCUMENT)
                continue
            try:
                items.append(read(entry.threat_id, document))
                ready.append(entry)
            except ItemRefused as error:
                self._bury(lane, entry, str(error))
        if not items:
            return
        try:
            if not self._store(items):
                return
        except Exception as error:  # whatever it is, it must not stop the others
            if len(ready) > 1:
                self._batch(lane, ready[: len(ready) // 2])
                self._batch(lane, ready[len(ready) // 2 :])
            elif isinstance(error, ItemRefused):
                self._bury(lane, ready[0], str(error))
            else:
                self._put_off(lane, ready[0], f"{type(error).__name__}: {str(error)[:300]}")
            return
        lane.settle(ready)
        self.tally.stored += len(ready)

    @contextmanager
    def _holding(self, lane: Lane, entries: Sequence[Entry]) -> Generator[None]:
        """Nobody claims these entries while this process works on any, a store that hangs for good excepted."""
        done, until = threading.Event(), time.monotonic() + _LONGEST_HOLD

        def hold() -> None:
            while not done.wait(self._rules.heartbeat_seconds) and time.monotonic() < until:
                with suppress(redis.RedisError):  # the loop learns of it by itself
                    lane.renew(entries)

        keeper = threading.Thread(target=hold, daemon=True)
        keeper.start()
        try:
            yield
        finally:
            done.set()
            keeper.join()

    def _store(self, items: Sequence[Item]) -> bool:
        """Store with patience: a store that cannot be reached is asked again.

        False when told to stop before it could be reached: the items stay on the highway. Raises what the store does.
        """
        pause = _FIRST_PAUSE
        while True:
            try:
                self._handler.store(items)
            except StoreUnavailable as error:
                _log.warning("highway %s: %s; trying again in %.1f s", self.queue, error, pause)
                if self._stop.wait(pause):
                    return False
                pause = min(2 * pause, _LONGEST_PAUSE)
            else:
                return True

    def _bury(self, lane: Lane, entry: Entry, reason: str) -> None:
        lane.bury(entry, reason)
        self.tally.buried += 1

    def _put_off(self, lane: Lane, entry: Entry, error: str) -> None:
        lane.put_off(entry, error)
        self.tally.put_off += 1


def _parts(entries: Sequence[Entry], batch: int) -> Generator[Sequence[Entry]]:
    """What is stored together: fresh entries whole, the others the smaller the more often they were handed out."""
    by_size: dict[int, list[Entry]] = {}
    for entry in entries:
        tried = max(0, entry.deliveries - _SUSPECT + 1)
        by_size.setdefault(max(1, batch >> 3 * tried), []).append(entry)
    for size, mine in sorted(by_size.items(), reverse=True):
        for at in range(0, len(mine), size):
            yield mine[at : at + size]


def read(threat_id: str, document: str) -> Item:
    """An item's document. Raises ItemRefused with the reason where it is none."""
    if len(document) > LARGEST:
        raise ItemRefused(f"the document is larger than {LARGEST:,} characters")
    try:
        item = json.loads(document)
    except (ValueError, RecursionError):
        raise ItemRefused("the document is no JSON") from None
    if not isinstance(item, dict):
        raise ItemRefused("the document is no JSON object")
    found = cast(Item, item)
    if found.get("threatId") != threat_id:
        raise ItemRefused("the document is of another threatId than the queue says")
    return found
