"""Halts, threats in the news and fused signals as alerts: cases whose answers were worked out by hand."""

from __future__ import annotations

import datetime as dt
from typing import Any

import duckdb
import pytest

from cyberpi_assets.checks.alerts import traced
from cyberpi_assets.domain.alert_kinds import kinds
from cyberpi_assets.domain.alerts_life import lives as lives_of
from cyberpi_assets.rules.figures import AlertLifeRules
from cyberpi_assets_tests.domain import rows
from cyberpi_assets_tests.domain.test_alerts_life import bar, close_of, lives, score

D = dt.date
RULES = AlertLifeRules()  # pyright: ignore[reportCallIssue]


def at(day: int, hour: int = 14, minute: int = 0, second: int = 0, month: int = 7) -> dt.datetime:
    return dt.datetime(2024, month, day, hour, minute, second, tzinfo=dt.UTC)


def halt(
    ticker: str, halted: dt.datetime, resumed: dt.datetime | None, kind: str = "news_pending", code: str = "T1"
) -> dict[str, Any]:
    return {
        "halt_id": f"{ticker}:{halted:%Y%m%dT%H%M%S}", "ticker": ticker, "halted_on": halted.date(),
        "halted_at": halted, "available_at": halted, "reason_code": code, "reason_codes": [code],
        "reason_kind": kind, "resumed_at": resumed, "n_sources": 1, "source": "s", "file": "f", "line": 1,
    }  # fmt: skip


def item(n: int, moment: dt.datetime, tickers: list[str], severity: str = "high", **more: Any) -> dict[str, Any]:
    return {
        "threat_id": f"threat_{n:016x}", "title": "t", "content": "c", "source": "wire", "source_url": "cyberpi://x/1",
        "severity": severity, "severity_reason": "by rule", "published_date": moment, "ingested_date": moment,
        "available_at": moment, "published_on": moment.date(), "kind": "news", "ref": str(n), "tickers": tickers,
        "named_tickers": tickers, "negated": False, "story_id": f"threat_{n:016x}", "metadata": "{}",
    } | more  # fmt: skip


def signal(ticker: str, moment: dt.datetime, score: float, origins: int = 2, **more: Any) -> dict[str, Any]:
    return {
        "fused_id": f"fused:{ticker}:{moment:%Y-%m-%d}", "ticker": ticker, "day": moment.date(),
        "available_at": moment, "score": score, "financial": score, "traditional": 0.0, "n_origins": origins,
        "confidence": "medium", "disclosed": False, "words": "w", "decided": score,
    } | more  # fmt: skip


# ------------------------------------------------------------------------------------------------------------ halts


def test_a_halt_holds_over_closes_until_trade_resumes() -> None:
    """Halted on a Monday, resumed on Wednesday morning: two closes of the exchange lie between."""
    suspended = halt("AA", at(8, 14), at(10, 13, 45), "sec_suspension", "H10")
    (found,) = lives([], [], trading_halts=[suspended])
    assert found == {
        "alert_id": "halt:AA:sec_suspension:2024-07-08T14:00:00Z", "subject": "AA", "kind": "halt",
        "topic": "sec_suspension", "severity": "high", "severity_figure": 3.0, "state": "CLEARED",
        "first_seen": at(8, 14), "last_seen": close_of(D(2024, 7, 9)), "cleared_at": at(10, 13, 45),
        "known_to": at(10, 13, 45), "n_evidence": 1, "peak_figure": 3.0, "suspect": False,
        "evidence": ["AA:20240708T140000"],
    }  # fmt: skip


def test_a_halt_without_a_stated_end_is_ended_by_trade_on_a_later_day_alone() -> None:
    halted = halt("AA", at(8), None)
    silent = [
        bar("AA", D(2024, 7, 8)),
        bar("BB", D(2024, 7, 9)),
        bar("AA", D(2024, 7, 9), 0),
        bar("AA", D(2024, 7, 10), None),
    ]
    (found,) = lives(silent, [], trading_halts=[halted])
    assert (found["state"], found["cleared_at"], found["severity"]) == ("NEW", None, "medium")
    (found,) = lives([*silent, bar("AA", D(2024, 7, 11))], [], trading_halts=[halted])
    assert (found["state"], found["cleared_at"]) == ("CLEARED", close_of(D(2024, 7, 11)))


