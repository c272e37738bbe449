"""A small lake of hand-made rows: the published example, people whose names are hard, and text that means harm.

Every figure here is written by hand; nothing is computed by the code under test.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa

from cyberpi_assets.storage.lake import Lake
from cyberpi_assets.tables import ALL, LAKE, MONTH

D = dt.date
HOSTILE_NAME = "<script>alert(1)</script> | Bob \x1b[31mRed\x1b[0m [x](javascript:alert(2))"
HOSTILE_ASSET = "Common <img src=x onerror=alert(3)> | *stock* \u202eevil`\nsecond line"
HOUSE_PDF = "https://disclosures-clerk.house.gov/public_disc/ptr-pdfs/2024/20024001.pdf"


def frame(name: str, rows: Iterable[dict[str, Any]]) -> pa.Table:
    """Rows as the table declares them; what a row leaves out is null, the month comes from its date."""
    table = ALL[name]
    full: list[dict[str, Any]] = []
    for row in rows:
        strays = set(row) - set(table.names)
        assert not strays, strays
        one = {c: row.get(c) for c in table.names}
        if table.month_of is not None:
            one[MONTH] = row[table.month_of].strftime("%Y-%m")
        full.append(one)
    return pa.Table.from_pylist(full, schema=table.schema)


def store(lake: Lake, name: str, rows: Iterable[dict[str, Any]]) -> None:
    data = frame(name, rows)
    months = sorted(set(data.column(MONTH).to_pylist())) if LAKE[name].partitioned else None
    lake.write(name, data, months=months)


def alert(ticker: str, session: dt.date, kind: str, severity: int | None, change: float, **more: Any) -> dict[str, Any]:
    measured = (
        '{"ratio":4.25,"baseline":"mean_volume","baseline_value":100.0,"threshold":3.0,"history":504,"tail_p":0.004}'
    )
    return {
        "alert_id": f"{ticker}:{session}:{kind}",
        "ticker": ticker,
        "session": session,
        "alert_type": kind,
        "severity": severity,
        "price": 100.0,
        "volume": 1_000_000,
        "change_pct": change,
        "suspect_data": False,
        "severity_basis": "own" if severity else "none",
        "severity_reason": None if severity else "fewer than 120 prior sessions",
        "details": measured,
    } | more


def trade(trade_id: str, **more: Any) -> dict[str, Any]:
    filing, row = trade_id.split("#")
    return {
        "trade_id": trade_id,
        "filing_id": filing,
        "row_in_filing": int(row),
        "bioguide_id": "P000001",
        "official": "Pelaez, María J.",
        "official_evidence": "stated",
        "chamber": "house",
        "party": "Democrat",
        "state": "CA",
        "owner": "spouse",
        "ticker": "XYZ",
        "ticker_printed": "XYZ",
        "ticker_evidence": "printed",
        "asset": "XYZ Corporation - Common Stock",
        "asset_type": "stock",
        "side": "buy",
        "transaction_date": D(2024, 1, 15),
        "filed_on": D(2024, 2, 1),
        "amount_low": 1_001.0,
        "amount_high": 15_000.0,
        "filing_status": "new",
        "transcription": "electronic",
        "flags": None,
        "url": HOUSE_PDF,
        "source": "hand",
        "file": "hand.csv",
        "line": 1,
    } | more


def scored(t: dict[str, Any], raw: float, parts: tuple[int, float, int, int], ids: list[str]) -> dict[str, Any]:
    score = min(100.0, raw)
    tiers = ((80, "highly suspicious"), (60, "suspicious"), (40, "notable"), (0, "normal"))
    n, mean, recent, high = parts
    return {
        **{k: t[k] for k in ("trade_id", "filing_id", "bioguide_id", "ticker", "transaction_date", "filed_on")},
        "score": score,
        "raw_score": raw,
        "n_alerts": n,
        "mean_severity": mean,
        "n_recent": recent,
        "n_high": high,
        "tier": next(name for low, name in tiers if score >= low),
        "coverage": 1.0,
        "alert_ids": ids,
    }


def unscored(t: dict[str, Any], reason: str) -> dict[str, Any]:
    same = {k: t[k] for k in ("trade_id", "filing_id", "bioguide_id", "ticker", "transaction_date", "filed_on")}
    return {**same, "reason": reason}


def correlation_frame(rows: list[dict[str, Any]]) -> pa.Table:
    months = [r.pop("filed_on").strftime("%Y-%m") for r in rows]
    table = ALL["disclosure_correlations"]
    full = [{c: r.get(c) for c in table.names} | {MONTH: m} for r, m in zip(rows, months, strict=True)]
    return pa.Table.from_pylist(full, schema=table.schema)


def _counts(n: int, scored_n: int, suspicious: int, low: float, high: float, mean: float, top: float) -> dict[str, Any]:
    return {
        "n_trades": n,
        "n_scored": scored_n,
        "n_clusters": scored_n,
        "suspicious": suspicious,
        "rate": suspicious / scored_n if scored_n else None,
        "rate_low": low,
        "rate_high": high,
        "mean_score": mean,
        "max_score": top,
        "amount_low": 1_001.0 * n,
        "amount_high": 15_000.0 * n,
        "n_open_amounts": 0,
    }


def build(root: Path, *, demo: bool = False) -> Lake:
    """Write the lake; its rows are the facts that the tests name."""
    lake = Lake(root)
    store(
        lake,
        "companies",
        [
            {"ticker": "XYZ", "name": "Xylophone & Zither Corp", "sector": "Information Technology", "source": "hand"},
            {"ticker": "BRK-B", "name": "Brick | Mortar <b>Inc</b>", "sector": "Financials", "source": "hand"},
        ],
    )
    people = [
        ("P000001", "María J. Peláez", "María", "Peláez", "Mari", "house", "CA", "Democrat"),
        ("S000001", "John A. Smith", "John", "Smith", None, "senate", "TX", "Republican"),
        ("S000002", "John B. Smith", "John", "Smith", None, "house", "NY", "Democrat"),
    ]
    columns = ("bioguide_id", "official", "first_name", "last_name", "nickname", "chamber", "state", "party")
    store(
        lake,
        "officials",
        [dict(zip(columns, p, strict=True)) | {"n_terms": 1, "source": "hand", "other_names": []} for p in people],
    )
    alerts = [
        alert("XYZ", D(2024, 1, 12), "unusual_volume", 8, 2.0),
        alert("XYZ", D(2024, 1, 13), "price_drop", 7, -6.5),
        alert("XYZ", D(2024, 1, 13), "unusual_volume", 5, -6.5),
        alert("XYZ", D(2024, 1, 13), "price_spike", 10, 70.0, suspect_data=True),
        alert("XYZ", D(2024, 1, 14), "high_volatility", 6, 0.4),
        alert("BRK-B", D(2024, 3, 1), "price_spike", None, 5.5),
        alert("BRK-B", D(2024, 3, 4), "price_spike", 10, 9.9),
        alert("XYZ", D(2024, 3, 4), "unusual_volume", 3, 0.1),
    ]
    store(lake, "market_alerts", alerts)
    sessions = [D(2024, 1, 12), *(D(2024, 2, d) for d in (26, 27, 28, 29)), D(2024, 3, 1), D(2024, 3, 4)]
    store(
        lake,
        "daily_bars",
        [
            {"ticker": t, "session": s, "close": 100.0, "basis": "split", "source": "hand"}
            for t in ("XYZ", "BRK-B", "QUIET")
            for s in sessions
        ],
    )
    store(
        lake,
        "top_traded_tickers",
        [
            {
                "rank": 1,
                "ticker": "XYZ",
                "n_trades": 4,
                "n_officials": 2,
                "n_buys": 3,
                "n_sells": 1,
                "amount_low": 4_004.0,
                "has_bars": True,
            }
        ],
    )
    example = trade("house:20024001#1")
    other = trade(
        "senate:aa-bb#1",
        bioguide_id="S000001",
        official="John A Smith",
        chamber="senate",
        party="Republican",
        state="TX",
        ticker="BRK-B",
        ticker_printed="BRK.B",
        asset=HOSTILE_ASSET,
        side="sell",
        owner=None,
        transaction_date=D(2024, 3, 5),
        filed_on=D(2024, 6, 1),
        amount_low=50_000_001.0,
        amount_high=None,
        transcription="ocr",
        flags="late_filing,amount_cut",
        url="javascript:alert(1)",
    )
    hostile = trade(
        "house:20024002#1",
        bioguide_id=None,
        official=HOSTILE_NAME,
        official_evidence="not found",
        party=None,
        state=None,
        transaction_date=D(2024, 1, 15),
        url='https://example.org/a b"><script>',
    )
    namesake = trade("house:20024003#1", bioguide_id="S000002", official="John B. Smith", state="NY")
    fund = trade("house:20024001#2", ticker=None, ticker_printed=None, asset_type="fund", asset="Some Fund")
    wrong = trade("house:20024001#3", transaction_date=D(2031, 1, 1))
    old = trade("house:20024009#1", transaction_date=D(2022, 5, 2), filed_on=D(2022, 5, 20))
    trades = [example, other, hostile, namesake, fund, wrong, old]
    store(lake, "disclosed_trades", trades)
    ids = ["XYZ:2024-01-14:high_volatility", "XYZ:2024-01-13:price_drop", "XYZ:2024-01-12:unusual_volume"]
    far = ["BRK-B:2024-03-04:price_spike", "BRK-B:2024-03-01:price_spike", "BRK-B:2024-02-20:price_drop"]
    correlations = [
        scored(example, 89.0, (3, 7.0, 3, 2), ids),
        scored(other, 140.0, (8, 10.0, 5, 2), far),
        scored(hostile, 89.0, (3, 7.0, 3, 2), ids),
        scored(namesake, 45.0, (1, 10.0, 1, 1), ids[:1]),
        unscored(fund, "no listed symbol: fund"),
        unscored(wrong, "transaction date after the filing"),
        scored(old, 0.0, (0, 0.0, 0, 0), []),
    ]
    data = correlation_frame(correlations)
    lake.write("disclosure_correlations", data, months=sorted(set(data.column(MONTH).to_pylist())))
    base = {"n_buys": 1, "n_sells": 0, "n_ocr": 0, "meets_minimum": True}
    store(
        lake,
        "official_rankings",
        [
            base
            | _counts(12, 12, 7, 0.32, 0.81, 66.5, 100.0)
            | {
                "rank": 1,
                "bioguide_id": "S000001",
                "official": "John A. Smith",
                "chamber": "senate",
                "party": "Republican",
                "state": "TX",
                "repeat_offender_raw": True,
                "n_ocr": 1,
                "amount_high": None,
                "n_open_amounts": 1,
                "top_trade_id": "senate:aa-bb#1",
            },
            base
            | _counts(20, 18, 3, 0.06, 0.39, 31.0, 89.0)
            | {
                "rank": 2,
                "bioguide_id": "P000001",
                "official": "María J. Peláez",
                "chamber": "house",
                "party": "Democrat",
                "state": "CA",
                "repeat_offender_raw": False,
                "top_trade_id": "house:20024001#1",
            },
            base
            | _counts(1, 1, 1, 0.2, 1.0, 89.0, 89.0)
            | {
                "rank": None,
                "bioguide_id": "name:bob",
                "official": HOSTILE_NAME,
                "meets_minimum": False,
                "repeat_offender_raw": False,
            },
        ],
    )
    store(
        lake,
        "ticker_rankings",
        [
            _counts(12, 12, 7, 0.32, 0.81, 66.5, 100.0)
            | {"rank": 1, "ticker": "BRK-B", "name": "Brick | Mortar <b>Inc</b>", "sector": "Financials"}
            | {"n_officials": 1, "n_buys": 1, "n_sells": 1, "meets_minimum": True}
        ],
    )
    store(
        lake,
        "sector_rankings",
        [
            _counts(12, 12, 7, 0.32, 0.81, 66.5, 100.0)
            | {"rank": 1, "sector": "Financials", "n_officials": 1, "n_tickers": 1, "meets_minimum": True}
        ],
    )
    store(
        lake,
        "party_comparison",
        [
            _counts(12, 12, 7, 0.32, 0.81, 66.5, 100.0)
            | {"chamber": "senate", "party": "Republican", "n_officials": 1, "mean_of_officials": 66.5}
        ],
    )
    if demo:
        truth = {"subject": "official", "bioguide_id": "P000001", "kind": "informed", "detail": "planted"}
        store(lake, "demo_truth", [truth])
    return lake


def _full(name: str, **known: Any) -> dict[str, Any]:
    """A row with zero, false or nothing in the columns that must not be null."""
    zeros = {"int64": 0, "bool": False, "double": 0.0, "string": ""}
    return {c.name: zeros[str(c.type)] for c in ALL[name].columns if not c.nullable and str(c.type) in zeros} | known


def add_evidence(lake: Lake) -> Lake:
    """Evidence for the people and trades of `build`: nobody supported but María Peláez."""
    judged = {"n_clusters": 12, "n_tested": 12, "observed": 7, "expected": 2.5, "oe_ratio": 2.8, "oe_low": 1.1}
    judged |= {"oe_high": 5.8, "rate": 0.58, "rate_low": 0.32, "rate_high": 0.81, "p_value": 0.02}
    no = judged | {"q_value": 0.21, "label": "insufficient evidence", "label_reason": "q 0.21 over 0.05"}
    yes = judged | {"q_value": 0.03, "label": "supported finding", "supported": True}
    officials = [
        _full("official_evidence", bioguide_id="S000001", official="John A. Smith", repeat_offender_raw=True, **no),
        _full("official_evidence", bioguide_id="P000001", official="María J. Peláez", **yes),
    ]
    store(lake, "official_evidence", officials)
    store(lake, "ticker_evidence", [_full("ticker_evidence", ticker="BRK-B", **no)])
    store(lake, "sector_evidence", [_full("sector_evidence", sector="Financials", **no)])
    nulls = [
        {"trade_id": "house:20024001#1", "p_headline": 0.012, "p_placebo": 0.004, "p_local": 0.012}
        | {"expected_score": 21.5, "expected_suspicious": 0.14, "mirror_score": 34.0, "difference": 55.0}
        | {"n_dates": 812, "n_local_dates": 120},
        {"trade_id": "senate:aa-bb#1", "n_dates": 40, "n_local_dates": 9, "reason": "no p: only 40 admissible dates"},
    ]
    store(lake, "timing_nulls", nulls)
    return lake


def add_calibration(lake: Lake, *, passed: bool) -> Lake:
    """A self-test of two parts, the second only reported."""
    rows = [
        {"test": "uniform p", "part": "all", "n": 900, "observed": 0.01, "p_value": 0.7, "passed": passed},
        {"test": "power", "part": "strength 0.9", "n": 10, "observed": 0.6},
    ]
    store(lake, "calibration", rows)
    return lake
