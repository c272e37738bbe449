"""The working memory as other tools find it: keys, types and times in Redis, and what happens when the server dies."""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import dagster as dg
import pyarrow as pa
import pytest
import redis
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import SecretStr

from cyberpi_assets.settings import Settings
from cyberpi_assets.storage import redis_server
from cyberpi_assets.storage.redis_hashes import sweep
from cyberpi_assets.storage.redis_io import RedisIOManager
from cyberpi_assets.storage.redis_server import RedisUnavailable, Server, available, connect, ensure, stop
from cyberpi_assets.storage.redis_tables import RedisTables
from cyberpi_assets.tables import WORKING_MEMORY, SchemaMismatch

UTC = dt.UTC
AT = dt.datetime(2025, 11, 4, 21, 23, tzinfo=UTC)
INDEX = "cascade:working:active"


@pytest.fixture(scope="module", params=available())
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("memory") / "redis"
    yield ensure(folder, [request.param])
    stop(folder)


@pytest.fixture
def client(server: Server) -> redis.Redis:
    client = server.client()
    client.flushall()
    return client


@pytest.fixture
def settings(server: Server, client: redis.Redis, tmp_path: Path) -> Settings:
    return Settings(store=tmp_path, redis_url=SecretStr(f"redis://:{server.password}@127.0.0.1:{server.port}/0"))  # pyright: ignore[reportCallIssue]


@pytest.fixture
def kept(settings: Settings) -> RedisTables:
    return RedisIOManager(settings).kept


def threat(ticker: str = "UNH", **more: Any) -> dict[str, Any]:
    return {
        "id": "work_0123abcd",
        "threat_id": f"financial_{ticker}_20251104_1623",
        "content": f"{ticker}: é\nunusual",
        "severity": "high",
        "started_at": AT,
        "last_activity": AT,
        "analyst_count": 0,
        "interaction_count": 0,
        "metadata": json.dumps({"ticker": ticker}),
    } | more


