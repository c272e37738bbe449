"""What a part of profile live could not get: unknown with a reason, never nothing.

Belongs here: how failures become a line of account and rows of `gap_facts`, and how long a failing site is insisted on.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import pyarrow as pa

from cyberpi_assets.sources.intake import Intake, Unit
from cyberpi_assets.sources.web import errors as e
from cyberpi_assets.sources.web.cache import DamagedCache
from cyberpi_assets.tables import GAP_FACTS

LEFT: Final = "left for a later run: at most {} documents of this site are asked for in one"
# The site itself does not serve us: the next document would fare no better, and asking may make it worse.
_HOPELESS: Final = (e.Offline, e.Blocked, e.Refused, e.TermsNotAccepted, e.SessionLapsed)
_PATIENCE: Final = 3  # documents in a row that a site may fail to give


class NotAsked(Exception):
    """A part asks nothing, for a reason that a person can change."""


@dataclass
class Troubles:
    """The failures of one part in one gathering."""

    part: str
    reasons: list[str] = field(default_factory=list)
    gaps: list[dict[str, Any]] = field(default_factory=list)

    def say(self, reason: str) -> None:
        """Something that concerns the part as a whole."""
        if reason not in self.reasons:
            self.reasons.append(reason)

    def fail(self, error: e.FetchError) -> None:
        """An index or a list that could not be had."""
        self.say(f"{error.url}: {in_words(error)}")

    def miss(self, subject: str, kind: str, reason: str, *, retryable: bool, code: str | None = None) -> None:
        """One thing that was asked for, or had to be left; `subject` and `kind` as in `gap_facts`."""
        self.gaps.append({"subject": subject, "kind": kind, "reason": reason, "code": code, "retryable": retryable})

    def units(self, intake: Intake) -> tuple[str, ...]:
        """The unit of these failures, or none. The same failures again are the same unit, dated by their first time."""
        if not self.reasons and not self.gaps:
            return ()
        told = sorted({(g["subject"], g["kind"], g["reason"]): g for g in self.gaps}.items())
        unit_id = Intake.unit_id("troubles", self.part, *sorted(self.reasons), *(key for key, _ in told))
        if not intake.has(unit_id):
            now, file = dt.datetime.now(dt.UTC), f"live:{self.part}"
            trace = {"at": now, "source": self.part, "file": file}
            rows = [{**gap, **trace, "line": line} for line, (_, gap) in enumerate(told, 1)]
            gaps = pa.Table.from_pylist(rows, schema=GAP_FACTS.schema)
            missed = [f"{len(rows):,} could not be had, see gap_facts"] if rows else []
            reason = "; ".join([*self.reasons, *missed])
            unit = Unit(file, "gaps", f"live/{self.part}", 0, now, len(rows), reason, {"gap_facts": gaps})
            intake.write(unit_id, unit)
        return (unit_id,)


def fetch(
    wanted: Iterable[tuple[str, Callable[[], object]]], most: int, troubles: Troubles, progress: Callable[[str], None]
) -> int:
    """Ask for documents one after the other, as (subject, how); how many were asked for.

    One that fails is a gap and does not stop the others, until the site itself seems to fail: then the rest is left.
    More than `most` are left for a later run.
    """
    asked = failed = 0
    given_up: str | None = None
    for subject, ask in wanted:
        if given_up is not None or asked >= most:
            troubles.miss(subject, "filings", given_up or LEFT.format(most), retryable=True)
            continue
        progress(subject)
        asked += 1
        try:
            ask()
            failed = 0
        except e.FetchError as error:
            troubles.miss(subject, "filings", in_words(error), retryable=error.again, code=type(error).__name__)
            failed += isinstance(error, (e.Unavailable, e.TooSlow))
            if isinstance(error, _HOPELESS) or failed >= _PATIENCE:
                given_up = f"not asked for, since the site failed before: {in_words(error)}"
                troubles.fail(error)
        except DamagedCache as error:
            troubles.miss(subject, "filings", f"the kept document is damaged: {error}", retryable=False)
    return asked


def in_words(error: e.FetchError) -> str:
    """The reason; the same one whether the site said so now or a moment ago, so that nothing seems to have changed."""
    return "the site has no such document" if isinstance(error, e.Missing) else error.reason
