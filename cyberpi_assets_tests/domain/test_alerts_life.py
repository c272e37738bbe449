"""The life of an alert, against a machine that walks day by day and decides as a person would."""

from __future__ import annotations

import datetime as dt
from typing import Any

import exchange_calendars
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cyberpi_assets.domain.alerts_life import EVIDENCE_KEPT, alerts, closes, kinds
from cyberpi_assets.domain.alerts_life import lives as lives_of
from cyberpi_assets.rules.figures import AlertLifeRules
from cyberpi_assets.tables import ALERTS, conform
from cyberpi_assets_tests.domain import rows

D, UTC = dt.date, dt.UTC
RULES = AlertLifeRules()  # pyright: ignore[reportCallIssue]
DAYS = [d for d in rows.exchange_days() if D(2024, 6, 24) <= d <= D(2024, 8, 30)]  # the third of July closes early
CLOSES = closes()
_CALENDAR = exchange_calendars.get_calendar("XNYS")


def close_of(day: dt.date) -> dt.datetime:
    return _CALENDAR.session_close(day.isoformat()).to_pydatetime()


def bar(ticker: str, day: dt.date, volume: int | None = 5) -> dict[str, Any]:
    return {"ticker": ticker, "session": day, "open": 1.0, "high": 1.0, "low": 1.0, "close": 1.0, "volume": volume}


def score(ticker: str, at: dt.datetime, figure: int | None, source: str = "made") -> dict[str, Any]:
    return {
        "threat_id": f"financial_{ticker}_{at:%Y%m%d_%H%M}", "ticker": ticker, "snapshot_at": at, "session": at.date(),
        "source": source, "seed_score": figure, "coverage": 1.0, "n_fired": 0, "n_unknown": 0, "data_type": "live",
        "history_n": 0, "partial_day": False, "stale_minutes": 0.0,
    }  # fmt: skip


def lives(
    bars: list[dict[str, Any]],
    raised: list[dict[str, Any]],
    scores: list[dict[str, Any]] | None = None,
    **more: list[dict[str, Any]],
) -> list[dict[str, Any]]:
    others = ("trading_halts", "intelligence_items", "fused_signals")
    found = alerts(
        RULES,
        market_alerts=rows.alerts(raised),
        daily_bars=rows.bars(bars).select(["ticker", "session", "volume"]),
        threat_scores=rows.frame("threat_scores", scores or []),
        **{name: rows.frame(name, more.get(name, [])) for name in others},
    )
    conform(ALERTS, found)
    return found.to_pylist()


def test_one_threat_over_consecutive_sessions_is_one_alert_that_is_cleared_by_data() -> None:
    bars = [bar("AA", d) for d in DAYS[:6]]
    raised = [rows.alert("AA", DAYS[1], 8), rows.alert("AA", DAYS[2], 5)]
    (found,) = lives(bars, raised)
    assert found == {
        "alert_id": f"market:AA:unusual_volume:{DAYS[1]}",
        "subject": "AA",
        "kind": "market",
        "topic": "unusual_volume",
        "severity": "medium",
        "severity_figure": 5.0,
        "state": "CLEARED",
        "first_seen": close_of(DAYS[1]),
        "last_seen": close_of(DAYS[2]),
        "cleared_at": close_of(DAYS[3]),
        "known_to": close_of(DAYS[3]),
        "n_evidence": 2,
        "peak_figure": 8.0,
        "suspect": False,
        "evidence": [f"AA:{DAYS[1]}:unusual_volume", f"AA:{DAYS[2]}:unusual_volume"],
    }


def test_a_session_closes_when_the_exchange_did() -> None:
    early = D(2024, 7, 3)
    (found,) = lives([bar("AA", early)], [rows.alert("AA", early, 8)])
    assert found["first_seen"] == dt.datetime(2024, 7, 3, 17, 0, tzinfo=UTC)
    assert (found["state"], found["cleared_at"], found["severity"]) == ("NEW", None, "high")


