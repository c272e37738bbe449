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
    figures = _figures(
        subject,
        """
        SELECT count(*), count(*) FILTER (seed_score NOT BETWEEN 0 AND 100 OR history_score NOT BETWEEN 0 AND 100),
               count(*) FILTER ((seed_score IS NULL) <> (coverage < $least)),
               count(*) FILTER ((seed_score IS NULL) <> (reason IS NOT NULL)),
               count(*) FILTER ((history_score IS NULL) <> (history_reason IS NOT NULL)),
               count(*) FILTER ((seed_score IS NULL) <> (severity IS NULL)
                   OR (seed_score IS NULL) <> (confidence IS NULL))
        FROM threat_scores""",
        ("rows", "outside_0_100", "against_coverage", "score_and_reason", "history_and_reason", "levels"),
        least=subject.settings.threats.min_coverage,
    )
    return Verdict(not any(v for k, v in figures.items() if k != "rows"), figures)


@check(_SCORES, blocking=True, more="Every row of option flow has its score, but for snapshots of one minute.")
def every_snapshot_has_a_score(subject: Subject) -> Verdict:
    figures = _figures(
        subject,
        """
        WITH flow AS (SELECT DISTINCT ticker, source, date_trunc('minute', snapshot_at) AS minute FROM option_flow),
        scored AS (SELECT ticker, source, date_trunc('minute', snapshot_at) AS minute FROM threat_scores)
        SELECT (SELECT count(*) FROM flow), (SELECT count(*) FROM flow ANTI JOIN scored USING (ticker, source, minute)),
               (SELECT count(*) FROM scored ANTI JOIN flow USING (ticker, source, minute))""",
        ("snapshots", "without_score", "without_flow"),
    )
    return Verdict(not figures["without_score"] and not figures["without_flow"], figures)


@check(
    _INDICATORS, blocking=True, more="The points of a score's indicators sum to it, capped at 100, and states agree."
)
def indicators_sum_to_the_score(subject: Subject) -> Verdict:
    figures = _figures(
        subject,
        """
        WITH summed AS (
            SELECT threat_id, source, least(100, coalesce(sum(points), 0)) AS points, count(points) AS known,
                   count(*) FILTER (state = 'fired' AND robust_z IS NULL) AS fired, count(*) AS n
            FROM threat_indicators WHERE NOT starts_with(indicator, 'history_') GROUP BY ALL
        )
        SELECT count(*), count(*) FILTER (s.points IS NULL), count(*) FILTER (t.seed_score <> s.points),
               count(*) FILTER (t.n_unknown <> s.n - s.known OR t.n_fired <> s.fired),
               (SELECT count(*) FROM threat_indicators
                WHERE (state = 'unknown') <> (CASE WHEN starts_with(indicator, 'history_') THEN robust_z ELSE points
                    END IS NULL)
                   OR (state = 'calm' AND points > 0) OR (state = 'fired' AND points = 0))
        FROM threat_scores t LEFT JOIN summed s USING (threat_id, source)""",
        ("scores", "without_indicators", "other_sum", "other_counts", "state_against_points"),
    )
    return Verdict(not any(v for k, v in figures.items() if k != "scores"), figures)


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
