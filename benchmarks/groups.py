"""The groups of measurements, one table each, and their targets.

A group measures its pieces through `measure.py`, checks that ours and the baseline found the same, and makes rows.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from benchmarks import folder
from benchmarks.baseline import ALERTS
from benchmarks.inputs import frame, from_lake, load
from benchmarks.measure import Measured, command_tree, in_child
from benchmarks.report import Group, Row, Target
from cyberpi_assets.storage import redis_server
from cyberpi_assets.storage.lake import Lake

_KEY = ["ticker", "session", "alert_type"]


@dataclass(frozen=True)
class Sizes:
    """How much is measured; a test measures less."""

    repetitions: int = 3
    sample: int = 3_000  # trades scored one by one
    copies: int = 10
    lake_rows: int = 1_000_000
    writers: int = 8
    rows_per_writer: int = 250_000
    highway: tuple[int, int, int] = (100_000, 20, 5)  # items, kills of workers, kills of Redis
    cluster_years: tuple[int, ...] = (2019, 2020, 2021, 2022, 2023)  # that two workers compute


class Bench:
    """One run: the data, a scratch folder, and what groups share."""

    def __init__(self, data: Path | None, scratch: Path, sizes: Sizes, lake: Path | None = None) -> None:
        """data: a folder of bulk files, None for a simulated one; lake: a finished one, to measure on without a run."""
        self.scratch, self.sizes, self._data, self._lake = scratch, sizes, data, lake

    @cached_property
    def data(self) -> Path:
        """The folder that the graph reads: links of the one given, so that a month can be added."""
        if self._data is not None:
            return folder.link(self._data, self.scratch / "data")
        return folder.simulated(self.scratch / "data", 20230103, "2012-01", "2025-12", 10, 3)

    @property
    def store(self) -> Path:
        """Where runs over `data` keep everything."""
        return self.scratch / "store"

    def run(self, store: Path, *words: str, **settings: str) -> Measured:
        """`cyberpi run` as a person starts it; bytecode of the libraries is kept between runs, as it normally is."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith("CYBERPI_") and k != "PYTHONDONTWRITEBYTECODE"}
        env = kept | {"CYBERPI_STORE": str(store)} | {f"CYBERPI_{k.upper()}": v for k, v in settings.items()}
        return command_tree([sys.executable, "-m", "cyberpi_assets.cli", "run", *words], env=env)

    @cached_property
    def first_run(self) -> Measured:
        """The spine of the graph, from files to scores, rankings and reports, over an empty store."""
        self.data.exists()
        self.run(self.scratch / "warm", profile="demo")  # libraries read from disk and compiled once
        return self.run(self.store, "--quick", profile="files", data=str(self.data))

    @cached_property
    def lake(self) -> Lake:
        """The finished lake that evidence and returns are measured on."""
        if self._lake is None:
            _ = self.first_run
        return Lake(self._lake or self.store / "lake")

    @cached_property
    def inputs(self) -> Path:
        """Bars, splits, companies and trades as Arrow files."""
        if self._lake is None:
            _ = self.first_run
        out = self.scratch / "inputs"
        from_lake(self._lake or self.store / "lake").keep(out)
        return out

    @cached_property
    def alerts(self) -> Measured:
        """Our alerts, kept in the scratch folder for the scores."""
        arguments = {"inputs": str(self.inputs), "out": str(self.scratch), "n": self.sizes.repetitions}
        return in_child("alerts_ours", arguments)

    def close(self) -> None:
        """Stop the servers that runs have started."""
        for store in (self.store, self.scratch / "warm"):
            if (store / "redis").exists():
                redis_server.stop(store / "redis")


def same_alerts(ours: pd.DataFrame, theirs: pd.DataFrame) -> int:
    """How many alerts both have found. Raises AssertionError where sets, severities or doubts differ."""
    both = ours[ALERTS].merge(theirs[ALERTS], on=_KEY, how="outer", suffixes=("", "_theirs"), indicator=True)
    apart = both[both["_merge"] != "both"]
    if len(apart):
        raise AssertionError(f"{len(apart)} alerts in one of the two only:\n{apart.head()}")
    unequal = (both["severity"].fillna(0) != both["severity_theirs"].fillna(0)) | (
        both["suspect_data"].astype(bool) != both["suspect_data_theirs"].astype(bool)
    )
    if unequal.any():
        raise AssertionError(f"{unequal.sum()} alerts of another severity:\n{both[unequal].head()}")
    return len(both)


