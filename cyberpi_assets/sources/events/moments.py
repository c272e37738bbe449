"""Moments as feeds and vendors print them: with or without a zone, to the second, the minute or the day.

A moment without a zone is UTC unless the caller says that it is New York's. Nothing here raises.
"""

from __future__ import annotations

import datetime as dt
import email.utils
import re
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

NEW_YORK: Final = ZoneInfo("America/New_York")
_EARLIEST: Final = dt.datetime(1990, 1, 1, tzinfo=dt.UTC)
_LATEST: Final = dt.datetime(2100, 1, 1, tzinfo=dt.UTC)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_MINUTE = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?:Z|[+-]\d{2}:?\d{2})?")
_US_DAY = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?\s*(?:\.\s*(\d{1,6}))?\s*(AM|PM)?", re.IGNORECASE)


class Moment(NamedTuple):
    """A moment in UTC and how fine it is: s | min | day (then midnight UTC of that date)."""

    at: dt.datetime
    precision: str


def parse_moment(value: object, zone: dt.tzinfo = dt.UTC) -> Moment | None:
    """A moment from text (ISO, RFC 822), seconds or milliseconds since 1970, or a date; None when it is none.

    `zone` is that of moments which state none. Years before 1990 or from 2100 are none.
    """
    if isinstance(value, dt.datetime):
        return _within(value if value.tzinfo else value.replace(tzinfo=zone), "s")
    if isinstance(value, dt.date):
        return _within(dt.datetime(value.year, value.month, value.day, tzinfo=dt.UTC), "day")
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return _of_number(float(value))
    text = str(value)[:60].strip()
    if text.isascii() and text.isdigit() and len(text) in (10, 13):
        return _of_number(float(text))
    if _DAY.fullmatch(text):
        return _of_text(text + "T00:00:00+00:00", dt.UTC, "day")
    fine = "min" if _MINUTE.fullmatch(text) else "s"
    return _of_text(text, zone, fine) or _of_mail(text, zone)


def _of_number(number: float) -> Moment | None:
    seconds = number / 1000 if abs(number) >= 1e11 else number
    try:
        return _within(dt.datetime.fromtimestamp(seconds, dt.UTC), "s")
    except (ValueError, OverflowError, OSError):
        return None


def _of_text(text: str, zone: dt.tzinfo, precision: str) -> Moment | None:
    try:
        at = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    return _within(at if at.tzinfo else at.replace(tzinfo=zone), precision)


def _of_mail(text: str, zone: dt.tzinfo) -> Moment | None:
    try:
        at = email.utils.parsedate_to_datetime(text)
    except (ValueError, IndexError, TypeError):
        return None
    return _within(at if at.tzinfo else at.replace(tzinfo=zone), "s")


def _within(at: dt.datetime, precision: str) -> Moment | None:
    try:
        utc = at.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None
    return Moment(utc, precision) if _EARLIEST <= utc < _LATEST else None


def parse_clock(day: object, clock: object) -> dt.datetime | None:
    """A New York day and time as halts print them, in UTC: `03/26/2018`, `09:30:17 .163`; None when unreadable."""
    date, time = us_date(day), _CLOCK.fullmatch(str(clock or "").strip()[:30])
    if date is None or time is None:
        return None
    hour, minute, second = int(time[1]), int(time[2]), int(time[3] or 0)
    if time[5] and hour <= 12:
        hour = hour % 12 + (12 if time[5].upper() == "PM" else 0)
    try:
        local = dt.datetime(date.year, date.month, date.day, hour, minute, second, tzinfo=NEW_YORK)
    except ValueError:
        return None
    fraction = int((time[4] or "0").ljust(6, "0"))
    return local.astimezone(dt.UTC).replace(microsecond=fraction)


def us_date(value: object) -> dt.date | None:
    """A date printed MM/DD/YYYY or YYYY-MM-DD; None when it is none."""
    if isinstance(value, dt.datetime):
        return value.date()
    if isinstance(value, dt.date):
        return value
    text = str(value or "").strip()[:20]
    try:
        if m := _US_DAY.fullmatch(text):
            return dt.date(int(m[3]), int(m[1]), int(m[2]))
        return dt.date.fromisoformat(text[:10])
    except ValueError:
        return None
