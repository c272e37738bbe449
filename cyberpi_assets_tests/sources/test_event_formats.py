"""Formats of news and events: real samples, torn ones and hostile ones. Whatever comes, each row is accounted for."""

from __future__ import annotations

import datetime as dt
import json
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cyberpi_assets.sources.events import catalogues, edgar, feeds, halts
from cyberpi_assets.sources.events.headlines import Headlines, parse_link, read_news_document, read_news_rows
from cyberpi_assets.sources.events.moments import Moment, parse_clock, parse_moment
from cyberpi_assets.sources.files.source import read_file
from cyberpi_assets.sources.intake import Intake, Unit
from cyberpi_assets.sources.rows import Origin, Reading, Unreadable

FILE = Origin("some/file-2024-05-01.csv")
SEEN = dt.datetime(2024, 5, 1, 12, tzinfo=dt.UTC)


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text + "+00:00")


def rows(reading: Reading, fact: str) -> list[dict[str, Any]]:
    table = reading.facts.get(fact)
    assert table is None or isinstance(table, pa.Table)
    return table.to_pylist() if table is not None else []


def balanced(reading: Reading) -> bool:
    accepted = sum(t.num_rows for t in reading.facts.values() if isinstance(t, pa.Table))
    aside = reading.quarantine.group_by(["file", "line"]).aggregate([]).num_rows
    return reading.rows_read == accepted + aside


@pytest.fixture(scope="module")
def wire(real: Path) -> Path:
    return real.parent / "wire"


# --------------------------------------------------------------------------------------------------------- moments


@pytest.mark.parametrize(
    ("printed", "moment"),
    [
        ("2026-08-12T11:41:34+00:00", Moment(at("2026-08-12T11:41:34"), "s")),
        ("2020-06-05 10:30:54-04:00", Moment(at("2020-06-05T14:30:54"), "s")),
        ("2026-07-13 15:39:00.0", Moment(at("2026-07-13T15:39:00"), "s")),  # IBKR: no zone is UTC
        ("2026-07-13T15:39Z", Moment(at("2026-07-13T15:39:00"), "min")),
        ("Wed, 16 Sep 2026 04:00:00 GMT", Moment(at("2026-09-16T04:00:00"), "s")),
        ("Tue, 05 Mar 2024 12:00:00 -0500", Moment(at("2024-03-05T17:00:00"), "s")),
        ("2026-07-16", Moment(at("2026-07-16T00:00:00"), "day")),
        (1740442800, Moment(at("2025-02-25T00:20:00"), "s")),
        ("1775385000000", Moment(at("2026-04-05T10:30:00"), "s")),  # milliseconds
        (dt.date(2026, 7, 16), Moment(at("2026-07-16T00:00:00"), "day")),
    ],
)
def test_moments(printed: object, moment: Moment) -> None:
    assert parse_moment(printed) == moment


@pytest.mark.parametrize(
    "printed",
    [
        None,
        "",
        "soon",
        True,
        10**30,
        float("nan"),
        float("inf"),
        "0001-01-01T00:00:00",
        "2200-01-01",
        "99999999999999999999",
        "2024-02-30",
        -5,
        {"a": 1},
    ],
)
def test_what_is_no_moment(printed: object) -> None:
    assert parse_moment(printed) is None


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.one_of(st.text(max_size=80), st.integers(), st.floats(), st.datetimes(), st.binary(max_size=20)))
def test_moments_never_fail(value: object) -> None:
    moment = parse_moment(value)
    assert moment is None or 1990 <= moment.at.year < 2100


@pytest.mark.parametrize(
    ("day", "clock", "moment"),
    [
        ("03/26/2018", "13:00:42", at("2018-03-26T17:00:42")),
        ("09/16/2026", "09:30:17 .163", at("2026-09-16T13:30:17.163000")),
        ("01/16/2026", "09:30:17.1", at("2026-01-16T14:30:17.100000")),
        ("2026-08-21", "7:50 PM", at("2026-08-21T23:50:00")),
        ("09/16/2026", "", None),
        ("", "13:00:42", None),
        ("13/40/2026", "13:00", None),
        ("09/16/2026", "25:00:00", None),
    ],
)  # fmt: skip
def test_times_of_halts(day: str, clock: str, moment: dt.datetime | None) -> None:
    assert parse_clock(day, clock) == moment


# -------------------------------------------------------------------------------------------------------- headlines


