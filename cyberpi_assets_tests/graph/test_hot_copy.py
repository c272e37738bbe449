"""Redis lost is republished: what a run with nothing to compute does for the working memory."""

from __future__ import annotations

from pathlib import Path

from pydantic import SecretStr

from cyberpi_assets.orchestration.hot_copy import publish_again
from cyberpi_assets.settings import Settings
from cyberpi_assets.storage.lake import Lake
from cyberpi_assets.storage.redis_io import RedisIOManager
from cyberpi_assets.storage.redis_server import ensure, stop
from cyberpi_assets.tables import LAKE
from cyberpi_assets_tests.domain import rows
from cyberpi_assets_tests.domain.test_working_memory import COMPANIES, INDICATORS, UNH, score

NEEDED = ("threat_scores", "threat_indicators", "companies")


def test_redis_that_lost_everything_has_it_again_and_one_that_is_away_is_told(tmp_path: Path) -> None:
    settings = Settings(store=tmp_path)  # pyright: ignore[reportCallIssue]
    lake = Lake(settings.lake_dir, {name: LAKE[name] for name in NEEDED})
    lake.create()
    assert publish_again(settings) == "no threat scores high enough for the working memory"
    assert not (tmp_path / "redis").exists()  # nothing to keep, no server
    lake.write("threat_scores", rows.frame("threat_scores", [UNH, score("LOW", 40)]), ["2025-11"])
    lake.write("threat_indicators", INDICATORS, ["2025-11"])
    lake.write("companies", COMPANIES)
    kept = RedisIOManager(settings).kept
    try:
        assert publish_again(settings) == "1 in the working memory"
        before = kept.read("working_memory").to_pylist()
        ensure(tmp_path / "redis").client().flushall()
        assert kept.read("working_memory").num_rows == 0
        assert publish_again(settings) == "1 in the working memory"
        after = kept.read("working_memory").to_pylist()
        assert [r | {"last_activity": None} for r in after] == [r | {"last_activity": None} for r in before]
        assert [r["threat_id"] for r in after] == ["financial_UNH_20251104_1623"]
    finally:
        stop(tmp_path / "redis")
    away = Settings(store=tmp_path, redis_url=SecretStr("redis://:hush-hush@127.0.0.1:1/0"))  # pyright: ignore[reportCallIssue]
    told = publish_again(away)
    assert told.startswith("the working memory was not published")
    assert "hush" not in told
