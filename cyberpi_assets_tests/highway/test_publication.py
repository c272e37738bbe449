"""From the lake onto the highway, into both stores, and asked from the terminal."""

from __future__ import annotations

import datetime as dt
import json
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import redis
from click.testing import CliRunner

from cyberpi_assets import tables
from cyberpi_assets.cli import main
from cyberpi_assets.domain.highway.graph import of_tables
from cyberpi_assets.settings import Settings
from cyberpi_assets.storage.graph.store import open_graph
from cyberpi_assets.storage.highway.publication import publish_due
from cyberpi_assets.storage.highway.rebuilding import rebuild_graph, rebuild_vectors

NOW = dt.datetime(2031, 5, 20, 12, tzinfo=dt.UTC)


def item(n: int, **given: Any) -> dict[str, Any]:
    at = NOW - dt.timedelta(days=n)
    empty = {c.name: ([] if pa.types.is_list(c.type) else None) for c in tables.INTELLIGENCE_ITEMS.columns}
    return empty | {
        "threat_id": f"threat_{n:016x}", "title": f"Vellumcorp incident {n}", "content": "Words.", "source": "wire",
        "source_url": "https://example.invalid/", "severity": "high", "severity_reason": "by rule",
        "published_date": at, "ingested_date": at, "available_at": at, "published_on": at.date(), "kind": "news",
        "ref": str(n), "tickers": ["VLLM"], "ticker_evidence": ["alias:Vellumcorp"], "cves": ["CVE-2031-0001"],
        "negated": False, "story_id": f"threat_{n:016x}", "metadata": "{}", "month": f"{at:%Y-%m}",
    } | given  # fmt: skip


def items(*rows: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=tables.INTELLIGENCE_ITEMS.schema)


def test_only_what_is_new_changed_or_lost_is_published(settings: Settings, client: redis.Redis) -> None:
    given = items(item(0), item(10, severity="low"), item(20, negated=True), item(40))
    log, figures = publish_due(settings, given, tables.THREAT_HIGHWAY.empty())
    assert [(r["threat_id"][-2:], r["reason"], r["queues"]) for r in log.to_pylist()] == [
        ("00", "new", ["weaviate", "neo4j", "alerts"]),
        ("0a", "new", ["weaviate", "neo4j"]),
        ("14", "new", ["weaviate", "neo4j"]),  # denied: nobody is alarmed; and 40 days are longer than 30
    ]
    assert (figures["published"], figures["weaviate_lag"], figures["alerts_depth"]) == (3, 3, 1)
    document = json.loads(str(client.get("threat:parsed:threat_0000000000000000")))
    assert document["metadata"]["tickers"] == ["VLLM"]

    again, figures = publish_due(settings, given, log)
    assert figures["published"] == 0
    assert again == log
    other = items(
        item(0, title="Vellumcorp says more"), item(10, severity="low", ingested_date=NOW), item(20, negated=True)
    )
    log, figures = publish_due(settings, other, log)
    assert (figures["published_changed"], figures["published"]) == (1, 1)

    client.flushall()  # Redis has lost everything
    log, figures = publish_due(settings, other, log)
    assert (figures["published_lost"], figures["weaviate_lag"]) == (3, 3)


def test_nothing_is_published_while_too_much_waits(settings: Settings) -> None:
    rules = settings.highway.model_copy(update={"max_lag": 2})
    few = settings.model_copy(update={"highway": rules})
    log, _ = publish_due(few, items(item(1), item(2), item(3)), tables.THREAT_HIGHWAY.empty())
    log, figures = publish_due(few, items(item(1), item(2), item(3), item(4)), log)
    assert (figures["published"], figures["waited_for_workers"], log.num_rows) == (0, True, 3)


