"""Alerts with their lives as people look at them: which hold now, since when, and on what evidence.

Here belongs reading the table `alerts` by state, kind, severity and ticker, and setting it on a page. When an alert is
raised or cleared is decided in `domain/alerts_life.py`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import duckdb

from cyberpi_assets.reports import language
from cyberpi_assets.reports.figures import decimal
from cyberpi_assets.reports.safe import clean, number, plain
from cyberpi_assets.reports.selection import is_demo

if TYPE_CHECKING:
    from rich.console import RenderableType

STATES = ("NEW", "CONTINUING", "CLEARED")
SEVERITIES = ("low", "medium", "high", "critical")
_STYLES = {"critical": "bold red", "high": "red", "medium": "yellow"}
_DARK_DAYS = 7  # data that end so long before the newest of their kind have ended
_OF_ITS_SUBJECT = ("market", "options", "halt")  # kinds that end by data of the subject; the others fade


@dataclass(frozen=True)
class AlertFilter:
    """Which alerts to show: `states` those named (all when empty), `limit` null for all."""

    states: tuple[str, ...] = ("NEW", "CONTINUING")
    kinds: tuple[str, ...] = ()
    min_severity: str | None = None
    tickers: tuple[str, ...] = ()
    limit: int | None = 50


@dataclass(frozen=True)
class ShownAlert:
    """One alert. Times are UTC; `dark`: no data of the subject for long, so nobody knows whether it still holds."""

    alert_id: str
    subject: str
    kind: str
    topic: str
    severity: str
    severity_figure: float | None
    peak_figure: float | None
    state: str
    first_seen: dt.datetime
    last_seen: dt.datetime
    cleared_at: dt.datetime | None
    known_to: dt.datetime
    n_evidence: int
    suspect: bool
    evidence: tuple[str, ...]
    dark: bool

    def json(self) -> dict[str, object]:
        """The alert as plain JSON values, keys as above."""
        return {k: plain(v) for k, v in asdict(self).items()}


@dataclass(frozen=True)
class Shown:
    """What matches, newest evidence first, and how many there are of each state."""

    alerts: tuple[ShownAlert, ...]
    matching: int
    by_state: dict[str, int]
    demo: bool


def shown_alerts(con: duckdb.DuckDBPyConnection, chosen: AlertFilter) -> Shown:
    """Read the table `alerts`. An alert of unknown severity is shown only where no least severity is asked for."""
    least = SEVERITIES.index(chosen.min_severity) if chosen.min_severity is not None else None
    wanted = list(SEVERITIES[least:]) if least is not None else [*SEVERITIES, "unknown"]
    tickers = [t.strip().upper().replace(".", "-") for t in chosen.tickers]
    where = """
        list_contains($severities, severity)
        AND ($kinds::VARCHAR[] IS NULL OR list_contains($kinds, kind))
        AND ($tickers::VARCHAR[] IS NULL OR list_contains($tickers, upper(subject)))"""
    given = {"severities": wanted, "kinds": list(chosen.kinds) or None, "tickers": tickers or None}
    by_state = dict(con.execute(f"SELECT state, count(*) FROM alerts WHERE {where} GROUP BY state", given).fetchall())
    states = list(chosen.states) or list(STATES)
    rows = con.execute(
        f"""
        WITH newest AS (SELECT kind, max(known_to) AS newest FROM alerts GROUP BY kind)
        SELECT alert_id, subject, kind, topic, severity, severity_figure, peak_figure, state, first_seen, last_seen,
               cleared_at, known_to, n_evidence, suspect, evidence,
               state <> 'CLEARED' AND kind IN {_OF_ITS_SUBJECT}
               AND known_to < newest - {_DARK_DAYS} * INTERVAL 1 DAY AS dark
        FROM alerts JOIN newest USING (kind)
        WHERE {where} AND list_contains($states, state)
        ORDER BY last_seen DESC, severity_figure DESC NULLS LAST, alert_id LIMIT $limit""",
        given | {"states": states, "limit": chosen.limit if chosen.limit is not None else 2**62},
    ).fetchall()
    alerts = tuple(
        ShownAlert(
            alert_id=clean(r[0]) or "",
            subject=clean(r[1], 40) or "",
            kind=r[2],
            topic=clean(r[3], 40) or "",
            severity=r[4],
            severity_figure=number(r[5]),
            peak_figure=number(r[6]),
            state=r[7],
            first_seen=r[8],
            last_seen=r[9],
            cleared_at=r[10],
            known_to=r[11],
            n_evidence=r[12],
            suspect=r[13],
            evidence=tuple(clean(e) or "" for e in r[14] or ()),
            dark=r[15],
        )
        for r in rows
    )
    return Shown(alerts, sum(by_state.get(s, 0) for s in states), by_state, is_demo(con))


def to_rich(found: Shown) -> Sequence[RenderableType]:
    """The alerts as a table for a terminal, under a line that counts them by state."""
    from cyberpi_assets.reports import layout

    counts = ", ".join(f"{found.by_state.get(s, 0):,} {s.lower()}" for s in STATES)
    parts: list[RenderableType] = [layout.lines(("Alerts ", "bold"), f" {counts}; shown: {len(found.alerts):,}")]
    if found.demo:
        parts.append(layout.text(language.DEMO, "italic"))
    if not found.alerts:
        return [*parts, layout.text("No alerts.")]
    rows = [
        (
            a.subject,
            a.kind,
            language.word(language.ALERT_TOPICS, a.topic),
            layout.text(a.severity, _STYLES.get(a.severity, "")),
            decimal(a.severity_figure) if a.severity_figure is not None else None,
            a.state.lower() + (" (no data since)" if a.dark else "") + (" (suspect data)" if a.suspect else ""),
            f"{a.first_seen:%Y-%m-%d %H:%M}",
            f"{a.cleared_at or a.last_seen:%Y-%m-%d %H:%M}",
            str(a.n_evidence),
        )
        for a in found.alerts
    ]
    columns = [
        ("Subject", "left"), ("Kind", "left"), ("Topic", "left"), ("Severity", "left"), ("Figure", "right"),
        ("State", "left"), ("Since (UTC)", "left"), ("Last or cleared", "left"), ("Evidence", "right"),
    ]  # fmt: skip
    table = layout.table(columns, rows)  # pyright: ignore[reportArgumentType]
    left = found.matching - len(found.alerts)
    return [*parts, table, *([layout.text(f"{left:,} more are not shown (--limit).")] if left > 0 else [])]
