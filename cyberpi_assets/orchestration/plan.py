"""Which months a run must compute again: what changed since the last run that went through.

Here belongs the comparison of what was read now with what was read then. A run marks the first month it will write
before it writes; the mark goes when the run has gone through. So the work of a killed run is planned again, even where
its reason has vanished meanwhile; what its readers had finished stays in the intake.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from cyberpi_assets.orchestration.partitions import MONTHS
from cyberpi_assets.settings import Settings
from cyberpi_assets.sources.intake import DATED, UNDATED_MONTH, Gathered
from cyberpi_assets.sources.lists import lists_digest
from cyberpi_assets.storage.lake import Lake

UNFINISHED = "unfinished"

_DATED = tuple(DATED)
# Tables without which the state speaks of a lake that is not there any more; version 0 is a table just created.
_WRITTEN = (
    "source_files",
    "daily_bars",
    "market_alerts",
    "timing_surface",
    "disclosed_trades",
    "disclosure_correlations",
    "official_rankings",
)
_FIRST_WRITE = 1
# Facts of tables that have no months and that no table with months is computed from: every run makes them anew.
_OF_NO_MONTH = ("watchlist_facts", "gap_facts", "vulnerability_facts")


@dataclass(frozen=True)
class Plan:
    """The months to compute, first to last (YYYY-MM), and why; or none, when nothing changed."""

    months: tuple[str, str] | None
    reason: str


def rules_digest(settings: Settings) -> str:
    """A digest of the code and of every rule that decides a figure."""
    digest = hashlib.sha256()
    package = Path(__file__).resolve().parent.parent
    for path in sorted(package.rglob("*.py")):
        digest.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes())
    rules = settings.model_dump(
        mode="json",
        include={
            "profile",
            "data",
            "demo_seed",
            "demo_months",
            "alerts",
            "timing",
            "evidence",
            "alert_life",
            "memory",
            "market_symbol",
            "universe",
            "ocr",
            "rankings",
            "options",
            "threats",
            "signals",
        },
    )
    digest.update(lists_digest(settings.home).encode())
    digest.update(json.dumps(rules, sort_keys=True).encode())
    return digest.hexdigest()[:24]


def state_of(settings: Settings, gathered: Gathered) -> dict[str, Any]:
    """What decides the result of a run, to be kept when it has gone through."""
    return {
        "rules": rules_digest(settings),
        "facts": gathered.signatures(),
        "files": hashlib.sha256("|".join(sorted(gathered.units)).encode()).hexdigest()[:24],
        "through": MONTHS.get_partition_keys()[-1],
    }


def plan(now: dict[str, Any], before: dict[str, Any] | None, lake: Lake) -> Plan:
    """Compare two states. Months before the first change keep what they have: nothing in them looks ahead.

    Bars of a month count in the alerts, surfaces and scores of that month and of later ones, never of earlier ones;
    disclosures are kept by the month of their filing.
    """
    if before is None or any(lake.version(t) < _FIRST_WRITE for t in _WRITTEN):
        every = MONTHS.get_partition_keys()
        return Plan((every[0], every[-1]), "first run")
    return changes(now, before)


def changes(now: dict[str, Any], before: dict[str, Any]) -> Plan:
    """What differs between two states, as the months that can feel it."""
    every = MONTHS.get_partition_keys()
    whole = (every[0], every[-1])
    if now["rules"] != before["rules"]:
        return Plan(whole, "code, rules or source changed")
    named = {*now["facts"], *before["facts"]} - {*_DATED, *_OF_NO_MONTH}
    undated = sorted(k for k in named if _differs(now, before, k))
    if undated:
        return Plan(whole, "changed: " + ", ".join(k.removesuffix("_facts") for k in undated))
    changed = {m for kind in _DATED for m in _months_that_differ(now, before, kind)}
    fresh = {m for m in every if m > before["through"]}
    if (unfinished := before.get(UNFINISHED)) is not None:
        changed.add(unfinished)
    if not changed and not fresh:
        if now["files"] != before["files"]:  # the account of files is new, and no figure by month with it
            return Plan((every[-1], every[-1]), "files changed, and no fact by month with them")
        return Plan(None, "nothing changed")
    first = min(changed | fresh)
    if first == UNDATED_MONTH or first < every[0]:
        return Plan(whole, "undated rows changed")
    why = "left unfinished" if first == unfinished else "changed"
    return Plan((min(first, every[-1]), every[-1]), f"{why} since {first}")


def _differs(now: dict[str, Any], before: dict[str, Any], kind: str) -> bool:
    return now["facts"].get(kind, {}) != before["facts"].get(kind, {})


def _months_that_differ(now: dict[str, Any], before: dict[str, Any], kind: str) -> set[str]:
    new, old = now["facts"].get(kind, {}), before["facts"].get(kind, {})
    return {m for m in {*new, *old} if new.get(m) != old.get(m)}


def read_state(settings: Settings) -> dict[str, Any] | None:
    """The state of the last run that went through, None when there is none or it cannot be read."""
    try:
        state = json.loads((settings.data_dir / "state.json").read_text())
    except (FileNotFoundError, ValueError):
        return None
    whole = isinstance(state, dict) and {"rules", "facts", "files", "through"} <= state.keys()
    return cast(dict[str, Any], state) if whole else None


def mark_unfinished(settings: Settings, before: dict[str, Any] | None, first: str) -> None:
    """Say that the months from `first` on are about to be written, until `keep_state` says that all is done.

    Without a state nothing is said: the next run computes everything anyway.
    """
    if before is not None:
        keep_state(settings, before | {UNFINISHED: min(first, before.get(UNFINISHED, first))})


def keep_state(settings: Settings, state: dict[str, Any]) -> None:
    """Keep the state of a run that went through, whole or not at all."""
    aside = settings.data_dir / ".state.json.writing"
    aside.write_text(json.dumps(state, indent=1))
    aside.replace(settings.data_dir / "state.json")
