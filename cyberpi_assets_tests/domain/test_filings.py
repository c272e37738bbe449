"""Ledger, amendments and timeliness: what METHODS, section 7, says of filings, on rows made by hand."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pyarrow as pa
import pytest

from cyberpi_assets.domain.amendments import dated_by_index, known_on, superseded
from cyberpi_assets.domain.filings import filing_coverage, filings
from cyberpi_assets.domain.timeliness import filing_timeliness, official_timeliness
from cyberpi_assets.tables import (
    DISCLOSED_TRADES,
    DISCLOSURE_FACTS,
    DOCUMENT_FACTS,
    FILE_FACTS,
    FILING_FACTS,
    FILINGS,
    OFFICIAL_TERMS,
    OFFICIALS,
    Table,
)

SEEN = dt.datetime(2024, 5, 1, tzinfo=dt.UTC)
LATER = dt.datetime(2024, 6, 1, tzinfo=dt.UTC)


def _rows(table: Table, *rows: dict[str, Any], **common: Any) -> pa.Table:
    filled = [
        {**common, "line": n, **row} if "line" in table.names else {**common, **row} for n, row in enumerate(rows, 1)
    ]
    return pa.Table.from_pylist(filled, schema=pa.schema([pa.field(f.name, f.type) for f in table.schema])).cast(
        table.schema
    )


def _trade(n: int, **row: Any) -> dict[str, Any]:
    filing = row.get("filing_id", "house:1")
    return {
        "trade_id": f"{filing}#{n}", "filing_id": filing, "row_in_filing": n, "bioguide_id": "X000001",
        "official": "Ada Exemplar", "official_evidence": "stated", "chamber": "house", "ticker_evidence": "printed",
        "source": "unified/x", "file": "trades", "month": "2024-03", "side": "buy", "ticker": "AAA",
        "ticker_printed": "AAA", "transaction_date": dt.date(2024, 2, 1), "filed_on": dt.date(2024, 3, 1),
        **row,
    }  # fmt: skip


def _trades(*rows: dict[str, Any]) -> pa.Table:
    return _rows(DISCLOSED_TRADES, *[_trade(n, **row) for n, row in enumerate(rows, 1)])


# -------------------------------------------------------------------------------------------------------- timeliness


@pytest.mark.parametrize(
    ("row", "due", "moved", "days", "verdict"),
    [
        # notification + 30 is 2024-03-06, before transaction + 45 = 2024-03-17
        ({"notification_date": "2024-02-05", "filed_on": "2024-03-06"}, "2024-03-06", "2024-03-06", 0, "on time"),
        ({"notification_date": "2024-02-05", "filed_on": "2024-03-07"}, "2024-03-06", "2024-03-06", 1, "late"),
        # transaction + 45 is 2024-03-17, a Sunday: Monday is in time, Tuesday is late
        ({"notification_date": "2024-03-01", "filed_on": "2024-03-18"}, "2024-03-17", "2024-03-18", 0, "on time"),
        ({"notification_date": "2024-03-01", "filed_on": "2024-03-19"}, "2024-03-17", "2024-03-18", 1, "late"),
        # without a notification: before transaction + 30 = 2024-03-02 (a Saturday, so Monday 4 March) in any case
        ({"filed_on": "2024-03-04"}, "2024-03-17", "2024-03-18", None, "on time"),
        ({"filed_on": "2024-03-05"}, "2024-03-17", "2024-03-18", None, "unknown"),
        ({"filed_on": "2024-03-19"}, "2024-03-17", "2024-03-18", 1, "late"),
        # a notification after the filing cannot be right and is not used
        ({"notification_date": "2024-04-01", "filed_on": "2024-03-10"}, "2024-03-17", "2024-03-18", None, "unknown"),
        ({"filing_status": "amended", "filed_on": "2024-09-01"}, None, None, None, "not applicable"),
        ({"repeat_of": "7", "filed_on": "2024-09-01"}, None, None, None, "not applicable"),
        # replaced later by an amended row: the trade was first disclosed here, so it is judged here
        ({"superseded_by": "senate:b", "filed_on": "2024-03-19"}, "2024-03-17", "2024-03-18", 1, "late"),
        ({"transaction_date": "2030-01-01"}, None, None, None, "unknown"),
    ],
)
def test_the_verdict_on_a_trade(
    row: dict[str, Any], due: str | None, moved: str | None, days: int | None, verdict: str
) -> None:
    dated = {k: dt.date.fromisoformat(v) if k.endswith(("_date", "_on")) else v for k, v in row.items()}
    found = filing_timeliness(_trades(dated)).to_pylist()[0]
    said = {k: found[k] for k in ("due_on", "due_on_moved", "days_late", "verdict")}
    as_day = {k: dt.date.fromisoformat(v) if v else None for k, v in (("due_on", due), ("due_on_moved", moved))}
    assert said == {**as_day, "days_late": days, "verdict": verdict}
    assert (found["reason"] is None) == (verdict in ("on time", "late"))


def test_a_federal_holiday_moves_the_day_too() -> None:
    # 2023-11-19 + 45 is 2024-01-03; 2023-11-17 + 45 is New Year's Day
    new_year = {"transaction_date": dt.date(2023, 11, 17), "filed_on": dt.date(2024, 1, 2)}
    assert filing_timeliness(_trades(new_year)).to_pylist()[0]["due_on_moved"] == dt.date(2024, 1, 2)


def test_people_are_counted_over_known_verdicts_only() -> None:
    late, early = {"filed_on": dt.date(2024, 4, 1)}, {"filed_on": dt.date(2024, 2, 10)}
    unknown = {"filed_on": dt.date(2024, 3, 10)}
    trades = _trades(late, early, unknown, {**late, "filing_status": "amended"})
    person = official_timeliness(filing_timeliness(trades), trades).to_pylist()[0]
    assert (person["n_trades"], person["n_known"], person["n_late"], person["late_rate"]) == (3, 2, 1, 0.5)
    assert person["median_days"] == 38  # 9, 38 and 60 days
    assert person["max_days_late"] == 14  # due 17 March, a Sunday, so 18 March


# ------------------------------------------------------------------------------------------------------------ ledger


def _ledger(
    index: pa.Table, documents: pa.Table, trades: pa.Table, before: pa.Table, seen: dt.datetime = SEEN
) -> pa.Table:
    files = _rows(FILE_FACTS, *[{"file": f, "bytes": 1, "modified_at": seen} for f in ("index", "documents", "trades")])
    nobody, never = OFFICIALS.empty(), OFFICIAL_TERMS.empty()
    return filings(index, documents, trades, files, before, nobody, never, "2012-01", "2026-12")


def _index(*rows: dict[str, Any]) -> pa.Table:
    common = {"chamber": "house", "filer": "Hon. Ada Exemplar", "filing_type": "P", "source": "s", "file": "index"}
    return _rows(FILING_FACTS, *rows, **common, filed_on=dt.date(2024, 3, 1))


def _documents(*rows: dict[str, Any]) -> pa.Table:
    common = {"chamber": "house", "source": "house_clerk", "file": "documents", "content_hash": "0" * 64}
    return _rows(DOCUMENT_FACTS, *rows, **common)


def test_a_filing_without_a_date_stands_where_its_first_row_does_however_many_months_are_known() -> None:
    """So that months computed after one another make the ledger of one run over all of them."""
    undated = {"filing_id": "house:9", "filed_on": None}
    trades = _trades({**undated, "month": "2026-07"}, {**undated, "month": "2026-06"})
    nothing = (_index(), _documents())
    (found,) = _ledger(*nothing, trades, FILINGS.empty()).to_pylist()
    assert (found["filed_on"], found["month"]) == (None, "2026-06")
    (kept,) = _ledger(*nothing, _trades(), FILINGS.empty().from_pylist([found], schema=FILINGS.schema)).to_pylist()
    assert kept["month"] == "2026-06"


def test_every_state_of_a_filing() -> None:
    index = _index(
        {"document": "1"},
        {"document": "2"},
        {"document": "3"},
        {"document": "4"},
        {"document": "5", "filing_type": "A"},
    )
    documents = _documents(
        {"document": "1", "status": "parsed", "rows_read": 1, "rows_expected": 1},
        {"document": "2", "status": "scanned", "reason": "images without text"},
        {"document": "6", "status": "partial", "rows_read": 1, "rows_expected": 2, "reason": "a row is missing"},
        {"document": "7", "status": "scanned"},
    )
    trades = _trades(
        {"filing_id": "house:1", "source": "house_clerk"},
        {"filing_id": "house:4", "transcription": "electronic"},
        {"filing_id": "house:6", "source": "house_clerk_partial"},
        {"filing_id": "house:7", "transcription": "ocr"},
    )
    ledger = {r["document"]: r for r in _ledger(index, documents, trades, FILINGS.empty()).to_pylist()}
    states = {d: (r["status"], r["kind"], r["rows_read"]) for d, r in ledger.items()}
    assert states == {
        "1": ("parsed", "ptr", 1),
        "2": ("scanned", "ptr", 0),  # unreadable is not empty
        "3": ("missing", "ptr", 0),
        "4": ("transcribed", "ptr", 1),
        "5": ("not_ptr", "other", 0),
        "6": ("partial", "ptr", 1),
        "7": ("ocr", "ptr", 1),
    }
    assert ledger["1"]["reason"] is None
    assert all(r["reason"] for d, r in ledger.items() if d not in ("1", "7"))
    covered = filing_coverage(pa.Table.from_pylist(list(ledger.values()), schema=FILINGS.schema)).to_pylist()
    assert sum(c["n_filings"] for c in covered) == 6  # the annual report is none of them
    assert sum(c["parsed"] for c in covered) == 1


def test_a_filing_once_seen_keeps_its_line_and_its_first_sighting() -> None:
    first = _ledger(_index({"document": "1"}, {"document": "2"}), _documents(), _trades(), FILINGS.empty())
    second = _ledger(_index({"document": "2"}), _documents(), _trades(), first, LATER)
    lines = {r["document"]: r for r in second.to_pylist()}
    assert set(lines) == {"1", "2"}
    assert (lines["1"]["first_seen"], lines["1"]["last_seen"]) == (SEEN, SEEN)
    assert (lines["2"]["first_seen"], lines["2"]["last_seen"]) == (SEEN, LATER)


# -------------------------------------------------------------------------------------------------------- amendments


def _amended(n: int, status: str = "parsed") -> dict[str, Any]:
    return {
        "chamber": "senate",
        "document": f"d{n}",
        "amendment_no": n or None,
        "report_on": dt.date(2024, 3, 1),
        "status": status,
    }


def test_the_latest_amendment_read_whole_supersedes_the_others() -> None:
    filed = [dt.date(2024, 3, day) for day in (1, 11, 12)]
    trades = _trades(
        *[{"filing_id": f"senate:d{n}", "chamber": "senate", "filed_on": day} for n, day in enumerate(filed)]
    )
    found = superseded(trades, _documents(_amended(0), _amended(1), _amended(2)))
    assert found.column("superseded_by").to_pylist() == ["senate:d2", "senate:d2", None]
    assert found.column("superseded_on").to_pylist() == [filed[1], filed[2], None]
    why = "amendment 2 of the report of 2024-03-01 replaces it"
    assert found.column("superseded_reason").to_pylist() == [why, why, None]
    # in between the first amendment stands, and the original is put aside: no trade counts twice
    between = known_on(found, "2024-03-11").to_pylist()
    assert [(r["filing_id"], r["superseded_by"]) for r in between] == [
        ("senate:d0", "amendment filed 2024-03-11"),
        ("senate:d1", None),
    ]


def test_a_replacement_that_a_source_states_is_dated_by_the_amended_row_where_there_is_one() -> None:
    trades = _trades(
        {"filing_id": "house:1", "superseded_by": "amendment 1"},
        {"filing_id": "house:1", "superseded_by": "unknown amendment", "ticker_printed": "BBB"},
        {"filing_id": "house:2", "filing_status": "amended", "filed_on": dt.date(2024, 5, 1)},
    )
    found = superseded(trades, _documents())
    assert found.column("superseded_on").to_pylist() == [dt.date(2024, 5, 1), None, None]
    assert found.column("superseded_reason").to_pylist() == [
        "the source says: replaced by amendment 1",
        "the source says: replaced by unknown amendment, day not known",
        None,
    ]
    # the one is known to have stood in April; of the other nobody knows, so it does not count
    assert [r["superseded_by"] for r in known_on(found, "2024-04-15").to_pylist()] == [None, "unknown amendment"]


def test_where_it_is_unclear_nothing_is_superseded_and_the_row_is_flagged() -> None:
    alone = _trades({"filing_id": "senate:d1", "chamber": "senate"})
    row = superseded(alone, _documents(_amended(1))).to_pylist()[0]
    assert row["superseded_by"] is None
    assert "amends_unknown_rows" in row["flags"]
    torn = _trades(*[{"filing_id": f"senate:d{n}", "chamber": "senate"} for n in (0, 1)])
    kept = superseded(torn, _documents(_amended(0), _amended(1, "partial")))
    assert kept.column("superseded_by").to_pylist() == [None, None]


def test_the_same_row_in_a_later_filing_is_marked_and_kept() -> None:
    trades = _trades(
        {"filing_id": "house:1"}, {"filing_id": "house:1"}, {"filing_id": "house:2", "filed_on": dt.date(2024, 5, 1)}
    )
    found = superseded(trades, _documents())
    assert found.num_rows == 3
    assert ["possible_repeat" in (f or "") for f in found.column("flags").to_pylist()] == [False, False, True]


def test_what_was_known_on_a_day() -> None:
    trades = _trades(
        {
            "filing_id": "senate:a",
            "filed_on": dt.date(2024, 3, 1),
            "superseded_by": "senate:b",
            "superseded_on": dt.date(2024, 4, 1),
        },
        {"filing_id": "senate:b", "filed_on": dt.date(2024, 4, 1)},
    )
    march, april = known_on(trades, "2024-03-15").to_pylist(), known_on(trades, "2024-04-15").to_pylist()
    assert [(r["filing_id"], r["superseded_by"]) for r in march] == [("senate:a", None)]
    assert [(r["filing_id"], r["superseded_by"]) for r in april] == [("senate:a", "senate:b"), ("senate:b", None)]


def test_the_index_dates_official_documents_and_finds_the_filing_of_a_seat_and_day() -> None:
    day = dt.date(2024, 3, 1)
    index = _index(
        {"document": "1", "url": "https://x.gov/1.pdf", "state": "OH", "district": 4, "filed_on": day},
        {"document": "2", "url": "https://x.gov/2.pdf", "state": "OH", "district": 5, "filed_on": day},
        {"document": "3", "url": "https://x.gov/3.pdf", "state": "OH", "district": 5, "filed_on": day},
    )
    facts = _rows(
        DISCLOSURE_FACTS,
        {"document": "1", "source": "house_clerk", "filed_on": dt.date(2024, 2, 27)},
        {"document": "1", "source": "unified/x", "filed_on": dt.date(2024, 2, 27)},
        {"document": None, "source": "unified/x", "state": "OH", "district": 4, "filed_on": day},
        {"document": None, "source": "unified/x", "state": "OH", "district": 5, "filed_on": day},
        chamber="house", filer="Ada Exemplar", row_in_document=1, file="f",
    )  # fmt: skip
    found = dated_by_index(facts, index).to_pylist()
    assert [r["filed_on"] for r in found] == [day, dt.date(2024, 2, 27), day, day]
    one = "https://x.gov/1.pdf"
    assert [r["url"] for r in found] == [one, one, one, None]  # two reports of one seat on one day: no guess
