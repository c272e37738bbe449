"""Stage `disclosures`: what officials disclosed, row by row, and every row of any source that was put aside."""

import dagster as dg
import duckdb
import pyarrow as pa

from cyberpi_assets import tables
from cyberpi_assets.assets.market import daily_bars
from cyberpi_assets.assets.reference import source_files
from cyberpi_assets.assets.stored import stored
from cyberpi_assets.domain import disclosures, quarantine
from cyberpi_assets.domain.documents import choose_documents
from cyberpi_assets.orchestration.partitions import MONTHS, months_of
from cyberpi_assets.sources.intake import Sources


@stored(
    tables.DISCLOSED_TRADES,
    "disclosures",
    more="By month of filing. Late filings keep their early trade dates; odd rows are flagged, never dropped. "
    "5 U.S.C. 13107(c) restricts commercial use of the chambers' reports.",
)
def disclosed_trades(
    context: dg.AssetExecutionContext,
    officials: pa.Table,
    official_terms: pa.Table,
    symbol_history: pa.Table,
    sources: dg.ResourceParam[Sources],
) -> pa.Table:
    kept, _ = choose_documents(sources.gather().facts("disclosure_facts"))
    every = MONTHS.get_partition_keys()
    trades = disclosures.disclosed_trades(kept, officials, official_terms, symbol_history, every[0], every[-1])
    return disclosures.of_months(trades, months_of(context))


@stored(
    tables.QUARANTINED_ROWS,
    "disclosures",
    deps=[source_files, daily_bars, disclosed_trades],
    more="Rows read are rows accepted plus rows here; nothing disappears between a file and a table.",
)
def quarantined_rows(
    sources: dg.ResourceParam[Sources], engine: dg.ResourceParam[duckdb.DuckDBPyConnection]
) -> pa.Table:
    every = MONTHS.get_partition_keys()
    return quarantine.rows_put_aside(engine, sources.gather(), every[0], every[-1])


ASSETS = [disclosed_trades, quarantined_rows]
