"""Months and sessions where the clock jumps: the ends of months and years in New York, and both changes of its time."""

from __future__ import annotations

import datetime as dt
import itertools
from zoneinfo import ZoneInfo

import duckdb
import numpy as np
import pytest
from click.testing import CliRunner
from dagster._core.test_utils import freeze_time

from cyberpi_assets.cli import main
from cyberpi_assets.domain.calendar import closes_of, day_number, sessions_of
from cyberpi_assets.domain.news.moments import day_of
from cyberpi_assets.orchestration.partitions import FIRST_MONTH, MONTHS

NEW_YORK = ZoneInfo("America/New_York")
_HOUR = dt.timedelta(hours=1)


def _local(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=NEW_YORK)


@pytest.mark.parametrize(
    ("moment", "last"),
    [
        ("2025-12-31T23:59:59", "2025-12"),  # in UTC it is five o'clock on New Year's Day
        ("2026-01-01T00:00:00", "2026-01"),
        ("2025-02-28T23:59:59", "2025-02"),
        ("2024-02-29T23:59:59", "2024-02"),
        ("2025-03-31T23:59:59", "2025-03"),
        ("2025-11-30T23:59:59", "2025-11"),
    ],
)
def test_the_running_month_is_new_yorks(moment: str, last: str) -> None:
    with freeze_time(_local(moment)):
        keys = MONTHS.get_partition_keys()
        first_year, last_year = int(FIRST_MONTH[:4]), int(last[:4])
        every = [f"{y}-{m:02d}" for y in range(first_year, last_year + 1) for m in range(1, 13)]
        assert list(keys) == every[: every.index(last) + 1]


def test_a_month_that_has_not_begun_in_new_york_is_refused() -> None:
    midnight = dt.datetime(2026, 1, 1, 5, tzinfo=dt.UTC)
    asked = ["run", "--from", "2026-01", "--to", "2025-12"]
    with freeze_time(midnight - dt.timedelta(seconds=1)):
        before = CliRunner().invoke(main, asked)
    with freeze_time(midnight):
        after = CliRunner().invoke(main, asked)
    assert (before.exit_code, after.exit_code) == (2, 2)
    assert "2026-01 is no month from 2012-01 to 2025-12" in before.output
    assert "--from 2026-01 lies after --to 2025-12" in after.output  # a month now, and asked for wrongly


def test_months_follow_each_other_without_a_gap_and_are_an_hour_short_or_long_where_the_clock_jumps() -> None:
    with freeze_time(_local("2031-01-01T00:00:00")):
        windows = {key: MONTHS.time_window_for_partition_key(key) for key in MONTHS.get_partition_keys()}
    keys = list(windows)
    for key, following in itertools.pairwise(keys):
        start, end = windows[key].start, windows[key].end
        assert end.timestamp() == windows[following].start.timestamp()
        days = (end.date() - start.date()).days
        elapsed = dt.timedelta(seconds=end.timestamp() - start.timestamp())
        jump = {"03": -_HOUR, "11": _HOUR}.get(key[-2:], dt.timedelta())
        assert elapsed == dt.timedelta(days=days) + jump, key


@pytest.mark.parametrize(
    ("utc", "day"),
    [
        ("2026-01-01T04:59:59", "2025-12-31"),
        ("2026-01-01T05:00:00", "2026-01-01"),
        ("2025-04-01T03:59:59", "2025-03-31"),  # summer time: four hours
        ("2025-04-01T04:00:00", "2025-04-01"),
        ("2025-12-01T04:30:00", "2025-11-30"),
        ("2025-03-09T06:59:59", "2025-03-09"),
        ("2025-11-02T05:30:00", "2025-11-02"),  # half past one, the first time
        ("2025-11-02T06:30:00", "2025-11-02"),  # half past one, again
    ],
)
def test_what_is_published_belongs_to_the_day_in_new_york(utc: str, day: str) -> None:
    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    found = con.execute(f"SELECT {day_of('moment')} FROM (SELECT ?::TIMESTAMPTZ AS moment)", [utc + "+00"]).fetchone()
    assert found == (dt.date.fromisoformat(day),)


@pytest.mark.parametrize(
    ("utc", "session"),
    [
        ("2025-03-07T14:29", "2025-03-06"),  # the exchange opens at half past nine: 14:30 in winter
        ("2025-03-07T14:30", "2025-03-07"),
        ("2025-03-10T13:29", "2025-03-07"),  # and 13:30 on the Monday after the change
        ("2025-03-10T13:30", "2025-03-10"),
        ("2025-11-03T14:29", "2025-10-31"),
        ("2025-11-03T14:30", "2025-11-03"),
        ("2026-01-01T15:00", "2025-12-31"),  # New Year's Day: what is quoted is of the last session of the year
        ("2026-01-02T14:30", "2026-01-02"),
    ],
)
def test_a_snapshot_belongs_to_the_session_that_has_opened(utc: str, session: str) -> None:
    at = int(dt.datetime.fromisoformat(utc).replace(tzinfo=dt.UTC).timestamp() * 1_000_000)
    assert sessions_of(np.array([at], np.int64)).tolist() == [day_number(dt.date.fromisoformat(session))]


def test_the_close_is_four_oclock_in_new_york_and_one_on_a_half_day() -> None:
    closes = {"2025-03-07": "16:00", "2025-03-10": "16:00", "2025-11-28": "13:00", "2025-12-31": "16:00"}
    days = np.array([day_number(dt.date.fromisoformat(d)) for d in closes], np.int32)
    found = [dt.datetime.fromtimestamp(int(c) / 1e6, NEW_YORK) for c in closes_of(days)]
    assert [f"{c:%Y-%m-%d %H:%M}" for c in found] == [f"{d} {at}" for d, at in closes.items()]
