"""The option side of the invented world as facts: who is watched, quotes, volumes, chains, earnings, what is planted.

Belongs here: which companies and days have chains, and the columns of `tables/facts/options.py`. What is traded is in
`activity.py` and `contracts.py`.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Final, cast

import numpy as np
import pyarrow as pa

from cyberpi_assets.domain.calendar import closes_of
from cyberpi_assets.sources.demo.activity import Activity, activity, covered, implied, on_split_basis
from cyberpi_assets.sources.demo.companies import Company, uneventful
from cyberpi_assets.sources.demo.contracts import Contracts, contracts
from cyberpi_assets.sources.demo.events import Breach
from cyberpi_assets.sources.demo.horizon import Bools, Floats, Horizon, Ints
from cyberpi_assets.sources.demo.market import Market

CHAIN_SESSIONS: Final = 168  # about eight months
CHAIN_COMPANIES: Final = 22
_OPTIONS_AFTER: Final = 20  # sessions after the listing of a stock
_SPLIT_TICKER: Final = "ZPHYC"  # splits among the days with chains: its strikes change their basis
_SUMS: Final = ("call_volume", "put_volume", "call_open_interest", "put_open_interest")
_WATCHED: Final = {
    "Information Technology": "keeps other companies' systems and data",
    "Financials": "holds accounts and moves money",
    "Health Care": "keeps patients' records",
    "Utilities": "runs networks that others depend on",
    "Energy": "runs plants and pipelines",
    "Communication Services": "carries other people's messages",
}

Columns = dict[str, dict[str, Any]]


def option_columns(
    horizon: Horizon, universe: list[Company], prices: Market, planned: list[Breach]
) -> tuple[Columns, dict[str, list[dict[str, Any]]]]:
    """Columns by fact (arrays of one length, without trace) and rows by fact, of the days shown."""
    seen = activity(horizon, universe, prices, planned)
    t, n = horizon.n_sessions, len(universe)
    listed = covered(prices.listed[:, :n], _OPTIONS_AFTER)
    listed &= (horizon.sessions >= np.datetime64(horizon.first_day))[:, None]
    close = prices.close[:, :n] * on_split_basis(universe, t)
    names = chained(horizon, universe, planned)
    days = np.arange(max(0, t - CHAIN_SESSIONS), t)
    made = contracts(horizon, seen, close, days, names, listed)
    tickers = pa.array([c.ticker for c in universe])

    sums = _sums(seen, made, days, names)
    columns: Columns = {
        "chain_facts": {
            "ticker": tickers.take(_places(made.company)),
            "snapshot_at": _moments(horizon, made.session),
            "session": pa.array(horizon.sessions[made.session]),
            "underlying_price": pa.array(made.underlying),
            "expiry": pa.array(made.expiry),
            "right": pa.array(["call", "put"]).take(_places(made.put)),
            "strike": pa.array(made.strike),
            "bid": pa.array(made.bid),
            "ask": pa.array(made.ask),
            "last": _known(made.last),
            "volume": _known(made.volume).cast(pa.int64()),
            "open_interest": pa.array(made.open_interest),
            "implied_vol": _known(made.implied_vol),
            "delta": pa.array(made.delta),
            "multiplier": pa.repeat(pa.scalar(100, pa.int64()), len(made.session)),
            "last_trade_at": pa.nulls(len(made.session), pa.timestamp("us", tz="UTC")),
            "data_type": pa.repeat(pa.scalar("simulated"), len(made.session)),
        },
        "option_volume_facts": _volumes(horizon, seen, prices, listed, close, tickers, sums),
        "snapshot_facts": _snapshots(horizon, seen, prices, listed, close, tickers, days, sums),
    }
    rows = {
        "watchlist_facts": _watchlist(universe, names, t),
        "company_event_facts": _events(horizon, universe, seen),
        "truth_facts": _truth(horizon, universe, seen),
    }
    return columns, rows


def _sums(seen: Activity, made: Contracts, days: Ints, names: Ints) -> tuple[Ints, ...]:
    """Volumes and open interest by session and company, as `_SUMS` orders them; of a chain, where there is one."""
    volume = np.nan_to_num(made.volume).astype(np.int64)
    result: list[Ints] = []
    for of_all, of_contracts in (
        ((seen.call_volume, seen.put_volume), volume),
        ((seen.call_open_interest, seen.put_open_interest), made.open_interest),
    ):
        for put, whole in enumerate(of_all):
            summed, mine = whole.copy(), made.put == put
            summed[np.ix_(days, names)] = 0
            np.add.at(summed, (made.session[mine], made.company[mine]), of_contracts[mine])
            result.append(summed)
    return tuple(result)


def chained(horizon: Horizon, universe: list[Company], planned: list[Breach]) -> Ints:
    """Numbers of the companies with chains: those breached on days with chains, one that splits, and others in turn."""
    first = horizon.n_sessions - CHAIN_SESSIONS
    hit = [b.company for b in planned if first <= b.known_at and b.event_at < horizon.n_sessions]
    split = [i for i, c in enumerate(universe) if c.ticker == _SPLIT_TICKER]
    turn = [int(i) for i in uneventful()[::2]] + [int(i) for i in uneventful()[1::2]]
    return np.sort(np.array(list(dict.fromkeys([*split, *hit, *turn]))[:CHAIN_COMPANIES], dtype=np.int64))


def _moments(horizon: Horizon, session: Ints) -> pa.Array[Any]:
    """The close of each session, in UTC."""
    closes = closes_of(horizon.sessions.astype("datetime64[D]").astype(np.int64).astype(np.int32))
    return pa.array(closes[session], pa.int64()).cast(pa.timestamp("us", tz="UTC"))


def _places(numbers: Ints) -> Any:
    """Whole numbers as an Arrow index."""
    return pa.array(numbers, pa.int64())


def _known(values: Floats) -> pa.Array[Any]:
    return pa.array(values, pa.float64(), from_pandas=True)


def _volumes(
    horizon: Horizon, seen: Activity, prices: Market, listed: Bools, close: Floats, tickers: Any, sums: tuple[Ints, ...]
) -> dict[str, Any]:
    """Daily volumes of all companies over all days shown."""
    session, company = np.nonzero(listed)
    columns: dict[str, Any] = {
        "ticker": tickers.take(_places(company)),
        "session": pa.array(horizon.sessions[session]),
        "underlying_price": pa.array(np.round(close[session, company], 4)),
        "stock_volume": _known(np.rint(prices.volume[session, company])).cast(pa.int64()),
        "realised_vol30": pa.array(np.round(seen.realised[session, company], 4)),
        "contracts": pa.nulls(len(session), pa.int64()),
    }
    for name, values in zip(_SUMS, sums, strict=True):
        columns[name] = pa.array(values[session, company])
    columns["total_volume"] = pa.array(sums[0][session, company] + sums[1][session, company])
    for days in (10, 30, 90, 180):
        columns[f"iv{days}"] = pa.array(np.round(implied(seen, session, company, days), 4))
    return columns


def _snapshots(
    horizon: Horizon,
    seen: Activity,
    prices: Market,
    listed: Bools,
    close: Floats,
    tickers: Any,
    days: Ints,
    sums: tuple[Ints, ...],
) -> dict[str, Any]:
    """Quotes at the close of the days with chains, of all companies."""
    shown = np.zeros_like(listed)
    shown[days] = listed[days]
    session, company = np.nonzero(shown)
    basis = close[session, company] / prices.close[session, company]
    spread = np.round(np.maximum(0.01, 0.0004 * close[session, company]), 2)
    shares, traded = np.nan_to_num(prices.volume[:, : close.shape[1]]), (sums[0] + sums[1]).astype(np.float64)
    columns: dict[str, Any] = {
        "ticker": tickers.take(_places(company)),
        "snapshot_at": _moments(horizon, session),
        "session": pa.array(horizon.sessions[session]),
        "price": pa.array(np.round(close[session, company], 4)),
        "previous_close": pa.array(np.round(prices.close[np.maximum(session - 1, 0), company] * basis, 4)),
        "volume": _known(np.rint(prices.volume[session, company] / basis)).cast(pa.int64()),
        "average_volume": pa.array(np.round(_mean_before(shares, 63)[session, company] / basis, 0)),
        "bid": pa.array(np.round(close[session, company] - spread, 2)),
        "ask": pa.array(np.round(close[session, company] + spread, 2)),
        "average_option_volume": pa.array(np.round(_mean_before(traded, 60)[session, company], 1)),
        "implied_vol": pa.array(np.round(implied(seen, session, company, 30.0), 4)),
        "historical_vol": pa.array(np.round(seen.realised[session, company], 4)),
        "dividend_yield": pa.nulls(len(session), pa.float64()),
        "halted": pa.repeat(pa.scalar(False), len(session)),
        "data_type": pa.repeat(pa.scalar("simulated"), len(session)),
    }
    for name in ("open", "high", "low"):
        columns[name] = pa.array(np.round(getattr(prices, name)[session, company] * basis, 4))
    for name, values in zip(_SUMS, sums, strict=True):
        columns[name] = pa.array(values[session, company])
    return columns


def _mean_before(values: Floats, window: int) -> Floats:
    """Mean of the sessions before each, at most `window` of them; of the first session itself. Shape: as `values`."""
    total = np.vstack([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
    end = np.arange(len(values))
    start = np.maximum(end - window, 0)
    result: Floats = (total[end] - total[start]) / np.maximum(end - start, 1)[:, None]
    result[0] = values[0]
    return result


def _watchlist(universe: list[Company], names: Ints, t: int) -> list[dict[str, Any]]:
    """The invented watchlist: companies that others depend on, and all with chains."""
    there = {int(i) for i in names}
    rows: list[dict[str, Any]] = []
    for i, c in enumerate(universe):
        if c.listed_at >= t or (c.sector not in _WATCHED and i not in there):
            continue
        lists = ["collector"] if i % 2 else ["collector", "news"]
        reason = _WATCHED.get(c.sector, "its options are watched in full")
        rows.append({"ticker": c.ticker, "name": c.name, "sector": c.sector, "reason": reason, "lists": lists})
    return rows


def _events(horizon: Horizon, universe: list[Company], seen: Activity) -> list[dict[str, Any]]:
    """Earnings days that were announced by the last day shown."""
    e = seen.earnings
    rows: list[dict[str, Any]] = []
    for company, at, announced in zip(e.company.tolist(), e.session.tolist(), e.announced.tolist(), strict=True):
        c = universe[company]
        day = _day(horizon, at)
        gone = c.delisted_at is not None and at > c.delisted_at
        if announced < horizon.n_sessions and day >= horizon.first_day and at >= c.listed_at and not gone:
            known = _day(horizon, announced)
            rows.append({"ticker": c.ticker, "event_on": day, "event": "earnings", "known_from": known})
    return sorted(rows, key=lambda r: (r["event_on"], r["ticker"]))


def _day(horizon: Horizon, session: int) -> dt.date:
    """A session of the years drawn as a date."""
    return cast(dt.date, horizon.year_sessions[session].item())


def _truth(horizon: Horizon, universe: list[Company], seen: Activity) -> list[dict[str, Any]]:
    """Puts bought before breaches, and before earnings by people who know nothing; on the days shown."""
    rows: list[dict[str, Any]] = []
    last = horizon.n_sessions
    for mark in seen.footprints:
        b = mark.breach
        if b.event_at >= last or horizon.sessions[b.footprints[0]].item() < horizon.first_day:
            continue
        on = ", ".join(str(horizon.sessions[f]) for f in b.footprints)
        rows.append(
            {
                "subject": "company",
                "ticker": universe[b.company].ticker,
                "kind": "option_footprint",
                "event_on": horizon.sessions[b.event_at].item(),
                "known_from": horizon.sessions[b.known_at].item(),
                "strength": round(mark.multiple, 4),
                "detail": f"puts bought before the breach, {mark.multiple:.1f} times the usual put volume, on {on}",
            }
        )
    e = seen.earnings
    for i in np.flatnonzero(e.multiple > 1).tolist():
        c, at = universe[int(e.company[i])], int(e.session[i])
        gone = at < c.listed_at + _OPTIONS_AFTER or (c.delisted_at is not None and at > c.delisted_at)
        if at >= last or gone or horizon.sessions[at].item() < horizon.first_day:
            continue
        rows.append(
            {
                "subject": "company",
                "ticker": c.ticker,
                "kind": "earnings_decoy",
                "event_on": horizon.sessions[at].item(),
                "strength": round(float(e.multiple[i]), 4),
                "detail": "puts bought in the 3 sessions before earnings by people who know nothing",
            }
        )
    return rows
