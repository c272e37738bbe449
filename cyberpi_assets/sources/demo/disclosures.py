"""Disclosure rows as a file would give them: spelling, symbols, amounts, scans, and rows that cannot be used.

Belongs here: from numbers (`filings.py`) to the columns of `tables.DISCLOSURE_FACTS` and `tables.QUARANTINE_FACTS`.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import pyarrow as pa

from cyberpi_assets.sources.demo.companies import FUND, FUND_NAME, Company
from cyberpi_assets.sources.demo.filings import AMENDMENT, REPEAT, Filings
from cyberpi_assets.sources.demo.horizon import Floats, Horizon
from cyberpi_assets.sources.demo.people import Official
from cyberpi_assets.sources.demo.trades import BANDS, KINDS, OWNERS, SIDES
from cyberpi_assets.tables import DISCLOSURE_FACTS, QUARANTINE_FACTS

# field | what stands there | why the row cannot be used
MISTAKES = (
    ("transaction_date", "20222-08-09", "not a date: the year has five digits"),
    ("side", "Pvrch8se", "neither purchase, sale nor exchange"),
    ("transaction_date", "2023-02-30", "not a date: no such day"),
    ("filed_on", "13/41/2024", "not a date: no such month"),
    ("side", "", "the side is missing"),
    ("transaction_date", "@7/1?/20", "not a date: unreadable"),
    ("chamber", "assembly", "neither house nor senate"),
    ("filer", "", "the filer's name is missing"),
)
_STATED = {False: 0.9, True: 0.4}  # how often a filing states who filed: electronic, scanned
_SCANNED = 0.04  # share of scans among people who mostly file electronically
_OWNER_UNREADABLE, _SYMBOL_MISREAD, _AMOUNT_CUT_OFF = 0.1, 0.05, 0.03  # shares of scanned rows
_OLD_SYMBOL_KEPT = 0.15  # share of rows that keep printing an old symbol after its change
_MISREAD = str.maketrans("OISZ", "0152")
_DISTRICTS = ("Harrowmere Water District", "Vexley County School Board", "Port Quillon Authority")


def disclosures(
    horizon: Horizon, people: list[Official], universe: list[Company], close: Floats, made: Filings, trace: str
) -> tuple[pa.Table, pa.Table]:
    """Accepted rows and rows put aside. `close`: closes of the sessions shown, shape (sessions, companies or more).

    Lines number all rows, accepted or not, in the order of the filings; `trace` is the file named.
    """
    rows, trades = made.rows, made.trades
    n, n_filings = len(rows.filing), len(made.number_in_year)
    by_filing = horizon.stream("print").uniform(size=(n_filings, 3))
    by_row = horizon.stream("print", 1).uniform(size=(n, 4))
    documents: list[str] = [""] * n_filings
    filed = rows.filed.tolist()
    for filing, day in zip(rows.filing.tolist(), filed, strict=True):
        documents[filing] = f"D{day.year}{made.number_in_year[filing]:06d}"

    accepted: list[dict[str, Any]] = []
    put_aside: list[dict[str, Any]] = []
    transactions, notified = rows.transaction.tolist(), rows.notification.tolist()
    for i in range(n):
        trade, filing = int(rows.trade[i]), int(rows.filing[i])
        if (mistake := int(rows.mistake[i])) >= 0:
            field, value, reason = MISTAKES[mistake]
            aside = {"file": trace, "line": i + 1, "kind": "disclosures"}
            put_aside.append({**aside, "field": field, "value": value, "reason": reason})
            continue
        session = int(trades.session[trade])
        traded_on: dt.date = horizon.sessions[session].item()
        person, day = people[int(trades.person[trade])], filed[i]
        seat = person.seat_on(day) or person.seat_on(traded_on) or person.seats[-1]
        scanned = person.on_paper or bool(by_filing[filing, 0] < _SCANNED)
        stated = bool(by_filing[filing, 1] < _STATED[scanned])
        company = universe[int(trades.company[trade])]
        price = float(close[session, trades.company[trade]])
        kind = KINDS[int(trades.kind[trade])]
        planned = bool(trades.planned[trade])
        asset, symbol, description = _asset(kind, company, session, day, price, by_row[i].tolist(), planned)
        owner: str | None = OWNERS[int(trades.owner[trade])]
        low, high = BANDS[int(rows.band[i])]
        amount, flags = f"${low:,} - ${high:,}" if high else f"Over ${low - 1:,}", _date_flags(transactions[i], day)
        if scanned:
            owner = None if by_row[i, 1] < _OWNER_UNREADABLE else owner
            symbol = symbol.translate(_MISREAD) if symbol and by_row[i, 2] < _SYMBOL_MISREAD else symbol
            if by_row[i, 3] < _AMOUNT_CUT_OFF and high:
                amount, high = f"${low:,} -", None
                flags.append("amount_cut_off")
        variant = int(rows.variant[i])
        spellings = person.spellings(seat)
        accepted.append(
            {
                "chamber": seat.chamber,
                "document": documents[filing],
                "row_in_document": int(rows.row[i]),
                "filer": spellings[0] if stated else spellings[int(by_filing[filing, 2] * len(spellings))],
                "bioguide_id": person.bioguide_id if stated else None,
                "party": seat.party if stated else None,
                "state": seat.state,
                "district": seat.district if stated else None,
                "owner": owner,
                "ticker_printed": symbol,
                "asset": asset,
                "asset_type": kind,
                "side": SIDES[int(trades.side[trade])],
                "is_partial": bool(trades.partial[trade]),
                "transaction_date": transactions[i],
                "notification_date": notified[i],
                "filed_on": day,
                "amount_low": float(low),
                "amount_high": float(high) if high else None,
                "amount_printed": amount,
                "description": description,
                "filing_status": "amended" if variant == AMENDMENT else "new",
                "amendment_no": 1 if variant == AMENDMENT else None,
                "is_superseded": bool(rows.superseded[i]),
                "repeat_of": documents[rows.of[i]] if variant == REPEAT and rows.of[i] >= 0 else None,
                "transcription": "ocr" if scanned else "electronic",
                "url": f"demo:filing/{documents[filing]}",
                "flags": ",".join(flags) or None,
                "source": "demo",
                "file": trace,
                "line": i + 1,
            }
        )
    return (
        pa.Table.from_pylist(accepted, schema=DISCLOSURE_FACTS.schema),
        pa.Table.from_pylist(put_aside, schema=QUARANTINE_FACTS.schema),
    )


def _date_flags(transacted: dt.date, filed_on: dt.date) -> list[str]:
    """What is odd about a transaction's date, in the words of the other readers."""
    flags = ["transaction_date_before_2012"] if transacted < dt.date(2012, 1, 1) else []
    return [*flags, "transaction_date_after_filing"] if transacted > filed_on else flags


