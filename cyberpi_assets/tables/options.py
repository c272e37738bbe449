"""Option tables: who is watched, quotes, chains, daily option volume, and the flow measured on them."""

from __future__ import annotations

from cyberpi_assets.tables.shape import table

WATCHLIST = table(
    "watchlist",
    "One row per underlying of the universe: watched by name, among the most traded by officials, or both.",
    """
ticker      string!  current symbol
name        string   company name
sector      string   sector of the list, else of the company
reason      string   why it is watched, in words
lists       strings  lists that name it: collector | news | user | top_traded
has_bars    bool!    market data exist for it
""",
    key="ticker",
)

MARKET_SNAPSHOTS = table(
    "market_snapshots",
    "One row per underlying and snapshot: its quote and the option activity of its whole chain, as delivered.",
    """
ticker      string!  current symbol
snapshot_at timestamp! moment of the snapshot
session     date!    exchange session
price       float    US dollars
previous_close float  close of the session before
open        float    US dollars
high        float    US dollars
low         float    US dollars
volume      int      shares traded so far in the session
average_volume float  the provider's average daily volume, shares
bid         float    US dollars
ask         float    US dollars
call_volume int      contracts so far in the session
put_volume  int      contracts so far in the session
call_open_interest int  contracts, as of the session before
put_open_interest int   contracts, as of the session before
average_option_volume float  the provider's average daily option volume, contracts
implied_vol float    30-day implied volatility, a year, as a fraction
historical_vol float a year, as a fraction
dividend_yield float as a fraction
halted      bool     trading is halted
data_type   string!  live | delayed | frozen | delayed_frozen | end_of_day | simulated
source      string!  provider
file        string!  the stored answer it was read from
""",
    key="ticker snapshot_at source",
    month_of="session",
)

OPTION_CHAINS = table(
    "option_chains",
    "One row per contract and snapshot of a chain, as delivered; open interest is the figure of the session before.",
    """
ticker      string!  current symbol of the underlying
snapshot_at timestamp! moment of the snapshot
session     date!    exchange session
underlying_price float  US dollars; null when neither the chain nor a bar of that session states it
expiry      date!    last day of the contract
right       string!  call | put
strike      float!   US dollars
bid         float    US dollars a share
ask         float    US dollars a share
last        float    US dollars a share
volume      int      contracts so far in the session; null when the provider is silent
open_interest int    contracts
open_interest_session date  the session that open interest belongs to: the one before
implied_vol float    as the provider has it, a year, as a fraction
delta       float    as the provider has it
multiplier  int      shares a contract; null when not stated
last_trade_at timestamp  moment of the last trade
data_type   string!  live | delayed | frozen | delayed_frozen | end_of_day | simulated
source      string!  provider
file        string!  the stored answer it was read from
line        int!     row in it
""",
    key="ticker snapshot_at expiry right strike source",
    month_of="session",
)

OPTION_VOLUMES = table(
    "option_volumes",
    "One row per underlying and session: option volume of the day, as a provider sums it or from its last chain.",
    """
ticker      string!  current symbol
session     date!    exchange session
call_volume int      contracts
put_volume  int      contracts
total_volume int     contracts
call_open_interest int  contracts, as of the session before
put_open_interest int   contracts, as of the session before
contracts   int      contracts listed
underlying_price float  US dollars
stock_volume int     shares
iv10        float    implied volatility at 10 days, a year, as a fraction
iv30        float    at 30 days
iv90        float    at 90 days
iv180       float    at 180 days
realised_vol30 float realised volatility over 30 days
source      string!  provider, or `chain` where summed here
""",
    key="ticker session",
    month_of="session",
)

COMPANY_EVENTS = table(
    "company_events",
    "One row per scheduled event that moves options without anything being wrong: earnings, ex-dividend days.",
    """
ticker      string!  current symbol
event_on    date!    day
event       string!  earnings | ex_dividend
known_from  date     first day the date was public
amount      float    dividend, US dollars a share
source      string!  who says so
""",
    key="ticker event_on event",
)

SOURCE_GAPS = table(
    "source_gaps",
    "What providers were asked for and did not give, with the reason and whether asking again helps.",
    """
subject     string!  ticker, feed or list
kind        string!  quote | chain | expiry | news | article | halts | filings | list
at          timestamp! when it was asked for
reason      string!  in words
code        string   the provider's own code
retryable   bool!    whether asking again may help
source      string!  provider
file        string!  the sweep or poll it happened in
line        int!     row in it
""",
    key="subject kind at source file line",
)

OPTION_FLOW = table(
    "option_flow",
    "One row per underlying and snapshot: the seed's indicators and the history features, each with what it rests on.",
    """
ticker      string!  current symbol
snapshot_at timestamp! moment of the snapshot
session     date!    exchange session
source      string!  provider
data_type   string!  as delivered
scope       string!  chain | quote: measured on the contracts, or on the whole chain's sums of a quote without a chain
partial_day bool!    taken while volume was still growing: more than 15 minutes before the close
stale_minutes float! minutes from the session's close to the snapshot; 0 when taken before it
underlying_price float  US dollars; null when neither the chain nor the quote states it
n_contracts int!     contracts of the chain
n_adjusted  int!     of these, contracts of an unusual size, left out of all figures
n_near      int!     contracts of the seed's window: within 45 days, the 3 nearest expiries
share_volume_known float  share of the window's contracts whose volume is known
share_iv_known float share of the window's contracts with an implied volatility, given or computed
n_iv_computed int    contracts whose implied volatility was computed here
call_volume int      calls of the seed's window, contracts; of a quote, of the whole chain; null when none is known
put_volume  int      puts, likewise
total_volume int     both
put_call_ratio float  puts over calls; null when no call traded
put_share   float    puts over both; 1.0 when only puts traded
chain_volume int     contracts of the whole chain, all expiries
average_volume float mean volume of a session, contracts; null when not known
average_basis string  own: same window, 30 sessions | own_total: whole chain, 30 sessions | provider: its mean
n_average   int      sessions in the own mean
compared_volume int  what is held against the average: the window's volume for own, else the whole chain's
volume_excess_pct float  (V - A) / A in percent
otm_put_volume int   the five largest volumes above 100 among puts with strike < 0.95 S, summed
near_volume int      volume expiring within 14 days, of the window
near_share  float    of total volume
log_put_call float   log((P + .5) / (C + .5)), whole chain
otm_put_share float  share of put volume with strike < 0.95 S, whole chain
share_30d   float    share of volume expiring within 30 days, whole chain
volume_ratio float   whole chain's volume over its median of the prior 60 sessions
put_flow_adv float   delta-weighted put volume x 100 shares over the stock's average daily volume
skew_25d    float    25-delta put IV less 50-delta IV, 30 days out
term_slope  float    at-the-money IV 60 days out less 20 days out
oi_change   float    change of open interest by the session before, over that session's volume: known this morning
oi_session  date     the session whose change that is
atm_iv      float    at-the-money implied volatility 30 days out
pair_share  float    share of the window's volume in pairs of nearly equal size in one expiry: spreads, collars
pair_kind   string   spread: two puts or two calls | hedge: a put and a call; of the larger pair
reasons     string   what is unknown and why, comma-separated
""",
    key="ticker snapshot_at source",
    month_of="session",
)
