"""The DuckDB IO manager: assets kept in the lake, loaded as DuckDB relations, Arrow or pandas.

Here belongs what Dagster wants of an IO manager. How the lake writes and reads is in `lake.py`; conversions are in
`frames.py`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pandas as pd
import pyarrow as pa

from cyberpi_assets.storage.dagster_io import (
    annotation,
    column_schema,
    months_read,
    months_written,
    run_id_of,
    step_of,
    table_of,
)
from cyberpi_assets.storage.engine import connect
from cyberpi_assets.storage.frames import rows_of, to_pandas
from cyberpi_assets.storage.lake import Lake


class LakeIOManager(dg.IOManager):
    """Keeps what an asset returns in the lake's table of the asset's name (the last part of its key).

    What a parameter gets follows its annotation: `duckdb.DuckDBPyRelation` (lazy, over one version of the table; the
    inputs of one step share one connection, so they can be joined), `pa.Table`, or `pd.DataFrame` (also without
    annotation). An input has the partitions its mapping asks for; months not stored yet have no rows.

    An asset may return a relation, an Arrow table or record batch reader, a pandas frame, or None: nothing is written.
    Columns must be those of `tables/`; otherwise SchemaMismatch is raised and what was stored stays. A write replaces
    exactly the partitions of the run, a range in one transaction.
    """

    def __init__(
        self, lake: Lake, memory_limit: str = "2GB", threads: int = 2, temp_directory: Path | None = None
    ) -> None:
        """Name the lake and what a step's DuckDB engine may use; nothing is opened yet."""
        self.lake = lake
        self._engine: dict[str, Any] = {
            "memory_limit": memory_limit,
            "threads": threads,
            "temp_directory": temp_directory,
        }
        self._step: tuple[str, str] | None = None
        self._con: duckdb.DuckDBPyConnection | None = None

    def handle_output(self, context: dg.OutputContext, obj: object) -> None:
        """Write the rows; see the class."""
        if obj is None:
            return
        table = table_of(context, self.lake.tables, "lake")
        months = months_written(context, table)
        version = self.lake.write(table.name, rows_of(table, obj), months, run_id=run_id_of(context))
        size, written = self.lake.size(table.name, version), self.lake.size(table.name, version, months)
        metadata: dict[str, Any] = {
            "dagster/table_name": f"lake.{table.name}",
            "dagster/row_count": size.rows,
            "dagster/uri": f"lake/{table.name}",
            "rows": written.rows,
            "bytes": written.bytes,
            "lake_version": version,
        }
        if months is None or len(months) == 1:
            # a range run records its metadata once per month; the definition states the columns for it
            metadata["dagster/column_schema"] = column_schema(table)
        if months is not None and len(months) == 1:
            metadata["dagster/partition_row_count"] = written.rows
        context.add_output_metadata(metadata)

    def load_input(self, context: dg.InputContext) -> duckdb.DuckDBPyRelation | pa.Table | pd.DataFrame:
        """Read the partitions asked for; see the class."""
        table = table_of(context, self.lake.tables, "lake")
        months, wanted = months_read(context, table), annotation(context)
        if wanted is duckdb.DuckDBPyRelation:
            return self.lake.relation(self._connection(context), table.name, months)
        data = self.lake.read(table.name, months)
        return data if wanted is pa.Table else to_pandas(table, data)

    def _connection(self, context: dg.InputContext) -> duckdb.DuckDBPyConnection:
        """One connection per step. The relations keep it alive when the next step has let it go."""
        step = step_of(context)
        if self._con is None or step is None or step != self._step:
            self._con, self._step = connect(**self._engine), step
        return self._con
