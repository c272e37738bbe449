"""What the invented officials trade: on foreknowledge, at random, by a monthly plan.

Belongs here: who trades which company on which session, and what kind of trade it is. When and how it is disclosed is
in `filings.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from cyberpi_assets.sources.demo.events import Breach
from cyberpi_assets.sources.demo.horizon import Bools, Floats, Horizon, Ints
from cyberpi_assets.sources.demo.people import Official

KINDS = ("stock", "option", "fund", "municipal_security", "corporate_bond", "government_security", "other", "crypto")
_KIND_SHARE = (0.845, 0.04, 0.04, 0.025, 0.02, 0.015, 0.01, 0.005)
SIDES = ("buy", "sell", "exchange")
_SIDE_SHARE = (0.5, 0.49, 0.01)
OWNERS = ("self", "spouse", "joint", "child")
_OWNER_SHARE = (0.44, 0.28, 0.24, 0.04)
BANDS = (
    (1_001, 15_000),
    (15_001, 50_000),
    (50_001, 100_000),
    (100_001, 250_000),
    (250_001, 500_000),
    (500_001, 1_000_000),
    (1_000_001, 5_000_000),
    (5_000_001, 25_000_000),
    (25_000_001, 50_000_000),
    (50_000_001, None),
)
_BAND_SHARE = (0.66, 0.18, 0.07, 0.045, 0.02, 0.015, 0.007, 0.002, 0.0006, 0.0004)
_ACTED_ON = 6  # breaches a year on which an informed official trades
LEAST_BASKET = 10  # companies in a monthly rebalancing
_BASKET = (LEAST_BASKET + 1, 17)  # as drawn: one company of it may not be listed on the day


@dataclass(frozen=True)
class Trades:
    """Trades, one per entry. Shapes: (trades,).

    `person`: number in the list of names; `company`: number of the company; `session`: number from the world's start;
    `kind`, `side`, `owner`, `band`: numbers in the lists above; `partial`: a partial sale; `informed`: made on
    foreknowledge; `planned`: part of a monthly rebalancing.
    """

    person: Ints
    company: Ints
    session: Ints
    kind: Ints
    side: Ints
    owner: Ints
    band: Ints
    partial: Bools
    informed: Bools
    planned: Bools

    def take(self, which: Ints | Bools) -> Trades:
        """The trades chosen."""
        return Trades(*(getattr(self, f.name)[which] for f in fields(self)))


def trades(
    horizon: Horizon, people: list[Official], listed: tuple[Ints, Ints], planned: list[Breach]
) -> dict[int, Trades]:
    """The trades of each year drawn. `listed`: first and last session of each company.

    Trades out of office and trades in a company that is not listed are left out.
    """
    portfolios = _portfolios(horizon, len(people), len(listed[0]))
    return {year: _of_year(horizon, year, people, listed, planned, portfolios) for year in horizon.years}


def _portfolios(horizon: Horizon, n_people: int, n_companies: int) -> Floats:
    """How likely each person trades each company, cumulated. Shape: (people, companies)."""
    rng = horizon.stream("trades")
    popular = 1 / (5 + rng.permutation(n_companies))
    weights = popular * rng.gamma(0.4, size=(n_people, n_companies))
    return np.cumsum(weights / weights.sum(axis=1, keepdims=True), axis=1)


def _of_year(
    horizon: Horizon,
    year: int,
    people: list[Official],
    listed: tuple[Ints, Ints],
    planned: list[Breach],
    portfolios: Floats,
) -> Trades:
    rng, sessions, n_people = horizon.stream("trades", year), horizon.of_year(year), len(portfolios)
    habits = {p.number: p for p in people}
    known = [b for b in planned if sessions[0] <= b.event_at <= sessions[-1]]

    # drawn for everybody, whether in the world or not, so that nobody's arrival changes the others
    activity = np.zeros(n_people)
    for p in people:
        if p.habit in ("random", "late_filer"):
            activity[p.number] = p.activity
    days = rng.poisson(activity)
    person = np.repeat(np.arange(n_people), days)
    session = rng.choice(sessions, len(person))
    rows = np.minimum(rng.geometric(0.55, len(person)), 8)
    person, session = np.repeat(person, rows), np.repeat(session, rows)

    acts = [_act(rng, p, known) for p in people if p.habit == "informed"]
    others = [
        (p.number, round(len(a) * (1 - p.strength) / p.strength))
        for p, a in zip((p for p in people if p.habit == "informed"), acts, strict=True)
    ]
    calm_person = np.repeat([n for n, _ in others], [k for _, k in others]).astype(np.int64)
    calm_session = rng.choice(sessions, len(calm_person))
    acted = np.array([row for a in acts for row in a], dtype=np.int64).reshape(-1, 3)
    baskets = [_baskets(rng, horizon, p.number, sessions) for p in people if p.habit == "rebalancer"]
    basket = np.concatenate(baskets) if baskets else np.empty((0, 2), dtype=np.int64)

    free_person = np.concatenate([person, calm_person])
    free_session = np.concatenate([session, calm_session])
    u = rng.uniform(size=len(free_person))
    free_company = np.minimum((portfolios[free_person] < u[:, None]).sum(axis=1), portfolios.shape[1] - 1)
    basket_company = _distinct(rng, basket, portfolios.shape[1])

    n_free, n_acted, n_basket = len(free_person), len(acted), len(basket)
    n = n_free + n_acted + n_basket
    informed, in_basket = np.zeros(n, dtype=np.bool_), np.zeros(n, dtype=np.bool_)
    informed[n_free : n_free + n_acted] = True
    in_basket[n_free + n_acted :] = True
    side = rng.choice(len(SIDES), n, p=_SIDE_SHARE)
    side[informed] = SIDES.index("sell")
    kind = rng.choice(len(KINDS), n, p=_KIND_SHARE)
    kind[informed | in_basket] = KINDS.index("stock")
    owner, band = rng.choice(len(OWNERS), n, p=_OWNER_SHARE), rng.choice(len(BANDS), n, p=_BAND_SHARE)
    band[in_basket] = np.minimum(band[in_basket], 1)
    partial = (rng.uniform(size=n) < 0.3) & (side == SIDES.index("sell"))
    drawn = Trades(
        person=np.concatenate([free_person, acted[:, 0], basket[:, 0]]),
        company=np.concatenate([free_company, acted[:, 1], basket_company]),
        session=np.concatenate([free_session, acted[:, 2], basket[:, 1]]),
        kind=kind,
        side=side,
        owner=owner,
        band=band,
        partial=partial,
        informed=informed,
        planned=in_basket,
    )
    first, last = listed
    possible = (drawn.session >= first[drawn.company]) & (drawn.session <= last[drawn.company])
    return drawn.take(possible & _in_office(horizon, habits, drawn))


def _act(rng: np.random.Generator, person: Official, known: list[Breach]) -> list[tuple[int, int, int]]:
    """One informed person's sales of one year: (person, company, session), after a footprint, before disclosure."""
    rows: list[tuple[int, int, int]] = []
    for which in np.sort(rng.permutation(len(known))[:_ACTED_ON]):
        breach = known[which]
        for _ in range(int(rng.integers(1, 4))):
            after = breach.footprints[int(rng.integers(0, len(breach.footprints)))]
            session = min(after + int(rng.integers(1, 5)), breach.event_at - 1)
            rows.append((person.number, breach.company, session))
    return rows


