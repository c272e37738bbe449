"""The polite client: one rate per host, retries with patience, conditional requests, and every document kept.

It asks only hosts it was configured for, follows redirects only among them, reads at most so many bytes in at most so
much time, and raises an error of `errors.py` for anything else than the document asked for. Time is injected.
"""

from __future__ import annotations

import datetime as dt
import email.utils
import logging
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urljoin, urlsplit

import httpx

from cyberpi_assets.sources.web import errors as e
from cyberpi_assets.sources.web.cache import RawCache, RawDocument
from cyberpi_assets.sources.web.limiter import HostLimiter

log: Final = logging.getLogger(__name__)

RETRIED: Final = frozenset({429, 500, 502, 503, 504})
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
MAX_HOPS: Final = 4
_ABSENT: Final = "absent "
Freshness = Literal["kept", "validated"]


@dataclass(frozen=True)
class HostRules:
    """How one host is treated. Times in seconds."""

    per_second: float = 1.0
    timeout: float = 30.0  # for connecting, and for each silence within an answer
    deadline: float = 180.0  # for one whole answer
    max_bytes: int = 64 * 2**20
    attempts: int = 5
    backoff: float = 2.0  # first pause at most; it doubles with every attempt
    max_pause: float = 120.0  # a host that asks for more is left alone
    absent_for: float = 86_400.0  # a document that is not there is not asked for again so soon
    fresh_for: float = 0.0  # nor is a kept one validated again so soon


@dataclass(frozen=True)
class Clock:
    """Time: seconds since the epoch, seconds that never run backwards, and waiting."""

    wall: Callable[[], float] = time.time
    steady: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def now(self) -> dt.datetime:
        """The present moment, UTC."""
        return dt.datetime.fromtimestamp(self.wall(), dt.UTC)


