"""What a moment means to a schedule: whether the exchange is open, which week and month have ended, what ran before.

Pure but for `busy` and `went_through`, which ask the history of runs. What runs, and when, is in `schedules.py`.
"""

from __future__ import annotations

import datetime as dt
from typing import Final, Literal
from zoneinfo import ZoneInfo

import dagster as dg
import numpy as np

from cyberpi_assets.domain.calendar import day_number, hours, sessions
from cyberpi_assets.orchestration.sweeping import last_closed_session

NEW_YORK: Final = ZoneInfo("America/New_York")
TICK: Final = "cyberpi/tick"  # tag of a run of a schedule: the moment it is of, UTC
_SCHEDULE: Final = "dagster/schedule_name"
_GOES_ON: Final = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
_EPOCH: Final = dt.date(1970, 1, 1)

Period = Literal["week", "month"]


def opening_hours(day: dt.date) -> tuple[dt.datetime, dt.datetime] | None:
    """When the New York Stock Exchange opens and closes on a day, UTC; None when it stays closed."""
    days, wanted = sessions(), day_number(day)
    at = int(np.searchsorted(days, wanted))
    if at >= days.size or days[at] != wanted:
        return None
    opens, closes = hours()
    first, last = (dt.datetime.fromtimestamp(int(t[at]) / 1_000_000, dt.UTC) for t in (opens, closes))
    return first, last


def why_not(moment: dt.datetime) -> str | None:
    """Why no sweep is due at a moment, in words; None when the exchange is open, its close included."""
    local = moment.astimezone(NEW_YORK)
    open_hours = opening_hours(local.date())
    if open_hours is None:
        return f"the exchange is closed on {local:%Y-%m-%d}"
    first, last = open_hours
    if moment < first:
        return f"the exchange opens at {first.astimezone(NEW_YORK):%H:%M}"
    if moment > last:
        return f"the exchange closed at {last.astimezone(NEW_YORK):%H:%M}"
    return None


def too_late(tick: dt.datetime, now: dt.datetime, minutes: int) -> str | None:
    """Why a tick is not made up for: quotes of the past cannot be asked for. None within `minutes` of it."""
    late = now - tick
    if late < dt.timedelta(minutes=minutes):
        return None
    local = tick.astimezone(NEW_YORK)
    return f"missed at {local:%Y-%m-%d %H:%M}, {int(late.total_seconds() // 60)} minutes ago: the next one asks"


def period_of(day: dt.date, period: Period) -> str:
    """The ISO week (2026-W53) or month (2026-12) of a day."""
    if period == "month":
        return f"{day:%Y-%m}"
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02d}"


def ended(moment: dt.datetime, period: Period) -> str:
    """The newest week or month whose last session had closed an hour before a moment (UTC).

    It ends with its last session, not with its last day: a week before Good Friday ends on Thursday.
    """
    days = sessions()
    at = int(np.searchsorted(days, day_number(last_closed_session(moment))))
    named = [period_of(_EPOCH + dt.timedelta(days=int(d)), period) for d in days[max(0, at - 30) : at + 2]]
    newest, following = named[-2], named[-1]
    return newest if newest != following else next(p for p in reversed(named) if p != newest)


def months_since(moment: dt.datetime, last: dt.datetime | None, days: int) -> tuple[str, str]:
    """First and last New York month (YYYY-MM) to look at: from `days` before the last success, or before the moment."""
    since = min(moment, last or moment).astimezone(NEW_YORK) - dt.timedelta(days=days)
    return f"{since:%Y-%m}", f"{moment.astimezone(NEW_YORK):%Y-%m}"


def went_through(instance: dg.DagsterInstance, schedule: str) -> dt.datetime | None:
    """The moment of the newest run of a schedule that went through, None where there is none."""
    wanted = dg.RunsFilter(tags={_SCHEDULE: schedule}, statuses=[dg.DagsterRunStatus.SUCCESS])
    for run in instance.get_runs(wanted, limit=1):
        try:
            return dt.datetime.fromisoformat(run.tags[TICK])
        except (KeyError, ValueError):
            return None
    return None


def busy(instance: dg.DagsterInstance, tags: dict[str, str]) -> bool:
    """Whether a run with these tags goes on or waits."""
    return bool(instance.get_runs(dg.RunsFilter(tags=tags, statuses=_GOES_ON), limit=1))


def of_schedule(name: str) -> dict[str, str]:
    """The tags by which Dagster marks the runs of a schedule."""
    return {_SCHEDULE: name}
