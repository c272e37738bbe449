"""All evidence in one go: the tables share the clusters, and those are the work.

Here belongs only the order in which the parts are called.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import pyarrow as pa

from cyberpi_assets.domain.evidence import calibration, groups, officials, parties, seasons
from cyberpi_assets.domain.evidence.clusters import clusters, ticker_volatility
from cyberpi_assets.domain.evidence.surface import read_surface
from cyberpi_assets.domain.sql import Frame
from cyberpi_assets.rules.figures import EvidenceRules, TimingRules
from cyberpi_assets.tables import CALIBRATION


@dataclass(frozen=True)
class Record:
    """What the evidence rests on: the tables of these names, all months."""

    correlations: pa.Table
    trades: pa.Table
    nulls: pa.Table
    surface: pa.Table
    bars: Frame
    officials: pa.Table
    terms: pa.Table
    committees: pa.Table
    memberships: pa.Table
    companies: pa.Table
    truth: pa.Table


def evidence_of_timing(
    r: Record, timing: TimingRules, rules: EvidenceRules, house_from: dt.date
) -> dict[str, pa.Table]:
    """Every table of evidence by its name: officials, tickers, sectors, committees, parties, seasons, self-test."""
    volatility = ticker_volatility(r.bars)
    data = clusters(
        r.correlations, r.trades, r.nulls, r.surface, r.terms, r.companies, volatility, timing, rules, house_from
    )
    people = officials.official_evidence(
        data, r.trades, r.correlations, r.officials, r.terms, r.memberships, rules, house_from
    )
    return {
        "official_evidence": people,
        "ticker_evidence": groups.ticker_evidence(
            data, r.trades, r.correlations, r.companies, volatility, rules, house_from
        ),
        "sector_evidence": groups.sector_evidence(data, r.trades, r.correlations, r.companies, rules, house_from),
        "committee_evidence": groups.committee_evidence(data, r.committees, r.memberships, rules),
        "party_evidence": parties.party_evidence(data, rules),
        "temporal_patterns": seasons.temporal_patterns(data, rules),
        "calibration": self_test(r.surface, volatility, people, r.truth, timing, rules),
    }


def self_test(
    surface: Frame, volatility: pa.Table, people: pa.Table, truth: pa.Table, timing: TimingRules, rules: EvidenceRules
) -> pa.Table:
    """The self-test on the bars at hand; no rows where they are too few to test on. Columns: `tables.CALIBRATION`."""
    try:
        return calibration.calibrate(
            read_surface(surface, timing, rules), volatility, rules, people, truth, worlds=rules.worlds
        )
    except ValueError:
        return CALIBRATION.empty()
