"""Names of companies: what is left of one for comparison, and what else an asset's text says.

Here belongs reading a text such as `ALPHABET INC-CL C CMN` or `Bank of America Corp 6 % Preferred Stock`. Which listed
company a name belongs to is decided in `company_match.py`; names of people are in `names.py`.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

LONGEST: Final = 400  # characters of an asset's text that are looked at

_BREAKS = re.compile(  # what follows is no longer the name
    r"\b(?:option type|rate/coupon|strike(?: price)?\b|expires?\b|exp(?:iration)? date|company:|description:|note:|"
    r"matures?\b|maturity|location:|type:|subholding of)|\$\s?\d|\bdue \d",
    re.IGNORECASE,
)
_EXCHANGE = re.compile(r"(?<=\w)[\s.,;-]+(?:nasdaq|nyse)(?:\s*(?:arca|gs|gm|cm))?\s*$", re.IGNORECASE)
_STATE = re.compile(r"\s*/[a-z]{2,3}/?\s*$|/new/?|/adr/?", re.IGNORECASE)  # the SEC's "/DE/"
_BRACKETS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
_APOSTROPHES = re.compile(r"['\u2018\u2019`\u00b4]")
_CLASS = re.compile(
    r"\b(?:cl(?:ass)?|ser(?:ies)?)[\s.-]{0,2}([a-z])\b|\b([a-c]) (?:shares?|shs|ordinary)\b", re.IGNORECASE
)
_WORDS = re.compile(r"[a-z0-9]+")
_MC = re.compile(r"\bmc (?=[a-z])")
_ADR = re.compile(
    r"\bad[rs]s?\b|american deposit[ao]ry|\bspon(?:sored|s)?\b|\bunspon(?:sored)?\b|\bspd\b", re.IGNORECASE
)
_RECEIPT = re.compile(
    r"\b(?:american|global) deposit[ao]ry (?:shares?|receipts?|rec)?|\bcapital stock\b|\blimited partner\b"
)
_COMMON = re.compile(
    r"\bcommon (?:stock|shares?|units?)|\bordinary shares?|\bcapital stock|\bamerican deposit[ao]ry|\bclass [a-c]\b",
    re.IGNORECASE,
)
# the noise of forms read as text: what stands around it cannot be told apart from the asset
_FORM = re.compile(
    r"filing status|transaction (?:date|type)|notification (?:date|amount)|state/district|owner asset|gfedc|"
    r"subholding of|cap\. ?gains|digitally signed",
    re.IGNORECASE,
)
# neither a share nor something that follows one
_OTHER = re.compile(
    r"\b(?:preferred|pfds?|perp(?:etual)?|hybrid|warrants?|wts?|rights?|notes?|bonds?|debentures?|debt|senior|muni\w*|"
    r"treas(?:ury)?|oblig\w*|coupon|linked to|structured|buffered|callable|etfs?|etns?|funds?|fd|index|idx|ishares|"
    r"spdr|proshares|vanguard|powershares|wisdomtree|direxion|portfolio|money market|sweep|deposits?|certificates?|"
    r"annuity|529|ira|escrow|commodit\w*|futures?|bitcoin|crypto\w*|private|partnership interest|family trust|"
    r"revocable|exchange[- ]traded|depositary shares, each|closed[- ]end|go bds?|rev(?:enue)? bds?|indpt|"
    r"sch(?:ool)? dist|auth(?:ority)?)\b|"
    r"(?<!common )\bunits?\b|\bsubord(?!inate voting)|\b401|\d\s?%|\d{1,2}/\d{1,2}/\d{2,4}|1/\d{2,5}th",
    re.IGNORECASE,
)

# what a company's legal form, a share's kind and a broker's list add to a name
_FORMS: Final = frozenset(
    str.split(
        "inc incorporated corp corporation co company cos companies ltd limited plc sa nv ag se lp llc llp spa ab asa "
        "oyj kk kgaa as the common stock stocks share shares shs ordinary ord com cmn npv registered reg adr ads adrs "
        "adss sponsored spon unsponsored spons each representing stk de reit bearer beneficial interest interests sbi "
        "voting subordinate units unit new"
    )
)
_CUT: Final = ("incorporated", "corporation", "company", "limited")  # texts that end in the middle of a word
_SPELLED: Final[dict[str, str]] = {
    "hldgs": "holdings", "hldg": "holdings", "holding": "holdings", "hlds": "holdings", "grp": "group",
    "intl": "international", "internatl": "international", "int": "international", "natl": "national",
    "amer": "america", "finl": "financial", "fin": "financial", "fincl": "financial", "svcs": "services",
    "svc": "services", "serv": "services", "tech": "technologies", "technology": "technologies",
    "techs": "technologies", "technol": "technologies", "pharma": "pharmaceuticals", "pharm": "pharmaceuticals",
    "pharmaceutical": "pharmaceuticals", "mfg": "manufacturing", "mtrs": "motors", "mtr": "motors",
    "machs": "machines", "bk": "bank", "bancorporation": "bancorp", "ins": "insurance", "assn": "association",
    "labs": "laboratories", "lab": "laboratories", "sys": "systems", "system": "systems", "comm": "communications",
    "communication": "communications", "commun": "communications", "res": "resources", "resource": "resources",
    "pptys": "properties", "ppty": "properties", "property": "properties", "prods": "products", "prod": "products",
    "product": "products", "inds": "industries", "indus": "industries", "rlty": "realty", "tr": "trust",
    "ent": "entertainment", "entmt": "entertainment", "elec": "electric", "pete": "petroleum", "petro": "petroleum",
    "solution": "solutions", "sols": "solutions", "soln": "solutions", "worldwde": "worldwide", "gen": "general",
    "mgmt": "management", "mgt": "management", "partner": "partners", "ptnrs": "partners", "prtnrs": "partners",
    "inv": "investment", "invt": "investment", "therapeutic": "therapeutics", "brand": "brands",
    "platform": "platforms", "material": "materials", "and": "",
}  # fmt: skip


@dataclass(frozen=True)
class AssetName:
    """What an asset's text says. `core` is the name for comparison, empty where there is none to compare."""

    core: str
    share_class: str | None
    depositary: bool
    common: bool  # the text says that it is a share that owns the company
    other: bool  # a fund, bond, preferred share, warrant: not the company's common share


