"""The live adapters against sites on loopback that replay what was recorded, and fail as the real ones do."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import random
import signal
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pytest

from cyberpi_assets.sources.house.index import read_index
from cyberpi_assets.sources.live.house_clerk import HouseClerk
from cyberpi_assets.sources.live.legislators import FILES, Legislators
from cyberpi_assets.sources.live.senate_efd import SenateEfd
from cyberpi_assets.sources.senate.facts import disclosure_facts
from cyberpi_assets.sources.senate.page import read_ptr_page
from cyberpi_assets.sources.web import errors as e
from cyberpi_assets.sources.web.client import Clock, HostRules, PoliteClient
from cyberpi_assets_tests.sources.efd_site import FIND, EfdSite
from cyberpi_assets_tests.sources.site import Asked, FakeTime, Reply, Site, serving

SINCE = dt.date(2014, 1, 1)
PAPER = "13a0fc2a-bbbb-4c1b-b380-d315e198d2a3"


@pytest.fixture(scope="session")
def wire(real: Path) -> Path:
    return real.parent / "wire"


@pytest.fixture(scope="module")
def pages(real: Path) -> dict[str, bytes]:
    """A hundred and thirty real pages by UUID: more than one page of the search."""
    found: dict[str, bytes] = {}
    with tarfile.open(real / "filings/senate/efd_ptr_html.tar.gz") as tar:
        for member in tar:
            if len(found) < 130 and (file := tar.extractfile(member)) is not None:
                found[Path(member.name).stem] = file.read()
    return found


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Callable[[Site], PoliteClient]]:
    clients: list[PoliteClient] = []

    def make(site: Site) -> PoliteClient:
        time = FakeTime()
        clock = Clock(wall=time.now, steady=time.now, sleep=time.sleep)
        clients.append(PoliteClient(tmp_path, {site.host: HostRules()}, clock=clock, jitter=random.Random(1)))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


def listed(uuid: str, kind: str = "ptr") -> list[str]:
    title = "Periodic Transaction Report for 12/22/2025"
    return [
        "A",
        "B",
        "B, A (Senator)",
        f'<a href="/search/view/{kind}/{uuid}/" target="_blank">{title}</a>',
        "12/22/2025",
    ]


def efd_of(pages: dict[str, bytes]) -> EfdSite:
    return EfdSite([listed(u) for u in pages], {f"/search/view/ptr/{u}/": data for u, data in pages.items()})


# -------------------------------------------------------------------------------------------------------------- Senate


def test_the_site_gives_the_same_rows_as_the_files_and_is_asked_once(
    pages: dict[str, bytes], made: Callable[[Site], PoliteClient]
) -> None:
    with serving(efd_of(pages)) as site:
        for _ in range(2):  # the second time from the cache
            efd = SenateEfd(made(site), site.base, accept_terms=True)
            found = efd.search(SINCE)
            assert [r.document for r in found.rows] == list(pages)
            assert (found.stated, found.repeated, found.unreadable) == (130, 0, ())
            for row in found.rows:
                assert efd.kept(row) is None or site.count()[f"GET {row.path}"] == 1
                live = read_ptr_page(efd.document(row).body())
                assert live == read_ptr_page(pages[row.document])
                facts = disclosure_facts(live, row, file="x", site=site.base).facts["disclosure_facts"]
                assert isinstance(facts, pa.Table)
                assert facts.num_rows == live.rows_stated
        counts = site.count()
        assert all(counts[f"GET /search/view/ptr/{u}/"] == 1 for u in pages)
        assert counts["POST /search/report/data/"] == 4  # two pages of up to a hundred, each time
        assert counts["GET /search/home/"] == counts["POST /search/home/"] == 2
        assert len(site.asked) == 130 + 4 + 4
        assert len({a.headers["user-agent"] for a in site.asked}) == 1


def test_nothing_is_asked_before_a_person_accepts_the_terms(
    pages: dict[str, bytes], made: Callable[[Site], PoliteClient]
) -> None:
    with serving(efd_of(pages)) as site:
        efd = SenateEfd(made(site), site.base)
        with pytest.raises(e.TermsNotAccepted, match=r"/search/home/.*accepted the terms.*13107\(c\)"):
            efd.search(SINCE)
        assert site.asked == []


@pytest.mark.parametrize("follows", [False, True])
def test_a_lapsed_session_is_renewed_once(
    pages: dict[str, bytes], made: Callable[[Site], PoliteClient], follows: bool
) -> None:
    few = dict(list(pages.items())[:7])
    efd_site = efd_of(few)
    efd_site.lapse_after, efd_site.follows = 3, follows
    with serving(efd_site) as site:
        efd = SenateEfd(made(site), site.base, accept_terms=True)
        for row in efd.search(SINCE).rows:
            assert efd.document(row).body() == few[row.document]
        assert efd_site.sessions == 3  # eight answers, three a session
        assert not any(
            "Find Reports" in p.read_text("utf-8", "replace")[:500] for p in made(site).folder.rglob("bodies/*/*")
        )


def test_a_session_that_never_holds_is_an_error(pages: dict[str, bytes], made: Callable[[Site], PoliteClient]) -> None:
    efd_site = efd_of(pages)
    efd_site.lapse_after = 0
    with serving(efd_site) as site:
        with pytest.raises(e.SessionLapsed):
            SenateEfd(made(site), site.base, accept_terms=True).search(SINCE)
        assert site.count()["POST /search/home/"] == 2


def test_a_search_answered_with_a_page_is_an_error_with_its_reason(
    pages: dict[str, bytes], made: Callable[[Site], PoliteClient]
) -> None:
    efd_site = efd_of(pages)
    for body, error in ((b"<html><title>Maintenance</title></html>", e.NotADocument), (b'{"data": [', e.NotADocument)):
        efd_site.faults = [Reply(200, body)]
        with serving(efd_site) as site, pytest.raises(error):
            SenateEfd(made(site), site.base, accept_terms=True).search(SINCE)
    efd_site.faults = [Reply(200, FIND.encode())]
    with serving(efd_site) as site:
        assert len(SenateEfd(made(site), site.base, accept_terms=True).search(SINCE).rows) == 130


def test_faults_on_the_way_are_waited_out(pages: dict[str, bytes], made: Callable[[Site], PoliteClient]) -> None:
    few = dict(list(pages.items())[:3])
    efd_site = efd_of(few)
    html = b"<html>x</html>" * 100
    efd_site.faults = [Reply(503), Reply(429, headers={"Retry-After": "7"}), Reply(body=html, cut=50)]
    with serving(efd_site) as site:
        efd = SenateEfd(made(site), site.base, accept_terms=True)
        rows = efd.search(SINCE).rows
        efd_site.faults = [Reply(body=html, cut=50), Reply(502)]
        assert [efd.document(r).body() for r in rows] == list(few.values())
        assert efd_site.sessions == 1


@pytest.mark.parametrize("body", [b"<html><h1>Back soon</h1></html>", b"half", b""])
def test_a_page_without_a_whole_report_is_not_kept(
    pages: dict[str, bytes], made: Callable[[Site], PoliteClient], body: bytes
) -> None:
    uuid, whole = next(iter(pages.items()))
    efd_site = efd_of({uuid: whole})
    with serving(efd_site) as site:
        efd = SenateEfd(made(site), site.base, accept_terms=True)
        row = efd.search(SINCE).rows[0]
        efd_site.faults = [Reply(body=whole[:-9000] if body == b"half" else body)]
        with pytest.raises(e.NotADocument):
            efd.document(row)
        assert efd.kept(row) is None
        assert efd.document(row).body() == whole


def test_a_forbidden_client_is_told_so_and_does_not_insist(
    pages: dict[str, bytes], made: Callable[[Site], PoliteClient]
) -> None:
    efd_site = efd_of(pages)
    efd_site.faults = [Reply(403, b"<html>Access Denied. Reference #18 (Akamai)</html>")]
    with serving(efd_site) as site, pytest.raises(e.Blocked):
        SenateEfd(made(site), site.base, accept_terms=True).search(SINCE)
    assert len(site.asked) == 3


def test_a_refused_form_token_is_renewed_with_the_session(
    pages: dict[str, bytes], made: Callable[[Site], PoliteClient]
) -> None:
    efd_site = efd_of(pages)
    efd_site.faults = [Reply(403, b"<p>CSRF verification failed. Request aborted.</p>")]
    with serving(efd_site) as site:
        assert len(SenateEfd(made(site), site.base, accept_terms=True).search(SINCE).rows) == 130
    assert efd_site.sessions == 2


def test_an_index_shorter_than_it_says_is_an_error(
    pages: dict[str, bytes], made: Callable[[Site], PoliteClient]
) -> None:
    efd_site = efd_of(pages)
    efd_site.stated = 133
    with serving(efd_site) as site, pytest.raises(e.IncompleteIndex, match="130 reports listed of 133"):
        SenateEfd(made(site), site.base, accept_terms=True).search(SINCE)


def withdraw_the_first(index: list[list[str]]) -> None:
    del index[0]


def swap_over_the_edge(index: list[list[str]]) -> None:
    index[99], index[100] = index[100], index[99]


@pytest.mark.parametrize("meanwhile", [withdraw_the_first, swap_over_the_edge])
def test_reports_that_move_between_pages_are_not_missed(
    pages: dict[str, bytes], made: Callable[[Site], PoliteClient], meanwhile: Callable[[list[list[str]]], None]
) -> None:
    """The index changes after its first page was read: the report at the edge would be on neither page."""
    efd_site = efd_of(pages)
    efd_site.meanwhile = meanwhile
    with serving(efd_site) as site:
        found = SenateEfd(made(site), site.base, accept_terms=True).search(SINCE)
        assert site.count()["POST /search/report/data/"] == 4
    assert {r.document for r in found.rows} == set(pages)


def test_a_report_that_the_index_names_twice_is_one_report(
    pages: dict[str, bytes], made: Callable[[Site], PoliteClient]
) -> None:
    efd_site = efd_of(dict(list(pages.items())[:5]))
    efd_site.index.append(efd_site.index[0])
    with serving(efd_site) as site:
        found = SenateEfd(made(site), site.base, accept_terms=True).search(SINCE)
    assert (len(found.rows), found.repeated, found.stated) == (5, 1, 6)


def test_paper_filings_come_with_their_images(made: Callable[[Site], PoliteClient]) -> None:
    page = (
        b'<html><title>eFD: Paper</title><h1>Periodic Transaction Report</h1><h2 class="filedReport">R B</h2>'
        b'<img class="filingImage" src="/media/2026/1.gif"><img class="filingImage" src="/media/2026/2.gif"></html>'
    )
    view = f"/search/view/paper/{PAPER}/"
    gifs = {f"/media/2026/{i}.gif": b"GIF89a" + bytes([i]) for i in (1, 2)}
    with serving(EfdSite([listed(PAPER, "paper")], {view: page, **gifs})) as site:
        efd = SenateEfd(made(site), site.base, accept_terms=True)
        row = efd.search(SINCE).rows[0]
        assert row.is_ptr
        ptr = read_ptr_page(efd.document(row).body(), base=site.base)
        assert ptr.status == "paper"
        assert [d.body() for d in efd.images(ptr)] == list(gifs.values())
        assert [d.body() for d in efd.images(ptr)] == list(gifs.values())
        assert site.count()["GET /media/2026/1.gif"] == 1


def test_a_crawl_killed_in_the_middle_goes_on_where_it_was(pages: dict[str, bytes], tmp_path: Path) -> None:
    """kill -9 while documents arrive, then again: every document is asked for once, but for the one in flight."""
    with serving(efd_of(pages)) as site:
        command = [sys.executable, "-m", "cyberpi_assets_tests.sources.crawlers", str(tmp_path), site.base, site.host]
        root = Path(__file__).resolve().parents[2]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root)
        assert child.stdout is not None
        done = [child.stdout.readline().strip() for _ in range(40)]
        os.kill(child.pid, signal.SIGKILL)
        done += [line.strip() for line in child.stdout if len(line.strip()) == 36]
        child.wait(30)
        assert child.returncode == -signal.SIGKILL
        assert 40 <= len(done) < 130
        finished = subprocess.run(command, capture_output=True, text=True, cwd=root, timeout=120, check=True)
        assert finished.stdout.split() == list(pages)
        counts = {u: site.count()[f"GET /search/view/ptr/{u}/"] for u in pages}
    assert all(counts[u] == 1 for u in done)
    assert all(n >= 1 for n in counts.values())
    assert sum(n - 1 for n in counts.values()) <= 1


# --------------------------------------------------------------------------------------------------------------- House


@dataclass(frozen=True)
class Row:
    doc_id: str
    year: int
    filing_type: str = "P"


def clerk_site(wire: Path) -> Callable[[Asked], Reply]:
    house = wire / "house_clerk"
    missing = Reply(404, (house / "other_types/iis_404_body_saved_as_pdf.html").read_bytes())
    stamp = {"ETag": '"0f7"', "Last-Modified": "Mon, 17 Feb 2025 14:00:00 GMT", "Content-Type": "application/x-zip"}

    def answer(asked: Asked) -> Reply:
        folder, _, name = asked.path.removeprefix("/public_disc/").rpartition("/")
        if name == "2025FD.zip":
            if asked.headers.get("if-none-match") == '"0f7"':
                return Reply(304, headers=stamp)
            return Reply(body=(house / "index/2025FD.zip").read_bytes(), headers=stamp)
        if name == "20030000.pdf":
            return Reply(200, missing.body)  # the error page under HTTP 200
        path = house / ("ptr" if folder.startswith("ptr-pdfs") else "other_types") / name
        known = {"ptr-pdfs/2025", "financial-pdfs/2023"}
        return Reply(body=path.read_bytes()) if folder in known and path.exists() else missing

    return answer


def test_house_documents_are_the_files_and_asked_for_once(wire: Path, made: Callable[[Site], PoliteClient]) -> None:
    ptrs = sorted((wire / "house_clerk/ptr").glob("2*.pdf"))
    with serving(clerk_site(wire)) as site:
        for _ in range(2):
            clerk = HouseClerk(made(site), site.base)
            for path in ptrs:
                assert clerk.document(Row(path.stem, 2025)).body() == path.read_bytes()
            assert clerk.kept(Row(ptrs[0].stem, 2025)) is not None
        assert set(site.count().values()) == {1}
        assert len(site.asked) == len(ptrs)


def test_the_house_index_is_polled_for_two_years_and_kept_before(
    wire: Path, made: Callable[[Site], PoliteClient]
) -> None:
    served = (wire / "house_clerk/index/2025FD.zip").read_bytes()
    with serving(clerk_site(wire)) as site:
        clerk = HouseClerk(made(site), site.base)
        for this_year in (2025, 2026, 2027):
            (found,) = clerk.indexes([2025], this_year=this_year)
            assert found[1].body() == served
        told = [a.headers.get("if-none-match") for a in site.asked]
        assert told == [None, '"0f7"']  # in 2027 the kept one stands
        with pytest.raises(e.Missing):
            clerk.index(2030, poll=True)


def test_the_index_leads_to_the_documents(wire: Path, made: Callable[[Site], PoliteClient]) -> None:
    with serving(clerk_site(wire)) as site:
        clerk = HouseClerk(made(site), site.base)
        entries = read_index(clerk.index(2025, poll=True).body(), "2025FD.zip").rows
        found: list[str] = []
        for entry in (row for row in entries if row.filing_type == "P"):
            with contextlib.suppress(e.Missing):
                found.append(clerk.document(entry).key)
    assert any("/ptr-pdfs/2025/20026590.pdf" in key for key in found)


def test_a_missing_house_document_is_missing_and_html_is_not_a_pdf(
    wire: Path, made: Callable[[Site], PoliteClient]
) -> None:
    with serving(clerk_site(wire)) as site:
        clerk = HouseClerk(made(site), site.base)
        with pytest.raises(e.Missing):
            clerk.document(Row("20099999", 2025))
        with pytest.raises(e.Missing):
            clerk.document(Row("20024542", 2024))  # the year of the address is the row's Year
        with pytest.raises(e.NotADocument, match="HTML in place of a PDF"):
            clerk.document(Row("20030000", 2025))
        before = len(site.asked)
        for bad in (Row("../../etc", 2025), Row("", 2025), Row("1", 99999), Row("12;rm", 2025)):
            with pytest.raises(e.Refused):
                clerk.document(bad)
        assert len(site.asked) == before


# --------------------------------------------------------------------------------------------------------- legislators


def test_the_four_lists_of_people_are_validated_at_every_poll(wire: Path, made: Callable[[Site], PoliteClient]) -> None:
    folder = wire / "congress_legislators"
    stored = {
        "legislators-current.json": folder / "legislators-current.subset.json",
        "legislators-historical.json": folder / "legislators-current.subset.json",
        "committees-current.json": folder / "committees-current.json",
        "committee-membership-current.json": folder / "committee-membership-current.json",
    }

    def answer(asked: Asked) -> Reply:
        if asked.headers.get("if-none-match") == '"e"':
            return Reply(304)
        return Reply(body=stored[asked.path.rsplit("/", 1)[1]].read_bytes(), headers={"ETag": '"e"'})

    with serving(answer) as site:
        lists = Legislators(made(site), site.base + "/congress-legislators")
        first = dict(lists.files())
        assert tuple(first) == FILES
        again = dict(lists.files())
        assert {n: d.body() for n, d in again.items()} == {n: stored[n].read_bytes() for n in FILES}
        assert all(d.fetched_at == first[n].fetched_at for n, d in again.items())
        assert len(site.asked) == 8
