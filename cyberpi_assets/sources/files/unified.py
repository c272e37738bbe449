"""The unified table of both chambers' disclosed trades (Parquet, 48 columns).

Its rows come from a dozen collections, named in its own `source` column; here they become `disclosure_facts` with the
source `unified/<that name>`. What was printed counts before what the table makes of it; where it prints nothing, its
own reading is taken.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from typing import Any, Final

import pyarrow.parquet as pq

from cyberpi_assets.sources import values as v
from cyberpi_assets.sources.files.content import Content
from cyberpi_assets.sources.rows import Origin, Reading, Record, RowBuffer, date_flags, joined, remembered

OWNER_NOT_STATED: Final = "owner_not_stated"
HOUSE_URL: Final = "https://disclosures-clerk.house.gov/public_disc/ptr-pdfs/{year}/{document}.pdf"
_BATCH: Final = 20_000
_KINDS: Final = {
    "stock": "stock",
    "option": "option",
    "corporate_bond": "corporate_bond",
    "etf_fund": "fund",
    "crypto": "crypto",
}
_TRANSCRIPTION: Final = {"True": "ocr", "False": "electronic"}
_COLUMNS: Final = [
    "chamber",
    "official",
    "bioguide_id",
    "party",
    "state",
    "district",
    "ticker",
    "ticker_current",
    "ticker_raw",
    "asset_description",
    "asset_type",
    "asset_class",
    "side",
    "side_detail",
    "side_raw",
    "transaction_date",
    "transaction_date_raw",
    "notification_date",
    "filing_date",
    "amount_min",
    "amount_max",
    "amount_kind",
    "amount_raw",
    "owner",
    "owner_raw",
    "comment",
    "description",
    "subholding_of",
    "filing_status",
    "amendment_no",
    "is_superseded",
    "repeat_of_doc",
    "is_paper",
    "doc_id",
    "row_in_doc",
    "url",
    "source",
    "anomalies",
]


def read_unified(content: Content, origin: Origin) -> Reading:
    """All rows, read twice: once to know which documents number their own rows, once to read them."""
    file = pq.ParquetFile(content.path)
    present = [c for c in _COLUMNS if c in file.schema_arrow.names]
    scheme = _Scheme(file)
    buffer, rows = RowBuffer(origin.file), Counter[object]()
    read = _Readers()
    for batch in file.iter_batches(_BATCH, columns=present):
        columns = [batch.column(c).to_pylist() for c in present]
        for cells in zip(*columns, strict=True):
            buffer.read += 1
            _row(buffer, buffer.read, dict(zip(present, cells, strict=True)), scheme, rows, read)
    return buffer.reading()


class _Scheme:
    """What can only be known from the whole table: own row numbers, filing years, sources that name no owners."""

    def __init__(self, file: pq.ParquetFile) -> None:
        wanted = ("doc_id", "row_in_doc", "filing_date", "source", "owner", "owner_raw")
        names = [c for c in wanted if c in file.schema_arrow.names]
        table = file.read(columns=names).to_pydict()
        nothing = [None] * file.metadata.num_rows
        documents, numbers, filed, source, owner, printed = (table.get(c, nothing) for c in wanted)
        self.owned = {s for s, o, p in zip(source, owner, printed, strict=True) if o is not None or p is not None}
        seen: dict[object, set[object]] = {}
        self.running: set[object] = set()  # documents whose own numbers repeat or are missing
        self.from_zero: set[object] = set()
        years: dict[object, set[int]] = {}
        for document, number, day in zip(documents, numbers, filed, strict=True):
            used = seen.setdefault(document, set())
            if number is None or number < 0 or number in used:
                self.running.add(document)
            used.add(number)
            if number == 0:
                self.from_zero.add(document)
            if isinstance(day, dt.date):
                years.setdefault(document, set()).add(day.year)
        self.running.add(None)
        self.year = {d: next(iter(y)) for d, y in years.items() if len(y) == 1}


class _Readers:
    def __init__(self) -> None:
        self.amount = remembered(v.parse_amount)
        self.owner = remembered(v.parse_owner)
        self.ticker = remembered(v.parse_ticker)
        self.symbol = remembered(v.normalise_symbol)
        self.side = remembered(v.parse_side)
        self.text = remembered(v.clean_text)
        self.document = remembered(v.parse_document)
        self.url = remembered(v.parse_url)


def _row(buffer: RowBuffer, line: int, row: Record, scheme: _Scheme, rows: Counter[object], read: _Readers) -> None:
    def wrong(name: str, value: object, reason: str) -> None:
        buffer.quarantine("disclosures", line, name, value, reason)

    get = row.get
    chamber, filer = read.text(get("chamber")), read.text(get("official"))
    document, filed_on = read.document(get("doc_id")), v.parse_date(get("filing_date"))
    group = get("doc_id") or (chamber, filer, filed_on)
    rows[group] += 1
    number = rows[group]
    if get("doc_id") not in scheme.running:
        number = int(row["row_in_doc"]) + (get("doc_id") in scheme.from_zero)
    if chamber not in ("house", "senate"):
        return wrong("chamber", chamber, "neither house nor senate")
    if filer is None:
        return wrong("official", None, "no name")
    side = read.side(get("side")) or read.side(get("side_raw"))
    if side is None:
        return wrong("side_raw", get("side_raw"), "neither purchase, sale nor exchange")
    transacted = v.parse_date(get("transaction_date"))
    if transacted is None and (printed := v.stated(get("transaction_date_raw"))) is not None:
        return wrong("transaction_date_raw", printed, "not a date")
    ticker = read.ticker(get("ticker_raw"))
    symbol = ticker.symbol or read.symbol(get("ticker"))
    low, high, amount_flag = _amount(row, read)
    owner, owner_flag = _owner(row, scheme, read)
    asset, detail = v.split_detail(get("asset_description"))
    partial = {"partial": True, "full": False}.get(str(get("side_detail")))
    text = read.text
    buffer.accept(
        "disclosure_facts",
        {
            "chamber": chamber,
            "document": document,
            "row_in_document": number,
            "filer": filer,
            "bioguide_id": text(get("bioguide_id")),
            "party": text(get("party")),
            "state": text(get("state")),
            "district": v.integer(get("district")),
            "owner": owner,
            "ticker_printed": symbol,
            "ticker_current": read.symbol(get("ticker_current")),
            "asset": asset,
            "asset_type": _asset_type(row, asset),
            "side": side.side,
            "is_partial": partial if partial is not None else side.is_partial,
            "transaction_date": transacted,
            "notification_date": v.parse_date(get("notification_date")),
            "filed_on": filed_on,
            "amount_low": low,
            "amount_high": high,
            "amount_printed": text(get("amount_raw")),
            "description": joined((detail, _said(text, row), ticker.rest)),
            "filing_status": get("filing_status") if get("filing_status") in ("new", "amended", "deleted") else None,
            "amendment_no": v.integer(get("amendment_no")),
            "is_superseded": get("is_superseded") if isinstance(get("is_superseded"), bool) else None,
            "repeat_of": read.document(get("repeat_of_doc")),
            "transcription": _TRANSCRIPTION.get(str(get("is_paper"))),
            "url": read.url(get("url")) or _derived_url(chamber, document, scheme.year.get(get("doc_id"))),
            "flags": joined(
                (
                    *date_flags(transacted, filed_on),
                    amount_flag,
                    owner_flag,
                    ticker.flag if symbol is None or ticker.flag == v.TWO_TICKERS else None,
                    *(text(get("anomalies")) or "").split(","),
                ),
                ",",
            ),
            "source": f"unified/{text(get('source')) or 'unknown'}",
        },
        line,
    )
    return None


def _said(text: Any, row: Record) -> str | None:
    subholding = text(row.get("subholding_of"))
    return joined(
        (text(row.get("description")), text(row.get("comment")), f"subholding of {subholding}" if subholding else None)
    )


def _amount(row: Record, read: _Readers) -> v.Amount:
    """As printed; by the table's own reading where nothing legible is printed. A cut-off upper end stays unknown."""
    kind, low = row.get("amount_kind"), v.decimal(row.get("amount_min"))
    if kind == "truncated_upper":
        return v.Amount(low, None, v.CUT_OFF)
    amount = read.amount(row.get("amount_raw"))
    if amount.low is None and amount.high is None and low is not None:
        high = v.decimal(row.get("amount_max"))
        if high is None or high >= low:
            return v.Amount(low, high, None)
    return amount


def _owner(row: Record, scheme: _Scheme, read: _Readers) -> tuple[str | None, str | None]:
    """Blank is the filer, unless the collection names no owners at all."""
    if row.get("source") not in scheme.owned:
        return None, OWNER_NOT_STATED
    if row.get("owner") in ("self", "spouse", "joint", "child"):
        return row["owner"], None
    return read.owner(row.get("owner_raw") or row.get("owner"))


def _asset_type(row: Record, asset: str | None) -> str | None:
    own = _KINDS.get(str(row.get("asset_class")))
    return own or v.parse_asset_type(row.get("asset_type"), asset)


def _derived_url(chamber: str, document: str | None, year: int | None) -> str | None:
    """The House Clerk's address of a filing, where its DocID and one year of filing are known."""
    if chamber != "house" or document is None or year is None or not re.fullmatch(r"\d{7,8}", document):
        return None
    return HOUSE_URL.format(year=year, document=document)
