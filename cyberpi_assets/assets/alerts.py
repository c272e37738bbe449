"""Stage `alerts`: unusual market activity with its rarity, alerts of every kind with their lives, and the hot copy."""

import dagster as dg
import duckdb
import pyarrow as pa

from cyberpi_assets import tables
from cyberpi_assets.assets.stored import show, stored
from cyberpi_assets.domain import working_memory as memory
from cyberpi_assets.domain.alerts import raise_alerts
from cyberpi_assets.domain.alerts_life import alerts as lives_of_alerts
from cyberpi_assets.domain.columns import having
from cyberpi_assets.domain.sql import only
from cyberpi_assets.orchestration.partitions import months_of, reading_back
from cyberpi_assets.reports import charts
from cyberpi_assets.reports.threat_files import write_threats
from cyberpi_assets.settings import Settings


@stored(
    tables.MARKET_ALERTS,
    "alerts",
    ins={"daily_bars": reading_back()},
    kinds={"numpy", "deltalake"},
    more="Four types: unusual_volume, price_spike, price_drop, high_volatility. Severity is rarity in the ticker's own "
    "past, so every bar before a month is read with it.",
)
def market_alerts(
    context: dg.AssetExecutionContext,
    daily_bars: pa.Table,
    corporate_actions: pa.Table,
    companies: pa.Table,
    settings: dg.ResourceParam[Settings],
) -> pa.Table:
    splits = having(corporate_actions, "action", ["split"])
    alerts = raise_alerts(daily_bars, settings.alerts, splits=splits, sectors=companies, months=months_of(context))
    show(context, "alerts_per_month", lambda: charts.alerts_per_month(alerts), "alerts per month by type")
    return alerts


@stored(
    tables.ALERTS,
    "alerts",
    kinds={"duckdb", "deltalake"},
    more="Market alerts, option scores, trading halts, threats in the news and fused signals as alerts with a life: "
    "the same threat is one alert for as long as it lasts. What is not known neither continues nor clears one. "
    "Computed whole from what the lake holds.",
)
def alerts(
    market_alerts: pa.Table,
    daily_bars: duckdb.DuckDBPyRelation,
    threat_scores: pa.Table,
    trading_halts: pa.Table,
    intelligence_items: pa.Table,
    fused_signals: pa.Table,
    settings: dg.ResourceParam[Settings],
) -> pa.Table:
    bars = only(daily_bars, "ticker", "session", "volume")
    return lives_of_alerts(
        settings.alert_life,
        market_alerts=market_alerts,
        daily_bars=bars,
        threat_scores=threat_scores,
        trading_halts=trading_halts,
        intelligence_items=intelligence_items,
        fused_signals=fused_signals,
    )


@stored(
    tables.WORKING_MEMORY,
    "alerts",
    kinds={"redis"},
    io_manager_key="redis_io_manager",
    talks=True,
    more="Pushed into `cascade:working:*`, where analysts' tools read; rows run out an hour after the last push, and "
    "the next run makes them again from the lake. Also written: JSON files in financial_threats/.",
)
def working_memory(
    context: dg.AssetExecutionContext,
    threat_scores: pa.Table,
    threat_indicators: pa.Table,
    companies: pa.Table,
    settings: dg.ResourceParam[Settings],
) -> pa.Table:
    sweep = memory.newest_sweep(threat_scores, settings.memory)
    threats = memory.documents(sweep, threat_indicators, companies)
    files = write_threats(settings.threats_dir, threats, settings.memory.push_score)
    context.add_output_metadata({"threats_in_the_sweep": len(threats), "files": len(files)})
    return memory.working_memory(threats, settings.memory)


ASSETS = [market_alerts, alerts, working_memory]
