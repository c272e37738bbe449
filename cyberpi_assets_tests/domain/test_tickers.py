"""Tickers: each step, what one says against another, and names that must not be taken for a listed share."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cyberpi_assets.domain.company_match import ACCEPTED, ListedNames
from cyberpi_assets.domain.company_names import LONGEST, read_asset
from cyberpi_assets.domain.symbols import changes_of_lists, symbol_history
from cyberpi_assets.domain.tickers import resolve_tickers
from cyberpi_assets.tables import SYMBOL_FACTS, conform
from cyberpi_assets_tests.domain import rows
from cyberpi_assets_tests.domain.rows import D

OLD, MIDDLE, NEW = D(2022, 1, 1), D(2024, 6, 1), D(2026, 2, 1)


def _listed(*told: tuple[Any, ...]) -> pa.Table:
    """(ticker, name, cik, list's date[, more])."""
    return rows.frame(
        "company_facts",
        [
            {"ticker": t, "name": n, "cik": c, "as_of": day, "source": "sec", "file": f"{day}", "line": i}
            | (more[0] if more else {})
            for i, (t, n, c, day, *more) in enumerate(told, 1)
        ],
    )


def _both(ticker: str, name: str, cik: int | None, **more: Any) -> list[tuple[Any, ...]]:
    return [(ticker, name, cik, day, more) for day in (OLD, MIDDLE, NEW)]


LISTED = _listed(
    *_both("AAPL", "Apple Inc.", 1),
    *_both("GOOG", "Alphabet Inc. Class C Capital Stock", 2),
    *_both("GOOGL", "Alphabet Inc. Class A Common Stock", 2),
    *_both("BRK-B", "Berkshire Hathaway Inc - Class B", 3),
    *_both("BAC", "Bank of America Corporation Common Stock", 4),
    *_both("BAC-PB", "Bank of America Corporation", 4),
    *_both("SAP", "SAP SE ADS", 5),
    *_both("SAPGF", "SAP SE", 5),
    *_both("FFBC", "First Financial Bancorp", 6),
    *_both("FFIN", "First Financial Bancorp.", 7),
    *_both("JPM", "JPMorgan Chase & Co. Common Stock", 8),
    *_both("PAY", "Paymentus Holdings Inc - Class A", 9, listed_on=D(2021, 5, 26)),
    *_both("SHLD", "Global X Defense Tech ETF", None, listed_on=D(2023, 9, 13)),
    *_both("SCHW", "Charles Schwab Corporation Common Stock", 10),
    *_both("REGN", "Regeneron Pharmaceuticals, Inc.", 11),
    *_both("IJH", "iShares Core S&P Mid-Cap ETF", None),
    *_both("WMT", "Walmart Inc.", 12),
    *_both("MAG", "MAG Silver Corp", 13),
    *_both("MGA", "Magna International Inc", 14),
    *_both("BTAX", "Immune Therapeutics Inc", 15),
    ("SNDK", "Sandisk Corp", 16, NEW),
    ("FB", "Facebook Inc. Class A Common Stock", 17, OLD),
    ("META", "Meta Platforms, Inc. Class A Common Stock", 17, NEW),
    ("META", "Ball Metaverse ETF", None, OLD),
    ("VIAC", "ViacomCBS Inc. Common Stock", 18, OLD),
    ("PARA", "Paramount Global Common Stock", 18, MIDDLE),
)
CHANGES = rows.frame(
    "symbol_facts",
    [{"old_ticker": "FB", "new_ticker": "META", "not_before": D(2022, 6, 9), "not_after": D(2022, 6, 9),
      "method": "list", "source": "t", "file": "f", "line": 1}],
)  # fmt: skip
HISTORY = symbol_history(CHANGES)
NAMES = ListedNames(LISTED, HISTORY)


def _row(printed: str | None, asset: str | None, day: dt.date | None, kind: str | None = "stock") -> Any:
    asked = pa.table(
        {
            "row": pa.array([0], pa.int64()),
            "ticker_printed": pa.array([printed], pa.string()),
            "ticker_current": pa.array([None], pa.string()),
            "asset": pa.array([asset], pa.string()),
            "asset_type": pa.array([kind], pa.string()),
            "day": pa.array([day], pa.date32()),
        }
    )
    return resolve_tickers(asked, HISTORY, NAMES).to_pylist()[0]


def _found(*asked: Any) -> tuple[str | None, str]:
    answer = _row(*asked)
    return answer["ticker"], answer["ticker_evidence"]


DAY = D(2025, 3, 3)


# --------------------------------------------------------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("text", "ticker"),
    [
        ("APPLE INC. CMN", "AAPL"),
        ("Apple, Inc. (NASDAQ)", "AAPL"),
        ("Apple Inc. - Common Stock (AAPL) [ST]", "AAPL"),
        ("J.P. Morgan Chase & Co", "JPM"),
        ("JP MORGAN CHASE & COMPANY", "JPM"),
        ("SCHWAB CHARLES CORP NEW", "SCHW"),
        ("Alphabet Inc. Class A", "GOOGL"),
        ("ALPHABET INC-CL C", "GOOG"),
        ("Bank of Amer Corp Com", "BAC"),
        ("Bank Of America Corp /De/", "BAC"),
        ("SAP SE", "SAP"),
        ("Regeneron Pharmaceuticles Inc", "REGN"),
        ("Apple Inc. Option Type: Put Strike price: $230.00 Expires: 09/17/2021", "AAPL"),
        ("META PLATFORMS INC", "META"),
        ("Facebook, Inc. - Class A", "META"),
        ("ViacomCBS Inc", "PARA"),
    ],
)
def test_spellings_of_one_company(text: str, ticker: str) -> None:
    assert NAMES.match(text, DAY).ticker == ticker


