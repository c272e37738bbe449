"""What a sweep would ask for and how long the providers' limits make it take. Nothing is asked here.

The times are those of the pacing alone: a slow network adds to them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from cyberpi_assets.rules.asking import MarketRules
from cyberpi_assets.sources.providers.ibkr.pacing import WINDOW
from cyberpi_assets.sources.providers.ibkr.socket import LOT_SECONDS, LOTS

SESSION_REQUESTS = 2  # Yahoo's cookie and crumb
CONNECT_MESSAGES = 3  # start, and the type of market data
CHEAP_MESSAGES = 3  # contract details, line, cancel
CHAIN_MESSAGES = 3  # underlying's line, its cancel, option parameters
CONTRACT_MESSAGES = 3  # contract details, line, cancel
BAR_MESSAGES = 2  # contract details, historical request
TYPICAL_STRIKES = 60  # within 30 % of spot, a liquid name with weekly expiries
TYPICAL_EXPIRIES = 11  # within 75 days


@dataclass(frozen=True)
class Path:
    """One way to sweep: requests or messages, seconds of pacing, and what it brings."""

    name: str
    tickers: int
    requests: int
    seconds: float
    most_lines: int
    brings: str


@dataclass(frozen=True)
class SweepPlan:
    """All ways to sweep a universe, and the one the settings choose."""

    tickers: tuple[str, ...]
    provider: str
    paths: tuple[Path, ...]


def plan_sweep(tickers: tuple[str, ...], rules: MarketRules, provider: str, firing: int | None = None) -> SweepPlan:
    """Requests and seconds by Yahoo, by IBKR's cheap path alone and with full chains.

    `firing` is the number of names whose full chain IBKR is asked for after the cheap path; a tenth by default.
    """
    n = len(tickers)
    fired = math.ceil(n / 10) if firing is None else firing
    return SweepPlan(
        tickers,
        provider,
        (
            yahoo_quotes(n, rules),
            yahoo_chains(n, rules),
            ibkr_cheap(n, rules),
            ibkr_chains(n, fired, rules, f"the cheap path for all, full chains for {fired} that fire"),
            ibkr_chains(n, n, rules, "the cheap path and the full chain for all"),
            daily_bars(n, rules, provider),
        ),
    )


def daily_bars(n: int, rules: MarketRules, provider: str) -> Path:
    """The daily history of every name: once after each session, one request a name, beside any other way."""
    brings = "the daily history of every name, once after each session, beside the way chosen"
    if provider == "yahoo":
        requests = SESSION_REQUESTS + n if n else 0
        return Path("daily bars", n, requests, _paced(requests, rules), 0, brings)
    messages = CONNECT_MESSAGES + n * BAR_MESSAGES if n else 0
    windows = math.ceil(n / rules.ibkr.historical) - 1 if n else 0
    return Path("daily bars", n, messages, max(messages / messages_a_second(rules), windows * WINDOW), 0, brings)


def yahoo_quotes(n: int, rules: MarketRules) -> Path:
    """Batch quotes alone."""
    requests = SESSION_REQUESTS + math.ceil(n / rules.yahoo.quotes_per_request) if n else 0
    return Path("yahoo quotes", n, requests, _paced(requests, rules), 0, "quotes; no option volumes")


def yahoo_chains(n: int, rules: MarketRules) -> Path:
    """Quotes, and one request per expiry; the nearest expiry comes with the list of all."""
    per_ticker = min(rules.yahoo.expiries, TYPICAL_EXPIRIES)
    requests = yahoo_quotes(n, rules).requests + n * per_ticker
    brings = f"quotes and chains of up to {per_ticker} expiries"
    return Path("yahoo chains", n, requests, _paced(requests, rules), 0, brings)


def _paced(requests: int, rules: MarketRules) -> float:
    return max(0, requests - 1) / rules.yahoo.per_second


def messages_a_second(rules: MarketRules) -> float:
    """What the lots let through in the long run; below the most in any one second."""
    return max(1, rules.ibkr.messages_per_second // LOTS) / LOT_SECONDS


def ibkr_cheap(n: int, rules: MarketRules) -> Path:
    """One line per underlying: put and call volume, open interest and volatility of its whole chain."""
    messages = CONNECT_MESSAGES + n * CHEAP_MESSAGES if n else 0
    lines = min(n, rules.ibkr.lines)
    seconds = max(messages / messages_a_second(rules), math.ceil(n / rules.ibkr.lines) * rules.ibkr.quiet_seconds)
    brings = "quotes with put and call volume, open interest and volatility of the whole chain"
    return Path("ibkr cheap", n, messages, seconds, lines, brings)


def ibkr_chains(n: int, fired: int, rules: MarketRules, brings: str) -> Path:
    """The cheap path, and every contract of the chosen expiries near spot for `fired` names."""
    expiries = min(rules.ibkr.expiries, TYPICAL_EXPIRIES)
    contracts = min(rules.ibkr.contracts, expiries * TYPICAL_STRIKES * 2)
    cheap = ibkr_cheap(n, rules)
    messages = fired * (CHAIN_MESSAGES + contracts * CONTRACT_MESSAGES)
    waiting = fired * (contracts / rules.ibkr.lines) * rules.ibkr.quiet_seconds
    seconds = cheap.seconds + max(messages / messages_a_second(rules), waiting)
    name = "ibkr full" if fired == n else "ibkr fired"
    return Path(name, n, cheap.requests + messages, seconds, rules.ibkr.lines if fired else cheap.most_lines, brings)
