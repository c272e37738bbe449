"""Text from outside, made safe to show: terminals, Markdown and links.

Names, assets and descriptions come from filings that anybody may have typed. They are cleaned once, when a report is
built, and escaped once more for the format that shows them.
"""

from __future__ import annotations

import math
import re
import unicodedata
from typing import Any
from urllib.parse import quote, urlsplit

LONGEST = 300
_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x9b[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"  # OSC, DCS ...: titles, links
    r"|\x1b[ -/]*[0-~]?"
)
_SPACES = re.compile(r"\s+")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]|~])")
_AUTOLINK = re.compile(r"(?i)(?:https?|ftp)(?=:)|\bwww(?=\.)|@")  # what GitHub's Markdown links by itself
_START = re.compile(r"^(?=[-=+#:])|^(\d+)(?=[.)](?:\s|$))")


def clean(text: str | None, longest: int = LONGEST) -> str | None:
    """One printable line: no terminal escapes, control or direction-changing characters, at most `longest` long."""
    if text is None:
        return None
    text = _ESCAPES.sub("", text[: 20 * longest])
    text = _SPACES.sub(" ", text)
    text = "".join(c for c in text if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Cn"))
    text = _SPACES.sub(" ", text).strip()  # what was removed may have stood between two spaces
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"


def number(value: float | None) -> float | None:
    """A finite number, or null: JSON has no NaN."""
    return None if value is None or not math.isfinite(value) else float(value)


def link(url: str | None) -> str | None:
    """The address when it is an absolute http(s) one, percent-encoded where it must be; else null."""
    if url is None or len(url) > 2000:
        return None
    url = url.strip()
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return None
    if parts.scheme.lower() not in ("http", "https") or not host or any(ord(c) < 33 for c in url):
        return None
    if parts.username is not None:  # https://house.gov@elsewhere.example misleads its reader
        return None
    return quote(url, safe=":/?#[]@!$&'*+,;=%~-._")


def markdown(text: str | None, missing: str = "–") -> str:
    """A piece of text inside Markdown: no HTML, no markup of its own, safe in a table cell."""
    text = clean(text)
    if not text:
        return missing
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = _MARKDOWN.sub(r"\\\1", text)
    text = _AUTOLINK.sub(r"\g<0>&#8203;", text)
    return _START.sub(lambda m: f"{m[1]}\\" if m[1] else "\\", text)


def markdown_link(words: str, url: str | None) -> str:
    """A Markdown link, or only the words where the address is not an http(s) one."""
    shown, safe = markdown(words), link(url)
    if safe is None:
        return shown
    return f"[{shown}](<{safe.replace('<', '%3C').replace('>', '%3E')}>)"


def plain(value: Any) -> Any:
    """A value of a report as JSON has it: ISO dates, null for NaN, tuples as lists, dataclasses' dicts unchanged."""
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return number(value)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return value.isoformat()
