"""Hot copies: tables that live in Redis and are rebuilt from the lake."""

from __future__ import annotations

from cyberpi_assets.tables.shape import Hashes, table

WORKING_MEMORY = table(
    "working_memory",
    "The hot copy: the threats of the newest sweep that score high, where analysts' tools read them.",
    """
id          string!  work_ and eight digits that follow from threat_id
threat_id   string!  financial_{TICKER}_{YYYYMMDD_HHMM}, the snapshot's minute in New York
content     string!  the threat in words, for a person
severity    string!  critical | high | medium | low
started_at  timestamp! moment of the snapshot; what is there already stays
last_activity timestamp! last push, or what another tool wrote since
analyst_count int!   written by other tools, 0 at first
interaction_count int! written by other tools, 0 at first
metadata    string!  JSON: the threat with its indicators, coverage and disclaimers
""",
    key="threat_id",
    home="redis",
    ttl_seconds=3600,
    hashes=Hashes(
        prefix="cascade:working:",
        index="cascade:working:active",
        kept=("id", "started_at", "analyst_count", "interaction_count"),
        stamped="last_activity",
    ),
)
