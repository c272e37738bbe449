"""A publication: what is due goes to Redis, and the lake writes down that it went.

Here belongs the order of the two. Redis first, then the lake: a run that dies in between publishes again, which the
stores do not notice; the other order would lose what never went.
"""

from __future__ import annotations

import datetime as dt
import json
from typing import Any, cast

import pyarrow as pa
import redis

from cyberpi_assets.domain.highway.due import due, log
from cyberpi_assets.settings import Settings
from cyberpi_assets.storage.highway import keys
from cyberpi_assets.storage.highway.gauges import Gauge, dead_letters, gauges
from cyberpi_assets.storage.highway.keys import QUEUES, Queue
from cyberpi_assets.storage.highway.publishing import Parcel, open_highway, publish
from cyberpi_assets.storage.highway.worker import NO_DOCUMENT
from cyberpi_assets.storage.redis_server import RedisUnavailable, connect, said


def publish_due(settings: Settings, items: pa.Table, before: pa.Table) -> tuple[pa.Table, dict[str, Any]]:
    """Publish what is due; the log after it, and how full the highway is then.

    items: `tables.INTELLIGENCE_ITEMS`; before: `tables.THREAT_HIGHWAY`. Nothing is published while more than
    `highway.max_lag` entries wait for a worker. Raises RedisUnavailable.
    """
    rules, client = settings.highway, connect(settings)
    try:
        epoch = open_highway(client)
        waiting = max(g.lag or 0 for g in gauges(client))
        lost = {d["id"] for queue in QUEUES for d in dead_letters(client, queue) if d.get("reason") == NO_DOCUMENT}
        expired = {i for i in lost if not client.exists(keys.parsed(i))}
        found = due(items, before, epoch, expired, rules.publish_days) if waiting <= rules.max_lag else []
        parcels = [
            Parcel(
                d.row["threat_id"],
                json.dumps(d.item, ensure_ascii=False),
                cast(tuple[Queue, ...], tuple(d.row["queues"])),
            )
            for d in found
        ]
        publish(client, parcels, rules.foreign_consumers)
        now = dt.datetime.now(dt.UTC)
        told: dict[str, Any] = {"published": len(found), "waited_for_workers": waiting > rules.max_lag}
        for reason in ("new", "changed", "lost", "expired"):
            told[f"published_{reason}"] = sum(d.row["reason"] == reason for d in found)
        for gauge in gauges(client):
            told |= _figures(gauge)
    except redis.RedisError as error:  # redis' own words name the address
        raise RedisUnavailable(
            f"Redis went away amid the publication: {said(error)}; the next run publishes what the lake holds"
        ) from None
    finally:
        client.close()
    return log(before, found, now), told


def _figures(gauge: Gauge) -> dict[str, Any]:
    name = gauge.queue
    found = {
        f"{name}_depth": gauge.depth,
        f"{name}_lag": gauge.lag,
        f"{name}_pending": gauge.pending,
        f"{name}_dead_letters": gauge.dead,
        f"{name}_workers": gauge.workers,
    }
    return {k: v for k, v in found.items() if v is not None}
