"""The result of a query as a table for people, CSV or JSON for programs.

Here belongs only the form of a result; the query itself is run elsewhere.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
import math
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, TextIO

import pyarrow as pa
import pyarrow.csv as pacsv

from cyberpi_assets.reports.figures import MISSING

_BATCH = 20_000


def write_csv(data: pa.Table, out: TextIO) -> None:
    """RFC 4180 with a header: ISO dates, empty for null, lists and records as JSON."""
    columns: list[pa.ChunkedArray[Any]] = []
    for column in data.columns:
        if pa.types.is_nested(column.type) or pa.types.is_binary(column.type):
            said = [None if v is None else _json(v) for v in column.to_pylist()]
            columns.append(pa.chunked_array([pa.array(said, pa.string())]))
        elif pa.types.is_time(column.type) or pa.types.is_duration(column.type) or pa.types.is_interval(column.type):
            said = [None if v is None else str(v) for v in column.to_pylist()]
            columns.append(pa.chunked_array([pa.array(said, pa.string())]))
        else:
            columns.append(column)
    shown = pa.Table.from_arrays(columns, names=data.schema.names)
    header = True
    for batch in shown.to_batches(max_chunksize=_BATCH) or [pa.RecordBatch.from_pylist([], schema=shown.schema)]:
        buffer = pa.BufferOutputStream()
        pacsv.write_csv(batch, buffer, pacsv.WriteOptions(include_header=header))
        out.write(buffer.getvalue().to_pybytes().decode())
        header = False


def write_json(data: pa.Table, out: TextIO) -> None:
    """A JSON array with one object a row, one row a line; ISO dates, null for NaN; a name twice gets a number."""
    names = _distinct(data.schema.names)
    data = data.rename_columns(names)
    out.write("[")
    for n, row in enumerate(_rows(data)):
        out.write("\n " if n == 0 else ",\n ")
        out.write(_json(row))
    out.write("\n]\n" if data.num_rows else "]\n")


def cells(data: pa.Table, limit: int) -> tuple[list[str], list[bool], list[list[str]]]:
    """Column names, whether each is a number, and the first `limit` rows as short text."""
    names = _distinct(data.schema.names)
    numeric = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
    numbers = [any(bool(kind(f.type)) for kind in numeric) for f in data.schema]
    data = data.rename_columns(names)
    return names, numbers, [[_short(row[n]) for n in names] for row in _rows(data.slice(0, limit))]


def _rows(data: pa.Table) -> Iterator[dict[str, Any]]:
    for batch in data.to_batches(max_chunksize=_BATCH):
        yield from batch.to_pylist()


def _distinct(names: list[str]) -> list[str]:
    out: list[str] = []
    for name in names:
        new, n = name, 1
        while new in out:
            n += 1
            new = f"{name}_{n}"
        out.append(new)
    return out


def _short(value: Any) -> str:
    if value is None:
        return MISSING
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, (list, dict)):
        return _json(value)
    if isinstance(value, bytes):
        return value.hex()
    return str(value)


def _json(value: Any) -> str:
    return json.dumps(_value(value), ensure_ascii=False, allow_nan=False)


def _value(value: Any) -> Any:
    """A value as JSON has it; a whole decimal stays exact."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dict):
        return {str(k): _value(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_value(v) for v in value]
    if isinstance(value, (dt.date, dt.time)):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return str(value)
