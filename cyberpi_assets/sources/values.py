"""Single values as people and vendors print them: dates, amounts, owners, sides, symbols, asset types, markup.

Every function here is pure, takes any text and never raises; what it cannot read it says so, by None or a flag. Which
column holds which value, and what becomes of a row with an unreadable one, is decided by the readers.
"""

from __future__ import annotations

import datetime as dt
import html
import math
import re
from typing import Final, NamedTuple

NOTHING: Final = frozenset({"", "--", "-", "n/a", "na", "none", "null", "nan", "nat", "unknown", ".", "—", "–"})
LONGEST_VALUE: Final = 200  # characters of a value kept in a quarantined row

PLACEHOLDER_VOL: Final = 0.001  # an implied volatility up to this is none: Yahoo prints 0.00001, others 0

_TAG = re.compile(r"<[a-zA-Z/!][^<>]{0,2000}>")
_DETAIL = re.compile(r"<div[^<>]{0,200}text-muted[^<>]{0,200}>(.*?)(?:</div>|$)", re.IGNORECASE | re.DOTALL)
_SPACE = re.compile(r"[\s\x00-\x1f\x7f\u00a0\u200b\ud800-\udfff]+")


def clean_text(text: object) -> str | None:
    """Text without markup, entities, control characters and doubled blanks; None when nothing is left."""
    if text is None:
        return None
    plain = str(text)
    if "<" in plain:
        plain = _TAG.sub(" ", plain)
    for _ in range(3):  # text is found escaped twice over
        if "&" not in plain or (unescaped := html.unescape(plain)) == plain:
            break
        plain = _TAG.sub(" ", unescaped)
    plain = _SPACE.sub(" ", plain).strip()
    return plain or None


def stated(text: object) -> str | None:
    """Cleaned text, or None for what people print when there is nothing: `--`, N/A, null."""
    plain = clean_text(text)
    return None if plain is None or plain.lower() in NOTHING else plain


def split_detail(text: object) -> tuple[str | None, str | None]:
    """An asset's description and the small print that the Senate's pages put in a muted block behind it."""
    if text is None:
        return None, None
    raw = str(text)
    details = [d for d in (clean_text(m) for m in _DETAIL.findall(raw)) if d]
    return clean_text(_DETAIL.sub(" ", raw)), "; ".join(details) or None


def shorten(value: object) -> str | None:
    """A value for the quarantine: at most 200 characters, without control characters."""
    if value is None:
        return None
    return _SPACE.sub(" ", str(value)[: 4 * LONGEST_VALUE]).strip()[:LONGEST_VALUE]


# --------------------------------------------------------------------------------------------------------------- dates

_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ].*)?", re.DOTALL)
_US = re.compile(r"(\d{1,2})[/-](\d{1,2})[/-](\d{4}|\d{2})(?: .*)?", re.DOTALL)
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})")


def parse_date(value: object) -> dt.date | None:
    """A calendar date from YYYY-MM-DD, MM/DD/YYYY, M/D/YY or YYYYMMDD, with or without a time behind it.

    The day is taken as written, whatever time zone follows. Impossible years stay (0009-06-09); None when unreadable.
    """
    if isinstance(value, dt.datetime):
        return value.date()
    if isinstance(value, dt.date):
        return value
    text = str(value).strip() if value is not None else ""
    if not text.isascii() or len(text) > 64:
        return None
    try:
        if m := _ISO.fullmatch(text) or _COMPACT.fullmatch(text):
            return dt.date(int(m[1]), int(m[2]), int(m[3]))
        if m := _US.fullmatch(text):
            year = int(m[3])
            if len(m[3]) == 2:
                year += 2000 if year < 70 else 1900
            return dt.date(year, int(m[1]), int(m[2]))
    except ValueError:
        return None
    return None


_MONTH = re.compile(r"(\d{4})-(\d{2})")


def month_start(value: object) -> dt.date | None:
    """The first day of YYYY-MM, or the date itself where a day is given."""
    text = "" if value is None else str(value).strip()
    if m := _MONTH.fullmatch(text):
        return parse_date(f"{m[1]}-{m[2]}-01")
    return parse_date(value)


def month_end(value: object) -> dt.date | None:
    """The last day of YYYY-MM, or the date itself where a day is given."""
    text = "" if value is None else str(value).strip()
    if not _MONTH.fullmatch(text):
        return parse_date(value)
    start = month_start(text)
    if start is None or (start.year, start.month) == (9999, 12):
        return start and start.replace(day=31)
    following = start.replace(day=28) + dt.timedelta(days=4)
    return following - dt.timedelta(days=following.day)


def integer(value: object) -> int | None:
    """A whole number from text or a number; None when it is none."""
    number = decimal(value)
    return int(number) if number is not None and number == int(number) and abs(number) < 2**53 else None


def decimal(value: object) -> float | None:
    """A finite number from text (thousands separators and a dollar sign allowed) or a number; else None."""
    if value is None or isinstance(value, bool):
        return None
    try:
        number = float(value) if isinstance(value, int | float) else float(str(value).strip(" $").replace(",", ""))
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


