"""The seed's option threat score: four indicators, each fired, calm or unknown, and their points.

Here belongs what METHODS section 5 says of points, coverage, confidence and severity. A figure that is not known
makes its indicator unknown, which is not calm: it lowers the coverage, and below one half there is no score.
"""

from __future__ import annotations

import pyarrow as pa

from cyberpi_assets.domain.sql import ask
from cyberpi_assets.rules.figures import ThreatRules

INDICATORS = ("put_call_ratio", "volume_excess", "otm_puts", "near_expiries")
LOWEST_SEVERITY = ((80, "critical"), (70, "high"), (50, "medium"))
LOWEST_CONFIDENCE = ((80, "high"), (60, "medium"))

# Puts without a single call have no ratio; they fire at the top tier.
_FIGURES = """
SELECT id, 'put_call_ratio' AS indicator, put_call_ratio AS value, NULL::DOUBLE AS baseline,
       coalesce(put_volume > 0 AND call_volume = 0, false) AS beyond, put_call_ratio IS NOT NULL AS known,
       'puts ' || {count:put_volume} || ', calls ' || {count:call_volume} ||
           coalesce(', ratio ' || format('{:.2f}', put_call_ratio), ', no call traded') AS figures
FROM flow
UNION ALL SELECT id, 'volume_excess', volume_excess_pct, average_volume, false, volume_excess_pct IS NOT NULL,
       {count:compared_volume} || ' contracts' || CASE WHEN partial_day THEN ' so far today' ELSE '' END
           || ' against ' ||
       CASE average_basis WHEN 'own' THEN 'its mean of ' WHEN 'own_total' THEN 'the mean of its whole chain, '
                          ELSE 'the provider''s mean of ' END || {count:average_volume} ||
       CASE WHEN n_average IS NOT NULL THEN ' over ' || n_average || ' sessions' ELSE '' END ||
       ' (' || CASE WHEN volume_excess_pct >= 0 THEN '+' ELSE '' END || {count:volume_excess_pct} || ' %)'
FROM flow
UNION ALL SELECT id, 'otm_puts', otm_put_volume, NULL, false, otm_put_volume IS NOT NULL,
       {count:otm_put_volume} || ' contracts in the largest puts more than ' || $below || ' % below the price'
FROM flow
UNION ALL SELECT id, 'near_expiries', near_share, total_volume, false, near_share IS NOT NULL,
       {count:near_volume} || ' of ' || {count:total_volume} || ' contracts (' || format('{:.0f}', 100 * near_share) ||
       ' %) expire within ' || $near || ' days'
FROM flow"""

_RATED = """
SELECT f.id, f.indicator,
       CASE WHEN NOT (known OR beyond) THEN 'unknown'
            WHEN beyond OR reached.points > 0 THEN 'fired' ELSE 'calm' END AS state,
       CASE WHEN beyond THEN top.points WHEN known THEN coalesce(reached.points, 0) END AS points,
       value, baseline,
       CASE WHEN beyond THEN top.threshold ELSE coalesce(reached.threshold, lowest.threshold) END AS threshold,
       CASE f.indicator WHEN 'put_call_ratio' THEN 'Puts against calls' WHEN 'volume_excess' THEN 'Volume'
            WHEN 'otm_puts' THEN 'Out-of-the-money puts' ELSE 'Near expiries' END ||
       CASE WHEN NOT (known OR beyond)
            THEN ': not known (' || coalesce(nullif(reasons, ''), 'not measured') || ').'
            ELSE ': ' || figures || '.' END AS words
FROM figures f JOIN flow USING (id)
LEFT JOIN (SELECT id, indicator, max(threshold) AS threshold, max(points) AS points
           FROM figures JOIN tiers USING (indicator) WHERE known AND value > threshold GROUP BY ALL) reached
     USING (id, indicator)
JOIN (SELECT indicator, max(threshold) AS threshold, max(points) AS points
    FROM tiers GROUP BY ALL) top USING (indicator)
JOIN (SELECT indicator, min(threshold) AS threshold FROM tiers GROUP BY ALL) lowest USING (indicator)"""

_SCORES = """
WITH counted AS (
    SELECT id, least(100, coalesce(sum(points), 0))::BIGINT AS points, count(*) FILTER (state <> 'unknown') AS known,
           count(*) FILTER (state = 'fired') AS n_fired, count(*) FILTER (state = 'unknown') AS n_unknown, count(*) AS n
    FROM rated GROUP BY id
)
SELECT id, CASE WHEN known / n >= $coverage THEN points END AS seed_score, known / n AS coverage, n_fired, n_unknown,
       CASE WHEN known / n < $coverage THEN 'only ' || known || ' of ' || n || ' indicators known' END AS reason
FROM counted"""


def _counts(query: str, columns: tuple[str, ...]) -> str:
    for name in columns:
        query = query.replace("{count:" + name + "}", f"coalesce(format('{{:,}}', CAST(round({name}) AS BIGINT)), '?')")
    return query


_COUNTED = (
    "put_volume", "call_volume", "compared_volume", "volume_excess_pct", "average_volume", "otm_put_volume",
    "near_volume", "total_volume",
)  # fmt: skip


def seed_indicators(flow: pa.Table, rules: ThreatRules, *, otm_below: float = 0.95, near_days: int = 14) -> pa.Table:
    """Four rows per row of the flow: id, indicator, state, points, value, baseline, threshold, words.

    flow: `tables.OPTION_FLOW` with a column `id`. Points are null where the indicator is unknown, 0 where it is calm. A
    tier is reached by exceeding it. otm_below, near_days: what the words say of strikes and days.
    """
    tiers = dict(
        zip(INDICATORS, (rules.put_call_tiers, rules.volume_tiers, rules.otm_tiers, rules.near_tiers), strict=True)
    )
    rows = [(name, float(at), points) for name, levels in tiers.items() for at, points in levels]
    names, thresholds, points = zip(*rows, strict=True)
    figures = ask(
        _counts(_FIGURES, _COUNTED),
        params={"below": f"{100 * (1 - otm_below):g}", "near": str(near_days)},
        flow=flow,
    )
    return ask(
        _RATED,
        figures=figures,
        flow=flow,
        tiers=pa.table({"indicator": list(names), "threshold": list(thresholds), "points": list(points)}),
    )


def seed_scores(rated: pa.Table, rules: ThreatRules) -> pa.Table:
    """By id of `seed_indicators`: seed_score, coverage, n_fired, n_unknown, severity, confidence, reason."""
    scores = ask(_SCORES, params={"coverage": rules.min_coverage}, rated=rated)
    return ask(
        f"""
        SELECT *, {_level("seed_score", LOWEST_SEVERITY)} AS severity,
               {_level("seed_score", LOWEST_CONFIDENCE)} AS confidence FROM scores""",
        scores=scores,
    )


def _level(column: str, levels: tuple[tuple[int, str], ...]) -> str:
    steps = " ".join(f"WHEN {column} >= {at} THEN '{name}'" for at, name in levels)
    return f"CASE WHEN {column} IS NULL THEN NULL {steps} ELSE 'low' END"
