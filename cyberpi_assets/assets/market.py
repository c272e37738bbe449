"""Stage `market`: daily bars on one split basis, and the corporate actions that explain them."""

import dagster as dg
import duckdb
import pyarrow as pa

from cyberpi_assets import tables
from cyberpi_assets.assets.reference import source_files
from cyberpi_assets.assets.stored import stored
from cyberpi_assets.domain import bars
from cyberpi_assets.orchestration.partitions import months_of
from cyberpi_assets.sources.intake import Sources


@stored(
    tables.CORPORATE_ACTIONS,
    "market",
    deps=[source_files],
    more="A move over 40 % that no split here explains is marked suspect.",
)
def corporate_actions(sources: dg.ResourceParam[Sources]) -> pa.Table:
    return bars.corporate_actions(sources.gather().facts("action_facts"))


@stored(
    tables.DAILY_BARS,
    "market",
    kinds={"duckdb", "deltalake"},
    more="Only sessions of the New York Stock Exchange. Bars that did not stand are in quarantined_rows.",
)
def daily_bars(
    context: dg.AssetExecutionContext,
    corporate_actions: pa.Table,
    sources: dg.ResourceParam[Sources],
    engine: dg.ResourceParam[duckdb.DuckDBPyConnection],
) -> duckdb.DuckDBPyRelation:
    months = months_of(context)
    return bars.daily_bars(engine, sources.gather().select("bar_facts"), corporate_actions, months[0], months[-1])


ASSETS = [corporate_actions, daily_bars]
