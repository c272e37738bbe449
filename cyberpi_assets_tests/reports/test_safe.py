"""Text from outside can do nothing but be read."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cyberpi_assets.reports.layout import markdown_table
from cyberpi_assets.reports.safe import clean, link, markdown, markdown_link, plain


@pytest.mark.parametrize(
    ("given_text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]8;;https://evil.example\x07here\x1b]8;;\x07", "here"),
        ("\x9b2Jgone", "gone"),
        ("\x1b]0;title\x1b\\text", "text"),
        ("a\r\nb\tc", "a b c"),
        ("left\u202eright\u200b", "leftright"),
        ("José 李 – ok", "José 李 – ok"),
        ("", ""),
    ],
)
def test_terminal_escapes_and_controls_are_removed(given_text: str, shown: str) -> None:
    assert clean(given_text) == shown


@given(st.text())
def test_cleaned_text_is_one_printable_line_and_stays_so(text: str) -> None:
    once = clean(text)
    assert once is not None
    assert not any(unicodedata.category(c) in ("Cc", "Cf", "Cs") for c in once)
    assert len(once) <= 300
    assert clean(once) == once


@given(st.text(alphabet="<>&|[]()`*_\\~#!ab1. \n\x1b", max_size=60))
def test_markdown_has_no_raw_html_and_no_open_markup(text: str) -> None:
    shown = markdown(text)
    assert "<" not in shown
    assert ">" not in shown
    bare = shown.replace("\\\\", "")
    for mark in "|[]`*_~":
        assert mark not in bare.replace(f"\\{mark}", "")


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "ftp://example.org/x",
        "//example.org/x",
        "/relative",
        "https://",
        "https://house.gov@evil.example/x",
        "https://example.org/a\nb",
        'https://example.org/a b"><script>',
        "http://[broken",
        None,
    ],
)
def test_only_http_addresses_become_links(url: str | None) -> None:
    assert link(url) is None
    assert markdown_link("filing", url) == "filing"


def test_a_link_cannot_break_out_of_its_markdown() -> None:
    shown = markdown_link("a]b", "https://example.org/x>)(y\"'?q=1&r=%20#s")
    assert shown == "[a\\]b](<https://example.org/x%3E%29%28y%22'?q=1&r=%20#s>)"


def test_addresses_in_text_do_not_link_by_themselves() -> None:
    assert "https://" not in markdown("see https://evil.example now")
    assert "www." not in markdown("see www.evil.example")


def test_json_values_have_no_nan_and_iso_dates() -> None:
    import datetime as dt

    assert plain({"a": float("nan"), "b": float("inf"), "c": dt.date(2024, 1, 5), "d": (1, True)}) == {
        "a": None,
        "b": None,
        "c": "2024-01-05",
        "d": [1, True],
    }


def test_a_markdown_table_says_what_it_leaves_out() -> None:
    rows = [{"name": f"n{i}|x", "value": 1.5 * i, "n": 1000 * i, "none": None} for i in range(5)]
    lines = markdown_table(rows, limit=2).splitlines()
    assert lines[0] == "| name | value | n | none |"
    assert lines[1] == "| --- | ---: | ---: | --- |"
    assert lines[3] == "| n1\\|x | 1.5 | 1,000 | – |"
    assert lines[-1] == "3 more rows are not shown."


def test_a_markdown_table_without_rows() -> None:
    assert markdown_table([]) == "No rows.\n"
    assert markdown_table([], ["a"]).splitlines()[0] == "| a |"
