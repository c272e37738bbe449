"""IBKR as a market provider: the cheap path for every name, the full chain for those that fire, and daily bars.

The cheap path is one line per underlying with generic ticks: put and call volume, open interest and volatility of the
whole chain for three messages. A full chain costs three messages a contract and a line each.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, TypeVar

from ib_async.contract import Contract, Option, Stock
from ib_async.objects import OptionChain

from cyberpi_assets.rules.asking import IbkrRules
from cyberpi_assets.sources.providers.answers import (
    Answer,
    NoAnswer,
    Record,
    choose_expiries,
    count,
    new_york_date,
    positive,
    session_of,
)
from cyberpi_assets.sources.providers.ibkr import line as ticks
from cyberpi_assets.sources.providers.ibkr.broker import Broker
from cyberpi_assets.sources.providers.ibkr.line import Lost
from cyberpi_assets.sources.providers.ibkr.socket import moment

CHEAP_TICKS: Final = "100,101,104,105,106"  # put/call volume and open interest, volatilities, average option volume
OPTION_TICKS: Final = "101"  # open interest of the option itself
_CHEAP_WHOLE: Final = (
    ticks.CLOSE, ticks.VOLUME, ticks.CALL_VOLUME, ticks.PUT_VOLUME, ticks.CALL_INTEREST, ticks.PUT_INTEREST,
    ticks.AVERAGE_OPTION_VOLUME, ticks.IMPLIED_VOL, ticks.HISTORICAL_VOL,
)  # fmt: skip
_T = TypeVar("_T")


@dataclass
class Ibkr:
    """IBKR through one broker. `clock` and `sleep` serve the limit on historical requests."""

    rules: IbkrRules
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    name: str = field(default="ibkr", init=False)

    async def __aenter__(self) -> Ibkr:
        """Connect. Raises Unreachable."""
        self.broker = await Broker(self.rules, self.clock, self.sleep).__aenter__()
        self._stocks: dict[str, Contract] = {}
        # requests queue behind the pace: with more names under way than lines, some would time out in the queue
        self._under_way = asyncio.Semaphore(self.rules.lines)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give every line back and hang up."""
        await self.broker.__aexit__(kind, error, trace)

    async def quotes(self, tickers: Sequence[str], at: dt.datetime) -> AsyncIterator[Answer]:
        """The cheap path, as many names at once as there are lines. Raises Unreachable."""
        async for answer in _as_they_come([self._quote(t, at) for t in tickers]):
            yield answer

    async def chain(self, ticker: str, at: dt.datetime) -> Answer:
        """The full chain: SMART, one trading class, chosen expiries, strikes near spot; in lots under the line limit.

        Contracts that do not exist are the rest of strikes x expiries and no gap when their expiry has others; an
        expiry without any is one. Raises Unreachable.
        """
        answer = Answer(ticker)
        try:
            stock = await self._stock(ticker)
            spot = await self._again(lambda: self._spot(stock))
            chains = await self._again(
                lambda: self.broker.ask(lambda ib: ib.reqSecDefOptParamsAsync(stock.symbol, "", "STK", stock.conId))
            )
            wanted = self._wanted(stock, chains, spot, at)
        except NoAnswer as error:
            answer.gap("chain", at, error.reason, error.code, retryable=error.retryable)
            return answer
        missing: dict[str, list[NoAnswer]] = {}
        given: set[str] = set()
        async for option, result in _as_they_come([self._option(o, ticker, spot, at) for o in wanted]):
            expiry = option.lastTradeDateOrContractMonth
            if isinstance(result, NoAnswer):
                missing.setdefault(expiry, []).append(result)
            else:
                given.add(expiry)
                answer.add("chain_facts", **result)
        for expiry, errors in sorted(missing.items()):
            unknown = [e for e in errors if e.code == "200"]
            silent = [e for e in errors if e.code != "200"]
            if silent:
                words = f"expiry {expiry}: {len(silent)} contracts: {silent[0].reason}"
                answer.gap("expiry", at, words, silent[0].code, retryable=any(e.retryable for e in silent))
            if unknown:
                words = f"expiry {expiry}: {len(unknown)} of strikes x expiries do not exist"
                answer.gap("expiry", at, words, "200", retryable=False)
        if not given and not missing:
            answer.gap("chain", at, "IBKR lists no contract in the window", "none", retryable=False)
        return answer

    async def bars(self, tickers: Sequence[str], first: dt.date, last: dt.date) -> AsyncIterator[Answer]:
        """Daily bars, one historical request a ticker; IBKR adjusts TRADES for splits. Raises Unreachable."""
        days = (last - first).days + 1
        duration = f"{days} D" if days <= 365 else f"{-(-days // 365)} Y"
        end = f"{last + dt.timedelta(days=1):%Y%m%d}-05:00:00"  # UTC, after New York's midnight
        for ticker in tickers:
            answer, at = Answer(ticker), dt.datetime.now(dt.UTC)
            try:
                stock = await self._stock(ticker)
                for bar in await self._again(lambda stock=stock: self.broker.historical(stock, end, duration, "1 day")):
                    day = bar.date if not isinstance(bar.date, dt.datetime) else bar.date.date()
                    if first <= day <= last and positive(bar.close) is not None:
                        answer.add(
                            "bar_facts",
                            ticker=ticker,
                            session=day,
                            open=positive(bar.open),
                            high=positive(bar.high),
                            low=positive(bar.low),
                            close=bar.close,
                            volume=count(bar.volume),
                            basis="split",
                        )
                if not answer.rows:
                    raise NoAnswer("IBKR has no bar between these days", "empty", retryable=False)
            except NoAnswer as error:
                answer.gap("quote", at, f"daily bars: {error.reason}", error.code, retryable=error.retryable)
            yield answer

    async def _quote(self, ticker: str, at: dt.datetime) -> Answer:
        answer = Answer(ticker)
        try:
            async with self._under_way:
                stock = await self._stock(ticker)
                row, notes = await self._again(lambda: self._snapshot(stock, ticker, at))
            answer.add("snapshot_facts", **row)
            for code, words in notes:
                if code == 10090:  # a part is missing, and which one shows in the nulls
                    answer.gap("quote", at, words, str(code), retryable=False)
        except NoAnswer as error:
            answer.gap("quote", at, error.reason, error.code, retryable=error.retryable)
        return answer

    async def _snapshot(self, stock: Contract, ticker: str, at: dt.datetime) -> tuple[Record, list[tuple[int, str]]]:
        async with self.broker.line(stock, CHEAP_TICKS) as line:
            await line.settle(
                lambda one: all(one.value(k) is not None for k in _CHEAP_WHOLE),
                self.rules.line_seconds,
                self.rules.quiet_seconds,
            )
            last, halted = positive(line.value(ticks.LAST)), line.value(ticks.HALTED)
            close = positive(line.value(ticks.CLOSE))
            row: Record = {
                "ticker": ticker,
                "snapshot_at": at,
                "session": session_of(at),
                "price": last if last is not None else close,
                "previous_close": close,
                "open": positive(line.value(ticks.OPEN)),
                "high": positive(line.value(ticks.HIGH)),
                "low": positive(line.value(ticks.LOW)),
                "volume": count(line.value(ticks.VOLUME)),
                "bid": positive(line.value(ticks.BID)),
                "ask": positive(line.value(ticks.ASK)),
                "call_volume": count(line.value(ticks.CALL_VOLUME)),
                "put_volume": count(line.value(ticks.PUT_VOLUME)),
                "call_open_interest": count(line.value(ticks.CALL_INTEREST)),
                "put_open_interest": count(line.value(ticks.PUT_INTEREST)),
                "average_option_volume": positive(line.value(ticks.AVERAGE_OPTION_VOLUME)),
                "implied_vol": positive(line.value(ticks.IMPLIED_VOL)),
                "historical_vol": positive(line.value(ticks.HISTORICAL_VOL)),
                "halted": None if halted is None or halted < 0 else halted > 0,
                "data_type": line.delivered,
            }
            return row, line.notes

    async def _spot(self, stock: Contract) -> float:
        async with self.broker.line(stock) as line:
            await line.settle(
                lambda one: positive(one.value(ticks.LAST)) is not None,
                self.rules.line_seconds,
                self.rules.quiet_seconds,
            )
            spot = positive(line.value(ticks.LAST)) or positive(line.value(ticks.CLOSE))
        if spot is None:
            raise NoAnswer("no price of the underlying, so no strikes to choose", "silent", retryable=True)
        return spot

    def _wanted(self, stock: Contract, chains: Sequence[OptionChain], spot: float, at: dt.datetime) -> list[Contract]:
        """Contracts of one SMART chain: expiries chosen, strikes in the window, the nearest to spot first."""
        smart = [c for c in chains if c.exchange == "SMART"]
        if not smart:
            raise NoAnswer("IBKR lists no options on SMART", "none", retryable=False)
        own = [c for c in smart if c.tradingClass == stock.symbol.replace(" ", "")]
        chain = max(own or smart, key=lambda c: (c.multiplier == "100", len(c.expirations), c.tradingClass))
        dates = {dt.datetime.strptime(e, "%Y%m%d").date(): e for e in chain.expirations}  # noqa: DTZ007
        chosen = choose_expiries(list(dates), new_york_date(at), self.rules.within_days, self.rules.expiries)
        near = sorted(
            (k for k in chain.strikes if abs(k / spot - 1) <= self.rules.strike_window), key=lambda k: abs(k - spot)
        )
        room = max(1, self.rules.contracts // (2 * max(1, len(chosen))))
        return [
            Option(
                stock.symbol,
                dates[expiry],
                strike,
                right,
                "SMART",
                chain.multiplier,
                "USD",
                tradingClass=chain.tradingClass,
            )
            for expiry in chosen
            for strike in near[:room]
            for right in ("C", "P")
        ]

    async def _option(
        self, option: Contract, ticker: str, spot: float, at: dt.datetime
    ) -> tuple[Contract, Record | NoAnswer]:
        try:
            async with self._under_way:
                known = await self._again(lambda: self.broker.qualify(option))
                return option, await self._again(lambda: self._contract(known, ticker, spot, at))
        except NoAnswer as error:
            return option, error

    async def _contract(self, option: Contract, ticker: str, spot: float, at: dt.datetime) -> Record:
        interest = ticks.CALL_INTEREST if option.right.startswith("C") else ticks.PUT_INTEREST
        async with self.broker.line(option, OPTION_TICKS) as line:
            await line.settle(
                lambda one: (
                    one.greek() is not None
                    and one.value(interest) is not None
                    and all(one.value(k) is not None for k in (ticks.VOLUME, ticks.BID, ticks.ASK, ticks.LAST))
                ),
                self.rules.line_seconds,
                self.rules.quiet_seconds,
            )
            greeks = line.greek()
            open_interest = line.value(interest)
            return {
                "ticker": ticker,
                "snapshot_at": at,
                "session": session_of(at),
                "underlying_price": greeks.underlying if greeks and greeks.underlying else spot,
                "expiry": dt.datetime.strptime(option.lastTradeDateOrContractMonth[:8], "%Y%m%d").date(),  # noqa: DTZ007
                "right": "call" if option.right.startswith("C") else "put",
                "strike": option.strike,
                "bid": _quote_of(line.value(ticks.BID)),
                "ask": _quote_of(line.value(ticks.ASK)),
                "last": positive(line.value(ticks.LAST)),
                "volume": count(line.value(ticks.VOLUME)),
                "open_interest": count(open_interest if open_interest is not None else line.value(ticks.OPEN_INTEREST)),
                "implied_vol": greeks.implied_vol if greeks else None,
                "delta": greeks.delta if greeks else None,
                "multiplier": int(option.multiplier) if option.multiplier.isdigit() else None,
                "last_trade_at": moment(line.value(ticks.LAST_TIME)),
                "data_type": line.delivered,
            }

    async def _stock(self, ticker: str) -> Contract:
        if ticker not in self._stocks:
            asked = Stock(ticker.replace("-", " "), "SMART", "USD")
            self._stocks[ticker] = await self._again(lambda: self.broker.qualify(asked))
        return self._stocks[ticker]

    async def _again(self, request: Callable[[], Awaitable[_T]]) -> _T:
        """A request made again when the connection broke under it, or IBKR was only busy. Raises NoAnswer."""
        last: NoAnswer | None = None
        for _ in range(self.rules.attempts):
            try:
                return await request()
            except Lost:
                last = NoAnswer("the connection broke again and again under this request", "disconnected", True)
            except NoAnswer as error:
                if error.code not in ("100", "101"):
                    raise
                last = error
                await asyncio.sleep(self.rules.quiet_seconds)
        assert last is not None
        raise last


def _quote_of(value: float | None) -> float | None:
    """A bid or ask: zero is a quote of nothing wanted, -1 is none."""
    return value if value is not None and value >= 0 else None


async def _as_they_come(work: Sequence[Awaitable[_T]]) -> AsyncIterator[_T]:
    """Results as they are done; when one raises or the reader leaves, the others are cancelled and awaited."""
    tasks = [asyncio.ensure_future(w) for w in work]
    try:
        for done in asyncio.as_completed(tasks):
            yield await done
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
