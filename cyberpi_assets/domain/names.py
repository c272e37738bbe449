"""Names of people: folded for comparison, compared, and resolved to a person who held office.

Here belongs when two spellings are taken for one person, and when a name is too doubtful for that: a wrong person is
worse than none. Which document is believed is in `documents.py`; where names are read from files is in `sources/`.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import pyarrow as pa

STATED, NAME, AMBIGUOUS, NOT_FOUND = "stated", "name", "ambiguous", "not found"
GRACE_DAYS: Final = 365  # reports are filed for up to a year after leaving office
RESOLVED: Final = pa.schema([pa.field("bioguide_id", pa.string()), pa.field("evidence", pa.string(), nullable=False)])

_HONORIFICS: Final = frozenset(
    {"hon", "honorable", "the", "mr", "mrs", "ms", "miss", "dr", "rep", "representative", "sen", "senator", "none"}
    | {"congressman", "congresswoman", "delegate"}
)
_SUFFIX = r"(?:jr|sr|ii|iii|iv|md|m\.d|facs|phd|ph\.d|dds|esq|cpa|dvm|rn)"
_SUFFIXES = re.compile(rf"(?:\s*,\s*|\s+){_SUFFIX}\b\.?(?:\s*,)?")
_DIGITS = re.compile(r"[0-9_]")  # they part words as a space does
_BRACKETS = re.compile(r"\([^()]*\)|\"[^\"]*\"")
_APOSTROPHES = re.compile(r"['\u2018\u2019`\u00b4]")
_WORDS = re.compile(r"[a-z]+")

# Names of daily life that share no beginning with the given name.
_NICKNAMES: Final = (
    "robert rob bob bobby",
    "william bill billy will",
    "james jim jimmy jamie",
    "joseph joe",
    "thomas tom thom tommy",
    "michael mike mick",
    "richard rick dick rich",
    "charles chuck charlie",
    "edward ed ted eddie",
    "john jack johnny",
    "margaret maggie peggy",
    "elizabeth liz beth betty",
    "deborah debbie deb debra",
    "katherine kathy kate catherine kathleen",
    "cynthia cindy",
    "jacklyn jacky jackie jacqueline",
    "anthony tony",
    "lawrence larry",
    "andrew andy drew",
    "henry hank",
    "patricia pat patty",
    "patrick pat",
    "francis frank",
    "peter pete",
    "gerald jerry",
    "jerome jerry",
    "theodore ted",
    "stephen steve steven",
    "terrance terry terri",
    "susan sue suzanne",
    "mitchell mitch",
    "donald don donny",
    "ronald ron",
    "raymond ray",
    "daniel dan danny",
    "david dave",
    "kenneth ken",
    "nicholas nick",
    "victoria vicky",
)
_DAILY: Final[dict[str, frozenset[str]]] = {}
for _group in _NICKNAMES:
    for _name in _group.split():
        _DAILY[_name] = _DAILY.get(_name, frozenset()) | frozenset(_group.split())


@lru_cache(maxsize=65_536)
def fold_name(name: str) -> str:
    """A name for comparison: `Hon. Rodríguez, José M., Jr.` -> `jose rodriguez`.

    Lower case without accents, honorifics, suffixes, titles, brackets and initials; `Last, First` is turned around.
    Initials stay where nothing else would stand before the family name.
    """
    plain = unicodedata.normalize("NFKD", name[:200]).encode("ascii", "ignore") if not name.isascii() else b""
    text = _APOSTROPHES.sub("", name[:200]) if not plain else plain.decode().replace("'", "")
    text = _DIGITS.sub(" ", _BRACKETS.sub(" ", text.lower()))
    text = _SUFFIXES.sub(" ", text)
    family, comma, given = text.partition(",")
    if comma and _WORDS.search(given) and _WORDS.search(family):
        text = f"{given} {family}"
    words: list[str] = _WORDS.findall(text)
    titled = [w for w in words if w not in _HONORIFICS] or words
    long = [w for w in titled if len(w) > 1]
    if len(long) < 2 and len(titled) >= 2:
        return " ".join(titled)
    return " ".join(long or titled)


def _alike(a: str, b: str) -> bool:
    """Whether two given names may be one: equal, one begins the other, initials, or a name of daily life."""
    if a == b or (min(len(a), len(b)) >= 3 and (a.startswith(b) or b.startswith(a))):
        return True
    if min(len(a), len(b)) == 1:
        return a[0] == b[0]
    return b in _DAILY.get(a, ())


def same_person(a: str, b: str) -> bool:
    """Whether two spellings may be one person: the same last word, and given names that are alike.

    Meant for names that already share a chamber and a day of filing. Empty names are nobody.
    """
    one, two = fold_name(a).split(), fold_name(b).split()
    if not one or not two or one[-1] != two[-1]:
        return False
    if len(one) == 1 or len(two) == 1:
        return True
    return any(_alike(x, y) for x in one[:-1] for y in two[:-1])


# ------------------------------------------------------------------------------------------------------------ officials


@dataclass(frozen=True)
class _Person:
    bioguide_id: str
    families: tuple[tuple[str, ...], ...]
    given: frozenset[str]

    def family_fits(self, words: list[str]) -> int:
        """How many of the last words are this person's family name; 0 when it is another."""
        return max((len(f) for f in self.families if f and tuple(words[-len(f) :]) == f), default=0)

    def given_fits(self, words: list[str]) -> bool:
        return any(_alike(w, g) for w in words for g in self.given)


