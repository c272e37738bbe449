"""The intake: what was read from each source, normalised and kept, so that nothing is parsed twice.

Here belongs how facts are kept between reading and merging. How a format is read is in `files/` and `demo/`; what the
merged tables are is in `domain/`.

A unit is one source file in one version (path, size, modification time, reader) or one simulated world. It is a folder
with one Parquet file per kind of fact, the rows put aside, and a manifest; it is written aside and renamed into place,
so a killed reader leaves no half unit. A `Gathered` is the set of units that make up the present state of a source.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from cyberpi_assets.storage.engine import connect, no_rows
from cyberpi_assets.tables import FACTS, FILE_FACTS, QUARANTINE_FACTS, Table, conform

# The date that decides in which month a change of a fact is felt.
DATED: dict[str, str] = {
    "bar_facts": "session",
    "disclosure_facts": "coalesce(filed_on, notification_date, transaction_date)",
    "filing_facts": "filed_on",
    "document_facts": "filed_on",
    "snapshot_facts": "session",
    "chain_facts": "session",
    "option_volume_facts": "session",
    "company_event_facts": "event_on - INTERVAL 14 DAY",  # it excuses activity of the sessions before it
    # days early: the moment from which an item may be used can fall on the New York day before
    "news_facts": "published_at - INTERVAL 1 DAY",
    "halt_facts": "halted_on",
    "company_filing_facts": "coalesce(filed_on, accepted_at::DATE) - INTERVAL 1 DAY",
    "sanction_facts": "coalesce(event_on, snapshot_at::DATE) - INTERVAL 1 DAY",
    "kev_facts": "released_at - INTERVAL 7 DAY",  # an entry is sometimes dated some days before its release
    "incident_facts": "disclosed_on",
    "mna_facts": "announced_on",
}
UNDATED_MONTH = "0000-00"
# Facts whose table keeps file and line: a row that moved within its file is a changed row.
_TRACED = {"disclosure_facts"}


class Sources(Protocol):
    """Where facts come from, as a profile selects it."""

    def gather(self, progress: Callable[[str], None] | None = None) -> Gathered:
        """Read what is new and return the present state of all facts."""
        ...


@dataclass
class Unit:
    """One source file (or world) being written: fact tables, rows put aside, and the file's own line of account."""

    file: str
    kind: str | None
    format: str | None
    bytes: int
    modified_at: dt.datetime
    rows_read: int | None = None
    reason: str | None = None
    facts: dict[str, pa.Table | Path] = field(default_factory=dict)
    quarantine: pa.Table | None = None


class UnbalancedUnit(AssertionError):
    """A reader lost or invented rows: read is not accepted plus quarantined."""


class Intake:
    """Units under one folder."""

    def __init__(self, root: Path) -> None:
        """Name the folder; it is made on the first write."""
        self.root = root
        self._engines = threading.local()

    @staticmethod
    def unit_id(*parts: object) -> str:
        """The name of a unit: a digest of everything that makes it what it is."""
        return hashlib.sha256("\x1f".join(map(str, parts)).encode()).hexdigest()[:24]

    def has(self, unit_id: str) -> bool:
        """Whether the unit was read before."""
        return (self.root / unit_id / "manifest.json").exists()

    def write(self, unit_id: str, unit: Unit) -> None:
        """Keep a unit. A fact is an Arrow table or the path of a Parquet file that is moved into the unit.

        The unit is checked against `tables.FACTS`; when `rows_read` is given it must equal accepted + quarantined.
        Quarantined rows are counted as distinct (file, line). Raises SchemaMismatch or UnbalancedUnit.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=".writing-", dir=self.root))
        try:
            counts: dict[str, int] = {}
            signatures: dict[str, dict[str, str]] = {}
            for name, data in unit.facts.items():
                target = aside / f"{name}.parquet"
                if isinstance(data, Path):
                    shutil.move(data, target)
                    conform(FACTS[name], pq.read_schema(target).empty_table())
                else:
                    pq.write_table(conform(FACTS[name], data), target, compression="zstd", compression_level=1)
                counts[name] = pq.read_metadata(target).num_rows
                signatures[name] = _signature(self._engine(), name, target)
            put_aside = conform(
                QUARANTINE_FACTS, unit.quarantine if unit.quarantine is not None else QUARANTINE_FACTS.empty()
            )
            pq.write_table(put_aside, aside / "quarantine_facts.parquet", compression="zstd")
            quarantined = put_aside.group_by(["file", "line"]).aggregate([]).num_rows
            accepted = sum(counts.values())
            if unit.rows_read is not None and unit.rows_read != accepted + quarantined:
                raise UnbalancedUnit(
                    f"{unit.file}: {unit.rows_read} read, {accepted} accepted + {quarantined} quarantined"
                )
            manifest = {
                "file": {
                    "file": unit.file,
                    "kind": unit.kind,
                    "format": unit.format,
                    "bytes": unit.bytes,
                    "modified_at": unit.modified_at.isoformat(),
                    "rows_read": unit.rows_read,
                    "accepted": accepted if unit.rows_read is not None else None,
                    "quarantined": quarantined if unit.rows_read is not None else None,
                    "reason": unit.reason,
                },
                "counts": counts,
                "signatures": signatures,
            }
            (aside / "manifest.json").write_text(json.dumps(manifest, indent=1))
            final = self.root / unit_id
            if self._same(final, aside):  # read by two processes at once: others may be reading the first one
                shutil.rmtree(aside)
                return
            if final.exists():  # unreadable before: the newer one stands
                shutil.rmtree(final)
            try:
                os.replace(aside, final)
            except OSError:
                if not self._same(final, aside):  # else another process was first by a moment
                    raise
                shutil.rmtree(aside)
        except BaseException:
            shutil.rmtree(aside, ignore_errors=True)
            raise

    @staticmethod
    def _same(one: Path, other: Path) -> bool:
        """Whether both hold the same rows, as their accounts of counts and digests say."""
        try:
            return (one / "manifest.json").read_bytes() == (other / "manifest.json").read_bytes()
        except OSError:
            return False

    def _engine(self) -> duckdb.DuckDBPyConnection:
        """An engine per thread, for signatures: opening one for every fact takes longer than most facts do."""
        if not hasattr(self._engines, "con"):
            self._engines.con = connect()
        return self._engines.con

    def manifest(self, unit_id: str) -> dict[str, Any]:
        """The unit's account: its file, counts per fact, and signatures per fact and month."""
        return json.loads((self.root / unit_id / "manifest.json").read_text())

    def sweep(self, keep: Iterable[str], spare_seconds: float = 0.0) -> int:
        """Remove units that no source names any more, and what killed readers left; how many.

        Those written within `spare_seconds` stay: another process may have found more than this one knows.
        """
        wanted, removed, limit = set(keep), 0, time.time() - spare_seconds
        for folder in self.root.iterdir() if self.root.exists() else ():
            if folder.is_dir() and folder.name not in wanted and folder.stat().st_mtime <= limit:
                shutil.rmtree(folder, ignore_errors=True)
                removed += 1
        return removed


