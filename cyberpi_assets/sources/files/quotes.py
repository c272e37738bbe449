"""Documents with quotes and chains inside: Yahoo's answers as served, providers' JSON, sweeps kept as Parquet.

Here each becomes `snapshot_facts`, `chain_facts`, `company_event_facts` or `gap_facts`. What every contract goes
through is in `chains.py`; asking a provider is `sources/providers/`.

Lines count the records of a document: contracts first, in the order printed (call before put where a record holds
both), then the quote, then the event. What a document does not state comes from its name (day, symbol) or not at all.
"""

from __future__ import annotations

import datetime as dt
import email.utils
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from cyberpi_assets.sources import values as v
from cyberpi_assets.sources.files.chains import read_contracts
from cyberpi_assets.sources.files.content import as_dict, as_list
from cyberpi_assets.sources.files.people import Records
from cyberpi_assets.sources.providers.answers import NEW_YORK, new_york_date, number, positive, session_of
from cyberpi_assets.sources.providers.yahoo import parse
from cyberpi_assets.sources.rows import Origin, Reading, Record, RowBuffer

_DAY: Final = re.compile(r"(?<!\d)(\d{4}-\d{2}-\d{2})(?!\d)")
_SYMBOL: Final = re.compile(r"[A-Z]{1,5}")
_DATA_TYPES: Final = frozenset({"live", "delayed", "frozen", "delayed_frozen", "end_of_day", "simulated"})
_OPTION: Final = re.compile(r"(\d{4}-\d{2}-\d{2})_(\d+(?:\.\d+)?)_(Call|Put)")
_COUNTS: Final = ("volume", "call_volume", "put_volume", "call_open_interest", "put_open_interest")
_PRICES: Final = ("price", "previous_close", "open", "high", "low", "bid", "ask")
_MEANS: Final = ("average_volume", "average_option_volume")
_SHARES: Final = ("implied_vol", "historical_vol", "dividend_yield")


def days_of_name(file: str) -> list[dt.date]:
    """The days (YYYY-MM-DD) in a file's path, in the order printed."""
    return [day for text in _DAY.findall(file) if (day := v.parse_date(text)) is not None]


def symbol_of_name(name: str) -> str | None:
    """The only word in capitals in a file's name that can be a symbol; None where there is none or several."""
    words = {w for w in re.split(r"[^A-Za-z]+", name) if _SYMBOL.fullmatch(w)}
    return words.pop() if len(words) == 1 else None


# ------------------------------------------------------------------------------------------------------------- quotes


def _quote(buffer: RowBuffer, line: int, row: Mapping[str, Any], source: str) -> None:
    """Accept one quote, or put it aside. `row`: parts as `tables.SNAPSHOT_FACTS` names them, of any type."""
    buffer.read += 1
    symbol, at = v.spell_symbol(row.get("ticker")), row.get("snapshot_at")
    if symbol is None:
        return buffer.quarantine("snapshots", line, "ticker", row.get("ticker"), "not a ticker symbol")
    if not isinstance(at, dt.datetime) or at.tzinfo is None or not 1990 <= at.year <= 2030:
        return buffer.quarantine("snapshots", line, "snapshot_at", at, "nothing says when the quote was taken")
    session, traded = session_of(at), row.get("traded_at")
    if isinstance(traded, dt.datetime) and session_of(traded) < session:
        return buffer.quarantine("snapshots", line, "price", traded, "the last trade is of an earlier session")
    said = {p: positive(row.get(p)) for p in (*_PRICES, *_MEANS)}
    said |= {p: n if (n := number(row.get(p))) is not None and n >= 0 else None for p in _SHARES}
    counts = {p: v.integer(row.get(p)) for p in _COUNTS}
    counts = {p: n if n is not None and n >= 0 else None for p, n in counts.items()}
    if all(x is None for x in (*said.values(), *counts.values())):
        return buffer.quarantine("snapshots", line, "price", None, "neither a price nor a volume")
    kind = row.get("data_type")
    halted = row.get("halted")
    known = {"ticker": symbol, "snapshot_at": at, "session": session, **said, **counts}
    known["halted"] = halted if isinstance(halted, bool) else None
    known["data_type"] = kind if kind in _DATA_TYPES else "delayed"
    return buffer.accept("snapshot_facts", {**known, "source": source}, line)


