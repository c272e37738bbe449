"""Whether a month looks like the year before it: the population stability index of declared bands.

PSI = sum over bands of (p - q) ln(p / q), p the share of the month, q that of the trailing months; every band counts
half a row more than it has, so that an empty one does not make the index infinite. 0.1 is customarily called a small
shift, 0.25 a large one (Siddiqi, Credit Risk Scorecards, 2006). Without any shift it is about
(bands - 1) (1 / n + 1 / m), hence the least counts.

Bands are declared and do not follow from the data: a month's index rests on that month and earlier ones alone. What is
not known is a band of its own, so a column that falls silent drifts too. A shift is no error: markets have crises.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from cyberpi_assets.domain.columns import numbered
from cyberpi_assets.domain.quality.verdict import Part, Verdict
from cyberpi_assets.rules.figures import QualityRules

UNKNOWN = "unknown"
_HALF = 0.5

# Per table the figures that are watched, as SQL over its columns that gives a band: a few values, or null.
BANDS: Mapping[str, Mapping[str, str]] = {
    "daily_bars": {
        # range of the day in half percents up to 3, then coarser
        "day_range": "CASE WHEN high < low THEN NULL WHEN (high - low) / close < 0.03 "
        "THEN floor((high - low) / close * 200) WHEN (high - low) / close < 0.05 THEN 6 "
        "WHEN (high - low) / close < 0.1 THEN 7 WHEN high >= low THEN 8 END",
        # powers of four, from 256 shares to 1 billion
        "volume": "CASE WHEN volume >= 0 THEN least(15, greatest(4, floor(log2(greatest(volume, 1)) / 2))) END",
    },
    "market_alerts": {"alert_type": "alert_type", "severity": "severity"},
    "disclosed_trades": {
        "asset_type": "asset_type",
        "side": "side",
        # two bands to a power of ten: the brackets of the form, and amounts that are stated exactly
        "amount_low": "CASE WHEN amount_low >= 0 THEN floor(2 * log10(greatest(amount_low, 1))) END",
        "ticker_evidence": "ticker_evidence",
    },
    "disclosure_correlations": {"score": "CASE WHEN score IS NOT NULL THEN least(4, floor(score / 20)) END"},
}


@dataclass(frozen=True)
class Drift:
    """One figure over consecutive months: rows of each, rows of the months before, and the index.

    `psi` is NaN where either has too few. Shapes: (months,).
    """

    months: list[str]
    n: npt.NDArray[np.int64]
    reference: npt.NDArray[np.int64]
    psi: npt.NDArray[np.float64]


def banded(table: str) -> str:
    """A query that counts a table's rows by month and band of every figure. Columns: month, its figures, n.

    To be run where the table is a view; the figures and their bands are our own text.
    """
    figures = BANDS[table]
    raw = ", ".join(f"({sql}) AS {name}" for name, sql in figures.items())
    named = ", ".join(f"coalesce(CAST({name} AS VARCHAR), '{UNKNOWN}') AS {name}" for name in figures)
    # bands become words once they are counted: a word for each of millions of rows takes longer than all the rest
    return f"SELECT month, {named}, n FROM (SELECT month, {raw}, count(*) AS n FROM {table} GROUP BY ALL)"


def psi(counts: npt.NDArray[np.float64], reference: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The index of each row of counts against the same row of the reference. Shapes: (rows, bands) twice, (rows,).

    Bands empty in both are no bands. Rows without any count give 0 against each other.
    """
    used = (counts + reference) > 0
    bands = used.sum(axis=1, keepdims=True)
    p = np.where(used, counts + _HALF, 1) / np.maximum(counts.sum(axis=1, keepdims=True) + _HALF * bands, 1)
    q = np.where(used, reference + _HALF, 1) / np.maximum(reference.sum(axis=1, keepdims=True) + _HALF * bands, 1)
    return np.where(used, (p - q) * np.log(p / q), 0.0).sum(axis=1)


def drift_of(counts: pa.Table, figure: str, rules: QualityRules) -> Drift:
    """How one figure drifts. counts: as `banded` asks for them; months without rows lie between as empty ones."""
    band, bands = numbered(counts.column(figure))
    told = np.array(counts.column("month").to_pylist(), dtype="datetime64[M]")
    first = told.min()
    every = np.arange(first, told.max() + 1)
    row = (told - first).astype(np.int64)
    grid = np.zeros((every.size, len(bands)))
    np.add.at(grid, (row, band), counts.column("n").to_numpy().astype(np.float64))
    summed = np.vstack([np.zeros((1, len(bands))), grid.cumsum(axis=0)])
    at = np.arange(every.size)
    reference = summed[at] - summed[np.maximum(at - rules.drift_months, 0)]
    n, m = grid.sum(axis=1), reference.sum(axis=1)
    known = (n >= rules.drift_rows) & (m >= rules.drift_reference_rows)
    return Drift(
        [str(month) for month in every],
        n.astype(np.int64),
        m.astype(np.int64),
        np.where(known, psi(grid, reference), np.nan),
    )


def steady(counts: pa.Table, table: str, rules: QualityRules, months: tuple[str, str] | None = None) -> Verdict:
    """Whether the newest month that can be judged looks like the year before it, and for each month whether it does.

    counts: as `banded` asks for them, with the months before the first one judged. months: the first and last month
    judged, None for all. What is past cannot be mended: an older month that shifted is told and does not warn again.
    """
    drifts = {figure: drift_of(counts, figure, rules) for figure in BANDS[table]} if counts.num_rows else {}
    parts: dict[str, Part] = {}
    newest: tuple[str, Part] | None = None
    some = next(iter(drifts.values()), None)
    for i, month in enumerate(some.months if some else ()):
        if some is None or (months and not months[0] <= month <= months[1]):
            continue
        measured = {f: round(float(d.psi[i]), 3) for f, d in drifts.items() if not np.isnan(d.psi[i])}
        sizes = {"rows": int(some.n[i]), "reference_rows": int(some.reference[i])}
        if not measured:
            parts[month] = Part(True, {**sizes, "not_known": "too few rows to compare"})
            continue
        worst = max(measured.values())
        parts[month] = Part(worst <= rules.drift_psi, {**sizes, **{f"psi_{f}": v for f, v in measured.items()}})
        newest = (month, parts[month])
    shifted = sum(not p.passed for p in parts.values())
    limit = {"limit": rules.drift_psi, "months_shifted": shifted}
    if newest is None:
        return Verdict(True, {"judged_month": None, "not_known": "no month has rows enough to compare", **limit}, parts)
    return Verdict(newest[1].passed, {"judged_month": newest[0], **newest[1].detail, **limit}, parts)
