"""Tables of any width made ready for DuckDB: cells in one Parquet file with their row numbers, torn rows apart.

Here belongs how a large CSV or Parquet file is staged in bounded memory, and the SQL that reads a cell as a date or a
number. What the columns mean is in the readers (`bars.py`, `chains.py`, `volumes.py`).
"""

from __future__ import annotations

import codecs
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from cyberpi_assets.sources.files.content import Content, decode, sniff_delimiter
from cyberpi_assets.sources.rows import Unreadable
from cyberpi_assets.sources.values import shorten

_BLOCK: Final = 8 * 2**20  # a line longer than this is refused


@dataclass(frozen=True)
class Staged:
    """A Parquet file of cells: its columns' types by name, the SQL of its row number, rows read, and torn rows."""

    path: Path
    types: dict[str, pa.DataType]
    line: str
    rows: int
    torn: list[tuple[int, str]]
    note: str | None = None

    @property
    def names(self) -> list[str]:
        """Columns as printed, without the row number."""
        return [n for n in self.types if n != self.line]

    @property
    def scan(self) -> str:
        """The SQL that reads it."""
        path = "'" + str(self.path).replace("'", "''") + "'"
        return f"read_parquet({path}, file_row_number = {str(self.line.startswith('file_row')).lower()})"


def stage(content: Content, scratch: Path) -> Staged:
    """The file's cells, ready for DuckDB; `scratch` is an empty folder. Raises Unreadable where it is damaged."""
    return _stage_parquet(content, scratch) if content.medium == "parquet" else _stage_csv(content, scratch)


def _stage_parquet(content: Content, scratch: Path) -> Staged:
    link = scratch / "input.parquet"  # DuckDB would read patterns into a name with * or [
    link.symlink_to(content.path.absolute())
    schema, rows = pq.read_schema(content.path), pq.read_metadata(content.path).num_rows
    types = {f.name: f.type for f in schema}
    return Staged(link, types, "file_row_number + 1", rows, [])


def _stage_csv(content: Content, scratch: Path) -> Staged:
    """The cells as text in a Parquet file, with their row number; torn rows apart. Raises Unreadable."""
    plain = scratch / "input.csv"
    decoder, encoding = codecs.getincrementaldecoder("utf-8")(), "utf8"
    if content.head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encoding = "utf-16"
    with plain.open("wb") as out:
        for chunk in itertools.chain(content.chunks(), [b""]):
            out.write(chunk)
            if encoding == "utf8":
                try:
                    decoder.decode(chunk, final=not chunk)
                except UnicodeDecodeError:
                    encoding = "cp1252"
    first = decode(content.head if encoding == "utf-16" else content.head.split(b"\n", 1)[0])[0].split("\n")[0]
    torn: list[tuple[int, str]] = []

    def tear(row: pacsv.InvalidRow) -> Literal["skip"]:
        torn.append(((row.number or 1) - 1, row.text))
        return "skip"

    staged = scratch / "cells.parquet"
    names, rows = _header(first), 0
    try:
        reader = pacsv.open_csv(
            plain,
            read_options=pacsv.ReadOptions(use_threads=False, block_size=_BLOCK, encoding=encoding),
            parse_options=pacsv.ParseOptions(
                delimiter=sniff_delimiter(first), newlines_in_values=True, invalid_row_handler=tear
            ),
            convert_options=pacsv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
            ),
        )
        with pq.ParquetWriter(staged, reader.schema.append(pa.field("line", pa.int64())), compression="snappy") as out:
            for batch in _numbered(reader, torn):
                out.write_table(batch)
                rows += batch.num_rows
    except (pa.ArrowInvalid, pa.ArrowKeyError, UnicodeDecodeError) as error:
        raise Unreadable(f"CSV is damaged after row {rows}: {shorten(error)}") from error
    finally:
        plain.unlink()
    schema = pq.read_schema(staged)
    types = {f.name: f.type for f in schema}
    note = None if encoding == "utf8" else f"text is not UTF-8; read as {encoding}"
    return Staged(staged, types, "line", rows + len(torn), torn, note)


def _header(line: str) -> list[str]:
    cells = line.strip("\r\n\ufeff").split(sniff_delimiter(line))
    return [c.strip('"') for c in cells]


