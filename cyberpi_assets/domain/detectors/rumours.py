"""Rumoured events: an incident that somebody reports of a company, and the filing or statement that confirms it.

Here belongs what is a rumour and what a confirmation, by words of the headline. Which items are about an incident at
all is decided in `domain/news/`.
"""

from __future__ import annotations

from typing import Final

import pyarrow as pa

from cyberpi_assets.domain.detectors.signal import signals
from cyberpi_assets.rules.figures import SignalRules

DETECTOR: Final = "confirmed_rumour"
RUMOUR: Final = (
    r"(?i)\b(reportedly|alleg\w+|rumou?r\w*|claim(s|ed)?|sources?( familiar)? sa(y|id)|investigat\w+|dark web|"
    r"may have|might have|possible|suspected|looking into|purported\w*|unverified)\b"
)
CONFIRMED: Final = (
    r"(?i)\b(confirm(s|ed|ing)?|disclos(es|ed|ing)|admit(s|ted)?|acknowledg(es|ed)|says? it (was|suffered))\b"
)

_QUERY: Final = """
    WITH told AS (
        SELECT unnest(named_tickers) AS ticker, available_at AS seen_at, threat_id AS id, story_id, title, kind,
               kind = 'filing' OR regexp_matches(title, $confirmed) AS confirms,
               kind = 'news' AND regexp_matches(title, $rumour) AND NOT regexp_matches(title, $confirmed) AS rumours
        FROM items WHERE kind IN ('news', 'filing') AND list_contains(threat_type, 'cyber_incident') AND NOT negated
          AND duplicate_of IS NULL
    ), rumoured AS (
        SELECT *, max(seen_at) OVER (
            PARTITION BY ticker ORDER BY seen_at
            RANGE BETWEEN to_days($days) PRECEDING AND INTERVAL 1 MICROSECOND PRECEDING
        ) AS before FROM told WHERE rumours
    ), rumour AS (SELECT * FROM rumoured WHERE before IS NULL),
    confirmed AS (
        SELECT r.ticker, r.id, r.seen_at AS rumoured_at, c.seen_at, c.id AS confirming, c.kind,
               date_diff('day', r.seen_at, c.seen_at) AS days
        FROM rumour r JOIN told c ON c.ticker = r.ticker AND c.confirms AND c.seen_at > r.seen_at
         AND c.seen_at <= r.seen_at + to_days($days) AND c.story_id <> r.story_id
        QUALIFY row_number() OVER (PARTITION BY r.ticker, r.id ORDER BY c.seen_at, c.id) = 1
    )
    SELECT 'rumour' AS topic, ticker AS subject, ticker, seen_at AS available_at, 0.3 AS strength,
           'The press reports an incident that the company has not confirmed.' AS words, [id] AS evidence,
           ['an unconfirmed report may be wrong, old or about a supplier'] AS against, false AS hypothesis,
           $days AS window_days
    FROM rumour
    UNION ALL
    SELECT 'confirmed', ticker, ticker, seen_at, CASE kind WHEN 'filing' THEN 0.95 ELSE 0.8 END,
           'A reported incident is confirmed by ' || CASE kind WHEN 'filing' THEN 'a filing' ELSE 'a statement' END
               || ' after ' || days || CASE days WHEN 1 THEN ' day.' ELSE ' days.' END,
           [id, confirming], [], false, $days
    FROM confirmed"""


def rumours(rules: SignalRules, intelligence_items: pa.Table) -> pa.Table:
    """Rumours, and their confirmation by another story or a filing within `rumour_days`. Columns: `signal.SEEN`.

    A rumour that repeats one of the same company within that time is none of its own.
    """
    return signals(
        _QUERY,
        detector=DETECTOR,
        params={"rumour": RUMOUR, "confirmed": CONFIRMED, "days": rules.rumour_days},
        items=intelligence_items,
    )
