"""What can go wrong between us and a site, one class per thing a caller would do about it.

A message names the host and the path, never a query, a header, a cookie or a form: these may carry secrets.
"""

from __future__ import annotations

from urllib.parse import urlsplit


def shown(url: str) -> str:
    """An address as a message may show it: without user, query and fragment."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "an unreadable address"
    return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}"


class FetchError(Exception):
    """A document could not be fetched. `again` says whether asking again later may help."""

    again = False

    def __init__(self, url: str, reason: str) -> None:
        self.url = shown(url)
        self.reason = reason
        super().__init__(f"{self.url}: {reason}")


class Refused(FetchError):
    """We do not ask: the host is not among those configured, or the address is none."""


class Blocked(FetchError):
    """HTTP 401 or 403: the site does not serve us. Asking again at once makes it worse.

    `wants_token`: the answer speaks of a form token, so that a new session may help. `body`: its beginning, for sites
    that say more there; it never goes into a message.
    """

    wants_token = False
    body = b""


class Missing(FetchError):
    """HTTP 404 or 410: the site has no such document."""

    again = True


class Rejected(FetchError):
    """Another HTTP status that no retry mends (400, 405, ...), or a redirect that was not expected."""


class Unavailable(FetchError):
    """HTTP 429 or 5xx, or a connection cut again and again, after all attempts. `retry_after` in seconds, if stated."""

    again = True

    def __init__(self, url: str, reason: str, retry_after: float | None = None) -> None:
        super().__init__(url, reason)
        self.retry_after = retry_after


class Offline(FetchError):
    """No connection at all: no network, no such name, or nobody listens."""

    again = True


class TooSlow(FetchError):
    """The body did not arrive within the time allowed for a whole document."""

    again = True


class TooLarge(FetchError):
    """The body is larger than allowed; it was not read to its end."""


class NotADocument(FetchError):
    """The site answered with something else than the document asked for: HTML in place of a PDF or a ZIP."""


class SessionLapsed(FetchError):
    """The site wants its agreement accepted again."""

    again = True


class TermsNotAccepted(FetchError):
    """A person has to accept the site's terms first."""


class IncompleteIndex(FetchError):
    """An index gave fewer entries than it says it has."""

    again = True
