"""The same alerts and the same scores, written the plain way in pandas and NumPy: what the project is measured against.

A reasonable person's code: vectorised (groupby, rolling mean, std and median, sliding windows for the rarity), nothing
slowed down on purpose. Details in JSON, ids and reasons are left out here, to the baseline's advantage.
Definitions: docs/methods.md, sections 1 and 2.
"""

from __future__ import annotations

import datetime as dt
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from cyberpi_assets.domain.features import ROUNDING
from cyberpi_assets.rules.figures import AlertThresholds, TimingRules

Array = npt.NDArray[np.float64]

ALERTS = ["ticker", "session", "alert_type", "severity", "suspect_data"]


def pandas_alerts(
    bars: pd.DataFrame,
    splits: pd.DataFrame,
    companies: pd.DataFrame,
    sessions: npt.NDArray[np.int32],
    t: AlertThresholds,
    rarity: Literal["column", "alerts"],
) -> pd.DataFrame:
    """Every alert with its severity. Columns: ALERTS.

    bars: ticker, session, close, adj_close, volume, basis. splits: ticker, session, value. companies: ticker, sector.
    sessions: the exchange's calendar as days since 1970-01-01. rarity: counted for every bar, as a column like any
    other, or, sparingly, for the bars that raise an alert alone.
    """
    df = bars.sort_values(["ticker", "session"], ignore_index=True)
    df = df.merge(splits[["ticker", "session", "value"]], on=["ticker", "session"], how="left")
    df = df.merge(companies[["ticker", "sector"]], on="ticker", how="left")
    _changes(df, t)
    by_ticker = df.groupby("ticker", sort=False)

    df["prior_volume"] = by_ticker["volume"].shift()
    mean = by_ticker["prior_volume"].rolling(t.volume_sessions, min_periods=t.volume_present).mean().to_numpy()
    with np.errstate(divide="ignore", invalid="ignore"):
        df["volume_ratio"] = df["volume"].to_numpy() / np.where(mean > 0, mean, np.nan)

    with np.errstate(divide="ignore", invalid="ignore"):
        log = np.log1p(np.maximum(df["change"].to_numpy(), -1.0))
    df["log_return"] = np.where(np.isfinite(log), log, np.nan)
    df["std"] = by_ticker["log_return"].rolling(t.volatility_days).std().to_numpy()
    df["prior_std"] = by_ticker["std"].shift()
    windows = by_ticker["prior_std"].rolling(t.volatility_sessions, min_periods=t.volatility_present)
    median = windows.median().to_numpy()
    std = df["std"].to_numpy()
    with np.errstate(divide="ignore", invalid="ignore"):
        df["volatility_ratio"] = np.where(median > 0, std / median, np.nan)  # over a median of zero nothing is known
    df["hot"] = df["volatility_ratio"] >= t.volatility_ratio * (1.0 - ROUNDING)
    entered = df["hot"] & ~by_ticker["hot"].shift(fill_value=False)
    tainted = by_ticker["suspect"].rolling(t.volatility_days, min_periods=1).max().to_numpy() > 0

    limit = t.move_pct / 100.0 * (1.0 + ROUNDING)
    change, suspect = df["change"].to_numpy(), df["suspect"].to_numpy()
    calm = np.zeros(len(df), dtype=bool)
    kinds = {
        "unusual_volume": (
            df["volume_ratio"].to_numpy(),
            df["volume_ratio"].to_numpy() >= t.volume_ratio * (1.0 - ROUNDING),
            calm,
        ),
        "price_spike": (change, change > limit, suspect),
        "price_drop": (-change, change < -limit, suspect),
        "high_volatility": (df["volatility_ratio"].to_numpy(), entered.to_numpy(), tainted),
    }
    first = by_ticker["session"].cumcount().to_numpy()
    starts = np.flatnonzero(first == 0)
    day = df["session"].to_numpy().astype("datetime64[D]").astype(np.int64)
    ordinal = np.searchsorted(sessions, day)
    sector = df["sector"].astype("category").cat.codes.to_numpy()
    found = [
        pd.DataFrame(
            {
                "ticker": df["ticker"].array[at],
                "session": df["session"].array[at],
                "alert_type": kind,
                "severity": _severity(figure, at, starts, ordinal, sector, t, rarity),
                "suspect_data": doubtful[at],
            }
        )
        for kind, (figure, fires, doubtful) in kinds.items()
        if (at := np.flatnonzero(fires)) is not None
    ]
    return pd.concat(found, ignore_index=True)


