"""How full the highway is: depth, lag, what is in hand, and what died, by queue.

Here belongs looking, which changes nothing. A figure that the server does not give is None, never 0.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import redis

from cyberpi_assets.storage.highway import keys
from cyberpi_assets.storage.highway.keys import GROUP, QUEUES, Queue

_MOST_COUNTED = 200_000


@dataclass(frozen=True)
class Gauge:
    """One queue. `lag`: entries not handed out yet; `pending`: handed out, not acknowledged; `listed`: in the list."""

    queue: Queue
    depth: int
    lag: int | None
    pending: int
    oldest_pending_seconds: float | None
    listed: int
    dead: int
    workers: int

    def words(self) -> str:
        """The gauge for a person, one line."""
        lag = "unknown" if self.lag is None else f"{self.lag:,}"
        held = (
            "" if self.oldest_pending_seconds is None else f", oldest silent for {self.oldest_pending_seconds:,.0f} s"
        )
        return (
            f"lag {lag}, pending {self.pending:,}{held}, stream {self.depth:,}, list {self.listed:,}, "
            f"dead letters {self.dead:,}, workers {self.workers}"
        )


def gauges(client: redis.Redis) -> list[Gauge]:
    """One gauge per queue, in the order of `keys.QUEUES`. Raises redis.RedisError."""
    return [_gauge(client, queue) for queue in QUEUES]


def _gauge(client: Any, queue: Queue) -> Gauge:
    stream = keys.stream_of(queue)
    depth = int(client.xlen(stream))
    groups = {g["name"]: g for g in client.xinfo_groups(stream)} if client.exists(stream) else {}
    group, oldest = groups.get(GROUP), None
    if group is not None and group["pending"]:
        first = client.xpending_range(stream, GROUP, "-", "+", 1)
        oldest = first[0]["time_since_delivered"] / 1000 if first else None
    lag = depth if group is None else group.get("lag")
    if lag is None and group is not None:  # an older server, or one that has forgotten how many it handed out
        lag = _counted(client, stream, str(group["last-delivered-id"]))
    return Gauge(
        queue,
        depth,
        None if lag is None else int(lag),
        0 if group is None else int(group["pending"]),
        oldest,
        int(client.llen(keys.list_of(queue))),
        int(client.xlen(keys.dead_of(queue))),
        int(client.zcount(keys.workers_of(queue), time.time(), "+inf")),
    )


def _counted(client: Any, stream: str, since: str) -> int | None:
    """Entries after one, counted by the server; None where there are too many to count."""
    script = "return #redis.call('XRANGE', KEYS[1], '(' .. ARGV[1], '+', 'COUNT', ARGV[2])"
    found = int(client.eval(script, 1, stream, since, _MOST_COUNTED + 1))
    return None if found > _MOST_COUNTED else found


def dead_letters(client: redis.Redis, queue: Queue, limit: int = 1000) -> Iterable[dict[str, Any]]:
    """The newest dead letters of a queue: id, reason, deliveries, entry."""
    found: Any = client.xrevrange(keys.dead_of(queue), count=limit)
    return [fields for _, fields in found]
