"""A page as a file for a browser: the same sections as text and Markdown have, everything escaped.

Here belongs only the look. The file asks for nothing from anywhere: no script, no picture, no style from outside, and
it says so to the browser.
"""

from __future__ import annotations

from html import escape

from cyberpi_assets.reports.figures import MISSING
from cyberpi_assets.reports.page import Page, Section
from cyberpi_assets.reports.safe import clean, link

_LONGEST = 2_000
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem; color: #1b1f24;
       background: #fff }
h1 { font-size: 1.5rem } h2 { font-size: 1.1rem; margin-top: 2rem; border-bottom: 1px solid #d0d7de }
table { border-collapse: collapse; width: 100%; font-size: 13px }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; border-bottom: 1px solid #eaeef2;
         overflow-wrap: anywhere }
th { border-bottom: 2px solid #d0d7de; white-space: nowrap }
.right { text-align: right } td.strong { font-weight: 700; color: #b1281c }
dt { font-weight: 600 } dd { margin: 0 0 .4rem 1rem } .note { color: #57606a; font-style: italic }
@media (prefers-color-scheme: dark) { body { background: #0d1117; color: #e6edf3 } td.strong { color: #ff9e90 }
  th, td, h2 { border-color: #30363d } .note { color: #9aa4af } }
"""
# cells that a reader must not miss, whatever the page is about
_STRONG = frozenset({"FAILED", "warned"})


def text(words: str | None) -> str:
    """One cleaned piece of text inside HTML, also inside an attribute in double quotes."""
    return escape(clean(words, _LONGEST) or MISSING, quote=True)


def to_html(page: Page) -> str:
    """The page as one HTML document that stands alone."""
    notes = "".join(f'<p class="note">{text(n)}</p>\n' for n in page.notes)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{text(page.title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<h1>{text(page.title)}</h1>\n"
        f"{''.join(_section(s) for s in page.sections)}{notes}</body>\n</html>\n"
    )


def _section(s: Section) -> str:
    parts = [f"<h2>{text(s.title)}</h2>\n", *(f"<p>{text(a)}</p>\n" for a in s.about)]
    if s.facts:
        parts.append("<dl>" + "".join(f"<dt>{text(k)}</dt><dd>{text(v)}</dd>\n" for k, v in s.facts) + "</dl>\n")
    if s.columns and s.rows:
        right = [side == "right" for _, side in s.columns]
        heads = "".join(f"<th{_class(r)}>{text(name)}</th>" for (name, _), r in zip(s.columns, right, strict=True))
        rows = "".join(
            "<tr>" + "".join(_cell(c, r) for c, r in zip(row, right, strict=True)) + "</tr>\n" for row in s.rows
        )
        parts.append(f"<table><thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}</tbody></table>\n")
    elif s.columns:
        parts.append("<p>None.</p>\n")
    for words, url in dict.fromkeys(s.filings):
        safe = link(url)
        shown = text(words)
        parts.append(f'<p><a href="{escape(safe, quote=True)}">{shown}</a></p>\n' if safe else f"<p>{shown}</p>\n")
    return "".join(parts)


def _class(right: bool) -> str:
    return ' class="right"' if right else ""


def _cell(words: str, right: bool) -> str:
    return f'<td class="strong">{text(words)}</td>' if words in _STRONG else f"<td{_class(right)}>{text(words)}</td>"
