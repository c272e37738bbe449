"""A TWS / IB Gateway on loopback for tests: the socket protocol as the real ib_async client speaks it.

It knows a small world of stocks, options and news, answers as told, fails as told (errors, silence, connections that
break at a chosen message) and counts what IBKR limits: messages a second, market data lines, historical requests in
10 minutes. What goes over a limit is refused as IBKR refuses it (100, 101, 162).

The form of the messages follows the client's decoder and the published field lists, not a recording: it proves framing
and our conduct, not IBKR's behaviour.

    async with TwsGateway(World.of("AAPL")) as gateway:      # in the test's own loop
        await IB().connectAsync("127.0.0.1", gateway.port)
    with serving(World.of("AAPL")) as gateway:                # in a thread, for synchronous code
        ...
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

SERVER_VERSION = 178


@dataclass
class Listed:
    """A contract and the ticks a line on it gets: number -> value; greeks: number -> (volatility, delta, price)."""

    con_id: int
    symbol: str
    kind: str = "STK"
    expiry: str = ""
    strike: float = 0.0
    right: str = ""
    exchange: str = "SMART"
    trading_class: str = ""
    multiplier: str = ""
    prices: dict[int, float] = field(default_factory=dict)
    sizes: dict[int, float] = field(default_factory=dict)
    generic: dict[int, float] = field(default_factory=dict)
    strings: dict[int, str] = field(default_factory=dict)
    greeks: dict[int, tuple[float, float, float]] = field(default_factory=dict)
    data_type: int = 1


@dataclass
class Chain:
    """What reqSecDefOptParams says of one exchange and trading class."""

    exchange: str
    trading_class: str
    multiplier: str
    expirations: list[str]
    strikes: list[float]


@dataclass
class Headline:
    """One headline of a provider, its time as printed, and its article."""

    provider: str
    article_id: str
    time: str
    headline: str
    con_id: int = 0
    article: str = ""
    article_type: int = 0


# generic ticks of a request -> the tick numbers it brings
GENERIC = {100: (29, 30), 101: (22, 27, 28), 104: (23,), 105: (87,), 106: (24,)}


@dataclass
class World:
    """What the gateway knows. Ticks of a generic request come only when it was asked for."""

    listed: list[Listed] = field(default_factory=list)
    chains: dict[str, list[Chain]] = field(default_factory=dict)
    bars: dict[str, list[tuple[str, float, float, float, float, float]]] = field(default_factory=dict)
    providers: dict[str, str] = field(default_factory=dict)
    news: list[Headline] = field(default_factory=list)
    # what a subscription to a provider's broad tape, or a stock with 292, gets: (contract symbol, headline)
    tape: list[tuple[str, Headline]] = field(default_factory=list)

    @staticmethod
    def of(*symbols: str) -> World:
        """Stocks with every tick of the cheap path; figures differ by place in the list."""
        return World([stock(symbol, 1000 + n, n) for n, symbol in enumerate(symbols)])


def stock(symbol: str, con_id: int, n: int = 0) -> Listed:
    """A stock at 100 + n dollars with puts n and calls 2n + 100 and so on, all different."""
    return Listed(
        con_id,
        symbol,
        prices={1: 99.5 + n, 2: 100.5 + n, 4: 100.0 + n, 6: 102.0 + n, 7: 98.0 + n, 9: 99.0 + n, 14: 99.25 + n},
        sizes={8: 1_000_000 + n, 29: 100 + 2 * n, 30: 50 + n, 27: 5000 + n, 28: 4000 + n, 87: 400.0 + n},
        generic={23: 0.25, 24: 0.30, 49: 0},
        strings={45: "1770000000"},
    )


@dataclass
class Limits:
    """IBKR's limits: messages a second, lines of all connections, historical requests in `window` seconds."""

    messages: int = 50
    lines: int = 100
    historical: int = 60
    window: float = 600.0


@dataclass
class Seen:
    """What came, and the most of it at once."""

    messages: int = 0
    most_messages_in_a_second: int = 0
    most_lines: int = 0
    most_historical: int = 0
    connections: int = 0
    drops: int = 0
    violations: list[str] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)  # kind of request, symbol
    cancelled: int = 0

    def count(self) -> Counter[tuple[str, str]]:
        """How often each thing was asked for."""
        return Counter(self.asked)


