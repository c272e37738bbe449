"""The yearly index of filings, in the three shapes in which it is found: ZIP, XML and TXT.

Here belongs reading of bytes that may be anything: sizes are bounded before memory is spent, a ZIP's members are read
by name and never unpacked to disk, XML is refused when it declares entities. Which filings are fetched is decided
elsewhere.
"""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from xml.etree.ElementTree import ParseError  # what defusedxml raises for text that is not XML

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from cyberpi_assets.sources.values import clean_text, parse_date, shorten

LARGEST: Final = 64 << 20  # bytes, packed or unpacked
MOST_ROWS: Final = 500_000
MOST_MEMBERS: Final = 50
FILING_TYPES: Final = {
    "A": "amendment",
    "B": "blind trust",
    "C": "candidate",
    "D": "campaign notice",
    "E": "termination exemption",
    "G": "gift or travel",
    "H": "new filer",
    "O": "annual",
    "P": "periodic transaction report",
    "T": "terminated filer",
    "W": "withdrawal",
    "X": "extension",
}
_FIELDS: Final = ("Prefix", "Last", "First", "Suffix", "FilingType", "StateDst", "Year", "FilingDate", "DocID")


@dataclass(frozen=True)
class IndexRow:
    """One filing the index names. `line` counts from 1: the line of the TXT, the record of the XML.

    `filing_date` is None where the index leaves it blank; `state_district` as GA12, None for blank. `year` is the year
    in the filing's address, which may differ from the year of its date. A date or district that cannot be read costs no
    filing its place: it is None, with `filing_date_unreadable` or `state_district_unreadable` in `flags`.
    """

    line: int
    doc_id: str
    year: int
    filing_type: str
    filing_date: dt.date | None
    last: str
    first: str | None
    prefix: str | None
    suffix: str | None
    state_district: str | None
    flags: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        """The filing's address at the Clerk's."""
        folder = "ptr-pdfs" if self.filing_type == "P" else "financial-pdfs"
        return f"https://disclosures-clerk.house.gov/public_disc/{folder}/{self.year}/{self.doc_id}.pdf"

    @property
    def filer(self) -> str:
        """The name in its usual order."""
        return " ".join(p for p in (self.prefix, self.first, self.last, self.suffix) if p)


@dataclass(frozen=True)
class RefusedRow:
    """One row put aside: where, which field, what stood there and why."""

    line: int
    field: str
    value: str | None
    reason: str


@dataclass(frozen=True)
class IndexRows:
    """What an index holds: `read` = accepted + refused. `failure` says why the file, or its rest, cannot be read."""

    rows: tuple[IndexRow, ...]
    refused: tuple[RefusedRow, ...]
    read: int
    format: str | None
    failure: str | None = None


class _Unreadable(Exception):
    """A file that is no index, with the reason in words."""


def read_index(data: bytes, name: str) -> IndexRows:
    """Read an index from its bytes; its shape is told by its content. `name` is used in reasons only.

    Never raises for what the bytes hold. Rows read before a file breaks off are kept, with `failure` set.
    """
    kind: str | None = None
    rows: list[IndexRow] = []
    refused: list[RefusedRow] = []
    failure: str | None = None
    try:
        kind, content = _content(data)
        known: dict[str, int] = {}
        for line, fields, odd in _xml_rows(content) if kind.endswith("xml") else _txt_rows(content):
            if len(rows) + len(refused) >= MOST_ROWS:
                raise _Unreadable(f"more than {MOST_ROWS} rows")
            row = odd if odd is not None else _row(line, fields, known)
            if isinstance(row, IndexRow):
                rows.append(row)
            else:
                refused.append(row)
        if not rows and not refused:
            failure = "no filings in it"
    except _Unreadable as error:
        failure = str(error)
    return IndexRows(
        tuple(rows), tuple(refused), len(rows) + len(refused), kind, None if failure is None else f"{name}: {failure}"
    )


def _content(data: bytes) -> tuple[str, bytes]:
    if len(data) > LARGEST:
        raise _Unreadable(f"{len(data)} bytes, more than the {LARGEST} that are read")
    if data[:4] == b"PK\x03\x04":
        kind, inner = _unzipped(data)
        return f"zip/{kind}", inner
    return _kind(data), data


def _kind(data: bytes) -> str:
    head = data[:4096].removeprefix(b"\xef\xbb\xbf").lstrip()
    lower = head[:1000].lower()
    if lower.startswith((b"<!doctype html", b"<html")) or b"<html" in lower:
        raise _Unreadable("a web page (HTML) instead of an index")
    if head.startswith(b"<"):
        return "xml"
    if b"DocID" in head.split(b"\n", 1)[0]:
        return "txt"
    raise _Unreadable("neither ZIP, XML nor TXT of the Clerk's index")


