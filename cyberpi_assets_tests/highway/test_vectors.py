"""Vectors: one suite over the file, and over the real Weaviate client against a double; and the lexical vectoriser.

The double speaks REST and gRPC over a dict. So the second run proves the client's side; it proves nothing about
Weaviate's own index, filters and limits. Run the suite against a server of yours before you rely on one.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from cyberpi_assets.domain.highway.items import digest, vector_row
from cyberpi_assets.domain.highway.lexical import DIMENSIONS, embed
from cyberpi_assets.storage.vectors.duck import DuckVectors
from cyberpi_assets.storage.vectors.store import VectorStore
from cyberpi_assets_tests.highway.weaviate_double import WeaviateDouble

TITLES = {
    "threat_a": "Ransomware halts production at a carmaker",
    "threat_b": "Carmaker's production halted by ransomware",
    "threat_c": "Quarterly earnings beat estimates",
}


@pytest.fixture(params=["file", "weaviate"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[VectorStore]:
    if request.param == "file":
        yield DuckVectors(tmp_path, "lexical", DIMENSIONS)
        return
    from cyberpi_assets.storage.vectors.weaviate_server import WeaviateVectors

    double = WeaviateDouble()
    found = WeaviateVectors(SecretStr(f"http://127.0.0.1:{double.port}"), None, double.grpc_port, "Threats", "lexical")
    yield found
    found.close()
    double.close()


def put(store: VectorStore, titles: dict[str, str], origin: str = "lake") -> None:
    items = [{"threatId": k, "title": v, "metadata": {"tickers": ["VLLM"]}} for k, v in titles.items()]
    store.upsert([vector_row(i) for i in items], embed(list(titles.values())), origin)  # pyright: ignore[reportArgumentType]


def test_items_like_one_and_like_a_text_are_found_the_most_alike_first(store: VectorStore) -> None:
    put(store, TITLES)
    vector = store.vector("threat_a")
    assert vector is not None
    found = store.like(vector, 2, without="threat_a")
    assert [m.threat_id for m in found] == ["threat_b", "threat_c"]
    expected = embed([TITLES["threat_a"]])[0] @ embed([TITLES["threat_b"]])[0]
    assert found[0].similarity == pytest.approx(float(expected), abs=1e-5)
    assert (found[0].title, found[0].tickers, found[0].severity) == (TITLES["threat_b"], ["VLLM"], None)
    assert store.like(embed(["earnings estimates"])[0], 1)[0].threat_id == "threat_c"
    assert store.vector("threat_none") is None


def test_storing_again_changes_nothing_and_another_content_takes_the_place(store: VectorStore) -> None:
    put(store, TITLES)
    put(store, TITLES, "highway")
    assert store.count() == 3
    assert store.known(["threat_a", "threat_none"]) == {
        "threat_a": digest({"threatId": "threat_a", "title": TITLES["threat_a"], "metadata": {"tickers": ["VLLM"]}})
    }
    put(store, {"threat_a": "Something else"})
    assert store.count() == 3
    assert store.like(embed(["something else"])[0], 1)[0].title == "Something else"


def test_what_the_lake_lost_is_removed_and_what_came_by_the_highway_stays(store: VectorStore) -> None:
    put(store, TITLES)
    put(store, {"threat_h": "From another platform", "threat_i": "Also"}, "highway")
    store.claim(["threat_i"])
    assert store.retain(["threat_a"]) == 3  # b, c, and i, which the lake had claimed
    assert store.count() == 2
    assert set(store.known(["threat_a", "threat_h"])) == {"threat_a", "threat_h"}


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(max_size=60), max_size=8))
def test_a_vector_is_of_length_one_or_nothing_and_does_not_depend_on_its_neighbours(texts: list[str]) -> None:
    found = embed(texts)
    assert found.shape == (len(texts), DIMENSIONS)
    lengths = np.linalg.norm(found, axis=1)
    assert np.all((np.abs(lengths - 1) < 1e-5) | (lengths == 0))
    for text, row in zip(texts, found, strict=True):
        assert np.array_equal(embed([text])[0], row)


def test_case_order_and_punctuation_matter_little_and_words_matter() -> None:
    a, b, c = embed(["Breach at Vellumcorp!", "vellumcorp: BREACH at", "Kettlebrand names a treasurer"])
    assert a @ b > 0.8
    assert abs(float(a @ c)) < 0.3
