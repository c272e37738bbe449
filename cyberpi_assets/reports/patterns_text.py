"""The pattern report as text for a terminal or a file, and as Markdown.

Only the look belongs here: every figure and sentence comes with the report. Each list is built once, as a grid of
columns and cells, and set in both forms.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from cyberpi_assets.reports import coverage, language
from cyberpi_assets.reports.evidence import NOT_TESTED, chance, rated
from cyberpi_assets.reports.figures import day, decimal, interval, percent, period, short_amount
from cyberpi_assets.reports.safe import markdown, markdown_link

if TYPE_CHECKING:
    from rich.console import RenderableType

    from cyberpi_assets.reports.evidence import Evidence
    from cyberpi_assets.reports.patterns_model import OfficialRow, PatternReport, Tally

TITLE = "Pattern report: timing of disclosed trades"
_LINK = "Filing of the top trade"


_Columns = tuple[tuple[str, Literal["left", "right"]], ...]


@dataclass(frozen=True)
class _Grid:
    """One list: title, a sentence under it, columns as (heading, side), cells, and an address per row for Markdown."""

    title: str
    about: str
    columns: _Columns
    rows: tuple[tuple[str, ...], ...]
    links: tuple[tuple[str, str | None], ...] = ()


_COUNTED: _Columns = (("O/n", "right"), ("Share", "right"), ("95 %", "right"), ("Mean", "right"))


def _counted(t: Tally) -> tuple[str, ...]:
    return (
        f"{t.suspicious:,}/{t.n_scored:,}",
        percent(t.rate),
        interval(t.rate_low, t.rate_high),
        decimal(t.mean_score),
    )


_JUDGED: _Columns = (("O / E", "right"), ("q", "right"), ("Rate (95 %)", "right"), ("Label", "left"))
_OE: _Columns = (("O / E", "right"), ("O/E (95 %)", "right"), ("O/n", "right"), ("Mean", "right"))


def _judged(e: Evidence | None) -> tuple[str, ...]:
    if e is None:
        return ("–", "–", "–", "not tested")
    return (e.counted, chance(e.q_value), rated(e.rate, e.rate_low, e.rate_high), e.label)


def _raw(t: Tally) -> tuple[str, str]:
    return (f"{t.suspicious:,}/{t.n_scored:,}", decimal(t.mean_score))


def _oe(e: Evidence | None, t: Tally) -> tuple[str, ...]:
    return ((e.counted, e.range) if e else ("–", "–")) + _raw(t)


def _rank(rank: int | None) -> str:
    return "–" if rank is None else str(rank)


def _person(r: OfficialRow) -> str:
    return f"{r.official} ({language.seat(r.party, r.state, r.chamber)})" + (" *" if r.n_ocr else "")


def _links(rows: tuple[OfficialRow, ...], *, amounts: bool = False) -> tuple[tuple[str, str | None], ...]:
    """The filing of each row's top trade; with `amounts` the sums of all trades, where the columns have no room."""
    sums = (f" (all trades: {short_amount(r.tally.amount_low, r.tally.amount_high)})" if amounts else "" for r in rows)
    return tuple(((r.top_filing_id or "–") + s, r.top_filing_url) for r, s in zip(rows, sums, strict=True))


def _people(title: str, about: str, rows: tuple[OfficialRow, ...], *, judged: bool) -> _Grid:
    """Officials: with the evidence first and the raw figures after it, or the raw figures alone where there is none."""
    if judged:
        columns: _Columns = (("#", "right"), ("Official", "left"), *_JUDGED, ("O/n", "right"), ("Mean", "right"))
        cells = tuple((_rank(r.rank), _person(r), *_judged(r.evidence), *_raw(r.tally)) for r in rows)
        return _Grid(title, about, columns, cells, _links(rows, amounts=True))
    return _Grid(
        title,
        about,
        (("#", "right"), ("Official", "left"), *_COUNTED, ("Trades", "right"), ("Amounts", "left")),
        _with_amounts(
            tuple((_rank(r.rank), _person(r), *_counted(r.tally), f"{r.tally.n_trades:,}") for r in rows), rows
        ),
        _links(rows),
    )


def _with_amounts(cells: tuple[tuple[str, ...], ...], rows: tuple[OfficialRow, ...]) -> tuple[tuple[str, ...], ...]:
    return tuple(
        (*cell, short_amount(r.tally.amount_low, r.tally.amount_high)) for cell, r in zip(cells, rows, strict=True)
    )


def _survives(rows: tuple[OfficialRow, ...]) -> _Grid:
    """Of each with the raw flag, whether it survives the comparison with random dates."""
    return _Grid(
        "Raw flags against random dates",
        "Whether each raw flag survives, and which conditions of a supported finding do not hold.",
        (("Official", "left"), ("Survives", "left"), ("q", "right"), ("O / E", "right"), ("Why", "left")),
        tuple(
            (
                r.official,
                "not tested" if r.evidence is None else "yes" if r.evidence.supported else "no",
                chance(r.evidence.q_value if r.evidence else None),
                r.evidence.counted if r.evidence else "–",
                NOT_TESTED if r.evidence is None else _why(r.evidence),
            )
            for r in rows
        ),
    )


