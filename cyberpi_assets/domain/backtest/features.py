"""What was known of each ticker at each close: figures in which more means more unusual.

Here belongs how bars, option volumes and alerts become figures. None uses a value of a later session. What a source
does not give is NaN: a ticker without option data has no option figure, and a session without a bar no figure at all.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from cyberpi_assets.domain.backtest.grid import Cells, Grid, before, percentiles, recent_mean
from cyberpi_assets.domain.backtest.registered import BASELINES, FEATURES, MARKET_FEATURES, OPTION_FEATURES, Registered
from cyberpi_assets.domain.calendar import ordinal, sessions
from cyberpi_assets.domain.features import Floats, Ints
from cyberpi_assets.domain.returns.prices import Panel, panel
from cyberpi_assets.domain.sql import Frame, ask, only

_RECENT, _LEAST_RECENT = 5, 3  # sessions that a figure of today looks at
_MODEL = (280, 31, 120)  # sessions before, from and to, and how many must be known: market model
_USUAL = (150, 31, 60)  # usual volume and size
_OPTIONS = (90, 11, 30)  # usual option activity: its history is short
_ALERT_SESSIONS = 10


def features(
    bars: Frame, companies: pa.Table, option_volumes: Frame, alerts: Frame, market: str, rules: Registered
) -> Grid:
    """Every figure of every ticker and session, as percentiles within the session, and the scores made of them.

    bars: `tables.DAILY_BARS`; companies: `tables.COMPANIES`; option_volumes: `tables.OPTION_VOLUMES`; alerts:
    `tables.MARKET_ALERTS`; market: ticker of the market. Figures of the grid: the features, baselines and scores
    (`combined`, `market`, `options`), each between 0 and 1, and `size_level`, `volume_level`, in logarithms, for
    matching. Memory: about 100 bytes a cell.
    """
    grid = _raw(bars, companies, option_volumes, alerts, market, rules)
    for name in {*FEATURES, *BASELINES}:
        grid.figures[name] = percentiles(grid.figures[name])
    for name, parts in (("combined", FEATURES), ("market", MARKET_FEATURES), ("options", OPTION_FEATURES)):
        grid.figures[name] = percentiles(score(grid, parts, rules))
    return grid


def score(grid: Grid, parts: tuple[str, ...], rules: Registered) -> Floats:
    """Weighted mean of the parts that are known; NaN where they have less than `least_weight` of the weight.

    For the score of all features the weight is that of the market's features, which every ticker with bars has: option
    data add to it where there are any.
    """
    weight = rules.weight
    whole = sum(weight[p] for p in parts if p in MARKET_FEATURES) or sum(weight[p] for p in parts)
    total = np.zeros(grid.figures[parts[0]].shape)
    known = np.zeros_like(total)
    for name in parts:
        cells = grid.figures[name]
        there = np.isfinite(cells)
        total += np.where(there, weight[name] * np.where(there, cells, 0.0), 0.0)
        known += weight[name] * there
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where((known >= rules.least_weight * whole) & (known > 0), total / known, np.nan)


def _raw(
    bars: Frame, companies: pa.Table, option_volumes: Frame, alerts: Frame, market: str, rules: Registered
) -> Grid:
    held = only(bars, "ticker", "session", "close", "adj_close", "volume", "basis", "source")
    table = held if isinstance(held, pa.Table) else held.to_arrow_table()
    prices = panel(table, companies, market)
    every = sessions()
    first, last = (int(prices.session.min()), int(prices.session.max())) if prices.session.size else (0, -1)
    days = every[first : last + 1]
    grid = Grid(prices.tickers, days, _sectors(prices.tickers, companies))
    place = _Places(prices, first, days.size)
    _of_prices(grid, place, prices)
    _of_volumes(grid, _levels(table, prices.tickers, first, days.size))
    _of_alerts(grid, alerts, first)
    _of_options(grid, option_volumes, first)
    rng = np.random.default_rng(rules.seed)
    known = np.isfinite(grid.figures["volatility"])
    grid.figures["random"] = np.where(known, rng.random(known.shape, dtype=np.float32), np.float32(np.nan))
    return grid


class _Places:
    """Where each bar of a panel stands in the grid."""

    def __init__(self, prices: Panel, first: int, width: int) -> None:
        self.row, self.column = prices.code.astype(np.int64), prices.session.astype(np.int64) - first
        self.shape = (len(prices.tickers), width)

    def put(self, values: npt.NDArray[np.floating]) -> Floats:
        out = np.full(self.shape, np.nan)
        out[self.row, self.column] = values
        return out


def _sectors(tickers: list[str], companies: pa.Table) -> Ints:
    of = {r["ticker"]: r["sector"] for r in companies.select(["ticker", "sector"]).to_pylist() if r["sector"]}
    number = {s: i for i, s in enumerate(sorted(set(of.values())))}
    return np.array([number[of[t]] if t in of else -1 for t in tickers], dtype=np.int64)


def _of_prices(grid: Grid, place: _Places, prices: Panel) -> None:
    """Returns beyond the market and the sector, over what is usual for the ticker."""
    change, market, sector = place.put(prices.change), place.put(prices.market), place.put(prices.sector)
    both = np.isfinite(change) & np.isfinite(market)
    y, x = np.where(both, change, np.nan), np.where(both, market, np.nan)
    of_y, of_x, of_xy = before(y, *_MODEL), before(x, *_MODEL), before(y * x, *_MODEL)
    n = of_x.n
    with np.errstate(divide="ignore", invalid="ignore"):
        covariance = (of_xy.mean - of_y.mean * of_x.mean) * n / (n - 1)
        beta = covariance / (of_x.std**2)
        own = np.sqrt(np.maximum(of_y.std**2 - beta * covariance, 1e-10) * (n - 1) / np.maximum(n - 2, 1))
    beyond = y - of_y.mean - beta * (x - of_x.mean)
    grid.figures["decline"] = _fall(beyond, own)
    apart = change - sector
    grid.figures["sector_decline"] = _fall(apart, before(apart, *_MODEL).std)
    with np.errstate(divide="ignore", invalid="ignore"):
        restless = np.log(np.sqrt(recent_mean(beyond * beyond, _RECENT, _LEAST_RECENT)) / own)
    grid.figures["volatility"] = np.where(np.isfinite(restless), restless, np.nan).astype(np.float32)
    grid.figures["usual_volatility"] = before(change, *_MODEL).std.astype(np.float32)


def _fall(moves: Floats, spread: Floats) -> Cells:
    """How far the recent moves add up downwards, in standard deviations of so many."""
    mean = recent_mean(moves, _RECENT, _LEAST_RECENT)
    with np.errstate(divide="ignore", invalid="ignore"):
        fall = -mean * np.sqrt(_RECENT) / spread
    return np.where(np.isfinite(fall), fall, np.nan).astype(np.float32)


def _levels(bars: pa.Table, tickers: list[str], first: int, width: int) -> tuple[Floats, Floats]:
    """Logarithms of shares and of dollars traded."""
    rows = ask("SELECT ticker, session, volume::DOUBLE AS shares, close * volume AS dollars FROM bars", bars=bars)
    shares, dollars = _laid(rows, tickers, first, width, "shares", "dollars")
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log1p(shares), np.log1p(dollars)


def _laid(rows: pa.Table, tickers: list[str], first: int, width: int, *names: str) -> list[Floats]:
    """Columns of a table with ticker and session, in the grid's rows and columns; what lies outside is left out."""
    code = {t: i for i, t in enumerate(tickers)}
    held = rows.column("ticker").combine_chunks().dictionary_encode()
    of_name = np.array([code.get(str(t), -1) for t in held.dictionary.to_pylist()] or [-1], dtype=np.int64)
    row = of_name[held.indices.to_numpy(zero_copy_only=False)] if rows.num_rows else np.empty(0, np.int64)
    column = ordinal(rows.column("session").cast(pa.int32()).to_numpy()) - first
    inside = (row >= 0) & (column >= 0) & (column < width)
    out: list[Floats] = []
    for name in names:
        cells = np.full((len(tickers), width), np.nan)
        values = rows.column(name).cast(pa.float64()).to_numpy()
        cells[row[inside], column[inside]] = values[inside]
        out.append(cells)
    return out


