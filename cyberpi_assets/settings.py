"""The only reader of the environment: profile, paths, URLs and thresholds, from CYBERPI_* variables.

Everything that a person may configure belongs here, with its default and its unit. Nothing here touches a disk, a
network or a clock.
"""

from __future__ import annotations

import datetime as dt
import json
import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator
from pydantic_core import to_jsonable_python
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class Profile(StrEnum):
    """Where facts come from."""

    DEMO = "demo"
    FILES = "files"
    LIVE = "live"


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


class LiveRules(BaseModel):
    """Which sites profile live asks, for what, as whom and how often."""

    model_config = ConfigDict(frozen=True)

    contact: str | None = Field(
        None, pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$", description="mail address that every request names"
    )
    accept_senate_terms: bool = Field(
        False, description="you have read the terms on the Senate's page and accept them; nobody else can"
    )
    parts: tuple[Literal["house", "senate", "people"], ...] = Field(
        ("house", "senate", "people"), description="official sites that are asked"
    )
    fetch_from: dt.date = Field(dt.date(2025, 1, 1), description="filings before this day are not fetched")
    fetch_until: dt.date | None = Field(None, description="nor filings after this day; none: to the present")
    max_documents: int = Field(2_000, ge=1, description="documents that one site is asked for in one run")
    per_second: float = Field(1.0, gt=0, le=100, description="requests per second to a host, over all processes")
    poll_minutes: float = Field(15.0, ge=0, description="an index or list younger than this is not asked for again")
    house_url: str = Field("https://disclosures-clerk.house.gov", description="the Clerk of the House")
    senate_url: str = Field("https://efdsearch.senate.gov", description="the Senate's disclosure site")
    senate_media_url: str = Field("https://efd-media-public.senate.gov", description="the Senate's scanned pages")
    people_url: str = Field(
        "https://unitedstates.github.io/congress-legislators", description="the public lists of legislators"
    )


class NewsRules(BaseModel):
    """Which sources of news and events profile live asks, where, and for which companies."""

    model_config = ConfigDict(frozen=True)

    parts: tuple[Literal["edgar", "halts", "kev", "nvd", "ofac", "feeds", "yahoo", "ibkr"], ...] = Field(
        ("edgar", "halts", "kev", "nvd", "ofac", "feeds"), description="sources that are asked"
    )
    tickers: tuple[str, ...] = Field(
        (), description="symbols whose own headlines yahoo and ibkr are asked for; none: those that are watched"
    )
    poll_minutes: float = Field(5.0, ge=0, description="a feed younger than this is not asked for again")
    list_hours: float = Field(20.0, ge=0, description="nor a list (KEV, NVD, OFAC)")
    max_documents: int = Field(200, ge=0, description="filings whose text is fetched in one run")
    articles: int = Field(0, ge=0, description="full articles that IBKR is asked for in one run")
    tape_seconds: float = Field(0.0, ge=0, le=600, description="how long IBKR's broad tapes are listened to in one run")
    sec_url: str = Field("https://www.sec.gov", description="EDGAR's pages and documents")
    sec_search_url: str = Field("https://efts.sec.gov", description="EDGAR's full-text search")
    halts_url: str = Field("https://www.nasdaqtrader.com", description="Nasdaq's trading halts, of all US listings")
    kev_url: str = Field(
        "https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json",
        description="CISA's catalogue",
    )
    kev_mirror_url: str = Field(
        "https://raw.githubusercontent.com/cisagov/kev-data/main/known_exploited_vulnerabilities.json",
        description="the same where CISA's own address refuses",
    )
    nvd_url: str = Field("https://services.nvd.nist.gov/rest/json/cves/2.0", description="the vulnerability database")
    nvd_entries: int = Field(
        10, ge=0, description="entries of it asked for one by one in a run, for headlines name them"
    )
    ofac_url: str = Field(
        "https://sanctionslistservice.ofac.treas.gov/api/PublicationPreview/exports",
        description="the sanctions list",
    )


