"""The Senate's eFD site: its agreement, its search, its reports and their images, as served.

The site shows reports only to a session that has accepted its terms. The terms are a person's to accept: without
`accept_terms` nothing is asked. What an answer says is read by `sources/senate/`.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from lxml import html

from cyberpi_assets.sources.rows import Unreadable
from cyberpi_assets.sources.senate.page import SenatePtr, is_lapsed
from cyberpi_assets.sources.senate.search import SearchPage, SearchRow, read_search
from cyberpi_assets.sources.web import errors as e
from cyberpi_assets.sources.web.cache import RawDocument
from cyberpi_assets.sources.web.client import REDIRECTS, Answer, PoliteClient, begins_with

SITE: Final = "https://efdsearch.senate.gov"
EARLIEST: Final = dt.date(2012, 1, 1)
PAGE: Final = 100  # the longest page the site serves
PTR: Final = 11
SENATORS: Final = (1, 5)  # senators and former senators
MAX_PAGES: Final = 1_000
TERMS: Final = (
    "the Senate shows these reports only to a person who has accepted the terms on its page. They restate "
    "5 U.S.C. 13107(c): no use for an unlawful purpose, for a commercial purpose other than news to the public, for "
    "determining a credit rating, or for soliciting money. Read them there; if you accept them, say so in the settings"
)
_T = TypeVar("_T")


@dataclass(frozen=True)
class SearchResult:
    """A whole search: its rows, each report once, in order of submission; unreadable rows; answers as served.

    `stated` is the site's own count, null where it gives none; `repeated` how many of these name a report again.
    """

    rows: tuple[SearchRow, ...]
    unreadable: tuple[tuple[int, str], ...]
    answers: tuple[RawDocument, ...]
    stated: int | None
    repeated: int


class SenateEfd:
    """A session with the eFD site through a polite client."""

    def __init__(self, client: PoliteClient, base: str = SITE, *, accept_terms: bool = False) -> None:
        """`accept_terms` is a person's knowing consent to the site's terms, never a default of ours."""
        self._client = client
        self._base = base.rstrip("/")
        self._accept_terms = accept_terms
        self._agreed = False

    # ------------------------------------------------------------------------------------------------------- the index

    def search(
        self,
        since: dt.date,
        until: dt.date | None = None,
        *,
        report_types: tuple[int, ...] = (PTR,),
        filer_types: tuple[int, ...] = SENATORS,
    ) -> SearchResult:
        """All reports submitted from `since` (to `until`, where given; both included).

        Where the count changes from page to page, or a report is named twice, one that moved between pages may be
        missed: all pages are read once more.
        Raises IncompleteIndex when the pages give fewer reports than the site counts, TermsNotAccepted, SessionLapsed
        after one fresh agreement, and the other errors of `sources.web.errors`.
        """
        kinds = (report_types, filer_types)
        seen: dict[str, SearchRow] = {}
        answers: list[RawDocument] = []
        unreadable, start, stated, steady = self._walk(max(since, EARLIEST), until, kinds, seen, answers)
        if not steady or start > len(seen) + len(unreadable):
            unreadable, start, stated, _ = self._walk(max(since, EARLIEST), until, kinds, seen, answers)
        repeated = max(0, start - len(seen) - len(unreadable))
        return SearchResult(tuple(seen.values()), tuple(unreadable), tuple(answers), stated, repeated)

    def _walk(
        self,
        since: dt.date,
        until: dt.date | None,
        kinds: tuple[tuple[int, ...], tuple[int, ...]],
        seen: dict[str, SearchRow],
        answers: list[RawDocument],
    ) -> tuple[list[tuple[int, str]], int, int | None, bool]:
        """Read all pages of a search into `seen` and `answers`.

        Gives the unreadable rows, how many rows were listed, how many the site counts, and whether that held steady.
        """
        unreadable: list[tuple[int, str]] = []
        counts: set[int | None] = set()
        start, stated = 0, None
        for _ in range(MAX_PAGES):
            form = search_form(since, until, start, *kinds)
            document, page = self._in_session(lambda form=form: self._search_page(form))
            answers.append(document)
            for row in page.rows:
                seen.setdefault(row.document, row)
            unreadable += [(start + number, reason) for number, reason in page.unreadable]
            stated = page.total
            counts.add(stated)
            read = len(page.rows) + len(page.unreadable)
            start += read
            if read == 0 or (start >= stated if stated is not None else read < PAGE):
                break
        if stated is not None and start < stated:
            raise e.IncompleteIndex(f"{self._base}/search/report/data/", f"{start} reports listed of {stated}")
        return unreadable, start, stated, len(counts) <= 1

    def _search_page(self, form: dict[str, str]) -> tuple[RawDocument, SearchPage]:
        url = f"{self._base}/search/report/data/"
        headers = {
            "Referer": f"{self._base}/search/",
            "X-CSRFToken": self._client.cookie("csrftoken", url) or "",
            "X-Requested-With": "XMLHttpRequest",
        }
        answer = self._client.send("POST", url, data=form, headers=headers)
        self._refuse_lapse(answer)
        try:
            page = read_search(answer.body)
        except Unreadable as error:
            raise e.NotADocument(url, str(error)) from None
        key = f"{url} {json.dumps(form, sort_keys=True)}"  # the form holds no token: that goes in a header
        client = self._client
        kept = client.cache.keep(key, url, answer.status, answer.headers, answer.body, client.clock.now())
        return kept, page

    # ------------------------------------------------------------------------------------------------------- documents

    def url(self, row: SearchRow) -> str:
        """The address of a report's page."""
        return self._base + row.path

    def document(self, row: SearchRow) -> RawDocument:
        """A report's page (electronic or paper), asked for once and then kept; a lapsed session's page never is.

        Raises NotADocument for a page without a report or one that breaks off, and the other errors.
        """
        if (known := self.kept(row)) is not None:
            return known
        check = self._a_report if row.kind in ("ptr", "paper") else self._refuse_lapse
        return self._in_session(lambda: self._client.get(self.url(row), check=check, follow=False))

    def kept(self, row: SearchRow) -> RawDocument | None:
        """The report's page if it is kept already; no request and no session."""
        return self._client.cache.find(self.url(row))

    def images(self, page: SenatePtr) -> Iterator[RawDocument]:
        """The scanned pages of a paper filing, in order; they need no session. Raises NotADocument for HTML."""
        picture = begins_with(b"GIF8", b"\x89PNG", b"\xff\xd8\xff", b"II*\x00", b"MM\x00*", b"%PDF-", what="an image")
        for url in page.images:
            yield self._client.get(url, check=picture)

    # ------------------------------------------------------------------------------------------------------ the session

    def _in_session(self, ask: Callable[[], _T]) -> _T:
        """Ask within a session; a lapsed one is renewed once, and then it is an error."""
        if not self._accept_terms:
            raise e.TermsNotAccepted(f"{self._base}/search/home/", TERMS)
        for renewed in (False, True):
            try:
                if not self._agreed:
                    self._agree()
                return ask()
            except e.SessionLapsed:
                if renewed:
                    raise
            except e.Blocked as error:
                if renewed or not error.wants_token:
                    raise
            self._agreed = False
            self._client.forget_session()
        raise AssertionError("unreachable: the second attempt returns or raises")

    def _agree(self) -> None:
        home = f"{self._base}/search/home/"
        form = self._client.send("GET", home)
        if form.status in REDIRECTS and _path(form.location) == "/search/":
            self._agreed = True  # the session's cookies still hold
            return
        token = _token(form.text)
        if form.status != 200 or token is None:
            raise e.NotADocument(home, "no agreement form on the page where it belongs")
        answer = self._client.send(
            "POST",
            home,
            data={"prohibition_agreement": "1", "csrfmiddlewaretoken": token},
            headers={"Referer": home},
        )
        if answer.status not in REDIRECTS or _path(answer.location) != "/search/":
            raise e.Rejected(home, "the site did not take the agreement")
        self._agreed = True

    def _refuse_lapse(self, answer: Answer) -> None:
        if answer.status in REDIRECTS:
            if _path(answer.location).startswith("/search/home"):
                raise e.SessionLapsed(answer.url, "the site asks for its agreement again")
            raise e.Rejected(answer.url, f"redirected to {e.shown(answer.location or '')}")
        if answer.body[:1024].lstrip()[:1] == b"<" and is_lapsed(answer.text):
            raise e.SessionLapsed(answer.url, "the site showed its search or agreement page in place of the answer")

    def _a_report(self, answer: Answer) -> None:
        """Only a whole report page is kept for good: no notice of maintenance, nothing that breaks off."""
        self._refuse_lapse(answer)
        if b"filedReport" not in answer.body and b"filingImage" not in answer.body:
            raise e.NotADocument(answer.url, f"no report on the page ({len(answer.body):,} bytes)")
        if b"</html" not in answer.body[-4096:].lower():
            raise e.NotADocument(answer.url, f"the page breaks off ({len(answer.body):,} bytes)")


