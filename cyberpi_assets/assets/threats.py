"""Stage `threats`: what is measured on option chains, the scores and indicators made of it, and their analyses."""

import dagster as dg
import duckdb
import pyarrow as pa

from cyberpi_assets import tables
from cyberpi_assets.assets.analyses import threat_analyses
from cyberpi_assets.assets.stored import stored, stored_together
from cyberpi_assets.domain.options.flow import option_flow as flow_of
from cyberpi_assets.domain.options.scores import threats_of
from cyberpi_assets.orchestration.partitions import months_of, reading_back
from cyberpi_assets.settings import Settings


@stored(
    tables.OPTION_FLOW,
    "threats",
    ins={
        "option_chains": reading_back(2),
        "option_volumes": reading_back(4),
        "market_snapshots": reading_back(1),
        "daily_bars": reading_back(4),
    },
    kinds={"numpy", "duckdb", "deltalake"},
    more="Implied volatility is the provider's where it is plausible, else Black-Scholes. Averages are of prior "
    "sessions.",
)
def option_flow(
    context: dg.AssetExecutionContext,
    option_chains: duckdb.DuckDBPyRelation,
    option_volumes: pa.Table,
    market_snapshots: pa.Table,
    daily_bars: duckdb.DuckDBPyRelation,
    corporate_actions: pa.Table,
    settings: dg.ResourceParam[Settings],
) -> pa.Table:
    return flow_of(
        option_chains,
        settings.options,
        volumes=option_volumes,
        quotes=market_snapshots,
        bars=daily_bars,
        actions=corporate_actions,
        months=months_of(context),
    )


@stored_together(
    "threats",
    [tables.THREAT_SCORES, tables.THREAT_INDICATORS],
    "threats",
    ins={"option_flow": reading_back(7)},
    kinds={"numpy", "duckdb", "deltalake"},
    more="A score says how unusual option trading was, not why: most of it is hedging, earnings, dividends or spreads. "
    "An indicator that is not known is no calm one. Seven earlier months of flow hold the 120 sessions of the past.",
)
def threats(
    context: dg.AssetExecutionContext,
    option_flow: pa.Table,
    company_events: pa.Table,
    companies: pa.Table,
    settings: dg.ResourceParam[Settings],
) -> tuple[pa.Table, pa.Table]:
    found = threats_of(
        option_flow,
        settings.threats,
        events=company_events,
        companies=companies,
        months=months_of(context),
        otm_below=settings.options.otm_put_strike,
        near_days=settings.options.near_days,
    )
    return found.scores, found.indicators


ASSETS = [option_flow, threats, threat_analyses]
