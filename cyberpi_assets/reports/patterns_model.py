"""What the pattern report holds: frozen records, and the JSON they become.

How they are read from the tables is in `patterns.py`; how they look on a terminal or in Markdown is in
`patterns_text.py`.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass

import pyarrow as pa

from cyberpi_assets.reports.coverage import Coverage
from cyberpi_assets.reports.evidence import Evidence
from cyberpi_assets.reports.safe import plain
from cyberpi_assets.reports.selection import Counts

SCHEMA = "cyberpi/pattern-report/1"


@dataclass(frozen=True)
class PatternFilter:
    """Which trades the report is about, and how many rows its lists have at most.

    `days` counts back from `as_of` (inclusive), which defaults to the newest valid transaction date of the data.
    """

    days: int | None = None
    limit: int = 10
    as_of: dt.date | None = None


@dataclass(frozen=True)
class Rankings:
    """The four ranking frames, with the columns of the tables of the same names (official_rankings, ...)."""

    officials: pa.Table
    tickers: pa.Table
    sectors: pa.Table
    parties: pa.Table


@dataclass(frozen=True)
class Tally:
    """What is counted of a group of trades. Rates are 0 to 1 with a Wilson 95 % interval, amounts US dollars."""

    n_trades: int
    n_scored: int
    n_clusters: int
    suspicious: int
    rate: float | None
    rate_low: float | None
    rate_high: float | None
    mean_score: float | None
    max_score: float | None
    amount_low: float
    amount_high: float | None
    n_open_amounts: int


@dataclass(frozen=True)
class OfficialRow:
    """One official, and the filing of the highest-scored trade."""

    rank: int | None
    bioguide_id: str
    official: str
    chamber: str | None
    party: str | None
    state: str | None
    tally: Tally
    evidence: Evidence | None
    n_ocr: int
    repeat_offender_raw: bool
    top_trade_id: str | None
    top_filing_id: str | None
    top_filing_url: str | None


@dataclass(frozen=True)
class TickerRow:
    """One ticker."""

    rank: int | None
    ticker: str
    name: str | None
    sector: str | None
    tally: Tally
    evidence: Evidence | None
    n_officials: int


@dataclass(frozen=True)
class SectorRow:
    """One sector."""

    rank: int | None
    sector: str
    tally: Tally
    evidence: Evidence | None
    n_officials: int
    n_tickers: int


@dataclass(frozen=True)
class PartyRow:
    """One party within a chamber; means and deviation are over officials, not over trades."""

    chamber: str
    party: str
    n_officials: int
    mean_of_officials: float | None
    sd_of_officials: float | None
    tally: Tally


@dataclass(frozen=True)
class PartyTest:
    """Two parties' officials compared by permuting party over officials: means in points, 0 to 1 for 1 - p."""

    chamber: str
    metric: str
    party_a: str
    party_b: str
    n_a: int
    n_b: int
    mean_a: float | None
    mean_b: float | None
    difference: float | None
    low: float | None
    high: float | None
    p_value: float | None
    q_value: float | None
    method: str | None
    reason: str | None


@dataclass(frozen=True)
class CommitteeRow:
    """Members' trades in the sectors that their committee is taken to oversee, beside their other trades."""

    committee_id: str
    name: str
    chamber: str | None
    sectors: tuple[str, ...]
    breadth: float | None
    n_officials: int
    evidence: Evidence
    n_outside: int
    oe_outside: float | None


@dataclass(frozen=True)
class Season:
    """When officials trade: the test of one pattern, or one month or weekday of it. Counts are official-days."""

    pattern: str
    bucket: str
    observed: float | None
    expected: float | None
    ratio: float | None
    statistic: float | None
    p_value: float | None
    q_value: float | None
    n: int
    detail: str | None
    reason: str | None


@dataclass(frozen=True)
class Summary:
    """Totals of the period. `tiers` counts scored trades by tier; the amounts are sums of ranges in US dollars."""

    counts: Counts
    mean_score: float | None
    tiers: dict[str, int]
    amount_low: float
    amount_high: float | None
    n_open_amounts: int
    n_officials: int
    n_officials_ranked: int
    n_repeat_offenders_raw: int
    n_tickers: int
    n_tickers_ranked: int


@dataclass(frozen=True)
class PatternReport:
    """The pattern report: totals, lists in rank order, and the words that go with them."""

    period_from: dt.date | None
    period_to: dt.date | None
    as_of: dt.date | None
    days: int | None
    limit: int
    min_scored: int
    demo: bool
    summary: Summary
    evidence: str
    officials: tuple[OfficialRow, ...]
    repeat_offenders: tuple[OfficialRow, ...]
    tickers: tuple[TickerRow, ...]
    sectors: tuple[SectorRow, ...]
    party_tests: tuple[PartyTest, ...]
    parties: tuple[PartyRow, ...]
    committees: tuple[CommitteeRow, ...]
    seasons: tuple[Season, ...]
    coverage: tuple[Coverage, ...]
    notes: tuple[str, ...]


