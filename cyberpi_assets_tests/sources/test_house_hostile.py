"""Bytes that mean harm: whatever a document or an index holds, it ends as a record with a reason, in bounded time."""

from __future__ import annotations

import random
import time
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest

from cyberpi_assets.sources.house import index as index_module
from cyberpi_assets.sources.house.index import IndexRows, read_index
from cyberpi_assets.sources.house.pool import parse_many
from cyberpi_assets.sources.house.ptr import read_ptr
from cyberpi_assets_tests.sources.house_form_writer import Row, assemble, write

N_MUTATED = 300
STATUSES = {"parsed", "partial", "scanned", "not_ptr", "failed"}


def mutate(data: bytes, chance: random.Random) -> bytes:
    kind = chance.randrange(6)
    out = bytearray(data)
    if kind == 0:
        return bytes(out[: chance.randrange(len(out))])
    if kind == 1:  # one to fifty flipped bits
        for _ in range(chance.randint(1, 50)):
            out[chance.randrange(len(out))] ^= 1 << chance.randrange(8)
    elif kind == 2:  # a stretch overwritten with noise
        start = chance.randrange(len(out))
        out[start : start + 400] = chance.randbytes(min(400, len(out) - start))
    elif kind == 3:  # numbers of the structure changed: sizes, counts, offsets
        for _ in range(20):
            place = chance.randrange(len(out))
            if 48 <= out[place] <= 57:
                out[place] = chance.randint(48, 57)
    elif kind == 4:  # a stretch left out, another put in twice
        start, size = chance.randrange(len(out)), chance.randint(1, 5_000)
        out[start : start + size] = out[start : start + size] * chance.choice((0, 2))
    else:
        return chance.choice((b"", b"<html>", b"PK\x03\x04", b"%PDF-1.7\n")) + bytes(out[chance.randrange(200) :])
    return bytes(out)


def test_mutated_documents_end_with_a_reason(real: Path, tmp_path: Path) -> None:
    chance = random.Random(20_240_117)
    folder = real / "filings" / "house" / "ptr_pdfs"
    whole = [p for p in sorted(folder.glob("*.pdf")) if p.stat().st_size < 130_000]
    rows = {p.name: len(read_ptr(p.read_bytes()).rows) for p in whole}
    paths: list[Path] = []
    for n in range(N_MUTATED):
        original = chance.choice(whole)
        path = tmp_path / f"{n}__{original.name}"
        path.write_bytes(mutate(original.read_bytes(), chance))
        paths.append(path)
    began, seen = time.monotonic(), set[Path]()
    for path, document in parse_many(paths, 2, max_seconds=10):
        seen.add(path)
        assert document.status in STATUSES
        assert document.status == "parsed" or document.reason
        if document.status == "parsed":  # nothing was lost without a word
            assert len(document.rows) == rows[path.name.split("__")[1]]
    assert seen == set(paths)
    assert time.monotonic() - began < 120


def test_a_document_too_slow_or_too_large_fails_alone(tmp_path: Path) -> None:
    good, many, huge = tmp_path / "good.pdf", tmp_path / "pages.pdf", tmp_path / "huge.pdf"
    good.write_bytes(write([Row("Apple Inc. (AAPL) [ST]")]))
    many.write_bytes(assemble(["BT /F1 9 Tf 20 20 Td (page) Tj ET"] * 3_000))
    line = "BT /F1 1 Tf 1 0 0 1 {x} {y} Tm (a long line that says nothing at all) Tj ET"
    huge.write_bytes(assemble(["\n".join(line.format(x=20 + 30 * (n % 15), y=n / 5) for n in range(3_500))]))
    found = dict(parse_many([huge, many, good, tmp_path / "none.pdf"], 2, max_seconds=10))
    assert found[good].status == "parsed"
    assert found[many].reason == "3000 pages, more than the 1000 that are read"
    assert "characters, more than are read" in str(found[huge].reason)
    assert found[tmp_path / "none.pdf"].reason == "no such file"


def test_a_slow_document_is_ended_from_without(tmp_path: Path) -> None:
    slow = tmp_path / "slow.pdf"
    slow.write_bytes(assemble(["0 0 m 9 9 l S\n" * 4_000_000]))
    good = tmp_path / "good.pdf"
    good.write_bytes(write([Row("Apple Inc. (AAPL) [ST]")]))
    began = time.monotonic()
    found = dict(parse_many([slow, good], 1, max_seconds=0.3))
    assert found[slow].status == "failed"
    assert found[good].status == "parsed"
    assert time.monotonic() - began < 30


