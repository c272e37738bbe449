"""Every table's columns, types, key and partition, once.

Here belongs the shape of what flows through the house: the facts that sources hand over and the tables that assets
store. DDL, the IO managers' refusals, the asset checks and the column schema in the UI all derive from this module.
How a column is computed does not belong here: that is `domain/`.

Conventions: a `date` column named `session` is a session of the New York Stock Exchange; other dates are calendar
dates in the United States; a `timestamp` is UTC. `!` marks a column that is never null. Money is US dollars.
Where a value is not known it is null, and a reason stands beside it where that matters.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import pyarrow as pa

TYPES: dict[str, pa.DataType] = {
    "string": pa.string(),
    "bool": pa.bool_(),
    "int": pa.int64(),
    "int16": pa.int16(),
    "float": pa.float64(),
    "float32": pa.float32(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "strings": pa.list_(pa.string()),
}

MONTH = "month"  # the partition column, "YYYY-MM", last in every partitioned table


@dataclass(frozen=True)
class Column:
    """One column: its name, type, whether it may be null, and what it says to its reader."""

    name: str
    type: pa.DataType
    about: str
    nullable: bool = True


@dataclass(frozen=True)
class Table:
    """One table: what a row is, its columns in order, its key, and the date its partition month comes from."""

    name: str
    about: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    month_of: str | None = None
    home: Literal["fact", "lake", "redis"] = "lake"
    ttl_seconds: int | None = None

    @property
    def partitioned(self) -> bool:
        """Whether the table is stored by month."""
        return self.month_of is not None

    @cached_property
    def names(self) -> list[str]:
        """Column names in their declared order."""
        return [c.name for c in self.columns]

    @cached_property
    def schema(self) -> pa.Schema:
        """The Arrow schema, with nullability."""
        return pa.schema([pa.field(c.name, c.type, nullable=c.nullable) for c in self.columns])

    def empty(self) -> pa.Table:
        """A table with the columns and no rows."""
        return self.schema.empty_table()

    def __getitem__(self, name: str) -> Column:
        return self.columns[self.names.index(name)]


def _table(
    name: str,
    about: str,
    columns: str,
    *,
    key: str,
    month_of: str | None = None,
    home: Literal["fact", "lake", "redis"] = "lake",
    ttl_seconds: int | None = None,
) -> Table:
    """Read a table from its written form: one column a line, `name type[!] what it says`."""
    parsed: list[Column] = []
    for line in filter(str.strip, columns.splitlines()):
        column, kind, about_column = line.split(maxsplit=2)
        parsed.append(Column(column, TYPES[kind.removesuffix("!")], about_column.strip(), not kind.endswith("!")))
    if month_of is not None:
        parsed.append(Column(MONTH, TYPES["string"], f"partition: the month of {month_of}, YYYY-MM", nullable=False))
    keys = tuple(key.split())
    missing = set(keys) - {c.name for c in parsed}
    if missing:
        raise ValueError(f"table {name}: key columns {sorted(missing)} are not among its columns")
    return Table(name, " ".join(about.split()), tuple(parsed), keys, month_of, home, ttl_seconds)


def _written(table: Table) -> str:
    """The written form of a table's columns, for a table that repeats them."""
    kinds = {kind: name for name, kind in TYPES.items()}
    return "\n".join(f"{c.name} {kinds[c.type]}{'' if c.nullable else '!'} {c.about}" for c in table.columns)


_TRACE = """
source      string!  the dataset or provider that says so
file        string!  the file it was read from, relative to the data folder
line        int!     the line or row in that file, counted from 1
"""

# ------------------------------------------------------------------------------------------------ facts: from sources
# What a source hands over: normalised in type and spelling, not yet merged, resolved or judged.

BAR_FACTS = _table(
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
    + _TRACE,
    key="ticker session file line",
    home="fact",
)

ACTION_FACTS = _table(
    "action_facts",
    "One corporate action.",
    """
ticker      string!  symbol
session     date!    ex-date
action      string!  split | dividend | spinoff
value       float!   split: new shares per old share; dividend: US dollars a share; spinoff: price factor
"""
    + _TRACE,
    key="ticker session action file line",
    home="fact",
)

COMPANY_FACTS = _table(
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
    + _TRACE,
    key="ticker file line",
    home="fact",
)

