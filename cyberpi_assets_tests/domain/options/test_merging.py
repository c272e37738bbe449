"""Chains, volumes, quotes, events and the universe: which of several statements stands, worked out by hand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from cyberpi_assets.domain.calendar import closes_of, day_number, hours, sessions, sessions_of
from cyberpi_assets.domain.options import chains, events, snapshots, volumes
from cyberpi_assets.domain.options.watchlist import watchlist
from cyberpi_assets.storage.engine import connect
from cyberpi_assets.tables import (
    CHAIN_FACTS,
    COMPANIES,
    COMPANY_EVENT_FACTS,
    CORPORATE_ACTIONS,
    GAP_FACTS,
    OPTION_CHAINS,
    OPTION_VOLUME_FACTS,
    SNAPSHOT_FACTS,
    SYMBOL_HISTORY,
    TOP_TRADED_TICKERS,
    WATCHLIST_FACTS,
    Table,
    check_columns,
)

D = dt.date
DAY = D(2026, 7, 14)
CLOSE = dt.datetime(2026, 7, 14, 20, tzinfo=dt.UTC)
NOON = dt.datetime(2026, 7, 14, 16, tzinfo=dt.UTC)
BARS = pa.schema([("ticker", pa.string()), ("session", pa.date32()), ("close", pa.float64())])


def made(table: Table, rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    full = [{"source": "s", "file": "f", "line": i, **r} for i, r in enumerate(rows, 1)]
    return pa.Table.from_pylist(full, schema=table.schema)


def contract(**row: Any) -> dict[str, Any]:
    base = {"ticker": "AAA", "snapshot_at": CLOSE, "session": DAY, "underlying_price": 100.0, "data_type": "end_of_day"}
    return {**base, "expiry": D(2026, 7, 17), "right": "put", "strike": 95.0, **row}


def merged(
    rows: Sequence[Mapping[str, Any]],
    bars: Sequence[Mapping[str, Any]] = (),
    actions: Sequence[Mapping[str, Any]] = (),
    history: Sequence[Mapping[str, Any]] = (),
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Contracts of 2026, and the rows put aside."""
    con = connect()
    con.register("given", made(CHAIN_FACTS, rows))
    relation = chains.option_chains(
        con,
        "SELECT * FROM given",
        pa.Table.from_pylist([dict(b) for b in bars], schema=BARS),
        pa.Table.from_pylist([{"source": "s", **a} for a in actions], schema=CORPORATE_ACTIONS.schema),
        pa.Table.from_pylist([{"method": "m", **h} for h in history], schema=SYMBOL_HISTORY.schema),
        "2026-01",
        "2026-12",
    )
    data = relation.to_arrow_table()
    check_columns(OPTION_CHAINS, data.schema)
    aside = chains.chains_put_aside(con, "SELECT * FROM given", "2026-01", "2026-12")
    return data.to_pylist(), aside.to_pylist()


# ------------------------------------------------------------------------------------------------------------ sessions


def test_a_moment_is_of_the_last_session_that_had_opened() -> None:
    opens, closes = hours()
    days = sessions()
    assert (sessions_of(opens) == days).all()
    assert (sessions_of(opens[1:] - 1) == days[:-1]).all()
    assert (sessions_of(closes) == days).all()
    assert (closes_of(days) == closes).all()
    early = np.array([day_number(D(2026, 11, 27))], np.int32)  # closes at 13:00 in New York, 18:00 UTC
    assert dt.datetime.fromtimestamp(int(closes_of(early)[0]) / 1e6, dt.UTC).hour == 18


# -------------------------------------------------------------------------------------------------------------- chains


def test_open_interest_is_stamped_with_the_session_before() -> None:
    monday = {"session": D(2026, 7, 6), "snapshot_at": dt.datetime(2026, 7, 6, 20, tzinfo=dt.UTC)}
    rows, _ = merged([contract(**monday, open_interest=5), contract(**monday, strike=90.0)])
    by_strike = {r["strike"]: r["open_interest_session"] for r in rows}
    assert by_strike == {95.0: D(2026, 7, 2), 90.0: None}  # Friday the third was the holiday


def test_of_equal_contracts_the_fullest_stands_and_the_other_is_accounted_for() -> None:
    rows, aside = merged(
        [
            contract(file="a", volume=None),
            contract(file="b", volume=7),
            contract(file="c", volume=7, source="other"),  # another source's statement is another row
            contract(file="d", session=D(2025, 7, 14)),
        ]
    )
    assert sorted((r["file"], r["volume"]) for r in rows) == [("b", 7), ("c", 7)]
    assert [(a["file"], a["kind"], a["field"]) for a in aside] == [
        ("a", "chains", "strike"),
        ("d", "chains", "session"),
    ]
    assert len(rows) + len(aside) == 4


