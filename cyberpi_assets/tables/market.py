"""Market tables: bars, corporate actions and the alerts they raise."""

from __future__ import annotations

from cyberpi_assets.tables.shape import table

CORPORATE_ACTIONS = table(
    "corporate_actions",
    "One row per corporate action; splits explain large moves.",
    """
ticker      string!  symbol
session     date!    ex-date
action      string!  split | dividend | spinoff
value       float!   split: new shares per old share; dividend: US dollars a share; spinoff: price factor
source      string!  list the action comes from
""",
    key="ticker session action",
)

DAILY_BARS = table(
    "daily_bars",
    "One row per ticker and exchange session: split-adjusted prices and volume, one source per row.",
    """
ticker      string!  current symbol
session     date!    exchange session
open        float    US dollars, split-adjusted
high        float    US dollars, split-adjusted
low         float    US dollars, split-adjusted
close       float!   US dollars, split-adjusted
adj_close   float    close adjusted for splits and dividends; null when the source has none
volume      int      shares, split-adjusted; null when the source has none
basis       string!  what close is adjusted for: split | total | approx | unknown
source      string!  file or provider the bar comes from
""",
    key="ticker session",
    month_of="session",
)

MARKET_ALERTS = table(
    "market_alerts",
    "One row per ticker, session and type of unusual market activity, with its rarity for that ticker.",
    """
alert_id    string!  ticker:session:alert_type
ticker      string!  current symbol
session     date!    exchange session whose close raised the alert
alert_type  string!  unusual_volume | price_spike | price_drop | high_volatility
severity    int16    1-10 by rarity in the ticker's own prior 504 sessions; null when not known
price       float!   close, US dollars
volume      int      shares
change_pct  float    close-to-close change in percent
suspect_data bool!    rests on a move over 40 % that no known split explains; left out of scores
severity_basis string!  own | sector | none: whose history the rarity is measured against
severity_reason string  why severity is null
details     string!  JSON: measured ratio, baseline, threshold, sample size and tail probability
""",
    key="ticker session alert_type",
    month_of="session",
)
