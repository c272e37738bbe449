"""Results of checks as rows: a ranged run reports each month, in few appends, and the report comes last in its run."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from cyberpi_assets.assets.market import corporate_actions, daily_bars
from cyberpi_assets.assets.reference import source_files
from cyberpi_assets.assets.reports import check_report
from cyberpi_assets.checks import CHECKS
from cyberpi_assets.checks.catalogue import declared
from cyberpi_assets.checks.recorded import Subject, Verdict, rows_of
from cyberpi_assets.checks.shape import shape_of
from cyberpi_assets.domain.quality.verdict import Part
from cyberpi_assets.orchestration.check_log import LONGEST_SECONDS, CheckLog
from cyberpi_assets.orchestration.check_reports import check_reports
from cyberpi_assets.orchestration.partitions import RANGE_FROM, RANGE_TO
from cyberpi_assets.storage.lake import Lake
from cyberpi_assets.tables import DAILY_BARS
from cyberpi_assets_tests.graph.test_blocking import changed
from cyberpi_assets_tests.graph.world import QUIET, House, facts

CHOSEN = [source_files, corporate_actions, daily_bars]
OF_BARS = [c for c in CHECKS if any(k.asset_key in daily_bars.keys for k in c.check_keys)]
NOW = dt.datetime(2024, 5, 1, tzinfo=dt.UTC)


def run(house: House, first: str, last: str, *more: Any) -> dg.ExecuteInProcessResult:
    return dg.materialize(
        [*CHOSEN, *OF_BARS, *more],
        resources=dict(house.defs.resources or {}),
        tags={RANGE_FROM: first, RANGE_TO: last},
        run_config=QUIET,
        raise_on_error=False,
    )


def rows(house: House, name: str) -> dict[tuple[str, str, bool], tuple[bool, dict[str, Any]]]:
    """Results of one check of bars by first month, last month, and whether the row tells of one month."""
    found = [r for r in house.lake.read("check_results").to_pylist() if r["check_name"] == name]
    said = {(r["partition_from"], r["partition_to"], "month" in json.loads(r["detail"])): r for r in found}
    assert len(said) == len(found)
    return {key: (r["passed"], json.loads(r["detail"])) for key, r in said.items()}


@pytest.fixture(scope="module")
def lied_to(tmp_path_factory: pytest.TempPathFactory) -> tuple[House, dg.ExecuteInProcessResult]:
    """Bars of four months, one price of February below zero, with the report in the same run."""
    dates = facts()["bar_facts"].column("session").to_pylist()
    given = changed("bar_facts", "close", dates.index(dt.date(2024, 2, 7)), -1.0)
    house = House.build(tmp_path_factory.mktemp("house"), given)
    return house, run(house, "2024-01", "2024-04", check_report)


def test_a_ranged_run_has_a_row_for_each_month_and_its_own(lied_to: Any) -> None:
    house, done = lied_to
    assert not done.success
    found = rows(house, "prices_on_sessions")
    own = {("2024-01", "2024-04", False): (False, {"on_closed_days": 0, "without_positive_price": 1})}
    bad = {"2024-01": 0, "2024-02": 1, "2024-03": 0, "2024-04": 0}
    told = {m: {"month": m, "on_closed_days": 0, "without_positive_price": n} for m, n in bad.items()}
    assert found == own | {(m, m, True): (not bad[m], detail) for m, detail in told.items()}
    assert {k[:2] for k in rows(house, "fresh_by_data_date")} == {("2024-01", "2024-04")}


def test_results_of_a_run_are_stored_in_few_appends(lied_to: Any) -> None:
    """The failure at once, the report's question, and the end of the run; a check each would be as many as checks."""
    house, _ = lied_to
    assert house.lake.read("check_results").num_rows > 20
    assert house.lake.version("check_results") <= 3


def test_the_report_comes_after_every_check_of_its_run_and_also_where_one_blocks(lied_to: Any) -> None:
    house, done = lied_to
    order = [e.step_key for e in done.all_events if e.event_type is dg.DagsterEventType.STEP_START]
    others = [k for k in order if "check_report" not in (k or "")]
    assert order[: len(others)] == others, "a step came after the report"
    assert order[len(others)] == "check_report"
    body = json.loads((house.settings.reports_dir / "check_report.json").read_text())
    told = {(c["asset"], c["check"]): c for c in body["checks"]}
    lied = told["daily_bars", "prices_on_sessions"]
    assert (lied["result"], lied["months_failing"], lied["run_id"]) == ("failed", ["2024-02"], done.run_id)
    assert {n for (a, n), c in told.items() if a == "daily_bars" and c["result"] == "no result"} == set()
    assert told["filings", "parsed_means_counted"]["result"] == "no result"
    (made,) = [e for e in done.get_asset_materialization_events() if e.asset_key == dg.AssetKey("check_report")]
    metadata = made.step_materialization_data.materialization.metadata
    assert "daily\\_bars: prices on sessions" in str(metadata["report"].value)
    assert metadata["failed"].value == 1
    assert {p.suffix for p in house.settings.reports_dir.iterdir()} == {".txt", ".json", ".md", ".html", ".csv"}


