"""A PDF as lines of words with their places, read within limits of size, pages, characters and time.

Here belongs what is true of any PDF: opening it, its words, boxes and images, and saying in words why it cannot be
read. What the words mean is in `ptr.py`. PDFium is not safe to call from two threads, so documents are read one at a
time in a process; `pool.py` reads many, each process apart, and ends one that hangs.
"""

from __future__ import annotations

import ctypes
import re
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import pypdfium2 as pdfium
import pypdfium2.raw as raw

NOT_UNICODE: Final = "\x00"  # a letter whose font says nothing of what it stands for; PDFium keeps its place
SAME_LINE: Final = 2.5  # points two baselines may differ within one line
_UNKNOWN = "\ufffe"  # what PDFium writes for such a letter, and for a hyphen at the end of a line
_HYPHEN = 2
_TOKEN = re.compile(r"[^\s]+")
_ONE_AT_A_TIME = threading.RLock()


@dataclass(frozen=True)
class Limits:
    """What one document may take."""

    bytes: int = 64 << 20
    pages: int = 1_000
    characters_on_page: int = 60_000
    objects_on_page: int = 60_000
    rows: int = 20_000
    seconds: float = 10.0


class UnreadableDocument(Exception):
    """A document that cannot be read, with the reason in words."""


class Word(NamedTuple):
    """Text without blanks, where its first letter stands (points from the page's lower left), and its size.

    `glued` says that no blank stood before it: it was parted from the word before at a column's edge.
    """

    text: str
    x: float
    y: float
    size: float
    glued: bool = False


class Box(NamedTuple):
    """A drawn path: its bounds in points, the number of its segments and whether it is stroked only."""

    left: float
    bottom: float
    right: float
    top: float
    segments: int


class Page:
    """One page while its document is open: its text in the file's order, and its words, lines, boxes and images."""

    def __init__(self, number: int, page: Any, limits: Limits) -> None:
        """Load the page's text. Raises UnreadableDocument when it holds more than the limits allow."""
        self.number = number
        self._page = page
        self._limits = limits
        self._text_page: Any = page.get_textpage()
        self.n_characters = int(self._text_page.count_chars())
        if self.n_characters > limits.characters_on_page:
            raise UnreadableDocument(f"page {number} holds {self.n_characters} characters, more than are read")
        self.text = self._read_text()

    def close(self) -> None:
        """Give the page's memory back."""
        self._text_page.close()
        self._page.close()

    def _read_text(self) -> str:
        n = self.n_characters
        if n <= 0:
            return ""
        buffer = (ctypes.c_ushort * (n + 1))()
        written = int(raw.FPDFText_GetText(self._text_page, 0, n, buffer))
        text = bytes(buffer)[: 2 * max(written - 1, 0)].decode("utf-16-le", "replace")
        if len(text) != n:  # a letter outside the basic plane, or one left out: place by place
            codes = (int(raw.FPDFText_GetUnicode(self._text_page, i)) for i in range(n))
            text = "".join(chr(c) if 0 < c < 0xD800 or 0xDFFF < c < 0x10000 else _UNKNOWN for c in codes)
        if _UNKNOWN not in text and "\x02" not in text:
            return text
        letters = list(text)
        for i, letter in enumerate(letters):
            if letter in (_UNKNOWN, "\x02"):
                code = int(raw.FPDFText_GetUnicode(self._text_page, i))
                letters[i] = "-" if code == _HYPHEN else NOT_UNICODE
        return "".join(letters)

    def _origin(self, index: int, x: Any, y: Any) -> tuple[float, float]:
        raw.FPDFText_GetCharOrigin(self._text_page, index, x, y)
        return x.value, y.value

    def words(self, cuts: tuple[float, ...] = ()) -> list[Word]:
        """The page's words. Text that runs over one of the `cuts` (x, ascending) or onto a new line is parted there."""
        x, y = ctypes.c_double(), ctypes.c_double()
        found: list[Word] = []
        for match in _TOKEN.finditer(self.text):
            start, end = match.span()
            first = self._origin(start, x, y)
            last = self._origin(end - 1, x, y) if end - start > 1 else first
            size = float(raw.FPDFText_GetFontSize(self._text_page, start))
            parted = abs(first[1] - last[1]) > SAME_LINE or last[0] < first[0]
            if not parted and not any(first[0] < cut <= last[0] for cut in cuts):
                found.append(Word(match[0], *first, size))
                continue
            begin, place, glued = start, first, False
            for i in range(start + 1, end):
                here = self._origin(i, x, y)
                before = self._origin(i - 1, x, y)
                turned = abs(here[1] - before[1]) > SAME_LINE or here[0] < before[0] - 1
                if turned or any(before[0] < cut <= here[0] for cut in cuts):
                    found.append(Word(self.text[begin:i], *place, size, glued))
                    begin, place, glued = i, here, not turned
            found.append(Word(self.text[begin:end], *place, size, glued))
        return found

    def boxes(self, left: float, right: float) -> list[Box]:
        """The drawn paths that lie between two x; none when the page holds more objects than are looked at."""
        found: list[Box] = []
        edges = [ctypes.c_float() for _ in range(4)]
        matrix = raw.FS_MATRIX()
        left_to_see = self._limits.objects_on_page

        def look(container: Any, count: Any, get: Any, move: Any, depth: int) -> None:
            nonlocal left_to_see
            for i in range(int(count(container))):
                left_to_see -= 1
                if left_to_see < 0:
                    return
                item = get(container, i)
                kind = raw.FPDFPageObj_GetType(item)
                if kind == raw.FPDF_PAGEOBJ_FORM and depth < 3:
                    raw.FPDFPageObj_GetMatrix(item, matrix)
                    inner = _then((matrix.a, matrix.b, matrix.c, matrix.d, matrix.e, matrix.f), move)
                    look(item, raw.FPDFFormObj_CountObjects, raw.FPDFFormObj_GetObject, inner, depth + 1)
                elif kind == raw.FPDF_PAGEOBJ_PATH and raw.FPDFPageObj_GetBounds(item, *edges):
                    a, b, c, d = (e.value for e in edges)
                    if move != _AS_IS:
                        (a, b), (c, d) = _moved(a, b, move), _moved(c, d, move)
                    if a >= left and c <= right:
                        found.append(Box(a, b, c, d, int(raw.FPDFPath_CountSegments(item))))

        look(self._page, raw.FPDFPage_CountObjects, raw.FPDFPage_GetObject, _AS_IS, 0)
        return found if left_to_see >= 0 else []

    def image_share(self) -> float:
        """How much of the page's area its images cover, 0 to 1."""
        width, height = self._page.get_size()
        covered = 0.0
        for n, item in enumerate(self._page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE], max_depth=3)):
            if n >= 500:
                break
            left, bottom, right, top = item.get_bounds()
            covered += max(0.0, right - left) * max(0.0, top - bottom)
        return min(1.0, covered / (width * height)) if width > 0 and height > 0 else 0.0


