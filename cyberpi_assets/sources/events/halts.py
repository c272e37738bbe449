"""Trading halts: Nasdaq's RSS, the exchanges' tables, and documents that repeat them.

Here belongs how a halt is printed. Times are New York's, sometimes with a blank before the milliseconds; an item's
`pubDate` is only a midnight and says nothing. A page of HTML in place of a list is an error, never an empty list.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Any, Final
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from cyberpi_assets.sources.events.headlines import Records
from cyberpi_assets.sources.events.moments import parse_clock, us_date
from cyberpi_assets.sources.rows import Origin, Reading, Record, RowBuffer, Unreadable
from cyberpi_assets.sources.values import decimal, shorten, spell_symbol, stated
from cyberpi_assets.tables.facts.news import HALT_FACTS

NAMESPACE: Final = "{http://www.nasdaqtrader.com/}"
_FURTHER_PAPER = re.compile(r"^([A-Z]{1,5}) (PR[A-Z]?|WS|WT|RT|U|UN|RTWI|WI)$")
_NAMES: Final = {  # what each list calls a field, lower case without blanks
    "symbol": ("issuesymbol", "symbol", "ticker"),
    "name": ("issuename", "name", "issue_name"),
    "market": ("market", "mkt", "exchange"),
    "date": ("haltdate", "halt_date"),
    "time": ("halttime", "halt_time"),
    "code": ("reasoncode", "reason_code"),
    "reason": ("reason", "halt_reason", "haltreason"),
    "threshold": ("pausethresholdprice",),
    "resume_date": ("resumptiondate", "resume_date", "resumedate"),
    "resume_quote": ("resumptionquotetime",),
    "resume_trade": ("resumptiontradetime", "resume_time", "nyseresumetime", "resumetime"),
}


class Incomplete(Unreadable):
    """A list announces more or fewer halts than it holds."""


def read_halts_rss(data: bytes, origin: Origin, seen_at: dt.datetime | None = None, *, whole: bool = False) -> Reading:
    """The halts of Nasdaq's feed. Its own count is a checksum: a difference is noted, or refused where `whole`.

    Raises Unreadable for HTML or damaged XML, and Incomplete where `whole` and the count differs.
    """
    head = data[:4096].lstrip().lower()
    if head.startswith((b"<!doctype html", b"<html", b"<head")) or b"<html" in head:
        raise Unreadable("HTML in place of the list of halts")
    try:
        root: Element = fromstring(data)
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise Unreadable(f"XML is damaged or forbidden: {shorten(error)}") from error
    channel = root.find("channel")
    if root.tag != "rss" or channel is None:
        raise Unreadable("not an RSS channel")
    items = channel.findall("item")
    announced = (channel.findtext(f"{NAMESPACE}numItems") or "").strip()
    note = None
    if not announced.isdigit():
        note = "the feed states no number of items"
    elif int(announced) != len(items):
        note = f"the feed announces {int(announced):,} halts and holds {len(items):,}"
    if note is not None and whole:
        raise Incomplete(note)
    buffer = RowBuffer(origin.file)
    for line, item in enumerate(items, 1):
        fields = {child.tag.removeprefix(NAMESPACE).lower(): child.text for child in item if NAMESPACE in child.tag}
        _add(buffer, line, fields, "nasdaqtrader", seen_at)
    return _reading(buffer, note)


def read_halt_rows(records: Records, origin: Origin, seen_at: dt.datetime | None = None) -> Reading:
    """A table of halts: the exchange's own CSV, or a collection of them."""
    buffer = RowBuffer(origin.file)
    for line, row, raw in records:
        if row is None:
            buffer.read += 1
            buffer.quarantine("halts", line, "row", raw, "the row is not a record of the known fields")
            continue
        fields = {str(k).lower().replace(" ", "_").strip("_"): v for k, v in row.items()}
        _add(buffer, line, fields, stated(row.get("source")) or "halts_table", seen_at)
    return _reading(buffer, None)


def read_halts_document(document: Any, origin: Origin) -> Reading:
    """A JSON document with a list `halts`. Raises Unreadable where it has none."""
    halts = document.get("halts") if isinstance(document, dict) else None
    if not isinstance(halts, list):
        raise Unreadable("a document without a list of halts")
    buffer = RowBuffer(origin.file)
    for line, halt in enumerate(halts, 1):
        fields = {str(k).lower(): v for k, v in halt.items()} if isinstance(halt, dict) else {}
        _add(buffer, line, fields, "halts_feed", None)
    return _reading(buffer, None)


def _add(buffer: RowBuffer, line: int, fields: Record, source: str, seen_at: dt.datetime | None) -> None:
    buffer.read += 1
    flat = {k.replace("_", ""): v for k, v in fields.items()}
    get = {part: next((flat[n.replace("_", "")] for n in names if flat.get(n.replace("_", "")) not in (None, "")), None)
           for part, names in _NAMES.items()}  # fmt: skip
    ticker = spell_symbol(_FURTHER_PAPER.sub(_dashed, str(get["symbol"] or "").strip()[:24]))
    if ticker is None:
        return buffer.quarantine("halts", line, "symbol", get["symbol"], "not a symbol")
    day, at = us_date(get["date"]), parse_clock(get["date"], get["time"])
    if day is None or at is None:
        return buffer.quarantine("halts", line, "halt_time", f"{get['date']} {get['time']}", "not a day and a time")
    resumed = get["resume_date"] or (get["date"] if get["resume_trade"] else None)
    buffer.accept(
        "halt_facts",
        {
            "ticker": ticker,
            "name": stated(get["name"]),
            "market": stated(get["market"]),
            "halted_on": day,
            "halted_at": at,
            "reason_code": stated(get["code"]),
            "reason": stated(get["reason"]),
            "threshold_price": decimal(get["threshold"]),
            "resumed_quote_at": parse_clock(get["resume_date"], get["resume_quote"]),
            "resumed_at": _after(parse_clock(resumed, get["resume_trade"]), at),
            "seen_at": seen_at,
            "source": source,
        },
        line,
    )
    return None


def _dashed(paper: re.Match[str]) -> str:
    """Preferred shares, warrants and units as `AHT-PI`, `SES-WS`."""
    return f"{paper[1]}-{paper[2].replace('PR', 'P')}"


def _after(resumed: dt.datetime | None, halted: dt.datetime) -> dt.datetime | None:
    """A resumption before its halt is a slip of the list: not known."""
    return resumed if resumed is not None and resumed >= halted.replace(microsecond=0) else None


def _reading(buffer: RowBuffer, note: str | None) -> Reading:
    reading = buffer.reading(note)
    reading.facts.setdefault("halt_facts", HALT_FACTS.empty())
    return reading
