"""Disclosed trades out of disclosure facts: person, symbol, filing and flags settled, nothing dropped for being odd.

Here belongs what a disclosed transaction is (METHODS, section 7). Which of two documents stands is in `documents.py`,
who a filer is in `names.py`, what a symbol means in `tickers.py`, and which trade is scored in `correlations.py`.
"""

from __future__ import annotations

from collections.abc import Collection

import pyarrow as pa

from cyberpi_assets.domain.columns import having
from cyberpi_assets.domain.company_match import ListedNames
from cyberpi_assets.domain.names import resolve_officials
from cyberpi_assets.domain.sql import ask
from cyberpi_assets.domain.tickers import resolve_tickers
from cyberpi_assets.tables import DISCLOSED_TRADES


def disclosed_trades(
    facts: pa.Table,
    officials: pa.Table,
    terms: pa.Table,
    history: pa.Table,
    listed: pa.Table,
    first_month: str,
    last_month: str,
) -> pa.Table:
    """One row per disclosed transaction, ordered by filing and row. Columns: `tables.DISCLOSED_TRADES`.

    facts: `tables.DISCLOSURE_FACTS`, one source per document. officials: `tables.OFFICIALS`. terms:
    `tables.OFFICIAL_TERMS`. history: `tables.SYMBOL_HISTORY`. listed: `tables.COMPANY_FACTS`.
    The partition month is that of the filing, else of the notification, else of the trade, held within first..last; no
    date of the row itself is ever changed.
    """
    numbered = facts.append_column("row", pa.array(range(facts.num_rows), pa.int64()))
    people = resolve_officials(facts, officials, terms).append_column("row", numbered.column("row"))
    symbols = resolve_tickers(
        ask(
            """SELECT row, ticker_printed, ticker_current, asset, asset_type,
                      coalesce(transaction_date, filed_on) AS day FROM facts""",
            facts=numbered,
        ),
        history,
        ListedNames(listed, history),
    )
    return ask(
        """
        WITH dated AS MATERIALIZED (  -- else every row meets every term of its chamber first
            SELECT p.row, p.bioguide_id, f.chamber, coalesce(f.transaction_date, f.filed_on) AS day
            FROM people p JOIN facts f USING (row)
        ), parties AS (
            SELECT d.row, arg_max(t.party, t.starts_on) FILTER (t.party IS NOT NULL) AS party,
                   arg_max(t.state, t.starts_on) AS state
            FROM dated d JOIN terms t ON t.bioguide_id = d.bioguide_id AND t.chamber = d.chamber
            WHERE t.starts_on <= d.day
            GROUP BY d.row
        ), judged AS (
            SELECT f.*, p.bioguide_id AS person, p.evidence, s.ticker, s.ticker_evidence,
                   s.ticker_score, s.ticker_candidate, s.ticker_flag,
                   coalesce(f.party, q.party, o.party) AS party_then, coalesce(f.state, q.state, o.state) AS state_then,
                   coalesce(o.official, f.filer) AS official,
                   CASE WHEN f.document IS NOT NULL THEN f.chamber || ':' || f.document
                        ELSE f.chamber || ':undocumented:' || coalesce(p.bioguide_id, lower(f.filer)) || ':'
                             || coalesce(f.filed_on::VARCHAR, 'undated') || ':' || f.source END AS filing_id
            FROM facts f JOIN people p USING (row) JOIN symbols s USING (row)
            LEFT JOIN parties q USING (row) LEFT JOIN officials o ON o.bioguide_id = p.bioguide_id
        ), placed AS (
            SELECT *, count(*) OVER (PARTITION BY filing_id, row_in_document) AS twins,
                   row_number() OVER (PARTITION BY filing_id ORDER BY row_in_document, file, line) AS running
            FROM judged
        ), keyed AS (
            SELECT *, CASE WHEN max(twins) OVER (PARTITION BY filing_id) > 1 THEN running ELSE row_in_document END AS n
            FROM placed
        )
        SELECT filing_id || '#' || n AS trade_id, filing_id, n AS row_in_filing, person AS bioguide_id, official,
               evidence AS official_evidence, chamber, party_then AS party, state_then AS state, owner, ticker,
               ticker_printed, ticker_evidence, ticker_score, ticker_candidate, asset, asset_type, side, is_partial,
               transaction_date, notification_date, filed_on, amount_low, amount_high, description, filing_status,
               CASE WHEN is_superseded THEN coalesce('amendment ' || (amendment_no + 1), 'unknown amendment') END
                   AS superseded_by,
               NULL::DATE AS superseded_on, NULL::VARCHAR AS superseded_reason,
               repeat_of, transcription, nullif(concat_ws(',', flags, ticker_flag), '') AS flags, url,
               source, file, line,
               least(greatest(strftime(coalesce(filed_on, notification_date, transaction_date,
                                                ($first || '-01')::DATE), '%Y-%m'), $first), $last) AS month
        FROM keyed ORDER BY month, filing_id, n""",
        shape=DISCLOSED_TRADES,
        params={"first": first_month, "last": last_month},
        facts=numbered,
        people=people,
        symbols=symbols,
        terms=terms,
        officials=officials,
    )


def of_months(trades: pa.Table, months: Collection[str]) -> pa.Table:
    """The trades filed in some months (YYYY-MM)."""
    return having(trades, "month", months)
