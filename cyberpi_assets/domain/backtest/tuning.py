"""How the registered weights and the alarm threshold were found, on what was known by the end of 2021.

Here belongs the procedure, so that anybody can repeat it; its result stands in `registered.py`. Later data cannot
enter: what it is given must end with the tuning period, or it refuses.

A market feature's weight is how far its area under the curve over the primary window lies above one half, never below
zero, drawn half-way to the mean of all market features (some 75 incidents do not carry more) and rounded to 0.05.
Option data begin in July 2021: their features cannot be tuned and get the mean weight. The alarm percentile is the
lowest of a grid at which the combined score gives no more than the registered false alarms per ticker and month.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cyberpi_assets.domain.backtest.alarms import alarms, rate_per_month
from cyberpi_assets.domain.backtest.events import Events
from cyberpi_assets.domain.backtest.features import score
from cyberpi_assets.domain.backtest.grid import Grid, percentiles
from cyberpi_assets.domain.backtest.matching import Matcher
from cyberpi_assets.domain.backtest.measures import Sets, window_figures, wins
from cyberpi_assets.domain.backtest.registered import (
    FEATURES,
    MARKET_FEATURES,
    OPTION_FEATURES,
    TUNE_UNTIL,
    Registered,
)
from cyberpi_assets.domain.calendar import day_number

_PERCENTILES = (0.95, 0.96, 0.97, 0.975, 0.98, 0.985, 0.99, 0.9925, 0.995, 0.9975, 0.999)
_GRAIN = 0.05


class LaterData(ValueError):
    """Something after the tuning period was given to what tunes."""


def tuned(grid: Grid, events: Events, start: Registered) -> tuple[Registered, dict[str, float]]:
    """The registration with tuned weights and alarm percentile, and each market feature's area under the curve.

    Raises LaterData where the grid or any incident lies after `TUNE_UNTIL`.
    """
    last = day_number(TUNE_UNTIL)
    use = events.usable()
    if (grid.days.size and int(grid.days[-1]) > last) or bool((events.day > last).any()):
        raise LaterData(f"tuning sees nothing after {TUNE_UNTIL}")
    rows, days, cluster = events.row[use], events.day[use].astype(np.int64), events.cluster[use]
    matched = Matcher(grid, events, start).match(rows, days)
    window = next(w for w in start.windows if w.name == "primary")
    area: dict[str, float] = {}
    for name in MARKET_FEATURES:
        cells = grid.figures[name]
        sets = Sets(
            window_figures(cells, grid, rows, days, window, start),
            window_figures(cells, grid, matched.controls, days[:, None], window, start),
            cluster,
        ).kept(start.least_controls)
        area[name] = float(wins(sets).mean()) if sets.n else 0.5
    above = {name: max(a - 0.5, 0.0) for name, a in area.items()}
    mean = sum(above.values()) / len(above)
    if mean == 0.0:
        weight = dict.fromkeys(FEATURES, 1.0 / len(MARKET_FEATURES))
    else:
        half = {name: (a + mean) / 2 for name, a in above.items()}
        whole = sum(half.values())
        weight = {name: round(h / whole / _GRAIN) * _GRAIN for name, h in half.items()}
        weight |= dict.fromkeys(OPTION_FEATURES, 1.0 / len(MARKET_FEATURES))
    found = replace(start, weights=tuple((name, round(weight[name], 2)) for name in FEATURES))
    combined = percentiles(score(grid, FEATURES, found))
    for percentile in _PERCENTILES:
        if rate_per_month(alarms(combined, percentile, start.quiet_sessions), combined) <= start.false_alarms_month:
            return replace(found, alarm_percentile=percentile), area
    return replace(found, alarm_percentile=_PERCENTILES[-1]), area
