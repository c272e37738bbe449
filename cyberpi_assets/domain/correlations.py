"""Disclosed trades against the alerts before them: a score with its components, or no score and the reason.

Here belongs which trade may be scored, and which alerts counted. The score itself is looked up on the timing surface
(`timing.py`); what a score is worth belongs to the evidence tables.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from cyberpi_assets.domain.columns import dates, day_numbers, known, named, numbered
from cyberpi_assets.domain.features import Floats
from cyberpi_assets.domain.ocr import REASON as NOT_REVIEWED_REASON
from cyberpi_assets.domain.ocr import UNREVIEWED
from cyberpi_assets.domain.sql import Frame, ask, only
from cyberpi_assets.domain.timing import counted_alerts, score_parts, tier
from cyberpi_assets.rules.figures import TimingRules
from cyberpi_assets.tables import DISCLOSURE_CORRELATIONS

_LOOKED_UP = ("ticker", "day", "n_alerts", "n_rated", "severity_sum", "n_recent", "n_high", "coverage", "scorable")
_STRETCHES = pa.schema([("ticker", pa.string()), ("first_day", pa.date32()), ("last_day", pa.date32())])

# Why a trade is not scored, in the order in which the reasons are given. The STOCK Act begins the record in 2012.
_REASONS = """
CASE WHEN t.filing_status = 'deleted' THEN 'deleted by the filer'
     WHEN t.superseded_by IS NOT NULL THEN 'superseded: ' || t.superseded_by
     WHEN t.repeat_of IS NOT NULL THEN 'already disclosed in ' || t.repeat_of
     WHEN t.transaction_date IS NULL THEN 'no transaction date'
     WHEN t.transaction_date < DATE '2012-01-01' THEN 'transaction date before 2012'
     WHEN t.transaction_date > t.filed_on OR strftime(t.transaction_date, '%Y-%m') > t.month
     THEN 'transaction date after the filing'
     WHEN t.ticker IS NULL AND t.ticker_evidence = 'reused' THEN 'symbol of another company by now'
     WHEN t.ticker IS NULL THEN 'no listed symbol: ' || coalesce(t.asset_type, 'asset')
     WHEN NOT $score_named AND t.ticker_evidence = 'company name' THEN 'symbol found by company name only'
     WHEN m.trade_id IS NULL THEN 'no market data for this symbol'
     WHEN t.transaction_date < m.first_day THEN 'market data of this symbol begin later'
     WHEN NOT m.inside THEN 'market data of this symbol end earlier'
     WHEN s.ticker IS NULL OR NOT s.scorable THEN 'too few sessions with prices in the 30 days before'
