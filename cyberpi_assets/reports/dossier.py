"""The dossier of one official, and the page of one ticker: what is known, what was tested, and what is missing.

Here belongs what is read from the tables; how a page looks is in `page.py`. Figures are quoted, never computed anew,
except plain counts and means of what is listed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb

from cyberpi_assets.reports import language, timing
from cyberpi_assets.reports.evidence import NOT_TESTED, Evidence, chance, evidence_of, rated
from cyberpi_assets.reports.figures import MISSING, day, decimal, percent, short_amount
from cyberpi_assets.reports.page import Columns, Page, Section
from cyberpi_assets.reports.people import Official, find_official
from cyberpi_assets.reports.safe import clean, link, plain
from cyberpi_assets.reports.selection import TRADES, Where, counts, is_demo

__all__ = ["official_page", "ticker_page"]

_RETURNS = (
    "Abnormal returns after the trades, positive where good for who traded. The interval and p allow for "
    "overlapping windows and for moves in common; a return is no evidence of knowledge."
)


def official_page(con: duckdb.DuckDBPyConnection, wanted: str, limit: int | None = 200) -> Page:
    """Everything the lake holds on one official of the disclosures; at most `limit` trades, the newest first.

    JSON: schema, profile_demo, identity, terms, committees, evidence, timeliness, latest_disclosure, trades_total,
    trades, replaced, returns, portfolios, missing. Raises NoSuchOfficial and SeveralOfficials.
    """
    who = find_official(con, wanted)
    keys = [who.bioguide_id] if who.bioguide_id else [f"name:{n.lower()}" for n in who.printed]
    ids = [who.bioguide_id]
    terms = _rows(con, "SELECT * FROM official_terms WHERE bioguide_id = ? ORDER BY starts_on", ids)
    seats = _rows(
        con,
        """SELECT m.committee_id, c.name, c.parent_id, m.congress, m.title, m.seen_from, m.seen_to
           FROM committee_memberships m LEFT JOIN committees c ON c.committee_id = m.committee_id
           WHERE m.bioguide_id = ? ORDER BY m.congress, c.parent_id IS NOT NULL, m.committee_id""",
        ids,
    )
    late = _rows(con, "SELECT * FROM official_timeliness WHERE bioguide_id IN (SELECT unnest(?))", [keys])
    row = _rows(con, "SELECT * FROM official_evidence WHERE bioguide_id IN (SELECT unnest(?))", [keys])
    judged = evidence_of(con, "official_evidence")
    evidence = next((judged[k] for k in keys if k in judged), None)
    where = timing.of_official(who)
    total, trades = _trades(con, where, limit)
    replaced = _replaced(con, where)
    latest = _latest(con, where)
    tests = _rows(
        con,
        """SELECT anchor, "window", benchmark, n, mean_car, low, high, kp_p, q_value, reason FROM return_tests
           WHERE group_kind = 'official' AND group_name IN (SELECT unnest(?)) ORDER BY ALL""",
        [keys],
    )
    folios = _rows(
        con,
        """SELECT anchor, sessions_held, n_positions, alpha_year_pct, low, high, p, q_value, reason
           FROM portfolio_returns
           WHERE group_kind = 'official' AND group_name IN (SELECT unnest(?)) ORDER BY ALL""",
        [keys],
    )
    missing = _missing(con, who, where)
    sections = (
        Section("Identity", facts=(("Name", who.name), ("Id", who.bioguide_id or "in doubt"), ("Seat", who.seat))),
        _evidence_section(evidence, row[0] if row else None),
        _terms(terms),
        _seats(seats),
        _lateness(late, latest),
        _trade_section(trades, total, official=False),
        _replaced_section(replaced),
        _tests(tests),
        _portfolios(folios),
        _missing_section(missing),
    )
    identity = {"name": who.name, "bioguide_id": who.bioguide_id, "seat": who.seat, "printed": list(who.printed)}
    body: dict[str, object] = {
        "schema": "cyberpi/dossier/1",
        "profile_demo": is_demo(con),
        "identity": {k: _safe(v) for k, v in identity.items()},
        "terms": terms,
        "committees": seats,
        "evidence": row[0] if row else None,
        "timeliness": late[0] if late else None,
        "latest_disclosure": latest[0] if latest else None,
        "trades_total": total,
        "trades": trades,
        "replaced": replaced,
        "returns": tests,
        "portfolios": folios,
        "missing": missing,
    }
    return Page(f"Dossier: {who.name}", _notes(con), sections, body)


def ticker_page(con: duckdb.DuckDBPyConnection, wanted: str, limit: int | None = 200) -> Page:
    """Everything the lake holds on one ticker of the disclosures; at most `limit` trades, the newest first.

    JSON: schema, profile_demo, ticker, company, evidence, alerts, officials, trades_total, trades, returns.
    Raises NoSuchTicker.
    """
    ticker = timing.find_ticker(con, wanted)
    company = _rows(con, "SELECT * FROM companies WHERE ticker = ?", [ticker])
    row = _rows(con, "SELECT * FROM ticker_evidence WHERE ticker = ?", [ticker])
    evidence = evidence_of(con, "ticker_evidence").get(ticker)
    alerts = _rows(
        con,
        """SELECT alert_type, count(*) AS n, count(*) FILTER (WHERE severity >= 7) AS severe, max(severity) AS highest,
                  min(session) AS first, max(session) AS last
           FROM market_alerts WHERE ticker = ? AND NOT suspect_data GROUP BY 1 ORDER BY n DESC, 1""",
        [ticker],
    )
    people = _rows(
        con,
        f"""SELECT t.official, count(*) AS trades, count(c.score) AS scored,
                   count(*) FILTER (WHERE c.score >= 60) AS suspicious, count(*) FILTER (WHERE t.side = 'buy') AS buys,
                   count(*) FILTER (WHERE t.side = 'sell') AS sells, max(t.transaction_date) AS last
            FROM {TRADES} WHERE t.ticker = ? GROUP BY coalesce(t.bioguide_id, t.official), t.official
            ORDER BY trades DESC, t.official""",
        [ticker],
    )
    total, trades = _trades(con, Where("t.ticker = ?", (ticker,)), limit)
    returns = _rows(
        con,
        """SELECT anchor, count(car_0_5) AS n_0_5, avg(car_0_5) AS mean_0_5, count(car_0_21) AS n_0_21,
                  avg(car_0_21) AS mean_0_21, count(car_0_63) AS n_0_63, avg(car_0_63) AS mean_0_63
           FROM trade_returns WHERE ticker = ? GROUP BY 1 ORDER BY 1""",
        [ticker],
    )
    c = company[0] if company else {}
    named = tuple((k, str(c.get(k.lower()) or "not known")) for k in ("Name", "Sector", "Industry", "Exchange"))
    listed = (("Listed", f"{day(c.get('listed_on'))} to {day(c.get('delisted_on'))}"),)
    sections = (
        Section("Company", facts=(("Ticker", ticker), *named, *listed)),
        Section(
            "Evidence",
            (language.TOGETHER,),
            (("Observed / expected", evidence.counted), ("O/E (95 %)", evidence.range)) if evidence else (),
        )
        if evidence
        else Section("Evidence", (NOT_TESTED,)),
        _grid(
            "Market alerts",
            alerts,
            {"alert_type": "Type", "n": "Alerts", "severe": "Severity 7+", "highest": "Highest", "last": "Latest"},
        ),
        _grid(
            "Officials",
            people,
            {
                "official": "Official",
                "trades": "Trades",
                "scored": "Scored",
                "suspicious": "Score 60+",
                "buys": "Buys",
                "sells": "Sells",
                "last": "Latest",
            },
        ),
        _trade_section(trades, total, official=True),
        Section(
            "Returns after these trades",
            ("Mean abnormal return against the market over 5, 21 and 63 sessions; not tested: windows overlap.",),
            columns=(("From", "left"), ("[0, 5]", "right"), ("[0, 21]", "right"), ("[0, 63]", "right")),
            rows=tuple(
                (r["anchor"], *(f"{percent(r[f'mean_{w}'], 1)} (n {r[f'n_{w}']:,})" for w in ("0_5", "0_21", "0_63")))
                for r in returns
            ),
        ),
    )
    body: dict[str, object] = {
        "schema": "cyberpi/ticker/1",
        "profile_demo": is_demo(con),
        "ticker": ticker,
        "company": company[0] if company else None,
        "evidence": row[0] if row else None,
        "alerts": alerts,
        "officials": people,
        "trades_total": total,
        "trades": trades,
        "returns": returns,
    }
    return Page(f"{ticker}: {c.get('name') or 'company not known'}", _notes(con), sections, body)


# ------------------------------------------------------------------------------------------------------------- reading


def _safe(value: Any) -> Any:
    """Text from outside cleaned, other values as JSON has them, dates kept."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [_safe(v) for v in value]  # pyright: ignore[reportUnknownVariableType]
    return plain(value) if isinstance(value, float) else value


