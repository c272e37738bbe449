"""Daily returns of every ticker beside those of the market and of the ticker's sector.

Here belongs which two prices make a return, and what the market did over the same span. Models of these returns belong
to `market_model.py`.

Returns are simple, not logarithmic: they add up across the names of a portfolio. The price is `adj_close` where both
bars come from one source and have it. Two sources adjust for dividends up to different days, so across a change of
source the return is that of `close`, and unknown where close too is adjusted differently. A return over sessions
without bars (a halt) is set against the market's return over the same span; over more than 20 sessions it is unknown,
since a symbol may have passed to another company.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from cyberpi_assets.domain.calendar import ordinal
from cyberpi_assets.domain.sql import Frame, ask, only

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

SUSPECT = 0.40  # a larger move is kept and flagged, and left out of the mean of other names
_LONGEST_HALT = 20  # sessions
_MIN_PEERS = 5  # other names of the sector with a return on the session
_NEEDED = ("ticker", "session", "close", "adj_close", "basis", "source")


@dataclass(frozen=True)
class Panel:
    """Bars of all tickers, sorted by ticker and session; arrays have one value per bar, NaN is unknown."""

    tickers: list[str]  # ascending; a code is a place in this list
    code: npt.NDArray[np.int32]
    session: npt.NDArray[np.int32]  # ordinal of the session
    change: Floats  # simple return against the ticker's bar before
    market: Floats  # return of the market over the same span
    sector: Floats  # mean return of the other names of the sector, same session
    market_first: int  # ordinals of the market's first and last bar; -1 where it has none
    market_last: int

    def codes(self, table: pa.Table) -> Ints:
        """Place in the panel of the ticker of each row of a table; -1 where it has no bars (or is null)."""
        wanted = table.select(["ticker"]).append_column("row", pa.array(np.arange(table.num_rows)))
        known = _numbered(self.tickers)
        found = ask(
            "SELECT coalesce(code, -1)::BIGINT AS code FROM wanted LEFT JOIN known USING (ticker) ORDER BY row",
            wanted=wanted,
            known=known,
        )
        return found.column("code").to_numpy().astype(np.int64)

    @property
    def spans(self) -> tuple[Ints, Ints]:
        """Index of each ticker's first bar, and of the bar after its last."""
        edges = np.searchsorted(self.code, np.arange(len(self.tickers) + 1))
        return edges[:-1].astype(np.int64), edges[1:].astype(np.int64)


def panel(bars: Frame, companies: pa.Table, market: str) -> Panel:
    """Returns of all bars. bars: `tables.DAILY_BARS`; companies: `tables.COMPANIES`; market: the ticker of the market.

    Memory: about 100 bytes a bar while it is made, 36 after.
    """
    found = ask(
        """
        SELECT ticker, session - DATE '1970-01-01' AS day, close, adj_close,
               hash(basis) AS basis, hash(source) AS source
        FROM bars""",
        bars=only(bars, *_NEEDED),
    )
    tickers, code = _coded(found)
    session = ordinal(found.column("day").to_numpy().astype(np.int32)).astype(np.int32)
    order = np.argsort((code.astype(np.int64) << 16) | session, kind="stable")
    code, session = code[order], session[order]
    change = _changes(
        code,
        session,
        found.column("close").to_numpy()[order],
        found.column("adj_close").cast(pa.float64()).to_numpy()[order],
        found.column("basis").to_numpy()[order],
        found.column("source").to_numpy()[order],
    )
    own = np.flatnonzero(code == tickers.index(market)) if market in tickers else np.empty(0, np.int64)
    first, last = (int(session[own[0]]), int(session[own[-1]])) if own.size else (-1, -1)
    return Panel(
        tickers,
        code,
        session,
        change,
        _market(code, session, session[own], change[own]),
        _sectors(code, session, change, _sector_codes(tickers, companies, market)),
        first,
        last,
    )


def _numbered(tickers: list[str]) -> pa.Table:
    """Columns ticker, code."""
    return pa.Table.from_arrays([pa.array(tickers, pa.string()), pa.array(np.arange(len(tickers)))], ["ticker", "code"])


