"""A world of a few tickers and trades, held as a unit of the intake, and runs of the real assets over it.

Every row is made here; prices come from a fixed generator. The tickers have the histories that break incremental work:
one that begins late, one that pauses, one that ends.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg
import exchange_calendars
import numpy as np
import pyarrow as pa

from cyberpi_assets.definitions import STAGES, build_defs
from cyberpi_assets.settings import Settings
from cyberpi_assets.sources.intake import Gathered, Intake, Unit
from cyberpi_assets.storage.lake import Lake
from cyberpi_assets.tables import FACTS, LAKE

D = dt.date
MONTHS = ("2024-01", "2024-02", "2024-03", "2024-04")
SEED = 11
WORKING_MEMORY = "working_memory"
QUIET = {"loggers": {"console": {"config": {"log_level": "ERROR"}}}}
_TRACE = {"source": "made", "file": "made.csv"}
# Not tables of the lineage (a log) or copies that name moments and paths.
_NOT_COMPARED = {"check_results", "published_warehouse", "timing_report", "pattern_report", "check_report"}
# Columns that name a moment of the run, or one life of a Redis server.
_OF_THE_RUN = {"threat_highway": ("published_at", "epoch")}

# ticker: the spans in which it has bars
SPANS: dict[str, list[tuple[dt.date, dt.date]]] = {
    "FULL": [(D(2023, 7, 3), D(2024, 4, 30))],
    "LATE": [(D(2024, 3, 4), D(2024, 4, 30))],
    "GAP": [(D(2023, 7, 3), D(2024, 1, 19)), (D(2024, 4, 8), D(2024, 4, 30))],
    "GONE": [(D(2023, 7, 3), D(2024, 2, 9))],
}
# person, ticker, traded, filed
TRADES = [
    ("A000001", "FULL", D(2024, 1, 22), D(2024, 2, 5)),
    ("A000001", "FULL", D(2024, 2, 20), D(2024, 3, 4)),
    ("A000001", "FULL", D(2024, 1, 23), D(2024, 4, 10)),  # late: back to alerts of January
    ("A000001", "LATE", D(2024, 1, 16), D(2024, 2, 5)),  # before the first bar, filed before it too
    ("A000001", "LATE", D(2024, 2, 16), D(2024, 3, 20)),  # before the first bar, filed after it
    ("B000002", "LATE", D(2024, 4, 19), D(2024, 4, 29)),
    ("B000002", "GAP", D(2024, 3, 12), D(2024, 3, 28)),  # in the pause, filed in it
    ("B000002", "GAP", D(2024, 3, 12), D(2024, 4, 15)),  # in the pause, filed after it
    ("B000002", "GAP", D(2024, 2, 6), D(2024, 2, 20)),
    ("B000002", "GONE", D(2024, 3, 1), D(2024, 3, 28)),
    ("B000002", "GONE", D(2024, 4, 15), D(2024, 4, 28)),
    ("B000002", "NONE", D(2024, 2, 6), D(2024, 2, 20)),
    ("B000002", "FULL", None, D(2024, 3, 28)),
    ("B000002", "FULL", D(2024, 4, 18), None),
]


def sessions_between(first: dt.date, last: dt.date) -> list[dt.date]:
    calendar = exchange_calendars.get_calendar("XNYS")
    return [d.date() for d in calendar.sessions_in_range(first.isoformat(), last.isoformat())]


def bars() -> list[dict[str, Any]]:
    """Bars with shocks about once in ten sessions, so that every month has alerts of every kind."""
    rows: list[dict[str, Any]] = []
    for number, (ticker, spans) in enumerate(SPANS.items()):
        random = np.random.default_rng([SEED, number])
        close = 50.0
        for first, last in spans:
            for day in sessions_between(first, last):
                shock = random.random() < 0.1
                close *= float(np.exp(random.normal(0, 0.07 if shock else 0.01)))
                volume = int(1e6 * np.exp(random.normal(1.6 if shock else 0, 0.2)))
                prices = {"open": close, "high": close * 1.01, "low": close * 0.99, "close": close, "adj_close": close}
                rows.append({"ticker": ticker, "session": day, **prices, "volume": volume, "basis": "split"})
    return rows


def trades() -> list[dict[str, Any]]:
    """One filing each; the line in the file is that of the filing, whichever others are known."""
    return [
        {
            "chamber": "house",
            "document": f"{20000000 + i}",
            "row_in_document": 1,
            "line": i + 1,
            "filer": "Ada Example" if person.startswith("A") else "Ben Sample",
            "bioguide_id": person,
            "owner": "self",
            "ticker_printed": ticker,
            "asset": f"{ticker} Corp",
            "asset_type": "stock",
            "side": "buy" if i % 2 else "sell",
            "transaction_date": traded,
            "filed_on": filed,
            "amount_low": 1001.0,
            "amount_high": 15000.0,
            "filing_status": "new",
            "url": f"https://disclosures-clerk.house.gov/{20000000 + i}.pdf",
        }
        for i, (person, ticker, traded, filed) in enumerate(TRADES)
    ]


def people() -> dict[str, list[dict[str, Any]]]:
    terms = {"chamber": "house", "state": "OR", "district": 1, "starts_on": D(2023, 1, 3), "ends_on": D(2025, 1, 3)}
    return {
        "person_facts": [
            {"bioguide_id": "A000001", "first_name": "Ada", "last_name": "Example", "other_names": []},
            {"bioguide_id": "B000002", "first_name": "Ben", "last_name": "Sample", "other_names": []},
        ],
        "term_facts": [
            {"bioguide_id": "A000001", "party": "Democrat", **terms},
            {"bioguide_id": "B000002", "party": "Republican", **terms},
        ],
        "company_facts": [
            {"ticker": t, "name": f"{t} Corp", "sector": "Energy", "sector_scheme": "gics", "as_of": D(2024, 1, 2)}
            for t in SPANS
        ],
    }


def rows(name: str, made: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Rows as a fact table, traced; what a row leaves out is null."""
    full = [{c: {**_TRACE, "line": i, **r}.get(c) for c in FACTS[name].names} for i, r in enumerate(made, 1)]
    return pa.Table.from_pylist(full, schema=FACTS[name].schema)


