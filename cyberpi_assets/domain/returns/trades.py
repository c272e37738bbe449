"""Abnormal returns of every disclosed trade, from the trade and from its disclosure; or null and the reason.

Here belongs which trade has a direction and a day 0, and how a window that prices do not fill is marked. The
regressions are in `market_model.py`. Nothing is dropped: every trade has one row per anchor.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from cyberpi_assets.domain.ocr import REASON as NOT_REVIEWED_REASON
from cyberpi_assets.domain.ocr import UNREVIEWED
from cyberpi_assets.domain.returns.market_model import Fits, Ints, fit
from cyberpi_assets.domain.returns.prices import Panel, panel
from cyberpi_assets.domain.returns.windows import ANCHORS, LAST, MIN_ESTIMATION, NAMES, day_of, day_zero
from cyberpi_assets.domain.sql import Frame, ask
from cyberpi_assets.tables import MONTH, TRADE_RETURNS

_NO_DATE = np.iinfo(np.int32).min

# A put bets on a fall; the right stands in the asset's or the row's free text.
_WORDS = "lower(coalesce(asset, '') || ' ' || coalesce(description, ''))"
_CALL, _PUT = rf"regexp_matches({_WORDS}, '\bcalls?\b')", rf"regexp_matches({_WORDS}, '\bputs?\b')"

# Why a trade has no abnormal return, whatever prices there are, in the order in which the reasons are given.
_ELIGIBLE = rf"""
SELECT trade_id, month, bioguide_id, ticker, anchor,
       CASE WHEN side = 'buy' THEN 1 WHEN side = 'sell' THEN -1 END
       * CASE WHEN asset_type IS DISTINCT FROM 'option' THEN 1
              WHEN {_CALL} AND NOT {_PUT} THEN 1 WHEN {_PUT} AND NOT {_CALL} THEN -1 END AS direction,
       coalesce(CASE anchor WHEN 'trade' THEN transaction_date ELSE filed_on END - DATE '1970-01-01',
                $no_date)::INT AS day,
       CASE WHEN filing_status = 'deleted' THEN 'deleted by the filer'
            WHEN superseded_by IS NOT NULL THEN 'superseded: ' || superseded_by
            WHEN repeat_of IS NOT NULL THEN 'already disclosed in ' || repeat_of
            WHEN {UNREVIEWED} THEN '{NOT_REVIEWED_REASON}'
            WHEN side IS NULL THEN 'bought or sold is not known'
            WHEN side = 'exchange' THEN 'an exchange is neither bought nor sold'
            WHEN ticker IS NULL THEN 'no listed symbol: ' || coalesce(asset_type, 'asset')
            WHEN ticker_evidence = 'company name' THEN 'symbol found by company name only'
            WHEN asset_type LIKE '%\_bond' ESCAPE '\' OR asset_type LIKE '%\_security' ESCAPE '\'
                 OR asset_type = 'crypto' THEN 'not a share, fund or option: ' || asset_type
            WHEN direction IS NULL THEN 'an option whose right (call or put) is not stated'
            WHEN anchor = 'disclosure' AND filed_on IS NULL THEN 'no filing date'
            WHEN anchor = 'trade' AND transaction_date IS NULL THEN 'no transaction date'
            WHEN anchor = 'trade' AND transaction_date < DATE '2012-01-01' THEN 'transaction date before 2012'
            WHEN anchor = 'trade' AND transaction_date > filed_on THEN 'transaction date after the filing' END AS reason
