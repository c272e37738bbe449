"""Threat scores of the latest option snapshots: each beside its coverage, its base rate, its excuses and its words.

Here belongs reading threat_scores and threat_indicators for a person. How a score is made is decided in
`domain/options/`; what a model says of it is not here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import duckdb

from cyberpi_assets.reports import language
from cyberpi_assets.reports.figures import MISSING, Share, day, decimal, percent, share
from cyberpi_assets.reports.layout import markdown_table
from cyberpi_assets.reports.safe import clean, markdown, number, plain
from cyberpi_assets.reports.selection import is_demo

if TYPE_CHECKING:
    from rich.console import RenderableType

NOT_A_CAUSE = (
    "A score says how unusual option trading was, not why. Most of it is hedging, earnings, dividends, spreads or news "
    "that everybody had. It is no evidence of wrongdoing and no advice to trade."
)
NOT_A_PROBABILITY = (
    "The history score is the rank, within its date, of the distance from the ticker's own past. It is no probability."
)
BASE_RATE = (
    "Beside each score: how often the same ticker, and all tickers, scored as high on the days before. A score that "
    "comes on one day in five says little."
)
UNKNOWN = (
    "An indicator that is not known counts neither as fired nor as calm; with fewer than half known there is no score."
)
_CONFOUNDERS = {
    "earnings": "earnings within five sessions before to one after",
    "ex_dividend": "calls before an ex-dividend day",
    "hedge": "a put and a call of one size: a hedge",
    "spread": "two legs of one size: a spread",
    "index": "an index or fund: hedges of whole portfolios",
}


@dataclass(frozen=True)
class ThreatFilter:
    """Which scores to show: `tickers` null for all, `sessions` back from the newest; 0 also shows what has no score."""

    tickers: tuple[str, ...] | None = None
    min_score: int = 0
    sessions: int = 1
    limit: int | None = 20


@dataclass(frozen=True)
class Indicator:
    """One indicator: fired, calm or unknown, and its sentence."""

    indicator: str
    state: str
    points: int | None
    robust_z: float | None
    words: str


@dataclass(frozen=True)
class Threat:
    """One score. Base rates are over earlier sessions of the same provider, each by its last snapshot."""

    threat_id: str
    ticker: str
    company: str | None
    session: dt.date
    snapshot_at: dt.datetime
    source: str
    seed_score: int | None
    coverage: float
    severity: str | None
    confidence: str | None
    reason: str | None
    history_score: float | None
    history_n: int
    history_reason: str | None
    partial_day: bool
    data_type: str
    own_base: Share
    all_base: Share
    confounders: tuple[str, ...]
    indicators: tuple[Indicator, ...]

    def json(self) -> dict[str, object]:
        """The threat as plain JSON values."""
        return {k: plain(v) for k, v in asdict(self).items()}


@dataclass(frozen=True)
class Threats:
    """What was looked at, and the scores: the highest first."""

    first_session: dt.date | None
    last_session: dt.date | None
    n_scores: int
    n_without: int
    matching: int
    unknown_tickers: tuple[str, ...]
    demo: bool
    threats: tuple[Threat, ...]


_LAST_OF_SESSION = """
SELECT * FROM threat_scores
QUALIFY row_number() OVER (PARTITION BY ticker, source, session ORDER BY snapshot_at DESC) = 1"""

_CHOSEN = f"""
WITH last AS ({_LAST_OF_SESSION}),
newest AS (SELECT DISTINCT session FROM last ORDER BY session DESC LIMIT ?),
chosen AS (
    SELECT * FROM last WHERE session IN (FROM newest)
      AND (? OR ticker IN (SELECT unnest(?::VARCHAR[]))) AND (seed_score >= ? OR ? = 0)
)
SELECT c.threat_id, c.ticker, m.name, c.session, c.snapshot_at, c.source, c.seed_score, c.coverage, c.severity,
       c.confidence, c.reason, c.history_score, c.history_n, c.history_reason, c.partial_day, c.data_type,
       c.confounders,
       count(b.seed_score) FILTER (b.ticker = c.ticker AND b.seed_score >= c.seed_score),
       count(b.seed_score) FILTER (b.ticker = c.ticker),
       count(b.seed_score) FILTER (b.seed_score >= c.seed_score), count(b.seed_score)
