"""Filings with the SEC as EDGAR lists them: a filer's submissions, the current feed, hits of the full-text search.

Here belongs what each list says of a filing. One filing is listed several times; `domain/news/events.py` makes one of
them by accession number. Only forms 8-K are kept: other rows are counted in the note.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Any, Final
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring
from lxml import html

from cyberpi_assets.sources.events.moments import parse_moment
from cyberpi_assets.sources.rows import Origin, Reading, RowBuffer, Unreadable
from cyberpi_assets.sources.values import clean_text, parse_date, shorten, spell_symbol, stated
from cyberpi_assets.tables.facts.news import COMPANY_FILING_FACTS

FORMS: Final = ("8-K", "8-K/A", "8-K12B", "8-K12B/A")
ARCHIVES: Final = "https://www.sec.gov/Archives/edgar/data"
LONGEST_TEXT: Final = 20_000
_ATOM: Final = "{http://www.w3.org/2005/Atom}"
_ACCESSION = re.compile(r"\d{10}-\d{2}-\d{6}")
_TITLE = re.compile(r"(?P<form>[A-Z0-9][A-Z0-9 /-]{0,19}?) - (?P<name>.+) \((?P<cik>\d{10})\) \((?P<role>[^()]+)\)\s*")
_ITEM = re.compile(r"Item (\d{1,2}\.\d{2})")
_ITEM_NUMBER = re.compile(r"\d{1,2}\.\d{2}")
_SHOWN = re.compile(r"(?P<name>.*?)\s*(?:\((?P<tickers>[A-Z0-9.,\s-]{1,60})\)\s*)?\(CIK (?P<cik>\d{10})\)\s*")


def read_submissions(document: Any, origin: Origin, seen_at: dt.datetime | None = None) -> Reading:
    """A filer's recent 8-Ks. Raises Unreadable where the parallel arrays are missing or of different lengths."""
    filer: dict[str, Any] = document if isinstance(document, dict) else {}
    recent = filer.get("filings", {}).get("recent") if isinstance(filer.get("filings"), dict) else filer
    wanted = ("accessionNumber", "form", "filingDate", "acceptanceDateTime", "reportDate", "items", "primaryDocument")
    columns = [recent.get(n) if isinstance(recent, dict) else None for n in wanted]
    if any(not isinstance(c, list) for c in columns) or len({len(c) for c in columns if isinstance(c, list)}) != 1:
        raise Unreadable("submissions without their parallel arrays")
    cik = _cik(filer.get("cik"))
    tickers = [t for t in map(spell_symbol, _list(filer.get("tickers"))) if t]
    buffer, others = RowBuffer(origin.file), 0
    for line, cells in enumerate(zip(*(c or [] for c in columns), strict=True), 1):
        row = dict(zip(wanted, cells, strict=True))
        if row["form"] not in FORMS:
            others += 1
            continue
        accession = str(row["accessionNumber"])
        url = None
        if cik is not None and row["primaryDocument"]:
            url = f"{ARCHIVES}/{cik}/{accession.replace('-', '')}/{row['primaryDocument']}"
        _accept(
            buffer, line, accession=accession, cik=cik, company=filer.get("name"), tickers=tickers, form=row["form"],
            items=_ITEM_NUMBER.findall(str(row["items"])), accepted=row["acceptanceDateTime"], filed=row["filingDate"],
            report=row["reportDate"], url=url, source="edgar_submissions", seen_at=seen_at,
        )  # fmt: skip
    return _reading(buffer, f"{others:,} filings of other forms" if others else None)


def read_current(data: bytes, origin: Origin, seen_at: dt.datetime | None = None) -> Reading:
    """The entries of the current feed (Atom, ISO-8859-1). Raises Unreadable for HTML or damaged XML."""
    if b"<html" in data[:4096].lower() or b"<!doctype html" in data[:4096].lower():
        raise Unreadable("HTML in place of the current feed")
    try:
        root: Element = fromstring(data)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise Unreadable(f"XML is damaged or forbidden: {shorten(error)}") from error
    if root.tag != f"{_ATOM}feed":
        raise Unreadable("not an Atom feed")
    buffer, others = RowBuffer(origin.file), 0
    for line, entry in enumerate(root.findall(f"{_ATOM}entry"), 1):
        title = _TITLE.fullmatch((entry.findtext(f"{_ATOM}title") or "").strip()[:500])
        found = _ACCESSION.search(entry.findtext(f"{_ATOM}id") or "")
        if title is None or found is None:
            buffer.read += 1
            buffer.quarantine("company_filings", line, "title", entry.findtext(f"{_ATOM}title"), "not a filing's title")
            continue
        if title["form"] not in FORMS:
            others += 1
            continue
        summary = (entry.findtext(f"{_ATOM}summary") or "")[:20_000]
        filed = re.search(r"Filed:\D{0,10}(\d{4}-\d{2}-\d{2})", summary)
        link = entry.find(f"{_ATOM}link")
        _accept(
            buffer, line, accession=found[0], cik=_cik(title["cik"]), company=title["name"], tickers=[],
            form=title["form"], items=_ITEM.findall(summary), accepted=entry.findtext(f"{_ATOM}updated"),
            filed=filed[1] if filed else None, report=None, url=link.get("href") if link is not None else None,
            source="edgar_current", seen_at=seen_at,
        )  # fmt: skip
    return _reading(buffer, f"{others:,} entries of other forms" if others else None)


