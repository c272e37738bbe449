"""The shape of a table: columns, key and partition, how it is written down, and the refusal of a frame that differs.

Which tables there are does not belong here: they stand in the modules beside, one per stage.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import pyarrow as pa

TYPES: dict[str, pa.DataType] = {
    "string": pa.string(),
    "bool": pa.bool_(),
    "int": pa.int64(),
    "int16": pa.int16(),
    "float": pa.float64(),
    "float32": pa.float32(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "strings": pa.list_(pa.string()),
}

MONTH = "month"  # the partition column, "YYYY-MM", last in every partitioned table


@dataclass(frozen=True)
class Column:
    """One column: its name, type, whether it may be null, and what it says to its reader."""

    name: str
    type: pa.DataType
    about: str
    nullable: bool = True


@dataclass(frozen=True)
class Hashes:
    """A layout in Redis that other tools know: one hash per row and one set of the keys, under names of theirs.

    A row is the hash `prefix` + key, its fields the columns; `index` is the set of the keys. Fields in `kept` are
    written once and left as other tools change them; `stamped` gets the moment of each write.
    """

    prefix: str
    index: str
    kept: tuple[str, ...] = ()
    stamped: str | None = None


@dataclass(frozen=True)
class Table:
    """One table: what a row is, its columns in order, its key, and the date its partition month comes from."""

    name: str
    about: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    month_of: str | None = None
    home: Literal["fact", "lake", "redis"] = "lake"
    ttl_seconds: int | None = None
    hashes: Hashes | None = None

    @property
    def partitioned(self) -> bool:
        """Whether the table is stored by month."""
        return self.month_of is not None

    @cached_property
    def names(self) -> list[str]:
        """Column names in their declared order."""
        return [c.name for c in self.columns]

    @cached_property
    def schema(self) -> pa.Schema:
        """The Arrow schema, with nullability."""
        return pa.schema([pa.field(c.name, c.type, nullable=c.nullable) for c in self.columns])

    def empty(self) -> pa.Table:
        """A table with the columns and no rows."""
        return self.schema.empty_table()

    def __getitem__(self, name: str) -> Column:
        return self.columns[self.names.index(name)]


def table(
    name: str,
    about: str,
    columns: str,
    *,
    key: str,
    month_of: str | None = None,
    home: Literal["fact", "lake", "redis"] = "lake",
    ttl_seconds: int | None = None,
    hashes: Hashes | None = None,
) -> Table:
    """Read a table from its written form: one column a line, `name type[!] what it says`."""
    parsed: list[Column] = []
    for line in filter(str.strip, columns.splitlines()):
        column, kind, about_column = line.split(maxsplit=2)
        parsed.append(Column(column, TYPES[kind.removesuffix("!")], about_column.strip(), not kind.endswith("!")))
    if month_of is not None:
        parsed.append(Column(MONTH, TYPES["string"], f"partition: the month of {month_of}, YYYY-MM", nullable=False))
    keys = tuple(key.split())
    missing = set(keys) - {c.name for c in parsed}
    if missing:
        raise ValueError(f"table {name}: key columns {sorted(missing)} are not among its columns")
    if hashes is not None:
        strange = {*hashes.kept, *filter(None, [hashes.stamped])} - {c.name for c in parsed}
        if home != "redis" or len(keys) != 1 or month_of is not None or strange:
            raise ValueError(f"table {name}: hashes want a Redis table, one key column, no months {strange or ''}")
    return Table(name, " ".join(about.split()), tuple(parsed), keys, month_of, home, ttl_seconds, hashes)


def written(of: Table) -> str:
    """The written form of a table's columns, for a table that repeats them."""
    kinds = {kind: name for name, kind in TYPES.items()}
    return "\n".join(f"{c.name} {kinds[c.type]}{'' if c.nullable else '!'} {c.about}" for c in of.columns)


TRACE = """
source      string!  the dataset or provider that says so
file        string!  the file it was read from, relative to the data folder
line        int!     the line or row in that file, counted from 1
"""


class SchemaMismatch(ValueError):
    """A frame does not have the columns its table declares."""


def _same_type(given: Any, declared: Any) -> bool:
    """Whether two Arrow types hold the same values: string widths and dictionary encoding do not matter."""
    if pa.types.is_dictionary(given):
        given = given.value_type
    text = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    if any(t(declared) for t in text):
        return any(t(given) for t in text)
    if pa.types.is_list(declared):
        listish = pa.types.is_list(given) or pa.types.is_large_list(given)
        return listish and _same_type(given.value_type, declared.value_type)
    return given == declared


def check_columns(table: Table, schema: pa.Schema) -> None:
    """Refuse a schema that is not exactly the declared one.

    Raises SchemaMismatch naming the missing, extra, reordered or mistyped columns.
    """
    given, declared = list(schema.names), table.names
    problems: list[str] = []
    if missing := [c for c in declared if c not in given]:
        problems.append(f"missing {missing}")
    if extra := [c for c in given if c not in declared]:
        problems.append(f"unexpected {extra}")
    if len(set(given)) != len(given):
        problems.append("a column twice")
    if not problems and given != declared:
        problems.append(f"order {given}, declared {declared}")
    for name in declared:
        if given.count(name) == 1 and not _same_type(schema.field(name).type, table[name].type):
            problems.append(f"{name} is {schema.field(name).type}, declared {table[name].type}")
    if problems:
        raise SchemaMismatch(f"table {table.name}: " + "; ".join(problems))


def conform(table: Table, data: pa.Table) -> pa.Table:
    """The frame with exactly the declared Arrow types, after refusing wrong columns and nulls that may not be.

    Raises SchemaMismatch.
    """
    check_columns(table, data.schema)
    for column in table.columns:
        if not column.nullable and (nulls := data.column(column.name).null_count):
            raise SchemaMismatch(f"table {table.name}: {column.name} is null in {nulls} rows and may not be")
    return data.cast(table.schema)
