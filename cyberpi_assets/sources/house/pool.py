"""Many documents at once, each read in a process that may be ended: PDFium is C++ and meets hostile bytes.

Here belongs the handling of those processes. A worker gets a path, reads the file with `read_ptr` and answers one line
of JSON; a worker that takes too long is killed, one that dies is replaced, and the document it had is `failed` with the
reason. Workers inherit no environment (no secrets) and may take a bounded amount of memory.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from cyberpi_assets.sources.house.pdf import Limits
from cyberpi_assets.sources.house.ptr import PtrDocument, failed, read_ptr

MEMORY: Final = 2 << 30  # bytes of address space a worker may take
START_SECONDS: Final = 60.0
_ANSWER = 1 << 28  # bytes of one answer
_BOOT = "import sys; sys.path[:] = {path!r}; from cyberpi_assets.sources.house.pool import serve; serve({memory})"


def parse_many(
    paths: Iterable[Path], workers: int | None = None, *, max_seconds: float = 10.0, memory: int = MEMORY
) -> Iterator[tuple[Path, PtrDocument]]:
    """Read documents on all cores; (path, document) as each is done, not in order.

    Paths are taken as workers become free, so an endless iterable is fine. A document that takes longer than
    `max_seconds`, or whose worker dies, is `failed` with the reason; the others are not touched by it.
    """
    count = max(1, workers if workers is not None else os.cpu_count() or 1)
    waiting = iter(paths)
    team: list[_Worker] = []
    try:
        exhausted = False
        while True:
            while not exhausted and sum(w.path is not None for w in team) < count:
                path = next(waiting, None)
                if path is None:
                    exhausted = True
                    break
                free = next((w for w in team if w.path is None), None)
                if free is None:
                    team.append(free := _Worker(memory))
                free.give(path, max_seconds)
            busy = [w for w in team if w.path is not None]
            if not busy:
                return
            for worker in _ready(busy):
                path, document = worker.take()
                if worker.ended:
                    team.remove(worker)
                yield path, document
    finally:
        for worker in team:
            worker.end()


def _ready(busy: list[_Worker]) -> list[_Worker]:
    """Workers with an answer, dead, or over their time; waits until there is one."""
    first_limit = min(w.limit for w in busy)
    wait = max(0.0, first_limit - time.monotonic())
    answering, _, _ = select.select([w.output for w in busy], [], [], wait)
    now = time.monotonic()
    return [w for w in busy if w.output in answering or now >= w.limit]


class _Worker:
    """One process and the document it has."""

    def __init__(self, memory: int) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", _BOOT.format(path=sys.path, memory=memory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={},
            close_fds=True,
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.input, self.output = self.process.stdin, self.process.stdout
        self.path: Path | None = None
        self.limit = self.seconds = 0.0
        self.started = self.ended = False
        self._answer = bytearray()

    def give(self, path: Path, seconds: float) -> None:
        """Hand over a document; the first one waits for the process to start."""
        self.path, self.seconds = path, seconds
        self.limit = time.monotonic() + seconds + (0.0 if self.started else START_SECONDS)
        self._answer.clear()
        try:
            self.input.write(json.dumps({"path": str(path), "seconds": seconds}).encode() + b"\n")
            self.input.flush()
        except OSError:
            self.limit = 0.0  # it died while it was idle: told by `take`

    def take(self) -> tuple[Path, PtrDocument]:
        """The document's result, once `_ready` named this worker."""
        assert self.path is not None
        while True:
            if time.monotonic() >= self.limit:
                return self._gave_up(f"took longer than {self.seconds:g} s")
            readable, _, _ = select.select([self.output], [], [], max(0.0, self.limit - time.monotonic()))
            if not readable:
                continue
            part = os.read(self.output.fileno(), 1 << 20)
            self._answer += part
            if not part:
                code = self.process.wait()
                said = f"by signal {-code}" if code < 0 else f"with exit code {code}"
                return self._gave_up(f"the process that read it ended {said}: out of memory or damaged beyond reading")
            if len(self._answer) > _ANSWER:
                return self._gave_up("its text is larger than is kept")
            if self._answer.startswith(b"ready\n"):
                self.started = True
                del self._answer[:6]
                self.limit = time.monotonic() + self.seconds
            if self._answer.endswith(b"\n"):
                path, self.path = self.path, None
                return path, PtrDocument.of_record(json.loads(self._answer))

    def _gave_up(self, reason: str) -> tuple[Path, PtrDocument]:
        assert self.path is not None
        path, self.path = self.path, None
        self.end()
        return path, failed(reason)

    def end(self) -> None:
        """End the process, whatever it does."""
        self.ended = True
        self.process.kill()
        self.process.wait()
        for stream in (self.input, self.output):
            with contextlib.suppress(OSError):  # what was still to be written to a dead process
                stream.close()


def serve(memory: int) -> None:
    """What a worker does: one request a line on standard input, one answer a line on standard output."""
    _bound(memory)
    out = sys.stdout.buffer
    out.write(b"ready\n")
    out.flush()
    for line in sys.stdin.buffer:
        request = json.loads(line)
        out.write(json.dumps(_read(Path(request["path"]), float(request["seconds"])).as_record()).encode() + b"\n")
        out.flush()


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


def _bound(memory: int) -> None:
    """Bound memory where the system can (not on Windows), and leave no core files."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
