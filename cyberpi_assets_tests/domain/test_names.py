"""Names: spellings of one person meet, different people do not, and doubt gives nobody."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cyberpi_assets.domain.names import fold_name, resolve_official, resolve_officials, same_person
from cyberpi_assets.sources.files import FileSources
from cyberpi_assets.sources.intake import Intake
from cyberpi_assets.tables import OFFICIAL_TERMS, OFFICIALS


@pytest.mark.parametrize(
    ("name", "folded"),
    [
        ("Hon. José M. Rodríguez, Jr.", "jose rodriguez"),
        ("Rodriguez, Jose M. (Senator)", "jose rodriguez"),
        ("The Honorable Thomas R Carper (Carper, Thomas R.)", "thomas carper"),
        ("David A Perdue , Jr", "david perdue"),
        ("Neal Patrick MD, FACS Dunn", "neal patrick dunn"),
        ("A. Mitchell McConnell, Jr.", "mitchell mcconnell"),
        ("Kim Dr Schrier", "kim schrier"),
        ("Beto O’Rourke", "beto orourke"),
        ("None Victoria Spartz", "victoria spartz"),
        ("J. Smith", "j smith"),
        ("Chris Van Hollen", "chris van hollen"),
        ("", ""),
        ("???", ""),
    ],
)
def test_folding(name: str, folded: str) -> None:
    assert fold_name(name) == folded


@given(st.text(max_size=80))
def test_folding_twice_is_folding_once(name: str) -> None:
    assert fold_name(fold_name(name)) == fold_name(name)


@given(st.text(max_size=40), st.text(max_size=40))
def test_being_the_same_person_is_mutual(a: str, b: str) -> None:
    assert same_person(a, b) == same_person(b, a)


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ("Hon. Donald Sternoff Beyer", "Donald S. Beyer, Jr.", True),
        ("Rob Bresnahan", "Robert Bresnahan", True),
        ("Manchin, Joe", "Joseph Manchin, III", True),
        ("W. Gregory Steube", "Greg Steube", True),
        ("Susie Lee", "Laurel Lee", False),
        ("Debbie Dingell", "John Dingell", False),
        ("", "", False),
    ],
)
def test_spellings(a: str, b: str, same: bool) -> None:
    assert same_person(a, b) is same


def people(*rows: tuple[str, str, str, str | None]) -> pa.Table:
    whole = [
        {
            "bioguide_id": i,
            "official": f"{f} {n}",
            "first_name": f,
            "last_name": n,
            "nickname": k,
            "n_terms": 1,
            "source": "t",
        }
        for i, f, n, k in rows
    ]
    return pa.Table.from_pylist(whole, schema=OFFICIALS.schema)


def terms(*rows: tuple[str, str, str, int | None, int, int]) -> pa.Table:
    whole = [
        {
            "bioguide_id": i,
            "chamber": c,
            "state": s,
            "district": d,
            "starts_on": dt.date(a, 1, 3),
            "ends_on": dt.date(b, 1, 3),
        }
        for i, c, s, d, a, b in rows
    ]
    return pa.Table.from_pylist(whole, schema=OFFICIAL_TERMS.schema)


PEOPLE = people(
    ("D1", "John", "Dingell", None),
    ("D2", "Debbie", "Dingell", None),
    ("G1", "Al", "Green", None),
    ("G2", "Mark", "Green", None),
    ("S1", "Debbie", "Wasserman Schultz", None),
    ("C1", "Robert", "Casey", "Bob"),
    ("C2", "Bobby", "Casey", None),
)
TERMS = terms(
    ("D1", "house", "MI", 12, 2013, 2015),
    ("D2", "house", "MI", 12, 2015, 2027),
    ("G1", "house", "TX", 9, 2005, 2027),
    ("G2", "house", "TN", 7, 2019, 2025),
    ("S1", "house", "FL", 25, 2023, 2027),
    ("C1", "senate", "PA", None, 2007, 2025),
    ("C2", "senate", "OH", None, 2007, 2025),
)


@pytest.mark.parametrize(
    ("filer", "chamber", "state", "district", "day", "answer"),
    [
        ("Hon. Debbie Dingell", "house", "MI", 12, dt.date(2015, 6, 1), ("D2", "name")),
        ("Hon. John Dingell", "house", "MI", 12, dt.date(2015, 6, 1), ("D1", "name")),
        ("Dingell", "house", "MI", 12, dt.date(2016, 6, 1), ("D2", "name")),
        ("Mark Dr Green", "house", "TN", 7, dt.date(2021, 1, 1), ("G2", "name")),
        ("Mark Green", "house", None, None, dt.date(2021, 1, 1), ("G2", "name")),
        ("Green", "house", None, None, dt.date(2021, 1, 1), (None, "not found")),
        ("Mark Green", "house", "TN", 7, dt.date(2030, 1, 1), (None, "not found")),
        ("Debbie Schultz", "house", "FL", 25, dt.date(2024, 1, 1), ("S1", "name")),
        ("Bob Casey", "senate", None, None, dt.date(2020, 1, 1), (None, "ambiguous")),
        ("Bob Casey", "senate", "PA", None, dt.date(2020, 1, 1), ("C1", "name")),
        ("Mark Green", "senate", "TN", None, dt.date(2021, 1, 1), (None, "not found")),
        ("Mark Green", "house", "TN", 7, None, (None, "not found")),
    ],
)
def test_resolving(
    filer: str,
    chamber: str,
    state: str | None,
    district: int | None,
    day: dt.date | None,
    answer: tuple[str | None, str],
) -> None:
    assert resolve_official(filer, chamber, state, district, day, PEOPLE, TERMS) == answer


@pytest.mark.real
def test_hidden_ids_of_the_unified_table_are_found_again_or_not_at_all(real: Path, tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    for part in ("disclosures/congress_trades", "reference/legislators", "reference/legislator_terms"):
        (folder / Path(part).name).write_bytes((real / f"{part}.parquet").read_bytes())
    found = FileSources(folder, Intake(tmp_path / "intake"), 2**30).gather()
    rows = found.facts("disclosure_facts", "bioguide_id IS NOT NULL")
    stated: list[str] = rows["bioguide_id"].to_pylist()
    hidden = rows.set_column(
        rows.schema.get_field_index("bioguide_id"), "bioguide_id", pa.nulls(rows.num_rows, pa.string())
    )
    answers = resolve_officials(hidden, *_officials(found))
    found_ids: list[str | None] = answers["bioguide_id"].to_pylist()
    wrong = {(s, a) for s, a in zip(stated, found_ids, strict=True) if a is not None and a != s}
    assert wrong == set()
    evidence: Counter[Any] = Counter(answers["evidence"].to_pylist())
    assert evidence["name"] / rows.num_rows > 0.99, evidence
    assert set(pc.unique(resolve_officials(rows, *_officials(found))["evidence"]).to_pylist()) == {"stated"}


def _officials(found: Any) -> tuple[pa.Table, pa.Table]:
    con = duckdb.connect()
    con.register("persons", found.facts("person_facts"))
    con.register("spans", found.facts("term_facts"))
    officials = con.sql(
        "SELECT bioguide_id, coalesce(full_name, first_name || ' ' || last_name) AS official, first_name, last_name, "
        "nickname, other_names FROM persons"
    ).to_arrow_table()
    return officials, con.sql("SELECT * FROM spans").to_arrow_table()