PERSON_FACTS = _table(
    "person_facts",
    "One person who holds or held office in Congress.",
    """
bioguide_id string!  Biographical Directory id, the key of a person
first_name  string   given name
middle_name string   middle name or initial
last_name   string!  family name
suffix      string   Jr., III
nickname    string   name used in daily life
full_name   string   name as the person signs
other_names strings  further spellings published for the person
birthday    date     date of birth
lis_id      string   Senate id
"""
    + _TRACE,
    key="bioguide_id file line",
    home="fact",
)

TERM_FACTS = _table(
    "term_facts",
    "One term of office.",
    """
bioguide_id string!  person
chamber     string!  house | senate
state       string!  two-letter postal code
district    int      House district, 0 for at large; null in the Senate
party       string   party during the term
starts_on   date!    first day
ends_on     date     last day; null when not known
leadership  string   leadership title held, where known
"""
    + _TRACE,
    key="bioguide_id chamber starts_on file line",
    home="fact",
)

COMMITTEE_FACTS = _table(
    "committee_facts",
    "One committee or subcommittee.",
    """
committee_id string!  Thomas id; subcommittees carry the parent's id as prefix
name        string!  name
chamber     string   house | senate | joint
parent_id   string   parent committee
jurisdiction string   what it oversees, in its own words
"""
    + _TRACE,
    key="committee_id file line",
    home="fact",
)

MEMBERSHIP_FACTS = _table(
    "membership_facts",
    "One person's seat on one committee, as one published list states it.",
    """
committee_id string!  committee
bioguide_id string!  person
side        string   majority | minority
rank        int      seniority within the side
title       string   Chair, Ranking Member, ...
congress    int      number of the Congress, where the list states it
as_of       date     date of the list; null when the list has none
"""
    + _TRACE,
    key="committee_id bioguide_id file line",
    home="fact",
)

SYMBOL_FACTS = _table(
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
    + _TRACE,
    key="old_ticker file line",
    home="fact",
)

DISCLOSURE_FACTS = _table(
    "disclosure_facts",
    "One transaction row of one disclosure, as a file gives it.",
    """
chamber     string!  house | senate
document    string   House DocID or Senate UUID (lower case); null when the file does not say
row_in_document int!  row within the document, counted from 1 in the file's order
filer       string!  name as printed
bioguide_id string   where the file states it
party       string   where the file states it
state       string   two-letter postal code, where the file states it
district    int      where the file states it
owner       string   self | spouse | joint | child; blank in the file means self; null when unreadable
ticker_printed string   symbol as printed, upper case; null for none or `--`
ticker_current string   the symbol's present form, where the file states it
asset       string   asset description, markup removed
asset_type  string   stock | option | corporate_bond | municipal_security | government_security | fund | crypto | other
side        string   buy | sell | exchange
is_partial  bool     a partial sale
transaction_date date  as written, never clamped; null when missing
notification_date date  as written
filed_on    date     date of the filing
amount_low  float    lower bound in US dollars
amount_high float    upper bound in US dollars; null when open-ended or cut off
amount_printed string  amount as printed
description string   option terms, bond details, subholding and free text
filing_status string   new | amended | deleted
amendment_no int      number of the amendment
is_superseded bool     the file says a later amendment replaced this row
repeat_of   string   document that already disclosed this row, where the file states it
transcription string   electronic | ocr | manual; null when not known
url         string   the filing
flags       string   comma-separated: what is odd about the row as read
"""
    + _TRACE,
    key="file line",
    home="fact",
)

FILING_FACTS = _table(
    "filing_facts",
    "One filing as a chamber's official index lists it.",
    """
chamber     string!  house | senate
document    string!  House DocID or Senate UUID (lower case)
filing_type string!  House letter (P, A, C, O, ...) or the Senate's kind (ptr, paper, annual, extension, ...)
filer       string!  name as indexed
state       string   two-letter postal code, where indexed
district    int      House district
office      string   Senate office label
title       string   title of the report, where indexed
filed_on    date     date of filing; null where the index leaves it blank
amendment_no int     number of the amendment, from the title
year        int      year under which the document lies
url         string   the document
"""
    + _TRACE,
    key="chamber document file line",
    home="fact",
)

