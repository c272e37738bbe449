"""The pattern report: who and what ranks high by the timing of disclosed trades, with the interval beside every share.

Here belongs what is read from the ranking frames and tables. Rankings are computed elsewhere and only quoted; the
records are in `patterns_model.py`, the text and Markdown in `patterns_text.py`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import duckdb

from cyberpi_assets.reports import groups, language
from cyberpi_assets.reports.coverage import coverage_rows
from cyberpi_assets.reports.evidence import NOT_TESTED, Evidence, Source, evidence_of, findings
from cyberpi_assets.reports.patterns_model import (
    OfficialRow,
    PartyRow,
    PatternFilter,
    PatternReport,
    Rankings,
    SectorRow,
    Summary,
    Tally,
    TickerRow,
    to_json,
)
from cyberpi_assets.reports.patterns_text import to_markdown, to_rich, to_text
from cyberpi_assets.reports.safe import clean, link, number
from cyberpi_assets.reports.selection import OWN_ROWS, TRADES, Where, counts, is_demo, period
from cyberpi_assets.rules.figures import RankingRules

__all__ = [
    "PatternFilter",
    "PatternReport",
    "Rankings",
    "pattern_report",
    "stored_rankings",
    "to_json",
    "to_markdown",
    "to_rich",
    "to_text",
]

_OF_A_PERIOD = f"{NOT_TESTED} of this period; without a period the report has it over all trades"
_TIERS = ("highly suspicious", "suspicious", "notable", "normal")


def stored_rankings(con: duckdb.DuckDBPyConnection) -> Rankings:
    """The rankings over all disclosures, from the tables of the lake."""
    names = ("official_rankings", "ticker_rankings", "sector_rankings", "party_comparison")
    return Rankings(*(con.sql(f"SELECT * FROM {name}").to_arrow_table() for name in names))


def pattern_report(
    con: duckdb.DuckDBPyConnection,
    chosen: PatternFilter | None = None,
    frames: Rankings | None = None,
    rules: RankingRules | None = None,
) -> PatternReport:
    """Build the report from ranking frames, and its totals from disclosed_trades and disclosure_correlations.

    `frames` default to the stored rankings, which are over all trades: a report on a period needs the frames of that
    period. `rules` are those the frames were ranked with; they only appear in the words.

    Raises ValueError for a period without frames, and for days or limit below 1.
    """
    chosen, rules = chosen or PatternFilter(), rules or RankingRules()  # pyright: ignore[reportCallIssue]
    if chosen.limit < 1:
        raise ValueError("limit must be at least 1")
    if frames is None and (chosen.days is not None or chosen.as_of is not None):
        raise ValueError("stored rankings are over all trades: a report on a period needs the rankings of that period")
    whole = chosen.days is None and chosen.as_of is None
    evidence: dict[Source, dict[str, Evidence]] = {
        "official_evidence": evidence_of(con, "official_evidence") if whole else {},
        "ticker_evidence": evidence_of(con, "ticker_evidence") if whole else {},
        "sector_evidence": evidence_of(con, "sector_evidence") if whole else {},
    }
    judged, by_ticker, by_sector = evidence.values()
    frames = frames or stored_rankings(con)
    span = period(con, chosen.days, chosen.as_of)
    people = frames.officials.to_pylist()
    flagged = [r for r in people if r["repeat_offender_raw"]]
    flagged.sort(key=lambda r: (-(r["rate"] or 0), -r["n_scored"], r["bioguide_id"]))
    flagged = flagged[: chosen.limit]
    shown = sorted(_ranked(people, "official"), key=lambda r: _by_q(judged.get(r["bioguide_id"])))[: chosen.limit]
    filings = _filings(con, {r["top_trade_id"] for r in (*shown, *flagged) if r["top_trade_id"]})
    tickers, sectors = frames.tickers.to_pylist(), frames.sectors.to_pylist()
    demo = is_demo(con)
    return PatternReport(
        period_from=span.first,
        period_to=span.last,
        as_of=span.as_of,
        days=chosen.days,
        limit=chosen.limit,
        min_scored=rules.min_scored,
        demo=demo,
        summary=_summary(con, span.where, people, tickers),
        evidence=findings(judged) if whole else _OF_A_PERIOD,
        officials=tuple(_official(r, filings, judged) for r in shown),
        repeat_offenders=tuple(_official(r, filings, judged) for r in flagged),
        tickers=tuple(_ticker(r, by_ticker) for r in _ranked(tickers, "ticker")[: chosen.limit]),
        sectors=tuple(_sector(r, by_sector) for r in _all_rows(sectors, "sector")),
        party_tests=groups.party_tests(con) if whole else (),
        parties=tuple(_party(r) for r in sorted(frames.parties.to_pylist(), key=lambda r: (r["chamber"], r["party"]))),
        committees=groups.committees(con, chosen.limit) if whole else (),
        seasons=groups.seasons(con) if whole else (),
        coverage=coverage_rows(con),
        notes=notes(demo=demo),
    )


def notes(*, demo: bool) -> tuple[str, ...]:
    """What must be said beside a ranking of people; the law comes last."""
    said = (
        language.DISCLAIMER,
        language.PUBLIC_AND_LATE,
        language.INNOCENT,
        language.EVIDENCE,
        language.RAW_RANKS,
        language.VOLATILITY,
        language.LAW,
    )
    return (language.DEMO, *said) if demo else (*said[:-1], language.HOUSE, said[-1])


def _ranked(rows: Sequence[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    """The rows that have a rank, in its order."""
    return sorted((r for r in rows if r["rank"] is not None), key=lambda r: (r["rank"], r[name]))


def _all_rows(rows: Sequence[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    """Ranked rows in order, then the others, the busiest first."""
    rest = sorted((r for r in rows if r["rank"] is None), key=lambda r: (-r["n_scored"], r[name]))
    return [*_ranked(rows, name), *rest]


def _tally(r: dict[str, Any]) -> Tally:
    return Tally(
        n_trades=r["n_trades"],
        n_scored=r["n_scored"],
        n_clusters=r["n_clusters"],
        suspicious=r["suspicious"],
        rate=number(r["rate"]),
        rate_low=number(r["rate_low"]),
        rate_high=number(r["rate_high"]),
        mean_score=number(r["mean_score"]),
        max_score=number(r["max_score"]),
        amount_low=r["amount_low"],
        amount_high=number(r["amount_high"]),
        n_open_amounts=r["n_open_amounts"],
    )


def _by_q(e: Evidence | None) -> tuple[float, float]:
    """Supported or not, the smallest q first; ties and those without a q keep the order of the raw rank."""
    return (math.inf, math.inf) if e is None or e.q_value is None else (e.q_value, e.p_value or 0.0)


def _official(
    r: dict[str, Any], filings: dict[str, tuple[str, str | None]], judged: dict[str, Evidence]
) -> OfficialRow:
    filing_id, url = filings.get(r["top_trade_id"] or "", (None, None))
    return OfficialRow(
        rank=r["rank"],
        bioguide_id=clean(r["bioguide_id"], 100) or "",
        official=clean(r["official"], 100) or "",
        chamber=clean(r["chamber"], 20),
        party=clean(r["party"], 40),
        state=clean(r["state"], 20),
        tally=_tally(r),
        evidence=judged.get(r["bioguide_id"]),
        n_ocr=r["n_ocr"],
        repeat_offender_raw=r["repeat_offender_raw"],
        top_trade_id=clean(r["top_trade_id"]),
        top_filing_id=filing_id,
        top_filing_url=url,
    )


def _ticker(r: dict[str, Any], judged: dict[str, Evidence]) -> TickerRow:
    ticker, name, sector = clean(r["ticker"], 20) or "", clean(r["name"], 120), clean(r["sector"], 60)
    return TickerRow(r["rank"], ticker, name, sector, _tally(r), judged.get(r["ticker"]), r["n_officials"])


def _sector(r: dict[str, Any], judged: dict[str, Evidence]) -> SectorRow:
    name, evidence = clean(r["sector"], 60) or "unknown", judged.get(r["sector"])
    return SectorRow(r["rank"], name, _tally(r), evidence, r["n_officials"], r["n_tickers"])


def _party(r: dict[str, Any]) -> PartyRow:
    mean, sd = number(r["mean_of_officials"]), number(r["sd_of_officials"])
    return PartyRow(r["chamber"], clean(r["party"], 40) or "unknown", r["n_officials"], mean, sd, _tally(r))


def _filings(con: duckdb.DuckDBPyConnection, trade_ids: set[str]) -> dict[str, tuple[str, str | None]]:
    """Filing id and address of trades."""
    rows = con.execute(
        "SELECT trade_id, filing_id, url FROM disclosed_trades WHERE trade_id IN (SELECT unnest(?::VARCHAR[]))",
        [sorted(trade_ids)],
    ).fetchall()
    return {trade: (clean(filing) or "", link(url)) for trade, filing, url in rows}


def _summary(
    con: duckdb.DuckDBPyConnection, where: Where, people: list[dict[str, Any]], tickers: list[dict[str, Any]]
) -> Summary:
    tiers = dict(
        con.execute(
            f"SELECT c.tier, count(*) FROM {TRADES} WHERE c.score IS NOT NULL AND {where.sql} GROUP BY 1",
            list(where.values),
        ).fetchall()
    )
    mean, low, high, n_open = con.execute(
        f"""
        SELECT avg(c.score), coalesce(sum(t.amount_low), 0), sum(t.amount_high),
               count(*) FILTER (WHERE t.amount_high IS NULL)
        FROM {TRADES} WHERE {OWN_ROWS} AND {where.sql}
        """,
        list(where.values),
    ).fetchall()[0]
    return Summary(
        counts=counts(con, where),
        mean_score=number(mean),
        tiers={t: tiers.get(t, 0) for t in _TIERS},
        amount_low=low,
        amount_high=None if n_open else number(high),
        n_open_amounts=n_open,
        n_officials=len(people),
        n_officials_ranked=sum(r["rank"] is not None for r in people),
        n_repeat_offenders_raw=sum(bool(r["repeat_offender_raw"]) for r in people),
        n_tickers=len(tickers),
        n_tickers_ranked=sum(r["rank"] is not None for r in tickers),
    )
