"""Daily bars of the watched names: each name's whole history as the provider has it now, one folder a name.

    bars/<provider>/<TICKER>/      bar_facts.parquet, action_facts.parquet, gap_facts.parquet, asked.json

A history is replaced whole, never added to: a split or a dividend changes what the provider prints for every earlier
day, and two readings on two bases would contradict each other. The running session is left out until it has closed.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow.parquet as pq

from cyberpi_assets.sources.providers.answers import Answer, Blocked, MarketProvider, Unreachable, facts_table
from cyberpi_assets.sources.providers.store import aside

FACTS = ("bar_facts", "action_facts", "gap_facts")


def refresh(
    provider: MarketProvider,
    tickers: Sequence[str],
    root: Path,
    first: dt.date,
    last: dt.date,
    progress: Callable[[str], None] | None = None,
) -> str | None:
    """Ask for the history of every name that is not known to `last` (a closed session); why it stopped early, or None.

    A name that failed keeps the history it had; a failure that may pass is tried again at the next call.
    """
    stale = [t for t in tickers if asked(root, provider.name, t).get("last") != last.isoformat()]

    async def work() -> str | None:
        try:
            async with provider:
                async for answer in provider.bars(stale, first, last):
                    _keep(answer, root, provider.name, last)
                    if progress is not None:
                        progress(f"{answer.ticker}: {len(answer.of('bar_facts')):,} daily bars")
        except (Blocked, Unreachable) as error:
            return str(error)
        return None

    return asyncio.run(work()) if stale else None


def folder_of(root: Path, provider: str, ticker: str) -> Path:
    """Where a name's history lies."""
    return root / provider / quote(ticker, safe="")


def asked(root: Path, provider: str, ticker: str) -> dict[str, Any]:
    """What a name's history was asked for with; empty when there is none."""
    try:
        return json.loads((folder_of(root, provider, ticker) / "asked.json").read_text())
    except (OSError, ValueError):
        return {}


def _keep(answer: Answer, root: Path, provider: str, last: dt.date) -> None:
    final = folder_of(root, provider, answer.ticker)
    if answer.worth_asking_again or (not answer.of("bar_facts") and final.exists()):
        return
    root.mkdir(parents=True, exist_ok=True)
    with aside(root, final) as folder:
        for fact in FACTS:
            if rows := answer.of(fact):
                file = f"bars/{provider}/{answer.ticker}"
                pq.write_table(facts_table(fact, rows, source=provider, file=file), folder / f"{fact}.parquet")
        (folder / "asked.json").write_text(json.dumps({"ticker": answer.ticker, "last": last.isoformat()}))
