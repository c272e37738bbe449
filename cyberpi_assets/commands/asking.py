"""The command that asks the tables in SQL."""

from __future__ import annotations

import datetime as dt
import sys
from typing import TYPE_CHECKING

import click

from cyberpi_assets.commands.reading import (
    KNOWN_ON,
    as_known,
)
from cyberpi_assets.reports.terminal import EXIT_CODES, BadQuery, NoData, Options, show

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa


_TABLE_ROWS = 200


@click.command(
    short_help="Ask the live lake in SQL.",
    epilog=f"""\b
Examples:
  cyberpi sql "show tables"
  cyberpi sql "select official, mean_score, suspicious, n_scored from official_rankings order by rank limit 10"
  cyberpi sql --format csv "from disclosed_trades where ticker = 'NVDA'" > nvda.csv
  cyberpi sql - < query.sql

{EXIT_CODES}""",
)
@click.option("--format", "form", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True)
@click.option("--limit", type=click.IntRange(min=1), default=_TABLE_ROWS, show_default=True, help="Rows of a table.")
@KNOWN_ON
@click.argument("query")
@click.pass_obj
def sql(options: Options, form: str, limit: int, known_on: dt.datetime | None, query: str) -> None:
    """Ask the live lake in DuckDB's SQL; every table is a view. `-` reads the query from standard input.

    A run that is writing does not disturb the query, nor the query the run. With --known-on, disclosures and what is
    counted of them are as of that day; evidence and returns are empty.
    """
    text = sys.stdin.read() if query == "-" else query
    data = _ask(options, text, known_on)
    if form == "table":
        _show_rows(data, limit)
        return
    from cyberpi_assets.reports import results

    (results.write_csv if form == "csv" else results.write_json)(data, sys.stdout)
    sys.stdout.flush()


def _ask(options: Options, text: str, known_on: dt.datetime | None) -> pa.Table:
    import duckdb

    from cyberpi_assets.storage.lake import Lake
    from cyberpi_assets.storage.warehouse import RefusedQuery, query

    settings = options.settings(reads_sources=False)
    lake = Lake(settings.lake_root, storage_options=settings.lake_options)
    if not any(lake.exists(t) for t in lake.tables):
        raise NoData(f"no data yet in {settings.data_dir}: run `cyberpi run` first")

    def prepare(con: duckdb.DuckDBPyConnection) -> None:
        if known_on is not None:
            as_known(con, known_on, settings)

    try:
        return query(
            lake, text, memory_limit=settings.duckdb_memory_limit, threads=settings.duckdb_threads, prepare=prepare
        )
    except (duckdb.Error, RefusedQuery) as error:
        raise BadQuery(str(error).strip()) from None


def _show_rows(data: pa.Table, limit: int) -> None:
    from cyberpi_assets.reports.layout import rows_table
    from cyberpi_assets.reports.results import cells

    names, numbers, rows = cells(data, limit)
    more = data.num_rows - len(rows)
    foot = f"{data.num_rows:,} rows" + (f", {more:,} not shown (--limit, --format csv)" if more else "")
    show(lambda width: [rows_table(names, numbers, rows), foot])  # noqa: ARG005


COMMANDS: tuple[click.Command, ...] = (sql,)