class YahooRules(BaseModel):
    """How Yahoo is asked (an unofficial interface: slowly)."""

    model_config = ConfigDict(frozen=True)

    per_second: float = Field(1.0, gt=0, le=2, description="requests per second, over all processes of this machine")
    quotes_per_request: int = Field(50, ge=1, le=200, description="tickers in one request for quotes")
    expiries: int = Field(6, ge=1, le=30, description="expiries of a chain that are asked for, one request each")
    within_days: int = Field(75, ge=1, description="expiries further away are not asked for")
    timeout: float = Field(20.0, ge=1, description="seconds for one answer")
    attempts: int = Field(2, ge=1, le=5, description="how often a request is made that failed for no lasting reason")
    pause: float = Field(120.0, gt=0, description="seconds of silence after 'Too Many Requests'; doubles each time")
    patience: float = Field(600.0, ge=0, description="seconds of such silence a sweep accepts before it ends")


class IbkrRules(BaseModel):
    """How a TWS or IB Gateway on your side is asked, below the limits that IBKR states."""

    model_config = ConfigDict(frozen=True)

    host: str = Field("127.0.0.1", description="where TWS or IB Gateway listens")
    port: int = Field(7497, ge=1, le=65535, description="Gateway 4001 live, 4002 paper; TWS 7496 live, 7497 paper")
    client_id: int = Field(71, ge=1, description="one connection per id; 0 would bind orders made by hand")
    timeout: float = Field(20.0, gt=0, description="seconds for one answer, and for connecting")
    reconnects: int = Field(8, ge=0, description="attempts to connect again before the sweep ends")
    backoff: float = Field(0.5, ge=0, description="first pause before connecting again, seconds; doubles up to 30")
    messages_per_second: int = Field(45, ge=5, le=50, description="most messages in any second; IBKR cuts off at 50")
    lines: int = Field(100, ge=1, description="market data lines held at once; IBKR's default is 100")
    historical: int = Field(60, ge=1, le=60, description="historical requests in any 10 minutes")
    market_data_type: Literal[1, 2, 3, 4] = Field(
        3, description="asked for: 1 live, 2 frozen, 3 delayed where live is not subscribed, 4 delayed frozen"
    )
    line_seconds: float = Field(11.0, gt=0, description="longest wait for the ticks of one line")
    quiet_seconds: float = Field(2.0, gt=0, description="a line that was silent so long after a tick is complete")
    attempts: int = Field(4, ge=1, description="how often a ticker is asked for when the connection breaks under it")
    expiries: int = Field(5, ge=1, le=30, description="expiries of a full chain")
    within_days: int = Field(75, ge=1, description="expiries further away are not asked for")
    strike_window: float = Field(0.3, gt=0, lt=1, description="strikes of a full chain: share of spot either side")
    contracts: int = Field(600, ge=2, description="most contracts of one full chain; the strikes next to spot first")


class MarketRules(BaseModel):
    """Who is asked for quotes and option chains, how often, and when a full chain is worth its requests."""

    model_config = ConfigDict(frozen=True)

    provider: Literal["yahoo", "ibkr"] = "yahoo"
    bars_from: dt.date | None = Field(
        dt.date(2015, 1, 1), description="first day of the daily bars of watched names; empty to ask for none"
    )
    every_minutes: int = Field(30, ge=5, description="a sweep that began longer ago is not resumed but closed")
    fires_put_call: float = Field(1.5, gt=0, description="put/call volume ratio from which a full chain is asked for")
    fires_volume_ratio: float = Field(2.0, gt=0, description="option volume over its average, likewise")
    yahoo: YahooRules = YahooRules()  # pyright: ignore[reportCallIssue]
    ibkr: IbkrRules = IbkrRules()  # pyright: ignore[reportCallIssue]


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


class MemoryRules(BaseModel):
    """What goes into the working memory."""

    model_config = ConfigDict(frozen=True)

    push_score: int = Field(70, ge=1, le=100, description="seed score from which a threat is pushed")
    sweep_minutes: int = Field(30, ge=1, description="snapshots within so many minutes of the newest are one sweep")


