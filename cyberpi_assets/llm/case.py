"""What an analyst is given of one threat, and what comes back.

Here belong the shapes that rules and model share, and what an analysis is identified by. How either thinks is in
`rules.py` and `prompts.py`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

FIRED, CALM, UNKNOWN = "fired", "calm", "unknown"
Urgency = Literal["immediate", "today", "this week", "none"]
NOT_ANSWERED = "not answered: "  # how the reason begins when asking again may help


@dataclass(frozen=True)
class Indicator:
    """One indicator as measured; columns of `tables.THREAT_INDICATORS`."""

    indicator_id: str
    indicator: str
    state: str
    points: int | None
    value: float | None
    baseline: float | None
    threshold: float | None
    robust_z: float | None
    words: str


@dataclass(frozen=True)
class Case:
    """One threat with what is known about it. `notes` are texts from outside, such as headlines."""

    threat_id: str
    ticker: str
    company: str | None
    sector: str | None
    session: str
    seed_score: int
    severity: str | None
    confidence: str | None
    coverage: float
    history_score: float | None
    stale_minutes: float | None
    data_type: str
    confounders: tuple[str, ...]
    indicators: tuple[Indicator, ...]
    notes: tuple[str, ...] = ()

    @property
    def fired(self) -> tuple[Indicator, ...]:
        """The indicators that fired, those with most points first."""
        return tuple(
            sorted((i for i in self.indicators if i.state == FIRED), key=lambda i: (-(i.points or 0), i.indicator))
        )

    @property
    def unknown(self) -> tuple[Indicator, ...]:
        """The indicators that could not be measured."""
        return tuple(i for i in self.indicators if i.state == UNKNOWN)

    def digest(self) -> str:
        """What identifies the question: another figure or another text gives another digest."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:24]


@dataclass(frozen=True)
class Analysis:
    """What an engine says of a case, or why it says nothing; columns of `tables.THREAT_ANALYSES`."""

    engine: str
    prompt_version: str
    hypothesis: str | None = None
    supporting: tuple[str, ...] = ()
    alternatives: tuple[str, ...] = ()
    refuted_by: tuple[str, ...] = ()
    urgency: Urgency | None = None
    reason: str | None = None
    repaired: bool = False
    model: str | None = None
    model_digest: str | None = None
    prompt_tokens: int | None = None
    answer_tokens: int | None = None
    seconds: float | None = None
    gpu_share: float | None = None

    def row(self, case: Case, session: Any) -> dict[str, Any]:
        """The analysis as a row of `tables.THREAT_ANALYSES`; `session` is the case's, as a date."""
        return {
            "threat_id": case.threat_id,
            "ticker": case.ticker,
            "session": session,
            **{k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()},
            "abstained": self.hypothesis is None,
            "input_digest": case.digest(),
        }


def case_of(
    score: Mapping[str, Any],
    indicators: Iterable[Mapping[str, Any]],
    company: Mapping[str, Any] | None = None,
    notes: Sequence[str] = (),
) -> Case:
    """A case from rows of `threat_scores`, its `threat_indicators`, and `companies`."""
    names = Indicator.__dataclass_fields__
    return Case(
        threat_id=score["threat_id"],
        ticker=score["ticker"],
        company=(company or {}).get("name"),
        sector=(company or {}).get("sector"),
        session=score["session"].isoformat(),
        seed_score=score["seed_score"],
        severity=score["severity"],
        confidence=score["confidence"],
        coverage=score["coverage"],
        history_score=score["history_score"],
        stale_minutes=score["stale_minutes"],
        data_type=score["data_type"],
        confounders=tuple(score["confounders"] or ()),
        indicators=tuple(
            Indicator(**{n: row[n] for n in names}) for row in sorted(indicators, key=lambda r: r["indicator_id"])
        ),
        notes=tuple(notes),
    )
