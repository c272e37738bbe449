"""A TAXII 2.1 collection of somebody else as a place to put objects.

Here belongs the protocol: what a collection allows, envelopes of a size the server takes, and the status of what was
sent. What the objects say is decided in `reports/exports/`.

Credentials go only over TLS, or to this machine; redirects are not followed, so that they go nowhere else. No error
names them.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, urlsplit

import httpx

MEDIA: Final = "application/taxii+json;version=2.1"
LARGEST_ANSWER: Final = 4 * 2**20
_TIMEOUT_S: Final = 30.0
_POLLS, _FIRST_WAIT_S, _LONGEST_WAIT_S = 20, 0.5, 10.0
_WORDS: Final = {
    401: "user or password is not accepted",
    403: "the collection may not be written to by this user",
    404: "there is no such collection",
    406: "it does not speak TAXII 2.1 (406)",
    415: "it does not take TAXII 2.1 (415)",
    422: "it does not take these objects (422)",
}


class TaxiiRefused(OSError):
    """The server does not take what was sent, with the reason in words."""


@dataclass
class Pushed:
    """How many objects were taken or are still pending, and of each refused one its id and the server's words."""

    taken: int = 0
    pending: int = 0
    failed: list[str] = field(default_factory=list)


def push(
    url: str,
    objects: Sequence[Mapping[str, Any]],
    *,
    login: tuple[str, str] | None = None,
    wait: Callable[[float], None] = time.sleep,
) -> Pushed:
    """Put objects into the collection at `url` (`.../collections/<id>/`) and follow them until the server has decided.

    login: user and password. wait: how to wait between two looks at a status, seconds. Raises TaxiiRefused for a URL
    that may not be used, for a collection that is not writable, and for answers that say no; objects refused one by one
    are in the result.
    """
    url = url if url.endswith("/") else url + "/"
    parts = urlsplit(url)
    loopback = parts.hostname in {"127.0.0.1", "localhost", "::1"}
    if parts.scheme != "https" and not (parts.scheme == "http" and loopback):
        raise TaxiiRefused("a TAXII server is asked over https, or on this machine")
    if "/collections/" not in parts.path or parts.path.endswith("/collections/") or parts.username is not None:
        raise TaxiiRefused("name a collection, as https://host/root/collections/<id>/, without user or password")
    auth = httpx.BasicAuth(*login) if login is not None else None
    with httpx.Client(auth=auth, timeout=_TIMEOUT_S, follow_redirects=False, trust_env=False) as client:
        server = _Server(client, url, wait)
        server.check()
        done = Pushed()
        for envelope in _envelopes(objects, server.most_bytes):
            server.put(envelope, done)
        return done


def _envelopes(objects: Sequence[Mapping[str, Any]], most: int) -> list[list[Mapping[str, Any]]]:
    """The objects in order, in parts whose envelope stays within the size; a single larger one is a part alone."""
    parts: list[list[Mapping[str, Any]]] = []
    room = 0
    for one in objects:
        size = len(json.dumps(one).encode()) + 2
        if not parts or size > room:
            parts.append([])
            room = most - len(b'{"objects": []}')
        parts[-1].append(one)
        room -= size
    return parts


@dataclass
class _Server:
    client: httpx.Client
    url: str
    wait: Callable[[float], None]
    most_bytes: int = 2**20

    @property
    def root(self) -> str:
        return self.url[: self.url.rindex("/collections/") + 1]

    def check(self) -> None:
        """Refuse a collection that cannot be written to; learn how large an envelope may be."""
        if not self._json("GET", self.url, {200}).get("can_write"):
            raise TaxiiRefused("the collection cannot be written to (can_write is false)")
        most = self._json("GET", self.root, {200}).get("max_content_length")
        if isinstance(most, int) and most > 0:
            self.most_bytes = most

    def put(self, objects: list[Mapping[str, Any]], done: Pushed) -> None:
        """One envelope; where it is too large after all, its halves."""
        body = json.dumps({"objects": objects}).encode()
        answer = self._send("POST", self.url + "objects/", body)
        if answer.status_code == 413:
            if len(objects) == 1:
                done.failed.append(f"{objects[0].get('id')}: larger than the server takes")
                return
            middle = len(objects) // 2
            self.put(objects[:middle], done)
            self.put(objects[middle:], done)
            return
        status, pause = self._read(answer, {202}), _FIRST_WAIT_S
        for _ in range(_POLLS):
            if status.get("status") == "complete" or not isinstance(status.get("id"), str):
                break
            self.wait(pause)
            pause = min(pause * 1.6, _LONGEST_WAIT_S)
            status = self._json("GET", f"{self.root}status/{quote(status['id'], safe='')}/", {200})
        self._count(status, len(objects), done)

    @staticmethod
    def _count(status: Mapping[str, Any], sent: int, done: Pushed) -> None:
        failures = [f for f in status.get("failures") or [] if isinstance(f, dict)]
        done.failed += [f"{f.get('id')}: {str(f.get('message', 'no reason given'))[:200]}" for f in failures]
        pending = status.get("pending_count")
        still = pending if isinstance(pending, int) and status.get("status") != "complete" else 0
        done.pending += still
        done.taken += max(sent - len(failures) - still, 0)

    def _json(self, method: str, url: str, wanted: set[int]) -> dict[str, Any]:
        return self._read(self._send(method, url), wanted)

    def _send(self, method: str, url: str, body: bytes | None = None) -> httpx.Response:
        headers = {"Accept": MEDIA} | ({"Content-Type": MEDIA} if body is not None else {})
        try:
            with self.client.stream(method, url, content=body, headers=headers) as answer:
                read = b""
                for part in answer.iter_bytes():
                    read += part
                    if len(read) > LARGEST_ANSWER:
                        raise TaxiiRefused("its answer is too large")
                return httpx.Response(answer.status_code, headers={"Content-Type": MEDIA}, content=read)
        except httpx.HTTPError as error:
            raise TaxiiRefused(f"the TAXII server does not answer ({type(error).__name__})") from None

    @staticmethod
    def _read(answer: httpx.Response, wanted: set[int]) -> dict[str, Any]:
        if answer.status_code not in wanted:
            words = _WORDS.get(answer.status_code, f"it answers {answer.status_code}")
            raise TaxiiRefused(f"the TAXII server refuses: {words}")
        try:
            found: Any = json.loads(answer.content)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise TaxiiRefused("the TAXII server answers something that is no JSON object")
        return found