class LlmRules(BaseModel):
    """Who analyses threats, and what the analyst may take. No setting lets an analysis change a score."""

    model_config = ConfigDict(frozen=True)

    engine: Literal["rules", "ollama", "auto"] = Field(
        "auto", description="rules alone; rules and Ollama; auto: Ollama too where it answers and has the model"
    )
    host: str = Field("http://127.0.0.1:11434", description="address of the Ollama server")
    model: str = Field("llama3.2:3b", description="a small model; llama4:16x17b on two large GPUs")
    keep_alive: str = Field("10m", description="how long the model stays loaded after an answer")
    num_ctx: int = Field(8192, ge=1024, description="context of the model, tokens")
    max_tokens: int = Field(900, ge=100, description="longest answer, tokens")
    timeout_seconds: float = Field(300, gt=0, description="longest wait for one answer, loading of the model included")
    tries_when_busy: int = Field(3, ge=1, description="how often a busy server is asked")
    seed: int = Field(7, ge=0)
    min_score: int = Field(70, ge=1, le=100, description="seed score from which a threat is analysed")
    most_per_run: int = Field(20, ge=0, description="threats a run asks the model about, the newest first")
    min_gpu_share: float = Field(
        0.0, ge=0, le=1, description="share of the model in GPU memory below which the op fails"
    )


class HighwayRules(BaseModel):
    """How threat items travel through Redis to the stores (docs/storage.md, highway)."""

    model_config = ConfigDict(frozen=True)

    publish_days: int = Field(
        30, ge=1, description="items that became known longer before the newest are not published"
    )
    max_lag: int = Field(1_000_000, ge=1, description="entries no worker has taken, beyond which nothing is published")
    batch: int = Field(1_000, ge=1, le=5_000, description="entries a worker takes and stores at once")
    claim_idle_seconds: float = Field(
        60.0, gt=0, description="silence after which the entries of a worker are another's"
    )
    max_deliveries: int = Field(5, ge=2, description="how often an entry is handed out before it is a dead letter")
    heartbeat_seconds: float = Field(10.0, gt=0, description="a worker says so often that it lives")
    foreign_consumers: tuple[Literal["weaviate", "neo4j", "alerts"], ...] = Field(
        (), description="queues whose list belongs to consumers of another platform: ours are pushed there as well"
    )


