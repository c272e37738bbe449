"""Figures as people read them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cyberpi_assets.reports.figures import amount, change, decimal, share, short_amount


@given(st.integers(0, 500), st.integers(1, 500))
def test_the_interval_of_a_share_holds_it_and_stays_in_range(k: int, n: int) -> None:
    k = min(k, n)
    s = share(k, n)
    assert s.rate is not None
    assert s.low is not None
    assert s.high is not None
    assert 0 <= s.low <= s.rate <= s.high <= 1


def test_wilson_solves_its_own_equation() -> None:
    # the ends of the interval are the p with (phat - p)^2 = z^2 p (1 - p) / n
    s = share(7, 12)
    for p in (s.low, s.high):
        assert p is not None
        assert (7 / 12 - p) ** 2 == pytest.approx(1.959963984540054**2 * p * (1 - p) / 12)


def test_a_share_of_nothing_is_unknown() -> None:
    s = share(0, 0)
    assert (s.rate, s.low, s.high) == (None, None, None)
    assert s.words() == "0 of 0"


def test_more_than_all_is_refused() -> None:
    with pytest.raises(ValueError, match="no share"):
        share(3, 2)


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (1001.0, 15000.0, "$1,001 – $15,000"),
        (50_000_001.0, None, "$50,000,001 or more"),
        (None, 1000.0, "up to $1,000"),
        (500.0, 500.0, "$500"),
        (None, None, "amount not known"),
    ],
)
def test_amounts_are_ranges(low: float | None, high: float | None, words: str) -> None:
    assert amount(low, high) == words


def test_short_forms() -> None:
    assert short_amount(1_234_000, 5e9) == "$1.23M – $5B"
    assert short_amount(1_234_000, None) == "$1.23M or more"
    assert change(-6.5) == "-6.5 %"
    assert change(None) == "–"
    assert decimal(89.0) == "89"
    assert decimal(1234.56) == "1,234.6"
    assert decimal(100.0) == "100"
