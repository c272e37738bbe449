"""The hunt: warnings with their reasons, what speaks against them, how often they were right, and the base rate.

Here belongs reading early_warnings, warning_ledger and detector_signals for a person. How a warning is made is decided
in `domain/fused/`. What the simulated world planted is counted here only to show what warnings are worth there.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import duckdb

from cyberpi_assets.domain.fused.warnings import PRIORITIES, worth
from cyberpi_assets.reports import language
from cyberpi_assets.reports.figures import MISSING, day, interval, percent
from cyberpi_assets.reports.layout import markdown_table
from cyberpi_assets.reports.safe import clean, markdown, number, plain
from cyberpi_assets.reports.selection import is_demo

if TYPE_CHECKING:
    from rich.console import RenderableType

_LONG = 2_000  # characters of a sentence that a warning is made of
STATES = ("open", "confirmed", "dismissed", "disclosed", "lapsed")
NOT_EVIDENCE = (
    "A warning says that unusual things came together, not that there was an incident, nor who knew of it. It is no "
    "evidence of wrongdoing and no advice to trade. Data are public and late."
)
NO_PROBABILITY = (
    "Scores order companies by weights that are judgements; they are no probabilities. How often warnings were right "
    "stands in the ledger below, beside the base rate."
)
REPLAYED = "were made when history was replayed, with what was public at the time, and not issued on the day"


@dataclass(frozen=True)
class HuntFilter:
    """Which warnings: null for all; `min_priority` P1 also shows P0; `clients`: only what touches clients."""

    states: tuple[str, ...] | None = ("open",)
    min_priority: str = "P3"
    tickers: tuple[str, ...] | None = None
    clients: bool = False
    limit: int | None = 20


@dataclass(frozen=True)
class Warned:
    """One warning, with the account of its priority as it stood when it was last issued."""

    warning_id: str
    ticker: str
    company: str | None
    priority: str
    state: str
    opened_on: dt.date
    opened_at: dt.datetime
    last_on: dt.date
    score: float
    peak: float
    confidence: str
    words: str
    evidence: tuple[str, ...]
    signals: tuple[str, ...]
    lead_words: str
    refuted_by: str
    clients: tuple[str, ...]
    vulnerabilities: tuple[str, ...]
    within_90: str | None
    outcome_days: int | None

    def json(self) -> dict[str, object]:
        """The warning as plain JSON values."""
        return {k: plain(v) for k, v in asdict(self).items()}


@dataclass(frozen=True)
class Hunt:
    """What there is: warnings shown, how many match, the ledger's account by priority, and detectors' accounts."""

    warnings: tuple[Warned, ...]
    matching: int
    by_state: dict[str, int]
    account: tuple[dict[str, Any], ...]
    detectors: tuple[dict[str, Any], ...]
    replayed: int
    issued: int
    planted: dict[str, int] | None
    demo: bool


# Vulnerabilities that a warning rests on, by number or by an item that names it: the severest first.
_CHOSEN = """
WITH named AS (
    SELECT cve AS id, cve, cvss, rating FROM vulnerabilities
    UNION ALL SELECT unnest(items), cve, cvss, rating FROM vulnerabilities
), rests AS (
    SELECT warning_id, list(cve || CASE WHEN cvss IS NULL THEN ' (not scored)'
                                        ELSE printf(' (CVSS %.1f', cvss) || coalesce(', ' || rating, '') || ')' END
                            ORDER BY cvss DESC NULLS LAST, cve) AS rated
    FROM (SELECT DISTINCT e.warning_id, n.cve, n.cvss, n.rating
          FROM (SELECT warning_id, unnest(evidence) AS id FROM early_warnings) e JOIN named n USING (id))
    GROUP BY warning_id
)
SELECT w.warning_id, w.ticker, w.company, w.priority, w.state, w.opened_on, w.opened_at, w.last_on, w.score, w.peak,
       w.confidence, w.words, w.evidence, w.signals, w.lead_words, w.refuted_by, w.clients, l.within_90, l.outcome_days,
       v.rated