def read_search(document: Any, origin: Origin, seen_at: dt.datetime | None = None, *, cyber: bool = False) -> Reading:
    """Hits of the full-text search; `cyber` where it was asked for cyber words. A hit is a document of a filing.

    Raises Unreadable for an answer without hits, or one that the site cut short.
    """
    answer: dict[str, Any] = document if isinstance(document, dict) else {}
    if answer.get("timed_out") is True:
        raise Unreadable("the search was cut short")
    hits = answer.get("hits")
    hits = hits.get("hits") if isinstance(hits, dict) else hits
    if not isinstance(hits, list):
        raise Unreadable("an answer without hits")
    buffer, others = RowBuffer(origin.file), 0
    for line, hit in enumerate(hits, 1):
        source: dict[str, Any] = hit.get("_source") or {} if isinstance(hit, dict) else {}
        if source.get("form") not in FORMS:
            others += 1
            continue
        names = [m for n in _list(source.get("display_names")) if (m := _SHOWN.fullmatch(str(n)[:500]))]
        shown = names[0] if names else None
        cik = _cik(next(iter(_list(source.get("ciks"))), None))
        accession = str(source.get("adsh"))
        name = str(hit.get("_id", "")).partition(":")[2]
        tickers = [t for t in map(spell_symbol, ((shown["tickers"] or "") if shown else "").split(",")) if t]
        url = (
            f"{ARCHIVES}/{cik}/{accession.replace('-', '')}/{name}" if cik and re.fullmatch(r"[\w.-]+", name) else None
        )
        _accept(
            buffer, line, accession=accession, cik=cik, company=shown["name"] if shown else None, tickers=tickers,
            form=source["form"], items=[str(i) for i in _list(source.get("items"))], accepted=None,
            filed=source.get("file_date"), report=source.get("period_ending"), url=url, source="edgar_search",
            seen_at=seen_at, cyber=cyber,
        )  # fmt: skip
    return _reading(buffer, f"{others:,} hits of other forms" if others else None)


def text_of(data: bytes) -> str | None:
    """The beginning of a filing's main document as text; None where nothing is legible."""
    try:
        root: Any = html.document_fromstring(data[: 4 * 2**20])
        for hidden in root.xpath("//script|//style|//*[contains(@style, 'display:none')]"):
            hidden.drop_tree()
        text = root.text_content()
    except Exception:  # whatever the parser says of it, there is no text
        return None
    plain = clean_text(text)
    return plain[:LONGEST_TEXT] if plain else None


def _accept(
    buffer: RowBuffer,
    line: int,
    *,
    accession: str,
    cik: int | None,
    company: object,
    tickers: list[str],
    form: str,
    items: list[str],
    accepted: object,
    filed: object,
    report: object,
    url: str | None,
    source: str,
    seen_at: dt.datetime | None,
    cyber: bool = False,
) -> None:
    buffer.read += 1
    if not _ACCESSION.fullmatch(accession):
        return buffer.quarantine("company_filings", line, "accession", accession, "not an accession number")
    if cik is None:
        return buffer.quarantine("company_filings", line, "cik", None, "no central index key")
    at, day = parse_moment(accepted), parse_date(filed)
    if at is None and day is None:
        return buffer.quarantine("company_filings", line, "filed_on", filed, "neither a moment nor a day")
    buffer.accept(
        "company_filing_facts",
        {
            "accession": accession,
            "cik": cik,
            "company": stated(company),
            "tickers": tickers,
            "form": form,
            "items": [i for i in dict.fromkeys(items) if _ITEM_NUMBER.fullmatch(i)],
            "accepted_at": at.at if at else None,
            "filed_on": day,
            "report_on": parse_date(report),
            "url": url if url and url.startswith("https://www.sec.gov/") else None,
            "text": None,
            "cyber_query": cyber,
            "seen_at": seen_at,
            "source": source,
        },
        line,
    )
    return None


def _list(value: object) -> list[Any]:
    return list(value) if isinstance(value, list) else []


def _cik(value: object) -> int | None:
    text = str(value or "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 10 and int(text) else None


def _reading(buffer: RowBuffer, note: str | None) -> Reading:
    reading = buffer.reading(note)
    reading.facts.setdefault("company_filing_facts", COMPANY_FILING_FACTS.empty())
    return reading
