"""What both IO managers ask of Dagster: which table, which months, which type, and what the UI shows of a write.

Nothing here reads or writes data.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from typing import Any

import dagster as dg

from cyberpi_assets.tables import Table

MONTHS_BEFORE = "months_before"
ALL_MONTHS = -1


def table_of(context: dg.InputContext | dg.OutputContext, tables: Mapping[str, Table], home: str) -> Table:
    """The table an asset's key names with its last part. Raises DagsterInvariantViolationError."""
    if not context.has_asset_key:
        raise dg.DagsterInvariantViolationError(f"the {home} keeps assets only; an op's output has no table")
    name = context.asset_key.path[-1]
    if name not in tables:
        raise dg.DagsterInvariantViolationError(
            f"asset {context.asset_key.to_user_string()} has no table in the {home}; "
            f"tables/ declares {', '.join(sorted(tables))}"
        )
    return tables[name]


def months_written(context: dg.OutputContext, table: Table) -> list[str] | None:
    """Exactly the partitions of this write, None where there are none.

    Raises DagsterInvariantViolationError where asset and table disagree on being kept by month.
    """
    if context.has_asset_partitions != table.partitioned:
        raise dg.DagsterInvariantViolationError(
            f"table {table.name} is {'' if table.partitioned else 'not '}stored by month, but its asset is "
            f"{'' if context.has_asset_partitions else 'not '}partitioned"
        )
    return list(context.asset_partition_keys) if context.has_asset_partitions else None


def months_read(context: dg.InputContext, table: Table) -> list[str] | None:
    """The partitions an input asks for, None for the whole table.

    Input metadata `MONTHS_BEFORE` widens this by that many earlier months, or by all of them with `ALL_MONTHS`. It is a
    window of the read and no partition mapping, so that a launch of one month materialises that month alone.
    """
    if not table.partitioned or not context.has_asset_partitions:
        return None
    asked = sorted(context.asset_partition_keys)
    before = (context.definition_metadata or {}).get(MONTHS_BEFORE, 0)
    if not before or not asked:
        return asked
    every = sorted(context.asset_partitions_def.get_partition_keys())
    first, last = bisect_left(every, asked[0]), bisect_right(every, asked[-1])
    return every[0 if before == ALL_MONTHS else max(0, first - before) : last]


def annotation(context: dg.InputContext) -> Any:
    """The type written at the asset's parameter; Any where there is none."""
    return context.dagster_type.typing_type


def run_id_of(context: dg.OutputContext) -> str:
    """The run's id, or nothing outside a run."""
    try:
        return context.run_id
    except dg.DagsterInvariantViolationError:
        return ""


def step_of(context: dg.InputContext) -> tuple[str, str] | None:
    """Run and step an input is loaded for, None outside a run."""
    try:
        step = context.step_context
    except dg.DagsterInvariantViolationError:
        return None
    return step.run_id, step.step.key


def column_schema(table: Table) -> dg.TableSchema:
    """The table's columns as the UI shows them."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                c.name,
                str(c.type),
                description=c.about,
                constraints=dg.TableColumnConstraints(nullable=c.nullable, unique=table.key == (c.name,)),
            )
            for c in table.columns
        ],
        constraints=dg.TableConstraints(other=[f"key: {', '.join(table.key)}"]),
    )
