"""Which months are older than what they rest on: by hand, against a slow rule, along the real lineage."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cyberpi_assets.definitions import build_defs
from cyberpi_assets.orchestration.restated import Behind, Edge, behind, command, in_words, lineage
from cyberpi_assets.settings import Settings
from cyberpi_assets.storage.dagster_io import ALL_MONTHS
from cyberpi_assets.storage.lake import Lake
from cyberpi_assets.tables import LAKE

M = ("2024-01", "2024-02", "2024-03", "2024-04")
BARS, ALERTS, SURFACE, FLOW, RANKS = "bars", "alerts", "surface", "flow", "ranks"
ORDER = [BARS, ALERTS, FLOW, SURFACE, RANKS]
EDGES = [Edge(BARS, ALERTS, ALL_MONTHS), Edge(ALERTS, SURFACE, 1), Edge(BARS, FLOW), Edge(SURFACE, RANKS)]
BY_MONTH = frozenset({BARS, ALERTS, SURFACE, FLOW})


def world(**changed: dict[str, int]) -> dict[str, dict[str, int]]:
    """All written by one run, in order; then what is said to have been written again."""
    whole = {name: dict.fromkeys(M if name in BY_MONTH else ("",), 100 + i) for i, name in enumerate(ORDER)}
    return {name: {**months, **changed.get(name, {})} for name, months in whole.items()}


def months(found: list[Behind]) -> dict[str, tuple[str, ...]]:
    return {b.asset: b.months for b in found}


def test_after_a_run_of_everything_nothing_is_behind() -> None:
    assert behind(world(), ORDER, EDGES, BY_MONTH) == []


def test_a_restated_month_makes_older_what_looks_at_it_and_what_looks_at_that() -> None:
    found = behind(world(bars={"2024-02": 500}), ORDER, EDGES, BY_MONTH)
    assert months(found) == {ALERTS: M[1:], FLOW: ("2024-02",), SURFACE: M[1:], RANKS: ()}
    assert {b.asset: (b.because, b.since) for b in found} == {
        ALERTS: (BARS, "2024-02"), FLOW: (BARS, "2024-02"), SURFACE: (ALERTS, "2024-02"), RANKS: (SURFACE, "2024-02"),
    }  # fmt: skip
    assert command(found) == "cyberpi backfill --from 2024-02 --to 2024-04 --assets alerts,flow,surface,ranks"


def test_the_backfill_that_is_offered_leaves_nothing_behind() -> None:
    again = dict.fromkeys(M[1:], 600)
    done = world(bars={"2024-02": 500}, alerts=again, flow=again, surface=again, ranks={"": 601})
    assert behind(done, ORDER, EDGES, BY_MONTH) == []


def test_a_new_month_makes_no_earlier_one_older_and_a_short_look_back_ends() -> None:
    newest = {"2024-04": 500}
    assert months(behind(world(bars=newest, alerts=newest, flow=newest), ORDER, EDGES, BY_MONTH)) == {
        SURFACE: ("2024-04",), RANKS: (),
    }  # fmt: skip
    found = behind(world(alerts={"2024-01": 500}), ORDER, EDGES, BY_MONTH)
    assert months(found) == {SURFACE: ("2024-01", "2024-02"), RANKS: ()}


def test_a_table_nobody_wrote_is_not_there_and_a_month_without_rows_is_behind_what_came_after_all() -> None:
    written = world(bars={"2024-02": 500})
    del written[FLOW]["2024-02"], written[ALERTS]["2024-03"]
    written[SURFACE] = {}
    found = months(behind(written, ORDER, EDGES, BY_MONTH))
    assert found == {ALERTS: ("2024-02", "2024-04"), FLOW: ("2024-02",)}
    assert behind({}, ORDER, EDGES, BY_MONTH) == []
    assert in_words([]) == []


@settings(max_examples=60, deadline=None)
@given(st.fixed_dictionaries({name: st.fixed_dictionaries({m: st.integers(1, 9) for m in M}) for name in BY_MONTH}))
def test_as_a_slow_rule_has_it(written: dict[str, dict[str, int]]) -> None:
    """A month ought to show the newest change of whatever it can see, through any number of tables."""

    def newest(name: str, month: str) -> int:
        seen = [written[name][month]]
        for edge in EDGES:
            if edge.downstream == name:
                at = M.index(month)
                first = 0 if edge.before == ALL_MONTHS else max(0, at - edge.before)
                seen += [newest(edge.upstream, m) for m in M[first : at + 1]]
        return max(seen)

    slow = {n: tuple(m for m in M if newest(n, m) > written[n][m]) for n in ORDER if n in BY_MONTH}
    assert months(behind(written, ORDER, EDGES, BY_MONTH)) == {n: m for n, m in slow.items() if m}


@pytest.fixture(scope="module")
def defs(tmp_path_factory: pytest.TempPathFactory) -> dg.Definitions:
    return build_defs(Settings(store=tmp_path_factory.mktemp("nothing")))  # pyright: ignore[reportCallIssue]


def test_the_real_lineage_says_how_far_each_asset_looks_back(defs: dg.Definitions) -> None:
    order, edges = lineage(defs)
    place = {name: i for i, name in enumerate(order)}
    assert all(place[e.upstream] < place[e.downstream] for e in edges)
    windows = {(e.upstream, e.downstream): e.before for e in edges}
    assert windows["daily_bars", "market_alerts"] == ALL_MONTHS
    assert windows["option_chains", "option_flow"] == 2
    assert windows["market_snapshots", "option_flow"] == 1
    assert windows["option_flow", "threat_scores"] == windows["option_flow", "threat_indicators"] == 7
    assert windows["market_alerts", "timing_surface"] == 2
    assert windows["disclosed_trades", "disclosure_correlations"] == 0


def test_the_log_of_a_lake_says_when_each_month_was_written(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    table = LAKE["market_alerts"]
    assert lake.written("market_alerts") == {}
    lake.write("market_alerts", table.empty(), ["2024-01"])
    assert lake.written("market_alerts") == {}  # a month without rows has no file
    rows = [{"table_name": "x", "rows": 1, "version": 1}]
    lake.write("published_warehouse", pa.Table.from_pylist(rows, schema=LAKE["published_warehouse"].schema))
    first = lake.written("published_warehouse")
    assert list(first) == [""]
    lake.write("published_warehouse", pa.Table.from_pylist(rows, schema=LAKE["published_warehouse"].schema))
    assert lake.written("published_warehouse")[""] >= first[""] > 1_600_000_000_000
