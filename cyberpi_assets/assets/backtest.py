"""Stage `backtest`: early warning, tested on every known incident before anybody is warned.

Not kept by month: each new incident and each new month of prices speaks about the whole.
"""

from collections.abc import Iterator

import dagster as dg
import duckdb
import pyarrow as pa

from cyberpi_assets import tables
from cyberpi_assets.assets.stored import stored_together
from cyberpi_assets.domain.backtest.whole import backtest, headline
from cyberpi_assets.settings import Profile, Settings

BACKTEST = (
    tables.EARLY_WARNING_BACKTEST,
    tables.BACKTEST_ALARMS,
    tables.BACKTEST_EVENTS,
    tables.BACKTEST_NULL,
)


@stored_together(
    "backtest_of_warnings",
    BACKTEST,
    "backtest",
    kinds={"numpy", "deltalake"},
    more="Features, weights and windows were registered before the test: docs/preregistration.md.",
)
def backtest_of_warnings(
    daily_bars: duckdb.DuckDBPyRelation,
    companies: pa.Table,
    option_volumes: duckdb.DuckDBPyRelation,
    market_alerts: duckdb.DuckDBPyRelation,
    incidents: pa.Table,
    settings: dg.ResourceParam[Settings],
) -> Iterator[dg.Output[pa.Table]]:
    found = backtest(
        daily_bars,
        companies,
        option_volumes,
        market_alerts,
        incidents,
        settings.market_ticker,
        settings.backtest,
        simulated=settings.profile is Profile.DEMO,
    )
    said = headline(found.results)
    about = {"verdict": dg.MetadataValue.md(said["words"])} if said else {}
    yield dg.Output(found.results, tables.EARLY_WARNING_BACKTEST.name, metadata=about)
    yield dg.Output(found.alarms, tables.BACKTEST_ALARMS.name)
    yield dg.Output(found.events, tables.BACKTEST_EVENTS.name)
    yield dg.Output(found.null, tables.BACKTEST_NULL.name)


ASSETS = [backtest_of_warnings]
