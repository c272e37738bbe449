"""Profile live against the official sites on loopback: the same facts as from files, nothing asked for twice, and
whatever fails is said and comes later.

The sites replay recorded documents. Where a site fails, time is a clock that moves when somebody waits.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from cyberpi_assets.domain.amendments import standing_rows
from cyberpi_assets.orchestration.resources import sources_of
from cyberpi_assets.settings import Profile, Settings
from cyberpi_assets.sources.files.official import DOCUMENTS_VERSION
from cyberpi_assets.sources.intake import Gathered, Intake
from cyberpi_assets.sources.live.documents import Kept
from cyberpi_assets.sources.live.parts import NO_CONTACT, live_parts
from cyberpi_assets.sources.live.readings import Readings
from cyberpi_assets.sources.live.scans import paper_scans
from cyberpi_assets.sources.live.source import LiveSources
from cyberpi_assets.sources.senate.page import SenatePtr
from cyberpi_assets.sources.web.cache import RawCache
from cyberpi_assets.sources.web.client import Clock
from cyberpi_assets_tests.sources.live_world import PAPER, World, add_paper, real_world
from cyberpi_assets_tests.sources.site import FakeTime, Reply

pytestmark = pytest.mark.real
EVERY = ["house", "senate", "people"]
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def recorded(real: Path) -> World:
    """Scans and reports with text, of five years, and pages."""
    return real_world(real, reports=14, pages=12)


@pytest.fixture
def world(recorded: World) -> Iterator[World]:
    """All recorded documents, on sites of this test's own."""
    clerk, efd = recorded.clerk, recorded.efd
    index = {year: list(rows) for year, rows in clerk.index.items()}
    own = World(
        replace(clerk, index=index, pdfs=dict(clerk.pdfs), faults={}),
        replace(efd, index=list(efd.index), documents=dict(efd.documents), faults=[]),
        dict(recorded.lists),
    )
    with own.open():
        yield own


@pytest.fixture
def few(world: World) -> World:
    """Three reports of each chamber: pages, and scans, which cost no reading."""
    scans = [r for rows in world.clerk.index.values() for r in rows if len(r["DocID"]) == 7][:3]
    world.clerk.index = {int(r["Year"]): [s for s in scans if s["Year"] == r["Year"]] for r in scans}
    numbers = {r["DocID"] for r in scans}
    world.clerk.pdfs = {a: b for a, b in world.clerk.pdfs.items() if a.rsplit("/", 1)[1][:-4] in numbers}
    del world.efd.index[3:]
    return world


def gather(settings: Settings, months: tuple[str, str] | None = None) -> Gathered:
    return sources_of(settings, months).gather()


def gather_with(time: FakeTime, settings: Settings) -> Gathered:
    """The same with another clock."""
    clock = Clock(wall=time.now, steady=time.now, sleep=time.sleep)
    parts = partial(live_parts, settings, None, clock)
    return LiveSources(Intake(settings.intake_dir), settings.fetched_dir, parts).gather()


def known(facts: pa.Table, *but: str) -> list[str]:
    """Rows in one order, without where they were read."""
    columns = [c for c in facts.column_names if c not in ("file", "line", *but)]
    return sorted(map(repr, facts.select(columns).to_pylist()))


def accounts(found: Gathered) -> dict[str, str]:
    """What the lines of account give as reasons, by file."""
    return {row["file"]: row["reason"] for row in found.files().to_pylist() if row["reason"]}


def gaps(found: Gathered) -> dict[str, dict[str, Any]]:
    return {row["subject"]: row for row in found.facts("gap_facts").to_pylist()}


# ---------------------------------------------------------------------------------------------------- the same as files