# ------------------------------------------------------------------------------------------------------------- amounts

# The bands of the chambers' forms. A lone lower bound of a band is a band whose upper end was cut off in copying.
BAND_FLOORS: Final = frozenset({1001, 15001, 50001, 100001, 250001, 500001, 1000001, 5000001, 25000001})
CUT_OFF, MISSING, UNREADABLE = "amount_cut_off", "amount_missing", "amount_unreadable"


class Amount(NamedTuple):
    """Bounds in US dollars; `high` None when open-ended or not known; a flag where something is odd."""

    low: float | None
    high: float | None
    flag: str | None = None


_NUMBER = r"\$?\s*(\d[\d,]*(?:\.\d+)?)"
_BAND = re.compile(_NUMBER + r"\s*(?:-|–|—|to)\s*" + _NUMBER, re.IGNORECASE)
_CUT = re.compile(_NUMBER + r"\s*(?:-|–|—)\s*\$?")
_OVER = re.compile(r"(?:(?:sp(?:ouse)?\s*/\s*dc|spouse)\s+)?(?:over|more than|>)\s*" + _NUMBER, re.IGNORECASE)
_PLUS = re.compile(_NUMBER + r"\s*\+")
_UNDER = re.compile(
    r"(?:<|under|less than|up to)\s*" + _NUMBER + "|" + _NUMBER + r"\s*(?:\(?or less\)?)", re.IGNORECASE
)
_EXACT = re.compile(_NUMBER)


def parse_amount(text: object) -> Amount:
    """The bounds an amount states.

    Bands give both ends, `Over $50,000,000` a lower end, an exact figure twice itself. `$1,001 -`, or the lone lower
    end of a band, is cut off: low known, high not. Nothing printed gives the flag `amount_missing`.
    """
    plain = stated(text)
    if plain is None:
        return Amount(None, None, MISSING)
    if len(plain) > 100:
        return Amount(None, None, UNREADABLE)
    if m := _BAND.fullmatch(plain):
        low, high = _dollars(m[1]), _dollars(m[2])
        return Amount(low, high) if low <= high else Amount(None, None, UNREADABLE)
    if m := _CUT.fullmatch(plain):
        return Amount(_dollars(m[1]), None, CUT_OFF)
    if m := _OVER.fullmatch(plain) or _PLUS.fullmatch(plain):
        low = _dollars(m[1])
        return Amount(low + 1 if low % 1000 == 0 else low, None)
    if m := _UNDER.fullmatch(plain):
        return Amount(0.0, _dollars(m[1] or m[2]))
    if m := _EXACT.fullmatch(plain):
        low = _dollars(m[1])
        return Amount(low, None, CUT_OFF) if low in BAND_FLOORS else Amount(low, low)
    return Amount(None, None, UNREADABLE)


def _dollars(digits: str) -> float:
    return float(digits.replace(",", ""))


# ---------------------------------------------------------------------------------------------------- owners and sides

_OWNERS: Final = {
    "self": "self",
    "filer": "self",
    "sp": "spouse",
    "spouse": "spouse",
    "jt": "joint",
    "joint": "joint",
    "joint tenancy": "joint",
    "dc": "child",
    "child": "child",
    "dependent": "child",
    "dependent child": "child",
}
OWNER_UNREADABLE = "owner_unreadable"


def parse_owner(text: object) -> tuple[str | None, str | None]:
    """Who owns the asset (self | spouse | joint | child) and a flag; blank or `--` is the filer, not unknown."""
    plain = (clean_text(text) or "").lower()
    if plain in ("", "--"):
        return "self", None
    owner = _OWNERS.get(plain)
    return owner, None if owner else OWNER_UNREADABLE


class Side(NamedTuple):
    """buy | sell | exchange, and whether a sale was partial (None when not said)."""

    side: str
    is_partial: bool | None


_PARTIAL = re.compile(r"\bpartial\b")
_FULL = re.compile(r"\bfull\b")


def parse_side(text: object) -> Side | None:
    """The direction of a trade; None when it cannot be read."""
    plain = (clean_text(text) or "").lower().replace("_", " ")
    if not plain or len(plain) > 60:
        return None
    word = plain.split("(")[0].strip()
    if word in ("p", "purchase", "purchased", "buy", "bought"):
        return Side("buy", None)
    if word in ("e", "x", "exchange", "exchanged", "received"):  # received for something else, not bought
        return Side("exchange", None)
    if word in ("s", "sale", "sell", "sold", "sale full", "sale partial", "partial sale", "full sale"):
        if _PARTIAL.search(plain):
            return Side("sell", True)
        return Side("sell", False if _FULL.search(plain) else None)
    return None


# ------------------------------------------------------------------------------------------------------------- symbols

_SYMBOL = re.compile(r"\^?[A-Z0-9]{1,20}(?:[.\-][A-Z0-9]{1,6}){0,2}")
_PREFERRED = re.compile(r"([A-Z]{1,5})(?:\$|\^|-P-)([A-Z])?")
_CLASS = re.compile(r"([A-Z0-9]{1,5})[./ ]([A-Z])")
_LOWER_CLASS = re.compile(r"([A-Z]{2,5})[._ ]?([abk])")
TICKER_UNREADABLE = "ticker_unreadable"
TWO_TICKERS = "two_tickers"


