"""Who and what: companies, officials, terms, committees and seats, merged from the lists that name them.

Here belongs which of several published statements stands. Symbols over time are in `symbols.py`; names of filers are
matched in `names.py`.
"""

from __future__ import annotations

import pyarrow as pa

from cyberpi_assets.domain.sql import ask
from cyberpi_assets.tables import (
    COMMITTEE_MEMBERSHIPS,
    COMMITTEES,
    COMPANIES,
    OFFICIAL_TERMS,
    OFFICIALS,
    QUARANTINE_FACTS,
)

# The exchange's sector names, as the GICS sector that covers the same industries. "Miscellaneous" has none.
GICS_OF_NASDAQ = {
    "Technology": "Information Technology",
    "Finance": "Financials",
    "Basic Materials": "Materials",
    "Telecommunications": "Communication Services",
    "Communications": "Communication Services",
    "Health Care": "Health Care",
    "Consumer Discretionary": "Consumer Discretionary",
    "Consumer Staples": "Consumer Staples",
    "Consumer Services": "Consumer Discretionary",
    "Consumer Durables": "Consumer Discretionary",
    "Consumer Non-Durables": "Consumer Staples",
    "Capital Goods": "Industrials",
    "Transportation": "Industrials",
    "Industrials": "Industrials",
    "Energy": "Energy",
    "Utilities": "Utilities",
    "Public Utilities": "Utilities",
    "Real Estate": "Real Estate",
}


def companies(facts: pa.Table) -> pa.Table:
    """One row per symbol. facts: `tables.COMPANY_FACTS`. Columns: `tables.COMPANIES`, ordered by ticker.

    Name, exchange and identifiers come from the newest list that states them; the sector from a GICS list before the
    exchange's own sectors, which are mapped to the GICS sector that covers them.
    """
    mapping = pa.table({"given": list(GICS_OF_NASDAQ), "gics": list(GICS_OF_NASDAQ.values())})
    return ask(
        """
        WITH newest AS (
            SELECT f.*, coalesce(f.as_of, DATE '1900-01-01') AS age,
                   CASE WHEN f.sector_scheme = 'gics' THEN f.sector ELSE m.gics END AS gics
            FROM facts f LEFT JOIN mapping m ON f.sector = m.given
        )
        SELECT ticker,
               arg_max(name, (age, file)) FILTER (name IS NOT NULL) AS name,
               arg_max(gics, (sector_scheme = 'gics', age, file)) FILTER (gics IS NOT NULL) AS sector,
               arg_max(industry, (sector_scheme = 'gics', age, file)) FILTER (industry IS NOT NULL) AS industry,
               arg_max(sector_scheme, (sector_scheme = 'gics', age, file)) FILTER (gics IS NOT NULL) AS sector_scheme,
               arg_max(exchange, (age, file)) FILTER (exchange IS NOT NULL) AS exchange,
               arg_max(cik, (age, file)) FILTER (cik IS NOT NULL) AS cik,
               min(listed_on) AS listed_on,
               arg_max(delisted_on, (age, file)) FILTER (delisted_on IS NOT NULL) AS delisted_on,
               coalesce(arg_max(source, (age, file)) FILTER (name IS NOT NULL), any_value(source)) AS source
        FROM newest GROUP BY ticker ORDER BY ticker""",
        shape=COMPANIES,
        facts=facts,
        mapping=mapping,
    )


def official_terms(facts: pa.Table) -> pa.Table:
    """One row per term. facts: `tables.TERM_FACTS`. Columns: `tables.OFFICIAL_TERMS`, ordered by person and start."""
    return ask(
        """
        SELECT bioguide_id, chamber, arg_max(state, file) AS state, arg_max(district, file) AS district,
               arg_max(party, file) FILTER (party IS NOT NULL) AS party, starts_on, max(ends_on) AS ends_on,
               max(leadership) AS leadership
        FROM facts GROUP BY bioguide_id, chamber, starts_on ORDER BY bioguide_id, starts_on, chamber""",
        shape=OFFICIAL_TERMS,
        facts=facts,
    )


