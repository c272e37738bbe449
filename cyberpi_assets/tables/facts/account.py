"""The account of reading: files found, rows put aside, and what the simulated world planted."""

from __future__ import annotations

from cyberpi_assets.tables.shape import TRACE, table

TRUTH_FACTS = table(
    "truth_facts",
    "What the simulated world planted, for measuring whether the house finds it.",
    """
subject     string!  official | company
bioguide_id string   official
ticker      string   company
kind        string!  breach | option_footprint | earnings_decoy | informed | random | rebalancer | late_filer
event_on    date     day of the planted event (disclosure of a breach)
known_from  date     first day on which somebody inside could know
strength    float    share of trades on foreknowledge, the market's reaction, or put volume over its usual
detail      string   in words
"""
    + TRACE,
    key="file line",
    home="fact",
)

FILE_FACTS = table(
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

QUARANTINE_FACTS = table(
    "quarantine_facts",
    "One row that was read and put aside.",
    """
file        string!  the file it was read from, relative to the data folder
line        int!     the line or row in that file, counted from 1
kind        string!  what the row is: bars | actions | companies | people | disclosures | watchlist | chains | ...
field       string!  the field at fault
value       string   what stood there, at most 200 characters
reason      string!  why the row cannot be used, in words
""",
    key="file line field",
    home="fact",
)
