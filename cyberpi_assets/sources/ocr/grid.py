"""The ruled table on a page: where its lines run, which cells they make, and which cells hold ink.

Here belongs what is seen in pixels alone, as arrays: 1 is ink. What a column means is in `form.py`; words come from
`engine.py`. Every function is bounded by the size of the page, which `images.py` bounds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

Ink = npt.NDArray[np.bool_]
Profile = npt.NDArray[np.float64]
Span = tuple[int, int]  # first pixel, and the one behind the last

DARK: Final = 150  # a grey level below this is ink
FEWEST_COLUMNS: Final = 10
_LONG = 0.4  # of the page's width that a row's line spans at least
_SOLID = 0.7  # of a row's height, or of a line's length, that is ink where a line runs
_THIN = 10  # pixels a line is thick at most, at 200 dots to the inch
_LOW = 16  # pixels a row is high at least
HEAD: Final = 80  # pixels the band with the columns' names is high at least
_TICK = 0.014  # of a cell's area that a tick's ink takes at least
_STROKE = 14  # pixels a straight stroke is long at least: the arm of a small cross is shorter
_NEAR = 6  # pixels around a row's edge in which its line lies
_DRIFT = 5  # pixels a line may wander from the head to the last row
_SKEWS: Final = tuple(sorted((tenths / 10 for tenths in range(-15, 16)), key=abs))  # degrees, the least first


@dataclass(frozen=True)
class Grid:
    """A table: the pixel rows and columns between its lines, (first, behind the last), from the top and the left."""

    rows: tuple[Span, ...]
    columns: tuple[Span, ...]


def skew(ink: Ink) -> float:
    """Degrees by which the page's level lines lean, -1.5 to 1.5: the shear under which they are sharpest."""
    small = ink[: ink.shape[0] // 2 * 2, : ink.shape[1] // 2 * 2]
    small = small[::2] | small[1::2]
    y, x = np.nonzero(small)
    if y.size == 0:
        return 0.0

    def sharpness(degrees: float) -> float:
        level = np.rint(y - np.tan(np.radians(degrees)) * x / 2).astype(np.int64)
        counts = np.bincount(level - level.min()).astype(np.float64)
        return float(np.square(np.diff(counts)).sum())

    found = [sharpness(degrees) for degrees in _SKEWS]
    return _SKEWS[int(np.argmax(found))]


def level_runs(ink: Ink, length: int) -> Ink:
    """Ink that belongs to a level run of at least `length` pixels; gaps of two pixels are bridged."""
    wide = ink.copy()
    wide[:, 1:] |= ink[:, :-1]
    wide[:, :-1] |= ink[:, 1:]
    padded = np.zeros((ink.shape[0], ink.shape[1] + 2), np.int8)
    padded[:, 1:-1] = wide
    edge = np.diff(padded, axis=1)
    row, start = np.nonzero(edge == 1)
    _, stop = np.nonzero(edge == -1)
    keep = stop - start >= length
    marks = np.zeros((ink.shape[0], ink.shape[1] + 1), np.int32)
    np.add.at(marks, (row[keep], start[keep]), 1)
    np.add.at(marks, (row[keep], stop[keep]), -1)
    return np.cumsum(marks, axis=1)[:, :-1] > 0


def _bands(profile: Profile, least: float) -> list[Span]:
    """Stretches of a profile that reach `least`, (first, behind the last); those a few pixels apart are one."""
    at = np.flatnonzero(profile >= least)
    if at.size == 0:
        return []
    breaks = np.flatnonzero(np.diff(at) > 3)
    first, last = at[np.r_[0, breaks + 1]], at[np.r_[breaks, at.size - 1]]
    return [(int(a), int(b) + 1) for a, b in zip(first, last, strict=True)]


def level_lines(ink: Ink) -> list[Span]:
    """Where lines run across the page, top to bottom, as (first, behind the last) pixel row."""
    runs = level_runs(ink, max(20, int(ink.shape[1] * 0.02)))
    # a line that leans by some pixels over the page lies in two or three pixel rows
    profile = runs.sum(axis=1).astype(np.float64)
    near = np.convolve(profile, np.ones(3), "same")
    return [b for b in _bands(near, ink.shape[1] * _LONG) if b[1] - b[0] <= 3 * _THIN]


def upright_lines(ink: Ink, top: int, bottom: int, solid: float = _SOLID) -> list[Span]:
    """Where lines run from `top` to `bottom`, left to right, as (first, behind the last) pixel column."""
    part = ink[top:bottom]
    if part.shape[0] == 0:
        return []
    wide = part.copy()
    wide[:, 1:] |= part[:, :-1]
    wide[:, :-1] |= part[:, 1:]
    return [b for b in _bands(wide.mean(axis=0), solid) if b[1] - b[0] <= 2 * _THIN]


def find_grid(ink: Ink) -> Grid | None:
    """The page's table of many columns, or None.

    Columns are those of the band with the columns' names; rows are all bands that the same upright lines cross, that
    one among them.
    """
    lines = level_lines(ink)
    bands = [(a[1], b[0]) for a, b in pairwise(lines) if b[0] - a[1] >= _LOW]
    crossed = {band: upright_lines(ink, band[0] + 2, band[1] - 2, 0.9) for band in bands}
    members = [band for band in bands if len(crossed[band]) > FEWEST_COLUMNS]
    if not members:
        return None
    tall = [band for band in members if band[1] - band[0] >= HEAD]
    # the head with the columns' names holds no printed boxes, whose frames look like lines in the rows below
    head = max(tall, key=lambda band: (len(crossed[band]), band[1] - band[0])) if tall else members[0]
    edges = crossed[head]
    through = np.array([[_runs(ink, band, edge) for edge in edges] for band in bands])
    through = through[through.sum(axis=1) >= FEWEST_COLUMNS]
    # a letter's stroke may look like a line in the head, and not in the rows
    edges = [edge for edge, share in zip(edges, through.mean(axis=0).tolist(), strict=True) if share >= 0.5]
    columns = tuple((a[1], b[0]) for a, b in pairwise(edges) if b[0] - a[1] >= _LOW // 2)
    if len(columns) < FEWEST_COLUMNS:
        return None
    rows = [band for band in bands if sum(_runs(ink, band, edge) for edge in edges) >= 0.8 * len(edges)]
    return Grid(tuple(rows), columns)


def _runs(ink: Ink, band: Span, edge: Span) -> bool:
    """Whether a line runs through a band, a few pixels to either side."""
    part = ink[band[0] : band[1], max(0, edge[0] - _DRIFT) : edge[1] + _DRIFT]
    return bool(part.any(axis=1).mean() >= _SOLID)


def text_rows(ink: Ink, band: Span, column: Span) -> list[Span]:
    """A band cut into one row per line of text in a column: what a row's missing line leaves together."""
    top, bottom = band
    lines = _bands(ink[top + 2 : bottom - 2, column[0] + 4 : column[1] - 4].sum(axis=1).astype(np.float64), 1.0)
    lines = [line for line in lines if line[1] - line[0] >= _LOW // 2]
    if len(lines) < 2:
        return [band]
    cuts = [top, *(top + 2 + (a[1] + b[0]) // 2 for a, b in pairwise(lines)), bottom]
    return list(pairwise(cuts))


def marks(ink: Ink, row: Span, column: Span) -> int:
    """Pixels of ink in a cell, its margins and all straight strokes over most of it left out.

    So the frame of a printed box, or what a line leaves at the cell's edge, is no mark; crosses and letters are.
    """
    (top, bottom), (left, right) = row, column
    part = ink[top + 3 : bottom - 3, left + 4 : right - 4]
    if part.shape[0] < 4 or part.shape[1] < 4 or not part.any():
        return 0
    straight = (
        level_runs(part, max(_STROKE, part.shape[1] * 6 // 10))
        | level_runs(part.T, max(_STROKE, part.shape[0] * 6 // 10)).T
    )
    near = straight.copy()
    near[1:] |= straight[:-1]
    near[:-1] |= straight[1:]
    near[:, 1:] |= straight[:, :-1]
    near[:, :-1] |= straight[:, 1:]
    return int((part & ~near).sum())


def ticked(ink: Ink, row: Span, columns: Sequence[Span]) -> list[int]:
    """Which of some like cells of a row are ticked, by position: those with clearly more marks than the others.

    Marks that reach half of the fullest cell's count too, so that two ticks, or a scribble over two cells, give both.
    """
    if not columns:
        return []
    amounts = np.array([marks(ink, row, column) for column in columns], dtype=np.float64)
    extra = amounts - np.sort(amounts)[(amounts.size - 1) // 2]
    area = (row[1] - row[0]) * float(np.median([b - a for a, b in columns]))
    if extra.max() < _TICK * area:
        return []
    return [int(i) for i in np.flatnonzero(extra >= extra.max() / 2)]


def runs_over(ink: Ink, row: Span, column: Span) -> bool:
    """Whether writing in a cell reaches the line to its right, so that its end may stand beyond.

    A line that leans into the cell is ink in most of its pixel rows, writing in a few.
    """
    touching = ink[row[0] + _NEAR : row[1] - _NEAR, column[1] - 3 : column[1] - 1].all(axis=1)
    return 2 <= int(touching.sum()) < 0.6 * touching.size


def ruled(ink: Ink, rows: Sequence[Span]) -> Ink:
    """Where the lines between rows run, a pixel more to either side: what to wipe before words are read."""
    near = np.zeros(ink.shape[0], np.bool_)
    for row in rows:
        for edge in row:
            near[max(0, edge - _NEAR) : edge + _NEAR] = True
    lines = level_runs(ink, max(40, int(ink.shape[1] * 0.03))) & near[:, None]
    wiped = lines.copy()
    wiped[1:] |= lines[:-1]
    wiped[:-1] |= lines[1:]
    return wiped
