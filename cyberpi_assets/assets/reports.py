"""Stage `reports`: what a person reads, written to disk, and the published copy of the warehouse."""

import dagster as dg
import duckdb
import pyarrow as pa

from cyberpi_assets import tables
from cyberpi_assets.assets.alerts import alerts
from cyberpi_assets.assets.analyses import threat_analyses
from cyberpi_assets.assets.backtest import backtest_of_warnings
from cyberpi_assets.assets.correlations import disclosure_correlations
from cyberpi_assets.assets.disclosures import (
    disclosed_trades,
    filing_coverage,
    ocr_review,
    official_timeliness,
    quarantined_rows,
)
from cyberpi_assets.assets.evidence import evidence_of_timing, returns_of_trades, timing_nulls
from cyberpi_assets.assets.market import daily_bars
from cyberpi_assets.assets.news import incidents, intelligence_items, mna_events
from cyberpi_assets.assets.options import (
    company_events,
    market_snapshots,
    option_volumes,
    source_gaps,
    watchlist,
)
from cyberpi_assets.assets.rankings import (
    official_rankings,
    party_comparison,
    sector_rankings,
    ticker_rankings,
    top_traded_tickers,
)
from cyberpi_assets.assets.reference import committees, demo_truth
from cyberpi_assets.assets.signals import warning_ledger
from cyberpi_assets.assets.stored import show, stored
from cyberpi_assets.orchestration.check_log import CheckLog
from cyberpi_assets.orchestration.partitions import REPORT
from cyberpi_assets.reports import charts, checks
from cyberpi_assets.reports.files import write_checks, write_patterns, write_timing
from cyberpi_assets.settings import Settings
from cyberpi_assets.storage.engine import connect
from cyberpi_assets.storage.lake import Lake
from cyberpi_assets.storage.published import publish

_LATE = "Written whole, then renamed into place. Patterns are not evidence of wrongdoing."


# The lowest priority: an executor that takes one step at a time takes this one when no other is left.
LAST = {"dagster/priority": "-1000"}


def _views(lake: Lake, *names: str) -> duckdb.DuckDBPyConnection:
    """An engine on which every table of the lake is a view, or these alone."""
    con = connect()
    if not names:
        lake.views(con)
    for name in names:
        lake.relation(con, name).create_view(name)
    return con


@stored(
    tables.TIMING_REPORT,
    "reports",
    kinds={"markdown"},
    deps=[disclosure_correlations, disclosed_trades, timing_nulls, official_rankings, filing_coverage, demo_truth],
    more=_LATE,
)
def timing_report(
    context: dg.AssetExecutionContext, lake: dg.ResourceParam[Lake], settings: dg.ResourceParam[Settings]
) -> pa.Table:
    written = write_timing(_views(lake), settings.reports_dir, settings.data_dir, settings.timing)
    scores = lake.read("disclosure_correlations", columns=["score"])
    show(context, "score_distribution", lambda: charts.score_distribution(scores), "distribution of scores")
    context.add_output_metadata({"report": dg.MetadataValue.md(written.preview)})
    return written.rows


@stored(
    tables.PATTERN_REPORT,
    "reports",
    kinds={"markdown"},
    deps=[
        evidence_of_timing,
        official_rankings,
        ticker_rankings,
        sector_rankings,
        party_comparison,
        filing_coverage,
        demo_truth,
    ],
    more=_LATE + " A run of the schedules `weekly_patterns` and `monthly_patterns` keeps a copy under `patterns/`, "
    "named after its week or month.",
)
def pattern_report(
    context: dg.AssetExecutionContext, lake: dg.ResourceParam[Lake], settings: dg.ResourceParam[Settings]
) -> pa.Table:
    period = context.run.tags.get(REPORT)
    written = write_patterns(_views(lake), settings.reports_dir, settings.data_dir, settings.rankings, period)
    context.add_output_metadata({"report": dg.MetadataValue.md(written.preview)})
    return written.rows


@stored(
    tables.CHECK_REPORT,
    "reports",
    kinds={"markdown"},
    op_tags=LAST,
    more="It rests on results and not on tables, and comes last in a run: also where a check that blocks has failed. "
    "Where steps of a run go on side by side, the sensor check_reports makes it again once the run has ended.",
)
def check_report(
    context: dg.AssetExecutionContext,
    lake: dg.ResourceParam[Lake],
    settings: dg.ResourceParam[Settings],
    check_log: dg.ResourceParam[CheckLog],
    declared_checks: dg.ResourceParam[tuple[checks.Declared, ...]],
) -> pa.Table:
    check_log.store()
    found = checks.report(_views(lake, "check_results"), declared_checks)
    written = write_checks(found, settings.profile.value, settings.reports_dir, settings.data_dir)
    counts = {result.replace(" ", "_"): found.count(result) for result in checks.RESULTS}
    context.add_output_metadata({"report": dg.MetadataValue.md(written.preview), **counts})
    return written.rows


@stored(
    tables.PUBLISHED_WAREHOUSE,
    "reports",
    kinds={"duckdb"},
    deps=[
        timing_report,
        pattern_report,
        intelligence_items,
        incidents,
        mna_events,
        backtest_of_warnings,
        warning_ledger,
        returns_of_trades,
        official_timeliness,
        quarantined_rows,
        ocr_review,
        committees,
        top_traded_tickers,
        daily_bars,
        watchlist,
        market_snapshots,
        option_volumes,
        company_events,
        source_gaps,
        alerts,
        threat_analyses,
    ],
    more="One DuckDB file with a copy of every table: open it with any DuckDB client, at any time.",
)
def published_warehouse(
    lake: dg.ResourceParam[Lake], settings: dg.ResourceParam[Settings], check_log: dg.ResourceParam[CheckLog]
) -> pa.Table:
    check_log.store()
    return publish(lake, settings.warehouse_path, settings.duckdb_memory_limit, settings.duckdb_threads)


ASSETS = [timing_report, pattern_report, check_report, published_warehouse]
