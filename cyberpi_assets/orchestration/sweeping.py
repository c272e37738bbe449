"""Sweeps of the market within a profile: whom to ask, for which names, one at a time, and then the assets.

Here belongs what `cyberpi sweep` and the job `sweep` do. How a provider is asked is in `sources/providers/`; when the
job runs is in `schedules.py`.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import fcntl
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Final

import click
import numpy as np

from cyberpi_assets.domain.calendar import hours, sessions
from cyberpi_assets.domain.options.watchlist import watchlist
from cyberpi_assets.settings import Settings
from cyberpi_assets.sources.intake import Gathered, Sources
from cyberpi_assets.sources.providers.answers import MarketProvider
from cyberpi_assets.sources.providers.history import refresh
from cyberpi_assets.sources.providers.ibkr.provider import Ibkr
from cyberpi_assets.sources.providers.plan import SweepPlan, plan_sweep
from cyberpi_assets.sources.providers.sweep import Mode, Swept, run_sweep
from cyberpi_assets.sources.providers.yahoo.provider import Yahoo
from cyberpi_assets.storage.engine import connect
from cyberpi_assets.storage.lake import Lake
from cyberpi_assets.tables import COMPANIES, DAILY_BARS, TOP_TRADED_TICKERS, WATCHLIST

SWEEP: Final = "cyberpi/sweep"  # tag of a run: whether it asks the provider first, or what is there is enough
ASK, QUOTES, KEPT = "ask", "quotes", "kept"
# Yahoo has no figure of a whole chain that could fire; IBKR's cheap path has
COLLECTOR: Final = "collector"  # the list of names whose options are asked for
USUAL_MODE: Final[dict[str, Mode]] = {"yahoo": "full", "ibkr": "fired"}


class NoUniverse(Exception):
    """Nobody is watched yet, so there is nobody to ask for."""


def universe(settings: Settings, sources: Callable[[], Sources]) -> tuple[str, ...]:
    """Whom to ask for: the table `watchlist`, else the lists of `sources`, before a first run. Raises NoUniverse."""
    tickers = [ticker for ticker, _ in watched(settings, sources)]
    if not tickers:
        raise NoUniverse(
            "nobody is watched: no table watchlist and no list of names; run `cyberpi run`, or name --tickers"
        )
    return tuple(sorted(tickers))


def of_the_news(settings: Settings, sources: Callable[[], Sources]) -> tuple[str, ...]:
    """Of the watched, those whose headlines are asked for: all but those on the list `collector` alone; or none."""
    return tuple(sorted(ticker for ticker, lists in watched(settings, sources) if lists != [COLLECTOR]))


def watched(settings: Settings, sources: Callable[[], Sources]) -> list[tuple[str, list[str]]]:
    """Who is watched, and on which lists: the table `watchlist`, else the lists of `sources`, before a first run."""
    lake = Lake(settings.lake_root, storage_options=settings.lake_options)
    if lake.version(WATCHLIST.name) > 0:
        con = connect()
        try:
            lake.views(con)
            return con.execute("SELECT ticker, lists FROM watchlist").fetchall()
        finally:
            con.close()
    lists = sources().gather().facts("watchlist_facts")
    nothing = TOP_TRADED_TICKERS.empty(), COMPANIES.empty(), DAILY_BARS.empty()
    return [(row["ticker"], row["lists"]) for row in watchlist(lists, *nothing, settings.universe).to_pylist()]


def provider_of(settings: Settings) -> MarketProvider:
    """The provider that the settings choose."""
    if settings.market.provider == "ibkr":
        return Ibkr(settings.market.ibkr)
    return Yahoo(settings.market.yahoo, settings.data_dir / "providers")


def planned(settings: Settings, tickers: Sequence[str]) -> SweepPlan:
    """What a sweep would ask for, and how long the pace makes it take."""
    return plan_sweep(tuple(tickers), settings.market, settings.market.provider)


def sweep(
    settings: Settings,
    tickers: Sequence[str],
    progress: Callable[[str], None] | None = None,
    *,
    mode: Mode | None = None,
    provider: MarketProvider | None = None,
) -> Swept:
    """Ask the provider for every name, alone on this machine: a second sweep of the same provider waits for the first.

    What is asked for by two runs at once would count double against the provider's limits.
    """
    market = settings.market
    with _alone(settings):
        asked = provider or provider_of(settings)
        swept = run_sweep(
            asked,
            tickers,
            settings.sweeps_dir,
            market,
            mode=mode or USUAL_MODE[market.provider],
            now=lambda: dt.datetime.now(dt.UTC),
            patience=market.yahoo.patience,
            progress=progress,
        )
        if market.bars_from is not None and swept.stopped is None:
            closed = last_closed_session(dt.datetime.now(dt.UTC))
            why = refresh(asked, tickers, settings.bars_dir, market.bars_from, closed, progress)
            swept = dataclasses.replace(swept, stopped=why and f"daily bars: {why}")
        return swept


def last_closed_session(moment: dt.datetime) -> dt.date:
    """The newest session whose close has passed an hour ago: by then the day's bar is whole, also where it is delayed.

    Before it, the running session's bar would be kept as if it were the day's.
    """
    at = int(np.searchsorted(hours()[1], int((moment - dt.timedelta(hours=1)).timestamp() * 1_000_000), side="right"))
    return dt.date(1970, 1, 1) + dt.timedelta(days=int(sessions()[max(0, at - 1)]))


@contextmanager
def _alone(settings: Settings) -> Generator[None]:
    settings.sweeps_dir.mkdir(parents=True, exist_ok=True)
    with (settings.sweeps_dir / f".{settings.market.provider}.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


class AfterASweep:
    """Sources that ask the market provider before they are gathered for the first time; for a run that was asked to.

    `sources` makes the sources anew: those that were gathered before the sweep do not know it.
    """

    def __init__(
        self,
        sources: Callable[[], Sources],
        settings: Settings,
        mode: Mode | None = None,
        holding: Callable[[str], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        """`mode`: in place of the provider's usual one. `holding`: what is held while the provider is asked."""
        self._make, self._settings, self._holding = sources, settings, holding
        self._mode: Mode | None = mode
        self._swept: Sources | None = None

    def gather(self, progress: Callable[[str], None] | None = None) -> Gathered:
        """Sweep once, then gather. Raises NoUniverse."""
        if self._swept is None:
            names = universe(self._settings, self._make)
            with self._holding(self._settings.market.provider):
                swept = sweep(self._settings, names, progress, mode=self._mode)
            if progress is not None:
                progress(say(swept))
            self._swept = self._make()
        return self._swept.gather(progress)


