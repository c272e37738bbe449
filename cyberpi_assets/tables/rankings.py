"""Rankings of officials, tickers, sectors and parties."""

from __future__ import annotations

from cyberpi_assets.tables.shape import table

_COUNTS = """
n_trades    int!     disclosed trades
n_scored    int!     of these, with a score
n_clusters  int!     distinct official x ticker x day among the scored
suspicious  int!     scored trades with score at least 60
rate        float    suspicious / scored; null when none is scored
rate_low    float    Wilson 95 % interval, lower end
rate_high   float    Wilson 95 % interval, upper end
mean_score  float    mean score of the scored trades
max_score   float    highest score
amount_low  float!   sum of lower bounds, US dollars
amount_high float    sum of upper bounds; null when any of them is open-ended
n_open_amounts int!  trades whose amount has no upper bound
"""

OFFICIAL_RANKINGS = table(
    "official_rankings",
    "Officials by the timing of their disclosed trades. Raw figures: a rank is not a finding.",
    """
rank        int      by mean score among those with enough scored trades; null below the minimum
bioguide_id string!  person, or `name:` and the name in lower case where the person stays in doubt
official    string!  name for display
chamber     string   house | senate
party       string   party
state       string   state
"""
    + _COUNTS
    + """
n_buys      int!     purchases
n_sells     int!     sales
n_ocr       int!     rows read from scans by character recognition
meets_minimum bool!  at least the configured number of scored trades
repeat_offender_raw bool!  the seed's raw flag: at least half of the scored trades suspicious, and the minimum met
first_trade date     first transaction date
last_trade  date     last transaction date
top_trade_id string   the highest-scored trade
""",
    key="bioguide_id",
)

TICKER_RANKINGS = table(
    "ticker_rankings",
    "Tickers by the timing of the trades disclosed in them.",
    """
rank        int      by mean score among those with enough scored trades
ticker      string!  current symbol
name        string   company
sector      string   sector
"""
    + _COUNTS
    + """
n_officials int!     distinct officials
n_buys      int!     purchases
n_sells     int!     sales
meets_minimum bool!  at least the configured number of scored trades
""",
    key="ticker",
)

SECTOR_RANKINGS = table(
    "sector_rankings",
    "Sectors by the timing of the trades disclosed in them.",
    """
rank        int      by mean score among those with enough scored trades
sector      string!  sector, or `unknown`
"""
    + _COUNTS
    + """
n_officials int!     distinct officials
n_tickers   int!     distinct tickers
meets_minimum bool!  at least the configured number of scored trades
""",
    key="sector",
)

PARTY_COMPARISON = table(
    "party_comparison",
    "Parties within each chamber, compared on officials' means, never trade by trade.",
    """
chamber     string!  house | senate
party       string!  party, or `unknown`
n_officials int!     officials with at least one scored trade
mean_of_officials float  mean over officials of their mean score
sd_of_officials float  standard deviation over officials
"""
    + _COUNTS,
    key="chamber party",
)

TOP_TRADED_TICKERS = table(
    "top_traded_tickers",
    "The most traded stocks in the disclosures: the universe to watch.",
    """
rank        int!     by number of disclosed trades, ties by officials then symbol
ticker      string!  current symbol
name        string   company
sector      string   sector
n_trades    int!     disclosed trades
n_officials int!     distinct officials
n_buys      int!     purchases
n_sells     int!     sales
amount_low  float!   sum of lower bounds, US dollars
amount_high float    sum of upper bounds; null when any is open-ended
first_trade date     first transaction date
last_trade  date     last transaction date
has_bars    bool!    market data exist for it
""",
    key="ticker",
)
