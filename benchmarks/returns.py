"""The abnormal returns of all trades against statsmodels, one regression per trade.

Here belong the pieces and the row. The baseline is measured on a sample of trades of the same data and scaled to all of
them; it is given its trades' returns ready in a dictionary of arrays, so only slicing and the regression count.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import statsmodels.api as sm

from benchmarks.measure import peak_mb
from benchmarks.report import Row, Target
from cyberpi_assets.domain.calendar import ordinal
from cyberpi_assets.domain.returns.prices import Panel, panel
from cyberpi_assets.domain.returns.trades import trade_returns
from cyberpi_assets.domain.returns.windows import ESTIMATION, LAST, NAMES

Floats = npt.NDArray[np.float64]

TARGET = Target(ratio=1 / 20, seconds=30)
_SEED = 7


@dataclass(frozen=True)
class Inputs:
    """As `tables.DAILY_BARS`, `DISCLOSED_TRADES` and `COMPANIES`, and the ticker of the market."""

    bars: pa.Table
    trades: pa.Table
    companies: pa.Table
    market: str


def one_by_one(prices: Panel, found: pa.Table, against: str) -> tuple[Floats, Floats]:
    """Abnormal returns and their forecast errors by statsmodels. Shapes: (rows, windows), before the sign of a sale."""
    other = prices.market if against == "market" else prices.sector
    own: dict[str, tuple[npt.NDArray[np.generic], ...]] = {}
    first, last = prices.spans
    for k, ticker in enumerate(prices.tickers):
        mine = slice(first[k], last[k])
        known = np.isfinite(prices.change[mine]) & np.isfinite(other[mine])
        own[ticker] = tuple(a[mine][known] for a in (prices.session, prices.change, other))
    zeros = ordinal(found.column("day0").cast(pa.int32()).to_numpy())
    cars, errors = np.full((2, found.num_rows, len(LAST)), np.nan)
    for i, (ticker, zero) in enumerate(zip(found.column("ticker").to_pylist(), zeros, strict=True)):
        session, y, x = own[ticker]
        a, b = np.searchsorted(session, [zero + ESTIMATION[0], zero + ESTIMATION[1] + 1])
        model = sm.OLS(y[a:b], sm.add_constant(x[a:b])).fit()
        for w, end in enumerate(LAST):
            c, d = np.searchsorted(session, [zero, zero + end + 1])
            design = sm.add_constant(x[c:d], has_constant="add")
            cars[i, w] = (y[c:d] - model.predict(design)).sum()
            total = design.sum(axis=0)
            errors[i, w] = np.sqrt((d - c) * model.mse_resid + total @ model.cov_params() @ total)
    return cars, errors


def run(inputs: Inputs, sample: int = 2_000, repetitions: int = 3) -> list[Row]:
    """One row: all trades, both anchors, market and sector models, abnormal returns and their errors in four windows.

    Raises AssertionError where the two differ.
    """
    best = np.inf
    found = inputs.trades.slice(0, 0)
    for _ in range(repetitions):
        began = time.perf_counter()
        found = trade_returns(inputs.bars, inputs.trades, inputs.companies, inputs.market)
        best = min(best, time.perf_counter() - began)
    peak = peak_mb()
    measured = np.flatnonzero(found.column("sector_reason").is_null().to_numpy())
    some = np.random.default_rng(_SEED).choice(measured, min(sample, measured.size), replace=False)
    rows = found.take(pa.array(some))
    sign = rows.column("direction").to_numpy()[:, None]
    prices = panel(inputs.bars, inputs.companies, inputs.market)
    baseline = 0.0
    for against, prefix in (("market", ""), ("sector", "sector_")):
        began = time.perf_counter()
        cars, errors = one_by_one(prices, rows, against)
        baseline += (time.perf_counter() - began) * measured.size / some.size
        for name, theirs in (("car", sign * cars), ("se", errors)):
            ours = np.column_stack([rows.column(f"{prefix}{name}_{w}").to_numpy() for w in NAMES])
            np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-9)
    work = (
        f"abnormal returns of {inputs.trades.num_rows:,} trades from {inputs.bars.num_rows:,} bars"
        f" (statsmodels on {some.size:,} of {measured.size:,} events)"
    )
    return [Row(work, best, peak, baseline, TARGET)]
