"""The House as a part of profile live: the Clerk's yearly indexes, and the transaction reports they name.

Belongs here: which indexes and documents are asked for, and which units they make. Addresses are in `house_clerk.py`,
what a document says in `sources/house/`, what becomes of it in `sources/files/official.py`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

from cyberpi_assets.sources.files import official
from cyberpi_assets.sources.house.index import IndexRow, IndexRows, read_index
from cyberpi_assets.sources.house.pool import parse_many
from cyberpi_assets.sources.house.ptr import PtrDocument
from cyberpi_assets.sources.intake import Intake
from cyberpi_assets.sources.live.asking import Asking
from cyberpi_assets.sources.live.documents import Documents, Kept, write_unit
from cyberpi_assets.sources.live.house_clerk import FIRST_YEAR, HouseClerk
from cyberpi_assets.sources.live.readings import Readings
from cyberpi_assets.sources.live.scans import house_scans
from cyberpi_assets.sources.live.troubles import Troubles, fetch
from cyberpi_assets.sources.ocr.units import scan_units
from cyberpi_assets.sources.rows import Reading
from cyberpi_assets.sources.web import errors as e
from cyberpi_assets.sources.web.cache import DamagedCache, RawDocument

NAME = "house_clerk"


class HousePart:
    """Indexes by year, reports by month of filing."""

    name = NAME
    remote = True

    def __init__(self, clerk: HouseClerk, asking: Asking) -> None:
        self._clerk, self._asking = clerk, asking
        readings = Readings(asking.folder / "read" / NAME, official.DOCUMENTS_VERSION, PtrDocument)
        self._documents = Documents(NAME, "ptr", official.PDF, readings, _read, _put)

    def collect(self, intake: Intake, progress: Callable[[str], None]) -> Sequence[str]:
        """As `LivePart` says."""
        troubles = Troubles(NAME)
        units: list[str] = []
        reports: dict[str, IndexRow] = {}
        for year, raw, found in self._indexes(troubles, progress):
            units.append(_index_unit(intake, year, raw, found))
            for row in found.rows:
                if row.filing_type == "P":
                    reports.setdefault(row.doc_id, row)
        rows = sorted(reports.values(), key=lambda r: (r.filing_date or dt.date.min, r.doc_id), reverse=True)
        self._fetch(rows, troubles, progress)
        kept = [Kept(r.doc_id, r.filing_date, raw) for r in rows if (raw := self._clerk.kept(r)) is not None]
        units += self._documents.units(intake, kept, troubles, progress)
        if self._asking.ocr.enabled:
            units += scan_units(intake, house_scans(NAME, kept, self._documents.readings), self._asking.ocr, progress)
        return [*units, *troubles.units(intake)]

    def _indexes(
        self, troubles: Troubles, progress: Callable[[str], None]
    ) -> Iterator[tuple[int, RawDocument, IndexRows]]:
        """Indexes of the years asked for, and those kept from before. One that cannot be had is the kept one."""
        this_year = self._asking.today.year
        asked = {y for w in self._asking.windows for y in range(w.first.year - 1, w.last.year + 1)}
        given_up = False
        for year in range(FIRST_YEAR, this_year + 1):
            raw = self._clerk.kept_index(year)
            if year in asked and not given_up:
                progress(f"index of the House, {year}")
                try:
                    raw = self._clerk.index(year, poll=year >= this_year - 1)
                except e.FetchError as error:
                    troubles.fail(error)
                    given_up = not isinstance(error, (e.Missing, e.NotADocument))
            if raw is None:
                continue
            try:
                found = read_index(raw.body(), f"{year}FD.zip")
            except DamagedCache as error:
                troubles.say(f"the kept index of {year} is damaged: {error}")
                continue
            if found.failure is not None:
                troubles.say(found.failure)
            yield year, raw, found

    def _fetch(self, rows: Iterable[IndexRow], troubles: Troubles, progress: Callable[[str], None]) -> None:
        """The newest first: where not all can be had, those are wanted most."""
        wanted = [
            (f"house:{row.doc_id}", partial(self._clerk.document, row))
            for row in rows
            if self._asking.holds(row.filing_date, row.year) and self._clerk.kept(row) is None
        ]
        fetch(wanted, self._asking.most, troubles, progress)


def _index_unit(intake: Intake, year: int, raw: RawDocument, found: IndexRows) -> str:
    def read(file: str) -> Reading:
        account = official.Account(file)
        official.house_index(account, found)
        reading = account.reading()
        reading.note = found.failure
        return reading

    unit_id = Intake.unit_id("live", NAME, year, raw.sha256, official.DOCUMENTS_VERSION)
    named = (f"live:{NAME}/{year}FD.zip", official.HOUSE_INDEX)
    return write_unit(intake, unit_id, named, raw.size, raw.fetched_at, read)


def _read(documents: Sequence[RawDocument]) -> Iterator[tuple[RawDocument, PtrDocument]]:
    """Each in a process that may be ended: PDFium meets bytes of others."""
    by_path = {raw.path: raw for raw in documents}
    for path, document in parse_many(by_path):
        yield by_path[path], document


def _put(account: official.Account, document: PtrDocument, kept: Kept) -> None:
    official.house_pdf(account, document, kept.document, kept.raw.sha256)
