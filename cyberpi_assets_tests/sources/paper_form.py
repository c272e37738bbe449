"""A paper form of the House, drawn: typed rows, crosses, and either empty cells or printed boxes for them."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

SIZE = (2200, 1700)
TOP, LEFT = 620, 170
OWNER, ASSET, DATE, HEAD, EXAMPLE, ROW = 97, 590, 132, 164, 50, 74


@dataclass(frozen=True)
class Typed:
    """A row as it is typed: `side` and `bands` are the columns that get a cross, counted from 0."""

    owner: str
    asset: str
    side: tuple[int, ...]
    traded: str
    notified: str
    bands: tuple[int, ...]


ROWS = (
    Typed("JT", "NIMBARQUE ACTIVE MANAGED (NMBQE)", (1,), "10/19/22", "11/01/22", (0,)),
    Typed("SP", "Quillmere Gold Holdings", (0,), "10/07/22", "11/01/22", (1,)),
    Typed("", "VANTRELL INDEX FUND (VTRL)", (2,), "9/28/22", "11/01/22", (6,)),
    Typed("DC", "Ostrava Municipal Bonds", (1,), "10/12/22", "11/01/22", (9,)),
)


def form(rows: tuple[Typed, ...] = ROWS, *, boxes: bool = False, kinds: int = 3, bands: int = 10) -> Image.Image:
    """One page with its head, the printed example and some rows; empty rows fill it up to five."""
    widths = [OWNER, ASSET, *[48] * kinds, DATE, DATE, *[72] * bands]
    image = Image.new("L", SIZE, 255)
    draw = ImageDraw.Draw(image)
    draw.text((LEFT, 120), "UNITED STATES HOUSE OF REPRESENTATIVES", fill=0, font=_font(40))
    draw.text((LEFT, 180), "Periodic Transaction Report", fill=0, font=_font(34))
    draw.text((LEFT, 300), "NAME: Casimir Dunhollow", fill=0, font=_font(30))
    edges = [LEFT]
    for width in widths:
        edges.append(edges[-1] + width)
    heights = [HEAD, EXAMPLE, *[ROW] * max(5, len(rows))]
    levels = [TOP]
    for height in heights:
        levels.append(levels[-1] + height)
    for x in edges:
        draw.line([(x, TOP), (x, levels[-1])], fill=0, width=3)
    for y in levels:
        draw.line([(LEFT, y), (edges[-1], y)], fill=0, width=3)
    draw.text((edges[1] + 60, TOP + 60), "Provide full name, not ticker symbol.", fill=0, font=_font(24))
    draw.text((edges[2 + kinds] + 8, TOP + 60), "(MM/DD/YY)", fill=0, font=_font(20))
    printed = Typed("JT", "Example: Mega Corp. Common Stock", (1,), "8/14/12", "8/14/12", (1,))
    for typed, top, height, size in (
        (printed, levels[1], EXAMPLE, 22),
        *((row, levels[2 + i], ROW, 28) for i, row in enumerate(rows)),
    ):
        y = top + height // 2
        for text, column in (
            (typed.owner, 0),
            (typed.asset, 1),
            (typed.traded, 2 + kinds),
            (typed.notified, 3 + kinds),
        ):
            draw.text((edges[column] + 10, y), text, fill=0, font=_font(size), anchor="lm")
        crossed = [2 + n for n in typed.side] + [4 + kinds + n for n in typed.bands]
        for column in crossed:
            x, half = (edges[column] + edges[column + 1]) // 2, 9 if height == EXAMPLE else 15
            draw.line([(x - half, y - half), (x + half, y + half)], fill=0, width=4)
            draw.line([(x - half, y + half), (x + half, y - half)], fill=0, width=4)
    if boxes:
        for i in range(len(heights) - 2):
            y = levels[2 + i] + ROW // 2
            for column in (*range(2, 2 + kinds), *range(4 + kinds, len(widths))):
                x = (edges[column] + edges[column + 1]) // 2
                draw.rectangle([(x - 19, y - 23), (x + 19, y + 23)], outline=0, width=4)
    return image


def letter(*lines: str) -> Image.Image:
    """A page of text without any table."""
    image = Image.new("L", (1700, 2200), 255)
    draw = ImageDraw.Draw(image)
    for i, line in enumerate(lines):
        draw.text((160, 300 + 70 * i), line, fill=0, font=_font(36))
    return image


def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont)
    return font
