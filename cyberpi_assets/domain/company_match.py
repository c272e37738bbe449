"""The listed company that an asset's text names: one company with a score, or none.

Here belong which texts may be matched at all, what a score is, and when candidates are too close to choose: a wrong
company is worse than none. The shares that there are, and which of a company's is meant, are in `listed_shares.py`;
reading a text is in `company_names.py`.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
from rapidfuzz import fuzz, process

from cyberpi_assets.domain.company_names import AssetName, read_asset
from cyberpi_assets.domain.listed_shares import Share, listed_shares, share_meant

ACCEPTED: Final = 96.0  # lowest score of an accepted match; measured in benchmarks/tickers.py
TURNED: Final = 99.0  # the same words in another order
MARGIN: Final = 4.0  # how much the next company must stay behind
AGREES: Final = 80.0  # from here on a text may still mean a given company: no proof, only no contradiction
SHORTEST: Final = 2  # letters of a name that is compared whole
FUZZY_SHORTEST: Final = 8  # letters of a name that may differ by some
_SAME_START: Final = 2  # first letters that stay the same: Aimmune is not Immune
_BLOCK: Final = 512


@dataclass(frozen=True)
class Found:
    """One text's answer: the symbol where one company is meant, else the nearest candidate; the score of either."""

    ticker: str | None
    score: float | None
    candidate: str | None


NOTHING: Final = Found(None, None, None)


class ListedNames:
    """Names of listed companies and their symbols today, ready for many texts."""

    def __init__(self, facts: pa.Table, history: pa.Table) -> None:
        """Take `tables.COMPANY_FACTS` and `tables.SYMBOL_HISTORY`."""
        self.shares: dict[str, Share] = listed_shares(facts, history)
        self._of_company: dict[str, list[Share]] = {}
        self._spelled: dict[str, set[str]] = {}
        self._turned: dict[str, set[str]] = {}
        for share in self.shares.values():
            self._of_company.setdefault(share.company, []).append(share)
            for core in share.cores:
                if len(_key(core)) >= SHORTEST:
                    self._spelled.setdefault(_key(core), set()).add(share.symbol)
                    self._turned.setdefault(_any_order(core), set()).add(share.symbol)
        self._cores = sorted({c for s in self.shares.values() for c in s.cores if len(c) >= FUZZY_SHORTEST})

    def match(self, text: str, day: dt.date | None) -> Found:
        """The one company a text names on a day. See `match_all`."""
        return self.match_all([(text, day)])[0]

    def match_all(self, asked: list[tuple[str, dt.date | None]]) -> list[Found]:
        """One answer per text and day, in their order.

        100: the same name but for legal form, kind of share and blanks; 99: the same words in another order; below,
        the share of letters that agree (the normalised indel similarity of rapidfuzz), never under 96. There is no
        answer where another company comes within 4 points, where the text names no common share, where the company was
        not listed on the day, or where it has several shares and the text does not say which.
        """
        names = {text: read_asset(text) for text in {t for t, _ in asked}}
        near = self._near(sorted({n.core for n in names.values() if self._may_be_near(n)}))
        return [self._one(names[text], day, near) for text, day in asked]

    def agrees(self, text: str, symbol: str) -> bool:
        """Whether a text may mean the company of a symbol: no proof, only no contradiction."""
        share, core = self.shares.get(symbol), read_asset(text).core
        if share is None or not core:
            return False
        return any(
            core.split()[0] == known.split()[0] or fuzz.token_set_ratio(core, known) >= AGREES
            for other in self._of_company[share.company] for known in other.cores if known
        )  # fmt: skip

    def _may_be_near(self, name: AssetName) -> bool:
        return not name.other and len(name.core) >= FUZZY_SHORTEST and _key(name.core) not in self._spelled

    def _near(self, cores: list[str]) -> dict[str, list[tuple[str, float]]]:
        """Per core the listed cores that come close enough to be chosen, or to stand in the way."""
        found: dict[str, list[tuple[str, float]]] = {}
        for start in range(0, len(cores), _BLOCK):
            block = cores[start : start + _BLOCK]
            scores = process.cdist(
                block, self._cores, scorer=fuzz.ratio, score_cutoff=ACCEPTED - MARGIN, dtype=np.float32, workers=1
            )
            for row, column in zip(*np.nonzero(scores), strict=True):
                found.setdefault(block[row], []).append((self._cores[column], float(scores[row, column])))
        return found

    def _one(self, name: AssetName, day: dt.date | None, near: dict[str, list[tuple[str, float]]]) -> Found:
        if name.other or len(_key(name.core)) < SHORTEST:
            return NOTHING
        scored = {
            s: v for s, v in self._scored(name, near).items() if not self.shares[s].other and self.shares[s].listed(day)
        }
        if not scored:
            return NOTHING
        best = max(scored.values())
        nearest = min((s for s, v in scored.items() if v == best), key=lambda s: (len(s), s))
        close: dict[str, list[Share]] = {}
        for symbol, score in scored.items():
            if score > best - MARGIN:
                close.setdefault(self.shares[symbol].company, []).append(self.shares[symbol])
        if any(s.common for found in close.values() for s in found):  # a list that calls its paper common stock
            close = {c: found for c, found in close.items() if any(s.common for s in found)}
        if best < ACCEPTED or len(close) > 1:
            return Found(None, best, nearest)
        ((company, found),) = close.items()
        chosen = share_meant(name, found, [s for s in self._of_company[company] if s.listed(day)])
        return Found(chosen, best, chosen or nearest)

    def _scored(self, name: AssetName, near: dict[str, list[tuple[str, float]]]) -> dict[str, float]:
        """Every symbol whose company may be meant, with its score."""
        whole = self._spelled.get(_key(name.core))
        if whole:
            return dict.fromkeys(whole, 100.0)
        scored = dict.fromkeys(self._turned.get(_any_order(name.core), ()), TURNED)
        for core, score in near.get(name.core, ()):
            if core[:_SAME_START] != name.core[:_SAME_START]:
                score = min(score, ACCEPTED - 1)  # in the way, but not chosen
            for symbol in self._spelled[_key(core)]:
                scored[symbol] = max(scored.get(symbol, 0.0), score)
        return scored


def _key(core: str) -> str:
    """A name without blanks: `exxon mobil` and `exxonmobil` are one."""
    return core.replace(" ", "")


def _any_order(core: str) -> str:
    return " ".join(sorted(core.split()))