def test_a_symbol_is_the_one_of_today() -> None:
    change = {"ticker": "OLD", "current_ticker": "NEW", "valid_to": D(2026, 8, 1)}
    rows, _ = merged([contract(ticker="OLD"), contract(ticker="AAA")], history=[change])
    assert [r["ticker"] for r in rows] == ["AAA", "NEW"]


PARITY = [  # call and put cost the same at 400: there the underlying stood
    contract(underlying_price=None, right=right, strike=float(strike), last=last)
    for strike, call, put in ((380, 24.0, 4.0), (400, 10.0, 10.1), (420, 4.0, 24.0))
    for right, last in (("call", call), ("put", put))
]


@pytest.mark.parametrize(
    ("close", "actions", "price"),
    [
        (402.0, [], 402.0),
        (100.5, [("split", D(2026, 9, 1), 4.0)], 402.0),  # bars are on today's basis, strikes on that day's
        (100.5, [("split", D(2026, 7, 1), 4.0)], None),  # an earlier split explains nothing
        (100.5, [], None),  # a split nobody told of: no price rather than a wrong one
    ],
)
def test_a_chain_without_a_price_takes_its_bars_close_where_the_chain_agrees(
    close: float, actions: list[tuple[str, dt.date, float]], price: float | None
) -> None:
    bars = [{"ticker": "AAA", "session": DAY, "close": close}]
    told = [{"ticker": "AAA", "action": a, "session": day, "value": v} for a, day, v in actions]
    rows, _ = merged(PARITY, bars, told)
    assert len(rows) == 6
    assert {r["underlying_price"] for r in rows} == {price}


def test_a_chain_of_noon_does_not_know_the_close() -> None:
    bars = [{"ticker": "AAA", "session": DAY, "close": 402.0}]
    rows, _ = merged([{**c, "snapshot_at": NOON} for c in PARITY], bars)
    assert {r["underlying_price"] for r in rows} == {None}


def test_a_delivered_price_is_kept_on_its_own_basis() -> None:
    bars = [{"ticker": "AAA", "session": DAY, "close": 25.0}]
    rows, _ = merged([contract()], bars, [{"ticker": "AAA", "action": "split", "session": D(2026, 9, 1), "value": 4.0}])
    assert [(r["underlying_price"], r["strike"]) for r in rows] == [(100.0, 95.0)]


# ------------------------------------------------------------------------------------------------------------- volumes


def whole_chain(**row: Any) -> list[dict[str, Any]]:
    """Three expiries, a call and a put each: calls trade 10, 20, 30 and puts 1, 2 and an unknown number."""
    return [
        contract(expiry=D(2026, 7, 17) + dt.timedelta(weeks=w), right=right, volume=volume, open_interest=100, **row)
        for w, (call, put) in enumerate(((10, 1), (20, 2), (30, None)))
        for right, volume in (("call", call), ("put", put))
    ]


