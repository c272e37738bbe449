"""One page: turned upright, its table found, its cells read, all within the page's time.

Here belongs the order of these steps. Each step is in the module beside it; many pages are read in `pool.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image

from cyberpi_assets.sources.ocr import form, grid
from cyberpi_assets.sources.ocr.engine import Clock, EngineFailed, TooSlow, Word, turned_by, words
from cyberpi_assets.sources.ocr.form import Cells, Layout, ScannedRow
from cyberpi_assets.sources.ocr.grid import Grid, Ink, Span
from cyberpi_assets.sources.ocr.images import UnreadablePage, load_page
from cyberpi_assets.sources.workers import TOO_LONG

_OF_THE_TIME: Final = 0.9  # after which a page gives up by itself, before its worker is ended
_ZOOM: Final = 2  # Tesseract is at its best on letters of 30 pixels
_PAD: Final = 12
_MOST_ROWS: Final = 400
_TURNS: Final = (0, 270, 90, 180)
_PAPER: Final = 255
_OVER: Final = 6  # pixels that letters may stand over a row's edge
_SPLIT: Final = 1.8  # a band this much higher than the others may hold several rows
_SLIVER: Final = 0.6  # one this much lower is no row
_TOP: Final = 3  # rows among which the form prints its example
NO_TABLE: Final = "no table of a known form, and no line with a date and a type"
EMPTY: Final = "the form's table holds no row"


@dataclass(frozen=True)
class PageReading:
    """What a page gave: its rows from the top, or none and the reason; how far it was turned (degrees, clockwise)."""

    rows: tuple[ScannedRow, ...]
    reason: str | None = None
    turned: int = 0

    def as_record(self) -> dict[str, Any]:
        """The page as JSON holds it."""
        return {"rows": [r.as_record() for r in self.rows], "reason": self.reason, "turned": self.turned}

    @classmethod
    def of_record(cls, record: dict[str, Any]) -> PageReading:
        """The page out of JSON."""
        return cls(tuple(ScannedRow.of_record(r) for r in record["rows"]), record["reason"], record["turned"])


def read_page(path: Path, number: int, program: str, seconds: float) -> PageReading:
    """Page `number` (from 1) of a file, within some seconds. Never raises for what it holds."""
    clock = Clock.of(_OF_THE_TIME * seconds)
    try:
        return read_image(load_page(path, number), program, clock)
    except UnreadablePage as reason:
        return PageReading((), str(reason))
    except TooSlow:
        return PageReading((), f"{TOO_LONG} {seconds:g} s")
    except EngineFailed as reason:
        return PageReading((), str(reason))
    except MemoryError:
        return PageReading((), "too large for the memory a page may take")


def read_image(image: Image.Image, program: str, clock: Clock) -> PageReading:
    """A page's picture, in any of the four directions. Raises TooSlow and EngineFailed."""
    if not (np.asarray(image) < grid.DARK).any():
        return PageReading((), "a blank page")
    for turned in _TURNS:
        upright, table = _straightened(image, turned)
        layout = form.layout_of(table.columns) if table is not None else None
        if table is not None and layout is not None:
            rows = _rows_of_table(upright, table, layout, program, clock)
            return PageReading(tuple(rows), None if rows else EMPTY, turned)
    turned = turned_by(image, program, clock) or 0
    upright, _ = _straightened(image, turned)
    lines = form.lines_of(words(upright, program, clock))
    rows = [row for row in map(form.read_line, lines) if row is not None][:_MOST_ROWS]
    return PageReading(tuple(rows), None if rows else NO_TABLE, turned)


def _ink(image: Image.Image) -> Ink:
    return np.asarray(image) < grid.DARK


def _straightened(image: Image.Image, turned: int) -> tuple[Image.Image, Grid | None]:
    """The page turned clockwise and its leaning taken away, and its table."""
    upright = image.rotate(-turned, expand=True) if turned else image
    lean = grid.skew(_ink(upright))
    if abs(lean) >= 0.05:
        upright = upright.rotate(lean, fillcolor=_PAPER)
    return upright, grid.find_grid(_ink(upright))


