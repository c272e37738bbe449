"""A sweep: a whole universe asked for quotes and chains, under the provider's limits, resumed where it was killed.

Every ticker of the universe ends with rows or with a gap that says why not. When a sweep is due is not decided here.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cyberpi_assets.rules.asking import MarketRules
from cyberpi_assets.sources.providers.answers import (
    Answer,
    Blocked,
    Fires,
    MarketProvider,
    Record,
    Unreachable,
)
from cyberpi_assets.sources.providers.store import Stage, Sweep, begin, sweeps

Mode = Literal["quotes", "fired", "full"]
PASSES = 3  # how often names are asked for again that failed for no lasting reason


@dataclass(frozen=True)
class Swept:
    """How a sweep ended: names with a quote, with a chain, with gaps alone; and why it stopped early, if it did."""

    sweep: Sweep
    quoted: int
    chained: int
    missing: tuple[str, ...]
    stopped: str | None


def fires_by(rules: MarketRules) -> Fires:
    """The thresholds of the settings on a snapshot row: True, False, or null where its figures are unknown.

    Puts without a call fire: the ratio is then without bound (METHODS, section 5).
    """

    def fires(row: Record) -> bool | None:
        puts, calls, usual = row.get("put_volume"), row.get("call_volume"), row.get("average_option_volume")
        if puts is None or calls is None:
            return None
        if puts > 0 and puts >= rules.fires_put_call * calls:
            return True
        return None if not usual else puts + calls >= rules.fires_volume_ratio * usual

    return fires


def run_sweep(
    provider: MarketProvider,
    tickers: Sequence[str],
    root: Path,
    rules: MarketRules,
    *,
    mode: Mode,
    now: Callable[[], dt.datetime],
    fires: Fires | None = None,
    patience: float = 0.0,
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    progress: Callable[[str], None] | None = None,
) -> Swept:
    """Ask for every ticker, or go on with the sweep of the same universe that was killed less than a period ago.

    `mode`: quotes alone; quotes and the chains of names that fire; all chains. `now` is UTC. `patience` is how many
    seconds of a provider's silence (Blocked) are waited for with `pause` before the rest becomes gaps.
    """
    at = now()
    sweep = None
    for left in sweeps(root):
        if left.finished:
            continue
        about = left.about
        same = (about["provider"], about["mode"], about["tickers"]) == (provider.name, mode, list(tickers))
        young = at - left.began < dt.timedelta(minutes=rules.every_minutes)
        if same and young:
            sweep = left
        elif not young or about["mode"] == mode:  # quotes alone do not end a sweep of chains that may be resumed
            _close(left, at, "the sweep was killed and not resumed in time", fires_by(rules))
    fires = fires or fires_by(rules)
    sweep = sweep or begin(root, provider.name, mode, tickers, at)
    stopped = asyncio.run(_Work(provider, sweep, list(tickers), mode, fires, at, patience, pause, progress).run())
    _close(sweep, now(), stopped or "the provider gave no answer", fires)
    return outcome_of(sweep, stopped)


def outcome_of(sweep: Sweep, stopped: str | None = None) -> Swept:
    """What a finished sweep brought."""
    tickers = sweep.about["tickers"]
    quoted = set(sweep.table("snapshot_facts").column("ticker").to_pylist())
    chained = set(sweep.table("chain_facts").column("ticker").to_pylist())
    missing = tuple(t for t in tickers if t not in quoted | chained)
    return Swept(sweep, len(quoted), len(chained), missing, stopped)


def wants_chain(sweep: Sweep, ticker: str, fires: Fires) -> bool | None:
    """Whether the sweep is to have a chain of this ticker: null where the figures that decide it are unknown."""
    if sweep.about["mode"] == "quotes":
        return False
    if sweep.about["mode"] == "full":
        return True
    rows = sweep.read(ticker, "quote", "snapshot_facts")
    return fires(rows[0]) if rows else False


def _close(sweep: Sweep, at: dt.datetime, why: str, fires: Fires) -> None:
    """End a sweep: what was wanted and is not there becomes a gap, so that no ticker is lost."""
    for ticker in sweep.about["tickers"]:
        stages: list[tuple[Stage, bool | None]] = [("quote", True), ("chain", wants_chain(sweep, ticker, fires))]
        for stage, wanted in stages:
            if sweep.has(ticker, stage) or wanted is False:
                continue
            answer = Answer(ticker)
            if wanted:
                answer.gap(stage, at, f"not asked: {why}", "unasked", retryable=True)
            else:
                words = "put and call volumes are unknown, so whether it fires is: the full chain was not asked for"
                answer.gap(stage, at, words, "unknown", retryable=False)
            sweep.keep(answer, stage)
    sweep.finish()


@dataclass
class _Work:
    """One attempt at a sweep. All its snapshots carry the moment at which the attempt began."""

    provider: MarketProvider
    sweep: Sweep
    tickers: list[str]
    mode: Mode
    fires: Fires
    at: dt.datetime
    patience: float
    pause: Callable[[float], Awaitable[None]]
    progress: Callable[[str], None] | None

    async def run(self) -> str | None:
        """Ask for everything that is not there; why it stopped early, or nothing."""
        try:
            async with self.provider:
                for _ in range(PASSES):
                    if not self._left("quote") and not self._chains_left():
                        break
                    if stopped := await self._patiently():
                        return stopped
        except Unreachable as error:
            return str(error)
        return None

    async def _patiently(self) -> str | None:
        """One pass, waiting through the provider's silences as long as patience lasts."""
        while True:
            try:
                await self._pass()
                return None
            except Blocked as blocked:
                if blocked.seconds > self.patience:
                    return f"{blocked.reason} ({blocked.code})"
                self.patience -= blocked.seconds
                self._say(f"{blocked.reason}: silent for {blocked.seconds:.0f} s")
                await self.pause(blocked.seconds)

    async def _pass(self) -> None:
        if left := self._left("quote"):
            async for answer in self.provider.quotes(left, self.at):
                self.sweep.keep(answer, "quote")
                self._say(f"{answer.ticker}: quote")
        for ticker in self._chains_left():
            answer = await self.provider.chain(ticker, self.at)
            self.sweep.keep(answer, "chain")
            self._say(f"{ticker}: chain of {len(answer.of('chain_facts'))} contracts")

    def _left(self, stage: Stage) -> list[str]:
        return [t for t in self.tickers if not self.sweep.has(t, stage) or self.sweep.only_gaps_worth_asking(t, stage)]

    def _chains_left(self) -> list[str]:
        asked = [t for t in self._left("chain") if self.sweep.has(t, "quote")]
        return [t for t in asked if wants_chain(self.sweep, t, self.fires)]

    def _say(self, words: str) -> None:
        if self.progress is not None:
            self.progress(words)
