"""What a sweep says at its end: the names that scored highest in the newest snapshots, and the checks that failed.

The scores are computed in `domain/options/`; who was asked and what was not given is `sources/providers/`.
"""

from __future__ import annotations

import duckdb
from rich.console import RenderableType

from cyberpi_assets.reports.figures import percent
from cyberpi_assets.reports.layout import Side, heading, indent, table, text
from cyberpi_assets.reports.safe import clean

CAVEAT = (
    "A score says how unusual the option trading of a name is, not why. Most of it is hedging, spreads, earnings, "
    "dividends or index rebalancing. A name without a score is unknown, not calm: see source_gaps."
)


def swept(con: duckdb.DuckDBPyConnection, top: int) -> list[RenderableType]:
    """The newest session's highest seed scores, one row a name, with what fired. `con` sees the lake's tables."""
    rows = con.execute(
        """WITH newest AS (
               SELECT * FROM threat_scores WHERE session = (SELECT max(session) FROM threat_scores)
               QUALIFY row_number() OVER (PARTITION BY ticker ORDER BY snapshot_at DESC, source) = 1
           )
           SELECT n.ticker, n.session, n.seed_score, n.severity, n.history_score, n.coverage,
                  (SELECT string_agg(i.indicator, ', ' ORDER BY i.indicator) FROM threat_indicators i
                   WHERE i.threat_id = n.threat_id AND i.source = n.source AND i.state = 'fired'),
                  array_to_string(n.confounders, ', '), count(*) OVER (), count(n.seed_score) OVER ()
           FROM newest n ORDER BY n.seed_score DESC NULLS LAST, n.history_score DESC NULLS LAST, n.ticker LIMIT $top""",
        {"top": top},
    ).fetchall()
    if not rows:
        return [heading("Option threat scores"), indent(text("no snapshot has a score yet"))]
    lines: list[tuple[str | None, ...]] = [
        (
            clean(ticker, 12),
            "–" if score is None else f"{score}",
            severity or "unknown",
            "–" if history is None else f"{history:.0f}",
            percent(coverage),
            clean(fired or "–", 60),
            clean(excused or "–", 40),
        )
        for ticker, _, score, severity, history, coverage, fired, excused, _, _ in rows
    ]
    columns: list[tuple[str, Side]] = [
        ("ticker", "left"), ("score", "right"), ("severity", "left"), ("history", "right"), ("known", "right"),
        ("fired", "left"), ("may be explained by", "left"),
    ]  # fmt: skip
    _, session, *_, names, scored = rows[0]
    return [
        heading(f"Option threat scores of {session}, first {len(rows)} of {names:,} names; {scored:,} have a score"),
        indent(table(columns, lines)),
        text(CAVEAT),
    ]
