"""What must hold of signals and warnings: scores in range, ids that exist, a ledger that forgets nothing."""

from __future__ import annotations

import dagster as dg

from cyberpi_assets.checks.recorded import Subject, Verdict, check
from cyberpi_assets.storage.engine import connect

_FUSED, _WARNINGS, _LEDGER = (dg.AssetKey(k) for k in ("fused_signals", "early_warnings", "warning_ledger"))


def _figures(subject: Subject, query: str, names: tuple[str, ...]) -> dict[str, int]:
    con = connect(subject.settings.duckdb_memory_limit, subject.settings.duckdb_threads)
    try:
        subject.lake.views(con)
        found = con.execute(query).fetchone()
    finally:
        con.close()
    assert found is not None
    return dict(zip(names, (int(v or 0) for v in found), strict=True))


@check(_FUSED, blocking=True, more="Scores lie in 0 to 1, and no row is without evidence.")
def fused_scores_in_range(subject: Subject) -> Verdict:
    figures = _figures(
        subject,
        """
        SELECT count(*), count(*) FILTER (NOT score BETWEEN 0 AND 1 OR NOT decided BETWEEN 0 AND 1),
               count(*) FILTER (len(evidence) = 0 OR len(kinds) <> len(weights)),
               count(*) FILTER (verdict = 'confirmed' AND decided <> 1)
        FROM fused_signals""",
        ("rows", "outside_0_1", "without_evidence", "confirmed_below_1"),
    )
    return Verdict(not any(v for k, v in figures.items() if k != "rows"), figures)


@check(_WARNINGS, blocking=True, more="Each warning opens on a day of fused signals, and claims no lead time untested.")
def warnings_rest_on_signals(subject: Subject) -> Verdict:
    figures = _figures(
        subject,
        """
        WITH tested AS (
            SELECT coalesce(bool_or(supported), false) AS supported FROM early_warning_backtest
            WHERE sample = 'test' AND horizon = 'primary' AND score = 'combined'
        )
        SELECT count(*), count(*) FILTER (f.fused_id IS NULL), count(*) FILTER (
            NOT (SELECT supported FROM tested) AND NOT starts_with(lead_words, 'No lead time is claimed'))
        FROM early_warnings w LEFT JOIN fused_signals f ON f.ticker = w.ticker AND f.day = w.opened_on""",
        ("rows", "without_signal", "lead_time_untested"),
    )
    return Verdict(not any(v for k, v in figures.items() if k != "rows"), figures)


@check(_LEDGER, blocking=False, more="Every warning of today is in the ledger; hits never exceed trials.")
def ledger_holds_every_warning(subject: Subject) -> Verdict:
    figures = _figures(
        subject,
        """
        SELECT count(*), count(*) FILTER (n_hits > n_prior), count(*) FILTER (issued_on > recorded_on),
               (SELECT count(*) FROM early_warnings ANTI JOIN warning_ledger USING (warning_id))
        FROM warning_ledger""",
        ("rows", "more_hits_than_trials", "issued_after_recorded", "warnings_missing"),
    )
    return Verdict(not any(v for k, v in figures.items() if k != "rows"), figures)


CHECKS = [fused_scores_in_range, warnings_rest_on_signals, ledger_holds_every_warning]