def to_json(report: PatternReport) -> dict[str, object]:
    """The report as plain JSON values: stable keys, ISO dates, null where unknown, never NaN.

    ```
    schema        "cyberpi/pattern-report/1"
    profile_demo  true when people and companies are invented
    period        {from, to, as_of, days}    ISO dates or null; from and to are inclusive
    filter        {limit, min_scored}        rows a list has at most; scored trades below which nothing is ranked
    summary       {counts: {trades, scored, not_scored, reasons: [{reason, trades}], base_rate: {k, n, rate, low,
                   high}}, mean_score, tiers: {highly suspicious, suspicious, notable, normal}, amount_low,
                   amount_high, n_open_amounts, n_officials, n_officials_ranked, n_repeat_offenders_raw, n_tickers,
                   n_tickers_ranked}
    evidence      text: how many findings are supported, or why nothing is tested
    officials     [{rank, bioguide_id, official, chamber, party, state, TALLY, EVIDENCE, n_ocr, repeat_offender_raw,
                    top_trade_id, top_filing_id, top_filing_url}]  by q, where there is evidence; rank is the raw one
    repeat_offenders  the same, for those with the raw flag, which is not a finding
    tickers       [{rank, ticker, name, sector, TALLY, EVIDENCE, n_officials}]
    sectors       [{rank, sector, TALLY, EVIDENCE, n_officials, n_tickers}]
    party_tests   [{chamber, metric, party_a, party_b, n_a, n_b, mean_a, mean_b, difference, low, high, p_value,
                   q_value, method, reason}]  chamber `both`: permuted within each; empty for a period
    parties       [{chamber, party, n_officials, mean_of_officials, sd_of_officials, TALLY}]  raw means
    committees    [{committee_id, name, chamber, sectors: [..], breadth, n_officials, EVIDENCE, n_outside, oe_outside}]
                   by q; breadth: share of all officials' clusters in these sectors; empty for a period
    seasons       [{pattern, bucket, observed, expected, ratio, statistic, p_value, q_value, n, detail, reason}]
                   bucket `all` has the test; empty for a period
    coverage      [{chamber, year, n_filings, parsed, partial, scanned, ocr, transcribed, empty_verified, missing,
                   failed, rows_read, covered}]  filings by chamber and year, whatever the period; year 0: not known
    notes         [text]   disclaimer, innocent explanations, what ranks and scores measure, the law
    TALLY =       n_trades, n_scored, n_clusters, suspicious, rate, rate_low, rate_high, mean_score, max_score,
                  amount_low, amount_high, n_open_amounts     (keys of the row itself)
    EVIDENCE =    evidence: {n_clusters, n_tested, observed, expected, oe_ratio, oe_low, oe_high, p_value, q_value,
                  rate, rate_low, rate_high, expected_score, mean_mirror, mean_difference, supported, label,
                  label_reason}, null where the lake holds none, and for a period: it is over all trades
    ```
    Money is US dollars, amount_high null when any amount is open-ended; rates are 0 to 1 with a Wilson 95 % interval.
    """
    body: dict[str, object] = {
        "schema": SCHEMA,
        "profile_demo": report.demo,
        "period": {"from": report.period_from, "to": report.period_to, "as_of": report.as_of, "days": report.days},
        "filter": {"limit": report.limit, "min_scored": report.min_scored},
        "summary": asdict(report.summary),
        "evidence": report.evidence,
        "officials": [_flat(r) for r in report.officials],
        "repeat_offenders": [_flat(r) for r in report.repeat_offenders],
        "tickers": [_flat(r) for r in report.tickers],
        "sectors": [_flat(r) for r in report.sectors],
        "party_tests": [asdict(r) for r in report.party_tests],
        "parties": [_flat(r) for r in report.parties],
        "committees": [asdict(r) for r in report.committees],
        "seasons": [asdict(r) for r in report.seasons],
        "coverage": [asdict(r) for r in report.coverage],
        "notes": list(report.notes),
    }
    return {k: plain(v) for k, v in body.items()}


def _flat(row: OfficialRow | TickerRow | SectorRow | PartyRow) -> dict[str, object]:
    out: dict[str, object] = {}
    for key, value in asdict(row).items():
        out.update(value if key == "tally" else {key: value})
    return out
