"""The sweeps of quotes and option chains as units: what market providers gave, and the gaps.

Asks nobody: `cyberpi sweep` and the job `sweep` fill the folder (`sources/providers/`). A finished sweep never changes,
so its name is its version. One that still goes on, or was killed, is no unit before it is finished.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from pathlib import Path

from cyberpi_assets.sources.intake import Intake, Unit
from cyberpi_assets.sources.providers.store import FACTS, Sweep, sweeps

VERSION = 1


class SweepPart:
    """The folder of sweeps as a part of profile live."""

    name = "sweeps"
    remote = False

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self, intake: Intake, progress: Callable[[str], None]) -> Sequence[str]:
        """One unit for each finished sweep, oldest first."""
        units: list[str] = []
        for sweep in sweeps(self._folder):
            if not sweep.finished:
                continue
            unit_id = Intake.unit_id("sweep", VERSION, sweep.id)
            if not intake.has(unit_id):
                progress(f"sweeps/{sweep.id}")
                intake.write(unit_id, unit_of(sweep))
            units.append(unit_id)
        return units


def unit_of(sweep: Sweep) -> Unit:
    """A finished sweep as a unit: every row is accepted, since the provider's reader made them facts already."""
    facts = {fact: table for fact in FACTS if (table := sweep.table(fact)).num_rows}
    files = [p.stat() for p in (sweep.folder / "whole").glob("*.parquet")]
    return Unit(
        file=f"sweeps/{sweep.id}",
        kind="options",
        format=f"sweep/{sweep.about['provider']}",
        bytes=sum(f.st_size for f in files),
        modified_at=dt.datetime.fromtimestamp(max((f.st_mtime for f in files), default=0.0), dt.UTC),
        rows_read=sum(table.num_rows for table in facts.values()),
        facts=dict(facts),
    )
