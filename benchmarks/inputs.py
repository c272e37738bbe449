"""What the pieces work on: tables of a finished lake as Arrow files, and the same again with more tickers.

Only the columns that the work reads are kept, so that peak memory is that of the work.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from cyberpi_assets.storage.lake import Lake
from cyberpi_assets.tables import MONTH

_BARS = ["ticker", "session", "close", "adj_close", "volume", "basis"]
_TRADES = [
    "trade_id", "filing_id", "bioguide_id", "ticker", "asset_type", "transaction_date", "filed_on", "filing_status",
    "superseded_by", "repeat_of", "ticker_evidence", "source", MONTH,
]  # fmt: skip
_NAMES = ("bars", "splits", "companies", "trades")


@dataclass(frozen=True)
class Inputs:
    """Columns of `tables.DAILY_BARS` and `DISCLOSED_TRADES`, and splits and companies as the alerts want them."""

    bars: pa.Table
    splits: pa.Table
    companies: pa.Table
    trades: pa.Table

    def times(self, copies: int) -> Inputs:
        """Every ticker, bar and trade `copies` times; copy k of AAPL is AAPL~k."""
        return self if copies == 1 else Inputs(*(_copied(getattr(self, n), copies) for n in _NAMES))

    def keep(self, folder: Path) -> None:
        """Write one Arrow file per table."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in _NAMES:
            keep(getattr(self, name), folder / f"{name}.arrow")


def keep(table: pa.Table, path: Path) -> None:
    """Write a table as an Arrow file."""
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)


def load(path: Path) -> pa.Table:
    """Read an Arrow file into memory."""
    with pa.OSFile(str(path)) as source:
        return pa.ipc.open_file(source).read_all()


def inputs_of(folder: Path) -> Inputs:
    """What `Inputs.keep` wrote."""
    return Inputs(*(load(folder / f"{name}.arrow") for name in _NAMES))


def from_lake(root: Path) -> Inputs:
    """The inputs out of a finished lake."""
    lake = Lake(root)
    actions = lake.read("corporate_actions", columns=["ticker", "session", "action", "value"])
    splits = actions.filter(pc.equal(actions.column("action"), "split")).drop_columns(["action"])
    return Inputs(
        lake.read("daily_bars", columns=_BARS),
        splits,
        lake.read("companies", columns=["ticker", "sector"]),
        lake.read("disclosed_trades", columns=_TRADES),
    )


def _copied(table: pa.Table, copies: int) -> pa.Table:
    parts = [table]
    for k in range(1, copies):
        part = table
        for name in ("ticker", "trade_id"):
            if name in part.column_names:
                at = part.column_names.index(name)
                renamed = pc.binary_join_element_wise(part.column(name), f"~{k}", "")
                part = part.set_column(at, part.schema.field(name), renamed)
        parts.append(part)
    return pa.concat_tables(parts)


def frame(table: pa.Table) -> pd.DataFrame:
    """A table as pandas has it, dates as timestamps."""
    found = table.to_pandas()
    for name in ("session", "transaction_date"):
        if name in found:
            found[name] = pd.to_datetime(found[name])
    return found
