"""Coverage of the official record by chamber and year: how much was read, and what is known to be missing.

Here belongs `filing_coverage` as records, as a table in every form, and as a page of its own. How a filing comes to its
status is decided in `domain/filings.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import duckdb
import pyarrow as pa
from rich.console import RenderableType

from cyberpi_assets.reports import language, layout
from cyberpi_assets.reports.figures import MISSING, percent
from cyberpi_assets.reports.page import Page, Section
from cyberpi_assets.reports.safe import number
from cyberpi_assets.reports.selection import is_demo

TITLE = "Coverage of the official record"
ABOUT = (
    "Filings that report transactions, by year of filing. Covered: read whole, the rows agreeing with an independent "
    "count. A scan is not empty; rows of a data set (data) are not verified; missing filings may hold any number of "
    "trades."
)
NONE = "No filing is known."
HEADS: tuple[tuple[str, Literal["left", "right"]], ...] = (
    ("Chamber", "left"),
    ("Year", "right"),
    ("Filings", "right"),
    ("Whole", "right"),
    ("Empty", "right"),
    ("Part", "right"),
    ("Scan", "right"),
    ("OCR", "right"),
    ("Data", "right"),
    ("Missing", "right"),
    ("Rows", "right"),
    ("Covered", "right"),
)


@dataclass(frozen=True)
class Coverage:
    """One chamber and year of filing, 0 when the year is not known: filings by status, rows, and the covered share."""

    chamber: str
    year: int
    n_filings: int
    parsed: int
    partial: int
    scanned: int
    ocr: int
    transcribed: int
    empty_verified: int
    missing: int
    failed: int
    rows_read: int
    covered: float | None

    def cells(self) -> tuple[str, ...]:
        """The row under `HEADS`; documents that could not be read at all stand with those read in part."""
        counts = (
            self.n_filings,
            self.parsed,
            self.empty_verified,
            self.partial + self.failed,
            self.scanned,
            self.ocr,
            self.transcribed,
            self.missing,
            self.rows_read,
        )
        chamber = language.word(language.CHAMBERS, self.chamber)
        return (chamber, str(self.year or MISSING), *(f"{n:,}" for n in counts), percent(self.covered))


def coverage_rows(con: duckdb.DuckDBPyConnection) -> tuple[Coverage, ...]:
    """Coverage by chamber, the newest year first. `con` sees the lake's tables."""
    data = con.execute("SELECT * FROM filing_coverage ORDER BY chamber, year DESC").to_arrow_table()
    return tuple(_coverage(row) for row in data.to_pylist())


def _coverage(row: dict[str, Any]) -> Coverage:
    covered = number(row.pop("covered"))
    return Coverage(**row, covered=covered)


def totals(rows: Sequence[Coverage]) -> str:
    """One line: per chamber how many filings are known and what share is covered."""
    said: list[str] = []
    for chamber in dict.fromkeys(r.chamber for r in rows):
        mine = [r for r in rows if r.chamber == chamber]
        known, whole = sum(r.n_filings for r in mine), sum(r.parsed + r.empty_verified for r in mine)
        share = percent(whole / known) if known else "none"
        missing = sum(r.missing + r.scanned + r.failed for r in mine)
        name = language.word(language.CHAMBERS, chamber)
        said.append(f"{name}: {known:,} filings, {share} read whole, {missing:,} without rows")
    return "; ".join(said) or NONE


def coverage_table(coverage: pa.Table) -> str:
    """Markdown for the web interface: one line per chamber and year. coverage: `tables.FILING_COVERAGE`."""
    rows = [_coverage(row) for row in coverage.sort_by([("chamber", "ascending"), ("year", "descending")]).to_pylist()]
    return f"{totals(rows)}\n\n{ABOUT}\n\n{as_markdown(rows)}"


def as_rich(rows: Sequence[Coverage]) -> list[RenderableType]:
    """A heading, what the columns mean, and the table; for a terminal."""
    table = layout.table(HEADS, [r.cells() for r in rows]) if rows else layout.text(NONE)
    return [layout.heading(TITLE), layout.text(ABOUT, "italic"), table, ""]


def as_markdown(rows: Sequence[Coverage]) -> str:
    """Markdown: one line per chamber and year."""
    if not rows:
        return NONE + "\n"
    heads = [name for name, _ in HEADS]
    right = frozenset(name for name, side in HEADS if side == "right")
    return layout.markdown_table(
        [dict(zip(heads, r.cells(), strict=True)) for r in rows], heads, limit=len(rows), right=right
    )


def coverage_page(con: duckdb.DuckDBPyConnection) -> Page:
    """The page of `cyberpi coverage`. JSON: schema, profile_demo, coverage (a list of `Coverage`)."""
    rows = coverage_rows(con)
    section = Section(TITLE, (ABOUT,), (("In all", totals(rows)),), HEADS, tuple(r.cells() for r in rows))
    demo = is_demo(con)
    body: dict[str, object] = {
        "schema": "cyberpi/coverage/1",
        "profile_demo": demo,
        "coverage": [asdict(r) for r in rows],
    }
    notes = (language.DEMO, language.LAW) if demo else (language.HOUSE, language.LAW)
    return Page("Filings read and not read", notes, (section,), body)
