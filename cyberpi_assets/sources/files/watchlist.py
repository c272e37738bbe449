"""Lists of watched names: a table with reasons, or symbols one a line.

Here a list becomes `watchlist_facts`. Which lists make up the universe is decided in `domain/options/watchlist.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from cyberpi_assets.sources import values as v
from cyberpi_assets.sources.files.content import csv_records, header_of
from cyberpi_assets.sources.files.people import Records
from cyberpi_assets.sources.rows import Origin, Reading, Record, RowBuffer

LISTS: Final = frozenset({"collector", "news", "user"})
LONGEST: Final = 300  # characters of a name or reason


def read_watchlist(records: Records, origin: Origin, lists: tuple[str, ...] = ()) -> Reading:
    """Rows of a list: ticker, and name, sector, reason, lists where given. A symbol that comes again is put aside.

    `lists` takes the place of what the rows say of it; a row that names none is of list `user`.
    """
    buffer, seen = RowBuffer(origin.file), dict[str, int]()
    for line, row, raw in records:
        buffer.read += 1
        if row is None:
            buffer.quarantine("watchlist", line, "row", raw, "the row has more or fewer cells than the header")
            continue
        symbol = v.spell_symbol(row.get("ticker"))
        if symbol is None:
            buffer.quarantine("watchlist", line, "ticker", row.get("ticker"), "not a ticker symbol")
            continue
        if symbol in seen:
            buffer.quarantine("watchlist", line, "ticker", symbol, f"the symbol is in row {seen[symbol]} already")
            continue
        named = [w for w in re.split(r"[\s;,|+]+", str(row.get("lists") or "").lower()) if w]
        if unknown := [w for w in named if w not in LISTS]:
            reason = f"no such list; known are {', '.join(sorted(LISTS))}"
            buffer.quarantine("watchlist", line, "lists", " ".join(unknown), reason)
            continue
        words = {p: v.stated(row.get(p)) for p in ("name", "sector", "reason")}
        if long := next((p for p, text in words.items() if text is not None and len(text) > LONGEST), None):
            buffer.quarantine("watchlist", line, long, words[long], f"longer than {LONGEST} characters")
            continue
        seen[symbol] = line
        kept = {"ticker": symbol, **words, "lists": sorted(set(lists or named or ("user",))), "source": "watchlist"}
        buffer.accept("watchlist_facts", kept, line)
    return buffer.reading()


def records_of_list(text: str) -> Iterator[tuple[int, Record | None, object]]:
    """Rows of a list by line: of CSV with a header that has `ticker`, else one symbol a line; `#` begins a remark."""
    first = next((x for x in text.splitlines() if x.strip()), "")
    if "ticker" in {n.lower() for n in header_of(first)}:
        yield from csv_records(text)
        return
    for number, printed in enumerate(text.splitlines(), start=1):
        symbol = printed.split("#", 1)[0].strip()
        if symbol:
            yield number, {"ticker": symbol}, printed
