"""How a report is set on a page: rich renderables for terminals, the same as plain text, and Markdown tables.

Everything shown goes through `safe`: no cell can carry terminal escapes, markup or HTML of its own.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from rich import box
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from cyberpi_assets.reports.figures import MISSING
from cyberpi_assets.reports.safe import clean, markdown

Side = Literal["left", "right"]


def text(words: str | None, style: str = "") -> Text:
    """One cleaned piece of text; never read as markup."""
    return Text(clean(words, 2000) or MISSING, style=style)


def lines(*parts: tuple[str, str] | str) -> Text:
    """One line of several (text, style) parts."""
    return Text.assemble(*((clean_keep(p), "") if isinstance(p, str) else (clean_keep(p[0]), p[1]) for p in parts))


def clean_keep(words: str) -> str:
    """Cleaned, with the spaces at both ends kept: they separate parts of a line."""
    body = clean(words, 2000) or ""
    if not body:
        return " " * bool(words)
    return " " * words.startswith(" ") + body + " " * words.endswith(" ")


def heading(words: str) -> Rule:
    """A section's heading."""
    return Rule(text(words, "bold"), align="left", style="dim", characters="─")


def indent(body: RenderableType, left: int = 2) -> Padding:
    """A block set in from the left."""
    return Padding(body, (0, 0, 0, left))


def table(
    columns: Sequence[tuple[str, Side]], rows: Iterable[Sequence[str | Text | None]], *, lean: bool = False
) -> Table:
    """A table without vertical lines; text columns fold, number columns never do."""
    shown = Table(box=None if lean else box.SIMPLE_HEAD, pad_edge=False, header_style="bold", padding=(0, 1))
    for name, side in columns:
        shown.add_column(name, justify=side, no_wrap=side == "right", overflow="fold")
    for row in rows:
        shown.add_row(*(c if isinstance(c, Text) else text(c) for c in row))
    return shown


def pairs(rows: Iterable[tuple[Text, Text]]) -> Table:
    """Labels and what they stand for, one pair a line."""
    shown = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    shown.add_column(no_wrap=True)
    shown.add_column(overflow="fold")
    for label, body in rows:
        shown.add_row(label, body)
    return shown


def link(url: str) -> Text:
    """An address on a line of its own, never broken, so that it can be copied."""
    return Text(url, style="underline", no_wrap=True, overflow="ignore")


def as_text(parts: Sequence[RenderableType], width: int) -> str:
    """The parts as plain text: no colour codes, no trailing spaces, ends with one newline."""
    out = io.StringIO()
    console = Console(
        file=out, width=max(40, width), color_system=None, force_terminal=False, legacy_windows=False, emoji=False
    )
    console.print(Group(*parts), highlight=False)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()).rstrip() + "\n"


def markdown_table(
    rows: Sequence[Mapping[str, Any]],
    columns: Sequence[str] | Mapping[str, str] | None = None,
    limit: int = 20,
    *,
    escaped: frozenset[str] = frozenset(),
    right: frozenset[str] = frozenset(),
) -> str:
    """Rows as a Markdown table, at most `limit` of them, and how many are left out.

    `columns` are keys of the rows, or key -> heading; default: the keys of the first row. Values are escaped; those of
    the columns in `escaped` are Markdown already. Numbers and the columns in `right` are
    right-aligned; floats get 3 digits at most.
    """
    if columns is None:
        columns = list(rows[0]) if rows else []
    heads = dict(columns) if isinstance(columns, Mapping) else {c: c.replace("_", " ") for c in columns}
    if not heads:
        return "No rows.\n"
    numeric = right | {
        c for c in heads if any(_is_number(r.get(c)) for r in rows) and all(_is_number(r.get(c), True) for r in rows)
    }
    out = ["| " + " | ".join(markdown(h) for h in heads.values()) + " |"]
    out.append("|" + "|".join(" ---: " if c in numeric else " --- " for c in heads) + "|")
    for row in rows[:limit]:
        cells = (str(row.get(c)) if c in escaped else _cell(row.get(c)) for c in heads)
        out.append("| " + " | ".join(cells) + " |")
    if len(rows) > limit:
        out.append(f"\n{len(rows) - limit:,} more rows are not shown.")
    return "\n".join(out) + "\n"


def _is_number(value: object, or_none: bool = False) -> bool:
    return (or_none and value is None) or (isinstance(value, (int, float)) and not isinstance(value, bool))


def _cell(value: object) -> str:
    if value is None or value != value:
        return MISSING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        shown = f"{value:,.3f}"
        return shown.rstrip("0").rstrip(".")
    if isinstance(value, (list, tuple)):
        return markdown(", ".join(str(v) for v in value))
    return markdown(str(value))


def rows_table(names: Sequence[str], numbers: Sequence[bool], rows: Sequence[Sequence[str]]) -> Table:
    """The rows of a query; cells fold rather than being cut."""
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold", padding=(0, 1))
    for name, is_number in zip(names, numbers, strict=True):
        shown.add_column(text(name), justify="right" if is_number else "left", overflow="fold")
    for row in rows:
        shown.add_row(*(text(c) for c in row))
    return shown
