"""The one session through which Yahoo is asked: its rate, and every refusal seen before yfinance can hide it.

yfinance's own ways lose refusals: `download()` turns 429 into an empty frame, a refused crumb is kept as if it were one
and the failing request is repeated at once. So each answer is looked at here first. What it says is in `parse.py`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from curl_cffi.requests import Response, Session
from yfinance.exceptions import YFRateLimitError

from cyberpi_assets.sources.web.limiter import HostLimiter

DOMAIN = "yahoo.com"
_TOO_MANY = "Too Many Requests"
_LONGEST_CRUMB = 64


class NoCrumb(ConnectionError):
    """Yahoo gave something else than a crumb; a ConnectionError, so that yfinance goes on without one."""


class YahooSession(Session[Response]):
    """A browser-like session that keeps to a rate, asks Yahoo alone, and falls silent when Yahoo refuses.

    `limiter` paces all requests of all processes, cookies and crumbs included. `pause` is how long to be silent after
    429, in seconds of `clock`; it doubles with each further refusal. `rewrite` sends addresses elsewhere, in tests.
    """

    def __init__(
        self,
        limiter: HostLimiter,
        pause: float,
        timeout: float,
        clock: Callable[[], float] = time.time,
        rewrite: Callable[[str], str] = str,
    ) -> None:
        super().__init__(impersonate="chrome")
        self._limiter, self._pause, self._longest, self._clock, self._rewrite = limiter, pause, timeout, clock, rewrite
        self._silent_until = 0.0
        self.refusals = 0  # how often Yahoo answered 429; an empty frame that came with one of these means nothing
        self.asked = 0

    @property
    def seconds_silent(self) -> float:
        """How long to be silent still; 0 when requests may go out."""
        return max(0.0, self._silent_until - self._clock())

    def request(self, method: Any, url: str, *args: Any, **more: Any) -> Response:
        """One request, when its turn comes. Raises YFRateLimitError, at once while silent, and NoCrumb."""
        parts = urlsplit(url)
        if parts.scheme != "https" or not (parts.hostname == DOMAIN or (parts.hostname or "").endswith("." + DOMAIN)):
            raise PermissionError("only addresses of Yahoo are asked")
        if self.seconds_silent > 0:
            raise YFRateLimitError
        self._limiter.wait()
        self.asked += 1
        more["timeout"] = min(float(more.get("timeout") or self._longest), self._longest)
        answer = super().request(method, self._rewrite(url), *args, **more)
        if answer.status_code == 429 or (answer.status_code >= 400 and _TOO_MANY in answer.text[:200]):
            self._fall_silent()
            raise YFRateLimitError
        if parts.path.endswith("/getcrumb") and not _is_crumb(answer):
            raise NoCrumb("Yahoo gave no crumb")
        return answer

    def _fall_silent(self) -> None:
        seconds = self._pause * 2**self.refusals
        self.refusals += 1
        self._silent_until = self._clock() + seconds
        self._limiter.hold(seconds)


def _is_crumb(answer: Response) -> bool:
    """A crumb is a short word; refusals come as JSON, HTML or a sentence in its place."""
    text = answer.text.strip()
    return answer.status_code == 200 and 0 < len(text) <= _LONGEST_CRUMB and not any(mark in text for mark in "{<> ")
