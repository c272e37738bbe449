"""Rankings of officials, tickers and sectors, and the comparison of parties, by the timing of disclosed trades.

Here belong counts, means, amounts as intervals, and the interval of a rate. All are raw figures: what they are worth,
against chance, belongs to the evidence tables, and no rank here is a finding (METHODS, sections 3 and 8).
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from cyberpi_assets.domain.rates import wilson
from cyberpi_assets.domain.sql import ask
from cyberpi_assets.domain.timing import SUSPICIOUS
from cyberpi_assets.rules.figures import RankingRules
from cyberpi_assets.tables import (
    OFFICIAL_RANKINGS,
    PARTY_COMPARISON,
    SECTOR_RANKINGS,
    TICKER_RANKINGS,
    TOP_TRADED_TICKERS,
    Table,
)

# One row per trade that counts: superseded, deleted and repeated rows are not trades of their own. House filings before
# `house_from` are incomplete in public data, so they are scored but not ranked.
_TRADES = """
WITH counted AS (
    SELECT t.*, c.score, c.reason,
           coalesce(t.bioguide_id, 'name:' || lower(t.official)) AS person
    FROM trades t JOIN correlations c USING (trade_id)
    WHERE t.superseded_by IS NULL AND t.repeat_of IS NULL AND t.filing_status IS DISTINCT FROM 'deleted'
      AND NOT coalesce(t.chamber = 'house' AND coalesce(t.filed_on, t.transaction_date) < $house_from, false)
)
"""

# Sums and means in a fixed order: added up as threads happen to finish they differ in the last digit, and so may ranks.
_COUNTS = """
count(*) AS n_trades, count(score) AS n_scored,
count(DISTINCT (person, ticker, transaction_date)) FILTER (score IS NOT NULL) AS n_clusters,
count(*) FILTER (score >= $suspicious) AS suspicious,
avg(score ORDER BY trade_id) AS mean_score, max(score) AS max_score,
coalesce(sum(amount_low ORDER BY trade_id), 0) AS amount_low,
CASE WHEN count(amount_high) = count(*) THEN sum(amount_high ORDER BY trade_id) END AS amount_high,
count(*) - count(amount_high) AS n_open_amounts
"""


def _with_rates(data: pa.Table, shape: Table) -> pa.Table:
    k = data.column("suspicious").to_numpy()
    n = data.column("n_scored").to_numpy()
    low, high = wilson(k, n)
    rate = np.divide(k, n, out=np.full(k.size, np.nan), where=n > 0)
    for name, values in (("rate", rate), ("rate_low", low), ("rate_high", high)):
        data = data.append_column(name, pa.array(values, pa.float64(), from_pandas=True))
    return data.select(shape.names).cast(shape.schema)


def _params(rules: RankingRules) -> dict[str, object]:
    return {"house_from": rules.house_from, "suspicious": SUSPICIOUS}


def _ranked(body: str, key: str) -> str:
    """Add `meets_minimum` and `rank`: by mean score, then by number of scored trades, then by key."""
    return f"""
        SELECT *, n_scored >= $min_scored AS meets_minimum,
               CASE WHEN n_scored >= $min_scored THEN row_number() OVER (
                   PARTITION BY n_scored >= $min_scored ORDER BY mean_score DESC, n_scored DESC, {key}) END AS rank
        FROM ({body}) ORDER BY rank NULLS LAST, n_scored DESC, n_trades DESC, {key}"""


def official_rankings(trades: pa.Table, correlations: pa.Table, officials: pa.Table, rules: RankingRules) -> pa.Table:
    """Officials by mean timing score. Columns: `tables.OFFICIAL_RANKINGS`, ranked first.

    trades: `tables.DISCLOSED_TRADES`; correlations: `tables.DISCLOSURE_CORRELATIONS`; officials: `tables.OFFICIALS`.
    """
    body = f"""
        {_TRADES}
        SELECT person AS bioguide_id, coalesce(any_value(o.official), min(c.official)) AS official,
               coalesce(any_value(o.chamber), min(c.chamber)) AS chamber,
               coalesce(any_value(o.party), min(c.party)) AS party,
               coalesce(any_value(o.state), min(c.state)) AS state,
               {_COUNTS},
               count(*) FILTER (side = 'buy') AS n_buys, count(*) FILTER (side = 'sell') AS n_sells,
               count(*) FILTER (transcription = 'ocr') AS n_ocr,
               min(transaction_date) FILTER (score IS NOT NULL) AS first_trade,
               max(transaction_date) FILTER (score IS NOT NULL) AS last_trade,
               arg_max(trade_id, (score, trade_id)) FILTER (score IS NOT NULL) AS top_trade_id
        FROM counted c LEFT JOIN (SELECT bioguide_id AS id, official, chamber, party, state FROM officials) o
          ON o.id = c.person
        GROUP BY person"""
    query = f"""
        SELECT *, meets_minimum AND 2 * suspicious >= n_scored AS repeat_offender_raw
        FROM ({_ranked(body, "bioguide_id")}) ORDER BY rank NULLS LAST, n_scored DESC, n_trades DESC, bioguide_id"""
    data = ask(
        query,
        params=_params(rules) | {"min_scored": rules.min_scored},
        trades=trades,
        correlations=correlations,
        officials=officials,
    )
    return _with_rates(data, OFFICIAL_RANKINGS)


def ticker_rankings(trades: pa.Table, correlations: pa.Table, companies: pa.Table, rules: RankingRules) -> pa.Table:
    """Tickers by the mean timing score of the trades in them. Columns: `tables.TICKER_RANKINGS`."""
    body = f"""
        {_TRADES}
        SELECT c.ticker, any_value(k.name) AS name, any_value(k.sector) AS sector, {_COUNTS},
               count(DISTINCT person) AS n_officials,
               count(*) FILTER (side = 'buy') AS n_buys, count(*) FILTER (side = 'sell') AS n_sells
        FROM counted c LEFT JOIN (SELECT ticker AS symbol, name, sector FROM companies) k ON k.symbol = c.ticker
        WHERE c.ticker IS NOT NULL GROUP BY c.ticker"""
    data = ask(
        _ranked(body, "ticker"),
        params=_params(rules) | {"min_scored": rules.min_scored},
        trades=trades,
        correlations=correlations,
        companies=companies,
    )
    return _with_rates(data, TICKER_RANKINGS)


def sector_rankings(trades: pa.Table, correlations: pa.Table, companies: pa.Table, rules: RankingRules) -> pa.Table:
    """Sectors by the mean timing score of the trades in them. Columns: `tables.SECTOR_RANKINGS`."""
    body = f"""
        {_TRADES}
        SELECT coalesce(k.sector, 'unknown') AS sector, {_COUNTS},
               count(DISTINCT person) AS n_officials, count(DISTINCT c.ticker) AS n_tickers
        FROM counted c LEFT JOIN (SELECT ticker AS symbol, sector FROM companies) k ON k.symbol = c.ticker
        WHERE c.ticker IS NOT NULL GROUP BY 1"""
    data = ask(
        _ranked(body, "sector"),
        params=_params(rules) | {"min_scored": rules.min_scored},
        trades=trades,
        correlations=correlations,
        companies=companies,
    )
    return _with_rates(data, SECTOR_RANKINGS)


def party_comparison(trades: pa.Table, correlations: pa.Table, rules: RankingRules) -> pa.Table:
    """Parties within chambers on their officials' means. Columns: `tables.PARTY_COMPARISON`.

    An official counts once, with the mean over his or her scored trades: a member with 20,000 trades weighs as much as
    one with 20. An official who changed party counts with the party at the time of each trade.
    """
    body = f"""
        {_TRADES}, means AS (
            SELECT chamber, coalesce(party, 'unknown') AS party, person,
                   avg(score ORDER BY trade_id) AS mean_score
            FROM counted WHERE score IS NOT NULL GROUP BY ALL
        ), officials AS (
            SELECT chamber, party, count(*) AS n_officials,
                   avg(mean_score ORDER BY person) AS mean_of_officials,
                   stddev_samp(mean_score ORDER BY person) AS sd_of_officials
            FROM means GROUP BY ALL
        ), totals AS (
            SELECT chamber, coalesce(party, 'unknown') AS party, {_COUNTS} FROM counted GROUP BY ALL
        )
        SELECT t.*, coalesce(n_officials, 0) AS n_officials, mean_of_officials, sd_of_officials
        FROM totals t LEFT JOIN officials o USING (chamber, party) ORDER BY chamber, party"""
    data = ask(body, params=_params(rules), trades=trades, correlations=correlations)
    return _with_rates(data, PARTY_COMPARISON)


def top_traded_tickers(trades: pa.Table, companies: pa.Table, spans: pa.Table, limit: int) -> pa.Table:
    """The most traded symbols in the disclosures. Columns: `tables.TOP_TRADED_TICKERS`.

    trades: `tables.DISCLOSED_TRADES`. companies: `tables.COMPANIES`. spans: ticker, those with market data.
    Counts every disclosed trade with a symbol but superseded, deleted and repeated rows.
    """
    return ask(
        """
        WITH counted AS (
            SELECT *, coalesce(bioguide_id, 'name:' || lower(official)) AS person,
                   -- an impossible date says nothing of when the symbol was traded
                   CASE WHEN transaction_date BETWEEN DATE '2012-01-01' AND filed_on THEN transaction_date END AS day
            FROM trades
            WHERE ticker IS NOT NULL AND superseded_by IS NULL AND repeat_of IS NULL
              AND filing_status IS DISTINCT FROM 'deleted'
        ), summed AS (
            SELECT ticker, count(*) AS n_trades, count(DISTINCT person) AS n_officials,
                   count(*) FILTER (side = 'buy') AS n_buys, count(*) FILTER (side = 'sell') AS n_sells,
                   coalesce(sum(amount_low ORDER BY trade_id), 0) AS amount_low,
                   CASE WHEN count(amount_high) = count(*) THEN sum(amount_high ORDER BY trade_id) END AS amount_high,
                   min(day) AS first_trade, max(day) AS last_trade
            FROM counted GROUP BY ticker
        )
        SELECT row_number() OVER (ORDER BY n_trades DESC, n_officials DESC, s.ticker) AS rank, s.*, k.name, k.sector,
               s.ticker IN (SELECT ticker FROM spans) AS has_bars
        FROM summed s LEFT JOIN (SELECT ticker, name, sector FROM companies) k ON k.ticker = s.ticker
        ORDER BY rank LIMIT $limit""",
        shape=TOP_TRADED_TICKERS,
        params={"limit": limit},
        trades=trades,
        companies=companies,
        spans=spans,
    )
