"""Small charts for people who would rather look: PNG bytes drawn offline, and their form as Markdown metadata.

Here belongs how a frame is drawn. Colours are those of Okabe and Ito, which colour-blind readers can tell apart; every
axis has a title with its unit. Frames are aggregated before they are drawn, so a chart of millions of rows is small.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cyberpi_assets.reports.language import ALERT_TYPES
from cyberpi_assets.reports.layout import markdown_table
from cyberpi_assets.reports.png import shrink
from cyberpi_assets.reports.safe import clean

if TYPE_CHECKING:
    import altair as alt

__all__ = ["alerts_per_month", "as_markdown_image", "markdown_table", "ranking_intervals", "score_distribution"]

MAX_BYTES = 60_000
_TYPE_COLOURS = {
    "unusual_volume": "#0072B2",
    "price_spike": "#009E73",
    "price_drop": "#D55E00",
    "high_volatility": "#CC79A7",
}
_TIER_COLOURS = {
    "normal (below 40)": "#999999",
    "notable (40 to 60)": "#56B4E9",
    "suspicious (60 to 80)": "#E69F00",
    "highly suspicious (80 and more)": "#D55E00",
}
_TIER_FROM = (40, 60, 80)
_WIDTH = 560


def alerts_per_month(alerts: pa.Table) -> bytes:
    """Market alerts per month, stacked by type. Columns used: session (date), alert_type. Returns a PNG."""
    import altair as alt

    months = pc.strftime(alerts.column("session"), "%Y-%m")
    counted = pa.Table.from_arrays([months, alerts.column("alert_type")], names=["month", "type"])
    counted = counted.group_by(["month", "type"]).aggregate([([], "count_all")])
    names = {code: ALERT_TYPES[code] for code in _TYPE_COLOURS}
    rows = [
        {"month": r["month"] + "-01", "type": names.get(r["type"], clean(r["type"])), "alerts": r["count_all"]}
        for r in counted.sort_by([("month", "ascending"), ("type", "ascending")]).to_pylist()
    ]
    chart = (
        alt.Chart(_data(rows), title=_title("Market alerts per month", rows))
        .mark_bar(binSpacing=0)
        .encode(
            x=alt.X("yearmonth(month):T", title="Month of the session", axis=alt.Axis(labelOverlap=True)),
            y=alt.Y("sum(alerts):Q", title="Alerts (ticker-days by type)"),
            color=alt.Color(
                "type:N",
                title="Type",
                scale=alt.Scale(domain=list(names.values()), range=list(_TYPE_COLOURS.values())),
            ),
        )
        .properties(width=_WIDTH, height=220)
    )
    return _png(chart)


def score_distribution(correlations: pa.Table) -> bytes:
    """How the timing scores of the scored trades are spread, with the tiers' boundaries. Column used: score.

    Bins are 5 points wide, the last one closed (95 to 100). Returns a PNG.
    """
    import altair as alt

    scores = correlations.column("score").drop_null().to_numpy()
    counts, _ = np.histogram(scores, bins=np.arange(0, 101, 5))
    tiers = list(_TIER_COLOURS)
    rows = [
        {
            "from": low,
            "to": low + 5,
            "trades": int(n),
            "tier": tiers[sum(low >= t for t in _TIER_FROM)],
        }
        for low, n in zip(range(0, 100, 5), counts, strict=True)
    ]
    bars = (
        alt.Chart(_data(rows), title=_title(f"Timing scores of {scores.size:,} scored trades", [*scores[:1]]))
        .mark_bar(stroke="white", strokeWidth=0.5)
        .encode(
            x=alt.X("from:Q", title="Timing score (points, 0 to 100)", scale=alt.Scale(domain=[0, 100])),
            x2="to:Q",
            y=alt.Y("trades:Q", title="Trades"),
            color=alt.Color("tier:N", title="Tier", scale=alt.Scale(domain=tiers, range=list(_TIER_COLOURS.values()))),
        )
    )
    rules = (
        alt.Chart(_data([{"at": t} for t in _TIER_FROM])).mark_rule(strokeDash=[4, 3], color="#333333").encode(x="at:Q")
    )
    return _png((bars + rules).properties(width=_WIDTH, height=220))


def ranking_intervals(ranking: pa.Table, *, limit: int = 20, name: str = "official") -> bytes:
    """Share of suspicious trades with its Wilson 95 % interval, a line per ranked row in rank order.

    Columns used: rank, rate, rate_low, rate_high, suspicious, n_scored and the one that `name` says. Returns a PNG.
    """
    import altair as alt

    columns = ["rank", "rate", "rate_low", "rate_high", "suspicious", "n_scored", name]
    ranked = ranking.select(columns).filter(pc.is_valid(ranking.column("rank")))
    rows: list[dict[str, Any]] = []
    for r in ranked.sort_by([("rank", "ascending")]).slice(0, limit).to_pylist():
        label = f"{r['rank']}. {clean(r[name], 32)} ({r['suspicious']}/{r['n_scored']})"
        rows.append({"row": label, "rate": r["rate"], "low": r["rate_low"], "high": r["rate_high"]})
    axis = alt.Axis(format=".0%", tickCount=5)
    title = "Share of scored trades with score 60 or more (95 % interval)"
    base = alt.Chart(_data(rows)).encode(
        y=alt.Y("row:N", sort=None, title=None, axis=alt.Axis(labelLimit=260)),
    )
    lines = base.mark_rule(color="#0072B2", strokeWidth=2).encode(
        x=alt.X("low:Q", title=title, axis=axis, scale=alt.Scale(domain=[0, 1])), x2="high:Q"
    )
    dots = base.mark_point(color="#0072B2", filled=True, size=55, opacity=1).encode(x="rate:Q")
    head = _title(f"Raw ranking by {name}: a rank is not a finding", rows)
    return _png((lines + dots).properties(width=420, height=max(60, 20 * len(rows)), title=head))


def as_markdown_image(png: bytes, words: str = "chart") -> str:
    """A PNG as a Markdown image with a data address. Raises ValueError above 60 kB: metadata are kept for ever."""
    if len(png) > MAX_BYTES:
        raise ValueError(f"a chart of {len(png):,} bytes is too large for metadata (at most {MAX_BYTES:,})")
    alt_text = (clean(words) or "chart").replace("[", "(").replace("]", ")")
    return f"![{alt_text}](data:image/png;base64,{base64.b64encode(png).decode()})"


def _title(words: str, rows: Sequence[object]) -> str:
    return words if rows else f"{words}: no data"


def _data(rows: Sequence[Mapping[str, object]]) -> alt.Data:
    import altair as alt

    return alt.Data(values=[dict(r) for r in rows])


def _png(chart: alt.TopLevelMixin) -> bytes:
    """Draw a chart without a browser or a network, coarser where it would be too large for metadata."""
    import vl_convert as vlc

    looks = {"view": {"stroke": None}, "axis": {"labelFontSize": 11, "titleFontSize": 12}}
    body: dict[str, Any] = chart.to_dict()
    spec = json.dumps({**body, "config": {**body.get("config", {}), **looks}})
    for scale in (1.5, 1.0, 0.7):
        png = shrink(vlc.vegalite_to_png(spec, scale=scale))
        if len(png) <= MAX_BYTES:
            return png
    raise ValueError("the chart stays too large however coarsely it is drawn")