def test_the_sites_give_the_facts_that_the_same_documents_give_as_files(world: World, tmp_path: Path) -> None:
    folder = world.as_folder(tmp_path / "files")
    (folder / "committee-membership-current.json").unlink()  # undated in a folder; dated by its day when fetched
    settings = Settings(profile=Profile.FILES, data=folder, store=tmp_path / "of-files")  # pyright: ignore[reportCallIssue]
    files, live = gather(settings), gather(world.settings(tmp_path / "live", parts=EVERY))
    assert accounts(live) == {}
    for name in ("document_facts", "person_facts", "term_facts", "committee_facts", "quarantine_facts"):
        assert known(live.facts(name)) == known(files.facts(name)), name
    annual = "filing_type <> 'O'"  # years without a recorded report have an annual one, so that they have an index
    assert known(live.facts("filing_facts", annual)) == known(files.facts("filing_facts"))
    rows = [standing_rows(g.facts("disclosure_facts"), g.facts("filing_facts", annual))[0] for g in (live, files)]
    assert rows[0].num_rows > 30
    assert {r["chamber"] for r in rows[0].to_pylist()} == {"house", "senate"}
    assert known(rows[0]) == known(rows[1])
    seats = live.facts("membership_facts")
    assert seats.num_rows > 3_000
    assert None not in seats.column("as_of").to_pylist()


def test_nothing_is_asked_for_or_read_twice(world: World, tmp_path: Path) -> None:
    settings = world.settings(tmp_path)
    first = gather(settings)
    documents = world.documents()
    assert len(documents) == 14 + 12
    assert set(documents.values()) == {1}
    written = {p: p.stat().st_mtime_ns for p in settings.intake_dir.rglob("*.json")}
    read = {p: p.stat().st_mtime_ns for p in (settings.fetched_dir / "read").rglob("*.json")}
    assert len(read) == 14 + 12
    again = gather(settings)
    assert again.units == first.units
    assert world.documents() == documents
    assert {p: p.stat().st_mtime_ns for p in settings.intake_dir.rglob("*.json")} == written
    asked = world.asked
    patient = settings.model_copy(update={"live": settings.live.model_copy(update={"poll_minutes": 60.0})})
    assert gather(patient).units == first.units
    assert world.asked == asked  # indexes, searches and lists are younger than an hour


def test_a_month_that_gains_a_document_is_put_together_from_kept_readings(world: World, tmp_path: Path) -> None:
    settings = world.settings(tmp_path)
    year, late = next((y, rows.pop()) for y, rows in world.clerk.index.items() if y == 2025)
    before = gather(settings)
    read = {p: p.stat().st_mtime_ns for p in (settings.fetched_dir / "read").rglob("*.json")}
    world.clerk.index[year].append(late)
    after = gather(settings)
    new = set((settings.fetched_dir / "read").rglob("*.json")) - set(read)
    assert len(new) == 1
    assert {p: p.stat().st_mtime_ns for p in read} == read
    documents = [{r["document"] for r in g.facts("document_facts").to_pylist()} for g in (before, after)]
    assert documents[1] - documents[0] == {late["DocID"]}
    changed = set(after.units) - set(before.units)
    assert len(changed) == 2  # the index of that year, and one month


def test_a_gathering_killed_in_the_middle_goes_on_where_it_was(world: World, tmp_path: Path) -> None:
    """kill -9 while documents arrive: those that are there are not asked for again, but for the ones in flight."""
    settings = world.settings(tmp_path / "killed")
    command = [sys.executable, "-c", "from cyberpi_assets_tests.sources.crawlers import gather_live; gather_live()"]
    env = {k: v for k, v in os.environ.items() if not k.startswith("CYBERPI_")} | settings.as_environment()
    child = subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    for _ in range(24):
        child.stdout.readline()
    os.kill(child.pid, signal.SIGKILL)
    child.wait(30)
    child.stdout.close()
    arrived = world.documents()
    assert 4 <= len(arrived) < 26
    found = gather(settings)
    documents = world.documents()
    assert len(documents) == 26
    assert sum(documents.values()) <= 26 + 2  # each site may have had one in flight
    assert accounts(found) == {}
    whole = gather(world.settings(tmp_path / "whole"))
    assert known(found.facts("disclosure_facts")) == known(whole.facts("disclosure_facts"))
    assert known(found.facts("document_facts")) == known(whole.facts("document_facts"))


