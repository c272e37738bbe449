"""The back-test from tables to tables.

Here belongs which samples, windows and scores are compared, and how the rows are put together. Every choice stands in
`registered.py`; the arithmetic in the modules beside.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from cyberpi_assets.domain.backtest import alarms as alarm
from cyberpi_assets.domain.backtest.events import PRIMARY, Events, events
from cyberpi_assets.domain.backtest.features import features
from cyberpi_assets.domain.backtest.grid import Grid
from cyberpi_assets.domain.backtest.matching import STEPS, Matched, Matcher
from cyberpi_assets.domain.backtest.measures import Sets, chance, interval, lift, over_clusters, window_figures, wins
from cyberpi_assets.domain.backtest.registered import (
    BASELINES,
    FEATURES,
    REGISTERED,
    TUNE_UNTIL,
    Registered,
    Window,
)
from cyberpi_assets.domain.backtest.verdict import is_supported, verdict
from cyberpi_assets.domain.evidence.multiplicity import q_values
from cyberpi_assets.domain.features import Bools, Floats, Ints
from cyberpi_assets.domain.sql import Frame
from cyberpi_assets.rules.figures import BacktestRules
from cyberpi_assets.tables import (
    BACKTEST_ALARMS,
    BACKTEST_EVENTS,
    BACKTEST_NULL,
    EARLY_WARNING_BACKTEST,
)

SCORES = ("combined", "market", "options")
_EPOCH = dt.date(1970, 1, 1)
_KINDS = {"combined": "combined", "market": "part", "options": "part"} | dict.fromkeys(BASELINES, "baseline")


@dataclass(frozen=True)
class Backtest:
    """The four tables of the back-test, as `tables.py` declares them."""

    results: pa.Table
    alarms: pa.Table
    events: pa.Table
    null: pa.Table


def backtest(
    bars: Frame,
    companies: pa.Table,
    option_volumes: Frame,
    alerts: Frame,
    incidents: pa.Table,
    market: str,
    draws: BacktestRules,
    *,
    simulated: bool = False,
    rules: Registered = REGISTERED,
) -> Backtest:
    """Test the registered score on every known incident. Deterministic.

    bars: `tables.DAILY_BARS`; companies: `tables.COMPANIES`; option_volumes: `tables.OPTION_VOLUMES`; alerts:
    `tables.MARKET_ALERTS`; incidents: `tables.INCIDENTS`; market: ticker of the market.
    """
    grid = features(bars, companies, option_volumes, alerts, market, rules)
    known = events(incidents, grid, rules)
    use = known.usable(("A", "B", "C"))
    matcher = Matcher(grid, known, rules)
    asked = np.flatnonzero(use)
    study = _Study(grid, known, asked, matcher.match(known.row[asked], known.day[asked].astype(np.int64)), rules, draws)
    return Backtest(
        _results(study, simulated=simulated),
        _alarms(study),
        _events(study),
        _null(study, matcher),
    )


@dataclass(frozen=True)
class _Study:
    grid: Grid
    events: Events
    asked: Ints  # usable incidents of grades A to C
    matched: Matched
    rules: Registered
    draws: BacktestRules

    @cached_property
    def raised(self) -> dict[str, Bools]:
        """Alarms of each score: of the combined one at the registered percentile, of others as often."""
        grid, rules = self.grid, self.rules
        out = {"combined": alarm.alarms(grid.figures["combined"], rules.alarm_percentile, rules.quiet_sessions)}
        often = alarm.rate_per_month(out["combined"], grid.figures["combined"])
        for name in (*SCORES[1:], *FEATURES, *BASELINES):
            if name not in out:
                percentile = alarm.percentile_for(grid.figures[name], often, rules.quiet_sessions)
                out[name] = alarm.alarms(grid.figures[name], percentile, rules.quiet_sessions)
        return out

    def sets(self, score: str, window: Window, which: Bools) -> Sets:
        """Matched sets of the incidents chosen among those asked for, complete ones only."""
        pick = np.flatnonzero(which & (self.matched.number > 0))
        rows, days = self.events.row[self.asked[pick]], self.events.day[self.asked[pick]].astype(np.int64)
        cells = self.grid.figures[score]
        return Sets(
            window_figures(cells, self.grid, rows, days, window, self.rules),
            window_figures(cells, self.grid, self.matched.controls[pick], days[:, None], window, self.rules),
            self.events.cluster[self.asked[pick]],
        )

    @cached_property
    def samples(self) -> dict[str, Bools]:
        """Which of the incidents asked for belong to each sample."""
        grade = np.array([self.events.grade[k] for k in self.asked], dtype=object)
        later = self.events.tested_on[self.asked]
        primary = np.isin(grade, PRIMARY)
        window = self.rules.windows[0]
        days = self.events.day[self.asked].astype(np.int64)
        options = window_figures(
            self.grid.figures["options"], self.grid, self.events.row[self.asked], days, window, self.rules
        )
        test = later & primary
        return {
            "test": test,
            "tuning": ~later & primary,
            "with_c": later,
            "exact_day": test & ~self.events.ambiguous[self.asked],
            "with_options": test & np.isfinite(options),
        }


def _results(study: _Study, *, simulated: bool) -> pa.Table:
    rows: list[dict[str, Any]] = []
    singles = [f for f in FEATURES if f not in BASELINES]
    for sample, which in study.samples.items():
        scores = (*SCORES, *singles, *BASELINES) if sample in ("test", "tuning") else (*SCORES, *BASELINES)
        of_sample: list[dict[str, Any]] = []
        for window in study.rules.windows:
            of_sample += _window(study, sample, window, which, scores)
        for row, q in zip(of_sample, q_values([r["p_value"] for r in of_sample]).tolist(), strict=True):
            row["q_value"] = q
            row["supported"] = row["kind"] != "baseline" and is_supported(row, study.rules)
            window = next(w for w in study.rules.windows if w.name == row["horizon"])
            worth = {"ppv_base_rate": _predictive(study, row["score"], window)}
            row["words"] = verdict(row | worth, window, study.rules, simulated=simulated)
        rows += of_sample
    return _table(EARLY_WARNING_BACKTEST, rows)


def _window(study: _Study, sample: str, window: Window, which: Bools, scores: tuple[str, ...]) -> list[dict[str, Any]]:
    """Rows of one sample and window, each against the best baseline on the same incidents."""
    raw = {name: study.sets(name, window, which) for name in scores}
    least, level = study.rules.least_controls, study.rules.level
    areas = {n: _area(raw[n].kept(least)) for n in BASELINES if n != "random"}
    best = max((n for n in areas if np.isfinite(areas[n])), key=lambda n: (areas[n], n), default=None)
    out: list[dict[str, Any]] = []
    for name in scores:
        sets = raw[name].kept(least)
        weights = over_clusters(sets.cluster, study.draws.resamples, study.rules.seed)
        won = wins(sets)
        low, high = interval(won, weights, level)
        raised = lift(sets, weights, level)
        better = _better(raw[name], raw[best], study) if best is not None and best != name else (np.nan,) * 3
        out.append(
            {
                "sample": sample, "horizon": window.name, "score": name, "kind": _KINDS.get(name, "feature"),
                "n_events": sets.n,
                "n_controls": int(np.isfinite(sets.control).sum()),
                "n_clusters": int(np.unique(sets.cluster).size),
                "auc": _area(sets), "auc_low": low, "auc_high": high,
                "p_value": chance(sets, study.draws.shuffles, study.rules.seed),
                "lift": raised.ratio, "lift_low": raised.low, "lift_high": raised.high,
                "sensitivity": raised.sensitivity,
                "best_baseline": best, "better": better[0], "better_low": better[1], "better_high": better[2],
            }
        )  # fmt: skip
    return out


def _area(sets: Sets) -> float:
    return float(wins(sets).mean()) if sets.n else float("nan")


def _better(mine: Sets, other: Sets, study: _Study) -> tuple[float, float, float]:
    """How far the area exceeds another score's over the incidents that have both, with its interval."""
    least = study.rules.least_controls
    both = np.isfinite(mine.event) & np.isfinite(other.event)
    both &= (np.isfinite(mine.control).sum(axis=1) >= least) & (np.isfinite(other.control).sum(axis=1) >= least)
    if np.count_nonzero(both) < 2:
        return float("nan"), float("nan"), float("nan")
    a, b = (Sets(s.event[both], s.control[both], s.cluster[both]) for s in (mine, other))
    apart = wins(a) - wins(b)
    weights = over_clusters(a.cluster, study.draws.resamples, study.rules.seed)
    return (float(apart.mean()), *interval(apart, weights, study.rules.level))


