"""The Senate's page of one periodic transaction report, from HTML to rows, held against the page's own count.

Here belongs what a page is (report, paper filing, other report, lapsed session), its heading and its nine columns as
printed. How a printed row becomes `disclosure_facts` is in `facts.py`; how a page is fetched is in `sources/live/`.

A page that states 39 transactions and yields 38 rows is `partial`, never `parsed`: every doubt about completeness is
a problem in words.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from lxml import etree, html  # pyright: ignore[reportAttributeAccessIssue]  # compiled, without stubs

from cyberpi_assets.sources import values as v
from cyberpi_assets.sources.senate.paper import MAX_IMAGES, image_urls

Status = Literal["parsed", "partial", "paper", "not_ptr", "failed"]

SITE: Final = "https://efdsearch.senate.gov"
MAX_BYTES: Final = 8 * 2**20  # the largest real page has 0.4 MB
MAX_ROWS: Final = 5_000
MAX_CELL: Final = 4_000  # characters of one cell
MAX_TABLES: Final = 100  # a real page has one
COLUMNS: Final = (
    "#",
    "Transaction Date",
    "Owner",
    "Ticker",
    "Asset Name",
    "Asset Type",
    "Type",
    "Amount",
    "Comment",
)
ASSET_TYPES: Final = frozenset(
    {
        "Stock",
        "Stock Option",
        "Municipal Security",
        "Corporate Bond",
        "Other Securities",
        "Non-Public Stock",
        "Cryptocurrency",
    }
)
LAPSED: Final = "session lapsed: the site showed its search or agreement page in place of the report"
_NEW_YORK: Final = ZoneInfo("America/New_York")


@dataclass(frozen=True, slots=True)
class PtrRow:
    """One row as printed. `number` is the page's own `#`; `position` counts rows from the top, from 1.

    `tickers` and `assets` have two entries in an exchange that names both (given up first, received second); `--`
    is kept in `tickers` where one of two is not known. `details` are the muted lines below the asset's name, `terms`
    the same by label (`Strike price`: `$42.50`). `comment` is None for `--`.
    """

    number: int | None
    position: int
    transaction_date: str
    owner: str
    tickers: tuple[str, ...]
    assets: tuple[str, ...]
    details: tuple[str, ...]
    terms: dict[str, str]
    asset_type: str | None
    type: str
    amount: str
    comment: str | None


@dataclass(frozen=True, slots=True)
class BrokenRow:
    """A row of the table that does not have its nine columns: where it stood and what it said."""

    position: int
    text: str


@dataclass(frozen=True)
class SenatePtr:
    """What one page says.

    `reason` is set when the status is `failed` or `not_ptr`, `problems` when it is `partial`, and when a paper filing
    has more images than are read; `notes` are oddities that lose nothing. `filed_at` is New York time. `rows_stated`
    is the page's `(N transactions total)`.
    """

    status: Status
    reason: str | None = None
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    title: str | None = None
    title_date: dt.date | None = None
    amendment_no: int | None = None
    filer: str | None = None
    office: str | None = None
    filed_at: dt.datetime | None = None
    rows_stated: int | None = None
    owners_stated: dict[str, int] = field(default_factory=dict)
    rows: tuple[PtrRow, ...] = ()
    broken: tuple[BrokenRow, ...] = ()
    images: tuple[str, ...] = ()

    @property
    def is_amendment(self) -> bool:
        """Whether the title says so."""
        return is_amendment(self.title or "")

    @property
    def empty_verified(self) -> bool:
        """Whether the page itself says that there are no transactions, and there are none."""
        return self.status == "parsed" and self.rows_stated == 0 and not self.rows


def read_ptr_page(data: bytes, *, base: str = SITE) -> SenatePtr:
    """Read a report page. Never raises for what the bytes hold; `base` makes image links absolute.

    More than `MAX_BYTES` is not read; more than `MAX_ROWS` rows or `MAX_CELL` characters make the page partial.
    """
    if len(data) > MAX_BYTES:
        return SenatePtr("failed", reason=f"page of {len(data):,} bytes, more than {MAX_BYTES:,}")
    text = data.decode("utf-8", "replace").replace("\x00", "\ufffd")
    if not text.strip():
        return SenatePtr("failed", reason="empty page")
    if not re.search(r"<\s*[a-zA-Z!]", text[:4096]):
        return SenatePtr("failed", reason="not an HTML page")
    try:
        root: Any = html.document_fromstring(text.encode(), parser=html.HTMLParser(encoding="utf-8", huge_tree=False))
    except (etree.LxmlError, ValueError) as error:
        return SenatePtr("failed", reason=f"not readable as HTML: {v.shorten(error)}")
    return _read(root, text, base)


def is_lapsed(text: str) -> bool:
    """Whether a body is the site's search or agreement page: what a lapsed session is shown, with HTTP 200."""
    title = re.search(r"<title[^<>]{0,100}>([^<]{0,300})", text, re.IGNORECASE)
    words = " ".join(title[1].split()).lower() if title else ""
    return words in ("efd: find reports", "efd: home") or "prohibition_agreement" in text[: 2**20]


