"""A Senate report's printed rows as `disclosure_facts`, in the same vocabulary as every other source.

What is printed stays: the date as written, the amount in words, both assets of an exchange. A row whose date or
direction cannot be read is put aside with the field and the reason, and its filing is then not `parsed` but `partial`.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Protocol

from cyberpi_assets.sources import values as v
from cyberpi_assets.sources.rows import Reading, RowBuffer, date_flags, joined
from cyberpi_assets.sources.senate.page import SITE, PtrRow, SenatePtr


class Filing(Protocol):
    """What the index knows of the filing; `search.SearchRow` is one."""

    @property
    def document(self) -> str:
        """UUID, lower case."""
        ...

    @property
    def filer(self) -> str:
        """Name as printed in the index."""
        ...

    @property
    def submitted_on(self) -> dt.date | None:
        """Day the Senate received it."""
        ...

    @property
    def path(self) -> str:
        """Address on the site."""
        ...


def disclosure_facts(
    page: SenatePtr, filing: Filing | str, *, file: str, source: str = "senate_efd", site: str = SITE
) -> Reading:
    """The page's rows as `disclosure_facts` and `quarantine_facts` (keys of `Reading.facts` and `.quarantine`).

    `filing` is the index row, or the report's UUID alone: name and date are then the page's. `file` names the page in
    every row, and `line` is the row's position from the top, as is `row_in_document`. rows_read = accepted + put aside.
    A page that is no report, or failed, gives no rows. A partial page's rows carry the flag `filing_partial`.
    """
    buffer = RowBuffer(file)
    if page.status in ("parsed", "partial"):
        origin = _origin(page, filing, site, source)
        for row in page.rows:
            buffer.read += 1
            _accept(buffer, page, row, origin)
        for broken in page.broken:
            buffer.read += 1
            buffer.quarantine("disclosures", broken.position, "row", broken.text, "the row has not the nine columns")
    return buffer.reading()


def _origin(page: SenatePtr, filing: Filing | str, site: str, source: str) -> dict[str, Any]:
    document = filing if isinstance(filing, str) else filing.document
    submitted = None if isinstance(filing, str) else filing.submitted_on
    path = f"/search/view/ptr/{document}/" if isinstance(filing, str) else filing.path
    return {
        "chamber": "senate",
        "document": document.lower(),
        "filer": page.filer or (None if isinstance(filing, str) else filing.filer or None),
        "filed_on": submitted or (page.filed_at.date() if page.filed_at else None),
        "filing_status": "amended" if page.is_amendment else "new",
        "amendment_no": page.amendment_no,
        "transcription": "electronic",
        "url": v.parse_url(site.rstrip("/") + path),
        "source": source,
    }


def _accept(buffer: RowBuffer, page: SenatePtr, row: PtrRow, origin: dict[str, Any]) -> None:
    line = row.position
    transacted = v.parse_date(row.transaction_date)
    if transacted is None and v.stated(row.transaction_date) is not None:
        return buffer.quarantine("disclosures", line, "transaction_date", row.transaction_date, "not a date")
    side = v.parse_side(row.type)
    if side is None:
        return buffer.quarantine("disclosures", line, "type", row.type, "neither purchase, sale nor exchange")
    if origin["filer"] is None:
        return buffer.quarantine("disclosures", line, "filer", None, "no name")
    amount, ticker = v.parse_amount(row.amount), v.parse_ticker(" ".join(row.tickers))
    owner, owner_flag = v.parse_owner(row.owner)
    asset = joined(map(v.clean_text, row.assets))  # some filers' text was escaped twice
    partial = "filing_partial" if page.status == "partial" else None
    flags = (*date_flags(transacted, origin["filed_on"]), amount.flag, owner_flag, ticker.flag, partial)
    return buffer.accept(
        "disclosure_facts",
        {
            **origin,
            "row_in_document": row.position,
            "owner": owner,
            "ticker_printed": ticker.symbol,
            "asset": asset,
            "asset_type": v.parse_asset_type(row.asset_type, asset),
            "side": side.side,
            "is_partial": side.is_partial,
            "transaction_date": transacted,
            "amount_low": amount.low,
            "amount_high": amount.high,
            "amount_printed": row.amount or None,
            "description": joined((*map(v.clean_text, row.details), v.clean_text(row.comment), ticker.rest)),
            "flags": joined(flags, ","),
        },
        line,
    )
