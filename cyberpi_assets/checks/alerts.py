"""What must hold of alerts with a life, and of their hot copy."""

from __future__ import annotations

from functools import partial

import duckdb

from cyberpi_assets.assets.alerts import alerts, working_memory
from cyberpi_assets.checks.recorded import Subject, Verdict, check
from cyberpi_assets.storage.engine import connect
from cyberpi_assets.storage.redis_server import connect as redis_of
from cyberpi_assets.storage.redis_tables import RedisTables
from cyberpi_assets.tables import WORKING_MEMORY


@check(
    alerts,
    blocking=True,
    more="States fit their times and counts, and no two alerts of one threat overlap: it is raised once.",
)
def states_are_consistent(subject: Subject) -> Verdict:
    con = connect()
    subject.lake.relation(con, "alerts").create_view("alerts")
    found = con.sql("""
        WITH stepped AS (
            SELECT *, lag(coalesce(cleared_at, TIMESTAMPTZ '9999-01-01')) OVER (
                PARTITION BY kind, subject, topic ORDER BY first_seen) AS ended_before
            FROM alerts)
        SELECT count(*),
               count(*) FILTER (state NOT IN ('NEW', 'CONTINUING', 'CLEARED')
                                OR (state = 'CLEARED') <> (cleared_at IS NOT NULL)
                                OR (state = 'NEW' AND first_seen <> last_seen)
                                OR (state = 'CONTINUING' AND first_seen >= last_seen)),
               count(*) FILTER (first_seen > last_seen OR cleared_at <= last_seen OR known_to < last_seen),
               count(*) FILTER (n_evidence < 1 OR len(evidence) <> least(n_evidence, 20)
                                OR peak_figure < severity_figure
                                OR (severity = 'unknown') <> (severity_figure IS NULL)),
               count(*) FILTER (ended_before > first_seen)
        FROM stepped""").fetchone()
    assert found is not None
    names = ("alerts", "wrong_states", "wrong_times", "wrong_figures", "overlapping")
    figures = dict(zip(names, map(int, found), strict=True))
    return Verdict(not any(v for k, v in figures.items() if k != "alerts"), figures)


@check(alerts, blocking=True, more="Every piece of evidence that an alert names is a row of the table of its kind.")
def evidence_exists(subject: Subject) -> Verdict:
    con = connect()
    subject.lake.views(con)
    figures = traced(con)
    return Verdict(figures["unknown"] == 0 and figures["market_alerts_left_out"] == 0, figures)


def traced(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """How many pieces of evidence alerts name, and how many of them are no row of the table of their kind.

    A kind that has no table here is unknown whole. `con` has the tables as views.
    """
    found = con.sql("""
        WITH named AS (SELECT kind, unnest(evidence) AS id FROM alerts), known AS (
            SELECT 'market' AS kind, alert_id AS id FROM market_alerts
            UNION ALL SELECT 'options', threat_id FROM threat_scores
            UNION ALL SELECT 'halt', halt_id FROM trading_halts
            UNION ALL SELECT 'news', threat_id FROM intelligence_items
            UNION ALL SELECT 'fused', fused_id FROM fused_signals
        )
        SELECT (SELECT count(*) FROM named), (SELECT count(*) FROM named ANTI JOIN known USING (kind, id)),
               (SELECT count(*) FROM market_alerts)
             - (SELECT coalesce(sum(n_evidence), 0) FROM alerts WHERE kind = 'market')""").fetchone()
    assert found is not None
    return dict(zip(("named", "unknown", "market_alerts_left_out"), map(int, found), strict=True))


@check(
    working_memory, blocking=False, more="Every threat of ours in the hot copy is one that the lake holds, as severe."
)
def hot_copy_is_of_the_lake(subject: Subject) -> Verdict:
    kept = RedisTables(partial(redis_of, subject.settings), subject.settings.profile.value)
    con = connect()
    subject.lake.views(con)
    con.register("hot", kept.read(WORKING_MEMORY.name))
    found = con.execute(
        """
        SELECT count(*), count(*) FILTER (NOT EXISTS (
            SELECT 1 FROM threat_scores s
            WHERE s.threat_id = h.threat_id AND s.severity = h.severity AND s.seed_score >= $push))
        FROM hot h WHERE starts_with(h.threat_id, 'financial_')""",
        {"push": subject.settings.memory.push_score},
    ).fetchone()
    assert found is not None
    return Verdict(found[1] == 0, {"threats": int(found[0]), "not_in_the_lake": int(found[1])})


CHECKS = [states_are_consistent, evidence_exists, hot_copy_is_of_the_lake]
