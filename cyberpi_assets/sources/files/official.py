"""Official filings in a folder: House PDFs and yearly indexes, Senate report pages, archives and search answers.

Here belongs how such a file becomes facts of filings, documents and transactions. How a document is read is in
`sources/house` and `sources/senate`; every document becomes a line of account, readable or not. Profile live has the
same documents from the sites and puts them into the same accounts: `house_pdf`, `senate_page`, `house_index`,
`senate_index`.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from cyberpi_assets.sources import values as v
from cyberpi_assets.sources.files.recognise import Format
from cyberpi_assets.sources.house.facts import disclosure_facts as house_facts
from cyberpi_assets.sources.house.index import IndexRow, IndexRows, read_index
from cyberpi_assets.sources.house.ptr import PtrDocument
from cyberpi_assets.sources.rows import Origin, Reading, Record, Unreadable
from cyberpi_assets.sources.senate.facts import disclosure_facts as senate_facts
from cyberpi_assets.sources.senate.page import SenatePtr, read_ptr_page
from cyberpi_assets.sources.senate.search import SearchRow, read_search
from cyberpi_assets.tables import FACTS, QUARANTINE_FACTS

HOUSE, SENATE = "house_clerk", "senate_efd"
DOCUMENTS_VERSION = 1  # a higher number reads every document that was fetched anew
PDF = Format("disclosures", "disclosures/house-pdf")
PAGE = Format("disclosures", "disclosures/senate-page")
PAGES = Format("disclosures", "disclosures/senate-pages-archive")
HOUSE_INDEX = Format("filings", "filings/house-index")
SENATE_INDEX = Format("filings", "filings/senate-search")

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_DOC_ID = re.compile(r"(?<!\d)(\d{7,8})(?!\d)")
_LONGEST_PAGE = 16 * 2**20
_MOST_MEMBERS = 100_000
_SENATE_SITE = "https://efdsearch.senate.gov"


class Account:
    """Facts and rows put aside of one file that may hold many documents; every row gets a line of its own."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.lines = 0
        self.rows: dict[str, list[pa.Table]] = {}
        self.records: dict[str, list[Record]] = {}
        self.put_aside: list[pa.Table] = []

    def record(self, fact: str, source: str, **columns: Any) -> None:
        """One fact, on the next line."""
        self.lines += 1
        row = {**columns, "source": source, "file": self.file, "line": self.lines}
        self.records.setdefault(fact, []).append(row)

    def refuse(self, kind: str, field: str, value: object, reason: str) -> None:
        """One row put aside, on the next line."""
        self.lines += 1
        row = {"kind": kind, "field": field, "value": v.shorten(value), "reason": reason}
        row |= {"file": self.file, "line": self.lines}
        self.put_aside.append(pa.Table.from_pylist([row], schema=QUARANTINE_FACTS.schema))

    def document(self, accepted: pa.Table | None, put_aside: pa.Table) -> None:
        """The rows of one document: their lines are counted on from where the file stands."""
        last = 0
        for table, into in ((accepted, self.rows.setdefault("disclosure_facts", [])), (put_aside, self.put_aside)):
            if table is None or not table.num_rows:
                continue
            lines: list[Any] = table.column("line").to_pylist()
            last = max(last, *lines)
            place = table.schema.get_field_index("line")
            moved = pa.array([n + self.lines for n in lines], pa.int64())
            into.append(table.set_column(place, table.schema.field(place), moved))
        self.lines += last

    def reading(self) -> Reading:
        """Everything as tables; rows read are rows accepted and put aside."""
        facts: dict[str, pa.Table | Path] = {}
        accepted = 0
        for name, parts in self.rows.items():
            if parts:
                facts[name] = pa.concat_tables([p.cast(FACTS[name].schema) for p in parts])
        for name, records in self.records.items():
            nullable = pa.schema([pa.field(f.name, f.type) for f in FACTS[name].schema])
            facts[name] = pa.Table.from_pylist(records, schema=nullable)
        for table in facts.values():
            assert isinstance(table, pa.Table)
            accepted += table.num_rows
        aside = pa.concat_tables(self.put_aside) if self.put_aside else QUARANTINE_FACTS.empty()
        refused = aside.group_by(["file", "line"]).aggregate([]).num_rows
        return Reading(facts, aside, accepted + refused)


# --------------------------------------------------------------------------------------------------------------- House


def read_house_pdf(document: PtrDocument, data: bytes, origin: Origin) -> Reading:
    """One PDF of the Clerk's, already parsed.

    The document's number is the one printed in it; a scan shows none, so there the file's name gives it. Date and
    address are the document's own until an index in the folder says better.
    """
    named = _DOC_ID.search(origin.name)
    number = document.filing_id or (named.group(1) if named else None)
    if number is None:
        raise Unreadable(f"a PDF without a document number: {document.reason or document.status}")
    account = Account(origin.file)
    house_pdf(account, document, number, hashlib.sha256(data).hexdigest())
    return account.reading()


