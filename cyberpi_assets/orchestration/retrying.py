"""Whether trying a step again may help, and how the steps that talk to others say so to Dagster.

Belongs here: the verdict on an error, and the policy of steps that read sites or write to servers. All other steps
compute the same from the same input: they have no policy and are never tried again by themselves.
"""

from __future__ import annotations

import errno
import functools
from collections.abc import Callable, Iterator
from typing import Any, Final, TypeVar, cast

import dagster as dg
import redis
from deltalake.exceptions import CommitFailedError

from cyberpi_assets.sources.providers.answers import Blocked, NoAnswer, Unreachable
from cyberpi_assets.sources.web.errors import FetchError
from cyberpi_assets.storage.highway.worker import StoreUnavailable
from cyberpi_assets.storage.lake import WriteFailed
from cyberpi_assets.storage.redis_server import RedisUnavailable

# Servers that are being started again are back after seconds; whoever is away for longer is met by the next run.
AWAY: Final = dg.RetryPolicy(max_retries=2, delay=1.0, backoff=dg.Backoff.EXPONENTIAL)
_PASSING: Final = (
    Blocked,
    Unreachable,
    RedisUnavailable,
    StoreUnavailable,
    redis.ConnectionError,
    redis.TimeoutError,
    CommitFailedError,
    ConnectionError,
    TimeoutError,
)
_LASTING_CODES: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM})

Step = TypeVar("Step", bound=Callable[..., Any])


def helps(error: BaseException) -> bool:
    """Whether trying again may help, by the first error of its chain that says so; unknown errors do not pass by."""
    for each in _chain(error):
        if isinstance(each, FetchError):
            return each.again
        if isinstance(each, NoAnswer):
            return each.retryable
        if isinstance(each, WriteFailed):
            return each.errno not in _LASTING_CODES
        if isinstance(each, _PASSING):
            return True
    return False


def reason_of(error: Any) -> Any:
    """The error that a person wants to read, of one that Dagster has recorded: without what Dagster wraps it in."""
    while error.cause is not None and (
        error.cls_name in (None, "Failure", "RetryRequested", "RetryRequestedFromPolicy")
        or str(error.cls_name).startswith("DagsterExecution")
    ):
        error = error.cause
    return error


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__


def saying_whether_retrying_helps(step: Step) -> Step:
    """A step whose errors are tried again under its policy only where that may help.

    Others become a Failure that allows no retries and says so: wrong settings, refused terms, a schema that does not
    fit, a full disk.
    """

    @functools.wraps(step)
    def careful(*args: Any, **named: Any) -> Any:
        try:
            return step(*args, **named)
        except (dg.Failure, dg.RetryRequested):
            raise
        except Exception as error:
            if helps(error):
                raise
            raise dg.Failure(
                f"{type(error).__name__}: {error}",
                metadata={"retrying": "does not help: the same input gives the same error"},
                allow_retries=False,
            ) from error

    return cast(Step, careful)
