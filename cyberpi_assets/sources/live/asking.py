"""What the official parts of profile live share: whom they ask through, for which days, and how much.

Belongs here: windows of days and the terms on which one gathering asks. Sites are in the modules beside.
"""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cyberpi_assets.rules.asking import OcrRules
from cyberpi_assets.sources.web.client import PoliteClient


@dataclass(frozen=True)
class Window:
    """Days of filing that are asked for, both included."""

    first: dt.date
    last: dt.date

    @classmethod
    def of_months(cls, first: str, last: str) -> Window:
        """From the first day of a month (YYYY-MM) to the last day of another."""
        year, month = int(last[:4]), int(last[5:7])
        return cls(
            dt.date(int(first[:4]), int(first[5:7]), 1), dt.date(year, month, calendar.monthrange(year, month)[1])
        )

    def holds(self, day: dt.date | None, year: int | None = None) -> bool:
        """Whether a filing of this day is asked for; one without a day, where its year lies within."""
        if day is None:
            return year is not None and self.first.year <= year <= self.last.year
        return self.first <= day <= self.last


@dataclass(frozen=True)
class Asking:
    """The terms of one gathering. `folder` keeps what was fetched; `today` is the day in New York.

    `ocr`: whether and how scans are read by character recognition.
    """

    client: PoliteClient
    folder: Path
    windows: Sequence[Window]
    today: dt.date
    most: int
    poll_seconds: float
    ocr: OcrRules

    def holds(self, day: dt.date | None, year: int | None = None) -> bool:
        """Whether any window asks for a filing of this day."""
        return any(w.holds(day, year) for w in self.windows)
