"""The days of the simulated world, and its streams of random numbers.

Belongs here: which sessions exist, which part of them is seen, and where a part of the world gets its random numbers
from. Does not belong here: what happens on those days.

The world starts on the first session of the first month's year and is drawn year by year, each part and year from a
stream of its own. So a world that ends a month later is the same world, one month longer, and a change in one part
leaves the others as they were.
"""

from __future__ import annotations

import calendar
import datetime as dt
import re
from dataclasses import dataclass
from typing import TypeAlias

import exchange_calendars
import numpy as np
import numpy.typing as npt

Days: TypeAlias = npt.NDArray[np.datetime64]
Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Bools: TypeAlias = npt.NDArray[np.bool_]

# One number per part of the world; a new part takes a new number.
PARTS = {
    "companies": 1,
    "market": 2,
    "events": 3,
    "people": 4,
    "trades": 5,
    "filings": 6,
    "oddities": 7,
    "print": 8,
    "options": 9,
    "news": 10,
}


@dataclass(frozen=True)
class Horizon:
    """The sessions the world is simulated on, and the days it shows.

    `sessions`: XNYS sessions from the first of January of the first year to the last day shown, shape (sessions,).
    `first_day`, `last_day`: what is shown, inclusive.
    """

    seed: int
    first_day: dt.date
    last_day: dt.date
    sessions: Days
    year_sessions: Days  # to the end of the last year: what is drawn, so that a later end changes nothing before it

    @property
    def n_sessions(self) -> int:
        """Sessions up to the last day shown."""
        return len(self.sessions)

    @property
    def years(self) -> range:
        """Calendar years drawn."""
        return range(self.first_day.year, self.last_day.year + 1)

    def of_year(self, year: int) -> Ints:
        """Session numbers of one year, beyond the last day shown too."""
        return np.flatnonzero(self.year_sessions.astype("datetime64[Y]") == np.datetime64(str(year), "Y"))

    def noise(self, part: str, draw: int, *places: Ints) -> Floats:
        """A number in (0, 1) for each place, the same whatever else is drawn: for what is computed on a window of days.

        `draw` tells several draws of a part apart; `places`: whole numbers that name a place (session, company,
        contract), broadcast together. SplitMix64 of all of them.
        """
        state = np.array((self.seed * 1_000_003 + PARTS[part] * 101 + draw) % 2**64, dtype=np.uint64)
        with np.errstate(over="ignore"):
            for place in places:
                state = _mix(state ^ _mix(place.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)))
        result: Floats = np.asarray(state >> np.uint64(11), dtype=np.float64) / 2.0**53 + 2.0**-54
        return result

    def stream(self, part: str, year: int = 0) -> np.random.Generator:
        """The random numbers of one part of the world in one year (0: what does not depend on a year)."""
        return np.random.Generator(np.random.PCG64(np.random.SeedSequence(self.seed, spawn_key=(PARTS[part], year))))


def _mix(z: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """The finaliser of SplitMix64 (Steele, Lea, Flood 2014)."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def _month(text: str) -> tuple[int, int]:
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", text):
        raise ValueError(f"month {text!r} is not written YYYY-MM")
    return int(text[:4]), int(text[5:])


def horizon(seed: int, first_month: str, last_month: str) -> Horizon:
    """The horizon of a world from `first_month` to `last_month` (YYYY-MM, inclusive).

    Raises ValueError for a month that is not one, for a span that ends before it starts, and for a negative seed.
    """
    (y0, m0), (y1, m1) = _month(first_month), _month(last_month)
    if (y0, m0) > (y1, m1):
        raise ValueError(f"the world ends ({last_month}) before it starts ({first_month})")
    if seed < 0:
        raise ValueError(f"seed {seed} is negative")
    # explicit ends: the calendar's own default ends a year from now, and now is not ours to know
    xnys = exchange_calendars.get_calendar("XNYS", start=f"{y0}-01-01", end=f"{y1}-12-31")
    days = xnys.sessions.to_numpy().astype("datetime64[D]")
    last_day = dt.date(y1, m1, calendar.monthrange(y1, m1)[1])
    return Horizon(seed, dt.date(y0, m0, 1), last_day, days[days <= np.datetime64(last_day)], days)
