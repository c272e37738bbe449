"""Folding, and finding phrases in many texts at once, against a slow search text by text."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cyberpi_assets.domain.news.text import Automaton, Hits, Texts, fold, longest, nearest, not_inside, words_of

WORDS = ["hack", "hacked", "breach", "data breach", "data", "at&t", "a", "zero day", "cat"]
PIECES = st.sampled_from(
    [*WORDS, "HACK", "Data-Breach", "hackathon", "zero  day", "é", "хack", "\n", " ", ".", "'s", "\x00", "🙂", "x"]
)
TEXTS = st.lists(st.lists(PIECES, max_size=8).map(" ".join), max_size=6)


def hits(*rows: tuple[int, int, int]) -> Hits:
    """Hits as (row, start, end)."""
    row, start, end = (np.array(x, dtype=np.int64) for x in zip(*rows, strict=True))
    return Hits(row, np.zeros(len(rows), dtype=np.int64), start, end)


@pytest.mark.parametrize(
    ("printed", "compared"),
    [
        ("Zero-Day", "zero day"),
        ("Lowe’s", "lowes"),
        ("J.P. Morgan", "j p morgan"),
        ("AT&T", "at&t"),
        ("Estée  Lauder", "estee lauder"),
        ("rаnsоmwаre", "ransomware"),  # three Cyrillic letters
        ("ran\u200bsom\u00adware", "ransomware"),
        ("", ""),
    ],
)
def test_words_are_compared_in_one_form(printed: str, compared: str) -> None:
    assert words_of(printed) == compared
    assert Texts([printed]).words.strip() == compared


@settings(max_examples=150, deadline=None, derandomize=True)
@given(TEXTS)
def test_phrases_are_found_as_a_slow_search_finds_them(texts: list[str]) -> None:
    found = Texts(texts).find(Automaton(enumerate(WORDS)))
    mine = sorted(zip(found.row.tolist(), found.phrase.tolist(), strict=True))
    slow = [
        (row, number)
        for row, text in enumerate(texts)
        for number, phrase in enumerate(WORDS)
        for _ in re.finditer(rf"(?<![a-z0-9]){re.escape(phrase)}(?![a-z0-9])", words_of(text))
    ]
    assert mine == sorted(slow)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(TEXTS)
def test_rows_stay_apart_and_what_is_printed_can_be_shown(texts: list[str]) -> None:
    whole = Texts(texts)
    assert whole.n == len(texts)
    assert len(whole.starts) == len(whole.line_starts) == len(texts) + 1
    found = whole.find(Automaton(enumerate(WORDS)))
    for row, phrase, start, end in zip(found.row, found.phrase, found.start, found.end, strict=True):
        shown = whole.printed(int(start), int(end))
        assert words_of(shown) == WORDS[phrase]
        assert words_of(shown) in words_of(texts[row])


def test_folding_keeps_case_and_never_fails() -> None:
    assert fold("Ünited “Ａ” 中") == 'United "A"  '
    assert fold("plain") == "plain"


def test_a_hit_inside_a_cover_or_a_longer_hit_does_not_count() -> None:
    found = hits((0, 0, 6), (0, 10, 14), (0, 10, 20), (0, 15, 20))
    assert not_inside(found, hits((0, 9, 21))).tolist() == [True, False, False, False]
    assert not_inside(found, hits((0, 11, 21))).tolist() == [True, True, True, False]
    ordered = hits((0, 0, 6), (0, 10, 20), (0, 10, 14), (0, 15, 20), (0, 15, 25))
    assert longest(ordered).tolist() == [True, True, False, False, True]


def test_near_means_the_same_row_and_few_letters_on_either_side() -> None:
    of, to = hits((0, 10, 14), (1, 40, 44)), hits((0, 20, 24), (1, 30, 34))
    assert nearest(of, to, 6).tolist() == [True, True]
    assert nearest(of, to, 5).tolist() == [False, False]
    assert nearest(of, hits((0, 20, 24)), 100).tolist() == [True, False]
    assert nearest(of, hits((2, 15, 18)), 100).tolist() == [False, False]


def test_a_megabyte_is_cut_and_nothing_is_nothing() -> None:
    whole = Texts(["x" * 2**20 + " hack", "hack"])
    assert whole.find(Automaton([(0, "hack")])).row.tolist() == [1]
    assert Texts([]).find(Automaton([(0, "hack")])).n == 0
    assert Texts(["hack"]).find(Automaton([])).n == 0