def summed(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    facts = made(CHAIN_FACTS, rows)
    return volumes.summed_chains(facts).to_pylist()


def test_the_last_whole_chain_of_a_day_is_summed() -> None:
    (row,) = summed([*whole_chain(), *whole_chain(ticker="BBB", snapshot_at=NOON)])
    assert row == {
        "ticker": "AAA",
        "session": DAY,
        "underlying_price": 100.0,
        "call_volume": 60,
        "put_volume": 3,
        "call_open_interest": 300,
        "put_open_interest": 300,
        "contracts": 6,
    }  # BBB's was taken at noon: its volume is not the day's


def test_a_part_of_a_chain_is_not_summed_and_silence_is_not_zero() -> None:
    assert summed(whole_chain()[:4]) == []  # two expiries
    assert summed([{**c, "volume": None} for c in whole_chain()]) == []
    (row,) = summed([{**c, "volume": None} if c["right"] == "put" else c for c in whole_chain()])
    assert (row["call_volume"], row["put_volume"]) == (60, None)


def test_of_two_chains_of_a_day_the_one_with_more_known_volumes_counts() -> None:
    fuller = [{**c, "volume": 5} for c in whole_chain(source="z")]
    (row,) = summed([*whole_chain(source="a"), *fuller])
    assert (row["call_volume"], row["put_volume"]) == (15, 15)


@pytest.mark.parametrize(
    ("facts", "chain", "source", "total"),
    [
        ([{"call_volume": 4, "put_volume": 6}, {"total_volume": 99, "file": "a"}], True, "s", 10),
        ([{"total_volume": 99}], True, "chain", 63),
        ([{"total_volume": 99}], False, "s", 99),
        ([{"iv30": 0.5}], False, "s", None),
        ([], True, "chain", 63),
    ],
)
def test_sources_of_a_days_volume_are_believed_in_order(
    facts: list[dict[str, Any]], chain: bool, source: str, total: int | None
) -> None:
    given = made(OPTION_VOLUME_FACTS, [{"ticker": "AAA", "session": DAY, **f} for f in facts])
    sums = volumes.summed_chains(made(CHAIN_FACTS, whole_chain() if chain else []))
    (row,) = volumes.option_volumes(given, sums, SYMBOL_HISTORY.empty()).to_pylist()
    assert (row["source"], row["total_volume"], row["month"]) == (source, total, "2026-07")


# -------------------------------------------------------------------------------------------------- quotes and the rest


def test_of_two_quotes_of_a_moment_the_fuller_stands() -> None:
    con = connect()
    base = {"ticker": "AAA", "snapshot_at": CLOSE, "session": DAY, "data_type": "live"}
    given = [{**base, "file": "a"}, {**base, "file": "b", "price": 9.0}, {**base, "session": D(2011, 7, 14)}]
    con.register("given", made(SNAPSHOT_FACTS, given))
    query = "SELECT * FROM given"
    kept = snapshots.market_snapshots(con, query, SYMBOL_HISTORY.empty(), "2026-01", "2026-12").to_pylist()
    assert [(r["file"], r["price"]) for r in kept] == [("b", 9.0)]
    aside = snapshots.snapshots_put_aside(con, query, "2026-01", "2026-12").to_pylist()
    assert [(r["file"], r["field"]) for r in aside] == [("a", "snapshot_at"), ("f", "session")]


def test_gaps_are_listed_newest_first() -> None:
    base = {"subject": "AAA", "kind": "chain", "reason": "r", "retryable": True}
    rows = snapshots.source_gaps(made(GAP_FACTS, [{**base, "at": NOON}, {**base, "at": CLOSE}])).to_pylist()
    assert [r["at"] for r in rows] == [CLOSE, NOON]


def test_dividends_are_events_and_the_first_announcement_counts() -> None:
    facts = [
        {"ticker": "AAA", "event_on": DAY, "event": "earnings", "known_from": D(2026, 7, 1), "source": "late"},
        {"ticker": "AAA", "event_on": DAY, "event": "earnings", "known_from": D(2026, 6, 1), "source": "early"},
        {"ticker": "AAA", "event_on": DAY, "event": "earnings", "source": "undated"},
    ]
    actions = [
        {"ticker": "AAA", "session": DAY, "action": "dividend", "value": 0.25, "source": "list"},
        {"ticker": "AAA", "session": DAY, "action": "split", "value": 2.0, "source": "list"},
    ]
    told = pa.Table.from_pylist(actions, schema=CORPORATE_ACTIONS.schema)
    rows = events.company_events(made(COMPANY_EVENT_FACTS, facts), told, SYMBOL_HISTORY.empty()).to_pylist()
    assert [(r["event"], r["known_from"], r["amount"], r["source"]) for r in rows] == [
        ("earnings", D(2026, 6, 1), None, "early"),
        ("ex_dividend", None, 0.25, "list"),
    ]


@pytest.mark.parametrize(
    ("universe", "tickers"),
    [
        ("watchlist", ["AAA", "MINE"]),
        ("top_traded", ["AAA", "TOP"]),
        ("both", ["AAA", "MINE", "TOP"]),
        ("file", ["FILED"]),
    ],
)
def test_the_universe_is_what_was_asked_for(universe: str, tickers: list[str]) -> None:
    facts = made(
        WATCHLIST_FACTS,
        [
            {"ticker": "AAA", "name": "Aaa", "sector": "banks", "reason": "why", "lists": ["collector", "news"]},
            {"ticker": "MINE", "lists": ["user"]},
            {"ticker": "FILED", "lists": ["file"]},
        ],
    )
    counted = {"n_trades": 3, "n_officials": 1, "n_buys": 1, "n_sells": 2, "amount_low": 1.0, "has_bars": True}
    top = [{"rank": 1, "ticker": "TOP", **counted}, {"rank": 2, "ticker": "AAA", **counted}]
    companies = [{"ticker": "MINE", "name": "Mine Inc", "sector": "Energy", "source": "s"}]
    rows = watchlist(
        facts,
        pa.Table.from_pylist(top, schema=TOP_TRADED_TICKERS.schema),
        pa.Table.from_pylist(companies, schema=COMPANIES.schema),
        pa.table({"ticker": ["MINE"]}),
        universe,
    ).to_pylist()
    assert [r["ticker"] for r in rows] == tickers
    by_ticker = {r["ticker"]: r for r in rows}
    if universe == "both":
        assert by_ticker["AAA"]["lists"] == ["collector", "news", "top_traded"]
        assert by_ticker["AAA"]["reason"] == "why"
        assert by_ticker["TOP"]["reason"] == "among the most traded by officials: rank 1"
        assert [(by_ticker["MINE"][c]) for c in ("name", "sector", "has_bars")] == ["Mine Inc", "Energy", True]


def test_a_universe_nobody_knows_is_refused() -> None:
    lists, top, companies = WATCHLIST_FACTS.empty(), TOP_TRADED_TICKERS.empty(), COMPANIES.empty()
    with pytest.raises(ValueError, match="galaxy"):
        watchlist(lists, top, companies, pa.table({"ticker": ["A"]}), "galaxy")
