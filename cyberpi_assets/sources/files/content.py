"""What a file is made of, decided by its bytes: compression, container, text encoding; with limits on size.

Which table or document the content is belongs in `recognise.py`. No name or extension decides anything here. Everything
is read through a limit, so that a small archive cannot grow into a full disk or memory.
"""

from __future__ import annotations

import csv
import io
import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import yaml

from cyberpi_assets.sources.rows import Unreadable
from cyberpi_assets.sources.values import shorten

HEAD_BYTES: Final = 256 * 1024
DOCUMENT_BYTES: Final = 256 * 2**20  # JSON and YAML are built in memory, at about ten times their size
LONGEST_LINE: Final = 16 * 2**20
_CHUNK: Final = 1 << 20
_GZIP: Final = b"\x1f\x8b"

_MAGIC: Final = (
    (b"PAR1", "parquet"),
    (b"%PDF", "PDF document"),
    (b"PK\x03\x04", "ZIP archive"),
    (b"PK\x05\x06", "ZIP archive"),
    (b"\x89PNG", "PNG picture"),
    (b"\xff\xd8\xff", "JPEG picture"),
    (b"GIF8", "GIF picture"),
    (b"SQLite format 3\x00", "SQLite database"),
    (b"BZh", "bzip2 archive"),
    (b"\xfd7zXZ\x00", "xz archive"),
    (b"\x28\xb5\x2f\xfd", "zstd archive"),
    (b"\x7fELF", "program"),
    (b"Obj\x01", "Avro file"),
    (b"ARROW1", "Arrow file"),
    (b"\xd0\xcf\x11\xe0", "Microsoft Office document"),
)


@dataclass
class Content:
    """A file's bytes behind a limit: the first 256 KiB decompressed, what they are, and ways to read the rest."""

    path: Path
    max_bytes: int
    compressed: bool
    head: bytes
    medium: str  # parquet | text | the name of something that is not a table

    @property
    def is_text(self) -> bool:
        """Whether the content is text."""
        return self.medium == "text"

    def chunks(self) -> Iterator[bytes]:
        """The decompressed bytes in pieces. Raises Unreadable when damaged or too large."""
        total = 0
        for chunk in _inflated(self.path) if self.compressed else _plain(self.path):
            total += len(chunk)
            if total > self.max_bytes:
                raise Unreadable(f"too large: more than {self.max_bytes:,} bytes{self._when()}")
            yield chunk

    def _when(self) -> str:
        return " when decompressed" if self.compressed else ""

    def whole(self, limit: int = DOCUMENT_BYTES) -> bytes:
        """All bytes, decompressed. Raises Unreadable."""
        buffer = bytearray()
        for chunk in self.chunks():
            buffer += chunk
            if len(buffer) > limit:
                raise Unreadable(f"too large: a document of more than {limit:,} bytes{self._when()}")
        return bytes(buffer)

    def text(self, limit: int = DOCUMENT_BYTES) -> tuple[str, str | None]:
        """The whole text, and a note where it is not UTF-8. Raises Unreadable."""
        return decode(self.whole(limit))


def decode(data: bytes) -> tuple[str, str | None]:
    """Text of UTF-8 (with or without a byte order mark) or UTF-16, else of Windows-1252 with a note."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", errors="replace"), "text is UTF-16"
    try:
        return data.decode("utf-8-sig"), None
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace"), "text is not UTF-8; read as Windows-1252"


def _plain(path: Path) -> Iterator[bytes]:
    with path.open("rb") as handle:
        while chunk := handle.read(_CHUNK):
            yield chunk


def _inflated(path: Path) -> Iterator[bytes]:
    """Decompressed pieces of at most 1 MiB, over all members of a gzip file. Raises Unreadable where it is damaged."""
    done = 0
    engine = zlib.decompressobj(wbits=31)
    with path.open("rb") as handle:
        pending = handle.read(_CHUNK)
        try:
            while pending or not engine.eof:
                if engine.eof:
                    if not pending.startswith(_GZIP):  # padding behind the last member
                        return
                    engine = zlib.decompressobj(wbits=31)
                out = engine.decompress(pending, _CHUNK)
                done += len(out)
                if out:
                    yield out
                pending = engine.unused_data if engine.eof else engine.unconsumed_tail
                if not pending:
                    pending = handle.read(_CHUNK)
                    if not pending and not engine.eof and not out:
                        raise zlib.error("the end is missing")
        except zlib.error as error:
            raise Unreadable(f"gzip is damaged after {done:,} bytes: {shorten(error)}") from error


def open_content(path: Path, max_bytes: int) -> Content:
    """Look at a file's first bytes. Raises Unreadable when it is empty, too large, or its gzip is damaged there."""
    size = path.stat().st_size
    if size == 0:
        raise Unreadable("empty file")
    if size > max_bytes:
        raise Unreadable(f"too large: {size:,} bytes, the limit is {max_bytes:,}")
    with path.open("rb") as handle:
        compressed = handle.read(2) == _GZIP
    head = bytearray()
    for chunk in _inflated(path) if compressed else _plain(path):
        head += chunk
        if len(head) >= HEAD_BYTES:
            break
    if not head:
        raise Unreadable("empty file behind gzip")
    data = bytes(head[:HEAD_BYTES])
    return Content(path, max_bytes, compressed, data, _medium(data, compressed))


