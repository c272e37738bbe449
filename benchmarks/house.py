"""Official documents: reports of the House beside pdfplumber in the same run, and pages of the Senate.

The baseline is what people write: every page's tables with `extract_tables`, a row where a date and an amount stand,
and the collapsed first row of a page taken apart by a pattern. It keeps fewer fields and no count of its own, to its
advantage.
"""

from __future__ import annotations

import os
import re
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.measure import peak_mb
from benchmarks.report import Row, Target
from cyberpi_assets.sources.house.pool import parse_many
from cyberpi_assets.sources.house.ptr import read_ptr
from cyberpi_assets.sources.senate.page import read_ptr_page

_ROW = re.compile(
    r"\b[PSE](?: \(partial\))?\s+(\d{1,2}/\d{1,2}/\d{4})\s+(\d{1,2}/\d{1,2}/\d{4})\s+(\$[\d,]+|Over|Spouse)",
    re.MULTILINE,
)


def plain(path: Path) -> tuple[int, int]:
    """Pages and rows by pdfplumber's table extraction."""
    import pdfplumber

    rows = 0
    with pdfplumber.open(path) as document:
        for page in document.pages:
            for table in page.extract_tables():
                for row in table:
                    rows += len(_ROW.findall(" ".join(cell or "" for cell in row)))
        return len(document.pages), rows


def ours(path: Path) -> tuple[int, int]:
    """Pages and rows by the project's reader."""
    document = read_ptr(path.read_bytes())
    return document.n_pages or 0, len(document.rows)


def _timed(read: Callable[[Path], tuple[int, int]], paths: list[Path], n: int) -> tuple[float, int, int]:
    best, pages, rows = float("inf"), 0, 0
    for _ in range(n):
        began = time.perf_counter()
        counted = [read(path) for path in paths]
        best = min(best, time.perf_counter() - began)
        pages, rows = sum(c[0] for c in counted), sum(c[1] for c in counted)
    return best, pages, rows


def house(folder: Path, *, sample_pages: int = 60) -> list[Row]:
    """Reports in a folder; the baseline reads the first ones up to `sample_pages` pages, ours the same and then all."""
    paths = sorted(p for p in folder.glob("*.pdf") if p.stem.isdigit())
    sample, n_pages = list[Path](), 0
    for path in paths:
        if n_pages >= sample_pages:
            break
        sample.append(path)
        n_pages += ours(path)[0]
    seconds, pages, rows = _timed(ours, sample, 3)
    slow, _, slow_rows = _timed(plain, sample, 1)
    speed = f"{pages / seconds:,.0f} pages and {rows / seconds:,.0f} rows a second"
    found = [
        Row(
            f"{len(sample)} reports of the House on one core, {pages} pages, {rows} rows: {speed} "
            f"(baseline {pages / slow:,.1f} and {slow_rows / slow:,.1f}; it finds {slow_rows} rows)",
            seconds,
            peak_mb(),
            slow,
            Target(ratio=1 / 5),
        )
    ]
    cores = os.cpu_count() or 1
    alone, all_pages, all_rows = _timed(ours, paths, 1)
    began = time.perf_counter()
    documents = [document for _, document in parse_many(paths)]
    together = time.perf_counter() - began
    if sum(len(d.rows) for d in documents) != all_rows:
        raise AssertionError("many processes found other rows than one")
    work = f"{len(paths)} reports, {all_pages} pages, {all_rows} rows: {cores} processes, their start included; "
    found.append(Row(work + "baseline: our own on one core", together, peak_mb(), alone))
    return found


def senate(archive: Path) -> list[Row]:
    """All report pages of an archive, on one core; every one must agree with the count that it states."""
    with tarfile.open(archive) as tar:
        pages = [file.read() for member in tar if (file := tar.extractfile(member)) is not None]
    began = time.perf_counter()
    read = [read_ptr_page(page) for page in pages]
    seconds = time.perf_counter() - began
    rows = sum(len(page.rows) for page in read)
    if any(page.status == "parsed" and len(page.rows) != page.rows_stated for page in read):
        raise AssertionError("a page counts as parsed that does not agree with its own count")
    return [
        Row(f"{len(pages)} report pages of the Senate, {rows:,} rows", seconds, peak_mb(), target=Target(seconds=5))
    ]
