"""The servers of a cluster on loopback, and Celery workers of the house: what one machine needs to try leaving it.

Here belongs starting and stopping them, for the benchmark and for the tests. Postgres and Redis are Debian's, started
on free ports in a folder of their own; object storage is moto's server, which speaks S3 and keeps objects in memory.
Everything ends with the `Cluster`.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import psycopg2
import redis
import yaml

from cyberpi_assets.orchestration.cluster import sections
from cyberpi_assets.settings import Settings

BUCKET = "cyberpi"
_START_S = 30.0
_AS_SUPERUSER = 0


class NoServer(RuntimeError):
    """A program that a cluster needs is not installed."""


def _program(name: str) -> str:
    """Where a program of Postgres or Redis is. Raises NoServer."""
    debian = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    found = shutil.which(name) or (str(debian[-1]) if debian else None)
    if found is None:
        raise NoServer(f"{name} is not installed (Debian: postgresql, redis-server)")
    return found


def free_port() -> int:
    """A port of 127.0.0.1 that was free a moment ago."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def wait_for(true: Callable[[], bool], what: str, seconds: float = _START_S) -> None:
    """Ask until it is so. Raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds:g} s")
        time.sleep(0.05)


def _answers(ask: Callable[[], Any], *errors: type[Exception]) -> bool:
    with suppress(*errors):
        ask()
        return True
    return False


def object_storage(folder: Path) -> tuple[subprocess.Popen[bytes], str]:
    """moto's server in a process of its own, and its address.

    Not in a thread: delta-rs holds Python's lock while it asks, and a server behind that lock could never answer.
    """
    port = free_port()
    log = (folder / "s3.log").open("wb")
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=log, stderr=log)
    wait_for(lambda: _answers(lambda: socket.create_connection(("127.0.0.1", port), 1).close(), OSError), "S3")
    return server, f"http://127.0.0.1:{port}"


@dataclass
class Cluster:
    """Servers, and workers that can be killed. `home` is DAGSTER_HOME of all that belong to it.

    Without `storage_server` the lake and the output of steps stay in the folder, which all workers here share.
    """

    folder: Path
    storage_server: bool = True
    environment: dict[str, str] = field(default_factory=dict)
    _servers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    _workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def home(self) -> Path:
        """DAGSTER_HOME."""
        return self.folder / "home"

    def start(self) -> Cluster:
        """Start the servers. Raises NoServer, TimeoutError."""
        self.home.mkdir(parents=True, exist_ok=True)
        self.environment |= {"CYBERPI_POSTGRES_URL": self._postgres(), "CYBERPI_BROKER_URL": self._redis()}
        keys = {"CYBERPI_S3_KEY": "invented", "CYBERPI_S3_SECRET": secrets.token_hex(8)}
        self.environment |= keys | {
            "CYBERPI_REDIS_URL": self.environment["CYBERPI_BROKER_URL"].removesuffix("/0") + "/1",
            "CYBERPI_CLUSTER__LAUNCHER": "celery",
            "CYBERPI_STORE": str(self.folder / "store"),
            "CYBERPI_SCRATCH": str(self.folder / "scratch"),
            "CYBERPI_DUCKDB_THREADS": "1",
            "DAGSTER_HOME": str(self.home),
            "DAGSTER_EVENT_BATCH_SIZE": "500",
            # what Dagster's own logs on S3 are signed with
            "AWS_ACCESS_KEY_ID": keys["CYBERPI_S3_KEY"],
            "AWS_SECRET_ACCESS_KEY": keys["CYBERPI_S3_SECRET"],
            "AWS_DEFAULT_REGION": "us-east-1",
        }
        if self.storage_server:
            server, endpoint = object_storage(self.folder)
            self._servers.append(server)
            self.environment |= {
                "CYBERPI_S3__ENDPOINT": endpoint,
                "CYBERPI_LAKE_URL": f"s3://{BUCKET}/lake",
                "CYBERPI_CLUSTER__LOGS_BUCKET": BUCKET,
            }
            self.storage().create_bucket(Bucket=BUCKET)
        return self

    def configure(self) -> Settings:
        """Write dagster.yaml for the settings of the environment, which must hold ours; these settings."""
        settings = Settings()  # pyright: ignore[reportCallIssue]
        settings.spill_dir.mkdir(parents=True, exist_ok=True)
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        config = {"telemetry": {"enabled": False}, **sections(settings)}
        (self.home / "dagster.yaml").write_text(yaml.safe_dump(config))
        return settings

    def storage(self) -> Any:
        """A client of the object storage."""
        e = self.environment
        return boto3.client(
            "s3", endpoint_url=e["CYBERPI_S3__ENDPOINT"], region_name="us-east-1",
            aws_access_key_id=e["CYBERPI_S3_KEY"], aws_secret_access_key=e["CYBERPI_S3_SECRET"],
        )  # fmt: skip

    def workers(self, n: int, queue: str = "cyberpi") -> list[subprocess.Popen[bytes]]:
        """Start workers, each with one run at a time and a process group of its own, and wait until they take runs."""
        program = str(Path(sys.executable).with_name("celery"))
        options = ["-Q", queue, "-c", "1", "--without-gossip", "--without-mingle", "-l", "WARNING"]
        before = len(self._workers)
        for number in range(before, before + n):
            command = [program, "-A", "cyberpi_assets.orchestration.celery_app", "worker", "-n", f"w{number}@%h"]
            log = (self.folder / f"worker{number}.log").open("wb")
            env = os.environ | self.environment
            new = subprocess.Popen([*command, *options], env=env, stdout=log, stderr=log, start_new_session=True)
            self._workers.append(new)
        client = redis.Redis.from_url(self.environment["CYBERPI_BROKER_URL"])

        def all_wait() -> bool:
            for number, worker in enumerate(self._workers[before:], before):
                if worker.poll() is not None:
                    raise RuntimeError((self.folder / f"worker{number}.log").read_text()[-2000:])
            return sum("brpop" in str(c.get("cmd", "")) for c in client.client_list()) >= before + n

        wait_for(all_wait, "workers", 120.0)
        return self._workers[before:]

    def stop_workers(self) -> None:
        """End all workers; a run that one has is not waited for."""
        for worker in self._workers:
            with suppress(ProcessLookupError):
                os.killpg(worker.pid, signal.SIGKILL)
            worker.wait()
        self._workers.clear()

    def close(self) -> None:
        """End everything."""
        self.stop_workers()
        for server in reversed(self._servers):
            server.send_signal(signal.SIGQUIT if "postgres" in str(server.args) else signal.SIGTERM)
        for server in self._servers:
            try:
                server.wait(15)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
        self._servers.clear()

    def _postgres(self) -> str:
        """A server with a database of ours; its address. As root it runs as the user `postgres`, as it insists."""
        data, port, password = self.folder / "postgres", free_port(), secrets.token_hex(8)
        given = self.folder / "password"
        given.write_text(password)
        owner: dict[str, Any] = {}
        if os.getuid() == _AS_SUPERUSER:
            user = pwd.getpwnam("postgres")
            owner = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
            for folder in (self.folder, *self.folder.parents):  # it has to reach its folder
                if folder.stat().st_uid == _AS_SUPERUSER and folder.is_relative_to(Path(self.folder.anchor) / "tmp"):
                    folder.chmod(folder.stat().st_mode | 0o011)
            os.chown(given, user.pw_uid, user.pw_gid)
            data.mkdir(mode=0o700)
            os.chown(data, user.pw_uid, user.pw_gid)
        made = [_program("initdb"), "-D", data, "-U", "cyberpi", "-A", "scram-sha-256", f"--pwfile={given}", "-N", "-E", "UTF8", "--no-locale"]  # noqa: E501  # fmt: skip
        subprocess.run(made, check=True, stdout=subprocess.DEVNULL, cwd="/", **owner)
        given.unlink()
        options = {
            "listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": "", "fsync": "off",
            "max_connections": 60, "shared_buffers": "16MB",
        }  # fmt: skip
        settings = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        log = (self.folder / "postgres.log").open("wb")
        command = [_program("postgres"), "-D", str(data), *settings]
        self._servers.append(subprocess.Popen(command, stdout=log, stderr=log, cwd="/", **owner))
        address = f"postgresql://cyberpi:{password}@127.0.0.1:{port}/postgres"
        errors = psycopg2.OperationalError
        wait_for(lambda: _answers(lambda: psycopg2.connect(address).close(), errors), "Postgres")
        return address.replace("postgresql:", "postgresql+psycopg2:")

    def _redis(self) -> str:
        port, password = free_port(), secrets.token_hex(8)
        config = self.folder / "redis.conf"
        config.write_text(f"bind 127.0.0.1\nport {port}\nrequirepass {password}\nsave ''\ndir {self.folder}\n")
        log = (self.folder / "redis.log").open("wb")
        self._servers.append(subprocess.Popen([_program("redis-server"), str(config)], stdout=log, stderr=log))
        address = f"redis://:{password}@127.0.0.1:{port}/0"
        client = redis.Redis.from_url(address)
        wait_for(lambda: _answers(client.ping, redis.RedisError), "Redis")
        return address
