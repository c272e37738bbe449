"""Threat items: the published schema, the ids, the severities and their reasons."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from typing import Any

import jsonschema
import pyarrow as pa
import pytest

from cyberpi_assets.domain.calendar import session_days
from cyberpi_assets.domain.news import events, threats
from cyberpi_assets.domain.news.items import news_items
from cyberpi_assets.domain.news.topics import filing_words
from cyberpi_assets.sources.lists import read_list
from cyberpi_assets.tables import SOURCE_FILES, SYMBOL_HISTORY
from cyberpi_assets_tests.domain.news.material import NOON, companies, facts, keywords, names, news
from cyberpi_assets_tests.domain.news.measure import HOME

MONTHS = ("2012-01", "2026-12")
SCHEMA = json.loads((HOME / "docs" / "schemas" / "intelligence_item.json").read_text())
WRITTEN = dt.datetime(2025, 1, 2, tzinfo=dt.UTC)
VALID = jsonschema.Draft202012Validator(SCHEMA, format_checker=jsonschema.FormatChecker())


def items(
    headlines: pa.Table | None = None,
    filings: pa.Table | None = None,
    halts: pa.Table | None = None,
    sanctions: pa.Table | None = None,
    kev: pa.Table | None = None,
) -> list[dict[str, Any]]:
    """Items of facts, through the tables they come from."""
    files = pa.Table.from_pylist([{"file": "f", "bytes": 1, "modified_at": WRITTEN}], schema=SOURCE_FILES.schema)
    vendors = pa.table({"vendor": ["Microsoft"], "product": [""], "ticker": ["MSFT"]})
    nobody = pa.table({"name": pa.array([], pa.string()), "ticker": pa.array([], pa.string())})
    words = filing_words(read_list("keywords", HOME))
    made = threats.intelligence_items(
        news_items(headlines or news(), SYMBOL_HISTORY.empty(), names(), keywords(), *MONTHS),
        events.company_filings(filings or facts("company_filing_facts"), companies(), words, session_days(), *MONTHS),
        events.trading_halts(halts or facts("halt_facts"), *MONTHS),
        events.sanctions_changes(sanctions or facts("sanction_facts")),
        events.known_exploited(kev or facts("kev_facts"), vendors, nobody, companies()),
        companies(),
        files,
        *MONTHS,
    )
    assert threats.account_of_items(made)["items"] == made.num_rows
    return made.to_pylist()


def test_a_headline_as_an_item() -> None:
    row = {
        "provider": "BRFG",
        "article_id": "BRFG$1",
        "headline": "Quorvane Systems confirms data breach via CVE-2024-12345",
        "body": "The text.",
        "tickers": ["MSFT"],
        "source": "ibkr",
    }
    (item,) = items(news(row))
    assert item["threat_id"] == "threat_" + hashlib.sha256(b"BRFG\x1fBRFG$1").hexdigest()[:16]
    assert item["source_url"] == "ibkr://BRFG/BRFG$1"
    assert (item["severity"], item["severity_reason"]) == ("high", "an incident of a company that the text names")
    assert item["ingested_date"] == WRITTEN  # of a bulk file, when it was written
    shown = threats.item_json(item)
    VALID.validate(shown)
    assert shown == {
        "threatId": item["threat_id"],
        "title": row["headline"],
        "content": "The text.",
        "source": "BRFG",
        "sourceUrl": "ibkr://BRFG/BRFG$1",
        "industry": ["Information Technology"],
        "severity": "high",
        "threatType": ["cyber_incident", "cyber", "vulnerability", "data_breach"],
        "cves": ["CVE-2024-12345"],
        "publishedDate": "2024-03-05T17:00:00Z",
        "ingestedDate": "2025-01-02T00:00:00Z",
        "metadata": shown["metadata"],
        "tags": shown["tags"],
    }
    assert shown["metadata"]["tickers"] == ["QRVAN", "MSFT"]
    assert shown["metadata"]["namedTickers"] == ["QRVAN"]
    assert shown["metadata"]["availableAt"] == "2024-03-05T17:00:00Z"
    assert {"news", "cyber_incident", "QRVAN", "CVE-2024-12345"} <= set(shown["tags"])


@pytest.mark.parametrize(
    ("headline", "severity"),
    [
        ("Hackers breached Quorvane Systems", "high"),
        ("Ransomware attack shuts hospital group", "medium"),
        ("Quorvane Systems says no evidence of data breach", "info"),
        ("Zephyrine Cloudworks agrees to acquire a startup for $2 billion", "medium"),
        ("Two railways agree on merger", "low"),
        ("Malware authors describe their work", "low"),
    ],
)
def test_severity_of_headlines(headline: str, severity: str) -> None:
    (item,) = items(news({"headline": headline}))
    assert item["severity"] == severity
    assert item["severity_reason"]


def test_what_is_not_relevant_is_no_item() -> None:
    assert items(news({"headline": "Quorvane Systems opens office"})) == []
    assert items() == []


def test_every_kind_of_item_fits_the_published_schema() -> None:
    long = "Quorvane Systems hit by ransomware attack " + "x" * 1900
    made = items(
        headlines=news(
            {"headline": long, "body": "y" * 20_000, "url": "https://news.example/1"},
            {"headline": long, "provider": "Other", "published_at": NOON + dt.timedelta(minutes=1)},
        ),
        filings=facts(
            "company_filing_facts",
            {
                "accession": "0001193125-24-000001",
                "cik": 10,
                "form": "8-K",
                "items": ["1.05"],
                "filed_on": dt.date(2024, 3, 5),
                "cyber_query": False,
            },
            {
                "accession": "0001193125-24-000002",
                "cik": 77,
                "form": "8-K",
                "items": ["5.02"],
                "filed_on": dt.date(2024, 3, 5),
                "cyber_query": False,
            },
        ),
        halts=facts(
            "halt_facts",
            {"ticker": "QRVAN", "halted_on": NOON.date(), "halted_at": NOON, "reason_code": "H10"},
            {"ticker": "ZPHYC", "halted_on": NOON.date(), "halted_at": NOON, "reason_code": "LUDP"},
        ),
        sanctions=facts(
            "sanction_facts",
            {"record": "event", "name": "Cyber sanctions", "event_on": NOON.date(), "tickers": ["QRVAN"]},
        ),
        kev=facts(
            "kev_facts",
            {
                "cve": "CVE-2024-0001",
                "vendor": "Microsoft",
                "product": "Windows",
                "added_on": NOON.date(),
                "ransomware": "Known",
                "released_at": NOON,
            },
            {
                "cve": "CVE-2024-0002",
                "vendor": "Nobody",
                "product": "Thing",
                "added_on": NOON.date(),
                "released_at": NOON,
            },
        ),
    )
    found = [(i["kind"], i["severity"]) for i in made]
    assert sorted(found) == [
        ("filing", "critical"),
        ("halt", "high"),
        ("kev", "critical"),
        ("kev", "medium"),
        ("news", "high"),
        ("news", "high"),
        ("sanction", "high"),
    ]
    for item in made:
        VALID.validate(threats.item_json(item))
        assert len(item["title"]) <= 500
        assert len(item["content"]) <= 10_000
    first, again = (i for i in made if i["kind"] == "news")
    assert again["duplicate_of"] == again["story_id"] == first["threat_id"]
    (filing,) = (i for i in made if i["kind"] == "filing")
    assert (filing["tickers"], filing["named_tickers"]) == (["MSFT"], ["MSFT"])
    (exploited,) = (i for i in made if i["ref"] == "CVE-2024-0001")
    assert (exploited["tickers"], exploited["named_tickers"]) == (["MSFT"], [])


def test_the_schema_refuses_what_is_not_an_item() -> None:
    (item,) = items(news({"headline": "Hackers breached Quorvane Systems"}))
    good = threats.item_json(item)
    for change in (
        {"threatId": "x"},
        {"severity": "awful"},
        {"title": ""},
        {"more": 1},
        {"cves": ["CVE"]},
        {"sourceUrl": "x"},
    ):
        assert not VALID.is_valid(good | change), change