def read_snapshot_rows(records: Records, origin: Origin) -> Reading:
    """A table of quotes with the columns of `tables.SNAPSHOT_FACTS`, such as a sweep keeps."""
    buffer = RowBuffer(origin.file)
    for line, row, raw in records:
        if row is None:
            buffer.read += 1
            buffer.quarantine("snapshots", line, "row", raw, "the row is not a record of the known fields")
            continue
        at = row.get("snapshot_at")
        stated = {**row, "snapshot_at": at if isinstance(at, dt.datetime) else _moment(at)}
        _quote(buffer, line, stated, v.stated(row.get("source")) or "file")
    return buffer.reading()


def read_gap_rows(records: Records, origin: Origin) -> Reading:
    """A table of what was not given, with the columns of `tables.GAP_FACTS`, such as a sweep keeps."""
    buffer = RowBuffer(origin.file)
    for line, row, raw in records:
        buffer.read += 1
        at = None if row is None else row.get("at")
        at = at if isinstance(at, dt.datetime) else _moment(at)
        if row is None or at is None or not (row.get("subject") and row.get("kind") and row.get("reason")):
            buffer.quarantine("gaps", line, "row", raw, "the row is not a record of the known fields")
            continue
        said = {p: v.stated(row.get(p)) for p in ("subject", "kind", "reason", "code")}
        known = {**said, "at": at, "retryable": str(row.get("retryable")).lower() == "true"}
        buffer.accept("gap_facts", {**known, "source": v.stated(row.get("source")) or "file"}, line)
    return buffer.reading()


def _moment(value: object) -> dt.datetime | None:
    """A moment of ISO text; without a zone it is New York's."""
    try:
        at = dt.datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return (at if at.tzinfo is not None else at.replace(tzinfo=NEW_YORK)).astimezone(dt.UTC)


def _epoch(value: object) -> dt.datetime | None:
    seconds = positive(value)
    return None if seconds is None or seconds > 4e9 else dt.datetime.fromtimestamp(seconds, dt.UTC)


# -------------------------------------------------------------------------------------------------------------- Yahoo


def read_yahoo(document: Any, origin: Origin, scratch: Path) -> Reading:
    """Yahoo's answer to a question for quotes or for one expiry of a chain, as served or as recorded with its headers.

    The moment is the answer's own `date` header; without one, that of the last regular trade.
    """
    whole = as_dict(document)
    response = as_dict(whole.get("response"))
    body = as_dict(response.get("bodyJson")) if response else whole
    stamp = as_dict(response.get("headers")).get("date")
    at = email.utils.parsedate_to_datetime(str(stamp)) if stamp else None
    buffer = RowBuffer(origin.file)
    contracts: list[Record] = []
    quotes: list[Mapping[str, Any]] = [as_dict(q) for q in as_list(as_dict(body.get("quoteResponse")).get("result"))]
    for result in map(as_dict, as_list(as_dict(body.get("optionChain")).get("result"))):
        quote = as_dict(result.get("quote"))
        quotes.append({"symbol": result.get("underlyingSymbol"), **quote})
        contracts += _yahoo_contracts(result, quote, at or _epoch(quote.get("regularMarketTime")), len(contracts))
    line = len(contracts)
    for quote in quotes:
        traded = _epoch(quote.get("regularMarketTime"))
        moment = at or traded
        line += 1
        said = {} if moment is None else parse.snapshot("", quote, moment, session_of(moment))
        _quote(buffer, line, {**said, "ticker": quote.get("symbol"), "traded_at": traded}, "yahoo")
        if moment is not None and (event := _earnings(quote, moment)) is not None:
            line += 1
            buffer.read += 1
            buffer.accept("company_event_facts", {**event, "source": "yahoo"}, line)
    return _together(contracts, buffer, origin, scratch, percent=False)


