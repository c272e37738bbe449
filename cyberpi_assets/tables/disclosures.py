"""Disclosure tables: filings, their rows, how complete and how late they are."""

from __future__ import annotations

from cyberpi_assets.tables.facts.account import QUARANTINE_FACTS
from cyberpi_assets.tables.shape import table, written

DISCLOSED_TRADES = table(
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
ticker_evidence string! printed, stated by source, symbol history, respelled, reused, in asset, company name, unresolved
ticker_score float   0-100, how near the asset's text comes to the company's name; null where a symbol was printed
ticker_candidate string  nearest symbol that was not taken: too far, a tie, or disputed by the name
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
superseded_on date     filing date of what first replaced it; null where that is not known
superseded_reason string  why it counts as replaced
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

FILINGS = table(
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

FILING_TIMELINESS = table(
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

OFFICIAL_TIMELINESS = table(
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

FILING_COVERAGE = table(
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

OCR_REVIEW = table(
    "ocr_review",
    "Rows of scanned filings as character recognition read them, for a person to review; none is in a score.",
    """
review_id   string!  filing_id#page.row
filing_id   string!  chamber:document
chamber     string!  house | senate
filer       string   name, from the index
bioguide_id string   person; null when the name stays in doubt
filed_on    date     date of the filing
page        int!     page of the document
row         int!     row on the page
owner       string   self | spouse | joint | child; null when not read
asset       string   text of the asset's cell
ticker_printed string   symbol at the end of that text
side        string   buy | sell | exchange; null when not read
is_partial  bool     a partial sale
transaction_date date   as read
notification_date date  as read
amount_low  float    US dollars; null when no tick, or more than one, was seen
amount_high float    US dollars; null when open-ended or not read
amount_printed string   the band's column on the form, or the words on the page
original    string!  the row's words as read
confidence  float    mean confidence of the row's words, 0-1
status      string!  needs_review
reason      string!  what could not be read or does not fit, and that nobody has reviewed it
reader      string!  the program and its version, and the version of our reading
url         string   the document
source      string!  the chamber's site
file        string!  file it was read from
line        int!     row in that file's reading
""",
    key="review_id",
)

QUARANTINED_ROWS = table(
    "quarantined_rows",
    "Every row that was read and put aside, with file, line, field and reason.",
    written(QUARANTINE_FACTS),
    key="file line field",
)