def test_every_row_is_kept_or_put_aside() -> None:
    given_rows = [
        (1, {"headline": "A", "publisher": "P", "url": "https://news.example/1", "date": "2024-01-02"}, ()),
        (2, {"headline": " ", "publisher": "P", "url": "", "date": "2024-01-02"}, ()),
        (3, {"headline": "B", "publisher": "P", "url": "", "date": "never"}, ()),
        (4, None, ["torn"]),
    ]
    reading = read_news_rows(given_rows, FILE)
    assert balanced(reading)
    assert [r["field"] for r in reading.quarantine.to_pylist()] == ["headline", "published_at", "row"]
    (row,) = rows(reading, "news_facts")
    assert (row["provider"], row["article_id"], row["precision"]) == ("P", "https://news.example/1", "day")


def test_hostile_headlines() -> None:
    megabyte = "x " * 2**19
    told = Headlines("f", "s", SEEN)
    started = time.perf_counter()
    for line, (headline, more) in enumerate(
        [
            (megabyte, {"body": megabyte}),
            ("a\x00b\u202ec", {}),
            ("hаck of Quorvane", {}),
            ("<b>bold</b> &amp;amp; plain", {"url": "javascript:alert(1)"}),
            ("tomorrow's news", {"moment": SEEN + dt.timedelta(days=3)}),
            ({"an": "object"}, {}),
            ("many", {"tickers": ",".join(f"T{i}" for i in range(100_000))}),
            ("\ud800 lone surrogate", {}),
        ],
        1,
    ):  # fmt: skip
        told.add(line, **{"headline": headline, "moment": SEEN, "provider": "P", "article_id": str(line), **more})
    assert time.perf_counter() - started < 5
    found = rows(told.reading(), "news_facts")
    assert len(found) == told.buffer.read == 8
    assert (len(found[0]["headline"]), found[0]["flags"]) == (2000, ["headline_cut", "body_cut"])
    assert found[1]["flags"] == ["control_characters"]
    assert found[2]["flags"] == ["homoglyphs"]
    assert (found[3]["headline"], found[3]["url"]) == ("bold & plain", None)
    assert found[4]["flags"] == ["future_dated"]
    assert len(found[6]["tickers"]) == 100


@pytest.mark.parametrize(
    "link",
    ["ftp://x.example", "https://a b", "http://", "https://x.example/'\"", "x" * 5000, None, "https://x.example/\x00"],
)
def test_what_is_no_link(link: object) -> None:
    assert parse_link(link) is None


def test_yahoos_nested_form_and_advertisements_of_no_use() -> None:
    content = {
        "title": "Quorvane grows", "summary": "S", "pubDate": "2024-05-01T10:00:00Z",
        "provider": {"displayName": "Wire"}, "canonicalUrl": {"url": "https://news.example/q"},
    }  # fmt: skip
    nested = {"data": {"tickerStream": {"stream": [{"id": "u-1", "content": content}, {"ad": [1]}, "text"]}}}
    reading = read_news_document(nested, FILE, SEEN)
    assert balanced(reading)
    (row,) = rows(reading, "news_facts")
    assert (row["provider"], row["article_id"], row["url"]) == ("Wire", "u-1", "https://news.example/q")
    assert row["seen_at"] == SEEN
    with pytest.raises(Unreadable):
        read_news_document({"something": 1}, FILE)


# ------------------------------------------------------------------------------------------------------------ feeds

RSS = b"""<?xml version="1.0"?><rss version="2.0"><channel><title>Secursphere</title><language>en-gb</language>
<item><title>First &amp; foremost</title><link>https://news.example/1</link><guid>g1</guid>
<pubDate>Tue, 05 Mar 2024 12:00:00 -0500</pubDate><description>&lt;p&gt;Text&lt;/p&gt;</description></item>
<item><title>No date</title><link>https://news.example/2</link></item>
<item><link>https://news.example/3</link></item></channel></rss>"""


def test_a_feed() -> None:
    reading = feeds.read_feed(RSS, FILE, category="cyber", seen_at=SEEN)
    assert balanced(reading)
    first, second = rows(reading, "news_facts")
    assert (first["provider"], first["article_id"], first["headline"]) == ("Secursphere", "g1", "First & foremost")
    assert first["published_at"] == at("2024-03-05T17:00:00")
    assert (first["category"], first["language"], first["body"]) == ("cyber", "en", "Text")
    assert second["published_at"] == SEEN  # no date: the moment it was fetched
    assert [r["field"] for r in reading.quarantine.to_pylist()] == ["headline"]
    assert len(rows(feeds.read_feed(RSS, FILE), "news_facts")) == 1  # without that moment it is put aside


