"""Rules that decide figures: thresholds, windows and weights of alerts, scores, evidence, signals and checks."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class AlertThresholds(BaseModel):
    """When a market alert fires, and how its severity is measured (METHODS, section 1)."""

    model_config = ConfigDict(frozen=True)

    volume_ratio: float = Field(3.0, gt=1, description="volume over the mean of the prior sessions")
    volume_sessions: int = Field(20, ge=2)
    volume_present: int = Field(15, ge=1)
    move_pct: float = Field(5.0, gt=0, description="close-to-close move in percent, up or down")
    volatility_ratio: float = Field(2.0, gt=1, description="5-day std over its median")
    volatility_days: int = Field(5, ge=3)
    volatility_sessions: int = Field(60, ge=2)
    volatility_present: int = Field(40, ge=1)
    suspect_move_pct: float = Field(40.0, gt=0, description="a larger move wants a known split to explain it")
    severity_sessions: int = Field(504, ge=20)
    severity_present: int = Field(120, ge=10)


class TimingRules(BaseModel):
    """How a disclosed trade is scored (METHODS, section 2)."""

    model_config = ConfigDict(frozen=True)

    window_days: int = Field(30, ge=1, description="calendar days before the trade in which alerts count")
    recent_days: int = Field(7, ge=1)
    high_severity: int = Field(7, ge=1, le=10)
    include_same_day: bool = Field(False, description="count alerts of the trade's own day (lag 0)")
    count: Literal["ticker_days", "alerts"] = Field(
        "ticker_days", description="ticker_days: one alert per ticker and day; alerts: the seed's literal counting"
    )
    min_coverage: float = Field(
        0.5, ge=0, le=1, description="share of the window's sessions that must have a return, or there is no score"
    )
    score_named: bool = Field(
        False, description="score trades whose symbol rests on the company's name alone, none being printed"
    )


class RankingRules(BaseModel):
    """What a ranking may rank."""

    model_config = ConfigDict(frozen=True)

    min_scored: int = Field(10, ge=1, description="scored trades below which nobody and nothing is ranked")
    top_tickers: int = Field(50, ge=1, description="size of the watch universe")
    house_from: dt.date = Field(
        dt.date(2019, 1, 1), description="House filings before this day are incomplete in public data: not ranked"
    )


class EvidenceRules(BaseModel):
    """How scores are held against chance (METHODS, section 3), and when a finding is called supported."""

    model_config = ConfigDict(frozen=True)

    min_dates: int = Field(60, ge=2, description="admissible dates below which a trade gets no p")
    prior_sessions: int = Field(60, ge=0, description="sessions a ticker must have been listed before a placebo date")
    local_days: int = Field(90, ge=1, description="calendar days before and after the trade for the local null")
    shifts: int = Field(9_999, ge=99, description="random circular shifts of a calendar, and permutations")
    worlds: int = Field(200, ge=10, description="simulated worlds of the self-test")
    resamples: int = Field(2_000, ge=100, description="bootstrap resamples of trading days")
    min_clusters: int = Field(10, ge=1, description="official x ticker x day clusters below which nothing is supported")
    min_batches: int = Field(5, ge=2, description="trading days below which there is no bootstrap interval")
    q_level: float = Field(0.05, gt=0, lt=1, description="largest q of a supported finding")
    offender_rate: float = Field(0.5, gt=0, lt=1, description="rate of suspicious trades of a repeat offender")
    offender_certainty: float = Field(0.95, gt=0, lt=1, description="posterior probability that the rate is reached")
    rebalancing_tickers: int = Field(
        10, ge=2, description="tickers an official trades on a day that look like rebalancing"
    )
    seed: int = Field(20_120_404, ge=0, description="of every random draw")


class BacktestRules(BaseModel):
    """How often the back-test draws at random; what it tests is registered and no setting (METHODS, section 6)."""

    model_config = ConfigDict(frozen=True)

    resamples: int = Field(2_000, ge=100, description="bootstrap resamples of companies and campaigns")
    shuffles: int = Field(5_000, ge=99, description="draws of which member of a matched set was the event")
    null_draws: int = Field(200, ge=0, description="whole procedures on days without an incident")


class OptionRules(BaseModel):
    """How implied volatility and the figures of option flow are measured (METHODS, section 5)."""

    model_config = ConfigDict(frozen=True)

    rate: float = Field(0.04, gt=-0.1, lt=1, description="risk-free rate a year, continuous, as a fraction")
    dividend_yield: float = Field(
        0.0, ge=0, lt=1, description="continuous yield where no snapshot states one, as a fraction"
    )
    min_years: float = Field(1 / 8760, gt=0, description="least time to expiry, in years of 365 days: one hour")
    min_vol: float = Field(0.01, gt=0, description="a lower implied volatility is not believed, a year, as a fraction")
    max_vol: float = Field(5.0, gt=0, description="a higher one is not believed")
    window_days: int = Field(45, ge=1, description="calendar days to expiry of the seed's window")
    window_expiries: int = Field(3, ge=1, description="nearest expiries of the seed's window")
    near_days: int = Field(14, ge=0, description="calendar days within which an expiry is near")
    otm_put_strike: float = Field(0.95, gt=0, le=1, description="a put below this share of spot is out of the money")
    otm_put_volume: int = Field(100, ge=0, description="contracts that such a put must exceed to count")
    otm_put_largest: int = Field(5, ge=1, description="largest such puts that are summed")
    whole_day_minutes: int = Field(
        15,
        ge=0,
        description="a snapshot this near before the close has seen the whole day (data may be late by as much)",
    )
    average_sessions: int = Field(30, ge=2, description="prior sessions of the own mean volume")
    average_present: int = Field(10, ge=1, description="of which this many must be known")
    median_sessions: int = Field(60, ge=2, description="prior sessions of the median volume")
    median_present: int = Field(20, ge=1, description="of which this many must be known")
    adv_sessions: int = Field(20, ge=2, description="prior sessions of the stock's average daily volume")
    adv_present: int = Field(10, ge=1, description="of which this many must be known")
    delta_coverage: float = Field(0.8, ge=0, le=1, description="share of put volume whose delta must be known")
    pair_size: float = Field(
        0.9, gt=0, le=1, description="two volumes this near in size look like one order of two legs"
    )
    pair_volume: int = Field(500, ge=1, description="contracts that each leg must reach")


class ThreatRules(BaseModel):
    """How option flow is scored (METHODS, section 5); tiers are exceeded, not reached."""

    model_config = ConfigDict(frozen=True)

    put_call_tiers: tuple[tuple[float, int], ...] = Field(((2.0, 30), (1.5, 15)), description="ratio, points")
    volume_tiers: tuple[tuple[float, int], ...] = Field(
        ((300.0, 25), (200.0, 15), (100.0, 10)), description="excess over the average in percent, points"
    )
    otm_tiers: tuple[tuple[float, int], ...] = Field(((1000.0, 25), (500.0, 15)), description="contracts, points")
    near_tiers: tuple[tuple[float, int], ...] = Field(((0.5, 20),), description="share of volume, points")
    min_coverage: float = Field(0.5, ge=0, le=1, description="share of indicators known, below which no score")
    push_score: int = Field(70, ge=0, le=100, description="score from which a threat goes to working memory")
    history_sessions: int = Field(120, ge=20, description="prior sessions of a ticker's own past")
    history_present: int = Field(20, ge=2, description="of which this many must be known, or history is insufficient")
    own_weight: float = Field(20.0, gt=0, description="k of w = n / (n + k), the weight of the own past")
    cell_present: int = Field(12, ge=3, description="sessions of the same weekday and kind of week to compare within")
    min_features: int = Field(4, ge=1, le=8, description="features known, below which there is no history score")
    min_peers: int = Field(3, ge=1, description="other underlyings below which a group of peers is widened")
    history_fires: float = Field(3.0, gt=0, description="robust deviations from which a feature is said to have fired")
    z_limit: float = Field(10.0, gt=0, description="a feature counts no further than this")
    min_ranked: int = Field(10, ge=2, description="underlyings of a date below which there is no percentile")
    slot_minutes: int = Field(30, ge=1, le=1440, description="snapshots of one date this near are ranked together")
    earnings_before: int = Field(5, ge=0, description="sessions before earnings that are flagged")
    earnings_after: int = Field(1, ge=0, description="sessions after earnings that are flagged")
    dividend_before: int = Field(2, ge=0, description="sessions before an ex-dividend day that are flagged")
    pair_share: float = Field(0.2, gt=0, le=1, description="share of volume in two-legged orders that is flagged")
    funds: tuple[str, ...] = Field(
        ("SPY", "QQQ", "IWM", "DIA", "IBIT", "GLD", "SLV", "TLT", "HYG", "EEM", "EFA", "FXI", "ARKK", "SMH", "SOXX",
         "HACK", "CIBR", "XBI", "XLB", "XLC", "XLE", "XLF", "XLI", "XLK", "XLP", "XLRE", "XLU", "XLV", "XLY", "KRE",
         "VXX", "UVXY", "TQQQ", "SQQQ", "SPX", "SPXW", "NDX", "RUT", "VIX", "ZZIDX"),
        description="underlyings that are indices or funds: their options hedge whole portfolios",
    )  # fmt: skip


class AlertLifeRules(BaseModel):
    """When alerts of several kinds are raised, go on and end (docs/methods.md, life of an alert)."""

    model_config = ConfigDict(frozen=True)

    option_score: int = Field(50, ge=1, le=100, description="seed score from which a snapshot is evidence of an alert")
    market_silence_days: int = Field(
        30, ge=1, description="evidence after more calendar days without data begins another alert: daily bars"
    )
    option_silence_days: int = Field(7, ge=1, description="the same for snapshots of options")
    halt_silence_days: int = Field(30, ge=1, description="the same for trading halts")
    news_days: int = Field(7, ge=1, description="days for which a threat in the news holds without a further item")
    fused_confidence: Literal["low", "medium", "high"] = Field(
        "medium", description="confidence from which a fused signal is evidence of an alert"
    )
    fused_score: float = Field(0.25, gt=0, le=1, description="score that it must have besides")
    fused_days: int = Field(30, ge=1, description="days for which a fused signal holds without a further one")


class SignalRules(BaseModel):
    """What detectors take for a trace, and how signals fade, add up and warn (docs/methods.md, the hunt)."""

    model_config = ConfigDict(frozen=True)

    traces_days: int = Field(14, ge=1, description="calendar days within which traces of several kinds come together")
    least_drop: float = Field(0.05, gt=0, lt=1, description="fall beyond market and sector, as a share")
    least_drop_z: float = Field(3.0, gt=0, description="the same in deviations of the company's own residuals")
    volume_severity: int = Field(7, ge=1, le=10, description="severity from which unusual volume is a trace")
    option_score: int = Field(50, ge=1, le=100, description="seed score from which option trading is a trace")
    halt_codes: tuple[str, ...] = Field(
        ("T1", "T2", "T12", "H10"), description="halts for news, for information, and suspensions by the SEC"
    )
    outcome_days: int = Field(30, ge=1, description="days after a signal in which an incident follows it")
    rumour_days: int = Field(30, ge=1, description="days in which a reported incident may be confirmed")
    inherited_before_days: int = Field(365, ge=0, description="an incident of a target so long before is inherited")
    inherited_after_days: int = Field(540, ge=0, description="an incident of a target so long after is inherited")
    inherited_window_days: int = Field(365, ge=1, description="days in which an incident of the acquirer follows")
    retaliation_days: int = Field(1, ge=1, description="days after sanctions that the hypothesis speaks of")
    least_origin: float = Field(0.05, gt=0, lt=1, description="weight from which an origin of evidence counts as one")
    priorities: tuple[float, float, float, float] = Field(
        (0.85, 0.6, 0.4, 0.25), description="scores from which a warning is P0, P1, P2, P3"
    )
    warning_gap_days: int = Field(30, ge=1, description="days without new evidence after which a warning has lapsed")


class QualityRules(BaseModel):
    """When checks of freshness, completeness and drift warn (docs/checks.md)."""

    model_config = ConfigDict(frozen=True)

    as_of: dt.date | None = Field(
        None, description="day that data are held against; none: today, in the demo the day after its last month"
    )
    bar_sessions: int = Field(3, ge=0, description="sessions that daily bars may lie behind")
    option_sessions: int = Field(5, ge=0, description="the same for quotes and option chains")
    filing_days: int = Field(30, ge=1, description="calendar days that filings and disclosed trades may lie behind")
    news_days: int = Field(4, ge=1, description="the same for news")
    least_present: float = Field(0.95, ge=0, le=1, description="share of a month's sessions x tickers with a bar")
    least_cells: int = Field(200, ge=1, description="expected bars below which a month has no share of its own")
    drift_psi: float = Field(0.25, gt=0, description="population stability index from which a month has shifted")
    drift_months: int = Field(12, ge=1, description="months before a month that it is held against")
    drift_rows: int = Field(200, ge=1, description="rows of a month below which it is not compared")
    drift_reference_rows: int = Field(1_000, ge=1, description="rows of the months before below which it is not")