def say(swept: Swept) -> str:
    """How a sweep ended, in a line."""
    asked = len(swept.sweep.about["tickers"])
    words = f"sweep {swept.sweep.id}: of {asked} names {swept.quoted} with a quote, {swept.chained} with a chain"
    if swept.missing:
        more = f" and {len(swept.missing) - 10} more" if len(swept.missing) > 10 else ""
        words += f"; without either, see source_gaps: {', '.join(swept.missing[:10])}{more}"
    return words + (f"; stopped early: {swept.stopped}" if swept.stopped else "")


def say_plan(plan: SweepPlan, mode: Mode, *, bars: bool) -> None:
    """Print what each way to sweep would ask for, and mark the one that would be taken, and the bars with it."""
    taken = {
        ("yahoo", "quotes"): "yahoo quotes",
        ("yahoo", "fired"): "yahoo quotes",
        ("yahoo", "full"): "yahoo chains",
        ("ibkr", "quotes"): "ibkr cheap",
        ("ibkr", "fired"): "ibkr fired",
        ("ibkr", "full"): "ibkr full",
    }[(plan.provider, mode)]
    click.echo(f"{len(plan.tickers)} names; a dry run asks nobody\n")
    click.echo(f"  {'way':<14}{'requests':>10}{'time':>10}{'lines':>8}  what it brings")
    for path in plan.paths:
        mark = "*" if path.name == taken else "+" if path.name == "daily bars" and bars else " "
        minutes, seconds = divmod(round(path.seconds), 60)
        time = f"{minutes} min {seconds:02d} s" if minutes else f"{seconds} s"
        click.echo(f"{mark} {path.name:<14}{path.requests:>10,}{time:>13}{path.most_lines:>5}  {path.brings}")
    click.echo("\n* this one, + once a day with it; requests are messages for IBKR; times are those of the pace alone")
