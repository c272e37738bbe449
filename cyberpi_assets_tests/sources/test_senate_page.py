"""The Senate's report pages: the real ones against their own counts and another reader; hostile ones bounded."""

from __future__ import annotations

import datetime as dt
import gzip
import html
import json
import random
import re
import subprocess
import sys
import tarfile
import time
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from cyberpi_assets.sources import values as v
from cyberpi_assets.sources.senate.page import MAX_BYTES, MAX_ROWS, SenatePtr, read_ptr_page


@pytest.fixture(scope="module")
def pages(real: Path) -> dict[str, bytes]:
    """The real pages by UUID."""
    with tarfile.open(real / "filings/senate/efd_ptr_html.tar.gz") as tar:
        members = [m for m in tar.getmembers() if m.isfile() and m.name.endswith(".html")]
        return {Path(m.name).stem: tar.extractfile(m).read() for m in members}  # pyright: ignore[reportOptionalMemberAccess]


@pytest.fixture(scope="module")
def read(pages: dict[str, bytes]) -> dict[str, SenatePtr]:
    return {u: read_ptr_page(data) for u, data in pages.items()}


@pytest.fixture(scope="session")
def samples(real: Path) -> Path:
    return real.parent / "wire" / "senate_efd"


def page(rows: str, total: str = "(1 transaction total)", owners: str = "", head: str = "", tail: str = "") -> bytes:
    names = ("#", "Transaction Date", "Owner", "Ticker", "Asset Name", "Asset Type", "Type", "Amount", "Comment")
    header = "".join(f"<th>{n}</th>" for n in names)
    return (
        f"<html><head><title>eFD: Print Periodic Transaction Report</title>{head}</head><body><div>"
        "<h1>Periodic Transaction Report for 01/02/2024</h1>"
        "<h2 class='filedReport'>Ms. Ann B Example (Example, Ann)</h2>"
        "<p class='muted'><strong>Filed 01/02/2024 @ 12:05 AM</strong></p>"
        f"<ul><li>{total}</li>{owners}</ul><table class='table table-striped'><thead><tr>{header}</tr></thead>"
        f"<tbody>{rows}</tbody></table>{tail}</div></body></html>"
    ).encode()


def row(number: int = 1, **cells: str) -> str:
    names = {"date": "01/02/2024", "owner": "Self", "ticker": "--", "asset": "Acme", "kind": "Stock"}
    names |= {"type": "Purchase", "amount": "$1,001 - $15,000", "comment": "--"} | cells
    return "<tr><td>" + str(number) + "</td>" + "".join(f"<td>{c}</td>" for c in names.values()) + "</tr>"


# ---------------------------------------------------------------------------------------------------------- real pages


def test_every_real_page_gives_as_many_rows_as_it_states(pages: dict[str, bytes], read: dict[str, SenatePtr]) -> None:
    assert len(pages) == 801
    for uuid, ptr in read.items():
        stated = int(re.search(rb"\((\d+) transactions? total\)", pages[uuid])[1])  # pyright: ignore[reportOptionalSubscript]
        in_source = len(re.findall(rb"<tr\b", pages[uuid])) - 1
        assert (ptr.status, ptr.problems, ptr.rows_stated) == ("parsed", (), stated), uuid
        assert len(ptr.rows) == stated == in_source, uuid


def test_no_text_of_a_real_table_is_lost(pages: dict[str, bytes], read: dict[str, SenatePtr]) -> None:
    """Every word between <tbody> and </tbody> is in some field of some row, as often as in the page."""
    for uuid, data in pages.items():
        body = data.decode()
        body = body[body.index("<tbody>") : body.index("</tbody>")]
        words = Counter(html.unescape(re.sub(r"<[^<>]*>", " ", body)).split())
        mine: Counter[str] = Counter()
        for r in read[uuid].rows:
            fields = (str(r.number), r.transaction_date, r.owner, *r.tickers, *r.assets, *r.details, r.type, r.amount)
            mine.update(" ".join((*fields, r.asset_type or "", r.comment or "--")).split())
        assert words == mine, uuid


