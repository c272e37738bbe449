"""How texts become vectors: hashed words offline, or a model of an Ollama server.

Here belongs asking the server and what its answer must be. The offline way is `domain/highway/lexical.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import httpx
import numpy as np
import ollama
from numpy.typing import NDArray

from cyberpi_assets.domain.highway import lexical
from cyberpi_assets.settings import Settings
from cyberpi_assets.storage.highway.worker import StoreUnavailable

_BATCH = 64
_LONGEST = 4_000  # characters of a text: what a small model reads at once


class DimensionsChanged(StoreUnavailable):
    """The model behind the name is another one now: its vectors have another length, and belong to another store."""


@dataclass(frozen=True)
class Embedding:
    """An engine's name, what its likeness means, its dimensions, and the function (texts to rows of length 1).

    The function raises StoreUnavailable; DimensionsChanged for vectors of another length than `dimensions`.
    """

    engine: str
    likeness: Literal["lexical", "semantic"]
    dimensions: int
    embed: Callable[[Sequence[str]], NDArray[np.float32]]


def embedding_of(settings: Settings) -> Embedding:
    """The configured engine. Raises StoreUnavailable where the server does not answer or lacks the model."""
    if settings.stores.embeddings == "lexical":
        return Embedding("lexical", "lexical", lexical.DIMENSIONS, lexical.embed)
    model = settings.stores.model
    client = ollama.Client(
        host=settings.llm.host,
        timeout=httpx.Timeout(settings.llm.timeout_seconds, connect=5.0),
        follow_redirects=False,
        trust_env=False,
    )

    dimensions = int(_ask(client, model, ["dimensions"]).shape[1])

    def embed(texts: Sequence[str]) -> NDArray[np.float32]:
        asked = [t[:_LONGEST] or " " for t in texts]
        parts = [_ask(client, model, asked[at : at + _BATCH]) for at in range(0, len(asked), _BATCH)]
        if any(p.shape[1] != dimensions for p in parts):
            raise DimensionsChanged("the embedding model changed its dimensions")
        return np.concatenate(parts) if parts else np.zeros((0, dimensions), np.float32)

    return Embedding(f"ollama:{model}", "semantic", dimensions, embed)


def _ask(client: ollama.Client, model: str, texts: Sequence[str]) -> NDArray[np.float32]:
    """One request. Raises StoreUnavailable, without addresses."""
    try:
        answer: Any = client.embed(model, texts)
        found = np.asarray(answer.embeddings, np.float32)
    except ollama.ResponseError as error:
        raise StoreUnavailable(f"the Ollama server answers with status {error.status_code}") from None
    except (ConnectionError, httpx.HTTPError):
        raise StoreUnavailable("no Ollama server answers") from None
    except (ValueError, TypeError, AttributeError):
        raise StoreUnavailable("the server speaks something other than Ollama's protocol") from None
    if found.ndim != 2 or len(found) != len(texts) or found.shape[1] == 0 or not np.isfinite(found).all():
        raise StoreUnavailable("the server did not give one vector of numbers per text")
    lengths = np.linalg.norm(found, axis=1, keepdims=True)
    return (found / np.where(lengths > 0, lengths, 1)).astype(np.float32)
