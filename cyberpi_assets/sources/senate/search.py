"""Answers of the Senate's search, and saved lists of its reports, as rows of an index.

Here belongs what a search says of a report: who, what, when, and under which address. What the report says is in
`page.py`. A row that cannot be read is reported with its number, never left out in silence.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from dataclasses import dataclass
from typing import Any, Final, Literal

from cyberpi_assets.sources import values as v
from cyberpi_assets.sources.rows import Unreadable
from cyberpi_assets.sources.senate.page import amendment_number, is_amendment, is_lapsed, title_date

Kind = Literal["ptr", "paper", "annual", "extension-notice", "other"]
MAX_BYTES: Final = 64 * 2**20
_HREF = re.compile(r"href\s*=\s*[\"']([^\"'<>]{1,500})[\"']", re.IGNORECASE)
_VIEW = re.compile(
    r"/search/view/([a-z-]{1,40})/(?:[a-z-]{1,40}/)?([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})/?",
    re.IGNORECASE,
)
_KINDS: Final[dict[str, Kind]] = {
    "ptr": "ptr",
    "paper": "paper",
    "annual": "annual",
    "extension-notice": "extension-notice",
}


@dataclass(frozen=True, slots=True)
class SearchRow:
    """One report in the index.

    `document` is the report's UUID in lower case, `path` its address on the site as printed. `kind` is the form of
    the document (a paper filing may be of any report); `is_ptr` says whether it is a periodic transaction report.
    `submitted_on` is the day the Senate received it; `title_date` may differ on amendments.
    """

    first_name: str
    last_name: str
    office: str | None
    kind: Kind
    is_ptr: bool
    document: str
    path: str
    title: str
    title_date: dt.date | None
    amendment_no: int | None
    submitted_on: dt.date | None

    @property
    def filer(self) -> str:
        """The name as printed, first name first."""
        return f"{self.first_name} {self.last_name}".strip()

    @property
    def is_amendment(self) -> bool:
        """Whether the title says so; paper amendments have no number."""
        return is_amendment(self.title)


@dataclass(frozen=True)
class SearchPage:
    """One answer: its rows, the unreadable ones (number from 1, reason), and how many reports the search has in all."""

    rows: tuple[SearchRow, ...]
    unreadable: tuple[tuple[int, str], ...]
    total: int | None


def read_search(data: bytes) -> SearchPage:
    """Read an answer of /search/report/data/, or a saved list of reports (reportTitle, reportLink, ...).

    Raises Unreadable when it is neither: a lapsed session's HTML, a maintenance page, broken JSON.
    """
    if len(data) > MAX_BYTES:
        raise Unreadable(f"search answer of {len(data):,} bytes")
    text = data.decode("utf-8-sig", "replace")
    if text.lstrip()[:1] == "<":
        raise Unreadable("session lapsed" if is_lapsed(text) else "HTML in place of a search answer")
    try:
        answer: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"search answer is not JSON: {v.shorten(error)}") from None
    total: int | None = None
    if isinstance(answer, dict):
        if answer.get("result", "ok") != "ok":
            raise Unreadable(f"the search refused: {v.shorten(answer.get('result'))}")
        total = v.integer(answer.get("recordsFiltered"))
        answer = answer.get("data")
    if not isinstance(answer, list):
        raise Unreadable("search answer without a list of reports")
    rows: list[SearchRow] = []
    unreadable: list[tuple[int, str]] = []
    items: list[Any] = answer
    for number, item in enumerate(items, 1):
        try:
            rows.append(_positional(item) if isinstance(item, list) else _named(item))
        except ValueError as error:
            unreadable.append((number, str(error)))
    return SearchPage(tuple(rows), tuple(unreadable), total)


def _positional(item: list[Any]) -> SearchRow:
    if len(item) < 5:
        raise ValueError(f"{len(item)} columns in place of 5")
    href = _HREF.search(str(item[3])[:4000])
    if href is None:
        raise ValueError("no link to the report")
    return _row(item[0], item[1], item[2], href[1], str(item[3])[:4000], item[4])


def _named(item: Any) -> SearchRow:
    if not isinstance(item, dict):
        raise ValueError("neither a list of columns nor a record")
    record: dict[str, Any] = item
    return _row(
        record.get("firstName"),
        record.get("lastName"),
        record.get("fullName") or record.get("office"),
        str(record.get("reportLink") or "")[:500],
        str(record.get("reportTitle") or "")[:4000],
        record.get("reportDate"),
    )


def _row(first: Any, last: Any, office: Any, href: str, title: str, submitted: Any) -> SearchRow:
    view = _VIEW.search(href)
    if view is None:
        raise ValueError(f"a link that is no report: {v.shorten(href)}")
    words = v.clean_text(title)
    if words is None:
        raise ValueError("no title")
    submitted_on = v.parse_date(v.clean_text(submitted))
    if submitted_on is None:
        raise ValueError(f"submission date not readable: {v.shorten(submitted)}")
    kind = _KINDS.get(view[1].lower(), "other")
    lowered = words.lower()
    return SearchRow(
        first_name=v.clean_text(first) or "",
        last_name=v.clean_text(last) or "",
        office=v.clean_text(office),
        kind=kind,
        is_ptr=kind == "ptr" or (kind == "paper" and "periodic transaction" in lowered),
        document=view[2].lower(),
        path=view[0] if view[0].endswith("/") else view[0] + "/",
        title=words,
        title_date=title_date(words),
        amendment_no=amendment_number(words),
        submitted_on=submitted_on,
    )
