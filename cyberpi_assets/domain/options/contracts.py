"""Contracts of chains as arrays: which snapshot each belongs to, how far its expiry is, what is known of it.

Here belongs the step from the stored table to numbers, and which contracts count. What is measured on them does not.

A contract whose size is stated and is not 100 shares was adjusted (a spin-off, a special dividend) or is a mini: its
strike does not compare with the price of the underlying and its count does not compare with others. It is counted and
left out.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from cyberpi_assets.domain.calendar import closes_of, hours, ordinal, sessions
from cyberpi_assets.domain.columns import day_numbers, numbered
from cyberpi_assets.domain.columns import known as known_or_null
from cyberpi_assets.domain.sql import ask

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

SHARES = 100  # shares a standard contract
_NEW_YORK = ZoneInfo("America/New_York")
_EPOCH = dt.date(1970, 1, 1)
_MICROSECONDS = 1_000_000

_SNAPSHOTS = """
SELECT CAST(row_number() OVER (ORDER BY ticker, source, snapshot_at) - 1 AS INTEGER) AS snap,
       CAST(dense_rank() OVER (ORDER BY ticker, source) - 1 AS INTEGER) AS series, *
FROM snapshots ORDER BY snap"""

COLUMNS = (
    "ticker", "source", "snapshot_at", "session", "data_type", "underlying_price", "expiry", "right", "strike", "bid",
    "ask", "last", "volume", "open_interest", "implied_vol", "delta", "multiplier", "last_trade_at",
)  # fmt: skip


@dataclass(frozen=True)
class Contracts:
    """Standard contracts of some snapshots. Arrays have one value per contract, in no order; NaN is not known."""

    snaps: pa.Table  # a row per snapshot: snap, series, ticker, source, snapshot_at, session, data_type, spot, n_...
    as_of: Ints  # per snapshot: the moment its prices are of, microseconds since 1970 UTC; never after the close
    opened: Ints  # per snapshot: the opening of its session
    closed: Ints  # per snapshot: the close of its session
    session: Ints  # per snapshot: days since 1970-01-01
    ordinal: Ints  # per snapshot: running number of its session
    snap: npt.NDArray[np.int32]  # the snapshot, as its place in `snaps`
    expiry: npt.NDArray[np.int32]  # days since 1970-01-01
    days: npt.NDArray[np.int32]  # calendar days from the session to expiry
    years: Floats  # from the moment prices are of to 16:00 New York on expiry, years of 365 days
    put: Bools
    strike: Floats  # US dollars
    bid: Floats
    ask: Floats
    last: Floats
    volume: Floats  # contracts
    open_interest: Floats
    given_vol: Floats  # as the provider has it
    given_delta: Floats
    spot: Floats  # the contract's own, else the snapshot's
    traded: Floats  # moment of the last trade, microseconds since 1970 UTC


def contracts_of(chains: pa.Table) -> Contracts:
    """The standard contracts of chains (the `COLUMNS` of `tables.OPTION_CHAINS`), with their snapshots.

    Prices are of the snapshot's moment, or of the close of its session where the snapshot was taken later. Early closes
    count there; expiry is taken to be at 16:00 New York on any day.
    """
    code = _snapshot_codes(chains)
    own, size, strikes = (_float(chains, c) for c in ("underlying_price", "multiplier", "strike"))
    with np.errstate(invalid="ignore"):
        adjusted = (size != SHARES) & np.isfinite(size)
        counts = ~adjusted & (strikes > 0)
        own = np.where(own > 0, own, np.nan)
    every = bool(counts.all())

    def kept(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return values if every else values[counts]

    snaps = ask(_SNAPSHOTS, snapshots=_snapshots(chains, code, own, adjusted))
    place = np.empty(snaps.num_rows, dtype=np.int32)
    place[snaps.column("code").to_numpy()] = snaps.column("snap").to_numpy()
    session = day_numbers(snaps.column("session"))
    moment = snaps.column("snapshot_at").cast(pa.int64()).to_numpy()
    close = closes_of(session.astype(np.int32))
    known = sessions()
    as_of = np.minimum(moment, close)
    snap = kept(place[code])
    expiry = kept(chains.column("expiry").cast(pa.int32()).to_numpy())
    own = kept(own)
    spots = _float(snaps, "spot")
    return Contracts(
        snaps=snaps.drop_columns(["code"]),
        as_of=as_of,
        opened=hours()[0][np.minimum(np.searchsorted(known, session), known.size - 1)],
        closed=close,
        session=session,
        ordinal=ordinal(session.astype(np.int32)),
        snap=snap,
        expiry=expiry,
        days=(expiry - session[snap]).astype(np.int32),
        years=_years(as_of[snap], expiry),
        put=kept(_is_put(chains)),
        strike=kept(strikes),
        bid=kept(_float(chains, "bid")),
        ask=kept(_float(chains, "ask")),
        last=kept(_float(chains, "last")),
        volume=kept(_float(chains, "volume")),
        open_interest=kept(_float(chains, "open_interest")),
        given_vol=kept(_float(chains, "implied_vol")),
        given_delta=kept(_float(chains, "delta")),
        spot=np.where(np.isfinite(own), own, spots[snap]),
        traded=kept(_float(chains, "last_trade_at")),
    )


def _snapshot_codes(chains: pa.Table) -> npt.NDArray[np.int32]:
    """A number for each row's snapshot, dense from 0."""
    if not chains.num_rows:
        return np.empty(0, dtype=np.int32)
    ticker, _ = numbered(chains.column("ticker"))
    source, sources = numbered(chains.column("source"))
    moment = chains.column("snapshot_at").cast(pa.int64()).to_numpy()
    moments = np.unique(moment)  # without places it is a hash table: a day has few moments, and rows come in any order
    key = (ticker.astype(np.int64) * len(sources) + source) * moments.size + np.searchsorted(moments, moment)
    keys = np.unique(key)
    return np.searchsorted(keys, key).astype(np.int32)