# ------------------------------------------------------------------------------------------------------- what is asked


def test_only_the_months_asked_for_are_fetched_and_more_when_more_are(world: World, tmp_path: Path) -> None:
    filed = {r["DocID"]: r["FilingDate"].split("/") for rows in world.clerk.index.values() for r in rows}
    months = {f"{int(y):04d}-{int(m):02d}": set[str]() for m, _, y in filed.values()}
    for number, (m, _, y) in filed.items():
        months[f"{int(y):04d}-{int(m):02d}"].add(f"house:{number}")
    for row in world.efd.index:
        uuid = row[3].split("/")[4]
        months.setdefault(f"{row[4][6:]}-{row[4][:2]}", set()).add(f"senate:{uuid}")
    first, last = "2022-01", "2025-03"
    settings = world.settings(tmp_path, fetch_from="2022-01-01", fetch_until="2025-03-31")

    def have(found: Gathered) -> set[str]:
        return {f"{r['chamber']}:{r['document']}" for r in found.facts("document_facts").to_pylist()}

    wanted = {f for month, these in months.items() if first <= month <= last for f in these}
    assert have(gather(settings)) == wanted != set()
    assert len(world.documents()) == len(wanted)
    older = {f for month, these in months.items() if "2018-01" <= month <= "2018-12" for f in these}
    assert older
    assert have(gather(settings, ("2018-01", "2018-12"))) == wanted | older
    assert have(gather(settings)) == wanted | older  # what was fetched stays
    assert set(world.documents().values()) == {1}


def test_no_site_is_asked_without_a_contact_and_the_senate_not_without_consent(few: World, tmp_path: Path) -> None:
    found = gather(few.settings(tmp_path / "nobody", contact=None))
    assert few.asked == 0
    assert set(accounts(found).values()) == {NO_CONTACT}
    found = gather(few.settings(tmp_path / "unread", accept_senate_terms=False))
    assert few.senate.asked == []
    assert "accepted the terms" in accounts(found)["live:senate_efd"]
    assert "13107(c)" in accounts(found)["live:senate_efd"]
    assert {r["chamber"] for r in found.facts("document_facts").to_pylist()} == {"house"}


def test_parts_that_are_off_ask_nothing_and_every_request_names_its_sender(few: World, tmp_path: Path) -> None:
    gather(few.settings(tmp_path, parts=["house"]))
    assert (few.senate.asked, few.people.asked) == ([], [])
    assert {a.headers["user-agent"] for a in few.house.asked} == {"cyberpi-assets/0.1.0 (somebody@example.org)"}


def test_what_is_too_much_for_one_run_is_left_for_the_next_the_newest_first(few: World, tmp_path: Path) -> None:
    settings = few.settings(tmp_path, max_documents=2, parts=["house"])
    newest = max(few.clerk.index)
    found = gather(settings)
    assert {r["document"] for r in found.facts("document_facts").to_pylist()} >= {
        r["DocID"] for r in few.clerk.index[newest][:2]
    }
    left = gaps(found)
    assert [(g["reason"], g["retryable"]) for g in left.values()] == [
        ("left for a later run: at most 2 documents of this site are asked for in one", True)
    ]
    assert gaps(gather(settings)) == {}
    assert len(few.documents()) == 3


