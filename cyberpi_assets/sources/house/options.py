"""Option terms out of free text: right, strike, expiry, contracts, and whether the option was exercised.

Here belongs what filers write into an asset's name or description (`Purchased 50 call options with a strike price of
$150 and an expiration date of 1/16/26.`, `CALL INVESCO QQQ SER 1 $450 EXP 09/19/25`). What is not written stays None;
a word that only looks like a term (a capital call, a bond that is callable, a stock split) gives none.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Final, NamedTuple

LONGEST: Final = 4_000  # characters of free text that are looked at


class OptionTerms(NamedTuple):
    """What the text says; None where it does not. `strike` in US dollars."""

    right: str | None
    strike: float | None
    expiry: dt.date | None
    contracts: int | None
    exercised: bool


_RIGHT = re.compile(
    r"\b(?P<right>calls?|puts?)\b(?=[\s-]*(?:options?|contracts?|spreads?|strike|expir|exp\b|@|at\b|\$|[\d;,.)]|$))"
    r"|(?:options?|contracts?)\s*[-:,(]*\s*(?P<after>calls?|puts?)\b"
    r"|^\W*(?P<first>call|put)\b(?=.{0,80}\bexp)"
    r"|\b(?:bought|sold|purchased|exercised|wrote|written|long|short|covered)\s+(?:\d[\d,]*\s+)?(?P<done>calls?|puts?)\b",
    re.IGNORECASE,
)
_NOT_AN_OPTION = re.compile(
    r"\b(?:capital|margin|conference|make[\s-]*whole)\s+calls?\b|\bcalls?\s+(?:make|for|by)\b", re.I
)
_MONEY = r"\$?\s*(\d[\d,]*(?:\.\d+)?)"
_STRIKES: Final = (
    re.compile(rf"strikes?(?:\s+prices?)?(?:\s*(?:of|at|is|was|[:=@-]))*\s*{_MONEY}", re.IGNORECASE),
    re.compile(rf"{_MONEY}\s*-?\s*strike", re.IGNORECASE),
    re.compile(rf"\bat\s+the\s+{_MONEY}\b(?=.{{0,20}}\bstrike)", re.IGNORECASE),
    re.compile(r"\$\s*(\d[\d,]*(?:\.\d+)?)\s*,?\s*(?:exp|calls?\b|puts?\b|[CP]\b)", re.IGNORECASE),
    re.compile(r"\b(?:calls?|puts?)\s*(?:@|at)?\s*\$\s*(\d[\d,]*(?:\.\d+)?)", re.IGNORECASE),
)
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NAMED = rf"(?:{'|'.join(_MONTHS)})[a-z]*"
_DAY = (
    r"(?P<us>\d{1,2}[/-]\d{1,2}[/-](?:\d{4}|\d{2}))"
    r"|(?P<iso>\d{4}-\d{1,2}-\d{1,2})"
    rf"|(?P<m1>{_NAMED})\.?\s*(?P<d1>\d{{1,2}})(?:st|nd|rd|th)?\s*,?\s*'?(?P<y1>\d{{4}}|\d{{2}})\b"
    rf"|(?P<d2>\d{{1,2}})(?:st|nd|rd|th)?[\s-]*(?P<m2>{_NAMED})\.?[\s,-]*'?(?P<y2>\d{{4}}|\d{{2}})\b"
)
_EXPIRIES: Final = (
    re.compile(rf"\bexp(?:\.|ir\w*|iry)?(?:\s+date)?(?:\s*(?:of|on|is|was|:|=|\.|,|-))*\s*(?:{_DAY})", re.IGNORECASE),
    re.compile(rf"(?:{_DAY})\s+(?:expir\w*|calls?\b|puts?\b)", re.IGNORECASE),
    re.compile(rf"\b(?:calls?|puts?)\b[^;]{{0,40}}?(?:{_DAY})", re.IGNORECASE),
)
_WORDS: Final = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "twelve", "twenty")
_NUMBER_OF: Final[dict[str, int]] = dict(zip(_WORDS, (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 20), strict=True))
_COUNTS: Final = (
    re.compile(rf"\b(\d[\d,]*|{'|'.join(_WORDS)})\s+(?:\w+\s+)?(?:call|put)s?(?:\s+(?:options?|contracts?))?\b", re.I),
    re.compile(rf"\b(\d[\d,]*|{'|'.join(_WORDS)})\s+(?:options?\s+)?contracts?\b", re.IGNORECASE),
    re.compile(r"\bcontracts?\s*[:=]\s*(\d[\d,]*)\b", re.IGNORECASE),
)
_OCC = re.compile(r"\b[A-Z]{1,6}\s?(\d{2})(\d{2})(\d{2})([CP])(\d{8})\b")
_EXERCISED = re.compile(r"\bexercis(?:e|ed|ing)\b", re.IGNORECASE)


def option_terms(text: str | None, *, is_option: bool = False) -> OptionTerms | None:
    """The terms that free text states, or None when it speaks of no option.

    `is_option` is what the form itself says ([OP]): then any term found counts; otherwise a right and a strike or an
    expiry must both be written. Dates with two digits of a year are in this century.
    """
    if not text:
        return None
    text = " ".join(text[:LONGEST].split())
    if m := _OCC.search(text):
        day = _day(2000 + int(m[1]), int(m[2]), int(m[3]))
        return OptionTerms(
            "call" if m[4] == "C" else "put", int(m[5]) / 1000, day, _count(text), bool(_EXERCISED.search(text))
        )
    plain = _NOT_AN_OPTION.sub(" ", text)
    right = _right(plain)
    strike = next((s for p in _STRIKES if (s := _number(p.search(plain))) is not None), None)
    expiry = next((d for p in _EXPIRIES if (d := _date(p.search(plain))) is not None), None)
    if is_option:
        if right is None and strike is None and expiry is None:
            return None
    elif right is None or (strike is None and expiry is None):
        return None
    return OptionTerms(right, strike, expiry, _count(plain), bool(_EXERCISED.search(plain)))


def _right(text: str) -> str | None:
    rights = {next(g for g in m.groups() if g)[0].lower() for m in _RIGHT.finditer(text)}
    if len(rights) != 1:
        return None  # none, or both: a spread is neither
    return "call" if rights == {"c"} else "put"


def _number(m: re.Match[str] | None) -> float | None:
    if m is None:
        return None
    try:
        return float(m[1].replace(",", ""))
    except ValueError:
        return None


def _count(text: str) -> int | None:
    for pattern in _COUNTS:
        if m := pattern.search(text):
            said = m[1].lower().replace(",", "")
            number = _NUMBER_OF.get(said) or (
                int(said) if said.isascii() and said.isdigit() and len(said) < 10 else None
            )
            if number:
                return number
    return None


def _date(m: re.Match[str] | None) -> dt.date | None:
    if m is None:
        return None
    if m["us"]:
        month, day, year = (int(p) for p in re.split(r"[/-]", m["us"]))
        return _day(year if year > 99 else 2000 + year, month, day)
    if m["iso"]:
        year, month, day = (int(p) for p in m["iso"].split("-"))
        return _day(year, month, day)
    name, day, year = (m["m1"], m["d1"], m["y1"]) if m["m1"] else (m["m2"], m["d2"], m["y2"])
    return _day(int(year) if len(year) == 4 else 2000 + int(year), _MONTHS.index(name[:3].lower()) + 1, int(day))


def _day(year: int, month: int, day: int) -> dt.date | None:
    try:
        return dt.date(year, month, day)
    except ValueError:
        return None