@dataclass(frozen=True)
class Answer:
    """One HTTP answer in full. `location` is the absolute address a redirect points to."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    location: str | None = None

    @property
    def text(self) -> str:
        """The body as text; what is not UTF-8 is replaced."""
        return self.body.decode("utf-8", "replace")


Check = Callable[[Answer], None]


def accept_any(answer: Answer) -> None:
    """The check that lets every body pass."""


@dataclass
class PoliteClient:
    """Fetches documents from the configured hosts and keeps them under `folder`.

    `hosts` maps a host name, or host:port, to its rules. Close it, or use it as a context. Threads may share it.
    """

    folder: Path
    hosts: Mapping[str, HostRules]
    user_agent: str = "cyberpi-assets/0.1"
    clock: Clock = field(default_factory=Clock)
    jitter: random.Random = field(default_factory=random.Random)
    requests: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.cache = RawCache(self.folder / "raw")
        self._limits = {
            host: HostLimiter(self.folder / "slots", host, rules.per_second, self.clock.wall, self.clock.sleep)
            for host, rules in self.hosts.items()
        }
        self._http = httpx.Client(
            headers={"User-Agent": self.user_agent, "Accept-Encoding": "gzip, deflate"},
            follow_redirects=False,
            trust_env=True,
            http2=False,
        )

    def __enter__(self) -> PoliteClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def cookie(self, name: str, url: str) -> str | None:
        """The value of a cookie that would be sent to an address."""
        host = urlsplit(url).hostname or ""
        for cookie in self._http.cookies.jar:
            domain = cookie.domain.lstrip(".")
            if cookie.name == name and (host == domain or host.endswith("." + domain) or domain == f"{host}.local"):
                return cookie.value
        return None

    def forget_session(self) -> None:
        """Drop all cookies."""
        self._http.cookies.clear()

    # ------------------------------------------------------------------------------------------------------- documents

    def get(
        self,
        url: str,
        *,
        fresh: Freshness = "kept",
        check: Check = accept_any,
        headers: Mapping[str, str] | None = None,
        follow: bool = True,
    ) -> RawDocument:
        """A document by its address, from the cache or the site.

        `kept` asks the site only for what is not kept; `validated` asks it whether the kept one is still current
        (ETag, Last-Modified) and reads it anew only if not. `check` sees the answer before it is kept and raises for
        what is not the document. Addresses are kept as they are: give no secret in a query. That a document is missing
        is kept too, for `absent_for` seconds.

        Raises the errors of `errors.py`.
        """
        with self.cache.alone(url):
            known = self.cache.find(url)
            if known is not None and (fresh == "kept" or self._age(known) < self._rules(url)[1].fresh_for):
                return known
            absent = self.cache.find(_ABSENT + url)
            if fresh == "kept" and absent is not None and not self._due(absent, url):
                raise e.Missing(url, "the site has no such document (asked before)")
            asked = dict(headers or {})
            if known is not None:
                for name, told in (("If-None-Match", "etag"), ("If-Modified-Since", "last-modified")):
                    if told in known.headers:
                        asked[name] = known.headers[told]
            try:
                answer = self.send("GET", url, headers=asked, follow=follow)
            except e.Missing:
                self.cache.keep(_ABSENT + url, url, 404, {}, b"", self.clock.now())
                raise
            if answer.status == 304:
                if known is None:
                    raise e.Rejected(url, "HTTP 304 for a document that was not asked about")
                return self.cache.confirm(known, self.clock.now())
            check(answer)
            if answer.status in REDIRECTS:
                raise e.Rejected(url, f"redirected to {e.shown(answer.location or '')}")
            return self.cache.keep(url, answer.url, answer.status, answer.headers, answer.body, self.clock.now())

    def _due(self, absent: RawDocument, url: str) -> bool:
        return self._age(absent) >= self._rules(url)[1].absent_for

    def _age(self, known: RawDocument) -> float:
        return (self.clock.now() - known.validated_at).total_seconds()

    # -------------------------------------------------------------------------------------------------------- requests

    def send(
        self,
        method: str,
        url: str,
        *,
        data: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        follow: bool = False,
    ) -> Answer:
        """One request with all politeness, and nothing kept: for agreements, forms and searches.

        Gives the answers 2xx, 304 and (without `follow`) redirects; raises the errors of `errors.py` for the rest.
        """
        origin = url
        for _ in range(MAX_HOPS + 1):
            answer = self._patiently(method, url, data, headers or {})
            if answer.status not in REDIRECTS or not follow:
                return answer
            if answer.location is None:
                raise e.Rejected(url, f"HTTP {answer.status} without an address")
            url = answer.location
            if answer.status == 303 or (answer.status in (301, 302) and method == "POST"):
                method, data = "GET", None
        raise e.Rejected(origin, f"more than {MAX_HOPS} redirects")

    def _patiently(self, method: str, url: str, data: Mapping[str, str] | None, headers: Mapping[str, str]) -> Answer:
        host, rules = self._rules(url)
        for attempt in range(1, rules.attempts + 1):
            self._limits[host].wait()
            self.requests += 1
            wanted: float | None = None
            try:
                answer = self._once(method, url, data, headers, rules)
            except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
                failure: e.FetchError = e.Offline(url, f"no connection ({type(error).__name__})")
            except httpx.TransportError as error:
                failure = e.Unavailable(url, f"the connection failed ({type(error).__name__})")
            except (httpx.InvalidURL, httpx.DecodingError, httpx.StreamError, ValueError) as error:
                raise e.Rejected(url, f"the answer is not readable ({type(error).__name__})") from None
            else:
                if answer.status not in RETRIED:
                    return self._judged(answer)
                wanted = retry_after(answer.headers.get("retry-after"), self.clock.now())
                failure = e.Unavailable(url, f"HTTP {answer.status}", wanted)
            pause = max(wanted or 0.0, self.jitter.uniform(0.5, 1.0) * rules.backoff * 2 ** (attempt - 1))
            if wanted is not None:
                self._limits[host].hold(wanted)
            if attempt == rules.attempts or pause > rules.max_pause:
                failure.reason += f", after {attempt} attempts" if attempt > 1 else ""
                failure.args = (f"{failure.url}: {failure.reason}",)
                raise failure
            log.info("%s: %s; asked again in %.1f s", failure.url, failure.reason, pause)
            self.clock.sleep(pause)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _once(
        self, method: str, url: str, data: Mapping[str, str] | None, headers: Mapping[str, str], rules: HostRules
    ) -> Answer:
        started = self.clock.steady()
        body = bytearray()
        with self._http.stream(
            method, url, data=dict(data) if data is not None else None, headers=dict(headers), timeout=rules.timeout
        ) as response:
            stated: Any = response.headers.get("content-length", "")
            if stated.isdigit() and int(stated) > rules.max_bytes:
                raise e.TooLarge(url, f"{int(stated):,} bytes announced, {rules.max_bytes:,} allowed")
            for chunk in response.iter_bytes(chunk_size=None):
                body += chunk
                if len(body) > rules.max_bytes:
                    raise e.TooLarge(url, f"more than {rules.max_bytes:,} bytes")
                if self.clock.steady() - started > rules.deadline:
                    raise e.TooSlow(url, f"not complete after {rules.deadline:.0f} s ({len(body):,} bytes)")
            location = response.headers.get("location")
            return Answer(
                url,
                response.status_code,
                {k.lower(): v for k, v in response.headers.items()},
                bytes(body),
                urljoin(url, location) if location else None,
            )

    def _judged(self, answer: Answer) -> Answer:
        if answer.status < 300 or answer.status == 304 or answer.status in REDIRECTS:
            return answer
        if answer.status in (401, 403):
            blocked = e.Blocked(answer.url, f"HTTP {answer.status}: the site does not serve this address or client")
            blocked.wants_token = b"csrf" in answer.body[:20_000].lower()
            blocked.body = answer.body[:20_000]
            raise blocked
        if answer.status in (404, 410):
            raise e.Missing(answer.url, f"HTTP {answer.status}: the site has no such document")
        raise e.Rejected(answer.url, f"HTTP {answer.status}")

    def _rules(self, url: str) -> tuple[str, HostRules]:
        try:
            parts = urlsplit(url)
            name, port = (parts.hostname or "").lower(), parts.port
        except ValueError:
            raise e.Refused(url, "not an address") from None
        if parts.scheme not in ("http", "https") or parts.username or parts.password:
            raise e.Refused(url, "not a plain http or https address")
        for host in (f"{name}:{port}", name) if port else (name,):
            if host in self.hosts:
                return host, self.hosts[host]
        raise e.Refused(url, "the host is not among those configured")


def retry_after(value: str | None, now: dt.datetime) -> float | None:
    """Seconds to wait from a Retry-After header (seconds, or an HTTP date); None when there is none."""
    if value is None or len(value) > 100:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return float(min(int(text), 10**7))
    try:
        when = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=dt.UTC)
    return max(0.0, (when - now).total_seconds())


def begins_with(*signatures: bytes, what: str) -> Check:
    """A check that a body begins as its format does; NotADocument names HTML in its place."""

    def check(answer: Answer) -> None:
        if answer.body.startswith(signatures):
            return
        head = answer.body[:1024].lstrip().lower()
        found = "HTML" if head.startswith((b"<!doctype", b"<html", b"<head", b"<body")) else "something else"
        raise e.NotADocument(answer.url, f"{found} in place of {what} ({len(answer.body):,} bytes)")

    return check
