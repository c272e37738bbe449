"""Scanned documents among those that were fetched, as character recognition takes them.

Belongs here: which fetched files are the pages of which document. Whether and how they are read is in `sources/ocr`.
"""

from __future__ import annotations

from collections.abc import Iterable

from cyberpi_assets.sources.house.ptr import PtrDocument
from cyberpi_assets.sources.live.documents import Kept
from cyberpi_assets.sources.live.readings import Readings
from cyberpi_assets.sources.ocr.units import Scan
from cyberpi_assets.sources.senate.page import SenatePtr
from cyberpi_assets.sources.web.cache import RawCache


def house_scans(part: str, kept: Iterable[Kept], readings: Readings[PtrDocument]) -> list[Scan]:
    """Reports that are images without text: a page of the document per page."""
    scans: list[Scan] = []
    for k in kept:
        reading = readings.find(k.raw.sha256)
        if reading is not None and reading.status == "scanned":
            pages = tuple((k.raw.path, number) for number in range(1, (reading.n_pages or 1) + 1))
            file = f"live:{part}/scans/{k.document}.pdf"
            scans.append(Scan("house", k.document, file, pages, k.raw.sha256, k.raw.size, k.raw.fetched_at))
    return scans


def paper_scans(part: str, kept: Iterable[Kept], readings: Readings[SenatePtr], cache: RawCache) -> list[Scan]:
    """Paper filings all of whose images are there: an image per page."""
    scans: list[Scan] = []
    for k in kept:
        reading = readings.find(k.raw.sha256)
        if reading is None or reading.status != "paper" or not reading.images:
            continue
        images = [image for url in reading.images if (image := cache.find(url)) is not None]
        if len(images) == len(reading.images):
            pages = tuple((image.path, 1) for image in images)
            size, at = sum(i.size for i in images), max(i.fetched_at for i in images)
            file = f"live:{part}/scans/{k.document}"
            scans.append(Scan("senate", k.document, file, pages, "|".join(i.sha256 for i in images), size, at))
    return scans
