"""Fetched documents as units of the intake: each read once, a unit per month of filing.

Belongs here: which units a site's documents make, and that none is parsed twice. A month that gains a document is put
together anew from kept readings; its id names every document in it by its hash.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from cyberpi_assets.sources.files.official import DOCUMENTS_VERSION, Account
from cyberpi_assets.sources.files.recognise import Format
from cyberpi_assets.sources.intake import Intake, Unit
from cyberpi_assets.sources.live.readings import Readings
from cyberpi_assets.sources.live.troubles import Troubles
from cyberpi_assets.sources.rows import Reading
from cyberpi_assets.sources.web.cache import DamagedCache, RawDocument


class Read(Protocol):
    """What a document's reader gives."""

    @property
    def status(self) -> str:
        """`failed` where nothing could be read: that is tried again whenever its month is."""
        ...


T = TypeVar("T", bound=Read)


@dataclass(frozen=True)
class Kept:
    """A document on disk: its number or UUID, the day it was filed, and the bytes as served."""

    document: str
    filed_on: dt.date | None
    raw: RawDocument

    @property
    def month(self) -> str:
        """The month of filing."""
        return f"{self.filed_on:%Y-%m}" if self.filed_on else "undated"


@dataclass(frozen=True)
class Documents(Generic[T]):
    """One site's documents of one form. `read` reads many of them, in any order; `put` writes one into an account."""

    part: str
    folder: str
    form: Format
    readings: Readings[T]
    read: Callable[[Sequence[RawDocument]], Iterator[tuple[RawDocument, T]]]
    put: Callable[[Account, T, Kept], None]

    def units(
        self, intake: Intake, kept: Iterable[Kept], troubles: Troubles, progress: Callable[[str], None]
    ) -> list[str]:
        """The units of all documents that are kept, by month; those that are not there yet are written."""
        months: dict[str, list[Kept]] = {}
        for document in sorted(kept, key=lambda k: (k.month, k.document)):
            months.setdefault(document.month, []).append(document)
        wanted = [k for m, group in months.items() if not intake.has(self._id(m, group)) for k in group]
        fresh, damaged = self._read(wanted, troubles, progress)
        units: list[str] = []
        for month, group in months.items():
            whole = [k for k in group if k.raw.sha256 not in damaged]
            if whole:
                units.append(self._write(intake, month, whole, fresh))
        return units

    def _read(
        self, wanted: Sequence[Kept], troubles: Troubles, progress: Callable[[str], None]
    ) -> tuple[dict[str, T], set[str]]:
        """Readings by hash, and the hashes of documents whose bytes are not those that were served."""
        found: dict[str, T] = {}
        damaged: set[str] = set()
        unread: dict[str, RawDocument] = {}
        for kept in wanted:
            sha256 = kept.raw.sha256
            if sha256 in found or sha256 in unread:
                continue
            if (reading := self.readings.find(sha256)) is not None:
                found[sha256] = reading
                continue
            try:
                kept.raw.body()
            except DamagedCache as error:
                damaged.add(sha256)
                troubles.miss(kept.document, "filings", f"the kept document is damaged: {error}", retryable=False)
            else:
                unread[sha256] = kept.raw
        for raw, reading in self.read(list(unread.values())):
            progress(raw.url.rsplit("/", 2)[-1] or raw.url)
            found[raw.sha256] = reading
            if reading.status != "failed":
                self.readings.keep(raw.sha256, reading)
        return found, damaged

    def _write(self, intake: Intake, month: str, group: Sequence[Kept], readings: dict[str, T]) -> str:
        def read(file: str) -> Reading:
            account = Account(file)
            for kept in group:
                self.put(account, readings[kept.raw.sha256], kept)
            return account.reading()

        file = f"live:{self.part}/{self.folder}/{month}"
        size, at = sum(k.raw.size for k in group), max(k.raw.fetched_at for k in group)
        return write_unit(intake, self._id(month, group), (file, self.form), size, at, read)

    def _id(self, month: str, group: Sequence[Kept]) -> str:
        named = sorted(f"{k.document}:{k.raw.sha256}" for k in group)
        return Intake.unit_id("live", self.part, self.folder, month, DOCUMENTS_VERSION, *named)


def write_unit(
    intake: Intake,
    unit_id: str,
    named: tuple[str, Format],
    size: int,
    at: dt.datetime,
    read: Callable[[str], Reading],
) -> str:
    """Write a unit unless it is there; its id. `named`: its file and format; `read(file)` gives its facts."""
    if not intake.has(unit_id):
        file, form = named
        reading = read(file)
        unit = Unit(file, form.kind, form.name, size, at, reading.rows_read, reading.note, dict(reading.facts))
        unit.quarantine = reading.quarantine
        intake.write(unit_id, unit)
    return unit_id
