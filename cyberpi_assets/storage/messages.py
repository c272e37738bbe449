"""Messages to people through Apprise: mail, SMS gateways, chat, webhooks.

Here belongs one attempt to send one message to the addresses of the settings. Addresses hold passwords and tokens: none
is ever in what is returned, raised or logged, and Apprise's own words, which may hold one, are not passed on.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import apprise
from pydantic import SecretStr


class _Silence(logging.Filter):
    """Lets nothing through while a message is being sent: what these libraries log has addresses in it."""

    def __init__(self) -> None:
        super().__init__()
        self._sending, self._lock = 0, threading.Lock()

    def filter(self, record: logging.LogRecord) -> bool:  # noqa: ARG002
        return not self._sending

    @contextmanager
    def kept(self) -> Generator[None]:
        with self._lock:
            self._sending += 1
        try:
            yield
        finally:
            with self._lock:
                self._sending -= 1


_SILENCE: Final = _Silence()
for _name in ("apprise", "urllib3.connectionpool", "urllib3.util.retry"):
    logging.getLogger(_name).addFilter(_SILENCE)
_TYPES: Final = {
    "critical": apprise.NotifyType.FAILURE,
    "high": apprise.NotifyType.WARNING,
    "medium": apprise.NotifyType.INFO,
    "low": apprise.NotifyType.INFO,
}


@dataclass(frozen=True)
class Sent:
    """How many services took a message, of how many; and in words, which did not."""

    taken: int
    of: int
    words: str


def send(urls: Sequence[SecretStr], title: str, body: str, severity: str, timeout: float) -> Sent:
    """Send plain text to every address; never raises for what a service does. `timeout`: seconds for one service."""
    asset = apprise.AppriseAsset(async_mode=False, storage_mode="memory", allow_templates=False)
    asset.app_id, asset.app_desc, asset.app_url = "CyberPI", "CyberPI assets", ""
    taken, troubles = 0, list[str]()
    for number, url in enumerate(urls, 1):
        try:
            with _SILENCE.kept():
                well = _one(url, asset, title, body, severity, timeout)
        except Exception as error:  # whatever a plugin does must not stop the other services
            well = type(error).__name__
        if well is None:
            taken += 1
        else:
            troubles.append(f"service {number}: {well}")
    return Sent(taken, len(urls), "; ".join([f"{taken} of {len(urls)} services took it", *troubles]))


def _one(
    url: SecretStr, asset: apprise.AppriseAsset, title: str, body: str, severity: str, timeout: float
) -> str | None:
    """None when the service took the message, else why not."""
    service = apprise.Apprise.instantiate(url.get_secret_value(), asset=asset)
    if service is None:
        return "no address that Apprise knows"
    caller = apprise.Apprise(asset=asset)
    caller.add(service)
    taken = caller.notify(
        body=body,
        title=title,
        notify_type=_TYPES.get(severity, apprise.NotifyType.INFO),
        body_format=apprise.NotifyFormat.TEXT,
        interpret_escapes=False,
        timeout=timeout,
    )
    return None if taken else "did not take it"


def unknown(urls: Sequence[SecretStr]) -> list[int]:
    """Which of the addresses Apprise does not know, counted from 1. Nobody is asked."""
    with _SILENCE.kept():
        return [n for n, url in enumerate(urls, 1) if apprise.Apprise.instantiate(url.get_secret_value()) is None]