FROM trades t CROSS JOIN (SELECT unnest($anchors) AS anchor)
WHERE $every OR list_contains($months, month)
ORDER BY month, trade_id, anchor
"""


def trade_returns(
    bars: Frame, trades: pa.Table, companies: pa.Table, market: str, months: Sequence[str] | None = None
) -> pa.Table:
    """Abnormal returns of trades, one row per trade and anchor. Columns: `tables.TRADE_RETURNS`.

    bars: `tables.DAILY_BARS` of all tickers, from 250 sessions before the first trade to 63 after the last filing;
    trades: `tables.DISCLOSED_TRADES`; companies: `tables.COMPANIES` (sector); market: the ticker that stands for the
    market; months: those of the trades wanted, all when None. Rows are ordered by month, trade_id and anchor.
    """
    return of_panel(panel(bars, companies, market), trades, market, months)


def of_panel(prices: Panel, trades: pa.Table, market: str, months: Sequence[str] | None = None) -> pa.Table:
    """As `trade_returns`, of prices already laid out."""
    rows = ask(
        _ELIGIBLE,
        params={
            "no_date": int(_NO_DATE),
            "anchors": list(ANCHORS),
            "every": months is None,
            "months": list(months or []),
        },
        trades=trades,
    )
    anchor = rows.column("anchor").to_numpy(zero_copy_only=False)
    day = rows.column("day").to_numpy().astype(np.int32)
    zero = np.where(anchor == "trade", day_zero(day, "trade"), day_zero(day, "disclosure"))
    dated = day != _NO_DATE
    direction = rows.column("direction").cast(pa.float64()).to_numpy()
    code = prices.codes(rows)
    reason = rows.column("reason").to_numpy(zero_copy_only=False).astype(object)
    _no_prices(reason, prices, code, zero, market)
    usable = _open(reason)

    # many trades share ticker and day 0: each is estimated once
    events, which = np.unique((code[usable] << 20) | zero[usable], return_inverse=True)
    fits = {a: fit(prices, events >> 20, events & ((1 << 20) - 1), a) for a in ("market", "sector")}
    of_event = np.full(reason.size, -1, np.int64)
    of_event[usable] = which

    _not_estimated(reason, fits["market"], of_event)
    usable &= _open(reason)
    sector_reason = reason.copy()
    _not_estimated(sector_reason, fits["sector"], of_event, "sector: ")
    sector_usable = usable & _open(sector_reason)
    return _written(
        rows, direction, zero, dated, of_event, usable, sector_usable, fits, prices, code, reason, sector_reason
    )


def _no_prices(reason: npt.NDArray[np.object_], prices: Panel, code: Ints, zero: Ints, market: str) -> None:
    """Add the reasons that lie in which bars there are."""
    first, last = prices.spans
    known = code >= 0
    began = np.where(known, prices.session[first[np.maximum(code, 0)]], 0) if code.size and first.size else zero * 0
    ended = np.where(known, prices.session[last[np.maximum(code, 0)] - 1], -1) if code.size and first.size else zero * 0
    own = prices.tickers.index(market) if market in prices.tickers else -2
    for where, why in (
        (~known, "no market data for this symbol"),
        (np.full(code.size, own < 0), f"no market data for the market, {market}"),
        (code == own, "the fund stands for the market itself"),
        (zero < began, "market data of this symbol begin later"),
        (zero > ended, "market data of this symbol end earlier"),
        (zero > prices.market_last, f"market data of the market, {market}, end earlier"),
    ):
        _give(reason, where, why)


def _give(reason: npt.NDArray[np.object_], where: npt.NDArray[np.bool_], why: str) -> None:
    """Add a reason where there is none yet."""
    at = np.flatnonzero(where)
    reason[at[_open(reason[at])]] = why


def _open(reason: npt.NDArray[np.object_]) -> npt.NDArray[np.bool_]:
    """Where no reason has been given."""
    return np.array([r is None for r in reason.tolist()], dtype=bool)


def _not_estimated(reason: npt.NDArray[np.object_], fits: Fits, of_event: Ints, prefix: str = "") -> None:
    """Add the reasons that lie in the model."""
    for where, why in (
        (fits.n < MIN_ESTIMATION, f"{prefix}fewer than {MIN_ESTIMATION} returns on sessions -250 to -30"),
        (~np.isfinite(fits.beta), f"{prefix}no variation in the returns compared with"),
        (fits.present[:, -1] == 0, f"{prefix}no return on sessions 0 to {LAST[-1]}"),
    ):
        _give(reason, (of_event >= 0) & np.r_[where, False][of_event], why)


def _flags(fits: Fits, zero: Ints, ended: Ints, market_last: int) -> npt.NDArray[np.object_]:
    """What is odd about each event's windows, comma-separated; None when nothing is."""
    out = np.full(zero.size, "", dtype=object)
    short = [fits.present[:, w] < last + 1 for w, last in enumerate(LAST)]
    end = zero + LAST[-1]
    marks = [(short[w], f"truncated_{name}") for w, name in enumerate(NAMES)]
    marks += [
        ((ended < end) & (ended < market_last), "prices_end"),
        ((market_last < end) & (ended >= market_last), "data_end"),
        (short[-1] & (fits.present[:, -1] < np.minimum(np.minimum(ended, market_last), end) - zero + 1), "gap"),
        (fits.suspect > 0, "suspect_data"),
    ]
    for where, mark in marks:
        out[where] = out[where] + ("," + mark)
    return np.array([text[1:] or None for text in out.tolist()], dtype=object)


