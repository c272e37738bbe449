"""What Yahoo's answers say: JSON in, rows of facts out, and the reason where an answer is none.

Pure: no request is made here. Missing volume stays null: Yahoo leaves the key out, which is not zero. What a chain's
cells may say otherwise is the same for files and for the network (`sources/files/chains.py`): a volatility up to 0.001
is a placeholder, and a volume is that of the contract's last trade, so an earlier day's is none of this session.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np

from cyberpi_assets.domain.calendar import day_number, is_session
from cyberpi_assets.sources.providers.answers import (
    NEW_YORK,
    Answer,
    NoAnswer,
    Record,
    count,
    number,
    positive,
)
from cyberpi_assets.sources.values import PLACEHOLDER_VOL

Object = Mapping[str, Any]
_SPLIT = "split"
_CONSENT = ("consent.yahoo.com", "/consent", "/collectConsent", "guce.yahoo.com")
_UNKNOWN_WORDS = ("not found", "no data found", "delisted")
# words of Yahoo's quote to the words of the facts; a closed market's last price is the end of its day
_DELAYED, _LIVE, _END_OF_DAY = "delayed", "live", "end_of_day"


def payload(status: int, text: str, url: str, root: str) -> Object:
    """The object under `root` of a JSON answer (`chart`, `optionChain`, `quoteResponse`).

    Raises NoAnswer for everything else: consent page, maintenance, refused crumb, unknown symbol, cut JSON. What is
    neither refusal nor answer may be asked for again.
    """
    head = text[:2000]
    if "Will be right back" in head:
        raise NoAnswer("Yahoo says it will be right back", "down", retryable=True)
    if head.lstrip()[:1] == "<":
        if any(mark in url or mark in head for mark in _CONSENT):
            raise NoAnswer("Yahoo shows its consent page in place of data", "consent", retryable=True)
        raise NoAnswer("Yahoo answered with a page in place of data", str(status), retryable=status >= 500)
    try:
        whole = json.loads(text)
    except ValueError:
        raise NoAnswer("the answer is no whole JSON", f"{status} cut", retryable=True) from None
    body = cast(Object, whole).get(root) if isinstance(whole, dict) else None
    error = _error_of(cast(Object, whole)) if isinstance(whole, dict) else None
    if error is not None:
        code, words = error
        if "crumb" in words.lower() or code == "Unauthorized" or status in (401, 403):
            raise NoAnswer(f"Yahoo refused the session: {words}", str(status), retryable=True)
        unknown = status == 404 or any(w in f"{code} {words}".lower() for w in _UNKNOWN_WORDS)
        raise NoAnswer(
            f"Yahoo knows no such symbol or has nothing for it: {words}" if unknown else f"Yahoo: {words}",
            str(status) if status != 200 else code,
            retryable=not unknown,
        )
    if status >= 400 or not isinstance(body, dict):
        raise NoAnswer(f"Yahoo answered {status} without data", str(status), retryable=status != 404)
    return cast(Object, body)


def _error_of(whole: Object) -> tuple[str, str] | None:
    """Code and words of an error, under whichever root it stands."""
    for body in whole.values():
        error = body.get("error") if isinstance(body, dict) else None
        if isinstance(error, dict):
            return str(error.get("code") or ""), str(error.get("description") or error.get("code") or "error")[:200]
    return None


def first_result(body: Object) -> Object:
    """The only element of `result`. Raises NoAnswer when Yahoo knows no such symbol."""
    results = body.get("result")
    if not isinstance(results, list) or not results or not isinstance(results[0], dict):
        raise NoAnswer("Yahoo knows no such symbol", "empty", retryable=False)
    return cast(Object, results[0])


def snapshot(ticker: str, quote: Object, at: dt.datetime, session: dt.date) -> Record:
    """A row of `snapshot_facts` from a quote. Yahoo has no option volumes of the whole chain: they stay null."""
    rate = number(quote.get("trailingAnnualDividendYield"))
    return {
        "ticker": ticker,
        "snapshot_at": at,
        "session": session,
        "price": positive(quote.get("regularMarketPrice")),
        "previous_close": positive(quote.get("regularMarketPreviousClose")),
        "open": positive(quote.get("regularMarketOpen")),
        "high": positive(quote.get("regularMarketDayHigh")),
        "low": positive(quote.get("regularMarketDayLow")),
        "volume": count(quote.get("regularMarketVolume")),
        "average_volume": positive(quote.get("averageDailyVolume3Month")),
        "bid": positive(quote.get("bid")),
        "ask": positive(quote.get("ask")),
        "dividend_yield": rate if rate is not None and rate >= 0 else None,
        "data_type": data_type(quote),
    }


def data_type(quote: Object) -> str:
    """How fresh a quote is, as Yahoo says: outside regular hours the last price is that of the day's end."""
    if quote.get("marketState") not in ("REGULAR", None):
        return _END_OF_DAY
    delayed = number(quote.get("exchangeDataDelayedBy"))
    named = "delayed" in str(quote.get("quoteSourceName") or "").lower()
    return _LIVE if delayed == 0 and not named else _DELAYED