@pytest.mark.parametrize(
    "data",
    [
        b'<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY l2 "&lol;&lol;">]><rss>&l2;</rss>',
        '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE x [<!ENTITY a "b">]><rss/>'.encode("utf-16"),
        b'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><rss><channel>&x;</channel></rss>',
    ],
)  # fmt: skip
def test_feeds_that_define_entities_are_refused(data: bytes) -> None:
    with pytest.raises(Unreadable, match="entities"):
        feeds.read_feed(data, FILE)


@pytest.mark.parametrize("data", [b"", b"<html><body>Access denied</body></html>", b"{}", b"\x00\xff" * 100])
def test_what_is_no_feed(data: bytes) -> None:
    with pytest.raises(Unreadable):
        feeds.read_feed(data, FILE)


def test_a_torn_feed_gives_what_can_be_read_and_says_so() -> None:
    reading = feeds.read_feed(RSS[:-140], FILE, seen_at=SEEN)
    assert rows(reading, "news_facts")[0]["headline"] == "First & foremost"
    assert reading.note is not None
    with pytest.raises(Unreadable, match="too large"):
        feeds.read_feed(b"<rss>" + b" " * feeds.LARGEST, FILE)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, len(RSS)), st.binary(max_size=30))
def test_no_feed_brings_the_reader_down(place: int, noise: bytes) -> None:
    try:
        reading = feeds.read_feed(RSS[:place] + noise + RSS[place:], FILE, seen_at=SEEN)
    except Unreadable:
        return
    assert balanced(reading)


# ------------------------------------------------------------------------------------------------------------ halts


def halts_rss(*items: str, announced: int | None = None) -> bytes:
    n = len(items) if announced is None else announced
    body = "".join(f"<item><title>x</title><pubDate>Wed, 16 Sep 2026 04:00:00 GMT</pubDate>{i}</item>" for i in items)
    return (
        '<?xml version="1.0" encoding="utf-8"?><rss version="2.0" xmlns:ndaq="http://www.nasdaqtrader.com/"><channel>'
        f"<title>NASDAQTrader.com</title><ndaq:numItems>{n}</ndaq:numItems>{body}</channel></rss>"
    ).encode()


HALT = (
    "<ndaq:HaltDate>09/16/2026</ndaq:HaltDate><ndaq:HaltTime>09:30:17 .163</ndaq:HaltTime>"
    "<ndaq:IssueSymbol>QRVAN</ndaq:IssueSymbol><ndaq:IssueName>Quorvane</ndaq:IssueName><ndaq:Mkt>Q</ndaq:Mkt>"
    "<ndaq:ReasonCode>T1</ndaq:ReasonCode><ndaq:ResumptionDate>09/16/2026</ndaq:ResumptionDate>"
    "<ndaq:ResumptionTradeTime>10:05:00</ndaq:ResumptionTradeTime>"
)


def test_a_halt_with_blank_before_milliseconds_and_the_short_name_of_its_market() -> None:
    (row,) = rows(halts.read_halts_rss(halts_rss(HALT), FILE, SEEN), "halt_facts")
    assert row["halted_at"] == at("2026-09-16T13:30:17.163000")
    assert row["resumed_at"] == at("2026-09-16T14:05:00")
    assert (row["ticker"], row["market"], row["reason_code"], row["halted_on"]) == (
        "QRVAN",
        "Q",
        "T1",
        dt.date(2026, 9, 16),
    )


def test_the_number_of_halts_is_a_checksum() -> None:
    torn = halts_rss(HALT, announced=5)
    assert halts.read_halts_rss(torn, FILE).note == "the feed announces 5 halts and holds 1"
    with pytest.raises(halts.Incomplete, match="announces 5"):
        halts.read_halts_rss(torn, FILE, whole=True)
    assert rows(halts.read_halts_rss(halts_rss(), FILE, whole=True), "halt_facts") == []  # truly none


@pytest.mark.parametrize(
    "page",
    [
        b"<!DOCTYPE html><html><body>Pardon our interruption</body></html>",
        b"\n  <html><head></head></html>",
        b"",
        b"<rss",
        b"<feed/>",
        b'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "b">]><rss><channel>&a;</channel></rss>',
    ],
)
def test_a_page_in_place_of_the_list_is_an_error_and_never_no_halts(page: bytes) -> None:
    with pytest.raises(Unreadable):
        halts.read_halts_rss(page, FILE)


