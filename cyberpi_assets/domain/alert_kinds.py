"""The kinds of alerts: where the evidence of each comes from, and which moments tell whether it still holds.

Here belongs one query per kind for either, and from which figure an alert is severe. How evidence becomes an alert
that is raised, continued and cleared is in `alerts_life.py`.

Some threats end when data say so: a session without unusual volume, a snapshot with a low score, trade that resumes.
News and fused signals do not: a report is not taken back by silence. Such a threat holds for a stated number of days
after its newest evidence, and the first data of any company after them clear it: data must go on for it to end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cyberpi_assets.rules.figures import AlertLifeRules

HALTS_LEFT_OUT: Final = ("market_wide", "corporate")  # not of one company; no threat to it
NEWS_TOPICS: Final = ("cyber_incident", "vulnerability", "sanctions")
ORIGINS_OF: Final = {"low": 1, "medium": 2, "high": 3}  # confidence of fused signals, as domain/fused has it
_TO_THE_SECOND: Final = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class Kind:
    """One kind of alert.

    `evidence`: a query over the frames `evidence_of` that gives subject, topic, measure, moment (timestamp), figure
    (null when not known), evidence_id (null where nothing new is told, but it is known that the threat still holds),
    suspect. `measure` is what has to be known for a topic to be known. `moments`: one over `moments_of` that gives
    subject, moment, and for each measure a column of its name: whether it was known then. `tiers`: figures from which
    an alert is critical, high, medium. `begins`: how its first moment is written in its id, UTC.
    """

    name: str
    evidence_of: tuple[str, ...]
    evidence: str
    moments_of: tuple[str, ...]
    moments: str
    tiers: tuple[float, float, float]
    silence_days: int
    begins: str


def kinds(rules: AlertLifeRules) -> tuple[Kind, ...]:
    """The kinds of alerts there are; a further one is a further row."""
    return (_market(rules), _options(rules), _halts(rules), _news(rules), _fused(rules))


def _market(rules: AlertLifeRules) -> Kind:
    return Kind(
        "market",
        ("market_alerts", "closes"),
        """
        SELECT ticker AS subject, alert_type AS topic, c.moment, severity::DOUBLE AS figure,
               alert_id AS evidence_id,
               CASE WHEN alert_type = 'unusual_volume' THEN 'volume' ELSE 'price' END AS measure,
               suspect_data AS suspect
        FROM market_alerts JOIN closes c USING (session)""",
        ("daily_bars", "market_alerts", "closes"),
        """
        SELECT ticker AS subject, c.moment, true AS price, volume IS NOT NULL AS volume
        FROM daily_bars SEMI JOIN (SELECT DISTINCT ticker FROM market_alerts) USING (ticker)
        JOIN closes c USING (session)""",
        (9, 7, 4),
        rules.market_silence_days,
        "%Y-%m-%d",
    )


def _options(rules: AlertLifeRules) -> Kind:
    return Kind(
        "options",
        ("threat_scores",),
        f"""
        SELECT ticker AS subject, 'option_threat' AS topic, 'score' AS measure,
               date_trunc('second', snapshot_at) AS moment, seed_score::DOUBLE AS figure, threat_id AS evidence_id,
               false AS suspect
        FROM threat_scores WHERE seed_score >= {rules.option_score}""",
        ("threat_scores",),
        """
        SELECT ticker AS subject, date_trunc('second', snapshot_at) AS moment, seed_score IS NOT NULL AS score
        FROM threat_scores""",
        (80, 70, 50),
        rules.option_silence_days,
        _TO_THE_SECOND,
    )


# A resumption in the very second of the halt, or before it, is a moment later at the earliest, or a slip.
_HALTED: Final = f"""
    SELECT ticker, halt_id, reason_kind, halted_on, date_trunc('second', halted_at) AS halted,
           CASE WHEN resumed_at >= halted_at
                THEN greatest(date_trunc('second', resumed_at), date_trunc('second', halted_at) + INTERVAL 1 SECOND)
                END AS resumed
    FROM trading_halts WHERE reason_kind NOT IN {HALTS_LEFT_OUT}"""


def _halts(rules: AlertLifeRules) -> Kind:
    """Topic: why trade was halted. It holds until trade resumes.

    That is the stated moment; where no list states one, the close of the first later session in which the symbol
    traded, or its next halt, since only what trades is halted. Each close before a stated resumption is a moment at
    which the halt was known to hold.
    """
    return Kind(
        "halt",
        ("trading_halts", "closes"),
        f"""
        WITH halts AS ({_HALTED}), held AS (
            SELECT ticker, reason_kind, halted AS moment, halt_id FROM halts
            UNION ALL
            SELECT h.ticker, h.reason_kind, c.moment, NULL
            FROM halts h JOIN closes c ON c.moment > h.halted AND c.moment < h.resumed
        )
        SELECT ticker AS subject, reason_kind AS topic, 'trading' AS measure, moment,
               CASE reason_kind WHEN 'sec_suspension' THEN 3.0 WHEN 'volatility' THEN 1.0 WHEN 'other' THEN 1.0
                    ELSE 2.0 END AS figure, halt_id AS evidence_id, false AS suspect
        FROM held""",
        ("trading_halts", "daily_bars", "closes"),
        f"""
        WITH halts AS ({_HALTED}), traded AS (
            SELECT h.halt_id, any_value(h.ticker) AS ticker, min(b.session) AS session
            FROM daily_bars b JOIN halts h ON h.ticker = b.ticker AND b.session > h.halted_on
            WHERE h.resumed IS NULL AND b.volume > 0 GROUP BY h.halt_id
        )
        SELECT ticker AS subject, resumed AS moment, true AS trading FROM halts WHERE resumed IS NOT NULL
        UNION ALL
        SELECT ticker, c.moment, true FROM traded JOIN closes c USING (session)
        UNION ALL
        SELECT h.ticker, min(n.halted), true FROM halts h JOIN halts n ON n.ticker = h.ticker AND n.halted > h.halted
        WHERE h.resumed IS NULL GROUP BY h.ticker, h.halt_id""",
        (4, 3, 2),
        rules.halt_silence_days,
        _TO_THE_SECOND,
    )


def _ends(told: str, every: str, days: int) -> str:
    """When threats that fade have ended: subject, topic, moment.

    `told`: subject, topic, moment of evidence; `every`: moment of any data. A threat has ended with the first data
    `days` or more after evidence that none follows sooner.
    """
    return f"""
        SELECT e.subject, e.topic, v.moment
        FROM (
            SELECT subject, topic, moment + INTERVAL {days} DAY AS due
            FROM (SELECT DISTINCT subject, topic, moment FROM ({told}))
            QUALIFY coalesce(lead(moment) OVER (PARTITION BY subject, topic ORDER BY moment) > due, true)
        ) e ASOF JOIN (SELECT DISTINCT moment FROM ({every})) v ON e.due <= v.moment"""


# Halts have a kind of their own. Of a story that several tell, the first teller.
_TOLD: Final = """
    SELECT subject, topic, moment, figure, threat_id
    FROM (
        SELECT unnest(CASE WHEN kind IN ('news', 'filing') THEN named_tickers ELSE tickers END) AS subject,
               CASE kind WHEN 'kev' THEN 'vulnerability' WHEN 'sanction' THEN 'sanctions' ELSE 'cyber_incident' END
                   AS topic,
               date_trunc('second', available_at) AS moment,
               CASE severity WHEN 'critical' THEN 4.0 ELSE 3.0 END AS figure, threat_id, story_id
        FROM intelligence_items WHERE severity IN ('critical', 'high') AND kind <> 'halt' AND NOT negated
    )
    QUALIFY row_number() OVER (PARTITION BY subject, topic, story_id ORDER BY moment, threat_id) = 1"""


def _news(rules: AlertLifeRules) -> Kind:
    """Threat items that are critical or high, of each company that they name or are linked to by their list."""
    measures = ", ".join(f"topic = '{t}' AS {t}" for t in NEWS_TOPICS)
    every = "SELECT date_trunc('second', available_at) AS moment FROM intelligence_items"
    return Kind(
        "news",
        ("intelligence_items",),
        f"""
        SELECT subject, topic, topic AS measure, moment, figure, threat_id AS evidence_id, false AS suspect
        FROM ({_TOLD})""",
        ("intelligence_items",),
        f"SELECT subject, moment, {measures} FROM ({_ends(_TOLD, every, rules.news_days)})",
        (4, 3, 2),
        rules.news_days,
        _TO_THE_SECOND,
    )


def _fused(rules: AlertLifeRules) -> Kind:
    """Fused signals of enough confidence and score, as scored on their day; a verdict changes the severity alone.

    So an analyst who dismisses a signal makes its alert low, and what was raised stays on record.
    """
    told = f"""
        SELECT ticker AS subject, 'fused_signal' AS topic, date_trunc('second', available_at) AS moment,
               decided AS figure, fused_id
        FROM fused_signals
        WHERE n_origins >= {ORIGINS_OF[rules.fused_confidence]} AND score >= {rules.fused_score}"""
    every = "SELECT date_trunc('second', available_at) AS moment FROM fused_signals"
    return Kind(
        "fused",
        ("fused_signals",),
        f"""
        SELECT subject, topic, 'signal' AS measure, moment, figure, fused_id AS evidence_id, false AS suspect
        FROM ({told})""",
        ("fused_signals",),
        f"""
        SELECT ticker AS subject, date_trunc('second', available_at) AS moment, true AS signal FROM fused_signals
        UNION ALL
        SELECT subject, moment, true FROM ({_ends(told, every, rules.fused_days)})""",
        (0.85, 0.6, 0.4),
        rules.fused_days,
        _TO_THE_SECOND,
    )
