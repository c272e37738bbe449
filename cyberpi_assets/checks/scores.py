"""What must hold of scores: recomputed they equal what is stored, and no alert counts after its trade."""

from __future__ import annotations

import duckdb
import pyarrow as pa

from cyberpi_assets.assets.correlations import disclosure_correlations
from cyberpi_assets.assets.rankings import official_rankings
from cyberpi_assets.checks.recorded import Subject, Verdict, check
from cyberpi_assets.domain.ocr import NOT_REVIEWED, UNREVIEWED
from cyberpi_assets.domain.scoring import score_directly

_SAMPLE = 500


@check(disclosure_correlations, blocking=True, more="Every disclosed trade is here once, with a score or a reason.")
def every_trade_once(subject: Subject) -> Verdict:
    # a correlation too many has no trade, or is the second of one: then counts of the month differ
    return subject.counts(
        """
        WITH told AS (
            SELECT coalesce(t.month, c.month) AS month, t.trade_id AS of_trade, c.trade_id AS correlated,
                   (c.score IS NULL) = (c.reason IS NULL) AS neither_or_both
            FROM disclosed_trades t FULL JOIN disclosure_correlations c USING (trade_id)
        )
        SELECT month, count(DISTINCT of_trade) AS trades, count(correlated) AS correlations,
               count(*) FILTER (correlated IS NULL) AS not_correlated,
               count(*) FILTER (neither_or_both AND correlated IS NOT NULL AND of_trade IS NOT NULL) AS neither_or_both,
               count(*) - count(DISTINCT of_trade) AS too_many
        FROM told GROUP BY month""",
        "disclosed_trades",
        "disclosure_correlations",
        harmless=("trades", "correlations"),
    )


@check(
    disclosure_correlations,
    blocking=True,
    more="On a sample of scored trades the score computed directly from the alerts equals the stored one.",
)
def recomputed_score_is_stored_score(subject: Subject) -> Verdict:
    with subject.engine("disclosure_correlations", "market_alerts") as con:
        sample, alerts = _sampled(con)
    wrong = 0
    for trade in sample.to_pylist():
        direct = score_directly(alerts, trade["ticker"], trade["transaction_date"], subject.settings.timing)
        wrong += abs(direct.raw_score - trade["raw_score"]) > 1e-9 or direct.n_alerts != trade["n_alerts"]
    return Verdict(wrong == 0, {"sample": sample.num_rows, "different": int(wrong)})


def _sampled(con: duckdb.DuckDBPyConnection) -> tuple[pa.Table, pa.Table]:
    """Scored trades, the same for the same trades, and the alerts of their tickers."""
    # the sample is the same for the same trades: no chance decides whether a check passes
    sample = con.sql(f"""
        SELECT trade_id, ticker, transaction_date, raw_score, score, n_alerts, n_recent, n_high
        FROM disclosure_correlations WHERE score IS NOT NULL ORDER BY hash(trade_id), trade_id LIMIT {_SAMPLE}
    """).to_arrow_table()
    con.register("sample", sample)
    alerts = con.sql("SELECT a.* FROM market_alerts a SEMI JOIN sample s USING (ticker)").to_arrow_table()
    return sample, alerts


@check(disclosure_correlations, blocking=True, more="Every scored trade has bars in the 30 days before it.")
def scored_trades_have_bars(subject: Subject) -> Verdict:
    return subject.counts(
        """
        WITH scored AS (
            SELECT min(month) AS month, ticker, transaction_date FROM disclosure_correlations
            WHERE score IS NOT NULL GROUP BY ticker, transaction_date
        )
        SELECT month, count(*) AS scored_days, count(*) FILTER (NOT EXISTS (
            SELECT 1 FROM daily_bars b WHERE b.ticker = s.ticker
               AND b.session BETWEEN s.transaction_date - $window::INT AND s.transaction_date)) AS without_bars
        FROM scored s GROUP BY month""",
        "disclosure_correlations",
        "daily_bars",
        harmless=("scored_days",),
        params={"window": subject.settings.timing.window_days},
    )


@check(disclosure_correlations, blocking=True, more="No alert counted that lies on or after the trade's own day.")
def no_alert_after_its_trade(subject: Subject) -> Verdict:
    rules = subject.settings.timing
    return subject.counts(
        """
        WITH counted AS (
            SELECT c.month, c.ticker, c.transaction_date, unnest(c.alert_ids) AS alert_id
            FROM disclosure_correlations c
        )
        SELECT c.month, count(*) AS counted, count(*) FILTER (a.alert_id IS NULL) AS unknown,
               count(*) FILTER (c.transaction_date - a.session NOT BETWEEN $low AND $window) AS outside_window,
               count(*) FILTER (a.ticker <> c.ticker OR a.suspect_data) AS wrong_alert
        FROM counted c LEFT JOIN market_alerts a USING (alert_id) GROUP BY c.month""",
        "disclosure_correlations",
        "market_alerts",
        harmless=("counted",),
        params={"low": 0 if rules.include_same_day else 1, "window": rules.window_days},
    )


@check(disclosure_correlations, blocking=True, more="No row that we read from a scan is scored unless settings say so.")
def no_unreviewed_scan_is_scored(subject: Subject) -> Verdict:
    allowed = ("scored",) if subject.settings.ocr.include_in_scores else ()
    return subject.counts(
        f"""
        SELECT t.month, count(*) AS rows_of_scans, count(c.score) AS scored,
               count(*) FILTER (t.transcription IS DISTINCT FROM 'ocr'
                                OR NOT contains(coalesce(t.flags, ''), '{NOT_REVIEWED}')) AS not_marked
        FROM disclosed_trades t JOIN disclosure_correlations c USING (trade_id) WHERE {UNREVIEWED} GROUP BY t.month""",
        "disclosed_trades",
        "disclosure_correlations",
        harmless=("rows_of_scans", *allowed),
    )


@check(
    official_rankings, blocking=True, more="The rankings count each trade once: their totals equal the trades ranked."
)
def totals_equal_trades(subject: Subject) -> Verdict:
    with subject.engine("official_rankings", "disclosed_trades", "disclosure_correlations") as con:
        found = con.execute(
            """
        SELECT (SELECT coalesce(sum(n_trades), 0) FROM official_rankings),
               (SELECT coalesce(sum(n_scored), 0) FROM official_rankings), count(*), count(c.score)
        FROM disclosed_trades t JOIN disclosure_correlations c USING (trade_id)
        WHERE t.superseded_by IS NULL AND t.repeat_of IS NULL AND t.filing_status IS DISTINCT FROM 'deleted'
          AND NOT coalesce(t.chamber = 'house' AND coalesce(t.filed_on, t.transaction_date) < $from, false)""",
            {"from": subject.settings.rankings.house_from},
        ).fetchone()
    assert found is not None
    figures = dict(zip(("ranked_trades", "ranked_scored", "trades", "scored"), map(int, found), strict=True))
    right = figures["ranked_trades"] == figures["trades"] and figures["ranked_scored"] == figures["scored"]
    return Verdict(right, figures)


CHECKS = [
    every_trade_once,
    recomputed_score_is_stored_score,
    scored_trades_have_bars,
    no_alert_after_its_trade,
    no_unreviewed_scan_is_scored,
    totals_equal_trades,
]
