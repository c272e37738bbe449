"""What sources say of quotes, option chains and company events, as facts: normalised, not merged or judged."""

from __future__ import annotations

from cyberpi_assets.tables.shape import TRACE, table

WATCHLIST_FACTS = table(
    "watchlist_facts",
    "One name a person wants watched.",
    """
ticker      string!  symbol
name        string   company name
sector      string   sector of the list: security, cloud, banks, health, energy, airlines, defence, retail, ...
reason      string   why it is watched, in words
lists       strings  lists that name it: collector | news | user
"""
    + TRACE,
    key="ticker file line",
    home="fact",
)

SNAPSHOT_FACTS = table(
    "snapshot_facts",
    "One quote of one underlying at one moment, as a provider gives it; what it did not give is null.",
    """
ticker      string!  symbol
snapshot_at timestamp! moment of the snapshot
session     date!    exchange session the snapshot belongs to
price       float    last trade or close, US dollars
previous_close float  close of the session before
open        float    US dollars
high        float    US dollars
low         float    US dollars
volume      int      shares traded so far in the session
average_volume float  the provider's average daily volume, shares
bid         float    US dollars
ask         float    US dollars
call_volume int      calls traded so far in the session, contracts, all expiries
put_volume  int      puts traded so far in the session, contracts, all expiries
call_open_interest int  open calls, contracts, as of the session before
put_open_interest int   open puts, contracts, as of the session before
average_option_volume float  the provider's average daily option volume, contracts
implied_vol float    the provider's 30-day implied volatility, a year, as a fraction
historical_vol float the provider's historical volatility, a year, as a fraction
dividend_yield float dividends of a year over the price, as a fraction
halted      bool     trading is halted
data_type   string!  live | delayed | frozen | delayed_frozen | end_of_day | simulated: as delivered, not as asked for
"""
    + TRACE,
    key="ticker snapshot_at file line",
    home="fact",
)

CHAIN_FACTS = table(
    "chain_facts",
    "One option contract in one snapshot of a chain, as a provider gives it; what it did not give is null.",
    """
ticker      string!  symbol of the underlying
snapshot_at timestamp! moment of the snapshot
session     date!    exchange session the snapshot belongs to
underlying_price float  price of the underlying at the snapshot, US dollars
expiry      date!    last day of the contract
right       string!  call | put
strike      float!   US dollars
bid         float    US dollars a share
ask         float    US dollars a share
last        float    last trade, US dollars a share
volume      int      contracts traded so far in the session; null when the provider is silent
open_interest int    open contracts as of the session before
implied_vol float    a year, as a fraction, where the provider has it
delta       float    where the provider has it
multiplier  int      shares a contract; 100 unless adjusted
last_trade_at timestamp  moment of the last trade
data_type   string!  live | delayed | frozen | delayed_frozen | end_of_day | simulated
"""
    + TRACE,
    key="ticker snapshot_at expiry right strike file line",
    home="fact",
)

OPTION_VOLUME_FACTS = table(
    "option_volume_facts",
    "Option activity of one underlying over one session, summed by the provider.",
    """
ticker      string!  symbol
session     date!    exchange session
call_volume int      calls, contracts
put_volume  int      puts, contracts
total_volume int     contracts, where the provider has the sum (with or without its parts)
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
"""
    + TRACE,
    key="ticker session file line",
    home="fact",
)

COMPANY_EVENT_FACTS = table(
    "company_event_facts",
    "One scheduled event of a company that moves its options: earnings or an ex-dividend day.",
    """
ticker      string!  symbol
event_on    date!    day of the event
event       string!  earnings | ex_dividend
known_from  date     first day the date was public; null when not known
amount      float    dividend, US dollars a share
"""
    + TRACE,
    key="ticker event_on event file line",
    home="fact",
)

GAP_FACTS = table(
    "gap_facts",
    "Something a provider was asked for and did not give: unknown with a reason, never zero.",
    """
subject     string!  ticker, feed or list asked for
kind        string!  quote | chain | expiry | news | article | halts | filings | list
at          timestamp! when it was asked for
reason      string!  why there is no answer, in words
code        string   the provider's own code (HTTP status, IBKR error code)
retryable   bool!    whether asking again may help
"""
    + TRACE,
    key="subject kind at file line",
    home="fact",
)