def search_form(
    since: dt.date, until: dt.date | None, start: int, report_types: tuple[int, ...], filer_types: tuple[int, ...]
) -> dict[str, str]:
    """The fields of one search page, oldest submission first, so that pages stay put while new reports arrive.

    The start date is always sent and a page has at most 100 rows: the site answers 503 to anything else.
    """
    form = {
        "draw": str(start // PAGE + 1),
        "start": str(start),
        "length": str(PAGE),
        "report_types": json.dumps(list(report_types), separators=(",", ":")),
        "filer_types": json.dumps(list(filer_types), separators=(",", ":")),
        "submitted_start_date": f"{since:%m/%d/%Y} 00:00:00",
        "submitted_end_date": f"{until:%m/%d/%Y} 23:59:59" if until else "",
        "candidate_state": "",
        "senator_state": "",
        "office_id": "",
        "first_name": "",
        "last_name": "",
        "order[0][column]": "4",
        "order[0][dir]": "asc",
        "search[value]": "",
        "search[regex]": "false",
    }
    for column in range(5):
        prefix = f"columns[{column}]"
        form |= {
            f"{prefix}[data]": str(column),
            f"{prefix}[name]": "",
            f"{prefix}[searchable]": "true",
            f"{prefix}[orderable]": "true",
            f"{prefix}[search][value]": "",
            f"{prefix}[search][regex]": "false",
        }
    return form


def _token(text: str) -> str | None:
    try:
        root: Any = html.document_fromstring(text[: 2**21].replace("\x00", "").encode() or b" ")
    except Exception:  # whatever the parser says of it, there is no form
        return None
    found = root.xpath("//input[@name='csrfmiddlewaretoken']/@value")
    return str(found[0]) if found and root.xpath("//input[@name='prohibition_agreement']") else None


def _path(url: str | None) -> str:
    return urlsplit(url).path if url else ""
