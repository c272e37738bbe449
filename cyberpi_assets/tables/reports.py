"""What people read, the published copy, and the results of checks."""

from __future__ import annotations

from cyberpi_assets.tables.shape import table

_REPORT = """
format      string!  text | json | md | html | csv
path        string!  file, relative to the data folder
bytes       int!     size
sha256      string!  of the file
rows        int!     rows the report lists
"""

TIMING_REPORT = table(
    "timing_report", "The suspicious-timing report as written to disk, one row per format.", _REPORT, key="format"
)

PATTERN_REPORT = table(
    "pattern_report", "The pattern report as written to disk, one row per format.", _REPORT, key="format"
)

CHECK_REPORT = table(
    "check_report",
    "The report of checks as written to disk, one row per format: the newest result of every check, by stage.",
    _REPORT,
    key="format",
)

PUBLISHED_WAREHOUSE = table(
    "published_warehouse",
    "What the published DuckDB file holds: one row per table.",
    """
table_name  string!  table
rows        int!     rows copied
version     int!     lake version copied
""",
    key="table_name",
)

CHECK_RESULTS = table(
    "check_results",
    "Every result of every asset check: what a run was over, and each of its months where the answer differs by month.",
    """
asset       string!  asset checked
check_name  string!  check
partition_from string!  first month of the run, or `all`; the month, where the row tells of one month
partition_to string!  last month of the run, or `all`; the month, where the row tells of one month
passed      bool!    result
severity    string!  ERROR (blocks) | WARN
checked_at  timestamp!  when
run_id      string!  run
detail      string   what was found, JSON; begins with `month` where the row tells of one month
""",
    key="asset check_name partition_from partition_to",
)
