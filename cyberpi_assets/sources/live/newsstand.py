"""Which sources of news and events profile live has, what the settings say of each, and how their hosts are treated.

Belongs here: the one place where a source of news is added. `parts.py` opens them with the others.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from cyberpi_assets.settings import Settings
from cyberpi_assets.sources.lists import read_list
from cyberpi_assets.sources.live import edgar, nvd
from cyberpi_assets.sources.live.feeds import FeedsPart, feeds_of, hosts_of
from cyberpi_assets.sources.live.halts import FRESH_SECONDS, HaltsPart
from cyberpi_assets.sources.live.lists import KevPart, OfacPart
from cyberpi_assets.sources.live.source import LivePart, Unasked
from cyberpi_assets.sources.live.wires import IBKR, YAHOO, IbkrNewsPart, YahooNewsPart
from cyberpi_assets.sources.providers.yahoo.session import YahooSession
from cyberpi_assets.sources.web.client import HostRules, PoliteClient
from cyberpi_assets.sources.web.limiter import HostLimiter

NOBODY: Final = (
    "nobody is watched, so there is nobody to ask headlines for: name companies in data/watchlist.csv or in "
    "CYBERPI_NEWS__TICKERS"
)


def news_hosts(settings: Settings, patient: bool) -> dict[str, HostRules]:
    """How each host of news is treated; only those of sources that the settings name."""
    rules, pace = settings.news, settings.live.per_second
    attempts, pause = (3, 60.0) if patient else (2, 5.0)
    often, seldom = rules.poll_minutes * 60, rules.list_hours * 3600

    def kind(fresh: float, per_second: float = pace, limit: int = 64 * 2**20) -> HostRules:
        return HostRules(
            per_second=per_second, attempts=attempts, max_pause=pause, fresh_for=fresh, max_bytes=limit, timeout=20.0
        )

    sec = kind(often, min(pace, edgar.PER_SECOND / edgar.HOSTS))  # the limit holds for all of EDGAR's hosts together
    by_part: dict[str, dict[str, HostRules]] = {
        "edgar": {rules.sec_url: sec, rules.sec_search_url: sec},
        "halts": {rules.halts_url: kind(min(often, FRESH_SECONDS))},
        "kev": {rules.kev_url: kind(seldom), rules.kev_mirror_url: kind(seldom)},
        "nvd": {rules.nvd_url: dataclasses.replace(kind(seldom, nvd.PER_SECOND), timeout=60.0)},
        "ofac": {rules.ofac_url: kind(seldom)},
    }
    hosts: dict[str, HostRules] = {}
    if "feeds" in rules.parts:
        hosts |= hosts_of(feeds_of(read_list("feeds", settings.home)), kind(often, limit=16 * 2**20))
    for part in rules.parts:
        hosts |= {urlsplit(url).netloc.lower(): rule for url, rule in by_part.get(part, {}).items()}
    return hosts


def news_makers(
    settings: Settings, client: PoliteClient, names: Callable[[], Sequence[str]]
) -> dict[str, Callable[[], LivePart]]:
    """How each source of news is opened, by the name the settings have for it.

    `names`: whose headlines Yahoo and IBKR are asked for where the settings name nobody.
    """
    rules, shelves = settings.news, settings.fetched_dir / "shelves"
    sec = edgar.SecAddresses(rules.sec_url.rstrip("/"), rules.sec_search_url.rstrip("/"))
    contact = settings.live.contact or ""

    def yahoo_session() -> Any:
        of = settings.market.yahoo
        slots = settings.data_dir / "providers" / "slots"  # one rate with the quotes
        limiter = HostLimiter(slots, "yahoo", of.per_second, client.clock.wall, client.clock.sleep)
        return YahooSession(limiter, of.pause, of.timeout)

    def yahoo() -> LivePart:
        asked = rules.tickers or tuple(names())
        if not asked:
            return Unasked(YAHOO, NOBODY)
        return YahooNewsPart(yahoo_session, asked, shelves, client.clock.now)

    def ibkr() -> LivePart:
        asked, of = rules.tickers or tuple(names()), settings.market.ibkr
        if not asked and rules.tape_seconds <= 0:
            return Unasked(IBKR, NOBODY)
        return IbkrNewsPart(
            of, asked, shelves, client.clock.now, rules.articles, rules.tape_seconds, settings.sweeps_dir / ".ibkr.lock"
        )

    return {
        "edgar": lambda: edgar.EdgarPart(client, sec, contact, shelves, rules.max_documents),
        "halts": lambda: HaltsPart(client, rules.halts_url, shelves),
        "kev": lambda: KevPart(client, rules.kev_url, rules.kev_mirror_url),
        "nvd": lambda: nvd.NvdPart(client, rules.nvd_url, shelves, rules.nvd_entries, rules.list_hours),
        "ofac": lambda: OfacPart(client, rules.ofac_url, shelves),
        "feeds": lambda: FeedsPart(client, feeds_of(read_list("feeds", settings.home)), shelves),
        "yahoo": yahoo,
        "ibkr": ibkr,
    }