def _why(e: Evidence) -> str:
    return e.label + (f": {e.label_reason}" if e.label_reason else "")


def _grids(report: PatternReport) -> list[_Grid]:
    judged = any(r.evidence for r in (*report.officials, *report.repeat_offenders))
    groups = any(r.evidence for r in (*report.tickers, *report.sectors))
    order = "By q, the raw rank in front. O / E: observed and expected days; rate over these days." if judged else ""
    few = f"Fewer than {report.min_scored} scored trades: no rank."
    top = _people(
        f"Officials, the first {len(report.officials)}" if report.officials else "Officials",
        f"{order or 'By mean score.'} O/n: trades with score 60 or more of the scored ones. {few} * some rows were "
        "read from scans by character recognition.",
        report.officials,
        judged=judged,
    )
    repeat = _people("Repeat offenders (raw flag)", language.REPEAT_OFFENDER, report.repeat_offenders, judged=judged)
    counted = _OE if groups else _COUNTED
    tickers = _Grid(
        "Tickers",
        f"By mean score: volatile tickers come first. {few}" + (f" {language.TOGETHER}" if groups else ""),
        (("#", "right"), ("Ticker", "left"), ("Company", "left"), *counted, ("Officials", "right")),
        tuple(
            (
                _rank(r.rank),
                r.ticker,
                r.name or "–",
                *(_oe(r.evidence, r.tally) if groups else _counted(r.tally)),
                f"{r.n_officials:,}",
            )
            for r in report.tickers
        ),
    )
    sectors = _Grid(
        "Sectors",
        f"By mean score. {few}" + (f" {language.TOGETHER}" if groups else ""),
        (("#", "right"), ("Sector", "left"), *counted, ("Tickers", "right"), ("Officials", "right")),
        tuple(
            (
                _rank(r.rank),
                r.sector,
                *(_oe(r.evidence, r.tally) if groups else _counted(r.tally)),
                f"{r.n_tickers:,}",
                f"{r.n_officials:,}",
            )
            for r in report.sectors
        ),
    )
    parties = _Grid(
        "Parties, raw means",
        language.PARTIES,
        (
            ("Chamber", "left"),
            ("Party", "left"),
            ("Officials", "right"),
            ("Mean of officials", "right"),
            ("SD", "right"),
            ("O/n of trades", "right"),
        ),
        tuple(
            (
                language.word(language.CHAMBERS, r.chamber),
                r.party,
                f"{r.n_officials:,}",
                decimal(r.mean_of_officials),
                decimal(r.sd_of_officials),
                f"{r.tally.suspicious:,}/{r.tally.n_scored:,}",
            )
            for r in report.parties
        ),
    )
    survives = [_survives(report.repeat_offenders)] if judged and report.repeat_offenders else []
    tested = [grid for grid in (_party_tests(report), _committees(report), *_seasons(report)) if grid.rows]
    by_party = [g for g in tested if g.title == _PARTY_TESTS]
    rest = [g for g in tested if g.title != _PARTY_TESTS]
    return [top, repeat, *survives, tickers, sectors, *by_party, parties, *rest]


_PARTY_TESTS = "Parties against chance"


def _party_tests(report: PatternReport) -> _Grid:
    return _Grid(
        _PARTY_TESTS,
        language.PARTY_TESTS,
        (
            ("Chamber", "left"),
            ("Compared", "left"),
            ("Party", "left"),
            ("Less party", "left"),
            ("Difference", "right"),
            ("95 %", "right"),
            ("p", "right"),
            ("q", "right"),
            ("Note", "left"),
        ),
        tuple(
            (
                language.word(language.CHAMBERS, t.chamber),
                language.word(language.METRICS, t.metric),
                f"{t.party_a} ({t.n_a:,})",
                f"{t.party_b} ({t.n_b:,})",
                decimal(t.difference, 2),
                "–" if t.low is None else f"{decimal(t.low, 2)} to {decimal(t.high, 2)}",
                chance(t.p_value),
                chance(t.q_value),
                t.reason or "",
            )
            for t in report.party_tests
        ),
    )


def _committees(report: PatternReport) -> _Grid:
    return _Grid(
        f"Committees, the first {len(report.committees)}",
        f"{language.COMMITTEES} {language.TOGETHER}",
        (
            ("Committee", "left"),
            ("Members", "right"),
            ("O / E", "right"),
            ("O/E (95 %)", "right"),
            ("Outside O/E", "right"),
            ("q", "right"),
            ("Share of all", "right"),
        ),
        tuple(
            (
                c.name,
                f"{c.n_officials:,}",
                c.evidence.counted,
                c.evidence.range,
                decimal(c.oe_outside, 2),
                chance(c.evidence.q_value),
                percent(c.breadth),
            )
            for c in report.committees
        ),
    )


