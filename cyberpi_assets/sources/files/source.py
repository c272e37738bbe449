"""The profile `files`: a folder of bulk files, each recognised by its content and read in its own format.

Here belongs the walk over the folder, which reader a format has, and what a file that cannot be read is reported as.
The formats are in the modules beside it; how what was read is kept is in `sources/intake.py`.
"""

from __future__ import annotations

import datetime as dt
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from cyberpi_assets.rules.asking import OcrRules
from cyberpi_assets.sources.events import catalogues, edgar, feeds, halts, headline_tables, headlines, nvd
from cyberpi_assets.sources.files import content as c
from cyberpi_assets.sources.files import disclosures, official, people, quotes, recognise, tickers, unified
from cyberpi_assets.sources.files.bars import read_bars
from cyberpi_assets.sources.files.chains import read_chains
from cyberpi_assets.sources.files.recognise import Format
from cyberpi_assets.sources.files.scans import Seen, scans_in
from cyberpi_assets.sources.files.volumes import read_volumes
from cyberpi_assets.sources.files.watchlist import read_watchlist
from cyberpi_assets.sources.house.pool import parse_many
from cyberpi_assets.sources.house.ptr import PtrDocument
from cyberpi_assets.sources.intake import Gathered, Intake, UnbalancedUnit, Unit
from cyberpi_assets.sources.ocr.units import scan_units
from cyberpi_assets.sources.rows import Origin, Reading, Record, Unreadable
from cyberpi_assets.sources.values import shorten
from cyberpi_assets.tables import SchemaMismatch

READER_VERSION: Final = 5  # a higher number reads every file anew
LARGE_BYTES: Final = 8 * 2**20  # larger files first: they take longest
_BATCH: Final = 20_000


@dataclass(frozen=True)
class _Found:
    """One file of the folder."""

    path: Path
    file: str
    bytes: int
    mtime_ns: int

    @property
    def unit_id(self) -> str:
        return Intake.unit_id(self.file, self.bytes, self.mtime_ns, READER_VERSION)

    @property
    def modified_at(self) -> dt.datetime:
        return dt.datetime.fromtimestamp(self.mtime_ns // 1_000_000_000, dt.UTC)


class FileSources:
    """A folder of files as a source of facts."""

    def __init__(self, folder: Path, intake: Intake, max_file_bytes: int, ocr: OcrRules | None = None) -> None:
        """Name the folder, where to keep what is read, and the size (also decompressed) above which nothing is.

        `ocr`: whether and how scans are read; None does not.
        """
        self.folder = folder
        self.intake = intake
        self.max_file_bytes = max_file_bytes
        self.ocr = ocr

    def gather(self, progress: Callable[[str], None] | None = None) -> Gathered:
        """Read the files that are new or changed; every file found is a unit, recognised or reported with the reason.

        `progress` is told each file that is read. Nothing is removed from the intake. Raises NotADirectoryError where
        the folder does not exist.
        """
        if not self.folder.is_dir():
            raise NotADirectoryError(f"no folder of files at {self.folder}")
        found = list(_walk(self.folder))
        fresh = [f for f in found if not self.intake.has(f.unit_id)]
        fresh.sort(key=lambda f: -(f.bytes > LARGE_BYTES))
        # a PDF may hang or kill its reader: they are read in processes of their own, all in one go
        documents = dict(parse_many([f.path for f in fresh if f.bytes <= self.max_file_bytes and _is_pdf(f.path)]))
        with ThreadPoolExecutor(max_workers=2) as pool:  # one in DuckDB's or zlib's own code, one in Python
            for task in [pool.submit(self._take, f, documents, progress) for f in fresh]:
                task.result()
        gathered = Gathered(self.intake, tuple(f.unit_id for f in found))
        return self._with_scans(gathered, found, progress)

    def _with_scans(
        self, gathered: Gathered, found: Sequence[_Found], progress: Callable[[str], None] | None
    ) -> Gathered:
        """What was gathered, and the rows that character recognition reads from the scans among it."""
        if self.ocr is None or not self.ocr.enabled:
            return gathered
        small = [Seen(f.path, f.file, f.bytes, f.mtime_ns) for f in found if f.bytes <= self.max_file_bytes]
        scans = scan_units(self.intake, scans_in(gathered, small), self.ocr, progress)
        return Gathered(self.intake, (*gathered.units, *scans))

    def _take(
        self, found: _Found, documents: Mapping[Path, PtrDocument], progress: Callable[[str], None] | None
    ) -> None:
        if progress is not None:
            progress(found.file)
        unit = Unit(found.file, None, None, found.bytes, found.modified_at)
        self.intake.root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".reading-", dir=self.intake.root) as scratch:
            try:
                form, reading = read_file(found.path, Origin(found.file), self.max_file_bytes, Path(scratch), documents)
                unit.kind, unit.format, unit.reason = form.kind, form.name, reading.note
                unit.rows_read, unit.facts, unit.quarantine = reading.rows_read, dict(reading.facts), reading.quarantine
                self.intake.write(found.unit_id, unit)
                return
            except _Damaged as damage:
                unit.kind, unit.format, unit.reason = damage.form.kind, damage.form.name, str(damage)
            except Unreadable as reason:
                unit.reason = str(reason)
            except (UnbalancedUnit, SchemaMismatch) as error:
                unit.reason = f"a fault of the reader: {shorten(error)}"
            except Exception as error:  # whatever a hostile file brings about must not stop the others
                unit.reason = f"cannot be read: {type(error).__name__}: {shorten(error)}"
        unit.rows_read, unit.facts, unit.quarantine = None, {}, None
        self.intake.write(found.unit_id, unit)