def test_headings_of_real_pages(read: dict[str, SenatePtr], real: Path) -> None:
    with gzip.open(real / "filings/senate/ssw_all_daily_summaries_2021-03.json.gz") as file:
        daily = {v.parse_document(r["ptr_link"]): r for r in json.load(file)}
    compared = 0
    for uuid, ptr in read.items():
        assert ptr.filed_at is not None
        assert ptr.filed_at.tzname() in ("EST", "EDT")
        assert ptr.title_date is not None
        assert ptr.filer
        assert ptr.office
        assert (ptr.amendment_no is not None) == ("Amendment" in (ptr.title or ""))
        if uuid in daily:
            compared += 1
            assert v.parse_date(daily[uuid]["date_recieved"]) == ptr.filed_at.date(), uuid
            assert daily[uuid]["last_name"].split()[0].strip(",").lower() in ptr.filer.lower(), uuid
    assert compared > 600
    assert Counter(ptr.amendment_no is not None for ptr in read.values()) == {False: 705, True: 96}


def test_another_reader_of_the_same_reports_agrees(read: dict[str, SenatePtr], real: Path) -> None:
    """Senate Stock Watcher, row by row in order; it keeps one symbol of an exchange, and unescapes names."""
    with gzip.open(real / "filings/senate/ssw_all_transactions_2021-03.json.gz") as file:
        theirs: dict[str | None, list[dict[str, str]]] = defaultdict(list)
        for record in json.load(file):
            theirs[v.parse_document(record["ptr_link"])].append(record)
    both = [u for u in read if u in theirs]
    rows = one_symbol = escaped = 0
    for uuid in both:
        assert len(read[uuid].rows) == len(theirs[uuid]), uuid
        for mine, other in zip(read[uuid].rows, theirs[uuid], strict=True):
            rows += 1
            asset, detail = v.split_detail(other["asset_description"])
            assert mine.transaction_date == other["transaction_date"]
            assert mine.owner == other["owner"]
            assert (mine.type, mine.amount) == (other["type"], other["amount"])
            assert (mine.asset_type or "") == (other.get("asset_type") or "")
            assert (mine.comment or "--") == v.clean_text(other["comment"])
            assert ("; ".join(mine.details) or None) == detail
            assert v.clean_text(" ".join(mine.assets)) == asset
            escaped += " ".join(mine.assets) != asset
            if len(mine.tickers) == 2:
                one_symbol += 1
                assert mine.type == "Exchange"
                assert v.clean_text(other["ticker"]) in mine.tickers
            else:
                assert mine.tickers == (v.clean_text(other["ticker"]),), uuid
    assert (len(both), rows) == (704, 5439)
    assert (one_symbol, escaped) == (25, 2)


@pytest.mark.parametrize("module", ["senate.page", "senate.facts", "senate.search", "live.senate_efd", "files"])
def test_each_module_can_be_the_first_one_imported(module: str) -> None:
    subprocess.run([sys.executable, "-c", f"import cyberpi_assets.sources.{module}"], check=True, timeout=60)


# --------------------------------------------------------------------------------------------------- what a page shows


def test_options_bonds_companies_and_exchanges(samples: Path) -> None:
    ptr = {p.name[:8]: read_ptr_page(p.read_bytes()) for p in (samples / "ptr").glob("*.html")}
    put = ptr["d1798081"].rows[0]
    assert put.terms == {"Option Type": "Put", "Strike price": "$42.50", "Expires": "07/17/2020"}
    assert (put.tickers, put.assets) == (("CMCSA",), ("Comcast Corporation",))
    assert ptr["d1798081"].amendment_no == 1
    assert ptr["06d6db62"].amendment_no == 2
    bond = ptr["068b57a8"].rows[0]
    assert bond.terms == {"Rate/Coupon": "2.0%", "Matures": "08/26/2019"}
    company = ptr["3877f56e"].rows[0]
    assert len(company.details) == 2
    assert company.terms["Company"] == "Pacur, LLC (Oshkosh, WI)"
    assert ptr["064147b0"].rows[0].asset_type is None
    swap = ptr["cac640d3"].rows[0]
    assert swap.type == "Exchange"
    assert [a.rsplit("(", 1)[1] for a in swap.assets] == ["Exchanged)", "Received)"]


def test_an_excerpt_is_partial_and_says_what_is_missing(samples: Path) -> None:
    ptr = read_ptr_page((samples / "ptr/e337e1b4_excerpt_2025-12-26.html").read_bytes())
    assert ptr.status == "partial"
    assert len(ptr.rows) == 3
    assert ptr.problems[0] == "3 rows read, the page states 10"
    assert ptr.rows[2].tickers == ("BITB",)
    assert ptr.filed_at == dt.datetime(2025, 12, 26, 17, 36, tzinfo=dt.UTC)