def _baskets(rng: np.random.Generator, horizon: Horizon, person: int, sessions: Ints) -> Ints:
    """One person's monthly rebalancing days of one year, a row per company traded: (person, session)."""
    months = horizon.year_sessions[sessions].astype("datetime64[M]")
    firsts = sessions[np.unique(months, return_index=True)[1]]
    days = firsts + rng.integers(0, 4, len(firsts))
    size = rng.integers(*_BASKET, len(firsts), endpoint=True)
    return np.column_stack([np.full(int(size.sum()), person), np.repeat(days, size)])


def _distinct(rng: np.random.Generator, basket: Ints, n_companies: int) -> Ints:
    """A company for every row of the baskets, different within a basket. A few more are drawn than are needed."""
    if not len(basket):
        return np.empty(0, dtype=np.int64)
    changes = np.any(basket[1:] != basket[:-1], axis=1)
    number = np.concatenate([[0], np.cumsum(changes)])
    starts = np.flatnonzero(np.concatenate([[True], changes]))
    order = np.argsort(rng.uniform(size=(int(number[-1]) + 1, n_companies)), axis=1)
    return order[number, np.arange(len(basket)) - starts[number]]


def _in_office(horizon: Horizon, people: dict[int, Official], drawn: Trades) -> Bools:
    """Whether the person holds a seat on the day of each trade."""
    result = np.zeros(len(drawn.person), dtype=np.bool_)
    day = horizon.year_sessions[drawn.session]
    for number, person in people.items():
        mine = drawn.person == number
        for seat in person.seats:
            result |= mine & (day >= np.datetime64(seat.starts_on)) & (day < np.datetime64(seat.ends_on))
    return result
