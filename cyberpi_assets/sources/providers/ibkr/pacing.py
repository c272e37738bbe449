"""The limit on historical requests: 60 in any 10 minutes, no identical one within 15 s, under 6 a contract in 2 s.

Time is injected, so that ten minutes can be tried in a moment. The figures are IBKR's (historical data limitations).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable
from typing import Final

WINDOW: Final = 600.0
SAME: Final = 15.0
BURST: Final = (5, 2.0)  # of one contract: at most so many in so many seconds
_HAIR: Final = 0.001


class HistoricalPace:
    """Turns for historical requests, in order of asking. `clock` gives seconds that never run backwards."""

    def __init__(
        self,
        per_window: int,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._limit, self._clock, self._sleep = per_window, clock, sleep
        self._sent: deque[tuple[float, Hashable, Hashable]] = deque()  # moment, contract, whole request
        self._turn = asyncio.Lock()

    async def turn(self, contract: Hashable, request: Hashable, weight: int = 1) -> float:
        """Wait until the request may go out; the seconds waited. BID_ASK weighs 2."""
        async with self._turn:
            waited = 0.0
            while (delay := self._delay(contract, request, weight)) > 0:
                await self._sleep(delay)
                waited += delay
            self._sent.extend([(self._clock(), contract, request)] * weight)
            return waited

    def _delay(self, contract: Hashable, request: Hashable, weight: int) -> float:
        now = self._clock()
        while self._sent and now - self._sent[0][0] > WINDOW:
            self._sent.popleft()
        free = now
        if (over := len(self._sent) + weight - self._limit) > 0:
            free = max(free, self._sent[over - 1][0] + WINDOW + _HAIR)
        same = [t for t, _, r in self._sent if r == request]
        if same:
            free = max(free, same[-1] + SAME + _HAIR)
        of_contract = [t for t, c, _ in self._sent if c == contract]
        most, seconds = BURST
        if (over := len(of_contract) + weight - most) > 0:
            free = max(free, of_contract[over - 1] + seconds + _HAIR)
        return max(0.0, free - now)