def _shares(study: _Study, raised: Bools, window: Window) -> tuple[float, float]:
    """Shares of test incidents and of their controls with an alarm in the window."""
    pick = np.flatnonzero(study.samples["test"] & (study.matched.number > 0))
    if not pick.size:
        return float("nan"), float("nan")
    rows, days = study.events.row[study.asked[pick]], study.events.day[study.asked[pick]].astype(np.int64)
    mine = alarm.any_alarm(raised, study.grid, rows, days, window.first, window.last)
    others = alarm.any_alarm(raised, study.grid, study.matched.controls[pick], days[:, None], window.first, window.last)
    return float(np.mean(mine)), float(np.nanmean(others))


def _predictive(study: _Study, score: str, window: Window) -> float:
    sensitivity, false = _shares(study, study.raised[score], window)
    days = window.first - window.last + 1
    return alarm.predictive_value(sensitivity, false, study.rules.base_rate_year, days)


def _alarms(study: _Study) -> pa.Table:
    grid, rules = study.grid, study.rules
    since = TUNE_UNTIL + dt.timedelta(days=1)
    begin = int(np.searchsorted(grid.days, (since - _EPOCH).days))
    use = study.events.usable() & study.events.tested_on
    pick = np.flatnonzero(study.samples["test"] & (study.matched.number > 0))
    rows, days = study.events.row[study.asked[pick]], study.events.day[study.asked[pick]].astype(np.int64)
    out: list[dict[str, Any]] = []
    for score in (*SCORES, *BASELINES):
        cells, raised = grid.figures[score].copy(), study.raised[score].copy()
        cells[:, :begin], raised[:, :begin] = np.nan, False
        leads = alarm.first_alarm(raised, grid, rows, days, rules)
        pseudo = alarm.first_alarm(raised, grid, study.matched.controls[pick], days[:, None], rules)
        for window in rules.windows:
            after = (window.first, window.last)
            then = alarm.followed(raised, cells, grid, study.events, use, after)
            weekly = alarm.top_of_weeks(cells, grid, study.events, use, after, rules.top_k, since)
            mine, others = _shares(study, raised, window)
            out.append(
                {
                    "score": score, "horizon": window.name, "since": since,
                    "alarms": then.alarms, "per_month": alarm.rate_per_month(raised, cells),
                    "hits": then.right, "expected": then.expected,
                    "ratio": then.right / then.expected if then.expected else None,
                    "ratio_low": then.low, "ratio_high": then.high,
                    "precision": then.right / then.alarms if then.alarms else None,
                    "event_share": mine, "control_share": others,
                    "ppv_base_rate": alarm.predictive_value(
                        mine, others, rules.base_rate_year, window.first - window.last + 1
                    ),
                    "weeks": weekly.weeks, "top_precision": weekly.precision, "top_random": weekly.random,
                    "lead_median": _median(leads), "lead_pseudo": _median(pseudo),
                    "lead_p": alarm.earlier(leads, pseudo), "n_lead": int(np.isfinite(leads).sum()),
                }
            )  # fmt: skip
    return _table(BACKTEST_ALARMS, out)


