"""Many requests at once, each answered in a process that may be ended: libraries in C++ meet hostile bytes there.

Here belongs the handling of those processes. A worker gets a request and answers it, one line of JSON each; one that
takes too long is killed with all it started, one that dies is replaced, and its request is answered by the reason.
Workers inherit no environment (no secrets) and may take a bounded amount of memory. What a request means belongs to the
module that serves it.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

MEMORY: Final = 2 << 30  # bytes of address space a worker may take
START_SECONDS: Final = 60.0
TOO_LONG: Final = "took longer than"  # begins the reason of a request that ran out of time
_ANSWER = 1 << 28  # bytes of one answer
_BOOT = "import sys; sys.path[:] = {path!r}; from {module} import serve; serve({memory})"
Request = Mapping[str, Any]
_R = TypeVar("_R", bound=Request)


@dataclass(frozen=True)
class Team:
    """What workers run: a module with a function `serve(memory)`, and within which bounds.

    count: processes at once; None is one per core. seconds: per request, not counting a worker's first start.
    memory: bytes of address space. environment: all that a worker knows of the outside.
    """

    module: str
    count: int | None = None
    seconds: float = 10.0
    memory: int = MEMORY
    environment: Mapping[str, str] = field(default_factory=dict[str, str])


def answers(team: Team, requests: Iterable[_R]) -> Iterator[tuple[_R, dict[str, Any] | str]]:
    """Each request with its answer as it comes, not in order; a text is the reason why there is none.

    Requests are taken as workers become free, so an endless iterable is fine. Closing the iterator ends the workers.
    """
    count = max(1, team.count if team.count is not None else os.cpu_count() or 1)
    waiting = iter(requests)
    workers: list[_Worker[_R]] = []
    try:
        exhausted = False
        while True:
            while not exhausted and sum(w.request is not None for w in workers) < count:
                request = next(waiting, None)
                if request is None:
                    exhausted = True
                    break
                free = next((w for w in workers if w.request is None), None)
                if free is None:
                    workers.append(free := _Worker(team))
                free.give(request)
            busy = [w for w in workers if w.request is not None]
            if not busy:
                return
            for worker in _ready(busy):
                taken = worker.take()
                if worker.ended:
                    workers.remove(worker)
                if taken is not None:
                    yield taken
    finally:
        for worker in workers:
            worker.end()


def _ready(busy: list[_Worker[_R]]) -> list[_Worker[_R]]:
    """Workers with an answer, dead, or over their time; waits until there is one."""
    first_limit = min(w.limit for w in busy)
    wait = max(0.0, first_limit - time.monotonic())
    answering, _, _ = select.select([w.output for w in busy], [], [], wait)
    now = time.monotonic()
    return [w for w in busy if w.output in answering or now >= w.limit]


class _Worker(Generic[_R]):
    """One process and the request it has."""

    def __init__(self, team: Team) -> None:
        self.seconds = team.seconds
        self.process = subprocess.Popen(
            [sys.executable, "-c", _BOOT.format(path=sys.path, module=team.module, memory=team.memory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=dict(team.environment),
            close_fds=True,
            start_new_session=True,  # so that what it starts can be ended with it
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.input, self.output = self.process.stdin, self.process.stdout
        self.request: _R | None = None
        self.limit = 0.0
        self.started = self.ended = False
        self._answer = bytearray()

    def give(self, request: _R) -> None:
        """Hand over a request; the first one waits for the process to start."""
        self.request = request
        self.limit = time.monotonic() + self.seconds + (0.0 if self.started else START_SECONDS)
        self._answer.clear()
        try:
            self.input.write(json.dumps(dict(request)).encode() + b"\n")
            self.input.flush()
        except OSError:
            self.limit = 0.0  # it died while it was idle: told by `take`

    def take(self) -> tuple[_R, dict[str, Any] | str] | None:
        """The request and its answer, as far as `_ready` named this worker for it; None while it is not whole.

        Never waits: the time of one worker must not be taken from the others.
        """
        assert self.request is not None
        readable, _, _ = select.select([self.output], [], [], 0)
        if not readable:
            return self._gave_up(f"{TOO_LONG} {self.seconds:g} s") if time.monotonic() >= self.limit else None
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
        if not self._answer.endswith(b"\n"):
            return None
        request, self.request = self.request, None
        return request, json.loads(self._answer)

    def _gave_up(self, reason: str) -> tuple[_R, str]:
        assert self.request is not None
        request, self.request = self.request, None
        self.end()
        return request, reason

    def end(self) -> None:
        """End the process and what it started, whatever they do."""
        self.ended = True
        if self.process.poll() is None:
            with contextlib.suppress(OSError):
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        for stream in (self.input, self.output):
            with contextlib.suppress(OSError):  # what was still to be written to a dead process
                stream.close()


def serve_with(answer: Callable[[dict[str, Any]], dict[str, Any]], memory: int) -> None:
    """What a worker does: one request a line on standard input, one answer a line on standard output."""
    _bound(memory)
    out = sys.stdout.buffer
    out.write(b"ready\n")
    out.flush()
    for line in sys.stdin.buffer:
        out.write(json.dumps(answer(json.loads(line))).encode() + b"\n")
        out.flush()


def _bound(memory: int) -> None:
    """Bound memory where the system can (not on Windows), and leave no core files."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
