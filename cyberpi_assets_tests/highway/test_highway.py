"""The highway on a real Redis server: foreign producers and consumers, workers that fail, nothing lost."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import redis

from benchmarks.highway import parcels, under_fire
from cyberpi_assets.settings import Settings
from cyberpi_assets.storage import redis_server
from cyberpi_assets.storage.highway.gauges import dead_letters, gauges
from cyberpi_assets.storage.highway.handlers import NoticeHandler, write_notices
from cyberpi_assets.storage.highway.keys import Queue
from cyberpi_assets.storage.highway.lane import ENDED, Lane
from cyberpi_assets.storage.highway.publishing import Parcel, open_highway, publish
from cyberpi_assets.storage.highway.worker import NO_DOCUMENT, ItemRefused, StoreUnavailable, Tally, Worker


class Kept:
    """A store that is a dict; `refuse` raises for ids, `fail` for so many calls."""

    def __init__(self, refuse: Sequence[str] = (), fail: int = 0, error: type[Exception] = ItemRefused) -> None:
        self.rows: dict[str, dict[str, Any]] = {}
        self._refuse, self._fail, self._error = refuse, fail, error

    def store(self, items: Sequence[dict[str, Any]]) -> None:
        if self._fail:
            self._fail -= 1
            raise StoreUnavailable("the store is away")
        for item in items:
            if item["threatId"] in self._refuse:
                raise self._error("this one not")
        self.rows |= {i["threatId"]: i for i in items}

    def rest(self) -> None: ...

    def close(self) -> None: ...


def drained(settings: Settings, handler: Any, queue: Queue = "weaviate", stop: threading.Event | None = None) -> Tally:
    given = stop or threading.Event()
    return Worker(queue, lambda: redis_server.connect(settings), handler, settings.highway, given).run(once=True)


def test_a_foreign_producer_pushes_ids_and_our_worker_stores_the_documents(
    settings: Settings, client: redis.Redis
) -> None:
    for i in range(120):
        client.set(f"threat:parsed:t{i}", json.dumps({"threatId": f"t{i}", "title": str(i)}), ex=604_800)
        client.lpush("queue:weaviate", f"t{i}")
    kept = Kept()
    tally = drained(settings, kept)
    assert tally == Tally(stored=120)
    assert list(kept.rows) == [f"t{i}" for i in range(120)]  # first in, first out, as BRPOP has it
    assert client.llen("queue:weaviate") == 0
    assert gauges(client)[0].lag == gauges(client)[0].pending == 0


def test_a_foreign_consumer_pops_our_ids_and_finds_the_documents(settings: Settings, client: redis.Redis) -> None:
    rules = settings.highway.model_copy(update={"foreign_consumers": ("weaviate",)})
    open_highway(client)
    given = parcels(3)
    publish(client, given, rules.foreign_consumers)
    ours = Kept()
    drained(settings.model_copy(update={"highway": rules}), ours)
    assert list(ours.rows) == [p.threat_id for p in given]  # our worker leaves the list to its consumers
    for parcel in given:
        found: Any = client.brpop(["queue:weaviate"], timeout=1)
        assert found[1] == parcel.threat_id
        assert client.get(f"threat:parsed:{parcel.threat_id}") == parcel.document
        assert 604_000 < int(client.ttl(f"threat:parsed:{parcel.threat_id}")) <= 604_800  # pyright: ignore
    assert client.llen("queue:neo4j") == 0


def test_what_a_dead_worker_had_taken_goes_to_another_and_is_never_cut(settings: Settings, client: redis.Redis) -> None:
    open_highway(client)
    publish(client, parcels(200))
    dead = Lane(client, "weaviate", "dead", settings.highway)
    taken = dead.take(0)
    assert len(taken) == 50
    alive = Lane(client, "weaviate", "alive", settings.highway)
    rest = alive.take(0) + alive.take(0) + alive.take(0)
    alive.settle(rest)
    alive.trim()
    assert [e for e, _ in client.xrange("stream:weaviate", count=50)] == [e.number for e in taken]  # pyright: ignore
    client.xclaim("stream:weaviate", "workers", "dead", 0, [e.number for e in taken], idle=10_000, justid=True)
    kept = Kept()
    assert drained(settings, kept).stored == 50
    assert set(kept.rows) == {e.threat_id for e in taken}
    assert gauges(client)[0].pending == 0


def test_one_bad_item_among_many_is_buried_with_its_reason_and_the_rest_is_stored(
    settings: Settings, client: redis.Redis
) -> None:
    open_highway(client)
    given = parcels(40)
    bad = Parcel("threat_bad", "{not json", ("weaviate",))
    other = Parcel("threat_other", json.dumps({"threatId": "somebody else"}), ("weaviate",))
    publish(client, [*given[:20], bad, other, *given[20:]])
    kept = Kept(refuse=[given[7].threat_id])
    assert drained(settings, kept) == Tally(stored=39, buried=3)
    reasons = {d["id"]: d["reason"] for d in dead_letters(client, "weaviate")}
    assert reasons == {
        "threat_bad": "the document is no JSON",
        "threat_other": "the document is of another threatId than the queue says",
        given[7].threat_id: "this one not",
    }
    assert gauges(client)[0].dead == 3


def test_an_id_without_a_document_waits_for_it_and_is_buried_after_enough_deliveries(
    settings: Settings, client: redis.Redis
) -> None:
    open_highway(client)
    publish(client, parcels(1))
    client.delete("threat:parsed:threat_0000000000000000")
    kept, tally, looked = Kept(), Tally(), 0
    while not tally.buried and looked < 20:
        looked += 1
        pending: Any = client.xpending_range("stream:weaviate", "workers", "-", "+", 1)
        if pending:
            number, owner = pending[0]["message_id"], pending[0]["consumer"]
            client.xclaim("stream:weaviate", "workers", owner, 0, [number], idle=10_000, justid=True)
        lane = Lane(client, "weaviate", f"worker-{looked}", settings.highway)
        worker = Worker("weaviate", lambda: client, kept, settings.highway, threading.Event())
        worker._batch(lane, lane.take(0))  # pyright: ignore[reportPrivateUsage]
        tally = Tally(buried=gauges(client)[0].dead)
    assert [(d["reason"], d["deliveries"]) for d in dead_letters(client, "weaviate")] == [(NO_DOCUMENT, "4")]
    assert not kept.rows


def test_an_item_that_kills_its_workers_is_found_out_alone_and_takes_no_other_with_it(
    settings: Settings, client: redis.Redis
) -> None:
    """A worker that dies is one that raises what nothing catches: it settles nothing and says nothing more."""
    open_highway(client)
    given = parcels(100)
    publish(client, given)
    poison, kept, lives = given[20].threat_id, Kept(), 0

    class Fatal(Kept):
        def store(self, items: Sequence[dict[str, Any]]) -> None:
            if any(i["threatId"] == poison for i in items):
                raise KeyboardInterrupt
            kept.store(items)

    while not gauges(client)[0].dead and lives < 12:
        lives += 1
        pending: Any = client.xpending_range("stream:weaviate", "workers", "-", "+", 200)
        for entry in pending:  # the dead are silent for long
            client.xclaim(
                "stream:weaviate", "workers", entry["consumer"], 0, [entry["message_id"]], idle=10_000, justid=True
            )
        with suppress(KeyboardInterrupt):
            drained(settings, Fatal())
    assert [(d["id"], d["reason"]) for d in dead_letters(client, "weaviate")] == [(poison, ENDED)]
    drained(settings, Fatal())
    assert set(kept.rows) == {p.threat_id for p in given} - {poison}
    assert gauges(client)[0].pending == 0
    assert lives <= 6  # in hand with 50, 50, 6, alone; then buried


def test_entries_that_wait_behind_others_of_their_batch_are_not_taken_away(
    settings: Settings, client: redis.Redis
) -> None:
    """Entries handed out often are stored in parts: the last part's turn comes long after the first's."""
    open_highway(client)
    publish(client, parcels(12))
    first = Lane(client, "weaviate", "dead", settings.highway)
    numbers = [e.number for e in first.take(0)]
    for _ in range(2):
        client.xclaim("stream:weaviate", "workers", "dead", 0, numbers, retrycount=4, idle=10_000, justid=True)
    other, taken = Lane(client, "weaviate", "other", settings.highway), list[str]()

    class Slow(Kept):
        def store(self, items: Sequence[dict[str, Any]]) -> None:
            super().store(items)
            threading.Event().wait(0.05)  # all of them together take longer than a silence that gives them away
            taken.extend(e.threat_id for e in other.take(0))

    kept = Slow()
    assert drained(settings, kept).stored == 12
    assert len(kept.rows) == 12
    assert taken == []


def test_a_store_that_is_away_is_asked_again_and_nothing_is_buried(settings: Settings, client: redis.Redis) -> None:
    open_highway(client)
    publish(client, parcels(10))
    kept = Kept(fail=2)
    assert drained(settings, kept) == Tally(stored=10)


def test_a_worker_told_to_stop_before_the_store_is_back_leaves_its_items_on_the_highway(
    settings: Settings, client: redis.Redis
) -> None:
    open_highway(client)
    publish(client, parcels(10))
    stop = threading.Event()

    class Away(Kept):
        def store(self, items: Sequence[dict[str, Any]]) -> None:
            stop.set()
            raise StoreUnavailable("away")

    worker = Worker("weaviate", lambda: redis_server.connect(settings), Away(), settings.highway, stop)
    assert worker.run() == Tally()
    assert gauges(client)[0].pending == 10


def test_a_notice_is_sent_once_whoever_sent_it(settings: Settings, client: redis.Redis, tmp_path: Path) -> None:
    open_highway(client)
    given = [Parcel(p.threat_id, p.document, ("alerts",)) for p in parcels(5)]
    client.set(f"alert:sent:{given[2].threat_id}", "another platform", ex=100)
    handler = NoticeHandler(lambda: redis_server.connect(settings), write_notices(tmp_path / "notices.jsonl"))
    for _ in range(2):
        publish(client, given)
        drained(settings, handler, "alerts")
    told = [json.loads(line)["threatId"] for line in (tmp_path / "notices.jsonl").read_text().splitlines()]
    assert told == [p.threat_id for p in given if p is not given[2]]
    assert 2_591_000 < int(client.ttl(f"alert:sent:{given[0].threat_id}")) <= 2_592_000  # pyright: ignore


def test_a_notice_that_failed_is_sent_later(settings: Settings, client: redis.Redis) -> None:
    calls = list[int]()

    def send(items: Sequence[dict[str, Any]]) -> None:
        calls.append(len(items))
        if len(calls) == 1:
            raise StoreUnavailable("no way out")

    open_highway(client)
    publish(client, [Parcel(p.threat_id, p.document, ("alerts",)) for p in parcels(3)])
    assert drained(settings, NoticeHandler(lambda: redis_server.connect(settings), send), "alerts").stored == 3
    assert calls == [3, 3]


@pytest.mark.parametrize(("items", "worker_kills", "redis_kills"), [(2_000, 3, 1)])
def test_nothing_is_lost_and_nothing_stored_twice_when_workers_and_redis_are_killed(
    tmp_path: Path, items: int, worker_kills: int, redis_kills: int
) -> None:
    """`python -m benchmarks --only highway` does the same with 100,000 items, 20 and 5 kills."""
    try:
        found = under_fire(tmp_path, items, worker_kills, redis_kills, batch=100, idle=0.5)
    finally:
        redis_server.stop(tmp_path / "redis")
    assert (found.stored, found.distinct) == (items, items)
    assert (found.wrong, found.rewritten, found.dead) == (0, 0, 0)
