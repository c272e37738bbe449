"""A backfill: in few runs, each month once, gone on with after a kill; from the web interface one run per asset set."""

from __future__ import annotations

import logging
import signal
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cyberpi_assets.definitions import build_defs, everything_job
from cyberpi_assets.orchestration.backfilling import NoSuchAsset, Part, Record, backfill, chosen, parts, unfinished
from cyberpi_assets.orchestration.instance import opened
from cyberpi_assets.orchestration.partitions import MONTHS, RANGE_FROM, RANGE_TO
from cyberpi_assets.settings import Settings
from cyberpi_assets.storage.lake import Lake
from cyberpi_assets.tables import LAKE
from cyberpi_assets_tests.e2e.terminal import Terminal, environment
from cyberpi_assets_tests.graph.test_plan import write_bars
from cyberpi_assets_tests.graph.world import tables_of

EVERY = MONTHS.get_partition_keys()
YEARS = [m for m in EVERY if "2012-01" <= m <= "2025-08"]


@pytest.fixture(scope="module")
def defs(tmp_path_factory: pytest.TempPathFactory) -> dg.Definitions:
    return build_defs(Settings(store=tmp_path_factory.mktemp("nothing")))  # pyright: ignore[reportCallIssue]


# ------------------------------------------------------------------------------------------------------------- the plan


def covered(runs: Iterable[Part]) -> list[str]:
    return [m for part in runs if part.by_month for m in EVERY if part.first <= m <= part.last]


