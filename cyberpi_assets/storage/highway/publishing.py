"""What goes onto the highway: documents under their keys, ids onto the queues.

Here belongs the producing side. Which items are due is in `domain/highway.py`; who takes them off is `lane.py`.

A document and its places in the queues are one transaction, so no worker meets an id without its document. A
publication that broke off may be repeated: the stores know an item by its id and its content.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast

import redis

from cyberpi_assets.storage.highway import keys
from cyberpi_assets.storage.highway.keys import QUEUES, Queue

_BATCH = 500


@dataclass(frozen=True)
class Parcel:
    """One item on its way: its id, its document as JSON, and the queues it goes to."""

    threat_id: str
    document: str
    queues: tuple[Queue, ...]


def open_highway(client: redis.Redis) -> str:
    """Make sure of streams and groups; the epoch of this server's memory, another one after it was lost.

    A group stands at the beginning of its stream, so nothing is passed over that came before the first worker.
    """
    for queue in QUEUES:
        with suppress(redis.ResponseError):  # the group is there
            client.xgroup_create(keys.stream_of(queue), keys.GROUP, id="0", mkstream=True)
    client.set(keys.EPOCH, uuid.uuid4().hex, nx=True)
    return str(client.get(keys.EPOCH))


def publish(client: redis.Redis, parcels: Sequence[Parcel], mirrored: Sequence[Queue] = ()) -> int:
    """Put items onto the highway, 500 to a transaction; how many.

    Ids of `mirrored` queues are also pushed to the list of that queue, for foreign consumers. Raises redis.RedisError;
    whole transactions before it stand, and the call may be repeated.
    """
    streams = {queue: keys.stream_of(queue) for queue in QUEUES}
    lists = {queue: keys.list_of(queue) for queue in mirrored}
    for at in range(0, len(parcels), _BATCH):
        pipe = client.pipeline(transaction=True)
        add = cast(Any, pipe).execute_command  # building options of each command takes longer than sending it
        pushed: dict[Queue, list[str]] = {}
        for parcel in parcels[at : at + _BATCH]:
            add("SET", keys.parsed(parcel.threat_id), parcel.document, "EX", keys.PARSED_SECONDS)
            for queue in parcel.queues:
                add("XADD", streams[queue], "*", "id", parcel.threat_id)
                if queue in lists:
                    pushed.setdefault(queue, []).append(parcel.threat_id)
        for queue, ids in pushed.items():
            add("LPUSH", lists[queue], *ids)
        pipe.execute()
    return len(parcels)
