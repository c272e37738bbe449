"""Reference lists merged: which of several published statements stands, and what is put aside."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from cyberpi_assets.domain.reference import (
    committee_memberships,
    committees,
    companies,
    official_terms,
    officials,
    undated_memberships,
)
from cyberpi_assets.tables import (
    COMMITTEE_MEMBERSHIPS,
    COMMITTEES,
    COMPANIES,
    OFFICIAL_TERMS,
    OFFICIALS,
    QUARANTINE_FACTS,
    conform,
)
from cyberpi_assets_tests.domain import rows
from cyberpi_assets_tests.domain.rows import D

TRACE = {"source": "list", "file": "a", "line": 1}


def _companies(*facts: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found = companies(rows.frame("company_facts", facts, {"ticker": "ACME"} | TRACE))
    conform(COMPANIES, found)
    listed = [r["ticker"] for r in found.to_pylist()]
    assert listed == sorted(set(listed))
    return {r["ticker"]: r for r in found.to_pylist()}


def test_the_newest_list_that_states_a_thing_is_believed() -> None:
    old = {"name": "Acme Old", "cik": 7, "exchange": "NYSE", "as_of": D(2020, 1, 1), "source": "old"}
    new = {"name": "Acme New", "exchange": "NASDAQ", "as_of": D(2024, 1, 1), "source": "new"}
    undated = {"name": "Acme Undated", "cik": 9, "source": "undated"}
    for facts in ([old, new, undated], [undated, new, old]):
        found = _companies(*facts)["ACME"]
        assert (found["name"], found["exchange"], found["cik"], found["source"]) == ("Acme New", "NASDAQ", 7, "new")


def test_a_gics_sector_stands_before_the_exchanges_own_however_new() -> None:
    gics = {"sector": "Communication Services", "sector_scheme": "gics", "as_of": D(2019, 1, 1), "industry": "Media"}
    nasdaq = {"sector": "Technology", "sector_scheme": "nasdaq", "as_of": D(2024, 1, 1), "industry": "Software"}
    found = _companies(gics, nasdaq)["ACME"]
    assert (found["sector"], found["sector_scheme"], found["industry"]) == ("Communication Services", "gics", "Media")


@pytest.mark.parametrize(
    ("given", "gics"),
    [("Technology", "Information Technology"), ("Finance", "Financials"),
     ("Consumer Services", "Consumer Discretionary"),
     ("Telecommunications", "Communication Services"), ("Basic Materials", "Materials"), ("Miscellaneous", None)],
)  # fmt: skip
def test_the_exchanges_sectors_are_mapped_and_what_has_no_counterpart_is_unknown(given: str, gics: str | None) -> None:
    found = _companies({"sector": given, "sector_scheme": "nasdaq", "as_of": D(2024, 1, 1)})["ACME"]
    assert (found["sector"], found["sector_scheme"]) == (gics, "nasdaq" if gics else None)


def test_a_symbol_without_a_name_is_still_a_company() -> None:
    found = _companies(
        {"cik": 3}, {"ticker": "ZED", "listed_on": D(2001, 1, 2)}, {"ticker": "ZED", "listed_on": D(1999, 1, 4)}
    )
    assert (found["ACME"]["name"], found["ACME"]["cik"]) == (None, 3)
    assert found["ZED"]["listed_on"] == D(1999, 1, 4)


def _term(
    person: str, chamber: str, start: dt.date, end: dt.date | None, party: str | None = "D", **more: Any
) -> dict[str, Any]:
    return {"bioguide_id": person, "chamber": chamber, "state": "OH", "starts_on": start, "ends_on": end,
            "party": party} | more  # fmt: skip


def test_a_term_in_two_lists_is_one_term() -> None:
    facts = rows.frame(
        "term_facts",
        [
            _term("A1", "house", D(2019, 1, 3), D(2021, 1, 3), file="a"),
            _term("A1", "house", D(2019, 1, 3), D(2020, 6, 1), None, file="b", district=4),
            _term("A1", "senate", D(2021, 1, 3), None),
        ],
        TRACE,
    )
    found = official_terms(facts)
    conform(OFFICIAL_TERMS, found)
    assert [(r["chamber"], r["starts_on"], r["party"]) for r in found.to_pylist()] == [
        ("house", D(2019, 1, 3), "D"),
        ("senate", D(2021, 1, 3), "D"),
    ]
    assert found.to_pylist()[0]["district"] == 4


def test_a_person_has_the_latest_term_and_every_published_spelling() -> None:
    people = rows.frame(
        "person_facts",
        [
            {"bioguide_id": "A1", "first_name": "Robert", "nickname": "Bob", "last_name": "Menendez", "suffix": "Jr.",
             "other_names": ["Roberto"], "file": "a"},
            {"bioguide_id": "A1", "last_name": "Menendez", "other_names": ["Bobby", "Roberto"], "file": "b"},
            {"bioguide_id": "B2", "first_name": "Ann", "last_name": "Never", "full_name": "Ann E. Never", "file": "a"},
        ],
        TRACE,
    )  # fmt: skip
    terms = rows.frame(
        "official_terms",
        [
            _term("A1", "house", D(2013, 1, 3), D(2015, 1, 3), "D", district=8),
            _term("A1", "senate", D(2015, 1, 3), D(2021, 1, 3), "I"),
            _term("GHOST", "house", D(2015, 1, 3), D(2017, 1, 3)),
        ],
    )
    found = officials(people, terms)
    conform(OFFICIALS, found)
    bob, ann = found.to_pylist()
    assert bob["official"] == "Bob Menendez Jr."
    assert bob["other_names"] == ["Bobby", "Roberto"]
    assert (bob["chamber"], bob["party"], bob["district"], bob["n_terms"]) == ("senate", "I", None, 2)
    assert (bob["in_office_from"], bob["in_office_to"]) == (D(2013, 1, 3), D(2021, 1, 3))
    assert (ann["official"], ann["n_terms"], ann["chamber"], ann["in_office_from"]) == ("Ann E. Never", 0, None, None)


def _seat(**more: Any) -> dict[str, Any]:
    return {"committee_id": "HSBA", "bioguide_id": "A1", "side": "majority"} | more


def test_a_seat_is_held_between_the_first_and_the_last_list_that_shows_it() -> None:
    facts = rows.frame(
        "membership_facts",
        [
            _seat(as_of=D(2021, 3, 1), rank=5, line=1),
            _seat(as_of=D(2022, 3, 1), rank=4, title="Vice Chair", line=2),
            _seat(as_of=D(2023, 3, 1), rank=1, side="minority", line=3),
            _seat(congress=117, line=4, bioguide_id="B2"),
            _seat(line=5, bioguide_id="C3", file="undated.yaml"),
        ],
        TRACE,
    )
    found = committee_memberships(facts)
    conform(COMMITTEE_MEMBERSHIPS, found)
    seats = {(r["bioguide_id"], r["congress"]): r for r in found.to_pylist()}
    assert set(seats) == {("A1", 117), ("A1", 118), ("B2", 117)}
    first = seats["A1", 117]
    assert (first["seen_from"], first["seen_to"], first["rank"], first["title"]) == (
        D(2021, 3, 1), D(2022, 3, 1), 4, "Vice Chair",
    )  # fmt: skip
    assert (seats["B2", 117]["seen_from"], seats["B2", 117]["seen_to"]) == (D(2021, 1, 3), D(2021, 1, 3))
    aside = undated_memberships(facts)
    conform(QUARANTINE_FACTS, aside)
    assert [(r["file"], r["line"], r["field"]) for r in aside.to_pylist()] == [("undated.yaml", 5, "as_of")]


@pytest.mark.parametrize(
    ("day", "congress"),
    [(D(2021, 1, 2), 116), (D(2021, 1, 3), 117), (D(2022, 12, 31), 117), (D(2023, 1, 2), 117), (D(2023, 1, 3), 118),
     (D(2024, 1, 1), 118), (D(2025, 1, 3), 119), (D(2012, 6, 1), 112)],
)  # fmt: skip
def test_a_congress_sits_from_3_january_of_an_odd_year(day: dt.date, congress: int) -> None:
    facts = rows.frame("membership_facts", [_seat(as_of=day)], TRACE)
    assert committee_memberships(facts).column("congress").to_pylist() == [congress]


def test_a_committee_counts_its_seats_and_one_without_seats_has_none() -> None:
    facts = rows.frame(
        "committee_facts",
        [
            {"committee_id": "HSBA", "name": "Financial Services", "chamber": "house", "file": "a"},
            {"committee_id": "HSBA", "name": "Committee on Financial Services", "file": "b", "jurisdiction": "banks"},
            {"committee_id": "HSBA04", "name": "Monetary Policy", "parent_id": "HSBA"},
        ],
        TRACE,
    )
    seats = committee_memberships(
        rows.frame(
            "membership_facts",
            [
                _seat(as_of=D(2022, 1, 4), line=1),
                _seat(as_of=D(2022, 2, 4), line=2),
                _seat(as_of=D(2022, 1, 4), bioguide_id="B2", line=3),
            ],
            TRACE,
        )
    )
    found = committees(facts, seats)
    conform(COMMITTEES, found)
    one, sub = found.to_pylist()
    assert (one["name"], one["chamber"], one["jurisdiction"], one["n_members"]) == (
        "Committee on Financial Services", "house", "banks", 2,
    )  # fmt: skip
    assert (sub["parent_id"], sub["n_members"]) == ("HSBA", 0)
