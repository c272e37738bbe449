"""The vulnerability database: recorded answers, torn and hostile ones, and what is asked for on loopback."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from cyberpi_assets.sources.events.nvd import LISTED, LOOKED_AT, read_nvd
from cyberpi_assets.sources.files.source import read_file
from cyberpi_assets.sources.live.feeds import Feed, FeedsPart
from cyberpi_assets.sources.live.nvd import NvdPart
from cyberpi_assets.sources.rows import Origin, Reading, Unreadable
from cyberpi_assets_tests.sources.site import Asked, Reply, serving
from cyberpi_assets_tests.sources.test_live_news import HTML, Stand

FILE = Origin("nvd.json")
DAY = 86_400.0


def entry(cve: str, score: float | None = 7.5, **more: Any) -> dict[str, Any]:
    metric = {"source": "nvd@nist.gov", "type": "Primary", "cvssData": {"baseScore": score, "baseSeverity": "HIGH"}}
    return {
        "cve": {
            "id": cve, "published": "2026-07-01T00:15:12.103", "lastModified": "2026-07-02T00:00:00.000",
            "vulnStatus": "Analyzed",
            "descriptions": [{"lang": "es", "value": "Uno"}, {"lang": "en", "value": "A flaw"}],
            "metrics": {} if score is None else {"cvssMetricV31": [metric]},
        } | more
    }  # fmt: skip


def answer(*entries: Any, total: int | None = None, **more: Any) -> dict[str, Any]:
    n = len(entries)
    return {
        "resultsPerPage": n, "startIndex": 0, "totalResults": n if total is None else total, "format": "NVD_CVE",
        "version": "2.0", "timestamp": "2026-07-03T00:00:00.000", "vulnerabilities": list(entries),
    } | more  # fmt: skip


def rows(reading: Reading) -> list[dict[str, Any]]:
    found = reading.facts["vulnerability_facts"]
    assert isinstance(found, pa.Table)
    return found.to_pylist()


# ------------------------------------------------------------------------------------------------------------- format


@pytest.mark.real
def test_recorded_answers(real: Path, tmp_path: Path) -> None:
    wire = real.parent / "wire" / "nvd"
    form, reading = read_file(wire / "CVE-2021-26855.json", FILE, 10**8, tmp_path)
    assert (form.kind, form.name) == ("vulnerabilities", "vulnerabilities/nvd")
    (exchange,) = rows(reading)
    assert exchange["published_at"] == dt.datetime(2021, 3, 3, 0, 15, 12, 103000, dt.UTC)
    assert (exchange["cvss"], exchange["cvss_version"], exchange["rating"]) == (9.8, "3.1", "critical")
    assert (exchange["scored_by"], exchange["cwes"]) == ("nvd@nist.gov", ["CWE-918"])
    assert (exchange["vendors"], exchange["products"]) == (["microsoft"], ["microsoft: exchange server"])
    found = {r["cve"]: r for r in rows(read_file(wire / "simple_search.json", FILE, 10**8, tmp_path)[1])}
    # of three metrics that of 3.1: 5.4 by the database, not 9.8 by who reported it under 3.0, nor 3.5 under 2.0
    assert (found["CVE-2022-0558"]["cvss"], found["CVE-2022-0558"]["rating"]) == (5.4, "medium")
    assert found["CVE-2021-25992"]["products"] == ["if-me: ifme"]
    (kernel,) = rows(read_file(wire / "CVE-2017-7542.json", FILE, 10**8, tmp_path)[1])
    assert kernel["products"][0] == "linux: linux kernel"


def test_what_is_missing_is_unknown_and_what_is_wrong_is_put_aside() -> None:
    odd = entry("CVE-2026-0002", None, descriptions=None, weaknesses="x", configurations={"nodes": 1}, vulnStatus=None)
    given = [odd, entry("CVE-1"), entry("CVE-2026-0003", published="soon"), "text", None, {"cve": []}]
    reading = read_nvd(answer(*given), FILE)
    (row,) = rows(reading)
    assert [row[c] for c in ("cvss", "cvss_version", "rating", "description", "status", "scored_by")] == [None] * 6
    assert (row["cwes"], row["vendors"], row["products"], row["n_products"]) == ([], [], [], 0)
    assert reading.rows_read == 6
    assert reading.quarantine.num_rows == 5


@pytest.mark.parametrize("score", [-1, 10.5, True, "9.8", None, float("nan"), [9]])
def test_what_is_no_score_is_none_and_the_next_version_stands_in(score: Any) -> None:
    metrics = {
        "cvssMetricV31": [{"cvssData": {"baseScore": score}}],
        "cvssMetricV2": [
            {"type": "Secondary", "cvssData": {"baseScore": 1.0}, "baseSeverity": "LOW"},
            {"type": "Primary", "cvssData": {"baseScore": 4.9}, "baseSeverity": "MEDIUM"},
        ],
    }
    (row,) = rows(read_nvd(answer(entry("CVE-2026-0001", metrics=metrics)), FILE))
    assert (row["cvss"], row["cvss_version"], row["rating"]) == (4.9, "2.0", "medium")


def test_products_are_cut_quoted_and_never_those_that_are_safe() -> None:
    def matches(*criteria: str, **more: Any) -> list[dict[str, Any]]:
        return [{"nodes": [{"cpeMatch": [{"criteria": c, "vulnerable": True} | more for c in criteria]}]}]

    one = matches(r"cpe:2.3:a:some\:maker:a_product\!:1:*:*:*:*:*:*:*", "cpe:2.3:a:*:x:1", "cpe", "", "::::::")
    (row,) = rows(read_nvd(answer(entry("CVE-2026-0001", configurations=one)), FILE))
    assert row["products"] == ["some:maker: a product!"]
    safe = matches("cpe:2.3:o:kettleware:kernel:1", vulnerable=False)
    (row,) = rows(read_nvd(answer(entry("CVE-2026-0001", configurations=safe)), FILE))
    assert row["products"] == []
    many = matches(*(f"cpe:2.3:a:v{n % 70}:p{n}:1" for n in range(LOOKED_AT + 500)))
    huge = entry("CVE-2026-0001", configurations=many, descriptions=[{"lang": "en", "value": "x " * 2**19}])
    (row,) = rows(read_nvd(answer(huge), FILE))
    assert (len(row["vendors"]), len(row["products"]), row["n_products"]) == (LISTED, LISTED, LOOKED_AT)
    assert len(row["description"]) <= 4_000


@pytest.mark.parametrize(
    "document",
    [
        [],
        "x",
        None,
        {},
        answer() | {"format": "other"},
        answer(vulnerabilities={}),
        answer(entry("CVE-2026-0001")) | {"resultsPerPage": 5},
    ],
)
def test_what_is_no_answer(document: Any) -> None:
    with pytest.raises(Unreadable):
        read_nvd(document, FILE)


# --------------------------------------------------------------------------------------------------------------- live


class Database:
    """Answers by what is asked for; `broken` in place of all answers."""

    def __init__(self) -> None:
        self.exploited = [entry(f"CVE-2026-{n:04d}") for n in range(1, 4)]
        self.others = {"CVE-2026-7777": entry("CVE-2026-7777", None)}
        self.broken: Reply | None = None
        self.asked = list[dict[str, str]]()
        self.page = 2

    def __call__(self, asked: Asked) -> Reply:
        if asked.path == "/feed":
            return Reply(200, FEED)
        given = dict(part.partition("=")[::2] for part in asked.query.split("&"))
        self.asked.append(given)
        if self.broken is not None:
            return self.broken
        if "cveId" in given:
            found = [self.others[given["cveId"]]] if given["cveId"] in self.others else []
            return Reply(200, json.dumps(answer(*found)).encode())
        at = int(given["startIndex"])
        mine = [] if "lastModStartDate" in given else self.exploited
        return Reply(200, json.dumps(answer(*mine[at : at + self.page], total=len(mine))).encode())


FEED = b"""<?xml version="1.0"?><rss version="2.0"><channel><title>Secursphere</title>
<item><title>Attackers use cve-2026-7777 and CVE-2026-8888, not CVE-2026-0001</title><link>https://news.example/1</link>
<pubDate>Tue, 05 Mar 2024 12:00:00 -0500</pubDate></item></channel></rss>"""


@pytest.fixture
def database() -> Database:
    return Database()


def test_the_list_page_by_page_then_what_changed_and_what_headlines_name(database: Database, tmp_path: Path) -> None:
    with serving(database) as site:
        stand = Stand(tmp_path, site, lambda c, f: NvdPart(c, f"{site.base}/cves", f, most=5, hours=20))
        first = stand.poll()
        assert [(a.get("hasKev"), a["startIndex"]) for a in database.asked] == [("", "0"), ("", "2")]
        assert [r["cve"] for r in stand.facts("vulnerability_facts", first)] == [f"CVE-2026-{n:04d}" for n in (1, 2, 3)]
        assert stand.gaps(first) == []
        stand.poll()
        assert len(database.asked) == 2  # the list is looked at once a day

        feeds = FeedsPart(stand.client, [Feed("s", f"{site.base}/feed", "cyber")], tmp_path / "shelves")
        feeds.collect(stand.intake, lambda _: None)
        units = stand.poll(DAY)
        window, *named = database.asked[2:]
        assert window["lastModEndDate"] == f"{stand.now():%Y-%m-%dT%H:%M:%S}.000"
        begun = dt.datetime.fromisoformat(window["lastModStartDate"] + "+00:00")
        assert stand.now() - begun > dt.timedelta(seconds=DAY)  # windows overlap
        assert [a["cveId"] for a in named] == ["CVE-2026-7777", "CVE-2026-8888"]  # the third has a score
        assert stand.gaps(units) == [("CVE-2026-8888", "vulnerability", True)]
        database.others["CVE-2026-7777"] = entry("CVE-2026-7777", 9.1)  # it is scored later
        again = stand.facts("vulnerability_facts", stand.poll(2 * DAY))
        assert [r["cvss"] for r in again if r["cve"] == "CVE-2026-7777"] == [None, 9.1]
        before = len(database.asked)
        stand.poll()
        assert len(database.asked) == before + 1  # what has a score is not asked for again


@pytest.mark.parametrize(
    "broken",
    [Reply(403, b"Request forbidden by administrative rules."), Reply(503, b""), HTML, Reply(200, b"{")],
)
def test_a_refusal_is_a_gap_asked_again_later_and_takes_nothing_away(
    database: Database, tmp_path: Path, broken: Reply
) -> None:
    with serving(database) as site:
        stand = Stand(tmp_path, site, lambda c, f: NvdPart(c, f"{site.base}/cves", f, most=5, hours=20))
        had = stand.facts("vulnerability_facts", stand.poll())
        database.broken = broken
        units = stand.poll(DAY)
        assert stand.facts("vulnerability_facts", units) == had
        assert [g[:2] for g in stand.gaps(units)] == [("nvd", "list")]
        database.broken = None
        assert stand.gaps(stand.poll()) == []  # the look that failed is made at the next poll


def test_more_names_than_a_poll_asks_for_are_left_for_later(database: Database, tmp_path: Path) -> None:
    with serving(database) as site:
        stand = Stand(tmp_path, site, lambda c, f: NvdPart(c, f"{site.base}/cves", f, most=1, hours=20))
        feeds = FeedsPart(stand.client, [Feed("s", f"{site.base}/feed", "cyber")], tmp_path / "shelves")
        feeds.collect(stand.intake, lambda _: None)
        database.exploited = []
        units = stand.poll()
        assert [a["cveId"] for a in database.asked if "cveId" in a] == ["CVE-2026-0001"]
        assert {g[0] for g in stand.gaps(units)} == {"CVE-2026-0001", "CVE-2026-7777", "CVE-2026-8888"}
