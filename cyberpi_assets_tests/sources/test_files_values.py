"""Single values: what they mean, and that no text makes a reader raise."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cyberpi_assets.sources import values as v
from cyberpi_assets.sources.files.bars import ticker_of_name

DATES = st.dates(dt.date(1, 1, 1), dt.date(9999, 12, 31))
READERS = [
    v.clean_text, v.stated, v.split_detail, v.shorten, v.parse_date, v.month_start, v.month_end, v.integer, v.decimal,
    v.parse_amount, v.parse_owner, v.parse_side, v.normalise_symbol, v.spell_symbol, v.parse_ticker, v.parse_asset_type,
    v.parse_document, v.parse_url, v.parse_district, ticker_of_name,
]  # fmt: skip


@given(st.text(alphabet=st.characters(codec=None), max_size=300))
def test_no_text_makes_a_reader_raise(text: str) -> None:
    for reader in READERS:
        reader(text)  # pyright: ignore[reportCallIssue]


@given(st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.lists(st.integers()), st.binary()))
def test_no_other_value_makes_a_reader_raise(value: object) -> None:
    for reader in READERS[:-1]:
        reader(value)  # pyright: ignore[reportArgumentType]


@given(DATES)
def test_dates_survive_every_style(day: dt.date) -> None:
    assert v.parse_date(day.isoformat()) == day
    assert v.parse_date(f"{day.month}/{day.day}/{day.year:04d}") == day
    assert v.parse_date(f"{day.month:02d}/{day.day:02d}/{day.year:04d}") == day
    assert v.parse_date(f"{day.year:04d}{day.month:02d}{day.day:02d}") == day
    assert v.parse_date(f"{day.isoformat()} 00:00:00-04:00") == day
    assert v.parse_date(f"{day.isoformat()}T23:59:59Z") == day


@given(st.dates(dt.date(1970, 1, 1), dt.date(2069, 12, 31)))
def test_two_digit_years_lie_in_1970_to_2069(day: dt.date) -> None:
    assert v.parse_date(f"{day.month}/{day.day}/{day.year % 100:02d}") == day


@pytest.mark.parametrize(
    "text", ["20222-08-09", "2022-13-01", "2022-02-30", "", "--", "yesterday", "0000-01-01", "٢٠٢٢-٠١-٠١"]
)
def test_what_is_no_date(text: str) -> None:
    assert v.parse_date(text) is None


def test_impossible_years_stay_as_written() -> None:
    assert v.parse_date("0009-06-09") == dt.date(9, 6, 9)
    assert v.parse_date("3031-04-30") == dt.date(3031, 4, 30)


@given(st.dates(dt.date(1900, 1, 1), dt.date(9998, 12, 31)))
def test_a_month_contains_its_days(day: dt.date) -> None:
    start, end = v.month_start(f"{day:%Y-%m}"), v.month_end(f"{day:%Y-%m}")
    assert start is not None
    assert end is not None
    assert start <= day <= end
    assert (end + dt.timedelta(days=1)).day == 1


MONEY = st.integers(0, 10**9)


@given(MONEY, MONEY)
def test_bands_round_trip(a: int, b: int) -> None:
    low, high = sorted((a, b))
    for text in (f"${low:,} - ${high:,}", f"${low:,} -\n${high:,}", f"${low:,}-{high:,}", f"${low} – ${high}"):
        assert v.parse_amount(text) == v.Amount(low, high, None)


@given(st.decimals(0, 10**8, places=2))
def test_exact_figures_are_both_bounds(figure: object) -> None:
    amount = v.parse_amount(f"${figure:,.2f}")
    if amount.flag is None:
        assert amount == v.Amount(float(str(figure)), float(str(figure)), None)
    else:
        assert amount.low in v.BAND_FLOORS


@given(MONEY)
def test_a_cut_off_amount_keeps_its_lower_end(low: int) -> None:
    for text in (f"${low:,} -", f"${low:,} - $"):
        assert v.parse_amount(text) == v.Amount(low, None, v.CUT_OFF)


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("Over $50,000,000", (50_000_001, None, None)),
        ("Spouse/DC Over $1,000,000", (1_000_001, None, None)),
        ("SP/DC over $1,000,000", (1_000_001, None, None)),
        ("$1,000,000 +", (1_000_001, None, None)),
        ("$1,000 or less", (0, 1000, None)),
        ("$15,001", (15_001, None, v.CUT_OFF)),
        ("Unknown", (None, None, v.MISSING)),
        ("--", (None, None, v.MISSING)),
        (None, (None, None, v.MISSING)),
        ("$50,000 - $15,001", (None, None, v.UNREADABLE)),
        ("a lot", (None, None, v.UNREADABLE)),
    ],
)
def test_amounts_as_printed(text: str | None, amount: tuple[float | None, float | None, str | None]) -> None:
    assert v.parse_amount(text) == v.Amount(*amount)


@pytest.mark.parametrize(
    ("text", "owner", "flag"),
    [
        ("", "self", None),
        (None, "self", None),
        ("--", "self", None),
        ("SP", "spouse", None),
        ("Joint Tenancy", "joint", None),
        ("Dependent Child", "child", None),
        ("dependent", "child", None),
        ("N/A", None, v.OWNER_UNREADABLE),
        ("the cat", None, v.OWNER_UNREADABLE),
    ],
)
def test_owners(text: str | None, owner: str | None, flag: str | None) -> None:
    assert v.parse_owner(text) == (owner, flag)


@pytest.mark.parametrize(
    ("text", "side"),
    [
        ("Purchase", ("buy", None)),
        ("P", ("buy", None)),
        ("sale_full", ("sell", False)),
        ("sale_partial", ("sell", True)),
        ("S (partial)", ("sell", True)),
        ("Sale (Full)", ("sell", False)),
        ("Partial Sale", ("sell", True)),
        ("S", ("sell", None)),
        ("Exchange", ("exchange", None)),
        ("Received", ("exchange", None)),
    ],
)
def test_sides(text: str, side: tuple[str, bool | None]) -> None:
    assert v.parse_side(text) == v.Side(*side)


@pytest.mark.parametrize("text", ["", None, "Exercise", "Dependent Child", "N/A"])
def test_unreadable_sides(text: str | None) -> None:
    assert v.parse_side(text) is None


@pytest.mark.parametrize(
    ("text", "symbol"),
    [
        ('<a href="https://finance.yahoo.com/q?s=JCOM" target="_blank">JCOM</a>', "JCOM"),
        ("brk.b", "BRK-B"),
        ("BRK.B", "BRK-B"),
        ("BRKb", "BRK-B"),
        ("BRK/B", "BRK-B"),
        ("AAPl", "AAPL"),
        ("BAC$K", "BAC-PK"),
        ("--", None),
        ("N/A", None),
        ("", None),
        ("GE GEHC", "GE"),
        ("-- GEHC", "GEHC"),
        ("GLAS Funds, LP", None),
    ],
)
def test_symbols(text: str, symbol: str | None) -> None:
    assert v.parse_ticker(text).symbol == symbol


def test_an_exchange_keeps_both_symbols_in_words() -> None:
    ticker = v.parse_ticker("RTN RTX")
    assert (ticker.symbol, ticker.flag) == ("RTN", v.TWO_TICKERS)
    assert "RTN RTX" in (ticker.rest or "")


def test_lists_of_symbols_have_symbols_that_look_like_nothing() -> None:
    assert v.spell_symbol("NA") == "NA"
    assert v.spell_symbol("nan") == "NAN"
    assert v.normalise_symbol("nan") is None


def test_small_print_of_an_asset_goes_apart_from_its_name() -> None:
    asset, detail = v.split_detail(
        'Acme &amp; Co <div class="text-muted"><em>Rate/Coupon:</em> 3.650%<br> <em>Matures:</em> 06/15/2024</div>'
    )
    assert asset == "Acme & Co"
    assert detail == "Rate/Coupon: 3.650% Matures: 06/15/2024"


@given(st.text(max_size=200))
def test_cleaned_text_has_no_tags_left(text: str) -> None:
    cleaned = v.clean_text(f"<b>{text}</b><script>alert(1)</script>") or ""
    assert "<script>" not in cleaned
    assert "<b>" not in cleaned.replace(text, "")


@pytest.mark.parametrize(
    ("text", "document"),
    [
        ("https://disclosures-clerk.house.gov/public_disc/ptr-pdfs/2021/20019557.pdf", "20019557"),
        ("https://x.gov/view/ptr/A0010F4A-c31a-4824-8b6d-6399b3ccb6f0/", "a0010f4a-c31a-4824-8b6d-6399b3ccb6f0"),
        ("8217209", "8217209"),
        ("https://example.org/", None),
    ],
)  # fmt: skip
def test_documents(text: str, document: str | None) -> None:
    assert v.parse_document(text) == document


@pytest.mark.parametrize("text", ["javascript:alert(1)", "https://x/'onmouseover=1", "ftp://a/b", "--"])
def test_only_plain_links_are_links(text: str) -> None:
    assert v.parse_url(text) is None


@pytest.mark.parametrize(
    ("name", "ticker"),
    [
        ("okta.us.txt", "OKTA"),
        ("BRK-B.csv.gz", "BRK-B"),
        ("brk.b.csv", "BRK-B"),
        ("AAPL.parquet", "AAPL"),
        ("stockdata_OKTA.csv", None),
        ("all prices.csv", None),
        ("HISTORY2.csv", None),
    ],
)
def test_symbols_in_file_names(name: str, ticker: str | None) -> None:
    assert ticker_of_name(name) == ticker
