"""The Clerk of the House: yearly indexes and disclosure documents, as served.

No agreement, cookie or key. What an index or a PDF says is in `sources/house/`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final, Protocol

from cyberpi_assets.sources.web import errors as e
from cyberpi_assets.sources.web.cache import RawDocument
from cyberpi_assets.sources.web.client import PoliteClient, begins_with

SITE: Final = "https://disclosures-clerk.house.gov"
FIRST_YEAR: Final = 2008
_DOC_ID = re.compile(r"\d{1,12}")


class Entry(Protocol):
    """What an index row has to say for its document to be fetched."""

    @property
    def doc_id(self) -> str:
        """DocID, digits."""
        ...

    @property
    def year(self) -> int:
        """The row's own Year, which is the year of the address; not the year of its filing date."""
        ...

    @property
    def filing_type(self) -> str:
        """The Clerk's letter; P is a periodic transaction report."""
        ...


class HouseClerk:
    """Raw documents of the House Clerk through a polite client; `base` is the site's address."""

    def __init__(self, client: PoliteClient, base: str = SITE) -> None:
        self._client = client
        self._base = base.rstrip("/")

    def index(self, year: int, *, poll: bool) -> RawDocument:
        """One year's index, a ZIP. With `poll` the site is asked whether the kept one is current.

        Raises Missing for a year without index, NotADocument for HTML, and the other errors of `sources.web.errors`.
        """
        zipped = begins_with(b"PK\x03\x04", b"PK\x05\x06", what="a ZIP")
        return self._client.get(self._index_url(year), fresh="validated" if poll else "kept", check=zipped)

    def kept_index(self, year: int) -> RawDocument | None:
        """One year's index if it is kept already; no request."""
        return self._client.cache.find(self._index_url(year))

    def _index_url(self, year: int) -> str:
        return f"{self._base}/public_disc/financial-pdfs/{year:04d}FD.zip"

    def indexes(self, years: Iterable[int], *, this_year: int) -> Iterator[tuple[int, RawDocument]]:
        """(year, index) of each year; this year's and last year's are polled, as late filings still join the latter."""
        for year in years:
            yield year, self.index(year, poll=year >= this_year - 1)

    def url(self, entry: Entry) -> str:
        """The address of an entry's document. Raises Refused when the entry's DocID or year is none."""
        folder = "ptr-pdfs" if entry.filing_type.strip().upper() == "P" else "financial-pdfs"
        url = f"{self._base}/public_disc/{folder}/{entry.year}/{entry.doc_id}.pdf"
        if not _DOC_ID.fullmatch(entry.doc_id) or not FIRST_YEAR <= entry.year <= 2100:
            raise e.Refused(self._base, "the index entry has no usable document id or year")
        return url

    def document(self, entry: Entry) -> RawDocument:
        """The entry's PDF, asked for once and then kept.

        Raises Missing (the site has none), NotADocument (HTML under the PDF's address), and the other errors.
        """
        return self._client.get(self.url(entry), check=begins_with(b"%PDF-", what="a PDF"))

    def kept(self, entry: Entry) -> RawDocument | None:
        """The entry's PDF if it is kept already; no request."""
        return self._client.cache.find(self.url(entry))
