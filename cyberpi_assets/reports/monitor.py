"""Market alerts of the latest sessions as people watch them: which tickers, what happened, how rare it is.

Here belongs reading market_alerts for a watch universe and saying each alert in words. What fires an alert is decided
elsewhere; waiting and repeating is the terminal's business.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import duckdb

from cyberpi_assets.reports import language
from cyberpi_assets.reports.figures import MISSING, change, day, decimal
from cyberpi_assets.reports.safe import clean, number, plain
from cyberpi_assets.reports.selection import is_demo

if TYPE_CHECKING:
    from rich.console import RenderableType

_BASELINES = {
    "mean_volume": "the mean volume of the sessions before",
    "median_std": "its usual 5-day volatility",
    "previous_close": "the previous close",
}


@dataclass(frozen=True)
class WatchFilter:
    """Which alerts to show: `tickers` null for the watch universe, `days` sessions back from the newest one."""

    tickers: tuple[str, ...] | None = None
    min_severity: int | None = None
    days: int = 5


@dataclass(frozen=True)
class WatchedAlert:
    """One market alert. Price is US dollars, change_pct percent, severity 1-10 or null with the reason."""

    alert_id: str
    ticker: str
    company: str | None
    session: dt.date
    alert_type: str
    severity: int | None
    severity_reason: str | None
    price: float
    volume: int | None
    change_pct: float | None
    suspect_data: bool
    words: str

    def json(self) -> dict[str, object]:
        """The alert as plain JSON values, keys as above."""
        return {k: plain(v) for k, v in asdict(self).items()}


@dataclass(frozen=True)
class Watch:
    """What was watched, and its alerts: newest session first, then the rarest."""

    universe: str
    tickers: tuple[str, ...] | None
    unknown: tuple[str, ...]
    first_session: dt.date | None
    last_session: dt.date | None
    demo: bool
    alerts: tuple[WatchedAlert, ...]


def watch(con: duckdb.DuckDBPyConnection, chosen: WatchFilter | None = None) -> Watch:
    """Read the latest alerts from market_alerts, daily_bars, top_traded_tickers and companies.

    Tickers asked for are watched whether or not they are traded; those without any bar are named in `unknown`. Without
    tickers the universe is top_traded_tickers, or every ticker where that table is empty. An alert without severity is
    shown only when no minimum is asked for. Raises ValueError for days below 1.
    """
    chosen = chosen or WatchFilter()
    if chosen.days < 1:
        raise ValueError("days must be at least 1")
    universe, tickers = _universe(con, chosen.tickers)
    first, last = _sessions(con, chosen.days)
    rows = con.execute(
        """
        SELECT a.alert_id, a.ticker, m.name, a.session, a.alert_type, a.severity, a.severity_reason, a.price, a.volume,
               a.change_pct, a.suspect_data, a.details
        FROM market_alerts a LEFT JOIN companies m ON m.ticker = a.ticker
        WHERE a.session BETWEEN ? AND ? AND (? OR a.ticker IN (SELECT unnest(?::VARCHAR[])))
          AND (?::INTEGER IS NULL OR a.severity >= ?::INTEGER)
        ORDER BY a.session DESC, a.severity DESC NULLS LAST, a.ticker, a.alert_type
        """,
        [first, last, tickers is None, list(tickers or ()), chosen.min_severity, chosen.min_severity],
    ).fetchall()
    alerts = tuple(
        WatchedAlert(
            alert_id=clean(r[0]) or "",
            ticker=clean(r[1], 20) or "",
            company=clean(r[2], 120),
            session=r[3],
            alert_type=clean(r[4], 40) or "",
            severity=r[5],
            severity_reason=clean(r[6]),
            price=r[7],
            volume=r[8],
            change_pct=number(r[9]),
            suspect_data=r[10],
            words=in_words(r[4], r[9], r[11], suspect=r[10]),
        )
        for r in rows
    )
    unknown = _without_bars(con, chosen.tickers or ())
    return Watch(universe, tickers, unknown, first, last, is_demo(con), alerts)


def in_words(alert_type: str, change_pct: float | None, details: str | None, *, suspect: bool = False) -> str:
    """What an alert measured, from its details: `volume 4.2 times the mean volume ...; 1 day in 250`."""
    found = _details(details)
    ratio, baseline = found.get("ratio"), _BASELINES.get(str(found.get("baseline")))
    if alert_type in ("price_spike", "price_drop"):
        text = f"closed {change(number(change_pct))} against {baseline or 'the previous close'}"
    elif isinstance(ratio, (int, float)):
        what = "volume" if alert_type == "unusual_volume" else "volatility"
        text = f"{what} {decimal(float(ratio))} times {baseline or 'its baseline'}"
    else:
        text = language.word(language.ALERT_TYPES, clean(alert_type))
    tail = found.get("tail_p")
    if isinstance(tail, (int, float)) and 0 < tail <= 1:
        text += f"; as rare as 1 day in {1 / tail:,.0f}"
    return text + ("; SUSPECT DATA: no known split explains the move" if suspect else "")


def _details(text: str | None) -> dict[str, Any]:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _universe(con: duckdb.DuckDBPyConnection, asked: Sequence[str] | None) -> tuple[str, tuple[str, ...] | None]:
    if asked:
        tickers = tuple(dict.fromkeys(t.strip().upper().replace(".", "-") for t in asked if t.strip()))
        return language.plural(len(tickers), "ticker"), tickers
    top = con.execute("SELECT ticker FROM top_traded_tickers ORDER BY rank").fetchall()
    if top:
        return f"the most traded in the disclosures ({language.plural(len(top), 'ticker')})", tuple(t for (t,) in top)
    return "every ticker (no disclosed trades yet)", None


def _sessions(con: duckdb.DuckDBPyConnection, days: int) -> tuple[dt.date | None, dt.date | None]:
    """First and last of the newest sessions that have bars (or alerts, where there are no bars)."""
    last = con.execute(
        "SELECT coalesce((SELECT max(session) FROM daily_bars), (SELECT max(session) FROM market_alerts))"
    ).fetchall()[0][0]
    if last is None:
        return None, None
    lately = dt.date.fromordinal(max(1, last.toordinal() - 2 * days - 10))  # weekends and holidays fit in
    first = last
    for since in (lately, dt.date.min):  # sparse data need a look further back
        first, found = con.execute(
            """
            SELECT min(session), count(*) FROM (
                SELECT DISTINCT session FROM (
                    SELECT session FROM daily_bars WHERE session >= ? UNION ALL
                    SELECT session FROM market_alerts WHERE session >= ?)
                WHERE session <= ? ORDER BY session DESC LIMIT ?)
            """,
            [since, since, last, days],
        ).fetchall()[0]
        if found == days:
            break
    return first, last


def _without_bars(con: duckdb.DuckDBPyConnection, tickers: Sequence[str]) -> tuple[str, ...]:
    if not tickers:
        return ()
    rows = con.execute(
        """
        SELECT DISTINCT w.ticker FROM (SELECT unnest(?::VARCHAR[]) AS ticker) w
        WHERE w.ticker NOT IN (SELECT ticker FROM daily_bars) AND w.ticker NOT IN (SELECT ticker FROM market_alerts)
        ORDER BY 1
        """,
        [[t.strip().upper().replace(".", "-") for t in tickers]],
    ).fetchall()
    return tuple(clean(t, 20) or "" for (t,) in rows)


def to_rich(found: Watch, alerts: Sequence[WatchedAlert] | None = None) -> list[RenderableType]:
    """The alerts as a table for a terminal, under a line that says what is watched; `alerts` picks some of them."""
    from cyberpi_assets.reports import layout

    alerts = found.alerts if alerts is None else alerts
    span = f"{day(found.first_session)} to {day(found.last_session)}"
    parts: list[RenderableType] = [
        layout.lines(("Market alerts ", "bold"), f" sessions {span}, {found.universe}: {len(alerts):,}")
    ]
    if found.demo:
        parts.append(layout.text(language.DEMO, "italic"))
    if found.unknown:
        parts.append(layout.text(f"No market data for {', '.join(found.unknown)}.", "yellow"))
    if not alerts:
        return [*parts, layout.text("No alerts.")]
    rows = [
        (
            day(a.session),
            a.ticker,
            layout.text(str(a.severity) if a.severity else MISSING, "bold red" if (a.severity or 0) >= 7 else ""),
            change(a.change_pct),
            language.word(language.ALERT_TYPES, a.alert_type),
            a.words
            + (f"; severity not known: {a.severity_reason}" if a.severity is None and a.severity_reason else ""),
        )
        for a in alerts
    ]
    columns = [("Session", "left"), ("Ticker", "left"), ("Severity", "right"), ("Change", "right"), ("Type", "left")]
    return [*parts, layout.table([*columns, ("What was measured", "left")], rows)]  # pyright: ignore[reportArgumentType]
