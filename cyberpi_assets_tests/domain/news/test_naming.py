"""Whom headlines name: each kind of evidence, and when nobody is named."""

from __future__ import annotations

import pyarrow as pa
import pytest

from cyberpi_assets.domain.news.naming import companies_of, surface
from cyberpi_assets.domain.news.text import Texts
from cyberpi_assets_tests.domain.news.material import names

NAMES = names()


def link(headline: str, *stated: str) -> list[tuple[str, str, str]]:
    said = pa.table({"row": pa.array([0] * len(stated), pa.int64()), "ticker": pa.array(stated, pa.string())})
    return [(r["ticker"], r["kind"], r["found"]) for r in NAMES.link(Texts([headline]), said).to_pylist()]


@pytest.mark.parametrize(
    ("headline", "expected"),
    [
        ("Quorvane Systems opens office", [("QRVAN", "name", "Quorvane Systems")]),
        ("Quorvane Systems’ chief leaves", [("QRVAN", "name", "Quorvane Systems")]),
        ("Traders pile into $QRVAN", [("QRVAN", "cashtag", "$QRVAN")]),
        ("Zephyrine (NYSE: ZPHYC) wins deal", [("ZPHYC", "exchange", "NYSE: ZPHYC")]),
        ("Visa (V) raises dividend", [("V", "paren", "(V)")]),
        ("Google and Microsoft agree", [("GOOGL", "alias", "Google"), ("MSFT", "alias", "Microsoft")]),
        ("Target Corp opens stores", [("TGT", "alias", "Target")]),
        ("AT&T and rivals", [("T", "alias", "AT&T")]),
    ],
)
def test_evidence(headline: str, expected: list[tuple[str, str, str]]) -> None:
    assert link(headline) == expected


@pytest.mark.parametrize(
    "headline",
    [
        "Vitamin C and the S and T classes, so they say",
        "SO WHAT ABOUT PLAN C, S OR T?",
        "Grade C (C) school",
        "Analyst lifts price target on chip maker",
        "Gap between rich and poor grows",
        "Mind the Gap: what investors miss",
        "Visa applicants wait longer",
        "the quorvane systems of old",  # no capital: no name
        "Quorvanes Systemsx",
        "QRVAN",  # a bare symbol that nobody states
        "(AI) Artificial Intelligence",
    ],
)
def test_in_doubt_nobody(headline: str) -> None:
    assert link(headline) == []


def test_what_the_provider_states_is_kept_as_that_and_confirms_doubtful_names() -> None:
    assert link("Gap widens its range", "GPS") == [("GPS", "alias", "Gap")] or link("Gap widens its range", "GPS") == [
        ("GPS", "name", "Gap")
    ]
    assert link("Markets rest", "C") == [("C", "stated", "C")]
    assert link("QRVAN jumps", "QRVAN") == [("QRVAN", "symbol", "QRVAN")]
    assert link("S rises", "S") == [("S", "stated", "S")]  # a letter is never found in the text


def test_a_doubtful_name_counts_with_its_legal_form() -> None:
    assert [t for t, _, _ in link("Gap Inc cuts forecast")] == ["GPS"]


def test_warrants_and_funds_are_named_by_symbol_only() -> None:
    assert link("Zephyrine Index ETF rises") == []
    assert [t for t, _, _ in link("$ZZETF rises")] == ["ZZETF"]
    assert [t for t, _, _ in link("Quorvane Systems sues")] == ["QRVAN"]


def test_of_two_companies_with_one_name_neither_is_named_unless_stated() -> None:
    twins = names([("AAAA", "Merrowgate Inc.", "NYSE", 1), ("BBBB", "Merrowgate Corp.", "NASDAQ", 2)])
    nobody = pa.table({"row": pa.array([], pa.int64()), "ticker": pa.array([], pa.string())})
    stated = pa.table({"row": pa.array([0], pa.int64()), "ticker": ["BBBB"]})
    assert twins.link(Texts(["Merrowgate grows"]), nobody).num_rows == 0
    assert twins.link(Texts(["Merrowgate grows"]), stated).column("ticker").to_pylist() == ["BBBB"]
    assert twins.link(Texts(["Merrowgate grows"]), stated).column("kind").to_pylist() == ["name"]


@pytest.mark.parametrize(
    ("listed", "printed"),
    [
        ("CrowdStrike Holdings Inc. Class A Common Stock", "crowdstrike"),
        ("Gap Inc. (The) Common Stock", "gap"),
        ("Alphabet Inc. - Class C", "alphabet"),
        ("The Kraft Heinz Company", "kraft heinz"),
        ("American Airlines Group Inc.", "american airlines"),
        ("Inc.", ""),
    ],
)
def test_a_listed_name_as_headlines_write_it(listed: str, printed: str) -> None:
    assert surface(listed) == printed


def test_names_of_a_column() -> None:
    found = companies_of(pa.chunked_array([["Microsoft", "Advent consortium", "Google", "Microsoft"]]), NAMES)
    assert sorted(found.to_pylist(), key=str) == [
        {"name": "Google", "ticker": "GOOGL"},
        {"name": "Microsoft", "ticker": "MSFT"},
    ]