def test_what_is_not_known_neither_continues_nor_clears() -> None:
    raised = [rows.alert("AA", DAYS[0], 8)]
    halted = [bar("AA", DAYS[0])]
    (found,) = lives([*halted, *(bar("BB", d) for d in DAYS[:9])], raised)
    assert (found["state"], found["known_to"]) == ("NEW", close_of(DAYS[0]))
    (found,) = lives([*halted, bar("AA", DAYS[5])], [*raised, rows.alert("AA", DAYS[5], 9)])
    assert (found["state"], found["n_evidence"]) == ("CONTINUING", 2)
    silent = [bar("AA", DAYS[0]), bar("AA", DAYS[1], None)]  # a bar, but not its volume
    assert [a["state"] for a in lives(silent, raised)] == ["NEW"]
    by_price = [rows.alert("AA", DAYS[0], 8, "price_drop")]
    assert [a["state"] for a in lives(silent, by_price)] == ["CLEARED"]


def test_evidence_after_a_long_silence_is_another_alert() -> None:
    far = next(d for d in DAYS if (d - DAYS[0]).days > 31)
    bars = [bar("AA", DAYS[0]), bar("AA", far)]
    old, new = lives(bars, [rows.alert("AA", DAYS[0], 8), rows.alert("AA", far, 9)])
    assert (old["state"], old["cleared_at"]) == ("CLEARED", close_of(far))
    assert (new["state"], new["alert_id"]) == ("NEW", f"market:AA:unusual_volume:{far}")


def test_snapshots_of_options_and_two_providers_of_one_moment() -> None:
    at = [dt.datetime(2024, 7, 8, 14, 0, tzinfo=UTC) + dt.timedelta(minutes=30 * i) for i in range(6)]
    figures = [40, 70, None, 82, 49, 90]
    scores = [score("UU", t, f) for t, f in zip(at, figures, strict=True)] + [score("UU", at[1], 85, "other")]
    first, second = lives([], [], scores)
    assert first["alert_id"] == "options:UU:option_threat:2024-07-08T14:30:00Z"
    assert (first["state"], first["severity"], first["peak_figure"], first["n_evidence"]) == (
        "CLEARED", "critical", 85.0, 2,
    )  # fmt: skip
    assert (first["last_seen"], first["cleared_at"]) == (at[3], at[4])
    assert first["evidence"] == ["financial_UU_20240708_1430", "financial_UU_20240708_1530"]
    assert (second["state"], second["first_seen"]) == ("NEW", at[5])


def test_the_newest_evidence_is_kept_and_all_of_it_counted() -> None:
    many = DAYS[: EVIDENCE_KEPT + 5]
    raised = [rows.alert("AA", d, 7, suspect_data=d == many[0]) for d in many]
    (found,) = lives([bar("AA", d) for d in many], raised)
    assert found["n_evidence"] == len(many)
    assert found["evidence"] == [f"AA:{d}:unusual_volume" for d in many[-EVIDENCE_KEPT:]]
    assert found["suspect"]


def test_nothing_comes_of_nothing() -> None:
    assert lives([], []) == []


# ------------------------------------------------------------------------------------------- a machine, day by day


_NOTHING, _SILENT, _CALM = "nothing", "silent", "calm"
day_of = st.sampled_from([_NOTHING, _SILENT, _CALM, None, 1, 4, 7, 9])


class Machine:
    """Walks one subject's topic through its days; knows nothing of SQL, windows or what comes after."""

    def __init__(self, ticker: str, topic: str) -> None:
        self.ticker, self.topic, self.open, self.done = ticker, topic, None, list[dict[str, Any]]()

    def see(self, day: dt.date, what: Any) -> None:
        moment = close_of(day)
        if what == _NOTHING or (what == _SILENT and self.topic == "unusual_volume"):
            return
        if what in (_CALM, _SILENT):
            if self.open:
                self.end(moment)
            return
        if self.open and moment - self.open["last_seen"] > dt.timedelta(days=RULES.market_silence_days):
            self.end(moment)
        if not self.open:
            self.open = {
                "alert_id": f"market:{self.ticker}:{self.topic}:{day}", "first_seen": moment, "state": "NEW",
                "n_evidence": 0, "peak_figure": None, "cleared_at": None,
            }  # fmt: skip
        else:
            self.open["state"] = "CONTINUING"
        known = [f for f in (self.open["peak_figure"], what) if f is not None]
        self.open |= {
            "last_seen": moment,
            "known_to": moment,
            "severity_figure": what,
            "peak_figure": max(known, default=None),
        }
        self.open["n_evidence"] += 1

    def end(self, moment: dt.datetime) -> None:
        self.done.append(self.open | {"state": "CLEARED", "cleared_at": moment, "known_to": moment})
        self.open = None

    def told(self) -> list[dict[str, Any]]:
        return [*self.done, *([dict(self.open)] if self.open else [])]


