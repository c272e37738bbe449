"""What must hold of the back-test: what is called supported is, and every incident is accounted for."""

from __future__ import annotations

import dagster as dg

from cyberpi_assets.checks.recorded import Subject, Verdict, check
from cyberpi_assets.domain.backtest.registered import REGISTERED
from cyberpi_assets.storage.engine import connect


@check(
    dg.AssetKey("early_warning_backtest"),
    blocking=True,
    more="A supported score meets every demand of the registration; no baseline and no small sample is supported.",
)
def supported_is_what_was_registered(subject: Subject) -> Verdict:
    con = connect()
    subject.lake.views(con)
    found = con.execute(
        """
        SELECT count(*), count(*) FILTER (supported),
               count(*) FILTER (supported AND NOT coalesce(n_events >= $n AND q_value <= $level AND lift_low > 1
                                                           AND better_low > 0 AND kind <> 'baseline', false))
        FROM early_warning_backtest""",
        {"n": REGISTERED.least_events, "level": REGISTERED.level},
    ).fetchone()
    assert found is not None
    figures = dict(zip(("rows", "supported", "wrongly_supported"), map(int, found), strict=True))
    return Verdict(figures["wrongly_supported"] == 0, figures)


@check(
    dg.AssetKey("backtest_events"),
    blocking=True,
    more="Every known incident is here once, tested or with the reason why not.",
)
def every_incident_is_accounted_for(subject: Subject) -> Verdict:
    con = connect()
    subject.lake.views(con)
    found = con.sql("""
        SELECT count(*), count(*) FILTER (b.event_id IS NULL), count(*) FILTER (b.used = (b.reason IS NOT NULL))
        FROM incidents i LEFT JOIN backtest_events b USING (event_id)""").fetchone()
    assert found is not None
    figures = dict(zip(("incidents", "missing", "neither_tested_nor_explained"), map(int, found), strict=True))
    return Verdict(not (figures["missing"] or figures["neither_tested_nor_explained"]), figures)


CHECKS = [supported_is_what_was_registered, every_incident_is_accounted_for]
