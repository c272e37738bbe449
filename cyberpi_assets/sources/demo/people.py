"""The invented officials: names, parties, seats, committees, and how each of them trades.

Belongs here: who the people are, and their reference facts. What they trade is in `trades.py`.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cache

import numpy as np

from cyberpi_assets.sources.demo.horizon import Horizon

# first | middle | family | nickname
_NAMES = """
Alder | Q. | Thornquill | -
Beatrix | Ann | Wexmoore | Bea
Casimir | - | Dunhollow | Cas
Delphine | R. | Ashbrindle | -
Edmund | Lee | Quarrelstone | Ned
Fenella | - | Marrowgate | -
Gideon | T. | Oxenbury | Gid
Harriet | Joan | Plumbwright | Hattie
Ignatius | - | Velmarch | Iggy
Josephine | K. | Brackenfold | Jo
Konrad | - | Silverthwaite | -
Leocadia | M. | Hartswold | -
Montgomery | P. | Fairquist | Monty
Nerissa | - | Glimhaven | -
Octavian | D. | Stroudmere | -
Philippa | - | Cobblewick | Pippa
Quentin | A. | Larkmantle | -
Rosalind | Eve | Tidewhistle | Roz
Sylvester | - | Umberlane | Sly
Theodora | C. | Wrenfellow | Teddy
Ulysses | - | Pennyfarrow | -
Valentina | S. | Crowhurstle | Val
Winston | - | Dapplegrove | Win
Xanthe | L. | Mirkwater | -
Yorick | - | Hollinsworthy | -
Zenobia | F. | Kettlebrand | -
Ambrose | - | Nettlesham | -
Briony | T. | Featherstane | -
Cornelius | J. | Vanderquill | Neil
Dorothea | - | Saltmarche | Dot
Ezekiel | W. | Pumphreston | Zeke
Florimond | - | Yarrowby | -
Gwendolyn | H. | Inglethorpe | Gwen
Horatio | - | Blandersby | -
Isadora | N. | Ravenscopse | Izzy
Jedediah | - | Cloverton-Pyke | Jed
Katarina | V. | Moonbrook | Kat
Lysander | - | Ostrander-Vale | -
Marguerite | B. | Thistlemark | Daisy
Nathaniel | G. | Quillfeather | Nate
Ottoline | - | Briarsedge | -
Percival | X. | Loamsworth | Percy
Rowena | - | Sparrowmont | -
Thaddeus | E. | Wickershaw | Thad
Ursuline | - | Elderbough | -
Vivienne | O. | Thornquill | Viv
Wilhelmina | - | Copperlynn | Billie
Zachariah | I. | Drummelford | Zach
Imelda | - | Fenwhistle | -
Bartholomew | U. | Greyquay | Bart
"""

_STATES = (
    *("CA", "TX", "FL", "NY", "PA", "OH", "GA", "NC", "MI", "NJ", "VA", "WA", "AZ", "TN", "MA", "IN"),
    *("MO", "MD", "WI", "CO", "MN", "SC", "AL", "LA", "KY", "OR", "OK", "CT", "UT", "NV", "AK", "VT"),
)

# number in the list of names above -> how the person trades; everybody else trades at random
_INFORMED = {2: 0.9, 6: 0.6, 11: 0.3, 17: 0.6, 25: 0.9, 38: 0.3}
_REBALANCER = (4, 20, 33)
_LATE = (8, 13, 22, 30, 44)
_ON_PAPER = (9, 15, 41)  # file on paper: their rows come from scans
_LEAVES_AFTER_FIRST_CONGRESS = (27, 36)
_JOINS_IN_SECOND_CONGRESS = (47, 49)
_MOVES_TO_SENATE = 32
_SENATORS = frozenset(range(3, 50, 4))

# committee | name | jurisdiction | (subcommittee | its name)
_COMMITTEES = (
    ("XCY", "Networks and Digital Security", "information technology, communication services, data breaches"),
    ("XFI", "Banking and Markets", "banks, insurance, exchanges, payment services, housing finance"),
    ("XHL", "Health and Medicines", "health care providers, pharmaceuticals, medical devices"),
    ("XEN", "Energy and Utilities", "energy production, electric, gas and water utilities"),
    ("XIN", "Industry and Transport", "aerospace, airlines, railways, freight, construction and materials"),
    ("XCO", "Commerce and Consumers", "consumer goods, retail, restaurants, hotels, agriculture and food"),
)
_SUBCOMMITTEES = (("XCY", "01", "Incident Response"), ("XFI", "01", "Payments"), ("XHL", "01", "Patient Records"))


@dataclass(frozen=True)
class Seat:
    """One term of office."""

    chamber: str
    state: str
    district: int | None
    party: str
    starts_on: dt.date
    ends_on: dt.date


@dataclass(frozen=True)
class Official:
    """One invented official. `habit`: informed | random | rebalancer | late_filer; `activity`: trade days a year."""

    number: int
    bioguide_id: str
    first: str
    middle: str | None
    last: str
    nickname: str | None
    birthday: dt.date
    lis_id: str | None
    seats: tuple[Seat, ...]
    habit: str
    strength: float
    on_paper: bool
    activity: float

    @property
    def full_name(self) -> str:
        """The name as the person signs."""
        return " ".join(part for part in (self.first, self.middle, self.last) if part)

    def seat_on(self, day: dt.date) -> Seat | None:
        """The seat held on a day; null out of office."""
        return next((s for s in self.seats if s.starts_on <= day < s.ends_on), None)

    def spellings(self, seat: Seat) -> tuple[str, ...]:
        """How filings print the name."""
        title = "Hon." if seat.chamber == "house" else "Sen."
        short = f"{self.nickname or self.first} {self.last}"
        return (self.full_name, f"{title} {self.first} {self.last}", f"{self.last}, {self.first}", short)


def congress_of(year: int) -> int:
    """The Congress that sits from 3 January of an odd year for two years."""
    return (year - 1789) // 2 + 1


def congress_start(congress: int) -> dt.date:
    """The first day of a Congress."""
    return dt.date(1789 + 2 * (congress - 1), 1, 3)


@cache
def _written() -> tuple[tuple[str, str | None, str, str | None], ...]:
    rows = ([part.strip() for part in line.split("|")] for line in _NAMES.strip().splitlines())
    return tuple((f, None if m == "-" else m, n, None if k == "-" else k) for f, m, n, k in rows)


def officials(horizon: Horizon) -> list[Official]:
    """All officials, in the order of their numbers, with the seats that start up to the world's last day.

    Somebody who joins later has no seat yet.
    """
    rng = horizon.stream("people")
    names = _written()
    n = len(names)
    states = rng.permutation(len(_STATES))
    districts = rng.integers(1, 13, n)
    parties = rng.permutation(np.resize(["Republican", "Democrat"], n))
    first_congress = congress_of(horizon.first_day.year) - rng.integers(0, 8, n)
    birthdays = np.datetime64("1940-01-01") + rng.integers(0, 43 * 365, n)
    activity = np.minimum(rng.lognormal(np.log(26), 0.75, n), 110.0)
    result: list[Official] = []
    for i, (first, middle, last, nickname) in enumerate(names):
        habit, strength = "random", 0.0
        if i in _INFORMED:
            habit, strength = "informed", _INFORMED[i]
        elif i in _REBALANCER:
            habit = "rebalancer"
        elif i in _LATE:
            habit = "late_filer"
        senator = i in _SENATORS
        seats = _seats(
            i,
            horizon,
            _STATES[states[i % len(_STATES)]],
            int(districts[i]),
            "Independent" if i == 35 else str(parties[i]),
            int(first_congress[i]),
        )
        result.append(
            Official(
                i,
                f"X{900_001 + i}",
                first,
                middle,
                last,
                nickname,
                birthdays[i].item(),
                f"S9{i:02d}" if senator or i == _MOVES_TO_SENATE else None,
                seats,
                habit,
                strength,
                i in _ON_PAPER,
                float(activity[i]),
            )
        )
    return result


def _seats(i: int, horizon: Horizon, state: str, district: int, party: str, first: int) -> tuple[Seat, ...]:
    """The terms of one person that start up to the world's last day."""
    now = congress_of(horizon.first_day.year)
    first = now + 1 if i in _JOINS_IN_SECOND_CONGRESS else first
    last = now if i in _LEAVES_AFTER_FIRST_CONGRESS else congress_of(horizon.last_day.year)
    seats: list[Seat] = []
    congress = first
    while congress <= last and congress_start(congress) <= horizon.last_day:
        senate = i in _SENATORS or (i == _MOVES_TO_SENATE and congress > now)
        length = 3 if senate else 1
        starts, ends = congress_start(congress), congress_start(congress + length)
        seats.append(Seat("senate" if senate else "house", state, None if senate else district, party, starts, ends))
        congress += length
    return tuple(seats)