def alerts(bench: Bench) -> Group:
    """Features, alerts and severity against pandas."""
    ours, found = bench.alerts, frame(load(bench.scratch / "alerts.arrow"))
    rows, same, peak = list[Row](), 0, 0.0
    kinds = {
        "column": ("rarity of every bar", Target(ratio=1 / 5, peak_mb=2_500)),
        "alerts": ("of alerts alone", Target()),
    }
    for rarity, (words, target) in kinds.items():
        arguments = {"inputs": str(bench.inputs), "out": str(bench.scratch), "rarity": rarity}
        theirs = in_child("alerts_pandas", arguments | {"n": bench.sizes.repetitions})
        same = same_alerts(found, pd.read_parquet(bench.scratch / f"alerts_{rarity}.parquet"))
        work = f"features, alerts, severity of {ours.said['bars']:,} bars; baseline: {words}"
        rows.append(Row(work, ours.seconds, ours.peak_mb, theirs.seconds, target))
        peak = max(peak, theirs.peak_mb)
    return Group(
        "alerts",
        "Market alerts",
        [
            "baseline: vectorised pandas and NumPy (`benchmarks/baseline.py`): groupby, rolling mean, std and median, "
            "and sliding windows for the rarity, of all bars as a column or, sparingly, of those that raise an alert; "
            f"it leaves out ids, reasons and details, which ours has; its peak is {peak:,.0f} MB",
            f"all three found the same {same:,} alerts with the same severities (asserted in the run)",
            f"best of {bench.sizes.repetitions}; bars in memory, as Arrow for ours, as a data frame for the baseline",
        ],
        rows,
    )


def scores(bench: Bench) -> Group:
    """Timing scores against one filter per trade."""
    _ = bench.alerts
    shared = {"inputs": str(bench.inputs), "out": str(bench.scratch)}
    ours = in_child("scores_ours", shared | {"n": bench.sizes.repetitions})
    rows, said = list[Row](), ""
    kinds = {False: ("a filter per trade", Target(ratio=1 / 100)), True: ("of alert days made once", Target())}
    for once, (words, target) in kinds.items():
        theirs = in_child("scores_pandas", shared | {"once": once, "sample": bench.sizes.sample})
        before, sample, of = theirs.said["before"], theirs.said["sample"], theirs.said["of"]
        seconds = before + (theirs.seconds - before) * of / sample
        work = f"timing scores of {ours.said['trades']:,} trades; baseline: {words}"
        rows.append(Row(work, ours.seconds, ours.peak_mb, seconds, target))
        said = f"a random sample of {sample:,} of the {of:,} trades with a symbol and a date, scaled to all of these"
        if not theirs.said["compared"]:
            raise AssertionError("no trade of the sample has a score of ours to compare with")
    return Group(
        "scores",
        "Timing scores",
        [
            f"baseline: one pandas filter over the alerts per trade, measured on {said}; each score that ours gives in "
            "the sample is equal (asserted in the run); in the second row alerts are collapsed to days once before",
            f"ours: the surface of all tickers and days, all trades looked up on it ({ours.said['scored']:,} scored, "
            "the others with their reason), and the alerts that counted",
        ],
        rows,
    )


def scale(bench: Bench) -> Group:
    """Ten times the bars and trades against ourselves."""
    copies, n = bench.sizes.copies, min(2, bench.sizes.repetitions)
    once = in_child("chain", {"inputs": str(bench.inputs), "copies": 1, "n": n})
    more = in_child("chain", {"inputs": str(bench.inputs), "copies": copies, "n": n})
    for name in ("bars", "trades", "scored"):
        if more.said[name] != once.said[name] * copies:
            raise AssertionError(f"{name}: {more.said[name]:,} for {once.said[name]:,} times {copies}")
    work = f"alerts, surface, scores, {copies}x: {more.said['bars']:,} bars, {more.said['trades']:,} trades"
    target = Target(ratio=1.2 * copies, peak_mb=6_000)
    return Group(
        "scale",
        "Growth",
        [
            f"baseline: our own 1x in the same run, peak {once.peak_mb:,.0f} MB; best of {n} for both; "
            "tickers are replicated under other names, splits, sectors and trades with them",
        ],
        [Row(work, more.seconds, more.peak_mb, once.seconds, target)],
    )