@pytest.mark.parametrize(
    "text",
    [
        "Alphabet Inc.",  # two classes, none named
        "First Financial Bancorp",  # two companies of that name
        "Bank of America Corporation Hybrid Perpetual",
        "Bank of America Corp 6.1 % Preferred Stock Series AA",
        "Apple Inc 2.4% Notes due 05/03/2023",
        "iShares Core S&P Mid-Cap ETF",
        "Apple Growth Fund",
        "Citigroup linked to Apple Inc",
        "Aimmune Therapeutics",  # one letter and a half from Immune
        "Ball Metaverse ETF",
        "FILING STATUS: New SUBHOLDING OF: IRA Apple Inc",
        "Apple Hospitality",
        "",
        "Inc.",
        "\ufffd\u202e???",
    ],
)
def test_what_is_no_listed_share_or_not_certain_is_not_matched(text: str) -> None:
    assert NAMES.match(text, DAY).ticker is None


def test_a_tie_names_its_candidate_and_the_score_is_the_match() -> None:
    tie = NAMES.match("First Financial Bancorp", DAY)
    assert (tie.ticker, tie.candidate, tie.score) == (None, "FFBC", 100.0)
    near = NAMES.match("Regeneron Pharmaceuticles Inc", DAY)
    # 24 and 25 letters and a blank, one of them other: twice 24 of 50 agree
    assert near.score == pytest.approx(100 * 2 * 24 / 50)
    assert NAMES.match("Schwab Charles", DAY).score == 99.0


def test_a_company_that_was_not_yet_listed_is_not_meant() -> None:
    assert NAMES.match("Paymentus Holdings", D(2022, 1, 3)).ticker == "PAY"
    assert NAMES.match("Paymentus Holdings", D(2020, 1, 3)).ticker is None
    assert NAMES.match("SanDisk Corporation", D(2014, 6, 2)).ticker is None  # first listed again ten years later
    assert NAMES.match("SanDisk Corporation", D(2026, 1, 5)).ticker == "SNDK"


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=60), st.sampled_from(["Apple Inc", "Alphabet Inc. Class C", "Bank of America"]))
def test_no_text_breaks_the_reading_and_no_low_score_is_accepted(noise: str, name: str) -> None:
    for text in (noise, name + noise, noise + name):
        read_asset(text)
        found = NAMES.match(text, DAY)
        assert found.ticker is None or (found.score or 0) >= ACCEPTED
    assert len(read_asset(noise * 200).core) <= LONGEST


# --------------------------------------------------------------------------------------------------------------- steps


def test_printed_symbols_stand_and_renamed_ones_follow_the_day() -> None:
    assert _found("AAPL", "Apple Inc", DAY) == ("AAPL", "printed")
    assert _found("FB", "Facebook Inc", D(2019, 1, 2)) == ("META", "symbol history")
    assert _found("FB", "Some Dynamic Buffer ETF", DAY, "fund") == ("FB", "printed")
    assert _found("FB", "Meta Platforms, Inc. - Class A", DAY) == ("META", "symbol history")  # an old habit


