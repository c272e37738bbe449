"""Reference lists of listed companies and symbols: SEC, Nasdaq, S&P 500, Alpha Vantage, renames, corporate actions.

Here each list becomes `company_facts`, `symbol_facts` or `action_facts`. Which list is believed about a company is
decided in `domain/`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from cyberpi_assets.sources import values as v
from cyberpi_assets.sources.files.content import as_dict, as_list
from cyberpi_assets.sources.files.people import Records, date_of_name
from cyberpi_assets.sources.rows import Origin, Reading, Record, RowBuffer

_ACTIONS: Final = {"split", "dividend", "spinoff"}
_TORN: Final = "the row is not a record of the known fields"

Company = Callable[[Record], Record]


def _screener(row: Record) -> Record:
    return {
        "ticker": row.get("symbol"),
        "name": row.get("name"),
        "sector": row.get("sector"),
        "industry": row.get("industry"),
        "sector_scheme": "nasdaq",
    }


def _constituent(row: Record) -> Record:
    return {
        "ticker": row.get("symbol"),
        "name": row.get("security"),
        "sector": row.get("gics sector"),
        "industry": row.get("gics sub-industry") or row.get("gics sub industry"),
        "sector_scheme": "gics",
        "cik": row.get("cik"),
    }


def _listing(row: Record) -> Record:
    return {
        "ticker": row.get("symbol"),
        "name": row.get("name"),
        "exchange": row.get("exchange"),
        "listed_on": row.get("ipodate"),
        "delisted_on": row.get("delistingdate"),
    }


def _delisted(row: Record) -> Record:
    return {
        "ticker": row.get("symbol"),
        "name": row.get("name"),
        "sector": row.get("sector"),
        "sector_scheme": "other",
        "delisted_on": row.get("delisted_on"),
    }


def _table(row: Record) -> Record:
    gics = v.stated(row.get("gics_sector")) is not None
    return {
        "ticker": row.get("ticker"),
        "name": row.get("name_short") or row.get("name") or row.get("sec_name"),
        "sector": row.get("gics_sector") if gics else row.get("nasdaq_sector"),
        "industry": row.get("gics_sub_industry") if gics else row.get("nasdaq_industry"),
        "sector_scheme": "gics" if gics else "nasdaq",
        "exchange": row.get("exchange"),
        "cik": row.get("cik"),
        "listed_on": row.get("ipo_date"),
        "delisted_on": row.get("delisted_on"),
    }


def _plain(row: Record) -> Record:
    return {k: row.get(k) for k in ("ticker", "name", "exchange", "cik")}


# How each list names things, and what it is called as a source.
LISTS: Final[dict[str, tuple[str, Company]]] = {
    "companies/nasdaq-screener": ("nasdaq_screener", _screener),
    "companies/sp500-constituents": ("sp500_constituents", _constituent),
    "companies/sp500-membership": ("sp500_membership", lambda row: {"ticker": row.get("ticker")}),
    "companies/sec-cik-mapper": ("sec_cik_mapper", _plain),
    "companies/alphavantage-listing": ("alphavantage_listing", _listing),
    "companies/delisted-list": ("delisted_list", _delisted),
    "companies/tickers-table": ("tickers_table", _table),
    "companies/sec-tickers": ("sec_company_tickers", _plain),
    "companies/sec-tickers-exchange": ("sec_company_tickers", _plain),
}


def sec_records(document: object) -> Iterator[tuple[int, Record | None, object]]:
    """Records of the SEC's list, in its two forms: objects keyed by number, or fields and rows."""
    whole = as_dict(document)
    if "fields" in whole and "data" in whole:
        fields = [str(f) for f in as_list(whole["fields"])]
        for line, cells in enumerate(map(as_list, as_list(whole["data"])), 1):
            yield line, dict(zip(fields, cells, strict=True)) if len(cells) == len(fields) else None, cells
        return
    for line, item in enumerate(whole.values(), 1):
        entry = as_dict(item)
        record = {"ticker": entry.get("ticker"), "name": entry.get("title"), "cik": entry.get("cik_str")}
        yield line, record if entry else None, item


