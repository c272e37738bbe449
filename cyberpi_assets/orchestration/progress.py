"""Progress of a run in a terminal: one line per asset as it is stored, and per check that fails.

Here belongs what a person sees while a run goes on. What a run computes is not known here.
"""

from __future__ import annotations

import logging
import sys
import time
from typing import TextIO

import dagster as dg

from cyberpi_assets.orchestration.retrying import reason_of

_SKIPPED_ROWS = "-"


class Reading:
    """Says what a source is reading: on a terminal in one line that changes, elsewhere as a count at the end."""

    def __init__(self, out: TextIO) -> None:
        """Name where to write."""
        self.out = out
        self.count = 0

    def __call__(self, word: str) -> None:
        """One more file or part is being read."""
        self.count += 1
        if self.out.isatty():
            self.out.write(f"\r\x1b[2K  · {word[:100]}")
            self.out.flush()

    def done(self) -> None:
        """Everything is read."""
        if self.out.isatty() and self.count:
            self.out.write("\r\x1b[2K")
        if self.count:
            self.out.write(f"  ✓ read {self.count:,} new or changed sources\n")
            self.out.flush()


class _Lines(logging.Handler):
    """Turns Dagster's events into lines for people."""

    def __init__(self, out: TextIO) -> None:
        super().__init__()
        self.out = out
        self.began: dict[str, float] = {}
        self.rows: dict[str, dict[str, str]] = {}  # of each step, by table: a step may store several

    def emit(self, record: logging.LogRecord) -> None:
        """One log record: an event of the run, or a word of an asset's own."""
        event: dg.DagsterEvent | None = getattr(record, "dagster_event", None)
        if event is None:
            # what a failed step keeps from running follows from its own line
            if record.levelno >= logging.WARNING and not record.getMessage().endswith("Not executing."):
                self._say(f"  ! {record.getMessage()}")
            return
        step = event.step_key or ""
        if event.event_type is dg.DagsterEventType.STEP_START:
            self.began[step] = time.monotonic()
        elif event.event_type is dg.DagsterEventType.ASSET_MATERIALIZATION:
            found = event.step_materialization_data.materialization.metadata.get("rows")
            rows = f"{found.value:,}" if found is not None and isinstance(found.value, int) else _SKIPPED_ROWS
            self.rows.setdefault(step, {})[event.asset_key.to_user_string() if event.asset_key else step] = rows
        elif event.event_type is dg.DagsterEventType.STEP_SUCCESS and step in self.rows:
            for name, rows in self.rows.pop(step).items():
                self._say(f"  ✓ {name:<26} {rows:>12} rows  {self._seconds(step):>6}")
        elif event.event_type is dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            check = event.asset_check_evaluation_data
            if not check.passed:
                word = "warning" if check.severity is dg.AssetCheckSeverity.WARN else "FAILED"
                self._say(f"  ✗ check {check.asset_key.to_user_string()}.{check.check_name}: {word}")
        elif event.event_type is dg.DagsterEventType.STEP_UP_FOR_RETRY:
            self._say(f"  ! {step:<26} is tried again")
        elif event.event_type is dg.DagsterEventType.STEP_FAILURE:
            error = event.step_failure_data.error
            cause = reason_of(error) if error else None
            self._say(f"  ✗ {step:<26} {cause.message.strip() if cause else 'failed'}")

    def _seconds(self, step: str) -> str:
        return f"{time.monotonic() - self.began.get(step, time.monotonic()):.1f} s"

    def _say(self, line: str) -> None:
        self.out.write(line + "\n")
        self.out.flush()


def _logger(_: dg.InitLoggerContext) -> logging.Logger:
    logger = logging.Logger("cyberpi.progress")
    logger.addHandler(_Lines(sys.stderr))
    return logger


progress_logger = dg.LoggerDefinition(_logger, description="One line per asset, for a terminal.")