def _median(days: Floats) -> float | None:
    known = days[np.isfinite(days)]
    return float(np.median(known)) if known.size else None


def _events(study: _Study) -> pa.Table:
    found, rules = study.events, study.rules
    share: dict[str, Floats] = {}
    everyone = np.ones(study.asked.size, np.bool_)
    pick = np.flatnonzero(study.matched.number > 0)
    for window in rules.windows:
        sets = study.sets("combined", window, everyone)
        value = np.full(len(found.event_id), np.nan)
        value[study.asked[pick]] = np.where(np.isfinite(sets.event), wins(sets), np.nan)
        share[window.name] = value
    days = found.day.astype(np.int64)
    primary = window_figures(study.grid.figures["combined"], study.grid, found.row, days, rules.windows[0], rules)
    options = window_figures(study.grid.figures["options"], study.grid, found.row, days, rules.windows[0], rules)
    leads = alarm.first_alarm(study.raised["combined"], study.grid, found.row, days, rules)
    place = {int(k): i for i, k in enumerate(study.asked)}
    rows: list[dict[str, Any]] = []
    for k, event_id in enumerate(found.event_id):
        at = place.get(k)
        number = int(study.matched.number[at]) if at is not None else 0
        step = int(study.matched.step[at]) if at is not None else -1
        reason = found.why_not[k]
        if reason is None and number == 0:
            reason = f"fewer than {rules.least_controls} controls"
        rows.append(
            {
                "event_id": event_id, "ticker": found.ticker[k], "grade": found.grade[k],
                "event_day": _EPOCH + dt.timedelta(days=int(found.day[k])), "cluster": int(found.cluster[k]),
                "sample": "test" if found.tested_on[k] else "tuning",
                "used": reason is None, "reason": reason, "n_controls": number,
                "relaxed": STEPS[step] if step > 0 else None,
                "primary_score": primary[k], "primary_share": share["primary"][k],
                "far_share": share["far"][k], "near_share": share["near"][k],
                "options_known": bool(np.isfinite(options[k])), "first_alarm_days": leads[k],
            }
        )  # fmt: skip
    return _table(BACKTEST_EVENTS, rows)


