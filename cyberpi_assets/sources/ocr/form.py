"""What the columns of the paper form mean, and what one row of it says; whatever cannot be read is null and named.

Here belongs the vocabulary of the form. Its lines and ticks are seen in `grid.py`, its words in `engine.py`. The
House's form and the sheets that copy it are known; of other pages, lines of text with a date and a type are read.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import fmean, median
from typing import Any, Final

from rapidfuzz import fuzz

from cyberpi_assets.sources import values as v
from cyberpi_assets.sources.ocr.engine import Word

Span = tuple[int, int]

# The House's bands, columns A to K. K: of a spouse or child alone, over 1,000,000.
BANDS: Final = (
    (1_001.0, 15_000.0),
    (15_001.0, 50_000.0),
    (50_001.0, 100_000.0),
    (100_001.0, 250_000.0),
    (250_001.0, 500_000.0),
    (500_001.0, 1_000_000.0),
    (1_000_001.0, 5_000_000.0),
    (5_000_001.0, 25_000_000.0),
    (25_000_001.0, 50_000_000.0),
    (50_000_001.0, None),
    (1_000_001.0, None),
)
_LETTERS = "ABCDEFGHIJK"
_SIDES: Final = {
    3: (("buy", None), ("sell", None), ("exchange", None)),
    4: (("buy", None), ("sell", None), ("sell", True), ("exchange", None)),
}
_PRINTED = re.compile(
    r"example\s*:|mega\s*corp|provide\s+full|full\s+asset\s+name|ticker\s+symbol|filer\s+notes|note\s+number",
    re.IGNORECASE,
)
_EXAMPLE: Final = "example: mega corp. common stock"
_ALIKE: Final = 50.0  # of 100: a form scanned small is read badly
_DATE = re.compile(r"(?<!\d)(\d{1,2})\s?[/-]\s?(\d{1,2})\s?[/-]\s?(\d{4}|\d{2})(?!\d)")
_OWNER = re.compile(r"\b(SP|JT|DC)\b")
_SYMBOL_AT_END = re.compile(r"(?:\(([A-Z]{1,5})\)|(?:\s-\s?|-\s)([A-Z]{2,5}))$")
_SIDE_WORD = re.compile(r"\b(purchased?|buy|bought|sale|sold|sell|exchanged?)\b", re.IGNORECASE)
_BAND_TEXT = re.compile(r"\$\s?\d[\d,]*\s*(?:-|–|—|to)\s*\$?\s?\d[\d,]*")


@dataclass(frozen=True)
class Layout:
    """Which of a table's columns holds what."""

    owner: Span
    asset: Span
    side: tuple[Span, ...]
    traded: Span
    notified: Span
    amounts: tuple[Span, ...]


def layout_of(columns: Sequence[Span]) -> Layout | None:
    """The layout of a table by the widths of its columns; None where it is not the House's.

    The House's form has the owner first and then the asset, its widest column; behind it three or four narrow columns
    of the type, two wider ones of dates, and ten or eleven narrow ones of amounts. A page that lies on its side or
    upside down shows no such order.
    """
    widths = [b - a for a, b in columns]
    if len(widths) < 2 or widths.index(max(widths)) != 1:
        return None
    after = list(columns[2:])
    for kinds in _SIDES:
        if len(after) - kinds - 2 not in (10, 11):
            continue
        sides, dates, amounts = after[:kinds], after[kinds : kinds + 2], after[kinds + 2 :]
        narrow = [b - a for a, b in (*sides, *amounts)]
        least = min(b - a for a, b in dates)
        if least >= 1.3 * median(narrow) and least > max(b - a for a, b in sides):
            return Layout(columns[0], columns[1], tuple(sides), dates[0], dates[1], tuple(amounts))
    return None


@dataclass(frozen=True)
class Cells:
    """What was seen of one row: words of its text cells, which type and amount cells are ticked, where ink is."""

    owner: Sequence[Word]
    asset: Sequence[Word]
    traded: Sequence[Word]
    notified: Sequence[Word]
    sides: Sequence[int]
    amounts: Sequence[int]
    owner_ink: bool
    text_ink: bool  # in the cells of asset and date
    cut_off: Sequence[str] = ()  # dates whose text runs over the cell's right edge: its end is not seen


@dataclass(frozen=True)
class ScannedRow:
    """One row as read: null is not read, and `unread` names it with the reason. Dates as written, US dollars."""

    owner: str | None
    asset: str | None
    ticker_printed: str | None
    side: str | None
    is_partial: bool | None
    transaction_date: dt.date | None
    notification_date: dt.date | None
    amount_low: float | None
    amount_high: float | None
    amount_printed: str | None
    original: str
    confidence: float | None
    unread: str | None

    def as_record(self) -> dict[str, Any]:
        """The row as JSON holds it."""
        record = asdict(self)
        for name in _DATED:
            record[name] = record[name].isoformat() if record[name] else None
        return record

    @classmethod
    def of_record(cls, record: dict[str, Any]) -> ScannedRow:
        """The row out of JSON."""
        plain: dict[str, Any] = dict(record)
        for name in _DATED:
            plain[name] = dt.date.fromisoformat(record[name]) if record[name] else None
        return cls(**plain)


_DATED = ("transaction_date", "notification_date")


