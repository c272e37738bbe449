"""Hot copies: tables that live in Redis and are rebuilt from the lake."""

from __future__ import annotations

from cyberpi_assets.tables.shape import table

WORKING_MEMORY = table(
    "working_memory",
    "The hot copy: recent severe alerts of the watch universe, for whoever asks now.",
    """
alert_id    string!  ticker:session:alert_type
ticker      string!  current symbol
session     date!    exchange session
alert_type  string!  type
severity    int16!   1-10
price       float!   close, US dollars
change_pct  float    close-to-close change in percent
details     string!  JSON
""",
    key="alert_id",
    home="redis",
    ttl_seconds=30 * 24 * 3600,
)