def options() -> dict[str, list[dict[str, Any]]]:
    """Chains and volumes of one ticker on every fourth session; every third chain does not say what the stock cost.

    Some contracts are told twice, and some days by two kinds of sources.
    """
    days = sessions_between(D(2024, 1, 2), D(2024, 4, 30))[::4]
    priced = {(b["ticker"], b["session"]): b["close"] for b in bars()}
    contracts: list[dict[str, Any]] = []
    for i, day in enumerate(days):
        close = priced["FULL", day]
        taken = {"ticker": "FULL", "session": day, "snapshot_at": _close(day), "data_type": "end_of_day"}
        for weeks in (1, 4, 9):
            for k in range(-2, 3):
                strike = round(close * (1 + 0.05 * k), 1)
                for right in ("call", "put"):
                    worth = max(0.1, (close - strike) if right == "call" else (strike - close)) + 1.0
                    contract = {"expiry": day + dt.timedelta(weeks=weeks), "right": right, "strike": strike}
                    contract |= {"last": worth, "volume": 50 + i + 10 * (k + 2), "open_interest": 100 + i}
                    contracts.append({**taken, **contract, "underlying_price": None if i % 3 == 0 else close})
        contracts += contracts[-1:] if i % 5 == 0 else []
    volumes = [{"ticker": "FULL", "session": day, "call_volume": 500, "put_volume": 400} for day in days[::3]]
    quotes = [
        {"ticker": "FULL", "session": d, "snapshot_at": _close(d), "price": 9.0, "data_type": "live"} for d in days
    ]
    earnings = [{"ticker": "FULL", "event_on": D(2024, 2, 14), "event": "earnings", "known_from": D(2024, 1, 25)}]
    return {
        "chain_facts": contracts,
        "option_volume_facts": volumes,
        "snapshot_facts": quotes,
        "company_event_facts": earnings,
        "watchlist_facts": [{"ticker": "FULL", "lists": ["user"]}],
    }