def read_companies(records: Records, list_name: str, origin: Origin) -> Reading:
    """One `company_facts` row per listed symbol. The list's date is taken from the file's name where it has one."""
    source, company = LISTS[list_name]
    buffer, as_of = RowBuffer(origin.file), date_of_name(origin.name, months=True)
    for line, record, raw in records:
        buffer.read += 1
        if record is None:
            buffer.quarantine("companies", line, "row", raw, _TORN)
            continue
        row = company(record)
        ticker = v.spell_symbol(row["ticker"])
        if ticker is None:
            buffer.quarantine("companies", line, "ticker", row["ticker"], "not a ticker symbol")
            continue
        sector = v.stated(row.get("sector"))
        fact: dict[str, Any] = {
            "ticker": ticker,
            "name": v.stated(row.get("name")),
            "sector": sector,
            "industry": v.stated(row.get("industry")),
            "sector_scheme": row.get("sector_scheme") if sector else None,
            "exchange": v.stated(row.get("exchange")),
            "cik": v.integer(row.get("cik")),
            "listed_on": _day(row.get("listed_on")),
            "delisted_on": _day(row.get("delisted_on")),
            "as_of": as_of,
            "source": source,
        }
        buffer.accept("company_facts", fact, line)
    return buffer.reading()


def _day(value: object) -> dt.date | None:
    return v.month_start(value) if v.stated(value) is not None else None


def read_symbol_changes(records: Records, origin: Origin) -> Reading:
    """Renames, with the first and last day between which each happened (months are taken whole)."""
    buffer = RowBuffer(origin.file)
    for line, row, raw in records:
        buffer.read += 1
        old = v.spell_symbol(row.get("old_ticker", row.get("ticker"))) if row else None
        if row is None or old is None:
            name = "row" if row is None else "old_ticker"
            buffer.quarantine("symbols", line, name, raw if row is None else row.get(name), "not a ticker symbol")
            continue
        vanished = "old_ticker" not in row
        fact = {
            "old_ticker": old,
            "new_ticker": v.spell_symbol(row.get("new_ticker")),
            "company": v.clean_text(row.get("company")),
            "cik": v.integer(row.get("cik")),
            "not_before": v.month_start(row.get("last_seen" if vanished else "not_before")),
            "not_after": None if vanished else v.month_end(row.get("not_after")),
            "method": "no longer listed after it was last seen" if vanished else v.clean_text(row.get("method")),
            "source": "ticker_disappeared" if vanished else "ticker_changes",
        }
        buffer.accept("symbol_facts", fact, line)
    return buffer.reading()


def read_actions(records: Iterable[tuple[int, Record | None, object]], origin: Origin) -> Reading:
    """Splits, dividends and spin-offs from a table with one row each."""
    buffer = RowBuffer(origin.file)
    for line, row, raw in records:
        buffer.read += 1
        if row is None:
            buffer.quarantine("actions", line, "row", raw, _TORN)
            continue
        ticker, session = v.spell_symbol(row.get("ticker")), v.parse_date(row.get("date"))
        action = (v.clean_text(row.get("action")) or "").lower().replace("-", "")
        value = v.decimal(row.get("value"))
        fault = (
            ("ticker", "not a ticker symbol") if ticker is None
            else ("date", "not a date") if session is None
            else ("action", "neither split, dividend nor spinoff") if action not in _ACTIONS
            else ("value", "not a positive number") if value is None or value <= 0
            else None
        )  # fmt: skip
        if fault:
            buffer.quarantine("actions", line, fault[0], row.get(fault[0]), fault[1])
            continue
        fact = {"ticker": ticker, "session": session, "action": action, "value": value}
        buffer.accept("action_facts", {**fact, "source": v.clean_text(row.get("source")) or "file"}, line)
    return buffer.reading()