def house_pdf(account: Account, document: PtrDocument, number: str, content_hash: str) -> None:
    """Put a report of the Clerk's into an account: its line, and its rows. `content_hash`: SHA-256 of its bytes."""
    signed = document.signed_on
    year = signed.year if signed else 0
    filing = IndexRow(1, number, year, "P", signed, document.filer or "", None, None, None, document.state_district)
    accepted, aside = house_facts(document, filing, source=HOUSE, file=account.file)
    if accepted.num_rows:  # the address needs the index's year
        place = accepted.schema.get_field_index("url")
        accepted = accepted.set_column(place, accepted.schema.field(place), pa.nulls(accepted.num_rows, pa.string()))
    status, reason = _judged(document.status, document.reason, len(document.rows), document.n_expected, aside.num_rows)
    account.record(
        "document_facts",
        HOUSE,
        chamber="house",
        document=number,
        status=status,
        reason=reason or "; ".join(document.problems) or None,
        rows_read=accepted.num_rows,
        rows_expected=document.n_expected,
        filer=document.filer,
        filed_on=signed,
        content_hash=content_hash,
        pages=document.n_pages,
    )
    account.document(_marked(accepted, status), aside)


def _judged(status: str, reason: str | None, rows: int, expected: int | None, put_aside: int) -> tuple[str, str | None]:
    """The ledger's status of a reading: parsed only when no row is missing or put aside."""
    if status == "paper":
        return "scanned", reason or "a paper filing: images without text"
    if status == "scanned":
        return "scanned", reason or "images without text"
    if status == "parsed" and put_aside:
        return "partial", f"{put_aside} of {rows} rows were put aside"
    if status == "parsed" and rows == 0:
        return ("empty_verified", None) if expected == 0 else ("partial", "no rows, and no count to confirm it")
    return status, reason


def _marked(accepted: pa.Table, status: str) -> pa.Table:
    """Rows of a document that was not read whole come from a source of their own, which others may stand before."""
    if status != "partial" or not accepted.num_rows:
        return accepted
    place = accepted.schema.get_field_index("source")
    partial = [f"{s}_partial" for s in accepted.column("source").to_pylist()]
    return accepted.set_column(place, accepted.schema.field(place), pa.array(partial, pa.string()))


def read_house_index(data: bytes, origin: Origin) -> Reading:
    """A yearly index: ZIP, XML or TXT. Raises Unreadable where it holds no filings."""
    found = read_index(data, origin.name)
    if not found.rows and not found.refused:
        raise Unreadable(found.failure or "no filings in it")
    account = Account(origin.file)
    house_index(account, found)
    reading = account.reading()
    reading.note = found.failure
    return reading


def read_house_index_rows(records: Iterable[tuple[int, Record | None, object]], origin: Origin) -> Reading:
    """A table made of yearly indexes: year, filing_type, filing_date, doc_id, names, state_dst."""
    account = Account(origin.file)
    for _, row, raw in records:
        if row is None:
            account.refuse("filings", "row", raw, "not a row of the table")
            continue
        number, year = v.stated(row.get("doc_id")), v.stated(row.get("year"))
        if number is None or year is None or not year.isdigit():
            account.refuse("filings", "doc_id", raw, "no document number or no year")
            continue
        text = {k: v.stated(row.get(k)) for k in ("prefix", "first_name", "last_name", "suffix", "state_dst")}
        filed = row.get("filing_date")
        day = filed if isinstance(filed, dt.date) else v.parse_date(filed)
        kind = v.stated(row.get("filing_type")) or "?"
        index = IndexRow(
            1, number, int(year), kind, day, text["last_name"] or "", text["first_name"], text["prefix"],
            text["suffix"], text["state_dst"],
        )  # fmt: skip
        _index_row(account, index)
    return account.reading()


def house_index(account: Account, found: IndexRows) -> None:
    """Put the rows of a yearly index into an account, with those that cannot be read."""
    for row in found.rows:
        _index_row(account, row)
    for refused in found.refused:
        account.refuse("filings", refused.field, refused.value, refused.reason)


def _index_row(account: Account, row: IndexRow) -> None:
    state, district = v.parse_district(row.state_district)
    account.record(
        "filing_facts",
        HOUSE,
        chamber="house",
        document=row.doc_id,
        filing_type=row.filing_type,
        filer=row.filer or "?",
        state=state,
        district=district,
        filed_on=row.filing_date,
        year=row.year,
        url=row.url,
    )


# -------------------------------------------------------------------------------------------------------------- Senate


