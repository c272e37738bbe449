"""A reader's request for a name meets the person meant, or says why it cannot."""

from __future__ import annotations

import duckdb
import pytest

from cyberpi_assets.reports.people import NoSuchOfficial, SeveralOfficials, find_official, words_of


@pytest.mark.parametrize(
    "wanted",
    [
        "María J. Peláez",
        "maria pelaez",
        "MARIA PELAEZ",
        "Pelaez, Maria",
        "Hon. Maria J Pelaez",
        "peláez",
        "Mari Pelaez",
        "p000001",
    ],
)
def test_accents_case_order_and_initials_do_not_matter(con: duckdb.DuckDBPyConnection, wanted: str) -> None:
    assert find_official(con, wanted).bioguide_id == "P000001"


def test_a_name_that_fits_two_people_lists_both(con: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(SeveralOfficials) as error:
        find_official(con, "john smith")
    assert "S000001" in str(error.value)
    assert "S000002" in str(error.value)
    assert "R-TX, Senate" in str(error.value)


@pytest.mark.parametrize("wanted", ["John B. Smith", "smith, john b"])
def test_an_initial_decides_between_them(con: duckdb.DuckDBPyConnection, wanted: str) -> None:
    assert find_official(con, wanted).bioguide_id == "S000002"


def test_an_id_decides_between_them(con: duckdb.DuckDBPyConnection) -> None:
    assert find_official(con, "S000002").name == "John B. Smith"


def test_a_misspelt_name_is_told_the_nearest(con: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(NoSuchOfficial, match=r"did you mean María J\. Peláez"):
        find_official(con, "maria pelez")


@pytest.mark.parametrize("wanted", ["", "  ", "...", "\x1b[31m"])
def test_no_name_is_nobody(con: duckdb.DuckDBPyConnection, wanted: str) -> None:
    with pytest.raises(NoSuchOfficial):
        find_official(con, wanted)


def test_a_person_who_stays_in_doubt_is_found_by_the_printed_name(con: duckdb.DuckDBPyConnection) -> None:
    found = find_official(con, "script alert bob")
    assert found.bioguide_id is None
    assert "\x1b" not in found.name


def test_letters_without_accents_of_their_own_fold_too() -> None:
    assert words_of("Bjørn Łukasz Weiß") == words_of("bjorn lukasz weiss")
    assert words_of("O’Brien, Zoë") == words_of("zoe obrien")
