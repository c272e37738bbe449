"""News tables: what was published, halted, filed, sanctioned and exploited, and the threat items made of it.

`available_at` is the first moment at which a row could be known: nothing may use the row before it.
"""

from __future__ import annotations

from cyberpi_assets.tables.shape import table

NEWS_ITEMS = table(
    "news_items",
    "One row per article of a provider: when it could be known, whom it names, what it is about, what it repeats.",
    """
news_id     string!  threat_ and 16 hex digits of SHA-256 over provider and article id
provider    string!  publisher, wire or feed
article_id  string!  id within the provider
headline    string!  of the earliest version
body        string   of the earliest version that has one
url         string   the document
published_at timestamp! as the provider states it
available_at timestamp! first moment it could be known: published_at, or the end of its minute or New York day
precision   string!  s | min | day
tz_suspect  bool!    looks like New York time labelled UTC: available_at reads it as New York time, the later reading
published_on date!   New York date of available_at
relevance   string!  cyber_incident | cyber | market_anomaly | mna | sanctions | none: the leading group
groups      strings  every keyword group that applies, leading one first
keywords    strings  phrases found that count
negated     bool!    an incident is denied or ruled out, not reported
boilerplate string   why found words do not count: listicle | vendor_business | legal | idiom | fund; null when they do
tickers     strings  linked symbols: those the text names first, then those the provider states
ticker_evidence strings  for each of tickers: cashtag | exchange | name | alias | stated, a colon, and what was found
named_tickers strings  those of tickers that the text itself names
stated_tickers strings  symbols the provider states
cves        strings  CVE numbers in headline or body
category    string   the provider's own category
story_id    string!  news_id of the first item of its story on that New York day
duplicate_of string  news_id of the story's first item when this is a later one
n_rows      int!     delivered rows that are this article
n_versions  int!     distinct headlines and bodies among them; more than 1: the id was used for different texts
seen_at     timestamp  first fetch by a live source
flags       strings  headline_cut | body_cut | control_characters | homoglyphs | future_dated | versions_differ
source      string!  dataset or feed that delivered the earliest version
file        string!  file of the earliest version
line        int!     its line
""",
    key="news_id",
    month_of="published_on",
)

TRADING_HALTS = table(
    "trading_halts",
    "One row per trading halt of a listed symbol, from all lists that show it.",
    """
halt_id     string!  TICKER:halted_at in UTC, YYYYMMDDTHHMMSS
ticker      string!  symbol as listed
name        string   issue name
market      string   exchange
halted_on   date!    New York date
halted_at   timestamp! start; also the first moment it could be known
available_at timestamp! as halted_at
reason_code string   first code listed
reason_codes strings  every code listed for this halt, in alphabetical order
reason_kind string!  news_pending | news_released | volatility | regulatory | sec_suspension | information | ...
reason      string   in the list's words
threshold_price float  pause threshold, US dollars
resumed_at  timestamp  trading resumes; null when not known
minutes     float    from halt to resumption
n_sources   int!     lists that show it
source      string!  first list
file        string!  file of that list
line        int!     its line
""",
    key="halt_id",
    month_of="halted_on",
)

COMPANY_FILINGS = table(
    "company_filings",
    "One row per 8-K of a company: its items, when it could be known, and whether it reports a cyber incident.",
    """
accession   string!  accession number
cik         int!     SEC central index key
ticker      string   current symbol, by the filing's list, else by CIK
company     string   name
form        string!  8-K | 8-K/A | ...
items       strings  item numbers
accepted_at timestamp  moment of acceptance
filed_on    date!    filing date
report_on   date     date of the event reported
available_at timestamp! acceptance; 6:00 New York of the next session where after 17:30; end of day without a time
is_cyber    bool!    Item 1.05, or cyber words under 7.01 or 8.01
cyber_reason string  item_1.05 | words_7.01 | words_8.01 and what was found
is_amendment bool!   form ends in /A
url         string   the filing
text        string   beginning of the main document
n_listings  int!     times it was listed
source      string!  list it comes from
file        string!  file of that list
line        int!     its line
""",
    key="accession",
    month_of="filed_on",
)

SANCTIONS_CHANGES = table(
    "sanctions_changes",
    "One row per change between two snapshots of the sanctions list, or per listed sanctions event.",
    """
change_id   string!  change:ent_num:snapshot, or event and a digest
change      string!  added | removed | amended | event; the first snapshot is the baseline and changes nothing
changed_on  date!    New York date of the snapshot that shows it, or of the event
available_at timestamp! moment of that snapshot; end of the New York day for events
ent_num     int      the list's number of the entity
name        string!  entity, or the event in words
entity_type string   individual | vessel | aircraft | entity
programs    strings  programs after the change
aliases     strings  other names
countries   strings  countries of its addresses
addresses   strings  digital currency addresses
is_cyber    bool!    a program or remark about malicious cyber activity
tickers     strings  symbols said to be exposed, events only; an entity's name is never matched to a company
grade       string   confidence of a listed event
detail      string   what changed, in words
source      string!  list
file        string!  snapshot it is first seen in
line        int!     its line
""",
    key="change_id",
)

