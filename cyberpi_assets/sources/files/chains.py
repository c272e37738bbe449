"""Option chains of any vendor: contracts checked, brought to one unit and one spelling, streamed to `chain_facts`.

Here belongs what every chain goes through, and tables (Parquet, CSV) with a row per contract. Documents with chains
inside are in `quotes.py`; which of two sources counts is `domain/`'s.

What a cell may say, whoever says it. A price of 0 or below is no price, but a bid of 0 beside an ask is a bid: nobody
bids. An implied volatility up to 0.001 is a placeholder, not a volatility; a table whose median is above 5 is in
percent. A volume or open interest of -1 is not known; another negative one makes the row unusable.

When a chain was taken. A stated moment decides: a chain belongs to the last session that had opened by then. Without
one, the stated session counts and the chain is stamped with its close; but where contracts have traded in a later
session, the chain cannot be older than the latest of these trades, which then is the moment, and the price stated for
the other session is dropped. Where a provider dates each contract's last trade, its volume is of that day: a contract
last traded before the session has traded nothing in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from cyberpi_assets.domain.calendar import hours, sessions
from cyberpi_assets.sources.files.content import Content
from cyberpi_assets.sources.files.recognise import CHAIN_COLUMNS, Format, columns_playing
from cyberpi_assets.sources.files.staging import TICKER_SQL, Staged, date_sql, number_sql, quoted, stage
from cyberpi_assets.sources.rows import Origin, Reading, Unreadable
from cyberpi_assets.sources.values import PLACEHOLDER_VOL, shorten
from cyberpi_assets.storage.engine import connect, literal
from cyberpi_assets.tables import CHAIN_FACTS, QUARANTINE_FACTS

PERCENT_ABOVE: Final = 5.0  # median implied volatility of a table: 500 % a year is nobody's median
LARGEST_VOL: Final = 50.0
LARGEST_STRIKE: Final = 1e6

# One contract as a format gives it, before anything is judged. `stated`: session as stated; `moment`: as stated.
RAW: Final = pa.schema(
    [
        ("line", pa.int64()),
        ("ticker", pa.string()),
        ("stated", pa.date32()),
        ("moment", pa.timestamp("us", tz="UTC")),
        ("underlying", pa.float64()),
        ("expiry", pa.date32()),
        ("side", pa.string()),
        ("strike", pa.float64()),
        ("bid", pa.float64()),
        ("ask", pa.float64()),
        ("last", pa.float64()),
        ("volume", pa.float64()),
        ("open_interest", pa.float64()),
        ("implied_vol", pa.float64()),
        ("delta", pa.float64()),
        ("multiplier", pa.float64()),
        ("last_trade", pa.timestamp("us", tz="UTC")),
        ("kind", pa.string()),
        ("source", pa.string()),
        ("unread", pa.string()),
        ("printed", pa.string()),
    ]
)
_NUMBERS: Final = (
    "underlying", "strike", "bid", "ask", "last", "volume", "open_interest", "implied_vol", "delta",
)  # fmt: skip
_SHOWN: Final = ("session", "expiry", "side", "strike", "volume")  # of a row that is put aside
_OCC: Final = r"^([A-Z][A-Z0-9.]{0,5}?)[0-9]?\s*([0-9]{6})[CP]([0-9]{8})$"


def read_chains(content: Content, form: Format, origin: Origin, scratch: Path) -> Reading:
    """A table with a row per contract as `chain_facts`, streamed. Raises Unreadable where the file is damaged."""
    staged = stage(content, scratch)
    con = connect(memory_limit="1GB", temp_directory=scratch / "spill")
    try:
        con.execute(f"CREATE TEMP VIEW raw AS {_raw_of_table(staged, form)}")
        return normalise(con, origin, staged.rows, scratch, torn=staged.torn, note=staged.note)
    except duckdb.Error as error:
        raise Unreadable(f"damaged: {shorten(error)}") from error
    finally:
        con.close()


def read_contracts(contracts: Iterable[Mapping[str, Any]], origin: Origin, scratch: Path, *, percent: bool) -> Reading:
    """Contracts of a document, as `RAW` names their parts, as `chain_facts`; parts not named are null.

    `percent`: volatilities are in percent, not fractions.
    """
    rows = pa.Table.from_pylist([dict(c) for c in contracts], schema=RAW)
    con = connect(memory_limit="1GB")
    try:
        con.register("raw", rows)
        return normalise(con, origin, rows.num_rows, scratch, percent=percent)
    finally:
        con.close()


def _raw_of_table(staged: Staged, form: Format) -> str:
    """The SQL that gives a table's cells as `RAW` declares them."""
    parts = columns_playing(CHAIN_COLUMNS, staged.names)
    cell = {p: quoted(name) for p, name in parts.items()}
    kind = {p: staged.types[name] for p, name in parts.items()}
    text = {p: f"trim(CAST({c} AS VARCHAR))" for p, c in cell.items()}
    number = {p: number_sql(cell[p], kind[p]) for p in _NUMBERS if p in cell}
    unread = " ".join(f"WHEN {bad} THEN '{p}'" for p, (_, bad) in number.items() if bad != "false")
    symbol = text.get("contract")
    ticker = TICKER_SQL.format(c=cell["ticker"]) if "ticker" in cell else None
    if ticker is None and symbol is not None:
        ticker = f"nullif(regexp_extract(upper({symbol}), '{_OCC}', 1), '')"
    columns = {
        "line": staged.line,
        "ticker": ticker,
        "stated": date_sql(cell["session"], kind["session"]) if "session" in cell else None,
        "moment": _moment_sql(cell["moment"], kind["moment"]) if "moment" in cell else None,
        "expiry": date_sql(cell["expiry"], kind["expiry"]),
        "side": f"upper(left({text['side']}, 1))",
        "multiplier": _multiplier(text.get("multiplier")),
        "last_trade": _moment_sql(cell["last_trade"], kind["last_trade"]) if "last_trade" in cell else None,
        "kind": f"lower({text['kind']})" if "kind" in cell else None,
        "source": f"nullif({text['source']}, '')" if "source" in cell else literal(form.name.split("/")[-1]),
        "unread": f"CASE {unread} END" if unread else None,
        "printed": f"concat_ws(' | ', {', '.join(text[p] for p in _SHOWN if p in text)})",
    } | {p: n for p, (n, _) in number.items()}
    sql = [f"CAST({columns.get(f.name) or 'NULL'} AS {_DUCK[f.type]}) AS {f.name}" for f in RAW]
    return f"SELECT {', '.join(sql)} FROM {staged.scan}"


