"""Sweeps of quotes and option chains, and daily bars, as units: what market providers gave, and the gaps.

Asks nobody: `cyberpi sweep` and the job `sweep` fill the folder (`sources/providers/`). A finished sweep never changes,
so its name is its version. One that still goes on, or was killed, is no unit before it is finished.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow.parquet as pq

from cyberpi_assets.sources.intake import Intake, Unit
from cyberpi_assets.sources.providers import history
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


class BarsPart:
    """The folder of daily bars as a part of profile live: the newest history of each name, and of no other day."""

    name = "bars"
    remote = False

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self, intake: Intake, progress: Callable[[str], None]) -> Sequence[str]:
        """One unit for each name, in the order of providers and names."""
        units: list[str] = []
        for folder in sorted(p.parent for p in self._folder.glob("*/*/asked.json")):
            files = sorted(folder.glob("*.parquet"))
            file = f"bars/{folder.parent.name}/{folder.name}"
            digest = hashlib.sha256(b"".join(hashlib.sha256(f.read_bytes()).digest() for f in files)).hexdigest()
            unit_id = Intake.unit_id("bars", VERSION, file, digest)
            if not intake.has(unit_id):
                progress(file)
                facts = {f.stem: pq.read_table(f) for f in files if f.stem in history.FACTS}
                stats = [f.stat() for f in files]
                unit = Unit(
                    file=file,
                    kind="bars",
                    format=f"bars/{folder.parent.name}",
                    bytes=sum(s.st_size for s in stats),
                    modified_at=dt.datetime.fromtimestamp(max((s.st_mtime for s in stats), default=0.0), dt.UTC),
                    rows_read=sum(t.num_rows for t in facts.values()),
                    facts=dict(facts),
                )
                intake.write(unit_id, unit)
            units.append(unit_id)
        return units
