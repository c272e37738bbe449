"""Arrow columns to arrays and back: the few conversions that domain modules share, typed.

Here belongs what PyArrow's own type stubs cannot say. No column is computed here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from cyberpi_assets.tables import Table

Column: TypeAlias = "pa.Array[Any]"


def numbered(column: pa.ChunkedArray[Any]) -> tuple[npt.NDArray[np.int32], list[str]]:
    """A text column as numbers into its distinct values; the values ascend, so numbers order as texts do."""
    encoded: Any = column.combine_chunks().dictionary_encode()
    names: list[str] = encoded.dictionary.to_pylist()
    order = np.argsort(np.array(names, dtype=object), kind="stable")
    rank = np.empty(len(names), dtype=np.int32)
    rank[order] = np.arange(len(names), dtype=np.int32)
    codes = rank[encoded.indices.to_numpy(zero_copy_only=False)] if names else np.empty(0, dtype=np.int32)
    return codes, [names[i] for i in order]


def named(codes: npt.NDArray[np.generic], names: list[str]) -> Column:
    """Numbers back to text."""
    return pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), pa.array(names, pa.string())).cast(pa.string())


def places(column: pa.ChunkedArray[Any], names: list[str]) -> npt.NDArray[np.int64]:
    """Where each value stands among `names`; -1 where it does not."""
    found: Any = pc.index_in(column, value_set=pa.array(names, pa.string()))
    return found.fill_null(-1).to_numpy().astype(np.int64)


def day_numbers(column: pa.ChunkedArray[Any]) -> npt.NDArray[np.int64]:
    """A date column as days since 1970-01-01."""
    return column.cast(pa.int32()).to_numpy().astype(np.int64)


def dates(days: npt.NDArray[np.generic]) -> Column:
    """Days since 1970-01-01 as a date column."""
    return pa.array(days.astype(np.int32), pa.int32()).cast(pa.date32())


def known(values: npt.NDArray[np.float64], kind: pa.DataType | None = None) -> Column:
    """A float array as a column in which NaN is null."""
    column: Any = pa.array(values, pa.float64(), from_pandas=True)
    return column if kind is None else column.cast(kind)


def join(*parts: Column | str) -> Column:
    """Texts side by side, row by row; a plain string stands in every row."""
    side_by_side: Any = pc.binary_join_element_wise
    return side_by_side(*(pa.scalar(p) if isinstance(p, str) else p for p in parts), "")


def month_of(days: Column) -> Column:
    """YYYY-MM of each date."""
    months: Any = pc.utf8_slice_codeunits(days.cast(pa.string()), 0, 7)
    return months


def having(table: pa.Table, column: str, values: Collection[Any]) -> pa.Table:
    """The rows whose column holds one of the values."""
    kind = table.schema.field(column).type
    mask: Any = pc.is_in(table.column(column), value_set=pa.array(list(values), kind))
    return table.filter(mask)


def frame(table: Table, columns: Mapping[str, Any]) -> pa.Table:
    """Columns, in any order, as the table declares them."""
    data: Any = dict(columns)
    return pa.table(data, schema=table.schema)
