"""Exposure through an acquisition: the acquirer takes over the systems of a target that has an incident.

Here belongs which incidents of a target an acquirer inherits. That names match companies is decided in `domain/news/`.
"""

from __future__ import annotations

from typing import Final

import pyarrow as pa

from cyberpi_assets.domain.detectors.signal import signals
from cyberpi_assets.rules.figures import SignalRules

DETECTOR: Final = "inherited_exposure"

_QUERY: Final = """
    SELECT 'inherited' AS topic, m.ticker_acquirer AS subject, m.ticker_acquirer AS ticker,
           greatest(m.available_at, i.available_at) AS available_at,
           round(0.3 * exp(-abs(i.disclosed_on - m.announced_on) / 365.0), 4) AS strength,
           'Its target ' || m.target || CASE WHEN i.disclosed_on <= m.announced_on
               THEN ' disclosed an incident ' || (m.announced_on - i.disclosed_on) || ' days before the acquisition'
               ELSE ' disclosed an incident ' || (i.disclosed_on - m.announced_on) || ' days after the acquisition'
               END || ' was announced.' AS words,
           [m.mna_id, i.event_id] AS evidence,
           ['the target''s systems may never be joined to the acquirer''s'] AS against, false AS hypothesis,
           $window AS window_days
    FROM mna m JOIN incidents i ON i.ticker_at_event = m.ticker_target OR i.ticker = m.ticker_target
    WHERE m.ticker_acquirer IS NOT NULL AND m.ticker_target <> m.ticker_acquirer AND i.grade <> 'weak'
      AND i.disclosed_on BETWEEN m.announced_on - $before AND m.announced_on + $after"""


def inherited_exposure(rules: SignalRules, mna_events: pa.Table, incidents: pa.Table) -> pa.Table:
    """Incidents that acquirers inherit, once both incident and acquisition are known. Columns: `signal.SEEN`."""
    return signals(
        _QUERY,
        detector=DETECTOR,
        params={
            "before": rules.inherited_before_days,
            "after": rules.inherited_after_days,
            "window": rules.inherited_window_days,
        },
        mna=mna_events,
        incidents=incidents,
    )