def test_paper_filings_are_kept_with_their_images(few: World, tmp_path: Path) -> None:
    add_paper(few)
    settings = few.settings(tmp_path, parts=["senate"])
    found = gather(settings)
    (paper,) = [r for r in found.facts("document_facts").to_pylist() if r["document"] == PAPER]
    assert (paper["status"], paper["rows_read"]) == ("scanned", 0)
    cache = RawCache(settings.fetched_dir / "raw")
    raw = cache.find(f"{few.senate.base}/search/view/paper/{PAPER}/")
    assert raw is not None
    readings = Readings(settings.fetched_dir / "read" / "senate_efd", DOCUMENTS_VERSION, SenatePtr)
    (scan,) = paper_scans("senate_efd", [Kept(PAPER, None, raw)], readings, cache)
    assert [path.read_bytes() for path, _ in scan.pages] == [b"GIF89a\x01", b"GIF89a\x02"]
    gather(settings)
    assert few.documents()["GET /media/2021/1.gif"] == few.documents()["GET /media/2021/2.gif"] == 1


def test_a_folder_beside_the_sites_is_a_part_and_status_asks_no_site(few: World, tmp_path: Path) -> None:
    folder = tmp_path / "bulk"
    folder.mkdir()
    (folder / "companies.json").write_text(json.dumps({"0": {"cik_str": 1, "ticker": "ACME", "title": "Acme"}}))
    settings = few.settings(tmp_path / "store", parts=["senate"]).model_copy(update={"data": folder})
    found = gather(settings)
    assert found.facts("company_facts").num_rows == 1
    assert found.facts("document_facts").num_rows == 3
    asked = few.asked
    assert sources_of(settings, asks=False).gather().units == found.units
    (folder / "companies.json").unlink()
    kept = sources_of(settings, asks=False).gather()
    assert kept.facts("company_facts").num_rows == 0
    assert kept.facts("document_facts").num_rows == 3
    assert few.asked == asked
    gone = gather(settings.model_copy(update={"data": tmp_path / "nowhere"}))
    assert "no folder of files" in accounts(gone)["live:folder"]
    assert gone.facts("document_facts").num_rows == 3


# ---------------------------------------------------------------------------------------------------------- what fails


def test_faults_on_the_way_are_waited_out(few: World, tmp_path: Path) -> None:
    """429 with a wait, 503, a cut connection, a session that lapses: late, and whole."""
    clock = FakeTime()
    address = next(iter(few.clerk.pdfs))
    few.clerk.faults[address] = [
        Reply(429, headers={"Retry-After": "7"}),
        Reply(503),
        Reply(body=b"%PDF-x" * 99, cut=9),
    ]
    few.efd.lapse_after = 2
    found = gather_with(clock, few.settings(tmp_path))
    assert accounts(found) == {}
    assert few.efd.sessions > 1
    assert max(clock.waits) >= 7
    assert {r["status"] for r in found.facts("document_facts").to_pylist()} <= {"parsed", "scanned", "empty_verified"}
    plain = gather(few.settings(tmp_path / "plain"))
    assert known(found.facts("document_facts")) == known(plain.facts("document_facts"))


def test_a_document_that_cannot_be_had_is_a_gap_with_its_reason_and_comes_later(few: World, tmp_path: Path) -> None:
    """HTML in place of a PDF, a slow body, a page that breaks off: each its own gap, the others go on."""
    clock, settings = FakeTime(), few.settings(tmp_path)
    html, slow, _ = few.clerk.pdfs
    few.clerk.faults[html] = [Reply(body=b"<!DOCTYPE html><html>down for maintenance</html>")]
    drip = lambda: clock.sleep(100)  # noqa: E731
    few.clerk.faults[slow] = [Reply(body=b"%PDF-1.7" * 4, drip=drip)]
    found = gather_with(clock, settings)
    number = [a.rsplit("/", 1)[1].removesuffix(".pdf") for a in (html, slow)]
    missed = gaps(found)
    assert set(missed) == {f"house:{n}" for n in number}
    assert "HTML in place of a PDF" in missed[f"house:{number[0]}"]["reason"]
    assert "not complete after 180 s" in missed[f"house:{number[1]}"]["reason"]
    assert accounts(found) == {"live:house_clerk": "2 could not be had, see gap_facts"}
    assert found.facts("document_facts").num_rows == 4
    healed = gather_with(clock, settings)
    assert gaps(healed) == {}
    assert healed.facts("document_facts").num_rows == 6


