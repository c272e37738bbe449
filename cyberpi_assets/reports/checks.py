"""The report of checks: the newest result of every check, by stage, in words.

Here belongs how results are read and set. What a check asks is in `checks/`; which checks there are is an argument, for
the log remembers also those that are no longer there.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import duckdb
import pyarrow as pa

from cyberpi_assets.reports.figures import MISSING, decimal
from cyberpi_assets.reports.page import Columns, Page, Section
from cyberpi_assets.reports.safe import clean

# A row that tells of one month begins its detail so; the others are what a run was over.
OF_A_MONTH = '{"month": '
RESULTS = ("failed", "warned", "passed", "no result")
_COLUMNS: Columns = (
    ("Check", "left"),
    ("Result", "left"),
    ("Found", "left"),
    ("When (UTC)", "left"),
    ("Run", "left"),
)
_MONTHS_SHOWN = 6
_RUN_LETTERS = 8
ABOUT = (
    "The newest result of every check. Failed: the check blocks, and what rests on its table was not computed. Warned: "
    "it does not block. Months that fail are those whose newest result says so, whichever run it is of."
)


@dataclass(frozen=True)
class Declared:
    """A check that the house has: its stage, asset and name, whether it blocks, and what must hold."""

    stage: str
    asset: str
    name: str
    blocking: bool
    about: str


@dataclass(frozen=True)
class Line:
    """One check and its newest result; figures are plain JSON values, `months` those that fail, ascending."""

    check: Declared
    result: str
    found: Mapping[str, Any]
    months: tuple[str, ...] = ()
    partition_from: str | None = None
    partition_to: str | None = None
    checked_at: dt.datetime | None = None
    run_id: str | None = None

    @property
    def words(self) -> str:
        """What was found, in words, and the months that fail."""
        said = words(self.found)
        if self.months:
            said = (
                f"{said}; months that fail: {spans(self.months)}" if said else f"months that fail: {spans(self.months)}"
            )
        return said or MISSING

    def cells(self) -> tuple[str, ...]:
        """The row under the report's columns."""
        when = f"{self.checked_at:%Y-%m-%d %H:%M}" if self.checked_at else MISSING
        name = f"{self.check.asset}: {self.check.name.replace('_', ' ')}"
        return (name, self.result.upper() if self.result == "failed" else self.result, self.words, when, self.run)

    @property
    def run(self) -> str:
        """The run's id as the web interface shortens it."""
        return (clean(self.run_id) or MISSING)[:_RUN_LETTERS]


@dataclass(frozen=True)
class Report:
    """Lines in the order of the lineage, and how many results belong to checks that are no longer there."""

    lines: tuple[Line, ...]
    forgotten: int

    def count(self, result: str) -> int:
        """How many checks have this result."""
        return sum(line.result == result for line in self.lines)

    @property
    def blocked(self) -> bool:
        """Whether a check that blocks has failed."""
        return any(line.result == "failed" for line in self.lines)

    def only(self, asset: str | None = None, since: dt.date | None = None, *, failed: bool = False) -> Report:
        """The lines of one asset, with a result of that day (UTC) or later, that failed or warned."""
        lines = tuple(
            line
            for line in self.lines
            if (asset is None or line.check.asset == asset)
            and (since is None or (line.checked_at is not None and line.checked_at.date() >= since))
            and (not failed or line.result in ("failed", "warned"))
        )
        return replace(self, lines=lines)


def newest(con: duckdb.DuckDBPyConnection, run_id: str | None = None) -> pa.Table:
    """The newest result of every check, of one run or of all: what the run was over, not its months.

    `con` sees `check_results`, whose columns come back. Two results of one moment: that of more months.
    """
    return con.execute(
        """SELECT * FROM check_results
           WHERE ($run IS NULL OR run_id = $run) AND NOT starts_with(coalesce(detail, ''), $month)
           QUALIFY row_number() OVER (PARTITION BY asset, check_name
               ORDER BY checked_at DESC, partition_from, partition_to DESC) = 1
           ORDER BY asset, check_name""",
        {"run": run_id, "month": OF_A_MONTH},
    ).to_arrow_table()


def failing_months(con: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], tuple[str, ...]]:
    """Per asset and check the months (YYYY-MM, ascending) whose newest result is a failure."""
    rows = con.execute(
        """SELECT asset, check_name, list(partition_from ORDER BY partition_from) FROM (
               SELECT * FROM check_results WHERE starts_with(detail, $month)
               QUALIFY row_number() OVER (PARTITION BY asset, check_name, partition_from ORDER BY checked_at DESC) = 1)
           WHERE NOT passed GROUP BY ALL""",
        {"month": OF_A_MONTH},
    ).fetchall()
    return {(asset, name): tuple(months) for asset, name, months in rows}


def report(con: duckdb.DuckDBPyConnection, declared: Sequence[Declared]) -> Report:
    """The report over the checks declared. `con` sees `check_results`; a check without a result has none yet."""
    known = {(row["asset"], row["check_name"]): row for row in newest(con).to_pylist()}
    months = failing_months(con)
    lines: list[Line] = []
    for check in declared:
        row = known.pop((check.asset, check.name), None)
        if row is None:
            lines.append(Line(check, "no result", {}))
            continue
        lines.append(
            Line(
                check,
                result_of(row["passed"], row["severity"]),
                _figures(row["detail"]),
                months.get((check.asset, check.name), ()),
                row["partition_from"],
                row["partition_to"],
                row["checked_at"],
                row["run_id"],
            )
        )
    return Report(tuple(lines), len(known))