END
"""


def bars_spans(bars: Frame, window_days: int) -> pa.Table:
    """First and last day on which each ticker may be scored. bars: ticker, session, more.

    Columns: ticker, first_day, last_day.
    """
    return ask(
        """SELECT ticker, min(session) AS first_day, (max(session) + $window::INT)::DATE AS last_day
           FROM bars GROUP BY ticker""",
        params={"window": window_days},
        bars=only(bars, "ticker", "session"),
    )


def bars_stretches(bars: Frame, window_days: int) -> pa.Table:
    """The stretches of days on which each ticker may be scored: from a bar on, until `window_days` pass without one.

    bars: ticker, session. Columns: ticker, first_day, last_day; one row per stretch.
    """
    listed = only(bars, "ticker", "session")
    rows = listed if isinstance(listed, pa.Table) else listed.to_arrow_table()
    if rows.num_rows == 0:
        return _STRETCHES.empty_table()
    code, tickers = numbered(rows.column("ticker"))
    # one sorted number per bar: a window over all bars in SQL takes ten times as long
    key = np.sort(code.astype(np.int64) << 32 | (day_numbers(rows.column("session")) + 2**31))
    code, day = key >> 32, (key & (2**32 - 1)) - 2**31
    first = np.flatnonzero(np.r_[True, (code[1:] != code[:-1]) | (day[1:] - window_days > day[:-1])])
    last = np.r_[first[1:], key.size] - 1
    columns = [named(code[first], tickers), dates(day[first]), dates(day[last] + window_days)]
    return pa.Table.from_arrays(columns, schema=_STRETCHES)


def disclosure_correlations(
    trades: pa.Table,
    surface: Frame,
    alerts: pa.Table,
    stretches: pa.Table,
    rules: TimingRules,
    *,
    score_ocr: bool = False,
) -> pa.Table:
    """Every trade with its score and components, or null and the reason. Columns: `tables.DISCLOSURE_CORRELATIONS`.

    trades: `tables.DISCLOSED_TRADES`. surface: `tables.TIMING_SURFACE` and alerts: `tables.MARKET_ALERTS`, of all
    months in which the trades lie and the window before. stretches: as `bars_stretches` gives; those that begin
    after the month of a filing are not looked at, so that a trade's answer is the same whenever it is computed.
    Rows are ordered by month and trade_id. Rows that we read from scans ourselves get no score unless `score_ocr`.
    """
    unreviewed = "false" if score_ocr else UNREVIEWED
    found = ask(
        f"""
        WITH wanted AS (SELECT DISTINCT ticker, transaction_date AS day FROM trades),
        looked_up AS (SELECT s.* FROM surface s SEMI JOIN wanted w ON s.ticker = w.ticker AND s.day = w.day),
        market AS (
            SELECT t.trade_id, min(m.first_day) AS first_day,
                   bool_or(t.transaction_date BETWEEN m.first_day AND m.last_day) AS inside
            FROM trades t JOIN stretches m ON m.ticker = t.ticker AND strftime(m.first_day, '%Y-%m') <= t.month
            GROUP BY t.trade_id
        )
        SELECT t.trade_id, t.filing_id, t.bioguide_id, t.ticker, t.transaction_date, t.month,
               s.n_alerts, s.n_rated, s.severity_sum, s.n_recent, s.n_high, s.coverage,
               CASE WHEN {unreviewed} THEN '{NOT_REVIEWED_REASON}' ELSE {_REASONS} END AS reason
        FROM trades t LEFT JOIN market m USING (trade_id)
        LEFT JOIN looked_up s ON s.ticker = t.ticker AND s.day = t.transaction_date
        ORDER BY t.month, t.trade_id""",
        params={"score_named": rules.score_named},
        trades=trades,
        surface=only(surface, *_LOOKED_UP),
        stretches=stretches,
    )
    scored = np.array([r is None for r in found.column("reason").to_pylist()], dtype=bool)

    def part(name: str) -> Floats:
        values: Floats = found.column(name).cast(pa.float64()).to_numpy()
        return np.where(scored, values, np.nan)

    n, n_rated, total, recent, high = (part(c) for c in ("n_alerts", "n_rated", "severity_sum", "n_recent", "n_high"))
    mean = np.divide(total, n_rated, out=np.where(scored, 0.0, np.nan), where=n_rated > 0)
    raw, score = score_parts(n, mean, recent, high)
    raw, score = np.where(scored, raw, np.nan), np.where(scored, score, np.nan)

    table = found.select(["trade_id", "filing_id", "bioguide_id", "ticker", "transaction_date", "reason", "month"])
    for name, values in (
        ("score", known(score, pa.float64())),
        ("raw_score", known(raw, pa.float64())),
        ("n_alerts", known(n, pa.int16())),
        ("mean_severity", known(mean, pa.float64())),
        ("n_recent", known(recent, pa.int16())),
        ("n_high", known(high, pa.int16())),
        ("tier", pa.array(tier(score), pa.string())),
        ("coverage", known(part("coverage"), pa.float64())),
    ):
        table = table.append_column(name, values)
    ids = _alert_ids(table, alerts, rules)
    table = table.append_column("alert_ids", ids)
    return table.select(DISCLOSURE_CORRELATIONS.names).cast(DISCLOSURE_CORRELATIONS.schema)


def _alert_ids(scored: pa.Table, alerts: pa.Table, rules: TimingRules) -> pa.ChunkedArray[Any]:
    """Per trade, the ids of the alerts that counted, newest first; null where there is no score."""
    low = 0 if rules.include_same_day else 1
    counted = counted_alerts(alerts, rules).select(["ticker", "day", "alert_id"])
    lists = ask(
        """
        WITH mine AS (
            SELECT t.trade_id, list(c.alert_id ORDER BY c.day DESC, c.alert_id) AS ids
            FROM scored t JOIN counted c ON c.ticker = t.ticker
             AND c.day BETWEEN t.transaction_date - $window::INT AND t.transaction_date - $low::INT
            WHERE t.reason IS NULL GROUP BY t.trade_id
        )
        SELECT CASE WHEN t.reason IS NULL THEN coalesce(m.ids, []::VARCHAR[]) END AS ids
        FROM scored t LEFT JOIN mine m USING (trade_id) ORDER BY t.month, t.trade_id""",
        params={"window": rules.window_days, "low": low},
        scored=scored,
        counted=counted,
    )
    return lists.column("ids").cast(pa.list_(pa.string()))
