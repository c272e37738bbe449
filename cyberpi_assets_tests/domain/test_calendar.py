"""The exchange's calendar against closures that stand in the newspapers."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from cyberpi_assets.domain.calendar import day_number, is_session, ordinal, sessions
from cyberpi_assets_tests.domain.rows import D

GOOD_FRIDAYS = [
    D(2012, 4, 6), D(2013, 3, 29), D(2014, 4, 18), D(2015, 4, 3), D(2016, 3, 25), D(2017, 4, 14), D(2018, 3, 30),
    D(2019, 4, 19), D(2020, 4, 10), D(2021, 4, 2), D(2022, 4, 15), D(2023, 4, 7), D(2024, 3, 29), D(2025, 4, 18),
    D(2026, 4, 3),
]  # fmt: skip
CLOSED = [
    *GOOD_FRIDAYS,
    D(2012, 10, 29), D(2012, 10, 30),  # hurricane Sandy
    D(2018, 12, 5),  # mourning for George H. W. Bush
    D(2025, 1, 9),  # mourning for Jimmy Carter
    D(2022, 6, 20), D(2023, 6, 19), D(2024, 6, 19), D(2025, 6, 19), D(2026, 6, 19),  # Juneteenth
    D(2001, 9, 11), D(2001, 9, 14),
    D(2020, 7, 3), D(2021, 7, 5), D(2021, 12, 24), D(2022, 12, 26), D(2023, 1, 2), D(2024, 11, 28),
    D(2024, 1, 13), D(2024, 1, 14),  # a weekend
]  # fmt: skip
OPEN = [
    D(2012, 10, 26), D(2012, 10, 31), D(2018, 12, 4), D(2018, 12, 6), D(2025, 1, 8), D(2025, 1, 10),
    D(2021, 6, 18), D(2021, 6, 21), D(2021, 12, 31), D(2022, 6, 21), D(2001, 9, 10), D(2001, 9, 17),
    D(2024, 11, 29), D(2023, 7, 3),  # short days are sessions
    D(2024, 10, 14), D(2024, 11, 11),  # Columbus Day and Veterans Day
]  # fmt: skip


def _numbers(days: list[dt.date]) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    return np.array([day_number(d) for d in days], dtype=np.int32)


@pytest.mark.parametrize("day", CLOSED, ids=str)
def test_closed(day: dt.date) -> None:
    assert is_session(_numbers([day])).tolist() == [False]


@pytest.mark.parametrize("day", OPEN, ids=str)
def test_open(day: dt.date) -> None:
    assert is_session(_numbers([day])).tolist() == [True]


@pytest.mark.parametrize(
    ("year", "n"), [(2012, 250), (2019, 252), (2020, 253), (2022, 251), (2023, 250), (2024, 252), (2025, 250)]
)
def test_a_year_has_as_many_sessions_as_the_exchange_held(year: int, n: int) -> None:
    days = sessions()
    assert ((days >= day_number(D(year, 1, 1))) & (days <= day_number(D(year, 12, 31)))).sum() == n


def test_day_numbers_count_from_1970() -> None:
    assert (day_number(D(1970, 1, 1)), day_number(D(1970, 1, 2)), day_number(D(1969, 12, 31))) == (0, 1, -1)


def test_sessions_are_consecutive_and_a_closed_day_lies_between_two() -> None:
    fri, sat, sun, mon, tue = ordinal(_numbers([D(2024, 1, 12 + i) for i in range(5)])).tolist()
    assert (sat, sun, mon, tue) == (fri + 1, fri + 1, fri + 1, fri + 1)  # 15 January 2024 is a holiday
    days = sessions()
    assert np.array_equal(ordinal(days), np.arange(days.size))
    assert np.all(np.diff(days) >= 1)
    assert is_session(days).all()


def test_days_beyond_the_horizon_are_no_sessions() -> None:
    assert is_session(_numbers([D(1900, 1, 2), D(2200, 1, 2)])).tolist() == [False, False]
