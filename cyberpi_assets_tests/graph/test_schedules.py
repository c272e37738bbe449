"""When the market is swept: on the exchange's calendar, in New York's time; such a run asks before it reads."""

from __future__ import annotations

import datetime as dt
from functools import cache, partial
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
from dagster._utils.schedules import schedule_execution_time_iterator

from cyberpi_assets.definitions import build_defs
from cyberpi_assets.orchestration.moments import TICK
from cyberpi_assets.orchestration.partitions import months_asked_for
from cyberpi_assets.orchestration.resources import resources_of, sources_of
from cyberpi_assets.orchestration.schedules import REPORT, opening_hours, schedules_of
from cyberpi_assets.orchestration.sweeping import (
    ASK,
    KEPT,
    QUOTES,
    SWEEP,
    AfterASweep,
    NoUniverse,
    last_closed_session,
    universe,
)
from cyberpi_assets.rules.asking import IbkrRules, MarketRules
from cyberpi_assets.settings import Profile, Settings
from cyberpi_assets_tests.sources.tws_gateway import World, serving

NEW_YORK = ZoneInfo("America/New_York")


@cache
def no_runs() -> dg.DagsterInstance:
    """A history without runs; making one takes half a second."""
    return dg.DagsterInstance.ephemeral()


def named(
    name: str, settings: Settings, now: dt.datetime | None = None, instance: dg.DagsterInstance | None = None
) -> dg.ScheduleDefinition:
    runs = instance or no_runs()
    made = schedules_of(settings) if now is None else schedules_of(settings, lambda: now, lambda _: runs)
    (schedule,) = [s for s in made if s.name == name]
    return schedule


def tick(
    local: str,
    profile: Profile = Profile.LIVE,
    name: str = "market_sweep",
    *,
    late: dt.timedelta = dt.timedelta(),
    instance: dg.DagsterInstance | None = None,
) -> dg.RunRequest | str:
    """What a schedule does at a tick of New York time that is evaluated so much later."""
    at = dt.datetime.fromisoformat(local).replace(tzinfo=NEW_YORK)
    settings = Settings(profile=profile, data=Path())  # pyright: ignore[reportCallIssue]
    schedule = named(name, settings, (at + late).astimezone(dt.UTC), instance)
    with dg.build_schedule_context(scheduled_execution_time=at) as context:
        result = schedule.evaluate_tick(context)
    if result.run_requests:
        (request,) = result.run_requests
        return request
    return result.skip_message or ""


@pytest.mark.parametrize("local", ["2026-07-14T09:30", "2026-07-14T12:00", "2026-07-14T16:00", "2026-11-27T13:00"])
def test_a_sweep_is_due_while_the_exchange_is_open(local: str) -> None:
    request = tick(local)
    assert isinstance(request, dg.RunRequest)
    assert request.tags[SWEEP] == ASK
    assert request.tags["dagster/asset_partition_range_start"] == local[:7]
    assert request.tags["dagster/asset_partition_range_end"] == local[:7]


@pytest.mark.parametrize(
    ("local", "reason"),
    [
        ("2026-07-03T11:00", "closed on 2026-07-03"),  # the Friday on which Independence Day is observed
        ("2026-11-26T11:00", "closed on 2026-11-26"),  # Thanksgiving
        ("2026-11-27T13:30", "closed at 13:00"),  # the half day after it
        ("2026-07-18T11:00", "closed on 2026-07-18"),  # a Saturday
        ("2026-07-14T09:00", "opens at 09:30"),
        ("2026-07-14T16:30", "closed at 16:00"),
    ],
)
def test_holidays_and_half_days_are_skipped_with_the_reason(local: str, reason: str) -> None:
    skipped = tick(local)
    assert isinstance(skipped, str)
    assert reason in skipped


