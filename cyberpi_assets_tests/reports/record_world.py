"""Rows of the official record for the people of `world.build`: terms, seats, filings, lateness, returns, groups.

Every figure is written by hand; a test names it.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pyarrow as pa

from cyberpi_assets.storage.lake import Lake
from cyberpi_assets.tables import ALL
from cyberpi_assets_tests.reports.world import (
    HOUSE_PDF,
    D,
    add_evidence,
    build,
    correlation_frame,
    frame,
    store,
    trade,
    unscored,
)

SEEN = dt.datetime(2024, 7, 1, tzinfo=dt.UTC)


def add_record(lake: Lake) -> Lake:
    """The record: María Peláez was late once, has a replaced row, a tested return and a portfolio."""
    store(
        lake,
        "official_terms",
        [
            {"bioguide_id": "P000001", "chamber": "house", "state": "CA", "district": 9, "party": "Democrat"}
            | {"starts_on": D(2021, 1, 3), "ends_on": D(2023, 1, 3)},
            {"bioguide_id": "P000001", "chamber": "house", "state": "CA", "district": 11, "party": "Democrat"}
            | {"starts_on": D(2023, 1, 3), "ends_on": None},
        ],
    )
    store(
        lake,
        "committees",
        [
            {"committee_id": c, "name": name, "chamber": "house", "parent_id": of, "n_members": 2, "source": "hand"}
            for c, name, of in (("HSBA", "Committee on <b>Money</b>", None), ("HSBA01", "Coins", "HSBA"))
        ],
    )  # fmt: skip
    store(
        lake,
        "committee_memberships",
        [
            {"committee_id": c, "bioguide_id": "P000001", "congress": 118, "title": title}
            | {"seen_from": D(2023, 2, 1), "seen_to": D(2024, 12, 1)}
            for c, title in (("HSBA", "Chair"), ("HSBA01", None))
        ],
    )
    store(
        lake,
        "official_timeliness",
        [
            {"bioguide_id": "P000001", "official": "María J. Peláez", "chamber": "house", "n_trades": 4, "n_known": 3}
            | {"n_late": 1, "late_rate": 1 / 3, "late_low": 0.06, "late_high": 0.79, "median_days": 18.0}
            | {"p90_days": 47.5, "max_days_late": 21}
        ],
    )
    store(
        lake,
        "filing_timeliness",
        [
            {"trade_id": f"house:{f}#1", "filing_id": f"house:{f}", "bioguide_id": "P000001", "verdict": "late"}
            | {"transaction_date": t, "filed_on": filed, "due_on_moved": due, "days_late": late}
            for f, t, filed, due, late in (
                ("20024009", D(2022, 5, 2), D(2022, 5, 20), D(2022, 4, 29), 21),
                ("20024001", D(2024, 1, 15), D(2024, 2, 1), D(2024, 1, 31), 1),
            )
        ],
    )
    store(
        lake,
        "filings",
        [
            {"filing_id": f"house:{d}", "chamber": "house", "document": d, "kind": "ptr", "bioguide_id": "P000001"}
            | {"filed_on": day, "status": status, "indexed": True, "first_seen": SEEN, "last_seen": SEEN}
            for d, day, status in (
                ("20024001", D(2024, 2, 1), "parsed"),
                ("20024009", D(2022, 5, 20), "partial"),
                ("9001", D(2022, 6, 1), "scanned"),
                ("20025001", D(2024, 8, 1), "parsed"),
            )
        ],
    )
    none = dict.fromkeys(
        ("parsed", "partial", "scanned", "ocr", "transcribed", "empty_verified", "missing", "failed"), 0
    )
    store(
        lake,
        "filing_coverage",
        [
            none | {"chamber": "house", "year": 2022, "n_filings": 8, "parsed": 3, "partial": 1, "scanned": 2}
            | {"empty_verified": 1, "missing": 1, "rows_read": 1_234, "covered": 0.5},
            none | {"chamber": "house", "year": 2024, "n_filings": 2, "parsed": 2, "rows_read": 9, "covered": 1.0},
            none | {"chamber": "senate", "year": 0, "n_filings": 1, "failed": 1, "rows_read": 0, "covered": 0.0},
        ],
    )  # fmt: skip
    store(
        lake,
        "return_tests",
        [
            {"group_kind": "official", "group_name": "P000001", "anchor": "trade", "window": w, "benchmark": "market"}
            | {"n": 31, "n_trades": 40, "n_truncated": 0, "mean_car": mean, "low": low, "high": high, "kp_p": p}
            | {"q_value": q}
            for w, mean, low, high, p, q in (("0_5", 0.012, -0.004, 0.028, 0.14, 0.61), ("0_21", *[None] * 5))
        ],
    )  # fmt: skip
    store(
        lake,
        "portfolio_returns",
        [
            {"group_kind": "official", "group_name": "P000001", "anchor": "disclosure", "sessions_held": 21}
            | {"n_positions": 1_250, "n_days": 400, "alpha_year_pct": 3.4, "p": 0.32, "q_value": 0.8}
        ],
    )
    return lake


def add_groups(lake: Lake) -> Lake:
    """Parties, committees and seasons against chance."""
    store(
        lake,
        "party_evidence",
        [
            {"chamber": "house", "metric": "mean_score", "party_a": "Democrat", "party_b": "Republican", "n_a": 40}
            | {"n_b": 38, "mean_a": 31.0, "mean_b": 28.0, "difference": 3.0, "low": -1.5, "high": 7.25}
            | {"p_value": 0.19, "q_value": 0.38, "method": "monte carlo"},
            {"chamber": "both", "metric": "mean_one_minus_p", "party_a": "Democrat", "party_b": "Republican", "n_a": 60}
            | {"n_b": 55, "mean_a": 0.51, "mean_b": 0.49, "difference": 0.02, "low": -0.03, "high": 0.07}
            | {"p_value": 0.44, "q_value": 0.44, "method": "monte carlo"},
            {"chamber": "senate", "metric": "excess_score", "party_a": "Democrat", "party_b": "Independent", "n_a": 9}
            | {"n_b": 1, "reason": "fewer than 3 officials of one of them in a chamber"},
        ],
    )
    zeros = {"int64": 0, "bool": False, "double": 0.0, "string": ""}
    full = {c.name: zeros[str(c.type)] for c in ALL["committee_evidence"].columns if not c.nullable}
    store(
        lake,
        "committee_evidence",
        [
            full | {"committee_id": "HSBA", "name": "Committee on <b>Money</b>", "chamber": "house"}
            | {"sectors": ["Financials"], "breadth": 0.14, "membership": "congress", "n_officials": 12, "n_outside": 90}
            | {"oe_outside": 1.04, "n_clusters": 50, "n_tested": 48, "observed": 9, "expected": 6.5, "oe_ratio": 1.38}
            | {"oe_low": 0.63, "oe_high": 2.63, "p_value": 0.07, "q_value": 0.21, "label": "insufficient evidence"}
        ],
    )  # fmt: skip
    store(
        lake,
        "temporal_patterns",
        [
            {"pattern": "month", "bucket": "all", "observed": 900.0, "expected": 900.0, "ratio": 1.0, "n": 900}
            | {"statistic": 17.4, "p_value": 0.031, "q_value": 0.062, "detail": "official-days; chi-square"},
            {"pattern": "month", "bucket": "01", "observed": 60.0, "expected": 75.0, "ratio": 0.8, "n": 60},
            {"pattern": "weekday", "bucket": "Fri", "observed": 171.0, "expected": 180.0, "ratio": 0.95, "n": 171},
            {"pattern": "weekday", "bucket": "Mon", "observed": 190.0, "expected": 180.0, "ratio": 1.0556, "n": 190},
            {"pattern": "event clustering", "bucket": "all", "observed": 41.0, "expected": 33.5, "ratio": 1.22}
            | {"n": 900, "statistic": 41.0, "p_value": 0.2, "q_value": 0.2, "detail": "ticker-weeks with 3 officials"},
            {"pattern": "earnings distance", "bucket": "all", "n": 0, "reason": "no source gives earnings dates"},
        ],
    )  # fmt: skip
    return lake


REPLACED = trade(
    "house:20024001#4",
    transaction_date=D(2024, 1, 14),
    superseded_by="house:20025001",
    superseded_on=D(2024, 8, 1),
    superseded_reason="the source says: replaced by house:20025001",
)
AMENDED = trade(
    "house:20025001#1", transaction_date=D(2024, 1, 14), filed_on=D(2024, 8, 1), filing_status="amended"
)  # fmt: skip
REPEATED = trade("house:20024001#5", transaction_date=D(2024, 1, 11), repeat_of="house:20024009", url=HOUSE_PDF)


def _months(data: pa.Table) -> list[str]:
    return sorted({str(m) for m in data.column("month").to_pylist()})


def add_replaced(lake: Lake) -> Lake:
    """A row that an amendment of August replaced, the amended row, and a repeated one."""
    trades, scores = lake.read("disclosed_trades"), lake.read("disclosure_correlations")
    rows = frame("disclosed_trades", [REPLACED, AMENDED, REPEATED])
    every = pa.concat_tables([trades.select(rows.schema.names).cast(rows.schema), rows])
    lake.write("disclosed_trades", every, months=_months(every))
    reasons = (
        (REPLACED, "superseded: house:20025001"),
        (AMENDED, "no market data for this symbol"),
        (REPEATED, "already disclosed in house:20024009"),
    )
    more = correlation_frame([unscored(t, why) for t, why in reasons])
    every = pa.concat_tables([scores.select(more.schema.names).cast(more.schema), more])
    lake.write("disclosure_correlations", every, months=_months(every))
    # two alert days before 14 January, of severity 8 and 7: 10 + 15 + 20 + 30 points
    surface = {"ticker": "XYZ", "day": D(2024, 1, 14), "is_session": False, "n_alerts": 2, "n_rated": 2, "n_recent": 2}
    surface |= {"severity_sum": 15.0, "n_high": 2, "coverage": 1.0, "scorable": True, "raw_score": 75.0}
    store(lake, "timing_surface", [surface])
    return lake


def build_record(root: Path) -> Lake:
    """The world with evidence, record, groups and replaced rows."""
    return add_replaced(add_groups(add_record(add_evidence(build(root)))))