def test_halted_twice_in_a_day_is_two_alerts_if_trade_resumed_between_and_one_if_nobody_knows() -> None:
    again = halt("AA", at(8, 16), at(8, 16, 5), "volatility", "LUDP")
    two = lives([], [], trading_halts=[halt("AA", at(8, 14), at(8, 14, 5), "volatility", "LUDP"), again])
    assert [(a["state"], a["severity"], a["cleared_at"]) for a in two] == [
        ("CLEARED", "low", at(8, 14, 5)), ("CLEARED", "low", at(8, 16, 5)),
    ]  # fmt: skip
    (one,) = lives([], [], trading_halts=[halt("AA", at(8, 14), None, "volatility", "LUDP"), again])
    assert (one["n_evidence"], one["first_seen"], one["cleared_at"]) == (2, at(8, 14), at(8, 16, 5))
    assert one["evidence"] == ["AA:20240708T140000", "AA:20240708T160000"]


def test_a_halt_without_an_end_is_over_when_the_symbol_is_halted_again_long_after() -> None:
    """No bars of the symbol: that it is halted again says that it had traded."""
    first = halt("AA", at(8, 14), None, "volatility", "LUDP")
    second = halt("AA", dt.datetime(2024, 9, 20, 14, tzinfo=dt.UTC), None, "volatility", "LUDP")
    third = halt("AA", dt.datetime(2024, 9, 20, 15, tzinfo=dt.UTC), dt.datetime(2024, 9, 20, 16, tzinfo=dt.UTC))
    found = lives([], [], trading_halts=[first, second, third])
    ends = {(a["topic"], a["first_seen"]): a["cleared_at"] for a in found}
    assert ends == {
        ("volatility", first["halted_at"]): second["halted_at"],
        ("volatility", second["halted_at"]): third["halted_at"],
        ("news_pending", third["halted_at"]): third["resumed_at"],
    }


def test_a_halt_of_no_second_ends_a_second_later_and_one_that_ends_before_it_begins_is_open() -> None:
    (same,) = lives([], [], trading_halts=[halt("AA", at(8), at(8))])
    assert same["cleared_at"] == at(8, second=1)
    (slip,) = lives([], [], trading_halts=[halt("AA", at(8), at(7))])
    assert (slip["state"], slip["cleared_at"]) == ("NEW", None)


def test_the_whole_market_and_corporate_actions_are_no_threat_to_one_company() -> None:
    given = [halt("AA", at(8), None, "market_wide", "MWC1"), halt("AA", at(9), None, "corporate", "D")]
    assert lives([], [], trading_halts=given) == []


# ------------------------------------------------------------------------------------------------------------- news


def test_threats_in_the_news_hold_for_a_week_after_the_newest_and_end_with_the_first_item_after_it() -> None:
    given = [
        item(1, at(1), ["AA"]),
        item(2, at(6), ["AA"], "critical", kind="filing"),
        item(3, at(8, 14, 1), ["ZZ"], "low"),  # a week after the first, but not after the newest
        item(4, at(13, 13, 59), ["ZZ"], "low"),
        item(5, at(13, 14), ["ZZ"], "low"),
    ]
    (found,) = lives([], [], intelligence_items=given)
    assert found == {
        "alert_id": "news:AA:cyber_incident:2024-07-01T14:00:00Z", "subject": "AA", "kind": "news",
        "topic": "cyber_incident", "severity": "critical", "severity_figure": 4.0, "state": "CLEARED",
        "first_seen": at(1), "last_seen": at(6), "cleared_at": at(13), "known_to": at(13), "n_evidence": 2,
        "peak_figure": 4.0, "suspect": False, "evidence": [f"threat_{n:016x}" for n in (1, 2)],
    }  # fmt: skip
    (open_,) = lives([], [], intelligence_items=given[:-1])
    assert (open_["state"], open_["cleared_at"]) == ("CONTINUING", None)


def test_two_topics_of_one_company_end_on_their_own() -> None:
    given = [
        item(1, at(1), ["AA"]),
        item(2, at(5), ["AA"], kind="kev", named_tickers=[]),
        item(3, at(9), ["BB"], "low"),
    ]
    found = {a["topic"]: (a["state"], a["cleared_at"]) for a in lives([], [], intelligence_items=given)}
    assert found == {"cyber_incident": ("CLEARED", at(9)), "vulnerability": ("NEW", None)}


