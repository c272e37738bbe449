"""Which known table or document a content is, by its columns or keys, never by the file's name: a row per format.

How a format is read is in `bars.py`, `disclosures.py`, `unified.py`, `people.py` and `tickers.py`. A new format is a
row here and a function there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from cyberpi_assets.sources.files.content import as_dict, as_list
from cyberpi_assets.sources.rows import Unreadable
from cyberpi_assets.sources.values import shorten

NO_READER: Final = "recognised; no asset reads it yet"


@dataclass(frozen=True)
class Format:
    """A format: what the content is about, the format's name, and whether something reads it."""

    kind: str
    name: str
    read: bool = True


@dataclass(frozen=True)
class _Columns:
    """A table format and the columns (lower case) that give it away; the first that fits is taken."""

    format: Format
    all_of: frozenset[str]
    none_of: frozenset[str] = frozenset()


def _columns(kind: str, name: str, all_of: str, none_of: str = "", read: bool = True) -> _Columns:
    return _Columns(
        Format(kind, name, read), frozenset(all_of.lower().split("|")), frozenset(filter(None, none_of.split("|")))
    )


_TABLES: Final = (
    _columns(
        "disclosures", "disclosures/unified", "chamber|official|bioguide_id|side|transaction_date|doc_id|anomalies"
    ),
    _columns("disclosures", "disclosures/senate-stock-watcher-csv", "senator|ptr_link|transaction_date|type|amount"),
    _columns(
        "disclosures",
        "disclosures/house-stock-watcher-v2-csv",
        "representative|ptr_link|transaction_date|type|amount|party",
    ),
    _columns(
        "disclosures", "disclosures/house-stock-watcher-v1-csv", "representative|ptr_link|transaction_date|type|amount"
    ),
    _columns(
        "disclosures", "disclosures/tattooedhead-csv", "representative|filing_id|source_url|transaction_date|type"
    ),
    _columns("people", "people/legislators-csv", "bioguide_id|last_name|first_name|full_name|type"),
    _columns("people", "people/legislators-table", "bioguide_id|first_name|last_name|official_full"),
    _columns("terms", "people/terms-table", "bioguide_id|term_no|chamber|state|start|end"),
    _columns("memberships", "people/memberships-csv", "bioguide|committee_id|party|rank|committee_name"),
    _columns("memberships", "people/memberships-table", "committee_id|bioguide_id|side|rank|congress"),
    _columns("committees", "people/committees-table", "committee_id|parent_id|chamber|name|jurisdiction"),
    _columns("companies", "companies/tickers-table", "ticker|name|gics_sector|nasdaq_sector|cik"),
    _columns("companies", "companies/nasdaq-screener", "symbol|name|last sale|sector|industry"),
    _columns("companies", "companies/sp500-constituents", "symbol|security|gics sector"),
    _columns("companies", "companies/sp500-membership", "ticker|start_date|end_date", "close|amount"),
    _columns("companies", "companies/sec-cik-mapper", "cik|ticker|name|exchange"),
    _columns("companies", "companies/alphavantage-listing", "symbol|name|exchange|assettype|ipodate|delistingdate"),
    _columns("companies", "companies/delisted-list", "symbol|name|sector|delisted_on"),
    _columns("symbols", "symbols/changes", "old_ticker|new_ticker|not_before|not_after"),
    _columns("symbols", "symbols/disappeared", "ticker|last_seen|company|cik"),
    _columns("actions", "actions/table", "ticker|date|action|value"),
    _columns("chains", "chains/sweep", "ticker|snapshot_at|session|expiry|right|strike|data_type|file|line"),
    _columns("snapshots", "snapshots/sweep", "ticker|snapshot_at|session|price|call_volume|halted|data_type|file|line"),
    _columns("gaps", "gaps/sweep", "subject|kind|at|reason|retryable|file|line"),
    _columns("chains", "chains/yahoo-table", "contractsymbol|strike|lasttradedate|impliedvolatility"),
    _columns("chains", "chains/contracts", "strike|expiry|type|bid|ask"),
    _columns("chains", "chains/two-sided", "strike|call_vol|put_vol"),
    _columns("option_volumes", "option_volumes/table", "date|ticker|option_volume|call_volume|put_volume"),
    _columns("watchlist", "watchlist/table", "ticker|name|sector|reason|lists"),
    _columns("filings", "filings/house-index-table", "filing_type|filing_date|doc_id|state_dst"),
    _columns("filings", "filings/house-index-text", "filingtype|statedst|filingdate|docid"),
    _columns("senate_index", "senate_index/paper-reports", "year|uuid|member|disclosure_date", read=False),
    _columns(
        "disclosures", "disclosures/senate-efd-table", "declarant_name|operation_type|amount_range|doc_id", read=False
    ),
    _columns(
        "disclosures",
        "disclosures/house-ptr-rows",
        "doc_id|transaction_id|notification_date|state_district",
        read=False,
    ),
    _columns("news", "news/table", "headline|publisher|url"),
    _columns("halts", "halts/table", "symbol|halt_date|halt_time|reason_code"),
    _columns("halts", "halts/nyse-csv", "halt date|halt time|symbol|reason"),
    _columns("events", "events/breaches", "ticker_at_event|event_type|date_disclosed"),
    _columns("events", "events/breaches-weak", "ticker|date_disclosed|breach_type|confidence"),
    _columns("events", "events/acquisitions", "ticker_target|acquirer|date_announced"),
    _columns("events", "events/sanctions", "date|event|tickers_exposed|confidence"),
)