class TwsGateway:
    """The gateway. `errors[(kind, symbol)]` refuses; kinds: details, options, line, history, news, article."""

    def __init__(
        self,
        world: World,
        *,
        limits: Limits | None = None,
        clock: Callable[[], float] = time.monotonic,
        drop_at: tuple[int, ...] = (),
    ) -> None:
        self.world = world
        self.limits = limits or Limits()
        self.clock = clock  # of the window of historical requests
        self.drop_at = set(drop_at)  # numbers of messages, over all connections, at which the connection breaks
        self.errors: dict[tuple[str, str], tuple[int, str]] = {}
        self.warnings: dict[str, list[tuple[int, str]]] = {}  # symbol -> said on its line before the ticks
        self.silent: set[str] = set()  # symbols whose lines get nothing
        self.without: dict[str, set[int]] = {}  # symbol -> ticks left out
        self.seen = Seen()
        self.lines: dict[tuple[int, int], str] = {}  # connection, request -> symbol
        self.port = 0
        self._historical: deque[float] = deque()
        self._arrived: deque[float] = deque()
        self._talks: dict[int, _Talk] = {}

    async def __aenter__(self) -> TwsGateway:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(self, *_: object) -> None:
        for talk in list(self._talks.values()):
            talk.writer.transport.abort()
        self._server.close()
        await self._server.wait_closed()

    def say(self, code: int, words: str) -> None:
        """A message about the connection itself (1100, 1101, 1102), to everybody."""
        for talk in self._talks.values():
            talk.error(-1, code, words)

    @property
    def open_lines(self) -> int:
        return len(self.lines)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.seen.connections += 1
        number = self.seen.connections
        talk = self._talks[number] = _Talk(self, number, writer)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            if await reader.readexactly(4) == b"API\0":
                await _frame(reader)  # v157..178
                talk.send(SERVER_VERSION, "20261121 10:00:00 EST")
                while True:
                    fields = (await _frame(reader)).decode().split("\0")[:-1]
                    if not self._count():
                        writer.transport.abort()
                        break
                    talk.hear(fields)
        for line in [key for key in self.lines if key[0] == number]:  # they end with their connection
            del self.lines[line]
        self._talks.pop(number, None)
        writer.close()

    def _count(self) -> bool:
        """Count a message; False where the connection is to break at it."""
        now, seen = asyncio.get_running_loop().time(), self.seen
        self._arrived.append(now)
        while now - self._arrived[0] > 1.0:
            self._arrived.popleft()
        seen.messages += 1
        seen.most_messages_in_a_second = max(seen.most_messages_in_a_second, len(self._arrived))
        if len(self._arrived) > self.limits.messages:
            seen.violations.append("messages")
        if seen.messages in self.drop_at:
            seen.drops += 1
            return False
        return True

    def historical_request(self) -> bool:
        """Count a historical request; False where it is one too many."""
        now = self.clock()
        while self._historical and now - self._historical[0] >= self.limits.window:
            self._historical.popleft()
        self._historical.append(now)
        self.seen.most_historical = max(self.seen.most_historical, len(self._historical))
        if len(self._historical) > self.limits.historical:
            self.seen.violations.append("historical")
            return False
        return True


async def _frame(reader: asyncio.StreamReader) -> bytes:
    (size,) = struct.unpack(">I", await reader.readexactly(4))
    return await reader.readexactly(size)


