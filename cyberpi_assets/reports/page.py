"""A page about one subject: sections of facts and tables, set as text, Markdown or JSON.

Here belongs only the look. What a page says is put together in `dossier.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from cyberpi_assets.reports.safe import link, markdown, markdown_link, plain

if TYPE_CHECKING:
    from rich.console import RenderableType

Columns = tuple[tuple[str, Literal["left", "right"]], ...]
_FILING = "Filing"


@dataclass(frozen=True)
class Section:
    """One section: sentences, facts as label and words, a table, and a filing per row as (id, address)."""

    title: str
    about: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    columns: Columns = ()
    rows: tuple[tuple[str, ...], ...] = ()
    filings: tuple[tuple[str, str | None], ...] = ()


@dataclass(frozen=True)
class Page:
    """A page: its title, what must be said first, its sections, what the law says, and the same as plain values."""

    title: str
    notes: tuple[str, ...]
    sections: tuple[Section, ...]
    body: Mapping[str, object]


def to_json(page: Page) -> dict[str, object]:
    """The page's values: ISO dates, null where unknown, never NaN; notes last."""
    return {**{k: plain(v) for k, v in page.body.items()}, "notes": list(page.notes)}


def to_rich(page: Page) -> list[RenderableType]:
    """The page as rich renderables; addresses of filings stand below the table, each once."""
    from cyberpi_assets.reports import layout

    parts: list[RenderableType] = [layout.heading(page.title), ""]
    parts += [layout.text(n, "italic") for n in page.notes[:-1]]
    for s in page.sections:
        parts += ["", layout.heading(s.title), *(layout.text(a) for a in s.about)]
        if s.facts:
            parts.append(layout.pairs([(layout.text(k, "bold"), layout.text(v)) for k, v in s.facts]))
        if s.columns:
            parts.append(layout.table(s.columns, s.rows) if s.rows else layout.text("None."))
        for words, url in dict.fromkeys(s.filings):
            parts.append(layout.lines("  " + words))
            if safe := link(url):
                parts.append(layout.indent(layout.link(safe), 4))
    return [*parts, "", layout.text(page.notes[-1], "dim")]


def to_text(page: Page, width: int = 100) -> str:
    """The page as plain text, at most `width` columns except for addresses."""
    from cyberpi_assets.reports import layout

    return layout.as_text(to_rich(page), width)


def to_markdown(page: Page) -> str:
    """The page as Markdown: everything from outside escaped, links only to http(s) addresses."""
    from cyberpi_assets.reports.layout import markdown_table

    out = [f"# {markdown(page.title)}", "", *(f"> {markdown(n)}\n>" for n in page.notes[:-1])]
    for s in page.sections:
        out += ["", f"## {markdown(s.title)}", ""]
        for a in s.about:
            out += [markdown(a), ""]
        out += [f"- **{markdown(k)}:** {markdown(v)}" for k, v in s.facts]
        if not s.rows:  # the filings behind the facts
            out += [f"- **{_FILING}:** {markdown_link(*filing)}" for filing in dict.fromkeys(s.filings)]
        rows = [dict(zip((c for c, _ in s.columns), row, strict=True)) for row in s.rows]
        for row, filing in zip(rows, s.filings, strict=False):
            row[_FILING] = markdown_link(*filing)
        right = frozenset(c for c, side in s.columns if side == "right")
        if s.columns:
            shown = markdown_table(rows, limit=len(rows), escaped=frozenset({_FILING}), right=right)
            out += ["", shown if rows else "None."]
    return "\n".join([*out, "", "---", "", markdown(page.notes[-1]), ""])
