"""The Redis IO manager: assets kept in Redis with a time to live, loaded as Arrow, pandas or rows.

Here belongs what Dagster wants of an IO manager. How rows are kept is in `redis_tables.py`, which server keeps them in
`redis_server.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, get_origin

import dagster as dg
import duckdb
import pandas as pd
import pyarrow as pa

from cyberpi_assets.settings import Settings
from cyberpi_assets.storage.dagster_io import annotation, column_schema, months_read, months_written, table_of
from cyberpi_assets.storage.engine import connect as duck
from cyberpi_assets.storage.frames import arrow_of, to_pandas
from cyberpi_assets.storage.redis_server import connect
from cyberpi_assets.storage.redis_tables import RedisTables
from cyberpi_assets.tables import Table


class RedisIOManager(dg.IOManager):
    """Keeps what an asset returns as the Redis table of the asset's name (the last part of its key).

    What a parameter gets follows its annotation: `pa.Table`, `list[dict[str, Any]]` (one dict a row, Python values),
    `duckdb.DuckDBPyRelation`, or `pd.DataFrame` (also without annotation): the rows still alive, of the partitions
    asked for, and the columns alone where nothing is there.

    An asset may return an Arrow table or reader, a DuckDB relation, a pandas frame, a list of dicts, or None, which
    writes nothing. Columns must be those of `tables/`, otherwise SchemaMismatch is raised and what was stored stays.
    """

    def __init__(self, settings: Settings, tables: Mapping[str, Table] | None = None) -> None:
        """Name the server (the configured or the embedded one), the profile and the tables; nothing is started yet."""
        self.kept = RedisTables(partial(connect, settings), settings.profile.value, tables)

    def handle_output(self, context: dg.OutputContext, obj: object) -> None:
        """Write the rows; see the class."""
        if obj is None:
            return
        table = table_of(context, self.kept.tables, "hot copy")
        months = months_written(context, table)
        written = self.kept.write(table.name, arrow_of(table, obj), months)
        metadata: dict[str, Any] = {
            "dagster/table_name": f"redis.{table.name}",
            "dagster/column_schema": column_schema(table),
            "key_prefix": self.kept.prefix(table.name),
            "rows": written.rows,
            "bytes": written.bytes,
        }
        if months is None:
            metadata["dagster/row_count"] = written.rows
        elif len(months) == 1:
            metadata["dagster/partition_row_count"] = written.rows
        if table.ttl_seconds is not None:
            metadata["ttl_seconds"] = table.ttl_seconds
        context.add_output_metadata(metadata)

    def load_input(
        self, context: dg.InputContext
    ) -> pa.Table | pd.DataFrame | duckdb.DuckDBPyRelation | list[dict[str, Any]]:
        """Read the rows still alive; see the class."""
        table, wanted = table_of(context, self.kept.tables, "hot copy"), annotation(context)
        data = self.kept.read(table.name, months_read(context, table))
        if wanted is pa.Table:
            return data
        if wanted is list or get_origin(wanted) is list:
            return data.to_pylist()
        if wanted is duckdb.DuckDBPyRelation:
            return duck().from_arrow(data)
        return to_pandas(table, data)
