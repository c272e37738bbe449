"""Detectors on a small market: what gives a signal and when, what does not, and what the account says of it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from cyberpi_assets.domain.detectors.breach import WEIGHTS, falls
from cyberpi_assets.domain.detectors.record import account, outcomes
from cyberpi_assets.domain.detectors.signal import SCHEMA
from cyberpi_assets.domain.detectors.whole import detector_signals
from cyberpi_assets.rules.figures import SignalRules
from cyberpi_assets.tables import DETECTOR_SIGNALS, conform
from cyberpi_assets_tests.domain import rows
from cyberpi_assets_tests.domain.signals import world
from cyberpi_assets_tests.domain.signals.world import DAYS, D, at, filing, halt, incident, item, score

RULES = SignalRules()  # pyright: ignore[reportCallIssue]
CALM = world.prices({})
DAY = DAYS[220]


def found(bars: pa.Table = CALM, **given: list[dict[str, Any]]) -> list[dict[str, Any]]:
    made = detector_signals(
        RULES, "MKT", daily_bars=bars, companies=rows.sectors(world.COMPANIES), **world.tables(**given)
    )
    conform(DETECTOR_SIGNALS, made)
    return made.to_pylist()


def of(signals: list[dict[str, Any]], detector: str) -> list[dict[str, Any]]:
    return [s for s in signals if s["detector"] == detector]


def test_a_fall_is_measured_against_market_and_sector() -> None:
    alone = world.prices({("C0", DAY): -0.12})
    together = world.prices({(f"C{k}", DAY): -0.12 for k in range(6)})
    everybody = world.prices({(t, DAY): -0.12 for t in ("MKT", *world.COMPANIES)})
    early = world.prices({("C0", DAYS[40]): -0.12})  # too little of a past to know its usual moves
    companies = rows.sectors(world.COMPANIES)
    (fall,) = falls(alone, companies, "MKT", RULES).to_pylist()
    assert (fall["ticker"], fall["session"], fall["against_sector"]) == ("C0", DAY, True)
    for calm in (together, everybody, early, CALM):
        assert falls(calm, companies, "MKT", RULES).num_rows == 0


def test_the_market_model_agrees_with_least_squares_by_hand() -> None:
    bars = world.prices({("C0", DAY): -0.12})
    (fall,) = falls(bars, rows.sectors({}), "MKT", RULES).to_pylist()
    close = {t: [r["close"] for r in bars.to_pylist() if r["ticker"] == t] for t in ("C0", "MKT")}
    r, m = (np.diff(np.log(close[t])) for t in ("C0", "MKT"))
    k = 219  # the move into session 220
    x, y = m[k - 140 : k - 20], r[k - 140 : k - 20]
    design = np.column_stack([np.ones(120), x])
    (alpha, beta), *_ = np.linalg.lstsq(design, y, rcond=None)
    sd = np.sqrt(((y - alpha - beta * x) ** 2).sum() / 118)
    assert fall["beyond"] == pytest.approx(r[k] - alpha - beta * m[k])
    assert fall["z"] == pytest.approx(fall["beyond"] / sd)
    assert not fall["against_sector"]


def test_a_stock_at_rest_has_no_usual_moves_to_fall_beyond() -> None:
    def quoted(bar: dict[str, Any]) -> dict[str, Any]:
        return bar | {"close": 10.0 if bar["session"] < DAY else 8.0} if bar["ticker"] == "C0" else bar

    bars = rows.bars(quoted(b) for b in CALM.to_pylist())
    assert falls(bars, rows.sectors(world.COMPANIES), "MKT", RULES).num_rows == 0


def test_one_kind_of_trace_is_no_signal_and_another_kind_makes_it_one() -> None:
    bars = world.prices({("C0", DAY): -0.12})
    volume = [rows.alert("C0", d, 9) for d in DAYS[212:219]]
    assert found(CALM, market_alerts=volume) == []
    assert found(bars) == []
    (signal,) = found(bars, market_alerts=volume)
    assert (signal["topic"], signal["subject"], signal["day"]) == ("drop", "C0", DAY)
    assert signal["strength"] == pytest.approx(1 - (1 - WEIGHTS["drop"]) * (1 - WEIGHTS["volume"]))
    assert f"C0:{DAY}:fall" in signal["evidence"]
    assert signal["outcome"] == "none"
    (early,) = found(CALM, market_alerts=volume, threat_scores=[score("C0", at(DAYS[214]), 75)])
    assert (early["topic"], early["available_at"]) == ("footprint", at(DAYS[214]))
    far = [score("C0", at(DAY) + dt.timedelta(days=30), 75)]
    assert found(CALM, market_alerts=volume, threat_scores=far) == []


def test_a_halt_for_news_counts_and_a_volatility_pause_does_not() -> None:
    bars = world.prices({("C0", DAY): -0.12})
    (signal,) = found(bars, trading_halts=[halt("C0", at(DAY, 19))])
    assert signal["topic"] == "halt"
    assert found(bars, trading_halts=[halt("C0", at(DAY, 19), "LUDP")]) == []


def test_who_has_disclosed_gives_no_signal_and_earnings_halve_it() -> None:
    bars = world.prices({("C0", DAY): -0.12})
    traces = {"market_alerts": [rows.alert("C0", DAY, 9)]}
    known = [filing("a-1", "C0", at(DAYS[219]))]
    assert of(found(bars, company_filings=known, **traces), "breach_before_disclosure") == []
    due = {"ticker": "C0", "event_on": DAYS[221], "event": "earnings", "known_from": DAYS[200], "source": "made"}
    full = found(bars, **traces)[0]["strength"]
    (signal,) = found(bars, company_events=[due], **traces)
    assert signal["strength"] == pytest.approx(full / 2, abs=1e-4)
    assert signal["against"]
    later = due | {"known_from": DAYS[222]}  # nobody knew of it yet
    assert found(bars, company_events=[later], **traces)[0]["strength"] == full


def test_what_comes_later_changes_no_signal_but_its_outcome() -> None:
    bars = world.prices({("C0", DAY): -0.12})
    traces = {"market_alerts": [rows.alert("C0", DAY, 9)]}
    after = DAY + dt.timedelta(days=9)
    (before,) = found(bars, **traces)
    (then,) = found(bars, incidents=[incident("i", "C0", after)], **traces)
    assert (then["outcome"], then["outcome_id"], then["outcome_days"]) == ("followed", "i", 9)
    looks_ahead = {"outcome", "outcome_id", "outcome_days"}
    assert {k: v for k, v in then.items() if k not in looks_ahead} == {
        k: v for k, v in before.items() if k not in looks_ahead
    }
    (same,) = found(bars, incidents=[incident("i", "C0", DAY)], **traces)
    assert same["outcome"] == "same_day"
    (weak,) = found(bars, incidents=[incident("i", "C0", after, grade="weak")], **traces)
    assert weak["outcome"] == "none"
    planted = [{"subject": "company", "ticker": "C0", "kind": "breach", "event_on": after}]
    (told,) = found(bars, demo_truth=planted, **traces)
    assert told["outcome_days"] == 9
    (fresh,) = found(CALM, market_alerts=[rows.alert("C1", DAYS[-1], 9)], trading_halts=[halt("C1", at(DAYS[-1]))])
    assert fresh["outcome"] == "open"


def test_a_rumour_is_confirmed_by_another_story_only() -> None:
    heard = item("1", at(D(2024, 5, 6)), "Hackers claim data breach at Cee")
    again = item("2", at(D(2024, 5, 8)), "Cee reportedly hit by data breach")
    denied = item("3", at(D(2024, 5, 9)), "Cee confirms no breach", negated=True)
    copy = item("4", at(D(2024, 5, 9)), "Cee confirms breach", story_id="threat_1")
    eight_k = item("5", at(D(2024, 5, 16)), "8-K Cee: Item 1.05", kind="filing", source="SEC EDGAR")
    late = item("6", at(D(2024, 7, 1)), "Cee confirms data breach")
    assert [s["topic"] for s in found(intelligence_items=[heard, again, denied, copy, late])] == ["rumour"]
    rumour, confirmed = found(intelligence_items=[heard, again, denied, copy, eight_k, late])
    assert (rumour["topic"], rumour["available_at"]) == ("rumour", at(D(2024, 5, 6)))
    assert confirmed["available_at"] == at(D(2024, 5, 16))
    assert confirmed["evidence"] == ["threat_1", "threat_5"]
    assert "after 10 days" in confirmed["words"]


def test_an_acquirer_inherits_once_both_are_known() -> None:
    deal = {
        "mna_id": "m", "ticker_target": "C0", "ticker_acquirer": "E0", "target": "Cee", "acquirer": "Eee",
        "announced_on": D(2024, 6, 3), "available_at": at(D(2024, 6, 4), 4), "source": "s", "file": "f", "line": 1,
    }  # fmt: skip
    before, after = incident("b", "C0", D(2024, 3, 1)), incident("a", "C0", D(2024, 9, 2))
    old = incident("o", "C0", D(2022, 1, 3))
    made = of(found(mna_events=[deal], incidents=[before, after, old]), "inherited_exposure")
    assert [(s["subject"], s["available_at"]) for s in made] == [
        ("E0", at(D(2024, 6, 4), 4)),
        ("E0", after["available_at"]),
    ]
    assert "94 days before" in made[0]["words"]
    assert of(found(mna_events=[deal | {"ticker_acquirer": None}], incidents=[before]), "inherited_exposure") == []


def test_sanctions_are_a_hypothesis_with_the_rate_of_any_day_beside_it() -> None:
    listed = [
        {
            "change_id": f"x{k}", "change": "added", "changed_on": d, "available_at": at(d, 20), "name": "N",
            "is_cyber": False, "source": "s", "file": "f", "line": 1,
        }
        for k, d in enumerate([D(2024, 4, 1), D(2024, 4, 11), D(2024, 5, 1)])
    ]  # fmt: skip
    hit = [incident("i", "C0", D(2024, 3, 2)), incident("j", "C1", D(2024, 4, 12))]
    made = of(found(sanctions_changes=listed, incidents=hit), "sanctions_retaliation")
    assert [s["outcome"] for s in made] == ["none", "followed", "none"]
    last = made[-1]
    assert (last["n_prior"], last["n_hits"], last["hit_rate"]) == (2, 1, 0.5)
    # windows of two days from 2 March on that ended before 1 May: 2 March to 29 April, 59 of them, of which those that
    # begin on 2 March, 11 April and 12 April hold an incident
    assert last["base_rate"] == pytest.approx(3 / 59)
    assert last["hypothesis"]
    assert "no evidence supports" in last["words"]


def test_hit_rates_are_those_known_by_then() -> None:
    def seen(day: dt.date, ticker: str) -> dict[str, Any]:
        return {
            "signal_id": f"{day}{ticker}", "detector": "d", "topic": "t", "subject": ticker, "ticker": ticker,
            "available_at": at(day), "day": day, "strength": 0.5, "words": "w", "evidence": [], "against": [],
            "hypothesis": False, "window_days": 30,
        }  # fmt: skip

    days = [D(2024, 1, 10), D(2024, 2, 1), D(2024, 3, 1), D(2024, 6, 1)]
    signals = pa.Table.from_pylist([seen(d, "C0") for d in days], schema=SCHEMA)
    events = rows.frame("incidents", [incident("i", "C0", D(2024, 1, 20)), incident("j", "C9", D(2024, 2, 25))])
    nothing = rows.frame("demo_truth", [])
    known = outcomes(events, rows.frame("company_filings", []), nothing, D(2024, 12, 31))
    made = account(signals, known, D(2024, 12, 31), companies=10).to_pylist()
    assert [(s["n_prior"], s["n_hits"]) for s in made] == [(0, 0), (0, 0), (1, 1), (3, 1)]
    assert made[0]["hit_rate"] is None
    assert made[3]["hit_rate"] == pytest.approx(1 / 3)
    assert made[3]["hit_low"] < 1 / 3 < made[3]["hit_high"]
    days_known = (D(2024, 6, 1) - D(2024, 1, 20)).days
    assert made[3]["base_rate"] == pytest.approx(1 - np.exp(-2 * 30 / (10 * days_known)))
    assert made[0]["base_rate"] is None


def test_a_filing_and_a_report_of_one_incident_are_one_outcome() -> None:
    events = rows.frame("incidents", [incident("i", "C0", D(2024, 1, 20)), incident("k", "C0", D(2024, 6, 20))])
    filings = rows.frame(
        "company_filings",
        [
            filing("f", "C0", at(D(2024, 1, 24))),
            filing("g", "C1", at(D(2024, 1, 24))),
            filing("h", "C2", at(D(2024, 1, 24)), is_cyber=False),
            filing("l", "C2", at(D(2024, 1, 24)), is_amendment=True),
        ],
    )
    made = outcomes(events, filings, rows.frame("demo_truth", []), D(2024, 12, 31))
    assert made.column("outcome_id").to_pylist() == ["i", "g", "k"]


def test_no_data_no_signal() -> None:
    assert found(rows.bars([])) == []
