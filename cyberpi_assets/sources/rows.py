"""What every row-by-row reader shares: records in, accepted rows and quarantined rows out, with the count of both.

How a format's fields map to columns is in the readers; single values are in `values.py`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

import pyarrow as pa

from cyberpi_assets.sources.values import shorten
from cyberpi_assets.tables import FACTS, QUARANTINE_FACTS

BEFORE_2012, AFTER_FILING = "transaction_date_before_2012", "transaction_date_after_filing"
DATE_MISSING: Final = "transaction_date_missing"
STOCK_ACT: Final = dt.date(2012, 1, 1)

Record = dict[str, Any]
_T = TypeVar("_T")


@dataclass(frozen=True)
class Origin:
    """Where records come from: the file relative to the data folder, its name, and whether it is as published."""

    file: str

    @property
    def name(self) -> str:
        """The file's own name."""
        return self.file.rsplit("/", 1)[-1]


@dataclass
class Reading:
    """One file's result: fact tables (or Parquet files), rows put aside, how many records were read, a note."""

    facts: dict[str, pa.Table | Path] = field(default_factory=dict)
    quarantine: pa.Table = field(default_factory=QUARANTINE_FACTS.empty)
    rows_read: int | None = None
    note: str | None = None


class Unreadable(Exception):
    """A file that cannot be read, with the reason in words."""


class RowBuffer:
    """Accepted rows per fact and quarantined rows of one file, while it is read."""

    def __init__(self, file: str) -> None:
        """Start empty for one file."""
        self.file = file
        self.read = 0
        self._accepted: dict[str, list[Record]] = {}
        self._put_aside: list[Record] = []

    def accept(self, fact: str, row: Record, line: int) -> None:
        """Keep a row; columns that it does not name are null."""
        self._accepted.setdefault(fact, []).append({**row, "file": self.file, "line": line})

    def quarantine(self, kind: str, line: int, name: str, value: object, reason: str) -> None:
        """Put a row aside with the field at fault."""
        self._put_aside.append(
            {"file": self.file, "line": line, "kind": kind, "field": name, "value": shorten(value), "reason": reason}
        )

    def reading(self, note: str | None = None) -> Reading:
        """The result as Arrow tables of the declared columns."""
        return Reading(
            facts={n: pa.Table.from_pylist(rows, schema=_nullable(n)) for n, rows in self._accepted.items()},
            quarantine=pa.Table.from_pylist(self._put_aside, schema=QUARANTINE_FACTS.schema),
            rows_read=self.read,
            note=note,
        )


def _nullable(fact: str) -> pa.Schema:
    """The fact's schema without NOT NULL: the intake refuses nulls with a better message."""
    return pa.schema([pa.field(f.name, f.type) for f in FACTS[fact].schema])


def remembered(function: Callable[[Any], _T]) -> Callable[[Any], _T]:
    """The function with its answers for hashable values remembered while one file is read."""
    known: dict[Any, _T] = {}

    def call(value: Any) -> _T:
        try:
            return known[value]
        except KeyError:
            answer = known[value] = function(value)
            return answer
        except TypeError:  # lists and objects where a value belongs
            return function(value)

    return call


def date_flags(transacted: dt.date | None, filed_on: dt.date | None) -> tuple[str | None, ...]:
    """What is odd about a transaction's date; it is kept as written all the same."""
    if transacted is None:
        return (DATE_MISSING,)
    return (
        BEFORE_2012 if transacted < STOCK_ACT else None,
        AFTER_FILING if filed_on is not None and transacted > filed_on else None,
    )


def joined(parts: Iterable[str | None], by: str = "; ") -> str | None:
    """The parts there are, each once; None when there are none."""
    return by.join(dict.fromkeys(p for p in parts if p)) or None
