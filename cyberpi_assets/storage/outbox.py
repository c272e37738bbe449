"""Which messages are due, and what became of each: a log in the lake that only grows.

Here belongs that nobody is told twice. What a message says is in `reports/notices.py`, how it is sent in `messages.py`.

A message is taken on (`claimed`) before it is sent, by one process alone. When every service has refused it, it is sent
again by a later look, a few times. Where a process dies between the two, nobody knows whether it went out: it is
not sent again, and `Outbox.unknown` counts it.
"""

from __future__ import annotations

import datetime as dt
import fcntl
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal

import pyarrow as pa

from cyberpi_assets.storage.engine import cursor
from cyberpi_assets.storage.lake import Lake
from cyberpi_assets.tables import NOTIFICATIONS

_NAME: Final = NOTIFICATIONS.name
_TOLD: Final = ("notice_id", "kind", "severity", "subject", "title", "body")
# The newest row of each message; of one attempt, how it ended comes after that it began.
_NEWEST: Final = """
    SELECT notice_id, kind, severity, subject, title, body, state, tries, "at" FROM log
    QUALIFY row_number() OVER (
        PARTITION BY notice_id ORDER BY tries DESC, state = 'claimed', "at" DESC
    ) = 1 ORDER BY "at", notice_id"""


class Outbox:
    """The log of messages of one lake."""

    def __init__(self, lake: Lake, locks: Path) -> None:
        """`locks`: a local folder; the processes that tell people share it."""
        self._lake, self._lock = lake, locks / ".notifications"

    def claim(self, due: Sequence[Mapping[str, Any]], tries: int, at: dt.datetime) -> list[dict[str, Any]]:
        """Take on what nobody has taken on before, and what failed fewer than `tries` times; the rows taken on.

        due: notice_id, kind, severity, subject, title, body; at: the moment, UTC. What failed has the words of its
        first time.
        """
        with self._alone():
            newest = {row["notice_id"]: row for row in self._newest()}
            again = [r for r in newest.values() if r["state"] == "failed" and r["tries"] < tries]
            fresh = {d["notice_id"]: d for d in due if d["notice_id"] not in newest}
            mine = [
                {**{c: row[c] for c in _TOLD}, "state": "claimed", "tries": row.get("tries", 0) + 1, "at": at}
                for row in (*again, *fresh.values())
            ]
            self._append(mine)
        return mine

    def done(
        self,
        claimed: Sequence[Mapping[str, Any]],
        state: Literal["sent", "failed", "digest"],
        reason: str,
        at: dt.datetime,
    ) -> None:
        """Say how messages that were taken on ended. `reason` holds no address."""
        self._append([{**row, "state": state, "reason": reason, "at": at} for row in claimed])

    def told(self) -> int:
        """How many occasions people were told of."""
        return sum(r["state"] in ("sent", "digest") for r in self._newest())

    def failed(self, tries: int) -> int:
        """How many messages a later look would send again."""
        return sum(r["state"] == "failed" and r["tries"] < tries for r in self._newest())

    def unknown(self, before: dt.datetime) -> int:
        """How many messages were taken on before a moment, and nobody knows whether they went out."""
        return sum(r["state"] == "claimed" and r["at"] < before for r in self._newest())

    def _newest(self) -> list[dict[str, Any]]:
        con = cursor()
        try:
            log = self._lake.relation(con, _NAME)
            return log.query("log", _NEWEST).to_arrow_table().to_pylist()
        finally:
            con.close()

    def _append(self, rows: Sequence[Mapping[str, Any]]) -> None:
        made = [{c: row.get(c) for c in NOTIFICATIONS.names} for row in rows]
        self._lake.append(_NAME, pa.Table.from_pylist(made, schema=NOTIFICATIONS.schema))

    @contextmanager
    def _alone(self) -> Generator[None]:
        self._lock.parent.mkdir(parents=True, exist_ok=True)
        with self._lock.open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
