"""Rows of the Senate's pages beside what Senate Stock Watcher, another reader, took from the same pages.

Its file is read here as it lies, not by our reader of it. Where the two differ the page was looked at: the Watcher
keeps one symbol of an exchange, whose row prints two.
"""

from __future__ import annotations

import gzip
import html
import json
import re
import tarfile
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest

from cyberpi_assets.sources.senate.page import PtrRow, SenatePtr, read_ptr_page

pytestmark = pytest.mark.real
_MUTED = re.compile(r"<div[^>]*text-muted.*", re.DOTALL)


@pytest.fixture(scope="module")
def watched(real: Path) -> dict[str, list[dict[str, Any]]]:
    """The Watcher's rows by report."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    with gzip.open(real / "filings/senate/ssw_all_transactions_2021-03.json.gz") as file:
        for row in json.load(file):
            if at := re.search(r"/view/ptr/([0-9a-f-]{36})", row["ptr_link"]):
                found[at[1]].append(row)
    return found


@pytest.fixture(scope="module")
def pages(real: Path, watched: dict[str, list[dict[str, Any]]]) -> dict[str, SenatePtr]:
    """Our reading of those of the reports whose pages we have."""
    with tarfile.open(real / "filings/senate/efd_ptr_html.tar.gz") as tar:
        members = [m for m in tar.getmembers() if m.isfile() and Path(m.name).stem in watched]
        return {Path(m.name).stem: read_ptr_page(tar.extractfile(m).read()) for m in members}  # pyright: ignore[reportOptionalMemberAccess]


def _plain(text: str | None) -> str:
    return " ".join(html.unescape(html.unescape(re.sub(r"<[^>]+>", " ", text or ""))).split())


def _symbols(words: str) -> frozenset[str]:
    return frozenset(words.split()) - {"--"}


def _ours(r: PtrRow) -> tuple[str, ...]:
    said = (r.owner, r.type, r.amount, r.asset_type, r.comment or "--", " ".join(r.assets))
    return (r.transaction_date, *map(_plain, said))


def _theirs(r: dict[str, Any]) -> tuple[str, ...]:
    said = (r["owner"], r["type"], r["amount"], r["asset_type"], r["comment"] or "--")
    return (r["transaction_date"], *map(_plain, said), _plain(_MUTED.sub("", r["asset_description"])))


def test_every_row_has_the_fields_that_another_reader_took(
    pages: dict[str, SenatePtr], watched: dict[str, list[dict[str, Any]]]
) -> None:
    """Date, owner, type, amount, asset type, comment and asset: each row of each report, and as many rows."""
    differ = {
        report: (Counter(map(_ours, page.rows)), Counter(map(_theirs, watched[report])))
        for report, page in pages.items()
        if Counter(map(_ours, page.rows)) != Counter(map(_theirs, watched[report]))
    }
    assert differ == {}
    assert sum(len(p.rows) for p in pages.values()) >= 5_000  # the comparison was not empty
    assert len(pages) >= 700


def test_symbols_differ_only_where_an_exchange_prints_two(
    pages: dict[str, SenatePtr], watched: dict[str, list[dict[str, Any]]]
) -> None:
    more = 0
    for report, page in pages.items():
        ours = Counter((_ours(r), _symbols(" ".join(r.tickers))) for r in page.rows)
        theirs = Counter((_theirs(r), _symbols(_plain(r["ticker"]))) for r in watched[report])
        left, right = list((ours - theirs).elements()), list((theirs - ours).elements())
        for (row, symbols), (other, kept) in zip(
            sorted(left, key=lambda x: x[0]), sorted(right, key=lambda x: x[0]), strict=True
        ):
            assert row == other, report
            assert row[2] == "Exchange", report
            assert kept < symbols, report
            assert len(symbols) == 2, report
            more += 1
    assert 0 < more < 50  # and no more than the exchanges there are
