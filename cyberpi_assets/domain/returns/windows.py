"""The windows of an event study, in sessions of the exchange, and the day they count from.

Here belongs which sessions a window holds. What is measured in them belongs to `market_model.py` and `portfolios.py`.

Day 0 of anchor `trade` is the first session on or after the transaction date; day 0 of anchor `disclosure` is the first
session after the day of filing, since a filing may be published after the close. Sessions are ordinals of
`domain/calendar.py`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cyberpi_assets.domain.calendar import sessions

Ints = npt.NDArray[np.int64]

ANCHORS = ("trade", "disclosure")
ESTIMATION = (-250, -30)  # sessions relative to day 0, both included
MIN_ESTIMATION = 120  # observations
LAST = (1, 5, 21, 63)  # last session of each window; all begin at day 0
NAMES = tuple(f"0_{last}" for last in LAST)
HOLDING = (5, 21, 63)  # sessions a portfolio holds a position


def day_zero(days: npt.NDArray[np.int32], anchor: str) -> Ints:
    """Ordinal of day 0 for calendar days (days since 1970-01-01). Shape: as `days`.

    Raises ValueError for an anchor there is not.
    """
    if anchor not in ANCHORS:
        raise ValueError(f"no anchor {anchor!r}; there are {ANCHORS}")
    return np.searchsorted(sessions(), days, side="left" if anchor == "trade" else "right").astype(np.int64)


def day_of(ordinal: Ints) -> npt.NDArray[np.int32]:
    """The session (days since 1970-01-01) of each ordinal; beyond the calendar's horizon, its last session."""
    known = sessions()
    return known[np.clip(ordinal, 0, known.size - 1)]