def test_summer_time_of_new_york_decides() -> None:
    winter, summer = opening_hours(dt.date(2026, 1, 5)), opening_hours(dt.date(2026, 7, 6))
    assert winter is not None
    assert summer is not None
    assert (winter[0].hour, winter[0].minute, summer[0].hour) == (14, 30, 13)
    # the clocks change on 2026-03-08: half past nine is an hour earlier in UTC from then on
    assert isinstance(tick("2026-03-06T09:30"), dg.RunRequest)
    assert isinstance(tick("2026-03-09T09:30"), dg.RunRequest)


def test_the_same_moment_has_the_same_run_key() -> None:
    first, again, next_one = tick("2026-07-14T10:00"), tick("2026-07-14T10:00"), tick("2026-07-14T10:30")
    assert isinstance(first, dg.RunRequest)
    assert isinstance(again, dg.RunRequest)
    assert isinstance(next_one, dg.RunRequest)
    assert first.run_key == again.run_key != next_one.run_key


@pytest.mark.parametrize("profile", [Profile.DEMO, Profile.FILES])
def test_profiles_that_ask_nobody_are_not_swept(profile: Profile, tmp_path: Path) -> None:
    schedule = named("market_sweep", Settings(profile=profile, data=tmp_path))  # pyright: ignore[reportCallIssue]
    at = dt.datetime(2026, 7, 14, 11, tzinfo=NEW_YORK)
    with dg.build_schedule_context(scheduled_execution_time=at) as context:
        assert "asks no provider" in (schedule.evaluate_tick(context).skip_message or "")


def test_news_is_due_at_any_hour_and_covers_what_comes_late() -> None:
    saturday = tick("2026-07-18T03:05", name="news_poll")
    assert isinstance(saturday, dg.RunRequest)
    assert saturday.run_key == "news:2026-07-18T07:05Z"
    first_of_year = tick("2027-01-01T00:05", name="news_poll")
    assert isinstance(first_of_year, dg.RunRequest)
    span = [first_of_year.tags[f"dagster/asset_partition_range_{end}"] for end in ("start", "end")]
    assert span == ["2026-12", "2027-01"]
    assert months_asked_for(first_of_year.tags) is None  # no filings of whole months are fetched for it
    skipped = tick("2026-07-18T03:05", Profile.DEMO, "news_poll")
    assert isinstance(skipped, str)
    assert "asks no source" in skipped


def test_news_and_sweeps_end_in_warnings(tmp_path: Path) -> None:
    defs = build_defs(Settings(store=tmp_path))  # pyright: ignore[reportCallIssue]
    assert defs.resolve_schedule_def("news_poll").default_status is dg.DefaultScheduleStatus.STOPPED
    for job in ("news", "sweep", "hunt"):
        names = {key.to_user_string() for key in defs.resolve_job_def(job).asset_layer.executable_asset_keys}
        assert {"detector_signals", "fused_signals", "early_warnings", "warning_ledger"} <= names
        assert "daily_bars" not in names


def test_the_schedule_is_stopped_by_default_and_its_job_has_the_option_assets(tmp_path: Path) -> None:
    defs = build_defs(Settings(store=tmp_path))  # pyright: ignore[reportCallIssue]
    schedule = defs.resolve_schedule_def("market_sweep")
    assert schedule.default_status is dg.DefaultScheduleStatus.STOPPED
    names = {key.to_user_string() for key in defs.resolve_job_def("sweep").asset_layer.executable_asset_keys}
    assert {"source_files", "watchlist", "market_snapshots", "option_chains", "working_memory"} <= names
    assert not {"daily_bars", "official_evidence", "disclosed_trades"} & names


