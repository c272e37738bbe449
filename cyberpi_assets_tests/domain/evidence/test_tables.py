"""The evidence of officials, tickers, sectors, committees and parties, put together from hand-made trades."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from cyberpi_assets.domain.evidence import conduct, groups, jurisdictions
from cyberpi_assets.domain.evidence.clusters import Clusters, clusters, ticker_volatility
from cyberpi_assets.domain.evidence.nulls import timing_nulls
from cyberpi_assets.domain.evidence.officials import official_evidence
from cyberpi_assets.domain.evidence.parties import party_evidence
from cyberpi_assets.domain.rankings import official_rankings
from cyberpi_assets.domain.scoring import score_alerts
from cyberpi_assets.rules.figures import RankingRules
from cyberpi_assets.tables import (
    COMMITTEE_EVIDENCE,
    OFFICIAL_EVIDENCE,
    PARTY_EVIDENCE,
    SECTOR_EVIDENCE,
    TICKER_EVIDENCE,
    conform,
)
from cyberpi_assets_tests.domain.evidence import material as m
from cyberpi_assets_tests.domain.rows import D, bars, exchange_days, frame, random_bars

H = D(2019, 1, 1)
SPANS = {t: (D(2019, 6, 3), D(2021, 12, 31)) for t in ("A", "B", "C")}
SECTORS = {"A": "Energy", "B": "Financials", "C": None}
VOLATILITY = pa.table({"ticker": ["A", "B", "C"], "volatility": [0.1, 0.2, 0.3], "third": ["calm", "middling", "wild"]})
RULES = m.rules(shifts=499, resamples=300)
PEOPLE = [f"P{i}" for i in range(9)]


@pytest.fixture(scope="module")
def world() -> dict[str, Any]:
    rng = np.random.default_rng(11)
    alerts = m.random_alerts(2, SPANS, density=0.03)
    days = [d for d in exchange_days() if D(2020, 1, 6) <= d <= D(2021, 11, 30)]
    # P0 trades the days after bursts of alerts, the others on random days
    score = {t: {d: score_alerts(d, alerts[t], m.TIMING).score for d in days} for t in SPANS}
    rows: list[dict[str, Any]] = []
    for p, person in enumerate(PEOPLE):
        for _ in range(20):
            ticker = str(rng.choice(list(SPANS)))
            best = sorted(days, key=lambda d, t=ticker: -score[t][d])[:25] if p == 0 else days
            day = best[int(rng.integers(len(best)))]
            party = "Democrat" if p % 2 else "Republican"
            more = {"owner": str(rng.choice(["self", "joint"])), "party": party, "chamber": "senate"}
            rows.append(
                {"trade_id": f"t{len(rows):03d}", "bioguide_id": person, "ticker": ticker, "transaction_date": day}
                | more
            )
    rows.append(dict(rows[0]) | {"trade_id": "t900"})  # a second lot of the same cluster
    rows.append(dict(rows[0]) | {"trade_id": "t901", "superseded_by": "x"})
    rows.append(dict(rows[0]) | {"trade_id": "t902", "bioguide_id": None, "official": "Who Knows"})
    for r in rows:
        r["score"] = None if r["trade_id"] == "t901" else score[r["ticker"]][r["transaction_date"]]
    surface, terms = m.surface(alerts, SPANS), m.terms({p: [m.ALWAYS] for p in PEOPLE})
    trades, correlations = m.trades(rows)
    nulls = timing_nulls(correlations, trades, surface, terms, m.TIMING, RULES, H)
    companies = frame("companies", [{"ticker": t, "sector": s, "source": "test"} for t, s in SECTORS.items()])
    data = clusters(correlations, trades, nulls, surface, terms, companies, VOLATILITY, m.TIMING, RULES, H)
    officials = frame(
        "officials",
        [{"bioguide_id": p, "official": f"Name {p}", "last_name": p, "n_terms": 1, "source": "t"} for p in PEOPLE],
    )
    seats = frame(
        "committee_memberships",
        [
            {"committee_id": "SSEG", "bioguide_id": "P0", "congress": 116, "title": "Chairman",
             "seen_from": D(2020, 12, 1), "seen_to": D(2020, 12, 1)},
            {"committee_id": "SSEG01", "bioguide_id": "P1", "congress": 117,
             "seen_from": D(2022, 12, 1), "seen_to": D(2022, 12, 1)},
        ],
    )  # fmt: skip
    return {
        "rows": rows, "trades": trades, "correlations": correlations, "nulls": nulls, "companies": companies,
        "data": data, "officials": officials, "terms": terms, "seats": seats, "surface": surface,
    }  # fmt: skip


def _officials(w: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found = official_evidence(
        w["data"], w["trades"], w["correlations"], w["officials"], w["terms"], w["seats"], RULES, H
    )
    return {r["bioguide_id"]: r for r in conform(OFFICIAL_EVIDENCE, found).to_pylist()}


def test_counts_agree_with_the_raw_ranking_and_with_counting(world: dict[str, Any]) -> None:
    found = _officials(world)
    raw = official_rankings(
        world["trades"], world["correlations"], world["officials"], RankingRules()  # pyright: ignore[reportCallIssue]
    )  # fmt: skip
    for row in raw.to_pylist():
        mine = found[row["bioguide_id"]]
        assert {c: mine[c] for c in ("n_trades", "n_scored", "n_clusters")} == {
            c: row[c] for c in ("n_trades", "n_scored", "n_clusters")
        }
        assert mine["repeat_offender_raw"] == row["repeat_offender_raw"]
    assert set(found) == {r["bioguide_id"] for r in raw.to_pylist()}
    nulls = {r["trade_id"]: r for r in world["nulls"].to_pylist()}
    for person in PEOPLE:
        seen = {
            (r["ticker"], r["transaction_date"]): (r["score"], nulls[r["trade_id"]])
            for r in world["rows"]
            if r["bioguide_id"] == person and r["score"] is not None
        }
        mine = found[person]
        assert mine["n_clusters"] == mine["n_tested"] == len(seen)
        assert mine["n_batches"] == len({d for _, d in seen})
        assert mine["suspicious"] == mine["observed"] == sum(s >= 60 for s, _ in seen.values())
        assert mine["expected"] == pytest.approx(sum(n["expected_suspicious"] for _, n in seen.values()), abs=1e-9)
        assert mine["mean_score"] == pytest.approx(np.mean([s for s, _ in seen.values()]), abs=1e-9)
        assert mine["statistic"] == pytest.approx(np.mean([1 - n["p_placebo"] for _, n in seen.values()]), abs=1e-9)
        third = {"A": "calm", "B": "middling", "C": "wild"}
        for ticker, name in third.items():
            part = [(s, n) for (t, _), (s, n) in seen.items() if t == ticker]
            assert mine[f"n_{name}"] == len(part)
            assert mine[f"observed_{name}"] == sum(s >= 60 for s, _ in part)
            assert mine[f"expected_{name}"] == pytest.approx(sum(n["expected_suspicious"] for _, n in part), abs=1e-9)


def test_the_one_who_follows_the_alerts_leads_and_the_others_stay_unproven(world: dict[str, Any]) -> None:
    found = _officials(world)
    lead = found["P0"]
    assert lead["rank"] == 1
    assert lead["rank_low"] == 1
    assert lead["q_episodes"] <= 0.05
    assert lead["oe_low"] > 1
    assert lead["mean_low"] <= lead["mean_score"] <= lead["mean_high"]
    assert lead["label"] == ("supported finding" if lead["supported"] else "insufficient evidence")
    assert all(not found[p]["supported"] and found[p]["label_reason"] for p in PEOPLE[1:])


def test_a_person_in_doubt_has_figures_but_no_test_and_no_label(world: dict[str, Any]) -> None:
    unknown = _officials(world)["name:who knows"]
    assert unknown["official"] == "Who Knows"
    assert (unknown["n_scored"], unknown["n_tested"], unknown["p_value"], unknown["q_value"]) == (1, 0, None, None)
    assert unknown["expected"] is None
    assert unknown["oe_ratio"] is None
    assert unknown["committees"] is None
    assert unknown["n_in_jurisdiction"] is None
    assert not unknown["supported"]


def test_seats_count_for_their_congress_and_no_longer(world: dict[str, Any]) -> None:
    found = _officials(world)
    assert (found["P0"]["committees"], found["P0"]["chaired"]) == (["SSEG"], True)
    assert (found["P1"]["committees"], found["P1"]["chaired"]) == (["SSEG"], False)
    assert found["P2"]["committees"] is None
    assert found["P2"]["chaired"] is None
    until = D(2021, 1, 2)
    energy = {
        (r["ticker"], r["transaction_date"])
        for r in world["rows"]
        if r["bioguide_id"] == "P0" and r["ticker"] == "A" and r["transaction_date"] <= until
    }
    assert found["P0"]["n_in_jurisdiction"] == len(energy)
    committees = frame("committees", [{"committee_id": "SSEG", "name": "Energy", "n_members": 2, "source": "t"}])
    (row,) = conform(
        COMMITTEE_EVIDENCE, groups.committee_evidence(world["data"], committees, world["seats"], RULES)
    ).to_pylist()
    other = {
        (r["ticker"], r["transaction_date"])
        for r in world["rows"]
        if r["bioguide_id"] == "P1" and r["ticker"] == "A" and r["transaction_date"] > until
    }
    assert (row["n_officials"], row["n_clusters"]) == (2, len(energy) + len(other))
    assert row["sectors"] == ["Energy", "Utilities"]
    assert 0 < row["breadth"] < 1
    assert jurisdictions.congress_span(119) == (D(2025, 1, 3), D(2027, 1, 2))


def test_tickers_and_sectors_count_every_cluster_once(world: dict[str, Any]) -> None:
    given_w = (world["data"], world["trades"], world["correlations"], world["companies"])
    tickers = conform(TICKER_EVIDENCE, groups.ticker_evidence(*given_w, VOLATILITY, RULES, H)).to_pylist()
    sectors = conform(SECTOR_EVIDENCE, groups.sector_evidence(*given_w, RULES, H)).to_pylist()
    assert {r["ticker"]: r["volatility_third"] for r in tickers} == {"A": "calm", "B": "middling", "C": "wild"}
    assert {r["sector"] for r in sectors} == {"Energy", "Financials", "unknown"}
    for rows in (tickers, sectors):
        assert sum(r["n_clusters"] for r in rows) == world["data"].person.size
        assert sum(r["n_trades"] for r in rows) == len(world["rows"]) - 1
    # one ticker a sector: the same clusters give the same test
    of = {r["ticker"]: r for r in tickers}
    for s in sectors:
        t = of[{"Energy": "A", "Financials": "B", "unknown": "C"}[s["sector"]]]
        assert (s["statistic"], s["p_value"], s["observed"]) == (t["statistic"], t["p_value"], t["observed"])


def test_parties_count_each_official_once_and_take_no_side_by_the_order_of_names(world: dict[str, Any]) -> None:
    rows = conform(PARTY_EVIDENCE, party_evidence(world["data"], RULES)).to_pylist()
    found = {(r["chamber"], r["metric"]): r for r in rows}
    data: Clusters = world["data"]
    means: dict[str, list[float]] = {"Democrat": [], "Republican": []}
    for i, person in enumerate(data.people):
        party = data.table.column("party").to_pylist()[int(np.flatnonzero(data.person == i)[0])]
        means[party].append(float(data.score[data.person == i].mean()))
        assert person
    row = found["senate", "mean_score"]
    assert (row["n_a"], row["n_b"]) == (len(means["Democrat"]), len(means["Republican"]))
    assert row["difference"] == pytest.approx(np.mean(means["Democrat"]) - np.mean(means["Republican"]), abs=1e-9)
    assert row["method"] == "exact"
    assert 0 < row["p_value"] <= 1
    assert row["low"] <= row["difference"] <= row["high"]


def test_the_evidence_is_the_same_every_time(world: dict[str, Any]) -> None:
    assert _officials(world) == _officials(world)


def _late(**given_row: Any) -> tuple[bool | None, int | None]:
    row = {"trade_id": "t", "bioguide_id": "P", "ticker": "A", "transaction_date": D(2024, 1, 2)} | given_row
    found = conduct.lateness(m.trades([row])[0]).to_pylist()
    return (found[0]["late"], found[0]["days_late"]) if found else (None, -1)


def test_a_report_is_late_after_the_earlier_of_both_limits() -> None:
    # trade on Tuesday 2 January 2024: the 45th day after is Friday 16 February
    assert _late(filed_on=D(2024, 2, 16), notification_date=D(2024, 2, 1)) == (False, None)
    assert _late(filed_on=D(2024, 2, 17), notification_date=D(2024, 2, 1)) == (True, 1)
    # told on 3 January: due on Friday 2 February
    assert _late(filed_on=D(2024, 2, 2), notification_date=D(2024, 1, 3)) == (False, None)
    assert _late(filed_on=D(2024, 2, 5), notification_date=D(2024, 1, 3)) == (True, 3)


def test_a_due_day_on_a_weekend_or_holiday_moves_to_the_next_working_day() -> None:
    # told on 4 January 2024: the 30th day after is Saturday 3 February, so that Monday the 5th is in time
    assert _late(filed_on=D(2024, 2, 5), notification_date=D(2024, 1, 4)) == (False, None)
    assert _late(filed_on=D(2024, 2, 6), notification_date=D(2024, 1, 4)) == (True, 1)
    # trade on 4 January 2024: the 45th day is Sunday 18 February, Monday is Washington's birthday
    trade = {"transaction_date": D(2024, 1, 4), "notification_date": D(2024, 1, 30)}
    assert _late(filed_on=D(2024, 2, 20), **trade) == (False, None)
    assert _late(filed_on=D(2024, 2, 21), **trade) == (True, 1)


def test_without_a_plausible_notice_only_the_clear_cases_are_judged() -> None:
    assert _late(filed_on=D(2024, 2, 1)) == (False, None)  # within 30 days
    assert _late(filed_on=D(2024, 2, 10)) == (None, None)  # between
    assert _late(filed_on=D(2024, 2, 19)) == (True, 3)  # after the 45th
    assert _late(filed_on=D(2024, 2, 10), notification_date=D(2023, 12, 1)) == (None, None)
    assert _late(filed_on=None, month="2024-02") == (None, None)
    assert _late(filed_on=D(2024, 1, 1)) == (None, None)  # filed before the trade: a date is wrong
    assert _late(filed_on=D(2025, 1, 1), filing_status="amended") == (None, -1)
    assert _late(filed_on=D(2025, 1, 1), repeat_of="x") == (None, -1)


def test_conduct_counts_baskets_owners_and_says_when_titles_are_not_known() -> None:
    rows = [
        {
            "trade_id": f"b{i}",
            "bioguide_id": "P",
            "ticker": f"T{i}",
            "transaction_date": D(2024, 1, 2),
            "owner": "spouse",
        }
        for i in range(10)
    ]
    rows += [{"trade_id": "s", "bioguide_id": "P", "ticker": "A", "transaction_date": D(2024, 1, 3), "owner": None}]
    trades, correlations = m.trades(rows)
    (row,) = conduct.conduct(trades, correlations, m.terms({"P": [m.ALWAYS]}), H, 10).to_pylist()
    assert row["rebalancing_share"] == pytest.approx(10 / 11)
    assert (row["n_spouse"], row["n_owner_unknown"], row["n_self"]) == (10, 1, 0)
    assert row["held_leadership"] is None
    (row,) = conduct.conduct(trades, correlations, m.terms({"P": [m.ALWAYS]}), H, 11).to_pylist()
    assert row["rebalancing_share"] == 0
    titled = m.terms({"P": [m.ALWAYS], "Q": [m.ALWAYS]}).to_pandas()
    titled.loc[titled["bioguide_id"] == "Q", "leadership"] = "Speaker"
    known = pa.Table.from_pandas(titled, schema=m.terms({}).schema, preserve_index=False)
    (row,) = conduct.conduct(trades, correlations, known, H, 10).to_pylist()
    assert row["held_leadership"] is False


def test_volatility_is_that_of_daily_log_returns_and_splits_tickers_in_thirds() -> None:
    rows, _ = random_bars(5, tickers=6, length=150)
    made = bars(rows)
    found = {r["ticker"]: r for r in ticker_volatility(made).to_pylist()}
    close = made.to_pandas().sort_values(["ticker", "session"])
    for ticker, part in close.groupby("ticker"):
        r = np.diff(np.log(part["close"].to_numpy()))
        r = r[np.abs(r) < 0.4]
        want = float(np.std(r, ddof=1) * np.sqrt(252)) if r.size >= 60 else None
        assert found[str(ticker)]["volatility"] == (None if want is None else pytest.approx(want, abs=1e-9))
    known = sorted((v["volatility"], v["third"]) for v in found.values() if v["volatility"] is not None)
    order = [t for _, t in known]
    assert order == sorted(order)  # calm, middling, wild is also the order of the alphabet


def test_nothing_in_gives_nothing_out() -> None:
    trades, correlations = m.trades([])
    surface, terms = frame("timing_surface", []), m.terms({})
    nulls = timing_nulls(correlations, trades, surface, terms, m.TIMING, RULES, H)
    companies = frame("companies", [])
    volatility = ticker_volatility(bars([]))
    data = clusters(correlations, trades, nulls, surface, terms, companies, volatility, m.TIMING, RULES, H)
    seats = frame("committee_memberships", [])
    assert official_evidence(data, trades, correlations, frame("officials", []), terms, seats, RULES, H).num_rows == 0
    assert groups.ticker_evidence(data, trades, correlations, companies, volatility, RULES, H).num_rows == 0
    assert groups.sector_evidence(data, trades, correlations, companies, RULES, H).num_rows == 0
    assert groups.committee_evidence(data, frame("committees", []), seats, RULES).num_rows == 0
    assert party_evidence(data, RULES).num_rows == 0