class _Damaged(Unreadable):
    """A file of a known format that cannot be read."""

    def __init__(self, form: Format, reason: str) -> None:
        super().__init__(reason)
        self.form = form


def _is_pdf(path: Path) -> bool:
    """Whether a file begins like a PDF."""
    try:
        with path.open("rb") as handle:
            return official.is_pdf(handle.read(1024))
    except OSError:
        return False


def _walk(folder: Path) -> Iterator[_Found]:
    """Files below a folder, sorted; hidden ones are skipped, as are links that lead out of the folder."""
    root = folder.resolve()
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(d for d in folders if not d.startswith("."))
        for name in sorted(files):
            path = Path(place) / name
            if name.startswith("."):
                continue
            if path.is_symlink() and not path.resolve().is_relative_to(root):
                continue
            try:
                status = path.stat()
            except OSError:  # removed meanwhile, or a link to nothing
                continue
            if path.is_file():
                file = path.relative_to(folder).as_posix().encode("utf-8", "replace").decode()
                yield _Found(path, file, status.st_size, status.st_mtime_ns)


# ------------------------------------------------------------------------------------------------------------ one file


def read_file(
    path: Path, origin: Origin, max_bytes: int, scratch: Path, documents: Mapping[Path, PtrDocument] | None = None
) -> tuple[Format, Reading]:
    """What a file is and what it holds. `scratch` is an empty folder for large tables; `documents`: PDFs read before.

    Raises Unreadable with the reason in words.
    """
    content = c.open_content(path, max_bytes)
    if content.medium == "parquet":
        return _read_parquet(content, origin, scratch)
    if not content.is_text:
        return _read_official(content, origin, documents or {}, scratch)
    head, _ = c.decode(content.head)
    start = head.lstrip()
    if start.startswith("<") and not start.startswith("<TICKER>"):
        return _read_markup(content, origin)
    if start.startswith(("{", "[")):
        return _read_document(content, c.load_json, origin, scratch)
    return _read_text(content, head, origin, scratch)


def _read_text(content: c.Content, head: str, origin: Origin, scratch: Path) -> tuple[Format, Reading]:
    """CSV with a known header, else YAML that looks like a list or an object of lists."""
    line, ending, _ = head.partition("\n")
    if not ending and len(head) >= c.HEAD_BYTES:
        raise Unreadable(f"a first line of more than {c.HEAD_BYTES:,} bytes: neither CSV nor YAML")
    names = c.header_of(line)
    form = recognise.recognise_columns(names)
    if form is not None:
        if not form.read:
            return form, Reading(note=recognise.NO_READER)
        if form.name in _STREAMED:
            return form, _damaged(form, lambda: _STREAMED[form.name](content, form, origin, scratch))
        if form.kind == "bars":
            return form, _damaged(form, lambda: read_bars(content, form, origin, scratch))
        if form.kind == "filings":
            return form, _damaged(form, lambda: official.read_house_index(content.whole(), origin))
        text, note = _damaged(form, content.text)
        if form.name == "chains/two-sided":
            reading = _damaged(form, lambda: quotes.read_two_sided(c.csv_records(text), origin, scratch))
        else:
            reading = _damaged(form, lambda: _read_rows(form, c.csv_records(text), origin))
        reading.note = note
        return form, reading
    if catalogues.is_ofac(line):
        form = Format("sanctions", "sanctions/ofac")
        text, note = _damaged(form, content.text)
        reading = _damaged(form, lambda: catalogues.read_ofac(text, origin))
        reading.note = note
        return form, reading
    lines = [x for x in head.splitlines()[:20] if x.strip() and not x.startswith(("#", "---", "%"))]
    if lines and (lines[0].startswith("- ") or (lines[0].endswith(":") and lines[1:2] and "- " in lines[1][:4])):
        return _read_document(content, c.load_yaml, origin, scratch)
    if len(names) > 1:
        raise Unreadable("CSV " + recognise.unknown_columns(names))
    raise Unreadable("text of no known kind")


