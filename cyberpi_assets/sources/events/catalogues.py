"""Lists of known things: CISA's catalogue, OFAC's sanctions list, incidents, acquisitions, sanctions events.

Here belongs how each list is printed. What changed between two versions of a list is in `domain/news/events.py`.
"""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
import re
from typing import Any, Final

from cyberpi_assets.sources.events.headlines import Records
from cyberpi_assets.sources.events.moments import parse_moment
from cyberpi_assets.sources.rows import Origin, Reading, RowBuffer, Unreadable
from cyberpi_assets.sources.values import clean_text, decimal, parse_date, shorten, spell_symbol, stated
from cyberpi_assets.tables.facts.news import KEV_FACTS, SANCTION_FACTS

GRADES: Final = frozenset({"A", "B", "C"})
LONGEST: Final = 4_000
CVE: Final = re.compile(r"CVE-\d{4}-\d{4,7}")
_COIN = re.compile(r"Digital Currency Address - ([A-Z0-9]{2,6}) ([A-Za-z0-9]{20,100})")
_NULL: Final = "-0-"
_OFAC_WIDTHS: Final = {12: "entry", 5: "alias", 6: "address", 2: "remark"}
_DAY_IN_NAME = re.compile(r"(\d{4}-\d{2}-\d{2})|(?<!\d)(\d{8})(?!\d)")


def read_kev(document: Any, origin: Origin) -> Reading:
    """CISA's catalogue of one release. Raises Unreadable where it is none, or its count differs from its entries."""
    catalogue: dict[str, Any] = document if isinstance(document, dict) else {}
    entries, released = catalogue.get("vulnerabilities"), parse_moment(catalogue.get("dateReleased"))
    if not isinstance(entries, list) or released is None:
        raise Unreadable("not a catalogue of known exploited vulnerabilities")
    if isinstance(catalogue.get("count"), int) and catalogue["count"] != len(entries):
        raise Unreadable(f"the catalogue announces {catalogue['count']:,} entries and holds {len(entries):,}")
    buffer = RowBuffer(origin.file)
    for line, found in enumerate(entries, 1):
        buffer.read += 1
        entry: dict[str, Any] = found if isinstance(found, dict) else {}
        cve, added = str(entry.get("cveID") or "").strip().upper(), parse_date(entry.get("dateAdded"))
        vendor, product = stated(entry.get("vendorProject")), stated(entry.get("product"))
        if not CVE.fullmatch(cve) or added is None or vendor is None or product is None:
            buffer.quarantine("kev", line, "entry", entry, "no CVE number, day, vendor or product")
            continue
        buffer.accept(
            "kev_facts",
            {
                "cve": cve,
                "vendor": vendor,
                "product": product,
                "name": stated(entry.get("vulnerabilityName")),
                "added_on": added,
                "due_on": parse_date(entry.get("dueDate")),
                "ransomware": clean_text(entry.get("knownRansomwareCampaignUse")),
                "description": _cut(entry.get("shortDescription")),
                "cwes": [str(c)[:20] for c in entry.get("cwes") or [] if isinstance(c, str)],
                "released_at": released.at,
                "catalog_version": clean_text(catalogue.get("catalogVersion")),
                "source": "cisa_kev",
            },
            line,
        )
    reading = buffer.reading()
    reading.facts.setdefault("kev_facts", KEV_FACTS.empty())
    return reading


def is_ofac(line: str) -> bool:
    """Whether a first line is one of OFAC's lists: a number first, no header, and as many cells as a list has."""
    try:
        cells = next(csv.reader(io.StringIO(line)), [])
    except csv.Error:
        return False
    if len(cells) not in _OFAC_WIDTHS or not cells[0].strip().isdigit():
        return False
    return any(c.strip() == _NULL for c in cells) or (len(cells) == 2 and len(cells[1]) > 40)


def read_ofac(text: str, origin: Origin, snapshot_at: dt.datetime | None = None) -> Reading:
    """One of OFAC's lists (SDN, ALT, ADD, SDN_COMMENTS), told by its number of cells.

    The lists do not date themselves: the moment is the caller's, else the day in the file's name. Raises Unreadable
    where neither is known or a row of the first ten fits no list.
    """
    at = snapshot_at or _day_of_name(origin.name)
    if at is None:
        raise Unreadable("a sanctions list without a date: put YYYY-MM-DD in the file's name")
    csv.field_size_limit(16 * 2**20)
    buffer, record = RowBuffer(origin.file), ""
    try:
        for line, cells in enumerate(csv.reader(io.StringIO(text, newline="")), 1):
            if not cells or cells == ["\x1a"]:  # the mark that ends the file
                continue
            buffer.read += 1
            record = record or _OFAC_WIDTHS.get(len(cells), "")
            number = cells[0].strip()
            if _OFAC_WIDTHS.get(len(cells)) != record or not number.isdigit():
                buffer.quarantine("sanctions", line, "row", ",".join(cells), "not a row of this list")
                continue
            values = [None if c.strip() in (_NULL, "") else clean_text(c) for c in cells]
            buffer.accept("sanction_facts", _ofac_row(record, int(number), values, at), line)
    except csv.Error as error:
        raise Unreadable(f"CSV is damaged: {shorten(error)}") from error
    if not record:
        raise Unreadable("no row of a sanctions list")
    reading = buffer.reading()
    reading.facts.setdefault("sanction_facts", SANCTION_FACTS.empty())
    return reading