def _rows(con: duckdb.DuckDBPyConnection, sql: str, values: Sequence[object]) -> list[dict[str, Any]]:
    cursor = con.execute(sql, list(values))
    names = [d[0] for d in cursor.description]
    rows = [dict(zip(names, map(_safe, row), strict=True)) for row in cursor.fetchall()]
    return [{k: link(v) if k in ("url", "filing_url") else v for k, v in r.items()} for r in rows]


def _trades(con: duckdb.DuckDBPyConnection, where: Where, limit: int | None) -> tuple[int, list[dict[str, Any]]]:
    total = con.execute(f"SELECT count(*) FROM {TRADES} WHERE {where.sql}", list(where.values)).fetchall()[0][0]
    rows = _rows(
        con,
        f"""
        SELECT t.trade_id, t.filing_id, t.url AS filing_url, t.official, t.ticker, t.asset, t.asset_type, t.side,
               t.owner, t.transaction_date, t.filed_on, t.amount_low, t.amount_high, t.transcription, t.flags,
               c.score, c.tier, c.reason AS not_scored, n.p_headline, n.expected_score, n.expected_suspicious,
               n.mirror_score, n.difference, n.reason AS no_p
        FROM {TRADES} LEFT JOIN timing_nulls n ON n.trade_id = t.trade_id
        WHERE {where.sql} ORDER BY t.transaction_date DESC NULLS LAST, t.trade_id LIMIT ?""",
        [*where.values, limit if limit is not None else 2**62],
    )
    return total, rows