def _read_document(
    content: c.Content, load: Callable[[str], Any], origin: Origin, scratch: Path
) -> tuple[Format, Reading]:
    text, note = content.text()
    document = load(text)
    form = recognise.recognise_document(document)
    if not form.read:
        return form, Reading(note=recognise.NO_READER)
    readers: dict[str, Callable[[], Reading]] = {
        "filings/senate-search": lambda: official.read_senate_index(content.whole(), origin),
        "disclosures/senate-stock-watcher-daily": lambda: disclosures.read_daily(document, origin),
        "people/legislators": lambda: people.read_legislators(document, origin),
        "people/committees": lambda: people.read_committees(document, origin),
        "people/memberships": lambda: people.read_memberships(document, origin),
        "chains/yahoo": lambda: quotes.read_yahoo(document, origin, scratch),
        "snapshots/yahoo": lambda: quotes.read_yahoo(document, origin, scratch),
        "snapshots/collector-notes": lambda: quotes.read_meta(document, origin),
        "chains/paired": lambda: quotes.read_paired(document, origin, scratch),
        "chains/short-keys": lambda: quotes.read_short_keys(document, origin, scratch),
        "news/items": lambda: headlines.read_news_document(document, origin),
        "news/feed": lambda: headlines.read_news_document(document, origin),
        "news/yahoo": lambda: headlines.read_news_document(document, origin),
        "halts/feed": lambda: halts.read_halts_document(document, origin),
        "kev/catalogue": lambda: catalogues.read_kev(document, origin),
        "vulnerabilities/nvd": lambda: nvd.read_nvd(document, origin),
        "company_filings/submissions": lambda: edgar.read_submissions(document, origin),
        "company_filings/search": lambda: edgar.read_search(document, origin),
        "companies/sec-tickers": lambda: _read_rows(form, tickers.sec_records(document), origin),
        "companies/sec-tickers-exchange": lambda: _read_rows(form, tickers.sec_records(document), origin),
    }
    reader = readers.get(form.name, lambda: _read_rows(form, disclosures.flat_json(document), origin))
    reading: Reading = _damaged(form, reader)
    reading.note = reading.note or note
    return form, reading


def _read_official(
    content: c.Content, origin: Origin, documents: Mapping[Path, PtrDocument], scratch: Path
) -> tuple[Format, Reading]:
    """A PDF, a ZIP index or an archive of report pages."""
    if content.medium == "PDF document":
        data = content.whole()
        path = content.path
        if content.compressed:
            path = scratch / "document.pdf"
            path.write_bytes(data)
        document = documents.get(path) or next(document for _, document in parse_many([path], 1))
        return official.PDF, _damaged(official.PDF, lambda: official.read_house_pdf(document, data, origin))
    if content.medium == "ZIP archive":
        return official.HOUSE_INDEX, official.read_house_index(content.whole(), origin)
    if content.medium == "tar archive":
        return official.PAGES, official.read_senate_archive(content.path, origin, content.max_bytes)
    raise Unreadable(f"{content.medium}: not a bulk table")


def _read_markup(content: c.Content, origin: Origin) -> tuple[Format, Reading]:
    """A House index in XML, a page of the Senate's, or markup that nothing reads."""
    form = recognise.recognise_markup(content.head)
    if form is not None and form.kind == "filings":
        return form, _damaged(form, lambda: official.read_house_index(content.whole(), origin))
    if form is not None:
        markup: dict[str, Callable[[bytes, Origin], Reading]] = {
            "halts/rss": halts.read_halts_rss,
            "company_filings/current": edgar.read_current,
            "news/syndicated": feeds.read_feed,
        }
        return form, _damaged(form, lambda: markup[form.name](content.whole(), origin))
    if official.is_senate_page(content.head):
        return official.PAGE, _damaged(official.PAGE, lambda: official.read_senate_page(content.whole(), origin))
    raise Unreadable("markup (HTML or XML) of no known kind")


