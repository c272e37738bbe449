"""What child processes of the tests do: a small module, so that they start fast."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path

from cyberpi_assets.sources.web.client import HostRules, PoliteClient


def ask(folder: str, base: str, host: str, number: int) -> None:
    """So many requests at 20 a second, nothing kept."""
    with PoliteClient(Path(folder), {host: HostRules(per_second=20.0)}) as client:
        for i in range(number):
            client.send("GET", f"{base}/{i}")


def fetch(folder: str, host: str, urls: list[str]) -> None:
    """Documents through the cache."""
    with PoliteClient(Path(folder), {host: HostRules(per_second=1000.0)}) as client:
        for url in urls:
            client.get(url)


def crawl_senate(folder: str, base: str, host: str) -> None:
    """The whole index of the Senate and all its documents; a line for each."""
    from cyberpi_assets.sources.live.senate_efd import SenateEfd

    with PoliteClient(Path(folder), {host: HostRules(per_second=1000.0)}) as client:
        efd = SenateEfd(client, base, accept_terms=True)
        for row in efd.search(dt.date(2012, 1, 1)).rows:
            efd.document(row)
            print(row.document, flush=True)


def gather_live() -> None:
    """Profile live as the environment says; a line for each thing asked for or read."""
    from functools import partial

    from cyberpi_assets.settings import Settings
    from cyberpi_assets.sources.intake import Intake
    from cyberpi_assets.sources.live.parts import live_parts
    from cyberpi_assets.sources.live.source import LiveSources

    settings = Settings()  # pyright: ignore[reportCallIssue]
    sources = LiveSources(Intake(settings.intake_dir), settings.fetched_dir, partial(live_parts, settings))
    sources.gather(lambda what: print(what, flush=True))


if __name__ == "__main__":
    crawl_senate(*sys.argv[1:4])
