"""The Ollama server: one question at a time, with a deadline, and what went wrong in words.

Here belongs the wire: the `ollama` client, which of its failures may pass, and the record of what answered. What is
asked is in `prompts.py`, what an answer must hold in `answer.py`.

Answers are streamed, so that a deadline and a longest answer hold while the model writes. A model that is being loaded
is no failure: the server lets the request wait.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import ollama
from pydantic import ValidationError

from cyberpi_assets.llm.answer import LONGEST
from cyberpi_assets.reports.safe import clean
from cyberpi_assets.rules.asking import LlmRules

_BUSY = (429, 503)
_PROBE_S = 5.0


class Unanswered(RuntimeError):
    """The server gave no usable answer. `passing`: asking again later may help."""

    def __init__(self, reason: str, *, passing: bool) -> None:
        super().__init__(reason)
        self.passing = passing


class _Busy(Unanswered):
    """The server asks to come again."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, passing=True)


@dataclass(frozen=True)
class Reply:
    """One answer as it came. `cut`: the model ran into the longest answer, or ours."""

    text: str
    cut: bool
    prompt_tokens: int | None
    answer_tokens: int | None
    seconds: float


@dataclass(frozen=True)
class Placement:
    """Which model answered, and where it lies. Shares are of the model's memory, null when not known."""

    digest: str | None
    gpu_share: float | None


class Ollama:
    """The configured model on the configured server. Nothing is sent before the first question."""

    def __init__(
        self,
        rules: LlmRules,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Name server, model and limits. `clock` and `sleep` are seconds, for tests."""
        self.rules, self._clock, self._sleep = rules, clock, sleep
        soon = min(_PROBE_S, rules.timeout_seconds)
        # no proxy of the environment, and no redirect: what is asked goes to the server that was named
        named: dict[str, Any] = {"host": rules.host, "follow_redirects": False, "trust_env": False}
        self._client = ollama.Client(**named, timeout=httpx.Timeout(rules.timeout_seconds, connect=soon))
        self._probe = ollama.Client(**named, timeout=soon)  # what it knows without a model it says at once

    def digest(self) -> str:
        """The digest of the model, which says that the server answers and has it. Raises Unanswered."""
        found = self._told(lambda: self._probe.list()).models
        for model in found:
            if model.model in (self.rules.model, f"{self.rules.model}:latest"):
                return model.digest or ""
        raise Unanswered(f"the server has no model {self.rules.model}: `ollama pull {self.rules.model}`", passing=True)

    def placement(self, digest: str | None) -> Placement:
        """Where the model lies, from /api/ps; unknown where the server does not say."""
        try:
            running = self._told(lambda: self._probe.ps()).models
        except Unanswered:
            return Placement(digest, None)
        for model in running:
            if model.model in (self.rules.model, f"{self.rules.model}:latest") and model.size:
                share = None if model.size_vram is None else min(1.0, int(model.size_vram) / int(model.size))
                return Placement(model.digest or digest, share)
        return Placement(digest, None)

    def ask(self, messages: Sequence[dict[str, str]], schema: dict[str, Any]) -> Reply:
        """One answer under a schema. A busy server is asked again, after 1, 2, 4 ... seconds. Raises Unanswered."""
        began = self._clock()
        for attempt in range(1, self.rules.tries_when_busy + 1):
            try:
                return self._told(lambda: self._stream(messages, schema, began))
            except _Busy:
                if attempt == self.rules.tries_when_busy:
                    raise
                self._sleep(2.0 ** (attempt - 1))
        raise AssertionError

    def _stream(self, messages: Sequence[dict[str, str]], schema: dict[str, Any], began: float) -> Reply:
        parts, size, cut = list[str](), 0, False
        stream = self._client.chat(
            self.rules.model,
            messages,
            stream=True,
            format=schema,
            keep_alive=self.rules.keep_alive,
            options={
                "temperature": 0,
                "seed": self.rules.seed,
                "num_ctx": self.rules.num_ctx,
                "num_predict": self.rules.max_tokens,
            },
        )
        for part in stream:
            if self._clock() - began > self.rules.timeout_seconds:
                raise Unanswered(f"no whole answer within {self.rules.timeout_seconds:g} s", passing=True)
            parts.append(part.message.content or "")
            size += len(parts[-1])
            if size > LONGEST:
                return Reply("".join(parts), True, None, None, self._clock() - began)
            if part.done:
                cut = part.done_reason == "length"
                counts = part.prompt_eval_count, part.eval_count
                return Reply("".join(parts), cut, *counts, self._clock() - began)
        raise Unanswered("the answer broke off", passing=True)

    def _told(self, call: Callable[[], Any]) -> Any:
        """What a call gives; every failure of the client or the wire as Unanswered or _Busy, without addresses."""
        try:
            return call()
        except ollama.ResponseError as error:
            said = clean(str(error.error), 200) or "no reason given"
            if error.status_code in _BUSY:
                raise _Busy(f"the server is busy: {said}") from None
            if error.status_code == 404:
                raise Unanswered(f"the server has no such model: {said}", passing=True) from None
            what = "in the middle of the answer" if error.status_code == -1 else f"with status {error.status_code}"
            raise Unanswered(f"the server failed {what}: {said}", passing=True) from None
        except (ConnectionError, httpx.ConnectError, httpx.ConnectTimeout):
            raise Unanswered("no Ollama server answers", passing=True) from None
        except httpx.TimeoutException:
            raise Unanswered("no answer in time", passing=True) from None
        except httpx.HTTPError:
            raise Unanswered("the connection broke off", passing=True) from None
        except (json.JSONDecodeError, UnicodeDecodeError, ValidationError, AttributeError, TypeError):
            raise Unanswered("the server speaks something other than Ollama's protocol", passing=True) from None
