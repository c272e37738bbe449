"""Small facts for tests of news: only what a test is about is said, the rest is plain."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pyarrow as pa

from cyberpi_assets.domain.news.naming import Names
from cyberpi_assets.domain.news.topics import Keywords
from cyberpi_assets.sources.lists import read_list
from cyberpi_assets.tables import COMPANIES, FACTS, NEWS_FACTS
from cyberpi_assets_tests.domain.news.measure import HOME

NOON = dt.datetime(2024, 3, 5, 17, tzinfo=dt.UTC)  # 12:00 in New York, winter time
LISTED = [
    ("QRVAN", "Quorvane Systems, Inc. Common Stock", "NASDAQ", 1),
    ("ZPHYC", "Zephyrine Cloudworks Corp.", "NYSE", 2),
    ("GPS", "Gap Inc. (The) Common Stock", "NYSE", 3),
    ("TGT", "Target Corporation Common Stock", "NYSE", 4),
    ("C", "Citigroup Inc. Common Stock", "NYSE", 5),
    ("S", "SentinelOne Inc. Class A Common Stock", "NYSE", 6),
    ("SO", "Southern Company (The) Common Stock", "NYSE", 7),
    ("T", "AT&T Inc.", "NYSE", 8),
    ("GOOG", "Alphabet Inc. Class C Capital Stock", "NASDAQ", 9),
    ("GOOGL", "Alphabet Inc. Class A Common Stock", "NASDAQ", 9),
    ("MSFT", "Microsoft Corporation Common Stock", "NASDAQ", 10),
    ("V", "Visa Inc.", "NYSE", 11),
    ("QRVAW", "Quorvane Systems, Inc. Warrant", "NASDAQ", 1),
    ("ZZETF", "Zephyrine Index ETF", "NYSE ARCA", 12),
]


def companies(rows: list[tuple[str, str, str, int]] | None = None) -> pa.Table:
    given = [
        {"ticker": t, "name": n, "exchange": e, "cik": c, "sector": "Information Technology", "source": "test"}
        for t, n, e, c in rows or LISTED
    ]
    return pa.Table.from_pylist(given, schema=COMPANIES.schema)


def names(rows: list[tuple[str, str, str, int]] | None = None) -> Names:
    return Names(companies(rows), read_list("aliases", HOME), read_list("ambiguous_names", HOME))


def keywords() -> Keywords:
    return Keywords(read_list("keywords", HOME))


def news(*rows: dict[str, Any]) -> pa.Table:
    plain = {
        "provider": "Quillwire",
        "headline": "A headline",
        "body": None,
        "url": None,
        "tickers": [],
        "published_at": NOON,
        "precision": "s",
        "tz_suspect": False,
        "category": "market",
        "language": "en",
        "seen_at": None,
        "flags": [],
    }
    return facts("news_facts", *({"article_id": f"a{i}", **plain, **row} for i, row in enumerate(rows)))


def facts(name: str, *rows: dict[str, Any]) -> pa.Table:
    """Rows of a fact; trace and lists are filled in."""
    schema = FACTS[name].schema
    lists = {f.name: [] for f in schema if pa.types.is_list(f.type)}
    traced = [{**lists, "source": "test", "file": "f", "line": i, **row} for i, row in enumerate(rows, 1)]
    return (
        pa.Table.from_pylist(traced, schema=schema)
        if traced
        else NEWS_FACTS.empty()
        if name == "news_facts"
        else FACTS[name].empty()
    )