def _seasons(report: PatternReport) -> tuple[_Grid, _Grid]:
    """The tests of the patterns in time, and the months and weekdays they are about."""
    tests = tuple(
        (
            s.pattern,
            f"{s.n:,}",
            decimal(s.statistic, 2),
            decimal(s.expected, 2) if s.statistic == s.observed else "–",  # a chi-square has none in days
            chance(s.p_value),
            chance(s.q_value),
            s.reason or s.detail or "–",
        )
        for s in report.seasons
        if s.bucket == "all"
    )
    buckets = tuple(
        (s.pattern, s.bucket, decimal(s.observed, 0), decimal(s.expected, 1), decimal(s.ratio, 2))
        for s in report.seasons
        if s.bucket != "all"
    )
    columns: _Columns = (
        ("Pattern", "left"),
        ("Days", "right"),
        ("Value", "right"),
        ("Expected", "right"),
        ("p", "right"),
        ("q", "right"),
        ("What", "left"),
    )
    of_day: _Columns = (
        ("Pattern", "left"),
        ("Month or day", "left"),
        ("Observed", "right"),
        ("Expected", "right"),
        ("Ratio", "right"),
    )
    return (
        _Grid("When officials trade", language.SEASONS, columns, tests),
        _Grid("Months and weekdays", "Counts only: the tests stand above.", of_day, buckets),
    )


def _head(report: PatternReport) -> list[tuple[str, str]]:
    s = report.summary
    span = period(report.period_from, report.period_to)
    if report.days is not None:
        span += f" ({language.plural(report.days, 'day')} up to {day(report.as_of)})"
    head = [
        ("Evidence", report.evidence),
        ("Trades made", span),
        ("Trades", f"{s.counts.trades:,}, {s.counts.scored:,} scored, {s.counts.not_scored:,} not scored"),
        ("Base rate", f"score 60 or more: {s.counts.base_rate.words()} of the scored trades"),
        ("Mean score", decimal(s.mean_score)),
        ("By tier", ", ".join(f"{t} {n:,}" for t, n in s.tiers.items())),
        ("Amounts", short_amount(s.amount_low, s.amount_high) + _open(s.n_open_amounts)),
        ("Officials", f"{s.n_officials:,}, {s.n_officials_ranked:,} with enough scored trades to rank"),
        ("Tickers", f"{s.n_tickers:,}, {s.n_tickers_ranked:,} with enough scored trades to rank"),
        ("Record", coverage.totals(report.coverage)),
        ("Raw flags", f"{language.plural(s.n_repeat_offenders_raw, 'repeat offender')} by the raw flag, not a finding"),
    ]
    if s.counts.reasons:
        head.insert(3, ("Not scored", "; ".join(f"{r.reason} ({r.trades:,})" for r in s.counts.reasons)))
    return head


def _open(n: int) -> str:
    return f" ({language.plural(n, 'trade')} without an upper bound)" if n else ""


def to_rich(report: PatternReport) -> list[RenderableType]:
    """The report as rich renderables, for a terminal."""
    from cyberpi_assets.reports import layout

    parts: list[RenderableType] = [layout.heading(TITLE), ""]
    parts += [layout.pairs([(layout.text(k, "bold"), layout.text(v)) for k, v in _head(report)]), ""]
    parts += [layout.text(n, "italic") for n in report.notes[:-1]]
    parts.append("")
    for grid in _grids(report):
        parts += [layout.heading(grid.title), layout.text(grid.about, "italic")]
        parts.append(layout.table(grid.columns, grid.rows) if grid.rows else layout.text("None."))
        parts.append("")
        if grid.links:
            parts.append(layout.text(f"{_LINK}:", "bold"))
            for row, (filing, url) in zip(grid.rows, grid.links, strict=True):
                parts.append(layout.lines(f"  {row[0]}. {row[1]}: {filing}"))
                if url:
                    parts.append(layout.indent(layout.link(url), 5))
            parts.append("")
    return [*parts, *coverage.as_rich(report.coverage), layout.text(report.notes[-1], "dim")]


def to_text(report: PatternReport, width: int = 100) -> str:
    """The report as plain text, at most `width` columns except for addresses."""
    from cyberpi_assets.reports import layout

    return layout.as_text(to_rich(report), width)


def to_markdown(report: PatternReport) -> str:
    """The report as Markdown: everything from outside escaped, links only to http(s) addresses."""
    from cyberpi_assets.reports.layout import markdown_table

    out = [f"# {TITLE}", ""]
    out += [f"> {markdown(n)}\n>" for n in report.notes[:-1]]
    out += ["", *(f"- **{markdown(k)}:** {markdown(v)}" for k, v in _head(report)), ""]
    for grid in _grids(report):
        out += [f"## {markdown(grid.title)}", "", markdown(grid.about), ""]
        rows = [dict(zip((c for c, _ in grid.columns), row, strict=True)) for row in grid.rows]
        for row, (filing, url) in zip(rows, grid.links, strict=False):
            row[_LINK] = markdown_link(filing, url)
        right = frozenset(c for c, side in grid.columns if side == "right")
        out += [markdown_table(rows, limit=len(rows), escaped=frozenset({_LINK}), right=right) if rows else "None.", ""]
    out += [f"## {coverage.TITLE}", "", coverage.ABOUT, "", coverage.as_markdown(report.coverage)]
    return "\n".join([*out, "---", "", markdown(report.notes[-1]), ""])
