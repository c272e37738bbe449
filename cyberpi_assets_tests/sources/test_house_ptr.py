"""Transaction reports of the House: real documents field by field, and documents written here, whose rows are known."""

from __future__ import annotations

import csv
import datetime as dt
import re
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cyberpi_assets.sources.house.pdf import Limits, opened
from cyberpi_assets.sources.house.pool import parse_many
from cyberpi_assets.sources.house.ptr import PtrDocument, PtrRow, read_ptr
from cyberpi_assets_tests.sources.house_form_writer import Row, assemble, write

# Where the list of expected rows is wrong, and why the document says so: (document, row, field). None is known.
EXPECTED_IS_WRONG: frozenset[tuple[str, int, str]] = frozenset()


@pytest.fixture(scope="module")
def documents(real: Path) -> dict[str, PtrDocument]:
    folder = real / "filings" / "house" / "ptr_pdfs"
    return {path.name: document for path, document in parse_many(sorted(folder.glob("*.pdf")), 2)}


def as_expected(document: PtrDocument, row: PtrRow) -> dict[str, str]:
    assert document.signed_on is not None
    printed = {
        "transaction_id": row.transaction_id,
        "owner": row.owner,
        "asset": row.asset,
        "type": row.type_printed,
        "transaction_date": row.transaction_date_printed,
        "notification_date": row.notification_date_printed,
        "amount": row.amount_printed,
        "filing_status": (row.filing_status or "").title(),
        "description": row.description,
        "comments": row.comments,
        "location": row.location,
        "subholding_of": row.subholding,
        "name": document.filer,
        "state_district": document.state_district,
        "filer_status": document.filer_status,
        "signed": document.signed_on.strftime("%m/%d/%Y"),
    }
    return {k: x or "" for k, x in printed.items()}