def _replaced(con: duckdb.DuckDBPyConnection, where: Where) -> list[dict[str, Any]]:
    """Rows that do not count because another filing replaced or repeats them, and why."""
    return _rows(
        con,
        f"""
        SELECT t.trade_id, t.filing_id, t.url AS filing_url, t.transaction_date, t.ticker, t.asset, t.side, t.filed_on,
               coalesce(t.superseded_by, t.repeat_of) AS replaced_by, t.superseded_on AS replaced_on,
               CASE WHEN t.superseded_by IS NOT NULL THEN coalesce(t.superseded_reason, 'replaced')
                    ELSE 'already disclosed there' END AS why
        FROM {TRADES} WHERE (t.superseded_by IS NOT NULL OR t.repeat_of IS NOT NULL) AND {where.sql}
        ORDER BY t.filed_on DESC NULLS LAST, t.trade_id""",
        where.values,
    )


def _latest(con: duckdb.DuckDBPyConnection, where: Where) -> list[dict[str, Any]]:
    """The disclosure that was made longest after it was due, and its filing."""
    return _rows(
        con,
        f"""
        SELECT l.trade_id, l.filing_id, t.url AS filing_url, l.transaction_date, l.filed_on, l.due_on_moved, l.days_late
        FROM {TRADES} JOIN filing_timeliness l ON l.trade_id = t.trade_id
        WHERE l.verdict = 'late' AND {where.sql} ORDER BY l.days_late DESC, l.trade_id LIMIT 1""",
        where.values,
    )


def _missing(con: duckdb.DuckDBPyConnection, who: Official, where: Where) -> dict[str, Any]:
    """What is not known of one official's trades: unscored by reason, scans, unresolved symbols, unread filings."""
    counted = counts(con, where)
    scans, unresolved = con.execute(
        f"""SELECT count(*) FILTER (WHERE t.transcription = 'ocr'), count(*) FILTER (WHERE t.ticker IS NULL)
            FROM {TRADES} WHERE {where.sql}""",
        list(where.values),
    ).fetchall()[0]
    filings = _rows(
        con,
        """SELECT status, count(*) AS filings FROM filings WHERE bioguide_id = ? AND kind <> 'other'
           GROUP BY 1 ORDER BY 2 DESC, 1""",
        [who.bioguide_id],
    )
    coverage = _rows(
        con,
        f"""SELECT chamber, year, n_filings, parsed, transcribed, scanned, missing, covered FROM filing_coverage
            WHERE (chamber, year) IN (SELECT DISTINCT t.chamber, year(t.filed_on) FROM {TRADES} WHERE {where.sql})
            ORDER BY 1, 2""",
        list(where.values),
    )
    return {
        "not_scored": [{"reason": r.reason, "trades": r.trades} for r in counted.reasons],
        "trades_from_scans": scans,
        "trades_without_symbol": unresolved,
        "filings_by_status": filings,
        "chamber_coverage": coverage,
    }


