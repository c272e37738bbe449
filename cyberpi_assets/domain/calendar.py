"""Sessions of the New York Stock Exchange as arrays of dates.

Here belongs what depends on the exchange's own calendar and on nothing else. Partition months belong to
`orchestration/partitions.py`.
"""

from __future__ import annotations

import datetime as dt
from functools import lru_cache

import exchange_calendars
import numpy as np
import numpy.typing as npt
import pyarrow as pa

Days = npt.NDArray[np.int32]  # days since 1970-01-01, New York calendar dates

FIRST_DAY = dt.date(1990, 1, 1)
_EPOCH = dt.date(1970, 1, 1)


def day_number(day: dt.date) -> int:
    """Days since 1970-01-01."""
    return (day - _EPOCH).days


@lru_cache(maxsize=1)
def sessions() -> Days:
    """All XNYS sessions from 1990 to the end of the calendar's horizon, ascending, as days since 1970-01-01.

    The horizon is fixed at the end of 2030 so that an answer never depends on the day of asking.
    """
    calendar = exchange_calendars.get_calendar("XNYS", start=FIRST_DAY.isoformat(), end="2030-12-31")
    days = calendar.sessions.to_numpy().astype("datetime64[D]").astype(np.int64)
    return days.astype(np.int32)


def session_days() -> pa.Table:
    """All sessions as a table. Column: day."""
    return pa.table({"day": pa.array(sessions(), pa.int32()).cast(pa.date32())})


def is_session(days: Days) -> npt.NDArray[np.bool_]:
    """Whether each day is a session. Shape: as `days`."""
    known = sessions()
    at = np.searchsorted(known, days)
    return (at < known.size) & (known[np.minimum(at, known.size - 1)] == days)


def ordinal(days: Days) -> npt.NDArray[np.int64]:
    """How many sessions lie strictly before each day: on sessions, consecutive whole numbers. Shape: as `days`."""
    return np.searchsorted(sessions(), days, side="left").astype(np.int64)


@lru_cache(maxsize=1)
def hours() -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Opening and closing moments of `sessions()`, early closes included, as microseconds since 1970-01-01 UTC.

    Shapes: (sessions,) twice.
    """
    calendar = exchange_calendars.get_calendar("XNYS", start=FIRST_DAY.isoformat(), end="2030-12-31")
    opens, closes = (
        times.dt.tz_localize(None).to_numpy().astype("datetime64[us]").astype(np.int64)
        for times in (calendar.opens, calendar.closes)
    )
    return opens, closes


def sessions_of(moments: npt.NDArray[np.int64]) -> Days:
    """The session that a snapshot of each moment (microseconds since 1970-01-01 UTC) tells of. Shape: as `moments`.

    From a session's opening until the next one's a snapshot is of that session: what is quoted after the close, over
    night, on a holiday or before the opening is what the last session left. A moment before 1990 gives the first.
    """
    at = np.searchsorted(hours()[0], moments, side="right") - 1
    return sessions()[np.maximum(at, 0)]


def closes_of(days: Days) -> npt.NDArray[np.int64]:
    """The closing moment of each session (microseconds since 1970-01-01 UTC). Shape: as `days`, which are sessions."""
    known = sessions()
    return hours()[1][np.minimum(np.searchsorted(known, days), known.size - 1)]
