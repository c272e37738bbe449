"""Scheduled events that move options without anything being wrong.

Here belongs their union: earnings as sources state them, ex-dividend days as corporate actions have them. What an event
excuses is judged where threats are scored.
"""

from __future__ import annotations

import pyarrow as pa

from cyberpi_assets.domain.sql import ask
from cyberpi_assets.domain.symbols import resolve_symbols
from cyberpi_assets.tables import COMPANY_EVENTS


def company_events(facts: pa.Table, actions: pa.Table, history: pa.Table) -> pa.Table:
    """One row per underlying, day and event. Columns: `tables.COMPANY_EVENTS`, ordered by ticker, day and event.

    facts: `tables.COMPANY_EVENT_FACTS`. actions: `tables.CORPORATE_ACTIONS`, of which dividends become ex-dividend
    days; when these became public is not known. history: `tables.SYMBOL_HISTORY`. Of several statements the one that
    was public first stands, with the amount of whichever states one.
    """
    printed = ask(
        "SELECT row_number() OVER () AS row, * FROM (SELECT DISTINCT ticker AS ticker_printed, "
        "CAST(NULL AS VARCHAR) AS ticker_current, event_on AS day FROM facts)",
        facts=facts,
    )
    return ask(
        """
        WITH said AS (
            SELECT coalesce(n.ticker, f.ticker) AS ticker, f.event_on, f.event, f.known_from, f.amount, f.source
            FROM facts f LEFT JOIN printed p ON p.ticker_printed = f.ticker AND p.day = f.event_on
            LEFT JOIN symbols n ON n.row = p.row
            UNION ALL
            SELECT ticker, session, 'ex_dividend', NULL, value, source FROM actions
            WHERE action = 'dividend' AND value > 0
        )
        SELECT ticker, event_on, event, min(known_from) AS known_from,
               arg_min(amount, (known_from IS NULL, known_from, source)) FILTER (amount IS NOT NULL) AS amount,
               arg_min(source, (known_from IS NULL, known_from, source)) AS source
        FROM said GROUP BY ticker, event_on, event ORDER BY ticker, event_on, event""",
        shape=COMPANY_EVENTS,
        facts=facts,
        actions=actions,
        printed=printed,
        symbols=resolve_symbols(printed, history),
    )