class NotifyRules(BaseModel):
    """Who is told of alerts, warnings and failed runs, through Apprise; without an address nobody is."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    urls: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        (), description="Apprise addresses, a blank between; they hold passwords and tokens and go nowhere else"
    )
    min_severity: Literal["low", "medium", "high", "critical"] = Field(
        "high", description="least severity told of; of warnings P0 is critical, P1 high, P2 medium, P3 low"
    )
    most: int = Field(20, ge=1, le=500, description="messages of one look; what is due beyond is told in one more")
    tries: int = Field(5, ge=1, le=50, description="attempts to send a message that no service took")
    timeout_seconds: float = Field(15.0, gt=0, le=120, description="longest wait for one service")

    @field_validator("urls", mode="before")
    @classmethod
    def _addresses(cls, given: Any) -> Any:
        """A list, its JSON, or addresses with blanks or new lines between."""
        if not isinstance(given, str):
            return given
        if not given.lstrip().startswith("["):
            return tuple(given.split())
        try:
            return tuple(json.loads(given))
        except ValueError:  # its words would hold what was given
            raise ValueError("neither JSON nor addresses with blanks between") from None


class ConcurrencyRules(BaseModel):
    """How much runs at once: slots of each pool, over all runs of an instance, and runs that Dagster launches."""

    model_config = ConfigDict(frozen=True)

    gpu: int = Field(1, ge=1, description="steps at once that ask a model on a GPU")
    yahoo: int = Field(1, ge=1, description="runs at once that ask Yahoo")
    ibkr: int = Field(1, ge=1, description="runs at once that ask IBKR")
    sec: int = Field(1, ge=1, description="runs at once that ask the SEC")
    filings: int = Field(1, ge=1, description="runs at once that ask the House and the Senate")
    runs: int = Field(3, ge=1, description="runs at once that Dagster launches; a run of the terminal does not wait")
    backfills: int = Field(2, ge=1, description="of these, runs of backfills")

    @property
    def pools(self) -> dict[str, int]:
        """Slots by pool."""
        return {name: getattr(self, name) for name in ("gpu", "yahoo", "ibkr", "sec", "filings")}


class StoreRules(BaseModel):
    """Which graph and which vectors, and who embeds texts. Without a URL both are files under the data folder."""

    model_config = ConfigDict(frozen=True)

    neo4j_user: str = Field("neo4j", description="user of the Neo4j server")
    neo4j_database: str | None = Field(None, description="database of that server; none: its default")
    weaviate_grpc_port: int = Field(50051, ge=1, le=65535, description="where that Weaviate server speaks gRPC")
    collection: str = Field("CyberpiThreat", pattern=r"^[A-Z][A-Za-z0-9_]{0,60}$", description="collection in Weaviate")
    embeddings: Literal["lexical", "ollama"] = Field(
        "lexical", description="lexical: hashed words, offline; ollama: meanings, by a model of that server"
    )
    model: str = Field("nomic-embed-text", description="embedding model of the Ollama server")
    wait_seconds: float = Field(60.0, ge=0, description="how long an asset waits for a store that a worker holds")


def _without_secrets(value: Any) -> Any:
    """A value of a setting as JSON has it, without secrets and without lists and groups that are nothing else."""
    if isinstance(value, BaseModel):
        value = {name: getattr(value, name) for name in type(value).model_fields}
    if isinstance(value, SecretStr) or value is None:
        return None
    if isinstance(value, dict):
        named = {name: _without_secrets(v) for name, v in cast(dict[str, Any], value).items()}
        return {name: v for name, v in named.items() if v is not None}
    if isinstance(value, list | tuple) and any(isinstance(v, SecretStr) for v in cast(list[Any], value)):
        return None
    return to_jsonable_python(value)


class S3Rules(BaseModel):
    """How object storage is reached. Without keys, delta-rs finds credentials as AWS' own tools do (role, AWS_*)."""

    model_config = ConfigDict(frozen=True)

    endpoint: str | None = Field(
        None, pattern=r"^https?://\S+$", description="address of an S3-compatible server; none: Amazon's"
    )
    region: str = Field("us-east-1", description="region of the bucket; other servers want some name")
    conditional_put: Literal["etag", "disabled"] = Field(
        "etag", description="how a commit sees that another came first; disabled: only where one process writes"
    )


class ClusterRules(BaseModel):
    """Who runs what the web interface and schedules launch (docs/cluster.md)."""

    model_config = ConfigDict(frozen=True)

    launcher: Literal["local", "celery", "k8s"] = Field(
        "local", description="local: processes of this machine; celery: workers; k8s: a Kubernetes job for each run"
    )
    executor: Literal["in_process", "celery", "k8s"] = Field(
        "in_process", description="where the steps of a run go: all in its process, or each to a worker or a pod"
    )
    queue: str = Field("cyberpi", pattern=r"^[a-z][a-z0-9_-]{0,40}$", description="queue of runs that ask for none")
    step_queue: str = Field(
        "steps", pattern=r"^[a-z][a-z0-9_-]{0,40}$", description="queue of steps; not that of runs, which wait for them"
    )
    longest_run_seconds: int = Field(
        7_200, ge=1, description="a run that lasts longer is ended; a message is given to another worker after it"
    )
    resumes: int = Field(3, ge=0, description="how often a run goes on after its worker has died")
    months_per_run: int | None = Field(
        None, ge=1, description="months in one run of a backfill spread over workers; none: a share for each of eight"
    )
    logs_bucket: str | None = Field(None, description="bucket of the steps' output; none: on disk")
    logs_prefix: str = Field("logs", description="what its keys begin with")


