"""Sanctions and retaliation: a hypothesis, published with how often it came true and how often it would by chance.

Here belongs which changes of the sanctions list begin a window. That an attack answers sanctions within 12 to 24 hours
is a supposition that no evidence here supports; so each signal is tagged as a hypothesis, is never fused, and stands
beside its hit rate and the rate of windows that begin on any day.
"""

from __future__ import annotations

from typing import Final

import pyarrow as pa

from cyberpi_assets.domain.detectors.signal import signals
from cyberpi_assets.rules.figures import SignalRules

DETECTOR: Final = "sanctions_retaliation"
SUPPOSITION: Final = (
    "that an attack follows within 12 to 24 hours is a supposition that no evidence supports: compare hit and base rate"
)

_QUERY: Final = """
    WITH days AS (
        SELECT changed_on, max(available_at) AS seen_at, count(*) AS n, list_sort(list(change_id))[:20] AS ids,
               bool_or(is_cyber) AS cyber
        FROM changes WHERE change IN ('added', 'event') GROUP BY changed_on
    )
    SELECT 'sanctions' AS topic, 'market' AS subject, NULL::VARCHAR AS ticker, seen_at AS available_at,
           CASE WHEN cyber THEN 0.1 ELSE 0.05 END AS strength,
           n || CASE WHEN n = 1 THEN ' new entry' ELSE ' new entries' END || ' on the sanctions list'
             || CASE WHEN cyber THEN ', over malicious cyber activity too' ELSE '' END
             || '. Hypothesis: ' || $supposition || '.' AS words,
           ids AS evidence, [$supposition::VARCHAR] AS against, true AS hypothesis, $window AS window_days
    FROM days"""


def sanctions_retaliation(rules: SignalRules, sanctions_changes: pa.Table) -> pa.Table:
    """A window after each day on which entries were added to the sanctions list. Columns: `signal.SEEN`."""
    return signals(
        _QUERY,
        detector=DETECTOR,
        params={"window": rules.retaliation_days, "supposition": SUPPOSITION},
        changes=sanctions_changes,
    )
