"""What a run says at its end, what the lake holds, and what was found in a folder: short tables for a terminal.

The reports themselves are in `timing.py` and `patterns.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import duckdb
import pyarrow as pa
from rich.console import RenderableType

from cyberpi_assets.reports import language
from cyberpi_assets.reports.checks import newest
from cyberpi_assets.reports.coverage import coverage_rows, totals
from cyberpi_assets.reports.evidence import Evidence, chance, evidence_of, findings, rated
from cyberpi_assets.reports.figures import decimal, interval, percent
from cyberpi_assets.reports.layout import Side, heading, indent, table, text
from cyberpi_assets.reports.safe import clean
from cyberpi_assets.tables import MONTH, Table


def summary(con: duckdb.DuckDBPyConnection, run_id: str | None, data_dir: Path, top: int) -> list[RenderableType]:
    """Top officials and tickers with their evidence, the checks of the run, the paths of the reports.

    `con` sees the lake's tables. Without `run_id`, the newest result of each check. Where the lake holds no evidence,
    the raw figures stand alone, and that is said.
    """
    people, tickers = evidence_of(con, "official_evidence"), evidence_of(con, "ticker_evidence")
    return [
        heading("Evidence"),
        indent(text(findings(people))),
        heading(f"Officials by mean timing score, first {top}"),
        indent(_judged_officials(con, people, top) if people else _officials(con, top)),
        heading(f"Tickers by mean timing score, first {top}"),
        indent(_judged_tickers(con, tickers, top) if tickers else _tickers(con, top)),
        *([text(language.TOGETHER)] if tickers else []),
        text(language.DISCLAIMER),
        text(language.INNOCENT),
        heading("Checks"),
        indent(_checks(con, run_id)),
        heading("Reports"),
        *_paths(con, data_dir),
    ]


def _judged_officials(con: duckdb.DuckDBPyConnection, found: Mapping[str, Evidence], top: int) -> RenderableType:
    rows = con.execute(
        """SELECT rank, bioguide_id, official, party, chamber, state, suspicious, n_scored, mean_score
           FROM official_rankings WHERE rank <= $top ORDER BY rank""",
        {"top": top},
    ).fetchall()
    lines: list[tuple[str | None, ...]] = []
    for rank, person, official, party, chamber, state, hits, scored, mean in rows:
        name = f"{clean(official, 60)} ({clean(language.seat(party, state, chamber), 30)})"
        e = found.get(person)
        judged = (e.counted, chance(e.q_value), rated(e.rate, e.rate_low, e.rate_high), e.label) if e else ("–",) * 4
        lines.append((str(rank), name, *judged, f"{hits:,}/{scored:,}", decimal(mean)))
    columns: list[tuple[str, Side]] = [
        ("#", "right"), ("official", "left"), ("O / E", "right"), ("q", "right"), ("rate (95 %)", "right"),
        ("label", "left"), ("raw", "right"), ("mean", "right"),
    ]  # fmt: skip
    return table(columns, lines)


def _judged_tickers(con: duckdb.DuckDBPyConnection, found: Mapping[str, Evidence], top: int) -> RenderableType:
    rows = con.execute(
        """SELECT rank, ticker, name, n_officials, suspicious, n_scored, mean_score
           FROM ticker_rankings WHERE rank <= $top ORDER BY rank""",
        {"top": top},
    ).fetchall()
    lines: list[tuple[str | None, ...]] = []
    for rank, ticker, name, officials, hits, scored, mean in rows:
        e = found.get(ticker)
        judged = (e.counted, e.range) if e else ("–", "–")
        raw = (f"{officials:,}", f"{hits:,}/{scored:,}", decimal(mean))
        lines.append((str(rank), clean(ticker), clean(name or "?", 28), *judged, *raw))
    columns: list[tuple[str, Side]] = [
        ("#", "right"), ("ticker", "left"), ("company", "left"), ("O / E", "right"), ("O/E (95 %)", "right"),
        ("officials", "right"), ("raw", "right"), ("mean", "right"),
    ]  # fmt: skip
    return table(columns, lines)


def _officials(con: duckdb.DuckDBPyConnection, top: int) -> RenderableType:
    rows = con.execute(
        """SELECT rank, official, party, state, n_scored, n_trades, suspicious, rate, rate_low, rate_high, mean_score
           FROM official_rankings WHERE rank <= $top ORDER BY rank""",
        {"top": top},
    ).fetchall()
    columns: list[tuple[str, Side]] = [
        ("#", "right"), ("official", "left"), ("party", "left"), ("state", "left"), ("scored", "right"),
        ("trades", "right"), (">= 60", "right"), ("rate", "right"), ("95 % interval", "right"), ("mean", "right"),
    ]  # fmt: skip
    return table(
        columns,
        [
            (
                str(rank), clean(official), clean(party or "?", 12), clean(state or "?", 4), f"{scored:,}",
                f"{trades:,}", f"{hits:,}", percent(rate), interval(low, high), f"{mean:.1f}",
            )
            for rank, official, party, state, scored, trades, hits, rate, low, high, mean in rows
        ],
    )  # fmt: skip


def _tickers(con: duckdb.DuckDBPyConnection, top: int) -> RenderableType:
    rows = con.execute(
        """SELECT rank, ticker, name, n_scored, n_officials, suspicious, rate, rate_low, rate_high, mean_score
           FROM ticker_rankings WHERE rank <= $top ORDER BY rank""",
        {"top": top},
    ).fetchall()
    columns: list[tuple[str, Side]] = [
        ("#", "right"), ("ticker", "left"), ("company", "left"), ("scored", "right"), ("officials", "right"),
        (">= 60", "right"), ("rate", "right"), ("95 % interval", "right"), ("mean", "right"),
    ]  # fmt: skip
    return table(
        columns,
        [
            (
                str(rank), clean(ticker), clean(name or "?", 28), f"{scored:,}", f"{officials:,}", f"{hits:,}",
                percent(rate), interval(low, high), f"{mean:.1f}",
            )
            for rank, ticker, name, scored, officials, hits, rate, low, high, mean in rows
        ],
    )  # fmt: skip


def _checks(con: duckdb.DuckDBPyConnection, run_id: str | None) -> RenderableType:
    asked = ("asset", "check_name", "passed", "severity", "detail")
    rows = [tuple(row[name] for name in asked) for row in newest(con, run_id).to_pylist()]
    failed = [r for r in rows if not r[2]]
    passed = len(rows) - len(failed)
    lines = [
        (f"{asset}.{name}", "FAILED" if severity == "ERROR" else "warning", clean(detail or "", 200))
        for asset, name, _, severity, detail in failed
    ]
    return table(
        [("check", "left"), ("result", "left"), ("found", "left")],
        [*lines, (f"{passed} of {len(rows)} checks", "passed", "")],
    )


def _paths(con: duckdb.DuckDBPyConnection, data_dir: Path) -> list[RenderableType]:
    rows = con.sql("""
        SELECT path FROM timing_report UNION ALL SELECT path FROM pattern_report
        UNION ALL SELECT path FROM check_report WHERE format = 'html' ORDER BY path""").fetchall()
    paths = [str(data_dir / path) for (path,) in rows]
    if (data_dir / "warehouse.duckdb").exists():
        paths.append(f"{data_dir / 'warehouse.duckdb'}  (any DuckDB client opens it)")
    return [indent(text(p)) for p in paths]


def status(
    con: duckdb.DuckDBPyConnection, tables: Mapping[str, Table], versions: Mapping[str, int]
) -> list[RenderableType]:
    """One line per table: rows, months, version. `con` sees the lake's tables."""
    lines: list[tuple[str, str, str, str]] = []
    for name, stored in tables.items():
        span = f"min({MONTH}) || ' to ' || max({MONTH})" if stored.partitioned else "''"
        rows, months = con.sql(f'SELECT count(*), {span} FROM "{name}"').fetchone() or (0, "")
        lines.append((name, f"{rows:,}", months or "", str(versions[name]) if versions[name] >= 0 else "not yet"))
    columns: list[tuple[str, Side]] = [("table", "left"), ("rows", "right"), ("months", "left"), ("version", "right")]
    record = indent(text(totals(coverage_rows(con))))
    return [heading("Tables"), indent(table(columns, lines)), heading("Official record"), record]


def imported(files: pa.Table) -> list[RenderableType]:
    """One line per file: what it is, how many rows were accepted and put aside. files: `tables.FILE_FACTS`."""
    rows = files.sort_by([("kind", "ascending"), ("file", "ascending")]).to_pylist()
    counts = ("rows_read", "accepted", "quarantined")
    read = [
        (clean(r["file"]), clean(r["format"] or ""), *(f"{r[k]:,}" for k in counts))
        for r in rows
        if r["rows_read"] is not None
    ]
    left = [
        (clean(r["file"]), r["kind"] or "not recognised", clean(r["reason"] or "", 120))
        for r in rows
        if r["rows_read"] is None
    ]
    named: list[tuple[str, Side]] = [("file", "left"), ("format", "left")]
    numbers: list[tuple[str, Side]] = [("read", "right"), ("accepted", "right"), ("put aside", "right")]
    return [
        heading("Read"),
        indent(table([*named, *numbers], read)),
        heading("Not read"),
        indent(table([("file", "left"), ("kind", "left"), ("why", "left")], left)),
    ]
