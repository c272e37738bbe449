"""What every market provider returns, and the protocol it follows.

An `Answer` holds the fact rows of one ticker. A provider that was asked and did not give says so in a gap row: unknown
with a reason, never zero. Nothing here knows a wire format.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from cyberpi_assets.domain.calendar import sessions_of
from cyberpi_assets.tables import FACTS, conform

Record = dict[str, Any]
NEW_YORK = ZoneInfo("America/New_York")
DAYS_IN_VIEW = (20, 30, 60)  # days to expiry at which skew and term slope are measured


class Blocked(Exception):
    """The provider refuses everybody from here for a while; nothing may be concluded from it. `seconds` to wait."""

    def __init__(self, reason: str, code: str, seconds: float) -> None:
        super().__init__(reason)
        self.reason, self.code, self.seconds = reason, code, seconds


class Unreachable(Exception):
    """The provider cannot be reached at all: wrong address, nobody listens, or it hangs up again and again."""


class NoAnswer(Exception):
    """One request brought no answer: why, the provider's own code, and whether asking again may help."""

    def __init__(self, reason: str, code: str | None, retryable: bool) -> None:
        super().__init__(reason)
        self.reason, self.code, self.retryable = reason, code, retryable


@dataclass
class Answer:
    """The fact rows of one ticker, without `file` and `line`: these are given where the rows are stored."""

    ticker: str
    rows: dict[str, list[Record]] = field(default_factory=dict)

    def add(self, fact: str, **row: Any) -> None:
        """Keep one row of a fact; columns not named are null."""
        self.rows.setdefault(fact, []).append(row)

    def gap(self, kind: str, at: dt.datetime, reason: str, code: str | None, *, retryable: bool) -> None:
        """Say that something was asked for and not given."""
        self.add(
            "gap_facts", subject=self.ticker, kind=kind, at=at, reason=reason[:300], code=code, retryable=retryable
        )

    def of(self, fact: str) -> list[Record]:
        """The rows of one fact."""
        return self.rows.get(fact, [])

    @property
    def worth_asking_again(self) -> bool:
        """Whether there is nothing but gaps, and one of them may vanish."""
        facts = [rows for name, rows in self.rows.items() if name != "gap_facts" and rows]
        return not facts and any(gap["retryable"] for gap in self.of("gap_facts"))


def facts_table(fact: str, rows: Sequence[Record], *, source: str, file: str) -> pa.Table:
    """Rows as a table of exactly the fact's columns, traced to `source`, `file` and their place, counted from 1.

    Raises SchemaMismatch when a value that may not be null is.
    """
    declared = FACTS[fact]
    loose = pa.schema([pa.field(f.name, f.type) for f in declared.schema])
    traced = [{**row, "source": source, "file": file, "line": n} for n, row in enumerate(rows, start=1)]
    return conform(declared, pa.Table.from_pylist(traced, schema=loose))


class MarketProvider(Protocol):
    """Who can be asked for quotes, option chains and daily bars. A provider is an asynchronous context."""

    @property
    def name(self) -> str:
        """What stands in the facts' `source`."""
        ...

    async def __aenter__(self) -> MarketProvider:
        """Connect. Raises Unreachable."""
        ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give everything back: lines, connections."""
        ...

    def quotes(self, tickers: Sequence[str], at: dt.datetime) -> AsyncIterator[Answer]:
        """A snapshot row or a gap for each ticker, as they come. `at` is the moment of the snapshot, UTC.

        Raises Blocked or Unreachable; what came before stands.
        """
        ...

    async def chain(self, ticker: str, at: dt.datetime) -> Answer:
        """The chain rows of one ticker, and gaps for what is missing. Raises Blocked or Unreachable."""
        ...

    def bars(self, tickers: Sequence[str], first: dt.date, last: dt.date) -> AsyncIterator[Answer]:
        """Daily bars (and splits and dividends, where the provider has them), both days included."""
        ...


Fires = Callable[[Record], bool | None]


def choose_expiries(expiries: Sequence[dt.date], today: dt.date, within_days: int, at_most: int) -> list[dt.date]:
    """The expiries worth asking for: the three nearest, then those nearest to 20, 30 and 60 days, then the next ones.

    The three nearest within 45 days are what the seed's score looks at (METHODS, section 5); the others carry skew and
    term slope. `today` is New York's date.
    """
    open_ones = sorted({e for e in expiries if 0 <= (e - today).days <= within_days})
    ranked = open_ones[:3]
    for days in DAYS_IN_VIEW:
        ranked += sorted(open_ones, key=lambda e, days=days: abs((e - today).days - days))[:1]
    ranked += open_ones
    return sorted(list(dict.fromkeys(ranked))[:at_most])


def new_york_date(at: dt.datetime) -> dt.date:
    """The calendar date in New York at a moment."""
    return at.astimezone(NEW_YORK).date()


def session_of(at: dt.datetime) -> dt.date:
    """The exchange session that a snapshot of this moment tells of: before the opening, the one before."""
    days = sessions_of(np.array([int(at.timestamp() * 1_000_000)], np.int64))
    return dt.date(1970, 1, 1) + dt.timedelta(days=int(days[0]))


def number(value: object) -> float | None:
    """A finite number, or null. Booleans, text and NaN are no numbers."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def positive(value: object) -> float | None:
    """A number above zero, or null: prices and volatilities of zero or -1 mean that there is none."""
    known = number(value)
    return known if known is not None and known > 0 else None


def count(value: object) -> int | None:
    """A whole count of zero or more, or null: -1 means that there is none."""
    known = number(value)
    return round(known) if known is not None and known >= 0 else None
