"""Vulnerabilities as the National Vulnerability Database describes them: when published, how severe, in whose product.

Here belongs its format (API 2.0). What a page was asked for is in `sources/live/nvd.py`. Times have no zone and are
UTC; any part of an entry but its number and dates may be missing, and is then unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, cast

from cyberpi_assets.sources.events.catalogues import CVE, LONGEST
from cyberpi_assets.sources.events.moments import parse_moment
from cyberpi_assets.sources.files.content import as_dict, as_list
from cyberpi_assets.sources.rows import Origin, Reading, RowBuffer, Unreadable
from cyberpi_assets.sources.values import clean_text, stated
from cyberpi_assets.tables.facts.news import VULNERABILITY_FACTS

SOURCE: Final = "nvd"
LISTED: Final = 50  # weaknesses, vendors or products of one entry that are kept
LOOKED_AT: Final = 20_000  # products of one entry that are looked at
# 3.1 is what nearly every entry has, so that scores compare; the others stand in for it.
_VERSIONS: Final = (
    ("3.1", "cvssMetricV31"),
    ("3.0", "cvssMetricV30"),
    ("4.0", "cvssMetricV40"),
    ("2.0", "cvssMetricV2"),
)
_SEVERITIES: Final = frozenset({"none", "low", "medium", "high", "critical"})
_WEAKNESS: Final = re.compile(r"CWE-\d{1,5}")
_PART: Final = re.compile(r"(?:[^:\\]|\\.)*")


def read_nvd(document: Any, origin: Origin) -> Reading:
    """One answer of the database. Raises Unreadable where it is none, or holds another number than it announces."""
    answer: dict[str, Any] = document if isinstance(document, dict) else {}
    entries = answer.get("vulnerabilities")
    if answer.get("format") != "NVD_CVE" or not isinstance(entries, list):
        raise Unreadable("not an answer of the vulnerability database")
    announced = answer.get("resultsPerPage")
    if isinstance(announced, int) and announced != len(entries):
        raise Unreadable(f"the answer announces {announced:,} entries and holds {len(entries):,}")
    buffer = RowBuffer(origin.file)
    for line, found in enumerate(cast(list[Any], entries), 1):
        buffer.read += 1
        entry = as_dict(as_dict(found).get("cve"))
        number = str(entry.get("id") or "").strip().upper()
        published, modified = parse_moment(entry.get("published")), parse_moment(entry.get("lastModified"))
        if not CVE.fullmatch(number) or published is None or modified is None:
            buffer.quarantine("vulnerabilities", line, "cve", entry, "no CVE number, or no moment it was published")
            continue
        products = _products(entry)
        buffer.accept(
            "vulnerability_facts",
            {
                "cve": number,
                "published_at": published.at,
                "modified_at": modified.at,
                "status": clean_text(entry.get("vulnStatus")),
                "description": _description(entry),
                "cwes": _weaknesses(entry),
                "vendors": list(dict.fromkeys(vendor for vendor, _ in products))[:LISTED],
                "products": [f"{vendor}: {product}" for vendor, product in products[:LISTED]],
                "n_products": len(products),
                "source": SOURCE,
            }
            | _score(as_dict(entry.get("metrics"))),
            line,
        )
    reading = buffer.reading()
    reading.facts.setdefault("vulnerability_facts", VULNERABILITY_FACTS.empty())
    return reading


def _score(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """The score of the first version there is: the primary assessment where one is so marked, else the first."""
    for version, key in _VERSIONS:
        given = [as_dict(m) for m in as_list(metrics.get(key))]
        for metric in sorted(given, key=lambda m: m.get("type") != "Primary"):
            data = as_dict(metric.get("cvssData"))
            score = data.get("baseScore")
            if isinstance(score, bool) or not isinstance(score, (int, float)) or not 0 <= score <= 10:
                continue
            rating = str(data.get("baseSeverity") or metric.get("baseSeverity") or "").lower()
            return {
                "cvss": float(score),
                "cvss_version": version,
                "rating": rating if rating in _SEVERITIES else None,
                "vector": clean_text(str(data.get("vectorString") or "")[:200]),
                "scored_by": clean_text(str(metric.get("source") or "")[:200]),
            }
    return {}


def _description(entry: Mapping[str, Any]) -> str | None:
    told = [as_dict(d) for d in as_list(entry.get("descriptions"))]
    english = next((d.get("value") for d in told if d.get("lang") == "en"), None)
    text = stated(str(english)[: 4 * LONGEST]) if english is not None else None
    return text[:LONGEST] if text else None


def _weaknesses(entry: Mapping[str, Any]) -> list[str]:
    found = (
        str(as_dict(d).get("value"))
        for weakness in as_list(entry.get("weaknesses"))
        for d in as_list(as_dict(weakness).get("description"))
    )
    return list(dict.fromkeys(w for w in found if _WEAKNESS.fullmatch(w)))[:LISTED]


def _products(entry: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Vendor and product of every vulnerable configuration, each once, as printed with blanks for underscores."""
    found: dict[tuple[str, str], None] = {}
    for looked, criteria in enumerate(_criteria(entry)):
        if looked >= LOOKED_AT:
            break
        parts = _split(criteria[:500])
        if len(parts) > 4 and parts[0] == "cpe" and parts[3] not in ("", "*", "-") and parts[4] not in ("", "*", "-"):
            found[_words(parts[3]), _words(parts[4])] = None
    return list(found)


def _criteria(entry: Mapping[str, Any]) -> Iterator[str]:
    for configuration in as_list(entry.get("configurations")):
        for node in as_list(as_dict(configuration).get("nodes")):
            for match in map(as_dict, as_list(as_dict(node).get("cpeMatch"))):
                if match.get("vulnerable") is not False:
                    yield str(match.get("criteria") or "")


def _split(criteria: str) -> Sequence[str]:
    """The parts of a formatted CPE name, between colons that no backslash quotes."""
    parts, at = list[str](), 0
    while at <= len(criteria):
        found = _PART.match(criteria, at)
        assert found is not None
        parts.append(found[0])
        at = found.end() + 1
    return parts


def _words(part: str) -> str:
    return clean_text(re.sub(r"\\(.)", r"\1", part).replace("_", " ")[:100]) or ""
