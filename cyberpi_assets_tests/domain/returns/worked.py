"""Small markets to test returns on, and the definitions written out line by line."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from cyberpi_assets import tables
from cyberpi_assets.domain.calendar import sessions
from cyberpi_assets.domain.returns.prices import Panel

FIRST = 6_000  # an ordinal of 2013
Floats = npt.NDArray[np.float64]


def day(ordinal: int) -> dt.date:
    return dt.date(1970, 1, 1) + dt.timedelta(days=int(sessions()[ordinal]))


def fill(table: tables.Table, rows: Sequence[Mapping[str, object]]) -> pa.Table:
    """Rows of a table; columns that are not given are null."""
    return pa.Table.from_pylist([{c: r.get(c) for c in table.names} for r in rows], table.schema)


def bars(prices: Mapping[str, Mapping[int, float]], **more: object) -> pa.Table:
    """Bars of closes by ticker and session ordinal, adj_close equal to close."""
    rows = [
        {"ticker": t, "session": day(o), "close": c, "adj_close": c, "basis": "split", "source": "one"}
        | {"month": f"{day(o):%Y-%m}"}
        | more
        for t, closes in prices.items()
        for o, c in closes.items()
    ]
    return fill(tables.DAILY_BARS, rows)


def companies(sectors: Mapping[str, str | None]) -> pa.Table:
    return fill(tables.COMPANIES, [{"ticker": t, "sector": s, "source": "test"} for t, s in sectors.items()])


def walk(rng: np.random.Generator, n: int, sigma: float = 0.02, first: int = FIRST) -> dict[int, float]:
    """A price over n sessions from ordinal `first`."""
    return dict(zip(range(first, first + n), 100 * np.cumprod(1 + rng.normal(0, sigma, n)), strict=True))


def trade(trade_id: str, **more: object) -> dict[str, object]:
    plain: dict[str, object] = {
        "trade_id": trade_id, "filing_id": "house:1", "row_in_filing": 1, "bioguide_id": "A000001",
        "official": "Ann Example", "official_evidence": "stated", "chamber": "house", "party": "Democrat",
        "ticker": "AAA", "ticker_evidence": "printed", "asset_type": "stock", "side": "buy",
        "source": "test", "file": "f", "line": 1,
    }  # fmt: skip
    row = plain | more
    month = row.get("filed_on") or row.get("transaction_date")
    return row | {"month": f"{month:%Y-%m}" if isinstance(month, dt.date) else "2015-01"}


def trades(*rows: dict[str, object]) -> pa.Table:
    return fill(tables.DISCLOSED_TRADES, rows)


def scores(found: pa.Table, score: Mapping[str, float] | None = None) -> pa.Table:
    """Timing scores of trades, null unless given."""
    rows = found.select(["trade_id", "filing_id", "month"]).to_pylist()
    return fill(tables.DISCLOSURE_CORRELATIONS, [r | {"score": (score or {}).get(str(r["trade_id"]))} for r in rows])


def panel_of(changes: Floats, market: Floats, first: int = FIRST) -> Panel:
    """A panel of (sessions, tickers) returns without gaps; the sector is the mean of the other tickers."""
    n, k = changes.shape
    known = np.isfinite(changes)
    others = known.sum(axis=1, keepdims=True) - known
    total = np.nansum(changes, axis=1, keepdims=True) - np.where(known, changes, 0.0)
    sector = np.divide(total, others, out=np.full(changes.shape, np.nan), where=others > 0)
    return Panel(
        [f"T{i:03d}" for i in range(k)],
        np.repeat(np.arange(k, dtype=np.int32), n),
        np.tile(np.arange(first, first + n, dtype=np.int32), k),
        changes.T.ravel().copy(),
        np.tile(market, k),
        sector.T.ravel().copy(),
        first,
        first + n - 1,
    )
