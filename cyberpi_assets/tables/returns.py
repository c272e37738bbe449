"""Abnormal returns of disclosed trades, and what they are worth."""

from __future__ import annotations

from cyberpi_assets.tables.shape import table

_PER_WINDOW = "".join(
    f"""
car_{w} float        abnormal return in window [{w.replace("_", ", ")}] against the market, sign-flipped for sales
se_{w}  float        its forecast standard error
sector_car_{w} float  the same against the mean of the other names of the sector
sector_se_{w} float  its forecast standard error
"""
    for w in ("0_1", "0_5", "0_21", "0_63")
)

TRADE_RETURNS = table(
    "trade_returns",
    """Abnormal returns after every disclosed trade, from the trade and from its disclosure; or null and why. Simple
    returns; windows count sessions from day 0; positive is good for who traded: sales are sign-flipped.""",
    """
trade_id    string!  disclosed trade
anchor      string!  trade: day 0 is the first session on or after the trade | disclosure: the first after the filing
bioguide_id string   person
ticker      string   current symbol
direction   int16    1 a bet on a rise, -1 on a fall (option: side x right); null when not known
day0        date     session the windows begin with
alpha       float    daily, of the market model on sessions -250 to -30
beta        float    of the market model
sigma       float    daily standard deviation of its residuals
n_estimation int     observations it rests on
sector_beta float    of the model against the mean of the other names of the sector
n_sector_estimation int observations that one rests on
"""
    + _PER_WINDOW
    + """
bhar_0_63   float    buy-and-hold return less the market's over [0, 63], sign-flipped for sales
n_sessions  int16    sessions of [0, 63] with a return; fewer than 64 when truncated
flags       string   comma-separated: truncated_<window> | prices_end | data_end | gap | suspect_data
reason      string   why there are no abnormal returns
sector_reason string  why there are none against the sector
""",
    key="trade_id anchor",
)

_GROUP = """
group_kind  string!  all | direction | tier | party | chamber | official
group_name  string!  all | buys | sells | suspicious | not suspicious | the party, chamber or person
anchor      string!  trade | disclosure
"""

RETURN_TESTS = table(
    "return_tests",
    """Mean abnormal return of groups of trades per anchor and window, with the tests of Patell,
    Boehmer-Musumeci-Poulsen and Kolari-Pynnonen. One observation per person, ticker, day 0 and direction.""",
    _GROUP
    + """
window      string!  0_1 | 0_5 | 0_21 | 0_63
benchmark   string!  market | sector
n           int!     observations
n_trades    int!     disclosed trades behind them
n_truncated int!     observations whose window is not whole
mean_car    float    mean abnormal return, sign-flipped for sales
median_car  float    its median
share_positive float  share of observations above zero
patell_z    float    standardised, as if independent and of unchanged variance
patell_p    float    two-sided
bmp_t       float    allows for a variance that changed with the event
bmp_p       float    two-sided
correlation float    mean cross-sectional correlation of the standardised returns, from overlap and residuals
kp_t        float    BMP corrected for that correlation (never upwards)
kp_p        float    two-sided
low         float    95 % interval of mean_car, widened for the correlation
high        float    its upper end
q_value     float    officials: Benjamini-Hochberg over kp_p within anchor, window and benchmark
reason      string   why there is no test
""",
    key="group_kind group_name anchor window benchmark",
)

PORTFOLIO_RETURNS = table(
    "portfolio_returns",
    """Calendar-time portfolios of disclosed trades: equal weights, each position entered at the close of day 0 and
    hedged by the market, sales sold short. Daily returns, Newey-West errors: the headline of what a trade was
    worth.""",
    _GROUP
    + """
sessions_held int!   sessions a position is held, from the one after day 0
n_positions int!     positions: one per person, ticker, day 0 and direction
n_days      int!     sessions on which the portfolio holds anything
mean_held   float    mean number of positions held on those
mean_excess float    mean daily return over the market
alpha       float    daily, of that return regressed on the market
beta        float    on the market, over the hedge
se          float    Newey-West standard error of alpha
t           float    alpha / se
p           float    two-sided
low         float    95 % interval of alpha
high        float    its upper end
alpha_year_pct float  252 x alpha, percent
lag         int      lags of the Newey-West error
q_value     float    officials: Benjamini-Hochberg over p within anchor and holding period
reason      string   why there is no alpha
""",
    key="group_kind group_name anchor sessions_held",
)