def committee_rows() -> list[dict[str, object]]:
    """The committees of both chambers with their subcommittees, as `tables.COMMITTEE_FACTS` without the trace."""
    rows: list[dict[str, object]] = []
    for letter, chamber in (("H", "house"), ("S", "senate")):
        for code, name, jurisdiction in _COMMITTEES:
            about = f"The {chamber.capitalize()} Committee on {name} oversees {jurisdiction}."
            full = f"{chamber.capitalize()} Committee on {name}"
            rows.append(_committee(letter + code, full, chamber, None, about))
        for code, number, name in _SUBCOMMITTEES:
            rows.append(_committee(letter + code + number, name, chamber, letter + code, None))
    return rows


def _committee(key: str, name: str, chamber: str, parent: str | None, about: str | None) -> dict[str, object]:
    return {"committee_id": key, "name": name, "chamber": chamber, "parent_id": parent, "jurisdiction": about}


def membership_rows(people: list[Official], horizon: Horizon) -> list[dict[str, object]]:
    """Seats on committees, one list on 1 March of each year shown, as `tables.MEMBERSHIP_FACTS` without the trace."""
    rows: list[dict[str, object]] = []
    choice = horizon.stream("people", 1).integers(0, len(_COMMITTEES), (len(_written()), 2))
    for year in horizon.years:
        as_of = dt.date(year, 3, 1)
        if not horizon.first_day <= as_of <= horizon.last_day:
            continue
        for letter, chamber in (("H", "house"), ("S", "senate")):
            sitting = [(p, s) for p in people if (s := p.seat_on(as_of)) and s.chamber == chamber]
            republicans = sum(s.party == "Republican" for _, s in sitting)
            majority = "Republican" if 2 * republicans >= len(sitting) else "Democrat"
            for c, (code, _, _) in enumerate(_COMMITTEES):
                ranks = {"majority": 0, "minority": 0}
                members = [(p, s) for p, s in sitting if c in choice[p.number]]
                for person, seat in sorted(members, key=lambda m: (m[0].seats[0].starts_on, m[0].number)):
                    side = "majority" if seat.party == majority else "minority"
                    ranks[side] += 1
                    title = ("Chair" if side == "majority" else "Ranking Member") if ranks[side] == 1 else None
                    keys = [letter + code]
                    keys += [letter + code + n for p, n, _ in _SUBCOMMITTEES if p == code and person.number % 2 == 0]
                    for key in keys:
                        row: dict[str, object] = {"committee_id": key, "bioguide_id": person.bioguide_id}
                        row |= {"side": side, "rank": ranks[side], "title": title if key == letter + code else None}
                        rows.append({**row, "congress": congress_of(year), "as_of": as_of})
    return rows
