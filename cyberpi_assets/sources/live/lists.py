"""Lists that are replaced whole, as parts of profile live: CISA's catalogue and OFAC's sanctions list.

Belongs here: that every version of a list that was served is a unit, so that what changed between two can be told. How
a list is read is in `sources/events/catalogues.py`.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from cyberpi_assets.sources.events.catalogues import read_kev, read_ofac
from cyberpi_assets.sources.files.content import decode, load_json
from cyberpi_assets.sources.intake import Intake, Unit
from cyberpi_assets.sources.live.troubles import Troubles, in_words
from cyberpi_assets.sources.rows import Origin, Reading, Unreadable
from cyberpi_assets.sources.web import errors as e
from cyberpi_assets.sources.web.cache import DamagedCache, RawDocument, write_whole
from cyberpi_assets.sources.web.client import Answer, PoliteClient

VERSION: Final = 1
KEV: Final = "kev"
OFAC: Final = "ofac"
OFAC_LISTS: Final = ("SDN", "ALT", "ADD", "SDN_COMMENTS")


class KevPart:
    """CISA's catalogue from its own address, else from its mirror; a unit per release served."""

    name = KEV
    remote = True

    def __init__(self, client: PoliteClient, url: str, mirror: str) -> None:
        self._client, self._urls = client, (url, mirror)

    def collect(self, intake: Intake, progress: Callable[[str], None]) -> Sequence[str]:
        """As `LivePart` says."""
        troubles, failures = Troubles(KEV), list[e.FetchError]()
        for url in self._urls:
            progress("known exploited vulnerabilities")
            try:
                self._client.get(url, fresh="validated", check=_catalogue)
                break
            except e.FetchError as error:  # data centres are refused at the first address
                failures.append(error)
        else:
            for error in failures:
                troubles.fail(error)
            troubles.miss(KEV, "list", in_words(failures[-1]), retryable=True, code=type(failures[-1]).__name__)
        units: dict[str, None] = {}
        for raw in filter(None, map(self._client.cache.find, self._urls)):
            for sha256, at in _versions(raw):
                if (unit := self._unit(intake, sha256, at, troubles)) is not None:
                    units[unit] = None
        return [*units, *troubles.units(intake)]

    def _unit(self, intake: Intake, sha256: str, at: dt.datetime, troubles: Troubles) -> str | None:
        unit_id = Intake.unit_id("live", KEV, VERSION, sha256)
        if not intake.has(unit_id):
            try:
                data = self._client.cache.served(sha256)
                reading = read_kev(load_json(decode(data)[0]), Origin(f"live:{KEV}/{sha256[:12]}"))
            except (DamagedCache, Unreadable) as error:
                troubles.say(str(error))
                return None
            intake.write(unit_id, _unit_of(f"live:{KEV}/{sha256[:12]}", KEV, len(data), at, [reading]))
        return unit_id


def _catalogue(answer: Answer) -> None:
    try:
        read_kev(load_json(decode(answer.body)[0]), Origin(KEV))
    except Unreadable as error:
        raise e.NotADocument(answer.url, str(error)) from None


class OfacPart:
    """The four files of the sanctions list as one snapshot; a unit per snapshot that differs from the one before."""

    name = OFAC
    remote = True

    def __init__(self, client: PoliteClient, base: str, folder: Path) -> None:
        self._client, self._base = client, base.rstrip("/")
        self._record = folder / "ofac_snapshots.json"

    def collect(self, intake: Intake, progress: Callable[[str], None]) -> Sequence[str]:
        """As `LivePart` says."""
        troubles, shas = Troubles(OFAC), dict[str, str]()
        for name in OFAC_LISTS:
            progress(f"sanctions list {name}")
            try:
                shas[name] = self._client.get(f"{self._base}/{name}.CSV", fresh="validated", check=_a_list).sha256
            except e.FetchError as error:
                troubles.fail(error)
                troubles.miss(f"ofac {name}", "list", in_words(error), retryable=error.again, code=type(error).__name__)
                break  # a snapshot is all four files or none
        snapshots = self._snapshots()
        if len(shas) == len(OFAC_LISTS) and (not snapshots or snapshots[-1]["files"] != shas):
            snapshots.append({"at": self._client.clock.now().isoformat(), "files": shas})
            write_whole(self._record, json.dumps(snapshots).encode())
        units = (self._unit(intake, s["files"], dt.datetime.fromisoformat(s["at"]), troubles) for s in snapshots)
        return [*(u for u in units if u is not None), *troubles.units(intake)]

    def _snapshots(self) -> list[dict[str, Any]]:
        try:
            found: list[dict[str, Any]] = json.loads(self._record.read_text())
        except (OSError, ValueError):
            return []
        return found

    def _unit(self, intake: Intake, files: dict[str, str], at: dt.datetime, troubles: Troubles) -> str | None:
        unit_id = Intake.unit_id("live", OFAC, VERSION, at.isoformat(), *(files[n] for n in OFAC_LISTS))
        if intake.has(unit_id):
            return unit_id
        file = f"live:{OFAC}/{at:%Y-%m-%dT%H%M%S}"
        try:
            bodies = [self._client.cache.served(files[n]) for n in OFAC_LISTS]
            readings = [read_ofac(decode(body)[0], Origin(file), at) for body in bodies]
        except (DamagedCache, Unreadable, KeyError) as error:
            troubles.say(f"snapshot of {at:%Y-%m-%d}: {error}")
            return None
        intake.write(unit_id, _unit_of(file, "sanctions", sum(map(len, bodies)), at, readings))
        return unit_id


def _a_list(answer: Answer) -> None:
    """A file that begins with a number; what HTML or an empty file says is no list."""
    head = answer.body[:64].lstrip(b'\xef\xbb\xbf"').split(b",")[0].strip(b'" \r\n')
    if not head.isdigit():
        raise e.NotADocument(answer.url, f"no sanctions list ({len(answer.body):,} bytes)")


def _versions(raw: RawDocument) -> list[tuple[str, dt.datetime]]:
    before = [(b["sha256"], dt.datetime.fromisoformat(b["fetched_at"])) for b in raw.earlier]
    return [*before, (raw.sha256, raw.fetched_at)]


def _unit_of(file: str, kind: str, size: int, at: dt.datetime, readings: Sequence[Reading]) -> Unit:
    """Several files as one unit; lines are numbered on, so that each row has a place of its own."""
    facts: dict[str, list[pa.Table]] = {}
    aside: list[pa.Table] = []
    offset = read = 0
    for reading in readings:
        for name, table in reading.facts.items():
            assert isinstance(table, pa.Table)
            facts.setdefault(name, []).append(_moved(table, offset))
        aside.append(_moved(reading.quarantine, offset))
        read += reading.rows_read or 0
        offset += 10_000_000
    merged = {name: pa.concat_tables(tables, promote_options="permissive") for name, tables in facts.items()}
    return Unit(file, kind, f"live/{kind}", size, at, read, None, dict(merged), pa.concat_tables(aside))


def _moved(table: pa.Table, offset: int) -> pa.Table:
    at = table.schema.get_field_index("line")
    lines = pa.array((table.column("line").to_numpy() + offset).tolist(), pa.int64())
    return table.set_column(at, table.schema.field(at), lines)
