"""Paper forms drawn here, read by the real Tesseract: what is on them comes out, and what cannot be read is null."""

from __future__ import annotations

import datetime as dt
import os
import stat
import struct
import zlib
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from PIL import Image

from cyberpi_assets.sources.ocr import grid
from cyberpi_assets.sources.ocr.engine import Clock, TooSlow, find_engine
from cyberpi_assets.sources.ocr.form import layout_of, read_date
from cyberpi_assets.sources.ocr.images import UnreadablePage, load_page
from cyberpi_assets.sources.ocr.page import NO_TABLE, read_image
from cyberpi_assets.sources.ocr.pool import Page, read_pages
from cyberpi_assets_tests.sources.paper_form import ROWS, Typed, form, letter

D = dt.date


@pytest.fixture(scope="session")
def tesseract() -> str:
    found = find_engine()
    if found.program is None:
        message = found.lacking or "no Tesseract"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return found.program


# What is typed into the form of `paper_form.ROWS`, as a person reads it.
EXPECTED = [
    ("joint", "NIMBARQUE ACTIVE MANAGED (NMBQE)", "NMBQE", "sell", D(2022, 10, 19), D(2022, 11, 1), 1_001, 15_000),
    ("spouse", "Quillmere Gold Holdings", None, "buy", D(2022, 10, 7), D(2022, 11, 1), 15_001, 50_000),
    ("self", "VANTRELL INDEX FUND (VTRL)", "VTRL", "exchange", D(2022, 9, 28), D(2022, 11, 1), 1_000_001, 5_000_000),
    ("child", "Ostrava Municipal Bonds", None, "sell", D(2022, 10, 12), D(2022, 11, 1), 50_000_001, None),
]


@pytest.mark.parametrize("turned", [0, 90, 270])
def test_a_typed_form_comes_out_as_it_was_typed_however_it_was_laid_on_the_scanner(tesseract: str, turned: int) -> None:
    page = form().rotate(-turned, expand=True)
    reading = read_image(page.rotate(0.4, fillcolor=255), tesseract, Clock.of(60))
    found = [
        (
            r.owner,
            r.asset,
            r.ticker_printed,
            r.side,
            r.transaction_date,
            r.notification_date,
            r.amount_low,
            r.amount_high,
        )
        for r in reading.rows
    ]
    assert found == EXPECTED
    assert reading.turned == (360 - turned) % 360
    assert [r.unread for r in reading.rows] == [None] * 4
    assert all(0.5 < (r.confidence or 0) <= 1 for r in reading.rows)
    assert reading.rows[0].original == "JT | NIMBARQUE ACTIVE MANAGED (NMBQE) | 10/19/22 | 11/01/22"


def test_printed_boxes_are_no_ticks_and_doubt_gives_null_with_the_reason(tesseract: str) -> None:
    rows = (
        replace(ROWS[0], side=(2,), bands=(10,)),  # a partial sale; column K
        replace(ROWS[1], side=(0, 1), bands=(1, 2)),
        replace(ROWS[2], side=(), bands=(), traded="9/28/2022"),  # wider than its cell: the end cannot be seen
        Typed("", "Family account", (), "", "", ()),
    )
    partial, twice, none, heading = read_image(form(rows, boxes=True, kinds=4, bands=11), tesseract, Clock.of(60)).rows
    assert (partial.side, partial.is_partial) == ("sell", True)
    assert (partial.amount_low, partial.amount_high, partial.amount_printed) == (1_000_001, None, "column K")
    assert (twice.side, twice.amount_low, twice.amount_high) == (None, None, None)
    assert twice.unread == "side: 2 cells ticked; amount: 2 cells ticked"
    assert (none.side, none.amount_low, none.transaction_date) == (None, None, None)
    assert none.unread == "transaction_date: runs over its cell; side: no tick; amount: no tick"
    assert heading.asset == "Family account"
    assert heading.owner is None  # a blank cell speaks of an owner only where something was traded


def test_text_outside_a_table_gives_only_what_a_line_says(tesseract: str) -> None:
    page = letter("Confirmation of your account", "02/27/2020 Sold Reedy Bonds $15,001 - $50,000", "Dated 03/01/2020")
    (row,) = read_image(page, tesseract, Clock.of(60)).rows
    assert (row.side, row.transaction_date, row.amount_low, row.amount_high) == ("sell", D(2020, 2, 27), 15_001, 50_000)
    assert (row.asset, row.owner, row.notification_date) == (None, None, None)
    assert "Reedy" in row.original
    assert read_image(letter("Dear Sir", "nothing was traded"), tesseract, Clock.of(60)).reason == NO_TABLE


