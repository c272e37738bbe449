"""Between what an asset returns or asks for and Arrow with the declared types.

Here belongs the conversion of pandas frames, DuckDB relations and record batches, and the refusal of what does not fit
a table. Nothing here knows Dagster, a lake or a server.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import duckdb
import pandas as pd
import pyarrow as pa

from cyberpi_assets.storage.engine import Rows
from cyberpi_assets.tables import Column, SchemaMismatch, Table, check_columns


def rows_of(table: Table, given: object) -> Rows:
    """What an asset returned, as rows that can be written: relation, Arrow table or reader, pandas frame.

    A pandas frame is converted column by column to the declared types (see `from_pandas`); anything else is passed on
    unchanged and checked where it is written. A list of dicts, one per row, is read like an Arrow table.
    Raises SchemaMismatch.
    """
    if isinstance(given, pa.Table | pa.RecordBatchReader | duckdb.DuckDBPyRelation):
        return given
    if isinstance(given, pd.DataFrame):
        return from_pandas(table, given)
    if isinstance(given, list):
        return _from_dicts(table, cast(list[object], given))
    raise SchemaMismatch(
        f"table {table.name}: an asset returns a DuckDB relation, an Arrow table or reader, a pandas frame or None, "
        f"not {type(given).__name__}"
    )


def arrow_of(table: Table, given: object) -> pa.Table:
    """The same, in memory."""
    rows = rows_of(table, given)
    if isinstance(rows, pa.Table):
        return rows
    if isinstance(rows, pa.RecordBatchReader):
        check_columns(table, rows.schema)
        return rows.read_all()
    return rows.to_arrow_table()


def from_pandas(table: Table, frame: pd.DataFrame) -> pa.Table:
    """A pandas frame as Arrow with the declared types; its index is not kept. NaN and NaT become null.

    Accepted beyond equal types: integers of another width that fit, floats without a fraction where integers are
    declared (pandas makes them of integers with gaps), integers where floats are declared, midnights without a time
    zone where dates are declared, zoned times of any zone and unit where timestamps are declared.

    Raises SchemaMismatch.
    """
    names = [str(c) for c in frame.columns]
    problems = _wrong_names(table, names)
    arrays: list[pa.ChunkedArray[Any]] = []
    for column in table.columns if not problems else ():
        try:
            arrays.append(_column(column, frame[column.name]))
        except (
            pa.ArrowInvalid,
            pa.ArrowTypeError,
            pa.ArrowNotImplementedError,
            SchemaMismatch,
            OverflowError,
        ) as error:
            problems.append(f"{column.name} is {frame[column.name].dtype}, declared {column.type} ({error})")
    if problems:
        raise SchemaMismatch(f"table {table.name}: " + "; ".join(problems))
    return pa.table(arrays, schema=pa.schema([pa.field(c.name, c.type) for c in table.columns]))


def _wrong_names(table: Table, names: Sequence[str]) -> list[str]:
    untyped = pa.schema([pa.field(n, table[n].type if n in table.names else pa.null()) for n in names])
    try:
        check_columns(table, untyped)
    except SchemaMismatch as error:
        return [str(error).removeprefix(f"table {table.name}: ")]
    return []


def _column(column: Column, series: pd.Series[Any]) -> pa.ChunkedArray[Any]:
    made: Any = pa.Array.from_pandas(series)  # chunked where the frame is backed by Arrow
    found: pa.ChunkedArray[Any] = made if isinstance(made, pa.ChunkedArray) else pa.chunked_array([made])
    if isinstance(found.type, pa.DictionaryType):
        found = found.cast(found.type.value_type)
    given, declared = cast(pa.DataType, found.type), column.type
    if found.null_count == len(found):  # pandas types a column without values as it likes
        return pa.chunked_array([pa.array([None] * len(found), declared)])
    if given == declared or _fits(given, declared):
        return cast("pa.ChunkedArray[Any]", found.cast(declared))
    if isinstance(given, pa.TimestampType) and pa.types.is_date(declared) and given.tz is None:
        return cast("pa.ChunkedArray[Any]", found.cast(declared))  # refuses a time of day
    raise SchemaMismatch("not the same kind of value")


def _fits(given: pa.DataType, declared: pa.DataType) -> bool:
    """Whether a safe cast between the types keeps what a value means."""
    t = pa.types
    if isinstance(declared, pa.ListType):
        if not isinstance(given, pa.ListType | pa.LargeListType):
            return False
        inner = cast(pa.DataType, given.value_type)
        return t.is_null(inner) or _fits(inner, cast(pa.DataType, declared.value_type))
    if t.is_integer(declared) or t.is_floating(declared):
        return t.is_integer(given) or t.is_floating(given)
    if isinstance(declared, pa.TimestampType):
        return isinstance(given, pa.TimestampType) and given.tz is not None
    text = (t.is_string, t.is_large_string, t.is_string_view)
    return any(is_text(declared) for is_text in text) and any(is_text(given) for is_text in text)


def to_pandas(table: Table, data: pa.Table) -> pd.DataFrame:
    """Arrow as a pandas frame whose dtypes depend on the declaration alone, never on which values are null.

    Text `str`; integers `int64`/`int16`, with gaps allowed `Int64`/`Int16`; booleans `bool` or `boolean`; numbers
    `float64`/`float32` with NaN for null; dates `datetime64[s]` at midnight; timestamps `datetime64[us, UTC]`.
    """
    frame = data.to_pandas(date_as_object=False, types_mapper=None, ignore_metadata=True)
    wanted: dict[str, Any] = {}
    for column in table.columns:
        kind = column.type
        if pa.types.is_date(kind):
            wanted[column.name] = "datetime64[s]"
        elif pa.types.is_string(kind):
            wanted[column.name] = "str"
        elif pa.types.is_integer(kind) or pa.types.is_boolean(kind):
            plain = str(kind) if pa.types.is_integer(kind) else "bool"
            gaps = plain.capitalize() if pa.types.is_integer(kind) else "boolean"
            wanted[column.name] = gaps if column.nullable else plain
            if column.nullable:  # not by way of float, which would round large integers
                found: Any = data.column(column.name).combine_chunks()
                hidden = pa.scalar(False if plain == "bool" else 0, kind)  # behind the mask
                values = found.fill_null(hidden).to_numpy(zero_copy_only=False).astype(plain)
                missing = found.is_null().to_numpy(zero_copy_only=False)
                array = pd.arrays.BooleanArray if plain == "bool" else pd.arrays.IntegerArray
                frame[column.name] = array(values, missing)
    return frame.astype(wanted)


def from_rows(table: Table, rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Rows with the declared columns, as Arrow."""
    fields = [pa.field(c.name, c.type) for c in table.columns]
    return pa.table([pa.array([r[f.name] for r in rows], type=f.type) for f in fields], schema=pa.schema(fields))


def _from_dicts(table: Table, rows: Sequence[object]) -> pa.Table:
    for number, row in enumerate(rows):
        if not isinstance(row, dict):
            raise SchemaMismatch(f"table {table.name}: row {number} is {type(row).__name__}, not a dict")
        if problems := _wrong_names(table, [str(k) for k in cast(dict[object, object], row)]):
            raise SchemaMismatch(f"table {table.name}: row {number}: " + "; ".join(problems))
    try:
        return from_rows(table, cast(Sequence[Mapping[str, Any]], rows))
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError) as error:
        raise SchemaMismatch(f"table {table.name}: {error}") from None
