"""Writes reports the way the Clerk's site prints them, so that tests can say what stands in a document.

A small PDF writer of our own: the form's columns, repeated headers, wrapped cells, page breaks between any two lines,
labels in a font whose small letters mean nothing (the new layout) or in scrambled case (the old one), tick boxes.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field

COLUMNS = {
    "id": 25.3,
    "owner": 82.0,
    "asset": 121.0,
    "type": 272.0,
    "date": 332.0,
    "notified": 387.0,
    "amount": 450.0,
    "gains": 528.0,
}
WIDTH = {"id": 10, "owner": 5, "asset": 26, "type": 12, "date": 10, "notified": 10, "amount": 14}
DETAIL_WIDTH = 80
LABELS = {
    "filing_status": "Filing Status",
    "subholding": "Subholding Of",
    "location": "Location",
    "description": "Description",
    "comments": "Comments",
}
TOP, BOTTOM = 720.0, 72.0


@dataclass
class Row:
    asset: str
    type: str = "P"
    date: str = "01/02/2025"
    notified: str = "01/03/2025"
    amount: str = "$1,001 - $15,000"
    owner: str = ""
    id: str = ""
    details: dict[str, str] = field(default_factory=lambda: {"filing_status": "New"})
    ticked: bool = False
    hidden: frozenset[str] = frozenset()  # parts that are not drawn: columns, or "details"


class Writer:
    def __init__(self, layout: str = "new") -> None:
        self.layout = layout
        self.pages: list[list[str]] = []
        self.y = 0.0

    def text(self, x: float, y: float, text: str, size: float = 8.0, font: str = "F1") -> None:
        shown = "".join(f"{ord(c):04x}" for c in text) if font == "F2" else text.encode("cp1252", "replace").hex()
        self.pages[-1].append(f"BT /{font} {size} Tf 1 0 0 1 {x:.2f} {y:.2f} Tm <{shown}> Tj ET")

    def small_caps(self, x: float, y: float, words: str, size: float) -> float:
        """A label; returns where it ends. Small letters have no meaning in the new layout, odd case in the old one."""
        if self.layout == "old":
            shown = words.upper().replace("A", "a").replace("G", "g").replace("O", "o")
            self.text(x, y, shown, size)
            return x + 0.72 * size * len(words)
        for letter in words:
            if letter == " ":
                x += size * 0.3
                continue
            lost = letter.islower()
            self.text(x, y, letter.upper(), size, "F2" if lost else "F1")
            x += size * 0.7
        return x

    def page(self) -> None:
        self.pages.append([])
        self.y = TOP

    def header(self) -> None:
        shown = {
            "id": "ID",
            "owner": "Owner",
            "asset": "Asset",
            "type": "Transaction",
            "date": "Date",
            "notified": "Notification",
            "amount": "Amount",
            "gains": "Cap.",
        }
        for column, text in shown.items():
            self.text(COLUMNS[column], self.y, text.swapcase() if self.layout == "old" else text, 8.4)
        for column, text in {"type": "Type", "notified": "Date", "gains": "Gains >"}.items():
            self.text(COLUMNS[column], self.y - 11, text, 8.4)
        self.text(COLUMNS["gains"], self.y - 22, "$200?", 8.4)
        self.y -= 44

    def need(self, height: float) -> None:
        if self.y - height < BOTTOM:
            self.page()
            self.header()

    def row(self, row: Row) -> None:
        cells = {c: textwrap.wrap(getattr(row, c), WIDTH[c], break_on_hyphens=False) for c in WIDTH}
        for n in range(max(map(len, cells.values()))):
            self.need(10.5)
            for column, wrapped in cells.items():
                if n < len(wrapped) and column not in row.hidden:
                    self.text(COLUMNS[column], self.y, wrapped[n])
            if n == 0 and "gains" not in row.hidden:
                self.box(COLUMNS["gains"] + 18, self.y - 3.6, row.ticked)
            self.y -= 10.5
        self.y -= 7
        drawn = [] if "details" in row.hidden else [(k, row.details[k]) for k in LABELS if k in row.details]
        for label, said in drawn:
            first, *rest = textwrap.wrap(said, DETAIL_WIDTH, break_on_hyphens=False) or [""]
            self.need(12.75)
            after = self.small_caps(COLUMNS["asset"], self.y, LABELS[label], 7.6)
            self.text(after, self.y, ": " + first, 7.6)
            self.y -= 12.75
            for line in rest:
                self.need(12.75)
                self.text(COLUMNS["asset"], self.y, line, 7.6)
                self.y -= 12.75
        self.y -= 13

    def box(self, x: float, y: float, ticked: bool) -> None:
        if self.layout == "old":
            return self.text(x, y + 3.6, "gfedcb" if ticked else "gfedc", 8.0)
        around = " ".join(f"{x + (9.5 if n % 2 else 0):.2f} {y + 0.4 * n:.2f} l" for n in range(1, 25))
        self.pages[-1].append(f"{x:.2f} {y:.2f} m {around} h f")
        if ticked:
            self.pages[-1].append(f"{x:.2f} {y + 4:.2f} m {x + 3:.2f} {y:.2f} l {x + 9:.2f} {y + 9.4:.2f} l S")
        return None


def write(rows: list[Row], layout: str = "new", *, signed: bool = True, name: str = "Hon. Ann Example") -> bytes:
    """A whole report."""
    w = Writer(layout)
    w.page()
    w.small_caps(120, w.y, "Periodic Transaction Report", 20)
    w.text(480, 745, "Filing ID #20099999")
    for n, (label, said) in enumerate({"Name:": name, "Status:": "Member", "State/District:": "MN03"}.items(), 1):
        w.text(22, w.y - 20 - 15 * n, f"{label} {said}", 8.6)
    w.y -= 100
    w.header()
    for row in rows:
        w.row(row)
    w.y += 13
    w.need(10.5)
    w.y -= 15
    w.text(22, w.y, "* For the complete list of asset type abbreviations, please visit the site.", 7.6)
    w.y -= 40
    if w.y < BOTTOM + 40:
        w.page()
    w.small_caps(22, w.y, "Initial Public Offerings", 11)
    w.text(22, w.y - 20, "I CERTIFY that the statements I have made are true.")
    if signed:
        w.text(22, w.y - 35, f"Digitally Signed: {name} , 02/03/2025")
    return assemble(["\n".join(page) for page in w.pages])


NOTHING = b"""/CIDInit /ProcSet findresource begin 12 dict begin begincmap
1 begincodespacerange <0000> <ffff> endcodespacerange
26 beginbfchar
%s
endbfchar endcmap end end""" % b"\n".join(b"<%04x> <0000>" % code for code in range(65, 91))


def assemble(contents: list[str]) -> bytes:
    """A PDF of pages with these content streams. F1 is Helvetica; F2 draws letters that say nothing of themselves."""
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        b"<< /Type /Font /Subtype /Type0 /BaseFont /SmallCaps /Encoding /Identity-H /ToUnicode 5 0 R /DescendantFonts "
        b"[<< /Type /Font /Subtype /CIDFontType2 /BaseFont /SmallCaps /DW 600 /CIDSystemInfo "
        b"<< /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> "
        b"/FontDescriptor << /Type /FontDescriptor /FontName /SmallCaps /Flags 4 /FontBBox [0 0 600 700] "
        b"/ItalicAngle 0 /Ascent 700 /Descent 0 /CapHeight 700 /StemV 80 >> >>] >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(NOTHING), NOTHING),
    ]
    kids: list[int] = []
    for content in contents:
        stream = content.encode("latin-1")
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream))
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents %d 0 R "
            b"/Resources << /Font << /F1 3 0 R /F2 4 0 R >> >> >>" % len(objects)
        )
        kids.append(len(objects))
    objects[1] = f"<< /Type /Pages /Count {len(kids)} /Kids [{' '.join(f'{k} 0 R' for k in kids)}] >>".encode()
    out, places = bytearray(b"%PDF-1.4\n"), []
    for n, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (n, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(out)