def _notes(con: duckdb.DuckDBPyConnection) -> tuple[str, ...]:
    said = (
        language.DISCLAIMER,
        language.PUBLIC_AND_LATE,
        language.INNOCENT,
        language.EVIDENCE,
        language.VOLATILITY,
        language.LAW,
    )
    return (language.DEMO, *said) if is_demo(con) else said


# ------------------------------------------------------------------------------------------------------------ sections


def _words(value: Any) -> str:
    if value is None:
        return MISSING
    if isinstance(value, int):
        return f"{value:,}"
    return day(value) if hasattr(value, "isoformat") else str(value)


def _grid(title: str, rows: Sequence[dict[str, Any]], heads: dict[str, str], about: tuple[str, ...] = ()) -> Section:
    columns: Columns = tuple(
        (head, "right" if any(isinstance(r[k], int) for r in rows) else "left") for k, head in heads.items()
    )
    return Section(title, about, columns=columns, rows=tuple(tuple(_words(r[k]) for k in heads) for r in rows))


def _evidence_section(e: Evidence | None, row: dict[str, Any] | None) -> Section:
    if e is None or row is None:
        return Section("Evidence", (NOT_TESTED,))
    facts = [
        ("Label", e.label + (f" ({e.label_reason})" if e.label_reason else "")),
        ("Observed / expected", f"{e.counted} suspicious of {e.n_tested:,} tested; O/E {e.range}"),
        ("q", f"{chance(e.q_value)} (p {chance(e.p_value)}, calendars shifted)"),
        ("Rate", f"{rated(e.rate, e.rate_low, e.rate_high)} of {e.n_clusters:,} days of trading a ticker"),
        ("Mean score", f"{decimal(row['mean_score'])}, expected {decimal(e.expected_score)}"),
        ("After the trades", f"mean score {decimal(e.mean_mirror)}, difference {decimal(e.mean_difference)}"),
        ("Raw flag", "repeat offender, not a finding" if row["repeat_offender_raw"] else "none"),
        ("Rebalancing", f"{percent(row['rebalancing_share'])} of trades on days with ten symbols or more"),
        ("In jurisdiction", f"{percent(row['jurisdiction_share'])} of them in sectors of the official's committees"),
    ]
    return Section("Evidence", facts=tuple(facts))


def _terms(rows: Sequence[dict[str, Any]]) -> Section:
    heads = {"chamber": "Chamber", "state": "State", "party": "Party", "starts_on": "From", "ends_on": "To"}
    return _grid("Terms", rows, heads)


def _seats(rows: Sequence[dict[str, Any]]) -> Section:
    full = [{**r, "congress": str(r["congress"])} for r in rows if r["parent_id"] is None]
    heads = {"name": "Committee", "congress": "Congress", "title": "Title", "seen_from": "Seen from", "seen_to": "To"}
    return _grid("Committees", full, heads, ("Dates are those of the published lists that show the seat.",))


def _lateness(rows: Sequence[dict[str, Any]], latest: Sequence[dict[str, Any]]) -> Section:
    if not rows:
        return Section("Lateness", ("Not known.",))
    r = rows[0]
    rate = rated(r["late_rate"], r["late_low"], r["late_high"])
    worst = f"{_words(r['max_days_late'])} days after it was due"
    if latest:
        worst += f": trade of {day(latest[0]['transaction_date'])}, filed {day(latest[0]['filed_on'])}"
    facts = (
        ("Late", f"{r['n_late']:,} of {r['n_known']:,} trades with a known verdict, {rate}"),
        ("Days to file", f"median {decimal(r['median_days'])}, 90th percentile {decimal(r['p90_days'])}"),
        ("Latest", worst),
    )
    return Section("Lateness", facts=facts, filings=tuple((x["filing_id"], x["filing_url"]) for x in latest))