def lines_of(words: Sequence[Word]) -> list[list[Word]]:
    """Words as lines, top to bottom, each from the left."""
    lines: list[list[Word]] = []
    for word in sorted(words, key=lambda w: w.middle):
        near = fmean(w.middle for w in lines[-1]) if lines else 0.0
        if lines and abs(word.middle - near) < 0.6 * max(w.height for w in (word, *lines[-1])):
            lines[-1].append(word)
        else:
            lines.append([word])
    return [sorted(line, key=lambda w: w.left) for line in lines]


def text_of(words: Sequence[Word]) -> str:
    """Words in reading order, line by line."""
    return v.clean_text(" ".join(w.text for line in lines_of(words) for w in line)) or ""


def read_date(text: str) -> dt.date | None:
    """The one date in a cell; None where there is none, or more than one, or a year that no form of today can show."""
    found = _DATE.findall(text)
    day = v.parse_date("/".join(found[0])) if len(found) == 1 else None
    return day if day is not None and 2000 <= day.year < 2100 else None


def read_row(cells: Cells, layout: Layout, *, top: bool = False) -> ScannedRow | None:
    """What a row says; None for an empty row and for what the form itself prints (its example among the top rows)."""
    asset, owner_text = _without_dirt(text_of(cells.asset)), text_of(cells.owner)
    dates = {"transaction_date": text_of(cells.traded), "notification_date": text_of(cells.notified)}
    example = top and fuzz.ratio(asset.lower(), _EXAMPLE) >= _ALIKE
    if example or _PRINTED.search(asset) or not (asset or cells.text_ink):
        return None
    unread: list[str] = [] if asset else ["asset: no words"]
    read = {name: read_date(text) for name, text in dates.items()}
    for name in cells.cut_off:
        read[name] = None
    why = {name: "runs over its cell" if name in cells.cut_off else "not a date" for name in dates}
    unread += [f"{name}: {why[name] if dates[name] else 'blank'}" for name, day in read.items() if day is None]
    side, partial = None, None
    if len(cells.sides) == 1:
        side, partial = _SIDES[len(layout.side)][cells.sides[0]]
    else:
        unread.append("side: " + _ticks(cells.sides))
    low, high, printed = None, None, None
    if len(cells.amounts) == 1:
        (low, high), printed = BANDS[cells.amounts[0]], f"column {_LETTERS[cells.amounts[0]]}"
    else:
        unread.append("amount: " + _ticks(cells.amounts))
    # a line without dates and ticks is a heading or a remark: its blank cell says nothing of an owner
    traded = bool(any(dates.values()) or cells.sides or cells.amounts)
    owner = _owner(owner_text, blank=traded and not cells.owner_ink)
    if owner is None:
        unread.append("owner: " + ("neither SP, DC nor JT" if cells.owner_ink else "blank"))
    words = [*cells.owner, *cells.asset, *cells.traded, *cells.notified]
    symbol = _SYMBOL_AT_END.search(asset)
    return ScannedRow(
        owner=owner,
        asset=asset or None,
        ticker_printed=(symbol[1] or symbol[2]) if symbol else None,
        side=side,
        is_partial=partial,
        transaction_date=read["transaction_date"],
        notification_date=read["notification_date"],
        amount_low=low,
        amount_high=high,
        amount_printed=printed,
        original=" | ".join(filter(None, (owner_text, text_of(cells.asset), *dates.values()))),
        confidence=round(fmean(w.confidence for w in words), 4) if words else None,
        unread="; ".join(unread) or None,
    )


def _ticks(found: Sequence[int]) -> str:
    return f"{len(found)} cells ticked" if found else "no tick"


def _owner(text: str, blank: bool) -> str | None:
    """Who owns the asset. A blank cell is the filer; ink that is no code is not known."""
    found = set(_OWNER.findall(text.upper()))
    if len(found) == 1:
        return v.parse_owner(found.pop())[0]
    return "self" if blank and not text else None


def _without_dirt(text: str) -> str:
    """A text without the lone marks at its ends, which are dirt on the page."""
    words = text.split()
    while words and not any(c.isalnum() for c in words[0]):
        del words[0]
    while words and not any(c.isalnum() for c in words[-1]):
        del words[-1]
    return " ".join(words).strip("_|")


def read_line(words: Sequence[Word]) -> ScannedRow | None:
    """What a line of text outside any table says, if it has a date and a type in words; None for any other line."""
    text = text_of(words)
    dates, sides = _DATE.findall(text), _SIDE_WORD.findall(text)
    if not dates or not sides or len(text) > 1000:
        return None
    side = v.parse_side(sides[0]) if len({s.lower() for s in sides}) == 1 else None
    traded = read_date(text)
    band = _BAND_TEXT.search(text)
    amount = v.parse_amount(band[0]) if band else None
    unread = ["owner: not in a table", "asset: not in a table", "notification_date: not in a table"]
    unread += [] if traded else ["transaction_date: " + ("several" if len(dates) > 1 else "not a date")]
    unread += [] if side else ["side: several"]
    unread += [] if amount and amount.low is not None else ["amount: none printed as a band"]
    return ScannedRow(
        owner=None,
        asset=None,
        ticker_printed=None,
        side=side.side if side else None,
        is_partial=side.is_partial if side else None,
        transaction_date=traded,
        notification_date=None,
        amount_low=amount.low if amount else None,
        amount_high=amount.high if amount else None,
        amount_printed=band[0] if band else None,
        original=text,
        confidence=round(fmean(w.confidence for w in words), 4),
        unread="; ".join(unread),
    )
