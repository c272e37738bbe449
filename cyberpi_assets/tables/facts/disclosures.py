"""What sources say of filings and disclosed transactions, as facts: normalised, not resolved or judged."""

from __future__ import annotations

from cyberpi_assets.tables.shape import TRACE, table

DISCLOSURE_FACTS = table(
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
    + TRACE,
    key="file line",
    home="fact",
)

OCR_ROW_FACTS = table(
    "ocr_row_facts",
    "One row of a scanned form as character recognition read it; whatever could not be read is null and named.",
    """
chamber     string!  house | senate
document    string!  House DocID or Senate UUID (lower case)
page        int!     page of the document, counted from 1
row         int!     row on the page, counted from 1 among those that hold anything
owner       string   self | spouse | joint | child
asset       string   text of the asset's cell
ticker_printed string   symbol at the end of that text, in brackets or behind a dash
side        string   buy | sell | exchange
is_partial  bool     a partial sale, where the form has a column for it
transaction_date date   as written
notification_date date  as written
amount_low  float    lower bound of the ticked band in US dollars
amount_high float    upper bound; null when open-ended
amount_printed string   the band's column on the form, or the words on the page
original    string!  the row's words as read, cell by cell; empty when there are none
confidence  float    mean confidence of the row's words, 0-1; null when there are none
unread      string   the fields that could not be read, each with the reason
"""
    + TRACE,
    key="chamber document page row file",
    home="fact",
)

OCR_DOCUMENT_FACTS = table(
    "ocr_document_facts",
    "One scanned document as character recognition went over it: how much it read, with what, and why no more.",
    """
chamber     string!  house | senate
document    string!  House DocID or Senate UUID (lower case)
n_pages     int!     pages of the document
n_read      int!     of these, with at least one row
n_rows      int!     rows read
confidence  float    mean confidence of the rows, 0-1
reader      string!  the program and its version, and the version of our reading
reason      string   why pages gave no row
"""
    + TRACE,
    key="chamber document file",
    home="fact",
)

FILING_FACTS = table(
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
    + TRACE,
    key="chamber document file line",
    home="fact",
)

DOCUMENT_FACTS = table(
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
    + TRACE,
    key="chamber document file line",
    home="fact",
)
