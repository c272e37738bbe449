"""Yahoo on loopback: recorded answers, and every way in which it was seen to refuse; for the real yfinance.

`SHARED/wire/yahoo_finance` holds the recordings. All hosts of Yahoo are sent here by `rewrite`, which the provider's
session applies to each address.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cyberpi_assets_tests.sources.site import Asked, Reply, Site, serving

JSON = {"Content-Type": "application/json;charset=utf-8"}
TOO_MANY = Reply(429, b"Edge: Too Many Requests", {"Content-Type": "text/html"})
_INVALID = {"code": "Unauthorized", "description": "Invalid Crumb"}
BAD_CRUMB = Reply(401, json.dumps({"finance": {"result": None, "error": _INVALID}}).encode(), JSON)
CONSENT = Reply(200, b"<html><form action='https://consent.yahoo.com/v2/collectConsent'></form></html>")
DOWN = Reply(200, b"<html><body>Will be right back...</body></html>")


def of(body: Any, status: int = 200) -> Reply:
    return Reply(status, json.dumps(body).encode(), JSON)


def recorded(folder: Path, name: str) -> Any:
    """The body of a recording."""
    return json.loads((folder / "wire" / "yahoo_finance" / f"{name}.json").read_text())["response"]["bodyJson"]


def unknown(symbol: str) -> Any:
    words = {"code": "Not Found", "description": "No data found, symbol may be delisted"}
    return {"chart": {"result": None, "error": words}}


@dataclass
class Yahoo:
    """What each path answers; `next` answers come first, in order, whatever is asked for under that path."""

    answers: dict[str, Callable[[Asked], Reply]] = field(default_factory=dict)
    queued: dict[str, list[Reply]] = field(default_factory=dict)
    site: Site = field(init=False)

    def then(self, path: str, *replies: Reply) -> None:
        self.queued.setdefault(path, []).extend(replies)

    def rewrite(self, url: str) -> str:
        parts = urlsplit(url)
        return self.site.base + parts.path + (f"?{parts.query}" if parts.query else "")

    def asked(self, path: str) -> int:
        return sum(a.path == path for a in self.site.asked)

    def answer(self, asked: Asked) -> Reply:
        if self.queued.get(asked.path):
            return self.queued[asked.path].pop(0)
        if asked.path in self.answers:
            return self.answers[asked.path](asked)
        if asked.path == "/v1/test/getcrumb":
            return Reply(200, b"a.Crumb1", {"Content-Type": "text/plain"})
        if asked.path in ("/", "/consent", "/copyConsent", "/v2/collectConsent"):
            return Reply(200, b"<html></html>", cookies=("A3=d=x; Path=/",))
        if asked.path.startswith("/v7/finance/options/"):
            return of({"optionChain": {"result": [], "error": None}})
        if asked.path.startswith("/v8/finance/chart/"):
            return of(unknown(asked.path), 404)
        return of({"finance": {"error": {"code": "Not Found", "description": "no such thing"}}}, 404)


@contextmanager
def yahoo() -> Iterator[Yahoo]:
    fake = Yahoo()
    with serving(fake.answer) as site:
        fake.site = site
        yield fake
