"""Articles out of delivered rows: when each could be known, which version stands, and that no row is lost."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cyberpi_assets.domain.news.items import news_items, news_put_aside
from cyberpi_assets.tables import SYMBOL_HISTORY
from cyberpi_assets_tests.domain.news.material import NOON, keywords, names, news

NAMES, WORDS = names(), keywords()
SUMMER = dt.datetime(2024, 7, 1, 16, tzinfo=dt.UTC)


def items(
    table: pa.Table, first: str = "2012-01", last: str = "2026-12", history: pa.Table | None = None
) -> list[dict[str, Any]]:
    return news_items(table, history or SYMBOL_HISTORY.empty(), NAMES, WORDS, first, last).to_pylist()


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text + "+00:00")


@pytest.mark.parametrize(
    ("row", "available", "day"),
    [
        # to the second: the moment itself
        ({"published_at": at("2024-03-05T04:59:59")}, at("2024-03-05T04:59:59"), dt.date(2024, 3, 4)),
        ({"published_at": at("2024-03-05T05:00:00")}, at("2024-03-05T05:00:00"), dt.date(2024, 3, 5)),
        # to the minute: its end
        (
            {"published_at": at("2024-03-05T15:00:00"), "precision": "min"},
            at("2024-03-05T15:00:59.999999"),
            dt.date(2024, 3, 5),
        ),
        # a date: the end of that day in New York, EST and EDT
        (
            {"published_at": at("2024-03-05T00:00:00"), "precision": "day"},
            at("2024-03-06T04:59:59.999999"),
            dt.date(2024, 3, 5),
        ),
        (
            {"published_at": at("2024-07-05T00:00:00"), "precision": "day"},
            at("2024-07-06T03:59:59.999999"),
            dt.date(2024, 7, 5),
        ),
        # New York time labelled UTC: hours later
        (
            {"published_at": at("2024-07-05T10:00:00"), "tz_suspect": True},
            at("2024-07-05T14:00:00"),
            dt.date(2024, 7, 5),
        ),
        (
            {"published_at": at("2024-01-05T10:00:00"), "tz_suspect": True},
            at("2024-01-05T15:00:00"),
            dt.date(2024, 1, 5),
        ),
        # fetched before the day was over, or before the moment its clock states
        (
            {"published_at": at("2024-03-05T00:00:00"), "precision": "day", "seen_at": at("2024-03-05T15:00:00")},
            at("2024-03-05T15:00:00"),
            dt.date(2024, 3, 5),
        ),
        (
            {
                "published_at": at("2024-03-09T00:00:00"),
                "seen_at": at("2024-03-05T15:00:00"),
                "flags": ["future_dated"],
            },
            at("2024-03-05T15:00:00"),
            dt.date(2024, 3, 5),
        ),
    ],
)
def test_when_an_item_could_be_known(row: dict[str, Any], available: dt.datetime, day: dt.date) -> None:
    (item,) = items(news(row))
    assert item["available_at"] == available
    assert item["published_on"] == day
    assert item["month"] == f"{day:%Y-%m}"
    assert item["published_at"] == row["published_at"]


def test_the_id_is_that_of_provider_and_article() -> None:
    (item,) = items(news({"provider": "BRFG", "article_id": "BRFG$1"}))
    assert item["news_id"] == "threat_" + hashlib.sha256(b"BRFG\x1fBRFG$1").hexdigest()[:16]


def test_rows_of_one_article_are_one_item_with_the_symbols_of_all() -> None:
    same = {"article_id": "x", "headline": "Quorvane Systems and others"}
    (item,) = items(news({**same, "tickers": ["ZPHYC"]}, {**same, "tickers": ["MSFT", "ZPHYC"]}))
    assert item["n_rows"] == 2
    assert item["n_versions"] == 1
    assert item["stated_tickers"] == ["MSFT", "ZPHYC"]
    assert item["tickers"] == ["QRVAN", "MSFT", "ZPHYC"]
    assert item["named_tickers"] == ["QRVAN"]
    assert item["ticker_evidence"] == ["name:Quorvane Systems", "stated:MSFT", "stated:ZPHYC"]


def test_of_one_id_with_different_texts_the_earliest_stands_and_says_so() -> None:
    later = NOON + dt.timedelta(hours=1)
    table = news(
        {"article_id": "x", "headline": "Second text", "published_at": later, "body": "told later"},
        {"article_id": "x", "headline": "First text"},
    )
    (item,) = items(table)
    assert item["headline"] == "First text"
    assert item["body"] == "told later"
    assert (item["n_rows"], item["n_versions"], item["flags"]) == (2, 2, ["versions_differ"])
    assert item["line"] == 2


def test_an_article_that_comes_again_in_a_later_month_is_put_aside() -> None:
    table = news({"article_id": "x", "published_at": SUMMER}, {"article_id": "x", "published_at": NOON})
    (item,) = items(table)
    assert item["published_at"] == NOON
    assert items(table, "2024-07", "2024-07") == []
    aside = news_put_aside(table, "2012-01", "2026-12").to_pylist()
    assert [(r["line"], r["reason"]) for r in aside] == [(1, "the article was known in an earlier month, 2024-03")]


def test_what_lies_outside_the_months_kept_is_put_aside() -> None:
    table = news({"published_at": at("2009-04-29T12:00:00")}, {}, {"published_at": at("2099-01-01T12:00:00")})
    assert len(items(table, "2012-01", "2026-12")) == 1
    aside = news_put_aside(table, "2012-01", "2026-12").to_pylist()
    assert [r["line"] for r in aside] == [1, 3]
    assert all(r["reason"] == "outside the months kept, 2012-01 to 2026-12" for r in aside)


def test_stated_symbols_become_those_of_today_by_their_date() -> None:
    history = pa.Table.from_pylist(
        [{"ticker": "OLDQ", "current_ticker": "QRVAN", "valid_to": dt.date(2024, 6, 1), "method": "test"}],
        schema=SYMBOL_HISTORY.schema,
    )
    table = news({"tickers": ["OLDQ"]}, {"tickers": ["OLDQ"], "published_at": SUMMER})
    assert [i["stated_tickers"] for i in items(table, history=history)] == [["QRVAN"], ["OLDQ"]]


def test_repeats_on_one_day_point_to_the_first_of_their_story() -> None:
    table = news(
        {
            "headline": "Quorvane Systems confirms data breach",
            "published_at": NOON + dt.timedelta(minutes=3),
            "provider": "B",
        },
        {"headline": "Quorvane Systems confirms data breach"},
        {"headline": "Quorvane Systems confirms data breach", "published_at": NOON + dt.timedelta(days=1)},
    )
    first, again, next_day = items(table)
    assert (first["duplicate_of"], first["story_id"]) == (None, first["news_id"])
    assert again["duplicate_of"] == again["story_id"] == first["news_id"]
    assert next_day["duplicate_of"] is None


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "article_id": st.sampled_from(["a", "b", "c"]),
            "provider": st.sampled_from(["Quillwire", "Beaconry"]),
            "headline": st.sampled_from(
                ["Quorvane Systems confirms data breach", "A quiet day", "Hackers breached Zephyrine"]
            ),
            "published_at": st.datetimes(dt.datetime(2024, 2, 20), dt.datetime(2024, 4, 10)).map(
                lambda d: d.replace(microsecond=0, tzinfo=dt.UTC)
            ),
            "precision": st.sampled_from(["s", "min"]),
        }
    ),
    min_size=3,
    max_size=8,
)


@settings(max_examples=6, deadline=None, derandomize=True)
@given(ROWS)
def test_a_range_is_its_months_and_every_row_is_accounted_for(rows: list[dict[str, Any]]) -> None:
    table = news(*rows)
    months = ["2024-02", "2024-03", "2024-04"]
    whole = items(table, months[0], months[-1])
    assert whole == [item for month in months for item in items(table, month, month)]
    aside = news_put_aside(table, months[0], months[-1])
    assert sum(i["n_rows"] for i in whole) + aside.num_rows == len(rows)
    assert len({i["news_id"] for i in whole}) == len(whole)


def test_hostile_headlines_are_items_like_others() -> None:
    table = news(
        {"headline": "x" * 2000},
        {"headline": "'; DROP TABLE facts; --"},
        {"headline": "\u202eevil\x00 \ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16")},
        {"headline": "<script>alert(1)</script>", "body": "CVE-2024-1234 " * 1000},
        {"headline": "Quorvаne Systems hаcked", "article_id": "cyrillic"},  # two Cyrillic letters
    )
    found = {i["line"]: i for i in items(table)}
    assert len(found) == 5
    assert found[4]["cves"] == ["CVE-2024-1234"]
    assert found[5]["relevance"] == "cyber_incident"
    assert found[5]["named_tickers"] == ["QRVAN"]


def test_nothing_gives_nothing() -> None:
    assert items(news()) == []
    assert news_put_aside(news(), "2012-01", "2026-12").num_rows == 0
