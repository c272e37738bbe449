"""The working memory made again from the lake, where a run finds nothing to compute.

Here belongs that Redis may lose everything at any time: rows run out after an hour, a server may be new. Whoever runs
again finds them there again. What is in them is decided in `domain/working_memory.py`.
"""

from __future__ import annotations

from cyberpi_assets.domain import working_memory as memory
from cyberpi_assets.orchestration.resources import lake_of
from cyberpi_assets.settings import Settings
from cyberpi_assets.storage.redis_io import RedisIOManager
from cyberpi_assets.storage.redis_server import RedisUnavailable
from cyberpi_assets.tables import WORKING_MEMORY


def publish_again(settings: Settings) -> str:
    """Push the newest sweep's high threats from the lake; what was done, in words. A server that is away is told."""
    lake = lake_of(settings)
    sweep = memory.newest_sweep(lake.read("threat_scores"), settings.memory)
    threats = memory.documents(sweep, lake.read("threat_indicators"), lake.read("companies"))
    rows = memory.working_memory(threats, settings.memory)
    if not rows.num_rows:
        return "no threat scores high enough for the working memory"
    try:
        RedisIOManager(settings).kept.write(WORKING_MEMORY.name, rows)
    except RedisUnavailable as error:
        return f"the working memory was not published: {error}"
    return f"{rows.num_rows} in the working memory"