def test_twelve_years_are_few_runs_each_asset_after_what_it_rests_on(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    every = chosen(defs, "everything", ())
    runs = parts(defs, every, YEARS, (), 48)
    assert [(p.first, p.last, p.by_month) for p in runs] == [
        ("2012-01", "2015-12", True),
        ("2016-01", "2019-12", True),
        ("2020-01", "2023-12", True),
        ("2024-01", "2025-08", True),
        ("2012-01", "2025-08", False),
    ]
    assert {name for part in runs for name in part.assets} == set(every)
    made: set[str] = set()
    for part in runs:
        for name in part.assets:
            above = {k.to_user_string() for k in graph.get(dg.AssetKey(name)).parent_keys}
            assert above <= made | {name}, (part.first, name)
            made.add(name)
    whole = [n for n in every if not LAKE[n].partitioned] if set(every) <= set(LAKE) else []
    assert all(sum(n in p.assets for p in runs) == 1 for n in whole)  # what has no months is computed once
    assert parts(defs, every, ["2024-03"], (), 48) == [Part("2024-03", "2024-03", every, by_month=True)]


@settings(max_examples=40, deadline=None)
@given(st.sets(st.sampled_from(YEARS)), st.integers(1, 200))
def test_whatever_is_done_the_rest_is_computed_once(defs: dg.Definitions, done: set[str], per_run: int) -> None:
    assets = ("daily_bars", "market_alerts", "official_timeliness")
    runs = parts(defs, assets, YEARS, done, per_run)
    assert covered(runs) == [m for m in YEARS if m not in done]
    assert all(len(covered([p])) <= per_run for p in runs if p.by_month)
    assert "official_timeliness" in runs[-1].assets


def test_assets_are_named_alone_with_what_follows_or_by_group(defs: dg.Definitions) -> None:
    assert chosen(defs, "everything", ("timing_surface", "daily_bars")) == ("daily_bars", "timing_surface")
    below = chosen(defs, "everything", ("timing_surface+",))
    assert below[0] == "timing_surface"
    assert {"disclosure_correlations", "pattern_report"} <= set(below)
    assert "daily_bars" not in below
    assert {"threat_scores", "threat_indicators"} <= set(chosen(defs, "everything", ("threat_scores",)))  # one step
    assert "official_evidence" not in chosen(defs, "spine", ())
    assert set(chosen(defs, "everything", ("group:correlations",))) == {"timing_surface", "disclosure_correlations"}
    for wrong in ("nosuch", "group:nosuch", "nosuch+"):
        with pytest.raises(NoSuchAsset, match="nosuch"):
            chosen(defs, "everything", (wrong,))


# --------------------------------------------------------------------------------------------------- what is remembered


def state(**facts: dict[str, str]) -> dict[str, Any]:
    return {"rules": "r", "facts": {"bar_facts": {}, "company_facts": {}, **facts}, "files": "f", "through": EVERY[-1]}


def test_months_before_the_first_change_stay_done(tmp_path: Path) -> None:
    store = Settings(store=tmp_path)  # pyright: ignore[reportCallIssue]
    lake, months = Lake(store.lake_dir), ["2024-01", "2024-02", "2024-03"]
    lake.write("daily_bars", LAKE["daily_bars"].empty(), months)
    record = Record(store, months, ["daily_bars"], all_assets=False)
    then = state(bar_facts={"2024-01": "a", "2024-02": "b"}, company_facts={"": "x"})
    assert record.done(then) == (set(), None)
    record.keep(then, months[:2])
    assert record.done(then) == ({"2024-01", "2024-02"}, None)
    changed = state(bar_facts={"2024-01": "a", "2024-02": "B"}, company_facts={"": "x"})
    assert record.done(changed)[0] == {"2024-01"}
    assert record.done(then | {"rules": "other"}) == (set(), "code, rules or source changed")
    assert record.done(state(bar_facts=then["facts"]["bar_facts"], company_facts={"": "y"}))[0] == set()
    (line,) = unfinished(store)
    assert line == "2 of 3 months done: cyberpi backfill --from 2024-01 --to 2024-03 --assets daily_bars"
    assert Record(store, months[:2], ["daily_bars"], all_assets=False).done(then)[0] == set()  # another backfill
    next((tmp_path / "backfills").iterdir()).write_text("{half")
    assert (record.done(then), unfinished(store)) == ((set(), None), [])
    record.keep(then, months[:2])
    lake_gone = Settings(store=tmp_path / "else")  # pyright: ignore[reportCallIssue]
    Record(lake_gone, months, ["daily_bars"], all_assets=False).keep(then, months)
    assert Record(lake_gone, months, ["daily_bars"], all_assets=False).done(then)[0] == set()
    record.forget()
    assert unfinished(store) == []


ASSETS = ("corporate_actions", "daily_bars", "market_alerts", "quarantined_rows")  # before, by month, after


def test_a_backfill_that_was_killed_goes_on_and_gives_the_tables_of_one_run(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    write_bars(data)
    cyberpi = Terminal(tmp_path / "store", {"CYBERPI_PROFILE": "files", "CYBERPI_DATA": str(data)})
    words = ("--from", "2024-01", "--to", "2024-03", "--assets", ",".join(ASSETS), "--months-per-run", "2")
    killed = cyberpi.start("backfill", *words)
    assert killed.stderr is not None
    for line in killed.stderr:
        if line.startswith("run 2 of 3"):
            killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert killed.returncode == -signal.SIGKILL
    for name, value in environment(tmp_path / "store", **cyberpi.more).items():
        if name.startswith("CYBERPI_"):
            monkeypatch.setenv(name, value)
    store, months = Settings(), ["2024-01", "2024-02", "2024-03"]  # pyright: ignore[reportCallIssue]
    (left,) = unfinished(store)
    assert left.startswith(
        "2 of 3 months done: cyberpi backfill --from 2024-01 --to 2024-03 --assets corporate_actions"
    )
    definitions = build_defs(store)
    done = backfill(store, everything_job, definitions, chosen(definitions, "everything", ASSETS), months,
                    all_assets=False, per_run=2)  # fmt: skip
    assert (done.success, done.runs, done.months) == (True, 2, 3)
    said = capfd.readouterr().err
    assert "backfill of 3 months, 2 of them done before, in 2 runs" in said
    assert "run 1 of 2: 2024-03 to 2024-03" in said
    assert "  3 of 3 months" in said
    assert unfinished(store) == []

    undisturbed = Settings(store=tmp_path / "other")  # pyright: ignore[reportCallIssue]
    (tmp_path / "other" / "spill").mkdir(parents=True)
    job = build_defs(undisturbed).resolve_job_def("everything")
    tags = {RANGE_FROM: "2024-01", RANGE_TO: "2024-03"}
    keys = [dg.AssetKey(name) for name in ASSETS]
    assert job.execute_in_process(tags=tags, asset_selection=keys, run_config={"loggers": {"progress": {}}}).success
    ours, theirs = tables_of(Lake(store.lake_dir)), tables_of(Lake(undisturbed.lake_dir))
    assert {n: ours[n] for n in ASSETS} == {n: theirs[n] for n in ASSETS}
    stored = Lake(store.lake_dir).read("daily_bars").column("month").to_pylist()
    assert sorted(set(stored)) == months  # no month that nobody asked for
    assert len(stored) > 50


# ----------------------------------------------------------------------------------------------- from the web interface

LAUNCH = """mutation ($p: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $p) {
    __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }"""


def test_a_backfill_of_twelve_years_from_the_web_interface_is_one_run_per_asset_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Launched by the interface's own mutation; the daemon's own step makes the runs, which are then queued."""
    from dagster._core.remote_origin import InProcessCodeLocationOrigin
    from dagster._core.test_utils import InProcessTestWorkspaceLoadTarget
    from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
    from dagster._core.workspace.context import WorkspaceProcessContext
    from dagster._daemon.backfill import execute_backfill_iteration
    from dagster_graphql.test.utils import execute_dagster_graphql

    monkeypatch.setenv("CYBERPI_STORE", str(tmp_path))
    spine = ["daily_bars", "market_alerts", "timing_surface", "disclosed_trades", "disclosure_correlations"]
    place = LoadableTargetOrigin(
        executable_path=sys.executable, module_name="cyberpi_assets.definitions", attribute="defs"
    )
    target = InProcessTestWorkspaceLoadTarget(InProcessCodeLocationOrigin(place, location_name="cyberpi"))
    repository = {"repositoryLocationName": "cyberpi", "repositoryName": "__repository__"}
    with opened(Settings()) as instance, WorkspaceProcessContext(instance, target) as context:  # pyright: ignore
        request = context.create_request_context()
        wanted: list[dict[str, Any]] = [
            {"assetSelection": [{"path": [name]} for name in spine]},
            {"selector": {"partitionSetName": "disclosures_partition_set", "repositorySelector": repository}},
        ]
        ids: list[str] = []
        for what in wanted:
            answer = execute_dagster_graphql(request, LAUNCH, {"p": {**what, "partitionNames": YEARS}})
            ids.append(answer.data["launchPartitionBackfill"]["backfillId"])
        assert [e for e in execute_backfill_iteration(context, logging.getLogger("test")) if e] == []
        by_backfill = {run.tags["dagster/backfill"]: run for run in instance.get_runs()}
        assert len(instance.get_runs()) == 2
    for run in by_backfill.values():
        assert (run.tags[RANGE_FROM], run.tags[RANGE_TO]) == (YEARS[0], YEARS[-1])
        assert run.status is dg.DagsterRunStatus.QUEUED
    assert {k.to_user_string() for k in by_backfill[ids[0]].asset_selection or ()} == set(spine)
    assert by_backfill[ids[1]].job_name == "disclosures"
