"""Who has still to be told of what, and the telling: once each, over all processes of a store.

Here belongs the way from the tables to messages. What a message says is in `reports/notices.py`, that it goes out once
in `storage/outbox.py`, how in `storage/messages.py`. Without an address in the settings nothing is done and nothing is
marked as told.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from cyberpi_assets.domain.fused.warnings import due_notifications
from cyberpi_assets.domain.highway.items import Item
from cyberpi_assets.orchestration.resources import lake_of
from cyberpi_assets.reports.notices import OF_PRIORITY, Notice, at_least, of_alert, of_item, of_warning, together
from cyberpi_assets.settings import Settings
from cyberpi_assets.storage.engine import cursor
from cyberpi_assets.storage.lake import Lake
from cyberpi_assets.storage.notices import claim
from cyberpi_assets.storage.outbox import Outbox

OFF: Final = "nobody is to be told: set CYBERPI_NOTIFY__URLS to Apprise addresses"


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@dataclass(frozen=True)
class Told:
    """What one look did: messages that went out, and what was told in them; attempts that failed, with the reason."""

    sent: int = 0
    told: int = 0
    failed: int = 0
    reason: str | None = None

    def words(self) -> str:
        """In a line."""
        line = f"{self.told} told in {self.sent} message{'s' if self.sent != 1 else ''}"
        line += f"; {self.failed} not, a later look tries again" if self.failed else ""
        return f"{line} ({self.reason})" if self.reason else line


def wanted(settings: Settings) -> bool:
    """Whether anybody is to be told of anything."""
    return bool(settings.notify.urls)


def outbox_of(settings: Settings, lake: Lake) -> Outbox:
    """The log of messages of this profile."""
    return Outbox(lake, settings.data_dir)


def tell(settings: Settings, lake: Lake, due: Sequence[Notice], now: Callable[[], dt.datetime]) -> Told:
    """Send what is due and was not told before, and what failed before; at most so many messages as the settings say.

    What is due beyond is told in one message more, all of it. `now`: the moment, UTC.
    """
    rules, outbox = settings.notify, outbox_of(settings, lake)
    if not rules.urls:
        return Told()
    from cyberpi_assets.storage.messages import send  # its library takes half a second to load

    mine = outbox.claim([asdict(n) for n in due], rules.tries, now())
    sent = told = failed = 0
    reason: str | None = None
    alone, rest = (mine, []) if len(mine) <= rules.most + 1 else (mine[: rules.most], mine[rules.most :])
    for rows in [*([row] for row in alone), *([rest] if rest else [])]:
        title, body, severity = _message(rows)
        found = send(rules.urls, title, body, severity, rules.timeout_seconds)
        state = "failed" if not found.taken else "sent" if len(rows) == 1 else "digest"
        outbox.done(rows, state, found.words, now())
        if found.taken:
            sent, told = sent + 1, told + len(rows)
        if found.taken < found.of:
            failed, reason = failed + (0 if found.taken else len(rows)), found.words
    return Told(sent, told, failed, reason)


def _message(rows: Sequence[dict[str, Any]]) -> tuple[str, str, str]:
    if len(rows) == 1:
        return rows[0]["title"], rows[0]["body"], rows[0]["severity"]
    notices = [Notice(*(row[c] for c in ("notice_id", "kind", "severity", "subject", "title", "body"))) for row in rows]
    return *together(notices), max(notices, key=lambda n: at_least(n.severity, "critical")).severity


def in_words(settings: Settings, lake: Lake, now: dt.datetime) -> str | None:
    """How messages stand, in a line; None where there has never been one."""
    if lake.version("notifications") < 1:
        return None
    outbox = outbox_of(settings, lake)
    told, again = outbox.told(), outbox.failed(settings.notify.tries)
    unknown = outbox.unknown(now - dt.timedelta(minutes=10))
    line = f"{told} told" + (f", {again} to be tried again" if again else "")
    return line + (f", {unknown} of which nobody knows whether they went out" if unknown else "")


def due_alerts(settings: Settings, lake: Lake) -> list[Notice]:
    """Alerts that hold and are severe enough, the most severe first."""
    con = cursor()
    try:
        rows = lake.relation(con, "alerts").query("alerts", _ALERTS).to_arrow_table().to_pylist()
    finally:
        con.close()
    return [of_alert(row) for row in rows if at_least(row["severity"], settings.notify.min_severity)]


# Fused signals are told of as warnings, and news by the worker that takes items from the highway: nobody twice.
_ALERTS: Final = """
    SELECT alert_id, subject, kind, topic, severity, state, first_seen, last_seen, n_evidence, suspect
    FROM alerts WHERE state <> 'CLEARED' AND kind NOT IN ('fused', 'news')
    ORDER BY list_position(['critical', 'high', 'medium', 'low'], severity), last_seen DESC, alert_id"""


def tell_warnings(settings: Settings, lake: Lake, now: Callable[[], dt.datetime]) -> Told:
    """Tell of open warnings, each once, and again only when it has become more urgent than what was told.

    The message is taken on before the issue is marked in `warning_notices`: whoever dies in between leaves an issue
    that is due, and a message that is not sent twice.
    """
    warnings = lake.read("early_warnings")
    due = due_notifications(lake.read("warning_ledger"), warnings, lake.read("warning_notices")).to_pylist()
    due = [d for d in due if at_least(OF_PRIORITY.get(d["priority"], ""), settings.notify.min_severity)]
    by_id = {w["warning_id"]: w for w in warnings.to_pylist()} if due else {}
    told = tell(settings, lake, [of_warning(d, by_id[d["warning_id"]]) for d in due], now)
    if due and wanted(settings):
        claim(lake, due, now(), settings.data_dir)
    return told


def both_to(
    send: Callable[[Sequence[Item]], None], settings: Settings, now: Callable[[], dt.datetime] = _now
) -> Callable[[Sequence[Item]], None]:
    """For the highway's worker: what `send` does, and people told of items that are severe enough.

    What no service takes is sent again by a later look; it holds up no item.
    """

    def send_both(items: Sequence[Item]) -> None:
        send(items)
        due = [of_item(i) for i in items if at_least(str(i.get("severity")), settings.notify.min_severity)]
        if due:
            tell(settings, lake_of(settings), due, now)

    return send_both
