"""What sources say of events outside the order book, as facts: news, halts, filings, sanctions, incidents.

Normalised in type and spelling; not merged, not judged. Moments are UTC. `seen_at`: when a live source fetched the row,
null for bulk files, whose own age stands in `file_facts`.
"""

from __future__ import annotations

from cyberpi_assets.tables.shape import TRACE, table

NEWS_FACTS = table(
    "news_facts",
    "One headline as a provider delivers it, for one or more tickers; the same article may come many times.",
    """
provider    string!  publisher, wire or feed that states the item (Reuters, BRFG, a feed's name)
article_id  string!  the provider's own id, else the document's URL, else a digest of headline and moment
headline    string!  as printed, markup and provider prefixes removed, at most 2,000 characters
body        string   summary or text, at most 20,000 characters
url         string   the document, http or https
tickers     strings  symbols the provider states; empty when it states none
published_at timestamp! moment the provider states, read as UTC unless it states an offset
precision   string!  s | min | day: how fine that moment is
tz_suspect  bool!    the moment looks like New York time labelled UTC
category    string   the provider's own category: market | cyber | press | vendor | government | ...
language    string   two letters, where stated
seen_at     timestamp  when a live source fetched it; null for bulk files
flags       strings  headline_cut | body_cut | control_characters | homoglyphs | future_dated
"""
    + TRACE,
    key="file line",
    home="fact",
)

HALT_FACTS = table(
    "halt_facts",
    "One trading halt as an exchange's list states it; the resumption comes later in the same entry.",
    """
ticker      string!  symbol
name        string   issue name
market      string   exchange as printed
halted_on   date!    New York date of the halt
halted_at   timestamp! start of the halt (printed in New York time)
reason_code string   code as printed (T1, LUDP, M, H10, ...); null where the list has words only
reason      string   reason in the list's words
threshold_price float  pause threshold, US dollars
resumed_quote_at timestamp  quoting resumes
resumed_at  timestamp  trading resumes
seen_at     timestamp  when a live source fetched it; null for bulk files
"""
    + TRACE,
    key="file line",
    home="fact",
)

COMPANY_FILING_FACTS = table(
    "company_filing_facts",
    "One filing of a listed company with the SEC as one list states it; a filing may be listed several times.",
    """
accession   string!  accession number, 0001193125-24-011295
cik         int!     SEC central index key of the filer
company     string   name as listed
tickers     strings  symbols the list states
form        string!  8-K, 8-K/A, ...
items       strings  item numbers (1.05, 7.01, ...)
accepted_at timestamp  moment of acceptance
filed_on    date     filing date
report_on   date     date of the event reported
url         string   the filing or its main document
text        string   beginning of the main document as text, at most 20,000 characters; null when not fetched
cyber_query bool!    found by a full-text search for cyber words
seen_at     timestamp  when a live source fetched it; null for bulk files
"""
    + TRACE,
    key="file line",
    home="fact",
)

SANCTION_FACTS = table(
    "sanction_facts",
    "One record of a sanctions list as of one snapshot, or one sanctions event that a list of events states.",
    """
record      string!  entry | alias | address | remark | event
ent_num     int      the list's number of the entity; null for events
name        string   entity, alias, or the event in words
entity_type string   individual | vessel | aircraft | entity
programs    strings  sanctions programs (SDGT, CYBER2, ...)
country     string   country of an address
text        string   remarks, at most 4,000 characters
addresses   strings  digital currency addresses in the remarks, as `COIN address`
tickers     strings  symbols said to be exposed, events only
event_on    date     date of the event, events only
grade       string   confidence of the list: A | B | C, events only
snapshot_at timestamp  moment of the snapshot; null for events
"""
    + TRACE,
    key="file line",
    home="fact",
)

KEV_FACTS = table(
    "kev_facts",
    "One entry of CISA's catalogue of known exploited vulnerabilities, as of one release.",
    """
cve         string!  CVE number
vendor      string!  vendor or project
product     string!  product
name        string   name of the vulnerability
added_on    date!    day it was added
due_on      date     day by which agencies must act
ransomware  string   Known | Unknown: use in ransomware campaigns
description string   in words, at most 4,000 characters
cwes        strings  weaknesses
released_at timestamp! moment of the release
catalog_version string  version of the release
"""
    + TRACE,
    key="file line",
    home="fact",
)

VULNERABILITY_FACTS = table(
    "vulnerability_facts",
    "One entry of the National Vulnerability Database as one answer has it; it changes as it is analysed.",
    """
cve         string!  CVE number
published_at timestamp! when the database published it
modified_at timestamp! when it last changed there
status      string   Received | Awaiting Analysis | Analyzed | Modified | Rejected | ...
description string   in English, at most 4,000 characters
cvss        float    base score, 0 to 10; null where it has none
cvss_version string  3.1, else 3.0, 4.0, 2.0: the first there is
rating      string   none | low | medium | high | critical, as stated with the score
vector      string   CVSS vector of the score
scored_by   string   who gave the score
cwes        strings  weaknesses, at most 50
vendors     strings  vendors of vulnerable products, lower case as printed, at most 50
products    strings  `vendor: product`, at most 50
n_products  int!     vulnerable products in all
seen_at     timestamp  when a live source fetched it; null for bulk files
"""
    + TRACE,
    key="file line",
    home="fact",
)

INCIDENT_FACTS = table(
    "incident_facts",
    "One cyber incident of a listed company as a list of incidents states it.",
    """
event_id    string!  the list's id, else a digest of ticker and date
ticker_at_event string!  symbol at the time
ticker_now  string   symbol today; null when it vanished
company     string!  company
event       string   what happened, in words, at most 2,000 characters
event_type  string   data_breach | ransomware | outage | ... as listed
is_breach   bool     whether data were taken
discovered_on date   day of discovery
disclosed_on date!   day of first public disclosure
event_day   date     first session on which the market could react, as listed
event_day_ambiguous bool  the list does not know whether before or after the close
session     string   pre_market | intraday | after_close | weekend
grade       string!  A (source within 3 days) | B (month confirmed) | C (recall) | weak (only to exclude windows)
filing      string   how it was disclosed
records_affected float  count, in records_unit
records_unit string  persons | cards | ...
ticker_reuse string  a warning that the symbol has belonged to others
said_by     string   who says so
"""
    + TRACE,
    key="file line",
    home="fact",
)

MNA_FACTS = table(
    "mna_facts",
    "One acquisition as a list of acquisitions states it.",
    """
ticker_target string  symbol of the target; null when private
ticker_acquirer string  symbol of the acquirer, where stated
target      string!  target
acquirer    string!  acquirer
announced_on date!   day of announcement
event_type  string   as listed
grade       string   confidence of the list: A | B | C
said_by     string   who says so
"""
    + TRACE,
    key="file line",
    home="fact",
)
