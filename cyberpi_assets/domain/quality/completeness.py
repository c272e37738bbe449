"""How much of what should be there is: bars against the exchange's sessions, filings against the calendar.

What should be there follows from the data and the calendar alone. A ticker is expected from its first bar to its last;
that it was listed longer, no rule here can know.
"""

from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pyarrow.compute as pc

from cyberpi_assets.domain.calendar import session_days
from cyberpi_assets.domain.quality.verdict import Part, Verdict, judged
from cyberpi_assets.domain.sql import Frame, ask
from cyberpi_assets.rules.figures import QualityRules


def bar_cells(bars: Frame) -> pa.Table:
    """Per month, the cells of sessions and tickers that should hold a bar, and those that do.

    bars: ticker, session (a session each, a ticker and session once). Columns: month, tickers, expected, present,
    sessions, silent_sessions (those on which not one ticker has a bar, between the first and last bar of all).
    """
    return ask(
        """
        WITH days AS (
            SELECT day, strftime(day, '%Y-%m') AS month, row_number() OVER (ORDER BY day) AS nth FROM calendar
        ), told AS (
            SELECT session, count(*) AS n FROM bars GROUP BY session
        ), spans AS (
            SELECT f.nth AS first, l.nth AS last
            FROM (SELECT min(session) AS first, max(session) AS last FROM bars GROUP BY ticker) s
            JOIN days f ON f.day = s.first JOIN days l ON l.day = s.last
        ), months AS (
            SELECT d.month, min(d.nth) AS first, max(d.nth) AS last, count(*) AS sessions,
                   count(*) FILTER (t.n IS NULL) AS silent_sessions, coalesce(sum(t.n), 0)::BIGINT AS present
            FROM days d LEFT JOIN told t ON t.session = d.day
            WHERE d.nth BETWEEN (SELECT min(first) FROM spans) AND (SELECT max(last) FROM spans)
            GROUP BY d.month
        )
        SELECT m.month, count(*) AS tickers,
               sum(least(s.last, m.last) - greatest(s.first, m.first) + 1)::BIGINT AS expected,
               any_value(m.present) AS present, any_value(m.sessions) AS sessions,
               any_value(m.silent_sessions) AS silent_sessions
        FROM months m JOIN spans s ON s.first <= m.last AND s.last >= m.first
        GROUP BY m.month ORDER BY m.month""",
        bars=_read(bars),
        calendar=session_days(),
    )


def _read(bars: Frame) -> pa.Table:
    """The two columns, read once: the query looks at them twice, and a relation streams once."""
    return bars if isinstance(bars, pa.Table) else bars.project("ticker, session").to_arrow_table()


def complete(cells: pa.Table, rules: QualityRules) -> Verdict:
    """Whether each month holds its share of cells, and no session is without any bar.

    cells: as `bar_cells` gives them. A month with fewer expected cells than `rules.least_cells` has no verdict of its
    own: one pause would decide it. A silent session counts in any month with enough cells.
    """
    parts: dict[str, Part] = {}
    for row in cells.to_pylist():
        month, share = row.pop("month"), row["present"] / row["expected"]
        detail = {**row, "share_present": round(share, 4)}
        if row["expected"] < rules.least_cells:
            parts[month] = Part(True, {**detail, "not_known": f"fewer than {rules.least_cells} cells"})
            continue
        parts[month] = Part(share >= rules.least_present and not row["silent_sessions"], detail)
    expected, present = (int(pc.sum(cells.column(name)).as_py() or 0) for name in ("expected", "present"))
    whole = {
        "expected": expected,
        "present": present,
        "share_present": round(present / expected, 4) if expected else None,
        "limit": rules.least_present,
    }
    return judged(parts, whole, failing="months_below")


def months_of_filings(filings: Frame, asked: dt.date) -> Verdict:
    """Whether every month has a filing of each chamber, between that chamber's first month and its last.

    filings: chamber, filed_on. A month of filing after the day of asking is a misprint and says nothing about the
    months before. Figures by month: filings of each chamber.
    """
    found = ask(
        """
        WITH told AS (
            SELECT chamber, date_trunc('month', filed_on)::DATE AS first_day, count(*) AS n
            FROM filings WHERE filed_on <= $asked GROUP BY ALL
        ), spans AS (
            SELECT chamber, unnest(range(min(first_day), max(first_day) + INTERVAL 1 MONTH, INTERVAL 1 MONTH))::DATE
                   AS first_day
            FROM told GROUP BY chamber
        )
        SELECT strftime(first_day, '%Y-%m') AS month, chamber, coalesce(n, 0) AS n
        FROM spans LEFT JOIN told USING (chamber, first_day) ORDER BY ALL""",
        params={"asked": asked},
        filings=filings if isinstance(filings, pa.Table) else filings.project("chamber, filed_on"),
    ).to_pylist()
    by_month: dict[str, dict[str, int]] = {}
    for row in found:
        by_month.setdefault(row["month"], {})[f"{row['chamber']}_filings"] = row["n"]
    parts = {month: Part(all(counts.values()), counts) for month, counts in by_month.items()}
    return judged(parts, {"filings": sum(r["n"] for r in found), "months": len(parts)}, failing="months_without")
