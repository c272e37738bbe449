"""Pages as grey pictures of one size, behind limits: of bytes, of pixels, of formats.

Here belongs opening what came from outside. It runs in a worker (`pool.py`), so a file that kills the library kills
nothing else.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, Final

import pypdfium2 as pdfium
from PIL import Image

LONG_SIDE: Final = 2200  # pixels of a page's longer side: 200 dots to the inch of a letter page
MOST_BYTES: Final = 64 << 20
MOST_PIXELS: Final = 60_000_000
MOST_SIDE: Final = 20_000
FORMATS: Final = ("GIF", "PNG", "JPEG", "TIFF")
_LEAST_SIDE = 300


class UnreadablePage(Exception):
    """A page that cannot be shown, with the reason in words."""


def load_page(path: Path, number: int) -> Image.Image:
    """Page `number` (from 1) of a PDF, or a picture, as grey levels with a long side of 2200 pixels.

    Raises UnreadablePage: too large, of another type, damaged, or without such a page.
    """
    try:
        size = path.stat().st_size
        if size == 0:
            raise UnreadablePage("empty file")
        if size > MOST_BYTES:
            raise UnreadablePage(f"too large: {size:,} bytes, the limit is {MOST_BYTES:,}")
        data = path.read_bytes()
    except OSError as error:
        raise UnreadablePage(f"the file cannot be read: {error.strerror}") from error
    image = _of_pdf(data, number) if data.startswith(b"%PDF") else _of_picture(data, number)
    factor = LONG_SIDE / max(image.size)
    if min(image.size) * factor < _LEAST_SIDE:
        raise UnreadablePage(f"no page: {image.size[0]} by {image.size[1]} pixels")
    if not 0.99 <= factor <= 1.01:
        image = image.resize((round(image.size[0] * factor), round(image.size[1] * factor)))
    return image


def _of_pdf(data: bytes, number: int) -> Image.Image:
    try:
        document: Any = pdfium.PdfDocument(data)
        try:
            if not 1 <= number <= len(document):
                raise UnreadablePage(f"the document has no page {number}")
            page = document[number - 1]
            width, height = page.get_size()
            if not 1 <= min(width, height) <= max(width, height) <= MOST_SIDE:
                raise UnreadablePage(f"no page: {width:.0f} by {height:.0f} points")
            return page.render(scale=LONG_SIDE / max(width, height), grayscale=True).to_pil().convert("L")
        finally:
            document.close()
    except pdfium.PdfiumError as error:
        raise UnreadablePage(f"PDF is damaged: {error}") from error


def _of_picture(data: bytes, number: int) -> Image.Image:
    if number != 1:
        raise UnreadablePage("a picture has one page")
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            width, height = image.size
            if width * height > MOST_PIXELS or max(width, height) > MOST_SIDE:
                raise UnreadablePage(f"too large: {width:,} by {height:,} pixels")
            if image.has_transparency_data:  # what shows through is paper
                paper = Image.new("RGBA", image.size, "white")
                return Image.alpha_composite(paper, image.convert("RGBA")).convert("L")
            return image.convert("L")
    except Image.DecompressionBombError as error:
        raise UnreadablePage("too large: more pixels than are read") from error
    except Image.UnidentifiedImageError as error:
        raise UnreadablePage("neither PDF, GIF, PNG, JPEG nor TIFF") from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:  # what Pillow raises for damage
        raise UnreadablePage(f"the picture is damaged: {type(error).__name__}") from error
