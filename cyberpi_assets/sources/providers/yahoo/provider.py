"""Yahoo as a market provider: which request for what, one expiry at a time, and what to do when one fails."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import yfinance.cache
from curl_cffi.requests.exceptions import RequestException
from yfinance.data import YfData
from yfinance.exceptions import YFException, YFRateLimitError

from cyberpi_assets.rules.asking import YahooRules
from cyberpi_assets.sources.providers.answers import (
    Answer,
    Blocked,
    NoAnswer,
    choose_expiries,
    new_york_date,
    session_of,
)
from cyberpi_assets.sources.providers.yahoo import parse
from cyberpi_assets.sources.providers.yahoo.session import YahooSession
from cyberpi_assets.sources.web.limiter import HostLimiter

QUOTES = "https://query1.finance.yahoo.com/v7/finance/quote"
OPTIONS = "https://query2.finance.yahoo.com/v7/finance/options/"
CHART = "https://query2.finance.yahoo.com/v8/finance/chart/"


class _Data(YfData):
    """yfinance's keeper of cookie and crumb, apart from the one that all other users of yfinance share."""

    def take(self, session: YahooSession) -> None:
        """Begin anew with a session: a crumb belongs to the cookies it was given with, and a new session has none."""
        with self._cookie_lock:
            self._session, self._cookie, self._crumb, self._cookie_strategy = session, None, None, "basic"

    def _get_cookie_basic(self, timeout: int = 30) -> bool:
        """Ask for the cookie once a session; yfinance asks before every request where it could not keep one on disk."""
        got = bool(super()._get_cookie_basic(timeout))
        if got and self._cookie is None:
            self._cookie: Any = True
        return got


