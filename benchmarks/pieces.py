"""The pieces of work that are measured, each run by `measure.in_child` in a process of its own.

A piece loads its inputs, is timed, and leaves what it found in a folder where that is to be compared.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks import baseline, stores
from benchmarks.inputs import Inputs, frame, inputs_of, keep, load
from benchmarks.measure import Measured, repeated
from cyberpi_assets.domain.alerts import raise_alerts
from cyberpi_assets.domain.calendar import sessions
from cyberpi_assets.domain.correlations import bars_stretches, disclosure_correlations
from cyberpi_assets.domain.timing import timing_surface
from cyberpi_assets.settings import Settings


def _alerts(x: Inputs) -> pa.Table:
    return raise_alerts(x.bars, Settings().alerts, splits=x.splits, sectors=x.companies)


def _scores(x: Inputs, alerts: pa.Table) -> pa.Table:
    rules = Settings().timing
    surface = timing_surface(alerts, x.bars, rules, Settings().alerts)
    return disclosure_correlations(x.trades, surface, alerts, bars_stretches(x.bars, rules.window_days), rules)


def alerts_ours(inputs: str, out: str, n: int) -> Measured:
    """Features, alerts and severity of all bars, from Arrow in memory."""
    x, found = inputs_of(Path(inputs)), list[pa.Table]()

    def work() -> dict[str, Any]:
        found[:] = [_alerts(x)]
        return {"bars": x.bars.num_rows, "tickers": x.companies.num_rows, "alerts": found[0].num_rows}

    measured = repeated(work, n)
    keep(found[0], Path(out) / "alerts.arrow")
    return measured


def alerts_pandas(inputs: str, out: str, rarity: Literal["column", "alerts"], n: int) -> Measured:
    """The same in pandas, from data frames in memory."""
    x = inputs_of(Path(inputs))
    bars, splits, companies, days = frame(x.bars), frame(x.splits), frame(x.companies), sessions()
    del x
    found: list[Any] = []

    def work() -> dict[str, Any]:
        found[:] = [baseline.pandas_alerts(bars, splits, companies, days, Settings().alerts, rarity)]
        return {"alerts": len(found[0])}

    measured = repeated(work, n)
    found[0].to_parquet(Path(out) / f"alerts_{rarity}.parquet")
    return measured


def scores_ours(inputs: str, out: str, n: int) -> Measured:
    """The whole surface and every trade looked up on it, with the alerts that counted, from Arrow in memory."""
    x, alerts, found = inputs_of(Path(inputs)), load(Path(out) / "alerts.arrow"), list[pa.Table]()

    def work() -> dict[str, Any]:
        found[:] = [_scores(x, alerts)]
        return {"trades": found[0].num_rows, "scored": found[0].num_rows - found[0].column("score").null_count}

    measured = repeated(work, n)
    keep(found[0], Path(out) / "scores.arrow")
    return measured


def scores_pandas(inputs: str, out: str, once: bool, sample: int) -> Measured:
    """One pandas filter per trade with a symbol and a date, on a random sample of them; compared with our scores.

    once: the alerts are made one per ticker and day before, in the time measured.
    """
    alerts = frame(load(Path(out) / "alerts.arrow").select(baseline.ALERTS))
    every = inputs_of(Path(inputs)).trades.select(["trade_id", "ticker", "transaction_date"])
    every = every.filter(pc.and_(every.column("ticker").is_valid(), every.column("transaction_date").is_valid()))
    some = np.random.default_rng(1).permutation(every.num_rows)[:sample]
    trades = every.take(pa.array(some)).to_pylist()
    found: list[tuple[float, int]] = []

    def work() -> dict[str, Any]:
        rules = Settings().timing
        score, of = baseline.pandas_score, alerts
        began = time.perf_counter()
        if once:
            score, of = baseline.pandas_score_of_days, baseline.pandas_alert_days(alerts)
        before = time.perf_counter() - began
        found[:] = [score(of, t["ticker"], t["transaction_date"], rules) for t in trades]
        return {"sample": len(trades), "of": every.num_rows, "before": before}

    measured = repeated(work, 1)
    scores = load(Path(out) / "scores.arrow").select(["trade_id", "raw_score", "n_alerts"]).to_pylist()
    ours = {s["trade_id"]: (s["raw_score"], s["n_alerts"]) for s in scores if s["raw_score"] is not None}
    compared = 0
    for trade, (raw, n_alerts) in zip(trades, found, strict=True):
        if trade["trade_id"] in ours:
            compared += 1
            if n_alerts != ours[trade["trade_id"]][1] or abs(raw - ours[trade["trade_id"]][0]) > 1e-6:
                raise AssertionError(f"{trade}: pandas {raw} of {n_alerts} alerts, ours {ours[trade['trade_id']]}")
    return Measured(measured.seconds, measured.peak_mb, measured.said | {"compared": compared})


def chain(inputs: str, copies: int, n: int) -> Measured:
    """Alerts, surface and scores in one go, on the bars and trades `copies` times over."""
    x = inputs_of(Path(inputs)).times(copies)

    def work() -> dict[str, Any]:
        alerts = _alerts(x)
        scored = _scores(x, alerts)
        return {"bars": x.bars.num_rows, "trades": scored.num_rows, "alerts": alerts.num_rows,
                "scored": scored.num_rows - scored.column("score").null_count}  # fmt: skip

    return repeated(work, n)


def demo_world(first: str, last: str, n: int) -> Measured:
    """All facts of the simulated world."""
    from cyberpi_assets.sources.demo.world import build

    def work() -> dict[str, Any]:
        facts, _ = build(Settings().demo_seed, first, last, "demo")
        return {"rows": sum(t.num_rows for t in facts.values())}

    return repeated(work, n)


PIECES: dict[str, Callable[..., Measured]] = {
    f.__name__: f
    for f in (
        alerts_ours, alerts_pandas, scores_ours, scores_pandas, chain, demo_world,
        stores.lake_alone, stores.duckdb_alone, stores.lake_writers, stores.duckdb_writers,
    )
}  # fmt: skip


def main() -> None:
    """`python -m benchmarks.pieces NAME ARGUMENTS ANSWER`: run one piece, write what was measured as JSON."""
    name, arguments, answer = sys.argv[1:]
    began = time.perf_counter()
    measured = PIECES[name](**json.loads(arguments))
    said = measured.said | {"whole_seconds": time.perf_counter() - began}
    Path(answer).write_text(json.dumps(asdict(Measured(measured.seconds, measured.peak_mb, said))))


if __name__ == "__main__":
    main()
