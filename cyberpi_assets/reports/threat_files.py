"""Threats of a sweep as JSON files, for tools that read a folder.

Here belongs where such a file lies and that it is whole. What it says is in `domain/working_memory.py`; the fields are
described in docs/storage.md.

A file's name follows from what it tells, and no clock is in it: a run that is repeated writes the same files.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cyberpi_assets.reports.safe import plain
from cyberpi_assets.reports.terminal import write_whole

_UNSAFE = re.compile(r"[^A-Za-z0-9.=^-]")


def write_threats(folder: Path, threats: Sequence[Mapping[str, Any]], push_score: int) -> list[Path]:
    """Write `threat_{TICKER}_{RUN}.json` for each threat that scores at least `push_score`, and `summary_{RUN}.json`.

    RUN is YYYYMMDD_HHMM of the snapshot in New York; the summary has the newest of the sweep and lists all its threats.
    Nothing is written for an empty sweep. The paths written, summary last.
    """
    if not threats:
        return []
    folder.mkdir(parents=True, exist_ok=True)
    high = [t for t in threats if t["threat_score"] is not None and t["threat_score"] >= push_score]
    written = [_write(folder / f"threat_{_UNSAFE.sub('_', t['ticker'])}_{t['collection_run']}.json", t) for t in high]
    summary = {
        "timestamp": max(t["timestamp"] for t in threats),
        "total_analyzed": len(threats),
        "threats_found": sum(t["threat_score"] is not None for t in threats),
        "without_score": sum(t["threat_score"] is None for t in threats),
        "high_priority": len(high),
        "high_threat_tickers": [t["ticker"] for t in high],
        "threats": list(threats),
    }
    run = max(t["collection_run"] for t in threats)
    return [*written, _write(folder / f"summary_{run}.json", summary)]


def _write(path: Path, body: Mapping[str, Any]) -> Path:
    text = json.dumps(plain(dict(body)), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    if not (path.exists() and path.read_text(encoding="utf-8") == text):
        write_whole(path, text)
    return path
