"""Which symbol stood for which company when.

Here belongs the history of renamed, vanished and reused symbols, and how a printed symbol and a day become today's
symbol. Matching company names is not done here: all steps together are in `tickers.py`.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from typing import Any

import pyarrow as pa

from cyberpi_assets.domain.sql import ask
from cyberpi_assets.tables import SYMBOL_FACTS, SYMBOL_HISTORY

_LONGEST_CHAIN = 8


def symbol_history(facts: pa.Table) -> pa.Table:
    """One row per symbol and successor. facts: `tables.SYMBOL_FACTS`. Columns: `tables.SYMBOL_HISTORY`.

    A symbol stands for its old company until the last day on which the change may have happened; chains of renames are
    followed to the symbol used today. Where one symbol is said to become two on the same days, neither is taken.
    """
    changes: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in facts.to_pylist():
        changes[row["old_ticker"]].append(row)
    rows = [_row(fact, changes) for per_symbol in changes.values() for fact in _unambiguous(per_symbol)]
    # the same change in two lists, or by way of another symbol, is one change
    rows = list({(r["ticker"], r["current_ticker"], r["valid_to"]): r for r in rows}.values())
    rows.sort(key=lambda r: (r["ticker"], r["valid_to"] or dt.date.max))
    return pa.Table.from_pylist(rows, schema=SYMBOL_HISTORY.schema)


def changes_of_lists(companies: pa.Table) -> pa.Table:
    """Renames that dated lists of companies show: under one SEC number, one plain symbol gone and one new.

    companies: `tables.COMPANY_FACTS`. Columns: `tables.SYMBOL_FACTS`; the change lies between the last list with the
    old symbol and the first with the new one. Preferred shares, warrants and receipts of the company do not count;
    where two symbols go or come at once, nothing is said.
    """
    return ask(
        r"""
        WITH papers AS (  -- notes, funds and the like under a company's number
            SELECT DISTINCT ticker FROM companies
            WHERE regexp_matches(name, '(?i)%|\bnotes?\b|preferred|\bet[fn]s?\b|\bfund\b|warrant|\bdue 20')
        ), shown AS (
            SELECT cik, ticker, min(as_of) AS first, max(as_of) AS last, arg_max(name, as_of) AS company,
                   arg_max(file, (as_of, file)) AS file, arg_max(line, (as_of, file)) AS line,
                   arg_max(source, (as_of, file)) AS source
            FROM companies ANTI JOIN papers USING (ticker)
            WHERE cik IS NOT NULL AND as_of IS NOT NULL AND regexp_full_match(ticker, '[A-Z]{1,4}(-[AB])?')
            GROUP BY ALL
        ), pairs AS (
            SELECT o.cik, o.ticker AS old_ticker, n.ticker AS new_ticker, n.company, o.last AS not_before,
                   n.first AS not_after, o.source, o.file, o.line
            FROM shown o JOIN shown n ON n.cik = o.cik AND n.first > o.last
            -- the next symbol of the company, and none that it had all along
            QUALIFY n.first = min(n.first) OVER (PARTITION BY o.cik, o.ticker)
        )
        SELECT *, 'lists of companies, same SEC number' AS method FROM pairs
        QUALIFY count(*) OVER (PARTITION BY cik, old_ticker) = 1 AND count(*) OVER (PARTITION BY cik, new_ticker) = 1
        ORDER BY old_ticker, not_before""",
        shape=SYMBOL_FACTS,
        companies=companies,
    )


def _unambiguous(facts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Per end of validity one successor; a rename is better evidence than a disappearance, two renames are none."""
    by_end: dict[dt.date | None, list[dict[str, Any]]] = defaultdict(list)
    for fact in facts:
        by_end[fact["not_after"]].append(fact)
    kept: list[dict[str, Any]] = []
    for same_end in by_end.values():
        successors = {f["new_ticker"] for f in same_end if f["new_ticker"]}
        if len(successors) == 1:
            kept.append(next(f for f in same_end if f["new_ticker"]))
        elif not successors:
            kept.append(same_end[0])
    return kept


def _row(fact: dict[str, Any], changes: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    current, since = fact["new_ticker"], fact["not_after"]
    for _ in range(_LONGEST_CHAIN):  # a circle of renames must end
        later = [f for f in changes.get(current, []) if _after(f, since)]
        end = min((f["not_after"] or dt.date.max for f in later), default=None)
        successors = {f["new_ticker"] for f in later if (f["not_after"] or dt.date.max) == end and f["new_ticker"]}
        if len(successors) != 1:  # what happened next is not known, or the company vanished
            break
        current, since = successors.pop(), None if end == dt.date.max else end
    low, high = fact["not_before"], fact["not_after"]
    return {
        "ticker": fact["old_ticker"],
        "current_ticker": current,
        "company": fact["company"],
        "cik": fact["cik"],
        "valid_from": None,
        "valid_to": high,
        "uncertain_days": (high - low).days if low and high else None,
        "method": fact["method"] or fact["source"],
    }


def _after(fact: dict[str, Any], since: dt.date | None) -> bool:
    return since is None or fact["not_after"] is None or fact["not_after"] >= since


def resolve_symbols(printed: pa.Table, history: pa.Table) -> pa.Table:
    """Today's symbol of each printed symbol on its day.

    printed: row (int64), ticker_printed, ticker_current (as the source states it), day (date). history:
    `tables.SYMBOL_HISTORY`. Columns: row, ticker, ticker_evidence (printed | symbol history | stated by source | none
    printed), in the order of `row`.

    A printed symbol whose day lies in the interval of a renamed symbol becomes its successor; otherwise it stands for
    itself. Where the day is not known, only a symbol that was never renamed stands.
    """
    return ask(
        """
        WITH renamed AS (
            -- the first change after the day; a company that vanished has no successor, whoever took its symbol later
            SELECT p.row,
                   arg_min(struct_pack(t := h.current_ticker), coalesce(h.valid_to, DATE '9999-12-31')).t AS successor
            FROM printed p JOIN history h ON h.ticker = p.ticker_printed
            WHERE p.day <= coalesce(h.valid_to, DATE '9999-12-31')
            GROUP BY p.row
        ), doubtful AS (
            SELECT p.row FROM printed p SEMI JOIN (SELECT ticker FROM history WHERE current_ticker IS NOT NULL) h
              ON h.ticker = p.ticker_printed
            WHERE p.day IS NULL
        )
        SELECT p.row,
               coalesce(p.ticker_current, r.successor, CASE WHEN d.row IS NULL THEN p.ticker_printed END) AS ticker,
               CASE WHEN p.ticker_current IS NOT NULL AND p.ticker_current IS DISTINCT FROM p.ticker_printed
                    THEN 'stated by source'
                    WHEN p.ticker_printed IS NULL THEN 'none printed'
                    WHEN p.ticker_current IS NULL AND (r.successor IS NOT NULL OR d.row IS NOT NULL)
                    THEN 'symbol history'
                    ELSE 'printed' END AS ticker_evidence
        FROM printed p LEFT JOIN renamed r USING (row) LEFT JOIN doubtful d USING (row) ORDER BY p.row""",
        printed=printed,
        history=history,
    )