def _numbered(reader: pacsv.CSVStreamingReader, torn: list[tuple[int, str]]) -> Iterator[pa.Table]:
    """Batches with the numbers of their rows as `line`; torn rows, known before their batch, have numbers too."""
    following = 1
    for batch in reader:
        gaps = np.array([n for n, _ in torn if n >= following], dtype=np.int64)
        numbers = np.arange(following, following + batch.num_rows + len(gaps), dtype=np.int64)
        lines = numbers[~np.isin(numbers, gaps)][: batch.num_rows]
        if len(lines):
            following = int(lines[-1]) + 1
        yield pa.Table.from_batches([batch]).append_column("line", pa.array(lines))


# -------------------------------------------------------------------------------------------------------- SQL of a cell


def quoted(name: str) -> str:
    """A column's name in SQL."""
    return '"' + name.replace('"', '""') + '"'


def date_sql(column: str, kind: pa.DataType) -> str:
    """The session a date cell means: as written; an instant is the day in the column's zone, else in New York."""
    if pa.types.is_date(kind):
        return f"CAST({column} AS DATE)"
    if pa.types.is_timestamp(kind):
        if kind.tz is None:
            return f"CAST({column} AS DATE)"
        zone = kind.tz if kind.tz not in ("UTC", "Etc/UTC", "+00:00") else "America/New_York"
        local = f"CAST(timezone('{zone}', {column}) AS DATE)" if re.fullmatch(r"[A-Za-z0-9_+\-/]+", zone) else "NULL"
        written = f"timezone('UTC', {column})"
        return f"CASE WHEN CAST({written} AS TIME) = TIME '00:00:00' AND '{zone}' = 'America/New_York' " + (
            f"THEN CAST({written} AS DATE) ELSE {local} END"
        )
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return _number_date(f"TRY_CAST({column} AS BIGINT)", f"CAST(TRY_CAST({column} AS BIGINT) AS VARCHAR)")
    text = f"trim({column})"
    return (
        f"CASE WHEN regexp_full_match({text}, '\\d{{4}}-\\d\\d-\\d\\d([T ].{{0,40}})?') "
        f"THEN TRY_CAST(left({text}, 10) AS DATE) "
        f"WHEN regexp_full_match({text}, '\\d{{8,19}}') THEN {_number_date(f'TRY_CAST({text} AS BIGINT)', text)} "
        f"WHEN regexp_full_match({text}, '\\d{{1,2}}/\\d{{1,2}}/\\d{{4}}') "
        f"THEN CAST(try_strptime({text}, '%m/%d/%Y') AS DATE) END"
    )


def _number_date(number: str, text: str) -> str:
    day = "CAST(timezone('America/New_York', to_timestamp({n} / {d})) AS DATE)"
    seconds = "\n".join(
        f"WHEN {number} BETWEEN -2208988800 * {d} AND 4133980800 * {d} THEN {day.format(n=number, d=d)}"
        for d in (1, 1000, 1_000_000, 1_000_000_000)
    )
    return (
        f"CASE WHEN {number} BETWEEN 10000101 AND 99991231 THEN CAST(try_strptime({text}, '%Y%m%d') AS DATE) "
        f"{seconds} END"
    )


def number_sql(column: str, kind: pa.DataType) -> tuple[str, str]:
    """A cell as a double, and whether it says something that is no number."""
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return f"CAST({column} AS DOUBLE)", "false"
    text = f"trim(CAST({column} AS VARCHAR))"
    blank = f"({column} IS NULL OR lower({text}) IN ('', 'null', 'nan', 'none', 'na', 'n/a', '-', '--'))"
    value = f"CASE WHEN {blank} THEN NULL ELSE TRY_CAST(replace({text}, ',', '') AS DOUBLE) END"
    return value, f"(NOT {blank} AND TRY_CAST(replace({text}, ',', '') AS DOUBLE) IS NULL)"


TICKER_SQL: Final = """
regexp_replace(regexp_replace(regexp_replace(upper(trim(CAST({c} AS VARCHAR))), '\\.US$', ''),
  '^([A-Z0-9]{{1,5}})[./]([A-Z])$', '\\1-\\2'), '^([A-Z]{{1,5}})\\$([A-Z])$', '\\1-P\\2')
"""