def _yahoo_contracts(
    result: Mapping[str, Any], quote: Mapping[str, Any], at: dt.datetime | None, before: int
) -> Iterable[Record]:
    traded = _epoch(quote.get("regularMarketTime"))
    stale = at is None or traded is None or session_of(traded) < session_of(at)
    common = {
        "ticker": v.spell_symbol(result.get("underlyingSymbol")),
        "moment": at,
        "underlying": None if stale else number(quote.get("regularMarketPrice")),
        "kind": parse.data_type(quote),
        "source": "yahoo",
    }
    line = before
    for block in map(as_dict, as_list(result.get("options"))):
        for side in ("calls", "puts"):
            for c in map(as_dict, as_list(block.get(side))):
                line += 1
                expiry = _epoch(c.get("expiration") or block.get("expirationDate"))
                size = {"REGULAR": 100.0, "MINI": 10.0}.get(str(c.get("contractSize")))
                yield {
                    **common,
                    "line": line,
                    "expiry": None if expiry is None else expiry.date(),  # epochs are midnights of UTC
                    "side": side[0].upper(),
                    "strike": number(c.get("strike")),
                    "bid": number(c.get("bid")),
                    "ask": number(c.get("ask")),
                    "last": number(c.get("lastPrice")),
                    "volume": number(c.get("volume")),
                    "open_interest": number(c.get("openInterest")),
                    "implied_vol": number(c.get("impliedVolatility")),
                    "multiplier": size,
                    "last_trade": _epoch(c.get("lastTradeDate")),
                    "printed": str(c.get("contractSymbol"))[:200],
                }


def _earnings(quote: Mapping[str, Any], at: dt.datetime) -> Record | None:
    """The earnings day a quote states: one that has been, or one to come that is no estimate."""
    when, symbol = _epoch(quote.get("earningsTimestamp")), v.spell_symbol(quote.get("symbol"))
    if when is None or symbol is None or (when > at and quote.get("isEarningsDateEstimate") is not False):
        return None
    known = new_york_date(at) if when > at else None
    return {"ticker": symbol, "event_on": new_york_date(when), "event": "earnings", "known_from": known}


def read_meta(document: Any, origin: Origin) -> Reading:
    """What a collector of Yahoo chains noted beside them: live prices of its underlyings at a moment."""
    whole, buffer = as_dict(document), RowBuffer(origin.file)
    at = _moment(whole.get("utc"))
    for line, (ticker, said) in enumerate(as_dict(whole.get("tickers")).items(), start=1):
        noted = as_dict(said)
        earlier = at is not None and v.parse_date(noted.get("session")) != session_of(at)
        price = noted.get("spot_live") if earlier else noted.get("spot_live", noted.get("spot"))
        row = {"ticker": ticker, "snapshot_at": at, "price": number(price), "data_type": "delayed"}
        _quote(buffer, line, row, "yahoo")
    return buffer.reading()


# ------------------------------------------------------------------------------------------------- other JSON and CSV


def read_paired(document: Any, origin: Origin, scratch: Path) -> Reading:
    """A header with the chain's sums, and records that hold a call and a put of one strike; volatility in percent.

    Day and symbol are those of the file's path and name; the chain is of that day's close.
    """
    whole, buffer = as_dict(document), RowBuffer(origin.file)
    days, symbol = days_of_name(origin.file), symbol_of_name(origin.name)
    header = as_dict(whole.get("header"))
    stated = days[-1] if days else None
    common = {"ticker": symbol, "stated": stated, "underlying": number(header.get("underlyingPrice"))}
    contracts: list[Record] = []
    for pair in map(as_dict, as_list(whole.get("contracts"))):
        for side in ("call", "put"):
            printed = pair.get(f"{side}Option")
            if printed is None:
                continue
            parts = _OPTION.fullmatch(str(printed))
            contracts.append(
                {
                    **common,
                    "line": len(contracts) + 1,
                    "expiry": v.parse_date(parts[1]) if parts else None,
                    "side": parts[3][0] if parts else None,
                    "strike": float(parts[2]) if parts else None,
                    "last": number(pair.get(f"{side}Price")),
                    "volume": number(pair.get(f"{side}Volume")),
                    "open_interest": number(pair.get(f"{side}Oi")),
                    "implied_vol": number(pair.get(f"{side}Iv")),
                    "delta": number(pair.get(f"{side}Delta")),
                    "kind": "end_of_day",
                    "source": "riskalertsys",
                    "printed": str(printed)[:200],
                }
            )
    reading = _contracts(contracts, origin, scratch, percent=True)
    sums = {"call_volume": "callVolume", "put_volume": "putVolume"}
    sums |= {"call_open_interest": "callOi", "put_open_interest": "putOi", "price": "underlyingPrice"}
    row = {name: header.get(key) for name, key in sums.items()}
    row |= {"ticker": symbol, "snapshot_at": _close(stated), "data_type": "end_of_day"}
    _quote(buffer, len(contracts) + 1, row, "riskalertsys")
    return _joined(reading, buffer)