def _rows_of_table(image: Image.Image, table: Grid, layout: Layout, program: str, clock: Clock) -> list[ScannedRow]:
    ink = _ink(image)
    bands = _bands(ink, table, layout)
    texts = _Texts(image, ink, bands, program, clock)
    owner, asset = texts.of(layout.owner, "SPDCJT"), texts.of(layout.asset)
    traded, notified = texts.dates(layout.traded), texts.dates(layout.notified)
    found: list[ScannedRow] = []
    for i, band in enumerate(bands):
        cells = Cells(
            owner=owner[i],
            asset=asset[i],
            traded=traded[i],
            notified=notified[i],
            sides=grid.ticked(ink, band, layout.side),
            amounts=grid.ticked(ink, band, layout.amounts),
            owner_ink=grid.marks(ink, band, layout.owner) >= _SPECKS,
            text_ink=any(_written(ink, band, column) for column in (layout.asset, layout.traded)),
            cut_off=[
                name
                for name, column in (("transaction_date", layout.traded), ("notification_date", layout.notified))
                if grid.runs_over(ink, band, column)
            ],
        )
        row = form.read_row(cells, layout, top=i < _TOP)
        if row is not None:
            found.append(row)
    return found


def _bands(ink: Ink, table: Grid, layout: Layout) -> list[Span]:
    """The table's rows: without its head and slivers, and with those parted whose dividing line is missing."""
    usual = float(np.median([b - a for a, b in table.rows])) if table.rows else 0.0
    bands: list[Span] = []
    for band in table.rows:
        height = band[1] - band[0]
        if height > _SPLIT * usual:
            parts = grid.text_rows(ink, band, layout.traded)
            bands += parts if len(parts) > 1 else [] if height >= grid.HEAD else parts
        elif height >= _SLIVER * usual:
            bands.append(band)
    return bands[:_MOST_ROWS]


def _written(ink: Ink, band: Span, column: Span) -> bool:
    """Whether a cell holds enough ink for a word."""
    return grid.marks(ink, band, column) >= max(_SPECKS, 0.01 * (band[1] - band[0]) * (column[1] - column[0]))


_DIGITS = "0123456789/-"
_SPECKS = 12  # pixels of ink in a cell that may be dirt


class _Texts:
    """The words of one column's cells, read in one go: the cells with ink, one below the other, without the lines."""

    def __init__(self, image: Image.Image, ink: Ink, bands: Sequence[Span], program: str, clock: Clock) -> None:
        self.ink, self.bands, self.program, self.clock = ink, bands, program, clock
        grey = np.where(grid.ruled(ink, bands), _PAPER, np.asarray(image)).astype(np.uint8)
        self.wiped = Image.fromarray(grey)

    def of(self, column: Span, characters: str = "") -> list[list[Word]]:
        """Per row the words in a column; none where there is no ink."""
        found: list[list[Word]] = [[] for _ in self.bands]
        filled = [i for i, band in enumerate(self.bands) if grid.marks(self.ink, band, column) >= _SPECKS]
        if not filled:
            return found
        cells = [self._cell(self.bands[i], column) for i in filled]
        sheet = Image.new("L", (cells[0].size[0], sum(cell.size[1] for cell in cells)), _PAPER)
        tops: list[int] = []
        at = 0
        for cell in cells:
            sheet.paste(cell, (0, at))
            tops.append(at)
            at += cell.size[1]
        for word in words(sheet, self.program, self.clock, characters=characters):
            place = int(np.searchsorted(tops, word.middle, "right")) - 1
            if 0 <= place < len(filled):
                found[filled[place]].append(word)
        return found

    def _cell(self, band: Span, column: Span) -> Image.Image:
        """One cell, enlarged, with paper around it; letters may stand a little over the row's edge."""
        left, right = column[0] + 3, column[1] - 2
        cell = self.wiped.crop((left, band[0] - _OVER, right, band[1] + _OVER))
        sheet = Image.new("L", (cell.size[0] + 2 * _PAD, cell.size[1] + _PAD), _PAPER)
        sheet.paste(cell, (_PAD, _PAD // 2))
        return sheet.resize((sheet.size[0] * _ZOOM, sheet.size[1] * _ZOOM), Image.Resampling.BICUBIC)

    def dates(self, column: Span) -> list[list[Word]]:
        """As `of`, for a column of dates: a cell in which no date was read is looked at again, by itself."""
        found = self.of(column, _DIGITS)
        for i, band in enumerate(self.bands):
            if form.read_date(form.text_of(found[i])) is None and _written(self.ink, band, column):
                again = words(self._cell(band, column), self.program, self.clock, mode=7, characters=_DIGITS)
                if form.read_date(form.text_of(again)) is not None:
                    found[i] = again
        return found
