"""What every detector gives: the columns of a signal before anybody knows what came of it.

Here belongs that shape. What came of signals belongs to `record.py`.
"""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from cyberpi_assets.domain.sql import Frame, ask
from cyberpi_assets.tables import DETECTOR_SIGNALS

SEEN = DETECTOR_SIGNALS.names[: DETECTOR_SIGNALS.names.index("n_prior")]
SCHEMA = pa.schema([DETECTOR_SIGNALS.schema.field(n) for n in SEEN])


def signals(query: str, *, detector: str, params: Mapping[str, object], **frames: Frame) -> pa.Table:
    """The signals a query finds. Columns: `SEEN`.

    The query gives topic, subject, ticker, available_at, strength, words, evidence, against, hypothesis and
    window_days; id and day follow from them. Two at one moment on one subject and topic are one, the stronger.
    """
    found = ask(
        f"""
        SELECT concat_ws(':', $detector::VARCHAR, topic, subject,
                         strftime(available_at AT TIME ZONE 'UTC', '%Y%m%dT%H%M%S')) AS signal_id,
               $detector::VARCHAR AS detector, topic, subject, ticker, available_at,
               (available_at AT TIME ZONE 'America/New_York')::DATE AS day, strength::DOUBLE AS strength, words,
               evidence::VARCHAR[] AS evidence, against::VARCHAR[] AS against, hypothesis,
               window_days::BIGINT AS window_days
        FROM ({query})
        QUALIFY row_number() OVER (PARTITION BY signal_id ORDER BY strength DESC, words) = 1
        ORDER BY available_at, signal_id""",
        None,
        {"detector": detector, **params},
        **frames,
    )
    return found.select(SEEN).cast(SCHEMA)
