"""The back-test of early warning as a page: the verdict first, then every figure it rests on.

Here belongs how the stored back-test is read and set. What it computes is in `domain/backtest/`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb

from cyberpi_assets.reports.evidence import chance
from cyberpi_assets.reports.figures import decimal, percent
from cyberpi_assets.reports.safe import clean, number

if TYPE_CHECKING:
    from rich.console import RenderableType

_SAMPLES = {
    "test": "incidents after 2021, dated within days or confirmed by month",
    "tuning": "incidents up to 2021: the weights were tuned on them",
    "with_c": "after 2021, incidents dated from recall included",
    "exact_day": "after 2021, where it is known whether the market was open",
    "with_options": "after 2021, where option activity is known",
}
_LEAST = (
    "A warning needs at least 20 incidents, a q value of at most 0.05, a lift whose interval lies above 1, and an area "
    "above the best simple baseline's with an interval above 0."
)
_READ = (
    "Area: the share of matched controls (same date, sector, size and volume, no incident within 90 days) that an "
    "incident's figure exceeds; 0.5 is chance. Lift: how much more often incidents than controls lie among the highest "
    "tenth of controls. Ninety-five per cent intervals resample companies and campaigns."
)
_READ_ALARMS = (
    "Right: an incident followed within the window; chance: as many as days at random would have had. PPV: the share "
    "that was right. Top 5: the same of the five highest scores of each week, against five at random. Lead: median "
    "days before the incident, against days on which nothing happened (pseudo)."
)

_RESULTS = """
SELECT horizon, score, kind, n_events, n_clusters, auc, auc_low, auc_high, q_value, lift, lift_low, lift_high,
       best_baseline, better, better_low, better_high, supported, words
FROM early_warning_backtest WHERE sample = $sample
ORDER BY CASE horizon WHEN 'primary' THEN 1 WHEN 'far' THEN 2 ELSE 3 END,
         CASE kind WHEN 'combined' THEN 1 WHEN 'part' THEN 2 WHEN 'feature' THEN 3 ELSE 4 END, score"""
_WINDOWS = {"primary": "30–14", "far": "60–31", "near": "13–2"}  # days before the first session after disclosure


def read(con: duckdb.DuckDBPyConnection, sample: str) -> dict[str, Any]:
    """The stored back-test of one sample as plain values: `results`, `alarms`, `events`, `null`; all may be empty."""

    def rows(query: str, **params: object) -> list[dict[str, Any]]:
        return con.execute(query, params or None).to_arrow_table().to_pylist()

    return {
        "sample": sample,
        "results": rows(_RESULTS, sample=sample),
        "alarms": rows("""
            SELECT * FROM backtest_alarms WHERE score IN ('combined', 'volume', 'random')
            ORDER BY CASE horizon WHEN 'primary' THEN 1 WHEN 'far' THEN 2 ELSE 3 END, score"""),
        "events": rows("""
            SELECT coalesce(reason, 'tested') AS reason, sample, count(*) AS n FROM backtest_events
            WHERE grade <> 'weak' GROUP BY ALL ORDER BY n DESC, 1, 2"""),
        "null": rows("""
            SELECT count(*) FILTER (draw > 0) AS draws, avg(auc) FILTER (draw > 0) AS mean,
                   max(p_procedure) AS p_procedure FROM backtest_null"""),
    }


def to_rich(found: dict[str, Any]) -> list[RenderableType]:
    """The page for a terminal."""
    from cyberpi_assets.reports import layout

    combined = [r for r in found["results"] if r["score"] == "combined"]
    parts: list[RenderableType] = [layout.heading("Early warning, tested on history")]
    if not combined:
        return [*parts, layout.text("Not tested: no incidents, or no back-test has been run.")]
    parts += [layout.text(r["words"], "bold" if r["horizon"] == "primary" else "") for r in combined]
    parts += ["", layout.text(f"Sample: {_SAMPLES.get(found['sample'], found['sample'])}. {_LEAST}"), ""]
    parts += [layout.heading("Scores before incidents, against matched controls"), _scores(found), layout.text(_READ)]
    parts += [
        "",
        layout.heading("Alarms a person would have had since 2022"),
        _alarms(found),
        layout.text(_READ_ALARMS),
    ]
    parts += ["", layout.heading("Which incidents could be tested"), _coverage(found)]
    null = found["null"][0] if found["null"] else {}
    if null.get("draws"):
        parts += [
            "",
            layout.text(
                f"The whole procedure on {null['draws']} sets of days without an incident: mean area "
                f"{decimal(number(null['mean']), 3)}; {chance(number(null['p_procedure']))} of them reach the area of "
                "the real days."
            ),
        ]
    return parts


def _scores(found: dict[str, Any]) -> RenderableType:
    from cyberpi_assets.reports import layout

    return layout.table(
        [("days", "left"), ("score", "left"), ("n", "right"), ("area", "right"), ("95 %", "right"), ("q", "right"),
         ("lift", "right"), ("95 %", "right"), ("over best baseline", "right")],
        [
            (
                _WINDOWS.get(r["horizon"], r["horizon"]), _name(r), f"{r['n_events']:,}", _two(r["auc"]),
                _span(r["auc_low"], r["auc_high"]), chance(number(r["q_value"])), _two(r["lift"]),
                _span(r["lift_low"], r["lift_high"]),
                f"{_two(r['better'])} ({_span(r['better_low'], r['better_high'])})" if r["better"] is not None else "–",
            )
            for r in found["results"]
            if r["n_events"]
        ],
    )  # fmt: skip


def _alarms(found: dict[str, Any]) -> RenderableType:
    from cyberpi_assets.reports import layout

    return layout.table(
        [("days", "left"), ("score", "left"), ("alarms", "right"), ("a month", "right"), ("right", "right"),
         ("chance", "right"), ("PPV", "right"), ("top 5", "right"), ("random 5", "right"), ("lead", "right"),
         ("pseudo", "right")],
        [
            (
                _WINDOWS.get(r["horizon"], r["horizon"]), r["score"], f"{r['alarms']:,}",
                decimal(number(r["per_month"]), 3),
                f"{r['hits']:,}", decimal(number(r["expected"]), 1), percent(number(r["precision"]), 2),
                percent(number(r["top_precision"]), 2), percent(number(r["top_random"]), 2),
                decimal(number(r["lead_median"]), 0), decimal(number(r["lead_pseudo"]), 0),
            )
            for r in found["alarms"]
        ],
    )  # fmt: skip


def _coverage(found: dict[str, Any]) -> RenderableType:
    from cyberpi_assets.reports import layout

    return layout.table(
        [("incidents", "right"), ("period", "left"), ("", "left")],
        [
            (f"{r['n']:,}", "after 2021" if r["sample"] == "test" else "up to 2021", clean(r["reason"]))
            for r in found["events"]
        ],
    )


def _name(row: dict[str, Any]) -> str:
    label = str(row["score"]).replace("_", " ")
    return f"{label} (baseline)" if row["kind"] == "baseline" else label


def _two(value: float | None) -> str:
    return decimal(number(value), 2)


def _span(low: float | None, high: float | None) -> str:
    return f"{_two(low)}–{_two(high)}"
