"""Reference tables: who and what there is."""

from __future__ import annotations

from cyberpi_assets.tables.facts.account import FILE_FACTS
from cyberpi_assets.tables.shape import table, written

SOURCE_FILES = table(
    "source_files",
    "Every file found and what was made of it: recognised by content, or reported with the reason.",
    written(FILE_FACTS),
    key="file",
)

COMPANIES = table(
    "companies",
    "One row per listed symbol: the company's name, sector, exchange and identifiers.",
    """
ticker      string!  current symbol
name        string   company or fund name
sector      string   GICS sector; null when no list states one
industry    string   GICS sub-industry or the exchange's industry
sector_scheme string  gics | nasdaq (mapped to the GICS sector name) | other
exchange    string   listing exchange
cik         int      SEC central index key
listed_on   date     first day listed, where known
delisted_on date     last day listed, where known
source      string!  list the name comes from
""",
    key="ticker",
)

OFFICIALS = table(
    "officials",
    "One row per person who holds or held office, with the latest term known.",
    """
bioguide_id string!  Biographical Directory id
official    string!  name for display
first_name  string   given name
last_name   string!  family name
nickname    string   name used in daily life
other_names strings  further spellings
chamber     string   chamber of the latest term: house | senate
state       string   state of the latest term
district    int      House district of the latest term
party       string   party of the latest term
in_office_from date   first day of the first term
in_office_to date     last day of the latest term
n_terms     int!     number of terms
source      string!  list the person comes from
""",
    key="bioguide_id",
)

OFFICIAL_TERMS = table(
    "official_terms",
    "One row per term of office: who served where, for which party, from when to when.",
    """
bioguide_id string!  person
chamber     string!  house | senate
state       string!  two-letter postal code
district    int      House district, 0 for at large
party       string   party during the term
starts_on   date!    first day
ends_on     date     last day
leadership  string   leadership title held, where known
""",
    key="bioguide_id chamber starts_on",
)

COMMITTEES = table(
    "committees",
    "One row per committee and subcommittee, with its jurisdiction in its own words.",
    """
committee_id string!  Thomas id
name        string!  name
chamber     string   house | senate | joint
parent_id   string   parent committee
jurisdiction string   what it oversees
n_members   int!     seats in the lists read
source      string!  list the committee comes from
""",
    key="committee_id",
)

COMMITTEE_MEMBERSHIPS = table(
    "committee_memberships",
    "One row per seat: person, committee and the interval in which published lists show the seat held.",
    """
committee_id string!  committee
bioguide_id string!  person
congress    int!     number of the Congress
side        string   majority | minority
rank        int      seniority within the side
title       string   Chair, Ranking Member, ...
seen_from   date!    first published list that shows the seat
seen_to     date!    last published list that shows the seat
""",
    key="committee_id bioguide_id congress",
)

SYMBOL_HISTORY = table(
    "symbol_history",
    "Which symbol stood for which company between which days; renamed and vanished symbols resolve by date.",
    """
ticker      string!  symbol
current_ticker string   the company's symbol today; null when it vanished without a successor
company     string   company name
cik         int      SEC central index key
valid_from  date     first day the symbol is known to stand for the company; null when open
valid_to    date     last day; null when open
uncertain_days int    days between the earliest and the latest possible day of the change
method      string!  how this is known
""",
    key="ticker current_ticker valid_to",
)

DEMO_TRUTH = table(
    "demo_truth",
    "What the simulated world planted: breaches, and how each invented official trades. Empty outside profile demo.",
    """
subject     string!  official | company
bioguide_id string   official
ticker      string   company
kind        string!  breach | option_footprint | earnings_decoy | informed | random | rebalancer | late_filer
event_on    date     day of the planted event
known_from  date     first day on which somebody inside could know
strength    float    share of trades on foreknowledge, the market's reaction, or put volume over its usual
detail      string   in words
""",
    key="subject bioguide_id ticker kind event_on",
)