def test_ticks_of_a_day_are_the_half_hours_from_opening_to_close(tmp_path: Path) -> None:
    schedule = named("market_sweep", Settings(profile=Profile.LIVE, store=tmp_path))  # pyright: ignore[reportCallIssue]
    midnight = dt.datetime(2026, 7, 14, tzinfo=NEW_YORK)
    ticks: list[str] = []
    zone = "America/New_York"
    assert schedule.execution_timezone == zone
    for at in schedule_execution_time_iterator(midnight.timestamp(), schedule.cron_schedule, zone):
        if at.astimezone(NEW_YORK).date() != midnight.date():
            break
        ticks.append(f"{at.astimezone(NEW_YORK):%H:%M}")
    wanted = [f"{h:02d}:{m:02d}" for h in range(9, 17) for m in (0, 30) if (9, 30) <= (h, m) <= (16, 0)]
    assert ticks == wanted


# ------------------------------------------------------------------------------------- the others, and what is missed

HALF_DAY = "2026-11-27"  # the day after Thanksgiving closes at one


def ticks_of(name: str, day: str) -> dict[str, dg.RunRequest | str]:
    """All ticks of a schedule on a New York day, by their local time, and what it does at them."""
    schedule = named(name, Settings(profile=Profile.LIVE))  # pyright: ignore[reportCallIssue]
    midnight = dt.datetime.fromisoformat(day).replace(tzinfo=NEW_YORK)
    found: dict[str, dg.RunRequest | str] = {}
    zone = schedule.execution_timezone
    for at in schedule_execution_time_iterator(midnight.timestamp(), schedule.cron_schedule, zone):
        local = at.astimezone(NEW_YORK)
        if local.date() != midnight.date():
            return found
        found[f"{local:%H:%M}"] = tick(f"{local:%Y-%m-%dT%H:%M}", name=name)
    return found


@pytest.mark.parametrize(("day", "runs", "last"), [("2026-07-14", 79, "16:00"), (HALF_DAY, 43, "13:00")])
def test_the_monitor_looks_every_five_minutes_from_opening_to_close(day: str, runs: int, last: str) -> None:
    found = ticks_of("market_monitor", day)
    launched = [at for at, what in found.items() if isinstance(what, dg.RunRequest)]
    assert (launched[0], launched[-1], len(launched)) == ("09:30", last, runs)
    keys = {what.run_key for what in found.values() if isinstance(what, dg.RunRequest)}
    assert len(keys) == runs
    request = found["09:35"]
    assert isinstance(request, dg.RunRequest)
    assert (request.tags[SWEEP], request.tags["cyberpi/provider"]) == (QUOTES, "yahoo")
    assert set(ticks_of("market_monitor", "2026-11-26").values()) == {"the exchange is closed on 2026-11-26"}


@pytest.mark.parametrize("name", ["market_sweep", "market_monitor"])
def test_quotes_of_a_tick_that_was_missed_are_not_asked_for(name: str) -> None:
    """The daemon was down from the close of Tuesday to Wednesday morning: its newest missed tick is of Tuesday."""
    made_up = tick("2026-07-14T16:00", name=name, late=dt.timedelta(hours=15))
    assert isinstance(made_up, str)
    assert "missed at 2026-07-14 16:00, 900 minutes ago" in made_up
    assert isinstance(tick("2026-07-14T10:00", name=name, late=dt.timedelta(minutes=4)), dg.RunRequest)


def put(instance: dg.DagsterInstance, status: dg.DagsterRunStatus, **tags: str) -> None:
    instance.add_run(dg.DagsterRun(job_name="job", status=status, tags=tags))


@pytest.mark.parametrize("name", ["market_sweep", "market_monitor", "news_poll", "evening_disclosures"])
def test_a_run_that_goes_on_is_not_joined_by_the_next(name: str) -> None:
    instance = dg.DagsterInstance.ephemeral()
    at = "2026-07-14T21:30" if name == "evening_disclosures" else "2026-07-14T10:00"
    put(instance, dg.DagsterRunStatus.STARTED, **{"dagster/schedule_name": "another"})
    put(instance, dg.DagsterRunStatus.FAILURE, **{"dagster/schedule_name": name})
    assert isinstance(tick(at, name=name, instance=instance), dg.RunRequest)
    put(instance, dg.DagsterRunStatus.NOT_STARTED, **{"dagster/schedule_name": name})
    assert tick(at, name=name, instance=instance) == "the run before this one goes on"