KNOWN_EXPLOITED = table(
    "known_exploited",
    "One row per vulnerability that is known to be exploited, with the listed company that makes the product.",
    """
cve         string!  CVE number
vendor      string!  vendor or project
product     string!  product
name        string   name of the vulnerability
added_on    date!    day it was added
available_at timestamp! end of that New York day
due_on      date     day by which agencies must act
ransomware  bool     known use in ransomware campaigns; null when not known
description string   in words
cwes        strings  weaknesses
ticker      string   listed company behind the vendor, by the editable map; null when none or not known
withdrawn_on date    first release without it, where several releases were read
n_releases  int!     releases that list it
source      string!  list
file        string!  newest release read
line        int!     its line
""",
    key="cve",
)

VULNERABILITIES = table(
    "vulnerabilities",
    "One row per vulnerability that is exploited or that a threat item names: how severe, in whose product.",
    """
cve         string!  CVE number
published_at timestamp  when the vulnerability database published it
modified_at timestamp  when its entry last changed there: scores are of then, and may be later than any item
status      string   Received | Awaiting Analysis | Analyzed | Modified | Rejected | ...
cvss        float    base score, 0 to 10; null with a reason
cvss_version string  3.1, else 3.0, 4.0, 2.0
rating      string   none | low | medium | high | critical, as stated with the score
vector      string   CVSS vector
scored_by   string   who gave the score
description string   in words
cwes        strings  weaknesses
vendors     strings  of vulnerable products; of the list of exploited ones where the database names none
products    strings  `vendor: product`
n_products  int      vulnerable products in all
is_exploited bool!   in the catalogue of known exploited ones, and not withdrawn
tickers     strings  listed companies behind the vendors, by the editable list
n_items     int!     threat items that name it, those of the catalogue itself left out
items       strings  their threat ids, the newest 20
first_named_at timestamp  when the first of them could be known
reason      string   why there is no score
source      string   database; null where it was not asked or has no entry
file        string   answer the row is from
line        int      its line
""",
    key="cve",
)

INCIDENTS = table(
    "incidents",
    "One row per known cyber incident of a listed company, graded by how well it is dated.",
    """
event_id    string!  id of the list
ticker      string!  symbol today, else at the time
ticker_at_event string!  symbol at the time
company     string!  company
event       string   what happened
event_type  string   kind as listed
is_breach   bool     data were taken
discovered_on date   day of discovery
disclosed_on date!   day of first public disclosure
event_day   date     first session on which the market could react; null when not listed
event_day_ambiguous bool  before or after the close is not known
available_at timestamp! end of the New York day of disclosure
lag_days    int      from discovery to disclosure; null when either is unknown or the order impossible
grade       string!  A | B | C | weak; A and B are primary, weak only excludes control windows
records_affected float  count
records_unit string  of what
ticker_reuse string  a warning that the symbol has belonged to others
said_by     string   who says so
source      string!  list
file        string!  file
line        int!     line
""",
    key="event_id",
)

MNA_EVENTS = table(
    "mna_events",
    "One row per announced acquisition: target, acquirer, and their symbols where known.",
    """
mna_id      string!  digest of target, acquirer and day
ticker_target string  symbol of the target
ticker_acquirer string  symbol of the acquirer, as listed or by its name; null when private or in doubt
target      string!  target
acquirer    string!  acquirer
announced_on date!   day of announcement
available_at timestamp! end of that New York day
event_type  string   as listed
grade       string   confidence of the list
said_by     string   who says so
source      string!  list
file        string!  file
line        int!     line
""",
    key="mna_id",
)

INTELLIGENCE_ITEMS = table(
    "intelligence_items",
    "One row per threat item: relevant news, cyber filings, halts on news, sanctions and exploited vulnerabilities.",
    """
threat_id   string!  threat_ and 16 hex digits of SHA-256 over provider and article id
title       string!  at most 500 characters
content     string!  at most 10,000 characters
source      string!  provider
source_url  string!  ibkr://provider/article, or the document's URL, or cyberpi://kind/id where it has none
industry    strings  sectors of the linked companies
severity    string!  critical | high | medium | low | info
severity_reason string!  the rule that gave it, in words
threat_type strings  cyber_incident | cyber | market_anomaly | mna | sanctions | vulnerability | ransomware | ...
cves        strings  CVE numbers
published_date timestamp! as the provider states it
ingested_date timestamp! first fetch, else the moment the bulk file was written
available_at timestamp! first moment it could be known
published_on date!   New York date of available_at
kind        string!  news | filing | halt | sanction | kev
ref         string!  key of the row it is made of: news_id, accession, halt_id, change_id, cve
tickers     strings  linked symbols, text evidence first
ticker_evidence strings  for each of tickers: kind of evidence, a colon, and what was found
named_tickers strings  those of tickers that the text or the filing itself names
negated     bool!    an incident is denied or ruled out
story_id    string!  threat_id of the first item of its story
duplicate_of string  threat_id of the story's first item when this is a later one
metadata    string!  JSON object: what does not fit elsewhere
tags        strings  tickers, groups and flags for search
""",
    key="threat_id",
    month_of="published_on",
)
