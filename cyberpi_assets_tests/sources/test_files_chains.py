"""Chains, quotes, option volumes and watchlists as files: units, moments, spelling, and every row accounted for."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cyberpi_assets.sources.demo.source import DemoSources
from cyberpi_assets.sources.files import FileSources
from cyberpi_assets.sources.intake import Gathered, Intake
from cyberpi_assets.sources.providers.answers import facts_table
from cyberpi_assets.sources.watched import WatchedList, WithLists
from cyberpi_assets.tables import CHAIN_FACTS, GAP_FACTS, SNAPSHOT_FACTS, Table

LIMIT = 64 * 2**20
D = dt.date
HEADER = (
    "ticker,trade_date,snapshot_ts,underlying_price,expiry,type,strike,bid,ask,last,"
    "volume,open_interest,implied_vol,delta"
)


def utc(*parts: int) -> dt.datetime:
    return dt.datetime(*parts, tzinfo=dt.UTC)  # pyright: ignore[reportArgumentType]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "files"
    made.mkdir()
    return made


def gathered(folder: Path) -> Gathered:
    return FileSources(folder, Intake(folder.parent / "intake"), LIMIT).gather()


def rows(found: Gathered, name: str = "chain_facts") -> list[dict[str, Any]]:
    return sorted(found.facts(name).to_pylist(), key=lambda r: (r["file"], r["line"]))


def aside(found: Gathered) -> list[tuple[int, str, str]]:
    return sorted((r["line"], r["field"], r["reason"]) for r in found.facts("quarantine_facts").to_pylist())


def chain(folder: Path, *lines: str, header: str = HEADER, name: str = "chain.csv") -> Gathered:
    (folder / name).write_text("\n".join([header, *lines]) + "\n")
    return gathered(folder)


# ------------------------------------------------------------------------------------------------- what a cell may say


def test_a_contract_keeps_its_figures_and_its_trace(folder: Path) -> None:
    found = chain(folder, "brk.b,2026-07-14,2026-07-14T19:00:00Z,480.5,2026-07-17,P,475,1.1,1.3,1.2,30,100,0.31,-0.4")
    (row,) = rows(found)
    assert row == {
        "ticker": "BRK-B",
        "snapshot_at": utc(2026, 7, 14, 19),
        "session": D(2026, 7, 14),
        "underlying_price": 480.5,
        "expiry": D(2026, 7, 17),
        "right": "put",
        "strike": 475.0,
        "bid": 1.1,
        "ask": 1.3,
        "last": 1.2,
        "volume": 30,
        "open_interest": 100,
        "implied_vol": 0.31,
        "delta": -0.4,
        "multiplier": None,
        "last_trade_at": None,
        "data_type": "delayed",
        "source": "contracts",
        "file": "chain.csv",
        "line": 1,
    }


def test_rights_are_read_as_vendors_print_them(folder: Path) -> None:
    printed = ("C", "P", "call", "Put", "p")
    found = chain(folder, *(f"AAA,2026-07-14,,10,2026-07-17,{right},9,,,,,,," for right in printed))
    assert [r["right"] for r in rows(found)] == ["call", "put", "call", "put", "put"]


def test_what_is_not_known_is_null_and_zero_is_zero(folder: Path) -> None:
    found = chain(
        folder,
        "AAA,2026-07-14,,10,2026-07-17,C,9,0,0,0,-1,-1,0,2",  # placeholders throughout
        "AAA,2026-07-14,,10,2026-07-17,C,10,0,0.05,1,0,0,0.00001,0.5",  # nobody bids, nobody traded
        "AAA,2026-07-14,,-1,2026-07-17,P,10,,,,,,,0.5",  # a put's delta is not positive
    )
    first, second, third = rows(found)
    unknown = ("bid", "ask", "last", "volume", "open_interest", "implied_vol", "delta")
    assert [first[c] for c in unknown] == [None] * 7
    assert [second[c] for c in unknown] == [0.0, 0.05, 1.0, 0, 0, None, 0.5]
    assert [third[c] for c in (*unknown, "underlying_price")] == [None] * 8


@pytest.mark.parametrize(("printed", "fractions"), [((31.0, 25.5, 140.0), True), ((0.31, 0.255, 1.4), False)])
def test_a_table_in_percent_is_brought_to_fractions(folder: Path, printed: tuple[float, ...], fractions: bool) -> None:
    lines = [f"AAA,2026-07-14,,10,2026-07-17,C,{9 + i},,,,,,{vol}," for i, vol in enumerate(printed)]
    assert [r["implied_vol"] for r in rows(chain(folder, *lines))] == [0.31, 0.255, 1.4], fractions


def test_rows_that_cannot_be_used_are_put_aside_with_the_field_at_fault(folder: Path) -> None:
    found = chain(
        folder,
        "AAA,2026-07-14,,10,2026-07-13,C,9,,,,,,,",
        "AAA,2026-07-14,,10,sometime,C,9,,,,,,,",
        "AAA,2026-07-14,,10,2026-07-17,X,9,,,,,,,",
        "AAA,2026-07-14,,10,2026-07-17,C,0,,,,,,,",
        "AAA,2026-07-14,,10,2026-07-17,C,9,,,,-7,,,",
        "AAA,2026-07-14,,10,2026-07-17,C,9,,,,1.5,,,",
        "AAA,2026-07-14,,10,2026-07-17,C,9,,,,many,,,",
        "AAA,2026-07-04,,10,2026-07-17,C,9,,,,,,,",  # Independence Day, a Saturday
        ",2026-07-14,,10,2026-07-17,C,9,,,,,,,",
        "AAA,,,10,2026-07-17,C,9,,,,,,,",
        "AAA,2026-07-14,,10,2099-07-17,C,9,,,,,,,",
        "AAA,2026-07-14",
        "AAA,2026-07-14,,10,2026-07-14,C,9,,,,,,,",  # expires today: alive
    )
    assert aside(found) == [
        (1, "expiry", "expired before the session"),
        (2, "expiry", "not a date"),
        (3, "right", "neither call nor put"),
        (4, "strike", "strike is not a positive price"),
        (5, "volume", "not a whole number of contracts"),
        (6, "volume", "not a whole number of contracts"),
        (7, "volume", "not a number"),
        (8, "session", "the New York Stock Exchange was closed on this day"),
        (9, "ticker", "no ticker"),
        (10, "session", "nothing says when the chain was taken"),
        (11, "expiry", "expires more than 20 years after the session"),
        (12, "row", "the row has more or fewer cells than the header"),
    ]
    assert [r["line"] for r in rows(found)] == [13]
    (file,) = found.files().to_pylist()
    assert (file["rows_read"], file["accepted"], file["quarantined"]) == (13, 1, 12)


CELLS = ("", "AAA", "2026-07-14", "2026-07-17", "-1", "0", "9.5", "C", "put", "x", "1e400", "nan", "'", '"')


def test_whatever_the_cells_say_every_row_is_accounted_for(folder: Path) -> None:
    random = Random(20260714)
    cells = [[random.choice(CELLS) for _ in range(14)] for _ in range(500)]
    likely = ["AAA", "2026-07-14", "", "10", "2026-07-17", "C", "9", "", "", "", "", "", "", ""]
    for i in range(0, 500, 2):  # of every other row one cell alone is odd
        odd = random.randrange(14)
        cells[i] = [cells[i][k] if k == odd else likely[k] for k in range(14)]
    found = chain(folder, *(",".join('"' + c.replace('"', '""') + '"' for c in row) for row in cells))
    (file,) = found.files().to_pylist()
    assert (file["kind"], file["rows_read"]) == ("chains", 500)
    assert 50 < file["accepted"] < 250
    assert file["quarantined"] == 500 - file["accepted"]
    lines = sorted([r["line"] for r in rows(found)] + [line for line, _, _ in aside(found)])
    assert lines == list(range(1, 501))


# ---------------------------------------------------------------------------------------------- when a chain was taken


MOMENTS = [
    ("2026-07-14T19:00:00Z", D(2026, 7, 14), utc(2026, 7, 14, 19)),
    ("2026-07-14 15:59:59", D(2026, 7, 14), utc(2026, 7, 14, 19, 59, 59)),  # without a zone: New York
    ("2026-07-15T01:00:00+00:00", D(2026, 7, 14), utc(2026, 7, 15, 1)),  # the evening after
    ("2026-07-15T13:29:59Z", D(2026, 7, 14), utc(2026, 7, 15, 13, 29, 59)),  # a second before the next opening
    ("2026-07-15T13:30:00Z", D(2026, 7, 15), utc(2026, 7, 15, 13, 30)),
    ("2026-07-19T15:00:00Z", D(2026, 7, 17), utc(2026, 7, 19, 15)),  # a Sunday
    ("2026-01-05T14:29:59Z", D(2026, 1, 2), utc(2026, 1, 5, 14, 29, 59)),  # winter: opens at 14:30 UTC
    ("", D(2026, 7, 14), utc(2026, 7, 14, 20)),  # no moment: the close of the stated session
]


def test_a_snapshot_belongs_to_the_last_session_that_had_opened(folder: Path) -> None:
    found = chain(folder, *(f"AAA,2026-07-14,{moment},10,2026-08-21,C,9,,,,,,," for moment, _, _ in MOMENTS))
    assert [(r["session"], r["snapshot_at"]) for r in rows(found)] == [(session, at) for _, session, at in MOMENTS]


def test_an_early_close_ends_the_session_early(folder: Path) -> None:
    (row,) = rows(chain(folder, "AAA,2026-11-27,,10,2026-12-18,C,9,,,,,,,"))  # the day after Thanksgiving: 13:00
    assert (row["snapshot_at"], row["data_type"]) == (utc(2026, 11, 27, 18), "end_of_day")


YAHOO_TABLE = (
    "contractSymbol,expiry,type,strike,lastPrice,bid,ask,volume,openInterest,impliedVolatility,"
    "lastTradeDate,spot,session"
)


def test_a_chain_is_no_older_than_its_latest_trade(folder: Path) -> None:
    found = chain(
        folder,
        "IWM260821C00300000,2026-08-21,C,300,5,4.9,5.1,7,70,0.2,2026-08-14 18:00:00+00:00,305,2026-08-14",
        "IWM260821P00300000,2026-08-21,P,300,5,4.9,5.1,9,90,0.2,2026-08-17 13:50:00+00:00,305,2026-08-14",
        header=YAHOO_TABLE,
    )
    old, new = rows(found)
    # the rows call it Friday's chain, but Monday's trades are in it: Monday's, and Friday's price is not of it
    for row in (old, new):
        assert (row["session"], row["snapshot_at"]) == (D(2026, 8, 17), utc(2026, 8, 17, 13, 50))
        assert (row["ticker"], row["underlying_price"], row["data_type"]) == ("IWM", None, "delayed")
    assert (old["volume"], new["volume"]) == (0, 9)  # Friday's seven are none of Monday's


def test_volumes_of_a_chain_of_its_own_day_stand(folder: Path) -> None:
    found = chain(
        folder,
        "IWM260821C00300000,2026-08-21,C,300,5,4.9,5.1,7,70,0.2,2026-08-14 18:00:00+00:00,305,2026-08-14",
        "IWM260821C00310000,2026-08-21,C,310,5,4.9,5.1,,70,0.2,2026-08-14 18:00:00+00:00,305,2026-08-14",
        "IWM260821C00320000,2026-08-21,C,320,5,4.9,5.1,,70,0.2,2026-08-11 18:00:00+00:00,305,2026-08-14",
        header=YAHOO_TABLE,
    )
    # traded; traded, but Yahoo is silent on how much; not traded since Tuesday
    assert [r["volume"] for r in rows(found)] == [7, None, 0]
    assert {r["underlying_price"] for r in rows(found)} == {305.0}


# -------------------------------------------------------------------------------------------------- documents, volumes


def yahoo(quote: dict[str, Any], calls: list[dict[str, Any]], date: str | None) -> str:
    body = {"optionChain": {"result": [{"underlyingSymbol": "EBAY", "quote": quote, "options": [{"calls": calls}]}]}}
    if date is None:
        return json.dumps(body)
    return json.dumps({"request": {}, "response": {"headers": {"date": date}, "bodyJson": body}})


QUOTE = {
    "symbol": "EBAY",
    "marketState": "PRE",
    "regularMarketPrice": 69.39,
    "regularMarketTime": 1740171602,  # 2025-02-21 21:00:02 UTC
    "regularMarketVolume": 4012648,
    "earningsTimestamp": 1740614400,  # 2025-02-26 19:00 in New York
    "isEarningsDateEstimate": False,
}
CALL = {
    "contractSymbol": "EBAY250228C00050000",
    "strike": 50,
    "lastPrice": 18.6,
    "volume": 3,
    "openInterest": 0,
    "contractSize": "REGULAR",
    "expiration": 1740700800,  # midnight of UTC, 2025-02-28
    "lastTradeDate": 1740168000,  # 2025-02-21 20:00 UTC
    "impliedVolatility": 1.0000000000000003e-05,
}


def test_yahoos_answer_gives_chain_quote_and_earnings(folder: Path) -> None:
    (folder / "answer.json").write_text(yahoo(QUOTE, [CALL], "Mon, 24 Feb 2025 09:24:42 GMT"))
    found = gathered(folder)
    (row,) = rows(found)
    assert (row["expiry"], row["session"], row["snapshot_at"]) == (
        D(2025, 2, 28),
        D(2025, 2, 21),
        utc(2025, 2, 24, 9, 24, 42),
    )
    assert (row["volume"], row["implied_vol"], row["multiplier"], row["underlying_price"]) == (3, None, 100, 69.39)
    (quote,) = rows(found, "snapshot_facts")
    assert (quote["ticker"], quote["price"], quote["volume"], quote["session"]) == (
        "EBAY", 69.39, 4012648, D(2025, 2, 21),
    )  # fmt: skip
    (event,) = rows(found, "company_event_facts")
    assert (event["event_on"], event["event"], event["known_from"]) == (D(2025, 2, 26), "earnings", D(2025, 2, 24))
    (file,) = found.files().to_pylist()
    assert (file["rows_read"], file["accepted"], file["quarantined"]) == (3, 3, 0)


def test_an_answer_without_headers_is_of_its_last_trade_and_an_estimate_is_no_event(folder: Path) -> None:
    quote = {**QUOTE, "isEarningsDateEstimate": True}
    (folder / "answer.json").write_text(yahoo(quote, [CALL], None))
    found = gathered(folder)
    assert rows(found)[0]["snapshot_at"] == utc(2025, 2, 21, 21, 0, 2)
    assert rows(found, "company_event_facts") == []


def test_a_quote_of_a_symbol_that_no_longer_trades_is_put_aside(folder: Path) -> None:
    quote = {"symbol": "EBAY", "regularMarketPrice": 5.6, "regularMarketTime": 1561759658}  # 2019
    (folder / "answer.json").write_text(yahoo(quote, [], "Mon, 24 Feb 2025 09:24:43 GMT"))
    assert aside(gathered(folder)) == [(1, "price", "the last trade is of an earlier session")]


def test_a_paired_chain_takes_day_and_symbol_from_its_name_and_is_in_percent(folder: Path) -> None:
    pair = {
        "callOption": "2026-08-21_220.00_Call", "callPrice": 3.8, "callDelta": 0.19, "callVolume": 3582,
        "callIv": 317.31, "callOi": 0, "putOption": "2026-08-21_220.00_Put", "putPrice": 55.0, "putDelta": -0.81,
        "putVolume": 1, "putIv": 313.5, "putOi": 7,
    }  # fmt: skip
    header = {"callVolume": 3582.0, "putVolume": 1.0, "callOi": 0.0, "putOi": 7.0, "underlyingPrice": 174.38}
    document = json.dumps({"header": header, "contracts": [pair]})
    (folder / "vendor_chain_MRNA_2026-08-19.json").write_text(document)
    found = gathered(folder)
    call, put = rows(found)
    assert [(r["right"], r["strike"], r["volume"], r["implied_vol"]) for r in (call, put)] == [
        ("call", 220.0, 3582, 3.1731),
        ("put", 220.0, 1, 3.135),
    ]
    assert {(r["ticker"], r["session"], r["data_type"]) for r in (call, put)} == {
        ("MRNA", D(2026, 8, 19), "end_of_day")
    }
    (quote,) = rows(found, "snapshot_facts")
    assert (quote["call_volume"], quote["put_open_interest"], quote["price"]) == (3582, 7, 174.38)
    (folder / "vendor_chain_MRNA_2026-08-19.json").rename(folder / "nobody knows.json")
    assert {reason for _, _, reason in aside(gathered(folder))} == {"no ticker", "not a ticker symbol"}


@pytest.mark.parametrize(
    ("name", "accepted"), [("NVDA-2026-02-27.csv", 0), ("NVDA-2026-02-11-exp-2026-02-27.csv", 2), ("x.csv", 0)]
)
def test_a_two_sided_table_needs_the_day_it_was_taken(folder: Path, name: str, accepted: int) -> None:
    header = "Call_Last,Call_Bid,Call_Ask,Call_Vol,Call_OI,Strike,Put_Last,Put_Bid,Put_Ask,Put_Vol,Put_OI"
    found = chain(folder, "134.77,140.80,140.95,0,14,50.00,0.01,0.01,0.02,5,384", header=header, name=name)
    (file,) = found.files().to_pylist()
    assert (file["rows_read"], file["accepted"], file["quarantined"]) == (2, accepted, 2 - accepted)
    for row, right in zip(rows(found), ("call", "put"), strict=False):
        assert (row["ticker"], row["session"], row["expiry"]) == ("NVDA", D(2026, 2, 11), D(2026, 2, 27))
        assert (row["right"], row["volume"]) == (right, {"call": 0, "put": 5}[right])


def test_short_keys_are_read_in_new_york_time(folder: Path) -> None:
    contract = {"e": 1787342400, "t": "P", "k": 24.5, "iv": 0, "oi": 655, "v": 0, "b": 0, "a": 0.02, "l": 0.03}
    document = {"sym": "SMCI", "spot": 37.2, "asof": "2026-08-21T15:59:59", "o": [contract]}
    (folder / "chain.json").write_text(json.dumps(document))
    found = gathered(folder)
    (row,) = rows(found)
    assert (row["snapshot_at"], row["expiry"], row["right"]) == (utc(2026, 8, 21, 19, 59, 59), D(2026, 8, 21), "put")
    assert (row["bid"], row["volume"], row["implied_vol"], row["data_type"]) == (0.0, 0, None, "end_of_day")
    assert [q["price"] for q in rows(found, "snapshot_facts")] == [37.2]


def test_daily_volumes_keep_what_is_stated(folder: Path) -> None:
    found = chain(
        folder,
        "2023-10-20,OKTA,,,56377,0,",
        "2023-10-19,OKTA,1000,1971,2971,0.45,0.61",
        "2023-10-21,OKTA,1,1,2,,",
        "2023-10-18,OKTA,-3,1,2,,",
        header="date,ticker,call_volume,put_volume,option_volume,iv30,realised_vol30",
    )
    alarm, calm = rows(found, "option_volume_facts")
    assert (alarm["call_volume"], alarm["total_volume"], alarm["iv30"]) == (None, 56377, None)
    assert (calm["call_volume"], calm["put_volume"], calm["total_volume"], calm["realised_vol30"]) == (
        1000, 1971, 2971, 0.61,
    )  # fmt: skip
    assert aside(found) == [
        (3, "session", "the New York Stock Exchange was closed on this day"),
        (4, "call_volume", "not a whole number of contracts"),
    ]


# ------------------------------------------------------------------------------------------------------ sweeps, replay

AT = utc(2026, 7, 14, 15)
SWEPT: list[tuple[Table, dict[str, Any]]] = [
    (
        CHAIN_FACTS,
        {
            "ticker": "AAA", "snapshot_at": AT, "session": D(2026, 7, 14), "underlying_price": 10.0,
            "expiry": D(2026, 7, 17), "right": "put", "strike": 9.5, "bid": 0.1, "ask": 0.2, "last": 0.15, "volume": 12,
            "open_interest": 40, "implied_vol": 0.5, "delta": -0.3, "multiplier": 100,
            "last_trade_at": utc(2026, 7, 14, 14, 55), "data_type": "live",
        },
    ),
    (
        SNAPSHOT_FACTS,
        {
            "ticker": "AAA", "snapshot_at": AT, "session": D(2026, 7, 14), "price": 10.0, "volume": 5, "call_volume": 0,
            "put_volume": 12, "implied_vol": 0.5, "halted": False, "data_type": "live",
        },
    ),
    (
        GAP_FACTS,
        {"subject": "BBB", "kind": "chain", "at": AT, "reason": "no subscription", "code": "354", "retryable": False},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("table", "row"), SWEPT, ids=[t.name for t, _ in SWEPT])
def test_what_a_sweep_keeps_can_be_replayed(folder: Path, table: Table, row: dict[str, Any]) -> None:
    swept = facts_table(table.name, [row], source="ibkr", file="sweep:1")
    pq.write_table(swept, folder / "whatever.parquet")
    found = gathered(folder)
    (read,) = rows(found, table.name)
    assert read == {**swept.to_pylist()[0], "file": "whatever.parquet", "line": 1}


# ----------------------------------------------------------------------------------------------------------- watchlist


def listed(tmp_path: Path, text: str, lists: tuple[str, ...] = ()) -> Gathered:
    path = tmp_path / "mine.csv"
    path.write_text(text)
    intake = Intake(tmp_path / "intake")
    base = FileSources(tmp_path / "empty", intake, LIMIT)
    base.folder.mkdir(exist_ok=True)
    return WithLists(base, intake, [WatchedList(path, lists)]).gather()


def test_a_list_is_validated_row_by_row(tmp_path: Path) -> None:
    found = listed(
        tmp_path,
        "ticker,name,sector,reason,lists\n"
        "brk.b,Berkshire,banks,holds much,collector news\n"
        "not a symbol,X,,,\n"
        "OKTA,Okta,security,,someday\n"
        "BRK-B,Again,,,\n"
        f"LONG,{'x' * 301},,,\n"
        "MINE,,,,\n",
    )
    assert [(r["ticker"], r["name"], r["lists"], r["file"], r["line"]) for r in rows(found, "watchlist_facts")] == [
        ("BRK-B", "Berkshire", ["collector", "news"], "list:mine.csv", 1),
        ("MINE", None, ["user"], "list:mine.csv", 6),
    ]
    assert aside(found) == [
        (2, "ticker", "not a ticker symbol"),
        (3, "lists", "no such list; known are collector, news, user"),
        (4, "ticker", "the symbol is in row 1 already"),
        (5, "name", "longer than 300 characters"),
    ]


def test_symbols_one_a_line_are_a_list(tmp_path: Path) -> None:
    found = listed(tmp_path, "# mine\nMSFT\n\nbrk.b  # Berkshire\n", ("file",))
    assert [(r["ticker"], r["lists"], r["line"]) for r in rows(found, "watchlist_facts")] == [
        ("MSFT", ["file"], 2),
        ("BRK-B", ["file"], 4),
    ]


def test_a_list_that_was_edited_is_read_again_and_one_that_is_missing_is_an_error(tmp_path: Path) -> None:
    assert len(rows(listed(tmp_path, "MSFT\n"), "watchlist_facts")) == 1
    assert len(rows(listed(tmp_path, "MSFT\nOKTA\n"), "watchlist_facts")) == 2
    intake = Intake(tmp_path / "intake")
    world = DemoSources(intake, 1, "2023-01", "2023-01")
    gone = tmp_path / "gone.csv"
    assert len(WithLists(world, intake, [WatchedList(gone, wanted=False)]).gather().units) == 1
    with pytest.raises(FileNotFoundError, match="gone"):
        WithLists(world, intake, [WatchedList(gone)]).gather()


def test_the_list_of_the_project_is_whole(tmp_path: Path) -> None:
    path = Path(__file__).resolve().parents[2] / "data" / "watchlist.csv"
    found = listed(tmp_path, path.read_text())
    names = rows(found, "watchlist_facts")
    assert aside(found) == []
    assert 50 <= len(names) <= 65
    assert all(r["name"] and r["sector"] and r["reason"] for r in names)
    assert {x for r in names for x in r["lists"]} == {"collector", "news"}
    assert {
        "security",
        "cloud",
        "banks",
        "health",
        "energy",
        "utilities",
        "airlines",
        "defence",
        "retail",
        "telecom",
    } == {r["sector"] for r in names}


def test_a_table_of_facts_has_the_declared_types(folder: Path) -> None:
    found = chain(folder, "AAA,2026-07-14,,10,2026-07-17,C,9,,,,,,,")
    paths = list((found.intake.root / found.units[0]).glob("chain_facts.parquet"))
    assert pq.read_schema(paths[0]).field("snapshot_at").type == pa.timestamp("us", tz="UTC")