def graph(bench: Bench) -> Group:
    """`cyberpi run` over bulk files: first, again, and with one month more."""
    from cyberpi_assets.orchestration.partitions import MONTHS

    first = bench.first_run
    settings = {"profile": "files", "data": str(bench.data)}
    weighed = bench.run(bench.store, **settings)
    again = bench.run(bench.store, **settings)
    month = folder.next_month(bench.store / "lake", bench.data, MONTHS.get_partition_keys()[-1])
    later = bench.run(bench.store, "--quick", **settings)
    whole = bench.run(bench.store, **settings)
    if "nothing changed" not in again.said["output"] or f"changed since {month}" not in later.said["output"]:
        raise AssertionError("the runs did not compute what they should have:\n" + later.said["output"][-2000:])
    return Group(
        "graph",
        "The whole graph, `cyberpi run` with profile files",
        [
            "wall time of the command, measured once; peak of the process and its descendants; "
            "libraries are warm (a demo run before); `--quick` leaves evidence and returns to the next run without it: "
            "they look at all months, so they are computed whole",
        ],
        [
            Row(
                "empty store to reports, --quick",
                first.seconds,
                first.peak_mb,
                target=Target(seconds=90, peak_mb=5_000),
            ),
            Row("then evidence and returns", weighed.seconds, weighed.peak_mb, target=Target(peak_mb=5_000)),
            Row("again, nothing changed", again.seconds, again.peak_mb, target=Target(seconds=15)),
            Row(
                f"again, with bars and trades of {month}, --quick",
                later.seconds,
                later.peak_mb,
                target=Target(seconds=15),
            ),
            Row("then evidence and returns", whole.seconds, whole.peak_mb),
        ],
    )


def demo(bench: Bench) -> Group:
    """The simulated world, and the graph over it."""
    world = in_child("demo_world", {"first": "2023-01", "last": "2025-12", "n": bench.sizes.repetitions})
    bench.run(bench.scratch / "warm", profile="demo")
    run = bench.run(bench.scratch / "demo", profile="demo")
    redis_server.stop(bench.scratch / "demo" / "redis")
    return Group(
        "demo",
        "The simulated world",
        ["`cyberpi run` with profile demo over an empty store, measured once, libraries warm"],
        [
            Row(f"generation, {world.said['rows']:,} facts", world.seconds, world.peak_mb, target=Target(seconds=5)),
            Row("empty store to reports", run.seconds, run.peak_mb),
        ],
    )


def lake(bench: Bench) -> Group:
    """The lake against a plain DuckDB file."""
    s, rows = bench.sizes, list[Row]()
    for step in ("write", "overwrite", "read"):
        arguments = {"folder": str(bench.scratch), "step": step, "rows": s.lake_rows, "n": s.repetitions}
        ours, theirs = in_child("lake_alone", arguments), in_child("duckdb_alone", arguments)
        rows.append(Row(f"{step} {s.lake_rows:,} rows of 4 months", ours.seconds, ours.peak_mb, theirs.seconds))
    arguments = {"folder": str(bench.scratch), "rows": s.rows_per_writer, "writers": s.writers}
    ours, theirs = in_child("lake_writers", arguments), in_child("duckdb_writers", arguments)
    work = f"{s.writers} writers at once, {s.rows_per_writer:,} rows of a month each"
    rows.append(Row(work, ours.seconds, ours.peak_mb, theirs.seconds))
    return Group(
        "lake",
        "The lake",
        [
            "baseline: one DuckDB file; delete the months and insert the rows in a transaction; a locked file is tried "
            "again after 0.1 s, then twice as long each time, at most 10 s",
            "writers: from the first one's start to the last one's end, rows in memory; no row may be missing; "
            "measured once; peak of all processes together",
        ],
        rows,
    )


def evidence(bench: Bench) -> Group:
    """Nulls and calendar shifts."""
    from benchmarks import evidence as pieces

    inputs = pieces.Inputs(bench.lake.read("timing_surface"), bench.lake.read("market_alerts"))
    return Group(
        "evidence",
        "Evidence",
        ["invented trades on the surface of the data; the baselines are measured on a sample and scaled; one process"],
        pieces.run(inputs),
    )


def returns(bench: Bench) -> Group:
    """Abnormal returns against statsmodels."""
    from benchmarks import returns as pieces

    lake = bench.lake
    inputs = pieces.Inputs(lake.read("daily_bars"), lake.read("disclosed_trades"), lake.read("companies"), "SPY")
    return Group(
        "returns",
        "Returns",
        ["baseline: statsmodels, one regression per trade and anchor, on a sample and scaled; one process"],
        pieces.run(inputs),
    )


