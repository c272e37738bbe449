"""Which trades a report is about: its period, and how many trades of it are scored, not scored, suspicious.

Both reports count from here, so that their heads agree. What they list is in `timing.py` and `patterns.py`.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import duckdb

from cyberpi_assets.reports.figures import Share, share
from cyberpi_assets.reports.safe import clean

SUSPICIOUS = 60.0  # the tier boundary the base rate counts from
_REASONS = 20  # more kinds of reason than these are summed up
TRADES = "disclosed_trades t JOIN disclosure_correlations c ON c.trade_id = t.trade_id"

# rows that stand for a trade of their own, and not for one that another row already stands for
OWN_ROWS = "t.superseded_by IS NULL AND t.repeat_of IS NULL AND t.filing_status IS DISTINCT FROM 'deleted'"
_KIND_OF_REASON = """
CASE WHEN starts_with(c.reason, 'superseded') THEN 'superseded by an amendment'
     WHEN starts_with(c.reason, 'already disclosed') THEN 'already disclosed in another filing'
     ELSE coalesce(c.reason, 'no reason stated') END
"""


@dataclass(frozen=True)
class Where:
    """A condition on trades `t` and their correlation `c`, with its bound values."""

    sql: str
    values: tuple[object, ...] = ()

    def __and__(self, other: Where) -> Where:
        return Where(f"({self.sql}) AND ({other.sql})", self.values + other.values)


@dataclass(frozen=True)
class Reason:
    """Why trades have no score, and how many."""

    reason: str
    trades: int


@dataclass(frozen=True)
class Counts:
    """Trades of a period: how many, how many scored, why the rest is not, and the share with score 60 or more."""

    trades: int
    scored: int
    not_scored: int
    reasons: tuple[Reason, ...]
    base_rate: Share


@dataclass(frozen=True)
class Period:
    """The transaction dates of a report, inclusive, and the condition that selects them."""

    first: dt.date | None
    last: dt.date | None
    as_of: dt.date | None
    where: Where


def newest_trade(con: duckdb.DuckDBPyConnection) -> dt.date | None:
    """The newest transaction date that can be true: not before 2012 and not after its filing."""
    return con.execute(
        "SELECT max(transaction_date) FROM disclosed_trades "
        "WHERE transaction_date >= DATE '2012-01-01' AND transaction_date <= filed_on "
        "AND filed_on < DATE '2100-01-01'"  # years such as 3031 stand in filings
    ).fetchall()[0][0]


def is_demo(con: duckdb.DuckDBPyConnection) -> bool:
    """Whether the world is invented: only profile demo plants truth."""
    return con.execute("SELECT count(*) > 0 FROM (SELECT 1 FROM demo_truth LIMIT 1)").fetchall()[0][0]


def period(con: duckdb.DuckDBPyConnection, days: int | None, as_of: dt.date | None) -> Period:
    """The period of `days` calendar days up to and including `as_of`; all trades (up to `as_of`) when days is null.

    `as_of` defaults to the newest valid transaction date. Without `days` the first and last day are those of the scored
    trades. Raises ValueError when days is below 1.
    """
    if days is not None and days < 1:
        raise ValueError("days must be at least 1")
    until = as_of or newest_trade(con)
    if days is not None and until is not None:
        first = dt.date.fromordinal(max(1, until.toordinal() - days + 1))
        return Period(first, until, until, Where("t.transaction_date BETWEEN ? AND ?", (first, until)))
    where = Where("true") if as_of is None else Where("t.transaction_date <= ?", (as_of,))
    first, last = _extent(con, where)
    return Period(first, last, until, where)


def _extent(con: duckdb.DuckDBPyConnection, where: Where) -> tuple[dt.date | None, dt.date | None]:
    """First and last transaction date among the scored trades."""
    return con.execute(
        f"SELECT min(t.transaction_date), max(t.transaction_date) FROM {TRADES} "
        f"WHERE c.score IS NOT NULL AND {where.sql}",
        list(where.values),
    ).fetchall()[0]


def counts(con: duckdb.DuckDBPyConnection, where: Where) -> Counts:
    """Count the trades that a condition selects."""
    trades, scored, suspicious = con.execute(
        f"SELECT count(*), count(c.score), count(*) FILTER (WHERE c.score >= {SUSPICIOUS}) FROM {TRADES} "
        f"WHERE {where.sql}",
        list(where.values),
    ).fetchall()[0]
    rows = con.execute(
        f"SELECT {_KIND_OF_REASON}, count(*) AS n FROM {TRADES} "
        f"WHERE c.score IS NULL AND {where.sql} GROUP BY 1 ORDER BY n DESC, 1",
        list(where.values),
    ).fetchall()
    reasons = [Reason(clean(reason) or "no reason stated", n) for reason, n in rows[:_REASONS]]
    if rest := sum(n for _, n in rows[_REASONS:]):
        reasons.append(Reason("other reasons", rest))
    return Counts(trades, scored, trades - scored, tuple(reasons), share(suspicious, scored))
