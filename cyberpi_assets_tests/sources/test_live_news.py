"""Sources of news and events against sites on loopback: what they give, how they fail, and that nothing is lost.

EDGAR, KEV and OFAC answer with recorded documents; IBKR is the gateway of `tws_gateway.py` with the real client.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import json
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from cyberpi_assets import tables
from cyberpi_assets.orchestration.resources import news_names, sources_of
from cyberpi_assets.rules.asking import IbkrRules, LiveRules, MarketRules, NewsRules
from cyberpi_assets.settings import Profile, Settings
from cyberpi_assets.sources.events.feeds import LARGEST
from cyberpi_assets.sources.intake import Gathered, Intake
from cyberpi_assets.sources.live.edgar import EdgarPart, SecAddresses, refusal
from cyberpi_assets.sources.live.feeds import Feed, FeedsPart, feeds_of, hosts_of
from cyberpi_assets.sources.live.halts import HaltsPart
from cyberpi_assets.sources.live.lists import KevPart, OfacPart
from cyberpi_assets.sources.live.newsstand import NOBODY, news_hosts
from cyberpi_assets.sources.live.source import LivePart
from cyberpi_assets.sources.live.wires import IbkrNewsPart, YahooNewsPart, wire_headline
from cyberpi_assets.sources.providers.yahoo.session import YahooSession
from cyberpi_assets.sources.web import errors as e
from cyberpi_assets.sources.web.client import Clock, HostRules, PoliteClient
from cyberpi_assets.sources.web.limiter import HostLimiter
from cyberpi_assets.storage.lake import Lake
from cyberpi_assets_tests.sources.site import Asked, FakeTime, Reply, Site, serving
from cyberpi_assets_tests.sources.test_event_formats import HALT, RSS, halts_rss
from cyberpi_assets_tests.sources.tws_gateway import Headline, World
from cyberpi_assets_tests.sources.tws_gateway import serving as gateway
from cyberpi_assets_tests.sources.yahoo_site import DOWN, TOO_MANY, Yahoo, of, yahoo

HTML = Reply(200, b"<!DOCTYPE html><html><body>Pardon our interruption</body></html>")


class Answers:
    """What each path answers now; a list is used up, the last stays."""

    def __init__(self, **by_path: Reply) -> None:
        self.by_path: dict[str, Reply | list[Reply]] = {}

    def __call__(self, asked: Asked) -> Reply:
        found = self.by_path.get(asked.path, Reply(404, b"nothing here"))
        if isinstance(found, list):
            return found.pop(0) if len(found) > 1 else found[0]
        return found


@pytest.fixture
def answers() -> Answers:
    return Answers()


@pytest.fixture
def site(answers: Answers) -> Iterator[Site]:
    with serving(answers) as running:
        yield running


class Stand:
    """One part, its client and its intake, polled as often as a test wants."""

    def __init__(self, folder: Path, site: Site, make: Callable[[PoliteClient, Path], LivePart]) -> None:
        self.time = FakeTime()
        clock = Clock(self.time.now, self.time.now, self.time.sleep)
        rules = HostRules(per_second=1000.0, attempts=2, backoff=0.01, timeout=5.0)
        self.client = PoliteClient(folder / "fetched", {site.host: rules}, "test (a@b.example)", clock)
        self.intake, self.part = Intake(folder / "intake"), make(self.client, folder / "shelves")

    def poll(self, seconds: float = 300.0) -> Sequence[str]:
        self.time.at += seconds
        return self.part.collect(self.intake, lambda _: None)

    def facts(self, name: str, units: Sequence[str]) -> list[dict[str, Any]]:
        return Gathered(self.intake, tuple(units)).facts(name).to_pylist()

    def gaps(self, units: Sequence[str]) -> list[tuple[str, str, bool]]:
        return [(g["subject"], g["kind"], g["retryable"]) for g in self.facts("gap_facts", units)]

    def now(self) -> dt.datetime:
        return self.client.clock.now()


@pytest.fixture(scope="module")
def wire(real: Path) -> Path:
    return real.parent / "wire"


# ------------------------------------------------------------------------------------------------------------ feeds


def test_feeds_are_read_once_and_one_that_fails_stops_no_other(answers: Answers, site: Site, tmp_path: Path) -> None:
    names = ("good", "gone", "html", "bomb", "huge")
    feeds = [Feed(n, f"{site.base}/{n}", "cyber") for n in names]
    bomb = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><rss/>'
    answers.by_path = {
        "/good": Reply(200, RSS),
        "/html": HTML,
        "/bomb": Reply(200, bomb),
        "/huge": Reply(200, b"<rss>" + b" " * LARGEST),
    }
    stand = Stand(tmp_path, site, lambda client, folder: FeedsPart(client, feeds, folder))
    units = stand.poll()
    found = stand.facts("news_facts", units)
    assert [r["headline"] for r in found] == ["First & foremost", "No date"]
    assert {r["provider"] for r in found} == {"good"}
    assert abs(found[0]["seen_at"] - stand.now()) < dt.timedelta(seconds=1)
    assert sorted(stand.gaps(units)) == [(n, "news", True) for n in ("bomb", "gone", "html", "huge")]

    answers.by_path["/good"] = Reply(200, RSS.replace(b"No date", b"Other words").replace(b"/2<", b"/9<"))
    again = stand.poll()
    headlines = [r["headline"] for r in stand.facts("news_facts", again)]
    assert headlines == ["First & foremost", "No date", "Other words"]  # what was delivered before is not new
    assert len([u for u in again if u in units]) <= len(units)


def test_a_poll_without_news_writes_nothing(answers: Answers, site: Site, tmp_path: Path) -> None:
    answers.by_path["/good"] = Reply(200, RSS.replace(b"<item><title>No date", b"<item><title></title><title>"))
    feeds = [Feed("good", f"{site.base}/good", "press")]
    stand = Stand(tmp_path, site, lambda client, folder: FeedsPart(client, feeds, folder))
    first = stand.poll()
    assert stand.poll() == first
    answers.by_path["/good"] = Reply(503, b"down")
    assert set(first) <= set(stand.poll())  # what was had before stays


def test_days_are_units(answers: Answers, site: Site, tmp_path: Path) -> None:
    one = RSS.replace(b"<item><title>No date", b"<item><junk>")
    answers.by_path["/good"] = Reply(200, one)
    stand = Stand(
        tmp_path, site, lambda client, folder: FeedsPart(client, [Feed("good", f"{site.base}/good", "press")], folder)
    )
    stand.poll()
    answers.by_path["/good"] = Reply(200, one.replace(b"g1", b"g2").replace(b"First", b"Next"))
    units = stand.poll(86_400)
    rows = stand.facts("news_facts", units)
    assert sorted((r["headline"], r["line"]) for r in rows) == [("First & foremost", 1), ("Next & foremost", 1)]
    assert len({r["file"] for r in rows}) == 2


def test_the_delivered_list_of_feeds() -> None:
    from cyberpi_assets.sources.lists import read_list
    from cyberpi_assets_tests.domain.news.measure import HOME

    feeds = feeds_of(read_list("feeds", HOME))
    assert len(feeds) >= 40
    assert len({f.url for f in feeds}) == len(feeds)
    assert {f.category for f in feeds} == {"cyber", "vendor", "government", "press"}
    assert all(f.url.startswith("https://") for f in feeds)
    odd = pa.table(
        {
            "name": ["a", "b", ""],
            "url": ["https://a.example", "file:///etc/passwd", "https://c.example"],
            "category": ["?", "cyber", "cyber"],
        }
    )
    assert feeds_of(odd) == [Feed("a", "https://a.example", "press")]
    assert set(hosts_of(feeds_of(odd), HostRules())) == {"a.example", "www.a.example"}


# ------------------------------------------------------------------------------------------------------------ halts


def test_halts_and_their_resumption(answers: Answers, site: Site, tmp_path: Path) -> None:
    pending = HALT.replace("<ndaq:ResumptionTradeTime>10:05:00</ndaq:ResumptionTradeTime>", "").replace(
        "<ndaq:ResumptionDate>09/16/2026</ndaq:ResumptionDate>", ""
    )
    answers.by_path["/rss.aspx"] = Reply(200, halts_rss(pending))
    stand = Stand(tmp_path, site, lambda client, folder: HaltsPart(client, site.base, folder))
    stand.poll()
    answers.by_path["/rss.aspx"] = Reply(200, halts_rss(HALT))
    rows = stand.facts("halt_facts", stand.poll())
    assert [r["resumed_at"] is None for r in rows] == [True, False]
    assert rows[0]["seen_at"] < rows[1]["seen_at"]
    assert len(stand.facts("halt_facts", stand.poll())) == 2  # the same list again is nothing new


@pytest.mark.parametrize(
    "reply",
    [
        HTML,
        Reply(200, halts_rss(HALT, announced=7)),
        Reply(200, b"<rss"),
        Reply(403, b"no"),
        Reply(200, b"", cut=0),
        Reply(503, b""),
    ],
)
def test_what_is_no_list_of_halts_is_a_gap_and_never_no_halts(
    answers: Answers, site: Site, tmp_path: Path, reply: Reply
) -> None:
    stand = Stand(tmp_path, site, lambda client, folder: HaltsPart(client, site.base, folder))
    answers.by_path["/rss.aspx"] = Reply(200, halts_rss(HALT))
    kept = stand.poll()
    answers.by_path["/rss.aspx"] = reply
    units = stand.poll()
    assert len(stand.facts("halt_facts", units)) == 1
    assert set(kept) < set(units)
    assert [(s, k) for s, k, _ in stand.gaps(units)] == [("halts", "halts")]


# ------------------------------------------------------------------------------------------------------------ lists


def catalogue(*cves: str, released: str = "2024-03-05T12:00:00Z", count: int | None = None) -> bytes:
    entries = [{"cveID": c, "vendorProject": "V", "product": "P", "dateAdded": "2024-03-01"} for c in cves]
    n = len(cves) if count is None else count
    return json.dumps(
        {"catalogVersion": "1", "dateReleased": released, "count": n, "vulnerabilities": entries}
    ).encode()


def test_every_release_of_the_catalogue_is_a_unit_and_the_mirror_stands_in(
    answers: Answers, site: Site, tmp_path: Path
) -> None:
    stand = Stand(tmp_path, site, lambda client, _: KevPart(client, f"{site.base}/cisa", f"{site.base}/mirror"))
    answers.by_path = {"/cisa": Reply(403, b"Access Denied"), "/mirror": Reply(200, catalogue("CVE-2024-0001"))}
    first = stand.poll(90_000)
    assert [r["cve"] for r in stand.facts("kev_facts", first)] == ["CVE-2024-0001"]
    assert stand.gaps(first) == []  # the mirror answered
    answers.by_path["/mirror"] = Reply(200, catalogue("CVE-2024-0002", released="2024-04-05T12:00:00Z"))
    second = stand.poll(90_000)
    assert len(stand.facts("kev_facts", second)) == 2
    for broken in (HTML, Reply(200, catalogue("CVE-2024-0003", count=9)), Reply(200, b"{")):
        answers.by_path["/mirror"] = broken
        third = stand.poll(90_000)
        assert len(stand.facts("kev_facts", third)) == 2  # what was had stays
        assert stand.gaps(third) == [("kev", "list", True)]


SDN = '1,"OSTRELUND",-0- ,"SDGT",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- \r\n\x1a'
OTHERS = {
    "/ALT.CSV": '1,9,"aka","OST",-0- \r\n\x1a',
    "/ADD.CSV": '1,8,-0- ,-0- ,"Nowhere",-0- \r\n\x1a',
    "/SDN_COMMENTS.CSV": '1,"Digital Currency Address - XBT 1abcdefghijklmnopqrstuvwxyz"\r\n\x1a',
}


def test_a_snapshot_of_the_sanctions_list_is_all_its_files(answers: Answers, site: Site, tmp_path: Path) -> None:
    stand = Stand(tmp_path, site, lambda client, folder: OfacPart(client, site.base, folder))
    answers.by_path = {"/SDN.CSV": Reply(200, SDN.encode())} | {p: Reply(200, t.encode()) for p, t in OTHERS.items()}
    first = stand.poll(90_000)
    rows = stand.facts("sanction_facts", first)
    assert sorted(r["record"] for r in rows) == ["address", "alias", "entry", "remark"]
    assert len({r["snapshot_at"] for r in rows}) == 1
    assert len({(r["file"], r["line"]) for r in rows}) == 4
    assert stand.poll(90_000) == first  # nothing changed: no snapshot

    answers.by_path["/ALT.CSV"] = Reply(200, OTHERS["/ALT.CSV"].replace("OST", "OST2").encode())
    second = stand.poll(90_000)
    assert len(second) == 2
    assert len({r["snapshot_at"] for r in stand.facts("sanction_facts", second)}) == 2

    answers.by_path["/ADD.CSV"] = HTML
    answers.by_path["/SDN.CSV"] = Reply(200, SDN.replace("OSTRELUND", "OTHER").encode())
    third = stand.poll(90_000)
    assert {r["name"] for r in stand.facts("sanction_facts", third) if r["record"] == "entry"} == {"OSTRELUND"}
    assert [g[0] for g in stand.gaps(third)] == ["ofac ADD"]


# ------------------------------------------------------------------------------------------------------------ EDGAR


def hit(accession: str, document: str, items: list[str], form: str = "8-K") -> dict[str, Any]:
    source = {
        "adsh": accession, "form": form, "items": items, "file_date": "2026-01-05", "ciks": ["0000789019"],
        "display_names": ["QUORVANE SYSTEMS  (QRVAN)  (CIK 0000789019)"], "period_ending": "2026-01-02",
    }  # fmt: skip
    return {"_id": f"{accession}:{document}", "_source": source}


def search(*hits: dict[str, Any]) -> Reply:
    return Reply(200, json.dumps({"hits": {"hits": list(hits)}}).encode())


def edgar_stand(tmp_path: Path, site: Site, most: int = 10) -> Stand:
    addresses = SecAddresses(site.base, site.base)
    return Stand(tmp_path, site, lambda client, folder: EdgarPart(client, addresses, "a@b.example", folder, most))


CURRENT, SEARCH = "/cgi-bin/browse-edgar", "/LATEST/search-index"
DOCUMENT = "/Archives/edgar/data/789019/000119312526000001/q8k.htm"


@pytest.mark.real
def test_edgar_lists_searches_and_reads(answers: Answers, site: Site, tmp_path: Path, wire: Path) -> None:
    page = (wire / "sec_edgar" / "getcurrent_atom_full_page_100.xml").read_bytes()
    text = b"<html><body><script>x()</script><p>On January 2 we identified unauthorized access.</p></body></html>"
    answers.by_path = {
        CURRENT: Reply(200, page),
        SEARCH: search(hit("0001193125-26-000001", "q8k.htm", ["8.01"])),
        DOCUMENT: Reply(200, text),
    }
    stand = edgar_stand(tmp_path, site)
    units = stand.poll()
    rows = stand.facts("company_filing_facts", units)
    (found, *_) = [r for r in rows if r["accession"] == "0001193125-26-000001"]
    assert found["text"] == "On January 2 we identified unauthorized access."
    assert found["tickers"] == ["QRVAN"]
    assert len({r["accession"] for r in rows if r["source"] == "edgar_current"}) == 20
    assert stand.gaps(units) == []
    assert all(a.headers["user-agent"] == "CyberPI Assets a@b.example" for a in site.asked)
    before = site.count()[f"GET {DOCUMENT}"]
    assert stand.poll() == units  # the same again is nothing new, and a document is fetched once
    assert site.count()[f"GET {DOCUMENT}"] == before == 1


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        (b"<html>Request Rate Threshold Exceeded</html>", e.Unavailable, "too fast"),
        (b"<html>Undeclared Automated Tool</html>", e.Blocked, "mail address"),
        (b"<?xml?><Error><Code>AccessDenied</Code></Error>", e.Missing, "not there yet"),
        (b"something else", e.Blocked, "does not serve"),
    ],
)
def test_the_three_meanings_of_a_refusal(
    answers: Answers, site: Site, tmp_path: Path, body: bytes, kind: type, words: str
) -> None:
    answers.by_path = {CURRENT: Reply(403, body)}
    stand = edgar_stand(tmp_path, site)
    units = stand.poll()
    assert [(s, k) for s, k, _ in stand.gaps(units)] == [("8-K", "filings")]
    assert site.count()[f"GET {CURRENT}"] == 1  # asking again makes it worse
    (gap,) = stand.facts("gap_facts", units)
    assert gap["code"] == kind.__name__
    blocked = e.Blocked("https://sec.example", "does not serve us")
    blocked.body = body
    assert isinstance(refusal(blocked), kind)
    assert words in str(refusal(blocked))


@pytest.mark.parametrize(
    "broken", [HTML, Reply(200, b"{"), Reply(200, json.dumps({"timed_out": True, "hits": {"hits": []}}).encode())]
)
def test_what_the_search_does_not_answer_is_a_gap(answers: Answers, site: Site, tmp_path: Path, broken: Reply) -> None:
    empty = b'<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"></feed>'
    answers.by_path = {CURRENT: Reply(200, empty), SEARCH: broken}
    stand = edgar_stand(tmp_path, site)
    assert [g[0] for g in stand.gaps(stand.poll())] == ["8-K"]


def test_documents_that_are_missing_or_too_many_are_gaps(answers: Answers, site: Site, tmp_path: Path) -> None:
    empty = b'<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"></feed>'
    hits = [hit(f"0001193125-26-00000{n}", "q8k.htm", ["1.05"]) for n in (1, 2, 3)]
    answers.by_path = {CURRENT: Reply(200, empty), SEARCH: search(*hits), DOCUMENT: Reply(200, b"<html>Text</html>")}
    stand = edgar_stand(tmp_path, site, most=2)
    units = stand.poll()
    rows = {r["accession"]: r["text"] for r in stand.facts("company_filing_facts", units)}
    assert set(rows.values()) == {"Text", None}
    assert {g[0] for g in stand.gaps(units)} == {"0001193125-26-000002", "0001193125-26-000003"}


# ------------------------------------------------------------------------------------------------------------ wires


@pytest.mark.parametrize(
    ("printed", "headline", "language"),
    [
        ("{A:800015:L:en}Apple Can Outperform -- Market Talk", "Apple Can Outperform -- Market Talk", "en"),
        ("{A:800015:L:en:K:n/a:C:0.97}!Upgrade &amp; more", "Upgrade & more", "en"),
        ("{K:0.5}* Starred", "Starred", None),
        ("No prefix {at all}", "No prefix {at all}", None),
        ("{}", "", None),
    ],
)
def test_prefixes_of_wires(printed: str, headline: str, language: str | None) -> None:
    assert wire_headline(printed) == (headline, language)


def ibkr(
    tmp_path: Path, port: int, tickers: list[str], articles: int = 0, tape: float = 0.0, **more: Any
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    rules = IbkrRules(port=port, timeout=6.0, reconnects=1, backoff=0.01, **more)  # pyright: ignore[reportCallIssue]
    now = dt.datetime(2026, 7, 14, tzinfo=dt.UTC)
    part = IbkrNewsPart(rules, tickers, tmp_path / "shelves", lambda: now, articles, tape)
    intake = Intake(tmp_path / "intake")
    gathered = Gathered(intake, tuple(part.collect(intake, lambda _: None)))
    return gathered.facts("news_facts").to_pylist(), gathered.facts("gap_facts").to_pylist()


def test_headlines_of_an_account(tmp_path: Path) -> None:
    world = World.of("QRVAN", "ZPHYC")
    world.providers = {"BRFG": "Briefing", "DJNL": "Dow Jones"}
    world.news = [
        Headline("BRFG", "BRFG$1", "2026-07-13 15:39:00.0", "{A:1:L:en}Quorvane grows", 1000, "The text.", 0),
        Headline("DJNL", "DJNL$2", "2026-07-13 15:40:00.0", "Quorvane &amp; others", 1000, "JVBERi0=", 1),
        Headline("FLY", "FLY$3", "2026-07-13 15:39:00.0", "not subscribed", 1000),
    ]
    with gateway(world) as running:
        rows, gaps = ibkr(tmp_path, running.port, ["QRVAN", "ZPHYC", "NOSUCH"], articles=5)
        assert running.seen.violations == []
    first, second = sorted(rows, key=lambda r: r["article_id"])
    assert (first["provider"], first["article_id"], first["source"], first["language"]) == (
        "BRFG",
        "BRFG$1",
        "ibkr",
        "en",
    )
    assert (first["headline"], first["body"], first["tickers"]) == ("Quorvane grows", "The text.", ["QRVAN"])
    assert first["published_at"] == dt.datetime(2026, 7, 13, 15, 39, tzinfo=dt.UTC)  # no zone: UTC
    assert second["published_at"] == dt.datetime(2026, 7, 13, 15, 40, tzinfo=dt.UTC)
    assert (second["headline"], second["body"]) == ("Quorvane & others", None)  # a file is no text
    assert [(g["subject"], g["kind"]) for g in gaps] == [("NOSUCH", "news")]


def test_the_broad_tape_of_an_account(tmp_path: Path) -> None:
    world = World.of("QRVAN")
    world.providers = {"BRFG": "Briefing"}
    printed = Headline("BRFG", "BRFG$9", "1783957140000", "{A:1:L:en}Markets open")
    world.tape = [("BRFG:BRFG_ALL", printed), ("FLY:FLY_ALL", Headline("FLY", "FLY$1", "1783957140000", "not ours"))]
    with gateway(world) as running:
        rows, gaps = ibkr(tmp_path, running.port, [], tape=0.3)
        assert running.open_lines == 0
    assert [(r["article_id"], r["headline"], r["tickers"]) for r in rows] == [("BRFG$9", "Markets open", [])]
    assert rows[0]["published_at"] == dt.datetime(2026, 7, 13, 15, 39, tzinfo=dt.UTC)  # milliseconds
    assert gaps == []


def test_an_account_without_providers_and_a_gateway_that_is_not_there(tmp_path: Path) -> None:
    with gateway(World.of("QRVAN")) as running:
        rows, _ = ibkr(tmp_path / "a", running.port, ["QRVAN"])
        port = running.port
    assert rows == []
    rows, gaps = ibkr(tmp_path / "b", port, ["QRVAN"])
    assert rows == []
    assert [g["code"] for g in gaps] == ["unreachable"]


# -------------------------------------------------------------------------------------------------------- all of it


def test_only_hosts_of_the_sources_named_are_asked() -> None:
    settings = Settings(profile=Profile.LIVE, news=NewsRules(parts=("halts", "edgar")), live=LiveRules())  # pyright: ignore[reportCallIssue]
    hosts = news_hosts(settings, patient=True)
    assert set(hosts) == {"www.nasdaqtrader.com", "www.sec.gov", "efts.sec.gov"}
    fast = Settings(profile=Profile.LIVE, live=LiveRules(per_second=100.0), news=NewsRules(parts=("edgar",)))  # pyright: ignore[reportCallIssue]
    assert sum(r.per_second for r in news_hosts(fast, patient=True).values()) <= 5.0  # of EDGAR's hosts together


def yahoo_part(tmp_path: Path, site: Yahoo, tickers: list[str]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    now = dt.datetime(2026, 7, 14, tzinfo=dt.UTC)
    limiter = HostLimiter(tmp_path / "slots", "yahoo", 1000.0, time.time, time.sleep)
    part = YahooNewsPart(
        lambda: YahooSession(limiter, 30.0, 5.0, rewrite=site.rewrite), tickers, tmp_path / "shelves", lambda: now
    )
    intake = Intake(tmp_path / "intake")
    gathered = Gathered(intake, tuple(part.collect(intake, lambda _: None)))
    return gathered.facts("news_facts").to_pylist(), gathered.facts("gap_facts").to_pylist()


def stream(*titles: str) -> Reply:
    items = [
        {
            "id": f"u-{t}",
            "content": {"title": t, "pubDate": "2026-07-13T10:00:00Z", "provider": {"displayName": "Wire"}},
        }
        for t in titles
    ]
    return of({"data": {"tickerStream": {"stream": [*items, {"ad": [{"x": 1}]}]}}})


def test_yahoos_headlines_and_its_refusals(tmp_path: Path) -> None:
    with yahoo() as site:
        site.then("/xhr/ncp", stream("Quorvane grows"), DOWN, TOO_MANY)
        rows, gaps = yahoo_part(tmp_path, site, ["QRVAN", "ZPHYC", "BLXDT", "NMBQE"])
    assert [(r["headline"], r["provider"], r["tickers"], r["article_id"]) for r in rows] == [
        ("Quorvane grows", "Wire", ["QRVAN"], "u-Quorvane grows")
    ]
    assert [g["subject"] for g in gaps] == ["BLXDT", "ZPHYC"]  # after 429 nobody else is asked for


# -------------------------------------------------------------------------------------------- whom headlines are about


def of_the_watched(tmp_path: Path, port: int, watched: str, **news: Any) -> tuple[list[str], list[str], Settings]:
    """Profile live with IBKR's headlines alone: for whom they came, what the account of it says, and the settings."""
    tmp_path.mkdir(exist_ok=True)
    names = tmp_path / "watchlist.csv"
    names.write_text(watched)
    settings = Settings(  # pyright: ignore[reportCallIssue]
        profile=Profile.LIVE,
        store=tmp_path / "store",
        watchlist=names,
        universe="watchlist",
        live=LiveRules(contact="a@b.example", parts=()),  # pyright: ignore[reportCallIssue]
        news=NewsRules(parts=("ibkr",), **news),  # pyright: ignore[reportCallIssue]
        market=MarketRules(ibkr=IbkrRules(port=port, timeout=6.0, reconnects=1, backoff=0.01)),  # pyright: ignore[reportCallIssue]
    )
    gathered = sources_of(settings).gather()
    about = sorted(t for r in gathered.facts("news_facts").to_pylist() for t in r["tickers"])
    said = [r["reason"] for r in gathered.files().to_pylist() if r["file"] == "live:ibkr_news"]
    return about, said, settings