def _of_volumes(grid: Grid, levels: tuple[Floats, Floats]) -> None:
    shares, dollars = levels
    grid.figures["volume"] = _beyond_usual(shares, _USUAL)
    size = before(dollars, *_USUAL).mean.astype(np.float32)
    grid.figures["size"] = size
    grid.figures["size_level"] = size
    grid.figures["volume_level"] = before(shares, *_USUAL).mean.astype(np.float32)


def _beyond_usual(values: Floats, stretch: tuple[int, int, int]) -> Cells:
    """The recent mean, in standard deviations from what was usual."""
    usual = before(values, *stretch)
    with np.errstate(divide="ignore", invalid="ignore"):
        out = (recent_mean(values, _RECENT, _LEAST_RECENT) - usual.mean) / usual.std
    return np.where(np.isfinite(out), out, np.nan).astype(np.float32)


def _of_alerts(grid: Grid, alerts: Frame, first: int) -> None:
    """Severities of the last ten sessions' alerts, one a session; unknown where the ticker has no bars."""
    rows = ask(
        """
        SELECT ticker, session, max(coalesce(severity, 1))::DOUBLE AS severity FROM alerts
        WHERE NOT suspect_data GROUP BY ticker, session""",
        alerts=only(alerts, "ticker", "session", "severity", "suspect_data"),
    )
    (found,) = _laid(rows, grid.tickers, first, grid.days.size, "severity")
    traded = np.isfinite(grid.figures["volatility"])
    daily = np.where(np.isfinite(found), found, np.where(traded, 0.0, np.nan))
    grid.figures["alerts"] = recent_mean(daily, _ALERT_SESSIONS, _ALERT_SESSIONS - 2).astype(np.float32)


def _of_options(grid: Grid, volumes: Frame, first: int) -> None:
    """Option volume, puts over calls, implied volatility and its term structure, against the ticker's own past."""
    rows = ask(
        """
        SELECT ticker, session, ln(1 + coalesce(total_volume, call_volume + put_volume)) AS total,
               ln((put_volume + 0.5) / (call_volume + 0.5)) AS puts,
               CASE WHEN iv30 > 0 THEN ln(iv30) END AS level,
               CASE WHEN iv10 > 0 AND iv90 > 0 THEN ln(iv10 / iv90) END AS slope
        FROM volumes""",
        volumes=only(volumes, "ticker", "session", "total_volume", "call_volume", "put_volume", "iv10", "iv30", "iv90"),
    )
    laid = _laid(rows, grid.tickers, first, grid.days.size, "total", "puts", "level", "slope")
    for name, cells in zip(OPTION_FEATURES, laid, strict=True):
        grid.figures[name] = _beyond_usual(cells, _OPTIONS)