def _coded(found: pa.Table) -> tuple[list[str], npt.NDArray[np.int32]]:
    """The tickers, ascending, and the place of each bar's ticker among them."""
    column = found.column("ticker")
    names = sorted(str(t) for t in column.unique().to_pylist())
    place = pc.index_in(column, value_set=pa.array(names, column.type))
    return names, place.to_numpy().astype(np.int32)


def _changes(
    code: npt.NDArray[np.int32],
    session: npt.NDArray[np.int32],
    close: Floats,
    adjusted: Floats,
    basis: npt.NDArray[np.uint64],
    source: npt.NDArray[np.uint64],
) -> Floats:
    change = np.full(code.size, np.nan)
    if code.size < 2:
        return change
    with np.errstate(divide="ignore", invalid="ignore"):
        by_close, by_adjusted = close[1:] / close[:-1] - 1.0, adjusted[1:] / adjusted[:-1] - 1.0
    whole = (source[1:] == source[:-1]) & np.isfinite(by_adjusted)
    move = np.where(whole, by_adjusted, np.where(basis[1:] == basis[:-1], by_close, np.nan))
    span = session[1:] - session[:-1]
    known = (code[1:] == code[:-1]) & (span >= 1) & (span <= _LONGEST_HALT) & np.isfinite(move)
    change[1:] = np.where(known, move, np.nan)
    return change


def _market(
    code: npt.NDArray[np.int32], session: npt.NDArray[np.int32], own: npt.NDArray[np.int32], moves: Floats
) -> Floats:
    """The market's return over the span of each bar's return."""
    out = np.full(code.size, np.nan)
    if own.size < 2 or code.size < 2:
        return out
    # log level and number of unknown steps on each of the market's sessions
    unknown = ~np.isfinite(moves)
    level = np.full(int(session.max()) + 1, np.nan)
    level[own] = np.cumsum(np.where(unknown, 0.0, np.log1p(np.where(unknown, 0.0, moves))))
    breaks = np.zeros(level.size, np.int64)
    breaks[own] = np.cumsum(unknown)
    here, before = session[1:], session[:-1]
    known = (code[1:] == code[:-1]) & (breaks[here] == breaks[before])
    out[1:] = np.where(known, np.expm1(level[here] - level[before]), np.nan)
    return out


def _sector_codes(tickers: list[str], companies: pa.Table, market: str) -> Ints:
    """A number per sector, per ticker; -1 where the sector is not known. The market's fund belongs to none."""
    found = ask(
        """
        WITH sectors AS (SELECT ticker, sector FROM companies WHERE sector IS NOT NULL)
        SELECT CASE WHEN sector IS NULL OR k.ticker = $market THEN -1
                    ELSE dense_rank() OVER (ORDER BY sector) END::BIGINT AS sector
        FROM known k LEFT JOIN sectors s ON s.ticker = k.ticker ORDER BY k.ticker""",
        params={"market": market},
        known=_numbered(tickers),
        companies=companies.select(["ticker", "sector"]),
    )
    return found.column("sector").to_numpy().astype(np.int64)


def _sectors(code: npt.NDArray[np.int32], session: npt.NDArray[np.int32], change: Floats, sector_of: Ints) -> Floats:
    """Mean return of the other names of a bar's sector on its session; NaN with fewer than 5 of them."""
    out = np.full(code.size, np.nan)
    if code.size < 2:
        return out
    span = np.r_[0, np.diff(session)]
    single = np.isfinite(change) & (span == 1) & (sector_of[code] >= 0)
    width = int(session.max()) + 1
    cell = sector_of[code] * width + session
    counts = single & (np.abs(change) <= SUSPECT)
    size = (int(sector_of.max(initial=0)) + 1) * width
    total = np.bincount(cell[counts], change[counts], minlength=size)
    number = np.bincount(cell[counts], minlength=size)
    mine = cell[single]
    others = number[mine] - counts[single]
    rest = total[mine] - np.where(counts[single], change[single], 0.0)
    out[single] = np.divide(rest, others, out=np.full(mine.size, np.nan), where=others >= _MIN_PEERS)
    return out
