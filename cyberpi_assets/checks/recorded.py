"""How a check of this house is declared: blocking or not, its result kept as a row beside Dagster's own record.

Dagster keeps one result without partition for a check in a range run; the table `check_results` keeps which months the
run was over. What must hold of a table is in the other modules.
"""

import datetime as dt
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import dagster as dg
import pyarrow as pa

from cyberpi_assets.orchestration.partitions import run_months
from cyberpi_assets.settings import Settings
from cyberpi_assets.sources.intake import Sources
from cyberpi_assets.storage.lake import Lake
from cyberpi_assets.tables import CHECK_RESULTS

Detail = Mapping[Any, int | float | str | bool | None]


@dataclass(frozen=True)
class Verdict:
    """What a check found: whether it holds, and figures for whoever asks."""

    passed: bool
    detail: Detail


@dataclass(frozen=True)
class Subject:
    """What a check may look at; `months`: the first and last month of the run, None where it is over none."""

    lake: Lake
    sources: Sources
    settings: Settings
    months: tuple[str, str] | None = None


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
        ) -> dg.AssetCheckResult:
            months = run_months(context.run.tags)
            verdict = body(Subject(lake, sources, settings, months))
            row: dict[str, Any] = {
                "asset": key.to_user_string(),
                "check_name": body.__name__,
                "partition_from": months[0] if months else "all",
                "partition_to": months[1] if months else "all",
                "passed": verdict.passed,
                "severity": severity.value,
                "checked_at": dt.datetime.now(dt.UTC),
                "run_id": context.run.run_id,
                "detail": json.dumps(dict(verdict.detail)),
            }
            lake.append("check_results", pa.Table.from_pylist([row], schema=CHECK_RESULTS.schema))
            return dg.AssetCheckResult(passed=verdict.passed, severity=severity, metadata=dict(verdict.detail))

        return run

    return declare
