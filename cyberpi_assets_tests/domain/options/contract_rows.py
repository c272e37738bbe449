"""Rows of chains, written short; and option flow again, one contract at a time."""

from __future__ import annotations

import datetime as dt
import statistics
from collections.abc import Iterable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from cyberpi_assets.tables import OPTION_CHAINS, OPTION_VOLUMES, Table

NEW_YORK = ZoneInfo("America/New_York")
SESSION = dt.date(2026, 7, 14)  # a Tuesday


def at(day: dt.date, hour: int = 16, minute: int = 0) -> dt.datetime:
    """A moment of a day in New York, as UTC."""
    return dt.datetime.combine(day, dt.time(hour, minute), tzinfo=NEW_YORK).astimezone(dt.UTC)


def contract(
    right: str, strike: float, days: int, volume: int | None, *, session: dt.date = SESSION, **other: Any
) -> dict[str, Any]:
    """One contract of ABC at the close of a session; other columns by name."""
    row: dict[str, Any] = dict.fromkeys(OPTION_CHAINS.names)
    row |= {
        "ticker": "ABC",
        "snapshot_at": at(session),
        "session": session,
        "underlying_price": 100.0,
        "expiry": session + dt.timedelta(days=days),
        "right": right,
        "strike": strike,
        "volume": volume,
        "data_type": "end_of_day",
        "source": "vendor",
        "file": "f",
        "line": 1,
        "month": f"{session:%Y-%m}",
    }
    row |= other
    if "snapshot_at" not in other:
        row["snapshot_at"] = at(row["session"])
    return row


def as_table(table: Table, rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Rows as a table; columns left out are null."""
    return pa.Table.from_pylist([{c: r.get(c) for c in table.names} for r in rows], schema=table.schema)


def chains(rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Rows of `contract` as option chains."""
    return as_table(OPTION_CHAINS, rows)


def volumes(total: Mapping[dt.date, int], ticker: str = "ABC") -> pa.Table:
    """Total option volume by session."""
    return as_table(
        OPTION_VOLUMES,
        [
            {"ticker": ticker, "session": d, "total_volume": v, "source": "v", "month": f"{d:%Y-%m}"}
            for d, v in total.items()
        ],
    )


def slow_flow(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The volumes of one snapshot's row of option flow, by loops over its contracts; METHODS, section 5."""
    standard = [r for r in rows if r["multiplier"] in (None, 100)]
    days_of = {id(r): (r["expiry"] - r["session"]).days for r in standard}
    nearest = sorted({d for d in days_of.values() if 0 <= d <= 45})[:3]
    near = [r for r in standard if days_of[id(r)] in nearest]
    spots = [r["underlying_price"] for r in standard if r["underlying_price"]]
    spot = statistics.median(spots) if spots else None

    def side(of: list[dict[str, Any]], right: str) -> int | None:
        mine = [r["volume"] for r in of if r["right"] == right]
        other = [r["volume"] for r in of if r["right"] != right and r["volume"] is not None]
        if not mine:
            return 0 if other else None
        told = [v for v in mine if v is not None]
        return sum(told) if told else None

    calls, puts = side(near, "call"), side(near, "put")
    calls_all, puts_all = side(standard, "call"), side(standard, "put")
    total = calls + puts if calls is not None and puts is not None else None
    big = [r for r in near if r["right"] == "put" and (r["volume"] or 0) > 100]
    otm: int | None = None
    if puts is not None and (spot or not big):
        below = [r["volume"] for r in big if r["strike"] < 0.95 * spot]
        otm = sum(sorted(below, reverse=True)[:5])
    soon = sum(r["volume"] or 0 for r in near if days_of[id(r)] <= 14)
    return {
        "n_contracts": len(rows),
        "n_adjusted": len(rows) - len(standard),
        "n_near": len(near),
        "call_volume": calls,
        "put_volume": puts,
        "total_volume": total,
        "put_call_ratio": puts / calls if calls and puts is not None else None,
        "put_share": puts / total if total and puts is not None else None,
        "otm_put_volume": otm,
        "near_share": soon / total if total else None,
        "share_30d": (
            sum(r["volume"] or 0 for r in standard if days_of[id(r)] <= 30) / (calls_all + puts_all)
            if calls_all is not None and puts_all is not None and calls_all + puts_all > 0
            else None
        ),
    }
