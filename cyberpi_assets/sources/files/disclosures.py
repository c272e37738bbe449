"""Disclosed transactions as public collections print them: Senate Stock Watcher, House Stock Watcher, TattooedHead.

Here each collection's fields become `disclosure_facts`, one row per transaction. The unified Parquet table has its own
module, `unified.py`. Which of two files is believed about the same filing is decided in `domain/documents.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from cyberpi_assets.sources import values as v
from cyberpi_assets.sources.files.content import as_dict, as_list
from cyberpi_assets.sources.rows import Origin, Reading, Record, RowBuffer, date_flags, joined, remembered

SCANNED: Final = "the filing is a scanned document; this file has none of its rows"


@dataclass(frozen=True)
class Collection:
    """How one collection names things. A name is a key of its records; None where it does not say."""

    source: str
    chamber: str
    filer: Callable[[Record], object]
    link: str
    document: str | None
    filed_on: str | None
    description: str | None = None
    bioguide: str | None = None
    party: str | None = None
    district: str | None = None
    asset_type: str | None = None


SENATE: Final = Collection(
    "senate_stock_watcher",
    "senate",
    lambda r: r.get("senator"),
    "ptr_link",
    None,
    "disclosure_date",
    description="comment",
    asset_type="asset_type",
)
SENATE_DAILY: Final = Collection(
    "senate_stock_watcher",
    "senate",
    lambda r: " ".join(str(r.get(k) or "") for k in ("first_name", "last_name")),
    "ptr_link",
    None,
    "date_recieved",
    description="comment",
    bioguide="bioguide",
    asset_type="asset_type",
)
HOUSE_V1: Final = Collection(
    "house_stock_watcher_v1",
    "house",
    lambda r: r.get("representative"),
    "ptr_link",
    None,
    "disclosure_date",
    district="district",
)
HOUSE_V2: Final = Collection(
    "house_stock_watcher_v2",
    "house",
    lambda r: r.get("representative"),
    "ptr_link",
    None,
    "disclosure_date",
    district="district",
    party="party",
)
TATTOOEDHEAD: Final = Collection(
    "tattooedhead",
    "house",
    lambda r: r.get("representative"),
    "source_url",
    "filing_id",
    "disclosure_date",
    district="district",
    asset_type="asset_type",
)

_PARTIES: Final = {"democrat", "democratic", "republican", "independent", "libertarian"}


class _Values:
    """The value readers with their answers remembered for one file: most values repeat thousands of times."""

    def __init__(self) -> None:
        self.date = remembered(v.parse_date)
        self.amount = remembered(v.parse_amount)
        self.owner = remembered(v.parse_owner)
        self.side = remembered(v.parse_side)
        self.ticker = remembered(v.parse_ticker)
        self.text = remembered(v.clean_text)
        self.asset = remembered(v.split_detail)
        self.document = remembered(v.parse_document)
        self.url = remembered(v.parse_url)
        self.district = remembered(v.parse_district)


def read_flat(records: Iterable[tuple[int, Record | None, object]], how: Collection, origin: Origin) -> Reading:
    """A list of transactions: (record number, record or None where it is torn, what stands there)."""
    buffer, rows = RowBuffer(origin.file), Counter[object]()
    values = _Values()
    for line, record, raw in records:
        buffer.read += 1
        if record is None:
            buffer.quarantine("disclosures", line, "row", raw, "the row is not a record of the known fields")
        else:
            _transaction(buffer, line, record, how, values, rows)
    return buffer.reading()


def flat_json(document: object) -> Iterator[tuple[int, Record | None, object]]:
    """The records of a JSON list, numbered from 1."""
    for line, record in enumerate(as_list(document), 1):
        yield line, as_dict(record) if isinstance(record, dict) else None, record


def read_daily(document: object, origin: Origin) -> Reading:
    """Senate reports with their transactions inside; a report without any is one record put aside."""
    buffer, rows = RowBuffer(origin.file), Counter[object]()
    values, line = _Values(), 0
    for item in as_list(document):
        report = as_dict(item)
        transactions = as_list(report.get("transactions"))
        for transaction in transactions or [None]:
            line += 1
            buffer.read += 1
            if isinstance(transaction, dict):
                record = {**{k: x for k, x in report.items() if k != "transactions"}, **as_dict(transaction)}
                _transaction(buffer, line, record, SENATE_DAILY, values, rows)
            elif transactions or not report:
                buffer.quarantine("disclosures", line, "row", item, "the row is not a record of the known fields")
            else:
                buffer.quarantine("disclosures", line, "transactions", report.get("ptr_link"), SCANNED)
    return buffer.reading()


def _transaction(
    buffer: RowBuffer, line: int, record: Record, how: Collection, values: _Values, rows: Counter[object]
) -> None:
    def wrong(name: str, reason: str) -> None:
        buffer.quarantine("disclosures", line, name, record.get(name), reason)

    link = record.get(how.link)
    document = values.document(record.get(how.document)) if how.document else values.document(link)
    filer = values.text(how.filer(record))
    filed_on = values.date(record.get(how.filed_on)) if how.filed_on else None
    rows[group := document or (filer, filed_on)] += 1  # rows put aside keep their number
    if str(record.get("asset_type")).startswith("PDF Disclosed"):
        return wrong("asset_type", SCANNED)
    if filer is None:
        return buffer.quarantine("disclosures", line, "filer", None, "no name")
    if how.filed_on and filed_on is None and v.stated(record.get(how.filed_on)) is not None:
        return wrong(how.filed_on, "not a date")
    transacted = values.date(record.get("transaction_date"))
    if transacted is None and v.stated(record.get("transaction_date")) is not None:
        return wrong("transaction_date", "not a date")
    side = values.side(record.get("type"))
    if side is None:
        return wrong("type", "neither purchase, sale nor exchange")
    amount, ticker = values.amount(record.get("amount")), values.ticker(record.get("ticker"))
    owner, owner_flag = values.owner(record.get("owner"))
    asset, detail = values.asset(record.get("asset_description"))
    state, district = values.district(record.get(how.district)) if how.district else (None, None)
    party = values.text(record.get(how.party)) if how.party else None
    flags = (*date_flags(transacted, filed_on), amount.flag, owner_flag, ticker.flag)
    description = v.stated(record.get(how.description)) if how.description else None
    buffer.accept(
        "disclosure_facts",
        {
            "chamber": how.chamber,
            "document": document,
            "row_in_document": rows[group],
            "filer": filer,
            "bioguide_id": v.stated(record.get(how.bioguide)) if how.bioguide else None,
            "party": party if party and party.lower() in _PARTIES else None,
            "state": state,
            "district": district,
            "owner": owner,
            "ticker_printed": ticker.symbol,
            "asset": asset,
            "asset_type": v.parse_asset_type(record.get(how.asset_type) if how.asset_type else None, asset),
            "side": side.side,
            "is_partial": side.is_partial,
            "transaction_date": transacted,
            "filed_on": filed_on,
            "amount_low": amount.low,
            "amount_high": amount.high,
            "amount_printed": values.text(record.get("amount")),
            "description": joined((detail, description, ticker.rest)),
            "transcription": _transcription(how.chamber, str(link), document),
            "url": values.url(link),
            "flags": joined(flags, ","),
            "source": how.source,
        },
        line,
    )
    return None


def _transcription(chamber: str, link: str, document: str | None) -> str | None:
    """Paper filings have seven-digit DocIDs in the House and their own path in the Senate: somebody typed them in."""
    if document is None:
        return None
    paper = "/view/paper/" in link if chamber == "senate" else len(document) <= 7
    return "manual" if paper else "electronic"
