"""Stage `correlations`: the timing surface, and every disclosed trade looked up on it."""

import dagster as dg
import duckdb
import pyarrow as pa

from cyberpi_assets import tables
from cyberpi_assets.assets.stored import show, stored
from cyberpi_assets.domain.correlations import bars_stretches
from cyberpi_assets.domain.correlations import disclosure_correlations as correlate
from cyberpi_assets.domain.timing import timing_surface as surface_of
from cyberpi_assets.orchestration.partitions import months_of, reading_back
from cyberpi_assets.reports import charts
from cyberpi_assets.settings import Settings


@stored(
    tables.TIMING_SURFACE,
    "correlations",
    ins={"market_alerts": reading_back(2), "daily_bars": reading_back()},
    kinds={"numpy", "deltalake"},
    more="S(ticker, day) by cumulative sums over the alerts of the 30 days before; two earlier months of alerts "
    "are read with each month.",
)
def timing_surface(
    context: dg.AssetExecutionContext,
    market_alerts: pa.Table,
    daily_bars: pa.Table,
    settings: dg.ResourceParam[Settings],
) -> pa.Table:
    return surface_of(market_alerts, daily_bars, settings.timing, settings.alerts, months_of(context))


@stored(
    tables.DISCLOSURE_CORRELATIONS,
    "correlations",
    ins={"timing_surface": reading_back(), "market_alerts": reading_back(), "daily_bars": reading_back()},
    more="By month of filing, like the trades; a late filing reaches its alerts however far back the trade lies. "
    "A raw score mostly measures how volatile the ticker is: read it beside its null.",
)
def disclosure_correlations(
    context: dg.AssetExecutionContext,
    disclosed_trades: pa.Table,
    timing_surface: duckdb.DuckDBPyRelation,
    market_alerts: pa.Table,
    daily_bars: duckdb.DuckDBPyRelation,
    settings: dg.ResourceParam[Settings],
) -> pa.Table:
    stretches = bars_stretches(daily_bars, settings.timing.window_days)
    scored = correlate(
        disclosed_trades,
        timing_surface,
        market_alerts,
        stretches,
        settings.timing,
        score_ocr=settings.ocr.include_in_scores,
    )
    show(context, "score_distribution", lambda: charts.score_distribution(scored), "distribution of scores")
    return scored


ASSETS = [timing_surface, disclosure_correlations]
