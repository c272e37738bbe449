"""Option volume of a day: one row per underlying and session, from the source that knows most of it.

Here belongs the order in which sources are believed, and when a chain may be summed. Averages of these volumes belong
to the flow.
"""

from __future__ import annotations

import pyarrow as pa

from cyberpi_assets.domain.calendar import hours, sessions
from cyberpi_assets.domain.sql import Frame, ask, only
from cyberpi_assets.domain.symbols import resolve_symbols
from cyberpi_assets.tables import OPTION_VOLUMES

CHAIN = "chain"
LEAST_EXPIRIES = 3  # a chain of fewer is a part of a chain
BEFORE_CLOSE_MINUTES = 15  # an earlier snapshot has not seen the day's volume

_COLUMNS = (
    "ticker", "snapshot_at", "session", "source", "underlying_price", "expiry", "right", "volume", "open_interest",
)  # fmt: skip


def summed_chains(chains: Frame) -> pa.Table:
    """Volumes of the last whole chain of each underlying and session. chains: `tables.OPTION_CHAINS`.

    Columns: ticker, session, call_volume, put_volume, call_open_interest, put_open_interest, contracts,
    underlying_price. A chain counts when it has at least 3 expiries and was taken in the last quarter of an hour of the
    session or later; a side whose volumes are all unknown has none. Of several sources the one with more contracts of
    known volume counts, then the name that sorts first.
    """
    calendar = pa.table(
        {
            "day": pa.array(sessions(), pa.int32()).cast(pa.date32()),
            "closes": pa.array(hours()[1], pa.int64()).cast(pa.timestamp("us", tz="UTC")),
        }
    )
    return ask(
        """
        WITH summed AS (
            SELECT ticker, session, snapshot_at, source, max(underlying_price) AS underlying_price,
                   sum(volume) FILTER ("right" = 'call')::BIGINT AS call_volume,
                   sum(volume) FILTER ("right" = 'put')::BIGINT AS put_volume,
                   sum(open_interest) FILTER ("right" = 'call')::BIGINT AS call_open_interest,
                   sum(open_interest) FILTER ("right" = 'put')::BIGINT AS put_open_interest,
                   count(*) AS contracts, count(volume) AS known, count(DISTINCT expiry) AS expiries
            FROM chains GROUP BY ALL
        )
        SELECT s.* EXCLUDE (snapshot_at, source, known, expiries)
        FROM summed s JOIN calendar c ON c.day = s.session
        WHERE expiries >= $expiries AND known > 0 AND snapshot_at >= c.closes - to_minutes($minutes)
        QUALIFY row_number() OVER (PARTITION BY ticker, session ORDER BY known DESC, snapshot_at DESC, source) = 1
        ORDER BY ticker, session""",
        params={"expiries": LEAST_EXPIRIES, "minutes": BEFORE_CLOSE_MINUTES},
        chains=only(chains, *(f'"{c}"' if not isinstance(chains, pa.Table) else c for c in _COLUMNS)),
        calendar=calendar,
    )


def option_volumes(facts: pa.Table, summed: pa.Table, history: pa.Table) -> pa.Table:
    """One row per underlying and session. Columns: `tables.OPTION_VOLUMES`, ordered by month, ticker and session.

    facts: `tables.OPTION_VOLUME_FACTS`. summed: as `summed_chains` gives it. history: `tables.SYMBOL_HISTORY`.
    Believed in this order: a provider's calls and puts apart, the last chain summed here, a provider's total alone;
    within each the fullest row, then the source's and the file's name. A row is of one source, never mixed.
    """
    printed = ask(
        "SELECT row_number() OVER () AS row, * FROM (SELECT DISTINCT ticker AS ticker_printed, "
        "CAST(NULL AS VARCHAR) AS ticker_current, session AS day FROM facts)",
        facts=facts,
    )
    return ask(
        f"""
        WITH named AS (
            SELECT f.* REPLACE (coalesce(n.ticker, f.ticker) AS ticker)
            FROM facts f LEFT JOIN printed p ON p.ticker_printed = f.ticker AND p.day = f.session
            LEFT JOIN symbols n ON n.row = p.row
        ), every AS (
            SELECT * EXCLUDE (file, line), file, line,
                   CASE WHEN call_volume IS NOT NULL AND put_volume IS NOT NULL THEN 0 ELSE 2 END AS place FROM named
            UNION ALL BY NAME
            SELECT *, '{CHAIN}' AS source, '' AS file, 0 AS line, 1 AS place FROM summed
        )
        SELECT * REPLACE (coalesce(total_volume, call_volume + put_volume) AS total_volume),
               strftime(session, '%Y-%m') AS month
        FROM every
        QUALIFY row_number() OVER (PARTITION BY ticker, session
                                   ORDER BY place, total_volume IS NULL AND call_volume IS NULL, iv30 IS NULL,
                                            source, file, line) = 1
        ORDER BY month, ticker, session""",
        shape=OPTION_VOLUMES,
        facts=facts,
        summed=summed,
        printed=printed,
        symbols=resolve_symbols(printed, history),
    )
