"""From a read report and its line in the index to the project's tables.

Here belongs the mapping to `tables.DISCLOSURE_FACTS` in the vocabulary all sources share. How the report is read is in
`ptr.py`; what the rows are worth is decided later.
"""

from __future__ import annotations

from typing import Any, Final

import pyarrow as pa

from cyberpi_assets.sources import values as v
from cyberpi_assets.sources.house.index import IndexRow
from cyberpi_assets.sources.house.options import OptionTerms
from cyberpi_assets.sources.house.ptr import PtrDocument, PtrRow
from cyberpi_assets.sources.rows import date_flags, joined
from cyberpi_assets.tables import DISCLOSURE_FACTS, QUARANTINE_FACTS

PARTIAL_DOCUMENT: Final = "document_partial"  # rows of the document may be missing
OTHER_DOCUMENT: Final = "filing_id_differs"  # the number printed on the document is not the index's
NOTIFICATION_MISSING: Final = "notification_date_missing"
NOTIFIED_BEFORE: Final = "notification_before_transaction"
OPTION_TERMS: Final = "option_terms_in_text"  # the row's type is not option, its text states an option's terms
EXERCISE: Final = "option_exercised"


def disclosure_facts(
    document: PtrDocument, filing: IndexRow, *, source: str = "house_clerk", file: str
) -> tuple[pa.Table, pa.Table]:
    """A report's rows as `DISCLOSURE_FACTS`, and those put aside as `QUARANTINE_FACTS`; together every row read.

    A row needs a readable type and, where a date is printed, a readable date of the transaction. Rows of a partial
    document carry the flag `document_partial`. Deleted rows keep filing_status `deleted`, amended ones `amended`.
    """
    accepted: list[dict[str, Any]] = []
    put_aside: list[dict[str, Any]] = []
    state, district = v.parse_district(filing.state_district or document.state_district)
    common = {
        "chamber": "house",
        "document": filing.doc_id,
        "filer": document.filer or filing.filer,
        "state": state,
        "district": district,
        "filed_on": filing.filing_date or document.signed_on,
        "transcription": "electronic",
        "url": filing.url,
        "source": source,
        "file": file,
    }
    whole = (
        PARTIAL_DOCUMENT if document.status == "partial" else None,
        OTHER_DOCUMENT if document.filing_id not in (None, filing.doc_id) else None,
    )
    for row in document.rows:
        fault = _fault(row)
        if fault is not None:
            name, value, reason = fault
            put_aside.append(
                {
                    "file": file,
                    "line": row.number,
                    "kind": "disclosures",
                    "field": name,
                    "value": v.shorten(value),
                    "reason": reason,
                }
            )
        else:
            accepted.append({**common, **_fact(row, filing, whole), "line": row.number})
    nullable = pa.schema([pa.field(f.name, f.type) for f in DISCLOSURE_FACTS.schema])
    return (
        pa.Table.from_pylist(accepted, schema=nullable).cast(DISCLOSURE_FACTS.schema),
        pa.Table.from_pylist(put_aside, schema=QUARANTINE_FACTS.schema),
    )


def _fault(row: PtrRow) -> tuple[str, str | None, str] | None:
    if row.side is None:
        return "type", row.type_printed, "neither purchase, sale nor exchange"
    if row.transaction_date is None and row.transaction_date_printed:
        return "transaction_date", row.transaction_date_printed, "not a date"
    return None


def _fact(row: PtrRow, filing: IndexRow, whole: tuple[str | None, ...]) -> dict[str, Any]:
    amount = v.parse_amount(row.amount_printed)
    owner, owner_flag = v.parse_owner(row.owner)
    ticker = v.parse_ticker(row.ticker)
    asset_type = v.parse_asset_type(None, f"[{row.asset_code}]" if row.asset_code else None)
    notified, transacted = row.notification_date, row.transaction_date
    flags = (
        *date_flags(transacted, filing.filing_date),
        amount.flag,
        owner_flag,
        ticker.flag,
        NOTIFICATION_MISSING if notified is None else None,
        NOTIFIED_BEFORE if notified and transacted and notified < transacted else None,
        OPTION_TERMS if row.option and asset_type != "option" else None,
        EXERCISE if row.option and row.option.exercised else None,
        *whole,
    )
    return {
        "row_in_document": row.number,
        "owner": owner,
        "ticker_printed": ticker.symbol,
        "asset": row.asset or None,
        "asset_type": asset_type,
        "side": {"P": "buy", "S": "sell", "E": "exchange"}[row.side or ""],
        "is_partial": row.is_partial,
        "transaction_date": transacted,
        "notification_date": notified,
        "amount_low": amount.low,
        "amount_high": amount.high,
        "amount_printed": row.amount_printed or None,
        "description": joined(
            (
                terms_in_words(row.option),
                row.description,
                row.comments,
                f"subholding of {row.subholding}" if row.subholding else None,
                f"location {row.location}" if row.location else None,
                f"amends transaction {row.transaction_id}" if row.transaction_id else None,
                ticker.rest,
            )
        ),
        "filing_status": row.filing_status,
        "flags": joined(flags, ","),
    }


def terms_in_words(option: OptionTerms | None) -> str | None:
    """Option terms in one fixed form: `option: call, strike 150, expires 2026-01-16, 50 contracts, exercised`."""
    if option is None:
        return None
    parts = (
        option.right,
        f"strike {option.strike:g}" if option.strike is not None else None,
        f"expires {option.expiry.isoformat()}" if option.expiry else None,
        f"{option.contracts} contracts" if option.contracts else None,
        "exercised" if option.exercised else None,
    )
    return "option: " + ", ".join(p for p in parts if p)
