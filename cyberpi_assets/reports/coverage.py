"""Coverage of the official record, as a table for people."""

from __future__ import annotations

import pyarrow as pa

from cyberpi_assets.reports.figures import percent
from cyberpi_assets.reports.layout import markdown_table

_STATES = ("parsed", "partial", "scanned", "ocr", "transcribed", "empty_verified", "missing", "failed")


def coverage_table(coverage: pa.Table) -> str:
    """Markdown: one line per chamber and year. coverage: `tables.FILING_COVERAGE`."""
    columns = ["chamber", "year", "n_filings", *_STATES, "rows_read", "covered"]
    rows = [{**row, "covered": percent(row["covered"])} for row in coverage.to_pylist()]
    return markdown_table(rows, columns, limit=100)