def _changes(df: pd.DataFrame, t: AlertThresholds) -> None:
    """Adds `change` (return, splits taken out) and `suspect`."""
    before = df.groupby("ticker", sort=False)[["close", "adj_close", "basis"]].shift()
    by_close = (df["close"] / before["close"] - 1.0).to_numpy()
    by_adjusted = (df["adj_close"] / before["adj_close"] - 1.0).to_numpy()
    other_basis = (df["basis"] != before["basis"]).to_numpy()
    limit = t.suspect_move_pct / 100.0 * (1.0 + ROUNDING)
    with np.errstate(divide="ignore", invalid="ignore"):
        step = np.maximum((1.0 + by_close) / (1.0 + by_adjusted), 1e-12)
        readjusted = np.isfinite(by_adjusted) & (other_basis | (np.abs(np.log(step)) > np.log1p(0.20)))
        move = np.where(readjusted, by_adjusted, by_close)
        unsplit = (1.0 + move) * df["value"].to_numpy() - 1.0
        explained = (np.abs(move) > limit) & (np.abs(np.log(np.maximum(1.0 + unsplit, 1e-12))) < np.log1p(0.20))
        df["change"] = np.where(explained, unsplit, move)
        df["suspect"] = np.abs(df["change"].to_numpy()) > limit


def _severity(
    figure: Array, at: npt.NDArray[np.int64], starts: npt.NDArray[np.int64], ordinal: npt.NDArray[np.int64],
    sector: npt.NDArray[np.int8], t: AlertThresholds, rarity: Literal["column", "alerts"],
) -> Array:  # fmt: skip
    """Rarity of the figures at some bars: in the ticker's prior sessions, else pooled over its sector, else NaN."""
    bars = np.arange(figure.size) if rarity == "column" else at
    exceed = np.zeros(figure.size, dtype=np.int64)
    sample = np.zeros(figure.size, dtype=np.int64)
    bounds = np.searchsorted(bars, np.r_[starts, figure.size])
    for i, start in enumerate(starts):
        mine = bars[bounds[i] : bounds[i + 1]]
        if mine.size == 0:
            continue
        end = starts[i + 1] if i + 1 < starts.size else figure.size
        padded = np.concatenate([np.full(t.severity_sessions, np.nan), figure[start:end]])
        window = np.lib.stride_tricks.sliding_window_view(padded, t.severity_sessions)[mine - start]
        exceed[mine] = (window >= figure[mine][:, None]).sum(axis=1)
        sample[mine] = (~np.isnan(window)).sum(axis=1)
    exceed, sample = exceed[at], sample[at]
    thin = np.flatnonzero((sample < t.severity_present) & (sector[at] >= 0))
    for code in np.unique(sector[at[thin]]):
        pool = np.flatnonzero((sector == code) & ~np.isnan(figure))
        pool = pool[np.argsort(ordinal[pool], kind="stable")]
        values, when = figure[pool], ordinal[pool]
        for i in thin[sector[at[thin]] == code]:
            now = ordinal[at[i]]
            peers = values[np.searchsorted(when, now - t.severity_sessions) : np.searchsorted(when, now)]
            if peers.size >= t.severity_present:
                exceed[i], sample[i] = (peers >= figure[at[i]]).sum(), peers.size
    p = np.where(sample >= t.severity_present, (1.0 + exceed) / (sample + 1.0), np.nan)
    return np.clip(np.rint(1.0 + 9.0 * (-np.log10(p) - 1.0) / 1.7), 1, 10)


def pandas_score(alerts: pd.DataFrame, ticker: str, day: dt.date, rules: TimingRules) -> tuple[float, int]:
    """Raw score and number of alert days of one trade, by one filter over all alerts. alerts: columns ALERTS."""
    on = pd.Timestamp(day)
    mine = alerts[
        (alerts["ticker"] == ticker)
        & (alerts["session"] < on)
        & (alerts["session"] >= on - pd.Timedelta(days=rules.window_days))
        & ~alerts["suspect_data"]
    ]
    if mine.empty:
        return 0.0, 0
    return _scored(mine.groupby("session", as_index=False)["severity"].max(), on, rules)


def pandas_alert_days(alerts: pd.DataFrame) -> pd.DataFrame:
    """Alerts that count, one per ticker and day with the highest severity. Columns: ticker, session, severity."""
    usable = alerts[~alerts["suspect_data"]]
    return usable.groupby(["ticker", "session"], as_index=False)["severity"].max()


def pandas_score_of_days(days: pd.DataFrame, ticker: str, day: dt.date, rules: TimingRules) -> tuple[float, int]:
    """As `pandas_score`, sparingly: by one filter over `pandas_alert_days`, made once for all trades."""
    on = pd.Timestamp(day)
    mine = days[
        (days["ticker"] == ticker)
        & (days["session"] < on)
        & (days["session"] >= on - pd.Timedelta(days=rules.window_days))
    ]
    return (0.0, 0) if mine.empty else _scored(mine, on, rules)


def _scored(mine: pd.DataFrame, on: pd.Timestamp, rules: TimingRules) -> tuple[float, int]:
    n, mean = len(mine), mine["severity"].mean()
    recent = (mine["session"] >= on - pd.Timedelta(days=rules.recent_days)).sum()
    high = (mine["severity"] >= rules.high_severity).sum()
    return 5.0 * n + 2.0 * (0.0 if np.isnan(mean) else mean) + 10.0 * recent + 15.0 * high, n
