"""A Senate page's rows as disclosure facts, and the Senate's index: every row accounted for, nothing reworded."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import tarfile
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cyberpi_assets.sources.rows import Unreadable
from cyberpi_assets.sources.senate.facts import disclosure_facts
from cyberpi_assets.sources.senate.page import PtrRow, SenatePtr, read_ptr_page
from cyberpi_assets.sources.senate.search import read_search
from cyberpi_assets.tables import DISCLOSURE_FACTS, QUARANTINE_FACTS, conform

UUID = "0068462f-ee01-4550-98c9-b4437019d615"


@pytest.fixture(scope="session")
def samples(real: Path) -> Path:
    return real.parent / "wire" / "senate_efd"


def facts(ptr: SenatePtr, filing: Any = UUID) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    reading = disclosure_facts(ptr, filing, file="senate/page.html")
    table = reading.facts.get("disclosure_facts")
    rows = [] if table is None else conform(DISCLOSURE_FACTS, table).to_pylist()  # pyright: ignore[reportArgumentType]
    aside = conform(QUARANTINE_FACTS, reading.quarantine).to_pylist()
    assert reading.rows_read == len(rows) + len({a["line"] for a in aside})
    return rows, aside


def printed(**changes: Any) -> PtrRow:
    cells: dict[str, Any] = {
        "number": 1,
        "position": 1,
        "transaction_date": "12/17/2025",
        "owner": "Self",
        "tickers": ("--",),
        "assets": ("Acme",),
        "details": (),
        "terms": {},
        "asset_type": "Stock",
        "type": "Purchase",
        "amount": "$1,001 - $15,000",
        "comment": None,
    }
    return PtrRow(**(cells | changes))


def ptr(*rows: PtrRow, **changes: Any) -> SenatePtr:
    known: dict[str, Any] = {"filer": "Ms. Ann Example", "filed_at": dt.datetime(2025, 12, 26, tzinfo=dt.UTC)}
    return SenatePtr("parsed", rows=rows, rows_stated=len(rows), **(known | changes))


def test_every_row_of_every_real_page_is_a_fact(real: Path) -> None:
    tables: list[pa.Table] = []
    with tarfile.open(real / "filings/senate/efd_ptr_html.tar.gz") as tar:
        for member in tar:
            if (file := tar.extractfile(member)) is None:
                continue
            page = read_ptr_page(file.read())
            reading = disclosure_facts(page, Path(member.name).stem, file=member.name)
            assert reading.quarantine.num_rows == 0
            table = reading.facts["disclosure_facts"]
            assert isinstance(table, pa.Table)
            assert table.column("row_in_document").to_pylist() == list(range(1, (page.rows_stated or 0) + 1))
            tables.append(table)
    facts = conform(DISCLOSURE_FACTS, pa.concat_tables(tables))
    kinds = Counter(facts.column("asset_type").to_pylist())
    # the counts of the pages' own words: Purchase 3415, Sale 1643 + 1547, Exchange 68
    assert facts.num_rows == 6673
    assert Counter(facts.column("side").to_pylist()) == {"buy": 3415, "sell": 3190, "exchange": 68}
    assert (kinds[None], kinds["stock"], kinds["option"]) == (729, 5173, 16)
    assert set(facts.column("flags").to_pylist()) == {None, "two_tickers", "transaction_date_after_filing"}


def test_options_bonds_and_exchanges_keep_what_is_printed(samples: Path) -> None:
    rows, _ = facts(read_ptr_page((samples / "ptr/d1798081-ddcc-48fd-a599-ceb60730a02d.html").read_bytes()))
    assert rows[0]["description"] == "Option Type: Put Strike price: $42.50 Expires: 07/17/2020"
    assert rows[0]["asset_type"] == "option"
    assert (rows[0]["filing_status"], rows[0]["amendment_no"]) == ("amended", 1)
    assert (rows[0]["side"], rows[0]["is_partial"]) == ("sell", True)
    rows, _ = facts(
        ptr(
            printed(
                type="Exchange",
                tickers=("WPZ", "WMB"),
                assets=("Williams Partners (Exchanged)", "The Williams Companies (Received)"),
                comment="merger &amp; conversion",
            )
        )
    )
    assert rows[0]["side"] == "exchange"
    assert rows[0]["asset"] == "Williams Partners (Exchanged); The Williams Companies (Received)"
    assert rows[0]["description"] == "merger & conversion; symbols printed: WPZ WMB"
    assert rows[0]["flags"] == "two_tickers"


def test_the_index_names_day_and_address_and_the_page_the_rest() -> None:
    answer = {
        "recordsFiltered": 1,
        "data": [["A", "B", "B, A (Senator)", f'<a href="/search/view/ptr/{UUID.upper()}/">Report</a>', "12/27/2025"]],
    }
    filing = read_search(json.dumps(answer).encode()).rows[0]
    rows, _ = facts(ptr(printed()), filing)
    assert rows[0]["document"] == UUID
    assert rows[0]["filed_on"] == dt.date(2025, 12, 27)
    assert rows[0]["filer"] == "Ms. Ann Example"
    assert rows[0]["url"] == f"https://efdsearch.senate.gov/search/view/ptr/{UUID.upper()}/"
    assert facts(ptr(printed()))[0][0]["filed_on"] == dt.date(2025, 12, 26)


def test_rows_that_cannot_be_used_are_put_aside_with_the_reason() -> None:
    page = ptr(printed(transaction_date="soon"), printed(position=2, type="Gift"), printed(position=3, owner="Dog"))
    rows, aside = facts(page)
    assert [(a["line"], a["field"]) for a in aside] == [(1, "transaction_date"), (2, "type")]
    assert (rows[0]["owner"], rows[0]["flags"]) == (None, "owner_unreadable")
    assert facts(ptr(printed(), filer=None))[1][0]["field"] == "filer"


def test_rows_of_a_partial_page_carry_a_flag_and_other_pages_give_none() -> None:
    page = SenatePtr("partial", rows=(printed(),), filer="A", rows_stated=2, problems=("1 of 2",))
    assert facts(page)[0][0]["flags"] == "filing_partial"
    for status in ("paper", "not_ptr", "failed"):
        assert facts(SenatePtr(status, reason="x")) == ([], [])


def test_dates_are_kept_as_written_and_flagged() -> None:
    rows, _ = facts(ptr(printed(transaction_date="06/09/0009"), printed(position=2, transaction_date="01/01/2026")))
    assert rows[0]["transaction_date"] == dt.date(9, 6, 9)
    assert rows[0]["flags"] == "transaction_date_before_2012"
    assert rows[1]["flags"] == "transaction_date_after_filing"


@settings(deadline=None)
@given(
    st.builds(
        printed,
        transaction_date=st.text(max_size=20),
        owner=st.text(max_size=20),
        type=st.sampled_from(["Purchase", "Sale (Full)", "Exchange", "x", ""]),
        amount=st.text(max_size=30),
        tickers=st.lists(st.text(max_size=12), max_size=3).map(tuple),
        assets=st.lists(st.text(max_size=30), max_size=3).map(tuple),
        comment=st.none() | st.text(max_size=40),
    )
)
def test_any_row_is_accepted_or_put_aside(row: PtrRow) -> None:
    rows, aside = facts(ptr(row))
    assert len(rows) + len(aside) == 1


# ----------------------------------------------------------------------------------------------------------- the index


def test_recorded_search_answers(samples: Path) -> None:
    page = read_search((samples / "search/efd_report_data_mixed_2026-09.json").read_bytes())
    assert (len(page.rows), page.unreadable, page.total) == (9, (), 3867)
    assert Counter(r.kind for r in page.rows) == {"paper": 2, "annual": 3, "extension-notice": 2, "ptr": 2}
    assert [r.is_ptr for r in page.rows].count(True) == 2
    paper = page.rows[0]
    assert paper.document == "2701724b-a03b-4738-8e28-15d9fbbadefe"
    assert paper.path == "/search/view/paper/2701724B-A03B-4738-8E28-15D9FBBADEFE/"
    assert page.rows[3].document == "b7f66cc0-a619-4895-a4df-30b4e35c56ce"
    recorded = json.loads((samples / "search/efd_report_data_ptr_and_annual_2025-12.json").read_text())["ptr"]
    rows = read_search(json.dumps(recorded).encode()).rows
    assert [r.filer for r in rows][:2] == ["David H McCormick", "RICHARD BLUMENTHAL"]
    assert all(r.is_ptr for r in rows)
    assert rows[1].kind == "paper"
    assert rows[1].submitted_on == rows[1].title_date == dt.date(2025, 12, 22)


def test_a_saved_list_of_reports_reads_as_the_search_does(real: Path) -> None:
    data = gzip.decompress((real / "filings/senate/efd_search_reports.json.gz").read_bytes())
    page = read_search(data)
    assert len(page.rows) + len(page.unreadable) == len(json.loads(data))
    assert page.unreadable == ()
    amended = [r for r in page.rows if "(Amendment" in r.title]
    assert all(r.is_amendment for r in amended)
    assert {r.kind for r in amended if r.amendment_no is None} == {"paper"}  # typed in by a clerk, without number


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"<html><title>eFD: Find Reports</title></html>", "session lapsed"),
        (b"<html><title>Site Under Maintenance</title></html>", "HTML in place"),
        (b'{"data": [', "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"result": "error"}', "refused"),
        (b"7", "without a list"),
        (b"", "not JSON"),
    ],
)
def test_what_is_no_search_answer_says_so(data: bytes, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        read_search(data)


def test_unreadable_rows_of_an_answer_are_reported_by_number() -> None:
    link = f"<a href='/search/view/ptr/{UUID}/'>Periodic Transaction Report for 1/2/2024 (Amendment 3)</a>"
    rows = [["A", "B", "", link, "01/02/2024"], ["A"], ["A", "B", "", "no link", "01/02/2024"], "x"]
    rows += [["A", "B", "", link, "soon"], ["A", "B", "", "<a href='/search/view/ptr/1/'>x</a>", "01/02/2024"]]
    page = read_search(json.dumps({"data": rows, "recordsFiltered": 6}).encode())
    assert [n for n, _ in page.unreadable] == [2, 3, 4, 5, 6]
    assert page.rows[0].amendment_no == 3


@settings(deadline=None)
@given(
    st.recursive(
        st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_any_json_is_read_or_refused(value: Any) -> None:
    for answer in (value, {"data": value}):
        try:
            page = read_search(json.dumps(answer).encode())
        except Unreadable:
            continue
        assert len(page.rows) + len(page.unreadable) >= 0
