"""Raw documents on disk, as served: the provenance of everything read from them.

A body lies under its SHA-256, a small JSON file beside it says where it came from, when, and with which headers. The
JSON file is written last and renamed into place: a document is either kept whole or not at all. A changed document
keeps the record of its earlier bodies; nothing is ever deleted here.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import hashlib
import json
import os
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

# Headers worth keeping; cookies and everything else stay out.
KEPT_HEADERS: Final = ("content-type", "content-length", "etag", "last-modified", "date", "location")
_TEMPORARY: Final = ".writing-"


class DamagedCache(Exception):
    """A body on disk is not the one that was written."""


@dataclass(frozen=True)
class RawDocument:
    """One document as served.

    `key` is what it was asked by (address, or address and form); times are UTC. `validated_at` is when the site last
    said that it is unchanged. `earlier` lists bodies served before under the same key: sha256, fetched_at.
    """

    key: str
    url: str
    status: int
    sha256: str
    size: int
    fetched_at: dt.datetime
    validated_at: dt.datetime
    headers: dict[str, str]
    path: Path
    earlier: tuple[dict[str, str], ...] = field(default=())

    def body(self) -> bytes:
        """The bytes. Raises DamagedCache when they are not those that were served."""
        return _whole(self.path, self.sha256)


class RawCache:
    """Documents under one folder, shared by threads and processes."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def find(self, key: str) -> RawDocument | None:
        """The document kept under a key; None when there is none, or its body is gone."""
        try:
            known: dict[str, Any] = json.loads(self._record(key).read_bytes())
            path = self.path(known["sha256"])
            if known["key"] != key or path.stat().st_size != known["size"]:
                return None
            return RawDocument(
                key=key,
                url=known["url"],
                status=known["status"],
                sha256=known["sha256"],
                size=known["size"],
                fetched_at=dt.datetime.fromisoformat(known["fetched_at"]),
                validated_at=dt.datetime.fromisoformat(known["validated_at"]),
                headers=known["headers"],
                path=path,
                earlier=tuple(known["earlier"]),
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None  # never written, or torn: it is fetched again

    def keep(
        self, key: str, url: str, status: int, headers: Mapping[str, str], body: bytes, at: dt.datetime
    ) -> RawDocument:
        """Write a document; an earlier body under the same key stays on disk and on record."""
        sha256 = hashlib.sha256(body).hexdigest()
        path = self.path(sha256)
        if not path.exists() or path.stat().st_size != len(body):
            write_whole(path, body)
        before = self.find(key)
        earlier = before.earlier if before else ()
        if before and before.sha256 != sha256:
            earlier = (*earlier, {"sha256": before.sha256, "fetched_at": before.fetched_at.isoformat()})
        kept = {k: v[:500] for k in KEPT_HEADERS if (v := headers.get(k)) is not None}
        document = RawDocument(key, url, status, sha256, len(body), at, at, kept, path, earlier)
        self._note(document)
        return document

    def confirm(self, document: RawDocument, at: dt.datetime) -> RawDocument:
        """Note that the site called the document unchanged."""
        confirmed = replace(document, validated_at=at)
        self._note(confirmed)
        return confirmed

    def served(self, sha256: str) -> bytes:
        """A body by its hash, whatever was served since. Raises DamagedCache when it is not there whole."""
        return _whole(self.path(sha256), sha256)

    @contextmanager
    def alone(self, key: str) -> Generator[None]:
        """Hold the key's lock, so that two processes do not fetch one document twice."""
        locks = self.root / "locks"
        locks.mkdir(parents=True, exist_ok=True)
        with (locks / self._digest(key)[:2]).open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def sweep(self, before: dt.datetime) -> int:
        """Remove what killed writers left half-written before a moment; how many files."""
        removed = 0
        for path in self.root.rglob(f"{_TEMPORARY}*"):
            if path.stat().st_mtime < before.timestamp():
                path.unlink(missing_ok=True)
                removed += 1
        return removed

    @staticmethod
    def _digest(key: str) -> str:
        return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()[:32]

    def _record(self, key: str) -> Path:
        digest = self._digest(key)
        return self.root / "documents" / digest[:2] / f"{digest}.json"

    def path(self, sha256: str) -> Path:
        """Where a body of this hash lies, or would lie."""
        return self.root / "bodies" / sha256[:2] / sha256

    def _note(self, document: RawDocument) -> None:
        record = asdict(document)
        del record["path"]
        for moment in ("fetched_at", "validated_at"):
            record[moment] = record[moment].isoformat()
        write_whole(self._record(document.key), json.dumps(record, indent=1).encode())


def _whole(path: Path, sha256: str) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DamagedCache(f"{sha256}: {error.strerror}") from None
    if hashlib.sha256(data).hexdigest() != sha256:
        raise DamagedCache(f"{sha256}: the body changed on disk")
    return data


def write_whole(path: Path, data: bytes) -> None:
    """Write a file and rename it into place, so that readers see all of it or none; the folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=_TEMPORARY, dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