def _asset(
    kind: str, company: Company, session: int, filed: dt.date, price: float, u: list[float], planned: bool
) -> tuple[str, str | None, str | None]:
    """An asset as described, its symbol as printed, and the free text."""
    symbol, name = company.ticker, company.asset
    if company.renamed_at is not None and (session < company.renamed_at or u[0] < _OLD_SYMBOL_KEPT):
        symbol, name = company.old_ticker or symbol, f"{company.old_name}, Inc. - Common Stock"
    year = filed.year
    if kind == "option":
        strike, right = round(price * (0.85 + 0.3 * u[1]), 0 if price > 20 else 1), "Call" if u[2] < 0.6 else "Put"
        expires = f"{year + 1}-01-{15 + int(u[3] * 7):02d}"
        return name, symbol, f"{right} options; strike price ${strike:g}; expires {expires}"
    if kind == "fund":
        return FUND_NAME, FUND, None
    if kind == "corporate_bond":
        return f"{company.name}, Inc. {3 + 4 * u[1]:.2f}% due {year + 3 + int(u[2] * 20)}", None, "corporate bond"
    if kind == "municipal_security":
        district = _DISTRICTS[int(u[1] * len(_DISTRICTS))]
        return f"{district} {2 + 3 * u[2]:.2f}% due {year + 2 + int(u[3] * 25)}", None, None
    if kind == "government_security":
        return f"US Treasury bill, {(4, 13, 26, 52)[int(u[1] * 4)]} weeks", None, None
    if kind == "crypto":
        return "Quibblecoin", None, "held at an exchange"
    if kind == "other":
        return f"Limited partnership no. {1 + int(u[1] * 40)}, Vexley Valley", None, None
    return name, symbol, "Managed account, monthly rebalancing" if planned else None
