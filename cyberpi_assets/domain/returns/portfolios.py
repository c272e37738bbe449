"""Calendar-time portfolios of disclosed trades: what following a group of trades would have returned, day by day.

Here belong the daily returns of such a portfolio and the test of their mean. Every session counts once however many
positions are open, so that trades clustered in time are not counted as independent evidence: the headline (METHODS, 4).

A position is entered at the close of day 0 and held for the sessions after it, hedged one to one by the market: it
earns direction x (return - market). For anchor `disclosure` that can be followed by anyone. Positions are weighted
equally on each day. A position whose prices end leaves the portfolio with its last bar. Costs are not taken off.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from scipy import stats
from statsmodels.regression.linear_model import OLS  # pyright: ignore[reportMissingTypeStubs]

from cyberpi_assets.domain.returns.groups import Group, groups, observations, session_of
from cyberpi_assets.domain.returns.prices import Floats, Ints, Panel, panel
from cyberpi_assets.domain.returns.tested import with_q_values
from cyberpi_assets.domain.returns.windows import ANCHORS, HOLDING
from cyberpi_assets.domain.sql import Frame
from cyberpi_assets.tables import PORTFOLIO_RETURNS

MIN_DAYS = 120  # sessions below which no alpha is estimated
_POSITIONS = 20_000  # positions laid out at a time


def portfolio_returns(
    returns: pa.Table, trades: pa.Table, correlations: pa.Table, bars: Frame, companies: pa.Table, market: str
) -> pa.Table:
    """Calendar-time portfolios per group, anchor and holding period. Columns: `tables.PORTFOLIO_RETURNS`.

    returns: `tables.TRADE_RETURNS`; trades: `tables.DISCLOSED_TRADES`; correlations: `tables.DISCLOSURE_CORRELATIONS`;
    bars: `tables.DAILY_BARS`; companies: `tables.COMPANIES`; market: the ticker that stands for the market.
    """
    return of_panel(panel(bars, companies, market), returns, trades, correlations)


class Days:
    """Returns over the market by session and ticker, for the tickers that are held. NaN is unknown."""

    def __init__(self, prices: Panel, codes: Ints) -> None:
        wanted = np.full(len(prices.tickers) + 1, -1, np.int64)
        wanted[codes] = np.arange(codes.size)
        mine = wanted[prices.code] >= 0
        self.first = int(prices.session[mine].min()) if mine.any() else 0
        days = int(prices.session[mine].max()) - self.first + 1 if mine.any() else 0
        self.over = np.full((days, codes.size), np.nan)
        self.over[prices.session[mine] - self.first, wanted[prices.code[mine]]] = (prices.change - prices.market)[mine]
        self.market = np.full(days, np.nan)
        single = mine & (np.r_[0, np.diff(prices.session)] == 1)
        self.market[prices.session[single] - self.first] = prices.market[single]
        self._column = wanted

    def held(self, code: Ints, zero: Ints, sign: Floats, sessions: int) -> tuple[Floats, Ints]:
        """Mean return over the market of the positions open on each session (NaN with none), and how many are open."""
        days = self.market.size
        total, number = np.zeros(days), np.zeros(days, np.int64)
        for part in np.array_split(np.arange(code.size), max(1, -(-code.size // _POSITIONS))):
            at = (zero[part] + 1 - self.first)[:, None] + np.arange(sessions)
            inside = (at >= 0) & (at < days)
            at = np.where(inside, at, 0)
            earned = self.over[at, self._column[code[part]][:, None]] * sign[part][:, None]
            known = inside & np.isfinite(earned)
            total += np.bincount(at[known], earned[known], minlength=days)
            number += np.bincount(at[known], minlength=days)
        return np.divide(total, number, out=np.full(days, np.nan), where=number > 0), number


def newey_west_lag(days: int) -> int:
    """Lags of the Newey-West error: floor(4 (days / 100)^(2/9)), their rule for the Bartlett kernel."""
    return int(4 * (days / 100) ** (2 / 9))


def alpha_of(daily: Floats, market: Floats) -> dict[str, float | int]:
    """Alpha and beta of daily returns on the market, with the Newey-West error (statsmodels, small-sample correction).

    daily, market: (days,), no NaN. Keys: alpha, beta, se, t, p, low, high, lag.
    """
    lag = newey_west_lag(daily.size)
    design = np.column_stack([np.ones(daily.size), market])
    model = OLS(daily, design).fit(cov_type="HAC", cov_kwds={"maxlags": lag, "use_correction": True}, use_t=True)
    alpha, se = float(model.params[0]), float(model.bse[0])
    half = float(stats.t.ppf(0.975, daily.size - 2)) * se
    return {
        "alpha": alpha,
        "beta": float(model.params[1]),
        "se": se,
        "t": float(model.tvalues[0]),
        "p": float(model.pvalues[0]),
        "low": alpha - half,
        "high": alpha + half,
        "lag": lag,
    }


def of_panel(prices: Panel, returns: pa.Table, trades: pa.Table, correlations: pa.Table) -> pa.Table:
    """As `portfolio_returns`, of prices already laid out."""
    rows: list[dict[str, object]] = []
    for anchor in ANCHORS:
        seen = observations(returns, trades, correlations, anchor)
        code, zero = prices.codes(seen), session_of(seen)
        sign = seen.column("direction").to_numpy().astype(np.float64)
        days, found = Days(prices, np.unique(code)), list(groups(seen))
        for sessions in HOLDING:
            key: dict[str, object] = {"anchor": anchor, "sessions_held": sessions}
            rows += with_q_values([_group(g, days, code, zero, sign, sessions) | key for g in found], "p")
    return pa.Table.from_pylist(rows, PORTFOLIO_RETURNS.schema)


def _group(group: Group, days: Days, code: Ints, zero: Ints, sign: Floats, sessions: int) -> dict[str, object]:
    mine = group.rows
    daily, number = days.held(code[mine], zero[mine], sign[mine], sessions)
    use = np.isfinite(daily) & np.isfinite(days.market)
    row: dict[str, object] = {
        "group_kind": group.kind,
        "group_name": group.name,
        "n_positions": mine.size,
        "n_days": int(use.sum()),
    }
    if use.any():
        row |= {"mean_held": float(number[use].mean()), "mean_excess": float(daily[use].mean())}
    if use.sum() < MIN_DAYS:
        return row | {"reason": f"fewer than {MIN_DAYS} sessions with a position"}
    if not float(daily[use].std()) > 0 or not float(days.market[use].std()) > 0:
        return row | {"reason": "no variation in the daily returns"}
    estimated = alpha_of(daily[use], days.market[use])
    return row | estimated | {"alpha_year_pct": 25200.0 * estimated["alpha"]}
