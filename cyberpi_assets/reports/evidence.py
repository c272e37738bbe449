"""The evidence beside a raw figure: observed against expected, q, interval and label, as every report quotes it.

Here belongs reading a row of an evidence table and putting it in words. What the figures mean and how they are tested
is decided elsewhere; a lake without evidence gives none, and the reports then say so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import duckdb

from cyberpi_assets.reports.figures import MISSING, decimal, interval, percent
from cyberpi_assets.reports.safe import clean, number

SUPPORTED = "supported finding"
NOT_TESTED = "not tested: these data hold no comparison with random dates"
Source = Literal["official_evidence", "ticker_evidence", "sector_evidence", "committee_evidence"]
_KEYS: Mapping[Source, str] = {
    "official_evidence": "bioguide_id",
    "ticker_evidence": "ticker",
    "sector_evidence": "sector",
    "committee_evidence": "committee_id",
}


@dataclass(frozen=True)
class Evidence:
    """What the comparison with random dates says of a group of trades. Rates and shares are 0 to 1.

    A cluster is one official, ticker and day; `observed` and `expected` are over the tested ones.
    """

    n_clusters: int
    n_tested: int
    observed: int
    expected: float | None
    oe_ratio: float | None
    oe_low: float | None
    oe_high: float | None
    p_value: float | None
    q_value: float | None
    rate: float | None
    rate_low: float | None
    rate_high: float | None
    expected_score: float | None
    mean_mirror: float | None
    mean_difference: float | None
    supported: bool
    label: str
    label_reason: str | None

    @property
    def counted(self) -> str:
        """`44 / 9.6`: observed and expected suspicious clusters; nothing where none could be tested."""
        return MISSING if self.n_tested == 0 else f"{self.observed:,} / {decimal(self.expected)}"

    @property
    def range(self) -> str:
        """`2.1 (1.6–2.8)`: observed over expected, with its 95 % interval."""
        if self.oe_ratio is None:
            return MISSING
        return f"{self.oe_ratio:.2f} ({decimal(self.oe_low, 2)}–{decimal(self.oe_high, 2)})"

    def words(self) -> str:
        """One sentence: the label first, then what it rests on."""
        why = f" ({self.label_reason})" if self.label_reason else ""
        if self.n_tested == 0:
            return f"{self.label}{why}"
        return (
            f"{self.label}{why}: {self.observed:,} suspicious of {self.n_tested:,} tested, "
            f"{decimal(self.expected)} expected, q {chance(self.q_value)}"
        )


def chance(value: float | None) -> str:
    """A p or q value: `0.031`, `< 0.001`."""
    if value is None:
        return MISSING
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def rated(rate: float | None, low: float | None, high: float | None) -> str:
    """`18 % (14–23 %)`."""
    return MISSING if rate is None else f"{percent(rate)} ({interval(low, high)})"


def evidence_of(con: duckdb.DuckDBPyConnection, source: Source) -> dict[str, Evidence]:
    """By person, ticker, sector or committee: its evidence. Empty where the lake holds none."""
    cursor = con.execute(f'SELECT * FROM "{source}"')
    names = [d[0] for d in cursor.description]
    rows = (dict(zip(names, row, strict=True)) for row in cursor.fetchall())
    return {str(r[_KEYS[source]]): _evidence(r) for r in rows}


def _evidence(r: dict[str, Any]) -> Evidence:
    return Evidence(
        n_clusters=r["n_clusters"],
        n_tested=r["n_tested"],
        observed=r["observed"],
        expected=number(r["expected"]),
        oe_ratio=number(r["oe_ratio"]),
        oe_low=number(r["oe_low"]),
        oe_high=number(r["oe_high"]),
        p_value=number(r["p_value"]),
        q_value=number(r["q_value"]),
        rate=number(r["rate"]),
        rate_low=number(r["rate_low"]),
        rate_high=number(r["rate_high"]),
        expected_score=number(r["expected_score"]),
        mean_mirror=number(r["mean_mirror"]),
        mean_difference=number(r["mean_difference"]),
        supported=r["supported"],
        label=clean(r["label"], 40) or MISSING,
        label_reason=clean(r["label_reason"]),
    )


def findings(found: Mapping[str, Evidence]) -> str:
    """How many of those tested are supported, how many have a q of at most 0.05, and the smallest q."""
    tested = [e.q_value for e in found.values() if e.q_value is not None]
    if not tested:
        return NOT_TESTED
    supported = sum(e.supported for e in found.values())
    small = sum(q <= 0.05 for q in tested)
    return (
        f"{supported:,} of {len(tested):,} tested officials with a supported finding; {small:,} with q of 0.05 or "
        f"less; smallest q {chance(min(tested))}"
    )
