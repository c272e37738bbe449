"""Rules for asking others: official sites, news, market providers, a language model, the reading of scans."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


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