DOCUMENT_FACTS = _table(
    "document_facts",
    "One document of a filing as it was read: whether all of it could be read, and how that is known.",
    """
chamber     string!  house | senate
document    string!  House DocID or Senate UUID (lower case)
status      string!  parsed | partial | scanned | empty_verified | not_ptr | failed
reason      string   why it is not parsed
rows_read   int      transaction rows read
rows_expected int    transactions counted independently of the rows; null where nothing states it
filer       string   name on the document
filed_on    date     date on the document
amendment_no int     number of the amendment, from the document
report_on   date     date in the report's title, which an amendment shares with what it amends
content_hash string!  sha256 of the document
pages       int      pages
url         string   the document
"""
    + _TRACE,
    key="chamber document file line",
    home="fact",
)

TRUTH_FACTS = _table(
    "truth_facts",
    "What the simulated world planted, for measuring whether the house finds it.",
    """
subject     string!  official | company
bioguide_id string   official
ticker      string   company
kind        string!  breach | informed | random | rebalancer | late_filer
event_on    date     day of the planted event (disclosure of a breach)
known_from  date     first day on which somebody inside could know
strength    float    share of the official's trades that follow foreknowledge, or size of the market's reaction
detail      string   in words
"""
    + _TRACE,
    key="file line",
    home="fact",
)

FILE_FACTS = _table(
    "file_facts",
    "One file found in the data folder, and what was made of it.",
    """
file        string!  path relative to the data folder
kind        string   what its content is; null when it was not recognised
format      string   the format as recognised, e.g. bars/yahoo-csv
bytes       int!     size
modified_at timestamp!  modification time
rows_read   int      rows or records in the file
accepted    int      rows accepted
quarantined int      rows put aside
reason      string   why a file was not recognised or not read
""",
    key="file",
    home="fact",
)

QUARANTINE_FACTS = _table(
    "quarantine_facts",
    "One row that was read and put aside.",
    """
file        string!  the file it was read from, relative to the data folder
line        int!     the line or row in that file, counted from 1
kind        string!  bars | actions | companies | people | terms | committees | memberships | symbols | disclosures
field       string!  the field at fault
value       string   what stood there, at most 200 characters
reason      string!  why the row cannot be used, in words
""",
    key="file line field",
    home="fact",
)

# ---------------------------------------------------------------------------------------------- reference: who and what

SOURCE_FILES = _table(
    "source_files",
    "Every file found and what was made of it: recognised by content, or reported with the reason.",
    _written(FILE_FACTS),
    key="file",
)