def _read(root: Any, text: str, base: str) -> SenatePtr:
    title = _words(next(root.iter("h1"), None))
    head = _heading(root, text, title)
    is_report = title is not None and "periodic transaction report" in title.lower()
    images = image_urls(root, base)
    if images:
        problems = (f"{MAX_IMAGES} images or more; the rest was not read",) if len(images) >= MAX_IMAGES else ()
        return SenatePtr("paper", problems=problems, images=images, **head)
    if is_report:
        return _transactions(root, text, head)
    if is_lapsed(text):
        return SenatePtr("failed", reason=LAPSED)
    if title is not None and (head["filer"] is not None or "extension" in title.lower()):
        return SenatePtr("not_ptr", reason=f"another report: {v.shorten(title)}", **head)
    name = title or _words(next(root.iter("title"), None)) or "no title"
    return SenatePtr("failed", reason=f"not a report page: {v.shorten(name)}")


_AMENDMENT = re.compile(r"\(\s*Amendment\s+(\d{1,3})\s*\)", re.IGNORECASE)
_TITLE_DATE = re.compile(r"\bfor\s+(\d{1,2}/\d{1,2}/\d{4})")
_FILED = re.compile(r"Filed\s+(\d{1,2}/\d{1,2}/\d{4})(?:\s*@\s*(\d{1,2}):(\d{2})\s*([AP])\.?M)?", re.IGNORECASE)
_OFFICE = re.compile(r"\s*\(([^()]{1,200})\)\s*$")


def is_amendment(title: str) -> bool:
    """Whether a title says that the report amends another; paper amendments have no number."""
    return "(amendment" in title.lower()


def amendment_number(title: str) -> int | None:
    """The number in `... (Amendment 2)`; None for an original, and for an amendment without number."""
    m = _AMENDMENT.search(title)
    return int(m[1]) if m else None


def title_date(title: str) -> dt.date | None:
    """The date in `Periodic Transaction Report for 12/22/2025`."""
    m = _TITLE_DATE.search(title)
    return v.parse_date(m[1]) if m else None


def _heading(root: Any, text: str, title: str | None) -> dict[str, Any]:
    name = _words(next((h for h in root.iter("h2") if "filedReport" in (h.get("class") or "").split()), None))
    office = _OFFICE.search(name) if name else None
    m = _FILED.search(text[at : at + 20_000]) if (at := text.find("filedReport")) >= 0 else None
    day = v.parse_date(m[1]) if m else None
    return {
        "title": title,
        "title_date": title_date(title) if title else None,
        "amendment_no": amendment_number(title) if title else None,
        "filer": (name[: office.start()] if office else name) or None if name else None,
        "office": office[1] if office else None,
        "filed_at": _moment(day, m) if m and day else None,
    }


def _moment(day: dt.date, m: re.Match[str]) -> dt.datetime | None:
    hour, minute = (int(m[2]), int(m[3])) if m[2] else (0, 0)
    if m[4]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if m[4].upper() == "P" else 0)
    if hour > 23 or minute > 59:
        return None
    return dt.datetime(day.year, day.month, day.day, hour, minute, tzinfo=_NEW_YORK)