def expiries(result: Object) -> dict[dt.date, int]:
    """Expiry dates and the epochs by which Yahoo wants them asked for; they are midnights of UTC."""
    epochs = [e for e in result.get("expirationDates") or [] if isinstance(e, int)]
    return {dt.datetime.fromtimestamp(e, dt.UTC).date(): e for e in epochs}


def contracts(ticker: str, result: Object, at: dt.datetime, session: dt.date) -> list[Record]:
    """Rows of `chain_facts` from one expiry's answer.

    A contract without strike or expiry is no contract and is left out; Yahoo's contracts of other sizes than REGULAR
    have no known multiplier.
    """
    quote = cast(Object, result.get("quote") or {})
    spot, kind = positive(quote.get("regularMarketPrice")), data_type(quote)
    rows: list[Record] = []
    for block in cast(Sequence[Object], result.get("options") or []):
        for side, right in (("calls", "call"), ("puts", "put")):
            for c in cast(Sequence[Object], block.get(side) or []):
                strike, epoch = positive(c.get("strike")), number(c.get("expiration") or block.get("expirationDate"))
                if strike is None or epoch is None:
                    continue
                traded = _moment(c.get("lastTradeDate"))
                earlier = traded is not None and traded.astimezone(NEW_YORK).date() < session
                vol = positive(c.get("impliedVolatility"))
                rows.append(
                    {
                        "ticker": ticker,
                        "snapshot_at": at,
                        "session": session,
                        "underlying_price": spot,
                        "expiry": dt.datetime.fromtimestamp(epoch, dt.UTC).date(),
                        "right": right,
                        "strike": strike,
                        "bid": number(c.get("bid")),
                        "ask": number(c.get("ask")),
                        "last": positive(c.get("lastPrice")),
                        "volume": 0 if earlier else count(c.get("volume")),
                        "open_interest": count(c.get("openInterest")),
                        "implied_vol": vol if vol is not None and vol > PLACEHOLDER_VOL else None,
                        "multiplier": 100 if c.get("contractSize") == "REGULAR" else None,
                        "last_trade_at": traded if traded is None or traded <= at else None,
                        "data_type": kind,
                    }
                )
    return rows


def _moment(value: object) -> dt.datetime | None:
    epoch = positive(value)
    return None if epoch is None or epoch > 4e9 else dt.datetime.fromtimestamp(epoch, dt.UTC)


def bars(answer: Answer, body: Object, first: dt.date, last: dt.date, at: dt.datetime) -> None:
    """Fill daily bars, splits and dividends from a chart. Prices are split-adjusted, `adj_close` for dividends too.

    Yahoo closes its arrays with the running day; bars outside `first`..`last` or on no session are left out. A bar
    without a close is a gap. Raises NoAnswer when the arrays do not match.
    """
    result = first_result(body)
    stamps = cast(Sequence[Any], result.get("timestamp") or [])
    indicators = cast(Object, result.get("indicators") or {})
    quote = cast(Object, (indicators.get("quote") or [{}])[0])
    adjusted = cast(Sequence[Any], (indicators.get("adjclose") or [{}])[0].get("adjclose") or [None] * len(stamps))
    names = ("open", "high", "low", "close", "volume")
    columns = [cast(Sequence[Any], quote.get(name) or []) for name in names]
    if any(len(c) != len(stamps) for c in (*columns, adjusted)):
        raise NoAnswer("the chart's arrays have different lengths", "arrays", retryable=True)
    for stamp, adj, *values in zip(stamps, adjusted, *columns, strict=True):
        day = dt.datetime.fromtimestamp(stamp, NEW_YORK).date()
        if not first <= day <= last or not is_session(np.array([day_number(day)], np.int32))[0]:
            continue
        o, high, low, close, volume = values
        if positive(close) is None:
            answer.gap("quote", at, f"the bar of {day} has no close", "null", retryable=True)
            continue
        answer.add(
            "bar_facts",
            ticker=answer.ticker,
            session=day,
            open=positive(o),
            high=positive(high),
            low=positive(low),
            close=positive(close),
            adj_close=positive(adj),
            volume=count(volume),
            basis=_SPLIT,
        )
    _actions(answer, cast(Object, result.get("events") or {}), first, last)


def _actions(answer: Answer, events: Object, first: dt.date, last: dt.date) -> None:
    for kind, entries in events.items():
        for entry in cast(Mapping[str, Object], entries or {}).values():
            stamp = number(entry.get("date"))
            if stamp is None:
                continue
            day = dt.datetime.fromtimestamp(stamp, NEW_YORK).date()
            if not first <= day <= last:
                continue
            if kind == "dividends" and (amount := positive(entry.get("amount"))) is not None:
                answer.add("action_facts", ticker=answer.ticker, session=day, action="dividend", value=amount)
            new, old = positive(entry.get("numerator")), positive(entry.get("denominator"))
            if kind == "splits" and new is not None and old is not None:
                answer.add("action_facts", ticker=answer.ticker, session=day, action="split", value=new / old)
