"""How a piece is measured: in a fresh child process, best of n, with the peak of its own memory.

Here belongs what is true of every measurement. What is measured is in `pieces.py`, which table it goes to in
`groups.py`.

Seconds are wall time of the piece alone: a child starts, imports, loads its inputs and then runs the piece; the best of
the repetitions counts, and where there is more than one the first has warmed the caches. Peak memory is the resident
size of the whole child, inputs and libraries included, from when its inputs are loaded. Linux tells it exactly
(VmHWM, reset before the piece); elsewhere it is the child's peak since it started.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MB = 1_000_000.0
_POLL_S = 0.05


class PieceFailed(RuntimeError):
    """A measured process ended with an error."""


@dataclass(frozen=True)
class Measured:
    """Seconds (best of n), peak memory in MB, and what the piece says of its result."""

    seconds: float
    peak_mb: float
    said: dict[str, Any] = field(default_factory=dict)


def repeated(piece: Callable[[], dict[str, Any]], n: int) -> Measured:
    """Run a piece n times in this process; the best time and the peak of memory."""
    _forget_peak()
    best, said = float("inf"), {}
    for _ in range(n):
        began = time.perf_counter()
        said = piece()
        best = min(best, time.perf_counter() - began)
    return Measured(best, peak_mb(), said)


def peak_mb() -> float:
    """Largest resident size of this process in MB."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024 / MB
    except (OSError, StopIteration):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / MB if sys.platform == "darwin" else peak * 1024 / MB


def _forget_peak() -> None:
    with suppress(OSError):  # Linux only: what loading the inputs took does not count
        Path("/proc/self/clear_refs").write_text("5")


def in_child(piece: str, arguments: Mapping[str, Any]) -> Measured:
    """Measure a piece of `pieces.PIECES` in a fresh process. Raises PieceFailed."""
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        answer = Path(scratch) / "answer.json"
        command = [sys.executable, "-m", "benchmarks.pieces", piece, json.dumps(dict(arguments)), str(answer)]
        root = Path(__file__).resolve().parent.parent
        path = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH", ""), str(root)]))
        several = piece.endswith("_writers")  # a piece with processes of its own is as large as all of them together
        whole = command_tree(command, env=os.environ | {"PYTHONPATH": path}, watched=several)
        found = json.loads(answer.read_text())
    return Measured(found["seconds"], whole.peak_mb if several else found["peak_mb"], found["said"])


def command_tree(command: Sequence[str], env: Mapping[str, str], *, watched: bool = True) -> Measured:
    """Wall time of a command, and the largest sum of the resident sizes of it and its descendants, where watched.

    Pages that processes share are counted once for each. Raises PieceFailed with the end of what the command said.
    """
    peak = 0.0
    over = threading.Event()
    with tempfile.TemporaryFile() as said:
        began = time.perf_counter()
        process = subprocess.Popen(list(command), env=dict(env), stdout=said, stderr=subprocess.STDOUT)

        def watch() -> None:
            nonlocal peak
            while watched and not over.wait(_POLL_S):
                peak = max(peak, _tree_mb(process.pid))

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            code = process.wait()
            seconds = time.perf_counter() - began
        finally:
            over.set()
            watcher.join()
            if process.poll() is None:
                process.kill()
                process.wait()
        said.seek(0)
        text = said.read().decode(errors="replace")
    if code:
        failures = "\n".join(line for line in text.splitlines() if "✗" in line)  # how `cyberpi run` marks a failed step
        raise PieceFailed(f"{' '.join(command)[:200]} ended with {code}:\n{text[-2000:]}\n{failures}")
    return Measured(seconds, peak, {"output": text})


def _tree_mb(root: int) -> float:
    """Resident size of a process and its descendants in MB, now."""
    children: dict[int, list[int]] = {}
    size: dict[int, float] = {}
    for pid, parent, resident in _processes():
        children.setdefault(parent, []).append(pid)
        size[pid] = resident
    total, todo = 0.0, [root]
    while todo:
        pid = todo.pop()
        total += size.get(pid, 0.0)
        todo += children.get(pid, [])
    return total


def _processes() -> list[tuple[int, int, float]]:
    """(process, parent, resident MB) of every process that can be seen."""
    found: list[tuple[int, int, float]] = []
    if Path("/proc/self/stat").exists():
        page = os.sysconf("SC_PAGE_SIZE")
        for entry in os.scandir("/proc"):
            if entry.name.isdigit():
                with suppress(OSError, IndexError, ValueError):  # it ended meanwhile
                    fields = Path(entry.path, "stat").read_text().rpartition(")")[2].split()
                    found.append((int(entry.name), int(fields[1]), int(fields[21]) * page / MB))
        return found
    listed = subprocess.run(["ps", "-axo", "pid=,ppid=,rss="], capture_output=True, text=True, check=False).stdout
    for line in listed.splitlines():
        pid, parent, resident = line.split()
        found.append((int(pid), int(parent), int(resident) * 1024 / MB))
    return found