def _close(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(16), ZoneInfo("America/New_York")).astimezone(dt.UTC)


def facts() -> dict[str, pa.Table]:
    made = {"bar_facts": bars(), "disclosure_facts": trades(), **people(), **options()}
    return {name: rows(name, r) for name, r in made.items()}


class MadeSources:
    """Facts from a dictionary, through a real intake."""

    def __init__(self, folder: Path, given: Mapping[str, pa.Table]) -> None:
        self.intake = Intake(folder)
        unit = Unit("made.csv", "made", "made/rows", 1, dt.datetime(2024, 5, 1, tzinfo=dt.UTC), facts=dict(given))
        unit.rows_read = sum(t.num_rows for t in given.values())
        self.intake.write("made", unit)

    def gather(self, progress: Callable[[str], None] | None = None) -> Gathered:
        return Gathered(self.intake, ("made",))


EVIDENCE = {"shifts": 199, "worlds": 20, "resamples": 100}
FEW = {"resamples": 100, "shuffles": 99, "null_draws": 0}
ASKED = {"as_of": "2024-05-01"}  # the day after the world's last month


@dataclass
class House:
    """A store in a temporary folder, and runs of its assets in this process."""

    folder: Path
    sources: Any
    settings: Settings

    @classmethod
    def build(cls, folder: Path, given: Mapping[str, pa.Table] | None = None) -> House:
        sources = MadeSources(folder / "intake", facts() if given is None else given)
        (folder / "spill").mkdir(parents=True, exist_ok=True)
        rules = {"rankings": {"min_scored": 1}, "evidence": EVIDENCE, "backtest": FEW, "quality": ASKED}
        return cls(folder, sources, Settings(store=folder, duckdb_threads=1, **rules))  # pyright: ignore

    @property
    def lake(self) -> Lake:
        return Lake(self.settings.lake_dir)

    @property
    def defs(self) -> dg.Definitions:
        return build_defs(self.settings, {"sources": self.sources})

    def compute(self, first: str, last: str | None = None) -> None:
        """The tables of some months, without checks, Redis, and what is computed whole whatever the months.

        One month is a partition, no range.
        """
        every = [a for s in STAGES for a in s.ASSETS]
        whole = dg.AssetSelection.groups("evidence", "backtest", "signals", "highway", "reports")
        chosen = dg.AssetSelection.all(include_sources=False) - whole - dg.AssetSelection.assets(WORKING_MEMORY)
        asked: dict[str, Any] = {"selection": chosen, "resources": dict(self.defs.resources or {}), "run_config": QUIET}
        if last is None:
            asked["partition_key"] = first
        else:
            asked["tags"] = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}
        assert dg.materialize(every, **asked).success

    def everything(self, first: str, last: str) -> dg.ExecuteInProcessResult:
        """The job of the house over a range, with its checks."""
        tags = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}
        job = self.defs.resolve_job_def("everything")
        return job.execute_in_process(tags=tags, raise_on_error=False, run_config={"loggers": {"progress": {}}})

    def tables(self) -> dict[str, list[str]]:
        return tables_of(self.lake)


def tables_of(lake: Lake) -> dict[str, list[str]]:
    """Every table of the lineage, its rows in one order, written out exactly."""
    return {
        name: sorted(map(repr, lake.read(name).select(table.names).drop_columns(_OF_THE_RUN.get(name, ())).to_pylist()))
        for name, table in LAKE.items()
        if name not in _NOT_COMPARED
    }
