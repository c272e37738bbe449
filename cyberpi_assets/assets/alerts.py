"""Stage `alerts`: unusual market activity with its rarity, and the hot copy of what is severe now."""

import dagster as dg
import pyarrow as pa

from cyberpi_assets import tables
from cyberpi_assets.assets.stored import show, stored
from cyberpi_assets.domain.alerts import raise_alerts
from cyberpi_assets.domain.columns import having
from cyberpi_assets.domain.rankings import recent_severe_alerts
from cyberpi_assets.orchestration.partitions import months_of, reading_back
from cyberpi_assets.reports import charts
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
    tables.WORKING_MEMORY,
    "alerts",
    kinds={"redis"},
    io_manager_key="redis_io_manager",
    more="Severe alerts of the last 30 days of data, for whoever asks often. Rebuilt from the lake.",
)
def working_memory(
    context: dg.AssetExecutionContext,
    market_alerts: pa.Table,
    top_traded_tickers: pa.Table,
    settings: dg.ResourceParam[Settings],
) -> pa.Table:
    show(context, "alerts_per_month", lambda: charts.alerts_per_month(market_alerts), "alerts per month by type")
    return recent_severe_alerts(market_alerts, top_traded_tickers, 30, None, settings.timing.high_severity)


ASSETS = [market_alerts, working_memory]
