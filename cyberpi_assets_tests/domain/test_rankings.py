"""Rankings against a recount in plain Python: what counts, what is ranked, and how sure a rate is."""

from __future__ import annotations

import datetime as dt
import math
import random
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from cyberpi_assets.domain.rankings import (
    official_rankings,
    party_comparison,
    sector_rankings,
    ticker_rankings,
    top_traded_tickers,
)
from cyberpi_assets.domain.rates import wilson
from cyberpi_assets.rules.figures import RankingRules
from cyberpi_assets.tables import (
    OFFICIAL_RANKINGS,
    PARTY_COMPARISON,
    SECTOR_RANKINGS,
    TICKER_RANKINGS,
    TOP_TRADED_TICKERS,
    conform,
)
from cyberpi_assets_tests.domain import rows
from cyberpi_assets_tests.domain.rows import D
from cyberpi_assets_tests.domain.test_correlations import trades

RULES = RankingRules(min_scored=4)  # pyright: ignore[reportCallIssue]
_NAMED = ("bioguide_id", "official", "last_name", "chamber", "party", "state")
OFFICIALS = [
    dict(zip(_NAMED, row, strict=True))
    for row in (
        ("A1", "Ann Alpha", "Alpha", "house", "D", "OH"),
        ("B2", "Bob Beta", "Beta", "senate", "R", "TX"),
        ("C3", "Cyd Gamma", "Gamma", "house", "R", "NY"),
    )
]
COMPANIES = {"AA": "Energy", "BB": "Energy", "CC": "Utilities", "DD": None}


