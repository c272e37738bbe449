"""The polite client against a real server: what it asks, how it waits, what it keeps, and how it fails."""

from __future__ import annotations

import datetime as dt
import gzip
import itertools
import json
import logging
import multiprocessing as mp
import random
import socket
import time as real_time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cyberpi_assets.sources.web import errors as e
from cyberpi_assets.sources.web.cache import DamagedCache, RawCache
from cyberpi_assets.sources.web.client import Clock, HostRules, PoliteClient, begins_with, retry_after
from cyberpi_assets.sources.web.limiter import HostLimiter
from cyberpi_assets_tests.sources import crawlers as workers_of
from cyberpi_assets_tests.sources.site import Asked, FakeTime, Reply, Site, serving

Answers = Callable[[Asked], Reply]
FAST = HostRules(per_second=1000.0, timeout=10, deadline=30, attempts=4, backoff=2.0, max_pause=60)


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def made(tmp_path: Path, time: FakeTime) -> Iterator[Callable[..., PoliteClient]]:
    """Clients on one folder with a fake clock; closed at the end."""
    clients: list[PoliteClient] = []

    def make(site: Site | str, rules: HostRules = FAST) -> PoliteClient:
        host = site if isinstance(site, str) else site.host
        clock = Clock(wall=time.now, steady=time.now, sleep=time.sleep)
        clients.append(PoliteClient(tmp_path, {host: rules}, clock=clock, jitter=random.Random(1)))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


def replay(*replies: Reply) -> Answers:
    """The replies in order; the last one for ever."""
    left = list(replies)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


# ---------------------------------------------------------------------------------------------- documents and the cache


def test_a_kept_document_is_asked_for_once_with_all_its_provenance(made: Callable[..., PoliteClient]) -> None:
    headers = {"ETag": '"v1"', "Content-Type": "application/pdf", "Set-Cookie": "secret=1"}
    with serving(replay(Reply(body=b"%PDF-1", headers=headers))) as site:
        url = f"{site.base}/a.pdf"
        first = made(site).get(url)
        again = made(site).get(url)
        assert len(site.asked) == 1
    assert first == again
    assert again.body() == b"%PDF-1"
    assert (again.url, again.status, again.size) == (url, 200, 6)
    assert again.headers["etag"] == '"v1"'
    assert again.fetched_at.tzinfo is not None
    record = next(made(site).folder.rglob("documents/*/*.json")).read_text()
    assert "secret" not in record
    assert json.loads(record)["sha256"] == again.path.name


def test_an_unchanged_document_is_confirmed_and_a_changed_one_keeps_its_past(
    made: Callable[..., PoliteClient], time: FakeTime
) -> None:
    stamp = "Fri, 02 Jan 2026 14:00:00 GMT"
    first = Reply(body=b"one", headers={"ETag": '"1"', "Last-Modified": stamp})
    with serving(replay(first, Reply(304), Reply(body=b"two", headers={"ETag": '"2"'}))) as site:
        client = made(site)
        one = client.get(site.base + "/i.zip", fresh="validated")
        time.at += 3600
        same = client.get(site.base + "/i.zip", fresh="validated")
        time.at += 3600
        two = client.get(site.base + "/i.zip", fresh="validated")
    assert "if-none-match" not in site.asked[0].headers
    assert site.asked[1].headers["if-none-match"] == '"1"'
    assert site.asked[1].headers["if-modified-since"] == stamp
    assert (same.body(), same.fetched_at) == (b"one", one.fetched_at)
    assert same.validated_at - one.validated_at >= dt.timedelta(hours=1)
    assert two.body() == b"two"
    assert two.earlier == ({"sha256": one.sha256, "fetched_at": one.fetched_at.isoformat()},)
    assert one.body() == b"one"


def test_a_missing_document_is_not_asked_for_again_before_its_time(
    made: Callable[..., PoliteClient], time: FakeTime
) -> None:
    with serving(replay(Reply(404, b"<html>404"), Reply(body=b"there now"))) as site:
        client = made(site)
        for _ in range(3):
            with pytest.raises(e.Missing):
                client.get(site.base + "/a.pdf")
        assert len(site.asked) == 1
        time.at += 90_000
        assert client.get(site.base + "/a.pdf").body() == b"there now"


def test_what_is_not_the_document_is_never_kept(made: Callable[..., PoliteClient]) -> None:
    page = b"\r\n<!DOCTYPE html><title>404</title>"
    with serving(replay(Reply(body=page), Reply(body=b"%PDF-1.4 real"))) as site:
        client = made(site)
        with pytest.raises(e.NotADocument, match="HTML in place of a PDF"):
            client.get(site.base + "/a.pdf", check=begins_with(b"%PDF-", what="a PDF"))
        assert client.get(site.base + "/a.pdf", check=begins_with(b"%PDF-", what="a PDF")).body() == b"%PDF-1.4 real"


