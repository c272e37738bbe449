"""docs/orchestration.md names every job, schedule, sensor and limit that there is, and addresses that Apprise knows."""

from __future__ import annotations

import re
from pathlib import Path

import dagster as dg
import duckdb
import pytest
from pydantic import SecretStr

from cyberpi_assets.definitions import build_defs
from cyberpi_assets.orchestration.retrying import AWAY
from cyberpi_assets.reports.files import write_patterns
from cyberpi_assets.rules.running import ConcurrencyRules, NotifyRules
from cyberpi_assets.settings import Settings
from cyberpi_assets.storage.messages import unknown

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "orchestration.md").read_text()
_INTERNAL = {"__ASSET_JOB", "default_automation_condition_sensor"}


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> dg.RepositoryDefinition:
    return build_defs(Settings(store=tmp_path_factory.mktemp("nothing"))).get_repository_def()  # pyright: ignore


def rows(heading: str) -> set[str]:
    """The first cells of the table under a heading."""
    part = PAGE.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return set(re.findall(r"^\| `([a-z_]+)` \|", part, re.MULTILINE))


def test_every_job_schedule_and_sensor_is_described(repository: dg.RepositoryDefinition) -> None:
    assert rows("Schedules") == {s.name for s in repository.schedule_defs}
    assert rows("Sensors") == {s.name for s in repository.sensor_defs} - _INTERNAL
    assert rows("Jobs") == {j.name for j in repository.get_all_jobs()} - _INTERNAL


def test_the_addresses_shown_are_ones_that_apprise_knows() -> None:
    shown = re.findall(r"[`\" ]((?:mailtos?|twilio|vonage|slack|workflows|tgram|ntfys?|jsons?)://[^`\" ]+)", PAGE)
    assert len(shown) >= 10
    assert unknown([SecretStr(url) for url in shown]) == []
    assert unknown([SecretStr("nosuch://x")]) == [1]


def test_the_defaults_are_those_of_the_settings() -> None:
    notify, limits = NotifyRules(), ConcurrencyRules()  # pyright: ignore[reportCallIssue]
    assert f"`CYBERPI_NOTIFY__TRIES` ({notify.tries})" in PAGE
    assert f"`CYBERPI_NOTIFY__MOST` ({notify.most})" in PAGE
    assert f"| runs that Dagster launches | {limits.runs} |" in PAGE
    assert f"| of these, runs of backfills | {limits.backfills} |" in PAGE
    assert set(limits.pools.values()) == {1}
    assert all(f"`{pool}`" in PAGE for pool in limits.pools)
    assert AWAY.max_retries == 2
    assert [AWAY.calculate_delay(n) for n in (1, 2)] == [1.0, 3.0]


def test_a_copy_of_a_report_is_named_after_a_week_or_month_and_nothing_else(tmp_path: Path) -> None:
    rules = Settings(store=tmp_path).rankings  # pyright: ignore[reportCallIssue]
    for period in ("../../x", "2026-W291", "week", "2026-07-14"):
        with pytest.raises(ValueError, match="is no week and no month"):
            write_patterns(duckdb.connect(), tmp_path, tmp_path, rules, period)
    assert list(tmp_path.iterdir()) == []
