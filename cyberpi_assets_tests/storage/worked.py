"""Small tables, rows for them, and a process that writes them on demand and may be killed."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from cyberpi_assets.tables import MONTH, Table, table

ROOT = Path(__file__).resolve().parents[2]

_COLUMNS = """
ticker      string!  symbol
session     date!    exchange session
close       float!   US dollars
volume      int      shares
half_day    bool     session closed early
seen_at     timestamp when it was read
tags        strings  labels
"""
BARS = table("bars", "One daily bar, it's small.", _COLUMNS, key="ticker session", month_of="session")
NOTES = table(
    "notes", "One note.", "note_id int! number\nbody string text\nweight float32 w\nrank int16 r", key="note_id"
)
TOTALS = table("totals", "Rows per month.", "label string! which\nrows int! how many", key="label", month_of="session")
LAKE_TABLES: dict[str, Table] = {t.name: t for t in (BARS, NOTES, TOTALS)}
HOT_BARS = table(
    "hot_bars", "Bars now.", _COLUMNS, key="ticker session", month_of="session", home="redis", ttl_seconds=3600
)
_NOTE = "note_id int! number\nbody string text"
HOT_NOTES = table("hot_notes", "Notes now.", _NOTE, key="note_id", home="redis", ttl_seconds=3600)
HOT_TABLES: dict[str, Table] = {t.name: t for t in (HOT_BARS, HOT_NOTES)}


def bars(month: str, rows: int = 20, mark: int = 0) -> pa.Table:
    """Bars of one month, `mark` being the volume of each, with a null in each column that may have one."""
    year, number = map(int, month.split("-"))
    columns: list[list[object]] = [
        [f"T{i}" for i in range(rows)],
        [dt.date(year, number, 1 + i % 28) for i in range(rows)],
        [i + 0.25 for i in range(rows)],
        [None if i == 1 else mark for i in range(rows)],
        [None if i == 2 else i % 2 == 0 for i in range(rows)],
        [None if i == 3 else dt.datetime(2024, 1, 1, 5, 30, 1, 250_001, tzinfo=dt.UTC) for i in range(rows)],
        [None if i == 4 else ["a", "é:|"] for i in range(rows)],
        [month] * rows,
    ]
    return pa.table([pa.array(c, f.type) for c, f in zip(columns, BARS.schema, strict=True)], schema=BARS.schema)


def months_of(data: pa.Table) -> list[str]:
    return sorted(set(data.column(MONTH).to_pylist()))


def ordered(data: pa.Table) -> list[dict[str, object]]:
    """Rows as a set is compared: in one order."""
    return sorted(data.to_pylist(), key=str)


def python(code: str, *arguments: str) -> subprocess.Popen[str]:
    """Run code in another process that can import the project and this module."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finished(children: Sequence[subprocess.Popen[str]], timeout: float = 60) -> list[str]:
    """What the children print; fails with what they complain of."""
    printed: list[str] = []
    for child in children:
        out, errors = child.communicate(timeout=timeout)
        assert child.returncode == 0, errors
        printed.append(out)
    return printed