@lru_cache(maxsize=262_144)
def read_asset(text: str) -> AssetName:
    """Read an asset's text or a list's company name; never raises.

    `Alphabet Inc. - Class C (GOOG) [ST]` -> core `alphabet`, class `c`.
    """
    text = text[:LONGEST]
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text.replace("\u2192", "(")).encode("ascii", "ignore").decode()[:LONGEST]
    form = _FORM.search(text) is not None
    if broken := _BREAKS.search(text):
        text = text[: broken.start()]
    other = form or _OTHER.search(text) is not None
    depositary = _ADR.search(text) is not None
    common = _COMMON.search(text) is not None
    classes = {(m[1] or m[2]).lower() for m in _CLASS.finditer(text)}
    text = _BRACKETS.sub(" ", _CLASS.sub(" ", text))
    text = _STATE.sub(" ", _EXCHANGE.sub(" ", text))
    text = (
        _APOSTROPHES.sub("", text.lower())
        .replace(".com", "com")
        .replace("&", " and ")
        .replace("public limited", "limited")
        .replace("no par value", "")
    )
    text = _RECEIPT.sub(" ", text)
    words = _joined(_WORDS.findall(text.replace(".", "") if _initialled(text) else text))
    words = [s for w in words if (s := _SPELLED.get(w, w)) and w not in _FORMS]
    while len(words) > 1 and len(words[-1]) >= 4 and any(f.startswith(words[-1]) for f in _CUT):
        words.pop()
    share_class = next(iter(classes)) if len(classes) == 1 else None
    return AssetName(" ".join(words)[:LONGEST], share_class, depositary, common, other)  # "&" has become longer


def _initialled(text: str) -> bool:
    """Whether dots stand inside initials only: `J.P. Morgan`, `U.S. Bancorp`."""
    return re.search(r"\b[a-z]\.[a-z]\b", text) is not None


def _joined(words: list[str]) -> list[str]:
    """Initials as one word: `j p morgan` -> `jp morgan`, `a o smith` -> `ao smith`."""
    out: list[str] = []
    run = ""
    for word in words:
        if len(word) == 1 and word.isalpha():
            run += word
            continue
        if run:
            out.append(run)
            run = ""
        out.append(word)
    words = [*out, run] if run else out
    return _MC.sub("mc", " ".join(words)).split() if "mc" in words else words
