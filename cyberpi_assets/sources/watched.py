"""The lists of watched names beside a profile's own facts.

Here belongs that a list a person edits is read with every profile that wants it. Its rows are read by
`sources/files/watchlist.py`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cyberpi_assets.sources.files.content import decode
from cyberpi_assets.sources.files.watchlist import read_watchlist, records_of_list
from cyberpi_assets.sources.intake import Gathered, Intake, Sources, Unit
from cyberpi_assets.sources.rows import Origin, Unreadable

LIST_VERSION: Final = 1  # a higher number reads every list anew
LARGEST_BYTES: Final = 4 * 2**20


@dataclass(frozen=True)
class WatchedList:
    """A file with a list, and the lists its rows are of; none: what the rows say. `wanted`: absence is an error."""

    path: Path
    lists: tuple[str, ...] = ()
    wanted: bool = True


class WithLists:
    """A profile's sources and lists of watched names as one source."""

    def __init__(self, sources: Sources, intake: Intake, lists: Sequence[WatchedList]) -> None:
        """Name what stands beside each other; nothing is read yet."""
        self.sources, self.intake, self.lists = sources, intake, tuple(lists)

    def gather(self, progress: Callable[[str], None] | None = None) -> Gathered:
        """The facts of the profile and of the lists. A list that cannot be read is a line of account with the reason.

        Raises FileNotFoundError for a list that a person named and that is not there.
        """
        gathered = self.sources.gather(progress)
        units = [self._unit(each) for each in self.lists if each.wanted or each.path.exists()]
        return Gathered(gathered.intake, (*gathered.units, *units), gathered.priority)

    def _unit(self, of: WatchedList) -> str:
        """The list's unit of the intake, read if it is new. Its file is called `list:<name>` in the account."""
        if not of.path.is_file():
            raise FileNotFoundError(f"no list of watched names at {of.path}")
        data, file = of.path.read_bytes()[: LARGEST_BYTES + 1], f"list:{of.path.name}"
        unit_id = Intake.unit_id(file, data.hex() if len(data) <= LARGEST_BYTES else len(data), of.lists, LIST_VERSION)
        if self.intake.has(unit_id):
            return unit_id
        modified = dt.datetime.fromtimestamp(int(of.path.stat().st_mtime), dt.UTC)
        unit = Unit(file, "watchlist", "watchlist/list", of.path.stat().st_size, modified)
        try:
            if len(data) > LARGEST_BYTES:
                raise Unreadable(f"too large: a list of more than {LARGEST_BYTES:,} bytes")
            text, unit.reason = decode(data)
            reading = read_watchlist(records_of_list(text), Origin(file), of.lists)
            unit.rows_read, unit.facts, unit.quarantine = reading.rows_read, dict(reading.facts), reading.quarantine
        except Unreadable as reason:
            unit.reason = str(reason)
        self.intake.write(unit_id, unit)
        return unit_id