Story = dict[str, list[Any]]


def market_lives(story: Story, topic: str, through: int) -> list[dict[str, Any]]:
    """The alerts of one kind alone: what has no scores needs no look at them."""
    bars, raised = facts(story, topic, through)
    frames = {"market_alerts": rows.alerts(raised), "daily_bars": rows.bars(bars), "closes": CLOSES}
    return lives_of(kinds(RULES)[0], frames).to_pylist()


def facts(story: Story, topic: str, through: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    bars, raised = list[dict[str, Any]](), list[dict[str, Any]]()
    for ticker, days in story.items():
        for day, what in list(zip(DAYS[::2], days, strict=False))[:through]:
            if what != _NOTHING:
                bars.append(bar(ticker, day, None if what == _SILENT else 5))
            if what not in (_NOTHING, _SILENT, _CALM):
                raised.append(rows.alert(ticker, day, what, topic))
    return bars, raised


stories = st.dictionaries(st.sampled_from(["AA", "BB", "CC"]), st.lists(day_of, max_size=22), min_size=1)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(story=stories, topic=st.sampled_from(["unusual_volume", "price_drop"]))
def test_the_whole_at_once_is_what_walking_day_by_day_gives(story: Story, topic: str) -> None:
    machines = {ticker: Machine(ticker, topic) for ticker in story}
    for ticker, days in story.items():
        for day, what in zip(DAYS[::2], days, strict=False):
            machines[ticker].see(day, what)
    told = {a["alert_id"]: a for m in machines.values() for a in m.told()}
    found = {a["alert_id"]: a for a in market_lives(story, topic, len(DAYS))}
    assert found.keys() == told.keys()
    for alert_id, expected in told.items():
        shown = {k: found[alert_id][k] for k in expected}
        assert shown == expected


@settings(max_examples=12, deadline=None, derandomize=True)
@given(story=stories, through=st.integers(0, 21))
def test_what_was_told_stays_told_when_more_days_come(story: Story, through: int) -> None:
    """Ids and beginnings stay; what was cleared stays as it was; states only go forward."""
    before = {a["alert_id"]: a for a in market_lives(story, "price_drop", through)}
    after = {a["alert_id"]: a for a in market_lives(story, "price_drop", through + 1)}
    order = ["NEW", "CONTINUING", "CLEARED"]
    for alert_id, was in before.items():
        now = after[alert_id]
        assert now["first_seen"] == was["first_seen"]
        assert order.index(now["state"]) >= order.index(was["state"])
        assert now["n_evidence"] - was["n_evidence"] in (0, 1)
        if was["state"] == "CLEARED":
            assert now == was
    raised_now = set(after) - set(before)
    assert all(after[a]["state"] == "NEW" for a in raised_now)


def test_the_order_of_rows_does_not_matter() -> None:
    bars = [bar(t, d) for t in ("AA", "BB") for d in DAYS[:20]]
    raised = [rows.alert(t, d, 7, k) for t in ("AA", "BB") for d in DAYS[2:9:3] for k in ("price_drop", "price_spike")]
    assert lives(bars, raised) == lives(bars[::-1], raised[::-1])


WORDS = {10: "critical", 9: "critical", 8: "high", 7: "high", 6: "medium", 4: "medium", 3: "low", None: "unknown"}


@pytest.mark.parametrize(("figure", "word"), list(WORDS.items()))
def test_severity_in_words(figure: int | None, word: str) -> None:
    (found,) = lives([bar("AA", DAYS[0])], [rows.alert("AA", DAYS[0], figure)])
    assert found["severity"] == word