_DUCK: Final[Mapping[pa.DataType, str]] = {
    pa.int64(): "BIGINT",
    pa.string(): "VARCHAR",
    pa.date32(): "DATE",
    pa.float64(): "DOUBLE",
    pa.timestamp("us", tz="UTC"): "TIMESTAMPTZ",
}


def _moment_sql(column: str, kind: pa.DataType) -> str:
    """A moment: with a zone as stated, epochs in UTC, and text or clock times without a zone in New York."""
    if pa.types.is_timestamp(kind):
        return column if kind.tz is not None else f"timezone('America/New_York', {column})"
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return f"to_timestamp(CASE WHEN {column} > 1e11 THEN {column} / 1000 ELSE {column} END)"
    text = f"trim(CAST({column} AS VARCHAR))"
    zoned = f"regexp_matches({text}, '[0-9](Z|[+-][0-9]{{2}}:?[0-9]{{2}})$')"
    return (
        f"CASE WHEN {zoned} THEN TRY_CAST({text} AS TIMESTAMPTZ) "
        f"ELSE timezone('America/New_York', TRY_CAST({text} AS TIMESTAMP)) END"
    )


def _multiplier(text: str | None) -> str | None:
    return (
        text and f"CASE upper({text}) WHEN 'REGULAR' THEN 100 WHEN 'MINI' THEN 10 ELSE TRY_CAST({text} AS DOUBLE) END"
    )


