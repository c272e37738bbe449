"""Many House PDFs at once, each read in a process that may be ended: PDFium is C++ and meets hostile bytes.

Here belongs what a worker is asked and answers about a PDF; how workers are kept and ended is in `sources/workers.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from cyberpi_assets.sources.house.pdf import Limits
from cyberpi_assets.sources.house.ptr import PtrDocument, failed, read_ptr
from cyberpi_assets.sources.workers import MEMORY, Team, answers, serve_with


def parse_many(
    paths: Iterable[Path], workers: int | None = None, *, max_seconds: float = 10.0, memory: int = MEMORY
) -> Iterator[tuple[Path, PtrDocument]]:
    """Read documents on all cores; (path, document) as each is done, not in order.

    Paths are taken as workers become free, so an endless iterable is fine. A document that takes longer than
    `max_seconds`, or whose worker dies, is `failed` with the reason; the others are not touched by it.
    """
    team = Team(__name__, workers, max_seconds, memory)
    for request, answer in answers(team, ({"path": str(p), "seconds": max_seconds} for p in paths)):
        document = failed(answer) if isinstance(answer, str) else PtrDocument.of_record(answer)
        yield Path(str(request["path"])), document


def serve(memory: int) -> None:
    """What a worker does: it reads the documents it is asked for, one at a time."""
    serve_with(_answer, memory)


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    return _read(Path(request["path"]), float(request["seconds"])).as_record()


def _read(path: Path, seconds: float) -> PtrDocument:
    try:
        if not path.is_file():
            return failed("no such file")
        size = path.stat().st_size
        if size > Limits.bytes:
            return failed(f"{size} bytes, more than the {Limits.bytes} that are read")
        return read_ptr(path.read_bytes(), max_seconds=seconds)
    except OSError as error:
        return failed(f"the file cannot be read: {error.strerror}")