FROM early_warnings w LEFT JOIN rests v USING (warning_id)
LEFT JOIN (SELECT * FROM warning_ledger QUALIFY row_number() OVER (PARTITION BY warning_id ORDER BY issued_at) = 1) l
    USING (warning_id)
WHERE ($states::VARCHAR[] IS NULL OR list_contains($states, w.state)) AND w.priority <= $least
  AND ($tickers::VARCHAR[] IS NULL OR list_contains($tickers, w.ticker))
  AND (NOT $clients OR len(coalesce(w.clients, [])) > 0)
ORDER BY len(coalesce(w.clients, [])) > 0 DESC, w.priority, w.last_on DESC, w.peak DESC, w.warning_id"""
_DETECTORS = """
SELECT detector, topic, bool_or(hypothesis) AS hypothesis, count(*) AS signals,
       count(*) FILTER (outcome = 'followed') AS followed, count(*) FILTER (outcome = 'open') AS open,
       arg_max(hit_rate, available_at) AS hit_rate, arg_max(hit_low, available_at) AS hit_low,
       arg_max(hit_high, available_at) AS hit_high, arg_max(base_rate, available_at) AS base_rate
FROM detector_signals GROUP BY ALL ORDER BY detector, topic"""
# Of what was planted: breaches with a warning in the 90 days before, footprints shown before earnings alone.
_PLANTED = """
WITH early AS (SELECT ticker, min(issued_on) AS day, warning_id FROM warning_ledger WHERE NOT disclosed GROUP BY ALL),
breaches AS (
    SELECT ticker, event_on FROM demo_truth
    WHERE kind = 'breach' AND event_on <= (SELECT max(session) FROM daily_bars)
),
decoys AS (SELECT ticker, event_on FROM demo_truth WHERE kind = 'earnings_decoy')
SELECT (SELECT count(*) FROM breaches) AS breaches,
       (SELECT count(*) FROM breaches b SEMI JOIN early e
        ON e.ticker = b.ticker AND e.day BETWEEN b.event_on - 90 AND b.event_on - 1) AS breaches_warned,
       (SELECT count(*) FROM decoys) AS decoys,
       (SELECT count(*) FROM decoys d SEMI JOIN early e
        ON e.ticker = d.ticker AND e.day BETWEEN d.event_on - 30 AND d.event_on) AS decoys_warned,
       (SELECT count(*) FROM early) AS warnings,
       (SELECT count(*) FROM early e SEMI JOIN breaches b
        ON e.ticker = b.ticker AND e.day BETWEEN b.event_on - 90 AND b.event_on - 1) AS warnings_right"""


def hunt(con: duckdb.DuckDBPyConnection, chosen: HuntFilter | None = None) -> Hunt:
    """Read the warnings of the lake. Raises ValueError for a priority or state that there is not."""
    chosen = chosen or HuntFilter()
    if chosen.min_priority not in PRIORITIES or not set(chosen.states or ()) <= set(STATES):
        raise ValueError("no such priority or state")
    tickers = [t.strip().upper().replace(".", "-") for t in chosen.tickers or () if t.strip()]
    given = {
        "states": list(chosen.states) if chosen.states else None,
        "least": chosen.min_priority,
        "tickers": tickers or None,
        "clients": chosen.clients,
    }
    rows = con.execute(_CHOSEN, given).fetchall()
    shown = rows if chosen.limit is None else rows[: chosen.limit]
    ledger = con.execute("SELECT * FROM warning_ledger").to_arrow_table()
    replayed = con.execute("SELECT count(*) FILTER (recorded_on > issued_on + 4) FROM warning_ledger").fetchall()[0][0]
    demo = is_demo(con)
    return Hunt(
        warnings=tuple(_warned(r) for r in shown),
        matching=len(rows),
        by_state=dict(con.execute("SELECT state, count(*) FROM early_warnings GROUP BY state").fetchall()),
        account=tuple(worth(ledger).to_pylist()),
        detectors=tuple(con.execute(_DETECTORS).to_arrow_table().to_pylist()),
        replayed=replayed,
        issued=ledger.num_rows,
        planted=con.execute(_PLANTED).to_arrow_table().to_pylist()[0] if demo else None,
        demo=demo,
    )


def _warned(r: Sequence[Any]) -> Warned:
    texts = [tuple(clean(t) or "" for t in part or ()) for part in (r[12], r[13], r[16], r[19])]
    return Warned(
        warning_id=clean(r[0]) or "",
        ticker=clean(r[1], 40) or "",
        company=clean(r[2], 200),
        priority=r[3],
        state=r[4],
        opened_on=r[5],
        opened_at=r[6],
        last_on=r[7],
        score=r[8],
        peak=r[9],
        confidence=r[10],
        words=clean(r[11], _LONG) or "",
        evidence=texts[0],
        signals=texts[1],
        lead_words=clean(r[14], _LONG) or "",
        refuted_by=clean(r[15], _LONG) or "",
        clients=texts[2],
        vulnerabilities=texts[3],
        within_90=r[17],
        outcome_days=r[18],
    )


def _rate(row: dict[str, Any], of: str, low: str, high: str) -> str:
    if row[of] is None:
        return MISSING
    return f"{percent(number(row[of]), 1)} ({interval(number(row[low]), number(row[high]))})"


def _account(found: Hunt) -> list[dict[str, str]]:
    return [
        {
            "priority": "after a filing" if r["priority"] == "disclosed" else r["priority"],
            "issued": f"{r['issued']:,}",
            "judged": f"{r['judged']:,}",
            "hits": f"{r['hits']:,}",
            "ppv": _rate(r, "ppv", "ppv_low", "ppv_high"),
            "base": percent(number(r["base_rate"]), 2),
        }
        for r in found.account
    ]


def _detectors(found: Hunt) -> list[dict[str, str]]:
    return [
        {
            "detector": str(r["detector"]).replace("_", " ") + (" (hypothesis)" if r["hypothesis"] else ""),
            "topic": str(r["topic"]),
            "signals": f"{r['signals']:,}",
            "followed": f"{r['followed']:,}",
            "rate": _rate(r, "hit_rate", "hit_low", "hit_high"),
            "base": percent(number(r["base_rate"]), 2),
        }
        for r in found.detectors
    ]


_ACCOUNT_HEADS = {
    "priority": "Priority", "issued": "Issued", "judged": "Judged", "hits": "Incident later", "ppv": "PPV (95 %)",
    "base": "Base rate",
}  # fmt: skip
_DETECTOR_HEADS = {
    "detector": "Detector", "topic": "Topic", "signals": "Signals", "followed": "Incident followed",
    "rate": "Hit rate (95 %)", "base": "Base rate",
}  # fmt: skip
_RIGHT = frozenset({"issued", "judged", "hits", "ppv", "base", "signals", "followed", "rate"})


def _head(found: Hunt) -> str:
    counts = ", ".join(f"{found.by_state.get(s, 0):,} {s}" for s in STATES)
    return f"{counts}; shown: {len(found.warnings):,} of {found.matching:,}"


def _notes(found: Hunt) -> list[str]:
    notes = [language.DEMO] if found.demo else []
    notes += [NOT_EVIDENCE, NO_PROBABILITY]
    if found.replayed:
        notes.append(f"{found.replayed:,} of the {found.issued:,} issues in the ledger {REPLAYED}.")
    if found.planted is not None:
        p = found.planted
        notes.append(
            f"Known truth of the simulated world: of {p['breaches']:,} planted breaches {p['breaches_warned']:,} had a "
            f"warning in the 90 days before; of {p['decoys']:,} decoys {p['decoys_warned']:,} raised one; of "
            f"{p['warnings']:,} warnings {p['warnings_right']:,} came before a breach."
        )
    return notes


def _lines(w: Warned) -> list[tuple[str, str]]:
    lines = [("Why", w.words)]
    if w.clients:
        lines.append(("Clients", ", ".join(w.clients)))
    lines += [
        ("Lead time", w.lead_words),
        ("Refuted by", w.refuted_by),
        ("Evidence", ", ".join(w.evidence) or MISSING),
    ]
    if w.vulnerabilities:
        lines.append(("Vulnerable", "; ".join(w.vulnerabilities)))
    if w.signals:
        lines.append(("Detectors", ", ".join(w.signals)))
    if w.within_90 is not None:
        since = {"none": "no incident within 90 days", "open": "no incident so far", "same_day": "an incident that day"}
        followed = f"an incident {w.outcome_days} days after it was first issued"
        lines.append(("Since", since.get(w.within_90, followed)))
    return [*lines, ("Id", w.warning_id)]


def _title(w: Warned) -> str:
    company = f" ({w.company})" if w.company else ""
    return f"{w.priority} · {w.ticker}{company} · {w.state} since {day(w.opened_on)} · score {w.score:.2f}"


def to_rich(found: Hunt) -> list[RenderableType]:
    """The page for a terminal."""
    from cyberpi_assets.reports import layout

    parts: list[RenderableType] = [layout.lines(("Warnings ", "bold"), f" {_head(found)}")]
    parts += [layout.text(n) for n in _notes(found)]
    for w in found.warnings:
        lines = layout.pairs((layout.text(a, "dim"), layout.text(b)) for a, b in _lines(w))
        parts += ["", layout.heading(_title(w)), layout.indent(lines)]
    if not found.warnings:
        parts.append(layout.text("No such warnings."))
    for name, heads, rows in (
        ("How often warnings were right", _ACCOUNT_HEADS, _account(found)),
        ("Detectors", _DETECTOR_HEADS, _detectors(found)),
    ):
        if rows:
            columns = [(head, "right" if key in _RIGHT else "left") for key, head in heads.items()]
            table = layout.table(columns, [tuple(r.values()) for r in rows])  # pyright: ignore[reportArgumentType]
            parts += ["", layout.heading(name), table]
    return parts


def to_text(found: Hunt, width: int = 100) -> str:
    """The page as plain text."""
    from cyberpi_assets.reports import layout

    return layout.as_text(to_rich(found), width)


def to_markdown(found: Hunt) -> str:
    """The page as Markdown."""
    out = ["# Warnings", "", markdown(_head(found)) + ".", ""]
    out += [f"> {markdown(n)}\n>" for n in _notes(found)]
    for w in found.warnings:
        out += ["", f"## {markdown(_title(w))}", ""]
        out += [f"- {markdown(label)}: {markdown(words)}" for label, words in _lines(w)]
    for name, heads, rows in (
        ("How often warnings were right", _ACCOUNT_HEADS, _account(found)),
        ("Detectors", _DETECTOR_HEADS, _detectors(found)),
    ):
        if rows:
            out += ["", f"## {name}", "", markdown_table(rows, heads, limit=len(rows), right=_RIGHT & set(heads))]
    return "\n".join(out) + "\n"


def to_json(found: Hunt) -> dict[str, object]:
    """The page as plain JSON values, disclaimers included."""
    return {
        "matching": found.matching,
        "by_state": found.by_state,
        "demo": found.demo,
        "disclaimers": _notes(found),
        "warnings": [w.json() for w in found.warnings],
        "account": [{k: plain(v) for k, v in r.items()} for r in found.account],
        "detectors": [{k: plain(v) for k, v in r.items()} for r in found.detectors],
        "planted": found.planted,
    }
