"""Legislators, terms, committees, memberships: the congress-legislators lists and tables derived from them.

Here they become `person_facts`, `term_facts`, `committee_facts` and `membership_facts`. Which list is believed, and
when a seat was held, is decided in `domain/`.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterable
from typing import Any, Final

from cyberpi_assets.sources import values as v
from cyberpi_assets.sources.files.content import as_dict, as_list
from cyberpi_assets.sources.rows import Origin, Reading, Record, RowBuffer

PUBLISHED: Final = "congress-legislators"
_CHAMBERS: Final = {"rep": "house", "sen": "senate", "house": "house", "senate": "senate", "joint": "joint"}
_BIOGUIDE: Final = re.compile(r"[A-Z]\d{6}")
_DAY_IN_NAME: Final = re.compile(r"(?<!\d)(\d{4}-\d{2}-\d{2})(?!\d)")
_MONTH_IN_NAME: Final = re.compile(r"(?<!\d)(\d{4}-(?:0[1-9]|1[0-2]))(?![\d-])")

Records = Iterable[tuple[int, Record | None, object]]


def date_of_name(name: str, months: bool = False) -> dt.date | None:
    """The YYYY-MM-DD (or first day of YYYY-MM) in a file's name: provenance of a list that does not date itself."""
    if m := _DAY_IN_NAME.search(name):
        return v.parse_date(m[1])
    m = _MONTH_IN_NAME.search(name) if months else None
    return v.month_start(m[1]) if m else None


def _bioguide(value: object) -> str | None:
    text = v.clean_text(value)
    return text if text and _BIOGUIDE.fullmatch(text) else None


def _torn(buffer: RowBuffer, kind: str, line: int, raw: object) -> None:
    buffer.quarantine(kind, line, "row", raw, "the row is not a record of the known fields")


# ---------------------------------------------------------------------------------------------- people and their terms


def read_legislators(document: object, origin: Origin) -> Reading:
    """People with their terms, from the published JSON or YAML. Each person and each term is one record."""
    buffer, line = RowBuffer(origin.file), 0
    for item in as_list(document):
        person, line = as_dict(item), line + 1
        buffer.read += 1
        ids, name = as_dict(person.get("id")), as_dict(person.get("name"))
        bioguide, last = _bioguide(ids.get("bioguide")), v.clean_text(name.get("last"))
        if bioguide is None:
            buffer.quarantine("people", line, "id.bioguide", ids.get("bioguide"), "not a Biographical Directory id")
        elif last is None:
            buffer.quarantine("people", line, "name.last", name.get("last"), "no family name")
        else:
            buffer.accept(
                "person_facts",
                {
                    "bioguide_id": bioguide,
                    "first_name": v.clean_text(name.get("first")),
                    "middle_name": v.clean_text(name.get("middle")),
                    "last_name": last,
                    "suffix": v.clean_text(name.get("suffix")),
                    "nickname": v.clean_text(name.get("nickname")),
                    "full_name": v.clean_text(name.get("official_full")),
                    "other_names": _spellings(person.get("other_names")),
                    "birthday": v.parse_date(as_dict(person.get("bio")).get("birthday")),
                    "lis_id": v.clean_text(ids.get("lis")),
                    "source": PUBLISHED,
                },
                line,
            )
        for term in as_list(person.get("terms")):
            line += 1
            buffer.read += 1
            _term(buffer, line, bioguide, as_dict(term))
    return buffer.reading()


def _term(buffer: RowBuffer, line: int, bioguide: str | None, term: Record) -> None:
    chamber, state = _CHAMBERS.get(str(term.get("type"))), v.clean_text(term.get("state"))
    starts_on = v.parse_date(term.get("start"))
    if bioguide is None:
        return buffer.quarantine("terms", line, "id.bioguide", None, "the person has no Biographical Directory id")
    if chamber not in ("house", "senate"):
        return buffer.quarantine("terms", line, "type", term.get("type"), "neither house nor senate")
    if state is None or starts_on is None:
        name = "state" if state is None else "start"
        return buffer.quarantine("terms", line, name, term.get(name), "missing or unreadable")
    roles = [as_dict(r) for r in as_list(term.get("leadership_roles"))]
    buffer.accept(
        "term_facts",
        {
            "bioguide_id": bioguide,
            "chamber": chamber,
            "state": state,
            "district": v.integer(term.get("district")),
            "party": v.clean_text(term.get("party")),
            "starts_on": starts_on,
            "ends_on": v.parse_date(term.get("end")),
            "leadership": "; ".join(t for t in (v.clean_text(r.get("title")) for r in roles) if t) or None,
            "source": PUBLISHED,
        },
        line,
    )
    return None


def _spellings(entries: object) -> list[str] | None:
    """Further names, from a list of objects or its JSON text: first, middle and last as far as given."""
    if isinstance(entries, str):
        try:
            entries = json.loads(entries)
        except (ValueError, RecursionError):
            return None
    found = (
        v.clean_text(" ".join(str(e[k]) for k in ("first", "middle", "last") if e.get(k)))
        for e in map(as_dict, as_list(entries))
    )
    return [n for n in found if n] or None


