"""What may pass by is tried again, what does not is not, and both say so; nothing else has a policy."""

from __future__ import annotations

import errno
from typing import Any

import dagster as dg
import pytest

from cyberpi_assets.assets.stages import STAGES
from cyberpi_assets.assets.stored import stored
from cyberpi_assets.orchestration.retrying import AWAY, helps, reason_of, saying_whether_retrying_helps
from cyberpi_assets.orchestration.sweeping import NoUniverse
from cyberpi_assets.sources.providers.answers import NoAnswer, Unreachable
from cyberpi_assets.sources.web import errors as web
from cyberpi_assets.storage.highway.worker import StoreUnavailable
from cyberpi_assets.storage.lake import WriteFailed
from cyberpi_assets.storage.redis_server import RedisUnavailable
from cyberpi_assets.tables import SOURCE_FILES, SchemaMismatch

URL = "https://site.example/x?token=s3cret"


def caused(error: Exception) -> Exception:
    outer = RuntimeError("a step failed")
    outer.__cause__ = error
    return outer


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (web.Offline(URL, "no network"), True),
        (web.Unavailable(URL, "HTTP 503"), True),
        (web.TooSlow(URL, "slow"), True),
        (web.TermsNotAccepted(URL, "a person has to"), False),
        (web.Refused(URL, "not configured"), False),
        (web.Blocked(URL, "HTTP 403"), False),
        (NoAnswer("busy", "100", retryable=True), True),
        (NoAnswer("no such contract", "200", retryable=False), False),
        (Unreachable("no gateway"), True),
        (RedisUnavailable("no server"), True),
        (StoreUnavailable("held by another"), True),
        (TimeoutError(), True),
        (ConnectionResetError(), True),
        (WriteFailed(errno.ENOSPC, "full"), False),
        (WriteFailed(errno.EROFS, "read-only"), False),
        (WriteFailed(errno.EIO, "object storage"), True),
        (SchemaMismatch("columns"), False),
        (NoUniverse("nobody is watched"), False),
        (NotADirectoryError("no folder"), False),
        (ZeroDivisionError(), False),
        (caused(web.Offline(URL, "no network")), True),
        (caused(SchemaMismatch("columns")), False),
    ],
    ids=lambda v: type(v).__name__ if isinstance(v, Exception) else str(v),
)
def test_an_error_says_whether_trying_again_may_help(error: Exception, again: bool) -> None:
    assert helps(error) is again


def run(error: Exception, failures: int) -> tuple[dg.ExecuteInProcessResult, int]:
    """A step that fails so many times, declared as the house declares those that talk to others."""
    tries = 0

    @dg.op(retry_policy=dg.RetryPolicy(max_retries=AWAY.max_retries))
    @saying_whether_retrying_helps
    def step() -> None:
        nonlocal tries
        tries += 1
        if tries <= failures:
            raise error

    @dg.job(executor_def=dg.in_process_executor)
    def job() -> None:
        step()

    quiet: dict[str, Any] = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    return job.execute_in_process(raise_on_error=False, run_config=quiet), tries


def failure(result: dg.ExecuteInProcessResult) -> Any:
    (event,) = [e for e in result.all_events if e.is_step_failure]
    return event.step_failure_data


def test_a_server_that_is_back_after_a_moment_is_met_again() -> None:
    result, tries = run(RedisUnavailable("no server"), 1)
    assert result.success
    assert tries == 2


def test_one_that_stays_away_fails_with_its_own_words_after_some_tries() -> None:
    result, tries = run(RedisUnavailable("no server"), 99)
    assert not result.success
    assert tries == 1 + AWAY.max_retries
    assert reason_of(failure(result).error).message.strip().endswith("RedisUnavailable: no server")


def test_what_does_not_pass_by_is_tried_once_and_says_that_retrying_does_not_help() -> None:
    result, tries = run(SchemaMismatch("columns differ"), 99)
    assert tries == 1
    told = failure(result)
    assert "does not help" in told.user_failure_data.metadata["retrying"].text
    assert reason_of(told.error).message.strip().endswith("SchemaMismatch: columns differ")


def test_only_steps_that_talk_to_others_are_tried_again() -> None:
    tried = {k.to_user_string() for s in STAGES for a in s.ASSETS if policy(a) is not None for k in a.keys}
    assert tried == {"source_files", "working_memory", "threat_highway", "knowledge_graph", "vector_index"}
    assert policy(stored(SOURCE_FILES, "reference")(lambda: None)) is None


def policy(asset: dg.AssetsDefinition) -> dg.RetryPolicy | None:
    node = asset.node_def
    return node.retry_policy if isinstance(node, dg.OpDefinition) else None
