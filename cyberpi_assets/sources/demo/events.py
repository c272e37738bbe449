"""The planted breaches: who is hit, when insiders know, which sessions show a footprint, and how the price reacts.

Only the plan belongs here; `market.py` carries it out and `trades.py` lets some officials act on it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cyberpi_assets.sources.demo.companies import uneventful
from cyberpi_assets.sources.demo.horizon import Horizon

PER_YEAR = 8
_QUIET_SESSIONS = {True: 130, False: 30}  # before the year's first breach; the world's first year needs a history


@dataclass(frozen=True)
class Breach:
    """One breach of one company. Sessions are numbers from the world's start; `footprints` lie strictly between.

    `drop`: the fall of the close on the day of disclosure, as a share of the close before.
    """

    company: int
    known_at: int
    event_at: int
    footprints: tuple[int, ...]
    drop: float


def breaches(horizon: Horizon) -> list[Breach]:
    """All breaches of the years drawn, in order of disclosure, also those after the last day shown.

    A company is hit once, until every company has been hit.
    """
    turn = horizon.stream("events").permutation(uneventful())
    result: list[Breach] = []
    for number, year in enumerate(horizon.years):
        rng = horizon.stream("events", year)
        sessions = horizon.of_year(year)
        quiet = _QUIET_SESSIONS[number == 0]
        span = (len(sessions) - 1 - quiet) / PER_YEAR
        for k in range(PER_YEAR):
            event_at = int(sessions[0]) + quiet + int((k + rng.uniform()) * span)
            known_at = event_at - int(rng.integers(9, 21))
            between = np.arange(known_at + 1, event_at - 2)
            footprints = np.sort(rng.choice(between, size=int(rng.integers(2, 5)), replace=False))
            company = int(turn[(number * PER_YEAR + k) % len(turn)])
            drop = round(float(rng.uniform(0.08, 0.24)), 4)
            result.append(Breach(company, known_at, event_at, tuple(int(f) for f in footprints), drop))
    return result
