"""Stage `highway`: threat items on their way to other platforms, and the graph and vectors made of them.

Not kept by month: what was published is a log of the whole, and a store holds all that there is.
"""

import dagster as dg
import duckdb
import pyarrow as pa

from cyberpi_assets import tables
from cyberpi_assets.assets.stored import stored
from cyberpi_assets.domain.highway.graph import of_tables
from cyberpi_assets.settings import Settings
from cyberpi_assets.storage.highway.publication import publish_due
from cyberpi_assets.storage.highway.rebuilding import rebuild_graph, rebuild_vectors
from cyberpi_assets.storage.lake import Lake


@stored(
    tables.THREAT_HIGHWAY,
    "highway",
    kinds={"redis", "deltalake"},
    talks=True,
    more="New and changed items go to Redis, where `cyberpi worker` and other platforms take them: documents under "
    "`threat:parsed:*`, ids on streams beside the lists `queue:*`. Items that Redis lost go again.",
)
def threat_highway(
    context: dg.AssetExecutionContext,
    intelligence_items: pa.Table,
    lake: dg.ResourceParam[Lake],
    settings: dg.ResourceParam[Settings],
) -> pa.Table:
    before = lake.read(tables.THREAT_HIGHWAY.name)
    log, figures = publish_due(settings, intelligence_items, before)
    context.add_output_metadata(figures)
    return log


@stored(
    tables.KNOWLEDGE_GRAPH,
    "highway",
    kinds={"kglite", "deltalake"},
    talks=True,
    more="Companies, items, vulnerabilities, vendors, incidents, officials with their trades, in a file or in Neo4j. "
    "What the lake no longer has is removed; what came by the highway alone stays.",
)
def knowledge_graph(
    companies: duckdb.DuckDBPyRelation,
    intelligence_items: duckdb.DuckDBPyRelation,
    known_exploited: pa.Table,
    vulnerabilities: pa.Table,
    incidents: pa.Table,
    officials: pa.Table,
    disclosed_trades: duckdb.DuckDBPyRelation,
    settings: dg.ResourceParam[Settings],
) -> pa.Table:
    pieces = of_tables(
        companies, intelligence_items, known_exploited, vulnerabilities, incidents, officials, disclosed_trades
    )
    return rebuild_graph(settings, pieces)


@stored(
    tables.VECTOR_INDEX,
    "highway",
    kinds={"numpy", "duckdb"},
    talks=True,
    more="One vector per threat item, in a file or in Weaviate. Lexical vectors find alike words, not alike meanings.",
)
def vector_index(intelligence_items: pa.Table, settings: dg.ResourceParam[Settings]) -> pa.Table:
    return rebuild_vectors(settings, intelligence_items)


ASSETS = [threat_highway, knowledge_graph, vector_index]
