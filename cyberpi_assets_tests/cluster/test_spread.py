"""How a backfill is cut into runs, what the settings make of an instance, and what they refuse."""

from __future__ import annotations

import json
import os
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pytest
from click.testing import CliRunner

from cyberpi_assets.cli import main
from cyberpi_assets.definitions import build_defs
from cyberpi_assets.orchestration.cluster import GRACE_SECONDS, executor_of, sections
from cyberpi_assets.orchestration.spread import plan_spread, shares, waves_of
from cyberpi_assets.settings import Settings
from cyberpi_assets.sources.intake import Intake, Unit
from cyberpi_assets.storage.dagster_io import MONTHS_BEFORE
from cyberpi_assets_tests.graph.world import facts

MONTHS = [f"{year}-{month:02d}" for year in (2023, 2024) for month in range(1, 13)]
CELERY = {
    "CYBERPI_POSTGRES_URL": "postgresql+psycopg2://somebody:hidden@db/history",
    "CYBERPI_BROKER_URL": "redis://:hidden@broker/0",
    "CYBERPI_CLUSTER__LAUNCHER": "celery",
}


@pytest.fixture
def defs(tmp_path: Path) -> dg.Definitions:
    return build_defs(Settings(store=tmp_path))  # pyright: ignore[reportCallIssue]


def test_months_are_cut_into_ranges_that_follow_each_other() -> None:
    assert shares(MONTHS[:5], 2) == [("2023-01", "2023-02"), ("2023-03", "2023-04"), ("2023-05", "2023-05")]
    assert shares(MONTHS, None) == [(MONTHS[n], MONTHS[n + 2]) for n in range(0, 24, 3)]  # eight
    assert shares(MONTHS[:3], None) == [(m, m) for m in MONTHS[:3]]


def test_no_run_of_the_whole_house_needs_what_runs_beside_it(defs: dg.Definitions) -> None:
    """Edge by edge: a parent is in an earlier wave, or in the same run and read for the run's own months only."""
    graph = defs.resolve_asset_graph()
    assets = [a for a in graph.assets_defs if a.is_materializable]
    names = [key.path[-1] for a in assets for key in a.keys]
    planned = plan_spread(defs, names, MONTHS, None)
    wave_of = {key: n for n, wave in enumerate(planned) for part in wave for key in part.assets}
    assert set(wave_of) == {key for a in assets for key in a.keys}
    in_one_run = 0
    for asset in assets:
        reads_back = {
            key
            for name, key in asset.keys_by_input_name.items()
            if asset.node_def.input_dict[name or ""].metadata.get(MONTHS_BEFORE)
        }
        for key in asset.keys:
            for parent in set(asset.dependency_keys) - set(asset.keys):
                if wave_of[parent] == wave_of[key]:
                    runs = [part for part in planned[wave_of[key]] if key in part.assets]
                    assert all(parent in part.assets and part.months for part in runs)
                    assert parent not in reads_back
                    in_one_run += 1
                else:
                    assert wave_of[parent] < wave_of[key]
    assert in_one_run
    checked = {check for wave in planned for part in wave for check in part.checks}
    assert checked == set(graph.asset_check_keys)


def test_the_steps_for_a_gpu_go_to_its_workers_and_each_month_is_computed_once(defs: dg.Definitions) -> None:
    planned = plan_spread(defs, ["threat_analyses", "daily_bars", "companies"], MONTHS, 5)
    parts = [part for wave in planned for part in wave if part.assets]
    assert {part.queue for part in parts if dg.AssetKey("threat_analyses") in part.assets} == {"gpu"}
    assert {part.queue for part in parts if dg.AssetKey("threat_analyses") not in part.assets} == {None}
    spans = sorted(part.months for part in parts if dg.AssetKey("daily_bars") in part.assets and part.months)
    assert [m for first, last in spans for m in MONTHS if first <= m <= last] == MONTHS
    assert [part.months for part in parts if dg.AssetKey("companies") in part.assets] == [None]
    with pytest.raises(KeyError, match="no_such_table"):
        plan_spread(defs, ["no_such_table"], MONTHS, 5)


def test_an_asset_that_is_left_out_still_parts_what_needs_it() -> None:
    """a -> b -> c where b is not computed: c may not be beside a, from whose rows b was made."""
    months = dg.MonthlyPartitionsDefinition("2024-01-01")

    @dg.asset(partitions_def=months)
    def a() -> pa.Table: ...  # pyright: ignore[reportReturnType]

    @dg.asset(partitions_def=months, ins={"a": dg.AssetIn(metadata={MONTHS_BEFORE: -1})})
    def b(a: pa.Table) -> pa.Table: ...  # pyright: ignore[reportReturnType]

    @dg.asset(partitions_def=months)
    def c(b: pa.Table) -> pa.Table: ...  # pyright: ignore[reportReturnType]

    found = waves_of([c, b, a], frozenset({a.key, c.key}))
    assert [[next(iter(x.keys)) for x in wave] for wave in found] == [[a.key], [c.key]]


