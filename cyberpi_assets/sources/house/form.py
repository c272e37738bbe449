"""The form's table: from words with places to the cells of each row, over page breaks.

Here belongs the geometry of an electronic transaction report: columns begin where the repeated header's words begin; a
row begins on the line on which its type, dates and amount stand; below its cells its labelled lines (filing status,
subholding, location, description, comments) run over the full width. What a cell's text means is in `ptr.py`.

The labels are set in small capitals, whose small letters have no Unicode in the new layout (each is kept as NUL) and
are in scrambled case in the old one, so labels are told by their shape or without regard to case.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from cyberpi_assets.sources.house.pdf import NOT_UNICODE, Box, Word, lines

COLUMNS: Final = ("id", "owner", "asset", "type", "date", "notified", "amount", "gains")
_HEADER: Final = ("id", "owner", "asset", "transaction", "date", "notification", "amount")
_HEADER_REST: Final = frozenset({"type", "date", "gains", ">", "$200?", "cap."})
_PADDING: Final = 2.6  # points from a cell's rule to its text
_FILLED: Final = 106.0  # points: a page that the table fills has its last baseline below this
_GAP: Final = 38.0  # points between two baselines: more is white space that no row leaves
_GAP_BEFORE_END: Final = 50.0
_HEADING: Final = 1.12  # a section's heading is larger than the table's header by at least this

_N = NOT_UNICODE
LABELS: Final = {
    "filing_status": ("filing status", rf"F{_N}{{5}}\s?S{_N}{{5}}", r"F\s?S"),
    "subholding": ("subholding of", rf"S{_N}{{9}}\s?O{_N}", r"S\s?O"),
    "description": ("description", rf"D{_N}{{10}}", "D"),
    "location": ("location", rf"L{_N}{{7}}", "L"),
    "comments": ("comments", rf"C{_N}{{7}}", "C"),
}
_SHAPED = {k: re.compile(rf"{shape}\s?:\s?") for k, (_, shape, _) in LABELS.items()}
_SPELLED = {
    k: re.compile(words.replace(" ", r"\s?") + r"\s?:\s?", re.IGNORECASE) for k, (words, _, _) in LABELS.items()
}
_STRIPPED = {k: re.compile(rf"{bare}\s?:\s?") for k, (_, _, bare) in LABELS.items()}

DATE: Final = r"\d{1,2}/\d{1,2}/\d{4}"
_FULL = {
    "type": re.compile(r"(?:P|S|E|X)(?:\s*\((?:partial|full)\)?)?|S\s*\(?", re.IGNORECASE),
    "date": re.compile(DATE),
    "notified": re.compile(DATE),
    "amount": re.compile(
        r"\$\s*[\d,]+(?:\.\d+)?(?:\s*[-–—]\s*(?:\$\s*[\d,]+(?:\.\d+)?)?)?|(?:Over|Spouse/DC)\b.*", re.IGNORECASE
    ),
}
_STATUS = re.compile(r"(?:New|Amended|Deleted)\b", re.IGNORECASE)
_FOOTNOTE = re.compile(r"\*\s*For the complete list of asset", re.IGNORECASE)
_AFTER = re.compile(r"(?:.{0,8}\s)?I CERTIFY that|Digitally Signed:", re.IGNORECASE)
_TICKS: Final = {"gfedcb": True, "gfedc": False}  # the old layout's boxes, letters of the font Marlett


@dataclass
class Cells:
    """One row of the table as text, with the lines under it; `labels` keeps how often each label stood there."""

    page: int
    y: float
    cells: dict[str, list[str]] = field(default_factory=dict)
    details: dict[str, list[str]] = field(default_factory=dict)
    labels: list[str] = field(default_factory=list)
    gains: bool | None = None

    def cell(self, column: str) -> str:
        """A column's text, its lines joined by one blank."""
        return " ".join(self.cells.get(column, ()))

    def detail(self, label: str) -> str | None:
        """The text behind a label, its lines joined by one blank; None when the label is not there."""
        said = self.details.get(label)
        return None if said is None else " ".join(filter(None, said)).strip()


