"""People are told once: of alerts, warnings, items and failed runs, by a real Apprise through a webhook on loopback."""

from __future__ import annotations

import datetime as dt
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa
import pytest
from pydantic import ValidationError

from cyberpi_assets.orchestration.notifying import OFF, both_to, due_alerts, in_words, outbox_of, tell, tell_warnings
from cyberpi_assets.orchestration.sensors import sensors_of
from cyberpi_assets.orchestration.telling import telling_sensors
from cyberpi_assets.reports.notices import LONGEST_BODY, Notice, harmless, of_alert, of_failed_run, of_item
from cyberpi_assets.settings import Settings
from cyberpi_assets.storage.lake import Lake
from cyberpi_assets.tables import LAKE
from cyberpi_assets_tests.graph.webhook import Webhook, listening

NOW = dt.datetime(2026, 7, 14, 15, 0, tzinfo=dt.UTC)
TOKEN = "tok3n-s3cret"
_EMPTY: dict[str, Any] = {
    "string": "x", "bool": False, "int64": 1, "double": 0.5, "date32[day]": dt.date(2026, 7, 1),
    "timestamp[us, tz=UTC]": NOW, "list<item: string>": [], "list<element: string>": [],
}  # fmt: skip


def now() -> dt.datetime:
    return NOW


@pytest.fixture
def hook() -> Iterator[Webhook]:
    with listening() as webhook:
        yield webhook


def house(folder: Path, *urls: str, **rules: Any) -> tuple[Settings, Lake]:
    settings = Settings(store=folder, notify={"urls": urls, "timeout_seconds": 5, **rules})  # pyright: ignore
    return settings, Lake(settings.lake_dir)


def put(lake: Lake, table: str, *rows: dict[str, Any]) -> None:
    """Rows in place of the table's; what a row leaves out has some value."""
    made = [{c.name: row.get(c.name, _EMPTY[str(c.type)]) for c in LAKE[table].columns} for row in rows]
    lake.write(table, pa.Table.from_pylist(made, schema=LAKE[table].schema))


def alert(name: str, severity: str = "high", state: str = "NEW", **more: Any) -> dict[str, Any]:
    return {"alert_id": f"market:{name}", "subject": name, "severity": severity, "state": state, **more}


def notice(name: str) -> Notice:
    return Notice(f"alert:{name}", "alert", "high", name, f"HIGH alert: {name}", "body")


def states(settings: Settings, lake: Lake) -> dict[str, list[str]]:
    told: dict[str, list[str]] = {}
    for row in sorted(lake.read("notifications").to_pylist(), key=lambda r: (r["tries"], r["state"] != "claimed")):
        told.setdefault(row["notice_id"], []).append(row["state"])
    return told


# ------------------------------------------------------------------------------------------------------------ once each


def test_each_alert_that_holds_and_is_severe_enough_is_told_once(hook: Webhook, tmp_path: Path) -> None:
    settings, lake = house(tmp_path, hook.url())
    put(lake, "alerts", alert("AAA", "critical"), alert("BBB"), alert("CCC", state="CLEARED"), alert("DDD", "medium"))
    assert tell(settings, lake, due_alerts(settings, lake), now).told == 2
    assert sorted(m["title"] for m in hook.messages) == ["CRITICAL alert: AAA, x", "HIGH alert: BBB, x"]
    assert [m["type"] for m in sorted(hook.messages, key=lambda m: m["title"])] == ["failure", "warning"]
    put(lake, "alerts", alert("AAA", "critical", "CONTINUING"), alert("BBB"), alert("EEE"))
    assert tell(settings, lake, due_alerts(settings, lake), now).told == 1
    assert tell(settings, lake, due_alerts(settings, lake), now).told == 0
    assert [m["title"] for m in hook.messages[2:]] == ["HIGH alert: EEE, x"]


