"""How the officials' trades are disclosed: which filing, when, with which amendments, repeats and mistakes.

Belongs here: rows and filings as numbers. How a row is printed is in `disclosures.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from cyberpi_assets.sources.demo.horizon import Bools, Days, Horizon, Ints
from cyberpi_assets.sources.demo.people import Official
from cyberpi_assets.sources.demo.trades import BANDS, Trades

ORIGINAL, AMENDMENT, REPEAT = 0, 1, 2
_AMENDED, _REPEATED, _LOTS = 0.03, 0.02, 0.012  # shares of filings, filings and rows
_BROKEN_A_YEAR, _ODD_A_YEAR = 13, 5
_ODD_DATES = np.array(["0009-06-09", "3031-04-30", "0021-11-02", "2203-02-17"], dtype="datetime64[D]")
_HALVES = 24  # filings collect the trades of half a month
_VARIANTS = 3


@dataclass(frozen=True)
class Rows:
    """Rows of disclosures in the order of the filings. Shapes: (rows,).

    `trade`: the trade's number in `trades`; `filing`: running number; `transaction`, `notification`, `filed`: dates as
    written; `row`: in the filing, from 1; `variant`: original, amendment or repeat; `of`: the filing that is amended
    or repeated, -1 for an original; `superseded`: an amendment that lies in the world replaced the row; `band`: the
    amount as disclosed; `mistake`: number of the mistake that makes the row unusable, -1 for none.
    """

    trade: Ints
    filing: Ints
    transaction: Days
    notification: Days
    filed: Days
    row: Ints
    variant: Ints
    of: Ints
    superseded: Bools
    band: Ints
    mistake: Ints

    def take(self, which: Ints | Bools) -> Rows:
        """The rows chosen."""
        return Rows(*(getattr(self, f.name)[which] for f in fields(self)))


@dataclass(frozen=True)
class Filings:
    """Rows, the trades they disclose, and per filing its number within its year, from 1."""

    rows: Rows
    trades: Trades
    number_in_year: Ints


def filings(horizon: Horizon, people: list[Official], by_year: dict[int, Trades], n_mistakes: int) -> Filings:
    """The filings made on the days the world shows, by day, with their rows. `n_mistakes`: kinds of unusable rows."""
    done: list[Rows] = []
    offset = 0
    for year, traded in by_year.items():
        rows = _of_year(horizon, year, people, traded, n_mistakes)
        done.append(replace(rows, trade=rows.trade + offset))
        offset += len(traded.person)
    all_trades = Trades(*(np.concatenate([getattr(t, f.name) for t in by_year.values()]) for f in fields(Trades)))
    rows = Rows(*(np.concatenate([getattr(r, f.name) for r in done]) for f in fields(Rows)))

    last = np.datetime64(horizon.last_day)
    amended_by_now = np.unique(rows.of[(rows.variant == AMENDMENT) & (rows.filed <= last)])
    superseded = (rows.variant == ORIGINAL) & np.isin(rows.filing, amended_by_now)
    rows = replace(rows, superseded=superseded)
    rows = rows.take((rows.filed <= last) & (rows.filed >= np.datetime64(horizon.first_day)))
    return _numbered(rows, all_trades)


def _of_year(horizon: Horizon, year: int, people: list[Official], traded: Trades, n_mistakes: int) -> Rows:
    """All rows that disclose the trades of one year, whenever they are filed."""
    rng, n = horizon.stream("filings", year), len(traded.person)
    day = horizon.year_sessions[traded.session]
    month = day.astype("datetime64[M]").astype(np.int64) % 12
    half = 2 * month + ((day - day.astype("datetime64[M]").astype("datetime64[D]")).astype(np.int64) >= 15)
    slot = traded.person * _HALVES + half

    lag = _lags(rng, people)
    newest = np.full(len(lag), np.datetime64("0001-01-01"), dtype="datetime64[D]")
    np.maximum.at(newest, slot, day)
    filed = _weekday(newest + lag.astype("timedelta64[D]"))
    variant_filed = np.stack(
        [
            filed,
            _weekday(filed + rng.integers(12, 81, len(filed)).astype("timedelta64[D]")),
            _weekday(filed + rng.integers(6, 61, len(filed)).astype("timedelta64[D]")),
        ]
    )
    # only who trades at random amends, repeats and errs: what is planted stays as planted
    errs = np.repeat([p.habit == "random" for p in people], _HALVES)
    amended = errs & (rng.uniform(size=len(lag)) < _AMENDED)
    repeated = errs & (rng.uniform(size=len(lag)) < _REPEATED)
    notified = np.minimum(day + rng.integers(0, 21, n), filed[slot])
    better = np.minimum(traded.band + rng.integers(0, 2, n), len(BANDS) - 1)
    lots = errs[slot] & (rng.uniform(size=n) < _LOTS)

    trade = np.concatenate([np.arange(n), np.flatnonzero(lots)])  # a second lot is printed as an identical row
    base, again = trade, trade[amended[slot[trade]]]
    first_of_slot = np.unique(slot, return_index=True)[1]
    repeats = first_of_slot[repeated[slot[first_of_slot]]]
    which = np.concatenate([base, again, repeats])
    variant = np.repeat([ORIGINAL, AMENDMENT, REPEAT], [len(base), len(again), len(repeats)])
    transaction, band = day[which], np.where(variant == AMENDMENT, better[which], traded.band[which])

    odd = horizon.stream("oddities", year)
    free = np.flatnonzero(errs[slot[which]] & (variant == ORIGINAL))
    at = odd.choice(free, min(_ODD_A_YEAR, len(free)), replace=False)
    transaction[at] = np.resize(_ODD_DATES, len(at))
    broken = odd.choice(free, min(_BROKEN_A_YEAR, len(free)), replace=False)
    mistake = np.repeat([-1, 0], [len(which), len(broken)])
    mistake[len(which) :] = (np.arange(len(broken)) + year) % n_mistakes
    which, variant = np.concatenate([which, which[broken]]), np.concatenate([variant, variant[broken]])
    transaction, band = np.concatenate([transaction, transaction[broken]]), np.concatenate([band, band[broken]])

    key = (year * len(lag) + slot[which]) * _VARIANTS
    return Rows(
        trade=which,
        filing=key + variant,
        transaction=transaction,
        notification=notified[which],
        filed=variant_filed[variant, slot[which]],
        row=np.zeros(len(which), dtype=np.int64),
        variant=variant,
        of=np.where(variant == ORIGINAL, -1, key),
        superseded=np.zeros(len(which), dtype=np.bool_),
        band=band,
        mistake=mistake,
    )


def _lags(rng: np.random.Generator, people: list[Official]) -> Ints:
    """Days from the newest trade of a half month to its filing. Shape: (people x 24,).

    A half month has up to 16 days and a filing may wait for Monday: 27 days keep the oldest trade within 45.
    """
    shape = (len(people), _HALVES)
    in_time, u = rng.integers(5, 28, shape), rng.uniform(size=shape)
    late = np.where(u < 0.6, rng.integers(60, 301, shape), rng.integers(366, 701, shape))
    is_late = np.array([p.habit == "late_filer" for p in people])[:, None] & (u < 0.8)
    return np.where(is_late, late, in_time).ravel()


def _weekday(day: Days) -> Days:
    """The day, or the Monday after a weekend."""
    return np.busday_offset(day, 0, roll="forward")


def _numbered(rows: Rows, all_trades: Trades) -> Filings:
    """Rows in the order of filing days, filings numbered, rows numbered within their filing."""
    order = np.lexsort((rows.mistake, rows.trade, rows.filing, rows.filed))
    rows = rows.take(order)
    keys, first, filing = np.unique(rows.filing, return_index=True, return_inverse=True)
    by_day = np.argsort(first)  # unique sorts by key; filings are numbered by the day they are made
    number = np.empty(len(keys), dtype=np.int64)
    number[by_day] = np.arange(len(keys))
    start = np.sort(first)
    filing = number[filing]
    known = {int(k): int(number[i]) for i, k in enumerate(keys)}
    of = np.array([known.get(int(k), -1) for k in rows.of], dtype=np.int64)
    years = rows.filed[start].astype("datetime64[Y]").astype(np.int64)
    year_start = np.flatnonzero(np.concatenate([[True], years[1:] != years[:-1]])) if len(years) else years
    in_year = np.arange(len(years)) - np.repeat(year_start, np.diff(np.append(year_start, len(years)))) + 1
    row = np.arange(len(filing)) - start[filing] + 1 if len(filing) else filing
    return Filings(replace(rows, filing=filing, of=of, row=row), all_trades, in_year)