def months(request: dg.RunRequest | str) -> tuple[str, str]:
    assert isinstance(request, dg.RunRequest)
    return request.tags["dagster/asset_partition_range_start"], request.tags["dagster/asset_partition_range_end"]


@pytest.mark.parametrize(
    ("name", "at", "usual", "after"),
    [
        ("news_poll", "2026-07-14T10:00", ("2026-07", "2026-07"), ("2026-03", "2026-07")),
        ("evening_disclosures", "2026-07-14T21:30", ("2026-06", "2026-07"), ("2026-02", "2026-07")),
    ],
)
def test_what_came_while_nothing_ran_is_covered_by_the_next_run(
    name: str, at: str, usual: tuple[str, str], after: tuple[str, str]
) -> None:
    """The last run that went through was of 2026-03-20; those since have failed."""
    instance, schedule = dg.DagsterInstance.ephemeral(), {"dagster/schedule_name": name}
    assert months(tick(at, name=name, instance=instance)) == usual
    put(instance, dg.DagsterRunStatus.SUCCESS, **schedule, **{TICK: "2026-03-20T14:00:00+00:00"})
    put(instance, dg.DagsterRunStatus.FAILURE, **schedule, **{TICK: "2026-07-10T14:00:00+00:00"})
    assert months(tick(at, name=name, instance=instance)) == after
    put(instance, dg.DagsterRunStatus.SUCCESS, **schedule, **{TICK: "2026-07-14T13:55:00+00:00"})
    assert months(tick(at, name=name, instance=instance)) == usual


def test_disclosures_are_fetched_each_evening_through_both_changes_of_the_clock() -> None:
    """Half past nine in New York is 02:30 UTC in winter and 01:30 in summer; the sites are asked for the months."""
    schedule = named("evening_disclosures", Settings(profile=Profile.LIVE))  # pyright: ignore[reportCallIssue]
    for first, hours in (("2026-03-06", [2, 2, 1, 1]), ("2026-10-30", [1, 1, 2, 2])):
        start = dt.datetime.fromisoformat(first).replace(tzinfo=NEW_YORK).timestamp()
        ticks = schedule_execution_time_iterator(start, schedule.cron_schedule, schedule.execution_timezone)
        found = [next(ticks) for _ in range(4)]
        assert [t.astimezone(dt.UTC).hour for t in found] == hours
        assert {f"{t.astimezone(NEW_YORK):%H:%M}" for t in found} == {"21:30"}
    request = tick("2027-01-01T21:30", name="evening_disclosures")
    assert months(request) == ("2026-12", "2027-01")
    assert isinstance(request, dg.RunRequest)
    assert request.run_key == "disclosures:2027-01-01"
    assert months_asked_for(request.tags) == ("2026-12", "2027-01")


@pytest.mark.parametrize(
    ("at", "week", "month"),
    [
        ("2026-04-01T18:30", "2026-W13", "2026-03"),  # Wednesday before Good Friday
        ("2026-04-02T18:30", "2026-W14", "2026-03"),  # Thursday: the week has no session more
        ("2026-07-31T18:30", "2026-W31", "2026-07"),  # a Friday, the month's last session
        ("2026-07-30T18:30", "2026-W30", "2026-06"),
        (f"{HALF_DAY}T18:30", "2026-W48", "2026-10"),
        ("2026-12-31T18:30", "2026-W53", "2026-12"),  # Thursday; the exchange is closed on New Year's Day
        ("2027-01-01T18:30", "2026-W53", "2026-12"),
        ("2027-01-04T18:30", "2026-W53", "2026-12"),
    ],
)
def test_reports_are_of_the_week_and_the_month_whose_last_session_has_closed(at: str, week: str, month: str) -> None:
    for name, period in (("weekly_patterns", week), ("monthly_patterns", month)):
        for profile in Profile:
            request = tick(at, profile, name)
            assert isinstance(request, dg.RunRequest)
            assert request.tags[REPORT] == period


