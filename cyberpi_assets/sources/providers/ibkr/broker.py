"""The broker: the one object that holds the connection to TWS or IB Gateway, its lines and its pace.

It connects again when the connection breaks, waits while TWS has lost IBKR, and gives every line back. What is asked
for over it is in `provider.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from types import TracebackType
from typing import Final, TypeVar

from ib_async.contract import Contract, ContractDetails
from ib_async.objects import BarData
from ib_async.wrapper import RequestError

from cyberpi_assets.rules.asking import IbkrRules
from cyberpi_assets.sources.providers.answers import NoAnswer, Unreachable
from cyberpi_assets.sources.providers.ibkr.codes import (
    CLIENT_ID_IN_USE,
    LOST,
    RESTORED,
    RESTORED_EMPTY,
    meaning_of,
)
from cyberpi_assets.sources.providers.ibkr.line import Line, Lost
from cyberpi_assets.sources.providers.ibkr.pacing import HistoricalPace
from cyberpi_assets.sources.providers.ibkr.socket import LOT_SECONDS, MarketDataSocket

log: Final = logging.getLogger(__name__)
LONGEST_BACKOFF: Final = 30.0
_T = TypeVar("_T")


class Broker:
    """One connection by `rules`, as an asynchronous context; made again when it breaks.

    `clock` (seconds that never run backwards) and `sleep` serve the 10-minute limit on historical requests.
    """

    def __init__(
        self,
        rules: IbkrRules,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.rules = rules
        self.connections = 0
        self.system_codes: list[int] = []  # what IBKR said of the connection itself, in order
        self._pace = HistoricalPace(rules.historical, clock, sleep)
        self._slots = asyncio.Semaphore(rules.lines)
        self._connecting = asyncio.Lock()
        self._turn = asyncio.Lock()
        self._upstream = asyncio.Event()  # set while TWS itself is connected to IBKR
        self._upstream.set()
        self._socket: MarketDataSocket | None = None

    async def __aenter__(self) -> Broker:
        """Connect. Raises Unreachable."""
        await self._connected()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let the last cancels leave, then hang up: whatever line is left ends with the connection."""
        if (socket := self._socket) is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.rules.timeout):
                    while socket.client.isReady() and socket.client.waiting:
                        await asyncio.sleep(0.01)
            socket.disconnect()
        self._socket = None

    @property
    def open_lines(self) -> int:
        """Lines held now."""
        return 0 if self._socket is None else self._socket.open_lines

    @contextlib.asynccontextmanager
    async def line(self, contract: Contract, generic_ticks: str = "") -> AsyncGenerator[Line]:
        """A market data line under the limit; cancelled when the block ends, however it ends.

        Raises Unreachable; what happens on the line shows in `Line.settle`.
        """
        async with self._slots:
            socket = await self._in_turn()
            try:
                line = socket.open_line(contract, generic_ticks)
            except ConnectionError:
                raise Lost from None
            try:
                yield line
            finally:
                with contextlib.suppress(ConnectionError):
                    socket.close_line(line)

    async def details(self, contract: Contract) -> list[ContractDetails]:
        """Everything that fits a contract. Raises NoAnswer (200: nothing does), Lost and Unreachable."""
        return await self._ask(lambda ib: ib.reqContractDetailsAsync(contract))

    async def qualify(self, contract: Contract) -> Contract:
        """The one contract meant, with its conId. Raises NoAnswer when it is unknown or ambiguous, Lost, Unreachable.

        SMART stays SMART: overwritten by the listing's own exchange, an order book of one exchange is quoted.
        """
        found = [d.contract for d in await self.details(contract) if d.contract is not None]
        found = [c for c in found if not contract.secType or c.secType == contract.secType]
        if len(found) > 1 and contract.tradingClass:
            found = [c for c in found if c.tradingClass == contract.tradingClass]
        if len(found) != 1:
            words = "IBKR knows no such contract" if not found else f"{len(found)} contracts of IBKR fit"
            raise NoAnswer(words, "200" if not found else "ambiguous", retryable=False)
        if contract.exchange == "SMART":
            found[0].exchange = "SMART"
        return found[0]

    async def ask(self, request: Callable[[MarketDataSocket], Awaitable[_T]]) -> _T:
        """One request over the connection, whatever it is (news, for one).

        Raises NoAnswer where IBKR refuses or is silent, Lost where the connection broke under it, Unreachable.
        """
        return await self._ask(request)

    async def historical(
        self, contract: Contract, end: str, duration: str, bar_size: str, show: str = "TRADES"
    ) -> Sequence[BarData]:
        """Historical bars when the limit lets them be asked for. Raises NoAnswer, Lost, Unreachable.

        No bars and no error means that IBKR has none; an error is never an empty list here.
        """
        request = (contract.conId, end, duration, bar_size, show)
        await self._pace.turn(contract.conId, request, weight=2 if show == "BID_ASK" else 1)
        return await self._ask(
            lambda ib: ib.reqHistoricalDataAsync(contract, end, duration, bar_size, show, useRTH=True, timeout=0)
        )

    async def _ask(self, request: Callable[[MarketDataSocket], Awaitable[_T]]) -> _T:
        socket = await self._in_turn()
        try:
            async with asyncio.timeout(self.rules.timeout):
                return await request(socket)
        except RequestError as error:
            meaning = meaning_of(error.code, error.message)
            raise NoAnswer(meaning.reason, str(error.code), meaning.retryable) from None
        except TimeoutError:
            raise NoAnswer("IBKR did not answer in time", "silent", retryable=True) from None
        except ConnectionError:
            raise Lost from None

    async def _in_turn(self) -> MarketDataSocket:
        """The connection, when what is said now leaves at once: waiting behind the pace is no silence of IBKR."""
        async with self._turn:
            while True:
                socket = await self._connected()
                if not socket.client.waiting:
                    return socket
                await asyncio.sleep(LOT_SECONDS / 10)

    async def _connected(self) -> MarketDataSocket:
        """The connection, made anew where it broke, once TWS has IBKR. Raises Unreachable."""
        async with self._connecting:
            if self._socket is None or not self._socket.isConnected():
                self._socket = await self._connect()
        try:
            async with asyncio.timeout(self.rules.timeout):
                await self._upstream.wait()
        except TimeoutError:
            raise Unreachable("TWS has lost IBKR (1100) and does not find it again") from None
        return self._socket

    async def _connect(self) -> MarketDataSocket:
        rules, pause = self.rules, self.rules.backoff
        why: Exception | None = None
        for attempt in range(rules.reconnects + 1):
            if attempt:
                await asyncio.sleep(min(pause, LONGEST_BACKOFF))
                pause *= 2
            socket = MarketDataSocket(rules.messages_per_second, self._heard)
            self._upstream.set()
            try:
                await socket.begin(rules.host, rules.port, rules.client_id, rules.timeout)
            except (OSError, TimeoutError) as error:
                why = error  # also while TWS holds the client id of a connection that broke just now
                continue
            socket.reqMarketDataType(rules.market_data_type)
            self.connections += 1
            return socket
        if CLIENT_ID_IN_USE in self.system_codes[-3:]:
            raise Unreachable(f"client id {rules.client_id} is in use by another program: set another one")
        where = f"{rules.host}:{rules.port}"
        raise Unreachable(f"no TWS or IB Gateway answers at {where} ({type(why).__name__})") from None

    def _heard(self, code: int, words: str) -> None:
        """A message about the connection itself."""
        self.system_codes.append(code)
        if code == LOST:
            log.warning("TWS lost IBKR, waiting: %s", words)
            self._upstream.clear()
        elif code in (RESTORED, RESTORED_EMPTY):
            self._upstream.set()
            if code == RESTORED_EMPTY and self._socket is not None:  # TWS dropped the subscriptions with IBKR
                self._socket.lose_lines()
