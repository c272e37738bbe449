"""What must hold of data as data: fresh by their own dates, complete against the calendar, like the year before.

The rules are in `domain/quality/`, the thresholds in the settings. Only what would let a figure look ahead blocks; what
is late, missing or changed is a warning, for scores say themselves what they do not know.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from zoneinfo import ZoneInfo

import dagster as dg

from cyberpi_assets.assets.disclosures import filings
from cyberpi_assets.assets.market import daily_bars
from cyberpi_assets.checks.recorded import Subject, Verdict, check
from cyberpi_assets.domain.quality import completeness, drift
from cyberpi_assets.domain.quality.freshness import Unit, day_of_asking, fresh
from cyberpi_assets.orchestration.partitions import MONTHS
from cyberpi_assets.rules.figures import QualityRules
from cyberpi_assets.settings import Profile, Settings

_NEW_YORK = ZoneInfo("America/New_York")

# table: the date that tells how new it is, in what it is counted, and how much it may lag
FRESH: dict[str, tuple[str, Unit, Callable[[QualityRules], int]]] = {
    "daily_bars": ("session", "sessions", lambda rules: rules.bar_sessions),
    "market_snapshots": ("session", "sessions", lambda rules: rules.option_sessions),
    "option_chains": ("session", "sessions", lambda rules: rules.option_sessions),
    "filings": ("filed_on", "days", lambda rules: rules.filing_days),
    "disclosed_trades": ("filed_on", "days", lambda rules: rules.filing_days),
    "news_items": ("published_on", "days", lambda rules: rules.news_days),
}


def asked_on(settings: Settings) -> dt.date:
    """The day that data are held against."""
    last = settings.demo_months[1] if settings.profile is Profile.DEMO else None
    return day_of_asking(last, settings.quality.as_of, dt.datetime.now(_NEW_YORK).date())


def _freshness(table: str) -> dg.AssetChecksDefinition:
    column, unit, most = FRESH[table]

    def fresh_by_data_date(subject: Subject) -> Verdict:
        asked = asked_on(subject.settings)
        with subject.engine(table) as con:
            found = con.execute(
                f"SELECT max({column}) FILTER ({column} <= $asked), count(*) FILTER ({column} > $asked) FROM {table}",
                {"asked": asked},
            ).fetchone()
        newest, later = found or (None, 0)
        return fresh(newest, int(later), asked, unit, most(subject.settings.quality))

    return check(
        dg.AssetKey(table),
        blocking=False,
        more=f"The newest {column} lies few enough {unit} behind the day of asking; of the data, not of the run.",
    )(fresh_by_data_date)


@check(daily_bars, blocking=True, more="No bar is of a session after today in New York: nothing is known ahead.")
def no_bar_of_the_future(subject: Subject) -> Verdict:
    today = max(asked_on(subject.settings), dt.datetime.now(_NEW_YORK).date())
    return subject.counts(
        "SELECT month, count(*) AS bars, count(*) FILTER (session > $today) AS of_the_future "
        "FROM daily_bars GROUP BY month",
        "daily_bars",
        harmless=("bars",),
        params={"today": today},
    )


@check(
    daily_bars,
    blocking=False,
    more="In each month nearly all sessions of all tickers have a bar, between a ticker's first and last one.",
)
def sessions_and_tickers_complete(subject: Subject) -> Verdict:
    with subject.engine("daily_bars") as con:
        return completeness.complete(completeness.bar_cells(con.table("daily_bars")), subject.settings.quality)


@check(
    filings,
    blocking=False,
    more="Every month has a filing of each chamber, between that chamber's first month and its last.",
)
def every_month_has_filings(subject: Subject) -> Verdict:
    with subject.engine("filings") as con:
        return completeness.months_of_filings(con.table("filings"), asked_on(subject.settings))


def _drift(table: str) -> dg.AssetChecksDefinition:
    def like_the_year_before(subject: Subject) -> Verdict:
        rules, every = subject.settings.quality, MONTHS.get_partition_keys()
        wanted: list[str] | None = None
        if subject.months is not None:  # the months judged, and those they are held against
            first, last = (every.index(m) for m in subject.months)
            wanted = list(every[max(0, first - rules.drift_months) : last + 1])
        with subject.engine() as con:
            subject.lake.relation(con, table, wanted).create_view(table)
            counts = con.sql(drift.banded(table)).to_arrow_table()
        return drift.steady(counts, table, rules, subject.months)

    return check(
        dg.AssetKey(table),
        blocking=False,
        more="The newest month with enough rows is spread as the year before it (PSI): "
        + ", ".join(drift.BANDS[table])
        + ".",
    )(like_the_year_before)


CHECKS = [
    *map(_freshness, FRESH),
    no_bar_of_the_future,
    sessions_and_tickers_complete,
    every_month_has_filings,
    *map(_drift, drift.BANDS),
]