def test_a_damaged_or_torn_cache_is_noticed(made: Callable[..., PoliteClient]) -> None:
    with serving(replay(Reply(body=b"four"))) as site:
        client = made(site)
        document = client.get(site.base + "/a")
        document.path.write_bytes(b"FOUR")
        with pytest.raises(DamagedCache):
            document.body()
        document.path.write_bytes(b"fo")
        assert client.get(site.base + "/a").body() == b"four"
        record = next(client.folder.rglob("documents/*/*.json"))
        record.write_text(record.read_text()[:50])
        assert client.get(site.base + "/a").body() == b"four"
        assert len(site.asked) == 3


def test_leftovers_of_killed_writers_are_swept(tmp_path: Path) -> None:
    cache = RawCache(tmp_path)
    now = dt.datetime.now(dt.UTC)
    kept = cache.keep("k", "u", 200, {}, b"x", now)
    (kept.path.parent / ".writing-abc").write_bytes(b"half")
    assert cache.sweep(now - dt.timedelta(hours=1)) == 0
    assert cache.sweep(now + dt.timedelta(hours=1)) == 1
    assert cache.find("k") == kept


@settings(deadline=None)
@given(key=st.text(min_size=1, max_size=50), body=st.binary(max_size=200), etag=st.text(max_size=600))
def test_the_cache_gives_back_what_it_was_given(
    tmp_path_factory: pytest.TempPathFactory, key: str, body: bytes, etag: str
) -> None:
    cache = RawCache(tmp_path_factory.getbasetemp() / "any")
    try:
        key.encode()
    except UnicodeEncodeError:
        return
    kept = cache.keep(key, "u", 200, {"etag": etag}, body, dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    assert cache.find(key) == kept
    assert kept.body() == body


# ----------------------------------------------------------------------------------------------------------- patience


def test_too_many_requests_waits_as_long_as_the_site_asks(made: Callable[..., PoliteClient], time: FakeTime) -> None:
    with serving(replay(Reply(429, headers={"Retry-After": "17"}), Reply(body=b"ok"))) as site:
        assert made(site).get(site.base + "/a").body() == b"ok"
    assert sum(time.waits) >= 17
    assert len(site.asked) == 2


def test_pauses_double_with_jitter_and_then_the_reason_is_told(
    made: Callable[..., PoliteClient], time: FakeTime
) -> None:
    with serving(replay(Reply(503, b"Site Under Maintenance"))) as site, pytest.raises(e.Unavailable) as caught:
        made(site).get(site.base + "/a?key=hush")
    pauses = [w for w in time.waits if w > 0.5]
    assert [lo <= p <= 2 * lo for p, lo in zip(pauses, (1.0, 2.0, 4.0), strict=True)] == [True] * 3
    assert len(site.asked) == 4
    assert str(caught.value).endswith("/a: HTTP 503, after 4 attempts")
    assert caught.value.again


def test_a_site_that_asks_for_an_hour_is_left_alone_by_everybody(
    made: Callable[..., PoliteClient], time: FakeTime
) -> None:
    with serving(replay(Reply(429, headers={"Retry-After": "1800"}), Reply(body=b"ok"))) as site:
        with pytest.raises(e.Unavailable) as caught:
            made(site).get(site.base + "/a")
        assert caught.value.retry_after == 1800
        assert time.waits == []
        assert made(site).get(site.base + "/b").body() == b"ok"
        assert time.waits[0] == pytest.approx(1800, abs=1)


def test_a_cut_connection_is_tried_again_and_half_a_body_is_never_kept(made: Callable[..., PoliteClient]) -> None:
    whole = b"%PDF-" + b"x" * 5000
    with serving(replay(Reply(body=whole, cut=3000), Reply(body=whole))) as site:
        assert made(site).get(site.base + "/a").body() == whole
        assert len(site.asked) == 2
    with serving(replay(Reply(body=whole, cut=3000))) as site, pytest.raises(e.Unavailable, match="connection failed"):
        made(site).get(site.base + "/a")


def test_a_body_that_drips_is_given_up_at_the_deadline(made: Callable[..., PoliteClient], time: FakeTime) -> None:
    def tick() -> None:
        time.at += 5.0

    with serving(replay(Reply(body=b"z" * 1000, drip=tick))) as site, pytest.raises(e.TooSlow, match="after 30 s"):
        made(site).get(site.base + "/a")


def test_a_body_too_large_is_not_read_to_its_end(made: Callable[..., PoliteClient]) -> None:
    rules = HostRules(per_second=1000, max_bytes=10_000)
    with serving(replay(Reply(body=b"x" * 20_000))) as site, pytest.raises(e.TooLarge, match="20,000 bytes announced"):
        made(site, rules).get(site.base + "/a")
    bomb = gzip.compress(b"0" * 20_000_000, 1)
    reply = Reply(body=bomb, headers={"Content-Encoding": "gzip"})
    with serving(replay(reply)) as site, pytest.raises(e.TooLarge):
        made(site, HostRules(per_second=1000, max_bytes=1_000_000)).get(site.base + "/a")


def test_nobody_listening_is_offline(made: Callable[..., PoliteClient], time: FakeTime) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(e.Offline, match="no connection"):
        made(host).get(f"http://{host}/a")
    assert len([w for w in time.waits if w > 0.5]) == 3


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(403, b"Access Denied"), e.Blocked),
        (Reply(401), e.Blocked),
        (Reply(404), e.Missing),
        (Reply(410), e.Missing),
        (Reply(400), e.Rejected),
        (Reply(405), e.Rejected),
        (Reply(302, headers={"Location": "/loop"}), e.Rejected),
        (Reply(302), e.Rejected),
        (Reply(302, headers={"Location": "https://elsewhere.example/x"}), e.Refused),
        (Reply(302, headers={"Location": "file:///etc/passwd"}), e.Refused),
        (Reply(304), e.Rejected),
        (Reply(body=b"not gzip", headers={"Content-Encoding": "gzip"}), e.Rejected),
    ],
)
def test_errors_that_no_retry_mends_are_told_at_once(
    made: Callable[..., PoliteClient], time: FakeTime, reply: Reply, error: type[e.FetchError]
) -> None:
    with serving(replay(reply)) as site, pytest.raises(error):
        made(site).get(site.base + "/a")
    assert all(w < 0.5 for w in time.waits)
    assert len(site.asked) <= 5