def _unzipped(data: bytes) -> tuple[str, bytes]:
    """The XML member, or the TXT; the size written in the archive is not trusted."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [m for m in archive.infolist()[: MOST_MEMBERS + 1] if not m.is_dir()]
            if len(members) > MOST_MEMBERS:
                raise _Unreadable(f"more than {MOST_MEMBERS} members")
            for ending in (".xml", ".txt"):
                for member in members:
                    if not member.filename.lower().endswith(ending):
                        continue
                    if member.flag_bits & 1:
                        raise _Unreadable("the archive is encrypted")
                    with archive.open(member) as stream:
                        inner = stream.read(LARGEST + 1)
                    if len(inner) > LARGEST:
                        raise _Unreadable(f"a member unpacks to more than the {LARGEST} bytes that are read")
                    return _kind(inner), inner
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError) as error:
        raise _Unreadable(f"a damaged archive ({str(error)[:100]})") from None
    raise _Unreadable("an archive without an index in it")


_Found = tuple[int, dict[str, str], RefusedRow | None]


def _txt_rows(data: bytes) -> Iterator[_Found]:
    text = data.removeprefix(b"\xef\xbb\xbf")
    try:
        lines = text.decode("utf-8").split("\n")
    except UnicodeDecodeError:
        lines = text.decode("cp1252", "replace").split("\n")
    names = [n.strip() for n in lines[0].split("\t")]
    if missing := {"Last", "FilingType", "Year", "FilingDate", "DocID"} - set(names):
        raise _Unreadable(f"columns {', '.join(sorted(missing))} are missing")
    for line, printed in enumerate(lines[1:], 2):
        if not printed.strip():
            continue
        values = printed.rstrip("\r").split("\t")
        if len(values) != len(names):
            reason = f"{len(values)} fields where the header names {len(names)}"
            yield line, {}, RefusedRow(line, "row", shorten(printed), reason)
        else:
            yield line, dict(zip(names, values, strict=True)), None


def _xml_rows(data: bytes) -> Iterator[_Found]:
    line = depth = 0
    try:
        events: Any = iterparse(io.BytesIO(data), events=("start", "end"), forbid_dtd=True)
        root: Any = None
        for event, element in events:
            depth += 1 if event == "start" else -1
            if root is None:
                root = element
                if element.tag != "FinancialDisclosure":
                    raise _Unreadable(f"XML, but its root is {shorten(element.tag)}, not FinancialDisclosure")
            if depth > 20:
                raise _Unreadable("XML nested deeper than an index is")
            if event == "end" and depth == 1:
                line += 1
                fields = {str(c.tag): str(c.text or "") for c in element}
                odd = None if element.tag == "Member" else RefusedRow(line, "row", shorten(element.tag), "not a Member")
                yield line, fields, odd
                root.clear()
    except DefusedXmlException as error:
        raise _Unreadable(f"XML that declares entities or a DTD is not read ({type(error).__name__})") from None
    except (ParseError, ValueError, LookupError) as error:
        raise _Unreadable(f"XML that breaks off or is damaged after record {line} ({str(error)[:100]})") from None


def _row(line: int, printed: dict[str, str], known: dict[str, int]) -> IndexRow | RefusedRow:
    fields = {name: clean_text(printed.get(name)) for name in _FIELDS}

    def wrong(name: str, reason: str) -> RefusedRow:
        return RefusedRow(line, name, shorten(printed.get(name)), reason)

    doc_id, year, kind, last = fields["DocID"], fields["Year"], fields["FilingType"], fields["Last"]
    if doc_id is None or not re.fullmatch(r"[0-9]{3,12}", doc_id):
        return wrong("DocID", "not a document's number")
    if year is None or not re.fullmatch(r"(?:19|20)[0-9]{2}", year):
        return wrong("Year", "not a year")
    if kind is None or not re.fullmatch(r"[A-Z]{1,2}", kind):
        return wrong("FilingType", "not a type of filing")
    if last is None or len(last) > 200 or len(fields["First"] or "") > 200:
        return wrong("Last", "no name")
    flags: list[str] = []
    filed = parse_date(fields["FilingDate"])
    if filed is None and fields["FilingDate"] is not None:
        flags.append("filing_date_unreadable")
    district = fields["StateDst"]
    if district is not None and (m := re.fullmatch(r"([A-Z]{2})[/ -]?([0-9]{0,2})", district.upper())):
        district = m[1] + m[2]
    elif district is not None:
        district = None
        flags.append("state_district_unreadable")
    if (first_line := known.setdefault(f"{year}/{doc_id}", line)) != line:
        return wrong("DocID", f"the same document as line {first_line}")
    names = (last, fields["First"], fields["Prefix"], fields["Suffix"])
    return IndexRow(line, doc_id, int(year), kind, filed, *names, district, tuple(flags))
