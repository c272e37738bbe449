"""The Redis IO manager through real materialisations, on every kind of server that this machine has."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import pyarrow as pa
import pytest
import redis
from pydantic import SecretStr

from cyberpi_assets.settings import Settings
from cyberpi_assets.storage import redis_server
from cyberpi_assets.storage.redis_io import RedisIOManager
from cyberpi_assets.storage.redis_server import KINDS, RedisUnavailable, Server, ensure, stop
from cyberpi_assets.storage.redis_tables import RedisTables
from cyberpi_assets.tables import SchemaMismatch
from cyberpi_assets_tests.storage.worked import HOT_BARS, HOT_NOTES, HOT_TABLES, bars, finished, ordered, python

MONTHS = dg.TimeWindowPartitionsDefinition(
    start="2023-01", end="2023-07", fmt="%Y-%m", cron_schedule="0 0 1 * *", timezone="America/New_York"
)
_INSTALLED = [k for k in KINDS if redis_server._command(k) is not None]  # pyright: ignore[reportPrivateUsage]


@pytest.fixture(scope="module", params=_INSTALLED)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server") / "redis"
    yield ensure(folder, [request.param])
    stop(folder)


@pytest.fixture
def client(server: Server) -> redis.Redis:
    client = server.client()
    client.flushall()
    return client


@pytest.fixture
def settings(server: Server, client: redis.Redis, tmp_path: Path) -> Settings:
    return Settings(store=tmp_path, redis_url=SecretStr(f"redis://:{server.password}@127.0.0.1:{server.port}/0"))


@pytest.fixture
def kept(settings: Settings) -> RedisTables:
    return RedisIOManager(settings, HOT_TABLES).kept


def run(settings: Settings, assets: list[Any], **how: Any) -> dg.ExecuteInProcessResult:
    with dg.DagsterInstance.ephemeral() as instance:
        return dg.materialize(
            assets, resources={"io_manager": RedisIOManager(settings, HOT_TABLES)}, instance=instance, **how
        )


def hot(month: str, rows: int = 5, mark: int = 0) -> pa.Table:
    return bars(month, rows, mark).cast(HOT_BARS.schema)


def notes(*numbers: int) -> pa.Table:
    return pa.table([list(numbers), [f"é {n}" for n in numbers]], schema=HOT_NOTES.schema)


@dg.asset(name="hot_bars", partitions_def=MONTHS, backfill_policy=dg.BackfillPolicy.single_run())
def hot_bars(context: dg.AssetExecutionContext) -> pa.Table:
    return pa.concat_tables([hot(m, 5, int(m[-2:])) for m in context.partition_keys])


def test_a_partition_a_range_and_a_rerun_give_the_same_rows(settings: Settings, kept: RedisTables) -> None:
    for month in ("2023-01", "2023-02"):
        run(settings, [hot_bars], partition_key=month)
    single = kept.read("hot_bars")
    assert single.schema == HOT_BARS.schema
    assert ordered(single) == ordered(pa.concat_tables([hot("2023-01", 5, 1), hot("2023-02", 5, 2)]))
    span = {"dagster/asset_partition_range_start": "2023-01", "dagster/asset_partition_range_end": "2023-02"}
    for _ in range(2):
        run(settings, [hot_bars], tags=span)
        assert kept.read("hot_bars").equals(single)
    assert kept.read("hot_bars", ["2023-02"]).num_rows == 5


def test_mapped_and_plain_inputs_come_as_their_annotation_says(settings: Settings, kept: RedisTables) -> None:
    kept.write("hot_bars", pa.concat_tables([hot("2023-01"), hot("2023-02")]), ["2023-01", "2023-02"])
    kept.write("hot_notes", notes(3, 1, 2))
    seen: dict[str, Any] = {}
    lookback = dg.TimeWindowPartitionMapping(start_offset=-1, end_offset=-1, allow_nonexistent_upstream_partitions=True)

    @dg.asset(
        name="hot_bars", partitions_def=MONTHS, ins={"before": dg.AssetIn("hot_bars", partition_mapping=lookback)}
    )
    def self_dependent(
        context: dg.AssetExecutionContext, before: list[dict[str, Any]], hot_notes: pd.DataFrame
    ) -> pd.DataFrame:
        seen[context.partition_key], seen["frame"] = before, hot_notes
        return pd.DataFrame({n: [] for n in HOT_BARS.names})

    outside = dg.AssetSpec("hot_notes")
    run(settings, [self_dependent, outside], partition_key="2023-02")
    assert seen["2023-02"] == hot("2023-01").to_pylist()
    assert seen["frame"]["note_id"].tolist() == [1, 2, 3]
    assert kept.read("hot_bars", ["2023-02"]).equals(HOT_BARS.empty())  # an empty partition has columns
    run(settings, [self_dependent, outside], partition_key="2023-01")
    assert seen["2023-01"] == []


def test_none_writes_nothing_and_metadata_says_what_was_written(settings: Settings, kept: RedisTables) -> None:
    @dg.asset(name="hot_notes")
    def some() -> list[dict[str, Any]]:
        return notes(1, 2).to_pylist()

    @dg.asset(name="hot_notes")
    def nothing() -> pa.Table | None:
        return None

    (event,) = run(settings, [some]).asset_materializations_for_node("hot_notes")
    shown = {k: v.value for k, v in event.metadata.items()}
    assert (shown["dagster/row_count"], shown["ttl_seconds"]) == (2, 3600)
    assert shown["key_prefix"] == "cyberpi:demo:hot_notes:"
    run(settings, [nothing])
    assert kept.read("hot_notes").equals(notes(1, 2))


def test_every_key_has_the_tables_prefix_and_a_time_to_live(kept: RedisTables, client: redis.Redis) -> None:
    for _ in range(3):
        kept.write("hot_notes", notes(*range(2500)))
        kept.write("hot_bars", hot("2023-01"), ["2023-01"])
    keys = list(client.scan_iter(count=5000))
    assert all(k.startswith(("cyberpi:demo:hot_notes:", "cyberpi:demo:hot_bars:")) for k in keys)
    pipe = client.pipeline(transaction=False)
    for key in keys:
        pipe.pttl(key)
    assert all(0 < ttl <= 2 * 3600 * 1000 for ttl in pipe.execute())
    assert kept.read("hot_notes").num_rows == 2500


def test_rows_that_expire_are_gone_and_swept_from_the_index(kept: RedisTables, client: redis.Redis) -> None:
    kept.write("hot_notes", notes(1, 2, 3))
    (row,) = [k for k in client.scan_iter() if ":row:" in k and k.endswith(":2")]
    client.pexpire(row, 0)
    assert kept.read("hot_notes")["note_id"].to_pylist() == [1, 3]
    (index,) = [k for k in client.scan_iter() if ":index:" in k]
    client.zadd(index, {"2": 1})  # its time was long ago
    kept.write("hot_notes", notes(4))
    assert client.zscore(index, "2") is None
    assert kept.read("hot_notes")["note_id"].to_pylist() == [4]
    for key in client.scan_iter():
        client.pexpire(key, 0)
    assert kept.read("hot_notes").equals(HOT_NOTES.empty())


def test_a_killed_writers_generation_is_never_seen_and_is_swept(kept: RedisTables, client: redis.Redis) -> None:
    kept.write("hot_notes", notes(1))
    kept._stage(client, HOT_NOTES, "all", "lost", [("9", {"note_id": 9, "body": "x"})], 10**13)  # pyright: ignore[reportPrivateUsage]
    client.zadd("cyberpi:demo:hot_notes:generations", {"all|lost": 1})
    assert kept.read("hot_notes").equals(notes(1))
    kept.write("hot_notes", notes(2))
    assert client.zscore("cyberpi:demo:hot_notes:generations", "all|lost") is None
    assert client.pttl("cyberpi:demo:hot_notes:row:lost:9") <= 60_000


_SPOILED: dict[str, tuple[pa.Table, str]] = {
    "reordered": (notes(1).select(["body", "note_id"]), "order"),
    "missing": (notes(1).drop_columns(["body"]), "missing"),
    "extra": (notes(1).append_column("more", pa.array([1])), "unexpected"),
    "mistyped": (notes(1).set_column(0, "note_id", pa.array(["1"])), "note_id is string"),
    "null": (pa.table({"note_id": pa.array([None], pa.int64()), "body": ["x"]}), "note_id is null"),
    "twice": (notes(1, 1), "the key 1 comes twice"),
}


@pytest.mark.parametrize("case", list(_SPOILED))
def test_wrong_rows_are_refused_and_what_was_kept_stays(settings: Settings, kept: RedisTables, case: str) -> None:
    kept.write("hot_notes", notes(7))
    data, says = _SPOILED[case]

    @dg.asset(name="hot_notes")
    def wrong() -> pa.Table:
        return data

    with pytest.raises(SchemaMismatch, match=says):
        run(settings, [wrong])
    assert kept.read("hot_notes").equals(notes(7))
    with pytest.raises(SchemaMismatch, match="rows of"):
        kept.write("hot_bars", hot("2023-02"), ["2023-01"])


def test_profiles_do_not_see_each_other(settings: Settings, kept: RedisTables) -> None:
    kept.write("hot_notes", notes(1))
    other = RedisTables(lambda: redis_server.connect(settings), "files", HOT_TABLES)
    assert other.read("hot_notes").num_rows == 0


def test_values_come_back_as_they_were(kept: RedisTables) -> None:
    data = hot("2023-01", 3).to_pylist()
    data[0] |= {"close": float("inf"), "ticker": "a:b|%é\n", "volume": 2**63 - 1, "session": dt.date(1, 1, 1)}
    data[1] |= {"close": 0.1 + 0.2, "seen_at": None, "tags": []}
    table = pa.Table.from_pylist(data, schema=HOT_BARS.schema)
    kept.write("hot_bars", table, ["2023-01"])
    assert ordered(kept.read("hot_bars")) == ordered(table)


_REWRITER = """
import sys, threading
from pydantic import SecretStr
from cyberpi_assets.settings import Settings
from cyberpi_assets.storage.redis_io import RedisIOManager
from cyberpi_assets_tests.storage.worked import HOT_TABLES, HOT_BARS, bars
url = sys.stdin.readline().strip()
kept = RedisIOManager(Settings(redis_url=SecretStr(url)), HOT_TABLES).kept
print("ready", flush=True)
mark = int(sys.argv[1])
for i in range(6):
    kept.write("hot_bars", bars("2023-01", 1100, mark * 100 + i).cast(HOT_BARS.schema), ["2023-01"])
    kept.write("hot_bars", bars(f"2023-{mark + 2:02d}", 10, mark).cast(HOT_BARS.schema), [f"2023-{mark + 2:02d}"])
