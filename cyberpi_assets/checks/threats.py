"""What must hold of threat scores: in range, borne out by their indicators, and silent where too little is known."""

from __future__ import annotations

import dagster as dg

from cyberpi_assets.checks.recorded import Subject, Verdict, check
from cyberpi_assets.storage.engine import connect

_SCORES, _INDICATORS = dg.AssetKey("threat_scores"), dg.AssetKey("threat_indicators")
_MOST_HIGH, _MOST_UNKNOWN = 0.25, 0.5  # of scores; more says that data or thresholds broke, not that the world did
_ENOUGH = 200  # scores below which a share says little


def _figures(subject: Subject, query: str, names: tuple[str, ...], **params: object) -> dict[str, int]:
    con = connect(subject.settings.duckdb_memory_limit, subject.settings.duckdb_threads)
    try:
        subject.lake.views(con)
        found = con.execute(query, params or None).fetchone()
    finally:
        con.close()
    assert found is not None
    return dict(zip(names, (int(v or 0) for v in found), strict=True))


@check(
    _SCORES,
    blocking=True,
    more="Scores lie between 0 and 100; a score is there exactly where enough indicators are known, else a reason.",
)
def scores_in_range_or_reasoned(subject: Subject) -> Verdict:
    return subject.counts(
        """
        SELECT month, count(*) AS rows,
               count(*) FILTER (seed_score NOT BETWEEN 0 AND 100 OR history_score NOT BETWEEN 0 AND 100)
                   AS outside_0_100,
               count(*) FILTER ((seed_score IS NULL) <> (coverage < $least)) AS against_coverage,
               count(*) FILTER ((seed_score IS NULL) <> (reason IS NOT NULL)) AS score_and_reason,
               count(*) FILTER ((history_score IS NULL) <> (history_reason IS NOT NULL)) AS history_and_reason,
               count(*) FILTER ((seed_score IS NULL) <> (severity IS NULL)
                   OR (seed_score IS NULL) <> (confidence IS NULL)) AS levels
        FROM threat_scores GROUP BY month""",
        "threat_scores",
        harmless=("rows",),
        params={"least": subject.settings.threats.min_coverage},
    )


@check(_SCORES, blocking=True, more="Every row of option flow has its score, but for snapshots of one minute.")
def every_snapshot_has_a_score(subject: Subject) -> Verdict:
    return subject.counts(
        """
        WITH flow AS (
            SELECT ticker, source, date_trunc('minute', snapshot_at) AS minute, min(month) AS flow_month
            FROM option_flow GROUP BY ALL
        ), scored AS (
            SELECT ticker, source, date_trunc('minute', snapshot_at) AS minute, month AS score_month FROM threat_scores
        )
        SELECT coalesce(flow_month, score_month) AS month, count(flow_month) AS snapshots,
               count(*) FILTER (score_month IS NULL) AS without_score,
               count(*) FILTER (flow_month IS NULL) AS without_flow
        FROM flow FULL JOIN scored USING (ticker, source, minute) GROUP BY 1""",
        "option_flow",
        "threat_scores",
        harmless=("snapshots",),
    )


@check(
    _INDICATORS, blocking=True, more="The points of a score's indicators sum to it, capped at 100, and states agree."
)
def indicators_sum_to_the_score(subject: Subject) -> Verdict:
    return subject.counts(
        """
        WITH summed AS (
            SELECT threat_id, source, least(100, coalesce(sum(points), 0)) AS points, count(points) AS known,
                   count(*) FILTER (state = 'fired' AND robust_z IS NULL) AS fired, count(*) AS n
            FROM threat_indicators WHERE NOT starts_with(indicator, 'history_') GROUP BY ALL
        ), scored AS (
            SELECT t.month, count(*) AS scores, count(*) FILTER (s.points IS NULL) AS without_indicators,
                   count(*) FILTER (t.seed_score <> s.points) AS other_sum,
                   count(*) FILTER (t.n_unknown <> s.n - s.known OR t.n_fired <> s.fired) AS other_counts
            FROM threat_scores t LEFT JOIN summed s USING (threat_id, source) GROUP BY t.month
        ), stated AS (
            SELECT month, count(*) FILTER ((state = 'unknown')
                       <> (CASE WHEN starts_with(indicator, 'history_') THEN robust_z ELSE points END IS NULL)
                   OR (state = 'calm' AND points > 0) OR (state = 'fired' AND points = 0)) AS state_against_points
            FROM threat_indicators GROUP BY month
        )
        SELECT * FROM scored FULL JOIN stated USING (month)""",
        "threat_scores",
        "threat_indicators",
        harmless=("scores",),
    )


@check(
    _SCORES,
    blocking=False,
    more="At most a quarter of the newest month's scores reach the push threshold, and at most half of the rows have "
    "no score: more says that the data changed, not the world.",
)
def scores_are_spread_as_usual(subject: Subject) -> Verdict:
    figures = _figures(
        subject,
        """
        SELECT count(*), count(seed_score), count(*) FILTER (seed_score >= $push), count(*) - count(seed_score)
        FROM threat_scores WHERE month = (SELECT max(month) FROM threat_scores)""",
        ("rows", "scored", "high", "without_score"),
        push=subject.settings.threats.push_score,
    )
    few = figures["rows"] < _ENOUGH
    spread = figures["high"] <= _MOST_HIGH * max(figures["scored"], 1)
    told = figures["without_score"] <= _MOST_UNKNOWN * max(figures["rows"], 1)
    return Verdict(few or (spread and told), figures)


CHECKS = [
    scores_in_range_or_reasoned,
    every_snapshot_has_a_score,
    indicators_sum_to_the_score,
    scores_are_spread_as_usual,
]
