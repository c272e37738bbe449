"""How an asset of this house is declared: its table, group and kinds; nothing an asset computes belongs here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import dagster as dg

from cyberpi_assets.orchestration.partitions import MONTHS, ONE_RUN
from cyberpi_assets.orchestration.retrying import AWAY, saying_whether_retrying_helps
from cyberpi_assets.reports.charts import as_markdown_image
from cyberpi_assets.storage.dagster_io import column_schema
from cyberpi_assets.tables import Table

OWNERS = {
    "reference": "team:reference",
    "market": "team:market",
    "alerts": "team:market",
    "disclosures": "team:disclosures",
    "correlations": "team:disclosures",
    "evidence": "team:disclosures",
    "rankings": "team:disclosures",
    "options": "team:market",
    "threats": "team:market",
    "news": "team:news",
    "highway": "team:news",
    "backtest": "team:warnings",
    "signals": "team:warnings",
    "reports": "team:reports",
}


def show(context: dg.AssetExecutionContext, name: str, draw: Callable[[], bytes], words: str) -> None:
    """A chart where a person would rather look than read.

    Not in a range run: it records its metadata once per month, and 179 copies of a picture would fill the history. The
    charts over all months are on the assets that have no months.
    """
    if context.assets_def.partitions_def is not None and len(context.partition_keys) > 1:
        return
    context.add_output_metadata({name: dg.MetadataValue.md(as_markdown_image(draw(), words))})


def stored(
    table: Table,
    group: str,
    *,
    ins: Mapping[str, dg.AssetIn] | None = None,
    deps: Sequence[dg.AssetsDefinition] | None = None,
    kinds: set[str] | None = None,
    io_manager_key: str = "io_manager",
    code_version: str = "1",
    op_tags: Mapping[str, str] | None = None,
    more: str = "",
    talks: bool = False,
) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """Declare an asset that fills one table; stored by month when the table is.

    The description is the table's own, with `more` for whoever materialises it. `talks`: it reads sites or writes to
    servers, so that trying it again may help; only then it is tried again.
    """
    declared = dg.asset(
        name=table.name,
        group_name=group,
        ins=ins,
        deps=deps,
        description=f"{table.about}\n\n{more}".strip(),
        owners=[OWNERS[group]],
        kinds=kinds or {"python", "deltalake"},
        io_manager_key=io_manager_key,
        partitions_def=MONTHS if table.partitioned else None,
        backfill_policy=ONE_RUN if table.partitioned else None,
        code_version=code_version,
        op_tags=op_tags,
        metadata={
            "dagster/column_schema": column_schema(table),
            "dagster/table_name": table.name,
            "key": ", ".join(table.key),
        },
        retry_policy=AWAY if talks else None,
    )

    def declare(step: Callable[..., Any]) -> dg.AssetsDefinition:
        return declared(saying_whether_retrying_helps(step) if talks else step)

    return declare


def stored_together(
    name: str,
    tables: Sequence[Table],
    group: str,
    *,
    kinds: set[str],
    ins: Mapping[str, dg.AssetIn] | None = None,
    code_version: str = "1",
    more: str = "",
) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """Declare assets that are computed in one go, because they share most of the work; a table each, in order.

    Stored by month when all of the tables are.
    """
    by_month = all(table.partitioned for table in tables)
    return dg.multi_asset(
        name=name,
        ins=ins,
        partitions_def=MONTHS if by_month else None,
        backfill_policy=ONE_RUN if by_month else None,
        outs={
            table.name: dg.AssetOut(
                description=f"{table.about}\n\n{more}".strip(),
                group_name=group,
                owners=[OWNERS[group]],
                kinds=kinds,
                io_manager_key="io_manager",
                code_version=code_version,
                metadata={
                    "dagster/column_schema": column_schema(table),
                    "dagster/table_name": table.name,
                    "key": ", ".join(table.key),
                },
            )
            for table in tables
        },
    )