FROM chosen c LEFT JOIN companies m ON m.ticker = c.ticker
LEFT JOIN last b ON b.session < c.session AND b.source = c.source
GROUP BY ALL
ORDER BY c.seed_score DESC NULLS LAST, c.history_score DESC NULLS LAST, c.session DESC, c.ticker, c.source"""


def threat_report(con: duckdb.DuckDBPyConnection, chosen: ThreatFilter | None = None) -> Threats:
    """Read scores of the newest sessions from threat_scores, threat_indicators and companies.

    Tickers asked for that have no score at all are named in `unknown_tickers`. Raises ValueError for sessions below 1.
    """
    chosen = chosen or ThreatFilter()
    if chosen.sessions < 1:
        raise ValueError("sessions must be at least 1")
    asked = tuple(t.strip().upper().replace(".", "-") for t in chosen.tickers or () if t.strip())
    rows = con.execute(
        _CHOSEN, [chosen.sessions, not asked, list(asked), chosen.min_score, chosen.min_score]
    ).fetchall()
    shown = rows if chosen.limit is None else rows[: chosen.limit]
    explained = _indicators(con, [r[0] for r in shown])
    first, last, n, without = con.execute(
        f"""
        WITH last AS ({_LAST_OF_SESSION}), newest AS (SELECT DISTINCT session FROM last ORDER BY session DESC LIMIT ?)
        SELECT min(session), max(session), count(*), count(*) - count(seed_score)
        FROM last WHERE session IN (FROM newest)""",
        [chosen.sessions],
    ).fetchall()[0]
    known = {t for (t,) in con.execute("SELECT DISTINCT ticker FROM threat_scores").fetchall()}
    return Threats(
        first_session=first,
        last_session=last,
        n_scores=n,
        n_without=without,
        matching=len(rows),
        unknown_tickers=tuple(clean(t, 20) or "" for t in asked if t not in known),
        demo=is_demo(con),
        threats=tuple(_threat(r, explained.get((r[0], r[5]), ())) for r in shown),
    )


def _threat(r: Sequence[Any], indicators: tuple[Indicator, ...]) -> Threat:
    return Threat(
        threat_id=clean(r[0], 80) or "",
        ticker=clean(r[1], 20) or "",
        company=clean(r[2], 120),
        session=r[3],
        snapshot_at=r[4],
        source=clean(r[5], 80) or "",
        seed_score=r[6],
        coverage=r[7],
        severity=r[8],
        confidence=r[9],
        reason=clean(r[10]),
        history_score=number(r[11]),
        history_n=r[12],
        history_reason=clean(r[13]),
        partial_day=r[14],
        data_type=clean(r[15], 20) or "",
        confounders=tuple(r[16] or ()),
        own_base=share(r[17], r[18]),
        all_base=share(r[19], r[20]),
        indicators=indicators,
    )


def _indicators(con: duckdb.DuckDBPyConnection, ids: list[str]) -> dict[tuple[str, str], tuple[Indicator, ...]]:
    """By threat and provider: the seed's indicators, then those of the history that fired, the furthest first."""
    found: dict[tuple[str, str], tuple[Indicator, ...]] = {}
    for r in con.execute(
        """
        SELECT threat_id, source, indicator, state, points, robust_z, words FROM threat_indicators
        WHERE threat_id IN (SELECT unnest(?::VARCHAR[])) AND (state = 'fired' OR NOT starts_with(indicator, 'history_'))
        ORDER BY starts_with(indicator, 'history_'), points DESC NULLS LAST, abs(robust_z) DESC, indicator""",
        [ids],
    ).fetchall():
        one = Indicator(clean(r[2], 60) or "", r[3], r[4], number(r[5]), clean(r[6]) or "")
        found[r[0], r[1]] = (*found.get((r[0], r[1]), ()), one)
    return found


def _score(t: Threat) -> str:
    return MISSING if t.seed_score is None else str(t.seed_score)


def _excuses(t: Threat) -> str:
    return "; ".join(_CONFOUNDERS.get(c, c) for c in t.confounders) or "none found"


def _base(s: Share) -> str:
    return "no earlier scores" if s.n == 0 else f"{s.k:,} of {s.n:,} ({percent(s.rate, 1)})"


def _history(t: Threat) -> str:
    if t.history_score is None:
        return f"not known: {t.history_reason}"
    return f"{decimal(t.history_score, 0)} of 100 within the date, over {t.history_n} own sessions"


