"""Warnings as a STIX 2.1 bundle: a report and a note each, the company as an identity, one grouping over all.

Here belongs the form alone. A security has no object in STIX, so a company is an identity with its CIK and ticker as
external references; a CVE is a vulnerability. There is no indicator: none of this is an observable to block.

Ids are UUIDv5 of what an object is about, so that another export updates it. `modified` stays while an object says the
same as in the bundle before, and becomes the moment of the export when it does not.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from cyberpi_assets.reports.hunt import NO_PROBABILITY, NOT_EVIDENCE, Hunt, Warned

Tlp = Literal["white", "green", "amber", "red"]
NAMESPACE: Final = uuid.UUID("6f6f1c0e-6a52-5a0c-9f5e-2a3f5f1f8a11")
_SINCE: Final = "2012-01-01T00:00:00.000Z"  # companies and vulnerabilities have no day of their own here
_CONFIDENCE: Final = {"low": 15, "medium": 50, "high": 85}  # STIX 2.1, appendix A
_CVE: Final = re.compile(r"CVE-\d{4}-\d{4,}")


def stamp(moment: dt.datetime) -> str:
    """A moment as STIX writes it: UTC, milliseconds, Z."""
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def _id(kind: str, about: str) -> str:
    return f"{kind}--{uuid.uuid5(NAMESPACE, f'{kind}:{about}')}"


def cves_of(warning: Warned) -> list[str]:
    """The CVE numbers among a warning's evidence."""
    return sorted({e for e in warning.evidence if _CVE.fullmatch(e)})


def sentences(found: Hunt, warning: Warned) -> str:
    """All that a reader needs beside a warning: reasons, what refutes it, lead time, its account, disclaimers."""
    account = next((r for r in found.account if r["priority"] == warning.priority), None)
    worth = "Nothing is known yet of how often such warnings were right."
    if account is not None and account["ppv"] is not None:
        worth = (
            f"Of {account['judged']} judged warnings of priority {warning.priority}, {account['hits']} were followed "
            f"by an incident within 90 days: {account['ppv']:.1%} (95 % interval {account['ppv_low']:.1%} to "
            f"{account['ppv_high']:.1%}); base rate "
            + ("not known." if account["base_rate"] is None else f"{account['base_rate']:.2%}.")
        )
    world = ["Simulated world: all names are invented."] if found.demo else []
    lines = [warning.words, warning.lead_words, f"Refuted by: {warning.refuted_by}", worth]
    return "\n".join([*world, *lines, NO_PROBABILITY, NOT_EVIDENCE])


def stix_bundle(
    found: Hunt,
    ciks: Mapping[str, int],
    now: dt.datetime,
    *,
    tlp: Tlp = "amber",
    before: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The warnings of a hunt as a bundle of plain JSON values.

    ciks: SEC number by ticker, where known; now: the moment of the export, UTC; before: the bundle exported last. An
    empty hunt gives identity and marking alone. Raises ValueError where the result is not valid STIX 2.1.
    """
    marking = _marking(tlp)
    author = _object("identity", "producer", _SINCE, name="CyberPI assets", identity_class="system")
    made: dict[str, dict[str, Any]] = {author["id"]: author}
    reports: list[str] = []
    for w in found.warnings:
        company = _company(w, ciks)
        vulnerabilities = [_vulnerability(c) for c in cves_of(w)]
        opened, about = stamp(w.opened_at), [company["id"], *(v["id"] for v in vulnerabilities)]
        note = _object(
            "note", w.warning_id, opened, abstract=f"{w.priority}: {w.ticker}, {w.state}",
            content=sentences(found, w), object_refs=about,
        )  # fmt: skip
        report = _object(
            "report", w.warning_id, opened, name=f"{w.priority} warning: {w.company or w.ticker}",
            description=w.words, report_types=["threat-report"], published=opened, object_refs=[*about, note["id"]],
            confidence=_CONFIDENCE[w.confidence], labels=[w.priority.lower(), w.state],
            external_references=[{"source_name": "cyberpi-assets", "external_id": w.warning_id}],
        )  # fmt: skip
        reports.append(report["id"])
        made |= {o["id"]: o for o in (company, *vulnerabilities, note, report)}
    if reports:
        group = _object(
            "grouping", "hunt", _SINCE, name="Warnings of the hunt", context="suspicious-activity", object_refs=reports
        )
        made[group["id"]] = group
    known = {o["id"]: o for o in (before or {}).get("objects", []) if isinstance(o, dict) and "id" in o}
    objects = [_marked(o, author["id"], marking["id"], known.get(o["id"]), stamp(now)) for o in made.values()]
    bundle = {
        "type": "bundle",
        "id": _id("bundle", json.dumps(objects, sort_keys=True)),
        "objects": [marking, *objects],
    }
    _refuse_invalid(bundle)
    return bundle


def _object(kind: str, about: str, created: str, **properties: Any) -> dict[str, Any]:
    return {
        "type": kind, "spec_version": "2.1", "id": _id(kind, about), "created": created, "modified": created,
        **properties,
    }  # fmt: skip


def _company(w: Warned, ciks: Mapping[str, int]) -> dict[str, Any]:
    references = [{"source_name": "ticker", "external_id": w.ticker}]
    if (cik := ciks.get(w.ticker)) is not None:
        references.insert(0, {"source_name": "sec-cik", "external_id": f"{cik:010d}"})
    return _object(
        "identity", f"ticker:{w.ticker}", _SINCE, name=w.company or w.ticker, identity_class="organization",
        external_references=references,
    )  # fmt: skip


def _vulnerability(cve: str) -> dict[str, Any]:
    references = [{"source_name": "cve", "external_id": cve}]
    return _object("vulnerability", cve, _SINCE, name=cve, external_references=references)


def _marked(
    made: dict[str, Any], author: str, marking: str, before: Mapping[str, Any] | None, now: str
) -> dict[str, Any]:
    own = made | {"object_marking_refs": [marking]} | ({} if made["id"] == author else {"created_by_ref": author})
    if before is None:
        return own
    same = {k: v for k, v in own.items() if k != "modified"} == {k: v for k, v in before.items() if k != "modified"}
    return own | {"modified": before["modified"] if same else max(now, before["modified"])}


def _marking(tlp: Tlp) -> dict[str, Any]:
    import stix2

    of = {"white": stix2.TLP_WHITE, "green": stix2.TLP_GREEN, "amber": stix2.TLP_AMBER, "red": stix2.TLP_RED}
    return json.loads(of[tlp].serialize())


def _refuse_invalid(bundle: Mapping[str, Any]) -> None:
    import stix2
    from stix2.exceptions import STIXError

    try:
        stix2.parse(dict(bundle), allow_custom=False, version="2.1")
    except STIXError as error:
        raise ValueError(f"no valid STIX 2.1: {str(error)[:300]}") from None


def before_of(text: str | None) -> dict[str, Any] | None:
    """The bundle a file holds, None where it holds none: another file at the place of the export is simply replaced."""
    try:
        found: Any = json.loads(text) if text else None
    except ValueError:
        return None
    return found if isinstance(found, dict) and isinstance(found.get("objects"), Sequence) else None
