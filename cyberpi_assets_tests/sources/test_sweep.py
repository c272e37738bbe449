"""Sweeps as they are kept: resumed after a kill, closed when too old, whole tables, units of the intake, plans."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow.parquet as pq
import pytest

from cyberpi_assets.rules.asking import IbkrRules, MarketRules, YahooRules
from cyberpi_assets.sources.intake import Gathered, Intake
from cyberpi_assets.sources.live.sweeps import SweepPart
from cyberpi_assets.sources.providers.answers import Answer, Unreachable
from cyberpi_assets.sources.providers.plan import daily_bars, plan_sweep
from cyberpi_assets.sources.providers.store import begin, sweeps
from cyberpi_assets.sources.providers.sweep import Swept, fires_by, run_sweep
from cyberpi_assets.tables import CHAIN_FACTS, GAP_FACTS, SNAPSHOT_FACTS

AT = dt.datetime(2026, 7, 14, 15, 30, tzinfo=dt.UTC)
RULES = MarketRules()  # pyright: ignore[reportCallIssue]
NAMES = [f"N{n}" for n in range(6)]


class Scripted:
    """A provider that gives one quote and one contract a name, and may die or disappear on the way."""

    name = "scripted"

    def __init__(self, dies_at: str | None = None, gone_at: str | None = None, late: tuple[str, ...] = ()) -> None:
        self.dies_at, self.gone_at, self.late = dies_at, gone_at, set(late)
        self.asked: list[str] = []

    async def __aenter__(self) -> Scripted:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    async def quotes(self, tickers: Sequence[str], at: dt.datetime) -> AsyncIterator[Answer]:
        for ticker in tickers:
            self.asked.append(ticker)
            if ticker == self.dies_at:
                os.kill(os.getpid(), signal.SIGKILL)
            if ticker == self.gone_at:
                raise Unreachable("nobody listens")
            answer = Answer(ticker)
            if ticker in self.late:
                self.late.discard(ticker)
                answer.gap("quote", at, "busy", "503", retryable=True)
            else:
                session, puts = at.date(), 30 if ticker == "N1" else 1
                answer.add(
                    "snapshot_facts", ticker=ticker, snapshot_at=at, session=session, price=10.0,
                    call_volume=10, put_volume=puts, average_option_volume=100.0, data_type="live",
                )  # fmt: skip
            yield answer

    async def chain(self, ticker: str, at: dt.datetime) -> Answer:
        self.asked.append(f"{ticker} chain")
        answer = Answer(ticker)
        answer.add(
            "chain_facts", ticker=ticker, snapshot_at=at, session=at.date(), expiry=dt.date(2026, 7, 17),
            right="put", strike=9.5, volume=None, data_type="live",
        )  # fmt: skip
        return answer

    async def bars(self, tickers: Sequence[str], first: dt.date, last: dt.date) -> AsyncIterator[Answer]:
        for ticker in tickers:
            yield Answer(ticker)


def swept(root: Path, provider: Scripted, mode: Any = "fired", at: dt.datetime = AT) -> Swept:
    return run_sweep(provider, NAMES, root, RULES, mode=mode, now=lambda: at)


def test_a_killed_sweep_goes_on_without_asking_again_for_what_is_there(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from cyberpi_assets_tests.sources.test_sweep import Scripted, swept\n"
        "swept(Path(sys.argv[1]), Scripted(dies_at='N4'))\n"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=Path(__file__).parents[2], check=False)
    assert killed.returncode == -signal.SIGKILL
    (left,) = sweeps(tmp_path)
    assert not left.finished
    provider = Scripted()
    done = swept(tmp_path, provider, at=AT + dt.timedelta(minutes=20))
    assert provider.asked == ["N4", "N5", "N1 chain"]
    assert done.sweep.id == left.id
    assert (done.quoted, done.chained, done.missing) == (6, 1, ())
    moments = {r["ticker"]: r["snapshot_at"] for r in done.sweep.table("snapshot_facts").to_pylist()}
    assert (moments["N3"], moments["N4"]) == (AT, AT + dt.timedelta(minutes=20))  # each says when it was asked for


def test_a_sweep_that_was_killed_too_long_ago_is_closed_and_a_new_one_begun(tmp_path: Path) -> None:
    old = begin(tmp_path, "scripted", "fired", NAMES, AT - dt.timedelta(hours=2))
    answer = Answer("N0")
    answer.gap("quote", AT, "unknown", "200", retryable=False)
    old.keep(answer, "quote")
    provider = Scripted()
    done = swept(tmp_path, provider)
    assert provider.asked[: len(NAMES)] == NAMES
    assert old.finished
    gaps = {g["subject"]: g["reason"] for g in old.table("gap_facts").to_pylist()}
    assert set(gaps) == set(NAMES)
    assert gaps["N0"] == "unknown"
    assert "killed" in gaps["N1"]
    assert done.sweep.id != old.id


def test_what_failed_for_no_lasting_reason_is_asked_for_again_in_the_same_sweep(tmp_path: Path) -> None:
    provider = Scripted(late=("N2",))
    done = swept(tmp_path, provider, "quotes")
    assert provider.asked == [*NAMES, "N2"]
    assert (done.quoted, done.sweep.table("gap_facts").num_rows) == (6, 0)


def test_a_provider_that_disappears_leaves_gaps_for_quotes_and_wanted_chains(tmp_path: Path) -> None:
    done = swept(tmp_path, Scripted(gone_at="N3"))
    assert (done.quoted, done.missing, done.stopped) == (3, ("N3", "N4", "N5"), "nobody listens")
    gaps = [(g["subject"], g["kind"], g["retryable"]) for g in done.sweep.table("gap_facts").to_pylist()]
    assert sorted(gaps) == [
        ("N1", "chain", True), ("N3", "quote", True), ("N4", "quote", True), ("N5", "quote", True),
    ]  # fmt: skip


def test_tables_of_a_sweep_have_the_columns_of_the_facts_and_become_units_once(tmp_path: Path) -> None:
    done = swept(tmp_path / "sweeps", Scripted())
    for table in (SNAPSHOT_FACTS, CHAIN_FACTS):
        path = done.sweep.folder / "whole" / f"{table.name}.parquet"
        assert pq.read_schema(path).names == table.names
    assert not (done.sweep.folder / "parts").exists()
    begin(tmp_path / "sweeps", "scripted", "fired", NAMES, AT + dt.timedelta(hours=9))  # goes on still: no unit
    intake, said = Intake(tmp_path / "intake"), list[str]()
    part = SweepPart(tmp_path / "sweeps")
    units = part.collect(intake, said.append)
    assert part.collect(intake, said.append) == units
    assert said == [f"sweeps/{done.sweep.id}"]
    found = Gathered(intake, tuple(units))
    (contract,) = found.facts("chain_facts").to_pylist()
    assert (contract["ticker"], contract["volume"], contract["source"]) == ("N1", None, "scripted")
    assert contract["file"] == f"sweeps/{done.sweep.id}/N1.chain"
    (file,) = found.files().to_pylist()
    assert (file["rows_read"], file["accepted"], file["quarantined"]) == (7, 7, 0)


@pytest.mark.parametrize(
    ("puts", "calls", "usual", "fires"),
    [
        (150, 100, 10_000.0, True),  # ratio 1.5
        (149, 100, 10_000.0, False),
        (149, 100, None, None),  # the average is unknown, and it alone could fire
        (100, 100, 100.0, True),  # twice the average
        (99, 100, 100.0, False),
        (5, 0, None, True),  # puts and no call
        (0, 0, None, None),
        (None, 100, 100.0, None),
    ],
)
def test_a_name_fires_by_its_ratio_or_its_volume_and_unknown_is_not_calm(
    puts: int | None, calls: int | None, usual: float | None, fires: bool | None
) -> None:
    row = {"put_volume": puts, "call_volume": calls, "average_option_volume": usual}
    assert fires_by(RULES)(row) is fires


def test_a_plan_counts_requests_and_the_time_that_pacing_takes() -> None:
    rules = MarketRules(  # pyright: ignore[reportCallIssue]
        yahoo=YahooRules(per_second=1.0, quotes_per_request=50, expiries=6),  # pyright: ignore[reportCallIssue]
        ibkr=IbkrRules(messages_per_second=45, lines=100, quiet_seconds=2.0, expiries=5, contracts=600),  # pyright: ignore[reportCallIssue]
    )
    plan = plan_sweep(tuple(f"T{n}" for n in range(55)), rules, "yahoo", firing=6)
    paths = {p.name: p for p in plan.paths}
    # cookie, crumb, two lots of quotes; six expiries a name; one a second, the first at once
    assert (paths["yahoo quotes"].requests, paths["yahoo quotes"].seconds) == (4, 3.0)
    assert (paths["yahoo chains"].requests, paths["yahoo chains"].seconds) == (334, 333.0)
    # three messages to connect and three a name, 9 every 0.225 s, that is 40 a second
    assert (paths["ibkr cheap"].requests, paths["ibkr cheap"].seconds) == (168, pytest.approx(4.2))
    assert paths["ibkr cheap"].most_lines == 55
    # and 6 x (3 + 3 x 600) messages
    assert paths["ibkr fired"].requests == 168 + 6 * 1803
    assert paths["ibkr fired"].seconds == pytest.approx(4.2 + 6 * 1803 / 40)
    assert paths["ibkr full"].requests == 168 + 55 * 1803
    # 57 requests of Yahoo's; IBKR's 60 historical requests are enough for 55 names, and 61 names take ten minutes
    assert (paths["daily bars"].requests, paths["daily bars"].seconds) == (57, 56.0)
    by_ibkr = [daily_bars(n, rules, "ibkr").seconds for n in (55, 60, 61, 121)]
    assert by_ibkr == [pytest.approx((3 + 110) / 40), pytest.approx((3 + 120) / 40), 600.0, 1200.0]
    assert all(p.requests == 0 for p in plan_sweep((), rules, "yahoo").paths)


def test_an_answer_is_kept_whole_or_not_at_all(tmp_path: Path) -> None:
    sweep = begin(tmp_path, "scripted", "fired", ["../A"], AT)
    answer = Answer("../A")
    answer.add("snapshot_facts", ticker="../A", snapshot_at=AT, session=AT.date(), data_type=None)
    with pytest.raises(ValueError, match="data_type"):
        sweep.keep(answer, "quote")
    assert not sweep.has("../A", "quote")
    assert [p.name for p in sweep.folder.rglob("*.parquet")] == []
    fine = Answer("../A")
    fine.gap("quote", AT, "no symbol", "symbol", retryable=False)
    sweep.keep(fine, "quote")
    assert [p.parent.name for p in sweep.folder.rglob("*.parquet")] == ["..%2FA.quote"]
    sweep.finish()
    assert sweep.table("gap_facts").schema.names == GAP_FACTS.names
