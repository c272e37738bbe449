"""The universe: which underlyings are watched, and why.

Here belongs how a person's lists and the officials' most traded symbols become one. Reading a list's file belongs to
`sources/`.
"""

from __future__ import annotations

import pyarrow as pa

from cyberpi_assets.domain.sql import Frame, ask, only
from cyberpi_assets.tables import WATCHLIST

UNIVERSES = ("watchlist", "top_traded", "both", "file")
FILE_LIST = "file"  # the list of rows that come from the file a person named for universe `file`


def watchlist(facts: pa.Table, top: pa.Table, companies: pa.Table, bars: Frame, universe: str) -> pa.Table:
    """One row per underlying of the universe. Columns: `tables.WATCHLIST`, ordered by ticker.

    facts: `tables.WATCHLIST_FACTS`. top: `tables.TOP_TRADED_TICKERS`. companies: `tables.COMPANIES`. bars: ticker,
    more. universe: `watchlist` (all lists but the named file), `top_traded`, `both` of these, or `file` (the named file
    alone). Where two rows name a symbol, the one first in file and line gives name, sector and reason, and all lists
    count. Raises ValueError for another universe.
    """
    if universe not in UNIVERSES:
        raise ValueError(f"universe {universe!r} is none of {', '.join(UNIVERSES)}")
    return ask(
        """
        WITH wanted AS (
            SELECT ticker, name, sector, reason, coalesce(lists, ['user']) AS lists, 0 AS place, file, line FROM facts
            WHERE CASE WHEN $universe = 'file' THEN list_contains(lists, $file)
                       ELSE $universe IN ('watchlist', 'both') AND NOT coalesce(list_contains(lists, $file), false) END
            UNION ALL
            SELECT ticker, name, sector, 'among the most traded by officials: rank ' || rank, ['top_traded'], 1, '',
                   rank
            FROM top WHERE $universe IN ('top_traded', 'both')
        ), merged AS (
            SELECT ticker, arg_min(name, (place, file, line)) FILTER (name IS NOT NULL) AS name,
                   arg_min(sector, (place, file, line)) FILTER (sector IS NOT NULL) AS sector,
                   arg_min(reason, (place, file, line)) FILTER (reason IS NOT NULL) AS reason,
                   list_sort(list_distinct(flatten(list(lists)))) AS lists
            FROM wanted GROUP BY ticker
        )
        SELECT m.ticker, coalesce(m.name, c.name) AS name, coalesce(m.sector, c.sector) AS sector, m.reason, m.lists,
               m.ticker IN (SELECT ticker FROM listed) AS has_bars
        FROM merged m LEFT JOIN (SELECT ticker AS t, name, sector FROM companies) c ON c.t = m.ticker
        ORDER BY m.ticker""",
        shape=WATCHLIST,
        params={"universe": universe, "file": FILE_LIST},
        facts=facts,
        top=top,
        companies=companies,
        listed=ask("SELECT DISTINCT ticker FROM bars", bars=only(bars, "ticker")),
    )
