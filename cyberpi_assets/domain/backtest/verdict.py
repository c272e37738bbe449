"""What may be said: one sentence that follows the figures, whichever way they fall.

Here belong the words and the rule they follow. The figures are made in `whole.py`. `early_warnings` takes its words
about lead time from here too.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from cyberpi_assets.domain.backtest.registered import Registered, Window


def is_supported(row: Mapping[str, Any], rules: Registered) -> bool:
    """Whether a row of the back-test supports a warning.

    Enough incidents, beyond chance after correction, a lift whose interval lies above 1, and better than the best
    simple baseline with an interval above 0.
    """
    return (
        row["n_events"] >= rules.least_events
        and _above(row["lift_low"], 1.0)
        and _above(row["better_low"], 0.0)
        and row["q_value"] is not None
        and not math.isnan(row["q_value"])
        and row["q_value"] <= rules.level
    )


def _above(value: float | None, bound: float) -> bool:
    return value is not None and not math.isnan(value) and value > bound


def verdict(row: Mapping[str, Any], window: Window, rules: Registered, *, simulated: bool = False) -> str:
    """One sentence on one row of the back-test (`tables.EARLY_WARNING_BACKTEST`)."""
    where = f"{window.first} to {window.last} days before disclosure"
    world = " in the simulated world" if simulated else ""
    n = int(row["n_events"])
    if n < rules.least_events:
        return (
            f"Not enough to judge{world}: {n} incidents with data and controls, {rules.least_events} are asked for. "
            f"No warning {where} is claimed."
        )
    area = f"area under the curve {row['auc']:.2f} ({row['auc_low']:.2f} to {row['auc_high']:.2f})"
    if is_supported(row, rules):
        return (
            f"A signal {where}{world}: {area} over {n} incidents, q {row['q_value']:.3f}, lift {row['lift']:.1f} "
            f"({row['lift_low']:.1f} to {row['lift_high']:.1f}), better than {row['best_baseline']} by "
            f"{row['better']:.2f} ({row['better_low']:.2f} to {row['better_high']:.2f}). At the base rate "
            f"{row['ppv_base_rate']:.1%} of alarms would be right."
        )
    reasons: list[str] = []
    if row["q_value"] is None or math.isnan(row["q_value"]) or row["q_value"] > rules.level:
        reasons.append("no more than chance after correction")
    if not _above(row["lift_low"], 1.0):
        reasons.append("the interval of the lift includes 1")
    if not _above(row["better_low"], 0.0):
        reasons.append(f"not better than {row['best_baseline']} alone")
    return f"No warning {where} is supported{world}: {area} over {n} incidents; {', '.join(reasons)}."
