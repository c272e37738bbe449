"""How a check of this house is declared: blocking or not, its result kept as rows beside Dagster's own record.

Dagster keeps one result without partition for a check in a range run; the table `check_results` keeps which months the
run was over, and each month's own result where the answer differs by month. What must hold of a table is in the other
modules.
"""

import datetime as dt
import json
from collections.abc import Callable, Collection, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import dagster as dg
import duckdb

from cyberpi_assets.domain.quality.verdict import NOTHING, Verdict, counted
from cyberpi_assets.orchestration.check_log import CheckLog
from cyberpi_assets.orchestration.partitions import MONTHS, run_months
from cyberpi_assets.settings import Settings
from cyberpi_assets.sources.intake import Sources
from cyberpi_assets.storage.engine import connect
from cyberpi_assets.storage.lake import Lake

__all__ = ["Subject", "Verdict", "check"]


@dataclass(frozen=True)
class Subject:
    """What a check may look at; `months`: the first and last month of the run, None where it is over none."""

    lake: Lake
    sources: Sources
    settings: Settings
    months: tuple[str, str] | None = None

    @contextmanager
    def engine(self, *names: str) -> Generator[duckdb.DuckDBPyConnection]:
        """An engine with these tables as views, and no others: to look up the files of all takes longer than to ask."""
        con = connect(self.settings.duckdb_memory_limit, self.settings.duckdb_threads)
        try:
            for name in names:
                self.lake.relation(con, name).create_view(name)
            yield con
        finally:
            con.close()

    def counts(
        self, query: str, *names: str, harmless: Collection[str], params: Mapping[str, object] | None = None
    ) -> Verdict:
        """The verdict of a query over the tables named, with the columns month and counts.

        It holds where each count is zero, but for the `harmless` ones.
        """
        with self.engine(*names) as con:
            return counted(con.execute(query, dict(params) if params else None).to_arrow_table(), harmless)


def rows_of(
    asset: str,
    name: str,
    severity: dg.AssetCheckSeverity,
    months: tuple[str, str] | None,
    verdict: Verdict,
    at: dt.datetime,
    run_id: str,
) -> list[dict[str, Any]]:
    """Rows of `check_results`: one for what the run was over, and one per month where the answer differs by month.

    Those of months begin their detail with the month. They are the months of the run, also those with nothing to check;
    of a run over no months, all that the verdict knows.
    """
    said = {"asset": asset, "check_name": name, "severity": severity.value, "checked_at": at, "run_id": run_id}
    first, last = months or ("all", "all")
    own = {"partition_from": first, "partition_to": last, "passed": verdict.passed}
    rows: list[dict[str, Any]] = [{**said, **own, "detail": json.dumps(dict(verdict.detail))}]
    if verdict.months is not None:
        wanted = [m for m in MONTHS.get_partition_keys() if first <= m <= last] if months else list(verdict.months)
        for month in wanted:
            part = verdict.months.get(month, NOTHING)
            span = {"partition_from": month, "partition_to": month, "passed": part.passed}
            rows.append({**said, **span, "detail": json.dumps({"month": month, **part.detail})})
    return rows


def check(
    asset: dg.AssetsDefinition | dg.AssetKey, *, blocking: bool, more: str
) -> Callable[[Callable[[Subject], Verdict]], dg.AssetChecksDefinition]:
    """Declare a check of one asset. A blocking one that fails keeps everything downstream from running.

    The function gives a Verdict; its name is the check's name, `more` its description.
    """
    key = asset if isinstance(asset, dg.AssetKey) else asset.key

    def declare(body: Callable[[Subject], Verdict]) -> dg.AssetChecksDefinition:
        severity = dg.AssetCheckSeverity.ERROR if blocking else dg.AssetCheckSeverity.WARN

        @dg.asset_check(asset=key, name=body.__name__, blocking=blocking, description=more)
        def run(
            context: dg.AssetCheckExecutionContext,
            lake: dg.ResourceParam[Lake],
            sources: dg.ResourceParam[Sources],
            settings: dg.ResourceParam[Settings],
            check_log: dg.ResourceParam[CheckLog],
        ) -> dg.AssetCheckResult:
            months = run_months(context.run.tags)
            verdict = body(Subject(lake, sources, settings, months))
            at, run_id = dt.datetime.now(dt.UTC), context.run.run_id
            check_log.add(rows_of(key.to_user_string(), body.__name__, severity, months, verdict, at, run_id))
            return dg.AssetCheckResult(passed=verdict.passed, severity=severity, metadata=dict(verdict.detail))

        return run

    return declare
