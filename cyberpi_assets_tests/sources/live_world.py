"""The official sites on loopback with real documents: what profile live is held against.

Every address answers from recorded documents; `faults` says what it answers instead, once per entry.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import re
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cyberpi_assets.rules.asking import LiveRules, NewsRules
from cyberpi_assets.settings import Profile, Settings
from cyberpi_assets_tests.sources.efd_site import EfdSite
from cyberpi_assets_tests.sources.site import Asked, Reply, Site, serving

FIELDS = ("Prefix", "Last", "First", "Suffix", "FilingType", "StateDst", "Year", "FilingDate", "DocID")
ANNUAL = {"Last": "Example", "First": "Ann", "FilingType": "O", "StateDst": "OR01", "FilingDate": "5/15/2012"}
PAPER = "13a0fc2a-bbbb-4c1b-b380-d315e198d2a3"
PAPER_PAGE = b"""<!DOCTYPE html><html><head><title>eFD: Print Paper Filing</title></head><body>
<h1>Periodic Transaction Report</h1><h2 class="filedReport">The Honorable Paper Filer</h2>
<img class="filingImage" src="/media/2021/1.gif"><img class="filingImage" src="/media/2021/2.gif"></body></html>"""


def zipped(year: int, rows: list[dict[str, str]]) -> bytes:
    """A yearly index as the Clerk serves it: a ZIP with the XML, byte order mark first."""
    members = "".join(
        "<Member>" + "".join(f"<{f}>{row.get(f, '')}</{f}>" for f in FIELDS) + "</Member>" for row in rows
    )
    text = f'\ufeff<?xml version="1.0" encoding="utf-8"?><FinancialDisclosure>{members}</FinancialDisclosure>'
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(f"{year}FD.xml"), text.encode())
    return out.getvalue()


@dataclass
class Clerk:
    """The Clerk's site: an index per year with an ETag, and PDFs by year and number."""

    index: dict[int, list[dict[str, str]]]
    pdfs: dict[str, bytes]  # by address
    faults: dict[str, list[Reply]] = field(default_factory=dict)
    down: bool = False

    def __call__(self, asked: Asked) -> Reply:
        if self.down:
            return Reply(503, b"<html>Service Unavailable</html>")
        if waiting := self.faults.get(asked.path):
            return waiting.pop(0)
        if m := re.fullmatch(r"/public_disc/financial-pdfs/(\d{4})FD\.zip", asked.path):
            year = int(m[1])
            rows = self.index.get(year) or [{**ANNUAL, "Year": str(year), "DocID": f"1{year}000"}]
            body = zipped(year, rows)
            etag = f'"{hashlib.sha256(body).hexdigest()}"'
            if asked.headers.get("if-none-match") == etag:
                return Reply(304, headers={"ETag": etag})
            return Reply(body=body, headers={"ETag": etag})
        if asked.path in self.pdfs:
            return Reply(body=self.pdfs[asked.path], headers={"Content-Type": "application/pdf"})
        return Reply(404, b"<html>404 - File or directory not found.</html>")


@dataclass
class World:
    """The sites of profile live, and the recorded documents behind them."""

    clerk: Clerk
    efd: EfdSite
    lists: dict[str, bytes]
    house: Site = field(init=False)
    senate: Site = field(init=False)
    people: Site = field(init=False)

    @contextmanager
    def open(self) -> Iterator[World]:
        with ExitStack() as stack:
            self.house = stack.enter_context(serving(self.clerk))
            self.senate = stack.enter_context(serving(self.efd))
            self.people = stack.enter_context(serving(self._list))
            yield self

    def _list(self, asked: Asked) -> Reply:
        name = asked.path.rsplit("/", 1)[1]
        body = self.lists.get(name)
        if body is None:
            return Reply(404, b"<html>404</html>")
        etag = f'"{len(body)}"'
        return Reply(304) if asked.headers.get("if-none-match") == etag else Reply(body=body, headers={"ETag": etag})

    def settings(self, store: Path, **live: Any) -> Settings:
        """Settings of profile live against these sites; fast, and never asked about twice within a poll."""
        given = {
            "contact": "somebody@example.org",
            "accept_senate_terms": True,
            "parts": ["house", "senate"],
            "fetch_from": "2012-01-01",
            "fetch_until": "2026-12-31",
            "per_second": 100.0,
            "poll_minutes": 0.0,
            "house_url": self.house.base,
            "senate_url": self.senate.base,
            "senate_media_url": self.senate.base,
            "people_url": self.people.base + "/congress-legislators",
        }
        rules = LiveRules.model_validate(given | live)
        return Settings(profile=Profile.LIVE, store=store, live=rules, news=NewsRules(parts=()))  # pyright: ignore[reportCallIssue]

    @property
    def asked(self) -> int:
        return sum(len(site.asked) for site in (self.house, self.senate, self.people))

    def documents(self) -> dict[str, int]:
        """How often each document (not an index, a list or a form) was asked for."""
        counts = {**self.house.count(), **self.senate.count()}
        return {k: n for k, n in counts.items() if "/ptr-pdfs/" in k or "/search/view/" in k or "/media/" in k}

    def as_folder(self, folder: Path) -> Path:
        """The same documents as a person would keep them: files of a folder."""
        folder.mkdir()
        for year, rows in self.clerk.index.items():
            (folder / f"{year}FD.zip").write_bytes(zipped(year, rows))
        for address, body in self.clerk.pdfs.items():
            (folder / address.rsplit("/", 1)[1]).write_bytes(body)
        for address, body in self.efd.documents.items():
            if address.startswith("/search/view/"):
                (folder / f"{address.split('/')[4]}.html").write_bytes(body)
        n = len(self.efd.index)
        answer = {"result": "ok", "recordsTotal": n, "recordsFiltered": n, "data": self.efd.index}
        (folder / "search.json").write_text(json.dumps(answer))
        for name, body in self.lists.items():
            (folder / name).write_bytes(body)
        return folder