def _snapshots(chains: pa.Table, code: npt.NDArray[np.int32], spot: Floats, adjusted: Bools) -> pa.Table:
    """A row per snapshot in the order of `code`: who, when, the median price of the underlying, and contracts."""
    n = int(code.max(initial=-1)) + 1
    first = np.empty(n, dtype=np.int64)
    first[code[::-1]] = np.arange(code.size)[::-1]  # of several assignments the last stands
    known = np.flatnonzero(np.isfinite(spot))
    price = np.full(n, np.nan)
    price[code[known]] = spot[known]
    differ = known[spot[known] != price[code[known]]]
    for one in np.unique(code[differ]):  # as a rule a chain states one price
        price[one] = np.median(spot[known[code[known] == one]])
    at: Any = pa.array(first)
    columns: dict[str, Any] = {
        c: chains.column(c).take(at) for c in ("ticker", "source", "snapshot_at", "session", "data_type")
    }
    columns |= {
        "spot": known_or_null(price),
        "n_contracts": np.bincount(code, minlength=n),
        "n_adjusted": np.bincount(code[adjusted], minlength=n),
        "code": np.arange(n, dtype=np.int32),
    }
    return pa.table(columns)


def _is_put(chains: pa.Table) -> Bools:
    puts: Any = pc.equal(chains.column("right"), pa.scalar("put"))
    return puts.to_numpy()


def _float(rows: pa.Table, name: str) -> Floats:
    """A column as floats, NaN where not known; moments as microseconds since 1970 UTC."""
    column: Any = rows.column(name)
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.int64())
    return column.to_numpy().astype(np.float64, copy=False)


def _years(as_of: Ints, expiry: npt.NDArray[np.int32]) -> Floats:
    """Years of 365 days from each moment to 16:00 New York on the day of expiry; negative after it."""
    if not expiry.size:
        return np.empty(0)
    first = int(expiry.min())
    ends = np.full(int(expiry.max()) - first + 1, np.nan)
    for day in np.unique(expiry):  # at most a few hundred
        at = dt.datetime.combine(_EPOCH + dt.timedelta(days=int(day)), dt.time(16), tzinfo=_NEW_YORK)
        ends[day - first] = at.timestamp()
    return (ends[expiry - first] - as_of / _MICROSECONDS) / (365 * 86_400)
