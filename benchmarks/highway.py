"""The highway under load and under fire: how fast items go in and through, and what `kill -9` loses.

Here belongs a scenario with sizes, used small by the tests and whole by the group `highway`. Workers are processes of
their own, Redis is the append-only server that runs start, the store is the file of vectors: everything real.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from benchmarks.measure import peak_mb
from benchmarks.report import Row, Target
from cyberpi_assets.rules.running import HighwayRules
from cyberpi_assets.settings import Settings
from cyberpi_assets.storage import redis_server
from cyberpi_assets.storage.highway.gauges import Gauge, gauges
from cyberpi_assets.storage.highway.handlers import VectorHandler
from cyberpi_assets.storage.highway.publishing import Parcel, open_highway, publish
from cyberpi_assets.storage.highway.worker import Worker
from cyberpi_assets.storage.redis_server import RedisUnavailable
from cyberpi_assets.storage.vectors.duck import DuckVectors
from cyberpi_assets.storage.vectors.embedding import embedding_of

_POLL_S = 0.1


@dataclass(frozen=True)
class Fire:
    """What was killed, and what came of it."""

    items: int
    stored: int
    distinct: int
    wrong: int
    rewritten: int
    dead: int
    worker_kills: int
    redis_kills: int
    redelivered: int
    seconds: float


def parcels(n: int) -> list[Parcel]:
    """Items of some 300 bytes."""
    return [
        Parcel(
            f"threat_{i:016x}",
            json.dumps(
                {
                    "threatId": f"threat_{i:016x}",
                    "title": f"Invented company {i % 997} reports incident number {i}",
                    "content": f"An unknown party took {i * 7} records of its customers.",
                    "source": "benchmark",
                    "severity": "high",
                    "cves": [f"CVE-2025-{i % 5000:05d}"],
                    "metadata": {"tickers": [f"T{i % 997}"]},
                }
            ),
            ("weaviate",),
        )
        for i in range(n)
    ]


def settings_of(folder: Path, rules: HighwayRules) -> Settings:
    """Settings of a store in a folder."""
    return Settings(store=folder, highway=rules)  # pyright: ignore[reportCallIssue]


def _work(folder: str, rules: dict[str, Any], once: bool) -> None:
    """One worker process."""
    settings = settings_of(Path(folder), HighwayRules(**rules))
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    embedding = embedding_of(settings)
    store = DuckVectors(settings.vectors_dir, embedding.engine, embedding.dimensions)
    handler = VectorHandler(embedding, store)
    Worker("weaviate", lambda: redis_server.connect(settings), handler, settings.highway, stop).run(once)


class Group:
    """Worker processes over one folder; they start from a server that has imported everything."""

    def __init__(self, folder: Path, rules: HighwayRules, n: int = 2) -> None:
        """Start n workers."""
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["benchmarks.highway"])
        self._args = (str(folder), rules.model_dump())
        self.workers: list[BaseProcess] = [self._start() for _ in range(n)]

    def _start(self) -> BaseProcess:
        process = self._context.Process(target=_work, args=(*self._args, False), daemon=True)
        process.start()
        return process

    def kill(self, at: int) -> None:
        """Kill -9 one worker and start another in its place."""
        victim = self.workers[at]
        assert victim.pid is not None
        os.kill(victim.pid, signal.SIGKILL)
        victim.join()
        self.workers[at] = self._start()

    def end(self) -> list[int | None]:
        """Ask all to end, and wait; their exit codes."""
        for worker in self.workers:
            worker.terminate()
        for worker in self.workers:
            worker.join(30)
        return [w.exitcode for w in self.workers]


def gauge_of(settings: Settings) -> Gauge | None:
    """The queue as it is; None while Redis is down."""
    try:
        client = redis_server.connect(settings)
        try:
            return gauges(client)[0]
        finally:
            client.close()
    except (redis.RedisError, RedisUnavailable):
        return None


def acknowledged(settings: Settings) -> int:
    """Entries that are done with: added, handed out, acknowledged. 0 while Redis is down."""
    try:
        client: Any = redis_server.connect(settings)
        try:
            seen = gauges(client)[0]
            return int(client.xinfo_stream("stream:weaviate")["entries-added"]) - (seen.lag or 0) - seen.pending
        finally:
            client.close()
    except (redis.RedisError, RedisUnavailable):
        return 0


def push(settings: Settings, given: Sequence[Parcel], at_once: int, done: threading.Event | None = None) -> None:
    """Publish all, again from where it broke off, whatever happens to Redis."""
    at = 0
    while at < len(given):
        try:
            client = redis_server.connect(settings)
            client.set_retry(Retry(NoBackoff(), 0))
            open_highway(client)
            while at < len(given):
                publish(client, given[at : at + at_once])
                at += at_once
        except (redis.RedisError, RedisUnavailable):
            time.sleep(_POLL_S)
    if done is not None:
        done.set()


def under_fire(
    folder: Path, n: int, worker_kills: int, redis_kills: int, *, batch: int = 500, idle: float = 1.0, seed: int = 7
) -> Fire:
    """Let items flow while workers and Redis are killed at random moments, spread over the flow; then count.

    Raises TimeoutError when items stay on the way.
    """
    rules = HighwayRules(batch=batch, claim_idle_seconds=idle, max_deliveries=50, heartbeat_seconds=idle / 3)  # pyright: ignore[reportCallIssue]
    settings, rng, began = settings_of(folder, rules), random.Random(seed), time.monotonic()
    server, given, published = redis_server.ensure(folder / "redis"), parcels(n), threading.Event()
    open_highway(server.client())
    group = Group(folder, rules)
    producer = threading.Thread(target=push, args=(settings, given, max(50, n // 100), published), daemon=True)
    producer.start()
    store = DuckVectors(settings.vectors_dir, "lexical", 384)
    kills = sorted(
        [(n * (k + rng.random()) / (worker_kills + 1), "worker") for k in range(worker_kills)]
        + [(n * (k + rng.random()) / (redis_kills + 1), "redis") for k in range(redis_kills)]
    )
    deadline = began + 60 + n / 200 + 5 * worker_kills + 10 * redis_kills
    try:
        while kills:
            if acknowledged(settings) >= kills[0][0]:
                time.sleep(rng.random() * 0.05)  # somewhere within a batch
                if kills.pop(0)[1] == "worker":
                    group.kill(rng.randrange(2))
                elif (running := redis_server.find(folder / "redis")) is not None:
                    os.kill(running.pid, signal.SIGKILL)
            _hurry(deadline, lambda: f"{gauge_of(settings)}, {store.count()} stored, kills to come {kills}")
        while not (published.is_set() and (seen := gauge_of(settings)) and not seen.pending and seen.lag == 0):
            _hurry(deadline, lambda: f"{gauge_of(settings)}, {store.count()} stored")
        codes = group.end()
        assert codes == [0, 0], codes
    finally:
        for worker in group.workers:
            worker.kill()
    return _counted(settings, store, given, worker_kills, redis_kills, time.monotonic() - began)


def _hurry(deadline: float, state: Callable[[], str]) -> None:
    if time.monotonic() > deadline:
        raise TimeoutError(f"items stay on the way: {state()}")
    time.sleep(_POLL_S)


def _counted(
    settings: Settings, store: DuckVectors, given: Sequence[Parcel], workers: int, redises: int, seconds: float
) -> Fire:
    import duckdb

    wanted = {p.threat_id: json.loads(p.document)["title"] for p in given}
    with duckdb.connect(str(store.path), read_only=True) as con:
        rows = con.execute("SELECT threat_id, title, versions FROM items").fetchall()
    last = gauge_of(settings)
    assert last is not None
    entries = redis_server.connect(settings).xinfo_stream("stream:weaviate")["entries-added"]  # pyright: ignore
    return Fire(
        items=len(given),
        stored=len(rows),
        distinct=len({r[0] for r in rows}),
        wrong=sum(wanted.get(r[0]) != r[1] for r in rows),
        rewritten=sum(r[2] != 1 for r in rows),
        dead=last.dead,
        worker_kills=workers,
        redis_kills=redises,
        redelivered=int(entries) - len(given),
        seconds=seconds,
    )


# ------------------------------------------------------------------------------------------------- group of benchmarks


def run(scratch: Path, n: int = 100_000, worker_kills: int = 20, redis_kills: int = 5) -> list[Row]:
    """Items in, items through two workers, and the whole scenario of kills. Raises AssertionError for any loss."""
    rules = HighwayRules(claim_idle_seconds=10)  # pyright: ignore[reportCallIssue]
    settings, given = settings_of(scratch / "through", rules), parcels(n)
    client = redis_server.connect(settings)
    try:
        open_highway(client)
        began = time.perf_counter()
        publish(client, given)
        pushed = time.perf_counter() - began
        group = Group(scratch / "through", rules)
        try:
            while gauges(client)[0].workers < len(group.workers):  # how long a process starts is not measured
                time.sleep(_POLL_S)
            already, began = acknowledged(settings), time.perf_counter()
            while acknowledged(settings) < n:
                time.sleep(_POLL_S)
            through = (time.perf_counter() - began) * n / max(1, n - already)
        finally:
            group.end()
    finally:
        redis_server.stop(scratch / "through" / "redis")
    try:
        fire = under_fire(scratch / "fire", n, worker_kills, redis_kills)
    finally:
        redis_server.stop(scratch / "fire" / "redis")
    assert (fire.stored, fire.distinct, fire.wrong, fire.rewritten, fire.dead) == (n, n, 0, 0, 0), fire
    words = f"{n:,} items while workers are killed {worker_kills} times and Redis {redis_kills} times: each stored once"
    put = f"{n:,} items in, pipelined; append-only, every write on disk"
    taken = f"{n:,} items through a group of two workers into vectors"
    return [
        Row(put, pushed, peak_mb(), target=Target(seconds=n / 20_000)),
        Row(taken, through, peak_mb(), target=Target(seconds=n / 5_000)),
        Row(words, fire.seconds, peak_mb()),
    ]
