"""What was read out of single documents, kept beside them: a document is parsed once, its month's unit made of it.

Belongs here: the keeping. A reading is named by its document's SHA-256 and the version of the reader.
"""

from __future__ import annotations

from pathlib import Path
from typing import Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from cyberpi_assets.sources.web.cache import write_whole

T = TypeVar("T")


class Readings(Generic[T]):
    """Readings of one kind under one folder, shared by processes."""

    def __init__(self, folder: Path, version: int, kind: type[T]) -> None:
        """`kind` is the dataclass that a reading is; `version` that of its reader."""
        self._folder, self._form = folder / f"v{version}", TypeAdapter(kind)

    def find(self, sha256: str) -> T | None:
        """The reading of a document; None when it was not read by this version, or what is kept is damaged."""
        try:
            return self._form.validate_json(self._path(sha256).read_bytes())
        except (OSError, ValidationError):
            return None

    def keep(self, sha256: str, reading: T) -> None:
        """Keep a reading, whole or not at all."""
        write_whole(self._path(sha256), self._form.dump_json(reading))

    def _path(self, sha256: str) -> Path:
        return self._folder / sha256[:2] / f"{sha256}.json"
