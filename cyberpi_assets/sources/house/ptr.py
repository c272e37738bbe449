"""A periodic transaction report: the PDF's bytes in, its rows out, with a count that does not trust the rows.

Here belongs what the form's texts mean and when a document counts as read. The geometry is in `form.py`, the PDF in
`pdf.py`, option terms in `options.py`, the step to the project's tables in `facts.py`.

A document is `parsed` only when witnesses that do not use the table's geometry agree with the rows: the pairs of dates
in the file's text order, the filing status labels, and the drawn boxes of capital gains; when every row has what a row
must have; and when the signature that ends the form is there. Otherwise it is `partial`, with the reasons.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from cyberpi_assets.sources import values as v
from cyberpi_assets.sources.house.form import DATE, Cells, Table
from cyberpi_assets.sources.house.options import OptionTerms, option_terms
from cyberpi_assets.sources.house.pdf import NOT_UNICODE, Limits, Page, UnreadableDocument, opened

Status = Literal["parsed", "partial", "scanned", "not_ptr", "failed"]
MOST_PROBLEMS: Final = 50
SCAN_SHARE: Final = 0.4  # of a page's area under images, with no text: a scan


@dataclass(frozen=True)
class PtrRow:
    """One transaction as printed, and as read. Money in US dollars; dates are calendar dates, never clamped.

    `owner` is the code (SP, JT, DC) or None for blank; `side` P, S or E; `amount_high` None when open-ended;
    `capital_gains` None where the form does not show it; `filing_status` new, amended or deleted, None when unreadable.
    """

    number: int
    page: int
    transaction_id: str | None
    owner: str | None
    asset: str
    asset_code: str | None
    ticker: str | None
    type_printed: str
    side: str | None
    is_partial: bool | None
    transaction_date_printed: str
    transaction_date: dt.date | None
    notification_date_printed: str
    notification_date: dt.date | None
    amount_printed: str
    amount_low: float | None
    amount_high: float | None
    capital_gains: bool | None
    filing_status: str | None
    description: str | None
    subholding: str | None
    location: str | None
    comments: str | None
    option: OptionTerms | None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class PtrDocument:
    """What one document says, and how far it was read.

    `status`: parsed (complete by every witness) | partial (rows may be missing; `problems` says why) | scanned (images
    without text) | not_ptr | failed (`reason`). `n_expected` is the largest count any witness gives; None unless rows
    were looked for. `layout`: new (small letters of labels lost) | old. `text_hash`: SHA-256 of the text in file order.
    """

    status: Status
    reason: str | None = None
    rows: tuple[PtrRow, ...] = ()
    n_expected: int | None = None
    witnesses: Mapping[str, int] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    filing_id: str | None = None
    filer: str | None = None
    filer_status: str | None = None
    state_district: str | None = None
    signed_by: str | None = None
    signed_on: dt.date | None = None
    layout: Literal["new", "old"] | None = None
    n_pages: int | None = None
    text_hash: str | None = None

    def as_record(self) -> dict[str, Any]:
        """The document as JSON can hold it: dates as ISO text."""
        return {**_plain(self), "rows": [_plain(row) for row in self.rows]}

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> PtrDocument:
        """The document out of `as_record`."""
        rows = tuple(_row_of(row) for row in record["rows"])
        rest = {k: x for k, x in record.items() if k not in ("rows", "problems", "signed_on")}
        return cls(**rest, rows=rows, problems=tuple(record["problems"]), signed_on=_iso(record["signed_on"]))


def _plain(record: object) -> dict[str, Any]:
    return {k: _json(x) for k, x in vars(record).items()}


def _json(value: Any) -> Any:
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, OptionTerms):
        return {k: _json(x) for k, x in value._asdict().items()}
    return dict(value) if isinstance(value, Mapping) else value


def _row_of(record: Mapping[str, Any]) -> PtrRow:
    fields, option = dict(record), record["option"]
    for name in ("transaction_date", "notification_date"):
        fields[name] = _iso(fields[name])
    if option is not None:
        fields["option"] = OptionTerms(**dict(option, expiry=_iso(option["expiry"])))
    fields["problems"] = tuple(record["problems"])
    return PtrRow(**fields)


def _iso(text: str | None) -> dt.date | None:
    return None if text is None else dt.date.fromisoformat(text)


def failed(reason: str, n_pages: int | None = None) -> PtrDocument:
    """A document of which nothing can be said but why."""
    return PtrDocument("failed", reason, n_pages=n_pages)


def read_ptr(data: bytes, *, max_seconds: float = 10.0, max_pages: int = 1_000) -> PtrDocument:
    """Read one report. Never raises for what the bytes hold: what cannot be read is `failed` with its reason.

    `max_seconds` is looked at between pages; a page on which PDFium itself hangs or dies ends the process or thread, so
    documents from outside are read through `pool.parse_many`, which bounds time and memory from without.
    """
    limits = Limits(seconds=max_seconds, pages=max_pages)
    try:
        with opened(data, limits) as (n_pages, pages):
            reader = _Reader(n_pages, limits)
            for page in pages():
                reader.read(page)
            return reader.document()
    except UnreadableDocument as error:
        return failed(str(error))
    except MemoryError:
        return failed("needs more memory than a document may take")


_TITLE = re.compile(
    rf"P{NOT_UNICODE}{{7}} T{NOT_UNICODE}{{10}} R{NOT_UNICODE}{{5}}(?!\S)|periodic transaction report\s*$", re.I | re.M
)
_PAIR = re.compile(rf"{DATE}{DATE}")
_STATUS_LABEL = re.compile(rf"F{NOT_UNICODE}{{5}}S{NOT_UNICODE}{{5}}:|filingstatus:", re.IGNORECASE)
_STRIPPED_LABEL = re.compile(r"^F\s?S\s?:\s?(?:New|Amended|Deleted)", re.IGNORECASE | re.MULTILINE)
_FILING_ID = re.compile(r"Filing ID #(\d{4,12})")
_SIGNED = re.compile(rf"Digitally Signed:\s*([^\r\n]{{0,200}}?)\s*,\s*({DATE})", re.IGNORECASE)
_BLANKS = re.compile(r"\s+")


# What the Clerk's other forms say on their first pages, and letters about them.
_OTHER_FORM = re.compile(
    r"Filing Type: \w|Dear Mister Clerk|Dear Mad[ae]m Clerk|request an extension|Ethics in Government Act",
    re.IGNORECASE,
)
_CLERK = re.compile(r"Clerk of the House|Legislative Resource Center|Filing ID #")


def _is_other(text: str) -> bool:
    """Whether a page is legibly something else: a known form, or plain text that does not name the Clerk."""
    if _CLERK.search(text) or NOT_UNICODE in text:
        return _OTHER_FORM.search(text) is not None
    legible = sum(letter.isascii() and (letter.isalpha() or letter in " \r\n.,") for letter in text)
    return len(text) >= 20 and legible >= 0.8 * len(text)


class _Reader:
    """One document while its pages are read."""

    def __init__(self, n_pages: int, limits: Limits) -> None:
        self.n_pages, self.limits = n_pages, limits
        self.table = Table()
        self.hash = hashlib.sha256()
        self.head: dict[str, str] = {}
        self.title = self.lost = self.other = False
        self.n_pairs = self.n_labels = 0
        self.filing_id: str | None = None
        self.signed: tuple[str, str] | None = None
        self.with_text: list[int] = []
        self.scanned: list[int] = []
        self.blank: list[int] = []
        self.unordered = ""

    def read(self, page: Page) -> None:
        text = page.text
        self.hash.update(text.encode("utf-8", "replace"))
        if not text.strip():
            (self.scanned if page.image_share() >= SCAN_SHARE else self.blank).append(page.number)
            return
        self.with_text.append(page.number)
        if page.number <= 2:
            self.title = self.title or _TITLE.search(text) is not None
            self._read_head(text)
            self.other = self.other or _is_other(text)
        self.lost = self.lost or NOT_UNICODE in text
        solid = _BLANKS.sub("", text)
        self.n_pairs += len(_PAIR.findall(solid))
        self.n_labels += len(_STATUS_LABEL.findall(solid)) or len(_STRIPPED_LABEL.findall(text))
        if page.number == 1 and (printed := _FILING_ID.findall(text)):
            self.filing_id = printed[-1]  # drawn last, over the top right corner
        if m := _SIGNED.search(text):
            self.signed = (m[1], m[2])
        self._read_table(page)

    def _read_head(self, text: str) -> None:
        for name, pattern in _HEAD.items():
            if name not in self.head and (m := pattern.search(text)):
                self.head[name] = m[1].strip()

    def _read_table(self, page: Page) -> None:
        from_before = self.table.columns
        words = page.words(self.table.cuts)
        self.table.find_header_in(words)
        if not self.table.columns:
            return
        if self.table.columns != from_before:
            words = page.words(self.table.cuts)
        boxes = page.boxes(self.table.columns[7], 1e6) if len(self.table.columns) == 8 else ()
        self.table.read_page(page.number, words, boxes)
        if len(self.table.rows) > self.limits.rows:
            raise UnreadableDocument(f"more than {self.limits.rows} rows")

    def document(self) -> PtrDocument:
        table = self.table
        common: dict[str, Any] = {
            "n_pages": self.n_pages,
            "text_hash": self.hash.hexdigest(),
            "filing_id": self.filing_id,
        }
        if not self.with_text:
            if self.scanned:
                return PtrDocument("scanned", "images without text: a paper filing", **common)
            return PtrDocument("failed", "damaged or blank: neither text nor page images", **common)
        if not table.found and not self._of_a_report():
            if self.scanned:
                return PtrDocument("scanned", "images with little text: a paper filing", **common)
            if self.other:
                return PtrDocument("not_ptr", "not a periodic transaction report", **common)
            return PtrDocument("failed", "damaged: its text is not that of any form", **common)
        rows = tuple(_row(n, cells, scrambled=not self.lost) for n, cells in enumerate(table.rows, 1))
        witnesses = {"date_pairs": self.n_pairs, "status_labels": self.n_labels}
        if table.n_boxes:
            witnesses["gains_boxes"] = table.n_boxes
        problems = self._problems(rows, witnesses)
        signed_by, signed_on = self.signed or (None, None)
        return PtrDocument(
            "partial" if problems else "parsed",
            problems[0] if problems else None,
            rows=rows,
            n_expected=max(witnesses.values()),
            witnesses=witnesses,
            problems=tuple(problems[:MOST_PROBLEMS]),
            filer=self.head.get("name"),
            filer_status=self.head.get("status"),
            state_district=self.head["district"].upper() if "district" in self.head else None,
            signed_by=signed_by,
            signed_on=v.parse_date(signed_on),
            layout="new" if self.lost else "old",
            **common,
        )

    def _of_a_report(self) -> bool:
        """Whether anything shows that this was an electronic report, though its table was not found."""
        number = self.filing_id or ""
        return (
            (self.title and bool(number))
            or (len(number) == 8 and number.startswith("200"))
            or self.n_pairs > 0
            or self.n_labels > 0
        )

    def _problems(self, rows: tuple[PtrRow, ...], witnesses: Mapping[str, int]) -> list[str]:
        found: list[str] = []
        if not self.table.found:
            found.append("the table's header was not found")
        if any(n != len(rows) for n in witnesses.values()):
            said = ", ".join(f"{n} {name.replace('_', ' ')}" for name, n in witnesses.items())
            found.append(f"{len(rows)} rows read, but {said}")
        if self.table.n_orphans:
            found.append(f"{self.table.n_orphans} lines of the table belong to no row")
        if self.table.found and not self.table.ended:
            found.append("the table's end was not found")
        found += [f"white space where a row may be missing on page {page}" for page in dict.fromkeys(self.table.gaps)]
        found += [f"page {page} breaks off before it is full" for page in self.table.early]
        if self.signed is None:
            found.append("the signature at the form's end was not found")
        if self.scanned or self.blank:
            listed = ", ".join(map(str, sorted(self.scanned + self.blank)[:10]))
            found.append(f"no text on page {listed} of {self.n_pages}")
        if not {"name", "district"} <= self.head.keys():
            found.append("the filer's name or district was not found")
        found += [f"row {row.number}: {problem}" for row in rows for problem in row.problems]
        return found


_HEAD: Final = {
    "name": re.compile(r"^name:[ \t]*([^\r\n]{1,200})", re.IGNORECASE | re.MULTILINE),
    "status": re.compile(r"^status:[ \t]*([^\r\n]{1,100})", re.IGNORECASE | re.MULTILINE),
    "district": re.compile(r"^state/district:[ \t]*([A-Za-z]{2}\d{0,2})\b", re.IGNORECASE | re.MULTILINE),
}
_CODE = re.compile(r"\[([A-Za-z0-9]{2})\]\s*$")
_TICKER = re.compile(r"\(([A-Za-z0-9][A-Za-z0-9.\-/$^ ]{0,11})\)\s*(?:\[[A-Za-z0-9]{2}\])?\s*$")
_PRINTED_TICKER = re.compile(r"[A-Z0-9]{1,6}(?:[.\-/$^ ]{1,2}[A-Z0-9]{1,3})?|[A-Z]{2,5}[.\-/]?[a-k]")
_SCRAMBLED_TICKER = re.compile(r"[A-Za-z]{1,5}(?:[.\-/][A-Za-z]{1,2})?")
_ID_BEFORE = re.compile(r"(\d{10})\s+(?=\S)")
_OWNERS: Final = frozenset({"SP", "JT", "DC"})
_STATUSES: Final = frozenset({"new", "amended", "deleted"})


def _row(number: int, cells: Cells, *, scrambled: bool) -> PtrRow:
    problems: list[str] = []
    asset, transaction_id = cells.cell("asset").replace(NOT_UNICODE, ""), cells.cell("id") or None
    if transaction_id is None and (m := _ID_BEFORE.match(asset)):
        transaction_id, asset = m[1], asset[m.end() :]
    if transaction_id is not None and not re.fullmatch(r"\d{6,12}", transaction_id):
        problems.append("the transaction's number cannot be read")
    owner = cells.cell("owner").upper() or None
    if owner is not None and owner not in _OWNERS:
        problems.append("the owner cannot be read")
    if not asset:
        problems.append("no asset")
    code = _CODE.search(asset)
    if code is None and asset and not scrambled:
        problems.append("the asset does not end with its type's code, as the new layout has it")
    type_printed = cells.cell("type")
    side = v.parse_side(type_printed)
    if side is None:
        problems.append("the type of transaction cannot be read")
    dates = {name: cells.cell(name) for name in ("date", "notified")}
    parsed = {name: v.parse_date(text) if re.fullmatch(DATE, text) else None for name, text in dates.items()}
    problems += [
        f"the {name} cannot be read"
        for name, text in (("date", "date"), ("notification date", "notified"))
        if parsed[text] is None
    ]
    printed = cells.cell("amount")
    amount = v.parse_amount(printed)
    if amount.flag is not None:
        problems.append("the amount cannot be read in full")
    status = (cells.detail("filing_status") or "").lower()
    if status not in _STATUSES:
        problems.append("no filing status")
    if len(set(cells.labels)) < len(cells.labels):
        problems.append("a label stands twice under it")
    said = {name: _said(cells.detail(name)) for name in ("description", "subholding", "location", "comments")}
    return PtrRow(
        number=number,
        page=cells.page,
        transaction_id=transaction_id,
        owner=owner,
        asset=asset,
        asset_code=code[1].upper() if code else None,
        ticker=_ticker(asset, scrambled=scrambled),
        type_printed=type_printed,
        side={"buy": "P", "sell": "S", "exchange": "E"}.get(side.side) if side else None,
        is_partial=(side.is_partial or False) if side and side.side == "sell" else None,
        transaction_date_printed=dates["date"],
        transaction_date=parsed["date"],
        notification_date_printed=dates["notified"],
        notification_date=parsed["notified"],
        amount_printed=printed,
        amount_low=amount.low,
        amount_high=amount.high,
        capital_gains=cells.gains,
        filing_status=status if status in _STATUSES else None,
        **said,
        option=_option(code[1].upper() if code else None, said["description"], asset, said["comments"]),
        problems=tuple(problems),
    )


def _said(text: str | None) -> str | None:
    return (text or "").replace(NOT_UNICODE, "").strip() or None


def _ticker(asset: str, *, scrambled: bool) -> str | None:
    """The symbol in the last parentheses, upper case; a word in mixed case is none, but where case is scrambled."""
    m = _TICKER.search(asset)
    if m is None:
        return None
    symbol = m[1].strip()
    if _PRINTED_TICKER.fullmatch(symbol) or (scrambled and _SCRAMBLED_TICKER.fullmatch(symbol)):
        return symbol.upper()
    return None


def _option(code: str | None, *texts: str | None) -> OptionTerms | None:
    """The terms from the first text that states any: the description, then the asset's name, then the comments."""
    for text in texts:
        terms = option_terms(text, is_option=code == "OP")
        if terms is not None:
            return terms
    return None
