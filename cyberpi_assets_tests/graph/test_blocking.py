"""A check that blocks keeps everything downstream from running; one that does not is a warning."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from cyberpi_assets.storage import redis_server
from cyberpi_assets_tests.graph.world import House, facts

pytestmark = pytest.mark.xdist_group("ranges")

FIRST, LAST = "2024-01", "2024-02"


def changed(name: str, column: str, row: int, value: object) -> dict[str, pa.Table]:
    """The facts with one value replaced, as a source that lies would hand them over."""
    given = facts()
    data = given[name]
    values = data.column(column).to_pylist()
    values[row] = value
    at = data.schema.get_field_index(column)
    given[name] = data.set_column(at, data.schema.field(column), pa.array(values, data.schema.field(column).type))
    return given


def materialised(result: dg.ExecuteInProcessResult) -> set[str]:
    events = result.get_asset_materialization_events()
    return {e.asset_key.to_user_string() for e in events if e.asset_key is not None}


def verdicts(house: House) -> dict[str, Mapping[str, Any]]:
    """What the run found, without its months one by one."""
    found = house.lake.read("check_results").to_pylist()
    return {f"{r['asset']}.{r['check_name']}": r for r in found if "month" not in json.loads(r["detail"])}


@pytest.fixture
def stopped(tmp_path: Path):
    yield
    redis_server.stop(tmp_path / "redis")


def test_a_negative_price_stops_everything_that_rests_on_bars(tmp_path: Path, stopped: None) -> None:
    bars = facts()["bar_facts"]
    january = pc.index(bars.column("session"), pa.scalar(dt.date(2024, 1, 9))).as_py()
    house = House.build(tmp_path, changed("bar_facts", "close", january, -1.0))
    result = house.everything(FIRST, LAST)
    assert not result.success
    done = materialised(result)
    assert {"daily_bars", "officials", "companies", "disclosed_trades"} <= done
    assert not done & {
        "market_alerts",
        "timing_surface",
        "disclosure_correlations",
        "official_rankings",
        "top_traded_tickers",
        "timing_report",
        "published_warehouse",
    }
    failed = verdicts(house)["daily_bars.prices_on_sessions"]
    assert (failed["passed"], failed["severity"]) == (False, "ERROR")
    assert (failed["partition_from"], failed["partition_to"]) == (FIRST, LAST)
    assert json.loads(failed["detail"]) == {"on_closed_days": 0, "without_positive_price": 1}
    assert house.lake.read("market_alerts").num_rows == 0


class Losing:
    """Sources whose second look shows fewer rows than the first: somewhere rows get lost."""

    def __init__(self, house: House) -> None:
        self.inner, self.house = house.sources, house

    def gather(self, progress: Any = None) -> Any:
        gathered = self.inner.gather(progress)
        if self.house.lake.version("disclosed_trades") >= 1:
            return gathered
        return Fewer(gathered)


class Fewer:
    def __init__(self, gathered: Any) -> None:
        self.gathered = gathered

    def __getattr__(self, name: str) -> Any:
        return getattr(self.gathered, name)

    def facts(self, name: str, where: str = "true") -> pa.Table:
        found = self.gathered.facts(name, where)
        return found.slice(1) if name == "disclosure_facts" else found


def test_lost_rows_are_a_warning_and_the_run_goes_through(tmp_path: Path, stopped: None) -> None:
    house = House.build(tmp_path)
    house.sources = Losing(house)
    result = house.everything("2023-07", "2024-04")
    assert result.success
    lost = verdicts(house)["quarantined_rows.read_is_accepted_plus_put_aside"]
    assert (lost["passed"], lost["severity"]) == (False, "WARN")
    assert "all disclosures" in lost["detail"]
    others = [r for n, r in verdicts(house).items() if "read_is_accepted" not in n]
    assert len(others) >= 30
    assert all(r["passed"] for r in others), [n for n, r in verdicts(house).items() if not r["passed"]]
    assert "published_warehouse" in materialised(result)
    assert verdicts(house)["working_memory.hot_copy_is_of_the_lake"]["passed"]
