"""The Senate as a part of profile live: the search of its disclosure site, its report pages and their images.

Belongs here: which searches, pages and images are asked for, and which units they make. The session with the site is
in `senate_efd.py`, what a page says in `sources/senate/`, what becomes of it in `sources/files/official.py`. Images
are fetched and kept beside their page, for character recognition.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from cyberpi_assets.sources.files import official
from cyberpi_assets.sources.intake import Intake
from cyberpi_assets.sources.live.asking import Asking, Window
from cyberpi_assets.sources.live.documents import Documents, Kept, write_unit
from cyberpi_assets.sources.live.readings import Readings
from cyberpi_assets.sources.live.scans import paper_scans
from cyberpi_assets.sources.live.senate_efd import SenateEfd
from cyberpi_assets.sources.live.troubles import Troubles, fetch
from cyberpi_assets.sources.ocr.units import scan_units
from cyberpi_assets.sources.rows import Reading, Unreadable
from cyberpi_assets.sources.senate.page import SenatePtr, read_ptr_page
from cyberpi_assets.sources.senate.search import SearchRow, read_search
from cyberpi_assets.sources.web import errors as e
from cyberpi_assets.sources.web.cache import DamagedCache, RawDocument, write_whole

NAME = "senate_efd"


@dataclass(frozen=True)
class Search:
    """A search that was read to its end: its days, when it was, and the hashes of its answers."""

    since: str
    until: str
    at: dt.datetime
    answers: tuple[str, ...]


class SenatePart:
    """Searches by window of days, reports by month of submission."""

    name = NAME
    remote = True

    def __init__(self, efd: SenateEfd, asking: Asking) -> None:
        self._efd, self._asking, self._cache = efd, asking, asking.client.cache
        readings = Readings(asking.folder / "read" / NAME, official.DOCUMENTS_VERSION, SenatePtr)
        self._documents = Documents(NAME, "reports", official.PAGE, readings, _read, _put)
        self._readings = readings

    def collect(self, intake: Intake, progress: Callable[[str], None]) -> Sequence[str]:
        """As `LivePart` says."""
        troubles = Troubles(NAME)
        for window in self._asking.windows:
            self._search(window, troubles, progress)
        units, rows = self._index(intake, troubles)
        reports = sorted(
            (r for r in rows if r.is_ptr), key=lambda r: (r.submitted_on or dt.date.min, r.document), reverse=True
        )
        wanted = [r for r in reports if self._asking.holds(r.submitted_on)]
        missing = [(f"senate:{r.document}", partial(self._efd.document, r)) for r in wanted if not self._efd.kept(r)]
        left = self._asking.most - fetch(missing, self._asking.most, troubles, progress)
        kept = [Kept(r.document, r.submitted_on, raw) for r in reports if (raw := self._efd.kept(r)) is not None]
        units += self._documents.units(intake, kept, troubles, progress)
        papers = {r.document for r in wanted if r.kind == "paper"}
        self._fetch_images([k for k in kept if k.document in papers], left, troubles, progress)
        if self._asking.ocr.enabled:
            scans = paper_scans(NAME, kept, self._readings, self._cache)
            units += scan_units(intake, scans, self._asking.ocr, progress)
        return [*units, *troubles.units(intake)]

    # ------------------------------------------------------------------------------------------------------- the index

    def _search(self, window: Window, troubles: Troubles, progress: Callable[[str], None]) -> None:
        """Search a window and keep the answers' hashes, unless that was done a moment ago."""
        open_ended = window.last >= self._asking.today
        until = "present" if open_ended else window.last.isoformat()
        path = self._folder / f"{window.first.isoformat()}_{until}.json"
        known, now = _search_of(path), self._asking.client.clock.now()
        if known is not None and (now - known.at).total_seconds() < self._asking.poll_seconds:
            return
        progress(f"search of the Senate, from {window.first}")
        try:
            found = self._efd.search(window.first, None if open_ended else window.last)
        except e.FetchError as error:
            troubles.fail(error)
            return
        answers = tuple(a.sha256 for a in found.answers)
        kept = {"since": window.first.isoformat(), "until": until, "at": now.isoformat(), "answers": answers}
        write_whole(path, json.dumps(kept, indent=1).encode())

    def _index(self, intake: Intake, troubles: Troubles) -> tuple[list[str], list[SearchRow]]:
        """The unit of all searches that were ever read to their end, and its rows; the latest search is believed."""
        searches = [s for path in sorted(self._folder.glob("*.json")) if (s := _search_of(path)) is not None]
        rows: dict[str, SearchRow] = {}
        unreadable: dict[str, None] = {}
        answers: list[str] = []
        size = 0
        for search in sorted(searches, key=lambda s: s.at):
            for sha256 in search.answers:
                try:
                    body = self._cache.served(sha256)
                    page = read_search(body)
                except (DamagedCache, Unreadable) as error:
                    troubles.say(f"a kept answer of the search cannot be read: {error}")
                    continue
                answers.append(sha256)
                size += len(body)
                rows |= {row.document: row for row in page.rows}
                unreadable |= {f"{sha256[:12]} {number}: {reason}": None for number, reason in page.unreadable}
        if not answers:
            return [], []

        def read(file: str) -> Reading:
            account = official.Account(file)
            official.senate_index(account, rows.values(), enumerate(unreadable, 1))
            return account.reading()

        unit_id = Intake.unit_id("live", NAME, "index", official.DOCUMENTS_VERSION, *sorted(set(answers)))
        named = (f"live:{NAME}/search", official.SENATE_INDEX)
        at = max(s.at for s in searches)
        return [write_unit(intake, unit_id, named, size, at, read)], list(rows.values())

    @property
    def _folder(self) -> Path:
        return self._asking.folder / NAME / "searches"

    # ------------------------------------------------------------------------------------------------------ the images

    def _fetch_images(
        self, papers: Iterable[Kept], most: int, troubles: Troubles, progress: Callable[[str], None]
    ) -> None:
        wanted: list[tuple[str, Callable[[], object]]] = []
        for paper in papers:
            page = self._readings.find(paper.raw.sha256)
            if page is not None and any(self._cache.find(url) is None for url in page.images):
                wanted.append((f"senate:{paper.document}", partial(_all, self._efd, page)))
        fetch(wanted, most, troubles, progress)


def _all(efd: SenateEfd, page: SenatePtr) -> list[RawDocument]:
    return list(efd.images(page))


def _search_of(path: Path) -> Search | None:
    try:
        kept: dict[str, Any] = json.loads(path.read_bytes())
        at = dt.datetime.fromisoformat(kept["at"])
        return Search(kept["since"], kept["until"], at, tuple(kept["answers"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _read(documents: Sequence[RawDocument]) -> Iterator[tuple[RawDocument, SenatePtr]]:
    for raw in documents:
        yield raw, read_ptr_page(raw.body(), base=raw.url)


def _put(account: official.Account, page: SenatePtr, kept: Kept) -> None:
    official.senate_page(account, page, kept.document, kept.raw.sha256)
