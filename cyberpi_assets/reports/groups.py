"""Parties, committees and seasons against chance, as the pattern report quotes them.

Here belongs reading the tables of evidence that are about no single official. How they look is in `patterns_text.py`.
"""

from __future__ import annotations

from typing import Any

import duckdb

from cyberpi_assets.reports.evidence import evidence_of
from cyberpi_assets.reports.patterns_model import CommitteeRow, PartyTest, Season
from cyberpi_assets.reports.safe import clean, number

# the question first that allows for volatility; raw means last
_METRICS = ("mean_one_minus_p", "excess_score", "mean_score")


def _rows(con: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    cursor = con.execute(query)
    names = [d[0] for d in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def party_tests(con: duckdb.DuckDBPyConnection) -> tuple[PartyTest, ...]:
    """The comparisons of parties: both chambers first, what allows for volatility before raw means."""
    rows = _rows(con, "SELECT * FROM party_evidence")
    order = {metric: i for i, metric in enumerate(_METRICS)}
    rows.sort(key=lambda r: (r["chamber"] != "both", r["chamber"], order.get(r["metric"], 9), r["party_a"]))
    return tuple(
        PartyTest(
            chamber=clean(r["chamber"], 20) or "",
            metric=clean(r["metric"], 40) or "",
            party_a=clean(r["party_a"], 40) or "",
            party_b=clean(r["party_b"], 40) or "",
            n_a=r["n_a"],
            n_b=r["n_b"],
            mean_a=number(r["mean_a"]),
            mean_b=number(r["mean_b"]),
            difference=number(r["difference"]),
            low=number(r["low"]),
            high=number(r["high"]),
            p_value=number(r["p_value"]),
            q_value=number(r["q_value"]),
            method=clean(r["method"], 20),
            reason=clean(r["reason"]),
        )
        for r in rows
    )


def committees(con: duckdb.DuckDBPyConnection, limit: int) -> tuple[CommitteeRow, ...]:
    """Committees by q, at most `limit`."""
    judged = evidence_of(con, "committee_evidence")
    rows = _rows(con, "SELECT * FROM committee_evidence ORDER BY q_value NULLS LAST, p_value NULLS LAST, committee_id")
    return tuple(
        CommitteeRow(
            committee_id=clean(r["committee_id"], 20) or "",
            name=clean(r["name"], 100) or "",
            chamber=clean(r["chamber"], 20),
            sectors=tuple(clean(s, 60) or "" for s in r["sectors"] or ()),
            breadth=number(r["breadth"]),
            n_officials=r["n_officials"],
            evidence=judged[r["committee_id"]],
            n_outside=r["n_outside"],
            oe_outside=number(r["oe_outside"]),
        )
        for r in rows[:limit]
    )


def seasons(con: duckdb.DuckDBPyConnection) -> tuple[Season, ...]:
    """Patterns in time, the test of each before its months or weekdays."""
    rows = _rows(con, "SELECT * FROM temporal_patterns")
    first = {name: i for i, name in enumerate(dict.fromkeys(r["pattern"] for r in rows))}
    days = {name: i for i, name in enumerate(("all", "Mon", "Tue", "Wed", "Thu", "Fri"))}
    rows.sort(key=lambda r: (first[r["pattern"]], days.get(r["bucket"], 9), r["bucket"]))
    return tuple(
        Season(
            pattern=clean(r["pattern"], 40) or "",
            bucket=clean(r["bucket"], 10) or "",
            observed=number(r["observed"]),
            expected=number(r["expected"]),
            ratio=number(r["ratio"]),
            statistic=number(r["statistic"]),
            p_value=number(r["p_value"]),
            q_value=number(r["q_value"]),
            n=r["n"],
            detail=clean(r["detail"]),
            reason=clean(r["reason"]),
        )
        for r in rows
    )