def test_symbols_of_further_papers_and_rows_without_a_time() -> None:
    table = [
        (1, {"symbol": "AHT PRI", "halt_date": "2026-08-21", "halt_time": "19:50:00"}, ()),
        (2, {"symbol": "SES WS", "halt_date": "2026-08-21", "halt_time": "19:50:00"}, ()),
        (3, {"symbol": "QRVAN", "halt_date": "2026-08-21", "halt_time": "late"}, ()),
        (4, None, ()),
    ]
    reading = halts.read_halt_rows(table, FILE)
    assert balanced(reading)
    assert [r["ticker"] for r in rows(reading, "halt_facts")] == ["AHT-PI", "SES-WS"]


# ------------------------------------------------------------------------------------------------------------ lists


def test_ofac_lists_by_their_width() -> None:
    sdn = '36,"OSTRELUND",-0- ,"SDGT] [IFSR",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,'
    sdn += '"Digital Currency Address - XBT 1abcdefghijklmnopqrstuvwxyz; more."\n\x1a'
    assert catalogues.is_ofac(sdn.splitlines()[0])
    assert not catalogues.is_ofac("ticker,name,sector,reason,lists")
    assert not catalogues.is_ofac("1,2")
    (row,) = rows(catalogues.read_ofac(sdn, FILE), "sanction_facts")
    assert (row["ent_num"], row["name"], row["entity_type"], row["programs"]) == (
        36,
        "OSTRELUND",
        "entity",
        ["SDGT", "IFSR"],
    )
    assert row["addresses"] == ["XBT 1abcdefghijklmnopqrstuvwxyz"]
    assert row["snapshot_at"] == at("2024-05-01T00:00:00")  # the day in the file's name
    with pytest.raises(Unreadable, match="without a date"):
        catalogues.read_ofac(sdn, Origin("sdn.csv"))
    torn = catalogues.read_ofac(sdn + '\n37,"only two"\n', FILE)
    assert balanced(torn)
    assert torn.quarantine.num_rows == 1


def test_a_catalogue_whose_count_differs_is_refused() -> None:
    entry = {"cveID": "CVE-2024-0001", "vendorProject": "V", "product": "P", "dateAdded": "2024-01-02"}
    good = {
        "catalogVersion": "1",
        "dateReleased": "2024-01-03T00:00:00Z",
        "count": 2,
        "vulnerabilities": [entry, {"cveID": "x"}],
    }
    reading = catalogues.read_kev(good, FILE)
    assert balanced(reading)
    assert [r["cve"] for r in rows(reading, "kev_facts")] == ["CVE-2024-0001"]
    for bad in ({**good, "count": 3}, {**good, "dateReleased": None}, {**good, "vulnerabilities": {}}, [], "x"):
        with pytest.raises(Unreadable):
            catalogues.read_kev(bad, FILE)


# ----------------------------------------------------------------------------------------------------- real samples


@pytest.mark.real
def test_edgars_current_feed(wire: Path) -> None:
    reading = edgar.read_current((wire / "sec_edgar" / "getcurrent_atom_full_page_100.xml").read_bytes(), FILE)
    assert balanced(reading)
    found = rows(reading, "company_filing_facts")
    assert reading.note == "71 entries of other forms" or reading.note == "75 entries of other forms"
    merus = next(r for r in found if r["accession"] == "0001193125-25-316841")
    assert (merus["cik"], merus["company"], merus["form"]) == (1651311, "Merus N.V.", "8-K")
    assert merus["items"] == ["2.01", "3.03", "5.01", "5.02", "9.01"]
    assert merus["accepted_at"] == at("2025-12-12T12:54:00")  # 07:54 in New York
    with pytest.raises(Unreadable, match="HTML"):
        edgar.read_current((wire / "sec_edgar" / "getcurrent_503_akamai.html").read_bytes(), FILE)


