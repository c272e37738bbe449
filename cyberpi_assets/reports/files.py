"""Reports as files: every format written whole and renamed into place.

Here belongs where a report lies on disk and what the tables say of it. What it holds is in `timing.py` and
`patterns.py`.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from cyberpi_assets.reports import checks, html, page, patterns, results, timing
from cyberpi_assets.reports.terminal import write_whole
from cyberpi_assets.rules.figures import RankingRules, TimingRules
from cyberpi_assets.tables import TIMING_REPORT

_ENDINGS = {"text": "txt", "json": "json", "md": "md", "html": "html", "csv": "csv"}
_PREVIEW_CHARACTERS = 20_000
_PERIOD = re.compile(r"\d{4}-(?:W\d{2}|\d{2})")


@dataclass(frozen=True)
class Written:
    """What was written: the rows of the report's table, and Markdown for a look in the UI."""

    rows: pa.Table
    preview: str


def write_timing(con: duckdb.DuckDBPyConnection, folder: Path, root: Path, rules: TimingRules) -> Written:
    """The suspicious-timing report in all formats. `con` sees the lake's tables; paths are said relative to `root`."""
    report = timing.timing_report(con, rules=rules)
    texts = {
        "text": timing.to_text(report),
        "json": json.dumps(timing.to_json(report), indent=1, ensure_ascii=False),
        "md": timing.to_markdown(report),
    }
    return _written("timing_report", texts, len(report.findings), folder, root)


def write_patterns(
    con: duckdb.DuckDBPyConnection, folder: Path, root: Path, rules: RankingRules, period: str | None = None
) -> Written:
    """The pattern report in all formats; for a `period` (2026-W29, 2026-07) a copy is kept under its name.

    Raises ValueError for a period that is none: it names a file.
    """
    if period is not None and not _PERIOD.fullmatch(period):
        raise ValueError(f"{period[:40]!r} is no week and no month")
    report = patterns.pattern_report(con, rules=rules)
    texts = {
        "text": patterns.to_text(report),
        "json": json.dumps(patterns.to_json(report), indent=1, ensure_ascii=False),
        "md": patterns.to_markdown(report),
    }
    if period is not None:
        _written(f"pattern_report_{period}", texts, len(report.officials), folder / "patterns", root)
    return _written("pattern_report", texts, len(report.officials), folder, root)


def write_checks(found: checks.Report, profile: str, folder: Path, root: Path) -> Written:
    """The report of checks in all formats."""
    shown, rows = checks.to_page(found, profile), io.StringIO()
    results.write_csv(checks.to_rows(found), rows)
    texts = {
        "text": page.to_text(shown),
        "json": json.dumps(page.to_json(shown), indent=1, ensure_ascii=False),
        "md": page.to_markdown(shown),
        "html": html.to_html(shown),
        "csv": rows.getvalue(),
    }
    return _written("check_report", texts, len(found.lines), folder, root)


def _written(name: str, texts: Mapping[str, str], listed: int, folder: Path, root: Path) -> Written:
    rows: list[dict[str, object]] = []
    for form, text in texts.items():
        path = folder / f"{name}.{_ENDINGS[form]}"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text)
        data = text.encode()
        rows.append(
            {
                "format": form,
                "path": path.relative_to(root).as_posix(),
                "bytes": len(data),
                "sha256": hashlib.sha256(data).hexdigest(),
                "rows": listed,
            }
        )
    shown = texts["md"]
    if len(shown) > _PREVIEW_CHARACTERS:
        shown = shown[:_PREVIEW_CHARACTERS].rsplit("\n", 1)[0] + "\n\n(cut here: the whole report is the file)"
    return Written(pa.Table.from_pylist(rows, schema=TIMING_REPORT.schema), shown)
