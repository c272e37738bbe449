"""Scanned filings in a folder: House PDFs of images, and pictures of pages named by the report they belong to.

Here belongs which files are scans of which document. How they are read is in `sources/ocr`.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cyberpi_assets.sources.intake import Gathered
from cyberpi_assets.sources.ocr.units import Scan

_PICTURES: Final = (b"GIF8", b"\x89PNG", b"\xff\xd8\xff", b"II*\x00", b"MM\x00*")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_HOUSE = re.compile(r"(?<!\d)(\d{7,8})(?!\d)")
_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True)
class Seen:
    """A file of the folder: where it lies, its name relative to the folder, size and modification time."""

    path: Path
    file: str
    bytes: int
    mtime_ns: int

    @property
    def version(self) -> str:
        """What differs when the file does."""
        return f"{self.bytes}:{self.mtime_ns}"

    @property
    def modified_at(self) -> dt.datetime:
        """Modification time, UTC."""
        return dt.datetime.fromtimestamp(self.mtime_ns // 1_000_000_000, dt.UTC)


def scans_in(gathered: Gathered, found: Iterable[Seen]) -> list[Scan]:
    """The scanned documents among the files of a folder, once all of them have been gathered.

    A House PDF is one if its reading says so. A picture is one if its name, or the folder it lies in, holds a report's
    UUID or a House document number; the digits behind it order the pages. In the order of the files' names.
    """
    files = {seen.file: seen for seen in found}
    scans: list[Scan] = []
    scanned = gathered.facts("document_facts", "status = 'scanned' AND chamber = 'house'").to_pylist()
    for row in scanned:
        seen = files.get(row["file"])
        if seen is not None:
            pages = tuple((seen.path, number) for number in range(1, (row["pages"] or 1) + 1))
            scans.append(Scan("house", row["document"], seen.file, pages, seen.version, seen.bytes, seen.modified_at))
    return sorted([*scans, *_pictures(files.values())], key=lambda s: (s.file, s.document))


def _pictures(files: Iterable[Seen]) -> list[Scan]:
    documents: dict[tuple[str, str], list[tuple[list[int], Seen]]] = {}
    for seen in files:
        named = _named(seen.file)
        if named is not None and _is_picture(seen.path):
            chamber, document, rest = named
            order = [int(number[:9]) for number in _NUMBER.findall(rest)]
            documents.setdefault((chamber, document), []).append((order, seen))
    scans: list[Scan] = []
    for (chamber, document), pages in documents.items():
        pages.sort(key=lambda p: (p[0], p[1].file))
        first = pages[0][1]
        scans.append(
            Scan(
                chamber,
                document,
                first.file,
                tuple((seen.path, 1) for _, seen in pages),
                "|".join(f"{seen.file}:{seen.version}" for _, seen in pages),
                sum(seen.bytes for _, seen in pages),
                max(seen.modified_at for _, seen in pages),
                listed=False,
            )
        )
    return scans


def _named(file: str) -> tuple[str, str, str] | None:
    """Chamber and document out of a file's name or its folder's, and what of the name orders the pages."""
    parts = file.split("/")
    for place in (parts[-1], *parts[-2:-1]):
        for chamber, pattern in (("senate", _UUID), ("house", _HOUSE)):
            found = pattern.search(place)
            if found is not None:
                rest = place[found.end() :] if place is parts[-1] else parts[-1]
                return chamber, found[0].lower(), rest
    return None


def _is_picture(path: Path) -> bool:
    try:
        with path.open("rb") as handle:
            return handle.read(8).startswith(_PICTURES)
    except OSError:
        return False