@pytest.mark.real
def test_edgars_submissions_and_search(wire: Path) -> None:
    document = json.loads((wire / "sec_edgar" / "submissions_CIK0000789019_MSFT.json").read_text())
    found = {r["accession"]: r for r in rows(edgar.read_submissions(document, FILE), "company_filing_facts")}
    breach = found["0001193125-24-011295"]
    assert breach["items"] == ["1.05", "7.01", "9.01"]
    assert breach["accepted_at"] == at("2024-01-19T21:39:35")
    assert (breach["cik"], breach["tickers"]) == (789019, ["MSFT"])
    assert breach["url"] == "https://www.sec.gov/Archives/edgar/data/789019/000119312524011295/d708866d8k.htm"
    assert found["0001193125-24-062997"]["form"] == "8-K/A"
    hits = json.loads((wire / "sec_edgar" / "efts_hits_quoted.json").read_text())
    (eliem,) = rows(edgar.read_search(hits, FILE, cyber=True), "company_filing_facts")
    assert (eliem["accession"], eliem["tickers"], eliem["cyber_query"]) == ("0001193125-24-170599", ["ELYM"], True)
    assert "8.01" in eliem["items"]
    for bad in ({"timed_out": True, "hits": {"hits": []}}, {"hits": None}, []):
        with pytest.raises(Unreadable):
            edgar.read_search(bad, FILE)
    document["filings"]["recent"]["form"].pop()
    with pytest.raises(Unreadable, match="parallel"):
        edgar.read_submissions(document, FILE)


@pytest.mark.real
def test_kev_ofac_and_halts_as_published(wire: Path, real: Path) -> None:
    kev = catalogues.read_kev(
        json.loads((wire / "cisa_kev" / "known_exploited_vulnerabilities.json").read_text()), FILE
    )
    assert kev.rows_read == len(rows(kev, "kev_facts")) == 1404
    for name, record in (("sdn", "entry"), ("alt", "alias"), ("add", "address"), ("sdn_comments", "remark")):
        reading = catalogues.read_ofac((wire / "ofac" / f"{name}.first300.csv").read_text(), FILE)
        assert balanced(reading)
        assert {r["record"] for r in rows(reading, "sanction_facts")} == {record}
        assert reading.quarantine.num_rows == 0
    feed = (real / "market" / "raw" / "nasdaq_tradehalts_rss_4of128items.xml").read_bytes()
    four = halts.read_halts_rss(feed, FILE)
    assert [r["ticker"] for r in rows(four, "halt_facts")] == ["LGVN", "DLXY", "AEHL", "KCHP"]
    assert four.note == "the feed announces 128 halts and holds 4"
    with pytest.raises(halts.Incomplete):
        halts.read_halts_rss(feed, FILE, whole=True)


@pytest.mark.real
def test_files_as_they_lie_are_recognised_and_read_whole(real: Path, tmp_path: Path) -> None:
    expected = {
        "market/halts.parquet": ("halts/table", 3335),
        "market/raw/benzinga_raw_analyst_ratings_100.csv": ("news/table", 100),
        "market/raw/cyber_news_2026-07-16.json": ("news/feed", 50),
        "market/raw/finnhub_company_news_AAPL_2026-08-22.json": ("news/feed", 40),
        "market/raw/halts_nasdaq_nyse_2026-08-21.json": ("halts/feed", 97),
        "market/raw/yahoo_search-AAPL.json": ("news/yahoo", 4),
        "events/breaches.csv": ("events/breaches", 218),
        "events/breaches_weak.csv": ("events/breaches-weak", 588),
        "events/mna_events.csv": ("events/acquisitions", 35),
        "events/sanctions_events.csv": ("events/sanctions", 17),
    }
    intake = Intake(tmp_path / "intake")
    for name, (form, n) in expected.items():
        scratch = tmp_path / "scratch" / name.replace("/", "-")
        scratch.mkdir(parents=True)
        found, reading = read_file(real / name, Origin(name), 2**31, scratch)
        assert found.name == form, name
        assert reading.rows_read == n
        assert reading.quarantine.num_rows == 0, name
        unit = Unit(name, found.kind, form, 1, SEEN, reading.rows_read, None, dict(reading.facts), reading.quarantine)
        intake.write(Intake.unit_id(name), unit)  # the facts are as declared, nothing null that may not be


@pytest.mark.real
def test_the_quick_way_through_a_table_gives_the_same_rows(real: Path, tmp_path: Path) -> None:
    whole = pq.read_table(real / "market" / "news.parquet")
    part = whole.take(list(range(0, whole.num_rows, 97)))  # every source is among them
    path = tmp_path / "part.parquet"
    pq.write_table(part, path)
    _, quick = read_file(path, Origin("part"), 2**31, tmp_path)
    slow = read_news_rows(((i, r, ()) for i, r in enumerate(part.to_pylist(), 1)), Origin("part"))
    assert quick.rows_read == slow.rows_read == part.num_rows
    one, two = ({r["line"]: r for r in rows(x, "news_facts")} for x in (quick, slow))
    assert one == two
