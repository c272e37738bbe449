"""Evidence of all kinds on one company, day by day, as one figure that only independent evidence raises much.

Here belongs how pieces fade and add up, and what an analyst's verdict does to them. What counts as a piece is in
`kinds.py`; who is warned is in `warnings.py`.

A row stands on each day on which new evidence becomes known, at the moment of the newest piece: nothing later counts.
A piece weighs weight x 0.5^(age / half-life). Of one story the heaviest piece counts, whoever told it. Within a kind
the heaviest story counts fully, the next by half, then a quarter, up to the kind's most. Of kinds with one origin the
heaviest alone counts. Origins are taken as independent: score = 1 - product(1 - origin). It is no probability.

The newest verdict on an earlier or the same day of the company decides for 90 days: `confirmed` sets the score to 1,
`dismissed` leaves only evidence that came after the verdict, `watch` lets nothing fade that was known by then. The
score without the verdict stands beside it.
"""

from __future__ import annotations

from typing import Final

import pyarrow as pa

from cyberpi_assets.domain.alerts_life import closes
from cyberpi_assets.domain.fused.kinds import EVIDENCE, HORIZON_DAYS, as_table
from cyberpi_assets.domain.sql import ask, one_engine
from cyberpi_assets.rules.figures import SignalRules
from cyberpi_assets.tables import FUSED_SIGNALS

VERDICT_DAYS: Final = 90
_TIMING_SCORE: Final = 60  # seed's tier "suspicious"

_FUSED: Final = f"""
    WITH days AS (
        SELECT ticker, (moment AT TIME ZONE 'America/New_York')::DATE AS day, max(moment) AS moment
        FROM evidence GROUP BY ALL
    ), ruled AS (
        SELECT d.ticker, d.day, arg_max({{'verdict': v.verdict, 'by': v.by, 'id': v.verdict_id, 'given': v.given_at}},
                                        (v.given_at, v.verdict_id)) AS v
        FROM days d JOIN verdicts v ON v.ticker = d.ticker AND d.day BETWEEN v.day AND v.day + {VERDICT_DAYS}
        GROUP BY d.ticker, d.day
    ), pairs AS (
        SELECT d.ticker, d.day, d.moment, e.kind, e.story, r.v, e.id, k.origin, k.financial, k.most, k.words,
               e.weight * pow(0.5, (epoch(d.moment) - epoch(e.moment)) / 86400 / k.half_life) AS faded,
               CASE WHEN r.v.verdict = 'dismissed' AND e.moment <= r.v.given THEN 0
                    WHEN r.v.verdict = 'watch' AND e.moment <= r.v.given THEN e.weight ELSE faded END AS decided
        FROM days d
        JOIN evidence e ON e.ticker = d.ticker AND e.moment <= d.moment
         AND e.moment > d.moment - INTERVAL {HORIZON_DAYS} DAY
        JOIN kinds k USING (kind)
        LEFT JOIN ruled r ON r.ticker = d.ticker AND r.day = d.day
    ), told AS (
        SELECT ticker, day, moment, kind, story, any_value(v) AS v, any_value(origin) AS origin,
               any_value(financial) AS financial, any_value(most) AS most, any_value(words) AS words,
               max(faded) AS faded, max(decided) AS decided, arg_max(id, (faded, id)) AS id
        FROM pairs GROUP BY ticker, day, moment, kind, story
    ), ranked AS (
        SELECT *, row_number() OVER (PARTITION BY ticker, day, kind ORDER BY faded DESC, story) - 1 AS place,
               row_number() OVER (PARTITION BY ticker, day, kind ORDER BY decided DESC, story) - 1 AS decided_place
        FROM told
    ), of_kinds AS (
        SELECT ticker, day, moment, kind, any_value(v) AS v, any_value(origin) AS origin,
               any_value(financial) AS financial, any_value(words) AS words, count(*) AS stories,
               least(any_value(most), sum(faded * pow(0.5, place))) AS faded,
               least(any_value(most), sum(decided * pow(0.5, decided_place))) AS decided,
               list_reverse_sort(list({{'faded': faded, 'id': id}}))[:8] AS ids
        FROM ranked GROUP BY ticker, day, moment, kind
    ), origins AS (
        SELECT ticker, day, moment, origin, any_value(v) AS v, bool_or(financial) AS financial, max(faded) AS faded,
               max(decided) AS decided, flatten(list(ids)) AS ids,
               list({{'faded': faded, 'kind': kind, 'words': words, 'stories': stories}}) AS kinds
        FROM of_kinds GROUP BY ticker, day, moment, origin
    ), added AS (
        SELECT ticker, day, moment, any_value(v) AS v,
               1 - product(1 - faded) AS score, 1 - product(1 - decided) AS decided,
               1 - coalesce(product(1 - faded) FILTER (financial), 1) AS financial,
               1 - coalesce(product(1 - faded) FILTER (NOT financial), 1) AS traditional,
               count(*) FILTER (faded >= $least) AS n_origins,
               bool_or(origin = 'said' AND list_contains([k.kind FOR k IN kinds], 'filing')) AS disclosed,
               list_reverse_sort(flatten(list(kinds))) AS ks, list_reverse_sort(flatten(list(ids)))[:20] AS pieces
        FROM origins GROUP BY ticker, day, moment
    )
    SELECT 'fused:' || o.ticker || ':' || o.day AS fused_id, o.ticker, o.day, o.moment AS available_at,
           round(o.score, 4) AS score, round(o.financial, 4) AS financial, round(o.traditional, 4) AS traditional,
           n_origins,
           CASE WHEN n_origins >= 3 THEN 'high' WHEN n_origins = 2 THEN 'medium' ELSE 'low' END AS confidence,
           disclosed, [k.kind FOR k IN ks] AS kinds, [printf('%.4f', k.faded) FOR k IN ks] AS weights,
           [i.id FOR i IN pieces] AS evidence,
           array_to_string([k.words || CASE WHEN k.stories > 1 THEN ' (' || k.stories || ')' ELSE '' END FOR k IN ks],
                           '; ') AS words,
           v.verdict AS verdict, v.id AS verdict_id,
           CASE WHEN v.verdict = 'confirmed' THEN 1.0 ELSE round(o.decided, 4) END AS decided, c.clients
    FROM added o LEFT JOIN clients c ON c.ticker = o.ticker ORDER BY o.ticker, o.day"""


