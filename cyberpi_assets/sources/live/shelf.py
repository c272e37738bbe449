"""What feeds gave, day by day: rows that were not delivered before, kept with the moment they were first seen.

Belongs here: the keeping, for parts whose documents show the same entries again and again. A document as served stays
in the client's cache; of its rows only new or changed ones go on the shelf. A unit is one day of one part, so that a
year of polling every five minutes is 365 units.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from cyberpi_assets.sources.intake import Intake, Unit
from cyberpi_assets.sources.rows import Reading
from cyberpi_assets.sources.web.cache import write_whole
from cyberpi_assets.storage.engine import connect
from cyberpi_assets.tables import FACTS

VERSION: Final = 1
REMEMBERED: Final = dt.timedelta(days=60)  # a row that comes again after so long counts as new
_OWN: Final = ("file", "line", "seen_at")


class Shelf:
    """The rows of one fact that one part was given, a Parquet file per UTC day. One process writes at a time."""

    def __init__(self, folder: Path, part: str, fact: str, kind: str) -> None:
        """`folder` keeps all shelves; `kind` is what `source_files` calls the rows."""
        self._folder, self._part, self._fact, self._kind = folder / part, part, fact, kind
        self._columns = [c for c in FACTS[fact].names if c not in _OWN]

    def add(self, readings: Iterable[Reading], now: dt.datetime) -> int:
        """Keep the rows that were not given before; how many."""
        tables = [t for r in readings if isinstance(t := r.facts.get(self._fact), pa.Table) and t.num_rows]
        if not tables:
            return 0
        given = pa.concat_tables(tables, promote_options="permissive")
        fresh = self._fresh(given, now)
        if fresh.num_rows:
            path = self._folder / f"{now:%Y-%m-%d}.parquet"
            kept = [pq.read_table(path), fresh] if path.exists() else [fresh]
            buffer = io.BytesIO()
            pq.write_table(pa.concat_tables(kept, promote_options="permissive"), buffer, compression="zstd")
            write_whole(path, buffer.getvalue())
        return fresh.num_rows

    def units(self, intake: Intake) -> tuple[str, ...]:
        """A unit for each day, oldest first; a day that grew is another unit."""
        return tuple(self._unit(intake, path) for path in sorted(self._folder.glob("*.parquet")))

    def _unit(self, intake: Intake, path: Path) -> str:
        data = path.read_bytes()
        unit_id = Intake.unit_id("shelf", VERSION, self._part, path.stem, hashlib.sha256(data).hexdigest())
        if not intake.has(unit_id):
            rows, file = pq.read_table(io.BytesIO(data)), f"live:{self._part}/{path.stem}"
            n = rows.num_rows
            columns: dict[str, Any] = {c: rows.column(c) for c in rows.column_names}
            columns["file"] = pa.chunked_array([pa.repeat(pa.scalar(file), n)])
            columns["line"] = pa.chunked_array([pa.array(range(1, n + 1), pa.int64())])
            whole = pa.table({c: columns[c] for c in FACTS[self._fact].names})
            at = dt.datetime.combine(dt.date.fromisoformat(path.stem), dt.time(23, 59, 59), dt.UTC)
            intake.write(
                unit_id, Unit(file, self._kind, f"live/{self._part}", len(data), at, n, None, {self._fact: whole})
            )
        return unit_id

    def _fresh(self, given: pa.Table, now: dt.datetime) -> pa.Table:
        """Rows whose content was not kept in the last days, each once."""
        since = f"{now - REMEMBERED:%Y-%m-%d}"
        known = [str(p) for p in sorted(self._folder.glob("*.parquet")) if p.stem >= since]
        row = "md5(concat_ws(chr(31), " + ", ".join(f'coalesce("{c}"::VARCHAR, chr(30))' for c in self._columns) + "))"
        con = connect()
        try:
            con.register("given", given)
            before = f"SELECT {row} AS h FROM read_parquet($known)" if known else "SELECT '' AS h WHERE false"
            found = con.execute(
                f"WITH marked AS (SELECT *, {row} AS h, row_number() OVER () AS place FROM given) "
                f"SELECT * EXCLUDE (h, place) FROM marked WHERE h NOT IN ({before}) "
                "QUALIFY row_number() OVER (PARTITION BY h ORDER BY place) = 1 ORDER BY place",
                {"known": known} if known else None,
            )
            return found.to_arrow_table().cast(given.schema)
        finally:
            con.close()
