"""What must hold of the account of rows: nothing disappears between a file and a table."""

from __future__ import annotations

import pyarrow as pa

from cyberpi_assets.assets.disclosures import filings, quarantined_rows
from cyberpi_assets.assets.reference import source_files
from cyberpi_assets.checks.recorded import Subject, Verdict, check
from cyberpi_assets.domain.ocr import UNREVIEWED
from cyberpi_assets.domain.quarantine import imbalance
from cyberpi_assets.orchestration.partitions import MONTHS
from cyberpi_assets.storage.engine import connect
from cyberpi_assets.storage.lake import Lake

_STORED = {
    "bars": "daily_bars",
    "disclosures": "disclosed_trades",
    "chains": "option_chains",
    "snapshots": "market_snapshots",
}


@check(
    quarantined_rows, blocking=False, more="Per file and per kind of fact: rows read = rows accepted + rows put aside."
)
def read_is_accepted_plus_put_aside(subject: Subject) -> Verdict:
    gathered = subject.sources.gather()
    refused = gathered.facts("quarantine_facts")
    con = connect()
    con.register("refused", refused)
    aside = dict(con.sql("SELECT kind, count(DISTINCT (file, line)) FROM refused GROUP BY kind").fetchall())
    facts = {
        "bars": "bar_facts",
        "disclosures": "disclosure_facts",
        "chains": "chain_facts",
        "snapshots": "snapshot_facts",
    }
    accepted = {k: con.sql(f"SELECT count(*) FROM ({gathered.select(f)})").fetchone() for k, f in facts.items()}
    read = {k: (n[0] if n else 0) + aside.get(k, 0) for k, n in accepted.items()}
    stored = {kind: _rows(subject.lake, table) for kind, table in _STORED.items()}
    lost = imbalance(
        subject.lake.read("source_files"),
        subject.lake.read("quarantined_rows"),
        pa.table({"kind": list(read), "n": list(read.values())}),
        pa.table({"kind": list(stored), "n": list(stored.values())}),
    )
    detail = {f"read_{k}": n for k, n in read.items()} | {f"stored_{k}": n for k, n in stored.items()}
    return Verdict(
        lost.num_rows == 0, detail | {"unbalanced": str(lost.slice(0, 5).to_pylist()) if lost.num_rows else ""}
    )


def _rows(lake: Lake, table: str) -> int:
    """Rows of a table that came from the facts of the same kind: not those let in from `ocr_row_facts`."""
    con = connect()
    rows = lake.relation(con, table).set_alias("t")
    if table == "disclosed_trades":
        rows = rows.filter(f"NOT ({UNREVIEWED})")
    found = rows.aggregate("count(*)").fetchone()
    return int(found[0]) if found else 0


@check(source_files, blocking=False, more="At least one file or world was read; files not recognised are counted.")
def something_was_read(subject: Subject) -> Verdict:
    con = connect()
    found = (
        subject.lake.relation(con, "source_files")
        .aggregate("count(*), count(rows_read), count(*) FILTER (kind IS NULL)")
        .fetchone()
    )
    assert found is not None
    files, read, unknown = map(int, found)
    return Verdict(read > 0, {"files": files, "files_read": read, "files_not_recognised": unknown})


@check(
    filings,
    blocking=False,
    more="Every filing that an index lists or a document shows, with a month of this run, is in the ledger.",
)
def ledger_covers_the_index(subject: Subject) -> Verdict:
    facts, every = subject.sources.gather(), MONTHS.get_partition_keys()
    first, last = subject.months or (every[0], every[-1])
    listed = f"SELECT chamber, document, filed_on FROM ({facts.select('filing_facts')})"
    read = f"SELECT chamber, document, filed_on FROM ({facts.select('document_facts')})"
    # a filing lies in the ledger's month where it is known, else in that of the index, or of the document
    return subject.counts(
        f"""
        WITH days AS (
            SELECT chamber, document, max(filed_on) FILTER (kind = 'listed') AS listed_on,
                   min(filed_on) FILTER (kind = 'read') AS read_on
            FROM (SELECT *, 'listed' AS kind FROM ({listed}) UNION ALL SELECT *, 'read' AS kind FROM ({read}))
            GROUP BY ALL
        ), known AS (
            SELECT *, least(greatest(coalesce(strftime(coalesce(listed_on, read_on), '%Y-%m'), $every), $every), $now)
                      AS of_index
            FROM days
        ), held AS (
            SELECT coalesce(l.month, k.of_index) AS month, l.filing_id
            FROM known k LEFT JOIN filings l ON l.chamber = k.chamber AND l.document = k.document
        )
        SELECT month, count(*) AS filings, count(*) FILTER (filing_id IS NULL) AS not_in_ledger
        FROM held WHERE month BETWEEN $first AND $last GROUP BY month""",
        "filings",
        harmless=("filings",),
        params={"every": every[0], "now": every[-1], "first": first, "last": last},
    )


@check(filings, blocking=True, more="A filing counts as parsed only when its rows agree with an independent count.")
def parsed_means_counted(subject: Subject) -> Verdict:
    return subject.counts(
        """
        SELECT month, count(*) AS parsed,
               count(*) FILTER (rows_from = 'document' AND rows_read IS DISTINCT FROM rows_expected) AS count_disagrees,
               count(*) FILTER (rows_expected IS NULL) AS without_count
        FROM filings WHERE status = 'parsed' GROUP BY month""",
        "filings",
        harmless=("parsed",),
    )


@check(filings, blocking=True, more="Every scored row of a filing that was not read whole says so in its flags.")
def partial_rows_are_flagged(subject: Subject) -> Verdict:
    return subject.counts(
        """
        SELECT t.month, count(*) AS rows_of_partial_filings,
               count(*) FILTER (coalesce(t.flags, '') NOT LIKE '%partial%') AS not_flagged
        FROM disclosed_trades t JOIN filings f USING (filing_id)
        WHERE f.status = 'partial' AND f.rows_from = 'document' GROUP BY t.month""",
        "disclosed_trades",
        "filings",
        harmless=("rows_of_partial_filings",),
    )


CHECKS = [
    ledger_covers_the_index,
    parsed_means_counted,
    partial_rows_are_flagged,
    read_is_accepted_plus_put_aside,
    something_was_read,
]
