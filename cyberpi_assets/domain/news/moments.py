"""When something could first be known: the moment before which nothing may use it.

Here belong the rules of `available_at`, as SQL over facts. A later moment is the safe one.

A moment of second precision is the one stated; of minute precision the end of that minute; a date alone is the end of
that day in New York. A moment that looks like New York time labelled UTC is read as New York time, hours later. What
a live source fetched was known by then, whatever its clock says.
"""

from __future__ import annotations

from typing import Final

NEW_YORK: Final = "America/New_York"


def end_of_day(date: str) -> str:
    """SQL: the last microsecond of a New York day, UTC."""
    return f"((({date})::TIMESTAMP + INTERVAL 1 DAY) AT TIME ZONE '{NEW_YORK}' - INTERVAL 1 MICROSECOND)"


def day_of(moment: str) -> str:
    """SQL: the New York date of a moment."""
    return f"(({moment}) AT TIME ZONE '{NEW_YORK}')::DATE"


# for columns published_at, precision, tz_suspect and seen_at
STATED: Final = f"""CASE precision
    WHEN 'day' THEN {end_of_day("(published_at AT TIME ZONE 'UTC')::DATE")}
    WHEN 'min' THEN date_trunc('minute', published_at) + INTERVAL 1 MINUTE - INTERVAL 1 MICROSECOND
    ELSE CASE WHEN tz_suspect THEN (published_at AT TIME ZONE 'UTC') AT TIME ZONE '{NEW_YORK}' ELSE published_at END
    END"""
AVAILABLE: Final = f"least({STATED}, coalesce(seen_at, TIMESTAMPTZ '9999-01-01'))"
