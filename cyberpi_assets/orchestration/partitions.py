"""The months in which time flows through the house.

Here belongs the one partitions definition, and the window of earlier months that an asset reads beside its own. The
months of a table's rows are computed in `domain/`.
"""

from __future__ import annotations

from collections.abc import Mapping

import dagster as dg

from cyberpi_assets.storage.dagster_io import ALL_MONTHS, MONTHS_BEFORE

FIRST_MONTH = "2012-01"  # the STOCK Act is of April 2012; its first reports go back to January

MONTHS = dg.TimeWindowPartitionsDefinition(
    start=FIRST_MONTH, fmt="%Y-%m", cron_schedule="0 0 1 * *", timezone="America/New_York", end_offset=1
)

RANGE_FROM, RANGE_TO = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"
ONE_MONTH = "dagster/partition"
PLANNED = "cyberpi/terminal"  # a run of the terminal, which has asked the sources before it planned

REPORT = "cyberpi/report"  # a run that keeps a copy of the pattern report, named after this week or month

# A range of months is one run: 500 runs of one month each take minutes to start, one run of 500 months seconds.
ONE_RUN = dg.BackfillPolicy.single_run()


def reading_back(months: int = ALL_MONTHS) -> dg.AssetIn:
    """An input of the run's own months and `months` before them; of all earlier months by default.

    The window is said on the input and not as a partition mapping: launched from the root, a mapping with an offset
    also materialises months nobody asked for.
    """
    return dg.AssetIn(metadata={MONTHS_BEFORE: months})


def months_of(context: dg.AssetExecutionContext) -> list[str]:
    """The months (YYYY-MM) this run materialises, ascending."""
    return sorted(context.partition_keys)


def run_months(tags: Mapping[str, str]) -> tuple[str, str] | None:
    """The first and last month that a run is over, by its tags; None for a run over no months."""
    first, last = tags.get(RANGE_FROM), tags.get(RANGE_TO)
    if first is not None and last is not None:
        return first, last
    one = tags.get(ONE_MONTH)
    return None if one is None else (one, one)


def months_asked_for(tags: Mapping[str, str]) -> tuple[str, str] | None:
    """The months whose filings a run wants fetched: its own, where somebody launched it over them from Dagster."""
    return None if PLANNED in tags else run_months(tags)
