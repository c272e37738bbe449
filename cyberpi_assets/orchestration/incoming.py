"""The sensor that sees new files and starts a run over what they change. It is stopped until somebody starts it.

Belongs here: when a folder has settled, and which run it then asks for. Which months changed is found in `plan.py`.

A folder has settled when two looks find the same files, sizes and times: what is still being copied is not read. What
is new is read by the look itself, so that the run can be limited to the months it changes; a look that takes too long
is cut off by Dagster and goes on with the next one, for every file that was read stays read.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import dagster as dg

from cyberpi_assets.orchestration.jobs import everything
from cyberpi_assets.orchestration.partitions import PLANNED, RANGE_FROM, RANGE_TO
from cyberpi_assets.orchestration.plan import Plan, plan, read_state, state_of
from cyberpi_assets.orchestration.resources import lake_of, sources_of
from cyberpi_assets.settings import Profile, Settings

EVERY_SECONDS: Final = 60


@dataclass(frozen=True)
class Seen:
    """The cursor: the files as the last look found them, those that a run was last asked for, and how many runs."""

    found: str = ""
    done: str = ""
    runs: int = 0

    @classmethod
    def of_text(cls, text: str | None) -> Seen:
        """The cursor out of `as_text`; an empty one where there is none, or none that can be read."""
        try:
            told: Any = json.loads(text or "{}")
            return cls(str(told.get("found", "")), str(told.get("done", "")), int(told.get("runs", 0)))
        except (ValueError, TypeError, AttributeError):
            return cls()

    def as_text(self) -> str:
        """The cursor as JSON."""
        return json.dumps({"found": self.found, "done": self.done, "runs": self.runs})


def listing(folder: Path) -> tuple[str, int]:
    """A digest of names, sizes and times of all files in a folder, hidden ones left out; and how many there are.

    Raises NotADirectoryError.
    """
    if not folder.is_dir():
        raise NotADirectoryError(f"no folder of files at {folder}")
    lines: list[str] = []
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        for name in names:
            if name.startswith("."):
                continue
            try:
                stat = (Path(root) / name).stat()
            except OSError:  # gone between the two looks, or a link to nowhere
                continue
            lines.append(f"{(Path(root) / name).relative_to(folder)}|{stat.st_size}|{stat.st_mtime_ns}")
    return hashlib.sha256("\n".join(sorted(lines)).encode(errors="surrogateescape")).hexdigest()[:24], len(lines)


def incoming_sensor(settings: Settings) -> dg.SensorDefinition:
    """The sensor, for these settings."""

    @dg.sensor(
        name="incoming_files",
        job=everything,
        minimum_interval_seconds=EVERY_SECONDS,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description="Looks at the folder of bulk files (CYBERPI_DATA, else data/incoming), and when files are new or "
        "changed and no longer being copied, starts a run over the months that they change. Profile demo reads none.",
    )
    def incoming_files(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        if settings.profile is Profile.DEMO:
            return dg.SkipReason("profile demo reads no files; profiles files and live do")
        before = Seen.of_text(context.cursor)
        try:
            found, count = listing(settings.incoming_dir)
        except NotADirectoryError:
            return dg.SkipReason("there is no folder of bulk files, and no data/incoming")
        if found == before.done:
            return dg.SkipReason(f"no file is new or changed among {count:,}")
        if found != before.found:
            later = Seen(found, before.done, before.runs).as_text()
            return dg.SensorResult(skip_reason=dg.SkipReason("files arrive: the next look sees"), cursor=later)
        due = _due(settings)
        if due.months is None:
            told = Seen(found, found, before.runs).as_text()
            return dg.SensorResult(skip_reason=dg.SkipReason(due.reason), cursor=told)
        number = before.runs + 1
        request = dg.RunRequest(
            run_key=f"files:{number}:{found}",  # the same files again after others are another occasion
            tags={RANGE_FROM: due.months[0], RANGE_TO: due.months[1], PLANNED: "sensor", "cyberpi/why": due.reason},
        )
        return dg.SensorResult(run_requests=[request], cursor=Seen(found, found, number).as_text())

    return incoming_files


def _due(settings: Settings) -> Plan:
    gathered = sources_of(settings, asks=False).gather()
    return plan(state_of(settings, gathered), read_state(settings), lake_of(settings))