COMPANIES = _table(
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

OFFICIALS = _table(
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

OFFICIAL_TERMS = _table(
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

COMMITTEES = _table(
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

COMMITTEE_MEMBERSHIPS = _table(
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

SYMBOL_HISTORY = _table(
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

DEMO_TRUTH = _table(
    "demo_truth",
    "What the simulated world planted: breaches, and how each invented official trades. Empty outside profile demo.",
    """
subject     string!  official | company
bioguide_id string   official
ticker      string   company
kind        string!  breach | informed | random | rebalancer | late_filer
event_on    date     day of the planted event
known_from  date     first day on which somebody inside could know
strength    float    share of the official's trades that follow foreknowledge, or size of the market's reaction
detail      string   in words
""",
    key="subject bioguide_id ticker kind event_on",
)

# ------------------------------------------------------------------------------------------------ market and its alerts

CORPORATE_ACTIONS = _table(
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

DAILY_BARS = _table(
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

MARKET_ALERTS = _table(
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

# ----------------------------------------------------------------------------------------------- disclosures and scores

DISCLOSED_TRADES = _table(
    "disclosed_trades",
    "One row per disclosed transaction, traced to its filing; nothing is dropped for being odd, it is flagged.",
    """
trade_id    string!  filing_id#row_in_filing
filing_id   string!  chamber:document, or a stand-in where the file names no document
row_in_filing int!   row within the filing, counted from 1
bioguide_id string   person; null when the name stays in doubt
official    string!  name for display
official_evidence string!  how the person was found: stated | name | ambiguous | not found
chamber     string!  house | senate
party       string   party at the time of the trade
state       string   state
owner       string   self | spouse | joint | child; null when unreadable
ticker      string   current symbol; null when the asset has none or it stays unresolved
ticker_printed string  symbol as printed
ticker_evidence string!  how the symbol was resolved: printed | symbol history | stated by source | none printed
asset       string   asset description
asset_type  string   stock | option | corporate_bond | municipal_security | government_security | fund | crypto | other
side        string   buy | sell | exchange
is_partial  bool     a partial sale
transaction_date date  as written
notification_date date  as written
filed_on    date     date of the filing
amount_low  float    US dollars
amount_high float    US dollars; null when open-ended or cut off
description string   option terms, bond details, free text
filing_status string  new | amended | deleted
superseded_by string  filing that replaced this row, or `unknown amendment`
repeat_of   string   filing that already disclosed this row
transcription string  electronic | ocr | manual; null when not known
flags       string   comma-separated: what is odd about the row
url         string   the filing
source      string!  dataset the row comes from
file        string!  file it was read from
line        int!     row in that file
""",
    key="trade_id",
    month_of="filed_on",
)

FILINGS = _table(
    "filings",
    "The coverage ledger: every filing ever seen in an index, a document or a data set, and what became of it.",
    """
filing_id   string!  chamber:document
chamber     string!  house | senate
document    string!  House DocID or Senate UUID
kind        string!  ptr | other | unknown: whether the filing reports transactions
filing_type string   as indexed
filer       string   name as indexed, else as printed
bioguide_id string   person; null when the name stays in doubt
filed_on    date     date of filing
amendment_no int     number of the amendment
status      string!  parsed | partial | scanned | ocr | transcribed | empty_verified | missing | not_ptr | failed
reason      string   why the status is not parsed
rows_read   int      transaction rows in disclosed_trades
rows_expected int    transactions counted independently of the rows
rows_from   string   where the rows come from: document, or the data set
indexed     bool!    the chamber's own index lists it
content_hash string  sha256 of the document, where it was read
first_seen  timestamp!  when any source first had it
last_seen   timestamp!  when a source last had it; a filing no source has any more keeps its line
url         string   the document
""",
    key="filing_id",
    month_of="filed_on",
)

FILING_TIMELINESS = _table(
    "filing_timeliness",
    "Every disclosed trade against its statutory due date: the earlier of notification + 30 and transaction + 45 days.",
    """
trade_id    string!  disclosed trade
filing_id   string!  filing
bioguide_id string   person
transaction_date date  as written
notification_date date  as written
filed_on    date     date of the filing
due_on      date     statutory due date; the latest possible one where the notification is not known
due_on_moved date    the same, moved past week-ends and federal holidays
days_late   int      filed_on - due_on_moved in calendar days, negative when early; null when not known
verdict     string!  on time | late | unknown | not applicable
reason      string   why the verdict is unknown or not applicable
""",
    key="trade_id",
    month_of="filed_on",
)

OFFICIAL_TIMELINESS = _table(
    "official_timeliness",
    "How late each official discloses: share of late trades with its interval, median and tail.",
    """
bioguide_id string!  person, or `name:` and the name in lower case where the person stays in doubt
official    string!  name for display
chamber     string   chamber
n_trades    int!     disclosed trades to which a due date applies
n_known     int!     of these, with a verdict
n_late      int!     of these, late
late_rate   float    late / known; null when none is known
late_low    float    Wilson 95 % interval, lower end
late_high   float    Wilson 95 % interval, upper end
median_days float    median of transaction to filing, calendar days
p90_days    float    90th percentile of transaction to filing, calendar days
max_days_late int    the latest disclosure, days after it was due
""",
    key="bioguide_id",
)

FILING_COVERAGE = _table(
    "filing_coverage",
    "Per chamber and year of filing: how many filings there are in each state of being read.",
    """
chamber     string!  house | senate
year        int!     year of filing; 0 when not known
n_filings   int!     filings that report transactions, or may
parsed      int!     read whole, the count of rows verified
partial     int!     read, but rows are missing or the count disagrees
scanned     int!     images without text: unreadable is not empty
ocr         int!     rows read from images by character recognition
transcribed int!     rows come from a data set; completeness not verified
empty_verified int!  read, and the document itself says that nothing was traded
missing     int!     indexed, but no document and no rows
failed      int!     the document could not be read
rows_read   int!     transaction rows
covered     float    share with all rows known: (parsed + empty_verified) / filings
""",
    key="chamber year",
)

QUARANTINED_ROWS = _table(
    "quarantined_rows",
    "Every row that was read and put aside, with file, line, field and reason.",
    _written(QUARANTINE_FACTS),
    key="file line field",
)

TIMING_SURFACE = _table(
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

DISCLOSURE_CORRELATIONS = _table(
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

# ------------------------------------------------------------------------------------------------------------- rankings

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

OFFICIAL_RANKINGS = _table(
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

TICKER_RANKINGS = _table(
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

SECTOR_RANKINGS = _table(
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

PARTY_COMPARISON = _table(
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

TOP_TRADED_TICKERS = _table(
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

_PER_WINDOW = "".join(
    f"""
car_{w} float        abnormal return in window [{w.replace("_", ", ")}] against the market, sign-flipped for sales
se_{w}  float        its forecast standard error
sector_car_{w} float  the same against the mean of the other names of the sector
sector_se_{w} float  its forecast standard error
"""
    for w in ("0_1", "0_5", "0_21", "0_63")
)
TRADE_RETURNS = _table(
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
RETURN_TESTS = _table(
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

PORTFOLIO_RETURNS = _table(
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

# ------------------------------------------------------------------------------------------------------------- evidence

TIMING_NULLS = _table(
    "timing_nulls",
    """What each scored trade would have scored on every other day on which it could have been made: the share of these
    days that score at least as high (exact), and what they score on average. Or no p and why.""",
    """
trade_id    string!  scored trade
bioguide_id string   person
ticker      string   current symbol
p_placebo   float    share of the admissible dates with at least this score, the trade's own date included
p_local     float    the same over the dates within 90 days
p_headline  float    the larger of the two
expected_score float  mean score over the admissible dates
expected_suspicious float  share of the admissible dates with a score of at least 60
mirror_score float   the same formula on the 30 days after the trade; null while they are not known
difference  float    score - mirror_score: negative where more happened after the trade than before
n_dates     int!     admissible dates
n_local_dates int!   of these, within 90 days
reason      string   why there is no p, or no local one
""",
    key="trade_id",
)

_EVIDENCE = """
n_trades    int!     disclosed trades that count
n_scored    int!     of these, with a score
n_clusters  int!     distinct official x ticker x day among the scored
n_tested    int!     of these, with a null
n_batches   int!     distinct official x day among the tested
mean_score  float    mean score of the clusters
mean_low    float    95 % bootstrap interval over trading days, lower end
mean_high   float    its upper end
expected_score float  mean expected score of the tested clusters
mean_mirror float    mean mirror score of the clusters where it is known
mean_difference float  mean of score less mirror score
suspicious  int!     clusters with score at least 60
rate        float    suspicious / clusters
rate_low    float    Wilson 95 % interval, lower end
rate_high   float    Wilson 95 % interval, upper end
shrunk_rate float    rate shrunk towards its peers (beta-binomial)
shrunk_low  float    95 % credible interval, lower end
shrunk_high float    its upper end
certainty   float    posterior probability that the rate is at least one half
observed    int!     suspicious clusters among the tested
expected    float    expected number of them on the admissible dates
oe_ratio    float    observed / expected
oe_low      float    exact Poisson 95 % interval, lower end
oe_high     float    its upper end
oe_boot_low float    95 % bootstrap interval over trading days, lower end
oe_boot_high float   its upper end
oe_p        float    Poisson-binomial chance of so many, as if clusters were independent
statistic   float    mean of 1 - p over the tested clusters
p_value     float    calendar-shift test: (b + 1) / (B + 1)
q_value     float    Benjamini-Hochberg over all with a p
q_by        float    Benjamini-Yekutieli, whatever the dependence
p_episodes  float    the same test with episodes (no pause over 30 days) shifted each by itself: sharper, assumes more
q_episodes  float    Benjamini-Hochberg over these; no part of the label
shift_coverage float  share of the tested clusters that a shifted calendar finds admissible, on average
supported   bool!    every condition of a supported finding holds
label       string!  supported finding | insufficient evidence
label_reason string  the conditions that do not hold
"""

OFFICIAL_EVIDENCE = _table(
    "official_evidence",
    """Officials: expected against observed, with q value and intervals beside the raw figures, and what an innocent
    explanation would rest on. A pattern is not evidence of wrongdoing.""",
    """
bioguide_id string!  person, or `name:` and the name in lower case where the person stays in doubt
official    string!  name for display
chamber     string   house | senate
party       string   party
state       string   state
"""
    + _EVIDENCE
    + """
p_exact     float    calendar-shift test over every offset, enumerated
n_sessions  int!     sessions of the official's window; p_exact is at least 1 in so many, and neighbours are alike
rank        int      by mean score among those with enough clusters
rank_low    int      95 % bootstrap interval of the rank, best
rank_high   int      worst
n_calm      int!     tested clusters in the calmest third of tickers
observed_calm int!   suspicious among them
expected_calm float!  expected among them
n_middling  int!     tested clusters in the middle third
observed_middling int!  suspicious among them
expected_middling float!  expected among them
n_wild      int!     tested clusters in the most volatile third
observed_wild int!   suspicious among them
expected_wild float!  expected among them
n_lateness_known int!  rows whose lateness can be told
n_late      int!     of these, filed after the day they were due
late_rate   float    n_late / n_lateness_known
n_lateness_unknown int!  rows whose lateness cannot be told
median_days_late float  median over the late rows, calendar days
held_leadership bool  held a leadership title on some trade's day; null where no source gives titles
chaired     bool     chair or ranking member of a committee on some trade's day; null without dated membership
committees  strings  full committees sat on when trading
n_in_jurisdiction int  clusters in sectors that a committee of the official oversees; null without dated membership
jurisdiction_share float  of the clusters
rebalancing_share float  share of trades with a symbol on days with at least 10 symbols
n_self      int!     trades of the official's own account
n_spouse    int!     of the spouse
n_joint     int!     joint
n_child     int!     of a dependent child
n_owner_unknown int!  owner unreadable
repeat_offender_raw bool!  the seed's raw flag: at least half of the scored trades suspicious, and the minimum met
first_trade date     first scored transaction date
last_trade  date     last scored transaction date
""",
    key="bioguide_id",
)

TICKER_EVIDENCE = _table(
    "ticker_evidence",
    "Tickers: expected against observed, every official's calendar shifted as a whole.",
    """
ticker      string!  current symbol
name        string   company
sector      string   sector
volatility  float    annual volatility of daily log returns over all its bars
volatility_third string  calm | middling | wild, among the tickers with market data
n_officials int!     distinct officials among the clusters
"""
    + _EVIDENCE,
    key="ticker",
)

SECTOR_EVIDENCE = _table(
    "sector_evidence",
    "Sectors: expected against observed, every official's calendar shifted as a whole.",
    """
sector      string!  sector, or `unknown`
n_officials int!     distinct officials among the clusters
n_tickers   int!     distinct tickers among the clusters
"""
    + _EVIDENCE,
    key="sector",
)

COMMITTEE_EVIDENCE = _table(
    "committee_evidence",
    """Trades of committee members in the sectors that their committee oversees, by dated membership, against the same
    members' other trades. The mapping of committees to sectors is declared in the project, and broad.""",
    """
committee_id string!  Thomas id
name        string!  name
chamber     string   house | senate
sectors     strings  sectors it is taken to oversee
breadth     float    share of all officials' clusters that lie in these sectors: 1 would say nothing
membership  string!  how membership is dated: congress (a seat counts for the whole Congress of the list that shows it)
n_officials int!     members with such clusters
n_outside   int!     tested clusters of the same members outside these sectors
oe_outside  float    their observed / expected
"""
    + _EVIDENCE,
    key="committee_id",
)

PARTY_EVIDENCE = _table(
    "party_evidence",
    """Parties compared on their officials' means by permuting party over officials within a chamber; never trade by
    trade. Two-sided.""",
    """
chamber     string!  house | senate | both (permuted within each)
metric      string!  mean_score | excess_score (score less expected) | mean_one_minus_p
party_a     string!  party
party_b     string!  party
n_a         int!     officials of party_a
n_b         int!     officials of party_b
mean_a      float    mean over officials of party_a
mean_b      float    mean over officials of party_b
difference  float    mean_a - mean_b; both: chambers weighted by officials
low         float    95 % bootstrap interval over officials, lower end
high        float    its upper end
p_value     float    permutation test
method      string   exact | monte carlo
reason      string   why there is no test
""",
    key="chamber metric party_a party_b",
)

TEMPORAL_PATTERNS = _table(
    "temporal_patterns",
    """Trading days of officials by month, weekday and week against what their time in office would let one expect,
    tested against shifted calendars. One row per bucket, and `all` with the test.""",
    """
pattern     string!  month | weekday | weekly dispersion | event clustering | earnings distance
bucket      string!  01 to 12, Mon to Fri, or `all`
observed    float    official-days in the bucket; `all`: the statistic's count or value
expected    float    by each official's sessions in office, or the mean over shifted calendars
ratio       float    observed / expected
statistic   float    all: chi-square, dispersion or count
p_value     float    all: against shifted calendars, (b + 1) / (B + 1)
p_independent float  all: Monte Carlo chi-square as if days were drawn one by one
n           int!     official-days
detail      string   what is counted
reason      string   why there is no figure
""",
    key="pattern bucket",
)

CALIBRATION = _table(
    "calibration",
    """The self-test: do nulls behave as nulls on random dates, does the correction hold its level, and are planted
    officials found.""",
    """
test        string!  uniform p | false discoveries | power
part        string!  what of it: all, a volatility third, a planted strength
n           int!     p values, worlds or officials
observed    float    KS distance, share of worlds with a false finding, share found
expected    float    what it may be at most, or the level
p_value     float    of the test that it is as it should be
passed      bool     null where nothing is required
detail      string   in words
""",
    key="test part",
)

WORKING_MEMORY = _table(
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

# -------------------------------------------------------------------------------------------------------------- reports

_REPORT = """
format      string!  text | json | md
path        string!  file, relative to the data folder
bytes       int!     size
sha256      string!  of the file
rows        int!     rows the report lists
"""
TIMING_REPORT = _table(
    "timing_report", "The suspicious-timing report as written to disk, one row per format.", _REPORT, key="format"
)
PATTERN_REPORT = _table(
    "pattern_report", "The pattern report as written to disk, one row per format.", _REPORT, key="format"
)
PUBLISHED_WAREHOUSE = _table(
    "published_warehouse",
    "What the published DuckDB file holds: one row per table.",
    """
table_name  string!  table
rows        int!     rows copied
version     int!     lake version copied
""",
    key="table_name",
)

CHECK_RESULTS = _table(
    "check_results",
    "The latest result of every asset check and partition range.",
    """
asset       string!  asset checked
check_name  string!  check
partition_from string!  first partition of the run, or `all`
partition_to string!  last partition of the run, or `all`
passed      bool!    result
severity    string!  ERROR (blocks) | WARN
checked_at  timestamp!  when
run_id      string!  run
detail      string   what was found, JSON
""",
    key="asset check_name partition_from partition_to",
)


def _all_tables() -> Iterator[Table]:
    for value in list(globals().values()):
        if isinstance(value, Table):
            yield value


ALL: dict[str, Table] = {t.name: t for t in _all_tables()}
FACTS: dict[str, Table] = {n: t for n, t in ALL.items() if t.home == "fact"}
LAKE: dict[str, Table] = {n: t for n, t in ALL.items() if t.home == "lake"}


class SchemaMismatch(ValueError):
    """A frame does not have the columns its table declares."""


def _same_type(given: Any, declared: Any) -> bool:
    """Whether two Arrow types hold the same values: string widths and dictionary encoding do not matter."""
    if pa.types.is_dictionary(given):
        given = given.value_type
    text = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    if any(t(declared) for t in text):
        return any(t(given) for t in text)
    if pa.types.is_list(declared):
        listish = pa.types.is_list(given) or pa.types.is_large_list(given)
        return listish and _same_type(given.value_type, declared.value_type)
    return given == declared


def check_columns(table: Table, schema: pa.Schema) -> None:
    """Refuse a schema that is not exactly the declared one.

    Raises SchemaMismatch naming the missing, extra, reordered or mistyped columns.
    """
    given, declared = list(schema.names), table.names
    problems: list[str] = []
    if missing := [c for c in declared if c not in given]:
        problems.append(f"missing {missing}")
    if extra := [c for c in given if c not in declared]:
        problems.append(f"unexpected {extra}")
    if len(set(given)) != len(given):
        problems.append("a column twice")
    if not problems and given != declared:
        problems.append(f"order {given}, declared {declared}")
    for name in declared:
        if given.count(name) == 1 and not _same_type(schema.field(name).type, table[name].type):
            problems.append(f"{name} is {schema.field(name).type}, declared {table[name].type}")
    if problems:
        raise SchemaMismatch(f"table {table.name}: " + "; ".join(problems))


def conform(table: Table, data: pa.Table) -> pa.Table:
    """The frame with exactly the declared Arrow types, after refusing wrong columns and nulls that may not be.

    Raises SchemaMismatch.
    """
    check_columns(table, data.schema)
    for column in table.columns:
        if not column.nullable and (nulls := data.column(column.name).null_count):
            raise SchemaMismatch(f"table {table.name}: {column.name} is null in {nulls} rows and may not be")
    return data.cast(table.schema)
