"""Embeddings by the real Ollama client against a server on loopback: lots, lengths, failures, and another model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from cyberpi_assets import tables
from cyberpi_assets.rules.asking import LlmRules
from cyberpi_assets.rules.running import StoreRules
from cyberpi_assets.settings import Settings
from cyberpi_assets.storage.highway.handlers import VectorHandler
from cyberpi_assets.storage.highway.rebuilding import rebuild_vectors
from cyberpi_assets.storage.highway.worker import StoreUnavailable
from cyberpi_assets.storage.vectors.embedding import DimensionsChanged, embedding_of
from cyberpi_assets.storage.vectors.store import VectorStore, open_vectors
from cyberpi_assets_tests.highway.test_publication import item
from cyberpi_assets_tests.llm.ollama_server import Server, ollama_server


class Model:
    """Vectors that count letters a to z, cut to `dimensions`; `broken` in place of every answer."""

    def __init__(self) -> None:
        self.dimensions = 8
        self.broken: Callable[[int], tuple[int, Any]] | None = None

    def __call__(self, question: dict[str, Any]) -> tuple[int, Any]:
        texts = question["input"]
        if self.broken is not None:
            return self.broken(len(texts))
        vectors = [[t.count(chr(97 + i)) + 0.0 for i in range(self.dimensions)] for t in texts]
        return 200, {"model": question["model"], "embeddings": vectors}


@pytest.fixture
def model() -> Model:
    return Model()


@pytest.fixture
def server(model: Model) -> Iterator[Server]:
    with ollama_server(embed=model) as running:
        yield running


def settings_of(folder: Path, host: str) -> Settings:
    return Settings(  # pyright: ignore[reportCallIssue]
        store=folder,
        llm=LlmRules(host=host, timeout_seconds=5),  # pyright: ignore[reportCallIssue]
        stores=StoreRules(embeddings="ollama", model="letters"),  # pyright: ignore[reportCallIssue]
    )


def document(n: int, words: str) -> dict[str, Any]:
    return {"threatId": f"threat_{n}", "title": words, "metadata": {"tickers": []}}


def test_texts_are_asked_for_in_lots_and_come_back_in_order_with_length_one(tmp_path: Path, server: Server) -> None:
    embedding = embedding_of(settings_of(tmp_path, server.host))
    assert (embedding.engine, embedding.likeness, embedding.dimensions) == ("ollama:letters", "semantic", 8)
    texts = [*("a" * n + "b" for n in range(1, 140)), "", "x" * 9_000]
    found = embedding.embed(texts)
    assert found.shape == (141, 8)
    for n in (1, 64, 65, 139):  # of n letters a and one b
        assert found[n - 1][:2] == pytest.approx(np.array([n, 1]) / np.hypot(n, 1), abs=1e-6)
    assert np.linalg.norm(found[:-2], axis=1) == pytest.approx(1, abs=1e-6)
    assert not found[-2:].any()  # no letter that counts
    asked = [q["input"] for q in server.asked[1:]]
    assert [len(lot) for lot in asked] == [64, 64, 13]
    assert asked[-1][-2:] == [" ", "x" * 4_000]
    assert {q["model"] for q in server.asked} == {"letters"}
    assert embedding.embed([]).shape == (0, 8)


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (lambda n: (404, {"error": 'model "letters" not found, try pulling it first'}), "status 404"),
        (lambda n: (500, {"error": "llama runner process has terminated"}), "status 500"),
        (lambda n: (200, {"model": "letters"}), "something other than Ollama's protocol"),
        (lambda n: (200, {"embeddings": [[1.0, 2.0]] * (n + 1)}), "one vector of numbers per text"),
        (lambda n: (200, {"embeddings": [[float("nan")]] * n}), "one vector of numbers per text"),
        (lambda n: (200, {"embeddings": [[]] * n}), "one vector of numbers per text"),
        (lambda n: (200, ["not", "an", "object"]), "something other than Ollama's protocol"),
    ],
)
def test_what_is_no_answer_is_a_store_that_cannot_be_used(
    tmp_path: Path, server: Server, model: Model, broken: Callable[[int], tuple[int, Any]], words: str
) -> None:
    model.broken = broken
    with pytest.raises(StoreUnavailable, match=words) as caught:
        embedding_of(settings_of(tmp_path, server.host))
    assert "127.0.0.1" not in str(caught.value)


def test_no_server_is_said_without_its_address(tmp_path: Path) -> None:
    with ollama_server() as gone:
        host = gone.host
    with pytest.raises(StoreUnavailable, match="no Ollama server answers"):
        embedding_of(settings_of(tmp_path, host))


def test_another_model_behind_the_name_goes_into_a_store_of_its_own_and_nothing_is_lost(
    tmp_path: Path, server: Server, model: Model
) -> None:
    settings = settings_of(tmp_path, server.host)

    def opened() -> tuple[Any, VectorStore]:
        embedding = embedding_of(settings)
        return embedding, open_vectors(settings, embedding.engine, embedding.dimensions)

    rigid, handler = VectorHandler(*opened()), VectorHandler(*opened(), opened)
    handler.store([document(1, "abba"), document(2, "babble")])
    model.dimensions = 12
    with pytest.raises(DimensionsChanged):
        rigid.store([document(3, "cabal")])
    handler.store([document(3, "cabal")])
    handler.store([document(4, "decade")])
    handler.close()
    old, new = (open_vectors(settings, "ollama:letters", n) for n in (8, 12))
    assert (old.count(), set(new.known(["threat_1", "threat_3", "threat_4"]))) == (2, {"threat_3", "threat_4"})

    given = [item(n, title="babble", content=str(n)) for n in (1, 2)]
    told = rebuild_vectors(settings, pa.Table.from_pylist(given, schema=tables.INTELLIGENCE_ITEMS.schema)).to_pylist()
    assert [(t["dimensions"], t["n"], t["embedded"], t["place"]) for t in told] == [
        (12, 4, 2, "vectors/ollama_letters-12.duckdb")
    ]