def test_a_blank_page_says_so_without_asking_anyone() -> None:
    reading = read_image(Image.new("L", (2200, 1700), 255), "/no/such/program", Clock.of(1))
    assert (reading.rows, reading.reason) == ((), "a blank page")


def test_a_page_without_time_is_given_up(tesseract: str) -> None:
    with pytest.raises(TooSlow):
        read_image(form(), tesseract, Clock.of(0))


# ------------------------------------------------------------------------------------------------------------- hostile


def _png(width: int, height: int) -> bytes:
    """A PNG whose head promises so many pixels; its body is a few bytes."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty file"),
        (_png(60_000, 60_000), "too large"),
        (_png(30_000, 100), "too large"),
        (_png(3, 2_000), "no page"),
        (b"<html><body>not found</body></html>", "neither PDF, GIF, PNG, JPEG nor TIFF"),
        (b"GIF89a", "damaged|neither"),
        (b"%PDF-1.4\n1 0 obj", "PDF is damaged"),
    ],
)
def test_what_is_no_page_is_refused_in_words(tmp_path: Path, data: bytes, reason: str) -> None:
    (tmp_path / "page").write_bytes(data)
    with pytest.raises(UnreadablePage, match=reason):
        load_page(tmp_path / "page", 1)


def test_a_cut_picture_is_refused_and_a_good_one_is_scaled(tmp_path: Path) -> None:
    whole = tmp_path / "page.gif"
    form().resize((1100, 850)).save(whole)
    assert load_page(whole, 1).size == (2200, 1700)
    whole.write_bytes(whole.read_bytes()[:4000])
    with pytest.raises(UnreadablePage, match="damaged"):
        load_page(whole, 1)
    with pytest.raises(UnreadablePage, match="one page"):
        load_page(whole, 2)


def test_a_program_that_hangs_is_ended_with_all_it_started_and_the_others_go_on(tmp_path: Path) -> None:
    hanging, noted = tmp_path / "tesseract", tmp_path / "started"
    hanging.write_text(f"#!/bin/sh\necho $$ >> {noted}\nexec sleep 600\n")
    hanging.chmod(hanging.stat().st_mode | stat.S_IXUSR)
    form().save(tmp_path / "form.png")
    Image.new("L", (2200, 1700), 255).save(tmp_path / "blank.png")
    pages = [Page(tmp_path / "form.png", 1), Page(tmp_path / "blank.png", 1), Page(tmp_path / "none.png", 1)]
    found = {page.path.name: r.reason for page, r in read_pages(pages, str(hanging), 2, max_seconds=6)}
    assert found["form.png"] == "took longer than 6 s"
    assert found["blank.png"] == "a blank page"
    assert found["none.png"] == "the file cannot be read: No such file or directory"
    for number in map(int, noted.read_text().split()):
        try:
            os.kill(number, 0)
        except ProcessLookupError:
            continue
        # ended, and not yet collected by the process that adopted it
        assert Path(f"/proc/{number}/stat").read_text().rsplit(")", 1)[1].split()[0] in ("Z", "X")


# -------------------------------------------------------------------------------------------------------- small things


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("10/19/22", D(2022, 10, 19)),
        ("03-10-2025", D(2025, 3, 10)),
        ("1/9/2026", D(2026, 1, 9)),
        ("13/45/22", None),
        ("3/17/2825", None),
        ("02/05/015", None),
        ("10/19/22 11/01/22", None),
        ("", None),
    ],
)
def test_a_cell_holds_one_plausible_date_or_none(text: str, day: dt.date | None) -> None:
    assert read_date(text) == day


def test_only_the_order_of_columns_of_the_house_is_its_form() -> None:
    def spans(*widths: int) -> list[tuple[int, int]]:
        edges = [0]
        for width in widths:
            edges.append(edges[-1] + width)
        return list(pairwise(edges))

    known = spans(90, 560, *[46] * 4, 126, 126, *[66] * 11)
    layout = layout_of(known)
    assert layout is not None
    assert (len(layout.side), layout.traded, layout.amounts[-1]) == (4, known[6], known[-1])
    assert layout_of(known[::-1]) is None
    assert layout_of(spans(90, 560, *[46] * 5, 126, 126, *[66] * 9)) is None
    assert layout_of(spans(90, 560, *[60] * 15)) is None
    assert layout_of([]) is None


def test_noise_has_no_table() -> None:
    import numpy as np

    noise = np.random.default_rng(7).random((850, 1100)) < 0.3
    assert grid.find_grid(noise) is None
    assert grid.find_grid(np.zeros((10, 10), np.bool_)) is None
    assert grid.find_grid(np.ones((400, 400), np.bool_)) is None
