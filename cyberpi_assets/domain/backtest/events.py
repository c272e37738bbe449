"""Which incidents can be tested, which belong together, and why the others cannot.

Here belongs what is decided before any figure is looked at. Controls belong to `matching.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from cyberpi_assets.domain.backtest.grid import Grid
from cyberpi_assets.domain.backtest.registered import TUNE_UNTIL, Registered
from cyberpi_assets.domain.calendar import Days, day_number
from cyberpi_assets.domain.features import Ints
from cyberpi_assets.domain.sql import ask

PRIMARY = ("A", "B")
_PRIOR_SESSIONS = 250
_COMMON_CAUSE_DAYS = 45

# The first session after disclosure, where the list has none: a day later is never too early.
_ORDERED = """
SELECT event_id, ticker, company, coalesce(event, '') AS event, grade, event_day_ambiguous AS ambiguous,
       coalesce(event_day, disclosed_on + 1) AS day,
       ticker_reuse IS NOT NULL AND ticker = ticker_at_event AS reused
FROM incidents ORDER BY day, ticker, event_id"""


@dataclass(frozen=True)
class Events:
    """Incidents in order of their day. Shapes: (incidents,)."""

    event_id: list[str]
    ticker: list[str]
    grade: list[str]
    day: Days  # days since 1970-01-01: first session on which the market could react
    row: Ints  # row of the ticker in the grid, -1 where it has no bars
    cluster: Ints  # incidents of one company, and of one campaign, have one number
    ambiguous: npt.NDArray[np.bool_]
    why_not: list[str | None]  # why the incident cannot be tested

    @property
    def tested_on(self) -> npt.NDArray[np.bool_]:
        """Incidents after the last day that anything was tuned on."""
        return self.day > day_number(TUNE_UNTIL)

    def usable(self, grades: tuple[str, ...] = PRIMARY) -> npt.NDArray[np.bool_]:
        """Incidents of these grades that can be tested."""
        return np.array(
            [g in grades and w is None for g, w in zip(self.grade, self.why_not, strict=True)], dtype=np.bool_
        )


def events(incidents: pa.Table, grid: Grid, rules: Registered) -> Events:
    """The incidents with their place in the grid. incidents: `tables.INCIDENTS`, of every grade."""
    found = ask(_ORDERED, incidents=incidents)
    rows = found.to_pylist()
    code = {t: i for i, t in enumerate(grid.tickers)}
    day = found.column("day").cast(pa.int32()).to_numpy().astype(np.int32)
    row = np.array([code.get(r["ticker"], -1) for r in rows], dtype=np.int64)
    why = _why_not(rows, day, row, grid, rules)
    return Events(
        [r["event_id"] for r in rows],
        [r["ticker"] for r in rows],
        [r["grade"] for r in rows],
        day,
        row,
        _clusters(rows, day),
        np.array([bool(r["ambiguous"]) for r in rows], dtype=np.bool_),
        why,
    )


def _why_not(rows: list[dict[str, object]], day: Days, row: Ints, grid: Grid, rules: Registered) -> list[str | None]:
    known = np.isfinite(grid.figures["market"]) if "market" in grid.figures else np.zeros((0, 0), np.bool_)
    last_of: dict[object, int] = {}
    out: list[str | None] = []
    furthest = max(w.first for w in rules.windows)
    for k, r in enumerate(rows):
        reason: str | None = None
        if r["grade"] == "weak":
            reason = "weakly dated: only used to keep controls clear"
        elif r["reused"]:
            reason = "the symbol belongs to another company today"
        elif row[k] < 0:
            reason = "no bars under this symbol"
        else:
            low, high = grid.columns(np.array([day[k] - furthest]), np.array([day[k] - 1]))
            if high[0] - low[0] < 1 or low[0] < _PRIOR_SESSIONS:
                reason = f"fewer than {_PRIOR_SESSIONS} sessions of data before it"
            elif known[row[k], low[0] : high[0]].mean() < rules.least_days:
                reason = "too few bars in the weeks before it"
            elif day[k] - last_of.get(r["ticker"], -(10**6)) <= rules.same_company_days:
                reason = f"within {rules.same_company_days} days of an earlier incident of the company"
        if r["grade"] != "weak":
            last_of[r["ticker"]] = int(day[k])
        out.append(reason)
    return out


def _clusters(rows: list[dict[str, object]], day: Days) -> Ints:
    """One number for all incidents of a company, and of one campaign: the same words within 45 days."""
    parent = list(range(len(rows)))

    def root(k: int) -> int:
        while parent[k] != k:
            parent[k] = parent[parent[k]]
            k = parent[k]
        return k

    company: dict[object, int] = {}
    campaign: dict[str, int] = {}
    for k, r in enumerate(rows):
        if r["grade"] == "weak":
            continue
        if (other := company.setdefault(r["ticker"], k)) != k:
            parent[root(k)] = root(other)
        words = str(r["event"]).strip().lower()
        if words:
            other = campaign.get(words)
            if other is not None and day[k] - day[other] <= _COMMON_CAUSE_DAYS:
                parent[root(k)] = root(other)
            campaign[words] = k
    return np.array([root(k) for k in range(len(rows))], dtype=np.int64)