@pytest.mark.parametrize(
    "url",
    ["ftp://127.0.0.1/x", "http://other.example/", "http://u:p@127.0.0.1/", "nonsense", "http://[x/", "file:///x"],
)
def test_only_configured_hosts_are_asked(made: Callable[..., PoliteClient], url: str) -> None:
    with pytest.raises(e.Refused) as caught:
        made("127.0.0.1").get(url)
    assert "u:p" not in str(caught.value)


def test_secrets_reach_neither_messages_nor_logs(
    made: Callable[..., PoliteClient], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="cyberpi_assets")
    with serving(replay(Reply(503))) as site, pytest.raises(e.Unavailable) as caught:
        made(site).send("POST", site.base + "/a?crumb=hush", data={"token": "hush"}, headers={"Authorization": "hush"})
    assert "hush" not in str(caught.value) + caught.value.url + caplog.text
    assert "HTTP 503" in caplog.text


@settings(deadline=None)
@given(st.text(max_size=60))
def test_any_retry_after_is_understood_or_ignored(value: str) -> None:
    seconds = retry_after(value, dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    assert seconds is None or seconds >= 0


def test_retry_after_as_a_date() -> None:
    now = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    assert retry_after("Thu, 01 Jan 2026 00:02:00 GMT", now) == 120
    assert retry_after("Wed, 31 Dec 2025 00:00:00 GMT", now) == 0
    assert retry_after("3", now) == 3
    assert retry_after("soon", now) is None
    assert retry_after(None, now) is None


# --------------------------------------------------------------------------------------------------------------- rates


def test_requests_of_one_process_keep_the_rate(tmp_path: Path, time: FakeTime) -> None:
    limiter = HostLimiter(tmp_path, "a.example", 2.0, time.now, time.sleep)
    starts = []
    for _ in range(5):
        limiter.wait()
        starts.append(time.at)
    assert [b - a for a, b in itertools.pairwise(starts)] == pytest.approx([0.5] * 4)
    time.at += 100
    assert limiter.wait() == 0


def test_a_slot_from_a_clock_set_back_or_a_torn_file_is_not_waited_for(tmp_path: Path, time: FakeTime) -> None:
    limiter = HostLimiter(tmp_path, "a.example:80", 1.0, time.now, time.sleep)
    for written in (str(time.at + 1e6), "", "nan", "inf", "x\x00", "1e999"):
        (tmp_path / "a.example_80.slot").write_text(written)
        assert limiter.wait() <= 1.0, written


def test_processes_share_one_rate(tmp_path: Path) -> None:
    """Three processes at 20 a second: 24 requests take 23 slots of 0.05 s; each for itself they would take 7."""
    arrivals: list[float] = []

    def answer(_: Asked) -> Reply:
        arrivals.append(real_time.monotonic())
        return Reply(body=b"x")

    with serving(answer) as site:
        context = mp.get_context("spawn")
        workers = [
            context.Process(target=workers_of.ask, args=(str(tmp_path), site.base, site.host, 8)) for _ in range(3)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(60)
        assert [w.exitcode for w in workers] == [0, 0, 0]
    assert len(arrivals) == 24
    assert arrivals[-1] - arrivals[0] >= 15 * 0.05  # halfway: the first may arrive late on a busy machine


def test_processes_never_fetch_one_document_twice(tmp_path: Path) -> None:
    with serving(lambda asked: Reply(body=asked.path.encode() * 100)) as site:
        urls = [f"{site.base}/{i}.pdf" for i in range(25)]
        context = mp.get_context("spawn")
        workers = [context.Process(target=workers_of.fetch, args=(str(tmp_path), site.host, urls)) for _ in range(3)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(60)
        assert [w.exitcode for w in workers] == [0, 0, 0]
        assert set(site.count().values()) == {1}
        assert len(site.asked) == 25
