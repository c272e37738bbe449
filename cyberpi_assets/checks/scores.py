"""What must hold of scores: recomputed they equal what is stored, and no alert counts after its trade."""

from __future__ import annotations

from cyberpi_assets.assets.correlations import disclosure_correlations
from cyberpi_assets.assets.rankings import official_rankings
from cyberpi_assets.checks.recorded import Subject, Verdict, check
from cyberpi_assets.domain.ocr import NOT_REVIEWED, UNREVIEWED
from cyberpi_assets.domain.scoring import score_directly
from cyberpi_assets.storage.engine import connect

_SAMPLE = 500


@check(disclosure_correlations, blocking=True, more="Every disclosed trade is here once, with a score or a reason.")
def every_trade_once(subject: Subject) -> Verdict:
    con = connect()
    subject.lake.views(con)
    found = con.sql("""
        SELECT (SELECT count(*) FROM disclosed_trades) AS trades,
               (SELECT count(*) FROM disclosure_correlations) AS correlations,
               count(*) FILTER (c.trade_id IS NULL) AS not_correlated,
               count(*) FILTER ((c.score IS NULL) = (c.reason IS NULL)) AS neither_or_both
        FROM disclosed_trades t LEFT JOIN disclosure_correlations c USING (trade_id)""").fetchone()
    assert found is not None
    names = ("trades", "correlations", "not_correlated", "neither_or_both")
    figures = dict(zip(names, map(int, found), strict=True))
    same = figures["trades"] == figures["correlations"]
    return Verdict(same and not figures["not_correlated"] and not figures["neither_or_both"], figures)


@check(
    disclosure_correlations,
    blocking=True,
    more="On a sample of scored trades the score computed directly from the alerts equals the stored one.",
)
def recomputed_score_is_stored_score(subject: Subject) -> Verdict:
    con = connect()
    subject.lake.views(con)
    # the sample is the same for the same trades: no chance decides whether a check passes
    sample = con.sql(f"""
        SELECT trade_id, ticker, transaction_date, raw_score, score, n_alerts, n_recent, n_high
        FROM disclosure_correlations WHERE score IS NOT NULL ORDER BY hash(trade_id), trade_id LIMIT {_SAMPLE}
    """).to_arrow_table()
    con.register("sample", sample)
    alerts = con.sql("SELECT a.* FROM market_alerts a SEMI JOIN sample s USING (ticker)").to_arrow_table()
    wrong = 0
    for trade in sample.to_pylist():
        direct = score_directly(alerts, trade["ticker"], trade["transaction_date"], subject.settings.timing)
        wrong += abs(direct.raw_score - trade["raw_score"]) > 1e-9 or direct.n_alerts != trade["n_alerts"]
    return Verdict(wrong == 0, {"sample": sample.num_rows, "different": int(wrong)})


@check(disclosure_correlations, blocking=True, more="Every scored trade has bars in the 30 days before it.")
def scored_trades_have_bars(subject: Subject) -> Verdict:
    con = connect()
    subject.lake.views(con)
    found = con.execute(
        """
        WITH scored AS (SELECT DISTINCT ticker, transaction_date FROM disclosure_correlations WHERE score IS NOT NULL)
        SELECT count(*), count(*) FILTER (NOT EXISTS (
            SELECT 1 FROM daily_bars b WHERE b.ticker = s.ticker
               AND b.session BETWEEN s.transaction_date - $window::INT AND s.transaction_date))
        FROM scored s""",
        {"window": subject.settings.timing.window_days},
    ).fetchone()
    assert found is not None
    return Verdict(found[1] == 0, {"scored_days": int(found[0]), "without_bars": int(found[1])})


@check(disclosure_correlations, blocking=True, more="No alert counted that lies on or after the trade's own day.")
def no_alert_after_its_trade(subject: Subject) -> Verdict:
    con = connect()
    subject.lake.views(con)
    rules = subject.settings.timing
    found = con.execute(
        """
        WITH counted AS (
            SELECT c.ticker, c.transaction_date, unnest(c.alert_ids) AS alert_id FROM disclosure_correlations c
        )
        SELECT count(*), count(*) FILTER (a.alert_id IS NULL),
               count(*) FILTER (c.transaction_date - a.session NOT BETWEEN $low AND $window),
               count(*) FILTER (a.ticker <> c.ticker OR a.suspect_data)
        FROM counted c LEFT JOIN market_alerts a USING (alert_id)""",
        {"low": 0 if rules.include_same_day else 1, "window": rules.window_days},
    ).fetchone()
    assert found is not None
    figures = dict(zip(("counted", "unknown", "outside_window", "wrong_alert"), map(int, found), strict=True))
    return Verdict(not any(v for k, v in figures.items() if k != "counted"), figures)


@check(disclosure_correlations, blocking=True, more="No row that we read from a scan is scored unless settings say so.")
def no_unreviewed_scan_is_scored(subject: Subject) -> Verdict:
    con = connect()
    subject.lake.views(con)
    found = con.sql(f"""
        SELECT count(*), count(c.score), count(*) FILTER (t.transcription IS DISTINCT FROM 'ocr'
                                                          OR NOT contains(coalesce(t.flags, ''), '{NOT_REVIEWED}'))
        FROM disclosed_trades t JOIN disclosure_correlations c USING (trade_id) WHERE {UNREVIEWED}""").fetchone()
    assert found is not None
    figures = dict(zip(("rows_of_scans", "scored", "not_marked"), map(int, found), strict=True))
    allowed = subject.settings.ocr.include_in_scores or not figures["scored"]
    return Verdict(allowed and not figures["not_marked"], figures)


@check(
    official_rankings, blocking=True, more="The rankings count each trade once: their totals equal the trades ranked."
)
def totals_equal_trades(subject: Subject) -> Verdict:
    con = connect()
    subject.lake.views(con)
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
