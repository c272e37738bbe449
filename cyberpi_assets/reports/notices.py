"""What people are told in a message: of an alert, a warning, a threat item, a failed run.

Here belongs the words of a message, plain text of bounded length. Who is told, how, and once only is not decided here.

Text from outside (headlines, error messages) cannot reach further than the screen: no mention that calls a channel, no
address that a phone opens by a tap, no markup.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from cyberpi_assets.reports.safe import clean

Severity = Literal["low", "medium", "high", "critical"]
SEVERITIES: Final[tuple[Severity, ...]] = ("low", "medium", "high", "critical")
OF_PRIORITY: Final[dict[str, Severity]] = {"P0": "critical", "P1": "high", "P2": "medium", "P3": "low"}
LONGEST_TITLE, LONGEST_LINE, LONGEST_BODY = 120, 400, 1_500
_SCHEME: Final = re.compile(r"(?i)\b(h)(tt)(ps?)(?=:)|\b(ftp|javascript|data|file|tel|sms|mailto)(?=:)")
_WWW: Final = re.compile(r"(?i)\bwww\.")
_ARMS: Final = str.maketrans({"@": "(at)", "<": "‹", ">": "›", "`": "'", "*": "∗", "[": "(", "]": ")"})


@dataclass(frozen=True)
class Notice:
    """One message. `notice_id` is for ever the same for the same occasion."""

    notice_id: str
    kind: Literal["alert", "warning", "item", "run"]
    severity: Severity
    subject: str
    title: str
    body: str


def at_least(severity: str, least: str) -> bool:
    """Whether a severity reaches another; one that nobody knows does not."""
    return severity in SEVERITIES and SEVERITIES.index(severity) >= SEVERITIES.index(least)  # pyright: ignore[reportArgumentType]


def harmless(text: str | None, longest: int = LONGEST_LINE) -> str:
    """One line of text from outside: printable, short, without markup, mentions and addresses that can be opened."""
    text = (clean(text, longest) or "").translate(_ARMS)
    text = _SCHEME.sub(lambda m: f"{m[1]}xx{m[3]}" if m[1] else f"{m[4]}_", text)
    return _WWW.sub("www_", text)[: longest + 40]


def _notice(
    notice_id: str,
    kind: Literal["alert", "warning", "item", "run"],
    severity: Severity,
    subject: str,
    title: str,
    lines: Iterable[str | None],
) -> Notice:
    body = "\n".join(line for line in lines if line)
    if len(body) > LONGEST_BODY:
        body = body[: LONGEST_BODY - 1].rstrip() + "…"
    return Notice(notice_id, kind, severity, harmless(subject, 40), harmless(title, LONGEST_TITLE), body)


def of_alert(row: Mapping[str, Any]) -> Notice:
    """row: of `tables.ALERTS`."""
    subject = harmless(row["subject"], 40)
    what = harmless(row["topic"].replace("_", " "), 60)
    pieces = row["n_evidence"]
    return _notice(
        f"alert:{row['alert_id']}",
        "alert",
        row["severity"],
        row["subject"],
        f"{row['severity'].upper()} alert: {subject}, {what}",
        (
            f"{subject}: {what} ({row['kind']}), {row['state'].lower()} since {_moment(row['first_seen'])}.",
            f"{pieces} piece{'s' if pieces != 1 else ''} of evidence, the last of {_moment(row['last_seen'])}.",
            "It rests on data that are flagged." if row["suspect"] else None,
            f"An alert is an observation and no finding. More: cyberpi alerts --tickers {subject}",
        ),
    )


def of_warning(issue: Mapping[str, Any], warning: Mapping[str, Any]) -> Notice:
    """issue: issue_id, priority; warning: of `tables.EARLY_WARNINGS`."""
    ticker, priority = harmless(warning["ticker"], 40), str(issue["priority"])
    named = f"{ticker} {harmless(warning['company'], 60)}".strip()
    return _notice(
        f"warning:{issue['issue_id']}",
        "warning",
        OF_PRIORITY[priority],
        warning["ticker"],
        f"{priority} warning: {named}",
        (
            harmless(warning["words"]),
            f"Opened on {warning['opened_on']}; confidence {warning['confidence']}.",
            f"Clients: {harmless(', '.join(warning['clients']), 200)}." if warning["clients"] else None,
            harmless(warning["lead_words"]),
            f"What would refute it: {harmless(warning['refuted_by'])}",
            f"More: cyberpi hunt --tickers {ticker}",
        ),
    )


def of_item(item: Mapping[str, Any]) -> Notice:
    """item: a document of the highway, in the structure of `docs/schemas`."""
    severity = item.get("severity")
    known: Severity = severity if severity in SEVERITIES else "low"  # pyright: ignore[reportAssignmentType]
    title, cves = str(item.get("title") or "without a title"), item.get("cves")
    source, published = str(item.get("source") or "?"), str(item.get("publishedDate") or "?")
    return _notice(
        f"item:{harmless(str(item.get('threatId')), 80)}",
        "item",
        known,
        source,
        f"{known.upper()} threat item: {title}",
        (
            harmless(title),
            f"From {harmless(source, 60)}, {harmless(published, 40)}.",
            harmless(", ".join(map(str, cves)), 200) if isinstance(cves, list) and cves else None,
            harmless(str(item.get("content") or ""), 300),
            f"More: cyberpi similar {harmless(str(item.get('threatId')), 80)}",
        ),
    )


def of_failed_run(
    run_id: str, job: str, months: tuple[str, str] | None, step: str | None, why: str | None, at: dt.datetime
) -> Notice:
    """A run that failed: of which job, over which months, at which step, and the first words of the reason."""
    span = "" if months is None else f" over {months[0]} to {months[1]}"
    return _notice(
        f"run:{run_id}",
        "run",
        "high",
        job,
        f"Run failed: {harmless(job, 60)}",
        (
            f"The job {harmless(job, 60)}{span} failed at {_moment(at)}; run {harmless(run_id, 40)}.",
            f"Step: {harmless(step, 80)}." if step else None,
            f"Reason: {harmless(why)}" if why else None,
            "What was stored before stays. More: the run's page in the web interface.",
        ),
    )


def together(notices: Sequence[Notice]) -> tuple[str, str]:
    """Title and body of one message that tells of many at once."""
    lines = [f"{n.title}" for n in notices]
    body = "\n".join(lines)
    if len(body) > LONGEST_BODY:
        kept = body[: LONGEST_BODY - 40].rsplit("\n", 1)[0]
        body = f"{kept}\n… and {len(lines) - kept.count(chr(10)) - 1} more"
    return f"{len(notices)} more at once", body


def _moment(value: dt.datetime) -> str:
    return f"{value.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC"
