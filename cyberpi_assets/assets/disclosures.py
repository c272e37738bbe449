"""Stage `disclosures`: what officials disclosed, row by row, and every row of any source that was put aside."""

import dagster as dg
import duckdb
import pyarrow as pa

from cyberpi_assets import tables
from cyberpi_assets.assets.market import daily_bars
from cyberpi_assets.assets.options import market_snapshots, option_chains
from cyberpi_assets.assets.reference import source_files
from cyberpi_assets.assets.stored import stored
from cyberpi_assets.domain import disclosures, ocr, quarantine, timeliness
from cyberpi_assets.domain.amendments import standing_rows, superseded
from cyberpi_assets.domain.filings import filing_coverage as coverage_of
from cyberpi_assets.domain.filings import filings as ledger_of
from cyberpi_assets.orchestration.partitions import MONTHS, months_of, reading_back
from cyberpi_assets.reports.coverage import coverage_table
from cyberpi_assets.settings import Settings
from cyberpi_assets.sources.intake import Sources
from cyberpi_assets.storage.lake import Lake


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
    settings: dg.ResourceParam[Settings],
) -> pa.Table:
    facts, every = sources.gather(), MONTHS.get_partition_keys()
    index = facts.facts("filing_facts")
    kept, _ = standing_rows(facts.facts("disclosure_facts"), index)
    scans = facts.facts("ocr_row_facts"), facts.facts("ocr_document_facts")
    kept = ocr.with_admitted(kept, *scans, index, settings.ocr)
    listed = facts.facts("company_facts")
    trades = disclosures.disclosed_trades(kept, officials, official_terms, symbol_history, listed, every[0], every[-1])
    return disclosures.of_months(superseded(trades, facts.facts("document_facts")), months_of(context))


@stored(
    tables.FILINGS,
    "disclosures",
    ins={"disclosed_trades": reading_back()},
    more="Unreadable is not empty: a scan is `scanned`, and a filing that was once seen keeps its line.",
)
def filings(
    context: dg.AssetExecutionContext,
    disclosed_trades: pa.Table,
    officials: pa.Table,
    official_terms: pa.Table,
    sources: dg.ResourceParam[Sources],
    lake: dg.ResourceParam[Lake],
) -> pa.Table:
    facts, every = sources.gather(), MONTHS.get_partition_keys()
    ledger = ledger_of(
        facts.facts("filing_facts"),
        facts.facts("document_facts"),
        disclosed_trades,
        facts.files(),
        lake.read("filings"),
        officials,
        official_terms,
        every[0],
        every[-1],
        scans=facts.facts("ocr_document_facts"),
        gaps=facts.facts("gap_facts"),
    )
    return disclosures.of_months(ledger, months_of(context))


@stored(
    tables.FILING_COVERAGE,
    "disclosures",
    more="What share of the official record the house has read, and knows it has.",
)
def filing_coverage(context: dg.AssetExecutionContext, filings: pa.Table) -> pa.Table:
    coverage = coverage_of(filings)
    context.add_output_metadata({"coverage": dg.MetadataValue.md(coverage_table(coverage))})
    return coverage


@stored(
    tables.OCR_REVIEW,
    "disclosures",
    more="Empty unless CYBERPI_OCR__ENABLED is set. Every row waits for a person to compare it with the page.",
)
def ocr_review(filings: pa.Table, sources: dg.ResourceParam[Sources], settings: dg.ResourceParam[Settings]) -> pa.Table:
    facts = sources.gather()
    scans = facts.facts("ocr_row_facts"), facts.facts("ocr_document_facts")
    return ocr.ocr_review(*scans, filings, settings.ocr)


@stored(tables.FILING_TIMELINESS, "disclosures", more="Amended and repeated rows are not judged.")
def filing_timeliness(disclosed_trades: pa.Table) -> pa.Table:
    return timeliness.filing_timeliness(disclosed_trades)


@stored(tables.OFFICIAL_TIMELINESS, "disclosures", more="A late report is a late report, and nothing more.")
def official_timeliness(filing_timeliness: pa.Table, disclosed_trades: pa.Table) -> pa.Table:
    return timeliness.official_timeliness(filing_timeliness, disclosed_trades)


@stored(
    tables.QUARANTINED_ROWS,
    "disclosures",
    deps=[source_files, daily_bars, disclosed_trades, option_chains, market_snapshots],
    more="Rows read are rows accepted plus rows here; nothing disappears between a file and a table.",
)
def quarantined_rows(
    sources: dg.ResourceParam[Sources], engine: dg.ResourceParam[duckdb.DuckDBPyConnection]
) -> pa.Table:
    every = MONTHS.get_partition_keys()
    return quarantine.rows_put_aside(engine, sources.gather(), every[0], every[-1])


ASSETS = [
    disclosed_trades,
    filings,
    filing_coverage,
    ocr_review,
    filing_timeliness,
    official_timeliness,
    quarantined_rows,
]