def read_people_rows(records: Records, origin: Origin) -> Reading:
    """People from a CSV or Parquet table with one row each. It dates no term, so it gives none."""
    buffer = RowBuffer(origin.file)
    for line, row, raw in records:
        buffer.read += 1
        if row is None:
            _torn(buffer, "people", line, raw)
            continue
        bioguide, last = _bioguide(row.get("bioguide_id")), v.clean_text(row.get("last_name"))
        if bioguide is None:
            buffer.quarantine("people", line, "bioguide_id", row.get("bioguide_id"), "not a Biographical Directory id")
        elif last is None:
            buffer.quarantine("people", line, "last_name", None, "no family name")
        else:
            buffer.accept(
                "person_facts",
                {
                    "bioguide_id": bioguide,
                    "first_name": v.clean_text(row.get("first_name")),
                    "middle_name": v.clean_text(row.get("middle_name")),
                    "last_name": last,
                    "suffix": v.clean_text(row.get("suffix")),
                    "nickname": v.clean_text(row.get("nickname")),
                    "full_name": v.clean_text(row.get("official_full") or row.get("full_name")),
                    "other_names": _spellings(row.get("other_names")),
                    "birthday": v.parse_date(row.get("birthday")),
                    "lis_id": v.clean_text(row.get("lis") or row.get("lis_id")),
                    "source": PUBLISHED,
                },
                line,
            )
    return buffer.reading()


def read_term_rows(records: Records, origin: Origin) -> Reading:
    """Terms from a table with one row each."""
    buffer = RowBuffer(origin.file)
    for line, row, raw in records:
        buffer.read += 1
        if row is None:
            _torn(buffer, "terms", line, raw)
        else:
            _term(buffer, line, _bioguide(row.get("bioguide_id")), {**row, "type": row.get("chamber")})
    return buffer.reading()


# ------------------------------------------------------------------------------------------------- committees and seats


def read_committees(document: object, origin: Origin) -> Reading:
    """Committees and their subcommittees, each one record."""
    buffer, line = RowBuffer(origin.file), 0
    for item in as_list(document):
        committee, line = as_dict(item), line + 1
        parent = _committee(buffer, line, committee, None, committee.get("type"))
        for part in as_list(committee.get("subcommittees")):
            line += 1
            _committee(buffer, line, as_dict(part), parent or "", committee.get("type"))
    return buffer.reading()


def _committee(buffer: RowBuffer, line: int, record: Record, parent: str | None, kind: object) -> str | None:
    buffer.read += 1
    own, name = v.clean_text(record.get("thomas_id")), v.clean_text(record.get("name"))
    if own is None or parent == "":
        buffer.quarantine("committees", line, "thomas_id", record.get("thomas_id"), "no committee id")
        return None
    if name is None:
        buffer.quarantine("committees", line, "name", None, "no name")
        return None
    committee_id = (parent or "") + own
    row = {
        "committee_id": committee_id,
        "name": name,
        "chamber": _CHAMBERS.get(str(kind)),
        "parent_id": parent,
        "jurisdiction": v.clean_text(record.get("jurisdiction")),
        "source": PUBLISHED,
    }
    buffer.accept("committee_facts", row, line)
    return committee_id


def read_committee_rows(records: Records, origin: Origin) -> Reading:
    """Committees from a table with one row each."""
    buffer = RowBuffer(origin.file)
    for line, row, raw in records:
        buffer.read += 1
        if row is None:
            _torn(buffer, "committees", line, raw)
            continue
        committee_id, name = v.clean_text(row.get("committee_id")), v.clean_text(row.get("name"))
        if committee_id is None or name is None:
            missing = "committee_id" if committee_id is None else "name"
            buffer.quarantine("committees", line, missing, None, "missing")
            continue
        parent = v.clean_text(row.get("parent_id"))
        accepted = {
            "committee_id": committee_id,
            "name": name,
            "chamber": _CHAMBERS.get(str(row.get("chamber"))),
            "parent_id": parent if parent != committee_id else None,
            "jurisdiction": v.clean_text(row.get("jurisdiction")),
            "source": PUBLISHED,
        }
        buffer.accept("committee_facts", accepted, line)
    return buffer.reading()


def read_memberships(document: object, origin: Origin) -> Reading:
    """Seats from the published lists: an object keyed by committee, each with a list of members."""
    buffer, line = RowBuffer(origin.file), 0
    as_of = date_of_name(origin.name)
    for committee, members in as_dict(document).items():
        for item in as_list(members):
            line += 1
            buffer.read += 1
            member = as_dict(item)
            seat = {
                **member,
                "committee_id": committee,
                "side": member.get("party"),
                "bioguide_id": member.get("bioguide"),
            }
            _seat(buffer, line, seat, as_of)
    return buffer.reading()


def read_membership_rows(records: Records, origin: Origin) -> Reading:
    """Seats from a CSV (`bioguide`, `party`) or Parquet table (`bioguide_id`, `side`) with one row each."""
    buffer = RowBuffer(origin.file)
    as_of = date_of_name(origin.name)
    for line, row, raw in records:
        buffer.read += 1
        if row is None:
            _torn(buffer, "memberships", line, raw)
            continue
        seat = {
            **row,
            "side": row.get("side", row.get("party")),
            "bioguide_id": row.get("bioguide_id", row.get("bioguide")),
        }
        _seat(buffer, line, seat, v.parse_date(row.get("as_of")) or as_of)
    return buffer.reading()


def _seat(buffer: RowBuffer, line: int, seat: dict[str, Any], as_of: dt.date | None) -> None:
    bioguide, committee = _bioguide(seat.get("bioguide_id")), v.clean_text(seat.get("committee_id"))
    if bioguide is None:
        value = seat.get("bioguide_id") or seat.get("name")
        return buffer.quarantine("memberships", line, "bioguide", value, "not a Biographical Directory id")
    if committee is None:
        return buffer.quarantine("memberships", line, "committee_id", None, "missing")
    side = v.clean_text(seat.get("side"))
    row = {
        "committee_id": committee,
        "bioguide_id": bioguide,
        "side": side if side in ("majority", "minority") else None,
        "rank": v.integer(seat.get("rank")),
        "title": v.clean_text(seat.get("title")),
        "congress": v.integer(seat.get("congress")),
        "as_of": as_of,
        "source": PUBLISHED,
    }
    return buffer.accept("membership_facts", row, line)
