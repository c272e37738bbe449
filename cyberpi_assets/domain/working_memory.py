"""What analysts' tools see of the newest sweep: threats as documents, and those that score high as working memory.

Here belongs which threats are current, and how one is written down for others. Scores are made elsewhere; where the
documents are kept belongs to `storage/` and `reports/`.

A document has the fields that tools of the first version read (type, ticker, company, industry, threat_score,
confidence, indicators as sentences, metrics, timestamp, source, collection_run) and says beside them what those leave
out: each indicator with its state and numbers, the coverage, the confounders, and what a score is not.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from cyberpi_assets.domain.sql import ask
from cyberpi_assets.rules.running import MemoryRules
from cyberpi_assets.tables import WORKING_MEMORY

DISCLAIMERS = (
    "A score says that option activity is unusual. It is not a probability, and not evidence of a breach or of "
    "wrongdoing.",
    "Hedging, earnings, dividends and plain news are the common explanations of such activity.",
    "Unknown is not zero: an indicator that could not be measured is marked unknown and counts for nothing.",
)
INVENTED = "Profile demo: the company, its prices and its options are invented."
_METRICS = {
    "put_call_ratio": "put_call_ratio",
    "volume_excess": "volume_spike",
    "otm_puts": "unusual_puts_count",
    "near_expiries": "near_term_activity",
}
_TOLD = ("indicator_id", "indicator", "state", "points", "value", "baseline", "threshold", "words")


def newest_sweep(scores: pa.Table, rules: MemoryRules) -> pa.Table:
    """The scores of the newest sweep, one per ticker, highest first. Columns: those of `scores`.

    scores: `tables.THREAT_SCORES`. Snapshots within `sweep_minutes` of the newest one are one sweep; of a ticker its
    newest snapshot counts, of several providers the one that scores highest. A ticker without a score is in it too.
    """
    return ask(
        """
        SELECT * FROM scores
        WHERE snapshot_at > (SELECT max(snapshot_at) FROM scores) - $minutes::INT * INTERVAL 1 MINUTE
        QUALIFY row_number() OVER (
            PARTITION BY ticker
            ORDER BY date_trunc('minute', snapshot_at) DESC, seed_score DESC NULLS LAST, source) = 1
        ORDER BY seed_score DESC NULLS LAST, ticker""",
        params={"minutes": rules.sweep_minutes},
        scores=scores,
    )


def documents(sweep: pa.Table, indicators: pa.Table, companies: pa.Table) -> list[dict[str, Any]]:
    """One document per threat of a sweep, in its order, as plain JSON values.

    sweep: as `newest_sweep` gives it; indicators: `tables.THREAT_INDICATORS`; companies: `tables.COMPANIES`.
    """
    of = ask(
        """
        SELECT i.* FROM indicators i SEMI JOIN sweep s ON i.threat_id = s.threat_id AND i.source = s.source
        ORDER BY i.threat_id, i.indicator_id""",
        indicators=indicators,
        sweep=sweep,
    ).to_pylist()
    named = ask(
        "SELECT ticker, name, sector FROM companies SEMI JOIN sweep USING (ticker)", companies=companies, sweep=sweep
    )
    names = {row["ticker"]: row for row in named.to_pylist()}
    by_threat: dict[str, list[dict[str, Any]]] = {}
    for row in of:
        by_threat.setdefault(row["threat_id"], []).append(row)
    return [
        _document(row, by_threat.get(row["threat_id"], []), names.get(row["ticker"], {})) for row in sweep.to_pylist()
    ]


def _document(
    score: Mapping[str, Any], indicators: Sequence[Mapping[str, Any]], company: Mapping[str, Any]
) -> dict[str, Any]:
    value = {i["indicator"]: i["value"] for i in indicators if i["state"] != "unknown"}
    simulated = score["data_type"] == "simulated"
    return {
        "type": "financial_threat",
        "threat_id": score["threat_id"],
        "ticker": score["ticker"],
        "company": company.get("name") or score["ticker"],
        "industry": company.get("sector") or "Unknown",
        "threat_score": score["seed_score"],
        "history_score": _figure(score["history_score"]),
        "severity": score["severity"],
        "confidence": score["confidence"],
        "coverage": score["coverage"],
        "reason": score["reason"],
        "indicators": [i["words"] for i in indicators if i["state"] == "fired"],
        "indicator_rows": [{c: _figure(i[c]) for c in _TOLD} for i in indicators],
        "confounders": list(score["confounders"] or []),
        "metrics": {name: _figure(value.get(indicator)) for indicator, name in _METRICS.items()},
        "timestamp": _utc(score["snapshot_at"]),
        "snapshot": {
            "at": _utc(score["snapshot_at"]) + "Z",
            "session": score["session"].isoformat(),
            "data_type": score["data_type"],
            "stale_minutes": _figure(score["stale_minutes"]),
        },
        "source": score["source"],
        "collection_run": collection_run(score["threat_id"]),
        "disclaimers": [*DISCLAIMERS, INVENTED] if simulated else list(DISCLAIMERS),
    }


def collection_run(threat_id: str) -> str:
    """The YYYYMMDD_HHMM that a threat's id ends with."""
    return "_".join(threat_id.rsplit("_", 2)[1:])


def _figure(value: Any) -> Any:
    """A value as JSON has it: what is no finite number is null."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _utc(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).replace(tzinfo=None).isoformat()


def working_memory(threats: Sequence[Mapping[str, Any]], rules: MemoryRules) -> pa.Table:
    """The threats that score at least `push_score`, as rows of the hot copy. Columns: `tables.WORKING_MEMORY`."""
    pushed = [t for t in threats if t["threat_score"] is not None and t["threat_score"] >= rules.push_score]
    rows = [
        {
            "id": "work_" + hashlib.sha256(t["threat_id"].encode()).hexdigest()[:8],
            "threat_id": t["threat_id"],
            "content": _content(t),
            "severity": t["severity"],
            "started_at": (at := dt.datetime.fromisoformat(t["snapshot"]["at"])),
            "last_activity": at,
            "analyst_count": 0,
            "interaction_count": 0,
            "metadata": json.dumps(
                {
                    **{c: t[c] for c in ("type", "ticker", "company", "industry", "threat_score", "confidence")},
                    **{c: t[c] for c in ("source", "collection_run")},
                    "raw_data": dict(t),
                },
                ensure_ascii=False,
                allow_nan=False,
            ),
        }
        for t in pushed
    ]
    return pa.Table.from_pylist(rows, schema=WORKING_MEMORY.schema)


def _content(threat: Mapping[str, Any]) -> str:
    """The threat as a few lines for a person."""
    known = sum(i["state"] != "unknown" for i in threat["indicator_rows"])
    lines = [
        f"Financial threat: {threat['company']} ({threat['ticker']})",
        "",
        f"Industry: {threat['industry']}",
        f"Threat score: {threat['threat_score']}/100 ({threat['severity']})",
        f"Confidence: {threat['confidence']}",
        f"Coverage: {threat['coverage']:.0%} ({known} of {len(threat['indicator_rows'])} indicators known)",
        "",
        "Indicators:",
        *(f"- {words}" for words in threat["indicators"]),
        *([f"Innocent readings that apply: {', '.join(threat['confounders'])}"] if threat["confounders"] else []),
        "",
        f"Source: {threat['source']}, {threat['snapshot']['data_type']}, snapshot of {threat['snapshot']['at']}",
        *threat["disclaimers"],
    ]
    return "\n".join(lines)
