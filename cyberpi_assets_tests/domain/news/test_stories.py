"""Near duplicates: what is one story, and that its first item leads it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from cyberpi_assets.domain.news.stories import stories

LINES = st.sampled_from(
    [
        "Quorvane confirms breach of customer data after attack on its network",
        "UPDATE 1-Quorvane confirms breach of customer data after attack on its network",
        "Quorvane confirms a breach of customer data after an attack on network",
        "Zephyrine opens a plant in a distant and sunny valley today",
        "Short line",
        "",
    ]
)


def story(lines: list[str], days: list[int] | None = None, tickers: list[list[str]] | None = None) -> list[int]:
    n = len(lines)
    named = pa.chunked_array([pa.array(tickers or [[] for _ in lines], pa.list_(pa.string()))])
    found = stories(pa.chunked_array([pa.array(lines, pa.string())]), np.array(days or [0] * n), np.arange(n), named)
    return found.column(0).to_pylist()


def test_the_same_words_are_one_story_and_the_first_leads() -> None:
    lines = [
        "Quorvane hit by attack",
        "Other news",
        "UPDATE 2-Quorvane hit by attack",
        "Quorvane hit by attack - Reuters",
    ]
    assert story(lines) == [0, 1, 0, 0]


def test_most_of_the_words_are_one_story_where_a_company_is_shared() -> None:
    lines = [
        "Quorvane says customer data stolen in attack on network",
        "Quorvane says customer data stolen in network attack",
    ]
    assert story(lines, tickers=[["QRVAN"], ["QRVAN"]]) == [0, 0]
    assert story(lines, tickers=[["QRVAN"], ["ZPHYC"]]) == [0, 1]


def test_headlines_made_from_a_pattern_are_not_one_story() -> None:
    a, b = "What to know before Quorvane reports results today", "What to know before Zephyrine reports results today"
    assert story([a, b], tickers=[["QRVAN"], ["ZPHYC"]]) == [0, 1]
    assert story([a, b]) == [0, 1]
    up, down = (
        "Quorvane stock rises sharply after quarterly results",
        "Quorvane stock falls sharply after quarterly results",
    )
    assert story([up, down], tickers=[["QRVAN"], ["QRVAN"]]) == [0, 1]
    three, four = (
        "Quorvane to cut 300 jobs in its cloud unit this year",
        "Quorvane to cut 400 jobs in its cloud unit this year",
    )
    assert story([three, four], tickers=[["QRVAN"], ["QRVAN"]]) == [0, 1]


def test_another_day_is_another_story() -> None:
    assert story(["The same headline of words", "The same headline of words"], days=[0, 1]) == [0, 1]


def test_blank_headlines_are_nobodys_story() -> None:
    assert story(["", ""]) == [0, 1]
    assert story([]) == []


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(st.tuples(LINES, st.integers(0, 2)), max_size=10))
def test_leaders_lead_themselves_and_come_first_on_their_day(rows: list[tuple[str, int]]) -> None:
    lines, days = [r[0] for r in rows], [r[1] for r in rows]
    found = story(lines, days) if rows else []
    for place, leader in enumerate(found):
        assert leader <= place
        assert found[leader] == leader
        assert days[leader] == days[place]
    # a day alone tells the same: nothing looks beyond it
    for day in set(days):
        mine = [i for i, d in enumerate(days) if d == day]
        alone = story([lines[i] for i in mine])
        assert [mine[x] for x in alone] == [found[i] for i in mine]