def _signature(con: duckdb.DuckDBPyConnection, name: str, path: Path) -> dict[str, str]:
    """Per month, a digest of the fact's rows, whatever their order; of file and line only where a table keeps these."""
    columns = [c for c in FACTS[name].names if c not in ("file", "line") or name in _TRACED]
    month = f"coalesce(strftime({DATED[name]}, '%Y-%m'), '{UNDATED_MONTH}')" if name in DATED else f"'{UNDATED_MONTH}'"
    row = "hash(" + ", ".join(f'"{c}"' for c in columns) + ")"
    rows = con.execute(
        f"SELECT {month} AS m, count(*) || ':' || sum({row}::HUGEINT) FROM read_parquet(?) GROUP BY m ORDER BY m",
        [str(path)],
    ).fetchall()
    return dict(rows)


@dataclass(frozen=True)
class Gathered:
    """The present state of a source: which units make it up."""

    intake: Intake
    units: tuple[str, ...]
    priority: Mapping[str, int] = field(default_factory=dict)

    def _paths(self, name: str) -> list[str]:
        paths = (self.intake.root / u / f"{name}.parquet" for u in self.units)
        return [str(p) for p in paths if p.exists()]

    def select(self, name: str) -> str:
        """A SQL query over all facts of one kind, with exactly the declared columns, for DuckDB."""
        table: Table = FACTS[name]
        paths = self._paths(name)
        if not paths:
            return no_rows(table)
        columns = ", ".join(f'"{c}"' for c in table.names)
        listed = "[" + ", ".join("'" + p.replace("'", "''") + "'" for p in paths) + "]"
        return f"SELECT {columns} FROM read_parquet({listed})"

    def relation(self, con: duckdb.DuckDBPyConnection, name: str) -> duckdb.DuckDBPyRelation:
        """A lazy DuckDB relation over all facts of one kind."""
        return con.sql(self.select(name))

    def facts(self, name: str, where: str = "true") -> pa.Table:
        """All facts of one kind as Arrow. Columns: `tables.FACTS[name]`. `where` is SQL, never user text."""
        con = connect()
        try:
            data = con.sql(f"SELECT * FROM ({self.select(name)}) WHERE {where}").to_arrow_table()
        finally:
            con.close()
        return data.cast(FACTS[name].schema)

    def files(self) -> pa.Table:
        """One row per file found, as `tables.FILE_FACTS` declares."""
        rows = [self.intake.manifest(u)["file"] for u in self.units]
        for row in rows:
            row["modified_at"] = dt.datetime.fromisoformat(row["modified_at"])
        return conform(FILE_FACTS, pa.Table.from_pylist(rows, schema=FILE_FACTS.schema))

    def signatures(self, names: Sequence[str] | None = None) -> dict[str, dict[str, str]]:
        """Per kind of fact and month, a digest of all units' digests: what changed since the last run shows here."""
        merged: dict[str, dict[str, list[str]]] = {}
        for unit in self.units:
            for name, by_month in self.intake.manifest(unit)["signatures"].items():
                if names is None or name in names:
                    for month, signature in by_month.items():
                        merged.setdefault(name, {}).setdefault(month, []).append(signature)
        return {
            name: {
                m: hashlib.sha256("|".join(sorted(s)).encode()).hexdigest()[:16] for m, s in sorted(by_month.items())
            }
            for name, by_month in merged.items()
        }
