"""The life of an alert: raised once, continued while its threat lasts, cleared by data that say so.

Here belongs how evidence of any kind becomes alerts with a state. What is evidence is decided before: daily bars in
`alerts.py`, option scores where they are made. Nobody is told of anything here.

Evidence says that a threat holds at a moment; a *moment with data* is one at which it was known whether it holds. An
alert goes on with the next evidence when no moment with data lies between: so the same threat is one alert for as many
snapshots as it lasts, and a moment at which nothing is known neither continues nor clears it. The first moment with
data and without evidence clears it. Evidence after a silence of many days is another alert, not the old one.

A kind of alert is a row of `kinds()`: where its evidence and its moments come from, and from which figure it is severe.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from cyberpi_assets.domain.calendar import closes_of, sessions
from cyberpi_assets.domain.sql import Frame, ask
from cyberpi_assets.settings import AlertLifeRules
from cyberpi_assets.tables import ALERTS

EVIDENCE_KEPT = 20  # ids of the newest pieces of evidence that an alert names


@dataclass(frozen=True)
class Kind:
    """One kind of alert.

    `evidence`: a query over the frames named in `reads` that gives subject, topic, measure, moment (timestamp), figure
    (null when not known), evidence_id, suspect. `moments`: one that gives subject, measure, moment. `measure` is what
    has to be known for a topic to be known. `tiers`: figures from which an alert is critical, high, medium. `begins`:
    how its first moment is written in its id, UTC.
    """

    name: str
    reads: tuple[str, ...]
    evidence: str
    moments: str
    tiers: tuple[float, float, float]
    silence_days: int
    begins: str


def kinds(rules: AlertLifeRules) -> tuple[Kind, ...]:
    """The kinds of alerts there are. A further one (halts, news, fused signals) is a further row."""
    return (
        Kind(
            "market",
            ("market_alerts", "daily_bars", "closes"),
            """
            SELECT ticker AS subject, alert_type AS topic, c.moment, severity::DOUBLE AS figure,
                   alert_id AS evidence_id,
                   CASE WHEN alert_type = 'unusual_volume' THEN 'volume' ELSE 'price' END AS measure,
                   suspect_data AS suspect
            FROM market_alerts JOIN closes c USING (session)""",
            """
            SELECT ticker AS subject, unnest(CASE WHEN volume IS NULL THEN ['price'] ELSE ['price', 'volume'] END)
                   AS measure, c.moment
            FROM (SELECT * FROM daily_bars SEMI JOIN (SELECT DISTINCT ticker FROM market_alerts) USING (ticker))
            JOIN closes c USING (session)""",
            (9, 7, 4),
            rules.market_silence_days,
            "%Y-%m-%d",
        ),
        Kind(
            "options",
            ("threat_scores",),
            f"""
            SELECT ticker AS subject, 'option_threat' AS topic, 'score' AS measure,
                   date_trunc('second', snapshot_at) AS moment, seed_score::DOUBLE AS figure, threat_id AS evidence_id,
                   false AS suspect
            FROM threat_scores WHERE seed_score >= {rules.option_score}""",
            """
            SELECT ticker AS subject, 'score' AS measure, date_trunc('second', snapshot_at) AS moment
            FROM threat_scores WHERE seed_score IS NOT NULL""",
            (80, 70, 50),
            rules.option_silence_days,
            "%Y-%m-%dT%H:%M:%SZ",
        ),
    )


def alerts(rules: AlertLifeRules, *, market_alerts: pa.Table, daily_bars: Frame, threat_scores: pa.Table) -> pa.Table:
    """Every alert over its whole life, by kind, subject, topic and beginning. Columns: `tables.ALERTS`.

    market_alerts: `tables.MARKET_ALERTS`; daily_bars: ticker, session, volume; threat_scores: `tables.THREAT_SCORES`.
    A daily bar is known at its session's close. Given more of later data, what had been cleared stays as it was, and no
    alert changes its id or its beginning.
    """
    frames: dict[str, Frame] = {
        "market_alerts": market_alerts,
        "daily_bars": daily_bars,
        "threat_scores": threat_scores,
        "closes": closes(),
    }
    return pa.concat_tables([lives(kind, {name: frames[name] for name in kind.reads}) for kind in kinds(rules)])


def closes() -> pa.Table:
    """When each session ends. Columns: session (date), moment (timestamp, UTC)."""
    days = sessions()
    at = pa.array(closes_of(days), pa.int64()).cast(pa.timestamp("us", tz="UTC"))
    return pa.table({"session": pa.array(days.astype(np.int32), pa.int32()).cast(pa.date32()), "moment": at})


def lives(kind: Kind, frames: Mapping[str, Frame]) -> pa.Table:
    """The alerts of one kind. Columns: `tables.ALERTS`."""
    critical, high, medium = kind.tiers
    return ask(
        f"""
        WITH evidence AS MATERIALIZED (
            SELECT subject, topic, measure, moment, max(figure) AS figure, bool_or(suspect) AS suspect,
                   list(DISTINCT evidence_id ORDER BY evidence_id) AS ids
            FROM ({kind.evidence}) GROUP BY subject, topic, measure, moment
        ), moments AS MATERIALIZED (
            SELECT DISTINCT subject, measure, moment
            FROM ({kind.moments}) SEMI JOIN (SELECT DISTINCT subject, measure FROM evidence) USING (subject, measure)
        ), known AS (
            SELECT subject, measure, max(moment) AS known_to FROM moments GROUP BY ALL
        ), followed AS (
            SELECT e.*, m.moment AS next_known
            FROM evidence e ASOF LEFT JOIN moments m
              ON e.subject = m.subject AND e.measure = m.measure AND e.moment < m.moment
        ), stepped AS (
            SELECT *, lag(moment) OVER life AS before, lag(next_known) OVER life AS due
            FROM followed WINDOW life AS (PARTITION BY subject, topic ORDER BY moment)
        ), begun AS (
            SELECT *, before IS NULL OR coalesce(due < moment, false)
                      OR moment - before > $silence * INTERVAL 1 DAY AS begins
            FROM stepped
        ), numbered AS (
            SELECT *, sum(begins::INT) OVER (PARTITION BY subject, topic ORDER BY moment) AS life FROM begun
        ), lived AS (
            SELECT subject, topic, any_value(measure) AS measure, life,
                   min(moment) AS first_seen, max(moment) AS last_seen,
                   last(next_known ORDER BY moment) AS cleared_at, last(figure ORDER BY moment) AS severity_figure,
                   max(figure) AS peak_figure, bool_or(suspect) AS suspect, sum(len(ids))::BIGINT AS n_evidence,
                   count(*) AS n_moments, flatten(list(ids ORDER BY moment))[-{EVIDENCE_KEPT}:] AS evidence
            FROM numbered GROUP BY subject, topic, life
        )
        SELECT l.*, $kind AS kind, coalesce(cleared_at, greatest(known_to, last_seen)) AS known_to,
               concat_ws(':', $kind, subject, topic, strftime(first_seen AT TIME ZONE 'UTC', $begins)) AS alert_id,
               CASE WHEN cleared_at IS NOT NULL THEN 'CLEARED' WHEN n_moments > 1 THEN 'CONTINUING' ELSE 'NEW' END
                   AS state,
               CASE WHEN severity_figure >= {critical} THEN 'critical' WHEN severity_figure >= {high} THEN 'high'
                    WHEN severity_figure >= {medium} THEN 'medium' WHEN severity_figure IS NOT NULL THEN 'low'
                    ELSE 'unknown' END AS severity
        FROM lived l LEFT JOIN known k USING (subject, measure)
        ORDER BY subject, topic, first_seen""",
        shape=ALERTS,
        params={"kind": kind.name, "begins": kind.begins, "silence": kind.silence_days},
        **frames,
    )
