"""One source per document: the declared order holds, nothing is lost, nothing is merged."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from cyberpi_assets.domain.documents import ORDER, choose_documents
from cyberpi_assets.tables import DISCLOSURE_FACTS, conform

DAY = dt.date(2021, 3, 4)


def table(*rows: dict[str, Any]) -> pa.Table:
    base = {
        "chamber": "house",
        "row_in_document": 1,
        "filer": "Hon. Jane Q. Doe",
        "filed_on": DAY,
        "source": "tattooedhead",
    }
    whole = [{**base, "file": r.get("source", "f"), "line": n, **r} for n, r in enumerate(rows, 1)]
    return pa.Table.from_pylist(whole, schema=DISCLOSURE_FACTS.schema)


def kept(*rows: dict[str, Any]) -> list[int]:
    return choose_documents(table(*rows))[0]["line"].to_pylist()


def test_the_declared_order_decides_whatever_the_order_of_rows() -> None:
    rows = [{"document": "1", "source": family} for family, _ in reversed(ORDER)]
    chosen, aside = choose_documents(table(*rows))
    assert chosen["source"].to_pylist() == ["house_clerk"]
    assert set(aside["reason"].to_pylist()) == {"document 1 taken from house_clerk"}
    assert set(aside["field"].to_pylist()) == {"document"}


def test_within_a_family_more_rows_win_then_the_later_file() -> None:
    assert kept({"document": "1", "file": "b"}, {"document": "1", "file": "a"}, {"document": "1", "file": "a"}) == [
        2,
        3,
    ]
    assert kept({"document": "1", "file": "2021.json"}, {"document": "1", "file": "2022.json"}) == [2]
    assert kept({"document": "1", "file": "b", "filed_on": None}, {"document": "1", "file": "a"}) == [2]


def test_repeats_inside_a_filing_stay() -> None:
    assert kept({"document": "1"}, {"document": "1"}, {"document": "2"}) == [1, 2, 3]


def test_sources_inside_the_unified_table_do_not_compete() -> None:
    rows = [
        {"document": "1", "source": "unified/a", "file": "u"},
        {"document": "1", "source": "unified/b", "file": "u"},
        {"document": None, "source": "unified/c", "file": "u"},
        {"document": "1", "source": "tattooedhead", "file": "t"},
    ]
    assert kept(*rows) == [1, 2, 3]


def test_filings_without_id_are_known_by_filer_and_day() -> None:
    unnamed = {"document": None, "source": "unified/x"}
    assert kept(unnamed, {"document": "7", "filer": "Doe, Jane"}) == [1]
    assert kept(unnamed, {"document": "7", "filer": "Doe, Mary"}) == [1, 2]
    assert kept(unnamed, {"document": "7", "filed_on": DAY + dt.timedelta(1)}) == [1, 2]
    assert kept({**unnamed, "state": "OH"}, {"document": "7", "state": "TX"}) == [1, 2]
    assert kept({"document": None, "source": "house_stock_watcher_v1"}, {"document": "7"}) == [2]
    assert kept({**unnamed, "bioguide_id": "D000001"}, {"document": "7", "bioguide_id": "D000002"}) == [1, 2]


def test_another_chamber_is_another_filing() -> None:
    assert kept({"document": "1", "source": "unified/x"}, {"document": "1", "chamber": "senate"}) == [1, 2]


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "document": st.sampled_from([None, "1", "2"]),
                "source": st.sampled_from(
                    ["unified/a", "unified/b", "tattooedhead", "house_stock_watcher_v1", "other"]
                ),
                "file": st.sampled_from(["a", "b", "c"]),
                "filer": st.sampled_from(["Jane Doe", "Mr. John Roe", "Doe, Jane"]),
                "filed_on": st.sampled_from([None, DAY]),
            }
        ),
        max_size=12,
    )
)
def test_every_row_is_kept_or_put_aside_and_one_file_holds_a_document(rows: list[dict[str, Any]]) -> None:
    data = table(*rows)
    chosen, aside = choose_documents(data)
    assert sorted(chosen["line"].to_pylist() + aside["line"].to_pylist()) == data["line"].to_pylist()
    conform(DISCLOSURE_FACTS, chosen)
    holders: dict[str, set[tuple[str, str]]] = {}
    for row in chosen.to_pylist():
        if row["document"]:
            holders.setdefault(row["document"], set()).add((row["file"], row["source"].split("/")[0]))
    assert all(len(h) == 1 for h in holders.values())
    again, nothing = choose_documents(chosen)
    assert (again.num_rows, nothing.num_rows) == (chosen.num_rows, 0)