def rows(*made: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist(list(made), schema=WORKING_MEMORY.schema)


def test_keys_types_fields_and_time_to_live_are_those_that_other_tools_know(
    kept: RedisTables, client: redis.Redis
) -> None:
    kept.write("working_memory", rows(threat(), threat("PANW", severity="critical")))
    assert sorted(client.scan_iter()) == [
        "cascade:working:active",
        "cascade:working:financial_PANW_20251104_1623",
        "cascade:working:financial_UNH_20251104_1623",
    ]
    assert client.type(INDEX) == "set"
    assert client.smembers(INDEX) == {"financial_PANW_20251104_1623", "financial_UNH_20251104_1623"}
    key = "cascade:working:financial_UNH_20251104_1623"
    assert client.type(key) == "hash"
    found = cast(dict[str, str], client.hgetall(key))
    pushed = dt.datetime.fromisoformat(found.pop("last_activity"))
    assert found == {
        "id": "work_0123abcd",
        "threat_id": "financial_UNH_20251104_1623",
        "content": "UNH: é\nunusual",
        "severity": "high",
        "started_at": "2025-11-04T21:23:00",
        "analyst_count": "0",
        "interaction_count": "0",
        "metadata": '{"ticker": "UNH"}',
    }
    assert pushed.tzinfo is None  # readers compare it with a moment without a zone, in UTC
    assert abs(pushed - dt.datetime.now(UTC).replace(tzinfo=None)) < dt.timedelta(minutes=1)
    assert 3590 <= cast(int, client.ttl(key)) <= 3600


def test_a_second_push_keeps_what_others_wrote_and_begins_the_hour_anew(kept: RedisTables, client: redis.Redis) -> None:
    key = "cascade:working:financial_UNH_20251104_1623"
    kept.write("working_memory", rows(threat()))
    client.hincrby(key, "interaction_count", 3)
    client.hincrby(key, "analyst_count", 2)
    client.hset(key, "assigned_to", "ada")  # a field of another tool
    client.expire(key, 60)
    kept.write("working_memory", rows(threat(severity="critical", started_at=AT + dt.timedelta(hours=1), id="work_x")))
    found = cast(dict[str, str], client.hgetall(key))
    assert (found["interaction_count"], found["analyst_count"], found["assigned_to"]) == ("3", "2", "ada")
    assert (found["started_at"], found["id"]) == ("2025-11-04T21:23:00", "work_0123abcd")
    assert found["severity"] == "critical"
    assert cast(int, client.ttl(key)) > 3500
    assert client.scard(INDEX) == 1


def test_no_member_of_the_set_outlives_its_row(kept: RedisTables, client: redis.Redis) -> None:
    kept.write("working_memory", rows(threat("AA"), threat("BB"), threat("CC")))
    client.pexpire("cascade:working:financial_AA_20251104_1623", 1)
    client.delete("cascade:working:financial_BB_20251104_1623")
    while client.exists("cascade:working:financial_AA_20251104_1623"):
        pass
    assert client.scard(INDEX) == 3
    assert kept.read("working_memory")["threat_id"].to_pylist() == ["financial_CC_20251104_1623"]
    assert client.smembers(INDEX) == {"financial_CC_20251104_1623"}
    client.delete("cascade:working:financial_CC_20251104_1623")
    kept.write("working_memory", rows())
    assert client.exists(INDEX) == 0


def test_a_row_that_comes_back_during_the_sweep_keeps_its_place(
    kept: RedisTables, client: redis.Redis, server: Server
) -> None:
    kept.write("working_memory", rows(threat("AA"), threat("BB")))
    client.delete("cascade:working:financial_AA_20251104_1623", "cascade:working:financial_BB_20251104_1623")
    other = server.client()

    class Interrupted(redis.Redis):
        """Another writer brings AA back just before the sweep's transaction."""

        def pipeline(self, transaction: bool = True, shard_hint: Any = None) -> Any:
            pipe = super().pipeline(transaction, shard_hint)
            if transaction:
                multi = pipe.multi

                def late() -> None:
                    other.hset("cascade:working:financial_AA_20251104_1623", "severity", "high")
                    multi()

                pipe.multi = late  # pyright: ignore[reportAttributeAccessIssue]
            return pipe

    given = {**client.connection_pool.connection_kwargs}
    sweeping = Interrupted(connection_pool=redis.ConnectionPool(**given))
    sweep(sweeping, WORKING_MEMORY)
    assert "financial_AA_20251104_1623" in cast(set[str], client.smembers(INDEX))
    sweep(client, WORKING_MEMORY)
    assert client.smembers(INDEX) == {"financial_AA_20251104_1623"}


def test_rows_come_back_typed_and_strange_ones_of_others_are_left_out(kept: RedisTables, client: redis.Redis) -> None:
    made = threat()
    kept.write("working_memory", rows(made))
    for name, fields in {
        "cascade:working:threat_001": {**{k: str(v) for k, v in made.items()}, "threat_id": "threat_001"},
        "cascade:working:threat_002": {"id": "x"},
        "cascade:working:threat_003": {**{k: str(v) for k, v in made.items()}, "analyst_count": "many"},
    }.items():
        client.hset(name, mapping=cast(Any, fields))
        client.sadd(INDEX, name.removeprefix("cascade:working:"))
    found = kept.read("working_memory").to_pylist()
    assert [r["threat_id"] for r in found] == ["financial_UNH_20251104_1623", "threat_001"]
    assert {k: v for k, v in found[0].items() if k != "last_activity"} == {
        k: v for k, v in made.items() if k != "last_activity"
    }


def test_rows_that_do_not_fit_are_refused_before_anything_is_pushed(kept: RedisTables, client: redis.Redis) -> None:
    with pytest.raises(SchemaMismatch, match="comes twice"):
        kept.write("working_memory", rows(threat(), threat()))
    with pytest.raises(SchemaMismatch, match="severity is null"):
        kept.write("working_memory", rows(threat(severity=None)))
    assert list(client.scan_iter()) == []


def test_an_asset_is_pushed_and_says_where(settings: Settings, client: redis.Redis) -> None:
    @dg.asset(name="working_memory")
    def made() -> pa.Table:
        return rows(threat())

    with dg.DagsterInstance.ephemeral() as instance:
        done = dg.materialize([made], resources={"io_manager": RedisIOManager(settings)}, instance=instance)
    (event,) = done.asset_materializations_for_node("working_memory")
    shown = {k: v.value for k, v in event.metadata.items()}
    assert (shown["key_prefix"], shown["ttl_seconds"], shown["rows"]) == ("cascade:working:", 3600, 1)


# --------------------------------------------------------------------------------------------------- servers that die


class Doomed(redis.Redis):
    """A client whose server is killed -9 before its n-th batch is sent."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.batches, self.pid, self.fatal = 0, 0, 3

    def pipeline(self, transaction: bool = True, shard_hint: Any = None) -> Any:
        self.batches += 1
        if self.batches == self.fatal and self.pid:
            os.kill(self.pid, signal.SIGKILL)
        return super().pipeline(transaction, shard_hint)


@pytest.mark.parametrize("again", [False, True], ids=["first push", "pushed before"])
def test_a_server_killed_in_mid_push_is_started_again_and_nothing_is_lost_or_there_twice(
    tmp_path: Path, again: bool
) -> None:
    if "path" not in available():
        pytest.skip("no redis-server on PATH")
    folder = tmp_path / "redis"
    first = ensure(folder, ["path"])
    many = [threat(f"T{i:03d}", id=f"work_{i:08d}") for i in range(700)]
    given: list[Doomed | redis.Redis] = []

    def connected() -> redis.Redis:
        server = ensure(folder, ["path"])
        if given:
            given.append(server.client())
            return given[-1]
        kwargs = {**server.client(patient=False).connection_pool.connection_kwargs}
        doomed = Doomed(connection_pool=redis.ConnectionPool(**kwargs))
        doomed.pid = server.pid
        given.append(doomed)
        return doomed

    try:
        if again:
            RedisTables(lambda: first.client(), "demo").write("working_memory", rows(*many))
            first.client().hset("cascade:working:financial_T000_20251104_1623", "interaction_count", 4)
        kept = RedisTables(connected, "demo")
        assert kept.write("working_memory", rows(*many)).rows == 700
        assert len(given) == 2  # it did die, and was started again
        second = redis_server.find(folder)
        assert second is not None
        assert second.pid != first.pid
        client = second.client()
        assert cast(int, client.scard(INDEX)) == 700
        assert len(list(client.scan_iter("cascade:working:financial_*", count=2000))) == 700
        found = kept.read("working_memory").to_pylist()
        assert [r["threat_id"] for r in found] == [t["threat_id"] for t in many]
        assert [r["started_at"] for r in found] == [AT] * 700
        assert found[0]["interaction_count"] == (4 if again else 0)
    finally:
        stop(folder)


def test_a_server_that_stays_away_is_told_clearly_and_the_next_push_makes_up_for_it(tmp_path: Path) -> None:
    settings = Settings(store=tmp_path, redis_url=SecretStr("redis://:hush-hush@127.0.0.1:1/0"))  # pyright: ignore[reportCallIssue]
    with pytest.raises(RedisUnavailable, match="cannot be reached") as refused:
        RedisIOManager(settings).kept.write("working_memory", rows(threat()))
    assert "hush" not in str(refused.value)
    own = Settings(store=tmp_path)  # pyright: ignore[reportCallIssue]
    kept = RedisIOManager(own).kept
    try:
        kept.write("working_memory", rows(threat()))
        assert kept.read("working_memory").num_rows == 1
    finally:
        stop(tmp_path / "redis")


def test_a_wrong_password_is_refused(server: Server, tmp_path: Path) -> None:
    settings = Settings(store=tmp_path, redis_url=SecretStr(f"redis://:wrong@127.0.0.1:{server.port}/0"))  # pyright: ignore[reportCallIssue]
    with pytest.raises(RedisUnavailable, match="refuses the password"):
        connect(settings)


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A Redis server that speaks TLS alone: its address with the password, and the certificate it shows."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("no redis-server on PATH")
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    shown, secret = folder / "shown.pem", folder / "secret.pem"
    shown.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    options = {
        "bind": "127.0.0.1", "port": 0, "tls-port": port, "tls-cert-file": shown, "tls-key-file": secret,
        "tls-auth-clients": "no", "requirepass": "hush-hush", "save": "", "dir": folder,
    }  # fmt: skip
    server = subprocess.Popen(
        [program, *(str(part) for name, value in options.items() for part in (f"--{name}", value))],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert server.stdout is not None
        assert any("Ready to accept connections" in line for line in server.stdout)
        yield f"rediss://:hush-hush@127.0.0.1:{port}/0", shown
    finally:
        server.kill()
        server.wait()


def test_a_server_with_tls_and_password_by_its_address(secured: tuple[str, Path], tmp_path: Path) -> None:
    url, certificate = secured
    settings = Settings(store=tmp_path, redis_url=SecretStr(f"{url}?ssl_ca_certs={certificate}"))  # pyright: ignore[reportCallIssue]
    kept = RedisIOManager(settings).kept
    kept.write("working_memory", rows(threat()))
    assert kept.read("working_memory").num_rows == 1
    with pytest.raises(RedisUnavailable) as refused:  # a certificate that nobody vouches for
        connect(Settings(store=tmp_path, redis_url=SecretStr(url)))  # pyright: ignore[reportCallIssue]
    assert "hush" not in str(refused.value)
