"""The shares that lists of companies show: whose they are, since when, and what kind of paper.

Here belongs what the lists together say of one symbol, and which of a company's shares a text means. How near a text
comes to a company's name is in `company_match.py`.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field
from typing import Any, Final

import pyarrow as pa

from cyberpi_assets.domain.company_names import AssetName, read_asset
from cyberpi_assets.domain.sql import ask

EARLY_DAYS: Final = 10  # trading when issued begins some days before the listing
STALE_DAYS: Final = 200  # a share that later lists no longer show gives way to one that they do
APPEARED_DAYS: Final = 450  # lists are about a year apart: a company was there at most so long before its first
UNDATED: Final = dt.date(1900, 1, 1)  # a list without a date: older than all others, and of no certain holder
# Further paper of a company by its symbol: preferred shares, warrants, units, rights
_FURTHER = re.compile(r"-(?:P[A-Z]?|WS?[A-Z]?|U|UN|R|RT)$|\.(?:P|U|W|R)")
_OF_FIVE = re.compile(r"^[A-Z]{4}[WRUZ]$|^[A-Z]{3}[A-Z]?AW$")


@dataclass
class Share:
    """One symbol as it is today: whose it is, and what the lists say of it."""

    symbol: str
    company: str
    listed_on: dt.date | None = None
    last_on: dt.date | None = None
    seen: dt.date = dt.date.min
    appeared_on: dt.date | None = None  # when no earlier list shows its company, though there are earlier lists
    other: bool = False  # a fund, a preferred share, a warrant
    depositary: bool = False
    common: bool = False
    classes: set[str] = field(default_factory=set)
    cores: set[str] = field(default_factory=set)

    @property
    def foreign(self) -> bool:
        """A foreign ordinary share over the counter: five letters that end in F."""
        return len(self.symbol) == 5 and self.symbol.endswith("F")

    @property
    def further(self) -> bool:
        """A warrant, right or unit by the letters of its symbol."""
        return _OF_FIVE.search(self.symbol) is not None

    def listed(self, day: dt.date | None) -> bool:
        """Whether the share may have traded on a day; what is not known does not exclude it."""
        if day is None:
            return True
        if self.last_on is not None and day > self.last_on:
            return False
        if self.listed_on is not None:
            return day >= self.listed_on - dt.timedelta(days=EARLY_DAYS)
        return self.appeared_on is None or day >= self.appeared_on - dt.timedelta(days=APPEARED_DAYS)

    def take(self, name: AssetName, row: dict[str, Any]) -> None:
        """Add what one listed name says."""
        self.other |= (name.other and row["seen"] > UNDATED) or _FURTHER.search(self.symbol) is not None
        self.depositary |= name.depositary
        self.common |= name.common or row["constituent"]
        self.cores.add(name.core)
        if name.share_class:
            self.classes.add(name.share_class)
        if row["listed_on"] is not None:
            self.listed_on = min(row["listed_on"], self.listed_on or row["listed_on"])
        self.last_on = row["last_on"] or self.last_on
        self.seen = max(self.seen, row["seen"])


def listed_shares(facts: pa.Table, history: pa.Table) -> dict[str, Share]:
    """Every listed symbol by its present letters. Takes `tables.COMPANY_FACTS` and `tables.SYMBOL_HISTORY`."""
    rows = _named(facts, history).to_pylist()
    read = {n: read_asset(n) for n in {r["name"] for r in rows}}
    company: dict[str, str] = {}
    present: dict[str, set[str]] = {}
    for r in rows:
        if r["cik"] is not None:
            company[r["symbol"]] = f"cik:{r['cik']}"
        company.setdefault(r["symbol"], r["symbol"])
        if r["present"]:
            present.setdefault(r["symbol"], set()).add(read[r["name"]].core.replace(" ", ""))
    shares: dict[str, Share] = {}
    appeared: dict[str, dt.date] = {}
    for r in rows:
        name, symbol = read[r["name"]], r["symbol"]
        # an older holder of the same letters is somebody else, unless it goes by the same name
        if r["present"] or name.core.replace(" ", "") in present.get(symbol, ()):
            shares.setdefault(symbol, Share(symbol, company[symbol])).take(name, r)
            if r["first"] > UNDATED:
                appeared[company[symbol]] = min(r["first"], appeared.get(company[symbol], r["first"]))
    begins = min(appeared.values(), default=dt.date.min) + dt.timedelta(days=APPEARED_DAYS)
    for share in shares.values():
        first = appeared.get(share.company)
        share.appeared_on = first if first is not None and first > begins else None
    return shares


def share_meant(name: AssetName, found: list[Share], whole: list[Share]) -> str | None:
    """Of one company's shares, the one meant: by class, by being a receipt, or the only plain one; null in doubt.

    found: those that bear the name; whole: all of the company's. Where later lists show the company only under
    another symbol, that one is meant, if one became one.
    """
    newest = max(s.seen for s in whole)
    fresh = [s for s in whole if (newest - s.seen).days <= STALE_DAYS]
    shares = [s for s in found if s in fresh]
    if not shares:
        shares = [s for s in fresh if s.common and not s.other]
        if len(shares) != 1 or len([s for s in found if not s.other]) != 1:
            return None
    shares = [s for s in shares if s.common] or [s for s in shares if not s.further]
    if name.share_class:
        shares = [s for s in shares if name.share_class in s.classes] or [s for s in shares if not s.classes]
    if name.depositary:
        shares = [s for s in shares if s.depositary or (len(s.symbol) == 5 and s.symbol.endswith("Y"))]
    symbols = {s.symbol for s in whole}
    # SAPGF and BAC-PB are further papers of SAP and BAC
    plain = [s for s in shares if s.classes or not any(s.symbol != t and s.symbol.startswith(t) for t in symbols)]
    return plain[0].symbol if len(plain) == 1 and not plain[0].foreign else None


def _named(facts: pa.Table, history: pa.Table) -> pa.Table:
    """Listed names with the symbol that their company has today.

    Columns: name, symbol, cik, listed_on, last_on, first and seen (dates of lists), constituent, present (of the
    company that the newest lists show under these letters, or led on from them by a dated rename).
    """
    return ask(
        """
        WITH stated AS (
            SELECT ticker, name, cik, listed_on, delisted_on, coalesce(as_of, $undated) AS seen,
                   source LIKE 'sp500%' AS constituent
            FROM facts WHERE name IS NOT NULL
        ), holders AS (  -- whose the symbol is in the newest list that says so
            SELECT ticker, arg_max(cik, seen) FILTER (cik IS NOT NULL) AS cik FROM stated GROUP BY ticker
        ), span AS (  -- between which days the lists show that holder
            SELECT s.ticker, min(seen) AS since, max(seen) AS until
            FROM stated s JOIN holders h ON h.ticker = s.ticker AND h.cik = s.cik WHERE seen > $undated GROUP BY ALL
        ), renamed AS (
            SELECT ticker, current_ticker, coalesce(valid_to, DATE '9999-12-31') AS valid_to
            FROM history WHERE current_ticker IS NOT NULL
            QUALIFY row_number() OVER (PARTITION BY ticker ORDER BY valid_to DESC NULLS FIRST) = 1
        ), placed AS (
            SELECT s.*, coalesce(CASE WHEN s.seen <= r.valid_to THEN r.current_ticker END, s.ticker) AS symbol,
                   coalesce(s.cik, h.cik) AS company,
                   h.cik IS NULL OR coalesce(s.cik = h.cik, s.seen BETWEEN i.since AND i.until, false)
                       OR coalesce(s.seen <= r.valid_to, false) AS present,
                   r.current_ticker IS NOT NULL AND s.seen <= r.valid_to AS moved
            FROM stated s JOIN holders h USING (ticker) LEFT JOIN span i USING (ticker)
            LEFT JOIN renamed r USING (ticker)
        )
        SELECT name, symbol, any_value(company) AS cik, min(listed_on) AS listed_on,
               max(delisted_on) FILTER (NOT moved) AS last_on, min(seen) FILTER (seen > $undated) AS first_dated,
               coalesce(first_dated, $undated) AS first, max(seen) AS seen, bool_or(constituent) AS constituent, present
        FROM placed GROUP BY name, symbol, present, company ORDER BY symbol, seen, name, present""",
        params={"undated": UNDATED},
        facts=facts,
        history=history,
    )
