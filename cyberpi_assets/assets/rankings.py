"""Stage `rankings`: officials, tickers, sectors and parties by the timing of trades; the universe to watch."""

import dagster as dg
import duckdb
import pyarrow as pa

from cyberpi_assets import tables
from cyberpi_assets.assets.evidence import evidence_of_timing
from cyberpi_assets.assets.stored import show, stored
from cyberpi_assets.domain import rankings
from cyberpi_assets.domain.correlations import bars_spans
from cyberpi_assets.reports import charts
from cyberpi_assets.settings import Settings

_RAW = "Raw figures: patterns are not evidence of wrongdoing, and a rank is not a finding."


@stored(tables.OFFICIAL_RANKINGS, "rankings", deps=[evidence_of_timing], more=_RAW)
def official_rankings(
    context: dg.AssetExecutionContext,
    disclosed_trades: pa.Table,
    disclosure_correlations: pa.Table,
    officials: pa.Table,
    settings: dg.ResourceParam[Settings],
) -> pa.Table:
    ranked = rankings.official_rankings(disclosed_trades, disclosure_correlations, officials, settings.rankings)
    show(context, "ranking", lambda: charts.ranking_intervals(ranked), "officials with the interval of their rate")
    return ranked


@stored(tables.TICKER_RANKINGS, "rankings", more=_RAW)
def ticker_rankings(
    disclosed_trades: pa.Table,
    disclosure_correlations: pa.Table,
    companies: pa.Table,
    settings: dg.ResourceParam[Settings],
) -> pa.Table:
    return rankings.ticker_rankings(disclosed_trades, disclosure_correlations, companies, settings.rankings)


@stored(tables.SECTOR_RANKINGS, "rankings", more=_RAW)
def sector_rankings(
    disclosed_trades: pa.Table,
    disclosure_correlations: pa.Table,
    companies: pa.Table,
    settings: dg.ResourceParam[Settings],
) -> pa.Table:
    return rankings.sector_rankings(disclosed_trades, disclosure_correlations, companies, settings.rankings)


@stored(tables.PARTY_COMPARISON, "rankings", more=_RAW)
def party_comparison(
    disclosed_trades: pa.Table, disclosure_correlations: pa.Table, settings: dg.ResourceParam[Settings]
) -> pa.Table:
    return rankings.party_comparison(disclosed_trades, disclosure_correlations, settings.rankings)


@stored(tables.TOP_TRADED_TICKERS, "rankings", more="The watch universe of `cyberpi monitor`.")
def top_traded_tickers(
    disclosed_trades: pa.Table,
    companies: pa.Table,
    daily_bars: duckdb.DuckDBPyRelation,
    settings: dg.ResourceParam[Settings],
) -> pa.Table:
    spans = bars_spans(daily_bars, settings.timing.window_days)
    return rankings.top_traded_tickers(disclosed_trades, companies, spans, settings.rankings.top_tickers)


ASSETS = [official_rankings, ticker_rankings, sector_rankings, party_comparison, top_traded_tickers]
