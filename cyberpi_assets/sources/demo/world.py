"""The whole invented world as facts: what `DemoSources` writes once.

Belongs here: putting the parts together, in the columns of `tables/`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from cyberpi_assets.sources.demo import events, filings, market, people, trades
from cyberpi_assets.sources.demo.companies import FUND, FUND_NAME, Company, companies, listed_range, listing_dates
from cyberpi_assets.sources.demo.disclosures import MISTAKES, disclosures
from cyberpi_assets.sources.demo.events import Breach
from cyberpi_assets.sources.demo.horizon import Horizon, horizon
from cyberpi_assets.sources.demo.market import Market
from cyberpi_assets.sources.demo.news import published
from cyberpi_assets.sources.demo.options import option_columns
from cyberpi_assets.sources.demo.people import Official
from cyberpi_assets.tables import FACTS

SOURCE = "demo"
_FUND_CIK = 9_900_000
_HABITS = {
    "informed": "sells shortly after footprints of breaches that are not disclosed yet, in {share:.0%} of the trades",
    "random": "trades at random and files within 45 days",
    "rebalancer": "trades a basket of at least {basket} companies on one day of each month",
    "late_filer": "trades at random; files most trades after the deadline, some more than a year late",
}


def build(
    seed: int, first_month: str, last_month: str, trace: str, progress: Callable[[str], None] | None = None
) -> tuple[dict[str, pa.Table], pa.Table]:
    """All facts by name, and the rows put aside. Columns: as `tables.FACTS` declares; months: YYYY-MM, inclusive.

    `trace` is the file that every fact names. Deterministic. Raises ValueError for months or a seed that are not.
    """
    tell = progress or _silent
    span = horizon(seed, first_month, last_month)
    universe, everybody, planned = companies(span), people.officials(span), events.breaches(span)
    tell(f"simulating {len(universe)} companies on {span.n_sessions} sessions")
    prices = market.simulate(span, universe, planned)
    tell(f"simulating the trades of {sum(bool(p.seats) for p in everybody)} officials")
    traded = trades.trades(span, everybody, listed_range(universe), planned)
    made = filings.filings(span, everybody, traded, len(MISTAKES))
    tell("simulating options")
    columns, optional = option_columns(span, universe, prices, planned)
    disclosed, put_aside = disclosures(span, everybody, universe, prices.close, made, trace)

    in_office = [p for p in everybody if p.seats]
    rows: dict[str, list[dict[str, Any]]] = {
        "company_facts": _companies(span, universe),
        "person_facts": [_person(p) for p in in_office],
        "term_facts": [_term(p, seat) for p in in_office for seat in p.seats],
        "committee_facts": people.committee_rows(),
        "membership_facts": people.membership_rows(in_office, span),
        "symbol_facts": _symbols(span, universe),
        "watchlist_facts": optional["watchlist_facts"],
        "company_event_facts": optional["company_event_facts"],
        "truth_facts": _truth(span, universe, in_office, planned) + optional["truth_facts"],
    }
    tell("writing the news")
    rows |= published(span, universe, planned)
    facts = {"bar_facts": _bars(span, universe, prices, trace), "action_facts": _actions(span, universe, prices, trace)}
    facts |= {name: _traced(name, of, len(of["ticker"]), trace) for name, of in columns.items()}
    facts |= {name: _facts(name, found, trace) for name, found in rows.items()}
    facts["disclosure_facts"] = disclosed
    return facts, put_aside


def _silent(_: str) -> None:
    """Nobody listens."""


def _facts(name: str, rows: Sequence[dict[str, Any]], trace: str) -> pa.Table:
    """Rows as a fact table, each with its trace."""
    traced = [{**row, "source": SOURCE, "file": trace, "line": i} for i, row in enumerate(rows, 1)]
    return pa.Table.from_pylist(traced, schema=FACTS[name].schema)


def _traced(name: str, columns: dict[str, Any], n: int, trace: str) -> pa.Table:
    """Columns as a fact table, with the trace."""
    columns |= {
        "source": pa.repeat(pa.scalar(SOURCE), n),
        "file": pa.repeat(pa.scalar(trace), n),
        "line": pa.array(np.arange(1, n + 1, dtype=np.int64)),
    }
    return pa.table([columns[c] for c in FACTS[name].names], schema=FACTS[name].schema)


def _bars(span: Horizon, universe: list[Company], prices: Market, trace: str) -> pa.Table:
    """Bars by session, on the days shown. A company of raw basis is printed as it traded, before its split too.

    The others are adjusted for every split of the world, also one after the last day shown.
    """
    shown = prices.listed & (span.sessions >= np.datetime64(span.first_day))[:, None]
    session, column = np.nonzero(shown)
    factor, raw = np.ones(prices.close.shape), np.zeros(len(universe) + 1, dtype=np.bool_)
    for i, company in enumerate(universe):
        if company.raw_basis and company.split_at is not None:
            factor[: company.split_at, i] = company.split_ratio
            raw[i] = True
    scale = factor[session, column]
    volume = np.rint(prices.volume[session, column] / scale)
    missing = np.isnan(volume)
    tickers = pa.array([c.ticker for c in universe] + [FUND])
    columns: dict[str, Any] = {
        "ticker": tickers.take(pa.array(column, pa.int64())),
        "session": pa.array(span.sessions[session]),
        "basis": pa.array(["split", "raw"]).take(pa.array(raw[column].astype(np.int64), pa.int64())),
        "adj_close": pa.array(prices.adj_close[session, column], mask=raw[column]),
        "volume": pa.array(np.where(missing, 0, volume).astype(np.int64), mask=missing),
    }
    for name in ("open", "high", "low", "close"):
        columns[name] = pa.array(np.round(getattr(prices, name)[session, column] * scale, 4))
    return _traced("bar_facts", columns, len(session), trace)


def _actions(span: Horizon, universe: list[Company], prices: Market, trace: str) -> pa.Table:
    """Splits and dividends on the days shown, by ex-date."""
    splits = [(c.split_at, c) for c in universe if c.split_at is not None and c.split_at < span.n_sessions]
    found = [(at, c.ticker, "split", c.split_ratio) for at, c in splits]
    found += [
        (s, universe[c].ticker, "dividend", v) for s, c, v in zip(*(a.tolist() for a in prices.dividends), strict=True)
    ]
    rows = [
        {"ticker": ticker, "session": day, "action": action, "value": value}
        for at, ticker, action, value in sorted(found)
        if (day := span.sessions[at].item()) >= span.first_day
    ]
    return _facts("action_facts", rows, trace)


def _companies(span: Horizon, universe: list[Company]) -> list[dict[str, Any]]:
    """Companies listed by the last day shown, and the fund."""
    rows: list[dict[str, Any]] = []
    for c in universe:
        if c.listed_at >= span.n_sessions:
            continue
        listed, delisted = listing_dates(c, span.sessions)
        about = {"ticker": c.ticker, "name": c.name, "sector": c.sector, "industry": c.industry, "cik": c.cik}
        rows.append({**about, "sector_scheme": "gics", "exchange": c.exchange, "as_of": span.last_day})
        rows[-1] |= {"listed_on": listed, "delisted_on": delisted}
    fund = {"ticker": FUND, "name": FUND_NAME, "industry": "Exchange Traded Fund", "sector_scheme": "other"}
    return [*rows, {**fund, "exchange": "NYSE ARCA", "cik": _FUND_CIK, "as_of": span.last_day}]


def _person(person: Official) -> dict[str, Any]:
    return {
        "bioguide_id": person.bioguide_id,
        "first_name": person.first,
        "middle_name": person.middle,
        "last_name": person.last,
        "nickname": person.nickname,
        "full_name": person.full_name,
        "other_names": [],
        "birthday": person.birthday,
        "lis_id": person.lis_id,
    }


def _term(person: Official, seat: people.Seat) -> dict[str, Any]:
    return {
        "bioguide_id": person.bioguide_id,
        "chamber": seat.chamber,
        "state": seat.state,
        "district": seat.district,
        "party": seat.party,
        "starts_on": seat.starts_on,
        "ends_on": seat.ends_on,
    }


def _symbols(span: Horizon, universe: list[Company]) -> list[dict[str, Any]]:
    """Changes and disappearances of symbols up to the last day shown."""
    rows: list[dict[str, Any]] = []
    for c in universe:
        about = {"company": c.name, "cik": c.cik, "method": "announced by the exchange"}
        if c.renamed_at is not None:
            day: dt.date = span.sessions[c.renamed_at].item()
            change = {"old_ticker": c.old_ticker, "new_ticker": c.ticker}
            rows.append({**about, **change, "not_before": day, "not_after": day})
        if c.delisted_at is not None and c.delisted_at + 1 < span.n_sessions:
            day = span.sessions[c.delisted_at + 1].item()
            gone = {"old_ticker": c.ticker, "new_ticker": None}
            rows.append({**about, **gone, "not_before": day, "not_after": day})
    return rows


def _truth(
    span: Horizon, universe: list[Company], in_office: list[Official], planned: list[Breach]
) -> list[dict[str, Any]]:
    """Breaches disclosed on the days shown, and how every official trades."""
    rows: list[dict[str, Any]] = []
    for b in planned:
        if b.event_at >= span.n_sessions or span.sessions[b.event_at].item() < span.first_day:
            continue
        marks = ", ".join(str(span.sessions[f]) for f in b.footprints)
        rows.append(
            {
                "subject": "company",
                "ticker": universe[b.company].ticker,
                "kind": "breach",
                "event_on": span.sessions[b.event_at].item(),
                "known_from": span.sessions[b.known_at].item(),
                "strength": b.drop,
                "detail": f"breach disclosed; close falls {b.drop:.1%}; unusual volume before on {marks}",
            }
        )
    for p in in_office:
        detail = _HABITS[p.habit].format(share=p.strength, basket=trades.LEAST_BASKET)
        about = {"subject": "official", "bioguide_id": p.bioguide_id, "kind": p.habit}
        rows.append({**about, "strength": p.strength, "detail": detail})
    return rows