def test_one_machine_has_no_section_of_a_cluster() -> None:
    settings = Settings()  # pyright: ignore[reportCallIssue]
    assert sections(settings) == {}
    assert executor_of(settings) is dg.in_process_executor


def test_a_cluster_is_configured_by_variables_and_no_secret_is_written_down(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = {"CYBERPI_S3_KEY": "hidden", "CYBERPI_S3_SECRET": "hidden", "CYBERPI_CLUSTER__EXECUTOR": "celery"}
    for name, value in {**CELERY, **secret, "CYBERPI_LAKE_URL": "s3://bucket/lake"}.items():
        monkeypatch.setenv(name, value)
    settings = Settings()  # pyright: ignore[reportCallIssue]
    found = sections(settings)
    assert "hidden" not in json.dumps(found) + json.dumps(settings.as_environment()) + repr(settings)
    config = found["run_launcher"]["config"]
    assert config["broker"] == {"env": "CYBERPI_BROKER_URL"}
    celery = config["config_source"]
    assert celery["task_acks_late"] is True
    assert celery["task_reject_on_worker_lost"] is True
    # a message is handed out again only when its run must have ended
    longest = settings.cluster.longest_run_seconds
    assert celery["broker_transport_options"]["visibility_timeout"] == longest + GRACE_SECONDS
    assert found["run_monitoring"]["max_runtime_seconds"] == longest
    assert executor_of(settings).name == "celery"
    for name, value in settings.as_environment().items():  # what a process gets that is started with them
        monkeypatch.setenv(name, value)
    assert Settings() == settings  # pyright: ignore[reportCallIssue]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"CYBERPI_CLUSTER__LAUNCHER": "celery"}, "CYBERPI_BROKER_URL"),
        ({"CYBERPI_CLUSTER__LAUNCHER": "k8s"}, "CYBERPI_POSTGRES_URL"),
        (CELERY | {"CYBERPI_POSTGRES_URL": "postgresql://u:hidden@db/x"}, "psycopg2"),
        (CELERY | {"CYBERPI_CLUSTER__EXECUTOR": "k8s"}, "CYBERPI_CLUSTER__LAUNCHER=k8s"),
        ({"CYBERPI_S3_SECRET": "hidden"}, "come together"),
        ({"CYBERPI_LAKE_URL": "s3://key:hidden@bucket/lake"}, "lake_url"),
    ],
)
def test_what_cannot_work_is_refused_in_words_without_secrets(
    given: dict[str, str], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match=words) as found:
        Settings()  # pyright: ignore[reportCallIssue]
    assert "hidden" not in str(found.value)


def test_the_command_says_what_it_would_launch_and_wants_workers(tmp_path: Path) -> None:
    env = {**os.environ, "CYBERPI_STORE": str(tmp_path)}
    asked = ["spread", "--from", "2024-01", "--to", "2024-06", "--assets", "daily_bars,market_alerts"]
    told = CliRunner().invoke(main, [*asked, "--months-per-run", "3", "--dry-run"], env=env)
    assert told.exit_code == 0, told.output
    lines = [line.split() for line in told.stdout.splitlines()]
    assert ["1:2024-04", "2024-04", "to", "2024-06", "daily_bars"] in lines
    assert ["2:2024-01", "2024-01", "to", "2024-03", "market_alerts"] in lines
    refused = CliRunner().invoke(main, asked, env=env)
    assert refused.exit_code == 2
    assert "CYBERPI_CLUSTER__LAUNCHER=celery" in refused.output
    wrong = CliRunner().invoke(main, [*asked[:4], "2023-06", "--dry-run"], env=env)
    assert wrong.exit_code == 2


def test_who_reads_a_source_second_leaves_the_rows_of_the_first(tmp_path: Path) -> None:
    def read() -> None:
        import datetime as dt

        given = facts()
        unit = Unit("made.csv", "made", "made/rows", 1, dt.datetime(2024, 5, 1, tzinfo=dt.UTC), facts=dict(given))
        Intake(tmp_path).write("made", unit)

    read()
    first = (tmp_path / "made" / "bar_facts.parquet").stat()
    read()
    second = (tmp_path / "made" / "bar_facts.parquet").stat()
    assert (first.st_ino, first.st_mtime_ns) == (second.st_ino, second.st_mtime_ns)
    assert [p.name for p in tmp_path.iterdir()] == ["made"]
