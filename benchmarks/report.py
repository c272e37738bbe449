"""Tables of what was measured: for a terminal, as Markdown between two markers of a page, and as JSON."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
_LIBRARIES = ("dagster", "duckdb", "deltalake", "pyarrow", "pandas", "numpy", "scipy")
_HEAD = ("work", "our time", "baseline", "ratio", "target", "met", "peak MB")


@dataclass(frozen=True)
class Target:
    """What a measurement must not exceed: a share of the baseline, seconds, MB."""

    ratio: float | None = None
    seconds: float | None = None
    peak_mb: float | None = None

    def words(self) -> str:
        """As it is written."""
        parts: list[str] = []
        if self.ratio is not None:
            parts.append(f"<= {_ratio(self.ratio)}")
        if self.seconds is not None:
            parts.append(f"<= {self.seconds:g} s")
        if self.peak_mb is not None:
            parts.append(f"<= {self.peak_mb:,.0f} MB")
        return ", ".join(parts) or "–"


@dataclass(frozen=True)
class Row:
    """One line of a table. Seconds; MB."""

    work: str
    seconds: float
    peak_mb: float
    baseline_seconds: float | None = None
    target: Target = Target()

    @property
    def ratio(self) -> float | None:
        """Our time over the baseline's."""
        return None if self.baseline_seconds is None else self.seconds / self.baseline_seconds

    @property
    def met(self) -> bool | None:
        """Whether every part of the target is met; None without a target."""
        t = self.target
        parts = [
            None if t.ratio is None or self.ratio is None else self.ratio <= t.ratio,
            None if t.seconds is None else self.seconds <= t.seconds,
            None if t.peak_mb is None else self.peak_mb <= t.peak_mb,
        ]
        known = [p for p in parts if p is not None]
        return all(known) if known else None

    def cells(self) -> list[str]:
        """As text, in the order of the head."""
        return [
            self.work,
            _seconds(self.seconds),
            "–" if self.baseline_seconds is None else _seconds(self.baseline_seconds),
            "–" if self.ratio is None else _ratio(self.ratio),
            self.target.words(),
            {True: "yes", False: "NO", None: "–"}[self.met],
            f"{self.peak_mb:,.0f}",
        ]


@dataclass
class Group:
    """One table: its name, what the rows have in common, and the rows."""

    name: str
    title: str
    notes: list[str] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)


def _seconds(value: float) -> str:
    return f"{value:,.1f} s" if value >= 10 else f"{value:.2f} s"


def _ratio(value: float) -> str:
    return f"{value:.3g}x" if value >= 1 else f"1/{1 / value:.3g}"


def machine() -> str:
    """The machine and the libraries, in one line."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    versions = ", ".join(f"{n} {importlib.metadata.version(n)}" for n in _LIBRARIES)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (
        f"{cores} cores ({_processor()}), {memory:.0f} GiB RAM, {platform.system()} {platform.release()}; "
        f"Python {platform.python_version()}, {versions}"
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        if sys.platform == "darwin":
            command = ["sysctl", "-n", "machdep.cpu.brand_string"]
            return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
        return platform.machine()


def as_text(group: Group) -> str:
    """A table for a terminal."""
    lines = [list(_HEAD), *(row.cells() for row in group.rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(_HEAD))]

    def padded(line: Sequence[str]) -> str:
        first, *others = (
            cell.ljust(w) if i in (0, 4) else cell.rjust(w)
            for i, (cell, w) in enumerate(zip(line, widths, strict=True))
        )
        return "  ".join([first, *others])

    body = [padded(lines[0]), "  ".join("─" * w for w in widths), *map(padded, lines[1:])]
    return "\n".join([f"\n{group.title} [{group.name}]", *body, *(f"  {note}" for note in group.notes)])


def as_markdown(groups: Sequence[Group], header: Sequence[str]) -> str:
    """All tables for a page."""
    parts = [*header]
    for group in groups:
        table = [f"| {' | '.join(_HEAD)} |", "|---|---:|---:|---:|---|---|---:|"]
        table += [f"| {' | '.join(row.cells())} |" for row in group.rows]
        notes = "\n".join(f"- {note}" for note in group.notes)
        parts += [f"### {group.title}", "\n".join(table), *([notes] if notes else [])]
    return "\n\n".join(parts)


def write_between(page: Path, text: str) -> None:
    """Replace what stands between the page's two markers, whole or not at all. Raises ValueError without them."""
    old = page.read_text()
    before, begin, rest = old.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page} has no {BEGIN} ... {END}")
    aside = page.with_suffix(".writing")
    aside.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}")
    aside.replace(page)


def as_json(groups: Sequence[Group]) -> dict[str, Any]:
    """All figures, for a program."""
    return {
        "machine": machine(),
        "groups": {
            g.name: {
                "title": g.title,
                "notes": g.notes,
                "rows": [asdict(r) | {"ratio": r.ratio, "met": r.met} for r in g.rows],
            }
            for g in groups
        },
    }
