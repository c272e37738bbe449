"""Timing scores of disclosed trades."""

from __future__ import annotations

from cyberpi_assets.tables.shape import table

TIMING_SURFACE = table(
    "timing_surface",
    "The timing score of every ticker on every calendar day: a trade, a placebo date or a permutation is a lookup.",
    """
ticker      string!  current symbol
day         date!    calendar day on which a trade would be scored
is_session  bool!    an exchange session
n_alerts    int16!   alert days 1 to 30 calendar days before
n_rated     int16!   of these, with a severity
severity_sum float32!  sum of these severities
n_recent    int16!   of the alert days, at most 7 days before
n_high      int16!   of the rated, severity at least 7
coverage    float32!  share of detector-sessions in the window that could be evaluated, 0 to 1
scorable    bool!    enough sessions in the window have a return
raw_score   float!   5 n + 2 mean severity + 10 recent + 15 high
""",
    key="ticker day",
    month_of="day",
)

DISCLOSURE_CORRELATIONS = table(
    "disclosure_correlations",
    "Every disclosed trade with its timing score, its components and the alerts that counted; or no score and why.",
    """
trade_id    string!  disclosed trade
filing_id   string!  filing
bioguide_id string   person
ticker      string   current symbol
transaction_date date  day of the trade
score       float    0-100, capped; null with a reason
raw_score   float    before the cap
n_alerts    int16    alert days that counted
mean_severity float   mean severity of the rated ones, 0 when none is rated
n_recent    int16    alert days at most 7 days before
n_high      int16    alert days of severity at least 7
tier        string   highly suspicious | suspicious | notable | normal
coverage    float    share of detector-sessions in the window that could be evaluated
alert_ids   strings  the highest alert of each alert day that counted
reason      string   why there is no score
""",
    key="trade_id",
    month_of="filed_on",
)
