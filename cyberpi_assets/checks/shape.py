"""What must hold of every table: its columns, its key, its months and dates. Derived from `tables/`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import dagster as dg

from cyberpi_assets.assets.stages import STAGES
from cyberpi_assets.checks.recorded import Subject, Verdict, check
from cyberpi_assets.domain.quality.verdict import by_month
from cyberpi_assets.tables import LAKE, MONTH, Table

# Dates that an official wrote down are kept as written, however impossible; all others lie in this span.
_FIRST, _LAST = "1900-01-01", "2100-01-01"
_AS_WRITTEN = {"transaction_date", "notification_date", "filed_on", "first_trade", "last_trade", "not_before"}
_NEVER_BEFORE = {"session": "1962-01-01", "day": "1962-01-01"}
_NO_MONTH = "none"  # of a table without months, and of a row whose month is missing
# Terms of the first Congress are in the published lists.
_OLD = {"starts_on", "ends_on", "in_office_from", "in_office_to", "birthday"}


def shape_of(subject: Subject, table: Table) -> Verdict:
    """Columns as declared, no null where none may be, key unique, months and dates in range; by month where it is."""
    with subject.engine(table.name) as con:
        columns_right = con.table(table.name).columns == table.names
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
        month = f"coalesce({MONTH}, '{_NO_MONTH}')" if table.partitioned else f"'{_NO_MONTH}'"
        key = ", ".join(f'"{k}"' for k in table.key)
        told = f"SELECT {month} AS month, {', '.join(f'{sql} AS {name}' for name, sql in asked.items())}"
        # a key that stands in several months is charged to the last of them; which, is asked only where one is there
        again = f"FROM {table.name} GROUP BY {key} HAVING count(*) > 1"
        twice = con.sql(f"SELECT 1 {again} LIMIT 1").fetchall()
        charged = f"SELECT max({month}) AS month {again}" if twice else "SELECT '' AS month WHERE false"
        found = con.sql(f"""
            WITH told AS ({told} FROM {table.name} GROUP BY 1),
            twice AS (SELECT month, count(*) AS n FROM ({charged}) GROUP BY month)
            SELECT told.*, coalesce(n, 0) AS keys_twice FROM told LEFT JOIN twice USING (month)""").to_arrow_table()

    def said(figures: Mapping[str, int]) -> dict[str, int | bool]:
        wrong = {k: v for k, v in figures.items() if k != "rows" and v}
        return {"rows": figures.get("rows", 0), "columns_right": columns_right, **wrong}

    def right(figures: Mapping[str, int]) -> bool:
        return columns_right and not any(v for k, v in figures.items() if k != "rows")

    verdict = by_month(found, right, said)
    return verdict if table.partitioned else replace(verdict, months=None)


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
