"""Stage `signals`: what detectors see, what all evidence adds up to, who is warned, and what came of every warning.

Not kept by month: a verdict, an incident or a filing of today speaks about warnings of last year. What analysts decided
is read from the table `verdicts`, which `cyberpi verdict` appends to and no asset writes.
"""

import dagster as dg
import duckdb
import pyarrow as pa

from cyberpi_assets import tables
from cyberpi_assets.assets.stored import stored
from cyberpi_assets.domain.detectors.record import outcomes
from cyberpi_assets.domain.detectors.whole import detector_signals as signals_of
from cyberpi_assets.domain.detectors.whole import known_to
from cyberpi_assets.domain.fused import fusing, warnings
from cyberpi_assets.settings import Settings
from cyberpi_assets.sources.lists import read_list
from cyberpi_assets.storage.lake import Lake


@stored(
    tables.DETECTOR_SIGNALS,
    "signals",
    kinds={"duckdb", "deltalake"},
    more="Each signal stands beside how often such signals had been right by then, and beside the base rate. A "
    "hypothesis is tagged as one and is never fused.",
)
def detector_signals(
    daily_bars: duckdb.DuckDBPyRelation,
    companies: pa.Table,
    market_alerts: pa.Table,
    threat_scores: pa.Table,
    trading_halts: pa.Table,
    intelligence_items: pa.Table,
    company_filings: pa.Table,
    company_events: pa.Table,
    incidents: pa.Table,
    mna_events: pa.Table,
    sanctions_changes: pa.Table,
    demo_truth: pa.Table,
    settings: dg.ResourceParam[Settings],
) -> pa.Table:
    return signals_of(
        settings.signals,
        settings.market_ticker,
        daily_bars=daily_bars,
        companies=companies,
        market_alerts=market_alerts,
        threat_scores=threat_scores,
        trading_halts=trading_halts,
        intelligence_items=intelligence_items,
        company_filings=company_filings,
        company_events=company_events,
        incidents=incidents,
        mna_events=mna_events,
        sanctions_changes=sanctions_changes,
        demo_truth=demo_truth,
    )


@stored(
    tables.FUSED_SIGNALS,
    "signals",
    kinds={"duckdb", "deltalake"},
    more="Weights are judgements that order companies, not probabilities. Only independent origins raise the score "
    "much; a verdict of an analyst overrides score and fading.",
)
def fused_signals(
    market_alerts: pa.Table,
    threat_scores: pa.Table,
    trading_halts: pa.Table,
    disclosed_trades: pa.Table,
    disclosure_correlations: pa.Table,
    company_filings: pa.Table,
    intelligence_items: pa.Table,
    known_exploited: pa.Table,
    sanctions_changes: pa.Table,
    detector_signals: pa.Table,
    lake: dg.ResourceParam[Lake],
    settings: dg.ResourceParam[Settings],
) -> pa.Table:
    pieces = fusing.evidence(
        settings.signals,
        market_alerts=market_alerts,
        threat_scores=threat_scores,
        trading_halts=trading_halts,
        disclosed_trades=disclosed_trades,
        disclosure_correlations=disclosure_correlations,
        company_filings=company_filings,
        intelligence_items=intelligence_items,
        known_exploited=known_exploited,
        sanctions_changes=sanctions_changes,
        detector_signals=detector_signals,
    )
    clients = read_list("clients", settings.home)
    return fusing.fused_signals(pieces, lake.read("verdicts"), clients, settings.signals.least_origin)


@stored(
    tables.EARLY_WARNINGS,
    "signals",
    kinds={"duckdb", "deltalake"},
    more="What is said of lead time is the verdict of the back-test, whichever way it fell.",
)
def early_warnings(
    fused_signals: pa.Table,
    detector_signals: pa.Table,
    early_warning_backtest: pa.Table,
    companies: pa.Table,
    daily_bars: duckdb.DuckDBPyRelation,
    intelligence_items: pa.Table,
    settings: dg.ResourceParam[Settings],
) -> pa.Table:
    newest, _ = known_to(daily_bars, intelligence_items)
    return (
        warnings.early_warnings(
            settings.signals, fused_signals, detector_signals, early_warning_backtest, companies, newest
        )
        if newest is not None
        else tables.EARLY_WARNINGS.empty()
    )


@stored(
    tables.WARNING_LEDGER,
    "signals",
    kinds={"duckdb", "deltalake"},
    more="Rows stay as they were issued; what happened since is brought up to date. A first run replays history: "
    "`recorded_on` says so.",
)
def warning_ledger(
    context: dg.AssetExecutionContext,
    fused_signals: pa.Table,
    early_warnings: pa.Table,
    incidents: pa.Table,
    company_filings: pa.Table,
    demo_truth: pa.Table,
    daily_bars: duckdb.DuckDBPyRelation,
    intelligence_items: pa.Table,
    lake: dg.ResourceParam[Lake],
    settings: dg.ResourceParam[Settings],
) -> pa.Table:
    before, (newest, watched) = lake.read("warning_ledger"), known_to(daily_bars, intelligence_items)
    if newest is None:
        return before
    known = outcomes(incidents, company_filings, demo_truth, newest)
    ledger = warnings.warning_ledger(settings.signals, before, fused_signals, known, newest, watched)
    due = warnings.due_notifications(ledger, early_warnings, lake.read("warning_notices"))
    context.add_output_metadata({"to_be_told": due.num_rows, "before": before.num_rows})
    return ledger


ASSETS = [detector_signals, fused_signals, early_warnings, warning_ledger]
