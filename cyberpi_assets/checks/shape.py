"""What must hold of every table: its columns, its key, its months and dates. Derived from `tables/`."""

from __future__ import annotations

import dagster as dg

from cyberpi_assets.assets.stages import STAGES
from cyberpi_assets.checks.recorded import Subject, Verdict, check
from cyberpi_assets.storage.engine import connect
from cyberpi_assets.tables import LAKE, MONTH, Table

# Dates that an official wrote down are kept as written, however impossible; all others lie in this span.
_FIRST, _LAST = "1900-01-01", "2100-01-01"
_AS_WRITTEN = {"transaction_date", "notification_date", "filed_on", "first_trade", "last_trade", "not_before"}
_NEVER_BEFORE = {"session": "1962-01-01", "day": "1962-01-01"}
# Terms of the first Congress are in the published lists.
_OLD = {"starts_on", "ends_on", "in_office_from", "in_office_to", "birthday"}


def shape_of(subject: Subject, table: Table) -> Verdict:
    """Columns as declared, no null where none may be, key unique, months and dates in range."""
    con = connect(subject.settings.duckdb_memory_limit, subject.settings.duckdb_threads)
    try:
        rows = subject.lake.relation(con, table.name)
        columns_right = rows.columns == table.names
        rows.create_view("checked")
        asked = {"rows": "count(*)"}
        for c in table.columns:
            if not c.nullable:
                asked[f"null_{c.name}"] = f'count(*) - count("{c.name}")'
            if str(c.type).startswith("date32") and c.name not in _AS_WRITTEN:
                first = "1700-01-01" if c.name in _OLD else _NEVER_BEFORE.get(c.name, _FIRST)
                asked[f"impossible_{c.name}"] = (
                    f"count(*) FILTER (\"{c.name}\" NOT BETWEEN DATE '{first}' AND DATE '{_LAST}')"
                )
            if c.name in ("session", "day") and table.partitioned:
                asked[f"other_month_{c.name}"] = f"count(*) FILTER (strftime(\"{c.name}\", '%Y-%m') <> {MONTH})"
        found = con.sql("SELECT " + ", ".join(f"{v} AS {k}" for k, v in asked.items()) + " FROM checked").fetchone()
        assert found is not None
        figures = dict(zip(asked, (int(v) for v in found), strict=True))
        key = ", ".join(f'"{k}"' for k in table.key)
        twice = con.sql(f"SELECT count(*) FROM (SELECT 1 FROM checked GROUP BY {key} HAVING count(*) > 1)").fetchone()
        assert twice is not None
        figures["keys_twice"] = int(twice[0])
    finally:
        con.close()
    wrong = {k: v for k, v in figures.items() if k != "rows" and v}
    return Verdict(columns_right and not wrong, {"rows": figures["rows"], "columns_right": columns_right, **wrong})


def _for(key: dg.AssetKey) -> dg.AssetChecksDefinition:
    table = LAKE[key.path[-1]]

    def columns_keys_and_dates(subject: Subject) -> Verdict:
        return shape_of(subject, table)

    return check(
        key,
        blocking=True,
        more=f"Columns as declared; key ({', '.join(table.key)}) unique; no null where none may be; dates in range.",
    )(columns_keys_and_dates)


CHECKS = [_for(key) for stage in STAGES for asset in stage.ASSETS for key in sorted(asset.keys) if key.path[-1] in LAKE]