# The names under which files give the columns of a bar, lower case.
BAR_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "date": ("date", "datetime", "timestamp", "time", "session", "trade_date", "day", "<date>"),
    "close": ("close", "<close>", "close_price", "last", "c"),
    "open": ("open", "<open>", "open_price", "o"),
    "high": ("high", "<high>", "high_price", "h"),
    "low": ("low", "<low>", "low_price", "l"),
    "adj_close": ("adj close", "adj_close", "adjclose", "adjusted_close", "adjusted close", "close_adj", "adj. close"),
    "volume": ("volume", "<vol>", "vol", "v"),
    "ticker": ("ticker", "symbol", "<ticker>", "act_symbol"),
    "source": ("source",),
    "basis": ("basis",),
    "dividend": ("dividends", "dividend", "divcash"),
    "split": ("stock splits", "stock_splits", "splits", "splitfactor"),
}
_NOT_BARS: Final = frozenset({"strike", "expiry", "open_interest", "openinterest", "option_volume", "headline"})


# The names under which files give the parts of an option contract, lower case.
CHAIN_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "ticker": ("ticker", "underlying_symbol", "underlying", "symbol", "act_symbol"),
    "session": ("trade_date", "session", "quote_date", "date"),
    "moment": ("snapshot_ts", "snapshot_at", "asof", "quote_datetime", "timestamp"),
    "underlying": ("underlying_price", "spot", "underlying_last"),
    "expiry": ("expiry", "expiration", "expiration_date", "expirationdate"),
    "side": ("type", "right", "option_type", "put_call", "cp_flag"),
    "strike": ("strike",),
    "bid": ("bid",),
    "ask": ("ask",),
    "last": ("last", "lastprice", "last_price"),
    "volume": ("volume",),
    "open_interest": ("open_interest", "openinterest", "oi"),
    "implied_vol": ("implied_vol", "impliedvolatility", "implied_volatility", "iv"),
    "delta": ("delta",),
    "multiplier": ("multiplier", "contractsize"),
    "last_trade": ("lasttradedate", "last_trade_at"),
    "contract": ("contractsymbol",),
    "kind": ("data_type", "snapshot"),
    "source": ("source",),
}
# The names under which files give an underlying's option volume of a day, lower case.
VOLUME_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "ticker": ("ticker", "symbol"),
    "session": ("date", "session", "trade_date"),
    "call_volume": ("call_volume",),
    "put_volume": ("put_volume",),
    "total_volume": ("option_volume", "total_volume"),
    "call_open_interest": ("call_oi", "call_open_interest"),
    "put_open_interest": ("put_oi", "put_open_interest"),
    "contracts": ("contracts",),
    "underlying_price": ("underlying_price",),
    "stock_volume": ("stock_volume",),
    "iv10": ("iv10",),
    "iv30": ("iv30",),
    "iv90": ("iv90",),
    "iv180": ("iv180",),
    "realised_vol30": ("realised_vol30",),
    "source": ("source",),
}


def columns_playing(parts: Mapping[str, tuple[str, ...]], names: Iterable[str]) -> dict[str, str]:
    """Which of a table's columns plays which part: part to column name as printed."""
    by_lower = {n.strip().lower(): n for n in reversed(list(names))}
    return {part: by_lower[k] for part, known in parts.items() for k in reversed(known) if k in by_lower}


def bar_columns(names: Iterable[str]) -> dict[str, str]:
    """Which of a table's columns plays which part of a bar: part to column name as printed."""
    return columns_playing(BAR_COLUMNS, names)


def recognise_columns(names: list[str]) -> Format | None:
    """The format of a table with these columns, case-blind, or None."""
    lower = frozenset(n.strip().lower() for n in names)
    for table in _TABLES:
        if table.all_of <= lower and not table.none_of & lower:
            return table.format
    parts = bar_columns(names)
    if {"date", "close", "open", "high", "low"} <= parts.keys() and not _NOT_BARS & lower:
        if "<close>" in lower:
            return Format("bars", "bars/stooq-ascii")
        if "adj close" in lower or "stock splits" in lower:
            return Format("bars", "bars/yahoo")
        printed = [n.strip() for n in names]
        return Format("bars", "bars/stooq" if printed[:5] == ["Date", "Open", "High", "Low", "Close"] else "bars/ohlcv")
    if {"date", "close", "ticker"} <= parts.keys() and not _NOT_BARS & lower and "volume" in parts:
        return Format("bars", "bars/close-only")
    return None


