"""Legislators, committees and their seats, as the public list of congress-legislators publishes them (CC0)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from cyberpi_assets.sources.web.cache import RawDocument
from cyberpi_assets.sources.web.client import PoliteClient, begins_with

SITE: Final = "https://unitedstates.github.io/congress-legislators"
FILES: Final = (
    "legislators-current.json",
    "legislators-historical.json",
    "committees-current.json",
    "committee-membership-current.json",
)


class Legislators:
    """The four files through a polite client; each is validated at every poll and kept in every version."""

    def __init__(self, client: PoliteClient, base: str = SITE) -> None:
        self._client = client
        self._base = base.rstrip("/")

    def files(self) -> Iterator[tuple[str, RawDocument]]:
        """(file name, document) of the four lists. Raises the errors of `sources.web.errors`."""
        for name in FILES:
            yield name, self.file(name)

    def file(self, name: str) -> RawDocument:
        """One list, by its file name. Raises the errors of `sources.web.errors`."""
        check = begins_with(b"[", b"{", b"\n[", b"\n{", what="JSON")
        return self._client.get(f"{self._base}/{name}", fresh="validated", check=check)

    def kept(self, name: str) -> RawDocument | None:
        """One list if it is kept already; no request."""
        return self._client.cache.find(f"{self._base}/{name}")