def _null(study: _Study, matcher: Matcher) -> pa.Table:
    """The procedure from matching on, for each test incident's ticker on another day of the test period."""
    rules, grid = study.rules, study.grid
    window = rules.windows[0]
    which = study.samples["test"] & (study.matched.number > 0)
    rows, real = study.events.row[study.asked[which]], study.events.day[study.asked[which]].astype(np.int64)
    observed = study.sets("combined", window, which).kept(rules.least_controls)
    out = [{"draw": 0, "auc": _area(observed), "n_events": observed.n, "p_procedure": None}]
    admissible = [_free_days(study, int(r)) for r in rows]
    rng = np.random.default_rng(rules.seed)
    areas: list[float] = []
    for draw in range(1, study.draws.null_draws + 1 if rows.size else 1):
        days = np.array([rng.choice(a) if a.size else d for a, d in zip(admissible, real, strict=True)], np.int64)
        matched = matcher.match(rows, days)
        cells = grid.figures["combined"]
        sets = Sets(
            window_figures(cells, grid, rows, days, window, rules),
            window_figures(cells, grid, matched.controls, days[:, None], window, rules),
            study.events.cluster[study.asked[which]],
        ).kept(rules.least_controls)
        areas.append(_area(sets))
        out.append({"draw": draw, "auc": areas[-1], "n_events": sets.n, "p_procedure": None})
    known = np.array([a for a in areas if np.isfinite(a)])
    if known.size and np.isfinite(out[0]["auc"] or np.nan):
        out[0]["p_procedure"] = float((1 + np.count_nonzero(known >= float(out[0]["auc"] or 0))) / (1 + known.size))
    return _table(BACKTEST_NULL, out)


def _free_days(study: _Study, row: int) -> Ints:
    """Sessions of the test period on which the ticker has figures before, and no incident within the clear days."""
    grid, rules = study.grid, study.rules
    days = grid.days.astype(np.int64)
    good = days > (TUNE_UNTIL - _EPOCH).days + rules.windows[0].first
    low, high = grid.columns(days - rules.lead_first, days - 1)
    known = np.isfinite(grid.figures["combined"][row])
    total = np.r_[0, np.cumsum(known)]
    good &= (total[high] - total[low]) >= rules.least_days * np.maximum(high - low, 1)
    mine = study.events.row == row
    for day in study.events.day[mine]:
        good &= np.abs(days - int(day)) > rules.clear_days
    return days[good]


def _table(shape: Any, rows: list[dict[str, Any]]) -> pa.Table:
    """Rows as the table declares them; NaN is null."""
    columns: dict[str, Any] = {}
    for column in shape.columns:
        values: list[Any] = [r[column.name] for r in rows]
        columns[column.name] = pa.array(
            [None if isinstance(x, float) and np.isnan(x) else x for x in values], column.type
        )
    return pa.table(columns, schema=shape.schema)


def headline(results: pa.Table) -> dict[str, Any] | None:
    """The row that decides what may be said: the combined score, primary window, incidents after 2021."""
    for row in results.to_pylist():
        if (row["sample"], row["horizon"], row["score"]) == ("test", "primary", "combined"):
            return row
    return None