def test_a_report_is_written_once_and_again_only_where_it_failed_or_was_missed() -> None:
    instance = dg.DagsterInstance.ephemeral()
    missed = tick("2026-07-20T18:30", name="weekly_patterns", instance=instance)  # Monday: Friday's tick was missed
    assert isinstance(missed, dg.RunRequest)
    put(instance, dg.DagsterRunStatus.FAILURE, **missed.tags)
    again = tick("2026-07-21T18:30", name="weekly_patterns", instance=instance)
    assert isinstance(again, dg.RunRequest)
    assert (again.tags[REPORT], again.run_key != missed.run_key) == ("2026-W29", True)
    put(instance, dg.DagsterRunStatus.STARTED, **again.tags)
    assert "2026-W29 is written" in str(tick("2026-07-22T18:30", name="weekly_patterns", instance=instance))
    put(instance, dg.DagsterRunStatus.SUCCESS, **again.tags)
    assert "2026-W29 is written" in str(tick("2026-07-23T18:30", name="weekly_patterns", instance=instance))
    friday = tick("2026-07-24T18:30", name="weekly_patterns", instance=instance)
    assert isinstance(friday, dg.RunRequest)
    assert friday.tags[REPORT] == "2026-W30"


def test_every_schedule_and_sensor_is_stopped_described_and_of_new_york(tmp_path: Path) -> None:
    defs = build_defs(Settings(store=tmp_path))  # pyright: ignore[reportCallIssue]
    repository = defs.get_repository_def()
    assert {s.name for s in repository.schedule_defs} == {
        "market_sweep", "market_monitor", "news_poll", "evening_disclosures", "weekly_patterns", "monthly_patterns",
    }  # fmt: skip
    for schedule in repository.schedule_defs:
        assert schedule.default_status is dg.DefaultScheduleStatus.STOPPED
        assert schedule.execution_timezone == "America/New_York"
        assert len(schedule.description or "") > 60
    for sensor in repository.sensor_defs:
        if sensor.name != "default_automation_condition_sensor":
            assert sensor.default_status is dg.DefaultSensorStatus.STOPPED
            assert len(sensor.description or "") > 60
    found = {key.to_user_string() for key in defs.resolve_job_def("news").asset_layer.executable_asset_keys}
    assert {"threat_highway", "knowledge_graph", "vector_index"} <= found


def live(store: Path, watched: Path, port: int, bars_from: dt.date | None = None) -> Settings:
    """Profile live with a gateway on this machine, and no official site."""
    gateway = IbkrRules(port=port, quiet_seconds=0.1, line_seconds=1.0, reconnects=0)  # pyright: ignore[reportCallIssue]
    market = MarketRules(provider="ibkr", ibkr=gateway, bars_from=bars_from)  # pyright: ignore[reportCallIssue]
    return Settings(profile=Profile.LIVE, store=store, watchlist=watched, universe="watchlist", market=market)  # pyright: ignore[reportCallIssue]


def test_a_run_that_was_asked_to_sweep_asks_once_and_then_has_the_answers(tmp_path: Path) -> None:
    watched = tmp_path / "watched.csv"
    watched.write_text("ticker,name,sector,reason\nAAA,Alpha,security,test\nBBB,Beta,banks,test\n")
    with serving(World.of("AAA")) as gateway:
        settings = live(tmp_path / "store", watched, gateway.port)
        sources = AfterASweep(partial(sources_of, settings, asks=False), settings)
        said: list[str] = []
        found = sources.gather(said.append)
        assert sources.gather().units == found.units
        assert gateway.seen.connections == 1
    assert found.facts("snapshot_facts").column("ticker").to_pylist() == ["AAA"]
    gaps = {(g["subject"], g["code"]) for g in found.facts("gap_facts").to_pylist() if g["source"] == "ibkr"}
    assert ("BBB", "200") in gaps
    assert any("of 2 names 1 with a quote" in words for words in said)
    assert universe(settings, partial(sources_of, settings, asks=False)) == ("AAA", "BBB")


