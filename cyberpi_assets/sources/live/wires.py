"""News of single companies as parts of profile live: Yahoo's, and the providers that an IBKR account subscribes to.

Belongs here: what is asked for each watched symbol, and how a wire's message becomes a headline. Sessions, pace and
connections are the market providers' own.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import fcntl
import re
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import yfinance
from ib_async import IB
from ib_async.contract import Contract, Stock
from ib_async.objects import HistoricalNews, NewsTick
from yfinance.exceptions import YFException, YFRateLimitError

from cyberpi_assets.rules.asking import IbkrRules
from cyberpi_assets.sources.events.headlines import Headlines, read_news_document
from cyberpi_assets.sources.intake import Intake
from cyberpi_assets.sources.live.shelf import Shelf
from cyberpi_assets.sources.live.troubles import NotAsked, Troubles
from cyberpi_assets.sources.providers.answers import NoAnswer, Unreachable
from cyberpi_assets.sources.providers.ibkr.broker import Broker
from cyberpi_assets.sources.providers.ibkr.line import Lost
from cyberpi_assets.sources.rows import Origin, Reading, Unreadable
from cyberpi_assets.sources.values import clean_text

YAHOO: Final = "yahoo_news"
IBKR: Final = "ibkr_news"
MOST_HEADLINES: Final = 300  # IBKR gives no more in one answer
_PREFIX = re.compile(r"^\{(?P<keys>[^{}]*)\}[!*]?\s*")
_LANGUAGE = re.compile(r"(?:^|:)L:([a-z]{2})(?::|$)")


def wire_headline(text: str) -> tuple[str, str | None]:
    """A wire's headline without its prefix, and the language the prefix states.

    `{A:800015:L:en}Apple ...` -> (`Apple ...`, `en`). Entities are undone.
    """
    found = _PREFIX.match(text)
    language = _LANGUAGE.search(found["keys"]) if found else None
    return clean_text(text[found.end() :] if found else text) or "", language[1] if language else None


@contextmanager
def _alone(lock: Path | None) -> Generator[None]:
    """The lock, if nobody has it. Raises NotAsked."""
    if lock is None:
        yield
        return
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise NotAsked("a sweep has the connection to IBKR; headlines are asked for at the next poll") from None
        yield


class YahooNewsPart:
    """The newest headlines of each watched symbol; a unit per day. `open_session` gives one that keeps the pace."""

    name = YAHOO
    remote = True

    def __init__(
        self, open_session: Callable[[], Any], tickers: Sequence[str], folder: Path, now: Callable[[], dt.datetime]
    ) -> None:
        self._open, self._tickers, self._now = open_session, tickers, now
        self._shelf = Shelf(folder, YAHOO, "news_facts", "news")

    def collect(self, intake: Intake, progress: Callable[[str], None]) -> Sequence[str]:
        """As `LivePart` says."""
        troubles, readings = Troubles(YAHOO), list[Reading]()
        session = self._open()
        try:
            for ticker in self._tickers:
                progress(f"headlines of {ticker}")
                try:
                    items: list[Any] = yfinance.Ticker(ticker, session=session).get_news(count=20)
                    for item in items:
                        item["tickers"] = [ticker]
                    origin = Origin(f"live:{YAHOO}/{ticker}")
                    readings.append(read_news_document(items, origin, self._now()))
                except YFRateLimitError:
                    troubles.miss(ticker, "news", "Yahoo says that we ask too often", retryable=True, code="429")
                    troubles.say("Yahoo refuses for now; the rest was not asked for")
                    break
                except (YFException, OSError, ValueError, Unreadable, AttributeError, TypeError) as error:
                    words = f"no list of headlines ({type(error).__name__})"
                    troubles.miss(ticker, "news", words, retryable=True, code=type(error).__name__)
        finally:
            session.close()
        self._shelf.add(readings, self._now())
        return [*self._shelf.units(intake), *troubles.units(intake)]


class IbkrNewsPart:
    """Headlines of each watched symbol from every provider of the account; a unit per day.

    Providers are discovered. Headlines come with a time of no zone, which is UTC. Where IBKR is silent for four
    seconds the library gives None: that is a gap, never an empty list.
    """

    name = IBKR
    remote = True

    def __init__(
        self,
        rules: IbkrRules,
        tickers: Sequence[str],
        folder: Path,
        now: Callable[[], dt.datetime],
        articles: int = 0,
        tape_seconds: float = 0.0,
        lock: Path | None = None,
    ) -> None:
        """`articles`: full articles asked for in one poll; `tape_seconds`: how long broad tapes are listened to.

        `lock`: a file that whoever asks IBKR holds: one connection has the client's id, and the limits are one.
        """
        self._rules, self._tickers, self._now = rules, tickers, now
        self._articles, self._tape_seconds, self._lock = articles, tape_seconds, lock
        self._shelf = Shelf(folder, IBKR, "news_facts", "news")

    def collect(self, intake: Intake, progress: Callable[[str], None]) -> Sequence[str]:
        """As `LivePart` says. Raises NotAsked while a sweep has the connection: it is not waited for."""
        troubles = Troubles(IBKR)
        try:
            with _alone(self._lock):
                readings = asyncio.run(self._ask(troubles, progress))
            self._shelf.add(readings, self._now())
        except Unreachable as error:
            troubles.say(str(error))
            troubles.miss("ibkr", "news", str(error), retryable=True, code="unreachable")
        return [*self._shelf.units(intake), *troubles.units(intake)]

    async def _ask(self, troubles: Troubles, progress: Callable[[str], None]) -> list[Reading]:
        async with Broker(self._rules) as broker:
            try:
                providers = [p.code for p in await broker.ask(IB.reqNewsProvidersAsync)]
            except (NoAnswer, Lost) as error:
                troubles.miss("providers", "news", str(error) or "the connection broke", retryable=True)
                return []
            if not providers:
                troubles.say("the account subscribes to no provider of news")
                return []
            rows = Headlines(f"live:{IBKR}", "ibkr", self._now())
            if self._tape_seconds > 0:
                progress("broad tape")
                await self._tape(broker, providers, rows, troubles)
            for ticker in self._tickers:
                progress(f"headlines of {ticker}")
                await self._headlines(broker, ticker, "+".join(providers), rows, troubles)
            return [rows.reading()]

    async def _tape(self, broker: Broker, providers: list[str], rows: Headlines, troubles: Troubles) -> None:
        """What the providers' broad tapes print in a while; without a subscription IBKR refuses the line."""

        def heard(tick: NewsTick) -> None:
            text, language = wire_headline(tick.headline)
            rows.add(
                rows.buffer.read + 1,
                headline=text,
                moment=tick.timeStamp,
                provider=tick.providerCode,
                article_id=tick.articleId,
                language=language,
                source="ibkr",
            )

        async def listen(ib: IB) -> IB:
            ib.tickNewsEvent += heard
            return ib

        async def one(code: str) -> None:
            tape = Contract(secType="NEWS", symbol=f"{code}:{code}_ALL", exchange=code)
            try:
                async with broker.line(tape, "mdoff,292"):
                    await asyncio.sleep(self._tape_seconds)
            except Lost as error:
                troubles.miss(code, "news", str(error) or "the connection broke", retryable=True, code="lost")

        socket = await broker.ask(listen)
        try:
            await asyncio.gather(*map(one, providers))
        finally:
            socket.tickNewsEvent -= heard

    async def _headlines(
        self, broker: Broker, ticker: str, providers: str, rows: Headlines, troubles: Troubles
    ) -> None:
        try:
            stock = await broker.qualify(Stock(ticker.replace("-", " "), "SMART", "USD"))
            found: Any = await broker.ask(
                lambda ib: ib.reqHistoricalNewsAsync(stock.conId, providers, "", "", MOST_HEADLINES)
            )
        except (NoAnswer, Lost) as error:
            code = error.code if isinstance(error, NoAnswer) else "lost"
            troubles.miss(ticker, "news", str(error) or "the connection broke", retryable=True, code=code)
            return
        if found is None:
            troubles.miss(ticker, "news", "IBKR gave no headlines in time", retryable=True, code="silent")
            return
        headlines: list[HistoricalNews] = list(found)
        for told in headlines:
            text, language = wire_headline(told.headline)
            body = await self._article(broker, told, troubles) if self._articles > 0 else None
            rows.add(
                rows.buffer.read + 1,
                headline=text,
                moment=told.time,
                provider=told.providerCode,
                article_id=told.articleId,
                body=body,
                tickers=[ticker],
                language=language,
                source="ibkr",
            )

    async def _article(self, broker: Broker, told: HistoricalNews, troubles: Troubles) -> str | None:
        """The article's text; None where IBKR refuses it or sends a file."""
        self._articles -= 1
        try:
            article = await broker.ask(lambda ib: ib.reqNewsArticleAsync(told.providerCode, told.articleId))
        except (NoAnswer, Lost) as error:
            troubles.miss(told.articleId, "article", str(error) or "the connection broke", retryable=True)
            return None
        return article.articleText if article.articleType == 0 else None
