"""Data folders to run the graph on: a link of a real one, a simulated one of the same size, and one month more.

Written in formats that the profile `files` reads. The month that is added repeats what the lake has of the last one.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cyberpi_assets.domain.calendar import day_number, sessions
from cyberpi_assets.sources.demo.world import build
from cyberpi_assets.storage.lake import Lake
from cyberpi_assets.tables import MONTH

_MIN_TRADES = 50  # a month with fewer is not worth repeating


def link(data: Path, folder: Path) -> Path:
    """The same files under another folder, as hard links where the disk allows it, else as copies."""
    for place, _, names in os.walk(data):
        target = folder / Path(place).relative_to(data)
        target.mkdir(parents=True, exist_ok=True)
        for name in names:
            try:
                os.link(Path(place, name), target / name)
            except OSError:
                shutil.copy2(Path(place, name), target / name)
    return folder


def simulated(folder: Path, seed: int, first: str, last: str, copies: int, copies_of_trades: int) -> Path:
    """The simulated world as bulk files, every company `copies` times under other symbols."""
    facts, _ = build(seed, first, last, "demo")
    folder.mkdir(parents=True, exist_ok=True)
    bars, trades, companies = facts["bar_facts"], facts["disclosure_facts"], facts["company_facts"]
    actions = facts["action_facts"].rename_columns({"session": "date"})
    _write(folder / "bars.parquet", (_renamed(_bars(bars), k) for k in range(copies)))
    _write(folder / "actions.parquet", (_renamed(actions.drop_columns(["file", "line"]), k) for k in range(copies)))
    numbers = pc.dictionary_encode(trades.column("document").combine_chunks()).indices.cast(pa.int64())
    unified = _unified(trades.append_column("number", numbers), 10_000_000)
    several = (_renamed(_next_documents(unified, k * 1_000_000), k) for k in range(copies_of_trades))
    _write(folder / "trades.parquet", several)
    listed = companies.select(["ticker", "name", "sector", "cik"]).rename_columns({"sector": "gics_sector"})
    listed = listed.append_column("nasdaq_sector", pa.nulls(listed.num_rows, pa.string()))
    _write(folder / "tickers.parquet", (_renamed(listed, k) for k in range(copies)))
    people = facts["person_facts"].rename_columns({"full_name": "official_full", "lis_id": "lis"})
    _write(folder / "people.parquet", [people.drop_columns(["other_names", "source", "file", "line"])])
    terms = facts["term_facts"].rename_columns({"starts_on": "start", "ends_on": "end"})
    terms = terms.append_column("term_no", pa.array(np.arange(terms.num_rows)))
    _write(folder / "terms.parquet", [terms.drop_columns(["leadership", "source", "file", "line"])])
    return folder


def next_month(lake: Path, folder: Path, until: str) -> str:
    """Add files with the month after the last bars, at most `until` (YYYY-MM): bars of all tickers, and trades filed.

    Gives the month added. Raises ValueError where the lake already has bars of `until`.
    """
    stored = Lake(lake)
    last = str(pc.max(stored.read("daily_bars", columns=[MONTH]).column(MONTH)).as_py())
    month = str(np.datetime64(last, "M") + 1)
    if month > until:
        raise ValueError(f"the lake has bars of {last}: no later month before {until} can be added")
    old, new = _sessions_of(last), _sessions_of(month)
    bars = stored.read("daily_bars", [last])
    place = np.searchsorted(old, bars.column("session").cast(pa.int32()).to_numpy())
    bars = bars.filter(pa.array(place < new.size))
    days = pa.array(new[place[place < new.size]], pa.int32()).cast(pa.date32())
    bars = bars.set_column(1, "session", days).append_column("at", pa.nulls(bars.num_rows))
    _write(folder / f"more_bars_{month}.parquet", [_bars(bars.drop_columns(["at", MONTH]))])

    trades = _last_full_month(stored)
    filed = trades.column("filed_on").cast(pa.int32()).to_numpy()
    shift = int(new[0]) - int(filed.min())
    for name in ("transaction_date", "notification_date", "filed_on"):
        moved = pc.add(trades.column(name).cast(pa.int32()), pa.scalar(shift, pa.int32())).cast(pa.date32())
        trades = trades.set_column(trades.column_names.index(name), name, moved)
    numbers = pc.dictionary_encode(trades.column("filing_id").combine_chunks()).indices.cast(pa.int64())
    trades = trades.append_column("number", numbers).rename_columns({"row_in_filing": "row_in_document"})
    _write(folder / f"more_trades_{month}.parquet", [_unified(trades, 90_000_000)])
    return month


def _last_full_month(lake: Lake) -> pa.Table:
    months = lake.read("disclosed_trades", columns=[MONTH, "filed_on"])
    counted = months.filter(months.column("filed_on").is_valid()).group_by(MONTH).aggregate([([], "count_all")])
    many = counted.filter(pc.greater_equal(counted.column("count_all"), _MIN_TRADES))
    chosen = pc.max((many if many.num_rows else counted).column(MONTH)).as_py()
    trades = lake.read("disclosed_trades", [str(chosen)])
    return trades.filter(trades.column("filed_on").is_valid())


def _sessions_of(month: str) -> npt.NDArray[np.int32]:
    first = np.datetime64(month, "M").astype("datetime64[D]").item()
    after = (np.datetime64(month, "M") + 1).astype("datetime64[D]").item()
    known = sessions()
    return known[(known >= day_number(first)) & (known < day_number(after))]


def _bars(bars: pa.Table) -> pa.Table:
    """Bars as the profile `files` reads them."""
    names = ["ticker", "session", "open", "high", "low", "close", "adj_close", "volume", "source", "basis"]
    return bars.select(names).rename_columns({"session": "date"})


def _unified(trades: pa.Table, first_number: int) -> pa.Table:
    """Trades as the unified table has them; documents are numbered from `first_number` by the column `number`."""
    n, present = trades.num_rows, set(trades.column_names)
    document = pc.add(trades.column("number"), first_number).cast(pa.string())

    def of(name: str) -> Any:
        return trades.column(name) if name in present else pa.nulls(n, pa.string())

    return pa.table(
        {
            "chamber": of("chamber"), "official": of("filer" if "filer" in present else "official"),
            "bioguide_id": of("bioguide_id"), "party": of("party"), "state": of("state"),
            "ticker": of("ticker_printed"), "ticker_current": of("ticker" if "ticker" in present else "ticker_printed"),
            "ticker_raw": of("ticker_printed"), "asset_description": of("asset"), "asset_type": of("asset_type"),
            "side": of("side"), "side_raw": of("side"), "transaction_date": of("transaction_date"),
            "notification_date": of("notification_date"), "filing_date": of("filed_on"), "amount_min": of("amount_low"),
            "amount_max": of("amount_high"), "amount_raw": of("amount_printed"), "owner": of("owner"),
            "filing_status": of("filing_status"), "doc_id": document, "row_in_doc": of("row_in_document"),
            "source": pa.repeat("benchmark", n), "anomalies": pa.nulls(n, pa.string()),
        }
    )  # fmt: skip


def _next_documents(trades: pa.Table, by: int) -> pa.Table:
    moved = pc.add(trades.column("doc_id").cast(pa.int64()), by).cast(pa.string())
    return trades.set_column(trades.column_names.index("doc_id"), "doc_id", moved)


def _renamed(table: pa.Table, copy: int) -> pa.Table:
    """The table with every symbol under its name in a copy."""
    for name in ("ticker", "ticker_current", "ticker_raw") if copy else ():
        if name in table.column_names:
            symbols = pc.binary_join_element_wise(table.column(name), f"C{copy}", "-")
            table = table.set_column(table.column_names.index(name), table.schema.field(name), symbols)
    return table


def _write(path: Path, parts: Iterable[pa.Table]) -> None:
    pq.write_table(pa.concat_tables(list(parts)), path, compression="zstd")
