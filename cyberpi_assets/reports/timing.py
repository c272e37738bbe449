"""The suspicious-timing report: disclosed trades ranked by timing score, each with the alerts that came before it.

Here belongs what is read from the tables. Scores are computed elsewhere and only quoted; the records are in
`timing_model.py`, the text and Markdown in `timing_text.py`. The connection has every lake table as a view.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from cyberpi_assets.reports import language
from cyberpi_assets.reports.coverage import coverage_rows
from cyberpi_assets.reports.people import NoSuchOfficial, Official, SeveralOfficials, find_official
from cyberpi_assets.reports.safe import clean, link, number
from cyberpi_assets.reports.selection import TRADES, Where, counts, is_demo, period
from cyberpi_assets.reports.timing_model import (
    Components,
    DateNull,
    Finding,
    PriorAlert,
    TimingFilter,
    TimingReport,
    to_json,
)
from cyberpi_assets.reports.timing_text import to_markdown, to_rich, to_text
from cyberpi_assets.rules.figures import TimingRules

__all__ = [
    "NoSuchOfficial",
    "NoSuchTicker",
    "SeveralOfficials",
    "TimingFilter",
    "TimingReport",
    "timing_report",
    "to_json",
    "to_markdown",
    "to_rich",
    "to_text",
]


class NoSuchTicker(LookupError):
    """No disclosed trade has this symbol."""


def timing_report(
    con: duckdb.DuckDBPyConnection, chosen: TimingFilter | None = None, rules: TimingRules | None = None
) -> TimingReport:
    """Read the report from disclosure_correlations, disclosed_trades, market_alerts, companies and officials.

    Findings are ordered by raw score, score, transaction date (each highest first) and trade_id. The counts at the head
    are over all trades of the period, whatever official, ticker or minimum is chosen. `rules` are those the scores were
    computed with; they only appear in the words.

    Raises NoSuchOfficial, SeveralOfficials, NoSuchTicker, and ValueError for a period or limit below 1.
    """
    chosen, rules = chosen or TimingFilter(), rules or TimingRules()  # pyright: ignore[reportCallIssue]
    if chosen.limit is not None and chosen.limit < 1:
        raise ValueError("limit must be at least 1")
    span = period(con, chosen.days, chosen.as_of)
    official = find_official(con, chosen.official) if chosen.official else None
    ticker = find_ticker(con, chosen.ticker) if chosen.ticker else None
    selected = span.where
    if official is not None:
        selected &= of_official(official)
    if ticker is not None:
        selected &= Where("t.ticker = ?", (ticker,))
    matching, findings = _findings(con, selected, chosen, rules)
    demo = is_demo(con)
    return TimingReport(
        period_from=span.first,
        period_to=span.last,
        as_of=span.as_of,
        days=chosen.days,
        min_score=float(chosen.min_score),
        official=official.name if official else None,
        bioguide_id=official.bioguide_id if official else None,
        ticker=ticker,
        limit=chosen.limit,
        demo=demo,
        counts=counts(con, span.where),
        selected=counts(con, selected) if official or ticker else None,
        matching=matching,
        findings=findings,
        coverage=coverage_rows(con),
        notes=notes(demo=demo),
    )


def notes(*, demo: bool) -> tuple[str, ...]:
    """What must be said beside any list of people: disclaimer, innocent explanations, what scores measure, the law."""
    said = (language.DISCLAIMER, language.PUBLIC_AND_LATE, language.INNOCENT, language.VOLATILITY, language.LAW)
    return (language.DEMO, *said) if demo else said


def of_official(official: Official) -> Where:
    """The trades of one person: by id, or by the printed names where the person stays in doubt."""
    if official.bioguide_id is not None:
        return Where("t.bioguide_id = ?", (official.bioguide_id,))
    return Where("t.bioguide_id IS NULL AND t.official IN (SELECT unnest(?))", (list(official.printed),))


def find_ticker(con: duckdb.DuckDBPyConnection, wanted: str) -> str:
    """The current symbol meant: as typed, with a dash for a dot, or the one it was printed as. Raises NoSuchTicker."""
    symbol = wanted.strip().upper()
    for one in dict.fromkeys((symbol, symbol.replace(".", "-").replace("/", "-"))):
        found = con.execute(
            "SELECT ticker FROM disclosed_trades WHERE ticker = ? OR (ticker_printed = ? AND ticker IS NOT NULL) "
            "GROUP BY ticker ORDER BY ticker = ? DESC, count(*) DESC, ticker LIMIT 1",
            [one, one, one],
        ).fetchall()
        if found:
            return found[0][0]
    raise NoSuchTicker(f"no disclosed trade in {clean(symbol, 20)!r}")


def _findings(
    con: duckdb.DuckDBPyConnection, where: Where, chosen: TimingFilter, rules: TimingRules
) -> tuple[int, tuple[Finding, ...]]:
    found = where & Where("c.score >= ? AND c.score IS NOT NULL AND NOT isnan(c.score)", (float(chosen.min_score),))
    matching = con.execute(f"SELECT count(*) FROM {TRADES} WHERE {found.sql}", list(found.values)).fetchall()[0][0]
    cursor = con.execute(
        f"""
        SELECT t.trade_id, t.filing_id, t.url, t.official, t.bioguide_id, t.party, t.chamber, t.state, t.owner,
               t.ticker, t.asset, t.asset_type, t.description, t.side, t.transaction_date, t.filed_on,
               t.amount_low, t.amount_high, t.transcription, t.flags,
               c.score, c.raw_score, c.n_alerts, c.mean_severity, c.n_recent, c.n_high, c.tier, c.coverage, c.alert_ids,
               m.name AS company, m.sector, n.trade_id IS NOT NULL AS has_null, n.p_headline, n.p_placebo, n.p_local,
               n.expected_score, n.expected_suspicious, n.mirror_score, n.difference, n.n_dates, n.reason AS no_p
        FROM {TRADES} LEFT JOIN companies m ON m.ticker = t.ticker
        LEFT JOIN timing_nulls n ON n.trade_id = t.trade_id
        WHERE {found.sql}
        ORDER BY c.raw_score DESC, c.score DESC, t.transaction_date DESC, t.trade_id
        LIMIT ?
        """,
        [*found.values, chosen.limit if chosen.limit is not None else 2**62],
    )
    names = [d[0] for d in cursor.description]
    rows: list[dict[str, Any]] = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    days = _alert_days(con, sorted({a for r in rows for a in r["alert_ids"] or ()}))
    return matching, tuple(_finding(rank, row, days, rules) for rank, row in enumerate(rows, 1))


@dataclass(frozen=True)
class _AlertDay:
    session: dt.date | None
    severity: int | None
    change_pct: float | None
    types: tuple[str, ...]


def _alert_days(con: duckdb.DuckDBPyConnection, alert_ids: list[str]) -> dict[str, _AlertDay]:
    """By alert id: the alert and the types of every usable alert of its ticker and session.

    An alert that the table no longer has keeps what its id says (ticker:session:type) and nothing else.
    """
    if not alert_ids:
        return {}
    rows = con.execute(
        """
        WITH wanted AS (SELECT unnest(?::VARCHAR[]) AS alert_id),
        picked AS (SELECT a.* FROM market_alerts a JOIN wanted USING (alert_id))
        SELECT w.alert_id, coalesce(p.session, TRY_CAST(split_part(w.alert_id, ':', -2) AS DATE)), p.severity,
               p.change_pct, split_part(w.alert_id, ':', -1),
               list(DISTINCT s.alert_type ORDER BY s.alert_type) FILTER (WHERE s.alert_type IS NOT NULL)
        FROM wanted w LEFT JOIN picked p USING (alert_id)
        LEFT JOIN market_alerts s
          ON s.ticker = p.ticker AND s.session = p.session AND (NOT s.suspect_data OR s.alert_id = p.alert_id)
        GROUP BY ALL
        """,
        [alert_ids],
    ).fetchall()
    days: dict[str, _AlertDay] = {}
    for alert_id, session, severity, change_pct, kind, kinds in rows:
        types = sorted(kinds or [kind], key=lambda k: (k != kind, k))  # the alert that counted first
        days[alert_id] = _AlertDay(session, severity, number(change_pct), tuple(types))
    return days


def _finding(rank: int, row: dict[str, Any], days: dict[str, _AlertDay], rules: TimingRules) -> Finding:
    traded: dt.date = row["transaction_date"]
    parts = Components(
        row["n_alerts"] or 0, number(row["mean_severity"]) or 0.0, row["n_recent"] or 0, row["n_high"] or 0
    )
    alerts = _prior(traded, row["alert_ids"] or (), days)
    coverage, tier = number(row["coverage"]), clean(row["tier"]) or "not rated"
    filed: dt.date | None = row["filed_on"]
    return Finding(
        rank=rank,
        trade_id=clean(row["trade_id"]) or "",
        filing_id=clean(row["filing_id"]) or "",
        filing_url=link(row["url"]),
        official=clean(row["official"], 100) or "",
        bioguide_id=clean(row["bioguide_id"]),
        party=clean(row["party"], 40),
        chamber=clean(row["chamber"], 20) or "",
        state=clean(row["state"], 20),
        owner=clean(row["owner"], 20),
        ticker=clean(row["ticker"], 20) or "",
        company=clean(row["company"], 120),
        sector=clean(row["sector"], 60),
        asset=clean(row["asset"]),
        asset_type=clean(row["asset_type"], 40),
        description=clean(row["description"]),
        side=clean(row["side"], 20),
        transaction_date=traded,
        filed_on=filed,
        days_to_file=(filed - traded).days if filed else None,
        amount_low=number(row["amount_low"]),
        amount_high=number(row["amount_high"]),
        score=row["score"],
        raw_score=row["raw_score"],
        tier=tier,
        assessment=assess(tier, parts, coverage, rules),
        coverage=coverage,
        evidence=date_null(row) if row["has_null"] else None,
        components=parts,
        alerts=alerts,
        transcription=clean(row["transcription"], 20),
        flags=tuple(f for part in (row["flags"] or "").split(",") if (f := clean(part))),
    )


def date_null(row: dict[str, Any]) -> DateNull:
    """The null of one trade, from columns of timing_nulls; its reason under `no_p`."""
    return DateNull(
        p_headline=number(row["p_headline"]),
        p_placebo=number(row["p_placebo"]),
        p_local=number(row["p_local"]),
        expected_score=number(row["expected_score"]),
        expected_suspicious=number(row["expected_suspicious"]),
        mirror_score=number(row["mirror_score"]),
        difference=number(row["difference"]),
        n_dates=row["n_dates"] or 0,
        reason=clean(row["no_p"]),
    )


def _prior(traded: dt.date, alert_ids: Sequence[str], days: dict[str, _AlertDay]) -> tuple[PriorAlert, ...]:
    """The alert days before a trade, the latest first."""
    by_session: dict[dt.date, list[tuple[str, _AlertDay]]] = defaultdict(list)
    for alert_id in alert_ids:
        one = days[alert_id]
        if one.session is not None:
            by_session[one.session].append((alert_id, one))
    prior: list[PriorAlert] = []
    for session, group in sorted(by_session.items(), reverse=True):
        group.sort(key=lambda g: -(g[1].severity or 0))
        top = group[0][1]
        types = tuple(dict.fromkeys(t for _, one in group for t in one.types))
        ids = tuple(i for i, _ in group)
        prior.append(PriorAlert(session, (traded - session).days, types, top.severity, top.change_pct, ids))
    return tuple(prior)


def assess(tier: str, parts: Components, coverage: float | None, rules: TimingRules) -> str:
    """The tier and what it rests on, in one sentence that claims nothing about the person."""
    words = language.word(language.TIERS, tier)
    counted = "alert day" if rules.count == "ticker_days" else "alert"
    if parts.n_alerts == 0:
        rests = f"no alert in the {rules.window_days} days before the trade"
    else:
        rests = (
            f"{language.plural(parts.n_alerts, counted)} in the {rules.window_days} days before the trade, "
            f"{parts.n_recent} in the last {rules.recent_days}, {parts.n_high} of high severity "
            f"({rules.high_severity} or more)"
        )
    text = f"{words[:1].upper()}{words[1:]}: {rests}"
    if coverage is not None and coverage < 0.995:
        text += f"; market data cover {100 * coverage:.0f} % of that window"
    return text + "."
