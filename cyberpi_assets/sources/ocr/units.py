"""Scanned documents as units of the intake: each read once per version of the file, of Tesseract and of our reading.

Here belongs which pages make a document, that none is recognised twice, and what becomes of the rows. Any source that
has scans, a folder or a site, hands them over as `Scan`s and gets units back (`scan_units`).
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from cyberpi_assets.rules.asking import OcrRules
from cyberpi_assets.sources.intake import Intake, Unit
from cyberpi_assets.sources.ocr.engine import Engine, find_engine
from cyberpi_assets.sources.workers import TOO_LONG
from cyberpi_assets.tables import DOCUMENT_FACTS, OCR_DOCUMENT_FACTS, OCR_ROW_FACTS, Table

OCR_VERSION: Final = 1  # a higher number reads every scan anew
KIND, FORMAT = "disclosures", "disclosures/ocr"
SOURCES: Final = {"house": "house_clerk", "senate": "senate_efd"}
_REASONS_SHOWN = 3


@dataclass(frozen=True)
class Scan:
    """One scanned document: what it is, the files that hold its pages in their order, and what tells their version.

    pages: (file, page within it from 1). file: the name under which the document is accounted for. version: differs
    whenever the bytes do. listed: whether another unit holds the document's own line of account.
    """

    chamber: str
    document: str
    file: str
    pages: tuple[tuple[Path, int], ...]
    version: str
    bytes: int
    modified_at: dt.datetime
    listed: bool = True


def scan_units(
    intake: Intake, scans: Sequence[Scan], rules: OcrRules, progress: Callable[[str], None] | None = None
) -> tuple[str, ...]:
    """The units of these scans; those that the intake does not have yet are read and written, one by one.

    Nothing is read unless `rules.enabled`: then there are no units. Without Tesseract each unit says what is lacking.
    A run that is killed has what it had finished. `progress` is told each document that is done.
    """
    if not rules.enabled or not scans:
        return ()
    engine = find_engine(rules.command)
    ids = {scan: _unit_id(scan, engine, rules) for scan in scans}
    fresh = [scan for scan in scans if not intake.has(ids[scan])]
    for scan, pages in _read(fresh, engine, rules):
        intake.write(ids[scan], _unit(scan, pages, engine))
        if progress is not None:
            progress(f"{scan.file} (character recognition)")
    return tuple(dict.fromkeys(ids.values()))


def reader_of(engine: Engine) -> str:
    """What read a scan, for whoever reviews it."""
    return f"tesseract {engine.version}, reading {OCR_VERSION}"


def _unit_id(scan: Scan, engine: Engine, rules: OcrRules) -> str:
    bounds = (rules.page_seconds, rules.max_pages)
    return Intake.unit_id("ocr", scan.chamber, scan.document, scan.file, scan.version, reader_of(engine), *bounds)


@dataclass(frozen=True)
class _Page:
    """What a page gave: rows as records, or the reason."""

    rows: tuple[dict[str, Any], ...]
    reason: str | None


def _read(scans: Sequence[Scan], engine: Engine, rules: OcrRules) -> Iterator[tuple[Scan, list[_Page]]]:
    """Each document with its pages in order, as soon as all of them are done."""
    program = engine.program
    if program is None:
        for scan in scans:
            yield scan, [_Page((), engine.lacking)] * max(1, len(scan.pages))
        return
    from cyberpi_assets.sources.ocr.page import PageReading  # these need the optional libraries
    from cyberpi_assets.sources.ocr.pool import Page, read_pages

    skipped = _Page((), f"beyond the first {rules.max_pages} pages")
    places: dict[Page, list[tuple[Scan, int]]] = {}
    pages: dict[Scan, list[_Page]] = {}
    waiting: dict[Scan, int] = {}
    for scan in scans:
        pages[scan] = [skipped] * len(scan.pages)
        waiting[scan] = min(len(scan.pages), rules.max_pages)
        for i, (path, number) in enumerate(scan.pages[: rules.max_pages]):
            places.setdefault(Page(path, number), []).append((scan, i))

    def readings() -> Iterator[tuple[Page, PageReading]]:
        """Each page; one that ran out of time is tried once more when the others are done, alone."""
        late: list[Page] = []
        for page, reading in read_pages(places, program, max_seconds=rules.page_seconds):
            if (reading.reason or "").startswith(TOO_LONG):
                late.append(page)
            else:
                yield page, reading
        yield from read_pages(late, program, 1, max_seconds=rules.page_seconds)

    for page, reading in readings():
        rows = tuple(_with_dates(row.as_record()) for row in reading.rows)
        for scan, i in places[page]:
            pages[scan][i] = _Page(rows, reading.reason)
            waiting[scan] -= 1
            if waiting[scan] == 0:
                yield scan, pages.pop(scan)


def _with_dates(row: dict[str, Any]) -> dict[str, Any]:
    for name in ("transaction_date", "notification_date"):
        row[name] = dt.date.fromisoformat(row[name]) if row[name] else None
    return row


def _unit(scan: Scan, pages: Sequence[_Page], engine: Engine) -> Unit:
    common: dict[str, Any] = {
        "chamber": scan.chamber,
        "document": scan.document,
        "source": SOURCES[scan.chamber],
        "file": scan.file,
    }
    rows: list[dict[str, Any]] = [
        {**common, **row, "page": number, "row": place}
        for number, page in enumerate(pages, 1)
        for place, row in enumerate(page.rows, 1)
    ]
    for line, row in enumerate(rows, 1):
        row["line"] = line
    known = [row["confidence"] for row in rows if row["confidence"] is not None]
    reason = _reasons(pages)
    summary: dict[str, Any] = {
        **common,
        "n_pages": len(scan.pages),
        "n_read": sum(bool(page.rows) for page in pages),
        "n_rows": len(rows),
        "confidence": sum(known) / len(known) if known else None,
        "reader": reader_of(engine),
        "reason": reason,
        "line": 1,
    }
    facts: dict[str, pa.Table | Path] = {"ocr_document_facts": _table(OCR_DOCUMENT_FACTS, [summary])}
    if rows:
        facts["ocr_row_facts"] = _table(OCR_ROW_FACTS, rows)
    if not scan.listed:
        facts["document_facts"] = _table(DOCUMENT_FACTS, [_line_of_account(scan, common)])
    unit = Unit(f"{scan.file}#ocr", KIND, FORMAT, scan.bytes, scan.modified_at, facts=facts)
    unit.rows_read = len(rows) + len(facts) - bool(rows)
    unit.reason = reason
    return unit


def _reasons(pages: Sequence[_Page]) -> str | None:
    """Why pages gave no row: `page 2: a blank page`; the same reason of all pages once."""
    silent = [(number, page.reason) for number, page in enumerate(pages, 1) if page.reason is not None]
    reasons = {reason for _, reason in silent}
    if len(reasons) == 1 and len(silent) == len(pages):
        return reasons.pop()
    told = [f"page {number}: {reason}" for number, reason in silent[:_REASONS_SHOWN]]
    more = len(silent) - len(told)
    return "; ".join([*told, f"{more} more pages without rows"] if more else told) or None


def _line_of_account(scan: Scan, common: dict[str, Any]) -> dict[str, Any]:
    digest = hashlib.sha256()
    for path in dict.fromkeys(path for path, _ in scan.pages):
        digest.update(path.read_bytes())
    return {
        **common,
        "status": "scanned",
        "reason": "a paper filing: images without text",
        "rows_read": 0,
        "content_hash": digest.hexdigest(),
        "pages": len(scan.pages),
        "line": 1,
    }


def _table(shape: Table, rows: list[dict[str, Any]]) -> pa.Table:
    nullable = pa.schema([pa.field(f.name, f.type) for f in shape.schema])
    return pa.Table.from_pylist(rows, schema=nullable)