def normalise(
    con: duckdb.DuckDBPyConnection,
    origin: Origin,
    rows: int,
    scratch: Path,
    torn: Iterable[tuple[int, str]] = (),
    note: str | None = None,
    percent: bool | None = None,
) -> Reading:
    """What stands in the view `raw` (columns: `RAW`) as `chain_facts` in `scratch`, and the rows put aside.

    `percent`: volatilities are in percent; None: their median decides.
    """
    opens, closes = hours()
    con.register(
        "calendar",
        pa.table(
            {"day": pa.array(sessions(), pa.int32()).cast(pa.date32()), "opens": _utc(opens), "closes": _utc(closes)}
        ),
    )
    median = con.execute(
        f"SELECT median(implied_vol) FROM raw WHERE implied_vol > {PLACEHOLDER_VOL} AND isfinite(implied_vol)"
    ).fetchone()
    if percent is None:
        percent = median is not None and median[0] is not None and median[0] > PERCENT_ABOVE
    con.execute("""
        CREATE TEMP TABLE latest AS
        SELECT ticker, stated, max(last_trade) AS trade FROM raw
        WHERE last_trade IS NOT NULL AND moment IS NULL GROUP BY ALL""")
    con.execute("""
        CREATE TEMP TABLE taken AS
        WITH snapshots AS (
            SELECT DISTINCT ticker, stated, moment FROM raw
        ), bounded AS (
            SELECT s.*, m.day AS moment_session, t.day AS trade_session, l.trade, c.closes
            FROM snapshots s LEFT JOIN latest l
                 ON s.ticker IS NOT DISTINCT FROM l.ticker AND s.stated IS NOT DISTINCT FROM l.stated
            ASOF LEFT JOIN calendar m ON s.moment >= m.opens
            ASOF LEFT JOIN calendar t ON l.trade >= t.opens
            LEFT JOIN calendar c ON s.stated = c.day
        )
        SELECT ticker, stated, moment,
               CASE WHEN moment IS NOT NULL THEN moment
                    WHEN trade_session > stated OR stated IS NULL THEN trade
                    ELSE closes END AS snapshot_at,
               CASE WHEN moment IS NOT NULL THEN moment_session
                    WHEN trade_session > stated OR stated IS NULL THEN trade_session
                    WHEN closes IS NOT NULL THEN stated END AS session
        FROM bounded""")
    con.execute(f"""
        CREATE TEMP VIEW contracts AS
        WITH dated AS (
            SELECT raw.*, taken.snapshot_at, taken.session, cal.opens, cal.closes
            FROM raw JOIN taken ON raw.ticker IS NOT DISTINCT FROM taken.ticker
                 AND raw.stated IS NOT DISTINCT FROM taken.stated AND raw.moment IS NOT DISTINCT FROM taken.moment
            LEFT JOIN calendar cal ON cal.day = taken.session
        )
        SELECT *, implied_vol / {100 if percent else 1} AS iv,
               CASE WHEN volume <> -1 THEN volume END AS traded,
               CASE WHEN open_interest <> -1 THEN open_interest END AS held,
               CASE WHEN unread IS NOT NULL THEN unread
                    WHEN ticker IS NULL OR ticker = '' OR length(ticker) > 24 THEN 'ticker'
                    WHEN session IS NULL THEN 'session'
                    WHEN expiry IS NULL OR expiry < session OR expiry > session + INTERVAL 20 YEAR THEN 'expiry'
                    WHEN side IS NULL OR side NOT IN ('C', 'P') THEN 'right'
                    WHEN strike IS NULL OR NOT (strike > 0 AND strike <= {LARGEST_STRIKE}) THEN 'strike'
                    WHEN traded < 0 OR traded <> round(traded) OR traded > 9e15 THEN 'volume'
                    WHEN held < 0 OR held <> round(held) OR held > 9e15 THEN 'open_interest'
               END AS fault
        FROM dated""")
    target = scratch / "chain_facts.parquet"
    con.execute("SET VARIABLE file = ?", [origin.file])
    con.execute(f"""
        COPY (SELECT ticker, snapshot_at, session,
                CASE WHEN stated IS NULL OR stated = session THEN {_price("underlying")} END AS underlying_price,
                expiry, CASE side WHEN 'C' THEN 'call' ELSE 'put' END AS "right", round(strike, 4) AS strike,
                CASE WHEN isfinite(bid) AND bid >= 0 AND (bid > 0 OR ask > 0) THEN round(bid, 4) END AS bid,
                {_price("ask")} AS ask, {_price("last")} AS last,
                CASE WHEN last_trade < opens THEN 0 ELSE traded::BIGINT END AS volume,
                held::BIGINT AS open_interest,
                CASE WHEN iv > {PLACEHOLDER_VOL} AND iv <= {LARGEST_VOL} THEN round(iv, 6) END AS implied_vol,
                CASE WHEN delta BETWEEN -1 AND 1 AND (side = 'C') = (delta > 0) OR delta = 0
                     THEN round(delta, 6) + 0.0 END AS delta,
                CASE WHEN multiplier BETWEEN 1 AND 1e6 THEN multiplier::BIGINT END AS multiplier,
                CASE WHEN last_trade <= snapshot_at THEN last_trade END AS last_trade_at,
                CASE WHEN kind IN ('live', 'delayed', 'frozen', 'delayed_frozen', 'end_of_day', 'simulated') THEN kind
                     WHEN kind IN ('eod', 'weekend', 'close') OR snapshot_at >= closes - INTERVAL 5 MINUTE
                     THEN 'end_of_day' ELSE 'delayed' END AS data_type,
                coalesce(source, 'file') AS source, CAST(getvariable('file') AS VARCHAR) AS file, line
              FROM contracts WHERE fault IS NULL)
        TO {literal(str(target))} (FORMAT parquet, COMPRESSION snappy)""")
    accepted = pq.read_metadata(target).num_rows
    lost = [{"file": origin.file, "line": n, "kind": "chains", "field": "row", "value": shorten(text),
             "reason": "the row has more or fewer cells than the header"} for n, text in torn]  # fmt: skip
    aside = pa.Table.from_pylist(lost, schema=QUARANTINE_FACTS.schema)
    if accepted + len(lost) < rows:
        aside = pa.concat_tables([aside, _faults(con, origin)])
    return Reading({CHAIN_FACTS.name: target}, aside, rows, note)


