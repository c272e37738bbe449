"""What sources say of markets and listed companies, as facts: normalised in type and spelling, not merged or judged."""

from __future__ import annotations

from cyberpi_assets.tables.shape import TRACE, table

BAR_FACTS = table(
    "bar_facts",
    "One daily bar as a file or provider gives it.",
    """
ticker      string!  symbol as the source prints it, upper case, share classes with a dash (BRK-B)
session     date!    trading day
open        float    US dollars
high        float    US dollars
low         float    US dollars
close       float!   US dollars, split-adjusted unless `basis` says raw
adj_close   float    close adjusted for splits and dividends, where the source has it
volume      int      shares, on the same split basis as close; null when the source has none
basis       string   split | total (close is dividend-adjusted too) | approx | raw | unknown
"""
    + TRACE,
    key="ticker session file line",
    home="fact",
)

ACTION_FACTS = table(
    "action_facts",
    "One corporate action.",
    """
ticker      string!  symbol
session     date!    ex-date
action      string!  split | dividend | spinoff
value       float!   split: new shares per old share; dividend: US dollars a share; spinoff: price factor
"""
    + TRACE,
    key="ticker session action file line",
    home="fact",
)

COMPANY_FACTS = table(
    "company_facts",
    "What one reference list says of one listed symbol.",
    """
ticker      string!  symbol
name        string   company or fund name
sector      string   GICS sector name where known, else the exchange's own sector name
industry    string   GICS sub-industry or the exchange's industry
sector_scheme string  gics | nasdaq | other
exchange    string   listing exchange
cik         int      SEC central index key
listed_on   date     first day listed, where known
delisted_on date     last day listed, where known
as_of       date     date of the list
"""
    + TRACE,
    key="ticker file line",
    home="fact",
)

SYMBOL_FACTS = table(
    "symbol_facts",
    "One change of a ticker symbol, or its disappearance.",
    """
old_ticker  string!  symbol before
new_ticker  string   symbol after; null when the symbol disappeared
company     string   company name
cik         int      SEC central index key
not_before  date     the change lies on or after this day
not_after   date     the change lies on or before this day
method      string   how the source found it
"""
    + TRACE,
    key="old_ticker file line",
    home="fact",
)
