"""The log of checks: results are gathered and stored together, for a commit takes longer than most checks.

Here belongs when rows are stored. What a row says is decided in `checks/recorded.py`.

Stored are results as soon as one fails, when some seconds have passed since rows were last stored, whenever somebody
who reads them asks, and when the process lets go of the resource: after the last step of a run in one process, after
each step where every step has a process of its own. A process that is killed loses the passed results of its last
seconds; Dagster's history still has them, and the rerun checks again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import dagster as dg
import pyarrow as pa

from cyberpi_assets.storage.lake import Lake
from cyberpi_assets.tables import CHECK_RESULTS

LONGEST_SECONDS: Final = 5.0
MOST_FILES: Final = 256  # of the log, beyond which they are made one: opening each takes longer than reading it


class CheckLog:
    """Rows of `check_results` on their way into the lake."""

    def __init__(self, lake: Lake, clock: Callable[[], float] = time.monotonic) -> None:
        """Name the lake; nothing is opened yet."""
        self._lake, self._clock = lake, clock
        self._rows: list[Mapping[str, Any]] = []
        self._stored_at = clock()

    def add(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Take the rows of one check. Raises what `Lake.append` raises, where they are stored now."""
        self._rows.extend(rows)
        if not all(row["passed"] for row in rows) or self._clock() - self._stored_at >= LONGEST_SECONDS:
            self.store()

    def store(self) -> None:
        """Store what was taken, in one append. Raises what `Lake.append` raises; the rows are then kept."""
        if self._rows:
            self._lake.append(CHECK_RESULTS.name, pa.Table.from_pylist(self._rows, schema=CHECK_RESULTS.schema))
            self._rows = []
        self._stored_at = self._clock()

    def close(self, most_files: int = MOST_FILES) -> None:
        """Store what was taken, and make one file of a log that has become many. Raises what `Lake.append` raises."""
        self.store()
        if self._lake.size(CHECK_RESULTS.name).files > most_files:
            self._lake.compact(CHECK_RESULTS.name)


@dg.resource(
    required_resource_keys={"lake"}, description="Results of checks on their way into the table check_results."
)
def check_log(context: dg.InitResourceContext) -> Iterator[CheckLog]:
    """The log of the run's process; what it still holds is stored at the end."""
    log = CheckLog(context.resources.lake)
    try:
        yield log
    finally:
        log.close()
