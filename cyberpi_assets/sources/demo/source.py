"""The demo profile's source: the invented world, generated once and kept as one unit of the intake.

Belongs here: when the world is built and how it is filed. What happens in it is in the modules beside.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from cyberpi_assets.sources.demo.world import build
from cyberpi_assets.sources.intake import Gathered, Intake, Unit

WORLD_VERSION = 4  # raise it when the same seed gives another world, so that a kept one is built anew
_MADE_AT = dt.datetime(2023, 1, 3, tzinfo=dt.UTC)  # a world has no age: a clock would make two runs differ


class DemoSources:
    """Facts of a simulated world: invented companies and officials, with planted and known events."""

    def __init__(self, intake: Intake, seed: int, first_month: str, last_month: str) -> None:
        """Name the world: where it is kept, its seed, and its months (YYYY-MM, inclusive). Nothing is built yet."""
        self.intake, self.seed = intake, seed
        self.first_month, self.last_month = first_month, last_month

    @property
    def unit_id(self) -> str:
        """The name of the world's unit in the intake."""
        return Intake.unit_id("demo", WORLD_VERSION, self.seed, self.first_month, self.last_month)

    def gather(self, progress: Callable[[str], None] | None = None) -> Gathered:
        """Build the world unless it is there already, and return its facts.

        Raises ValueError for months or a seed that are not.
        """
        if not self.intake.has(self.unit_id):
            trace = f"demo:{self.seed}"
            facts, put_aside = build(self.seed, self.first_month, self.last_month, trace, progress)
            unit = Unit(
                file=trace,
                kind="demo",
                format="demo/world",
                bytes=0,
                modified_at=_MADE_AT,
                rows_read=sum(t.num_rows for t in facts.values()) + put_aside.num_rows,
                facts=dict(facts),
                quarantine=put_aside,
            )
            self.intake.write(self.unit_id, unit)
        return Gathered(self.intake, (self.unit_id,))