def test_only_severe_news_of_companies_that_the_text_names_and_each_story_once() -> None:
    given = [
        item(1, at(1), ["AA", "BB"], named_tickers=["AA"]),  # BB is stated by the provider only
        item(2, at(1, 15), ["AA"], story_id=f"threat_{1:016x}", duplicate_of=f"threat_{1:016x}"),
        item(3, at(2), ["CC"], "medium"),
        item(4, at(2), ["CC"], negated=True),
        item(5, at(2), ["CC"], kind="halt"),
        item(6, at(2), []),
        item(7, at(3), ["DD"], kind="sanction", named_tickers=[]),
    ]
    found = lives([], [], intelligence_items=given)
    assert [(a["subject"], a["topic"], a["n_evidence"], a["evidence"]) for a in found] == [
        ("AA", "cyber_incident", 1, [f"threat_{1:016x}"]),
        ("DD", "sanctions", 1, [f"threat_{7:016x}"]),
    ]


# ------------------------------------------------------------------------------------------------------------ fused


def test_a_fused_signal_goes_on_is_cleared_by_a_lower_one_and_fades_where_none_follows() -> None:
    given = [
        signal("AA", at(1), 0.45),
        signal("AA", at(9), 0.7, 3),
        signal("AA", at(12), 0.2, 3),  # below the score
        signal("BB", at(2), 0.9, 1, disclosed=True),  # one origin is not enough
        signal("CC", at(3), 0.3),
        signal("ZZ", at(2, month=8), 0.1, 1),  # the first row after thirty days of silence
    ]
    aa, cc = lives([], [], fused_signals=given)
    assert (aa["alert_id"], aa["state"], aa["cleared_at"]) == (
        "fused:AA:fused_signal:2024-07-01T14:00:00Z", "CLEARED", at(12),
    )  # fmt: skip
    assert (aa["severity"], aa["severity_figure"], aa["peak_figure"]) == ("high", 0.7, 0.7)
    assert aa["evidence"] == ["fused:AA:2024-07-01", "fused:AA:2024-07-09"]
    assert (cc["severity"], cc["state"], cc["cleared_at"]) == ("low", "CLEARED", at(2, month=8))


def test_a_verdict_changes_how_severe_an_alert_is_and_not_that_it_was_raised() -> None:
    dismissed = signal("AA", at(1), 0.7, verdict="dismissed", decided=0.0)
    confirmed = signal("BB", at(1), 0.3, verdict="confirmed", decided=1.0)
    found = lives([], [], fused_signals=[dismissed, confirmed])
    assert [(a["subject"], a["severity"], a["state"]) for a in found] == [
        ("AA", "low", "NEW"), ("BB", "critical", "NEW"),
    ]  # fmt: skip


@pytest.mark.parametrize(("confidence", "raised"), [("low", "ABC"), ("medium", "BC"), ("high", "C")])
def test_the_confidence_asked_for_is_a_number_of_origins(confidence: str, raised: str) -> None:
    rules = RULES.model_copy(update={"fused_confidence": confidence})
    (fused,) = [k for k in kinds(rules) if k.name == "fused"]
    given = [signal(t, at(1), 0.5, n) for n, t in enumerate("ABC", 1)]
    found = lives_of(fused, {"fused_signals": rows.frame("fused_signals", given)})
    assert found.column("subject").to_pylist() == list(raised)


# ---------------------------------------------------------------------------------------------------------- evidence


def test_evidence_of_every_kind_leads_to_a_row_of_its_table_and_no_other() -> None:
    con = duckdb.connect()
    frames = {
        "market_alerts": [rows.alert("AA", D(2024, 7, 1), 8)],
        "threat_scores": [score("AA", at(1), 60)],
        "trading_halts": [halt("AA", at(1), None)],
        "intelligence_items": [item(1, at(1), ["AA"])],
        "fused_signals": [signal("AA", at(1), 0.5)],
    }
    for name, given in frames.items():
        con.register(name, rows.frame(name, given))
    raised = lives([bar("AA", D(2024, 7, 1))], frames["market_alerts"], frames["threat_scores"],
                   **{k: frames[k] for k in ("trading_halts", "intelligence_items", "fused_signals")})  # fmt: skip
    con.register("alerts", rows.frame("alerts", raised))
    assert sorted(a["kind"] for a in raised) == ["fused", "halt", "market", "news", "options"]
    assert traced(con) == {"named": 5, "unknown": 0, "market_alerts_left_out": 0}
    others = [a | {"evidence": raised[n - 1]["evidence"]} for n, a in enumerate(raised)]  # of another kind
    con.register("alerts", rows.frame("alerts", others))
    assert traced(con)["unknown"] == 5