def officials(facts: pa.Table, terms: pa.Table) -> pa.Table:
    """One row per person, with the latest term. facts: `tables.PERSON_FACTS`; terms: `tables.OFFICIAL_TERMS`.

    Columns: `tables.OFFICIALS`, ordered by bioguide id.
    """
    return ask(
        """
        WITH people AS (
            SELECT bioguide_id,
                   arg_max(full_name, file) FILTER (full_name IS NOT NULL) AS full_name,
                   arg_max(first_name, file) FILTER (first_name IS NOT NULL) AS first_name,
                   arg_max(last_name, file) AS last_name,
                   arg_max(suffix, file) FILTER (suffix IS NOT NULL) AS suffix,
                   arg_max(nickname, file) FILTER (nickname IS NOT NULL) AS nickname,
                   list_sort(list_distinct(flatten(list(other_names) FILTER (other_names IS NOT NULL)))) AS other_names,
                   arg_max(source, file) AS source
            FROM facts GROUP BY bioguide_id
        ), service AS (
            SELECT bioguide_id, min(starts_on) AS in_office_from, max(ends_on) AS in_office_to, count(*) AS n_terms,
                   arg_max(chamber, starts_on) AS chamber, arg_max(state, starts_on) AS state,
                   arg_max(struct_pack(d := district), starts_on).d AS district,
                   arg_max(party, starts_on) FILTER (party IS NOT NULL) AS party
            FROM terms GROUP BY bioguide_id
        )
        SELECT p.bioguide_id,
               coalesce(full_name, concat_ws(' ', coalesce(nickname, first_name), last_name, suffix)) AS official,
               first_name, last_name, nickname, other_names, chamber, state, district, party,
               in_office_from, in_office_to, coalesce(n_terms, 0) AS n_terms, source
        FROM people p LEFT JOIN service USING (bioguide_id) ORDER BY p.bioguide_id""",
        shape=OFFICIALS,
        facts=facts,
        terms=terms,
    )


# Congress n sits from 3 January of an odd year; a list that states no number is dated by the day it was published.
_CONGRESS = """
coalesce(congress, CASE WHEN as_of IS NULL THEN NULL
                   ELSE (year(as_of - INTERVAL 2 DAY) - 1789) // 2 + 1 END)
"""


def committee_memberships(facts: pa.Table) -> pa.Table:
    """One row per seat and Congress. facts: `tables.MEMBERSHIP_FACTS`. Columns: `tables.COMMITTEE_MEMBERSHIPS`.

    A seat is known to be held between the first and the last dated list that shows it. Lists that state neither a date
    nor a Congress date nothing; `undated_memberships` names their rows.
    """
    return ask(
        f"""
        WITH dated AS (
            SELECT *, {_CONGRESS} AS n, coalesce(as_of, make_date((1789 + 2 * (congress - 1))::INT, 1, 3)) AS seen
            FROM facts
        )
        SELECT committee_id, bioguide_id, n AS congress,
               arg_max(side, seen) FILTER (side IS NOT NULL) AS side,
               arg_max(rank, seen) FILTER (rank IS NOT NULL) AS rank,
               arg_max(title, seen) FILTER (title IS NOT NULL) AS title,
               min(seen)::DATE AS seen_from, max(seen)::DATE AS seen_to
        FROM dated WHERE n IS NOT NULL GROUP BY ALL ORDER BY committee_id, congress, bioguide_id""",
        shape=COMMITTEE_MEMBERSHIPS,
        facts=facts,
    )


def undated_memberships(facts: pa.Table) -> pa.Table:
    """Seats of lists that state no date. Columns: `tables.QUARANTINE_FACTS`."""
    return ask(
        f"""
        SELECT file, line, 'memberships' AS kind, 'as_of' AS field, NULL AS value,
               'the list states neither its date nor the Congress' AS reason
        FROM facts WHERE {_CONGRESS} IS NULL ORDER BY file, line""",
        shape=QUARANTINE_FACTS,
        facts=facts,
    )


def committees(facts: pa.Table, memberships: pa.Table) -> pa.Table:
    """One row per committee. facts: `tables.COMMITTEE_FACTS`. Columns: `tables.COMMITTEES`, ordered by id."""
    return ask(
        """
        WITH seats AS (SELECT committee_id, count(*) AS n FROM memberships GROUP BY committee_id)
        SELECT committee_id, arg_max(name, file) AS name,
               arg_max(chamber, file) FILTER (chamber IS NOT NULL) AS chamber,
               arg_max(parent_id, file) FILTER (parent_id IS NOT NULL) AS parent_id,
               arg_max(jurisdiction, file) FILTER (jurisdiction IS NOT NULL) AS jurisdiction,
               coalesce(any_value(n), 0) AS n_members, arg_max(source, file) AS source
        FROM facts LEFT JOIN seats USING (committee_id) GROUP BY committee_id ORDER BY committee_id""",
        shape=COMMITTEES,
        facts=facts,
        memberships=memberships,
    )


def account_of_files(files: pa.Table) -> dict[str, int]:
    """How many files were read, recognised or neither, and how many rows. files: `tables.FILE_FACTS`."""
    row = ask(
        """
        SELECT count(*) AS files, count(rows_read) AS files_read,
               count(*) FILTER (kind IS NOT NULL AND rows_read IS NULL) AS files_recognised_only,
               count(*) FILTER (kind IS NULL) AS files_not_recognised, coalesce(sum(rows_read), 0)::BIGINT AS rows_read,
               coalesce(sum(accepted), 0)::BIGINT AS rows_accepted,
               coalesce(sum(quarantined), 0)::BIGINT AS rows_quarantined
        FROM files""",
        files=files,
    ).to_pylist()[0]
    return {name: int(count) for name, count in row.items()}
