"""Finding one official by name: without accents, case, commas, titles or middle initials.

A name that fits several people is an error that lists them: a report about the wrong person is worse than none.
Which bioguide id a filing's printed name stands for is decided elsewhere; here a reader's request meets known people.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from dataclasses import dataclass, field

import duckdb

from cyberpi_assets.domain.names import fold_name, same_person
from cyberpi_assets.reports.language import seat
from cyberpi_assets.reports.safe import clean

# letters that do not come apart into a plain letter and an accent
_LETTERS = {"ß": "ss", "ø": "o", "đ": "d", "ð": "d", "ł": "l", "æ": "ae", "œ": "oe", "þ": "th", "ı": "i"}
_PLAIN = str.maketrans(_LETTERS | {k.upper(): v for k, v in _LETTERS.items() if len(k.upper()) == 1})


class NoSuchOfficial(LookupError):
    """Nobody in the data has this name; the message names the nearest."""


class SeveralOfficials(LookupError):
    """The name fits several people; the message lists them with their ids."""


@dataclass(frozen=True)
class Official:
    """One person in the disclosures."""

    key: str
    bioguide_id: str | None
    name: str
    seat: str
    printed: tuple[str, ...] = field(repr=False)  # names as the trades show them


def words_of(name: str) -> tuple[str, ...]:
    """The words of a name in comparable form: `Peláez, María J., Jr.` -> ('maria', 'pelaez')."""
    return tuple(fold_name(name.translate(_PLAIN)).split())


def _every_word(name: str) -> set[str]:
    """All words of a name, initials too, without accents."""
    plain = unicodedata.normalize("NFKD", name.casefold().translate(_PLAIN))
    return set(re.findall(r"[^\W_]+", "".join(c for c in plain if not unicodedata.combining(c))))


def find_official(con: duckdb.DuckDBPyConnection, wanted: str) -> Official:
    """The one official of the disclosures whom a name or a bioguide id means.

    A name fits when all its words occur in one known spelling of the person (display name, given or nickname with
    family name, published spellings); a complete match wins over a partial one, and a name of daily life (Bill for
    William) counts where nothing else fits. Reads disclosed_trades and officials.

    Raises NoSuchOfficial and SeveralOfficials.
    """
    people = _people(con)
    for person, _ in people:
        if person.bioguide_id and person.bioguide_id.casefold() == wanted.strip().casefold():
            return person
    asked = words_of(wanted)
    if not asked:
        raise NoSuchOfficial(f"{clean(wanted)!r} is no name")
    partial = [p for p, spellings in people if any(set(asked) <= set(s) for s in spellings)]
    exact = [p for p, spellings in people if any(sorted(asked) == sorted(s) for s in spellings)]
    daily = [
        p for p, spellings in people if len(asked) > 1 and any(same_person(wanted, " ".join(s)) for s in spellings)
    ]
    found = exact or partial or daily
    found = [p for p in found if p.bioguide_id] or found  # names left in doubt yield to people who are known
    if len(found) > 1:  # an initial that the reader gave may decide
        written = _every_word(wanted)
        names = {p.key: (p.name, *p.printed) for p in found}
        found = [p for p in found if any(written <= _every_word(n) for n in names[p.key])] or found
    if len(found) == 1:
        return found[0]
    if found:
        shown = "\n".join(f"  {p.bioguide_id or '-':<8} {p.name} ({p.seat})" for p in found[:20])
        more = f"\n  ... and {len(found) - 20} more" if len(found) > 20 else ""
        raise SeveralOfficials(
            f"{clean(wanted)!r} fits {len(found)} officials; give the full name or the id:\n{shown}{more}"
        )
    names = {" ".join(words_of(p.name)): p.name for p, _ in people}
    near = [names[n] for n in difflib.get_close_matches(" ".join(asked), list(names), n=3, cutoff=0.6)]
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    raise NoSuchOfficial(f"no official named {clean(wanted)!r} in the disclosures{hint}")


def _people(con: duckdb.DuckDBPyConnection) -> list[tuple[Official, set[tuple[str, ...]]]]:
    rows = con.execute(
        """
        WITH seen AS (
            SELECT bioguide_id, official, max_by(party, filed_on) AS party, max_by(state, filed_on) AS state,
                   max_by(chamber, filed_on) AS chamber, max(filed_on) AS last_filed
            FROM disclosed_trades GROUP BY bioguide_id, official)
        SELECT coalesce(t.bioguide_id, 'name:' || t.official) AS key, any_value(t.bioguide_id),
               coalesce(any_value(o.official), max_by(t.official, t.last_filed)),
               coalesce(any_value(o.party), max_by(t.party, t.last_filed)),
               coalesce(any_value(o.state), max_by(t.state, t.last_filed)),
               coalesce(any_value(o.chamber), max_by(t.chamber, t.last_filed)),
               list(DISTINCT t.official ORDER BY t.official), any_value(o.first_name), any_value(o.nickname),
               any_value(o.last_name), any_value(o.other_names)
        FROM seen t LEFT JOIN officials o ON o.bioguide_id = t.bioguide_id
        GROUP BY key ORDER BY 3, 1
        """
    ).fetchall()
    people: list[tuple[Official, set[tuple[str, ...]]]] = []
    for key, bioguide, name, party, state, chamber, printed, first, nick, last, others in rows:
        spellings = {name, *printed, *(others or ())}
        spellings |= {f"{given} {last}" for given in (first, nick) if given and last}
        person = Official(key, bioguide, clean(name) or key, clean(seat(party, state, chamber)) or "", tuple(printed))
        people.append((person, {w for s in spellings if (w := words_of(s))}))
    return people
