"""A threat with its indicators, as the tables would give it."""

from __future__ import annotations

from typing import Any

from cyberpi_assets.llm.case import Case, Indicator

THREAT = "financial_UNH_20251104_1623"


def indicator(name: str, state: str = "fired", **more: Any) -> Indicator:
    given: dict[str, Any] = {
        "indicator_id": f"{THREAT}/{name}", "indicator": name, "state": state, "points": None, "value": None,
        "baseline": None, "threshold": None, "robust_z": None, "words": f"{name} is {state}.",
    }  # fmt: skip
    return Indicator(**(given | more))


VOLUME = indicator(
    "volume_excess", points=25, value=821.4, baseline=5000.0, threshold=300.0, words="Volume is 821 % over its average."
)
PUTS = indicator("otm_puts", points=25, value=2407.0, threshold=1000.0, words="2,407 far puts were traded.")
NEAR = indicator("near_expiries", points=20, value=0.62, threshold=0.5, words="46,044 contracts expire in 14 days.")
RATIO = indicator("put_call_ratio", "calm", points=0, value=1.21, threshold=1.5, words="1.21 puts per call.")
SKEW = indicator("history_skew_25d", "unknown", words="Too few sessions before.")


def case(**more: Any) -> Case:
    given: dict[str, Any] = {
        "threat_id": THREAT, "ticker": "UNH", "company": "Unimagined Health", "sector": "Health",
        "session": "2025-11-04", "seed_score": 70, "severity": "high", "confidence": "medium", "coverage": 1.0,
        "history_score": 97.5, "stale_minutes": 0.0, "data_type": "delayed", "confounders": (),
        "indicators": (VOLUME, PUTS, NEAR, RATIO, SKEW),
    }  # fmt: skip
    return Case(**(given | more))


def good(**more: Any) -> dict[str, Any]:
    return {
        "hypothesis": "Volume is 821% over its average and 2,407 far puts traded: somebody may expect a fall.",
        "supporting": [VOLUME.indicator_id, PUTS.indicator_id],
        "alternatives": ["A holder hedges."],
        "refuted_by": ["Open interest does not grow."],
        "urgency": "today",
    } | more
