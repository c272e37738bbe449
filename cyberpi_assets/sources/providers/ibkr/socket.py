"""ib_async, as far as this house uses it: ticks go to lines, messages are paced, the account is left alone."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from collections.abc import Callable
from typing import Any, Final

from ib_async import IB
from ib_async.client import Client
from ib_async.contract import Contract
from ib_async.ib import StartupFetchNONE
from ib_async.wrapper import Wrapper

from cyberpi_assets.sources.providers.ibkr.codes import NO_SUCH_LINE
from cyberpi_assets.sources.providers.ibkr.line import Greeks, Line

LOTS: Final = 5  # messages go out in so many lots a second
LOT_SECONDS: Final = 0.225  # six lots span 1.125 s, so one second sees five even when the network holds a lot up

# the library's own lines name accounts and contracts; what matters of them is kept as gaps
for _name in ("ib_async.wrapper", "ib_async.client", "ib_async.ib"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)


class Tape(Wrapper):
    """Messages of market data lines go to the line of their request; all others to ib_async."""

    lines: dict[int, Line]
    on_system: Callable[[int, str], None]

    def reset(self) -> None:
        """Forget everything, as when a connection ends: open lines are lost."""
        for line in list(getattr(self, "lines", {}).values()):
            line.lose()
        self.lines = {}
        super().reset()

    def priceSizeTick(self, reqId: int, tickType: int, price: float, size: float) -> None:  # noqa: D102
        if (line := self.lines.get(reqId)) is not None:
            line.tick(tickType, price)
        elif self.known(reqId):
            super().priceSizeTick(reqId, tickType, price, size)

    def tickSize(self, reqId: int, tickType: int, size: float) -> None:  # noqa: D102
        if (line := self.lines.get(reqId)) is not None:
            line.tick(tickType, size)
        elif self.known(reqId):
            super().tickSize(reqId, tickType, size)

    def tickGeneric(self, reqId: int, tickType: int, value: float) -> None:  # noqa: D102
        if (line := self.lines.get(reqId)) is not None:
            line.tick(tickType, value)
        else:
            super().tickGeneric(reqId, tickType, value)

    def tickString(self, reqId: int, tickType: int, value: str) -> None:  # noqa: D102
        line = self.lines.get(reqId)
        if line is None:
            super().tickString(reqId, tickType, value)
        elif value.isdigit():
            line.tick(tickType, float(value))

    def tickOptionComputation(  # noqa: D102
        self,
        reqId: int,
        tickType: int,
        tickAttrib: int,
        impliedVol: float,
        delta: float,
        optPrice: float,
        pvDividend: float,
        gamma: float,
        vega: float,
        theta: float,
        undPrice: float,
    ) -> None:
        if (line := self.lines.get(reqId)) is not None:
            line.computed(tickType, Greeks(_above(impliedVol, 0), _within(delta), _above(undPrice, 0)))
        elif self.known(reqId) or reqId in self._futures:
            super().tickOptionComputation(
                reqId, tickType, tickAttrib, impliedVol, delta, optPrice, pvDividend, gamma, vega, theta, undPrice
            )

    def marketDataType(self, reqId: int, marketDataId: int) -> None:  # noqa: D102
        if (line := self.lines.get(reqId)) is not None:
            line.stated_type = marketDataId
        else:
            super().marketDataType(reqId, marketDataId)

    def error(self, reqId: int, errorCode: int, errorString: str, advancedOrderRejectJson: str) -> None:  # noqa: D102
        if (line := self.lines.get(reqId)) is not None:
            line.said(errorCode, errorString)
        elif errorCode != NO_SUCH_LINE:
            super().error(reqId, errorCode, errorString, advancedOrderRejectJson)
        if reqId == -1:
            self.on_system(errorCode, errorString)

    def known(self, request: int) -> bool:
        """Whether a ticker of ib_async waits for this request; ticks on the way after a cancel belong to nobody."""
        return request in self.reqId2Ticker


def _above(value: float, least: float) -> float | None:
    return value if value > least and value < 1e300 else None


def _within(delta: float) -> float | None:
    return delta if -1.0 <= delta <= 1.0 else None


class Paced(Client):
    """Messages leave in small lots: never more than the limit in any second, however the network bunches them."""

    def pace(self, per_second: int) -> None:
        """Set the most messages in any second."""
        self.MaxRequests = max(1, per_second // LOTS)
        self.RequestsInterval = LOT_SECONDS

    @property
    def waiting(self) -> int:
        """Messages that have not left yet."""
        return len(self._msgQ)


async def _nothing() -> list[Any]:
    return []


class MarketDataSocket(IB):
    """An ib_async connection that reads market data and asks nothing about the account."""

    wrapper: Tape
    client: Paced

    def __init__(self, per_second: int, on_system: Callable[[int, str], None]) -> None:
        super().__init__()
        self.wrapper = Tape(self)
        self.wrapper.on_system = on_system
        self.client = Paced(self.wrapper)
        self.client.pace(per_second)
        self.client.apiEnd += self.disconnectedEvent
        self.RaiseRequestErrors = True  # else an error and an empty answer look alike

    def reqPositionsAsync(self) -> Any:
        """Positions are not asked for: what the account holds is none of this house's business."""
        return _nothing()

    async def begin(self, host: str, port: int, client_id: int, timeout: float) -> None:
        """Connect, read-only and without asking for orders or the account. Raises OSError and TimeoutError.

        ib_async waits the whole `timeout` when the other side hangs up during the greeting; here that is an error.
        """
        hung_up: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def gone(*_: object) -> None:
            if not hung_up.done():
                hung_up.set_result(None)

        self.client.apiError += gone
        connecting = asyncio.ensure_future(
            self.connectAsync(host, port, client_id, timeout, readonly=True, fetchFields=StartupFetchNONE)
        )
        try:
            await asyncio.wait({connecting, hung_up}, return_when=asyncio.FIRST_COMPLETED)
            if not connecting.done():
                raise ConnectionError("hung up during the greeting")
            await connecting
        finally:
            self.client.apiError -= gone
            connecting.cancel()
            await asyncio.gather(connecting, return_exceptions=True)

    def open_line(self, contract: Contract, generic_ticks: str) -> Line:
        """Ask for streaming ticks; a snapshot request may not carry generic ticks."""
        request = self.client.getReqId()
        line = self.wrapper.lines[request] = Line(request)
        self.client.reqMktData(request, contract, generic_ticks, False, False, [])
        return line

    def close_line(self, line: Line) -> None:
        """Cancel a line, unless its connection is gone and the line with it."""
        if self.wrapper.lines.pop(line.request, None) is not None and self.client.isReady():
            self.client.cancelMktData(line.request)

    def lose_lines(self) -> None:
        """The other side dropped all subscriptions: whoever waits for a line asks again."""
        for line in list(self.wrapper.lines.values()):
            line.lose()

    @property
    def open_lines(self) -> int:
        """Lines that were asked for and not cancelled."""
        return len(self.wrapper.lines)


def moment(epoch: float | None) -> dt.datetime | None:
    """A tick's time, seconds since 1970, as a moment of UTC."""
    return dt.datetime.fromtimestamp(epoch, dt.UTC) if epoch is not None and 0 < epoch < 4e9 else None