class _Talk:
    """One connection: messages of the client by number, and what is said to it."""

    def __init__(self, gateway: TwsGateway, number: int, writer: asyncio.StreamWriter) -> None:
        self.gateway, self.number, self.writer = gateway, number, writer

    def send(self, *fields: Any) -> None:
        body = "".join(f"{f}\0" for f in fields).encode()
        if not self.writer.is_closing():
            self.writer.write(struct.pack(">I", len(body)) + body)

    def error(self, request: int, code: int, words: str) -> None:
        self.send(4, 2, request, code, words, "")

    def hear(self, f: list[str]) -> None:
        kind = int(f[0])
        simple: dict[int, Callable[[], None]] = {
            71: self._start,
            49: lambda: self.send(49, 1, int(time.time())),
            61: lambda: self.send(62, 1),  # positions
            5: lambda: self.send(53, 1),  # open orders
            99: lambda: self.send(102),  # completed orders
            6: lambda: self.send(54, 1, f[-1]),  # account updates
            74: lambda: self.send(74, 1, f[2]),
            7: lambda: self.send(55, 1, f[2]),  # executions
            85: self._news_providers,
        }
        if kind in simple:
            simple[kind]()
        elif kind == 9:
            self._details(int(f[2]), f[3:15])
        elif kind == 78:
            self._option_parameters(int(f[1]), f[2], int(f[5]))
        elif kind == 1:
            self._line(int(f[2]), f[3:15], f[16], snapshot=f[17] == "1")
        elif kind == 2:
            self._cancel(int(f[2]))
        elif kind == 20:
            self._history(int(f[1]), f[2:14])
        elif kind == 86:
            self._headlines(int(f[1]), int(f[2]), f[3], int(f[6]))
        elif kind == 84:
            self._article(int(f[1]), f[2], f[3])

    def _start(self) -> None:
        self.send(15, 1, "DU0000001")
        self.send(9, 1, 1)

    def _refused(self, kind: str, request: int, symbol: str) -> bool:
        self.gateway.seen.asked.append((kind, symbol))
        if (refusal := self.gateway.errors.get((kind, symbol))) is not None:
            self.error(request, *refusal)
            return True
        return False

    def _found(self, c: list[str]) -> list[Listed]:
        con_id, symbol, kind, expiry, strike, right = int(c[0] or 0), c[1], c[2], c[3], float(c[4] or 0), c[5][:1]
        return [
            x
            for x in self.gateway.world.listed
            if (con_id and x.con_id == con_id)
            or (
                not con_id
                and (x.symbol, x.kind) == (symbol, kind)
                and (not expiry or x.expiry == expiry)
                and (not strike or x.strike == strike)
                and (not right or x.right == right)
                and (not c[11] or x.trading_class == c[11])
            )
        ]

    def _details(self, request: int, c: list[str]) -> None:
        if self._refused("details", request, c[1]):
            return
        found = self._found(c)
        if not found:
            self.error(request, 200, "No security definition has been found for the request")
            return
        for x in found:
            name = f"{x.symbol} {x.expiry}{x.right}{x.strike:g}" if x.kind == "OPT" else x.symbol
            self.send(
                10, request, x.symbol, x.kind, x.expiry, x.strike, x.right, "NASDAQ", "USD", name, x.symbol,
                x.trading_class, x.con_id, 0.01, x.multiplier, "LMT,MKT", "SMART,NASDAQ", 1, 0, x.symbol, "NASDAQ",
                x.expiry[:6], "Technology", "Software", "Software", "US/Eastern", "", "", "", 0, 0, 1, "", "", "",
                x.expiry, "COMMON", 1, 1, 100,
            )  # fmt: skip
        self.send(52, 1, request)

    def _option_parameters(self, request: int, symbol: str, con_id: int) -> None:
        if self._refused("options", request, symbol):
            return
        for chain in self.gateway.world.chains.get(symbol, []):
            self.send(
                75, request, chain.exchange, con_id, chain.trading_class, chain.multiplier,
                len(chain.expirations), *chain.expirations, len(chain.strikes), *chain.strikes,
            )  # fmt: skip
        self.send(76, request)

    def _line(self, request: int, c: list[str], generic: str, *, snapshot: bool) -> None:
        gateway, symbol = self.gateway, c[1]
        if self._refused("line", request, symbol):
            return
        if snapshot and generic:
            self.error(request, 321, "Snapshot market data subscription is not applicable to generic ticks")
            return
        if c[2] == "NEWS" or "292" in generic:
            self._news_line(request, symbol)
            return
        found = self._found(c)
        if len(found) != 1:
            self.error(request, 200, "No security definition has been found for the request")
            return
        if len(gateway.lines) >= gateway.limits.lines:
            gateway.seen.violations.append("lines")
            self.error(request, 101, "Max number of tickers has been reached")
            return
        gateway.lines[(self.number, request)] = symbol
        gateway.seen.most_lines = max(gateway.seen.most_lines, len(gateway.lines))
        if symbol in gateway.silent:
            return
        for code, words in gateway.warnings.get(symbol, []):
            self.error(request, code, words)
        asked = {int(g) for g in generic.split(",") if g.isdigit()}
        self._ticks(request, found[0], asked, gateway.without.get(symbol, set()))
        if snapshot:
            self.send(57, 1, request)
            del gateway.lines[(self.number, request)]

    def _ticks(self, request: int, x: Listed, asked: set[int], without: set[int]) -> None:
        on_request = {t for ticks in GENERIC.values() for t in ticks}
        allowed = {t for g in asked for t in GENERIC.get(g, ())}
        shown = lambda t: t not in without and (t not in on_request or t in allowed)  # noqa: E731
        self.send(58, 1, request, x.data_type)
        for t, price in x.prices.items():
            if shown(t):
                self.send(1, 6, request, t, price, 100, 0)
        for t, size in x.sizes.items():
            if shown(t):
                self.send(2, 6, request, t, size)
        for t, value in x.generic.items():
            if shown(t):
                self.send(45, 6, request, t, value)
        for t, text in x.strings.items():
            if shown(t):
                self.send(46, 6, request, t, text)
        for t, (vol, delta, price) in x.greeks.items():
            if shown(t):
                self.send(21, request, t, 0, vol, delta, 1.0, 0.0, 0.01, 0.1, -0.01, price)

    def _cancel(self, request: int) -> None:
        if self.gateway.lines.pop((self.number, request), None) is None:
            self.error(request, 300, f"Can't find EId with tickerId:{request}")
        else:
            self.gateway.seen.cancelled += 1

    def _history(self, request: int, c: list[str]) -> None:
        symbol = c[1]
        if self._refused("history", request, symbol):
            return
        if not self.gateway.historical_request():
            words = "Historical Market Data Service error message:API historical data query cancelled: pacing violation"
            self.error(request, 162, words)
            return
        bars = self.gateway.world.bars.get(symbol, [])
        if not bars:
            words = "Historical Market Data Service error message:HMDS query returned no data"
            self.error(request, 162, words)
            return
        flat = [v for day, o, h, low, close, vol in bars for v in (day, o, h, low, close, vol, close, 10)]
        self.send(17, request, bars[0][0], bars[-1][0], len(bars), *flat)

    def _news_providers(self) -> None:
        self.gateway.seen.asked.append(("news providers", ""))
        self.send(85, len(self.gateway.world.providers), *(v for p in self.gateway.world.providers.items() for v in p))

    def _news_line(self, request: int, symbol: str) -> None:
        self.gateway.lines[(self.number, request)] = symbol
        self.gateway.seen.most_lines = max(self.gateway.seen.most_lines, len(self.gateway.lines))
        for where, h in self.gateway.world.tape:
            if where == symbol:
                self.send(84, request, h.time, h.provider, h.article_id, h.headline, "K:0.5")

    def _headlines(self, request: int, con_id: int, providers: str, most: int) -> None:
        if self._refused("news", request, str(con_id)):
            return
        wanted = providers.split("+")
        found = [h for h in self.gateway.world.news if h.con_id == con_id and h.provider in wanted]
        for h in found[:most]:
            self.send(86, request, h.time, h.provider, h.article_id, h.headline)
        self.send(87, request, int(len(found) > most))

    def _article(self, request: int, provider: str, article_id: str) -> None:
        if self._refused("article", request, article_id):
            return
        for h in self.gateway.world.news:
            if (h.provider, h.article_id) == (provider, article_id):
                self.send(83, request, h.article_type, h.article)
                return
        self.error(request, 10172, "Failed to request news article")


@contextlib.contextmanager
def serving(world: World, **more: Any) -> Iterator[TwsGateway]:
    """The gateway in a thread of its own, until the block ends."""
    gateway, loop = TwsGateway(world, **more), asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(gateway.__aenter__(), loop).result(10)
    try:
        yield gateway
    finally:
        asyncio.run_coroutine_threadsafe(gateway.__aexit__(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
