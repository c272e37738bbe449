"""What people decided and were told: two logs of the lake that only grow.

Here belongs appending to `verdicts` and `warning_notices`. Who is told, and how, is not decided here.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import re
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from cyberpi_assets.storage.lake import Lake
from cyberpi_assets.tables import VERDICTS, WARNING_NOTICES

SAID: Final = ("confirmed", "dismissed", "watch")
_ID: Final = re.compile(r"(?:fused|warning):([A-Z0-9][A-Z0-9.\-]{0,11}):(\d{4}-\d{2}-\d{2})")
_LONGEST: Final = {"by": 100, "note": 2000}


class BadVerdict(ValueError):
    """A verdict that cannot be kept, with the reason."""


def give_verdict(lake: Lake, subject_id: str, said: str, by: str, note: str | None, at: dt.datetime) -> dict[str, Any]:
    """Append a verdict and return it. at: the moment, UTC. Nothing that was decided before is changed.

    Raises BadVerdict for an id that is neither a fused signal nor a warning, is in no table, an unknown verdict, no
    name, or words that are too long.
    """
    match = _ID.fullmatch(subject_id)
    if match is None:
        raise BadVerdict(f"{subject_id[:80]!r} is no id of a fused signal or warning, as `cyberpi hunt` prints it")
    try:
        day = dt.date.fromisoformat(match[2])
    except ValueError:
        raise BadVerdict(f"{match[2]} is no date") from None
    if said not in SAID:
        raise BadVerdict(f"a verdict is {', '.join(SAID)}, not {said[:40]!r}")
    by, note = by.strip(), (note or "").strip() or None
    if not by:
        raise BadVerdict("a verdict needs the name of who decides")
    for name, text in (("by", by), ("note", note or "")):
        if len(text) > _LONGEST[name]:
            raise BadVerdict(f"{name} is longer than {_LONGEST[name]} characters")
    table, key = ("fused_signals", "fused_id") if subject_id.startswith("fused:") else ("early_warnings", "warning_id")
    if subject_id not in lake.read(table, columns=[key]).column(key).to_pylist():
        raise BadVerdict(f"{subject_id} is not in {table}")
    row = {
        "verdict_id": f"{subject_id}@{at:%Y%m%dT%H%M%S.%fZ}",
        "subject_id": subject_id,
        "ticker": match[1],
        "day": day,
        "verdict": said,
        "given_at": at,
        "by": by,
        "note": note,
    }
    lake.append("verdicts", pa.Table.from_pylist([row], schema=VERDICTS.schema))
    return row


def claim(lake: Lake, due: Sequence[dict[str, str]], at: dt.datetime, locks: Path) -> list[dict[str, str]]:
    """Of the issues due, those that nobody has claimed before; they are claimed now, and for ever.

    due: issue_id, warning_id, priority, as `due_notifications` gives them; at: the moment, UTC; locks: a local folder.
    Two callers at once never get the same one. An issue is claimed before it is told: where telling fails, it is not
    told again by itself.
    """
    with _alone(locks / ".notices"):
        told = set(lake.read("warning_notices", columns=["issue_id"]).column("issue_id").to_pylist())
        mine = [d for d in due if d["issue_id"] not in told]
        rows = [{**{k: d[k] for k in ("issue_id", "warning_id", "priority")}, "claimed_at": at} for d in mine]
        lake.append("warning_notices", pa.Table.from_pylist(rows, schema=WARNING_NOTICES.schema))
    return mine


@contextmanager
def _alone(lock: Path) -> Generator[None]:
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
