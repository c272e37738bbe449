"""What a check found: over all it looked at, and for each month where the answer differs by month.

Here belongs the form of an answer. What is asked stands beside, and in `checks/`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

Detail = Mapping[Any, int | float | str | bool | None]


@dataclass(frozen=True)
class Part:
    """What a check found in one month."""

    passed: bool
    detail: Detail


@dataclass(frozen=True)
class Verdict:
    """What a check found: whether it holds, figures for whoever asks, and the same by month (YYYY-MM).

    `months` is None where the answer is not one of months.
    """

    passed: bool
    detail: Detail
    months: Mapping[str, Part] | None = None


NOTHING = Part(True, {})  # a month in which there is nothing to check


def by_month(
    found: pa.Table,
    holds: Callable[[Mapping[str, int]], bool],
    say: Callable[[Mapping[str, int]], Detail] = dict,
) -> Verdict:
    """A verdict from counts by month: one rule judges each month and the sums over all of them.

    found: month (YYYY-MM, never null, once each) and counts; a count that is null is none. `say` makes of counts what a
    reader is shown.
    """
    names = [n for n in found.schema.names if n != "month"]
    parts: dict[str, Part] = {}
    total = dict.fromkeys(names, 0)
    for row in found.sort_by("month").to_pylist():
        figures = {n: int(row[n] or 0) for n in names}
        parts[str(row["month"])] = Part(holds(figures), say(figures))
        total = {n: total[n] + figures[n] for n in names}
    return Verdict(holds(total), say(total), parts)


def counted(found: pa.Table, harmless: Collection[str]) -> Verdict:
    """The same for counts of what must not be: it holds where each is zero, but for the `harmless` ones."""
    return by_month(found, lambda figures: not any(n for name, n in figures.items() if name not in harmless))


def judged(parts: Mapping[str, Part], detail: Detail, *, failing: str) -> Verdict:
    """A verdict that holds where every month holds; `failing` names the figure that says how many do not."""
    wrong = sum(not p.passed for p in parts.values())
    return Verdict(wrong == 0, {**detail, failing: wrong}, dict(sorted(parts.items())))
