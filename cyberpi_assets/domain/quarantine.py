"""Every row that was read and put aside, whichever stage put it aside, and the account that must balance.

Here belongs the union of what readers and merges refuse. Each refusal itself is decided where the row is judged.
"""

from __future__ import annotations

from typing import Protocol

import duckdb
import pyarrow as pa

from cyberpi_assets.domain.amendments import standing_rows
from cyberpi_assets.domain.bars import bars_put_aside
from cyberpi_assets.domain.news.events import FILED_ON, events_put_aside
from cyberpi_assets.domain.news.items import news_put_aside
from cyberpi_assets.domain.options.chains import chains_put_aside
from cyberpi_assets.domain.options.snapshots import snapshots_put_aside
from cyberpi_assets.domain.reference import undated_memberships
from cyberpi_assets.domain.sql import ask


class Facts(Protocol):
    """Facts of a source, by name."""

    def select(self, name: str) -> str:
        """A query that gives the facts."""
        ...

    def facts(self, name: str, where: str = "true") -> pa.Table:
        """The facts as Arrow."""
        ...


def rows_put_aside(con: duckdb.DuckDBPyConnection, facts: Facts, first_month: str, last_month: str) -> pa.Table:
    """Rows refused by readers, and accepted rows that the merges put aside. Columns: `tables.QUARANTINED_ROWS`.

    Ordered by file, line and field.
    """
    _, duplicates = standing_rows(facts.facts("disclosure_facts"), facts.facts("filing_facts"))
    parts = [
        facts.facts("quarantine_facts"),
        bars_put_aside(con, facts.select("bar_facts"), first_month, last_month),
        chains_put_aside(con, facts.select("chain_facts"), first_month, last_month),
        snapshots_put_aside(con, facts.select("snapshot_facts"), first_month, last_month),
        news_put_aside(facts.facts("news_facts"), first_month, last_month),
        events_put_aside(facts.facts("halt_facts"), "halts", "halted_on", first_month, last_month),
        events_put_aside(facts.facts("company_filing_facts"), "company_filings", FILED_ON, first_month, last_month),
        undated_memberships(facts.facts("membership_facts")),
        duplicates,
    ]
    return pa.concat_tables(parts).sort_by([("file", "ascending"), ("line", "ascending"), ("field", "ascending")])


def imbalance(files: pa.Table, quarantined: pa.Table, read: pa.Table, stored: pa.Table) -> pa.Table:
    """Where rows were lost: what was read is not what was accepted plus what was put aside. Empty when all balances.

    files: `tables.SOURCE_FILES`. quarantined: `tables.QUARANTINED_ROWS`. read: kind (bars | disclosures), n, rows that
    the readers accepted or refused. stored: kind, n, rows of the table that keeps them. Columns: what, read, accepted,
    put_aside; one row per file, and per kind, that does not balance.
    """
    return ask(
        """
        WITH aside AS (SELECT kind, count(DISTINCT (file, line)) AS n FROM quarantined GROUP BY kind)
        SELECT file AS what, rows_read AS read, accepted, quarantined AS put_aside FROM files
        WHERE rows_read IS DISTINCT FROM accepted + quarantined
        UNION ALL
        SELECT 'all ' || r.kind, r.n, coalesce(s.n, 0), coalesce(a.n, 0)
        FROM read r LEFT JOIN stored s USING (kind) LEFT JOIN aside a USING (kind)
        WHERE r.n <> coalesce(s.n, 0) + coalesce(a.n, 0)""",
        files=files,
        quarantined=quarantined,
        read=read,
        stored=stored,
    )