def is_senate_page(head: bytes) -> bool:
    """Whether markup looks like a page of the Senate's disclosure site."""
    return b"efdsearch" in head or b"eFD:" in head or b"efd-media" in head or b"Periodic Transaction Report" in head


def read_senate_page(data: bytes, origin: Origin) -> Reading:
    """One report page. Its UUID stands in no place of the page itself, so the file's name gives it."""
    account = Account(origin.file)
    _named_page(account, data, origin.name)
    return account.reading()


def read_senate_archive(path: Path, origin: Origin, max_bytes: int) -> Reading:
    """Report pages in a tar archive, gzip or not. Raises Unreadable where there are none."""
    account = Account(origin.file)
    for name, data in _members(path, max_bytes):
        _named_page(account, data, name)
    if not account.records.get("document_facts"):
        raise Unreadable("an archive without report pages")
    return account.reading()


def _members(path: Path, max_bytes: int) -> Iterator[tuple[str, bytes]]:
    """HTML members of an archive, as a stream: nothing is unpacked to disk, sizes are bounded."""
    total = 0
    try:
        with tarfile.open(path, "r|*") as archive:
            for count, member in enumerate(archive):
                if count >= _MOST_MEMBERS:
                    raise Unreadable(f"an archive of more than {_MOST_MEMBERS:,} members")
                if not member.isfile() or not member.name.lower().endswith((".html", ".htm")):
                    continue
                total += member.size
                if member.size > _LONGEST_PAGE or total > max_bytes:
                    raise Unreadable(f"too large: {member.name[:80]} unpacks to {member.size:,} bytes")
                handle = archive.extractfile(member)
                if handle is not None:
                    yield member.name.rsplit("/", 1)[-1], handle.read(_LONGEST_PAGE)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise Unreadable(f"the archive is damaged: {v.shorten(error)}") from error


def _named_page(account: Account, data: bytes, name: str) -> None:
    uuid = _UUID.search(name)
    if uuid is None:
        account.refuse("documents", "document", name, "a Senate page whose file name holds no report UUID")
        return
    senate_page(account, read_ptr_page(data), uuid.group(0).lower(), hashlib.sha256(data).hexdigest())


def senate_page(account: Account, page: SenatePtr, document: str, content_hash: str) -> None:
    """Put a report page into an account. `document`: its UUID, lower case; `content_hash`: SHA-256 of its bytes."""
    reading = senate_facts(page, document, file=account.file, source=SENATE)
    rows = reading.facts.get("disclosure_facts")
    assert rows is None or isinstance(rows, pa.Table)
    status, reason = _judged(page.status, page.reason, len(page.rows), page.rows_stated, reading.quarantine.num_rows)
    account.record(
        "document_facts",
        SENATE,
        chamber="senate",
        document=document,
        status=status,
        reason=reason or "; ".join(page.problems) or None,
        rows_read=rows.num_rows if rows is not None else 0,
        rows_expected=page.rows_stated,
        filer=page.filer,
        filed_on=page.filed_at.date() if page.filed_at else None,
        amendment_no=page.amendment_no,
        report_on=page.title_date,
        content_hash=content_hash,
        url=_address(page, document),
    )
    account.document(_marked(rows, status) if rows is not None else None, reading.quarantine)


def _address(page: SenatePtr, document: str) -> str:
    return f"{_SENATE_SITE}/search/view/{'paper' if page.status == 'paper' else 'ptr'}/{document}/"


def read_senate_index(data: bytes, origin: Origin) -> Reading:
    """A search answer, or a list of its rows by name. Raises Unreadable where it holds neither."""
    try:
        found = read_search(data)
    except ValueError as error:
        raise Unreadable(str(error)) from error
    account = Account(origin.file)
    senate_index(account, found.rows, found.unreadable)
    return account.reading()


def senate_index(account: Account, rows: Iterable[SearchRow], unreadable: Iterable[tuple[int, str]]) -> None:
    """Put the rows of a search into an account; `unreadable`: number and reason of those that cannot be read."""
    for row in rows:
        account.record(
            "filing_facts",
            SENATE,
            chamber="senate",
            document=row.document,
            filing_type=_senate_type(row),
            filer=row.filer or "?",
            office=row.office,
            title=row.title,
            filed_on=row.submitted_on,
            amendment_no=row.amendment_no,
            url=v.parse_url(_SENATE_SITE + row.path),
        )
    for position, reason in unreadable:
        account.refuse("filings", "row", position, reason)


def _senate_type(row: SearchRow) -> str:
    if row.is_ptr:
        return "paper_ptr" if row.kind == "paper" else "ptr"
    return row.kind


def is_pdf(head: bytes) -> bool:
    """Whether a file's first bytes begin a PDF."""
    return head.startswith(b"%PDF")
