"""Sensors: what starts runs by itself. They are stopped until somebody starts them.

Belongs here: which runs new filings ask for; what is new is found in `sources/live/poll.py`. New files are seen by
`incoming.py`, and people are told by `telling.py`.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Final
from zoneinfo import ZoneInfo

import dagster as dg

from cyberpi_assets.orchestration.incoming import incoming_sensor
from cyberpi_assets.orchestration.jobs import disclosures
from cyberpi_assets.orchestration.partitions import MONTHS, RANGE_FROM, RANGE_TO
from cyberpi_assets.orchestration.telling import telling_sensors
from cyberpi_assets.settings import Profile, Settings
from cyberpi_assets.sources.live.parts import client_of
from cyberpi_assets.sources.live.poll import Cursor, Listed, poll

EVERY_SECONDS: Final = 1_800
_NAMED: Final = 5
_NEW_YORK: Final = ZoneInfo("America/New_York")


def sensors_of(settings: Settings) -> list[dg.SensorDefinition]:
    """The sensors of the house, for these settings."""

    @dg.sensor(
        name="new_filings",
        job=disclosures,
        minimum_interval_seconds=EVERY_SECONDS,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description="Looks at the indexes of the House and the Senate, and starts a run over the months of filings "
        "that are new. Only profile live asks sites; the cursor says which filings were seen.",
    )
    def new_filings(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        if settings.profile is not Profile.LIVE:
            return dg.SkipReason(f"profile {settings.profile.value} asks no sites; profile live does")
        today = dt.datetime.now(_NEW_YORK).date()
        before = Cursor.of_text(context.cursor)
        with client_of(settings, patient=False) as client:
            found = poll(client, settings.live, before, today)
        for problem in found.problems:
            context.log.warning(problem)
        cursor = context.cursor if found.cursor == before else found.cursor.as_text()
        requests = list(_requests(found.new))
        if requests:
            return dg.SensorResult(run_requests=requests, cursor=cursor)
        words = "; ".join(found.problems) or "no filing that was not seen before"
        return dg.SensorResult(skip_reason=dg.SkipReason(words), cursor=cursor)

    return [new_filings, incoming_sensor(settings), *telling_sensors(settings)]


def _requests(new: Iterable[Listed]) -> Iterator[dg.RunRequest]:
    """A run for each stretch of months that follow each other; the same filings have the same run key."""
    by_month: dict[str, list[str]] = {}
    every = MONTHS.get_partition_keys()
    for listed in new:
        month = f"{listed.filed_on:%Y-%m}" if listed.filed_on else every[0]
        by_month.setdefault(min(max(month, every[0]), every[-1]), []).append(listed.filing_id)
    for stretch in _stretches(sorted(by_month), every):
        filings = sorted(f for month in stretch for f in by_month[month])
        named = ", ".join(filings[:_NAMED]) + (f" and {len(filings) - _NAMED} more" if len(filings) > _NAMED else "")
        yield dg.RunRequest(
            run_key="filings:" + hashlib.sha256("|".join(filings).encode()).hexdigest()[:24],
            tags={RANGE_FROM: stretch[0], RANGE_TO: stretch[-1], "cyberpi/new_filings": named},
        )


def _stretches(months: Sequence[str], every: Sequence[str]) -> Iterator[list[str]]:
    """Months in order, split where one between is not among them."""
    place = {month: i for i, month in enumerate(every)}
    stretch: list[str] = []
    for month in months:
        if stretch and place[month] != place[stretch[-1]] + 1:
            yield stretch
            stretch = []
        stretch.append(month)
    if stretch:
        yield stretch
