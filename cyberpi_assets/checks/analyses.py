"""What must hold of the analyses of threats: they explain scores that exist, by indicators that exist."""

from __future__ import annotations

import dagster as dg

from cyberpi_assets.checks.recorded import Subject, Verdict, check
from cyberpi_assets.storage.engine import connect


@check(
    dg.AssetKey("threat_analyses"),
    blocking=True,
    more="Each analysis is of a threat score, cites indicators of that threat which fired, and abstains with a reason.",
)
def what_is_cited_fired(subject: Subject) -> Verdict:
    con = connect()
    subject.lake.views(con)
    found = con.sql("""
        WITH cited AS (SELECT threat_id, unnest(supporting) AS id FROM threat_analyses)
        SELECT (SELECT count(*) FROM threat_analyses),
               (SELECT count(*) FROM threat_analyses WHERE threat_id NOT IN (SELECT threat_id FROM threat_scores)),
               (SELECT count(*) FROM cited c WHERE NOT EXISTS (
                    SELECT 1 FROM threat_indicators i
                    WHERE i.indicator_id = c.id AND i.threat_id = c.threat_id AND i.state = 'fired')),
               count(*) FILTER (abstained <> (hypothesis IS NULL) OR abstained <> (reason IS NOT NULL)
                                OR (NOT abstained AND (coalesce(len(supporting), 0) = 0 OR urgency IS NULL)))
        FROM threat_analyses""").fetchone()
    assert found is not None
    names = ("analyses", "without_score", "cited_and_not_fired", "neither_said_nor_abstained")
    figures = dict(zip(names, map(int, found), strict=True))
    return Verdict(not any(v for k, v in figures.items() if k != "analyses"), figures)


CHECKS = [what_is_cited_fired]