def _written(
    rows: pa.Table,
    direction: npt.NDArray[np.float64],
    zero: Ints,
    dated: npt.NDArray[np.bool_],
    of_event: Ints,
    usable: npt.NDArray[np.bool_],
    sector_usable: npt.NDArray[np.bool_],
    fits: dict[str, Fits],
    prices: Panel,
    code: Ints,
    reason: npt.NDArray[np.object_],
    sector_reason: npt.NDArray[np.object_],
) -> pa.Table:
    """The rows in the shape of the table; what is not usable is null."""
    at = np.maximum(of_event, 0)
    own, sector = fits["market"], fits["sector"]
    empty = own.n.size == 0

    def column(values: npt.NDArray[np.generic], where: npt.NDArray[np.bool_]) -> pa.Array[pa.DoubleScalar]:
        taken = np.full(at.size, np.nan) if empty else np.where(where, values[at].astype(np.float64), np.nan)
        return pa.array(taken, pa.float64(), from_pandas=True)

    def signed(values: npt.NDArray[np.float64], where: npt.NDArray[np.bool_]) -> pa.Array[pa.DoubleScalar]:
        taken = np.full(at.size, np.nan) if empty else np.where(where, direction * values[at], np.nan)
        return pa.array(taken, pa.float64(), from_pandas=True)

    flags = np.full(at.size, None, dtype=object)
    if usable.any():
        ended = prices.session[prices.spans[1][code[usable]] - 1].astype(np.int64)
        mine = Fits(*(getattr(own, f)[at[usable]] for f in Fits.__dataclass_fields__))
        flags[usable] = _flags(mine, zero[usable], ended, prices.market_last)
    columns: dict[str, pa.Array[Any] | pa.ChunkedArray[Any]] = {
        name: rows.column(name) for name in ("trade_id", "anchor", "bioguide_id", "ticker", MONTH)
    }
    columns |= {
        "direction": pa.array(direction, pa.float64(), from_pandas=True).cast(pa.int16()),
        "day0": pa.array(day_of(zero), pa.int32(), mask=~dated).cast(pa.date32()),
        "alpha": column(own.alpha, usable),
        "beta": column(own.beta, usable),
        "sigma": column(own.sigma, usable),
        "n_estimation": column(own.n, of_event >= 0).cast(pa.int64()),
        "sector_beta": column(sector.beta, sector_usable),
        "n_sector_estimation": column(sector.n, of_event >= 0).cast(pa.int64()),
        "bhar_0_63": signed(own.wealth[:, -1], usable),
        "n_sessions": column(own.present[:, -1], usable).cast(pa.int16()),
        "flags": pa.array(flags.tolist(), pa.string()),
        "reason": pa.array(reason.tolist(), pa.string()),
        "sector_reason": pa.array(sector_reason.tolist(), pa.string()),
    }
    for w, name in enumerate(NAMES):
        columns |= {
            f"car_{name}": signed(own.car[:, w], usable),
            f"se_{name}": column(own.se[:, w], usable),
            f"sector_car_{name}": signed(sector.car[:, w], sector_usable),
            f"sector_se_{name}": column(sector.se[:, w], sector_usable),
        }
    table = pa.Table.from_arrays([columns[name] for name in TRADE_RETURNS.names], TRADE_RETURNS.names)
    return table.cast(TRADE_RETURNS.schema)
