"""One rate per host for all processes of this machine: a file per host holds when the next request may start.

A request takes the next free slot under the file's lock and then waits for it, so that many processes together keep
one rate, and a killed one costs a slot at most. `Retry-After` moves the slot for all of them.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Callable
from pathlib import Path

LONGEST_WAIT = 3600.0  # seconds; a slot further ahead comes from a clock that was set back
_WIDTH = 32  # characters of the file: always all of them, so that no older digits stay behind


class HostLimiter:
    """The rate of one host, shared through `<folder>/<host>.slot`.

    `clock` gives seconds since the epoch, `sleep` waits for seconds.
    """

    def __init__(
        self, folder: Path, host: str, per_second: float, clock: Callable[[], float], sleep: Callable[[float], None]
    ) -> None:
        self._path = folder / (re.sub(r"[^A-Za-z0-9.-]", "_", host) + ".slot")
        self._interval = 1.0 / per_second
        self._clock = clock
        self._sleep = sleep

    def wait(self) -> float:
        """Take the next slot and wait for it; the seconds waited."""
        slot = self._move(lambda now, free: (max(now, free), max(now, free) + self._interval))
        delay = max(0.0, slot - self._clock())
        if delay > 0:
            self._sleep(delay)
        return delay

    def hold(self, seconds: float) -> None:
        """Let nobody start before `seconds` from now: what the host asked for."""
        self._move(lambda now, free: (now, max(free, now + min(seconds, LONGEST_WAIT))))

    def _move(self, step: Callable[[float, float], tuple[float, float]]) -> float:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            now = self._clock()
            try:
                free = float(os.pread(handle, _WIDTH, 0))
            except ValueError:
                free = now
            if not now - LONGEST_WAIT <= free <= now + LONGEST_WAIT:
                free = now
            mine, free = step(now, free)
            os.pwrite(handle, f"{free:{_WIDTH}.6f}".encode(), 0)
        finally:
            os.close(handle)
        return mine