def _project_root() -> Path:
    """The folder that holds dagster.yaml: the checkout, or else the working directory."""
    checkout = Path(__file__).resolve().parent.parent
    return checkout if (checkout / "dagster.yaml").exists() else Path.cwd()


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


class OcrRules(BaseModel):
    """Whether scanned filings are read by character recognition, and what becomes of such rows."""

    model_config = ConfigDict(frozen=True)

    enabled: bool = Field(False, description="read scans with Tesseract into ocr_review")
    command: str = Field("tesseract", min_length=1, description="the program: a name on the path, or a place")
    page_seconds: float = Field(20.0, gt=0, le=600, description="longest time for one page")
    max_pages: int = Field(200, ge=1, description="pages of one document that are read")
    min_confidence: float = Field(
        0.6, ge=0, le=1, description="mean confidence of a row's words, below which it stays out"
    )
    include_in_trades: bool = Field(
        False, description="let rows of that confidence, with date and direction, into disclosed_trades"
    )
    include_in_scores: bool = Field(False, description="and score them, though nobody has reviewed them")


class Settings(BaseSettings):
    """What a person may configure, from CYBERPI_* variables; nested values as CYBERPI_ALERTS__VOLUME_RATIO."""

    model_config = SettingsConfigDict(
        env_prefix="CYBERPI_",
        env_nested_delimiter="__",
        frozen=True,
        extra="ignore",
        env_ignore_empty=True,
        hide_input_in_errors=True,  # it may hold a password
    )

    profile: Profile = Profile.DEMO
    data: Path | None = Field(
        None, description="folder of bulk files: for profile files, and beside the sites for live"
    )
    home: Path = Field(default_factory=_project_root, description="folder that holds dagster.yaml and data/")
    store: Path | None = Field(None, description="where everything is kept; default <home>/data/<profile>")
    watchlist: Path | None = Field(None, description="the lists of watched names; default <home>/data/watchlist.csv")
    universe: Literal["watchlist", "top_traded", "both", "file"] = Field(
        "both", description="what is watched: the lists, the officials' most traded, both, or the file named"
    )
    universe_file: Path | None = Field(None, description="for universe file: symbols, one a line, or a list as above")
    demo_seed: int = Field(20230103, description="another seed gives another world")
    demo_months: tuple[str, str] = Field(
        ("2023-01", "2025-12"), description="first and last month of the simulated world"
    )
    redis_url: SecretStr | None = Field(None, description="a Redis server in place of the embedded one")
    neo4j_url: SecretStr | None = Field(None, description="a Neo4j server in place of the embedded graph")
    neo4j_password: SecretStr | None = Field(None, description="password for it")
    weaviate_url: SecretStr | None = Field(None, description="a Weaviate server in place of the embedded vectors")
    weaviate_key: SecretStr | None = Field(None, description="API key for it")
    taxii_user: str | None = Field(None, description="user name for the TAXII server that exports are pushed to")
    taxii_password: SecretStr | None = Field(None, description="password for it")
    lake_url: str | None = Field(
        None, pattern=r"^s3://[^/\s@]+(/\S*)?$", description="s3://bucket/prefix for the tables in place of the store"
    )
    s3_key: SecretStr | None = Field(None, description="access key for it")
    s3_secret: SecretStr | None = Field(None, description="secret key for it")
    postgres_url: SecretStr | None = Field(None, description="Dagster's history in Postgres in place of SQLite")
    broker_url: SecretStr | None = Field(None, description="Redis through which Celery's workers get runs")
    scratch: Path | None = Field(None, description="fast local folder for what does not fit memory; default: the store")
    market_symbol: str | None = Field(None, description="the fund that stands for the market; SPY, in the demo ZZIDX")
    duckdb_memory_limit: str = "2GB"
    duckdb_threads: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1)
    max_file_bytes: int = Field(4 * 2**30, gt=0, description="a larger source file is reported, not read")
    alerts: AlertThresholds = AlertThresholds()  # pyright: ignore[reportCallIssue]
    timing: TimingRules = TimingRules()  # pyright: ignore[reportCallIssue]
    rankings: RankingRules = RankingRules()  # pyright: ignore[reportCallIssue]
    live: LiveRules = LiveRules()  # pyright: ignore[reportCallIssue]
    news: NewsRules = NewsRules()  # pyright: ignore[reportCallIssue]
    evidence: EvidenceRules = EvidenceRules()  # pyright: ignore[reportCallIssue]
    backtest: BacktestRules = BacktestRules()  # pyright: ignore[reportCallIssue]
    market: MarketRules = MarketRules()  # pyright: ignore[reportCallIssue]
    options: OptionRules = OptionRules()  # pyright: ignore[reportCallIssue]
    threats: ThreatRules = ThreatRules()  # pyright: ignore[reportCallIssue]

    alert_life: AlertLifeRules = AlertLifeRules()  # pyright: ignore[reportCallIssue]
    signals: SignalRules = SignalRules()  # pyright: ignore[reportCallIssue]
    memory: MemoryRules = MemoryRules()  # pyright: ignore[reportCallIssue]
    llm: LlmRules = LlmRules()  # pyright: ignore[reportCallIssue]
    ocr: OcrRules = OcrRules()  # pyright: ignore[reportCallIssue]
    quality: QualityRules = QualityRules()  # pyright: ignore[reportCallIssue]
    highway: HighwayRules = HighwayRules()  # pyright: ignore[reportCallIssue]
    stores: StoreRules = StoreRules()  # pyright: ignore[reportCallIssue]
    notify: NotifyRules = NotifyRules()  # pyright: ignore[reportCallIssue]
    concurrency: ConcurrencyRules = ConcurrencyRules()  # pyright: ignore[reportCallIssue]
    s3: S3Rules = S3Rules()  # pyright: ignore[reportCallIssue]
    cluster: ClusterRules = ClusterRules()  # pyright: ignore[reportCallIssue]

    @model_validator(mode="after")
    def _files_need_a_folder(self) -> Settings:
        if self.profile is Profile.FILES and self.data is None:
            raise ValueError("profile files needs a folder: set CYBERPI_DATA (make run PROFILE=files DATA=<folder>)")
        return self

    @model_validator(mode="after")
    def _a_universe_of_a_file_needs_one(self) -> Settings:
        if self.universe == "file" and self.universe_file is None:
            raise ValueError("universe file needs a file: set CYBERPI_UNIVERSE_FILE")
        return self

    @model_validator(mode="after")
    def _leaving_one_machine_needs_servers(self) -> Settings:
        chosen = {self.cluster.launcher, self.cluster.executor}
        if (self.s3_key is None) != (self.s3_secret is None):
            raise ValueError("an S3 key and its secret come together: CYBERPI_S3_KEY, CYBERPI_S3_SECRET")
        if "celery" in chosen and self.broker_url is None:
            raise ValueError("Celery needs a broker: set CYBERPI_BROKER_URL to redis://...")
        if chosen & {"celery", "k8s"} and self.postgres_url is None:
            raise ValueError("several machines need one history: set CYBERPI_POSTGRES_URL")
        if self.cluster.executor == "k8s" and self.cluster.launcher != "k8s":
            raise ValueError("steps in pods need runs in Kubernetes: set CYBERPI_CLUSTER__LAUNCHER=k8s")
        url = "" if self.postgres_url is None else self.postgres_url.get_secret_value()
        if self.postgres_url is not None and not url.startswith("postgresql+psycopg2://"):
            raise ValueError("CYBERPI_POSTGRES_URL begins with postgresql+psycopg2://, the driver that is installed")
        return self

    @property
    def watchlist_path(self) -> Path | None:
        """The lists of watched names; in the demo only where a person names one, for its world has names of its own."""
        if self.watchlist is not None or self.profile is Profile.DEMO:
            return self.watchlist
        return self.home / "data" / "watchlist.csv"

    @property
    def data_dir(self) -> Path:
        """Everything this profile keeps: lake, intake, reports, warehouse, Redis."""
        return (self.store or self.home / "data" / self.profile.value).absolute()

    @property
    def market_ticker(self) -> str:
        """The fund against whose returns others are abnormal."""
        return self.market_symbol or ("ZZIDX" if self.profile is Profile.DEMO else "SPY")

    @property
    def dagster_dir(self) -> Path:
        """Dagster's history: beside the profiles for the demo, where `dagster dev` by hand finds it too."""
        if self.profile is Profile.DEMO and self.store is None:
            return (self.home / "data" / "dagster").absolute()
        return self.data_dir / "dagster"

    @property
    def lake_dir(self) -> Path:
        """The Delta tables."""
        return self.data_dir / "lake"

    @property
    def lake_root(self) -> Path | str:
        """Where the tables are: a folder, or the URL of object storage."""
        return self.lake_url or self.lake_dir

    @property
    def lake_options(self) -> dict[str, str] | None:
        """What delta-rs needs to reach object storage; holds the keys. None for a folder."""
        if self.lake_url is None:
            return None
        options = {"AWS_REGION": self.s3.region}
        if self.s3.conditional_put == "etag":
            options["AWS_CONDITIONAL_PUT"] = "etag"
        else:
            options["AWS_S3_ALLOW_UNSAFE_RENAME"] = "true"
        if self.s3.endpoint is not None:
            options["AWS_ENDPOINT_URL"] = self.s3.endpoint
            options["AWS_ALLOW_HTTP"] = str(self.s3.endpoint.startswith("http://")).lower()
        if self.s3_key is not None and self.s3_secret is not None:
            options["AWS_ACCESS_KEY_ID"] = self.s3_key.get_secret_value()
            options["AWS_SECRET_ACCESS_KEY"] = self.s3_secret.get_secret_value()
        return options

    @property
    def spill_dir(self) -> Path:
        """Where DuckDB puts what does not fit memory: a disk of this machine."""
        return self.data_dir / "spill" if self.scratch is None else self.scratch.absolute()

    @property
    def intake_dir(self) -> Path:
        """What was read from sources, normalised, one folder per source file."""
        return self.data_dir / "intake"

    @property
    def sweeps_dir(self) -> Path:
        """What market providers were asked, one folder per sweep."""
        return self.data_dir / "sweeps"

    @property
    def fetched_dir(self) -> Path:
        """What profile live fetched, as served: the provenance of its figures, kept when all else is made anew."""
        return self.data_dir / "fetched"

    @property
    def bars_dir(self) -> Path:
        """Daily bars of watched names, as a market provider gave them."""
        return self.data_dir / "bars"

    @property
    def reports_dir(self) -> Path:
        """Reports for people."""
        return self.data_dir / "reports"

    @property
    def threats_dir(self) -> Path:
        """Threats of the newest sweeps, as JSON files for other tools."""
        return self.data_dir / "financial_threats"

    @property
    def graph_dir(self) -> Path:
        """The embedded graph."""
        return self.data_dir / "graph"

    @property
    def vectors_dir(self) -> Path:
        """The embedded vectors."""
        return self.data_dir / "vectors"

    @property
    def incoming_dir(self) -> Path:
        """Where new files arrive: the folder of bulk files, else data/incoming."""
        return (self.data or self.home / "data" / "incoming").absolute()

    @property
    def warehouse_path(self) -> Path:
        """The published DuckDB file."""
        return self.data_dir / "warehouse.duckdb"

    def as_environment(self) -> dict[str, str]:
        """These settings as CYBERPI_* variables, for a process that is to have the same; no secrets."""
        plain = cast(dict[str, Any], _without_secrets(self))
        return {
            f"CYBERPI_{name.upper()}": value if isinstance(value, str) else json.dumps(value)
            for name, value in plain.items()
        }
