"""Redis away when a run begins, and gone in its middle: the run says so, the lake stays, the next run publishes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from pydantic import SecretStr

from cyberpi_assets.settings import Settings
from cyberpi_assets.storage import redis_server
from cyberpi_assets.storage.lake import Lake
from cyberpi_assets_tests.domain import rows
from cyberpi_assets_tests.domain.test_working_memory import COMPANIES, INDICATORS, UNH
from cyberpi_assets_tests.highway.test_publication import item, items
from cyberpi_assets_tests.survival.line import line
from cyberpi_assets_tests.survival.world import materialise

PUBLISHED = ("working_memory", "threat_highway")
MEMBER = "financial_UNH_20251104_1623"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[redis_server.Server]:
    folder = tmp_path_factory.mktemp("redis")
    yield redis_server.ensure(folder)
    redis_server.stop(folder)


@pytest.fixture
def lake(tmp_path: Path, server: redis_server.Server) -> Lake:
    """A lake that holds what is to be published, and a server that holds nothing."""
    server.client().flushall()
    made = Lake(Settings(store=tmp_path).lake_dir)  # pyright: ignore[reportCallIssue]
    made.create()
    made.write("threat_scores", rows.frame("threat_scores", [UNH]), ["2025-11"])
    made.write("threat_indicators", INDICATORS, ["2025-11"])
    made.write("companies", COMPANIES)
    at = dt.datetime(2025, 3, 10, 12, tzinfo=dt.UTC)
    dated = {"published_date": at, "available_at": at, "published_on": at.date(), "month": "2025-03"}
    made.write("intelligence_items", items(item(1, **dated), item(2, **dated)), ["2025-03"])
    return made


def _through(tmp_path: Path, server: redis_server.Server, port: int) -> Settings:
    url = SecretStr(f"redis://:{server.password}@127.0.0.1:{port}/0")
    return Settings(store=tmp_path, redis_url=url)  # pyright: ignore[reportCallIssue]


def _said(result: dg.ExecuteInProcessResult) -> dict[str, str]:
    """What each failed step says, at its first try and at those after it."""
    said: dict[str, str] = {}
    for event in result.all_events:
        error = event.step_failure_data.error if event.is_step_failure else None
        if event.is_step_up_for_retry:
            error = event.step_retry_data.error
        if error is not None:
            said[str(event.step_key)] = said.get(str(event.step_key), "") + str(error)
    return said


@pytest.mark.parametrize("cut_at", [None, b"threat:parsed:"], ids=["down at the start", "down in the middle"])
def test_a_run_without_redis_says_so_and_the_next_one_publishes_what_the_lake_holds(
    tmp_path: Path, lake: Lake, server: redis_server.Server, cut_at: bytes | None
) -> None:
    before = {name: lake.version(name) for name in lake.tables}
    with line(server.port, cut_at) as to_server:
        if cut_at is None:
            to_server.cut()
        broken = materialise(_through(tmp_path, server, to_server.port), PUBLISHED)
        assert to_server.is_cut.is_set()
    said = _said(broken)
    assert not broken.success
    assert "threat_highway" in said
    amid = "Redis went away amid the publication: it cannot be reached; the next run publishes what the lake holds"
    away = "the server that CYBERPI_REDIS_URL names cannot be used: it cannot be reached"
    assert (amid if cut_at else away) in said["threat_highway"]
    assert all(away in words for step, words in said.items() if step != "threat_highway")
    assert not any(secret in words for words in said.values() for secret in (server.password, str(to_server.port)))
    assert {name: lake.version(name) for name in lake.tables} == before  # nothing went, and nothing says that it went

    assert materialise(_through(tmp_path, server, server.port), PUBLISHED).success
    assert lake.read("threat_highway").num_rows == 2
    client = server.client()
    assert client.smembers("cascade:working:active") == {MEMBER}
    assert len(list(client.scan_iter("threat:parsed:*"))) == 2
    assert client.xlen("stream:neo4j") == 2