def test_stores_are_made_again_from_the_lake_and_answer_in_the_terminal(tmp_path: Path) -> None:
    settings = Settings(store=tmp_path)  # pyright: ignore[reportCallIssue]
    companies = pa.Table.from_pylist(
        [{"ticker": "VLLM", "name": "Vellumcorp", "source": "s"}], schema=tables.COMPANIES.schema
    )
    trades = pa.Table.from_pylist(
        [
            {c.name: None for c in tables.DISCLOSED_TRADES.columns}
            | {
                "bioguide_id": "Z1",
                "ticker": "VLLM",
                "side": side,
                "transaction_date": dt.date(2031, 1, day),
                "superseded_by": gone,
            }
            for side, day, gone in (("buy", 2, None), ("sell", 9, None), ("sell", 20, "another filing"))
        ],
        schema=pa.schema([f.with_nullable(True) for f in tables.DISCLOSED_TRADES.schema]),
    )
    officials = pa.Table.from_pylist(
        [
            {"bioguide_id": b, "official": n, "last_name": n, "n_terms": 1, "source": "s"}
            for b, n in (("Z1", "Zenobia"), ("Z2", "None"))
        ],
        schema=tables.OFFICIALS.schema,
    )
    incidents = pa.Table.from_pylist(
        [
            {
                "event_id": "E1",
                "ticker": "VLLM",
                "company": "Vellumcorp",
                "disclosed_on": NOW.date(),
                "event": "records taken",
            }
        ],
        schema=pa.schema([f.with_nullable(True) for f in tables.INCIDENTS.schema]),
    )
    exploited = pa.Table.from_pylist(
        [{"cve": "CVE-2031-0001", "vendor": "Vellum", "product": "Press", "added_on": NOW.date(), "ticker": "VLLM"}],
        schema=pa.schema([f.with_nullable(True) for f in tables.KNOWN_EXPLOITED.schema]),
    )
    rated = pa.Table.from_pylist(
        [{"cve": "CVE-2031-0001", "cvss": 9.1, "rating": "critical", "source": "nvd", "vendors": [], "products": []}],
        schema=pa.schema([f.with_nullable(True) for f in tables.VULNERABILITIES.schema]),
    )
    given = items(item(1), item(2))
    for _ in range(2):
        pieces = of_tables(companies, given, exploited, rated, incidents, officials, trades)
        counts = {r["part"]: (r["n"], r["of_lake"]) for r in rebuild_graph(settings, pieces).to_pylist()}
    assert counts == {
        "Company": (1, 1), "Item": (2, 2), "CVE": (1, 1), "Vendor": (1, 1), "Event": (1, 1), "Official": (1, 1),
        "NAMES": (2, 2), "MENTIONS": (2, 2), "IN_PRODUCT_OF": (1, 1), "LISTED_AS": (1, 1),
        "HIT": (1, 1), "TRADED": (1, 1),
    }  # fmt: skip
    store = open_graph(settings, writes=False)
    assert [(r["trades"], r["bought"], r["sold"], r["last_on"]) for r in store.officials("VLLM")] == [
        (2, 1, 1, "2031-01-09")
    ]
    first = rebuild_vectors(settings, given).to_pylist()[0]
    second = rebuild_vectors(settings, items(item(1), item(3))).to_pylist()[0]
    assert (first["n"], first["embedded"], first["likeness"], first["place"]) == (
        2,
        2,
        "lexical",
        "vectors/lexical-384.duckdb",
    )
    assert (second["n"], second["of_lake"], second["embedded"], second["removed"]) == (2, 2, 1, 1)

    def said(*words: str, code: int = 0) -> str:
        found = CliRunner().invoke(main, [*words], env=os.environ | {"CYBERPI_STORE": str(tmp_path)})
        assert found.exit_code == code, found.output
        return found.output

    table = said("graph", "neighbours", "vllm")
    assert all(word in table for word in ("E1", "taken", "Zenobia", "alias:Vellumcorp"))
    found = json.loads(said("graph", "path", "CVE-2031-0001", "--format", "json"))
    assert [r["label"] for r in found] == ["Vendor", "Item", "Item"]
    assert {(r["cvss"], r["rating"]) for r in found} == {(9.1, "critical")}
    assert "threat_0000000000000003" in said("similar", "Vellumcorp incident 3")
    assert "threat_0000000000000001" in said("similar", "threat_0000000000000003")
    said("graph", "neighbours", "NONE", code=1)