# --------------------------------------------------------------------------------------------------------- transactions


def _transactions(root: Any, text: str, head: dict[str, Any]) -> SenatePtr:
    problems: list[str] = []
    stated, owners = _stated(root)
    tables = [t for t in islice(root.iter("table"), MAX_TABLES) if _header(t) is not None]
    if not tables and (stated != 0 or root.find(".//table") is not None):
        found = "no table" if root.find(".//table") is None else "no table with the nine columns"
        return SenatePtr("failed", reason=f"{found} of transactions", rows_stated=stated, owners_stated=owners, **head)
    rows: list[PtrRow] = []
    broken: list[BrokenRow] = []
    for position, row in enumerate(_rows(tables), 1):
        if position > MAX_ROWS:
            problems.append(f"more than {MAX_ROWS} rows; the rest was not read")
            break
        read = _row(row, position)
        if isinstance(read, PtrRow):
            rows.append(read)
        else:
            broken.append(read)
    problems += _incomplete(rows, broken, stated, owners)
    if "\ufffd" in text:
        problems.append("the page holds bytes that are not text")
    lowered = text.lower()
    if lowered.rfind("</table") < lowered.rfind("<tr"):
        problems.append("the page breaks off inside its table")
    if head["filer"] is None:
        problems.append("the page does not name its filer")
    if head["filed_at"] is None:
        problems.append("the page does not say when it was filed")
    return SenatePtr(
        "partial" if problems else "parsed",
        problems=tuple(problems),
        notes=_oddities(rows),
        rows_stated=stated,
        owners_stated=owners,
        rows=tuple(rows),
        broken=tuple(broken),
        **head,
    )


_TOTAL = re.compile(r"\((\d[\d,]{0,8}) transactions? total\)", re.IGNORECASE)
_OWNER_COUNT = re.compile(r"(\d[\d,]{0,8}) (Self|Joint|Spouse|Dependent Child|Child)", re.IGNORECASE)


def _stated(root: Any) -> tuple[int | None, dict[str, int]]:
    """The page's own counts: in all, and per owner (in the words of the column: Child)."""
    total: int | None = None
    owners: dict[str, int] = {}
    for item in islice(root.iter("li"), MAX_ROWS):
        words = _words(item) or ""
        if m := _TOTAL.fullmatch(words):
            total = (total or 0) + int(m[1].replace(",", ""))
        elif m := _OWNER_COUNT.fullmatch(words):
            owner = m[2].title().removeprefix("Dependent ")
            owners[owner] = owners.get(owner, 0) + int(m[1].replace(",", ""))
    return total, owners


def _header(table: Any) -> dict[str, int] | None:
    """Where the nine columns stand, by name; None when one of them is missing."""
    names = [(_words(c) or "").lower() for c in table.xpath("(./thead/tr|./tr)[1]/th")]
    places = {c: names.index(c.lower()) for c in COLUMNS if c.lower() in names}
    return places if len(places) == len(COLUMNS) else None


def _rows(tables: list[Any]) -> Iterator[tuple[dict[str, int], list[Any], int]]:
    for table in tables:
        places = _header(table) or {}
        width = len(table.xpath("(./thead/tr|./tr)[1]/th"))
        for tr in _children(table):
            cells = [c for c in tr if c.tag == "td"]
            if cells or not any(c.tag == "th" for c in tr):
                yield places, cells, width


def _children(table: Any) -> Iterator[Any]:
    """The table's own rows, one by one: a hostile page may have any number."""
    for child in table:
        if child.tag == "tr":
            yield child
        elif child.tag == "tbody":
            yield from (tr for tr in child if tr.tag == "tr")


