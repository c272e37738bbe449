"""All detectors over what the lake holds, each signal with its account."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pyarrow.compute as pc

from cyberpi_assets.domain.detectors.breach import breach_before_disclosure, falls
from cyberpi_assets.domain.detectors.inherited import inherited_exposure
from cyberpi_assets.domain.detectors.record import account, outcomes
from cyberpi_assets.domain.detectors.retaliation import sanctions_retaliation
from cyberpi_assets.domain.detectors.rumours import rumours
from cyberpi_assets.domain.sql import Frame, ask, only
from cyberpi_assets.rules.figures import SignalRules
from cyberpi_assets.tables import DETECTOR_SIGNALS


def known_to(daily_bars: Frame, intelligence_items: pa.Table) -> tuple[dt.date | None, int]:
    """The newest day that bars or items speak of, None where there are none, and how many companies have bars."""
    bars = ask(
        "SELECT max(session) AS newest, count(DISTINCT ticker) AS n FROM b", b=only(daily_bars, "ticker", "session")
    )
    days = [bars["newest"][0].as_py(), pc.max(intelligence_items.column("published_on")).as_py()]
    return max((d for d in days if d is not None), default=None), bars["n"][0].as_py()


def detector_signals(
    rules: SignalRules,
    market: str,
    *,
    daily_bars: Frame,
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
) -> pa.Table:
    """Signals of every detector by time. Columns: `tables.DETECTOR_SIGNALS`.

    Frames are the tables of the same names; market: the fund that stands for the market. The last day known is the
    newest session of bars or item, not today: a window that data do not reach yet is open. Empty without bars.
    """
    newest, watched = known_to(daily_bars, intelligence_items)
    if newest is None:
        return DETECTOR_SIGNALS.empty()
    found = outcomes(incidents, company_filings, demo_truth, newest)
    seen = pa.concat_tables(
        [
            breach_before_disclosure(
                rules,
                falls=falls(daily_bars, companies, market, rules),
                market_alerts=market_alerts,
                threat_scores=threat_scores,
                trading_halts=trading_halts,
                intelligence_items=intelligence_items,
                company_events=company_events,
                outcomes=found,
            ),
            rumours(rules, intelligence_items),
            inherited_exposure(rules, mna_events, incidents),
            sanctions_retaliation(rules, sanctions_changes),
        ]
    )
    return account(seen, found, newest, watched)