def evidence(
    rules: SignalRules,
    *,
    market_alerts: pa.Table,
    threat_scores: pa.Table,
    trading_halts: pa.Table,
    disclosed_trades: pa.Table,
    disclosure_correlations: pa.Table,
    company_filings: pa.Table,
    intelligence_items: pa.Table,
    known_exploited: pa.Table,
    sanctions_changes: pa.Table,
    detector_signals: pa.Table,
) -> pa.Table:
    """Every piece of evidence. Columns: ticker, moment (UTC, from which it is known), kind, story, weight, id."""
    return ask(
        EVIDENCE,
        None,
        {
            "severity": rules.volume_severity,
            "codes": list(rules.halt_codes),
            "score": rules.option_score,
            "timing": _TIMING_SCORE,
        },
        market_alerts=market_alerts,
        closes=closes(),
        trading_halts=trading_halts,
        threat_scores=threat_scores,
        disclosed_trades=disclosed_trades,
        correlations=disclosure_correlations,
        company_filings=company_filings,
        items=intelligence_items,
        known_exploited=known_exploited,
        sanctions_changes=sanctions_changes,
        detector_signals=detector_signals,
    )


def fused_signals(pieces: pa.Table, verdicts: pa.Table, clients: pa.Table, least_weight: float) -> pa.Table:
    """One row per company and day of new evidence. Columns: `tables.FUSED_SIGNALS`.

    pieces: `evidence()`; verdicts: `tables.VERDICTS`; clients: client, ticker (a person's list, texts); least_weight:
    what an origin must weigh to count as one.
    """
    with one_engine():
        of_clients = ask(
            """SELECT upper(trim(ticker)) AS ticker, list_sort(list(DISTINCT trim(client))) AS clients
            FROM c WHERE trim(ticker) <> '' AND trim(client) <> '' GROUP BY 1""",
            c=clients,
        )
        return ask(_FUSED, FUSED_SIGNALS, {"least": least_weight}, evidence=pieces, verdicts=verdicts,
                   kinds=as_table(), clients=of_clients)  # fmt: skip
