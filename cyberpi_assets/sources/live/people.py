"""Legislators and committees as a part of profile live: the published lists, in the version that is current.

Belongs here: which lists are asked for, and that a list of seats, which does not date itself, is kept in every version
under the day it was fetched. The readers are those of profile files.
"""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from cyberpi_assets.sources.files.source import READER_VERSION, read_file
from cyberpi_assets.sources.intake import Intake, Unit
from cyberpi_assets.sources.live.legislators import FILES, Legislators
from cyberpi_assets.sources.live.troubles import Troubles
from cyberpi_assets.sources.rows import Origin, Unreadable
from cyberpi_assets.sources.web import errors as e
from cyberpi_assets.sources.web.cache import DamagedCache, RawCache

NAME = "congress_legislators"
LONGEST: Final = 256 * 2**20
DATED: Final = "committee-membership-current.json"


class PeoplePart:
    """A unit per list; one per version of the list of seats."""

    name = NAME
    remote = True

    def __init__(self, lists: Legislators, cache: RawCache) -> None:
        self._lists, self._cache = lists, cache

    def collect(self, intake: Intake, progress: Callable[[str], None]) -> Sequence[str]:
        """As `LivePart` says."""
        troubles = Troubles(NAME)
        units: list[str] = []
        given_up = False
        for name in FILES:
            raw = self._lists.kept(name)
            if not given_up:
                progress(name)
                try:
                    raw = self._lists.file(name)
                except e.FetchError as error:
                    troubles.fail(error)
                    given_up = not isinstance(error, (e.Missing, e.NotADocument))
            if raw is None:
                continue
            versions = {f"{raw.fetched_at:%Y-%m-%d}": (raw.sha256, raw.fetched_at)}
            for before in reversed(raw.earlier if name == DATED else ()):  # of a day the last version
                at = dt.datetime.fromisoformat(before["fetched_at"])
                versions.setdefault(f"{at:%Y-%m-%d}", (before["sha256"], at))
            for sha256, at in versions.values():
                unit = self._unit(intake, name, sha256, at, troubles)
                units += [unit] if unit is not None else []
        return [*units, *troubles.units(intake)]

    def _unit(self, intake: Intake, name: str, sha256: str, at: dt.datetime, troubles: Troubles) -> str | None:
        stem = name.removesuffix(".json")
        file = f"live:{NAME}/{stem}-{at:%Y-%m-%d}.json" if name == DATED else f"live:{NAME}/{name}"
        unit_id = Intake.unit_id("live", file, sha256, READER_VERSION)
        if intake.has(unit_id):
            return unit_id
        try:
            size = len(self._cache.served(sha256))
            with tempfile.TemporaryDirectory() as scratch:
                form, reading = read_file(self._cache.path(sha256), Origin(file), LONGEST, Path(scratch))
        except (DamagedCache, Unreadable) as error:
            troubles.say(f"{name}: {error}")
            return None
        facts = dict(reading.facts)
        unit = Unit(file, form.kind, form.name, size, at, reading.rows_read, reading.note, facts, reading.quarantine)
        intake.write(unit_id, unit)
        return unit_id
