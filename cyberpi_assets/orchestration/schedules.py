"""Schedules: what runs by the clock. They are stopped until somebody starts them.

Here belongs when; what runs is in `jobs.py`.
"""

from __future__ import annotations

import datetime as dt
from typing import Final
from zoneinfo import ZoneInfo

import dagster as dg
import numpy as np

from cyberpi_assets.domain.calendar import day_number, hours, sessions
from cyberpi_assets.orchestration.jobs import news, sweep
from cyberpi_assets.orchestration.partitions import PLANNED, RANGE_FROM, RANGE_TO
from cyberpi_assets.orchestration.sweeping import ASK, SWEEP
from cyberpi_assets.settings import Profile, Settings

NEW_YORK: Final = ZoneInfo("America/New_York")
# half past nine to four, every half hour; holidays and half days are for the exchange calendar to say
EVERY_HALF_HOUR: Final = ["30 9 * * 1-5", "0,30 10-15 * * 1-5", "0 16 * * 1-5"]


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


def news_months(moment: dt.datetime) -> tuple[str, str]:
    """First and last month (YYYY-MM) in which news may have come: an article is often delivered a day or two late."""
    local = moment.astimezone(NEW_YORK)
    return f"{local - dt.timedelta(days=2):%Y-%m}", f"{local:%Y-%m}"


def schedules_of(settings: Settings) -> list[dg.ScheduleDefinition]:
    """The schedules of the house, for these settings."""

    @dg.schedule(
        name="market_sweep",
        job=sweep,
        cron_schedule=EVERY_HALF_HOUR,
        execution_timezone="America/New_York",
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description="Every half hour while the New York Stock Exchange is open: quotes and option chains of the "
        "universe, and the scores made of them. Only profile live asks anybody.",
    )
    def market_sweep(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        if settings.profile is not Profile.LIVE:
            return dg.SkipReason(f"profile {settings.profile.value} asks no provider; profile live does")
        moment = context.scheduled_execution_time.astimezone(dt.UTC)
        if (reason := why_not(moment)) is not None:
            return dg.SkipReason(reason)
        month = f"{moment.astimezone(NEW_YORK):%Y-%m}"
        return dg.RunRequest(
            run_key=f"sweep:{moment:%Y-%m-%dT%H:%MZ}",
            tags={SWEEP: ASK, RANGE_FROM: month, RANGE_TO: month, "cyberpi/provider": settings.market.provider},
        )

    @dg.schedule(
        name="news_poll",
        job=news,
        cron_schedule="*/5 * * * *",
        execution_timezone="America/New_York",
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description="Every five minutes: what is new of news, filings and halts, lists once a day, and the warnings "
        "made of them. A source is asked only when it is due. Only profile live asks anybody.",
    )
    def news_poll(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        if settings.profile is not Profile.LIVE:
            return dg.SkipReason(f"profile {settings.profile.value} asks no source; profile live does")
        moment = context.scheduled_execution_time.astimezone(dt.UTC)
        first, last = news_months(moment)
        return dg.RunRequest(
            run_key=f"news:{moment:%Y-%m-%dT%H:%MZ}",
            tags={RANGE_FROM: first, RANGE_TO: last, PLANNED: "schedule"},
        )

    return [market_sweep, news_poll]