def real_world(real: Path, reports: int = 100, pages: int = 60) -> World:
    """Sites with recorded PDFs of the House under their lines of the real indexes, and pages of the Senate.

    `reports` and `pages`: so many at most, the smallest ones.
    """
    folder = real / "filings/house/ptr_pdfs"
    with (folder / "MANIFEST.csv").open() as handle:
        listed = [row for row in csv.DictReader(handle) if not row["file"].startswith("neg_")]
    listed.sort(key=lambda row: (folder / row["file"]).stat().st_size)
    files = {row["doc_id"]: row["file"] for row in listed[:reports]}
    index: dict[int, list[dict[str, str]]] = {}
    pdfs: dict[str, bytes] = {}
    for path in sorted((real / "filings/house/fd_index").glob("*.xml.gz")):
        text = gzip.decompress(path.read_bytes()).decode("utf-8-sig")
        for member in re.findall(r"<Member>(.*?)</Member>", text, re.DOTALL):
            row = dict(re.findall(r"<(\w+)>([^<]*)</\1>", member))
            if row.get("DocID") in files:
                index.setdefault(int(row["Year"]), []).append(row)
                address = f"/public_disc/ptr-pdfs/{row['Year']}/{row['DocID']}.pdf"
                pdfs[address] = (folder / files[row["DocID"]]).read_bytes()
    found: dict[str, bytes] = {}
    with tarfile.open(real / "filings/senate/efd_ptr_html.tar.gz") as archive:
        for member in archive:
            if len(found) < pages and (file := archive.extractfile(member)) is not None:
                found[Path(member.name).stem] = file.read()
    rows = [_listed(uuid, data) for uuid, data in found.items()]
    documents = {f"/search/view/ptr/{uuid}/": data for uuid, data in found.items()}
    wire = real.parent / "wire/congress_legislators"
    lists = {
        "legislators-current.json": (wire / "legislators-current.subset.json").read_bytes(),
        "legislators-historical.json": (wire / "legislators-current.subset.json").read_bytes(),
        "committees-current.json": (wire / "committees-current.json").read_bytes(),
        "committee-membership-current.json": (wire / "committee-membership-current.json").read_bytes(),
    }
    return World(Clerk(index, pdfs), EfdSite(rows, documents), lists)


def add_paper(world: World) -> None:
    """A paper filing of two images."""
    title = "Periodic Transaction Report for 03/04/2021"
    row = ["P", "F", "Filer, P (Senator)", f'<a href="/search/view/paper/{PAPER}/">{title}</a>', "03/05/2021"]
    world.efd.index.append(row)
    world.efd.documents[f"/search/view/paper/{PAPER}/"] = PAPER_PAGE
    for n in (1, 2):
        world.efd.documents[f"/media/2021/{n}.gif"] = b"GIF89a" + bytes([n])


def _listed(uuid: str, page: bytes) -> list[str]:
    """The line of the search for a page: the day it says it was filed."""
    filed = re.search(rb"Filed\s+(\d\d/\d\d/\d{4})", page)
    assert filed is not None, uuid
    day = filed[1].decode()
    link = f'<a href="/search/view/ptr/{uuid}/" target="_blank">Periodic Transaction Report for {day}</a>'
    return ["A", "B", "B, A (Senator)", link, day]
