"""Filings with the SEC as a part of profile live: 8-Ks of the current feed, and cyber filings by full-text search.

Belongs here: what EDGAR is asked and what its refusals mean. At most five requests a second go to all its hosts
together, each with a name and a mail address; a breach blocks the address for ten minutes. Formats are in
`sources/events/edgar.py`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit

import pyarrow as pa

from cyberpi_assets.sources.events import edgar as formats
from cyberpi_assets.sources.files.content import decode, load_json
from cyberpi_assets.sources.intake import Intake
from cyberpi_assets.sources.live.shelf import Shelf
from cyberpi_assets.sources.live.troubles import LEFT, Troubles, in_words
from cyberpi_assets.sources.rows import Origin, Reading, Unreadable
from cyberpi_assets.sources.web import errors as e
from cyberpi_assets.sources.web.client import Answer, PoliteClient

NAME: Final = "edgar"
PAGE: Final = 100
MOST_PAGES: Final = 5  # of the current feed in one poll; a later page has gone wrong before
DAYS_BACK: Final = 5  # days that the search looks back: filings are indexed some hours late
HOSTS: Final = 3  # that share the limit on requests
PER_SECOND: Final = 5.0
WORDS: Final = '"cybersecurity incident" OR "unauthorized access" OR "ransomware"'


@dataclass(frozen=True)
class SecAddresses:
    """Where EDGAR's parts are."""

    www: str
    search: str


def refusal(blocked: e.Blocked) -> e.FetchError:
    """What a 403 of EDGAR means, by its body: too fast, not named, or a file that is not there yet."""
    body = blocked.body.lower()
    if b"request rate threshold" in body:
        return e.Unavailable(blocked.url, "EDGAR says that we ask too fast; it is left alone", 600.0)
    if b"undeclared automated tool" in body:
        told = e.Blocked(blocked.url, "EDGAR wants a name and a mail address: set CYBERPI_LIVE__CONTACT")
        told.body = blocked.body
        return told
    if b"accessdenied" in body:
        return e.Missing(blocked.url, "the file is not there yet")
    return blocked


class EdgarPart:
    """8-Ks as they are listed; a unit per day."""

    name = NAME
    remote = True

    def __init__(self, client: PoliteClient, addresses: SecAddresses, contact: str, folder: Path, most: int) -> None:
        self._client, self._at, self._most = client, addresses, most
        self._headers = {"User-Agent": f"CyberPI Assets {contact}"}
        self._shelf = Shelf(folder, NAME, "company_filing_facts", "company_filings")

    def collect(self, intake: Intake, progress: Callable[[str], None]) -> Sequence[str]:
        """As `LivePart` says."""
        troubles, readings = Troubles(NAME), list[Reading]()
        try:
            readings += self._current(progress)
            searched = list(self._searched(progress))
            readings += self._with_text(searched, troubles, progress)
        except e.FetchError as error:
            troubles.fail(error)
            troubles.miss("8-K", "filings", in_words(error), retryable=error.again, code=type(error).__name__)
        self._shelf.add(readings, self._client.clock.now())
        return [*self._shelf.units(intake), *troubles.units(intake)]

    # --------------------------------------------------------------------------------------------------------- asking

    def _ask(self, url: str, check: Callable[[Answer], None], *, kept: bool = False) -> tuple[bytes, dt.datetime]:
        """One document. Raises the errors of the client, a 403 as what it means."""
        try:
            fresh: Any = "kept" if kept else "validated"
            raw = self._client.get(url, fresh=fresh, check=check, headers=self._headers)
        except e.Blocked as blocked:
            raise refusal(blocked) from None
        return raw.body(), raw.validated_at

    def _current(self, progress: Callable[[str], None]) -> Iterator[Reading]:
        """Pages of the current feed, newest first, until one brings nothing that the page before did not."""
        seen: set[str] = set()
        for page in range(MOST_PAGES):
            progress(f"current 8-Ks, page {page + 1}")
            url = (
                f"{self._at.www}/cgi-bin/browse-edgar?action=getcurrent&type=8-K&owner=include"
                f"&count={PAGE}&start={page * PAGE}&output=atom"
            )
            body, at = self._ask(url, _reads(formats.read_current))
            reading = formats.read_current(body, Origin(f"live:{NAME}/current"), at)
            found = set(_column(reading, "accession"))
            yield reading
            if reading.rows_read is None or reading.rows_read < PAGE // 2 or found <= seen:
                return
            seen |= found

    def _searched(self, progress: Callable[[str], None]) -> Iterator[Reading]:
        """Hits of Item 1.05, and of cyber words under 7.01 and 8.01."""
        today = self._client.clock.now().date()
        days = f"dateRange=custom&startdt={today - dt.timedelta(days=DAYS_BACK)}&enddt={today}"
        for items, words in (("1.05", ""), ("7.01", WORDS), ("8.01", WORDS)):
            progress(f"8-Ks with Item {items}")
            url = f"{self._at.search}/LATEST/search-index?q={quote(words)}&forms=8-K&items={items}&{days}"
            body, at = self._ask(url, _reads(_search))
            yield formats.read_search(load_json(decode(body)[0]), Origin(f"live:{NAME}/search"), at, cyber=bool(words))

    def _with_text(
        self, readings: list[Reading], troubles: Troubles, progress: Callable[[str], None]
    ) -> Iterator[Reading]:
        """The hits with the beginning of their documents; each document is fetched once."""
        texts: dict[str, str | None] = {}  # a filing is found by several searches
        for reading in readings:
            rows: list[dict[str, Any]] = _table(reading).to_pylist()
            for row in rows:
                if row["url"] is None or not row["url"].endswith((".htm", ".html", ".txt")):
                    continue
                if row["url"] not in texts:
                    if len(texts) >= self._most:
                        troubles.miss(row["accession"], "filings", LEFT.format(self._most), retryable=True)
                        continue
                    progress(row["accession"])
                    texts[row["url"]] = self._text(row["accession"], row["url"], troubles)
                row["text"] = texts[row["url"]]
            reading.facts["company_filing_facts"] = pa.Table.from_pylist(rows, schema=_table(reading).schema)
            yield reading

    def _text(self, accession: str, url: str, troubles: Troubles) -> str | None:
        """The beginning of a document; None, and a gap, where it cannot be had. Raises Unavailable."""
        try:
            body, _ = self._ask(self._at.www + urlsplit(url).path, _any, kept=True)
        except e.Unavailable:
            raise
        except e.FetchError as error:
            code = type(error).__name__
            troubles.miss(accession, "filings", in_words(error), retryable=error.again, code=code)
            return None
        return formats.text_of(body)


def _any(_: Answer) -> None:
    """Every document."""


def _search(data: bytes, origin: Origin) -> Reading:
    return formats.read_search(load_json(decode(data)[0]), origin)


def _reads(read: Callable[[bytes, Origin], Reading]) -> Callable[[Answer], None]:
    """A check that an answer is what it should be: HTML in place of XML or JSON is an error."""

    def check(answer: Answer) -> None:
        try:
            read(answer.body, Origin(NAME))
        except Unreadable as error:
            raise e.NotADocument(answer.url, str(error)) from None

    return check


def _table(reading: Reading) -> pa.Table:
    table = reading.facts["company_filing_facts"]
    assert isinstance(table, pa.Table)
    return table


def _column(reading: Reading, name: str) -> list[str]:
    values: list[Any] = _table(reading).column(name).to_pylist()
    return [str(v) for v in values]
