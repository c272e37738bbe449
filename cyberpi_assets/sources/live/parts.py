"""Which parts profile live has, opened for one gathering: the one place where a part is added.

Belongs here: what the settings say of each part. A new part is a module beside this one with a class that is a
`LivePart`, and a line in `live_parts`. A part that only reads what another command has put on disk (sweeps of quotes,
news) is not remote, needs no client, and takes its folder from the settings.
"""

from __future__ import annotations

import importlib.metadata as metadata
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from cyberpi_assets.rules.asking import LiveRules
from cyberpi_assets.settings import Settings
from cyberpi_assets.sources.files.source import FileSources
from cyberpi_assets.sources.intake import Intake
from cyberpi_assets.sources.live.asking import Asking, Window
from cyberpi_assets.sources.live.house import HousePart
from cyberpi_assets.sources.live.house_clerk import HouseClerk
from cyberpi_assets.sources.live.legislators import Legislators
from cyberpi_assets.sources.live.newsstand import news_hosts, news_makers
from cyberpi_assets.sources.live.people import PeoplePart
from cyberpi_assets.sources.live.senate import SenatePart
from cyberpi_assets.sources.live.senate_efd import SenateEfd
from cyberpi_assets.sources.live.source import LivePart, Unasked
from cyberpi_assets.sources.live.sweeps import BarsPart, SweepPart
from cyberpi_assets.sources.live.troubles import NotAsked
from cyberpi_assets.sources.web.client import Clock, HostRules, PoliteClient

NO_CONTACT: Final = (
    "no site is asked without a mail address that it could write to: set CYBERPI_LIVE__CONTACT to yours; "
    "what was fetched before stays"
)
_NEW_YORK: Final = ZoneInfo("America/New_York")


@contextmanager
def live_parts(
    settings: Settings,
    months: tuple[str, str] | None = None,
    clock: Clock | None = None,
    names: Callable[[], Sequence[str]] = tuple,
) -> Generator[Sequence[LivePart]]:
    """The parts that the settings name, with one client among them.

    `months`: the first and last month (YYYY-MM) of filing that are asked for beside those of the settings. `names`:
    whose headlines are asked for where the settings name nobody.
    """
    rules = settings.live
    with client_of(settings, clock=clock) as client:
        today = client.clock.now().astimezone(_NEW_YORK).date()
        windows = [Window(rules.fetch_from, rules.fetch_until or today)]
        if months is not None:
            windows.append(Window.of_months(*months))
        asking = Asking(
            client, settings.fetched_dir, windows, today, rules.max_documents, rules.poll_minutes * 60, settings.ocr
        )
        makers: dict[str, Callable[[], LivePart]] = {
            "house": lambda: HousePart(HouseClerk(client, rules.house_url), asking),
            "senate": lambda: SenatePart(efd_of(client, rules), asking),
            "people": lambda: PeoplePart(Legislators(client, rules.people_url), client.cache),
            **news_makers(settings, client, names),
        }
        parts: list[LivePart] = [makers[name]() for name in dict.fromkeys(rules.parts)]
        parts += [makers[name]() for name in dict.fromkeys(settings.news.parts)]
        if rules.contact is None:
            parts = [Unasked(part.name, NO_CONTACT) for part in parts]
        if settings.data is not None or settings.incoming_dir.is_dir():
            parts.append(FolderPart(settings))
        parts += [SweepPart(settings.sweeps_dir), BarsPart(settings.bars_dir)]
        yield parts


def efd_of(client: PoliteClient, rules: LiveRules) -> SenateEfd:
    """The Senate's site, with the consent that the settings give or withhold."""
    return SenateEfd(client, rules.senate_url, accept_terms=rules.accept_senate_terms)


def client_of(settings: Settings, *, patient: bool = True, clock: Clock | None = None) -> PoliteClient:
    """A client for the official sites of the settings. One that is not patient gives up on a failing site soon."""
    rules = settings.live
    attempts, pause = (5, 120.0) if patient else (2, 5.0)
    host = HostRules(per_second=rules.per_second, attempts=attempts, max_pause=pause, fresh_for=rules.poll_minutes * 60)
    addresses = (rules.house_url, rules.senate_url, rules.senate_media_url, rules.people_url)
    hosts = news_hosts(settings, patient) | {urlsplit(address).netloc.lower(): host for address in addresses}
    agent = f"cyberpi-assets/{metadata.version('cyberpi-assets')} ({rules.contact or 'no contact'})"
    return PoliteClient(settings.fetched_dir, hosts, agent, clock or Clock())


class FolderPart:
    """A folder of bulk files beside the sites: the past from collections, the present from the chambers.

    Of two sources of one document `domain/documents.py` says which is believed.
    """

    name = "folder"
    remote = False

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def collect(self, intake: Intake, progress: Callable[[str], None]) -> Sequence[str]:
        """The units of all files in the folder. Raises NotAsked where there is no folder."""
        folder = self._settings.incoming_dir
        try:
            return FileSources(folder, intake, self._settings.max_file_bytes, self._settings.ocr).gather(progress).units
        except NotADirectoryError as error:
            raise NotAsked(str(error)) from None