"""


def test_readers_see_whole_writes_while_several_write(settings: Settings, kept: RedisTables) -> None:
    kept.write("hot_bars", hot("2023-01", 1100, -1), ["2023-01"])
    children = [python(_REWRITER, str(mark)) for mark in range(2)]
    assert settings.redis_url is not None
    for child in children:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(settings.redis_url.get_secret_value() + "\n")
        child.stdin.flush()
        assert child.stdout.readline() == "ready\n"
    while any(child.poll() is None for child in children):
        found = kept.read("hot_bars", ["2023-01"])
        assert found.num_rows == 1100
        assert len(set(found["volume"].drop_null().to_pylist())) == 1
    finished(children)
    assert kept.read("hot_bars", ["2023-02", "2023-03"]).num_rows == 20


def test_an_unreachable_server_is_named_without_its_password(tmp_path: Path) -> None:
    settings = Settings(store=tmp_path, redis_url=SecretStr("redis://:hush-hush@127.0.0.1:1/0"))

    @dg.asset(name="hot_notes")
    def some() -> pa.Table:
        return notes(1)

    with pytest.raises(RedisUnavailable, match="cannot be reached") as refused:
        run(settings, [some])
    assert "hush" not in str(refused.value)


def test_a_server_that_goes_away_is_told_clearly(tmp_path: Path) -> None:
    settings = Settings(store=tmp_path)
    kept = RedisIOManager(settings, HOT_TABLES).kept
    kept.write("hot_notes", notes(1))
    stop(tmp_path / "redis")
    with pytest.raises(RedisUnavailable, match="cannot be reached"):
        kept.read("hot_notes")
    try:
        assert kept.read("hot_notes").num_rows in (0, 1)  # the next call starts it again
    finally:
        stop(tmp_path / "redis")
