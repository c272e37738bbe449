"""Headlines: relevance, companies, stories and threat items, beside a plain loop over keywords, in the same run.

The baseline is what people write: `any(keyword in headline.lower() for keyword in keywords)` over every row, with the
same phrases. It knows no word boundaries, no denials and no companies, to its advantage. `run(folder)` gives rows
(work, seconds, baseline seconds, peak MB); `folder` holds market/news.parquet and reference/tickers.parquet.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import pyarrow as pa

from benchmarks.measure import peak_mb
from cyberpi_assets.domain.news import threats
from cyberpi_assets.domain.news.items import news_items
from cyberpi_assets.domain.news.naming import Names
from cyberpi_assets.domain.news.topics import Keywords
from cyberpi_assets.domain.reference import companies
from cyberpi_assets.sources.files.source import read_file
from cyberpi_assets.sources.lists import read_list
from cyberpi_assets.sources.rows import Origin
from cyberpi_assets.tables import (
    COMPANY_FILINGS,
    KNOWN_EXPLOITED,
    SANCTIONS_CHANGES,
    SOURCE_FILES,
    SYMBOL_HISTORY,
    TRADING_HALTS,
)

Line = tuple[str, float, float | None, float]
HOME = Path(__file__).resolve().parent.parent
MONTHS = ("2009-01", "2026-12")


def _facts(path: Path, name: str) -> pa.Table:
    with tempfile.TemporaryDirectory() as scratch:
        _, reading = read_file(path, Origin(path.name), 2**33, Path(scratch))
    table = reading.facts[name]
    assert isinstance(table, pa.Table)
    return table


def ours(facts: pa.Table, listed: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Articles and threat items, from the lists as they lie on disk."""
    names = Names(listed, read_list("aliases", HOME), read_list("ambiguous_names", HOME))
    words = Keywords(read_list("keywords", HOME))
    articles = news_items(facts, SYMBOL_HISTORY.empty(), names, words, *MONTHS)
    empty: list[Any] = [t.empty() for t in (COMPANY_FILINGS, TRADING_HALTS, SANCTIONS_CHANGES, KNOWN_EXPLOITED)]
    return articles, threats.intelligence_items(articles, *empty, listed, SOURCE_FILES.empty(), *MONTHS)


def plain(headlines: list[str], phrases: list[str]) -> int:
    """How many headlines hold a keyword, by the loop."""
    found = 0
    for headline in headlines:
        text = headline.lower()
        found += any(phrase in text for phrase in phrases)
    return found


def run(folder: Path) -> list[Line]:
    """Measure ours and the loop on every row, once each."""
    began = time.perf_counter()
    facts = _facts(folder / "market" / "news.parquet", "news_facts")
    read = time.perf_counter() - began
    listed = companies(_facts(folder / "reference" / "tickers.parquet", "company_facts"))
    began = time.perf_counter()
    articles, items = ours(facts, listed)
    mine, peak = time.perf_counter() - began, peak_mb()
    phrases, headlines = Keywords(read_list("keywords", HOME)).all_phrases(), facts.column("headline").to_pylist()
    began = time.perf_counter()
    found = plain(headlines, phrases)
    loop = time.perf_counter() - began
    n = facts.num_rows
    return [
        (f"reading {n:,} rows into facts", read, None, peak),
        (
            f"{n:,} rows: {articles.num_rows:,} articles read, {items.num_rows:,} threat items; "
            f"baseline: {len(phrases):,} keywords in each headline ({found:,} hold one)",
            mine,
            loop,
            peak,
        ),
    ]
