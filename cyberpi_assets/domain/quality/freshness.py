"""How far data lag behind the day of asking, by the dates in the data and never by when a run was.

A run of today over files of last year is a fresh run over stale data; only the data's own dates tell.
"""

from __future__ import annotations

import datetime as dt
from typing import Literal

import numpy as np

from cyberpi_assets.domain.calendar import day_number, sessions
from cyberpi_assets.domain.quality.verdict import Verdict

Unit = Literal["sessions", "days"]


def day_of_asking(last_month: str | None, as_of: dt.date | None, today: dt.date) -> dt.date:
    """The day that data are held against: `as_of` where somebody says one; in a closed world, the day after it ends.

    last_month: the closed world's last month (YYYY-MM), None where facts go on; today: of New York.
    """
    if as_of is not None:
        return as_of
    if last_month is None:
        return today
    year, month = int(last_month[:4]), int(last_month[5:])
    return dt.date(year + month // 12, month % 12 + 1, 1)


def behind(newest: dt.date, asked: dt.date, unit: Unit) -> int:
    """How far `newest` lies behind the day of asking, never negative.

    Sessions: those of the New York Stock Exchange after `newest` and before the day of asking, whose own session may
    not have closed yet. Days: calendar days from one to the other.
    """
    if unit == "days":
        return max(0, (asked - newest).days)
    known = sessions()
    later = np.searchsorted(known, day_number(asked), side="left")
    return max(0, int(later - np.searchsorted(known, day_number(newest), side="right")))


def fresh(newest: dt.date | None, later: int, asked: dt.date, unit: Unit, most: int) -> Verdict:
    """Whether the newest date up to the day of asking is at most `most` sessions or days behind it.

    newest: None where no row has a date up to that day; then nothing is known, and nothing is claimed. later: rows
    dated after that day, which make nothing fresh.
    """
    about = {"as_of": asked.isoformat(), "limit": most, "unit": unit, "dated_later": later}
    if newest is None:
        return Verdict(True, {"newest": None, "not_known": "no row has a date", **about})
    lag = behind(newest, asked, unit)
    return Verdict(lag <= most, {"newest": newest.isoformat(), f"{unit}_behind": lag, **about})
