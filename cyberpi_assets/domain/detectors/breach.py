"""Breach before disclosure: traces of different kinds that come together before a company says anything.

Here belong the traces (a fall beyond market and sector, unusual volume, option scores, halts, wording of the press) and
when they make a signal. Whether an incident followed belongs to `record.py`.

A fall is measured against the market model of 120 sessions that end 20 sessions before it, and against the sector's
median on the day; the smaller of the two counts. A signal comes when a further *kind* of trace joins another within the
days of `rules.traces_days`: more of the same kind adds nothing. A company that has disclosed an incident in that time
gives no signal: what it knows, everybody knows.
"""

from __future__ import annotations

from typing import Final

import pyarrow as pa

from cyberpi_assets.domain.alerts_life import closes
from cyberpi_assets.domain.detectors.signal import signals
from cyberpi_assets.domain.sql import Frame, ask, only
from cyberpi_assets.rules.figures import SignalRules

DETECTOR: Final = "breach_before_disclosure"
WEIGHTS: Final = {"drop": 0.25, "volume": 0.1, "options": 0.2, "halt": 0.3, "wording": 0.4}
_MODEL_SESSIONS, _MODEL_GAP, _LEAST_SESSIONS = 120, 20, 60

_FALLS: Final = """
    WITH priced AS (
        SELECT ticker, session, ln(close / lag(close) OVER own) AS r, session - lag(session) OVER own AS days,
               row_number() OVER own AS n
        FROM bars WHERE close > 0 WINDOW own AS (PARTITION BY ticker ORDER BY session)
    ), market AS (SELECT session, r AS m FROM priced WHERE ticker = $market AND r IS NOT NULL),
    moved AS (
        SELECT p.*, m.m, c.sector FROM priced p JOIN market m USING (session)
        LEFT JOIN (SELECT ticker, any_value(sector) AS sector FROM companies GROUP BY ticker) c USING (ticker)
        WHERE p.ticker <> $market AND p.r IS NOT NULL AND p.days <= 7
    ), fallen AS (SELECT * FROM moved WHERE r - m <= ln(1 - $drop)),
    sectors AS (
        SELECT session, sector, median(r) AS r FROM moved
        SEMI JOIN fallen USING (session, sector) GROUP BY ALL HAVING count(*) >= 5
    ), fitted AS (
        SELECT f.ticker, f.session, any_value(f.r) AS r, any_value(f.m) AS m, any_value(f.sector) AS sector,
               regr_slope(x.r, x.m) AS beta, regr_intercept(x.r, x.m) AS alpha,
               regr_syy(x.r, x.m) - coalesce(regr_sxy(x.r, x.m) ** 2 / nullif(regr_sxx(x.r, x.m), 0), 0) AS left_over,
               sqrt(greatest(left_over, 0) / (count(*) - 2)) AS sd  -- at rest, rounding may leave less than 0
        FROM fallen f JOIN moved x ON x.ticker = f.ticker AND x.n BETWEEN f.n - $far AND f.n - $near
        GROUP BY f.ticker, f.session HAVING count(*) >= $least
    ), measured AS (
        SELECT f.ticker, f.session, f.sd, f.r - (f.alpha + f.beta * f.m) AS beyond_market, f.r - s.r AS beyond_sector,
               greatest(beyond_market, coalesce(beyond_sector, beyond_market)) AS beyond
        FROM fitted f LEFT JOIN sectors s USING (session, sector)
    )
    SELECT ticker, session, beyond, beyond / sd AS z, beyond_sector IS NOT NULL AS against_sector
    FROM measured WHERE sd > 1e-6 AND beyond <= ln(1 - $drop) AND beyond / sd <= -$z
    ORDER BY ticker, session"""

_TRACES: Final = """
    SELECT f.ticker, c.moment AS seen_at, 'drop' AS kind, f.ticker || ':' || f.session || ':fall' AS id,
           printf('fell %.1f %% beyond the market%s (%.1f deviations)', 100 * (1 - exp(f.beyond)),
                  CASE WHEN f.against_sector THEN ' and the sector' ELSE '' END, -f.z) AS said
    FROM falls f JOIN closes c USING (session) ANTI JOIN suspects USING (ticker, session)
    UNION ALL
    SELECT a.ticker, c.moment, 'volume', a.alert_id, 'volume rare for it (severity ' || a.severity || ')'
    FROM market_alerts a JOIN closes c USING (session)
    WHERE a.alert_type = 'unusual_volume' AND a.severity >= $volume AND NOT a.suspect_data
    UNION ALL
    SELECT ticker, snapshot_at, 'options', threat_id, 'option score ' || seed_score FROM threat_scores
    WHERE seed_score >= $options
    UNION ALL
    SELECT ticker, available_at, 'halt', halt_id,
           'trading halted (' || array_to_string(reason_codes, ', ') || ')' FROM halts
    WHERE len(list_intersect(reason_codes, $codes::VARCHAR[])) > 0
    UNION ALL
    SELECT unnest(named_tickers), available_at, 'wording', threat_id, 'the press writes of an incident' FROM items
    WHERE kind = 'news' AND list_contains(threat_type, 'cyber_incident') AND NOT negated AND duplicate_of IS NULL"""

