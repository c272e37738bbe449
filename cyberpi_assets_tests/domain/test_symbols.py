"""Symbols over time: renamed, reused, vanished, and in doubt."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

import pyarrow as pa
import pytest

from cyberpi_assets.domain.symbols import resolve_symbols, symbol_history
from cyberpi_assets.tables import SYMBOL_HISTORY, conform
from cyberpi_assets_tests.domain import rows
from cyberpi_assets_tests.domain.rows import D

Change = tuple[str, str | None, dt.date | None, dt.date | None]
CHANGES: list[Change] = [("FB", "META", D(2022, 6, 9), D(2022, 6, 9)), ("ANTM", "ELV", D(2022, 6, 1), D(2022, 6, 30))]


def _history(changes: Iterable[Change], **more: Any) -> pa.Table:
    facts = rows.frame(
        "symbol_facts",
        [
            {"old_ticker": old, "new_ticker": new, "not_before": low, "not_after": high, "method": "list",
             "source": "test", "file": "f", "line": i} | more
            for i, (old, new, low, high) in enumerate(changes, 1)
        ],
    )  # fmt: skip
    found = symbol_history(facts)
    conform(SYMBOL_HISTORY, found)
    return found


def _resolved(
    changes: Iterable[Change], *asked: tuple[str | None, dt.date | None, str | None]
) -> list[tuple[str | None, str]]:
    printed = pa.table(
        {
            "row": pa.array(range(len(asked)), pa.int64()),
            "ticker_printed": pa.array([a[0] for a in asked], pa.string()),
            "day": pa.array([a[1] for a in asked], pa.date32()),
            "ticker_current": pa.array([a[2] for a in asked], pa.string()),
        }
    )
    found = resolve_symbols(printed, _history(changes)).to_pylist()
    assert [r["row"] for r in found] == list(range(len(asked)))
    return [(r["ticker"], r["ticker_evidence"]) for r in found]


def _one(changes: Iterable[Change], ticker: str | None, day: dt.date | None, stated: str | None = None) -> Any:
    return _resolved(changes, (ticker, day, stated))[0]


def test_a_symbol_stands_for_its_old_company_until_the_change_and_for_itself_after() -> None:
    assert _one(CHANGES, "FB", D(2022, 6, 9)) == ("META", "symbol history")
    assert _one(CHANGES, "FB", D(2013, 1, 2)) == ("META", "symbol history")
    assert _one(CHANGES, "FB", D(2022, 6, 10)) == ("FB", "printed")  # reused or misprinted: not Meta
    assert _one(CHANGES, "META", D(2021, 1, 4)) == ("META", "printed")
    assert _one(CHANGES, "AAPL", D(2021, 1, 4)) == ("AAPL", "printed")


def test_within_the_days_in_which_the_change_may_lie_the_old_company_is_meant() -> None:
    assert _one(CHANGES, "ANTM", D(2022, 6, 30)) == ("ELV", "symbol history")
    (row,) = [r for r in _history(CHANGES).to_pylist() if r["ticker"] == "ANTM"]
    assert (row["valid_to"], row["uncertain_days"]) == (D(2022, 6, 30), 29)


def test_what_the_source_states_stands_before_the_history() -> None:
    assert _one(CHANGES, "FB", D(2020, 1, 2), "XYZ") == ("XYZ", "stated by source")
    assert _one(CHANGES, "FB", D(2020, 1, 2), "FB") == ("FB", "printed")
    assert _one(CHANGES, None, D(2020, 1, 2), "META") == ("META", "stated by source")
    assert _one(CHANGES, None, D(2020, 1, 2)) == (None, "none printed")


def test_a_chain_of_renames_leads_to_todays_symbol() -> None:
    chain: list[Change] = [
        ("A", "B", None, D(2014, 1, 1)),
        ("B", "C", None, D(2016, 1, 1)),
        ("C", "D", None, D(2018, 1, 1)),
    ]
    assert [_one(chain, t, D(2013, 6, 3))[0] for t in "ABCD"] == ["D", "D", "D", "D"]
    assert _one(chain, "B", D(2015, 6, 1)) == ("D", "symbol history")
    assert _one(chain, "A", D(2015, 6, 1)) == ("A", "printed")


def test_a_rename_of_the_new_symbol_before_it_was_taken_is_another_companys() -> None:
    changes: list[Change] = [("NEW", "OTHER", None, D(2010, 1, 1)), ("OLD", "NEW", None, D(2015, 1, 1))]
    assert _one(changes, "OLD", D(2012, 1, 3)) == ("NEW", "symbol history")
    assert _one(changes, "NEW", D(2009, 1, 5)) == ("OTHER", "symbol history")
    assert _one(changes, "NEW", D(2012, 1, 3)) == ("NEW", "printed")


def test_a_reused_symbol_means_the_company_of_its_time() -> None:
    changes: list[Change] = [("PAY", "VFONE", None, D(2018, 8, 20)), ("PAY", "PAYB", None, D(2024, 1, 1))]
    assert _one(changes, "PAY", D(2016, 1, 4)) == ("VFONE", "symbol history")
    assert _one(changes, "PAY", D(2021, 6, 1)) == ("PAYB", "symbol history")
    assert _one(changes, "PAY", D(2024, 6, 3)) == ("PAY", "printed")


def test_a_chain_through_a_symbol_that_was_reused_follows_the_company() -> None:
    changes: list[Change] = [
        ("A", "B", None, D(2014, 1, 1)),
        ("B", "C", None, D(2016, 1, 1)),
        ("B", "X", None, D(2020, 1, 1)),
    ]
    assert _one(changes, "A", D(2013, 1, 2)) == ("C", "symbol history")


def test_the_same_rename_dated_a_little_differently_by_two_lists_still_leads_on() -> None:
    changes: list[Change] = [
        ("A", "B", None, D(2014, 1, 1)),
        ("B", "C", None, D(2016, 1, 1)),
        ("B", "C", None, D(2016, 1, 31)),
    ]
    assert _one(changes, "A", D(2013, 1, 2)) == ("C", "symbol history")


def test_a_vanished_symbol_is_not_the_company_that_took_it_later() -> None:
    """Sears (SHLD) vanished in 2018; whoever took the symbol and was renamed after that is somebody else."""
    changes: list[Change] = [("SHLD", None, None, D(2018, 10, 24)), ("SHLD", "DEF", None, D(2025, 1, 2))]
    assert _one(changes, "SHLD", D(2016, 1, 4))[0] == "SHLD"
    assert _one(changes, "SHLD", D(2024, 1, 4)) == ("DEF", "symbol history")


@pytest.mark.parametrize("day", [D(2015, 1, 5), D(2021, 1, 4)])
def test_two_successors_on_the_same_days_are_none(day: dt.date) -> None:
    changes: list[Change] = [("DWDP", "DOW", None, D(2019, 6, 3)), ("DWDP", "DD", None, D(2019, 6, 3))]
    assert _history(changes).num_rows == 0
    assert _one(changes, "DWDP", day) == ("DWDP", "printed")


def test_a_rename_is_better_evidence_than_a_disappearance_and_two_lists_of_one_change_are_one() -> None:
    day = D(2020, 1, 2)
    found = _history([("A", None, None, day), ("A", "B", None, day), ("A", "B", None, day)]).to_pylist()
    assert [(r["ticker"], r["current_ticker"]) for r in found] == [("A", "B")]


def test_a_vanished_symbol_stands_for_itself() -> None:
    assert _one([("TWTR", None, None, D(2022, 11, 8))], "TWTR", D(2021, 1, 4)) == ("TWTR", "printed")


@pytest.mark.parametrize("dated", [True, False])
def test_a_circle_of_renames_ends(dated: bool) -> None:
    days = [D(2014, 1, 1), D(2015, 1, 1), D(2016, 1, 1)] if dated else [None] * 3
    changes: list[Change] = [("A", "B", None, days[0]), ("B", "C", None, days[1]), ("C", "A", None, days[2])]
    found = {r["ticker"]: r["current_ticker"] for r in _history(changes).to_pylist()}
    assert set(found) == {"A", "B", "C"}
    if dated:
        assert found == {"A": "A", "B": "A", "C": "A"}


def test_without_a_day_only_a_symbol_that_was_never_renamed_stands() -> None:
    assert _one(CHANGES, "AAPL", None) == ("AAPL", "printed")
    assert _one(CHANGES, "FB", None)[0] is None
    assert _one([("TWTR", None, None, D(2022, 11, 8))], "TWTR", None) == ("TWTR", "printed")
