"""Resources: the lake, the engine, the sources and the Redis of a profile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from functools import partial

import dagster as dg
import duckdb

from cyberpi_assets.domain.options.watchlist import FILE_LIST
from cyberpi_assets.orchestration.check_log import check_log
from cyberpi_assets.orchestration.partitions import months_asked_for
from cyberpi_assets.orchestration.pools import Holding, holding_of, holding_part_of
from cyberpi_assets.orchestration.sweeping import KEPT, QUOTES, SWEEP, AfterASweep, of_the_news
from cyberpi_assets.settings import Profile, Settings
from cyberpi_assets.sources.demo.source import DemoSources
from cyberpi_assets.sources.files.source import FileSources
from cyberpi_assets.sources.intake import Gathered, Intake, Sources
from cyberpi_assets.sources.live.parts import live_parts
from cyberpi_assets.sources.live.source import LiveSources
from cyberpi_assets.sources.watched import WatchedList, WithLists
from cyberpi_assets.storage.duckdb_io import LakeIOManager
from cyberpi_assets.storage.engine import connect
from cyberpi_assets.storage.lake import Lake
from cyberpi_assets.storage.redis_io import RedisIOManager


def sources_of(
    settings: Settings,
    months: tuple[str, str] | None = None,
    *,
    asks: bool = True,
    holding: Holding = nullcontext,
) -> Sources:
    """Where facts come from in this profile.

    Profile live also asks for the filings of `months` (first and last); without `asks` it asks no site. `holding`:
    what is held while a part of profile live is asked, by its name.
    """
    intake = Intake(settings.intake_dir)
    lists = watched_lists(settings)
    of_profile = _of_profile(settings, intake, months, asks, holding)
    return WithLists(of_profile, intake, lists) if lists else of_profile


def watched_lists(settings: Settings) -> list[WatchedList]:
    """The files with lists of watched names; the default one may be missing, one that a person named may not."""
    lists: list[WatchedList] = []
    if (path := settings.watchlist_path) is not None:
        lists.append(WatchedList(path, wanted=settings.watchlist is not None))
    if settings.universe_file is not None:
        lists.append(WatchedList(settings.universe_file, (FILE_LIST,)))
    return lists


def news_names(settings: Settings) -> tuple[str, ...]:
    """Whose headlines Yahoo and IBKR are asked for, where the settings name nobody: who is watched, or nobody.

    The table `watchlist`, which is the universe of the settings; before a first run the lists alone.
    """
    intake = Intake(settings.intake_dir)
    lists = WithLists(_Nothing(intake), intake, watched_lists(settings))
    return of_the_news(settings, lambda: lists)


class _Nothing:
    """A source of no facts, for lists that stand alone: those of the profile are in the middle of their gathering."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake

    def gather(self, progress: Callable[[str], None] | None = None) -> Gathered:  # noqa: ARG002
        """No units."""
        return Gathered(self._intake, ())


def _of_profile(
    settings: Settings, intake: Intake, months: tuple[str, str] | None, asks: bool, holding: Holding
) -> Sources:
    if settings.profile is Profile.LIVE:
        parts = partial(live_parts, settings, months, names=partial(news_names, settings))
        return LiveSources(intake, settings.fetched_dir, parts, asks=asks, holding=holding)
    if settings.profile is Profile.FILES:
        assert settings.data is not None
        return FileSources(settings.data, intake, settings.max_file_bytes, settings.ocr)
    return DemoSources(intake, settings.demo_seed, *settings.demo_months)


def lake_of(settings: Settings) -> Lake:
    """The lake of this profile."""
    return Lake(settings.lake_root, storage_options=settings.lake_options)


def resources_of(settings: Settings) -> dict[str, object]:
    """Everything the assets ask for, by name. Nothing is opened before a run needs it."""
    lake = lake_of(settings)
    return {
        "settings": settings,
        "sources": _sources_of_a_run(settings),
        "lake": lake,
        "check_log": check_log,
        "engine": _engine_of(settings),
        "io_manager": LakeIOManager(lake, settings.duckdb_memory_limit, settings.duckdb_threads, settings.spill_dir),
        "redis_io_manager": RedisIOManager(settings),
        # what the ops of one asset hand to each other; kept with the run's history
        "op_io_manager": dg.FilesystemIOManager(),
    }


def _sources_of_a_run(settings: Settings) -> dg.ResourceDefinition:
    """The sources of the profile, one state of them for a whole run."""

    @dg.resource(description="Where facts come from in this profile; in profile live, the months of the run as well.")
    def sources(context: dg.InitResourceContext) -> Sources:
        run, instance = context.run, context.instance
        tags = run.tags if run is not None else {}
        if SWEEP in tags:  # of quotes and chains: the official sites have schedules of their own
            kept = partial(sources_of, settings, asks=False)
            if run is None or tags[SWEEP] == KEPT or settings.profile is not Profile.LIVE:
                return kept()
            hold = holding_of(instance, run.run_id) if instance is not None else nullcontext
            return AfterASweep(kept, settings, "quotes" if tags[SWEEP] == QUOTES else None, hold)
        part = holding_part_of(instance, run.run_id) if instance is not None and run is not None else nullcontext
        return sources_of(settings, months_asked_for(tags), holding=part)

    return sources


def _engine_of(settings: Settings) -> dg.ResourceDefinition:
    @dg.resource(description="A DuckDB engine in memory for set work on what sources gave.")
    def engine() -> Iterator[duckdb.DuckDBPyConnection]:
        con = connect(settings.duckdb_memory_limit, settings.duckdb_threads, settings.spill_dir)
        try:
            yield con
        finally:
            con.close()

    return engine
