"""Scans of a folder as units: each recognised once, resumed after a kill, accounted for with or without Tesseract."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cyberpi_assets.rules.asking import OcrRules
from cyberpi_assets.sources.files.source import FileSources
from cyberpi_assets.sources.intake import Gathered, Intake
from cyberpi_assets.sources.ocr.engine import find_engine
from cyberpi_assets.sources.ocr.pool import Page, read_pages
from cyberpi_assets_tests.sources.paper_form import ROWS, form

ON = OcrRules(enabled=True)  # pyright: ignore[reportCallIssue]
UUID = "0a1b2c3d-0000-4000-8000-00000000abcd"


def _tesseract() -> None:
    lacking = find_engine().lacking
    if lacking is not None:
        if os.environ.get("CI"):
            pytest.fail(lacking)
        pytest.skip(lacking)


def _sources(tmp_path: Path, rules: OcrRules | None = ON) -> FileSources:
    return FileSources(tmp_path / "data", Intake(tmp_path / "intake"), 2**30, rules)


def _scans(tmp_path: Path) -> None:
    """A House PDF of two page images, the second blank, and a Senate report of one GIF."""
    data = tmp_path / "data"
    data.mkdir()
    blank = form().point(lambda _: 255)
    form().rotate(90, expand=True).save(data / "9990001.pdf", save_all=True, append_images=[blank], resolution=200)
    form(ROWS[:1]).save(data / f"{UUID}_page_1.gif")


def _rows(gathered: Gathered) -> list[dict[str, object]]:
    return sorted(gathered.facts("ocr_row_facts").to_pylist(), key=lambda r: (r["chamber"], r["page"], r["row"]))


def test_a_folder_of_scans_becomes_rows_once_and_every_document_is_accounted_for(tmp_path: Path) -> None:
    _tesseract()
    _scans(tmp_path)
    told: list[str] = []
    gathered = _sources(tmp_path).gather(told.append)
    rows = _rows(gathered)
    assert [(r["chamber"], r["document"], r["page"], r["row"]) for r in rows] == [
        *(("house", "9990001", 1, n) for n in (1, 2, 3, 4)),
        ("senate", UUID, 1, 1),
    ]
    assert [r["asset"] for r in rows] == [r.asset for r in ROWS] + [ROWS[0].asset]
    house, senate = sorted(gathered.facts("ocr_document_facts").to_pylist(), key=lambda d: d["chamber"])
    assert (house["n_pages"], house["n_read"], house["n_rows"], house["reason"]) == (2, 1, 4, "page 2: a blank page")
    assert (senate["n_pages"], senate["n_rows"], senate["reason"]) == (1, 1, None)
    statuses = {d["document"]: d["status"] for d in gathered.facts("document_facts").to_pylist()}
    assert statuses == {"9990001": "scanned", UUID: "scanned"}
    files = {f["file"]: f for f in gathered.files().to_pylist()}
    assert set(files) == {"9990001.pdf", f"{UUID}_page_1.gif", "9990001.pdf#ocr", f"{UUID}_page_1.gif#ocr"}
    assert gathered.facts("disclosure_facts").num_rows == 0  # nothing of it is a disclosed row
    assert sum("character recognition" in t for t in told) == 2

    told.clear()
    again = _sources(tmp_path).gather(told.append)
    assert told == []
    assert again.units == gathered.units
    (tmp_path / "data" / f"{UUID}_page_1.gif").touch()  # another version of the file
    _sources(tmp_path).gather(told.append)
    assert told == [f"{UUID}_page_1.gif", f"{UUID}_page_1.gif (character recognition)"]


def test_off_is_as_if_it_were_not_there(tmp_path: Path) -> None:
    _scans(tmp_path)
    for rules in (None, OcrRules()):  # pyright: ignore[reportCallIssue]
        gathered = _sources(tmp_path, rules).gather()
        assert gathered.facts("ocr_document_facts").num_rows == 0
        assert len(gathered.units) == 2


def test_without_the_program_each_scan_says_what_is_lacking_until_it_is_there(tmp_path: Path) -> None:
    _scans(tmp_path)
    absent = OcrRules(enabled=True, command="tesseract-that-nobody-has")  # pyright: ignore[reportCallIssue]
    gathered = _sources(tmp_path, absent).gather()
    reasons = {d["reason"] for d in gathered.facts("ocr_document_facts").to_pylist()}
    assert reasons == {"tesseract is not installed: apt-get install tesseract-ocr"}
    assert gathered.facts("ocr_row_facts").num_rows == 0


def test_pages_beyond_the_most_that_are_read_say_so(tmp_path: Path) -> None:
    _tesseract()
    (tmp_path / "data").mkdir()
    blank = form().point(lambda _: 255)
    blank.save(tmp_path / "data" / "9990001.pdf", save_all=True, append_images=[blank], resolution=200)
    few = OcrRules(enabled=True, max_pages=1)  # pyright: ignore[reportCallIssue]
    (document,) = _sources(tmp_path, few).gather().facts("ocr_document_facts").to_pylist()
    assert document["reason"] == "page 1: a blank page; page 2: beyond the first 1 pages"


def test_pages_of_a_report_are_ordered_by_their_numbers(tmp_path: Path) -> None:
    folder = tmp_path / "data" / UUID
    folder.mkdir(parents=True)
    for number in (10, 9, 2):
        form(ROWS[:1]).resize((440, 340)).save(folder / f"{number:09d}.gif")
    absent = OcrRules(enabled=True, command="tesseract-that-nobody-has")  # pyright: ignore[reportCallIssue]
    gathered = _sources(tmp_path, absent).gather()
    (document,) = gathered.facts("ocr_document_facts").to_pylist()
    assert (document["document"], document["n_pages"], document["file"]) == (UUID, 3, f"{UUID}/000000002.gif")


_KILLED = """
import sys
from pathlib import Path
from cyberpi_assets.rules.asking import OcrRules
from cyberpi_assets.sources.files.source import FileSources
from cyberpi_assets.sources.intake import Intake
root, program = Path(sys.argv[1]), sys.argv[2]
FileSources(root / "data", Intake(root / "intake"), 2**30, OcrRules(enabled=True, command=program)).gather(print)
"""


def test_a_killed_reading_keeps_what_it_had_finished(tmp_path: Path) -> None:
    """Tesseract here answers with its version and hangs on pages: blank ones are done without it."""
    data = tmp_path / "data"
    data.mkdir()
    blank = form().point(lambda _: 255)
    for number in range(9990001, 9990004):
        blank.save(data / f"{number}.gif")
    form().save(data / "9990009.gif")
    hanging = tmp_path / "tesseract"
    hanging.write_text(
        '#!/bin/sh\ncase "$1" in --version) echo tesseract 9;; --list-langs) echo eng;; *) exec sleep 600;; esac\n'
    )
    hanging.chmod(0o755)
    command = [sys.executable, "-c", _KILLED, str(tmp_path), str(hanging)]
    run = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)

    def whole() -> list[Path]:
        found = (tmp_path / "intake").glob("*/ocr_document_facts.parquet")
        return [p for p in found if not p.parent.name.startswith(".")]  # those are still being written

    finished = whole()
    limit = time.monotonic() + 60
    while len(finished) < 3 and time.monotonic() < limit:
        time.sleep(0.05)
        finished = whole()
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    assert len(finished) == 3
    stamps = {p: p.stat().st_mtime_ns for p in finished}

    rules = OcrRules(enabled=True, command=str(hanging))  # pyright: ignore[reportCallIssue]
    hanging.write_text(hanging.read_text().replace("exec sleep 600", "exit 1"))  # the same version, ends at once
    told: list[str] = []
    gathered = _sources(tmp_path, rules).gather(told.append)
    assert told == ["9990009.gif (character recognition)"]
    assert {p: p.stat().st_mtime_ns for p in finished} == stamps
    reasons = {d["document"]: d["reason"] for d in gathered.facts("ocr_document_facts").to_pylist()}
    assert reasons.pop("9990009").startswith("tesseract:")
    assert set(reasons.values()) == {"a blank page"}


@pytest.mark.real
def test_a_real_scan_on_its_side_gives_its_typed_rows(real: Path) -> None:
    """Typed in by hand from the page: three of the five rows of a Member's paper report of 2022."""
    _tesseract()
    path = real / "filings" / "house" / "ptr_pdfs" / "scan_8219277.pdf"
    program = find_engine().program or ""
    ((_, page),) = read_pages([Page(path, 1)], program)
    rows = {r.ticker_printed: r for r in page.rows}
    assert len(page.rows) == 5
    for ticker, side, low in (("PDBC", "sell", 1_001), ("SHY", "buy", 15_001), ("HYBB", "buy", 1_001)):
        row = rows[ticker]
        assert (row.owner, row.side, row.amount_low) == ("joint", side, low)
        assert (str(row.transaction_date), str(row.notification_date)) == ("2022-10-19", "2022-11-01")
