"""Option terms out of what filers write, from real reports and near misses."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cyberpi_assets.sources.house.options import option_terms

D = dt.date


@pytest.mark.parametrize(
    ("text", "right", "strike", "expiry", "contracts", "exercised"),
    [
        (
            "Purchased 50 call options with a strike price of $150 and an expiration date of 1/16/26.",
            "call",
            150.0,
            D(2026, 1, 16),
            50,
            False,
        ),
        (
            "Exercised 500 call options purchased 11/22/23 at a strike price of $12, expiration date of 12/20/24.",
            "call",
            12.0,
            D(2024, 12, 20),
            500,
            True,
        ),
        ("Call options; Strike price $240; Expires 12/19/2025", "call", 240.0, D(2025, 12, 19), None, False),
        ("Put option, strike price $215, exp. Feb. 21, 2025.", "put", 215.0, D(2025, 2, 21), None, False),
        ("CALL INVESCO QQQ SER 1 $450 EXP 09/19/25", "call", 450.0, D(2025, 9, 19), None, False),
        ("CALL BERKSHIRE CL B NEW $300 EXP 01/17/25 CLASS B", "call", 300.0, D(2025, 1, 17), None, False),
        (
            "Five put contracts in Novo Nordisk (NVO) expiring June 20, 2025 at the $65 strike for $4 per share.",
            "put",
            65.0,
            D(2025, 6, 20),
            5,
            False,
        ),
        ("Sold 10 contracts, puts at $1,250.50 strike, expiry 2024-06-21", "put", 1250.5, D(2024, 6, 21), 10, False),
        ("SPY240621C00450000", "call", 450.0, D(2024, 6, 21), None, False),
    ],
)
def test_terms(text: str, right: str, strike: float, expiry: dt.date, contracts: int | None, exercised: bool) -> None:
    assert option_terms(text) == (right, strike, expiry, contracts, exercised)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "Capital call for $7,035",
        "Alpine Investors IX, LP capital call of $1,039.72",
        "Note Called by the issuer. position closed",
        "THE CAMPBELLS COMPANY NOTE 5.40000% 03/21/2034 CALL MAKE WHOLE",
        "TROY MICH CITY SCH D GO 5% 05/01/2036 CALLABLE",
        "IVV isn't shown as an option in the Stocks dropdown list",
        "Sold 20,000 shares.",
        "Bought calls and puts",
        "Exercised stock options granted by the employer",
    ],
)
def test_no_terms(text: str | None) -> None:
    assert option_terms(text) is None


def test_a_spread_has_no_right() -> None:
    terms = option_terms("Sold 5 call options and 5 put options, strike price $20, expires 1/17/25", is_option=True)
    assert terms is not None
    assert (terms.right, terms.strike) == (None, 20.0)


@given(st.text(max_size=300), st.booleans())
def test_any_text_is_taken(text: str, is_option: bool) -> None:
    option_terms(text, is_option=is_option)


@given(
    st.sampled_from(["call", "put"]),
    st.integers(1, 99_999),
    st.dates(D(2012, 1, 1), D(2040, 12, 31)),
    st.integers(1, 9_999),
)
def test_terms_written_plainly_are_read(right: str, strike: int, expiry: dt.date, contracts: int) -> None:
    text = f"Bought {contracts:,} {right} options with a strike price of ${strike:,} expiring {expiry:%m/%d/%Y}"
    assert option_terms(text) == (right, float(strike), expiry, contracts, False)
