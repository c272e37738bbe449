"""Schedules: what runs by the clock. They are stopped until somebody starts them.

Here belongs when; what runs is in `jobs.py`, what a moment means in `moments.py`.

After a time without a daemon Dagster evaluates the newest missed tick of each schedule alone. So no schedule relies on
having seen every tick: those that ask for quotes let a missed tick go, for the past cannot be asked; all others reach
back to what the last run that went through had covered.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Final

import dagster as dg

from cyberpi_assets.orchestration import moments
from cyberpi_assets.orchestration.jobs import disclosures, monitor, news, patterns, sweep
from cyberpi_assets.orchestration.moments import NEW_YORK, TICK, Period, opening_hours, why_not
from cyberpi_assets.orchestration.partitions import PLANNED, RANGE_FROM, RANGE_TO, REPORT
from cyberpi_assets.orchestration.sweeping import ASK, QUOTES, SWEEP
from cyberpi_assets.settings import Profile, Settings

__all__ = ["NEW_YORK", "PROVIDER", "REPORT", "news_months", "opening_hours", "schedules_of", "why_not"]

ZONE: Final = "America/New_York"
# half past nine to four; holidays and half days are for the exchange calendar to say
EVERY_HALF_HOUR: Final = ["30 9 * * 1-5", "0,30 10-15 * * 1-5", "0 16 * * 1-5"]
EVERY_FIVE_MINUTES: Final = ["30-59/5 9 * * 1-5", "*/5 10-15 * * 1-5", "0 16 * * 1-5"]
PROVIDER: Final = "cyberpi/provider"  # tag of a run: whom it asks; one at a time of each
_LATE_FILINGS_DAYS: Final = 30  # a report may be listed that many days after the day of its submission
_LATE_NEWS_DAYS: Final = 2

Asked = dg.RunRequest | dg.SkipReason


def news_months(moment: dt.datetime, last: dt.datetime | None = None) -> tuple[str, str]:
    """First and last month (YYYY-MM) in which news may have come since `last`, the last run that went through.

    An article is often delivered a day or two late.
    """
    return moments.months_since(moment, last, _LATE_NEWS_DAYS)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def _history(context: dg.ScheduleEvaluationContext) -> dg.DagsterInstance:
    return context.instance


def schedules_of(
    settings: Settings,
    now: Callable[[], dt.datetime] = _now,
    history: Callable[[dg.ScheduleEvaluationContext], dg.DagsterInstance] = _history,
) -> list[dg.ScheduleDefinition]:
    """The schedules of the house, for these settings.

    `now`: the moment at which a tick is evaluated, UTC; `history`: where the runs before it are looked up.
    """
    live = settings.profile is Profile.LIVE

    def ask_market(context: dg.ScheduleEvaluationContext, name: str, how: str, minutes: int) -> Asked:
        if not live:
            return dg.SkipReason(f"profile {settings.profile.value} asks no provider; profile live does")
        moment = context.scheduled_execution_time.astimezone(dt.UTC)
        reason = why_not(moment) or moments.too_late(moment, now(), minutes)
        if reason is not None:
            return dg.SkipReason(reason)
        if moments.busy(history(context), moments.of_schedule(name)):
            return dg.SkipReason("the run before this one goes on")
        month = f"{moment.astimezone(NEW_YORK):%Y-%m}"
        tags = {SWEEP: how, RANGE_FROM: month, RANGE_TO: month, PROVIDER: settings.market.provider}
        return dg.RunRequest(
            run_key=f"{'sweep' if how == ASK else name}:{_key(moment)}", tags=tags | {TICK: moment.isoformat()}
        )

    @dg.schedule(
        name="market_sweep",
        job=sweep,
        cron_schedule=EVERY_HALF_HOUR,
        execution_timezone=ZONE,
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description="Every half hour while the New York Stock Exchange is open: quotes and option chains of the "
        "universe, and the scores made of them. Only profile live asks anybody. A tick that was missed is not made up "
        "for.",
    )
    def market_sweep(context: dg.ScheduleEvaluationContext) -> Asked:
        return ask_market(context, "market_sweep", ASK, 30)

    @dg.schedule(
        name="market_monitor",
        job=monitor,
        cron_schedule=EVERY_FIVE_MINUTES,
        execution_timezone=ZONE,
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description="Every five minutes while the New York Stock Exchange is open: quotes of the universe, without "
        "chains, and alerts as they stand. Only profile live asks anybody. A tick that was missed is not made up for.",
    )
    def market_monitor(context: dg.ScheduleEvaluationContext) -> Asked:
        return ask_market(context, "market_monitor", QUOTES, 5)

    @dg.schedule(
        name="news_poll",
        job=news,
        cron_schedule="*/5 * * * *",
        execution_timezone=ZONE,
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description="Every five minutes: what is new of news, filings and halts, lists once a day, and the warnings "
        "made of them. A source is asked only when it is due. Only profile live asks anybody. After a silence the run "
        "covers all months since the last one that went through.",
    )
    def news_poll(context: dg.ScheduleEvaluationContext) -> Asked:
        if not live:
            return dg.SkipReason(f"profile {settings.profile.value} asks no source; profile live does")
        if moments.busy(history(context), moments.of_schedule("news_poll")):
            return dg.SkipReason("the run before this one goes on")
        moment = context.scheduled_execution_time.astimezone(dt.UTC)
        months = news_months(moment, moments.went_through(history(context), "news_poll"))
        return dg.RunRequest(
            run_key=f"news:{_key(moment)}",
            tags={RANGE_FROM: months[0], RANGE_TO: months[1], PLANNED: "schedule", TICK: moment.isoformat()},
        )

    @dg.schedule(
        name="evening_disclosures",
        job=disclosures,
        cron_schedule="30 21 * * *",
        execution_timezone=ZONE,
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description="Each evening at half past nine: filings of the House and the Senate of the last 30 days, or since "
        "the last evening that went through, and the scores of their trades. Only profile live asks the sites.",
    )
    def evening_disclosures(context: dg.ScheduleEvaluationContext) -> Asked:
        if not live:
            return dg.SkipReason(f"profile {settings.profile.value} asks no sites; profile live does")
        if moments.busy(history(context), moments.of_schedule("evening_disclosures")):
            return dg.SkipReason("the run before this one goes on")
        moment = context.scheduled_execution_time.astimezone(dt.UTC)
        last = moments.went_through(history(context), "evening_disclosures")
        months = moments.months_since(moment, last, _LATE_FILINGS_DAYS)
        return dg.RunRequest(
            run_key=f"disclosures:{moment.astimezone(NEW_YORK):%Y-%m-%d}",
            tags={RANGE_FROM: months[0], RANGE_TO: months[1], TICK: moment.isoformat()},
        )

    def report(context: dg.ScheduleEvaluationContext, period: Period) -> Asked:
        moment = context.scheduled_execution_time.astimezone(dt.UTC)
        of = moments.ended(moment, period)
        tags = {REPORT: of}
        if moments.busy(history(context), tags) or history(context).get_runs(
            dg.RunsFilter(tags=tags, statuses=[dg.DagsterRunStatus.SUCCESS]), limit=1
        ):
            return dg.SkipReason(f"the report of {of} is written, or is being written")
        return dg.RunRequest(
            run_key=f"patterns:{of}:{moment.astimezone(NEW_YORK):%Y-%m-%d}", tags=tags | {TICK: moment.isoformat()}
        )

    @dg.schedule(
        name="weekly_patterns",
        job=patterns,
        cron_schedule="30 18 * * 1-5",
        execution_timezone=ZONE,
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description="In the evening of a week's last session: evidence, rankings and reports, and a copy of the "
        "pattern report named after the week. A week that was missed, or that failed, is written on the next "
        "working day.",
    )
    def weekly_patterns(context: dg.ScheduleEvaluationContext) -> Asked:
        return report(context, "week")

    @dg.schedule(
        name="monthly_patterns",
        job=patterns,
        cron_schedule="45 18 * * 1-5",
        execution_timezone=ZONE,
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description="In the evening of a month's last session: evidence, rankings and reports, and a copy of the "
        "pattern report named after the month. A month that was missed, or that failed, is written on the next "
        "working day.",
    )
    def monthly_patterns(context: dg.ScheduleEvaluationContext) -> Asked:
        return report(context, "month")

    return [market_sweep, market_monitor, news_poll, evening_disclosures, weekly_patterns, monthly_patterns]


def _key(moment: dt.datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%MZ}"