def _utc(moments: np.ndarray[Any, np.dtype[np.int64]]) -> pa.Array[Any]:
    return pa.array(moments, pa.int64()).cast(pa.timestamp("us", tz="UTC"))


def _price(column: str) -> str:
    return f"CASE WHEN isfinite({column}) AND {column} > 0 THEN round({column}, 4) END"


def _faults(con: duckdb.DuckDBPyConnection, origin: Origin) -> pa.Table:
    found = con.execute(
        """
        SELECT ? AS file, line, 'chains' AS kind, fault AS field, left(printed, 200) AS value,
               CASE WHEN fault = unread THEN 'not a number'
                    WHEN fault = 'ticker' THEN 'no ticker'
                    WHEN fault = 'session' AND stated IS NULL AND moment IS NULL
                    THEN 'nothing says when the chain was taken'
                    WHEN fault = 'session' THEN 'the New York Stock Exchange was closed on this day'
                    WHEN fault = 'expiry' AND expiry IS NULL THEN 'not a date'
                    WHEN fault = 'expiry' AND expiry < session THEN 'expired before the session'
                    WHEN fault = 'expiry' THEN 'expires more than 20 years after the session'
                    WHEN fault = 'right' THEN 'neither call nor put'
                    WHEN fault = 'strike' THEN 'strike is not a positive price'
                    ELSE 'not a whole number of contracts' END AS reason
        FROM contracts WHERE fault IS NOT NULL ORDER BY line""",
        [origin.file],
    ).to_arrow_table()
    nullable = pa.schema([pa.field(f.name, f.type) for f in QUARANTINE_FACTS.schema])
    return found.cast(nullable).cast(QUARANTINE_FACTS.schema)