def test_every_row_of_the_real_documents_is_as_expected(real: Path, documents: dict[str, PtrDocument]) -> None:
    expected: defaultdict[str, list[dict[str, str]]] = defaultdict(list)
    with (real / "filings" / "house" / "ptr_pdfs_expected_rows.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            expected[row["doc_id"]].append(row)
    assert len(expected) >= 38
    disagreements: list[str] = []
    for doc_id, rows in expected.items():
        document = documents[f"{doc_id}.pdf"]
        assert (document.status, document.filing_id) == ("parsed", doc_id), document.problems
        assert len(document.rows) == document.n_expected == len(rows), doc_id
        for n, (theirs, row) in enumerate(zip(rows, document.rows, strict=True)):
            for name, ours in as_expected(document, row).items():
                if theirs[name] != ours and (doc_id, n, name) not in EXPECTED_IS_WRONG:
                    disagreements.append(f"{doc_id} row {n} {name}: expected {theirs[name]!r}, read {ours!r}")
    assert not disagreements, "\n".join(disagreements)


def test_scans_and_other_forms_are_told_apart(real: Path, documents: dict[str, PtrDocument]) -> None:
    with (real / "filings" / "house" / "ptr_pdfs" / "MANIFEST.csv").open(newline="") as file:
        for entry in csv.DictReader(file):
            document = documents[entry["file"]]
            wanted = {"ptr": "parsed", "scan": "scanned", "other": "not_ptr"}[entry["kind"]]
            assert document.status == wanted, (entry["file"], document.reason)
            assert document.n_pages == int(entry["pages"])
            assert (document.reason is None) == (wanted == "parsed")


def test_capital_gains_boxes_and_option_terms_of_real_rows(documents: dict[str, PtrDocument]) -> None:
    rows = [row for document in documents.values() for row in document.rows]
    assert all(row.capital_gains is not None for row in rows)  # every box is found
    assert not any(row.capital_gains for row in rows if row.side == "P")  # a purchase has no gains
    assert 100 < sum(row.capital_gains is True for row in rows if row.side == "S") < 1_000
    terms = {row.option for row in documents["20026590.pdf"].rows if row.option}
    assert ("call", 150.0, dt.date(2026, 1, 16), 50, False) in terms
    assert ("call", 12.0, dt.date(2024, 12, 20), 500, True) in terms


def test_a_document_survives_the_way_through_json(documents: dict[str, PtrDocument]) -> None:
    document = documents["20026590.pdf"]
    assert PtrDocument.of_record(document.as_record()) == document


# ------------------------------------------------------------------------------------------------------ written here


def rows_of(document: PtrDocument) -> list[tuple[object, ...]]:
    return [
        (
            r.transaction_id or "",
            r.owner or "",
            r.asset,
            r.type_printed,
            r.transaction_date_printed,
            r.notification_date_printed,
            r.amount_printed,
            r.filing_status,
            r.description,
            r.comments,
            r.capital_gains,
        )
        for r in document.rows
    ]


def written(rows: list[Row]) -> list[tuple[object, ...]]:
    return [
        (
            r.id,
            r.owner,
            " ".join(r.asset.split()),
            r.type,
            r.date,
            r.notified,
            r.amount,
            r.details["filing_status"].lower(),
            r.details.get("description"),
            r.details.get("comments"),
            r.ticked,
        )
        for r in rows
    ]


WORDS = st.lists(
    st.text(st.sampled_from("abcdefgABCDEFG0123456789-.&'%$#/"), min_size=1, max_size=12).filter(
        lambda w: w != "gfedc"
    ),
    min_size=1,
    max_size=14,
).map(" ".join)
DATES = st.dates(dt.date(2012, 1, 1), dt.date(2026, 12, 31)).map(lambda d: f"{d:%m}/{d.day}/{d.year}")
AMOUNTS = st.sampled_from(
    (
        "$1,001 - $15,000",
        "$15,001 - $50,000",
        "$1,000,001 - $5,000,000",
        "$25,000,001 - $50,000,000",
        "$9.00",
        "$2,761.57",
        "Over $50,000,000",
        "Spouse/DC Over $1,000,000",
    )
)
NASTY = st.sampled_from(["D: none", "C: x", "Amount Date", "sold at $5 - $6", "F S: New", "Total ID Owner", "S P E"])
DETAILS = st.fixed_dictionaries(
    {"filing_status": st.sampled_from(["New", "Amended", "Deleted"])},
    optional={"subholding": WORDS, "description": WORDS | NASTY, "location": st.just("US"), "comments": WORDS},
)
ROWS = st.lists(
    st.builds(
        Row,
        asset=WORDS.map(lambda w: f"Ex {w} (ABC) [ST]"),
        type=st.sampled_from(["P", "S", "S (partial)", "E"]),
        date=DATES,
        notified=DATES,
        amount=AMOUNTS,
        owner=st.sampled_from(["", "SP", "JT", "DC"]),
        id=st.sampled_from(["", "2000111429"]),
        details=DETAILS,
        ticked=st.booleans(),
    ),
    min_size=1,
    max_size=30,
)


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(ROWS, st.sampled_from(["new", "old"]))
def test_what_is_written_is_read(rows: list[Row], layout: str) -> None:
    document = read_ptr(write(rows, layout))
    assert document.problems == ()
    assert (document.status, document.layout, document.n_expected) == ("parsed", layout, len(rows))
    assert rows_of(document) == written(rows)


PARTS = [
    frozenset({"date"}),
    frozenset({"date", "notified"}),
    frozenset({"type"}),
    frozenset({"amount"}),
    frozenset({"asset"}),
    frozenset({"details"}),
    frozenset({"id", "owner", "asset", "type", "date", "notified", "amount"}),
    frozenset({"id", "owner", "asset", "type", "date", "notified", "amount", "gains", "details"}),
]


@pytest.mark.parametrize("layout", ["new", "old"])
@pytest.mark.parametrize("hidden", PARTS, ids=lambda p: "+".join(sorted(p)))
@pytest.mark.parametrize("lost", [0, 4, 9])
def test_a_row_that_is_lost_makes_the_document_partial(layout: str, hidden: frozenset[str], lost: int) -> None:
    rows = [Row(f"Company number {n} with a name (ABC) [ST]", owner="SP") for n in range(10)]
    rows[lost].hidden = hidden
    document = read_ptr(write(rows, layout))
    assert document.status == "partial", rows_of(document)
    assert document.reason


def test_a_document_without_its_end_is_partial() -> None:
    rows = [Row(f"Company number {n} (ABC) [ST]") for n in range(40)]
    assert read_ptr(write(rows, signed=False)).status == "partial"
    whole = write(rows)
    assert read_ptr(whole).status == "parsed"


def test_columns_that_touch_are_parted_by_their_place() -> None:
    row = Row("Apple Inc. (AAPL) [ST]", date="06/18/2026", notified="06/30/2026")
    wide = re.sub(rb"/F1 8\.0 Tf (1 0 0 1 (?:332|387)\.00 [\d.]+ Tm <30362f)", rb"/F1 11.4 Tf \1", write([row]))
    with opened(wide, Limits()) as (_, pages):
        assert "06/18/202606/30/2026" in next(pages()).text  # no blank is seen between them
    read = [(r.transaction_date, r.notification_date) for r in read_ptr(wide).rows]
    assert read == [(dt.date(2026, 6, 18), dt.date(2026, 6, 30))]


@pytest.mark.parametrize("layout", ["new", "old"])
def test_a_line_broken_at_a_hyphen_keeps_it(layout: str) -> None:
    rows = [Row("Vanguard Total Exchange- Traded Fund (VTI) [EF]"), Row("Minnesota St 5.000 2029- 02-15 [GS]")]
    document = read_ptr(write(rows, layout))
    assert [r.asset for r in document.rows] == [row.asset for row in rows]


def test_what_is_no_report_says_why() -> None:
    assert read_ptr(b"").reason == "empty: no bytes at all"
    page = b"<!DOCTYPE html><html><head><title>404 - File or directory not found.</title></head></html>"
    assert read_ptr(page).reason == "a web page (HTML) instead of a PDF: 404 - File or directory not found."
    assert read_ptr(b"PK\x03\x04rest").reason == "a ZIP archive instead of a PDF"
    assert read_ptr(b"%PDF-1.4 and nothing").status == "failed"
    other = read_ptr(assemble(["BT /F1 12 Tf 72 700 Td (Financial Disclosure Extension Request) Tj ET"]))
    assert (other.status, other.reason) == ("not_ptr", "not a periodic transaction report")
    blank = read_ptr(assemble([""]))
    assert (blank.status, blank.reason) == ("failed", "damaged or blank: neither text nor page images")


def test_limits_of_pages_and_time() -> None:
    data = write([Row(f"Company {n} (ABC) [ST]") for n in range(60)])
    assert "pages, more than the 2" in str(read_ptr(data, max_pages=2).reason)
    assert "took longer than" in str(read_ptr(data, max_seconds=-1).reason)


def test_a_report_whose_text_is_destroyed_is_not_taken_for_another_form() -> None:
    whole = write([Row("Apple Inc. (AAPL) [ST]")])
    page = re.compile(rb"<([0-9a-f]+)> Tj")
    garbled = page.sub(
        lambda m: b"<" + bytes(c ^ 1 if c > 57 else c for c in m[1]).replace(b"`", b"f") + b"> Tj", whole
    )
    assert read_ptr(garbled).status in ("failed", "partial")
    headless = whole.replace(b"Amount".hex().encode(), b"Amxxnt".hex().encode())  # the table's header is not found
    document = read_ptr(headless)
    assert document.status == "partial"
    assert "header" in str(document.reason)
