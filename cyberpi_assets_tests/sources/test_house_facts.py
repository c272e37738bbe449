"""From a report and its line in the index to the project's facts."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from cyberpi_assets.sources.house.facts import disclosure_facts
from cyberpi_assets.sources.house.index import IndexRow
from cyberpi_assets.sources.house.ptr import read_ptr
from cyberpi_assets.tables import DISCLOSURE_FACTS
from cyberpi_assets_tests.sources.house_form_writer import Row, write

FILING = IndexRow(2, "20099999", 2025, "P", dt.date(2025, 2, 3), "Example", "Ann", "Hon.", None, "MN03")


def test_rows_in_the_vocabulary_of_all_sources() -> None:
    rows = [
        Row("Apple Inc. (AAPL) [ST]", type="S (partial)", owner="JT"),
        Row(
            "Alphabet Inc. (GOOGL) [OP]",
            details={
                "filing_status": "New",
                "subholding": "Trust 5",
                "description": "Purchased 50 call options with a strike price of $150, expiring 1/16/26.",
            },
        ),
        Row("Boeing Co Note [CS]", id="2000111428", details={"filing_status": "Amended"}, amount="$350.78"),
        Row("Berkshire Hathaway Inc. (BRK.B) [ST]", details={"filing_status": "Deleted"}, amount="Over $50,000,000"),
        Row("Solstice (SOLS) [ST]", type="E", date="03/3/2011", notified="02/01/2011"),
    ]
    facts, aside = disclosure_facts(read_ptr(write(rows)), FILING, file="ptr/20099999.pdf")
    assert aside.num_rows == 0
    assert facts.schema == DISCLOSURE_FACTS.schema
    apple, google, boeing, berkshire, solstice = facts.to_pylist()
    assert (apple["side"], apple["is_partial"], apple["owner"]) == ("sell", True, "joint")
    assert (apple["amount_low"], apple["amount_high"], apple["ticker_printed"]) == (1_001.0, 15_000.0, "AAPL")
    assert (apple["state"], apple["district"], apple["filed_on"]) == ("MN", 3, dt.date(2025, 2, 3))
    assert apple["url"] == "https://disclosures-clerk.house.gov/public_disc/ptr-pdfs/2025/20099999.pdf"
    assert apple["flags"] is None
    assert (google["asset_type"], google["owner"]) == ("option", "self")
    assert google["description"].startswith("option: call, strike 150, expires 2026-01-16, 50 contracts; Purchased 50")
    assert google["description"].endswith("subholding of Trust 5")
    assert (boeing["filing_status"], boeing["amount_low"], boeing["amount_high"]) == ("amended", 350.78, 350.78)
    assert boeing["description"] == "amends transaction 2000111428"
    assert (berkshire["filing_status"], berkshire["ticker_printed"]) == ("deleted", "BRK-B")
    assert (berkshire["amount_low"], berkshire["amount_high"]) == (50_000_001.0, None)
    assert solstice["side"] == "exchange"
    assert set(solstice["flags"].split(",")) == {"transaction_date_before_2012", "notification_before_transaction"}


def test_a_partial_document_says_so_on_every_row_and_loses_none() -> None:
    rows = [Row("Apple Inc. (AAPL) [ST]"), Row("Tesla (TSLA) [ST]", hidden=frozenset({"type"}))]
    document = read_ptr(write(rows))
    assert document.status == "partial"
    facts, aside = disclosure_facts(document, FILING, file="a.pdf")
    assert [f["flags"] for f in facts.to_pylist()] == ["document_partial"]
    assert [(q["line"], q["field"]) for q in aside.to_pylist()] == [(2, "type")]


def test_real_rows_pass_whole(real: Path) -> None:
    document = read_ptr((real / "filings" / "house" / "ptr_pdfs" / "20030475.pdf").read_bytes())
    facts, aside = disclosure_facts(document, FILING, file="20030475.pdf")
    assert facts.num_rows + aside.num_rows == len(document.rows) == 19
    assert facts.column("filing_status").to_pylist().count("deleted") == 2
    assert "filing_id_differs" in facts.column("flags")[0].as_py()  # the line of another filing
