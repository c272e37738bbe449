"""Whom a headline names: listed companies by symbol or name, each with the evidence; in doubt nobody.

Here belongs when a word is a company. What the headline says of it is in `topics.py`.

Evidence, strongest first: cashtag (`$CRWD`), exchange (`(NASDAQ: CRWD)`), paren (`Visa (V)`, the company's name beside
it), alias (a name of the editable list), name (the listed name without its legal form), symbol (a bare symbol of three
letters or more that the provider states too), stated (the provider alone says so: the text need not name the company).
A bare letter or word is never a symbol. A name that is also a word, a surname or a place counts only with its legal
form beside it (`Target Corp`), or where the provider states that company's symbol.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa

from cyberpi_assets.domain.news.text import Automaton, Bools, Hits, Ints, Texts, longest, words_of
from cyberpi_assets.domain.sql import ask

KINDS: Final = ("cashtag", "exchange", "paren", "alias", "name", "symbol", "stated")
LINKS: Final = pa.schema([("row", pa.int64()), ("ticker", pa.string()), ("kind", pa.string()), ("found", pa.string())])
SHORTEST: Final = 3  # letters of a listed name; shorter ones need the list of aliases
_FORM_LETTERS: Final = 16  # where a legal form may stand behind a name

_list = str.split
_LEGAL: Final = frozenset(
    _list(
        "inc incorporated corp corporation co company companies cos ltd limited plc llc lp sa s nv n v ag se holdings "
        "holding group ab asa spa kgaa reit the and & of de com"
    )
)
_KIND: Final = frozenset(_list("common class ordinary adr ads depositary subordinate registered american"))
_LEGAL_BEHIND = re.compile(r"^ (?:inc|corp|corporation|company|co|ltd|limited|plc|holdings|group)\b")
_NO_SHARE = re.compile(
    r"\b(?:warrants?|rights?|units?|preferred|notes? due|debentures?|etf|etn|fund|depositary shares,? each|"
    r"acquisition (?:corp|co|company|inc|ltd|limited))\b|%",
    re.IGNORECASE,
)
# funds and the grey market: named by symbol only
_FOREIGN_FLOORS: Final = frozenset({"OTC", "BATS", "NYSE ARCA", "CBOE"})
_CASHTAG = re.compile(r"(?<![\w$])\$([A-Z]{1,5}(?:[.-][A-Z])?)(?![\w.])")
_EXCHANGE = re.compile(
    r"\b(?:NASDAQ(?:GS|GM|CM)?|NYSE(?: ?(?:ARCA|AMERICAN|MKT))?|AMEX|OTC(?:QB|QX|MKTS|PK)?|BATS|CBOE)"
    r"\s?:\s?([A-Z]{1,6}(?:[.\-/ ][A-Z])?)(?![\w])",
    re.IGNORECASE,
)
_PAREN = re.compile(r"\(([A-Z]{1,5}(?:[.-][A-Z])?)\)")
_SYMBOL = re.compile(r"(?<![\w$.&-])([A-Z]{3,5}(?:[.-][A-Z])?)(?![\w&])")


def surface(name: str) -> str:
    """A listed name as headlines write it: without legal form and kind of share, lower case.

    `CrowdStrike Holdings Inc. Class A Common Stock` -> `crowdstrike`; `Gap Inc. (The)` -> `gap`.
    """
    words: list[str] = []
    for word in words_of(name.replace(" - ", " class ")).split():
        if words and word in _KIND and word != "american":
            break
        words.append(word)
    while words and (words[-1] in _LEGAL or words[-1] == "american"):
        words.pop()
    while words and words[0] == "the":
        words.pop(0)
    return " ".join(words)


@dataclass(frozen=True)
class _Name:
    """One spelling and the companies it may be."""

    spelled: str
    tickers: tuple[str, ...]
    kind: str
    guarded: bool
    unless: re.Pattern[str] | None
    lower: bool  # printed in lower case by its owner (eBay)


class Names:
    """Names and symbols of listed companies, ready for many headlines."""

    def __init__(self, companies: pa.Table, aliases: pa.Table, ambiguous: pa.Table) -> None:
        """Take `tables.COMPANIES`, the list of aliases (ticker, alias, unless) and that of ambiguous names (name)."""
        words = {words_of(str(w)) for w in ambiguous.column("name").to_pylist()}
        listed = companies.select(["ticker", "name", "exchange", "cik", "delisted_on"]).to_pylist()
        self.symbols = {r["ticker"] for r in listed}
        self.first_word: dict[str, str] = {}
        spelled: dict[str, dict[object, list[dict[str, Any]]]] = {}
        lower: set[str] = set()
        for r in listed:
            name = r["name"] or ""
            short = surface(name)
            if not short:
                continue
            self.first_word[r["ticker"]] = short.split()[0]
            if r["exchange"] in _FOREIGN_FLOORS or _NO_SHARE.search(name) or len(short) < SHORTEST:
                continue
            spelled.setdefault(short, {}).setdefault(r["cik"] or short, []).append(r)
            if name[:1].islower():
                lower.add(short)
        names: dict[str, _Name] = {}
        for alias in aliases.to_pylist():
            phrase = words_of(alias["alias"])
            if alias["ticker"] in self.symbols and phrase:
                rule = _unless(alias["unless"])
                kept = names.get(phrase)
                tickers = tuple(dict.fromkeys((*(kept.tickers if kept else ()), alias["ticker"])))
                names[phrase] = _Name(phrase, tickers, "alias", False, rule, alias["alias"][:1].islower())
        for short, issuers in spelled.items():
            if short in names:
                continue
            tickers = tuple(sorted({min(shares, key=_share)["ticker"] for shares in issuers.values()}))
            names[short] = _Name(short, tickers, "name", short in words or len(tickers) > 1, None, short in lower)
        self.names = list(names.values())
        spellings = [(i, s) for i, n in enumerate(self.names) for s in _spellings(n.spelled)]
        self.automaton = Automaton(spellings)

    def places(self, texts: Texts) -> Hits:
        """Where names stand, printed as names are; whether a doubtful one counts is for `link` to say."""
        hits = texts.find(self.automaton)
        hits = hits.where(longest(hits))
        return hits.where(self._printed_as_names(texts, hits))

    def link(self, texts: Texts, stated: pa.Table, places: Hits | None = None) -> pa.Table:
        """Companies of each text. Columns: `LINKS`, one row per company.

        stated: row, ticker (what providers state); places: as `places` gives them.

        Of several pieces of evidence for one company the strongest stands. Ordered by row, evidence and ticker.
        """
        said: dict[int, set[str]] = {}
        for row, ticker in zip(*(stated.column(c).to_pylist() for c in ("row", "ticker")), strict=True):
            said.setdefault(row, set()).add(ticker)
        found = [*self._by_name(texts, places or self.places(texts), said), *self._by_symbol(texts, said)]
        rows, tickers, kinds, words = zip(*found, strict=True) if found else ((), (), (), ())
        named = pa.table([pa.array(rows), pa.array(tickers), pa.array(kinds), pa.array(words)], schema=LINKS)
        return ask(
            """
            WITH every AS (
                SELECT row, ticker, list_position($kinds, kind) AS place, kind, found FROM named
                UNION ALL SELECT row, ticker, len($kinds), 'stated', ticker FROM stated
            )
            SELECT row, ticker, arg_min(kind, (place, found)) AS kind, arg_min(found, (place, found)) AS found
            FROM every GROUP BY row, ticker ORDER BY row, min(place), ticker""",
            params={"kinds": list(KINDS)},
            named=named,
            stated=stated,
        ).cast(LINKS)

    def sure(self, places: Hits) -> Hits:
        """The places of names that are no other word."""
        guarded = np.array([n.guarded for n in self.names] or [True], dtype=np.bool_)
        return places.where(~guarded[places.phrase])

    def _by_name(self, texts: Texts, hits: Hits, said: dict[int, set[str]]) -> list[tuple[int, str, str, str]]:
        found: list[tuple[int, str, str, str]] = []
        words, starts = texts.words, texts.starts
        for row, phrase, start, end in zip(
            *(a.tolist() for a in (hits.row, hits.phrase, hits.start, hits.end)), strict=True
        ):
            name = self.names[phrase]
            tickers: Iterable[str] = name.tickers
            if name.guarded:
                confirmed = said.get(row, set()).intersection(name.tickers)
                spelled_out = len(name.tickers) == 1 and _LEGAL_BEHIND.match(words[end : end + _FORM_LETTERS])
                if not confirmed and not spelled_out:
                    continue
                tickers = confirmed or name.tickers
            elif len(name.tickers) > 1:
                tickers = said.get(row, set()).intersection(name.tickers) or name.tickers[:1]
            if name.unless is not None and name.unless.search(words, int(starts[row]), int(starts[row + 1])):
                continue
            found += [(row, t, name.kind, texts.printed(start, end)) for t in tickers]
        return found

    def _printed_as_names(self, texts: Texts, hits: Hits) -> Bools:
        """Names begin with a capital or a digit, unless their owner writes them otherwise."""
        first: Ints = texts.letters[hits.start].astype(np.int64)
        lower = np.array([n.lower for n in self.names], dtype=np.bool_) if self.names else np.zeros(1, dtype=np.bool_)
        return (first < 97) | lower[hits.phrase]

    def _by_symbol(self, texts: Texts, said: dict[int, set[str]]) -> list[tuple[int, str, str, str]]:
        found: list[tuple[int, str, str, str]] = []
        for kind, rule in (("cashtag", _CASHTAG), ("exchange", _EXCHANGE), ("paren", _PAREN), ("symbol", _SYMBOL)):
            matches = list(rule.finditer(texts.cased))
            at = np.array([m.start() for m in matches], dtype=np.int64)
            rows = (np.searchsorted(texts.line_starts, at, side="right") - 1).tolist()
            for match, row in zip(matches, rows, strict=True):
                ticker = re.sub("[./ ]", "-", match[1].upper())
                if ticker not in self.symbols or not self._stands(kind, ticker, row, texts, said):
                    continue
                found.append((row, ticker, kind, match[0]))
        return found

    def _stands(self, kind: str, ticker: str, row: int, texts: Texts, said: dict[int, set[str]]) -> bool:
        if kind in ("cashtag", "exchange"):
            return True
        if ticker in said.get(row, ()):
            return True
        first = self.first_word.get(ticker)
        if kind == "symbol" or first is None or len(first) < SHORTEST:
            return False
        line = texts.words[int(texts.starts[row]) : int(texts.starts[row + 1])]
        return re.search(rf"\b{re.escape(first)}", line) is not None


def companies_of(named_in: pa.ChunkedArray[Any], names: Names) -> pa.Table:
    """Companies that a column of names means. Columns: name, ticker; no row where it means none, several or a word."""
    named: Any = named_in.unique()
    nobody = pa.table({"row": pa.array([], pa.int64()), "ticker": pa.array([], pa.string())})
    links = names.link(Texts(named), nobody)
    return ask(
        """
        WITH rows AS (SELECT *, row_number() OVER () - 1 AS row FROM named)
        SELECT name, min(ticker) AS ticker FROM rows JOIN links USING (row)
        GROUP BY name HAVING count(DISTINCT ticker) = 1""",
        named=pa.table({"name": named}),
        links=links,
    )


def _share(listing: dict[str, Any]) -> tuple[bool, bool, int, str]:
    """Of one company's listings the one that stands for it: still listed, an ordinary symbol, the shorter, class A."""
    ticker: str = listing["ticker"]
    second = "class c" in (listing["name"] or "").lower() or "class b" in (listing["name"] or "").lower()
    return listing["delisted_on"] is not None, second, len(ticker), ticker


def _unless(phrases: str) -> re.Pattern[str] | None:
    """A rule for a headline in which the name means something else; phrases are parted by semicolons."""
    spelled = [re.escape(words_of(p)) for p in phrases.split(";") if words_of(p)]
    return re.compile(r"\b(?:" + "|".join(spelled) + r")\b") if spelled else None


def _spellings(name: str) -> tuple[str, ...]:
    """How a headline may print a name: as it is, as a possessive, and with `and` for `&`."""
    plain = (name, name.replace(" & ", " and ")) if " & " in name else (name,)
    return tuple(s for p in plain for s in (p, p + "s"))
