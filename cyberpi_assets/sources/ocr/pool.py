"""Many pages at once, each in a process that may be ended: what comes from outside meets two libraries in C++ there.

Here belongs what a worker is asked and answers about a page; how workers are kept and ended, with the Tesseract they
started, is in `sources/workers.py`.
"""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from cyberpi_assets.sources.ocr.page import PageReading, read_page
from cyberpi_assets.sources.workers import MEMORY, Team, answers, serve_with

PAGE_SECONDS: Final = 20.0


class Page(NamedTuple):
    """A page to be read: the file that holds it, and its number there, from 1."""

    path: Path
    number: int


def read_pages(
    pages: Iterable[Page],
    program: str,
    workers: int | None = None,
    *,
    max_seconds: float = PAGE_SECONDS,
    memory: int = MEMORY,
) -> Iterator[tuple[Page, PageReading]]:
    """Read pages on all cores; (page, reading) as each is done, not in order.

    program: Tesseract's place. A page that takes longer than `max_seconds`, or whose worker dies, has no rows and the
    reason; the others are not touched by it.
    """
    with tempfile.TemporaryDirectory(prefix="ocr-") as scratch:
        # one thread per page: Tesseract's own threads take each other's time
        team = Team(__name__, workers, max_seconds, memory, {"OMP_THREAD_LIMIT": "1", "TMPDIR": scratch})
        requests = (
            {"path": str(p.path), "number": p.number, "program": program, "seconds": max_seconds} for p in pages
        )
        for request, answer in answers(team, requests):
            reading = PageReading((), answer) if isinstance(answer, str) else PageReading.of_record(answer)
            yield Page(Path(str(request["path"])), int(request["number"])), reading


def serve(memory: int) -> None:
    """What a worker does: it reads the pages it is asked for, one at a time."""
    importlib.import_module("pytesseract")  # takes a second, and brings pandas: not the first page's time
    serve_with(_answer, memory)


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    return read_page(
        Path(request["path"]), int(request["number"]), str(request["program"]), float(request["seconds"])
    ).as_record()
