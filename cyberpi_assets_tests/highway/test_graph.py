"""The graph: one suite of questions over the embedded store, and over the real Neo4j driver against a double.

The double speaks Bolt over an embedded graph. So the second run proves the driver's side, transactions and failures; it
proves nothing about Neo4j's own planner, locks and constraints, nor that its Cypher means the same. Run the suite
against a server of yours with CYBERPI_NEO4J_URL set before you rely on one.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from cyberpi_assets.domain.highway.graph import Pieces, of_items
from cyberpi_assets.rules.running import StoreRules
from cyberpi_assets.storage.graph.embedded import EmbeddedGraph
from cyberpi_assets.storage.graph.neo4j_server import Neo4jGraph
from cyberpi_assets.storage.graph.store import GraphStore
from cyberpi_assets.storage.highway.worker import StoreUnavailable
from cyberpi_assets_tests.highway.bolt_double import BoltDouble

RULES = StoreRules()  # pyright: ignore[reportCallIssue]
ITEM = {
    "threatId": "threat_1",
    "title": "Vellumcorp says intruders used CVE-2031-0001",
    "severity": "high",
    "publishedDate": "2031-05-02T10:00:00Z",
    "cves": ["CVE-2031-0001", "CVE-2031-0001"],
    "metadata": {"tickers": ["VLLM", "OTHR"], "tickerEvidence": ["alias:Vellumcorp", "stated:OTHR"]},
}


def of_lake() -> Pieces:
    found = Pieces()
    found.node("Company", "VLLM", words="Vellumcorp")
    found.node("Company", "KETL", words="Kettlebrand")
    found.node("CVE", "CVE-2031-0001", words="Overflow in Kettleware", day="2031-05-01")
    found.node("Vendor", "kettleware", words="Kettleware")
    found.edge("IN_PRODUCT_OF", "CVE-2031-0001", "kettleware", evidence="Kettleware Server")
    found.edge("LISTED_AS", "kettleware", "KETL")
    found.node("Event", "E1", words="Vellumcorp: records taken", day="2031-05-02")
    found.edge("HIT", "E1", "VLLM", evidence="8-K")
    found.node("Official", "Z000001", words="Zenobia Kettlebrand")
    found.edge("TRADED", "Z000001", "VLLM", trades=3, bought=1, sold=2, first_on="2031-01-05", last_on="2031-04-30")
    found.edge("TRADED", "Z000001", "KETL", trades=1, bought=1, sold=0, first_on="2030-01-05", last_on="2030-01-05")
    return found


@pytest.fixture(params=["embedded", "bolt", "neo4j"])
def graph(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[GraphStore]:
    if request.param == "embedded":
        store: GraphStore = EmbeddedGraph(tmp_path / "threats.kgl")
        yield store
        store.close()
        return
    double = BoltDouble()
    store = Neo4jGraph(SecretStr(f"{request.param}://127.0.0.1:{double.port}"), SecretStr("right"), RULES)
    yield store
    store.close()
    double.close()


def test_the_questions_are_answered_from_what_lake_and_highway_wrote(graph: GraphStore) -> None:
    graph.prepare()
    graph.upsert(of_lake(), "lake", "g1")
    graph.upsert(of_items([ITEM]), "highway")
    assert [(r["relation"], r["label"], r["id"], r["day"], r["evidence"]) for r in graph.neighbours("VLLM")] == [
        ("HIT", "Event", "E1", "2031-05-02", "8-K"),
        ("NAMES", "Item", "threat_1", "2031-05-02", "alias:Vellumcorp"),
        ("TRADED", "Official", "Z000001", None, None),
    ]
    assert [(r["label"], r["id"], r["ticker"]) for r in graph.paths("CVE-2031-0001")] == [
        ("Vendor", "kettleware", "KETL"),
        ("Item", "threat_1", "OTHR"),
        ("Item", "threat_1", "VLLM"),
    ]
    assert graph.officials("VLLM") == [
        {
            "official": "Z000001", "name": "Zenobia Kettlebrand", "ticker": "VLLM", "trades": 3, "bought": 1, "sold": 2,
            "first_on": "2031-01-05", "last_on": "2031-04-30", "event": "E1", "incident": "Vellumcorp: records taken",
            "day": "2031-05-02",
        }
    ]  # fmt: skip
    assert graph.officials("KETL") == []  # traded, and not hit
    assert graph.neighbours("NONE") == []


def test_writing_twice_changes_nothing_and_a_new_generation_removes_only_what_the_lake_lost(graph: GraphStore) -> None:
    graph.prepare()
    for _ in range(2):
        graph.upsert(of_lake(), "lake", "g1")
        graph.upsert(of_items([ITEM, ITEM]), "highway")
    before = graph.counts()
    assert before == {
        "Company": 3, "Item": 1, "CVE": 1, "Vendor": 1, "Event": 1, "Official": 1,
        "NAMES": 2, "MENTIONS": 1, "IN_PRODUCT_OF": 1, "LISTED_AS": 1, "HIT": 1, "TRADED": 2,
    }  # fmt: skip
    graph.sweep("g1")
    assert graph.counts() == before
    less = of_lake()
    del less.edges["LISTED_AS"], less.edges["IN_PRODUCT_OF"], less.nodes["Vendor"]
    graph.upsert(less, "lake", "g2")
    graph.sweep("g2")
    assert graph.counts() == before | {"Vendor": 0, "IN_PRODUCT_OF": 0, "LISTED_AS": 0}
    graph.upsert(Pieces(nodes={"Company": {"ELSE": {"words": "x"}}}), "lake", "g3")
    graph.sweep("g3")
    left = graph.counts()  # what came by the highway stands, with the nodes it needs
    assert (left["Item"], left["NAMES"], left["MENTIONS"], left["CVE"], left["Company"]) == (1, 2, 1, 1, 3)
    assert (left["Event"], left["Official"], left["TRADED"], left["HIT"]) == (0, 0, 0, 0)


def test_text_of_items_is_data_and_never_cypher(graph: GraphStore) -> None:
    hostile = "x'}) DETACH DELETE n //"
    graph.prepare()
    graph.upsert(
        of_items([ITEM | {"threatId": hostile, "title": "`$`{}[]\"'\\", "metadata": {"tickers": [hostile[:20]]}}]),
        "highway",
    )
    assert [r["id"] for r in graph.neighbours(hostile[:20])] == [hostile]
    assert graph.neighbours("' OR 1=1") == []


def test_a_wrong_password_or_no_server_is_said_without_secrets() -> None:
    double = BoltDouble()
    for url, password in ((f"bolt://127.0.0.1:{double.port}", "hush-hush"), ("bolt://127.0.0.1:1", "hush-hush")):
        store = Neo4jGraph(SecretStr(url), SecretStr(password), RULES, patience=0.2)
        with pytest.raises(StoreUnavailable) as refused:
            store.neighbours("VLLM")
        assert "hush" not in str(refused.value)
        assert refused.value.__cause__ is None
        store.close()
    double.close()


_WRITER = """
import sys
from pathlib import Path
from cyberpi_assets.domain.highway.graph import Pieces
from cyberpi_assets.storage.graph.embedded import EmbeddedGraph
graph = EmbeddedGraph(Path(sys.argv[1]))
for i in range(10_000):
    part = Pieces()
    part.node("Company", f"T{i}", words="x")
    graph.upsert(part, "highway")
    print(i, flush=True)
"""


def test_a_killed_writer_loses_nothing_it_committed_and_the_next_one_gets_the_file(tmp_path: Path) -> None:
    path = tmp_path / "threats.kgl"
    writer = subprocess.Popen([sys.executable, "-c", _WRITER, str(path)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    for line in writer.stdout:
        if int(line) == 40:
            other = EmbeddedGraph(path)
            with pytest.raises(StoreUnavailable, match="held by another process"):
                other.counts()
            writer.kill()
            break
    said = max([40, *map(int, writer.stdout.read().split())])
    writer.wait()
    after = EmbeddedGraph(path)
    assert after.counts()["Company"] >= said + 1
    after.close()
    assert EmbeddedGraph(path, writes=False).counts()["Company"] >= said + 1
