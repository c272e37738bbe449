"""The life of an alert: raised once, continued while its threat lasts, cleared by data that say so.

Here belongs how evidence of any kind becomes alerts with a state. What counts as evidence is in `alert_kinds.py`, a row
for each kind. Nobody is told of anything here.

Evidence says that a threat holds at a moment; a *moment with data* is one at which it was known whether it holds. An
alert goes on with the next evidence when no moment with data lies between: so the same threat is one alert for as many
snapshots as it lasts, and a moment at which nothing is known neither continues nor clears it. The first moment with
data and without evidence clears it. Evidence after a silence of many days is another alert, not the old one.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from cyberpi_assets.domain.alert_kinds import Kind, kinds
from cyberpi_assets.domain.calendar import closes_of, sessions
from cyberpi_assets.domain.columns import Column, known, numbered, places
from cyberpi_assets.domain.sql import Frame, ask
from cyberpi_assets.rules.figures import AlertLifeRules
from cyberpi_assets.tables import ALERTS

EVIDENCE_KEPT = 20  # ids of the newest pieces of evidence that an alert names
_SECONDS = 2**32 - 1  # lower half of a key of subject and second


def alerts(
    rules: AlertLifeRules,
    *,
    market_alerts: pa.Table,
    daily_bars: Frame,
    threat_scores: pa.Table,
    trading_halts: pa.Table,
    intelligence_items: pa.Table,
    fused_signals: pa.Table,
) -> pa.Table:
    """Every alert over its whole life, by kind, subject, topic and beginning. Columns: `tables.ALERTS`.

    market_alerts: `tables.MARKET_ALERTS`; daily_bars: ticker, session, volume; threat_scores: `tables.THREAT_SCORES`;
    trading_halts: `tables.TRADING_HALTS`; intelligence_items: `tables.INTELLIGENCE_ITEMS`; fused_signals:
    `tables.FUSED_SIGNALS`. A daily bar is known at its session's close. Given more of later data, what had been cleared
    stays as it was, and no alert changes its id or its beginning.
    """
    frames: dict[str, Frame] = {
        "market_alerts": market_alerts,
        "daily_bars": daily_bars,
        "threat_scores": threat_scores,
        "trading_halts": trading_halts,
        "intelligence_items": intelligence_items,
        "fused_signals": fused_signals,
        "closes": closes(),
    }
    return pa.concat_tables([lives(kind, frames) for kind in kinds(rules)])


def closes() -> pa.Table:
    """When each session ends. Columns: session (date), moment (timestamp, UTC)."""
    days = sessions()
    at = pa.array(closes_of(days), pa.int64()).cast(pa.timestamp("us", tz="UTC"))
    return pa.table({"session": pa.array(days.astype(np.int32), pa.int32()).cast(pa.date32()), "moment": at})


def lives(kind: Kind, frames: Mapping[str, Frame]) -> pa.Table:
    """The alerts of one kind. Columns: `tables.ALERTS`."""
    evidence = ask(
        f"""
        SELECT subject, topic, measure, epoch(moment)::BIGINT AS second, max(figure) AS figure,
               bool_or(suspect) AS suspect,
               coalesce(list_sort(list(DISTINCT evidence_id) FILTER (evidence_id IS NOT NULL)), []) AS ids
        FROM ({kind.evidence}) GROUP BY subject, topic, measure, moment""",
        None,
        None,
        **{name: frames[name] for name in kind.evidence_of},
    )
    moments = ask(
        f"SELECT * REPLACE (epoch(moment)::BIGINT AS moment) FROM ({kind.moments})",
        None,
        None,
        **{name: frames[name] for name in kind.moments_of},
    )
    following, newest = _known_after(evidence, moments)
    followed = evidence.append_column("next_known", following).append_column("newest", newest)
    critical, high, medium = kind.tiers
    return ask(
        f"""
        WITH stepped AS (
            SELECT *, lag(second) OVER life AS before, lag(next_known) OVER life AS due
            FROM followed WINDOW life AS (PARTITION BY subject, topic ORDER BY second)
        ), begun AS (
            SELECT *, before IS NULL OR coalesce(due < second, false) OR second - before > $silence * 86400 AS begins
            FROM stepped
        ), numbered AS (
            SELECT *, sum(begins::INT) OVER (PARTITION BY subject, topic ORDER BY second) AS life FROM begun
        ), lived AS (
            SELECT subject, topic, to_timestamp(min(second)) AS first_seen, to_timestamp(max(second)) AS last_seen,
                   arg_max({{'next_known': next_known, 'figure': figure}}, second) AS newly,
                   to_timestamp(greatest(max(newest), max(second))) AS newest, max(figure) AS peak_figure,
                   bool_or(suspect) AS suspect, sum(len(ids))::BIGINT AS n_evidence, count(*) AS n_moments,
                   list_sort(list({{'second': second, 'ids': ids}})) AS pieces
            FROM numbered GROUP BY subject, topic, life HAVING sum(len(ids)) > 0
        ), told AS (
            SELECT *, to_timestamp(newly.next_known) AS cleared_at, newly.figure AS severity_figure,
                   flatten([p.ids FOR p IN pieces])[-{EVIDENCE_KEPT}:] AS evidence
            FROM lived
        )
        SELECT *, $kind AS kind, coalesce(cleared_at, newest) AS known_to,
               concat_ws(':', $kind, subject, topic, strftime(first_seen AT TIME ZONE 'UTC', $begins)) AS alert_id,
               CASE WHEN cleared_at IS NOT NULL THEN 'CLEARED' WHEN n_moments > 1 THEN 'CONTINUING' ELSE 'NEW' END
                   AS state,
               CASE WHEN severity_figure >= {critical} THEN 'critical' WHEN severity_figure >= {high} THEN 'high'
                    WHEN severity_figure >= {medium} THEN 'medium' WHEN severity_figure IS NOT NULL THEN 'low'
                    ELSE 'unknown' END AS severity
        FROM told ORDER BY subject, topic, first_seen""",
        shape=ALERTS,
        params={"kind": kind.name, "begins": kind.begins, "silence": kind.silence_days},
        followed=followed,
    )


def _known_after(evidence: pa.Table, moments: pa.Table) -> tuple[Column, Column]:
    """For each piece of evidence the next moment at which its measure was known, and the newest one; null where none.

    evidence: subject, measure, second. moments: subject, moment, a column per measure. All times in seconds since
    1970-01-01 UTC. Searched in one sorted array of (subject, second): a join on the nearest later moment took DuckDB a
    hundred times as long.
    """
    code, names = numbered(moments.column("subject"))
    key = code.astype(np.int64) << 32 | moments.column("moment").to_numpy()
    of, at = places(evidence.column("subject"), names), evidence.column("second").to_numpy()
    following, newest = np.full(at.size, np.nan), np.full(at.size, np.nan)
    measures, measured = numbered(evidence.column("measure"))
    for number, measure in enumerate(measured):
        mine = np.flatnonzero((measures == number) & (of >= 0))
        known_then = np.sort(key[moments.column(measure).to_numpy()])
        if not known_then.size:
            continue
        after = np.searchsorted(known_then, of[mine] << 32 | at[mine], side="right")
        found = known_then[np.minimum(after, known_then.size - 1)]
        here = (after < known_then.size) & (found >> 32 == of[mine])
        following[mine[here]] = (found & _SECONDS)[here]
        last = known_then[np.searchsorted(known_then, (of[mine] + 1) << 32) - 1]
        here = last >> 32 == of[mine]
        newest[mine[here]] = (last & _SECONDS)[here]
    return known(following, pa.int64()), known(newest, pa.int64())
