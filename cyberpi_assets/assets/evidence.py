"""Stage `evidence`: what scores are worth, and what trades earned: nulls, intervals, q values, abnormal returns.

Nothing here is kept by month: the null of a trade rests on every day on which its official could have traded, and its
returns on days after it, so a new month speaks about old trades too.
"""

from collections.abc import Iterator

import dagster as dg
import duckdb
import pyarrow as pa

from cyberpi_assets import tables
from cyberpi_assets.assets.stored import stored, stored_together
from cyberpi_assets.domain.evidence import nulls, whole
from cyberpi_assets.domain.returns.whole import returns_of_trades as returns_and_tests
from cyberpi_assets.settings import Settings

_READ_WITH = "A pattern is not evidence of wrongdoing: read the q value and the interval before the rate."


@stored(
    tables.TIMING_NULLS,
    "evidence",
    kinds={"numpy", "deltalake"},
    more="By lookup on the surface; nothing is scored twice.",
)
def timing_nulls(
    disclosure_correlations: pa.Table,
    disclosed_trades: pa.Table,
    timing_surface: duckdb.DuckDBPyRelation,
    official_terms: pa.Table,
    settings: dg.ResourceParam[Settings],
) -> pa.Table:
    return nulls.timing_nulls(
        disclosure_correlations,
        disclosed_trades,
        timing_surface,
        official_terms,
        settings.timing,
        settings.evidence,
        settings.rankings.house_from,
    )


EVIDENCE = (
    tables.OFFICIAL_EVIDENCE,
    tables.TICKER_EVIDENCE,
    tables.SECTOR_EVIDENCE,
    tables.COMMITTEE_EVIDENCE,
    tables.PARTY_EVIDENCE,
    tables.TEMPORAL_PATTERNS,
    tables.CALIBRATION,
)


@stored_together("evidence_of_timing", EVIDENCE, "evidence", kinds={"numpy", "deltalake"}, more=_READ_WITH)
def evidence_of_timing(
    timing_nulls: pa.Table,
    disclosure_correlations: pa.Table,
    disclosed_trades: pa.Table,
    timing_surface: pa.Table,
    daily_bars: duckdb.DuckDBPyRelation,
    officials: pa.Table,
    official_terms: pa.Table,
    committees: pa.Table,
    committee_memberships: pa.Table,
    companies: pa.Table,
    demo_truth: pa.Table,
    settings: dg.ResourceParam[Settings],
) -> Iterator[dg.Output[pa.Table]]:
    found = whole.evidence_of_timing(
        whole.Record(
            disclosure_correlations,
            disclosed_trades,
            timing_nulls,
            timing_surface,
            daily_bars,
            officials,
            official_terms,
            committees,
            committee_memberships,
            companies,
            demo_truth,
        ),
        settings.timing,
        settings.evidence,
        settings.rankings.house_from,
    )
    yield from (dg.Output(found[table.name], table.name) for table in EVIDENCE)


RETURNS = (tables.TRADE_RETURNS, tables.RETURN_TESTS, tables.PORTFOLIO_RETURNS)


@stored_together(
    "returns_of_trades",
    RETURNS,
    "evidence",
    kinds={"numpy", "deltalake"},
    more="From the trade, and from the first session after the filing was public: the only one that can be followed.",
)
def returns_of_trades(
    daily_bars: duckdb.DuckDBPyRelation,
    disclosed_trades: pa.Table,
    disclosure_correlations: pa.Table,
    companies: pa.Table,
    settings: dg.ResourceParam[Settings],
) -> Iterator[dg.Output[pa.Table]]:
    found = returns_and_tests(daily_bars, disclosed_trades, disclosure_correlations, companies, settings.market_ticker)
    yield from (dg.Output(found[table.name], table.name) for table in RETURNS)


ASSETS = [timing_nulls, evidence_of_timing, returns_of_trades]