def options(bench: Bench) -> Group:
    """Option flow and threat scores against pandas, where the lake has chains; volatilities against a solver."""
    from benchmarks import options as pieces

    lake = bench.lake
    names = ("option_chains", "option_volumes", "daily_bars", "corporate_actions", "companies")
    inputs = pieces.Inputs(*(lake.read(name) for name in names))
    rows = pieces.run(inputs) if inputs.chains.num_rows else pieces.solver()
    return Group(
        "options",
        "Options",
        [
            "baseline of the first row: a pandas loop over snapshots, on some tickers, scaled by contracts; it leaves "
            "out peers, percentiles, averages of other tables, words and reasons, which ours has; figures that both "
            "have are equal (asserted in the run)",
            "baseline of the last rows: a root finder per contract, on a sample, scaled; results are equal (asserted)",
            "best of 3 for ours, once for the baselines; one process",
        ],
        rows,
    )


def highway(bench: Bench) -> Group:
    """Threat items through Redis into a store, on real servers and processes, also while they are killed."""
    from benchmarks import highway as pieces

    n, worker_kills, redis_kills = bench.sizes.highway
    return Group(
        "highway",
        "Highway",
        [
            "once each; items of some 300 bytes; lexical vectors in a DuckDB file that both workers share",
            "peak is that of the measuring process, not of Redis and the workers",
        ],
        pieces.run(bench.scratch / "highway", n, worker_kills, redis_kills),
    )


def filings(bench: Bench) -> Group:
    """Official documents, where the folder has them: House PDFs against pdfplumber, Senate pages."""
    from benchmarks import house as pieces

    reports, pages = (bench.data / "filings" / part for part in ("house/ptr_pdfs", "senate/efd_ptr_html.tar.gz"))
    rows = [*(pieces.house(reports) if reports.is_dir() else []), *(pieces.senate(pages) if pages.is_file() else [])]
    return Group(
        "filings",
        "Official documents",
        [
            "baseline: `extract_tables` of pdfplumber and a pattern for rows, on a sample of the same documents; it "
            "keeps fewer fields and no count of its own; best of 3 for ours, once for the baseline"
            if rows
            else "the folder holds no official documents: nothing was measured"
        ],
        rows,
    )


def news(bench: Bench) -> Group:
    """Relevance, companies, stories and threat items of headlines, where the folder has them."""
    from benchmarks import news as pieces

    folder = bench.data
    there = (folder / "market" / "news.parquet").is_file() and (folder / "reference" / "tickers.parquet").is_file()
    targets = {1: Target(ratio=1.0, seconds=30.0, peak_mb=2_000.0)}
    rows = [
        Row(work, seconds, peak, loop, targets.get(i, Target()))
        for i, (work, seconds, loop, peak) in enumerate(pieces.run(folder) if there else [])
    ]
    return Group(
        "news",
        "News",
        ["once each; the loop knows no word boundaries, denials, companies or duplicates"]
        if there
        else ["the folder holds no headlines: nothing was measured"],
        rows,
    )


def orchestration(bench: Bench) -> Group:
    """A backfill of all months against plain calls of the same functions."""
    from benchmarks import orchestration as pieces
    from cyberpi_assets.orchestration.partitions import MONTHS

    every = MONTHS.get_partition_keys()
    rows, notes = pieces.run(bench.data, bench.scratch, every[0], every[-1])
    return Group("orchestration", "Orchestration", notes, rows)


def cluster(bench: Bench) -> Group:
    """A backfill on two workers against one, where Postgres and Redis are installed."""
    from benchmarks import cluster as pieces
    from benchmarks.servers import NoServer

    months = [f"{year}-{month:02d}" for year in bench.sizes.cluster_years for month in range(1, 13)]
    try:
        rows, notes = pieces.run(bench.data, bench.scratch / "cluster", months, 5)
    except NoServer as error:
        rows, notes = [], [f"{error}: nothing was measured"]
    return Group("cluster", "Cluster", notes, rows)


GROUPS: dict[str, Callable[[Bench], Group]] = {
    g.__name__: g
    for g in (
        alerts,
        scores,
        scale,
        graph,
        demo,
        lake,
        evidence,
        returns,
        options,
        highway,
        news,
        filings,
        orchestration,
        cluster,
    )
}