def _close(day: dt.date | None) -> dt.datetime | None:
    """The end of a day's trading; None for no day. A day without trading gives a moment of the session before."""
    return None if day is None else dt.datetime.combine(day, dt.time(16), NEW_YORK).astimezone(dt.UTC)


def read_short_keys(document: Any, origin: Origin, scratch: Path) -> Reading:
    """A chain in short keys (`sym`, `spot`, `asof` in New York, `o`: `e t k iv oi v b a l`); expiries are epochs.

    Bars in the same document are not read.
    """
    whole = as_dict(document)
    at = _moment(whole.get("asof"))
    common = {
        "ticker": v.spell_symbol(whole.get("sym")),
        "moment": at,
        "underlying": number(whole.get("spot")),
        "source": "cboe_style",
    }
    contracts: list[Record] = []
    for c in map(as_dict, as_list(whole.get("o"))):
        expiry = _epoch(c.get("e"))
        keys = {"strike": "k", "bid": "b", "ask": "a", "last": "l", "volume": "v", "open_interest": "oi"}
        contracts.append(
            {
                **common,
                **{name: number(c.get(key)) for name, key in keys.items()},
                "line": len(contracts) + 1,
                "expiry": None if expiry is None else expiry.date(),
                "side": str(c.get("t") or "")[:1].upper() or None,
                "implied_vol": number(c.get("iv")),
                "printed": str({k: c.get(k) for k in ("e", "t", "k", "v")})[:200],
            }
        )
    buffer = RowBuffer(origin.file)
    row = {"ticker": whole.get("sym"), "snapshot_at": at, "price": number(whole.get("spot"))}
    _quote(buffer, len(contracts) + 1, row, "cboe_style")
    return _together(contracts, buffer, origin, scratch, percent=False)


def read_two_sided(records: Records, origin: Origin, scratch: Path) -> Reading:
    """A broker's table of one expiry with the call left and the put right of the strike.

    The table states neither symbol nor day. The name's only day is the expiry: then nothing says when the chain was
    taken, and its rows are put aside. Of two days the earlier is the session and the later the expiry.
    """
    days, symbol = sorted(days_of_name(origin.file)), symbol_of_name(origin.name)
    common = {
        "ticker": symbol,
        "stated": days[0] if len(days) == 2 else None,
        "expiry": days[-1] if days else None,
        "source": "broker",
    }
    contracts: list[Record] = []
    for _, row, raw in records:
        cells = row or {}
        for side in ("call", "put"):
            keys = {"bid": "bid", "ask": "ask", "last": "last", "volume": "vol", "open_interest": "oi"}
            contracts.append(
                {
                    **common,
                    **{name: v.decimal(cells.get(f"{side}_{key}")) for name, key in keys.items()},
                    "line": len(contracts) + 1,
                    "side": side[0].upper(),
                    "strike": v.decimal(cells.get("strike")),
                    "printed": v.shorten(raw),
                }
            )
    return _contracts(contracts, origin, scratch, percent=False)


def _contracts(contracts: list[Record], origin: Origin, scratch: Path, *, percent: bool) -> Reading:
    return read_contracts(contracts, origin, scratch, percent=percent)


def _together(contracts: list[Record], buffer: RowBuffer, origin: Origin, scratch: Path, *, percent: bool) -> Reading:
    """Contracts and the other records of one document as one reading."""
    if not contracts:
        return buffer.reading()
    return _joined(_contracts(contracts, origin, scratch, percent=percent), buffer)


def _joined(chain: Reading, buffer: RowBuffer) -> Reading:
    rest = buffer.reading()
    return Reading(
        facts={**chain.facts, **rest.facts},
        quarantine=pa.concat_tables([chain.quarantine, rest.quarantine]),
        rows_read=(chain.rows_read or 0) + (rest.rows_read or 0),
        note=chain.note,
    )
