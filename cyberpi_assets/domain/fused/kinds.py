"""The kinds of evidence: how much a piece weighs, how fast it fades, and which kinds have one origin.

Here belong these choices alone. How pieces add up is in `fusing.py`.

Weights are judgements in steps of one twentieth, not estimates: no data set says how probable an incident is given a
halt. They order companies; docs/methods.md says so beside them. Kinds of one origin tell of the same thing: a fall and
a halt are both the tape, a filing and the press that reports it are both what is said. Signals of detectors that rest
on these pieces are not evidence again, but for inherited exposure, which rests on others.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Final

import pyarrow as pa


@dataclass(frozen=True)
class Kind:
    """A kind of evidence. `half_life` in days; `most`: what all pieces of the kind together may weigh."""

    kind: str
    origin: str
    financial: bool
    half_life: float
    most: float
    words: str


KINDS: Final = (
    Kind("market", "tape", True, 7, 0.35, "unusual trading"),
    Kind("halt", "tape", True, 5, 0.40, "trading halted for news or by a regulator"),
    Kind("options", "options", True, 5, 0.40, "unusual options"),
    Kind("officials", "officials", True, 30, 0.15, "well-timed trades that officials disclosed"),
    Kind("filing", "said", False, 60, 0.95, "a filing on a cyber incident"),
    Kind("press", "said", False, 7, 0.50, "the press on an incident"),
    Kind("feed", "said", False, 7, 0.40, "threat feeds on an incident"),
    Kind("kev", "exposure", False, 30, 0.15, "exploited vulnerabilities in its products"),
    Kind("sanctions", "sanctions", False, 30, 0.10, "sanctions that name it"),
    Kind("inherited", "inherited", False, 120, 0.30, "an incident of a company it acquires"),
)
HORIZON_DAYS: Final = 90  # older evidence counts no more; every half-life is shorter but for inherited exposure


def as_table() -> pa.Table:
    """The kinds as a table, a column per field."""
    return pa.Table.from_pylist([asdict(k) for k in KINDS])


# Each piece: ticker, moment from which it is known, kind, story (told twice, it counts once), weight, id.
EVIDENCE: Final = """
    SELECT a.ticker, c.moment, 'market' AS kind, a.ticker || ':' || a.session AS story,
           CASE a.severity WHEN 7 THEN 0.05 WHEN 8 THEN 0.1 WHEN 9 THEN 0.15 ELSE 0.2 END AS weight, a.alert_id AS id
    FROM market_alerts a JOIN closes c USING (session) WHERE a.severity >= $severity AND NOT a.suspect_data
    UNION ALL
    SELECT ticker, available_at, 'halt', halt_id, 0.35, halt_id FROM trading_halts
    WHERE len(list_intersect(reason_codes, $codes::VARCHAR[])) > 0
    UNION ALL
    SELECT ticker, snapshot_at, 'options', ticker || ':' || session,
           CASE WHEN seed_score >= 80 THEN 0.3 WHEN seed_score >= 70 THEN 0.2 ELSE 0.1 END
           * CASE WHEN len(confounders) > 0 THEN 0.5 ELSE 1 END, threat_id
    FROM threat_scores WHERE seed_score >= $score
    UNION ALL
    SELECT t.ticker, (t.filed_on + 1)::TIMESTAMP AT TIME ZONE 'America/New_York', 'officials',
           coalesce(t.bioguide_id, t.official) || ':' || t.ticker || ':' || t.transaction_date,
           CASE WHEN c.score >= 80 THEN 0.1 ELSE 0.05 END, t.trade_id
    FROM disclosed_trades t JOIN correlations c USING (trade_id)
    WHERE c.score >= $timing AND t.ticker IS NOT NULL AND t.superseded_by IS NULL AND t.repeat_of IS NULL
    UNION ALL
    SELECT ticker, available_at, 'filing', accession, CASE cyber_reason WHEN 'item_1.05' THEN 0.95 ELSE 0.7 END,
           accession
    FROM company_filings WHERE is_cyber AND ticker IS NOT NULL
    UNION ALL
    SELECT unnest(named_tickers), available_at,
           CASE WHEN starts_with(coalesce(json_extract_string(metadata, '$.delivered_by'), ''), 'feed:') THEN 'feed'
                ELSE 'press' END,
           story_id, 0.35, threat_id
    FROM items WHERE kind = 'news' AND list_contains(threat_type, 'cyber_incident') AND NOT negated
    UNION ALL
    SELECT ticker, available_at, 'kev', cve, CASE WHEN ransomware THEN 0.1 ELSE 0.05 END, cve
    FROM known_exploited WHERE ticker IS NOT NULL
    UNION ALL
    SELECT unnest(tickers), available_at, 'sanctions', change_id, 0.05, change_id FROM sanctions_changes
    WHERE change IN ('added', 'event')
    UNION ALL
    SELECT ticker, available_at, 'inherited', signal_id, strength, signal_id FROM detector_signals
    WHERE detector = 'inherited_exposure'"""
