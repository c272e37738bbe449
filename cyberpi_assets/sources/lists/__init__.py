"""The lists that people edit: words of topics, names of companies, feeds, makers of products, clients.

Here belongs how such a list is found and read. What its rows mean is in `domain/news/`; each list says it in its first
rows or in docs/sources.md. A file of the same name in `<home>/data/` takes the place of the one delivered here.
"""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.csv as csv

NAMES: Final = ("keywords", "aliases", "ambiguous_names", "vendors", "feeds", "clients")
LARGEST: Final = 16 * 2**20
_HERE: Final = Path(__file__).parent


class BadList(ValueError):
    """A list that a person edited cannot be read, with the file and the reason."""


def path_of(name: str, home: Path) -> Path:
    """The list in force: `<home>/data/<name>.csv` where it exists, else the delivered one."""
    own = home / "data" / f"{name}.csv"
    return own if own.is_file() else _HERE / f"{name}.csv"


def read_list(name: str, home: Path) -> pa.Table:
    """A list as text columns; blanks are empty, lines that begin with # are notes.

    Raises BadList for a list that is not there, is too large, is no CSV, or lacks a column of the delivered one.
    """
    path = path_of(name, home)
    try:
        if path.stat().st_size > LARGEST:
            raise BadList(f"{path.name}: larger than {LARGEST:,} bytes")
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadList(f"{path.name}: cannot be read ({type(error).__name__})") from None
    text = "\n".join(line for line in lines if line.strip() and not line.startswith("#")) + "\n"
    header = text.partition("\n")[0].split(",")
    options = csv.ConvertOptions(column_types=dict.fromkeys(header, pa.string()), strings_can_be_null=False)
    try:
        data = csv.read_csv(io.BytesIO(text.encode()), convert_options=options)
    except pa.ArrowInvalid as error:
        raise BadList(f"{path.name}: {str(error).splitlines()[0]}") from None
    wanted = (_HERE / f"{name}.csv").read_text("utf-8").partition("\n")[0].split(",")
    if missing := [c for c in wanted if c not in data.column_names]:
        raise BadList(f"{path.name}: no column {missing}")
    return data.select(wanted)


def lists_digest(home: Path) -> str:
    """A digest of all lists in force: another list is another rule."""
    digest = hashlib.sha256()
    for name in NAMES:
        path = path_of(name, home)
        digest.update(name.encode() + b"\0" + (path.read_bytes() if path.is_file() else b""))
    return digest.hexdigest()[:24]
