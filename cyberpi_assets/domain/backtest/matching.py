"""Controls: other tickers on the same date, of the same sector, size and volume, without an incident nearby.

Here belongs who is compared with whom. What is compared belongs to `measures.py`.

The order in which the demands give way, where fewer than five names meet them: all of sector, size quintile and volume
quintile; quintiles one apart; the sector alone; the size quintile alone. Within a step the nearest in size and volume
come first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cyberpi_assets.domain.backtest.events import Events
from cyberpi_assets.domain.backtest.grid import Grid
from cyberpi_assets.domain.backtest.registered import Registered
from cyberpi_assets.domain.features import Floats, Ints

STEPS = ("sector, size and volume", "quintiles one apart", "sector alone", "size alone")
_QUINTILES = np.array([0.2, 0.4, 0.6, 0.8])


@dataclass(frozen=True)
class Matched:
    """Controls of each event: rows of the grid, -1 where there are fewer. Shapes: (events, most), (events,) twice."""

    controls: Ints
    number: Ints
    step: Ints  # the last step that was needed; -1 where too few were found


def quintiles(levels: Floats) -> Ints:
    """0 to 4 among the known values, -1 for unknown ones. Shape: as given."""
    out = np.full(levels.size, -1, dtype=np.int64)
    known = np.isfinite(levels)
    if known.any():
        out[known] = np.searchsorted(np.quantile(levels[known], _QUINTILES), levels[known], side="right")
    return out


class Matcher:
    """Finds controls on any date of a grid."""

    def __init__(self, grid: Grid, events: Events, rules: Registered) -> None:
        """Name the grid, all incidents of every grade (they keep controls clear), and the registration."""
        self.grid, self.rules = grid, rules
        self.furthest = max(w.first for w in rules.windows)
        placed = events.row >= 0
        self.hit_row, self.hit_day = events.row[placed], events.day[placed].astype(np.int64)
        known = np.isfinite(grid.figures["market"])
        self.known = np.concatenate([np.zeros((known.shape[0], 1), np.int64), np.cumsum(known, axis=1)], axis=1)
        self.classes: dict[int, tuple[Ints, Ints]] = {}

    def match(self, rows: Ints, days: Ints) -> Matched:
        """Controls for tickers on days (since 1970-01-01). Shapes: (events,) twice."""
        most = self.rules.most_controls
        controls = np.full((rows.size, most), -1, dtype=np.int64)
        number, step = np.zeros(rows.size, np.int64), np.full(rows.size, -1, np.int64)
        for k in range(rows.size):
            chosen, needed = self._one(int(rows[k]), int(days[k]))
            if chosen.size >= self.rules.least_controls:
                controls[k, : chosen.size] = chosen
                number[k], step[k] = chosen.size, needed
        return Matched(controls, number, step)

    def _one(self, row: int, day: int) -> tuple[Ints, int]:
        low, high = self.grid.columns(np.array([day - self.furthest]), np.array([day - 1]))
        if low[0] < 1 or high[0] <= low[0]:
            return np.empty(0, np.int64), -1
        at = int(low[0]) - 1  # size and volume as they were before any window
        size, volume = self.grid.figures["size_level"][:, at], self.grid.figures["volume_level"][:, at]
        if at not in self.classes:
            self.classes[at] = quintiles(size.astype(np.float64)), quintiles(volume.astype(np.float64))
        size_class, volume_class = self.classes[at]
        if size_class[row] < 0:
            return np.empty(0, np.int64), -1
        held = self.known[:, high[0]] - self.known[:, low[0]]
        clear = held >= self.rules.least_days * (high[0] - low[0])
        clear &= size_class >= 0
        clear[self.hit_row[np.abs(self.hit_day - day) <= self.rules.clear_days]] = False
        clear[row] = False
        sector = (self.grid.sector == self.grid.sector[row]) & (self.grid.sector[row] >= 0)
        apart_size, apart_volume = np.abs(size_class - size_class[row]), np.abs(volume_class - volume_class[row])
        distance = np.abs(size - size[row]) + np.abs(volume - volume[row])
        steps = (
            sector & (apart_size == 0) & (apart_volume == 0),
            sector & (apart_size <= 1) & (apart_volume <= 1),
            sector,
            apart_size == 0,
        )
        taken = np.empty(0, np.int64)
        for number, allowed in enumerate(steps):
            fresh = np.setdiff1d(np.flatnonzero(allowed & clear), taken)
            fresh = fresh[np.lexsort((fresh, distance[fresh]))]
            taken = np.r_[taken, fresh][: self.rules.most_controls]
            if taken.size >= self.rules.least_controls:
                return taken, number
        return taken, len(steps) - 1