def test_two_looks_at_once_tell_once(hook: Webhook, tmp_path: Path) -> None:
    settings, lake = house(tmp_path, hook.url())
    lake.create()
    barrier = threading.Barrier(3)

    def look() -> None:
        barrier.wait()
        tell(settings, Lake(settings.lake_dir), [notice(f"T{i}") for i in range(4)], now)

    threads = [threading.Thread(target=look) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(m["title"] for m in hook.messages) == [f"HIGH alert: T{i}" for i in range(4)]


def test_what_no_service_took_is_sent_again_in_the_same_words_and_not_for_ever(hook: Webhook, tmp_path: Path) -> None:
    settings, lake = house(tmp_path, hook.url(), tries=3)
    hook.status = 503
    first = tell(settings, lake, [notice("A"), notice("B")], now)
    assert (first.sent, first.failed) == (0, 2)
    hook.status = 200
    assert tell(settings, lake, [], now).told == 2  # nothing new is due; the failed ones are
    assert sorted(m["title"] for m in hook.messages) == ["HIGH alert: A", "HIGH alert: B"]
    hook.status = 503
    for _ in range(5):
        tell(settings, lake, [notice("C")], now)
    assert states(settings, lake)["alert:C"] == ["claimed", "failed"] * 3
    assert outbox_of(settings, lake).failed(3) == 0


def test_one_service_that_fails_does_not_keep_the_others_from_it(hook: Webhook, tmp_path: Path) -> None:
    """Who took it is not asked again, for it would be told twice."""
    settings, lake = house(tmp_path, f"json://127.0.0.1:9/{TOKEN}", "nosuchscheme://x", hook.url())
    told = tell(settings, lake, [notice("A")], now)
    assert (told.told, len(hook.messages)) == (1, 1)
    assert "1 of 3 services took it; service 1: did not take it; service 2: no address" in (told.reason or "")
    assert tell(settings, lake, [notice("A")], now).sent == 0
    assert len(hook.messages) == 1


def test_whoever_died_between_taking_on_and_sending_is_counted_and_nobody_is_told_twice(
    hook: Webhook, tmp_path: Path
) -> None:
    settings, lake = house(tmp_path, hook.url())
    outbox = outbox_of(settings, lake)
    outbox.claim([vars(notice("A"))], 5, NOW)
    assert tell(settings, lake, [notice("A"), notice("B")], now).told == 1
    assert [m["title"] for m in hook.messages] == ["HIGH alert: B"]
    assert outbox.unknown(NOW) == 0
    assert outbox.unknown(NOW + dt.timedelta(hours=1)) == 1
    words = in_words(settings, lake, NOW + dt.timedelta(hours=1))
    assert words == "1 told, 1 of which nobody knows whether they went out"


def test_a_flood_is_a_few_messages_that_tell_of_all(hook: Webhook, tmp_path: Path) -> None:
    settings, lake = house(tmp_path, hook.url(), most=5)
    due = [notice(f"N{i:03d}") for i in range(200)]
    told = tell(settings, lake, due, now)
    assert (told.sent, told.told) == (6, 200)
    assert hook.messages[-1]["title"] == "195 more at once"
    lines = hook.messages[-1]["message"].splitlines()
    assert len(hook.messages[-1]["message"]) <= LONGEST_BODY
    assert lines[0] == "HIGH alert: N005"
    assert lines[-1] == f"… and {195 - len(lines) + 1} more"
    assert tell(settings, lake, due, now).sent == 0


def test_a_warning_is_told_once_and_again_when_it_becomes_more_urgent(hook: Webhook, tmp_path: Path) -> None:
    settings, lake = house(tmp_path, hook.url())
    lake.create()

    def warn(*priorities: str) -> None:
        opened = {"warning_id": "warning:ABC:2026-07-01", "ticker": "ABC", "company": "Abc", "state": "open"}
        put(lake, "early_warnings", opened | {"words": "Unusual options", "lead_words": "No lead time."})
        put(
            lake,
            "warning_ledger",
            *({"issue_id": f"warning:ABC:2026-07-01:{p}", "warning_id": "warning:ABC:2026-07-01", "ticker": "ABC",
               "priority": p} for p in priorities),
        )  # fmt: skip

    warn("P2")
    assert tell_warnings(settings, lake, now).sent == 0
    assert lake.read("warning_notices").num_rows == 0  # what was not told is not marked as told
    warn("P2", "P1")
    assert tell_warnings(settings, lake, now).sent == 1
    assert tell_warnings(settings, lake, now).sent == 0
    warn("P2", "P1", "P0")
    assert tell_warnings(settings, lake, now).sent == 1
    assert [m["title"] for m in hook.messages] == ["P1 warning: ABC Abc", "P0 warning: ABC Abc"]
    assert "No lead time." in hook.messages[0]["message"]
    assert sorted(lake.read("warning_notices").column("priority").to_pylist()) == ["P0", "P1"]


# ---------------------------------------------------------------------------------------------------- what goes nowhere


def test_addresses_are_in_no_table_no_word_and_no_log(
    hook: Webhook, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    settings, lake = house(
        tmp_path,
        f"json://user:{TOKEN}@127.0.0.1:9/{TOKEN}",
        f"mailto://me:{TOKEN}@127.0.0.1:9",
        f"bad_{TOKEN}://x",
        hook.url(TOKEN),
    )
    with caplog.at_level(logging.DEBUG):
        told = tell(settings, lake, [notice("A")], now)
    assert "1 of 4 services took it" in (told.reason or "")
    everywhere = [told.words(), repr(told), repr(settings), str(lake.read("notifications").to_pylist()), caplog.text]
    everywhere += [*capfd.readouterr(), str(settings.as_environment())]
    assert [text for text in everywhere if TOKEN in text] == []


def test_addresses_come_from_one_variable_and_are_not_repeated_where_it_is_wrong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CYBERPI_NOTIFY__URLS", " json://a/1 \n mailto://b ")
    assert [u.get_secret_value() for u in Settings().notify.urls] == ["json://a/1", "mailto://b"]  # pyright: ignore
    for name, value in Settings(notify={"most": 7}).as_environment().items():  # pyright: ignore
        monkeypatch.setenv(name, value)  # as a run that Dagster launches has them: the addresses come from outside
    assert (len(Settings().notify.urls), Settings().notify.most) == (2, 7)  # pyright: ignore[reportCallIssue]
    monkeypatch.setenv("CYBERPI_NOTIFY__URLS", '["json://a/1"]')
    assert [u.get_secret_value() for u in Settings().notify.urls] == ["json://a/1"]  # pyright: ignore
    monkeypatch.setenv("CYBERPI_NOTIFY__URLS", f'["json://{TOKEN}"')
    with pytest.raises(ValidationError) as refused:
        Settings()  # pyright: ignore[reportCallIssue]
    assert TOKEN not in str(refused.value)


def test_text_from_outside_calls_nobody_and_opens_nothing() -> None:
    hostile = (
        "@everyone <!channel> [free](https://evil.example/x) www.evil.example \x1b[31mred\x1b[0m\u202e javascript:x"
    )
    found = of_item({"threatId": "threat_1", "severity": "critical", "title": hostile, "source": hostile,
                     "content": hostile * 20_000, "cves": ["CVE-2026-1", hostile]})  # fmt: skip
    for text in (found.title, found.body, found.subject):
        for bad in ("@", "<", "[", "http", "www.", "\x1b", "\u202e", "javascript:"):
            assert bad not in text, (bad, text)
    assert len(found.title) <= 160
    assert len(found.body) <= LONGEST_BODY
    assert harmless("a\nb\tc") == "a b c"
    assert harmless(None) == ""


def test_an_alert_says_what_it_rests_on_and_no_more() -> None:
    found = of_alert(alert("ABC", "critical", "CONTINUING", topic="price_drop", kind="market", suspect=True,
                           first_seen=NOW - dt.timedelta(days=2), last_seen=NOW, n_evidence=3))  # fmt: skip
    assert found.notice_id == "alert:market:ABC"
    assert found.title == "CRITICAL alert: ABC, price drop"
    assert "continuing since 2026-07-12 15:00 UTC" in found.body
    assert "3 pieces of evidence" in found.body
    assert "flagged" in found.body
    assert "no finding" in found.body


def test_items_of_a_worker_are_written_down_and_the_severe_ones_told(hook: Webhook, tmp_path: Path) -> None:
    settings, _ = house(tmp_path, hook.url())
    written: list[Any] = []
    send = both_to(written.extend, settings, now)
    items: list[Any] = [{"threatId": f"threat_{s}", "severity": s, "title": s} for s in ("low", "high", "critical")]
    send(items)
    send(items)
    assert len(written) == 6
    assert sorted(m["title"] for m in hook.messages) == ["CRITICAL threat item: critical", "HIGH threat item: high"]


# -------------------------------------------------------------------------------------------------------------- sensors


def sensor(name: str, settings: Settings) -> dg.SensorDefinition:
    (found,) = [s for s in telling_sensors(settings, now) if s.name == name]
    return found


def test_nobody_is_told_of_anything_by_default(tmp_path: Path) -> None:
    settings, lake = house(tmp_path)
    put(lake, "alerts", alert("AAA", "critical"))
    for each in telling_sensors(settings, now):
        assert each.default_status is dg.DefaultSensorStatus.STOPPED
        assert each.description
    found = sensor("high_severity_alerts", settings).evaluate_tick(dg.build_sensor_context())
    assert found.skip_message == OFF
    assert tell(settings, lake, due_alerts(settings, lake), now).sent == 0
    assert lake.version("notifications") == -1
    assert {s.name for s in sensors_of(settings)} == {
        "new_filings", "incoming_files", "high_severity_alerts", "early_warning_notices", "failed_runs",
    }  # fmt: skip


def test_a_sensor_looks_when_the_table_has_changed_or_something_failed(hook: Webhook, tmp_path: Path) -> None:
    settings, lake = house(tmp_path, hook.url())
    watch, cursor = sensor("high_severity_alerts", settings), None

    def tick() -> str:
        nonlocal cursor
        found = watch.evaluate_tick(dg.build_sensor_context(cursor=cursor))
        cursor = found.cursor or cursor
        assert not found.run_requests
        return found.skip_message or ""

    assert tick().startswith("no data yet")
    put(lake, "alerts", alert("AAA"))
    assert tick() == "1 told in 1 message"
    assert tick() == "nothing new since the last look"
    hook.status = 500
    put(lake, "alerts", alert("AAA"), alert("BBB"))
    assert "later look tries again" in tick()
    hook.status = 200
    assert tick() == "1 told in 1 message"
    assert tick() == "nothing new since the last look"
    cursor = None  # a cursor that was lost tells nobody again
    assert tick() == "0 told in 0 messages"
    assert len(hook.messages) == 2


def test_a_run_that_failed_is_told_with_its_step_and_reason_once(hook: Webhook, tmp_path: Path) -> None:
    settings, _ = house(tmp_path, hook.url())

    @dg.op
    def breaks() -> None:
        raise RuntimeError("the disk is full\nsecond line")

    @dg.job
    def doomed() -> None:
        breaks()

    with dg.DagsterInstance.ephemeral() as instance:
        done = doomed.execute_in_process(
            instance=instance, raise_on_error=False, tags={"dagster/partition": "2026-07"},
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )  # fmt: skip
        event = next(e for e in done.all_events if e.event_type is dg.DagsterEventType.RUN_FAILURE)
        for _ in range(2):
            context = dg.build_run_status_sensor_context("failed_runs", event, instance, done.dagster_run)
            sensor("failed_runs", settings)(context.for_run_failure())
    (message,) = hook.messages
    assert message["title"] == "Run failed: doomed"
    for words in ("over 2026-07 to 2026-07", "Step: breaks.", "the disk is full", done.run_id):
        assert words in message["message"]
    assert "second line" not in message["message"]


def test_a_failure_without_a_step_has_its_words() -> None:
    found = of_failed_run("r1", "sweep", None, None, "The process of this run is gone.", NOW)
    assert "The process of this run is gone." in found.body
    assert found.notice_id == "run:r1"
