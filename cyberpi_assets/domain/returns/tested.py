"""Mean abnormal returns of groups of trades, with their tests.

Here belongs one row per group, anchor, window and benchmark. The statistics are in `tests_of_significance.py`, the
groups in `groups.py`.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from scipy import stats

from cyberpi_assets.domain.returns.groups import Group, groups, observations, session_of
from cyberpi_assets.domain.returns.prices import Floats, Ints, Panel, panel
from cyberpi_assets.domain.returns.tests_of_significance import (
    Residuals,
    inflation,
    overlap_correlation,
    residual_correlations,
    significance,
)
from cyberpi_assets.domain.returns.windows import ANCHORS, LAST, NAMES
from cyberpi_assets.domain.sql import Frame
from cyberpi_assets.tables import RETURN_TESTS

MIN_TESTED = 10  # observations below which nothing is tested
_PREFIX = {"market": "", "sector": "sector_"}


def return_tests(
    returns: pa.Table, trades: pa.Table, correlations: pa.Table, bars: Frame, companies: pa.Table, market: str
) -> pa.Table:
    """Mean abnormal returns of groups of trades, tested. Columns: `tables.RETURN_TESTS`.

    returns: `tables.TRADE_RETURNS`; trades: `tables.DISCLOSED_TRADES`; correlations: `tables.DISCLOSURE_CORRELATIONS`;
    bars: `tables.DAILY_BARS`, for how the abnormal returns of tickers move together; companies: `tables.COMPANIES`.
    """
    return of_panel(panel(bars, companies, market), returns, trades, correlations)


def of_panel(prices: Panel, returns: pa.Table, trades: pa.Table, correlations: pa.Table) -> pa.Table:
    """As `return_tests`, of prices already laid out."""
    rows: list[dict[str, object]] = []
    seen = {anchor: observations(returns, trades, correlations, anchor) for anchor in ANCHORS}
    used = np.unique(np.concatenate([prices.codes(s) for s in seen.values()]))
    moving = {against: residual_correlations(prices, used, against) for against in _PREFIX}
    for anchor, data in seen.items():
        start, ticker = session_of(data), prices.codes(data)
        sign = data.column("direction").to_numpy().astype(np.float64)
        found = list(groups(data))
        for against, residuals in moving.items():
            for w, name in enumerate(NAMES):
                key: dict[str, object] = {"anchor": anchor, "window": name, "benchmark": against}
                frame = _Window(data, against, w, start, sign, ticker)
                rows += with_q_values([_group(g, frame, residuals) | key for g in found], "kp_p")
    return pa.Table.from_pylist(rows, RETURN_TESTS.schema)


class _Window:
    """What the tests need of all observations in one window against one benchmark."""

    def __init__(self, seen: pa.Table, against: str, window: int, start: Ints, sign: Floats, ticker: Ints) -> None:
        name, prefix = NAMES[window], _PREFIX[against]
        full = LAST[window] + 1
        self.car = seen.column(f"{prefix}car_{name}").to_numpy()
        se = seen.column(f"{prefix}se_{name}").to_numpy()
        with np.errstate(divide="ignore", invalid="ignore"):
            self.scar = np.where(se > 0, self.car / se, np.nan)
        self.estimated = seen.column(f"n_{prefix}estimation").to_numpy()
        self.trades = seen.column("n_trades").to_numpy()
        present = seen.column("n_sessions").to_numpy().astype(np.int64)
        self.length = np.clip(present, 1, full)
        self.truncated = present < full
        self.start, self.sign, self.ticker = start, sign, ticker


def _group(group: Group, frame: _Window, residuals: Residuals) -> dict[str, object]:
    """One row, but for its keys of anchor, window and benchmark."""
    rows = group.rows[np.isfinite(frame.scar[group.rows])]
    car = frame.car[rows]
    row: dict[str, object] = {
        "group_kind": group.kind,
        "group_name": group.name,
        "n": rows.size,
        "n_trades": int(frame.trades[rows].sum()),
        "n_truncated": int(frame.truncated[rows].sum()),
    }
    if rows.size:
        row |= {
            "mean_car": float(car.mean()),
            "median_car": float(np.median(car)),
            "share_positive": float((car > 0).mean()),
        }
    if rows.size < MIN_TESTED:
        return row | {"reason": f"fewer than {MIN_TESTED} observations"}
    correlation = overlap_correlation(
        frame.start[rows],
        frame.length[rows],
        frame.sign[rows],
        residuals.rows(frame.ticker[rows]),
        residuals.matrix,
    )
    done = significance(frame.scar[rows], frame.estimated[rows], correlation)
    if not np.isfinite(done.bmp_t):
        return row | {"reason": "no variation between the observations"}
    half = float(stats.t.ppf(0.975, rows.size - 1) * car.std(ddof=1) / np.sqrt(rows.size))
    half *= inflation(rows.size, correlation)
    return row | {
        "patell_z": done.patell_z,
        "patell_p": done.patell_p,
        "bmp_t": done.bmp_t,
        "bmp_p": done.bmp_p,
        "correlation": done.correlation,
        "kp_t": done.kp_t,
        "kp_p": done.kp_p,
        "low": float(car.mean()) - half,
        "high": float(car.mean()) + half,
    }


def with_q_values(rows: list[dict[str, object]], p: str) -> list[dict[str, object]]:
    """Add `q_value` (Benjamini-Hochberg) to the rows of officials that have a p."""
    tested_people = [r for r in rows if r["group_kind"] == "official" and r.get(p) is not None]
    if tested_people:
        q = stats.false_discovery_control([float(str(r[p])) for r in tested_people], method="bh")
        for row, value in zip(tested_people, q.tolist(), strict=True):
            row["q_value"] = value
    return rows
