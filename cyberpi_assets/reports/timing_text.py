"""The suspicious-timing report as text for a terminal or a file, and as Markdown.

Only the look belongs here: every figure and sentence comes with the report.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cyberpi_assets.reports import coverage, language
from cyberpi_assets.reports.evidence import NOT_TESTED, chance
from cyberpi_assets.reports.figures import amount, change, day, decimal, percent, period, short_amount
from cyberpi_assets.reports.safe import markdown, markdown_link

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

    from cyberpi_assets.reports.selection import Counts
    from cyberpi_assets.reports.timing_model import DateNull, Finding, PriorAlert, TimingReport

TITLE = "Suspicious-timing report"
_TIER_STYLE = {"highly suspicious": "bold red", "suspicious": "bold yellow", "notable": "cyan"}


# ------------------------------------------------------------------------------------------------------ shared by both


def _head(report: TimingReport) -> list[tuple[str, str]]:
    """The head of the report as label and words."""
    span = period(report.period_from, report.period_to)
    if report.days is not None:
        span += f" ({language.plural(report.days, 'day')} up to {day(report.as_of)})"
    head = [("Trades made", span), ("In this period", _counted(report.counts))]
    head.append(("Base rate", f"score 60 or more: {report.counts.base_rate.words()} of the scored trades"))
    if report.counts.reasons:
        head.append(("Not scored", _reasons(report.counts)))
    if report.selected is not None:
        whose = " in ".join(p for p in (report.official, report.ticker) if p)
        head.append(("Chosen", f"{whose}: {_counted(report.selected)}"))
        head.append(("", f"score 60 or more: {report.selected.base_rate.words()}"))
    shown = f"{len(report.findings):,} of " if len(report.findings) < report.matching else ""
    found = language.plural(report.matching, "trade")
    head.append(("Record", coverage.totals(report.coverage)))
    head.append(("Listed", f"{shown}{found} with score {decimal(report.min_score)} or more, by raw score"))
    return head


def _counted(counts: Counts) -> str:
    return f"{language.plural(counts.trades, 'trade')}, {counts.scored:,} scored, {counts.not_scored:,} not scored"


def _reasons(counts: Counts) -> str:
    return "; ".join(f"{r.reason} ({r.trades:,})" for r in counts.reasons)


def _nothing(report: TimingReport) -> str:
    whose = " of " + report.official if report.official else ""
    where = " in " + report.ticker if report.ticker else ""
    return f"No trade{whose}{where} in this period has a score of {decimal(report.min_score)} or more."


def _seat(f: Finding) -> str:
    return language.seat(f.party, f.state, f.chamber)


def _dates(f: Finding) -> str:
    if f.filed_on is None or f.days_to_file is None:
        return f"on {f.transaction_date}, date of filing not known"
    return f"on {f.transaction_date}, filed {f.filed_on} ({language.plural(f.days_to_file, 'day')} later)"


def _what(f: Finding) -> str:
    named = ", ".join(p for p in (f.company, f.sector) if p)
    kind = f" [{f.asset_type.replace('_', ' ')}]" if f.asset_type and f.asset_type != "stock" else ""
    return f"{f.ticker}{kind}" + (f" ({named})" if named else "")


def _asset(f: Finding) -> str:
    """The asset as disclosed, with option terms or other free text."""
    return "; ".join(p for p in (f.asset, f.description) if p)


def _sum(f: Finding) -> str:
    """How the raw score adds up."""
    c = f.components
    text = (
        f"5 × {c.n_alerts} alerts + 2 × {decimal(c.mean_severity, 2)} mean severity + 10 × {c.n_recent} recent "
        f"+ 15 × {c.n_high} high = {decimal(f.raw_score)}"
    )
    return text + (f", capped at {decimal(f.score)}" if f.raw_score > f.score else "")


def compared(e: DateNull | None) -> str:
    """How the score compares with the other dates on which the trade could have been made: the p first."""
    if e is None:
        return NOT_TESTED
    if e.p_headline is None:
        parts = [e.reason or "no p"]
    else:
        parts = [
            f"p {chance(e.p_headline)} (share of {e.n_dates:,} possible dates that score as high; the larger of two)"
        ]
        parts += [e.reason] if e.reason else []
    if e.expected_score is not None:
        parts.append(f"expected score {decimal(e.expected_score)}")
    if e.expected_suspicious is not None:
        parts.append(f"{percent(e.expected_suspicious)} of the dates score 60 or more")
    if e.mirror_score is None:
        parts.append("score of the 30 days after the trade not known")
    else:
        diff = "" if e.difference is None else f", difference {e.difference:+.1f}"
        parts.append(f"score of the 30 days after the trade {decimal(e.mirror_score)}{diff}")
    return "; ".join(parts)


def _p(f: Finding) -> str:
    return chance(f.evidence.p_headline) if f.evidence else "–"


def _expected(f: Finding) -> str:
    return decimal(f.evidence.expected_score) if f.evidence else "–"


def _types(alert: PriorAlert) -> str:
    return ", ".join(language.word(language.ALERT_TYPES, t) for t in alert.types)


def _marks(f: Finding) -> list[str]:
    """What is odd about the row, in words."""
    marks = [language.OCR] if f.is_ocr else []
    return marks + [flag.replace("_", " ") for flag in f.flags]


# ------------------------------------------------------------------------------------------------------- text and rich


def to_rich(report: TimingReport, *, narrow: bool = False) -> list[RenderableType]:
    """The report as rich renderables, for a terminal; `narrow` leaves columns out for widths under 96."""
    from cyberpi_assets.reports import layout

    parts: list[RenderableType] = [layout.heading(TITLE), ""]
    pairs = [(layout.text(k, "bold") if k else layout.text(" "), layout.text(v)) for k, v in _head(report)]
    parts.append(layout.pairs(pairs))
    parts.append("")
    parts += [layout.text(n, "italic") for n in report.notes[:-1]]
    if not report.findings:
        nothing = layout.text(_nothing(report), "bold")
        return [*parts, "", nothing, "", *coverage.as_rich(report.coverage), layout.text(report.notes[-1], "dim")]
    columns = [("#", "right"), ("Official", "left"), ("Ticker", "left"), ("Side", "left"), ("Date", "left")]
    columns += [] if narrow else [("Amount", "left")]
    columns += [("p", "right"), ("Expected", "right"), ("Score", "right"), ("Raw", "right")]
    rows: list[list[str | Text | None]] = []
    for f in report.findings:
        row: list[str | Text | None] = [
            str(f.rank),
            f"{f.official} ({_seat(f)})",
            f.ticker,
            f.side,
            day(f.transaction_date),
        ]
        row += [] if narrow else [short_amount(f.amount_low, f.amount_high)]
        score = layout.text(decimal(f.score), _TIER_STYLE.get(f.tier, ""))
        rows.append([*row, _p(f), _expected(f), score, decimal(f.raw_score)])
    parts += [layout.table(columns, rows), ""]  # pyright: ignore[reportArgumentType]
    for f in report.findings:
        parts += [_block(f), ""]
    return [*parts, *coverage.as_rich(report.coverage), layout.text(report.notes[-1], "dim")]


def _block(f: Finding) -> RenderableType:
    from rich.console import Group

    from cyberpi_assets.reports import layout

    style = _TIER_STYLE.get(f.tier, "bold")
    title = layout.heading(f"{f.rank}. {f.official} ({_seat(f)}) · {f.ticker} · score {decimal(f.score)}")
    side = language.word(language.SIDES, f.side, "side not known")
    owner = language.word(language.OWNERS, f.owner, "owner not readable")
    body: list[RenderableType] = [
        layout.lines(("Random dates: ", "bold"), compared(f.evidence)),
        layout.lines((f.assessment, style)),
        layout.lines(f"{side} {_what(f)} {_dates(f)}; ", amount(f.amount_low, f.amount_high), f"; {owner}"),
        layout.lines(("Score: ", "bold"), _sum(f)),
    ]
    if f.alerts:
        columns = [("Alert day", "left"), ("Days before", "right"), ("Severity", "right"), ("Change", "right")]
        rows = [
            (
                day(a.session),
                str(a.days_before),
                str(a.severity) if a.severity else "–",
                change(a.change_pct),
                _types(a),
            )
            for a in f.alerts
        ]
        body.append(layout.indent(layout.table([*columns, ("Types", "left")], rows, lean=True)))  # pyright: ignore[reportArgumentType]
    if asset := _asset(f):
        body.append(layout.lines(("Asset: ", "bold"), asset))
    body += [layout.lines(("Note: ", "bold yellow"), mark) for mark in _marks(f)]
    body.append(layout.lines(("Filing: ", "bold"), f"{f.filing_id}, trade {f.trade_id}"))
    if f.filing_url:
        body.append(layout.link(f.filing_url))
    return Group(title, layout.indent(Group(*body)))


def to_text(report: TimingReport, width: int = 100) -> str:
    """The report as plain text, at most `width` columns except for addresses."""
    from cyberpi_assets.reports import layout

    return layout.as_text(to_rich(report, narrow=width < 96), width)


# ------------------------------------------------------------------------------------------------------------ markdown


def to_markdown(report: TimingReport) -> str:
    """The report as Markdown: everything from outside escaped, links only to http(s) addresses."""
    from cyberpi_assets.reports.layout import markdown_table

    out = [f"# {TITLE}", ""]
    out += [f"> {markdown(n)}\n>" for n in report.notes[:-1]]
    out += ["", *(f"- **{markdown(k)}:** {markdown(v)}" if k else f"  - {markdown(v)}" for k, v in _head(report)), ""]
    if not report.findings:
        out += [markdown(_nothing(report)), ""]
    else:
        rows = [
            {
                "rank": f.rank,
                "official": f"{f.official} ({_seat(f)})",
                "ticker": f.ticker,
                "side": f.side,
                "date": day(f.transaction_date),
                "amount": amount(f.amount_low, f.amount_high),
                "p": _p(f),
                "expected": _expected(f),
                "raw": f.raw_score,
                "score": f.score,
                "tier": f.tier,
                "filing": markdown_link(f.filing_id, f.filing_url),
            }
            for f in report.findings
        ]
        out += [
            "## Ranking",
            "",
            markdown_table(rows, limit=len(rows), escaped=frozenset({"filing"}), right=frozenset({"p", "expected"})),
        ]
        out += ["## Findings", ""]
        for f in report.findings:
            out += _section(f)
    out += [f"## {coverage.TITLE}", "", coverage.ABOUT, "", coverage.as_markdown(report.coverage)]
    return "\n".join([*out, "---", "", markdown(report.notes[-1]), ""])


def _section(f: Finding) -> list[str]:
    from cyberpi_assets.reports.layout import markdown_table

    title = f"{f.rank}. {f.official} ({_seat(f)}), {f.ticker}, score {decimal(f.score)}"
    side = language.word(language.SIDES, f.side, "side not known")
    owner = language.word(language.OWNERS, f.owner, "owner not readable")
    out = [
        f"### {markdown(title)}",
        "",
        markdown(f.assessment),
        "",
        f"- Random dates: {markdown(compared(f.evidence))}",
    ]
    out.append(f"- Trade: {markdown(f'{side} {_what(f)} {_dates(f)}')}")
    out.append(f"- Amount: {markdown(amount(f.amount_low, f.amount_high))}; {markdown(owner)}")
    out.append(f"- Asset: {markdown(_asset(f))}")
    out.append(f"- Score: {markdown(_sum(f))}; coverage {markdown(percent(f.coverage))}")
    out += [f"- Note: {markdown(mark)}" for mark in _marks(f)]
    out += [f"- Filing: {markdown_link(f.filing_id, f.filing_url)}, trade {markdown(f.trade_id)}", ""]
    if f.alerts:
        rows = [
            {
                "alert day": day(a.session),
                "days before": a.days_before,
                "severity": a.severity,
                "change": change(a.change_pct),
                "types": _types(a),
            }
            for a in f.alerts
        ]
        out += [markdown_table(rows, limit=len(rows)), ""]
    return out