_LISTS: Final = (
    (Format("disclosures", "disclosures/senate-stock-watcher-daily"), {"ptr_link", "transactions", "last_name"}),
    (Format("disclosures", "disclosures/senate-stock-watcher"), {"senator", "ptr_link", "transaction_date", "type"}),
    (Format("disclosures", "disclosures/tattooedhead"), {"representative", "filing_id", "transaction_date", "type"}),
    (
        Format("disclosures", "disclosures/house-stock-watcher"),
        {"representative", "ptr_link", "transaction_date", "type"},
    ),
    (Format("people", "people/legislators"), {"id", "name", "terms"}),
    (Format("committees", "people/committees"), {"type", "name", "thomas_id"}),
    (Format("filings", "filings/senate-search"), {"reportLink", "reportDate", "lastName"}),
    (Format("news", "news/items"), {"headline", "url"}),
    (Format("news", "news/items"), {"title", "link"}),
    (Format("news", "news/items"), {"id", "content"}),
)
_SAMPLE: Final = 50  # records looked at


def recognise_document(document: Any) -> Format:
    """The format of a parsed JSON or YAML document. Raises Unreadable saying what was found instead."""
    if isinstance(document, list):
        records = as_list(document)
        objects = [as_dict(r) for r in records[:_SAMPLE] if isinstance(r, dict)]
        if not records:
            raise Unreadable("an empty list")
        for form, keys in _LISTS:
            if objects and sum(keys <= o.keys() for o in objects) * 2 > len(objects):
                return form
        if not objects:
            raise Unreadable(f"a list of {type(records[0]).__name__}, not of objects")
        raise Unreadable(f"list of objects without a known set of keys: found {_named(objects[0])}")
    if isinstance(document, dict):
        return _recognise_object(as_dict(document))
    raise Unreadable(f"a single {type(document).__name__}, not a table")


def _recognise_object(document: dict[str, Any]) -> Format:
    keys = document.keys()
    first = next(iter(document.values()), None)
    if {"cik_str", "ticker", "title"} <= as_dict(first).keys():
        return Format("companies", "companies/sec-tickers")
    if {"fields", "data"} <= keys and {"cik", "ticker", "name"} <= set(map(str, as_list(document["fields"]))):
        return Format("companies", "companies/sec-tickers-exchange")
    seats = [as_dict(s) for v in list(document.values())[:_SAMPLE] for s in as_list(v)[:1]]
    if seats and all("name" in s and ("bioguide" in s or "party" in s) and "rank" in s for s in seats):
        return Format("memberships", "people/memberships")
    if {"recordsTotal", "data"} <= keys:
        return Format("filings", "filings/senate-search")
    if "halts" in keys:
        return Format("halts", "halts/feed")
    if {"header", "contracts"} <= keys:
        return Format("chains", "chains/paired")
    if {"sym", "spot", "o"} <= keys:
        return Format("chains", "chains/short-keys")
    if {"utc", "session", "tickers"} <= keys:
        return Format("snapshots", "snapshots/collector-notes")
    items = as_list(document.get("items"))
    if items and ({"headline"} <= as_dict(items[0]).keys() or {"title", "link"} <= as_dict(items[0]).keys()):
        return Format("news", "news/feed")
    answer = as_dict(as_dict(document.get("response")).get("bodyJson")) or document
    if "optionChain" in answer:
        return Format("chains", "chains/yahoo")
    if "quoteResponse" in answer:
        return Format("snapshots", "snapshots/yahoo")
    if isinstance(answer.get("news"), list):
        return Format("news", "news/yahoo")
    if {"catalogVersion", "vulnerabilities"} <= keys:
        return Format("kev", "kev/catalogue")
    if {"format", "vulnerabilities", "totalResults"} <= keys:
        return Format("vulnerabilities", "vulnerabilities/nvd")
    if "accessionNumber" in as_dict(as_dict(document.get("filings")).get("recent")):
        return Format("company_filings", "company_filings/submissions")
    hits = as_list(as_dict(document.get("hits")).get("hits")) or as_list(document.get("hits"))
    if hits and {"_id", "_source"} <= as_dict(hits[0]).keys():
        return Format("company_filings", "company_filings/search")
    if {"request", "response"} <= keys:
        return Format("provider_response", "provider_response/recorded", False)
    raise Unreadable(f"JSON object without a known set of keys: found {_named(document)}")


def recognise_markup(head: bytes) -> Format | None:
    """The format of an XML document by its first elements, or None."""
    if b"<FinancialDisclosure>" in head[:1000]:
        return Format("filings", "filings/house-index-xml")
    if b"<rss" in head[:2000] and b"ndaq:" in head[:5000]:
        return Format("halts", "halts/rss")
    if b"<feed" in head[:2000] and b"sec.gov" in head[:5000]:
        return Format("company_filings", "company_filings/current")
    if b"<rss" in head[:2000] or b"<feed" in head[:2000] or b"<rdf:RDF" in head[:2000]:
        return Format("news", "news/syndicated")
    return None


def _named(keys: Iterable[str]) -> str:
    listed = [shorten(k) or "" for k in list(keys)[:8]]
    return str([k[:40] for k in listed]) + (" and more" if len(list(keys)) > 8 else "")


def unknown_columns(names: Iterable[str]) -> str:
    """The reason for a table whose header is not known."""
    return f"header not known: {_named(names)}"
