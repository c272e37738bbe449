"""One answer per month however launched: a range run equals the union of its single runs."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from cyberpi_assets.tables import LAKE
from cyberpi_assets_tests.graph.world import MONTHS, D, House, MadeSources, bars, facts, rows, trades

pytestmark = pytest.mark.xdist_group("ranges")

OTHERS = [m for m in MONTHS if m != "2024-03"]


@pytest.fixture(scope="module")
def ranged(tmp_path_factory: pytest.TempPathFactory) -> House:
    """The whole range in one run."""
    house = House.build(tmp_path_factory.mktemp("ranged"))
    house.compute("2023-07", MONTHS[-1])
    return house


@pytest.fixture(scope="module")
def single(tmp_path_factory: pytest.TempPathFactory) -> House:
    """The past in one run, then month by month."""
    house = House.build(tmp_path_factory.mktemp("single"))
    house.compute("2023-07", "2023-12")
    for month in MONTHS:
        house.compute(month)
    return house


def differences(one: dict[str, list[str]], other: dict[str, list[str]]) -> dict[str, list[str]]:
    return {name: sorted(set(rows) ^ set(other[name]))[:6] for name, rows in one.items() if rows != other[name]}


def test_the_world_has_what_the_comparison_is_about(ranged: House) -> None:
    """Alerts of several types in every month, scores, and each reason for none."""
    alerts = ranged.lake.read("market_alerts").to_pylist()
    assert {a["month"] for a in alerts} >= set(MONTHS)
    assert len({a["alert_type"] for a in alerts}) >= 3
    correlations = ranged.lake.read("disclosure_correlations").to_pylist()
    assert len(correlations) == 14
    assert sum(c["score"] is not None and c["n_alerts"] > 0 for c in correlations) >= 3
    assert len({c["reason"] for c in correlations}) >= 5


def test_a_range_run_equals_the_union_of_its_single_runs(ranged: House, single: House) -> None:
    assert differences(ranged.tables(), single.tables()) == {}


def test_a_month_computed_again_writes_that_month_alone_and_changes_nothing(single: House) -> None:
    lake, before = single.lake, single.tables()
    others = {name: lake.files(name, OTHERS) for name, table in LAKE.items() if table.partitioned}
    single.compute("2024-03")
    assert {name: lake.files(name, OTHERS) for name in others} == others
    assert differences(before, single.tables()) == {}


def test_months_in_reverse_order_give_the_same_tables(single: House) -> None:
    before = single.tables()
    for month in ("2024-04", "2024-02"):
        single.compute(month)
    assert differences(before, single.tables()) == {}


def known_by_march() -> dict[str, pa.Table]:
    """The world as it was known before April, with a price of March that was later corrected."""
    given = facts()
    made = [r for r in bars() if r["session"] <= D(2024, 3, 28)]
    wrong = next(r for r in made if r["ticker"] == "FULL" and r["session"] == D(2024, 3, 12))
    wrong["close"] *= 1.3
    given["bar_facts"] = rows("bar_facts", made)
    filed = [t for t in trades() if (t["filed_on"] or t["transaction_date"]) <= D(2024, 3, 31)]
    given["disclosure_facts"] = rows("disclosure_facts", filed)
    return given


def test_computing_again_from_the_first_month_that_changed_is_enough(ranged: House, tmp_path: Path) -> None:
    house = House.build(tmp_path, known_by_march())
    house.compute("2023-07", "2024-03")
    house.sources = MadeSources(tmp_path / "intake", facts())
    house.compute("2024-03", "2024-04")
    assert differences(ranged.tables(), house.tables()) == {}


def test_a_late_filing_reaches_the_alerts_of_its_old_trade_date(single: House) -> None:
    late = [c for c in single.lake.read("disclosure_correlations").to_pylist() if c["filing_id"] == "house:20000002"]
    assert [(c["month"], str(c["transaction_date"])) for c in late] == [("2024-04", "2024-01-23")]
    assert late[0]["score"] is not None
    assert late[0]["alert_ids"]
    assert all("2023-12-24" <= a.split(":")[1] < "2024-01-23" for a in late[0]["alert_ids"])