def test_other_pages_are_named_for_what_they_are(samples: Path, real: Path) -> None:
    assert read_ptr_page((samples / "other/annual_02afcac7.html").read_bytes()).status == "not_ptr"
    assert read_ptr_page((samples / "other/extension_notice_0180c540.html").read_bytes()).status == "not_ptr"
    for lapsed in (real / "filings/senate/efd_html_samples").glob("session_expired*.html"):
        ptr = read_ptr_page(lapsed.read_bytes())
        assert ptr.status == "failed"
        assert "session lapsed" in (ptr.reason or "")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty page"),
        (b"%PDF-1.7 ...", "not an HTML page"),
        (b"{}", "not an HTML page"),
        (b"<html><title>Site Under Maintenance</title><h1>Back soon</h1></html>", "not a report page: Back soon"),
        (b"<h1>Periodic Transaction Report</h1>", "no table of transactions"),
        (b"<h1>Periodic Transaction Report</h1><table><tr><th>#</th></tr></table>", "no table with the nine columns"),
        (b"<" + b"x" * MAX_BYTES, "bytes, more than"),
        (b"<form><input name='prohibition_agreement'></form>", "session lapsed"),
    ],
)
def test_what_is_no_report_fails_with_the_reason(data: bytes, reason: str) -> None:
    ptr = read_ptr_page(data)
    assert ptr.status == "failed"
    assert reason in (ptr.reason or "")


def test_a_paper_filing_gives_its_images() -> None:
    data = b"""<html><h1>Periodic Transaction Report</h1><h2 class="filedReport">RICHARD BLUMENTHAL</h2>
    <img class="filingImage" src="https://efd-media-public.senate.gov/media/2026/2/000/000/000000513.gif">
    <img class="x filingImage" src="/media/2.gif"><img class="filingImage" src="javascript:alert(1)">
    <img class="filingImage" src="https://user:pw@elsewhere/x.gif"><img class="logo" src="/logo.gif"></html>"""
    ptr = read_ptr_page(data)
    assert ptr.status == "paper"
    assert ptr.images == (
        "https://efd-media-public.senate.gov/media/2026/2/000/000/000000513.gif",
        "https://efdsearch.senate.gov/media/2.gif",
    )
    assert ptr.rows == ()


def test_columns_are_found_by_name_and_markup_is_not_text() -> None:
    data = page(row(asset="A &lt;b&gt; <em>B</em><!-- no --><br>C<div class='text-muted'>Company: <b>X</b>: Y</div>"))
    swapped = data.replace(b"<th>Owner</th><th>Ticker</th>", b"<th>Ticker</th><th>Owner</th>")
    read = read_ptr_page(swapped.replace(b"<td>Self</td><td>--</td>", b"<td>--</td><td>Self</td>"))
    assert read.status == "parsed"
    assert read.rows[0].owner == "Self"
    assert read.rows[0].assets == ("A <b> B", "C")
    assert read.rows[0].terms == {"Company": "X: Y"}


def test_oddities_that_lose_nothing_are_notes(read: dict[str, SenatePtr]) -> None:
    noted = {u[:8]: ptr.notes for u, ptr in read.items() if ptr.notes}
    assert noted == {  # three real pages print a number twice
        "26ae70ce": ("the page numbers several rows alike: [7]",),
        "6bd46141": ("the page numbers several rows alike: [4]",),
        "d221805d": ("the page numbers several rows alike: [7]",),
    }
    novel = read_ptr_page(page(row(kind="Moon Rock")))
    assert (novel.status, novel.notes) == ("parsed", ("asset types not seen before: ['Moon Rock']",))


def test_no_transactions_stated_and_none_there_is_verified_empty() -> None:
    ptr = read_ptr_page(page("", "(0 transactions total)"))
    assert ptr.status == "parsed"
    assert ptr.empty_verified
    assert not read_ptr_page(page(row())).empty_verified
    assert read_ptr_page(page("", "(2 transactions total)")).status == "partial"


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (page(row() + row(2)), "2 rows read, the page states 1"),
        (page(row(), "no count"), "does not state"),
        (page(row(), owners="<li>0 Self</li><li>1 Spouse</li>"), "owners read"),
        (page("<tr><td>1</td><td>01/02/2024</td></tr>"), "without the nine columns"),
        (page(row(7)), "number is missing or above"),
        (page(row(type="Gift")), "neither purchase"),
        (page(row(date="soon")), "no readable transaction date"),
        (page(row(amount="plenty")), "no readable amount"),
        (page(row(asset="")), "names no asset"),
        (page(row(ticker="")), "neither a ticker"),
        (page(row(comment="caf\xe9")).decode().encode("latin-1"), "not text"),
        (page(row(comment="x\x00y")), "not text"),
        (page(row()).split(b"</td></tr>")[0], "breaks off"),
        (page(row(comment="x" * 5000)), "without the nine columns"),
        (page(row()).replace(b"Filed 01/02", b"Filed 99/99"), "when it was filed"),
    ],
)
def test_every_doubt_about_completeness_makes_a_page_partial(data: bytes, problem: str) -> None:
    ptr = read_ptr_page(data)
    assert ptr.status == "partial"
    assert any(problem in p for p in ptr.problems), ptr.problems


