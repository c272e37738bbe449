"""Who is warned of what: priorities, the words of a warning, its ledger, and what people have still to be told.

Here belongs what makes a warning of fused signals, and the account of all warnings. What evidence adds up to is in
`fusing.py`; what may be said of lead time is decided by the back-test alone.

A warning opens on a company's first day of at least the least score, and goes on while such days lie at most
`warning_gap_days` apart. Each priority it reaches for the first time is an issue. P0 to P2 ask for two independent
origins, or for a filing. Issues follow the score as it was on the day, without verdicts: an analyst's later decision
does not rewrite what was issued.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

import pyarrow as pa

from cyberpi_assets.domain.backtest.whole import headline
from cyberpi_assets.domain.columns import known
from cyberpi_assets.domain.detectors.record import account
from cyberpi_assets.domain.detectors.signal import SCHEMA as SEEN
from cyberpi_assets.domain.rates import wilson
from cyberpi_assets.domain.sql import ask
from cyberpi_assets.rules.figures import SignalRules
from cyberpi_assets.tables import EARLY_WARNINGS, WARNING_LEDGER

PRIORITIES: Final = ("P0", "P1", "P2", "P3")
DAYS: Final = (30, 90)
NOT_TESTED: Final = "No lead time is claimed: the back-test has not been run on this data."
_REFUTES: Final = {
    "market": "the sector or the market moved alike, or earnings, an index change or a deal explains the trading",
    "halt": "the news after the halt is of another kind",
    "options": "earnings, a dividend, a deal or a hedge explains the option trading",
    "officials": "the trades were made by a manager or a plan",
    "filing": "an amendment of the filing takes it back",
    "press": "the company denies it, or the report is of a supplier or of an old incident",
    "feed": "the claim of the feed is withdrawn or was of another company",
    "kev": "the company's product is patched, or is not the one that is exploited",
    "sanctions": "the entity listed is another of the same name",
    "inherited": "the target's systems were never joined",
}

_EPISODES: Final = """
    WITH reached AS (
        SELECT *, {score} AS figure FROM fused WHERE {score} >= $p3
    ), stepped AS (
        SELECT *, coalesce(day - lag(day) OVER own > $gap, true) AS begins FROM reached
        WINDOW own AS (PARTITION BY ticker ORDER BY day)
    ), numbered AS (SELECT *, sum(begins::INT) OVER (PARTITION BY ticker ORDER BY day) AS episode FROM stepped),
    days AS (
        SELECT *, 'warning:' || ticker || ':' || min(day) OVER (PARTITION BY ticker, episode) AS warning_id,
               CASE WHEN n_origins < 2 AND NOT disclosed AND {confirmed} THEN 3 WHEN figure >= $p0 THEN 0
                    WHEN figure >= $p1 THEN 1 WHEN figure >= $p2 THEN 2 ELSE 3 END AS level
        FROM numbered
    )"""
_ISSUES: Final = (
    _EPISODES.format(score="score", confirmed="true")
    + """
    SELECT warning_id || ':P' || level AS issue_id, warning_id, ticker, 'P' || level AS priority,
           available_at AS issued_at, day AS issued_on, $newest::DATE AS recorded_on, score, n_origins, disclosed,
           kinds, evidence, words
    FROM days
    QUALIFY level < coalesce(min(level) OVER (
        PARTITION BY warning_id ORDER BY day ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 9)
    ORDER BY issued_at, issue_id"""
)
# Episodes by the score as it was; the decided score decides how urgent it is today.
_WARNINGS: Final = (
    _EPISODES.format(score="score", confirmed="coalesce(verdict <> 'confirmed', true)")
    + """, judged AS (
        SELECT *, CASE WHEN n_origins < 2 AND NOT disclosed AND coalesce(verdict <> 'confirmed', true) THEN 3
                       WHEN decided >= $p0 THEN 0 WHEN decided >= $p1 THEN 1 WHEN decided >= $p2 THEN 2 ELSE 3
                  END AS urgent
        FROM days
    ), whole AS (
        SELECT warning_id, ticker, min(day) AS opened_on, min(available_at) AS opened_at, max(day) AS last_on,
               arg_max(decided, day) AS score, max(decided) AS peak, min(urgent) AS urgent,
               bool_or(disclosed) AS disclosed, max(n_origins) AS n_origins, arg_max(verdict, day) AS verdict,
               arg_max(verdict_id, day) AS verdict_id, arg_max(kinds, (score, day)) AS kinds,
               arg_max(evidence, (score, day)) AS evidence,
               arg_max(words, (score, day)) AS said, any_value(clients) AS clients
        FROM judged GROUP BY warning_id, ticker
    ), seen AS (
        SELECT w.warning_id, list_sort(list(s.signal_id)) AS signals
        FROM whole w JOIN signals s ON s.ticker = w.ticker AND s.day BETWEEN w.opened_on - $gap AND w.last_on
        GROUP BY w.warning_id
    ), refuted AS (
        SELECT w.warning_id, string_agg(r.words, '; or ' ORDER BY r.place) AS said
        FROM whole w JOIN refutes r ON list_contains(w.kinds, r.kind) GROUP BY w.warning_id
    )
    SELECT w.warning_id, w.ticker, c.name AS company, 'P' || urgent AS priority,
           CASE WHEN verdict IN ('confirmed', 'dismissed') THEN verdict WHEN disclosed THEN 'disclosed'
                WHEN last_on + $gap < $newest THEN 'lapsed' ELSE 'open' END AS state,
           opened_on, opened_at, last_on, score, peak, n_origins,
           CASE WHEN n_origins >= 3 THEN 'high' WHEN n_origins = 2 THEN 'medium' ELSE 'low' END AS confidence,
           disclosed, kinds, evidence,
           upper(w.said[1]) || w.said[2:] || '. ' || n_origins
               || CASE n_origins WHEN 1 THEN ' origin' ELSE ' independent origins' END
               || CASE WHEN disclosed THEN '; the company has filed, so nothing is early about it' ELSE '' END || '.'
               AS words,
           coalesce(s.signals, []) AS signals, $lead AS lead_words,
           CASE WHEN disclosed THEN 'An amendment of the filing takes it back.'
                ELSE 'No report and no filing of an incident within ' || $last || ' days'
                     || coalesce('; or ' || r.said, '') || '.' END AS refuted_by,
           clients, verdict_id
    FROM whole w LEFT JOIN seen s USING (warning_id) LEFT JOIN refuted r USING (warning_id)
    LEFT JOIN (SELECT ticker, any_value(name) AS name FROM companies GROUP BY ticker) c ON c.ticker = w.ticker
    ORDER BY urgent, peak DESC, w.warning_id"""
)


def _params(rules: SignalRules, newest: dt.date) -> dict[str, Any]:
    levels = dict(zip(("p0", "p1", "p2", "p3"), rules.priorities, strict=True))
    return {**levels, "gap": rules.warning_gap_days, "newest": newest}


def lead_words(backtest: pa.Table) -> str:
    """What may be said of lead time: the verdict of the back-test (`tables.EARLY_WARNING_BACKTEST`), no more."""
    row = headline(backtest)
    if row is None:
        return NOT_TESTED
    return row["words"] if row["supported"] else f"No lead time is claimed. {row['words']}"


def early_warnings(
    rules: SignalRules,
    fused: pa.Table,
    signals: pa.Table,
    backtest: pa.Table,
    companies: pa.Table,
    newest: dt.date,
) -> pa.Table:
    """All warnings, the most urgent first. Columns: `tables.EARLY_WARNINGS`.

    fused: `tables.FUSED_SIGNALS`; signals: `tables.DETECTOR_SIGNALS`; backtest: `tables.EARLY_WARNING_BACKTEST`;
    newest: the last day that data speak of.
    """
    refutes = pa.table({"kind": list(_REFUTES), "words": list(_REFUTES.values()), "place": list(range(len(_REFUTES)))})
    return ask(
        _WARNINGS,
        EARLY_WARNINGS,
        {**_params(rules, newest), "lead": lead_words(backtest), "last": DAYS[-1]},
        fused=fused,
        signals=signals,
        companies=companies,
        refutes=refutes,
    )


def warning_ledger(
    rules: SignalRules, before: pa.Table, fused: pa.Table, outcomes: pa.Table, newest: dt.date, companies: int
) -> pa.Table:
    """The ledger with what is new. Columns: `tables.WARNING_LEDGER`, in the order of issue.

    before: the ledger as it stands; its rows stay as issued, only what happened since is brought up to date. An issue
    that today's rules and data would not make stays, and says so. outcomes: `record.outcomes()`; companies: how many
    are watched.
    """
    issued = ask(_ISSUES, None, _params(rules, newest), fused=fused)
    as_issued = WARNING_LEDGER.names[: WARNING_LEDGER.names.index("n_prior")]
    columns = ", ".join(as_issued)
    every = ask(
        f"""
        SELECT {columns}, NOT EXISTS (SELECT 1 FROM issued i WHERE i.issue_id = b.issue_id) AS withdrawn FROM before b
        UNION ALL SELECT {columns}, false FROM issued ANTI JOIN before USING (issue_id)""",
        before=before,
        issued=issued,
    )
    seen = ask(
        """
        SELECT issue_id AS signal_id, 'warning' AS detector,
               CASE WHEN disclosed THEN 'disclosed' ELSE priority END AS topic, ticker AS subject, ticker,
               issued_at AS available_at, issued_on AS day, score AS strength, words, evidence,
               []::VARCHAR[] AS against,
               false AS hypothesis, $last::BIGINT AS window_days FROM every ORDER BY issued_at, issue_id""",
        None,
        {"last": DAYS[-1]},
        every=every,
    ).cast(SEEN)
    return ask(
        f"""
        SELECT e.*, coalesce(b.n_prior, a.n_prior) AS n_prior, coalesce(b.n_hits, a.n_hits) AS n_hits,
               CASE WHEN b.issue_id IS NULL THEN a.hit_rate ELSE b.ppv END AS ppv,
               CASE WHEN b.issue_id IS NULL THEN a.hit_low ELSE b.ppv_low END AS ppv_low,
               CASE WHEN b.issue_id IS NULL THEN a.hit_high ELSE b.ppv_high END AS ppv_high,
               CASE WHEN b.issue_id IS NULL THEN a.base_rate ELSE b.base_rate END AS base_rate,
               CASE WHEN a.outcome_days <= {DAYS[0]} THEN a.outcome
                    WHEN e.issued_on + {DAYS[0]} > $newest THEN 'open' ELSE 'none' END AS within_30,
               a.outcome AS within_90, a.outcome_id, a.outcome_days
        FROM every e JOIN account a ON a.signal_id = e.issue_id LEFT JOIN before b USING (issue_id)
        ORDER BY e.issued_at, e.issue_id""",
        WARNING_LEDGER,
        {"newest": newest},
        every=every,
        account=account(seen, outcomes, newest, companies),
        before=before,
    )


def worth(ledger: pa.Table) -> pa.Table:
    """How often warnings were right, by priority; those issued after a filing apart.

    Columns: priority, issued, open, judged, hits, same_day, ppv, ppv_low, ppv_high (95 %, Wilson), base_rate (mean
    over the judged). Judged are warnings whose 90 days have ended or that were followed by an incident.
    """
    counted = ask(
        """
        SELECT CASE WHEN disclosed THEN 'disclosed' ELSE l.priority END AS priority, count(*) AS issued,
               count(*) FILTER (within_90 = 'open') AS open, count(*) FILTER (within_90 <> 'open') AS judged,
               count(*) FILTER (within_90 = 'followed') AS hits, count(*) FILTER (within_90 = 'same_day') AS same_day,
               CASE WHEN judged > 0 THEN hits / judged END AS ppv,
               avg(base_rate) FILTER (within_90 <> 'open') AS base_rate
        FROM l GROUP BY 1 ORDER BY 1""",
        l=ledger,
    )
    low, high = wilson(counted.column("hits").to_numpy(), counted.column("judged").to_numpy())
    return counted.append_column("ppv_low", known(low)).append_column("ppv_high", known(high))


def due_notifications(ledger: pa.Table, warnings: pa.Table, notices: pa.Table) -> pa.Table:
    """Issues that people have still to be told of, the most urgent first.

    Columns: issue_id, warning_id, priority, ticker. Of each warning that is open, its most urgent issue, unless one as
    urgent was told of before (`notices`: `tables.WARNING_NOTICES`). Claim them with `storage.notices.claim` before
    telling anybody.
    """
    return ask(
        """
        SELECT l.issue_id, l.warning_id, l.priority, l.ticker FROM ledger l
        SEMI JOIN (SELECT * FROM warnings WHERE state = 'open') w USING (warning_id)
        ANTI JOIN notices n ON n.warning_id = l.warning_id AND n.priority <= l.priority
        WHERE NOT l.withdrawn
        QUALIFY row_number() OVER (PARTITION BY l.warning_id ORDER BY l.priority) = 1
        ORDER BY l.priority, l.issue_id""",
        ledger=ledger,
        warnings=warnings,
        notices=notices,
    )