def test_memory_is_bounded(tmp_path: Path) -> None:
    good = tmp_path / "good.pdf"
    good.write_bytes(write([Row("Apple Inc. (AAPL) [ST]")]) + b"\0" * 60_000_000)
    [(_, document)] = parse_many([good], 1, memory=1 << 20)  # less than the process has already
    assert document.status == "failed"
    assert document.reason


# ------------------------------------------------------------------------------------------------------------- index

ROW = "Hon.\tAllen\tRichard W.\t\tP\tGA12\t2025\t1/16/2025\t20026537\r\n"
HEADER = "Prefix\tLast\tFirst\tSuffix\tFilingType\tStateDst\tYear\tFilingDate\tDocID\r\n"


def zipped(**members: bytes) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name.replace("_", "."), data)
    return out.getvalue()


ENTITIES = b"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>
<FinancialDisclosure><Member><Last>&b;</Last></Member></FinancialDisclosure>"""
OUTSIDE = ENTITIES.replace(b'"aaaaaaaaaa"', b'SYSTEM "file:///etc/hostname"')


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "neither ZIP, XML nor TXT"),
        (b"<!DOCTYPE html><html></html>", "a web page"),
        (b"%PDF-1.4", "neither ZIP, XML nor TXT"),
        (b"PK\x03\x04 torn", "a damaged archive"),
        (zipped(a_pdf=b"x"), "an archive without an index"),
        (zipped(a_xml=b"<html></html>"), "a web page"),
        (ENTITIES, "declares entities"),
        (OUTSIDE, "declares entities"),
        (zipped(a_xml=ENTITIES), "declares entities"),
        (b"<Rows></Rows>", "its root is Rows"),
        (b"<FinancialDisclosure>" + b"<a>" * 100_000, "nested deeper"),
        (b"<FinancialDisclosure></FinancialDisclosure>", "no filings in it"),
        (b"Prefix\tDocID\r\n", "columns FilingDate"),
    ],
)
def test_what_is_no_index_says_why(data: bytes, reason: str) -> None:
    found = read_index(data, "index")
    assert found.rows == ()
    assert reason in str(found.failure)


def test_a_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_module, "LARGEST", 1 << 20)
    bomb = zipped(a_xml=b"<FinancialDisclosure>" + b" " * (8 << 20))
    assert len(bomb) < 1 << 20
    assert "unpacks to more" in str(read_index(bomb, "bomb.zip").failure)


def test_a_row_that_is_wrong_is_put_aside_and_the_others_are_kept() -> None:
    text = HEADER + ROW + ROW + "torn\trow\r\n" + ROW.replace("20026537", "20026538").replace("1/16/2025", "")
    text += ROW.replace("20026537", "x") + ROW.replace("20026537", "20026539").replace("GA12", "KS/01")
    found = read_index(text.encode(), "a.txt")
    assert [(r.line, r.doc_id, r.filing_date is None, r.state_district) for r in found.rows] == [
        (2, "20026537", False, "GA12"),
        (5, "20026538", True, "GA12"),
        (7, "20026539", False, "KS01"),
    ]
    assert [(r.line, r.field) for r in found.refused] == [(3, "DocID"), (4, "row"), (6, "DocID")]
    assert found.read == 6
    assert found.failure is None


def test_the_three_shapes_of_a_real_index_agree(real: Path) -> None:
    folder = real / "filings" / "house" / "fd_index" / "zip_as_served"
    packed = read_index((folder / "2023.zip").read_bytes(), "2023.zip")
    plain = read_index((folder / "2023FD.txt").read_bytes(), "2023FD.txt")
    assert packed.format == "zip/xml"
    assert [(r.doc_id, r.filer, r.filing_date, r.state_district) for r in packed.rows] == [
        (r.doc_id, r.filer, r.filing_date, r.state_district) for r in plain.rows
    ]
    assert packed.refused == plain.refused == ()
    assert len(packed.rows) == 1_549
    types = [r.filing_type for r in packed.rows]
    assert all(r.filing_date for r in packed.rows if r.filing_type == "P")
    assert types.count("P") > 400


def test_mutated_indexes_never_raise(real: Path) -> None:
    chance = random.Random(7)
    folder = real / "filings" / "house" / "fd_index" / "zip_as_served"
    small = (folder / "2025FD.zip").read_bytes()
    with zipfile.ZipFile(BytesIO(small)) as archive:
        originals = [small, *(archive.read(name) for name in archive.namelist())]
    check: Callable[[IndexRows], bool] = lambda r: r.read == len(r.rows) + len(r.refused)  # noqa: E731
    for _ in range(N_MUTATED):
        assert check(read_index(mutate(chance.choice(originals), chance), "mutated"))