def test_a_site_that_is_down_keeps_what_it_gave_and_the_others_go_on(few: World, tmp_path: Path) -> None:
    clock, settings = FakeTime(), few.settings(tmp_path)
    before = gather_with(clock, settings)
    few.clerk.down = True
    few.efd.faults = [Reply(403, b"<html>Access Denied</html>")]
    after = gather_with(clock, settings)
    assert set(before.units) < set(after.units)
    assert "HTTP 503, after 5 attempts" in accounts(after)["live:house_clerk"]
    assert "HTTP 403" in accounts(after)["live:senate_efd"]
    for name in ("document_facts", "filing_facts", "disclosure_facts", "person_facts"):
        assert known(after.facts(name)) == known(before.facts(name))
    again = gather_with(clock, settings)
    assert len(set(after.units) - set(again.units)) == 1  # the Senate answers: its line of account is gone
    assert "live:senate_efd" not in accounts(again)


def test_a_site_that_fails_again_and_again_is_left_alone(few: World, tmp_path: Path) -> None:
    """The index is kept, all documents fail: three are insisted on, the rest is left, and nothing counts as empty."""
    clock, settings = FakeTime(), few.settings(tmp_path, parts=["house"])
    rows = [r for rows in few.clerk.index.values() for r in rows]
    year = max(few.clerk.index)
    few.clerk.index[year] += [{**rows[0], "Year": str(year), "DocID": f"9{n:06d}"} for n in range(20)]
    for row in few.clerk.index[year]:
        few.clerk.faults[f"/public_disc/ptr-pdfs/{year}/{row['DocID']}.pdf"] = [Reply(500) for _ in range(9)]
    found = gather_with(clock, settings)
    reasons = [g["reason"] for g in gaps(found).values()]
    assert sum(r.startswith("HTTP 500") for r in reasons) == 3
    assert (
        sum(r.startswith("not asked for, since the site failed before: HTTP 500") for r in reasons) == len(reasons) - 3
    )
    assert len(few.house.asked) <= 15 + 3 * 5


def test_a_damaged_document_is_a_gap_and_not_read(few: World, tmp_path: Path) -> None:
    settings = few.settings(tmp_path, parts=["senate"])
    whole = gather(settings)
    (sha, *_) = [r["content_hash"] for r in whole.facts("document_facts").to_pylist()]
    (body,) = (settings.fetched_dir / "raw").rglob(sha)
    data = body.read_bytes()
    body.write_bytes(b"X" + data[1:])
    for folder in (settings.intake_dir, settings.fetched_dir / "read"):
        for path in folder.rglob("*.json"):
            path.unlink()
    found = gather(settings)
    assert found.facts("document_facts").num_rows == 2
    assert "the body changed on disk" in next(iter(gaps(found).values()))["reason"]


def test_two_gatherings_at_once_ask_for_nothing_twice(few: World, tmp_path: Path) -> None:
    settings = few.settings(tmp_path, parts=["senate"])
    with ThreadPoolExecutor(2) as pool:  # each with sources of its own, as two processes have
        one, other = pool.map(gather, (settings, settings))
    assert one.units == other.units
    assert set(few.documents().values()) == {1}


def test_a_list_of_seats_is_kept_in_every_version_under_its_day(few: World, tmp_path: Path) -> None:
    clock, settings = FakeTime(), few.settings(tmp_path, parts=["people"])
    name = "committee-membership-current.json"
    seats: dict[str, Any] = json.loads(few.lists[name])
    code = next(iter(seats))
    gather_with(clock, settings)
    few.lists[name] = json.dumps({code: seats[code][:1]}).encode()
    clock.at += 86_400
    found = gather_with(clock, settings).facts("membership_facts").to_pylist()
    days = {str(r["as_of"]) for r in found}
    assert days == {"2026-01-01", "2026-01-02"}
    assert sum(str(r["as_of"]) == "2026-01-02" for r in found) == 1