def test_a_month_has_the_same_row_whichever_months_a_run_is_over(lied_to: Any) -> None:
    house, _ = lied_to
    ranged = {k[0]: v for k, v in rows(house, "columns_keys_and_dates").items() if k[2]}
    alone = shape_of(Subject(house.lake, house.sources, house.settings, ("2024-02", "2024-02")), DAILY_BARS)
    own, month = rows_of("daily_bars", "x", dg.AssetCheckSeverity.ERROR, ("2024-02", "2024-02"), alone, NOW, "run")
    assert (own["partition_from"], own["partition_to"]) == (month["partition_from"], month["partition_to"])
    assert (month["passed"], json.loads(month["detail"])) == ranged["2024-02"]
    days = house.lake.read("daily_bars").column("session").to_pylist()
    assert ranged["2024-02"][1]["rows"] == sum(f"{d:%Y-%m}" == "2024-02" for d in days)
    assert json.loads(own["detail"])["rows"] == len(days)


def test_a_run_over_no_months_tells_of_all_that_a_check_knows_and_a_month_with_nothing_to_check_is_told() -> None:
    verdict = Verdict(True, {}, {"2024-02": Part(True, {"n": 1})})
    of_none = rows_of("a", "x", dg.AssetCheckSeverity.WARN, None, verdict, NOW, "run")
    assert [(r["partition_from"], r["partition_to"]) for r in of_none] == [("all", "all"), ("2024-02", "2024-02")]
    of_some = rows_of("a", "x", dg.AssetCheckSeverity.WARN, ("2024-01", "2024-02"), verdict, NOW, "run")
    assert [json.loads(r["detail"]) for r in of_some] == [{}, {"month": "2024-01"}, {"month": "2024-02", "n": 1}]


def test_the_log_stores_a_failure_at_once_and_passes_together(tmp_path: Path) -> None:
    lake, clock = Lake(tmp_path), [0.0]
    log = CheckLog(lake, lambda: clock[0])

    def add(passed: bool) -> int:
        log.add(rows_of("a", "x", dg.AssetCheckSeverity.WARN, None, Verdict(passed, {}), NOW, "run"))
        return lake.size("check_results").rows

    assert [add(True), add(True), add(False), add(True)] == [0, 0, 3, 3]
    clock[0] = LONGEST_SECONDS
    assert add(True) == 5
    log.store()
    assert lake.version("check_results") == 2  # created, and two appends
    before = lake.read("check_results").to_pylist()
    log.close(most_files=2)
    assert lake.size("check_results").files == 2
    log.close(most_files=1)
    assert lake.size("check_results").files == 1
    assert sorted(map(str, lake.read("check_results").to_pylist())) == sorted(map(str, before))


def test_the_sensor_asks_for_a_report_once_results_are_newer_and_nothing_is_going_on(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    sensor, instance = check_reports(lake), dg.DagsterInstance.ephemeral()

    def asked() -> dg.RunRequest | dg.SkipReason:
        found: Any = sensor(dg.build_sensor_context(instance=instance))
        return found

    def found_at(moment: dt.datetime, asset: str = "daily_bars") -> None:
        CheckLog(lake, lambda: 0.0).add(
            rows_of(asset, "x", dg.AssetCheckSeverity.WARN, None, Verdict(False, {}), moment, "run")
        )

    assert isinstance(asked(), dg.SkipReason)
    found_at(dt.datetime.now(dt.UTC) - dt.timedelta(hours=1))
    first, second = asked(), asked()
    assert isinstance(first, dg.RunRequest)
    assert first == second, "the same results have the same run key: one run"
    instance.report_runless_asset_event(dg.AssetMaterialization("check_report"))
    found_at(dt.datetime.now(dt.UTC) + dt.timedelta(hours=1), "check_report")  # its own check follows it, always
    assert isinstance(asked(), dg.SkipReason)
    found_at(dt.datetime.now(dt.UTC) + dt.timedelta(hours=1))
    assert isinstance(asked(), dg.RunRequest)
    instance.create_run_for_job(house_job(), status=dg.DagsterRunStatus.STARTED)
    assert isinstance(asked(), dg.SkipReason)


def house_job() -> dg.JobDefinition:
    @dg.job
    def anything() -> None: ...

    return anything


def test_the_catalogue_names_every_check_of_the_graph_in_the_order_of_the_lineage(tmp_path: Path) -> None:
    graph = House.build(tmp_path).defs.resolve_asset_graph()
    told = [(c.asset, c.name) for c in declared()]
    assert set(told) == {(k.asset_key.to_user_string(), k.name) for k in graph.asset_check_keys}
    assert len(set(told)) == len(told)
    stages = [c.stage for c in declared()]
    assert list(dict.fromkeys(stages))[:2] == ["reference", "market"]
    assert len(dict.fromkeys(stages)) == sum(a != b for a, b in zip(stages, [None, *stages], strict=False))


def test_every_check_is_in_the_documentation() -> None:
    said = (Path(__file__).resolve().parents[2] / "docs" / "checks.md").read_text()
    assert {c.name for c in declared() if f"`{c.name}`" not in said} == set()
