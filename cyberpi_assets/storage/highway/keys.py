"""Names in Redis: those of the existing platform, and ours beside them.

Here belongs every key of the highway and how long it lives. What is done with them is in `publishing.py`, `lane.py` and
`notices.py`.
"""

from __future__ import annotations

from typing import Final, Literal, get_args

Queue = Literal["weaviate", "neo4j", "alerts"]
QUEUES: Final[tuple[Queue, ...]] = get_args(Queue)

PARSED_SECONDS: Final = 7 * 86_400
SENT_SECONDS: Final = 30 * 86_400
GROUP: Final = "workers"
EPOCH: Final = "highway:epoch"  # says which life of the server this is: another value, or none, and all was lost


def parsed(threat_id: str) -> str:
    """Where the item's document is: a JSON string, for 7 days."""
    return f"threat:parsed:{threat_id}"


def sent(threat_id: str) -> str:
    """There while a notice of the item was sent in the last 30 days."""
    return f"alert:sent:{threat_id}"


def list_of(queue: Queue) -> str:
    """The list that others LPUSH threat ids to and BRPOP them from."""
    return f"queue:{queue}"


def stream_of(queue: Queue) -> str:
    """The stream that our workers read; fields: id, and from (`list` where a foreign producer pushed it)."""
    return f"stream:{queue}"


def dead_of(queue: Queue) -> str:
    """The stream of what could not be stored; fields: id, reason, deliveries, entry."""
    return f"stream:{queue}:dead"


def errors_of(queue: Queue) -> str:
    """The last error of each entry that is yet to be tried again, by entry id."""
    return f"stream:{queue}:errors"


def workers_of(queue: Queue) -> str:
    """Workers that live: a sorted set of consumer names by the moment (s since 1970) until which each counts so."""
    return f"highway:workers:{queue}"