_AS_IS = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)


def _then(m: tuple[float, ...], n: tuple[float, ...]) -> tuple[float, ...]:
    """The matrix that first does `m`, then `n`."""
    e, f = _moved(m[4], m[5], n)
    return (
        m[0] * n[0] + m[1] * n[2],
        m[0] * n[1] + m[1] * n[3],
        m[2] * n[0] + m[3] * n[2],
        m[2] * n[1] + m[3] * n[3],
        e,
        f,
    )


def _moved(x: float, y: float, m: tuple[float, ...]) -> tuple[float, float]:
    return m[0] * x + m[2] * y + m[4], m[1] * x + m[3] * y + m[5]


def lines(words: list[Word]) -> list[list[Word]]:
    """Words by line, from the top of the page down, each line from left to right."""
    rows: list[list[Word]] = []
    for word in sorted(words, key=lambda w: -w.y):
        if rows and abs(rows[-1][0].y - word.y) <= SAME_LINE:
            rows[-1].append(word)
        else:
            rows.append([word])
    for row in rows:
        row.sort(key=lambda w: w.x)
    return rows


def sniff(data: bytes) -> str | None:
    """Why these bytes are no PDF, in words; None when they begin like one."""
    head = data[:2048]
    if b"%PDF-" in head[:1024]:
        return None
    if not data:
        return "empty: no bytes at all"
    lower = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if lower.startswith((b"<!doctype", b"<html", b"<head", b"<?xml")) or b"<html" in lower:
        title = re.search(rb"<title[^>]{0,100}>([^<]{1,200})", head, re.IGNORECASE)
        said = re.sub(r"[^\x20-\x7e]+", " ", title[1].decode("latin-1")).strip() if title else ""
        return "a web page (HTML) instead of a PDF" + (f": {said[:120]}" if said else "")
    if lower.startswith(b"pk\x03\x04"):
        return "a ZIP archive instead of a PDF"
    return "not a PDF: it does not begin with %PDF-"


@contextmanager
def opened(data: bytes, limits: Limits) -> Generator[tuple[int, Callable[[], Generator[Page, None, None]]], None, None]:
    """An open document: its number of pages, and a function that gives its pages one after another.

    Documents encrypted with an empty password open as any other. Raises UnreadableDocument with the reason.
    """
    if len(data) > limits.bytes:
        raise UnreadableDocument(f"{len(data)} bytes, more than the {limits.bytes} that are read")
    if (reason := sniff(data)) is not None:
        raise UnreadableDocument(reason)
    started = time.monotonic()
    with _ONE_AT_A_TIME:
        try:
            document = pdfium.PdfDocument(data)
            n_pages = len(document)
        except pdfium.PdfiumError as error:
            words = str(error)
            raise UnreadableDocument(
                "encrypted with a password" if "assword" in words else f"damaged: PDFium cannot open it ({words[:120]})"
            ) from None

        def pages() -> Generator[Page, None, None]:
            for index in range(n_pages):
                if time.monotonic() - started > limits.seconds:
                    raise UnreadableDocument(f"took longer than {limits.seconds:g} s (page {index + 1} of {n_pages})")
                try:
                    page = Page(index + 1, document[index], limits)
                except pdfium.PdfiumError:
                    raise UnreadableDocument(f"damaged: page {index + 1} of {n_pages} cannot be loaded") from None
                try:
                    yield page
                finally:
                    page.close()

        try:
            if n_pages > limits.pages:
                raise UnreadableDocument(f"{n_pages} pages, more than the {limits.pages} that are read")
            if n_pages == 0:
                raise UnreadableDocument("damaged: no pages")
            yield n_pages, pages
        finally:
            document.close()
