"""Warnings as one MISP event: text and targets to read, CVE numbers to look up, and nothing to detect by.

Here belongs the form alone. Every attribute has `to_ids` false: a warning is no observable. Sharing beyond the own
organisation (`distribution`) and publishing are left to whoever receives the event.
"""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any, Final

from cyberpi_assets.reports.exports.stix import NAMESPACE, Tlp, cves_of, sentences
from cyberpi_assets.reports.hunt import Hunt

_LEVEL: Final = {"P0": "1", "P1": "2", "P2": "3", "P3": "3"}  # high | medium | low
_UNDEFINED: Final = "4"


def misp_event(found: Hunt, now: dt.datetime, *, tlp: Tlp = "amber") -> dict[str, Any]:
    """The warnings of a hunt as `{"Event": {...}}`, plain JSON values; numbers are texts, as MISP has them.

    now: the moment of the export, UTC. The event's id follows from its day, an attribute's from what it says, so the
    same export twice is one event.
    """
    day = now.astimezone(dt.UTC).date().isoformat()
    attributes: list[dict[str, Any]] = []

    def add(warning_id: str, kind: str, category: str, value: str, comment: str) -> None:
        attributes.append(
            {
                "uuid": str(uuid.uuid5(NAMESPACE, f"misp:{warning_id}:{kind}:{value}")),
                "type": kind,
                "category": category,
                "value": value,
                "to_ids": False,
                "comment": comment,
                "timestamp": str(int(now.timestamp())),
                "disable_correlation": kind == "text",
            }
        )

    for w in found.warnings:
        name = f"{w.company} ({w.ticker})" if w.company else w.ticker
        add(w.warning_id, "target-org", "Targeting data", name, f"{w.priority}, {w.state}")
        add(w.warning_id, "text", "Other", sentences(found, w), w.warning_id)
        for cve in cves_of(w):
            add(w.warning_id, "vulnerability", "External analysis", cve, f"known to be exploited; {w.ticker}")
    worst = min((w.priority for w in found.warnings), default=None)
    return {
        "Event": {
            "uuid": str(uuid.uuid5(NAMESPACE, f"misp:hunt:{day}")),
            "info": f"CyberPI assets: {len(found.warnings)} warnings" + (" (simulated world)" if found.demo else ""),
            "date": day,
            "timestamp": str(int(now.timestamp())),
            "distribution": "0",
            "threat_level_id": _LEVEL.get(worst, _UNDEFINED) if worst else _UNDEFINED,
            "analysis": "0",
            "published": False,
            "Tag": [{"name": f"tlp:{tlp}"}],
            "Attribute": attributes,
        }
    }