def _replaced_section(rows: Sequence[dict[str, Any]]) -> Section:
    """One line per row that another filing replaced or repeats."""
    if not rows:
        return Section("Replaced and repeated rows", ("None.",))
    columns: Columns = (
        ("Trade", "left"), ("Filed", "left"), ("Replaced", "left"), ("By", "left"), ("Why", "left")
    )  # fmt: skip
    cells = tuple(
        (
            " ".join(str(x) for x in (day(r["transaction_date"]), r["side"], r["ticker"] or r["asset"]) if x),
            day(r["filed_on"]),
            day(r["replaced_on"]),
            r["replaced_by"],
            r["why"],
        )
        for r in rows
    )
    about = "They stay in the record and are neither scored nor counted."
    return Section(
        "Replaced and repeated rows",
        (about,),
        (),
        columns,
        cells,
        tuple((r["filing_id"], r["filing_url"]) for r in rows),
    )


def _trade_section(rows: Sequence[dict[str, Any]], total: int, *, official: bool) -> Section:
    first = "Official" if official else "Ticker"
    columns: Columns = (
        ("Date", "left"),
        (first, "left"),
        ("Side", "left"),
        ("Amount", "left"),
        ("p", "right"),
        ("Expected", "right"),
        ("Score", "right"),
        ("After", "right"),
        ("Note", "left"),
    )
    cells = tuple(
        (
            day(r["transaction_date"]),
            (r["official"] if official else r["ticker"] or r["asset"]) or MISSING,
            r["side"] or MISSING,
            short_amount(r["amount_low"], r["amount_high"]),
            chance(r["p_headline"]),
            decimal(r["expected_score"]),
            decimal(r["score"]),
            decimal(r["mirror_score"]),
            r["not_scored"] or r["no_p"] or "",
        )
        for r in rows
    )
    said = f"{len(rows):,} of {total:,} trades, the newest first. p: share of other possible dates that score as high; "
    said += "expected: mean score over these dates; after: score of the 30 days after the trade."
    filings = tuple((r["filing_id"], r["filing_url"]) for r in rows)
    return Section("Trades", (said,), columns=columns, rows=cells, filings=filings)


def _tests(rows: Sequence[dict[str, Any]]) -> Section:
    columns: Columns = (
        ("From", "left"),
        ("Window", "left"),
        ("Against", "left"),
        ("n", "right"),
        ("Mean", "right"),
        ("95 %", "right"),
        ("p", "right"),
        ("q", "right"),
    )
    cells = tuple(
        (
            r["anchor"],
            f"[{r['window'].replace('_', ', ')}]",
            r["benchmark"],
            f"{r['n']:,}",
            percent(r["mean_car"], 1),
            MISSING if r["low"] is None else f"{100 * r['low']:.1f} to {percent(r['high'], 1)}",
            chance(r["kp_p"]),
            chance(r["q_value"]),
        )
        for r in rows
        if r["mean_car"] is not None
    )
    return Section("Returns", (_RETURNS,) if cells else ("Too few trades to test.",), columns=columns, rows=cells)


def _portfolios(rows: Sequence[dict[str, Any]]) -> Section:
    columns: Columns = (
        ("From", "left"),
        ("Sessions held", "right"),
        ("Positions", "right"),
        ("Alpha a year", "right"),
        ("p", "right"),
        ("q", "right"),
    )
    cells = tuple(
        (
            r["anchor"],
            f"{r['sessions_held']:,}",
            f"{r['n_positions']:,}",
            f"{decimal(r['alpha_year_pct'])} %",
            chance(r["p"]),
            chance(r["q_value"]),
        )
        for r in rows
        if r["alpha_year_pct"] is not None
    )
    return Section("Calendar-time portfolios", columns=columns, rows=cells)


def _missing_section(m: dict[str, Any]) -> Section:
    reasons = "; ".join(f"{r['reason']} ({r['trades']:,})" for r in m["not_scored"]) or "none"
    states = "; ".join(f"{r['status']} ({r['filings']:,})" for r in m["filings_by_status"]) or "not known"
    covered = "; ".join(f"{r['year']} {percent(r['covered'])}" for r in m["chamber_coverage"]) or "not known"
    facts = (
        ("Not scored", reasons),
        ("From scans", f"{m['trades_from_scans']:,} trades read by character recognition"),
        ("No symbol", f"{m['trades_without_symbol']:,} trades without a listed symbol, or unresolved"),
        ("Filings", states),
        ("Chamber covered", covered),
    )
    return Section("What is missing", facts=facts)