@dataclass
class Yahoo:
    """Yahoo by `rules`. `folder` holds the rate that all processes share, and yfinance's cookie.

    Yahoo blocks addresses, not clients: on 'Too Many Requests' everything stops with Blocked, and nothing is recorded
    as missing. `clock` gives seconds since the epoch; `rewrite` sends addresses to a local server, in tests.
    """

    rules: YahooRules
    folder: Path
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    rewrite: Callable[[str], str] = str
    name: str = field(default="yahoo", init=False)

    async def __aenter__(self) -> Yahoo:
        """Open the session; no request is made."""
        self.folder.mkdir(parents=True, exist_ok=True)
        logging.getLogger("yfinance").setLevel(logging.CRITICAL)  # it logs addresses with their crumb
        yfinance.cache.set_cache_location(str(self.folder / "yfinance"))
        limiter = HostLimiter(self.folder / "slots", "yahoo", self.rules.per_second, self.clock, self.sleep)
        self.session = YahooSession(limiter, self.rules.pause, self.rules.timeout, self.clock, self.rewrite)
        self._data = _Data(session=self.session)
        self._data.take(self.session)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the session."""
        self.session.close()

    async def quotes(self, tickers: Sequence[str], at: dt.datetime) -> AsyncIterator[Answer]:
        """Snapshot rows, many tickers in one request; a ticker that Yahoo leaves out of its answer is unknown to it.

        Raises Blocked.
        """
        session = session_of(at)
        for start in range(0, len(tickers), self.rules.quotes_per_request):
            lot = list(tickers[start : start + self.rules.quotes_per_request])
            symbols = {t: t for t in lot if _may_stand_in_an_address(t)}
            found: dict[str, parse.Object] = {}
            failed: NoAnswer | None = None
            try:
                body = await self._ask("quoteResponse", QUOTES, {"symbols": ",".join(symbols)})
                found = {symbols[s]: q for q in body.get("result") or [] if (s := q.get("symbol")) in symbols}
            except NoAnswer as error:
                failed = error
            for ticker in lot:
                answer = Answer(ticker)
                if ticker in found:
                    answer.add("snapshot_facts", **parse.snapshot(ticker, found[ticker], at, session))
                elif failed is not None:
                    answer.gap("quote", at, failed.reason, failed.code, retryable=failed.retryable)
                else:
                    answer.gap("quote", at, "Yahoo gave no quote for this symbol", "absent", retryable=False)
                yield answer

    async def chain(self, ticker: str, at: dt.datetime) -> Answer:
        """One request for the nearest expiry and the list of all, then one for each further one chosen.

        An expiry that fails is a gap and the others stand. Raises Blocked.
        """
        answer, session = Answer(ticker), session_of(at)
        address = OPTIONS + ticker
        try:
            if not _may_stand_in_an_address(ticker):
                raise NoAnswer("not a symbol", "symbol", retryable=False)
            result = parse.first_result(await self._ask("optionChain", address, {}))
        except NoAnswer as error:
            answer.gap("chain", at, error.reason, error.code, retryable=error.retryable)
            return answer
        listed = parse.expiries(result)
        if not listed:
            answer.gap("chain", at, "Yahoo lists no options for this symbol", "none", retryable=False)
        given = parse.contracts(ticker, result, at, session)
        here, today = {row["expiry"] for row in given}, new_york_date(at)
        for expiry in choose_expiries(list(listed), today, self.rules.within_days, self.rules.expiries):
            try:
                if expiry not in here:
                    one = await self._ask("optionChain", address, {"date": listed[expiry]})
                    given += parse.contracts(ticker, parse.first_result(one), at, session)
            except NoAnswer as error:
                words = f"expiry {expiry}: {error.reason}"
                answer.gap("expiry", at, words, error.code, retryable=error.retryable)
        for row in given:
            answer.add("chain_facts", **row)
        if listed and not given:
            answer.gap("chain", at, "Yahoo lists expiries and gives no contract", "empty", retryable=True)
        return answer

    async def bars(self, tickers: Sequence[str], first: dt.date, last: dt.date) -> AsyncIterator[Answer]:
        """Daily bars, splits and dividends of both days and those between. Raises Blocked."""
        start = dt.datetime.combine(first, dt.time(), dt.UTC)
        end = dt.datetime.combine(last, dt.time(), dt.UTC) + dt.timedelta(days=1)
        for ticker in tickers:
            at, answer = dt.datetime.fromtimestamp(self.clock(), dt.UTC), Answer(ticker)
            params = {
                "period1": int(start.timestamp()),
                "period2": int(end.timestamp()),
                "interval": "1d",
                "includePrePost": "false",
                "events": "div,splits",
            }
            try:
                if not _may_stand_in_an_address(ticker):
                    raise NoAnswer("not a symbol", "symbol", retryable=False)
                body = await self._ask("chart", CHART + ticker, params)
                parse.bars(answer, body, first, last, at)
                if not answer.rows:
                    raise NoAnswer("Yahoo has no bar between these days", "empty", retryable=False)
            except NoAnswer as error:
                answer.gap("quote", at, f"daily bars: {error.reason}", error.code, retryable=error.retryable)
            yield answer

    async def _ask(self, root: str, url: str, params: dict[str, Any]) -> parse.Object:
        """One answer's object, asked for again when that may help. Raises NoAnswer and Blocked."""
        last: NoAnswer | None = None
        for _ in range(self.rules.attempts):
            try:
                return await asyncio.to_thread(self._once, root, url, params)
            except NoAnswer as error:
                last = error
                if not error.retryable:
                    raise
        assert last is not None
        raise last

    def _once(self, root: str, url: str, params: dict[str, Any]) -> parse.Object:
        try:
            response = self._data.get(url=url, params=params, timeout=round(self.rules.timeout))
        except YFRateLimitError:
            raise Blocked("Yahoo: Too Many Requests", "429", self.session.seconds_silent) from None
        except (YFException, RequestException, OSError) as error:
            # the message may hold the address with its crumb: only the kind is kept
            raise NoAnswer(f"no answer from Yahoo: {type(error).__name__}", "network", retryable=True) from None
        return parse.payload(response.status_code, response.text, str(response.url), root)


def _may_stand_in_an_address(ticker: str) -> bool:
    """Yahoo spells symbols as the house does; what is no symbol is not put into an address."""
    return bool(ticker) and ticker.isascii() and all(c.isalnum() or c in "-.^=" for c in ticker)
