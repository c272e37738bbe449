"""Disclosed trades: nothing is dropped, clamped or merged; each row has a name of its own that stays."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cyberpi_assets.domain.disclosures import disclosed_trades, of_months
from cyberpi_assets.tables import DISCLOSED_TRADES, conform
from cyberpi_assets_tests.domain import rows
from cyberpi_assets_tests.domain.rows import D

OFFICIALS = rows.frame(
    "officials",
    [
        {"bioguide_id": "A000001", "official": "Ann Alpha", "first_name": "Ann", "last_name": "Alpha",
         "chamber": "senate", "state": "OH", "party": "Independent", "n_terms": 3, "source": "t"},
    ],
)  # fmt: skip
TERMS = rows.frame(
    "official_terms",
    [
        {"bioguide_id": "A000001", "chamber": c, "state": "OH", "party": p} | {"starts_on": start, "ends_on": end}
        for c, p, start, end in (
            ("house", "Republican", D(2009, 1, 3), D(2015, 1, 3)),
            ("house", "Democrat", D(2015, 1, 3), D(2021, 1, 3)),
            ("senate", "Independent", D(2021, 1, 3), D(2027, 1, 3)),
        )
    ],
)  # fmt: skip
HISTORY = rows.frame(
    "symbol_history", [{"ticker": "FB", "current_ticker": "META", "valid_to": D(2022, 6, 9), "method": "list"}]
)

LISTED = rows.frame(
    "company_facts",
    [{"ticker": t, "name": n, "as_of": D(2026, 1, 1), "source": "l", "file": "l", "line": i}
     for i, (t, n) in enumerate((("AAPL", "Apple Inc."), ("META", "Meta Platforms, Inc.")), 1)],
)  # fmt: skip


def _fact(**more: Any) -> dict[str, Any]:
    return {
        "chamber": "house", "document": "20001", "row_in_document": 1, "filer": "Hon. Ann Alpha", "state": "OH",
        "owner": "self", "ticker_printed": "AAPL", "asset": "Apple Inc", "asset_type": "stock", "side": "buy",
        "transaction_date": D(2020, 5, 1), "notification_date": D(2020, 5, 4), "filed_on": D(2020, 6, 2),
        "amount_low": 1001.0, "amount_high": 15000.0, "filing_status": "new", "transcription": "electronic",
        "source": "unified", "file": "f.parquet", "line": 1,
    } | more  # fmt: skip


def _trades(*facts: dict[str, Any], first: str = "2012-01", last: str = "2026-12") -> list[dict[str, Any]]:
    given_facts = [{"line": i} | f if "line" not in f else f for i, f in enumerate(facts, 1)]
    found = disclosed_trades(
        rows.frame("disclosure_facts", given_facts), OFFICIALS, TERMS, HISTORY, LISTED, first, last
    )
    conform(DISCLOSED_TRADES, found)
    return found.to_pylist()


def test_a_row_arrives_with_its_person_party_symbol_and_trace() -> None:
    (found,) = _trades(_fact(ticker_printed="FB", url="https://x"))
    assert (found["trade_id"], found["filing_id"], found["row_in_filing"]) == ("house:20001#1", "house:20001", 1)
    assert (found["bioguide_id"], found["official"], found["official_evidence"]) == ("A000001", "Ann Alpha", "name")
    assert (found["party"], found["state"]) == ("Democrat", "OH")  # at the time of the trade, not today
    assert (found["ticker"], found["ticker_printed"], found["ticker_evidence"]) == ("META", "FB", "symbol history")
    assert (found["source"], found["file"], found["line"], found["url"]) == ("unified", "f.parquet", 1, "https://x")
    assert found["month"] == "2020-06"


def test_a_filer_in_doubt_keeps_the_printed_name_and_gets_no_id() -> None:
    (found,) = _trades(_fact(filer="Zoe Nobody"))
    assert (found["bioguide_id"], found["official"], found["official_evidence"]) == (None, "Zoe Nobody", "not found")
    (stated,) = _trades(_fact(filer="Zoe Nobody", bioguide_id="A000001"))
    assert (stated["bioguide_id"], stated["official_evidence"]) == ("A000001", "stated")


def test_what_the_file_states_of_party_and_state_stands() -> None:
    (found,) = _trades(_fact(bioguide_id="A000001", party="Green", state="ME"))
    assert (found["party"], found["state"]) == ("Green", "ME")


@pytest.mark.parametrize(
    "day", [D(9, 6, 9), D(3031, 1, 1), D(2222, 8, 9), D(1969, 12, 31), D(2020, 6, 3), None], ids=str
)
def test_impossible_dates_are_kept_as_written_with_their_flags(day: dt.date | None) -> None:
    (found,) = _trades(_fact(transaction_date=day, notification_date=day, flags="impossible_date,amount_truncated"))
    assert (found["transaction_date"], found["notification_date"], found["filed_on"]) == (day, day, D(2020, 6, 2))
    assert found["flags"] == "impossible_date,amount_truncated"
    assert found["month"] == "2020-06"


KEPT_AS_READ = [
    "owner", "asset", "asset_type", "side", "is_partial", "amount_low", "amount_high", "description", "filing_status",
    "repeat_of", "transcription", "flags", "url", "source", "file", "line", "ticker_printed", "chamber",
    "transaction_date", "notification_date", "filed_on",
]  # fmt: skip


@pytest.mark.parametrize(("owner", "side"), [("self", "buy"), ("joint", "exchange"), (None, None)])
def test_every_column_of_a_row_is_what_was_read(owner: str | None, side: str | None) -> None:
    fact = _fact(owner=owner, side=side, amount_low=None, amount_high=None, is_partial=True, description="call 50",
                 flags="ocr_blurred", repeat_of="house:1", transcription="ocr", filing_status="amended")  # fmt: skip
    (found,) = _trades(fact)
    assert {c: found[c] for c in KEPT_AS_READ} == {c: fact.get(c) for c in KEPT_AS_READ}


@pytest.mark.parametrize(
    ("fact", "month"),
    [
        (_fact(filed_on=D(2020, 6, 30)), "2020-06"),
        (_fact(filed_on=None), "2020-05"),
        (_fact(filed_on=None, notification_date=D(2020, 7, 1)), "2020-07"),
        (_fact(filed_on=None, notification_date=None, transaction_date=D(2020, 4, 1)), "2020-04"),
        (_fact(filed_on=None, notification_date=None, transaction_date=None), "2012-01"),
        (_fact(filed_on=D(9, 6, 9)), "2012-01"),
        (_fact(filed_on=D(3031, 1, 1)), "2026-12"),
    ],
)
def test_the_month_is_of_the_filing_else_of_the_next_best_date_within_the_months_kept(
    fact: dict[str, Any], month: str
) -> None:
    (found,) = _trades(fact)
    assert found["month"] == month
    assert found["filed_on"] == fact["filed_on"]


def test_identical_rows_of_one_filing_are_lots_and_stay() -> None:
    found = _trades(*(_fact(row_in_document=i, line=i) for i in (1, 2, 3)))
    assert [r["trade_id"] for r in found] == [f"house:20001#{i}" for i in (1, 2, 3)]


def test_a_superseded_row_names_the_amendment_or_says_that_it_is_not_known() -> None:
    one, two, three = _trades(
        _fact(is_superseded=True, amendment_no=1),
        _fact(is_superseded=True, row_in_document=2),
        _fact(is_superseded=False, row_in_document=3, amendment_no=1),
    )
    assert [r["superseded_by"] for r in (one, two, three)] == ["amendment 2", "unknown amendment", None]


def test_chambers_share_no_document_numbers() -> None:
    found = _trades(_fact(), _fact(chamber="senate"))
    assert sorted(r["filing_id"] for r in found) == ["house:20001", "senate:20001"]


def test_filings_without_a_document_are_told_apart_by_person_day_and_source() -> None:
    found = _trades(
        _fact(document=None),
        _fact(document=None, filed_on=D(2020, 6, 3)),
        _fact(document=None, filer="Zoe Nobody"),
        _fact(document=None, source="other"),
        _fact(document=None, filed_on=None),
    )
    assert len({r["filing_id"] for r in found}) == 5
    assert len({r["trade_id"] for r in found}) == 5


FACTS = st.lists(
    st.builds(
        _fact,
        chamber=st.sampled_from(["house", "senate"]),
        document=st.sampled_from(["1", "2", None]),
        row_in_document=st.integers(1, 4),
        filer=st.sampled_from(["Ann Alpha", "Zoe Nobody"]),
        filed_on=st.sampled_from([D(2020, 6, 2), D(2021, 6, 2), None]),
        transaction_date=st.sampled_from([D(2020, 5, 1), D(9, 6, 9), None]),
        ticker_printed=st.sampled_from(["FB", "AAPL", None]),
        file=st.sampled_from(["a", "b"]),
    ),
    max_size=25,
)


@settings(max_examples=10, deadline=None, derandomize=True)
@given(FACTS, st.integers(0, 1000))
def test_trade_ids_are_unique_and_do_not_depend_on_the_order_read(facts: list[dict[str, Any]], seed: int) -> None:
    numbered = [f | {"line": i} for i, f in enumerate(facts, 1)]
    shuffled = list(numbered)
    random.Random(seed).shuffle(shuffled)
    found, again = _trades(*numbered), _trades(*shuffled)
    assert len(found) == len(facts)
    assert len({r["trade_id"] for r in found}) == len(found)
    assert {r["line"]: r["trade_id"] for r in found} == {r["line"]: r["trade_id"] for r in again}
    assert all(r["trade_id"] == f"{r['filing_id']}#{r['row_in_filing']}" for r in found)
    order = [(r["month"], r["filing_id"], r["row_in_filing"]) for r in found]
    assert order == sorted(order)


def test_trades_of_some_months() -> None:
    data = rows.frame("disclosure_facts", [_fact(), _fact(document="2", filed_on=D(2021, 1, 5), line=2)])
    found = disclosed_trades(data, OFFICIALS, TERMS, HISTORY, LISTED, "2012-01", "2026-12")
    assert of_months(found, ["2021-01", "1999-01"]).column("filing_id").to_pylist() == ["house:2"]
    assert of_months(found, []).num_rows == 0
    assert disclosed_trades(data.slice(0, 0), OFFICIALS, TERMS, HISTORY, LISTED, "2012-01", "2026-12").equals(
        pa.table(DISCLOSED_TRADES.empty())
    )