@dataclass(frozen=True)
class _Term:
    person: _Person
    state: str
    district: int | None
    starts_on: dt.date
    ends_on: dt.date


class Directory:
    """People and their terms, ready for many questions."""

    def __init__(self, officials: pa.Table, terms: pa.Table) -> None:
        """Take `tables.OFFICIALS` and `tables.OFFICIAL_TERMS`."""
        people = {p.bioguide_id: p for p in map(_person, officials.to_pylist())}
        self._by_family: dict[tuple[str, str], list[_Term]] = {}
        columns = ["bioguide_id", "chamber", "state", "district", "starts_on", "ends_on"]
        for row in terms.select(columns).to_pylist():
            person = people.get(row["bioguide_id"])
            if person is None:
                continue
            term = _Term(person, row["state"], row["district"], row["starts_on"], row["ends_on"] or dt.date.max)
            for family in {f[-1] for f in person.families if f}:
                self._by_family.setdefault((row["chamber"], family), []).append(term)

    def resolve(
        self, filer: str, chamber: str, state: str | None, district: int | None, on_date: dt.date | None
    ) -> tuple[str | None, str]:
        """The person behind a name, and the evidence: name | ambiguous | not found. See `resolve_official`."""
        words = fold_name(filer).split()
        if not words or on_date is None:
            return None, NOT_FOUND
        fitting = [
            (term, on_date <= term.ends_on)
            for term in self._by_family.get((chamber, words[-1]), ())
            if term.starts_on <= on_date and (term.ends_on >= on_date or (on_date - term.ends_on).days <= GRACE_DAYS)
            and term.person.family_fits(words)
        ]  # fmt: skip
        if state is not None:
            fitting = [(t, now) for t, now in fitting if t.state == state]
        given_fits = {t.person for t, _ in fitting if t.person.given_fits(words[: -t.person.family_fits(words)])}
        if chamber == "house" and state is not None and district is not None:
            there = [(t, now) for t, now in fitting if t.district == district]
            named = {t.person for t, _ in there} & given_fits
            if named or there:
                return _one(named or {t.person for t, now in there if now})
        return _one(given_fits)


def _one(people: set[_Person]) -> tuple[str | None, str]:
    if len(people) == 1:
        return next(iter(people)).bioguide_id, NAME
    return None, AMBIGUOUS if people else NOT_FOUND


def _person(row: dict[str, Any]) -> _Person:
    spelled: Iterable[str] = (row["last_name"], *(row.get("other_names") or ()))
    folded = [fold_name(s).split() for s in spelled]
    last = tuple(folded[0])
    families = {last, *(tuple(words[-1:]) for words in folded[1:])}
    if len(last) > 1:  # Wasserman Schultz is also printed as Schultz
        families.add(last[-1:])
    given = [row.get("first_name"), row.get("nickname")]
    words = [w for text in given if text for w in fold_name(text).split()]
    shown = fold_name(row.get("official") or "").split()
    if last and tuple(shown[-len(last) :]) == last:
        words += shown[: -len(last)]
    return _Person(row["bioguide_id"], tuple(sorted(families)), frozenset(words))


def resolve_official(
    filer: str,
    chamber: str,
    state: str | None,
    district: int | None,
    on_date: dt.date | None,
    officials: pa.Table,
    terms: pa.Table,
) -> tuple[str | None, str]:
    """The person behind a name on a day, and the evidence for it.

    In the House by state, district and family name; in the Senate, and where the district is not known or does not fit,
    by family name and given name or nickname. Only people in office on that day or up to a year before. Exactly one:
    (id, `name`); several: (None, `ambiguous`); none, or no date: (None, `not found`).
    """
    return Directory(officials, terms).resolve(filer, chamber, state, district, on_date)


def resolve_officials(disclosures: pa.Table, officials: pa.Table, terms: pa.Table) -> pa.Table:
    """One row per disclosed row, in its order. Columns: bioguide_id (null in doubt), evidence.

    Evidence is `stated` where the file gives the id, else as `resolve_official` says. The day is that of the filing,
    else of the notification, else of the transaction.
    """
    directory = Directory(officials, terms)
    names = [
        "bioguide_id",
        "filer",
        "chamber",
        "state",
        "district",
        "filed_on",
        "notification_date",
        "transaction_date",
    ]
    columns = [disclosures.column(n).to_pylist() for n in names]
    known: dict[tuple[Any, ...], tuple[str | None, str]] = {}
    ids: list[str | None] = []
    evidence: list[str] = []
    for stated, filer, chamber, state, district, filed, notified, traded in zip(*columns, strict=True):
        if stated:
            found = (stated, STATED)
        else:
            question = (filer, chamber, state, district, filed or notified or traded)
            found = known.get(question)
            if found is None:
                found = known[question] = directory.resolve(*question)
        ids.append(found[0])
        evidence.append(found[1])
    return pa.table([pa.array(ids, pa.string()), pa.array(evidence, pa.string())], schema=RESOLVED)
