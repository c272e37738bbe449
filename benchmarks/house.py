"""Transaction reports of the House: rows and pages a second beside table extraction with pdfplumber, in the same run.

The baseline is what people write: every page's tables with `extract_tables`, a row where a date and an amount stand,
and the collapsed first row of a page taken apart by a pattern. It keeps fewer fields and no count of its own, to its
advantage. `run(folder)` gives rows (work, ours, baseline, ratio, peak MB of ours); `folder` holds report PDFs.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.measure import peak_mb
from cyberpi_assets.sources.house.pool import parse_many
from cyberpi_assets.sources.house.ptr import read_ptr

Line = tuple[str, str, str, str, float]
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


def run(folder: Path, *, sample_pages: int = 60) -> list[Line]:
    """Measure; the baseline reads the first documents up to `sample_pages` pages, ours the same ones and then all."""
    paths = sorted(p for p in folder.glob("*.pdf") if p.stem.isdigit())
    sample, n_pages = list[Path](), 0
    for path in paths:
        if n_pages >= sample_pages:
            break
        sample.append(path)
        n_pages += ours(path)[0]
    seconds, pages, rows = _timed(ours, sample, 3)
    slow, slow_pages, slow_rows = _timed(plain, sample, 1)
    found: list[Line] = [
        (
            f"pages a second, one core ({pages} pages)",
            f"{pages / seconds:,.0f}",
            f"{slow_pages / slow:,.1f}",
            f"{slow / seconds:.1f}x",
            peak_mb(),
        ),
        (
            f"rows a second, one core ({rows} rows; the baseline finds {slow_rows})",
            f"{rows / seconds:,.0f}",
            f"{slow_rows / slow:,.1f}",
            f"{(rows / seconds) / (slow_rows / slow):.1f}x",
            peak_mb(),
        ),
    ]
    cores = os.cpu_count() or 1
    alone, all_pages, all_rows = _timed(ours, paths, 1)
    began = time.perf_counter()
    documents: list[Any] = [document for _, document in parse_many(paths)]
    together = time.perf_counter() - began
    assert sum(len(d.rows) for d in documents) == all_rows
    found.append(
        (
            f"{len(paths)} documents, {all_pages} pages, {all_rows} rows: {cores} processes beside one, start included",
            f"{together:.2f} s",
            f"{alone:.2f} s",
            f"{alone / together:.1f}x",
            peak_mb(),
        )
    )
    return found


if __name__ == "__main__":
    for line in run(Path(sys.argv[1])):
        print(*line, sep=" | ")