def _lines(t: Threat) -> list[tuple[str, str]]:
    """What is said of a score, as label and words."""
    said = f"{t.severity} severity, {t.confidence} confidence" if t.severity else f"no score: {t.reason}"
    shown = [
        ("Score", f"{said}; {percent(t.coverage)} of the indicators known"),
        ("As high before", f"this ticker {_base(t.own_base)}, all {_base(t.all_base)}" if t.severity else MISSING),
        ("History", _history(t)),
        ("Innocent readings", _excuses(t)),
        ("Data", f"{t.data_type.replace('_', ' ')}, {t.source}" + ("; the day is not over" if t.partial_day else "")),
    ]
    for i in t.indicators:
        points = {"unknown": "unknown", "calm": "calm"}.get(i.state, f"+{i.points}" if i.points else "history")
        shown.append((points, i.words))
    return shown


def _head(found: Threats) -> str:
    span = day(found.last_session)
    if found.first_session != found.last_session:
        span = f"{day(found.first_session)} to {span}"
    without = f", {found.n_without:,} of them without a score" if found.n_without else ""
    return f"{found.matching:,} of {found.n_scores:,} snapshots of session {span}{without}"


def to_rich(found: Threats) -> list[RenderableType]:
    """The report for a terminal."""
    from cyberpi_assets.reports import layout

    parts: list[RenderableType] = [layout.lines(("Option threat scores ", "bold"), f" {_head(found)}")]
    if found.demo:
        parts.append(layout.text(language.DEMO, "italic"))
    parts += [layout.text(NOT_A_CAUSE), layout.text(BASE_RATE), layout.text(NOT_A_PROBABILITY), layout.text(UNKNOWN)]
    if found.unknown_tickers:
        parts.append(layout.text(f"No option data for {', '.join(found.unknown_tickers)}.", "yellow"))
    for t in found.threats:
        name = f" ({t.company})" if t.company else ""
        parts += [
            layout.text(""),
            layout.heading(f"{t.ticker}{name} · {day(t.session)} · score {_score(t)}"),
            layout.indent(layout.pairs((layout.text(a, "dim"), layout.text(b)) for a, b in _lines(t))),
        ]
    if not found.threats:
        parts.append(layout.text("No such scores."))
    return parts


def to_text(found: Threats, width: int = 100) -> str:
    """The report as plain text."""
    from cyberpi_assets.reports import layout

    return layout.as_text(to_rich(found), width)


def to_markdown(found: Threats) -> str:
    """The report as Markdown: a table, then each score in words."""
    rows = [
        {
            "ticker": t.ticker,
            "session": day(t.session),
            "score": _score(t),
            "coverage": percent(t.coverage),
            "own": _base(t.own_base),
            "all": _base(t.all_base),
            "history": MISSING if t.history_score is None else decimal(t.history_score, 0),
            "excuses": _excuses(t),
        }
        for t in found.threats
    ]
    heads = {
        "ticker": "Ticker", "session": "Session", "score": "Score", "coverage": "Known", "own": "Own base rate",
        "all": "Base rate of all", "history": "History", "excuses": "Innocent readings",
    }  # fmt: skip
    out = ["# Option threat scores", "", markdown(_head(found)) + ".", ""]
    out += [f"> {markdown(w)}\n>" for w in (*([language.DEMO] if found.demo else []), NOT_A_CAUSE, BASE_RATE)]
    out += [f"> {markdown(NOT_A_PROBABILITY)} {markdown(UNKNOWN)}", ""]
    out.append(markdown_table(rows, heads, limit=max(len(rows), 1), right=frozenset({"score", "history", "coverage"})))
    for t in found.threats:
        out += ["", f"## {markdown(t.ticker)}, {day(t.session)}: {_score(t)}", ""]
        out += [f"- {markdown(label)}: {markdown(words)}" for label, words in _lines(t)]
    return "\n".join(out) + "\n"


def to_json(found: Threats) -> dict[str, object]:
    """The report as plain JSON values, disclaimers included."""
    return {
        "first_session": plain(found.first_session),
        "last_session": plain(found.last_session),
        "snapshots": found.n_scores,
        "without_score": found.n_without,
        "matching": found.matching,
        "no_data": list(found.unknown_tickers),
        "demo": found.demo,
        "disclaimers": [NOT_A_CAUSE, NOT_A_PROBABILITY, BASE_RATE, UNKNOWN],
        "threats": [t.json() for t in found.threats],
    }
