"""What came of signals: incidents that followed, how often such signals had been right by then, and the base rate.

Here belongs the account of all detectors alike. An incident of the signal's own day is no success: nothing was early.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

import pyarrow as pa

from cyberpi_assets.domain.columns import known
from cyberpi_assets.domain.rates import wilson
from cyberpi_assets.domain.sql import ask
from cyberpi_assets.tables import DETECTOR_SIGNALS

_ONE_INCIDENT_DAYS: Final = 30  # a filing and a report on one incident are one

_OUTCOMES: Final = """
    WITH told AS (
        SELECT ticker, event_id AS outcome_id, disclosed_on AS day, available_at FROM incidents WHERE grade <> 'weak'
        UNION ALL
        SELECT ticker, accession, (available_at AT TIME ZONE 'America/New_York')::DATE, available_at FROM filings
        WHERE is_cyber AND NOT is_amendment AND ticker IS NOT NULL
        UNION ALL
        SELECT ticker, 'planted:' || ticker || ':' || event_on, event_on,
               (event_on + 1)::TIMESTAMP AT TIME ZONE 'America/New_York'
        FROM planted WHERE kind = 'breach' AND ticker IS NOT NULL AND event_on <= $newest
    )
    SELECT ticker, outcome_id, day, available_at FROM told
    QUALIFY day - lag(day) OVER (PARTITION BY ticker ORDER BY day, outcome_id) > $one
         OR lag(day) OVER (PARTITION BY ticker ORDER BY day, outcome_id) IS NULL
    ORDER BY day, ticker, outcome_id"""

# Of a company: incidents known so far, per listed company and day. Of the market: windows that begin on any day.
_ACCOUNT: Final = """
    WITH s AS (SELECT * REPLACE (window_days::INT AS window_days) FROM seen),
    met AS (
        SELECT s.signal_id, arg_min(o.outcome_id, (o.day, o.outcome_id)) AS outcome_id, min(o.day) - s.day AS days
        FROM s JOIN o ON (s.subject = 'market' OR o.ticker = s.ticker)
         AND o.day BETWEEN s.day AND s.day + s.window_days
        GROUP BY s.signal_id, s.day
    ), told AS (
        SELECT s.*, CASE WHEN m.days = 0 AND s.subject <> 'market' THEN 'same_day'
                         WHEN m.days IS NOT NULL THEN 'followed'
                         WHEN s.day + s.window_days > $newest THEN 'open' ELSE 'none' END AS outcome,
               m.outcome_id, m.days AS outcome_days, s.day + s.window_days AS ends
        FROM s LEFT JOIN met m USING (signal_id)
    ), prior AS (
        SELECT a.signal_id, count(b.signal_id) AS n_prior, count(b.signal_id) FILTER (b.outcome = 'followed') AS n_hits
        FROM told a LEFT JOIN told b ON b.detector = a.detector AND b.topic = a.topic AND b.ends < a.day
        GROUP BY a.signal_id
    ), moments AS (SELECT DISTINCT day, window_days, subject = 'market' AS everybody FROM s),
    known_by AS (
        SELECT q.day, q.window_days, count(o.day) AS n, min(o.day) AS first
        FROM moments q LEFT JOIN o ON o.day < q.day WHERE NOT q.everybody GROUP BY q.day, q.window_days
    ), chance AS (
        SELECT day, window_days,
               1 - exp(-n * window_days / ($companies::DOUBLE * nullif(day - first, 0))) AS rate
        FROM known_by
    ), calendar AS (
        SELECT d::DATE AS d FROM generate_series((SELECT min(day) FROM o), $newest::DATE, INTERVAL 1 DAY) t(d)
    ),
    flagged AS (
        SELECT w.window_days, c.d, count(o.day) > 0 AS hit
        FROM (SELECT DISTINCT window_days FROM moments WHERE everybody) w CROSS JOIN calendar c
        LEFT JOIN o ON o.day BETWEEN c.d AND c.d + w.window_days GROUP BY ALL
    ), windows AS (
        SELECT q.day, q.window_days, avg(f.hit::INT) AS rate
        FROM moments q JOIN flagged f ON f.window_days = q.window_days AND f.d + f.window_days < q.day
        WHERE q.everybody GROUP BY ALL
    )
    SELECT t.*, p.n_prior, p.n_hits, coalesce(w.rate, c.rate) AS base_rate
    FROM told t JOIN prior p USING (signal_id)
    LEFT JOIN chance c ON c.day = t.day AND c.window_days = t.window_days AND t.subject <> 'market'
    LEFT JOIN windows w ON w.day = t.day AND w.window_days = t.window_days AND t.subject = 'market'
    ORDER BY t.available_at, t.signal_id"""


def outcomes(incidents: pa.Table, company_filings: pa.Table, planted: pa.Table, newest: dt.date) -> pa.Table:
    """Incidents that are known by now, one a company and month. Columns: ticker, outcome_id, day, available_at.

    incidents, company_filings: the tables; weakly dated incidents do not count. planted: `tables.DEMO_TRUTH`, what a
    simulated world planted up to its last day, else empty.
    """
    return ask(
        _OUTCOMES,
        None,
        {"newest": newest, "one": _ONE_INCIDENT_DAYS},
        incidents=incidents,
        filings=company_filings,
        planted=planted,
    )


def account(seen: pa.Table, outcomes: pa.Table, newest: dt.date, companies: int) -> pa.Table:
    """Signals with what followed and how often earlier ones had been right. Columns: `tables.DETECTOR_SIGNALS`.

    seen: `signal.SEEN`; newest: the last day the lake knows anything of; companies: how many are watched at all. Hit
    rates use windows that ended before the signal's day; base rates incidents before it. Null where there were none.
    """
    if not seen.num_rows:
        return DETECTOR_SIGNALS.empty()
    told = ask(_ACCOUNT, None, {"newest": newest, "companies": max(companies, 1)}, seen=seen, o=outcomes)
    hits, trials = (told.column(c).to_numpy().astype(float) for c in ("n_hits", "n_prior"))
    low, high = wilson(hits, trials)
    rate = ask("SELECT CASE WHEN n_prior > 0 THEN n_hits / n_prior END AS r FROM t", t=told).column("r")
    for name, column in (("hit_rate", rate), ("hit_low", known(low)), ("hit_high", known(high))):
        told = told.append_column(name, column)
    return told.select(DETECTOR_SIGNALS.names).cast(DETECTOR_SIGNALS.schema)
