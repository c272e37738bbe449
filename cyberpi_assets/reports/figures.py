"""Figures as people read them: money ranges, shares with their interval, dates, signed changes.

Here belongs formatting. What is counted belongs to the reports themselves, the interval of a rate to `domain/rates.py`.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from cyberpi_assets.domain.rates import wilson

MISSING = "–"


@dataclass(frozen=True)
class Share:
    """`k` of `n`, as a rate between 0 and 1 with its Wilson 95 % interval; all null when n is 0."""

    k: int
    n: int
    rate: float | None
    low: float | None
    high: float | None

    def words(self) -> str:
        """`12 of 240 (5.0 %, 95 % interval 2.9 to 8.5 %)`."""
        if self.rate is None or self.low is None or self.high is None:
            return f"{self.k:,} of {self.n:,}"
        return (
            f"{self.k:,} of {self.n:,} ({100 * self.rate:.1f} %, "
            f"95 % interval {100 * self.low:.1f} to {100 * self.high:.1f} %)"
        )


def share(k: int, n: int) -> Share:
    """The share k / n with its Wilson score interval. Raises ValueError unless 0 <= k <= n."""
    if not 0 <= k <= n:
        raise ValueError(f"{k} of {n} is no share")
    if n == 0:
        return Share(k, n, None, None, None)
    low, high = (float(end) for end in wilson(k, n))
    return Share(k, n, k / n, low, high)


def money(value: float) -> str:
    """Whole dollars: `$1,001`."""
    return f"${value:,.0f}"


def amount(low: float | None, high: float | None) -> str:
    """A disclosed range in dollars, open at the top where no upper bound is stated."""
    if low is None and high is None:
        return "amount not known"
    if high is None:
        return f"{money(low or 0)} or more"
    if low is None:
        return f"up to {money(high)}"
    return money(low) if low == high else f"{money(low)} – {money(high)}"


def _short(value: float) -> str:
    for size, letter in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"${value / size:.3g}{letter}"
    return money(value)


def short_amount(low: float | None, high: float | None) -> str:
    """The same in a narrow column: `$1.2M – $3.4M`, `$50M or more`."""
    if low is None and high is None:
        return MISSING
    if high is None:
        return f"{_short(low or 0)} or more"
    return f"{_short(low or 0)} – {_short(high)}"


def percent(rate: float | None, digits: int = 0) -> str:
    """A rate between 0 and 1 as percent."""
    return MISSING if rate is None else f"{100 * rate:.{digits}f} %"


def interval(low: float | None, high: float | None) -> str:
    """An interval of rates: `12–34 %`."""
    return MISSING if low is None or high is None else f"{100 * low:.0f}–{100 * high:.0f} %"


def change(pct: float | None) -> str:
    """A signed change in percent."""
    return MISSING if pct is None else f"{pct:+.1f} %"


def decimal(value: float | None, digits: int = 1) -> str:
    """A number with fixed digits, without trailing zeros: `89`, `92.5`."""
    if value is None:
        return MISSING
    text = f"{value:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def day(value: dt.date | None) -> str:
    """An ISO date."""
    return MISSING if value is None else value.isoformat()


def period(first: dt.date | None, last: dt.date | None) -> str:
    """A period of transaction dates in words."""
    if first is None and last is None:
        return "all dates"
    return f"{day(first)} to {day(last)}"