# ----------------------------------------------------------------------------------------------------------- hostility


def mutated(data: bytes, dice: random.Random) -> bytes:
    """The page damaged in one of the ways that pages get damaged."""
    body = bytearray(data)
    kind = dice.randrange(7)
    at = dice.randrange(len(body))
    if kind == 0:
        return bytes(body[:at])
    if kind == 1:
        for _ in range(dice.randrange(1, 200)):
            body[dice.randrange(len(body))] ^= 1 << dice.randrange(8)
    elif kind == 2:
        del body[at : at + dice.randrange(1, 5000)]
    elif kind == 3:
        body[at:at] = dice.randbytes(dice.randrange(1, 3000))
    elif kind == 4:
        body[at:at] = body[at : at + 20_000] * dice.randrange(1, 5)
    elif kind == 5:
        body[at:at] = dice.choice([b"<table><tr><td>", b"</td></tr></table>", b"<script>", b"<!--", b"<div>" * 3000])
    else:
        rows = [m.span() for m in re.finditer(rb"<tr>.*?</tr>", bytes(body), re.DOTALL)]
        if rows:
            first, last = dice.choice(rows)
            del body[first:last]
    return bytes(body)


def test_mutated_pages_never_crash_hang_or_lose_rows_in_silence(
    pages: dict[str, bytes], read: dict[str, SenatePtr]
) -> None:
    dice, uuids = random.Random(20260101), sorted(pages)
    statuses: Counter[str] = Counter()
    for _ in range(300):
        uuid = dice.choice(uuids)
        data = mutated(pages[uuid], dice)
        started = time.perf_counter()
        ptr = read_ptr_page(data)
        assert time.perf_counter() - started < 5
        statuses[ptr.status] += 1
        assert (ptr.status == "failed") == (ptr.reason is not None and ptr.status != "not_ptr")
        if ptr.status == "parsed":
            assert len(ptr.rows) == len(read[uuid].rows), uuid
    assert statuses["partial"] > 30
    assert statuses["parsed"] > 30


@pytest.mark.parametrize(
    "filler",
    [
        "<table></table>",
        "<table>" * 200 + "</table>" * 200,
        "<li>(1 transaction total)</li>",
        "<ul><li>" * 100 + "x" * 1000 + "</li></ul>" * 100,
        "<h1>x</h1>",
        "<p class='muted'><strong>Filed</strong></p>",
        "<img class='filingImage'>",
        "<img class='filingImage' src='x'>",
        "<tr><td>" * 50,
        "<!-- -->",
        "&amp;&lt;&#65;",
        "<b>",
    ],
)
def test_a_page_full_of_anything_is_read_in_time(filler: str) -> None:
    size = 2**20  # an eighth of what is read at most
    for at in ("<h1>", "<table", "<tbody>", "</body>"):
        data = page(row()).decode().replace(at, filler * (size // len(filler)) + at, 1).encode()
        started = time.perf_counter()
        read_ptr_page(data)
        assert time.perf_counter() - started < 2.5


def test_huge_tables_deep_nesting_and_entities_are_bounded() -> None:
    started = time.perf_counter()
    many = read_ptr_page(page(row() * 12_000, "(12000 transactions total)"))
    assert many.status == "partial"
    assert len(many.rows) == MAX_ROWS
    deep = read_ptr_page(page(row(asset="<b>" * 100_000 + "x" + "</b>" * 100_000)))
    assert deep.status in ("partial", "failed")
    bomb = (
        b'<!DOCTYPE x [<!ENTITY a "'
        + b"A" * 1000
        + b'">'
        + b"".join(b'<!ENTITY %c "%s">' % (c, b"&%c;" % (c - 1) * 100) for c in b"bcdefgh")
    )
    bombed = read_ptr_page(bomb + b"]>" + page(row(comment="&h;")))
    assert all(len(r.comment or "") < 100 for r in bombed.rows)
    assert time.perf_counter() - started < 10
