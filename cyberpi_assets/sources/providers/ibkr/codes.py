"""What IBKR's message codes mean for whoever asked for market data.

Codes: interactivebrokers.github.io, message codes; the words of 162 decide between no data and pacing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

LOST, RESTORED_EMPTY, RESTORED = 1100, 1101, 1102
CLIENT_ID_IN_USE = 326
NO_SUCH_LINE = 300  # a cancel of a line that the other side has ended already


@dataclass(frozen=True)
class Meaning:
    """What to do on a code. `ends`: no more comes for this request. `retryable`: asking again may help."""

    reason: str
    ends: bool
    retryable: bool


_KNOWN: Final[dict[int, Meaning]] = {
    100: Meaning("IBKR says that messages came too fast", ends=True, retryable=True),
    101: Meaning("IBKR has no market data line left", ends=True, retryable=True),
    200: Meaning("IBKR knows no such contract", ends=True, retryable=False),
    321: Meaning("IBKR found the request invalid", ends=True, retryable=False),
    354: Meaning("market data are not subscribed", ends=True, retryable=False),
    10089: Meaning("the API needs a further market data subscription", ends=True, retryable=False),
    10090: Meaning("a part of these market data is not subscribed; what came stands", ends=False, retryable=False),
    10167: Meaning("not subscribed: delayed data in place of live", ends=False, retryable=False),
    10168: Meaning("not subscribed, and delayed data are not enabled", ends=True, retryable=False),
    10197: Meaning("another session of this user takes the live data", ends=True, retryable=True),
    LOST: Meaning("TWS lost IBKR", ends=True, retryable=True),
    RESTORED_EMPTY: Meaning("TWS found IBKR again, and the subscriptions are lost", ends=True, retryable=True),
    RESTORED: Meaning("TWS found IBKR again, and the subscriptions stand", ends=False, retryable=False),
}
_WARNINGS: Final = frozenset({105, 110, 165, 399, 404, 434, 492, *range(2100, 2200)})


def meaning_of(code: int, words: str) -> Meaning:
    """What a code means for the request it came for. An unknown code ends it, and may be tried again."""
    if code == 162:
        pacing = "pacing" in words.lower()
        no_data = "no data" in words.lower()
        reason = "historical requests came too fast" if pacing else "no historical data" if no_data else words
        return Meaning(reason, ends=True, retryable=not no_data)
    if code in _WARNINGS:
        return Meaning(words, ends=False, retryable=False)
    return _KNOWN.get(code) or Meaning(words[:200] or "IBKR refused", ends=True, retryable=True)


Delivered = Literal["live", "frozen", "delayed", "delayed_frozen"]
DATA_TYPES: Final[dict[int, Delivered]] = {1: "live", 2: "frozen", 3: "delayed", 4: "delayed_frozen"}
# ticks that only delayed data have: bid, ask, last, sizes, high, low, volume, close, open, greeks, halted
DELAYED_TICKS: Final = frozenset({*range(66, 77), 80, 81, 82, 83, 88, 90})
