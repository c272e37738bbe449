"""Every table's columns, types, key and partition, once.

Here belongs the shape of what flows through the house: the facts that sources hand over and the tables that assets
store. DDL, the IO managers' refusals, the asset checks and the column schema in the UI all derive from this module.
How a column is computed does not belong here: that is `domain/`.

Conventions: a `date` column named `session` is a session of the New York Stock Exchange; other dates are calendar
dates in the United States; a `timestamp` is UTC. `!` marks a column that is never null. Money is US dollars.
Where a value is not known it is null, and a reason stands beside it where that matters.
"""

from __future__ import annotations

from collections.abc import Iterator

from cyberpi_assets.tables.backtest import BACKTEST_ALARMS, BACKTEST_EVENTS, BACKTEST_NULL, EARLY_WARNING_BACKTEST
from cyberpi_assets.tables.correlations import DISCLOSURE_CORRELATIONS, TIMING_SURFACE
from cyberpi_assets.tables.disclosures import (
    DISCLOSED_TRADES,
    FILING_COVERAGE,
    FILING_TIMELINESS,
    FILINGS,
    OCR_REVIEW,
    OFFICIAL_TIMELINESS,
    QUARANTINED_ROWS,
)
from cyberpi_assets.tables.evidence import (
    CALIBRATION,
    COMMITTEE_EVIDENCE,
    OFFICIAL_EVIDENCE,
    PARTY_EVIDENCE,
    SECTOR_EVIDENCE,
    TEMPORAL_PATTERNS,
    TICKER_EVIDENCE,
    TIMING_NULLS,
)
from cyberpi_assets.tables.facts.account import FILE_FACTS, QUARANTINE_FACTS, TRUTH_FACTS
from cyberpi_assets.tables.facts.disclosures import (
    DISCLOSURE_FACTS,
    DOCUMENT_FACTS,
    FILING_FACTS,
    OCR_DOCUMENT_FACTS,
    OCR_ROW_FACTS,
)
from cyberpi_assets.tables.facts.market import ACTION_FACTS, BAR_FACTS, COMPANY_FACTS, SYMBOL_FACTS
from cyberpi_assets.tables.facts.news import (
    COMPANY_FILING_FACTS,
    HALT_FACTS,
    INCIDENT_FACTS,
    KEV_FACTS,
    MNA_FACTS,
    NEWS_FACTS,
    SANCTION_FACTS,
    VULNERABILITY_FACTS,
)
from cyberpi_assets.tables.facts.options import (
    CHAIN_FACTS,
    COMPANY_EVENT_FACTS,
    GAP_FACTS,
    OPTION_VOLUME_FACTS,
    SNAPSHOT_FACTS,
    WATCHLIST_FACTS,
)
from cyberpi_assets.tables.facts.people import COMMITTEE_FACTS, MEMBERSHIP_FACTS, PERSON_FACTS, TERM_FACTS
from cyberpi_assets.tables.highway import KNOWLEDGE_GRAPH, THREAT_HIGHWAY, VECTOR_INDEX
from cyberpi_assets.tables.market import CORPORATE_ACTIONS, DAILY_BARS, MARKET_ALERTS
from cyberpi_assets.tables.memory import WORKING_MEMORY
from cyberpi_assets.tables.news import (
    COMPANY_FILINGS,
    INCIDENTS,
    INTELLIGENCE_ITEMS,
    KNOWN_EXPLOITED,
    MNA_EVENTS,
    NEWS_ITEMS,
    SANCTIONS_CHANGES,
    TRADING_HALTS,
    VULNERABILITIES,
)
from cyberpi_assets.tables.options import (
    COMPANY_EVENTS,
    MARKET_SNAPSHOTS,
    OPTION_CHAINS,
    OPTION_FLOW,
    OPTION_VOLUMES,
    SOURCE_GAPS,
    WATCHLIST,
)
from cyberpi_assets.tables.rankings import (
    OFFICIAL_RANKINGS,
    PARTY_COMPARISON,
    SECTOR_RANKINGS,
    TICKER_RANKINGS,
    TOP_TRADED_TICKERS,
)
from cyberpi_assets.tables.reference import (
    COMMITTEE_MEMBERSHIPS,
    COMMITTEES,
    COMPANIES,
    DEMO_TRUTH,
    OFFICIAL_TERMS,
    OFFICIALS,
    SOURCE_FILES,
    SYMBOL_HISTORY,
)
from cyberpi_assets.tables.reports import (
    CHECK_REPORT,
    CHECK_RESULTS,
    PATTERN_REPORT,
    PUBLISHED_WAREHOUSE,
    TIMING_REPORT,
)
from cyberpi_assets.tables.returns import PORTFOLIO_RETURNS, RETURN_TESTS, TRADE_RETURNS
from cyberpi_assets.tables.shape import (
    MONTH,
    TRACE,
    TYPES,
    Column,
    Hashes,
    SchemaMismatch,
    Table,
    check_columns,
    conform,
    table,
    written,
)
from cyberpi_assets.tables.signals import (
    DETECTOR_SIGNALS,
    EARLY_WARNINGS,
    FUSED_SIGNALS,
    NOTIFICATIONS,
    VERDICTS,
    WARNING_LEDGER,
    WARNING_NOTICES,
)
from cyberpi_assets.tables.threats import ALERTS, THREAT_ANALYSES, THREAT_INDICATORS, THREAT_SCORES

