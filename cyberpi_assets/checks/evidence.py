"""What must hold of the evidence: nulls behave as nulls, and no finding is claimed that they do not bear out."""

from __future__ import annotations

import dagster as dg

from cyberpi_assets.checks.recorded import Subject, Verdict, check
from cyberpi_assets.storage.engine import connect


@check(
    dg.AssetKey("timing_nulls"),
    blocking=True,
    more="Every scored trade is here once, with a p between 0 and 1 or a reason.",
)
def every_scored_trade_has_a_null_or_a_reason(subject: Subject) -> Verdict:
    con = connect()
    subject.lake.views(con)
    found = con.sql("""
        SELECT count(*), count(*) FILTER (n.trade_id IS NULL),
               count(*) FILTER (n.p_headline NOT BETWEEN 0 AND 1),
               count(*) FILTER (n.p_headline IS NULL AND n.reason IS NULL)
        FROM disclosure_correlations c LEFT JOIN timing_nulls n USING (trade_id)
        WHERE c.score IS NOT NULL""").fetchone()
    assert found is not None
    figures = dict(zip(("scored", "without_null", "outside_0_1", "neither_p_nor_reason"), map(int, found), strict=True))
    return Verdict(not any(v for k, v in figures.items() if k != "scored"), figures)


@check(
    dg.AssetKey("official_evidence"),
    blocking=True,
    more="A supported finding has q <= 0.05, enough clusters and O/E above 1.",
)
def supported_means_supported(subject: Subject) -> Verdict:
    rules = subject.settings.evidence
    con = connect()
    subject.lake.views(con)
    found = con.execute(
        """
        SELECT count(*), count(*) FILTER (supported),
               count(*) FILTER (supported AND NOT (q_value <= $q AND n_clusters >= $n AND oe_low > 1
                                                   AND certainty >= $c))
        FROM official_evidence""",
        {"q": rules.q_level, "n": rules.min_clusters, "c": rules.offender_certainty},
    ).fetchone()
    assert found is not None
    figures = dict(zip(("officials", "supported", "wrongly_supported"), map(int, found), strict=True))
    return Verdict(figures["wrongly_supported"] == 0, figures)


@check(
    dg.AssetKey("official_rankings"),
    blocking=True,
    more="The self-test passed: p values are uniform on random dates, and the correction holds its level.",
)
def self_test_passed(subject: Subject) -> Verdict:
    con = connect()
    subject.lake.views(con)
    rows = con.sql("SELECT test || ': ' || part, passed FROM calibration ORDER BY ALL").fetchall()
    failed = [name for name, passed in rows if passed is False]
    return Verdict(not failed, {"parts": len(rows), "failed": ", ".join(failed)})


CHECKS = [every_scored_trade_has_a_null_or_a_reason, supported_means_supported, self_test_passed]
