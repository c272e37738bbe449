"""The self-test of the evidence, as a table: do nulls behave as nulls, does the correction hold its level."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb

from cyberpi_assets.reports.evidence import chance
from cyberpi_assets.reports.figures import decimal
from cyberpi_assets.reports.safe import clean, number

if TYPE_CHECKING:
    from rich.console import RenderableType


@dataclass(frozen=True)
class Part:
    """One part of the self-test; `passed` is null where nothing is required."""

    test: str
    part: str
    n: int
    observed: float | None
    expected: float | None
    p_value: float | None
    passed: bool | None
    detail: str


def stored_parts(con: duckdb.DuckDBPyConnection) -> list[Part]:
    """The parts of the stored self-test, in order; empty where none was made."""
    rows = con.sql(
        "SELECT test, part, n, observed, expected, p_value, passed, detail FROM calibration ORDER BY test DESC, part"
    ).fetchall()
    return [
        Part(clean(t) or "", clean(part) or "", n, number(o), number(e), number(p), ok, clean(said) or "")
        for t, part, n, o, e, p, ok, said in rows
    ]


def to_rich(parts: list[Part]) -> list[RenderableType]:
    """The parts as a table, what each says beneath it, and the verdict in words."""
    from cyberpi_assets.reports import layout

    results = {True: "passed", False: "FAILED", None: "reported"}
    shown = layout.table(
        [("test", "left"), ("part", "left"), ("n", "right"), ("observed", "right"), ("expected", "right"),
         ("p", "right"), ("result", "left")],
        [
            (p.test, p.part, f"{p.n:,}", decimal(p.observed, 3), decimal(p.expected, 3), chance(p.p_value),
             results[p.passed])
            for p in parts
        ],
    )  # fmt: skip
    failed = [p for p in parts if p.passed is False]
    verdict = "The self-test FAILED: rankings and findings cannot be relied on." if failed else "The self-test passed."
    details = [layout.text(f"{p.test}, {p.part}: {p.detail}") for p in parts if p.detail]
    return [layout.heading("Self-test of the evidence"), shown, *details, "", layout.text(verdict, "bold")]