def test_only_a_run_of_the_schedule_asks_and_only_in_profile_live(tmp_path: Path) -> None:
    """Who launches the job by hand with the tags of a schedule asks nobody for the invented names of the demo."""
    watched = tmp_path / "watched.csv"
    watched.write_text("ticker\nAAA\n")
    real, demo = live(tmp_path / "store", watched, 9), Settings(store=tmp_path / "demo")  # pyright: ignore
    for settings, tag, asks in ((real, ASK, True), (real, QUOTES, True), (real, KEPT, False), (demo, ASK, False)):
        maker = resources_of(settings)["sources"]
        assert isinstance(maker, dg.ResourceDefinition)
        run = dg.DagsterRun(job_name="sweep", tags={SWEEP: tag})
        with dg.build_init_resource_context() as context:
            context._dagster_run = run  # pyright: ignore[reportPrivateUsage, reportAttributeAccessIssue]
            assert isinstance(maker.resource_fn(context), AfterASweep) is asks


def test_nobody_watched_is_said_and_not_swept(tmp_path: Path) -> None:
    settings = live(tmp_path / "store", tmp_path / "watched.csv", 9)
    (tmp_path / "watched.csv").write_text("ticker\n")
    with pytest.raises(NoUniverse, match="nobody is watched"):
        universe(settings, partial(sources_of, settings, asks=False))


def test_daily_bars_are_asked_for_once_a_session_and_replaced_whole(tmp_path: Path) -> None:
    watched = tmp_path / "watched.csv"
    watched.write_text("ticker\nAAA\nBBB\n")
    world = World.of("AAA", "BBB")
    closed = last_closed_session(dt.datetime.now(dt.UTC))
    world.bars["AAA"] = [("20240102", 10.0, 11.0, 9.0, 10.5, 1000), (f"{closed:%Y%m%d}", 10.0, 12.0, 9.0, 11.0, 500)]
    with serving(world) as gateway:
        settings = live(tmp_path / "store", watched, gateway.port, dt.date(2024, 1, 2))
        first = AfterASweep(partial(sources_of, settings, asks=False), settings).gather()
        again = AfterASweep(partial(sources_of, settings, asks=False), settings).gather()
        asked = gateway.seen.count()
        assert (asked[("history", "AAA")], asked[("line", "AAA")]) == (1, 2)
    for found in (first, again):
        rows = found.facts("bar_facts").sort_by("session").to_pylist()
        assert [(r["ticker"], r["session"], r["close"]) for r in rows] == [
            ("AAA", dt.date(2024, 1, 2), 10.5), ("AAA", closed, 11.0),
        ]  # fmt: skip
    missing = {(g["subject"], g["code"]) for g in again.facts("gap_facts").to_pylist() if g["file"].startswith("bars/")}
    assert missing == {("BBB", "162")}


@pytest.mark.parametrize(
    ("moment", "closed"),
    [
        ("2026-07-14T16:30", "2026-07-13"),  # half an hour after the close: a delayed bar may not be whole
        ("2026-07-14T17:00", "2026-07-14"),
        ("2026-07-19T12:00", "2026-07-17"),  # a Sunday
        ("2026-11-27T14:00", "2026-11-27"),  # a half day
    ],
)
def test_a_bar_counts_from_an_hour_after_its_session(moment: str, closed: str) -> None:
    at = dt.datetime.fromisoformat(moment).replace(tzinfo=NEW_YORK)
    assert last_closed_session(at) == dt.date.fromisoformat(closed)