@pytest.mark.parametrize(
    ("symbol", "asset", "day", "expected"),
    [
        ("PAY", "VeriFone Systems, Inc.", D(2015, 2, 3), (None, "reused")),
        ("PAY", "Paymentus Holdings, Inc.", D(2023, 2, 3), ("PAY", "printed")),
        ("PAY", None, D(2015, 2, 3), (None, "reused")),
        ("PAY", "Paymentus Holdings", D(2021, 5, 10), ("PAY", "printed")),  # lists differ by some days
        ("SHLD", "Sears Holdings Corporation", D(2016, 2, 3), (None, "reused")),
        ("SHLD", "Global X Defense Tech ETF", D(2025, 2, 3), ("SHLD", "printed")),
    ],
)
def test_the_same_letters_are_another_company_before_a_day(
    symbol: str, asset: str | None, day: dt.date, expected: tuple[str | None, str]
) -> None:
    answer = _row(symbol, asset, day)
    assert (answer["ticker"], answer["ticker_evidence"]) == expected
    assert answer["ticker_candidate"] == (symbol if expected[0] is None else None)


def test_a_class_without_its_dash_is_respelled_and_other_unknown_letters_stand() -> None:
    assert _found("BRKB", "Berkshire Hathaway Inc", DAY) == ("BRK-B", "respelled")
    assert _found("BRKB", "Brookfield Homes", DAY) == ("BRKB", "printed")
    assert _found("XQZT", "Unheard Of Industries", DAY) == ("XQZT", "printed")


def test_a_symbol_that_the_text_contradicts_stands_flagged() -> None:
    answer = _row("MAG", "Magna International Inc", DAY)
    assert (answer["ticker"], answer["ticker_candidate"], answer["ticker_flag"]) == ("MAG", "MGA", "ticker_disputed")
    slip = _row("APPL", "Apple Inc", DAY)
    assert (slip["ticker"], slip["ticker_candidate"], slip["ticker_flag"]) == ("APPL", "AAPL", "ticker_disputed")


def test_without_a_symbol_the_text_is_read_then_the_name_and_each_row_says_how() -> None:
    assert _found(None, "WMT", DAY) == ("WMT", "in asset")
    assert _found(None, "FB", D(2016, 3, 1)) == ("META", "in asset")
    assert _found(None, "Walmart (WMT)", DAY) == ("WMT", "in asset")
    assert _found(None, "AAPL-Apple Inc.", DAY) == ("AAPL", "in asset")
    assert _found(None, "PAY", D(2015, 2, 3)) == (None, "unresolved")  # no name confirms that it is the present PAY
    assert _found(None, "MAYS-ALLOCATE", DAY) == (None, "unresolved")
    assert _found(None, "Magna International (MAG)", DAY) == (None, "unresolved")  # text and symbol disagree
    answer = _row(None, "Walmart Inc", DAY)
    assert (answer["ticker"], answer["ticker_evidence"], answer["ticker_score"]) == ("WMT", "company name", 100.0)
    assert _row("WMT", "Walmart Inc", DAY)["ticker_score"] is None
    assert _found(None, None, DAY) == (None, "unresolved")


@pytest.mark.parametrize(
    "kind", ["fund", "corporate_bond", "municipal_security", "government_security", "other", "crypto"]
)
def test_only_shares_and_options_are_named(kind: str) -> None:
    assert _found(None, "Apple Inc", DAY, kind) == (None, "unresolved")
    assert _found(None, "Apple Inc", DAY, "option") == ("AAPL", "company name")
    assert _found(None, "Apple Inc", DAY, None) == ("AAPL", "company name")


def test_no_rows_and_no_lists() -> None:
    nothing = ListedNames(_listed(), HISTORY)
    assert nothing.match("Apple Inc", DAY).ticker is None
    assert _row(None, None, None)["ticker"] is None


# --------------------------------------------------------------------------------------------------------------- lists


def test_renames_are_read_off_dated_lists() -> None:
    found = changes_of_lists(
        _listed(
            ("OLDA", "Alpha Inc", 1, OLD), ("NEWA", "Alpha Inc", 1, NEW),
            ("B", "Beta Inc", 2, OLD), ("B", "Beta Inc", 2, NEW), ("BB", "Beta Inc", 2, NEW),  # B stayed
            ("C", "Gamma Inc", 3, OLD), ("CC", "Gamma Inc", 3, OLD), ("G", "Gamma Inc", 3, NEW),  # two became one
            ("D", "Delta Inc", 4, OLD), ("DN", "Delta Inc 5 % Notes due 2040", 4, NEW),
            ("E", "Eps Inc", None, OLD), ("F", "Eps Inc", None, NEW),  # no number
        )
    )  # fmt: skip
    conform(SYMBOL_FACTS, found)
    assert [(r["old_ticker"], r["new_ticker"], r["not_before"], r["not_after"]) for r in found.to_pylist()] == [
        ("OLDA", "NEWA", OLD, NEW)
    ]