_SIGNALS: Final = """
    WITH windowed AS (
        SELECT ticker, seen_at, kind, id, said,
               max((kind = 'drop')::INT) OVER w AS n_drop, max((kind = 'volume')::INT) OVER w AS n_volume,
               max((kind = 'options')::INT) OVER w AS n_options, max((kind = 'halt')::INT) OVER w AS n_halt,
               max((kind = 'wording')::INT) OVER w AS n_wording,
               list(id) OVER w AS ids, list(kind || chr(31) || said) OVER w AS sayings
        FROM traces WINDOW w AS (
            PARTITION BY ticker ORDER BY seen_at RANGE BETWEEN to_days($days) PRECEDING AND CURRENT ROW)
    ), counted AS (
        SELECT *, n_drop + n_volume + n_options + n_halt + n_wording AS kinds FROM windowed
    ), joined AS (
        SELECT *, max(kinds) OVER (
            PARTITION BY ticker ORDER BY seen_at
            RANGE BETWEEN to_days($days) PRECEDING AND INTERVAL 1 MICROSECOND PRECEDING
        ) AS before FROM counted
    ), first AS (
        SELECT * FROM joined WHERE kinds >= 2 AND kinds > coalesce(before, 0)
        QUALIFY row_number() OVER (PARTITION BY ticker, seen_at ORDER BY kind, id) = 1
    ), silent AS (
        SELECT f.* FROM first f ANTI JOIN outcomes o
        ON o.ticker = f.ticker AND o.available_at <= f.seen_at AND o.available_at >= f.seen_at - to_days($days)
    ), excused AS (
        SELECT s.ticker, s.seen_at, bool_or(e.event_on IS NOT NULL) AS earnings
        FROM silent s LEFT JOIN earnings e ON e.ticker = s.ticker
         AND (s.seen_at AT TIME ZONE 'America/New_York')::DATE BETWEEN e.event_on - 5 AND e.event_on + 1
         AND coalesce(e.known_from, e.event_on) <= (s.seen_at AT TIME ZONE 'America/New_York')::DATE
        GROUP BY ALL
    )
    SELECT CASE WHEN n_halt = 1 THEN 'halt' WHEN n_drop = 1 THEN 'drop' WHEN n_wording = 1 THEN 'wording'
                ELSE 'footprint' END AS topic,
           s.ticker AS subject, s.ticker, s.seen_at AS available_at,
           round((1 - (1 - $w_drop * n_drop) * (1 - $w_volume * n_volume) * (1 - $w_options * n_options)
                  * (1 - $w_halt * n_halt) * (1 - $w_wording * n_wording))
                 * CASE WHEN x.earnings THEN 0.5 ELSE 1 END, 4) AS strength,
           'Within ' || $days || ' days: ' || array_to_string(
               [p[position(chr(31) IN p) + 1:] FOR p IN list_sort(list_distinct(sayings))][:6], '; ') || '.' AS words,
           list_sort(list_distinct(ids))[:20] AS evidence,
           CASE WHEN x.earnings THEN ['earnings: reported or due within five sessions or so'] ELSE [] END AS against,
           false AS hypothesis, $outcome_days AS window_days
    FROM silent s JOIN excused x ON x.ticker = s.ticker AND x.seen_at = s.seen_at"""


def falls(daily_bars: Frame, companies: pa.Table, market: str, rules: SignalRules) -> pa.Table:
    """Falls beyond market and sector. Columns: ticker, session, beyond (log return), z, against_sector.

    daily_bars: ticker, session, close (split-adjusted, US dollars); companies: ticker, sector.
    """
    return ask(
        _FALLS,
        None,
        {
            "market": market,
            "drop": rules.least_drop,
            "z": rules.least_drop_z,
            "far": _MODEL_GAP + _MODEL_SESSIONS,
            "near": _MODEL_GAP + 1,
            "least": _LEAST_SESSIONS,
        },
        bars=only(daily_bars, "ticker", "session", "close"),
        companies=companies,
    )


def breach_before_disclosure(
    rules: SignalRules,
    *,
    falls: pa.Table,
    market_alerts: pa.Table,
    threat_scores: pa.Table,
    trading_halts: pa.Table,
    intelligence_items: pa.Table,
    company_events: pa.Table,
    outcomes: pa.Table,
) -> pa.Table:
    """Signals of traces that come together. Columns: `signal.SEEN`.

    falls: `falls()`; outcomes: `record.outcomes()`, of which only what was available by then is used; the others are
    tables of the same name.
    """
    suspects = ask("SELECT DISTINCT ticker, session FROM a WHERE suspect_data", a=market_alerts)
    traces = ask(
        _TRACES,
        None,
        {"volume": rules.volume_severity, "options": rules.option_score, "codes": list(rules.halt_codes)},
        falls=falls,
        closes=closes(),
        suspects=suspects,
        market_alerts=market_alerts,
        threat_scores=threat_scores,
        halts=trading_halts,
        items=intelligence_items,
    )
    return signals(
        _SIGNALS,
        detector=DETECTOR,
        params={
            "days": rules.traces_days,
            "outcome_days": rules.outcome_days,
            **{f"w_{kind}": weight for kind, weight in WEIGHTS.items()},
        },
        traces=traces,
        outcomes=outcomes,
        earnings=ask("SELECT ticker, event_on, known_from FROM e WHERE event = 'earnings'", e=company_events),
    )