def result_of(passed: bool, severity: str) -> str:
    """One of `RESULTS`."""
    return "passed" if passed else "failed" if severity == "ERROR" else "warned"


def _figures(detail: str | None) -> dict[str, Any]:
    """The figures of a stored result; what is no object of JSON is shown as it is."""
    try:
        found: object = json.loads(detail or "{}")
    except ValueError:
        found = None
    return {str(k): v for k, v in found.items()} if isinstance(found, dict) else {"detail": detail}  # pyright: ignore


def words(found: Mapping[str, Any]) -> str:
    """Figures as a person reads them: `rows 51,317, keys twice 2`; what is not known is left to say so itself."""
    said: list[str] = []
    for name, value in found.items():
        label = str(name).replace("_", " ")
        if value is None or value == "":
            continue
        if isinstance(value, bool):
            said.append(label if value else f"not {label}")
        elif isinstance(value, int):
            said.append(f"{label} {value:,}")
        elif isinstance(value, float):
            said.append(f"{label} {decimal(value, 4)}")
        else:
            said.append(f"{label} {value}")
    return clean(", ".join(said)) or ""


def spans(months: Sequence[str]) -> str:
    """Months in order, those that follow each other as a span: `2020-03 to 2020-06, 2022-01`; many are cut short."""
    groups: list[list[str]] = []
    for month in months:
        if groups and _number(month) == _number(groups[-1][-1]) + 1:
            groups[-1].append(month)
        else:
            groups.append([month])
    said = [g[0] if len(g) == 1 else f"{g[0]} to {g[-1]}" for g in groups]
    if len(said) > _MONTHS_SHOWN:
        said = [*said[: _MONTHS_SHOWN - 1], f"and others, {len(months)} months in all, the last {months[-1]}"]
    return ", ".join(said)


def _number(month: str) -> int:
    return 12 * int(month[:4]) + int(month[5:7])


def to_page(found: Report, profile: str) -> Page:
    """The page of a report: what failed or warned first, then every check by stage."""
    counts = {result: found.count(result) for result in RESULTS}
    said = ", ".join(f"{n:,} {result}" for result, n in counts.items() if n) or "none that was asked for"
    troubled = tuple(line for line in found.lines if line.result in ("failed", "warned"))
    sections = [Section("In short", (ABOUT,), (("Checks", said), *_times(found)))]
    if troubled:
        asked = tuple((f"{t.check.asset}: {t.check.name.replace('_', ' ')}", t.check.about) for t in troubled)
        sections.append(Section("Failed and warned", (), asked, _COLUMNS, tuple(t.cells() for t in troubled)))
    for stage in dict.fromkeys(line.check.stage for line in found.lines):
        rows = tuple(line.cells() for line in found.lines if line.check.stage == stage)
        sections.append(Section(f"Stage {stage}", (), (), _COLUMNS, rows))
    notes = ["Each check, what it means and whether it blocks: docs/checks.md."]
    if found.forgotten:
        notes.insert(0, f"Left out are results of checks that are no longer there: {found.forgotten:,}.")
    body: dict[str, object] = {
        "schema": "cyberpi/checks/1",
        "profile": profile,
        "counts": counts,
        "checks": [_plain(line) for line in found.lines],
    }
    return Page(f"Checks of profile {profile}", tuple(notes), tuple(sections), body)


def _times(found: Report) -> tuple[tuple[str, str], ...]:
    moments = [line.checked_at for line in found.lines if line.checked_at is not None]
    if not moments:
        return ()
    runs = len({line.run_id for line in found.lines if line.run_id is not None})
    span = f"{min(moments):%Y-%m-%d %H:%M} to {max(moments):%Y-%m-%d %H:%M} UTC"
    return (("Results", f"{span}, of {'one run' if runs == 1 else f'{runs:,} runs'}"),)


def _plain(line: Line) -> dict[str, object]:
    return {
        "stage": line.check.stage,
        "asset": line.check.asset,
        "check": line.check.name,
        "blocking": line.check.blocking,
        "about": line.check.about,
        "result": line.result,
        "found": dict(line.found),
        "months_failing": list(line.months),
        "partition_from": line.partition_from,
        "partition_to": line.partition_to,
        "checked_at": line.checked_at,
        "run_id": line.run_id,
    }


def to_rows(found: Report) -> pa.Table:
    """One row a check, for other tools: the columns of the JSON, figures in words, months separated by spaces."""
    rows = [_plain(line) | {"found": line.words, "months_failing": " ".join(line.months)} for line in found.lines]
    kinds = {"blocking": pa.bool_(), "checked_at": pa.timestamp("us", tz="UTC")}
    names = ("stage", "asset", "check", "blocking", "result", "found", "months_failing", "partition_from")
    names = (*names, "partition_to", "checked_at", "run_id", "about")
    return pa.Table.from_pylist(rows, schema=pa.schema([(name, kinds.get(name, pa.string())) for name in names]))
