"""Rows for the domain's tests, written by hand or drawn at random, in the shape that tables declare."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import exchange_calendars
import numpy as np
import pyarrow as pa

from cyberpi_assets.tables import ALL, MONTH

D = dt.date
START = D(2015, 1, 2)


@lru_cache(maxsize=1)
def exchange_days() -> list[dt.date]:
    """Sessions of the New York Stock Exchange, straight from the calendar's own library."""
    return [d.date() for d in exchange_calendars.get_calendar("XNYS", start="2008-01-02", end="2027-12-31").sessions]


def frame(name: str, rows: Iterable[Mapping[str, Any]], defaults: Mapping[str, Any] | None = None) -> pa.Table:
    """Rows as the table declares them: what a row leaves out is the default, else null; months come from their date."""
    table = ALL[name]
    full: list[dict[str, Any]] = []
    for row in rows:
        one = dict.fromkeys(table.names) | dict(defaults or {}) | dict(row)
        assert not set(one) - set(table.names), set(one) - set(table.names)
        if table.month_of is not None and one[MONTH] is None:
            one[MONTH] = one[table.month_of].strftime("%Y-%m") if one[table.month_of] else "2012-01"
        full.append(one)
    built = pa.Table.from_pylist(full, schema=table.schema)
    built.validate(full=True)
    return built


def bars(rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    return frame("daily_bars", rows, {"basis": "split", "source": "test"})


def alert(
    ticker: str, session: dt.date, severity: int | None, kind: str = "unusual_volume", **more: Any
) -> dict[str, Any]:
    return {
        "alert_id": f"{ticker}:{session}:{kind}",
        "ticker": ticker,
        "session": session,
        "alert_type": kind,
        "severity": severity,
        "price": 10.0,
        "suspect_data": False,
        "severity_basis": "none" if severity is None else "own",
        "details": "{}",
    } | more


def alerts(rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    return frame("market_alerts", rows)


def splits(rows: Iterable[tuple[str, dt.date, float]]) -> pa.Table:
    given = [{"ticker": t, "session": d, "action": "split", "value": v, "source": "test"} for t, d, v in rows]
    return frame("corporate_actions", given)


def sectors(of: Mapping[str, str | None]) -> pa.Table:
    return frame("companies", [{"ticker": t, "sector": s, "source": "test"} for t, s in of.items()])


def plain_bars(ticker: str, first: dt.date, last: dt.date, close: float = 50.0) -> list[dict[str, Any]]:
    """A bar on every session of an interval, price and volume at rest."""
    days = [d for d in exchange_days() if first <= d <= last]
    return [{"ticker": ticker, "session": d, "close": close, "adj_close": close, "volume": 1000} for d in days]


def random_bars(
    seed: int,
    tickers: int = 3,
    length: int = 90,
    *,
    tail: float = 3.0,
    gaps: float = 0.05,
    silent: float = 0.1,
    start: dt.date = START,
) -> tuple[list[dict[str, Any]], list[tuple[str, dt.date, float]]]:
    """Bars of tickers with heavy tails, missing sessions, volumes not known and stretches at rest; and known splits.

    Tickers begin on different days. Some have no adjusted close, some pay dividends; some bars lack a split in close
    alone, some in both prices, and half of those splits are known.
    """
    rng = np.random.default_rng(seed)
    days = exchange_days()
    begin = days.index(next(d for d in days if d >= start))
    rows: list[dict[str, Any]] = []
    known: list[tuple[str, dt.date, float]] = []
    for k in range(tickers):
        ticker = f"T{k}"
        offset = int(rng.integers(0, 10)) if rng.random() < 0.5 else int(rng.integers(0, length // 2 + 1))
        mine = [d for d in days[begin + offset : begin + offset + length] if rng.random() >= gaps]
        scale = float(rng.uniform(0.005, 0.04))
        price, adjusted, factor = 100.0, 100.0, 1.0
        has_adjusted, rest = rng.random() < 0.7, 0
        basis = "split" if rng.random() < 0.7 else "unknown"
        level = float(rng.uniform(1e3, 1e7))
        for day in mine:
            if rest == 0 and rng.random() < 0.02:
                rest = int(rng.integers(3, 25))  # trading at rest
            move = 0.0 if rest else float(np.clip(rng.standard_t(tail) * scale, -0.8, 2.0))
            rest = max(0, rest - 1)
            price *= 1 + move
            adjusted *= 1 + move
            chance = rng.random()
            if chance < 0.01:  # a split that only the adjusted close knows
                factor *= 2.0
            elif chance < 0.025:  # a split that neither price knows
                ratio = float(rng.choice([2.0, 3.0, 0.1]))
                price, adjusted = price / ratio, adjusted / ratio
                if rng.random() < 0.5:
                    known.append((ticker, day, ratio))
            elif chance < 0.035:
                adjusted *= 1.01  # a dividend
            elif chance < 0.04:
                basis = "unknown" if basis == "split" else "split"
            volume = level * float(np.exp(rng.standard_t(tail) * 0.5 + 8 * abs(move)))
            rows.append(
                {
                    "ticker": ticker,
                    "session": day,
                    "close": round(price / factor, 4) or 0.0001,
                    "adj_close": adjusted if has_adjusted and rng.random() > 0.02 else None,
                    "volume": None if rng.random() < silent else int(min(volume, 1e11)) * (rng.random() > 0.03),
                    "basis": basis,
                }
            )
    return rows, known