def _row(found: tuple[dict[str, int], list[Any], int], position: int) -> PtrRow | BrokenRow:
    places, cells, width = found
    texts = [_words(c) or "" for c in cells]
    if len(cells) != width or any(len(t) > MAX_CELL for t in texts):
        return BrokenRow(position, v.shorten(" | ".join(t[:200] for t in texts)) or "")
    cell = {name: texts[place] for name, place in places.items()}
    assets, details, terms = _asset(cells[places["Asset Name"]])
    return PtrRow(
        number=v.integer(cell["#"]),
        position=position,
        transaction_date=cell["Transaction Date"],
        owner=cell["Owner"],
        tickers=tuple(_lines(cells[places["Ticker"]])),
        assets=assets,
        details=details,
        terms=terms,
        asset_type=cell["Asset Type"] or None,
        type=cell["Type"],
        amount=cell["Amount"],
        comment=None if cell["Comment"] in ("", "--") else cell["Comment"],
    )


def _asset(cell: Any) -> tuple[tuple[str, ...], tuple[str, ...], dict[str, str]]:
    """The asset's name (two in an exchange), and its small print: as lines, and by label."""
    details: list[str] = []
    terms: dict[str, str] = {}
    for div in _outer(cell, "div"):
        if (words := _words(div)) is None:
            continue
        details.append(words)
        for line in _lines(div):
            label, colon, value = line.partition(":")
            if colon and value.strip():
                terms.setdefault(label.strip(), value.strip())
    return tuple(_lines(cell, skip="div")), tuple(details), terms


def _outer(node: Any, tag: str) -> Iterator[Any]:
    """The elements of a name that stand in no other of that name within the node."""
    for child in node:
        if child.tag == tag:
            yield child
        else:
            yield from _outer(child, tag)


def _lines(cell: Any, skip: str = "") -> list[str]:
    """The lines of a cell, which are parted by <br>, without what stands inside elements to skip."""
    lines = "".join(_text_of(cell, skip)).split("\n")
    return [" ".join(line.split()) for line in lines if line.strip()]


def _text_of(node: Any, skip: str) -> Iterator[str]:
    """Pieces of text in order; a line feed for <br> alone, as the source's own line breaks are blanks."""
    yield (node.text or "").replace("\n", " ")
    for child in node:
        if child.tag == "br":
            yield "\n"
        elif child.tag == skip:
            yield " "
        elif isinstance(child.tag, str):  # comments and processing instructions have no name
            yield from _text_of(child, skip)
        yield (child.tail or "").replace("\n", " ")


def _incomplete(
    rows: list[PtrRow], broken: list[BrokenRow], stated: int | None, owners: dict[str, int]
) -> Iterator[str]:
    """What shows that the rows are not all, or not all as filed."""
    if stated is None:
        yield "the page does not state its number of transactions"
    elif stated != len(rows):
        yield f"{len(rows)} rows read, the page states {stated}"
    if broken:
        yield f"{len(broken)} rows without the nine columns"
    counted = Counter(r.owner for r in rows)
    if owners and {o: n for o, n in owners.items() if n} != dict(counted):
        yield f"owners read {dict(sorted(counted.items()))}, the page states {dict(sorted(owners.items()))}"
    if stated is not None and any(r.number is None or not 1 <= r.number <= stated for r in rows):
        yield "a row's number is missing or above the number of transactions stated"
    if any(v.parse_side(r.type) is None for r in rows):
        yield "a row is neither purchase, sale nor exchange"
    if any(v.parse_date(r.transaction_date) is None for r in rows):
        yield "a row has no readable transaction date"
    if any(v.parse_amount(r.amount).low is None for r in rows):
        yield "a row has no readable amount"
    if any(not r.assets for r in rows):
        yield "a row names no asset"
    if any(not r.tickers for r in rows):
        yield "a row has neither a ticker nor the -- that stands for none"


def _oddities(rows: list[PtrRow]) -> tuple[str, ...]:
    notes: list[str] = []
    if repeated := sorted(n for n, times in Counter(r.number for r in rows).items() if n is not None and times > 1):
        notes.append(f"the page numbers several rows alike: {repeated[:10]}")
    if unknown := sorted({r.asset_type for r in rows if r.asset_type and r.asset_type not in ASSET_TYPES}):
        notes.append(f"asset types not seen before: {[v.shorten(t) for t in unknown[:10]]}")
    return tuple(notes)


def _words(node: Any) -> str | None:
    if node is None:
        return None
    return " ".join(str(node.text_content()).split()) or None