__all__ = [
    "ACTION_FACTS",
    "ALERTS",
    "ALL",
    "BACKTEST_ALARMS",
    "BACKTEST_EVENTS",
    "BACKTEST_NULL",
    "BAR_FACTS",
    "CALIBRATION",
    "CHAIN_FACTS",
    "CHECK_REPORT",
    "CHECK_RESULTS",
    "COMMITTEES",
    "COMMITTEE_EVIDENCE",
    "COMMITTEE_FACTS",
    "COMMITTEE_MEMBERSHIPS",
    "COMPANIES",
    "COMPANY_EVENTS",
    "COMPANY_EVENT_FACTS",
    "COMPANY_FACTS",
    "COMPANY_FILINGS",
    "COMPANY_FILING_FACTS",
    "CORPORATE_ACTIONS",
    "DAILY_BARS",
    "DEMO_TRUTH",
    "DETECTOR_SIGNALS",
    "DISCLOSED_TRADES",
    "DISCLOSURE_CORRELATIONS",
    "DISCLOSURE_FACTS",
    "DOCUMENT_FACTS",
    "EARLY_WARNINGS",
    "EARLY_WARNING_BACKTEST",
    "FACTS",
    "FILE_FACTS",
    "FILINGS",
    "FILING_COVERAGE",
    "FILING_FACTS",
    "FILING_TIMELINESS",
    "FUSED_SIGNALS",
    "GAP_FACTS",
    "HALT_FACTS",
    "INCIDENTS",
    "INCIDENT_FACTS",
    "INTELLIGENCE_ITEMS",
    "KEV_FACTS",
    "KNOWLEDGE_GRAPH",
    "KNOWN_EXPLOITED",
    "LAKE",
    "MARKET_ALERTS",
    "MARKET_SNAPSHOTS",
    "MEMBERSHIP_FACTS",
    "MNA_EVENTS",
    "MNA_FACTS",
    "MONTH",
    "NEWS_FACTS",
    "NEWS_ITEMS",
    "NOTIFICATIONS",
    "OCR_DOCUMENT_FACTS",
    "OCR_REVIEW",
    "OCR_ROW_FACTS",
    "OFFICIALS",
    "OFFICIAL_EVIDENCE",
    "OFFICIAL_RANKINGS",
    "OFFICIAL_TERMS",
    "OFFICIAL_TIMELINESS",
    "OPTION_CHAINS",
    "OPTION_FLOW",
    "OPTION_VOLUMES",
    "OPTION_VOLUME_FACTS",
    "PARTY_COMPARISON",
    "PARTY_EVIDENCE",
    "PATTERN_REPORT",
    "PERSON_FACTS",
    "PORTFOLIO_RETURNS",
    "PUBLISHED_WAREHOUSE",
    "QUARANTINED_ROWS",
    "QUARANTINE_FACTS",
    "RETURN_TESTS",
    "SANCTIONS_CHANGES",
    "SANCTION_FACTS",
    "SECTOR_EVIDENCE",
    "SECTOR_RANKINGS",
    "SNAPSHOT_FACTS",
    "SOURCE_FILES",
    "SOURCE_GAPS",
    "SYMBOL_FACTS",
    "SYMBOL_HISTORY",
    "TEMPORAL_PATTERNS",
    "TERM_FACTS",
    "THREAT_ANALYSES",
    "THREAT_HIGHWAY",
    "THREAT_INDICATORS",
    "THREAT_SCORES",
    "TICKER_EVIDENCE",
    "TICKER_RANKINGS",
    "TIMING_NULLS",
    "TIMING_REPORT",
    "TIMING_SURFACE",
    "TOP_TRADED_TICKERS",
    "TRACE",
    "TRADE_RETURNS",
    "TRADING_HALTS",
    "TRUTH_FACTS",
    "TYPES",
    "VECTOR_INDEX",
    "VERDICTS",
    "VULNERABILITIES",
    "VULNERABILITY_FACTS",
    "WARNING_LEDGER",
    "WARNING_NOTICES",
    "WATCHLIST",
    "WATCHLIST_FACTS",
    "WORKING_MEMORY",
    "Column",
    "Hashes",
    "SchemaMismatch",
    "Table",
    "check_columns",
    "conform",
    "table",
    "written",
]


def _all_tables() -> Iterator[Table]:
    for value in list(globals().values()):
        if isinstance(value, Table):
            yield value


ALL: dict[str, Table] = {t.name: t for t in _all_tables()}
FACTS: dict[str, Table] = {n: t for n, t in ALL.items() if t.home == "fact"}
LAKE: dict[str, Table] = {n: t for n, t in ALL.items() if t.home == "lake"}