def _ofac_row(record: str, number: int, values: list[str | None], at: dt.datetime) -> dict[str, Any]:
    row: dict[str, Any] = {
        "record": record, "ent_num": number, "snapshot_at": at, "programs": [], "addresses": [], "tickers": [],
        "source": "ofac_sdn",
    }  # fmt: skip
    if record == "entry":
        remarks = values[11]
        row |= {
            "name": values[1],
            "entity_type": (values[2] or "entity").lower(),
            "programs": [p.strip(" []") for p in re.split(r"\]\s*\[|;", values[3] or "") if p.strip(" []")],
            "text": _cut(remarks),
            "addresses": _coins(remarks),
        }
    elif record == "alias":
        row["name"] = values[3]
    elif record == "address":
        row["country"] = values[4]
    else:
        row |= {"text": _cut(values[1]), "addresses": _coins(values[1])}
    return row


def _coins(remarks: str | None) -> list[str]:
    return [f"{coin} {address}" for coin, address in _COIN.findall(remarks or "")]


def _day_of_name(name: str) -> dt.datetime | None:
    found = _DAY_IN_NAME.search(name)
    day = parse_date(found[0]) if found else None
    return dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC) if day else None


def read_incidents(records: Records, origin: Origin) -> Reading:
    """A list of cyber incidents, graded; or one of weak labels, which are all `weak`."""
    buffer = RowBuffer(origin.file)
    for line, row, raw in records:
        buffer.read += 1
        if row is None:
            buffer.quarantine("incidents", line, "row", raw, "the row is not a record of the known fields")
            continue
        weak = "breach_type" in row
        ticker = spell_symbol(row.get("ticker" if weak else "ticker_at_event"))
        company, day = stated(row.get("company")), parse_date(row.get("date_disclosed"))
        grade = "weak" if weak else str(row.get("confidence") or "").strip().upper()
        if ticker is None or company is None or day is None:
            buffer.quarantine("incidents", line, "ticker", row.get("ticker"), "no symbol, company or day of disclosure")
            continue
        if not weak and grade not in GRADES:
            buffer.quarantine("incidents", line, "confidence", grade, "neither A, B nor C")
            continue
        buffer.accept(
            "incident_facts",
            {
                "event_id": stated(row.get("event_id")) or f"WEAK:{ticker}:{day}:{_digest(company, row.get('detail'))}",
                "ticker_at_event": ticker,
                "ticker_now": ticker if weak else spell_symbol(row.get("ticker_now")),
                "company": company,
                "event": _cut(row.get("detail") if weak else row.get("event")),
                "event_type": stated(row.get("breach_type" if weak else "event_type")),
                "is_breach": True if weak else _bool(row.get("is_breach")),
                "discovered_on": parse_date(row.get("breach_date" if weak else "date_discovered")),
                "disclosed_on": day,
                "event_day": None if weak else parse_date(row.get("event_day")),
                "event_day_ambiguous": None if weak else _bool(row.get("event_day_ambiguous")),
                "session": None if weak else stated(row.get("session")),
                "grade": grade,
                "filing": None if weak else stated(row.get("filing")),
                "records_affected": None if weak else decimal(row.get("records_affected")),
                "records_unit": None if weak else stated(row.get("records_unit")),
                "ticker_reuse": None if weak else stated(row.get("ticker_reuse_warning")),
                "said_by": _cut(row.get("source")),
                "source": "incidents_weak" if weak else "incidents",
            },
            line,
        )
    return buffer.reading()


def read_acquisitions(records: Records, origin: Origin) -> Reading:
    """A list of announced acquisitions."""
    buffer = RowBuffer(origin.file)
    for line, row, raw in records:
        buffer.read += 1
        day = parse_date(row.get("date_announced")) if row else None
        target, acquirer = (stated(row.get(n)) for n in ("target", "acquirer")) if row else (None, None)
        if row is None or day is None or target is None or acquirer is None:
            buffer.quarantine("mna", line, "row", raw, "no target, acquirer or day")
            continue
        buffer.accept(
            "mna_facts",
            {
                "ticker_target": spell_symbol(row.get("ticker_target")),
                "ticker_acquirer": spell_symbol(row.get("ticker_acquirer")),
                "target": target,
                "acquirer": acquirer,
                "announced_on": day,
                "event_type": stated(row.get("event_type")),
                "grade": stated(row.get("confidence")),
                "said_by": _cut(row.get("source")),
                "source": "acquisitions",
            },
            line,
        )
    return buffer.reading()


def read_sanctions_events(records: Records, origin: Origin) -> Reading:
    """A list of sanctions events with the symbols said to be exposed."""
    buffer = RowBuffer(origin.file)
    for line, row, raw in records:
        buffer.read += 1
        day = parse_date(row.get("date")) if row else None
        name = _cut(row.get("event")) if row else None
        if row is None or day is None or name is None:
            buffer.quarantine("sanctions", line, "row", raw, "no event or day")
            continue
        tickers = [t for t in map(spell_symbol, re.split(r"[,;\s]+", str(row.get("tickers_exposed") or ""))) if t]
        buffer.accept(
            "sanction_facts",
            {
                "record": "event",
                "name": name,
                "programs": [],
                "text": _cut(row.get("source")),
                "addresses": [],
                "tickers": tickers,
                "event_on": day,
                "grade": stated(row.get("confidence")),
                "source": "sanctions_events",
            },
            line,
        )
    return buffer.reading()


def _cut(value: object) -> str | None:
    text = stated(str(value)[: 4 * LONGEST]) if value is not None else None
    return text[:LONGEST] if text else None


def _bool(value: object) -> bool | None:
    return {"true": True, "false": False, "1": True, "0": False}.get(str(value).strip().lower())


def _digest(*parts: object) -> str:
    return hashlib.sha256("\x1f".join(map(str, parts)).encode("utf-8", "replace")).hexdigest()[:8]
