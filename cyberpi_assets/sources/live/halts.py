"""Trading halts as a part of profile live: Nasdaq's feed, which covers all US listings.

Belongs here: that a page of HTML, or a feed whose own count differs, is an error and never "no halts".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from cyberpi_assets.sources.events.halts import read_halts_rss
from cyberpi_assets.sources.intake import Intake
from cyberpi_assets.sources.live.shelf import Shelf
from cyberpi_assets.sources.live.troubles import Troubles, in_words
from cyberpi_assets.sources.rows import Origin, Unreadable
from cyberpi_assets.sources.web import errors as e
from cyberpi_assets.sources.web.client import Answer, PoliteClient

NAME: Final = "halts"
FEED: Final = "/rss.aspx?feed=tradehalts"
FRESH_SECONDS: Final = 60.0  # the feed asks to be read once a minute at most


class HaltsPart:
    """The present list of halts at each poll; a unit per day."""

    name = NAME
    remote = True

    def __init__(self, client: PoliteClient, base: str, folder: Path) -> None:
        self._client, self._url = client, base.rstrip("/") + FEED
        self._shelf = Shelf(folder, NAME, "halt_facts", "halts")

    def collect(self, intake: Intake, progress: Callable[[str], None]) -> Sequence[str]:
        """As `LivePart` says."""
        troubles = Troubles(NAME)
        progress("trading halts")
        try:
            raw = self._client.get(self._url, fresh="validated", check=_whole)
            reading = read_halts_rss(raw.body(), Origin(f"live:{NAME}"), raw.validated_at, whole=True)
            self._shelf.add([reading], self._client.clock.now())
        except e.FetchError as error:
            troubles.fail(error)
            troubles.miss("halts", "halts", in_words(error), retryable=error.again, code=type(error).__name__)
        return [*self._shelf.units(intake), *troubles.units(intake)]


def _whole(answer: Answer) -> None:
    try:
        read_halts_rss(answer.body, Origin(NAME), whole=True)
    except Unreadable as error:
        raise e.NotADocument(answer.url, str(error)) from None
