"""One market data line: the ticks that came for one request, and for no other.

ib_async keeps one Ticker per contract and reuses it, so that greeks and the data type of an earlier request look like
those of the present one (code 10090 ends a request and leaves them). A line starts empty and belongs to one request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from cyberpi_assets.sources.providers.answers import NoAnswer
from cyberpi_assets.sources.providers.ibkr.codes import DATA_TYPES, DELAYED_TICKS, Delivered, meaning_of

# kinds of ticks of live data and of delayed ones
BID, ASK, LAST, HIGH, LOW, VOLUME, CLOSE, OPEN = (1, 66), (2, 67), (4, 68), (6, 72), (7, 73), (8, 74), (9, 75), (14, 76)
MODEL, OF_LAST = (13, 83), (12, 82)
HISTORICAL_VOL, IMPLIED_VOL, OPEN_INTEREST, CALL_INTEREST, PUT_INTEREST = (23,), (24,), (22,), (27,), (28,)
CALL_VOLUME, PUT_VOLUME, AVERAGE_OPTION_VOLUME = (29,), (30,), (87,)
HALTED, LAST_TIME = (49, 90), (45, 88)
Kind = tuple[int, ...]


class Lost(Exception):
    """The connection broke, or the subscription was lost with it: the request has to be made again."""


@dataclass(frozen=True)
class Greeks:
    """What IBKR computed of one option: a year's volatility as a fraction, delta, price of the underlying."""

    implied_vol: float | None
    delta: float | None
    underlying: float | None


@dataclass
class Line:
    """Ticks by number, computed greeks, the delivered data type, and what IBKR said of this request."""

    request: int
    ticks: dict[int, float] = field(default_factory=dict)
    greeks: dict[int, Greeks] = field(default_factory=dict)
    stated_type: int | None = None
    notes: list[tuple[int, str]] = field(default_factory=list)  # warnings: code and words
    ended: NoAnswer | Lost | None = None
    _heard: asyncio.Event = field(default_factory=asyncio.Event)
    _last_heard: float = 0.0

    def tick(self, kind: int, value: float) -> None:
        """A tick came."""
        self.ticks[kind] = value
        self._hear()

    def computed(self, kind: int, greeks: Greeks) -> None:
        """Greeks came."""
        self.greeks[kind] = greeks
        self._hear()

    def said(self, code: int, words: str) -> None:
        """IBKR said something of this request."""
        meaning = meaning_of(code, words)
        if meaning.ends:
            self.ended = NoAnswer(meaning.reason, str(code), meaning.retryable)
        else:
            self.notes.append((code, meaning.reason))
        self._heard.set()

    def lose(self) -> None:
        """The connection under this line is gone."""
        self.ended = self.ended or Lost()
        self._heard.set()

    def _hear(self) -> None:
        self._last_heard = asyncio.get_running_loop().time()
        self._heard.set()

    async def settle(self, whole: Callable[[Line], bool], longest: float, quiet: float) -> None:
        """Wait until `whole(line)`, or silence for `quiet` seconds after a tick, at most `longest` seconds.

        Raises Lost, and NoAnswer where IBKR ended the request, or nothing came at all.
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + longest
        while True:
            if self.ended is not None:
                raise self.ended
            if whole(self):
                return
            until = min(end, self._last_heard + quiet) if self._last_heard else end
            if (left := until - loop.time()) <= 0:
                break
            self._heard.clear()
            try:
                await asyncio.wait_for(self._heard.wait(), left)
            except TimeoutError:
                continue
        if not self.ticks and not self.greeks:
            code, reason = self.notes[-1] if self.notes else (None, "IBKR sent no tick in time")
            raise NoAnswer(reason, str(code) if code else "silent", retryable=True)

    def value(self, kind: Kind) -> float | None:
        """The tick of the first of these numbers that came; null when none did. -1 stays what it is."""
        return next((self.ticks[k] for k in kind if k in self.ticks), None)

    def greek(self) -> Greeks | None:
        """The model's greeks, else those of the last trade; of this request alone."""
        return next((self.greeks[k] for k in (*MODEL, *OF_LAST) if k in self.greeks), None)

    @property
    def delivered(self) -> Delivered:
        """Live, frozen or delayed: as IBKR stated for this request, else as the numbers of its ticks show."""
        if self.stated_type in DATA_TYPES:
            return DATA_TYPES[self.stated_type]
        return "delayed" if DELAYED_TICKS & {*self.ticks, *self.greeks} else "live"