def normalise_symbol(text: object) -> str | None:
    """A symbol in upper case, share classes with a dash (BRK.B, BRKb -> BRK-B), preferred as BAC$K -> BAC-PK.

    None when the text is not a symbol, or says that there is none (`--`, N/A).
    """
    plain = stated(text)
    return None if plain is None else spell_symbol(plain)


def spell_symbol(text: object) -> str | None:
    """As `normalise_symbol`, for lists in which every cell is a symbol: NA and NAN are then symbols too."""
    plain = clean_text(text)
    if plain is None or len(plain) > 24:
        return None
    if m := _LOWER_CLASS.fullmatch(plain):
        return f"{m[1]}-{m[2].upper()}"
    upper = plain.upper()
    if m := _PREFERRED.fullmatch(upper):
        return f"{m[1]}-P{m[2] or ''}"
    if m := _CLASS.fullmatch(upper):
        return f"{m[1]}-{m[2]}"
    return upper if _SYMBOL.fullmatch(upper) else None


class Ticker(NamedTuple):
    """The symbol, what else the cell says (both symbols of an exchange, or unreadable text), and a flag."""

    symbol: str | None
    rest: str | None = None
    flag: str | None = None


def parse_ticker(text: object) -> Ticker:
    """The symbol printed in a disclosure. Of two (an exchange) the first real one, with both kept as text."""
    plain = stated(text)
    if plain is None:
        return Ticker(None)
    symbol = normalise_symbol(plain)
    if symbol is not None and " " not in plain:
        return Ticker(symbol)
    parts = plain.replace(",", " ").replace("/", " ").split()
    symbols = [s for s in map(normalise_symbol, parts) if s is not None]
    printed_upper = all(p == p.upper() for p in parts)
    if len(parts) == 2 and printed_upper and symbols and all(p in NOTHING or normalise_symbol(p) for p in parts):
        return Ticker(symbols[0], f"symbols printed: {plain}", TWO_TICKERS if len(symbols) == 2 else None)
    if symbol is not None:
        return Ticker(symbol)
    return Ticker(None, f"symbol printed: {shorten(plain)}", TICKER_UNREADABLE)


# --------------------------------------------------------------------------------------------------------- asset types

_ASSET_TYPES: Final = {
    "stock": ("stock", "st", "adr", "common stock", "rs"),
    "option": ("option", "stock option", "op", "options"),
    "corporate_bond": ("corporate bond", "cs", "corporate_bond"),
    "municipal_security": ("municipal security", "municipal_security"),
    "government_security": ("gov security", "gs", "government security", "government_security", "treasury"),
    "fund": ("mutual fund", "mf", "ef", "et", "etf", "exchange traded fund", "etf_fund", "fund"),
    "crypto": ("cryptocurrency", "ct", "crypto"),
}
_ASSET_TYPE_OF: Final = {name: kind for kind, names in _ASSET_TYPES.items() for name in names}
_CODE = re.compile(r"\[([A-Z]{2})\]")


def parse_asset_type(text: object, asset: str | None = None) -> str | None:
    """The type in the vocabulary of `disclosure_facts`; `other` for what is named but not in it, None for nothing.

    Where the type is not given, the House's two-letter code in the asset's description ([ST]) tells it.
    """
    plain = stated(text)
    if plain is None:
        code = _CODE.search(asset) if asset else None
        return _ASSET_TYPE_OF.get(code[1].lower(), "other") if code else None
    return _ASSET_TYPE_OF.get(plain.lower(), "other")


# ------------------------------------------------------------------------------------------------ documents and places

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_DOC_ID = re.compile(r"(?:^|/)(\d{5,9})(?:\.pdf)?/?$", re.IGNORECASE)


def parse_document(text: object) -> str | None:
    """A House DocID or a Senate UUID (lower case) out of a link or an id; None when there is neither."""
    plain = clean_text(text)
    if plain is None or len(plain) > 500:
        return None
    if m := _UUID.search(plain):
        return m[0].lower()
    m = _DOC_ID.search(plain)
    return m[1] if m else None


def parse_url(text: object) -> str | None:
    """A link that a report may show: http or https, no blanks or quotes; else None."""
    plain = stated(text)
    if plain is None or len(plain) > 500 or not re.fullmatch(r"https?://[^\s\"'<>]+", plain):
        return None
    return plain


_DISTRICT = re.compile(r"([A-Z]{2})-?(\d{1,2}|AL)?", re.IGNORECASE)


def parse_district(text: object) -> tuple[str | None, int | None]:
    """State and House district from NJ05; 0 for at large; (None, None) when unreadable."""
    m = _DISTRICT.fullmatch(stated(text) or "")
    if m is None:
        return None, None
    number = m[2] and m[2].upper()
    return m[1].upper(), None if number is None else (0 if number == "AL" else int(number))