@dataclass
class Table:
    """The table as it is read page by page."""

    rows: list[Cells] = field(default_factory=list)
    columns: tuple[float, ...] = ()
    header_size: float = 0.0
    n_headers: int = 0
    n_orphans: int = 0
    n_boxes: int = 0
    ended: bool = False
    ends: list[tuple[int, float]] = field(default_factory=list)  # where the table breaks off: page, last baseline
    gaps: list[int] = field(default_factory=list)  # pages with more white between two lines than rows leave
    early: list[int] = field(default_factory=list)  # pages that break off long before they are full
    _open: str | None = None  # the label whose text may go on
    _kind: str | None = None  # how this document's labels are written, known from its first

    @property
    def found(self) -> bool:
        """Whether a header of the table was seen."""
        return self.n_headers > 0

    @property
    def cuts(self) -> tuple[float, ...]:
        """Where the columns begin, but the first."""
        return self.columns[1:]

    def find_header_in(self, words: list[Word]) -> None:
        """Set the columns from the header among a page's words, when it has one."""
        self.find_header(lines(words))

    def find_header(self, rows: Sequence[list[Word]]) -> int | None:
        """The header's line on a page; it sets the columns. None when the page has none."""
        for n, line in enumerate(rows):
            places = _header_places(line)
            if places is not None:
                self.columns = tuple(x - _PADDING for x in places)
                self.header_size = line[0].size
                return n
        return None

    def read_page(self, page: int, words: list[Word], boxes: Sequence[Box] = ()) -> None:
        """Read one page's part of the table; `columns` must be set from it (`find_header`) when it has a header."""
        rows = lines(words)
        header = self.find_header(rows)
        if header is None:
            if not self.found or self.ended:
                return
            rest = rows
            above = rows[0][0].y if rows else 0.0
        else:
            self.n_headers += 1
            self.ended = False
            rest = rows[header + 1 :]
            top = above = rows[header][0].y
            while rest and top - rest[0][0].y < 40 and all(w.text.lower() in _HEADER_REST for w in rest[0]):
                above = rest[0][0].y
                rest = rest[1:]
        first = len(self.rows)
        running_over = bool(self.rows) and not self.rows[-1].labels
        if header is not None and self.ends and self.ends[-1][0] == page - 1:
            self._check_break(rest)
        for line in rest:
            end = self._is_end(line)
            if above - line[0].y > (_GAP_BEFORE_END if end else _GAP):
                self.gaps.append(page)
            above = line[0].y
            if end:
                self.ended, self._open = True, None
                break
            self._read_line(page, line)
        ys = [w.y for line in rest for w in line]
        if ys and not self.ended:
            self.ends.append((page, min(ys)))
        # a row that a page's end parts leaves its box on both pages
        self._read_boxes([b for b in boxes if ys and b.top > min(ys)], self.rows[first:], running_over)

    def _is_end(self, line: list[Word]) -> bool:
        text = _text(line)
        heading = line[0].size > _HEADING * self.header_size and line[0].x < self.columns[2]
        return heading or _FOOTNOTE.match(text) is not None or _AFTER.match(text) is not None

    def _read_line(self, page: int, line: list[Word]) -> None:
        cells = self._split(line)
        signs = sum(1 for c, p in _FULL.items() if c in cells and p.fullmatch(cells[c]))
        if signs >= 2:
            row = Cells(page, line[0].y, {c: [t] for c, t in cells.items() if c != "gains"})
            row.gains = _TICKS.get(cells.get("gains", "").lower())
            self.rows.append(row)
            self._open = None
            return
        text = _text(line)
        if not self.rows:
            self.n_orphans += 1
            return
        row = self.rows[-1]
        if (tick := _TICKS.get(text.lower())) is not None:  # a tick box drawn a little off its row's line
            row.gains = tick
            return
        label, said = self._label(text, line)
        if label is not None:
            row.labels.append(label)
            row.details.setdefault(label, []).append(said)
            self._open = label
        elif self._open is not None:
            row.details[self._open].append(text)
        else:
            for column, part in cells.items():
                if column != "gains":
                    row.cells.setdefault(column, []).append(part)

    def _label(self, text: str, line: list[Word]) -> tuple[str | None, str]:
        if line[0].x >= self.columns[3]:
            return None, text
        for kind, patterns in (("shaped", _SHAPED), ("spelled", _SPELLED), ("stripped", _STRIPPED)):
            if self._kind not in (None, kind):
                continue
            for label, pattern in patterns.items():
                # the first label of a table is a filing status; only then may text that looks like a label be one
                if (m := pattern.match(text)) and (self._kind == kind or _is_first(label, kind, text[m.end() :])):
                    self._kind = kind
                    return label, text[m.end() :]
        return None, text

    def _split(self, line: list[Word]) -> dict[str, str]:
        """A line's words by column."""
        parts: dict[str, list[Word]] = {}
        before: str | None = None
        for word in line:
            place = sum(word.x >= x for x in self.columns) - 1
            column = COLUMNS[max(place, 0)]
            if word.glued and before is not None and column in _FULL and not _begins(column, word.text):
                column = before  # a long word that runs over its column's edge
            parts.setdefault(column, []).append(word)
            before = column
        return {c: _text(words) for c, words in parts.items()}

    def _check_break(self, lines_after: Sequence[list[Word]]) -> None:
        """Whether the page before was filled: its last line stands low, or what comes next is too high to fit there."""
        page, y = self.ends[-1]
        together = 0  # lines of the cells that begin the next page, which stay together
        while (
            together < len(lines_after) and self._label(_text(lines_after[together]), lines_after[together])[0] is None
        ):
            together += 1
        if y > (_FILLED if self._kind == "shaped" else 2 * _FILLED) + 11.0 * max(0, together - 2):
            self.early.append(page)

    def _read_boxes(self, boxes: Sequence[Box], rows: Sequence[Cells], running_over: bool) -> None:
        """Tick boxes of capital gains: a square with many segments, with a short stroked path over it when ticked."""
        squares = [b for b in boxes if b.segments >= 20 and 6 < b.right - b.left < 16 and 6 < b.top - b.bottom < 16]
        ticks = [b for b in boxes if b.segments <= 6 and 5 < b.right - b.left < 14 and 5 < b.top - b.bottom < 14]
        middles: list[float] = []
        for box in squares:
            middle = (box.bottom + box.top) / 2
            if all(abs(middle - m) > 4 for m in middles):
                middles.append(middle)
        repeated = running_over and middles and (not rows or max(middles) > rows[0].y + 8)
        self.n_boxes += len(middles) - bool(repeated)
        for row in rows:
            near = [m for m in middles if abs(m - row.y - 1) < 8]
            if near:
                row.gains = any(abs((t.bottom + t.top) / 2 - near[0]) < 4 for t in ticks)


def _is_first(label: str, kind: str, said: str) -> bool:
    if kind == "shaped":
        return True
    return label == "filing_status" and _STATUS.match(said) is not None


def _begins(column: str, text: str) -> bool:
    if column == "type":
        return _FULL["type"].fullmatch(text) is not None
    return re.match(DATE if column in ("date", "notified") else r"\$|Over|Spouse", text, re.IGNORECASE) is not None


def _header_places(line: list[Word]) -> list[float] | None:
    """Where each column's first word begins, when the line is the table's header."""
    places: list[float] = []
    wanted = list(_HEADER)
    for word in line:
        text = word.text.lower()
        if wanted and text == wanted[0]:
            places.append(word.x)
            wanted.pop(0)
        elif not wanted and text.startswith("cap"):
            places.append(word.x)
            break
    return None if wanted else places


def _text(words: Sequence[Word]) -> str:
    return "".join(("" if w.glued or n == 0 else " ") + w.text for n, w in enumerate(words))