@pytest.fixture
def headlines() -> World:
    world = World.of("QRVAN", "ZPHYC", "BLXDT")
    world.providers = {"BRFG": "Briefing"}
    world.news = [Headline("BRFG", f"BRFG${n}", "2026-07-13 15:39:00.0", f"News {n}", 1000 + n) for n in range(3)]
    return world


def test_headlines_are_asked_for_whom_the_watchlist_names(tmp_path: Path, headlines: World) -> None:
    with gateway(headlines) as running:
        about, said, settings = of_the_watched(
            tmp_path, running.port, "ticker,lists\nZPHYC,collector news\nQRVAN,\nBLXDT,collector\n"
        )
        assert (about, said) == (["QRVAN", "ZPHYC"], [])  # of the third, options alone are asked for
        lake = Lake(settings.lake_root)
        lake.create()
        row = {"ticker": "BLXDT", "name": None, "sector": None, "reason": None, "lists": ["top_traded"]}
        universe = pa.Table.from_pylist([row | {"has_bars": True}], schema=tables.WATCHLIST.schema)
        lake.write("watchlist", universe)  # the universe of the last run has the word, whoever is in the file
        assert news_names(settings) == ("BLXDT",)


def test_the_settings_may_name_others_and_nobody_is_no_reason_to_ask(tmp_path: Path, headlines: World) -> None:
    with gateway(headlines) as running:
        about, _, _ = of_the_watched(tmp_path / "a", running.port, "ticker\nZPHYC\n", tickers=("QRVAN",))
        assert about == ["QRVAN"]
        about, said, _ = of_the_watched(tmp_path / "b", running.port, "ticker\n")
        assert (about, said) == ([], [NOBODY])


def test_a_sweep_that_has_the_connection_is_not_disturbed(tmp_path: Path, headlines: World) -> None:
    lock = tmp_path / "store" / "sweeps" / ".ibkr.lock"
    lock.parent.mkdir(parents=True)
    with gateway(headlines) as running, lock.open("w") as sweeping:
        fcntl.flock(sweeping, fcntl.LOCK_EX)
        about, said, _ = of_the_watched(tmp_path, running.port, "ticker\nZPHYC\n")
        assert about == []
        assert "a sweep has the connection" in said[0]