def _world(seed: int, size: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Trades of known and unknown people in listed and unlisted assets, and what each scored."""
    rng = random.Random(seed)
    bought: list[dict[str, Any]] = []
    scored: list[dict[str, Any]] = []
    for i in range(size):
        person = rng.choice(["A1", "A1", "B2", "C3", "D4", None])
        filed = rng.choice([D(2018, 12, 31), D(2019, 1, 1), D(2021, 5, 3), None])
        traded = rng.choice([D(2018, 6, 1), D(2020, 6, 1), D(2020, 6, 2), D(2020, 7, 1), D(2010, 1, 1)])
        low = rng.choice([1001.0, 15001.0, 50_000_001.0, None])
        bought.append(
            {
                "trade_id": f"t{i:03}",
                "bioguide_id": person,
                "official": "Zed Unknown" if person is None else f"as filed {person}",
                "chamber": "senate" if person == "B2" else "house",
                "party": rng.choice(["D", "R", None]),
                "ticker": rng.choice(["AA", "BB", "CC", "DD", "EE", None]),
                "side": rng.choice(["buy", "sell", "exchange"]),
                "transaction_date": traded,
                "filed_on": filed,
                "amount_low": low,
                "amount_high": rng.choice([15_000.0, 50_000.0, 50_000.0, None]) if low != 50_000_001.0 else None,
                "filing_status": rng.choice(["new", "new", "amended", "deleted", None]),
                "superseded_by": rng.choice([None, None, None, None, "amendment 1"]),
                "repeat_of": rng.choice([None, None, None, None, None, "house:0"]),
                "transcription": rng.choice(["electronic", "ocr", None]),
            }
        )
        score = rng.choice([None, 0.0, 11.0, 48.0, 59.999, 60.0, 89.0, 100.0])
        scored.append({"trade_id": f"t{i:03}", "filing_id": "f", "score": score, "month": "2020-01"})
    return bought, scored


def _counts(trade: dict[str, Any]) -> bool:
    """Whether a row is a trade of its own, in data complete enough to rank (House filings only from 2019)."""
    if trade["superseded_by"] or trade["repeat_of"] or trade["filing_status"] == "deleted":
        return False
    return trade["chamber"] == "senate" or (trade["filed_on"] or trade["transaction_date"]) >= D(2019, 1, 1)


def _person(trade: dict[str, Any]) -> str:
    return trade["bioguide_id"] or f"name:{trade['official'].lower()}"


def _summary(group: list[dict[str, Any]]) -> dict[str, Any]:
    scores = [t["score"] for t in group if t["score"] is not None]
    suspicious = sum(s >= 60 for s in scores)
    tops = [t["amount_high"] for t in group]
    out: dict[str, Any] = {
        "n_trades": len(group),
        "n_scored": len(scores),
        "n_clusters": len({(_person(t), t["ticker"], t["transaction_date"]) for t in group if t["score"] is not None}),
        "suspicious": suspicious,
        "mean_score": sum(scores) / len(scores) if scores else None,
        "max_score": max(scores, default=None),
        "amount_low": sum(t["amount_low"] or 0 for t in group),
        "amount_high": None if None in tops else sum(tops),
        "n_open_amounts": tops.count(None),
        "rate": suspicious / len(scores) if scores else None,
        "rate_low": None,
        "rate_high": None,
    }
    if scores:
        interval = binomtest(suspicious, len(scores)).proportion_ci(0.95, method="wilson")
        out |= {"rate_low": interval.low, "rate_high": interval.high}
    return out


def _recount(
    bought: list[dict[str, Any]], scored: list[dict[str, Any]], key: Callable[[dict[str, Any]], Any]
) -> dict[Any, list[dict[str, Any]]]:
    score_of = {s["trade_id"]: s["score"] for s in scored}
    groups: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    for trade in filter(_counts, bought):
        if (name := key(trade)) is not None:
            groups[name].append(trade | {"score": score_of[trade["trade_id"]]})
    return groups


def _same(row: dict[str, Any], want: dict[str, Any]) -> None:
    for name, value in want.items():
        exact = value is None or isinstance(value, str | int | bool | dt.date)
        assert row[name] == (value if exact else pytest.approx(value, rel=1e-9, abs=1e-12)), (name, row[name], value)


def _ranks_are_right(found: list[dict[str, Any]], key: str, minimum: int) -> None:
    ranked = [r for r in found if r["rank"] is not None]
    assert [r["rank"] for r in found] == [*range(1, len(ranked) + 1), *[None] * (len(found) - len(ranked))]
    order = [(-round(r["mean_score"], 9), -r["n_scored"], r[key]) for r in ranked]
    assert order == sorted(order)
    for row in found:
        assert row["meets_minimum"] == (row["n_scored"] >= minimum) == (row["rank"] is not None)


WORLDS = settings(max_examples=15, deadline=None, derandomize=True)
SEED, SIZE = st.integers(0, 10**6), st.integers(0, 80)


@WORLDS
@given(SEED, SIZE)
def test_officials_are_what_a_recount_says(seed: int, size: int) -> None:
    bought, scored = _world(seed, size)
    officials = rows.frame("officials", [o | {"n_terms": 1, "source": "t"} for o in OFFICIALS])
    data = official_rankings(trades(bought), rows.frame("disclosure_correlations", scored), officials, RULES)
    conform(OFFICIAL_RANKINGS, data)
    found = data.to_pylist()
    groups = _recount(bought, scored, _person)
    assert {r["bioguide_id"] for r in found} == set(groups)
    _ranks_are_right(found, "bioguide_id", RULES.min_scored)
    known = {o["bioguide_id"]: o for o in OFFICIALS}
    for row in found:
        group = groups[row["bioguide_id"]]
        with_score = [t for t in group if t["score"] is not None]
        _same(row, _summary(group))
        _same(
            row,
            {
                "n_buys": sum(t["side"] == "buy" for t in group),
                "n_sells": sum(t["side"] == "sell" for t in group),
                "n_ocr": sum(t["transcription"] == "ocr" for t in group),
                "first_trade": min((t["transaction_date"] for t in with_score), default=None),
                "last_trade": max((t["transaction_date"] for t in with_score), default=None),
                "repeat_offender_raw": row["n_scored"] >= 4 and row["suspicious"] / row["n_scored"] >= 0.5,
            },
        )
        if row["bioguide_id"] in known:
            _same(row, {k: known[row["bioguide_id"]][k] for k in ("official", "chamber", "party", "state")})
        top = next((t for t in group if t["trade_id"] == row["top_trade_id"]), None)
        assert (top["score"] if top else None) == row["max_score"]


@WORLDS
@given(SEED, SIZE)
def test_tickers_and_sectors_are_what_a_recount_says(seed: int, size: int) -> None:
    bought, scored = _world(seed, size)
    given_trades, given_scores = trades(bought), rows.frame("disclosure_correlations", scored)
    companies = rows.sectors(COMPANIES)
    tickers = ticker_rankings(given_trades, given_scores, companies, RULES)
    sectors = sector_rankings(given_trades, given_scores, companies, RULES)
    conform(TICKER_RANKINGS, tickers)
    conform(SECTOR_RANKINGS, sectors)
    by_ticker = _recount(bought, scored, lambda t: t["ticker"])
    by_sector = _recount(bought, scored, lambda t: t["ticker"] and (COMPANIES.get(t["ticker"]) or "unknown"))
    for data, key, groups in ((tickers, "ticker", by_ticker), (sectors, "sector", by_sector)):
        found = data.to_pylist()
        assert {r[key] for r in found} == set(groups)
        _ranks_are_right(found, key, RULES.min_scored)
        for row in found:
            _same(row, _summary(groups[row[key]]) | {"n_officials": len({_person(t) for t in groups[row[key]]})})
            if key == "sector":
                assert row["n_tickers"] == len({t["ticker"] for t in groups[row[key]]})
            else:
                assert row["sector"] == COMPANIES.get(row["ticker"])


@WORLDS
@given(SEED, SIZE)
def test_parties_are_compared_on_their_officials_means(seed: int, size: int) -> None:
    bought, scored = _world(seed, size)
    data = party_comparison(trades(bought), rows.frame("disclosure_correlations", scored), RULES)
    conform(PARTY_COMPARISON, data)
    groups = _recount(bought, scored, lambda t: (t["chamber"], t["party"] or "unknown"))
    found = {(r["chamber"], r["party"]): r for r in data.to_pylist()}
    assert set(found) == set(groups)
    for key, row in found.items():
        per_person: dict[str, list[float]] = defaultdict(list)
        for t in groups[key]:
            if t["score"] is not None:
                per_person[_person(t)].append(t["score"])
        means = [sum(s) / len(s) for s in per_person.values()]
        mean = sum(means) / len(means) if means else None
        sd = math.sqrt(sum((m - (mean or 0)) ** 2 for m in means) / (len(means) - 1)) if len(means) > 1 else None
        _same(row, _summary(groups[key]) | {"n_officials": len(means), "mean_of_officials": mean})
        assert row["sd_of_officials"] == (None if sd is None else pytest.approx(sd, abs=1e-9))


def test_a_member_with_many_trades_weighs_as_much_as_one_with_few() -> None:
    bought = [
        {"trade_id": f"t{i}", "bioguide_id": "A1" if i < 99 else "C3", "party": "D", "ticker": "AA",
         "transaction_date": D(2020, 6, 1), "filed_on": D(2020, 7, 1)}
        for i in range(100)
    ]  # fmt: skip
    scored = [
        {"trade_id": f"t{i}", "filing_id": "f", "score": 0.0 if i < 99 else 100.0, "month": "2020-07"}
        for i in range(100)
    ]
    (row,) = party_comparison(trades(bought), rows.frame("disclosure_correlations", scored), RULES).to_pylist()
    assert (row["n_officials"], row["mean_of_officials"], row["mean_score"]) == (2, 50.0, 1.0)


@pytest.mark.parametrize("level", [0.9, 0.95, 0.99])
@pytest.mark.parametrize("n", [1, 2, 3, 7, 10, 19, 50, 1000, 20_000])
def test_the_wilson_interval_is_scipys(n: int, level: float) -> None:
    hits = sorted({0, 1, n // 3, n // 2, n - 1, n})
    low, high = wilson(hits, [n] * len(hits), level)
    for k, a, b in zip(hits, low, high, strict=True):
        want = binomtest(k, n).proportion_ci(level, method="wilson")
        assert (a, b) == pytest.approx((want.low, want.high), abs=1e-12)
        assert 0 <= a <= k / n <= b <= 1


def test_a_rate_of_nothing_has_no_interval() -> None:
    low, high = wilson([0], [0])
    assert math.isnan(low[0])
    assert math.isnan(high[0])


# ------------------------------------------------------------------------------------------------------ watch universe


@WORLDS
@given(SEED, SIZE, st.integers(1, 6))
def test_top_traded_tickers_are_what_a_recount_says(seed: int, size: int, limit: int) -> None:
    bought, _ = _world(seed, size)
    spans = pa.table({"ticker": ["AA", "CC"]})
    data = top_traded_tickers(trades(bought), rows.sectors(COMPANIES), spans, limit)
    conform(TOP_TRADED_TICKERS, data)
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for t in bought:  # every disclosed trade, of any year and chamber
        if t["ticker"] and not t["superseded_by"] and not t["repeat_of"] and t["filing_status"] != "deleted":
            groups[t["ticker"]].append(t)
    order = sorted(groups, key=lambda k: (-len(groups[k]), -len({_person(t) for t in groups[k]}), k))[:limit]
    found = data.to_pylist()
    assert [(r["rank"], r["ticker"]) for r in found] == list(enumerate(order, 1))
    for row in found:
        group = groups[row["ticker"]]
        possible = [
            t["transaction_date"]
            for t in group
            if t["filed_on"] and D(2012, 1, 1) <= t["transaction_date"] <= t["filed_on"]
        ]
        tops = [t["amount_high"] for t in group]
        _same(
            row,
            {
                "n_trades": len(group),
                "n_officials": len({_person(t) for t in group}),
                "n_buys": sum(t["side"] == "buy" for t in group),
                "n_sells": sum(t["side"] == "sell" for t in group),
                "amount_low": sum(t["amount_low"] or 0 for t in group),
                "amount_high": None if None in tops else sum(tops),
                "first_trade": min(possible, default=None),
                "last_trade": max(possible, default=None),
                "has_bars": row["ticker"] in ("AA", "CC"),
                "sector": COMPANIES.get(row["ticker"]),
            },
        )
