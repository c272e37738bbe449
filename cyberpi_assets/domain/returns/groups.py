"""Groups of disclosed trades whose returns are tested: all, by direction, tier, party, chamber, and per person.

Here belongs which trades form one observation and to which groups it belongs. One person's trades in one ticker with
one day 0 and one direction have one and the same return: they are one observation, however many rows disclose them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from cyberpi_assets.domain.calendar import ordinal
from cyberpi_assets.domain.returns.windows import NAMES
from cyberpi_assets.domain.sql import ask
from cyberpi_assets.domain.timing import SUSPICIOUS

MIN_OFFICIAL = 30  # observations below which a person has no group


@dataclass(frozen=True)
class Group:
    """Rows of `observations` that are looked at together."""

    kind: str
    name: str
    rows: npt.NDArray[np.int64]


def observations(returns: pa.Table, trades: pa.Table, correlations: pa.Table, anchor: str) -> pa.Table:
    """One row per person, ticker, day 0 and direction, of the trades that have returns, in that order.

    returns: `tables.TRADE_RETURNS`; trades: `tables.DISCLOSED_TRADES`; correlations: `tables.DISCLOSURE_CORRELATIONS`.
    Columns: person, ticker, day0, direction, n_trades, score (highest), party, chamber, n_estimation,
    n_sector_estimation, n_sessions and the abnormal returns with their errors.
    """
    measured = ["n_estimation", "n_sector_estimation", "n_sessions"]
    measured += [f"{part}_{w}" for w in NAMES for part in ("car", "se", "sector_car", "sector_se")]
    return ask(
        f"""
        SELECT coalesce(t.bioguide_id, 'name:' || lower(t.official)) AS person, r.ticker, r.day0, r.direction,
               count(*) AS n_trades, max(c.score) AS score, min(t.party) AS party, min(t.chamber) AS chamber,
               {", ".join(f"any_value({m}) AS {m}" for m in measured)}
        FROM returns r JOIN trades t USING (trade_id) LEFT JOIN correlations c USING (trade_id)
        WHERE r.anchor = $anchor AND r.reason IS NULL
        GROUP BY ALL ORDER BY person, r.ticker, r.day0, r.direction""",
        params={"anchor": anchor},
        returns=returns,
        trades=trades.select(["trade_id", "bioguide_id", "official", "party", "chamber"]),
        correlations=correlations.select(["trade_id", "score"]),
    )


def session_of(seen: pa.Table) -> npt.NDArray[np.int64]:
    """Ordinal of day 0 of each observation."""
    return ordinal(seen.column("day0").cast(pa.int32()).to_numpy())


def groups(seen: pa.Table) -> Iterator[Group]:
    """The groups of observations, people last. seen: as `observations` gives."""
    direction = seen.column("direction").to_numpy()
    score = seen.column("score").to_numpy()
    yield Group("all", "all", np.arange(seen.num_rows))
    for name, where in (("buys", direction == 1), ("sells", direction == -1)):
        yield Group("direction", name, np.flatnonzero(where))
    with np.errstate(invalid="ignore"):
        yield Group("tier", "suspicious", np.flatnonzero(score >= SUSPICIOUS))
        yield Group("tier", "not suspicious", np.flatnonzero(score < SUSPICIOUS))
    for kind, column in (("party", "party"), ("chamber", "chamber"), ("official", "person")):
        words = seen.column(column).to_numpy(zero_copy_only=False)
        for name, rows in _split(words):
            if kind != "official" or rows.size >= MIN_OFFICIAL:
                yield Group(kind, name, rows)


def _split(words: npt.NDArray[np.object_]) -> Iterator[tuple[str, npt.NDArray[np.int64]]]:
    known = np.flatnonzero(np.array([w is not None for w in words], dtype=bool))
    names, which = np.unique(words[known].astype(str), return_inverse=True)
    order = np.argsort(which, kind="stable")
    edges = np.searchsorted(which[order], np.arange(names.size + 1))
    for k, name in enumerate(names.tolist()):
        yield name, known[order[edges[k] : edges[k + 1]]]