def _medium(head: bytes, compressed: bool) -> str:
    for magic, name in _MAGIC:
        if head.startswith(magic):
            if name == "parquet" and compressed:
                return "Parquet behind gzip"
            return name
    if head[257:262] == b"ustar":
        return "tar archive"
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "text"
    sample = head[:8192]
    controls = sum(sample.count(c) for c in (b"\x00", b"\x01", b"\x02", b"\x03", b"\x04", b"\x06", b"\x07", b"\x08"))
    if controls > len(sample) // 50:
        return "binary data"
    return "text"


# ---------------------------------------------------------------------------------------------------------------- JSON


def load_json(text: str) -> Any:
    """The document. Raises Unreadable naming the place of the damage."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise Unreadable(f"JSON is damaged at line {error.lineno}, column {error.colno}: {error.msg}") from error
    except RecursionError as error:
        raise Unreadable("JSON is nested too deeply") from error
    except ValueError as error:  # numbers of thousands of digits
        raise Unreadable(f"JSON is damaged: {shorten(error)}") from error


# ---------------------------------------------------------------------------------------------------------------- YAML

_YAML_DEEPEST: Final = 100
_YAML_REFERENCE = re.compile(r"(?m)(?:^|[\s:\-\[{,])[&*][A-Za-z0-9_]")
_YAML_NESTED_LINE = re.compile(r"(?m)^[ ]*(?:[-?:] ){20}|[\[{]{20}|^ {200}")


class _Loader(yaml.CSafeLoader):
    """Safe loading in C, with dates, numbers and yes/no left as printed (a Thomas id 00849 is no number)."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, rule) for tag, rule in rules if tag.endswith(":null")]
    for first, rules in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def load_yaml(text: str) -> Any:
    """The document; scalars stay text. Anchors, aliases and deep nesting are refused. Raises Unreadable."""
    if _YAML_NESTED_LINE.search(text):
        raise Unreadable("YAML is nested too deeply")
    try:
        if _YAML_REFERENCE.search(text) and any(
            isinstance(e, yaml.AliasEvent) for e in yaml.parse(text, Loader=_Loader)
        ):
            raise Unreadable("YAML with aliases is not read")
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a subclass of CSafeLoader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark is not None else ""
        raise Unreadable(f"YAML is damaged{where}: {shorten(getattr(error, 'problem', None) or error)}") from error
    except (RecursionError, ValueError) as error:
        raise Unreadable(f"YAML is damaged: {shorten(error)}") from error


# ----------------------------------------------------------------------------------------------------------------- CSV


def sniff_delimiter(line: str) -> str:
    """The delimiter of a header line: the most frequent of comma, semicolon, tab and bar."""
    return max(",;\t|", key=line.count)


def header_of(line: str) -> list[str]:
    """Column names of a header line, as printed but stripped."""
    row = next(csv.reader(io.StringIO(line), delimiter=sniff_delimiter(line)), [])
    return [c.strip().strip("\ufeff") for c in row]


def csv_records(text: str) -> Iterator[tuple[int, dict[str, str] | None, list[str]]]:
    """Data rows of CSV text as (row number from 1, record by lower-case column or None, the raw cells).

    The record is None for a row with the wrong number of cells. Rows without any cell are not counted. Raises
    Unreadable for a field larger than 16 MiB or a quote that never ends.
    """
    csv.field_size_limit(LONGEST_LINE)
    header = header_of(text[: text.find("\n") + 1] or text)
    names = [h.lower() for h in header]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=sniff_delimiter(text[: text.find("\n") + 1] or text))
    number = 0
    try:
        next(reader)
        for cells in reader:
            if not cells:
                continue
            number += 1
            if len(cells) == len(names) + 1 and not names[0] and cells[0] == cells[1]:
                del cells[0]  # an index without a name, written twice over
            yield number, dict(zip(names, cells, strict=True)) if len(cells) == len(names) else None, cells
    except csv.Error as error:
        raise Unreadable(f"CSV is damaged after row {number}: {shorten(error)}") from error


def as_dict(value: object) -> dict[str, Any]:
    """The object of a parsed document, or an empty one where something else stands."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def as_list(value: object) -> list[Any]:
    """The list of a parsed document, or an empty one where something else stands."""
    return cast("list[Any]", value) if isinstance(value, list) else []
