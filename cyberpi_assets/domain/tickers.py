"""The listed symbol of each disclosed row, in declared steps, each row carrying how.

Here belongs the order of the steps and what one says against another:

1. `printed`: the symbol on the row, or `stated by source` where the source gives its present form;
2. `symbol history`: a symbol that was renamed stands for its company of that day (`symbols.py`);
3. `respelled`: no list knows the letters, but the same with the dash of a share class (BRKB, BRK-B);
4. `reused`: the letters stood for another company then, which has no symbol today: none;
5. `in asset`: none was printed, but the asset's text is one, or ends in one in brackets;
6. `company name`: the text names one listed company (`company_match.py`), with the score;
7. `unresolved`: none, with the nearest candidate where there is one.

Names are only compared for shares and options, and for rows without a type whose text is no other paper.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import pyarrow as pa

from cyberpi_assets.domain.company_match import NOTHING, Found, ListedNames
from cyberpi_assets.domain.company_names import read_asset
from cyberpi_assets.domain.symbols import resolve_symbols

PRINTED, HISTORY, STATED = "printed", "symbol history", "stated by source"
RESPELLED, REUSED, IN_ASSET, BY_NAME, UNRESOLVED = (
    "respelled",
    "reused",
    "in asset",
    "company name",
    "unresolved",
)
DISPUTED: Final = "ticker_disputed"
REUSE_DAYS: Final = 30  # listings are dated some days apart by different lists
RESOLVED: Final = pa.schema(
    [
        pa.field("row", pa.int64(), nullable=False),
        pa.field("ticker", pa.string()),
        pa.field("ticker_evidence", pa.string(), nullable=False),
        pa.field("ticker_score", pa.float64()),
        pa.field("ticker_candidate", pa.string()),
        pa.field("ticker_flag", pa.string()),
    ]
)
_NAMED_TYPES: Final = frozenset({"stock", "option", None})
_WHOLE = re.compile(r"[A-Z]{1,5}(?:-[A-Z])?")
_CLASSED = re.compile(r"[A-Z]{1,4}-[A-C]")
_BEFORE = re.compile(r"([A-Z]{1,5})\s?-\s?(?=[A-Z][A-Za-z])")
_AT_END = re.compile(r"\((?:[A-Za-z]+\s*:\s*)?([A-Z]{1,5}(?:[.-][A-Z])?)\)(?:\s*\[[A-Z]{2}\])?\s*$")
_NO_SYMBOL: Final = frozenset(
    str.split("NYSE ADR ADS ETF NEW DEL THE INC LLC LP IRA USA US CMN COM OTC REIT STOCK MD DE JT SP DC")
)


@dataclass(frozen=True)
class _Answer:
    ticker: str | None
    evidence: str
    score: float | None = None
    candidate: str | None = None
    flag: str | None = None


@dataclass(frozen=True)
class _Asked:
    """What tells rows apart: rows that agree in all of it have one answer."""

    printed: str | None
    asset: str | None
    asset_type: str | None
    day: dt.date | None
    ticker: str | None
    evidence: str

    @property
    def nameable(self) -> bool:
        return self.asset is not None and self.asset_type in _NAMED_TYPES


def resolve_tickers(rows: pa.Table, history: pa.Table, names: ListedNames) -> pa.Table:
    """The symbol of each row by the steps above. Columns: `RESOLVED`, in the order of `row`.

    rows: row (int64), ticker_printed, ticker_current (as the source states it), asset, asset_type, day (date of the
    trade). history: `tables.SYMBOL_HISTORY`. ticker_score is the match score (0-100) where a name was compared and
    none was printed; ticker_candidate the nearest symbol that was not taken; ticker_flag `ticker_disputed` where the
    text names another company than the symbol printed: the symbol stands, for filers write both.
    """
    dated = resolve_symbols(rows.select(["row", "ticker_printed", "ticker_current", "day"]), history).to_pylist()
    columns = zip(
        *(rows.sort_by("row").column(c).to_pylist() for c in ("ticker_printed", "asset", "asset_type", "day")),
        strict=True,
    )
    asked = [
        _Asked(printed, asset, asset_type, day, found["ticker"], found["ticker_evidence"])
        for (printed, asset, asset_type, day), found in zip(columns, dated, strict=True)
    ]
    distinct = list(dict.fromkeys(asked))
    texts = list(dict.fromkeys((a.asset, a.day) for a in distinct if a.asset is not None and a.nameable))
    by_name = dict(zip(texts, names.match_all(texts), strict=True))
    steps = _Steps(names, history)
    written = steps.written(distinct)
    answers = {a: steps.answer(a, by_name.get((a.asset or "", a.day), NOTHING), written.get(a)) for a in distinct}
    given = [answers[a] for a in asked]
    return pa.table(
        {
            "row": pa.array([found["row"] for found in dated], pa.int64()),
            "ticker": pa.array([g.ticker for g in given], pa.string()),
            "ticker_evidence": pa.array([g.evidence for g in given], pa.string()),
            "ticker_score": pa.array([g.score for g in given], pa.float64()),
            "ticker_candidate": pa.array([g.candidate for g in given], pa.string()),
            "ticker_flag": pa.array([g.flag for g in given], pa.string()),
        },
        schema=RESOLVED,
    )


class _Steps:
    def __init__(self, names: ListedNames, history: pa.Table) -> None:
        self.names = names
        self.history = history
        told = history.select(["ticker", "current_ticker"]).to_pylist()
        self.successors: dict[str, set[str | None]] = {}
        for r in told:
            self.successors.setdefault(r["ticker"], set()).add(r["current_ticker"])
        self.known = {*names.shares, *self.successors, *(r["current_ticker"] for r in told)} - {None}
        self.dashed: dict[str, str] = {}
        for symbol in sorted(s for s in names.shares if _CLASSED.fullmatch(s)):
            bare = symbol.replace("-", "")
            self.dashed[bare] = "" if bare in self.dashed else symbol

    def answer(self, a: _Asked, found: Found, written: _Asked | None) -> _Answer:
        """The first step that gives an answer. written: the row as if the symbol in its text had been printed."""
        if a.printed is None and a.ticker is None:
            return self._none_printed(a, found, written)
        if a.evidence == HISTORY:
            return self._renamed(a)
        if a.evidence == STATED and a.ticker not in self.known and (dashed := self.dashed.get(a.ticker or "")):
            return _Answer(dashed, RESPELLED)
        if a.evidence != PRINTED or a.ticker is None:
            return _Answer(a.ticker, a.evidence)
        if a.ticker not in self.known:
            return self._unlisted(a, found)
        return self._printed(a, found)

    def _unlisted(self, a: _Asked, found: Found) -> _Answer:
        """Letters that no list knows: a class without its dash, a slip of the pen, or a company of long ago."""
        assert a.ticker is not None
        dashed = self.dashed.get(a.ticker)
        if dashed and (a.asset is None or self.names.agrees(a.asset, dashed)):
            return _Answer(dashed, RESPELLED)
        return self._kept(a.ticker, found)

    def _printed(self, a: _Asked, found: Found) -> _Answer:
        assert a.ticker is not None
        if found.ticker in (None, a.ticker) and not self._early(a):
            return _Answer(a.ticker, PRINTED)
        if found.ticker is not None and found.ticker in self.successors.get(a.ticker, ()):
            return _Answer(found.ticker, HISTORY)  # the old symbol, printed after its company left it
        if a.asset is not None and self.names.agrees(a.asset, a.ticker):
            return _Answer(a.ticker, PRINTED)
        return _Answer(None, REUSED, candidate=a.ticker) if self._early(a) else self._kept(a.ticker, found)

    def _renamed(self, a: _Asked) -> _Answer:
        """A symbol of the history: of the company that changed it, unless that was listed only later."""
        if a.ticker is not None and self._early(a) and not (a.asset and self.names.agrees(a.asset, a.ticker)):
            return _Answer(None, REUSED, candidate=a.ticker)
        return _Answer(a.ticker, HISTORY)

    def _early(self, a: _Asked) -> bool:
        """Whether the trade was made before the present company of the symbol was listed."""
        share = self.names.shares.get(a.ticker or "")
        if share is None or share.listed_on is None or a.day is None:
            return False
        return a.day < share.listed_on - dt.timedelta(days=REUSE_DAYS)

    def _kept(self, ticker: str, found: Found) -> _Answer:
        """The symbol as printed; flagged where the text is another company's name."""
        if found.ticker in (None, ticker):
            return _Answer(ticker, PRINTED)
        return _Answer(ticker, PRINTED, candidate=found.ticker, flag=DISPUTED)

    def _none_printed(self, a: _Asked, found: Found, written: _Asked | None) -> _Answer:
        if written is not None:
            taken = self.answer(written, found, None)
            if taken.flag == DISPUTED or taken.ticker is None:
                return _Answer(None, UNRESOLVED, candidate=taken.candidate or written.printed)
            return _Answer(taken.ticker, IN_ASSET)
        if a.nameable and found.ticker is not None:
            return _Answer(found.ticker, BY_NAME, found.score)
        return _Answer(None, UNRESOLVED, found.score, found.candidate)

    def written(self, asked: Sequence[_Asked]) -> dict[_Asked, _Asked]:
        """Rows whose text holds a known symbol, as if it had been printed in its place, resolved by their day."""
        symbols = {a: s for a in asked if a.printed is None and a.ticker is None and (s := self._symbol_in(a))}
        rows = pa.table(
            {
                "row": pa.array(range(len(symbols)), pa.int64()),
                "ticker_printed": pa.array(list(symbols.values()), pa.string()),
                "ticker_current": pa.nulls(len(symbols), pa.string()),
                "day": pa.array([a.day for a in symbols], pa.date32()),
            }
        )
        dated = resolve_symbols(rows, self.history).to_pylist()
        return {
            a: replace(a, printed=symbol, ticker=d["ticker"], evidence=d["ticker_evidence"])
            for (a, symbol), d in zip(symbols.items(), dated, strict=True)
        }

    def _symbol_in(self, a: _Asked) -> str | None:
        """A known symbol that is all of the text, stands before the name, or ends it in brackets."""
        if not a.nameable or a.asset is None:
            return None
        text = a.asset.strip()
        if a.asset_type is not None and _WHOLE.fullmatch(text):
            symbol = text
        elif read_asset(text).other:
            return None
        elif found := _AT_END.search(text):
            symbol = found[1].replace(".", "-")
        elif (found := _BEFORE.match(text)) and self.names.agrees(text[found.end() :], found[1]):
            symbol = found[1]
        else:
            return None
        return symbol if symbol in self.known and symbol not in _NO_SYMBOL else None
