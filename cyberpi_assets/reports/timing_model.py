"""What the suspicious-timing report holds: frozen records, and the JSON they become.

How they are read from the tables is in `timing.py`; how they look on a terminal or in Markdown is in `timing_text.py`.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass

from cyberpi_assets.reports.coverage import Coverage
from cyberpi_assets.reports.safe import plain
from cyberpi_assets.reports.selection import Counts

SCHEMA = "cyberpi/timing-report/1"


@dataclass(frozen=True)
class TimingFilter:
    """Which trades the report lists.

    `days` counts back from `as_of` (inclusive), which defaults to the newest valid transaction date of the data.
    `official` is a name or a bioguide id, `ticker` a current symbol, `limit` null for all findings.
    """

    days: int | None = None
    min_score: float = 60.0
    official: str | None = None
    ticker: str | None = None
    limit: int | None = 50
    as_of: dt.date | None = None


@dataclass(frozen=True)
class PriorAlert:
    """One alert day that counted: the day, how long before the trade, every type of that day, the highest severity."""

    session: dt.date
    days_before: int
    types: tuple[str, ...]
    severity: int | None
    change_pct: float | None
    alert_ids: tuple[str, ...]


@dataclass(frozen=True)
class Components:
    """The four counts of the score: raw = 5 n_alerts + 2 mean_severity + 10 n_recent + 15 n_high."""

    n_alerts: int
    mean_severity: float
    n_recent: int
    n_high: int


@dataclass(frozen=True)
class DateNull:
    """What the same official's other days in office would have scored in the ticker; `reason` where there is no p.

    `p_headline` is the larger of the p over all admissible dates and the one over those within 90 days. Shares are 0 to
    1; `difference` is the score less the mirror score, the same formula on the 30 days after the trade.
    """

    p_headline: float | None
    p_placebo: float | None
    p_local: float | None
    expected_score: float | None
    expected_suspicious: float | None
    mirror_score: float | None
    difference: float | None
    n_dates: int
    reason: str | None


@dataclass(frozen=True)
class Finding:
    """One disclosed trade with its score, what the score is made of, and where it was disclosed."""

    rank: int
    trade_id: str
    filing_id: str
    filing_url: str | None
    official: str
    bioguide_id: str | None
    party: str | None
    chamber: str
    state: str | None
    owner: str | None
    ticker: str
    company: str | None
    sector: str | None
    asset: str | None
    asset_type: str | None
    description: str | None
    side: str | None
    transaction_date: dt.date
    filed_on: dt.date | None
    days_to_file: int | None
    amount_low: float | None
    amount_high: float | None
    score: float
    raw_score: float
    tier: str
    assessment: str
    coverage: float | None
    evidence: DateNull | None
    components: Components
    alerts: tuple[PriorAlert, ...]
    transcription: str | None
    flags: tuple[str, ...]

    @property
    def is_ocr(self) -> bool:
        """Whether the row was read from a scan by character recognition."""
        return self.transcription == "ocr"


@dataclass(frozen=True)
class TimingReport:
    """The suspicious-timing report: its period and counts, its findings in order, and the words that go with them."""

    period_from: dt.date | None
    period_to: dt.date | None
    as_of: dt.date | None
    days: int | None
    min_score: float
    official: str | None
    bioguide_id: str | None
    ticker: str | None
    limit: int | None
    demo: bool
    counts: Counts
    selected: Counts | None
    matching: int
    findings: tuple[Finding, ...]
    coverage: tuple[Coverage, ...]
    notes: tuple[str, ...]


def to_json(report: TimingReport) -> dict[str, object]:
    """The report as plain JSON values: stable keys, ISO dates, null where unknown, never NaN.

    ```
    schema       "cyberpi/timing-report/1"
    profile_demo true when people and companies are invented
    period       {from, to, as_of, days}                          ISO dates or null; from and to are inclusive
    filter       {min_score, official, bioguide_id, ticker, limit} official is the person found, not the text typed
    counts       {trades, scored, not_scored, reasons: [{reason, trades}], base_rate: {k, n, rate, low, high}}
                 over all trades of the period; k trades of n scored have a score of at least 60; Wilson 95 %
    selected     the same over the trades of the official and ticker chosen; null when neither is
    matching     findings that match, of which `limit` are listed
    findings     [{rank, trade_id, filing_id, filing_url, official, bioguide_id, party, chamber, state, owner, ticker,
                   company, sector, asset, asset_type, description, side, transaction_date, filed_on,
                   days_to_file, amount_low, amount_high, amount_open_ended, score, raw_score, tier, assessment,
                   coverage, evidence: {p_headline, p_placebo, p_local, expected_score, expected_suspicious,
                   mirror_score, difference, n_dates, reason} or null,
                   components: {n_alerts, mean_severity, n_recent, n_high},
                   alerts: [{session, days_before, types: [..], severity, change_pct, alert_ids: [..]}],
                   transcription, ocr, flags: [..]}]
    coverage     [{chamber, year, n_filings, parsed, partial, scanned, ocr, transcribed, empty_verified, missing,
                   failed, rows_read, covered}]  filings by chamber and year, whatever the period; year 0: not known
    notes        [text]  disclaimer, innocent explanations, what scores measure, the law
    ```
    evidence: p_headline is the share of other possible dates that score at least as high (the larger of p_placebo over
    all of them and p_local within 90 days); reason says why there is none; null where no null was computed at all.
    Money is US dollars, coverage and rates are 0 to 1, change_pct is percent, scores are points (score capped at 100).
    """
    findings = [
        {**asdict(f), "amount_open_ended": f.amount_low is not None and f.amount_high is None, "ocr": f.is_ocr}
        for f in report.findings
    ]
    body = {
        "schema": SCHEMA,
        "profile_demo": report.demo,
        "period": {
            "from": report.period_from,
            "to": report.period_to,
            "as_of": report.as_of,
            "days": report.days,
        },
        "filter": {
            "min_score": report.min_score,
            "official": report.official,
            "bioguide_id": report.bioguide_id,
            "ticker": report.ticker,
            "limit": report.limit,
        },
        "counts": asdict(report.counts),
        "selected": None if report.selected is None else asdict(report.selected),
        "matching": report.matching,
        "findings": findings,
        "coverage": [asdict(c) for c in report.coverage],
        "notes": list(report.notes),
    }
    return {k: plain(v) for k, v in body.items()}
