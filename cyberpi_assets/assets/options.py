"""Stage `options`: who is watched, their quotes, option chains and volumes, and the events that excuse activity."""

import dagster as dg
import duckdb
import pyarrow as pa

from cyberpi_assets import tables
from cyberpi_assets.assets.reference import source_files
from cyberpi_assets.assets.stored import stored
from cyberpi_assets.domain.options import chains, events, snapshots, volumes
from cyberpi_assets.domain.options import watchlist as universe
from cyberpi_assets.domain.options.merging import inside_months
from cyberpi_assets.orchestration.partitions import months_of
from cyberpi_assets.settings import Settings
from cyberpi_assets.sources.intake import Sources


@stored(
    tables.WATCHLIST,
    "options",
    deps=[source_files],
    more="The lists are yours to edit; CYBERPI_UNIVERSE says which of them count.",
)
def watchlist(
    top_traded_tickers: pa.Table,
    companies: pa.Table,
    daily_bars: duckdb.DuckDBPyRelation,
    sources: dg.ResourceParam[Sources],
    settings: dg.ResourceParam[Settings],
) -> pa.Table:
    lists = sources.gather().facts("watchlist_facts")
    return universe.watchlist(lists, top_traded_tickers, companies, daily_bars, settings.universe)


@stored(
    tables.MARKET_SNAPSHOTS,
    "options",
    deps=[source_files],
    kinds={"duckdb", "deltalake"},
    more="A snapshot belongs to the last session that had opened by its moment.",
)
def market_snapshots(
    context: dg.AssetExecutionContext,
    symbol_history: pa.Table,
    sources: dg.ResourceParam[Sources],
    engine: dg.ResourceParam[duckdb.DuckDBPyConnection],
) -> pa.Table:
    months, facts = months_of(context), sources.gather().select("snapshot_facts")
    return snapshots.market_snapshots(engine, facts, symbol_history, months[0], months[-1])


@stored(
    tables.OPTION_CHAINS,
    "options",
    kinds={"duckdb", "deltalake"},
    more="Strikes are as delivered, on the split basis of their day, and so is the underlying's price.",
)
def option_chains(
    context: dg.AssetExecutionContext,
    daily_bars: duckdb.DuckDBPyRelation,
    corporate_actions: pa.Table,
    symbol_history: pa.Table,
    sources: dg.ResourceParam[Sources],
    engine: dg.ResourceParam[duckdb.DuckDBPyConnection],
) -> duckdb.DuckDBPyRelation:
    months, facts = months_of(context), sources.gather().select("chain_facts")
    return chains.option_chains(engine, facts, daily_bars, corporate_actions, symbol_history, months[0], months[-1])


@stored(
    tables.OPTION_VOLUMES,
    "options",
    more="Of several sources one is believed: calls and puts apart before a summed chain, that before a bare total.",
)
def option_volumes(
    context: dg.AssetExecutionContext,
    option_chains: duckdb.DuckDBPyRelation,
    symbol_history: pa.Table,
    sources: dg.ResourceParam[Sources],
) -> pa.Table:
    months = months_of(context)
    facts = sources.gather().facts("option_volume_facts", inside_months(months[0], months[-1]))
    return volumes.option_volumes(facts, volumes.summed_chains(option_chains), symbol_history)


@stored(
    tables.COMPANY_EVENTS,
    "options",
    deps=[source_files],
    more="Ex-dividend days come from the corporate actions; an earnings date counts from the day it was public.",
)
def company_events(
    corporate_actions: pa.Table, symbol_history: pa.Table, sources: dg.ResourceParam[Sources]
) -> pa.Table:
    return events.company_events(sources.gather().facts("company_event_facts"), corporate_actions, symbol_history)


@stored(
    tables.SOURCE_GAPS,
    "options",
    deps=[source_files],
    kinds={"python"},
    more="Read it before taking silence for calm.",
)
def source_gaps(sources: dg.ResourceParam[Sources]) -> pa.Table:
    return snapshots.source_gaps(sources.gather().facts("gap_facts"))


ASSETS = [watchlist, market_snapshots, option_chains, option_volumes, company_events, source_gaps]
