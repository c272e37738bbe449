"""What must hold of the account of rows: nothing disappears between a file and a table."""

from __future__ import annotations

import pyarrow as pa

from cyberpi_assets.assets.disclosures import quarantined_rows
from cyberpi_assets.assets.reference import source_files
from cyberpi_assets.checks.recorded import Subject, Verdict, check
from cyberpi_assets.domain.quarantine import imbalance
from cyberpi_assets.storage.engine import connect
from cyberpi_assets.storage.lake import Lake

_STORED = {"bars": "daily_bars", "disclosures": "disclosed_trades"}


@check(
    quarantined_rows, blocking=False, more="Per file and per kind of fact: rows read = rows accepted + rows put aside."
)
def read_is_accepted_plus_put_aside(subject: Subject) -> Verdict:
    gathered = subject.sources.gather()
    refused = gathered.facts("quarantine_facts")
    con = connect()
    con.register("refused", refused)
    aside = dict(con.sql("SELECT kind, count(DISTINCT (file, line)) FROM refused GROUP BY kind").fetchall())
    facts = {"bars": "bar_facts", "disclosures": "disclosure_facts"}
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
    con = connect()
    found = lake.relation(con, table).aggregate("count(*)").fetchone()
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


CHECKS = [read_is_accepted_plus_put_aside, something_was_read]