def _read_parquet(content: c.Content, origin: Origin, scratch: Path) -> tuple[Format, Reading]:
    try:
        names = pq.read_schema(content.path).names
    except (pa.ArrowInvalid, OSError) as error:
        raise Unreadable(f"Parquet is damaged: {shorten(error)}") from error
    form = recognise.recognise_columns(names)
    if form is None:
        raise Unreadable("Parquet " + recognise.unknown_columns(names))
    if not form.read:
        return form, Reading(note=recognise.NO_READER)
    if form.name in _STREAMED:
        return form, _damaged(form, lambda: _STREAMED[form.name](content, form, origin, scratch))
    if form.name == "news/table":
        return form, _damaged(form, lambda: headline_tables.read_news_table(content, form, origin, scratch))
    if form.kind == "bars":
        return form, _damaged(form, lambda: read_bars(content, form, origin, scratch))
    if form.name == "disclosures/unified":
        return form, _damaged(form, lambda: unified.read_unified(content, origin))
    if form.kind == "filings":
        return form, _damaged(form, lambda: official.read_house_index_rows(_parquet_records(content), origin))
    return form, _damaged(form, lambda: _read_rows(form, _parquet_records(content), origin))


def _parquet_records(content: c.Content) -> Iterator[tuple[int, Record | None, object]]:
    line = 0
    file = pq.ParquetFile(content.path)
    names = [n.strip().lower() for n in file.schema_arrow.names]
    for batch in file.iter_batches(_BATCH):
        for cells in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            line += 1
            yield line, dict(zip(names, cells, strict=True)), cells


_STREAMED: Final[dict[str, Callable[[c.Content, Format, Origin, Path], Reading]]] = {
    "chains/sweep": read_chains,
    "chains/contracts": read_chains,
    "chains/yahoo-table": read_chains,
    "option_volumes/table": read_volumes,
}
_ROWS: Final[dict[str, Callable[[people.Records, Origin], Reading]]] = {
    "people/legislators-csv": people.read_people_rows,
    "people/legislators-table": people.read_people_rows,
    "people/terms-table": people.read_term_rows,
    "people/memberships-csv": people.read_membership_rows,
    "people/memberships-table": people.read_membership_rows,
    "people/committees-table": people.read_committee_rows,
    "symbols/changes": tickers.read_symbol_changes,
    "symbols/disappeared": tickers.read_symbol_changes,
    "actions/table": tickers.read_actions,
    "news/table": headlines.read_news_rows,
    "halts/table": halts.read_halt_rows,
    "halts/nyse-csv": halts.read_halt_rows,
    "events/breaches": catalogues.read_incidents,
    "events/breaches-weak": catalogues.read_incidents,
    "events/acquisitions": catalogues.read_acquisitions,
    "events/sanctions": catalogues.read_sanctions_events,
    "watchlist/table": read_watchlist,
    "snapshots/sweep": quotes.read_snapshot_rows,
    "gaps/sweep": quotes.read_gap_rows,
}
_COLLECTIONS: Final = {
    "disclosures/senate-stock-watcher": disclosures.SENATE,
    "disclosures/senate-stock-watcher-csv": disclosures.SENATE,
    "disclosures/house-stock-watcher": disclosures.HOUSE_V1,
    "disclosures/house-stock-watcher-v1-csv": disclosures.HOUSE_V1,
    "disclosures/house-stock-watcher-v2-csv": disclosures.HOUSE_V2,
    "disclosures/tattooedhead": disclosures.TATTOOEDHEAD,
    "disclosures/tattooedhead-csv": disclosures.TATTOOEDHEAD,
}


def _read_rows(form: Format, records: people.Records, origin: Origin) -> Reading:
    if form.name in _COLLECTIONS:
        return disclosures.read_flat(records, _COLLECTIONS[form.name], origin)
    if form.name in tickers.LISTS:
        return tickers.read_companies(records, form.name, origin)
    if form.name not in _ROWS:
        raise Unreadable(f"{form.name} is read from Parquet only")
    return _ROWS[form.name](records, origin)


def _damaged(form: Format, read: Callable[[], Any]) -> Any:
    """What a reader gives; what it cannot read is a damaged file of that format."""
    try:
        return read()
    except Unreadable as reason:
        raise _Damaged(form, str(reason)) from reason
    except (OSError, pa.ArrowException) as error:
        raise _Damaged(form, f"damaged: {shorten(error)}") from error
